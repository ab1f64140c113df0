"""Counts of one partition of a journey log, one vectorised pass each; they add over partitions.

A customer's journeys lie in one partition whole, so the counts of the partitions sum to the
counts of the log, whole, in parts or on a cluster. ``cjlib.events.questions`` does the adding.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cjlib.events.journey_log import JourneyLog

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
SEEDS: Final = (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03)  # odd, from the golden and plastic ratios
BIN_SHIFT: Final = 47  # of a float64's bits: 32 bins to each doubling of a gap
FIRST_BIN: Final = (1023 << 5) - 1  # so that a gap of 1 is in bin 1
BINS: Final = 2**11  # above any bin of a gap below 2**63
DENSE: Final = 2**23  # cells that are counted in a plain array


def find_moves(log: JourneyLog) -> tuple[Ints, Ints]:
    """Return the pair ``from * k + to`` and the gap in microseconds of each move, in order.

    A move joins a contact and the next of the same journey; k is the number of labels.
    """
    inside = np.ones(len(log) - 1, dtype=bool)
    inside[log.offsets[1:-1] - 1] = False
    return join_pairs(log)[inside].astype(np.int64), np.diff(log.times)[inside]


def join_pairs(log: JourneyLog) -> npt.NDArray[Any]:
    """Return ``from * k + to`` of each contact and the next, also across journeys."""
    k = len(log.labels)
    kind = np.int16 if k < 182 else np.int32 if k < 46_341 else np.int64  # holds k * k
    codes: npt.NDArray[Any] = log.codes.astype(kind)
    pair: npt.NDArray[Any] = codes[:-1] * kind(k)
    pair += codes[1:]
    return pair


def sort_gaps(log: JourneyLog) -> Ints:
    """Return the gaps of all moves, sorted within pairs, pairs ascending."""
    across = log.offsets[1:-1] - 1
    key = join_pairs(log).astype(np.int64)
    gap = np.diff(log.times)
    gap[across] = 0
    bits = int(gap.max(initial=0)).bit_length()
    if (len(log.labels) ** 2).bit_length() + bits > 62:
        key[across] = np.iinfo(np.int64).max
        return gap[np.lexsort((gap, key))][: len(key) - len(across)]
    key <<= bits
    key |= gap
    key[across] = np.iinfo(np.int64).max  # what lies between two journeys goes to the end
    key.sort()
    key = key[: len(key) - len(across)]
    key &= (1 << bits) - 1
    return key


def count_pairs_of(log: JourneyLog) -> tuple[Ints, Ints]:
    """Return the pairs ``from * k + to`` that occur, ascending, and how often each does."""
    k, pair = len(log.labels), join_pairs(log)
    across = pair[log.offsets[1:-1] - 1]
    if k <= 1024:
        found = np.bincount(pair, minlength=k * k) - np.bincount(across, minlength=k * k)
        some = np.flatnonzero(found)
        return some, found[some]
    inside = np.ones(len(pair), dtype=bool)
    inside[log.offsets[1:-1] - 1] = False
    values, counts = np.unique(pair[inside], return_counts=True)
    return values.astype(np.int64), counts.astype(np.int64)


def count_places(log: JourneyLog, *, steps: int) -> Ints:
    """Count the journeys at each label at their 1st to ``steps``-th contact (steps x labels)."""
    k, starts, lengths = len(log.labels), log.offsets[:-1], log.lengths
    found = np.zeros((steps, k), dtype=np.int64)
    for step in range(steps):
        longer = lengths > step
        starts, lengths = starts[longer], lengths[longer]
        if not len(starts):
            break
        found[step] = np.bincount(log.codes[starts + step], minlength=k)
    return found


def count_first_and_last(log: JourneyLog) -> Ints:
    """Count the journeys that begin (row 0) and end (row 1) at each label."""
    k = len(log.labels)
    first = np.bincount(log.codes[log.offsets[:-1]], minlength=k)
    return np.stack([first, np.bincount(log.codes[log.offsets[1:] - 1], minlength=k)])


def count_reached(log: JourneyLog, *, stages: Sequence[int]) -> Ints:
    """Count the journeys that reach each of ``stages`` (codes), loosely and in order.

    A stage is reached by a contact there at or after the moment the stage before was first
    reached; at the same moment suffices. Reaching a stage earliest leaves the most room for
    the next, so the first such contact of each is all that is needed. A contact stands for one
    stage only: a label that comes again needs a contact of its own.
    """
    kind = np.int32 if log.journeys < 2**31 else np.int64
    journey = np.repeat(np.arange(log.journeys, dtype=kind), log.lengths)
    since = np.full(log.journeys, np.iinfo(np.int64).min)
    open_ = np.ones(log.journeys, dtype=bool)
    counts = np.zeros(len(stages), dtype=np.int64)
    moments: dict[int, list[Ints]] = {}  # when a label's stages before were reached
    for place, code in enumerate(stages):
        at = np.flatnonzero(log.codes == code)
        whose, when = journey[at], log.times[at]
        good = open_[whose]
        if place:
            good &= when >= since[whose]
        if code in moments:
            taken = np.sum([moment == since for moment in moments[code]], axis=0)
            good &= (when > since[whose]) | (_rank_tied(whose, when) >= taken[whose])
        whose, when = whose[good], when[good]
        first = np.ones(len(whose), dtype=bool)
        first[1:] = whose[1:] != whose[:-1]
        whose = whose[first]
        since[whose] = when[first]
        open_ = np.zeros(log.journeys, dtype=bool)
        open_[whose] = True
        counts[place] = len(whose)
        if code in stages[place + 1 :]:
            moments.setdefault(code, []).append(since.copy())
    return counts


def _rank_tied(whose: npt.NDArray[Any], when: Ints) -> Ints:
    """Place of each contact among those of the same journey and moment, from 0."""
    here = np.arange(len(whose))
    again = np.zeros(len(whose), dtype=bool)
    again[1:] = (whose[1:] == whose[:-1]) & (when[1:] == when[:-1])
    return here - np.maximum.accumulate(np.where(again, 0, here))


def hash_paths(log: JourneyLog, *, seed: int = SEEDS[0]) -> Hashes:
    """Return a 64-bit hash of each journey's labels in order.

    A polynomial in an odd number whose coefficients are the scattered codes, with the length
    scattered on top; the same path has the same hash in every partition. Powers run on over
    the whole log and are divided out journey by journey: an odd number has an inverse among
    the whole numbers modulo 2**64.
    """
    starts = log.offsets[:-1]
    base = seed | 1
    mixed = scatter(np.arange(1, len(log.labels) + 1, dtype=np.uint64) * np.uint64(base))
    powers = _powers(base, len(log))
    first = powers[starts]
    powers *= mixed.take(log.codes)
    hashed: Hashes = np.add.reduceat(powers, starts)
    hashed *= _invert(first)
    hashed += scatter(log.lengths.astype(np.uint64))
    return hashed


def _powers(base: int, count: int) -> Hashes:
    powers = np.full(count, base, dtype=np.uint64)
    powers[0] = 1
    return np.cumprod(powers, out=powers)


def _invert(odd: Hashes) -> Hashes:
    """Invert odd numbers modulo 2**64: Newton's step doubles the right bits, 3 to begin with."""
    found = odd.copy()
    for _ in range(5):
        found *= np.uint64(2) - odd * found
    return found


