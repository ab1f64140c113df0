"""Numbers and money as people write them, in Persian and English."""

from __future__ import annotations

import math
import re
from typing import Final

from cjlib.errors import JourneyError
from cjlib.language.script import clean, is_rtl, key, to_latin_digits, to_persian_digits

_SIGNS = str.maketrans({"−": "-", "–": "-", "٫": ".", "٬": ",", "،": ","})
_PLAIN = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_GROUPED = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?")
_DOTTED = re.compile(r"[-+]?\d{1,3}(\.\d{3}){2,}")
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
_RANGE = re.compile(r"(?:از|from)?\s*(-?\d+)\s*(?:تا|to|[-–])\s*(-?\d+)", re.IGNORECASE)

THOUSAND_FLOOR: Final = 1000  # fewer Toman than this is spoken shorthand for thousands
MULTIPLIERS: Final = {
    "هزار": 1e3, "میلیون": 1e6, "میلیارد": 1e9, "thousand": 1e3, "k": 1e3,
    "million": 1e6, "m": 1e6, "billion": 1e9, "bn": 1e9,
}  # fmt: skip
UNITS: Final = {
    "ت": "toman", "تومان": "toman", "تومن": "toman", "toman": "toman", "tomans": "toman",
    "irt": "toman", "ریال": "rial", "rial": "rial", "rials": "rial", "irr": "rial",
    "دلار": "USD", "usd": "USD", "dollar": "USD", "dollars": "USD", "$": "USD",
    "یورو": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR", "€": "EUR",
    "پوند": "GBP", "gbp": "GBP", "£": "GBP", "درهم": "AED", "aed": "AED",
    "لیر": "TRY", "try": "TRY",
}  # fmt: skip
_MONEY = re.compile(r"(?P<before>[$€£]?)\s*(?P<number>[-+]?[\d.,/]*\d)\s*(?P<words>.*)")


def parse_number(text: str) -> float | None:
    """Return the number that ``text`` writes, or None where it is not surely one.

    Digits of three sets; ٫ and . are decimal signs, ٬ a thousands sign. A comma (, or ،)
    before each group of exactly three digits is a thousands sign ("1,234" is 1234), a
    single comma elsewhere a decimal one ("3,5" is 3.5). Units, percent signs, fractions,
    infinities and "nan" give None.
    """
    plain = to_latin_digits(clean(text)).translate(_SIGNS).replace(" ", "")
    if _PLAIN.fullmatch(plain):
        value = float(plain)
        return value if math.isfinite(value) else None
    if _GROUPED.fullmatch(plain):
        return float(plain.replace(",", ""))
    if _DOTTED.fullmatch(plain):
        return float(plain.replace(".", ""))
    if _DECIMAL_COMMA.fullmatch(plain):
        return float(plain.replace(",", "."))
    return None


def parse_range(text: str) -> tuple[float, float] | None:
    """Return the two ends of a range in words or signs («از ۱ تا ۱۰» is 1, 10), or None."""
    found = _RANGE.fullmatch(to_latin_digits(clean(text)))
    return (float(found[1]), float(found[2])) if found else None


def parse_money(text: str) -> tuple[float, str] | None:
    """Return amount and unit of a sum of money, or None where the text cannot tell.

    Units are ``toman``, ``rial`` (a Toman is ten Rial; nothing is converted) and ISO codes.
    Multipliers (هزار، میلیون، میلیارد) count; before one a slash is a decimal sign
    («۳/۵ میلیون تومان»). None: no unit; fewer than 1,000 Toman without a multiplier
    ("35ت" most likely means thousands, but does not say so); three digits behind ٫ or a
    dot in Toman («۷٫۵۰۰ تومان» may be 7.5 or 7,500).
    """
    shown = to_latin_digits(clean(text)).translate(_SIGNS).casefold()
    found = _MONEY.fullmatch(shown)
    if not found:
        return None
    words = [key(w) or w for w in re.findall(r"[^\W\d_]+|[$€£]", found["words"])]
    if found["before"]:
        words.append(found["before"])
    factor = 1.0
    scaled = False
    while words and words[0] in MULTIPLIERS:
        factor *= MULTIPLIERS[words.pop(0)]
        scaled = True
    if len(words) != 1 or words[0] not in UNITS:
        return None
    unit = UNITS[words[0]]
    number = found["number"].replace("/", ".") if scaled else found["number"]
    value = parse_number(number)
    if value is None:
        return None
    domestic = unit in ("toman", "rial")
    if domestic and not scaled and re.search(r"\.\d{3}$", number):
        return None
    if unit == "toman" and not scaled and abs(value) < THOUSAND_FLOOR:
        return None
    return value * factor, unit


def format_number(value: float, form: str = "en", *, decimals: int | None = None) -> str:
    """Return ``value`` as text for readers.

    Parameters
    ----------
    value : float
        Missing or infinite values give "–".
    form : str
        Language ("en", "fa") or digits ("latn", "arabext"). Persian takes ٬ and ٫, and a
        left-to-right mark before its minus so that the sign stays in front.
    decimals : int, optional
        Digits behind the decimal sign; None: as many as needed, at most two.
    """
    if form not in ("en", "latn", "fa", "arabext"):
        raise JourneyError(
            f"format_number: form must be en, fa, latn or arabext; got {form!r}. "
            "Pass study.language or study.digits."
        )
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{abs(value):,.{2 if decimals is None else decimals}f}"
    if decimals is None:
        text = text.rstrip("0").rstrip(".")
    sign = "−" if value < 0 and any(c in "123456789" for c in text) else ""
    if form == "arabext" or is_rtl(form):
        swapped = text.translate(str.maketrans(",.", "٬٫"))
        return ("\u200e" + sign if sign else "") + to_persian_digits(swapped)
    return sign + text
