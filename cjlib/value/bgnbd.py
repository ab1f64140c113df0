"""BG/NBD: who still buys and how often, fitted by maximum likelihood."""

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
from cjlib.value.likelihood import Fit, fit_likelihood
from cjlib.value.purchases import PurchaseSummary

PARAMETERS: Final = ("r", "alpha", "a", "b")
_OFTEN = "how differently often customers buy"
_LEAVE = "how soon customers leave, or whether they leave at all"
MEANINGS: Final = {"r": _OFTEN, "alpha": _OFTEN, "a": _LEAVE, "b": _LEAVE}
FEWEST_REPEATERS: Final = 30  # four parameters cannot rest on fewer customers who came back
THIN: Final = 10_000  # groups the starts are tried on, where there are more


@dataclass(frozen=True, slots=True, eq=False)
class Bgnbd:
    """A fitted BG/NBD model.

    Attributes
    ----------
    table : DataFrame
        ``parameter, estimate, error, low, high, level, n, method``; ``r`` and ``alpha``
        (in ``unit``) describe how often customers buy, ``a`` and ``b`` how soon they leave.
        All missing where the model is not identified.
    log_likelihood : float
    unit : str
        Unit of time of ``alpha`` and of every horizon.
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
        """r, alpha, a, b; raises where the model is not identified."""
        if not self.identified:
            raise TooFewError(f"fit_bgnbd: the model is not identified: {self.why}.")
        return np.exp(self.fit.log_parameters)

    def summary(self) -> str:
        """Say the parameters with their unit, or why there are none."""
        if not self.identified:
            return f"BG/NBD is not identified: {self.why}."
        words = [
            f"{row.parameter} {row.estimate:.4g} [{row.low:.4g}, {row.high:.4g}]"
            for row in self.table.itertuples()
        ]
        n = int(self.table["n"].iloc[0])
        return f"BG/NBD on {n:,} customers, time in {self.unit}s: {', '.join(words)}."


def fit_bgnbd(summary: PurchaseSummary, *, level: float = 0.95) -> Bgnbd:
    """Fit BG/NBD: customers buy at random at their own rate and may leave after any purchase.

    Purchase rates follow a gamma distribution (r, alpha), chances to leave after a purchase
    a beta distribution (a, b). Equal customers are grouped; errors come from the curvature of
    the likelihood on the log scale.

    Parameters
    ----------
    summary : PurchaseSummary
        Its unit becomes the model's.
    level : float, 0 to 1

    Returns
    -------
    Bgnbd
        With ``identified`` False and a reason, in place of numbers, where customers hardly
        come back or the likelihood has no clear top.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). Marketing Science 24(2), 275-284.
    """
    x, t_x, watched, counts = group_customers(summary.table, caller="fit_bgnbd")
    repeaters = int(counts[x > 0].sum())
    why = ""
    if repeaters < FEWEST_REPEATERS:
        n = int(counts.sum())
        why = (
            f"only {repeaters} of {n:,} customers bought again; at least {FEWEST_REPEATERS} "
            "must, to tell rare buyers from those who left"
        )
        fit = Fit.empty(PARAMETERS, why)
        return Bgnbd(fit.table(level=level, n=n), np.nan, summary.unit, False, why, fit)
    scale = float(np.average(watched, weights=counts))

    def objective(logs: Floats) -> tuple[float, Floats]:
        return _likelihood(logs, x, t_x / scale, watched / scale, counts)

    starts = [np.log([0.5, 0.5, 1.0, 2.0]), np.log([1.0, 1.0, 0.5, 0.5])]
    rough = None
    if len(x) > THIN:  # find the hill on a few of the groups, then climb it on all
        few = slice(None, None, len(x) // THIN)
        part = [v[few] for v in (x, t_x / scale, watched / scale, counts)]
        rough = fit_likelihood(
            lambda logs: _likelihood(logs, *part), starts=starts, names=PARAMETERS,
            meanings=MEANINGS,
        )  # fmt: skip
    fit = fit_likelihood(objective, starts=starts, names=PARAMETERS, meanings=MEANINGS, rough=rough)
    fit = fit.shifted(np.array([0.0, np.log(scale), 0.0, 0.0]))
    # The density in the new unit of time: one factor 1/scale per repeat purchase.
    top = fit.log_likelihood - float((counts * x).sum() * np.log(scale))
    table = fit.table(level=level, n=int(counts.sum()))
    return Bgnbd(table, top, summary.unit, fit.identified, fit.why, fit)


def expect_purchases(model: Bgnbd, horizons: npt.ArrayLike, *, level: float = 0.95) -> pd.DataFrame:
    """Expect repeat purchases of a new customer within each horizon.

    Parameters
    ----------
    model : Bgnbd
    horizons : array of float, in the model's unit

    Returns
    -------
    DataFrame
        ``horizon, unit, estimate, low, high, level, method``.
    """
    t = np.atleast_1d(np.asarray(horizons, dtype=float))
    require_horizon(t, "expect_purchases")
    value, low, high = model.fit.propagate(lambda p: _unconditional(p, t), level=level)
    return pd.DataFrame(
        {
            "horizon": t, "unit": model.unit, "estimate": value, "low": low, "high": high,
            "level": level, "method": "BG/NBD, delta",
        }
    )  # fmt: skip


def predict_purchases(
    model: Bgnbd, summary: PurchaseSummary, *, horizon: float, level: float = 0.95
) -> pd.DataFrame:
    """Predict, for each customer, the chance to be alive and purchases in the next horizon.

    Parameters
    ----------
    model : Bgnbd
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
            f"predict_purchases: the summary must be in the model's unit, {model.unit}; it is in "
            f"{summary.unit}s. Make it with unit='{model.unit}'."
        )
    require_horizon(np.array([horizon]), "predict_purchases")
    rows = summary.table
    keys = rows[["x", "t_x", "T"]].drop_duplicates(ignore_index=True)
    x, t_x, watched = (keys[c].to_numpy(float) for c in ("x", "t_x", "T"))
    value, low, high = model.fit.propagate(
        lambda p: _conditional(p, x, t_x, watched, horizon), level=level
    )
    found = keys.assign(
        alive=_alive(model.parameters, x, t_x, watched), horizon=horizon, unit=model.unit,
        estimate=value, low=low, high=high, level=level, method="BG/NBD, delta",
    )  # fmt: skip
    columns = [
        CUSTOMER, "alive", "horizon", "unit", "estimate", "low", "high", "level", "method",
    ]  # fmt: skip
    return rows[[CUSTOMER, "x", "t_x", "T"]].merge(found, on=["x", "t_x", "T"], how="left")[columns]


