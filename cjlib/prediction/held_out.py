"""How predictions fared on later data, with customers as the units."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.columns import ESTIMATE, HIGH, LEVEL, LOW, METHOD, N
from cjlib.events import JourneyLog
from cjlib.intervals import Estimate, estimate_ratio, unknown

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
BINS: Final = 10
SCORES: Final = (
    "model", "baseline", "measure", ESTIMATE, LOW, HIGH, LEVEL, N, METHOD, "chosen",
)  # fmt: skip


def score_by_customer(
    values: npt.ArrayLike, owner: Ints, *, level: float, minimum_base: int
) -> Estimate:
    """Mean of a value over predictions, with an interval by customer (``estimate_ratio``).

    Parameters
    ----------
    values : array of float or bool, one per prediction
        Bounds of the share of a bool are cut at 0 and 1; where all numbers are alike there is
        no interval.
    owner : int, one per prediction
        Whose it is.
    level : float, 0 to 1
    minimum_base : int
        Fewer customers than this are "too few".
    """
    who, place = np.unique(owner, return_inverse=True)
    if len(who) < minimum_base:
        return unknown(len(who), level=level, why=f"too few (n < {minimum_base})")
    x = np.asarray(values)
    total = np.bincount(place, x.astype(float), minlength=len(who))
    found = estimate_ratio(total, np.bincount(place, minlength=len(who)), level=level)
    if x.dtype == bool:
        return replace(found, low=max(found.low, 0.0), high=min(found.high, 1.0))
    if np.ptp(x) == 0:  # nothing varies: Wilson's interval of a share does not fit
        nan = float("nan")
        return replace(found, low=nan, high=nan, method="all alike: no interval")
    return found


def score_row(values: npt.ArrayLike, owner: Ints, log: JourneyLog) -> dict[str, Any]:
    """Return the mean of a value over predictions as columns, at the log's level and base."""
    return score_by_customer(
        values, owner, level=log.level, minimum_base=log.minimum_base
    ).as_dict()


def calibrate(
    predicted: Floats, hit: npt.NDArray[np.bool_], owner: Ints, *, level: float, minimum_base: int
) -> pd.DataFrame:
    """Set the share that came true beside the predicted one, in tenths of the predictions.

    Equal predictions stay together, so there may be fewer than ten rows.

    Returns
    -------
    DataFrame
        ``predicted`` (mean), ``estimate, low, high, level, n, method`` by customer, ``steps``.
    """
    edges = np.unique(np.quantile(predicted, np.arange(1, BINS) / BINS, method="inverted_cdf"))
    tenth = np.searchsorted(edges, predicted, side="left")
    rows: list[dict[str, Any]] = []
    for value in np.unique(tenth):
        mine = tenth == value
        found = score_by_customer(hit[mine], owner[mine], level=level, minimum_base=minimum_base)
        rows.append(
            {"predicted": float(predicted[mine].mean()), **found.as_dict(),
             "steps": int(mine.sum())}
        )  # fmt: skip
    return pd.DataFrame(rows, columns=["predicted", ESTIMATE, LOW, HIGH, LEVEL, N, METHOD, "steps"])
