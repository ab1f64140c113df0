"""Every metric of the survey in one tidy table, whole or by wave, persona, language ..."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.codebook import Item
from cjlib.columns import (
    ESTIMATE,
    METHOD,
    METRIC,
    PERSONA,
    RESPONDENT,
    STAGE,
    TOUCHPOINT,
    WEIGHT,
    N,
    require_columns,
)
from cjlib.definitions import Privacy
from cjlib.errors import ColumnError, nearest
from cjlib.intervals import Estimate, Floats, are_even
from cjlib.language import phrase
from cjlib.metrics.answers import require_scale
from cjlib.metrics.scores import (
    CES_POSITION,
    CSAT_POSITION,
    NPS_POSITION,
    Direction,
    score_figures,
)
from cjlib.study import Study

ITEM = "item"
WEIGHTING = "weighting"
POSITION = "position"


@dataclass(frozen=True, slots=True, eq=False)
class MetricTable:
    """What ``measure_metrics`` found.

    Attributes
    ----------
    table : DataFrame
        One row per item, figure, group and weighting: ``metric, item, stage, touchpoint``, the
        columns of ``by``, ``label`` (of the item, for readers), ``weighting, estimate, low, high,
        level, n, method, position``.
    by : tuple of str
        Group columns.
    positions : tuple of str
        What the study takes where sources differ, as far as these metrics are concerned; and a
        caution where the items of one metric have different scales.
    language : str
        Of the figure.
    names : mapping of group to its name for readers
    """

    table: pd.DataFrame
    by: tuple[str, ...]
    positions: tuple[str, ...]
    language: str = "en"
    names: Mapping[str, str] = field(default_factory=dict)

    def summary(self) -> str:
        """Say how many figures there are, and the one that stands highest for whole metrics."""
        known = int(self.table[ESTIMATE].notna().sum())
        few = len(self.table) - known
        groups = f" by {', '.join(self.by)}" if self.by else ""
        items = self.table[ITEM].nunique()
        text = f"{known} figures of {items} items{groups}"
        return text + (f"; {few} rest on too few answers to say anything." if few else ".")

    def plot(self, *, metric: str = "", ax: Axes | None = None) -> Axes:
        """Draw one metric with intervals; by default the first of the table."""
        from cjlib import plots

        name = metric or str(self.table[METRIC].iloc[0])
        if name not in set(self.table[METRIC]):
            known = list(dict.fromkeys(self.table[METRIC]))
            raise ColumnError(
                f"MetricTable.plot: metric must be one of {', '.join(known)}; got {name!r}. "
                f"Did you mean '{nearest(name, known)}'?"
            )
        rows = self.table[self.table[METRIC] == name]
        return plots.draw_metrics(
            rows, by=list(self.by), names=self.names, language=self.language, ax=ax
        )


def measure_metrics(
    survey: Any,
    study: Study,
    *,
    by: str | Sequence[str] | None = (),
    members: pd.DataFrame | None = None,
) -> MetricTable:
    """Measure every codebook item that is an NPS, CSAT or CES question.

    NPS: ``nps``. CSAT: ``csat_mean`` and ``csat_top_box``. CES: ``ces_mean`` and, on 1-7,
    ``ces_easy_share`` and ``ces_net_ease``; what high means is the study's position.
    Where the weights are not all alike every figure stands twice, unweighted and weighted.
    Groups below ``study.privacy.minimum_base`` are "too few"; below ``minimum_cell`` their
    size is withheld too.

    Parameters
    ----------
    survey : Survey or its respondents table
    study : Study
    by : column or columns of the respondents table, or "persona"; none: all respondents
        Rows without a value of a group column are left out.
    members : DataFrame, optional
        ``respondent_id, persona``; needed where ``by`` holds "persona" and the respondents
        table does not.

    Raises
    ------
    ScaleError
        If an answer lies off the scale its codebook line declares.
    ColumnError
        If a group column is not there, with the nearest.
    """
    groupers = _names(by)
    people = with_personas(respondents_of(survey), members, groupers)
    require_groups(people, groupers)
    rows: list[dict[str, Any]] = []
    items = [item for item in study.codebook.items if item.metric and item.name in people.columns]
    groups = _groups(people, groupers)
    weighted = has_weights(people)
    for item in items:
        low, high = ends(item)
        answers = people[item.name].to_numpy(dtype=float, na_value=np.nan)
        require_scale(
            answers, low, high, what=f"answers to '{item.name}'", caller="measure_metrics",
            whole=item.metric == "nps",
        )  # fmt: skip
        for keys, member in groups:
            x = answers[member]
            options: list[tuple[str, Floats | None]] = [("unweighted", None)]
            if weighted:
                options.append(("weighted", people[WEIGHT].to_numpy(dtype=float)[member]))
            figures = {
                name: score_figures(
                    item.metric, x, w, low, high,
                    direction=direction_of(study), level=study.level,
                )
                for name, w in options
            }  # fmt: skip
            for metric in figures["unweighted"]:
                for name, found in figures.items():
                    rows.append(
                        {
                            METRIC: metric, ITEM: item.name, STAGE: stage_of(item, study),
                            TOUCHPOINT: item.touchpoint, **keys,
                            "label": label_of(item, study), WEIGHTING: name,
                            **shown(found[metric], study.privacy),
                            POSITION: position_of(item.metric, study),
                        }
                    )  # fmt: skip
    columns = [
        METRIC, ITEM, STAGE, TOUCHPOINT, *groupers, "label", WEIGHTING, ESTIMATE, "low", "high",
        "level", N, METHOD, POSITION,
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns).astype({N: "Int64"})
    positions = tuple(dict.fromkeys(position_of(item.metric, study) for item in items))
    positions += tuple(_mixed_scales(items))
    return MetricTable(table, tuple(groupers), positions, study.language, wave_names(study))


def _mixed_scales(items: Sequence[Item]) -> list[str]:
    """Say of each metric whose items have different scales that their means do not compare."""
    found = []
    for metric in dict.fromkeys(item.metric for item in items):
        by: dict[tuple[float, float], list[str]] = {}
        for item in items:
            if item.metric == metric:
                by.setdefault(ends(item), []).append(item.name)
        if len(by) > 1:
            listed = "; ".join(f"{a:g}-{b:g}: {', '.join(who)}" for (a, b), who in by.items())
            found.append(
                f"Items of {metric} have different scales ({listed}): compare means within a "
                "scale only."
            )
    return found


def respondents_of(survey: Any) -> pd.DataFrame:
    """Return the respondents table of a survey, or the frame itself."""
    frame = survey if isinstance(survey, pd.DataFrame) else survey.respondents
    require_columns(frame, [RESPONDENT], caller="measure_metrics")
    return frame


def with_personas(
    people: pd.DataFrame, members: pd.DataFrame | None, by: Sequence[str]
) -> pd.DataFrame:
    """Add each respondent's persona where it is asked for and not there yet."""
    if PERSONA not in by or PERSONA in people.columns or members is None:
        return people
    require_columns(members, [RESPONDENT, PERSONA], caller="measure_metrics")
    known = members.dropna(subset=[RESPONDENT]).drop_duplicates(RESPONDENT)
    persona = (
        people[RESPONDENT]
        .astype("string")
        .map(dict(zip(known[RESPONDENT].astype(str), known[PERSONA], strict=True)))
    )
    return people.assign(**{PERSONA: persona.astype("string")})


