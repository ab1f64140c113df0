"""Times as logs write them: ISO, mixed, Jalali, with offsets; read into one time zone."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cjlib.errors import JourneyError
from cjlib.events.ordering import as_arrow, encode
from cjlib.language import parse_date, to_latin_digits

UNIT: Final = "datetime64[us]"
_OFFSET = r"[ ]?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})$"
_UNIX = r"^(?:\d{10}(?:\.\d+)?|\d{13}|\d{16}|[1-8]\d{18})$"  # s, ms, us or ns since 1970
_SIMPLE = r"^(?:1[7-9]|[2-9]\d)\d{2}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?$"
_FINER = r"(:\d{2}\.\d{6})\d+"  # a second told finer than a millionth
_ISO = r"^(?:1[7-9]|[2-9]\d)\d{2}[-/.]"  # Gregorian, year first; 1200 to 1501 is Jalali
_TIME = re.compile(
    r"(?<!\d)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?"
    r"(?:\s*([AaPp])\.?[Mm]\.?|\s*([قب])\.?\s?ظ\.?)?"
)
_DAY_FIRST = r"^\d{1,2}[-/.]\d{1,2}[-/.]\d{4}"
_DAY_MONTH = re.compile(r"^(\d{1,2})[-/.](\d{1,2})[-/.]\d{4}(?!\d)")


def read_times(text: pd.Series, *, zone: str, order: str | None = None) -> pd.Series:
    """Read times as ``zone``'s wall clock, without an offset; unreadable ones are missing.

    A time with an offset (``Z``, ``UTC``, ``+03:30``) or a Unix time (10, 13, 16 or 19 digits:
    seconds to nanoseconds) is converted to ``zone``; one without is taken to be the zone's
    already. A number of five digits is a spreadsheet's day, with its time after the point. A
    year from 1200 to 1501 is Jalali. 03/04/2025 is read as the column's other dates are meant
    (a day above 12 tells); where none tells, or they disagree, it is missing rather than
    guessed.

    Parameters
    ----------
    text : Series of str or datetime64
    zone : str
        IANA name such as "Asia/Tehran".
    order : "dmy", "mdy" or "", optional
        What 03/04/2025 means (see ``find_order``), where ``text`` is not the whole column.

    Returns
    -------
    Series of datetime64[us], same index

    Raises
    ------
    JourneyError
        If ``zone`` names no time zone.
    """
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise JourneyError(
            f"read_times: time_zone must be an IANA name; got {zone!r}. Write Asia/Tehran or UTC."
        ) from None
    if pd.api.types.is_datetime64_any_dtype(text):
        return _to_zone(text, zone)
    if isinstance(text.dtype, pd.StringDtype) and len(text) > 1000:
        fast = _read_simple(text)
        if fast is not None:
            return fast
        codes, values = encode(text, sort=False)
        found = _read_plain(pd.Series(values, dtype="str"), zone=zone, order=order)
        ticks = np.append(found.to_numpy(dtype="datetime64[us]"), np.datetime64("NaT"))
        return pd.Series(ticks[codes], index=text.index)
    return _read_plain(text.astype("str"), zone=zone, order=order)


def _read_plain(text: pd.Series, *, zone: str, order: str | None) -> pd.Series:
    fast = _read_simple(text)
    if fast is not None:
        return fast
    plain = text.str.strip()
    odd = ~plain.str.contains(r"^[\x20-\x7e]*$", regex=True).fillna(True).astype(bool)
    if odd.any():
        plain = plain.where(~odd, plain[odd].map(_plain))
    fine = plain.str.contains(r":\d{2}\.\d{7}", regex=True).fillna(False).astype(bool)
    if fine.any():  # or pandas would hold all in nanoseconds, which end in 2262
        plain = plain.where(~fine, plain[fine].str.replace(_FINER, r"\1", regex=True))
    result = pd.Series(pd.NaT, index=text.index, dtype=UNIT)
    unix = plain.str.contains(_UNIX, regex=True).fillna(False).astype(bool)
    if unix.any():
        result[unix] = _to_zone(_read_unix(plain[unix]), zone)
    iso = plain.str.contains(_ISO, regex=True).fillna(False).astype(bool)
    aware = iso & plain.str.contains(":", regex=False).fillna(False).astype(bool)
    aware &= plain.str.contains(_OFFSET, regex=True).fillna(False).astype(bool)
    if (iso & ~aware).any():
        found = pd.to_datetime(plain[iso & ~aware], format="ISO8601", errors="coerce")
        result[iso & ~aware] = found.astype(UNIT)
    if aware.any():
        marked = plain[aware].str.replace(r"[ ]?(?:UTC|GMT)$", "Z", regex=True)
        marked = marked.str.replace(r"[ ]([+-]\d{2}:?\d{2})$", r"\1", regex=True)
        found = pd.to_datetime(marked, format="ISO8601", errors="coerce", utc=True)
        result[aware] = _to_zone(found, zone)
    rest = plain[result.isna() & plain.notna() & plain.ne("")]
    if len(rest):
        order = find_order(rest) if order is None else order
        read = {value: _read_one(value, order, zone) for value in rest.unique()}
        result[rest.index] = rest.map(read).astype(UNIT)
    return result


def _read_unix(text: pd.Series) -> pd.Series:
    """Read Unix times by their digits before the point: 10, 13, 16 or 19."""
    whole = text.str.partition(".")
    digits = whole[0].str.len()
    numbers = whole[0].astype("int64")
    part = (whole[2] + "000000").str.slice(0, 6).astype("int64")  # of a second, where one stands
    ticks = numbers.where(digits != 10, numbers * 1_000_000 + part)
    ticks = ticks.where(digits != 13, numbers * 1000).where(digits != 19, numbers // 1000)
    return pd.Series(ticks.to_numpy().astype("datetime64[us]"), index=text.index).dt.tz_localize(
        "UTC"
    )


def _read_simple(text: pd.Series) -> pd.Series | None:
    """Read a column that holds only whole ISO times without offsets; None for any other."""
    column = as_arrow(text)
    if column is None or not len(text) or column.null_count:
        return None
    if not pc.all(pc.match_substring_regex(column, _SIMPLE)).as_py():
        return None
    try:
        ticks = column.cast(pa.timestamp("us")).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:  # a day or an hour that no calendar has
        return None
    return pd.Series(ticks, index=text.index, dtype=UNIT)


def _to_zone(times: pd.Series, zone: str) -> pd.Series:
    if getattr(times.dt, "tz", None) is not None:
        times = times.dt.tz_convert(zone).dt.tz_localize(None)
    return times.astype(UNIT)


def _plain(text: str) -> str:
    return re.sub(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]", "", to_latin_digits(text))


def count_twice(times: pd.Series, *, zone: str) -> int:
    """Count the wall-clock times that ``zone`` shows twice, when its clock is put back.

    Which of the two was meant is not known any more, so that the order of contacts and the
    time between them may be off by that hour.
    """
    known = times.dropna()
    if known.empty:
        return 0
    place, first = ZoneInfo(zone), known.min().floor("D") - pd.Timedelta(days=2)
    last = min(known.max(), pd.Timestamp("2200-01-01")) + pd.Timedelta(days=2)
    days = pd.date_range(first, last, freq="D", tz="UTC")
    offset = [place.utcoffset(day.to_pydatetime().replace(tzinfo=place)) for day in days]
    count = 0
    for day, before, after in zip(days, offset, offset[1:], strict=False):
        if before is not None and after is not None and after < before:
            change = _find_change(day, day + pd.Timedelta(days=1), place)
            twice = known.between(change + after, change + before, inclusive="left")
            count += int(twice.sum())
    return count


def _find_change(low: pd.Timestamp, high: pd.Timestamp, place: ZoneInfo) -> pd.Timestamp:
    """Return the moment, in UTC without saying so, at which the clock of a place changes."""

    def offset(moment: pd.Timestamp) -> timedelta | None:
        return moment.tz_convert(place).utcoffset()

    low, high = low - pd.Timedelta(days=1), high + pd.Timedelta(days=1)
    start = offset(low)
    while high - low > pd.Timedelta(milliseconds=1):
        middle = low + (high - low) // 2
        low, high = (middle, high) if offset(middle) == start else (low, middle)
    return high.round("s").tz_localize(None)


def find_order(texts: pd.Series) -> str:
    """Return "dmy" or "mdy" where the dates of a column tell, "" where they do not agree."""
    return read_day_order(*find_day_orders(texts)[:2])


def find_day_orders(texts: pd.Series) -> tuple[bool, bool, bool]:
    """Tell of dates like 03/04/2025: whether some must have the day first, the month, and any.

    A column of times has none.
    """
    if pd.api.types.is_datetime64_any_dtype(texts):
        return False, False, False
    odd = texts.str.contains(r"[^\x20-\x7e]", regex=True).fillna(False).astype(bool)
    plain = texts.where(~odd, texts[odd].map(_plain)) if odd.any() else texts
    plain = plain.str.strip()
    plain = plain[plain.str.contains(_DAY_FIRST, regex=True).fillna(False).astype(bool)]
    parts = plain.str.extract(_DAY_MONTH).dropna().astype(int)
    return bool((parts[0] > 12).any()), bool((parts[1] > 12).any()), bool(len(parts))


def read_day_order(day_first: bool, month_first: bool) -> str:
    """Return what such dates mean, "" where nothing tells or the column contradicts itself."""
    if day_first == month_first:
        return ""
    return "dmy" if day_first else "mdy"


def _read_one(text: str, order: str, zone: str) -> pd.Timestamp | None:
    day = parse_date(text, order=order)
    if day is None:
        return None
    if re.fullmatch(r"\d{5}\.\d+", text):  # a spreadsheet's day number with its time
        return pd.Timestamp(day) + pd.Timedelta(seconds=round(86_400 * (float(text) % 1)))
    return _at(day, text, zone)


def _at(day: date, text: str, zone: str) -> pd.Timestamp | None:
    clock = _TIME.search(text)
    if clock is None:
        return pd.Timestamp(day)
    hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or 0)
    half = (clock[5] or "").lower() or {"ق": "a", "ب": "p"}.get(clock[6] or "", "")
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    micro = int((clock[4] or "0")[:6].ljust(6, "0"))
    moment = pd.Timestamp(day) + pd.Timedelta(
        hours=hour, minutes=minute, seconds=second, microseconds=micro
    )
    offset = re.search(_OFFSET, text[clock.end() :])
    if offset is None:
        return moment
    digits = offset[0].strip().replace(":", "")
    if digits[0] in "+-":
        shift = pd.Timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
        moment = moment - shift if digits[0] == "+" else moment + shift
    return moment.tz_localize("UTC").tz_convert(zone).tz_localize(None)
