"""The questions that personas are typed by, and how their answers become numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cjlib.codebook import Item
from cjlib.columns import require_columns
from cjlib.definitions import Text
from cjlib.errors import ColumnError
from cjlib.personas.clustering import Floats
from cjlib.personas.variables import item_columns, to_numbers
from cjlib.study import Study


@dataclass(frozen=True, slots=True)
class Question:
    """One question and the numbers its answers stand for.

    Attributes
    ----------
    item : str
        Column of the respondents table.
    text : Text
        The wording, in both languages.
    codes : dict of str to Text
        Answers of a nominal question, each a column of 0 and 1 but the last; empty for
        ratings, numbers and yes/no.
    low, high : float
        Ends of the scale; missing where it has none.
    offset, divisor : float
        An answer counts as (answer - offset) / divisor.
    """

    item: str
    text: Text
    codes: dict[str, Text]
    low: float
    high: float
    offset: float
    divisor: float

    @property
    def width(self) -> int:
        """Columns the answers take."""
        return max(len(self.codes) - 1, 1)

    def read(self, answers: pd.Series, *, caller: str) -> Floats:
        """Turn answers into columns, missing where not answered: (people, width).

        Raises
        ------
        ColumnError
            If an answer is infinite, off the scale or an unknown code.
        """
        if self.codes:
            text = answers.astype("string")
            wrong = text.notna() & ~text.isin(list(self.codes))
            self._require(wrong, f"one of {', '.join(self.codes)}", answers, caller)
            columns = [text.eq(code).astype("Float64").astype(float) for code in self.codes]
            return np.column_stack(columns)[:, : self.width].astype(np.float64)
        values = to_numbers(answers)
        lost = values.isna() & answers.notna()
        outside = ~values.between(self.low, self.high) if self.high > self.low else np.isinf(values)
        rule = f"{self.low:g} to {self.high:g}" if self.high > self.low else "finite numbers"
        self._require(lost | (outside & values.notna()), rule, answers, caller)
        return ((values.to_numpy(dtype=np.float64) - self.offset) / self.divisor)[:, None]

    def _require(self, wrong: pd.Series, rule: str, answers: pd.Series, caller: str) -> None:
        if wrong.any():
            first = answers[wrong].iloc[0]
            raise ColumnError(
                f"{caller}: answers to '{self.item}' must be {rule}, or missing; "
                f"{int(wrong.sum()):,} of {len(answers):,} are not (first '{first}' at index "
                f"{answers.index[wrong][0]}). Code them as in the codebook, or set them missing."
            )


def find_questions(
    study: Study, names: tuple[str, ...], respondents: pd.DataFrame
) -> tuple[list[Question], list[str]]:
    """Find the questions behind what segments were made on, and what is no question.

    A scale or number with ends counts as a share of its range, a number without them in
    half standard deviations from its mean, yes/no as 0 and 1. Questions that everybody
    answered alike are left out.

    Returns
    -------
    (questions, others)
        ``others``: names that are no column of the survey (behaviour in the log, themes).
    """
    known: dict[str, tuple[Item, Text]] = {}
    for item in study.codebook.items:
        for name, label in item_columns(item, respondents.columns):
            known[name] = (item, label)
    wanted = [_column_of(name, known) for name in names]
    questions = []
    for name in dict.fromkeys(n for n in wanted if n):
        if respondents[name].nunique(dropna=True) < 2:
            continue
        item, label = known[name]
        codes = dict(item.labels) if item.kind in ("nominal", "language") else {}
        if codes:
            used = set(respondents[name].astype("string").dropna())
            codes = {code: text for code, text in codes.items() if code in used}
        questions.append(_describe(item, name, label, codes, respondents[name]))
    return questions, [n for n, w in zip(names, wanted, strict=True) if not w]


def _column_of(name: str, known: dict[str, tuple[Item, Text]]) -> str:
    """Column a variable was made from: its own name, or the item whose answer it stands for."""
    if name in known:
        return name
    owners = [c for c, (item, _) in known.items() if item.labels and name.startswith(c)]
    return max(owners, key=len, default="")


def _describe(
    item: Item, name: str, label: Text, codes: dict[str, Text], answers: pd.Series
) -> Question:
    low, high = item.low, item.high
    if item.kind in ("tick", "multi"):
        low, high = 0.0, 1.0
    if item.kind == "money":
        low, high = None, None
    if codes:
        return Question(name, label, codes, float("nan"), float("nan"), 0.0, 1.0)
    if low is not None and high is not None:
        return Question(name, label, {}, float(low), float(high), float(low), float(high - low))
    values = to_numbers(answers)
    nan = float("nan")
    return Question(name, label, {}, nan, nan, float(values.mean()), float(2 * values.std()))


def read_answers_to(
    questions: tuple[Question, ...], respondents: pd.DataFrame, *, caller: str
) -> Floats:
    """Turn the answers to several questions into one table of numbers.

    Raises
    ------
    ColumnError
        If a column is missing or holds what no answer is.
    """
    require_columns(respondents, [q.item for q in questions], caller=caller)
    return np.hstack([q.read(respondents[q.item], caller=caller) for q in questions])
