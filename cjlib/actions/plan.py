"""The action plan reviewed on a stated day: what is late, ownerless or without a finding."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from cjlib.accounts import read_costs
from cjlib.actions.plan_file import CLOSED, read_actions
from cjlib.columns import DATE, STAGE, TIME
from cjlib.errors import JourneyError
from cjlib.language import parse_date
from cjlib.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cjlib.actions.evidence import HasRespondents, HasTable

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
