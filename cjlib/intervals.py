"""Estimates that carry their uncertainty: shares, means, differences, clustered ratios."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from cjlib.errors import JourneyError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval.

    Attributes
    ----------
    estimate, low, high : float
        The value and the ends of its interval, in the unit of the measure; missing (NaN)
        where the data cannot say.
    level : float
        Coverage of the interval, 0 to 1.
    n : int
        Rows the value rests on (people, not weights).
    method : str
        How the interval was made.
    """

    estimate: float
    low: float
    high: float
    level: float
    n: int
    method: str

    def as_dict(self) -> dict[str, Any]:
        """Return the six fields as a dict, in the order every result table uses."""
        return {
            "estimate": self.estimate,
            "low": self.low,
            "high": self.high,
            "level": self.level,
            "n": self.n,
            "method": self.method,
        }

    def __format__(self, spec: str) -> str:
        spec = spec or ".2f"
        if np.isnan(self.estimate):
            return f"not known (n = {self.n:,})"
        if np.isnan(self.low):
            return f"{self.estimate:{spec}} (no interval, n = {self.n:,})"
        return f"{self.estimate:{spec}} [{self.low:{spec}}, {self.high:{spec}}] (n = {self.n:,})"


def require_level(level: float, *, caller: str) -> None:
    """Raise unless ``level`` lies strictly between 0 and 1."""
    if not 0 < level < 1:
        raise JourneyError(
            f"{caller}: level must lie strictly between 0 and 1; got {level!r}. "
            "Write 95 % as level=0.95."
        )


def normal_quantile(level: float) -> float:
    """Return z with ``level`` of a standard normal between -z and z (0.95 gives 1.96)."""
    return float(stats.norm.ppf(0.5 + level / 2))


def unknown(n: int, *, level: float = 0.95, why: str = "too few rows") -> Estimate:
    """Return an estimate that says it is not known, and why."""
    nan = float("nan")
    return Estimate(nan, nan, nan, level, int(n), why)


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


def estimate_mean(
    values: npt.ArrayLike, weights: npt.ArrayLike | None = None, *, level: float = 0.95
) -> Estimate:
    """(Weighted) mean with a Student t interval; missing values are left out.

    The weighted standard error is design-based, as in R's ``survey``:
    sqrt(n/(n-1) * sum(w^2 (z-m)^2)) / sum(w). Unweighted it is the usual s/sqrt(n).

    Parameters
    ----------
    values : array of float, one per row
    weights : array of float, optional
        Not negative; rows without a weight are left out. None weighs all rows alike.
    level : float, 0 to 1

    References
    ----------
    Lumley, T. (2010). Complex Surveys. Wiley, section 2.
    """
    require_level(level, caller="estimate_mean")
    x = np.asarray(values, dtype=float)
    w = np.ones_like(x) if weights is None else np.asarray(weights, dtype=float)
    if (w < 0).any():
        raise JourneyError(
            f"estimate_mean: weights must not be negative; {int((w < 0).sum())} are. Mend them."
        )
    keep = ~np.isnan(x) & ~np.isnan(w) & (w > 0)
    x, w = x[keep], w[keep]
    n = len(x)
    if n == 0:
        return unknown(0, level=level, why="no rows")
    mean = float(np.average(x, weights=w))
    if n == 1:
        return Estimate(mean, float("nan"), float("nan"), level, 1, "one row: no interval")
    error = weighted_error(x, w, mean)
    half = float(stats.t.ppf(0.5 + level / 2, n - 1)) * error
    method = "t" if weights is None else "t, design-based weights"
    return Estimate(mean, mean - half, mean + half, level, n, method)


def estimate_nps(
    values: npt.ArrayLike, weights: npt.ArrayLike | None = None, *, level: float = 0.95
) -> Estimate:
    """Net Promoter Score, -100 to 100: 100 times share of 9-10 minus share of 0-6.

    Unweighted with the adjusted Wald interval (three answers added, ¾ a promoter and ¾ a
    detractor), cut at -100 and 100; with weights that differ, the design-based interval of a
    mean. Missing answers are left out.

    References
    ----------
    Rocks, B. (2016). Interval estimation for the net promoter score. arXiv:1601.07235.
    """
    require_level(level, caller="estimate_nps")
    x = np.asarray(values, dtype=float)
    points = np.where(x >= 9, 100.0, np.where(x <= 6, -100.0, 0.0))
    points[np.isnan(x)] = np.nan
    if weights is not None and len(np.unique(np.asarray(weights, dtype=float)[~np.isnan(x)])) > 1:
        found = estimate_mean(points, weights, level=level)
        low, high = max(-100.0, found.low), min(100.0, found.high)
        return Estimate(found.estimate, low, high, level, found.n, found.method)
    known = points[~np.isnan(points)]
    n = len(known)
    if n == 0:
        return unknown(0, level=level, why="no rows")
    p = ((known > 0).sum() + 0.75) / (n + 3)
    d = ((known < 0).sum() + 0.75) / (n + 3)
    half = normal_quantile(level) * float(np.sqrt((p + d - (p - d) ** 2) / (n + 3)))
    low, high = max(-100.0, float(100 * (p - d - half))), min(100.0, float(100 * (p - d + half)))
    return Estimate(float(known.mean()), low, high, level, n, "adjusted Wald")


