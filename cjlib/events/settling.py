"""One partition of a journey log put in order and written: whole customers, as codes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cjlib.columns import AMOUNT, COST, CUSTOMER, REASON, SECONDS, TIME, TOUCHPOINT
from cjlib.definitions import EventRules
from cjlib.events.interactions import REASONS, find_channel, find_reasons, stage_of_touchpoint
from cjlib.events.journey_log import smallest_kind
from cjlib.events.lifecycle import LIFECYCLE
from cjlib.events.ordering import encode, order_events
from cjlib.events.rows import pair_rows
from cjlib.events.store import MEASURES
from cjlib.study import Study

TEXT: Final = pa.string()


class Totals:
    """What the partitions add up to."""

    def __init__(self) -> None:
        self.parts = self.contacts = self.journeys = 0
        self.rows = np.zeros(len(REASONS) + 1, dtype=np.int64)
        self.customers = np.zeros(len(REASONS) + 1, dtype=np.int64)
        self.aside: list[npt.NDArray[np.int64]] = []  # source, row, reason
        self.measures = dict.fromkeys(MEASURES, False)
        self.no_channel = False

    def write_set_aside(self, work: Path, files: list[list[tuple[str, int]]]) -> None:
        """Write file, row and reason of every row set aside."""
        none = np.zeros((3, 0), dtype=np.int64)
        source, row, reason = np.concatenate([none, *self.aside], axis=1)
        order = order_events(source, row)
        source, row, reason = source[order], row[order], reason[order]
        names = [name for parts in files for name, _ in parts]
        place = np.zeros(len(row), dtype=np.int64)
        before = 0
        for number, parts in enumerate(files):
            ends = np.cumsum([0, *(count for _, count in parts)])
            own = slice(*np.searchsorted(source, [number, number + 1]))
            at = np.searchsorted(ends, row[own], side="left") - 1
            row[own] -= ends[at]
            place[own] = at + before
            before += len(parts)
        told = {
            "file": pa.DictionaryArray.from_arrays(place.astype(np.int32), pa.array(names, TEXT)),
            "row": row,
            REASON: pa.DictionaryArray.from_arrays(reason.astype(np.int8), pa.array(REASONS, TEXT)),
        }
        pq.write_table(pa.table(told), work / "set_aside.parquet")


def settle_part(
    study: Study, rules: EventRules, rows: pd.DataFrame, work: Path, totals: Totals
) -> None:
    """Put one partition in order and write it."""
    who, ids = encode(rows[CUSTOMER], sort=False)
    rows["who"] = who
    again = _find_repeated(rows)
    pieces, reasons = [], []
    for number, source in enumerate(rules.sources):  # the rows lie in the order of the sources
        own = (rows["source"] == number).to_numpy()
        piece = rows if own.all() else rows[own].reset_index(drop=True)
        if LIFECYCLE not in source.columns and LIFECYCLE in piece:
            piece = piece.drop(columns=LIFECYCLE)
        piece, other = pair_rows(piece, source, again[own])
        reasons.append(find_reasons(study, piece, repeated=again[own], other=other))
        pieces.append(piece.drop(columns=LIFECYCLE, errors="ignore"))
    rows = pieces[0] if len(pieces) == 1 else pd.concat(pieces, ignore_index=True)
    reason = np.concatenate(reasons)
    known = study.pseudonyms(pd.Series(ids, dtype="str"), "C")  # distinct, as the ids are bare
    customers = np.asarray(known, dtype=object)
    place = np.where(known.isna(), -1, np.arange(len(known), dtype=np.int32))
    coded = rows["who"].to_numpy() if (place >= 0).all() else place[rows["who"].to_numpy()]
    for code in np.unique(reason).tolist():
        hit = reason == code
        totals.rows[code] += hit.sum()
        seen = np.bincount(coded[hit] + 1, minlength=2)
        totals.customers[code] += np.count_nonzero(seen[1:])
    aside = np.flatnonzero(reason >= 0)
    if len(aside):
        told = [rows["source"].to_numpy()[aside], rows["row"].to_numpy()[aside], reason[aside]]
        totals.aside.append(np.array(told, dtype=np.int64))
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
    who: npt.NDArray[np.int32], customers: npt.NDArray[np.object_], work: Path, totals: Totals,
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
