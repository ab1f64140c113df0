"""Is each business goal reached: its KPI, the value with its interval, the target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.columns import STAGE, WAVE, N
from cjlib.definitions import Goal
from cjlib.errors import JourneyError
from cjlib.intervals import Estimate
from cjlib.metrics.kpis import (
    check_goals,
    describe_kpi,
    label_kpi,
    make_sources,
    measure_kpi,
    position_on,
)
from cjlib.metrics.tables import shown
from cjlib.study import Study

REACHED = "reached"

COLUMNS: Final = (
    "goal",
    "business",
    "customer",
    "kind",
    "stage",
    "kpi",
    "label",
    "target",
    "better",
    "by",
    "estimate",
    "low",
    "high",
    "level",
    "n",
    "method",
    "reached",
    "unit",
    "source",
    "wave",
    "definition",
    "position",
)


@dataclass(frozen=True, slots=True, eq=False)
class GoalTable:
    """What ``measure_goals`` found.

    Attributes
    ----------
    table : DataFrame
        One row per goal, in file order: ``goal, business, customer, kind, stage, kpi, label,
        target, better, by, estimate, low, high, level, n, method, reached, unit, source, wave,
        definition, position``. ``reached``: "yes", "no", "cannot tell" (the interval holds
        the target), "too few" or "no source".
    language : str
        Of the figure.
    """

    table: pd.DataFrame
    language: str = "en"

    def summary(self) -> str:
        """Count the goals by outcome, in one sentence."""
        counts = self.table[REACHED].value_counts()
        words = [
            f"{counts[key]} {key}"
            for key in ("yes", "no", "cannot tell", "too few", "no source")
            if key in counts
        ]
        return f"{len(self.table)} goals; target reached: {', '.join(words) or 'none set'}."

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw each goal's value and interval as a share of its target."""
        from cjlib import plots

        return plots.draw_goals(self.table, language=self.language, ax=ax)


def measure_goals(
    study: Study,
    *,
    survey: Any | None = None,
    interactions: Any | None = None,
    costs: pd.DataFrame | None = None,
    given: Mapping[str, Estimate] | None = None,
) -> GoalTable:
    """Measure the KPI of every goal and say whether its target is reached.

    "Yes" needs the whole interval on the good side of the target, "no" the whole interval on
    the bad side; in between nobody can tell. A full count (sales, impressions) is compared as
    it stands. Survey KPIs are those of the latest wave that was answered, weighted where the
    weights are not all alike.

    Parameters
    ----------
    study : Study
    survey : Survey or respondents table, optional
    interactions : Interactions or its table, optional
    costs : DataFrame, optional
        By default the study's own, where it has them.
    given : mapping of KPI name to Estimate, optional
        Figures measured elsewhere, such as ``clv`` or ``search_rank``.

    Raises
    ------
    JourneyError
        If a goal names a KPI nobody knows: all of them, each with its line and the nearest.
    """
    faults = check_goals(study)
    if faults:
        listed = "; ".join(map(str, faults))
        raise JourneyError(f"measure_goals: every goal must name a known kpi; {listed}")
    sources = make_sources(
        study, survey=survey, interactions=interactions, costs=costs, given=given
    )
    rows = []
    for goal in study.goals:
        found, source = measure_kpi(goal.kpi, sources)
        kpi = describe_kpi(goal.kpi, study)
        rows.append(
            {
                "goal": goal.id, "business": goal.business.to(study.language),
                "customer": goal.customer.to(study.language), "kind": goal.kind,
                STAGE: goal.stage, "kpi": goal.kpi, "label": label_kpi(goal.kpi, study),
                "target": goal.target,
                "better": goal.better, "by": goal.by, **kpi_fields(found, study),
                REACHED: judge_goal(goal, found, study.privacy.minimum_base), "unit": kpi.unit,
                "source": source or "no source",
                WAVE: sources.wave if source.startswith("survey") else "",
                "definition": kpi.definition, "position": position_on(goal.kpi, study),
            }
        )  # fmt: skip
    return GoalTable(pd.DataFrame(rows, columns=list(COLUMNS)).astype({N: "Int64"}), study.language)


def kpi_fields(found: Estimate | None, study: Study) -> dict[str, Any]:
    """Return an estimate's fields; missing, never zero, where there is no source."""
    if found is None:
        nan = float("nan")
        return {
            "estimate": nan, "low": nan, "high": nan, "level": study.level, N: pd.NA,
            "method": "no source",
        }  # fmt: skip
    if found.method.startswith("full count"):
        return found.as_dict()
    return shown(found, study.privacy)


def judge_goal(goal: Goal, found: Estimate | None, minimum_base: int) -> str:
    """Say whether a goal's target is reached: yes, no, cannot tell, too few or no source."""
    if found is None:
        return "no source"
    counted = found.method.startswith("full count")
    if np.isnan(found.estimate) or (found.n < minimum_base and not counted):
        return "too few"
    low, high = (found.estimate, found.estimate) if counted else (found.low, found.high)
    if np.isnan(low) or np.isnan(high):
        return "cannot tell"
    if goal.better == "lower":
        low, high, target = -high, -low, -goal.target
    else:
        target = goal.target
    if low >= target:
        return "yes"
    return "no" if high < target else "cannot tell"
