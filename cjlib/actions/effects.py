"""Did an action work: before and after, against a comparison, and against its target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from cjlib.actions.periods import (
    PERIOD,
    WHO,
    Periods,
    contact_periods,
    hold_rule,
    is_answered,
    survey_periods,
)
from cjlib.actions.plan_file import read_actions
from cjlib.columns import HIGH, LEVEL, LOW, METHOD
from cjlib.definitions import Goal, Text
from cjlib.errors import JourneyError
from cjlib.intervals import (
    Contrast,
    Estimate,
    adjust_holm,
    estimate_contrast,
    normal_quantile,
    require_level,
)
from cjlib.metrics.goals import judge_goal
from cjlib.metrics.kpis import describe_kpi, kpi_names, label_kpi, make_sources, measure_kpi
from cjlib.personas.believed_file import read_rule
from cjlib.sheets import Sheet
from cjlib.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cjlib.actions.evidence import HasRespondents, HasTable

POWER: Final = 0.80  # of the smallest effect: the customary chance to see it
BETTER: Final = "better beyond noise"
WORSE: Final = "worse beyond noise"
UNSEEN: Final = "no change seen"
APART: Final = "they moved apart before it: do not read the effect as the action's"
ALIKE: Final = "no moving apart seen before it"
UNCHECKED: Final = "cannot be checked: only one period before it"
UNCOMPARED: Final = "no comparison: other things may have changed too"
REACHED_CELL, OTHER_CELL = "reached", "compared"
COLUMNS: Final = (
    "action", "kpi", "label", "status", "since", "target", "better", "before_period",
    "after_period", "before", "after", "after_low", "after_high", "target_reached", "difference",
    "low", "high", "p", "compared_with", "compared_before", "compared_after", "effect",
    "effect_low", "effect_high", "effect_p", LEVEL, "n_before", "n_after", "n_compared", "repeated",
    "smallest_effect", "p_holm", "verdict", "trend", METHOD,
)  # fmt: skip
TRENDS: Final = (
    "action", "kpi", "from_period", "to_period", "estimate", LOW, HIGH, LEVEL, "n", "p", "p_holm",
    "verdict", METHOD,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class ActionEffects:
    """What ``measure_actions`` found.

    Attributes
    ----------
    table : DataFrame
        One row per action with a KPI: the action's own columns; ``before_period,
        after_period``; ``before, after`` (the KPI among those it reached, NPS in points) with
        ``after_low, after_high``; ``target_reached`` (yes, no, cannot tell, too few, no
        target); ``difference, low, high, p`` (after minus before); the same KPI of the
        comparison, ``compared_before, compared_after``; ``effect, effect_low, effect_high,
        effect_p``: difference in differences; ``n_before, n_after, n_compared``: people;
        ``repeated``: those who answered more than once; ``smallest_effect``: what these
        numbers would have shown four times in five; ``p_holm``: of the effect, else of the
        difference, corrected for all the actions; ``verdict``; ``trend``: what earlier
        periods say of the comparison, in words; ``method``. Where nothing can be told,
        ``verdict`` says why and the numbers are missing.
    trends : DataFrame
        One row per action with a comparison and earlier period: how far the two moved apart
        from it to the last period before the action, ``estimate, low, high, p, p_holm``.
    language : str
    """

    table: pd.DataFrame
    trends: pd.DataFrame
    language: str = "en"

    def summary(self) -> str:
        """Return what the actions did, in one sentence."""
        judged = self.table[self.table["difference"].notna()]
        if judged.empty:
            return f"None of {len(self.table)} actions with a KPI can be judged yet."
        parts = []
        for row in judged.to_dict("records"):
            compared = pd.notna(row["effect"])
            value = [row[k] for k in (("effect", "effect_low", "effect_high") if compared else
                                      ("difference", "low", "high"))]  # fmt: skip
            what = f"against {row['compared_with']}" if compared else "before to after"
            parts.append(
                f"'{row['action']}' ({row['kpi']}) {value[0]:+.2f} [{value[1]:+.2f}, "
                f"{value[2]:+.2f}] {what}: {row['verdict']}, target reached: "
                f"{row['target_reached']}"
            )
        return (
            f"{len(judged)} of {len(self.table)} actions with a KPI can be judged: "
            + "; ".join(parts) + "."
        )  # fmt: skip

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw each action's change and its effect against the comparison."""
        from cjlib import plots

        return plots.draw_action_effects(self.table, language=self.language, ax=ax)


