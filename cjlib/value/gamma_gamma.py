"""Gamma-gamma: what a customer's typical purchase is worth, fitted by maximum likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy import special, stats

from cjlib.columns import CUSTOMER
from cjlib.errors import JourneyError, TooFewError
from cjlib.intervals import Floats
from cjlib.value.bgnbd import FEWEST_REPEATERS, THIN
from cjlib.value.likelihood import Fit, fit_likelihood
from cjlib.value.purchases import PurchaseSummary

PARAMETERS: Final = ("p", "q", "v")


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
    order = np.argsort(x, kind="stable")  # the likelihood goes by runs of equal x
    x, m = x[order], m[order]
    n = len(x)
    if n < FEWEST_REPEATERS or len(np.unique(m)) < 3:
        why = (
            f"only {n} customers have repeat purchases with different amounts; at least "
            f"{FEWEST_REPEATERS} are needed"
        )
        fit = Fit.empty(PARAMETERS, why)
        return GammaGamma(fit.table(level=level, n=n), np.nan, np.nan, False, why, fit)
    scale = float(m.mean())
    starts = [np.log([1.0, 2.0, 1.0]), np.log([6.0, 4.0, 0.5])]
    rough = None
    if n > THIN:  # find the hill on a few of the customers, then climb it on all
        few = slice(None, None, n // THIN)
        rough = fit_likelihood(
            lambda logs: _likelihood(logs, x[few], m[few] / scale), starts=starts,
            names=PARAMETERS, meanings=dict.fromkeys(PARAMETERS, ""),
        )  # fmt: skip
    fit = fit_likelihood(
        lambda logs: _likelihood(logs, x, m / scale),
        starts=starts,
        names=PARAMETERS,
        meanings=dict.fromkeys(PARAMETERS, "how amounts differ between and within customers"),
        rough=rough,
    )
    fit = fit.shifted(np.array([0.0, 0.0, np.log(scale)]))
    alike = len(np.unique(x)) == 1
    correlation = float("nan") if alike else float(stats.spearmanr(x, m).statistic)
    return GammaGamma(
        fit.table(level=level, n=n), fit.log_likelihood - n * float(np.log(scale)), correlation,
        fit.identified, fit.why, fit,
    )  # fmt: skip


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
    _, q, _ = model.parameters
    if q <= 1:
        raise JourneyError(
            f"predict_amounts: q must be above 1 for a mean to exist; the fit gave {q:.3g}. "
            "The amounts have no stable mean: look for outliers first."
        )
    rows = summary.table
    known = (rows["x"] > 0) & (rows["amount"] > 0)
    x = np.where(known, rows["x"], 0.0)
    m = np.where(known, rows["amount"].fillna(0), 0.0)
    value, low, high = model.fit.propagate(
        lambda p: p[0] * (p[2] + m * x) / (p[0] * x + p[1] - 1), level=level
    )
    return pd.DataFrame(
        {
            CUSTOMER: rows[CUSTOMER], "estimate": value, "low": low, "high": high, "level": level,
            "method": "gamma-gamma, delta",
        }
    )  # fmt: skip


def _likelihood(logs: Floats, x: Floats, m: Floats) -> tuple[float, Floats]:
    p, q, v = np.exp(logs)
    run = np.flatnonzero(np.diff(x, prepend=x[0] - 1))  # rows of one x stand together
    k = x[run]
    size = np.diff(run, append=len(x))
    total = v + m * x
    log_total, log_m = np.log(total), np.log(m)
    value = (
        special.gammaln(p * k + q) - special.gammaln(p * k) - special.gammaln(q)
        + q * np.log(v) + p * k * np.log(k)
    )  # fmt: skip
    each = p * (x @ (log_m - log_total)) - log_m.sum() - q * log_total.sum()
    psi = special.digamma
    both = psi(p * k + q)
    slope = np.array(
        [
            (size * k) @ (both - psi(p * k) + np.log(k)) + x @ (log_m - log_total),
            size @ (both - psi(q) + np.log(v)) - log_total.sum(),
            len(x) * q / v - ((p * x + q) / total).sum(),
        ]
    )
    return -float(size @ value + each), -slope * np.exp(logs)
