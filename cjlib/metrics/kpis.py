"""The KPIs a goal may name: what each means, where it comes from, and its value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from cjlib.accounts import read_costs
from cjlib.codebook import Item
from cjlib.columns import WAVE, WEIGHT
from cjlib.errors import Fault, JourneyError, ScaleError, nearest
from cjlib.intervals import Estimate, Floats, estimate_ratio
from cjlib.language import phrase
from cjlib.metrics import activity as acts
from cjlib.metrics.activity import Activity, make_activity
from cjlib.metrics.answers import require_scale
from cjlib.metrics.scores import score_figures, top_box
from cjlib.metrics.tables import (
    direction_of,
    ends,
    has_weights,
    position_of,
    respondents_of,
    stage_of,
)
from cjlib.study import Study


@dataclass(frozen=True, slots=True)
class Kpi:
    """One KPI: its name, unit, source, which way is better, and its meaning in words."""

    name: str
    unit: str  # points, share, scale, count, money, seconds, ratio
    source: str  # survey, interactions, costs, given
    definition: str
    better: str = "higher"


_SHARE = "share"
KPIS: Final[dict[str, Kpi]] = {
    kpi.name: kpi
    for kpi in (
        Kpi("nps", "points", "survey", "share of 9-10 minus share of 0-6, times 100"),
        Kpi("csat", "scale", "survey", "satisfaction: mean answer, or top-box share, by position"),
        Kpi("ces", "scale", "survey", "customer effort: mean answer on its own scale"),
        Kpi("conversion", _SHARE, "interactions", "customers who bought ÷ customers with contact"),
        Kpi("repeat_rate", _SHARE, "interactions", "customers who bought on 2+ days ÷ buyers"),
        Kpi("return_rate", "ratio", "interactions", "returns of goods ÷ purchases", "lower"),
        Kpi("churn_rate", _SHARE, "interactions",
            "customers of one half-year silent in the next ÷ customers of the first", "lower"),
        Kpi("complaint_rate", _SHARE, "interactions",
            "customers who complained ÷ customers with contact", "lower"),
        Kpi("contacts_per_purchase", "ratio", "interactions", "interactions ÷ purchases", "lower"),
        Kpi("bounce_rate", _SHARE, "interactions", "sessions of one contact ÷ sessions", "lower"),
        Kpi("time_on_page", "seconds", "interactions",
            "mean seconds of a contact in awareness and consideration stages"),
        Kpi("sales", "money", "interactions", "money paid at purchase touchpoints"),
        Kpi("purchases", "count", "interactions", "purchases in the log"),
        Kpi("referrals", "count", "interactions", "contacts at referral touchpoints"),
        Kpi("impressions", "count", "costs", "times shown, summed over channels and months"),
        Kpi("reach", "count", "costs",
            "reach summed over channels and months: one person may count in several"),
        Kpi("clicks", "count", "costs", "clicks, summed over channels and months"),
        Kpi("ctr", _SHARE, "costs", "clicks ÷ impressions"),
        Kpi("cpc", "money", "costs", "cost per click: spend ÷ clicks, channels with clicks",
            "lower"),
        Kpi("cpa", "money", "costs", "cost per conversion: spend ÷ customers who bought in the "
            "months it covers (never called CPC here)", "lower"),
        Kpi("engagement_rate", _SHARE, "costs", "customers with contact ÷ people reached"),
        Kpi("search_rank", "count", "given", "place in search results; no file of a study holds "
            "it, pass it as given={'search_rank': ...}", "lower"),
        Kpi("clv", "money", "given", "lifetime value per customer; cjlib.value measures it, pass "
            "it as given={'clv': ...}"),
    )
}  # fmt: skip

CPC_POSITION = (
    "Sources abbreviate both cost per click and cost per conversion as CPC; here cpc is cost "
    "per click and cpa cost per conversion."
)
RETURN_POSITION = {
    "returns": "«نرخ برگشت» (return rate) is taken as returns of goods per purchase, not churn.",
    "churn": "«نرخ برگشت» (return rate) is taken as churn, not returns of goods.",
}
_MEASURES: Final[dict[str, Callable[[Activity], Estimate | None]]] = {
    "conversion": acts.measure_conversion,
    "repeat_rate": acts.measure_repeat_rate,
    "return_rate": acts.measure_return_rate,
    "churn_rate": acts.measure_churn,
    "complaint_rate": acts.measure_complaint_rate,
    "contacts_per_purchase": acts.measure_contacts_per_purchase,
    "bounce_rate": acts.measure_bounce_rate,
    "time_on_page": acts.measure_time_on_page,
    "sales": acts.measure_sales,
    "purchases": acts.count_purchases,
    "referrals": acts.count_referrals,
    "impressions": lambda a: acts.sum_costs(a, "impressions"),
    "reach": lambda a: acts.sum_costs(a, "reach"),
    "clicks": lambda a: acts.sum_costs(a, "clicks"),
    "ctr": acts.measure_ctr,
    "cpc": acts.measure_cpc,
    "cpa": acts.measure_cpa,
    "engagement_rate": acts.measure_engagement,
}


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """What KPIs are measured on; made by ``make_sources``.

    Attributes
    ----------
    study : Study
    people : DataFrame or None
        Respondents of the latest wave that has any.
    wave : str
        That wave.
    activity : Activity
    given : mapping of KPI name to Estimate
        Figures measured elsewhere.
    """

    study: Study
    people: pd.DataFrame | None
    wave: str
    activity: Activity
    given: Mapping[str, Estimate] = field(default_factory=dict)


def make_sources(
    study: Study,
    *,
    survey: Any | None = None,
    interactions: Any | None = None,
    costs: pd.DataFrame | None = None,
    given: Mapping[str, Estimate] | None = None,
) -> Sources:
    """Gather the sources; the costs of the study are read where none are passed."""
    people, wave = None, ""
    if survey is not None:
        people = respondents_of(survey)
        if WAVE in people.columns:
            present = set(people[WAVE].dropna().astype(str))
            order = [w.id for w in study.waves if w.id in present] or sorted(present)
            wave = order[-1] if order else ""
            people = people[people[WAVE].astype("string") == wave] if wave else people
    if costs is None and study.has("costs"):
        costs = read_costs(study)
    for name in given or {}:
        _require_kpi(name, study)
    return Sources(study, people, wave, make_activity(study, interactions, costs), given or {})


def kpi_names(study: Study) -> list[str]:
    """Return every KPI name a goal of this study may use."""
    places = [*study.stage_ids, *(t.id for t in study.touchpoints)]
    return [
        *KPIS,
        *("csat.top", "csat.mean"),
        *(f"csat.{p}{end}" for p in places for end in ("", ".top", ".mean")),
        *(f"ces.{p}" for p in places),
    ]


def check_goals(study: Study) -> list[Fault]:
    """List every goal whose KPI is not known, with its line and the nearest right name."""
    known = kpi_names(study)
    return [
        Fault(
            "study.yaml", study.lines.get(("goals", i, "kpi"), 0), f"kpi '{goal.kpi}'",
            "one of " + ", ".join(KPIS) + ", csat.<stage>, csat.<stage>.top, ces.<stage>",
            nearest(goal.kpi, known),
        )
        for i, goal in enumerate(study.goals)
        if goal.kpi not in known
    ]  # fmt: skip


def describe_kpi(name: str, study: Study) -> Kpi:
    """Return what a KPI name means in this study."""
    _require_kpi(name, study)
    head, _, rest = name.partition(".")
    kpi = KPIS[head]
    if head == "csat":
        top = rest.endswith("top") or (
            not rest.endswith("mean") and study.positions.csat == "top_box"
        )
        words = "share of answers in the top box" if top else "mean answer on its own scale"
        place = place_of(rest)
        where = f" ({place})" if place else ""
        kpi = replace(kpi, unit=_SHARE if top else "scale", definition=f"satisfaction: {words}")
        return replace(kpi, name=name, definition=kpi.definition + where)
    if head == "ces" and direction_of(study) == "effort":
        kpi = replace(kpi, better="lower")
    if head == "return_rate" and study.positions.return_rate == "churn":
        kpi = replace(KPIS["churn_rate"], name="return_rate")
    return replace(kpi, name=name, definition=kpi.definition + (f" ({rest})" if rest else ""))


def label_kpi(name: str, study: Study) -> str:
    """Return a KPI's name for readers, in the study's language."""
    head, _, rest = name.partition(".")
    label, place = phrase(f"kpi.{head}", study.language), place_of(rest)
    if not place:
        return label
    kind = "stage" if place in study.stage_ids else "touchpoint"
    return f"{label} ({study.label(kind, place)})"


def position_on(name: str, study: Study) -> str:
    """Return the study's position where a KPI meets a disagreement of sources, else nothing."""
    head = name.partition(".")[0]
    if head in ("nps", "csat", "ces"):
        return position_of(head, study)
    if head in ("cpc", "cpa"):
        return CPC_POSITION
    if head in ("return_rate", "churn_rate"):
        return RETURN_POSITION[study.positions.return_rate]
    return ""


