"""The action plan: read with every fault at once, reviewed on a stated day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from cjlib.accounts import read_costs
from cjlib.columns import DATE, STAGE, TIME, TOUCHPOINT
from cjlib.errors import Fault, JourneyError, MissingSourceError, nearest
from cjlib.language import key, parse_date
from cjlib.metrics import kpi_names
from cjlib.sheets import Sheet, read_sheet
from cjlib.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cjlib.actions.evidence import HasRespondents, HasTable

ACTION_COLUMNS: Final = (
    "action", "finding", STAGE, TOUCHPOINT, "owner", "team", "due", "kpi", "target", "expected",
    "status", "effort", "impact", "budget",
)  # fmt: skip
STATUSES: Final = ("proposed", "planned", "approved", "in progress", "done", "dropped")
_PERSIAN: Final = (
    ("پیشنهاد", "پیشنهادی", "پیشنهاد شده"), ("برنامه‌ریزی شده", "در برنامه"),
    ("تایید شده", "تصویب شده", "مصوب"), ("در حال انجام", "در جریان", "جاری"),
    ("انجام شد", "انجام شده", "تمام شد"), ("کنار گذاشته شد", "منتفی", "لغو شد"),
)  # fmt: skip
_STATUS: Final = {
    key(word): status
    for status, words in zip(STATUSES, _PERSIAN, strict=True)
    for word in (status, *words)
}
CLOSED: Final = ("done", "dropped")
LOWEST, HIGHEST = 1, 5  # effort and impact, as teams rate them
FLAGS: Final = ("overdue", "ownerless", "teamless", "undated", "unfounded", "outside_teams")


@dataclass(frozen=True, slots=True, eq=False)
class PlanReview:
    """What ``review_plan`` found.

    Attributes
    ----------
    table : DataFrame
        One row per action, as ``read_actions`` gives it, with ``open`` (neither done nor
        dropped), ``days_left`` (negative: late; missing without a due day) and flags, all
        for open actions only: ``overdue, ownerless, teamless, undated`` (no due day),
        ``unfounded`` (no finding behind it), ``outside_teams`` (a team that the study does
        not make responsible for the stage).
    teams : DataFrame
        As ``assign_teams`` gives it.
    today : date
        The day it was reviewed for.
    language : str
        Of the actions, "en" or "fa".
    """

    table: pd.DataFrame
    teams: pd.DataFrame
    today: date
    language: str = "en"

    def summary(self) -> str:
        """Return how the plan stands in one sentence."""
        running = int(self.table["open"].sum())
        counts = {flag: int(self.table[flag].sum()) for flag in FLAGS}
        names = {
            "overdue": "overdue", "ownerless": "without an owner", "teamless": "without a team",
            "undated": "without a due day", "unfounded": "without a finding",
            "outside_teams": "given to a team outside the stage",
        }  # fmt: skip
        found = [f"{count} {names[flag]}" for flag, count in counts.items() if count]
        text = ", ".join(found) or "none needs attention"
        return f"On {self.today}: {running} of {len(self.table)} actions are open; {text}."

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw impact against effort, action by action."""
        from cjlib import plots

        return plots.draw_impact_effort(self.table, language=self.language, ax=ax)


def read_actions(study: Study) -> pd.DataFrame:
    """Read the action plan.

    Returns
    -------
    DataFrame, one row per action, in file order
        ``action, finding, stage, touchpoint, owner, team`` (ids checked), ``due``
        (datetime64; Jalali or Gregorian in the file), ``kpi`` (one the study can measure),
        ``target, expected, status`` (one of ``STATUSES``, "proposed" where empty; Persian
        words are understood), ``effort, impact`` (1 to 5), ``budget`` (study currency).
        Empty texts are missing.

    Raises
    ------
    MissingSourceError
        If study.yaml names no actions file.
    StudyError
        With every fault in the file, each with its line and the nearest right spelling.
    """
    study.require("actions", caller="read_actions")
    sheet, frame = _read(study, study.file(study.actions_file))
    sheet.raise_faults(caller="read_actions")
    return frame


def check_actions(study: Study) -> list[Fault]:
    """List every fault in the actions file; a study without one has none."""
    if not study.has("actions"):
        return []
    try:
        place = study.file(study.actions_file)
    except MissingSourceError:  # a fault of study.yaml, listed there
        return []
    return _read(study, place)[0].faults


def review_plan(
    study: Study,
    plan: pd.DataFrame | None = None,
    *,
    today: date | str | None = None,
    survey: HasRespondents | None = None,
    interactions: HasTable | None = None,
) -> PlanReview:
    """Review the plan as of a day: what is late, ownerless or without a finding.

    Parameters
    ----------
    study : Study
    plan : DataFrame, optional
        From ``read_actions``, which is called where it is not given.
    today : date or text, optional
        The day of the review, Jalali or Gregorian. By default the last day of the study's
        data (``find_last_day``), so that the result does not change with the calendar.
    survey, interactions : optional
        To find that day in.

    Notes
    -----
    An action is overdue from the day after its due day.
    """
    plan = read_actions(study) if plan is None else plan
    day = _as_day(today) or find_last_day(study, survey=survey, interactions=interactions)
    table = plan.copy()
    running = ~table["status"].isin(CLOSED)
    table["open"] = running
    table["days_left"] = (table["due"] - pd.Timestamp(day)).dt.days.astype("Int64")
    table["overdue"] = running & table["days_left"].lt(0).fillna(False).astype(bool)
    for flag, column in (
        ("ownerless", "owner"), ("teamless", "team"), ("undated", "due"), ("unfounded", "finding"),
    ):  # fmt: skip
        table[flag] = running & table[column].isna()
    own = {stage.id: stage.teams for stage in study.stages}
    table["outside_teams"] = [
        bool(is_open and pd.notna(team) and own.get(stage) and team not in own[stage])
        for is_open, team, stage in zip(
            running, table["team"], table[STAGE].fillna(""), strict=True
        )
    ]
    return PlanReview(table, assign_teams(study, table), day, study.language)


