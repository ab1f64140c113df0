"""Contrasts of means and ratios between cells: before and after, with and without a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from cjlib.errors import JourneyError
from cjlib.intervals.means import degrees_of_freedom
from cjlib.intervals.model import require_level


@dataclass(frozen=True, slots=True)
class Contrast:
    """A weighted sum of cell values with its interval.

    Attributes
    ----------
    estimate, low, high : float
        Interval missing where all answers (or all changes) are alike, or a cell has one cluster.
    p : float
        Two-sided, of a contrast of 0.
    error, freedom : float
        Standard error and degrees of freedom.
    clusters : int
        Different people in the cells.
    repeated : int
        Those of them who are in more than one cell.
    means : mapping of cell to its value
    sizes : mapping of cell to its number of people
    level : float
    method : str
    """

    estimate: float
    low: float
    high: float
    p: float
    error: float
    freedom: float
    clusters: int
    repeated: int
    means: Mapping[str, float]
    sizes: Mapping[str, int]
    level: float
    method: str


def estimate_contrast(
    values: npt.ArrayLike,
    cells: npt.ArrayLike,
    contrast: Mapping[str, float],
    weights: npt.ArrayLike | None = None,
    *,
    clusters: npt.ArrayLike | None = None,
    denominators: npt.ArrayLike | None = None,
    level: float = 0.95,
) -> Contrast:
    """Estimate a contrast of (weighted) cell means, clustered where the same people answer.

    A cell's value is sum(w y) / sum(w x), with x = 1 its mean. Rows of one cluster (a person)
    may lie in several cells; their errors are added up before they are squared, so that who
    answers before and after counts as the pair that he is. For difference in differences the
    contrast is {"reached after": 1, "reached before": -1, "other after": -1, "other before": 1}.

    The squared error is the sum over clusters of (sum of c w (y - m x) / sum(w x))², each
    cell's terms enlarged by sqrt(k / (k - 1)) for its k clusters: with independent rows that
    is Welch's error exactly, with two answers of each person the paired one. Degrees of
    freedom are Welch's from the cells (those of ``measure_error`` in each), at most the
    number of clusters less one.

    Parameters
    ----------
    values : array of float, one per row
        Rows with a missing value, weight or cluster, or of weight 0, are left out,
        as are rows of cells that the contrast does not name.
    cells : array of labels, one per row
    contrast : mapping of cell to coefficient
    weights : array of float, optional
    clusters : array of ids, one per row, optional
        Every row its own where not given.
    denominators : array of float, optional
        x above, not negative; 1 where not given.
    level : float, 0 to 1

    Raises
    ------
    JourneyError
        If a cell of the contrast has no row, or the arrays differ in length.

    References
    ----------
    Liang, K.-Y. and Zeger, S. L. (1986). Biometrika 73, 13-22.
    Lumley, T. (2010). Complex Surveys. Wiley, section 2.
    """
    require_level(level, caller="estimate_contrast")
    y = np.asarray(values, dtype=float)
    w = np.ones_like(y) if weights is None else np.asarray(weights, dtype=float)
    x = np.ones_like(y) if denominators is None else np.asarray(denominators, dtype=float)
    who = np.arange(len(y)) if clusters is None else pd.factorize(np.asarray(clusters))[0]
    where = pd.Index(contrast).get_indexer(pd.Index(np.asarray(cells, dtype=object)))
    if len({len(y), len(w), len(x), len(who), len(where)}) > 1:
        raise JourneyError(
            f"estimate_contrast: values, cells, weights, clusters and denominators must have one "
            f"length; got {len(y)}, {len(where)}, {len(w)}, {len(who)} and {len(x)}."
        )
    kept = ~np.isnan(y) & (w > 0) & (x >= 0) & (where >= 0) & (who >= 0)
    y, w, x, who, where = y[kept], w[kept], x[kept], who[kept], where[kept]
    total = np.bincount(where, w * x, minlength=len(contrast))
    if (total == 0).any():
        empty = [str(cell) for cell, t in zip(contrast, total, strict=True) if t == 0]
        raise JourneyError(
            f"estimate_contrast: every cell of the contrast must have a row; there is none in "
            f"{', '.join(map(repr, empty))}. Leave it out of the contrast."
        )
    means = np.bincount(where, w * y, minlength=len(contrast)) / total
    pair, row = np.unique(np.column_stack([where, who]), axis=0, return_inverse=True)
    row = row.ravel()
    apart = np.bincount(row, w * (y - means[where] * x) / total[where])
    load = np.bincount(row, w)  # what a cluster weighs in its cell
    size = np.bincount(pair[:, 0], minlength=len(contrast))
    coefficient = np.array(list(contrast.values()), dtype=float)
    people, times = np.unique(pair[:, 1], return_counts=True)
    estimate = float(coefficient @ means)
    counts = len(people), int((times > 1).sum())
    shown = dict(zip(contrast, means.tolist(), strict=True))
    sizes = dict(zip(contrast, size.tolist(), strict=True))
    nan = float("nan")
    if (size < 2).any():
        return Contrast(
            estimate, nan, nan, nan, nan, nan, *counts, shown, sizes, level, "one person: no test"
        )
    apart = apart * np.sqrt(size / (size - 1))[pair[:, 0]] * coefficient[pair[:, 0]]
    together = np.bincount(np.searchsorted(people, pair[:, 1]), apart)
    error = float(np.sqrt((together**2).sum()))
    if error <= 1e-12 * float(np.abs(means).max()):
        why = "all answers alike: no test"
        return Contrast(estimate, nan, nan, nan, 0.0, nan, *counts, shown, sizes, level, why)
    own = np.bincount(pair[:, 0], apart**2, minlength=len(contrast))
    degrees = [degrees_of_freedom(load[pair[:, 0] == c]) for c in range(len(contrast))]
    freedom = min(float(own.sum() ** 2 / (own**2 / degrees).sum()), len(people) - 1.0)
    half = float(stats.t.ppf(0.5 + level / 2, freedom)) * error
    p = float(2 * stats.t.sf(abs(estimate) / error, freedom))
    even = np.ptp(w) <= 1e-12 * w.max()
    method = ("" if even else "weighted; ") + "t, by respondent"
    return Contrast(
        estimate, estimate - half, estimate + half, p, error, freedom, *counts, shown, sizes,
        level, method,
    )  # fmt: skip
