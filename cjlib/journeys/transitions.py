"""Where customers go next: transitions between touchpoints, stages and channels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cjlib.columns import ESTIMATE, HIGH, LEVEL, LOW, METHOD, N
from cjlib.events import JourneyLog
from cjlib.events.journey_log import HOUR
from cjlib.intervals import Estimate
from cjlib.journeys.clusters import (
    BY_CUSTOMER,
    Ints,
    bound_shares,
    count_pairs,
    estimate_share_of,
    hide_small,
    quantiles_by_group,
    read_quantiles,
    tally,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True, eq=False)
class Transitions:
    """What ``count_transitions`` found.

    Attributes
    ----------
    table : DataFrame
        One row per move that occurs, most frequent first: ``from``, ``to``; ``count``;
        ``customers`` who made it; ``estimate``: share of the departures from ``from`` that
        went there, with ``low, high, level, n, method`` (``n``: customers who left
        ``from``); ``median_hours`` and ``p90_hours`` to the next contact.
    by : str
        What moves are between: "touchpoint", "stage" or "channel".
    names : dict
        Label -> name for readers.
    language : str
    """

    table: pd.DataFrame
    by: str
    names: dict[str, str] = field(repr=False)
    language: str = "en"

    def matrix(self, values: str = ESTIMATE) -> pd.DataFrame:
        """Return a column of the table as from x to, labels in the study's order."""
        order = [k for k in self.names if k in set(self.table["from"]) | set(self.table["to"])]
        wide = self.table.pivot_table(
            index="from", columns="to", values=values, aggfunc="sum", min_count=1, dropna=False
        )
        return wide.reindex(index=order, columns=order)

    def summary(self) -> str:
        """Name the most frequent move between two different places."""
        moves = self.table[self.table["from"] != self.table["to"]]
        if moves.empty:
            return f"Nobody moves from one {self.by} to another."
        top = moves.iloc[0]
        share = Estimate(*(top[c] for c in (ESTIMATE, LOW, HIGH, LEVEL, N, METHOD)))
        return (
            f"{int(self.table['count'].sum()):,} moves between {self.by}s; the most frequent is "
            f"{top['from']} to {top['to']} ({top['count']:,} times, {share:.1%} of departures)."
        )

    def plot(self, *, top: int = 14, ax: Axes | None = None) -> Axes:
        """Draw the shares between the ``top`` labels left most often, as a heat map."""
        from cjlib import plots

        left = self.table.groupby("from")["count"].sum()
        chosen = set(left.sort_values(ascending=False, kind="stable").index[:top])
        wide = self.matrix()
        keep = [name for name in wide.index if name in chosen]
        return plots.draw_transitions(
            wide.loc[keep, keep], names=self.names, language=self.language, ax=ax
        )


