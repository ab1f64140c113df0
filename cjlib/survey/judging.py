"""Judge the respondents of a study: its codebook decides which answers each index rests on."""

from __future__ import annotations

import pandas as pd

from cjlib.codebook import Item
from cjlib.columns import CUSTOMER, DURATION, RESPONDENT, WAVE
from cjlib.study import Study
from cjlib.survey.answers import RawAnswers
from cjlib.survey.ledger import read_items
from cjlib.survey.quality import COUNTED, count_failed_checks, find_duplicates, measure_quality
from cjlib.survey.typed import RESERVED


def judge_respondents(
    study: Study,
    raw: RawAnswers,
    everyone: pd.DataFrame,
    people: pd.DataFrame,
    left_out: pd.DataFrame,
) -> pd.DataFrame:
    """Measure how carefully each record was answered: one row per record read."""
    rated = study.codebook.select(kind="scale")
    coded = pd.DataFrame(
        {i.name: _as_answered(everyone[i.name], i) for i in rated}, index=everyone.index
    )
    checks = study.codebook.select(kind="check")
    who = [people[CUSTOMER], people["response"]]
    answers = [i.name for i in read_items(study.codebook) if i.kind not in RESERVED]
    named = raw.table.assign(**{RESPONDENT: people[RESPONDENT]})
    measured = measure_quality(
        coded,
        _questions_left_out(left_out, study),
        items=rated,
        wave=everyone[WAVE],
        duration=everyone[DURATION],
        scales=group_scales(study),
    )
    return pd.concat(
        [
            everyone[[RESPONDENT, WAVE]],
            measured,
            count_failed_checks(raw.table, checks),
            find_duplicates(named, who=who, answers=answers),
        ],
        axis=1,
    )


def group_scales(study: Study) -> dict[str, tuple[str, ...]]:
    """Return the items of each scale: as study.yaml declares them, else by codebook ``group``.

    Without ``scales`` in study.yaml, rated items that share a group are one scale.
    """
    if study.scales:
        return study.scales
    groups: dict[str, tuple[str, ...]] = {}
    for item in study.codebook.select(kind="scale"):
        if item.group:
            groups[item.group] = (*groups.get(item.group, ()), item.name)
    return groups


def _as_answered(values: pd.Series, item: Item) -> pd.Series:
    if item.reverse and item.low is not None and item.high is not None:
        return item.low + item.high - values
    return values


def _questions_left_out(left_out: pd.DataFrame, study: Study) -> pd.DataFrame:
    """One column per closed question; the options of a group are one question."""
    questions: dict[str, pd.Series] = {}
    for item in study.codebook.items:
        if item.kind not in COUNTED:
            continue
        name = f"group {item.group}" if item.kind == "tick" and item.group else item.name
        one = left_out[item.name]
        questions[name] = questions[name] & one if name in questions else one
    return pd.DataFrame(questions, index=left_out.index)
