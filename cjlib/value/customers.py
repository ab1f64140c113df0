"""What customers have been worth: by channel of acquisition, by persona, and how unevenly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy import stats

from cjlib.accounts import read_costs
from cjlib.columns import (
    AMOUNT,
    CHANNEL,
    COST,
    CUSTOMER,
    PERSONA,
    TIME,
    TOUCHPOINT,
    require_columns,
)
from cjlib.errors import TooFewError
from cjlib.intervals import Estimate, Floats, estimate_mean, unknown
from cjlib.study import Study
from cjlib.value.formulas import ONCE

TOP_SHARE: Final = 0.1  # value concentration: the top tenth of customers
RESAMPLES: Final = 1000


@dataclass(frozen=True, slots=True, eq=False)
class CustomerValue:
    """What ``measure_value`` found.

    Attributes
    ----------
    table : DataFrame
        Mean value per customer: ``by`` (all, channel or persona), ``group, estimate, low, high,
        level, n, method``; value is revenue × margin - cost to serve, in the study's currency,
        so far, before acquisition cost.
    customers : DataFrame
        One row per customer: ``customer_id, channel`` (of the first contact), ``persona``,
        ``purchases, revenue, cost, value``.
    concentration : Estimate
        Share of all revenue paid by the top tenth of customers.
    acquisition : DataFrame
        Per channel with spend (and "all"): ``channel, spend, customers`` (new buyers won in the
        months with spend), ``estimate, low, high, level, n, method`` (cost per new buyer),
        ``value`` (mean value of those buyers) and ``value_to_cost``. Empty without costs.
    positions : tuple of str
        What the study takes where sources differ.
    names : mapping of channel to its name for readers
    currency, language : str
        Of the figure.
    """

    table: pd.DataFrame
    customers: pd.DataFrame
    concentration: Estimate
    acquisition: pd.DataFrame
    positions: tuple[str, ...]
    names: Mapping[str, str]
    currency: str = ""
    language: str = "en"

    def summary(self) -> str:
        """Say the mean value and its concentration."""
        row = self.table.iloc[0]
        return (
            f"A customer has been worth {row['estimate']:,.0f} [{row['low']:,.0f}, "
            f"{row['high']:,.0f}] so far (n = {row['n']:,}); the top tenth pays "
            f"{100 * self.concentration.estimate:.0f} % of revenue "
            f"[{100 * self.concentration.low:.0f}, {100 * self.concentration.high:.0f}]."
        )

    def plot(self, *, by: str = "channel", ax: Axes | None = None) -> Axes:
        """Draw mean value per group with intervals."""
        from cjlib import plots

        return plots.draw_value(
            self.table[self.table["by"] == by], names=self.names, currency=self.currency,
            language=self.language, ax=ax,
        )  # fmt: skip


def measure_value(
    study: Study,
    interactions: Any,
    *,
    members: pd.DataFrame | None = None,
    costs: pd.DataFrame | None = None,
    rng: np.random.Generator | None = None,
) -> CustomerValue:
    """Measure what customers have been worth so far, by first channel and persona.

    Value = revenue at purchase touchpoints × ``positions.clv`` margin - cost to serve of all
    contacts. Customers who never bought count, with no revenue. Means have t intervals (few
    customers and a long tail make them too short: see ``n``); the share of the top tenth has
    a bootstrap interval over customers.

    Parameters
    ----------
    study : Study
        Names the purchase touchpoints, the margin and the minimum base.
    interactions : Interactions or its table
    members : DataFrame, optional
        ``customer_id, persona``.
    costs : DataFrame, optional
        By default the study's own, where it has them.
    rng : Generator, optional
        For the bootstrap; seeded by the study where not given.

    Raises
    ------
    TooFewError
        If the study names no purchase touchpoint or nobody bought.
    """
    frame = interactions if isinstance(interactions, pd.DataFrame) else interactions.table
    require_columns(frame, [CUSTOMER, TIME, TOUCHPOINT, AMOUNT], caller="measure_value")
    rows = frame[frame[CUSTOMER].notna()]
    bought = rows[rows[TOUCHPOINT].isin(study.events.purchase if study.events else ())]
    if not bought[AMOUNT].notna().any():
        raise TooFewError(
            "measure_value: there must be purchases with an amount; there is none at the "
            "study's purchase touchpoints. Check events.purchase and the amount column."
        )
    people = _customers(rows, bought, study.positions.clv_margin, members)
    table = _means(people, study)
    generator = np.random.default_rng(study.seed) if rng is None else rng
    revenue = people["revenue"].to_numpy(float)
    top = share_of_top(revenue, level=study.level, rng=generator)
    if costs is None and study.has("costs"):
        costs = read_costs(study)
    acquisition = _acquisition(people, bought, costs, study)
    margin = study.positions.clv_margin
    positions = (f"Margin is taken as {margin:.0%} of revenue (positions.clv).", ONCE)
    names = {channel.id: study.label("channel", channel.id) for channel in study.channels}
    currency = study.currency_label.to(study.language) or study.currency
    return CustomerValue(
        table, people, top, acquisition, positions, names, currency, study.language
    )


def share_of_top(
    amounts: Floats,
    *,
    rng: np.random.Generator,
    top: float = TOP_SHARE,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Share of the total held by the top ``top`` of customers, with a bootstrap interval.

    The number of customers in the top is rounded up; ties at its edge count in part by order.
    In simulation a 95 % interval covers .90 to .94 with 400 customers and mild tails, and less
    with fewer customers or a longer tail: then it is too short, as the mean's is.

    Parameters
    ----------
    amounts : array of float, one per customer, not negative
    rng : Generator
    top : float, 0 to 1
    level : float, 0 to 1
    resamples : int
    """
    ordered = np.sort(np.asarray(amounts, dtype=float))[::-1]
    n, total = len(ordered), float(ordered.sum())
    if n < 2 or total <= 0:
        return unknown(n, level=level, why="nothing to share out")
    k = int(np.ceil(top * n))
    shares = np.empty(resamples)
    for i in range(resamples):
        counts = rng.multinomial(n, np.full(n, 1 / n))
        filled = np.minimum(np.cumsum(counts), k)
        taken = np.diff(filled, prepend=0)
        drawn = float(counts @ ordered)
        shares[i] = float(taken @ ordered) / drawn if drawn > 0 else np.nan
    low, high = np.nanquantile(shares, [(1 - level) / 2, (1 + level) / 2])
    value = float(ordered[:k].sum()) / total
    return Estimate(value, float(low), float(high), level, n, "bootstrap over customers")


