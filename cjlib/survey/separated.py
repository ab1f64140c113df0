"""Separated text: which sign parts the cells, and every row as wide as the header."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow_csv

from cjlib.errors import JourneyError

SEPARATORS: Final = (",", ";", "\t", "|")
LOOK_ROWS: Final = 200  # rows looked at to find the separator
LOOK_BYTES: Final = 1_000_000  # and no more than these; the header must end within
MAX_ROW: Final = 1 << 24  # bytes one row may take
MAX_COLUMNS: Final = 16_384  # as many as a worksheet has
_BLOCK: Final = 1 << 22  # bytes whose quotes are checked at a time
_TOLD: Final = re.compile(rb'\A"?sep=([\x21-\x7e\t])"?\r?\n')


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The cells of a file, all text.

    Attributes
    ----------
    table : DataFrame
        Every record, the header too, under positions 0, 1, ...
    separator : str
        What parts the cells.
    uneven_rows : int
        Rows with fewer or more cells than the header, evened out without loss.
    """

    table: pd.DataFrame
    separator: str
    uneven_rows: int = 0


@dataclass(frozen=True, slots=True)
class _Row:
    cells: list[str]
    odd: bool  # text after a closing quote, or a quote inside an unquoted cell

    @property
    def blank(self) -> bool:
        return not any(cell.strip() for cell in self.cells)


def read_separated(
    text: bytes, *, shown: str, separator: str = "", fill_short_rows: bool = False
) -> Cells:
    """Read UTF-8 text into cells, every row as wide as the first that is not blank.

    Quotes are as in RFC 4180: a quoted cell may hold separators, line breaks and doubled
    quotes and ends with a quote; a quote inside an unquoted cell is a letter like others.

    Parameters
    ----------
    text : bytes
    shown : str
        How messages name the file.
    separator : str
        Empty: told by a first line such as ``sep=;``, or else found by ``find_separator``.
    fill_short_rows : bool
        Take cells that a row lacks at its end for empty ones. Otherwise a row may lack only
        cells under no header, and have more than the header only if these are empty.

    Raises
    ------
    JourneyError
        With the line, for a quote never closed or closed too early, a row with too few or
        too many cells, and a line too long to be one of a table.
    """
    _require_line_ends(text, shown)
    told = _TOLD.match(text[:40])
    if told:
        text = text[told.end() :]
        separator = separator or told[1].decode("ascii")
    first_line = 2 if told else 1
    sample = text[:LOOK_BYTES].decode("utf-8", errors="ignore")
    separator = separator or find_separator(sample)
    top = list(islice((row for row in split_rows(sample, separator) if not row.blank), 2))
    if not top:
        return Cells(pd.DataFrame(), separator)
    width = len(top[0].cells)
    if width > MAX_COLUMNS or (len(top) == 1 and len(text) > LOOK_BYTES):
        line = first_line + sample[: len(sample) - len(sample.lstrip())].count("\n")
        raise _too_long(shown, line)
    named = [any(row.cells[i : i + 1] not in ([], [""]) for row in top) for i in range(width)]
    parsed = _parse(text, separator, width) if _are_quotes_regular(text, separator) else None
    if parsed is not None:
        return Cells(parsed, separator)
    walk = _Walk(separator, width, named, fill_short_rows, shown, first_line)
    evened, uneven = walk.even_out(text)
    parsed = _parse(evened, ",", width)
    if parsed is None:
        raise _too_long(shown, 0)
    return Cells(parsed, separator, uneven)


def _require_line_ends(text: bytes, shown: str) -> None:
    half = MAX_ROW // 2
    for start in range(0, len(text) - half, half):
        if text.find(b"\n", start, start + half) < 0 and text.find(b"\r", start, start + half) < 0:
            raise _too_long(shown, text.count(b"\n", 0, start) + 1)


def _parse(text: bytes, separator: str, width: int) -> pd.DataFrame | None:
    names = [str(i) for i in range(width)]
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(text),
            read_options=arrow_csv.ReadOptions(
                column_names=names, block_size=MAX_ROW, use_threads=False
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=separator, newlines_in_values=True, ignore_empty_lines=False
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()),
                strings_can_be_null=False,
                null_values=[],
            ),
        )
    except pa.ArrowInvalid:  # some row is uneven or too long; the walk below says which
        return None
    frame: pd.DataFrame = table.to_pandas(self_destruct=True, split_blocks=True)
    frame.columns = pd.RangeIndex(width)
    return frame


def _are_quotes_regular(text: bytes, separator: str) -> bool:
    """Whether every cell with a quote in it begins and ends with one, the inner ones doubled."""
    if b'"' not in text:
        return True
    data = np.frombuffer(text, dtype=np.uint8)
    edge = np.zeros(256, dtype=bool)
    edge[[ord(separator), 10, 13, 34]] = True
    seen = 0
    for start in range(0, len(data), _BLOCK):
        at = np.flatnonzero(data[start : start + _BLOCK] == 34) + start
        opening, closing = at[seen % 2 :: 2], at[1 - seen % 2 :: 2]
        before, after = opening[opening > 0] - 1, closing[closing < len(data) - 1] + 1
        if not (edge[data[before]].all() and edge[data[after]].all()):
            return False
        seen += len(at)
    return seen % 2 == 0


