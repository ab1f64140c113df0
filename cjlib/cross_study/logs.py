"""What two logs share: conversions and other shares, steps of the funnel, the wait for delivery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from cjlib.columns import TIME
from cjlib.cross_study.sides import Side
from cjlib.errors import JourneyError
from cjlib.events import JourneyLog, journey_log
from cjlib.intervals import (
    Difference,
    Estimate,
    compare_shares,
    estimate_contrast,
    estimate_difference,
    estimate_share,
    normal_quantile,
)
from cjlib.journeys import measure_funnel, measure_waits
from cjlib.journeys.waits import DELIVERY
from cjlib.metrics.totals import total_contacts
from cjlib.study import Study

SHARES: Final = ("conversion", "repeat_rate", "complaint_rate")
RATIOS: Final = ("return_rate", "contacts_per_purchase")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """The last days of a study's log: its table of contacts, and the journeys in it."""

    study: Study
    table: pd.DataFrame
    log: JourneyLog


def cut_alike(first: Side, second: Side) -> tuple[Watched, Watched, int]:
    """Return both logs cut to their last days, as many as the shorter one has.

    Who is watched longer buys more often: shares of logs of different length say nothing.
    """
    logs = []
    for side in (first, second):
        if side.interactions is None:
            raise JourneyError("cut_alike: both studies must have a log; one has none.")
        logs.append(side.interactions)
    days = min(
        (log.table[TIME].max().normalize() - log.table[TIME].min().normalize()).days + 1
        for log in logs
    )
    cut = []
    for log in logs:
        start = log.table[TIME].max().normalize() - pd.Timedelta(days=days - 1)
        moment = start.to_datetime64().astype("datetime64[us]").astype(np.int64)
        journeys = journey_log(log)
        table = log.table[log.table[TIME] >= start]
        cut.append(Watched(log.study, table, journeys.take(journeys.times >= moment)))
    return cut[0], cut[1], days


def compare_logs(first: Watched, second: Watched, *, level: float) -> list[Row]:
    """Compare every measure both logs have; ``first`` less ``second``."""
    rows = _compare_totals(first, second, level=level)
    return rows + _compare_funnels(first, second, level) + _compare_waits(first, second, level)


def _compare_totals(first: Watched, second: Watched, *, level: float) -> list[Row]:
    rows = []
    for kpi in (*SHARES, *RATIOS):
        mine, theirs = (total_contacts(kpi, log.study, log.table) for log in (first, second))
        if mine is None or theirs is None or not (mine["x"].sum() > 0 and theirs["x"].sum() > 0):
            continue
        if kpi in SHARES:
            sides = [t["y"].to_numpy(float)[t["x"].to_numpy() > 0] for t in (mine, theirs)]
            rows.append(_shares(kpi, "", sides[0], sides[1], level))
            continue
        table = pd.concat([mine.assign(cell="a"), theirs.assign(cell="b")])
        gap, *own = (
            estimate_contrast(
                table["y"].to_numpy(float), table["cell"].to_numpy(), contrast,
                denominators=table["x"].to_numpy(float), level=level,
            )
            for contrast in ({"a": 1.0, "b": -1.0}, {"a": 1.0}, {"b": 1.0})
        )  # fmt: skip
        values = [
            Estimate(
                c.estimate, max(c.low, 0.0), c.high, level, c.clusters, "linearised, by customer"
            )
            for c in own
        ]
        found = Difference(
            gap.means["a"], gap.means["b"], gap.estimate, gap.low, gap.high, gap.p, gap.error,
            "t, by customer",
        )  # fmt: skip
        rows.append({"metric": kpi, "place": "", "unit": "ratio", "values": values, "gap": found})
    return rows


def _shares(metric: str, place: str, a: Any, b: Any, level: float) -> Row:
    values = [estimate_share(float(x.sum()), len(x), level=level) for x in (a, b)]
    found = compare_shares((a, np.ones(len(a))), (b, np.ones(len(b))), level=level)
    return {"metric": metric, "place": place, "unit": "share", "values": values, "gap": found}


def _compare_funnels(first: Watched, second: Watched, level: float) -> list[Row]:
    paths = [list(log.study.events.funnel) if log.study.events else [] for log in (first, second)]
    shared = [stage for stage in paths[0] if stage in paths[1]]
    if len(shared) < 2 or [stage for stage in paths[1] if stage in shared] != shared:
        return []
    tables = []
    for log in (first, second):
        stages = set(log.table["stage"].dropna())
        if not stages.issuperset(shared):
            return []
        tables.append(measure_funnel(log.log, by="stage", stages=shared).table)
    rows = []
    for i in range(1, len(shared)):
        sides = []
        for table in tables:
            here, reached = (int(table["journeys"].iloc[j]) for j in (i - 1, i))
            sides.append((np.arange(here) < reached).astype(float))
        if min(len(side) for side in sides) > 0:
            rows.append(
                _shares("step", f"{shared[i - 1]} to {shared[i]}", sides[0], sides[1], level)
            )
    return rows


def _compare_waits(first: Watched, second: Watched, level: float) -> list[Row]:
    values = []
    for log in (first, second):
        wasted = measure_waits(log.log, study=log.study).wasted
        mine = wasted[wasted["what"].eq(DELIVERY) & wasted["low"].notna()]
        if mine.empty:
            return []
        row = mine.iloc[0]
        values.append(
            Estimate(float(row["median_hours"]), float(row["low"]), float(row["high"]), level,
                     int(row["n"]), str(row["method"]))
        )  # fmt: skip
    gap = estimate_difference(values[1], values[0])
    facing = gap.estimate - gap.low if gap.estimate > 0 else gap.high - gap.estimate
    error = facing / normal_quantile(level)
    p = float(2 * stats.norm.sf(abs(gap.estimate) / error)) if error > 0 else float("nan")
    found = Difference(
        values[0].estimate,
        values[1].estimate,
        gap.estimate,
        gap.low,
        gap.high,
        p,
        error,
        gap.method,
    )
    return [
        {"metric": "delivery_wait", "place": "", "unit": "hours", "values": values, "gap": found}
    ]
