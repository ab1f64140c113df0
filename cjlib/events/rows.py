"""Rows of one event source as contacts: names recognised, values read, reasons found.

Touchpoints and channels are codes here: places among the study's, -1 where none fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc

from cjlib.columns import (
    AMOUNT,
    CHANNEL,
    COST,
    CUSTOMER,
    ELEMENT,
    RATING,
    SECONDS,
    STAFF,
    TEAM,
    TEXT,
    TIME,
    TOUCHPOINT,
)
from cjlib.definitions import EventRules, EventSource
from cjlib.errors import nearest
from cjlib.events.files import ODD_ROW
from cjlib.events.lifecycle import LIFECYCLE, pair_steps
from cjlib.events.ordering import as_arrow, encode
from cjlib.events.sources import read_numbers
from cjlib.events.times import read_times
from cjlib.language import is_blank, key
from cjlib.study import Study

Bools = npt.NDArray[np.bool_]
NUMBERS: Final = (AMOUNT, COST, SECONDS, RATING)
WORDS: Final = (ELEMENT, TEXT)
PEOPLE: Final = (STAFF, TEAM)
MAX_HINTS: Final = 200  # unknown spellings for which the nearest known one is sought
MAX_TIMES: Final = 50  # unreadable times of a column that are told apart
ODD: Final = -2  # touchpoint of a row that does not fit its header


class Misfits:
    """Values that fitted no rule, counted over all batches of all sources."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], dict[str, int]] = {}
        self._known: dict[tuple[str, str], list[str]] = {}

    def add(
        self, source: EventSource, column: str, values: Iterable[str], counts: Iterable[int],
        known: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """Count values of a column that fit nothing; ``known`` are the names that do."""
        place = (source.shown, column)
        own = self._counts.setdefault(place, {})
        self._known[place] = list(known)
        for value, rows in zip(values, counts, strict=True):
            own[str(value)] = own.get(str(value), 0) + int(rows)

    def table(self) -> pd.DataFrame:
        """Return ``file, column, value, rows, nearest``, the most frequent of a column first."""
        made = []
        for (file, column), counts in self._counts.items():
            known = self._known[file, column] if len(counts) <= MAX_HINTS else []
            for value, rows in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
                near = nearest(value, known) if known else ""
                made.append((file, column, value, rows, near))
        return pd.DataFrame(made, columns=["file", "column", "value", "rows", "nearest"])


def read_rows(
    study: Study,
    source: EventSource,
    table: pd.DataFrame,
    misfits: Misfits,
    *,
    first_row: int = 1,
    order: str | None = None,
) -> pd.DataFrame:
    """Read a table of text (or a batch of one) as rows of contacts, before scope.

    Parameters
    ----------
    study, source
    table : DataFrame of text
        As ``read_source`` gives it, lookups joined.
    misfits : Misfits
        Gains what fits no rule.
    first_row : int
        Number of the table's first row in its file.
    order : "dmy", "mdy" or "", optional
        What 03/04/2025 means, where the batch is not the whole column.

    Returns
    -------
    DataFrame
        Raw customer, time, codes of touchpoint and channel, numbers, words, ``row``. A row
        that does not fit its header is empty, with ``ODD`` for a touchpoint.
    """
    rules, columns = study.events or EventRules(()), source.columns
    table, odd = _empty_odd(table, source, misfits)

    def take(name: str) -> pd.Series:
        return table[columns[name]]

    rows = pd.DataFrame({CUSTOMER: take(CUSTOMER)})
    rows["row"] = np.arange(first_row, first_row + len(table))
    for name in NUMBERS:
        rows[name] = (
            _numbers(take(name), name, rules, source, misfits) if name in columns else np.nan
        )
    for name in (*WORDS, *PEOPLE):
        if name in columns:
            rows[name] = take(name).replace("", pd.NA)
    rows[CHANNEL] = np.int32(-1)
    if CHANNEL in columns:
        names = {c.id: (c.id, c.label.en, c.label.fa) for c in study.channels}
        rows[CHANNEL] = _recognise(take(CHANNEL), names, CHANNEL, source, misfits)
    if source.times:
        long = _lengthen(
            rows, table, study=study, rules=rules, source=source, order=order, misfits=misfits
        )
        never = ~np.column_stack([_is_filled(table[name]) for name in source.times]).any(axis=1)
        lost = rows[never].assign(**{TOUCHPOINT: np.where(odd[never], ODD, -1).astype(np.int32)})
        return _put_back(long, lost)
    if TIME in columns:
        rows[TIME] = _times(take(TIME), rules, order, source=source, misfits=misfits)
    else:
        rows[TIME] = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us]")
    if TOUCHPOINT in columns:
        known = {t.id: (t.id, *t.names, t.label.en, t.label.fa) for t in study.touchpoints}
        rows[TOUCHPOINT] = _recognise(take(TOUCHPOINT), known, TOUCHPOINT, source, misfits)
    else:
        rows[TOUCHPOINT] = np.int32(_code(study, source.touchpoint))
    if LIFECYCLE in columns:
        rows[LIFECYCLE] = take(LIFECYCLE)
    if odd.any():
        rows.loc[odd, TOUCHPOINT] = np.int32(ODD)
    return rows


