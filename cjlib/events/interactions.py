"""The interactions table: what counts as a customer's contact with the brand, and what does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
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
    STAFF,
    STAGE,
    TEAM,
    TEXT,
    TIME,
    TOUCHPOINT,
    WITHIN,
)
from cjlib.definitions import EventRules
from cjlib.errors import JourneyError
from cjlib.events.lifecycle import LIFECYCLE
from cjlib.events.ordering import decode, encode, order_events
from cjlib.events.people import name_staff
from cjlib.events.rows import NUMBERS, ODD, PEOPLE, WORDS, Bools, Misfits, pair_rows, read_rows
from cjlib.events.sources import read_source
from cjlib.events.times import count_twice
from cjlib.language import parse_date
from cjlib.study import Study

COLUMNS: Final = (
    CUSTOMER, TIME, TOUCHPOINT, WITHIN, CHANNEL, STAGE, COUNTERPARTY,
    AMOUNT, COST, SECONDS, RATING, ELEMENT, TEXT, STAFF, TEAM,
)  # fmt: skip
KEPT: Final = "in scope"
ODD_ROW: Final = "row unlike the header"
DUPLICATE: Final = "duplicate row"
NO_CUSTOMER: Final = "no customer"
NO_TIME: Final = "no readable time"
OUTSIDE: Final = "dated outside the log"
UNKNOWN: Final = "unknown touchpoint"
TALK: Final = "talk between customers"
ONE_WAY: Final = "one-way or mass message"
STEP: Final = "other step of a contact"
REASONS: Final = (  # the first that holds
    ODD_ROW, DUPLICATE, NO_CUSTOMER, NO_TIME, OUTSIDE, UNKNOWN, STEP, TALK, ONE_WAY,
)  # fmt: skip


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
    places : int, one per row of ``table``
        Where the contact stood among all rows read, source after source.
    """

    study: Study
    table: pd.DataFrame
    set_aside: pd.DataFrame
    scope: pd.DataFrame
    misfits: pd.DataFrame
    tied_share: float
    unordered_share: float
    places: npt.NDArray[np.int64] = field(repr=False)

    @property
    def rows_read(self) -> int:
        """Rows of all sources: kept and set aside."""
        return len(self.table) + len(self.set_aside)

    @property
    def clock_twice(self) -> int:
        """Contacts in an hour that the study's clock shows twice (see ``count_twice``)."""
        zone = self.study.events.time_zone if self.study.events else "UTC"
        return count_twice(self.table[TIME], zone=zone)

    def summary(self) -> str:
        """Say in a sentence what was read, kept and set aside."""
        aside = [
            f"{rows:,} {reason}"
            for reason, rows in zip(self.scope[REASON][1:], self.scope["rows"][1:], strict=True)
            if rows  # the empty reasons are in the table
        ]
        why = f" ({', '.join(aside)})" if aside else ""
        hour = self.clock_twice
        twice = f", and {hour:,} lie in an hour that the clock shows twice" if hour else ""
        return (
            f"{self.rows_read:,} rows read; {len(self.table):,} contacts of "
            f"{self.table[CUSTOMER].nunique():,} customers in scope, "
            f"{len(self.set_aside):,} set aside{why}; the order of "
            f"{self.unordered_share:.1%} of contacts is not known for certain (same time){twice}."
        )


