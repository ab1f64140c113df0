"""Shares with their intervals for logs of any size, answered partition by partition.

The answers of ``measure_funnel``, ``count_transitions`` and ``find_subpaths``, to the last
digit: what they count and what their intervals need adds over partitions of whole customers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.columns import ESTIMATE, HIGH, LEVEL, LOW, METHOD, STAGE, N
from cjlib.errors import JourneyError
from cjlib.events import JourneyLog, count_funnel
from cjlib.events.questions import Parts, each_part
from cjlib.intervals import wilson_bounds
from cjlib.journeys.clusters import (
    BY_CUSTOMER,
    WILSON,
    Ints,
    bound_shares,
    find_runs,
    hide_small,
    tally,
)
from cjlib.journeys.variants import ARROW

LEVEL_OF_PLAIN: Final = 0.95  # of a log that tells none, such as one on Spark
BASE_OF_PLAIN: Final = 30
MOST: Final = 2**62  # keys of stretches stay below


def estimate_funnel(log: Parts, *, stages: Sequence[str]) -> pd.DataFrame:
    """Count the journeys that pass through ``stages`` in order, and estimate the shares.

    As the table of ``measure_funnel``, loose and without a window, save the times: see there
    for what reaching a stage means. A stage may come twice.

    Parameters
    ----------
    log : JourneyLog, StoredLog or SparkLog
        Whose customers own one journey each (no sessions).
    stages : sequence of str

    Returns
    -------
    DataFrame
        ``stage``; ``journeys`` that reached it; ``estimate``: share of those that entered,
        with ``low, high, level, n, method`` (Wilson); ``step``: share of the stage before,
        with ``step_low``, ``step_high``.
    """
    if isinstance(log, JourneyLog) and log.clustered:
        raise JourneyError(
            "estimate_funnel: each customer must own one journey; in this log some own several. "
            "Ask cjlib.journeys.measure_funnel."
        )
    level, base = _settings(log)
    table = count_funnel(log, stages=stages)
    reached = table["journeys"].to_numpy()
    entered = np.full(len(reached), reached[0])
    before = np.concatenate([reached[:1], reached[:-1]])
    with np.errstate(invalid="ignore"):
        table[ESTIMATE], table["step"] = reached / entered, reached / before
    table[LOW], table[HIGH] = wilson_bounds(reached, entered, level=level)
    table[LEVEL], table[N], table[METHOD] = level, entered, WILSON
    table["step_low"], table["step_high"] = wilson_bounds(reached, before, level=level)
    steps = ["step", "step_low", "step_high"]
    table[steps] = table[steps].mask(pd.Series(before < base), axis=0)
    order = [STAGE, "journeys", ESTIMATE, LOW, HIGH, LEVEL, N, METHOD, *steps]
    return hide_small(table, base)[order]


def estimate_next(log: Parts, *, order: int = 1) -> pd.DataFrame:
    """Estimate where journeys go next after one label, or after two or three in a row.

    Of all times that a journey stood at the end of ``path``, with a contact still to come,
    the share that went to each label. For one label these are the moves of
    ``count_transitions``.

    Parameters
    ----------
    log : JourneyLog, StoredLog or SparkLog
    order : int
        Labels looked back at, 1 or more.

    Returns
    -------
    DataFrame
        A row per path and next label that occur, by the labels' order: ``path``, ``to``,
        ``count``, ``customers``; ``estimate``: share of the times at ``path``, with ``low,
        high, level, n, method``; ``n``: customers who were there. The interval allows for
        one customer's being alike.

    Notes
    -----
    Counts, squares and products of the customers' counts add over partitions: whole numbers,
    so that the answer does not depend on how the log is cut.
    """
    labels = _require_length(log, order + 1, caller="estimate_next", name="order", value=order)
    level, base = _settings(log)
    found = each_part(log, sum_next, order=order)
    k = len(labels)
    cell, sums = _add_columns([(part[0], part[1:5]) for part in found])
    origin, bases = _add_columns([(part[5], part[6:9]) for part in found])
    (count, customers, yy, xy), own = sums, np.searchsorted(origin, cell // k)
    total, people, xx = (values[own] for values in bases)
    share, low, high = bound_shares(
        count, total, yy=yy, xy=xy, xx=xx, customers=people, level=level
    )
    words = np.array(labels, dtype=object)
    table = pd.DataFrame(
        {
            "path": _spell(cell // k, order, labels), "to": words[cell % k],
            "count": count, "customers": customers, ESTIMATE: share, LOW: low, HIGH: high,
            LEVEL: level, N: people, METHOD: BY_CUSTOMER,
        }
    ).astype({"path": "str", "to": "str"})  # fmt: skip
    return hide_small(table, base)


def sum_next(log: JourneyLog, *, order: int) -> tuple[Ints, ...]:
    """Sum up one partition for ``estimate_next``.

    Returns
    -------
    (cell, count, customers, yy, xy, origin, total, people, xx)
        ``cell``: path * labels + next, ascending; over its customers, their counts and the
        sums of count squared and of count times the customer's total at the path; ``origin``:
        the paths, with the sums of totals, of customers, and of totals squared.
    """
    k = len(log.labels)
    window = _find_windows(log, order + 1)
    origins, place = np.unique(window // k, return_inverse=True)
    owner = np.repeat(log.owner, np.maximum(log.lengths - order, 0))
    _, person = np.unique(owner, return_inverse=True)
    wide = len(origins) * k
    cells, y = tally(np.sort(person * wide + place * k + window % k))
    group, inner = cells // k, cells % wide
    opens = find_runs(group)
    x = np.add.reduceat(y, opens) if len(y) else y
    size = np.diff(np.concatenate([opens, [len(y)]]))
    own = np.repeat(x, size)  # the customer's total at the path
    at = group[opens] % max(len(origins), 1)
    kinds, which = np.unique(inner, return_inverse=True)
    return (
        origins[kinds // k] * k + kinds % k if len(kinds) else kinds,
        *(_sum_by(which, w, len(kinds)) for w in (y, np.ones_like(y), y * y, y * own)),
        origins,
        *(_sum_by(at, w, len(origins)) for w in (x, np.ones_like(x), x * x)),
    )  # fmt: skip


def _sum_by(group: Ints, values: Ints, groups: int) -> Ints:
    found = np.zeros(groups, dtype=np.int64)
    np.add.at(found, group, values)
    return found


def estimate_subpaths(
    log: Parts, *, length: tuple[int, int] = (2, 4), least_share: float = 0.01,
    top: int | None = 10,
) -> pd.DataFrame:  # fmt: skip
    """Estimate which share of the customers hold each stretch of contacts in a row.

    As the table of ``find_subpaths`` with ``contiguous=True``: see there.

    Parameters
    ----------
    log : JourneyLog, StoredLog or SparkLog
    length : (int, int)
        Fewest and most contacts of a sub-path, at least 1.
    least_share : float, 0 to 1
    top : int or None
        How many to show of each length; None for all.

    Returns
    -------
    DataFrame
        ``path, length, customers, journeys, estimate, low, high, level, n, method``.

    Notes
    -----
    One pass per length: a sort of the partition's contacts.
    """
    few, many = length
    if not 1 <= few <= many or not 0 <= least_share <= 1 or (top is not None and top < 1):
        raise JourneyError(
            "estimate_subpaths: length must be (fewest, most) from 1, least_share 0 to 1 and top "
            f"at least 1; got {length!r}, {least_share!r} and {top!r}."
        )
    labels = _require_length(log, many, caller="estimate_subpaths", name="length", value=many)
    level, base = _settings(log)
    people = int(sum(part[0] for part in each_part(log, count_people)))
    least = max(1, int(np.ceil(least_share * people - 1e-9)))
    tables = []
    for size in range(few, many + 1):
        window, (customers, journeys) = _add_columns(
            [(part[0], part[1:]) for part in each_part(log, count_holders, size=size)]
        )
        often = np.flatnonzero(customers >= least)
        rank = often[np.lexsort((window[often], -customers[often]))][:top]
        tables.append(
            pd.DataFrame(
                {"path": _spell(window[rank], size, labels), "length": size,
                 "customers": customers[rank], "journeys": journeys[rank]}
            )
        )  # fmt: skip
    table = pd.concat(tables, ignore_index=True).astype({"path": "str"})
    table = table.sort_values("customers", ascending=False, kind="stable", ignore_index=True)
    low, high = wilson_bounds(table["customers"], np.full(len(table), people), level=level)
    table[ESTIMATE], table[LOW], table[HIGH] = table["customers"] / people, low, high
    table[LEVEL], table[N], table[METHOD] = level, people, WILSON
    return hide_small(table, base)


def count_people(log: JourneyLog) -> Ints:
    """Count the customers of one partition."""
    return np.array([len(find_runs(log.owner))], dtype=np.int64)


def count_holders(log: JourneyLog, *, size: int) -> tuple[Ints, Ints, Ints]:
    """Count the customers and the journeys that hold each stretch of ``size`` contacts.

    Returns
    -------
    (window, customers, journeys)
        ``window``: the labels' codes as digits to the base of how many labels there are.
    """
    window = _find_windows(log, size)
    kinds, which = np.unique(window, return_inverse=True)
    journey = np.repeat(np.arange(log.journeys), np.maximum(log.lengths - size + 1, 0))
    pairs, _ = tally(np.sort(which * log.journeys + journey))
    path, owner = pairs // log.journeys, log.owner[pairs % log.journeys]
    most = int(owner.max(initial=0)) + 1
    opens = find_runs(path * most + owner)
    return (
        kinds,
        np.bincount(path[opens], minlength=len(kinds)),
        np.bincount(path, minlength=len(kinds)),
    )


def _find_windows(log: JourneyLog, size: int) -> Ints:
    """Return a number for each stretch of ``size`` contacts of a journey, in the log's order."""
    room = np.maximum(log.lengths - size + 1, 0)
    starts = np.arange(int(room.sum())) + np.repeat(
        log.offsets[:-1] - (np.cumsum(room) - room), room
    )
    window = np.zeros(len(starts), dtype=np.int64)
    for step in range(size):
        window *= len(log.labels)
        window += log.codes[starts + step]
    return window


