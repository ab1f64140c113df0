"""What the customers who name a pain are expected to bring: value at risk, not value lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy import stats

from cjlib.columns import CUSTOMER, ESTIMATE, HIGH, LEVEL, LOW, METHOD, N, require_columns
from cjlib.errors import JourneyError, TooFewError
from cjlib.intervals import Floats, require_level

PAIN: Final = "pain"
VALUE: Final = "value"
CAUTION: Final = (
    "This is what those who name a pain are expected to bring, not what the pain costs: they "
    "may stay all the same, and may leave for another reason"
)


@dataclass(frozen=True, slots=True, eq=False)
class ValueAtRisk:
    """What ``measure_value_at_risk`` found: an association, not a loss.

    Attributes
    ----------
    table : DataFrame
        One row per pain, the largest value first: ``pain, customers`` (who named it),
        ``share`` of those asked, ``mean_value`` of theirs, ``mean_others``; ``estimate, low,
        high, level, n, method``: their expected value in all, for the whole base where
        ``base`` is given. A customer who names two pains counts under both: rows do not
        add up.
    asked : int
        Customers asked whose value is known.
    base : int
        Customers the estimates speak for.
    without_value : int
        Customers asked whose expected value is not known; left out.
    """

    table: pd.DataFrame
    asked: int
    base: int
    without_value: int

    def summary(self) -> str:
        """Say where most value stands, in one sentence with its caution."""
        known = self.table[self.table[ESTIMATE].notna()]
        if known.empty:
            return f"No pain was named by enough of {self.asked:,} customers asked."
        row = known.iloc[0]
        return (
            f"Customers who name '{row[PAIN]}' ({row['share']:.0%} of {self.asked:,} asked) are "
            f"expected to bring {row[ESTIMATE]:,.0f} [{row[LOW]:,.0f}, {row[HIGH]:,.0f}] in all "
            f"(for {self.base:,} customers). {CAUTION}."
        )

    def plot(
        self,
        *,
        names: Mapping[str, str] | None = None,
        currency: str = "",
        language: str = "en",
        ax: Axes | None = None,
    ) -> Axes:
        """Draw the expected value of those who name each pain; ``names`` are for readers."""
        from cjlib import plots

        return plots.draw_at_risk(
            self.table, names=names or {}, currency=currency, language=language, ax=ax
        )


def measure_value_at_risk(
    named: pd.DataFrame,
    values: pd.DataFrame,
    *,
    asked: pd.Series,
    base: int | None = None,
    level: float = 0.95,
    minimum_base: int = 30,
) -> ValueAtRisk:
    """Add up the expected value of the customers who name each pain point.

    Those asked are taken as a random sample of ``base`` customers (of themselves where it is
    not given; the interval then speaks of customers like them). Per pain: base × mean of
    value × named over all asked. The interval holds both how many name it and what they are
    worth, t on the log scale, so that it stays above 0. It does not hold the error of a model
    that made the values.

    Parameters
    ----------
    named : DataFrame, one row per customer and pain
        ``customer_id, pain``; the same pair twice counts once. Not changed.
    values : DataFrame, one row per customer
        ``customer_id, value``: expected value, not below 0, in one currency and for one
        horizon, for instance predicted purchases × predicted amount × margin.
    asked : Series of customer ids
        Everyone who was asked, also who named nothing: they count as 0.
    base : int, optional
        Customers to speak for, at least as many as were asked.
    level : float, 0 to 1
    minimum_base : int
        Pains named by fewer customers are "too few".

    Raises
    ------
    JourneyError
        If a customer who named a pain was not asked, a value is below 0, or a customer
        stands twice among the values.
    TooFewError
        If no customer asked has a known value.
    """
    require_level(level, caller="measure_value_at_risk")
    require_columns(named, [CUSTOMER, PAIN], caller="measure_value_at_risk")
    require_columns(values, [CUSTOMER, VALUE], caller="measure_value_at_risk")
    people = pd.Index(pd.Series(asked).dropna().unique())
    pairs = named[[CUSTOMER, PAIN]].dropna().drop_duplicates()
    worth = _require(pairs, values, people)
    known = worth.reindex(people).dropna()
    n = len(known)
    if n < 2:
        raise TooFewError(
            f"measure_value_at_risk: customers asked must have an expected value; {n} of "
            f"{len(people):,} have. Are both tables keyed by the same customer ids?"
        )
    size = n if base is None else int(base)
    if size < n:
        raise JourneyError(
            f"measure_value_at_risk: base must be at least the {n:,} customers asked; got "
            f"{size:,}. Count all customers they stand for."
        )
    rows = []
    for pain, who in pairs.groupby(PAIN, sort=True)[CUSTOMER]:
        marked = known.index.isin(who)
        rows.append(
            {PAIN: pain} | _row(known.to_numpy(float), marked, size, level, max(minimum_base, 2))
        )
    columns = [PAIN, "customers", "share", "mean_value", "mean_others", ESTIMATE, LOW, HIGH,
               LEVEL, N, METHOD]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    table = table.sort_values([ESTIMATE, PAIN], ascending=[False, True], kind="stable")
    return ValueAtRisk(table.reset_index(drop=True), n, size, len(people) - n)


def _require(pairs: pd.DataFrame, values: pd.DataFrame, people: pd.Index) -> pd.Series:
    stray = pairs.loc[~pairs[CUSTOMER].isin(people), CUSTOMER]
    if len(stray):
        raise JourneyError(
            "measure_value_at_risk: whoever names a pain must be among those asked; "
            f"{stray.nunique():,} customers are not (first: {stray.iloc[0]!r}). Pass all who "
            "were asked, also those who named nothing."
        )
    known = values.dropna(subset=[CUSTOMER])
    twice = known.loc[known[CUSTOMER].duplicated(), CUSTOMER]
    below = known.loc[known[VALUE] < 0, CUSTOMER]
    for bad, rule in ((twice, "a customer must have one value"),
                      (below, "an expected value must not be below 0")):  # fmt: skip
        if len(bad):
            raise JourneyError(
                f"measure_value_at_risk: {rule}; {len(bad):,} rows of {len(known):,} break this "
                f"(first: customer {bad.iloc[0]!r}). Mend the table of values."
            )
    worth: pd.Series = known.set_index(CUSTOMER)[VALUE].astype(float)
    return worth


def _row(
    worth: Floats, marked: np.ndarray, size: int, level: float, least: int
) -> dict[str, object]:
    n, customers = len(worth), int(marked.sum())
    nan = float("nan")
    head: dict[str, object] = {"customers": customers, "share": customers / n}
    if customers < least:
        return head | {"mean_value": nan, "mean_others": nan, ESTIMATE: nan, LOW: nan, HIGH: nan,
                       LEVEL: level, N: n, METHOD: f"too few (n < {least})"}  # fmt: skip
    part = np.where(marked, worth, 0.0)
    mean = float(part.mean())
    others = float(worth[~marked].mean()) if customers < n else nan
    spread = nan
    if mean > 0:
        half = float(stats.t.ppf(0.5 + level / 2, customers - 1))
        spread = float(np.exp(half * part.std(ddof=1) / np.sqrt(n) / mean))
    return head | {
        "mean_value": float(worth[marked].mean()), "mean_others": others, ESTIMATE: size * mean,
        LOW: size * mean / spread, HIGH: size * mean * spread, LEVEL: level, N: n,
        METHOD: "mean over all asked, t on the log scale",
    }  # fmt: skip
