"""A list of answers: checked against its scale, and counted."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.errors import JourneyError, ScaleError
from cjlib.intervals import Floats, estimate_weighted_share, require_level, weigh

NPS_SCALE: Final = (0, 10)  # the only scale the Net Promoter Score is defined on


def measure_distribution(
    values: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    scale: tuple[float, float],
    level: float = 0.95,
) -> pd.DataFrame:
    """Count how often each answer of a scale was given.

    Parameters
    ----------
    values : array of whole numbers on the scale, missing answers left out
    weights : array of float, optional
        Not negative; shares are weighted, counts and ``n`` are of answers.
    scale : (low, high)
        Every point between is a row, also one nobody chose.
    level : float, 0 to 1

    Returns
    -------
    DataFrame, one row per answer, the lowest first
        ``answer, count, share, low, high, level, n, method``; shares 0 to 1 of the answers
        given, Wilson intervals.

    Raises
    ------
    ScaleError
        If an answer lies off the scale, with the counts.
    """
    require_level(level, caller="measure_distribution")
    x, w = require_pairs(values, weights, caller="measure_distribution")
    low, high = scale
    require_scale(x, low, high, what="answers", caller="measure_distribution")
    x, w = weigh(x, w, caller="measure_distribution")
    points = np.union1d(np.arange(low, high + 1), np.unique(x))
    rows = [
        {"answer": point, "count": int((x == point).sum())}
        | estimate_weighted_share(x == point, w, level=level).as_dict()
        for point in points
    ]
    return pd.DataFrame(rows).rename(columns={"estimate": "share"})


def require_scale(
    x: Floats, low: float, high: float, *, what: str, caller: str, whole: bool = False
) -> None:
    """Raise ``ScaleError`` with the counts of every answer off the scale."""
    known = x[~np.isnan(x)]
    off = known[(known < low) | (known > high)]
    if whole:
        off = np.concatenate([off, known[(known >= low) & (known <= high) & (known % 1 != 0)]])
    if not len(off):
        return
    found, counts = np.unique(off, return_counts=True)
    listed = ", ".join(f"{v:g} ({c} times)" for v, c in zip(found[:8], counts, strict=False))
    advice = "Declare what these codes mean (codebook: low, high, missing) or mend them."
    if (low, high) == NPS_SCALE and set(found) == {11.0} and known.min() >= 1:
        advice = (
            "Does the export number the eleven options 1 to 11? Then subtract 1; "
            "if 11 means no answer, declare it in the codebook's 'missing'."
        )
    rule = f"{'whole numbers ' if whole else ''}from {low:g} to {high:g}"
    raise ScaleError(
        f"{caller}: {what} must be {rule}; {len(off):,} of {len(known):,} are not: {listed}. "
        f"{advice}"
    )


def require_pairs(
    values: npt.ArrayLike, weights: npt.ArrayLike | None, *, caller: str
) -> tuple[Floats, Floats | None]:
    """Return answers and weights as floats, or raise what is wrong with them."""
    x = _floats(values, caller)
    if weights is None:
        return x, None
    w = _floats(weights, caller)
    if len(w) != len(x):
        raise JourneyError(
            f"{caller}: weights must be one per answer; got {len(w):,} for {len(x):,} answers."
        )
    if (w < 0).any() or np.isnan(w).any():
        raise JourneyError(
            f"{caller}: weights must be numbers not below 0; "
            f"{int((w < 0).sum() + np.isnan(w).sum()):,} of {len(w):,} are not. Mend them."
        )
    return x, w


def _floats(values: npt.ArrayLike, caller: str) -> Floats:
    column = pd.Series(np.asarray(values, dtype=object).ravel())
    numbers = pd.to_numeric(column, errors="coerce")
    bad = column[numbers.isna() & column.notna()]
    if len(bad):
        raise ScaleError(
            f"{caller}: answers must be numbers; {len(bad):,} of {len(column):,} are not "
            f"(first: {str(bad.iloc[0])!r}). Turn words into numbers first."
        )
    return numbers.to_numpy(dtype=float, na_value=np.nan)
