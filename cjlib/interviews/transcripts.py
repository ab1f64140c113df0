"""Transcripts as people have them: turns of named speakers, whatever the format."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from cjlib.interviews.documents import (
    NAN,
    Piece,
    check_size,
    parse_seconds,
    read_lines,
    read_vtt,
    unescape,
)
from cjlib.interviews.recognisers import read_recogniser
from cjlib.interviews.roles import is_role_word
from cjlib.language import clean, key, to_latin_digits

TABLES: Final = (".json", ".tsv", ".csv")
FORMATS: Final = (".vtt", ".srt", *TABLES, ".docx", ".md", ".txt", ".pdf")  # the richest first
MAX_JOINED_S: Final = 60.0  # a turn joined by its pauses: about 150 words


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker said before another began.

    Attributes
    ----------
    speaker : str
        The label as written; empty where the transcript names nobody.
    start_s : float
        Seconds from the start of the recording, to a thousandth; missing (NaN) where no time
        stands.
    text : str
        Cleaned, on one line.
    """

    speaker: str
    start_s: float
    text: str


_STAMP = r"(?:\d{1,3}:)?\d{1,2}:\d{2}(?:[.,]\d{1,3})?"
_RANGE = rf"{_STAMP}(?:\s?(?:-{{1,2}}>?|–|to|تا)\s?{_STAMP})?"
_COLON = "[:：﹕∶꞉]"
_NAME = r"[^\W\d_][^\n:：﹕∶꞉*\[\]()<>،؛;,?؟!\"|]{0,39}?"
_HEAD = re.compile(
    rf"(?:[>•*-]\s+)?(?:[\[(]?(?P<before>{_RANGE})[\])]?\s*[-–]?\s*)?"
    rf"(?P<bold>\*\*|__)?\s*\[?(?P<name>{_NAME})\]?\s*"
    rf"(?:[\[(](?P<inside>{_RANGE})[\])]|\([^()\n:]{{1,30}}\))?\s*(?:\*\*|__)?\s*{_COLON}\s*"
    rf"(?:\*\*|__)?\s*(?:[\[(](?P<after>{_RANGE})[\])])?\s*(?P<text>.*)"
)
_NAME_LINE = re.compile(
    rf"(?P<name>{_NAME})(?:(?P<gap>\s+|\s?[|–]\s?)[\[(]?(?P<before>{_STAMP})[\])]?\s*|\s{{2,}})"
)
_LEADING_STAMP = re.compile(rf"[\[(]?(?P<before>{_RANGE})[\])]?\s*(?P<text>.*)")
_ARROW = re.compile(rf"\[?({_STAMP})\s*-+>\s*({_STAMP})\]?\s*(.*)")
_VOICE = re.compile(r"<v(?:\.[\w.]+)?\s([^<>\n]{1,100})>")
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,200}>")
_BOLD = re.compile(r"\*\*|__")
_WIDE_GAP = re.compile(r"[^\S\n]{3,}")
_MARKS: Final = dict.fromkeys([*map(ord, "\ufeff\u200e\u200f\u061c"), *range(0x202A, 0x202F),
                               *range(0x2066, 0x206A)])  # fmt: skip
_NOT_NAMES: Final = {
    key(word)
    for word in (
        "http", "https", "Note", "Notes", "Example", "Yes", "No", "So", "And", "But", "Time",
        "Date", "Place", "Topic", "Subject", "Duration", "Summary", "Result", "Conclusion",
        "Okay", "Well", "Anyway", "Title", "File", "Language", "Remark", "Warning", "Important",
        "مثلا", "مثال", "یعنی", "نکته", "تاریخ", "زمان", "مکان", "موضوع", "مدت", "توضیح", "بله",
        "خیر", "نه", "آره", "خلاصه", "نتیجه", "عنوان", "زبان", "مهم", "هشدار", "یادداشت",
    )
}  # fmt: skip
_IN_SENTENCES: Final = {  # a label with one of these is the beginning of a sentence
    key(word)
    for word in (
        "I", "he", "she", "it", "we", "they", "you", "the", "this", "that", "is", "are", "was",
        "were", "said", "say", "says", "told", "tell", "asked", "ask", "because", "then", "if",
        "when", "what", "my", "our", "their", "with", "for", "there", "here",
        "من", "تو", "او", "اون", "آن", "این", "ما", "شما", "ایشان", "اونا", "آنها", "خودم",
        "که", "از", "به", "بهش", "بهم", "در", "با", "برای", "برا", "را", "رو", "چون", "اگر",
        "اگه", "بعد", "بعدش", "قبل", "همین", "مثل", "ولی", "اما", "و", "یا", "تا", "هم",
        "گفتم", "گفت", "گفتند", "گفتن", "گفتیم", "گفته", "پرسیدم", "پرسید", "پرسیدند", "نوشتم",
        "نوشت", "نوشته", "نوشتند", "بود", "بودم", "است", "هست", "شد", "شده", "اینه", "اینکه",
    )
}  # fmt: skip
_PARTICLES: Final = frozenset(
    ("de", "la", "van", "von", "der", "den", "da", "dos", "del", "el", "al", "bin", "ibn", "di",
     "and", "of", "y")
)  # fmt: skip


