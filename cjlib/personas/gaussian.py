"""Mixture of normal classes with independent numbers, by EM on weighted unique patterns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import logsumexp

from cjlib.errors import TooFewError
from cjlib.personas.clustering import Floats, Ints, Patterns, assign, draw_starts

STARTS: Final = 10  # random ones, beside the start from given segments
SCREEN_STEPS: Final = 20
KEPT: Final = 4
MOST_STEPS: Final = 2_000
CONVERGED: Final = 1e-9  # relative change of the log-likelihood
SAME: Final = 1e-5  # log-likelihoods nearer than this share count as one solution
LEAST_VARIANCE: Final = 0.05  # a class's variance stays above this share of the column's own


@dataclass(frozen=True, slots=True, eq=False)
class GaussianFit:
    """A mixture of k normal classes with independent columns.

    Attributes
    ----------
    shares : array (k,)
        Share of people in each class, the largest first.
    centres, variances : array (k, variables)
    log_likelihood : float
        At weights that sum to the number of rows.
    start_likelihoods : array (starts,)
        Of the starts carried to the end.
    rows : int
    """

    shares: Floats
    centres: Floats
    variances: Floats
    log_likelihood: float
    start_likelihoods: Floats
    rows: int

    @property
    def parameters(self) -> int:
        """Free numbers: shares that sum to 1, a centre and a variance for each column."""
        k, p = self.centres.shape
        return k - 1 + 2 * k * p

    @property
    def bic(self) -> float:
        """-2 log-likelihood + parameters * log(rows); smaller is better."""
        return -2 * self.log_likelihood + self.parameters * float(np.log(self.rows))

    @property
    def share_at_best(self) -> float:
        """Share of the starts carried to the end that reached the best log-likelihood."""
        near = self.start_likelihoods >= self.log_likelihood - SAME * abs(self.log_likelihood)
        return float(near.mean())

    def measure_memberships(self, x: Floats) -> Floats:
        """Chance of each row to belong to each class, (rows, k)."""
        joint = _join(x, self.shares[None], self.centres[None], self.variances[None])[0]
        chances: Floats = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
        return chances


def fit_gaussian_classes(
    patterns: Patterns, k: int, *, rng: np.random.Generator, labels: Ints | None = None
) -> GaussianFit:
    """Fit k normal classes with independent columns by maximum likelihood.

    ``STARTS`` starts from the nearest of k-means++ centres, and one from ``labels`` where
    given; after ``SCREEN_STEPS`` the best ``KEPT`` go on until they stand still. A class's
    variance never falls below ``LEAST_VARIANCE`` of the column's own: answers on a few points
    would else let the likelihood grow without end.

    Raises
    ------
    TooFewError
        If there are fewer different rows than classes.

    References
    ----------
    Dempster, A. P., Laird, N. M. and Rubin, D. B. (1977). JRSS B 39, 1-38.
    """
    x, rows = patterns.values, len(patterns.of_row)
    if len(x) < k:
        raise TooFewError(
            f"fit_gaussian_classes: {k} classes need {k} different rows; there are {len(x)}. Ask "
            "for fewer segments or use more variables."
        )
    w = patterns.weights * (rows / patterns.weights.sum())
    mean = np.average(x, axis=0, weights=w)
    floor = LEAST_VARIANCE * np.maximum(np.average((x - mean) ** 2, axis=0, weights=w), 1e-12)
    weights = np.broadcast_to(w, (STARTS if k > 1 else 1, len(w)))
    first = [assign(x, centres) for centres in draw_starts(x, weights, k, rng=rng)]
    if labels is not None:
        first.insert(0, labels)
    chances = np.full((len(first), len(x), k), 0.05 / k)
    for start, each in enumerate(first):
        chances[start, np.arange(len(x)), each] += 0.95
    chances, fits, _ = _run_em(x, w, chances, floor, SCREEN_STEPS)
    best = np.argsort(-fits, kind="stable")[:KEPT]
    _, fits, found = _run_em(x, w, chances[best], floor, MOST_STEPS)
    top = int(fits.argmax())
    shares, centres, variances = (part[top] for part in found)
    order = np.argsort(-shares, kind="stable")
    return GaussianFit(
        shares[order], centres[order], variances[order], float(fits[top]), fits, rows
    )


def _run_em(
    x: Floats, w: Floats, chances: Floats, floor: Floats, steps: int
) -> tuple[Floats, Floats, tuple[Floats, Floats, Floats]]:
    before = np.full(len(chances), -np.inf)
    square = x**2
    for _ in range(steps):
        mass = (chances * w[:, None]).transpose(0, 2, 1)
        sizes = np.maximum(mass.sum(axis=2), 1e-300)
        centres = mass @ x / sizes[..., None]
        variances = np.maximum(mass @ square / sizes[..., None] - centres**2, floor)
        shares = sizes / w.sum()
        joint = _join(x, shares, centres, variances)
        total = logsumexp(joint, axis=2)
        chances, fits = np.exp(joint - total[..., None]), total @ w
        if (np.abs(fits - before) <= CONVERGED * np.abs(fits)).all():
            break
        before = fits
    return chances, fits, (shares, centres, variances)


def _join(x: Floats, shares: Floats, centres: Floats, variances: Floats) -> Floats:
    """Log of share times density, (starts, rows, k)."""
    precise = 1 / variances
    distance = (
        (x**2) @ precise.transpose(0, 2, 1)
        - 2 * x @ (centres * precise).transpose(0, 2, 1)
        + (centres**2 * precise).sum(axis=2)[:, None]
    )
    constant = np.log(shares) - 0.5 * np.log(2 * np.pi * variances).sum(axis=2)
    joint: Floats = constant[:, None] - 0.5 * distance
    return joint