def has_weights(people: pd.DataFrame) -> bool:
    """Whether the respondents carry weights that are not all alike."""
    if WEIGHT not in people.columns:
        return False
    weights = people[WEIGHT].to_numpy(dtype=float, na_value=np.nan)
    return not are_even(weights[weights > 0])


def ends(item: Item) -> tuple[float, float]:
    """Return the ends of an item's scale."""
    if item.low is None or item.high is None:
        raise ColumnError(
            f"measure_metrics: the {item.metric} item '{item.name}' must have both ends of its "
            f"scale; codebook.csv line {item.line} lacks one. Fill low and high."
        )
    return item.low, item.high


def stage_of(item: Item, study: Study) -> str:
    """Return an item's stage, that of its touchpoint where it names none itself."""
    if item.stage or not item.touchpoint:
        return item.stage
    found = study.touchpoint(item.touchpoint)
    return found.stage if found else ""


def wave_names(study: Study) -> dict[str, str]:
    """Return the waves' names for readers."""
    return {wave.id: study.label("wave", wave.id) for wave in study.waves}


def label_of(item: Item, study: Study) -> str:
    """Return what an item is about, in the study's language: touchpoint, stage or the whole."""
    if item.touchpoint:
        return study.label("touchpoint", item.touchpoint)
    if item.stage:
        return study.label("stage", item.stage)
    return phrase("metrics.overall", study.language)


def direction_of(study: Study) -> Direction:
    """Return what a high CES answer means in this study."""
    return "effort" if study.positions.ces == "effort" else "ease"


def position_of(metric: str, study: Study) -> str:
    """Return the study's position on a metric, as text for the reader."""
    if metric == "csat":
        name = "csat_top_box" if study.positions.csat == "top_box" else "csat_mean"
        return f"{CSAT_POSITION} Headline here: {name}."
    return CES_POSITION[direction_of(study)] if metric == "ces" else NPS_POSITION


def shown(found: Estimate, privacy: Privacy) -> dict[str, Any]:
    """Return an estimate's fields, or "too few" for a base below the study's minimum."""
    row = found.as_dict()
    if found.n >= privacy.minimum_base:
        return row
    nan = float("nan")
    row |= {ESTIMATE: nan, "low": nan, "high": nan}
    row[METHOD] = f"too few (n < {privacy.minimum_base})" if found.n else "no answers"
    if 0 < found.n < privacy.minimum_cell:
        row |= {N: pd.NA, METHOD: f"too few (n < {privacy.minimum_cell}, withheld)"}
    return row


def _names(by: str | Sequence[str] | None) -> list[str]:
    return [by] if isinstance(by, str) else list(by or ())


def require_groups(people: pd.DataFrame, by: Sequence[str]) -> None:
    """Raise ``ColumnError`` unless the table has every group column."""
    for name in by:
        if name not in people.columns:
            hint = nearest(name, people.columns)
            more = "pass members=personas.members" if name == PERSONA else f"nearest: '{hint}'"
            raise ColumnError(
                f"measure_metrics: by must name columns of the respondents table; it has no "
                f"'{name}' ({more})."
            )


def _groups(
    people: pd.DataFrame, by: Sequence[str]
) -> list[tuple[dict[str, str], np.ndarray[Any, np.dtype[np.bool_]]]]:
    if not by:
        return [({}, np.ones(len(people), dtype=bool))]
    labels = people[list(by)].astype("string")
    keys = labels.dropna().drop_duplicates().sort_values(list(by))
    found = []
    for key in keys.itertuples(index=False):
        same = (labels == list(key)).fillna(value=False).all(axis=1).to_numpy(dtype=bool)
        found.append((dict(zip(by, map(str, key), strict=True)), same))
    return found
