"""One cell: from what stands in the export to what the codebook says it means."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from cjlib.codebook import Item
from cjlib.language import (
    clean,
    find_personal,
    is_blank,
    key,
    mask_personal,
    missing_reason,
    parse_date,
    parse_number,
    scale_code,
    to_latin_digits,
)
from cjlib.survey.numbers import read_duration, read_money, read_number
from cjlib.survey.readings import Reading, find_label, find_missing_code

EMPTY: Final = {"tick": "false", "multi": ""}  # an empty cell chose nothing
LANGUAGES: Final = {
    "en": "en", "english": "en", "انگلیسی": "en", "fa": "fa", "persian": "fa", "farsi": "fa",
    "فارسی": "fa", "per": "fa", "fas": "fa", "eng": "en",
}  # fmt: skip
PERSONAL_DATA: Final = "personal data"  # the rule that replaces them
OPTION_MARKS: Final = re.compile(r"\s*[;؛|]\s*")
_PLAIN_DATE = re.compile(r"\s*\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}.*)?\s*", re.ASCII)
_CODE_AND_LABEL = re.compile(r"([-+]?\d+)[\s\-–—:=.)،,]+(\S.*)", re.DOTALL)
_COMMAS = re.compile(r"\s*[,،]\s*")


def read_value(text: str, item: Item, *, currency: str = "") -> Reading:
    """Return what one raw cell of ``item`` means, and by which rule.

    Order of the rules: an empty cell; the item's own missing codes; the codes of the wave,
    where it has its own; then by kind. Numbers: digits of any script; a range check; the
    codebook's own labels; scale words; a number with its words ("5 - Very good"), which
    must agree; "25-34" as its middle, where the codebook says so; words for no answer.
    What fits none of these is unfit and becomes missing. Free text keeps its words; personal
    data in it (``find_personal``) become placeholders, and the threshold names their kinds.

    Parameters
    ----------
    text : str
    item : Item
        As coded in the cell's wave, see ``Item.in_wave``.
    currency : str
        Currency of the study, for money; the item's own unit where it is empty.
    """
    if text.strip() == "":
        return Reading(EMPTY.get(item.kind), left_out=True)
    code = find_missing_code(text, item)
    if code is not None:
        told = code in item.labels or missing_reason(code) in ("DK", "NA", "REF")
        return Reading(None, "missing code", code, left_out=not told)
    if item.codes and (parse_number(text) is not None or clean(text) in item.codes):
        return _read_own_code(text, item)
    if item.kind == "money":
        return read_money(text, item, currency)
    readers: dict[str, Callable[[str, Item], Reading]] = {
        "scale": read_number, "number": read_number, "weight": read_number,
        "duration": read_duration, "date": _read_date, "nominal": _read_nominal,
        "codes": _read_nominal, "language": _read_language, "consent": _read_consent,
        "tick": _read_tick, "multi": _read_options,
    }  # fmt: skip
    if item.kind in readers:
        return readers[item.kind](text, item)
    return _read_text(text)


def _read_own_code(text: str, item: Item) -> Reading:
    """Read a code that this wave wrote otherwise; the words after it stay in the ledger."""
    number = parse_number(text)
    same = [code for raw, code in item.codes.items() if parse_number(raw) == number is not None]
    code = item.codes.get(clean(text)) or next(iter(same), None)
    if code is None:
        return Reading(None, "no code of this wave", unfit=True)
    reading = read_value(code, replace(item, codes={}))
    if reading.text == text.strip():
        return reading
    steps = "; ".join(filter(None, ("code of the wave", reading.rule)))
    return replace(reading, rule=steps, threshold=reading.threshold or code)


def _read_text(text: str) -> Reading:
    if is_blank(text):
        return Reading(None, "blank mark", left_out=True)
    kinds = dict.fromkeys(datum.kind for datum in find_personal(text))
    if kinds:
        return Reading(mask_personal(text), PERSONAL_DATA, "; ".join(kinds))
    return Reading(text)


def _read_date(text: str, item: Item) -> Reading:
    day = parse_date(text, order=item.scale if item.scale in ("dmy", "mdy") else "")
    if day is None:
        if is_blank(text):
            return Reading(None, "blank mark", left_out=True)
        return Reading(None, "no such date", unfit=True)
    if _PLAIN_DATE.fullmatch(text) and text.strip()[:10] == day.isoformat():
        return Reading(text.strip())
    return Reading(day.isoformat(), "date")


def _read_nominal(text: str, item: Item) -> Reading:
    if is_blank(text):
        return Reading(None, "blank mark", left_out=True)
    shown = clean(text)
    if not item.labels:
        return Reading(shown, "" if shown == text.strip() else "spelling")
    code = _label_code(shown, item)
    if code is None:
        return _read_both(shown, item)
    return Reading(code, "" if code == text.strip() else "label to code")


def _read_both(shown: str, item: Item) -> Reading:
    """Read a code with its label ("1 - Male"), which must be the same."""
    found = _CODE_AND_LABEL.fullmatch(to_latin_digits(shown))
    named = find_label(shown[found.start(2) :], item, codes=False) if found else None
    if found is None or named is None:
        return Reading(None, "no such label", unfit=True)
    if parse_number(named) != float(found[1]):
        return Reading(None, "number and words disagree", unfit=True)
    return Reading(named, "number with words")


def _label_code(shown: str, item: Item) -> str | None:
    """Code of a label: by the code itself, by the same number, by the same words."""
    if shown in item.labels:
        return shown
    number = parse_number(shown)
    if number is not None:
        same = next((c for c in item.labels if parse_number(c) == number), None)
        return same or find_label(shown, item, codes=False)
    return find_label(shown, item, codes=True)


def _read_language(text: str, item: Item) -> Reading:
    code = _label_code(clean(text), item) if item.labels else None
    words = item.labels[code].en or item.labels[code].fa if code else text
    tag = clean(words).casefold()
    found = LANGUAGES.get(tag) or LANGUAGES.get(re.split("[-_]", tag)[0])
    if found is None and re.fullmatch("[a-z]{2,3}([-_].*)?", tag, re.ASCII):
        found = re.split("[-_]", tag)[0]
    if found is None:
        return Reading(None, "no such language", unfit=True)
    return Reading(found, "" if found == text.strip() else "language")


def _read_consent(text: str, item: Item) -> Reading:
    if item.check:
        agreed = key(text) == key(item.check)
        rule = "" if yes_or_no(text) == agreed else "consent"
        return Reading("true" if agreed else "false", rule)
    code = _label_code(clean(text), item) if item.labels else None
    for words in (
        text,
        code or "",
        *((item.labels[code].en, item.labels[code].fa) if code else ()),
    ):
        plain = yes_or_no(words)
        if plain is not None:
            return Reading("true" if plain else "false", "" if words == text else "consent")
    return Reading(None, "neither yes nor no", unfit=True)


def yes_or_no(text: str) -> bool | None:
    """Read 1, yes, true, بله as True and 0, no, false, خیر as False; None for the rest."""
    plain = to_latin_digits(clean(text))
    if plain in ("0", "1"):
        return plain == "1"
    place = scale_code(text, scale="yesno", points=2)
    return None if place is None else place == 1


def _read_tick(text: str, item: Item) -> Reading:
    """Read a cell of one option; labels may tell what "not chosen" is called (0=Not selected)."""
    code = _label_code(clean(text), item) if item.labels else None
    return Reading("false" if is_blank(text) or yes_or_no(code or text) is False else "true")


def _read_options(text: str, item: Item) -> Reading:
    """Read the options of one cell; those that are no label are left out and told."""
    codes: list[str] = []
    wrong = False
    for part in OPTION_MARKS.split(clean(text).strip(" ;؛|")):
        found = _option_codes(part, item)
        wrong = wrong or found is None
        codes += found or []
    settled = ";".join(dict.fromkeys(codes))
    if not settled and not wrong:
        return Reading("", "blank mark", left_out=True)
    rule = "unknown option dropped" if wrong else "options"
    return Reading(settled or None, "" if settled == text.strip() else rule, unfit=wrong)


def _option_codes(part: str, item: Item) -> list[str] | None:
    if not key(part):
        return []
    if not item.labels:
        return [part]
    code = _label_code(part, item)
    if code is not None:
        return [code]
    several = [_label_code(piece, item) for piece in _COMMAS.split(part)]
    return None if None in several else [c for c in several if c is not None]
