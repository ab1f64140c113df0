"""What people said in interviews: codes heard at each stage, and their own words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cjlib.columns import CODE, INTERVIEW, STAGE, TURN, VALENCE
from cjlib.maps.evidence import EvidenceBook, judge_level, make_id
from cjlib.maps.experience import text_of
from cjlib.maps.sources import Sources
from cjlib.maps.words import LANGUAGES, both

FINDING_KINDS = {
    "pain": "pain", "need": "need", "praise": "strength", "strength": "strength",
    "opportunity": "opportunity",
}  # fmt: skip
QUOTES = 2  # per stage
HEARD = 3  # emotions and behaviours named per stage
QUOTE_LENGTH = 240  # characters of a turn shown; the transcript keeps the rest


def find_in_codes(sources: Sources, book: EvidenceBook) -> list[dict[str, Any]]:
    """List the findings heard in interviews: each code at each stage, with the interviews it is in.

    A code of lane pain, need, praise (or strength) or opportunity is one; a code without a
    lane is a pain where it was said with negative valence more often than positive, a
    strength where the other way round, nothing where even. Codes of other lanes (thought,
    emotion, behaviour) are no findings.
    """
    if sources.codings is None:
        return []
    rows = []
    order = {stage: i for i, stage in enumerate(sources.study.stage_ids)}
    coded = sources.codings[sources.codings[STAGE].isin(list(order))]
    pairs = coded[[STAGE, CODE]].drop_duplicates().astype("object").to_numpy().tolist()
    for stage, code in sorted(pairs, key=lambda pair: (order[pair[0]], pair[1])):
        turns = coded[coded[STAGE].eq(stage) & coded[CODE].eq(code)]
        kind = _kind_of(sources, code, turns)
        if not kind:
            continue
        heard = int(turns[INTERVIEW].nunique())
        rows.append(
            {
                "id": make_id("f", kind, stage, code, "heard"), "kind": kind, "at": stage,
                "persona": sources.who, "text": label_code(sources, code),
                "frequency": _heard_in(sources, heard),
                "level": judge_level(interviews=heard, privacy=sources.study.privacy),
                "evidence": [_note_code(sources, stage, code, turns, book)],
            }
        )  # fmt: skip
    return sorted(rows, key=lambda r: (order[r["at"]], r["kind"], -r["frequency"]["value"]))


def name_codes(
    sources: Sources, stage: str, *, lane: str, book: EvidenceBook
) -> list[dict[str, Any]]:
    """Codes of a lane (emotion, behaviour) heard at a stage, the commonest first, as items."""
    if sources.codings is None:
        return []
    mine = sources.codes.loc[sources.codes["lane"].eq(lane), CODE]
    turns = sources.codings[sources.codings[STAGE].eq(stage) & sources.codings[CODE].isin(mine)]
    heard = turns.groupby(CODE, observed=True)[INTERVIEW].nunique().sort_index()
    heard = heard.sort_values(ascending=False, kind="stable").head(HEARD)
    return [
        {
            "text": label_code(sources, str(code)), "value": _heard_in(sources, int(count)),
            "evidence": [
                _note_code(sources, stage, str(code), turns[turns[CODE].eq(str(code))], book)
            ],
        }
        for code, count in heard.items()
    ]  # fmt: skip


def pick_quotes(sources: Sources, stage: str, book: EvidenceBook) -> list[dict[str, Any]]:
    """Participants' own words at a stage: from its commonest codes, one per interview.

    Among the turns coded at the stage: those of the code heard in most interviews first, then
    the stronger valence, then the shorter turn of at least 20 characters.
    """
    if sources.codings is None:
        return []
    turns = sources.codings[sources.codings[STAGE].eq(stage)]
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


def label_code(sources: Sources, code: str) -> str | dict[str, str]:
    """Return what a code is called in the study's list of codes, else its own id."""
    known = sources.codes[sources.codes[CODE].eq(code)]
    if known.empty:
        return code
    en, fa = ("" if pd.isna(known[c].iloc[0]) else str(known[c].iloc[0]) for c in ("en", "fa"))
    return text_of(en, fa, code)


def _heard_in(sources: Sources, heard: int) -> dict[str, Any]:
    return {
        "value": heard, "unit": "count", "n": sources.interviews, "denominator": "interviews",
    }  # fmt: skip


def _note_code(
    sources: Sources, stage: str, code: str, turns: pd.DataFrame, book: EvidenceBook
) -> str:
    return book.add(
        "interview", code, stage, source="coding", n=int(turns[INTERVIEW].nunique()),
        text=label_code(sources, code), row_ref=", ".join(sorted(turns[INTERVIEW].unique())),
        consent="given", method=both("map.method_codes"),
    )  # fmt: skip


def _kind_of(sources: Sources, code: str, turns: pd.DataFrame) -> str:
    lane = _lane(sources, code)
    if lane:
        return FINDING_KINDS.get(lane, "")
    sign = np.sign(turns[VALENCE].fillna(0).sum()) if VALENCE in turns else 0
    return {-1: "pain", 1: "strength"}.get(int(sign), "")


def _lane(sources: Sources, code: str) -> str:
    known = sources.codes[sources.codes[CODE].eq(code)]
    return "" if known.empty or pd.isna(known["lane"].iloc[0]) else str(known["lane"].iloc[0])
