"""Building the compact layout of a study's log on disk, for logs of any size.

The sources are read some rows at a time, by the same code as ``read_interactions``; each row
goes to the partition of its customer; each partition is then put in order by itself. So the
memory needed is that of one batch and one partition, whatever the log.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cjlib import __version__
from cjlib.columns import AMOUNT, CHANNEL, COST, CUSTOMER, REASON, SECONDS, TIME, TOUCHPOINT
from cjlib.definitions import EventRules, EventSource
from cjlib.errors import JourneyError
from cjlib.events.files import find_parts, kind_of
from cjlib.events.interactions import (
    KEPT,
    REASONS,
    STEP,
    find_channel,
    find_reasons,
    stage_of_touchpoint,
)  # fmt: skip
from cjlib.events.journey_log import NO_LABEL, smallest_kind
from cjlib.events.lifecycle import LIFECYCLE
from cjlib.events.ordering import encode, order_events, stable_order
from cjlib.events.rows import Misfits, pair_rows, read_rows
from cjlib.events.sources import iterate_source
from cjlib.events.store import LAYOUT, MEASURES, StoredLog, open_layout
from cjlib.events.times import find_day_orders, read_day_order
from cjlib.study import Study
from cjlib.validation import hide_passwords

BATCH: Final = 1_000_000  # rows read at a time
PART: Final = 2_000_000  # contacts a partition should hold
ROW_BYTES: Final = 40  # of a text file, to guess its rows from its size
MAX_PARTS: Final = 1024
SHARED: Final = (CUSTOMER, TIME, TOUCHPOINT, CHANNEL, AMOUNT, COST, SECONDS)


def store_log(
    study: Study,
    folder: str | Path,
    *,
    tables: Mapping[str, Any] | None = None,
    partitions: int | None = None,
    batch: int = BATCH,
) -> StoredLog:
    """Lay a study's log out on disk, or open the layout that is there already.

    What counts, ties, duplicates and starts are as in ``read_interactions``; the questions
    of ``cjlib.events.questions`` give the same answers as to ``journey_log``. A layout is
    found again by a checksum of the files, of what study.yaml says about them, and of the
    kit's version; a log with a database or a data frame in it is laid out anew each time.

    Parameters
    ----------
    study : Study
    folder : path
        Where layouts are kept, such as ``results/<study>/log``. Each has its own folder in
        it, written under another name and renamed when it is whole. It holds pseudonyms,
        never raw ids.
    tables : mapping of str to data frame, optional
        As for ``read_interactions``.
    partitions : int, optional
        By default one for each two million rows, as far as they can be guessed.
    batch : int
        Rows read at a time.

    Returns
    -------
    StoredLog

    Notes
    -----
    Two passes over the rows, each in memory of a batch or a partition. Exact duplicates are
    known by customer and a 64-bit hash of all their cells.
    """
    study.require("events", caller="store_log")
    if (partitions is not None and not 1 <= partitions <= MAX_PARTS) or batch < 1:
        raise JourneyError(
            f"store_log: partitions must be 1 to {MAX_PARTS:,} and batch at least 1; got "
            f"{partitions!r} and {batch!r}."
        )
    rules = study.events or EventRules(())
    kept = Path(folder)
    lasting = all(source.path for source in rules.sources)
    name = _fingerprint(study, rules, partitions)
    place = kept / name
    if lasting and (place / LAYOUT).is_file():
        return open_layout(place)
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".part-", dir=kept) as temporary:
        work = Path(temporary)
        _build(
            study, rules, work, tables, count=partitions or _guess_parts(study, rules), batch=batch
        )
        shutil.rmtree(work / "spill")
        if place.exists():
            place.rename(work.parent / f"{work.name}-old")
        finished = work.rename(place)
        work.mkdir()  # what the context expects to remove
    shutil.rmtree(work.parent / f"{work.name}-old", ignore_errors=True)
    return open_layout(finished)


def _fingerprint(study: Study, rules: EventRules, partitions: int | None) -> str:
    """Checksum of everything that decides what the layout holds."""
    digest = hashlib.sha256()
    said = {
        "kit": __version__, "layout": 1, "partitions": partitions, "rules": asdict(rules),
        "touchpoints": [asdict(t) for t in study.touchpoints],
        "channels": [asdict(c) for c in study.channels], "stages": study.stage_ids,
        "positions": asdict(study.positions), "language": study.language,
        "level": study.level, "base": study.privacy.minimum_base,
        "people": study.pseudonyms(pd.Series(["cjlib"], dtype="str"), "K").tolist(),
    }  # fmt: skip
    digest.update(hide_passwords(json.dumps(said, sort_keys=True, default=str)).encode())
    for source in rules.sources:
        for path in (source.path, *(join.path for join in source.joins)):
            if path:
                for file, shown, _ in find_parts(study.file(path), shown=path):
                    with file.open("rb") as stream:
                        found = hashlib.file_digest(stream, "sha256").hexdigest()
                    digest.update(f"{shown}\0{found}\0".encode())
    return digest.hexdigest()[:24]


def _guess_parts(study: Study, rules: EventRules) -> int:
    rows = 0
    for source in rules.sources:
        files = find_parts(study.file(source.path), shown=source.path) if source.path else []
        for file, _, _ in files:
            if kind_of(file) == "parquet":
                rows += pq.read_metadata(file).num_rows * max(len(source.times), 1)
            else:
                packed = 8 if file.suffix.lower() == ".gz" else 1
                rows += packed * file.stat().st_size // ROW_BYTES
    return int(np.clip(-(-rows // PART), 1, MAX_PARTS))


def _build(
    study: Study, rules: EventRules, work: Path, tables: Mapping[str, Any] | None, *,
    count: int, batch: int,
) -> None:  # fmt: skip
    misfits = Misfits()
    spill = _Spill(work / "spill", count)
    files: list[list[tuple[str, int]]] = []
    for number, source in enumerate(rules.sources):
        files.append(
            _deal_source(
                study, source, number, tables=tables, spill=spill, misfits=misfits, batch=batch
            )
        )
    spill.close()
    totals = _Totals()
    for number in range(count):
        rows = spill.read(number)
        if rows is not None:
            _settle(study, rules, rows, work, totals)
    misfits.table().to_csv(work / "misfits.csv", index=False)
    totals.write_set_aside(work, files)
    (work / LAYOUT).write_text(json.dumps(_describe(study, rules, totals)), encoding="utf-8")


class _Spill:
    """Rows on their way to their partitions, in open files of arrow batches."""

    def __init__(self, folder: Path, count: int) -> None:
        folder.mkdir(mode=0o700)  # raw ids lie here until the partition is settled
        self._folder, self.count = folder, count
        self._writers: dict[int, Any] = {}

    def deal(self, table: pa.Table, part: npt.NDArray[np.int64]) -> None:
        """Append each row to its partition."""
        order = stable_order(part)
        dealt = table.take(pa.array(order)).combine_chunks()
        edges = np.concatenate([[0], np.cumsum(np.bincount(part, minlength=self.count))])
        for number in np.flatnonzero(np.diff(edges)).tolist():
            if number not in self._writers:
                sink = str(self._folder / f"{number}.arrow")
                self._writers[number] = pa.ipc.new_stream(sink, table.schema)
            piece = dealt.slice(edges[number], edges[number + 1] - edges[number])
            self._writers[number].write_table(piece)

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()

    def read(self, number: int) -> pa.Table | None:
        """Return a partition's rows in the order they came, and forget them on disk."""
        file = self._folder / f"{number}.arrow"
        if not file.is_file():
            return None
        with pa.OSFile(str(file)) as source:
            table = pa.ipc.open_stream(source).read_all()
        file.unlink()
        return table


