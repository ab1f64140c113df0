"""REFI-QDA files of other tools (.qdpx, .qdc) read into codes and codings, with care."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from cjlib.columns import CODE, INTERVIEW, TEXT
from cjlib.errors import Fault, JourneyError, UnsafeFileError
from cjlib.interviews.coding import CODE_COLUMNS
from cjlib.interviews.exchange.archive import MAX_XML_BYTES, check_xml, read_archive
from cjlib.interviews.exchange.layout import Place, find_places, match_name, say_turns
from cjlib.interviews.exchange.model import (
    MISFITS,
    SOURCES,
    Exchange,
    frame_codings,
    frame_misfits,
    give_stages,
)
from cjlib.interviews.exchange.refi import CODE_FACTS, CODING_FACTS
from cjlib.interviews.model import Interviews
from cjlib.interviews.spans import find_spans
from cjlib.language import key, parse_number

_MEDIA: Final = {
    "pdfsource": "PDF", "picture_source": "picture", "audio_source": "recording",
    "video_source": "video",
}  # fmt: skip
_CODER: Final = "coder"  # whose coding it is where the file does not say


def read_refi(path: Path, *, interviews: Interviews | None = None) -> Exchange:
    """Read a REFI-QDA project (.qdpx) or codebook (.qdc), as many tools write them.

    Text sources, codes, users and codings of characters are read. Codes below codes become
    ``parent/child``; sets, notes, cases, variables and links are passed over; PDFs,
    recordings, pictures and sources without plain text are listed in ``misfits``.

    A marked piece is a coding of each turn it has characters of. Which turn that is says the
    beginning of its line, as ``write_refi`` writes it. Otherwise, where ``interviews`` holds
    one called as the source is, turns are found by their words, one after the other;
    without, every line of the source that says something is a turn, counted from 1.
    With ``interviews`` each piece is compared with that turn as it is now: where the words
    differ and do not stand in just one turn of the interview, it is a misfit.

    Positions are Unicode code points of the text, as the standard has them. Some tools count
    a line end of two signs as one, or pictures as two (UTF-16): where a source's pieces
    carry their words as a name, the count that fits the most of them is taken.

    Parameters
    ----------
    path : Path
    interviews : Interviews, optional
        The interviews the file is about.

    Returns
    -------
    Exchange
        ``interviews`` with its codings: ``dataclasses.replace(interviews,
        codings=exchange.codings)``.

    Raises
    ------
    UnsafeFileError
        If the file unpacks to too much, leads out of itself, or defines entities.
    JourneyError
        If it is no REFI-QDA file.
    """
    if not path.is_file():
        raise JourneyError(f"read_refi: there must be a file '{path.name}'; there is none.")
    if path.suffix.casefold() == ".qdc":
        if path.stat().st_size > MAX_XML_BYTES:
            raise UnsafeFileError(
                f"read_refi: a codebook must have at most {MAX_XML_BYTES:,} bytes; "
                f"'{path.name}' has {path.stat().st_size:,}. Export fewer codes."
            )
        book = _load(path.read_bytes(), path.name, "CodeBook")
        codes, _ = _read_codes(book)
        return Exchange(
            pd.DataFrame(columns=list(SOURCES)), codes, frame_codings(()),
            pd.DataFrame(columns=list(MISFITS)),
        )  # fmt: skip
    raw, texts = read_archive(path)
    project = _load(raw, path.name, "Project")
    codes, names = _read_codes(project.code_book)
    users = {_plain(u.guid): u.name or u.id or _CODER for u in _each(project.users, "user")}
    said = say_turns(interviews) if interviews else {}
    faults = _list_media(project.sources, path.name)
    rows: list[tuple[Any, ...]] = []
    sources = []
    for source in _each(project.sources, "text_source"):
        name = source.name or _plain(source.guid)
        text = _read_source(source, texts)
        if text is None:
            found = f"'{name}' without plain text in the file"
            faults.append(Fault(path.name, 0, found, "a source with its plain text"))
            continue
        interview = match_name(name, said)
        if interviews and interview is None:
            found = f"'{name}' is no interview of the study"
            faults.append(Fault(path.name, 0, found, "sources called as interviews are"))
            continue
        turns = said[interview] if interview else None
        reader = _Source(interview or name, f"{path.name}: {name}", text, turns)
        rows += reader.read(source.plain_text_selection, names, users)
        faults += reader.faults
        for coding in source.coding:
            shown = names.get(_plain(coding.code_ref.target_guid), "a code")
            found = f"'{shown}' marks the whole source"
            faults.append(Fault(reader.shown, 0, found, "codings of pieces"))
        sources.append((interview or name, len(reader.places), text))
    frame = pd.DataFrame(sources, columns=list(SOURCES))
    frame = frame.astype({INTERVIEW: "string", TEXT: "string"})
    codings = give_stages(frame_codings(rows), interviews)
    return Exchange(frame, codes, codings, frame_misfits(faults))


def _load(raw: bytes, name: str, kind: str) -> Any:
    """Return checked XML as the library's model, ``Project`` or ``CodeBook``."""
    from pyrefiqda import models
    from xsdata_pydantic.bindings import XmlParser

    check_xml(raw, name=name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a date written otherwise is of no use to us
        try:
            return XmlParser().from_bytes(raw, getattr(models, kind))
        except (ValueError, SyntaxError, TypeError, LookupError, OSError) as error:
            reason = " ".join(str(error).split())[:200]
            raise JourneyError(
                f"read_refi: '{name}' must follow the REFI-QDA schema; it does not ({reason}). "
                "Export it again, or update the tool it comes from."
            ) from None


def _read_codes(book: Any) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the codes as a frame, and each one's name by its id."""
    rows: dict[str, dict[str, str]] = {}
    names: dict[str, str] = {}
    for code, name in _walk(_each(getattr(book, "codes", None), "code"), ""):
        names[_plain(code.guid)] = name
        if code.is_codable is not False:
            rows.setdefault(name, {CODE: name} | _hear(code.description, CODE_FACTS, "definition"))
    frame = pd.DataFrame(list(rows.values()), columns=list(CODE_COLUMNS), dtype="string")
    return frame.fillna(""), names


def _walk(codes: Sequence[Any], above: str) -> Iterator[tuple[Any, str]]:
    for code in codes:
        name = f"{above}/{code.name}" if above else str(code.name)
        yield code, name
        yield from _walk(code.code, name)


def _hear(description: str | None, facts: Sequence[str], else_in: str) -> dict[str, str]:
    """Return the facts of a description as ``write_refi`` writes it; else all of it as one."""
    lines = [line.partition(": ") for line in (description or "").splitlines() if line.strip()]
    if all(colon and name in facts for name, colon, _ in lines):
        return {name: value.strip() for name, _, value in lines}
    return {else_in: " ".join((description or "").split())}


def _list_media(sources: Any, shown: str) -> list[Fault]:
    return [
        Fault(shown, 0, f"{kind} '{media.name or 'without a name'}'", "text sources alone")
        for part, kind in _MEDIA.items()
        for media in _each(sources, part)
    ]


def _read_source(source: Any, texts: Mapping[str, bytes]) -> str | None:
    if source.plain_text_content is not None:
        return str(source.plain_text_content)
    inside = (source.plain_text_path or "").replace("\\", "/")
    raw = texts.get(f"sources/{inside.removeprefix('internal://')}".casefold())
    if raw is None or not inside.startswith("internal://"):
        return None
    coding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return raw.decode(coding)
    except UnicodeDecodeError:
        return None


class _Source:
    """One text source: its turns, and the codings of its marked pieces."""

    def __init__(
        self, interview: str, shown: str, text: str, turns: Mapping[int, str] | None
    ) -> None:
        self.interview, self.shown, self.text, self.turns = interview, shown, text, turns
        self.places = find_places(text, turns)
        self.faults: list[Fault] = []

    def read(
        self, pieces: Sequence[Any], codes: Mapping[str, str], users: Mapping[str, str]
    ) -> Iterator[tuple[Any, ...]]:
        points = _count_points(self.text, pieces)
        for piece in pieces:
            first, last = piece.start_position, piece.end_position
            if not 0 <= first < last < len(points):
                found = f"characters {first} to {last}"
                self._fault(first, found, f"a piece of its {len(points) - 1:,} characters")
                continue
            marked = list(self._place(points[first], points[last]))
            facts = _hear(piece.description, CODING_FACTS, "")
            for coding in piece.coding:
                code = codes.get(_plain(coding.code_ref.target_guid))
                if code is None:
                    self._fault(first, "a code that is not in the codebook", "codes listed")
                    continue
                user = users.get(_plain(coding.creating_user or piece.creating_user), _CODER)
                number = parse_number(facts.get("valence", ""))
                stage, touchpoint = facts.get("stage") or None, facts.get("touchpoint") or None
                valence = float("nan") if number is None else number
                for turn, start, end, quote in marked:
                    yield (
                        self.interview, turn, user, code, stage, touchpoint, valence, quote,
                        start, end,
                    )  # fmt: skip

    def _place(self, first: int, last: int) -> Iterator[tuple[int, int, int, str]]:
        touched = [p for p in self.places if first < p.end and p.start < last]
        for place in touched:
            start, end = max(first, place.start), min(last, place.end)
            whole = first < place.start and last >= place.end and place.first < place.start
            quote = self.text[start:end]
            if self.turns is None:
                found = (place.turn, start - place.start, end - place.start)
            else:
                spot = self._check(place, quote, start - place.start, whole)
                if spot is None:
                    continue
                found, quote = spot, self.turns[spot[0]][spot[1] : spot[2]]
            if quote.strip():
                yield (found[0], -1, -1, "") if whole else (*found, quote)
        if not touched:
            known = self.turns if self.turns is not None else {}
            quote = self.text[first:last]
            spots = [(n, a, b) for n, words in known.items() for a, b in find_spans(words, quote)]
            if len(spots) == 1:
                turn, start, end = spots[0]
                yield turn, start, end, known[turn][start:end]
            else:
                self._fault(first, f"'{_shorten(quote)}' in no turn", "words of a turn")

    def _check(self, place: Place, quote: str, at: int, whole: bool) -> tuple[int, int, int] | None:
        """Return turn and characters of a quote in the interview as it is now."""
        turns = self.turns or {}
        words = turns[place.turn]
        spans = find_spans(words, quote)
        if words[at : at + len(quote)] == quote:
            return place.turn, at, at + len(quote)
        if spans and not (whole and key(words) != key(quote)):
            start, end = min(spans, key=lambda span: abs(span[0] - at))
            return place.turn, start, end
        spots = [(n, a, b) for n, text in turns.items() for a, b in find_spans(text, quote)]
        if len(spots) == 1 and not whole:
            return spots[0]
        found = f"'{_shorten(quote)}' is not in turn {place.turn} of '{self.interview}'"
        self._fault(place.start + at, found, "words as they are in the transcript")
        return None

    def _fault(self, position: int, found: str, expected: str) -> None:
        self.faults.append(Fault(self.shown, position, found, expected))


def _count_points(text: str, pieces: Sequence[Any]) -> list[int]:
    """Return for every position of the tool the character of the text it means."""
    plain = list(range(len(text) + 1))
    named = [p for p in pieces if p.name and key(p.name)]
    pictures = any(ord(sign) > 0xFFFF for sign in text)
    if not named or not ("\r\n" in text or pictures):
        return plain
    joined = [i for i in plain if text[i - 1 : i + 1] != "\r\n"]
    halves = [i for i in plain for _ in range(1 + (ord(text[i : i + 1] or " ") > 0xFFFF))]
    both = [i for i in halves if text[i - 1 : i + 1] != "\r\n"]

    def fit(points: list[int]) -> int:
        fits = 0
        for mark in named:
            first, last = mark.start_position, mark.end_position
            if 0 <= first < last < len(points):
                words = text[points[first] : points[last]]
                fits += key(words).startswith(key(mark.name))
                fits += words[:1] == mark.name[:1]
        return fits

    return max((plain, joined, halves, both), key=fit)


def _each(holder: Any, part: str) -> Sequence[Any]:
    return getattr(holder, part) if holder is not None else ()


def _plain(guid: str | None) -> str:
    return (guid or "").strip("{}").casefold()


def _shorten(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= 60 else line[:59] + "…"
