"""Who the customers are: persona, demographics, and how often and how long they come."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cjlib.simulate.parameters import (
    BUYS_SHAPE,
    CUSTOMERS,
    FIRST_DAY,
    LEAVES_SIZE,
    PERSONAS,
    PROSPECTS,
    make_rng,
)

CITIES = {"thr": 0.42, "mhd": 0.14, "isf": 0.11, "krj": 0.1, "shz": 0.08, "tbz": 0.07, "oth": 0.08}
CITY_NAMES = {
    "thr": "Tehran", "mhd": "Mashhad", "isf": "Isfahan", "krj": "Karaj", "shz": "Shiraz",
    "tbz": "Tabriz", "oth": "Elsewhere",
}  # fmt: skip
PERSIAN_SHARE = 0.72
DAYS_TO_JOIN = 345  # the last customers come for the first time this long after the first day


def draw_customers(seed: int) -> pd.DataFrame:
    """Draw every customer with the truth that the shipped files do not tell.

    Returns
    -------
    DataFrame, one row per customer
        ``customer`` (raw id), ``persona``, ``language``, ``age``, ``gender``, ``city``,
        ``income``, ``prospect`` (never buys), ``arrival`` (first episode), ``visits``
        (episodes per year until the first purchase), ``buys`` (purchases per year from then
        on), ``leaves`` (chance of leaving for good after a purchase), ``spend`` (mean
        purchase, Toman). Visits and purchases are drawn apart: how long somebody took to buy
        for the first time does not tell how often they buy again.
    """
    rng = make_rng(seed, "customers")
    names = list(PERSONAS)
    counts = np.round(np.array([p.share for p in PERSONAS.values()]) * CUSTOMERS).astype(int)
    persona = rng.permutation(np.repeat(names, counts))
    kinds = [PERSONAS[p] for p in persona]
    visits = rng.gamma(1.4, [kind.visits / 1.4 for kind in kinds])
    old = rng.random(CUSTOMERS) < 0.4  # already customers when the log begins
    next_visit = np.minimum(rng.exponential(365 / visits), DAYS_TO_JOIN)
    joined = np.where(old, next_visit, rng.random(CUSTOMERS) * DAYS_TO_JOIN)
    age = [rng.normal(*kind.age) for kind in kinds]
    leaves = np.array([kind.leaves for kind in kinds])
    leaves = np.array([kind.leaves for kind in kinds])
    return pd.DataFrame(
        {
            "customer": [f"SP-{n}" for n in rng.permutation(90000)[:CUSTOMERS] + 10000],
            "persona": persona,
            "language": np.where(rng.random(CUSTOMERS) < PERSIAN_SHARE, "fa", "en"),
            "age": np.clip(np.round(age), 18, 84).astype(int),
            "gender": np.where(rng.random(CUSTOMERS) < [k.female for k in kinds], "f", "m"),
            "city": rng.choice(list(CITIES), CUSTOMERS, p=list(CITIES.values())),
            "income": [f"b{1 + rng.choice(4, p=kind.income)}" for kind in kinds],
            "prospect": rng.random(CUSTOMERS) < PROSPECTS,
            "arrival": FIRST_DAY + pd.to_timedelta(np.round(joined * 86400), unit="s"),
            "visits": visits,
            "buys": rng.gamma(BUYS_SHAPE, [kind.buys / BUYS_SHAPE for kind in kinds]),
            "leaves": rng.beta(leaves * LEAVES_SIZE, (1 - leaves) * LEAVES_SIZE),
            "spend": [kind.spend for kind in kinds] * rng.gamma(6, 1 / 6, CUSTOMERS),
        }
    )