def assign_teams(study: Study, plan: pd.DataFrame | None = None) -> pd.DataFrame:
    """Say which teams answer for each stage.

    Parameters
    ----------
    study : Study
        ``stages[].teams`` and ``touchpoints[].teams``.
    plan : DataFrame, optional
        To count each team's actions; with ``open`` and ``overdue`` where it was reviewed.

    Returns
    -------
    DataFrame, one row per stage and team, in journey order
        ``stage, stage_label, team, team_label, role`` (``responsible``: of the stage;
        ``touchpoint``: of a touchpoint in it; ``plan only``: has actions there), ``actions,
        open, overdue`` (counts). A stage without any team has one row, its team missing.
    """
    rows: list[dict[str, Any]] = []
    actions = pd.DataFrame(columns=[STAGE, "team"]) if plan is None else plan
    for stage in study.stages:
        inside = [t for t in study.touchpoints if t.stage == stage.id]
        there = actions[actions[STAGE].eq(stage.id).fillna(False)]
        roles = dict.fromkeys(stage.teams, "responsible")
        for touchpoint in inside:
            roles |= {team: "touchpoint" for team in touchpoint.teams if team not in roles}
        for team in there["team"].dropna():
            roles.setdefault(team, "plan only")
        for team, role in roles.items() or [(None, "nobody")]:
            mine = there[there["team"].eq(team).fillna(False)] if team else there.iloc[:0]
            counts = {
                flag: int(mine[flag].sum()) if flag in mine else 0 for flag in ("open", "overdue")
            }
            rows.append(
                {STAGE: stage.id, "stage_label": stage.label.to(study.language), "team": team,
                 "team_label": study.label("team", team) if team else None, "role": role,
                 "actions": len(mine)} | counts
            )  # fmt: skip
    return pd.DataFrame(rows)


def find_last_day(
    study: Study,
    *,
    survey: HasRespondents | None = None,
    interactions: HasTable | None = None,
) -> date:
    """Return the last day the study's data know of.

    The latest of: an answer, an interaction, a wave's date in study.yaml, a month of costs
    (its first day).

    Raises
    ------
    JourneyError
        If none of these holds a date; then pass ``today``.
    """
    days = [parse_date(wave.date) for wave in study.waves if wave.date]
    if survey is not None:
        days.append(_last(survey.respondents[DATE]))
    if interactions is not None:
        days.append(_last(interactions.table[TIME]))
    if study.has("costs"):
        days.append(_last(read_costs(study)["month"]))
    known = [day for day in days if day is not None]
    if not known:
        raise JourneyError(
            "find_last_day: the study must hold a date; neither its waves, costs, survey nor "
            "interactions give one. Pass today=date(...)."
        )
    return max(known)


def _last(dates: pd.Series) -> date | None:
    latest = dates.max()
    return None if pd.isna(latest) else latest.date()


def _as_day(today: date | str | None) -> date | None:
    if not isinstance(today, str):
        return today
    found = parse_date(today)
    if found is None:
        raise JourneyError(
            f"review_plan: today must be a day such as '2025-05-31' or '۱۴۰۴/۰۳/۱۰'; got {today!r}."
        )
    return found


def _read(study: Study, path: Path) -> tuple[Sheet, pd.DataFrame]:
    sheet = read_sheet(path, columns=ACTION_COLUMNS, required=("action",), shown=study.actions_file)
    known = {
        STAGE: study.stage_ids, TOUCHPOINT: [t.id for t in study.touchpoints],
        "team": list(study.teams), "kpi": kpi_names(study),
    }  # fmt: skip
    seen: dict[str, int] = {}
    rows = []
    for line, cells in sheet:
        action = sheet.need(line, cells, "action")
        if action and key(action) in seen:
            found = f"action '{action}' again (first on line {seen[key(action)]})"
            sheet.fault(line, found, "each action once")
        seen.setdefault(key(action), line)
        row: dict[str, Any] = {name: cells[name] or None for name in ACTION_COLUMNS}
        row |= {
            name: _choose(sheet, line, cells, name, words) for name, words in known.items()
        }  # fmt: skip
        row["due"] = sheet.day(line, cells, "due")
        row["target"] = sheet.number(line, cells, "target")
        row["budget"] = sheet.number(line, cells, "budget", low=0)
        for name in ("effort", "impact"):
            row[name] = sheet.number(line, cells, name, low=LOWEST, high=HIGHEST)
        row["status"] = _STATUS.get(key(cells["status"]))
        if not cells["status"]:
            row["status"] = STATUSES[0]
        elif row["status"] is None:
            sheet.choice(line, cells, "status", STATUSES)
        rows.append(row)
    numbers = ("target", "effort", "impact", "budget")
    types = dict.fromkeys(ACTION_COLUMNS, "string") | dict.fromkeys(numbers, "float64")
    frame = pd.DataFrame(rows, columns=list(ACTION_COLUMNS))
    return sheet, frame.astype(types | {"due": "datetime64[ns]"})


def _choose(
    sheet: Sheet, line: int, cells: dict[str, str], name: str, words: list[str]
) -> str | None:
    """Like ``Sheet.choice``, but the message does not list hundreds of KPI names."""
    if name != "kpi" or not cells[name] or cells[name] in words:
        return sheet.choice(line, cells, name, words)
    expected = "a KPI such as nps, csat.<stage>, ces, conversion (as in the goals of study.yaml)"
    sheet.fault(line, f"unknown kpi '{cells[name]}'", expected, nearest(cells[name], words))
    return None
