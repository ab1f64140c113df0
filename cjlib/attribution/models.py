"""Rules that divide a purchase among channels: by place in the path, by age, by removal."""

from __future__ import annotations

from itertools import combinations
from typing import Final

import numpy as np
from scipy import sparse

from cjlib.attribution.paths import Floats, Paths

MODELS: Final = ("first", "last", "linear", "time decay", "markov")
CHUNK: Final = 16  # resamples weighed at a time


def credit_paths(paths: Paths, *, half_life_days: float) -> dict[str, Floats]:
    """Credit of each contact under the rules that look at one path: sums to 1 per purchase."""
    lengths = np.diff(paths.offsets)
    path = np.repeat(np.arange(len(lengths)), lengths)
    sold = paths.bought[path].astype(float)
    first, last = np.zeros(len(path)), np.zeros(len(path))
    first[paths.offsets[:-1]] = 1
    last[paths.offsets[1:] - 1] = 1
    # Measured from the path's newest contact, so that a long wait cannot underflow.
    newest = paths.age[paths.offsets[1:] - 1][path]
    weight = np.exp2((newest - paths.age) / half_life_days)
    total = np.add.reduceat(weight, paths.offsets[:-1])[path]
    return {
        "first": first * sold,
        "last": last * sold,
        "linear": sold / lengths[path],
        "time decay": sold * weight / total,
    }


def count_moves(paths: Paths) -> sparse.csr_array:
    """Count the moves of each customer (rows) between channels, start, purchase and nothing.

    A column is ``from * (k + 2) + to`` for k channels: ``from`` k is the start; ``to`` k is
    a purchase and k + 1 nothing.
    """
    k = len(paths.channels)
    wide = k + 2
    followed = np.ones(len(paths.codes), dtype=bool)
    followed[paths.offsets[1:] - 1] = False
    at = np.flatnonzero(followed)
    lengths = np.diff(paths.offsets)
    owner = np.repeat(paths.owner, lengths)
    rows = np.concatenate([paths.owner, owner[at], paths.owner])
    columns = np.concatenate(
        [
            k * wide + paths.codes[paths.offsets[:-1]],
            paths.codes[at] * wide + paths.codes[at + 1],
            paths.codes[paths.offsets[1:] - 1] * wide + np.where(paths.bought, k, k + 1),
        ]
    )
    shape = (paths.customers, (k + 1) * wide)
    return sparse.coo_array((np.ones(len(rows)), (rows, columns)), shape=shape).tocsr()


def measure_removal(counts: Floats) -> Floats:
    """Return the removal effect of every channel, exactly, from counts of moves.

    The removal effect of a channel is the share of the purchases that would be lost if every
    path ended in nothing on reaching it. With Q the chances of moving between channels, s
    the first row, r the chances to buy and F = (I - Q)^-1, x = F r and p = s x, the effect
    of channel k is (sF)_k / F_kk * x_k / p.

    Parameters
    ----------
    counts : array (..., k + 1, k + 2)
        Rows: from each channel, then from the start. Columns: to each channel, to a
        purchase, to nothing. Leading axes are replicates.

    Returns
    -------
    array (..., k)
        0 to 1; missing where nobody buys. A channel never met has effect 0.
    """
    k = counts.shape[-2] - 1
    totals = counts.sum(axis=-1, keepdims=True)
    chance = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    inverse = np.linalg.inv(np.eye(k) - chance[..., :k, :k])
    buys = np.einsum("...ij,...j->...i", inverse, chance[..., :k, k])
    visits = np.einsum("...i,...ij->...j", chance[..., k, :k], inverse)
    p = np.einsum("...i,...i->...", chance[..., k, :k], buys)[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = visits / np.diagonal(inverse, axis1=-2, axis2=-1) * buys / p
    return np.asarray(np.where(p > 0, effect, np.nan))


def total_by_customer(paths: Paths, credit_by_rule: dict[str, Floats]) -> sparse.csr_array:
    """Credits (a block of columns per rule) and moves, summed per customer (rows)."""
    k = len(paths.channels)
    owner = np.repeat(paths.owner, np.diff(paths.offsets))
    blocks = []
    for credit in credit_by_rule.values():
        some = credit > 0
        entries = (credit[some], (owner[some], paths.codes[some]))
        blocks.append(sparse.coo_array(entries, shape=(paths.customers, k)))
    return sparse.csr_array(sparse.hstack([*blocks, count_moves(paths)]))


def divide(totals: Floats, k: int) -> Floats:
    """Shares by replicate, model and channel from weighted totals (replicates in rows)."""
    rules = len(MODELS) - 1
    credit = totals[:, : rules * k].reshape(-1, rules, k)
    moves = totals[:, rules * k :].reshape(-1, k + 1, k + 2)
    scores = np.concatenate([credit, measure_removal(moves)[:, None, :]], axis=1)
    whole = scores.sum(axis=2, keepdims=True)
    empty: Floats = np.full(scores.shape, np.nan)
    return np.asarray(np.divide(scores, whole, out=empty, where=whole > 0))


def measure_disagreement(shares: Floats) -> Floats:
    """Mean total variation distance over pairs of models, per replicate."""
    pairs = combinations(range(shares.shape[1]), 2)
    gaps = [np.abs(shares[:, i] - shares[:, j]).sum(axis=1) / 2 for i, j in pairs]
    return np.asarray(np.mean(gaps, axis=0))


def resample(sums: sparse.csr_array, k: int, *, draws: int, rng: np.random.Generator) -> Floats:
    """Shares in each of ``draws`` resamples of the customers."""
    customers = sums.shape[0]
    turned = sums.T.tocsr()
    parts = []
    for begin in range(0, draws, CHUNK):
        size = min(CHUNK, draws - begin)
        weights = np.empty((customers, size))
        for column in range(size):
            picked = rng.integers(0, customers, customers)
            weights[:, column] = np.bincount(picked, minlength=customers)
        totals: Floats = np.asarray(turned @ weights).T
        parts.append(divide(totals, k))
    result: Floats = np.concatenate(parts)
    return result
