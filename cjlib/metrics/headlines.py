"""The headline figure of every metric, compared between groups or with the same people."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from cjlib.codebook import Item
from cjlib.columns import METRIC, WAVE, WEIGHT
from cjlib.errors import ColumnError, JourneyError
from cjlib.intervals import Floats
from cjlib.metrics.answers import require_scale
from cjlib.metrics.comparison import Comparison, compare_groups, judge_differences
from cjlib.metrics.panels import compare_panel
from cjlib.metrics.scores import top_box
from cjlib.metrics.tables import (
    ITEM,
    ends,
    has_weights,
    label_of,
    require_groups,
    respondents_of,
    wave_names,
    with_personas,
)
from cjlib.study import Study

Kind = Literal["nps", "mean", "share"]


def compare_metrics(
    survey: Any,
    study: Study,
    *,
    by: str,
    members: pd.DataFrame | None = None,
    reference: str | None = None,
    paired: bool = False,
) -> Comparison:
    """Compare every NPS, CSAT and CES item between groups, corrected over all looks at once.

    The figure compared is the study's headline: NPS, the mean or top box of CSAT (its
    position), the mean of CES. Waves are compared in the study's order, later minus earlier.

    Parameters
    ----------
    survey : Survey or its respondents table
    study : Study
    by : str
        Group column: wave, persona, language or any column of the respondents table.
    members : DataFrame, optional
        ``respondent_id, persona``.
    reference : str, optional
        Compare each group with this one only.
    paired : bool
        Compare customers with themselves instead, the study's last wave with ``reference``
        or the wave before; ``by`` is then "wave". See ``compare_panel``.

    Returns
    -------
    Comparison
        Its table also has ``item`` and ``label``.

    Raises
    ------
    JourneyError
        If pairs are asked of other groups than waves, or there is one wave only.
    """
    people = with_personas(respondents_of(survey), members, [by])
    require_groups(people, [by])
    if paired:
        return _compare_pairs(people, study, by, reference)
    order = [wave.id for wave in study.waves] if by == WAVE else []
    weights = people[WEIGHT].fillna(0.0).to_numpy(dtype=float) if has_weights(people) else None
    tables = []
    for item in study.codebook.items:
        if not item.metric or item.name not in people.columns:
            continue
        kind, name, values = headline_answers(people, item, study, caller="compare_metrics")
        found = compare_groups(
            values, people[by].astype("string"), metric=kind, weights=weights,
            reference=reference, order=order, level=study.level,
            minimum_base=study.privacy.minimum_base,
        ).table  # fmt: skip
        found = found.drop(columns=["p_holm", "verdict"]).assign(**{METRIC: name})
        found.insert(1, ITEM, item.name)
        found.insert(2, "label", label_of(item, study))
        tables.append(found)
    if not tables:
        raise ColumnError(
            "compare_metrics: the codebook must mark at least one answered item as nps, csat "
            "or ces; none is. Fill its column 'metric'."
        )
    table = judge_differences(pd.concat(tables, ignore_index=True))
    return Comparison(table, study.language, wave_names(study) if by == WAVE else {})


def _compare_pairs(
    people: pd.DataFrame, study: Study, by: str, reference: str | None
) -> Comparison:
    present = set(people[WAVE].dropna()) if by == WAVE else set()
    known = [wave.id for wave in study.waves if wave.id in present]
    if len(known) < 2:
        raise JourneyError(
            "compare_metrics: pairs must be of by='wave' and two waves with answers; got "
            f"by={by!r} and {len(known)} waves. Leave out paired=True."
        )
    frame = people.copy()
    kinds: dict[str, Kind] = {}
    names: dict[str, str] = {}
    for item in study.codebook.items:
        if item.metric and item.name in people.columns:
            kind, name, values = headline_answers(people, item, study, caller="compare_metrics")
            kinds[item.name], names[item.name], frame[item.name] = kind, name, values
    found = compare_panel(
        frame, items=kinds, waves=(reference or known[-2], known[-1]),
        weights=WEIGHT if has_weights(people) else None, level=study.level,
        minimum_base=study.privacy.minimum_base,
    ).table  # fmt: skip
    asked = found["label"]
    found[METRIC] = asked.map(names)
    found["label"] = [label_of(study.codebook[name], study) for name in asked]
    found.insert(1, ITEM, asked)
    return Comparison(found, study.language, wave_names(study))


def headline_answers(
    people: pd.DataFrame, item: Item, study: Study, *, caller: str
) -> tuple[Kind, str, Floats]:
    """Return what kind of figure is an item's headline, its name and the answers it is made of.

    NPS; CSAT by the study's position its mean, or 1 and 0 for in the top box and not; CES its
    mean. Raises ``ScaleError`` where an answer lies off the scale.
    """
    low, high = ends(item)
    values: Floats = people[item.name].to_numpy(dtype=float, na_value=np.nan)
    require_scale(values, low, high, what=f"answers to '{item.name}'", caller=caller)
    if item.metric == "nps":
        return "nps", "nps", values
    if item.metric == "csat" and study.positions.csat == "top_box":
        top = np.where(np.isnan(values), np.nan, values >= top_box(low, high))
        return "share", "csat_top_box", top
    return "mean", f"{item.metric}_mean", values
