"""Shares with Wilson's interval: of people, and of people with weights."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cjlib.errors import JourneyError
from cjlib.intervals.model import Estimate, Floats, normal_quantile, require_level, unknown
from cjlib.intervals.weighing import are_even, design_effective_n, weigh


def estimate_share(count: float, n: int, *, level: float = 0.95) -> Estimate:
    """Share of ``n`` rows with a Wilson score interval.

    Parameters
    ----------
    count : float
        Rows that have the property, 0 to ``n``.
    n : int
        All rows; 0 gives an unknown estimate.
    level : float, 0 to 1
        Coverage of the interval.

    References
    ----------
    Wilson, E. B. (1927). JASA 22(158), 209-212. doi:10.1080/01621459.1927.10502953
    """
    require_level(level, caller="estimate_share")
    if n <= 0:
        return unknown(0, level=level, why="no rows")
    if not 0 <= count <= n:
        raise JourneyError(
            f"estimate_share: count must lie between 0 and n; got {count} of {n}. Swapped?"
        )
    low, high = wilson_bounds(np.array([count]), np.array([n]), level=level)
    return Estimate(count / n, float(low[0]), float(high[0]), level, int(n), "Wilson")


def estimate_weighted_share(
    hit: npt.ArrayLike, weights: npt.ArrayLike | None = None, *, level: float = 0.95
) -> Estimate:
    """Weighted share of rows that have a property, with Wilson's interval.

    The interval is Wilson's for the effective number of rows: the smaller of Kish's and the
    one that gives the design-based (linearised) error, see ``design_effective_n``. With
    weights that are all alike it is the plain Wilson interval. In simulation (n 30 to 300,
    true shares .03 to .7, weights up to a design effect of 2.7, some of them going with the
    answer) it covers .943 to .989 where 0.95 is asked; the linearised t interval falls to .51,
    Wilson on Kish's number alone to .917, on the design-based number alone to .78.

    Parameters
    ----------
    hit : array of 0 and 1 (or bool), one per row
        Missing values are left out.
    weights : array of float, optional
        Not negative; rows without a weight, or of weight 0, are left out.
    level : float, 0 to 1

    References
    ----------
    Kish, L. (1965). Survey Sampling. Wiley, section 11.7.
    Korn, E. L. and Graubard, B. I. (1998). Survey Methodology 24, 193-201.
    """
    require_level(level, caller="estimate_weighted_share")
    x, w = weigh(hit, weights, caller="estimate_weighted_share")
    n = len(x)
    if are_even(w):
        return estimate_share(float(x.sum()), n, level=level)
    share = 1.0 if x.all() else float(w @ x / w.sum())
    effective = design_effective_n(x, w)
    low, high = wilson_bounds(np.array([share * effective]), np.array([effective]), level=level)
    method = "weighted; Wilson on the effective n"
    return Estimate(share, float(low[0]), float(high[0]), level, n, method)


def wilson_bounds(
    count: npt.ArrayLike, n: npt.ArrayLike, *, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Wilson score bounds for many shares at once; missing where ``n`` is 0."""
    k = np.asarray(count, dtype=float)
    size = np.asarray(n, dtype=float)
    z = normal_quantile(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = k / size
        centre = (p + z**2 / (2 * size)) / (1 + z**2 / size)
        half = z / (1 + z**2 / size) * np.sqrt(p * (1 - p) / size + z**2 / (4 * size**2))
    low = np.where(k == 0, 0.0, centre - half)
    high = np.where(k == size, 1.0, centre + half)
    empty = size <= 0
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)
