"""The survey's headline figures beside those that others published."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cjlib.accounts import PUBLISHED_COLUMNS
from cjlib.columns import METRIC, WAVE, WEIGHT, require_columns
from cjlib.errors import ColumnError, TooFewError
from cjlib.metrics.comparison import Comparison, judge_differences
from cjlib.metrics.headlines import headline_answers
from cjlib.metrics.published import compare_published
from cjlib.metrics.tables import ITEM, ends, has_weights, label_of, respondents_of
from cjlib.study import Study


def compare_with_published(
    survey: Any, published: pd.DataFrame, study: Study, *, wave: str = ""
) -> Comparison:
    """Compare the latest wave's headline figures with those others published, ours minus theirs.

    NPS with NPS; CSAT as the study's position has it, the mean or the share in the top box;
    CES by its mean. What is known of their answers decides the interval, see
    ``compare_published``. One Holm correction over all figures. Theirs is comparable as far
    as they asked the same question of the same kind of people, which no test can tell.

    Parameters
    ----------
    survey : Survey or its respondents table
    published : DataFrame
        As read by ``read_published``. Not changed.
    study : Study
    wave : str, optional
        The wave to compare; by default the last in the study that has answers.

    Returns
    -------
    Comparison
        Its table also has ``item``, ``label`` and ``source``; ``group`` is the wave.

    Raises
    ------
    ColumnError
        If a figure names an item the codebook does not mark as NPS, CSAT or CES.
    TooFewError
        If there is no figure, or no answer to compare with one.
    """
    require_columns(published, list(PUBLISHED_COLUMNS), caller="compare_with_published")
    people = respondents_of(survey)
    people, name = _of_wave(people, study, wave)
    weights = people[WEIGHT].fillna(0.0).to_numpy(dtype=float) if has_weights(people) else None
    items = {item.name: item for item in study.codebook.items if item.metric}
    tables = []
    for key, figures in published.groupby("item", sort=False):
        item = items.get(str(key))
        if item is None:
            raise ColumnError(
                f"compare_with_published: an item must be an NPS, CSAT or CES question of the "
                f"codebook; got '{key}'. Known: {', '.join(items) or 'none'}."
            )
        if item.name not in people.columns or people[item.name].isna().all():
            continue
        kind, metric, values = headline_answers(
            people, item, study, caller="compare_with_published"
        )
        found = compare_published(
            values, figures, metric=kind, scale=ends(item) if kind == "mean" else None,
            weights=weights, name=name, level=study.level,
            minimum_base=study.privacy.minimum_base,
        ).table  # fmt: skip
        found = found.drop(columns=["p_holm", "verdict"])
        found[METRIC] = metric
        found.insert(1, ITEM, item.name)
        found.insert(2, "label", label_of(item, study))
        found["source"] = figures["source"].to_numpy()
        tables.append(found)
    if not tables:
        raise TooFewError(
            f"compare_with_published: a published figure must have answers of ours beside it; "
            f"none of the {len(published)} has any in wave '{name}'. Name items that were asked."
        )
    table = judge_differences(pd.concat(tables, ignore_index=True))
    return Comparison(
        table, study.language, {w.id: w.label.to(study.language) for w in study.waves}
    )


def _of_wave(people: pd.DataFrame, study: Study, wave: str) -> tuple[pd.DataFrame, str]:
    if WAVE not in people.columns:
        return people, "ours"
    present = set(people[WAVE].dropna())
    known = [w.id for w in study.waves if w.id in present]
    if wave and wave not in known:
        raise ColumnError(
            f"compare_with_published: wave must be one of {', '.join(known) or 'none'}; "
            f"got '{wave}'."
        )
    name = wave or (known[-1] if known else "ours")
    return (people[people[WAVE].eq(name)], name) if known else (people, name)
