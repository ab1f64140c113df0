"""Header rows: which survey tool wrote them, and what each column is asked and belongs to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cjlib.language import clean

Row = Sequence[str]

HEADER_ROWS: Final = {
    "qualtrics": 3, "qualtrics legacy": 2, "surveymonkey": 2, "limesurvey": 1,
    "google forms": 1, "plain": 1,
}  # fmt: skip
FORMS: Final = (*HEADER_ROWS, "spss")
MAX_HEADER_ROWS: Final = 3
LOOK_ROWS: Final = 60  # data rows looked at to tell a header from them

_IMPORT_ID: Final = re.compile(r"\{\s*['\"]ImportId['\"]")
# Columns Qualtrics adds to every export, as their names and labels fold.
_QUALTRICS: Final = frozenset((
    "startdate", "enddate", "status", "responsetype", "ipaddress", "progress",
    "durationinseconds", "finished", "recordeddate", "responseid", "responseset", "name",
    "recipientlastname", "recipientfirstname", "recipientemail", "emailaddress", "email",
    "externalreference", "externaldatareference", "locationlatitude", "locationlongitude",
    "locationaccuracy", "distributionchannel", "userlanguage",
))  # fmt: skip
# Columns SurveyMonkey begins an export with.
_SURVEYMONKEY: Final = frozenset((
    "respondentid", "collectorid", "startdate", "enddate", "datecreated", "datemodified",
    "ipaddress", "emailaddress", "firstname", "lastname", "customdata", "customdata1",
))  # fmt: skip
_RESPONSE: Final = frozenset(("response", "openendedresponse"))
_UNNAMED: Final = re.compile(r"(Unnamed: \d+(_level_\d+)?)?")
_LIMESURVEY_CODES: Final = frozenset(
    ("submitdate", "startlanguage", "lastpage", "datestamp", "startdate", "seed", "ipaddr")
)
_LIMESURVEY_TEXTS: Final = frozenset(
    ("datesubmitted", "startlanguage", "lastpage", "datelastaction", "datestarted", "seed")
)
_CODE_AND_TEXT: Final = re.compile(r"(?P<code>[A-Za-z]\w*(\[[^\[\]]*\])*)\. (?P<text>.*)", re.S)
_TIMESTAMP: Final = frozenset(
    ("timestamp", "برچسبزمانی", "مهرزمانی", "الطابعالزمنی", "طابعزمنی", "zeitstempel", "horodateur",
     "marcatemporal", "informazionicronologiche", "carimbodedatahora", "zamandamgası",
     "tijdstempel", "отметкавремени")
)  # fmt: skip
_OPTIONS: Final = re.compile(r"(?P<question>.*?\S)\s*(\[[^\[\]]*\])+\s*", re.S)


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above the data.

    Attributes
    ----------
    form : str
        One of ``FORMS``.
    rows : int
        Header rows.
    headers, questions, groups : list of str
        As in ``Export``.
    """

    form: str
    rows: int
    headers: list[str]
    questions: list[str]
    groups: list[str]


def read_heading(rows: Sequence[Row], *, form: str = "", header_rows: int | None = None) -> Heading:
    """Tell the form of an export from its first rows.

    In this order: a third row of ``ImportId`` is Qualtrics; a second row that names
    Qualtrics' own columns again, or has texts over columns of numbers named Q1, V2 ..., is
    Qualtrics legacy; a second row of "Response" and options over blocks of which only the
    first column has a header is SurveyMonkey; ``submitdate`` and its like are LimeSurvey; a
    first column "Timestamp" over times is Google Forms. What is none of these is plain: one
    row of headers.

    Parameters
    ----------
    rows : sequence of rows of text
        The first rows of the file, header first; ``LOOK_ROWS`` of them or more if there are.
    form, header_rows : str and int, optional
        Given, they are not sought. ``header_rows`` alone: two rows are SurveyMonkey's if
        they look so, else names over questions.
    """
    first, second = rows[0], rows[1] if len(rows) > 1 else []
    if not form:
        form = _find_form(rows) if header_rows is None else _form_of(header_rows, rows)
    count = header_rows or HEADER_ROWS[form]
    if form == "surveymonkey" and count > 1:
        return _read_blocks(first, second, count)
    headers = list(first)
    questions = list(second) if count > 1 else []
    if form == "limesurvey":
        headers, questions = _split_codes(headers)
    return Heading(form, count, headers, questions, _group_options(headers))


def _find_form(rows: Sequence[Row]) -> str:
    first = rows[0]
    second, third = (list(rows[i]) if len(rows) > i else [] for i in (1, 2))
    filled = [cell for cell in third if cell]
    if filled and 2 * sum(bool(_IMPORT_ID.match(cell)) for cell in filled) > len(filled):
        return "qualtrics"
    if _repeats_qualtrics(first, second) or _is_text_over_numbers(first, second, rows[2:]):
        return "qualtrics legacy"
    if _has_blocks(first, second, rows[2:]):
        return "surveymonkey"
    if _is_limesurvey(first):
        return "limesurvey"
    if _fold(first[0]) in _TIMESTAMP and _are_times([row[0] for row in rows[1:]]):
        return "google forms"
    return "plain"