def measure_kpi(name: str, sources: Sources) -> tuple[Estimate | None, str]:
    """Measure one KPI; None where the study has no source for it.

    Returns
    -------
    (Estimate or None, str)
        The value, and where it comes from.
    """
    _require_kpi(name, sources.study)
    if name in sources.given:
        return sources.given[name], "given"
    head, _, rest = name.partition(".")
    if head in ("nps", "csat", "ces"):
        return _measure_answers(head, rest, sources)
    if name in _MEASURES:
        found = _MEASURES[name](sources.activity)
        return found, KPIS[name].source if found is not None else ""
    return None, ""


def _measure_answers(metric: str, rest: str, sources: Sources) -> tuple[Estimate | None, str]:
    study, place = sources.study, place_of(rest)
    items = items_about(metric, place, sources)
    if items and sources.people is not None:
        found = _score_items(metric, rest, items, sources)
        return found, "survey: " + ", ".join(item.name for item in items)
    if metric == "csat" and place and not rest.endswith("top"):
        touchpoints = [t.id for t in study.touchpoints if place in (t.stage, t.id)]
        headline_is_share = not rest.endswith("mean") and study.positions.csat == "top_box"
        rated = None if headline_is_share else acts.measure_rating(sources.activity, touchpoints)
        if rated is not None:
            return rated, "interactions: rating"
    return None, ""


