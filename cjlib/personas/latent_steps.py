"""The likelihood of a latent class model, climbed on distinct answer patterns in two halves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy import sparse

from cjlib.personas.acceleration import SAMPLE, exchange_pairs, search
from cjlib.personas.categories import MISSING, AnswerPatterns
from cjlib.personas.clustering import Floats, Ints

BLOCK: Final = 200_000  # starts x patterns x classes taken together, to stay in the cache
LEAST_LEAP: Final = 0.1  # a leap takes a chance no nearer to 0 than a tenth of where it was
SMALLEST: Final = 1e-300  # stands for 0 in a logarithm: its part in any sum is nothing
UNDERFLOW: Final = 1e-250  # below it a pattern's likelihood is added up in logarithms
DENSE_CELLS: Final = 20_000_000  # one-hot cells of a half that are held as a full matrix


@dataclass(frozen=True, slots=True, eq=False)
class ClassFit:
    """Classes of the best start, the largest first, and what every start came to.

    Attributes
    ----------
    shares : array (k,)
    chances : array (k, levels of all items)
        Of each level, item after item.
    log_likelihood : float
    starts : int
    share_at_best : float
    """

    shares: Floats
    chances: Floats
    log_likelihood: float
    starts: int
    share_at_best: float


def climb_classes(
    patterns: AnswerPatterns,
    counts: Ints,
    k: int,
    *,
    rng: np.random.Generator,
    starts: int,
) -> ClassFit:
    """Find the most likely k classes from random starts, then by exchanging classes.

    Where there are more than ``SAMPLE`` patterns, this is done on so many people drawn by
    weight, and the best solutions go on with everybody.
    """
    likelihood = Likelihood.of(patterns, counts, k)
    begun = likelihood.draw_starts(starts if k > 1 else 1, rng)
    tried = likelihood
    if len(patterns.weights) > SAMPLE and k > 1:
        tried = Likelihood.of(_draw_people(patterns, rng), counts, k)
    top = search(likelihood, tried, begun, rng=rng)
    shares, chances = (part[0] for part in likelihood.open(top.row[None]))
    order = np.argsort(-shares, kind="stable")
    return ClassFit(shares[order], chances[order], top.fit, len(top.start_fits), top.share_at_best)


def _draw_people(patterns: AnswerPatterns, rng: np.random.Generator) -> AnswerPatterns:
    drawn = rng.multinomial(SAMPLE, patterns.weights / patterns.weights.sum())
    used = np.flatnonzero(drawn)
    rows, pairs = zip(
        *(np.unique(pair[used], return_inverse=True) for pair in patterns.pairs), strict=True
    )
    first, second = (half[row] for half, row in zip(patterns.halves, rows, strict=True))
    one, two = pairs
    nobody = np.empty(0, dtype=np.int64)
    weights = drawn[used].astype(float)
    return AnswerPatterns((first, second), (one, two), weights, weights, nobody)


@dataclass(frozen=True, slots=True, eq=False)
class Likelihood:
    """EM steps for many starts at once; a start is one row: shares, then chances by class.

    A pattern's likelihood in a class is that of its first items times that of the rest. Each
    is computed once for each distinct half, so that a pattern costs one product a class and
    no exponential.

    Attributes
    ----------
    k, cut : int
        Classes; levels of the items of the first half.
    edges : int array (items,)
        Where each item's levels begin.
    hot : tuple of two matrices
        (half patterns, levels of the half), 1 where the level was answered.
    pairs, weights
        As in ``AnswerPatterns``.
    gather : tuple of two sparse matrices
        (half patterns, patterns): which patterns a half occurs in.
    people : tuple of two arrays
        Weight of the people who answered a half so.
    """

    k: int
    cut: int
    edges: Ints
    hot: tuple[Any, Any]
    pairs: tuple[Ints, Ints]
    weights: Floats
    gather: tuple[Any, Any]
    people: tuple[Floats, Floats]

    @classmethod
    def of(cls, patterns: AnswerPatterns, counts: Ints, k: int) -> Likelihood:
        """Lay out the matrices of these patterns."""
        ends = np.cumsum(counts)
        items = patterns.halves[0].shape[1]
        m = len(patterns.weights)
        gather = [
            sparse.csr_matrix((np.ones(m), (pair, np.arange(m))), shape=(len(half), m))
            for half, pair in zip(patterns.halves, patterns.pairs, strict=True)
        ]
        hot = (
            _mark_levels(patterns.halves[0], counts[:items]),
            _mark_levels(patterns.halves[1], counts[items:]),
        )
        return cls(
            k, int(ends[items - 1]), np.concatenate([[0], ends[:-1]]).astype(np.int64), hot,
            patterns.pairs, patterns.weights, (gather[0], gather[1]),
            (gather[0] @ patterns.weights, gather[1] @ patterns.weights),
        )  # fmt: skip

    def open(self, rows: Floats) -> tuple[Floats, Floats]:
        """Shares (starts, k) and chances (starts, k, levels)."""
        return rows[:, : self.k], rows[:, self.k :].reshape(len(rows), self.k, -1)

    def draw_starts(self, starts: int, rng: np.random.Generator) -> Floats:
        """Equal shares, and chances half those of everybody and half drawn at random."""
        mass = self._add_up([people[:, None] for people in self.people])
        all_alike = self._divide(mass.T[None], np.ones((1, 1, len(mass))))
        if self.k == 1:
            return np.concatenate([np.ones((1, 1)), all_alike[0]], axis=1)
        drawn = rng.exponential(size=(starts, self.k, len(mass)))
        drawn = self._divide(drawn, drawn)
        chances = (0.5 * all_alike + 0.5 * drawn).reshape(starts, -1)
        return np.concatenate([np.full((starts, self.k), 1 / self.k), chances], axis=1)

    def exchange(self, row: Floats, rng: np.random.Generator, *, most: int) -> Floats:
        """For each pair of classes, dissolve the one and divide the other; at most ``most``."""
        pairs = exchange_pairs(self.k, rng, most=most)
        shares, chances = (np.repeat(part, len(pairs), axis=0) for part in self.open(row[None]))
        at, (gone, split) = np.arange(len(pairs)), pairs.T
        shares[at, split] /= 2
        shares[at, gone] = shares[at, split]
        shares /= shares.sum(axis=1, keepdims=True)
        drawn = rng.exponential(size=(2, len(pairs), chances.shape[2]))
        drawn = self._divide(drawn, drawn)
        whole = chances[at, split]
        chances[at, gone], chances[at, split] = (whole + drawn[0]) / 2, (whole + drawn[1]) / 2
        return np.concatenate([shares, chances.reshape(len(pairs), -1)], axis=1)

    def step(self, rows: Floats) -> tuple[Floats, Floats]:
        """One EM step of each start, and the log-likelihoods before it."""
        size = max(1, BLOCK // (len(self.weights) * self.k))
        parts = [self._step(rows[at : at + size]) for at in range(0, len(rows), size)]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    def _step(self, rows: Floats) -> tuple[Floats, Floats]:
        joint, fits = self._weigh(rows)
        flat = joint.reshape(len(self.weights), -1)
        return self._maximise([gather @ flat for gather in self.gather], self.open(rows)[1]), fits

    def measure_chances(self, shares: Floats, chances: Floats) -> tuple[Floats, Floats]:
        """Chance of each pattern to be of each class (patterns, k), and its log-likelihood."""
        logs = self._half_logs(np.concatenate([shares, chances.reshape(-1)])[None])
        joint = logs[0][self.pairs[0]] + logs[1][self.pairs[1]]
        top = joint.max(axis=1, keepdims=True)
        np.exp(joint - top, out=joint)
        total = joint.sum(axis=1, keepdims=True)
        return joint / total, (np.log(total) + top)[:, 0]

    def repair(self, leapt: Floats, safe: Floats) -> Floats:
        """Bring leapt chances back above 0 and to a sum of 1."""
        shares, chances = self.open(np.maximum(leapt, LEAST_LEAP * safe))
        shares = shares / shares.sum(axis=1, keepdims=True)
        chances = self._divide(chances, chances)
        return np.concatenate([shares, chances.reshape(len(leapt), -1)], axis=1)

    def _weigh(self, rows: Floats) -> tuple[Floats, Floats]:
        """People of each pattern in each class (patterns, starts, k), and log-likelihoods."""
        s, m = len(rows), len(self.weights)
        logs = self._half_logs(rows)
        fits = np.zeros(s)
        halves = []
        for log, people in zip(logs, self.people, strict=True):
            top = log[:, :: self.k].copy()
            for c in range(1, self.k):  # quicker than a maximum over a short axis
                np.maximum(top, log[:, c :: self.k], out=top)
            fits += people @ top
            halves.append(np.exp(log - np.repeat(top, self.k, axis=1)))
        joint = np.take(halves[0], self.pairs[0], axis=0)
        joint *= np.take(halves[1], self.pairs[1], axis=0)
        total = (joint.reshape(-1, self.k) @ np.ones(self.k)).reshape(m, s)
        lost = total < UNDERFLOW
        joint = joint.reshape(m, s, self.k)
        if lost.any():
            fits = fits + self._mend(joint, total, lost, logs)
        fits += self.weights @ np.log(total)
        joint *= (self.weights[:, None] / total)[:, :, None]
        return joint, fits

    def _mend(self, joint: Floats, total: Floats, lost: Any, logs: list[Floats]) -> Floats:
        """Add up in logarithms what the halves' product lost; returns what fits lack."""
        pattern, start = np.nonzero(lost)
        parts = [
            log.reshape(len(log), -1, self.k)[pair[pattern], start]
            for log, pair in zip(logs, self.pairs, strict=True)
        ]
        both = parts[0] + parts[1]
        top = both.max(axis=1)
        joint[pattern, start] = np.exp(both - top[:, None])
        total[pattern, start] = joint[pattern, start].sum(axis=1)
        lack = top - parts[0].max(axis=1) - parts[1].max(axis=1)
        lacking = np.bincount(start, weights=lack * self.weights[pattern], minlength=total.shape[1])
        return lacking.astype(float)

    def _half_logs(self, rows: Floats) -> list[Floats]:
        """Log chance of each half pattern in each class, (half patterns, starts * k) each."""
        shares, chances = self.open(rows)
        logs = np.log(np.maximum(chances, SMALLEST)).reshape(len(rows) * self.k, -1)
        first = self.hot[0] @ np.ascontiguousarray(logs[:, : self.cut].T)
        first += np.log(np.maximum(shares, SMALLEST)).reshape(-1)
        return [first, self.hot[1] @ np.ascontiguousarray(logs[:, self.cut :].T)]

    def _maximise(self, masses: list[Floats], before: Floats) -> Floats:
        """Shares and chances from what each class holds of each half pattern."""
        s = len(before)
        sizes = masses[0].sum(axis=0).reshape(s, self.k)
        mass = np.ascontiguousarray(self._add_up(masses).T).reshape(before.shape)
        shares = sizes / sizes.sum(axis=1, keepdims=True)
        chances = self._divide(mass, before)
        return np.concatenate([shares, chances.reshape(s, -1)], axis=1)

    def _add_up(self, masses: list[Floats]) -> Floats:
        """Add up what each class holds of each level, (levels, starts * k)."""
        return np.concatenate([hot.T @ mass for hot, mass in zip(self.hot, masses, strict=True)])

    def _divide(self, mass: Floats, otherwise: Floats) -> Floats:
        """Chances that sum to 1 over each item's levels; as before where a class has nobody."""
        sums = np.add.reduceat(mass, self.edges, axis=2)
        counts = np.diff(np.concatenate([self.edges, [mass.shape[2]]]))
        whole = np.repeat(sums, counts, axis=2)
        spread = np.broadcast_to(otherwise, mass.shape).copy()
        divided: Floats = np.divide(mass, whole, out=spread, where=whole > 0)
        return divided


def _mark_levels(half: Ints, counts: Ints) -> Any:
    """One column a level, 1 where it was answered; a missing answer marks none."""
    row, item = np.nonzero(half != MISSING)
    column = np.concatenate([[0], np.cumsum(counts)])[item] + half[row, item]
    shape = (len(half), int(counts.sum()))
    if shape[0] * shape[1] > DENSE_CELLS:
        return sparse.csr_matrix((np.ones(len(row)), (row, column)), shape=shape)
    hot = np.zeros(shape)
    hot[row, column] = 1.0
    return hot