def _deal_source(
    study: Study, source: EventSource, number: int, *, tables: Mapping[str, Any] | None,
    spill: _Spill, misfits: Misfits, batch: int,
) -> list[tuple[str, int]]:  # fmt: skip
    import duckdb

    first, order = 1, None
    files: dict[str, int] = {}
    times = [source.columns[TIME]] if TIME in source.columns else list(source.times)
    with duckdb.connect(config={"autoinstall_known_extensions": "false", "threads": 1}) as engine:
        for table, shown in iterate_source(study, source, tables=tables, rows=batch):
            files[shown] = files.get(shown, 0) + len(table)
            if order is None and any(find_day_orders(table[name])[2] for name in times):
                order = _read_whole_order(study, source, tables, times, batch=batch)
            rows = read_rows(study, source, table, misfits, first_row=first, order=order)
            cells = pa.Table.from_pandas(table, preserve_index=False)
            cells = cells.rename_columns([f"c{i}" for i in range(cells.num_columns)])
            names = ", ".join(cells.column_names)
            hashed = _ask(engine, cells, f"SELECT hash({names}) AS h FROM given")
            rows["mark"] = hashed[rows["row"].to_numpy() - first]
            first += len(table)
            if not len(rows):
                continue
            rows[CUSTOMER] = rows[CUSTOMER].astype("str").str.strip().fillna("")
            who = pa.table({"c": pa.array(rows[CUSTOMER].array)})
            part = _ask(engine, who, f"SELECT hash(c) % {spill.count} AS h FROM given")
            spill.deal(_pack(rows, number), part.astype(np.int64))
    return list(files.items())


