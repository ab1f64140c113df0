"""The rules of the hand-over to marketing automation: built from study.yaml, and their faults."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cjlib.definitions import FollowUp, LeadScoring, NurtureRules, NurtureStage, Points, Text
from cjlib.errors import Fault, nearest
from cjlib.study.model import Study
from cjlib.validation import Path_, line_of


def build_nurture(v: dict[str, Any]) -> NurtureRules:
    """Make the rules from the mapping under ``nurture``; an empty one gives the defaults."""
    score, default = v.get("score") or {}, LeadScoring()
    return NurtureRules(
        tuple(
            NurtureStage(s["id"], Text.read(s["label"]), tuple(s["at"]), int(s.get("times", 1)))
            for s in v.get("stages") or ()
        ),
        LeadScoring(
            score.get("rule", default.rule),
            int(score.get("horizon_days", default.horizon_days)),
            int(score.get("window_days", default.window_days)),
            tuple(
                Points(tuple(p["at"]), float(p["points"]), _number(p, "most"))
                for p in score.get("points") or ()
            ),
        ),
        tuple(_build_follow_up(f) for f in v.get("follow_ups") or ()),
        str(v.get("consent", "")),
    )


def _build_follow_up(v: dict[str, Any]) -> FollowUp:
    return FollowUp(
        v["id"], Text.read(v["say"]), v.get("channel", ""),
        tuple(v.get("stages") or ()), tuple(v.get("personas") or ()), tuple(v.get("pains") or ()),
        _number(v, "quiet_days"), _number(v, "complained_days"), _number(v, "score_at_least"),
        _number(v, "score_below"),
    )  # fmt: skip


def _number(v: dict[str, Any], name: str) -> float | None:
    return None if v.get(name) is None else float(v[name])


def find_nurture_faults(study: Study) -> list[Fault]:
    """Return every id that names nothing, stands twice, or a rule that lacks what it needs."""
    return [
        Fault("study.yaml", line_of(study.lines, ("nurture", *place)), found, expected, near)
        for place, found, expected, near in _faults(study)
    ]


def _faults(study: Study) -> Iterator[tuple[Path_, str, str, str]]:
    rules = study.nurture
    touchpoints = [t.id for t in study.touchpoints]
    stages = [stage.id for stage in rules.stages] or study.stage_ids
    consents = [item.name for item in study.codebook.select(kind="consent")]
    pains = [item.name for item in study.codebook.select(kind="tick", role="pain")]
    named: list[tuple[str, str, list[str], Path_]] = []
    for i, stage in enumerate(rules.stages):
        named += [("touchpoint", key, touchpoints, ("stages", i, "at")) for key in stage.at]
    for i, rule in enumerate(rules.scoring.points):
        named += [("touchpoint", key, touchpoints, ("score", "points", i)) for key in rule.at]
    for i, follow in enumerate(rules.follow_ups):
        here: Path_ = ("follow_ups", i)
        named += [("stage", key, stages, (*here, "stages")) for key in follow.stages]
        named += [("pain", key, pains, (*here, "pains")) for key in follow.pains]
        if follow.channel:
            channels = [channel.id for channel in study.channels]
            named.append(("channel", follow.channel, channels, (*here, "channel")))
    if rules.consent:
        named.append(("consent question", rules.consent, consents, ("consent",)))
    for noun, key, known, place in named:
        if key not in known:
            expected = f"one of {', '.join(known) or 'none defined'}"
            yield place, f"unknown {noun} '{key}'", expected, nearest(key, known)
    for noun, ids in (
        ("stages", [s.id for s in rules.stages]), ("follow_ups", [f.id for f in rules.follow_ups]),
    ):  # fmt: skip
        for i, key in enumerate(ids):
            if key in ids[:i]:
                yield (noun, i), f"id '{key}' again in nurture.{noun}", "each id once", ""
    if rules.scoring.rule == "points" and not rules.scoring.points:
        yield ("score",), "rule: points without points", "a list of points", ""