def group_customers(table: pd.DataFrame, *, caller: str) -> tuple[Floats, Floats, Floats, Floats]:
    """Return x, t_x and T of each kind of customer and how many there are; check them first."""
    x, t_x, watched = (table[c].to_numpy(dtype=float) for c in ("x", "t_x", "T"))
    wrong = ~((x >= 0) & (t_x >= 0) & (t_x <= watched) & ((x > 0) == (t_x > 0)))
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise JourneyError(
            f"{caller}: every customer needs 0 <= t_x <= T, and t_x = 0 only where x = 0; "
            f"{int(wrong.sum()):,} of {len(table):,} break this (first: row {first}: x {x[first]:g}"
            f", t_x {t_x[first]:g}, T {watched[first]:g}). Make the table with summarise_purchases."
        )
    rows = pd.DataFrame({"x": x, "t_x": t_x, "T": watched})
    grouped = rows.groupby(["x", "t_x", "T"], sort=True).size().reset_index(name="n")
    columns = [grouped[c].to_numpy(dtype=float) for c in ("x", "t_x", "T", "n")]
    return columns[0], columns[1], columns[2], columns[3]


def _likelihood(
    logs: Floats, x: Floats, t_x: Floats, watched: Floats, counts: Floats
) -> tuple[float, Floats]:
    r, alpha, a, b = np.exp(logs)
    run = np.flatnonzero(np.diff(x, prepend=x[0] - 1))  # rows of one x stand together
    k, size = x[run], np.add.reduceat(counts, run)
    again = k > 0
    long = np.diff(run, append=len(x))
    shape = np.repeat(r + k, long)
    since = np.where(again, b + k - 1, 1)
    log_t, log_tx = np.log(alpha + watched), np.log(alpha + t_x)
    stay = -shape * log_t
    # who never came back cannot have left: that takes a purchase
    left = np.repeat(np.where(again, np.log(a) - np.log(since), -np.inf), long) - shape * log_tx
    both = np.logaddexp(stay, left)
    gone = counts * np.exp(left - both)
    alive = counts - gone
    value = (
        special.gammaln(r + k) - special.gammaln(r) + r * np.log(alpha)
        + special.gammaln(a + b) + special.gammaln(b + k) - special.gammaln(b)
        - special.gammaln(a + b + k)
    )  # fmt: skip
    psi = special.digamma
    lost = np.add.reduceat(gone, run)
    slope = np.array(
        [
            size @ (psi(r + k) - psi(r) + np.log(alpha)) - alive @ log_t - gone @ log_tx,
            size.sum() * r / alpha - shape @ (alive / (alpha + watched) + gone / (alpha + t_x)),
            size @ (psi(a + b) - psi(a + b + k)) + lost.sum() / a,
            size @ (psi(a + b) + psi(b + k) - psi(b) - psi(a + b + k)) - lost @ (1 / since),
        ]
    )
    return -float(size @ value + counts @ both), -slope * np.exp(logs)


def _unconditional(p: Floats, t: Floats) -> Floats:
    r, alpha, a, b = _off_pole(p)
    z = t / (alpha + t)
    # Euler's transformation keeps the hypergeometric function small near z = 1.
    tail = (1 - z) ** (a - 1) * special.hyp2f1(a + b - 1 - r, a - 1, a + b - 1, z)
    return np.asarray((a + b - 1) / (a - 1) * (1 - tail))


def _conditional(p: Floats, x: Floats, t_x: Floats, watched: Floats, t: float) -> Floats:
    r, alpha, a, b = _off_pole(p)
    z = t / (alpha + watched + t)
    tail = (1 - z) ** (a - 1) * special.hyp2f1(a - 1, a + b - 1 - r, a + b + x - 1, z)
    expected = (a + b + x - 1) / (a - 1) * (1 - tail)
    return np.asarray(expected * _alive(p, x, t_x, watched))


def _alive(p: Floats, x: Floats, t_x: Floats, watched: Floats) -> Floats:
    r, alpha, a, b = p
    again = x > 0
    odds = np.log(a / np.where(again, b + x - 1, 1)) + (r + x) * np.log(
        (alpha + watched) / (alpha + t_x)
    )
    return np.where(again, special.expit(-odds), 1.0)


def _off_pole(p: Floats) -> Floats:
    # a = 1 is a removable gap in the formulas; step just beside it.
    if abs(p[2] - 1) > 1e-6:
        return p
    return np.array([p[0], p[1], 1 + 1e-6, p[3]])


def require_horizon(t: Floats, caller: str) -> None:
    """Raise unless every horizon is a time not below 0."""
    if not (np.isfinite(t) & (t >= 0)).all():
        raise JourneyError(f"{caller}: a horizon must be a time not below 0; got {t.tolist()}.")
