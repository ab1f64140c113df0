"""K-means on weighted unique patterns, many starts in one batch, and how well solutions agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cjlib.errors import TooFewError

Floats = npt.NDArray[np.float64]
Rough = npt.NDArray[Any]  # float64, or float32 where that is precise enough
Ints = npt.NDArray[np.int64]

SAME_SOLUTION = 1e-4  # solutions whose errors differ by less than this share count as one
STARTS_PER_BATCH = 100
WANTED_HITS = 5  # starts that must end in the best solution before the search stops
MOST_BATCHES = 2
MOST_STEPS = 200
BLOCK = 100_000  # runs times rows that Lloyd's steps take together


@dataclass(frozen=True, slots=True, eq=False)
class Patterns:
    """The distinct rows of a table and how often each occurs.

    Attributes
    ----------
    values : array (patterns, variables)
    weights : array (patterns,)
        Sum of the weights of the rows that show the pattern.
    of_row : array (rows,)
        Index of each row's pattern.
    row_weights : array (rows,)
    """

    values: Floats
    weights: Floats
    of_row: Ints
    row_weights: Floats


def find_patterns(values: Floats, weights: Floats | None = None) -> Patterns:
    """Reduce rows to distinct patterns; k-means on them is exactly k-means on the rows."""
    w = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=float)
    unique, of_row = np.unique(np.round(values, 12), axis=0, return_inverse=True)
    of_row = of_row.reshape(-1).astype(np.int64)
    sums = np.bincount(of_row, weights=w, minlength=len(unique))
    return Patterns(unique, sums.astype(float), np.asarray(of_row, dtype=np.int64), w)


@dataclass(frozen=True, slots=True, eq=False)
class KMeansFit:
    """The best of many k-means starts.

    Attributes
    ----------
    centres : array (k, variables)
        Ordered by weight, the largest segment first.
    labels : array (patterns,)
    error : float
        Weighted sum of squared distances to the nearest centre.
    start_errors : array (starts,)
        Error that each random start ended with.
    """

    centres: Floats
    labels: Ints
    error: float
    start_errors: Floats

    @property
    def share_at_best(self) -> float:
        """Share of the random starts that ended in this solution.

        Small means that one run of an ordinary program would most likely show another one.
        """
        return float((self.start_errors <= self.error * (1 + SAME_SOLUTION)).mean())

    @property
    def missed_by_ten(self) -> float:
        """Chance that the best of ten such starts, as programs take by default, is not this."""
        return (1 - self.share_at_best) ** 10


def fit_kmeans(patterns: Patterns, k: int, *, rng: np.random.Generator) -> KMeansFit:
    """Find k centres with the least weighted squared distance to their nearest rows.

    Starts are drawn by k-means++ in batches of ``STARTS_PER_BATCH`` until the best solution
    has been reached by ``WANTED_HITS`` of them, or ``MOST_BATCHES`` batches are spent.

    References
    ----------
    Lloyd, S. P. (1982). IEEE Transactions on Information Theory 28, 129-137.
    Arthur, D. and Vassilvitskii, S. (2007). k-means++. SODA, 1027-1035.
    """
    x, w = patterns.values, patterns.weights
    if len(x) < k:
        raise TooFewError(
            f"fit_kmeans: {k} segments need {k} different answer patterns; there are {len(x)}. "
            "Ask for fewer segments or use more variables."
        )
    errors: list[Floats] = []
    best, best_error = np.empty((k, x.shape[1])), np.inf
    for _ in range(MOST_BATCHES):
        weights = np.broadcast_to(w, (STARTS_PER_BATCH, len(w)))
        centres, error = run_lloyd(x, weights, draw_starts(x, weights, k, rng=rng))
        errors.append(error)
        if error.min() < best_error:
            best, best_error = centres[int(error.argmin())], float(error.min())
        found = np.concatenate(errors)
        if (found <= best_error * (1 + SAME_SOLUTION)).sum() >= WANTED_HITS:
            break
    return order_by_size(patterns, best, best_error, np.concatenate(errors))


def order_by_size(
    patterns: Patterns, centres: Floats, error: float, start_errors: Floats
) -> KMeansFit:
    """Return the solution with its segments in order of weight, the largest first."""
    labels = assign(patterns.values, centres)
    sizes = np.bincount(labels, weights=patterns.weights, minlength=len(centres))
    ordered = centres[np.argsort(-sizes, kind="stable")]
    return KMeansFit(ordered, assign(patterns.values, ordered), error, start_errors)


def improve_fit(patterns: Patterns, fit: KMeansFit, starts: Floats) -> KMeansFit:
    """Start once more from other centres, (runs, k, variables); keep what is better."""
    weights = np.broadcast_to(patterns.weights, (len(starts), len(patterns.weights)))
    centres, errors = run_lloyd(patterns.values, weights, starts)
    best = int(errors.argmin())
    if errors[best] >= fit.error:
        return fit
    return order_by_size(patterns, centres[best], float(errors[best]), fit.start_errors)


def draw_starts(x: Floats, weights: Floats, k: int, *, rng: np.random.Generator) -> Floats:
    """Draw k-means++ starting centres, one set per row of ``weights``: (runs, k, variables)."""
    runs, m = weights.shape
    centres = np.empty((runs, k, x.shape[1]))
    square = (x**2).sum(axis=1)
    nearest = np.full((runs, m), np.inf)
    for j in range(k):
        chance = weights if j == 0 else weights * nearest
        total: Floats = np.cumsum(chance, axis=1)
        flat = total[:, -1] <= 0  # nothing left to choose: any row with weight will do
        if flat.any():
            total[flat] = np.cumsum(weights[flat], axis=1)
        cut = (rng.random(runs) * total[:, -1])[:, None]
        chosen = np.minimum((total <= cut).sum(axis=1), m - 1)
        centres[:, j] = x[chosen]
        distance = square - 2 * centres[:, j] @ x.T + square[chosen][:, None]
        np.minimum(nearest, np.maximum(distance, 0), out=nearest)
    return centres


def run_lloyd(
    x: Rough, weights: Floats, centres: Rough, *, most_steps: int = MOST_STEPS
) -> tuple[Floats, Floats]:
    """Run Lloyd's steps on many starts at once, each with its own row weights.

    Runs go in blocks small enough for the processor's cache. The precision is that of ``x``:
    float32 takes two thirds of the time, enough to see which starts are worth going on with.

    Parameters
    ----------
    x : array (rows, variables)
    weights : array (runs, rows)
    centres : array (runs, k, variables)
        Not changed. A centre that loses all its rows stays where it is.

    Returns
    -------
    (centres, errors)
        (runs, k, variables) and (runs,), in the order of the starts.
    """
    result, errors = np.empty(centres.shape, dtype=x.dtype), np.empty(len(centres))
    size = max(1, BLOCK // len(x))
    for at in range(0, len(centres), size):
        part = slice(at, at + size)
        w = weights[part].astype(x.dtype)
        first = np.ascontiguousarray(centres[part].transpose(1, 0, 2), dtype=x.dtype)
        result[part], errors[part] = _run_block(x, w, first, most_steps)
    return result, errors


def _run_block(x: Rough, w: Rough, centres: Rough, most_steps: int) -> tuple[Floats, Floats]:
    """Lloyd's steps of one block; centres are (k, runs, variables) here."""
    turned, square = np.ascontiguousarray(-2 * x.T), (x**2).sum(axis=1)
    k, runs, p = centres.shape
    result, errors = np.empty_like(centres), np.empty(runs)
    active = np.arange(runs)
    before = np.full((runs, len(x)), -1, dtype=np.int16)
    for step in range(most_steps):
        scores = (centres.reshape(-1, p) @ turned).reshape(k, len(active), len(x))
        scores += (centres**2).sum(axis=2)[:, :, None]
        least, labels = scores[0], np.zeros(before.shape, dtype=np.int16)
        for j in range(1, k):
            np.putmask(labels, scores[j] < least, j)
            least = np.minimum(least, scores[j])
        done = (labels == before).all(axis=1) | (step == most_steps - 1)
        if done.any():
            result[:, active[done]] = centres[:, done]
            errors[active[done]] = w[done] @ square + (w[done] * least[done]).sum(axis=1)
            active, centres, labels, w = active[~done], centres[:, ~done], labels[~done], w[~done]
            if not len(active):
                break
        before = labels
        means = np.empty_like(centres)
        for j in range(k):
            own = np.where(labels == j, w, 0)
            count = own.sum(axis=1)[:, None]
            np.divide(own @ x, count, out=means[j], where=count > 0)
            np.copyto(means[j], centres[j], where=count <= 0)
        centres = means
    return result.transpose(1, 0, 2), errors


