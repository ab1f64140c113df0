"""How far segments hold when other customers might have answered: bootstrap refits."""

from __future__ import annotations

from typing import Final

import numpy as np

from cjlib.personas.clustering import (
    MOST_STEPS,
    Floats,
    Ints,
    KMeansFit,
    Patterns,
    Rough,
    assign,
    best_jaccard,
    draw_starts,
    run_lloyd,
)

REFITS: Final = 40  # bootstrap samples; all their 780 pairs are compared
STARTS: Final = 20  # fresh starts of each refit, before the refits swap what they found
SCREEN_STEPS: Final = 5  # steps after which only the best starts go on
CARRIED: Final = 3  # of the starts of each sample
KEPT: Final = (6, 3)  # solutions of all that each sample goes on from, first and at last
ROUGH_STEPS: Final = 10  # of what is carried, before samples swap
AT_ONCE: Final = 4_000_000  # cells of (starts, patterns) held in memory together


def refit_bootstrap(
    patterns: Patterns,
    fit: KMeansFit,
    *,
    rng: np.random.Generator,
    refits: int = REFITS,
    starts: int = STARTS,
) -> Floats:
    """Refit k-means on bootstrap samples of the rows, as ``fit_converged`` does.

    Returns
    -------
    array (refits, k, variables)
        Centres of each refit.
    """
    weights = draw_samples(patterns, refits, rng=rng)
    more = fit.centres[None]
    return fit_converged(
        patterns.values, weights, len(fit.centres), rng=rng, more=more, starts=starts
    )


def fit_converged(
    x: Floats,
    weights: Floats,
    k: int,
    *,
    rng: np.random.Generator,
    more: Floats | None = None,
    starts: int = STARTS,
) -> Floats:
    """Best k-means centres for each row of ``weights``, samples of the same rows of ``x``.

    Each sample carries the best of ``starts`` k-means++ starts on; then, twice, it looks at
    what all samples found (and at ``more``, solutions from elsewhere), goes on from those
    that suit it best, at last to the end, and keeps the least error. So what differs between
    samples is the sample, not the luck of the start; one solution alone to start from would
    make segments look too stable. Where a great many solutions lie near one another
    (McDonald's with seven or eight segments), the agreement of such refits still moves by
    about 0.1.
    """
    rough = x.astype(np.float32)
    pool = _go_on(rough, weights, screen_starts(x, weights, k, rng=rng, starts=starts), ROUGH_STEPS)
    found, errors = pool[0].astype(float), pool[1]
    for values, kept, steps in ((rough, KEPT[0], SCREEN_STEPS), (x, KEPT[1], MOST_STEPS)):
        flat = found.reshape(-1, k, x.shape[1])
        if more is not None:
            flat = np.concatenate([more, flat])
        order = np.argsort(weights @ _nearest(x, flat).T, axis=1, kind="stable")[:, :kept]
        found, errors = _go_on(values, weights, flat[order], steps)
        found = found.astype(float)
    return _take_best(found, errors)


def draw_samples(patterns: Patterns, samples: int, *, rng: np.random.Generator) -> Floats:
    """Draw bootstrap samples of rows, as pattern weights: (samples, patterns)."""
    n, m = len(patterns.of_row), len(patterns.values)
    out = np.empty((samples, m))
    for s in range(samples):
        drawn = np.bincount(rng.integers(0, n, n), minlength=n) * patterns.row_weights
        out[s] = np.bincount(patterns.of_row, weights=drawn, minlength=m)
    return out


def fit_samples(
    x: Floats, weights: Floats, k: int, *, rng: np.random.Generator, starts: int = STARTS
) -> Floats:
    """Best k-means centres of ``starts`` starts for each row of ``weights``, each for itself.

    After ``SCREEN_STEPS`` the ``CARRIED`` best of each sample go on to the end.
    """
    screened = screen_starts(x, weights, k, rng=rng, starts=starts).astype(float)
    return _take_best(*_go_on(x, weights, screened, MOST_STEPS))


