"""What an ordinary program would show: the solutions of k-means and how often each turns up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from cjlib.errors import JourneyError, TooFewError
from cjlib.personas.clustering import (
    Floats,
    Ints,
    Patterns,
    adjusted_rand,
    assign,
    find_patterns,
    fit_kmeans,
    improve_fit,
    run_lloyd,
)
from cjlib.personas.variables import Variables

REPEATS: Final = 200
ALIKE: Final = 0.98  # adjusted Rand from which two solutions are one
MOST_ROWS: Final = 5_000


@dataclass(frozen=True, slots=True, eq=False)
class Solutions:
    """The solutions that programs with a few random starts show.

    Attributes
    ----------
    table : DataFrame
        The best solution, then every other that some program shows, in order of error:
        ``solution, error, above_best`` (relative),
        ``adjusted_rand`` (with the best), ``starts`` (share of all starts that end in it),
        ``shown`` (share of programs that show it), ``sizes`` (share of people by segment, the
        largest first, as text "40 % 22 % ...").
    k, starts, repeats : int
        Segments, starts of each program, programs.
    missed_by_one_program : float
        (1 - share of starts at the best) to the power of ``starts``.
    labels : array (solutions, rows)
        Segment of each row used in each solution.
    """

    table: pd.DataFrame
    k: int
    starts: int
    repeats: int
    missed_by_one_program: float
    labels: Ints

    def summary(self) -> str:
        """Say how often the best solution is shown, and what is shown instead."""
        best = self.table.iloc[0]
        others = self.table[self.table["solution"].gt(1) & self.table["shown"].gt(0)]
        said = (
            f"With k = {self.k} and {self.starts} random starts, {best['shown']:.0%} of "
            f"{self.repeats:,} programs show the best solution (error {best['error']:,.2f}), which "
            f"{best['starts']:.1%} of single starts reach"
        )
        if others.empty:
            return said + "; none shows another."
        usual = others.sort_values(["shown", "solution"], ascending=[False, True]).iloc[0]
        return (
            f"{said}; {len(others)} other{'s' * (len(others) > 1)} turn up instead, most often "
            f"one with error {usual['error']:,.2f} ({usual['shown']:.0%} of programs; adjusted "
            f"Rand with the best {usual['adjusted_rand']:.2f})."
        )


def compare_solutions(
    variables: Variables,
    k: int,
    *,
    rng: np.random.Generator,
    starts: int = 10,
    repeats: int = REPEATS,
) -> Solutions:
    """Run an ordinary k-means program many times and compare what it shows.

    Each of ``repeats`` programs draws ``starts`` times k different rows as first centres,
    runs Lloyd's steps until nobody moves, and shows the solution with the least error: as
    kmeans of R and flexclust do. The best solution is the least error of all of these and of
    ``fit_kmeans`` with its own many starts. Solutions whose adjusted Rand index with a better
    one is ``ALIKE`` or more count as that one. Above ``MOST_ROWS`` rows a sample is used.

    Parameters
    ----------
    variables : Variables
    k : int
        At least 2.
    rng : Generator
    starts : int
        Starts of each program.
    repeats : int
        Programs.

    Raises
    ------
    JourneyError
        If k is below 2, or starts or repeats below 1.
    TooFewError
        If there are fewer different people than segments.

    References
    ----------
    Steinley, D. (2003). Local optima in K-means clustering: what you don't know may hurt
    you. Psychological Methods 8, 294-304.
    """
    for name, value, least in (("k", k, 2), ("starts", starts, 1), ("repeats", repeats, 1)):
        if value < least:
            raise JourneyError(
                f"compare_solutions: {name} must be {least} or more; got {value}. Say how many."
            )
    values, weights = variables.matrix, variables.row_weights
    if len(values) > MOST_ROWS:
        chosen = np.sort(rng.choice(len(values), MOST_ROWS, replace=False))
        values, weights = values[chosen], weights[chosen]
    patterns = find_patterns(values, weights)
    if len(patterns.values) < k:
        raise TooFewError(
            f"compare_solutions: {k} segments need {k} different people; there are "
            f"{len(patterns.values)}. Ask for fewer segments."
        )
    centres, errors = _run_starts(patterns, k, starts * repeats, rng)
    best = fit_kmeans(patterns, k, rng=rng)
    best = improve_fit(patterns, best, centres[[int(errors.argmin())]])
    labels = np.stack([assign(patterns.values, each) for each in centres])
    winners = errors.reshape(repeats, starts).argmin(axis=1) + np.arange(repeats) * starts
    of_start, kept = _tell_apart(best.labels, labels, errors, winners, patterns.weights)
    shown = of_start[winners]
    ends = [errors[of_start == s].min(initial=np.inf) for s in range(len(kept))]
    lowest = np.array([best.error, *ends[1:]])
    w = patterns.weights
    table = pd.DataFrame(
        {
            "solution": np.arange(1, len(kept) + 1),
            "error": lowest,
            "above_best": lowest / best.error - 1 if best.error > 0 else 0.0,
            "adjusted_rand": [adjusted_rand(kept[0], each, w) for each in kept],
            "starts": [(of_start == s).mean() for s in range(len(kept))],
            "shown": np.bincount(shown, minlength=len(kept)) / repeats,
            "sizes": [_tell_sizes(each, w) for each in kept],
        }
    )
    missed = float((1 - table["starts"].iloc[0]) ** starts)
    return Solutions(table, k, starts, repeats, missed, np.stack(kept)[:, patterns.of_row])


def _run_starts(
    patterns: Patterns, k: int, runs: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Lloyd's steps from rows drawn with their weights, no pattern twice in a start."""
    w, x = patterns.weights, patterns.values  # noqa: PD011, not of a frame
    keys = rng.random((runs, len(x))) ** (1 / np.maximum(w, 1e-300))
    keys[:, w <= 0] = -1.0
    first = np.argpartition(-keys, k - 1, axis=1)[:, :k]
    return run_lloyd(x, np.broadcast_to(w, (runs, len(w))), x[first])