def assign(x: Floats, centres: Floats) -> Ints:
    """Index of the nearest centre of every row; the first wins a tie."""
    scores = (centres**2).sum(axis=1) - 2 * x @ centres.T
    nearest: Ints = scores.argmin(axis=1).astype(np.int64)
    return nearest


def measure_margin(x: Floats, centres: Floats) -> Floats:
    """How clearly each row belongs: 1 - (distance to nearest) / (distance to second nearest).

    0 on the border between two segments, 1 at a centre; missing where there is one centre.
    """
    if len(centres) == 1:
        return np.full(len(x), np.nan)
    square = (x**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1) - 2 * x @ centres.T
    two = np.sqrt(np.maximum(np.partition(square, 1, axis=1)[:, :2], 0))
    return 1 - np.divide(two[:, 0], two[:, 1], out=np.ones(len(x)), where=two[:, 1] > 0)


def count_pairs(a: Ints, b: Ints, weights: Floats) -> Floats:
    """Weighted cross-table of two labelings, (labels of a, labels of b)."""
    k, j = int(a.max()) + 1, int(b.max()) + 1
    counts = np.bincount(a * j + b, weights=weights, minlength=k * j).astype(float)
    return counts.reshape(k, j)


def adjusted_rand(a: Ints, b: Ints, weights: Floats | None = None) -> float:
    """Return the adjusted Rand index of two labelings: 1 the same, about 0 by chance.

    References
    ----------
    Hubert, L. and Arabie, P. (1985). Journal of Classification 2, 193-218.
    """
    w = np.ones(len(a)) if weights is None else weights
    table = count_pairs(np.asarray(a), np.asarray(b), w)

    def pairs(n: Floats) -> float:
        return float((n * (n - 1) / 2).sum())

    both, rows, columns = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    total = pairs(np.array([table.sum()]))
    expected = rows * columns / total if total else 0.0
    most = (rows + columns) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)


