"""The defence of each persona: every check of a defensible persona, passed or not, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from cjlib.columns import ESTIMATE, PERSONA, RESPONDENT
from cjlib.intervals import adjust_holm
from cjlib.language import format_number, phrase
from cjlib.personas.cards import MEASURED
from cjlib.personas.profiles import measure_distinctness
from cjlib.personas.rule_sensitivity import RuleSensitivity
from cjlib.personas.traits import survey_traits
from cjlib.study import Study
from cjlib.survey import measure_scales

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cjlib.personas.model import Personas

YES, NO, UNKNOWN = "yes", "no", "not known"
OURS: Final = "ours"
HENNIG: Final = "Hennig (2007), CSDA 52, 258-271"
STEINLEY: Final = "Steinley (2004), Psychological Methods 9, 386-396"
NUNNALLY: Final = "customary, after Nunnally (1978)"
# check: (threshold, at least or at most, where the threshold comes from)
CHECKS: Final[dict[str, tuple[float, str, str]]] = {
    "size": (0.0, "at least", "the study's minimum base"),
    "convergence": (0.05, "at least", OURS),
    "global_stability": (0.75, "at least", OURS),
    "own_stability": (0.75, "at least", HENNIG),
    "distinctness": (1.0, "at least", OURS),
    "margin": (0.1, "at least", OURS),
    "unassignable": (0.2, "at most", OURS),
    "coverage": (0.8, "at least", OURS),
    "tied": (1.0, "at least", "every line"),
    "quotes": (1.0, "at least", "one typical, one dissenting"),
    "reliability": (0.7, "at least", NUNNALLY),
    "contradictions": (0.0, "at most", "none"),
    "other_k": (0.65, "at least", STEINLEY),
    "other_method": (0.65, "at least", STEINLEY),
    "other_rule": (0.75, "at least", HENNIG),
}
CHANCE: Final = 0.05
Found = tuple[float, str]  # a value and what to add to the reason; missing: not known


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What ``judge_personas`` found.

    Attributes
    ----------
    table : DataFrame
        One row per check and persona: ``check, persona, passed`` (yes, no, not known),
        ``value, threshold, rule`` (at least or at most), ``source`` of the threshold,
        ``why_en, why_fa``.
    names, checks : dict of str to str
        In the study's language.
    language : str
    """

    table: pd.DataFrame
    names: dict[str, str]
    checks: dict[str, str]
    language: str

    def summary(self) -> str:
        """Say how many checks each persona passes, and what it fails."""
        said = []
        for persona, rows in self.table.groupby(PERSONA, sort=False):
            failed = rows.loc[rows["passed"].eq(NO), "check"].tolist()
            open_ = int(rows["passed"].eq(UNKNOWN).sum())
            text = f"{persona} passes {int(rows['passed'].eq(YES).sum())} of {len(rows)} checks"
            text += f", fails {', '.join(failed)}" if failed else ""
            said.append(text + (f" ({open_} not known)" if open_ else ""))
        return "; ".join(said) + "."

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw a table of checks and personas with a mark in each cell."""
        from cjlib import plots

        return plots.draw_judgement(
            self.table, names=self.names, checks=self.checks, language=self.language, ax=ax
        )


def judge_personas(
    groups: Personas, *, study: Study, survey: Any = None, rules: RuleSensitivity | None = None
) -> Judgement:
    """Judge every persona by the checks a defensible one must pass.

    - size: lower end of the interval, in people, against ``study.privacy.minimum_base``;
    - convergence: share of starts that ended in the solution taken;
    - global_stability: mean adjusted Rand index between bootstrap refits;
    - own_stability: the persona's mean Jaccard overlap with refits;
    - distinctness: items the segments were not made on that tell its members from everybody
      else's, Holm-adjusted over all personas and items;
    - margin: median membership margin; unassignable: share of people who belong to none;
    - coverage: share of the card's lines that are measured; tied: share of these that name their
      source and rest on people or say why not;
    - quotes: members' own words by rule, 1 where there is a typical and a dissenting one;
    - reliability: least alpha of the declared scales made of segmenting items;
    - contradictions: signs of two kinds of people within it;
    - other_k, other_method, other_rule: least adjusted Rand index with the personas made
      otherwise; for a cleaning rule the least overlap of the persona, of ``rules``.

    What the study gives no means to tell is not known, which is no pass. Thresholds are
    customary where ``source`` names one, else ours.

    Parameters
    ----------
    groups : Personas
    study : Study
    survey : Survey, optional
        For distinctness and reliability.
    rules : RuleSensitivity, optional
        What ``measure_rule_sensitivity`` found.

    References
    ----------
    Salminen, J. et al. (2021). A survey of 15 years of data-driven persona development.
    International Journal of Human-Computer Interaction 37, 1685-1708.
    """
    distinct = _count_distinct(groups, study, survey)
    alpha = _least_alpha(groups, study, survey)
    measures: dict[str, Callable[[str], Found]] = {
        "size": lambda p: (_of(groups.sizes, p, "minimum"), ""),
        "convergence": lambda _: (_chosen(groups, "share_at_best"), ""),
        "global_stability": lambda _: (_chosen(groups, "stability"), ""),
        "own_stability": lambda p: (_of(groups.sizes, p, "persistence"), ""),
        "distinctness": lambda p: distinct.get(p, (float("nan"), "")),
        "margin": lambda p: (_of(groups.sizes, p, "margin"), ""),
        "unassignable": lambda _: (groups.unassignable, ""),
        "coverage": lambda p: _cover(groups.card(p).lines),
        "tied": lambda p: _tie(groups.card(p).lines),
        "quotes": lambda p: _quote(groups.card(p).quotes),
        "reliability": lambda _: alpha,
        "contradictions": lambda p: _contradict(groups, p),
        "other_k": lambda _: _agree(groups.sensitivity, "one segment"),
        "other_method": lambda _: _agree(groups.sensitivity, "instead of"),
        "other_rule": lambda p: _overlap(rules, p),
    }
    rows = []
    for check, measure in measures.items():
        for persona in groups.ids:
            value, detail = measure(persona)
            rows.append(_row(check, persona, value, detail, study=study))
    return Judgement(
        pd.DataFrame(rows), groups.names,
        {check: phrase(f"judge.{check}", study.language) for check in measures}, study.language,
    )  # fmt: skip


def _row(check: str, persona: str, value: float, detail: str, *, study: Study) -> dict[str, Any]:
    limit, rule, source = CHECKS[check]
    limit = float(study.privacy.minimum_base) if check == "size" else limit
    passed = UNKNOWN
    if not np.isnan(value):
        passed = YES if (value >= limit if rule == "at least" else value <= limit) else NO
    why = {}
    for language in ("en", "fa"):
        label = phrase(f"judge.{check}", language)
        words = "judge.unknown" if passed == UNKNOWN else f"judge.{rule.replace(' ', '_')}"
        why[f"why_{language}"] = phrase(
            words, language, label=label, value=format_number(value, language),
            limit=format_number(limit, language),
        ) + (f" ({detail})" if detail else "")  # fmt: skip
    return {
        "check": check, PERSONA: persona, "passed": passed, "value": value, "threshold": limit,
        "rule": rule, "source": source, **why,
    }  # fmt: skip


def _of(sizes: pd.DataFrame, persona: str, name: str) -> float:
    found = sizes.loc[sizes[PERSONA].eq(persona), name].iloc[0]
    return float("nan") if pd.isna(found) else float(found)


def _chosen(groups: Personas, name: str) -> float:
    if name not in groups.choice.columns:
        return float("nan")
    found = groups.choice.loc[groups.choice["k"].eq(groups.k), name]
    return float(found.iloc[0]) if len(found) else float("nan")


def _count_distinct(groups: Personas, study: Study, survey: Any) -> dict[str, Found]:
    """Held-out items on which each persona's members differ from everybody else."""
    if survey is None or groups.source != "survey" or groups.k < 2:
        return {}
    respondents = survey.respondents.reset_index(drop=True)
    traits, frame = survey_traits(study, respondents, used=set(groups.items))
    own = respondents[RESPONDENT].map(groups.members.set_index(RESPONDENT)[PERSONA])
    tables = []
    for persona in groups.ids:
        side = own.eq(persona).fillna(value=False).map({True: "persona-1", False: "persona-2"})
        found = measure_distinctness(
            frame, side.astype("string"), traits, base=study.privacy.minimum_base
        )
        tables.append(found.assign(of=persona))
    every = pd.concat(tables, ignore_index=True)
    every["p_holm"] = adjust_holm(every["p_value"].to_numpy(dtype=float))
    out = {}
    for of, rows in every.groupby("of", sort=False):
        known = rows[rows["p_value"].notna()].sort_values("p_holm", kind="stable")
        hits = known[known["p_holm"].lt(CHANCE)]
        named = ", ".join(hits["item"].head(3))
        count = float(len(hits)) if len(known) else float("nan")
        out[str(of)] = (count, f"{len(hits)} / {len(known)}" + (f": {named}" * bool(named)))
    return out


