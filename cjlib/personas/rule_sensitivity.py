"""Whether other cleaning rules would have given other personas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cjlib.columns import PERSONA, RESPONDENT, WEIGHT
from cjlib.definitions import Cleaning
from cjlib.errors import JourneyError
from cjlib.personas.answers import read_survey_variables
from cjlib.personas.behaviour import measure_behaviour
from cjlib.personas.clustering import adjusted_rand, best_jaccard
from cjlib.personas.methods import fit_segments
from cjlib.personas.model import Personas
from cjlib.study import Study
from cjlib.survey import Survey, describe_rule, stricter, weigh_respondents
from cjlib.survey.rules import COMPARISONS, NO_CLEANING, find_hits


@dataclass(frozen=True, slots=True, eq=False)
class RuleSensitivity:
    """What ``measure_rule_sensitivity`` found.

    Attributes
    ----------
    table : DataFrame
        One row per other rule: ``rule`` (nobody removed, stricter, without one rule), ``words``;
        ``removed, people``; ``both``: people who have a persona under the study's rule and
        stay under this one; ``agreement``: adjusted Rand index of the two divisions of them (1
        the same, 0 by chance).
    personas : DataFrame
        ``rule, persona, overlap``: Jaccard overlap with the most like segment made under the
        other rule, among people in both.
    """

    table: pd.DataFrame
    personas: pd.DataFrame

    def summary(self) -> str:
        """Say under which rule the personas change most."""
        least = self.table.iloc[int(self.table["agreement"].argmin())]
        return (
            f"Under {len(self.table)} other cleaning rules the personas agree with these at "
            f"{least['agreement']:.2f} (adjusted Rand, rule '{least['rule']}', "
            f"{least['both']:,} people in both) or better."
        )


def measure_rule_sensitivity(
    study: Study, groups: Personas, survey: Survey, *, rng: np.random.Generator,
    rules: Mapping[str, Cleaning] | None = None, style: str = "", method: str = "",
    interactions: Any = None, interviews: Any = None,
) -> RuleSensitivity:  # fmt: skip
    """Make the personas again under other cleaning rules and compare who is together.

    As many segments are made, in the same way, from those who stay under each rule, with
    weights raked anew.

    Parameters
    ----------
    study : Study
    groups : Personas
        Made from ``survey``.
    survey : Survey
        Everyone read counts, also those the study's rule removed.
    rng : Generator
    rules : mapping of name to Cleaning, optional
        By default: nobody removed; everything stricter; the study's rule without each of its
        parts in turn.
    style, method, interactions, interviews
        As given to ``build_personas``.
    """
    if groups.k < 2 or groups.source != "survey":
        raise JourneyError(
            "measure_rule_sensitivity: there must be two personas or more, made from a survey; "
            f"got {groups.k} from the {groups.source}. A rule cannot change them."
        )
    method, style = method or study.personas.method, style or study.personas.style
    behaviour = None if interactions is None else measure_behaviour(study, interactions.table)
    own = groups.members.loc[groups.members[PERSONA].notna(), [RESPONDENT, PERSONA]]
    number = {persona: i for i, persona in enumerate(groups.ids)}
    own = own.assign(here=own[PERSONA].map(number).astype("int64"))
    rows: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    for name, rule in (_vary(study.cleaning) if rules is None else dict(rules)).items():
        gone = find_hits(survey.quality, cleaning=rule).removed.to_numpy(dtype=bool)
        kept = survey.everyone[~gone].reset_index(drop=True)
        changed = replace(study, cleaning=rule)
        kept = kept.assign(**{WEIGHT: weigh_respondents(kept, changed)[0]})
        variables = read_survey_variables(
            changed, kept, style="none" if method == "latent_class" else style,
            behaviour=behaviour, interviews=interviews, rng=rng,
        )  # fmt: skip
        if variables is None:
            continue
        fit = fit_segments(variables, groups.k, method=method, rng=rng)
        there = variables.keys.loc[variables.kept, [RESPONDENT]].assign(there=fit.labels)
        both = own.merge(there, on=RESPONDENT, how="inner")
        here, other = both["here"].to_numpy(), both["there"].to_numpy()
        agreement = adjusted_rand(here, other) if len(both) else float("nan")
        rows.append(
            {"rule": name, "words": describe_rule(rule), "removed": int(gone.sum()),
             "people": len(kept), "both": len(both), "agreement": agreement}
        )  # fmt: skip
        overlap = best_jaccard(here, other, np.ones(len(both)))
        parts += [
            {"rule": name, PERSONA: persona, "overlap": float(overlap[i])}
            for persona, i in number.items()
            if i < len(overlap)
        ]
    return RuleSensitivity(pd.DataFrame(rows), pd.DataFrame(parts))


def _vary(cleaning: Cleaning) -> dict[str, Cleaning]:
    """Other defensible rules: none, all stricter, and each part in use left out."""
    rules = {"nobody removed": NO_CLEANING, "stricter": stricter(cleaning)}
    for name in COMPARISONS:
        if getattr(cleaning, name) is not None:
            changes: dict[str, Any] = {name: None, "at_least": 1}
            rules[f"without {name}"] = replace(cleaning, **changes)
    if cleaning.duplicates:
        rules["without duplicates"] = replace(cleaning, duplicates=False)
    return {name: rule for name, rule in rules.items() if rule != cleaning}
