"""Six plain questions to a journey log, in memory or in partitions, with the same answers.

They count and give no intervals: the questions of ``cjlib.journeys`` do that for logs in
memory. These serve logs of any size, one partition after another, or on Spark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.errors import JourneyError, TooFewError
from cjlib.events import kernels
from cjlib.events.journey_log import HOUR, JourneyLog
from cjlib.events.spark import SparkLog
from cjlib.events.store import StoredLog, open_layout

Ints = npt.NDArray[np.int64]
ARROW = " > "


class Parts(Protocol):
    """A log whose customers are dealt out over partitions, each a ``JourneyLog``."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels by code, the same in every partition."""

    def parts(self) -> Iterator[JourneyLog]:
        """Yield the partitions, one in memory at a time; none is empty."""


def count_moves(log: Parts) -> pd.DataFrame:
    """Count each move from a contact to the next of the same journey.

    Returns
    -------
    DataFrame
        ``from, to, count``; one row per move that occurs, most frequent first, ties by the
        labels' order. A repeat is a move too; ties in time keep the log's stated order.
    """
    pair, count = _add(each_part(log, kernels.count_pairs_of))
    rank = np.lexsort((pair, -count))
    return _moves(log, pair[rank]).assign(count=count[rank])


def count_steps(log: Parts, *, steps: int = 8) -> pd.DataFrame:
    """Count the journeys at each label at their 1st, 2nd ... contact.

    Returns
    -------
    DataFrame
        A row per label, a column per step from 1 to ``steps``: journeys. A journey that has
        ended is in no row.
    """
    _require_some(steps, "steps", caller="count_steps")
    found = sum(each_part(log, kernels.count_places, steps=steps))
    return pd.DataFrame(
        np.asarray(found).T, index=pd.Index(log.labels, name="label"), columns=range(1, steps + 1)
    )


def count_funnel(log: Parts, *, stages: Sequence[str]) -> pd.DataFrame:
    """Count the journeys that pass through ``stages`` in order, anything in between.

    A stage is reached at or after the moment the stage before was (the same moment suffices:
    the log cannot tell which of two came first). No window. A stage may come twice, each time
    with a contact of its own.

    Returns
    -------
    DataFrame
        ``stage``, ``journeys``, in the order given.
    """
    known = {label: code for code, label in enumerate(log.labels)}
    lost = [stage for stage in stages if stage not in known]
    if lost or not len(stages) or isinstance(stages, str):
        raise JourneyError(
            f"count_funnel: stages must be a list of labels of the log; got {stages!r}. "
            f"It has {', '.join(map(str, log.labels[:30]))}."
        )
    codes = [known[stage] for stage in stages]
    found = sum(each_part(log, kernels.count_reached, stages=codes))
    return pd.DataFrame({"stage": list(stages), "journeys": np.asarray(found)})


def count_ends(log: Parts) -> pd.DataFrame:
    """Count the journeys that begin and end at each label.

    Returns
    -------
    DataFrame
        ``label, entered, left``, in the labels' order; labels with neither are left out.
    """
    entered, left = np.asarray(sum(each_part(log, kernels.count_first_and_last)))
    table = pd.DataFrame({"label": list(log.labels), "entered": entered, "left": left})
    return table[table["entered"].add(table["left"]).gt(0)].reset_index(drop=True)


def measure_gaps(log: Parts, *, at: Sequence[float] = (0.5, 0.9)) -> pd.DataFrame:
    """Measure exact quantiles of the time from each contact to the next, by move.

    Between two order statistics the quantile is linear (numpy's and pandas' default).

    Parameters
    ----------
    log : JourneyLog, StoredLog or SparkLog
    at : sequence of float, 0 to 1

    Returns
    -------
    DataFrame
        ``from, to, count`` and a column per quantile in hours, named ``p50`` for 0.5; rows
        by the labels' order.

    Notes
    -----
    A log in one partition is sorted by move and gap. Over several, a first pass counts the
    gaps in 32 bins to each doubling, a second gathers those that share a bin with a wanted
    order statistic: exact, and never more than these in memory.
    """
    if np.ndim(at) != 1 or not all(isinstance(q, (int, float)) and 0 <= q <= 1 for q in at):
        raise JourneyError(f"measure_gaps: at must be a list of shares, 0 to 1; got {at!r}.")
    if isinstance(log, JourneyLog):
        pair, count = kernels.count_pairs_of(log)
        ordered, starts = kernels.sort_gaps(log), np.concatenate([[0], np.cumsum(count)])
        place = _places(np.diff(starts), at)
        values = ordered[starts[:-1, None, None] + place.astype(np.int64)[..., :2]]
    else:
        pair, starts, place, values = _select_gaps(log, at)
    table = _moves(log, pair).assign(count=np.diff(starts))
    for column, q in enumerate(at):
        low, high = values[:, column, 0].astype(float), values[:, column, 1].astype(float)
        rest = place[:, column, 2]
        table[f"p{100 * q:g}"] = (low + (high - low) * rest) / HOUR
    return table


