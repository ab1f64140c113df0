"""Median and 90th percentile of times in groups, with bounds by customer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cjlib.columns import HIGH, LEVEL, LOW, METHOD, N
from cjlib.events import JourneyLog
from cjlib.events.journey_log import HOUR
from cjlib.journeys.clusters import (
    WOODRUFF,
    Ints,
    bound_quantiles,
    quantiles_by_group,
    read_quantiles,
)


def spread_times(
    log: JourneyLog, time: Ints, group: Ints, owner: Ints, *, groups: int
) -> pd.DataFrame:
    """Measure median and 90th percentile with bounds, in hours, of each group that occurs.

    Parameters
    ----------
    log : JourneyLog
        Whose level and minimum base hold.
    time : int64, microseconds, one per observation
    group, owner : int64, one per observation
        ``group`` below ``groups``; ``owner``: whose observation it is.
    groups : int

    Returns
    -------
    DataFrame
        ``group, count, median_hours, low, high, p90_hours, p90_low, p90_high, level, n,
        method, total_hours``; quantiles on too few customers are missing and say so.
    """
    found = np.flatnonzero(np.bincount(group, minlength=groups))
    m = len(found)
    number = np.full(groups, -1, dtype=np.int64)
    number[found] = np.arange(m)
    place = number[group]
    median, ordered, starts = quantiles_by_group(time, place, groups=m, at=0.5)
    upper = read_quantiles(ordered, starts, at=0.9)
    low, high, people = bound_quantiles(
        time, place, owner,
        ordered=ordered, starts=starts, quantile=median, at=0.5, level=log.level,
    )  # fmt: skip
    p90_low, p90_high, _ = bound_quantiles(
        time, place, owner,
        ordered=ordered, starts=starts, quantile=upper, at=0.9, level=log.level,
    )  # fmt: skip
    table = pd.DataFrame(
        {
            "group": found,
            "count": np.diff(starts),
            "median_hours": median / HOUR,
            LOW: low / HOUR,
            HIGH: high / HOUR,
            "p90_hours": upper / HOUR,
            "p90_low": p90_low / HOUR,
            "p90_high": p90_high / HOUR,
            LEVEL: log.level,
            N: people,
            METHOD: WOODRUFF,
            "total_hours": np.bincount(place, time / HOUR, minlength=m),
        }
    )
    small = table[N] < log.minimum_base
    hidden = ["median_hours", LOW, HIGH, "p90_hours", "p90_low", "p90_high"]
    table[hidden] = table[hidden].mask(small)
    table[METHOD] = table[METHOD].mask(small, f"too few (n < {log.minimum_base})")
    return table
