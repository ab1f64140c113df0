"""One file of events, whatever its format, as a table of text with its lookups joined."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Final

import pandas as pd

from cjlib.columns import require_columns
from cjlib.definitions import EventSource, Join
from cjlib.errors import ColumnError, UnsafeFileError, nearest
from cjlib.events.xes import read_xes
from cjlib.language import parse_number
from cjlib.study import Study

MAX_UNPACKED_BYTES: Final = 4_000_000_000  # what a packed file may grow to before it is refused
MAX_SHEET_BYTES: Final = 500_000_000  # the same for .xlsx, which is read whole
FORMATS: Final = ("csv", "tsv", "txt", "parquet", "xlsx", "xes")
CALLER: Final = "read_interactions"


def read_source(study: Study, source: EventSource) -> tuple[pd.DataFrame, pd.Series]:
    """Read one source with its joins.

    Every cell is text as written ("NA", "null" and "007" stay); an empty cell is an empty
    text. Only Parquet times keep their type.

    Returns
    -------
    (table, repeated)
        The rows in file order, and which of them are exact duplicates of an earlier row of
        the file itself, before anything is joined.
    """
    table = read_table(study.file(source.path), shown=source.path)
    repeated = table.duplicated()
    for join in source.joins:
        table = _join(table, study, join)
    needed = [*source.columns.values(), *source.times]
    _require(table, needed, shown=source.path)
    return table, repeated


def read_table(path: Path, *, shown: str) -> pd.DataFrame:
    """Read a csv, tsv, parquet, xlsx or xes file (text formats may be .gz) as text.

    Raises
    ------
    ColumnError
        If the format is unknown, the text is not UTF-8, or the file has no header.
    UnsafeFileError
        If it would unpack to more than the limits above.
    """
    suffixes = [part.lstrip(".").lower() for part in path.suffixes]
    kind = suffixes[-2] if len(suffixes) > 1 and suffixes[-1] == "gz" else (suffixes or [""])[-1]
    if kind == "parquet":
        return _as_text(pd.read_parquet(path))
    if kind == "xlsx":
        return _read_sheet(path, shown=shown)
    if kind == "xes":
        with _open(path, shown=shown) as stream:
            return read_xes(stream, shown=shown)
    if kind in ("csv", "tsv", "txt"):
        return _read_csv(path, shown=shown, tab=kind == "tsv")
    raise ColumnError(
        f"{CALLER}: an event file must be one of {', '.join(FORMATS)}; {shown} is not. "
        "Export it as CSV."
    )


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


def _read_csv(path: Path, *, shown: str, tab: bool) -> pd.DataFrame:
    try:
        with _open(path, shown=shown) as stream:
            head = stream.readline(1 << 20).decode("utf-8-sig")
        mark = "\t" if tab else max((",", ";", "\t"), key=head.count)
        names = next(csv.reader([head.rstrip("\r\n")], delimiter=mark), [])
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated or not names:
            raise ColumnError(
                f"{CALLER}: a file must begin with one header line, each column once; "
                f"{shown} has {', '.join(map(repr, repeated)) or 'none'}. Mend the header."
            )
        with _open(path, shown=shown) as stream:
            return pd.read_csv(
                stream, sep=mark, dtype="str", keep_default_na=False, na_filter=False,
                encoding="utf-8-sig",
            )  # fmt: skip
    except UnicodeDecodeError:
        raise ColumnError(
            f"{CALLER}: text must be UTF-8; {shown} is not. Save it as 'CSV UTF-8'."
        ) from None
    except (gzip.BadGzipFile, EOFError) as error:
        raise ColumnError(f"{CALLER}: {shown} must be whole; {error}. Copy it again.") from error
    except pd.errors.ParserError as error:
        raise ColumnError(
            f"{CALLER}: every row must fit the header; {shown}: {error}. Quote cells that hold "
            "the separator."
        ) from error


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


def _as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Turn typed columns into text; whole numbers stay whole where a gap made them floats."""
    result = {}
    for name in table.columns:
        column = table[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            result[str(name)] = column
            continue
        if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
            column = column.astype("Int64")
        result[str(name)] = column.astype("string").fillna("").astype("str")
    return pd.DataFrame(result, index=table.index)


def _join(table: pd.DataFrame, study: Study, join: Join) -> pd.DataFrame:
    """Add a lookup's columns to each row by its key; the rows stay as many and in order."""
    lookup = read_table(study.file(join.path), shown=join.path)
    _require(lookup, [join.on, *join.columns, *join.sum], shown=join.path)
    _require(table, [join.on], shown=f"the source that {join.path} is joined to")
    taken = [name for name in (*join.columns, *join.sum) if name in table.columns]
    if taken:
        raise ColumnError(
            f"{CALLER}: a joined column must have a name of its own; {', '.join(taken)} of "
            f"{join.path} already stands in the table. Leave it out of the join."
        )
    if join.columns:
        found = lookup[[join.on, *join.columns]].drop_duplicates()
        found = found[found[join.on].ne("")]
        twice = found[join.on].duplicated(keep=False)
        if twice.any():
            raise ColumnError(
                f"{CALLER}: a lookup must say one thing per key; {join.path} has "
                f"{found.loc[twice, join.on].nunique():,} keys with several "
                f"(first {found.loc[twice, join.on].iloc[0]!r}). Use 'sum', or mend it."
            )
        table = table.merge(found, on=join.on, how="left", validate="m:1")
        for name in join.columns:
            if not pd.api.types.is_datetime64_any_dtype(table[name]):
                table[name] = table[name].fillna("")
    if join.sum:
        numbers = {name: read_numbers(lookup[name]) for name in join.sum}
        totals = pd.DataFrame(numbers).groupby(lookup[join.on]).sum(min_count=1)
        for name in join.sum:
            total = table[join.on].map(totals[name])
            table[name] = total.map(repr, na_action="ignore").astype("str").fillna("")
    return table


def read_numbers(text: pd.Series) -> pd.Series:
    """Read numbers as forms write them (Persian digits, thousands marks); others are missing."""
    numbers = pd.to_numeric(text, errors="coerce").astype("float64")
    rest = text[numbers.isna() & text.notna() & text.ne("")]
    if len(rest):
        read = {value: parse_number(value) for value in rest.unique()}
        numbers[rest.index] = rest.map(read).astype("float64")
    return numbers


def _require(table: pd.DataFrame, needed: Iterable[str], *, shown: str) -> None:
    for name in needed:
        if name not in table.columns:
            hint = nearest(name, table.columns)
            more = f" Did you mean '{hint}'?" if hint else ""
            try:
                require_columns(table, [name], caller=f"{CALLER} ({shown})")
            except ColumnError as error:
                raise ColumnError(f"{error}{more}") from None
