"""Survey answers as segmentation variables, with behaviour and themes beside them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from cjlib.codebook import Item
from cjlib.columns import RESPONDENT, require_columns
from cjlib.definitions import Text
from cjlib.errors import JourneyError, MissingSourceError
from cjlib.interviews import Interviews
from cjlib.personas.behaviour import join_behaviour
from cjlib.personas.clustering import Floats
from cjlib.personas.themes import join_themes
from cjlib.personas.variables import (
    MOST_MISSING,
    Variables,
    drop_constant,
    item_columns,
    read_keys,
    read_weights,
    require_finite,
    require_rows,
    settle_items,
    to_numbers,
)
from cjlib.study import Study
from cjlib.survey import complete_answers

CENTRE_FROM: Final = 5  # rating items needed before a person's own level is taken out unasked
CENTRE_POINTS: Final = 4  # points the scale must have for that
AUTO: Final = "auto"
STYLE_NOTES: Final = {
    "none": "Answers are used at the level they were given.",
    "level": "Each person's own mean over the rating items is taken out first, so that segments "
    "differ in what matters more to them than the rest, not in how high they rate everything.",
    "level_and_spread": "Each person's own mean over the rating items is taken out first and what "
    "is left divided by their own standard deviation (times the usual one), so that segments "
    "differ neither in how high people rate everything nor in how far they use the scale.",
}
NOMINAL_NOTE: Final = (
    "An item with several unordered answers ({items}) weighs as one: different answers lie as far "
    "apart as a yes and a no."
)


def read_survey_variables(
    study: Study, respondents: pd.DataFrame, *, style: str = "",
    behaviour: pd.DataFrame | None = None, interviews: Interviews | None = None,
    rng: np.random.Generator | None = None,
) -> Variables | None:  # fmt: skip
    """Take the items whose codebook role is in ``study.personas.segment_on``.

    Scales and numbers as they are, ticks and options as 0 and 1, two-valued nominal items
    as 1 for the first code, other nominal items as categories. Beside them what
    ``study.personas.events`` names of each customer's behaviour, and the codes of
    ``study.personas.themes`` as 0 and 1 for those who were heard; a column of either known for
    fewer than half of the people is left out. The footing is told under ``Variables.scaled``.
    What happens to missing answers is the study's choice (``missing_answers``): "by_analysis"
    fills them with the item's median (a category: its commonest), "impute" by one draw from what
    the other items foretell (``complete_answers``; a category: one draw from its own answers), and
    in both rows with more than ``MOST_MISSING`` missing are set apart; "complete" sets apart every
    row with a gap. Latent classes use the answers given alone. ``notes`` tells which, and how many
    rows and gaps.

    Parameters
    ----------
    study : Study
    respondents : DataFrame
        One row per person and wave, columns as the codebook names them.
    style : str
        What of a person's way of answering is taken out of the rating items: "none", "level"
        (own mean), "level_and_spread" (own mean and standard deviation), or "auto": the level
        where there are at least ``CENTRE_FROM`` of them on a scale of ``CENTRE_POINTS`` or
        more. Empty: ``study.personas.style``.
    behaviour : DataFrame, optional
        As by ``measure_behaviour``; joined by customer.
    interviews : Interviews, optional
        Coded interviews or comments; joined by customer, or by respondent where known.
    rng : Generator, optional
        Needed where the study chooses to impute.

    Returns
    -------
    Variables or None
        None where the study names nothing to make segments on.

    Raises
    ------
    ColumnError
        If an answer is infinite or its code unknown.
    MissingSourceError
        If the study names events or themes and there is no log or no interviews.
    TooFewError
        If fewer than 20 people, or no item with two answers, are left.
    """
    require_columns(respondents, [RESPONDENT], caller="build_personas")
    columns: dict[str, pd.Series] = {}
    rows: list[dict[str, Any]] = []
    levels: dict[str, tuple[str, ...]] = {}
    for item in study.codebook.items:
        if item.role in study.personas.segment_on:
            for name, column, row in _read_item(item, respondents):
                columns[name] = column
                rows.append({**row, "source": "survey"})
                if item.kind == "nominal":
                    levels[name] = tuple(item.labels)
    keys = read_keys(respondents)
    joined, more, notes = _join(study, keys, behaviour, interviews)
    twice = sorted(set(joined) & set(columns))
    if twice:
        raise JourneyError(
            f"build_personas: every variable must have its own name; {', '.join(twice)} is both a "
            "survey item and something of the log. Rename the item in codebook.csv."
        )
    columns, rows = columns | joined, rows + more
    if not columns:
        return None
    raw = pd.DataFrame({name: column.to_numpy() for name, column in columns.items()})
    for row in rows:
        if row["scaling"] != "category":
            raw[row["item"]] = raw[row["item"]].astype(float)
            require_finite(row["item"], raw[row["item"]].to_numpy())
        else:
            raw[row["item"]] = raw[row["item"]].astype("string")
    raw, items, dropped = drop_constant(raw, pd.DataFrame(rows))
    require_rows(len(raw), raw.shape[1])
    most = 0.0 if study.missing_answers == "complete" else MOST_MISSING
    kept = (raw.isna().mean(axis=1) <= most).to_numpy()
    require_rows(int(kept.sum()), raw.shape[1])
    used = raw[kept]
    items["filled"] = used.isna().sum().to_numpy()
    levels = {n: _used_levels(used[n], levels[n]) if n in used else () for n in levels}
    levels = {n: each for n, each in levels.items() if each}
    used, items, more_dropped = drop_constant(used, items)
    raw = raw[list(used.columns)]
    require_rows(int(kept.sum()), raw.shape[1])
    whole = _fill(used, study.missing_answers, rng)
    levels = _order_levels(whole, items, levels)
    items, scaled = _weigh_behaviour(*settle_items(whole, items, levels))
    filled = int(items["filled"].sum())
    notes = [_tell_gaps(kept, raw.shape[1], filled, study.missing_answers), *notes]
    notes += [*dropped, *more_dropped]
    nominal = list(items.loc[items["scaling"].eq("category"), "item"])
    if nominal:
        notes.append(NOMINAL_NOTE.format(items=", ".join(nominal)))
    found = Variables(
        "survey", keys, raw, kept, scaled, np.zeros(len(items), dtype=bool),
        read_weights(respondents), items, tuple(notes), levels,
    )  # fmt: skip
    style = style or study.personas.style
    styled = found.with_style(_choose_style(items) if style == AUTO else style)
    return styled.with_note(STYLE_NOTES[styled.style])


def _read_item(
    item: Item, respondents: pd.DataFrame
) -> list[tuple[str, pd.Series, dict[str, Any]]]:
    found = []
    for name, label in item_columns(item, respondents.columns):
        low, high, scaling, words = item.low, item.high, "", label
        column = respondents[name]
        if item.kind in ("tick", "multi"):
            low, high, column = 0.0, 1.0, to_numbers(column)
        elif item.kind in ("scale", "number"):
            column = to_numbers(column)
        elif item.kind == "money":  # its ends are told in its own unit, not the study's currency
            low, high, column = None, None, to_numbers(column)
        elif item.kind == "nominal" and len(item.labels) == 2:
            first = next(iter(item.labels))
            text = column.astype("string")
            column = text.eq(first).astype("Float64").mask(text.isna()).astype(float)
            low, high = 0.0, 1.0
            yes = item.labels[first]
            words = Text(f"{label.en} {yes.en}".strip(), f"{label.fa} {yes.fa}".strip())
        elif item.kind == "nominal" and len(item.labels) > 2:
            low, high, scaling, column = None, None, "category", column.astype("string")
        else:
            continue
        ranged = low is not None and high is not None
        found.append(
            (name, column, {
                "item": name, "role": item.role, "kind": item.kind, "label_en": words.to("en"),
                "label_fa": words.to("fa"),
                "scaling": scaling or ("range" if ranged else "standard"),
                "low": low if ranged else np.nan, "high": high if ranged else np.nan,
            })
        )  # fmt: skip
    return found


def _join(
    study: Study, keys: pd.DataFrame, behaviour: pd.DataFrame | None, interviews: Interviews | None
) -> tuple[dict[str, pd.Series], list[dict[str, Any]], list[str]]:
    columns: dict[str, pd.Series] = {}
    rows: list[dict[str, Any]] = []
    for wanted, source, word in (
        (study.personas.events, behaviour, "events"), (study.personas.themes, interviews, "themes"),
    ):  # fmt: skip
        if wanted and source is None:
            raise MissingSourceError(
                f"build_personas: personas.{word} names {', '.join(wanted)}, but no "
                f"{'log' if word == 'events' else 'interviews'} was given. Pass "
                f"{'interactions' if word == 'events' else 'interviews'}=, or drop the key."
            )
    if study.personas.events and behaviour is not None:
        for name, column, row in join_behaviour(study, keys, behaviour):
            columns[name] = column
            rows.append(row)
    if study.personas.themes and interviews is not None:
        for name, column, row in join_themes(study, keys, interviews):
            columns[name] = column
            rows.append(row)
    notes = []
    rare = {n: int(c.notna().sum()) for n, c in columns.items() if c.isna().mean() > MOST_MISSING}
    if rare:
        told = ", ".join(f"{name} ({n:,} of {len(keys):,})" for name, n in rare.items())
        notes.append(f"Left out because known for fewer than half of the people: {told}.")
    kept = [row for row in rows if row["item"] not in rare]
    if kept:
        told = ", ".join(f"{r['item']} ({int(columns[r['item']].notna().sum()):,})" for r in kept)
        notes.append(
            f"Beside the survey's answers stand, joined by customer: {told} of {len(keys):,} rows "
            "known; one customer's rows of several waves share them. Each weighs as one item."
        )
    return {row["item"]: columns[row["item"]] for row in kept}, kept, notes


def _used_levels(column: pd.Series, known: tuple[str, ...]) -> tuple[str, ...]:
    """Levels of the codebook that somebody chose; every level where the item is a tick."""
    if pd.api.types.is_numeric_dtype(column):
        return known
    seen = set(column.dropna().astype(str))
    return (*(code for code in known if code in seen), *sorted(seen - set(known)))


def _weigh_behaviour(items: pd.DataFrame, scaled: Floats) -> tuple[pd.DataFrame, Floats]:
    """Give behaviour the spread that is usual among the survey's items, so that one weighs as one.

    Ratings spread far less over their range than a number over its own; a few counts would
    else outweigh them all.
    """
    joined = items["source"].eq("interactions").to_numpy()
    asked = items["source"].eq("survey").to_numpy() & items["scaling"].ne("category").to_numpy()
    if not joined.any() or not asked.any():
        return items, scaled
    factor = np.where(joined, 2 * np.sqrt(scaled[:, asked].var(axis=0, ddof=1).mean()), 1.0)
    told = {"spread": items["spread"] / factor} | {n: items[n] * factor for n in ("cut", "fill")}
    return items.assign(**told), scaled * factor


def _order_levels(
    whole: pd.DataFrame, items: pd.DataFrame, levels: dict[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Order each nominal item's levels by their people's mean on the first principal component.

    Segments do not depend on the order. What compares the data with one population without
    groups draws on the rank correlation of the items, and this order lets a nominal item show
    most of what ties it to the others.
    """
    nominal = list(items.loc[items["scaling"].eq("category"), "item"])
    if not nominal:
        return levels
    settled, scaled = settle_items(whole, items, levels)
    parts = []
    for name, column in zip(settled["item"], scaled.T, strict=True):
        count = len(levels[name]) if name in nominal else 0
        parts.append(column[:, None] == np.arange(count) if count else column[:, None])
    table = np.hstack(parts).astype(float)
    scores = pd.Series(np.linalg.svd(table - table.mean(axis=0), full_matrices=False)[0][:, 0])
    mean = {n: scores.groupby(whole[n].astype(str).to_numpy()).mean() for n in nominal}
    return levels | {n: tuple(mean[n].sort_values(kind="stable").index) for n in nominal}


