"""How it was for the customers: the emotion curve, the ratings, belief against experience."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cjlib.codebook import Item
from cjlib.columns import CUSTOMER, INTERVIEW, RATING, STAGE, TOUCHPOINT, VALENCE, WEIGHT, N
from cjlib.intervals import (
    Estimate,
    estimate_difference,
    estimate_mean,
    estimate_nps,
    estimate_ratio,
    estimate_weighted_share,
    unknown,
)
from cjlib.maps.estimates import (
    EMOTION_HIGH,
    EMOTION_LOW,
    place_on_emotion,
    read_estimate,
    write_estimate,
)
from cjlib.maps.evidence import EvidenceBook, make_id
from cjlib.maps.sources import Sources
from cjlib.maps.words import LANGUAGES, both
from cjlib.metrics.scores import top_box

EMOTION_SCALE = {"min": EMOTION_LOW, "max": EMOTION_HIGH}


def measure_emotions(sources: Sources, book: EvidenceBook) -> list[dict[str, Any]]:
    """Emotion of each stage, -2 to 2: satisfaction, else ratings in the log, else tone of comments.

    Satisfaction is the mean over the stage's csat items (of each person first; items about
    one touchpoint only where there is none about the stage), moved from its own scale. A log
    rating is the mean of all ratings, its interval by customer. The tone is the mean valence of
    the comments coded at the stage, of each person first, so it is that of those who wrote. A
    stage with none of them is left out.
    """
    emotions = []
    for stage in sources.study.stage_ids:
        found, scale, evidence, label = _stage_satisfaction(sources, stage, book)
        if found is None:
            found, scale, evidence, label = _stage_rating(sources, stage, book)
        if found is None:
            found, scale, evidence, label = _stage_tone(sources, stage, book)
        if found is None:
            continue
        placed = place_on_emotion(found, low=scale[0], high=scale[1], what=label)
        kept = write_estimate(placed, unit="emotion", privacy=sources.study.privacy)
        emotions.append(
            {
                "at": stage, "persona": sources.who, "view": "customer", "value": kept,
                "scale": EMOTION_SCALE, "evidence": evidence,
            }
        )  # fmt: skip
    return emotions


def measure_ratings(sources: Sources, book: EvidenceBook) -> list[dict[str, Any]]:
    """CSAT, CES and NPS of each stage, and of the whole journey where no stage is named.

    CSAT is the mean, or the share of answers in the top two boxes where the study says so;
    NPS is 100 times promoters (9, 10) less detractors (0 to 6); CES is the mean, high being
    easy or hard as the study says. Weighted; intervals as in ``estimate_mean``.
    """
    study, metrics = sources.study, []
    items = [item for item in study.codebook.items if item.metric and item.kind == "scale"]
    for item in items:
        if sources.respondents is None or item.name not in sources.respondents:
            continue
        found, unit = _rate(sources, item)
        at = _place(sources, item) or "journey"
        metric = {
            "id": make_id("m", item.metric, item.name), "at": at, "persona": sources.who,
            "name": item.metric, "label": _name(sources, item, items),
            "value": write_estimate(found, unit=unit, privacy=study.privacy),
            "better": _better(sources, item.metric),
            "evidence": [_survey_evidence(sources, item, found.n, book)],
        }  # fmt: skip
        if unit == "score":
            metric["scale"] = {"min": item.low, "max": item.high}
        alone = [i.metric for i in items if _place(sources, i) == at].count(item.metric) == 1
        own = alone or not item.touchpoint  # a goal of the stage is not its touchpoints' goal
        target = find_target(sources, item.metric, at) if own else None
        metrics.append(metric | ({} if target is None else {"target": target}))
    return metrics


def compare_belief(sources: Sources, book: EvidenceBook) -> list[dict[str, Any]]:
    """Set what the team believes of each stage against what customers answer, on one scale.

    ``gap`` is customers less team. Its interval comes from both sides' intervals where
    several members each gave a figure (one row each); a single figure is taken as stated,
    without error of its own. ``significant``: the interval does not hold 0.
    """
    beliefs, study = sources.beliefs, sources.study
    rows: list[dict[str, Any]] = []
    if beliefs is None:
        return rows
    for stage in study.stage_ids:
        mine = beliefs[beliefs[STAGE].eq(stage)]
        if mine["satisfaction"].notna().sum() == 0:
            continue
        found, scale, evidence, _ = _stage_satisfaction(sources, stage, book)
        team = _team_view(mine, level=study.level)
        asked = mine[N].sum(min_count=1) if N in mine and len(mine) == 1 else len(mine)
        business: dict[str, Any] = {"value": team.estimate, "unit": "score"}
        if pd.notna(asked):
            business["n"] = int(asked)
        if len(mine) > 2:
            business["ci"] = {"lo": team.low, "hi": team.high, "level": study.level, "method": "t"}
        source = book.add(
            "team", stage, source=study.beliefs_file or "beliefs", n=business.get("n"),
            method=both("map.method_team"),
        )  # fmt: skip
        row: dict[str, Any] = {
            "at": stage, "construct": "csat", "business": business,
            "customer": {"value": None, "unit": "score", "why": "no-data"},
            "evidence": [*evidence, source],
        }  # fmt: skip
        if found is not None:
            row["customer"] = write_estimate(found, unit="score", privacy=study.privacy)
        if row["customer"]["value"] is not None and "ci" in row["customer"]:
            gap = estimate_difference(team, read_estimate(row["customer"]))
            row["gap"] = write_estimate(gap, unit="points", privacy=study.privacy)
            row["gap"]["n"] = row["customer"]["n"]
            row["significant"] = bool(gap.low > 0 or gap.high < 0)
        if found is not None and scale:
            row["x_scale"] = {"min": scale[0], "max": scale[1]}
        rows.append(row)
    return rows


def rate_touchpoint_items(
    sources: Sources, book: EvidenceBook
) -> dict[tuple[str, str], tuple[Estimate, list[str]]]:
    """Satisfaction with each touchpoint that the survey asks about, placed on -2 to 2.

    Keyed by touchpoint and item: a touchpoint may be asked about more than once.
    """
    frame, rated = sources.respondents, {}
    for item in sources.study.codebook.select(metric="csat", kind="scale"):
        if frame is None or item.name not in frame or not item.touchpoint:
            continue
        mean = estimate_mean(
            frame[item.name].astype(float), _weights(frame), level=sources.study.level
        )
        low, high = float(item.low or 0), float(item.high or 0)
        placed = place_on_emotion(mean, low=low, high=high, what=f"mean of {item.name}")
        evidence = [_survey_evidence(sources, item, mean.n, book)]
        rated[item.touchpoint, item.name] = (placed, evidence)
    return rated


def rate_touchpoints(sources: Sources) -> dict[str, Estimate]:
    """Mean rating of each touchpoint in the log, by customer, placed on -2 to 2."""
    log, rules = sources.interactions, sources.study.events
    if log is None or RATING not in log or rules is None:
        return {}
    rated = log[log[RATING].notna()]
    low, high = rules.rating_scale
    found = {}
    for touchpoint, rows in rated.groupby(TOUCHPOINT, sort=True, observed=True):
        mean = _cluster_mean(rows, level=sources.study.level)
        found[str(touchpoint)] = place_on_emotion(mean, low=low, high=high, what="log rating")
    return found


def find_target(sources: Sources, name: str, at: str) -> float | None:
    """Target of the study's goal for a KPI at a stage (``csat.delivery``, or ``csat`` there)."""
    for goal in sources.study.goals:
        kpi, _, stage = goal.kpi.partition(".")
        if kpi == name and (stage or goal.stage or at) == at:
            return goal.target
    return None


