"""KPIs of what customers did and what it cost: shares, ratios and counts with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from cjlib.columns import (
    AMOUNT,
    CHANNEL,
    CUSTOMER,
    RATING,
    SECONDS,
    TIME,
    TOUCHPOINT,
    require_columns,
)
from cjlib.errors import JourneyError
from cjlib.intervals import Estimate, estimate_ratio, estimate_share, unknown, wilson_bounds
from cjlib.study import Study

CHURN_DAYS: Final = 180  # half a year of silence counts as gone; for "churn" only
DIGITAL_KINDS: Final = ("awareness", "engagement", "consideration")  # contacts are pages
REFERRAL: Final = "referral"  # touchpoints whose id holds this word are referrals


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """The interactions in scope and the costs, as KPIs need them.

    Attributes
    ----------
    contacts : DataFrame or None
        One row per interaction of a known customer, by customer and time.
    costs : DataFrame or None
        ``channel, month, spend, impressions, reach, clicks``.
    study : Study
    """

    contacts: pd.DataFrame | None
    costs: pd.DataFrame | None
    study: Study

    def touching(self, kind: str) -> pd.DataFrame | None:
        """Return the contacts at purchase, complaint, product_return or referral touchpoints.

        None where the study names no such touchpoint or has no interactions.
        """
        rules = self.study.events
        if self.contacts is None or rules is None:
            return None
        ids = (
            tuple(t.id for t in self.study.touchpoints if REFERRAL in t.id)
            if kind == REFERRAL
            else getattr(rules, kind)
        )
        if not ids:
            return None
        return self.contacts[self.contacts[TOUCHPOINT].isin(ids)]


def make_activity(study: Study, interactions: Any | None, costs: pd.DataFrame | None) -> Activity:
    """Put interactions (an ``Interactions`` or a frame) and costs in the order KPIs need."""
    contacts = None
    if interactions is not None:
        frame = interactions if isinstance(interactions, pd.DataFrame) else interactions.table
        require_columns(frame, [CUSTOMER, TIME, TOUCHPOINT], caller="make_activity")
        contacts = frame[frame[CUSTOMER].notna()].sort_values(
            [CUSTOMER, TIME], kind="stable", ignore_index=True
        )
    if costs is not None:
        require_columns(costs, [CHANNEL, "month", "spend"], caller="make_activity")
    return Activity(contacts, costs, study)


def measure_conversion(activity: Activity) -> Estimate | None:
    """Return customers who bought at least once ÷ customers with an interaction."""
    return _share_of_customers(activity, activity.touching("purchase"))


def measure_complaint_rate(activity: Activity) -> Estimate | None:
    """Return customers who complained at least once ÷ customers with an interaction."""
    return _share_of_customers(activity, activity.touching("complaint"))


def measure_repeat_rate(activity: Activity) -> Estimate | None:
    """Return customers who bought on two days or more ÷ customers who bought."""
    bought = activity.touching("purchase")
    if bought is None:
        return None
    days = bought.assign(day=bought[TIME].dt.normalize()).groupby(CUSTOMER)["day"].nunique()
    return estimate_share(int((days >= 2).sum()), len(days), level=activity.study.level)


def measure_return_rate(activity: Activity) -> Estimate | None:
    """Return returns of goods ÷ purchases, or churn, whichever the study takes the word to mean."""
    if activity.study.positions.return_rate == "churn":
        return measure_churn(activity)
    bought, returned = activity.touching("purchase"), activity.touching("product_return")
    if bought is None or returned is None:
        return None
    return _per_customer(returned, bought, activity.study.level)


def measure_churn(activity: Activity) -> Estimate | None:
    """Return customers active in one half-year but silent in the next ÷ those active in the first.

    Both halves (180 days each) are counted back from the last contact in the log.
    """
    rows = activity.contacts
    if rows is None or rows.empty:
        return None
    end = rows[TIME].max()
    cut, start = (end - pd.Timedelta(days=k * CHURN_DAYS) for k in (1, 2))
    if rows[TIME].min() > start:
        return unknown(0, level=activity.study.level, why=f"log shorter than {2 * CHURN_DAYS} days")
    before = rows.loc[(rows[TIME] > start) & (rows[TIME] <= cut), CUSTOMER].unique()
    after = rows.loc[rows[TIME] > cut, CUSTOMER].unique()
    gone = int((~pd.Index(before).isin(after)).sum())
    return estimate_share(gone, len(before), level=activity.study.level)


def measure_contacts_per_purchase(activity: Activity) -> Estimate | None:
    """Return interactions ÷ purchases, the interval by customer."""
    bought = activity.touching("purchase")
    if bought is None or activity.contacts is None:
        return None
    level = activity.study.level
    purchases = bought.groupby(CUSTOMER).size()
    contacts = activity.contacts.groupby(CUSTOMER).size()
    both = pd.DataFrame({"y": contacts, "x": purchases}).fillna(0)
    if not both["x"].sum():
        return unknown(0, level=level, why="no purchases")
    found = _ratio_of_totals(both["y"].to_numpy(float), both["x"].to_numpy(float), level)
    return _within(found, 0.0)


def measure_bounce_rate(activity: Activity, stage: str = "") -> Estimate | None:
    """Return sessions of one contact ÷ sessions, the interval by customer.

    A session ends when a customer is silent for longer than ``events.session_gap_minutes``.
    With ``stage``: sessions that begin in that stage.
    """
    rows, rules = activity.contacts, activity.study.events
    if rows is None or rules is None or rows.empty:
        return None
    gap = rows[TIME].diff() > pd.Timedelta(minutes=rules.session_gap_minutes)
    codes = pd.factorize(rows[CUSTOMER])[0]
    session = (gap.to_numpy(dtype=bool) | (np.diff(codes, prepend=-1) != 0)).cumsum()
    first = rows.groupby(session).agg(
        customer=(CUSTOMER, "first"), start=(TOUCHPOINT, "first"), contacts=(TOUCHPOINT, "size")
    )
    if stage:
        first = first[first["start"].isin(_touchpoints_in(activity.study, (stage,)))]
    if first.empty:
        return None
    single = (first["contacts"] == 1).groupby(first["customer"]).agg(["sum", "size"])
    found = estimate_ratio(
        single["sum"].to_numpy(float), single["size"].to_numpy(float), level=activity.study.level
    )
    return _within(found, 0.0, 1.0)


def measure_time_on_page(activity: Activity, stage: str = "") -> Estimate | None:
    """Mean seconds per contact at the touchpoints of awareness and consideration stages.

    With ``stage``: of that stage. Contacts without a length (often the last page of a visit,
    which nobody times) are left out, so it tends to be too low. Interval by customer.
    """
    rows = activity.contacts
    if rows is None or SECONDS not in rows.columns:
        return None
    study = activity.study
    stages = (stage,) if stage else tuple(s.id for s in study.stages if s.kind in DIGITAL_KINDS)
    timed = rows[rows[SECONDS].notna() & rows[TOUCHPOINT].isin(_touchpoints_in(study, stages))]
    found = _mean_by_customer(timed, SECONDS, study.level)
    return None if found is None else _within(found, 0.0)


def measure_rating(activity: Activity, touchpoints: list[str]) -> Estimate | None:
    """Mean rating left at ``touchpoints``, on the study's rating scale, by customer."""
    rows = activity.contacts
    if rows is None or RATING not in rows.columns:
        return None
    rated = rows[rows[RATING].notna() & rows[TOUCHPOINT].isin(touchpoints)]
    return _mean_by_customer(rated, RATING, activity.study.level)


