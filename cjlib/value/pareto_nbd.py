"""Pareto/NBD: customers buy at their own rate and leave at any moment, seen or not."""

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
from cjlib.value.bgnbd import (
    FEWEST_REPEATERS,
    group_customers,
    nbd_chances,
    require_horizon,
)
from cjlib.value.likelihood import Fit, fit_likelihood
from cjlib.value.purchases import PurchaseSummary

PARAMETERS: Final = ("r", "alpha", "s", "beta")
_OFTEN = "how differently often customers buy"
_LEAVE = "how soon customers leave, or whether they leave at all"
MEANINGS: Final = {"r": _OFTEN, "alpha": _OFTEN, "s": _LEAVE, "beta": _LEAVE}
NODES: Final = 40  # of the quadrature; 1e-10 beside the hypergeometric form, see the tests
NEGLIGIBLE: Final = 45.0  # the integrand is followed down to e^-45 of its start


@dataclass(frozen=True, slots=True, eq=False)
class ParetoNbd:
    """A fitted Pareto/NBD model.

    Attributes
    ----------
    table : DataFrame
        ``parameter, estimate, error, low, high, level, n, method``; ``r`` and ``alpha`` (in
        ``unit``) describe how often customers buy, ``s`` and ``beta`` (in ``unit``) how soon
        they leave. All missing where the model is not identified.
    log_likelihood : float
    unit : str
        Unit of time of ``alpha``, ``beta`` and of every horizon.
    identified : bool
    why : str
        In plain words, why there are no numbers; empty where there are.
    fit : Fit
        The parameters on the log scale with their covariance.
    """

    table: pd.DataFrame
    log_likelihood: float
    unit: str
    identified: bool
    why: str
    fit: Fit

    @property
    def parameters(self) -> Floats:
        """r, alpha, s, beta; raises where the model is not identified."""
        if not self.identified:
            raise TooFewError(f"fit_pareto_nbd: the model is not identified: {self.why}.")
        return np.exp(self.fit.log_parameters)

    def summary(self) -> str:
        """Say the parameters with their unit, or why there are none."""
        if not self.identified:
            return f"Pareto/NBD is not identified: {self.why}."
        words = [
            f"{row.parameter} {row.estimate:.4g} [{row.low:.4g}, {row.high:.4g}]"
            for row in self.table.itertuples()
        ]
        n = int(self.table["n"].iloc[0])
        return f"Pareto/NBD on {n:,} customers, time in {self.unit}s: {', '.join(words)}."


def fit_pareto_nbd(summary: PurchaseSummary, *, level: float = 0.95) -> ParetoNbd:
    """Fit Pareto/NBD: customers buy at random at their own rate and leave at any moment.

    Purchase rates follow a gamma distribution (r, alpha), rates of leaving another (s, beta).
    Unlike in BG/NBD a customer who never came back may have left too. The chance of a record
    is that of having stayed plus an integral over the moment of leaving, taken by
    Gauss-Legendre quadrature on the log of time: no difference of two hypergeometric
    functions, nothing to overflow, and a slope to go by. Equal customers are grouped.

    Parameters
    ----------
    summary : PurchaseSummary
        Its unit becomes the model's.
    level : float, 0 to 1

    Returns
    -------
    ParetoNbd
        With ``identified`` False and a reason, in place of numbers, where customers hardly
        come back or the likelihood has no clear top.

    References
    ----------
    Schmittlein, D. C., Morrison, D. G. & Colombo, R. (1987). Management Science 33(1), 1-24.
    Fader, P. S. & Hardie, B. G. S. (2005). A note on deriving the Pareto/NBD model.
    """
    x, t_x, watched, counts = group_customers(summary.table, caller="fit_pareto_nbd")
    repeaters, n = int(counts[x > 0].sum()), int(counts.sum())
    if repeaters < FEWEST_REPEATERS:
        why = (
            f"only {repeaters} of {n:,} customers bought again; at least {FEWEST_REPEATERS} "
            "must, to tell rare buyers from those who left"
        )
        fit = Fit.empty(PARAMETERS, why)
        return ParetoNbd(fit.table(level=level, n=n), np.nan, summary.unit, False, why, fit)
    scale = float(np.average(watched, weights=counts))

    def objective(logs: Floats) -> tuple[float, Floats]:
        return _likelihood(logs, x, t_x / scale, watched / scale, counts)

    starts = [np.log([0.5, 0.5, 0.5, 0.5]), np.log([1.0, 1.0, 1.0, 3.0])]
    fit = fit_likelihood(objective, starts=starts, names=PARAMETERS, meanings=MEANINGS)
    fit = fit.shifted(np.log([1.0, scale, 1.0, scale]))
    top = fit.log_likelihood - float((counts * x).sum() * np.log(scale))
    table = fit.table(level=level, n=n)
    return ParetoNbd(table, top, summary.unit, fit.identified, fit.why, fit)


