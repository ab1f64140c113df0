"""EM for many starts at once, accelerated, and the search for the highest likelihood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from tqdm import tqdm

from cjlib.personas.clustering import Floats, Ints

MOST_CYCLES: Final = 20_000  # of three EM steps each
BAR_AFTER: Final = 3.0  # seconds before a progress bar is shown, on a terminal only
WIDER: Final = 4.0  # factor by which the longest leap grows and shrinks
CONVERGED: Final = 1e-8  # left to gain of the log-likelihood, of the solution
SCREENED: Final = 1e-5  # the same while starts are told apart
NEAR: Final = 0.5  # starts this near the best after screening are carried on
FAR: Final = 20.0  # solutions of a sample so far below its best do not go on
SAME: Final = 0.01  # log-likelihoods this near are one solution
CARRIED: Final = 3  # solutions that go on, with everybody
SAMPLE: Final = 5_000  # people drawn to try the starts on where there are more patterns
EXCHANGES: Final = 6  # rounds of dissolving one class and dividing another
MOST_PAIRS: Final = 60  # pairs of classes tried in a round
SCREEN_CYCLES: Final = 8  # after which only the best exchanges go on
KEPT: Final = 8

Step = Callable[[Floats], tuple[Floats, Floats]]
Repair = Callable[[Floats, Floats], Floats]


def climb(
    step: Step, repair: Repair, starts: Floats, *, tolerance: float, cycles: int = MOST_CYCLES
) -> tuple[Floats, Floats]:
    """Run EM from each start until what is left to gain is below ``tolerance``.

    Each cycle takes two EM steps, leaps along the line they point to (SQUAREM, third step
    length) and takes a third step there. A leap that ends lower than where it began is thrown
    away, so the likelihood never falls. What is left to gain is judged by the gain of one
    plain step times the length of the leap: about twice the sum of the geometric series that
    EM without leaps would still follow, so that a slow start is not taken for a finished one.

    Parameters
    ----------
    step : callable
        Takes parameters (starts, numbers); returns those after one EM step and the
        log-likelihoods of those *before* it.
    repair : callable
        Takes leapt parameters and safe ones; returns allowed ones near the leapt.
    starts : array (starts, numbers)
        Not changed.
    tolerance : float
        Of the log-likelihood, not relative to it: what is left to gain, about.
    cycles : int
        At most so many; what has not ended by then is returned as far as it came.

    Returns
    -------
    (parameters, log-likelihoods)
        In the order of the starts.

    References
    ----------
    Varadhan, R. and Roland, C. (2008). Scandinavian Journal of Statistics 35, 335-353.
    """
    found, fits = starts.copy(), np.full(len(starts), -np.inf)
    active: Ints = np.arange(len(starts), dtype=np.int64)
    now = starts
    longest = np.full(len(starts), WIDER)
    with tqdm(total=len(starts), unit="start", leave=False, delay=BAR_AFTER, disable=None) as bar:
        for _ in range(cycles):
            first, before = step(now)
            second, fit = step(first)
            found[active], fits[active] = first, fit
            change = first - now
            bend = second - first - change
            length = _measure_leap(change, bend)
            go_on = length * (fit - before) > tolerance
            if not go_on.all():
                bar.update(int((~go_on).sum()))
                active, fit = active[go_on], fit[go_on]
                now, longest, length = now[go_on], longest[go_on], length[go_on]
                change, bend, second = change[go_on], bend[go_on], second[go_on]
                if not len(active):
                    break
            leap = np.minimum(length, longest)[:, None]
            third, high = step(repair(now + 2 * leap * change + leap**2 * bend, second))
            landed = high >= fit
            now = np.where(landed[:, None], third, second)
            longest[(length >= longest) & landed] *= WIDER
            longest[~landed] = np.maximum(longest[~landed] / WIDER, 1.0)
    return found, fits


def _measure_leap(change: Floats, bend: Floats) -> Floats:
    """How far to leap, in steps; 1 ends where two plain EM steps end."""
    size = np.sqrt((bend**2).sum(axis=1))
    length = np.sqrt((change**2).sum(axis=1))
    leap: Floats = np.divide(length, size, out=np.ones(len(size)), where=size > 0)
    return np.maximum(leap, 1.0)


class Mixture(Protocol):
    """A likelihood to climb; parameters of a start are one row."""

    @property
    def k(self) -> int:
        """Classes."""
        ...

    def step(self, rows: Floats) -> tuple[Floats, Floats]:
        """One EM step, and the log-likelihoods before it."""
        ...

    def repair(self, leapt: Floats, safe: Floats) -> Floats:
        """Bring leapt rows back to what is allowed."""
        ...

    def exchange(self, row: Floats, rng: np.random.Generator, *, most: int) -> Floats:
        """Rows with one class dissolved and another divided, for at most ``most`` pairs."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Top:
    """The highest point found.

    Attributes
    ----------
    row : array (numbers,)
    fit : float
        Log-likelihood.
    start_fits : array (starts,)
        Where each random start ended, in the sample where there was one.
    share_at_best : float
        Share of the random starts that ended in this solution.
    """

    row: Floats
    fit: float
    start_fits: Floats
    share_at_best: float


