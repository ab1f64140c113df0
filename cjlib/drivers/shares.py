"""What goes with an outcome: shares of its explained variance, and where to act first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.columns import ESTIMATE, HIGH, LEVEL, LOW, METHOD, SHARE, WEIGHT, N, require_columns
from cjlib.drivers.variance import CELLS, covariance, covariances, share_out, share_variance
from cjlib.errors import JourneyError, TooFewError
from cjlib.intervals import Floats, are_even, estimate_mean, require_level
from cjlib.survey import complete_answers

MOST_DRIVERS: Final = 15  # 2^15 models; beyond that the shares mean little anyway
BOOTSTRAPS: Final = 500
PERMUTATIONS: Final = 499
IMPUTATIONS: Final = 10  # fillings of the gaps, where the study chooses to impute
CHANCE: Final = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Drivers:
    """What ``measure_drivers`` found: associations, not causes.

    Attributes
    ----------
    table : DataFrame
        One row per driver, the largest share first: ``driver``; ``estimate, low, high, level,
        n, method``: its part of R² (they add up to ``r_squared``); ``share``: that part
        of the whole, 0 to 1; ``correlation`` with the outcome (gives the sign); ``p_value``
        (permutation, corrected for all drivers); ``associated``: p below .05; ``mean,
        mean_low, mean_high``: the driver's mean rating; ``quadrant``: "improve first" (above
        the average share, below the average mean), "keep up" (above, above), "low priority"
        (below, below), "possible overkill" (below, above); "runs against" where a higher driver
        goes with a lower outcome; "unproven" where nothing beyond chance was found.
    outcome : str
    r_squared : float
    r_squared_low, r_squared_high : float
    p_value : float
        Of all drivers together against chance.
    left_out : int
        Rows not used. Of complete rows: those with a gap in the outcome, a driver or the
        weight; imputing: those without outcome, weight or any driver.
    missing_answers : str
        "complete" or "impute".
    filled : int
        Gaps of the drivers filled, by imputing.
    """

    table: pd.DataFrame
    outcome: str
    r_squared: float
    r_squared_low: float
    r_squared_high: float
    p_value: float
    left_out: int
    missing_answers: str
    filled: int

    def summary(self) -> str:
        """Say what goes with the outcome, in one sentence."""
        rows = self._told_rows()
        found = self.table[self.table["associated"]]
        if found.empty:
            return (
                f"No driver goes with {self.outcome} beyond chance ({rows}, R² "
                f"{self.r_squared:.2f}, p = {self.p_value:.2f})."
            )
        parts = ", ".join(
            f"{row.driver} {row.share:.0%}" for row in found.head(3).itertuples(index=False)
        )
        return (
            f"{len(found)} of {len(self.table)} drivers go with {self.outcome} beyond chance: "
            f"{parts} of the explained variance (R² {self.r_squared:.2f} "
            f"[{self.r_squared_low:.2f}, {self.r_squared_high:.2f}], {rows}; association, "
            "not proof of cause)."
        )

    def _told_rows(self) -> str:
        n = int(self.table[N].iloc[0])
        if self.missing_answers == "impute":
            return f"n = {n:,} of {n + self.left_out:,} rows, {self.filled:,} gaps imputed"
        if self.left_out:
            return f"n = {n:,} complete of {n + self.left_out:,} rows"
        return f"n = {n:,}"

    def plot(self, *, ax: Axes | None = None, language: str = "en") -> Axes:
        """Draw each driver's part of R² with its interval."""
        from cjlib import plots

        return plots.draw_drivers(self.table, language=language, ax=ax)

    def plot_priorities(self, *, ax: Axes | None = None, language: str = "en") -> Axes:
        """Draw importance against performance."""
        from cjlib import plots

        return plots.draw_priorities(self.table, language=language, ax=ax)


