"""A logistic model with a weak ridge, and how well predictions rank."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import special

from cjlib.intervals import Floats

RIDGE: Final = 1.0  # a weak pull of the standardised coefficients to 0, keeps them finite


def fit_logistic(x: Floats, y: Floats, *, ridge: float = RIDGE) -> tuple[Floats, Floats]:
    """Fit a logistic model by Newton's method; return coefficients and their covariance.

    Parameters
    ----------
    x : array, rows × features
        The first column is the constant, which the ridge leaves alone.
    y : array of 0 and 1
    ridge : float
        Half of it times the sum of squares is taken off the log-likelihood.
    """
    penalty = ridge * np.eye(x.shape[1])
    penalty[0, 0] = 0.0
    beta = np.zeros(x.shape[1])
    beta[0] = special.logit(np.clip(y.mean(), 1e-6, 1 - 1e-6))
    information = penalty
    for _ in range(100):
        p = special.expit(x @ beta)
        information = (x * (p * (1 - p))[:, None]).T @ x + penalty
        step = np.linalg.solve(information, x.T @ (y - p) - penalty @ beta)
        step *= min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))  # never overshoots
        beta = beta + step
        if np.abs(step).max() < 1e-9:
            break
    return beta, np.asarray(np.linalg.inv(information), dtype=float)


def measure_auc(predicted: Floats, left: Floats, weights: Floats | None = None) -> float:
    """Return the chance that someone who left was ranked above one who stayed; ties count half.

    Parameters
    ----------
    predicted : array of float
    left : array of 0 and 1
    weights : array, optional
        How often each row counts.
    """
    w = np.ones(len(left)) if weights is None else weights
    values, place = np.unique(predicted, return_inverse=True)
    gone = np.bincount(place, weights=w * left, minlength=len(values))
    stay = np.bincount(place, weights=w * (1 - left), minlength=len(values))
    below = np.cumsum(stay) - stay
    total = gone.sum() * stay.sum()
    return float((gone * (below + stay / 2)).sum() / total) if total > 0 else float("nan")
