"""Building personas: variables, number, members, profiles, checks, cards, in this order."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from cjlib.columns import CUSTOMER, PERSONA
from cjlib.definitions import Text
from cjlib.errors import JourneyError, MissingSourceError, TooFewError
from cjlib.intervals import adjust_holm
from cjlib.interviews import Interviews
from cjlib.language import phrase
from cjlib.personas.answers import read_survey_variables
from cjlib.personas.behaviour import measure_behaviour, read_behaviour_variables
from cjlib.personas.cards import Card, Material, write_card
from cjlib.personas.checks import find_contradictions, measure_sensitivity
from cjlib.personas.choice import MOST_ROWS, Choice, choose_number
from cjlib.personas.members import NONE_BELOW, measure_refits, measure_sizes, place_members
from cjlib.personas.methods import Segments, fit_segments, take_centres
from cjlib.personas.model import Personas
from cjlib.personas.naming import RULE, name_personas
from cjlib.personas.profiles import (
    Trait,
    measure_distinctness,
    measure_profiles,
)
from cjlib.personas.quoting import NO_QUOTES, quote_members
from cjlib.personas.traits import (
    log_traits,
    personas_of_customers,
    survey_traits,
    theme_traits,
)
from cjlib.personas.variables import Variables
from cjlib.study import Study

FEWEST: Final = 2  # segments that must be possible before any number is tried
SHAKY: Final = 0.6  # overlap with refits below which a persona is not to be relied on


def build_personas(
    study: Study,
    *,
    survey: Any = None,
    interactions: Any = None,
    interviews: Interviews | None = None,
    rng: np.random.Generator,
    method: str = "",
    style: str = "",
) -> Personas:
    """Make personas: segments of real customers, with how far each claim holds.

    Segments are made by ``study.personas.method`` on the survey items whose role is in
    ``study.personas.segment_on``, beside them on the behaviour and themes that ``events`` and
    ``themes`` name; without a survey, or without such items, on behaviour in the
    interactions table. Everything else known of people (roles in ``describe_by``, NPS,
    CSAT, CES, the log) only describes them, so that a difference there is a finding. How many
    segments, and whether any hold, is told by ``choose_number``; where none do, one persona
    stands for all. A person nearer than ``NONE_BELOW`` to the border between two segments
    belongs to none (``place_members``).

    Parameters
    ----------
    study : Study
    survey : Survey, optional
        Anything with a ``respondents`` table.
    interactions : Interactions, optional
        Anything with a ``table`` of contacts.
    interviews : Interviews, optional
        For quotes, and for the codes that ``personas.themes`` names.
    rng : Generator
        Seed it with ``study.seed``.
    method : str
        One of ``METHODS``, in place of the study's; ``sensitivity`` shows the others.
    style : str
        What of a person's way of answering is taken out of the ratings, in place of the
        study's; see ``read_survey_variables``. Stated in ``notes``; ``sensitivity`` shows
        another way. Latent classes take answers as they are.

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
    method = method or study.personas.method
    variables = _variables(
        study, respondents, behaviour, interviews=interviews, style=style, method=method, rng=rng
    )
    _require_variety(variables, study.personas.k or FEWEST)
    choice = choose_number(
        variables, rng=rng, k=study.personas.k, smallest=study.privacy.minimum_base,
        method=method,
    )  # fmt: skip
    segments = _make_segments(variables, choice, method, rng)
    members, order = place_members(variables, segments)
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
        used = set(variables.items["item"])
        more, log_frame = log_traits(study, behaviour, used=used), behaviour
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
    sizes = measure_sizes(
        study, variables, members=members, order=order, names=names,
        held=measure_refits(choice),
    )  # fmt: skip
    contradictions = find_contradictions(variables, personas)
    material = Material(
        study, frame, personas, variables.weights, traits, profiles, sizes, of_customer,
        behaviour, contacts,
    )  # fmt: skip
    return Personas(
        members=members, sizes=sizes, number=choice, variables=variables, k=choice.k,
        verdict=choice.verdict,
        reason=choice.reason, tests=choice.tests, profiles=profiles,
        distinctness=_distinctness(distinct, base=study.privacy.minimum_base),
        sensitivity=measure_sensitivity(variables, segments, rng=rng),
        contradictions=contradictions,
        cards=_write_cards(material, names, contradictions, interviews),
        items=tuple(variables.items["item"]), source=variables.source,
        notes=_notes(variables, segments, interviews), language=study.language,
    )  # fmt: skip


