"""Visits: how many each gap makes; stages: through which doors they are entered and left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from cjlib.columns import ESTIMATE, HIGH, LEVEL, LOW, METHOD, STAGE, TOUCHPOINT, N
from cjlib.errors import JourneyError, nearest
from cjlib.events import JourneyLog, sessions
from cjlib.intervals import Estimate
from cjlib.journeys.clusters import Ints, estimate_share_of, share_groups
from cjlib.journeys.spreads import spread_times

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GAPS: Final = (5, 10, 15, 30, 60, 120, 240, 480, 1440)  # minutes
BEGUN, LEFT = "(begin)", "(left)"
ENTER, LEAVE = "enter", "leave"


@dataclass(frozen=True, slots=True, eq=False)
class VisitGaps:
    """What ``compare_gaps`` found.

    Attributes
    ----------
    table : DataFrame
        One row per gap: ``gap_minutes``; ``visits``; ``change``: visits against those of
        ``used``, as a share; ``contacts_per_visit``; ``median_minutes`` of a visit;
        ``estimate``: share of visits of a single contact, with ``low, high, level, n,
        method``.
    used : float
        The gap the study works with, in minutes.
    language : str
    """

    table: pd.DataFrame
    used: float
    language: str = "en"

    def summary(self) -> str:
        """Say how many visits the gap used makes, and what half and twice of it would."""
        rows = {row["gap_minutes"]: row for row in self.table.to_dict("records")}
        own = rows[self.used]
        others = [
            f"{word} the gap {rows[self.used * factor]['change']:+.1%}"
            for word, factor in (("half", 0.5), ("twice", 2.0))
        ]
        return (
            f"A pause of {self.used:g} minutes makes {int(own['visits']):,} visits of "
            f"{own['contacts_per_visit']:.1f} contacts; {', '.join(others)} visits."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the number of visits by gap, the one used marked."""
        from cjlib import plots

        return plots.draw_visit_gaps(self.table, used=self.used, language=self.language, ax=ax)


def compare_gaps(log: JourneyLog, *, used: float = 30.0, gaps: Sequence[float] = GAPS) -> VisitGaps:
    """Compare the visits that each gap would make: where the number still falls, it matters.

    Parameters
    ----------
    log : JourneyLog
        Whole journeys, not yet cut into visits.
    used : float, minutes
        Such as ``study.events.session_gap_minutes``; half and twice of it are looked at too.
    gaps : sequence of float, minutes, more than 0

    Notes
    -----
    A pause of exactly the gap does not cut. One pass per gap.
    """
    tried = sorted({float(gap) for gap in (*gaps, used, used / 2, used * 2)})
    if not tried[0] > 0:
        raise JourneyError(f"compare_gaps: gaps must be more than 0 minutes; got {tried[0]!r}.")
    rows: list[dict[str, Any]] = []
    for gap in tried:
        cut = sessions(log, gap=gap)
        spent = cut.times[cut.offsets[1:] - 1] - cut.times[cut.offsets[:-1]]
        single = estimate_share_of(
            cut.lengths == 1, cut.owner, level=log.level, minimum_base=log.minimum_base
        )
        rows.append({
            "gap_minutes": gap, "visits": cut.journeys,
            "contacts_per_visit": len(cut) / cut.journeys,
            "median_minutes": float(np.median(spent)) / 60e6, **single.as_dict(),
        })  # fmt: skip
    table = pd.DataFrame(rows)
    own = int(table.loc[table["gap_minutes"].eq(used), "visits"].iloc[0])
    table.insert(2, "change", table["visits"] / own - 1)
    return VisitGaps(table, float(used), log.language)


@dataclass(frozen=True, slots=True, eq=False)
class Doors:
    """What ``find_doors`` found.

    A stay is a run of contacts of one journey in one stage.

    Attributes
    ----------
    table : DataFrame
        One row per stage, side ("enter" or "leave") and touchpoint, in the study's order,
        most used first: ``stage, side, touchpoint, stays, customers`` and ``estimate``: share
        of the stage's stays that begin (end) there, with ``low, high, level, n, method``.
    neighbours : DataFrame
        The same with ``other`` instead of the touchpoint: the stage they came from or went
        to, "(begin)" and "(left)" where the journey begins or ends.
    stages : DataFrame
        One row per stage: ``stage, stays, customers, contacts`` per stay, ``median_hours`` of
        a stay with ``low, high, level, n, method``.
    names : dict
        Of stages and touchpoints, for readers.
    language : str
    """

    table: pd.DataFrame
    neighbours: pd.DataFrame
    stages: pd.DataFrame
    names: dict[str, str] = field(repr=False)
    language: str = "en"

    def summary(self) -> str:
        """Name the stage most journeys end in, and its commonest doors."""
        gone = self.neighbours[self.neighbours["other"].eq(LEFT)]
        top = gone.sort_values("stays", ascending=False, kind="stable").iloc[0]
        share = Estimate(*(top[c] for c in (ESTIMATE, LOW, HIGH, LEVEL, N, METHOD)))
        doors = {
            side: self.table[self.table[STAGE].eq(top[STAGE]) & self.table["side"].eq(side)].iloc[0]
            for side in (ENTER, LEAVE)
        }
        return (
            f"Most journeys end in {top[STAGE]}: {share:.1%} of its {self._stays(top[STAGE]):,} "
            f"stays are the last; it is entered most at {doors[ENTER][TOUCHPOINT]} and left most "
            f"at {doors[LEAVE][TOUCHPOINT]}."
        )

    def _stays(self, stage: str) -> int:
        return int(self.stages.loc[self.stages[STAGE].eq(stage), "stays"].iloc[0])

    def plot(self, *, stage: str | None = None, ax: Axes | None = None) -> Axes:
        """Draw where one stage (by default the one with most stays) is entered and left."""
        from cjlib import plots

        known = self.stages.sort_values("stays", ascending=False, kind="stable")[STAGE].tolist()
        chosen = known[0] if stage is None else stage
        if chosen not in known:
            raise JourneyError(
                f"Doors.plot: stage must be one of {', '.join(known)}; got {chosen!r}. Did you "
                f"mean {nearest(chosen, known)!r}?"
            )
        return plots.draw_doors(
            self.table[self.table[STAGE].eq(chosen)], stage=self.names.get(chosen, chosen),
            names=self.names, language=self.language, ax=ax,
        )  # fmt: skip