def _least_alpha(groups: Personas, study: Study, survey: Any) -> Found:
    scales = {n: i for n, i in study.scales.items() if set(i) & set(groups.items)}
    if survey is None or not scales or not hasattr(survey, "study"):
        return float("nan"), ""
    table = measure_scales(survey).table
    rows = table[table["coefficient"].eq("alpha") & table["scale"].isin(list(scales))]
    rows = rows.drop_duplicates("scale")
    rows = rows[rows[ESTIMATE].notna()]
    if rows.empty:
        return float("nan"), ""
    least = rows.iloc[int(rows[ESTIMATE].argmin())]
    return float(least[ESTIMATE]), str(least["scale"])


def _cover(lines: pd.DataFrame) -> Found:
    measured = lines["evidence"].eq(MEASURED)
    open_ = ", ".join(lines.loc[~measured, "section"].unique())
    return float(measured.mean()), open_


def _tie(lines: pd.DataFrame) -> Found:
    """Share of measured lines with a source, and with people or a word why there are none."""
    part = lines[lines["evidence"].eq(MEASURED)]
    if part.empty:
        return float("nan"), ""
    based = part["n"].fillna(0).gt(0) | part["method"].str.contains("suppressed|too few")
    named = part["source"].ne("") & part["key"].ne("") & part["method"].ne("")
    good = based & named
    return float(good.mean()), ", ".join(part.loc[~good, "key"].head(3))


