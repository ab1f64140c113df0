"""What is true in Sepidar: four personas, and the effects planted in the data."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from importlib import resources
from typing import Final

import numpy as np
import pandas as pd

FIRST_DAY: Final = pd.Timestamp("2024-06-01")
LAST_DAY: Final = pd.Timestamp("2025-05-31")
SLOTS_FROM: Final = pd.Timestamp("2025-02-01")  # delivery slots introduced
WAVES: Final = {"autumn": pd.Timestamp("2024-11-15"), "spring": pd.Timestamp("2025-05-15")}
CUSTOMERS: Final = 4000
PROMISE_DAYS: Final = 3.0  # a delivery after more days than this is late
WAIT_DAYS: Final = {"before": 3.05, "after": 1.75}  # median days, before night hours are added
WAIT_SPREAD: Final = 0.55  # standard deviation of the log of that wait
LATE_COSTS: Final = 1.55  # points of delivery satisfaction lost when every delivery was late
PROSPECTS: Final = 0.2  # share of customers who never buy
BUYS_SHAPE: Final = 0.5  # shape of the gamma distribution of purchase rates
LEAVES_SIZE: Final = 3.0  # a + b of the beta distribution of the chance to leave
LATE_LEAVES: Final = 0.06  # chance of leaving for good after a late delivery
GIVES_UP: Final = 0.7  # chance that one who never buys stops looking after an episode
PARTS: Final = ("customers", "log", "log dirt", "autumn", "spring", "interviews", "costs")


@dataclass(frozen=True, slots=True)
class Persona:
    """One of the four kinds of customer.

    Attributes
    ----------
    share : float
        Share of the customers.
    needs : dict of str to float
        Mean importance of each need, 1 to 5, before style and noise.
    pains, channels : dict of str to float
        Chance of ticking each.
    csat : dict of str to float
        Mean satisfaction per stage, 1 to 5; delivery is that of one never served late.
    ease : tuple of float
        Mean ease of checkout and of the call centre, 1 to 7.
    nps : float
        Points added to the likelihood to recommend.
    age, female, income
        Mean and spread of age, share of women, shares of the four income bands.
    spend : float
        Mean purchase in Toman.
    visits : float
        Mean shopping episodes per year until the first purchase.
    buys : float
        Mean purchases per year after the first one, of those who have not left.
    leaves : float
        Mean chance of leaving for good after each purchase but the first.
    """

    share: float
    needs: dict[str, float] = field(repr=False)
    pains: dict[str, float] = field(repr=False)
    channels: dict[str, float] = field(repr=False)
    csat: dict[str, float] = field(repr=False)
    ease: tuple[float, float]
    nps: float
    age: tuple[float, float]
    female: float
    income: tuple[float, float, float, float]
    spend: float
    visits: float
    buys: float
    leaves: float


NEEDS: Final = (
    "price", "compare", "offers", "speed", "slot", "easy",
    "advice", "see", "warranty", "ideas", "quality", "recognised",
)  # fmt: skip
PAINS: Final = ("hidden_cost", "late", "mixed_answers", "app_error")
CHANNELS: Final = ("web", "app", "shop", "phone", "chat", "social")
STAGES: Final = ("discovery", "consideration", "purchase", "delivery", "support", "loyalty")


def _named(names: tuple[str, ...], *values: float) -> dict[str, float]:
    return dict(zip(names, values, strict=True))


PERSONAS: Final = {
    "planner": Persona(
        0.38,
        _named(NEEDS, 4.6, 4.4, 4.3, 2.9, 2.8, 3.2, 2.6, 2.9, 3.5, 2.4, 3.2, 2.6),
        _named(PAINS, 0.62, 0.28, 0.16, 0.06), _named(CHANNELS, 0.92, 0.3, 0.3, 0.1, 0.25, 0.12),
        _named(STAGES, 3.6, 3.4, 3.0, 3.9, 3.0, 3.2), (4.0, 3.9), 0.0,
        (38, 9), 0.55, (0.34, 0.42, 0.19, 0.05), 1.7e6, 3.7, 3.3, 0.28,
    ),
    "hurried": Persona(
        0.27,
        _named(NEEDS, 3.1, 2.6, 2.9, 4.6, 4.3, 4.4, 2.1, 2.1, 3.0, 2.3, 3.3, 2.6),
        _named(PAINS, 0.14, 0.6, 0.1, 0.14), _named(CHANNELS, 0.42, 0.88, 0.16, 0.14, 0.3, 0.12),
        _named(STAGES, 3.5, 3.6, 3.9, 3.8, 3.1, 3.2), (5.6, 3.8), -0.1,
        (33, 7), 0.45, (0.12, 0.33, 0.38, 0.17), 2.5e6, 4.9, 4.6, 0.24,
    ),
    "reassurance": Persona(
        0.22,
        _named(NEEDS, 3.4, 3.3, 2.8, 2.7, 2.9, 3.3, 4.4, 4.5, 4.6, 2.6, 3.8, 3.1),
        _named(PAINS, 0.2, 0.26, 0.6, 0.05), _named(CHANNELS, 0.4, 0.08, 0.92, 0.62, 0.2, 0.06),
        _named(STAGES, 3.4, 2.9, 3.5, 3.9, 2.8, 3.2), (4.8, 3.5), -0.2,
        (52, 10), 0.5, (0.15, 0.35, 0.34, 0.16), 4.2e6, 2.9, 2.7, 0.32,
    ),
    "enthusiast": Persona(
        0.13,
        _named(NEEDS, 2.9, 3.0, 3.4, 3.1, 2.7, 3.2, 3.0, 3.3, 3.2, 4.6, 4.6, 4.3),
        _named(PAINS, 0.16, 0.22, 0.12, 0.58), _named(CHANNELS, 0.5, 0.78, 0.4, 0.06, 0.3, 0.8),
        _named(STAGES, 4.2, 3.9, 3.1, 3.9, 3.2, 2.9), (4.4, 4.1), 0.6,
        (29, 6), 0.68, (0.08, 0.27, 0.38, 0.27), 3.4e6, 5.5, 4.5, 0.18,
    ),
}  # fmt: skip


def make_rng(seed: int, part: str) -> np.random.Generator:
    """Return the random stream of one part: a change in one part leaves the others as they are."""
    return np.random.default_rng([seed, PARTS.index(part)])


def read_stock(name: str) -> list[dict[str, str]]:
    """Read one of the package's own tables: one dict of text per row."""
    with (resources.files("cjlib.simulate") / "stock" / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
