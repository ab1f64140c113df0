"""The interactions table: what counts as a customer's contact with the brand, and what does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from cjlib.columns import (
    AMOUNT,
    CHANNEL,
    COST,
    COUNTERPARTY,
    CUSTOMER,
    ELEMENT,
    RATING,
    REASON,
    SECONDS,
    SHARE,
    STAGE,
    TEXT,
    TIME,
    TOUCHPOINT,
    WITHIN,
)
from cjlib.definitions import EventRules, EventSource
from cjlib.errors import nearest
from cjlib.events.sources import read_numbers, read_source
from cjlib.events.times import read_times
from cjlib.language import is_blank, key
from cjlib.study import Study

COLUMNS: Final = (
    CUSTOMER, TIME, TOUCHPOINT, WITHIN, CHANNEL, STAGE, COUNTERPARTY,
    AMOUNT, COST, SECONDS, RATING, ELEMENT, TEXT,
)  # fmt: skip
NUMBERS: Final = (AMOUNT, COST, SECONDS, RATING)
WORDS: Final = (ELEMENT, TEXT)
MAX_HINTS: Final = 200  # unknown spellings for which the nearest known one is sought
KEPT: Final = "in scope"
DUPLICATE: Final = "duplicate row"
NO_CUSTOMER: Final = "no customer"
NO_TIME: Final = "no readable time"
UNKNOWN: Final = "unknown touchpoint"
TALK: Final = "talk between customers"
ONE_WAY: Final = "one-way or mass message"
REASONS: Final = (DUPLICATE, NO_CUSTOMER, NO_TIME, UNKNOWN, TALK, ONE_WAY)  # the first that holds


@dataclass(frozen=True, slots=True, eq=False)
class Interactions:
    """The contacts of a study's customers with its brand, and the rows that are none.

    Attributes
    ----------
    study : Study
        Whose definitions were used.
    table : DataFrame
        One row per contact in scope, by customer and time; columns as in ``COLUMNS``, those
        no source has all missing.
    set_aside : DataFrame
        The other rows, same columns and ``reason``, ``file``, ``row`` (data rows from 1).
    scope : DataFrame
        ``reason`` ("in scope" first), ``rows``, ``share`` of the rows read, ``customers``.
    misfits : DataFrame
        Values that fitted no rule: ``file``, ``column``, ``value``, ``rows``, ``nearest``
        (the nearest known name, for touchpoints and channels). Such numbers are missing in
        ``table``; such channels gave way to the touchpoint's own.
    tied_share, unordered_share : float
        Share of contacts with the same customer and time as another; and of those whose
        tied contacts lie at different touchpoints, so that their true order is not known.
    """

    study: Study
    table: pd.DataFrame
    set_aside: pd.DataFrame
    scope: pd.DataFrame
    misfits: pd.DataFrame
    tied_share: float
    unordered_share: float

    @property
    def rows_read(self) -> int:
        """Rows of all sources: kept and set aside."""
        return len(self.table) + len(self.set_aside)

    def summary(self) -> str:
        """Say in a sentence what was read, kept and set aside."""
        aside = [
            f"{rows:,} {reason}"
            for reason, rows in zip(self.scope[REASON][1:], self.scope["rows"][1:], strict=True)
            if rows  # the empty reasons are in the table
        ]
        why = f" ({', '.join(aside)})" if aside else ""
        return (
            f"{self.rows_read:,} rows read; {len(self.table):,} contacts of "
            f"{self.table[CUSTOMER].nunique():,} customers in scope, "
            f"{len(self.set_aside):,} set aside{why}; the order of "
            f"{self.unordered_share:.1%} of contacts is not known for certain (same time)."
        )


def read_interactions(study: Study) -> Interactions:
    """Read every event source of a study into one table of contacts.

    A contact counts where it is two-way and one-to-one (as its channel is defined) and with
    the brand or a partner who sells or serves for it. ``positions.advertising`` and
    ``positions.word_of_mouth`` set to "interaction" let the other two kinds in. Every row
    that does not count is kept apart with one reason, the first that holds of: exact
    duplicate of an earlier row of its file, no customer, no readable time, unknown
    touchpoint, talk between customers, one-way or mass message. Prospects stay: nobody has
    to buy.

    A row is a line of a long table, or a filled time cell of a wide one; a blank time cell
    there says that the step did not happen. In a wide table money (``amount``, ``cost``)
    belongs to one contact of the case: the first of the study's purchase touchpoints that
    has a time (where none of its times is a purchase, the first time); the other measures
    to the last touchpoint that has a time. Money of a case not yet bought is left out.

    Touchpoints are known by id, ``names`` or label, in any spelling that differs only in
    case, spaces or marks. The channel is the row's own where the study defines it, else the
    touchpoint's. Customers are pseudonyms. Contacts of one customer at one time are ordered
    by the study's stages, then as in the file.

    Raises
    ------
    MissingSourceError
        If the study has no events.
    ColumnError, UnsafeFileError
        If a file cannot be read as study.yaml says.
    """
    study.require("events", caller="read_interactions")
    rules = study.events or EventRules(())
    misfits: list[dict[str, object]] = []
    parts = [_read_rows(study, rules, source, misfits) for source in rules.sources]
    rows = pd.concat(parts, ignore_index=True)
    rows = _describe(rows, study)
    rows[REASON] = _find_reasons(rows, study)
    rows[CUSTOMER] = study.pseudonyms(rows[CUSTOMER], "C")
    return _divide(rows, study, misfits)


def _read_rows(
    study: Study, rules: EventRules, source: EventSource, misfits: list[dict[str, object]]
) -> pd.DataFrame:
    """One source as rows of contacts, before scope: raw ids, named touchpoints, numbers."""
    table, repeated = read_source(study, source)
    columns = source.columns

    def take(name: str) -> pd.Series:
        return table[columns[name]]

    rows = pd.DataFrame({CUSTOMER: take(CUSTOMER)})
    rows["file"], rows["row"], rows["repeated"] = (
        source.path,
        np.arange(1, len(table) + 1),
        repeated,
    )
    for name in NUMBERS:
        raw = take(name) if name in columns else None
        rows[name] = float("nan") if raw is None else _numbers(raw, name, rules, source, misfits)
    for name in WORDS:
        rows[name] = take(name).replace("", pd.NA) if name in columns else pd.NA
    raw_channel = take(CHANNEL) if CHANNEL in columns else pd.Series("", index=table.index)
    names = {c.id: (c.id, c.label.en, c.label.fa) for c in study.channels}
    rows[CHANNEL] = _recognise(raw_channel, names, CHANNEL, source, misfits)
    if source.times:
        return _lengthen(rows, table, rules, source)
    if TIME not in columns:
        rows["when"] = ""
    else:
        rows["when"] = take(TIME)
    rows[TIME] = read_times(rows["when"], zone=rules.time_zone)
    if TOUCHPOINT in columns:
        known = {t.id: (t.id, *t.names, t.label.en, t.label.fa) for t in study.touchpoints}
        rows[TOUCHPOINT] = _recognise(take(TOUCHPOINT), known, TOUCHPOINT, source, misfits)
    else:
        rows[TOUCHPOINT] = source.touchpoint or pd.NA
    return rows.drop(columns="when")


def _lengthen(
    rows: pd.DataFrame, table: pd.DataFrame, rules: EventRules, source: EventSource
) -> pd.DataFrame:
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
        rest = [RATING, SECONDS, *WORDS]
        part[rest] = part[rest].where(pd.Series(last_at == place), axis=0)
        part[TOUCHPOINT] = touchpoint
        part[TIME] = read_times(table[name], zone=rules.time_zone)
        part["place"] = place
        parts.append(part[filled[:, place]])
    long = pd.concat(parts, ignore_index=True)
    return long.sort_values(["row", "place"], kind="stable", ignore_index=True).drop(
        columns="place"
    )


def _is_filled(column: pd.Series) -> np.ndarray:
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.notna().to_numpy()
    return column.astype("str").str.strip().ne("").fillna(False).to_numpy(dtype=bool)


def _numbers(
    raw: pd.Series,
    name: str,
    rules: EventRules,
    source: EventSource,
    misfits: list[dict[str, object]],
) -> pd.Series:
    """Numbers of one column; what is none, or out of its range, is missing and noted."""
    numbers = read_numbers(raw)
    numbers = numbers.where(np.isfinite(numbers))
    low, high = rules.rating_scale if name == RATING else (-np.inf, np.inf)
    if name in (SECONDS, COST):
        low = 0.0
    numbers = numbers.where(numbers.between(low, high))
    wrong = raw[numbers.isna() & raw.notna() & raw.ne("")]
    blank = [value for value in wrong.unique() if is_blank(value)]
    _note(wrong[~wrong.isin(blank)], name, source, misfits)
    return numbers


def _recognise(
    raw: pd.Series,
    known: Mapping[str, tuple[str, ...]],
    column: str,
    source: EventSource,
    misfits: list[dict[str, object]],
) -> pd.Series:
    """Ids of the spellings in ``raw``; missing where none fits."""
    exact: dict[str, str] = {}
    loose: dict[str, set[str]] = {}
    for spellings in zip(*_padded(known.values()), strict=True):  # ids first, then names ...
        for identity, spelling in zip(known, spellings, strict=True):
            if spelling:
                exact.setdefault(spelling, identity)
                loose.setdefault(key(spelling), set()).add(identity)
    made: dict[str, str] = {}
    for value in raw.unique():
        text = str(value).strip()
        near = loose.get(key(text), set())
        if text in exact:
            made[value] = exact[text]
        elif len(near) == 1:
            made[value] = next(iter(near))
    found = raw.map(made)
    wrong = raw[found.isna() & raw.astype("str").str.strip().ne("")]
    _note(wrong, column, source, misfits, known=[s for names in known.values() for s in names if s])
    return found


def _padded(rows: Iterable[Sequence[str]]) -> list[tuple[str, ...]]:
    given = [tuple(row) for row in rows]
    width = max((len(row) for row in given), default=0)
    return [row + ("",) * (width - len(row)) for row in given]


def _note(
    wrong: pd.Series,
    column: str,
    source: EventSource,
    misfits: list[dict[str, object]],
    known: Sequence[str] = (),
) -> None:
    counts = wrong.astype("str").value_counts(sort=False)
    for value, rows in sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0]))):
        near = nearest(str(value), known) if known and len(counts) <= MAX_HINTS else ""
        misfits.append(
            {
                "file": source.path,
                "column": column,
                "value": value,
                "rows": int(rows),
                "nearest": near,
            }
        )


def _describe(rows: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Add what the definitions say of each touchpoint: stage, counterparty, within, channel."""
    known = {t.id: t for t in study.touchpoints}
    touchpoint = rows[TOUCHPOINT]
    own = touchpoint.map({k: t.channel or None for k, t in known.items()})
    return rows.assign(
        **{
            CHANNEL: rows[CHANNEL].where(rows[CHANNEL].notna(), own),
            STAGE: touchpoint.map({k: t.stage for k, t in known.items()}),
            COUNTERPARTY: touchpoint.map({k: t.counterparty for k, t in known.items()}),
            WITHIN: touchpoint.map({k: t.within or None for k, t in known.items()}),
        }
    )