def _spell(window: Ints, size: int, labels: Sequence[str]) -> npt.NDArray[np.object_]:
    words, k = np.array(labels, dtype=object), len(labels)
    digits = [words[window // k**place % k] for place in reversed(range(size))]
    return np.array([ARROW.join(path) for path in zip(*digits, strict=True)], dtype=object)


def _add_columns(parts: Sequence[tuple[Ints, Sequence[Ints]]]) -> tuple[Ints, list[Ints]]:
    """Add several columns over the partitions by key; keys ascending."""
    keys, place = np.unique(np.concatenate([key for key, _ in parts]), return_inverse=True)
    columns = zip(*(values for _, values in parts), strict=True)
    return keys, [_sum_by(place, np.concatenate(column), len(keys)) for column in columns]


def _settings(log: Any) -> tuple[float, int]:
    return getattr(log, "level", LEVEL_OF_PLAIN), getattr(log, "minimum_base", BASE_OF_PLAIN)


def _require_length(
    log: Parts, size: int, *, caller: str, name: str, value: int
) -> tuple[str, ...]:
    if value < 1 or len(log.labels) ** size >= MOST:
        raise JourneyError(
            f"{caller}: {name} must be at least 1 and {len(log.labels):,} labels to its power "
            f"below 4e18; got {value!r}. Ask of fewer contacts, or by stage."
        )
    return log.labels
