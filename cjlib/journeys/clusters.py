"""Shares and quantiles of contacts, with intervals that allow for a customer's being alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from cjlib.columns import ESTIMATE, HIGH, LEVEL, LOW, METHOD, N
from cjlib.intervals import Estimate, estimate_share, normal_quantile, unknown, wilson_bounds

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.integer]
Bools = npt.NDArray[np.bool_]
WILSON = "Wilson"
BY_CUSTOMER = "Wilson, by customer"
WOODRUFF = "Woodruff, by customer"


@dataclass(frozen=True, slots=True, eq=False)
class PairCounts:
    """Counts of (from, to) pairs and of what their variance over customers needs.

    Attributes
    ----------
    pair : int64, one per pair that occurs
        ``from * labels + to``, rising.
    count, customers : int64
        How often, and how many customers.
    total, base : int64
        Times the pair could have been (departures from ``from``), and customers who could.
    yy, xy, xx : float64
        Sums over customers of count², count x total and total².
    """

    pair: Ints
    count: Ints
    customers: Ints
    total: Ints
    base: Ints
    yy: Floats
    xy: Floats
    xx: Floats


def count_pairs(owner: Ints, start: Codes, end: Codes, *, labels: int) -> PairCounts:
    """Count (start, end) pairs per customer and in all.

    Parameters
    ----------
    owner, start, end : arrays of int, one per observation
    labels : int
        How many codes there are; ``start`` and ``end`` lie below it.

    Notes
    -----
    One sort of whole numbers: n log n for n observations.
    """
    square = labels * labels
    key = owner * square
    key += start.astype(np.int64) * labels
    key += end
    cells, y = tally(np.sort(key))
    pair = cells % square
    group = cells // labels  # one customer's departures from one label: side by side
    opens = find_runs(group)
    x = np.add.reduceat(y, opens)
    size = np.diff(np.concatenate([opens, [len(y)]]))
    origin = group[opens] % labels
    y_float, x_float = y.astype(float), x.astype(float)
    found = np.flatnonzero(np.bincount(pair, minlength=square))
    whence = found // labels

    def by_pair(weights: Floats | None) -> Floats:
        return np.bincount(pair, weights, minlength=square)[found].astype(float)

    def by_origin(weights: Floats | None) -> Floats:
        return np.bincount(origin, weights, minlength=labels)[whence].astype(float)

    return PairCounts(
        pair=found,
        count=by_pair(y_float).astype(np.int64),
        customers=by_pair(None).astype(np.int64),
        total=by_origin(x_float).astype(np.int64),
        base=by_origin(None).astype(np.int64),
        yy=by_pair(y_float**2),
        xy=by_pair(y_float * np.repeat(x_float, size)),
        xx=by_origin(x_float**2),
    )


def find_runs(values: npt.NDArray[np.generic]) -> Ints:
    """Return where each run of equal values begins; nothing for an empty array."""
    first = np.ones(len(values), dtype=bool)
    first[1:] = values[1:] != values[:-1]
    return np.flatnonzero(first)


def tally(ordered: Ints) -> tuple[Ints, Ints]:
    """Return the distinct values of a sorted array and how often each comes."""
    opens = find_runs(ordered)
    return ordered[opens], np.diff(np.concatenate([opens, [len(ordered)]]))


def bound_shares(
    y: npt.ArrayLike, x: npt.ArrayLike, *, yy: npt.ArrayLike, xy: npt.ArrayLike,
    xx: npt.ArrayLike, customers: npt.ArrayLike, level: float,
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """Shares y / x of totals over customers, with their bounds.

    Wilson's interval at the effective sample size p(1 - p) / v, where v is the linearised
    variance over customers; for few customers the size shrinks by (z / t)², and it never
    passes the number of observations. Where every customer has one observation it is
    Wilson's own; where the share is 0 or 1 the size is the number of customers.

    Returns
    -------
    (estimate, low, high)
        Missing where x is 0; bounds missing where there is one customer with several rows.

    References
    ----------
    Korn, E. L. and Graubard, B. I. (1998). Survey Methodology 24(2), 193-201.
    """
    y, x, n = (np.asarray(v, dtype=float) for v in (y, x, customers))
    yy, xy, xx = (np.asarray(v, dtype=float) for v in (yy, xy, xx))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = y / x
        variance = n / (n - 1) * np.maximum(yy - 2 * p * xy + p**2 * xx, 0) / x**2
        shrink = (normal_quantile(level) / stats.t.ppf(0.5 + level / 2, np.maximum(n - 1, 1))) ** 2
        size = np.minimum(p * (1 - p) / variance * shrink, x)
    agree = (variance == 0) | (y == 0) | (y == x)
    size = np.where(agree, n, size)
    size = np.where(xx == x, x, size)  # one observation each
    size = np.where((n < 2) & (x > 1), np.nan, size)
    low, high = wilson_bounds(p * size, size, level=level)
    return p, np.minimum(low, p), np.maximum(high, p)


def estimate_share_of(hit: Bools, owner: Ints, *, level: float, minimum_base: int = 0) -> Estimate:
    """Share of rows with a property, by customer; ``n`` is the number of customers.

    Parameters
    ----------
    hit : bool, one per row
    owner : int, one per row
        The customer of each row; one customer's rows stand side by side.
    level : float, 0 to 1
    minimum_base : int
        Fewer customers than this give an unknown estimate that says "too few".
    """
    if not len(hit):
        return unknown(0, level=level, why="no rows")
    opens = find_runs(owner)
    n = len(opens)
    if n < minimum_base:
        return too_few(n, minimum_base, level=level)
    if n == len(hit):
        return estimate_share(int(hit.sum()), n, level=level)
    x = np.diff(np.concatenate([opens, [len(hit)]])).astype(float)
    y = np.add.reduceat(hit.astype(float), opens)
    p, low, high = bound_shares(
        [y.sum()],
        [x.sum()],
        yy=[(y**2).sum()],
        xy=[(x * y).sum()],
        xx=[(x**2).sum()],
        customers=[n],
        level=level,
    )
    return Estimate(float(p[0]), float(low[0]), float(high[0]), level, n, BY_CUSTOMER)


def share_groups(
    group: Ints, owner: Ints, *, groups: int, only: Ints, level: float, minimum_base: int
) -> dict[str, object]:
    """Share of the rows in each group, by customer, as columns of a table.

    Parameters
    ----------
    group, owner : int, one per row
        The group and the customer of each row; one customer's rows stand side by side.
    groups : int
        How many groups there are.
    only : array of int
        The groups to tell of, each with a row.
    level : float, 0 to 1
    minimum_base : int

    Returns
    -------
    dict
        ``estimate, low, high, level, n, method``, in that order.
    """
    n = len(find_runs(owner))
    plain = n == len(group)
    if n < minimum_base:
        nan = np.full(len(only), np.nan)
        p = low = high = nan
    elif plain:
        counts = np.bincount(group, minlength=groups)[only]
        p = counts / n
        low, high = wilson_bounds(counts, np.full(len(only), n), level=level)
    else:
        cells, y = tally(np.sort(owner * groups + group))
        opens = find_runs(owner)
        owned = np.diff(np.concatenate([opens, [len(owner)]])).astype(float)
        x = owned[np.searchsorted(owner[opens], cells // groups)]
        which = cells % groups
        sums = [np.bincount(which, w, groups)[only] for w in (y, y.astype(float) ** 2, y * x)]
        p, low, high = bound_shares(
            sums[0], np.full(len(only), len(group)), yy=sums[1], xy=sums[2],
            xx=np.full(len(only), (owned**2).sum()), customers=np.full(len(only), n), level=level,
        )  # fmt: skip
    method = WILSON if plain else BY_CUSTOMER
    if n < minimum_base:
        method = f"too few (n < {minimum_base})"
    return {ESTIMATE: p, LOW: low, HIGH: high, LEVEL: level, N: n, METHOD: method}


def too_few(n: int, minimum_base: int, *, level: float) -> Estimate:
    """Return the unknown estimate of a base below the study's minimum."""
    return unknown(n, level=level, why=f"too few (n < {minimum_base})")


