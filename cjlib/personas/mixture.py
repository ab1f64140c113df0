"""Mixture models: the likelihood's own view of how many segments there are (BIC)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from cjlib.personas.clustering import Floats, Ints, Patterns

RANDOM_STARTS = 9
SCREEN_STEPS = 40
KEPT = 3
MOST_STEPS = 5_000
CONVERGED = 1e-9  # relative change of the log-likelihood
LEAST_SHARE = 1e-6  # chances of a yes stay this far from 0 and 1
LEAST_VARIANCE = 0.05  # a segment's variance stays above this share of the item's own


@dataclass(frozen=True, slots=True, eq=False)
class MixtureFit:
    """A mixture of k classes, items independent within a class.

    Attributes
    ----------
    log_likelihood, bic : float
        BIC = -2 log-likelihood + parameters * log(rows); smaller is better.
    parameters : int
    labels : array (patterns,)
        Most probable class.
    starts_at_best : float
        Share of the starts carried to the end that reached the best log-likelihood.
    """

    log_likelihood: float
    bic: float
    parameters: int
    labels: Ints
    starts_at_best: float


def fit_binary_mixture(
    patterns: Patterns,
    k: int,
    *,
    rng: np.random.Generator,
    labels: Ints | None = None,
    starts: int = RANDOM_STARTS,
) -> MixtureFit:
    """Latent class model of yes/no items, by EM on the distinct patterns.

    Starts: ``starts`` random ones and, where given, the k-means segments. After
    ``SCREEN_STEPS`` the best go on until they stand still.

    References
    ----------
    Goodman, L. A. (1974). Biometrika 61, 215-231.
    """
    x, w = patterns.values, _row_scale(patterns)
    shares = _draw_shares(len(x), k, starts, labels, rng)
    shares, fit = _run_binary(x, w, shares, SCREEN_STEPS)
    best = np.argsort(-fit, kind="stable")[:KEPT]
    shares, fit = _run_binary(x, w, shares[best], MOST_STEPS)
    return _result(shares, fit, k - 1 + k * x.shape[1], w.sum())


def fit_gaussian_mixture(
    patterns: Patterns, k: int, *, rng: np.random.Generator, labels: Ints | None = None
) -> MixtureFit:
    """Mixture of normal classes with independent items (diagonal covariance), by EM.

    One start, from the k-means segments. A class's variance never falls below
    ``LEAST_VARIANCE`` of the item's: answers on a few points would else let the likelihood
    grow without end.
    """
    x, w = patterns.values, _row_scale(patterns)
    shares = _draw_shares(len(x), k, 0, labels, rng)
    shares, fit = _run_gaussian(x, w, shares)
    return _result(shares, fit, k - 1 + 2 * k * x.shape[1], w.sum())


def _row_scale(patterns: Patterns) -> Floats:
    """Pattern weights that sum to the number of rows."""
    scale: Floats = patterns.weights * len(patterns.of_row) / patterns.weights.sum()
    return scale


def _draw_shares(
    m: int, k: int, starts: int, labels: Ints | None, rng: np.random.Generator
) -> Floats:
    drawn = rng.dirichlet(np.ones(k), size=(starts, m)) if starts else np.empty((0, m, k))
    if labels is None and k > 1:
        return drawn
    first = np.full((1, m, k), 0.05 / k)
    first[0, np.arange(m), np.zeros(m, int) if labels is None else labels] += 0.95
    return np.concatenate([first, drawn])


def _run_binary(x: Floats, w: Floats, shares: Floats, steps: int) -> tuple[Floats, Floats]:
    before = np.full(len(shares), -np.inf)
    for _ in range(steps):
        mass = shares * w[:, None]
        sizes = mass.sum(axis=1)
        yes = np.clip(
            (mass.transpose(0, 2, 1) @ x) / np.maximum(sizes, 1e-300)[..., None],
            LEAST_SHARE, 1 - LEAST_SHARE,
        )  # fmt: skip
        prior = np.log(np.maximum(sizes / w.sum(), 1e-300))
        odds = np.log(yes) - np.log1p(-yes)
        joint = x @ odds.transpose(0, 2, 1) + (np.log1p(-yes).sum(axis=2) + prior)[:, None]
        shares, fit = _share_out(joint, w)
        if (np.abs(fit - before) <= CONVERGED * np.abs(fit)).all():
            break
        before = fit
    return shares, fit


def _run_gaussian(x: Floats, w: Floats, shares: Floats) -> tuple[Floats, Floats]:
    mean = np.average(x, axis=0, weights=w)
    floor = LEAST_VARIANCE * np.maximum(np.average((x - mean) ** 2, axis=0, weights=w), 1e-12)
    before = np.full(len(shares), -np.inf)
    square = x**2
    for _ in range(300):
        mass = (shares * w[:, None]).transpose(0, 2, 1)
        sizes = np.maximum(mass.sum(axis=2), 1e-300)
        centre = mass @ x / sizes[..., None]
        spread = np.maximum(mass @ square / sizes[..., None] - centre**2, floor)
        precise = 1 / spread
        distance = (
            square @ precise.transpose(0, 2, 1)
            - 2 * x @ (centre * precise).transpose(0, 2, 1)
            + (centre**2 * precise).sum(axis=2)[:, None]
        )
        constant = np.log(sizes / w.sum()) - 0.5 * np.log(2 * np.pi * spread).sum(axis=2)
        shares, fit = _share_out(constant[:, None] - 0.5 * distance, w)
        if (np.abs(fit - before) <= 1e-6 * np.abs(fit)).all():
            break
        before = fit
    return shares, fit


def _share_out(joint: Floats, w: Floats) -> tuple[Floats, Floats]:
    """Turn joint log chances (starts, patterns, k) into memberships and log-likelihoods."""
    total = logsumexp(joint, axis=2)
    return np.exp(joint - total[..., None]), total @ w


def _result(shares: Floats, fit: Floats, parameters: int, n: float) -> MixtureFit:
    best = int(fit.argmax())
    top = float(fit[best])
    return MixtureFit(
        log_likelihood=top,
        bic=-2 * top + parameters * float(np.log(n)),
        parameters=parameters,
        labels=shares[best].argmax(axis=1).astype(np.int64),
        starts_at_best=float((fit >= top - 1e-5 * abs(top)).mean()),
    )
