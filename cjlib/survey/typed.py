"""Columns of settled texts, given the type their kind has."""

from __future__ import annotations

from typing import Final

import pandas as pd

from cjlib.codebook import Item
from cjlib.language import clean
from cjlib.survey.values import OPTION_MARKS, read_value, yes_or_no

NUMERIC: Final = ("scale", "number", "money", "weight", "duration")


def type_column(settled: pd.Series, item: Item) -> pd.Series:
    """Turn a column of texts in plain form into the type its kind has.

    float64 for scale, number, weight and duration; datetime64 for dates; nullable boolean
    for ticks and consent; string for the rest (an empty text is missing).
    """
    codes, texts = pd.factorize(settled.astype("string"), use_na_sentinel=True)
    typed = _type_texts(pd.Series(texts, dtype="string").str.strip(), item)
    return pd.Series(typed.array.take(codes, allow_fill=True), index=settled.index)


def _type_texts(text: pd.Series, item: Item) -> pd.Series:
    if item.kind == "tick":
        return pd.Series([read_value(t, item).text == "true" for t in text], dtype="boolean")
    if item.kind == "consent":
        return pd.Series([yes_or_no(t) for t in text], dtype="boolean")
    if item.kind == "text":
        text = pd.Series([clean(t) for t in text], dtype="string")
    text = text.mask(text.eq(""))
    if item.kind in NUMERIC:
        return pd.to_numeric(text).astype("Float64").astype("float64")
    if item.kind == "date":
        return pd.to_datetime(text.str[:10], format="%Y-%m-%d").astype("datetime64[ns]")
    return text


def option_columns(settled: pd.Series, item: Item) -> pd.DataFrame:
    """Turn a column of options parted by ``;`` into one boolean column per option.

    Columns are named ``<group>_<code>``: the codebook's codes in its order or, where it has
    none, the options seen, sorted. An empty cell chose none; not asked is missing.
    """
    codes, texts = pd.factorize(settled.astype("string"), use_na_sentinel=True)
    parts = [set(OPTION_MARKS.split(t.strip())) - {""} for t in texts]
    options = list(item.labels) or sorted(set().union(*parts))
    group = item.group or item.name
    return pd.DataFrame(
        {
            f"{group}_{option}": pd.array(
                [option in part for part in parts] + [pd.NA], dtype="boolean"
            ).take(codes)
            for option in options
        },
        index=settled.index,
    )
