"""Who holds which sub-path: runs of contacts, and labels in order with others in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cjlib.events import JourneyLog
from cjlib.journeys.clusters import Ints, find_runs
from cjlib.journeys.variants import ARROW

DENSE = 4  # cells of a lookup table per contact up to which it beats a sort


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Sub-paths of one length that enough customers hold.

    Attributes
    ----------
    paths : int, sub-paths x length
        Codes, in the order of the labels.
    path, customer : int, one per pair
        A sub-path and a customer who holds it, each pair once.
    journeys : int, one per sub-path
    """

    paths: Ints
    path: Ints
    customer: Ints
    journeys: Ints

    def spell(self, labels: Sequence[str]) -> list[str]:
        """Return the sub-paths as text."""
        return [ARROW.join(labels[code] for code in path) for path in self.paths]


def hold_subpaths(
    log: JourneyLog,
    *,
    length: tuple[int, int],
    contiguous: bool,
    least: float,
    people: int | None = None,
) -> Iterator[Held]:
    """Yield the sub-paths of each length that at least a share of the customers hold.

    Parameters
    ----------
    log : JourneyLog
    length : (int, int)
    contiguous : bool
    least : float, 0 to 1
    people : int, optional
        What the share is of; by default the customers who have a contact in the log.
    """
    people = len(find_runs(log.owner)) if people is None else people
    least_count = max(1, int(np.ceil(least * people - 1e-9)))
    grow = _hold_runs if contiguous else _hold_orders
    for held in grow(log, length[1], least_count):
        if held.paths.shape[1] >= length[0]:
            yield held


def _hold_runs(log: JourneyLog, longest: int, least_count: int) -> Iterator[Held]:
    k = len(log.labels)
    codes = log.codes.astype(np.int64)
    journey = log.journey_of()
    rest = log.offsets[1:][journey] - np.arange(len(log))  # contacts from here to the end
    starts = np.arange(len(log))
    number = np.zeros(len(log), dtype=np.int64)  # of the run that begins at each start
    paths = np.zeros((1, 0), dtype=np.int64)
    for size in range(1, longest + 1):
        fits = rest[starts] >= size
        starts, number = starts[fits], number[fits]
        key, number = _number(number * k + codes[starts + size - 1], len(paths) * k)
        paths = np.column_stack([paths[key // k], key % k])
        pairs = np.sort(number * log.journeys + journey[starts])
        pairs = pairs[find_runs(pairs)]
        path, holder = pairs // log.journeys, log.owner[pairs % log.journeys]
        opens = find_runs(path * len(log.customers) + holder)
        enough = np.bincount(path[opens], minlength=len(paths)) >= least_count
        renumber = np.cumsum(enough) - 1
        journeys = np.bincount(path, minlength=len(paths))[enough]
        path, holder = path[opens], holder[opens]
        kept = enough[path]
        paths = paths[enough]
        yield Held(paths, renumber[path[kept]], holder[kept], journeys)
        going = enough[number]  # a longer run is no more frequent than its beginning
        starts, number = starts[going], renumber[number[going]]


def _number(key: Ints, most: int) -> tuple[Ints, Ints]:
    """Return the distinct keys, rising, and the place of each key among them."""
    if most > DENSE * len(key) + 65_536:
        found, place = np.unique(key, return_inverse=True)
        return found, place
    there = np.zeros(most, dtype=bool)
    there[key] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[key]


def _hold_orders(log: JourneyLog, longest: int, least_count: int) -> Iterator[Held]:
    k, n = len(log.labels), len(log)
    upcoming = np.full((k, n + 1), n, dtype=np.int64)  # next contact with a label, from here on
    upcoming[log.codes, np.arange(n)] = np.arange(n)
    upcoming = np.minimum.accumulate(upcoming[:, ::-1], axis=1)[:, ::-1]
    ends = log.offsets[1:]
    grown = [(np.zeros(0, dtype=np.int64), np.arange(log.journeys), log.offsets[:-1] - 1)]
    for size in range(1, longest + 1):
        level, customers, journeys = [], [], []
        for prefix, journey, at in grown:
            for code in range(k):
                reached = upcoming[code, at + 1]
                here = reached < ends[journey]
                holders = log.owner[journey[here]]
                opens = find_runs(holders)
                if len(opens) < least_count:
                    continue
                level.append((np.append(prefix, code), journey[here], reached[here]))
                customers.append(holders[opens])
                journeys.append(len(holders))
        grown = level
        paths = np.array([path for path, _, _ in level], dtype=np.int64).reshape(-1, size)
        path = np.repeat(np.arange(len(level)), [len(who) for who in customers])
        who = np.concatenate([np.zeros(0, dtype=np.int64), *customers])
        yield Held(paths, path, who, np.array(journeys, dtype=np.int64))
