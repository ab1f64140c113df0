"""Reliability coefficients of covariance matrices, and intervals for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import pandas as pd
from scipy import stats

from cjlib.intervals import Estimate, Floats, normal_quantile

Measure = Callable[[Floats], Floats]

BOOTSTRAPS: Final = 1_000
USABLE: Final = 0.95  # share of resamples that must give a value
CELLS: Final = 4_000_000  # counts held at a time


def alpha_of(covariances: Floats) -> Floats:
    """Cronbach's alpha of each covariance matrix (sets, items, items)."""
    k = covariances.shape[1]
    own, total = np.einsum("sii->s", covariances), covariances.sum(axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = k / (k - 1) * (1 - own / total)
    return found


def standardised_alpha_of(covariances: Floats) -> Floats:
    """Alpha of the correlations of each covariance matrix."""
    return alpha_of(_correlations(covariances))


def mean_correlation_of(covariances: Floats) -> Floats:
    """Mean correlation of two different items of each covariance matrix."""
    k = covariances.shape[1]
    found: Floats = (_correlations(covariances).sum(axis=(1, 2)) - k) / (k * (k - 1))
    return found


def _correlations(covariances: Floats) -> Floats:
    scale = np.sqrt(np.einsum("sii->si", covariances))
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = covariances / scale[:, :, None] / scale[:, None, :]
    return found


def pairwise_covariances(values: Floats, counts: Floats | None = None) -> Floats:
    """Covariance matrices, each pair of columns from the rows that have both.

    Parameters
    ----------
    values : array (rows, items)
        Missing (NaN) where not answered.
    counts : array (sets, rows), optional
        How often each row counts; once, in one set, by default.

    Returns
    -------
    array (sets, items, items)
        Divided by the rows of the pair minus 1; missing (NaN) with fewer than two.
    """
    n, k = values.shape
    weights = np.ones((1, n)) if counts is None else counts
    known = (~np.isnan(values)).astype(float)
    inner = np.nan_to_num(values - np.nanmean(values, axis=0))

    def total(a: Floats, b: Floats) -> Floats:
        products = (a[:, :, None] * b[:, None, :]).reshape(n, k * k)
        found: Floats = (weights @ products).reshape(-1, k, k)
        return found

    pairs, sums, squares = total(known, known), total(inner, known), total(inner, inner)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = (squares - sums * sums.transpose(0, 2, 1) / pairs) / (pairs - 1)
    return np.where(pairs > 1, found, np.nan)


def estimate_alpha(whole: Floats, *, level: float) -> Estimate:
    """Alpha with a distribution-free interval: what each row adds to it, on log(1 - alpha).

    Parameters
    ----------
    whole : array (rows, items)
        Without gaps; the items and their sum must have a spread.
    level : float, 0 to 1

    References
    ----------
    Maydeu-Olivares, A., Coffman, D. L. and Hartmann, W. M. (2007). Psychological Methods 12,
    157-176 (there without the logarithm).
    """
    n, k = whole.shape
    alpha = float(alpha_of(pairwise_covariances(whole))[0])
    inner = whole - whole.mean(axis=0)
    own, total = (inner**2).sum(axis=1), inner.sum(axis=1) ** 2
    left = own.mean() / total.mean()  # (1 - alpha (k - 1) / k); 1 - alpha is linear in it
    pull = k / (k - 1) * (own / total.mean() - left * total / total.mean())
    if 1 - alpha <= 0 or n < 3:
        nan = float("nan")
        return Estimate(alpha, nan, nan, level, n, "no interval: the items agree fully")
    error = float(pull.std(ddof=1)) / np.sqrt(n) / (1 - alpha)
    half = float(stats.t.ppf(0.5 + level / 2, n - 1)) * error
    low, high = 1 - (1 - alpha) * np.exp(half), 1 - (1 - alpha) * np.exp(-half)
    return Estimate(alpha, float(low), float(high), level, n, "distribution-free, log")


def estimate_feldt(whole: Floats, *, level: float) -> Estimate:
    """Alpha with Feldt's interval, for normal answers to items that measure alike.

    References
    ----------
    Feldt, L. S. (1965). Psychometrika 30, 357-370.
    """
    n, k = whole.shape
    alpha = float(alpha_of(pairwise_covariances(whole))[0])
    ratio = stats.f.ppf([0.5 + level / 2, 0.5 - level / 2], n - 1, (n - 1) * (k - 1))
    low, high = (float(1 - (1 - alpha) * r) for r in ratio)
    return Estimate(alpha, low, high, level, n, "Feldt")


def estimate_spearman_brown(whole: Floats, *, level: float) -> Estimate:
    """Reliability of the sum of two items, 2r / (1 + r), by Fisher's z of r.

    References
    ----------
    Spearman, C. (1910), Brown, W. (1910). British Journal of Psychology 3, 271-322.
    """
    n = len(whole)
    covariance = pairwise_covariances(whole)[0]
    r = float(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))
    if n < 4 or abs(r) >= 1:
        nan = float("nan")
        return Estimate(2 * r / (1 + r), nan, nan, level, n, "no interval: too few or r = 1")
    half = normal_quantile(level) / np.sqrt(n - 3)
    ends = np.tanh(np.arctanh(r) + np.array([0.0, -half, half]))
    value, low, high = (float(e) for e in 2 * ends / (1 + ends))
    return Estimate(value, low, high, level, n, "Fisher z")


