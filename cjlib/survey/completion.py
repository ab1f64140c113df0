"""Complete rows for analyses that need them: rows dropped or gaps filled, and always counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from cjlib.columns import SHARE
from cjlib.errors import ColumnError, JourneyError, TooFewError, nearest

HOW: Final = ("complete", "impute")
ROUNDS: Final = 10  # passes over the items; the customary number for chained equations
LEAST_ROWS: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class Completed:
    """What ``complete_answers`` made.

    Attributes
    ----------
    frame : DataFrame
        No gaps; of "complete" the rows that had none, of "impute" every row with at least
        one answer. The index is that of the input.
    how : str
        "complete" or "impute".
    n_before, n_after : int
        Rows passed in and rows in ``frame``.
    imputed : DataFrame
        ``item, imputed`` (cells filled), ``share`` of the rows in ``frame``.
    """

    frame: pd.DataFrame
    how: str
    n_before: int
    n_after: int
    imputed: pd.DataFrame

    def summary(self) -> str:
        """Say how many rows are used and how many cells were filled."""
        rows = f"{self.n_after:,} of {self.n_before:,} rows are used"
        if self.how == "complete":
            return f"{rows}: those without a gap in the {len(self.imputed)} items."
        cells = int(self.imputed["imputed"].sum())
        share = cells / max(self.frame.size, 1)
        most = self.imputed.sort_values(SHARE, ascending=False, kind="stable").iloc[0]
        worst = f", most in {most['item']} ({most[SHARE]:.1%})" if cells else ""
        return (
            f"{rows}; {cells:,} gaps ({share:.1%} of the answers{worst}) are filled by draws "
            "from what the other items foretell, so one filling understates uncertainty."
        )


def complete_answers(frame: pd.DataFrame, *, how: str, rng: np.random.Generator) -> Completed:
    """Make rows without gaps, by a stated choice.

    "complete": rows with any gap are dropped; unbiased where gaps fall blindly
    (``measure_mcar``), else the sample leans to those who answer everything. "impute": each
    item in turn is foretold from all others (linear regression, chained equations by
    scikit-learn's ``IterativeImputer``, 10 rounds), and gaps are drawn from what is foretold,
    within the range of the answers seen; right where gaps depend on the other items only.
    Drawn values are not rounded. One filling carries no uncertainty of its own: where an
    interval follows, fill several times. Rows without any answer are dropped in both.

    Parameters
    ----------
    frame : DataFrame of numbers (or booleans)
        One row per person, one column per item. Not changed.
    how : "complete" or "impute"
    rng : Generator
        Used by "impute" only.

    Raises
    ------
    JourneyError
        For another ``how``.
    ColumnError
        If a column holds no numbers or, for "impute", no answer at all.
    TooFewError
        If "impute" has fewer than 10 rows with an answer.

    References
    ----------
    van Buuren, S. and Groothuis-Oudshoorn, K. (2011). Journal of Statistical Software 45(3).
    """
    numbers = _read(frame, how)
    if how == "complete":
        kept = numbers[numbers.notna().all(axis=1)]
    else:
        kept = _impute(numbers[numbers.notna().any(axis=1)], rng)
    filled = numbers.loc[numbers.notna().any(axis=1)].isna().sum() if how == "impute" else 0
    counts = pd.DataFrame({"item": list(numbers.columns), "imputed": filled}).reset_index(drop=True)
    counts[SHARE] = counts["imputed"] / max(len(kept), 1)
    return Completed(kept, how, len(frame), len(kept), counts)


def _read(frame: pd.DataFrame, how: str) -> pd.DataFrame:
    if how not in HOW:
        hint = nearest(how, HOW)
        raise JourneyError(
            f"complete_answers: how must be one of {', '.join(HOW)}; got {how!r}."
            + (f" Did you mean {hint!r}?" if hint else " Choose one.")
        )
    wrong = [
        str(c)
        for c in frame.columns
        if not (pd.api.types.is_numeric_dtype(frame[c]) or pd.api.types.is_bool_dtype(frame[c]))
    ]
    if wrong:
        raise ColumnError(
            f"complete_answers: every column must hold numbers; {', '.join(map(repr, wrong[:5]))} "
            f"({len(wrong)} of {frame.shape[1]}) do not. Pass numbers, or 0 and 1 for a choice."
        )
    values = frame.to_numpy(dtype=float, na_value=np.nan)
    return pd.DataFrame(values, index=frame.index, columns=frame.columns)


def _impute(numbers: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    empty = [str(c) for c in numbers.columns if numbers[c].notna().sum() == 0]
    if empty:
        raise ColumnError(
            f"complete_answers: every item needs an answer to impute from; {', '.join(empty)} has "
            "none. Leave it out."
        )
    if len(numbers) < LEAST_ROWS:
        raise TooFewError(
            f"complete_answers: imputing needs at least {LEAST_ROWS} rows with an answer; got "
            f"{len(numbers)}. Take how='complete'."
        )
    if not numbers.isna().to_numpy().any():
        return numbers
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401  switches it on
    from sklearn.impute import IterativeImputer

    from cjlib.survey.regression import Regression

    seed = int(rng.integers(2**31 - 1))
    imputer = IterativeImputer(
        Regression(), sample_posterior=True, max_iter=ROUNDS, random_state=seed,
        min_value=numbers.min().to_numpy(), max_value=numbers.max().to_numpy(),
    )  # fmt: skip
    values = imputer.fit_transform(numbers.to_numpy())
    return pd.DataFrame(values, index=numbers.index, columns=numbers.columns)