def _ask(engine: Any, given: pa.Table, query: str) -> npt.NDArray[np.uint64]:
    engine.register("given", given)
    found = engine.execute(query).fetchnumpy()["h"]
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


def _pack(rows: pd.DataFrame, number: int) -> pa.Table:
    made = {name: rows[name] for name in (*SHARED, "row", "mark")}
    made["source"] = pd.Series(np.int16(number), index=rows.index)
    made[LIFECYCLE] = (
        rows[LIFECYCLE].astype("str")
        if LIFECYCLE in rows
        else pd.Series("", index=rows.index, dtype="str")
    )
    return pa.Table.from_pandas(pd.DataFrame(made), preserve_index=False).replace_schema_metadata()


class _Totals:
    """What the partitions add up to."""

    def __init__(self) -> None:
        self.parts = self.contacts = self.journeys = 0
        self.rows = np.zeros(len(REASONS) + 1, dtype=np.int64)
        self.customers = np.zeros(len(REASONS) + 1, dtype=np.int64)
        self.aside: list[pd.DataFrame] = []
        self.measures = dict.fromkeys(MEASURES, False)
        self.no_channel = False

    def write_set_aside(self, work: Path, files: list[list[tuple[str, int]]]) -> None:
        """Write file, row and reason of every row set aside."""
        columns = ["source", "row", REASON]
        table = pd.concat(self.aside) if self.aside else pd.DataFrame(columns=columns)
        table = table.sort_values(["source", "row"], kind="stable", ignore_index=True)
        names = np.full(len(table), "", dtype=object)
        row = table["row"].to_numpy(dtype=np.int64).copy()
        for number, parts in enumerate(files):
            ends = np.cumsum([0, *(count for _, count in parts)])
            own = table["source"].to_numpy() == number
            at = np.searchsorted(ends, row[own], side="left") - 1
            names[own] = np.array([name for name, _ in parts], dtype=object)[at]
            row[own] -= ends[at]
        why = np.array(REASONS, dtype=object)[table[REASON].to_numpy(dtype=np.int64)]
        told = pd.DataFrame({"file": names, "row": row, REASON: why})
        told.to_parquet(work / "set_aside.parquet", index=False)


def _settle(study: Study, rules: EventRules, table: pa.Table, work: Path, totals: _Totals) -> None:
    """Put one partition in order and write it."""
    rows = table.to_pandas(types_mapper={pa.large_string(): pd.StringDtype(na_value=np.nan)}.get)
    who, ids = encode(rows[CUSTOMER], sort=False)
    rows["who"] = who
    again = _find_repeated(rows)
    pieces, reasons = [], []
    for number, source in enumerate(rules.sources):  # the rows lie in the order of the sources
        own = (rows["source"] == number).to_numpy()
        piece = rows if own.all() else rows[own].reset_index(drop=True)
        if LIFECYCLE not in source.columns:
            piece = piece.drop(columns=LIFECYCLE)
        piece, other = pair_rows(piece, source, again[own])
        reasons.append(find_reasons(study, piece, repeated=again[own], other=other))
        pieces.append(piece.drop(columns=LIFECYCLE, errors="ignore"))
    rows, reason = pd.concat(pieces, ignore_index=True), np.concatenate(reasons)
    known = study.pseudonyms(pd.Series(ids, dtype="str"), "C")
    place, customers = encode(known)
    coded = np.append(place, -1)[rows["who"].to_numpy()]
    for code in range(-1, len(REASONS)):
        hit = reason == code
        totals.rows[code] += hit.sum()
        seen = np.bincount(coded[hit] + 1, minlength=2)
        totals.customers[code] += np.count_nonzero(seen[1:])
    aside = np.flatnonzero(reason >= 0)
    told = rows[["source", "row"]].iloc[aside].assign(**{REASON: reason[aside]})
    totals.aside.append(told)
    inside = np.flatnonzero(reason < 0)
    if len(inside):
        _write_part(study, rows, inside, who=coded, customers=customers, work=work, totals=totals)


