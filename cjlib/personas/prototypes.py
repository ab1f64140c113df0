"""K-prototypes: segments of numbers and categories together, many starts in one batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import sparse

from cjlib.errors import JourneyError, TooFewError
from cjlib.personas.clustering import Floats, Ints

STARTS: Final = 20
START_ROWS: Final = 2_000  # distinct rows that starts are run on to the end, where there are more
KEPT: Final = 3  # best different starts that go on with all rows
SAME: Final = 1e-4  # costs that differ by less than this share count as one solution
MOST_STEPS: Final = 200


@dataclass(frozen=True, slots=True, eq=False)
class MixedRows:
    """Distinct rows of numbers and categories with their weights.

    Attributes
    ----------
    numbers : array (patterns, numbers)
    codes : array (patterns, categories)
        0 to ``counts`` - 1.
    counts : tuple of int
        Levels of each category.
    weights : array (patterns,)
    of_row : array (rows,)
        Pattern of each row.
    """

    numbers: Floats
    codes: Ints
    counts: tuple[int, ...]
    weights: Floats
    of_row: Ints


@dataclass(frozen=True, slots=True, eq=False)
class PrototypesFit:
    """K prototypes: a mean for each number and a mode for each category.

    Attributes
    ----------
    centres : array (k, numbers)
        Ordered by weight, the largest segment first.
    modes : array (k, categories)
    labels : array (patterns,)
    cost : float
        Weighted sum over rows of squared distance to the centre + gamma * categories that
        differ from the mode.
    gamma : float
    counts : tuple of int
    start_costs : array (starts,)
        What each start ended with, on the rows the starts were run on.
    """

    centres: Floats
    modes: Ints
    labels: Ints
    cost: float
    gamma: float
    counts: tuple[int, ...]
    start_costs: Floats

    @property
    def share_at_best(self) -> float:
        """Share of the starts that ended with the least cost."""
        return float((self.start_costs <= self.start_costs.min() * (1 + SAME)).mean())

    def measure_costs(self, numbers: Floats, codes: Ints) -> Floats:
        """Cost of each row in each segment, (rows, k)."""
        gaps: Floats = (numbers**2).sum(axis=1)[:, None] - 2 * numbers @ self.centres.T
        gaps = np.maximum(gaps + (self.centres**2).sum(axis=1), 0)
        for j in range(codes.shape[1]):
            gaps += self.gamma * (codes[:, [j]] != self.modes[:, j])
        return gaps


def find_mixed_rows(numbers: Floats, codes: Ints, weights: Floats | None = None) -> MixedRows:
    """Reduce rows to the distinct ones; k-prototypes on them is exactly that on the rows."""
    w = np.ones(len(numbers)) if weights is None else np.asarray(weights, dtype=float)
    if codes.size and codes.min() < 0:
        raise JourneyError(
            f"find_mixed_rows: codes must be 0 or more; got {codes.min()}. Fill gaps first."
        )
    both = np.hstack([np.round(numbers, 12), codes])
    unique, of_row = np.unique(both, axis=0, return_inverse=True)
    of_row = of_row.reshape(-1).astype(np.int64)
    p = numbers.shape[1]
    return MixedRows(
        unique[:, :p], unique[:, p:].astype(np.int64),
        tuple(int(c) + 1 for c in codes.max(axis=0)),
        np.bincount(of_row, weights=w, minlength=len(unique)).astype(float), of_row,
    )  # fmt: skip


def default_gamma(rows: MixedRows) -> float:
    """Half the mean standard deviation of the numbers; 1 where they have none."""
    if not rows.numbers.shape[1]:
        return 1.0
    mean = np.average(rows.numbers, axis=0, weights=rows.weights)
    variance = np.average((rows.numbers - mean) ** 2, axis=0, weights=rows.weights)
    return float(0.5 * np.sqrt(variance).mean()) or 1.0


def fit_prototypes(
    rows: MixedRows, k: int, *, rng: np.random.Generator, gamma: float | None = None
) -> PrototypesFit:
    """Find k prototypes with the least cost by Huang's alternating steps.

    ``STARTS`` starts, each of rows drawn with a chance that grows with their cost to those
    drawn before, run together; where there are more than ``START_ROWS`` distinct rows, on a
    sample of that many, and the ``KEPT`` best go on with all. Ties of a mode go to the lower
    code, of a row to the lower segment. A segment that loses all its rows keeps its prototype.

    Parameters
    ----------
    rows : MixedRows
    k : int
    rng : Generator
    gamma : float, optional
        Weight of a category beside squared distance; see ``default_gamma``.

    Raises
    ------
    TooFewError
        If there are fewer different rows than segments.

    References
    ----------
    Huang, Z. (1998). Data Mining and Knowledge Discovery 2, 283-304.
    """
    m = len(rows.weights)
    if m < k:
        raise TooFewError(
            f"fit_prototypes: {k} segments need {k} different rows; there are {m}. Ask for fewer "
            "segments or use more variables."
        )
    gamma = default_gamma(rows) if gamma is None else gamma
    table = _encode(rows, gamma)
    chosen = np.arange(m)
    if m > START_ROWS:
        chosen = np.sort(rng.choice(m, START_ROWS, replace=False))
    part, weights = table[chosen], rows.weights[chosen]
    p = rows.numbers.shape[1]
    starts = STARTS if k > 1 else 1
    first = _draw_prototypes(part, weights, k, starts, rng)
    make = _Make(p, rows.counts, gamma)
    centres, costs = _run_steps(part, weights, first, make)
    if len(chosen) < m:
        best = _take_different(costs)
        centres, ends = _run_steps(table, rows.weights, centres[best], make)
    else:
        ends = costs
    top = centres[int(ends.argmin())]
    labels = _score(table, top[None])[:, 0].argmin(axis=1)
    sizes = np.bincount(labels, weights=rows.weights, minlength=k)
    top = top[np.argsort(-sizes, kind="stable")]
    modes = np.stack(
        [block.argmax(axis=1) for block in np.split(top[:, p:], np.cumsum(rows.counts)[:-1], 1)], 1
    ) if rows.counts else np.empty((k, 0))  # fmt: skip
    labels = _score(table, top[None])[:, 0].argmin(axis=1).astype(np.int64)
    return PrototypesFit(
        top[:, :p], modes.astype(np.int64), labels, float(ends.min()), gamma, rows.counts, costs
    )


def _encode(rows: MixedRows, gamma: float) -> Floats:
    """Numbers, then a column per level that is root(gamma / 2) or 0.

    Two rows with different levels lie gamma apart in squared distance, so that the cost is a
    squared distance to a prototype of the same make, and one product of matrices gives it.
    """
    size = np.sqrt(gamma / 2)
    parts = [rows.numbers]
    for codes, count in zip(rows.codes.T, rows.counts, strict=True):
        parts.append((codes[:, None] == np.arange(count)) * size)
    return np.hstack(parts)


def _score(table: Floats, centres: Floats) -> Floats:
    """Cost of every row in every segment of every run, less the row's own square."""
    runs, k, p = centres.shape
    flat = centres.reshape(runs * k, p)
    scores = table @ (-2 * flat.T)
    scores += (flat**2).sum(axis=1)
    found: Floats = scores.reshape(len(table), runs, k)
    return found


