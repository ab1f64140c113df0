"""Loops: coming back to where one was, and what the way round costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.columns import COST, ESTIMATE, HIGH, LEVEL, LOW, METHOD, SECONDS, N
from cjlib.events import JourneyLog
from cjlib.events.journey_log import HOUR
from cjlib.intervals import estimate_share
from cjlib.journeys.clusters import Ints, hide_small

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REPEAT = "repeat"
THERE_AND_BACK = "there and back"
RETURN = "return"
STEP_BACK = "step back"
KINDS = (REPEAT, THERE_AND_BACK, RETURN, STEP_BACK)


@dataclass(frozen=True, slots=True, eq=False)
class Loops:
    """What ``find_loops`` found.

    Attributes
    ----------
    table : DataFrame
        One row per kind and place, most extra contacts first. ``kind``: "repeat" (the same
        label twice in a row), "there and back" (A, B, A; ``via`` is B), "return" (back after
        two or more contacts elsewhere), "step back" (to an earlier stage; ``via`` is the
        stage come from). ``label``: where they came back to; ``loops``; ``customers``;
        ``estimate``: share of all customers, with its interval; ``extra_contacts``: contacts
        from leaving to being back; ``hours`` and ``median_hours``: from the earlier contact
        to the return; ``seconds``, ``cost``: of the extra contacts, missing where the log
        has none.
    contacts, extra_contacts : int
        All contacts, and those beyond each journey's first at the same label. Loops of
        different labels overlap, so the rows of ``table`` must not be added up: this can.
    extra_cost, extra_seconds : float
        What those extra contacts cost and took; missing where the log has no such measure.
    names : dict
    language : str
    """

    table: pd.DataFrame
    contacts: int
    extra_contacts: int
    extra_cost: float
    extra_seconds: float
    names: dict[str, str] = field(repr=False)
    language: str = "en"

    def summary(self) -> str:
        """Say how many contacts are repeats and which loop costs most contacts."""
        text = (
            f"{self.extra_contacts:,} of {self.contacts:,} contacts "
            f"({self.extra_contacts / self.contacts:.1%}) are at a place the journey had been "
            "before"
        )
        if self.table.empty:
            return text + "."
        top = self.table.iloc[0]
        via = f" via {top['via']}" if top["via"] else ""
        return (
            f"{text}; the longest sum is {top['kind']} at {top['label']}{via}: "
            f"{top['loops']:,} times by {top['customers']:,} customers, "
            f"{top['extra_contacts']:,} extra contacts."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the extra contacts of the largest loops as bars."""
        from cjlib import plots

        return plots.draw_loops(self.table, names=self.names, language=self.language, ax=ax)


def find_loops(log: JourneyLog, *, by: str | None = None) -> Loops:
    """Find every return to a label visited before in the same journey.

    A contact closes a loop when an earlier contact of its journey has the same label; the
    loop runs from the latest such contact. One contact on: a repeat; two: there and back;
    three or more: a return. By stage, a contact at an earlier stage than the contact before
    it is also a step back, whether or not that stage was visited.

    Parameters
    ----------
    log : JourneyLog
    by : "touchpoint", "stage" or "channel", optional
        "touchpoint" finds repeats at one place, "stage" returns along the journey.

    Notes
    -----
    One stable sort of codes within journeys: n log n for n contacts.
    """
    log = log.of(by)
    k = len(log.labels)
    journey = log.journey_of()
    before = _previous_same(journey * k + log.codes)
    back = np.flatnonzero(before >= 0)
    length = back - before[back]
    kind = np.minimum(length, 3) - 1
    via = np.where(length == 2, log.codes[np.maximum(back - 1, 0)], -1)
    spans = [pd.DataFrame({"kind": kind, "label": log.codes[back], "via": via,
                           "start": before[back], "end": back})]  # fmt: skip
    if log.by == "stage":
        after = np.flatnonzero((np.diff(log.codes) < 0) & (journey[1:] == journey[:-1])) + 1
        spans.append(
            pd.DataFrame({"kind": 3, "label": log.codes[after], "via": log.codes[after - 1],
                          "start": after - 1, "end": after})
        )  # fmt: skip
    table = _describe(log, journey, pd.concat(spans, ignore_index=True))
    return Loops(
        table=table,
        contacts=len(log),
        extra_contacts=len(back),
        extra_cost=_sum(log.costs, back),
        extra_seconds=_sum(log.seconds, back),
        names=log.name(),
        language=log.language,
    )


def _previous_same(key: Ints) -> Ints:
    """Position of the latest earlier contact with the same key, -1 where there is none."""
    order = np.argsort(key, kind="stable")
    same = key[order[1:]] == key[order[:-1]]
    before = np.full(len(key), -1, dtype=np.int64)
    before[order[1:][same]] = order[:-1][same]
    return before


def _sum(values: npt.NDArray[np.float64] | None, at: Ints) -> float:
    return float("nan") if values is None else float(np.nansum(values[at]))


def _describe(log: JourneyLog, journey: Ints, spans: pd.DataFrame) -> pd.DataFrame:
    k = len(log.labels) + 1
    kinds, places, vias, starts, ends = (
        spans[name].to_numpy(dtype=np.int64) for name in ("kind", "label", "via", "start", "end")
    )
    group = (kinds * k + places) * k + vias + 1
    order = np.argsort(group, kind="stable")
    found, first = np.unique(group[order], return_index=True)
    edges = np.append(first, len(order))
    totals = {
        name: None if values is None else np.concatenate([[0.0], np.cumsum(np.nan_to_num(values))])
        for name, values in ((SECONDS, log.seconds), (COST, log.costs))
    }
    customers = len(np.unique(log.owner))
    rows: list[dict[str, Any]] = []
    for i, code in enumerate(found):
        mine = order[edges[i] : edges[i + 1]]
        low, high = starts[mine], ends[mine]
        hours = (log.times[high] - log.times[low]) / HOUR
        who = np.unique(log.owner[journey[high]])
        share = estimate_share(len(who), customers, level=log.level)
        via = int(code % k) - 1
        row: dict[str, Any] = {
            "kind": KINDS[code // (k * k)],
            "label": log.labels[code // k % k],
            "via": log.labels[via] if via >= 0 else "",
            "loops": len(mine),
            "customers": len(who),
            **share.as_dict(),
            "extra_contacts": int((high - low).sum()),
            "hours": float(hours.sum()),
            "median_hours": float(np.median(hours)),
        }
        for name, total in totals.items():
            row[name] = float("nan") if total is None else float(
                (total[high + 1] - total[low + 1]).sum()
            )  # fmt: skip
        rows.append(row)
    columns = ["kind", "label", "via", "loops", "customers", ESTIMATE, LOW, HIGH, LEVEL, N, METHOD,
               "extra_contacts", "hours", "median_hours", SECONDS, COST]  # fmt: skip
    table = hide_small(pd.DataFrame(rows, columns=columns), log.minimum_base)
    return table.sort_values("extra_contacts", ascending=False, kind="stable", ignore_index=True)
