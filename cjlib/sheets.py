"""CSV files that people fill in by hand: every cell with its line, every fault at once."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from cjlib.errors import Fault, StudyError, nearest
from cjlib.language import parse_date, parse_number, to_latin_digits

MAX_SHEET_BYTES = 50_000_000
DELIMITERS = (",", ";", "\t")  # what spreadsheets write under different regional settings


class Sheet:
    """One hand-made CSV file, and the faults found while its cells are read.

    Attributes
    ----------
    shown : str
        How faults name the file.
    rows : list of (int, dict)
        Line (from 1, where the row begins) and cells by column, surrounding spaces dropped;
        a column the file lacks reads as an empty text. Wholly empty rows are left out.
    faults : list of Fault
        Grows as cells are read.
    """

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.rows: list[tuple[int, dict[str, str]]] = []
        self.faults: list[Fault] = []

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]]]:
        return iter(self.rows)

    def fault(self, line: int, found: str, expected: str, near: str = "") -> None:
        """Note one fault."""
        self.faults.append(Fault(self.shown, line, found, expected, near))

    def need(self, line: int, cells: dict[str, str], column: str) -> str:
        """Return a cell that must not be empty."""
        if not cells[column]:
            self.fault(line, f"an empty {column}", f"a {column} in every row")
        return cells[column]

    def choice(
        self, line: int, cells: dict[str, str], column: str, known: Iterable[str]
    ) -> str | None:
        """Return a cell that is empty (then None) or one of ``known``, whatever its case."""
        value, words = cells[column], list(known)
        if not value or value in words:
            return value or None
        folded = {word.casefold(): word for word in words}
        if value.casefold() in folded:
            return folded[value.casefold()]
        expected = f"one of {', '.join(words) or 'none defined'}"
        self.fault(line, f"unknown {column} '{value}'", expected, nearest(value, words))
        return None

    def number(
        self,
        line: int,
        cells: dict[str, str],
        column: str,
        *,
        low: float = float("-inf"),
        high: float = float("inf"),
    ) -> float:
        """Return a cell as a number from ``low`` to ``high``; an empty one is missing (NaN)."""
        if not cells[column]:
            return float("nan")
        value = parse_number(cells[column])
        if value is None:
            self.fault(line, f"{column} '{cells[column]}'", "a number")
            return float("nan")
        if not low <= value <= high:
            bounds = f"at least {low:g}" if high == float("inf") else f"{low:g} to {high:g}"
            self.fault(line, f"{column} {value:g}", bounds)
            return float("nan")
        return value

    def day(
        self, line: int, cells: dict[str, str], column: str, *, month: bool = False
    ) -> pd.Timestamp | None:
        """Return a cell as a day (Jalali or Gregorian, any digits); an empty one is None.

        With ``month`` a year and month alone stand for the first day of that month.
        """
        text = to_latin_digits(cells[column])
        if not text:
            return None
        parts = text.replace("/", "-").split("-")
        found = parse_date(text)
        if found is None and month and len(parts) == 2:
            found = parse_date(f"{text}-01" if "-" in text else f"{text}/01")
        if found is None:
            example = "'2025-05-31' or '۱۴۰۴/۰۳/۱۰'"
            self.fault(line, f"{column} '{cells[column]}'", f"a date such as {example}")
            return None
        return pd.Timestamp(found)

    def raise_faults(self, *, caller: str) -> None:
        """Raise ``StudyError`` with every fault noted so far, if there is one."""
        if self.faults:
            raise StudyError(self.faults, caller=caller)


def read_sheet(
    path: Path, *, columns: Sequence[str], required: Sequence[str], shown: str = ""
) -> Sheet:
    """Read a hand-made CSV file as text.

    Parameters
    ----------
    path : Path
        UTF-8, with a header line; commas, semicolons or tabs between cells.
    columns : sequence of str
        Every column the file may have; another one is a fault.
    required : sequence of str
        Columns it must have; without one the sheet has no rows.
    shown : str
        How faults name the file; its own name by default.
    """
    sheet = Sheet(shown or path.name)
    if path.stat().st_size > MAX_SHEET_BYTES:
        sheet.fault(0, f"{path.stat().st_size:,} bytes", "at most 50 MB")
        return sheet
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        sheet.fault(0, "text that is not UTF-8", "a CSV saved as UTF-8")
        return sheet
    first = text.split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    header = [cell.strip() for cell in next(reader, [])]
    for name in header:
        if name not in columns:
            expected = "one of " + ", ".join(columns)
            sheet.fault(1, f"unknown column '{name}'", expected, nearest(name, columns))
    for name in sorted({h for h in header if header.count(h) > 1}):
        sheet.fault(1, f"column '{name}' again", "each column once")
    missing = [name for name in required if name not in header]
    for name in missing:
        sheet.fault(1, f"no column '{name}'", "the columns " + ", ".join(required))
    if missing:
        return sheet
    last = reader.line_num
    try:
        for cells in reader:
            line, last = last + 1, reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(header):
                sheet.fault(line, f"{len(cells)} cells", f"{len(header)}; quote cells with commas")
            row = dict.fromkeys(columns, "")
            row.update({k: v.strip() for k, v in zip(header, cells, strict=False)})
            sheet.rows.append((line, row))
    except csv.Error as error:
        sheet.fault(last + 1, str(error), "a CSV with balanced quotes and short cells")
    return sheet
