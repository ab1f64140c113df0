"""One file of events, whatever its format, as arrow tables: whole, or some rows at a time."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from cjlib.errors import ColumnError, UnsafeFileError
from cjlib.events.xes import iterate_xes

MAX_UNPACKED_BYTES: Final = 4_000_000_000  # what a packed file may grow to before it is refused
MAX_SHEET_BYTES: Final = 500_000_000  # the same for .xlsx, which is read whole
FORMATS: Final = ("csv", "tsv", "txt", "parquet", "xlsx", "xes")
DUCKDB: Final = ("duckdb", "ddb")
CALLER: Final = "read_interactions"
ODD_ROW: Final = "\x00row\x00"  # begins each cell of a row that does not fit its header
NOT_UTF8: Final = CALLER + ": text must be UTF-8; {shown} is not. Save it as 'CSV UTF-8'."


def kind_of(path: Path) -> str:
    """Return the format a file's name tells, without .gz."""
    suffixes = [part.lstrip(".").lower() for part in path.suffixes]
    return suffixes[-2] if len(suffixes) > 1 and suffixes[-1] == "gz" else (suffixes or [""])[-1]


def find_parts(path: Path, *, shown: str) -> list[tuple[Path, str, dict[str, str]]]:
    """Return the files of a source in order: (file, how messages name it, values of its folders).

    A folder is one log: its files by path, all depths, hidden ones left out; they must be of
    one format. A folder called ``name=value`` gives its files a column of that text.
    """
    if not path.is_dir():
        return [(path, shown, {})]
    parts = []
    for file in sorted(path.rglob("*")):
        inner = file.relative_to(path)
        if not file.is_file() or any(name.startswith((".", "_")) for name in inner.parts):
            continue
        pairs = [name.split("=", 1) for name in inner.parts[:-1] if "=" in name]
        parts.append((file, f"{shown.rstrip('/')}/{inner.as_posix()}", dict(pairs)))
    kinds = sorted({kind_of(file) for file, _, _ in parts})
    if len(kinds) != 1:
        raise ColumnError(
            f"{CALLER}: the files of a folder must be of one format; {shown} has "
            f"{', '.join(kinds) or 'none'}. Keep one kind in it."
        )
    return parts


def read_file(path: Path, *, shown: str, rows: int | None = None) -> Iterator[pa.Table]:
    """Read a csv, tsv, txt, parquet, xlsx or xes file (text formats may be .gz).

    ``rows``: hand over a table about each so many rows; else the file whole, in one table
    (a CSV with odd rows in several).

    A row of a CSV with more or fewer cells than its header keeps its place: each of its
    cells is ``ODD_ROW`` and what is odd about it. An empty line is no row.

    Raises
    ------
    ColumnError
        If the format is unknown, the text is not UTF-8, or the file has no header.
    UnsafeFileError
        If it would unpack to more than the limits above.
    """
    kind = kind_of(path)
    if kind == "parquet":
        yield from _read_parquet(path, shown=shown, rows=rows)
    elif kind == "xlsx":
        yield pa.Table.from_pandas(_read_sheet(path, shown=shown), preserve_index=False)
    elif kind == "xes":
        with _open(path, shown=shown) as stream:
            yield from iterate_xes(stream, shown=shown, rows=rows)
    elif kind in ("csv", "tsv", "txt"):
        yield from _read_csv(path, shown=shown, tab=kind == "tsv", rows=rows)
    else:
        raise ColumnError(
            f"{CALLER}: an event file must be one of {', '.join(FORMATS)}, or duckdb; {shown} "
            "is not. Export it as CSV."
        )


def _read_parquet(path: Path, *, shown: str, rows: int | None) -> Iterator[pa.Table]:
    try:
        with pq.ParquetFile(path) as file:
            if rows is None:
                yield file.read()
                return
            empty = True
            for batch in file.iter_batches(batch_size=rows, use_threads=False):
                empty = False
                yield pa.Table.from_batches([batch])
            if empty:
                yield file.schema_arrow.empty_table()
    except (pa.ArrowInvalid, OSError) as error:
        raise ColumnError(
            f"{CALLER}: {shown} must be a whole Parquet file; {error}. Copy it again."
        ) from error


