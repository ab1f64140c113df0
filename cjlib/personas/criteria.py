"""What speaks for a number of segments: prediction strength, gap, and which k each picks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from cjlib.personas.clustering import Floats, Patterns
from cjlib.personas.stability import fit_converged, fit_samples, label_refits

SPLITS: Final = 15  # halvings of the rows
GAP_DRAWS: Final = 10
GAP_STARTS: Final = 5
PREDICTS: Final = 0.8  # prediction strength above which segments count as foretold
HOLDS: Final = 0.75  # Jaccard overlap from which a segment counts as stable (Hennig)


def measure_prediction_strength(
    patterns: Patterns, k: int, *, rng: np.random.Generator, splits: int = SPLITS
) -> Floats:
    """How well one half of the rows foretells the segments of the other: one value a split.

    Both halves are clustered; each row of a half also gets the segment of the nearest centre
    of the other half. Of each segment, the share of its pairs of rows that stay together
    there; the least over the segments, the mean of the two directions. A segment of one row
    counts as 1. Weights of rows count in the fits and in the pairs.

    References
    ----------
    Tibshirani, R. and Walther, G. (2005). Cluster validation by prediction strength. Journal
    of Computational and Graphical Statistics 14, 511-528.
    """
    n, m = len(patterns.of_row), len(patterns.values)
    half = np.zeros((2 * splits, n), dtype=bool)
    for s in range(splits):
        first = rng.permutation(n)[: n // 2]
        half[s, first] = True
        half[splits + s] = ~half[s]
    mass = np.empty((2 * splits, m))
    squares = np.empty((2 * splits, m))
    for s, rows in enumerate(half):
        w, at = patterns.row_weights[rows], patterns.of_row[rows]
        mass[s] = np.bincount(at, weights=w, minlength=m)
        squares[s] = np.bincount(at, weights=w**2, minlength=m)
    labels = label_refits(patterns.values, fit_converged(patterns.values, mass, k, rng=rng))
    least = np.empty(2 * splits)
    for s in range(2 * splits):
        other = labels[(s + splits) % (2 * splits)]
        cell = labels[s] * k + other
        sums = np.bincount(cell, weights=mass[s], minlength=k * k).reshape(k, k)
        own = np.bincount(cell, weights=squares[s], minlength=k * k).reshape(k, k)
        kept = (sums**2 - own).sum(axis=1)
        every = sums.sum(axis=1) ** 2 - own.sum(axis=1)
        share = np.divide(kept, every, out=np.ones(k), where=every > 1e-9)
        least[s] = share.min()
    return (least[:splits] + least[splits:]) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Gap:
    """The gap statistic of each number of segments.

    Attributes
    ----------
    table : DataFrame
        ``k, log_error, expected, gap, gap_se``; ``gap_se`` is the standard deviation of the
        draws times the root of 1 + 1 / draws.
    draws : int
    """

    table: pd.DataFrame
    draws: int

    @property
    def k(self) -> int | None:
        """The least k whose gap is within one ``gap_se`` of the next one's; None if no k is."""
        gap, error = self.table["gap"].to_numpy(), self.table["gap_se"].to_numpy()
        holds = np.flatnonzero(gap[:-1] >= gap[1:] - error[1:])
        return int(self.table["k"].iloc[holds[0]]) if len(holds) else None


def measure_gap(
    patterns: Patterns,
    errors: dict[int, float],
    *,
    rng: np.random.Generator,
    draws: int = GAP_DRAWS,
) -> Gap:
    """Gap statistic: how much lower log(error) is than on rows without segments.

    The reference is drawn uniformly over the box along the principal axes of the rows (not
    over the box of the items themselves), as many rows with the same weights, and clustered
    with ``GAP_STARTS`` starts, which continuous rows need fewer of.

    Parameters
    ----------
    patterns : Patterns
    errors : dict of int to float
        k-means error for each k from 2; that of one segment is computed.

    References
    ----------
    Tibshirani, R., Walther, G. and Hastie, T. (2001). JRSS B 63, 411-423.
    """
    rows, w = np.take(patterns.values, patterns.of_row, axis=0), patterns.row_weights
    middle = rows.mean(axis=0)
    axes = np.linalg.svd(rows - middle, full_matrices=False)[2]
    turned = (rows - middle) @ axes.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    counts = [1, *sorted(errors)]
    drawn = np.empty((draws, len(counts)))
    for d in range(draws):
        x = rng.uniform(low, high, turned.shape)  # errors do not change when turned back
        drawn[d] = np.log([_least_error(x, w, k, rng) for k in counts])
    own = np.log([_least_error(rows, w, 1, rng), *(errors[k] for k in counts[1:])])
    table = pd.DataFrame({"k": counts, "log_error": own, "expected": drawn.mean(axis=0)})
    table["gap"] = table["expected"] - table["log_error"]
    table["gap_se"] = drawn.std(axis=0) * np.sqrt(1 + 1 / draws)
    return Gap(table, draws)


def _least_error(x: Floats, w: Floats, k: int, rng: np.random.Generator) -> float:
    if k == 1:
        return float(w @ ((x - np.average(x, axis=0, weights=w)) ** 2).sum(axis=1))
    c = fit_samples(x, w[None], k, rng=rng, starts=GAP_STARTS)[0]
    near = ((c**2).sum(axis=1) - 2 * x @ c.T).min(axis=1)
    return float(w @ (near + (x**2).sum(axis=1)))


def list_picks(table: pd.DataFrame, gap: Gap | None) -> pd.DataFrame:
    """Return which k each criterion would pick: ``criterion, k, value, rule``.

    ``k`` is missing where the rule picks none; criteria that were not measured are left out.
    """
    rows = table[table["k"].ge(2)]
    rules: list[tuple[str, str, Callable[[pd.Series], int | None], str]] = [
        ("stability", "stability", _highest, "highest mean adjusted Rand between refits"),
        ("instability", "instability", _lowest, "fewest pairs of people parted by one refit "
         "and not the other"),
        ("least stable segment", "slsw", lambda v: _last(v, HOLDS),
         f"most segments of which each overlaps its likeness in refits by {HOLDS} or more"),
        ("prediction strength", "prediction_strength", lambda v: _last(v, PREDICTS),
         f"most segments with a strength of {PREDICTS} or more, else 1"),
        ("silhouette", "silhouette", _highest, "widest mean silhouette"),
        ("BIC", "bic", _lowest, "lowest BIC of a mixture"),
    ]  # fmt: skip
    found: list[tuple[str, int | None, float, str]] = []
    for name, column, pick, rule in rules:
        source = table if column == "bic" else rows
        values = source.set_index("k")[column].dropna()
        if values.empty:
            continue
        k = pick(values)
        if k is None and column == "prediction_strength":
            found.append((name, 1, 1.0, rule))
            continue
        found.append((name, k, np.nan if k is None else float(values.loc[k]), rule))
    if gap is not None:
        k = gap.k
        value = np.nan if k is None else float(gap.table.set_index("k")["gap"].loc[k])
        rule = "fewest segments whose gap is within one standard error of the next one's"
        found.append(("gap", k, value, rule))
    picks = pd.DataFrame(found, columns=["criterion", "k", "value", "rule"])
    picks["k"] = picks["k"].astype("Int64")
    return picks


def _highest(values: pd.Series) -> int:
    return int(values.index[int(values.argmax())])


def _lowest(values: pd.Series) -> int:
    return int(values.index[int(values.argmin())])


def _last(values: pd.Series, least: float) -> int | None:
    able = values[values >= least]
    return None if able.empty else int(able.index.max())