def _empty_odd(
    table: pd.DataFrame, source: EventSource, misfits: Misfits
) -> tuple[pd.DataFrame, Bools]:
    """Empty the rows that do not fit their header, and tell which they are and why."""
    none = np.zeros(len(table), dtype=bool)
    first = as_arrow(table.iloc[:, 0]) if table.shape[1] else None
    if first is None or not len(table):
        return table, none
    odd = pc.fill_null(pc.starts_with(first, ODD_ROW), False).to_numpy(zero_copy_only=False)
    if not odd.any():
        return table, none
    why = table.iloc[:, 0][odd].str.removeprefix(ODD_ROW).value_counts(sort=False)
    misfits.add(source, "(row)", why.index, why)
    emptied = table.copy()
    for name in table.columns:
        if isinstance(table[name].dtype, pd.StringDtype):
            emptied[name] = table[name].mask(odd, "")
    return emptied, odd


def _put_back(long: pd.DataFrame, lost: pd.DataFrame) -> pd.DataFrame:
    """Add the rows of a wide table that have no time at all, in their places."""
    if lost.empty:
        return long
    lost = lost.assign(**{TIME: pd.Series(pd.NaT, index=lost.index, dtype=long[TIME].dtype)})
    both = pd.concat([long, lost[long.columns]], ignore_index=True)
    return both.sort_values("row", kind="stable", ignore_index=True)


def _code(study: Study, touchpoint: str) -> int:
    return next((i for i, t in enumerate(study.touchpoints) if t.id == touchpoint), -1)


def _times(
    raw: pd.Series, rules: EventRules, order: str | None, *, source: EventSource, misfits: Misfits
) -> pd.Series:
    """Read the times of one column; what is none is missing and noted."""
    if pd.api.types.is_datetime64_any_dtype(raw):
        return read_times(raw, zone=rules.time_zone)
    found = read_times(raw, zone=rules.time_zone, order=order)
    lost = raw[found.isna() & raw.notna()]
    lost = lost[lost.str.strip().ne("")]
    if len(lost):
        counts = lost.value_counts().sort_index(kind="stable")
        counts = counts.sort_values(ascending=False, kind="stable")
        told = counts.head(MAX_TIMES)
        misfits.add(source, TIME, told.index, told)
        if len(counts) > len(told):
            misfits.add(source, TIME, ["(other values)"], [int(counts.iloc[len(told) :].sum())])
    return found


