"""Hand-overs: where a customer passes from one team, channel or member of staff to another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cjlib.columns import COST, ESTIMATE, HIGH, LEVEL, LOW, METHOD, N
from cjlib.errors import JourneyError, TooFewError
from cjlib.events import JourneyLog
from cjlib.events.journey_log import HOUR, NO_LABEL
from cjlib.intervals import Estimate
from cjlib.journeys.clusters import Bools, Ints, estimate_share_of, share_groups
from cjlib.journeys.spreads import spread_times
from cjlib.journeys.transitions import find_departures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WITHIN, OVER = "same hands", "hand-over"


@dataclass(frozen=True, slots=True, eq=False)
class Handovers:
    """What ``measure_handovers`` found.

    Attributes
    ----------
    table : DataFrame
        One row per pair, longest sum of waiting first: ``from``, ``to``; ``count``;
        ``customers``; ``estimate``: share of all moves looked at, with ``low, high, level, n,
        method``; ``median_hours`` with ``median_low``, ``median_high``; ``p90_hours``;
        ``total_hours``; ``share_of_waiting`` of all moves; ``handed_back``: share of these
        whose next hand-over leads straight back.
    waiting : DataFrame
        ``what`` ("same hands", "hand-over"), ``moves``, ``total_hours``,
        ``share_of_waiting``, ``median_hours`` with ``low, high, level, n, method``.
    share : Estimate
        Share of moves that are hand-overs, 0 to 1, by customer.
    by : str
    names : dict
    language : str
    """

    table: pd.DataFrame
    waiting: pd.DataFrame
    share: Estimate
    by: str
    names: dict[str, str] = field(repr=False)
    language: str = "en"

    def summary(self) -> str:
        """Say how often customers are handed over, and how much of the waiting lies there."""
        if self.table.empty:
            return f"No customer passes from one {self.by} to another."
        over = self.waiting.set_index("what").loc[OVER]
        top = self.table.iloc[0]
        wait = "" if np.isnan(top["median_hours"]) else f", median {top['median_hours']:.1f} hours"
        return (
            f"{self.share:.1%} of moves pass the customer from one {self.by} to another; "
            f"{over['share_of_waiting']:.1%} of the time between contacts lies there; most from "
            f"{top['from']} to {top['to']} ({top['count']:,} times{wait})."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the median and 90th percentile of the hand-overs with most waiting."""
        from cjlib import plots

        waits = self.table.assign(low=self.table["median_low"], high=self.table["median_high"])
        return plots.draw_waits(waits, names=self.names, language=self.language, ax=ax)


def measure_handovers(
    log: JourneyLog, *, by: str = "team", within: pd.Timedelta | str | None = None
) -> Handovers:
    """Measure how often customers pass from one to another, and how long they wait there.

    A hand-over is a move whose two contacts lie with different teams (channels, members of
    staff). Contacts with nobody known are left out first, so a page looked at between two
    calls hides no hand-over. Small groups are told as one (see ``cjlib.events.people``), and
    a move between two of them is none here.

    Parameters
    ----------
    log : JourneyLog
    by : "team", "channel" or "staff"
        Any view of the log.
    within : Timedelta or text such as "7 days", optional
        Moves further apart are left out: who comes back a year later is not handed over.

    Raises
    ------
    TooFewError
        If no contact tells whose it is.

    Notes
    -----
    Intervals allow for one customer's moves being alike. A few sorts of the moves.
    """
    limit = None if within is None else pd.Timedelta(within)
    if limit is not None and not limit > pd.Timedelta(0):
        raise JourneyError(f"measure_handovers: within must be a time above 0; got {within!r}.")
    log = _leave_out_nobody(log.of(by), caller="measure_handovers")
    here = find_departures(log)
    gap = log.times[here + 1] - log.times[here]
    owner = np.repeat(log.owner, log.lengths - 1)
    if limit is not None:
        near = gap <= limit // pd.Timedelta(microseconds=1)
        here, gap, owner = here[near], gap[near], owner[near]
    start, end = (log.codes[at].astype(np.int64) for at in (here, here + 1))
    over = start != end
    share = estimate_share_of(over, owner, level=log.level, minimum_base=log.minimum_base)
    table = _tell_pairs(log, start, end, gap, owner)
    back = _find_back(log, here[over], start[over], end[over])
    shares = pd.Series(back.astype(float)).groupby(
        [pd.Series(start[over]), pd.Series(end[over])]
    ).mean()  # fmt: skip
    pairs = pd.MultiIndex.from_arrays([table.pop("start"), table.pop("end")])
    table["handed_back"] = shares.reindex(pairs).to_numpy(dtype=float)
    table["handed_back"] = table["handed_back"].mask(table["customers"] < log.minimum_base)
    waiting = _compare_waiting(log, over, gap, owner)
    return Handovers(table, waiting, share, log.by, log.name(), log.language)


