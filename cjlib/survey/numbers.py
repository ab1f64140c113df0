"""Numbers and money in a cell: digits of any script, scale words, units, ranges."""

from __future__ import annotations

import re
from typing import Final

from cjlib.codebook import MIDPOINT, Item
from cjlib.errors import ScaleError, nearest
from cjlib.language import (
    SCALES,
    clean,
    convert_money,
    is_blank,
    missing_reason,
    money_unit,
    parse_money,
    parse_money_range,
    parse_number,
    parse_range,
    scale_code,
    split_leading_number,
    to_latin_digits,
)
from cjlib.survey.readings import Reading, find_label, find_missing_code, show_number

_PLAIN_NUMBER: Final = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?\s*", re.ASCII)
_CLOCK: Final = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{2}(?:\.\d+)?)", re.ASCII)
_TRAILING: Final = re.compile(r"(\D+?)[\s(\[:=–—-]*(\d+)\s*[)\]]?")


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


def read_number(text: str, item: Item) -> Reading:
    """Read a number: plain, in digits of any script, in words, with words, or in a range."""
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
        number, words = _split_number(text, item)
        if number is not None:
            return _read_both(number, words, item, bounds)
    ends = parse_range(text) if item.kind == "number" else None
    if ends is not None:
        return _read_range(ends, item, bounds)
    return read_no_answer(text)


def read_no_answer(text: str) -> Reading:
    """Read words for no answer; what is none of them fits no rule."""
    why = missing_reason(text)
    if why:
        return Reading(None, "no answer, in words", left_out=why == "NULL")
    return Reading(None, "no rule for it", unfit=True)


def _split_number(text: str, item: Item) -> tuple[float | None, str]:
    """Part "5 - Very good", or "Very good (5)" where the words have a place on the scale."""
    number, words = split_leading_number(text)
    last = _TRAILING.fullmatch(to_latin_digits(clean(text)))
    if number is None and last and _place_of(last[1], item) is not None:
        return float(last[2]), last[1]
    return number, words


def _read_both(number: float, words: str, item: Item, bounds: str) -> Reading:
    code = find_missing_code(show_number(number), item)
    why = missing_reason(words)
    if code is not None:
        return Reading(None, "missing code", code, left_out=not why and code not in item.labels)
    if why and _place_of(words, item) is None:
        return Reading(None, "no answer, in words", left_out=False)
    place = _place_of(words, item)
    if place is not None and place != number:
        return Reading(None, "number and words disagree", unfit=True)
    if not _inside(number, item):
        return Reading(None, "out of range", bounds, unfit=True)
    return _reversed(show_number(number), number, item, "number with words")


def _read_range(ends: tuple[float, float], item: Item, bounds: str) -> Reading:
    """Read a range as its middle, where the codebook says so; the answer itself is not known."""
    if item.scale != MIDPOINT:
        return Reading(None, "a range, not a number", unfit=True)
    if not all(_inside(end, item) for end in ends):
        return Reading(None, "out of range", bounds, unfit=True)
    shown = f"{show_number(ends[0])} to {show_number(ends[1])}"
    return Reading(show_number(sum(ends) / 2), "range to midpoint", shown)


def _place_of(text: str, item: Item) -> float | None:
    """Place of a worded answer: the codebook's own labels first, then scale words."""
    code = find_label(text, item, codes=False)
    number = None if code is None else parse_number(code)
    if number is not None:
        return number if _inside(number, item) else None
    if item.kind != "scale" or not item.scale or item.low is None or item.high is None:
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


def read_duration(text: str, item: Item) -> Reading:
    """Read seconds, or a clock (1:02:03) as seconds."""
    clock = _CLOCK.fullmatch(to_latin_digits(clean(text)))
    if clock:
        hours, minutes, seconds = (float(part or 0) for part in clock.groups())
        return Reading(show_number(3600 * hours + 60 * minutes + seconds), "clock to seconds")
    number = parse_number(text)
    if number is not None and number < 0:
        return Reading(None, "out of range", "0 or more", unfit=True)
    return read_number(text, item)


def read_money(text: str, item: Item, currency: str) -> Reading:
    """Read a sum of money in ``currency``; a cell without a unit has the item's.

    A Toman is ten Rial; sums in another currency, and those that the text leaves open
    («۷٫۵۰۰ تومان», "35ت"), are unfit.
    """
    if is_blank(text):
        return Reading(None, "blank mark", left_out=True)
    currency = currency or item.unit
    found = parse_money(text, unit=item.unit)
    both = parse_money_range(text, unit=item.unit) if item.scale == MIDPOINT else None
    if found is not None:
        amounts, unit = [found[0]], found[1]
    elif both is not None:
        amounts, unit = [both[0], both[1]], both[2]
    elif any(c.isdigit() for c in text):
        return Reading(None, "not surely a sum of money", unfit=True)
    else:
        return read_no_answer(text)
    sums = [convert_money(one, unit, currency) for one in amounts]
    known = [one for one in sums if one is not None]
    asked = [convert_money(one, unit, item.unit) for one in amounts]
    if not known:
        return Reading(None, "another currency", currency, unfit=True)
    if not all(one is not None and _inside(one, item) for one in asked):
        bounds = f"{_end(item.low)} to {_end(item.high)} {item.unit}"
        return Reading(None, "out of range", bounds, unfit=True)
    return _write_money(text, known, unit, currency)


def _write_money(text: str, sums: list[float], unit: str, currency: str) -> Reading:
    turned = unit != money_unit(currency)
    if len(sums) == 1 and not turned and _PLAIN_NUMBER.fullmatch(text):
        return Reading(text.strip())
    shown = " to ".join(map(show_number, sums))
    steps = ["digits" if parse_number(text) is not None else "money as written"]
    steps += ["range to midpoint"] if len(sums) > 1 else []
    steps += [f"{unit} to {currency}"] if turned else []
    settled = show_number(sum(sums) / len(sums))
    return Reading(settled, "; ".join(steps), shown if len(sums) > 1 else "")


def _end(bound: float | None) -> str:
    return "any" if bound is None else show_number(bound)
