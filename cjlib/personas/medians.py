"""Medians with intervals, for what is skewed: ages, counts, waits."""

from __future__ import annotations

import numpy as np

from cjlib.intervals import (
    Estimate,
    Floats,
    are_even,
    design_effective_n,
    unknown,
    wilson_bounds,
)


def estimate_median(values: Floats, weights: Floats, *, level: float = 0.95) -> Estimate:
    """Weighted median with Woodruff's interval.

    The interval of the share below the median (Wilson at the effective number of rows,
    around one half) is read back as quantiles. Missing values are left out; the median is
    the least value with at least half of the weight at or below it, or the middle between it
    and the next where the half falls exactly between two.

    References
    ----------
    Woodruff, R. S. (1952). JASA 47, 635-646.
    """
    known = ~np.isnan(values) & (weights > 0)
    x, w = values[known], weights[known]
    n = len(x)
    if n == 0:
        return unknown(0, level=level, why="no rows")
    order = np.argsort(x, kind="stable")
    x, cumulated = x[order], np.cumsum(w[order]) / w.sum()
    middle = _quantile(x, cumulated, 0.5)
    effective = (
        float(n) if are_even(w) else design_effective_n((x <= middle).astype(np.float64), w[order])
    )
    low, high = wilson_bounds(np.array([effective / 2]), np.array([effective]), level=level)
    return Estimate(
        middle, _quantile(x, cumulated, float(low[0])),
        _quantile(x, cumulated, float(high[0])), level, n,
        "median, Woodruff" if are_even(w) else "weighted; median, Woodruff on the effective n",
    )  # fmt: skip


def _quantile(x: Floats, cumulated: Floats, share: float) -> float:
    place = int(np.searchsorted(cumulated, share - 1e-12))
    place = min(place, len(x) - 1)
    if abs(cumulated[place] - share) < 1e-12 and place + 1 < len(x):
        return float((x[place] + x[place + 1]) / 2)
    return float(x[place])