def weighted_error(x: Floats, w: Floats, mean: float) -> float:
    """Design-based standard error of a weighted mean (with replacement, one stratum)."""
    n = len(x)
    return float(np.sqrt(n / (n - 1) * np.sum(w**2 * (x - mean) ** 2)) / np.sum(w))


def estimate_ratio(
    numerator: npt.ArrayLike, denominator: npt.ArrayLike, *, level: float = 0.95
) -> Estimate:
    """Ratio of two totals over clusters, with a cluster-robust (linearised) interval.

    One element per cluster (a customer): how many times something happened, and how many
    times it could have. The interval allows for one customer's events being alike.

    Parameters
    ----------
    numerator, denominator : arrays of float, one per cluster
    level : float, 0 to 1
        The interval uses the t distribution with clusters minus 1 degrees of freedom;
        where all clusters agree the linearised error is 0 and Wilson on clusters is used.

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, 3rd ed., section 2.11.
    """
    require_level(level, caller="estimate_ratio")
    y = np.asarray(numerator, dtype=float)
    x = np.asarray(denominator, dtype=float)
    y, x = y[x > 0], x[x > 0]
    n = len(x)
    if n == 0:
        return unknown(0, level=level, why="no rows")
    ratio = float(y.sum() / x.sum())
    if n == 1:
        return Estimate(ratio, float("nan"), float("nan"), level, 1, "one cluster: no interval")
    error = float(np.sqrt(n / (n - 1) * np.sum((y - ratio * x) ** 2)) / x.sum())
    if error == 0:
        low, high = wilson_bounds(np.array([ratio * n]), np.array([n]), level=level)
        return Estimate(ratio, float(low[0]), float(high[0]), level, n, "Wilson on clusters")
    half = float(stats.t.ppf(0.5 + level / 2, n - 1)) * error
    return Estimate(ratio, ratio - half, ratio + half, level, n, "linearised, by cluster")


def estimate_difference(first: Estimate, second: Estimate) -> Estimate:
    """Difference ``second - first`` of two independent estimates, from their own intervals.

    Squares and adds the distances from each estimate to the end of its interval that faces
    the other, so that skew intervals (Wilson) are kept; for shares this is Newcombe's method
    10, for means it combines the standard errors. Whether two intervals overlap is no test;
    whether this one holds 0 is.

    Parameters
    ----------
    first, second : Estimate
        Of the same unit and level, from different people. ``n`` of the result is their sum.

    References
    ----------
    Newcombe, R. G. (1998). Statistics in Medicine 17, 873-890.
    Zou, G. Y. and Donner, A. (2008). Statistics in Medicine 27, 1693-1702.
    """
    if first.level != second.level:
        raise JourneyError(
            "estimate_difference: both estimates must have one level; got "
            f"{first.level:g} and {second.level:g}. Compute them again with the same level."
        )
    apart = second.estimate - first.estimate
    low = apart - float(np.hypot(second.estimate - second.low, first.high - first.estimate))
    high = apart + float(np.hypot(second.high - second.estimate, first.estimate - first.low))
    n = first.n + second.n
    return Estimate(apart, low, high, first.level, n, "square-and-add of both intervals")


def adjust_holm(p_values: npt.ArrayLike) -> Floats:
    """Holm's step-down correction for many looks; missing p-values stay missing.

    References
    ----------
    Holm, S. (1979). Scandinavian Journal of Statistics 6, 65-70.
    """
    p = np.asarray(p_values, dtype=float)
    adjusted = np.full_like(p, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    m = len(order)
    running = 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, float(p[index]) * (m - rank)))
        adjusted[index] = running
    return adjusted


def estimates_table(rows: dict[Any, Estimate], *, name: str = "group") -> pd.DataFrame:
    """Stack estimates into a tidy frame: ``name, estimate, low, high, level, n, method``."""
    return pd.DataFrame([{name: key, **value.as_dict()} for key, value in rows.items()])