def items_about(metric: str, place: str, sources: Sources) -> list[Item]:
    """Return the answered items of a metric about a place; without one the overall items."""
    study = sources.study
    if sources.people is None:
        return []
    answered = [
        item
        for item in study.codebook.select(metric=metric)
        if item.name in sources.people.columns and sources.people[item.name].notna().any()
    ]
    if place:
        own = [i for i in answered if i.stage == place and not i.touchpoint]
        return own or [i for i in answered if place in (i.touchpoint, stage_of(i, study))]
    overall = [item for item in answered if not stage_of(item, study)]
    return overall or answered


def _score_items(metric: str, rest: str, items: list[Item], sources: Sources) -> Estimate:
    people, study = sources.people, sources.study
    if people is None:
        raise JourneyError("measure_kpi: a survey KPI must have respondents; there are none.")
    scales = {ends(item) for item in items}
    if len(scales) > 1:
        listed = ", ".join(f"{i.name} {i.low:g}-{i.high:g}" for i in items)
        raise ScaleError(
            f"measure_kpi: the items of '{metric}{'.' * bool(rest)}{rest}' must share one scale; "
            f"they do not: {listed}. Name one item's touchpoint in the KPI instead."
        )
    low, high = scales.pop()
    answers = people[[item.name for item in items]].to_numpy(dtype=float, na_value=np.nan)
    what = "answers to " + ", ".join(i.name for i in items)
    require_scale(answers.ravel(), low, high, what=what, caller="measure_kpi")
    w = people[WEIGHT].to_numpy(dtype=float) if has_weights(people) else None
    top = rest.endswith("top") or (study.positions.csat == "top_box" and metric == "csat")
    top = top and not rest.endswith("mean")
    figure = {"nps": "nps", "ces": "ces_mean"}.get(metric, "csat_top_box" if top else "csat_mean")
    if len(items) == 1:
        x = answers[:, 0]
        return score_figures(
            metric, x, w, low, high, direction=direction_of(study), level=study.level
        )[figure]
    values = np.where(np.isnan(answers), np.nan, answers >= top_box(low, high)) if top else answers
    return _pool(values, w, study.level)


def _pool(values: Floats, w: Floats | None, level: float) -> Estimate:
    given = (~np.isnan(values)).sum(axis=1).astype(float)
    total = np.nansum(values, axis=1)
    found = estimate_ratio(total, given, w, level=level)
    method = found.method.replace("by cluster", "by respondent over items")
    return replace(found, method=method) if found.n > 1 else found


def place_of(rest: str) -> str:
    """Return the stage or touchpoint in what follows a KPI's first name."""
    parts = rest.split(".") if rest else []
    return ".".join(parts[:-1] if parts and parts[-1] in ("top", "mean") else parts)


def _require_kpi(name: str, study: Study) -> None:
    known = kpi_names(study)
    if name not in known:
        hint = nearest(name, known)
        raise JourneyError(
            f"measure_kpi: kpi must be a known name; got {name!r}."
            + (f" Did you mean '{hint}'?" if hint else f" Known: {', '.join(KPIS)}.")
        )
