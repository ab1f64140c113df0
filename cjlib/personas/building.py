"""Building personas: variables, number, members, profiles, checks, cards, in this order."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from cjlib.columns import CUSTOMER, PERSONA
from cjlib.definitions import Text
from cjlib.errors import MissingSourceError
from cjlib.intervals import adjust_holm, estimate_weighted_share, unknown
from cjlib.interviews import Interviews
from cjlib.language import phrase
from cjlib.personas.behaviour import measure_behaviour
from cjlib.personas.cards import Card, Material, write_card
from cjlib.personas.checks import find_contradictions, measure_sensitivity
from cjlib.personas.choice import MOST_ROWS, Choice, choose_number
from cjlib.personas.clustering import assign, measure_margin
from cjlib.personas.model import Personas
from cjlib.personas.naming import RULE, name_personas
from cjlib.personas.profiles import (
    Trait,
    measure_distinctness,
    measure_profiles,
)
from cjlib.personas.quoting import NO_QUOTES, quote_members
from cjlib.personas.stability import label_refits, measure_persistence
from cjlib.personas.traits import log_traits, personas_of_customers, survey_traits
from cjlib.personas.variables import (
    Variables,
    read_behaviour_variables,
    read_survey_variables,
)
from cjlib.study import Study

NONE_BELOW: Final = 0.05  # margin: nearer than this to the border, a person belongs to none
SHAKY: Final = 0.6  # overlap with refits below which a persona is not to be relied on


def build_personas(
    study: Study,
    *,
    survey: Any = None,
    interactions: Any = None,
    interviews: Interviews | None = None,
    rng: np.random.Generator,
    centre: bool | None = None,
) -> Personas:
    """Make personas: segments of real customers, with how far each claim holds.

    Segments are made by k-means on the survey items whose role is in
    ``study.personas.segment_on``; without a survey, or without such items, on behaviour in
    the interactions table. Everything else known of people (roles in ``describe_by``, NPS,
    CSAT, CES, the log) only describes them, so that a difference there is a finding. How many
    segments, and whether any hold, is told by ``choose_number``; where none do, one persona
    stands for all. A person nearer than ``NONE_BELOW`` (relative) to the border between two
    segments belongs to none.

    Parameters
    ----------
    study : Study
    survey : Survey, optional
        Anything with a ``respondents`` table.
    interactions : Interactions, optional
        Anything with a ``table`` of contacts.
    interviews : Interviews, optional
        For quotes.
    rng : Generator
        Seed it with ``study.seed``.
    centre : bool, optional
        Take each person's own mean out of the ratings first. None: by the rule of
        ``read_survey_variables``, stated in ``notes``; ``sensitivity`` shows the other way.

    Raises
    ------
    MissingSourceError
        If there is neither a survey nor a log.
    TooFewError
        If fewer than 20 people can be placed.
    """
    respondents = None if survey is None else survey.respondents.reset_index(drop=True)
    contacts = None if interactions is None else interactions.table
    behaviour = None if contacts is None else measure_behaviour(study, contacts)
    variables = _variables(study, respondents, behaviour, centre, rng)
    choice = choose_number(
        variables, rng=rng, k=study.personas.k, smallest=study.privacy.minimum_base
    )
    members, order = _place(variables, choice)
    personas = members[PERSONA]
    placed = personas[variables.kept].reset_index(drop=True)
    ids = [f"persona-{i + 1}" for i in range(choice.k)]
    names = name_personas(study, variables, placed, ids)
    of_customer = personas_of_customers(study, members)
    traits, frame = _describe(study, variables, respondents, behaviour)
    profiles = measure_profiles(
        frame, personas, traits, weights=variables.weights, privacy=study.privacy,
        level=study.level,
    )  # fmt: skip
    distinct = [(frame, personas, traits)]
    if variables.source == "survey" and behaviour is not None:
        more, log_frame = log_traits(study, behaviour, used=set()), behaviour
        owners = log_frame[CUSTOMER].map(of_customer).astype("string")
        joined = owners.notna().to_numpy()
        log_frame, owners = log_frame[joined].reset_index(drop=True), owners[joined]
        owners = owners.reset_index(drop=True)
        added = measure_profiles(
            log_frame, owners, more, weights=np.ones(len(log_frame)), privacy=study.privacy,
            level=study.level,
        )  # fmt: skip
        profiles = pd.concat([profiles, added], ignore_index=True)
        distinct.append((log_frame, owners, more))
    sizes = _measure_sizes(study, variables, choice, members=members, order=order, names=names)
    contradictions = find_contradictions(variables, personas)
    material = Material(
        study, frame, personas, variables.weights, traits, profiles, sizes, of_customer,
        behaviour, contacts,
    )  # fmt: skip
    return Personas(
        members=members, sizes=sizes, choice=choice.table, k=choice.k, verdict=choice.verdict,
        reason=choice.reason, tests=choice.tests, profiles=profiles,
        distinctness=_distinctness(distinct, base=study.privacy.minimum_base),
        sensitivity=measure_sensitivity(variables, choice, rng=rng),
        contradictions=contradictions,
        cards=_write_cards(material, names, contradictions, interviews),
        items=tuple(variables.items["item"]), source=variables.source,
        notes=_notes(variables, interviews), language=study.language,
    )  # fmt: skip


def _variables(
    study: Study,
    respondents: pd.DataFrame | None,
    behaviour: pd.DataFrame | None,
    centre: bool | None,
    rng: np.random.Generator,
) -> Variables:
    if respondents is not None:
        found = read_survey_variables(study, respondents, centre=centre, rng=rng)
        if found is not None:
            return found
    if behaviour is None or behaviour.empty:
        raise MissingSourceError(
            "build_personas: personas must rest on a survey with items to segment on, or on a "
            f"log; the study '{study.id}' gave neither. Pass survey= or interactions=, and give "
            f"survey items one of the roles {', '.join(study.personas.segment_on)} in "
            "codebook.csv."
        )
    return read_behaviour_variables(behaviour)


def _place(variables: Variables, choice: Choice) -> tuple[pd.DataFrame, list[int]]:
    """Give everybody a persona or none, numbered by weight; also each one's k-means label."""
    values, weights = variables.matrix, variables.row_weights
    if choice.k == 1:
        labels, margin = np.zeros(len(values), dtype=np.int64), np.full(len(values), np.nan)
    else:
        centres = choice.fits[choice.k].centres
        labels, margin = assign(values, centres), measure_margin(values, centres)
    sure = ~(margin < NONE_BELOW)
    mass = np.bincount(labels[sure], weights=weights[sure], minlength=choice.k)
    order = [int(i) for i in np.argsort(-mass, kind="stable")]
    number = {label: f"persona-{i + 1}" for i, label in enumerate(order)}
    kept = np.flatnonzero(variables.kept)
    persona = np.full(len(variables.kept), None, dtype=object)
    persona[kept[sure]] = [number[int(label)] for label in labels[sure]]
    spread = np.full(len(variables.kept), np.nan)
    spread[kept] = margin
    members = variables.keys.copy()
    members[PERSONA] = pd.Series(persona, dtype="string")
    members["margin"] = spread
    return members, order


