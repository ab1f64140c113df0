"""Differences between two answers of the same people."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import stats

from cjlib.intervals.differences import Difference
from cjlib.intervals.means import measure_error
from cjlib.intervals.model import Floats, normal_quantile
from cjlib.intervals.weighing import are_even, design_effective_n

# Pairs added to share and net differences, and what they add to the sum of squared gaps: two
# pairs spread evenly over the four cells (Agresti and Min), or the three answers of Rocks on
# either side, paired at random.
SHARE_PAIRS: Final = (2.0, 1.0)
NET_PAIRS: Final = (3.0, 3.0)


def compare_paired_means(first: Floats, second: Floats, w: Floats, *, level: float) -> Difference:
    """Mean of the first answers less that of the second of the same people, by paired t.

    With weights that differ the error is design-based, as in ``measure_error``.

    Parameters
    ----------
    first, second : arrays of float, one per person, all known
    w : array of float above 0
    level : float, 0 to 1
    """
    gaps = first - second
    value, other = (float(np.average(x, weights=w)) for x in (first, second))
    apart = float(np.average(gaps, weights=w))
    error, freedom = measure_error(gaps, w)
    if error == 0:
        nan = float("nan")
        return Difference(value, other, apart, nan, nan, nan, nan, "all changes alike: no test")
    half = float(stats.t.ppf(0.5 + level / 2, freedom)) * error
    p = float(2 * stats.t.sf(abs(apart) / error, freedom))
    method = "paired t" if are_even(w) else "weighted; paired t, design-based error"
    return Difference(value, other, apart, apart - half, apart + half, p, error, method)


def compare_paired_shares(first: Floats, second: Floats, w: Floats, *, level: float) -> Difference:
    """Share (values 0, 1) at first less at second of the same people, by adjusted Wald.

    Two pairs are added, half a pair to each of the four cells of the 2 x 2 table. The test is
    the same z. ``estimate`` is the plain difference.

    References
    ----------
    Agresti, A. and Min, Y. (2005). Statistics in Medicine 24, 729-740.
    """
    return _compare_adjusted(first, second, w, *SHARE_PAIRS, most=1.0, level=level)


def compare_paired_nets(first: Floats, second: Floats, w: Floats, *, level: float) -> Difference:
    """Net share (values -1, 0, 1) at first less at second of the same people, from -2 to 2.

    The same idea for three answers: three pairs are added, those of the adjusted Wald
    interval of one net share on either side, paired at random. With m = Σd/(n + 3) and
    v = (Σd² + 3)/(n + 3) - m² of the gaps d, the interval is m ± z sqrt(v/(n + 3)); the test
    is the same z. Simulated coverage in tests/test_metrics_pairs.py.

    References
    ----------
    Agresti, A. and Min, Y. (2005). Statistics in Medicine 24, 729-740.
    Rocks, B. (2016). Interval estimation for the net promoter score. arXiv:1601.07235.
    """
    return _compare_adjusted(first, second, w, *NET_PAIRS, most=2.0, level=level)


def _compare_adjusted(
    first: Floats, second: Floats, w: Floats, pairs: float, squares: float, *, most: float,
    level: float,
) -> Difference:  # fmt: skip
    gaps, share = first - second, w / w.sum()
    even = are_even(w)
    n = float(len(gaps)) if even else design_effective_n(gaps, w)
    apart = float(share @ gaps)
    size = n + pairs
    centre = n * apart / size
    error = float(np.sqrt(((n * (share @ gaps**2) + squares) / size - centre**2) / size))
    half = normal_quantile(level) * error
    p = float(2 * stats.norm.sf(abs(centre) / error))
    low = max(min(centre - half, apart), -most)
    high = min(max(centre + half, apart), most)
    method = f"paired z, adjusted (n + {pairs:.0f})"
    if not even:
        method = f"weighted; {method} on the effective n"
    return Difference(
        float(share @ first), float(share @ second), apart, low, high, p, error, method
    )