def _form_of(header_rows: int, rows: Sequence[Row]) -> str:
    found = _find_form(rows)
    if HEADER_ROWS[found] == header_rows:
        return found
    return {3: "qualtrics", 2: "qualtrics legacy", 1: "plain"}[header_rows]


def _fold(cell: str) -> str:
    return re.sub(r"[\W_]+", "", clean(cell).casefold())


def _repeats_qualtrics(first: Row, second: Row) -> bool:
    pairs = zip(first, second, strict=False)
    known = [
        _fold(name) in _QUALTRICS or re.fullmatch(r"V\d+", name) is not None
        for name, label in pairs
        if _fold(label) in _QUALTRICS
    ]
    return sum(known) >= 2


def _is_text_over_numbers(first: Row, second: Row, data: Sequence[Row]) -> bool:
    """Whether coded names stand over sentences, and these mostly over numbers or few words."""
    names = [name for name in first if name]
    coded = [name for name in names if re.fullmatch(r"(Q|QID|V)\d+([._#-]\w+)*", name)]
    if not data or not names or 2 * len(coded) <= len(names):
        return False
    asked = closed = 0
    for place, text in enumerate(second):
        cells = [row[place].strip() for row in data[:LOOK_ROWS] if row[place].strip()]
        asked += len(text) > 10 and " " in text.strip() and text not in cells
        numbers = bool(cells) and all(re.fullmatch(r"-?[\d.,٫]+", cell) for cell in cells)
        few = len(cells) >= 8 and 2 * len(set(cells)) <= len(cells)
        closed += numbers or few
    return asked >= 0.8 * len(names) and 2 * closed >= len(names)


def _has_blocks(first: Row, second: Row, data: Sequence[Row]) -> bool:
    """Whether the second row holds SurveyMonkey's words, or options of the block above."""
    if len(second) < 2 or not any(cell.strip() for cell in second):
        return False
    leading = [place for place, name in enumerate(first) if _fold(name) in _SURVEYMONKEY]
    if any(second[place].strip() for place in leading):
        return False
    told = [place for place, cell in enumerate(second) if _fold(cell) in _RESPONSE]
    if any(all(row[place] != second[place] for row in data[:LOOK_ROWS]) for place in told):
        return True
    below = [
        place for place in range(1, len(first))
        if _UNNAMED.fullmatch(first[place]) and second[place].strip() and place not in leading
    ]  # fmt: skip
    if not below or not first[0].strip():
        return False
    ticked = sum(_is_ticked(second[p], [row[p] for row in data[:LOOK_ROWS]]) for p in below)
    return bool(leading) or 2 * ticked > len(below)


def _is_ticked(option: str, cells: Sequence[str]) -> bool:
    """Whether a column repeats its option's text, or is empty, as check-all columns do."""
    return {cell.strip() for cell in cells} <= {"", option.strip()}


def _read_blocks(first: Row, second: Row, count: int) -> Heading:
    questions: list[str] = []
    for place, name in enumerate(first):
        continues = place and _UNNAMED.fullmatch(name) and second[place].strip()
        questions.append(questions[-1] if continues else name)
    sizes = Counter(questions)
    headers = []
    for question, option in zip(questions, second, strict=False):
        alone = _fold(option) in _RESPONSE or not option.strip() or not question.strip()
        headers.append(question if alone else f"{question} [{option.strip()}]")
    groups = [question if sizes[question] > 1 else "" for question in questions]
    return Heading("surveymonkey", count, headers, [], groups)


def _is_limesurvey(first: Row) -> bool:
    codes = {cell.split(". ")[0].casefold() for cell in first}
    texts = {_fold(cell) for cell in first}
    return (
        len(codes & _LIMESURVEY_CODES) >= 2 and bool({"submitdate", "startlanguage"} & codes)
    ) or ("datesubmitted" in texts and len(texts & _LIMESURVEY_TEXTS) >= 2)


def _split_codes(headers: Row) -> tuple[list[str], list[str]]:
    """Part "G01Q02[SQ001]. text" into code and text, if most headers are of this kind."""
    found = [_CODE_AND_TEXT.fullmatch(header) for header in headers]
    if 2 * sum(match is not None for match in found) <= len(headers):
        return list(headers), []
    codes = [m["code"] if m else h for m, h in zip(found, headers, strict=True)]
    return codes, [m["text"] if m else h for m, h in zip(found, headers, strict=True)]


def _are_times(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    return 2 * sum(bool(re.search(r"\d+[/.-]\d+|\d+:\d\d", cell)) for cell in filled) > len(filled)


def _group_options(headers: Row) -> list[str]:
    """Return the question of each ``question [option]`` that shares it with another column."""
    found = [_OPTIONS.fullmatch(header) for header in headers]
    questions = [m["question"] if m else h for m, h in zip(found, headers, strict=True)]
    sizes = Counter(questions)
    several = {q for m, q in zip(found, questions, strict=True) if m and sizes[q] > 1}
    return [question if question in several else "" for question in questions]
