"""What a text file is written in: found from its bytes, then turned into UTF-8."""

from __future__ import annotations

import codecs
import re
from typing import Final

from cjlib.errors import JourneyError

BLOCK: Final = 1 << 22  # bytes decoded at a time
SAMPLE: Final = 200_000  # bytes looked at to tell one encoding from another
_MARKS: Final = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_NON_ASCII: Final = re.compile(rb"[\x80-\xff]+")


def find_encoding(data: bytes, *, shown: str) -> str:
    """Return the encoding of a text file.

    A byte-order mark decides; then, where there are zero bytes, UTF-16 if nearly all
    characters are then Latin or Arabic ones; then UTF-8 if every byte fits; then
    windows-1256 if most bytes above 127 stand beside another (Persian and Arabic words),
    else windows-1252 (single accented letters among Latin ones).

    Raises
    ------
    JourneyError
        For text that is UTF-8 but for a few bytes: it is damaged, not another encoding.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    if b"\x00" in data[:SAMPLE]:
        found = _find_utf16(data[:SAMPLE])
        if found:
            return found
    if (misfit := _first_misfit(data, "utf-8")) is None:
        return "utf-8"
    near = data[max(0, misfit - SAMPLE // 2) : misfit + SAMPLE // 2]
    runs = [len(run) for run in _NON_ASCII.findall(near)]
    if _is_nearly_utf8(near):
        raise _misfit_error(data, misfit, "utf-8", shown)
    persian = 2 * sum(length for length in runs if length > 1) >= sum(runs)
    if not persian and _first_misfit(data, "windows-1252") is None:
        return "windows-1252"
    return "windows-1256"


def _find_utf16(head: bytes) -> str:
    head = head[: len(head) // 2 * 2]
    shares = {}
    for encoding in ("utf-16-le", "utf-16-be"):
        text = head.decode(encoding, errors="replace")
        known = re.findall(r"[\t\n\r -\u024f\u0600-\u06ff\u2000-\u206f]", text)
        shares[encoding] = len(known) / max(len(text), 1)
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] > 0.9 else ""


def _is_nearly_utf8(near: bytes) -> bool:
    """Whether nine tenths of the bytes above 127 make up good UTF-8 characters."""
    text = near.decode("utf-8", errors="replace")
    bad = text.count("\ufffd")
    good = sum(1 for c in text if c > "\x7f") - bad
    return good > 9 * max(bad - 2, 1)  # the sample itself may begin or end inside a character


def to_utf8(data: bytes, *, encoding: str, shown: str) -> bytes:
    """Return the file as UTF-8 without a byte-order mark.

    Raises
    ------
    JourneyError
        Where a byte does not fit the encoding, or a zero byte shows that it is no text.
    """
    if encoding in ("utf-8", "utf-8-sig"):
        misfit = _first_misfit(data, encoding)
        text = data.removeprefix(codecs.BOM_UTF8)
    else:
        text, misfit = _transcode(data, encoding)
    if misfit is not None:
        raise _misfit_error(data, misfit, encoding, shown)
    zero = text.find(b"\x00")
    if zero >= 0:
        line = text.count(b"\n", 0, zero) + 1
        raise JourneyError(
            f"read_export: a survey file must be text; '{shown}', read as {encoding}, has a "
            f"zero byte on line {line:,}, as pictures and programs have. Export it again as "
            "CSV UTF-8 or xlsx."
        )
    return text


def _first_misfit(data: bytes, encoding: str) -> int | None:
    decoder = codecs.getincrementaldecoder(encoding)()
    view = memoryview(data)
    try:
        for start in range(0, len(data), BLOCK):
            decoder.decode(view[start : start + BLOCK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return _exact_misfit(data, encoding)
    return None


def _transcode(data: bytes, encoding: str) -> tuple[bytes, int | None]:
    decoder = codecs.getincrementaldecoder(encoding)()
    view, parts = memoryview(data), []
    try:
        for start in range(0, len(data), BLOCK):
            parts.append(decoder.decode(view[start : start + BLOCK]).encode("utf-8"))
        parts.append(decoder.decode(b"", final=True).encode("utf-8"))
    except UnicodeDecodeError:
        return b"", _exact_misfit(data, encoding)
    return b"".join(parts).removeprefix(codecs.BOM_UTF8), None


def _exact_misfit(data: bytes, encoding: str) -> int:
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start
    return len(data)


def _misfit_error(data: bytes, at: int, encoding: str, shown: str) -> JourneyError:
    line = data[:at].decode(encoding, errors="replace").count("\n") + 1
    return JourneyError(
        f"read_export: a survey file must be text in one encoding; '{shown}' is read as "
        f"{encoding}, but byte {at:,} on line {line:,} does not fit. Export it again as CSV "
        "UTF-8, or name the encoding beside the file in study.yaml: "
        f"{{path: {shown}, encoding: windows-1256}}."
    )
