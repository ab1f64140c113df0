"""Grouping by distances alone: a tree by Ward or average linkage, medoids, silhouettes."""

from __future__ import annotations

import numpy as np

from cjlib.journeys.clusters import Floats, Ints


def join_nearest(matrix: Floats, weights: Floats, *, method: str) -> tuple[Ints, Floats]:
    """Join the nearest two groups until one is left.

    A row of weight w stands for w rows at distance 0 from each other, so the tree is that of
    all rows. Ward: on squared distances, Lance and Williams' recurrence (Ward.D2). The chain
    of nearest neighbours finds the same joins as looking for the nearest two each time.

    Parameters
    ----------
    matrix : float, rows x rows, symmetric, diagonal 0
    weights : float, one per row
    method : "ward" or "average"

    Returns
    -------
    (pairs, heights)
        The rows whose groups are joined, and at which distance, lowest first.

    Notes
    -----
    Time and memory grow with rows².

    References
    ----------
    Murtagh, F. & Legendre, P. (2014). Journal of Classification 31, 274-295.
    doi:10.1007/s00357-014-9161-z
    """
    n, ward = len(matrix), method == "ward"
    apart = matrix**2 if ward else matrix.copy()
    size = weights.astype(float).copy()
    if ward:
        apart *= 2 * size[:, None] * size / (size[:, None] + size)
    np.fill_diagonal(apart, np.inf)
    there = np.ones(n, dtype=bool)
    pairs: list[tuple[int, int]] = []
    heights: list[float] = []
    chain: list[int] = []
    while len(pairs) < n - 1:
        if not chain:
            chain.append(int(np.argmax(there)))
        while True:
            one = chain[-1]
            near = int(np.argmin(apart[one]))
            if len(chain) > 1 and apart[one, chain[-2]] <= apart[one, near]:
                near = chain[-2]  # of equals the one before, or the chain would run in circles
                break
            chain.append(near)
        chain = chain[:-2]
        height = apart[one, near]
        pairs.append((one, near))
        heights.append(height)
        a, b = size[one], size[near]
        if ward:
            with np.errstate(invalid="ignore"):
                merged = (a + size) * apart[one] + (b + size) * apart[near] - size * height
                merged /= a + b + size
        else:
            merged = (a * apart[one] + b * apart[near]) / (a + b)
        there[near] = False
        merged[~there] = np.inf
        merged[one] = np.inf
        apart[one], apart[:, one] = merged, merged
        apart[near], apart[:, near] = np.inf, np.inf
        size[one] = a + b
    order = np.argsort(heights, kind="stable")
    tall = np.maximum(np.array(heights)[order], 0.0)
    joins = np.array(pairs, dtype=np.int64).reshape(-1, 2)[order]
    return joins, np.sqrt(tall) if ward else tall


def cut_tree(pairs: Ints, k: int) -> Ints:
    """Return the group of each row when only the lowest joins are made, so that k are left."""
    group = np.arange(len(pairs) + 1)
    for one, other in pairs[: len(pairs) + 1 - k]:
        group[group == group[other]] = group[one]
    return np.unique(group, return_inverse=True)[1]


def choose_medoids(matrix: Floats, weights: Floats, k: int) -> Ints:
    """Choose k rows that all rows lie nearest to, by building up and swapping (PAM).

    Starts from the best single row, adds the one that helps most until there are k, then
    makes the best swap of a chosen and another row while one helps. No chance is involved;
    the result is a local optimum.

    Returns
    -------
    int, k rows

    References
    ----------
    Kaufman, L. & Rousseeuw, P. J. (1990). Finding Groups in Data, chapter 2. Wiley.
    Schubert, E. & Rousseeuw, P. J. (2021). Information Systems 101, 101804.
    """
    n = len(matrix)
    chosen = [int(np.argmin(weights @ matrix))]
    while len(chosen) < k:
        nearest = matrix[chosen].min(axis=0)
        gain = np.minimum(matrix - nearest, 0) @ weights
        gain[chosen] = np.inf
        chosen.append(int(np.argmin(gain)))
    while k < n:
        between = matrix[chosen]
        own = between.argmin(axis=0)
        nearest = between[own, np.arange(n)]
        between[own, np.arange(n)] = np.inf
        second = between.min(axis=0)
        lone = np.minimum(matrix - nearest, 0) * weights  # candidates x rows
        lost = (np.minimum(matrix, second) - nearest) * weights - lone
        change = lone.sum(axis=1)[:, None] + lost @ np.eye(k)[own]
        change[chosen] = np.inf
        row, out = np.unravel_index(int(change.argmin()), change.shape)
        if change[row, out] >= -1e-9 * max(float(weights @ nearest), 1e-300):
            break
        chosen[out] = int(row)
    return np.array(chosen)


def measure_silhouettes(matrix: Floats, weights: Floats, group: Ints) -> Floats:
    """Silhouette width of each row: how much nearer its own group is than the next, -1 to 1.

    A row of weight w counts as w rows. 0 for a row alone in its group, and where own and
    next group are as near.

    References
    ----------
    Rousseeuw, P. J. (1987). J. Computational and Applied Mathematics 20, 53-65.
    """
    member = np.eye(int(group.max()) + 1)[group] * weights[:, None]
    mass, total = member.sum(axis=0), matrix @ member
    rows = np.arange(len(matrix))
    rest = mass[group] - 1
    own = np.divide(total[rows, group], rest, out=np.zeros(len(rows)), where=rest > 0)
    others = total / mass
    others[rows, group] = np.inf
    other = others.min(axis=1)
    wide = np.maximum(own, other)
    width = np.divide(other - own, wide, out=np.zeros(len(rows)), where=wide > 0)
    return np.where(rest > 0, width, 0.0)
