"""Maximum likelihood with errors from the curvature, and a plain no where there is no top."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, special

from cjlib.errors import TooFewError
from cjlib.intervals import Floats, normal_quantile

LOG_BOUND: Final = 12.0  # a parameter outside e^-12 .. e^12 has run away
WIDEST_ERROR: Final = 1.5  # on the log scale: a 95 % interval of a factor 360 says nothing
DECREMENT: Final = 1e-9  # of minus twice the log-likelihood: 3e-5 of a standard error
MOST_STEPS: Final = 30


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Positive parameters fitted on the log scale.

    Attributes
    ----------
    names : tuple of str
    log_parameters : array
    covariance : array
        Of the logs.
    log_likelihood : float
    identified : bool
    why : str
        Why not, in plain words.
    """

    names: tuple[str, ...]
    log_parameters: Floats
    covariance: Floats
    log_likelihood: float
    identified: bool
    why: str

    @classmethod
    def empty(cls, names: Sequence[str], why: str) -> Fit:
        """Return a fit without numbers."""
        k = len(names)
        gap = np.full(k, np.nan)
        return cls(tuple(names), gap, np.full((k, k), np.nan), float("nan"), False, why)

    def beside(self, other: Fit) -> Fit:
        """Return this fit and another of independent data as one, with both parameters."""
        k = len(self.names)
        both = np.zeros((k + len(other.names),) * 2)
        both[:k, :k], both[k:, k:] = self.covariance, other.covariance
        return Fit(
            (*self.names, *other.names),
            np.concatenate([self.log_parameters, other.log_parameters]), both,
            self.log_likelihood + other.log_likelihood, self.identified and other.identified,
            self.why or other.why,
        )  # fmt: skip

    def shifted(self, by: Floats) -> Fit:
        """Return the fit with parameters in another unit (logs moved)."""
        return replace(self, log_parameters=self.log_parameters + by)

    def table(self, *, level: float, n: int) -> pd.DataFrame:
        """Return estimates, errors (delta method) and intervals (made on the log scale)."""
        error = np.sqrt(np.diag(self.covariance)) if self.identified else np.nan
        logs = self.log_parameters if self.identified else np.full(len(self.names), np.nan)
        half = normal_quantile(level) * error
        return pd.DataFrame(
            {
                "parameter": self.names, "estimate": np.exp(logs), "error": np.exp(logs) * error,
                "low": np.exp(logs - half), "high": np.exp(logs + half), "level": level, "n": n,
                "method": "maximum likelihood" if self.identified else "not identified",
            }
        )  # fmt: skip

    def propagate(
        self, function: Callable[[Floats], Floats], *, level: float
    ) -> tuple[Floats, Floats, Floats]:
        """Return a positive function of the parameters with its delta-method interval.

        The interval is made on the log scale, so that it stays above 0.
        """
        if not self.identified:
            raise TooFewError(f"the model is not identified: {self.why}.")
        value = function(np.exp(self.log_parameters))
        step = 1e-4
        with np.errstate(divide="ignore", invalid="ignore"):
            slopes = np.array(
                [
                    np.log(function(np.exp(self.log_parameters + move)))
                    - np.log(function(np.exp(self.log_parameters - move)))
                    for move in step * np.eye(len(self.names))
                ]
            ) / (2 * step)
        slopes = np.where(np.isfinite(slopes), slopes, 0.0)  # a value of 0 stays 0
        error = np.sqrt(np.einsum("ki,kl,li->i", slopes, self.covariance, slopes))
        half = normal_quantile(level) * error
        return value, value * np.exp(-half), value * np.exp(half)


