"""What was exchanged, as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from cjlib.columns import CODE, CODER, INTERVIEW, STAGE, TEXT, TOUCHPOINT, TURN, VALENCE
from cjlib.errors import Fault
from cjlib.interviews.model import Interviews

CODINGS: Final = (
    INTERVIEW, TURN, CODER, CODE, STAGE, TOUCHPOINT, VALENCE, "quote", "start", "end",
)  # fmt: skip
MISFITS: Final = ("file", "line", "found", "expected", "nearest")
SOURCES: Final = (INTERVIEW, "turns", TEXT)


@dataclass(frozen=True, slots=True, eq=False)
class Exchange:
    """What another tool's file holds.

    Attributes
    ----------
    sources : DataFrame, one row per text source
        ``interview_id`` (the name of the source, or the interview it was matched with),
        ``turns`` found in it and its ``text``: as the other tool had it, so it may hold names.
    codes : DataFrame, one row per code
        The columns of codes.csv; a code below another is called ``parent/child``.
    codings : DataFrame, one row per turn, coder, code and quote
        The columns of ``Interviews.codings``, and ``start, end``: the characters (Unicode code
        points) of the turn's text that ``quote`` is; -1 and an empty quote for the whole turn.
    misfits : DataFrame
        ``file, line, found, expected, nearest``: what was left out and why; for a REFI-QDA
        project ``line`` is the position in the source.
    """

    sources: pd.DataFrame
    codes: pd.DataFrame
    codings: pd.DataFrame
    misfits: pd.DataFrame

    def summary(self) -> str:
        """Return what was read in one sentence."""
        return (
            f"{len(self.sources):,} texts, {len(self.codes):,} codes, "
            f"{self.codings[CODER].nunique():,} coders, {len(self.codings):,} codings; "
            f"{len(self.misfits):,} misfits."
        )


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """What was written for another tool, and what was not.

    Attributes
    ----------
    files : tuple of Path
    interviews : int
    codings : int
        Rows of codings in the files.
    left_out : DataFrame
        ``interview_id, turns, codings, reason``: what is not in the files, or not as it was.
    """

    files: tuple[Path, ...]
    interviews: int
    codings: int
    left_out: pd.DataFrame

    def summary(self) -> str:
        """Return what was written in one sentence."""
        names = " and ".join(file.name for file in self.files)
        told = "; ".join(
            f"'{row.interview_id}' {row.reason} ({row.turns} turns, {row.codings} codings)"
            for row in self.left_out.itertuples()
        )
        return (
            f"{names}: {self.interviews:,} interviews and {self.codings:,} codings. "
            f"Left out or changed: {told or 'nothing'}."
        )


def frame_codings(rows: Iterable[Sequence[Any]]) -> pd.DataFrame:
    """Return codings as a frame: each once, by interview, turn, code and coder."""
    texts = dict.fromkeys((INTERVIEW, CODER, CODE, STAGE, TOUCHPOINT, "quote"), "string")
    numbers = {TURN: "int64", VALENCE: "float64", "start": "int64", "end": "int64"}
    frame = pd.DataFrame(list(rows), columns=list(CODINGS)).astype(texts | numbers)
    frame = frame.drop_duplicates([INTERVIEW, TURN, CODER, CODE, "start", "end"])
    return frame.sort_values([INTERVIEW, TURN, CODE, CODER], kind="stable", ignore_index=True)


def give_stages(codings: pd.DataFrame, interviews: Interviews | None) -> pd.DataFrame:
    """Return codings, those without a stage with that of their code in the interviews."""
    if interviews is None:
        return codings
    codes = interviews.codes
    own = {str(c): s for c, s in zip(codes[CODE], codes[STAGE], strict=True) if pd.notna(s) and s}
    usual = pd.Series([own.get(code) for code in codings[CODE]], index=codings.index)
    return codings.assign(**{STAGE: codings[STAGE].fillna(usual.astype("string"))})


def frame_misfits(faults: Iterable[Fault]) -> pd.DataFrame:
    """Return faults as a frame."""
    rows = [(f.file, f.line, f.found, f.expected, f.nearest) for f in faults]
    return pd.DataFrame(rows, columns=list(MISFITS))