def read_interactions(study: Study, *, tables: Mapping[str, Any] | None = None) -> Interactions:
    """Read every event source of a study into one table of contacts.

    A contact counts where it is two-way and one-to-one (as its channel is defined) and with
    the brand or a partner who sells or serves for it. ``positions.advertising`` and
    ``positions.word_of_mouth`` set to "interaction" let the other two kinds in. Every row
    that does not count is kept apart with one reason, the first that holds of: cells that do
    not fit the header (a CSV row with more or fewer), exact duplicate of an earlier row of
    its source, no customer, no readable time, dated outside the log (before ``events.since``
    or after ``events.until``; without it, after the day of reading, which no contact can
    be), unknown touchpoint, other step of a contact, talk between customers, one-way or mass
    message. Prospects stay: nobody has to buy.

    A row is a line of a long table, or a filled time cell of a wide one; a blank time cell
    there says that the step did not happen, and a line without any is one row without a
    time. An empty line is no row. In a wide table money (``amount``, ``cost``)
    belongs to one contact of the case: the first of the study's purchase touchpoints that
    has a time (where none of its times is a purchase, the first time); the other measures
    to the last touchpoint that has a time. Money of a case not yet bought is left out.

    Touchpoints are known by id, ``names`` or label, in any spelling that differs only in
    case, spaces or marks. The channel is the row's own where the study defines it, else the
    touchpoint's. Customers are pseudonyms. Contacts of one customer at one time are ordered
    by the study's stages, then as in the file.

    Where a log writes a contact as start and completion (a ``lifecycle`` column), the two
    make one contact (``cjlib.events.lifecycle``); its other rows are set aside as "other step
    of a contact".

    Parameters
    ----------
    study : Study
    tables : mapping of str to data frame, optional
        The frames of sources that are given by name (``frame: visits``): pandas, polars or
        arrow.

    Raises
    ------
    MissingSourceError
        If the study has no events, or a database or frame is not there.
    ColumnError, UnsafeFileError
        If a file cannot be read as study.yaml says.
    """
    study.require("events", caller="read_interactions")
    rules, misfits = study.events or EventRules(()), Misfits()
    parts, reasons = [], []
    for source in rules.sources:
        table, repeated, files = read_source(study, source, tables)
        rows = read_rows(study, source, table, misfits)
        again = repeated.to_numpy()[rows["row"].to_numpy() - 1]
        rows, other = pair_rows(rows, source, again)
        reason = find_reasons(study, rows, repeated=again, other=other)
        reasons.append(reason)
        parts.append(_place_in_files(rows, files))
    rows = pd.concat(parts, ignore_index=True)
    raw, ids = encode(rows[CUSTOMER].astype("str"), sort=False)
    known = study.pseudonyms(pd.Series(ids, dtype="str"), "C")
    place, customers = encode(known)
    who = np.append(place, -1)[raw]
    return _divide(
        rows, np.concatenate(reasons), who=who, customers=customers, study=study, misfits=misfits
    )


def _place_in_files(rows: pd.DataFrame, files: list[tuple[str, int]]) -> pd.DataFrame:
    """Count ``row`` within each file of the source, and name the file."""
    ends = np.cumsum([count for _, count in files])
    row = rows["row"].to_numpy()
    at = np.searchsorted(ends, row, side="left").astype(np.int32)
    before = np.concatenate([[0], ends])[at]
    return rows.assign(row=row - before, file=decode(at, [name for name, _ in files]))


def find_reasons(
    study: Study, rows: pd.DataFrame, *, repeated: Bools, other: Bools
) -> npt.NDArray[np.int8]:
    """Place in ``REASONS`` of why each row is set aside, the first that holds; -1 where it counts.

    ``repeated``: exact duplicates; ``other``: rows that are no contact of their own.
    """
    odd = rows[TOUCHPOINT].to_numpy() == ODD
    touchpoint = np.maximum(rows[TOUCHPOINT].to_numpy(), -1)
    channel = find_channel(study, rows)
    silent = [not (c.two_way and c.one_to_one) for c in study.channels]
    counterparty = np.array([*(t.counterparty for t in study.touchpoints), ""], dtype=object)
    mass = np.array([*silent, False])[channel]
    mass |= (counterparty == "media")[touchpoint]
    talk = (counterparty == "customer")[touchpoint]
    if study.positions.advertising == "interaction":
        mass[:] = False
    if study.positions.word_of_mouth == "interaction":
        talk[:] = False
    who = rows[CUSTOMER].astype("str").str.strip()
    nobody = (who.isna() | who.eq("")).to_numpy(dtype=bool)
    checks = {
        ODD_ROW: odd,
        DUPLICATE: repeated,
        NO_CUSTOMER: nobody,
        NO_TIME: rows[TIME].isna().to_numpy(),
        OUTSIDE: _find_outside(study, rows[TIME]),
        UNKNOWN: touchpoint < 0,
        STEP: other,
        TALK: talk,
        ONE_WAY: mass,
    }
    found = np.full(len(rows), -1, dtype=np.int8)
    for place in reversed(range(len(REASONS))):
        found[checks[REASONS[place]]] = place
    return found


def _find_outside(study: Study, times: pd.Series) -> Bools:
    """Tell which times lie before the first or after the last day of the log."""
    rules = study.events or EventRules(())
    first = _read_day(rules.since, "since")
    last = _read_day(rules.until, "until")
    if last is None:  # a day more: the clock of this machine may stand in another zone
        last = datetime.now(tz=ZoneInfo("UTC")).date() + timedelta(days=1)
    outside = times >= pd.Timestamp(last) + pd.Timedelta(days=1)
    if first is not None:
        outside |= times < pd.Timestamp(first)
    return outside.fillna(False).to_numpy(dtype=bool)


def _read_day(text: str, name: str) -> date | None:
    day = parse_date(text) if text else None
    if text and day is None:
        raise JourneyError(
            f'read_interactions: events.{name} must be a date; got {text!r}. Write "2025-12-31".'
        )
    return day


