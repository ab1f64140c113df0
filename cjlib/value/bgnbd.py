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
from cjlib.value.likelihood import Fit, fit_likelihood, trigamma
from cjlib.value.purchases import PurchaseSummary

PARAMETERS: Final = ("r", "alpha", "a", "b")
_OFTEN = "how differently often customers buy"
_LEAVE = "how soon customers leave, or whether they leave at all"
MEANINGS: Final = {"r": _OFTEN, "alpha": _OFTEN, "a": _LEAVE, "b": _LEAVE}
FEWEST_REPEATERS: Final = 30  # four parameters cannot rest on fewer customers who came back
THIN: Final = 10_000  # customers the starts are tried on, where there are more groups
STARTS: Final = (np.log([0.5, 0.5, 1.0, 2.0]), np.log([1.0, 1.0, 0.5, 0.5]))


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

    rough = None
    if len(x) > THIN:  # find the hill with a part of the customers, then climb it with all
        some = summary.table.iloc[:: len(summary.table) // THIN]
        part = group_customers(some, caller="fit_bgnbd")
        rough = _fit(_Kinds.of(part[0], part[1] / scale, part[2] / scale, part[3]))
    fit = _fit(_Kinds.of(x, t_x / scale, watched / scale, counts), rough)
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
    value, low, high = model.fit.propagate(lambda p: expected_repeats(p, t), level=level)
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
        lambda p: later_repeats(p, x, t_x, watched, horizon), level=level
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
    kinds = [pd.factorize(v, sort=True) for v in (x, t_x, watched)]
    key = kinds[0][0].astype(np.int64)
    for place, values in kinds[1:]:
        key = key * len(values) + place
    key, counts = np.unique(key, return_counts=True)
    columns = []
    for _, values in reversed(kinds):
        key, place = np.divmod(key, len(values))
        columns.append(np.asarray(values, dtype=float)[place])
    return columns[2], columns[1], columns[0], counts.astype(float)


@dataclass(frozen=True, slots=True, eq=False)
class _Kinds:
    """Kinds of customers by rising x, with what no parameter changes.

    ``t_x, watched, counts`` of each kind; ``k, run, long, size``: each x that occurs, where
    its kinds begin, how many there are, and of how many customers.
    """

    t_x: Floats
    watched: Floats
    counts: Floats
    k: Floats
    run: npt.NDArray[np.intp]
    long: npt.NDArray[np.intp]
    size: Floats

    @classmethod
    def of(cls, x: Floats, t_x: Floats, watched: Floats, counts: Floats) -> _Kinds:
        run = np.flatnonzero(np.diff(x, prepend=x[0] - 1))
        long = np.diff(run, append=len(x))
        return cls(t_x, watched, counts, x[run], run, long, np.add.reduceat(counts, run))


def _fit(rows: _Kinds, rough: Fit | None = None) -> Fit:
    return fit_likelihood(
        lambda logs: _curvature(logs, rows)[:2], starts=STARTS, names=PARAMETERS,
        meanings=MEANINGS, rough=rough, curvature=lambda logs: _curvature(logs, rows),
    )  # fmt: skip


def _curvature(logs: Floats, rows: _Kinds) -> tuple[float, Floats, Floats]:
    """Return minus the log-likelihood, its slopes and second slopes in the logs."""
    r, alpha, a, b = p = np.exp(logs)
    k, run, long, size, counts = rows.k, rows.run, rows.long, rows.size, rows.counts
    again = k > 0
    shape = np.repeat(r + k, long)
    since = np.where(again, b + k - 1, 1.0)
    # who never came back cannot have left: that takes a purchase
    chance = np.repeat(np.where(again, np.log(a) - np.log(since), -np.inf), long)
    late, last = alpha + rows.watched, alpha + rows.t_x
    log_t = np.log(late)
    gap = log_t - np.log(last)
    odds = chance + shape * gap  # log odds of having left
    e = np.exp(-np.abs(odds))
    both = np.maximum(odds, 0) + np.log1p(e) - shape * log_t
    part = np.where(odds > 0, 1.0, e) / (1 + e)
    gone = counts * part
    alive = counts - gone
    u, v = 1 / late, 1 / last
    n, psi, tri = size.sum(), special.digamma, trigamma
    value = (
        special.gammaln(r + k) - special.gammaln(r) + r * np.log(alpha)
        + special.gammaln(a + b) + special.gammaln(b + k) - special.gammaln(b)
        - special.gammaln(a + b + k)
    )  # fmt: skip
    lost = np.add.reduceat(gone, run)
    slope = np.array(
        [
            size @ (psi(r + k) - psi(r) + np.log(alpha)) - counts @ log_t + gone @ gap,
            n * r / alpha - shape @ (alive * u + gone * v),
            size @ (psi(a + b) - psi(a + b + k)) + lost.sum() / a,
            size @ (psi(a + b) + psi(b + k) - psi(b) - psi(a + b + k)) - lost @ (1 / since),
        ]
    )
    # Second slopes: those of either story, and of not knowing which of the two it was.
    mixed = gone * (1 - part)
    pull = shape * (u - v)
    drop = size @ (tri(a + b) - tri(a + b + k))
    m, mg, mp = (np.add.reduceat(w, run) for w in (mixed, mixed * gap, mixed * pull))
    h = np.empty((4, 4))
    h[0, 0] = size @ (tri(r + k) - tri(r)) + mixed @ gap**2
    h[0, 1] = n / alpha - alive @ u - gone @ v + mixed @ (gap * pull)
    h[1, 1] = shape @ (alive * u**2 + gone * v**2) - n * r / alpha**2 + mixed @ pull**2
    h[0, 2], h[1, 2] = mg.sum() / a, mp.sum() / a
    h[0, 3], h[1, 3] = -mg @ (1 / since), -mp @ (1 / since)
    h[2, 2] = drop + (m.sum() - lost.sum()) / a**2
    h[2, 3] = drop - m @ (1 / since) / a
    h[3, 3] = drop + size @ (tri(b + k) - tri(b)) + (lost + m) @ (1 / since**2)
    h = np.triu(h) + np.triu(h, 1).T
    slope = slope * p
    return -float(size @ value + counts @ both), -slope, -(h * np.outer(p, p) + np.diag(slope))


def expected_repeats(p: Floats, t: Floats) -> Floats:
    """Return the repeat purchases a new customer is expected to make within each time."""
    r, alpha, a, b = _off_pole(p)
    z = t / (alpha + t)
    # Euler's transformation keeps the hypergeometric function small near z = 1.
    tail = (1 - z) ** (a - 1) * special.hyp2f1(a + b - 1 - r, a - 1, a + b - 1, z)
    return np.asarray((a + b - 1) / (a - 1) * (1 - tail))


def chance_of_repeats(p: Floats, t: Floats, most: int) -> Floats:
    """Return the chances of 0, 1 ... ``most`` repeat purchases (columns) within each time (rows).

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005), equation 8.
    """
    r, alpha, a, b = p
    x = np.arange(most + 1)
    z = (t / (alpha + t))[:, None]
    nbd = nbd_chances(r, z, most)
    stay = np.exp(special.betaln(a, b + x) - special.betaln(a, b))
    left = np.exp(special.betaln(a + 1, b + np.maximum(x, 1) - 1) - special.betaln(a, b))
    fewer = np.cumsum(nbd, axis=1) - nbd
    return np.asarray(stay * nbd + np.where(x > 0, left * (1 - fewer), 0.0))


def nbd_chances(r: float, z: Floats, most: int) -> Floats:
    """Return the chances of 0 to ``most`` events (last axis) of a negative binomial.

    With shape ``r``; ``z``: share of time seen, t / (alpha + t), its last axis of length 1.
    """
    x = np.arange(most + 1)
    constant = special.gammaln(r + x) - special.gammaln(r) - special.gammaln(x + 1)
    return np.asarray(np.exp(constant + special.xlogy(x, z) + r * np.log1p(-z)))


def later_repeats(p: Floats, x: Floats, t_x: Floats, watched: Floats, t: float) -> Floats:
    """Return the purchases each kind of customer is expected to make in the next ``t``."""
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
