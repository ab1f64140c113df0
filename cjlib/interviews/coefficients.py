"""Coefficients of agreement: alpha, kappa, AC1 and their plain parts, for any judgements."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from cjlib.errors import JourneyError
from cjlib.intervals import Estimate, Floats, require_level, unknown

METRICS: Final = ("nominal", "ordinal", "interval", "ratio")
RESAMPLES: Final = 1_000
FEWEST_GROUPS: Final = 10  # fewer interviews resampled say nothing of how interviews differ
SPAN: Final = 16  # whole numbers this close together are counted without sorting


def krippendorff_alpha(values: npt.ArrayLike, *, metric: str = "nominal") -> float:
    """Krippendorff's alpha: 1 - observed disagreement / that expected by chance.

    Parameters
    ----------
    values : array, coders x units, of float
        Missing (NaN) where a coder did not judge a unit; units with fewer than two
        judgements drop out.
    metric : "nominal", "ordinal", "interval" or "ratio"
        What counts as a difference: any; ranks between; distance; distance for its size
        (values then must not be negative).

    Returns
    -------
    float
        At most 1; 0 is what chance gives; missing where all judgements are the same value,
        for then nothing can be told.

    References
    ----------
    Krippendorff, K. (2011). Computing Krippendorff's Alpha-Reliability. University of
    Pennsylvania.
    """
    levels, counts = _count_pairable(values, metric, caller="krippendorff_alpha")
    if not len(counts):
        return float("nan")
    weighed = counts / (counts.sum(axis=1) - 1)[:, None]
    observed = counts.T @ weighed - np.diag(weighed.sum(axis=0))
    return float(_alpha(observed[None], counts.sum(axis=0)[None], levels, metric)[0])


def estimate_alpha(
    values: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    metric: str = "nominal",
    groups: Sequence[object] | None = None,
    level: float = 0.95,
    minimum: int = 30,
) -> Estimate:
    """Krippendorff's alpha with a percentile bootstrap interval.

    Units are drawn anew, or whole groups of units (interviews, say) where ``groups`` names
    the group of each; ``method`` says which. With fewer than 10 groups there is no interval.

    Parameters
    ----------
    values : array, coders x units, of float
        As for ``krippendorff_alpha``.
    rng : Generator
    metric : str
    groups : sequence, one per unit, optional
    level : float, 0 to 1
    minimum : int
        Below this many units with two judgements alpha is not given.
    """
    require_level(level, caller="estimate_alpha")
    levels, counts = _count_pairable(values, metric, caller="estimate_alpha")
    n = len(counts)
    if n < minimum:
        return unknown(n, level=level, why=f"too few (n < {minimum})")
    size = len(levels)
    weighed = counts / (counts.sum(axis=1) - 1)[:, None]
    pairs = counts[:, :, None] * weighed[:, None, :]
    pairs[:, np.arange(size), np.arange(size)] -= weighed
    features = np.hstack([pairs.reshape(n, -1), counts])
    owner = None
    if groups is not None:
        judged = np.asarray(values, dtype=float)
        owner = np.asarray(groups, dtype=object)[(~np.isnan(judged)).sum(axis=0) >= 2]
    sums = resample_sums(features, rng=rng, groups=owner)
    drawn = _alpha(sums[:, :-size].reshape(-1, size, size), sums[:, -size:], levels, metric)
    unit = "units" if owner is None else "groups"
    what = f"Krippendorff's alpha, {metric}, bootstrap over {unit}"
    few = owner is not None and len(set(owner)) < FEWEST_GROUPS
    return to_estimate(drawn, n=n, level=level, method=what, without_interval=few)


def cohen_kappa(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Cohen's kappa of two coders' judgements; units that one of them left out drop out.

    (agreement - agreement by chance) / (1 - agreement by chance), chance from each coder's
    own shares. Missing where both give one and the same value throughout.

    References
    ----------
    Cohen, J. (1960). Educational and Psychological Measurement 20, 37-46.
    """
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    both = ~np.isnan(a) & ~np.isnan(b)
    a, b = a[both], b[both]
    if not len(a):
        return float("nan")
    levels = np.unique(np.concatenate([a, b]))
    chance = sum(float((a == v).mean() * (b == v).mean()) for v in levels)
    return (float((a == b).mean()) - chance) / (1 - chance) if chance < 1 else float("nan")


def mean_kappa(values: npt.ArrayLike) -> float:
    """Cohen's kappa averaged over all pairs of coders for which it can be told.

    References
    ----------
    Light, R. J. (1971). Psychological Bulletin 76, 365-377.
    """
    table = np.asarray(values, dtype=float)
    found = [cohen_kappa(table[a], table[b]) for a, b in combinations(range(len(table)), 2)]
    known = [kappa for kappa in found if not np.isnan(kappa)]
    return float(np.mean(known)) if known else float("nan")


def percent_agreement(values: npt.ArrayLike) -> float:
    """Share of pairs of coders that agree on a unit, averaged over units; 0 to 1.

    Units with fewer than two judgements drop out; missing where none is left. Chance is not
    taken out.
    """
    _, counts = _count(values)
    judges = counts.sum(axis=1)
    part = counts[judges >= 2]
    if not len(part):
        return float("nan")
    judges = part.sum(axis=1)
    return float(((part * (part - 1)).sum(axis=1) / (judges * (judges - 1))).mean())


