"""Personal data in running text: what a rule of form or a checksum can recognise."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from cjlib.language.script import ARABIC, LATIN, PERSIAN

PLACEHOLDERS: Final = {
    "email": "[e-mail]", "iban": "[iban]", "card": "[card]", "ip": "[ip]",
    "coordinates": "[coordinates]", "national_id": "[national id]", "phone": "[phone]",
    "postal_code": "[postal code]",
}  # fmt: skip
KINDS: Final = tuple(PLACEHOLDERS)
_WIDE = range(0xFF01, 0xFF5F)  # full-width forms of ASCII
_FOLD: Final[dict[int, int | str]] = {
    **str.maketrans(PERSIAN + ARABIC, LATIN * 2),
    **{wide: wide - 0xFEE0 for wide in _WIDE},
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63"), "-"),
    **dict.fromkeys(map(ord, "\u00a0\u2002\u2003\u2007\u2009\u202f\u3000\t"), " "),
    **str.maketrans("٫،؛﹫", ".,;@"),
}
_HIDDEN = frozenset(
    map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad\u061c\u0640\ufe0f\u20e3")
) | {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}
_MARKS: Final = ("@", "\uff20", "\ufe6b", "::", "°", "º")  # a datum has one of these, or digits
_DIGITS: Final = re.compile(r"\d(?:\W*\d){4}")
# Lengths of the international bank account number by country, as its registry lists them.
_IBAN_LENGTHS: Final = {
    "AE": 23, "AT": 20, "AZ": 28, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "CH": 21, "CY": 28,
    "CZ": 24, "DE": 22, "DK": 18, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FR": 27, "GB": 22,
    "GE": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IR": 26, "IS": 26,
    "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LT": 20, "LU": 20, "LV": 21, "MT": 31,
    "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PT": 25, "QA": 29, "RO": 24, "RS": 22,
    "SA": 24, "SE": 24, "SI": 19, "SK": 24, "TN": 24, "TR": 26, "UA": 29,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PersonalDatum:
    """One personal datum in a text.

    Attributes
    ----------
    kind : str
        One of ``KINDS``: email, iban, card, ip, coordinates, national_id, phone, postal_code.
    start, end : int
        Where it stands: ``text[start:end]``.
    text : str
        The datum as written. Not for a file: write its kind and its place.
    """

    kind: str
    start: int
    end: int
    text: str


def find_personal(text: str) -> list[PersonalDatum]:
    """List the personal data in ``text`` that have a form of their own, in order.

    Digits may be Persian, Arabic, Latin or full-width; invisible characters (half-spaces,
    direction marks) inside a datum do not hide it.

    - **email**: something@domain.ending.
    - **iban**: Sheba (IR and 24 digits, or the 24 digits alone) and other countries', of the
      country's length; remainder by 97 is 1 (ISO 13616).
    - **card**: 16 digits, together or in fours, that pass Luhn's check.
    - **ip**: IPv4 (not all numbers of one digit, as in a version) and IPv6.
    - **coordinates**: two decimals with four or more decimal places, the first within 90 and
      the second within 180, or with degrees and N, S, E, W.
    - **national_id**: ten digits that pass the Iranian check, not all the same; or any ten
      digits after words such as «کد ملی».
    - **phone**: Iranian mobiles with 0, +98, 0098 or (ten digits from 90 to 94 and 99) none;
      Iranian landlines with their area code; international numbers after + or 00; ten digits
      as 555-123-4567; an area code in brackets or
      with its zero; 7 to 12 digits after «تلفن», "phone".
    - **postal_code**: ten digits after «کد پستی» only, for nothing in them tells.

    Ten or sixteen digits run together that a word before calls an order, a parcel or an
    invoice, or that a currency follows, are none of these: one number in ten passes either
    check by chance. What has no form is out of reach: names, street addresses, numbers and
    addresses spelled out in words ("nine one two", "ali at example dot com").

    Parameters
    ----------
    text : str

    Returns
    -------
    list of PersonalDatum
        They never overlap; replaced by ``mask_personal``, none is left to find.

    References
    ----------
    ISO/IEC 7812-1 (Luhn); ISO 13616 (IBAN); RFC 4291 (IPv6); ITU-T E.164 (phones).
    """
    marked = any(mark in text for mark in _MARKS) or text.count(":") > 6
    if not (marked or _DIGITS.search(text)):
        return []  # most texts, fast
    folded, places = _fold(text)
    found: list[PersonalDatum] = []
    before = -1
    while len(found) > before:  # what a datum hid behind may be one itself once that is masked
        before = len(found)
        for kind, spans in _FINDERS:
            taken = list(spans(folded))
            for start, end in taken:
                first, last = places[start], places[end - 1] + 1
                found.append(PersonalDatum(kind, first, last, text[first:last]))
            folded = _blot(folded, taken)
    return sorted(found, key=lambda datum: datum.start)


def _blot(text: str, spans: list[tuple[int, int]]) -> str:
    """Put brackets, as of a placeholder of the same length, where data were found."""
    parts, end = [], 0
    for start, stop in spans:
        parts += [text[end:start], "[", "]" * (stop - start - 1)]
        end = stop
    return "".join([*parts, text[end:]])


def mask_personal(text: str) -> str:
    """Return ``text`` with each personal datum replaced by its kind in brackets, as [phone]."""
    parts, end = [], 0
    for datum in find_personal(text):
        parts += [text[end : datum.start], PLACEHOLDERS[datum.kind]]
        end = datum.end
    return "".join([*parts, text[end:]])


def _fold(text: str) -> tuple[str, list[int] | range]:
    """Return the text in plain characters, and where each of them stands in ``text``."""
    plain = text.translate(_FOLD)  # one for one
    if not any(ord(c) in _HIDDEN for c in plain):
        return plain, range(len(plain))
    places = [place for place, c in enumerate(plain) if ord(c) not in _HIDDEN]
    return "".join(plain[place] for place in places), places


_Spans = Iterator[tuple[int, int]]
_LOCAL = r"A-Za-z0-9\u00c0-\u024f._%+'-"
_EMAIL = re.compile(
    rf"(?<![{_LOCAL}])[{_LOCAL}]{{1,64}}@(?:[A-Za-z0-9\u00c0-\u024f-]{{1,63}}\.){{1,8}}[A-Za-z]{{2,24}}"
    rf"|[\w.%+'-]{{1,64}}@(?:[\w-]{{1,63}}\.){{1,8}}[^\W\d_]{{2,24}}"
    rf"|[{_LOCAL}]{{1,64}} ?@ ?(?:gmail|yahoo|hotmail|outlook|live|icloud|ymail|chmail) ?\. ?"
    r"(?:com|ir|org|net|co\.uk)\b",
    re.IGNORECASE,
)
_GAP = r"[ .\-_/()]{0,2}"
_NOT_MONEY = (
    r"(?! ?(?:تومان|تومن|ریال|هزار|میلیون|میلیارد|درصد|toman|rial|irr|usd|eur|dollar|euro)|[$€£%٬])"
)
_ALONE_BEFORE = r"(?<![0-9A-Za-z_/=#.,+٬-])"
_ALONE_AFTER = rf"(?![0-9A-Za-z_@]|[.,:٬/-]\d){_NOT_MONEY}"
_OF_A_THING = re.compile(
    r"(?:سفارش|پیگیری|رهگیری|فاکتور|مرسوله|بسته|بارکد|سریال|کالا|محصول|تراکنش|تیکت|پرونده|قبض"
    r"|order|tracking|invoice|serial|ticket|case|claim|reference|ref|parcel|sku|barcode|isbn"
    r"|transaction|confirmation|item|product|model|pedido|nota fiscal|protocolo|rastreio)"
    r"(?:[^\n\d.!?؟\]]|(?<=no)\.){0,20}$",
    re.IGNORECASE,
)
_OF_AN_ID = re.compile(
    r"(?:کد ?ملی|شماره ?ملی|شناسه ?ملی|national (?:id|code|number))[^\n\d\]]{0,15}$", re.IGNORECASE
)
_OF_A_POSTCODE = re.compile(
    r"(?:کد ?پستی|کدپستی|postal code|post ?code|zip ?code)[^\n\d\]]{0,10}$", re.IGNORECASE
)
_OF_A_PHONE = re.compile(
    r"(?:تلفن|موبایل|شماره ?تماس|شماره ?همراه|شماره ?من|تلفکس|فکس|واتس ?اپ"
    r"|(?<![a-z])(?:phone|tel|mobile|cell|fax|whatsapp)(?: ?(?:number|no|is))*)"
    r"[^\n\w\]]{0,4}(?:(?:ام|م|من|تماس|همراه|ثابت|is|my)[^\n\w\]]{1,3}){0,2}$",
    re.IGNORECASE,
)


def _lead(text: str, place: int) -> str:
    """Return the words before a place, as far back as they may tell what stands there."""
    return text[max(0, place - 60) : place]


def _find_emails(text: str) -> _Spans:
    for match in _EMAIL.finditer(text) if "@" in text else ():
        lead = len(match[0]) - len(match[0].lstrip("'.-+_%"))
        if not match[0].lstrip("'.-+_%").startswith(("@", " @")):
            yield match.start() + lead, match.end()


_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[ -]?\d{2}(?:[ -]?[A-Za-z0-9]){11,30}")
_SHEBA = re.compile(rf"(?<![0-9A-Za-z.,-])\d{{2}}(?:[ -]?\d){{22}}(?![ -]?\d){_NOT_MONEY}")


def _find_ibans(text: str) -> _Spans:
    for match in _IBAN.finditer(text):
        plain = re.sub("[ -]", "", match[0]).upper()
        length = _IBAN_LENGTHS.get(plain[:2], 99)
        end = match.start() + _after(match[0], length)
        if (
            len(plain) >= length
            and not text[end : end + 1].isalnum()
            and _passes_97(plain[:length])
        ):
            yield match.start(), end


def _find_bare_shebas(text: str) -> _Spans:
    for match in _SHEBA.finditer(text):
        if _passes_97("IR" + re.sub("[ -]", "", match[0])):
            yield match.span()


def _after(text: str, letters: int) -> int:
    """Place just after the given number of letters and digits."""
    seen = 0
    for place, c in enumerate(text):
        seen += c.isalnum()
        if seen == letters:
            return place + 1
    return len(text)


def _passes_97(iban: str) -> bool:
    turned = iban[4:] + iban[:4]
    return int("".join(str(int(c, 36)) for c in turned)) % 97 == 1


_CARD = re.compile(
    r"(?<![0-9A-Za-z_+٬])(?<!\d[.,-])[2-6]\d{3}([ .-]?)\d{4}\1\d{4}\1\d{4}"
    rf"(?![0-9A-Za-z_]|[.,-]\d){_NOT_MONEY}"
)


def _find_cards(text: str) -> _Spans:
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if _passes_luhn(digits) and (
            match[1] or not _OF_A_THING.search(_lead(text, match.start()))
        ):
            yield match.span()


def _passes_luhn(digits: str) -> bool:
    doubled = (2 * int(d) if i % 2 else int(d) for i, d in enumerate(reversed(digits)))
    return len(set(digits)) > 1 and sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


_IPV4 = re.compile(r"(?<![\d.,])(?<!v)(?:\d{1,3}\.){3}\d{1,3}(?![\d]|\.\d|[-/]\d{3,})")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")


def _find_addresses(text: str) -> _Spans:
    for match in _IPV4.finditer(text) if text.count(".") > 2 else ():
        parts = match[0].split(".")
        short = all(len(part) == 1 for part in parts)  # 1.2.3.4 is a version or a heading
        if not short and parts[0] != "0" and _is_ip(match[0]):
            yield match.span()


def _find_long_addresses(text: str) -> _Spans:
    for match in _IPV6.finditer(text) if ":" in text else ():
        first = match[0].split(":")[0]
        if (match[0].count(":") == 7 or len(first) == 4) and _is_ip(match[0]):
            yield match.span()


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


_PLACES = r"-?\d{1,3}\.\d{4,}"
_PAIR = re.compile(
    rf"(?<![\d.٬])({_PLACES}) ?°? ?[NS]?(?: ?[,;/] ?| )({_PLACES}) ?°?(?: ?[EWO]\b)?(?![\d٬]|\.\d)"
)
_SECONDS = r"(?:\d{1,2}(?:\.\d+)? ?(?:[\"″”]|'') ?)?"
_DEGREE = rf"\d{{1,3}}(?:\.\d+)? ?[°º] ?(?:\d{{1,2}}(?:\.\d+)? ?['′’] ?{_SECONDS})?"
_DEGREES = re.compile(rf"(?<![\d.]){_DEGREE}[NS][ ,;]{{0,3}}{_DEGREE}[EWO]\b")


def _find_degrees(text: str) -> _Spans:
    for match in _DEGREES.finditer(text) if "°" in text or "º" in text else ():
        yield match.span()


def _find_coordinates(text: str) -> _Spans:
    for match in _PAIR.finditer(text) if "." in text else ():
        latitude, longitude = abs(float(match[1])), abs(float(match[2]))
        if latitude <= 90 and longitude <= 180 and max(latitude, longitude) > 1:
            yield match.span()


_PARTED_ID = re.compile(r"(?<![0-9A-Za-z_-])\d{3}-\d{6}-\d(?![0-9A-Za-z_-])")
_TEN = re.compile(
    rf"{_ALONE_BEFORE}(?:\d{{10}}|\d{{3}}([ -])\d{{6}}\1\d|\d{{5}}-\d{{5}}){_ALONE_AFTER}"
)


def _find_parted_ids(text: str) -> _Spans:
    for match in _PARTED_ID.finditer(text):
        if is_national_id(match[0].replace("-", "")):
            yield match.span()


def _find_national_ids(text: str) -> _Spans:
    for match in _TEN.finditer(text):
        digits, before = re.sub(r"\D", "", match[0]), _lead(text, match.start())
        told = _OF_AN_ID.search(before)
        other = _OF_A_THING.search(before) or _OF_A_POSTCODE.search(before)
        if told or (is_national_id(digits) and not other and "-" not in match[0][5:6]):
            yield match.span()


def is_national_id(digits: str) -> bool:
    """Say whether ten Latin digits pass the check of Iranian national ids.

    The first nine, weighted 10 to 2, summed and divided by 11 leave r; the last digit is r
    where r is below 2 and 11 - r otherwise. Ten equal digits pass but are never given out.
    """
    if not re.fullmatch("[0-9]{10}", digits) or len(set(digits)) == 1:
        return False
    rest = sum(int(d) * w for d, w in zip(digits, range(10, 1, -1), strict=False)) % 11
    return int(digits[9]) == (rest if rest < 2 else 11 - rest)


def _find_postal_codes(text: str) -> _Spans:
    for match in _TEN.finditer(text):
        if _OF_A_POSTCODE.search(_lead(text, match.start())):
            yield match.span()


_AREA = (
    "11|13|17|21|23|24|25|26|28|31|34|35|38|41|44|45|51|54|56|58|61|66|71|74|76|77|81|83|84|86|87"
)
_NATION = r"(?:(?:\+|00)98[ .\-]{0,2}(?:\(?0\)?)?|0)"
_PHONE = re.compile(
    rf"(?<![0-9A-Za-z_+])(?<!\d\.)(?:{_NATION}[ .\-(]{{0,2}}9\d\d\)?(?:[ .\-]{{0,2}}\d){{7}}"
    rf"|0 9(?: \d){{9}}"
    rf"|\(?{_NATION}[ .\-(]{{0,2}}(?:{_AREA})\)?(?:[ .\-]{{0,3}}\d){{8}}"
    rf"|(?:\+|(?<!\d)00)[1-9](?:{_GAP}\d){{8,14}}"
    rf"|(?:\+?1[ .-])?\([2-9]\d\d\)[ -]?\d{{3}}[ .-]?\d{{4}}"
    rf"|(?:\+?1[ .-])?(?:[2-9]\d\d [2-9]\d\d |\d{{3}}-\d{{3}}-|\d{{3}}\.\d{{3}}\.)\d{{4}}"
    rf"|\(0?\d{{2,4}}\) ?\d{{3,5}}[ -]?\d{{4}}"
    rf"|0\d{{2,3}}[ .-]\d{{3,4}}[ .-]?\d{{3,4}}"
    rf")(?![0-9A-Za-z_@]|[.٬]\d){_NOT_MONEY}"
)
_BARE_MOBILE = re.compile(
    rf"{_ALONE_BEFORE}(?:98)?9(?:[0-4]|9)\d([ -]?)\d{{3}}\1\d{{2}}\1?\d{{2}}{_ALONE_AFTER}"
)
_ANY_NUMBER = re.compile(rf"(?<![0-9A-Za-z_.,])\d(?:[ \-]?\d){{6,11}}{_ALONE_AFTER}")


def _find_phones(text: str) -> _Spans:
    for match in _PHONE.finditer(text):
        yield match.span()


def _find_bare_mobiles(text: str) -> _Spans:
    for match in _BARE_MOBILE.finditer(text):
        if match[1] or not _OF_A_THING.search(_lead(text, match.start())):
            yield match.span()


def _find_announced_phones(text: str) -> _Spans:
    for match in _ANY_NUMBER.finditer(text):
        if _OF_A_PHONE.search(_lead(text, match.start())):
            yield match.span()


# In this order: what a later one would also take, an earlier one knows better.
_FINDERS: Final[tuple[tuple[str, Callable[[str], _Spans]], ...]] = (
    ("email", _find_emails),
    ("iban", _find_ibans),
    ("iban", _find_bare_shebas),
    ("card", _find_cards),
    ("ip", _find_long_addresses),
    ("ip", _find_addresses),
    ("coordinates", _find_degrees),
    ("coordinates", _find_coordinates),
    ("national_id", _find_parted_ids),
    ("phone", _find_phones),
    ("postal_code", _find_postal_codes),
    ("national_id", _find_national_ids),
    ("phone", _find_bare_mobiles),
    ("phone", _find_announced_phones),
)
