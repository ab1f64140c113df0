"""The page for senior management: what must be decided, on what evidence, and by whom."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pandas as pd

from cjlib.actions.effects import BETTER, UNSEEN, WORSE, ActionEffects
from cjlib.actions.opportunities import Opportunities
from cjlib.actions.plan import PlanReview
from cjlib.columns import ESTIMATE, HIGH, LOW, STAGE, TOUCHPOINT
from cjlib.language import phrase
from cjlib.study import Study
from cjlib.tables import display_table

ASKS_APPROVAL: Final = ("proposed", "planned")
COLUMNS: Final = (
    "action", "decide", STAGE, "stage_label", "owner", "team_label", "due", "status", "budget",
    "approved_by", "kpi", "target", "expected", "evidence", ESTIMATE, LOW, HIGH, "customers",
    "money", "money_low", "money_high", "effect", "effect_low", "effect_high", "verdict",
    "target_reached",
)  # fmt: skip
_EVIDENCE: Final = (ESTIMATE, LOW, HIGH, "customers", "money", "money_low", "money_high")


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """What ``gather_decisions`` found.

    Attributes
    ----------
    table : DataFrame
        One row per action that needs a decision, those on the strongest evidence first:
        ``action, decide`` (what, in the study's language), where and who, ``budget,
        approved_by``; ``evidence``: the first opportunity at its touchpoint, else its stage,
        with the share of people affected (``estimate, low, high``), ``customers`` and
        ``money``; ``effect`` (of the KPI: difference in differences, else before to after)
        with ``verdict`` and ``target_reached`` where it was measured.
    room : DataFrame
        One row per stage: ``stage, stage_label, teams`` (who must be in the room), ``open,
        overdue`` (actions), ``budget`` (of the open ones).
    totals : dict
        ``budget_asked`` (open, proposed or planned without ``approved_by``),
        ``budget_approved`` (the other open ones), ``actions``, ``open``.
    today : date
    language : str
    """

    table: pd.DataFrame
    room: pd.DataFrame
    totals: dict[str, float]
    today: date
    language: str = "en"

    def summary(self) -> str:
        """Say how much there is to decide, in one sentence."""
        return (
            f"On {self.today}: {len(self.table)} of {self.totals['actions']:.0f} actions need a "
            f"decision; {self.totals['budget_asked']:,.0f} asked for, "
            f"{self.totals['budget_approved']:,.0f} approved."
        )

    def to_html(self) -> str:
        """Return a section of HTML for a page or report; texts of the study are escaped."""
        titles = {
            name: phrase(f"decision.column.{name}", self.language)
            for name in ("action", "decide", "stage_label", "owner", "team_label", "due", "budget",
                         "evidence", "estimate", "customers", "money", "verdict", "teams", "open",
                         "overdue")
        }  # fmt: skip
        shown = self.table[
            ["action", "decide", "stage_label", "owner", "team_label", "due", "budget", "evidence",
             ESTIMATE, LOW, HIGH, "customers", "money", "verdict"]
        ]  # fmt: skip
        said = {
            text: phrase(f"decision.{name}", self.language)
            for text, name in ((BETTER, "better"), (WORSE, "got_worse"), (UNSEEN, "unseen"))
        }
        shown = shown.assign(verdict=shown["verdict"].map(said))
        shown = shown.loc[:, shown.notna().any() | shown.columns.isin((ESTIMATE, LOW, HIGH))]
        title = html.escape(phrase("decision.title", self.language))
        parts = [f'<section class="decisions"><h2>{title}</h2>']
        if self.table.empty:
            parts.append(f"<p>{html.escape(phrase('decision.none', self.language))}</p>")
        else:
            caption = phrase("decision.caption", self.language)
            parts.append(display_table(shown, caption=caption, rows=len(shown), titles=titles))
        caption = phrase("decision.room", self.language)
        room = self.room[["stage_label", "teams", "open", "overdue", "budget"]]
        parts.append(display_table(room, caption=caption, rows=len(room), titles=titles))
        return "".join(parts) + "</section>"


def gather_decisions(
    study: Study,
    review: PlanReview,
    *,
    opportunities: Opportunities | None = None,
    effects: ActionEffects | None = None,
) -> Decisions:
    """Gather what senior management must decide about the plan.

    An open action needs a decision when it is late; proposed or planned without
    ``approved_by``; without owner, team, due day or finding; or when its KPI was measured
    after it took effect: worse beyond noise, or the target surely missed or reached (then the
    question is whether to close it). Dropped actions need none; done ones only for their
    measured KPI.

    Parameters
    ----------
    study : Study
    review : PlanReview
        From ``review_plan``.
    opportunities : Opportunities, optional
        For the evidence behind each action.
    effects : ActionEffects, optional
        From ``measure_actions``.
    """
    measured = {} if effects is None else _by_action(effects.table)
    rows = []
    for action in review.table.to_dict("records"):
        found = measured.get(action["action"], {})
        wanted = [key for key, asked in _ask(action, found).items() if asked]
        if not wanted:
            continue
        row: dict[str, Any] = {name: action.get(name) for name in COLUMNS if name in action}
        row["decide"] = ("؛ " if study.language == "fa" else "; ").join(
            phrase(f"decision.{key}", study.language) for key in wanted
        )
        row["stage_label"] = study.label("stage", action[STAGE]) if _known(action[STAGE]) else None
        row["team_label"] = study.label("team", action["team"]) if _known(action["team"]) else None
        row |= _find_evidence(opportunities, action) | _effect(found)
        rows.append(row)
    table = pd.DataFrame(rows, columns=[*COLUMNS, "priority"])
    table = table.sort_values("priority", ascending=False, kind="stable", ignore_index=True)
    return Decisions(
        table[list(COLUMNS)], _gather_room(study, review), _add_up(review.table), review.today,
        study.language,
    )  # fmt: skip


def _ask(action: dict[Any, Any], found: dict[Any, Any]) -> dict[str, bool]:
    running = bool(action["open"])
    approved = _known(action.get("approved_by"))
    reached, counts = found.get("target_reached"), action["status"] != "dropped"
    return {
        "late": bool(action["overdue"]),
        "approve": running and action["status"] in ASKS_APPROVAL and not approved,
        "owner": bool(action["ownerless"]), "team": bool(action["teamless"]),
        "day": bool(action["undated"]), "finding": bool(action["unfounded"]),
        "worse": counts and found.get("verdict") == WORSE,
        "missed": counts and reached == "no",
        "reached": running and reached == "yes",
    }  # fmt: skip


def _by_action(table: pd.DataFrame) -> dict[Any, dict[Any, Any]]:
    known = table[table["difference"].notna()]
    return {row["action"]: row for row in known.to_dict("records")}


def _effect(found: dict[Any, Any]) -> dict[str, Any]:
    if not found:
        return {}
    compared = pd.notna(found["effect"])
    names = ("effect", "effect_low", "effect_high") if compared else ("difference", LOW, HIGH)
    return {
        "effect": found[names[0]], "effect_low": found[names[1]], "effect_high": found[names[2]],
        "verdict": found["verdict"], "target_reached": found["target_reached"],
    }  # fmt: skip


def _find_evidence(opportunities: Opportunities | None, action: dict[Any, Any]) -> dict[str, Any]:
    """Take the first opportunity at the action's touchpoint, else anywhere in its stage."""
    if opportunities is None:
        return {}
    table = opportunities.table[opportunities.table["rank"].notna()]
    for name in (TOUCHPOINT, STAGE):
        if _known(action[name]):
            there = table[table[name].eq(action[name]).fillna(False)]
            if len(there):
                top = there.iloc[0]
                return {"evidence": top["measure"], "priority": top["priority"]} | {
                    column: top[column] for column in _EVIDENCE
                }
    return {}


def _gather_room(study: Study, review: PlanReview) -> pd.DataFrame:
    rows = []
    for stage in study.stages:
        there = review.table[review.table[STAGE].eq(stage.id).fillna(False)]
        running = there[there["open"]]
        teams = review.teams[review.teams[STAGE].eq(stage.id)]["team_label"].dropna()
        rows.append(
            {STAGE: stage.id, "stage_label": stage.label.to(study.language),
             "teams": ("، " if study.language == "fa" else ", ").join(teams),
             "open": len(running), "overdue": int(there["overdue"].sum()),
             "budget": float(running["budget"].sum(min_count=1))}
        )  # fmt: skip
    return pd.DataFrame(rows, columns=[STAGE, "stage_label", "teams", "open", "overdue", "budget"])


def _add_up(table: pd.DataFrame) -> dict[str, float]:
    running = table[table["open"]]
    named = running["approved_by"].notna() if "approved_by" in running else running["open"] & False
    asked = running["status"].isin(ASKS_APPROVAL) & ~named
    return {
        "actions": float(len(table)), "open": float(len(running)),
        "budget_asked": float(running.loc[asked, "budget"].sum()),
        "budget_approved": float(running.loc[~asked, "budget"].sum()),
    }  # fmt: skip


def _known(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
