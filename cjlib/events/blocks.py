"""Blocks of whole customers as bytes: what a cluster keeps and carries of a journey log."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from cjlib.errors import JourneyError
from cjlib.events.journey_log import JourneyLog, View, require_near, smallest_kind
from cjlib.events.ordering import encode, order_events, stable_order

BLOCK: Final = 1_000_000  # contacts in a block; a customer is never cut
BLOCKS: Final = "contacts bigint, journeys bigint, codes binary, times binary, offsets binary"


def lay_out_blocks(
    batches: Iterator[pa.RecordBatch], *, labels: Sequence[str], block: int = BLOCK
) -> Iterator[pa.RecordBatch]:
    """Put one partition's rows in order; yield a row for each block of whole customers.

    Parameters
    ----------
    batches : iterator of arrow batches
        Columns ``who``, ``time`` (timestamps or whole microseconds), ``label`` and, where it
        is known, ``place``; none missing, each customer whole.
    labels : sequence of str
        All of them; a label's place is its code.
    block : int
        Contacts after which a new block begins, once the customer is at an end.

    Notes
    -----
    By customer, time, place, label: rows that agree in all four can stand in for each other.
    """
    given = [batch for batch in batches if batch.num_rows]
    if not given:
        return
    table = pa.Table.from_batches(given)
    who, _ = encode(table["who"], sort=False)
    raw, seen = encode(table["label"], sort=False)
    place = pd.Index(list(labels)).get_indexer(pd.Index(seen))
    if (place < 0).any():
        raise JourneyError(f"lay_out_blocks: {seen[place < 0][0]!r} must be one of the labels.")
    codes = place[raw]
    times = table["time"].cast(pa.int64()).to_numpy()
    require_near(times, caller="log_on_spark")
    first = stable_order(codes)
    if "place" in table.column_names:
        first = first[stable_order(table["place"].to_numpy()[first])]
    order = first[order_events(who[first], times[first])]
    who, codes, times = who[order], codes[order].astype(smallest_kind(len(labels))), times[order]
    starts = np.flatnonzero(np.concatenate([[True], who[1:] != who[:-1]]))
    offsets = np.append(starts, len(who)).astype(np.int64)
    cuts = np.unique(np.searchsorted(starts, np.arange(0, len(who), block)))
    for begin, end in zip(cuts, [*cuts[1:], len(starts)], strict=True):
        low, high = int(offsets[begin]), int(offsets[end])
        if low < high:
            yield pa.RecordBatch.from_pydict(
                {
                    "contacts": [high - low], "journeys": [int(end - begin)],
                    "codes": [codes[low:high].tobytes()], "times": [times[low:high].tobytes()],
                    "offsets": [(offsets[begin : end + 1] - low).tobytes()],
                }
            )  # fmt: skip


def read_blocks(batch: pa.RecordBatch, *, labels: tuple[str, ...]) -> Iterator[JourneyLog]:
    """Yield a log for each row that ``lay_out_blocks`` made."""
    for place in range(batch.num_rows):
        codes = _numbers(batch.column("codes")[place], smallest_kind(len(labels)))
        times = _numbers(batch.column("times")[place], np.int64)
        offsets = _numbers(batch.column("offsets")[place], np.int64)
        view = View(codes, labels, labels)
        yield JourneyLog(
            by="touchpoint", codes=codes, times=times, offsets=offsets,
            owner=np.arange(len(offsets) - 1), customers=np.zeros(0, dtype=object),
            labels=labels, names=labels, views={"touchpoint": view},
        )  # fmt: skip


def _numbers(value: Any, kind: type[np.integer[Any]]) -> npt.NDArray[Any]:
    return np.require(np.frombuffer(value.as_buffer(), dtype=kind), requirements="A")


def pack(found: Any) -> bytes:
    """Write a kernel's answer, an array or several, as bytes."""
    sink = io.BytesIO()
    np.savez(sink, *(found if isinstance(found, tuple) else (found,)))
    return sink.getvalue()


def unpack(data: Any) -> Any:
    """Read what ``pack`` wrote."""
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        found = tuple(stored[name] for name in stored.files)
    return found if len(found) > 1 else found[0]
