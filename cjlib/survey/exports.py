"""Survey exports as they are found: encodings, separators, workbooks, stacked header rows."""

from __future__ import annotations

import csv
import io
import re
import warnings
import zipfile
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any, Final

import openpyxl
import pandas as pd

from cjlib.errors import JourneyError, UnsafeFileError

SEPARATORS: Final = (",", ";", "\t", "|")
LOOK_ROWS: Final = 200  # rows read to find the separator
MAX_UNPACKED: Final = 300_000_000  # bytes all parts of a workbook may have, unpacked
_IMPORT_ID: Final = '{"ImportId"'


@dataclass(frozen=True, slots=True)
class Export:
    """One raw file as text.

    Attributes
    ----------
    rows : DataFrame
        Text cells under the file's own headers' positions (0, 1, ...); empty cells are "".
        The index is the record's number in the file, the header row being 1.
    headers, questions : list of str
        First row; second row of a three-row header (else empty).
    encoding, separator : str
        As found; a workbook has its sheet's name as separator.
    header_rows, blank_rows : int
        Rows above the data; data rows without any text, which are passed over.
    """

    rows: pd.DataFrame
    headers: list[str]
    questions: list[str]
    encoding: str
    separator: str
    header_rows: int
    blank_rows: int


def read_export(path: Path, *, shown: str) -> Export:
    """Read a CSV or xlsx export as text, nothing guessed about what cells mean.

    Parameters
    ----------
    path : Path
    shown : str
        How messages name the file.

    Raises
    ------
    UnsafeFileError
        For a workbook that unpacks to more than ``MAX_UNPACKED`` bytes.
    JourneyError
        For other kinds of file, an empty one, and rows with more cells than the header.
    """
    data = path.read_bytes()
    if path.suffix.casefold() in (".xlsx", ".xlsm") or data[:4] == b"PK\x03\x04":
        table, separator = _read_workbook(path, shown)
        encoding = "xlsx"
    elif path.suffix.casefold() in (".csv", ".txt", ".tsv"):
        text, encoding = decode_text(data, shown=shown)
        if "\n" not in text:
            text = text.replace("\r", "\n")  # line ends of old Mac exports
        table, separator = _read_separated(text, shown)
    else:
        raise JourneyError(
            f"read_answers: a survey file must be CSV or xlsx; '{shown}' is neither. "
            "Save it as one of these."
        )
    if table.empty:
        raise JourneyError(
            f"read_answers: a survey file must have a header row; '{shown}' is empty. "
            "Export it again."
        )
    stacked = len(table) > 2 and _is_import_row(table.iloc[2])
    header_rows = 3 if stacked else 1
    rows = table.iloc[header_rows:]
    rows.index = pd.RangeIndex(header_rows + 1, header_rows + 1 + len(rows))
    filled = rows.apply(lambda column: column.str.strip().ne("")).any(axis=1)
    return Export(
        rows=rows[filled],
        headers=table.iloc[0].tolist(),
        questions=table.iloc[1].tolist() if stacked else [],
        encoding=encoding,
        separator=separator,
        header_rows=header_rows,
        blank_rows=int((~filled).sum()),
    )


def decode_text(data: bytes, *, shown: str) -> tuple[str, str]:
    """Return the text of a file and the encoding it is in.

    A byte-order mark decides; then UTF-8 if it fits; then UTF-16 where every other byte is
    zero; then windows-1256 if most bytes above 127 stand beside another (Persian and Arabic
    words), else windows-1252 (single accented letters among Latin ones).
    """
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if data.startswith(mark):
            return _decode(data, encoding, shown), encoding
    head = data[:4000]
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if head[start::2].count(0) > len(head) // 4:
            return _decode(data, encoding, shown), encoding
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", data)]
    persian = 2 * sum(length for length in runs if length > 1) >= sum(runs)
    tries = ("utf-8", "windows-1256") if persian else ("utf-8", "windows-1252", "windows-1256")
    for encoding in tries[:-1]:
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return _decode(data, tries[-1], shown), tries[-1]