def gwet_ac1(values: npt.ArrayLike, *, categories: int | None = None) -> float:
    """Gwet's AC1: agreement beyond chance, where chance does not grow as one value prevails.

    (agreement - chance) / (1 - chance). Agreement is ``percent_agreement``; chance is the
    sum of p(1 - p) over the values, by one less than their number, p being a value's mean
    share over all units that anybody judged.

    Parameters
    ----------
    values : array, coders x units, of float
        Missing (NaN) where a coder did not judge a unit.
    categories : int, optional
        Values that could have been given; by default those that were.

    References
    ----------
    Gwet, K. L. (2008). British Journal of Mathematical and Statistical Psychology 61, 29-48.
    """
    levels, counts = _count(values)
    q = len(levels) if categories is None else categories
    if q < max(2, len(levels)):
        if categories is None:
            return float("nan")
        raise JourneyError(
            f"gwet_ac1: categories must be at least 2 and as many as the different values; got "
            f"{categories} for {len(levels)} values. Count all values a coder could have given."
        )
    judged = counts[counts.sum(axis=1) > 0]
    shares = (judged / judged.sum(axis=1)[:, None]).mean(axis=0)
    chance = float((shares * (1 - shares)).sum()) / (q - 1)
    return (percent_agreement(values) - chance) / (1 - chance)


def resample_sums(
    features: Floats, *, rng: np.random.Generator, groups: Sequence[object] | Floats | None = None
) -> Floats:
    """Sum the rows, then 1,000 resamples of the rows (or of whole groups of them).

    Rows that are alike are drawn together, so a million rows of few kinds cost no more than
    those few.
    """
    rows = features
    if groups is not None:
        names = {name: i for i, name in enumerate(dict.fromkeys(groups))}
        rows = np.zeros((len(names), features.shape[1]))
        np.add.at(rows, [names[name] for name in groups], features)
    patterns, counts = np.unique(rows, axis=0, return_counts=True)
    draws = rng.multinomial(counts.sum(), counts / counts.sum(), size=RESAMPLES)
    return np.asarray(np.vstack([counts, draws]).astype(float) @ patterns)


def to_estimate(
    drawn: Floats, *, n: int, level: float, method: str, without_interval: bool = False
) -> Estimate:
    """Make an estimate of the sample's value (first) and those of its resamples (the rest)."""
    if np.isnan(drawn[0]):
        return unknown(n, level=level, why="all judgements are the same")
    nan = float("nan")
    known = drawn[1:][~np.isnan(drawn[1:])]
    if without_interval or not len(known):
        why = f"{method}: no interval, fewer than {FEWEST_GROUPS}"
        return Estimate(float(drawn[0]), nan, nan, level, n, why)
    tail = (1 - level) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return Estimate(float(drawn[0]), float(low), float(high), level, n, method)


def _count_pairable(values: npt.ArrayLike, metric: str, *, caller: str) -> tuple[Floats, Floats]:
    """Different values, and how often each was given to each unit judged twice or more."""
    if metric not in METRICS:
        raise JourneyError(f"{caller}: metric must be one of {', '.join(METRICS)}; got {metric!r}.")
    levels, counts = _count(values)
    if metric == "ratio" and len(levels) and levels[0] < 0:
        raise JourneyError(
            f"{caller}: values must not be negative for metric 'ratio'; the smallest is "
            f"{levels[0]:g}. Take 'interval', or count from a true zero."
        )
    kept = counts[counts.sum(axis=1) >= 2]
    used = kept.sum(axis=0) > 0
    return levels[used], kept[:, used]


def _count(values: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Different values in order, and how often each was given to each unit."""
    table = np.asarray(values, dtype=float)
    if table.ndim != 2:
        raise JourneyError(
            f"agreement: values must be a table, coders x units; got {table.ndim} dimensions. "
            "Give one row per coder."
        )
    if not table.size or np.isnan(first := float(np.fmin.reduce(table, axis=None))):
        return np.empty(0), np.zeros((table.shape[1], 0))
    last = float(np.fmax.reduce(table, axis=None))
    known = table.size - int(np.isnan(table).sum())
    if last - first < SPAN:
        whole = np.arange(first, last + 1)
        counts = np.stack([np.count_nonzero(table == v, axis=0) for v in whole], axis=1)
        if counts.sum() == known:  # nothing lies between: all are whole steps from the first
            used = counts.any(axis=0)
            return whole[used], counts[:, used].astype(float)
    judged = ~np.isnan(table)
    units = np.broadcast_to(np.arange(table.shape[1]), table.shape)[judged]
    levels, place = np.unique(table[judged], return_inverse=True)
    size = len(levels)
    counts = np.bincount(units * size + place, minlength=table.shape[1] * size)
    return levels, counts.reshape(table.shape[1], size).astype(float)


def _alpha(observed: Floats, totals: Floats, levels: Floats, metric: str) -> Floats:
    """Alpha of many tables at once: coincidences (tables x levels x levels) and their totals."""
    n = totals.sum(axis=1)
    expected = totals[:, :, None] * totals[:, None, :]
    step = np.arange(len(levels))
    expected[:, step, step] -= totals
    distance = _distances(levels, totals, metric)
    apart = (observed * distance).sum(axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        chance = (expected * distance).sum(axis=(1, 2)) / (n - 1)
        return np.asarray(np.where(chance > 0, 1 - apart / chance, np.nan))


def _distances(levels: Floats, totals: Floats, metric: str) -> Floats:
    """Squared differences between levels, for each row of totals (ordinal) or once for all."""
    gaps = levels[:, None] - levels
    if metric == "nominal":
        return np.asarray(1 - np.eye(len(levels)))
    if metric == "interval":
        return np.asarray(gaps**2)
    if metric == "ratio":
        sums = levels[:, None] + levels
        return np.asarray(np.divide(gaps, sums, out=np.zeros_like(sums), where=sums != 0) ** 2)
    upto = np.cumsum(totals, axis=1)
    middle = upto - totals / 2  # mean rank of each level, but for a constant
    return np.asarray((middle[:, :, None] - middle[:, None, :]) ** 2)
