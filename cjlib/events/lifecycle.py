"""Logs that write a contact as several rows: its start, its completion, and steps between."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.columns import CUSTOMER, SECONDS, TIME, TOUCHPOINT
from cjlib.events.ordering import encode, order_events

LIFECYCLE: Final = "lifecycle"
MODES: Final = ("pair", "complete", "start", "all")
STARTED: Final = "start"
DONE: Final = "complete"


def pair_steps(
    rows: pd.DataFrame, *, mode: str = "pair", leave_out: npt.NDArray[np.bool_]
) -> tuple[pd.DataFrame, npt.NDArray[np.bool_]]:
    """Make one contact of each start and completion.

    "pair": a completion belongs to the earliest start of the same customer and touchpoint
    that none before it has taken; the contact begins at the start, and its ``seconds`` run
    to the completion (the log's own ``seconds`` win where given). A start without a
    completion is a contact of unknown length; a completion without a start is one too.
    "complete" and "start" keep those rows alone, "all" keeps every row. Steps of any other
    kind ("schedule", "suspend" ...) are no contact, except under "all". Case does not
    matter; a row with an empty lifecycle counts as a completion.

    Parameters
    ----------
    rows : DataFrame
        ``customer_id, time, touchpoint, lifecycle, seconds``, in file order.
    mode : "pair", "complete", "start" or "all"
    leave_out : bool, one per row
        Rows that take no part, such as exact duplicates.

    Returns
    -------
    (rows, other)
        The rows, those that start a pair with its ``seconds``; True where a row is not a
        contact of its own: the completion of a pair, or a step of another kind.
    """
    codes, values = encode(rows[LIFECYCLE].astype("str"))
    kinds = [str(value).strip().casefold() for value in values]
    start = np.array([*(kind == STARTED for kind in kinds), False])[codes]
    done = np.array([*(kind in (DONE, "") for kind in kinds), True])[codes]
    rows = rows.drop(columns=LIFECYCLE)
    if mode == "all":
        return rows, np.zeros(len(rows), dtype=bool)
    if mode in (DONE, STARTED):
        return rows, ~(done if mode == DONE else start)
    other = ~(start | done)
    moment = rows[TIME].to_numpy(dtype="datetime64[us]")
    use = np.flatnonzero(~other & ~leave_out & ~np.isnat(moment))
    times = moment[use].astype(np.int64)
    who = encode(rows[CUSTOMER].iloc[use])[0].astype(np.int64)
    group = who * (int(rows[TOUCHPOINT].max()) + 2) + rows[TOUCHPOINT].to_numpy()[use] + 1
    # A start before a completion at the same moment: a contact may take no time at all.
    order = order_events(group, times, tie=done[use].astype(np.int8))
    at, first = _match(group[order], start[use][order])
    begins, ends = use[order[first]], use[order[at]]
    other[ends] = True
    spent = (moment[ends] - moment[begins]).astype(np.int64) / 1e6
    seconds = rows[SECONDS].to_numpy(dtype=float, copy=True)
    own = np.where(np.isnan(seconds[begins]), seconds[ends], seconds[begins])
    seconds[begins] = np.where(np.isnan(own), spent, own)
    rows = rows.assign(**{SECONDS: seconds})
    for name in rows.columns.difference([CUSTOMER, TIME, TOUCHPOINT, SECONDS, "row"]):
        values_ = rows[name].to_numpy(copy=True)
        empty = begins[pd.isna(values_[begins])]
        if len(empty):  # what only the completion tells, such as the amount paid
            values_[empty] = values_[ends[pd.isna(values_[begins])]]
            rows[name] = pd.Series(values_, index=rows.index, dtype=rows[name].dtype)
    return rows, other


def _match(
    group: npt.NDArray[np.int64], start: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Completions and the starts they close, first in first out, within each group.

    The number of completions that found a start never exceeds the starts so far, so the j-th
    completion that does closes the group's j-th start. One is matched unless as many were
    matched as started: a queue that cannot run below empty.
    """
    n = len(group)
    if not n:
        none = np.zeros(0, dtype=np.int64)
        return none, none
    fresh = np.ones(n, dtype=bool)
    fresh[1:] = group[1:] != group[:-1]
    number = np.cumsum(fresh) - 1
    step = np.where(start, 1, -1)
    total = np.cumsum(step)
    # Within each group: the walk, and its lowest point so far, which counts the unmatched.
    base = (total - step)[fresh][number]
    walk = total - base
    lift = -number * (2 * n + 2)  # a later group starts far below
    lowest = np.minimum.accumulate(walk + lift) - lift
    lowest = np.minimum(lowest, 0)
    before = np.where(fresh, 0, np.concatenate([[0], lowest[:-1]]))
    matched = ~start & (lowest == before)
    at = np.flatnonzero(matched)
    begins = np.flatnonzero(start)
    rank_end = _rank(number[at])
    first_of = np.searchsorted(number[begins], number[at], side="left")
    return at, begins[first_of + rank_end]


def _rank(number: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Place of each within its run of equal numbers, from 0."""
    if not len(number):
        return number
    fresh = np.ones(len(number), dtype=bool)
    fresh[1:] = number[1:] != number[:-1]
    at = np.flatnonzero(fresh)
    return np.arange(len(number)) - np.repeat(at, np.diff(np.append(at, len(number))))