def hide_small(table: pd.DataFrame, minimum_base: int) -> pd.DataFrame:
    """Make estimates on fewer than ``minimum_base`` customers missing, saying "too few"."""
    small = table[N] < minimum_base
    table[[ESTIMATE, LOW, HIGH]] = table[[ESTIMATE, LOW, HIGH]].mask(small)
    table[METHOD] = table[METHOD].mask(small, f"too few (n < {minimum_base})")
    return table


def quantiles_by_group(
    values: Ints, group: Ints, *, groups: int, at: float
) -> tuple[Floats, Ints, Ints]:
    """Quantile ``at`` of whole numbers in each group (linear between the two nearest).

    Returns
    -------
    (quantile, ordered, starts)
        ``quantile`` one per group, missing where empty; ``ordered`` the values sorted within
        groups; ``starts`` (groups + 1) where each group begins.

    Notes
    -----
    One sort of whole numbers where group and value fit 63 bits, else a two-key sort.
    """
    span = int(values.max(initial=0)) + 1
    if groups * span < 2**63:
        ordered = np.sort(group * span + values) % span
    else:
        ordered = values[np.lexsort((values, group))]
    starts = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=groups))])
    return read_quantiles(ordered, starts, at=at), ordered, starts


def read_quantiles(ordered: Ints, starts: Ints, *, at: float) -> Floats:
    """Quantile ``at`` of each stretch of an array sorted within stretches."""
    size = np.diff(starts)
    place = np.maximum(size - 1, 0) * at
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(size - 1, 0))
    last = len(ordered) - 1
    low = ordered[np.minimum(starts[:-1] + below, last)].astype(float) if last >= 0 else size * 0.0
    high = ordered[np.minimum(starts[:-1] + above, last)].astype(float) if last >= 0 else low
    return np.where(size > 0, low + (high - low) * (place - below), np.nan)