@dataclass(frozen=True, slots=True)
class _Walk:
    """Row by row through a file that is not regular: to even it out, or say where it is wrong."""

    separator: str
    width: int
    named: list[bool]  # the columns that have a header
    fill: bool
    shown: str
    first_line: int

    def even_out(self, text: bytes) -> tuple[bytes, int]:
        source = io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", newline="")
        target = io.BytesIO()
        out = io.TextIOWrapper(target, encoding="utf-8", newline="")
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        reader = csv.reader(source, delimiter=self.separator, strict=True)
        wrong: list[tuple[int, int]] = []
        uneven, line = 0, self.first_line
        usual = csv.field_size_limit(MAX_ROW)
        try:
            for found in reader:
                cells = found
                if len(cells) != self.width:
                    if cells and any(cell.strip() for cell in cells):
                        uneven += 1
                        if not self._loses_nothing(cells):
                            wrong.append((line, len(cells)))
                    cells = (cells + [""] * self.width)[: self.width]
                writer.writerow(cells)
                line = self.first_line + reader.line_num
        except csv.Error as error:
            raise self._misquoted(line, str(error)) from None
        finally:
            csv.field_size_limit(usual)
        if wrong:
            raise self._ragged(wrong)
        out.flush()
        return target.getvalue(), uneven

    def _loses_nothing(self, cells: Sequence[str]) -> bool:
        if len(cells) > self.width:
            return not any(cell.strip() for cell in cells[self.width :])
        return self.fill or not any(self.named[len(cells) :])

    def _misquoted(self, line: int, detail: str) -> JourneyError:
        if "unexpected end" in detail:
            wrong = f"the quote opened in the row on line {line:,} is never closed"
        elif "expected after" in detail:
            wrong = f"a quoted cell in the row on line {line:,} goes on after its closing quote"
        elif "larger than field limit" in detail:
            return _too_long(self.shown, line)
        else:
            wrong = f"the row on line {line:,} cannot be read ({detail})"
        return JourneyError(
            f"read_export: quotes must stand in pairs; in '{self.shown}', read with "
            f"{self.separator!r} between cells, {wrong}. Export the file again if it is cut "
            'off there, or write quotes inside a cell twice ("").'
        )

    def _ragged(self, wrong: Sequence[tuple[int, int]]) -> JourneyError:
        line, cells = wrong[0]
        more = f" and {len(wrong) - 1:,} more row(s)" if len(wrong) > 1 else ""
        short = all(count < self.width for _, count in wrong)
        remedy = (
            f" If empty cells were left off, say {{path: {self.shown}, short_rows: fill}} in "
            "study.yaml."
            if short
            else ""
        )
        return JourneyError(
            f"read_export: each row must have as many cells as the header; '{self.shown}', read "
            f"with {self.separator!r} between cells, has {cells:,} on line {line:,}{more} where "
            f"the header has {self.width:,}. Look there for a stray quote or separator, a line "
            f"cut off, or a title above the header, and mend it or export again.{remedy}"
        )


def _too_long(shown: str, line: int) -> JourneyError:
    where = f"line {line:,} of '{shown}'" if line else f"a row of '{shown}'"
    return JourneyError(
        f"read_export: a row must be one of a table, of at most {MAX_COLUMNS:,} cells; {where} "
        "is too long for that. Check that the file is a survey export and its lines end."
    )


def find_separator(text: str) -> str:
    """Return the separator that parts the first rows as it parts the header.

    A separator counts if it occurs in the header outside quotes. That one is taken which
    gives the largest share of rows as many cells as the header has, and no stray quotes;
    then one that is not mostly followed by a space, as in prose; then the one that gives
    more cells. Where none occurs, the file has one column, and any separator is returned
    that leaves it whole (unless the first row is plainly a title above a table).
    """
    best: tuple[float, bool, int] = (0.0, False, 0)
    chosen = ""
    for separator in SEPARATORS:
        rows = _look(text, separator)
        width = len(rows[0].cells) if rows else 0
        if width < 2:
            continue
        later = [cell for cell in rows[0].cells[1:] if cell.strip()]
        prose = 2 * sum(cell[0] == " " for cell in later) > len(later)
        even = sum(len(row.cells) == width and not row.odd for row in rows) / len(rows)
        if prose and even < 0.9:
            continue
        score = (round(even, 1), not prose, width)
        if score > best:
            best, chosen = score, separator
    if chosen:
        return chosen
    for separator in SEPARATORS:
        if _stands_below_a_title(_look(text, separator)):
            return separator
    whole = (s for s in SEPARATORS if all(len(row.cells) < 2 for row in _look(text, s)))
    return next(whole, SEPARATORS[0])


def _look(text: str, separator: str) -> list[_Row]:
    rows = [row for row in islice(split_rows(text, separator), LOOK_ROWS) if not row.blank]
    if len(text) >= LOOK_BYTES // 2 and 1 < len(rows) < LOOK_ROWS:
        rows.pop()  # the sample may end inside it
    return rows


def _stands_below_a_title(rows: Sequence[_Row]) -> bool:
    """Whether all rows but the first have the same cells, those of the second being words."""
    widths = {len(row.cells) for row in rows[1:]}
    if len(rows) < 3 or len(widths) > 1 or widths == {1}:
        return False
    return all(cell.strip() and not re.match(r"[\s\d]", cell) for cell in rows[1].cells)


def split_rows(text: str, separator: str) -> Iterator[_Row]:
    """Yield the rows of a text; a quote that is never closed is taken for a letter."""
    cell = re.compile(
        r'(?:"(?P<quoted>(?:[^"]++|"")*+)")?(?P<bare>[^SEP\r\n]*+)(?P<end>[SEP]|\r\n|\r|\n|\Z)'
        .replace("SEP", re.escape(separator))
    )  # fmt: skip
    cells: list[str] = []
    odd = False
    for found in cell.finditer(text):
        if found.start() == len(text) and not cells:
            return
        quoted, bare = found["quoted"], found["bare"]
        cells.append(bare if quoted is None else quoted.replace('""', '"') + bare)
        odd = odd or '"' in bare or (quoted is not None and bare != "")
        if found["end"] != separator:
            yield _Row(cells, odd)
            cells, odd = [], False
