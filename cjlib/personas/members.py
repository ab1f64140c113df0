"""Who belongs to which persona or to none, and how large each is."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from cjlib.columns import PERSONA
from cjlib.intervals import estimate_weighted_share, unknown
from cjlib.personas.choice import Choice
from cjlib.personas.clustering import Floats
from cjlib.personas.methods import Segments
from cjlib.personas.stability import measure_persistence
from cjlib.personas.variables import Variables
from cjlib.study import Study

NONE_BELOW: Final = 0.05  # margin: nearer than this to the border, a person belongs to none


def place_members(variables: Variables, segments: Segments) -> tuple[pd.DataFrame, list[int]]:
    """Give everybody a persona or none, numbered by the weight of those who clearly belong.

    A person whose margin (see ``Segments.margin``) is below ``NONE_BELOW`` belongs to none.

    Returns
    -------
    (members, order)
        ``respondent_id, customer_id, wave, persona, margin`` of every row, and the segment
        number of each persona.
    """
    sure = ~(segments.margin < NONE_BELOW)
    mass = np.bincount(
        segments.labels[sure], weights=variables.row_weights[sure], minlength=segments.k
    )
    order = [int(i) for i in np.argsort(-mass, kind="stable")]
    number = {label: f"persona-{i + 1}" for i, label in enumerate(order)}
    kept = np.flatnonzero(variables.kept)
    persona = np.full(len(variables.kept), None, dtype=object)
    persona[kept[sure]] = [number[int(label)] for label in segments.labels[sure]]
    spread = np.full(len(variables.kept), np.nan)
    spread[kept] = segments.margin
    members = variables.keys.copy()
    members[PERSONA] = pd.Series(persona, dtype="string")
    members["margin"] = spread
    return members, order


def measure_refits(choice: Choice) -> Floats:
    """Mean Jaccard overlap of each segment with its likeness in the bootstrap refits, (k,)."""
    if choice.k == 1:
        return np.full(1, np.nan)
    labels, again = choice.labels[choice.k], choice.refit_labels[choice.k]
    return measure_persistence(labels, again, choice.patterns.weights)


def measure_sizes(
    study: Study,
    variables: Variables,
    *,
    members: pd.DataFrame,
    order: list[int],
    names: pd.DataFrame,
    held: Floats,
) -> pd.DataFrame:
    """Share of each persona and of those in none, with interval; see ``Personas.sizes``."""
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
