"""The interaction log: every customer walks their persona's chain of touchpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cjlib.simulate.parameters import (
    FIRST_DAY,
    GIVES_UP,
    LAST_DAY,
    LATE_LEAVES,
    PERSONAS,
    PROMISE_DAYS,
    SLOTS_FROM,
    WAIT_DAYS,
    WAIT_SPREAD,
    make_rng,
    read_stock,
)

PURCHASES = ("payment", "app_payment", "shop_till")
MEDIA = {"tv_ad": 0.35, "billboard_ad": 0.25, "newsletter": 0.5, "friend_talk": 0.12}  # per year
LONGEST = 40  # contacts in one episode, at most
HOUR = 3600.0
COLUMNS = (
    "customer", "when", "touchpoint", "channel", "amount",
    "cost_to_serve", "seconds", "rating", "element",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Contact:
    """What a contact at one touchpoint is like."""

    channel: str
    seconds: float
    cost: float
    rated: float
    rating: float
    late_rating: float
    elements: tuple[str, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """One persona's moves: from each state the next states, cumulated chances, mean waits.

    ``buying`` is the chance that an episode comes to a purchase.
    """

    states: dict[str, tuple[list[str], np.ndarray, list[float]]]
    buying: float


def read_moves() -> pd.DataFrame:
    """Return the true chance of each move between touchpoints and its mean wait.

    Returns
    -------
    DataFrame, one row per move
        ``from``, ``to`` (touchpoints; ``!`` marks a state of one: late, error, ask; ``start``
        and ``end`` are none), ``wait_hours``, and per persona the chance, 0 to 1.
    """
    moves = pd.DataFrame(read_stock("moves.csv"))
    numbers = ["wait_hours", *PERSONAS]
    moves[numbers] = moves[numbers].astype(float)
    total = moves.groupby("from")[list(PERSONAS)].transform("sum")
    return moves.assign(**{p: moves[p] / total[p] for p in PERSONAS})


def draw_log(customers: pd.DataFrame, channels: dict[str, str], seed: int) -> pd.DataFrame:
    """Walk every customer through the year.

    Parameters
    ----------
    customers : DataFrame
        As made by ``draw_customers``.
    channels : dict of str to str
        Channel of each touchpoint.

    Returns
    -------
    DataFrame, one row per contact, ordered by time
        The columns of the shipped log (numbers, not text), and ``late`` for deliveries.
    """
    rng = make_rng(seed, "log")
    moves = read_moves()
    chains = {persona: _make_chain(moves, persona) for persona in PERSONAS}
    contacts = _read_contacts(channels)
    rows: list[tuple[Any, ...]] = []
    for customer in customers.itertuples(index=False):
        _live(customer, chains[str(customer.persona)], rows, rng)
        _expose(customer, rows, rng)
    frame = pd.DataFrame(rows, columns=["customer", "s", "touchpoint", "amount", "late", "element"])
    return _measure_contacts(frame, contacts, rng)


def _make_chain(moves: pd.DataFrame, persona: str) -> Chain:
    states = {}
    for state, part in moves.groupby("from", sort=False):
        chances = part[persona].to_numpy().cumsum()
        states[str(state)] = (part["to"].tolist(), chances, part["wait_hours"].tolist())
    return Chain(states, find_buying(moves, persona))


def find_buying(moves: pd.DataFrame, persona: str) -> float:
    """Find the chance that a walk from the start comes to a purchase before it ends.

    Parameters
    ----------
    moves : DataFrame
        As made by ``read_moves``.
    persona : str

    Returns
    -------
    float, 0 to 1
        Solved from the chain, purchases being ends: exact, but for walks cut off as too long.
    """
    chance = moves.pivot_table(index="from", columns="to", values=persona, fill_value=0)
    before = chance.index.difference(list(PURCHASES))
    inner = chance.reindex(index=before, columns=before, fill_value=0).to_numpy()
    steps = chance.loc[before, list(PURCHASES)].sum(axis=1).to_numpy()
    reached = np.linalg.solve(np.eye(len(before)) - inner, steps)
    return float(reached[before.get_loc("start")])


def _read_contacts(channels: dict[str, str]) -> dict[str, Contact]:
    contacts = {}
    for row in read_stock("touchpoints.csv"):
        parts = [p.split(":") for p in row["elements"].split("|") if p]
        weights = np.array([float(w) for _, w in parts])
        contacts[row["touchpoint"]] = Contact(
            channels[row["touchpoint"]], float(row["seconds"] or 0), float(row["cost"] or 0),
            float(row["rated"]), float(row["rating"] or 0),
            float(row["late_rating"] or row["rating"] or 0),
            tuple(name for name, _ in parts), tuple((weights / weights.sum()).cumsum()),
        )  # fmt: skip
    return contacts


def _live(
    customer: Any,
    chain: Chain,
    rows: list[tuple[Any, ...]],
    rng: np.random.Generator,
) -> None:
    """Add the customer's episodes until they leave or the year ends.

    Episodes begin at random, at the customer's own rate: ``visits`` a year until the first
    purchase, then as many as it takes to buy ``buys`` times a year.
    """
    now = (customer.arrival - FIRST_DAY).total_seconds()
    end = ((LAST_DAY - FIRST_DAY).days + 1) * 24 * HOUR
    known = False
    while now < end:
        now = max(now, _open_hours(now, rng))
        last, known, stays = _walk(
            customer, now, known=known, end=end, chain=chain, rows=rows, rng=rng
        )
        if not stays or (customer.prospect and rng.random() < GIVES_UP):
            return
        rate = customer.buys / chain.buying if known else customer.visits
        now = max(last + 2 * HOUR, now + rng.exponential(365 * 24 * HOUR / rate))


def _walk(
    customer: Any,
    start: float,
    *,
    known: bool,
    end: float,
    chain: Chain,
    rows: list[tuple[Any, ...]],
    rng: np.random.Generator,
) -> tuple[float, bool, bool]:
    """Add one episode; return when it ended, whether they have bought so far, and come back.

    An episode holds one purchase at most. ``known``: bought in an episode before. After each
    purchase but the first, customers may leave for good: they still get what they paid for,
    and may call about it, but buy no more.
    """
    state, now, due, paid, stays = "start", start, start, 0.0, True
    for _ in range(LONGEST):
        nexts, chances, waits = chain.states[state]
        at = min(int(np.searchsorted(chances, rng.random(), side="right")), len(nexts) - 1)
        state = nexts[at]
        touchpoint = state.partition("!")[0]
        buys = touchpoint in PURCHASES
        if state == "end" or (buys and (customer.prospect or paid)):
            break
        now += max(8.0, waits[at] * HOUR * rng.lognormal(-0.25, 0.7))
        amount, late = 0.0, False
        if buys:
            amount = round(customer.spend * rng.gamma(3.0, 1 / 3.0) / 1000) * 1000 + 50_000
            due = now + _delivery_days(now, rng) * 24 * HOUR
            stays = not known or rng.random() >= customer.leaves
            known, paid = True, now
        if touchpoint == "courier_delivery":
            now = _daytime(max(now, due), rng)
            late = now - paid > PROMISE_DAYS * 24 * HOUR
            state = "courier_delivery!late" if late else state
            stays = stays and not (late and rng.random() < LATE_LEAVES)
        elif waits[at] >= 2:
            now = _daytime(now, rng)
        if now >= end:
            return now, known, False
        rows.append((customer.customer, now, touchpoint, amount, late, state.partition("!")[2]))
    return now, known, stays


def _delivery_days(now: float, rng: np.random.Generator) -> float:
    slots = now >= (SLOTS_FROM - FIRST_DAY).total_seconds()
    return WAIT_DAYS["after" if slots else "before"] * float(rng.lognormal(0, WAIT_SPREAD))


def _open_hours(now: float, rng: np.random.Generator) -> float:
    """Move a moment to an hour of the day at which people shop, on the same day."""
    day = now // (24 * HOUR)
    hour = 8 + 15.5 * rng.beta(2.2, 1.6)
    return float(day * 24 * HOUR + hour * HOUR)


def _daytime(now: float, rng: np.random.Generator) -> float:
    """Move a moment out of the night, forward only."""
    day, second = divmod(now, 24 * HOUR)
    if second < 8 * HOUR:
        return float(day * 24 * HOUR + (8 + 4 * rng.random()) * HOUR)
    if second > 21.5 * HOUR:
        return float((day + 1) * 24 * HOUR + (8 + 4 * rng.random()) * HOUR)
    return now


def _expose(customer: Any, rows: list[tuple[Any, ...]], rng: np.random.Generator) -> None:
    """Add adverts, newsletters and talk with friends, which are no contact with the brand."""
    length = ((LAST_DAY - FIRST_DAY).days + 1) * 24 * HOUR
    for touchpoint, rate in MEDIA.items():
        for _ in range(rng.poisson(rate)):
            now = _open_hours(rng.random() * length, rng)
            rows.append((customer.customer, now, touchpoint, 0.0, False, ""))


def _measure_contacts(
    frame: pd.DataFrame, contacts: dict[str, Contact], rng: np.random.Generator
) -> pd.DataFrame:
    """Add what each contact took, cost and was rated."""
    n = len(frame)
    place = [contacts[t] for t in frame["touchpoint"]]
    seconds = np.array([p.seconds for p in place]) * rng.lognormal(-0.15, 0.55, n)
    cost = np.array([p.cost for p in place]) * rng.lognormal(-0.02, 0.2, n)
    mean = np.where(frame["late"], [p.late_rating for p in place], [p.rating for p in place])
    rating = np.clip(np.round(mean + rng.normal(0, 0.9, n)), 1, 5)
    rated = rng.random(n) < [p.rated for p in place]
    draws = rng.random(n)
    clicked = [
        p.elements[min(sum(d >= w for w in p.weights), len(p.elements) - 1)] if p.elements else ""
        for p, d in zip(place, draws, strict=True)
    ]
    error = frame["element"].eq("error")
    made = frame.assign(
        when=FIRST_DAY + pd.to_timedelta(np.floor(frame["s"]), unit="s"),
        channel=[p.channel for p in place],
        amount=frame["amount"].where(frame["amount"] > 0),
        cost_to_serve=pd.Series(np.round(cost / 100) * 100).where(cost > 0),
        seconds=pd.Series(np.ceil(seconds)).where(seconds > 0),
        rating=pd.Series(rating).where(rated),
        element=pd.Series(clicked, dtype="str").mask(error, "payment_error"),
    )
    order = ["when", "customer", "s"]
    return made.sort_values(order, kind="stable", ignore_index=True)[[*COLUMNS, "late"]]
