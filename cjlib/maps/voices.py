"""What people said in interviews and comments: codes heard at each stage, and their own words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cjlib.columns import CODE, INTERVIEW, STAGE, TURN, VALENCE
from cjlib.intervals import estimate_share
from cjlib.maps.estimates import write_estimate
from cjlib.maps.evidence import EvidenceBook, judge_level, make_id
from cjlib.maps.experience import text_of
from cjlib.maps.sources import Sources, Voices
from cjlib.maps.words import LANGUAGES, both

FINDING_KINDS = {
    "pain": "pain", "need": "need", "praise": "strength", "strength": "strength",
    "opportunity": "opportunity",
}  # fmt: skip
DENOMINATORS = {"interview": "interviews", "comment": "people who wrote"}
QUOTES = 2  # per stage
HEARD = 3  # emotions and behaviours named per stage
QUOTE_LENGTH = 240  # characters of a turn shown; the transcript keeps the rest


def find_in_codes(sources: Sources, book: EvidenceBook) -> list[dict[str, Any]]:
    """List what was heard in interviews and comments: each code at each stage, with its people.

    A code of lane pain, need, praise (or strength) or opportunity is one; a code without a
    lane is a pain where it was said with negative valence more often than positive, a
    strength where the other way round, nothing where even. Codes of other lanes (thought,
    emotion, behaviour) are no findings. Interviews are counted; of comments the share of those
    who wrote is told as well, and a code of fewer people than ``minimum_cell`` is left out.
    """
    rows = [row for voices in sources.voices for row in _findings(sources, voices, book)]
    order = {stage: i for i, stage in enumerate(sources.study.stage_ids)}
    return sorted(rows, key=lambda r: (order[r["at"]], r["kind"], -r["frequency"]["value"]))


def name_codes(
    sources: Sources, stage: str, *, lane: str, book: EvidenceBook
) -> list[dict[str, Any]]:
    """Codes of a lane (emotion, behaviour) heard at a stage, the commonest first, as items."""
    items: list[dict[str, Any]] = []
    for voices in sources.voices:
        mine = voices.codes.loc[voices.codes["lane"].eq(lane), CODE]
        turns = voices.codings
        turns = turns[turns[STAGE].eq(stage) & turns[CODE].isin(mine)]
        heard = turns.groupby(CODE, observed=True)[INTERVIEW].nunique().sort_index()
        heard = heard[heard >= _fewest(sources, voices)]
        heard = heard.sort_values(ascending=False, kind="stable").head(HEARD)
        items += [
            {
                "text": label_code(voices, str(code)), "value": _heard_by(voices, int(count)),
                "evidence": [
                    _note_code(voices, stage, str(code), turns[turns[CODE].eq(str(code))], book)
                ],
            }
            for code, count in heard.items()
        ]  # fmt: skip
    return items


def pick_quotes(sources: Sources, stage: str, book: EvidenceBook) -> list[dict[str, Any]]:
    """Pick customers' own words at a stage: from its commonest codes, one per person.

    Of interviews first, then of comments that may be quoted. Among the turns coded at the
    stage: those of the code heard from most people first, then the stronger valence, then the
    shorter turn of at least 20 characters.
    """
    return [item for voices in sources.voices for item in _quotes(voices, stage, book)][:QUOTES]


def judge_voices(sources: Sources, voices: Voices, heard: int) -> str:
    """Return how well something is founded that ``heard`` interviews, or people, said."""
    privacy = sources.study.privacy
    if voices.kind == "interview":
        return judge_level(interviews=heard, privacy=privacy)
    return judge_level(people=heard, privacy=privacy)


def label_code(voices: Voices, code: str) -> str | dict[str, str]:
    """Return what a code is called in the study's list of codes, else its own id."""
    known = voices.codes[voices.codes[CODE].eq(code)]
    if known.empty:
        return code
    en, fa = ("" if pd.isna(known[c].iloc[0]) else str(known[c].iloc[0]) for c in ("en", "fa"))
    return text_of(en, fa, code)