def _places(size: Ints, at: Sequence[float]) -> npt.NDArray[np.float64]:
    """Per group and quantile: place below, place above, and the way from one to the other."""
    exact = np.maximum(size - 1, 0)[:, None] * np.asarray(at, dtype=float)
    below = np.floor(exact)
    above = np.minimum(below + 1, np.maximum(size - 1, 0)[:, None])
    return np.stack([below, above, exact - below], axis=2)


def _select_gaps(
    log: Parts, at: Sequence[float]
) -> tuple[Ints, Ints, npt.NDArray[np.float64], Ints]:
    cell, count = _add(each_part(log, kernels.tally_gaps))
    pairs = cell // kernels.BINS
    begin = np.flatnonzero(
        np.concatenate([np.ones(min(len(pairs), 1), dtype=bool), pairs[1:] != pairs[:-1]])
    )
    some = pairs[begin]
    running = np.concatenate([[0], np.cumsum(count)])
    starts = running[np.concatenate([begin, [len(cell)]])]
    place = _places(np.diff(starts), at)
    rank = starts[:-1, None, None] + place[..., :2].astype(np.int64)
    inside = np.searchsorted(running, rank, side="right") - 1  # the bin of each wanted rank
    wanted = np.zeros(len(cell), dtype=bool)
    wanted[inside] = True
    chosen = cell[wanted]
    picked = each_part(log, kernels.pick_gaps, chosen=chosen) if len(chosen) else []
    where, value, times = (np.concatenate([p[i] for p in picked] or [cell]) for i in range(3))
    order = np.lexsort((value, where))
    where, value, times = where[order], value[order], times[order]
    ends = np.cumsum(times)
    opened = (
        ends[np.searchsorted(where, np.arange(len(chosen)), side="left")]
        - (times[np.searchsorted(where, np.arange(len(chosen)), side="left")])
    )
    position = np.cumsum(wanted) - 1  # bin -> its place among the chosen
    within = rank - running[inside]
    values = value[np.searchsorted(ends, opened[position[inside]] + within, side="right")]
    return some, starts, place, values


def count_paths(log: Parts, *, top: int = 20) -> tuple[pd.DataFrame, int]:
    """Count the journeys that take the same labels in the same order.

    Returns
    -------
    (table, variants)
        The ``top`` most frequent (ties: shorter first, then by the labels' order): ``path``
        (labels joined by " > "), ``contacts``, ``journeys``; and how many variants there are.

    Notes
    -----
    Paths are known by a 64-bit hash. Journeys of one hash are then compared contact by
    contact, within the partitions and across them; where two differ (of a million paths with
    a chance of 3e-8) all is done again with another hash. So the counts are exact.
    """
    _require_some(top, "top", caller="count_paths")
    for seed in kernels.SEEDS:
        found = _try_paths(log, top=top, seed=seed)
        if found is not None:
            return found
    raise JourneyError(
        "count_paths: different paths must have different hashes; with both hashes some have "
        "the same. Ask by stage, or of fewer customers."
    )


