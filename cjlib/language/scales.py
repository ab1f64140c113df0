"""Scale words: «کاملاً موافقم», "Very satisfied" and their places on a question's scale."""

from __future__ import annotations

import csv
import io
import re
from functools import lru_cache
from importlib import resources
from typing import Final

from cjlib.errors import JourneyError, nearest
from cjlib.language.amounts import parse_number
from cjlib.language.script import clean, is_blank, key, to_latin_digits

SCALES: Final = (
    "agreement", "satisfaction", "quality", "amount", "frequency", "likelihood", "ease",
    "importance", "yesno",
)  # fmt: skip
_FIVE: Final = {
    2: {2: 1, 4: 2},
    3: {2: 1, 3: 2, 4: 3},
    4: {1: 1, 2: 2, 4: 3, 5: 4},
    5: {1: 1, 2: 2, 3: 3, 4: 4, 5: 5},
}  # place among 5 points -> place among fewer, the middle left out where there is none
_SEVEN: Final = {
    6: {1: 1, 2: 2, 3: 3, 5: 4, 6: 5, 7: 6},
    7: {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7},
}
_LEADING = re.compile(r"([-+]?\d+(?:[.]\d+)?)\s*[-–—:=.)،,]*\s*(\D.*)", re.DOTALL)


def scale_code(text: str, *, scale: str, points: int) -> float | None:
    """Return the place of a worded answer on a scale, from 1 (lowest) to ``points``.

    Persian and English forms, matched by ``key``. A code belongs to the question: the same
    words have other places on other scales, so ``scale`` and ``points`` are required, and a
    study whose form uses words in its own way lists them as labels in its codebook. Words
    that have no place among that many points (a middle on four points, "somewhat agree" on
    five) give None, as do unknown words. Yes and no are 1 and 0 whatever ``points``.

    Parameters
    ----------
    text : str
    scale : str
        One of ``SCALES``.
    points : int
        2 to 7. Two and three points take the moderate words (disagree, neither, agree).
    """
    words = scale_words()
    if scale not in words:
        raise JourneyError(
            f"scale_code: scale must be one of {', '.join(SCALES)}; got {scale!r}."
            + (f" Did you mean {near!r}?" if (near := nearest(scale, SCALES)) else "")
        )
    found = words[scale].get(key(text))
    if found is None:
        return None
    five, seven = found
    if scale == "yesno":
        return float(five)
    place = _FIVE[points].get(int(five)) if five and points in _FIVE else None
    if points in _SEVEN and seven:
        place = _SEVEN[points].get(int(seven))
    return None if place is None else float(place)


def missing_reason(text: str) -> str | None:
    """Return why a worded answer is none: DK, NA, REF or NULL; None where it is an answer.

    "I don't know", "not applicable", "prefer not to say", nothing at all (or only dashes),
    in both languages. Ask ``scale_code`` first: some words are an answer on some scales.
    """
    if is_blank(text):
        return "NULL"
    found = scale_words()["missing"].get(key(text))
    return found[0] if found else None


def split_leading_number(text: str) -> tuple[float | None, str]:
    """Part "5 - Strongly agree" into 5.0 and "Strongly agree"; (None, text) where none leads."""
    shown = clean(text)
    found = _LEADING.fullmatch(to_latin_digits(shown))
    words = key(found[2]) if found else ""
    if not found or not words or words[0].isdigit():  # "4/5" and "4-5" are no number and words
        return None, shown
    return parse_number(found[1]), shown[found.start(2) :]


@lru_cache(maxsize=1)
def scale_words() -> dict[str, dict[str, tuple[str, str]]]:
    """Return scale -> key of a form -> (place among 5, place among 7), as texts."""
    file = resources.files("cjlib") / "scale_words.csv"
    words: dict[str, dict[str, tuple[str, str]]] = {}
    for row in csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))):
        forms = words.setdefault(row["scale"], {})
        places = (row["code5"], row["code7"])
        if forms.setdefault(key(row["form"]), places) != places:
            raise JourneyError(
                f"scale_words: a form has one place on a scale; {row['form']!r} has two "
                f"on {row['scale']}. Mend cjlib/scale_words.csv."
            )
    return words