def _variables(
    study: Study,
    respondents: pd.DataFrame | None,
    behaviour: pd.DataFrame | None,
    *,
    interviews: Interviews | None,
    style: str,
    method: str,
    rng: np.random.Generator,
) -> Variables:
    style = style or study.personas.style
    if method == "latent_class" and style not in ("auto", "none"):
        raise JourneyError(
            f"build_personas: latent classes take answers as categories, so style must be auto "
            f"or none; got {style!r}. Take another method to correct the answering style."
        )
    if respondents is not None:
        found = read_survey_variables(
            study, respondents, style="none" if method == "latent_class" else style,
            behaviour=behaviour, interviews=interviews, rng=rng,
        )  # fmt: skip
        if found is not None:
            return found
    if behaviour is None or behaviour.empty:
        raise MissingSourceError(
            "build_personas: personas must rest on a survey with items to segment on, or on a "
            f"log; the study '{study.id}' gave neither. Pass survey= or interactions=, and give "
            f"survey items one of the roles {', '.join(study.personas.segment_on)} in "
            "codebook.csv."
        )
    return read_behaviour_variables(study, behaviour)


def _require_variety(variables: Variables, k: int) -> None:
    different = len(np.unique(variables.matrix.round(12), axis=0))
    if different < 2 * k:
        raise TooFewError(
            f"build_personas: {k} segments need at least {2 * k} people who answer differently; "
            f"there are {different} different answers among {len(variables.scaled):,} people. Ask "
            "for fewer personas (personas.k in study.yaml), or give more items a role in "
            "personas.segment_on."
        )


def _make_segments(
    variables: Variables, choice: Choice, method: str, rng: np.random.Generator
) -> Segments:
    if choice.k in choice.fits:
        return take_centres(variables, choice.fits[choice.k])
    if choice.k in choice.made:
        return choice.made[choice.k].place_all(variables)
    return fit_segments(variables, choice.k, method=method, rng=rng)


def _describe(
    study: Study,
    variables: Variables,
    respondents: pd.DataFrame | None,
    behaviour: pd.DataFrame | None,
) -> tuple[list[Trait], pd.DataFrame]:
    used = set(variables.items["item"])
    if variables.source == "survey" and respondents is not None:
        traits, frame = survey_traits(study, respondents, used=used)
        themes = theme_traits(variables)
        return [*traits, *themes], frame.join(variables.raw[[t.name for t in themes]])
    if behaviour is None:
        return [], pd.DataFrame(index=range(len(variables.kept)))
    return log_traits(study, behaviour, used=used), behaviour.reset_index(drop=True)


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


def _notes(
    variables: Variables, segments: Segments, interviews: Interviews | None
) -> tuple[str, ...]:
    notes = [*variables.notes]
    placed = int(variables.kept.sum())
    if placed > MOST_ROWS:
        notes.append(
            f"The number of segments and their centres come from {MOST_ROWS:,} of the "
            f"{placed:,} rows, drawn at random; all rows are then placed."
        )
    told = (
        f"distance to the nearest centre at least {1 - NONE_BELOW:.0%} of that to the second "
        "nearest"
        if segments.memberships is None
        else f"the second most probable segment at least {1 - NONE_BELOW:.0%} as probable as the "
        "first"
    )
    notes.append(f"Segments are made by {segments.method}.")
    notes.append(f"A person with a margin below {NONE_BELOW} ({told}) belongs to no persona.")
    notes.append("Intervals of sizes and profiles hold given the segments.")
    notes.append(RULE)
    if interviews is None:
        notes.append("There are no interviews to quote from.")
    return tuple(notes)
