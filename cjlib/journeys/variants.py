"""Which paths customers take, how many take each, and how many paths are nobody else's."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.errors import JourneyError
from cjlib.events import JourneyLog
from cjlib.events.journey_log import HOUR
from cjlib.intervals import Estimate
from cjlib.journeys.clusters import (
    Ints,
    estimate_share_of,
    quantiles_by_group,
    share_groups,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ARROW = " > "


@dataclass(frozen=True, slots=True, eq=False)
class Variants:
    """What ``count_variants`` found.

    Attributes
    ----------
    table : DataFrame
        One row per variant, most frequent first (ties: shorter first, then by the labels'
        order), the first ``top``: ``variant`` (rank from 1), ``path`` (labels joined by
        " > "), ``contacts``, ``journeys``, ``estimate`` (share of journeys) with its
        interval, ``covered`` (share of journeys of this and all variants above),
        ``median_hours`` from first to last contact.
    variants, journeys, seen_once : int
        How many different paths, journeys, and paths that one journey alone took.
    unseen : Estimate
        Chance that the next journey takes a path not seen yet: paths seen once / journeys
        (Good and Turing), with a Wilson interval.
    names : dict
    language : str
    """

    table: pd.DataFrame
    variants: int
    journeys: int
    seen_once: int
    unseen: Estimate
    names: dict[str, str] = field(repr=False)
    language: str = "en"

    def summary(self) -> str:
        """Say how many paths there are, how many are seen once, and what the top ones cover."""
        shown = len(self.table)
        return (
            f"{self.journeys:,} journeys take {self.variants:,} different paths; "
            f"{self.seen_once:,} paths are taken once; the {shown} most frequent cover "
            f"{self.table['covered'].iloc[-1]:.1%}."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the most frequent paths as rows of coloured steps with their shares."""
        from cjlib import plots

        return plots.draw_variants(self.table, names=self.names, language=self.language, ax=ax)


def count_variants(log: JourneyLog, *, by: str | None = None, top: int | None = 20) -> Variants:
    """Group the journeys that have the same labels in the same order.

    Parameters
    ----------
    log : JourneyLog
    by : "touchpoint", "stage" or "channel", optional
        For stages ``log.of("stage").collapse()`` first makes staying in a stage one step.
    top : int or None
        Rows of the table; None gives all. The counts beside it always rest on all.

    Notes
    -----
    Paths are compared by a 64-bit hash and the groups then checked contact by contact, so
    the counts are exact. One pass; n contacts, plus a sort of the journeys.

    References
    ----------
    Good, I. J. (1953). Biometrika 40(3/4), 237-264. doi:10.1093/biomet/40.3-4.237
    """
    if top is not None and top < 1:
        raise JourneyError(f"count_variants: top must be at least 1 or None; got {top}.")
    log = log.of(by)
    variant, example = group_paths(log)
    counts = np.bincount(variant)
    lengths = log.lengths[example]
    rank = np.lexsort((example, lengths, -counts))
    shown = _settle_ties(log, rank, counts, example, top=top)
    n = log.journeys
    shares = share_groups(variant, log.owner, groups=len(counts), only=shown, level=log.level,
                          minimum_base=log.minimum_base)  # fmt: skip
    spent = log.times[log.offsets[1:] - 1] - log.times[log.offsets[:-1]]
    hours = quantiles_by_group(spent, variant, groups=len(counts), at=0.5)[0] / HOUR
    table = pd.DataFrame(
        {
            "variant": np.arange(1, len(shown) + 1),
            "path": [_spell(log, int(example[v])) for v in shown],
            "contacts": lengths[shown],
            "journeys": counts[shown],
            **shares,
            "covered": np.cumsum(counts[shown]) / n,
            "median_hours": hours[shown],
        }
    ).astype({"path": "str"})
    once = int((counts == 1).sum())
    unseen = estimate_share_of(
        counts[variant] == 1, log.owner, level=log.level, minimum_base=log.minimum_base
    )
    return Variants(table, len(counts), n, once, unseen, log.name(), log.language)


def group_paths(log: JourneyLog) -> tuple[Ints, Ints]:
    """Give each distinct path a number.

    Returns
    -------
    (variant, example)
        The number of each journey's path (by first appearance), and for each number the
        first journey that took it.
    """
    starts, lengths = log.offsets[:-1], log.lengths
    place = np.arange(len(log)) - np.repeat(starts, lengths)
    number = 0x9E3779B97F4A7C15
    while True:
        seed = np.uint64(number)
        powers = _powers(seed, int(lengths.max()))
        mixed = _mix(np.arange(1, len(log.labels) + 1, dtype=np.uint64) * seed)
        hashed = np.add.reduceat(mixed[log.codes] * powers[place], starts)
        hashed += _mix(lengths.astype(np.uint64))
        _, example, variant = np.unique(hashed, return_index=True, return_inverse=True)
        order = np.argsort(example)  # number them by first appearance
        renumber = np.empty_like(order)
        renumber[order] = np.arange(len(order))
        variant, example = renumber[variant], example[order]
        twin = np.repeat(starts[example][variant], lengths) + place
        same = (lengths == lengths[example][variant]).all()
        if same and np.array_equal(log.codes, log.codes[twin]):
            return variant, example
        number = (number * 6364136223846793005 + 1442695040888963407) % 2**64  # another hash


def _powers(seed: np.uint64, length: int) -> npt.NDArray[np.uint64]:
    factors = np.full(length, seed | np.uint64(1))
    factors[0] = 1
    return np.cumprod(factors, dtype=np.uint64)


def _mix(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Scatter whole numbers over 64 bits (the finaliser of MurmurHash3)."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> np.uint64(33))


def _settle_ties(
    log: JourneyLog, rank: Ints, counts: Ints, example: Ints, *, top: int | None
) -> Ints:
    """Return the ``top`` of ``rank``, equally frequent and long variants by their labels."""
    lengths = log.lengths[example]
    shown = np.array(rank)
    apart = (np.diff(counts[rank]) != 0) | (np.diff(lengths[rank]) != 0)
    edges = np.concatenate([[0], np.flatnonzero(apart) + 1, [len(rank)]])
    for begin, end in pairwise(edges.tolist()):
        if top is not None and begin >= top:
            break
        tied = rank[begin:end]
        steps = np.arange(lengths[tied[0]])
        paths = log.codes[log.offsets[example[tied]][:, None] + steps]
        shown[begin:end] = tied[np.lexsort(paths.T[::-1])]
    return shown[:top]


def _path(log: JourneyLog, journey: int) -> npt.NDArray[np.integer[Any]]:
    return log.codes[log.offsets[journey] : log.offsets[journey + 1]]


def _spell(log: JourneyLog, journey: int) -> str:
    return ARROW.join(log.labels[code] for code in _path(log, journey))
