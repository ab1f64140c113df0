"""What coders marked: codes.csv and coding.csv, matched to the turns they are about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import pandas as pd

from cjlib.columns import CODE, CODER, INTERVIEW, STAGE, TOUCHPOINT, TURN, VALENCE
from cjlib.errors import Fault, nearest
from cjlib.interviews.spans import find_spans
from cjlib.language import key, parse_number, to_latin_digits
from cjlib.sheets import Sheet, read_sheet
from cjlib.study import Study

CODE_COLUMNS: Final = (
    CODE, "label_en", "label_fa", "definition", "example", "lane", STAGE,
)  # fmt: skip
WORDS: Final = "words"  # of comment codes only: what a comment must hold to get the code
CODING_COLUMNS: Final = (
    "interview", TURN, CODER, CODE, STAGE, TOUCHPOINT, VALENCE, "quote", "start", "end",
)  # fmt: skip
CODINGS: Final = (INTERVIEW, TURN, CODER, CODE, STAGE, TOUCHPOINT, VALENCE, "quote")
VALENCES: Final = {
    **dict.fromkeys(map(key, ("negative", "neg", "منفی")), -1.0),
    **dict.fromkeys(map(key, ("neutral", "mixed", "خنثی")), 0.0),
    **dict.fromkeys(map(key, ("positive", "pos", "مثبت")), 1.0),
}


def read_codes(study: Study) -> tuple[Sheet, pd.DataFrame]:
    """Read codes.csv: each code once, its stage one of the study's or empty."""
    return _read_list(study, study.codes_file, CODE_COLUMNS)


def read_comment_codes(study: Study) -> tuple[Sheet, pd.DataFrame]:
    """Read the study's codes of comments: as codes.csv, and ``words`` that give the code.

    ``words`` are split by ``|``; any of them gives the code. A study without the file has none.
    """
    file = study.comments.codes if study.comments else ""
    return _read_list(study, file, (*CODE_COLUMNS, WORDS))


def check_comment_codes(study: Study) -> list[Fault]:
    """List what does not fit in the study's codes of comments."""
    return read_comment_codes(study)[0].faults


def _read_list(study: Study, file: str, columns: tuple[str, ...]) -> tuple[Sheet, pd.DataFrame]:
    sheet = Sheet(file)
    rows: dict[str, dict[str, str]] = {}
    if file:
        sheet = read_sheet(study.file(file), columns=columns, required=(CODE,), shown=file)
    for line, cells in sheet:
        code = sheet.need(line, cells, CODE)
        if code in rows:
            sheet.fault(line, f"code '{code}' again", "each code once")
        elif code:
            stage = sheet.choice(line, cells, STAGE, study.stage_ids)
            rows[code] = cells | {STAGE: stage or ""}
    frame = pd.DataFrame(list(rows.values()), columns=list(columns), dtype="string")
    return sheet, frame


def read_codings(
    study: Study, codes: pd.DataFrame, turns: Mapping[str, list[str]]
) -> tuple[Sheet, pd.DataFrame]:
    """Read coding.csv and match each row to its turns.

    Parameters
    ----------
    study : Study
    codes : DataFrame
        From ``read_codes``; without rows every code is taken.
    turns : mapping of interview id to the texts of its turns, as spoken
        To find quotes in; a quote matches whatever its spaces, punctuation and case.

    Returns
    -------
    (Sheet, DataFrame)
        A row whose interview, turn, code or quote does not fit is left out; one whose
        stage, touchpoint or valence does not fit keeps its place with that cell missing.
        ``turn`` is a number or a span (3-5: each of its turns); where it is empty the turn
        is the only one that holds the quote. ``start`` and ``end``, where they are given,
        are the characters (Unicode code points from 0, the end not included) of one turn's
        text: they must be the quote's words, or are the quote where it is empty. An empty
        stage is that of the code. The same code may mark two quotes of one turn.
    """
    sheet = Sheet(study.coding_file)
    if study.coding_file:
        sheet = read_sheet(
            study.file(study.coding_file),
            columns=CODING_COLUMNS, required=("interview", CODE), shown=study.coding_file,
        )  # fmt: skip
    own_stage = dict(zip(codes[CODE], codes[STAGE], strict=True))
    keys = {name: [key(text) for text in texts] for name, texts in turns.items()}
    touchpoints = {t.id: t.stage for t in study.touchpoints}
    seen: dict[tuple[str, int, str, str, str], int] = {}
    rows = []
    for line, cells in sheet:
        interview = sheet.choice(line, cells, "interview", turns)
        sheet.need(line, cells, "interview")
        code = sheet.need(line, cells, CODE)
        if own_stage:
            code = sheet.choice(line, cells, CODE, own_stage) or ""
        stage = sheet.choice(line, cells, STAGE, study.stage_ids)
        touchpoint = sheet.choice(line, cells, TOUCHPOINT, touchpoints)
        valence = _read_valence(sheet, line, cells[VALENCE])
        if interview is None:
            continue
        if not _check_span(sheet, line, cells, turns[interview]):
            continue
        places = _find_turns(sheet, line, cells, keys[interview])
        for turn in places if code else ():
            same = (interview, turn, cells[CODER], code, key(cells["quote"]))
            if same in seen:
                found = f"'{code}' at turn {turn} of '{interview}' by the same coder again"
                sheet.fault(line, f"{found} (first on line {seen[same]})", "each coding once")
                continue
            seen[same] = line
            rows.append(
                (
                    interview, turn, cells[CODER] or "coder",
                    code, stage or own_stage.get(code) or touchpoints.get(touchpoint or ""),
                    touchpoint, valence, cells["quote"],
                )
            )  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(CODINGS))
    texts = dict.fromkeys((INTERVIEW, CODER, CODE, STAGE, TOUCHPOINT, "quote"), "string")
    frame = frame.astype(texts | {TURN: "int64", VALENCE: "float64"})
    frame[STAGE] = frame[STAGE].mask(frame[STAGE].eq("").fillna(False))
    return sheet, frame.sort_values(
        [INTERVIEW, TURN, CODE, CODER], kind="stable", ignore_index=True
    )


