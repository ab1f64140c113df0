"""Where the customer's time goes: between contacts, in contacts that gain nothing, in delivery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cjlib.columns import HIGH, LEVEL, LOW, METHOD, TOUCHPOINT, N
from cjlib.errors import JourneyError
from cjlib.events import JourneyLog
from cjlib.events.journey_log import HOUR
from cjlib.journeys.clusters import Ints
from cjlib.journeys.spreads import spread_times
from cjlib.journeys.transitions import find_departures
from cjlib.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True, eq=False)
class Waits:
    """What ``measure_waits`` found.

    Attributes
    ----------
    table : DataFrame
        One row per move that occurs, longest sum of waiting first: ``from``, ``to``,
        ``count``, ``median_hours`` with ``low``, ``high``; ``p90_hours`` with ``p90_low``,
        ``p90_high``; ``level, n, method`` (``n``: customers); ``total_hours``;
        ``share_of_waiting``: of the hours of all moves.
    wasted : DataFrame
        What the study calls time the customer would rather not spend: ``what`` ("nothing
        gained" or "wait for delivery"), ``label``, ``times``, ``customers``, ``hours`` in
        all, ``hours_per_customer``, ``median_hours`` with ``low``, ``high``, ``level``,
        ``n``, ``method``; ``open``: purchases whose delivery the log has not seen. Empty
        without a study.
    by : str
    names : dict
    language : str
    """

    table: pd.DataFrame
    wasted: pd.DataFrame
    by: str
    names: dict[str, str] = field(repr=False)
    language: str = "en"

    def summary(self) -> str:
        """Name the move that takes most waiting, and the wasted time."""
        if self.table.empty:
            return "No journey has two contacts, so nobody waits."
        top = self.table.iloc[0]
        text = (
            f"{top['share_of_waiting']:.1%} of the time between contacts lies between "
            f"{top['from']} and {top['to']} (median {top['median_hours']:.1f} hours)"
        )
        gained = self.wasted[self.wasted["what"].eq(NOTHING_GAINED)]
        if len(gained):
            text += f"; {gained['hours'].sum():,.1f} hours went on contacts that gain nothing"
        return text + "."

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the median and 90th percentile of the moves with most waiting."""
        from cjlib import plots

        return plots.draw_waits(self.table, names=self.names, language=self.language, ax=ax)


NOTHING_GAINED = "nothing gained"
DELIVERY = "wait for delivery"


def measure_waits(
    log: JourneyLog,
    *,
    by: str | None = None,
    study: Study | None = None,
    delivered: Sequence[str] | None = None,
) -> Waits:
    """Measure the time between contacts, and the time that brings the customer nothing.

    Wasted time needs a ``study``: the seconds of contacts at ``events.nothing_gained``; and
    the wait for delivery, from each purchase to the customer's last contact at a
    ``delivered`` touchpoint before the next purchase.

    Parameters
    ----------
    log : JourneyLog
    by : "touchpoint", "stage" or "channel", optional
    study : Study, optional
    delivered : sequence of touchpoint ids, optional
        What ends the wait. By default the touchpoints of the stage after the one where
        purchases lie, in the study's order.

    Notes
    -----
    A wait still going on at the log's end is not in ``table`` (it has no second contact), so
    long waits are a little under-counted. Intervals of median and 90th percentile turn the
    interval of the share below them, by customer, back to hours; a bound past the longest
    wait seen is infinite. Four sorts of whole numbers: n log n for n contacts.
    """
    log = log.of(by)
    here = find_departures(log)
    owner = np.repeat(log.owner, log.lengths - 1)
    k = len(log.labels)
    gap = log.times[here + 1] - log.times[here]
    pair = log.codes[here].astype(np.int64) * k + log.codes[here + 1]
    table = spread_times(log, gap, pair, owner, groups=k * k)
    labels = np.array(log.labels, dtype=object)
    table.insert(0, "from", pd.Series(labels[table["group"] // k], dtype="str"))
    table.insert(1, "to", pd.Series(labels[table["group"] % k], dtype="str"))
    whole = table["total_hours"].sum()
    table["share_of_waiting"] = table["total_hours"] / whole if whole else np.nan
    order = np.lexsort((table["group"], -table["total_hours"]))
    table = table.iloc[order].drop(columns="group").reset_index(drop=True)
    wasted = _find_waste(log.of("touchpoint"), study, delivered) if study else _no_waste()
    return Waits(table, wasted, log.by, log.name(), log.language)


def _no_waste() -> pd.DataFrame:
    return pd.DataFrame(
        columns=["what", "label", "times", "customers", "hours", "hours_per_customer",
                 "median_hours", LOW, HIGH, LEVEL, N, METHOD, "open"]
    )  # fmt: skip


def _find_waste(log: JourneyLog, study: Study, delivered: Sequence[str] | None) -> pd.DataFrame:
    study.require("events", caller="measure_waits")
    rules = study.events
    rows: list[dict[str, Any]] = []
    owners = np.repeat(log.owner, log.lengths)
    for label in rules.nothing_gained if rules else ():
        at = np.flatnonzero(log.codes == log.code(label, caller="measure_waits"))
        spent = log.seconds[at] if log.seconds is not None else np.full(len(at), np.nan)
        known = ~np.isnan(spent)
        time = np.round(spent[known] * 1e6).astype(np.int64)
        rows.append(_waste(log, NOTHING_GAINED, label, time, owners[at][known], still_open=0))
    if rules and rules.purchase:
        ends = _delivery(study, delivered)
        start, end = _match_deliveries(log, rules.purchase, ends)
        done = end >= 0
        time = log.times[end[done]] - log.times[start[done]]
        still = int((~done).sum())
        rows.append(_waste(log, DELIVERY, TOUCHPOINT, time, owners[start[done]], still_open=still))
        rows[-1]["label"] = ", ".join(ends)
    return pd.DataFrame(rows, columns=_no_waste().columns)


def _delivery(study: Study, delivered: Sequence[str] | None) -> list[str]:
    if delivered is not None:
        unknown = [name for name in delivered if study.touchpoint(name) is None]
        if unknown or not delivered:
            raise JourneyError(
                "measure_waits: delivered must name touchpoints of the study; "
                f"{', '.join(map(repr, unknown)) or 'it is empty'}. See study.yaml."
            )
        return list(delivered)
    stages = study.stage_ids
    bought = [t.stage for t in study.touchpoints if study.events and t.id in study.events.purchase]
    after = max((stages.index(stage) for stage in bought), default=-1) + 1
    return [t.id for t in study.touchpoints if after < len(stages) and t.stage == stages[after]]


def _match_deliveries(
    log: JourneyLog, purchase: Sequence[str], ends: Sequence[str]
) -> tuple[Ints, Ints]:
    """Positions of each purchase and of the last delivery before the next one (-1: none)."""
    bought = np.isin(log.codes, [log.code(p, caller="measure_waits") for p in purchase])
    came = np.isin(log.codes, [log.code(e, caller="measure_waits") for e in ends])
    came &= ~bought
    start = np.flatnonzero(bought)
    journey = log.journey_of()
    stop = np.append(start[1:], len(log))  # the next purchase, or the journey's end
    stop = np.minimum(stop, log.offsets[journey[start] + 1])
    last = np.maximum.accumulate(np.where(came, np.arange(len(log)), -1))
    end = last[stop - 1]
    return start, np.where(end > start, end, -1)


def _waste(
    log: JourneyLog, what: str, label: str, time: Ints, owner: Ints, *, still_open: int
) -> dict[str, Any]:
    people = len(np.unique(owner))
    row: dict[str, Any] = {
        "what": what, "label": label, "times": len(time), "customers": people,
        "hours": float(time.sum() / HOUR),
        "hours_per_customer": float(time.sum() / HOUR / people) if people else np.nan,
        "median_hours": np.nan, LOW: np.nan, HIGH: np.nan, LEVEL: log.level, N: people,
        METHOD: f"too few (n < {log.minimum_base})", "open": still_open,
    }  # fmt: skip
    if people >= max(log.minimum_base, 1):
        spread = spread_times(log, time, np.zeros(len(time), dtype=np.int64), owner, groups=1)
        for name in ("median_hours", LOW, HIGH, METHOD):
            row[name] = spread[name].iloc[0]
    return row