def text_of(en: str, fa: str, fallback: str) -> str | dict[str, str]:
    """Return a map text in the languages there are, or the fallback."""
    text = {lang: word for lang, word in (("en", en), ("fa", fa)) if word}
    return text or fallback


def _weights(frame: pd.DataFrame) -> Any:
    return frame.get(WEIGHT)


def _place(sources: Sources, item: Item) -> str:
    """Return the stage an item is about, its touchpoint's where it names none of its own."""
    touchpoint = sources.study.touchpoint(item.touchpoint)
    return item.stage or (touchpoint.stage if touchpoint else "")


def _name(sources: Sources, item: Item, items: list[Item]) -> dict[str, str]:
    """Return the metric's name, with its touchpoint, or its question where that is needed."""
    touchpoint = sources.study.touchpoint(item.touchpoint)
    twins = [
        other for other in items
        if (other.metric, other.touchpoint, other.stage)
        == (item.metric, item.touchpoint, item.stage)
    ]  # fmt: skip
    name = both(f"map.{item.metric}")
    about = touchpoint.label if touchpoint else item.question
    if touchpoint is None and len(twins) == 1:
        return name
    return {lang: f"{name[lang]}: {about.to(lang)}" for lang in LANGUAGES}


def _stage_satisfaction(
    sources: Sources, stage: str, book: EvidenceBook
) -> tuple[Estimate | None, tuple[float, float], list[str], str]:
    frame = sources.respondents
    items = [
        item for item in sources.study.codebook.select(metric="csat")
        if _place(sources, item) == stage and frame is not None and item.name in frame
    ]  # fmt: skip
    items = [item for item in items if not item.touchpoint] or items
    if not items or frame is None:
        return None, (0.0, 0.0), [], ""
    low, high = float(items[0].low or 0), float(items[0].high or 0)
    items = [i for i in items if (i.low, i.high) == (items[0].low, items[0].high)]
    person = frame[[i.name for i in items]].mean(axis=1)
    level = sources.study.level
    found = estimate_mean(person, _weights(frame), level=level)
    evidence = [_survey_evidence(sources, i, int(frame[i.name].notna().sum()), book) for i in items]
    return found, (low, high), evidence, "mean of " + ", ".join(i.name for i in items)


