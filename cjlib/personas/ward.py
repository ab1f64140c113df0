"""Ward's tree on weighted rows, exactly, without a table of all distances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cjlib.errors import TooFewError
from cjlib.personas.clustering import Floats, Ints, Patterns


@dataclass(frozen=True, slots=True, eq=False)
class WardFit:
    """A cut through Ward's tree.

    Attributes
    ----------
    centres : array (k, variables)
        Ordered by weight, the largest segment first.
    labels : array (patterns,)
        By the tree; a few rows may lie nearer to the centre of another segment.
    error : float
        Weighted sum of squared distances to the centre of the row's own segment.
    heights : array (patterns - 1,)
        Error that each merge adds, in order of size; the last k - 1 were not made.
    """

    centres: Floats
    labels: Ints
    error: float
    heights: Floats


def fit_ward(patterns: Patterns, k: int) -> WardFit:
    """Join the two groups whose union adds least squared error, until k are left.

    Joining equal rows adds nothing, so a row that occurs n times is one row of weight n: the
    tree on distinct rows with weights is the tree on all rows. Nearest neighbours are followed
    in a chain, from centres and weights alone: time grows with the square of the distinct
    rows, memory with their number. Of two joins as good the one met first is made.

    Raises
    ------
    TooFewError
        If there are fewer different rows than segments.

    References
    ----------
    Ward, J. H. (1963). JASA 58, 236-244.
    Murtagh, F. (1983). The Computer Journal 26, 354-359.
    """
    x, w = patterns.values, patterns.weights
    m = len(x)
    if m < k:
        raise TooFewError(
            f"fit_ward: {k} segments need {k} different rows; there are {m}. Ask for fewer "
            "segments or use more variables."
        )
    joins, heights = _join_rows(x, w)
    order = np.argsort(heights, kind="stable")
    labels = _cut(joins[order[: m - k]], m)
    sizes = np.bincount(labels, weights=w, minlength=k)
    rank = np.argsort(np.argsort(-sizes, kind="stable"), kind="stable")
    labels = rank[labels].astype(np.int64)
    mass = np.bincount(labels, weights=w, minlength=k)[:, None]
    sums = np.stack([np.bincount(labels, weights=w * column, minlength=k) for column in x.T], 1)
    counts = np.bincount(labels, minlength=k)[:, None]
    plain = np.stack([np.bincount(labels, weights=column, minlength=k) for column in x.T], 1)
    centres = np.divide(sums, mass, out=plain / counts, where=mass > 0)
    error = float(w @ ((x - centres[labels]) ** 2).sum(axis=1))
    return WardFit(centres, labels, error, heights[order])


def _join_rows(x: Floats, w: Floats) -> tuple[Ints, Floats]:
    """Return pairs of joined rows (either's group is meant) and the error each join adds."""
    m = len(x)
    centre, mass = x.copy(), w.astype(float).copy()
    square = (centre**2).sum(axis=1)
    alive = np.ones(m, dtype=bool)
    gone = np.zeros(m)  # infinite where a group is no more
    joins, heights = np.empty((m - 1, 2), dtype=np.int64), np.empty(m - 1)
    chain: list[int] = []
    made = first = 0
    while made < m - 1:
        if not chain:
            while not alive[first]:
                first += 1
            chain.append(first)
        here = chain[-1]
        gaps = square - 2 * (centre @ centre[here]) + square[here]
        total = mass + mass[here]
        cost = np.maximum(gaps, 0) * (mass * mass[here]) / np.where(total > 0, total, 1) + gone
        cost[here] = np.inf
        there = int(cost.argmin())
        if len(chain) > 1 and cost[chain[-2]] <= cost[there]:
            there = chain[-2]
        if len(chain) < 2 or there != chain[-2]:
            chain.append(there)
            continue
        del chain[-2:]
        joins[made], heights[made] = (here, there), cost[there]
        made += 1
        both = mass[here] + mass[there]
        share = mass[there] / both if both > 0 else 0.5
        centre[here] += share * (centre[there] - centre[here])
        square[here] = centre[here] @ centre[here]
        mass[here], alive[there], gone[there] = both, False, np.inf
    return joins, heights


def _cut(joins: Ints, m: int) -> Ints:
    """Label the groups that these joins make of m rows, in order of first row."""
    parent = np.arange(m)

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = int(parent[i])
        return i

    for a, b in joins:
        parent[root(int(b))] = root(int(a))
    roots = np.array([root(i) for i in range(m)])
    return np.unique(roots, return_inverse=True)[1].reshape(-1).astype(np.int64)
