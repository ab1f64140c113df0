"""Latent class analysis: kinds of people who answer alike, found from categorical answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import xlogy

from cjlib.errors import ColumnError, JourneyError, TooFewError
from cjlib.personas.categories import (
    MISSING,
    AnswerPatterns,
    Answers,
    Categories,
    find_answer_patterns,
    read_categories,
)
from cjlib.personas.clustering import Floats, Ints
from cjlib.personas.latent_intervals import estimate_chances
from cjlib.personas.latent_steps import Likelihood, climb_classes

STARTS: Final = 20
ROWS_AT_ONCE: Final = 100_000  # people placed together


@dataclass(frozen=True, slots=True, eq=False)
class LatentClasses:
    """Classes of people, within which answers to the items are independent.

    Classes are numbered from 0, the largest first.

    Attributes
    ----------
    k : int
    table : DataFrame
        One row: ``k, log_likelihood, parameters`` (numbers that are free: shares that sum to
        1, and for each class and item one less than its levels), ``residual_df`` (distinct
        patterns that can occur, or people if fewer, less 1, less parameters; below 0 the answers
        cannot settle the classes), ``aic, bic, sabic`` (-2 log-likelihood + parameters times 2,
        log n, log((n + 2) / 24); smaller is better), ``entropy`` (relative: 1 where everybody's
        class is certain, 0 where nobody's is; missing for one class), ``starts,
        share_at_best`` (share of the random starts that ended in this solution; 0 where it was
        only found by exchanging classes), ``n``.
    classes : DataFrame
        One row a class: ``class, share, members`` (people whose most probable class it is),
        ``mean_posterior`` (their mean chance to be in it; missing where there are none).
    chances : DataFrame
        ``class, item, answer, probability``: of each answer of those who answer, in the class.
    posteriors : DataFrame
        Chance of each person to be in each class; rows and index as in the answers.
    categories : Categories
        Items and levels.
    patterns : AnswerPatterns
    shares : array (k,)
    probabilities : array (k, levels of all items)
        As in ``chances``, item after item.
    """

    k: int
    table: pd.DataFrame
    classes: pd.DataFrame
    chances: pd.DataFrame
    posteriors: pd.DataFrame
    categories: Categories
    patterns: AnswerPatterns
    shares: Floats
    probabilities: Floats

    @property
    def log_likelihood(self) -> float:
        """Natural logarithm, weights scaled to sum to n."""
        return float(self.table["log_likelihood"].iloc[0])

    @property
    def bic(self) -> float:
        """-2 log-likelihood + parameters * log(n); smaller is better."""
        return float(self.table["bic"].iloc[0])

    @property
    def labels(self) -> Ints:
        """Most probable class of each person; the larger class wins a tie."""
        labels: Ints = self.posteriors.to_numpy().argmax(axis=1).astype(np.int64)
        return labels

    def estimate_chances(self, *, level: float = 0.95) -> pd.DataFrame:
        """Chances and shares with intervals; see ``latent_intervals.estimate_chances``."""
        return estimate_chances(self, level=level)

    def place(self, answers: Answers) -> pd.DataFrame:
        """Chance of new people to be in each class, from the items they answered.

        Who answered none of the items has missing chances.

        Raises
        ------
        ColumnError
            If an item is absent, or an answer was never given by those the classes were
            found from.
        """
        table = answers if isinstance(answers, pd.DataFrame) else np.asarray(answers)
        index = answers.index if isinstance(answers, pd.DataFrame) else pd.RangeIndex(len(table))
        found = np.empty((len(table), self.k))
        for at in range(0, len(table), ROWS_AT_ONCE):
            part = table[at : at + ROWS_AT_ONCE]
            codes = self.categories.code(part, caller="place", first=at)
            patterns = find_answer_patterns(codes, self.categories.counts, np.ones(len(codes)))
            likelihood = Likelihood.of(patterns, self.categories.counts, self.k)
            chances, _ = likelihood.measure_chances(self.shares, self.probabilities)
            found[at : at + len(codes)] = chances[patterns.of_person]
            found[at : at + len(codes)][(codes == MISSING).all(axis=1)] = np.nan
        return _posterior_table(found, index)

    def summary(self) -> str:
        """Say how many classes there are, how large, and how well they were found."""
        row = self.table.iloc[0]
        sizes = ", ".join(f"{share:.0%}" for share in self.shares)
        said = (
            f"{self.k} latent class{'' if self.k == 1 else 'es'} of {int(row['n']):,} people "
            f"({sizes}): log-likelihood {row['log_likelihood']:,.2f} with "
            f"{int(row['parameters'])} free numbers, BIC {row['bic']:,.1f}"
        )
        if self.k > 1:
            reached = row["share_at_best"]
            said += f", relative entropy {row['entropy']:.2f}; " + (
                f"{reached:.0%} of {int(row['starts'])} random starts ended there"
                if reached
                else f"none of {int(row['starts'])} random starts ended there: it was found by "
                "exchanging classes, so a program with few starts would show other classes"
            )
        if row["residual_df"] < 0:
            said += "; there are more free numbers than answer patterns, so they are not settled"
        return said + "."


def fit_latent_classes(
    answers: Answers,
    k: int,
    *,
    weights: npt.ArrayLike | None = None,
    rng: np.random.Generator,
    starts: int = STARTS,
) -> LatentClasses:
    """Find k classes of people by maximum likelihood, answers independent within a class.

    Items may have two levels or more, each its own number; their order is not used. Only
    the items a person answered count: right where answers are missing at random given those
    that are there. Chances of 0 and 1 are allowed. From random starts, then by dissolving one
    class and dividing another as long as that leads higher, EM with leaps runs on the distinct
    answer patterns until less than a billionth of the log-likelihood is left to gain; with
    more than 5,000 patterns the starts are tried on a sample.

    Parameters
    ----------
    answers : DataFrame, or array of codes
        One row a person, one column an item. In a frame only missing values are missing; in
        an array of whole numbers from 0, so are -1 and NaN. Not changed.
    k : int
        Classes, from 1.
    weights : array (people,), optional
        Not negative; scaled to sum to the number of people with a weight above 0, which is n.
    rng : Generator
    starts : int
        Random starts.

    Raises
    ------
    ColumnError
        If a value is infinite or not a category, or weights do not fit.
    TooFewError
        If a person answered nothing, an item has fewer than two levels, or there are fewer
        people, or different answer patterns, than classes.
    JourneyError
        If k or starts is below 1.

    References
    ----------
    Goodman, L. A. (1974). Biometrika 61, 215-231.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> answers = pd.DataFrame({"fast": [1, 1, 0, 0] * 9, "cheap": [1, 1, 0, 0] * 9})
    >>> fit_latent_classes(answers, 2, rng=np.random.default_rng(1)).shares.round(2)
    array([0.5, 0.5])
    """
    caller = "fit_latent_classes"
    for name, value in (("k", k), ("starts", starts)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise JourneyError(
                f"{caller}: {name} must be a whole number from 1; got {value!r}. Say how many "
                f"{'classes to make' if name == 'k' else 'random starts to take'}."
            )
    categories, codes = read_categories(answers, caller=caller)
    w = scale_weights(weights, len(codes), caller=caller)
    _require_answers(codes, caller)
    patterns = find_answer_patterns(codes, categories.counts, w)
    people, different = int((w > 0).sum()), int((patterns.weights > 0).sum())
    if min(people, different) < k:
        raise TooFewError(
            f"{caller}: {k} classes need as many people who answer differently; there are "
            f"{people:,} people with a weight and {different:,} different answer patterns. Ask "
            "for fewer classes or use more items."
        )
    fit = climb_classes(patterns, categories.counts, int(k), rng=rng, starts=int(starts))
    likelihood = Likelihood.of(patterns, categories.counts, int(k))
    posterior, logs = likelihood.measure_chances(fit.shares, fit.chances)
    counts = categories.counts
    parameters = k - 1 + k * int((counts - 1).sum())
    table = measure_criteria(
        float(patterns.weights @ logs), parameters, posterior, patterns.weights, n=people
    )
    cells = float(np.prod(counts.astype(float)))
    table.insert(3, "residual_df", int(min(people, cells)) - 1 - parameters)
    table["starts"], table["share_at_best"], table["n"] = fit.starts, fit.share_at_best, people
    index = answers.index if isinstance(answers, pd.DataFrame) else pd.RangeIndex(len(codes))
    return LatentClasses(
        int(k), table, measure_classes(fit.shares, posterior, patterns),
        _chance_table(categories, fit.chances),
        _posterior_table(posterior[patterns.of_person], index), categories, patterns,
        fit.shares, fit.chances,
    )  # fmt: skip


def scale_weights(weights: npt.ArrayLike | None, people: int, *, caller: str) -> Floats:
    """Weights that sum to the number of people with a weight above 0.

    Raises
    ------
    ColumnError
        If they are not one finite number a person, or one is negative, or all are 0.
    """
    if weights is None:
        return np.ones(people)
    w = np.asarray(weights, dtype=float)
    bad = ~(np.isfinite(w) & (w >= 0))
    if w.shape != (people,) or bad.any() or not w.sum() > 0:
        if w.shape != (people,):
            got = f"shape {w.shape} for {people:,} people"
        elif bad.any():
            got = f"{w[bad][0]:g} at row {int(bad.argmax())} ({int(bad.sum()):,} such)"
        else:
            got = "0 for everybody"
        raise ColumnError(
            f"{caller}: weights must be one finite number a person, 0 or more, not all 0; got "
            f"{got}. Mend or leave out these people."
        )
    scaled: Floats = w * ((w > 0).sum() / w.sum())
    return scaled


def _require_answers(codes: Ints, caller: str) -> None:
    silent = (codes == MISSING).all(axis=1)
    if silent.any():
        raise TooFewError(
            f"{caller}: every person must have answered at least one item; "
            f"{int(silent.sum()):,} of {len(codes):,} answered none (first at row "
            f"{int(silent.argmax())}). Leave them out; they cannot be placed."
        )


def measure_criteria(
    fit: float, parameters: int, posterior: Floats, weights: Floats, *, n: int
) -> pd.DataFrame:
    """Information criteria and relative entropy of a mixture, as one row."""
    k = posterior.shape[1]
    doubt = -float(weights @ xlogy(posterior, posterior).sum(axis=1))
    return pd.DataFrame(
        {
            "k": [k], "log_likelihood": fit, "parameters": parameters,
            "aic": -2 * fit + 2 * parameters, "bic": -2 * fit + parameters * np.log(n),
            "sabic": -2 * fit + parameters * np.log((n + 2) / 24),
            "entropy": 1 - doubt / (weights.sum() * np.log(k)) if k > 1 else np.nan,
        }
    )  # fmt: skip


def measure_classes(shares: Floats, posterior: Floats, patterns: AnswerPatterns) -> pd.DataFrame:
    """Share, members and their mean posterior of each class."""
    k = len(shares)
    own, top = posterior.argmax(axis=1), posterior.max(axis=1)
    mass = np.bincount(own, weights=patterns.weights, minlength=k)
    sums = np.bincount(own, weights=patterns.weights * top, minlength=k)
    return pd.DataFrame(
        {
            "class": np.arange(k), "share": shares,
            "members": np.bincount(own[patterns.of_person], minlength=k),
            "mean_posterior": np.divide(sums, mass, out=np.full(k, np.nan), where=mass > 0),
        }
    )  # fmt: skip


def _chance_table(categories: Categories, chances: Floats) -> pd.DataFrame:
    items = np.repeat(np.array(categories.items, dtype=object), categories.counts)
    answer = [level for levels in categories.levels for level in levels.tolist()]
    k = len(chances)
    return pd.DataFrame(
        {
            "class": np.repeat(np.arange(k), len(items)), "item": pd.array(items.tolist() * k),
            "answer": answer * k, "probability": chances.reshape(-1),
        }
    )  # fmt: skip


def _posterior_table(posterior: Floats, index: pd.Index) -> pd.DataFrame:
    columns = pd.RangeIndex(posterior.shape[1], name="class")
    return pd.DataFrame(posterior, index=index, columns=columns)
