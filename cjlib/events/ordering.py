"""Coding texts as whole numbers and putting events in order: the two costs of every log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
Codes32 = npt.NDArray[np.int32]


def encode(values: Any, *, sort: bool = True) -> tuple[Codes32, npt.NDArray[np.object_]]:
    """Give each distinct value a code from 0; a missing one has -1.

    Parameters
    ----------
    values : array, Series, or arrow or polars column
        Of text, or of anything else that can be hashed and compared.
    sort : bool
        Codes by ascending value; else by first appearance, which spares the sort.

    Returns
    -------
    (codes, distinct)

    Notes
    -----
    One hash pass over the values and a sort of the distinct ones.
    """
    arrow = as_arrow(values)
    if arrow is None:
        given = values if isinstance(values, pd.Series) else pd.Series(np.asarray(values))
        codes, distinct = pd.factorize(given, sort=sort)
        return codes.astype(np.int32), np.asarray(distinct, dtype=object)
    raw, dictionary = _code_texts(arrow)
    if not sort:
        return raw, dictionary.to_numpy(zero_copy_only=False)
    order = _sort_texts(dictionary)
    distinct = dictionary.take(pa.array(order)).to_numpy(zero_copy_only=False)
    place = np.full(len(order) + 1, -1, dtype=np.int32)  # the last is for what is missing
    place[order] = np.arange(len(order), dtype=np.int32)
    return place[raw], distinct


def _code_texts(column: pa.ChunkedArray | pa.Array) -> tuple[Codes32, pa.Array]:
    """Code texts by first appearance; the pieces of a column share one dictionary."""
    if not len(column):
        return np.zeros(0, dtype=np.int32), pa.array([], column.type)
    pieces = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    found = pa.chunked_array(pieces).dictionary_encode()
    codes = []
    for chunk in found.chunks:
        raw = chunk.indices.fill_null(-1) if chunk.null_count else chunk.indices
        codes.append(raw.to_numpy(zero_copy_only=False))
    return codes[0] if len(codes) == 1 else np.concatenate(codes), found.chunk(0).dictionary


def _sort_texts(texts: pa.Array) -> Ints:
    """Return the order of distinct texts by their bytes, which is that of their letters.

    Texts of at most eight bytes are compared as whole numbers, the first byte weighing most.
    """
    size = pc.binary_length(texts).to_numpy()
    if len(texts) < 1000 or int(size.max()) > 8:
        order: Ints = pc.sort_indices(texts).to_numpy().astype(np.int64)
        return order
    kind = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    edges = np.frombuffer(texts.buffers()[1], dtype=kind)[
        texts.offset : texts.offset + len(size) + 1
    ]
    data = np.frombuffer(texts.buffers()[2], dtype=np.uint8)[edges[0] : edges[-1]]
    cells = np.zeros((len(size), 8), dtype=np.uint8)
    cells[np.arange(8) < size[:, None]] = data
    keys = cells.view(">u8")[:, 0].astype(np.uint64)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    if (keys[1:] == keys[:-1]).any():  # some end in bytes of zero
        order = pc.sort_indices(texts).to_numpy().astype(np.int64)
    return order


def decode(codes: npt.NDArray[Any], values: Sequence[str | None]) -> pd.Series:
    """Spell codes out as a Series of text; -1, and a value of None, are missing."""
    place = pa.array(codes.astype(np.int32), mask=codes < 0)
    words = pa.DictionaryArray.from_arrays(place, pa.array(values, type=pa.large_string()))
    return pd.Series(pd.array(words.cast(pa.large_string()), dtype=pd.StringDtype(na_value=np.nan)))


def as_arrow(values: Any) -> pa.ChunkedArray | pa.Array | None:
    """Return a column of text as arrow, without a copy where it is one; None for other kinds."""
    if isinstance(values, pd.Series):
        if not isinstance(values.dtype, pd.StringDtype):
            return None
        found = pa.array(values.array, from_pandas=True)
    elif isinstance(values, (pa.Array, pa.ChunkedArray)):
        found = values
    elif hasattr(values, "__arrow_c_stream__"):
        found = pa.chunked_array(values)
    else:
        array = np.asarray(values)
        if array.dtype.kind not in "UO":
            return None
        if array.dtype.kind == "O" and not all(type(v) is str for v in array):
            return None
        found = pa.array(array.astype(object), type=pa.large_string())
    kind = found.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
        found = found.cast(kind)
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if pa.types.is_string_view(kind):
        return found.cast(pa.large_string())
    return found if text else None


def order_events(
    who: npt.NDArray[Any], times: Ints, *, tie: npt.NDArray[Any] | None = None
) -> Ints:
    """Return the order by customer, then time, then ``tie``, then place in the input.

    Notes
    -----
    Whole numbers are sorted packed with their places, which keeps ties in order at the speed
    of a plain sort. Where customers alone bring the times in order (a log written in the
    order of time) that sort is left out.
    """
    first = stable_order(who)
    if tie is None and not (times[1:] < times[:-1]).any():
        return first
    if _is_ordered(who[first], times[first], None if tie is None else tie[first]):
        return first
    order = np.arange(len(who)) if tie is None else stable_order(tie)
    order = order[stable_order(times[order])]
    return order[stable_order(who[order])]


def stable_order(values: npt.NDArray[Any]) -> Ints:
    """Return the places of whole numbers in ascending order, equal ones as they came."""
    n = len(values)
    if not n:
        return np.zeros(0, dtype=np.int64)
    low = int(values.min())
    span = int(values.max()) - low
    rows = max((n - 1).bit_length(), 1)
    width = 64 - rows  # bits of a value that fit beside its place
    mask = np.uint64((1 << rows) - 1)
    key = values.astype(np.int64).view(np.uint64)  # a copy, so that it may be changed
    key -= np.uint64(low % 2**64)
    if span.bit_length() <= width:
        key <<= np.uint64(rows)
        key |= np.arange(n, dtype=np.uint64)
        key.sort()
        key &= mask
        return key.view(np.int64)
    order = here = np.arange(n, dtype=np.uint64)
    for shift in range(0, span.bit_length(), width):
        packed = (key[order] if shift else key) >> np.uint64(shift)
        packed <<= np.uint64(rows)
        packed |= here
        packed.sort()
        packed &= mask
        order = order[packed] if shift else packed
    return order.view(np.int64)


def _is_ordered(who: npt.NDArray[Any], times: Ints, tie: npt.NDArray[Any] | None) -> bool:
    same = who[1:] == who[:-1]
    if (same & (times[1:] < times[:-1])).any():
        return False
    return tie is None or not (same & (times[1:] == times[:-1]) & (tie[1:] < tie[:-1])).any()
