"""Do lows and highs count alike: penalties and rewards of each touchpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy import stats

from cjlib.columns import ESTIMATE, HIGH, LEVEL, LOW, METHOD, N, require_columns
from cjlib.errors import JourneyError, TooFewError
from cjlib.intervals import Floats, adjust_holm, are_even, require_level

FEWEST_AT_AN_END: Final = 10  # people; a contrast cannot rest on fewer
SIDES: Final = ("penalty", "reward", "asymmetry")


@dataclass(frozen=True, slots=True, eq=False)
class Asymmetry:
    """What ``measure_asymmetry`` found: associations, not causes.

    Attributes
    ----------
    table : DataFrame
        Three rows per driver, in the order asked: ``driver, side, estimate, low, high, level,
        n, people, p, p_holm, method``. ``side``: "penalty" (outcome at the lowest ratings less
        that in the middle), "reward" (highest less middle), "asymmetry" (penalty + reward:
        above 0 the reward is the larger). ``people``: at that end, for "asymmetry" at both.
    kinds : DataFrame
        ``driver, kind``: "basic", "performance", "excitement", "neutral", "undecided", "runs
        against" or "too few", by the rule in ``measure_asymmetry``.
    outcome : str
    lowest, highest : float
        Ratings up to ``lowest`` and from ``highest``.
    left_out : int
        Rows with a gap in outcome, drivers or weight.
    """

    table: pd.DataFrame
    kinds: pd.DataFrame
    outcome: str
    lowest: float
    highest: float
    left_out: int

    def summary(self) -> str:
        """Name the drivers of each kind, in one sentence."""
        n = int(self.table[N].iloc[0])
        told = []
        for kind in ("basic", "performance", "excitement", "undecided", "runs against"):
            names = self.kinds.loc[self.kinds["kind"] == kind, "driver"].tolist()
            if names:
                told.append(f"{kind}: {', '.join(map(str, names))}")
        if not told:
            return f"Neither lows nor highs go with {self.outcome} beyond chance (n = {n:,})."
        return (
            f"{'; '.join(told)} (lows and highs against the middle, {self.outcome}, n = {n:,}; "
            "association, not proof of cause)."
        )

    def plot(self, *, ax: Axes | None = None, language: str = "en") -> Axes:
        """Draw the penalty and the reward of each driver with their intervals."""
        from cjlib import plots

        return plots.draw_asymmetry(self.table, self.kinds, language=language, ax=ax)


def measure_asymmetry(
    data: Any,
    *,
    outcome: str,
    on: Sequence[str],
    lowest: float,
    highest: float,
    weights: str | None = None,
    level: float = 0.95,
) -> Asymmetry:
    """Contrast lows and highs of each driver with its middle (penalty-reward contrast).

    One regression of the outcome on two marks per driver: rated ``lowest`` or below, rated
    ``highest`` or above; who rated between is what both are compared with. Errors allow for
    unequal spread (HC3). Chance is told by p-values corrected by Holm, all penalties and
    rewards together, and all asymmetries together. The rule, at 1 - ``level``:

    - *neutral*: neither penalty nor reward is beyond chance;
    - *runs against*: one beyond chance has the wrong sign (a penalty above 0, a reward below);
    - *basic*: the penalty is beyond chance and larger than the reward beyond chance;
    - *excitement*: the reward is, and larger than the penalty beyond chance;
    - *performance*: both are, and neither is larger beyond chance;
    - *undecided*: only one is, but not larger than the other beyond chance. That one is
      significant and the other not is no proof that they differ.

    A driver with fewer than ``FEWEST_AT_AN_END`` people at an end is "too few"; those at its
    other end are still marked.

    Parameters
    ----------
    data : DataFrame or Survey
        One row per person; of a survey its ``respondents``. Rows with a gap are left out.
    outcome : str
    on : sequence of str
        Columns of the drivers, rated on one scale.
    lowest, highest : float
        Say what counts as low and high, for instance 2 and 5 of 1-5.
    weights : str, optional
    level : float, 0 to 1

    Raises
    ------
    ColumnError, JourneyError
        For unknown or repeated columns, ``lowest`` not below ``highest``, or drivers whose
        marks cannot be told apart.
    TooFewError
        With fewer complete rows than five for each mark, or than 30.

    References
    ----------
    Brandt, R. D. (1987). In Suprenant, C. (ed.), Add Value to Your Service, AMA, 61-65.
    Mikulić, J. and Prebežac, D. (2011). Managing Service Quality 21(1), 46-66 (a critique).
    MacKinnon, J. and White, H. (1985). Journal of Econometrics 29, 305-325 (HC3).
    """
    require_level(level, caller="measure_asymmetry")
    frame: pd.DataFrame = getattr(data, "respondents", data)
    names = list(on)
    y, ratings, w = _read(frame, outcome, names, weights, (lowest, highest))
    marks = np.concatenate([ratings <= lowest, ratings >= highest], axis=1).astype(float)
    people = marks.sum(axis=0).astype(int)
    kept = np.flatnonzero(people >= FEWEST_AT_AN_END)
    n, k = len(y), len(names)
    values, covariance = np.full(2 * k, np.nan), np.full((2 * k, 2 * k), np.nan)
    found = _regress(y, marks[:, kept], w)
    values[kept], covariance[np.ix_(kept, kept)] = found[0][1:], found[1][1:, 1:]
    values = np.concatenate([values, values[:k] + values[k:]])
    spread = np.diag(covariance)
    cross = np.diag(covariance[:k, k:])
    errors = np.sqrt(np.concatenate([spread, spread[:k] + spread[k:] + 2 * cross]))
    freedom = n - len(kept) - 1
    p = 2 * stats.t.sf(np.abs(values) / errors, freedom)
    half = float(stats.t.ppf(0.5 + level / 2, freedom)) * errors
    method = f"{'' if are_even(w) else 'weighted; '}least squares, HC3, t"
    table = pd.DataFrame(
        {
            "driver": names * 3, "side": np.repeat(SIDES, k), ESTIMATE: values,
            LOW: values - half, HIGH: values + half, LEVEL: level, N: n,
            "people": np.concatenate([people, people[:k] + people[k:]]), "p": p,
            "p_holm": np.concatenate([adjust_holm(p[: 2 * k]), adjust_holm(p[2 * k :])]),
            METHOD: np.where(np.isnan(values), f"too few at an end (< {FEWEST_AT_AN_END})", method),
        }
    )  # fmt: skip
    kinds = pd.DataFrame({"driver": names, "kind": _kinds(table, k, 1 - level)})
    order = np.arange(3 * k).reshape(3, k).T.reshape(-1)
    return Asymmetry(
        table.iloc[order].reset_index(drop=True), kinds, outcome, lowest, highest, len(frame) - n
    )


def _read(
    frame: pd.DataFrame, outcome: str, names: list[str], weights: str | None,
    ends: tuple[float, float],
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    columns = [outcome, *names, *([weights] if weights else [])]
    require_columns(frame, columns, caller="measure_asymmetry")
    if not names or len(set(columns)) < len(columns):
        raise JourneyError(
            "measure_asymmetry: outcome, drivers (at least one) and weights must be different "
            f"columns; got {', '.join(columns)}. Name each once."
        )
    if not ends[0] < ends[1]:
        raise JourneyError(
            f"measure_asymmetry: lowest must lie below highest; got {ends[0]:g} and {ends[1]:g}. "
            "Write for instance lowest=2, highest=5 on a scale of 1 to 5."
        )
    numbers = frame[columns].apply(pd.to_numeric, errors="coerce").astype(float)
    whole = numbers.notna().all(axis=1).to_numpy()
    w = numbers[weights].to_numpy() if weights else np.ones(len(frame))
    used = whole & (np.nan_to_num(w) > 0)
    least = max(30, 10 * len(names))
    if used.sum() < least:
        raise TooFewError(
            f"measure_asymmetry: {len(names)} drivers need at least {least} complete rows; got "
            f"{int(used.sum())} of {len(frame):,}. Take fewer drivers."
        )
    return numbers[outcome].to_numpy()[used], numbers[names].to_numpy()[used], w[used]


def _regress(y: Floats, marks: Floats, w: Floats) -> tuple[Floats, Floats]:
    """Weighted least squares with a constant, and the HC3 covariance of its coefficients."""
    x = np.column_stack([np.ones(len(y)), marks])
    root = np.sqrt(w / w.mean())[:, None]
    x, y = x * root, y * root[:, 0]
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise JourneyError(
            "measure_asymmetry: the lows and highs of the drivers must be told apart; some are "
            "the same people, or nobody rated a driver in the middle. Leave one driver out, or "
            "move lowest and highest."
        )
    inverse = np.linalg.inv(x.T @ x)
    left = y - x @ (inverse @ (x.T @ y))
    pull = np.einsum("ij,jk,ik->i", x, inverse, x)
    scores = x * (left / np.maximum(1 - pull, 1e-10))[:, None]
    return inverse @ (x.T @ y), inverse @ (scores.T @ scores) @ inverse


def _kinds(table: pd.DataFrame, k: int, alpha: float) -> list[str]:
    holds = (table["p_holm"] <= alpha).to_numpy().reshape(3, k)
    values = table[ESTIMATE].to_numpy().reshape(3, k)
    found = []
    for j in range(k):
        (penalty, reward, uneven), (low, high, tilt) = holds[:, j], values[:, j]
        if np.isnan(tilt):
            kind = "too few"
        elif (penalty and low > 0) or (reward and high < 0):
            kind = "runs against"
        elif penalty and uneven and tilt < 0:
            kind = "basic"
        elif reward and uneven and tilt > 0:
            kind = "excitement"
        elif penalty and reward:
            kind = "performance"
        else:
            kind = "undecided" if penalty or reward else "neutral"
        found.append(kind)
    return found