def screen_starts(
    x: Floats, weights: Floats, k: int, *, rng: np.random.Generator, starts: int = STARTS
) -> Floats:
    """Run k-means++ starts ``SCREEN_STEPS`` steps; the best of each sample.

    Returns
    -------
    array (samples, carried, k, variables)
    """
    size = max(1, AT_ONCE // (starts * len(x)))
    rough, found = x.astype(np.float32), []
    for at in range(0, len(weights), size):
        part = weights[at : at + size]
        runs = np.repeat(part, starts, axis=0)
        drawn = draw_starts(x, runs, k, rng=rng)
        centres, errors = run_lloyd(rough, runs, drawn, most_steps=SCREEN_STEPS)
        order = np.argsort(errors.reshape(len(part), starts), axis=1, kind="stable")
        found.append(centres[order[:, :CARRIED] + (np.arange(len(part)) * starts)[:, None]])
    return np.concatenate(found)


def _nearest(x: Floats, solutions: Floats) -> Floats:
    """Squared distance of each row to the nearest centre of each solution: (solutions, rows)."""
    square = (x**2).sum(axis=1)
    return np.stack([((c**2).sum(axis=1) - 2 * x @ c.T).min(axis=1) + square for c in solutions])


def _go_on(x: Rough, weights: Floats, starts: Rough, steps: int) -> tuple[Floats, Floats]:
    """Lloyd's steps from starts (samples, each, k, variables); centres and errors."""
    samples, each, k, p = starts.shape
    runs = np.repeat(weights, each, axis=0)
    centres, errors = run_lloyd(x, runs, starts.reshape(samples * each, k, p), most_steps=steps)
    return centres.reshape(starts.shape), errors.reshape(samples, each)


def _take_best(centres: Floats, errors: Floats) -> Floats:
    best: Floats = centres[np.arange(len(centres)), errors.argmin(axis=1)]
    return best


def label_refits(x: Floats, centres: Floats) -> Ints:
    """Label every pattern by every refit: (refits, patterns)."""
    return np.stack([assign(x, each) for each in centres])


def compare_refits(labels: Ints, weights: Floats) -> tuple[Floats, Floats]:
    """Compare every pair of refits on the same rows.

    A study of b pairs of samples, as usual, gives the same mean; all pairs of the same
    samples use each of them more often.

    Returns
    -------
    (agreement, instability)
        Arrays over the pairs (1, 0), (2, 0), (2, 1), ...: adjusted Rand index (Hubert and
        Arabie 1985), and the share of pairs of rows that one refit puts together and the
        other apart (Fang and Wang 2012, of two rows drawn with replacement).
    """
    refits, k = len(labels), int(labels.max()) + 1
    member = (labels[:, None] == np.arange(k)[:, None]).reshape(refits * k, -1).astype(float)
    tables = ((member * weights) @ member.T).reshape(refits, k, refits, k)
    first, second = np.tril_indices(refits, -1)
    n = float(weights.sum())
    both = (tables**2).sum(axis=(1, 3))[first, second]
    own = ((member @ weights).reshape(refits, k) ** 2).sum(axis=1)
    instability = (own[first] + own[second] - 2 * both) / n**2
    together, rows, columns = (both - n) / 2, (own[first] - n) / 2, (own[second] - n) / 2
    expected = rows * columns / (n * (n - 1) / 2)
    most = (rows + columns) / 2
    same = most == expected
    agreement = np.where(same, 1.0, (together - expected) / np.where(same, 1.0, most - expected))
    return agreement, instability


def measure_persistence(reference: Ints, labels: Ints, weights: Floats) -> Floats:
    """Segment level stability within a solution (SLSw): mean overlap with the refits, (k,).

    The mean over ``overlap_refits``. Hennig's reading: 0.85 and more is highly stable, 0.75
    stable, below 0.6 not to be trusted.
    """
    mean: Floats = overlap_refits(reference, labels, weights).mean(axis=0)
    return mean


def overlap_refits(reference: Ints, labels: Ints, weights: Floats) -> Floats:
    """Jaccard overlap of each segment with its likeness in each refit: (refits, k).

    Of each segment and each refit, all rows labelled by the refit: the largest of
    |both| / |either| over the refit's segments.

    References
    ----------
    Hennig, C. (2007). Computational Statistics and Data Analysis 52, 258-271.
    Dolnicar, S. and Leisch, F. (2017). Using segment level stability to select target
    segments in data-driven market segmentation studies. Marketing Letters 28, 423-436.
    """
    return np.stack([best_jaccard(reference, other, weights) for other in labels])