def _describe(
    study: Study,
    variables: Variables,
    respondents: pd.DataFrame | None,
    behaviour: pd.DataFrame | None,
) -> tuple[list[Trait], pd.DataFrame]:
    used = set(variables.items["item"])
    if variables.source == "survey" and respondents is not None:
        return survey_traits(study, respondents, used=used)
    if behaviour is None:
        return [], pd.DataFrame(index=range(len(variables.kept)))
    return log_traits(study, behaviour, used=used), behaviour.reset_index(drop=True)


def _measure_sizes(
    study: Study,
    variables: Variables,
    choice: Choice,
    *,
    members: pd.DataFrame,
    order: list[int],
    names: pd.DataFrame,
) -> pd.DataFrame:
    held = np.full(choice.k, np.nan)
    if choice.k > 1:
        labels = label_refits(choice.patterns.values, choice.refits[choice.k])
        fit = choice.fits[choice.k]
        held = measure_persistence(fit.labels, labels, choice.patterns.weights)
    rows = []
    everyone = float(len(members))
    for persona, label in [*zip(names[PERSONA], order, strict=True), ("none", -1)]:
        own = members[PERSONA].isna() if label < 0 else members[PERSONA].eq(persona)
        own = own.fillna(value=False).astype(bool)
        found = estimate_weighted_share(own, variables.weights, level=study.level)
        fields = {**found.as_dict(), "n": int(own.sum())}
        if 0 < own.sum() < study.privacy.minimum_cell:
            why = f"suppressed (fewer than {study.privacy.minimum_cell} people)"
            found = unknown(0, level=study.level, why=why)
            fields = {**found.as_dict(), "n": pd.NA}
        rows.append(
            {PERSONA: persona, **fields, "minimum": np.floor(found.low * everyone),
             "persistence": held[label] if label >= 0 else np.nan,
             "margin": float(members.loc[own, "margin"].median()) if own.any() else np.nan,
             "source": variables.source}
        )  # fmt: skip
    table = pd.DataFrame(rows).merge(names, on=PERSONA, how="left")
    table["n"] = table["n"].astype("Int64")
    table["minimum"] = table["minimum"].astype("Int64")
    table[["name_en", "name_fa", "item"]] = table[["name_en", "name_fa", "item"]].fillna("")
    return table