def _decode(data: bytes, encoding: str, shown: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise JourneyError(
            f"read_answers: a survey file must be text in one encoding; '{shown}' begins as "
            f"{encoding} but byte {error.start:,} does not fit. Save it as CSV UTF-8."
        ) from None


def _read_separated(text: str, shown: str) -> tuple[pd.DataFrame, str]:
    first, _, rest = text.partition("\n")
    told = re.fullmatch(r"\"?sep=(.)\"?", first.strip("\r"))
    if told:
        text, separator = rest, told[1]
    else:
        separator = find_separator(text)
    if not text.strip():
        return pd.DataFrame(), separator
    try:
        width = len(next(csv.reader(io.StringIO(text), delimiter=separator)))
        table = pd.read_csv(
            io.StringIO(text), sep=separator, header=None, names=range(width), dtype=str,
            keep_default_na=False, na_filter=False, skip_blank_lines=False, index_col=False,
            engine="c",
        )  # fmt: skip
    except (pd.errors.ParserError, csv.Error) as error:
        raise _ragged(shown, str(error), separator) from None
    except pd.errors.ParserWarning as error:
        raise _ragged(shown, str(error), separator) from None
    return table.fillna("").astype(str), separator


def _ragged(shown: str, detail: str, separator: str) -> JourneyError:
    return JourneyError(
        f"read_answers: each row must have as many cells as the header; '{shown}', read with "
        f"{separator!r} between cells, has a row that has not ({detail.strip()}). "
        "Look for a stray quote or separator there."
    )


def find_separator(text: str) -> str:
    """Return the separator that parts the first rows most evenly, or a comma if none does.

    Quoted cells are respected. The separator wins that gives the largest share of rows the
    same number of cells (more than one); then the one that gives more cells.
    """
    best = (0.0, 0, ",")
    for separator in SEPARATORS:
        try:
            rows = list(islice(csv.reader(io.StringIO(text), delimiter=separator), LOOK_ROWS))
        except csv.Error:
            continue
        widths = Counter(len(row) for row in rows if row)
        if not widths:
            continue
        width, count = max(widths.items(), key=lambda pair: (pair[1], pair[0]))
        even = round(count / sum(widths.values()), 1)
        if width > 1 and (even, width) > best[:2]:
            best = (even, width, separator)
    return best[2]


def _read_workbook(path: Path, shown: str) -> tuple[pd.DataFrame, str]:
    try:
        with zipfile.ZipFile(path) as parts:
            unpacked = sum(part.file_size for part in parts.infolist())
        if unpacked > MAX_UNPACKED:
            raise UnsafeFileError(
                f"read_answers: a workbook must unpack to at most {MAX_UNPACKED:,} bytes; "
                f"'{shown}' unpacks to {unpacked:,}. Save the sheet as CSV."
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # features of Excel that are not read
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            sheet = book.worksheets[0]
            sheet.reset_dimensions()
            rows = [[_cell_text(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
            title = str(sheet.title)
            book.close()
    except UnsafeFileError:
        raise
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, OSError, EOFError) as error:
        raise JourneyError(
            f"read_answers: '{shown}' must be a readable workbook; it is not ({error}). "
            "Open it in Excel and save it again, or save the sheet as CSV."
        ) from None
    width = max((len(row) for row in rows), default=0)
    table = pd.DataFrame([row + [""] * (width - len(row)) for row in rows], dtype=str)
    while len(table.columns) and table.iloc[:, -1].eq("").all():
        table = table.iloc[:, :-1]
    return table, f"sheet {title}"


def _cell_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


def _is_import_row(row: pd.Series) -> bool:
    cells = [c for c in row.tolist() if c]
    return bool(cells) and 2 * sum(c.startswith(_IMPORT_ID) for c in cells) > len(cells)
