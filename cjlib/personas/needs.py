"""Unmet needs: what matters much and satisfies little, after Ulwick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from cjlib.codebook import Item
from cjlib.columns import ESTIMATE, HIGH, LEVEL, LOW, METHOD, PERSONA, STAGE, N
from cjlib.intervals import Floats
from cjlib.personas.variables import item_label, to_numbers
from cjlib.study import Study

BEST_QUARTER: Final = 0.25  # of the scale: 4 and 5 of 1 to 5, 6 and 7 of 1 to 7
COLUMNS: Final = (
    PERSONA, "item", STAGE, "label_en", "label_fa", "importance", "satisfaction", ESTIMATE, LOW,
    HIGH, LEVEL, N, METHOD,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NeedPair:
    """A need and the satisfaction with the stage it is about.

    ``importance`` and ``satisfaction`` are columns of what ``read_needs`` returns.
    """

    need: Item
    outcome: Item
    importance: int
    satisfaction: int


def pair_needs(study: Study, frame: pd.DataFrame) -> list[NeedPair]:
    """Pair every rated need with the CSAT item of its stage, where there is one."""

    def rated(item: Item) -> bool:
        return item.kind == "scale" and item.low is not None and item.name in frame.columns

    outcomes = {
        item.stage: item
        for item in reversed(study.codebook.select(metric="csat"))
        if rated(item) and item.stage and not item.touchpoint
    }
    found: list[NeedPair] = []
    columns: dict[str, int] = {}
    for item in study.codebook.select(role="need"):
        if rated(item) and item.stage in outcomes:
            outcome = outcomes[item.stage]
            places = [columns.setdefault(i.name, len(columns)) for i in (item, outcome)]
            found.append(NeedPair(item, outcome, *places))
    return found


def read_needs(
    frame: pd.DataFrame, pairs: list[NeedPair], pains: list[str]
) -> tuple[Floats, Floats]:
    """Answers as 0 and 1 (0 where not given) and whether they were given: (people, columns).

    A rating counts where it lies in the ``BEST_QUARTER`` of its scale. Without pairs there is
    one column: whether a pain was named.
    """
    if not pairs and not pains:
        return np.zeros((len(frame), 0)), np.zeros((len(frame), 0))
    if not pairs:
        ticks = np.column_stack([to_numbers(frame[name]).to_numpy(dtype=float) for name in pains])
        known = (~np.isnan(ticks)).any(axis=1, keepdims=True)
        return (np.nan_to_num(ticks) > 0).any(axis=1, keepdims=True) * 1.0, known * 1.0
    items: dict[int, Item] = {}
    for pair in pairs:
        items |= {pair.importance: pair.need, pair.satisfaction: pair.outcome}
    columns = []
    for place in range(len(items)):
        item = items[place]
        low, high = float(item.low or 0), float(item.high or 0)
        x = to_numbers(frame[item.name]).to_numpy(dtype=np.float64)
        best = x >= high - BEST_QUARTER * (high - low)
        columns.append(np.where(np.isnan(x), np.nan, best))
    table = np.column_stack(columns)
    return np.nan_to_num(table), (~np.isnan(table)).astype(np.float64)


def measure_need(
    ids: list[str], place: np.ndarray, pairs: list[NeedPair], *, bare: Floats, drawn: Floats,
    known: Floats, study: Study,
) -> pd.DataFrame:  # fmt: skip
    """Tabulate the opportunity score of each need in each persona, from shares and resamples.

    Fewer than ``study.privacy.minimum_base`` answers to either question: too few.
    """
    tail = (1 - study.level) / 2
    base = study.privacy.minimum_base
    rows = []
    for i, persona in enumerate(ids):
        for j, pair in enumerate(pairs):
            own = known[place == i]
            n = int(min(own[:, pair.importance].sum(), own[:, pair.satisfaction].sum()))
            label = item_label(pair.need)
            score = importance = satisfaction = low = high = float("nan")
            if n >= base:
                score, importance, satisfaction = (float(v) for v in bare[:, 0, i, j])
                low, high = np.nanquantile(drawn[0, :, i, j], [tail, 1 - tail])
            rows.append(
                (persona, pair.need.name, pair.need.stage, label.to("en"), label.to("fa"),
                 importance, satisfaction, score, float(low), float(high), study.level, n,
                 "bootstrap of people" if n >= base else f"too few (n < {base})")
            )  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))