def search(mixture: Mixture, tried: Mixture, begun: Floats, *, rng: np.random.Generator) -> Top:
    """Climb from every start, exchange classes as long as that helps, and finish the best.

    ``tried`` is the mixture itself, or that of a sample of the people, on which all but the
    last climb is done; the best ``CARRIED`` different solutions of a sample go on.

    References
    ----------
    Ueda, N., Nakano, R., Ghahramani, Z. and Hinton, G. E. (2000). SMEM algorithm for mixture
    models. Neural Computation 12, 2109-2128.
    """
    sampled = tried is not mixture
    found, starts = climb(tried.step, tried.repair, begun, tolerance=SCREENED)
    more, higher = _exchange_classes(tried, found[int(starts.argmax())], float(starts.max()), rng)
    found, fits = np.concatenate([found, more]), np.concatenate([starts, higher])
    chosen = _take_different(fits, everything=not sampled)
    found = found[chosen]
    if len(found) > 1:
        found, reached = climb(mixture.step, mixture.repair, found, tolerance=SCREENED)
        chosen, found = chosen[[reached.argmax()]], found[[reached.argmax()]]
    found, reached = climb(mixture.step, mixture.repair, found, tolerance=CONVERGED)
    apart = starts - fits[chosen[0]]  # in a sample another start may lie higher
    hits = (np.abs(apart) if sampled else -apart) <= SAME
    return Top(found[0], float(reached[0]), starts, float(hits.mean()))


def _exchange_classes(
    mixture: Mixture, best: Floats, fit: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Dissolve one class and divide another, for all pairs, as long as that leads higher.

    What is reached is returned, the likelihood beside it; nothing where no exchange helped.
    """
    found, fits = [np.empty((0, len(best)))], [np.empty(0)]
    for _ in range(EXCHANGES if mixture.k > 1 else 0):
        begun = mixture.exchange(best, rng, most=MOST_PAIRS)
        begun, screened = climb(
            mixture.step, mixture.repair, begun, tolerance=SCREENED, cycles=SCREEN_CYCLES
        )
        kept = np.argsort(-screened, kind="stable")[:KEPT]
        rows, reached = climb(mixture.step, mixture.repair, begun[kept], tolerance=SCREENED)
        top = int(reached.argmax())
        if reached[top] <= fit + SAME:
            break
        best, fit = rows[top], float(reached[top])
        found.append(rows)
        fits.append(reached)
    return np.concatenate(found), np.concatenate(fits)


def exchange_pairs(k: int, rng: np.random.Generator, *, most: int) -> Ints:
    """Ordered pairs of different classes, drawn where there are more than ``most``."""
    pairs = np.array([(a, b) for a in range(k) for b in range(k) if a != b], dtype=np.int64)
    if len(pairs) > most:
        pairs = pairs[np.sort(rng.choice(len(pairs), most, replace=False))]
    return pairs


def _take_different(fits: Floats, *, everything: bool) -> Ints:
    """Choose the best start and those near it; of a sample, the best different ones."""
    order: Ints = np.argsort(-fits, kind="stable").astype(np.int64)
    if everything:
        own = fits[order] >= fits.max() - NEAR
    else:
        own = np.concatenate([[True], -np.diff(fits[order]) > SAME])
        own &= fits[order] >= fits.max() - FAR
    chosen: Ints = order[own][:CARRIED]
    return chosen