def expect_pareto_purchases(
    model: ParetoNbd, horizons: npt.ArrayLike, *, level: float = 0.95
) -> pd.DataFrame:
    """Expect repeat purchases of a new customer within each horizon.

    Parameters
    ----------
    model : ParetoNbd
    horizons : array of float, in the model's unit

    Returns
    -------
    DataFrame
        ``horizon, unit, estimate, low, high, level, method``.
    """
    t = np.atleast_1d(np.asarray(horizons, dtype=float))
    require_horizon(t, "expect_pareto_purchases")
    value, low, high = model.fit.propagate(lambda p: expected_repeats(p, t), level=level)
    return pd.DataFrame(
        {
            "horizon": t, "unit": model.unit, "estimate": value, "low": low, "high": high,
            "level": level, "method": "Pareto/NBD, delta",
        }
    )  # fmt: skip


def predict_pareto_purchases(
    model: ParetoNbd, summary: PurchaseSummary, *, horizon: float, level: float = 0.95
) -> pd.DataFrame:
    """Predict, for each customer, the chance to be alive and purchases in the next horizon.

    Parameters
    ----------
    model : ParetoNbd
    summary : PurchaseSummary
        In the model's unit.
    horizon : float
        In the model's unit, counted from the summary's end.

    Returns
    -------
    DataFrame, in the order of the summary
        ``customer_id, alive`` (0 to 1), ``horizon, unit, estimate, low, high, level, method``:
        expected purchases; the interval is that of the model's parameters, not of one
        customer's luck.
    """
    if summary.unit != model.unit:
        raise JourneyError(
            "predict_pareto_purchases: the summary must be in the model's unit, "
            f"{model.unit}; it is in {summary.unit}s. Make it with unit='{model.unit}'."
        )
    require_horizon(np.array([horizon]), "predict_pareto_purchases")
    rows = summary.table
    keys = rows[["x", "t_x", "T"]].drop_duplicates(ignore_index=True)
    x, t_x, watched = (keys[c].to_numpy(float) for c in ("x", "t_x", "T"))
    value, low, high = model.fit.propagate(
        lambda p: later_repeats(p, x, t_x, watched, horizon), level=level
    )
    found = keys.assign(
        alive=_alive(model.parameters, x, t_x, watched), horizon=horizon, unit=model.unit,
        estimate=value, low=low, high=high, level=level, method="Pareto/NBD, delta",
    )  # fmt: skip
    columns = [
        CUSTOMER, "alive", "horizon", "unit", "estimate", "low", "high", "level", "method",
    ]  # fmt: skip
    return rows[[CUSTOMER, "x", "t_x", "T"]].merge(found, on=["x", "t_x", "T"], how="left")[columns]


def expected_repeats(p: Floats, t: Floats) -> Floats:
    """Return the repeat purchases a new customer is expected to make within each time."""
    return np.asarray(p[0] / p[1] * _span(p, np.zeros_like(t), t))


def later_repeats(p: Floats, x: Floats, t_x: Floats, watched: Floats, t: float) -> Floats:
    """Return the purchases each kind of customer is expected to make in the next ``t``."""
    rate = (p[0] + x) / (p[1] + watched)
    return np.asarray(_alive(p, x, t_x, watched) * rate * _span(p, watched, t))