def _check_span(sheet: Sheet, line: int, cells: dict[str, str], texts: list[str]) -> bool:
    """Say whether the characters of a row fit its turn, and take its quote from them."""
    if not (cells["start"] or cells["end"]):
        return True
    start, end = (to_latin_digits(cells[name]) for name in ("start", "end"))
    turn = to_latin_digits(cells[TURN])
    if not (turn.isdecimal() and 1 <= int(turn) <= len(texts)):
        sheet.fault(line, "characters of no one turn", f"a turn from 1 to {len(texts)}")
        return False
    text, quote = texts[int(turn) - 1], cells["quote"]
    fits = start.isdecimal() and end.isdecimal() and int(start) < int(end) <= len(text)
    if not fits:
        expected = f"start below end, both from 0 to {len(text)}"
        sheet.fault(line, f"characters '{start}' to '{end}' of turn {turn}", expected)
        return False
    piece = text[int(start) : int(end)]
    if quote and key(piece) != key(quote):
        near = next((f"{a} to {b}" for a, b in find_spans(text, quote)), "")
        found = f"characters {start} to {end} of turn {turn} are not the quote"
        sheet.fault(line, found, "the characters of the quote", near)
        return False
    cells["quote"] = quote or piece.strip()
    return True


def _find_turns(sheet: Sheet, line: int, cells: dict[str, str], keys: list[str]) -> Iterable[int]:
    quote = key(cells["quote"])
    holds = [i for i, text in enumerate(keys, start=1) if quote and quote in text]
    written = to_latin_digits(cells[TURN])
    if not written:
        if len(holds) == 1:
            return holds
        found = f"no turn, and a quote that stands in {len(holds)} turns"
        sheet.fault(line, found, "the turn's number, or a quote that stands in one turn")
        return ()
    span = re.fullmatch(r"(\d+)(?:\s*[-–]\s*(\d+))?", written)
    first = int(span[1]) if span else 0
    last = int(span[2] or span[1]) if span else 0
    if not 1 <= first <= last <= len(keys):
        expected = f"a turn or a span such as 3-5, from 1 to {len(keys)}"
        sheet.fault(line, f"turn '{cells[TURN]}'", expected)
        return ()
    inside = "".join(keys[first - 1 : last])
    if quote and quote not in inside:
        near = str(holds[0]) if holds else ""
        expected = f"words of that turn{f' (they stand in turn {near})' if near else ''}"
        sheet.fault(line, f"turn {cells[TURN]} does not hold the quote", expected)
        return ()
    return range(first, last + 1)


def _read_valence(sheet: Sheet, line: int, text: str) -> float:
    if not text:
        return float("nan")
    number = parse_number(text)
    value = number if number is not None else VALENCES.get(key(text))
    if value not in (-1.0, 0.0, 1.0):
        near = nearest(text, ("negative", "neutral", "positive"))
        sheet.fault(line, f"valence '{text}'", "-1, 0 or 1 (negative, neutral, positive)", near)
        return float("nan")
    return value