def _try_paths(log: Parts, *, top: int, seed: int) -> tuple[pd.DataFrame, int] | None:
    """Count the paths with one hash; None where two different paths have the same."""
    own = None
    if isinstance(log, JourneyLog):
        own = kernels.hash_paths(log, seed=seed).view(np.int64)
        tallied = [kernels.group_paths(own, log.codes, log.offsets[:-1], log.lengths)]
    else:
        tallied = each_part(log, kernels.tally_paths, seed=seed)
    if any(clashes[0] for _, _, clashes in tallied):
        return None
    hashes, count, pieces = _merge([(keys, counts) for keys, counts, _ in tallied])
    least = int(np.partition(count, -top)[-top]) if len(count) > top else 1
    candidates, seen = hashes[count >= least], count[count >= least]
    spelled = each_part(
        log, kernels.spell_paths, candidates=candidates, seen=seen, least=least, top=top,
        shared=hashes[pieces > 1], seed=seed, own=own,
    )  # fmt: skip
    keys, lengths, codes = (np.concatenate([part[i] for part in spelled]) for i in range(3))
    del spelled, tallied
    edges = np.concatenate([[0], np.cumsum(lengths)])
    slice_of = keys.view(np.uint64) >> np.uint64(60)  # a sixteenth at a time, to spare memory
    for number in range(16):
        own = np.flatnonzero(slice_of == number)
        if kernels.group_paths(keys[own], codes, edges[own], lengths[own])[2][0]:
            return None
    at = np.flatnonzero(np.isin(keys, candidates))
    at = at[np.unique(keys[at], return_index=True)[1]]
    times = seen[np.searchsorted(candidates, keys[at])]
    paths = [tuple(codes[edges[j] : edges[j + 1]].tolist()) for j in at.tolist()]
    shown = sorted(range(len(at)), key=lambda i: (-times[i], len(paths[i]), paths[i]))[:top]
    table = pd.DataFrame(
        {
            "path": [ARROW.join(log.labels[code] for code in paths[i]) for i in shown],
            "contacts": [len(paths[i]) for i in shown],
            "journeys": times[shown],
        }
    )
    return table.astype({"path": "str"}), len(hashes)


def count_ties(log: Parts) -> pd.DataFrame:
    """Count the moves between two contacts at the same time, whose order the log cannot tell.

    Returns
    -------
    DataFrame
        One row: ``moves``; ``tied``: at the same time; ``unordered``: of these, between two
        different labels; ``share`` of the moves that are tied, 0 to 1; ``journeys`` that
        have an unordered move.
    """
    moves, tied, unordered, journeys = np.asarray(sum(each_part(log, kernels.count_tied))).tolist()
    return pd.DataFrame(
        {"moves": [moves], "tied": [tied], "unordered": [unordered],
         "share": [tied / moves if moves else 0.0], "journeys": [journeys]}
    )  # fmt: skip


def each_part(log: Parts, kernel: Callable[..., Any], **options: Any) -> list[Any]:
    """Ask a kernel of every partition, one after another, in the log's processes or on Spark."""
    if isinstance(log, SparkLog):
        found = log.ask(kernel, **options)
    elif isinstance(log, StoredLog) and log.cores > 1:
        tasks = [(str(log.folder), log.by, n, kernel, options) for n in range(log.partitions)]
        with ProcessPoolExecutor(log.cores, mp_context=get_context("spawn")) as pool:
            found = list(pool.map(_ask_part, tasks))
    else:
        found = [kernel(part, **options) for part in log.parts()]
    if not found:
        raise TooFewError(
            f"{kernel.__name__}: a log must hold at least one contact; it holds none."
        )
    return found


def _ask_part(task: tuple[str, str, int, Callable[..., Any], dict[str, Any]]) -> Any:
    folder, by, number, kernel, options = task
    return kernel(open_layout(folder).of(by).part(number), **options)


def _add(parts: Sequence[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    """Add counts of the same keys; keys ascending."""
    return _merge(parts)[:2]


def _merge(parts: Sequence[tuple[Ints, Ints]]) -> tuple[Ints, Ints, Ints]:
    """Add counts of the same keys; keys ascending; and tell how many parts have each."""
    if len(parts) == 1:
        return *parts[0], np.ones(len(parts[0][0]), dtype=np.int64)
    keys = np.concatenate([key for key, _ in parts])
    counts = np.concatenate([count for _, count in parts])
    order = np.argsort(keys, kind="stable")
    keys, counts = keys[order], counts[order]
    fresh = np.ones(len(keys), dtype=bool)
    fresh[1:] = keys[1:] != keys[:-1]
    at = np.flatnonzero(fresh)
    pieces = np.diff(np.append(at, len(keys)))
    return keys[at], np.add.reduceat(counts, at) if len(at) else counts, pieces


def _moves(log: Parts, pair: Ints) -> pd.DataFrame:
    labels, k = np.array(log.labels, dtype=object), len(log.labels)
    return pd.DataFrame({"from": labels[pair // k], "to": labels[pair % k]}).astype("str")


def _require_some(value: int, name: str, *, caller: str) -> None:
    if not isinstance(value, (int, np.integer)) or value < 1:
        raise JourneyError(f"{caller}: {name} must be at least 1, a whole number; got {value!r}.")
