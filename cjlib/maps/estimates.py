"""Estimates as a map keeps them: a value, its interval, how many people, or why there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from cjlib.definitions import Privacy
from cjlib.intervals import Estimate, require_level, unknown

EMOTION_LOW, EMOTION_HIGH = -2.0, 2.0  # the emotion curve, from very bad to very good


def write_estimate(
    found: Estimate, *, unit: str, privacy: Privacy, denominator: str = ""
) -> dict[str, Any]:
    """Return an estimate as the map's JSON keeps it.

    A base under ``minimum_cell`` is kept out altogether, its size too; one under
    ``minimum_base`` keeps its size and no value: ``why`` says which.
    """
    kept: dict[str, Any] = {"value": None, "unit": unit}
    if found.n == 0:
        kept["why"] = "no-data"
    elif found.n < privacy.minimum_cell:
        kept["why"] = "suppressed"
    elif found.n < privacy.minimum_base or np.isnan(found.estimate):
        kept |= {"why": "too-few", "n": int(found.n)}
    else:
        kept |= {"value": float(found.estimate), "n": int(found.n)}
        if not np.isnan(found.low):
            kept["ci"] = {
                "lo": float(found.low), "hi": float(found.high),
                "level": found.level, "method": found.method,
            }  # fmt: skip
    if denominator:
        kept["denominator"] = denominator
    return kept


def read_estimate(kept: dict[str, Any]) -> Estimate:
    """Return the estimate that the map's JSON keeps; one without a value is not known."""
    n = int(kept.get("n", 0))
    ci = kept.get("ci", {})
    level = float(ci.get("level", 0.95))
    if kept.get("value") is None:
        return unknown(n, level=level, why=str(kept.get("why", "no-data")))
    nan = float("nan")
    return Estimate(
        float(kept["value"]), float(ci.get("lo", nan)), float(ci.get("hi", nan)),
        level, n, str(ci.get("method", "not stated")),
    )  # fmt: skip


def place_on_emotion(found: Estimate, *, low: float, high: float, what: str) -> Estimate:
    """Move a mean from its own scale to -2 (very bad) .. 2 (very good), interval and all.

    Parameters
    ----------
    found : Estimate
        A mean on the scale from ``low`` to ``high``.
    what : str
        What was measured, for the method.
    """
    width = (EMOTION_HIGH - EMOTION_LOW) / (high - low)

    def move(value: float) -> float:
        return EMOTION_LOW + (value - low) * width

    method = f"{what}; {found.method}; {low:g} to {high:g} placed on -2 to 2"
    return Estimate(
        move(found.estimate), move(found.low), move(found.high), found.level, found.n, method
    )


def estimate_median(values: npt.ArrayLike, *, level: float = 0.95) -> Estimate:
    """Median with an interval from order statistics; missing values are left out.

    The ends are the values whose ranks a binomial with share one half leaves outside in at
    most ``1 - level`` of all samples, so the interval covers at least ``level``. Fewer than
    six values give no interval at 95 %.

    References
    ----------
    Conover, W. J. (1999). Practical Nonparametric Statistics, 3rd ed., section 3.2.
    """
    require_level(level, caller="estimate_median")
    x = np.asarray(values, dtype=float)
    x = np.sort(x[~np.isnan(x)])
    n = len(x)
    if n == 0:
        return unknown(0, level=level, why="no rows")
    rank = int(stats.binom.ppf((1 - level) / 2, n, 0.5))
    middle = float(np.median(x))
    if rank < 1:
        return Estimate(middle, float("nan"), float("nan"), level, n, "too few for an interval")
    return Estimate(
        middle, float(x[rank - 1]), float(x[n - rank]), level, n, "median, order statistics"
    )