def chance_of_repeats(p: Floats, t: Floats, most: int) -> Floats:
    """Return the chances of 0, 1 ... ``most`` repeat purchases (columns) within each time (rows).

    Who stays to the end has the whole time to buy, who leaves at y the time to y: the second
    part is an integral over y, by Gauss-Legendre quadrature on the log of beta + y.
    """
    r, alpha, s, beta = p
    nodes, weights = np.polynomial.legendre.leggauss(2 * NODES)
    width = np.log1p(t / beta)[:, None]
    w = width * (nodes + 1) / 2  # log of (beta + y) / beta
    y = beta * np.expm1(w)
    density = s * np.exp(-s * w) * weights * width / 2
    gone = nbd_chances(r, (y / (alpha + y))[:, :, None], most)
    stay = np.exp(-s * width) * nbd_chances(r, (t / (alpha + t))[:, None], most)
    return np.asarray(stay + np.einsum("ij,ijx->ix", density, gone))


def _likelihood(
    logs: Floats, x: Floats, t_x: Floats, watched: Floats, counts: Floats
) -> tuple[float, Floats]:
    """Return minus the log-likelihood and its slope in the logs of the parameters."""
    r, alpha, s, beta = p = np.exp(logs)
    stay, left, moments = _parts(p, x, t_x, watched)
    both = np.logaddexp(stay, left)
    gone = np.exp(left - both)
    alive = 1 - gone
    value = special.gammaln(r + x) - special.gammaln(r) + r * logs[1] + s * logs[3] + both
    psi = special.digamma
    log_alpha, log_beta, over_alpha, over_beta = moments
    slope = np.array(
        [
            psi(r + x) - psi(r) + logs[1]
            - alive * np.log(alpha + watched) - gone * log_alpha,
            r / alpha - (r + x) * (alive / (alpha + watched) + gone * over_alpha),
            logs[3] - alive * np.log(beta + watched) + gone * (1 / s - log_beta),
            s / beta - alive * s / (beta + watched) - gone * (s + 1) * over_beta,
        ]
    )  # fmt: skip
    return -float(counts @ value), -(slope @ counts) * p


def _parts(
    p: Floats, x: Floats, t_x: Floats, watched: Floats
) -> tuple[Floats, Floats, tuple[Floats, ...]]:
    """Return the logs of having stayed and of having left, and means over that moment.

    With y from t_x to T the moment of leaving, what is integrated is
    s (alpha + y)^-(r + x) (beta + y)^-(s + 1). On w = log(m + y), m the smaller of alpha and
    beta, both factors are smooth; where purchases are many the first falls so fast that the
    rest beyond e^-45 is cut off. The means are of log(alpha + y), log(beta + y),
    1/(alpha + y) and 1/(beta + y).
    """
    r, alpha, s, beta = p
    stay = -(r + x) * np.log(alpha + watched) - s * np.log(beta + watched)
    far = (alpha + t_x) * np.exp(np.minimum(NEGLIGIBLE / (r + x), 500.0)) - alpha
    least = min(alpha, beta)
    start = np.log(least + t_x)
    width = np.log(least + np.minimum(watched, far)) - start
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    w = start[:, None] + width[:, None] * (nodes + 1) / 2
    y = np.exp(w)  # least + y
    a, b = y + (alpha - least), y + (beta - least)
    log_a, log_b = np.log(a), np.log(b)
    logs = w - (r + x)[:, None] * log_a - (s + 1) * log_b
    top = logs.max(axis=1)
    dense = weights * np.exp(logs - top[:, None])
    total = dense.sum(axis=1)
    with np.errstate(divide="ignore"):  # who bought on the last day has had no time to leave
        left = np.log(s) + top + np.log(total) + np.log(width / 2)
    means = tuple((dense * g).sum(axis=1) / total for g in (log_a, log_b, 1 / a, 1 / b))
    return stay, left, means


def _alive(p: Floats, x: Floats, t_x: Floats, watched: Floats) -> Floats:
    stay, left, _ = _parts(p, x, t_x, watched)
    return np.asarray(special.expit(stay - left))


def _span(p: Floats, since: Floats, t: Floats | float) -> Floats:
    """Return the time a customer alive at ``since`` is expected to stay in the next ``t``."""
    _, _, s, beta = p
    power, ratio = s - 1, np.log1p(t / (beta + since))
    # (1 - e^(-(s - 1) ratio)) / (s - 1), which is the ratio itself where s is 1
    factor = ratio if abs(power) < 1e-9 else -np.expm1(-power * ratio) / power
    return np.asarray((beta + since) * factor)
