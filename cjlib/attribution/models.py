"""Rules that divide a purchase among channels: by place in the path, by age, by removal."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from cjlib.attribution.paths import Floats, Paths

RULES: Final = ("first", "last", "linear", "time decay", "position", "shapley")  # by contact
MODELS: Final = (*RULES, "markov", "markov by path")
ENDS: Final = 0.4  # of a purchase, to the first contact and to the last, by position
CHUNK: Final = 16  # resamples weighed at a time


def credit_paths(paths: Paths, *, half_life_days: float) -> dict[str, Floats]:
    """Credit of each contact under the rules that look at one path: sums to 1 per purchase.

    ``shapley``: of the game in which channels together are worth the purchases whose paths
    hold no other channel. Its value gives each channel of a path an equal part, however often
    it was met, whatever the order; a channel's part is split evenly among its contacts.
    """
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
    n = lengths[path]
    between = (1 - 2 * ENDS) / np.maximum(n - 2, 1)
    position = np.where(n < 3, 1 / n, np.where((first + last) > 0, ENDS, between))
    k = len(paths.channels)
    _, place, times = np.unique(path * k + paths.codes, return_inverse=True, return_counts=True)
    met = np.bincount(path, weights=1 / times[place], minlength=len(lengths))  # channels of a path
    return {
        "first": first * sold,
        "last": last * sold,
        "linear": sold / n,
        "time decay": sold * weight / total,
        "position": sold * position,
        "shapley": sold / times[place] / met[path],
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


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """What each customer adds to the credit of the channels.

    Attributes
    ----------
    sums : sparse array, customers × columns
        A block of k columns for each of ``RULES``; one column for each ``mix``; the moves.
    mixes : array (mixes, k)
        Each make-up of a path that sold: its contacts by channel.
    k : int
        Channels.
    """

    sums: sparse.csr_array
    mixes: Floats
    k: int


def total_by_customer(
    paths: Paths, credit_by_rule: dict[str, Floats], worth: Floats | None = None
) -> Totals:
    """Sum credits and moves per customer.

    Parameters
    ----------
    worth : array of float, one per path, optional
        What the purchase counts, for instance its money; 1 by default.
    """
    k, lengths = len(paths.channels), np.diff(paths.offsets)
    each = paths.bought.astype(float) if worth is None else np.where(paths.bought, worth, 0.0)
    owner, weight = np.repeat(paths.owner, lengths), np.repeat(each, lengths)
    blocks = []
    for rule in RULES:
        credit = credit_by_rule[rule] * weight
        some = credit != 0
        entries = (credit[some], (owner[some], paths.codes[some]))
        blocks.append(sparse.coo_array(entries, shape=(paths.customers, k)))
    mixes, mix = _mix(paths)
    sold = np.flatnonzero(paths.bought)
    made = sparse.coo_array(
        (each[sold], (paths.owner[sold], mix)), shape=(paths.customers, len(mixes))
    )
    sums = sparse.csr_array(sparse.hstack([*blocks, made, count_moves(paths)]))
    return Totals(sums, mixes, k)


def _mix(paths: Paths) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return the make-ups of the paths that sold, and which of them each of these has."""
    k, lengths = len(paths.channels), np.diff(paths.offsets)
    sold = np.flatnonzero(paths.bought)
    contact = np.repeat(paths.bought, lengths)
    row = np.repeat(np.arange(len(sold)), lengths[sold])
    counts = np.bincount(row * k + paths.codes[contact], minlength=len(sold) * k)
    mixes, mix = np.unique(counts.reshape(len(sold), k), axis=0, return_inverse=True)
    return mixes.astype(float), mix.reshape(-1).astype(np.int64)


def credit_channels(totals: Floats, given: Totals) -> Floats:
    """Credit by replicate, model and channel from weighted totals (replicates in rows).

    ``markov`` shares all purchases out in proportion to the removal effects; ``markov by
    path`` shares each purchase out among the contacts of its own path in proportion to the
    effects of their channels. Both add up to all purchases.
    """
    k, mixes = given.k, given.mixes
    rules, made, moves = np.split(totals, [len(RULES) * k, len(RULES) * k + len(mixes)], axis=1)
    effect = measure_removal(moves.reshape(-1, k + 1, k + 2))
    strength = effect @ mixes.T
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = effect / effect.sum(axis=1, keepdims=True) * made.sum(axis=1, keepdims=True)
        parts = np.divide(made, strength, out=np.zeros_like(made), where=strength > 0)
        by_path = np.where(np.isnan(effect), np.nan, effect * (parts @ mixes))
    return np.concatenate(
        [rules.reshape(-1, len(RULES), k), whole[:, None, :], by_path[:, None, :]], axis=1
    )


def divide(credit: Floats) -> Floats:
    """Shares of each model's credit; missing where there is none."""
    whole = credit.sum(axis=-1, keepdims=True)
    empty: Floats = np.full(credit.shape, np.nan)
    return np.asarray(np.divide(credit, whole, out=empty, where=whole > 0))


def measure_disagreement(shares: Floats) -> Floats:
    """Mean total variation distance over pairs of models, per replicate."""
    pairs = combinations(range(shares.shape[1]), 2)
    gaps = [np.abs(shares[:, i] - shares[:, j]).sum(axis=1) / 2 for i, j in pairs]
    return np.asarray(np.mean(gaps, axis=0))


def resample(given: Totals, *, draws: int, rng: np.random.Generator) -> Floats:
    """Credit in each of ``draws`` resamples of the customers, with customers drawn again."""
    customers = given.sums.shape[0]
    turned = given.sums.T.tocsr()
    parts = []
    for begin in range(0, draws, CHUNK):
        size = min(CHUNK, draws - begin)
        weights = np.empty((customers, size))
        for column in range(size):
            picked = rng.integers(0, customers, customers)
            weights[:, column] = np.bincount(picked, minlength=customers)
        totals: Floats = np.asarray(turned @ weights).T
        parts.append(credit_channels(totals, given))
    result: Floats = np.concatenate(parts)
    return result