def measure_sales(activity: Activity) -> Estimate | None:
    """Return money paid at purchase touchpoints, in the study's currency: a full count."""
    bought = activity.touching("purchase")
    if bought is None or AMOUNT not in bought.columns or bought[AMOUNT].notna().sum() == 0:
        return None
    return _count(float(bought[AMOUNT].sum()), int(bought[AMOUNT].notna().sum()), activity)


def count_purchases(activity: Activity) -> Estimate | None:
    """Return purchases in the log."""
    bought = activity.touching("purchase")
    return None if bought is None else _count(float(len(bought)), len(bought), activity)


def count_referrals(activity: Activity) -> Estimate | None:
    """Contacts at touchpoints whose id holds the word "referral"."""
    referred = activity.touching(REFERRAL)
    return None if referred is None else _count(float(len(referred)), len(referred), activity)


def sum_costs(activity: Activity, column: str) -> Estimate | None:
    """Sum of a costs column (impressions, reach, clicks) over channels and months."""
    costs = activity.costs
    if costs is None or column not in costs.columns or costs[column].notna().sum() == 0:
        return None
    return _count(float(costs[column].sum()), int(costs[column].notna().sum()), activity)


def measure_ctr(activity: Activity) -> Estimate | None:
    """Return clicks ÷ impressions, over the channels and months that report both."""
    costs = activity.costs
    if costs is None or not {"clicks", "impressions"} <= set(costs.columns):
        return None
    both = costs.dropna(subset=["clicks", "impressions"])
    shown = float(both["impressions"].sum())
    if shown <= 0:
        return None
    clicks = float(both["clicks"].sum())
    if clicks > shown:
        raise JourneyError(
            f"measure_ctr: clicks must not exceed impressions; the costs hold {clicks:,.0f} "
            f"clicks and {shown:,.0f} impressions. Swapped columns?"
        )
    return estimate_share(clicks, int(shown), level=activity.study.level)