def _tell_apart(
    best: Ints, labels: Ints, errors: Floats, winners: Ints, weights: Floats
) -> tuple[Ints, list[Ints]]:
    """Which of the solutions shown each start ended in (-1: none), and their labels.

    The best first, then those that some program shows, in order of error.
    """
    kept, of_start = [best], np.full(len(labels), -1, dtype=np.int64)
    of_start[_agree(labels, best, weights) >= ALIKE] = 0
    for run in winners[np.argsort(errors[winners], kind="stable")]:
        if of_start[run] < 0:
            alike = _agree(labels, labels[run], weights) >= ALIKE
            of_start[alike & (of_start < 0)] = len(kept)
            kept.append(labels[run])
    return of_start, kept


def _agree(labels: Ints, one: Ints, weights: Floats) -> Floats:
    """Return the adjusted Rand index of each row of labels with one labelling."""
    runs, k = len(labels), int(max(labels.max(), one.max())) + 1
    cell = (np.arange(runs)[:, None] * k + labels) * k + one
    drawn = np.broadcast_to(weights, labels.shape).reshape(-1)
    tables = np.bincount(cell.reshape(-1), weights=drawn, minlength=runs * k * k)
    tables = tables.reshape(runs, k, k)
    n = weights.sum()
    both = (tables**2).sum(axis=(1, 2)) - n
    own = (tables.sum(axis=2) ** 2).sum(axis=1) - n
    other = (tables.sum(axis=1) ** 2).sum(axis=1) - n
    expected, most = own * other / (n * (n - 1)), (own + other) / 2
    same = most == expected
    found: Floats = np.where(same, 1.0, (both - expected) / np.where(same, 1.0, most - expected))
    return found


def _tell_sizes(labels: Ints, weights: Floats) -> str:
    sizes = np.sort(np.bincount(labels, weights=weights))[::-1]
    return " ".join(f"{size:.0%}".replace("%", " %") for size in sizes / sizes.sum())
