"""Whom to serve first: personas ranked by size, value and unmet need, with how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from cjlib.columns import (
    AMOUNT,
    CUSTOMER,
    ESTIMATE,
    HIGH,
    LOW,
    METHOD,
    PERSONA,
    RESPONDENT,
    WEIGHT,
    N,
)
from cjlib.errors import JourneyError
from cjlib.intervals import (
    Estimate,
    Floats,
    estimate_mean,
    estimate_weighted_share,
    unknown,
)
from cjlib.personas.behaviour import measure_behaviour
from cjlib.personas.needs import NeedPair, measure_need, pair_needs, read_needs
from cjlib.personas.traits import personas_of_customers
from cjlib.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cjlib.personas.model import Personas

CRITERIA: Final = ("size", "value", "need")
RESAMPLES: Final = 1000
AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True, eq=False)
class PersonaRanking:
    """What ``rank_personas`` found.

    Attributes
    ----------
    table : DataFrame
        One row per persona, the highest score first, those without one last: ``persona,
        name_en, name_fa``; score (``estimate, low, high, level, n, method``); ``rank``;
        ``rank_low, rank_high`` (middle share of the resamples); ``first``: share of resamples in
        which it came first.
    criteria : DataFrame
        One row per persona and criterion: ``persona, criterion`` (size: share of people; value:
        mean per customer; need), with its interval and n; missing where not known.
    opportunities : DataFrame
        Ulwick's score of each need in each persona: ``persona, item, stage, label_en,
        label_fa, importance, satisfaction, estimate`` (0 to 20), ``low, high, level, n, method``;
        empty where need is the share with a pain.
    rule : str
        What the score is, in words.
    notes : tuple of str
    names : dict of str to str
    language : str
    """

    table: pd.DataFrame
    criteria: pd.DataFrame
    opportunities: pd.DataFrame
    rule: str
    notes: tuple[str, ...]
    names: dict[str, str]
    language: str

    def summary(self) -> str:
        """Say which persona comes first and how often it would in other samples."""
        known = self.table[self.table[ESTIMATE].notna()]
        if known.empty:
            return "No persona can be ranked: a criterion is not known of any. " + self.rule
        top = known.iloc[0]
        lost = len(self.table) - len(known)
        rest = f" {lost} cannot be ranked: a criterion is not known." if lost else ""
        return (
            f"{self.names[top[PERSONA]]} comes first (score {top[ESTIMATE]:.2f} [{top[LOW]:.2f}, "
            f"{top[HIGH]:.2f}]) and would in {top['first']:.0%} of resamples.{rest} {self.rule}"
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw each persona's score with its interval."""
        from cjlib import plots

        return plots.draw_targets(self.table, names=self.names, language=self.language, ax=ax)


def rank_personas(
    groups: Personas, *, study: Study, survey: Any, interactions: Any = None,
    value: pd.Series | None = None, weights: tuple[float, float, float] = (1.0, 1.0, 1.0),
    rng: np.random.Generator,
) -> PersonaRanking:  # fmt: skip
    """Rank personas by size, value and unmet need.

    Score: product of the three criteria, each over its mean across the personas and raised to
    its weight; 1 is a persona that is average in all. Size: weighted share of all people
    asked. Value: mean per customer, of ``value`` or of the money in the log. Unmet need:
    where the codebook has ratings of importance (role need) and of satisfaction with the
    same stage, Ulwick's opportunity score, 10 x (share who rate importance in the best
    quarter of the scale + what that exceeds the share so satisfied by, if it does), mean over
    the needs; else the share of members who name a pain. A criterion that is not known is never
    zero: a persona without one has no score, and one that is known of nobody is left out
    for all, and said. Intervals and ranks are from resampled people (customers whole, weights
    and personas as they stand).

    Parameters
    ----------
    groups : Personas
    study : Study
    survey : Survey
        Anything with a ``respondents`` table.
    interactions : Interactions, optional
        Anything with a ``table`` of contacts.
    value : Series, optional
        What each customer is worth, by customer id; lifetime value, for example.
    weights : three floats
        Of size, value and need; 0 leaves one out.
    rng : Generator

    References
    ----------
    Ulwick, A. W. (2005). What Customers Want. McGraw-Hill, chapter 2.
    """
    _require(groups, weights)
    frame, place = _people(groups, survey)
    pairs = pair_needs(study, frame)
    pains = [i.name for i in study.codebook.select(role="pain") if i.name in frame.columns]
    worth = _worth(study, groups, interactions, value)
    notes = _tell(pairs, pains, worth)
    units, of_row = _units(frame)
    answers, known = read_needs(frame, pairs, pains)
    w = frame[WEIGHT].fillna(0).to_numpy(dtype=np.float64)
    k = len(groups.ids)
    sums = _gather(of_row, place, w, answers=answers, known=known, k=k, units=len(units))
    money = _gather_money(worth, groups.ids, units)
    bare = _resolve(sums.sum(axis=0)[None], money.sum(axis=0)[None], pairs, k)
    drawn = _resample(sums, money, pairs, k, rng=rng)
    criteria = _measure(groups, study, frame, place=place, w=w, worth=worth, bare=bare, drawn=drawn)
    table = _score(groups, criteria, drawn, weights, level=study.level)
    return PersonaRanking(
        table=table, criteria=criteria,
        opportunities=measure_need(
            groups.ids, place, pairs, bare=bare["each"], drawn=drawn["each"], known=known,
            study=study,
        ),
        rule=_say(weights, pairs), notes=notes, names=groups.names, language=study.language,
    )  # fmt: skip


