"""Files that hold a talk: their bytes made lines or cues, with every size bounded."""

from __future__ import annotations

import html
import math
import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cjlib.errors import JourneyError, UnsafeFileError
from cjlib.language import to_latin_digits

MAX_FILE_BYTES: Final = 20_000_000
MAX_UNPACKED_BYTES: Final = 100_000_000  # of a docx or a pdf, whose parts are packed
MAX_PARTS: Final = 5_000  # of a docx
MAX_LINE: Final = 1_000_000  # characters; a day of speech in one line has fewer
MAX_PAGES: Final = 2_000
NAN: Final = float("nan")


@dataclass(frozen=True, slots=True)
class Piece:
    """A line, a cue or a recogniser's segment, before turns are made of it."""

    start_s: float
    text: str
    voice: str | None = None  # None: no speaker is named here
    sure: bool = False  # the name is bold or has a time
    inside: bool = False  # a further line of the same cue
    end_s: float = NAN


def parse_seconds(stamp: str) -> float:
    """Return the seconds of a time such as ``1:02``, ``00:01:02.5`` or ``۰۰:۰۱:۰۲``."""
    seconds = 0.0
    for part in to_latin_digits(stamp).replace(",", ".").split(":"):
        seconds = seconds * 60 + float(part)
    return seconds


def check_size(path: Path) -> None:
    """Refuse a file larger than any transcript, before it is opened."""
    if path.stat().st_size > MAX_FILE_BYTES:
        raise UnsafeFileError(
            f"read_transcript: a transcript must be at most {MAX_FILE_BYTES:,} bytes; "
            f"'{path.name}' has {path.stat().st_size:,}. Split it, or keep only its text."
        )


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 or UTF-16 file."""
    raw = path.read_bytes()
    coding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = raw.decode(coding).replace("\x00", "")
    except UnicodeDecodeError:
        raise JourneyError(
            f"read_transcript: text must be UTF-8; '{path.name}' is not. Save it as UTF-8."
        ) from None
    longest = max((len(line) for line in text.splitlines()), default=0)
    if longest > MAX_LINE:
        raise UnsafeFileError(
            f"read_transcript: a line must have at most {MAX_LINE:,} characters; one of "
            f"'{path.name}' has {longest:,}. Break it into lines."
        )
    return text


def read_lines(path: Path) -> list[str]:
    """Return the lines of a docx, a pdf or a text file."""
    ending = path.suffix.casefold()
    if ending == ".docx":
        return _read_docx(path)
    if ending == ".pdf":
        return _read_pdf(path)
    return read_text(path).splitlines()


def read_vtt(path: Path) -> list[Piece]:
    """Return the cues of a WebVTT file, their tags still in them."""
    import webvtt

    text = read_text(path)
    try:
        cues = webvtt.WebVTT.from_string(text).captions
    except webvtt.errors.MalformedFileError as error:
        raise JourneyError(
            f"read_transcript: '{path.name}' must be WebVTT; {error}. Export it again, or as txt."
        ) from None
    return [
        Piece(parse_seconds(cue.start), cue.raw_text, end_s=parse_seconds(cue.end)) for cue in cues
    ]


def unescape(text: str) -> str:
    """Return a caption's ``&amp;`` and the like as the signs they stand for."""
    return html.unescape(text) if "&" in text else text


def _read_docx(path: Path) -> list[str]:
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from docx.table import Table

    broken = (zipfile.BadZipFile, PackageNotFoundError, SyntaxError, KeyError, ValueError,
              RuntimeError, NotImplementedError, zlib.error, EOFError)  # fmt: skip
    lines: list[str] = []
    try:
        _check_archive(path)
        document = docx.Document(str(path))
        for block in document.iter_inner_content():
            if isinstance(block, Table):  # a row is: who | what, or time | who | what
                for row in block.rows:
                    cells = [cell.text.strip() for cell in row.cells]
                    *heads, text = cells if len(cells) > 1 else ["", *cells]
                    head = " ".join(filter(None, heads))
                    lines += f"{head}: {text}".splitlines() if head else text.splitlines()
            else:
                lines += _mark_bold(block.runs, block.text).splitlines()
    except broken as error:
        if isinstance(error, JourneyError):
            raise
        raise JourneyError(
            f"read_transcript: '{path.name}' must be a Word document (docx); it is damaged, "
            "locked or something else. Save it again from a word processor."
        ) from None
    return lines