def read_transcript(path: Path, *, listed: Iterable[str] = (), pause_s: float = 0.0) -> list[Turn]:
    """Read one transcript as turns.

    A turn begins where a speaker is named: ``Name:``, ``**Name:**`` (or bold in a docx),
    ``[00:01:02] Name:``, ``Name (1:02):``, ``[SPEAKER_00]:``, ``Q:``, ``Name  1:02`` alone
    on a line, ``<v Name>`` in a vtt, or in the speaker column of a table
    (``read_recogniser`` says which tables); the colon may be ： ﹕ or ∶ too. Lines without a
    name go on with the turn before. Cues and segments of the same speaker in a row are one
    turn.

    A word before a colon counts as a name if it is a role (interviewer, Speaker 1,
    مصاحبه‌گر ...) or is in ``listed``; or if it has four words at most, none of a sentence
    (he, said, گفتم, که ...), and is bold, or has a time, or comes at least twice with capitals
    (Persian has none), or is one small word that begins at least five lines and a tenth of
    all that have a colon so. "I told him:" is none of these.

    Where nobody is named each cue, segment or line is a turn, so that every format of an
    interview gives the same turns; ``pause_s`` joins them.

    Parameters
    ----------
    path : Path
        One of ``FORMATS``. Not changed.
    listed : iterable of str
        Names known to be speakers.
    pause_s : float, seconds, default 0
        Where nobody is named and times stand: a segment that begins less than this after the
        end of the one before goes on with its turn, up to a minute. 0 joins nothing.

    Raises
    ------
    UnsafeFileError
        For a file too large, packed or unpacked, or hiding entities or foreign paths.
    JourneyError
        For a file that cannot be read as its ending says.
    """
    check_size(path)
    ending, cues = path.suffix.casefold(), True
    if ending in TABLES:
        pieces = read_recogniser(path)
    elif ending == ".vtt":
        pieces = _read_captions(read_vtt(path))
    else:
        lines = read_lines(path)
        pieces, cues = _find_cues(lines)
        if not cues:
            headings = ending == ".md"
            pieces = [Piece(NAN, t) for t in lines if not (headings and t.startswith("#"))]
    return _make_turns(pieces, cues=cues, listed={key(name) for name in listed}, pause_s=pause_s)


def _find_cues(lines: Sequence[str]) -> tuple[list[Piece], bool]:
    """Return cues, and whether the lines are cues at all (at least two timed arrows)."""
    matches = [_ARROW.fullmatch(to_latin_digits(line.strip())) for line in lines]
    if sum(m is not None for m in matches) < 2:
        return [], False
    pieces: list[Piece] = []
    for i, (line, match) in enumerate(zip(lines, matches, strict=True)):
        text = line.strip()
        if match:
            spoken = text[len(text) - len(match[3]) :] if match[3] else ""
            ends = parse_seconds(match[2])
            pieces.append(Piece(parse_seconds(match[1]), spoken, end_s=ends))
        elif pieces and text and not (text.isdigit() and _is_counter(i, matches)):
            pieces[-1] = replace(pieces[-1], text=f"{pieces[-1].text}\n{text}".strip())
    return _read_captions(pieces), True


def _is_counter(i: int, matches: Sequence[re.Match[str] | None]) -> bool:
    """Whether line ``i`` is the number srt writes above each cue."""
    return i + 1 < len(matches) and matches[i + 1] is not None


