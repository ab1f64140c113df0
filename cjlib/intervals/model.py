"""What an estimate is: a number, its interval, what it rests on and how it was made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from cjlib.errors import JourneyError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval.

    Attributes
    ----------
    estimate, low, high : float
        The value and the ends of its interval, in the unit of the measure; missing (NaN)
        where the data cannot say.
    level : float
        Coverage of the interval, 0 to 1.
    n : int
        Rows the value rests on (people, not weights).
    method : str
        How the interval was made.
    """

    estimate: float
    low: float
    high: float
    level: float
    n: int
    method: str

    def as_dict(self) -> dict[str, Any]:
        """Return the six fields as a dict, in the order every result table uses."""
        return {
            "estimate": self.estimate,
            "low": self.low,
            "high": self.high,
            "level": self.level,
            "n": self.n,
            "method": self.method,
        }

    def __format__(self, spec: str) -> str:
        spec = spec or ".2f"
        if np.isnan(self.estimate):
            return f"not known (n = {self.n:,})"
        if np.isnan(self.low):
            return f"{self.estimate:{spec}} (no interval, n = {self.n:,})"
        return f"{self.estimate:{spec}} [{self.low:{spec}}, {self.high:{spec}}] (n = {self.n:,})"


def require_level(level: float, *, caller: str) -> None:
    """Raise unless ``level`` lies strictly between 0 and 1."""
    if not 0 < level < 1:
        raise JourneyError(
            f"{caller}: level must lie strictly between 0 and 1; got {level!r}. "
            "Write 95 % as level=0.95."
        )


def normal_quantile(level: float) -> float:
    """Return z with ``level`` of a standard normal between -z and z (0.95 gives 1.96)."""
    return float(stats.norm.ppf(0.5 + level / 2))


def unknown(n: int, *, level: float = 0.95, why: str = "too few rows") -> Estimate:
    """Return an estimate that says it is not known, and why."""
    nan = float("nan")
    return Estimate(nan, nan, nan, level, int(n), why)


def estimates_table(rows: dict[Any, Estimate], *, name: str = "group") -> pd.DataFrame:
    """Stack estimates into a tidy frame: ``name, estimate, low, high, level, n, method``."""
    return pd.DataFrame([{name: key, **value.as_dict()} for key, value in rows.items()])