def _leave_out_nobody(log: JourneyLog, *, caller: str) -> JourneyLog:
    known = np.ones(len(log), dtype=bool)
    if NO_LABEL in log.labels:
        known = log.codes != log.labels.index(NO_LABEL)
    if not known.any():
        raise TooFewError(f"{caller}: some contact must have a known {log.by}; none has one.")
    return log if known.all() else log.take(known)


def _tell_pairs(log: JourneyLog, start: Ints, end: Ints, gap: Ints, owner: Ints) -> pd.DataFrame:
    k = len(log.labels)
    pair = start * k + end
    found = np.flatnonzero(np.bincount(pair[start != end], minlength=k * k))
    shares: dict[str, Any] = share_groups(
        pair, owner, groups=k * k, only=found, level=log.level, minimum_base=log.minimum_base
    )
    labels = np.array(log.labels, dtype=object)
    table = pd.DataFrame({
        "start": found // k, "end": found % k,
        "from": pd.Series(labels[found // k], dtype="str"),
        "to": pd.Series(labels[found % k], dtype="str"),
    })  # fmt: skip
    spread = spread_times(log, gap, pair, owner, groups=k * k).set_index("group").loc[found]
    spread = spread.reset_index(drop=True)
    table["count"], table["customers"] = spread["count"], spread[N]
    table = table.assign(**shares)
    small = table["customers"] < log.minimum_base
    table[[ESTIMATE, LOW, HIGH]] = table[[ESTIMATE, LOW, HIGH]].mask(small)
    table[METHOD] = table[METHOD].mask(small, f"too few (n < {log.minimum_base})")
    for ours, theirs in (
        ("median_hours", "median_hours"), ("median_low", LOW), ("median_high", HIGH),
        ("p90_hours", "p90_hours"), ("p90_low", "p90_low"), ("p90_high", "p90_high"),
        ("total_hours", "total_hours"),
    ):  # fmt: skip
        table[ours] = spread[theirs]
    whole = float(gap.sum() / HOUR)
    table["share_of_waiting"] = table["total_hours"] / whole if whole else np.nan
    return table.sort_values("total_hours", ascending=False, kind="stable", ignore_index=True)


def _find_back(log: JourneyLog, here: Ints, start: Ints, end: Ints) -> Bools:
    """Tell of each hand-over whether the next one of its journey leads straight back."""
    back = np.zeros(len(here), dtype=bool)
    if len(here) > 1:
        journey = np.searchsorted(log.offsets, here, side="right") - 1
        same = (journey[1:] == journey[:-1]) & (start[1:] == end[:-1])
        back[:-1] = same & (end[1:] == start[:-1])
    return back


def _compare_waiting(log: JourneyLog, over: Bools, gap: Ints, owner: Ints) -> pd.DataFrame:
    spread = spread_times(log, gap, over.astype(np.int64), owner, groups=2)
    columns = ["median_hours", LOW, HIGH, LEVEL, N, METHOD]
    table = pd.DataFrame({
        "what": pd.Series([WITHIN, OVER], dtype="str")[spread["group"]].to_numpy(),
        "moves": spread["count"], "total_hours": spread["total_hours"],
        "share_of_waiting": spread["total_hours"] / max(float(spread["total_hours"].sum()), 1e-300),
    })  # fmt: skip
    return table.assign(**{name: spread[name] for name in columns})


@dataclass(frozen=True, slots=True, eq=False)
class Workload:
    """What ``measure_workload`` found.

    Attributes
    ----------
    table : DataFrame
        One row per team (channel, member of staff), most contacts first: ``label``,
        ``contacts``, ``customers``; ``estimate``: share of the contacts with somebody known,
        with ``low, high, level, n, method``; ``hours`` that the contacts took and
        ``median_minutes`` of one with ``median_low``, ``median_high`` (missing where the log
        has no durations); ``cost``.
    by : str
    names : dict
    language : str
    """

    table: pd.DataFrame
    by: str
    names: dict[str, str] = field(repr=False)
    language: str = "en"

    def summary(self) -> str:
        """Name who has most contacts."""
        top = self.table.iloc[0]
        share = Estimate(*(top[c] for c in (ESTIMATE, LOW, HIGH, LEVEL, N, METHOD)))
        return (
            f"{int(self.table['contacts'].sum()):,} contacts of {len(self.table)} {self.by}s; most "
            f"with {top['label']} ({share:.1%})."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the shares of contacts as bars with intervals."""
        from cjlib import plots

        return plots.draw_workload(self.table, names=self.names, language=self.language, ax=ax)


def measure_workload(log: JourneyLog, *, by: str = "team") -> Workload:
    """Measure how the contacts fall to teams (channels, members of staff), and their time.

    Who has fewer than the minimum base of customers is told as one of the small groups, and
    where these together have fewer, their times and money are missing.

    Parameters
    ----------
    log : JourneyLog
    by : "team", "channel" or "staff"

    Raises
    ------
    TooFewError
        If no contact tells whose it is.

    Notes
    -----
    The interval of the share allows for one customer's contacts being alike.
    """
    log = _leave_out_nobody(log.of(by), caller="measure_workload")
    k, owner = len(log.labels), np.repeat(log.owner, log.lengths)
    codes = log.codes.astype(np.int64)
    counts = np.bincount(codes, minlength=k)
    found = np.flatnonzero(counts)
    pairs = pd.unique(codes * len(log.customers) + owner)
    served = np.bincount(pairs // len(log.customers), minlength=k)[found]
    table = pd.DataFrame({
        "label": pd.Series(np.array(log.labels, dtype=object)[found], dtype="str"),
        "contacts": counts[found], "customers": served,
    })  # fmt: skip
    shares: dict[str, Any] = share_groups(
        codes, owner, groups=k, only=found, level=log.level, minimum_base=log.minimum_base
    )
    table = table.assign(**shares)
    for name in ("hours", "median_minutes", "median_low", "median_high", COST):
        table[name] = np.nan
    if log.seconds is not None:
        known = ~np.isnan(log.seconds)
        ticks = np.round(log.seconds[known] * 1e6).astype(np.int64)
        spread = spread_times(log, ticks, codes[known], owner[known], groups=k).set_index("group")
        spread = spread.reindex(found).reset_index(drop=True)
        table["hours"] = spread["total_hours"]
        for ours, theirs in (
            ("median_minutes", "median_hours"), ("median_low", LOW), ("median_high", HIGH)
        ):  # fmt: skip
            table[ours] = spread[theirs] * 60
    if log.costs is not None:
        table[COST] = np.bincount(codes, np.nan_to_num(log.costs), minlength=k)[found]
    small = table["customers"] < log.minimum_base
    hidden = [ESTIMATE, LOW, HIGH, "hours", "median_minutes", "median_low", "median_high", COST]
    table[hidden] = table[hidden].mask(small)
    table[METHOD] = table[METHOD].mask(small, f"too few (n < {log.minimum_base})")
    table = table.sort_values("contacts", ascending=False, kind="stable", ignore_index=True)
    return Workload(table, log.by, log.name(), log.language)


def name_main(log: JourneyLog, *, by: str = "team") -> pd.Series:
    """Name for each customer the team (channel, member of staff) that had most contacts.

    Of equals the first in the labels' order. What it returns serves as the ``groups`` of
    ``measure_funnel``, ``measure_complexity`` or ``measure_stage_survival``.

    Parameters
    ----------
    log : JourneyLog
    by : "team", "channel" or "staff"

    Returns
    -------
    Series of str, by customer; those with nobody known are left out
    """
    log = _leave_out_nobody(log.of(by), caller="name_main")
    k, owner = len(log.labels), np.repeat(log.owner, log.lengths)
    cells, counts = np.unique(owner * k + log.codes.astype(np.int64), return_counts=True)
    who, code = cells // k, cells % k
    order = np.lexsort((code, -counts, who))
    first = order[np.unique(who[order], return_index=True)[1]]
    labels = np.array(log.labels, dtype=object)
    return pd.Series(
        labels[code[first]], index=pd.Index(log.customers[who[first]], name="customer_id"),
        name=by, dtype="str",
    )  # fmt: skip
