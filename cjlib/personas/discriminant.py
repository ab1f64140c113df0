"""Linear discriminants that bear gaps: which persona a few answers speak for, and how clearly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cjlib.errors import JourneyError
from cjlib.personas.clustering import Floats, Ints

RIDGE = 1e-3  # of the items' mean variance, added to each: keeps the matrix invertible
ROWS_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Discriminant:
    """Normal groups with one covariance for all: Fisher's linear discriminant.

    Attributes
    ----------
    means : array (groups, columns)
    covariance : array (columns, columns)
        Within the groups.
    shares : array (groups,)
        Of the people the groups were learned from; they sum to 1.
    """

    means: Floats
    covariance: Floats
    shares: Floats

    def take(self, columns: list[int]) -> Discriminant:
        """Return the discriminant of some of the columns: it needs no second fit."""
        block = self.covariance[columns][:, columns]
        return Discriminant(self.means[:, columns], block, self.shares)

    def score(self, x: Floats) -> Floats:
        """Log of share times density, up to a constant of the row: (rows, groups).

        A row with gaps is scored on what was answered alone: the gap is integrated out,
        nothing is put in its place. A row without any answer has the groups' shares.
        """
        out = np.empty((len(x), len(self.shares)))
        for start in range(0, len(x), ROWS_AT_ONCE):
            part = x[start : start + ROWS_AT_ONCE]
            known = ~np.isnan(part)
            packed = np.packbits(known, axis=1)
            _, first, of_row = np.unique(packed, axis=0, return_index=True, return_inverse=True)
            of_row = of_row.reshape(-1)
            order = np.argsort(of_row, kind="stable")
            ends = np.cumsum(np.bincount(of_row, minlength=len(first)))
            for example, rows in zip(first, np.split(order, ends[:-1]), strict=True):
                columns = [int(j) for j in np.flatnonzero(known[example])]
                weights, constant = self.take(columns).coefficients()
                out[start + rows] = part[rows][:, columns] @ weights + constant
        return out

    def coefficients(self) -> tuple[Floats, Floats]:
        """Weights (columns, groups) and constants (groups,) of the linear scores."""
        weights = np.asarray(np.linalg.solve(self.covariance, self.means.T), dtype=np.float64)
        constant: Floats = np.log(self.shares) - 0.5 * np.einsum("gc,cg->g", self.means, weights)
        return weights, constant

    def distance(self, x: Floats, groups: Ints) -> Floats:
        """Mahalanobis distance of each row to the centre of its group; missing with a gap."""
        apart = x - self.means[groups]
        known = ~np.isnan(apart).any(axis=1)
        out = np.full(len(x), np.nan)
        whitened = np.linalg.solve(self.covariance, apart[known].T).T
        out[known] = np.sqrt((apart[known] * whitened).sum(axis=1))
        return out


def fit_discriminant(x: Floats, groups: Ints, weights: Floats, count: int) -> Discriminant:
    """Learn the means of the groups and their common covariance.

    Gaps are borne: a mean is over those who answered, a covariance over those who answered
    both (deviations from their group's means, divided by their weight); a mean that nobody
    of a group answered is everyone's. ``RIDGE`` of the columns' mean variance is added to
    each variance, and negative eigenvalues, which pairwise gaps can give, are cut.

    Parameters
    ----------
    x : array (rows, columns)
        Missing where not answered.
    groups : array (rows,)
        0 to ``count`` - 1, each with some weight.
    weights : array (rows,)

    References
    ----------
    Fisher, R. A. (1936). Annals of Eugenics 7, 179-188.
    """
    member = np.zeros((len(x), count))
    member[np.arange(len(x)), groups] = weights
    sums = member.sum(axis=0)
    if (sums <= 0).any():
        raise JourneyError(
            f"fit_discriminant: each group must hold people with a weight; "
            f"{int((sums <= 0).sum())} of {count} hold none. Leave such groups out."
        )
    known = ~np.isnan(x)
    filled = np.where(known, x, 0.0)
    base = member.T @ known
    everyone = (weights @ filled) / np.maximum(weights @ known, 1e-300)
    means = np.where(base > 0, (member.T @ filled) / np.where(base > 0, base, 1), everyone)
    apart = np.where(known, x - means[groups], 0.0)
    both = (known * weights[:, None]).T @ known
    covariance = (apart * weights[:, None]).T @ apart / np.where(both > 0, both, 1)
    spread = np.where(known, x - everyone, 0.0)
    total = (weights @ spread**2) / np.maximum(weights @ known, 1e-300)
    values, vectors = np.linalg.eigh(covariance)
    covariance = (vectors * np.maximum(values, 0)) @ vectors.T
    ridge = RIDGE * (float(total.mean()) or 1.0)
    return Discriminant(means, covariance + ridge * np.eye(x.shape[1]), sums / sums.sum())


def to_probabilities(scores: Floats) -> Floats:
    """Turn log scores into probabilities that sum to 1 in each row."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    found: Floats = raised / raised.sum(axis=1, keepdims=True)
    return found
