"""A column as read: each distinct text once, what it means, and who gave it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.codebook import Item
from cjlib.survey.readings import Reading
from cjlib.survey.values import EMPTY, read_value

Places = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column of answers, read.

    Attributes
    ----------
    item : Item
    codes : array of int, one per record
        Place of its text in ``texts``; -1 where the wave did not have the question.
    texts : list of str
        Distinct texts of the export (once a wave, where waves have codes of their own).
    readings : list of Reading
        What each of them means.
    not_asked : array of bool, one per record, or None
        Skip logic: who was not asked; None where the question has none.
    """

    item: Item
    codes: Places
    texts: list[str]
    readings: list[Reading]
    not_asked: Flags | None = None

    @property
    def places(self) -> Places:
        """``codes``, with -1 for those whom skip logic did not ask too."""
        if self.not_asked is None:
            return self.codes
        return np.where(self.not_asked, np.int32(-1), self.codes)

    @property
    def settled(self) -> list[str | None]:
        """What each of ``texts`` is in plain form."""
        return [reading.text for reading in self.readings]

    def flag(self, marks: list[bool]) -> Flags:
        """Spread a mark per text over the records; False where the wave did not ask."""
        return np.array([*marks, False], dtype=bool)[self.codes]

    @property
    def answered(self) -> list[bool]:
        """Say which texts are an answer: an option left unticked is none, nor is "skipped"."""
        empty = EMPTY.get(self.item.kind)
        return [r.unfit or (r.text is not None and r.text != empty) for r in self.readings]

    @property
    def left_out(self) -> pd.arrays.BooleanArray:
        """Say who passed the question over; <NA> where it was not asked."""
        passed = self.flag([reading.left_out for reading in self.readings])
        return pd.arrays.BooleanArray(passed, self.places < 0)


def settle_column(raw: pd.Series, item: Item, *, wave: pd.Series, currency: str = "") -> Column:
    """Read one column by its codebook item, each distinct text once.

    Parameters
    ----------
    raw : Series of str
        Texts of the export; <NA> where the question was not asked.
    item : Item
    wave : Series of str
        Which wave each record is of: a wave may have codes of its own.
    currency : str
        Of the study, for money.
    """
    if not item.drifts:
        codes, texts = _list_texts(raw)
        readings = [read_value(text, item, currency=currency) for text in texts]
        return Column(item, codes, texts, readings)
    codes = np.full(len(raw), -1, dtype=np.int32)
    texts, readings = [], []
    for name, at in wave.groupby(wave, sort=False).indices.items():
        own, words = _list_texts(raw.iloc[at])
        codes[at] = np.where(own < 0, own, own + len(texts))
        as_coded = item.in_wave(str(name))
        readings += [read_value(text, as_coded, currency=currency) for text in words]
        texts += words
    return Column(item, codes, texts, readings)


def _list_texts(raw: pd.Series) -> tuple[Places, list[str]]:
    codes, texts = pd.factorize(raw, use_na_sentinel=True)
    return codes.astype(np.int32), [str(text) for text in texts]