def _find_repeated(rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Rows of a table row that equals an earlier one of the same source and customer."""
    mark = np.sort(rows["mark"].to_numpy())
    if not (mark[1:] == mark[:-1]).any():  # sorting is cheap, grouping is not
        return np.zeros(len(rows), dtype=bool)
    keys = rows[["source", "who", "mark"]]
    first = rows["row"].groupby([keys[name] for name in keys], sort=False).transform("min")
    return (rows["row"] > first).to_numpy()


def _write_part(
    study: Study, rows: pd.DataFrame, inside: npt.NDArray[np.int64], *,
    who: npt.NDArray[np.int32], customers: npt.NDArray[np.object_], work: Path, totals: _Totals,
) -> None:  # fmt: skip
    touchpoint = rows[TOUCHPOINT].to_numpy()[inside]
    times = rows[TIME].to_numpy(dtype="datetime64[us]").astype(np.int64)[inside]
    tie = stage_of_touchpoint(study)[touchpoint]
    order = order_events(who[inside], times, tie=tie)
    touchpoint, times, take = touchpoint[order], times[order], inside[order]
    owner = who[take]
    starts = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]]))
    channel = find_channel(study, rows)[take]
    totals.no_channel |= bool((channel < 0).any())
    channel = np.where(channel < 0, len(study.channels), channel)
    folder = work / f"part-{totals.parts:04d}"
    folder.mkdir()
    np.save(folder / "touchpoint.npy", touchpoint.astype(smallest_kind(len(study.touchpoints))))
    np.save(folder / "channel.npy", channel.astype(smallest_kind(len(study.channels) + 1)))
    np.save(folder / "times.npy", times)
    np.save(folder / "offsets.npy", np.append(starts, len(times)).astype(np.int64))
    for name, column in zip(MEASURES, (AMOUNT, COST, SECONDS), strict=True):
        values = rows[column].to_numpy(dtype=float)[take]
        if not np.isnan(values).all():
            np.save(folder / f"{name}.npy", values)
            totals.measures[name] = True
    seen = pa.array(customers[owner[starts]], type=pa.string())
    pq.write_table(pa.table({CUSTOMER: seen}), folder / "customers.parquet")
    totals.parts += 1
    totals.contacts += len(times)
    totals.journeys += len(starts)


def _describe(study: Study, rules: EventRules, totals: _Totals) -> dict[str, Any]:
    paired = any(LIFECYCLE in source.columns for source in rules.sources)
    names = [KEPT, *(name for name in REASONS if name != STEP or paired)]
    at = [-1, *(REASONS.index(name) for name in names[1:])]
    channels = [c.id for c in study.channels] + [NO_LABEL] * totals.no_channel
    return {
        "layout": 1, "kit": __version__, "parts": totals.parts, "contacts": totals.contacts,
        "journeys": totals.journeys, "level": study.level, "language": study.language,
        "minimum_base": study.privacy.minimum_base,
        "measures": [name for name, some in totals.measures.items() if some],
        "labels": {
            "touchpoint": [t.id for t in study.touchpoints], "stage": study.stage_ids,
            "channel": channels,
        },
        "names": {
            "touchpoint": [study.label("touchpoint", t.id) for t in study.touchpoints],
            "stage": [study.label("stage", s) for s in study.stage_ids],
            "channel": [study.label("channel", c) for c in channels],
        },
        "stage_of_touchpoint": stage_of_touchpoint(study)[:-1].tolist(),
        "scope": {"reason": names, "rows": totals.rows[at].tolist(),
                  "customers": totals.customers[at].tolist()},
    }  # fmt: skip
