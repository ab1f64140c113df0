"""Purchases of each customer in the three numbers the value models need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from cjlib.columns import AMOUNT, CUSTOMER, TIME, TOUCHPOINT, require_columns
from cjlib.errors import JourneyError, TooFewError, nearest
from cjlib.study import Study

UNIT_DAYS: Final = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "year": 365.25}


@dataclass(frozen=True, slots=True, eq=False)
class PurchaseSummary:
    """What ``summarise_purchases`` found.

    Attributes
    ----------
    table : DataFrame
        One row per customer, by id: ``customer_id``; ``x``: repeat purchases (days with a
        purchase, the first one not counted); ``t_x``: time of the last one; ``T``: time the
        customer was watched, both from the first purchase, in ``unit``; ``amount``: mean
        amount of the repeat purchases (missing where there are none); ``total``: all money
        paid; ``first``: day of the first purchase.
    unit : str
        day, week, month or year; every result made from this table carries it.
    end : Timestamp
        Last day watched.
    merged : int
        Purchases that fell on a day with another of the same customer and were merged.
    """

    table: pd.DataFrame
    unit: str
    end: pd.Timestamp
    merged: int

    def summary(self) -> str:
        """Say how many customers bought again."""
        again = int((self.table["x"] > 0).sum())
        n = len(self.table)
        return (
            f"{again:,} of {n:,} buyers bought again by {self.end:%Y-%m-%d}; time in "
            f"{self.unit}s; {self.merged:,} purchases merged with another of the same day."
        )


def summarise_purchases(
    purchases: Any,
    *,
    study: Study | None = None,
    end: str | pd.Timestamp | None = None,
    unit: str = "week",
) -> PurchaseSummary:
    """Summarise each customer's purchases as x, t_x, T and mean amount.

    Purchases of one customer on one day are one purchase: their amounts are added.

    Parameters
    ----------
    purchases : Interactions or a frame with ``customer_id, time`` and perhaps ``amount``
        Every row is a purchase, unless ``study`` is given. Rows without a customer are left
        out. Not changed.
    study : Study, optional
        Keep only its purchase touchpoints.
    end : date, optional
        Last day watched; later purchases are left out. By default the last day in the frame
        (of any row, also one that is no purchase).
    unit : day, week, month or year

    Raises
    ------
    TooFewError
        If there is no purchase.
    """
    if unit not in UNIT_DAYS:
        raise JourneyError(
            f"summarise_purchases: unit must be one of {', '.join(UNIT_DAYS)}; got {unit!r}. "
            f"Did you mean '{nearest(unit, UNIT_DAYS)}'?"
        )
    daily, last, merged = daily_purchases(purchases, study=study, end=end)
    return PurchaseSummary(_table(daily, last, UNIT_DAYS[unit]), unit, last, merged)


def daily_purchases(
    purchases: Any, *, study: Study | None, end: str | pd.Timestamp | None
) -> tuple[pd.DataFrame, pd.Timestamp, int]:
    """Return each customer's days with a purchase, the last day watched, and how many merged.

    As ``summarise_purchases`` defines them: ``customer_id, day, amount``, by customer and day.
    """
    frame = purchases if isinstance(purchases, pd.DataFrame) else purchases.table
    require_columns(frame, [CUSTOMER, TIME], caller="summarise_purchases")
    last = pd.Timestamp(end) if end is not None else frame[TIME].max()
    rows = frame[frame[CUSTOMER].notna() & frame[TIME].notna()]
    if study is not None:
        ids = study.events.purchase if study.events else ()
        require_columns(rows, [TOUCHPOINT], caller="summarise_purchases")
        rows = rows[rows[TOUCHPOINT].isin(ids)]
    day = rows[TIME].dt.normalize()
    rows = rows.assign(day=day)[day <= last]
    if rows.empty:
        raise TooFewError(
            "summarise_purchases: there must be a purchase; there is none"
            + (" at the study's purchase touchpoints" if study is not None else "")
            + ". Check events.purchase in study.yaml and the end date."
        )
    if AMOUNT not in rows.columns:
        rows = rows.assign(**{AMOUNT: np.nan})
    daily = rows.groupby([CUSTOMER, "day"], sort=True)[AMOUNT].sum(min_count=1).reset_index()
    return daily, last.normalize(), len(rows) - len(daily)


def _table(daily: pd.DataFrame, end: pd.Timestamp, days: float) -> pd.DataFrame:
    by = daily.groupby(CUSTOMER, sort=True)
    found = by.agg(first=("day", "first"), last=("day", "last"), bought=("day", "size"))
    total = by[AMOUNT].sum(min_count=1)
    x = found["bought"] - 1
    repeats = daily[daily.duplicated(CUSTOMER)].groupby(CUSTOMER)[AMOUNT]
    amount = repeats.mean().reindex(found.index)
    return pd.DataFrame(
        {
            "x": x.astype(float),
            "t_x": (found["last"] - found["first"]).dt.days / days,
            "T": (end - found["first"]).dt.days / days,
            "amount": amount.where(x > 0),
            "total": total,
            "first": found["first"],
        }
    ).reset_index()
