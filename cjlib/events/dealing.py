"""Rows of the sources on their way to the partitions of their customers.

Two ways lead there with the same rows. Typed Parquet is read by DuckDB, which hashes the
cells and the customers on the way and hands over only the columns that are asked for. All
else is read as text, some rows at a time, by the code of ``read_interactions``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cjlib.columns import AMOUNT, CHANNEL, COST, CUSTOMER, SECONDS, TIME, TOUCHPOINT
from cjlib.definitions import EventRules, EventSource
from cjlib.errors import ColumnError
from cjlib.events.files import find_parts, kind_of
from cjlib.events.journey_log import smallest_kind
from cjlib.events.lifecycle import LIFECYCLE
from cjlib.events.ordering import stable_order
from cjlib.events.rows import PEOPLE, WORDS, Misfits, read_rows
from cjlib.events.sources import CALLER, as_text, iterate_source, require_same_columns
from cjlib.events.times import find_day_orders, read_day_order
from cjlib.study import Study

Hashes = npt.NDArray[np.uint64]
Batch = tuple[pd.DataFrame, Hashes, Hashes | None, str]  # text, marks, customers' hashes, file
ENGINE_MEMORY: Final = "512MB"
BY_DUCKDB: Final = "typed Parquet, read by DuckDB"
BY_TEXT: Final = "read as text"
OPTIONAL: Final = (CHANNEL, AMOUNT, COST, SECONDS)


class Spill:
    """Rows on their way to their partitions, in open files of arrow batches."""

    def __init__(self, folder: Path, count: int, rules: EventRules) -> None:
        folder.mkdir(mode=0o700)  # raw ids lie here until the partition is settled
        self._folder, self.count = folder, count
        self._writers: dict[int, Any] = {}
        given = {name for source in rules.sources for name in source.columns}
        self._columns = [CUSTOMER, TIME, TOUCHPOINT, *(n for n in OPTIONAL if n in given)]
        self._paired = LIFECYCLE in given

    def deal(self, rows: pd.DataFrame, part: npt.NDArray[np.int64], source: int) -> None:
        """Append each row to its partition; of the columns, those that some source has."""
        made = {name: rows[name] for name in (*self._columns, "row", "mark")}
        made["source"] = pd.Series(np.int16(source), index=rows.index)
        if self._paired:
            made[LIFECYCLE] = (
                rows[LIFECYCLE].astype("str")
                if LIFECYCLE in rows
                else pd.Series("", index=rows.index, dtype="str")
            )
        table = pa.Table.from_pandas(pd.DataFrame(made), preserve_index=False)
        table = table.replace_schema_metadata()
        order = stable_order(part.astype(smallest_kind(self.count)))
        dealt = table.take(pa.array(order)).combine_chunks()
        edges = np.concatenate([[0], np.cumsum(np.bincount(part, minlength=self.count))])
        for number in np.flatnonzero(np.diff(edges)).tolist():
            if number not in self._writers:
                sink = str(self._folder / f"{number}.arrow")
                self._writers[number] = pa.ipc.new_stream(sink, table.schema)
            piece = dealt.slice(edges[number], edges[number + 1] - edges[number])
            self._writers[number].write_table(piece)

    def close(self) -> None:
        """Finish the files."""
        for writer in self._writers.values():
            writer.close()

    def read(self, number: int) -> pd.DataFrame | None:
        """Return a partition's rows in the order they came, and forget them on disk."""
        file = self._folder / f"{number}.arrow"
        if not file.is_file():
            return None
        with pa.OSFile(str(file)) as source:
            table = pa.ipc.open_stream(source).read_all()
        file.unlink()
        text = {pa.large_string(): pd.StringDtype(na_value=np.nan)}
        rows: pd.DataFrame = table.to_pandas(
            types_mapper=text.get, split_blocks=True, self_destruct=True
        )
        rows[CHANNEL] = rows[CHANNEL] if CHANNEL in rows else np.int32(-1)
        for name in (AMOUNT, COST, SECONDS):
            if name not in rows:
                rows[name] = np.nan
        return rows