def find_doors(log: JourneyLog) -> Doors:
    """Find through which touchpoints each stage is entered and left, from where and to where.

    Parameters
    ----------
    log : JourneyLog
        With views of stages and touchpoints.

    Notes
    -----
    Intervals allow for one customer's stays being alike. One pass and a few sorts of stays.
    """
    stage, touch = log.of("stage"), log.of("touchpoint")
    opens = np.ones(len(log), dtype=bool)
    opens[1:] = stage.codes[1:] != stage.codes[:-1]
    opens[log.offsets[:-1]] = True
    first = np.flatnonzero(opens)
    last = np.append(first[1:], len(log)) - 1
    journey = log.journey_of()[first]
    owner, place = log.owner[journey], stage.codes[first].astype(np.int64)
    k = len(stage.labels)
    follows = np.zeros(len(first), dtype=bool)
    follows[1:] = journey[1:] == journey[:-1]
    before = np.where(follows, np.roll(place, 1), k)
    after = np.where(np.append(follows[1:], False), np.roll(place, -1), k)
    doors = [
        _share_out(log, place, touch.codes[at].astype(np.int64), owner, side=side,
                   names=(stage.labels, touch.labels), column=TOUCHPOINT)
        for side, at in ((ENTER, first), (LEAVE, last))
    ]  # fmt: skip
    others = [
        _share_out(log, place, other, owner, side=side,
                   names=(stage.labels, (*stage.labels, end)), column="other")
        for side, other, end in ((ENTER, before, BEGUN), (LEAVE, after, LEFT))
    ]  # fmt: skip
    names = {**touch.name(), **stage.name()}
    return Doors(
        _in_order(doors, stage.labels), _in_order(others, stage.labels),
        _describe_stays(log, place, owner, (first, last), labels=stage.labels), names, log.language,
    )  # fmt: skip


def _share_out(
    log: JourneyLog, place: Ints, what: Ints, owner: Ints, *, side: str,
    names: tuple[Sequence[str], Sequence[str]], column: str,
) -> pd.DataFrame:  # fmt: skip
    """Share of each stage's stays by ``what``, by customer."""
    parts = []
    for code, label in enumerate(names[0]):
        mine = place == code
        if not mine.any():
            continue
        group, who = what[mine], owner[mine]
        found = np.flatnonzero(np.bincount(group, minlength=len(names[1])))
        shares = share_groups(
            group, who, groups=len(names[1]), only=found, level=log.level,
            minimum_base=log.minimum_base,
        )  # fmt: skip
        people = np.unique(who * len(names[1]) + group) % len(names[1])
        part = pd.DataFrame({
            STAGE: label, "side": side, column: [names[1][i] for i in found.tolist()],
            "stays": np.bincount(group)[found], "customers": np.bincount(people)[found], **shares,
        })  # fmt: skip
        parts.append(part.sort_values("stays", ascending=False, kind="stable"))
    return pd.concat(parts).astype({STAGE: "str", "side": "str", column: "str"})


def _in_order(parts: list[pd.DataFrame], stages: Sequence[str]) -> pd.DataFrame:
    table = pd.concat(parts)
    rank = table[STAGE].map({label: i for i, label in enumerate(stages)}) * 2
    rank += table["side"].eq(LEAVE)
    return table.iloc[np.argsort(rank.to_numpy(), kind="stable")].reset_index(drop=True)


def _describe_stays(
    log: JourneyLog, place: Ints, owner: Ints, ends: tuple[Ints, Ints], *, labels: Sequence[str]
) -> pd.DataFrame:
    first, last = ends
    spent = log.times[last] - log.times[first]
    spread = spread_times(log, spent, place, owner, groups=len(labels))
    contacts = np.bincount(place, last - first + 1, minlength=len(labels))
    people = np.unique(owner * len(labels) + place) % len(labels)
    table = pd.DataFrame({
        STAGE: [labels[i] for i in spread["group"]], "stays": spread["count"],
        "customers": np.bincount(people, minlength=len(labels))[spread["group"]],
        "contacts": contacts[spread["group"]] / spread["count"],
    })  # fmt: skip
    return table.astype({STAGE: "str"}).assign(
        **{name: spread[name] for name in ("median_hours", LOW, HIGH, LEVEL, N, METHOD)}
    )
