"""What customers are expected to bring: purchases × amount × margin, each and by group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.columns import CUSTOMER, ESTIMATE, HIGH, LEVEL, LOW, METHOD, N, require_columns
from cjlib.errors import JourneyError
from cjlib.intervals import Floats, require_level
from cjlib.value import bgnbd, pareto_nbd
from cjlib.value.bgnbd import Bgnbd, require_horizon
from cjlib.value.gamma_gamma import GammaGamma, known_amounts, require_mean, typical_amount
from cjlib.value.pareto_nbd import ParetoNbd
from cjlib.value.purchases import UNIT_DAYS, PurchaseSummary

DAYS_PER_YEAR: Final = 365.25
STEPS_PER_YEAR: Final = 4  # money is discounted by quarter


@dataclass(frozen=True, slots=True, eq=False)
class ValueForecast:
    """What ``forecast_value`` found.

    Attributes
    ----------
    customers : DataFrame
        One row per customer of the summary: ``customer_id, value, low, high, level, method``:
        expected money in the horizon, after margin and discount.
    table : DataFrame
        Mean per customer: ``by`` (all, or a column of the groups), ``group, estimate, low, high,
        level, n, method, total``. The intervals are those of the models' parameters for
        exactly these customers, not of their luck.
    horizon : float
    unit : str
        Unit of the horizon.
    margin, discount : float
    names : mapping of group to its name for readers
    currency, language : str
        Of the figure.
    """

    customers: pd.DataFrame
    table: pd.DataFrame
    horizon: float
    unit: str
    margin: float
    discount: float
    names: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""
    language: str = "en"

    def summary(self) -> str:
        """Say the mean and the total expected, with the horizon and its unit."""
        row = self.table.iloc[0]
        return (
            f"In the next {self.horizon:g} {self.unit}s a customer is expected to bring "
            f"{row[ESTIMATE]:,.0f} [{row[LOW]:,.0f}, {row[HIGH]:,.0f}], {row['total']:,.0f} in "
            f"all from {row[N]:,} (margin {self.margin:.0%}, discount {self.discount:.0%} a year)."
        )

    def plot(self, *, by: str = "", ax: Axes | None = None) -> Axes:
        """Draw the mean expected value per group, of the first grouping where none is named."""
        from cjlib import plots

        known = [str(b) for b in self.table["by"].unique()]
        chosen = by or known[min(1, len(known) - 1)]
        return plots.draw_lifetimes(
            self.table[self.table["by"] == chosen], figure="forecast", names=self.names,
            currency=self.currency, language=self.language, ax=ax,
        )  # fmt: skip


def forecast_value(
    model: Bgnbd | ParetoNbd,
    amounts: GammaGamma,
    summary: PurchaseSummary,
    *,
    horizon: float,
    margin: float = 1.0,
    discount: float = 0.0,
    groups: pd.DataFrame | None = None,
    level: float = 0.95,
    minimum_base: int = 30,
) -> ValueForecast:
    """Forecast what each customer brings: expected purchases × typical amount × margin.

    Purchases from BG/NBD or Pareto/NBD, amounts from gamma-gamma, which takes the two to be
    unrelated (see its ``correlation``). With a discount, money of each quarter is worth
    (1 + discount)^-years of its middle. Intervals by the delta method over the parameters of
    both models, on the log scale.

    Parameters
    ----------
    model : Bgnbd or ParetoNbd
    amounts : GammaGamma
    summary : PurchaseSummary
        In the model's unit.
    horizon : float
        In the model's unit, counted from the summary's end.
    margin : float, 0 to 1
    discount : float
        Per year, not below 0.
    groups : DataFrame, optional
        ``customer_id`` and a column per grouping, for instance ``channel, persona``; customers
        without a group are left out of that grouping.
    level : float, 0 to 1
    minimum_base : int
        Smaller groups are "too few".

    Raises
    ------
    TooFewError
        If a model is not identified.
    JourneyError
        If units differ, a number is out of range, or the amounts have no mean.
    """
    require_level(level, caller="forecast_value")
    _require(model, summary, horizon, margin, discount)
    require_mean(amounts, caller="forecast_value")
    model.parameters  # noqa: B018 (raises where not identified)
    rows = summary.table
    kinds = rows[["x", "t_x", "T"]].drop_duplicates(ignore_index=True)
    keys = rows[["x", "t_x", "T"]].merge(kinds.reset_index(), on=["x", "t_x", "T"], how="left")
    place = keys["index"].to_numpy()
    made, last, watched = (kinds[c].to_numpy(float) for c in ("x", "t_x", "T"))
    x, m = known_amounts(rows)
    k = len(model.fit.names)
    ends, worth = _steps(horizon, discount, summary.unit)
    repeats = bgnbd.later_repeats if isinstance(model, Bgnbd) else pareto_nbd.later_repeats
    members = _members(rows[CUSTOMER], groups)
    known = [(by, name, at) for by, name, at in members if len(at) >= minimum_base or by == "all"]

    def expect(p: Floats) -> Floats:
        upto = np.array([repeats(p[:k], made, last, watched, float(t)) for t in ends])
        bought = worth @ np.diff(upto, axis=0, prepend=0.0)
        each = margin * bought[place] * typical_amount(p[k:], x, m)
        return np.concatenate([each, [each[at].mean() for _, _, at in known]])

    value, low, high = model.fit.beside(amounts.fit).propagate(expect, level=level)
    n = len(rows)
    name = "BG/NBD" if isinstance(model, Bgnbd) else "Pareto/NBD"
    method = f"{name} × gamma-gamma, delta"
    customers = pd.DataFrame(
        {CUSTOMER: rows[CUSTOMER].to_numpy(), "value": value[:n], LOW: low[:n], HIGH: high[:n],
         LEVEL: level, METHOD: method}
    )  # fmt: skip
    found = {(by, g): i for i, (by, g, _) in enumerate(known, start=n)}
    table = []
    for by, group, at in members:
        i = found.get((by, group))
        figures = (value[i], low[i], high[i]) if i is not None else (np.nan,) * 3
        table.append(
            {"by": by, "group": group, ESTIMATE: figures[0], LOW: figures[1], HIGH: figures[2],
             LEVEL: level, N: len(at), "total": figures[0] * len(at),
             METHOD: method if i is not None else f"too few (n < {minimum_base})"}
        )  # fmt: skip
    return ValueForecast(
        customers, pd.DataFrame(table), horizon, summary.unit, margin, discount
    )  # fmt: skip


def _require(
    model: Bgnbd | ParetoNbd, summary: PurchaseSummary, horizon: float, margin: float,
    discount: float,
) -> None:  # fmt: skip
    if summary.unit != model.unit:
        raise JourneyError(
            f"forecast_value: the summary must be in the model's unit, {model.unit}; it is in "
            f"{summary.unit}s. Make it with unit='{model.unit}'."
        )
    require_horizon(np.array([horizon]), "forecast_value")
    if not 0 <= margin <= 1:
        raise JourneyError(
            f"forecast_value: margin must be a share from 0 to 1; got {margin:g}. "
            "Write 30 % as 0.3."
        )
    if not 0 <= discount < np.inf:
        raise JourneyError(
            f"forecast_value: discount must be a yearly rate not below 0; got {discount:g}."
        )


def _steps(horizon: float, discount: float, unit: str) -> tuple[Floats, Floats]:
    """Return the ends of the stretches, in the unit, and what money in each is worth today."""
    years = horizon * UNIT_DAYS[unit] / DAYS_PER_YEAR
    count = 1 if discount == 0 else max(1, int(np.ceil(years * STEPS_PER_YEAR)))
    ends = np.linspace(0, horizon, count + 1)[1:]
    middle = (np.arange(count) + 0.5) * years / count
    return ends, np.asarray((1 + discount) ** -middle)


def _members(
    customers: pd.Series, groups: pd.DataFrame | None
) -> list[tuple[str, str, np.ndarray]]:
    """Return each group's grouping, name and places among the customers; all of them first."""
    found = [("all", "all", np.arange(len(customers)))]
    if groups is None:
        return found
    require_columns(groups, [CUSTOMER], caller="forecast_value")
    known = groups.dropna(subset=[CUSTOMER]).drop_duplicates(CUSTOMER).set_index(CUSTOMER)
    for by in known.columns:
        label = customers.map(known[by]).astype("string")
        for name in sorted(label.dropna().unique()):
            found.append((str(by), str(name), np.flatnonzero((label == name).fillna(value=False))))
    return found
