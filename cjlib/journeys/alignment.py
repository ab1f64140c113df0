"""Dissimilarities of sequences: Hamming, and optimal matching by dynamic programming."""

from __future__ import annotations

import numpy as np

from cjlib.journeys.clusters import Floats, Ints

BLOCK = 20_000  # cells of a row kept at once: within a processor's cache


def transition_costs(
    codes: Ints, lengths: Ints, weights: Floats, *, labels: int
) -> tuple[Floats, Floats]:
    """Rates of moving from label to label, and the substitution costs 2 - p(b|a) - p(a|b).

    Parameters
    ----------
    codes : int, one per contact; the sequences one after another
    lengths : int, one per sequence
    weights : float, one per sequence
    labels : int

    Returns
    -------
    (rates, costs), labels x labels
        Rates from a label that is never left are 0; costs on the diagonal are 0.
    """
    inside = np.ones(len(codes), dtype=bool)
    inside[np.cumsum(lengths) - 1] = False
    at = np.flatnonzero(inside)
    pair = codes[at].astype(np.int64) * labels + codes[at + 1]
    count = np.bincount(pair, np.repeat(weights, lengths)[at], minlength=labels * labels)
    count = count.reshape(labels, labels).astype(float)
    total = count.sum(axis=1, keepdims=True)
    rates = np.divide(count, total, out=np.zeros_like(count), where=total > 0)
    costs = 2 - rates - rates.T
    np.fill_diagonal(costs, 0.0)
    return rates, costs


def measure_hamming(sequences: Ints, costs: Floats) -> Floats:
    """Sum of the costs place by place, for all pairs of sequences of one length.

    Parameters
    ----------
    sequences : int, sequences x places
    costs : float, labels x labels, symmetric
    """
    total = np.zeros((len(sequences), len(sequences)))
    for place in sequences.T:
        total += costs[np.ix_(place, place)]
    return total


def match_optimally(sequences: Ints, lengths: Ints, costs: Floats, *, indel: float) -> Floats:
    """Least cost of turning one sequence into another, for all pairs.

    Replacing a label costs ``costs``, putting one in or taking one out ``indel``. Exact
    (Needleman and Wunsch's recurrence). All pairs of a sequence with later ones advance
    together, a row of the table at a time: along the row, the least over the insertions is
    a running minimum of (cost - place x indel).

    Parameters
    ----------
    sequences : int, sequences x longest; what stands past a sequence's end is not looked at
    lengths : int
    costs : float, labels x labels, symmetric, diagonal 0
    indel : float, more than 0

    Notes
    -----
    Time grows with pairs x length²; memory with sequences².

    References
    ----------
    Needleman, S. B. & Wunsch, C. D. (1970). J. Mol. Biol. 48(3), 443-453.
    """
    n = len(sequences)
    found = np.zeros((n, n))
    order = np.argsort(lengths, kind="stable")  # short with short: no wasted places
    for rank in range(n - 1, 0, -1):
        own = order[rank]
        size = max(1, BLOCK // (int(lengths[own]) + 1))
        for begin in range(0, rank, size):
            others = order[begin : min(begin + size, rank)]
            wide = int(lengths[others].max())
            distance = _match(
                sequences[own, : lengths[own]], sequences[others, :wide].T, costs, indel
            )[lengths[others], np.arange(len(others))]
            found[own, others] = found[others, own] = distance
    return found


def _match(one: Ints, others: Ints, costs: Floats, indel: float) -> Floats:
    """Return the last row of each table: cost of all of ``one`` to each beginning of another.

    ``others`` and the result stand place by place, one column per sequence.
    """
    shift = indel * np.arange(len(others) + 1)[:, None]
    # Rows are kept less the shift, so that insertions are a plain running minimum.
    replace = {code: costs[code][others] - indel for code in np.unique(one)}
    row = np.zeros((len(shift), others.shape[1]))
    fresh, moved = np.empty_like(row), np.empty(others.shape)
    for code in one:
        np.add(row, indel, out=fresh)
        np.add(row[:-1], replace[code], out=moved)
        np.minimum(fresh[1:], moved, out=fresh[1:])
        np.minimum.accumulate(fresh, axis=0, out=row)
    return row + shift