def best_jaccard(reference: Ints, other: Ints, weights: Floats) -> Floats:
    """For each reference segment, the Jaccard overlap with the most like segment of ``other``.

    References
    ----------
    Hennig, C. (2007). Computational Statistics and Data Analysis 52, 258-271.
    """
    table = count_pairs(reference, other, weights)
    union = table.sum(axis=1)[:, None] + table.sum(axis=0) - table
    overlap = np.divide(table, union, out=np.zeros_like(table), where=union > 0)
    best: Floats = overlap.max(axis=1)
    return best


def measure_silhouette(patterns: Patterns, labels: Ints) -> float:
    """Mean silhouette width of the rows; a row alone in its segment counts as 0.

    References
    ----------
    Rousseeuw, P. J. (1987). Journal of Computational and Applied Mathematics 20, 53-65.
    """
    x, w = patterns.values, patterns.weights
    k = int(labels.max()) + 1
    square = (x**2).sum(axis=1)
    gap = np.sqrt(np.maximum(square[:, None] + square - 2 * x @ x.T, 0))
    np.fill_diagonal(gap, 0.0)
    member = np.zeros((len(x), k))
    member[np.arange(len(x)), labels] = w
    sums, sizes = gap @ member, member.sum(axis=0)
    own = labels
    others = sizes[own] - 1
    inside = np.divide(sums[np.arange(len(x)), own], others, out=np.zeros(len(x)), where=others > 0)
    outside = np.divide(sums, sizes, out=np.full_like(sums, np.inf), where=sizes > 0)
    outside[np.arange(len(x)), own] = np.inf
    nearest = outside.min(axis=1)
    top = np.maximum(inside, nearest)
    width = np.divide(nearest - inside, top, out=np.zeros(len(x)), where=top > 0)
    width[others <= 0] = 0.0
    return float(np.average(width, weights=w))
