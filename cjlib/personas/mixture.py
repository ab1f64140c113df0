"""Mixture of classes on a matrix: the likelihood's own view of how many segments there are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cjlib.personas.categories import find_answer_patterns
from cjlib.personas.clustering import Ints, Patterns
from cjlib.personas.gaussian import fit_gaussian_classes
from cjlib.personas.latent_steps import Likelihood, climb_classes

RANDOM_STARTS = 10


@dataclass(frozen=True, slots=True, eq=False)
class MixtureFit:
    """A mixture of k classes, items independent within a class.

    Attributes
    ----------
    log_likelihood, bic : float
        BIC = -2 log-likelihood + parameters * log(rows); smaller is better.
    parameters : int
    labels : array (patterns,)
        Most probable class, the largest class first.
    starts_at_best : float
        Share of the starts that ended in the best solution.
    """

    log_likelihood: float
    bic: float
    parameters: int
    labels: Ints
    starts_at_best: float


def fit_binary_mixture(
    patterns: Patterns, k: int, *, rng: np.random.Generator, starts: int = RANDOM_STARTS
) -> MixtureFit:
    """Latent class model of yes/no items (0 and 1); see ``fit_latent_classes``."""
    n = len(patterns.of_row)
    counts = np.full(patterns.values.shape[1], 2)
    weights = patterns.weights * (n / patterns.weights.sum())
    answers = find_answer_patterns(patterns.values.astype(np.int64), counts, weights)
    fit = climb_classes(answers, counts, k, rng=rng, starts=starts)
    chances, _ = Likelihood.of(answers, counts, k).measure_chances(fit.shares, fit.chances)
    labels = chances.argmax(axis=1)[answers.of_person].astype(np.int64)
    parameters = k - 1 + k * len(counts)
    bic = -2 * fit.log_likelihood + parameters * float(np.log(n))
    return MixtureFit(fit.log_likelihood, bic, parameters, labels, fit.share_at_best)


def fit_gaussian_mixture(
    patterns: Patterns, k: int, *, rng: np.random.Generator, labels: Ints | None = None
) -> MixtureFit:
    """Mixture of normal classes with independent items; see ``fit_gaussian_classes``."""
    fit = fit_gaussian_classes(patterns, k, rng=rng, labels=labels)
    own = fit.measure_memberships(patterns.values).argmax(axis=1).astype(np.int64)
    return MixtureFit(fit.log_likelihood, fit.bic, fit.parameters, own, fit.share_at_best)
