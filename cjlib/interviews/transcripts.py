"""Transcripts as people have them: txt, md, docx, vtt, srt, pdf; turns of named speakers."""

from __future__ import annotations

import math
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from cjlib.errors import JourneyError, UnsafeFileError
from cjlib.interviews.roles import is_role_word
from cjlib.language import clean, key, to_latin_digits

FORMATS: Final = (".vtt", ".srt", ".docx", ".md", ".txt", ".pdf")  # the richest first
MAX_FILE_BYTES: Final = 20_000_000
MAX_UNPACKED_BYTES: Final = 100_000_000  # of a docx, which is a zip archive
MAX_PAGES: Final = 2_000
NAN: Final = float("nan")


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker said before another began.

    Attributes
    ----------
    speaker : str
        The label as written; empty where the transcript names nobody.
    start_s : float
        Seconds from the start of the recording; missing (NaN) where no time stands.
    text : str
        Cleaned, on one line.
    """

    speaker: str
    start_s: float
    text: str


_STAMP = r"(?:\d{1,3}:)?\d{1,2}:\d{2}(?:[.,]\d{1,3})?"
_NAME = r"[^\W\d_][^\n:：*\[\]()<>،؛;,?؟!\"]{0,39}?"
_HEAD = re.compile(
    rf"(?:[>•*-]\s+)?(?:[\[(]?(?P<before>{_STAMP})[\])]?\s*[-–]?\s*)?"
    rf"(?P<bold>\*\*|__)?\s*(?P<name>{_NAME})\s*"
    rf"(?:[\[(](?P<inside>{_STAMP})[\])])?\s*(?:\*\*|__)?\s*[:：]\s*(?:\*\*|__)?\s*"
    rf"(?:[\[(](?P<after>{_STAMP})[\])])?\s*(?P<text>.*)"
)
_NAME_LINE = re.compile(rf"(?P<name>{_NAME})(?:(?P<gap>\s+)(?P<before>{_STAMP})\s*|\s{{2,}})")
_LEADING_STAMP = re.compile(rf"[\[(]?(?P<before>{_STAMP})[\])]?\s*(?P<text>.*)")
_ARROW = re.compile(rf"\[?({_STAMP})\s*-+>\s*{_STAMP}\]?\s*(.*)")
_VOICE = re.compile(r"<v(?:\.[\w.]+)?\s+([^>]+)>")
_TAG = re.compile(r"</?[A-Za-z][^>\n]*>|\*\*|__")
_NOT_NAMES: Final = {
    key(word)
    for word in (
        "http", "https", "Note", "Notes", "Example", "Yes", "No", "So", "And", "But", "Time",
        "Date", "Place", "Topic", "Subject", "Duration", "مثلا", "مثال", "یعنی", "نکته", "تاریخ",
        "زمان", "مکان", "موضوع", "مدت", "توضیح", "بله", "خیر", "نه", "آره", "خلاصه",
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Piece:
    start_s: float
    text: str
    voice: str | None = None  # None: no speaker is named here
    sure: bool = False  # the name is bold or has a time
    inside: bool = False  # a further line of the same cue


def read_transcript(path: Path, *, listed: Iterable[str] = ()) -> list[Turn]:
    """Read one transcript as turns.

    A turn begins where a speaker is named: ``Name:``, ``**Name:**``, ``[00:01:02] Name:``,
    ``Name (1:02):``, ``Q:``, ``Name  1:02`` alone on a line, or ``<v Name>`` in a vtt; the
    colon may be ： too. Lines without a name go on with the turn before. In vtt and srt,
    cues of the same speaker in a row are one turn. A word before a colon counts as a name
    if it is a role (interviewer, Q, مصاحبه‌گر ...), is in ``listed``, is bold or has a
    time, or comes at least twice and is written as a name. Where nobody is named each cue,
    or each line, is a turn.

    Parameters
    ----------
    path : Path
        One of ``FORMATS``. Not changed.
    listed : iterable of str
        Names known to be speakers.

    Raises
    ------
    UnsafeFileError
        For a file too large, packed or unpacked.
    JourneyError
        For a file that cannot be read as its ending says.
    """
    if path.stat().st_size > MAX_FILE_BYTES:
        raise UnsafeFileError(
            f"read_transcript: a transcript must be at most {MAX_FILE_BYTES:,} bytes; "
            f"'{path.name}' has {path.stat().st_size:,}. Split it, or keep only its text."
        )
    ending = path.suffix.casefold()
    if ending == ".vtt":
        pieces, cues = _split_voices(_read_vtt(path)), True
    else:
        lines = _read_lines(path, ending)
        pieces, cues = _find_cues(lines)
        if not cues:
            headings = ending == ".md"
            pieces = [_Piece(NAN, t) for t in lines if not (headings and t.startswith("#"))]
    return _make_turns(pieces, cues=cues, listed={key(name) for name in listed})


def parse_seconds(stamp: str) -> float:
    """Return the seconds of a time such as ``1:02``, ``00:01:02.5`` or ``۰۰:۰۱:۰۲``."""
    seconds = 0.0
    for part in to_latin_digits(stamp).replace(",", ".").split(":"):
        seconds = seconds * 60 + float(part)
    return seconds


def _read_lines(path: Path, ending: str) -> list[str]:
    if ending == ".docx":
        return _read_docx(path)
    if ending == ".pdf":
        return _read_pdf(path)
    return _read_text(path).splitlines()


def _read_text(path: Path) -> str:
    raw = path.read_bytes()
    coding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return raw.decode(coding).replace("\x00", "")
    except UnicodeDecodeError:
        raise JourneyError(
            f"read_transcript: text must be UTF-8; '{path.name}' is not. Save it as UTF-8."
        ) from None


def _read_vtt(path: Path) -> list[_Piece]:
    import webvtt

    text = _read_text(path)
    try:
        cues = webvtt.WebVTT.from_string(text).captions
    except webvtt.errors.MalformedFileError as error:
        raise JourneyError(
            f"read_transcript: '{path.name}' must be WebVTT; {error}. Export it again, or as txt."
        ) from None
    return [_Piece(parse_seconds(cue.start), cue.raw_text) for cue in cues]


def _read_docx(path: Path) -> list[str]:
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from docx.table import Table

    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
            if unpacked > MAX_UNPACKED_BYTES:
                raise UnsafeFileError(
                    f"read_transcript: a docx must unpack to at most {MAX_UNPACKED_BYTES:,} "
                    f"bytes; '{path.name}' unpacks to {unpacked:,}. Save its text alone."
                )
            for part in archive.infolist():
                if part.filename.endswith((".xml", ".rels")) and b"<!DOCTYPE" in archive.read(part):
                    raise UnsafeFileError(
                        f"read_transcript: a docx must not define entities; '{path.name}' does. "
                        "Save it again from a word processor."
                    )
        document = docx.Document(str(path))
    except (zipfile.BadZipFile, PackageNotFoundError, KeyError, ValueError) as error:
        if isinstance(error, JourneyError):
            raise
        raise JourneyError(
            f"read_transcript: '{path.name}' must be a Word document (docx); it is damaged or "
            "something else. Save it again from a word processor."
        ) from None
    lines: list[str] = []
    for block in document.iter_inner_content():
        if isinstance(block, Table):  # a row is: who | what, or time | who | what
            for row in block.rows:
                cells = [cell.text.strip() for cell in row.cells]
                *heads, text = cells if len(cells) > 1 else ["", *cells]
                head = " ".join(filter(None, heads))
                lines += f"{head}: {text}".splitlines() if head else text.splitlines()
        else:
            lines += block.text.splitlines()
    return lines


def _read_pdf(path: Path) -> list[str]:
    import pypdfium2

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
        for page in document:
            text = page.get_textpage()
            lines += text.get_text_bounded().splitlines()
            text.close()
            page.close()
    finally:
        document.close()
    if not any(line.strip() for line in lines):
        raise JourneyError(
            f"read_transcript: a PDF must hold text; '{path.name}' holds none (scanned pages?). "
            "Recognise its text first."
        )
    return lines


def _find_cues(lines: Sequence[str]) -> tuple[list[_Piece], bool]:
    """Return cues, and whether the lines are cues at all (at least two timed arrows)."""
    matches = [_ARROW.fullmatch(to_latin_digits(line.strip())) for line in lines]
    if sum(m is not None for m in matches) < 2:
        return [], False
    pieces: list[_Piece] = []
    for i, (line, match) in enumerate(zip(lines, matches, strict=True)):
        text = line.strip()
        if match:
            spoken = text[len(text) - len(match[2]) :] if match[2] else ""
            pieces.append(_Piece(parse_seconds(match[1]), spoken))
        elif pieces and text and not (text.isdigit() and _is_counter(i, matches)):
            pieces[-1] = replace(pieces[-1], text=f"{pieces[-1].text}\n{text}".strip())
    return _split_voices(pieces), True


def _is_counter(i: int, matches: Sequence[re.Match[str] | None]) -> bool:
    """Whether line ``i`` is the number srt writes above each cue."""
    return i + 1 < len(matches) and matches[i + 1] is not None


def _split_voices(pieces: Sequence[_Piece]) -> list[_Piece]:
    split: list[_Piece] = []
    for piece in pieces:
        first, *rest = _VOICE.split(piece.text)
        if first.strip() or not rest:
            split.append(replace(piece, text=first))
        split += [
            _Piece(piece.start_s, said, who.strip())
            for who, said in zip(rest[::2], rest[1::2], strict=True)
        ]
    return split


def _make_turns(pieces: Sequence[_Piece], *, cues: bool, listed: set[str]) -> list[Turn]:
    lines = [pair for piece in pieces for pair in _find_heads(piece)]
    accepted = _accept_names([head for _, head in lines if head], listed)
    known = bool(accepted) or any(plain.voice is not None for plain, _ in lines)
    turns: list[Turn] = []
    pending = NAN  # a time alone on its line
    for plain, head in lines:
        piece = head if head and key(head.voice or "") in accepted else plain
        text = clean(_TAG.sub("", piece.text)).replace("\n", " ")
        start = pending if math.isnan(piece.start_s) else piece.start_s
        if not text and piece.voice is None:
            pending = start
            continue
        pending = NAN
        speaker = piece.voice
        goes_on = (known and speaker is None) or piece.inside
        if turns and (goes_on or (cues and known and clean(speaker or "") == turns[-1].speaker)):
            turns[-1] = replace(turns[-1], text=f"{turns[-1].text} {text}".strip())
        else:
            turns.append(Turn(clean(speaker or ""), start, text))
    return [turn for turn in turns if turn.text]


def _find_heads(piece: _Piece) -> list[tuple[_Piece, _Piece | None]]:
    """Pair each line of a piece, read plainly, with its reading as ``Name: text``, if any."""
    lines = piece.text.split("\n")
    if piece.voice is not None:
        later = [_Piece(piece.start_s, line) for line in lines[1:]]
        return [(p, None) for p in (replace(piece, text=lines[0]), *later)]
    pairs: list[tuple[_Piece, _Piece | None]] = []
    for i, raw in enumerate(lines):
        plain, head = replace(piece, text=raw, inside=i > 0), None
        latin = to_latin_digits(raw)  # the same length: what it finds can be cut from raw
        match = _NAME_LINE.fullmatch(latin.lstrip()) or _HEAD.fullmatch(latin.strip())
        if match:
            groups = match.groupdict()
            alone = "text" not in groups and not groups["before"]
            stamp = groups["before"] or groups.get("inside") or groups.get("after")
            text = _tail(raw.strip(), groups.get("text") or "")
            if not text.startswith("//") and not (alone and len(groups["name"].split()) == 1):
                at = parse_seconds(stamp) if stamp else piece.start_s
                name = clean(raw.lstrip()[slice(*match.span("name"))])
                sure = bool(stamp or groups.get("bold")) and groups.get("gap") != " "
                head = _Piece(at, text, name, sure=sure)
        timed = _LEADING_STAMP.fullmatch(latin.strip())
        if timed and math.isnan(piece.start_s):
            at, text = parse_seconds(timed["before"]), _tail(raw.strip(), timed["text"])
            plain = replace(plain, start_s=at, text=text)
        pairs.append((plain, head))
    return pairs


def _tail(raw: str, found: str) -> str:
    return raw[len(raw) - len(found) :] if found else ""


def _accept_names(heads: Sequence[_Piece], listed: set[str]) -> set[str]:
    """Return the keys of the words before a colon that are speakers."""
    counts = Counter(key(head.voice or "") for head in heads)
    accepted: set[str] = set()
    for head in heads:
        name = head.voice or ""
        folded = key(name)
        likely = head.sure or (counts[folded] >= 2 and _is_written_as_name(name))
        plausible = likely and folded not in _NOT_NAMES and len(name.split()) <= 4
        if folded in listed or is_role_word(name) or plausible:
            accepted.add(folded)
    return accepted


def _is_written_as_name(name: str) -> bool:
    words = name.split()
    return not name.endswith(".") and all(word[0].upper() == word[0] for word in words)