def _require(groups: Personas, weights: tuple[float, float, float]) -> None:
    if groups.source != "survey" or groups.k < 2:
        raise JourneyError(
            "rank_personas: there must be two personas or more, made from a survey; got "
            f"{groups.k} from the {groups.source}. There is nothing to rank."
        )
    w = np.asarray(weights, dtype=float)
    if w.shape != (3,) or not np.isfinite(w).all() or (w < 0).any() or w.sum() == 0:
        raise JourneyError(
            "rank_personas: weights must be three numbers of 0 or more, not all 0; got "
            f"{weights!r}. Write (1, 1, 1) for size x value x need."
        )


def _people(groups: Personas, survey: Any) -> tuple[pd.DataFrame, np.ndarray]:
    """Respondents, and the number of each one's persona; -1 for those of none."""
    frame = survey.respondents.drop(columns=PERSONA, errors="ignore")
    own = groups.members[[RESPONDENT, PERSONA]]
    frame = frame.merge(own, on=RESPONDENT, how="inner", validate="1:1")
    for name, empty in ((WEIGHT, 1.0), (CUSTOMER, pd.NA)):
        if name not in frame.columns:
            frame[name] = empty
    number = {persona: i for i, persona in enumerate(groups.ids)}
    return frame, frame[PERSONA].map(number).fillna(-1).to_numpy(dtype=np.int64)


def _worth(
    study: Study, groups: Personas, interactions: Any, value: pd.Series | None
) -> pd.DataFrame:
    """Tell what each customer of a known persona is worth: ``persona, worth`` by id."""
    of_customer = personas_of_customers(study, groups.members)
    if value is None and interactions is not None:
        table = measure_behaviour(study, interactions.table).set_index(CUSTOMER)
        value = table[AMOUNT] if table[AMOUNT].gt(0).any() else None
    if value is None:
        return pd.DataFrame({PERSONA: [], "worth": []})
    if value.index.has_duplicates or np.isinf(value.to_numpy(dtype=float)).any():
        raise JourneyError(
            "rank_personas: value must hold one finite number per customer id; it holds "
            f"{int(value.index.duplicated().sum())} ids again and "
            f"{int(np.isinf(value.to_numpy(dtype=float)).sum())} infinite numbers. Mend it."
        )
    found = (
        of_customer.rename(PERSONA).to_frame().assign(worth=of_customer.index.map(value.to_dict()))
    )
    return found[found["worth"].notna()]


def _tell(pairs: list[NeedPair], pains: list[str], worth: pd.DataFrame) -> tuple[str, ...]:
    notes = []
    if worth.empty:
        notes.append("Value is not known of any customer: it is left out.")
    if not pairs and not pains:
        notes.append("Neither needs with satisfaction nor pains were asked: need is left out.")
    elif not pairs:
        notes.append("No need is asked beside satisfaction with its stage: need is the share "
                     "of members who name a pain.")  # fmt: skip
    return tuple(notes)