def _stage_rating(
    sources: Sources, stage: str, book: EvidenceBook
) -> tuple[Estimate | None, tuple[float, float], list[str], str]:
    log, rules = sources.interactions, sources.study.events
    if log is None or RATING not in log or rules is None:
        return None, (0.0, 0.0), [], ""
    rows = log[log[STAGE].eq(stage) & log[RATING].notna()]
    if rows.empty:
        return None, (0.0, 0.0), [], ""
    found = _cluster_mean(rows, level=sources.study.level)
    key = book.add(
        "event-log", "stage-rating", stage, source="events", n=shown_n(sources, found.n),
        method=both("map.method_rating"),
    )  # fmt: skip
    return found, rules.rating_scale, [key], "mean log rating"


def _stage_tone(
    sources: Sources, stage: str, book: EvidenceBook
) -> tuple[Estimate | None, tuple[float, float], list[str], str]:
    for voices in sources.voices:
        said = voices.codings[voices.codings[STAGE].eq(stage)]
        if voices.kind != "comment" or said[VALENCE].notna().sum() == 0:
            continue
        person = said.groupby(INTERVIEW, sort=True, observed=True)[VALENCE].mean().dropna()
        found = estimate_mean(person, level=sources.study.level)
        key = book.add(
            "review", "tone", stage, source="comments", n=shown_n(sources, found.n),
            method=both("map.method_tone"),
        )  # fmt: skip
        return found, (-1.0, 1.0), [key], "mean tone of comments"
    return None, (0.0, 0.0), [], ""


def _cluster_mean(rows: pd.DataFrame, *, level: float) -> Estimate:
    by = rows.groupby(CUSTOMER, sort=True, observed=True)[RATING]
    if rows[RATING].min() == rows[RATING].max():
        nan = float("nan")
        return Estimate(float(rows[RATING].iloc[0]), nan, nan, level, len(by), "all alike")
    return estimate_ratio(by.sum(), by.size(), level=level)


def _rate(sources: Sources, item: Item) -> tuple[Estimate, str]:
    frame, level = sources.respondents, sources.study.level
    if frame is None or item.high is None:
        return unknown(0, level=level), "score"
    answers = frame[item.name].astype(float)
    weights = _weights(frame)
    if item.metric == "nps":
        return estimate_nps(answers, weights, level=level), "points"
    if item.metric == "csat" and sources.study.positions.csat == "top_box":
        least = top_box(float(item.low or 0), item.high)
        top = answers.ge(least).astype(float).mask(answers.isna())
        return estimate_weighted_share(top, weights, level=level), "share"
    return estimate_mean(answers, weights, level=level), "score"


def _better(sources: Sources, metric: str) -> str:
    hard = metric == "ces" and sources.study.positions.ces == "effort"
    return "lower" if hard else "higher"


def _survey_evidence(sources: Sources, item: Item, n: int, book: EvidenceBook) -> str:
    return book.add(
        "survey", item.name, source=item.name, n=shown_n(sources, n),
        text=text_of(item.question.en, item.question.fa, item.name),
        method=both("map.method_nps" if item.metric == "nps" else "map.method_mean"),
    )  # fmt: skip


def shown_n(sources: Sources, n: int) -> int | None:
    """Return a count of people, or None where it is small enough to point at somebody."""
    return n if n >= sources.study.privacy.minimum_cell else None


def _team_view(mine: pd.DataFrame, *, level: float) -> Estimate:
    figures = mine["satisfaction"].dropna()
    if len(figures) > 2:
        return estimate_mean(figures, level=level)
    stated = float(figures.mean())
    return Estimate(stated, stated, stated, level, len(figures), "as stated")
