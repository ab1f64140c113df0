"""Errors a user can act on: what must hold, what we got, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class JourneyError(ValueError):
    """Anything the kit refuses to go on with; the parent of every error below."""


class ColumnError(JourneyError):
    """A table lacks a column, or a column holds what it must not hold."""


class ScaleError(JourneyError):
    """A rating does not fit the scale the codebook declares for it."""


class TooFewError(JourneyError):
    """There is too little data for the answer to mean anything."""


class MissingSourceError(JourneyError):
    """The study has no file for the source that was asked for."""


class UnsafeFileError(JourneyError):
    """A file is refused unread: too large unpacked, outside the study, or hiding code."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a study's files.

    Attributes
    ----------
    file : str
        File, relative to the study folder where it lies inside it.
    line : int
        Line in that file, counted from 1; 0 where the fault is the file as a whole.
    found : str
        What stands there.
    expected : str
        What should stand there.
    nearest : str
        The nearest right spelling; empty where there is none.
    """

    file: str
    line: int
    found: str
    expected: str
    nearest: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        hint = f" Did you mean '{self.nearest}'?" if self.nearest else ""
        return f"{place}: {self.found}; expected {self.expected}.{hint}"


class StudyError(JourneyError):
    """A study that cannot be used as it stands; ``faults`` lists everything wrong, at once."""

    def __init__(self, faults: Sequence[Fault], *, caller: str = "load_study") -> None:
        self.faults = tuple(faults)
        lines = "\n".join(f"  {fault}" for fault in self.faults)
        noun = "fault" if len(self.faults) == 1 else "faults"
        super().__init__(f"{caller}: the study has {len(self.faults)} {noun}:\n{lines}")


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word most like ``word``, or an empty text if none is close."""
    folded = {str(k).casefold(): str(k) for k in known}
    found = difflib.get_close_matches(str(word).casefold(), list(folded), n=1, cutoff=0.6)
    return folded[found[0]] if found else ""
