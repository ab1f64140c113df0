"""Data without segments to compare with: shuffled answers, and one population without groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from scipy import stats

from cjlib.personas.clustering import Floats, find_patterns
from cjlib.personas.stability import fit_samples

DRAWS: Final = 39  # smallest possible p-value 1/40
STARTS: Final = 10  # of k-means on the data and on each draw alike
CALIBRATION_ROWS: Final = 4_000
CALIBRATION_STEPS: Final = 6


def shuffle_columns(values: Floats, *, rng: np.random.Generator) -> Floats:
    """Shuffle each column apart: same answers per item, nothing that ties the items."""
    return np.column_stack([rng.permutation(column) for column in values.T])


def draw_one_population(values: Floats, correlation: Floats, *, rng: np.random.Generator) -> Floats:
    """Draw rows of one population without groups: same answers per item, ``correlation``.

    Normal scores with the given correlation are turned into each item's own answers by rank
    (a Gaussian copula), so whatever clumps it shows come from the answer scale alone.
    """
    n, p = values.shape
    scores = rng.standard_normal((n, p)) @ _root(correlation).T
    ranks = scores.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    return np.take_along_axis(np.sort(values, axis=0), ranks, axis=0)


def calibrate_correlation(values: Floats, *, rng: np.random.Generator) -> Floats:
    """Find normal scores' correlation that gives the items, once cut into answers, their own.

    Cutting weakens correlations; the target is reached by steps on a large draw.
    """
    target = _correlation(values)
    size = max(CALIBRATION_ROWS, len(values))
    base = rng.standard_normal((size, values.shape[1]))
    grid = (np.arange(size) * len(values)) // size
    answers = np.sort(values, axis=0)[grid]
    latent = target.copy()
    for _ in range(CALIBRATION_STEPS):
        scores = base @ _root(latent).T
        ranks = scores.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
        latent = np.clip(
            latent + target - _correlation(np.take_along_axis(answers, ranks, axis=0)), -0.98, 0.98
        )
        np.fill_diagonal(latent, 1.0)
    return latent


def compare_with_reference(
    values: Floats,
    draw: Callable[[], Floats],
    prepare: Callable[[Floats], Floats],
    k: int,
    *,
    rng: np.random.Generator,
) -> float:
    """Test whether k segments are tighter here than in data drawn without them: p-value.

    The measure is the k-means error as a share of the total, with the same number of starts
    for the data and each of ``DRAWS`` draws; p = (1 + draws as tight) / (1 + draws).

    References
    ----------
    Liu, Y. et al. (2008). Statistical significance of clustering. JASA 103, 1281-1293.
    Tibshirani, R. et al. (2001). The gap statistic. JRSS B 63, 411-423.
    """
    observed = _tightness(prepare(values), k, rng)
    drawn = np.array([_tightness(prepare(draw()), k, rng) for _ in range(DRAWS)])
    return float((1 + (drawn <= observed).sum()) / (1 + DRAWS))


def _tightness(x: Floats, k: int, rng: np.random.Generator) -> float:
    patterns = find_patterns(x)
    if len(patterns.values) <= k:
        return 0.0
    centres = fit_samples(patterns.values, patterns.weights[None], k, rng=rng, starts=STARTS)[0]
    gaps = (patterns.values**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1)
    gaps = gaps - 2 * patterns.values @ centres.T
    total = patterns.weights @ ((patterns.values - x.mean(axis=0)) ** 2).sum(axis=1)
    return float(patterns.weights @ gaps.min(axis=1) / total)


def _correlation(values: Floats) -> Floats:
    ranks = stats.rankdata(values, axis=0)
    found: Floats = np.corrcoef(ranks, rowvar=False)
    return found


def _root(correlation: Floats) -> Floats:
    """Return a square root of the nearest correlation matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.maximum(values, 1e-9))
    scaled: Floats = root / np.sqrt((root**2).sum(axis=1, keepdims=True))
    return scaled
