"""Mixture of normal classes with independent numbers, on weighted unique patterns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from cjlib.errors import ColumnError, TooFewError
from cjlib.personas.acceleration import SAMPLE, exchange_pairs, search
from cjlib.personas.clustering import Floats, Ints, Patterns, assign, draw_starts

STARTS: Final = 10  # random ones, beside the start from given segments
LEAST_VARIANCE: Final = 0.05  # a class's variance stays above this share of the column's own
LEAST_LEAP: Final = 0.1  # a leap takes a share no nearer to 0 than a tenth of where it was
BLURRED: Final = 0.05  # share of a start's classes that everybody has in common
BLOCK: Final = 200_000  # starts x patterns x classes taken together, to stay in the cache


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
        That each start ended with, in the sample where there was one.
    share_at_best : float
        Share of the starts that ended in this solution; 0 where it was only found by
        exchanging classes.
    rows : int
    """

    shares: Floats
    centres: Floats
    variances: Floats
    log_likelihood: float
    start_likelihoods: Floats
    share_at_best: float
    rows: int

    @property
    def parameters(self) -> int:
        """Free numbers: shares that sum to 1, a centre and a variance for each column."""
        return len(self.shares) - 1 + 2 * int(self.centres.size)

    @property
    def bic(self) -> float:
        """-2 log-likelihood + parameters * log(rows); smaller is better."""
        return -2 * self.log_likelihood + self.parameters * float(np.log(self.rows))

    def measure_memberships(self, x: Floats) -> Floats:
        """Chance of each row to belong to each class, (rows, k)."""
        k, middle = len(self.shares), self.shares @ self.centres
        density = NormalLikelihood.of(x - middle, np.ones(len(x)), k, self.variances[0])
        centres = self.centres - middle
        row = density.close(self.shares[None], centres[None], self.variances[None])
        return density.weigh(row)[0][:, 0]