def _draw_prototypes(
    table: Floats, weights: Floats, k: int, runs: int, rng: np.random.Generator
) -> Floats:
    square = (table**2).sum(axis=1)
    nearest = np.full((runs, len(table)), np.inf)
    out = np.empty((runs, k, table.shape[1]))
    for j in range(k):
        chance = np.tile(weights, (runs, 1)) if j == 0 else weights * nearest
        total = np.cumsum(chance, axis=1)
        flat = total[:, -1] <= 0  # nothing left to choose: any row with weight will do
        total[flat] = np.cumsum(weights)
        cut = (rng.random(runs) * total[:, -1])[:, None]
        chosen = np.minimum((total <= cut).sum(axis=1), len(table) - 1)
        out[:, j] = table[chosen]
        gaps = square - 2 * out[:, j] @ table.T + square[chosen][:, None]
        np.minimum(nearest, np.maximum(gaps, 0), out=nearest)
    return out


@dataclass(frozen=True, slots=True)
class _Make:
    """What the columns of the table are: ``numbers`` of them, then those of each category."""

    numbers: int
    counts: tuple[int, ...]
    gamma: float


def _run_steps(
    table: Floats, weights: Floats, centres: Floats, make: _Make
) -> tuple[Floats, Floats]:
    runs, k, width = centres.shape
    m, p = len(table), make.numbers
    result, costs = centres.copy(), np.full(runs, np.inf)
    square = float(weights @ (table**2).sum(axis=1))
    active = np.arange(runs)
    before = np.full((m, runs), -1, dtype=np.int64)
    for step in range(MOST_STEPS):
        scores = _score(table, result[active])
        labels = scores.argmin(axis=2)
        still = ~(labels != before).any(axis=0) | (step == MOST_STEPS - 1)
        if still.any():
            least = np.take_along_axis(scores[:, still], labels[:, still, None], axis=2)[..., 0]
            costs[active[still]] = square + weights @ least
            active, labels = active[~still], labels[:, ~still]
            if not len(active):
                break
        before, r = labels, len(active)
        cell = (labels + np.arange(r) * k).reshape(-1)
        member = sparse.csc_matrix(
            (np.repeat(weights, r), cell, np.arange(0, m * r + 1, r)), shape=(r * k, m)
        )
        sums = member @ table
        mass = np.asarray(member.sum(axis=1)).reshape(-1)
        fresh = np.zeros((r * k, width))
        fresh[:, :p] = sums[:, :p] / np.where(mass > 0, mass, 1)[:, None]
        place = p
        for count in make.counts:
            mode = _find_mode(sums[:, place : place + count])
            fresh[np.arange(r * k), place + mode] = np.sqrt(make.gamma / 2)
            place += count
        old = result[active].reshape(r * k, width)
        result[active] = np.where(mass[:, None] > 0, fresh, old).reshape(r, k, width)
    return result, costs


def _find_mode(sums: Floats) -> Ints:
    """Level with most weight; the lowest of those equal up to rounding."""
    top = sums.max(axis=1, keepdims=True)
    modes: Ints = (sums >= top * (1 - 1e-12)).argmax(axis=1)
    return modes


def _take_different(costs: Floats) -> Ints:
    """Take the best ``KEPT`` of the starts, one of each cost."""
    order = np.argsort(costs, kind="stable")
    kept = [int(order[0])]
    for i in order[1:]:
        if len(kept) < KEPT and costs[i] > costs[kept[-1]] * (1 + SAME):
            kept.append(int(i))
    return np.array(kept, dtype=np.int64)