def _quote(quotes: pd.DataFrame) -> Found:
    if quotes.empty:
        return float("nan"), ""
    own = quotes[quotes["known"].astype(bool)]
    kinds = own["kind"].value_counts()
    both = kinds.get("typical", 0) > 0 and kinds.get("dissenting", 0) > 0
    return float(both), ", ".join(f"{kind} {n}" for kind, n in kinds.items())


def _contradict(groups: Personas, persona: str) -> Found:
    found = groups.contradictions[groups.contradictions[PERSONA].eq(persona)]
    return float(len(found)), "; ".join(found["items"].head(3))


def _agree(sensitivity: pd.DataFrame, words: str) -> Found:
    rows = sensitivity[sensitivity["other_way"].str.contains(words, regex=False)]
    rows = rows[rows["agreement"].notna()]
    if rows.empty:
        return float("nan"), ""
    least = rows.iloc[int(rows["agreement"].argmin())]
    return float(least["agreement"]), str(least["other_way"])


def _overlap(rules: RuleSensitivity | None, persona: str) -> Found:
    if rules is None or rules.personas.empty:
        return float("nan"), ""
    rows = rules.personas[rules.personas[PERSONA].eq(persona)]
    if rows.empty:
        return float("nan"), ""
    least = rows.iloc[int(rows["overlap"].argmin())]
    return float(least["overlap"]), str(least["rule"])
