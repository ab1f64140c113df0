"""EM for many starts at once, accelerated, with a likelihood that never falls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from tqdm import tqdm

from cjlib.personas.clustering import Floats, Ints

MOST_CYCLES: Final = 20_000  # of three EM steps each
BAR_AFTER: Final = 3.0  # seconds before a progress bar is shown, on a terminal only
WIDER: Final = 4.0  # factor by which the longest leap grows and shrinks

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