def scatter(values: Hashes) -> Hashes:
    """Scatter whole numbers over 64 bits (the finaliser of MurmurHash3)."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> np.uint64(33))


def bin_gaps(log: JourneyLog) -> tuple[Ints, Ints]:
    """Return ``pair * BINS + bin`` and the gap of each move.

    A bin never falls as the gap grows; there are 32 to each doubling, and one for no gap.
    """
    pair, gap = find_moves(log)
    bins = gap.astype(np.float64).view(np.int64)
    bins >>= BIN_SHIFT
    bins -= FIRST_BIN
    np.maximum(bins, 0, out=bins)
    pair *= BINS
    pair += bins
    return pair, gap


def tally_gaps(log: JourneyLog) -> tuple[Ints, Ints]:
    """Return the cells of ``bin_gaps`` that occur, ascending, and how often each does."""
    cell, _ = bin_gaps(log)
    if len(log.labels) ** 2 * BINS <= DENSE:
        count = np.bincount(cell)
        some = np.flatnonzero(count)
        return some, count[some]
    return tally(cell)


def pick_gaps(log: JourneyLog, *, chosen: Ints) -> tuple[Ints, Ints, Ints]:
    """Return place in ``chosen``, gap and count of the distinct gaps in the chosen cells."""
    cell, gap = bin_gaps(log)
    size = len(log.labels) ** 2 * BINS
    if size <= DENSE:
        place = np.full(size, -1, dtype=np.int32)
        place[chosen] = np.arange(len(chosen), dtype=np.int32)
        at = place[cell]
        hit = at >= 0
    else:
        at = np.minimum(np.searchsorted(chosen, cell), len(chosen) - 1)
        hit = chosen[at] == cell
    gap, where = gap[hit], at[hit].astype(np.int64)
    order = np.lexsort((gap, where))
    gap, where = gap[order], where[order]
    fresh = np.ones(len(gap), dtype=bool)
    fresh[1:] = (gap[1:] != gap[:-1]) | (where[1:] != where[:-1])
    edges = np.append(np.flatnonzero(fresh), len(gap))
    return where[fresh], gap[fresh], np.diff(edges)


def tally_paths(log: JourneyLog, *, seed: int = SEEDS[0]) -> tuple[Ints, Ints, Ints]:
    """Return the hashes of the paths, how many journeys take each, and hashes that clash.

    See ``group_paths``.
    """
    hashes = hash_paths(log, seed=seed).view(np.int64)
    return group_paths(hashes, log.codes, log.offsets[:-1], log.lengths)


def group_paths(
    hashes: Ints, codes: npt.NDArray[Any], starts: Ints, lengths: Ints
) -> tuple[Ints, Ints, Ints]:
    """Group journeys by the hash of their path, and compare each group contact by contact.

    A journey is ``lengths`` contacts of ``codes`` from ``starts`` on.

    Returns
    -------
    (hashes, counts, clashes)
        The distinct hashes, ascending; how many journeys have each; and how many journeys
        take another path than the first of the same hash (one number).
    """
    order = np.argsort(hashes)
    ordered = hashes[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = ordered[1:] != ordered[:-1]
    at = np.flatnonzero(fresh)
    first = order[at][np.cumsum(fresh) - 1]
    again, first = order[~fresh], first[~fresh]
    alike = lengths[again] == lengths[first]
    size, own = lengths[again[alike]], starts[again[alike]]
    back = own - starts[first[alike]]  # from a contact to its like in the group's first journey
    ends = np.cumsum(size)
    place = np.arange(int(size.sum())) + np.repeat(own - (ends - size), size)
    clashes = np.count_nonzero(~alike)
    odd = np.flatnonzero(codes[place] != codes[place - np.repeat(back, size)])
    clashes += len(np.unique(np.searchsorted(ends, odd, side="right")))
    counts = np.diff(np.append(at, len(order)))
    return ordered[at], counts, np.array([clashes], dtype=np.int64)


def spell_paths(
    log: JourneyLog, *, candidates: Ints, seen: Ints, least: int, top: int, shared: Ints,
    seed: int = SEEDS[0], own: Ints | None = None,
) -> tuple[Ints, Ints, npt.NDArray[Any]]:  # fmt: skip
    """Return hash, length and codes (end to end) of one journey of each candidate path.

    Of the candidates that only ``least`` journeys take, just the ``top`` that come first
    (shorter, then by the labels' order) are spelled out: the others cannot win. Those in
    ``shared`` are spelled out too. ``own`` are the hashes of the log's journeys where they
    are known already.
    """
    own = hash_paths(log, seed=seed).view(np.int64) if own is None else own
    chosen, tied = _split_candidates(own, candidates, seen, least)
    lengths = log.lengths[tied]
    order = np.argsort(lengths, kind="stable")
    tied, lengths, left = tied[order], lengths[order], top
    picked = [chosen, _find_first(own, shared)]
    edges = np.concatenate([[0], np.flatnonzero(np.diff(lengths)) + 1, [len(tied)]])
    for begin, end in pairwise(edges.tolist()):
        if left <= 0 or begin == end:
            break
        alike = tied[begin:end]
        spelled = log.codes[log.offsets[alike][:, None] + np.arange(lengths[begin])]
        picked.append(alike[np.lexsort(spelled.T[::-1])[:left]])
        left -= len(picked[-1])
    shown = np.unique(np.concatenate(picked))
    size = log.lengths[shown]
    place = np.arange(int(size.sum())) + np.repeat(
        log.offsets[shown] - (np.cumsum(size) - size), size
    )
    return own[shown], size, log.codes[place]


def _split_candidates(own: Ints, candidates: Ints, seen: Ints, least: int) -> tuple[Ints, Ints]:
    """One journey of each candidate: those of more than ``least`` journeys, and the others."""
    hits = _find_first(own, candidates)
    sure = seen[np.searchsorted(candidates, own[hits])] > least
    return hits[sure], hits[~sure]


def _find_first(own: Ints, wanted: Ints) -> Ints:
    """Return the place of one of each of the ``wanted`` (ascending) among ``own``."""
    if not len(wanted):
        return np.zeros(0, dtype=np.int64)
    at = np.minimum(np.searchsorted(wanted, own), len(wanted) - 1)
    hits = np.flatnonzero(wanted[at] == own)
    first = np.full(len(wanted), -1, dtype=np.int64)
    first[at[hits[::-1]]] = hits[::-1]
    return first[first >= 0]


def count_tied(log: JourneyLog) -> Ints:
    """Count the moves, those at the same time, of these those that change the label; journeys."""
    pair, gap = find_moves(log)
    k = len(log.labels)
    same = gap == 0
    differ = same & (pair // k != pair % k)
    owner = np.repeat(np.arange(log.journeys), log.lengths - 1)[differ]
    journeys = int((owner[1:] != owner[:-1]).sum()) + bool(len(owner))
    return np.array([len(gap), same.sum(), differ.sum(), journeys], dtype=np.int64)


def tally(values: Ints) -> tuple[Ints, Ints]:
    """Return the distinct values, ascending, and how often each occurs."""
    found, count = np.unique(values, return_counts=True)
    return found, count.astype(np.int64)