def deal_source(
    study: Study, source: EventSource, number: int, *, tables: Mapping[str, Any] | None,
    spill: Spill, misfits: Misfits, batch: int,
) -> tuple[list[tuple[str, int]], str, str]:  # fmt: skip
    """Deal the rows of one source out to their customers' partitions.

    Returns
    -------
    (files, way, why)
        The files with their rows; how they were read, ``BY_DUCKDB`` or ``BY_TEXT``; and
        what forbade the former, empty where nothing did.
    """
    import duckdb

    first, order = 1, None
    files: dict[str, int] = {}
    times = [source.columns[TIME]] if TIME in source.columns else list(source.times)
    why = find_obstacle(study, source)
    kept = {n: column for n, column in source.columns.items() if n not in (*WORDS, *PEOPLE)}
    lean = replace(source, columns=kept)  # neither what customers wrote nor staff is laid out
    settings: dict[str, Any] = {
        "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
        "threads": 1, "memory_limit": ENGINE_MEMORY, "temp_directory": "",
    }  # fmt: skip
    with duckdb.connect(config=settings) as engine:
        if why:
            found = _read_as_text(engine, study, source, tables=tables, batch=batch)
        else:
            found = _read_typed(engine.cursor(), study, lean, batch=batch)
        for table, mark, keys, shown in found:
            files[shown] = files.get(shown, 0) + len(table)
            if order is None and any(find_day_orders(table[name])[2] for name in times):
                order = _read_whole_order(study, source, tables, times, batch=batch)
            rows = read_rows(study, lean, table, misfits, first_row=first, order=order)
            rows["mark"] = mark if len(rows) == len(table) else mark[rows["row"] - first]
            first += len(table)
            if not len(rows):
                continue
            bare = rows[CUSTOMER].astype("str").str.strip().fillna("")
            hashed = keys
            if hashed is None or not bare.equals(rows[CUSTOMER]):
                given = pa.table({"c": pa.array(bare.array)})
                hashed = _ask(engine, given, "SELECT hash(c) AS h FROM given")
            rows[CUSTOMER] = bare
            spill.deal(rows, (hashed % np.uint64(spill.count)).astype(np.int64), number)
    return list(files.items()), BY_TEXT if why else BY_DUCKDB, why


def find_obstacle(study: Study, source: EventSource) -> str:
    """Say why a source cannot be read typed; "" where it can, with the same rows as text."""
    obstacles = {
        "it is no file": not source.path,
        "one row is a case": bool(source.times),
        "lookups are joined to it": bool(source.joins),
    }
    for why, stands in obstacles.items():
        if stands:
            return why
    first: dict[str, pa.DataType] = {}
    for file, _, folders in find_parts(study.file(source.path), shown=source.path):
        if kind_of(file) != "parquet":
            return "it is not Parquet"
        try:
            schema = pq.read_schema(file)
        except (pa.ArrowInvalid, OSError):
            return "it is damaged"
        own = dict.fromkeys(folders, pa.string()) | {field.name: field.type for field in schema}
        first = first or own
        why = _find_odd_column(own, schema.names, source)
        if why or own != first:
            return why or "its parts have columns of different kinds"
    return ""


def _find_odd_column(
    kinds: Mapping[str, pa.DataType], names: list[str], source: EventSource
) -> str:
    folded = {name.casefold() for name in kinds}
    if len(folded) < len(kinds) or len(set(names)) < len(names):
        return "two of its columns have one name"
    if not set(source.columns.values()) <= set(kinds):
        return "a column is not there"
    for name, kind in kinds.items():
        if not _is_plain(kind):
            return f"column {name!r} is of the kind {kind}"
    who, types = kinds[source.columns[CUSTOMER]], pa.types
    if types.is_floating(who) or types.is_temporal(who) or types.is_boolean(who):
        return f"its customers are of the kind {who}"
    return ""