def estimate_by_bootstrap(
    values: Floats, measures: dict[str, Measure], *, level: float,
    rng: np.random.Generator | None,
) -> dict[str, Estimate]:  # fmt: skip
    """Measure covariance matrices, with percentiles of ``BOOTSTRAPS`` resamples of rows.

    Parameters
    ----------
    values : array (rows, items)
        Gaps allowed; each pair from the rows that have both.
    measures : dict of functions, each of (sets, items, items) to (sets,)
    level : float, 0 to 1
    rng : Generator, optional
        None: no interval. The interval is missing too where over 5 % of the resamples give no
        value.
    """
    n, nan = len(values), float("nan")
    rows, times = _gather(values)
    whole = pairwise_covariances(rows, times[None])
    found = {name: float(measure(whole)[0]) for name, measure in measures.items()}
    if rng is None:
        why = "no interval: pass rng for a bootstrap"
        return {name: Estimate(value, nan, nan, level, n, why) for name, value in found.items()}
    drawn = np.concatenate(list(_resample(rows, times, rng)))
    told = {}
    for name, measure in measures.items():
        given = measure(drawn)
        usable = given[np.isfinite(given)]
        low, high, how = nan, nan, "no interval: too few rows to resample"
        if len(usable) >= USABLE * BOOTSTRAPS:
            tail = 0.5 - level / 2
            low, high = (float(q) for q in np.quantile(usable, [tail, 1 - tail]))
            how = "percentile bootstrap"
        told[name] = Estimate(found[name], low, high, level, n, how)
    return told


def _gather(values: Floats) -> tuple[Floats, Floats]:
    """Different rows and how often each comes; a gap is an answer like another here."""
    names = list(range(values.shape[1]))
    counts = pd.DataFrame(values, columns=names).groupby(names, dropna=False, sort=True).size()
    rows: Floats = counts.index.to_frame().to_numpy(dtype=np.float64)
    times: Floats = np.asarray(counts, dtype=np.float64)
    return rows, times


def _resample(rows: Floats, times: Floats, rng: np.random.Generator) -> Iterator[Floats]:
    """Covariances of resamples; equal rows are drawn together, as counts."""
    step, n = max(1, CELLS // len(rows)), int(times.sum())
    for start in range(0, BOOTSTRAPS, step):
        draws = min(step, BOOTSTRAPS - start)
        counts = rng.multinomial(n, times / n, size=draws).astype(float)
        found = pairwise_covariances(rows, counts)
        keep = np.isfinite(found).all(axis=(1, 2))
        keep &= (np.einsum("sii->si", found) > 0).all(axis=1)
        yield found[keep]