def first_channels(rows: pd.DataFrame) -> pd.Series:
    """Return the channel of each customer's first contact, by customer id."""
    require_columns(rows, [CUSTOMER, TIME, CHANNEL], caller="first_channels")
    ordered = rows[rows[CUSTOMER].notna()].sort_values([CUSTOMER, TIME], kind="stable")
    return ordered.drop_duplicates(CUSTOMER).set_index(CUSTOMER)[CHANNEL]


def _customers(
    rows: pd.DataFrame, bought: pd.DataFrame, margin: float, members: pd.DataFrame | None
) -> pd.DataFrame:
    channel = (
        first_channels(rows)
        if CHANNEL in rows.columns
        else pd.Series(pd.NA, index=pd.Index(sorted(rows[CUSTOMER].unique()), name=CUSTOMER))
    )
    people = channel.rename(CHANNEL).to_frame().sort_index()
    people[PERSONA] = pd.NA
    if members is not None:
        require_columns(members, [CUSTOMER, PERSONA], caller="measure_value")
        known = members.dropna(subset=[CUSTOMER]).drop_duplicates(CUSTOMER)
        people[PERSONA] = known.set_index(CUSTOMER)[PERSONA].reindex(people.index)
    people["purchases"] = bought.groupby(CUSTOMER).size().reindex(people.index).fillna(0)
    people["revenue"] = bought.groupby(CUSTOMER)[AMOUNT].sum().reindex(people.index).fillna(0.0)
    cost = rows.groupby(CUSTOMER)[COST].sum() if COST in rows.columns else pd.Series(dtype=float)
    people["cost"] = cost.reindex(people.index).fillna(0.0)
    people["value"] = people["revenue"] * margin - people["cost"]
    return people.reset_index().rename(columns={"index": CUSTOMER})


def _means(people: pd.DataFrame, study: Study) -> pd.DataFrame:
    rows = []
    for by in ("all", CHANNEL, PERSONA):
        groups = pd.Series("all", index=people.index) if by == "all" else people[by]
        for name in sorted(groups.dropna().astype(str).unique()):
            values = people.loc[(groups.astype("string") == name).fillna(False), "value"]
            found = estimate_mean(values.to_numpy(float), level=study.level)
            if found.n < study.privacy.minimum_base and by != "all":
                why = f"too few (n < {study.privacy.minimum_base})"
                found = unknown(found.n, level=study.level, why=why)
            rows.append({"by": by, "group": name, **found.as_dict()})
    return pd.DataFrame(rows)


_ACQUISITION = [
    "channel", "spend", "customers", "estimate", "low", "high", "level", "n", "method", "value",
    "value_to_cost",
]  # fmt: skip


def _acquisition(
    people: pd.DataFrame, bought: pd.DataFrame, costs: pd.DataFrame | None, study: Study
) -> pd.DataFrame:
    if costs is None or not costs["spend"].notna().any():
        return pd.DataFrame(columns=_ACQUISITION)
    paid = costs.dropna(subset=["spend"])
    born = bought.groupby(CUSTOMER)[TIME].min().dt.to_period("M")
    month = people[CUSTOMER].map(born)
    rows = []
    for channel in ["all", *sorted(paid[CHANNEL].astype(str).unique())]:
        part = paid if channel == "all" else paid[paid[CHANNEL] == channel]
        months = part["month"].dt.to_period("M").unique()
        new = month.isin(months)
        if channel != "all":
            new &= (people[CHANNEL].astype("string") == channel).fillna(False)
        spend, n = float(part["spend"].sum()), int(new.sum())
        found = cost_per_buyer(spend, n, level=study.level)
        value = float(people.loc[new, "value"].mean()) if n else float("nan")
        ratio = value / found.estimate if found.estimate > 0 else float("nan")
        rows.append(
            {"channel": channel, "spend": spend, "customers": n, **found.as_dict(),
             "value": value, "value_to_cost": ratio}
        )  # fmt: skip
    return pd.DataFrame(rows, columns=_ACQUISITION)


def cost_per_buyer(spend: float, n: int, *, level: float = 0.95) -> Estimate:
    """Return spend ÷ new buyers; the interval takes their number as a Poisson count."""
    if n == 0:
        return unknown(0, level=level, why="no new buyer came this way: cost per buyer unknown")
    tail = (1 - level) / 2
    most = float(stats.chi2.ppf(1 - tail, 2 * (n + 1))) / 2
    fewest = float(stats.chi2.ppf(tail, 2 * n)) / 2
    return Estimate(spend / n, spend / most, spend / fewest, level, n, "exact Poisson count")
