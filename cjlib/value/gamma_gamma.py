"""Gamma-gamma: what a customer's typical purchase is worth, fitted by maximum likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from cjlib.columns import CUSTOMER
from cjlib.errors import JourneyError, TooFewError
from cjlib.intervals import Floats
from cjlib.value.bgnbd import FEWEST_REPEATERS, THIN
from cjlib.value.likelihood import Fit, fit_likelihood, trigamma
from cjlib.value.purchases import PurchaseSummary

PARAMETERS: Final = ("p", "q", "v")
STARTS: Final = (np.log([1.0, 2.0, 1.0]), np.log([6.0, 4.0, 0.5]))


@dataclass(frozen=True, slots=True, eq=False)
class GammaGamma:
    """A fitted gamma-gamma model of amounts.

    Attributes
    ----------
    table : DataFrame
        ``parameter, estimate, error, low, high, level, n, method``; missing where the model
        is not identified.
    log_likelihood : float
    correlation : float
        Rank correlation of amount and repeat purchases; the model needs it near 0.
    identified : bool
    why : str
        In plain words, why there are no numbers; empty where there are.
    fit : Fit
    """

    table: pd.DataFrame
    log_likelihood: float
    correlation: float
    identified: bool
    why: str
    fit: Fit

    @property
    def parameters(self) -> Floats:
        """p, q, v; raises where the model is not identified."""
        if not self.identified:
            raise TooFewError(f"fit_gamma_gamma: the model is not identified: {self.why}.")
        return np.exp(self.fit.log_parameters)

    def summary(self) -> str:
        """Say the parameters, or why there are none."""
        if not self.identified:
            return f"Gamma-gamma is not identified: {self.why}."
        words = [f"{row.parameter} {row.estimate:.4g}" for row in self.table.itertuples()]
        n = int(self.table["n"].iloc[0])
        return (
            f"Gamma-gamma on {n:,} customers: {', '.join(words)}; amount and frequency "
            f"correlate by {self.correlation:.2f} (the model assumes 0)."
        )


def fit_gamma_gamma(summary: PurchaseSummary, *, level: float = 0.95) -> GammaGamma:
    """Fit the amounts of repeat purchases: each customer has a typical amount of their own.

    Customers without a repeat purchase, or whose mean amount is not above 0, are left out.

    Parameters
    ----------
    summary : PurchaseSummary
    level : float, 0 to 1

    References
    ----------
    Fader, P. S. & Hardie, B. G. S. (2013). The gamma-gamma model of monetary value.
    """
    rows = summary.table
    keep = (rows["x"] > 0) & (rows["amount"] > 0)
    x, m = rows.loc[keep, "x"].to_numpy(float), rows.loc[keep, "amount"].to_numpy(float)
    order = _order(x)  # the likelihood goes by runs of equal x
    x, m = x[order], m[order]
    n = len(x)
    if n < FEWEST_REPEATERS or _fewer_than_three(m):
        why = (
            f"only {n} customers have repeat purchases with different amounts; at least "
            f"{FEWEST_REPEATERS} are needed"
        )
        fit = Fit.empty(PARAMETERS, why)
        return GammaGamma(fit.table(level=level, n=n), np.nan, np.nan, False, why, fit)
    scale = float(m.mean())
    m = m / scale
    rough = None
    if n > THIN:  # find the hill with a part of the customers, then climb it with all
        rough = _fit(_Amounts.of(x[:: n // THIN], m[:: n // THIN]))
    fit = _fit(_Amounts.of(x, m), rough)
    fit = fit.shifted(np.array([0.0, 0.0, np.log(scale)]))
    correlation = _correlate_ranks(x, m)
    return GammaGamma(
        fit.table(level=level, n=n), fit.log_likelihood - n * float(np.log(scale)), correlation,
        fit.identified, fit.why, fit,
    )  # fmt: skip


def require_mean(model: GammaGamma, *, caller: str) -> None:
    """Raise where the fitted amounts have no mean."""
    _, q, _ = model.parameters
    if q <= 1:
        raise JourneyError(
            f"{caller}: q must be above 1 for a mean to exist; the fit gave {q:.3g}. "
            "The amounts have no stable mean: look for outliers first."
        )


def known_amounts(rows: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return repeat purchases and their mean amount; both 0 where there are none."""
    known = (rows["x"] > 0) & (rows["amount"] > 0)
    x = np.where(known, rows["x"], 0.0)
    return x, np.where(known, rows["amount"].fillna(0), 0.0)


def typical_amount(p: Floats, x: Floats, m: Floats) -> Floats:
    """Return the amount each customer's purchases are expected to have."""
    return np.asarray(p[0] * (p[2] + m * x) / (p[0] * x + p[1] - 1))


