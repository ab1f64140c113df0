"""What the respondents think, before the export soils it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cjlib.simulate.parameters import (
    CHANNELS,
    LATE_COSTS,
    NEEDS,
    PAINS,
    PERSONAS,
    SLOTS_FROM,
    STAGES,
    WAVES,
    make_rng,
)

ROWS = {"autumn": 606, "spring": 606}  # people who opened the questionnaire
PANEL = 110  # of them in spring who had answered in autumn too
CARELESS = {
    "speeder": 20, "straightliner": 16, "inattentive": 18, "partial": 14, "refuser": 9,
}  # fmt: skip
FIELD_DAYS = 12  # the questionnaire is open this long on both sides of the wave's date
LATE_SHARE = {"autumn": 0.52, "spring": 0.22}  # of those whose deliveries the log does not tell


def draw_respondents(
    customers: pd.DataFrame, log: pd.DataFrame, seed: int
) -> dict[str, pd.DataFrame]:
    """Draw both waves: who answers, how carefully, and what.

    Returns
    -------
    dict of wave to DataFrame, one row per person who opened the questionnaire
        ``customer``, ``persona``, ``kind`` (careful, or a key of ``CARELESS``), ``date``,
        ``seconds``, ``late_share`` (of their deliveries; missing if never served), and one
        column per codebook item with the answer as a number (text for demographics).
    """
    waves: dict[str, pd.DataFrame] = {}
    earlier = pd.Series(dtype="str")
    for wave, day in WAVES.items():
        rng = make_rng(seed, wave)
        people = _sample(customers, log, wave=wave, day=day, earlier=earlier, rng=rng)
        answers = _answer(people, wave, rng)
        waves[wave] = _spoil(answers, rng)
        earlier = waves[wave].loc[waves[wave]["kind"].eq("careful"), "customer"]
    return waves


def _sample(
    customers: pd.DataFrame,
    log: pd.DataFrame,
    *,
    wave: str,
    day: pd.Timestamp,
    earlier: pd.Series,
    rng: np.random.Generator,
) -> pd.DataFrame:
    opened = day - pd.Timedelta(days=FIELD_DAYS)
    known = customers[customers["arrival"] < opened].reset_index(drop=True)
    panel = known.index[known["customer"].isin(set(earlier))]
    again = rng.choice(panel, min(PANEL, len(panel)), replace=False).tolist()
    chosen = [*again]
    for name, persona in PERSONAS.items():
        own = known.index[known["persona"].eq(name)].difference(again)
        wanted = round(persona.share * ROWS[wave]) - known.loc[again, "persona"].eq(name).sum()
        weight = np.where(known.loc[own, "prospect"], 0.6, 1.0)
        chosen += list(rng.choice(own, wanted, replace=False, p=weight / weight.sum()))
    people = known.iloc[rng.permutation(chosen)].reset_index(drop=True)
    since = SLOTS_FROM if wave == "spring" else day - pd.Timedelta(days=200)
    served = log[log["touchpoint"].eq("courier_delivery") & log["when"].between(since, opened)]
    late = people["customer"].map(served.groupby("customer")["late"].mean())
    guess = pd.Series(rng.random(len(people)) < LATE_SHARE[wave], dtype=float)
    late = late.fillna(guess).mask(people["prospect"])
    day_of = np.floor(rng.random(len(people)) * 2 * FIELD_DAYS)
    seconds = (day_of + (8 + 15 * rng.beta(2, 1.6, len(people))) / 24) * 86400
    return people.assign(
        late_share=late,
        date=opened + pd.to_timedelta(np.floor(np.sort(seconds)), unit="s"),
        seconds=np.round(rng.lognormal(np.log(430), 0.38, len(people))),
    )


def _answer(people: pd.DataFrame, wave: str, rng: np.random.Generator) -> pd.DataFrame:
    n = len(people)
    kinds = [PERSONAS[p] for p in people["persona"]]
    style, warmth = rng.normal(0, 0.35, n), rng.normal(0, 0.38, n)
    spread = rng.lognormal(0, 0.18, n)  # some use the ends of a scale, some its middle

    def rate(mean: object, noise: float, low: int = 1, high: int = 5) -> np.ndarray:
        raw = np.asarray(mean, dtype=float) + rng.normal(0, noise, n)
        return np.clip(np.round(raw), low, high)

    made: dict[str, object] = {}
    for need in NEEDS:
        mean = np.array([k.needs[need] for k in kinds])
        made[f"need_{need}"] = rate(3.4 + (mean - 3.4) * spread + style, 0.85)
    made["attention"] = np.full(n, 2.0)
    stage = {s: np.array([k.csat[s] for k in kinds]) + warmth for s in STAGES}
    late = people["late_share"].fillna(0).to_numpy()
    stage["delivery"] = stage["delivery"] - LATE_COSTS * late
    mixed = people["persona"].eq("reassurance").to_numpy()
    made["trust_promise"] = rate(3.7 - 0.9 * late + warmth + style / 2, 0.8)
    made["trust_same"] = rate(3.5 - 0.9 * mixed + warmth + style / 2, 0.8)
    made["trust_doubt"] = rate(2.8 + 0.9 * mixed - warmth + style / 2, 0.85)
    for pain in PAINS:
        chance = np.array([k.pains[pain] for k in kinds])
        if pain == "late":
            chance = np.clip(chance + 0.3 * (late - 0.4), 0.03, 0.95)
        made[f"pains_{pain}"] = (rng.random(n) < chance).astype(float)
    for channel in CHANNELS:
        chance = np.array([k.channels[channel] for k in kinds])
        made[f"channels_{channel}"] = (rng.random(n) < chance).astype(float)
    for name in STAGES:
        made[f"csat_{name}"] = rate(stage[name], 0.75)
    weights = {"consideration": 0.2, "purchase": 0.25, "delivery": 0.3, "support": 0.15,
               "loyalty": 0.1}  # fmt: skip
    overall = sum(w * stage[s] for s, w in weights.items()) + rng.normal(0, 0.3, n)
    made["csat_overall"] = rate(overall, 0.35)
    made["csat_checkout"] = rate(stage["purchase"] - 0.1, 0.7)
    made["csat_courier"] = rate(stage["delivery"] + 0.15, 0.7)
    made["csat_call_centre"] = rate(stage["support"] - 0.1, 0.7)
    made["csat_shop"] = rate(3.75 - 0.35 * mixed + warmth, 0.75)
    made["ces_checkout"] = rate([k.ease[0] for k in kinds] + 1.2 * warmth, 1.15, 1, 7)
    made["ces_call_centre"] = rate([k.ease[1] for k in kinds] + 1.2 * warmth, 1.2, 1, 7)
    liking = np.array([k.nps for k in kinds])
    made["nps"] = rate(7.35 + 1.9 * (overall - 3.3) + liking, 1.35, 0, 10)
    frame = pd.concat([people, pd.DataFrame(made)], axis=1).assign(consent=1.0, kind="careful")
    return _leave_out(frame, wave, rng)


def _leave_out(frame: pd.DataFrame, wave: str, rng: np.random.Generator) -> pd.DataFrame:
    """Empty what a person cannot rate: stages never met, contacts never had."""
    n = len(frame)
    never = frame["prospect"].to_numpy()
    no_support = never | (rng.random(n) < 0.34)
    no_checkout = never & (rng.random(n) < 0.5)
    no_shop = ~(frame["channels_shop"].eq(1).to_numpy() | (rng.random(n) < 0.25))
    no_call = no_support | (rng.random(n) < 0.25)
    empty = {
        "csat_delivery": never, "csat_loyalty": never, "csat_courier": never,
        "csat_support": no_support, "csat_call_centre": no_call, "ces_call_centre": no_call,
        "csat_purchase": no_checkout, "csat_checkout": no_checkout, "ces_checkout": no_checkout,
        "csat_shop": no_shop,
    }  # fmt: skip
    return frame.assign(**{name: frame[name].mask(gone) for name, gone in empty.items()})


def rated_items(frame: pd.DataFrame) -> list[str]:
    """Return the rated items of the questionnaire in its order."""
    starts = ("need_", "trust_", "csat_", "ces_", "nps")
    return [name for name in frame.columns if name.startswith(starts)]


def _spoil(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Turn some people into speeders, straight-liners, inattentive, partial and refusing ones."""
    rated = rated_items(frame)
    answers = frame[rated].to_numpy(dtype=float, copy=True)
    check = frame["attention"].to_numpy(dtype=float, copy=True)
    seconds = frame["seconds"].to_numpy(dtype=float, copy=True)
    kind = frame["kind"].to_numpy(dtype=object, copy=True)
    low = np.array([0 if name == "nps" else 1 for name in rated])
    high = np.array([7 if n.startswith("ces_") else 10 if n == "nps" else 5 for n in rated])
    chosen = rng.permutation(len(frame))[: sum(CARELESS.values())]
    for row, name in zip(chosen, np.repeat(list(CARELESS), list(CARELESS.values())), strict=True):
        kind[row] = str(name)
        wrong = float(rng.choice([1, 3, 4, 5]))
        if name in ("speeder", "inattentive"):
            answers[row] = rng.integers(low, high + 1)
            check[row] = 2.0 if name == "speeder" and rng.random() < 0.5 else wrong
        if name == "speeder":
            seconds[row] = rng.integers(11, 40)
        if name == "straightliner":
            answers[row] = same = float(rng.choice([3, 4, 5], p=[0.5, 0.3, 0.2]))
            seconds[row] = rng.integers(70, 190)
            check[row] = 2.0 if rng.random() < 0.6 else same
        if name == "partial":
            answers[row, int(rng.integers(4, 11)) :] = np.nan
            seconds[row] = rng.integers(60, 200)
        if name == "refuser":
            answers[row] = np.nan
            seconds[row] = rng.integers(5, 25)
        if name in ("partial", "refuser"):
            check[row] = np.nan
    made = frame.assign(attention=check, seconds=seconds, kind=kind.astype(str))
    made[rated] = answers
    stopped = made["kind"].isin(["partial", "refuser"])
    ticks = [n for n in made.columns if n.startswith(("pains_", "channels_"))]
    made[ticks] = made[ticks].mask(stopped, 0.0)
    return made.assign(consent=made["consent"].mask(made["kind"].eq("refuser"), 0.0))