def _units(frame: pd.DataFrame) -> tuple[pd.Index, np.ndarray]:
    """Whom to resample: customers whole, respondents where the customer is not known."""
    ids = frame[CUSTOMER].fillna(frame[RESPONDENT]).astype("string")
    codes, units = pd.factorize(ids)
    return pd.Index(units), codes


def _gather(
    of_row: np.ndarray, place: np.ndarray, w: Floats, *, answers: Floats, known: Floats, k: int,
    units: int,
) -> Floats:  # fmt: skip
    """Add up each unit's contributions: (units, personas, 1 + 2 per answer)."""
    parts = np.column_stack([np.ones(len(w)), answers, known]) * w[:, None]
    out = np.zeros((units, k + 1, parts.shape[1]))
    np.add.at(out, (of_row, place), parts)  # those of none are the last: size is of all
    return out


def _gather_money(worth: pd.DataFrame, ids: list[str], units: pd.Index) -> Floats:
    """Money and customers of each unit: (units, personas, 2)."""
    out = np.zeros((len(units), len(ids), 2))
    row = units.get_indexer(worth.index.astype("string"))
    number = worth[PERSONA].map({p: i for i, p in enumerate(ids)}).to_numpy(dtype=np.int64)
    kept = row >= 0
    pair = np.column_stack([worth["worth"].to_numpy(dtype=float), np.ones(len(worth))])
    np.add.at(out, (row[kept], number[kept]), pair[kept])
    return out


