"""What a KPI was before and after a day: waves of the survey, or equal windows of the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from cjlib.columns import CUSTOMER, DATE, TIME, WAVE, WEIGHT
from cjlib.intervals import Floats
from cjlib.language import parse_date
from cjlib.metrics.totals import ANSWERED, total_answers, total_contacts
from cjlib.study import Study

SHORTEST_WEEKS: Final = 4  # a shorter window holds too few weekends to be compared
LONGEST_WEEKS: Final = 13  # a quarter: leaves earlier windows to look for trends in
WHO, PERIOD = "who", "period"


@dataclass(frozen=True, slots=True, eq=False)
class Periods:
    """A KPI person by person, before and after a day.

    Attributes
    ----------
    rows : DataFrame
        One row per person and period: ``who`` (customer, else the row itself), ``period, y,
        x, w`` (the KPI is sum(w y) / sum(w x)); its index is that of ``people``.
    people : DataFrame
        The respondents, for rules on them.
    order : tuple of str
        Periods in the order of time; the last is after the day, those before it before.
    why : str
        Why nothing can be compared; empty where it can.
    """

    rows: pd.DataFrame
    people: pd.DataFrame
    order: tuple[str, ...]
    why: str = ""


def survey_periods(study: Study, people: pd.DataFrame, *, kpi: str, since: pd.Timestamp) -> Periods:
    """Return a survey KPI in every wave before the day, and in the latest one from it on.

    A wave lies where its date in study.yaml does, else the median day of its answers. Waves
    in which the question was not asked are left out.
    """
    totals = total_answers(kpi, study, people)
    if totals is None:
        return _nothing(people, "the survey does not measure this kpi")
    who = people[CUSTOMER].astype("string")
    alone = pd.Series([f"row {i}" for i in range(len(people))], index=people.index, dtype="string")
    rows = pd.DataFrame(
        {WHO: who.fillna(alone), PERIOD: people[WAVE].astype("string"), "y": totals[0],
         "x": totals[1], "w": people[WEIGHT].astype(float)}, index=people.index,
    )  # fmt: skip
    rows = rows[rows["y"].notna() & rows["w"].gt(0)]
    asked = set(rows[PERIOD].dropna())
    days = {
        wave.id: _day_of(wave.date, people, wave.id) for wave in study.waves if wave.id in asked
    }
    undated = [wave for wave, day in days.items() if day is None]
    if undated:
        return _nothing(people, f"no date of the wave {undated[0]}: give it in study.yaml")
    known = sorted((day, wave) for wave, day in days.items() if day is not None)
    return _order(
        rows,
        people,
        [w for d, w in known if d < since],
        [w for d, w in known if d >= since],
        "wave",
    )


def contact_periods(study: Study, contacts: Any, *, kpi: str, since: pd.Timestamp) -> Periods:
    """Return a KPI of the log in equal windows of whole weeks: one after the day, the rest before.

    The window is as long as the log reaches on the shorter side of the day, at most
    ``LONGEST_WEEKS``. Whole weeks, so that weekdays weigh alike; seasons do not even out.
    """
    frame: pd.DataFrame = contacts if isinstance(contacts, pd.DataFrame) else contacts.table
    frame = frame[frame[CUSTOMER].notna()]
    empty = pd.DataFrame()
    if frame.empty or total_contacts(kpi, study, frame.iloc[:0]) is None:
        return _nothing(empty, "the log does not measure this kpi as a share or ratio of customers")
    first, last = frame[TIME].min(), frame[TIME].max()
    week = pd.Timedelta(weeks=1)
    weeks = int(min((last - since) // week, (since - first) // week, LONGEST_WEEKS))
    if weeks < SHORTEST_WEEKS:
        return _nothing(empty, f"the log reaches less than {SHORTEST_WEEKS} weeks to both sides")
    span = weeks * week
    parts: list[pd.DataFrame] = []
    before: list[str] = []
    start = since
    while start >= first and start + span <= last + pd.Timedelta(days=1):
        rows = frame[(frame[TIME] >= start) & (frame[TIME] < start + span)]
        totals = total_contacts(kpi, study, rows)
        if totals is not None and len(totals):
            name = f"{start:%Y-%m-%d} to {start + span - pd.Timedelta(days=1):%Y-%m-%d}"
            parts.append(totals.assign(**{PERIOD: name}))
            before.insert(0, name)
        start -= span
    rows = pd.concat(parts, ignore_index=True).rename(columns={CUSTOMER: WHO}).assign(w=1.0)
    return _order(rows, empty, before[:-1], before[-1:], "window")


def _order(
    rows: pd.DataFrame, people: pd.DataFrame, before: list[str], after: list[str], noun: str
) -> Periods:
    for side, found in (("before", before), ("after", after)):
        if not found:
            return _nothing(people, f"no {noun} {side} that day")
    return Periods(rows, people, (*before, after[-1]))


def _nothing(people: pd.DataFrame, why: str) -> Periods:
    return Periods(pd.DataFrame(columns=[WHO, PERIOD, "y", "x", "w"]), people, (), why)


def _day_of(text: str, people: pd.DataFrame, wave: str) -> pd.Timestamp | None:
    day = parse_date(text) if text else None
    if day is not None:
        return pd.Timestamp(day)
    if DATE not in people.columns:
        return None
    middle = people.loc[people[WAVE].astype("string").eq(wave).fillna(False), DATE].median()
    return None if pd.isna(middle) else pd.Timestamp(middle)


def is_answered(kpi: str) -> bool:
    """Whether the survey, not the log, measures a KPI."""
    return kpi.partition(".")[0] in ANSWERED


def hold_rule(rule: Any, periods: Periods, respondents: pd.DataFrame | None) -> Floats:
    """Say of each row whether a rule on the respondents holds: 1, 0, or missing (not answered).

    In the log a customer has his latest answer to the survey; without one it is missing.
    """
    if len(periods.people):
        held = pd.Series(rule.hold(periods.people), index=periods.people.index)
        return held.reindex(periods.rows.index).to_numpy(dtype=float)
    if respondents is None:
        return np.full(len(periods.rows), np.nan)
    known = pd.DataFrame(
        {WHO: respondents[CUSTOMER].astype("string"), "held": rule.hold(respondents)}
    )
    latest = known.dropna().drop_duplicates(WHO, keep="last").set_index(WHO)["held"]
    return periods.rows[WHO].map(latest).to_numpy(dtype=float)
