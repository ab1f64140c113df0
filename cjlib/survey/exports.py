"""Survey exports as they are found: what kind of file it is, and its rows as text."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd

from cjlib.definitions import Dialect
from cjlib.errors import JourneyError, UnsafeFileError
from cjlib.survey import spss
from cjlib.survey.encoding import find_encoding, to_utf8
from cjlib.survey.headings import LOOK_ROWS, MAX_HEADER_ROWS, Heading, read_heading
from cjlib.survey.separated import read_separated
from cjlib.survey.workbook import read_workbook

MAX_TEXT: Final = 4_000_000_000  # bytes a packed file may unpack to
TEXT_SUFFIXES: Final = (".csv", ".txt", ".tsv", ".tab", ".dat")
_BINARY: Final = (
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)", "Open it and save it as xlsx"),
    (b"%PDF", "a PDF", "Export the answers as CSV"),
    (b"\x89PNG", "a picture", "Export the answers as CSV"),
    (b"\xff\xd8\xff", "a picture", "Export the answers as CSV"),
    (b"Rar!", "an archive", "Unpack it and name the file inside"),
    (b"7z\xbc\xaf", "an archive", "Unpack it and name the file inside"),
    (b"PAR1", "a Parquet file", "Save it as CSV"),
)
_PAGE: Final = re.compile(rb"\s*<(!doctype|html|head|body|table|meta|style|\?xml)", re.I)
_JSON: Final = re.compile(rb'\s*(\{\s*"[^"]*"\s*:|\[\s*(\{\s*"|\[))')


@dataclass(frozen=True, slots=True, eq=False)
class Export:
    """One raw file as text.

    Attributes
    ----------
    rows : DataFrame
        Text cells under the columns' positions (0, 1, ...); empty cells are "". The index
        is the record's number in the file, from 1; in SPSS files the case's number.
    headers : list of str
        The name of each column. Where a first row names questions and a second options,
        ``question [option]``; a LimeSurvey code without the text behind it.
    questions : list of str
        The text of each column's question where the file has it beside the name; else empty.
    encoding, separator : str
        As found; "xlsx" and the sheet for a workbook, no separator in SPSS files.
    header_rows, blank_rows : int
        Header rows; rows without any text, which are passed over.
    form : str
        One of ``headings.FORMS``: the tool that wrote the file, or "plain".
    groups : list of str
        The question each column belongs to with others, "" if it stands alone. A column
        whose header is the question itself is its single answer, beside "other" or a comment.
    labels, missing : dict
        By column position, from SPSS files: code to label; codes declared missing.
    uneven_rows : int
        Rows with fewer or more cells than the header, evened out without loss.
    note : str
        What else a reader should know, such as sheets that were not read.
    """

    rows: pd.DataFrame
    headers: list[str]
    questions: list[str]
    encoding: str
    separator: str
    header_rows: int
    blank_rows: int
    form: str = "plain"
    groups: list[str] = field(default_factory=list)
    labels: dict[int, dict[str, str]] = field(default_factory=dict)
    missing: dict[int, tuple[str, ...]] = field(default_factory=dict)
    uneven_rows: int = 0
    note: str = ""


def read_export(path: Path, *, shown: str, dialect: Dialect | None = None) -> Export:
    """Read a survey export as text, nothing guessed about what cells mean.

    The file is what its first bytes say, whatever its name: separated text (also packed
    with gzip), an xlsx workbook, or an SPSS file. Encoding, separator and form are found
    by ``find_encoding``, ``find_separator`` and ``read_heading`` unless ``dialect`` names
    them. Blank rows above the header are passed over.

    Parameters
    ----------
    path : Path
    shown : str
        How messages name the file.
    dialect : Dialect, optional
        What is known of the file.

    Raises
    ------
    UnsafeFileError
        For a file that unpacks too far.
    JourneyError
        For other kinds of file, one without header or rows, and each way in which text can
        be damaged; always with the file, the line where there is one, and what to do.
    """
    dialect = dialect or Dialect()
    data = _unpack(path.read_bytes(), shown)
    kind = _find_kind(data, path, shown)
    if kind == "spss" or dialect.form == "spss":
        return _read_spss(data, shown, dialect)
    uneven, note = 0, ""
    if kind == "xlsx":
        encoding = "xlsx"
        table, title, note = read_workbook(data, shown=shown, sheet=dialect.sheet)
        separator = f"sheet {title}"
    else:
        encoding = dialect.encoding or find_encoding(data, shown=shown)
        text = to_utf8(data, encoding=encoding, shown=shown)
        del data
        told = "\t" if dialect.separator == "tab" else dialect.separator
        fill = dialect.short_rows == "fill"
        cells = read_separated(text, shown=shown, separator=told, fill_short_rows=fill)
        table, separator, uneven = cells.table, cells.separator, cells.uneven_rows
    start = _find_first_row(table, shown)
    top = table.iloc[start : start + MAX_HEADER_ROWS + LOOK_ROWS].to_numpy().tolist()
    heading = read_heading(top, form=dialect.form, header_rows=dialect.header_rows)
    _refuse_title(top, heading, shown)
    rows, blank = _drop_blank_rows(table, start + heading.rows)
    if rows.empty:
        raise _without_rows(shown, heading)
    return Export(
        rows, heading.headers, heading.questions, encoding, separator, heading.rows,
        blank + start, heading.form, heading.groups, uneven_rows=uneven, note=note,
    )  # fmt: skip


def _unpack(data: bytes, shown: str) -> bytes:
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        with gzip.open(io.BytesIO(data)) as packed:
            text = packed.read(MAX_TEXT + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise JourneyError(
            f"read_export: a packed file must be whole; '{shown}' is not ({error}). "
            "Copy or download it again."
        ) from None
    if len(text) > MAX_TEXT:
        raise UnsafeFileError(
            f"read_export: a packed file must unpack to at most {MAX_TEXT:,} bytes; '{shown}' "
            "unpacks to more. Part it into several files."
        )
    return text


def _find_kind(data: bytes, path: Path, shown: str) -> str:
    """Say whether it is text, xlsx or spss, by its first bytes; anything else is refused."""
    if not data.strip():
        raise JourneyError(
            f"read_export: a survey file must have a header row; '{shown}' is empty. "
            "Export it again."
        )
    suffix = Path(path.name.casefold().removesuffix(".gz")).suffix
    if data[:4] == b"PK\x03\x04" or suffix in (".xlsx", ".xlsm"):
        return "xlsx"
    if data[:4] in spss.MAGIC or suffix in (".sav", ".zsav"):
        return "spss"
    for magic, noun, remedy in _BINARY:
        if data.startswith(magic):
            raise _wrong_kind(shown, f"is {noun}", remedy)
    if _PAGE.match(data[:200]):
        raise _wrong_kind(shown, "is a web page or XML", "Export the answers again, logged in")
    if _JSON.match(data[:2000]):
        raise _wrong_kind(shown, "is JSON", "Export the answers as CSV")
    if suffix not in TEXT_SUFFIXES:
        raise _wrong_kind(shown, "is neither", "Save it as one of these")
    return "text"


def _wrong_kind(shown: str, noun: str, remedy: str) -> JourneyError:
    return JourneyError(
        f"read_export: a survey file must be CSV, xlsx or sav; '{shown}' {noun}. {remedy}."
    )


def _read_spss(data: bytes, shown: str, dialect: Dialect) -> Export:
    found = spss.read_spss(data, shown=shown, encoding=dialect.encoding)
    rows, blank = _drop_blank_rows(found.table, 0)
    heading = Heading("spss", 0, found.names, found.questions, found.groups)
    if rows.empty:
        raise _without_rows(shown, heading)
    return Export(
        rows, heading.headers, heading.questions, found.encoding, "", 0, blank, "spss",
        heading.groups, found.labels, found.missing,
    )  # fmt: skip


def _find_first_row(table: pd.DataFrame, shown: str) -> int:
    for place, cells in enumerate(table.head(1000).itertuples(index=False)):
        if any(cell.strip() for cell in cells):
            return place
    raise JourneyError(
        f"read_export: a survey file must have a header row; '{shown}' is empty. Export it again."
    )


def _refuse_title(top: list[list[str]], heading: Heading, shown: str) -> None:
    """Refuse a title in the first cell of a row that is otherwise empty: it names nothing."""
    filled = [place for place, cell in enumerate(top[0]) if cell.strip()]
    below = sum(bool(cell.strip()) for cell in top[1]) if len(top) > 1 else 0
    if len(top[0]) > 2 and filled == [0] and below > 1 and heading.form == "plain":
        raise JourneyError(
            f"read_export: the first row must name the columns; in '{shown}' it names one of "
            f"{len(top[0])}, '{top[0][0][:60]}'. Delete the title rows above the header."
        )


def _drop_blank_rows(table: pd.DataFrame, start: int) -> tuple[pd.DataFrame, int]:
    """Return the rows from ``start`` that have any text, numbered from 1, and how many have none.

    Only rows that are blank so far are looked at in the next column.
    """
    rows = table.iloc[start:]
    rows.index = pd.RangeIndex(start + 1, start + 1 + len(rows))
    left: pd.Index = rows.index
    for place in rows.columns:
        if left.empty:
            return rows, 0
        cells = rows[place] if len(left) == len(rows) else rows[place].loc[left]
        empty = cells.eq("") | cells.str.isspace()
        left = left[empty.to_numpy(dtype=bool)]
    return rows.drop(index=left), len(left)


def _without_rows(shown: str, heading: Heading) -> JourneyError:
    names = ", ".join(map(repr, heading.headers[:3]))
    return JourneyError(
        f"read_export: a survey file must have answers below its header; '{shown}' has "
        f"{heading.rows} header row(s) ({names} ...) and no answers. Export it again, or leave "
        "it out of study.yaml."
    )
