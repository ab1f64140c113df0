"""Transcripts as tables: speech recognisers' json and tsv, and csv with named columns."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from cjlib.errors import JourneyError, UnsafeFileError
from cjlib.interviews.documents import NAN, Piece, number_or_missing, parse_seconds, read_text
from cjlib.language import clean, key, to_latin_digits

MAX_ROWS: Final = 500_000  # segments or rows; a day of speech has fewer words
_HEADERS: Final = {
    "voice": ("speaker", "who", "name", "speaker name", "speaker label", "speaker id", "role",
              "گوینده", "سخنگو", "نام", "نام گوینده", "فرد", "شخص", "نقش"),
    "text": ("text", "transcript", "transcription", "utterance", "content", "message", "said",
             "sentence", "متن", "گفته", "گفتار", "سخن", "جمله", "محتوا"),
    "start": ("start", "start time", "start s", "start seconds", "begin", "from", "time",
              "timestamp", "start (s)", "آغاز", "شروع", "زمان", "زمان شروع", "زمان آغاز"),
    "start_ms": ("start ms", "start (ms)", "start milliseconds", "begin ms", "from ms", "offset ms",
                 "شروع میلی‌ثانیه", "آغاز میلی‌ثانیه"),
    "end": ("end", "end time", "end s", "end seconds", "end (s)", "stop", "to", "پایان",
            "زمان پایان"),
    "end_ms": ("end ms", "end (ms)", "end milliseconds", "to ms", "پایان میلی‌ثانیه"),
}  # fmt: skip
_FIELDS: Final = {key(word): field for field, words in _HEADERS.items() for word in words}
_TIME: Final = re.compile(r"(?:\d{1,3}:)?\d{1,3}:\d{1,2}(?:[.,]\d{1,3})?|\d{1,9}(?:[.,]\d{1,6})?s?")


def read_recogniser(path: Path) -> list[Piece]:
    """Return the segments of a recogniser's json or tsv, or the rows of a csv.

    - **json** is told by its shape: ``segments`` with text, start and end in seconds and
      perhaps a speaker (Whisper, faster-whisper, WhisperX; where only the words name
      speakers, a segment is cut where the speaker changes); ``transcription`` with offsets in
      milliseconds (whisper.cpp); ``result`` with words, alone or in a list (Vosk);
      ``results`` with alternatives (Google); or a plain list of rows named as in a csv.
    - **tsv** has a line of column names. Times that are all whole numbers are milliseconds,
      as Whisper writes them; others are seconds.
    - **csv** has a line of column names, in English or Persian: speaker («گوینده»), text
      («متن») and start («شروع»); only text is required. Times are ``1:02:03``, seconds, or
      milliseconds where the name says so. Cells are parted by comma, semicolon or tab.

    Raises
    ------
    UnsafeFileError
        For too many rows, or json nested too deeply.
    JourneyError
        For a shape that is none of these, or a row without text or with an unreadable time.
    """
    ending = path.suffix.casefold()
    text = read_text(path)
    pieces = _read_json(path, text) if ending == ".json" else _read_rows(path, text, ending)
    if len(pieces) > MAX_ROWS:
        raise UnsafeFileError(
            f"read_transcript: a transcript must have at most {MAX_ROWS:,} rows; '{path.name}' "
            f"has {len(pieces):,}. Split it."
        )
    return pieces


def _read_json(path: Path, text: str) -> list[Piece]:
    try:
        held = json.loads(text, parse_constant=lambda _: None)
    except RecursionError:
        raise UnsafeFileError(
            f"read_transcript: json must be flat; '{path.name}' is nested too deeply. "
            "Export it again from the recogniser."
        ) from None
    except ValueError as error:
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise JourneyError(
            f"read_transcript: '{path.name}' must be json; it is damaged{where}. "
            "Export it again from the recogniser."
        ) from None
    found = _find_shape(path, held)
    if found is None:
        names = sorted(held)[:6] if isinstance(held, dict) else type(held).__name__
        raise JourneyError(
            f"read_transcript: json must be a speech recogniser's (segments, transcription, "
            f"result, results) or a list of rows with text; '{path.name}' holds {names}. "
            "Export it as srt, vtt or csv."
        )
    return found


def _find_shape(path: Path, held: Any) -> list[Piece] | None:
    if isinstance(held, dict):
        if _is_rows(held.get("segments")):
            return [p for i, s in enumerate(held["segments"]) for p in _read_segment(path, i, s)]
        if _is_rows(held.get("transcription")):
            return [_read_offsets(path, i, row) for i, row in enumerate(held["transcription"])]
        if _is_rows(held.get("results")):
            return _read_alternatives(path, held["results"])
        held = [held]
    rows = held if _is_rows(held) else []
    if any("result" in row for row in rows):
        return [p for row in rows for p in _join_words(_words(row.get("result")))]
    mapped = [_map_fields(row) for row in rows]
    if not any("text" in row for row in mapped):
        return None
    return [_make_piece(path, i, row, ms=False) for i, row in enumerate(mapped, start=1)]


def _is_rows(held: Any) -> bool:
    return isinstance(held, list) and all(isinstance(row, dict) for row in held)


def _read_segment(path: Path, i: int, segment: Mapping[str, Any]) -> list[Piece]:
    words = _words(segment.get("words"))
    if segment.get("speaker") is None and any(word.voice for word in words):
        return _join_words(words)
    row = {"text": segment.get("text"), "start": segment.get("start"), "end": segment.get("end")}
    return [_make_piece(path, i + 1, row | {"voice": segment.get("speaker")}, ms=False)]


def _read_offsets(path: Path, i: int, row: Mapping[str, Any]) -> Piece:
    offsets = row.get("offsets")
    times = offsets if isinstance(offsets, dict) else {}
    cells = {"text": row.get("text"), "start_ms": times.get("from"), "end_ms": times.get("to")}
    return _make_piece(path, i + 1, cells | {"voice": row.get("speaker")}, ms=False)


def _read_alternatives(path: Path, results: Sequence[Mapping[str, Any]]) -> list[Piece]:
    """Read Google's results; told apart, the last repeats every word with its speaker."""
    pieces: list[Piece] = []
    for i, result in enumerate(results, start=1):
        first = result.get("alternatives")
        best = first[0] if _is_rows(first) and first else {}
        words = _words(best.get("words"))
        if words and all(word.voice for word in words):
            if i == len(results) and not any(piece.voice for piece in pieces):
                pieces = []
            pieces += _join_words(words)
        elif best.get("transcript"):
            start = words[0].start_s if words else NAN
            row = {"text": best["transcript"], "start": start}
            pieces.append(_make_piece(path, i, row, ms=False))
    return pieces