def measure_actions(
    study: Study,
    plan: pd.DataFrame | None = None,
    *,
    survey: HasRespondents | None = None,
    interactions: HasTable | None = None,
    level: float | None = None,
) -> ActionEffects:
    """Measure each action's KPI before and after it took effect, and against a comparison.

    An action counts from its day ``since``. Before is the last wave dated before that day and
    after the latest wave from it on; for KPIs of the log, two windows of equal whole weeks
    (see ``contact_periods``). Where the plan names ``compared_with``, the effect is the
    difference in differences: the change of those the action reached less that of the
    comparison, either people it did not reach (a rule on an item; who is in both groups, or
    did not answer it, is left out) or another question that it should not move. Survey
    weights hold in all of it. Errors are by respondent: who answered in both waves, or both
    questions, counts as one person (``estimate_contrast``).

    The effect is the action's only if the two would have moved alike without it. Earlier
    periods say how they moved until then (``trends``); not seen is not proof, its interval
    tells what could be hidden.

    Parameters
    ----------
    study : Study
    plan : DataFrame, optional
        From ``read_actions``, which is called where it is not given.
    survey : Survey, optional
    interactions : Interactions, optional
    level : float, 0 to 1, optional
        The study's by default. ``p_holm`` corrects for all actions judged.

    References
    ----------
    Angrist, J. D. and Pischke, J.-S. (2009). Mostly Harmless Econometrics, section 5.2.
    Shadish, W. R., Cook, T. D. and Campbell, D. T. (2002). Experimental and
    Quasi-Experimental Designs, chapter 5 (a question the action should not move).
    Bertrand, M., Duflo, E. and Mullainathan, S. (2004). Q. J. Econ. 119, 249-275.
    """
    level = study.level if level is None else level
    require_level(level, caller="measure_actions")
    plan = read_actions(study) if plan is None else plan
    people = None if survey is None else survey.respondents
    contacts = None if interactions is None else interactions.table
    rows, trends = [], []
    for action in plan[plan["kpi"].notna()].to_dict("records"):
        row, earlier = _measure(study, action, people, contacts, level)
        rows.append(row)
        trends += earlier
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    moved = pd.DataFrame(trends, columns=list(TRENDS))
    table["p_holm"] = adjust_holm(table["effect_p"].fillna(table["p"]))
    _judge(table, alpha=1 - level)
    for name, part in moved.groupby("action", sort=False):
        moved.loc[part.index, "p_holm"] = adjust_holm(part["p"])
        apart = bool((moved.loc[part.index, "p_holm"] < 1 - level).any())
        table.loc[table["action"].eq(str(name)), "trend"] = APART if apart else ALIKE
    moved["verdict"] = np.where(moved["p_holm"] < 1 - level, "moved apart", "not seen")
    return ActionEffects(table, moved, study.language)