class _Limited(io.RawIOBase):
    """A packed file that refuses to grow past the limit."""

    def __init__(self, inner: IO[bytes], shown: str, limit: int) -> None:
        self._inner, self._shown, self._left = inner, shown, limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._inner.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise UnsafeFileError(
                f"{CALLER}: a file may unpack to at most {MAX_UNPACKED_BYTES:,} bytes; "
                f"{self._shown} grows past it. Split the file."
            )
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._inner.close()
        super().close()


def _open(path: Path, *, shown: str) -> IO[bytes]:
    if path.suffix.lower() != ".gz":
        return path.open("rb")
    unpacked: IO[bytes] = gzip.GzipFile(path)  # type: ignore[assignment]
    return io.BufferedReader(_Limited(unpacked, shown, MAX_UNPACKED_BYTES), 1 << 20)


def _read_csv(path: Path, *, shown: str, tab: bool, rows: int | None) -> Iterator[pa.Table]:
    try:
        with _open(path, shown=shown) as stream:
            head = stream.readline(1 << 20).decode("utf-8-sig")
        first = head.splitlines()[0] if head else ""
        mark = "\t" if tab else max((",", ";", "\t"), key=first.count)
        names = next(csv.reader([first], delimiter=mark), [])
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated or not names:
            raise ColumnError(
                f"{CALLER}: a file must begin with one header line, each column once; "
                f"{shown} has {', '.join(map(repr, repeated)) or 'none'}. Mend the header."
            )
        yield from _parse_csv(path, names, mark=mark, shown=shown, rows=rows)
    except UnicodeDecodeError:
        raise ColumnError(NOT_UTF8.format(shown=shown)) from None
    except (gzip.BadGzipFile, EOFError) as error:
        raise ColumnError(f"{CALLER}: {shown} must be whole; {error}. Copy it again.") from error
    except (pd.errors.ParserError, csv.Error) as error:
        raise ColumnError(
            f"{CALLER}: every row must fit the header; {shown}: {str(error).strip()}. Quote cells "
            "that hold the separator."
        ) from error


def _parse_csv(
    path: Path, names: list[str], *, mark: str, shown: str, rows: int | None
) -> Iterator[pa.Table]:
    """Parse all cells as text; a row that does not fit the header becomes one of ``ODD_ROW``."""
    if len(names) == 1 or any('"' in name or "\n" in name for name in names):
        yield from _parse_slowly(path, mark=mark, shown=shown, rows=rows)
        return
    read, last = 0, None
    try:
        for table in _parse_even(path, names, mark=mark, shown=shown, rows=rows):
            read += len(table)
            last = table if len(table) else last
            yield table
    except pa.ArrowInvalid:  # a row that does not fit: all of them are found and kept apart
        for table in _parse_odd(path, names, mark=mark, shown=shown, rows=rows, skip=read):
            last = table if len(table) else last
            yield table
    if last is not None:
        _require_closed(path, str(last.column(last.num_columns - 1)[-1].as_py()), shown=shown)


def _options(
    names: list[str], *, mark: str, rows: int | None, least: int = 1 << 20
) -> dict[str, Any]:
    block = least if rows is None else max(least, min(rows * 64, 1 << 26))
    return {
        "read_options": arrow_csv.ReadOptions(block_size=block),
        "parse_options": arrow_csv.ParseOptions(delimiter=mark, newlines_in_values=True),
        "convert_options": arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False,
            quoted_strings_can_be_null=False,
        ),
    }  # fmt: skip


def _parse_even(
    path: Path, names: list[str], *, mark: str, shown: str, rows: int | None
) -> Iterator[pa.Table]:
    """Parse with arrow, which stops at a row that does not fit."""
    options = _options(names, mark=mark, rows=rows)
    with _open(path, shown=shown) as stream:
        if rows is None:
            yield arrow_csv.read_csv(stream, **options)
            return
        for batch in arrow_csv.open_csv(stream, **options):
            yield pa.Table.from_batches([batch])


