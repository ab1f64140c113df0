"""Many looks at once: exact tests of shares, and the correction for their number."""

from __future__ import annotations

import numpy as np
from scipy import stats

from cjlib.journeys.clusters import Floats, Ints

EXACT_BELOW = 50  # smallest expected count from which chi-squared stands for the exact test


def compare_counts(a: Ints, b: Ints, first: int, second: int) -> tuple[Floats, list[str]]:
    """Two-sided p of no difference between shares a / first and b / second, many at once.

    Fisher's exact test where the smallest expected count is below 50 (the tables at most as
    likely as the one seen, all margins given), else Pearson's chi-squared, not corrected.

    Returns
    -------
    (p, method), one per pair of counts
        1 where nobody or everybody has the property.

    References
    ----------
    Agresti, A. (2013). Categorical Data Analysis, 3rd ed., sections 3.2 and 3.5. Wiley.
    """
    total = first + second
    have = (a + b).astype(float)
    rare = np.minimum(have, total - have) * min(first, second) / total < EXACT_BELOW
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = have * (total - have) * first * second
        square = total * (a * float(second) - b * float(first)) ** 2 / spread
    p = np.where(np.isnan(square), 1.0, stats.chi2.sf(square, 1))
    for margin in np.unique(have[rare]).astype(np.int64):
        rows = np.flatnonzero(rare & (have == margin))
        least, most = max(0, margin - second), min(margin, first)
        chance = stats.hypergeom.pmf(np.arange(least, most + 1), total, first, margin)
        ordered = np.sort(chance)
        reach = np.concatenate([[0.0], np.cumsum(ordered)])
        own = chance[a[rows] - least] * (1 + 1e-7)  # equal chances differ in the last digits
        p[rows] = np.minimum(reach[np.searchsorted(ordered, own, side="right")], 1.0)
    return p, ["Fisher" if exact else "chi-squared" for exact in rare]


def adjust_bh(p_values: Floats) -> Floats:
    """Benjamini and Hochberg's correction for many looks; missing p-values stay missing.

    References
    ----------
    Benjamini, Y. & Hochberg, Y. (1995). JRSS B 57(1), 289-300.
    """
    p = np.asarray(p_values, dtype=float)
    adjusted = np.full_like(p, np.nan)
    known = ~np.isnan(p)
    if known.any():
        adjusted[known] = stats.false_discovery_control(p[known], method="bh")
    return adjusted
