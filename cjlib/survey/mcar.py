"""Little's test of answers missing completely at random, on maximum-likelihood estimates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from cjlib.errors import ColumnError
from cjlib.intervals import Floats

Bools = npt.NDArray[np.bool_]

CHANCE: Final = 0.05
MOST_PATTERNS: Final = 5_000  # beyond, nearly every row is its own pattern and the test is empty
MOST_ROUNDS: Final = 5_000
CLOSE: Final = 1e-9  # largest change of a mean or covariance, in standard deviations
SINGULAR: Final = 1e-7  # least eigenvalue of the correlations
CELLS: Final = 4_000_000  # numbers held at a time


@dataclass(frozen=True, slots=True, eq=False)
class NormalFit:
    """Mean and covariance of a normal distribution, fitted to rows with gaps.

    Attributes
    ----------
    mean : array (columns,)
    covariance : array (columns, columns)
        Maximum likelihood: divided by n, not n - 1.
    rounds : int
        Rounds of EM.
    converged : bool
    singular : bool
        Some column is (nearly) a sum of others: there is no distribution to fit.
    """

    mean: Floats
    covariance: Floats
    rounds: int
    converged: bool
    singular: bool


@dataclass(frozen=True, slots=True, eq=False)
class Mcar:
    """What ``measure_mcar`` found.

    Attributes
    ----------
    chi2, df, p_value : float, int, float
        Little's statistic, its degrees of freedom and chi-squared tail; missing where the
        test cannot say, and then ``why`` tells the reason.
    patterns : int
        Different sets of answered items.
    n : int
        Rows with at least one answer.
    converged : bool
        Whether the fit settled within ``MOST_ROUNDS`` rounds.
    items : tuple of str
        What was tested.
    left_out : tuple of str
        Items without answers, or with one and the same answer from all: not tested.
    mean : Series
        Maximum-likelihood mean of each item.
    covariance : DataFrame
        Maximum-likelihood covariance (divided by n).
    why : str
        Empty where the test could be made.
    """

    chi2: float
    df: int
    p_value: float
    patterns: int
    n: int
    converged: bool
    items: tuple[str, ...]
    left_out: tuple[str, ...]
    mean: pd.Series
    covariance: pd.DataFrame
    why: str

    def summary(self) -> str:
        """Say what the test says, and what it cannot, in one sentence."""
        if self.why:
            return f"Little's test cannot say whether answers are missing at random: {self.why}."
        p = "p < .001" if self.p_value < 0.001 else f"p = {self.p_value:.3f}"
        found = (
            "people who leave items out differ in the answers they do give, so answers are not "
            "missing completely at random"
            if self.p_value < CHANCE
            else "nothing speaks against answers missing completely at random, which is no "
            "proof of it"
        )
        return (
            f"Little's test: {found} (chi-squared {self.chi2:.2f}, df {self.df}, {p}, "
            f"{self.patterns} patterns, n = {self.n:,}; it takes answers as normal and cannot "
            "see gaps that depend on the missing answer itself)."
        )


def measure_mcar(frame: pd.DataFrame) -> Mcar:
    """Test whether answers are missing completely at random (Little 1988).

    Rows are grouped by which items they answered. If gaps fell blindly, each group's means
    would differ from the overall maximum-likelihood means only by chance: the squared
    distances, in units of the maximum-likelihood covariance (EM, all rows with an answer),
    times the rows of each group, add up to a chi-squared with (sum of items answered over
    the groups) - (items) degrees of freedom. Made for normal answers and many rows; a small p
    speaks against MCAR, a large one proves nothing, and whether gaps depend on the missing
    answers themselves no test can tell. Weights are not used.

    Parameters
    ----------
    frame : DataFrame of numbers
        One row per person, one column per item, missing where not answered. Not changed.
        Rows without any answer are left out.

    Returns
    -------
    Mcar
        ``chi2`` missing and ``why`` said where nothing is missing, fewer than two items have
        a spread, two items were never answered together, an item is (nearly) a sum of
        others, there are over 5,000 patterns, or the fit does not settle.

    Raises
    ------
    ColumnError
        If a column holds no numbers.

    References
    ----------
    Little, R. J. A. (1988). JASA 83(404), 1198-1202. doi:10.1080/01621459.1988.10478722
    """
    values, names, left_out = _read(frame)
    values = values[~np.isnan(values).all(axis=1)]
    observed, groups = _group_patterns(values)
    n, size, patterns = len(values), len(names), len(observed)
    nothing = NormalFit(np.full(size, np.nan), np.full((size, size), np.nan), 0, False, False)
    why = _cannot_say(values, names, observed)
    fit = nothing if why else fit_normal(values)
    if fit.singular:
        why = "an item is (nearly) the sum of others, or there are too few rows for the items"
    elif not why and not fit.converged:
        why = f"the fit did not settle in {MOST_ROUNDS:,} rounds; take fewer items"
    chi2, df = float("nan"), int(observed.sum()) - size
    if not why:
        chi2 = _little_statistic(values, observed, groups, fit)
    p_value = float("nan") if why else float(stats.chi2.sf(chi2, df))
    return Mcar(
        chi2, max(df, 0), p_value, patterns, n, fit.converged, tuple(names), tuple(left_out),
        pd.Series(fit.mean, index=names), pd.DataFrame(fit.covariance, names, names), why,
    )  # fmt: skip


def _read(frame: pd.DataFrame) -> tuple[Floats, list[str], list[str]]:
    wrong = [c for c in frame.columns if not _is_number(frame[c])]
    if wrong:
        raise ColumnError(
            "measure_mcar: every column must hold numbers; "
            f"{', '.join(repr(str(c)) for c in wrong[:5])} "
            f"({len(wrong)} of {frame.shape[1]}) do not. Pass the rated items only."
        )
    values = frame.to_numpy(dtype=float, na_value=np.nan)
    spread = np.fmax.reduce(values, initial=np.nan) > np.fmin.reduce(values, initial=np.nan)
    names = np.array([str(c) for c in frame.columns], dtype=object)
    return values[:, spread], names[spread].tolist(), names[~spread].tolist()


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)


def _cannot_say(values: Floats, names: list[str], observed: Bools) -> str:
    if len(names) < 2:
        return "fewer than two items have answers that differ"
    if observed.all():
        return "nothing is missing"
    if len(observed) > MOST_PATTERNS:
        return f"the gaps have {len(observed):,} patterns, over {MOST_PATTERNS:,}; take fewer items"
    seen = (~np.isnan(values)).astype(float)
    together = seen.T @ seen
    apart = np.argwhere(np.triu(together == 0))
    if len(apart):
        first, second = (names[i] for i in apart[0])
        return f"'{first}' and '{second}' were never answered together"
    return ""


def fit_normal(values: Floats) -> NormalFit:
    """Fit a multivariate normal to rows with gaps by maximum likelihood (EM).

    Rows with the same gaps are passed through together, by their counts, sums and products:
    a round costs patterns times columns cubed, however many rows there are.

    Parameters
    ----------
    values : array (rows, columns)
        Missing (NaN) where not known; every column with a spread, no row wholly empty.

    References
    ----------
    Dempster, A. P., Laird, N. M. and Rubin, D. B. (1977). JRSS B 39, 1-38.
    Little, R. J. A. and Rubin, D. B. (2020). Statistical Analysis with Missing Data, ch. 11.
    """
    centre, spread = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    z = (values - centre) / spread
    totals = _total_patterns(z)
    size = z.shape[1]
    mean, covariance = np.zeros(size), np.eye(size)
    change, rounds = np.inf, 0
    while change > CLOSE and rounds < MOST_ROUNDS:
        total, second = _expect(mean, covariance, totals)
        new = total / len(z)
        spread_now = second / len(z) - np.outer(new, new)
        change = max(np.abs(new - mean).max(), np.abs(spread_now - covariance).max())
        mean, covariance, rounds = new, spread_now, rounds + 1
        if _least_eigenvalue(covariance) < SINGULAR:
            return NormalFit(mean, covariance, rounds, converged=False, singular=True)
    return NormalFit(
        centre + spread * mean, covariance * np.outer(spread, spread), rounds,
        converged=bool(change <= CLOSE), singular=False,
    )  # fmt: skip


def _least_eigenvalue(covariance: Floats) -> float:
    scale = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    return float(np.linalg.eigvalsh(covariance / np.outer(scale, scale))[0])


def _group_patterns(values: Floats) -> tuple[Bools, npt.NDArray[np.int64]]:
    """Different sets of known columns, and the set of each row."""
    known = ~np.isnan(values)
    if not known.size:
        return known[:0], np.zeros(len(known), dtype=np.int64)
    packed = np.ascontiguousarray(np.packbits(known, axis=1))
    codes, _ = pd.factorize(packed.view(f"S{packed.shape[1]}").ravel())
    first = np.unique(codes, return_index=True)[1]
    return known[first], np.asarray(codes, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class _Totals:
    """Rows, sums and sums of products of each pattern, 0 where not known."""

    observed: Bools
    rows: Floats
    sums: Floats
    products: Floats


def _total_patterns(z: Floats) -> _Totals:
    observed, groups = _group_patterns(z)
    patterns, size = observed.shape
    filled = np.nan_to_num(z)
    rows = np.bincount(groups, minlength=patterns)
    ends = np.cumsum(rows)
    order = np.argsort(groups, kind="stable")
    sums, products = np.empty((patterns, size)), np.empty((patterns, size, size))
    for pattern, (start, end) in enumerate(zip(ends - rows, ends, strict=True)):
        part = filled[order[start:end]]
        sums[pattern], products[pattern] = part.sum(axis=0), part.T @ part
    return _Totals(observed, rows.astype(float), sums, products)


def _expect(mean: Floats, covariance: Floats, totals: _Totals) -> tuple[Floats, Floats]:
    """Sum all rows and their products, gaps filled as the fit expects."""
    size = len(mean)
    total, second = np.zeros(size), np.zeros((size, size))
    step = max(1, CELLS // size**2)
    for start in range(0, len(totals.observed), step):
        part = slice(start, start + step)
        inverse = _invert_known(covariance, totals.observed[part])
        slopes = covariance @ inverse  # what a row's known answers say of all its answers
        base = mean - slopes @ mean
        said = np.einsum("gij,gj->gi", slopes, totals.sums[part])
        count = totals.rows[part]
        total += (count[:, None] * base + said).sum(axis=0)
        cross = said[:, :, None] * base[:, None, :]
        unsure = covariance - slopes @ covariance
        second += (
            slopes @ totals.products[part] @ slopes.transpose(0, 2, 1)
            + cross
            + cross.transpose(0, 2, 1)
            + count[:, None, None] * (base[:, :, None] * base[:, None, :] + unsure)
        ).sum(axis=0)
    return total, second


def _invert_known(covariance: Floats, observed: Bools) -> Floats:
    """Inverse of the known part of the covariance for each pattern, 0 elsewhere."""
    seen = observed.astype(float)
    both = seen[:, :, None] * seen[:, None, :]
    padded = covariance * both
    places = np.arange(len(covariance))
    padded[:, places, places] += 1 - seen
    inverted: Floats = np.linalg.inv(padded) * both
    return inverted


def _little_statistic(
    values: Floats, observed: Bools, groups: npt.NDArray[np.int64], fit: NormalFit
) -> float:
    scale = np.sqrt(np.diag(fit.covariance))
    z = (values - fit.mean) / scale
    rows = np.bincount(groups, minlength=len(observed)).astype(float)
    means = np.stack([np.bincount(groups, column, len(observed)) for column in np.nan_to_num(z).T])
    apart = means.T / rows[:, None]
    chi2, step = 0.0, max(1, CELLS // values.shape[1] ** 2)
    for start in range(0, len(observed), step):
        part = slice(start, start + step)
        inverse = _invert_known(fit.covariance / np.outer(scale, scale), observed[part])
        chi2 += float(
            np.einsum("g,gi,gij,gj->", rows[part], apart[part], inverse, apart[part], optimize=True)
        )
    return chi2
