"""Who comes back, month by month, and how long it takes to reach the next stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cjlib.columns import ESTIMATE, GROUP, HIGH, LEVEL, LOW, METHOD, N
from cjlib.errors import JourneyError, TooFewError
from cjlib.events import JourneyLog
from cjlib.intervals import Estimate, LogRank, compare_survival, estimate_survival, wilson_bounds
from cjlib.journeys.clusters import WILSON, Bools, Floats, Ints, too_few

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DAY = 86_400_000_000  # microseconds
ALL = "all"


@dataclass(frozen=True, slots=True, eq=False)
class Cohorts:
    """What ``measure_cohorts`` found.

    Attributes
    ----------
    table : DataFrame
        One row per cohort (calendar month, "2025-03"; last "all" for the cohorts together)
        and age in months: ``cohort, age, customers, active`` and ``estimate``: share who came
        back in that month, with ``low, high, level, n, method``. What the log does not show
        to the month's end is missing, never zero, and says "not observed".
    start, back : tuple of str
        Labels that make a customer new, and that count as coming back; empty for any.
    language : str
    """

    table: pd.DataFrame
    start: tuple[str, ...]
    back: tuple[str, ...]
    language: str = "en"

    @property
    def triangle(self) -> pd.DataFrame:
        """Cohorts x ages: share who came back, missing where not observed."""
        return self.table.pivot_table(
            index="cohort", columns="age", values=ESTIMATE, dropna=False, sort=False
        )

    def summary(self) -> str:
        """Say how many come back one, three and twelve months later."""
        rows = self.table[self.table["cohort"].eq(ALL) & self.table["age"].isin([1, 3, 12])]
        words = [
            f"in month {int(row['age'])} after it "
            f"{Estimate(*(row[c] for c in (ESTIMATE, LOW, HIGH, LEVEL, N, METHOD))):.1%}"
            for row in rows.to_dict("records")
            if not np.isnan(row[ESTIMATE])
        ]
        many = self.table["cohort"].nunique() - 1
        return (
            f"Of the customers of {many:,} months came back: {'; '.join(words) or 'not observed'}."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the cohorts as a heat map, months since the first along the side."""
        from cjlib import plots

        return plots.draw_journey_cohorts(self.table, language=self.language, ax=ax)