def _distinctness(
    parts: list[tuple[pd.DataFrame, pd.Series, list[Trait]]], *, base: int
) -> pd.DataFrame:
    if all(personas.nunique() < 2 for _, personas, _ in parts):
        parts = [(frame, personas, []) for frame, personas, _ in parts]
    tables = [measure_distinctness(f, p, t, base=base) for f, p, t in parts]
    table = pd.concat([t for t in tables if len(t)] or tables[:1], ignore_index=True)
    table["p_holm"] = adjust_holm(table["p_value"].to_numpy(dtype=float))
    return table


def _write_cards(
    material: Material,
    names: pd.DataFrame,
    contradictions: pd.DataFrame,
    interviews: Interviews | None,
) -> tuple[Card, ...]:
    labels = {t.name: t.label for t in material.traits}
    cards = []
    for row in names.itertuples():
        persona = str(row.persona)
        warnings = []
        for found in contradictions[contradictions[PERSONA].eq(persona)].itertuples():
            items = [labels.get(i, Text(i)) for i in str(found.items).split(", ")]
            warnings.append(
                Text(
                    *(
                        phrase(
                            f"persona.warning.{found.kind}",
                            lang,
                            items="، ".join(i.to(lang) for i in items)
                            if lang == "fa"
                            else ", ".join(i.to(lang) for i in items),
                        )
                        for lang in ("en", "fa")
                    )
                )
            )
        size = material.sizes.set_index(PERSONA).loc[persona]
        if size["persistence"] < SHAKY:
            warnings.append(
                Text(
                    phrase("persona.warning.unstable", "en"),
                    phrase("persona.warning.unstable", "fa"),
                )
            )
        quotes = (
            NO_QUOTES
            if interviews is None
            else quote_members(interviews, material.of_customer, persona)
        )
        cards.append(
            write_card(
                material, persona, Text(str(row.name_en), str(row.name_fa)), quotes,
                tuple(warnings),
            )
        )  # fmt: skip
    return tuple(cards)


def _notes(variables: Variables, interviews: Interviews | None) -> tuple[str, ...]:
    notes = [*variables.notes]
    placed = int(variables.kept.sum())
    if placed > MOST_ROWS:
        notes.append(
            f"The number of segments and their centres come from {MOST_ROWS:,} of the "
            f"{placed:,} rows, drawn at random; all rows are then placed."
        )
    notes.append(
        f"A person with a margin below {NONE_BELOW} (distance to the nearest centre at least "
        f"{1 - NONE_BELOW:.0%} of that to the second nearest) belongs to no persona."
    )
    notes.append("Intervals of sizes and profiles hold given the segments.")
    notes.append(RULE)
    if interviews is None:
        notes.append("There are no interviews to quote from.")
    return tuple(notes)