def _choose_style(items: pd.DataFrame) -> str:
    ratings = items["kind"].eq("scale") & items["scaling"].eq("range")
    points = (items["high"] - items["low"] + 1).where(ratings, 0)
    return "level" if (ratings & points.ge(CENTRE_POINTS)).sum() >= CENTRE_FROM else "none"


def _fill(used: pd.DataFrame, how: str, rng: np.random.Generator | None) -> pd.DataFrame:
    numbers = [c for c in used.columns if pd.api.types.is_numeric_dtype(used[c])]
    if how == "impute" and rng is None:
        raise JourneyError(
            "read_survey_variables: imputing must have an rng; got none. Pass "
            "rng=np.random.default_rng(study.seed)."
        )
    whole = used.copy()
    for name in used.columns.difference(numbers, sort=False):
        gone, column = used[name].isna(), used[name]
        if how == "impute" and rng is not None:
            draws = rng.choice(column.dropna().to_numpy(dtype=object), int(gone.sum()))
            whole.loc[gone, name] = pd.array(draws, dtype="string")
        else:
            whole[name] = column.fillna(str(column.mode().iloc[0]))
    if not numbers:
        return whole
    if how == "impute" and rng is not None and used[numbers].isna().any(axis=None):
        blank = used[numbers].isna().all(axis=1)  # only categories answered: medians stand in
        done = complete_answers(used[numbers], how="impute", rng=rng).frame
        whole.loc[~blank, numbers] = done
    whole[numbers] = whole[numbers].fillna(used[numbers].median())
    return whole


def _tell_gaps(kept: np.ndarray, items: int, filled: int, how: str) -> str:
    apart, cells = int((~kept).sum()), max(int(kept.sum()) * items, 1)
    if how == "complete":
        return (
            f"{apart:,} of {len(kept):,} rows lack an answer to one of the {items} items and are "
            "not placed: the study takes complete rows only."
        )
    by = (
        "by one draw from what the other items foretell"
        if how == "impute"
        else "with the item's median"
    )
    return (
        f"{apart:,} of {len(kept):,} rows lack more than half of the {items} items and are not "
        f"placed; {filled:,} other gaps ({filled / cells:.1%} of the answers) are filled {by}."
    )
