"""Shares of the explained variance: LMG over all subsets of the drivers, and covariances."""

from __future__ import annotations

from math import comb
from typing import Final

import numpy as np
import numpy.typing as npt

from cjlib.intervals import Floats, are_even

SINGULAR: Final = 1e-10  # a driver with less of its variance left adds nothing
NEAR: Final = 1000  # rows whose mean stands for the column's, to take off before squaring
CELLS: Final = 2_000_000  # row weights or models held at a time


def share_out(covariances: Floats) -> Floats:
    """Average what each driver adds to R² over all orders of entry.

    Parameters
    ----------
    covariances : array (sets, 1 + drivers, 1 + drivers)
        The outcome first. All subsets are passed through at once by sweeping one driver
        after another, in or out.

    Returns
    -------
    array (sets, drivers)
    """
    sets, size, _ = covariances.shape
    p = size - 1
    step = max(1, CELLS // 2**p)
    if sets > step:
        return np.concatenate([share_out(covariances[s : s + step]) for s in range(0, sets, step)])
    scale = np.sqrt(np.maximum(np.einsum("sii->si", covariances), 1e-300))
    left = (covariances / scale[:, :, None] / scale[:, None, :])[:, None]  # (sets, subsets, ...)
    for _ in range(p):  # always the driver next to the outcome; the others move up
        pivot = left[:, :, 1, 1]
        column = left[:, :, :, 1]
        safe = np.where(pivot > SINGULAR, pivot, np.inf)
        taken = left - column[..., :, None] * column[..., None, :] / safe[..., None, None]
        both = np.concatenate([left, taken], axis=1)
        left = np.delete(np.delete(both, 1, axis=2), 1, axis=3)
    explained = 1 - left[:, :, 0, 0]  # subset s: bit j says that driver j is in
    others = np.bitwise_count(np.arange(2 ** (p - 1), dtype=np.uint32))  # how many came before
    chance = np.array([1 / (p * comb(p - 1, m)) for m in range(p)])[others]
    out = np.empty((sets, p))
    for j in range(p):
        pairs = explained.reshape(sets, 2 ** (p - 1 - j), 2, 2**j)
        out[:, j] = (pairs[:, :, 1] - pairs[:, :, 0]).reshape(sets, -1) @ chance
    return np.maximum(out, 0.0)


def share_variance(
    outcome: npt.ArrayLike, drivers: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> Floats:
    """Return each driver's part of R² (LMG), without intervals; the parts add up to R².

    Parameters
    ----------
    outcome : array of float, one per row, without gaps
    drivers : array of float, rows × drivers (up to 15), without gaps
    weights : array of float, optional
        Not negative.
    """
    y, x = np.asarray(outcome, dtype=float), np.asarray(drivers, dtype=float)
    w = None if weights is None else np.asarray(weights, dtype=float)
    return np.asarray(share_out(covariance(y, x, w)[None])[0])


def covariance(y: Floats, x: Floats, w: Floats | None) -> Floats:
    """Weighted covariance matrix of an outcome and its drivers, the outcome first."""
    z = np.empty((len(y), 1 + x.shape[1]))
    # Taken from near their means, so that their squares do not drown the spread.
    z[:, 0] = y - y[:NEAR].mean()
    np.subtract(x, x[:NEAR].mean(axis=0), out=z[:, 1:])
    if w is None or are_even(w):
        means, second = np.ones(len(z)) @ z / len(z), z.T @ z / len(z)
    else:
        means, second = w @ z / w.sum(), (z.T * w) @ z / w.sum()
    found: Floats = second - np.outer(means, means)
    return found


def covariances(z: Floats, weights: Floats) -> Floats:
    """Weighted covariance matrices of the columns of ``z``, one per row of ``weights``."""
    q = z.shape[1]
    z = z - z.mean(axis=0)
    products = (z[:, :, None] * z[:, None, :]).reshape(len(z), q * q)
    total = weights.sum(axis=1)[:, None]
    means = weights @ z / total
    second = (weights @ products / total).reshape(-1, q, q)
    found: Floats = second - means[:, :, None] * means[:, None, :]
    return found