def fit_likelihood(
    objective: Callable[[Floats], tuple[float, Floats]],
    *,
    starts: Sequence[Floats],
    names: Sequence[str],
    meanings: Mapping[str, str],
    rough: Fit | None = None,
    curvature: Callable[[Floats], tuple[float, Floats, Floats]] | None = None,
) -> Fit:
    """Minimise a negative log-likelihood of log parameters; keep the best of several starts.

    The fit counts as identified when it converged inside the bounds, the curvature is
    positive in every direction, and no parameter's error is so wide that it says nothing.

    Parameters
    ----------
    objective : function of the logs, returning value and gradient
    starts : arrays of log parameters
    names : parameter names
    meanings : mapping of name to what it says about customers, for the message
    rough : Fit, optional
        Of a part of the same customers: where it is identified Newton's method starts from it
        in place of the search from ``starts``. Needs ``curvature``.
    curvature : function of the logs, returning value, gradient and matrix of second slopes
        Without it the curvature at the top comes from differences of gradients.
    """
    found = None
    if curvature is not None and rough is not None and rough.identified:
        found = _climb(curvature, rough.log_parameters)
    if found is None:
        logs, top = _search(objective, starts)
        second = curvature(logs)[2] if curvature else _second_slopes(objective, logs)
        found = logs, top, second
    logs, top, hessian = found
    covariance = np.full_like(hessian, np.nan)
    at_bound = [name for name, v in zip(names, logs, strict=True) if abs(v) > LOG_BOUND - 0.1]
    lost, why = at_bound, ""
    values, directions = np.linalg.eigh(hessian)
    if not lost and values[0] > 1e-6 * np.abs(values).max():
        covariance = np.asarray(np.linalg.inv(hessian), dtype=float)
        errors = np.sqrt(np.diag(covariance))
        lost = [name for name, e in zip(names, errors, strict=True) if e > WIDEST_ERROR]
    elif not lost:  # along this direction the likelihood does not fall
        flat = np.abs(directions[:, 0])
        lost = [name for name, f in zip(names, flat, strict=True) if f > 0.3 * flat.max()]
    if lost:
        said = "; ".join(dict.fromkeys(meanings[name] for name in lost))
        why = (
            f"the data do not say {said} ({', '.join(lost)} could be almost anything); "
            "a longer log, or one with more customers who come back, may"
        )
    return Fit(tuple(names), logs, covariance, -top, not why, why)


def _climb(
    curvature: Callable[[Floats], tuple[float, Floats, Floats]], start: Floats
) -> tuple[Floats, float, Floats] | None:
    """Minimise by Newton's method; None where the start was not near a top after all."""
    logs: Floats = np.asarray(start, dtype=float)
    value, slope, hessian = curvature(logs)
    for _ in range(MOST_STEPS):
        if np.linalg.eigvalsh(hessian)[0] <= 0:
            return None
        move = -np.linalg.solve(hessian, slope)
        if -float(slope @ move) < DECREMENT:  # twice what is left to gain
            return logs, value, hessian
        after = curvature(logs + move)
        for _ in range(MOST_STEPS):
            if after[0] <= value:
                break
            move = move / 4  # too far: the hill is not quite a parabola
            after = curvature(logs + move)
        else:
            return None
        logs = np.asarray(logs + move, dtype=float)
        if np.abs(logs).max() > LOG_BOUND:
            return None
        value, slope, hessian = after
    return None


def _second_slopes(
    objective: Callable[[Floats], tuple[float, Floats]], logs: Floats, step: float = 1e-4
) -> Floats:
    hessian = np.array(
        [
            (objective(logs + move)[1] - objective(logs - move)[1]) / (2 * step)
            for move in step * np.eye(len(logs))
        ]
    )
    return np.asarray((hessian + hessian.T) / 2)


def _search(
    objective: Callable[[Floats], tuple[float, Floats]], starts: Sequence[Floats]
) -> tuple[Floats, float]:
    """Minimise inside the bounds from every start; keep the best."""
    bounds = [(-LOG_BOUND, LOG_BOUND)] * len(starts[0])
    found = [
        optimize.minimize(
            objective, start, jac=True, method="L-BFGS-B", bounds=bounds,
            options={"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-8},
        )
        for start in starts
    ]  # fmt: skip
    best = min(found, key=lambda f: float(f.fun))
    return np.asarray(best.x, dtype=float), float(best.fun)


def trigamma(v: npt.ArrayLike) -> Floats:
    """Return the second slope of log gamma."""
    return np.asarray(special.zeta(2.0, v), dtype=float)
