"""One cell: from what stands in the export to what the codebook says it means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import pandas as pd

from cjlib.codebook import Item
from cjlib.errors import ScaleError, nearest
from cjlib.language import (
    SCALES,
    clean,
    is_blank,
    key,
    missing_reason,
    parse_date,
    parse_number,
    scale_code,
    split_leading_number,
    to_latin_digits,
)

NUMERIC: Final = ("scale", "number", "weight", "duration")
EMPTY: Final = {"tick": "false", "multi": ""}  # an empty cell chose nothing
LANGUAGES: Final = {
    "en": "en", "english": "en", "انگلیسی": "en", "fa": "fa", "persian": "fa", "farsi": "fa",
    "فارسی": "fa", "per": "fa", "fas": "fa", "eng": "en",
}  # fmt: skip
_PLAIN_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?\s*", re.ASCII)
_PLAIN_DATE = re.compile(r"\s*\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}.*)?\s*", re.ASCII)
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{2}(?:\.\d+)?)", re.ASCII)
_OPTION_MARKS = re.compile(r"\s*[;؛|]\s*")
_COMMAS = re.compile(r"\s*[,،]\s*")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one text of an item means.

    Attributes
    ----------
    text : str or None
        The value as text in its plain form; None: no usable answer.
    rule : str
        The rule that changed it; empty where the cell already stood in its plain form.
    threshold : str
        What the rule compared with, where it compared.
    left_out : bool
        The question was passed over (as against answered with "never used").
    unfit : bool
        It fitted no rule, so it became missing.
    """

    text: str | None
    rule: str = ""
    threshold: str = ""
    left_out: bool = False
    unfit: bool = False


def require_scales(items: list[Item]) -> None:
    """Raise ``ScaleError`` for a codebook scale that is no known family of words."""
    for item in items:
        if item.kind == "scale" and item.scale and item.scale not in SCALES:
            near = nearest(item.scale, SCALES)
            raise ScaleError(
                f"clean_answers: scale must be one of {', '.join(SCALES)}; codebook line "
                f"{item.line} ('{item.name}') says {item.scale!r}."
                + (f" Did you mean {near!r}?" if near else "")
            )


def read_value(text: str, item: Item) -> Reading:
    """Return what one raw cell of ``item`` means, and by which rule.

    Order of the rules: an empty cell; the item's own missing codes; then by kind. Numbers:
    digits of any script; a range check; the codebook's own labels; scale words; a number
    with its words ("5 - Very good"), which must agree; words for no answer. What fits
    none of these is unfit and becomes missing.
    """
    if text.strip() == "":
        return Reading(EMPTY.get(item.kind), left_out=True)
    code = _missing_code(text, item)
    if code is not None:
        told = code in item.labels or missing_reason(code) in ("DK", "NA", "REF")
        return Reading(None, "missing code", code, left_out=not told)
    if item.kind in ("scale", "number", "weight"):
        return _read_number(text, item)
    readers = {
        "duration": _read_duration, "date": _read_date, "nominal": _read_nominal,
        "codes": _read_nominal, "language": _read_language, "consent": _read_consent,
        "tick": _read_tick, "multi": _read_options,
    }  # fmt: skip
    if item.kind in readers:
        return readers[item.kind](text, item)
    return Reading(None, "blank mark", left_out=True) if is_blank(text) else Reading(text)


def _missing_code(text: str, item: Item) -> str | None:
    if not item.missing:
        return None
    shown = clean(text)
    number = parse_number(shown)
    by_text, by_number, by_key = _missing_forms(item.missing)
    if number is not None:
        return by_text.get(shown) or by_number.get(number)
    return by_text.get(shown) or by_key.get(key(shown))


@lru_cache(maxsize=256)
def _missing_forms(
    codes: tuple[str, ...],
) -> tuple[dict[str, str], dict[float, str], dict[str, str]]:
    """Codes for no answer, by how they are written, by number and by words."""
    numbers = {code: parse_number(code) for code in codes}
    return (
        {clean(code): code for code in codes},
        {number: code for code, number in numbers.items() if number is not None},
        {key(code): code for code in codes if numbers[code] is None and key(code)},
    )


@lru_cache(maxsize=10_000)
def _label_key(label: str) -> str:
    return key(label)


def _read_number(text: str, item: Item) -> Reading:
    bounds = f"{_end(item.low)} to {_end(item.high)}"
    negative_weight = item.kind == "weight" and (item.low is None)
    number = parse_number(text)
    if number is None:
        if is_blank(text):
            return Reading(None, "blank mark", left_out=True)
        return _read_words(text, item, bounds)
    inside = _inside(number, item) and not (negative_weight and number < 0)
    if not inside:
        return Reading(None, "out of range", "0 or more" if negative_weight else bounds, unfit=True)
    if _PLAIN_NUMBER.fullmatch(text):
        return _reversed(text.strip(), number, item, "")
    return _reversed(show_number(number), number, item, "digits")


