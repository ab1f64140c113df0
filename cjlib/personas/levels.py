"""Every kind of answer as categories: what latent classes are made on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from cjlib.personas.clustering import Floats, Ints
from cjlib.personas.variables import Variables

MOST_LEVELS: Final = 11  # different answers of a scale that stay levels of their own
GROUPS: Final = 4  # into which numbers are cut, at their quartiles
GAP: Final = -1


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """Where each item is cut into levels.

    Attributes
    ----------
    cuts : tuple of array
        Of each item, on the footing of ``Variables.scaled``; a value at a cut lies above it.
    """

    cuts: tuple[Floats, ...]

    def code(self, scaled: Floats) -> Ints:
        """Level of every answer from 0, (rows, items); ``GAP`` where there is none."""
        out = np.empty(scaled.shape, dtype=np.int64)
        for j, cuts in enumerate(self.cuts):
            found = np.searchsorted(cuts, scaled[:, j], side="right")
            out[:, j] = np.where(np.isnan(scaled[:, j]), GAP, found)
        return out


def find_levels(variables: Variables) -> Levels:
    """Find the levels of each item from the answers given.

    Ticks and nominal items have their own answers; a scale each answer in use, up to
    ``MOST_LEVELS`` of them; numbers, and scales with more, are cut at their quartiles into
    ``GROUPS`` groups (fewer where many share a value). The order of levels is not used by
    latent classes.
    """
    answers = variables.answered
    cuts = []
    for j in range(answers.shape[1]):
        known = answers[:, j][~np.isnan(answers[:, j])]
        values = np.unique(known)
        whole = variables.categorical[j] or variables.items["kind"].iloc[j] == "scale"
        if whole and (len(values) <= MOST_LEVELS or variables.categorical[j]):
            cuts.append((values[1:] + values[:-1]) / 2)
        else:
            quartiles = np.quantile(known, np.arange(1, GROUPS) / GROUPS)
            cuts.append(np.unique(quartiles[quartiles > values[0]]))
    return Levels(tuple(cuts))