def _resolve(sums: Floats, money: Floats, pairs: list[NeedPair], k: int) -> dict[str, Floats]:
    """Turn sums (draws, personas, ...) into the three criteria, (draws, personas)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        size = sums[:, :k, 0] / sums[:, :, 0].sum(axis=1, keepdims=True)
        m = (sums.shape[2] - 1) // 2
        share = sums[:, :k, 1 : 1 + m] / sums[:, :k, 1 + m :]
        value = money[:, :, 0] / money[:, :, 1]
    if pairs:
        importance = share[:, :, [p.importance for p in pairs]]
        satisfaction = share[:, :, [p.satisfaction for p in pairs]]
        each = 10 * (importance + np.maximum(importance - satisfaction, 0))
        every = np.stack([each, importance, satisfaction])
        return {"size": size, "value": value, "need": each.mean(axis=2), "each": every}
    need = share[:, :, 0] if m else np.full(size.shape, np.nan)
    return {"size": size, "value": value, "need": need, "each": np.empty((3, len(sums), k, 0))}


def _resample(
    sums: Floats, money: Floats, pairs: list[NeedPair], k: int, *, rng: np.random.Generator
) -> dict[str, Floats]:
    units = len(sums)
    flat, flat_money = sums.reshape(units, -1), money.reshape(units, -1)
    parts = []
    for _ in range(RESAMPLES // AT_ONCE):
        counts = rng.multinomial(units, np.full(units, 1 / units), size=AT_ONCE).astype(float)
        drawn = (counts @ flat).reshape(AT_ONCE, *sums.shape[1:])
        drawn_money = (counts @ flat_money).reshape(AT_ONCE, *money.shape[1:])
        parts.append(_resolve(drawn, drawn_money, pairs, k))
    joined = {name: np.concatenate([p[name] for p in parts]) for name in CRITERIA}
    return joined | {"each": np.concatenate([p["each"] for p in parts], axis=1)}


def _measure(
    groups: Personas, study: Study, frame: pd.DataFrame, *, place: np.ndarray, w: Floats,
    worth: pd.DataFrame, bare: dict[str, Floats], drawn: dict[str, Floats],
) -> pd.DataFrame:  # fmt: skip
    level, base = study.level, study.privacy.minimum_base
    tail = (1 - level) / 2
    rows: list[dict[str, Any]] = []
    for i, persona in enumerate(groups.ids):
        own = int((place == i).sum())
        few = unknown(own, level=level, why=f"too few (n < {base})")
        size = estimate_weighted_share(place == i, w, level=level) if own >= base else few
        money = worth.loc[worth[PERSONA].eq(persona), "worth"].to_numpy(dtype=float)
        value = unknown(len(money), level=level, why=f"too few (n < {base})")
        if len(money) >= base:
            value = estimate_mean(money, level=level)
        need = few if own < base else unknown(own, level=level, why="not asked")
        if own >= base and not np.isnan(bare["need"][0, i]):
            low, high = np.nanquantile(drawn["need"][:, i], [tail, 1 - tail])
            estimate = float(bare["need"][0, i])
            need = Estimate(estimate, float(low), float(high), level, own, "bootstrap of people")
        for criterion, found in zip(CRITERIA, (size, value, need), strict=True):
            rows.append({PERSONA: persona, "criterion": criterion, **found.as_dict()})
    return pd.DataFrame(rows)


def _score(
    groups: Personas, criteria: pd.DataFrame, drawn: dict[str, Floats],
    weights: tuple[float, float, float], *, level: float,
) -> pd.DataFrame:  # fmt: skip
    table = criteria.pivot(index=PERSONA, columns="criterion", values=ESTIMATE)  # noqa: PD010
    values = table.reindex(index=groups.ids, columns=list(CRITERIA)).to_numpy(dtype=float)
    power = np.where(np.isnan(values).all(axis=0), 0.0, np.asarray(weights, dtype=float))
    if (values[:, power > 0] < 0).any():
        raise JourneyError(
            "rank_personas: value must not be negative on average in any persona; a product has no "
            "meaning there. Give weights (1, 0, 1), or values of another kind."
        )
    if power.sum() == 0:
        values = np.full_like(values, np.nan)
    known = ~np.isnan(values[:, power > 0]).any(axis=1) & (power.sum() > 0)
    score = multiply(values[None], power, known)[0]
    every = np.stack([drawn[name] for name in CRITERIA], axis=2)
    draws = multiply(every, power, known)
    ranks = np.full(draws.shape, np.nan)
    ranks[:, known] = (draws[:, known][:, None, :] > draws[:, known][:, :, None]).sum(axis=2) + 1
    n = criteria[criteria["criterion"].eq("need")].set_index(PERSONA)[N]
    tail = (1 - level) / 2
    rows = []
    for i, card in enumerate(groups.cards):
        low = high = first = rank_low = rank_high = float("nan")
        if known[i]:
            usable = ~np.isnan(draws[:, known]).any(axis=1)
            low, high = np.quantile(draws[usable, i], [tail, 1 - tail])
            rank_low, rank_high = np.quantile(ranks[usable, i], [tail, 1 - tail], method="nearest")
            first = float((ranks[usable, i] == 1).mean())
        rows.append(
            {PERSONA: card.persona, "name_en": card.name.to("en"), "name_fa": card.name.to("fa"),
             ESTIMATE: score[i], LOW: low, HIGH: high, "level": level,
             N: int(n[card.persona]), METHOD: "bootstrap of people" if known[i] else "not known",
             "first": first, "rank_low": rank_low, "rank_high": rank_high}
        )  # fmt: skip
    found = pd.DataFrame(rows).sort_values(ESTIMATE, ascending=False, kind="stable")
    found.insert(9, "rank", found[ESTIMATE].rank(ascending=False, method="min").astype("Int64"))
    return found.reset_index(drop=True)


def multiply(values: Floats, power: Floats, known: np.ndarray) -> Floats:
    """Product of criteria over their means across known personas: (draws, personas).

    Parameters
    ----------
    values : array (draws, personas, criteria)
    power : array (criteria,)
        0 leaves a criterion out, even where it is missing.
    known : array of bool (personas,)
        Others have no score.
    """
    out = np.full(values.shape[:2], np.nan)
    used = power > 0
    if not known.any() or not used.any():
        return out
    part = values[:, known][:, :, used]
    mean = part.mean(axis=1, keepdims=True)
    ratio = np.divide(part, mean, out=np.ones_like(part), where=mean != 0)
    out[:, known] = np.prod(np.maximum(ratio, 0) ** power[used], axis=2)
    out[:, known] = np.where(np.isnan(part).any(axis=2), np.nan, out[:, known])
    return out


def _say(weights: tuple[float, float, float], pairs: list[NeedPair]) -> str:
    used = [f"{c}^{p:g}" if p != 1 else c for c, p in zip(CRITERIA, weights, strict=True) if p > 0]
    need = (
        "need is Ulwick's opportunity score (0 to 20), mean over the needs asked"
        if pairs
        else "need is the share of members who name a pain"
    )
    return f"Score: {' x '.join(used)}, each over its mean across personas; {need}."
