"""Answers in categories as codes, and as the distinct answer patterns with their weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.errors import ColumnError, TooFewError
from cjlib.personas.clustering import Floats, Ints

MISSING = -1
LARGEST_KEY = 2**62  # row numbers built up digit by digit stay below
COUNTED = 20  # keys up to so many times the rows are numbered by counting, else by sorting

Answers = pd.DataFrame | npt.ArrayLike


@dataclass(frozen=True, slots=True, eq=False)
class Categories:
    """The items of a latent class model and the levels people used.

    Attributes
    ----------
    items : tuple of str
    levels : tuple of Index
        Of each item, in order: the categories in use of a categorical column, else sorted.
    """

    items: tuple[str, ...]
    levels: tuple[pd.Index, ...]

    @property
    def counts(self) -> Ints:
        """Levels of each item."""
        return np.array([len(each) for each in self.levels], dtype=np.int64)

    def code(self, answers: Answers, *, caller: str, first: int = 0) -> Ints:
        """Codes of answers, (people, items), ``MISSING`` where there is none.

        ``first`` is the number of the first row, for errors.

        Raises
        ------
        ColumnError
            If an item is absent, or an answer is not a level of its item.
        """
        frame = _as_frame(answers, caller)
        if not isinstance(answers, pd.DataFrame) and frame.shape[1] == len(self.items):
            frame.columns = pd.Index(self.items)
        absent = [name for name in self.items if name not in frame.columns]
        if absent:
            raise ColumnError(
                f"{caller}: answers must have every item of the model; {', '.join(absent)} "
                f"{'is' if len(absent) == 1 else 'are'} not there. Give the same items, with "
                "missing values where a person was not asked."
            )
        codes = np.empty((len(frame), len(self.items)), dtype=np.int64, order="F")
        for j, (name, levels) in enumerate(zip(self.items, self.levels, strict=True)):
            column = frame[name]
            gone = column.isna().to_numpy()
            found = levels.get_indexer(pd.Index(column))
            unknown = (found < 0) & ~gone
            if unknown.any():
                where = int(np.flatnonzero(unknown)[0])
                value = column.iloc[[where]].tolist()[0]
                raise ColumnError(
                    f"{caller}: {name} must be one of {_name(levels)}; got {value!r} in "
                    f"{int(unknown.sum()):,} of {len(frame):,} rows (first at row "
                    f"{first + where}). Recode it, or leave it missing."
                )
            codes[:, j] = np.where(gone, MISSING, found)
        return codes


def read_categories(answers: Answers, *, caller: str) -> tuple[Categories, Ints]:
    """Find items and levels, and code the answers.

    A frame's missing values are missing answers and every other value is a level. In an array
    of codes, which must be whole numbers from 0, NaN and -1 are missing.

    Raises
    ------
    ColumnError
        If there is no item, a name occurs twice, or a value is infinite or not a category.
    TooFewError
        If an item has no answer, or the same one from all.
    """
    frame = _as_frame(answers, caller)
    names = [str(name) for name in frame.columns]
    if not names or not len(frame) or len(set(names)) < len(names):
        raise ColumnError(
            f"{caller}: answers must have people and items, each item once; got {len(frame):,} "
            f"rows and {len(names)} columns. Check the selection of columns."
        )
    codes = np.empty(frame.shape, dtype=np.int64, order="F")
    levels = []
    for j, name in enumerate(names):
        column = frame.iloc[:, j]
        _require_categories(column, name, caller)
        found, own = _code_column(column)
        if len(own) < 2:
            what = (
                f"everybody who answered said {own.tolist()[0]!r}"
                if len(own)
                else "nobody answered it"
            )
            raise TooFewError(
                f"{caller}: every item must have two levels in use; for {name} {what}. Leave it "
                "out: it tells no classes apart."
            )
        codes[:, j] = found
        levels.append(own)
    return Categories(tuple(names), tuple(levels)), codes


def _as_frame(answers: Answers, caller: str) -> pd.DataFrame:
    if isinstance(answers, pd.DataFrame):
        return answers
    table = np.asarray(answers)
    if table.ndim != 2 or table.dtype.kind not in "biuf":
        raise ColumnError(
            f"{caller}: answers must be a DataFrame or a table of codes, people x items; got an "
            f"array of shape {table.shape} and type {table.dtype}. Use a DataFrame for words."
        )
    values = table.astype(float, order="F")
    if (values < MISSING).any():
        raise ColumnError(
            f"{caller}: codes must be 0, 1, 2 and so on, or -1 for missing; got "
            f"{values[values < MISSING].min():g}. Use a DataFrame where negative answers mean "
            "something."
        )
    values[values == MISSING] = np.nan
    return pd.DataFrame(values, columns=pd.Index([f"item_{j + 1}" for j in range(table.shape[1])]))


def _require_categories(column: pd.Series, name: str, caller: str) -> None:
    if column.dtype.kind != "f":
        return
    values = column.to_numpy(dtype=float, na_value=np.nan)
    endless = np.isinf(values)
    if endless.any():
        raise ColumnError(
            f"{caller}: answers must be finite; {name} is infinite in {int(endless.sum()):,} of "
            f"{len(values):,} rows (first at row {int(endless.argmax())}). Set them missing."
        )
    broken = (np.floor(values) != values) & ~np.isnan(values)
    if broken.any():
        raise ColumnError(
            f"{caller}: {name} must hold categories; {int(broken.sum()):,} of its values are not "
            "whole numbers. Cut it into groups, or use a mixture of normal classes."
        )


def _code_column(column: pd.Series) -> tuple[Ints, pd.Index]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.cat.remove_unused_categories()
        return np.asarray(column.cat.codes, dtype=np.int64), column.cat.categories
    if column.dtype.kind == "f":
        values = column.to_numpy(dtype=float, na_value=np.nan)
        if np.isnan(values).any() or values.min(initial=0) < 0 or values.max(initial=0) > 255:
            found, own = pd.factorize(values, sort=True)
            return np.asarray(found, dtype=np.int64), pd.Index(own.astype(np.int64))
        small = values.astype(np.int64)  # by far the most common: no sorting
        used = np.flatnonzero(np.bincount(small))
        return np.asarray(np.searchsorted(used, small), dtype=np.int64), pd.Index(used)
    numbers, uniques = pd.factorize(column, sort=True)
    return np.asarray(numbers, dtype=np.int64), pd.Index(uniques)


def _name(levels: pd.Index) -> str:
    shown = [repr(each) for each in levels[:8].tolist()]
    return ", ".join(shown) + (f" and {len(levels) - 8} more" if len(levels) > 8 else "")


@dataclass(frozen=True, slots=True, eq=False)
class AnswerPatterns:
    """Distinct answer patterns, each as a pair of half patterns.

    Attributes
    ----------
    halves : tuple of two int arrays
        Distinct codes of the first items, and of the rest: (half patterns, items of the half).
    pairs : tuple of two int arrays
        For each pattern, its row in each half; sorted by the first.
    weights : array (patterns,)
        Weight of the people who answered so; they sum to the number of people.
    squares : array (patterns,)
        Sum of their squared weights.
    of_person : array (people,)
        Pattern of each person.
    """

    halves: tuple[Ints, Ints]
    pairs: tuple[Ints, Ints]
    weights: Floats
    squares: Floats
    of_person: Ints


def find_answer_patterns(codes: Ints, counts: Ints, weights: Floats) -> AnswerPatterns:
    """Reduce coded answers to distinct patterns, exactly."""
    cut = _cut_in_half(counts)
    first, one = _number_rows(codes[:, :cut], counts[:cut])
    second, two = _number_rows(codes[:, cut:], counts[cut:])
    pair, _, of_person = _number_keys(one * len(second) + two, len(first) * len(second))
    sums: Floats = np.bincount(of_person, weights=weights, minlength=len(pair)).astype(float)
    squares: Floats = np.bincount(of_person, weights=weights**2, minlength=len(pair)).astype(float)
    halves = codes[first, :cut], codes[second, cut:]
    pairs = pair // len(second), pair % len(second)
    return AnswerPatterns(halves, pairs, sums, squares, of_person)


def _cut_in_half(counts: Ints) -> int:
    """Items in the first half: as many answer patterns can occur in it as in the second."""
    size = np.cumsum(np.log(counts.astype(float)))
    return int(np.abs(size - size[-1] / 2).argmin()) + 1 if len(size) > 1 else 1


def _number_rows(codes: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Return a row of each distinct kind, and for each row which kind it is."""
    key = np.zeros(len(codes), dtype=np.int64)
    size = 1
    for j, levels in enumerate(counts.tolist()):
        digits = levels + 1  # and missing
        if size * digits > LARGEST_KEY:
            distinct, _, key = _number_keys(key, size)
            size = len(distinct)
        key = key * digits + codes[:, j] + 1
        size *= digits
    _, first, number = _number_keys(key, size)
    return first, number


def _number_keys(keys: Ints, size: int) -> tuple[Ints, Ints, Ints]:
    """Distinct keys below ``size`` in order, a row of each, and for each row which it has."""
    if size > COUNTED * max(len(keys), 1_000):
        distinct, row, number = np.unique(keys, return_index=True, return_inverse=True)
        return distinct, row.astype(np.int64), number.reshape(-1).astype(np.int64)
    row_of = np.full(size, -1, dtype=np.int64)
    row_of[keys] = np.arange(len(keys))
    distinct = np.flatnonzero(row_of >= 0)
    number_of = np.zeros(size, dtype=np.int64)
    number_of[distinct] = np.arange(len(distinct))
    return distinct, row_of[distinct], number_of[keys]