def count_transitions(log: JourneyLog, *, by: str | None = None) -> Transitions:
    """Count each move from one contact to the next within a journey.

    A move joins a contact and the one right after it, so staying (the same label twice) is a
    move too. Contacts at the same time keep the log's stated order. The last contact of a
    journey departs nowhere: see ``find_exits``.

    Parameters
    ----------
    log : JourneyLog
    by : "touchpoint", "stage" or "channel", optional
        By default as the log is.

    Returns
    -------
    Transitions

    Notes
    -----
    The interval of a share allows for one customer's moves being alike (``bound_shares``).
    Two sorts of whole numbers: n log n for n contacts; the table grows with the moves seen.
    """
    log = log.of(by)
    here = find_departures(log)
    start, end = log.codes[here], log.codes[here + 1]
    owner = np.repeat(log.owner, log.lengths - 1)
    k = len(log.labels)
    pairs = count_pairs(owner, start, end, labels=k)
    p, low, high = bound_shares(
        pairs.count,
        pairs.total,
        yy=pairs.yy,
        xy=pairs.xy,
        xx=pairs.xx,
        customers=pairs.base,
        level=log.level,
    )
    gap = log.times[here + 1] - log.times[here]
    place = np.full(k * k, -1, dtype=np.int64)
    place[pairs.pair] = np.arange(len(pairs.pair))
    group = place[start.astype(np.int64) * k + end]
    median, ordered, starts = quantiles_by_group(gap, group, groups=len(pairs.pair), at=0.5)
    labels = np.array(log.labels, dtype=object)
    table = pd.DataFrame(
        {
            "from": labels[pairs.pair // k],
            "to": labels[pairs.pair % k],
            "count": pairs.count,
            "customers": pairs.customers,
            ESTIMATE: p,
            LOW: low,
            HIGH: high,
            LEVEL: log.level,
            N: pairs.base,
            METHOD: BY_CUSTOMER,
            "median_hours": median / HOUR,
            "p90_hours": read_quantiles(ordered, starts, at=0.9) / HOUR,
        }
    ).astype({"from": "str", "to": "str"})
    table = hide_small(table, log.minimum_base)
    table = table.iloc[np.lexsort((pairs.pair, -pairs.count))].reset_index(drop=True)
    return Transitions(table=table, by=log.by, names=log.name(), language=log.language)


def find_departures(log: JourneyLog) -> Ints:
    """Positions of the contacts that are followed by another in the same journey."""
    followed = np.ones(len(log), dtype=bool)
    followed[log.offsets[1:] - 1] = False
    return np.flatnonzero(followed)


@dataclass(frozen=True, slots=True, eq=False)
class Switches:
    """What ``channel_switches`` found.

    Attributes
    ----------
    table : DataFrame
        Moves between two different channels, as in ``Transitions.table``.
    share : Estimate
        Share of all moves that change the channel, 0 to 1, by customer.
    customers : DataFrame
        ``channels``: how many different ones a customer used; ``customers``; ``share``.
    names : dict
    language : str
    """

    table: pd.DataFrame
    share: Estimate
    customers: pd.DataFrame
    names: dict[str, str] = field(repr=False)
    language: str = "en"

    def summary(self) -> str:
        """Say how often customers change channel, and the most frequent change."""
        several = self.customers.loc[self.customers["channels"] > 1, "share"].sum()
        text = (
            f"{self.share:.1%} of moves change the channel; {several:.1%} of customers use more "
            "than one"
        )
        if self.table.empty:
            return text + "."
        top = self.table.iloc[0]
        return f"{text}; the most frequent change is {top['from']} to {top['to']}."

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw how often each channel gives way to each other one."""
        from cjlib import plots

        order = [k for k in self.names if k in {*self.table["from"], *self.table["to"]}]
        wide = self.table.pivot_table(index="from", columns="to", values="count", aggfunc="sum")
        return plots.draw_transitions(
            wide.reindex(index=order, columns=order),
            names=self.names, language=self.language, shares=False, ax=ax,
        )  # fmt: skip


def channel_switches(log: JourneyLog) -> Switches:
    """Count the moves at which a customer changes channel.

    A switch is a contact in another channel than the customer's contact before. A journey
    of one contact has no move and so no say in ``share``; it counts in ``customers``.

    Notes
    -----
    As ``count_transitions``, with one more sort of the customers' channels.
    """
    log = log.of("channel")
    moves = count_transitions(log)
    here = find_departures(log)
    changed = log.codes[here] != log.codes[here + 1]
    share = estimate_share_of(
        changed, np.repeat(log.owner, log.lengths - 1),
        level=log.level, minimum_base=log.minimum_base,
    )  # fmt: skip
    k = len(log.labels)
    owners = np.repeat(log.owner, log.lengths)
    used = np.bincount(tally(np.sort(owners * k + log.codes))[0] // k)
    sizes = np.bincount(used[used > 0])
    table = moves.table[moves.table["from"] != moves.table["to"]].reset_index(drop=True)
    several = pd.DataFrame({"channels": np.arange(len(sizes)), "customers": sizes}).iloc[1:]
    several = several.assign(share=several["customers"] / several["customers"].sum())
    return Switches(table, share, several.reset_index(drop=True), log.name(), log.language)
