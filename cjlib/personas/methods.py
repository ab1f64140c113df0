"""One way to make segments, whatever the method, and to place people in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import pandas as pd

from cjlib.errors import JourneyError, TooFewError, nearest
from cjlib.personas.clustering import (
    Floats,
    Ints,
    KMeansFit,
    assign,
    find_patterns,
    fit_kmeans,
    measure_margin,
)
from cjlib.personas.gaussian import GaussianFit, fit_gaussian_classes
from cjlib.personas.variables import Variables

METHODS: Final = ("kmeans", "gaussian")
MOST_ROWS: Final = 5_000  # rows that starts are tried on; everybody is then placed


class Model(Protocol):
    """What a method found, in its own terms."""

    def weigh(self, rows: Floats) -> tuple[Ints, Floats, Floats | None]:
        """Label, margin and chances of rows as in ``Variables.scaled``."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Segments made by one method, numbered from 0 in order of weight, the largest first.

    Attributes
    ----------
    method : str
    k : int
    labels : array (kept rows,)
    margin : array (kept rows,)
        How clearly each person belongs, 0 on the border to 1: 1 - (nearest) / (second
        nearest), of distances for "kmeans" and, turned round, of chances where there are
        ``memberships``: 1 - (second most probable) / (most probable). Missing for k = 1.
    memberships : array (kept rows, k) or None
        Chance of belonging to each segment, for mixtures.
    fit : float
        What the method makes best, named in ``criterion``.
    criterion : str
        "squared error" (smaller is better) or "log-likelihood" (larger).
    starts : int
        Starts carried to the end; 0 where a method has none.
    share_at_best : float
        Share of them that ended in this solution; missing where a method has no starts.
    bic : float
        Of a mixture, smaller is better; missing for the others.
    variables : Variables
        What they were made on.
    model : Model
    """

    method: str
    k: int
    labels: Ints
    margin: Floats
    memberships: Floats | None
    fit: float
    criterion: str
    starts: int
    share_at_best: float
    bic: float
    variables: Variables
    model: Model

    def place(self, rows: Floats | pd.DataFrame) -> Ints:
        """Segment of each row; the lower number wins a tie.

        Parameters
        ----------
        rows : DataFrame or array (people, items)
            Answers, items as columns, as in ``Variables.raw`` or the respondents table; or an
            array on the footing of ``Variables.scaled``. NaN is a gap: latent classes leave it
            out, the others take the item's median.
        """
        return self._weigh(rows)[0]

    def measure_margin(self, rows: Floats | pd.DataFrame) -> Floats:
        """How clearly each row belongs; rows as in ``place``."""
        return self._weigh(rows)[1]

    def measure_memberships(self, rows: Floats | pd.DataFrame) -> Floats | None:
        """Chance of each row to belong to each segment, (rows, k); None without chances."""
        return self._weigh(rows)[2]

    def _weigh(self, rows: Floats | pd.DataFrame) -> tuple[Ints, Floats, Floats | None]:
        scaled = self.variables.scale(rows) if isinstance(rows, pd.DataFrame) else rows
        return self.model.weigh(scaled)

    def summary(self) -> str:
        """Say how large the segments are and how they were found."""
        shares = np.bincount(self.labels, weights=self.variables.row_weights, minlength=self.k)
        said = ", ".join(f"{share:.0%}" for share in shares / shares.sum())
        found = (
            f"; {self.share_at_best:.0%} of {self.starts} starts ended there" if self.starts else ""
        )
        return (
            f"{self.k} segments by {self.method} ({said}); {self.criterion} {self.fit:,.2f}{found}."
        )


def fit_segments(
    variables: Variables, k: int, *, method: str = "kmeans", rng: np.random.Generator
) -> Segments:
    """Divide people into k segments by one of ``METHODS``.

    "kmeans": least squared distance to k centres. "gaussian": most likely mixture of k normal
    classes with independent items; a person belongs where it is most probable. Both work on
    ``variables.matrix`` and its unique rows with weights; above ``MOST_ROWS`` rows a sample
    finds the segments and everybody is placed.

    Parameters
    ----------
    variables : Variables
    k : int
        1 gives one segment of all.
    method : str
    rng : Generator

    Raises
    ------
    JourneyError
        If the method is unknown or k is below 1.
    TooFewError
        If there are fewer people, or fewer different people, than segments.
    """
    if method not in METHODS:
        hint = nearest(method, METHODS)
        raise JourneyError(
            f"fit_segments: method must be one of {', '.join(METHODS)}; got {method!r}."
            + (f" Did you mean {hint!r}?" if hint else " Choose one.")
        )
    if k < 1:
        raise JourneyError(
            f"fit_segments: k must be 1 or more; got {k}. Say how many segments to make."
        )
    people = len(variables.scaled)
    if people < k:
        raise TooFewError(
            f"fit_segments: {k} segments need {k} people with answers; there are {people}. Ask "
            "for fewer segments."
        )
    fit = {"kmeans": _fit_kmeans, "gaussian": _fit_gaussian}[method]
    return fit(variables, k, rng)


@dataclass(frozen=True, slots=True, eq=False)
class _Centres:
    """Nearest centre, by distance on the prepared matrix."""

    variables: Variables
    centres: Floats

    def weigh(self, rows: Floats) -> tuple[Ints, Floats, Floats | None]:
        x = self.variables.prepare(rows)
        return assign(x, self.centres), measure_margin(x, self.centres), None


def _fit_kmeans(variables: Variables, k: int, rng: np.random.Generator) -> Segments:
    values, weights = _sample(variables, rng)
    return take_centres(variables, fit_kmeans(find_patterns(values, weights), k, rng=rng))


def take_centres(variables: Variables, found: KMeansFit) -> Segments:
    """Return the segments of a k-means fit to the same variables."""
    k = len(found.centres)
    model = _Centres(variables, found.centres)
    labels, margin, _ = model.weigh(variables.scaled)
    return Segments(
        "kmeans", k, labels, margin, None, found.error, "squared error",
        len(found.start_errors), found.share_at_best, np.nan, variables, model,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Classes:
    """Most probable normal class of the prepared matrix."""

    variables: Variables
    found: GaussianFit

    def weigh(self, rows: Floats) -> tuple[Ints, Floats, Floats | None]:
        chances = self.found.measure_memberships(self.variables.prepare(rows))
        return (*read_chances(chances), chances)


def _fit_gaussian(variables: Variables, k: int, rng: np.random.Generator) -> Segments:
    values, weights = _sample(variables, rng)
    patterns = find_patterns(values, weights)
    labels = fit_kmeans(patterns, k, rng=rng).labels
    found = fit_gaussian_classes(patterns, k, rng=rng, labels=labels)
    model = _Classes(variables, found)
    placed, margin, chances = model.weigh(variables.scaled)
    return Segments(
        "gaussian", k, placed, margin, chances, found.log_likelihood, "log-likelihood",
        len(found.start_likelihoods), found.share_at_best, found.bic, variables, model,
    )  # fmt: skip


def read_chances(chances: Floats) -> tuple[Ints, Floats]:
    """Most probable class of each row, and 1 - (second most probable) / (most probable)."""
    labels = chances.argmax(axis=1).astype(np.int64)
    if chances.shape[1] == 1:
        return labels, np.full(len(chances), np.nan)
    two = np.partition(chances, -2, axis=1)[:, -2:]
    return labels, 1 - two[:, 0] / two[:, 1]


def _sample(variables: Variables, rng: np.random.Generator) -> tuple[Floats, Floats]:
    values, weights = variables.matrix, variables.row_weights
    if len(values) <= MOST_ROWS:
        return values, weights
    chosen = np.sort(rng.choice(len(values), MOST_ROWS, replace=False))
    return values[chosen], weights[chosen]