def _read_words(text: str, item: Item, bounds: str) -> Reading:
    place = _place_of(text, item)
    if place is not None:
        return _reversed(show_number(place), place, item, "words to number")
    if item.kind == "scale":
        number, words = split_leading_number(text)
        if number is not None:
            place = _place_of(words, item)
            if place is not None and place != number:
                return Reading(None, "number and words disagree", unfit=True)
            if not _inside(number, item):
                return Reading(None, "out of range", bounds, unfit=True)
            return _reversed(show_number(number), number, item, "number with words")
    why = missing_reason(text)
    if why:
        return Reading(None, "no answer, in words", left_out=why == "NULL")
    return Reading(None, "no rule for it", unfit=True)


def _place_of(text: str, item: Item) -> float | None:
    """Place of a worded answer: the codebook's own labels first, then scale words."""
    wanted = key(text)
    for code, label in item.labels.items():
        number = parse_number(code)
        if number is not None and wanted and wanted in (_label_key(label.en), _label_key(label.fa)):
            return number if _inside(number, item) else None
    if not item.scale or item.low is None or item.high is None:
        return None
    place = scale_code(text, scale=item.scale, points=int(item.high - item.low) + 1)
    if place is None:
        return None
    found = place if item.scale == "yesno" else item.low + place - 1
    return found if _inside(found, item) else None


def _inside(number: float, item: Item) -> bool:
    above = item.low is None or number >= item.low
    return above and (item.high is None or number <= item.high)


def _reversed(text: str, number: float, item: Item, rule: str) -> Reading:
    if not item.reverse or item.low is None or item.high is None:
        return Reading(text, rule)
    turned = item.low + item.high - number
    if turned == number:
        return Reading(text, rule)
    steps = "; ".join(filter(None, (rule, "reversed")))
    return Reading(show_number(turned), steps, f"{_end(item.low)} to {_end(item.high)}")


def _read_duration(text: str, item: Item) -> Reading:
    clock = _CLOCK.fullmatch(to_latin_digits(clean(text)))
    if clock:
        hours, minutes, seconds = (float(part or 0) for part in clock.groups())
        return Reading(show_number(3600 * hours + 60 * minutes + seconds), "clock to seconds")
    number = parse_number(text)
    if number is not None and number < 0:
        return Reading(None, "out of range", "0 or more", unfit=True)
    return _read_number(text, item)


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
        return Reading(None, "no such label", unfit=True)
    return Reading(code, "" if code == text.strip() else "label to code")


def _label_code(shown: str, item: Item) -> str | None:
    """Code of a label: by the code itself, by the same number, by the same words."""
    if shown in item.labels:
        return shown
    number = parse_number(shown)
    if number is not None:
        return next((c for c in item.labels if parse_number(c) == number), None)
    wanted = key(shown)
    for code, label in item.labels.items():
        if wanted and wanted in map(_label_key, (code, label.en, label.fa)):
            return code
    return None


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
    return Reading("false" if is_blank(text) or yes_or_no(text) is False else "true")


def _read_options(text: str, item: Item) -> Reading:
    """Read the options of one cell; those that are no label are left out and told."""
    codes: list[str] = []
    wrong = False
    for part in _OPTION_MARKS.split(clean(text).strip(" ;؛|")):
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


def type_column(settled: pd.Series, item: Item) -> pd.Series:
    """Turn a column of texts in plain form into the type its kind has.

    float64 for scale, number, weight and duration; datetime64 for dates; nullable boolean
    for ticks and consent; string for the rest (an empty text is missing).
    """
    codes, texts = pd.factorize(settled.astype("string"), use_na_sentinel=True)
    typed = _type_texts(pd.Series(texts, dtype="string").str.strip(), item)
    return pd.Series(typed.array.take(codes, allow_fill=True), index=settled.index)


def _type_texts(text: pd.Series, item: Item) -> pd.Series:
    if item.kind == "tick":
        return pd.Series([_read_tick(t, item).text == "true" for t in text], dtype="boolean")
    if item.kind == "consent":
        return pd.Series([yes_or_no(t) for t in text], dtype="boolean")
    if item.kind == "text":
        text = pd.Series([clean(t) for t in text], dtype="string")
    text = text.mask(text.eq(""))
    if item.kind in NUMERIC:
        return pd.to_numeric(text).astype("Float64").astype("float64")
    if item.kind == "date":
        return pd.to_datetime(text.str[:10], format="%Y-%m-%d").astype("datetime64[ns]")
    return text


def option_columns(settled: pd.Series, item: Item) -> pd.DataFrame:
    """Turn a column of options parted by ``;`` into one boolean column per option.

    Columns are named ``<group>_<code>``: the codebook's codes in its order or, where it has
    none, the options seen, sorted. An empty cell chose none; not asked is missing.
    """
    codes, texts = pd.factorize(settled.astype("string"), use_na_sentinel=True)
    parts = [set(_OPTION_MARKS.split(t.strip())) - {""} for t in texts]
    options = list(item.labels) or sorted(set().union(*parts))
    group = item.group or item.name
    return pd.DataFrame(
        {
            f"{group}_{option}": pd.array(
                [option in part for part in parts] + [pd.NA], dtype="boolean"
            ).take(codes)
            for option in options
        },
        index=settled.index,
    )


def show_number(number: float) -> str:
    """Write a number the plain way: 4, 4.5."""
    return str(int(number)) if float(number).is_integer() else repr(float(number))


def _end(bound: float | None) -> str:
    return "any" if bound is None else show_number(bound)