def _words(held: Any) -> list[Piece]:
    """Return each word of a list as a piece, under any recogniser's names."""
    words = []
    for word in held if _is_rows(held) else ():
        text = word.get("word", word.get("text"))
        voice = word.get("speaker", word.get("speakerTag", word.get("speaker_tag")))
        start = word.get("start", word.get("startTime", word.get("start_time")))
        end = word.get("end", word.get("endTime", word.get("end_time")))
        if isinstance(text, str) and text.strip():
            words.append(
                Piece(_to_seconds(start), text.strip(), _name_voice(voice), end_s=_to_seconds(end))
            )
    return words


def _join_words(words: Iterable[Piece]) -> list[Piece]:
    """Make one piece of the words of one speaker in a row; a word of nobody goes with the last."""
    filled: list[tuple[str | None, Piece]] = []
    for word in words:
        filled.append((word.voice or (filled[-1][0] if filled else None), word))
    joined = []
    for voice, group in groupby(filled, key=lambda pair: pair[0]):
        said = [word for _, word in group]
        text = " ".join(word.text for word in said)
        joined.append(Piece(said[0].start_s, text, voice, end_s=said[-1].end_s))
    return joined


def _name_voice(voice: Any) -> str | None:
    """Return a speaker's label; recognisers number speakers, 0 in Google's is nobody."""
    if isinstance(voice, str) and voice.strip():
        return voice.strip()
    if isinstance(voice, int) and not isinstance(voice, bool) and voice > 0:
        return f"Speaker {voice}"
    return None


def _read_rows(path: Path, text: str, ending: str) -> list[Piece]:
    first = text.lstrip("\n").split("\n", 1)[0]
    tabs = ending == ".tsv"
    mark = "\t" if tabs else max(",;\t", key=first.count)
    held = io.StringIO(text)
    try:
        if tabs:  # recognisers quote nothing
            lines = csv.reader(held, delimiter=mark, quoting=csv.QUOTE_NONE)
        else:
            lines = csv.reader(held, delimiter=mark, strict=True)
        table = [(lines.line_num, line) for line in lines if any(cell.strip() for cell in line)]
    except csv.Error as error:
        raise JourneyError(
            f"read_transcript: '{path.name}' must be a table of cells; {error}. "
            "Save it again from a spreadsheet."
        ) from None
    names = table[0][1] if table else []
    fields = [_FIELDS.get(key(name), "") for name in names]
    if "text" not in fields:
        shown = ", ".join(f"'{name[:20]}'" for name in names[:6]) or "nothing"
        raise JourneyError(
            f"read_transcript: '{path.name}' must have a column of words (text, متن); its first "
            f"line has {shown}. Name the columns speaker, start and text."
        )
    rows = []
    for line, cells in table[1:]:
        row: dict[str, Any] = {}
        for field, cell in zip(fields, cells, strict=False):
            if field and cell.strip():
                row.setdefault(field, cell.strip())
        rows.append((line, row))
    times = [row[name] for _, row in rows for name in ("start", "end") if name in row]
    whole = tabs and bool(times) and all(re.fullmatch(r"\d+", t) for t in times)
    return [_make_piece(path, line, row, ms=whole) for line, row in rows if "text" in row]


def _map_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in row.items():
        field = _FIELDS.get(key(name))
        if field:
            found.setdefault(field, value)
    return found


def _make_piece(path: Path, line: int, row: Mapping[str, Any], *, ms: bool) -> Piece:
    text = row.get("text")
    if not isinstance(text, str):
        raise JourneyError(
            f"read_transcript: every row must have text; row {line} of '{path.name}' has "
            f"{type(text).__name__}. Export it again, or as srt."
        )
    times = {}
    for name in ("start", "end"):
        value, scale = row.get(name), 1000 if ms else 1
        if f"{name}_ms" in row:
            value, scale = row[f"{name}_ms"], 1000
        times[name] = _to_seconds(value) / scale
        if isinstance(value, str) and value.strip() and times[name] != times[name]:
            raise JourneyError(
                f"read_transcript: a time must be seconds or 1:02:03; row {line} of "
                f"'{path.name}' has '{clean(value)[:20]}'. Mend it, or leave it empty."
            )
    return Piece(times["start"], text, _name_voice(row.get("voice")), end_s=times["end"])


def _to_seconds(value: Any) -> float:
    if isinstance(value, str):
        plain = to_latin_digits(value.strip().replace("٫", "."))
        return parse_seconds(plain.removesuffix("s")) if _TIME.fullmatch(plain) else NAN
    return number_or_missing(value)