def fit_gaussian_classes(
    patterns: Patterns, k: int, *, rng: np.random.Generator, labels: Ints | None = None
) -> GaussianFit:
    """Fit k normal classes with independent columns by maximum likelihood.

    ``STARTS`` starts from the nearest of k-means++ centres, and one from ``labels`` where
    given, then exchanges of classes as for latent classes; with more than 5,000 patterns all
    but the last climb is done on so many people drawn by weight. A class's variance never falls
    below ``LEAST_VARIANCE`` of the column's own: answers on a few points would else let the
    likelihood grow without end. The likelihood is the highest found under that bound.

    Raises
    ------
    ColumnError
        If a number is missing or infinite.
    TooFewError
        If there are fewer different rows than classes.

    References
    ----------
    Dempster, A. P., Laird, N. M. and Rubin, D. B. (1977). JRSS B 39, 1-38.
    """
    x, rows = patterns.values, len(patterns.of_row)
    if not np.isfinite(x).all():
        raise ColumnError(
            "fit_gaussian_classes: every number must be finite; "
            f"{int((~np.isfinite(x)).sum()):,} are missing or infinite. Fill or leave them out."
        )
    if len(x) < k:
        raise TooFewError(
            f"fit_gaussian_classes: {k} classes need {k} different rows; there are {len(x)}. Ask "
            "for fewer segments or use more variables."
        )
    w = patterns.weights * (rows / patterns.weights.sum())
    mean = np.average(x, axis=0, weights=w)
    floor = LEAST_VARIANCE * np.maximum(np.average((x - mean) ** 2, axis=0, weights=w), 1e-12)
    mixture = tried = NormalLikelihood.of(x - mean, w, k, floor)
    used = np.arange(len(x))
    if len(x) > SAMPLE and k > 1:
        drawn = rng.multinomial(SAMPLE, w / w.sum())
        used = np.flatnonzero(drawn)
        tried = NormalLikelihood.of((x - mean)[used], drawn[used].astype(float), k, floor)
    weights = np.broadcast_to(tried.weights, (STARTS if k > 1 else 1, len(used)))
    first = [assign(x[used], each) for each in draw_starts(x[used], weights, k, rng=rng)]
    if labels is not None:
        first.append(labels[used])
    begun = np.concatenate([tried.start_from(each) for each in first])
    top = search(mixture, tried, begun, rng=rng)
    shares, centres, variances = (part[0] for part in mixture.open(top.row[None]))
    order = np.argsort(-shares, kind="stable")
    return GaussianFit(
        shares[order], centres[order] + mean, variances[order], top.fit, top.start_fits,
        top.share_at_best, rows,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class NormalLikelihood:
    """EM steps for many starts at once; a row is shares, centres and logs of variances.

    Attributes
    ----------
    k : int
    parts : array (patterns, 2 * variables)
        Squares, then the numbers themselves.
    weights : array (patterns,)
    floor : array (variables,)
        Least variance.
    """

    k: int
    parts: Floats
    weights: Floats
    floor: Floats

    @classmethod
    def of(cls, x: Floats, weights: Floats, k: int, floor: Floats) -> NormalLikelihood:
        """Lay out the numbers; best centred, since squares are subtracted."""
        return cls(k, np.concatenate([x**2, x], axis=1), weights, floor)

    def open(self, rows: Floats) -> tuple[Floats, Floats, Floats]:
        """Shares (starts, k), centres and variances (starts, k, variables)."""
        half = self.k * len(self.floor)
        shape = (len(rows), self.k, len(self.floor))
        centres = rows[:, self.k : self.k + half].reshape(shape)
        return rows[:, : self.k], centres, np.exp(rows[:, self.k + half :]).reshape(shape)

    def close(self, shares: Floats, centres: Floats, variances: Floats) -> Floats:
        """Put shares, centres and variances into rows."""
        s = len(shares)
        return np.concatenate(
            [shares, centres.reshape(s, -1), np.log(variances).reshape(s, -1)], axis=1
        )

    def start_from(self, labels: Ints) -> Floats:
        """Row of given classes of the patterns, blurred a little."""
        chances = np.full((len(labels), self.k), BLURRED / self.k)
        chances[np.arange(len(labels)), labels] += 1 - BLURRED
        return self._maximise(chances * self.weights[:, None], 1)

    def step(self, rows: Floats) -> tuple[Floats, Floats]:
        """One EM step of each start, and the log-likelihoods before it."""
        size = max(1, BLOCK // (len(self.weights) * self.k))
        after, fits = [], []
        for at in range(0, len(rows), size):
            chances, logs = self.weigh(rows[at : at + size])
            chances *= self.weights[:, None, None]
            after.append(self._maximise(chances.reshape(len(chances), -1), logs.shape[1]))
            fits.append(self.weights @ logs)
        return np.concatenate(after), np.concatenate(fits)

    def repair(self, leapt: Floats, safe: Floats) -> Floats:
        """Bring leapt shares above 0 and to a sum of 1, and variances above the least."""
        shares = np.maximum(leapt[:, : self.k], LEAST_LEAP * safe[:, : self.k])
        half = self.k * len(self.floor)
        least = np.tile(np.log(self.floor), self.k)
        return np.concatenate(
            [
                shares / shares.sum(axis=1, keepdims=True), leapt[:, self.k : self.k + half],
                np.clip(leapt[:, self.k + half :], least, safe[:, self.k + half :] + 3),
            ], axis=1,
        )  # fmt: skip

    def exchange(self, row: Floats, rng: np.random.Generator, *, most: int) -> Floats:
        """For each pair of classes, dissolve the one and divide the other; at most ``most``."""
        pairs = exchange_pairs(self.k, rng, most=most)
        opened = (np.repeat(part, len(pairs), axis=0) for part in self.open(row[None]))
        shares, centres, variances = opened
        at, (gone, split) = np.arange(len(pairs)), pairs.T
        shares[at, split] /= 2
        shares[at, gone] = shares[at, split]
        shares /= shares.sum(axis=1, keepdims=True)
        aside = rng.normal(size=(len(pairs), len(self.floor))) * np.sqrt(variances[at, split])
        centres[at, gone] = centres[at, split] + aside
        centres[at, split] -= aside
        variances[at, gone] = variances[at, split]
        return self.close(shares, centres, variances)

    def weigh(self, rows: Floats) -> tuple[Floats, Floats]:
        """Chances (patterns, starts, k) and log densities (patterns, starts)."""
        shares, centres, variances = self.open(rows)
        precise = 1 / variances
        slopes = np.concatenate([-0.5 * precise, centres * precise], axis=2)
        level = (centres**2 * precise + np.log(2 * np.pi * variances)).sum(axis=2)
        joint = self.parts @ slopes.reshape(-1, slopes.shape[2]).T
        joint += (np.log(np.maximum(shares, 1e-300)) - 0.5 * level).reshape(-1)
        top = joint[:, :: self.k].copy()
        for c in range(1, self.k):  # quicker than a maximum over a short axis
            np.maximum(top, joint[:, c :: self.k], out=top)
        joint = joint.reshape(len(joint), len(rows), self.k)
        joint -= top[:, :, None]
        np.exp(joint, out=joint)
        total = (joint.reshape(-1, self.k) @ np.ones(self.k)).reshape(top.shape)
        joint /= total[:, :, None]
        return joint, np.log(total) + top

    def _maximise(self, mass: Floats, starts: int) -> Floats:
        sizes = np.maximum(mass.sum(axis=0), 1e-300)
        means = (mass.T @ self.parts) / sizes[:, None]
        squares, centres = np.split(means, 2, axis=1)
        variances = np.maximum(squares - centres**2, self.floor)
        shares = sizes.reshape(starts, self.k)
        return self.close(shares / shares.sum(axis=1, keepdims=True), centres, variances)
