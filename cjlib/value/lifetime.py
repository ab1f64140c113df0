"""Lifetime value measured on a log: what a buyer brings, how long they stay, what is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.accounts import read_costs
from cjlib.columns import (
    AMOUNT,
    CHANNEL,
    CUSTOMER,
    PERSONA,
    TIME,
    TOUCHPOINT,
    require_columns,
)
from cjlib.errors import JourneyError, TooFewError, nearest
from cjlib.intervals import Estimate, Floats, estimate_mean, normal_quantile, unknown
from cjlib.study import Study
from cjlib.value.customers import cost_per_buyer, first_channels
from cjlib.value.formulas import CEILING_RATIO, ONCE, REVENUE
from cjlib.value.retention import SILENCE_DAYS, measure_lives

DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, slots=True, eq=False)
class ClvEstimate:
    """What ``estimate_clv`` found.

    Attributes
    ----------
    table : DataFrame
        ``figure, estimate, low, high, level, n, method, definition``, per buyer and in the
        study's currency: ``first_purchase, annual_revenue, lifetime_years, clv_revenue,
        clv_margin, acquisition_cost, clv_net, acquisition_ceiling, payback_years``.
    positions : tuple of str
        What the study takes where sources differ.
    """

    table: pd.DataFrame
    positions: tuple[str, ...]

    def figure(self, name: str = "clv_margin") -> Estimate:
        """Return one figure, for instance as ``given={'clv': ...}`` of the stage KPIs."""
        row = self.table[self.table["figure"] == name].iloc[0]
        return Estimate(
            float(row["estimate"]), float(row["low"]), float(row["high"]), float(row["level"]),
            int(row["n"]), str(row["method"]),
        )  # fmt: skip

    def summary(self) -> str:
        """Say the value by margin and its parts."""
        return (
            f"A buyer is worth {self.figure('clv_margin'):,.0f} in margin over a lifetime of "
            f"{self.figure('lifetime_years'):.1f} years. {' '.join(self.positions)}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class ClvByGroup:
    """What ``estimate_clv_by`` found.

    Attributes
    ----------
    table : DataFrame
        ``by`` (channel or persona), ``group, figure, estimate, low, high, level, n, method,
        definition``: the figures of ``ClvEstimate``, for each group.
    names : mapping of group to its name for readers
    currency, language : str
        Of the figure.
    """

    table: pd.DataFrame
    names: Mapping[str, str]
    currency: str = ""
    language: str = "en"

    def summary(self) -> str:
        """Say which group is worth most and least by margin, where intervals keep them apart."""
        rows = self.table[self.table["figure"] == "clv_margin"].dropna(subset=["estimate"])
        if len(rows) < 2:
            return "Fewer than two groups have enough buyers to compare their lifetime value."
        found = rows["estimate"].to_numpy(float)
        top, last = rows.iloc[int(found.argmax())], rows.iloc[int(found.argmin())]
        apart = "" if top["low"] > last["high"] else " (their intervals overlap)"
        return (
            f"By {top['by']}, a buyer is worth most in {top['group']} ({top['estimate']:,.0f} "
            f"[{top['low']:,.0f}, {top['high']:,.0f}]) and least in {last['group']} "
            f"({last['estimate']:,.0f} [{last['low']:,.0f}, {last['high']:,.0f}]){apart}, in "
            "margin over a lifetime. Groups were not formed by chance."
        )

    def plot(self, *, figure: str = "clv_margin", ax: Axes | None = None) -> Axes:
        """Draw one figure of each group with its interval."""
        from cjlib import plots

        rows = self.table[self.table["figure"] == figure]
        return plots.draw_lifetimes(
            rows, figure=figure, names=self.names, currency=self.currency,
            language=self.language, ax=ax,
        )  # fmt: skip


def estimate_clv(
    study: Study,
    interactions: Any,
    *,
    costs: pd.DataFrame | None = None,
    silence_days: int = SILENCE_DAYS,
) -> ClvEstimate:
    """Estimate lifetime value: first purchase + annual revenue × lifetime in years.

    Annual revenue counts repeat purchases only, for a log of new customers would otherwise
    take first purchases for a year's habit. A buyer is watched from the first purchase to the
    last contact before a silence of ``silence_days``, or to ``silence_days`` before the log
    ends, for nobody can tell later who has left; what comes after a silence is not counted.
    Lifetime is years watched ÷ buyers gone (a constant chance to leave). ``clv_revenue`` is
    the simple formula before acquisition cost; ``clv_margin`` takes the study's
    margin of it; ``clv_net`` takes off acquisition cost, once. Intervals are linearised over
    buyers, made on the log scale.

    Parameters
    ----------
    study : Study
    interactions : Interactions or its table
    costs : DataFrame, optional
        By default the study's own, where it has them.
    silence_days : int

    Raises
    ------
    TooFewError
        If nobody bought, or the purchases have no amounts.
    """
    rows, bought, last = _purchases(study, interactions, caller="estimate_clv")
    if costs is None and study.has("costs"):
        costs = read_costs(study)
    figures = _measure(rows, bought, last, study, costs=costs, silence_days=silence_days)
    table = pd.DataFrame(
        [
            {"figure": name, **found.as_dict(), "definition": DEFINITIONS[name]}
            for name, found in figures.items()
        ]
    )
    margin = study.positions.clv_margin
    positions = (f"Margin is taken as {margin:.0%} of revenue (positions.clv).", ONCE, REVENUE)
    return ClvEstimate(table, positions)


def estimate_clv_by(
    study: Study,
    interactions: Any,
    *,
    by: Literal["channel", "persona"],
    members: pd.DataFrame | None = None,
    costs: pd.DataFrame | None = None,
    silence_days: int = SILENCE_DAYS,
) -> ClvByGroup:
    """Estimate lifetime value of the buyers of each first channel or persona.

    Each figure is that of ``estimate_clv`` for the group's buyers alone, watched to the same
    end. By channel the acquisition cost is the channel's own spend ÷ the buyers it won; by
    persona there is none, for spend is not known by persona.

    Parameters
    ----------
    study, interactions, costs, silence_days
        As for ``estimate_clv``.
    by : "channel" (of the first contact) or "persona"
    members : DataFrame, optional
        ``customer_id, persona``; needed for ``by="persona"``.

    Returns
    -------
    ClvByGroup
        Groups with fewer buyers than the study's minimum base are "too few".
    """
    if by not in (CHANNEL, PERSONA):
        raise JourneyError(
            f"estimate_clv_by: by must be 'channel' or 'persona'; got {by!r}. Did you mean "
            f"'{nearest(str(by), (CHANNEL, PERSONA))}'?"
        )
    rows, bought, last = _purchases(study, interactions, caller="estimate_clv_by")
    if costs is None and study.has("costs"):
        costs = read_costs(study)
    labels = first_channels(rows) if by == CHANNEL else _personas(members)
    label = rows[CUSTOMER].map(labels)
    found = []
    for name in sorted(label.dropna().astype(str).unique()):
        own = (label == name).fillna(value=False).to_numpy(dtype=bool)
        mine = bought[bought[CUSTOMER].isin(rows.loc[own, CUSTOMER])]
        paid = costs[costs[CHANNEL] == name] if costs is not None and by == CHANNEL else None
        figures = _measure(rows[own], mine, last, study, costs=paid, silence_days=silence_days)
        for figure, value in figures.items():
            found.append(
                {"by": by, "group": name, "figure": figure, **value.as_dict(),
                 "definition": DEFINITIONS[figure]}
            )  # fmt: skip
    names = {c.id: study.label("channel", c.id) for c in study.channels} if by == CHANNEL else {}
    currency = study.currency_label.to(study.language) or study.currency
    return ClvByGroup(pd.DataFrame(found), names, currency, study.language)


def _purchases(
    study: Study, interactions: Any, *, caller: str
) -> tuple[pd.DataFrame, pd.DataFrame, pd.Timestamp]:
    """Return contacts by customer and time, the purchases among them, and the last day."""
    frame = interactions if isinstance(interactions, pd.DataFrame) else interactions.table
    require_columns(frame, [CUSTOMER, TIME, TOUCHPOINT, AMOUNT], caller=caller)
    rows = frame[frame[CUSTOMER].notna()].sort_values([CUSTOMER, TIME], kind="stable")
    bought = rows[rows[TOUCHPOINT].isin(study.events.purchase if study.events else ())]
    bought = bought[bought[AMOUNT].notna()]
    if bought.empty:
        raise TooFewError(
            f"{caller}: there must be purchases with an amount; there is none at the study's "
            "purchase touchpoints. Check events.purchase and the amount column."
        )
    return rows, bought, frame[TIME].max().normalize()


def _personas(members: pd.DataFrame | None) -> pd.Series:
    if members is None:
        raise JourneyError(
            "estimate_clv_by: by='persona' needs members; pass members=personas.members."
        )
    require_columns(members, [CUSTOMER, PERSONA], caller="estimate_clv_by")
    known = members.dropna(subset=[CUSTOMER, PERSONA]).drop_duplicates(CUSTOMER)
    return pd.Series(known[PERSONA].astype(str).to_numpy(), index=known[CUSTOMER])


def _measure(
    rows: pd.DataFrame, bought: pd.DataFrame, last: pd.Timestamp, study: Study, *,
    costs: pd.DataFrame | None, silence_days: int,
) -> dict[str, Estimate]:  # fmt: skip
    start = bought.groupby(CUSTOMER)[TIME].min()
    since = rows[rows[TIME] >= rows[CUSTOMER].map(start)]  # a customer without purchase: no row
    if since.empty:
        return {"first_purchase": unknown(0, level=study.level, why="no buyers")}
    life, _ = measure_lives(since, last, silence_days)
    first = bought.drop_duplicates(CUSTOMER).set_index(CUSTOMER)[AMOUNT].reindex(life.index)
    # Whether someone has left shows only silence_days later: up to then nobody is watched.
    known = (life["days"] - silence_days).clip(lower=0)
    age = (bought[TIME].dt.normalize() - bought[CUSTOMER].map(start).dt.normalize()).dt.days
    counted = bought[bought.duplicated(CUSTOMER) & (age <= bought[CUSTOMER].map(known))]
    repeat = counted.groupby(CUSTOMER)[AMOUNT].sum().reindex(life.index).fillna(0.0)
    figures = _figures(
        first.to_numpy(float), repeat.to_numpy(float), known.to_numpy(float) / DAYS_PER_YEAR,
        life["gone"].to_numpy(float), study,
    )  # fmt: skip
    return figures | _after_costs(figures, start, costs, study)


DEFINITIONS = {
    "first_purchase": "mean amount of the first purchase",
    "annual_revenue": "revenue of repeat purchases while watched ÷ years watched",
    "lifetime_years": "years watched, to the last contact ÷ buyers gone silent",
    "clv_revenue": "first purchase + annual revenue × lifetime (simple formula, revenue)",
    "clv_margin": "clv_revenue × margin",
    "acquisition_cost": "all spend ÷ buyers won in the months it covers",
    "clv_net": "clv_margin - acquisition cost",
    "acquisition_ceiling": "half of clv_margin, before acquisition cost",
    "payback_years": "(acquisition cost - margin of the first purchase) ÷ margin of a year's "
    "repeat purchases, for a buyer who stays; 0 where the first purchase pays for it",
}


def _figures(
    first: Floats, repeat: Floats, years: Floats, gone: Floats, study: Study
) -> dict[str, Estimate]:
    level, n = study.level, len(first)
    few = n < study.privacy.minimum_base or gone.sum() < study.privacy.minimum_cell
    opening = estimate_mean(first, level=level)
    if n < study.privacy.minimum_base:
        opening = unknown(n, level=level, why=f"too few (n < {study.privacy.minimum_base})")
    if few or repeat.sum() <= 0 or years.sum() <= 0:
        why = "too few buyers came back or left" if n else "no buyers"
        names = ("annual_revenue", "lifetime_years", "clv_revenue", "clv_margin")
        return {"first_purchase": opening} | {
            name: unknown(n, level=level, why=why) for name in names
        }
    annual = _log_ratio(repeat, years, level)
    lifetime = _log_ratio(years, gone, level)
    # Annual revenue × lifetime is one ratio, repeat revenue ÷ leavers: its parts vary together.
    later = repeat.sum() / gone.sum()
    value = float(first.mean() + later)
    influence = (first - first.mean()) / n + (repeat - later * gone) / gone.sum()
    error = float(np.sqrt(n / (n - 1) * (influence**2).sum())) / value
    clv = _on_log_scale(value, error, n, level)
    margin = study.positions.clv_margin
    by_margin = Estimate(
        margin * clv.estimate, margin * clv.low, margin * clv.high, level, n, clv.method
    )
    return {
        "first_purchase": opening, "annual_revenue": annual, "lifetime_years": lifetime,
        "clv_revenue": clv, "clv_margin": by_margin,
    }  # fmt: skip


def _after_costs(
    figures: dict[str, Estimate], start: pd.Series, costs: pd.DataFrame | None, study: Study
) -> dict[str, Estimate]:
    level, value = study.level, figures["clv_margin"]
    found = {
        "acquisition_ceiling": Estimate(
            CEILING_RATIO * value.estimate, CEILING_RATIO * value.low, CEILING_RATIO * value.high,
            level, value.n, value.method,
        )
    }  # fmt: skip
    if costs is None or not costs["spend"].notna().any():
        return found
    paid = costs.dropna(subset=["spend"])
    months = paid["month"].dt.to_period("M").unique()
    new = int(start.dt.to_period("M").isin(months).sum())
    cost = cost_per_buyer(float(paid["spend"].sum()), new, level=level)
    found["payback_years"] = _payback(cost, figures, study.positions.clv_margin)
    if study.positions.acquisition_cost != "once":
        return {"acquisition_cost": cost} | found
    # Value and cost are measured apart: their errors add in squares (MOVER).
    net = value.estimate - cost.estimate
    below = np.hypot(value.estimate - value.low, cost.high - cost.estimate)
    above = np.hypot(value.high - value.estimate, cost.estimate - cost.low)
    return {
        "acquisition_cost": cost,
        "clv_net": Estimate(net, net - below, net + above, level, value.n, "MOVER"),
    } | found


def _payback(cost: Estimate, figures: dict[str, Estimate], margin: float) -> Estimate:
    """Return the years a buyer takes to pay; ends from the worst and the best of the parts."""
    first, annual = figures["first_purchase"], figures["annual_revenue"]

    def years(paid: float, once: float, yearly: float) -> float:
        left = paid - margin * once
        return 0.0 if left <= 0 else left / (margin * yearly) if margin * yearly > 0 else np.inf

    parts = (cost.estimate, first.estimate, annual.estimate)
    if np.isnan(parts).any():
        return unknown(cost.n, level=cost.level, why="its parts are not all known")
    return Estimate(
        years(*parts), years(cost.low, first.high, annual.high),
        years(cost.high, first.low, annual.low), cost.level, cost.n,
        "widest: the ends of its parts together",
    )  # fmt: skip


def _log_ratio(y: Floats, x: Floats, level: float) -> Estimate:
    ratio, n = float(y.sum() / x.sum()), len(y)
    error = float(np.sqrt(n / (n - 1) * ((y - ratio * x) ** 2).sum()) / x.sum()) / ratio
    return _on_log_scale(ratio, error, n, level)


def _on_log_scale(value: float, error: float, n: int, level: float) -> Estimate:
    spread = float(np.exp(normal_quantile(level) * error))
    return Estimate(value, value / spread, value * spread, level, n, "linearised, log scale")
