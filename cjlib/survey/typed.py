"""Columns of settled texts, given the type their kind has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.codebook import Item
from cjlib.columns import DATE, DURATION, LANGUAGE, WEIGHT
from cjlib.language import clean
from cjlib.survey.values import OPTION_MARKS, read_value, yes_or_no

NUMERIC: Final = ("scale", "number", "money", "weight", "duration")
RESERVED: Final = {"date": DATE, "language": LANGUAGE, "weight": WEIGHT, "duration": DURATION}
Coded = tuple[npt.NDArray[np.int32], list[str | None]]  # place of each record's text; the texts


def type_answers(settled: Mapping[str, Coded], items: list[Item], index: pd.Index) -> pd.DataFrame:
    """Give every column of texts in plain form its type and its name in the respondents table.

    The first item of the kinds date, language, weight and duration has the table's own
    name for it; a ``multi`` item becomes one boolean column per option.
    """
    taken: set[str] = set()
    columns: dict[str, pd.api.extensions.ExtensionArray] = {}
    for item in items:
        codes, texts = settled[item.name]
        if item.kind == "multi":
            columns |= _split_options(codes, texts, item)
            continue
        name = item.name
        if item.kind in RESERVED and RESERVED[item.kind] not in taken:
            name = RESERVED[item.kind]
        taken.add(name)
        columns[name] = _type_column(codes, texts, item)
    return pd.DataFrame(columns, index=index, copy=False)


def _type_column(
    codes: npt.NDArray[np.int32], texts: list[str | None], item: Item
) -> pd.api.extensions.ExtensionArray:
    """Turn a column of texts in plain form into the type its kind has.

    float64 for scale, number, money, weight and duration; datetime64 for dates; nullable
    boolean for ticks and consent; string for the rest (an empty text is missing).
    """
    typed = _type_texts(pd.Series(texts, dtype="string").str.strip(), item)
    column: pd.api.extensions.ExtensionArray = typed.array.take(codes, allow_fill=True)
    return column


def _type_texts(text: pd.Series, item: Item) -> pd.Series:
    known = text.dropna()
    if item.kind == "tick":
        ticked = [read_value(t, item).text == "true" for t in known]
        return pd.Series(ticked, index=known.index, dtype="boolean").reindex(text.index)
    if item.kind == "consent":
        agreed = [yes_or_no(t) for t in known]
        return pd.Series(agreed, index=known.index, dtype="boolean").reindex(text.index)
    if item.kind == "text":
        text = pd.Series([clean(t) for t in known], known.index, "string").reindex(text.index)
    text = text.mask(text.eq(""))
    if item.kind in NUMERIC:
        return pd.to_numeric(text).astype("Float64").astype("float64")
    if item.kind == "date":
        return pd.to_datetime(text.str[:10], format="%Y-%m-%d").astype("datetime64[ns]")
    return text


def _split_options(
    codes: npt.NDArray[np.int32], texts: list[str | None], item: Item
) -> dict[str, pd.api.extensions.ExtensionArray]:
    """Turn a column of options parted by ``;`` into one boolean column per option.

    Columns are named ``<group>_<code>``: the codebook's codes in its order or, where it has
    none, the options seen, sorted. An empty cell chose none; not asked is missing.
    """
    parts = [None if t is None else set(OPTION_MARKS.split(t.strip())) - {""} for t in texts]
    seen = [parts[code] or set() for code in np.unique(codes) if code >= 0]
    options = list(item.labels) or sorted(set[str]().union(*seen))
    group = item.group or item.name
    return {
        f"{group}_{option}": pd.array(
            [pd.NA if part is None else option in part for part in parts], dtype="boolean"
        ).take(codes, allow_fill=True)
        for option in options
    }
