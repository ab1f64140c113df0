"""Does a person agree with themselves and with the others? Correlations within each row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Columns = npt.NDArray[np.intp]

PAIR_CORRELATION: Final = 0.60  # items this close are synonyms: Meade and Craig (2012)
MINIMUM_POINTS: Final = 3  # through two points a correlation is always 1 or -1
ROWS_AT_ONCE: Final = 1024  # keeps the temporary arrays in the processor's cache
_NO_SPREAD: Final = 1e-12  # variance, as a share of the mean square, that is rounding only


def correlate_items(matrix: Floats) -> Floats:
    """Correlate every two columns over the rows that have both (pairwise complete).

    Missing where a column does not vary, or fewer than three rows have both.
    """
    count, total, square, cross = (np.zeros((matrix.shape[1],) * 2) for _ in range(4))
    for _, filled, there in _blocks(matrix):
        cross += filled.T @ filled
        if there is None:
            count += len(filled)
            total += filled.sum(axis=0)[:, None]
            square += np.einsum("ij,ij->j", filled, filled)[:, None]
        else:
            count += there.T @ there
            total += filled.T @ there
            square += (filled * filled).T @ there
    return _correlation(count, (total, total.T, square, square.T, cross))


def find_pairs(correlations: Floats, *, threshold: float) -> tuple[Columns, Columns]:
    """Find the pairs of columns that correlate at least ``threshold``, or at most where negative.

    The first of each pair is the later column, as in R's ``careless``.
    """
    first, second = np.tril_indices(len(correlations), k=-1)
    found = correlations[first, second]
    near = found <= threshold if threshold < 0 else found >= threshold
    return first[near], second[near]


def correlate_pairs(matrix: Floats, pairs: tuple[Columns, Columns]) -> tuple[Floats, Floats]:
    """Correlate, within each row, the first answers of all pairs with the second.

    Returns
    -------
    (correlation, pairs)
        Over the pairs with both answers there. Missing for a row with fewer than three such
        pairs, or with the same answer on one side of all of them. (R's ``careless`` gives
        1 or -1 for two pairs and nothing for one; where there is no spread it swaps sides at
        random, we do not.)
    """
    used, place = np.unique(np.concatenate(pairs), return_inverse=True)
    first, second = place[: len(pairs[0])], place[len(pairs[0]) :]
    links = np.zeros((len(used), len(used)))
    np.add.at(links, (first, second), 1.0)
    found, counts = np.full(len(matrix), np.nan), np.zeros(len(matrix))
    if len(first) == 0:
        return found, counts
    lefts, rights = links.sum(axis=1), links.sum(axis=0)
    for rows, x, there in _blocks(matrix, used):
        square = x * x
        cross = np.einsum("ij,ij->i", x @ links, x)
        if there is None:
            n = np.full(len(x), lefts.sum())
            sums = (x @ lefts, x @ rights, square @ lefts, square @ rights)
        else:
            left, right = there @ links.T, there @ links  # partners answered, of each item
            n = np.einsum("ij,ij->i", there, left)
            sums = (
                np.einsum("ij,ij->i", x, left), np.einsum("ij,ij->i", x, right),
                np.einsum("ij,ij->i", square, left), np.einsum("ij,ij->i", square, right),
            )  # fmt: skip
        found[rows], counts[rows] = _correlation(n, (*sums, cross)), n
    return found, counts


def correlate_halves(matrix: Floats, scales: Sequence[Sequence[int]]) -> Floats:
    """Even-odd consistency: correlate the two halves of all scales within each row.

    Each scale gives the mean of its answers at odd places and the mean at even places; the
    two lists of means are correlated over the scales that have both, and stepped up to full
    length by Spearman and Brown, 2r / (1 + r), not under -1. Missing for a row with fewer
    than three such scales, or whose means do not vary. Higher is more consistent (R's
    ``careless`` has the sign turned).

    Parameters
    ----------
    matrix : array of float, one row per person
    scales : sequence of sequence of int
        The columns of each scale, in order; scales of one item are passed over.
    """
    found = np.full(len(matrix), np.nan)
    wide = [list(columns) for columns in scales if len(columns) > 1]
    if len(wide) < MINIMUM_POINTS:
        return found
    used = np.unique(np.concatenate(wide))
    odd, even = np.zeros((len(used), len(wide))), np.zeros((len(used), len(wide)))
    for number, columns in enumerate(wide):
        place = np.searchsorted(used, columns)
        odd[place[::2], number] = 1.0
        even[place[1::2], number] = 1.0
    for rows, x, there in _blocks(matrix, used):
        asked = np.ones((1, len(used))) if there is None else there
        odds, evens = asked @ odd, asked @ even
        both = ((odds > 0) & (evens > 0)).astype(float)
        a = both * (x @ odd) / np.maximum(odds, 1)
        b = both * (x @ even) / np.maximum(evens, 1)
        sums = (
            a.sum(axis=1), b.sum(axis=1), np.einsum("ij,ij->i", a, a),
            np.einsum("ij,ij->i", b, b), np.einsum("ij,ij->i", a, b),
        )  # fmt: skip
        r = _correlation(both.sum(axis=1), sums)
        found[rows] = np.maximum(2 * r / np.maximum(1 + r, 1e-9), -1.0)
    return found


def correlate_with_mean(matrix: Floats) -> Floats:
    """Person-total correlation: each row with the mean answer to each column.

    Over the columns the row has. The mean is over all rows that have the column, the row
    itself too. Missing for a row with fewer than three answers or with equal ones.
    """
    answered, mean = np.zeros(matrix.shape[1]), np.zeros(matrix.shape[1])
    for _, x, there in _blocks(matrix):
        answered += len(x) if there is None else there.sum(axis=0)
        mean += x.sum(axis=0)
    mean /= np.maximum(answered, 1)
    mean -= mean.mean() if len(mean) else 0.0
    found = np.full(len(matrix), np.nan)
    profile = np.stack([np.ones(len(mean)), mean, mean * mean], axis=1)
    for rows, x, there in _blocks(matrix):
        n, total, square = ((np.ones((1, len(mean))) if there is None else there) @ profile).T
        own, cross = (x @ profile[:, :2]).T
        found[rows] = _correlation(n, (own, total, np.einsum("ij,ij->i", x, x), square, cross))
    return found


def measure_spread(matrix: Floats) -> Floats:
    """Find the standard deviation (n - 1) of each row; missing under two answers."""
    found = np.full(len(matrix), np.nan)
    ones = np.ones(matrix.shape[1])
    for rows, x, there in _blocks(matrix):
        n = (ones[None] if there is None else there) @ ones
        total, square = x @ ones, np.einsum("ij,ij->i", x, x)
        spread = n * square - total * total
        spread = np.where(spread > _NO_SPREAD * n * square, spread, 0.0)
        found[rows] = np.sqrt(spread / np.where(n > 1, n * (n - 1), np.nan))
    return found


def _blocks(
    matrix: Floats, columns: Columns | None = None
) -> Iterator[tuple[slice, Floats, Floats | None]]:
    """Yield rows, their answers less a common number (0 where missing), and what is there.

    The last is 1 where there is an answer and 0 where not, None where nothing is missing.
    Taking one number off every answer changes no correlation within rows; it keeps the sums
    of squares small, so that little is lost to rounding.
    """
    centre = _centre(matrix)
    some = columns is not None and len(columns) < matrix.shape[1]
    for start in range(0, len(matrix), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        x = (matrix[rows, columns] if some else matrix[rows]) - centre
        gaps = np.isnan(x)
        if gaps.any():
            x[gaps] = 0.0
            yield rows, x, (~gaps).astype(np.float64)
        else:
            yield rows, x, None


def _centre(matrix: Floats) -> float:
    some = matrix[:1000]
    some = some[~np.isnan(some)]
    return float(np.round(some.mean())) if len(some) else 0.0


def _correlation(n: Floats, sums: tuple[Floats, Floats, Floats, Floats, Floats]) -> Floats:
    """Pearson's correlation from sums; missing under three points or without spread.

    The sums are those of both sides, of their squares, and of the products.
    """
    total, other, square, other_square, cross = sums
    spread = n * square - total * total
    other_spread = n * other_square - other * other
    known = (spread > _NO_SPREAD * n * square) & (other_spread > _NO_SPREAD * n * other_square)
    known &= n >= MINIMUM_POINTS
    product = np.sqrt(np.where(known, spread, 1.0)) * np.sqrt(np.where(known, other_spread, 1.0))
    r = np.clip((n * cross - total * other) / product, -1.0, 1.0)
    return np.where(known, r, np.nan)
