"""One source of events, wherever it lies, as a table of text with its lookups joined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from cjlib.columns import require_columns
from cjlib.definitions import EventSource, Join
from cjlib.errors import ColumnError, MissingSourceError, nearest
from cjlib.events.databases import read_duckdb, read_server
from cjlib.events.files import DUCKDB, ODD_ROW, find_parts, kind_of, read_file
from cjlib.events.ordering import encode
from cjlib.language import parse_number
from cjlib.study import Study

CALLER: Final = "read_interactions"
TEXT_KIND: Final = pd.StringDtype(na_value=np.nan)
DATABASE_ROWS: Final = 100_000  # rows fetched from a database at a time


def read_source(
    study: Study, source: EventSource, tables: Mapping[str, Any] | None = None
) -> tuple[pd.DataFrame, pd.Series, list[tuple[str, int]]]:
    """Read one source with its joins.

    Every cell is text as written ("NA", "null" and "007" stay); an empty cell is an empty
    text. Only the times of typed sources (Parquet, databases, data frames) keep their type.

    Returns
    -------
    (table, repeated, files)
        The rows in the source's order; which of them are exact duplicates of an earlier row
        of it, before anything is joined (the parts of a folder are one source); and the
        files they lie in, each with its rows.
    """
    parts, files = [], dict[str, int]()
    for part, shown in iterate_source(study, source, tables=tables, join=False):
        parts.append(part)
        files[shown] = files.get(shown, 0) + len(part)
    table = parts[0] if len(parts) == 1 else _stack(parts, shown=source.shown)
    repeated = _find_repeated(table)
    lookups = [_Lookup(study, lookup) for lookup in source.joins]
    return _join_all(table, lookups, source), repeated, list(files.items())


def iterate_source(
    study: Study,
    source: EventSource,
    *,
    tables: Mapping[str, Any] | None = None,
    rows: int | None = None,
    join: bool = True,
) -> Iterator[tuple[pd.DataFrame, str]]:
    """Read a source about ``rows`` rows at a time, each with the name of the file it lies in.

    The tables are as ``read_source`` gives them; one source is one after another.
    """
    lookups = [_Lookup(study, lookup) for lookup in source.joins] if join else []
    for part, shown in _iterate_tables(study, source, tables, rows):
        text = as_text(part)
        yield _join_all(text, lookups, source) if join else text, shown


def _iterate_tables(
    study: Study, source: EventSource, tables: Mapping[str, Any] | None, rows: int | None
) -> Iterator[tuple[pa.Table, str]]:
    if source.frame:
        if tables is None or source.frame not in tables:
            raise MissingSourceError(
                f"{CALLER}: the frame {source.frame!r} must be handed over; it is not. Call "
                f"read_interactions(study, tables={{{source.frame!r}: frame}})."
            )
        yield from ((part, source.shown) for part in _cut(to_arrow(tables[source.frame]), rows))
    elif source.url or source.url_from:
        for part in read_server(source, rows=rows or DATABASE_ROWS):
            yield part, source.shown
    else:
        path = study.file(source.path)
        for file, shown, folders in find_parts(path, shown=source.path):
            if kind_of(file) in DUCKDB:
                found = read_duckdb(file, source, rows=rows or DATABASE_ROWS)
            else:
                found = read_file(file, shown=shown, rows=rows)
            for part in found:
                yield _add_columns(part, folders), shown


def _add_columns(table: pa.Table, values: Mapping[str, str]) -> pa.Table:
    for name, value in values.items():
        if name not in table.column_names:
            column = pa.repeat(pa.scalar(value, pa.large_string()), len(table))
            table = table.append_column(name, column)
    return table


def _cut(table: pa.Table, rows: int | None) -> Iterator[pa.Table]:
    size = rows or max(len(table), 1)
    for start in range(0, max(len(table), 1), size):
        yield table.slice(start, size)


def to_arrow(frame: Any) -> pa.Table:
    """Return a pandas, polars or arrow data frame as an arrow table."""
    if isinstance(frame, pa.Table):
        return frame
    if isinstance(frame, pd.DataFrame):
        return pa.Table.from_pandas(frame.rename(columns=str), preserve_index=False)
    if hasattr(frame, "__arrow_c_stream__"):
        return pa.table(frame)
    raise ColumnError(
        f"{CALLER}: a data frame must be pandas', polars' or arrow's; got "
        f"{type(frame).__name__}. Turn it into one of these."
    )


def read_table(path: Path, *, shown: str) -> pd.DataFrame:
    """Read one file whole, as text."""
    parts = [as_text(part) for part in read_file(path, shown=shown)]
    table = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
    odd = table.iloc[:, 0].astype("str").str.startswith(ODD_ROW).to_numpy(dtype=bool)
    if odd.any():
        raise ColumnError(
            f"{CALLER}: every row of a lookup must fit the header; {shown} has {odd.sum():,} that "
            f"do not (first: row {int(odd.argmax()) + 1:,}). Quote cells that hold the separator."
        )
    return table


def _stack(parts: list[pd.DataFrame], *, shown: str) -> pd.DataFrame:
    names = list(parts[0].columns)
    for part in parts[1:]:
        require_same_columns(part.columns, names, shown=shown)
    return pd.concat([part[names] for part in parts], ignore_index=True)


def require_same_columns(found: Iterable[str], first: Iterable[str], *, shown: str) -> None:
    """Raise unless a part of a source has the columns of its first part."""
    odd = sorted(set(found) ^ set(first))
    if odd:
        raise ColumnError(
            f"{CALLER}: the parts of {shown} must have the same columns; "
            f"{', '.join(map(repr, odd[:5]))} stand in some only. Mend the parts."
        )


def _find_repeated(table: pd.DataFrame) -> pd.Series:
    """Tell which rows equal an earlier one in every cell."""
    codes: dict[int, Any] = {}
    head = table.head(1000).nunique()  # a column without repeats, sought first, decides at once
    for place, name in enumerate(head.sort_values(ascending=False, kind="stable").index):
        column = table[name]
        text = isinstance(column.dtype, pd.StringDtype)
        codes[place], distinct = encode(column, sort=False) if text else pd.factorize(column)
        if len(distinct) == len(table):  # a column without repeats: no row repeats
            return pd.Series(False, index=table.index)
    return pd.DataFrame(codes, index=table.index).duplicated()


def as_text(table: pa.Table) -> pd.DataFrame:
    """Turn typed columns into text, each cell by itself; times keep their type.

    A whole number kept as 7.0 (a gap made the column so) is written 7.
    """
    result = {}
    for name in dict.fromkeys(table.column_names):
        column = table.column(name)
        kind = column.type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
            column = column.cast(kind)
        if pa.types.is_timestamp(kind):
            result[str(name)] = column.to_pandas()
            continue
        if pa.types.is_floating(kind):
            numbers = column.to_pandas().to_numpy(dtype=float, na_value=np.nan)
            whole = (
                np.isfinite(numbers) & (numbers == np.trunc(numbers)) & (np.abs(numbers) < 2**63)
            )
            text = pd.Series(numbers).astype("string").fillna("").astype("str")
            if whole.any():
                exact = pd.Series(numbers[whole].astype(np.int64)).astype("str")
                text[whole] = exact.to_numpy()
            result[str(name)] = text
            continue
        if not _is_words(kind):
            column = _spell(column, kind)
        column = column.cast(pa.large_string()).fill_null("")
        result[str(name)] = pd.Series(pd.array(column, dtype=TEXT_KIND))
    return pd.DataFrame(result)


def _is_words(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _spell(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_integer(kind) or pa.types.is_null(kind) or pa.types.is_date(kind):
        return column.cast(pa.large_string())
    return pa.chunked_array(
        [pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.large_string())]
    )


def _join_all(table: pd.DataFrame, lookups: Sequence[_Lookup], source: EventSource) -> pd.DataFrame:
    for lookup in lookups:
        table = lookup.join(table)
    _require(table, [*source.columns.values(), *source.times], shown=source.shown)
    return table


class _Lookup:
    """A lookup's columns and sums by key, read once for all batches of a source."""

    def __init__(self, study: Study, join: Join) -> None:
        self._rule = join
        lookup = read_table(study.file(join.path), shown=join.path)
        _require(lookup, [join.on, *join.columns, *join.sum], shown=join.path)
        found = lookup[[join.on, *join.columns]].drop_duplicates()
        self._found = found[found[join.on].ne("")]
        twice = self._found[join.on].duplicated(keep=False)
        if join.columns and twice.any():
            raise ColumnError(
                f"{CALLER}: a lookup must say one thing per key; {join.path} has "
                f"{self._found.loc[twice, join.on].nunique():,} keys with several "
                f"(first {self._found.loc[twice, join.on].iloc[0]!r}). Use 'sum', or mend it."
            )
        numbers = {name: read_numbers(lookup[name]) for name in join.sum}
        self._totals = pd.DataFrame(numbers, index=lookup.index)
        self._totals = self._totals.groupby(lookup[join.on]).sum(min_count=1)

    def join(self, table: pd.DataFrame) -> pd.DataFrame:
        """Add the columns to each row by its key; the rows stay as many and in order."""
        rule = self._rule
        _require(table, [rule.on], shown=f"the source that {rule.path} is joined to")
        taken = [name for name in (*rule.columns, *rule.sum) if name in table.columns]
        if taken:
            raise ColumnError(
                f"{CALLER}: a joined column must have a name of its own; {', '.join(taken)} of "
                f"{rule.path} already stands in the table. Leave it out of the join."
            )
        if rule.columns:
            table = table.merge(self._found, on=rule.on, how="left", validate="m:1")
        for name in rule.columns:
            if not pd.api.types.is_datetime64_any_dtype(table[name]):
                table[name] = table[name].fillna("")
        for name in rule.sum:
            total = table[rule.on].map(self._totals[name])
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
