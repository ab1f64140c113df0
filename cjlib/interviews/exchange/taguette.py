"""Taguette's tables: highlights with their tags, and the codebook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from cjlib.columns import CODE, INTERVIEW, TURN
from cjlib.errors import JourneyError
from cjlib.interviews.coding import CODE_COLUMNS
from cjlib.interviews.exchange.layout import HEAD, match_name, prepare, say_turns
from cjlib.interviews.exchange.model import (
    SOURCES,
    Exchange,
    Written,
    frame_codings,
    frame_misfits,
    give_stages,
)
from cjlib.interviews.model import Interviews
from cjlib.interviews.spans import find_exact, find_spans
from cjlib.language import key
from cjlib.sheets import Sheet, read_sheet
from cjlib.tables import FORMULA_SIGNS, write_table

HIGHLIGHTS: Final = ("id", "document", "tag", "content")
CODEBOOK: Final = ("tag", "parent", "description", "number of highlights")
_NAN: Final = float("nan")


def read_taguette(path: Path, interviews: Interviews, *, coder: str = "taguette") -> Exchange:
    """Read the highlights that Taguette exports as CSV and find them in the interviews.

    A highlight has no position in that table, so its words are looked for in the turns of
    the interview its document is called after: as written, else by ``cjlib.language.key``.
    Words that stand in no turn or in several places are listed in ``misfits``, with their
    line. A highlight over several lines is a coding of each of their turns; a line that
    begins as ``write_refi`` writes it (``[4] participant-1: ...``) says its turn. Every tag
    is a code, a highlight without a tag is a misfit.

    Parameters
    ----------
    path : Path
        With the columns ``id, document, tag, content`` (older versions: ``tags``, several
        with commas between them).
    interviews : Interviews
    coder : str
        Who coded: the table does not say.

    Raises
    ------
    JourneyError
        If there is no such file.
    """
    if not path.is_file():
        raise JourneyError(f"read_taguette: there must be a file '{path.name}'; there is none.")
    sheet = read_sheet(path, columns=(*HIGHLIGHTS, "tags"), required=("document", "content"))
    said = say_turns(interviews)
    rows: list[tuple[Any, ...]] = []
    for line, cells in sheet:
        interview = match_name(cells["document"], said)
        tags = [cells["tag"], *(tag.strip() for tag in cells["tags"].split(","))]
        tags = [_undo(tag) for tag in tags if tag]
        if not tags:
            sheet.fault(line, "a highlight without a tag", "a tag in every row")
        if interview is None:
            found = f"document '{cells['document']}' is no interview of the study"
            sheet.fault(line, found, "documents called as interviews are")
            continue
        for turn, start, end in _locate(sheet, line, _undo(cells["content"]), said[interview]):
            quote = said[interview][turn][start:end]
            rows += [
                (interview, turn, coder, tag, None, None, _NAN, quote, start, end) for tag in tags
            ]
    codings = give_stages(frame_codings(rows), interviews)
    named = pd.DataFrame({CODE: sorted(set(codings[CODE]))}, dtype="string")
    codes = named.reindex(columns=list(CODE_COLUMNS), fill_value="")
    sources = pd.DataFrame(columns=list(SOURCES))
    return Exchange(sources, codes, codings, frame_misfits(sheet.faults))


def write_taguette(interviews: Interviews, folder: Path) -> Written:
    """Write codings and codebook as the tables Taguette exports.

    ``highlights.csv`` (``id, document, tag, content``: a row for each piece and code, whoever
    the coder; the turn's whole text where a coding has no quote) and ``codebook.csv``
    (``tag, parent, description, number of highlights``), which Taguette imports. Only turns
    that may be quoted are written. What a spreadsheet would run as a formula begins with an
    apostrophe.
    """
    ready = prepare(interviews)
    said = say_turns(interviews)
    pieces: dict[tuple[str, int, int, int], int] = {}
    rows: dict[tuple[int, str], tuple[int, str, str, str]] = {}
    for row in ready.codings.to_dict("records"):
        name, turn = str(row[INTERVIEW]), int(row[TURN])
        text = said[name][turn]
        start, end = (row["start"], row["end"]) if row["start"] >= 0 else (0, len(text))
        number = pieces.setdefault((name, turn, start, end), len(pieces) + 1)
        rows[number, str(row[CODE])] = (number, name, str(row[CODE]), text[start:end])
    highlights = pd.DataFrame(sorted(rows.values()), columns=list(HIGHLIGHTS))
    used = highlights["tag"].value_counts()
    listed = {str(row[CODE]): row for row in interviews.codes.to_dict("records")}
    book = [
        (
            code, code.rpartition("/")[0], str(listed.get(code, {}).get("definition") or ""),
            int(used.get(code, 0)),
        )
        for code in [*listed, *sorted(set(used.index) - set(listed))]
    ]  # fmt: skip
    files = (
        write_table(highlights, folder / "highlights.csv"),
        write_table(pd.DataFrame(book, columns=list(CODEBOOK)), folder / "codebook.csv"),
    )
    count = int(ready.spoken[INTERVIEW].nunique())
    return Written(files, count, len(highlights), ready.left_out)


def _locate(
    sheet: Sheet, line: int, content: str, turns: Mapping[int, str]
) -> Iterator[tuple[int, int, int]]:
    """Find each line of a highlight in the one place it stands."""
    whole = _find(content, turns)
    if len(whole) == 1:
        yield whole[0]
        return
    for words in content.splitlines():
        head = HEAD.match(words)
        within = turns
        said = words
        if head and int(head[1]) in turns:
            within, said = {int(head[1]): turns[int(head[1])]}, words[head.end() :]
        if not key(said):
            continue
        spots = _find(said, within)
        if len(spots) == 1:
            yield spots[0]
        else:
            where = ", ".join(str(turn) for turn, _, _ in spots[:5]) or "none"
            found = f"words that stand in {len(spots)} places (turns: {where})"
            sheet.fault(line, found, "words that stand in one place of the interview")


def _find(words: str, turns: Mapping[int, str]) -> list[tuple[int, int, int]]:
    """Find words as they are written in any turn; only else by key."""
    exact = [(n, a, b) for n, text in turns.items() for a, b in find_exact(text, words)]
    return exact or [(n, a, b) for n, text in turns.items() for a, b in find_spans(text, words)]


def _undo(text: str) -> str:
    """Take away the apostrophe that keeps a spreadsheet from running a text."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(FORMULA_SIGNS) else text
