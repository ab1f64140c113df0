"""One file of events, whatever its format, as arrow tables: whole, or some rows at a time."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

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

    ``rows``: hand over a table about each so many rows; else the file whole, in one table.

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
        mark = "\t" if tab else max((",", ";", "\t"), key=head.count)
        names = next(csv.reader([head.rstrip("\r\n")], delimiter=mark), [])
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated or not names:
            raise ColumnError(
                f"{CALLER}: a file must begin with one header line, each column once; "
                f"{shown} has {', '.join(map(repr, repeated)) or 'none'}. Mend the header."
            )
        yield from _parse_csv(path, names, mark=mark, shown=shown, rows=rows)
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


def _parse_csv(
    path: Path, names: list[str], *, mark: str, shown: str, rows: int | None
) -> Iterator[pa.Table]:
    """Parse all cells as text: arrow's parser first, and pandas' where it stops at a row."""
    read = 0
    plain = len(names) > 1 and not any('"' in name or "\n" in name for name in names)
    if plain:
        block = (1 << 20) if rows is None else max(1 << 20, min(rows * 64, 1 << 26))
        options: dict[str, Any] = {
            "read_options": arrow_csv.ReadOptions(block_size=block),
            "parse_options": arrow_csv.ParseOptions(delimiter=mark, newlines_in_values=True),
            "convert_options": arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False,
                quoted_strings_can_be_null=False,
            ),
        }  # fmt: skip
        try:
            with _open(path, shown=shown) as stream:
                if rows is None:
                    yield arrow_csv.read_csv(stream, **options)
                    return
                for batch in arrow_csv.open_csv(stream, **options):
                    read += len(batch)
                    yield pa.Table.from_batches([batch])
                return
        except pa.ArrowInvalid:
            pass  # a row that does not fit: pandas' parser mends it or names it
    with _open(path, shown=shown) as stream:
        chunks = pd.read_csv(
            stream, sep=mark, dtype="str", keep_default_na=False, na_filter=False,
            encoding="utf-8-sig", chunksize=rows or 1 << 40, skiprows=range(1, read + 1),
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
