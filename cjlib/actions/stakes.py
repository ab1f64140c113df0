"""What is at stake at a sign of trouble: satisfaction that could be won, and money at risk."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.codebook import Item
from cjlib.columns import CUSTOMER, TOUCHPOINT, WEIGHT
from cjlib.errors import TooFewError
from cjlib.intervals import Floats, estimate_contrast, estimate_mean
from cjlib.study import Study
from cjlib.value import measure_value_at_risk

SATISFACTION = ("satisfaction", "satisfaction_low", "satisfaction_high")
MONEY = ("money", "money_low", "money_high")


def lift_to(
    values: Floats, weights: Floats, target: float, *, span: float, level: float
) -> dict[str, float]:
    """Mean satisfaction that would be won if everyone below ``target`` came up to it.

    As a share of the scale (``span``): the (weighted) mean of how far each lies below.
    """
    found = estimate_mean(np.maximum(target - values, 0.0) / span, weights, level=level)
    return _named(SATISFACTION, found.estimate, max(found.low, 0.0), found.high)


def lift_affected(
    study: Study, people: pd.DataFrame, affected: npt.NDArray[np.float64], *, stage: str
) -> dict[str, float]:
    """Mean satisfaction that would be won if those affected were as satisfied as the others.

    As a share of the scale: mean of the others less mean of all, on the satisfaction question
    of the stage, else the overall one, else the likelihood to recommend. Whether they are less
    satisfied *because* of it the answers cannot tell. Missing where nobody, or everybody, is
    affected.

    Parameters
    ----------
    affected : array of 1, 0 and missing, one per respondent
    """
    item = find_question(study, people, stage)
    if item is None or item.low is None or item.high is None:
        return {}
    x = people[item.name].to_numpy(dtype=float, na_value=np.nan)
    known = ~np.isnan(x) & ~np.isnan(affected)
    others = known & (affected == 0)
    if min(others.sum(), (known & (affected == 1)).sum()) < max(study.privacy.minimum_base, 2):
        return {}
    w = people[WEIGHT].to_numpy(dtype=float) if WEIGHT in people else np.ones(len(people))
    who = np.arange(len(people))
    rows = np.concatenate([who[known], who[others]])
    cell = np.repeat(["all", "others"], [known.sum(), others.sum()])
    found = estimate_contrast(
        x[rows], cell, {"others": 1.0, "all": -1.0}, w[rows], clusters=rows, level=study.level
    )
    span = item.high - item.low
    return _named(SATISFACTION, found.estimate / span, found.low / span, found.high / span)


def find_question(study: Study, people: pd.DataFrame, stage: str) -> Item | None:
    """Return the satisfaction question of a stage, else the overall one, else the NPS one."""
    asked = [i for i in study.codebook.items if i.name in people and people[i.name].notna().any()]
    csat = [i for i in asked if i.metric == "csat" and not i.touchpoint]
    for found in (
        [i for i in csat if stage and i.stage == stage], [i for i in csat if not i.stage],
        [i for i in asked if i.metric == "nps"],
    ):  # fmt: skip
        if found:
            return found[0]
    return None


def money_of_people(
    study: Study,
    people: pd.DataFrame,
    affected: npt.NDArray[np.float64],
    values: pd.DataFrame | None,
    base: int | None,
) -> dict[str, float]:
    """Add up what the customers affected are expected to bring, for all ``base`` customers.

    ``measure_value_at_risk`` does it: what those affected are expected to bring, not what the
    trouble costs. Missing without values, or where too few of those asked have one.
    """
    if values is None:
        return {}
    asked = people.loc[~np.isnan(affected), CUSTOMER].dropna()
    hit = people.loc[affected == 1, CUSTOMER].dropna()
    return money_at_risk(study, hit, asked, values, base)


def money_at_risk(
    study: Study,
    affected: pd.Series,
    asked: pd.Series,
    values: pd.DataFrame | None,
    base: int | None,
) -> dict[str, float]:
    """As ``money_of_people``, for customer ids."""
    if values is None or affected.empty:
        return {}
    named = pd.DataFrame({CUSTOMER: affected.to_numpy(), "pain": "affected"})
    try:
        found = measure_value_at_risk(
            named, values, asked=asked, base=base, level=study.level,
            minimum_base=study.privacy.minimum_base,
        ).table  # fmt: skip
    except TooFewError:
        return {}
    if found.empty:
        return {}
    row = found.iloc[0]
    return _named(MONEY, row["estimate"], row["low"], row["high"])


def customers_at(table: pd.DataFrame, touchpoints: list[str]) -> pd.Series:
    """Return the customers with a contact at any of the touchpoints."""
    there = table[table[TOUCHPOINT].isin(touchpoints) & table[CUSTOMER].notna()]
    return there[CUSTOMER].drop_duplicates()


def _named(names: tuple[str, str, str], *values: float) -> dict[str, float]:
    return dict(zip(names, map(float, values), strict=True))
