"""Who stays: cohorts by month, and how long customers last before they fall silent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.columns import CUSTOMER, PERSONA, TIME, TOUCHPOINT, require_columns
from cjlib.errors import JourneyError, TooFewError
from cjlib.intervals import LogRank, compare_survival, estimate_survival, wilson_bounds
from cjlib.study import Study
from cjlib.value.customers import first_channels

SILENCE_DAYS: Final = 180  # half a year without contact counts as gone; an argument changes it


@dataclass(frozen=True, slots=True, eq=False)
class Retention:
    """What ``measure_retention`` found.

    Attributes
    ----------
    cohorts : DataFrame
        One row per cohort (month of the first purchase) and age in months: ``cohort, age,
        customers, active, estimate, low, high, level, n, method``. Months the log does not
        cover to the end are missing rows of ``active`` and ``estimate``, never zero.
    survival : DataFrame
        Share of customers not yet gone silent by days since their first contact, as made by
        ``estimate_survival``, one curve per group.
    test : LogRank or None
        Whether the groups last alike; None without groups or with one.
    silence_days : int
        Days without contact that count as gone.
    returned : int
        Customers who came back after such a silence (they count as gone at the first one).
    names : mapping of channel to its name for readers
    language : str
        Of the figures.
    """

    cohorts: pd.DataFrame
    survival: pd.DataFrame
    test: LogRank | None
    silence_days: int
    returned: int
    names: Mapping[str, str] = field(default_factory=dict)
    language: str = "en"

    @property
    def triangle(self) -> pd.DataFrame:
        """Cohorts × ages: share who bought again in that month, missing where not observed."""
        return self.cohorts.pivot_table(
            index="cohort", columns="age", values="estimate", dropna=False
        )

    def summary(self) -> str:
        """Say how many last a year, and whether groups differ."""
        days = int(min(365, self.survival["time"].max()))
        words = []
        for name, rows in self.survival.groupby("group", sort=False):
            until = rows[rows["time"] <= days]
            if len(until):
                last = until.iloc[-1]
                words.append(f"{name} {last.estimate:.1%} [{last.low:.1%}, {last.high:.1%}]")
        text = f"Not gone silent for {self.silence_days} days by day {days}: {'; '.join(words)}"
        if self.test is not None:
            text += f"; log-rank p = {self.test.p:.3g}"
        return f"{text}. {self.returned:,} came back after such a silence."

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the survival curves with their intervals."""
        from cjlib import plots

        return plots.draw_survival(self.survival, names=self.names, language=self.language, ax=ax)

    def plot_cohorts(self, *, ax: Axes | None = None) -> Axes:
        """Draw the cohort triangle."""
        from cjlib import plots

        return plots.draw_cohorts(self.cohorts, language=self.language, ax=ax)


def measure_retention(
    interactions: Any,
    *,
    study: Study,
    by: str = "",
    members: pd.DataFrame | None = None,
    silence_days: int = SILENCE_DAYS,
    end: str | pd.Timestamp | None = None,
) -> Retention:
    """Measure retention two ways: monthly cohorts of buyers, and survival until silence.

    Cohorts: customers by the calendar month of their first purchase; in each later month,
    the share who bought. Survival: from the first contact; a customer counts as gone on the
    day their silence reaches ``silence_days`` (the first such silence), and is only watched
    until the log ends where it never does.

    Parameters
    ----------
    interactions : Interactions or its table
    study : Study
        Names the purchase touchpoints.
    by : "", "channel" or "persona"
        One survival curve per channel of the first contact, or per persona; groups below
        ``study.privacy.minimum_base`` customers are left out.
    members : DataFrame, optional
        ``customer_id, persona``; needed for ``by="persona"``.
    silence_days : int
    end : date, optional
        Last day watched; the last day of the log by default.

    Raises
    ------
    TooFewError
        If there is no contact of a known customer, or no group is large enough.
    """
    frame = interactions if isinstance(interactions, pd.DataFrame) else interactions.table
    require_columns(frame, [CUSTOMER, TIME, TOUCHPOINT], caller="measure_retention")
    if by not in ("", "channel", PERSONA):
        raise JourneyError(
            f"measure_retention: by must be 'channel', 'persona' or empty; got {by!r}."
        )
    if silence_days <= 0:
        raise JourneyError(
            f"measure_retention: silence_days must be above 0; got {silence_days}. Try 180."
        )
    last = pd.Timestamp(end) if end is not None else frame[TIME].max()
    rows = frame[frame[CUSTOMER].notna() & (frame[TIME].dt.normalize() <= last)]
    if rows.empty:
        raise TooFewError("measure_retention: there must be contacts of known customers.")
    life, returned = measure_lives(rows, last.normalize(), silence_days)
    groups = None
    if by:
        labels = first_channels(rows) if by == "channel" else _personas(members)
        groups = life.index.to_series().map(labels)
        sizes = groups.map(groups.value_counts())
        kept = (groups.notna() & (sizes >= study.privacy.minimum_base)).to_numpy(dtype=bool)
        life, groups = life[kept], groups[kept]
        if life.empty:
            raise TooFewError(
                f"measure_retention: a group must have {study.privacy.minimum_base} customers; "
                f"none by {by} has. Leave out 'by'."
            )
    level = study.level
    curve = estimate_survival(life["days"], life["gone"], groups=groups, level=level)
    test = None
    if groups is not None and len(groups.unique()) > 1:
        test = compare_survival(life["days"], life["gone"], groups)
    bought = study.events.purchase if study.events else ()
    cohorts = _cohorts(rows[rows[TOUCHPOINT].isin(bought)], last, level)
    names = {channel.id: study.label("channel", channel.id) for channel in study.channels}
    return Retention(cohorts, curve, test, silence_days, returned, names, study.language)