def find_channel(study: Study, rows: pd.DataFrame) -> npt.NDArray[np.int32]:
    """Code of the own channel of each row, else of its touchpoint; -1 where neither is known."""
    places = {c.id: i for i, c in enumerate(study.channels)}
    own = np.array([*(places.get(t.channel, -1) for t in study.touchpoints), -1], dtype=np.int32)
    given = rows[CHANNEL].to_numpy()
    return np.where(given >= 0, given, own[np.maximum(rows[TOUCHPOINT].to_numpy(), -1)])


def stage_of_touchpoint(study: Study) -> npt.NDArray[np.int64]:
    """Return the place of each touchpoint's stage among the study's; -1 for none, and last."""
    places = {stage: place for place, stage in enumerate(study.stage_ids)}
    return np.array([*(places.get(t.stage, -1) for t in study.touchpoints), -1])


def _divide(
    rows: pd.DataFrame, reason: npt.NDArray[np.int8], *, who: npt.NDArray[np.int32],
    customers: npt.NDArray[np.object_], study: Study, misfits: Misfits,
) -> Interactions:  # fmt: skip
    inside = np.flatnonzero(reason < 0)
    outside = np.flatnonzero(reason >= 0)
    times = rows[TIME].to_numpy(dtype="datetime64[us]").astype(np.int64)[inside]
    tie = stage_of_touchpoint(study)[rows[TOUCHPOINT].to_numpy()[inside]]
    inside = inside[order_events(who[inside], times, tie=tie)]
    spelled: dict[str, Any] = {
        "who": who, "customers": customers, "channel": find_channel(study, rows), "study": study,
    }  # fmt: skip
    table = _spell(rows, inside, **spelled)
    aside = _spell(rows, outside, **spelled)
    why = np.array([*REASONS, ""], dtype=object)[reason[outside]]
    aside = aside.assign(**{REASON: pd.Series(why, dtype="str")})
    aside["file"] = rows["file"].iloc[outside].reset_index(drop=True)
    aside["row"] = rows["row"].iloc[outside].reset_index(drop=True)
    tied, unordered = _measure_ties(table)
    counts = [(KEPT, len(table), table[CUSTOMER].nunique())]
    paired = any(LIFECYCLE in source.columns for source in (study.events or EventRules(())).sources)
    for name in REASONS:
        if name != STEP or paired:
            part = aside[aside[REASON].eq(name)]
            counts.append((name, len(part), part[CUSTOMER].nunique()))
    scope = pd.DataFrame(counts, columns=[REASON, "rows", "customers"])
    scope.insert(2, SHARE, scope["rows"] / max(len(rows), 1))
    return Interactions(
        study=study,
        table=table[list(COLUMNS)],
        set_aside=aside[[*COLUMNS, REASON, "file", "row"]],
        scope=scope,
        misfits=misfits.table(),
        tied_share=tied,
        unordered_share=unordered,
        places=inside,
    )


def _spell(
    rows: pd.DataFrame, take: npt.NDArray[np.int64], *, who: npt.NDArray[np.int32],
    customers: npt.NDArray[np.object_], channel: npt.NDArray[np.int32], study: Study,
) -> pd.DataFrame:  # fmt: skip
    """Return the chosen rows in order, codes spelled out; columns as in ``COLUMNS``."""
    known = study.touchpoints
    touchpoint = rows[TOUCHPOINT].to_numpy()[take]
    words: dict[str, list[str | None]] = {
        TOUCHPOINT: [t.id for t in known], WITHIN: [t.within or None for t in known],
        STAGE: [t.stage for t in known], COUNTERPARTY: [t.counterparty for t in known],
    }  # fmt: skip
    made = {name: decode(touchpoint, values) for name, values in words.items()}
    made[CHANNEL] = decode(channel[take], [c.id for c in study.channels])
    made[CUSTOMER] = decode(who[take], customers.tolist()).astype("string")
    told = (*WORDS, *PEOPLE)
    for name in (TIME, *NUMBERS, *(word for word in told if word in rows)):
        made[name] = rows[name].iloc[take].reset_index(drop=True)
    if STAFF in made:
        made[STAFF] = name_staff(study, made[STAFF])
    if TEAM in made:
        team = made[TEAM].astype("str").str.strip()
        made[TEAM] = team.mask(team.eq(""))
    for name in told:
        if name not in made:
            made[name] = pd.Series(None, index=range(len(take)), dtype="str")
        made[name] = made[name].astype("str")
    return pd.DataFrame({name: made[name] for name in COLUMNS})


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