def measure_drivers(
    data: Any,
    *,
    outcome: str,
    on: Sequence[str],
    rng: np.random.Generator,
    weights: str | None = WEIGHT,
    level: float = 0.95,
    missing_answers: str = "",
) -> Drivers:
    """Share out the R² of a linear model among its drivers (LMG, Shapley).

    A driver's part is what it adds to R², averaged over all orders in which the drivers can
    enter; exact, over all subsets. Parts are never negative and add up to R². Intervals are
    percentiles of ``BOOTSTRAPS`` resamples of people. Because a part cannot be negative, its
    interval says nothing about chance: that is told by ``PERMUTATIONS`` shuffles of the
    outcome, each driver against the largest part of any driver (Westfall and Young). It is
    association in this sample: a strong driver need not move the outcome when changed.

    Rows with a gap are left out ("complete", as "by_analysis" means here), or the gaps of the
    drivers are drawn ``IMPUTATIONS`` times from what the outcome and the other drivers
    foretell ("impute", see ``complete_answers``): parts are means over the fillings,
    resamples are taken from each filling and pooled, so that intervals hold the uncertainty
    of the filling too; shuffles are the same in each, and mean ratings are of the answers
    given. A missing outcome is never filled.

    Parameters
    ----------
    data : DataFrame or Survey
        One row per person; of a survey its ``respondents``. Rows not used are counted.
    outcome : str
        Column of the outcome: a rating, or 0 and 1.
    on : sequence of str
        Columns of the drivers, 1 to 15. Mean ratings are compared as they stand, so they
        should share a scale.
    rng : Generator
    weights : str or None
        Column of weights, by default that of the respondents table where the data have it;
        None: unweighted. R², its parts and means are then weighted, the resamples draw people
        with their weights, and the permutations keep each weight with its drivers.
    level : float, 0 to 1
    missing_answers : str
        "complete" or "impute"; by default what the survey's study says, else "complete".

    Raises
    ------
    ColumnError, JourneyError
        For unknown, repeated or too many columns, or one without any spread.
    TooFewError
        With fewer complete rows than three for each driver, or than 10.

    References
    ----------
    Lindeman, R., Merenda, P. and Gold, R. (1980). Introduction to Bivariate and Multivariate
    Analysis. Grömping, U. (2006). Journal of Statistical Software 17(1).
    Westfall, P. and Young, S. (1993). Resampling-Based Multiple Testing. Wiley. Schomaker, M.
    and Heumann, C. (2018). Statistics in Medicine 37, 2252-2266 (resampling each filling).
    """
    require_level(level, caller="measure_drivers")
    frame: pd.DataFrame = getattr(data, "respondents", data)
    names = list(on)
    if weights == WEIGHT and (WEIGHT not in frame or WEIGHT in (outcome, *names)):
        weights = None
    how = _choose_completion(data, missing_answers)
    numbers = _read(frame, outcome, names, weights, how)
    given = numbers[names].to_numpy(dtype=float)
    y = numbers[outcome].to_numpy(dtype=float)
    w = numbers[weights].to_numpy(dtype=float) if weights else np.ones(len(numbers))
    fillings = [given] if how == "complete" else _fill(numbers[[outcome, *names]], names, rng)
    n, sets = len(y), len(fillings)
    method = f"{'' if are_even(w) else 'weighted; '}LMG, percentile bootstrap"
    parts = np.mean([share_variance(y, x, w) for x in fillings], axis=0)
    draws = BOOTSTRAPS // sets
    drawn = np.concatenate(
        [share_out(_bootstrap(np.column_stack([y, x]), w, rng, draws)) for x in fillings]
    )
    if sets == 1:
        shuffled = share_out(_shuffle(given, y, w, rng))
    else:
        seed = int(rng.integers(2**63))
        again = [np.random.default_rng(seed) for _ in fillings]
        shuffled = np.mean(
            [share_out(_shuffle(x, y, w, r)) for x, r in zip(fillings, again, strict=True)], axis=0
        )
    total = float(parts.sum())
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    total_low, total_high = np.quantile(drawn.sum(axis=1), [tail, 1 - tail])
    top = shuffled.max(axis=1)
    p = (1 + (top[:, None] >= parts - 1e-12).sum(axis=0)) / (1 + PERMUTATIONS)
    p_all = float((1 + (shuffled.sum(axis=1) >= total - 1e-12).sum()) / (1 + PERMUTATIONS))
    rows = []
    for j, name in enumerate(names):
        rating = estimate_mean(given[:, j], w, level=level)
        rows.append(
            {"driver": name, ESTIMATE: parts[j], LOW: low[j], HIGH: high[j], LEVEL: level, N: n,
             METHOD: method, SHARE: parts[j] / total if total else 0.0,
             "correlation": float(np.mean([_correlation(x[:, j], y, w) for x in fillings])),
             "p_value": p[j],
             "associated": bool(p[j] < CHANCE and p_all < CHANCE), "mean": rating.estimate,
             "mean_low": rating.low, "mean_high": rating.high}
        )  # fmt: skip
    table = pd.DataFrame(rows)
    table["quadrant"] = _quadrants(table)
    table = table.sort_values([ESTIMATE, "driver"], ascending=[False, True], kind="stable")
    return Drivers(
        table.reset_index(drop=True), outcome, total, float(total_low), float(total_high), p_all,
        len(frame) - n, how, int(np.isnan(given).sum()),
    )  # fmt: skip


def _choose_completion(data: Any, asked: str) -> str:
    study = getattr(data, "study", None)
    chosen = asked or getattr(study, "missing_answers", "by_analysis")
    if chosen not in ("by_analysis", "complete", "impute"):
        raise JourneyError(
            f"measure_drivers: missing_answers must be complete or impute; got {chosen!r}. "
            "Choose one."
        )
    return "impute" if chosen == "impute" else "complete"


