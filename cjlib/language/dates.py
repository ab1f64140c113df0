"""Dates in the Persian and Gregorian calendars, as forms and people write them."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Final

from persiantools.jdatetime import JalaliDate

from cjlib.errors import JourneyError
from cjlib.language.script import clean, key, to_latin_digits, to_persian_digits

JALALI_YEARS: Final = range(1200, 1502)  # the 33-year rule is exact here
GREGORIAN_YEARS: Final = range(1700, 2201)
EXCEL_DAYS: Final = range(20_000, 80_000)  # 1954 to 2119
EXCEL_EPOCH: Final = date(1899, 12, 30)

JALALI_MONTHS: Final = (
    "فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور",
    "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند",
)  # fmt: skip
_JALALI_OTHER = (
    ("حمل", "ثور", "جوزا", "سرطان", "اسد", "سنبله",
     "میزان", "عقرب", "قوس", "جدی", "دلو", "حوت"),
    ("Farvardin", "Ordibehesht", "Khordad", "Tir", "Mordad", "Shahrivar",
     "Mehr", "Aban", "Azar", "Dey", "Bahman", "Esfand"),
)  # fmt: skip
GREGORIAN_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_GREGORIAN_OTHER = (
    ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    ("ژانویه", "فوریه", "مارس", "آوریل", "مه", "ژوئن",
     "ژوئیه", "اوت", "سپتامبر", "اکتبر", "نوامبر", "دسامبر"),
    ("ژانویه", "فوریه", "مارچ", "اپریل", "می", "جون",
     "جولای", "آگوست", "سپتامبر", "اکتوبر", "نوامبر", "دسامبر"),
)  # fmt: skip
_MONTHS: Final = {
    **{key(n): (True, i) for names in (JALALI_MONTHS, *_JALALI_OTHER)
       for i, n in enumerate(names, 1)},
    **{key(n): (False, i) for names in (GREGORIAN_MONTHS, *_GREGORIAN_OTHER)
       for i, n in enumerate(names, 1)},
    key("امرداد"): (True, 5), key("Sept"): (False, 9),
}  # fmt: skip
_DAY_NAMES: Final = {
    key(n)
    for n in (
        "شنبه", "یکشنبه", "دوشنبه", "سه‌شنبه", "چهارشنبه", "پنجشنبه", "جمعه", "مورخ", "روز",
        "ماه", "سال", "of", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
        "Sunday", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "میلادی", "شمسی",
        "خورشیدی", "یک", "دو", "سه", "چهار", "پنج", "ه", "ش",
    )
}  # fmt: skip
_TIME = re.compile(
    r"[T ,]*(?:ساعت\s*)?(?<!\d)\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?"
    r"(?:\s*(?:[AaPp]\.?[Mm]\.?|ق\.?\s?ظ\.?|ب\.?\s?ظ\.?))?"
    r"(?:\s*(?:Z|(?:GMT|UTC)?\s*(?:[-+]\d{1,2}(?::?\d{2})?)?(?![\d/])))?"
)
_NUMERIC = re.compile(r"(\d{1,4})\s*([-/.])\s*(\d{1,2})\s*\2\s*(\d{1,4})")


def parse_date(text: str, *, order: str = "") -> date | None:
    """Return the day that ``text`` names, as a Gregorian date, or None where it is not sure.

    A year from 1200 to 1501 is of the Persian calendar, from 1700 to 2200 of the Gregorian;
    a two-digit year gives None. Read are 1404/3/18, ۱۴۰۴-۰۳-۱۸, 2025-06-08T10:00Z,
    18/3/1404, 8 June 2025, Jun 8, 2025, «یکشنبه ۱۸ خرداد ۱۴۰۴», 14040318 and Excel day
    numbers (45816); a time of day is passed over. A day that does not exist
    («۳۰ اسفند ۱۴۰۴») gives None.

    Parameters
    ----------
    text : str
    order : "dmy", "mdy" or ""
        How 03/04/2025 is meant; with "" such a date, where both readings exist and
        differ, gives None. Year first and Persian dates (day, month, year) need no order.
    """
    if order not in ("", "dmy", "mdy"):
        raise JourneyError(f"parse_date: order must be 'dmy', 'mdy' or ''; got {order!r}.")
    plain = to_latin_digits(clean(text)).replace("−", "-").replace("–", "-").strip("()[] «»\"'")
    day_number = re.fullmatch(r"(\d{5})(?:\.\d+)?", plain)
    if day_number:
        days = int(day_number[1])
        return EXCEL_EPOCH + timedelta(days) if days in EXCEL_DAYS else None
    plain = _TIME.sub(" ", plain).strip(" ,،T")
    packed = re.fullmatch(r"(\d{4})(\d{2})(\d{2})", plain)
    if packed:
        return _make(int(packed[1]), int(packed[2]), int(packed[3]))
    if any(c.isalpha() for c in plain):
        return _parse_named(plain)
    return _parse_numeric(plain, order)


def _parse_numeric(plain: str, order: str) -> date | None:
    """Read three numbers, the year first or last; two readings that differ give None."""
    found = _NUMERIC.fullmatch(plain)
    if not found:
        return None
    first, second, third = int(found[1]), int(found[3]), int(found[4])
    if len(found[1]) == 4 and len(found[4]) <= 2:
        return _make(first, second, third)
    if len(found[1]) > 2 or len(found[4]) != 4:
        return None
    day_first, month_first = _make(third, second, first), _make(third, first, second)
    if order == "dmy" or third in JALALI_YEARS:
        return day_first
    if order == "mdy":
        return month_first
    unsure = day_first and month_first and day_first != month_first
    return None if unsure else day_first or month_first


def _parse_named(plain: str) -> date | None:
    """Read a date whose month is a word: two numbers, one month, no unknown word."""
    words = [key(w) for w in re.findall(r"[^\W\d_]+", plain)]
    numbers = [int(n) for n in re.findall(r"\d+", plain)]
    months = [_MONTHS[w] for w in words if w in _MONTHS]
    known = {"st", "nd", "rd", "th", "ام", "م", *_MONTHS, *_DAY_NAMES}
    if len(months) != 1 or len(numbers) != 2 or any(w not in known for w in words):
        return None
    jalali, month = months[0]
    day, year = sorted(numbers)
    if (year in JALALI_YEARS) != jalali:
        return None
    return _make(year, month, day)


def _make(year: int, month: int, day: int) -> date | None:
    try:
        if year in JALALI_YEARS:
            found: date = JalaliDate(year, month, day).to_gregorian()  # type: ignore[no-untyped-call]
            return found
        return date(year, month, day) if year in GREGORIAN_YEARS else None
    except ValueError:
        return None


def format_date(
    value: date, *, calendar: str = "gregory", digits: str = "latn", long: bool = False
) -> str:
    """Return a day as text.

    Parameters
    ----------
    value : date, datetime or Timestamp
        A Gregorian day.
    calendar : "gregory" or "persian"
    digits : "latn" or "arabext"
    long : bool
        With the month's name (Persian for "arabext" digits or the Persian calendar):
        "8 June 2025", «۱۸ خرداد ۱۴۰۴»; otherwise 2025-06-08 and ۱۴۰۴/۰۳/۱۸.
    """
    if calendar not in ("gregory", "persian") or digits not in ("latn", "arabext"):
        raise JourneyError(
            "format_date: calendar must be gregory or persian and digits latn or arabext; "
            f"got {calendar!r} and {digits!r}."
        )
    day = value.date() if isinstance(value, datetime) else value
    if calendar == "persian":
        if not date(1821, 3, 21) <= day <= date(2123, 3, 20):
            raise JourneyError(
                f"format_date: the Persian calendar is exact from 1200 to 1501; got {day}. "
                "Use calendar='gregory'."
            )
        jalali = JalaliDate(day)  # type: ignore[no-untyped-call]
        year, month, number = jalali.year, jalali.month, jalali.day
        name = JALALI_MONTHS[month - 1]
    else:
        year, month, number = day.year, day.month, day.day
        persian = digits == "arabext"
        name = _GREGORIAN_OTHER[1][month - 1] if persian else GREGORIAN_MONTHS[month - 1]
    mark = "/" if calendar == "persian" else "-"
    text = f"{number} {name} {year}" if long else f"{year}{mark}{month:02d}{mark}{number:02d}"
    return to_persian_digits(text) if digits == "arabext" else text