def _lengthen(
    rows: pd.DataFrame, table: pd.DataFrame, *, study: Study, rules: EventRules,
    source: EventSource, order: str | None, misfits: Misfits,
) -> pd.DataFrame:  # fmt: skip
    """One row per filled time cell of a wide table, with its measures given out once."""
    names, touchpoints = list(source.times), list(source.times.values())
    filled = np.column_stack([_is_filled(table[name]) for name in names])
    paid = [touchpoints.index(t) for t in rules.purchase if t in touchpoints] or [0]
    pay_at = np.full(len(table), -1)
    for place in reversed(paid):
        pay_at[filled[:, place]] = place
    last_at = np.where(filled.any(axis=1), len(names) - 1 - filled[:, ::-1].argmax(axis=1), -1)
    parts = []
    for place, (name, touchpoint) in enumerate(zip(names, touchpoints, strict=True)):
        part = rows.copy()
        part[[AMOUNT, COST]] = part[[AMOUNT, COST]].where(pd.Series(pay_at == place), axis=0)
        rest = [name for name in (RATING, SECONDS, *WORDS) if name in part]
        part[rest] = part[rest].where(pd.Series(last_at == place), axis=0)
        part[TOUCHPOINT] = np.int32(_code(study, touchpoint))
        part["place"] = place
        part = part[filled[:, place]]
        part[TIME] = _times(
            table[name][filled[:, place]], rules, order, source=source, misfits=misfits
        )
        parts.append(part)
    long = pd.concat(parts, ignore_index=True)
    return long.sort_values(["row", "place"], kind="stable", ignore_index=True).drop(
        columns="place"
    )


def _is_filled(column: pd.Series) -> Bools:
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.notna().to_numpy()
    return column.astype("str").str.strip().ne("").fillna(False).to_numpy(dtype=bool)


def _numbers(
    raw: pd.Series, name: str, rules: EventRules, source: EventSource, misfits: Misfits
) -> npt.NDArray[np.float64]:
    """Numbers of one column; what is none, or out of its range, is missing and noted."""
    codes, values = encode(raw)
    text = pd.Series(values, dtype="str")
    numbers = read_numbers(text)
    numbers = numbers.where(np.isfinite(numbers))
    low, high = rules.rating_scale if name == RATING else (-np.inf, np.inf)
    if name in (SECONDS, COST):
        low = 0.0
    numbers = numbers.where(numbers.between(low, high))
    wrong = [v for v in text[numbers.isna() & text.ne("")] if not is_blank(v)]
    _note(wrong, codes, values, column=name, source=source, misfits=misfits)
    return np.append(numbers.to_numpy(dtype=float), np.nan)[codes]


def _recognise(
    raw: pd.Series,
    known: Mapping[str, tuple[str, ...]],
    column: str,
    source: EventSource,
    misfits: Misfits,
) -> npt.NDArray[np.int32]:
    """Place in ``known`` of each spelling; -1 where none fits."""
    exact: dict[str, int] = {}
    loose: dict[str, set[int]] = {}
    for spellings in zip(*_padded(known.values()), strict=True):  # ids first, then names ...
        for identity, spelling in enumerate(spellings):
            if spelling:
                exact.setdefault(spelling, identity)
                loose.setdefault(key(spelling), set()).add(identity)
    codes, values = encode(raw)
    place = np.full(len(values) + 1, -1, dtype=np.int32)
    wrong = []
    for code, value in enumerate(values.tolist()):
        text = str(value).strip()
        near = loose.get(key(text), set())
        if text in exact:
            place[code] = exact[text]
        elif len(near) == 1:
            place[code] = next(iter(near))
        elif text:
            wrong.append(value)
    known_names = [s for names in known.values() for s in names if s]
    _note(wrong, codes, values, column=column, source=source, misfits=misfits, known=known_names)
    return place[codes]


def _padded(rows: Iterable[Sequence[str]]) -> list[tuple[str, ...]]:
    given = [tuple(row) for row in rows]
    width = max((len(row) for row in given), default=0)
    return [row + ("",) * (width - len(row)) for row in given]


def _note(
    wrong: Sequence[Any], codes: npt.NDArray[np.int32], values: npt.NDArray[np.object_], *,
    column: str, source: EventSource, misfits: Misfits, known: Sequence[str] = (),
) -> None:  # fmt: skip
    if not wrong:
        return
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    at = {value: code for code, value in enumerate(values.tolist())}
    misfits.add(source, column, wrong, [counts[at[value]] for value in wrong], known)


def pair_rows(
    rows: pd.DataFrame, source: EventSource, repeated: Bools
) -> tuple[pd.DataFrame, Bools]:
    """Join the start and the completion of a contact; True for the rows that are no contact.

    Exact duplicates take no part.
    """
    if LIFECYCLE not in rows:
        return rows, np.zeros(len(rows), dtype=bool)
    return pair_steps(rows, mode=source.lifecycle, leave_out=repeated)
