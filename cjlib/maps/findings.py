"""Strengths, pains and needs found in ratings and waits, and the opportunities they open."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import pandas as pd

from cjlib.codebook import Item
from cjlib.columns import WEIGHT
from cjlib.definitions import Text
from cjlib.intervals import Estimate, estimate_mean, estimate_weighted_share
from cjlib.maps.estimates import estimate_median, read_estimate, write_estimate
from cjlib.maps.evidence import EvidenceBook, judge_level, make_id
from cjlib.maps.experience import rate_touchpoint_items, rate_touchpoints, shown_n, text_of
from cjlib.maps.movement import note_visits, wait_after_purchase
from cjlib.maps.sources import Sources
from cjlib.maps.words import LANGUAGES, both

LONG_WAIT_DAYS = 3.0  # a wait named as a pain; our choice, printed with each such pain
NEEDS = 3  # named per persona
Key = TypeVar("Key", str, tuple[str, str])


def find_in_ratings(
    sources: Sources, emotions: list[dict[str, Any]], book: EvidenceBook
) -> list[dict[str, Any]]:
    """Stages and touchpoints rated clearly over or under the average, and long waits.

    Clearly: the whole interval lies to one side of the mean of the stages (of the touchpoints
    with enough ratings), which is taken as given. A wait is long where its interval lies over
    three days.
    """
    study = sources.study
    known = {
        e["at"]: read_estimate(e["value"]) for e in emotions if e["value"]["value"] is not None
    }
    evidence = {e["at"]: e["evidence"] for e in emotions}
    rows = []
    for stage, kind, found in _off_average(known):
        text = both("map.low_stage" if kind == "pain" else "map.high_stage")
        rows.append(
            _rated(sources, (stage, kind, "stage"), found, text=text, evidence=evidence[stage])
        )
    base = study.privacy.minimum_base
    asked = {k: v for k, v in rate_touchpoint_items(sources, book).items() if v[0].n >= base}
    logged = {
        (k, ""): (v, [_note_ratings(sources, k, v, book)])
        for k, v in rate_touchpoints(sources).items()
        if v.n >= base
    }
    for rated in (asked, logged):
        often = [touchpoint for touchpoint, _ in rated]
        for (key, item), kind, found in _off_average({k: v[0] for k, v in rated.items()}):
            touchpoint = study.touchpoint(key)
            if touchpoint is None or touchpoint.stage not in study.stage_ids:
                continue
            label = {lang: touchpoint.label.to(lang) for lang in LANGUAGES}
            if often.count(key) > 1:
                question = study.codebook[item].question
                label = {lang: f"{label[lang]} ({question.to(lang)})" for lang in LANGUAGES}
            how = "asked" if rated is asked else "rated"
            side = "low" if kind == "pain" else "high"
            text = both(f"map.{side}_touchpoint_{how}", what=label)
            what = f"{item or key}-{how}" if often.count(key) > 1 else f"{key}-{how}"
            place = (touchpoint.stage, kind, what)
            rows.append(_rated(sources, place, found, text=text, evidence=rated[key, item][1]))
    after, waits = wait_after_purchase(sources)
    found = estimate_median(waits, level=study.level)
    if after and found.n >= base and found.low > LONG_WAIT_DAYS:
        source = note_visits(sources, after, book)
        row = _rated(
            sources, (after, "pain", "wait"), found, text=both("map.long_wait"), evidence=[source]
        )
        row["value"] = write_estimate(found, unit="days", privacy=study.privacy)
        rows.append(row | {"rule": both("map.rule_wait", days=f"{LONG_WAIT_DAYS:g}")})
    return rows


def find_ticked_pains(sources: Sources, book: EvidenceBook) -> list[dict[str, Any]]:
    """Pains that the survey lets people tick, at the stage the codebook names.

    The share is of all who were asked; one ticked by fewer than ``minimum_cell`` is left out.
    """
    frame, study, rows = sources.respondents, sources.study, []
    for item in study.codebook.select(role="pain", kind="tick"):
        if frame is None or item.name not in frame or item.stage not in study.stage_ids:
            continue
        found = _need(item, frame, study.level)
        count = int(frame[item.name].eq(True).sum())
        if found.n < study.privacy.minimum_base or count < study.privacy.minimum_cell:
            continue
        source = book.add(
            "survey", item.name, source=item.name, n=found.n, text=label_item(item),
            method=both("map.method_ticks"),
        )  # fmt: skip
        place = (item.stage, "pain", item.name)
        row = _rated(sources, place, found, text=label_item(item), evidence=[source])
        row["value"] = write_estimate(found, unit="share", privacy=study.privacy)
        rows.append(row | {"rule": both("map.rule_ticked")})
    return rows


def rank_needs(sources: Sources) -> list[dict[str, Any]]:
    """Return the need items the persona rates (or ticks) highest, as map items."""
    frame, study = sources.respondents, sources.study
    if frame is None:
        return []
    found: list[tuple[Item, Estimate]] = []
    for item in study.codebook.select(role="need"):
        if item.name in frame and item.kind in ("scale", "tick"):
            found.append((item, _need(item, frame, study.level)))
    found = [pair for pair in found if pair[1].n >= study.privacy.minimum_base]
    ranked = sorted(found, key=lambda pair: (-_height(*pair), pair[0].name))[:NEEDS]
    return [
        {
            "text": label_item(item),
            "value": write_estimate(
                e, unit="share" if item.kind == "tick" else "score", privacy=study.privacy
            ),
        }
        for item, e in ranked
    ]  # fmt: skip


def find_needs(sources: Sources, book: EvidenceBook) -> list[dict[str, Any]]:
    """Need items that the codebook ties to a stage, rated in the upper half of their scale."""
    frame, study, rows = sources.respondents, sources.study, []
    if frame is None:
        return []
    for item in study.codebook.select(role="need"):
        if item.stage not in study.stage_ids or item.name not in frame:
            continue
        if item.kind not in ("scale", "tick"):
            continue
        found = _need(item, frame, study.level)
        if found.n < study.privacy.minimum_base or _height(item, found) <= 0.5:
            continue
        source = book.add(
            "survey", item.name, source=item.name, n=found.n, text=label_item(item),
            method=both("map.method_mean"),
        )  # fmt: skip
        row = _rated(
            sources,
            (item.stage, "need", item.name),
            found,
            text=label_item(item),
            evidence=[source],
        )
        unit = "share" if item.kind == "tick" else "score"
        row["value"] = write_estimate(found, unit=unit, privacy=study.privacy)
        rows.append(row | {"rule": both("map.rule_need")})
    return rows


def propose_opportunities(
    sources: Sources, findings: list[dict[str, Any]], book: EvidenceBook
) -> list[dict[str, Any]]:
    """One opportunity per stage from its goals, and one from its commonest well-founded pain.

    Nobody has tried them, so both are assumptions; a goal has the study itself as its source.
    Opportunities heard in interviews are findings already.
    """
    rows, study = [], sources.study
    rank = {"validated": 0, "partial": 1, "assumption": 2}
    for stage in study.stage_ids:
        for goal in study.goals:
            if goal.stage != stage:
                continue
            source = book.add("document", "study", source="study.yaml")
            text = text_of(goal.business.en, goal.business.fa, goal.id)
            rows.append(_opportunity(sources, stage, goal.id, text) | {"evidence": [source]})
        pains = [f for f in findings if f["at"] == stage and f["kind"] == "pain"]
        if pains:
            worst = min(pains, key=lambda f: (rank[f["level"]], -_spread(f), f["id"]))
            what = worst["text"] if isinstance(worst["text"], dict) else {}
            plain = str(worst["text"])
            what = {lang: what.get(lang) or next(iter(what.values()), plain) for lang in LANGUAGES}
            text = both("map.ease_pain", what={k: _end_open(t) for k, t in what.items()})
            row = _opportunity(sources, stage, worst["id"], text)
            rows.append(row | {"addresses": [worst["id"]]})
    return rows


def label_item(item: Item) -> str | dict[str, str]:
    """Return an item's question, or its option's label, or its name."""
    label = next(iter(item.labels.values()), Text()) if item.kind == "tick" else Text()
    return text_of(item.question.en or label.en, item.question.fa or label.fa, item.name)


def _end_open(text: str) -> str:
    """Return a text without its closing . ! ? ؟ …, to stand within a sentence."""
    return text.rstrip(" \u200c.!?؟…")


def _off_average(known: dict[Key, Estimate]) -> list[tuple[Key, str, Estimate]]:
    if len(known) < 2:
        return []
    middle = float(np.mean([e.estimate for e in known.values()]))
    rows = [
        (key, "pain" if e.high < middle else "strength", e)
        for key, e in known.items()
        if e.high < middle or e.low > middle
    ]
    return sorted(rows, key=lambda row: (-abs(row[2].estimate - middle), row[0]))


def _rated(
    sources: Sources, place: tuple[str, str, str], found: Estimate, *,
    text: Any, evidence: list[str],
) -> dict[str, Any]:  # fmt: skip
    stage, kind, what = place
    return {
        "id": make_id("f", kind, stage, what), "kind": kind, "at": stage,
        "persona": sources.who, "text": text,
        "value": write_estimate(found, unit="emotion", privacy=sources.study.privacy),
        "level": judge_level(people=found.n, privacy=sources.study.privacy),
        "evidence": evidence, "rule": both("map.rule_average"),
    }  # fmt: skip


def _note_ratings(sources: Sources, key: str, found: Estimate, book: EvidenceBook) -> str:
    return book.add(
        "event-log", "rating", key, source="events", n=shown_n(sources, found.n),
        method=both("map.method_rating"),
    )  # fmt: skip


def _opportunity(sources: Sources, stage: str, key: str, text: Any) -> dict[str, Any]:
    return {
        "id": make_id("o", stage, key), "kind": "opportunity", "at": stage,
        "persona": sources.who, "text": text, "level": "assumption",
    }  # fmt: skip


def _spread(finding: dict[str, Any]) -> float:
    """Share of the people asked who tell of it: in the survey, else in the interviews."""
    if finding.get("value", {}).get("unit") == "share":
        return float(finding["value"]["value"] or 0)
    heard = finding.get("frequency", {})
    return float(heard.get("value") or 0) / max(1, int(heard.get("n", 1)))


def _need(item: Item, frame: pd.DataFrame, level: float) -> Estimate:
    answers, weights = frame[item.name].astype("Float64"), frame.get(WEIGHT)
    if item.kind == "tick":
        return estimate_weighted_share(answers, weights, level=level)
    return estimate_mean(answers, weights, level=level)


def _height(item: Item, found: Estimate) -> float:
    if item.kind == "tick" or item.low is None or item.high is None:
        return found.estimate
    return (found.estimate - item.low) / (item.high - item.low)