def measure_lives(
    rows: pd.DataFrame, last: pd.Timestamp, silence_days: int
) -> tuple[pd.DataFrame, int]:
    """Return days watched and whether gone, by customer; and how many came back later."""
    days = rows.assign(day=rows[TIME].dt.normalize())[[CUSTOMER, "day"]].drop_duplicates()
    days = days.sort_values([CUSTOMER, "day"], kind="stable")
    after = days.groupby(CUSTOMER)["day"].shift(-1)
    gap = (after.fillna(last) - days["day"]).dt.days
    silent = gap >= silence_days
    first = days.groupby(CUSTOMER)["day"].first()
    gone_after = days[silent].groupby(CUSTOMER)["day"].first().reindex(first.index)
    gone = gone_after.notna()
    end = (gone_after + pd.Timedelta(days=silence_days)).fillna(last)
    came_back = days.loc[silent & after.notna(), CUSTOMER].nunique()
    life = pd.DataFrame({"days": (end - first).dt.days.astype(float), "gone": gone})
    return life, int(came_back)


def _personas(members: pd.DataFrame | None) -> pd.Series:
    if members is None:
        raise JourneyError(
            "measure_retention: by='persona' needs members; pass members=personas.members."
        )
    require_columns(members, [CUSTOMER, PERSONA], caller="measure_retention")
    known = members.dropna(subset=[CUSTOMER, PERSONA]).drop_duplicates(CUSTOMER)
    return pd.Series(known[PERSONA].to_numpy(), index=known[CUSTOMER])


def _cohorts(bought: pd.DataFrame, last: pd.Timestamp, level: float) -> pd.DataFrame:
    columns = [
        "cohort", "age", "customers", "active", "estimate", "low", "high", "level", "n", "method",
    ]  # fmt: skip
    if bought.empty:
        return pd.DataFrame(columns=columns)
    month = bought[TIME].dt.to_period("M")
    first = month.groupby(bought[CUSTOMER]).transform("min")
    born, now = _month_number(first), _month_number(month)
    rows = pd.DataFrame({CUSTOMER: bought[CUSTOMER], "cohort": born, "age": now - born})
    active = rows.drop_duplicates().groupby(["cohort", "age"]).size()
    size = active[active.index.get_level_values("age") == 0].droplevel("age")
    final = last.year * 12 + last.month - 1
    complete = final if last.normalize() == last.normalize() + pd.offsets.MonthEnd(0) else final - 1
    cells = pd.MultiIndex.from_tuples(
        [(c, age) for c in size.index for age in range(final - int(size.index.min()) + 1)],
        names=["cohort", "age"],
    )
    table = active.reindex(cells).rename("active").reset_index()
    table["customers"] = table["cohort"].map(size)
    seen = (table["cohort"] + table["age"] <= complete) | (table["age"] == 0)
    table["active"] = table["active"].fillna(0).where(seen)
    low, high = wilson_bounds(table["active"], table["customers"], level=level)
    year, number = table["cohort"] // 12, table["cohort"] % 12 + 1
    table["cohort"] = year.astype(str) + "-" + number.astype(str).str.zfill(2)
    return table.assign(
        estimate=table["active"] / table["customers"], low=low, high=high, level=level,
        n=table["customers"], method=np.where(seen, "Wilson", "not observed"),
    )[columns]  # fmt: skip


def _month_number(months: pd.Series) -> pd.Series:
    numbers: pd.Series = months.dt.year * 12 + months.dt.month - 1
    return numbers