def measure_cohorts(
    log: JourneyLog,
    *,
    by: str | None = None,
    start: Sequence[str] = (),
    back: Sequence[str] | None = None,
    end: str | pd.Timestamp | None = None,
    ages: int = 12,
) -> Cohorts:
    """Measure which share of each month's new customers comes back in the months after.

    A customer belongs to the calendar month (of the log's clock) of their first contact at
    ``start``, and is active at age a if they have a contact at ``back`` in the a-th calendar
    month after it. At age 0 all are, by definition. Coming back twice in a month counts once;
    staying away for a month and coming later counts later.

    Parameters
    ----------
    log : JourneyLog
    by : "touchpoint", "stage" or "channel", optional
    start : sequence of str
        Labels that make a customer new, such as the purchase; empty for any contact.
    back : sequence of str, optional
        Labels that count as coming back; by default those of ``start``.
    end : date, optional
        Last day watched, whole; by default the day of the log's last contact. A month it does
        not reach the end of is not observed.
    ages : int, at least 1
        Months after the first to look at.

    Raises
    ------
    TooFewError
        If no customer ever starts.

    Notes
    -----
    One customer is one observation in each cell, so the intervals are Wilson's. "all" joins,
    age by age, the cohorts that the log shows at that age. Cohorts below the minimum base
    say "too few". One pass over the contacts.
    """
    if ages < 1:
        raise JourneyError(f"measure_cohorts: ages must be at least 1 month; got {ages!r}.")
    log = log.of(by)
    goals = [log.code(label, caller="measure_cohorts") for label in start]
    if back is None:
        back = start
    returns = [log.code(label, caller="measure_cohorts") for label in back]
    stop = _end_of(log, end)
    owner = np.repeat(log.owner, log.lengths)
    month = log.times.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    watched = log.times < stop
    starts = watched & np.isin(log.codes, goals) if goals else watched
    if not starts.any():
        what = f"at {', '.join(start)}" if goals else "before the end"
        raise TooFewError(f"measure_cohorts: the log must have contacts {what}; it has none.")
    none = np.iinfo(np.int64).max
    born = np.full(len(log.customers), none)
    np.minimum.at(born, owner[starts], month[starts])
    comes = watched & (born[owner] < none) & (month > born[owner])
    if returns:
        comes &= np.isin(log.codes, returns)
    age = month[comes] - born[owner[comes]]
    cells = np.unique(owner[comes][age <= ages] * (ages + 1) + age[age <= ages])
    first = int(born.min())
    known = born[born < none] - first
    size = np.bincount(known)
    active = np.zeros((len(size), ages + 1), dtype=np.int64)
    np.add.at(active, (born[cells // (ages + 1)] - first, cells % (ages + 1)), 1)
    active[:, 0] = size
    complete = int(np.datetime64(int(stop), "us").astype("datetime64[M]").astype(np.int64)) - 1
    table = _tabulate(log, size, active, first=first, complete=complete)
    return Cohorts(table, tuple(start), tuple(back), log.language)


def _end_of(log: JourneyLog, end: str | pd.Timestamp | None) -> int:
    """Return the first microsecond that is not watched."""
    if end is None:
        return int((log.times.max() // DAY + 1) * DAY)
    day = np.datetime64(pd.Timestamp(end).normalize(), "us").astype(np.int64)
    return int(day) + DAY


def _tabulate(
    log: JourneyLog, size: Ints, active: Ints, *, first: int, complete: int
) -> pd.DataFrame:
    """Lay out the cells; those past the last complete month are not observed."""
    cohorts, ages = np.indices(active.shape)
    seen = (first + cohorts + ages <= complete) | (ages == 0)
    people = np.broadcast_to(size[:, None], active.shape)
    filled = np.flatnonzero(size)
    all_seen, all_active = (people * seen).sum(axis=0), (active * seen).sum(axis=0)
    n = np.concatenate([people[filled].ravel(), all_seen])
    count = np.concatenate([active[filled].ravel(), all_active]).astype(float)
    shown = np.concatenate([seen[filled].ravel(), all_seen > 0])
    low, high = wilson_bounds(np.where(shown, count, 0), n, level=log.level)
    months = (first + filled).astype("datetime64[M]").astype(str)
    width = active.shape[1]
    small = n < log.minimum_base
    method = np.where(small, f"too few (n < {log.minimum_base})", WILSON)
    bare = ~shown | small
    return pd.DataFrame(
        {
            "cohort": pd.Series(np.repeat([*months, ALL], width), dtype="str"),
            "age": np.tile(np.arange(width), len(filled) + 1),
            "customers": n,
            "active": np.where(shown, count, np.nan),
            ESTIMATE: np.where(bare, np.nan, count / np.maximum(n, 1)),
            LOW: np.where(bare, np.nan, low),
            HIGH: np.where(bare, np.nan, high),
            LEVEL: log.level,
            N: n,
            METHOD: np.where(shown, method, "not observed"),
        }
    )


@dataclass(frozen=True, slots=True, eq=False)
class StageSurvival:
    """What ``measure_stage_survival`` found.

    Attributes
    ----------
    table : DataFrame
        ``group, time`` (days since the start)``, at_risk, events, lost`` and ``estimate``:
        share not yet there, with ``low, high, level, n, method``.
    medians : DataFrame
        One row per group: ``group, customers, reached`` and ``estimate``: days until half of
        them are there, with ``low, high, level, n, method``; missing where the curve (or its
        bound) never comes down to a half.
    test : LogRank or None
        Whether the groups take equally long; None with fewer than two large enough.
    start, goal : str
    names : dict
    language : str
    """

    table: pd.DataFrame
    medians: pd.DataFrame
    test: LogRank | None
    start: str
    goal: str
    names: dict[str, str] = field(repr=False)
    language: str = "en"

    def summary(self) -> str:
        """Say how many get there and how long half of them take."""
        goal = self.goal or "the next place"
        words = []
        for row in self.medians.to_dict("records"):
            half = "not known"
            if row[METHOD].startswith("Brookmeyer"):
                low, middle, high = (
                    "never" if np.isnan(row[c]) else f"{row[c]:.1f}" for c in (LOW, ESTIMATE, HIGH)
                )
                half = f"{middle} [{low}, {high}]"
            words.append(
                f"{row[GROUP]}: {row['reached']:,} of {row['customers']:,} reached {goal}, "
                f"days until half did {half}"
            )
        text = f"From {self.start or 'the first contact'}: {'; '.join(words)}"
        return f"{text}; log-rank p = {self.test.p:.3g}." if self.test else f"{text}."

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the share not yet there by days since the start."""
        from cjlib import plots

        goal = self.names.get(self.goal, self.goal)
        return plots.draw_stage_survival(self.table, goal=goal, language=self.language, ax=ax)


def measure_stage_survival(
    log: JourneyLog,
    *,
    by: str | None = None,
    start: str | None = None,
    goal: str | None = None,
    groups: pd.Series | None = None,
    end: str | pd.Timestamp | None = None,
) -> StageSurvival:
    """Measure how long customers take from one stage to another, or to wherever they go next.

    The clock of a customer starts at their first contact at ``start`` and stops at the first
    contact at ``goal`` that follows it in the log. Who is not there by the end of the log is
    only watched until then (censored), also if they left for good: nobody can tell the two
    apart. After Kaplan and Meier, with Greenwood's variance on the log(-log) scale.

    Parameters
    ----------
    log : JourneyLog
    by : "touchpoint", "stage" or "channel", optional
    start : str, optional
        Label; by default the first contact of each customer.
    goal : str, optional
        Label; by default the first contact at another label than that of the start.
    groups : Series, customer -> group, optional
        One curve each and a log-rank test. Customers that it lacks are left out.
    end : date, optional
        Last day watched, whole; by default the log's last contact.

    Raises
    ------
    TooFewError
        If no customer (of the groups) has a contact at ``start``.

    Notes
    -----
    Journeys of one customer (sessions) are read on as one. Censoring is taken to be unrelated
    to how long it takes: true where it comes from the end of the log and customers who start
    late are like those who start early. The median's interval is where the bounds of the
    curve cross a half. One pass over the contacts; a sort of the durations.

    References
    ----------
    Kaplan, E. L. & Meier, P. (1958). JASA 53, 457-481.
    Brookmeyer, R. & Crowley, J. (1982). Biometrics 38, 29-41.
    """
    log = log.of(by)
    last = int(log.times.max()) if end is None else _end_of(log, end) - 1
    who, days, reached = _wait(log, start, goal, last)
    names = pd.Index(log.customers[who])
    group = pd.Series(ALL, index=names, dtype="str")
    if groups is not None:
        known = groups.dropna()
        if known.index.has_duplicates:
            raise JourneyError(
                "measure_stage_survival: groups must hold each customer once; "
                f"{known.index[known.index.duplicated()][0]!r} comes again. Drop duplicates."
            )
        group = known.astype("str").reindex(names)
    inside = group.notna().to_numpy()
    if not inside.any():
        raise TooFewError(
            "measure_stage_survival: customers (of the groups) must have a contact at "
            f"{start or 'all'} before the end; none has. Is groups indexed by customer_id?"
        )
    label = group.to_numpy(dtype=object)[inside]
    days, reached = days[inside], reached[inside]
    table = estimate_survival(days, reached, groups=label, level=log.level)
    medians = _find_medians(table, log)
    small = table[N] < log.minimum_base
    table.loc[small, [ESTIMATE, LOW, HIGH]] = np.nan
    table.loc[small, METHOD] = f"too few (n < {log.minimum_base})"
    large = np.isin(label, medians.loc[medians[N] >= log.minimum_base, GROUP].to_numpy(object))
    test = None
    if len(set(label[large])) > 1 and reached[large].any():
        test = compare_survival(days[large], reached[large], label[large])
    return StageSurvival(table, medians, test, start or "", goal or "", log.name(), log.language)


def _wait(
    log: JourneyLog, start: str | None, goal: str | None, last: int
) -> tuple[Ints, Floats, Bools]:
    """Return who started, days until they were there or last watched, and whether they were."""
    caller = "measure_stage_survival"
    owner = np.repeat(log.owner, log.lengths)
    place = np.arange(len(log))
    watched = log.times <= last
    begins = watched.copy()
    if start is not None:
        begins &= log.codes == log.code(start, caller=caller)
    first = _first_places(owner, np.flatnonzero(begins), len(log.customers), len(log))
    who = np.flatnonzero(first < len(log))
    after = watched & (place > first[owner])
    if goal is not None:
        after &= log.codes == log.code(goal, caller=caller)
    else:
        origin = log.codes[np.minimum(first, len(log) - 1)]
        after &= log.codes != origin[owner]
    there = _first_places(owner, np.flatnonzero(after), len(log.customers), len(log))[who]
    reached = there < len(log)
    stop = np.where(reached, log.times[np.minimum(there, len(log) - 1)], last)
    return who, (stop - log.times[first[who]]) / DAY, reached


def _first_places(owner: Ints, places: Ints, people: int, none: int) -> Ints:
    first = np.full(people, none, dtype=np.int64)
    first[owner[places[::-1]]] = places[::-1]  # the earliest is written last
    return first


def _find_medians(table: pd.DataFrame, log: JourneyLog) -> pd.DataFrame:
    rows = []
    for name, curve in table.groupby(GROUP, sort=False):
        n = int(curve[N].iloc[0])
        time = curve["time"].to_numpy()
        low, middle, high = (
            float(time[below.argmax()]) if below.any() else np.nan
            for below in (curve[c].to_numpy() <= 0.5 for c in (LOW, ESTIMATE, HIGH))
        )
        found = Estimate(middle, low, high, log.level, n, "Brookmeyer-Crowley, log(-log)")
        if n < log.minimum_base:
            found = too_few(n, log.minimum_base, level=log.level)
        rows.append({GROUP: name, "customers": n, "reached": int(curve["events"].sum()),
                     **found.as_dict()})  # fmt: skip
    return pd.DataFrame(rows).astype({GROUP: "str"})
