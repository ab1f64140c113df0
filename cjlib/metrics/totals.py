"""KPIs as totals of each person: what a comparison of periods adds up, person by person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd

from cjlib.columns import CUSTOMER, TIME
from cjlib.intervals import DETRACTOR, PROMOTER, Floats
from cjlib.metrics.activity import Activity, make_activity
from cjlib.metrics.kpis import Sources, describe_kpi, items_about, place_of
from cjlib.metrics.scores import top_box
from cjlib.metrics.tables import ends
from cjlib.study import Study

ANSWERED: Final = ("nps", "csat", "ces")


def total_answers(kpi: str, study: Study, people: pd.DataFrame) -> tuple[Floats, Floats] | None:
    """Return, for each respondent, the sum of what the KPI is the mean of, and how many answers.

    The KPI is the (weighted) sum of the first over the sum of the second: 100, 0 or -100 for
    an NPS answer, 1 or 0 for the top box, the answer itself for means. Who did not answer has
    missing totals. None where the KPI is none of the survey's, or its items were not asked or
    have several scales.

    Parameters
    ----------
    kpi : str
        nps, csat, ces and their places, as in the goals of study.yaml.
    study : Study
    people : DataFrame
        Respondents of any waves.
    """
    head, _, rest = kpi.partition(".")
    if head not in ANSWERED:
        return None
    sources = Sources(study, people, "", Activity(None, None, study))
    items = items_about(head, place_of(rest), sources)
    if not items or len({ends(item) for item in items}) > 1:
        return None
    low, high = ends(items[0])
    answers = people[[item.name for item in items]].to_numpy(dtype=float, na_value=np.nan)
    values = answers
    if head == "nps":
        values = 100.0 * ((answers >= PROMOTER).astype(float) - (answers <= DETRACTOR))
    elif head == "csat" and describe_kpi(kpi, study).unit == "share":
        values = (answers >= top_box(low, high)).astype(float)
    given = (~np.isnan(answers)).sum(axis=1).astype(float)
    total = np.where(np.isnan(answers), 0.0, values).sum(axis=1)
    nobody = given == 0
    return np.where(nobody, np.nan, total), np.where(nobody, np.nan, given)


def total_contacts(kpi: str, study: Study, contacts: Any) -> pd.DataFrame | None:
    """Return, for each customer with contacts, numerator ``y`` and denominator ``x`` of a KPI.

    The KPI is the sum of ``y`` over the sum of ``x``: bought at all over 1 (conversion),
    complained at all over 1, bought on two days over bought, returns over purchases, contacts
    over purchases. None for a KPI that is no such ratio, or without touchpoints to tell it by.

    Returns
    -------
    DataFrame with ``customer_id, y, x``, or None
    """
    activity = make_activity(study, contacts, None)
    if kpi not in _TOTALS or activity.contacts is None:
        return None
    if kpi == "return_rate" and study.positions.return_rate == "churn":
        return None
    everyone = activity.contacts.groupby(CUSTOMER).size()
    found = _TOTALS[kpi](activity, everyone)
    if found is None:
        return None
    y, x = (part.reindex(everyone.index).fillna(0).astype(float) for part in found)
    return pd.DataFrame({"y": y, "x": x}).reset_index()


Pair = tuple[pd.Series, pd.Series]


def _count(activity: Activity, kind: str) -> pd.Series | None:
    rows = activity.touching(kind)
    return None if rows is None else rows.groupby(CUSTOMER).size()


def _any(kind: str) -> Callable[[Activity, pd.Series], Pair | None]:
    def total(activity: Activity, everyone: pd.Series) -> Pair | None:
        found = _count(activity, kind)
        return None if found is None else (found.gt(0), everyone.gt(0))

    return total


def _per_purchase(kind: str) -> Callable[[Activity, pd.Series], Pair | None]:
    def total(activity: Activity, everyone: pd.Series) -> Pair | None:
        above = everyone if kind == "contacts" else _count(activity, kind)
        bought = _count(activity, "purchase")
        return None if above is None or bought is None else (above, bought)

    return total


def _again(activity: Activity, everyone: pd.Series) -> Pair | None:
    bought = activity.touching("purchase")
    if bought is None:
        return None
    days = bought.assign(day=bought[TIME].dt.normalize()).groupby(CUSTOMER)["day"].nunique()
    return days.ge(2), days.ge(1)


_TOTALS: Final[dict[str, Callable[[Activity, pd.Series], Pair | None]]] = {
    "conversion": _any("purchase"),
    "complaint_rate": _any("complaint"),
    "repeat_rate": _again,
    "return_rate": _per_purchase("product_return"),
    "contacts_per_purchase": _per_purchase("contacts"),
}