def _read_captions(pieces: Sequence[Piece]) -> list[Piece]:
    """Return cues without their tags, split where a tag names another voice."""
    split: list[Piece] = []
    for piece in pieces:
        first, *rest = _VOICE.split(piece.text)
        if first.strip() or not rest:
            split.append(replace(piece, text=unescape(_TAG.sub("", first))))
        split += [
            replace(piece, text=unescape(_TAG.sub("", said)), voice=unescape(who.strip()))
            for who, said in zip(rest[::2], rest[1::2], strict=True)
        ]
    return split


def _make_turns(
    pieces: Sequence[Piece], *, cues: bool, listed: set[str], pause_s: float
) -> list[Turn]:
    lines = [pair for piece in pieces for pair in _find_heads(piece)]
    accepted = _accept_names([head for _, head in lines if head], listed)
    known = bool(accepted) or any(plain.voice is not None for plain, _ in lines)
    turns: list[Turn] = []
    pending = ended = NAN  # a time alone on its line; where the piece before ends
    for plain, head in lines:
        piece = head if head and key(head.voice or "") in accepted else plain
        text = clean(_BOLD.sub("", piece.text)).replace("\n", " ")
        start = pending if math.isnan(piece.start_s) else piece.start_s
        if not text and piece.voice is None:
            pending = start
            continue
        pending = NAN
        speaker = clean(piece.voice or "")
        goes_on = (known and piece.voice is None) or piece.inside
        if cues and turns and not goes_on:
            pause = (
                pause_s > 0
                and round(start - ended, 3) < pause_s
                and start - turns[-1].start_s < MAX_JOINED_S
            )
            goes_on = speaker == turns[-1].speaker if known else pause
        ended = piece.end_s
        if turns and goes_on:
            turns[-1] = replace(turns[-1], text=f"{turns[-1].text} {text}".strip())
        else:
            turns.append(Turn(speaker, round(start, 3), text))
    return [turn for turn in turns if turn.text]


def _find_heads(piece: Piece) -> list[tuple[Piece, Piece | None]]:
    """Pair each line of a piece, read plainly, with its reading as ``Name: text``, if any."""
    lines = _WIDE_GAP.sub("  ", piece.text.translate(_MARKS)).split("\n")
    if piece.voice is not None:
        later = [Piece(piece.start_s, line, end_s=piece.end_s) for line in lines[1:]]
        return [(p, None) for p in (replace(piece, text=lines[0]), *later)]
    pairs: list[tuple[Piece, Piece | None]] = []
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
                at = _first_time(stamp) if stamp else piece.start_s
                name = clean(raw.lstrip()[slice(*match.span("name"))])
                sure = bool(stamp or groups.get("bold")) and groups.get("gap") != " "
                head = replace(piece, start_s=at, text=text, voice=name, sure=sure)
        timed = _LEADING_STAMP.fullmatch(latin.strip())
        if timed and math.isnan(piece.start_s):
            at, text = _first_time(timed["before"]), _tail(raw.strip(), timed["text"])
            plain = replace(plain, start_s=at, text=text)
        pairs.append((plain, head))
    return pairs


def _first_time(stamp: str) -> float:
    """Return the seconds of a time, or of the first of two."""
    found = re.match(_STAMP, stamp)
    return parse_seconds(found[0]) if found else NAN


def _tail(raw: str, found: str) -> str:
    return raw[len(raw) - len(found) :] if found else ""


def _accept_names(heads: Sequence[Piece], listed: set[str]) -> set[str]:
    """Return the keys of the words before a colon that are speakers."""
    counts = Counter(key(head.voice or "") for head in heads)
    accepted: set[str] = set()
    for head in heads:
        name = head.voice or ""
        folded = key(name)
        often = counts[folded] >= max(5, len(heads) / 10) and len(name.split()) == 1
        likely = head.sure or often or (counts[folded] >= 2 and _is_written_as_name(name))
        if folded in listed or is_role_word(name) or (likely and _may_be_name(name)):
            accepted.add(folded)
    return accepted


def _is_written_as_name(name: str) -> bool:
    words = (re.sub("^(?:al|el|d)[-'’]", "", word) for word in name.split())
    return all(word in _PARTICLES or word[:1].upper() == word[:1] for word in words)


def _may_be_name(name: str) -> bool:
    """Say whether a label is short and has no word of a sentence in it."""
    words = name.split()
    return not (
        len([word for word in words if word not in _PARTICLES]) > 4
        or name.endswith(".")
        or key(name) in _NOT_NAMES
        or any(len(word) > 1 and key(word) in _IN_SENTENCES for word in words)
        or any(word.startswith(("می\u200c", "نمی\u200c")) for word in words)
    )
