"""The precision a survey reached: how many answers, worth how many, and how wide the margin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd

from cjlib.columns import ESTIMATE, METRIC, WAVE, WEIGHT, N
from cjlib.errors import ColumnError
from cjlib.intervals import DETRACTOR, PROMOTER, Floats, kish_effective_n, measure_error
from cjlib.metrics.answers import require_scale
from cjlib.metrics.scores import score_figures, top_box
from cjlib.metrics.tables import ITEM, direction_of, ends, label_of, shown
from cjlib.study import Study

COLUMNS: Final = (
    METRIC, ITEM, "label", WAVE, ESTIMATE, "low", "high", "level", N, "method", "effective_n",
    "design_effect", "error", "margin", "unit",
)  # fmt: skip
UNITS: Final = {"nps": "points", "csat_top_box": "share"}
_UNIT: Final = {"points": "points", "share": "(a share of 1)", "score": "scale points"}


class HasRespondents(Protocol):
    """Anything that carries the respondents table and its study."""

    @property
    def respondents(self) -> pd.DataFrame:
        """One row per person and wave."""

    @property
    def study(self) -> Study:
        """What the columns mean."""


@dataclass(frozen=True, slots=True, eq=False)
class Precision:
    """What ``measure_precision`` found.

    Attributes
    ----------
    table : DataFrame
        One row per headline metric and wave: ``metric, item, label, wave, estimate, low, high,
        level, n, method``; ``effective_n`` (Kish: equally weighted answers worth as much) and
        ``design_effect`` (n / effective_n) of those who answered; ``error`` (design-based
        standard error); ``margin`` (half the width of the interval); ``unit`` (points, share,
        or score: the item's own scale).
    """

    table: pd.DataFrame

    def summary(self) -> str:
        """Say the widest margin of each kind of metric, in one sentence."""
        known = self.table[self.table["margin"].notna()]
        if known.empty:
            return "No headline metric has enough answers to say how precise it is."
        parts = []
        for metric, rows in known.groupby(METRIC, sort=False):
            row = rows.iloc[int(rows["margin"].to_numpy(dtype=float).argmax())]
            margin = f"{row['margin']:.{1 if row['unit'] == 'points' else 2}f}"
            parts.append(
                f"{metric} to within {margin} {_UNIT[row['unit']]} or better (worst: "
                f"{row[ITEM]} in {row[WAVE]}, n {row[N]:,}, effective n {row['effective_n']:,.0f})"
            )
        return f"Known at {known['level'].iloc[0]:.0%}: {'; '.join(parts)}."


def measure_precision(survey: HasRespondents) -> Precision:
    """Measure how precisely each headline metric is known, wave by wave.

    The headline of an item is the NPS, the mean or top-box share of CSAT (the study's
    position) or the mean of CES, weighted where the respondents carry weights. Fewer answers
    than the study's minimum base: "too few", and no margin.

    Parameters
    ----------
    survey : Survey
        Anything with ``respondents`` and ``study``.

    Raises
    ------
    ColumnError
        If the codebook marks no answered item as nps, csat or ces.

    References
    ----------
    Kish, L. (1992). Journal of Official Statistics 8, 183-200.
    """
    study, people = survey.study, survey.respondents
    items = [item for item in study.codebook.items if item.metric and item.name in people.columns]
    if not items:
        raise ColumnError(
            "measure_precision: the codebook must mark at least one answered item as nps, csat "
            "or ces; none is. Fill its column 'metric'."
        )
    rows: list[dict[str, Any]] = []
    for item in items:
        low, high = ends(item)
        figure = _headline(item.metric, study)
        for wave, part in people.groupby(WAVE, sort=False):
            x = part[item.name].to_numpy(dtype=float, na_value=np.nan)
            w = part[WEIGHT].to_numpy(dtype=float, na_value=np.nan)
            known = ~np.isnan(x) & (w > 0)
            x, w = x[known], w[known]
            if len(x) == 0:
                continue
            what = f"answers to '{item.name}'"
            require_scale(x, low, high, what=what, caller="measure_precision")
            figures = score_figures(
                item.metric, x, w, low, high, direction=direction_of(study), level=study.level
            )
            found = shown(figures[figure], study.privacy)
            effective = kish_effective_n(w)
            enough = not np.isnan(found[ESTIMATE]) and len(x) > 1
            rows.append(
                {
                    METRIC: figure, ITEM: item.name, "label": label_of(item, study), WAVE: wave,
                    **found, "unit": UNITS.get(figure, "score"),
                    "effective_n": effective if enough else np.nan,
                    "design_effect": len(x) / effective if enough else np.nan,
                    "error": _error(figure, x, w, (low, high)) if enough else np.nan,
                    "margin": (found["high"] - found["low"]) / 2,
                }
            )  # fmt: skip
    return Precision(pd.DataFrame(rows, columns=list(COLUMNS)).astype({N: "Int64"}))


def _headline(metric: str, study: Study) -> str:
    if metric == "csat" and study.positions.csat == "top_box":
        return "csat_top_box"
    return "nps" if metric == "nps" else f"{metric}_mean"


def _error(figure: str, x: Floats, w: Floats, scale: tuple[float, float]) -> float:
    """Design-based standard error of the headline figure, in its unit."""
    points = x
    if figure == "nps":
        points = 100.0 * ((x >= PROMOTER).astype(float) - (x <= DETRACTOR))
    elif figure == "csat_top_box":
        points = (x >= top_box(*scale)).astype(float)
    return measure_error(points, w)[0]
