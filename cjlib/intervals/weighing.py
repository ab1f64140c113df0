"""What weights do to a sample: which rows count, and how many equal rows they are worth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.errors import JourneyError
from cjlib.intervals.model import Floats


def weigh(
    values: npt.ArrayLike, weights: npt.ArrayLike | None, *, caller: str
) -> tuple[Floats, Floats]:
    """Return the values that count and their weights: known, with a weight above 0.

    Parameters
    ----------
    values : array of float or bool
        Missing values are left out.
    weights : array of float, one per value, or None
        None weighs all rows alike, with 1.

    Raises
    ------
    JourneyError
        If there are not as many weights as values, or one of them is negative or infinite.
    """
    x = _as_floats(values)
    w = np.ones_like(x) if weights is None else _as_floats(weights)
    if w.shape != x.shape:
        raise JourneyError(
            f"{caller}: weights must be one per value; got {w.size:,} for {x.size:,}. "
            "Take both from the same rows."
        )
    for rule, wrong in (("not be negative", w < 0), ("not be infinite", np.isinf(w))):
        if wrong.any():
            raise JourneyError(
                f"{caller}: weights must {rule}; {int(wrong.sum()):,} are, of {len(w):,} (first "
                f"at position {int(wrong.argmax())}). Mend them."
            )
    kept = ~np.isnan(x) & (w > 0)  # a missing weight is not above 0
    return x[kept], w[kept]


def are_even(weights: Floats) -> bool:
    """Whether all weights are alike, up to rounding: then they say nothing."""
    if len(weights) == 0:
        return True
    return bool(np.ptp(weights) <= 1e-12 * float(np.max(weights)))


def kish_effective_n(weights: Floats) -> float:
    """Kish's effective number of rows, (sum of weights)² / sum of squared weights.

    As many equally weighted rows would give a mean as precise, where the weights have
    nothing to do with the answers. 0 for no rows.

    References
    ----------
    Kish, L. (1965). Survey Sampling. Wiley, section 11.7.
    """
    w = weights / np.max(weights) if len(weights) else weights  # no overflow of squares
    return float(w.sum() ** 2 / (w**2).sum()) if len(w) else 0.0


def design_effective_n(x: Floats, w: Floats) -> float:
    """Effective number of rows of these answers under these weights.

    The smaller of Kish's number and of the weighted variance over the linearised variance of
    the mean, sum((w (x - m))²) / (sum w)²: the latter sees that heavy rows answer otherwise
    or differ more. Where all answers are alike it is Kish's; with equal weights it is n.
    """
    kish = kish_effective_n(w)
    if len(x) == 0 or np.ptp(x) == 0:
        return kish
    share = w / w.sum()
    apart = x - float(share @ x)
    return min(kish, float(share @ apart**2) / float(((share * apart) ** 2).sum()))


def _as_floats(values: npt.ArrayLike) -> Floats:
    if isinstance(values, pd.Series):
        return np.asarray(values.to_numpy(dtype=float, na_value=np.nan), dtype=np.float64)
    return np.asarray(values, dtype=np.float64)