def measure_cpc(activity: Activity) -> Estimate | None:
    """Cost per click: spend ÷ clicks, over the channels and months with at least one click."""
    costs = activity.costs
    if costs is None or "clicks" not in costs.columns:
        return None
    clicked = costs[costs["clicks"] > 0].dropna(subset=["spend"])
    if clicked.empty:
        return None
    return _cost_per(float(clicked["spend"].sum()), float(clicked["clicks"].sum()), activity)


def measure_cpa(activity: Activity) -> Estimate | None:
    """Cost per conversion: spend ÷ customers who bought in the months the spend covers."""
    costs, bought = activity.costs, activity.touching("purchase")
    if costs is None or bought is None or costs["spend"].notna().sum() == 0:
        return None
    months = costs.loc[costs["spend"].notna(), "month"].dt.to_period("M").unique()
    buyers = bought.loc[bought[TIME].dt.to_period("M").isin(months), CUSTOMER].nunique()
    return _cost_per(float(costs["spend"].sum()), float(buyers), activity)


def measure_engagement(activity: Activity, stage: str = "") -> Estimate | None:
    """Return customers with an interaction (in ``stage``, or in any) ÷ people reached.

    Reach is the largest month's sum over channels: people, as far as channels can tell them
    apart, not the same people month after month.
    """
    rows, costs = activity.contacts, activity.costs
    if rows is None or costs is None or "reach" not in costs.columns:
        return None
    reach = costs.groupby("month")["reach"].sum(min_count=1).max()
    if not reach > 0:
        return None
    ids = _touchpoints_in(activity.study, (stage,)) if stage else None
    engaged = (rows if ids is None else rows[rows[TOUCHPOINT].isin(ids)])[CUSTOMER].nunique()
    if engaged > reach:
        return unknown(int(reach), level=activity.study.level, why="more customers than reach")
    return estimate_share(engaged, int(reach), level=activity.study.level)


def _share_of_customers(activity: Activity, rows: pd.DataFrame | None) -> Estimate | None:
    if rows is None or activity.contacts is None:
        return None
    all_customers = activity.contacts[CUSTOMER].nunique()
    return estimate_share(rows[CUSTOMER].nunique(), all_customers, level=activity.study.level)


def _per_customer(top: pd.DataFrame, bottom: pd.DataFrame, level: float) -> Estimate:
    both = pd.DataFrame(
        {"y": top.groupby(CUSTOMER).size(), "x": bottom.groupby(CUSTOMER).size()}
    ).fillna(0)
    if not both["x"].sum():
        return unknown(0, level=level, why="no purchases")
    return _within(_ratio_of_totals(both["y"].to_numpy(float), both["x"].to_numpy(float), level), 0)


def _ratio_of_totals(y: Any, x: Any, level: float) -> Estimate:
    # Customers without a purchase still have contacts: they count above, and vary, too.
    n, total = len(y), float(x.sum())
    ratio = float(y.sum()) / total
    if n < 2:
        return Estimate(ratio, np.nan, np.nan, level, n, "one customer: no interval")
    error = float(np.sqrt(n / (n - 1) * ((y - ratio * x) ** 2).sum()) / total)
    if error == 0 and ratio in (0.0, 1.0):  # all customers alike: none returned, say
        low, high = wilson_bounds([ratio * n], [n], level=level)
        return Estimate(ratio, float(low[0]), float(high[0]), level, n, "Wilson on customers")
    if error == 0:
        return Estimate(ratio, np.nan, np.nan, level, n, "all customers alike: no interval")
    half = float(stats.t.ppf(0.5 + level / 2, n - 1)) * error
    return Estimate(ratio, ratio - half, ratio + half, level, n, "linearised, by customer")


def _mean_by_customer(rows: pd.DataFrame, column: str, level: float) -> Estimate | None:
    if rows.empty:
        return None
    sums = rows.groupby(CUSTOMER)[column].agg(["sum", "size"])
    y, x = sums["sum"].to_numpy(float), sums["size"].to_numpy(float)
    return _ratio_of_totals(y, x, level)


def _within(found: Estimate, low: float, high: float = np.inf) -> Estimate:
    return Estimate(
        found.estimate, max(found.low, low), min(found.high, high), found.level, found.n,
        found.method,
    )  # fmt: skip


def _count(value: float, n: int, activity: Activity) -> Estimate:
    return Estimate(value, np.nan, np.nan, activity.study.level, n, "full count: no interval")


def _cost_per(spend: float, events: float, activity: Activity) -> Estimate:
    level = activity.study.level
    if events <= 0:
        return unknown(0, level=level, why="nothing to divide the spend by")
    tail = (1 - level) / 2
    fewest = float(stats.chi2.ppf(tail, 2 * events)) / 2
    most = float(stats.chi2.ppf(1 - tail, 2 * (events + 1))) / 2
    n = round(events)
    return Estimate(spend / events, spend / most, spend / fewest, level, n, "exact Poisson count")


def _touchpoints_in(study: Study, stages: tuple[str, ...]) -> list[str]:
    return [t.id for t in study.touchpoints if t.stage in stages]
