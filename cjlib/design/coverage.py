"""What the method asks, and which codebook items answer it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import pandas as pd

from cjlib.codebook import Item
from cjlib.design.wording import read_wordings
from cjlib.language import clean, format_number, phrase
from cjlib.study import Study

RATED: Final = ("scale", "number", "nominal")  # kinds an experience can be told in
UNREAD: Final = ("personal", "ignore")  # never read, so they answer nothing
# what a description is about: words of its name or question, in both languages
ABOUT: Final = {
    "age": ("age", "old", "born", "birth", "سن", "ساله", "تولد", "چند سال دارید"),
    "gender": ("gender", "sex", "جنسیت", "جنس"),
    "place": (
        "place", "city", "town", "region", "country", "live", "lives", "province",
        "شهر", "استان", "کشور", "محل", "منطقه", "زندگی",
    ),
    "income": (
        "income", "salary", "education", "educational", "degree", "occupation", "job",
        "employment", "profession", "earn",
        "درآمد", "حقوق", "تحصیلات", "مدرک", "شغل", "پیشه",
    ),
}  # fmt: skip
WORD: Final = re.compile(r"[\w\u200c]+")  # a half-space joins: «سن‌خوزه» holds no «سن»

Check = tuple[str, str, str, Callable[[Item], bool]]


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """Which questions of the method the codebook answers; made by ``check_coverage``.

    Attributes
    ----------
    table : DataFrame
        One row per question: ``id`` (the same in every language; a stage has its own),
        ``part``, ``topic``, ``question``, ``items`` (names of the
        codebook, parted by commas), ``n`` (how many), ``missing`` (bool), ``add`` (what to
        add, with a wording; empty where nothing is missing). Questions in the study's
        language.
    """

    table: pd.DataFrame

    def summary(self) -> str:
        """Return how much of the method the questionnaire covers, in one sentence."""
        lacks = self.table.loc[self.table["missing"], "id"].tolist()
        answered = len(self.table) - len(lacks)
        rest = f"missing: {', '.join(lacks)}" if lacks else "none is missing"
        return f"The codebook answers {answered} of the {len(self.table)} questions; {rest}."


def check_coverage(study: Study) -> Coverage:
    """Hold the codebook against what the method wants to know.

    The questions are: who people are (age, gender, place, socio-economic state: so that the
    answers of different people can be told apart), what they need, want and suffer from, how
    they interact, what they live through and feel on the way; what a persona card must hold;
    one rating for each stage; NPS, CSAT, CES and the reason behind the score; and what the
    analysis stands on (consent, a date, an id that joins the events, an attention check).

    An item answers by what the codebook says of it: its role, kind, metric, stage and
    touchpoint (which counts for its stage). Only descriptions are told apart by words of
    their name and question. Wants are looked for in comments; how people decide in
    attitudes, or in behaviour at a stage of kind consideration or decision. Items that are
    never read (personal, ignore) answer nothing. Whether a question is asked well is not judged.

    Parameters
    ----------
    study : Study
        Its codebook may be empty: then everything is missing.

    References
    ----------
    Reichheld (2003); Dixon, Freeman and Toman (2010): see ``list_wordings`` for each.
    """
    items = [item for item in study.codebook.items if item.kind not in UNREAD]
    rows = [_tell(study, items, check) for check in _list_checks(study)]
    return Coverage(pd.DataFrame(rows))


def _list_checks(study: Study) -> Iterator[Check]:
    """Yield part, topic, id of the wording to suggest, and what an answering item is."""
    for topic in ABOUT:
        yield "who", topic, topic, partial(_describes, topic)
    yield "research", "needs", "need", lambda i: i.role == "need"
    yield "research", "wants", "want", lambda i: i.role == "comment"
    yield "research", "pains", "pain", lambda i: i.role == "pain"
    yield "research", "behaviour", "behaviour", lambda i: i.role == "behaviour"
    yield "research", "experiences", "csat_touchpoint", _tells_experience
    yield "research", "feelings", "csat_stage", partial(_tells_feeling, study)
    yield "persona", "decide", "decide", partial(_tells_decision, study)
    yield "persona", "trust", "trust", lambda i: i.role == "trust"
    for stage in study.stage_ids:
        yield "stage", stage, "csat_stage", partial(_is_about, study, stage)
    yield "measure", "nps", "nps_relation", lambda i: i.metric == "nps"
    yield "measure", "csat", "csat_overall", lambda i: i.metric == "csat"
    effort = "ces_effort" if study.positions.ces == "effort" else "ces_ease"
    yield "measure", "ces", effort, lambda i: i.metric == "ces"
    yield "measure", "why", "why", lambda i: i.role == "comment" and i.kind in ("text", "codes")
    yield "conduct", "consent", "consent", lambda i: i.kind == "consent"
    yield "conduct", "date", "", lambda i: i.kind == "date"
    yield "conduct", "customer", "", lambda i: i.kind == "customer"
    yield "conduct", "attention", "attention", lambda i: i.kind == "check"
    yield "conduct", "duration", "", lambda i: i.kind == "duration"


def _describes(topic: str, item: Item) -> bool:
    if item.role != "description":
        return False
    told = f"{item.name.replace('_', ' ')} {item.question.en} {item.question.fa}"
    words = f" {' '.join(WORD.findall(clean(told).casefold()))} "
    return any(f" {word} " in words for word in ABOUT[topic])


def _tells_experience(item: Item) -> bool:
    rated = item.kind in RATED and item.role not in ("need", "description", "behaviour")
    return bool(item.touchpoint) and rated


def _tells_feeling(study: Study, item: Item) -> bool:
    rated = item.metric in ("csat", "ces") or item.role in ("outcome", "attitude", "trust")
    return item.kind == "scale" and rated and bool(_stage(study, item))


def _tells_decision(study: Study, item: Item) -> bool:
    deciding = {s.id for s in study.stages if s.kind in ("consideration", "decision")}
    return item.role == "attitude" or (item.role == "behaviour" and _stage(study, item) in deciding)


def _is_about(study: Study, stage: str, item: Item) -> bool:
    return _stage(study, item) == stage


def _stage(study: Study, item: Item) -> str:
    """Return the stage an item is about: its own, or that of its touchpoint."""
    if item.stage:
        return item.stage
    touchpoint = study.touchpoint(item.touchpoint) if item.touchpoint else None
    return touchpoint.stage if touchpoint else ""


def _tell(study: Study, items: list[Item], check: Check) -> dict[str, object]:
    part, topic, wording, answers = check
    language = study.language
    found = [item.name for item in items if answers(item)]
    if topic == "date" and not found and study.waves and all(w.date for w in study.waves):
        found = ["study.yaml: survey.waves.date"]
    stage = study.label("stage", topic) if part == "stage" else ""
    key = "design.asks.stage" if part == "stage" else f"design.asks.{topic}"
    return {
        "id": topic,
        "part": phrase(f"design.part.{part}", language),
        "topic": stage or phrase(f"design.topic.{topic}", language),
        "question": phrase(key, language, stage=stage) if stage else phrase(key, language),
        "items": ", ".join(found),
        "n": len(found),
        "missing": not found,
        "add": "" if found else _suggest(study, topic, wording, stage),
    }


def _suggest(study: Study, topic: str, wording: str, stage: str) -> str:
    language = study.language
    if not wording:
        return phrase(f"design.add.{topic}", language)
    row = read_wordings()[wording]
    filled = {"brand": study.brand.to(language), "stage": stage, "touchpoint": "…"}
    question = row[f"question_{language}"].format(**filled)
    note = row[f"note_{language}"]
    if not row[f"low_{language}"]:
        return phrase("design.add.question", language, question=question, note=note)
    return phrase(
        "design.add.scale",
        language,
        question=question,
        low=format_number(float(row["low"]), language),
        high=format_number(float(row["high"]), language),
        low_label=row[f"low_{language}"],
        high_label=row[f"high_{language}"],
        note=note,
    )
