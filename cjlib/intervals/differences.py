"""Differences between two groups of people, and looking many times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from cjlib.errors import JourneyError
from cjlib.intervals.means import measure_error
from cjlib.intervals.model import Estimate, Floats, normal_quantile
from cjlib.intervals.nets import adjusted_net
from cjlib.intervals.shares import wilson_bounds
from cjlib.intervals.weighing import are_even, design_effective_n

Side = tuple[Floats, Floats]  # known values and their weights, as ``weigh`` returns them


@dataclass(frozen=True, slots=True)
class Difference:
    """A group's value less another's, in the unit of the values.

    Attributes
    ----------
    value, other : float
        Of the two groups.
    estimate, low, high : float
        ``value - other`` and its interval; missing where it cannot be told.
    p : float
        Two-sided, of no difference.
    error : float
        Standard error that the smallest detectable difference rests on.
    method : str
    """

    value: float
    other: float
    estimate: float
    low: float
    high: float
    p: float
    error: float
    method: str


def compare_means(first: Side, second: Side, *, level: float) -> Difference:
    """Mean of the first group less that of the second, by Welch's t.

    With weights that differ the errors are design-based and the degrees of freedom those of
    ``measure_error``; with even weights it is Welch's test.

    References
    ----------
    Welch, B. L. (1947). Biometrika 34, 28-35.
    """
    means = [float(np.average(x, weights=w)) for x, w in (first, second)]
    found = [measure_error(x, w) for x, w in (first, second)]
    errors, freedoms = zip(*found, strict=True)
    error, gap = float(np.hypot(*errors)), means[0] - means[1]
    if error == 0:
        nan = float("nan")
        return Difference(means[0], means[1], gap, nan, nan, nan, nan, "all answers alike: no test")
    freedom = error**4 / sum(e**4 / f for e, f in zip(errors, freedoms, strict=True))
    half = float(stats.t.ppf(0.5 + level / 2, freedom)) * error
    p = float(2 * stats.t.sf(abs(gap) / error, freedom))
    method = _say("Welch's t", "Welch's t, design-based errors", first, second)
    return Difference(means[0], means[1], gap, gap - half, gap + half, p, error, method)


def compare_shares(first: Side, second: Side, *, level: float) -> Difference:
    """Share of the first group less that of the second: score test, Newcombe's interval.

    With weights that differ both use the effective numbers of ``design_effective_n``.

    References
    ----------
    Newcombe, R. G. (1998). Statistics in Medicine 17, 873-890, method 10.
    """
    p = np.array([w @ x / w.sum() for x, w in (first, second)])
    n = np.array([_size(*side) for side in (first, second)])
    pooled = float(p @ n / n.sum())
    low, high = wilson_bounds(p * n, n, level=level)
    d = float(p[0] - p[1])
    below = d - float(np.hypot(p[0] - low[0], high[1] - p[1]))
    above = d + float(np.hypot(high[0] - p[0], p[1] - low[1]))
    error = float(np.sqrt(pooled * (1 - pooled) * (1 / n).sum()))
    p_value = float(2 * stats.norm.sf(abs(d) / error)) if error > 0 else 1.0
    method = _say("score test, Newcombe", "score test, Newcombe on the effective n", first, second)
    return Difference(float(p[0]), float(p[1]), d, below, above, p_value, error, method)


def compare_nets(first: Side, second: Side, *, level: float) -> Difference:
    """Net share (values -1, 0, 1) of the first group less that of the second, from -2 to 2.

    By z on the adjusted values: three answers added to each group, or with weights that
    differ to each effective number. ``estimate`` is the plain difference.

    References
    ----------
    Rocks, B. (2016). Interval estimation for the net promoter score. arXiv:1601.07235.
    """
    sides = (first, second)
    n = np.array([_size(*side) for side in sides])
    plus = np.array([w @ (x > 0) / w.sum() for x, w in sides])
    minus = np.array([w @ (x < 0) / w.sum() for x, w in sides])
    centres, errors = adjusted_net(plus * n, minus * n, n)
    error, shift = float(np.hypot(*errors)), float(centres[0] - centres[1])
    half = normal_quantile(level) * error
    p = float(2 * stats.norm.sf(abs(shift) / error))
    means = [float(w @ x / w.sum()) for x, w in sides]
    low, high = max(shift - half, -2.0), min(shift + half, 2.0)
    method = _say(
        "z on adjusted values", "z on adjusted values, design-based effective n", first, second
    )
    return Difference(means[0], means[1], means[0] - means[1], low, high, p, error, method)


def _size(x: Floats, w: Floats) -> float:
    return float(len(x)) if are_even(w) else design_effective_n(x, w)


def _say(plain: str, weighted: str, first: Side, second: Side) -> str:
    even = are_even(first[1]) and are_even(second[1])
    return plain if even else f"weighted; {weighted}"


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
