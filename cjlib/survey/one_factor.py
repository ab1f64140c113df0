"""One common factor by maximum likelihood, for many covariance matrices at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cjlib.intervals import Floats

LEAST_UNIQUE: Final = 0.005  # of an item's variance; the floor other programs take as well
MOST_ROUNDS: Final = 1_000
FARTHEST: Final = 256.0  # longest leap, in steps
CLOSE: Final = 1e-9  # largest change of a uniqueness, as a share of the item's variance
COARSE: Final = 1e-6  # the same for resamples


@dataclass(frozen=True, slots=True, eq=False)
class OneFactor:
    """One factor behind the items of each covariance matrix.

    Attributes
    ----------
    loadings : array (sets, items)
        In the items' units; their sum is not negative.
    uniquenesses : array (sets, items)
        Variance an item does not share.
    converged : array of bool (sets,)
    at_floor : array of bool (sets,)
        A uniqueness fell to its floor (a Heywood case): the factor is not to be relied on.
    """

    loadings: Floats
    uniquenesses: Floats
    converged: npt.NDArray[np.bool_]
    at_floor: npt.NDArray[np.bool_]

    @property
    def omega(self) -> Floats:
        """Share of the sum score's variance, as the factor tells it, that is common."""
        common = self.loadings.sum(axis=1) ** 2
        found: Floats = common / (common + self.uniquenesses.sum(axis=1))
        return found


def fit_one_factor(covariances: Floats, *, close: float = CLOSE) -> OneFactor:
    """Fit one factor by maximum likelihood.

    For given uniquenesses the best loadings come from the first eigenvector of the
    correlations in their units; the uniquenesses are then what the loadings leave of the
    variances; and so on until they settle (Lawley and Maxwell's equations), hastened by
    squared extrapolation. Uniquenesses are kept at ``LEAST_UNIQUE`` of the variance or more.

    Parameters
    ----------
    covariances : array (sets, items, items)
        At least three items, each with a variance.
    close : float
        Change at which to stop, as a share of an item's variance.

    References
    ----------
    Lawley, D. N. and Maxwell, A. E. (1971). Factor Analysis as a Statistical Method.
    Varadhan, R. and Roland, C. (2008). Scandinavian Journal of Statistics 35, 335-353.
    """
    scale = np.sqrt(np.einsum("sii->si", covariances))
    r = covariances / scale[:, :, None] / scale[:, None, :]
    size = r.shape[1]
    # start: what the other items foretell of each, roughly (half of its largest correlation)
    unique = 1 - 0.5 * np.abs(r - np.eye(size)).max(axis=2)
    change = np.full(len(r), np.inf)
    todo = np.arange(len(r))
    for _ in range(MOST_ROUNDS):
        unique[todo], change[todo] = _step(r[todo], unique[todo])
        todo = todo[change[todo] > close]
        if not len(todo):
            break
    loadings = _best_loadings(r, unique)
    sign = np.where(loadings.sum(axis=1, keepdims=True) < 0, -1.0, 1.0)
    return OneFactor(
        sign * loadings * scale, unique * scale**2, change <= close,
        (unique <= LEAST_UNIQUE).any(axis=1),
    )  # fmt: skip


def omega_of(covariances: Floats) -> Floats:
    """Omega total of each covariance matrix; resamples (many) are fitted less finely than one."""
    return fit_one_factor(covariances, close=CLOSE if len(covariances) == 1 else COARSE).omega


def _step(r: Floats, unique: Floats) -> tuple[Floats, Floats]:
    """Settle three times, with a leap along the way taken so far (squared extrapolation)."""
    first = _settle(r, unique)
    second = _settle(r, first)
    way = np.log(first / unique)
    bend = np.log(second / first) - way
    length = np.sqrt((way**2).sum(axis=1) / np.maximum((bend**2).sum(axis=1), 1e-300))
    leap = np.clip(length, 1, FARTHEST)[:, None]
    far = np.exp(np.log(unique) + 2 * leap * way + leap**2 * bend)
    settled = _settle(r, np.clip(far, LEAST_UNIQUE, 1))
    return settled, np.abs(first - unique).max(axis=1)


def _settle(r: Floats, unique: Floats) -> Floats:
    return np.clip(1 - _best_loadings(r, unique) ** 2, LEAST_UNIQUE, 1)


def _best_loadings(r: Floats, unique: Floats) -> Floats:
    root = np.sqrt(unique)
    values, vectors = np.linalg.eigh(r / root[:, :, None] / root[:, None, :])
    strength = np.sqrt(np.maximum(values[:, -1] - 1, 0))
    found: Floats = root * vectors[:, :, -1] * strength[:, None]
    return found
