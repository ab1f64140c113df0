"""Means and ratios of totals, with design-based errors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

from cjlib.intervals.model import Estimate, Floats, require_level, unknown
from cjlib.intervals.shares import wilson_bounds
from cjlib.intervals.weighing import are_even, kish_effective_n, weigh


def estimate_mean(
    values: npt.ArrayLike, weights: npt.ArrayLike | None = None, *, level: float = 0.95
) -> Estimate:
    """(Weighted) mean with a Student t interval; missing values are left out.

    The weighted standard error is design-based, as in R's ``survey``, and its degrees of
    freedom are fewer the more the weights differ, see ``measure_error``. Weights that are
    all alike change nothing: the interval is then the usual one, s/sqrt(n) and n - 1.
    In simulation (answers 1 to 5, n 30 to 300, weights up to a design effect of 2.7) the
    interval covers .93 to .97 where 0.95 is asked, and .90 to .93 at n = 30 where most
    answers lie at one end of the scale; with n - 1 degrees of freedom .86 to .95.

    Parameters
    ----------
    values : array of float, one per row
    weights : array of float, optional
        Not negative; rows without a weight, or of weight 0, are left out. None weighs all
        rows alike.
    level : float, 0 to 1

    References
    ----------
    Lumley, T. (2010). Complex Surveys. Wiley, section 2.
    """
    require_level(level, caller="estimate_mean")
    x, w = weigh(values, weights, caller="estimate_mean")
    n = len(x)
    if n == 0:
        return unknown(0, level=level, why="no rows")
    mean = float(np.average(x, weights=w))
    if n == 1:
        return Estimate(mean, float("nan"), float("nan"), level, 1, "one row: no interval")
    error, freedom = measure_error(x, w)
    half = float(stats.t.ppf(0.5 + level / 2, freedom)) * error
    method = "t" if are_even(w) else "weighted; t, design-based error"
    return Estimate(mean, mean - half, mean + half, level, n, method)


def measure_error(x: Floats, w: Floats) -> tuple[float, float]:
    """Return the design-based standard error of a weighted mean and its degrees of freedom.

    The error is sqrt(n/(n-1) * sum(w^2 (x-m)^2)) / sum(w): with replacement, one stratum. It
    rests on as many terms as there are rows, but heavy rows rule it: matched to a chi-squared
    by its first two moments it has (sum w^2)^2 / sum w^4 of them, one less for the mean
    (Satterthwaite; at least 1). With equal weights that is n - 1.

    Parameters
    ----------
    x, w : arrays of float, two rows or more
        Known values and weights above 0, as ``weigh`` returns them.

    References
    ----------
    Satterthwaite, F. E. (1946). Biometrics Bulletin 2, 110-114.
    Bell, R. M. and McCaffrey, D. F. (2002). Survey Methodology 28, 169-181.
    """
    if np.ptp(x) == 0:
        return 0.0, degrees_of_freedom(w)
    share = w / w.sum()
    n = len(x)
    apart = x - float(share @ x)
    error = float(np.sqrt(n / (n - 1) * np.sum((share * apart) ** 2)))
    return error, degrees_of_freedom(w)


def degrees_of_freedom(w: Floats) -> float:
    """Return how many degrees of freedom a design-based error has under these weights."""
    if are_even(w):
        return float(len(w) - 1)
    square = (w / w.max()) ** 2
    return max(1.0, float(square.sum() ** 2 / (square**2).sum()) - 1.0)


def estimate_ratio(
    numerator: npt.ArrayLike,
    denominator: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    level: float = 0.95,
) -> Estimate:
    """Ratio of two totals over clusters, with a cluster-robust (linearised) interval.

    One element per cluster (a customer): how many times something happened, and how many
    times it could have. The interval allows for one customer's events being alike.

    Parameters
    ----------
    numerator, denominator : arrays of float, one per cluster
    weights : array of float, optional
        One per cluster, multiplying both totals; the degrees of freedom shrink as in
        ``measure_error``.
    level : float, 0 to 1
        The interval uses the t distribution with clusters minus 1 degrees of freedom;
        where all clusters agree the linearised error is 0 and Wilson on clusters is used.

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, 3rd ed., section 2.11.
    """
    require_level(level, caller="estimate_ratio")
    y, x = np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float)
    _, w = weigh(x, weights, caller="estimate_ratio")
    kept = ~np.isnan(x) if weights is None else ~np.isnan(x) & (np.asarray(weights) > 0)
    y, x = y[kept], x[kept]
    y, w, x = y[x > 0], w[x > 0], x[x > 0]
    n = len(x)
    if n == 0:
        return unknown(0, level=level, why="no rows")
    total = float((w * x).sum())
    ratio = float((w * y).sum() / total)
    if n == 1:
        return Estimate(ratio, float("nan"), float("nan"), level, 1, "one cluster: no interval")
    error = float(np.sqrt(n / (n - 1) * np.sum((w * (y - ratio * x)) ** 2)) / total)
    if error == 0:
        size = float(n) if are_even(w) else kish_effective_n(w)
        low, high = wilson_bounds(np.array([ratio * size]), np.array([size]), level=level)
        return Estimate(ratio, float(low[0]), float(high[0]), level, n, "Wilson on clusters")
    half = float(stats.t.ppf(0.5 + level / 2, degrees_of_freedom(w))) * error
    method = "linearised, by cluster" if are_even(w) else "weighted; linearised, by cluster"
    return Estimate(ratio, ratio - half, ratio + half, level, n, method)
