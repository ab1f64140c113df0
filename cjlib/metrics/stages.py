"""The scorecard of stages: families of KPIs by kind of stage, each with its source or none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes

from cjlib.columns import STAGE, N
from cjlib.intervals import Estimate
from cjlib.metrics import activity as acts
from cjlib.metrics.goals import kpi_fields
from cjlib.metrics.kpis import (
    Sources,
    describe_kpi,
    label_kpi,
    make_sources,
    measure_kpi,
    position_on,
)
from cjlib.study import Study

FAMILIES: Final[dict[str, tuple[str, ...]]] = {
    "awareness": ("impressions", "reach", "search_rank", "bounce_rate", "time_on_page"),
    "consideration": ("clicks", "ctr", "engagement_rate", "cpc"),
    "decision": ("conversion", "sales", "cpa"),
    "retention": ("repeat_rate", "csat", "clv"),
    "advocacy": ("referrals", "nps"),
    # retail: awareness and consideration as above, and these
    "engagement": ("clicks", "ctr", "engagement_rate", "bounce_rate", "time_on_page"),
    "purchase": ("conversion", "sales", "cpa", "contacts_per_purchase"),
    "post_purchase": (
        "csat", "repeat_rate", "return_rate", "complaint_rate", "clv", "referrals", "nps",
    ),
}  # fmt: skip
_OF_STAGE: Final = {
    "bounce_rate": acts.measure_bounce_rate,
    "time_on_page": acts.measure_time_on_page,
    "engagement_rate": acts.measure_engagement,
}

COLUMNS: Final = (
    "stage",
    "stage_label",
    "label",
    "kind",
    "kpi",
    "scope",
    "estimate",
    "low",
    "high",
    "level",
    "n",
    "method",
    "unit",
    "better",
    "source",
    "definition",
    "position",
)


@dataclass(frozen=True, slots=True, eq=False)
class StageScorecard:
    """What ``measure_stage_kpis`` found.

    Attributes
    ----------
    table : DataFrame
        One row per stage and KPI of its family, in journey order: ``stage, stage_label,
        label, kind, kpi, scope, estimate, low, high, level, n, method, unit, better, source,
        definition, position``.
        ``scope``: "stage" where the figure is the stage's own, "study" where it is the whole
        study's. A KPI without a source has method "no source" and no value.
    language : str
        Of the figure.
    """

    table: pd.DataFrame
    language: str = "en"

    def summary(self) -> str:
        """Count the KPIs that are known, and name those without a source."""
        missing = self.table.loc[self.table["method"] == "no source", "kpi"]
        text = f"{len(self.table) - len(missing)} of {len(self.table)} stage KPIs have a source"
        names = ", ".join(dict.fromkeys(missing))
        return f"{text}; without: {names}." if names else f"{text}."

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the scorecard: a cell per stage and KPI, the missing ones marked."""
        from cjlib import plots

        return plots.draw_scorecard(self.table, language=self.language, ax=ax)


def measure_stage_kpis(
    study: Study,
    *,
    survey: Any | None = None,
    interactions: Any | None = None,
    costs: pd.DataFrame | None = None,
    given: Mapping[str, Estimate] | None = None,
) -> StageScorecard:
    """Measure the families of KPIs, each at the stages of its kind, and the stage's own goals.

    awareness: impressions, reach, search rank, bounce rate, time on page; consideration:
    clicks, click-through rate, engagement rate, cost per click; decision: conversion, sales,
    cost per conversion; retention: loyalty (repeat rate), satisfaction, lifetime value;
    advocacy: referrals, NPS. The retail five are awareness, engagement (clicks,
    click-through, engagement, bounce rate, time on page), consideration, purchase
    (conversion, sales, cost per conversion, contacts per purchase) and post_purchase
    (satisfaction, repeat, return and complaint rate, lifetime value, referrals, NPS). A goal
    that names a stage adds its KPI there: the study's own. Stages with neither have no rows.

    Parameters
    ----------
    study : Study
    survey : Survey or respondents table, optional
    interactions : Interactions or its table, optional
    costs : DataFrame, optional
        By default the study's own, where it has them.
    given : mapping of KPI name to Estimate, optional
        ``clv`` (see ``cjlib.value``) and ``search_rank`` come only this way.

    Notes
    -----
    A KPI without a source is shown missing, never as zero.
    """
    sources = make_sources(
        study, survey=survey, interactions=interactions, costs=costs, given=given
    )
    rows = []
    for stage in study.stages:
        family = FAMILIES.get(stage.kind, ())
        there = {f"csat.{stage.id}" if name == "csat" else name for name in family}
        own = [goal.kpi for goal in study.goals if goal.stage == stage.id]
        for name in [*family, *dict.fromkeys(kpi for kpi in own if kpi not in there)]:
            found, source, scope = _measure_at(name, stage.id, sources)
            kpi = describe_kpi(f"csat.{stage.id}" if name == "csat" else name, study)
            rows.append(
                {
                    STAGE: stage.id, "stage_label": study.label("stage", stage.id),
                    "label": label_kpi(name, study), "kind": stage.kind, "kpi": name,
                    "scope": scope,
                    **kpi_fields(found, study), "unit": kpi.unit, "better": kpi.better,
                    "source": source or "no source", "definition": kpi.definition,
                    "position": position_on(name, study),
                }
            )  # fmt: skip
    return StageScorecard(
        pd.DataFrame(rows, columns=list(COLUMNS)).astype({N: "Int64"}), study.language
    )


def _measure_at(name: str, stage: str, sources: Sources) -> tuple[Estimate | None, str, str]:
    if name in sources.given:
        return sources.given[name], "given", "study"
    if name in _OF_STAGE:
        found = _OF_STAGE[name](sources.activity, stage)
        source = "costs, interactions" if name == "engagement_rate" else "interactions"
        return found, source if found is not None else "", "stage"
    if name == "csat":
        found, source = measure_kpi(f"csat.{stage}", sources)
        return found, source, "stage"
    found, source = measure_kpi(name, sources)
    return found, source, "stage" if "." in name else "study"