def _measure(
    study: Study,
    action: dict[Any, Any],
    people: pd.DataFrame | None,
    contacts: pd.DataFrame | None,
    level: float,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    kpi = str(action["kpi"])
    row: dict[str, Any] = {
        "action": action["action"], "kpi": kpi, "label": label_kpi(kpi, study),
        "status": action["status"], "since": action.get("since", pd.NaT),
        "target": action["target"], "better": describe_kpi(kpi, study).better, LEVEL: level,
        "compared_with": action.get("compared_with"), "target_reached": "",
    }  # fmt: skip
    periods = _find_periods(study, kpi, row["since"], people, contacts)
    if periods.why:
        return row | {"verdict": periods.why}, []
    rows, other = _take_groups(study, action, periods, people, contacts)
    before, after = periods.order[-2], periods.order[-1]
    row |= {"before_period": before, "after_period": after}
    cells = pd.concat([rows.assign(side=REACHED_CELL), other.assign(side=OTHER_CELL)])
    cells["cell"] = cells["side"] + "|" + cells[PERIOD].astype(str)
    least = max(study.privacy.minimum_base, 2)
    count = cells.groupby("cell")[WHO].nunique()
    mine = [int(count.get(f"{REACHED_CELL}|{p}", 0)) for p in (before, after)]
    theirs = [int(count.get(f"{OTHER_CELL}|{p}", 0)) for p in (before, after)]
    row |= {"n_before": mine[0], "n_after": mine[1]}
    if min(mine) < least:
        return row | {"verdict": f"too few (n < {least})"}, []
    own = _contrast(cells, {(REACHED_CELL, after): 1, (REACHED_CELL, before): -1}, level)
    row |= _own_fields(own)
    row |= _target_fields(study, row, rows[rows[PERIOD].eq(after)], people)
    if not _is_text(row["compared_with"]):
        return row | {"trend": UNCOMPARED} | _smallest(own, level), []
    row["n_compared"] = sum(theirs)
    if min(theirs) < least:
        few = f"{UNCOMPARED} (too few in it, n < {least})"
        return row | {"trend": few} | _smallest(own, level), []
    found = _contrast(cells, _interaction(before, after), level)
    row |= {
        "compared_before": found.means[f"{OTHER_CELL}|{before}"],
        "compared_after": found.means[f"{OTHER_CELL}|{after}"], "effect": found.estimate,
        "effect_low": found.low, "effect_high": found.high, "effect_p": found.p,
        "repeated": found.repeated, METHOD: f"difference in differences; {found.method}",
        "trend": UNCHECKED,
    }  # fmt: skip
    earlier = []
    for period in periods.order[:-2]:
        sizes = [count.get(f"{side}|{period}", 0) for side in (REACHED_CELL, OTHER_CELL)]
        if min(sizes) < least:
            continue
        moved = _contrast(cells, _interaction(period, before), level)
        earlier.append(
            {"action": row["action"], "kpi": kpi, "from_period": period, "to_period": before,
             "estimate": moved.estimate, LOW: moved.low, HIGH: moved.high, LEVEL: level,
             "n": moved.clusters, "p": moved.p, METHOD: moved.method}
        )  # fmt: skip
    return row | _smallest(found, level), earlier


def _find_periods(
    study: Study,
    kpi: str,
    since: Any,
    people: pd.DataFrame | None,
    contacts: pd.DataFrame | None,
) -> Periods:
    none = pd.DataFrame()
    if pd.isna(since):
        return Periods(none, none, (), "not in effect: the plan gives no day 'since'")
    day = pd.Timestamp(since)
    if is_answered(kpi):
        if people is None:
            return Periods(none, none, (), "no survey given")
        return survey_periods(study, people, kpi=kpi, since=day)
    if contacts is None:
        return Periods(none, none, (), "no interactions given")
    return contact_periods(study, contacts, kpi=kpi, since=day)


def _take_groups(
    study: Study,
    action: dict[Any, Any],
    periods: Periods,
    people: pd.DataFrame | None,
    contacts: pd.DataFrame | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of those the action reached, and of the comparison (none: empty)."""
    text, rows = action.get("compared_with"), periods.rows
    named = _is_text(action.get("reached"))
    rule = _rule(study, str(action["reached"])) if named else None
    reached = hold_rule(rule, periods, people) == 1 if rule else np.ones(len(rows), dtype=bool)
    if not _is_text(text):
        return rows[reached], rows.iloc[:0]
    if str(text) in kpi_names(study):
        other = _find_periods(study, str(text), action["since"], people, contacts)
        if other.why:
            return rows[reached], rows.iloc[:0]
        same = hold_rule(rule, other, people) == 1 if rule else np.ones(len(other.rows), dtype=bool)
        return rows[reached], other.rows[same]
    held = hold_rule(_rule(study, str(text)), periods, people)
    if not rule:  # everyone else of whom it is known
        return rows[held == 0], rows[held == 1]
    return rows[reached & (held != 1)], rows[~reached & (held == 1)]


def _rule(study: Study, text: str) -> Any:
    sheet = Sheet(study.actions_file)
    found = read_rule(sheet, 0, text, study.codebook)
    sheet.raise_faults(caller="measure_actions")
    return found


def _interaction(before: str, after: str) -> dict[tuple[str, str], float]:
    return {
        (REACHED_CELL, after): 1, (REACHED_CELL, before): -1,
        (OTHER_CELL, after): -1, (OTHER_CELL, before): 1,
    }  # fmt: skip


def _contrast(
    cells: pd.DataFrame, contrast: dict[tuple[str, str], float], level: float
) -> Contrast:
    named = {f"{side}|{period}": value for (side, period), value in contrast.items()}
    return estimate_contrast(
        cells["y"].to_numpy(float), cells["cell"].to_numpy(), named, cells["w"].to_numpy(float),
        clusters=cells[WHO].to_numpy(), denominators=cells["x"].to_numpy(float), level=level,
    )  # fmt: skip


def _own_fields(own: Contrast) -> dict[str, Any]:
    after, before = own.means.values()
    return {
        "before": before, "after": after, "difference": own.estimate, "low": own.low,
        "high": own.high, "p": own.p, "repeated": own.repeated, METHOD: own.method,
    }  # fmt: skip


def _smallest(found: Contrast, level: float) -> dict[str, float]:
    power = normal_quantile(level) + float(stats.norm.ppf(POWER))
    return {"smallest_effect": power * found.error}


def _target_fields(
    study: Study,
    row: dict[str, Any],
    rows: pd.DataFrame,
    people: pd.DataFrame | None,
) -> dict[str, Any]:
    """Value after the action with its interval, as the metrics give it, against the target."""
    kpi, level = str(row["kpi"]), float(row[LEVEL])
    if people is not None and is_answered(kpi):
        inside = people.loc[rows.index]
        found, _ = measure_kpi(kpi, make_sources(study, survey=inside))
        if found is None:
            raise JourneyError(f"measure_actions: the survey must measure {kpi}; it does not.")
    else:
        cell = np.full(len(rows), "after")
        whole = estimate_contrast(
            rows["y"], cell, {"after": 1.0}, rows["w"], clusters=rows[WHO],
            denominators=rows["x"], level=level,
        )  # fmt: skip
        found = Estimate(whole.estimate, whole.low, whole.high, level, whole.clusters, whole.method)
    fields = {"after_low": found.low, "after_high": found.high}
    if pd.isna(row["target"]):
        return fields | {"target_reached": "no target"}
    goal = Goal("", Text(), kpi, float(row["target"]), better=row["better"])
    return fields | {"target_reached": judge_goal(goal, found, study.privacy.minimum_base)}


def _judge(table: pd.DataFrame, *, alpha: float) -> None:
    known = table["difference"].notna()
    size = table["effect"].fillna(table["difference"]).to_numpy(dtype=float)
    good = np.where(table["better"].eq("lower"), -size, size) > 0
    seen = (table["p_holm"] < alpha).to_numpy(dtype=bool)
    verdict = np.where(seen, np.where(good, BETTER, WORSE), UNSEEN)
    table["verdict"] = table["verdict"].astype(object).where(~known, verdict)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
