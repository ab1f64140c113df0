"""An interview as one text, a line for each turn, and the way back from its characters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pandas as pd

from cjlib.columns import CODE, CODER, INTERVIEW, SPEAKER, TEXT, TURN
from cjlib.interviews.model import Interviews
from cjlib.interviews.spans import find_spans, key_places
from cjlib.language import key

HEAD: Final = re.compile(r"\[(\d{1,9})\] [^:\n]{1,80}: ?")
_BREAKS: Final = str.maketrans(dict.fromkeys("\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", " "))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a turn stands in a text: its line from ``first``, its words from ``start``."""

    turn: int
    first: int
    start: int
    end: int


def lay_out(spoken: pd.DataFrame) -> tuple[str, dict[int, Place]]:
    """Return the text of one interview and where each turn stands in it.

    A line for each turn, ``[4] participant-1: ...``; a line break inside a turn is a space,
    so that the characters of a turn are as many as they were.
    """
    lines, places, at = [], {}, 0
    for turn, speaker, text in zip(spoken[TURN], spoken[SPEAKER], spoken[TEXT], strict=True):
        head = f"[{turn}] {str(speaker).replace(':', ' ')}: "
        line = head + str(text).translate(_BREAKS)
        places[int(turn)] = Place(int(turn), at, at + len(head), at + len(line))
        lines.append(line + "\n")
        at += len(line) + 1
    return "".join(lines), places


def find_places(text: str, turns: Mapping[int, str] | None) -> list[Place]:
    """Find the turns of an interview in a text that another tool kept.

    Lines that begin as ``lay_out`` wrote them are those turns. Where none does, each turn is
    looked for by key after the one before; without ``turns`` every line that says something
    is one, counted from 1.
    """
    lines = []
    at = 0
    for raw in text.split("\n"):
        lines.append((at, raw.rstrip("\r")))
        at += len(raw) + 1
    heads = [(at, line, HEAD.match(line)) for at, line in lines]
    own = [
        Place(int(head[1]), at, at + head.end(), at + len(line))
        for at, line, head in heads
        if head and (turns is None or int(head[1]) in turns)
    ]
    if own:
        return own
    if turns is None:
        said = [(at, line) for at, line in lines if line.strip()]
        return [Place(n, at, at, at + len(line)) for n, (at, line) in enumerate(said, start=1)]
    keyed, spots = key_places(text)
    found, cursor = [], 0
    for turn, words in turns.items():
        wanted = key(words)
        place = keyed.find(wanted, cursor) if wanted else -1
        if place >= 0:
            cursor = place + len(wanted)
            start, end = _with_edges(text, spots[place][0], spots[cursor - 1][1], words)
            found.append(Place(turn, start, start, end))
    return found


def _with_edges(text: str, start: int, end: int, words: str) -> tuple[int, int]:
    """Take in the signs before and after that the key of the words passes over."""
    _, spots = key_places(words)
    before, after = words[: spots[0][0]], words[spots[-1][1] :]
    if text[:start].endswith(before):
        start -= len(before)
    return start, end + len(after) if text.startswith(after, end) else end


def say_turns(interviews: Interviews) -> dict[str, dict[int, str]]:
    """Return the texts of an interview's turns by number, for each interview."""
    said: dict[str, dict[int, str]] = {}
    spoken = interviews.utterances
    for name, turn, text in zip(spoken[INTERVIEW], spoken[TURN], spoken[TEXT], strict=True):
        said.setdefault(str(name), {})[int(turn)] = str(text)
    return said


def match_name(name: str, known: Mapping[str, object]) -> str | None:
    """Return the interview a document is called after, with or without an ending."""
    by_key = {key(interview): interview for interview in known}
    stem = re.sub(r"\.\w{1,5}$", "", name)
    return name if name in known else by_key.get(key(name)) or by_key.get(key(stem))


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What may be given to another tool, and what may not."""

    spoken: pd.DataFrame
    codings: pd.DataFrame  # with start and end; -1: the whole turn
    left_out: pd.DataFrame


def prepare(interviews: Interviews) -> Prepared:
    """Keep the turns that may be quoted, with their codings at their characters."""
    spoken, codings = interviews.utterances, interviews.codings
    held = spoken["consent"].astype(bool)
    kept = spoken[held].sort_values([INTERVIEW, TURN], kind="stable")
    texts = {
        (i, int(turn)): str(text)
        for i, turn, text in zip(kept[INTERVIEW], kept[TURN], kept[TEXT], strict=True)
    }
    known = [(-1, -1)] * len(codings)  # from another tool, they say which of equal words
    if {"start", "end"} <= set(codings.columns):
        known = list(zip(codings["start"], codings["end"], strict=True))
    rows, starts, ends, lost = [], [], [], []
    for place, (i, turn, quote) in enumerate(
        zip(codings[INTERVIEW], codings[TURN], codings["quote"].fillna(""), strict=True)
    ):
        text = texts.get((i, int(turn)))
        if text is None:
            continue
        spans = find_spans(text, str(quote)) if quote else []
        spans = [span for span in spans if span == known[place]] or spans
        if quote and not spans:
            lost.append(i)
        rows.append(place)
        starts.append(spans[0][0] if spans else -1)
        ends.append(spans[0][1] if spans else -1)
    own = codings.iloc[rows].assign(start=starts, end=ends)
    told = []
    for name, part in spoken[~held].groupby(INTERVIEW, sort=True):
        whole = name not in set(kept[INTERVIEW])
        about = codings[(codings[INTERVIEW] == name) & codings[TURN].isin(part[TURN])]
        reason = "has no consent" if whole else "has turns without consent"
        told.append((name, len(part), len(about), reason))
    for name in sorted(set(lost)):
        reason = "has quotes that stand in no one turn; the whole turn is marked"
        told.append((name, 0, lost.count(name), reason))
    left = pd.DataFrame(told, columns=[INTERVIEW, "turns", "codings", "reason"])
    return Prepared(kept, own.sort_values([INTERVIEW, TURN, CODE, CODER], kind="stable"), left)
