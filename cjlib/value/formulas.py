"""Lifetime value by formula: what goes in, what comes out, acquisition cost counted once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from cjlib.errors import JourneyError

CEILING_RATIO: Final = 0.5  # the usual example: up to 500 to win a customer worth 1,000
ONCE = (
    "Acquisition cost is counted once: it is taken off the value, or the value before it sets "
    "the ceiling for it, never both."
)
REVENUE = "The simple formula counts revenue, not margin: it flatters. See margin_clv beside it."


@dataclass(frozen=True, slots=True)
class LifetimeValue:
    """A lifetime value by formula.

    Attributes
    ----------
    value : float
        Value per customer after acquisition cost, in the currency of what went in.
    before_acquisition : float
        The same before acquisition cost is taken off.
    acquisition_cost : float
        What was taken off.
    formula : str
        The formula in words.
    positions : tuple of str
        What the kit takes where sources differ.
    """

    value: float
    before_acquisition: float
    acquisition_cost: float
    formula: str
    positions: tuple[str, ...]

    def summary(self) -> str:
        """Say the value, the formula and the positions."""
        return f"{self.value:,.2f} per customer = {self.formula}. {' '.join(self.positions)}"


def simple_clv(
    annual_revenue: float, lifetime_years: float, acquisition_cost: float = 0.0
) -> LifetimeValue:
    """Return annual revenue per customer × lifetime in years - acquisition cost.

    Parameters
    ----------
    annual_revenue : float
        Revenue per customer and year, not below 0.
    lifetime_years : float
        Years a customer stays, not below 0.
    acquisition_cost : float, default 0
        Cost of winning one customer, not below 0.
    """
    _require_not_negative(
        "simple_clv", annual_revenue=annual_revenue, lifetime_years=lifetime_years,
        acquisition_cost=acquisition_cost,
    )  # fmt: skip
    gross = annual_revenue * lifetime_years
    return LifetimeValue(
        gross - acquisition_cost, gross, acquisition_cost,
        "annual revenue × lifetime in years - acquisition cost", (REVENUE, ONCE),
    )  # fmt: skip


def margin_clv(
    annual_revenue: float,
    *,
    margin: float,
    retention: float,
    discount: float = 0.0,
    acquisition_cost: float = 0.0,
) -> LifetimeValue:
    """Return margin × (1 + d) / (1 + d - r) - acquisition cost: the endless stream of margins.

    The first year's margin comes at once, each later year's only from customers who stay.

    Parameters
    ----------
    annual_revenue : float
        Revenue per customer and year, not below 0.
    margin : float, 0 to 1
        Share of the revenue that is left after the cost of what is sold and of service.
    retention : float, 0 to below 1
        Share of customers who stay from one year to the next.
    discount : float, default 0
        Yearly discount rate, not below 0.
    acquisition_cost : float, default 0

    References
    ----------
    Gupta, S. & Lehmann, D. R. (2003). Journal of Interactive Marketing 17(1), 9-24.
    """
    _require_not_negative(
        "margin_clv", annual_revenue=annual_revenue, discount=discount,
        acquisition_cost=acquisition_cost,
    )  # fmt: skip
    if not 0 <= margin <= 1:
        raise JourneyError(
            f"margin_clv: margin must be a share from 0 to 1; got {margin:g}. Write 30 % as 0.3."
        )
    if not 0 <= retention < 1:
        raise JourneyError(
            f"margin_clv: retention must be a share from 0 to below 1; got {retention:g}. "
            "Nobody keeps every customer for ever."
        )
    gross = annual_revenue * margin * (1 + discount) / (1 + discount - retention)
    return LifetimeValue(
        gross - acquisition_cost, gross, acquisition_cost,
        "annual margin × (1 + discount) / (1 + discount - retention) - acquisition cost", (ONCE,),
    )  # fmt: skip


def acquisition_ceiling(value: LifetimeValue | float, *, ratio: float = CEILING_RATIO) -> float:
    """Return the most one may spend to win a customer: ``ratio`` × value before that cost.

    A value that has the acquisition cost already taken off gets it back first: taken off and
    then limited by what is left, the same cost would count twice. A plain number is taken as
    a value before acquisition cost: 1,000 gives 500.

    Parameters
    ----------
    value : LifetimeValue or float
    ratio : float, above 0 to 1, default 0.5
        Share of the value that may go into winning the customer.
    """
    if not 0 < ratio <= 1:
        raise JourneyError(
            f"acquisition_ceiling: ratio must be above 0 and at most 1; got {ratio:g}."
        )
    gross = value.before_acquisition if isinstance(value, LifetimeValue) else float(value)
    return ratio * gross


def payback_years(annual_revenue: float, *, margin: float, acquisition_cost: float) -> float:
    """Return the years until a customer's margin has paid for winning them.

    Infinite where there is no margin. The cost counts once: here against the margin before it.
    """
    _require_not_negative(
        "payback_years", annual_revenue=annual_revenue, margin=margin,
        acquisition_cost=acquisition_cost,
    )  # fmt: skip
    yearly = annual_revenue * margin
    if acquisition_cost == 0:
        return 0.0
    return acquisition_cost / yearly if yearly > 0 else float("inf")


def return_on_marketing(gain: float, cost: float) -> float:
    """Return (gain - cost) / cost: 0.2 means 20 % more came back than was spent."""
    if cost <= 0:
        raise JourneyError(f"return_on_marketing: cost must be above 0; got {cost:g}.")
    return (gain - cost) / cost


def vary_clv(
    annual_revenue: float,
    *,
    margin: float,
    retention: float,
    discount: float = 0.0,
    price_changes: tuple[float, ...] = (-0.1, -0.05, 0.0, 0.05, 0.1),
    retention_changes: tuple[float, ...] = (-0.05, 0.0, 0.05),
) -> pd.DataFrame:
    """Tabulate what ``margin_clv`` becomes when price and retention move.

    Costs per customer stay as they are, so a price change goes to the margin in full.

    Returns
    -------
    DataFrame, one row per pair
        ``price_change, retention_change, margin, retention, value`` (before acquisition cost).
    """
    cost = annual_revenue * (1 - margin)
    rows = []
    for price in price_changes:
        revenue = annual_revenue * (1 + price)
        new_margin = float(np.clip((revenue - cost) / revenue, 0, 1)) if revenue > 0 else 0.0
        for shift in retention_changes:
            stay = min(max(retention + shift, 0.0), 0.999)
            found = margin_clv(revenue, margin=new_margin, retention=stay, discount=discount)
            rows.append((price, shift, new_margin, stay, found.before_acquisition))
    columns = ["price_change", "retention_change", "margin", "retention", "value"]
    return pd.DataFrame(rows, columns=columns)


def _require_not_negative(caller: str, **values: float) -> None:
    for name, value in values.items():
        if not value >= 0 or np.isinf(value):
            raise JourneyError(f"{caller}: {name} must be a number not below 0; got {value!r}.")