@dataclass(frozen=True, slots=True, eq=False)
class _Amounts:
    """Customers by rising number of repeat purchases, with what no parameter changes.

    ``x, spent`` of each; ``k, size``: each number of purchases that occurs, and of how many
    customers; sums of log m and of x log m.
    """

    x: Floats
    spent: Floats
    k: Floats
    size: Floats
    log_m: float
    x_log_m: float

    @classmethod
    def of(cls, x: Floats, m: Floats) -> _Amounts:
        begin = np.flatnonzero(np.diff(x, prepend=x[0] - 1))
        size = np.diff(begin, append=len(x)).astype(float)
        logs = np.log(m)
        x = np.ascontiguousarray(x)
        return cls(x, x * m, x[begin], size, float(logs.sum()), float(x @ logs))


def _fit(rows: _Amounts, rough: Fit | None = None) -> Fit:
    return fit_likelihood(
        lambda logs: _curvature(logs, rows)[:2], starts=STARTS, names=PARAMETERS,
        meanings=dict.fromkeys(PARAMETERS, "how amounts differ between and within customers"),
        rough=rough, curvature=lambda logs: _curvature(logs, rows),
    )  # fmt: skip


def _fewer_than_three(m: Floats) -> bool:
    others = m[m != m[0]]
    return not len(others) or bool((others == others[0]).all())


def _order(x: Floats) -> npt.NDArray[np.intp]:
    """Return the places of counts in rising order; equal ones keep theirs."""
    small = x.max(initial=0) < 2**15 and not (x % 1).any()  # short whole numbers sort by digits
    return np.argsort(x.astype(np.int16) if small else x, kind="stable")


def _correlate_ranks(x: Floats, m: Floats) -> float:
    """Rank correlation (Spearman), ties by their mean rank; ``x`` in rising order."""
    if x[0] == x[-1]:
        return float("nan")
    order = np.argsort(m)
    centre = (len(m) - 1) / 2
    mine, others = _mean_ranks(x)[order] - centre, _mean_ranks(m[order]) - centre
    return float(mine @ others / np.sqrt((mine @ mine) * (others @ others)))


def _mean_ranks(ordered: Floats) -> Floats:
    begin = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    if len(begin) == len(ordered):
        return begin.astype(float)
    size = np.diff(begin, append=len(ordered))
    return np.repeat(begin + (size - 1) / 2, size)


def predict_amounts(
    model: GammaGamma, summary: PurchaseSummary, *, level: float = 0.95
) -> pd.DataFrame:
    """Predict each customer's mean amount per purchase.

    A customer without repeat purchases gets the mean of all customers, p·v / (q - 1).

    Returns
    -------
    DataFrame, in the order of the summary
        ``customer_id, estimate, low, high, level, method``; the interval is that of the
        model's parameters.
    """
    require_mean(model, caller="predict_amounts")
    rows = summary.table
    x, m = known_amounts(rows)
    value, low, high = model.fit.propagate(lambda p: typical_amount(p, x, m), level=level)
    return pd.DataFrame(
        {
            CUSTOMER: rows[CUSTOMER], "estimate": value, "low": low, "high": high, "level": level,
            "method": "gamma-gamma, delta",
        }
    )  # fmt: skip


def _curvature(logs: Floats, rows: _Amounts) -> tuple[float, Floats, Floats]:
    """Return minus the log-likelihood, its slopes and second slopes in the logs."""
    p, q, v = parameters = np.exp(logs)
    x, k, size = rows.x, rows.k, rows.size
    n, psi = size.sum(), special.digamma
    total = v + rows.spent
    log_total = np.log(total)
    over = 1 / total
    shares = x * over
    spent, log_sum = rows.x_log_m - float(x @ log_total), float(log_total.sum())
    both, alone = p * k + q, p * k
    value = (
        special.gammaln(both) - special.gammaln(alone) - special.gammaln(q)
        + q * np.log(v) + p * k * np.log(k)
    )  # fmt: skip
    slope = np.array(
        [
            (size * k) @ (psi(both) - psi(alone) + np.log(k)) + spent,
            size @ (psi(both) - psi(q) + np.log(v)) - log_sum,
            n * q / v - p * shares.sum() - q * over.sum(),
        ]
    )
    bend = trigamma(both)
    h = np.empty((3, 3))
    h[0, 0] = (size * k**2) @ (bend - trigamma(alone))
    h[0, 1] = h[1, 0] = (size * k) @ bend
    h[1, 1] = size @ (bend - trigamma(q))
    h[0, 2] = h[2, 0] = -shares.sum()
    h[1, 2] = h[2, 1] = n / v - over.sum()
    h[2, 2] = p * (shares @ over) + q * (over @ over) - n * q / v**2
    slope = slope * parameters
    top = float(size @ value + p * spent - rows.log_m - q * log_sum)
    return -top, -slope, -(h * np.outer(parameters, parameters) + np.diag(slope))