def _check_archive(path: Path) -> None:
    """Refuse a docx that unpacks to too much, leads out of itself or defines entities."""
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        unpacked = sum(part.file_size for part in parts)
        if unpacked > MAX_UNPACKED_BYTES or len(parts) > MAX_PARTS:
            raise UnsafeFileError(
                f"read_transcript: a docx must unpack to at most {MAX_UNPACKED_BYTES:,} bytes in "
                f"{MAX_PARTS:,} parts; '{path.name}' unpacks to {unpacked:,} in {len(parts):,}. "
                "Save its text alone."
            )
        for part in parts:
            if part.filename.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", part.filename):
                raise UnsafeFileError(
                    f"read_transcript: the parts of a docx must lie inside it; one of "
                    f"'{path.name}' leads out. Save it again from a word processor."
                )
            if not part.filename.casefold().endswith((".xml", ".rels")):
                continue
            if b"<!DOCTYPE" in archive.read(part).replace(b"\x00", b""):  # UTF-16 too
                raise UnsafeFileError(
                    f"read_transcript: a docx must not define entities; '{path.name}' does. "
                    "Save it again from a word processor."
                )


def _mark_bold(runs: Sequence[object], text: str) -> str:
    """Return a paragraph with its bold beginning, if that is a name and a colon, in asterisks."""
    lead = ""
    for run in runs:
        if not getattr(run, "bold", False):
            break
        lead += str(getattr(run, "text", ""))
    rest = text[len(lead) :].lstrip()
    colons = (":", "：", "﹕")
    named = lead.rstrip().endswith(colons) or rest.startswith(colons)
    if not (lead.strip() and text.startswith(lead) and named and "\n" not in lead):
        return text
    return f"**{lead.strip()}** {rest}"


def _read_pdf(path: Path) -> list[str]:
    import pypdfium2

    _check_streams(path)
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError:
        raise JourneyError(
            f"read_transcript: '{path.name}' must be a PDF without a password; it cannot be "
            "opened. Export it again."
        ) from None
    try:
        if len(document) > MAX_PAGES:
            raise UnsafeFileError(
                f"read_transcript: a PDF must have at most {MAX_PAGES:,} pages; '{path.name}' "
                f"has {len(document):,}. Split it."
            )
        lines: list[str] = []
        try:
            for page in document:
                text = page.get_textpage()
                lines += text.get_text_bounded().splitlines()
                text.close()
                page.close()
        except pypdfium2.PdfiumError:
            raise JourneyError(
                f"read_transcript: every page of '{path.name}' must be readable; page "
                "content is damaged. Export it again."
            ) from None
    finally:
        document.close()
    if not any(line.strip() for line in lines):
        raise JourneyError(
            f"read_transcript: a PDF must hold text; '{path.name}' holds none (scanned pages?). "
            "Recognise its text first."
        )
    return lines


_STREAM = re.compile(rb"stream\r?\n")
_LAYERS = 3  # a packed stream may hold a packed stream


def _check_streams(path: Path) -> None:
    """Refuse a PDF whose packed streams unpack to too much, without keeping what they hold."""
    raw = path.read_bytes()
    left = MAX_UNPACKED_BYTES
    for start in _STREAM.finditer(raw):
        if raw[start.start() - 3 : start.start()] == b"end":
            continue
        packed = raw[start.end() :]
        for _ in range(_LAYERS):
            packed = _unpack(packed, left + 1)
            left -= len(packed)
            if left < 0:
                raise UnsafeFileError(
                    f"read_transcript: a PDF must unpack to at most {MAX_UNPACKED_BYTES:,} bytes; "
                    f"'{path.name}' unpacks to more. Save its text alone."
                )
            if not packed:
                break


def _unpack(packed: bytes, most: int) -> bytes:
    if packed[:1] not in (b"\x78", b"\x68", b"\x58", b"\x48", b"\x38", b"\x28", b"\x18", b"\x08"):
        return b""  # not packed by deflate
    try:
        return zlib.decompressobj().decompress(packed, most)
    except zlib.error:
        return b""


def number_or_missing(value: object) -> float:
    """Return a finite number of seconds from 0 on, or missing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NAN
    return float(value) if math.isfinite(value) and value >= 0 else NAN