def _read(
    frame: pd.DataFrame, outcome: str, on: list[str], weights: str | None, how: str
) -> pd.DataFrame:
    """Return the numbers of the rows that are used, with gaps in the drivers where imputing."""
    needed = [outcome, *on, *([weights] if weights else [])]
    require_columns(frame, needed, caller="measure_drivers")
    if len(set(needed)) < len(needed):
        raise JourneyError(
            "measure_drivers: outcome, drivers and weights must be different columns; got "
            f"{', '.join(needed)}. Name each once."
        )
    if not 1 <= len(on) <= MOST_DRIVERS:
        raise JourneyError(
            f"measure_drivers: there must be 1 to {MOST_DRIVERS} drivers; got {len(on)}. "
            "Choose those a team could act on."
        )
    numbers = pd.DataFrame({name: _as_float(frame[name]) for name in needed})
    known = numbers.notna()
    drivers = known[on].any(axis=1) if how == "impute" else known[on].all(axis=1)
    used = (drivers & known[outcome]).to_numpy()
    if weights:
        used = used & (numbers[weights].to_numpy() > 0)
    kept = numbers[used]
    least = max(10, 3 * len(on))
    if len(kept) < least:
        raise TooFewError(
            f"measure_drivers: {len(on)} drivers need at least {least} "
            f"{'complete ' if how == 'complete' else ''}rows; got "
            f"{len(kept)} of {len(frame):,}. Take fewer drivers, or leave out the one most "
            f"often missing ({on[int(numbers[on].isna().to_numpy().sum(axis=0).argmax())]})."
        )
    flat = [name for name in [outcome, *on] if kept[name].nunique() < 2]
    if flat:
        raise JourneyError(
            f"measure_drivers: outcome and drivers must differ between people; everyone gave "
            f"the same answer to {', '.join(flat)}. Leave it out."
        )
    return kept


def _fill(numbers: pd.DataFrame, names: list[str], rng: np.random.Generator) -> list[Floats]:
    """Fill the gaps of the drivers several times over, from the outcome and one another."""
    if not numbers.isna().to_numpy().any():
        return [numbers[names].to_numpy(dtype=float)]
    made = [complete_answers(numbers, how="impute", rng=rng).frame for _ in range(IMPUTATIONS)]
    return [frame[names].to_numpy(dtype=float) for frame in made]


def _as_float(column: pd.Series) -> Floats:
    found = pd.to_numeric(column, errors="coerce")
    return np.asarray(found.to_numpy(dtype=float, na_value=np.nan), dtype=np.float64)


def _bootstrap(z: Floats, w: Floats, rng: np.random.Generator, resamples: int) -> Floats:
    n = len(z)
    step = max(1, CELLS // n)
    out = []
    for start in range(0, resamples, step):
        draws = min(step, resamples - start)
        rows = rng.integers(0, n, (draws, n)) + np.arange(draws)[:, None] * n
        counts = np.bincount(rows.reshape(-1), minlength=draws * n).reshape(draws, n)
        out.append(covariances(z, counts * w))
    return np.concatenate(out)


def _shuffle(x: Floats, y: Floats, w: Floats, rng: np.random.Generator) -> Floats:
    """Covariances with the outcome shuffled; those among the drivers stay as they are."""
    p = x.shape[1]
    out = np.empty((PERMUTATIONS, p + 1, p + 1))
    out[:, 1:, 1:] = covariance(y, x, w)[1:, 1:]
    centred = (x - np.average(x, axis=0, weights=w)) * w[:, None] / w.sum()
    for r in range(PERMUTATIONS):
        mixed = rng.permutation(y)
        mean = np.average(mixed, weights=w)
        out[r, 0, 0] = np.average((mixed - mean) ** 2, weights=w)
        out[r, 0, 1:] = out[r, 1:, 0] = centred.T @ mixed
    return out


def _correlation(a: Floats, b: Floats, w: Floats) -> float:
    both = covariance(a, b[:, None], w)
    return float(both[0, 1] / np.sqrt(both[0, 0] * both[1, 1]))


def _quadrants(table: pd.DataFrame) -> pd.Series:
    important = table[SHARE] >= table[SHARE].mean()
    good = table["mean"] >= table["mean"].mean()
    found = np.select(
        [
            ~table["associated"],
            table["correlation"] < 0,
            important & ~good,
            important & good,
            ~important & ~good,
        ],
        ["unproven", "runs against", "improve first", "keep up", "low priority"],
        default="possible overkill",
    )
    return pd.Series(found, index=table.index, dtype="string")
