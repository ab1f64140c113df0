"""Building a map from the three tables: every cell computed, or said to be an assumption."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cjlib.accounts import read_beliefs
from cjlib.columns import CHANNEL, INTERVIEW, STAGE, TOUCHPOINT
from cjlib.errors import JourneyError
from cjlib.maps.assumptions import add_assumptions
from cjlib.maps.estimates import write_estimate
from cjlib.maps.evidence import EvidenceBook, make_id
from cjlib.maps.experience import (
    compare_belief,
    measure_emotions,
    measure_ratings,
    text_of,
)
from cjlib.maps.findings import (
    find_in_ratings,
    find_needs,
    find_ticked_pains,
    propose_opportunities,
    rank_needs,
)
from cjlib.maps.movement import (
    END,
    START,
    measure_moves,
    measure_progress,
    measure_switches,
    share_exits,
    share_visitors,
)
from cjlib.maps.sources import Sources, gather_sources
from cjlib.maps.voices import (
    DENOMINATORS,
    find_in_codes,
    judge_voices,
    name_codes,
    pick_quotes,
)
from cjlib.maps.words import LANGUAGES, both
from cjlib.study import Study

LANES = (  # id, kind; the order of a map's rows
    ("emotion", "emotion-curve"), ("actions", "actions"), ("channels", "channels"),
    ("thoughts", "thoughts"), ("words", "quotes"), ("strengths", "strengths"),
    ("pains", "pains"), ("needs", "needs"), ("opportunities", "opportunities"), ("kpis", "metrics"),
    ("belief", "alignment-gap"), ("flow", "flow"), ("backstage", "backstage"), ("owners", "owners"),
)  # fmt: skip
FINDING_LANES = {
    "strengths": "strength", "pains": "pain", "needs": "need", "opportunities": "opportunity",
}  # fmt: skip
LEVELS = ("assumption", "partial", "validated")
REVIEW_DAYS = 90  # how long a map stands before somebody should look at it again


def build_map(
    study: Study,
    *,
    persona: str | None = None,
    wave: str | None = None,
    survey: Any = None,
    interviews: Any = None,
    comments: Any = None,
    interactions: Any = None,
    personas: Any = None,
    beliefs: pd.DataFrame | None = None,
    assumptions: pd.DataFrame | None = None,
    checksum: str = "",
    tables: dict[str, str] | None = None,
    owner: str = "",
) -> dict[str, Any]:
    """Build the map of one persona, or of everybody, from whatever tables there are.

    Every stage gets a cell in every lane. A cell says how well it is founded: "validated" (at
    least the study's minimum base of people, or three interviews), "partial" (fewer), or
    "assumption" (no data yet: it says so and waits to be filled in). Every estimate has its
    interval and n; every claim names its evidence. The same tables give the same map.

    Parameters
    ----------
    persona : str, optional
        Id in ``personas``; None for everybody.
    wave : str, optional
        Only this wave of the survey; None for all of them together.
    survey, interviews, comments, interactions, personas
        Results of the kit (``.respondents``; ``.utterances, .codings, .codes`` of interviews
        and of ``gather_comments``; ``.table``; ``.members``) or plain frames of respondents,
        interactions and members.
    beliefs : DataFrame, optional
        ``stage, satisfaction, n``: what the team believes, or one row per member asked. None:
        the study's own file, where it has one.
    assumptions : DataFrame, optional
        What the team supposes where nothing is known: ``stage, lane`` and ``en, fa`` or
        ``text``; see ``add_assumptions``.
    checksum : str
        Of all the data behind the map; ``is_stale`` compares it.
    tables : dict, optional
        Evidence type (survey, event-log, interview, review, team) to the path of the results table.
    owner : str
        Who keeps the map current.

    Returns
    -------
    dict
        A map valid against the schema ``cj.map/1``; ready for JSON.

    Raises
    ------
    JourneyError
        For a persona or wave that is not there, or tables without the columns needed.
    """
    if wave and wave not in {w.id for w in study.waves}:
        known = ", ".join(w.id for w in study.waves) or "none defined"
        raise JourneyError(f"build_map: wave must be one of {known}; got '{wave}'.")
    if beliefs is None and study.has("beliefs"):
        beliefs = read_beliefs(study)
    sources = gather_sources(
        study, persona=persona or "", wave=wave or "", survey=survey, interviews=interviews,
        comments=comments, interactions=interactions, personas=personas, beliefs=beliefs,
    )  # fmt: skip
    book = EvidenceBook(period=sources.period(), tables=tables or {})
    emotions = measure_emotions(sources, book)
    findings = find_in_ratings(sources, emotions, book)
    findings += [*find_ticked_pains(sources, book), *find_in_codes(sources, book)]
    findings += find_needs(sources, book)
    findings += propose_opportunities(sources, findings, book)
    parts = {
        "emotions": emotions, "findings": findings,
        "metrics": [*measure_ratings(sources, book), *measure_progress(sources, book)],
        "alignment": compare_belief(sources, book),
        "transitions": [*measure_moves(sources, book), *measure_switches(sources, book)],
    }  # fmt: skip
    stages = [_stage(sources, stage.id, parts["transitions"]) for stage in study.stages]
    cells = [
        _cell(sources, stage.id, lane, parts, book) for lane, _ in LANES for stage in study.stages
    ]
    made = {
        **_head(sources, wave or "", owner), "personas": [_persona(sources)], "stages": stages,
        "lanes": [{"id": i, "kind": k, "label": both(f"map.lane_{i}")} for i, k in LANES],
        "cells": cells, **parts, "evidence": book.entries(),
        "provenance": _provenance(sources, checksum),
    }  # fmt: skip
    return made if assumptions is None else add_assumptions(made, assumptions)


def _head(sources: Sources, wave: str, owner: str) -> dict[str, Any]:
    study, period = sources.study, sources.period()
    name = _persona(sources)["name"]
    brand = {lang: study.brand.to(lang) for lang in LANGUAGES}
    review: dict[str, Any] = {"cadence_days": REVIEW_DAYS}
    if owner:
        review["owner"] = owner
    if period:
        due = pd.Timestamp(period["to"]) + pd.Timedelta(days=REVIEW_DAYS)
        review["next_review"] = due.date().isoformat()
    seen = sources.interactions is not None or sources.respondents is not None
    return {
        "schema": "cj.map/1", "id": make_id("map", study.id, sources.persona or "everybody", wave),
        "title": both("map.title", brand=brand, persona=name),
        "lang": study.language, "dir": "rtl" if study.language == "fa" else "ltr",
        "digits": study.digits, "calendar": study.calendar, "kind": "journey-map",
        "state": "current", "basis": "actual" if seen else "planned", "version": "1.0.0",
        "review": review,
    }  # fmt: skip


def _persona(sources: Sources) -> dict[str, Any]:
    if sources.size is None:
        return {"id": sources.who, "name": both("map.everybody")}
    share = write_estimate(sources.size.share, unit="share", privacy=sources.study.privacy)
    return {
        "id": sources.who, "kind": "data-driven", "name": sources.size.name, "share": share,
        "needs": rank_needs(sources),
    }  # fmt: skip


def _stage(sources: Sources, key: str, moves: list[dict[str, Any]]) -> dict[str, Any]:
    study = sources.study
    stage = next(s for s in study.stages if s.id == key)
    made: dict[str, Any] = {"id": key, "label": text_of(stage.label.en, stage.label.fa, key)}
    if stage.kind:
        made["kind"] = stage.kind
    if stage.teams:
        made["team"] = ", ".join(study.label("team", team) for team in stage.teams)
    entry = [m["p"] for m in moves if m["from"] == START and m["to"] == key]
    if entry:
        made["entry"] = [{"from": START, "share": entry[0]}]
    exits = share_exits(sources).get(key)
    if exits is not None and exits.n:
        share = write_estimate(exits, unit="share", privacy=study.privacy, denominator="customers")
        made["exit"] = [{"to": END, "share": share}]
    goal = next(
        (g for g in study.goals if g.stage == key and (g.customer.en or g.customer.fa)), None
    )
    if goal:
        made["customer_goal"] = text_of(goal.customer.en, goal.customer.fa, goal.id)
    return made


def _cell(
    sources: Sources, stage: str, lane: str, parts: dict[str, Any], book: EvidenceBook
) -> dict[str, Any]:
    items: list[dict[str, Any]] = []
    if lane in ("actions", "channels"):
        by = TOUCHPOINT if lane == "actions" else CHANNEL
        items, level = share_visitors(sources, stage, by=by, book=book)
        if lane == "actions":
            done = name_codes(sources, stage, lane="behaviour", book=book)
            level = max(level, _voices_level(sources, stage, done), key=LEVELS.index)
            items += done
        evidence = _evidence_of(items)
    elif lane == "thoughts":
        items = name_codes(sources, stage, lane="thought", book=book)
        level, evidence = _voices_level(sources, stage, items), _evidence_of(items)
    elif lane == "words":
        items = pick_quotes(sources, stage, book)
        level = _voices_level(sources, stage, items)
        evidence = _evidence_of(items)
    elif lane in ("owners", "backstage"):
        find = _owners if lane == "owners" else _others_behind
        items = find(sources, stage, book)
        level, evidence = ("partial" if items else "assumption"), _evidence_of(items)
    elif lane in FINDING_LANES:
        mine = [
            f for f in parts["findings"] if f["at"] == stage and f["kind"] == FINDING_LANES[lane]
        ]
        level = max((f["level"] for f in mine), key=LEVELS.index, default="assumption")
        evidence = _evidence_of(mine)
        if not mine:
            items, level, evidence = _nothing_found(sources, stage, lane, parts)
    else:
        mine, estimates = _estimates(stage, lane, parts)
        if lane == "emotion":
            items = name_codes(sources, stage, lane="emotion", book=book)
        level = max(
            _estimates_level(estimates), _voices_level(sources, stage, items), key=LEVELS.index
        )
        evidence = sorted({*_evidence_of(mine), *_evidence_of(items)})
    cell: dict[str, Any] = {
        "lane": lane, "at": stage, "persona": sources.who, "level": level, "evidence": evidence,
    }  # fmt: skip
    if level == "assumption" and not evidence and lane not in FINDING_LANES:
        items = [{"text": both("map.no_owner" if lane == "owners" else "map.no_data")}]
    return cell | ({"items": items} if items else {})


def _nothing_found(
    sources: Sources, stage: str, lane: str, parts: dict[str, Any]
) -> tuple[list[dict[str, Any]], str, list[str]]:
    """Tell a stage that was looked at, where nothing stood out, from one without any data."""
    if lane == "opportunities":
        return [{"text": both("map.no_opportunity")}], "assumption", []
    rated = [e for e in parts["emotions"] if e["at"] == stage and lane != "needs"]
    heard = [f for f in parts["findings"] if f["at"] == stage and "frequency" in f]
    level = max(
        [_estimates_level([e["value"] for e in rated]), *(f["level"] for f in heard)],
        key=LEVELS.index,
    )
    text = "map.no_data" if level == "assumption" else "map.none_found"
    return [{"text": both(text)}], level, _evidence_of([*rated, *heard])


def _evidence_of(rows: list[dict[str, Any]]) -> list[str]:
    return sorted({key for row in rows for key in row.get("evidence", [])})


def _estimates(
    stage: str, lane: str, parts: dict[str, Any]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what of the map's lists a lane shows at a stage, and the estimates in it."""
    if lane == "flow":
        mine = [
            move for move in parts["transitions"]
            if move["from"] == stage or (move["from"], move["to"]) == (START, stage)
        ]  # fmt: skip
        return mine, [move["p"] for move in mine]
    name, key = {
        "emotion": ("emotions", "value"), "kpis": ("metrics", "value"),
        "belief": ("alignment", "customer"),
    }[lane]  # fmt: skip
    mine = [row for row in parts[name] if row["at"] == stage]
    return mine, [row[key] for row in mine]


def _estimates_level(estimates: list[dict[str, Any]]) -> str:
    if any(e["value"] is not None for e in estimates):
        return "validated"
    some = any(e.get("why") in ("too-few", "suppressed") for e in estimates)
    return "partial" if some else "assumption"


def _voices_level(sources: Sources, stage: str, items: list[dict[str, Any]]) -> str:
    levels = ["assumption"]
    for voices in sources.voices if items else ():
        counts = [
            int(i["value"]["value"]) for i in items
            if i.get("value", {}).get("denominator") == DENOMINATORS[voices.kind]
        ]  # fmt: skip
        here = voices.codings.loc[voices.codings[STAGE].eq(stage), INTERVIEW].nunique()
        named = any("value" in item for item in items)
        levels.append(judge_voices(sources, voices, max(counts, default=0) if named else int(here)))
    return max(levels, key=LEVELS.index)


def _owners(sources: Sources, stage: str, book: EvidenceBook) -> list[dict[str, Any]]:
    study = sources.study
    teams = next(s.teams for s in study.stages if s.id == stage)
    if not teams:
        return []
    source = book.add("document", "study", source="study.yaml")
    labels = [study.teams[team] for team in teams]
    return [
        {"text": text_of(label.en, label.fa, team), "evidence": [source]}
        for team, label in zip(teams, labels, strict=True)
    ]


def _others_behind(sources: Sources, stage: str, book: EvidenceBook) -> list[dict[str, Any]]:
    """List the touchpoints of a stage that somebody else runs, as the study defines them."""
    mine = [t for t in sources.study.touchpoints if t.stage == stage and t.counterparty != "brand"]
    return [
        {
            "text": both(
                f"map.run_by_{touchpoint.counterparty}",
                what={lang: touchpoint.label.to(lang) or touchpoint.id for lang in LANGUAGES},
            ),
            "evidence": [book.add("document", "study", source="study.yaml")],
        }
        for touchpoint in mine
    ]


def _provenance(sources: Sources, checksum: str) -> dict[str, Any]:
    from cjlib import __version__

    made: dict[str, Any] = {
        "study": sources.study.id, "kit_version": __version__, "synthetic": sources.study.simulated,
    }  # fmt: skip
    if checksum:
        made["checksum"] = checksum
    if sources.period():
        made["period"] = sources.period()
    return made
