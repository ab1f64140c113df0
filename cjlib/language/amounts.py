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
_RANGE = re.compile(r"(?:از|from|between|بین)?\s*(\S.*?)\s*(?:تا|to|and|[-–—])\s*(.*\d.*)", re.I)

THOUSAND_FLOOR: Final = 1000  # fewer Toman than this is spoken shorthand for thousands
MULTIPLIERS: Final = {
    "هزار": 1e3, "میلیون": 1e6, "میلیارد": 1e9, "thousand": 1e3, "k": 1e3,
    "million": 1e6, "m": 1e6, "billion": 1e9, "bn": 1e9,
}  # fmt: skip
UNITS: Final = {
    "ت": "toman", "تومان": "toman", "تومن": "toman", "toman": "toman", "tomans": "toman",
    "irt": "toman", "ریال": "rial", "rial": "rial", "rials": "rial", "irr": "rial",
    "دلار": "USD", "us": "USD", "usd": "USD", "dollar": "USD", "dollars": "USD", "$": "USD",
    "یورو": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR", "€": "EUR",
    "پوند": "GBP", "gbp": "GBP", "£": "GBP", "درهم": "AED", "aed": "AED",
    "لیر": "TRY", "try": "TRY",
}  # fmt: skip
_MONEY = re.compile(r"(?P<before>[^\W\d_]*\s*[$€£]?)\s*(?P<number>[-+]?[\d.,/]*\d)(?P<words>\D*)")
_FROM = re.compile(r"^\s*(?:از|from|between|بین)\s+", re.IGNORECASE)
_RANGE_MARK = re.compile(r"\s+(?:تا|to|and)\s+|\s*[–—]\s*|(?<=[^\s-])\s*-\s*")
_AND_MORE = re.compile(r"(?<=[^\W\d_])\s*و\s*(?=\d)")  # «۲ میلیون و ۵۰۰ هزار»


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
    """Return the two ends of a range in words or signs («از ۱ تا ۱۰» is 1, 10), or None.

    The lower end goes first; "65+" and "under 18" have one end and give None.
    """
    found = _RANGE.fullmatch(to_latin_digits(clean(text)))
    low, high = (parse_number(found[1]), parse_number(found[2])) if found else (None, None)
    return None if low is None or high is None or low > high else (low, high)


def parse_money(text: str, *, unit: str = "") -> tuple[float, str] | None:
    """Return amount and unit of a sum of money, or None where the text cannot tell.

    Units are ``toman``, ``rial`` (a Toman is ten Rial; nothing is converted) and ISO codes,
    before or behind the number. Multipliers (هزار، میلیون، میلیارد) count; before one a
    slash is a decimal sign («۳/۵ میلیون تومان»); «۲ میلیون و ۵۰۰ هزار تومان» is a sum.
    None: no unit; two units; fewer than 1,000 Toman without a multiplier ("35ت" most
    likely means thousands, but does not say so); three digits behind ٫ or a dot
    («۷٫۵۰۰ تومان» may be 7.5 or 7,500).

    Parameters
    ----------
    text : str
    unit : str
        The unit of a text without one, as the form asked for it; "": such a text gives None.
    """
    asked = money_unit(unit) if unit else ""
    shown = to_latin_digits(clean(text)).translate(_SIGNS).casefold()
    parts = [_read_part(part, asked) for part in _AND_MORE.split(shown)]
    total, below, told = 0.0, math.inf, ""
    for place, part in enumerate(parts):
        if part is None:
            return None
        value, factor, said = part
        last = place == len(parts) - 1
        if factor >= below or (factor == 1 and not last) or (said and told and said != told):
            return None
        total, below, told = total + round(value * factor, 6), factor, said or told
    scaled = len(parts) > 1 or (parts[0] is not None and parts[0][1] > 1)
    told = told or asked
    if not told or (told == "toman" and not scaled and 0 < abs(total) < THOUSAND_FLOOR):
        return None
    return total, told


def parse_money_range(text: str, *, unit: str = "") -> tuple[float, float, str] | None:
    """Return both ends and the unit of a range of money, or None where the text cannot tell.

    A unit said at one end holds for both. A multiplier must stand at both or at neither:
    "5 to 10 million" does not say whether the 5 are millions.
    """
    asked = money_unit(unit) if unit else ""
    plain = to_latin_digits(clean(text)).translate(_SIGNS).casefold()
    parts = _RANGE_MARK.split(_FROM.sub("", plain))
    ends = [_read_part(part, asked) for part in parts]
    low, high = ends if len(ends) == 2 else (None, None)
    if low is None or high is None or (low[1] == 1) != (high[1] == 1):
        return None
    told = low[2] or high[2] or asked
    sums = [round(value * factor, 6) for value, factor, _ in (low, high)]
    small = told == "toman" and low[1] == 1 and any(0 < one < THOUSAND_FLOOR for one in sums)
    if not told or (low[2] and high[2] and low[2] != high[2]) or small or sums[0] > sums[1]:
        return None
    return sums[0], sums[1], told


def money_unit(name: str) -> str:
    """Return the one name of a unit of money: toman, rial, or the code in capitals."""
    return UNITS.get(name.casefold().strip()) or UNITS.get(key(name)) or name.strip().upper()


def convert_money(value: float, unit: str, currency: str) -> float | None:
    """Return a sum in another unit: a Toman is ten Rial; None for two different currencies."""
    here, there = money_unit(unit), money_unit(currency)
    if here == there and here:
        return value
    rials = {"toman": 10.0, "rial": 1.0}
    return value * rials[here] / rials[there] if here in rials and there in rials else None


def _read_part(text: str, asked: str) -> tuple[float, float, str] | None:
    """Return number, factor and unit ("" where it has none) of one "3.5 million toman"."""
    found = _MONEY.fullmatch(text.strip())
    if not found:
        return None
    before, words = (_split_words(found[name], asked) for name in ("before", "words"))
    factor = 1.0
    while words and words[0] in MULTIPLIERS:
        factor *= MULTIPLIERS[words.pop(0)]
    units = {UNITS.get(word, asked if word == asked.casefold() else "") for word in before + words}
    if "" in units or len(units) > 1:
        return None
    number = found["number"].replace("/", ".") if factor > 1 else found["number"]
    value = parse_number(number)
    if value is None or (factor == 1 and re.search(r"\.\d{3}$", number)):
        return None
    return value, factor, next(iter(units), "")


def _split_words(text: str, asked: str) -> list[str]:
    """Words and signs, «هزارتومان» parted where it is written as one."""
    words = [key(word) or word for word in re.findall(r"[^\W\d_]+|[$€£]", text)]
    parted: list[str] = []
    for word in words:
        known = {*UNITS, asked.casefold()} - {""}
        joined = [m for m in MULTIPLIERS if word.startswith(m) and word[len(m) :] in known]
        parted += [joined[0], word[len(joined[0]) :]] if joined and word not in known else [word]
    return parted


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