def bound_quantiles(
    values: Ints, group: Ints, owner: Ints, *, ordered: Ints, starts: Ints, quantile: Floats,
    at: float, level: float,
) -> tuple[Floats, Floats, Ints]:  # fmt: skip
    """Bounds of each group's quantile: the share below it, by customer, turned back to values.

    Parameters
    ----------
    values, group, owner : int64, one per observation
        ``values`` not negative.
    ordered, starts, quantile
        As ``quantiles_by_group`` gives them.

    Returns
    -------
    (low, high, customers), one per group

    References
    ----------
    Woodruff, R. S. (1952). JASA 47(260), 635-646. doi:10.1080/01621459.1952.10483443
    """
    groups = len(starts) - 1
    below = values <= quantile[group]
    cells, counts = tally(np.sort((owner * groups + group) * 2 + below))
    place = cells // 2
    opens = find_runs(place)
    x = np.add.reduceat(counts, opens).astype(float)
    y = np.add.reduceat(counts * (cells % 2), opens).astype(float)
    which = place[opens] % groups

    def total(weights: Floats) -> Floats:
        return np.bincount(which, weights, minlength=groups).astype(float)

    n = np.bincount(which, minlength=groups)
    size = np.diff(starts)
    share, rows = np.full(groups, at), total(x)
    variance = total(y**2) - 2 * share * total(x * y) + share**2 * total(x**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = n / (n - 1) * variance / rows**2
        shrink = (normal_quantile(level) / stats.t.ppf(0.5 + level / 2, np.maximum(n - 1, 1))) ** 2
        effective = np.minimum(at * (1 - at) / variance * shrink, rows)
    effective = np.where(total(x**2) == rows, rows, effective)
    effective = np.where(n < 2, np.nan, effective)
    low, high = wilson_bounds(share * effective, effective, level=level)
    known = (size > 0) & ~np.isnan(low)
    first = np.clip(np.floor(np.where(known, low, 0) * size).astype(np.int64) - 1, 0, None)
    last = np.clip(np.ceil(np.where(known, high, 0) * size).astype(np.int64), 0, size - 1)
    least = ordered[np.where(known, starts[:-1] + first, 0)].astype(float)
    most = ordered[np.where(known, starts[:-1] + last, 0)].astype(float)
    # An end past the data's own is not known: no value lies beyond the smallest or largest.
    open_low = known & (low * size < 1)
    open_high = known & (high * size > size - 1)
    return (
        np.where(known & ~open_low, least, np.where(known, 0.0, np.nan)),
        np.where(known & ~open_high, most, np.where(known, np.inf, np.nan)),
        n.astype(np.int64),
    )
