"""One way to make segments, whatever the method, and to place people in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
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
from cjlib.personas.latent import LatentClasses, fit_latent_classes
from cjlib.personas.levels import GAP, Levels, find_levels
from cjlib.personas.prototypes import PrototypesFit, find_mixed_rows, fit_prototypes
from cjlib.personas.variables import Variables
from cjlib.personas.ward import fit_ward

METHODS: Final = ("kmeans", "latent_class", "gaussian", "kprototypes", "ward")
MOST_ROWS: Final = {"kmeans": 5_000, "gaussian": 5_000, "ward": 5_000}  # the rest is placed


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
        How clearly each person belongs, 0 on the border to 1. Of mixtures 1 - (chance of the
        second most probable) / (of the most probable); else 1 - (distance to the nearest
        centre) / (to the second nearest), the distance to a prototype being the root of its
        cost. Below 0 where a person of "ward" lies nearer to another segment's centre. Missing
        for k = 1.
    memberships : array (kept rows, k) or None
        Chance of belonging to each segment, for "latent_class" and "gaussian".
    fit : float
        What the method makes best, named in ``criterion``.
    criterion : str
        "squared error" or "cost" (smaller is better), or "log-likelihood" (larger).
    starts : int
        Starts carried to the end; 0 for "ward", which has none.
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

    def place_all(self, variables: Variables) -> Segments:
        """Return the same segments with everybody of ``variables`` placed in them."""
        if len(variables.scaled) == len(self.labels):
            return self
        labels, margin, chances = self.model.weigh(variables.answered)
        return replace(self, labels=labels, margin=margin, memberships=chances, variables=variables)

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

    "kmeans": least squared distance to k centres. "ward": the tree that joins groups where
    that adds least squared distance, cut at k. "gaussian": most likely mixture of k normal
    classes with independent items; made for numbers and ratings, it is poor where many items are
    yes and no. These three work on ``variables.matrix``. "kprototypes": least
    squared distance in numbers and ratings plus gamma for each category that differs, with
    Huang's gamma of half the mean standard deviation of the numbers. "latent_class": most
    likely mixture of k classes with independent answers, all taken as categories
    (``find_levels``) without correction of answering style; gaps stay gaps. In a mixture a person
    belongs where it is most probable. All work on distinct rows with weights; above
    ``MOST_ROWS`` a sample finds the segments and everybody is placed.

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
    return _FITS[method](variables, k, rng)


@dataclass(frozen=True, slots=True, eq=False)
class _Centres:
    """Nearest centre, by distance on the prepared matrix."""

    variables: Variables
    centres: Floats

    def weigh(self, rows: Floats) -> tuple[Ints, Floats, Floats | None]:
        x = self.variables.prepare(rows)
        return assign(x, self.centres), measure_margin(x, self.centres), None


def _fit_kmeans(variables: Variables, k: int, rng: np.random.Generator) -> Segments:
    chosen = _choose_rows(variables, k, "kmeans", rng)
    patterns = find_patterns(variables.matrix[chosen], variables.row_weights[chosen])
    return take_centres(variables, fit_kmeans(patterns, k, rng=rng))


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
    chosen = _choose_rows(variables, k, "gaussian", rng)
    patterns = find_patterns(variables.matrix[chosen], variables.row_weights[chosen])
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


def _choose_rows(variables: Variables, k: int, method: str, rng: np.random.Generator) -> Ints:
    """Rows with a weight, at most ``MOST_ROWS``, of which at least k must differ."""
    chosen = np.flatnonzero(variables.row_weights > 0)
    most = MOST_ROWS.get(method, len(chosen))
    if len(chosen) > most:
        chosen = np.sort(rng.choice(chosen, most, replace=False))
    _require_different(len(np.unique(variables.scaled[chosen], axis=0)), k)
    return chosen


def _require_different(different: int, k: int) -> None:
    if different < k:
        raise TooFewError(
            f"fit_segments: {k} segments need {k} people with different answers; there are "
            f"{different}. Ask for fewer segments or use more variables."
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Answers:
    """Most probable latent class of the answers given."""

    levels: Levels
    used: Ints
    found: LatentClasses

    def weigh(self, rows: Floats) -> tuple[Ints, Floats, Floats | None]:
        codes = self.levels.code(rows)[:, self.used]
        for j, known in enumerate(self.found.categories.levels):
            codes[~np.isin(codes[:, j], np.asarray(known)), j] = GAP  # nobody answered so before
        distinct, of_row = np.unique(codes, axis=0, return_inverse=True)
        chances = self.found.place(distinct).to_numpy(dtype=float)
        chances = np.where(np.isnan(chances), self.found.shares, chances)[of_row.reshape(-1)]
        return (*read_chances(chances), chances)


def _fit_latent_class(variables: Variables, k: int, rng: np.random.Generator) -> Segments:
    levels = find_levels(variables)
    codes = levels.code(variables.answered)
    used = np.flatnonzero([len(np.unique(c[c != GAP])) > 1 for c in codes.T])
    weighted = variables.row_weights > 0
    _require_different(len(np.unique(codes[weighted][:, used], axis=0)), k)
    found = fit_latent_classes(codes[:, used], k, weights=variables.row_weights, rng=rng)
    model = _Answers(levels, used, found)
    labels, margin, chances = model.weigh(variables.answered)
    row = found.table.iloc[0]
    return Segments(
        "latent_class", k, labels, margin, chances, found.log_likelihood, "log-likelihood",
        int(row["starts"]), float(row["share_at_best"]), found.bic, variables, model,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Prototypes:
    """Prototype of least cost."""

    variables: Variables
    found: PrototypesFit

    def weigh(self, rows: Floats) -> tuple[Ints, Floats, Floats | None]:
        costs = self.found.measure_costs(*self.variables.part(rows))
        labels = costs.argmin(axis=1).astype(np.int64)
        if costs.shape[1] == 1:
            return labels, np.full(len(costs), np.nan), None
        two = np.sqrt(np.partition(costs, 1, axis=1)[:, :2])
        share = np.divide(two[:, 0], two[:, 1], out=np.ones(len(two)), where=two[:, 1] > 0)
        return labels, 1 - share, None


def _fit_kprototypes(variables: Variables, k: int, rng: np.random.Generator) -> Segments:
    _choose_rows(variables, k, "kprototypes", rng)
    numbers, codes = variables.part(variables.scaled)
    rows = find_mixed_rows(numbers, codes, variables.row_weights)
    found = fit_prototypes(rows, k, rng=rng)
    model = _Prototypes(variables, found)
    labels, margin, _ = model.weigh(variables.scaled)
    return Segments(
        "kprototypes", k, labels, margin, None, found.cost, "cost", len(found.start_costs),
        found.share_at_best, np.nan, variables, model,
    )  # fmt: skip


def _fit_ward(variables: Variables, k: int, rng: np.random.Generator) -> Segments:
    """Rows of weight 0, and those beyond ``MOST_ROWS``, go to the nearest centre."""
    values, weights = variables.matrix, variables.row_weights
    chosen = _choose_rows(variables, k, "ward", rng)
    patterns = find_patterns(values[chosen], weights[chosen])
    found = fit_ward(patterns, k)
    model = _Centres(variables, found.centres)
    labels = model.weigh(variables.scaled)[0]
    labels[chosen] = found.labels[patterns.of_row]
    gaps = np.sqrt(((values[:, None] - found.centres) ** 2).sum(axis=2))
    margin = np.full(len(values), np.nan)
    if k > 1:
        own = np.take_along_axis(gaps, labels[:, None], axis=1)[:, 0]
        np.put_along_axis(gaps, labels[:, None], np.inf, axis=1)
        other = gaps.min(axis=1)
        margin = 1 - np.divide(own, other, out=np.full(len(own), np.inf), where=other > 0)
    return Segments(
        "ward", k, labels, margin, None, found.error, "squared error", 0, np.nan, np.nan,
        variables, model,
    )  # fmt: skip


_FITS: Final[dict[str, Callable[[Variables, int, np.random.Generator], Segments]]] = {
    "kmeans": _fit_kmeans, "latent_class": _fit_latent_class, "gaussian": _fit_gaussian,
    "kprototypes": _fit_kprototypes, "ward": _fit_ward,
}  # fmt: skip