def _findings(sources: Sources, voices: Voices, book: EvidenceBook) -> list[dict[str, Any]]:
    rows = []
    coded = voices.codings[voices.codings[STAGE].isin(sources.study.stage_ids)]
    for place, turns in coded.groupby([STAGE, CODE], sort=True, observed=True):
        stage, code = map(str, place)
        kind = _kind_of(voices, code, turns)
        heard = int(turns[INTERVIEW].nunique())
        if not kind or heard < _fewest(sources, voices):
            continue
        said = "heard" if voices.kind == "interview" else "written"
        row = {
            "id": make_id("f", kind, stage, code, said), "kind": kind, "at": stage,
            "persona": sources.who, "text": label_code(voices, code),
            "frequency": _heard_by(voices, heard),
            "level": judge_voices(sources, voices, heard),
            "evidence": [_note_code(voices, stage, code, turns, book)],
        }  # fmt: skip
        if voices.kind == "comment":
            share = estimate_share(heard, voices.people, level=sources.study.level)
            row["value"] = write_estimate(
                share, unit="share", privacy=sources.study.privacy,
                denominator=DENOMINATORS["comment"],
            )  # fmt: skip
        rows.append(row)
    return rows


def _fewest(sources: Sources, voices: Voices) -> int:
    return sources.study.privacy.minimum_cell if voices.kind == "comment" else 1


def _quotes(voices: Voices, stage: str, book: EvidenceBook) -> list[dict[str, Any]]:
    turns = voices.codings[voices.codings[STAGE].eq(stage)]
    turns = turns[turns["consent"].fillna(value=False).astype(bool)]
    if "role" in turns:
        turns = turns[turns["role"].ne("interviewer")]
    if turns.empty:
        return []
    weight = turns.groupby(CODE, observed=True)[INTERVIEW].nunique()
    words = turns["text"]
    if "quote" in turns:
        words = words.mask(turns["quote"].fillna("").ne(""), turns["quote"])
    turns = turns.assign(
        said=words, heard=turns[CODE].map(weight), length=words.str.len(),
        strength=turns[VALENCE].abs().fillna(0) if VALENCE in turns else 0,
    )  # fmt: skip
    turns = turns[turns["length"] >= 20].sort_values(
        ["heard", "strength", "length", INTERVIEW, TURN],
        ascending=[False, False, True, True, True], kind="stable",
    )  # fmt: skip
    items: list[dict[str, Any]] = []
    for row in turns.drop_duplicates(INTERVIEW).head(QUOTES).itertuples():
        text, interview, turn = str(row.said), str(row.interview_id), int(row.turn)  # type: ignore[arg-type]
        if len(text) > QUOTE_LENGTH:
            text = text[: QUOTE_LENGTH - 1].rstrip() + "…"
        language = str(getattr(row, "language", "") or "")
        said = {language: text} if language in LANGUAGES else text
        place = f"{interview}, {turn}"
        source = book.add(
            "quote", interview, str(turn), source=interview, respondent=interview,
            row_ref=place, text=said, consent="given",
        )  # fmt: skip
        items.append({"text": said, "quote": True, "by": place, "evidence": [source]})
    return items


def _heard_by(voices: Voices, heard: int) -> dict[str, Any]:
    return {
        "value": heard, "unit": "count", "n": voices.people,
        "denominator": DENOMINATORS[voices.kind],
    }  # fmt: skip


def _note_code(
    voices: Voices, stage: str, code: str, turns: pd.DataFrame, book: EvidenceBook
) -> str:
    heard = int(turns[INTERVIEW].nunique())
    if voices.kind == "comment":
        coders = ", ".join(sorted(turns["coder"].dropna().unique())) if "coder" in turns else ""
        return book.add(
            "review", code, stage, source=f"comments, coded by {coders}" if coders else "comments",
            n=heard, text=label_code(voices, code), method=both("map.method_comments"),
        )  # fmt: skip
    return book.add(
        "interview", code, stage, source="coding", n=heard, text=label_code(voices, code),
        row_ref=", ".join(sorted(turns[INTERVIEW].unique())), consent="given",
        method=both("map.method_codes"),
    )  # fmt: skip


def _kind_of(voices: Voices, code: str, turns: pd.DataFrame) -> str:
    known = voices.codes.loc[voices.codes[CODE].eq(code), "lane"]
    lane = "" if known.empty or pd.isna(known.iloc[0]) else str(known.iloc[0])
    if lane:
        return FINDING_KINDS.get(lane, "")
    sign = np.sign(turns[VALENCE].fillna(0).sum()) if VALENCE in turns else 0
    return {-1: "pain", 1: "strength"}.get(int(sign), "")