def _parse_odd(
    path: Path, names: list[str], *, mark: str, shown: str, rows: int | None, skip: int
) -> Iterator[pa.Table]:
    """As ``_parse_even`` after ``skip`` rows, with the odd rows in their places."""
    odd: list[tuple[int, str]] = []  # row of the file, what it says in each cell
    swallowed: list[tuple[int, int]] = []

    def keep(row: Any) -> str:
        text = row.text.rstrip("\r\n")
        lines = text.count("\n") + 1
        if lines > 1 and text.count('"') % 2:
            swallowed.append((row.number - 1, lines))
            return "error"
        over = f" over {lines:,} lines" if lines > 1 else ""
        fit = f"{ODD_ROW}{row.actual_columns} cells{over}, the header has {row.expected_columns}"
        odd.append((row.number - 1, fit))
        return "skip"

    options = _options(names, mark=mark, rows=rows, least=1 << 25)
    options["read_options"].use_threads = False  # or the rows would have no numbers
    options["read_options"].skip_rows_after_names = skip
    options["parse_options"].invalid_row_handler = keep
    after, schema = skip, pa.schema([(name, pa.large_string()) for name in names])
    try:
        with _open(path, shown=shown) as stream:
            for batch in arrow_csv.open_csv(stream, **options):
                table = pa.Table.from_batches([batch])
                before = sum(row - after - 1 - i < len(table) for i, (row, _) in enumerate(odd))
                yield _put_between(table, odd[:before], after=after)
                after += len(table) + before
                del odd[:before]
    except pa.ArrowInvalid as error:
        if "UTF8" in str(error):
            raise ColumnError(NOT_UTF8.format(shown=shown)) from None
        if swallowed or "straddling" in str(error):
            row, lines = swallowed[0] if swallowed else (0, 0)
            where = f"row {row:,}" if row else "a row"
            raise ColumnError(_open_quote(shown, where, lines)) from error
        if "Empty CSV" not in str(error):
            raise ColumnError(f"{CALLER}: {shown} must be readable as CSV; {error}.") from error
        yield schema.empty_table()  # a header without a line end
    if odd:
        yield _put_between(schema.empty_table(), odd, after=after)


def _put_between(table: pa.Table, odd: list[tuple[int, str]], *, after: int) -> pa.Table:
    """Return the rows of ``table`` and the odd ones in the order of the file."""
    if not odd:
        return table
    places = np.array([row for row, _ in odd])
    own = np.setdiff1d(np.arange(after + 1, after + 1 + len(table) + len(odd)), places)
    words = pa.array([text for _, text in odd], type=pa.large_string())
    rest = pa.table([words] * table.num_columns, names=table.column_names)
    order = np.argsort(np.concatenate([own, places]), kind="stable")
    return pa.concat_tables([table, rest]).take(pa.array(order))


def _open_quote(shown: str, where: str, lines: int) -> str:
    much = f"swallows {lines - 1:,} lines after it" if lines else "swallows what comes after it"
    return (
        f"{CALLER}: a quote that opens a cell must be closed; in {shown} the one of {where} "
        f"{much}. Mend that row."
    )


def _require_closed(path: Path, cell: str, *, shown: str) -> None:
    """Raise where the last cell runs to the end of the file for want of a closing quote."""
    lines = cell.rstrip("\r\n").count("\n") + 1
    if "\n" not in cell and "\r" not in cell:
        return
    with _open(path, shown=shown) as stream:
        tail = b""
        while part := stream.read(1 << 20):
            tail = (tail + part)[-1000:]
    if not tail.rstrip(b"\r\n").endswith(b'"'):
        raise ColumnError(_open_quote(shown, "the last row", lines))


def _parse_slowly(path: Path, *, mark: str, shown: str, rows: int | None) -> Iterator[pa.Table]:
    """Parse with pandas, which knows every kind of header."""
    with _open(path, shown=shown) as stream:
        chunks = pd.read_csv(
            stream, sep=mark, dtype="str", keep_default_na=False, na_filter=False,
            encoding="utf-8-sig", chunksize=rows or 1 << 40,
        )  # fmt: skip
        with chunks:
            for chunk in chunks:
                yield pa.Table.from_pandas(chunk, preserve_index=False)


def _read_sheet(path: Path, *, shown: str) -> pd.DataFrame:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile:
        raise ColumnError(
            f"{CALLER}: {shown} must be a .xlsx workbook; it is not. Save it again."
        ) from None
    if size > MAX_SHEET_BYTES:
        raise UnsafeFileError(
            f"{CALLER}: a workbook may unpack to at most {MAX_SHEET_BYTES:,} bytes; {shown} "
            f"would to {size:,}. Save it as CSV."
        )
    table = pd.read_excel(path, dtype="str", keep_default_na=False, na_filter=False)
    return table.rename(columns=str)