def _find_reasons(rows: pd.DataFrame, study: Study) -> pd.Series:
    """Why each row is set aside; missing where it counts."""
    silent = [c.id for c in study.channels if not (c.two_way and c.one_to_one)]
    mass = rows[CHANNEL].isin(silent) | rows[COUNTERPARTY].eq("media")
    talk = rows[COUNTERPARTY].eq("customer")
    if study.positions.advertising == "interaction":
        mass &= False
    if study.positions.word_of_mouth == "interaction":
        talk &= False
    checks = {
        DUPLICATE: rows["repeated"],
        NO_CUSTOMER: rows[CUSTOMER].isna() | rows[CUSTOMER].astype("str").str.strip().eq(""),
        NO_TIME: rows[TIME].isna(),
        UNKNOWN: rows[TOUCHPOINT].isna(),
        TALK: talk,
        ONE_WAY: mass,
    }
    masks = [checks[reason].fillna(False).to_numpy(dtype=bool) for reason in REASONS]
    chosen = np.select(masks, list(REASONS), default="")
    return pd.Series(chosen, index=rows.index, dtype="str").replace("", pd.NA)


def _divide(rows: pd.DataFrame, study: Study, misfits: list[dict[str, object]]) -> Interactions:
    order = {stage: place for place, stage in enumerate(study.stage_ids)}
    rows = rows.assign(order=rows[STAGE].map(order).fillna(-1).astype(int))
    for name in (TOUCHPOINT, WITHIN, CHANNEL, STAGE, COUNTERPARTY, ELEMENT, TEXT):
        rows[name] = rows[name].astype("str")
    inside = rows[REASON].isna()
    table = rows[inside].sort_values([CUSTOMER, TIME, "order"], kind="stable", ignore_index=True)
    tied, unordered = _measure_ties(table)
    aside = rows[~inside].reset_index(drop=True)
    counts = [(KEPT, len(table), table[CUSTOMER].nunique())]
    for reason in REASONS:
        part = aside[aside[REASON].eq(reason)]
        counts.append((reason, len(part), part[CUSTOMER].nunique()))
    scope = pd.DataFrame(counts, columns=[REASON, "rows", "customers"])
    scope.insert(2, SHARE, scope["rows"] / max(len(rows), 1))
    return Interactions(
        study=study,
        table=table[list(COLUMNS)],
        set_aside=aside[[*COLUMNS, REASON, "file", "row"]],
        scope=scope,
        misfits=pd.DataFrame(misfits, columns=["file", "column", "value", "rows", "nearest"]),
        tied_share=tied,
        unordered_share=unordered,
    )


def _measure_ties(table: pd.DataFrame) -> tuple[float, float]:
    """Share of contacts tied in time, and tied with a contact at another touchpoint."""
    if table.empty:
        return 0.0, 0.0
    same = (
        table[CUSTOMER].eq(table[CUSTOMER].shift()) & table[TIME].eq(table[TIME].shift())
    ).fillna(False).to_numpy(dtype=bool)  # fmt: skip
    group = np.cumsum(~same) - 1
    sizes = np.bincount(group)
    codes = pd.factorize(table[TOUCHPOINT])[0]
    low, high = np.full(len(sizes), codes.max()), np.zeros(len(sizes), dtype=codes.dtype)
    np.minimum.at(low, group, codes)
    np.maximum.at(high, group, codes)
    tied = sizes > 1
    return float(sizes[tied].sum() / len(table)), float(
        sizes[tied & (low < high)].sum() / len(table)
    )
