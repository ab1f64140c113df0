"""Refits of any method on bootstrap samples of people."""

from __future__ import annotations

from typing import Final

import numpy as np

from cjlib.personas.clustering import Ints
from cjlib.personas.methods import Segments, fit_segments

METHOD_REFITS: Final = 12  # bootstrap samples; all their 66 pairs are compared


def refit_method(
    segments: Segments, *, rng: np.random.Generator, refits: int = METHOD_REFITS
) -> Ints:
    """Make the segments again on bootstrap samples of the people, and place everybody.

    Each refit uses the same method and its own starts, so what differs is the sample and,
    where ``share_at_best`` is small, the luck of the starts too.

    Returns
    -------
    array (refits, kept rows)
        Segment of each person by each refit.
    """
    variables, found = segments.variables, []
    for _ in range(refits):
        n = len(variables.scaled)
        sample = variables.take(rng.integers(0, n, n))
        again = fit_segments(sample, segments.k, method=segments.method, rng=rng)
        found.append(again.place(variables.answered))
    return np.stack(found)