def _is_plain(kind: pa.DataType) -> bool:
    """Whether two cells of a kind are equal just where their spellings as text are."""
    types = pa.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_timestamp(kind):
        return kind.unit != "ns" or kind.tz is None
    words = types.is_string(kind) or types.is_large_string(kind)
    numbers = types.is_integer(kind) or types.is_float32(kind) or types.is_float64(kind)
    return bool(words or numbers or types.is_boolean(kind) or types.is_date32(kind))


def _read_typed(engine: Any, study: Study, source: EventSource, *, batch: int) -> Iterator[Batch]:
    """Read Parquet a batch at a time: the mapped columns, a hash of all cells, the customer's."""
    import duckdb  # the engine is this reader's own: an answer is being read while others ask

    for file, shown, folders in find_parts(study.file(source.path), shown=source.path):
        schema = pq.read_schema(file)
        cells = {field.name: _normal(field.name, field.type) for field in schema}
        fixed = {name: _quote(value, "'") for name, value in folders.items() if name not in cells}
        wanted = list(dict.fromkeys(source.columns.values()))
        chosen = [f"{fixed.get(n, _quote(n))} AS {_quote(n)}" for n in wanted]
        given = {**cells, **fixed}
        who = source.columns[CUSTOMER]
        query = (
            f"SELECT {', '.join(chosen)}, hash({', '.join(given[n] for n in sorted(given))}), "
            f"hash(coalesce(CAST({fixed.get(who, _quote(who))} AS VARCHAR), '')) "
            "FROM read_parquet($file, hive_partitioning = false)"
        )
        empty = True
        try:
            for found in engine.sql(query, params={"file": str(file)}).to_arrow_reader(batch):
                if empty or len(found):
                    empty = False
                    table = pa.Table.from_batches([found])
                    mark, hashed = (table.column(len(wanted) + i).to_numpy() for i in range(2))
                    yield as_text(table.select(range(len(wanted)))), mark, hashed, shown
        except duckdb.Error as error:
            raise ColumnError(
                f"{CALLER}: {shown} must be a whole Parquet file; {error}. Copy it again."
            ) from error
        if empty:
            table = schema.empty_table().select([n for n in wanted if n not in fixed])
            for name in fixed:
                table = table.append_column(name, pa.array([], pa.large_string()))
            none = np.zeros(0, dtype=np.uint64)
            yield as_text(table), none, none, shown


def _normal(name: str, kind: pa.DataType) -> str:
    """Write a column for hashing: what is spelled alike as text must be one value."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_floating(kind):  # missing and NaN, 0 and -0
        return f"CASE WHEN NOT isnan({_quote(name)}) THEN {_quote(name)} + 0 END"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return f"coalesce({_quote(name)}, '')"
    return _quote(name)


def _quote(name: str, mark: str = '"') -> str:
    return mark + name.replace(mark, mark * 2) + mark


def _read_as_text(
    engine: Any, study: Study, source: EventSource, *, tables: Mapping[str, Any] | None, batch: int
) -> Iterator[Batch]:
    names: list[str] = []
    for table, shown in iterate_source(study, source, tables=tables, rows=batch):
        names = names or list(table.columns)
        require_same_columns(table.columns, names, shown=source.shown)
        cells = pa.Table.from_pandas(table[names], preserve_index=False)
        cells = cells.rename_columns([f"c{i}" for i in range(cells.num_columns)])
        query = f"SELECT hash({', '.join(cells.column_names)}) AS h FROM given"
        yield table, _ask(engine, cells, query), None, shown


def _ask(engine: Any, given: pa.Table, query: str) -> Hashes:
    engine.register("given", given)
    found = engine.execute(query).fetchnumpy()["h"]
    engine.unregister("given")
    return np.asarray(found, dtype=np.uint64)


def _read_whole_order(
    study: Study, source: EventSource, tables: Mapping[str, Any] | None, times: list[str], *,
    batch: int,
) -> str:  # fmt: skip
    """Tell what 03/04/2025 means from every date of the source, not of one batch."""
    seen = [False, False]
    for table, _ in iterate_source(study, source, tables=tables, rows=batch):
        for name in times:
            day, month = find_day_orders(table[name])[:2]
            seen = [seen[0] or day, seen[1] or month]
    return read_day_order(*seen)
