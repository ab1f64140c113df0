"""Compare studies: metrics they share with tests corrected, and what is not comparable, said."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from cjlib.columns import ESTIMATE, HIGH, LEVEL, LOW, METHOD, METRIC, WEIGHT, N
from cjlib.cross_study.logs import compare_logs, cut_alike
from cjlib.cross_study.sides import (
    OVERALL,
    Side,
    find_log_obstacles,
    find_obstacles,
    open_side,
    require_accept,
)
from cjlib.errors import JourneyError
from cjlib.intervals import (
    DETRACTOR,
    PROMOTER,
    Difference,
    Estimate,
    Floats,
    compare_means,
    compare_nets,
    estimate_mean,
    estimate_nps,
    normal_quantile,
    weigh,
)
from cjlib.language import phrase
from cjlib.metrics.comparison import judge_differences
from cjlib.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POWER: Final = 0.80
NOT_COMPARED: Final = "not compared"
VALUES: Final = (
    "key", METRIC, "place", "label", "study", ESTIMATE, LOW, HIGH, LEVEL, N, METHOD, "unit",
    "lowest", "highest", "period",
)  # fmt: skip
DIFFERENCES: Final = (
    "key", METRIC, "place", "label", "study", "other", "value", "value_other", ESTIMATE, LOW, HIGH,
    LEVEL, "p", "detectable", "n", "n_other", "unit", "comparable", "why", METHOD,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class StudyComparison:
    """What ``compare_studies`` found.

    Attributes
    ----------
    table : DataFrame
        One row per shared metric and pair of studies: ``metric, place`` (overall, a stage or
        touchpoint, a step of the funnel), ``label``; ``study, other, value, value_other``;
        ``estimate`` (study less other) with ``low, high, level, p, p_holm`` (corrected for all
        rows), ``detectable, n, n_other, unit``; ``comparable`` and ``why`` (what keeps them
        apart, or was accepted); ``verdict``: "differ", "not shown", "too few", "no test" or
        "not compared".
    values : DataFrame
        One row per shared metric and study: ``estimate, low, high, level, n, method, unit``,
        ``lowest, highest`` (ends of the scale, where it has some), ``period``.
    alone : DataFrame
        ``study, metric, place``: asked or known in one study only.
    names : tuple of str
        The studies.
    language : str
    """

    table: pd.DataFrame
    values: pd.DataFrame
    alone: pd.DataFrame
    names: tuple[str, ...]
    language: str = "en"

    def summary(self) -> str:
        """Say which shared metrics differ, and what was not compared, in one sentence."""
        compared = self.table[self.table["comparable"]]
        differ = compared[compared["verdict"].eq("differ")]
        text = (
            f"{' and '.join(self.names)} share {self.table['key'].nunique()} metrics; of "
            f"{len(compared)} comparisons {len(differ)} differ after Holm's correction"
        )
        if len(differ):
            parts = [
                f"{row['label']} {row['study']} less {row['other']} {row[ESTIMATE]:+.2f} "
                f"[{row[LOW]:+.2f}, {row[HIGH]:+.2f}]"
                for row in differ.to_dict("records")
            ]
            text += f" ({'; '.join(parts)})"
        apart = self.table[~self.table["comparable"]]
        if len(apart):
            reasons = apart["why"].str.split("; ").explode().value_counts(sort=False)
            told = ", ".join(f"{reason} ({count})" for reason, count in reasons.items())
            text += f"; {len(apart)} were not compared: {told}"
        return text + ". Other customers, another market: a difference is not yet a merit."

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the compared metrics side by side, with intervals, on the share of their scale."""
        from cjlib import plots

        shown = self.table.loc[self.table["comparable"], "key"].unique()
        values = self.values[self.values["key"].isin(shown)]
        return plots.draw_side_by_side(values, language=self.language, ax=ax)


def compare_studies(
    studies: Sequence[Study | Side | str | Path],
    *,
    accept: Collection[str] = (),
    level: float | None = None,
) -> StudyComparison:
    """Compare what several studies share, every pair of them; say what cannot be compared.

    Survey: the latest wave of each. Questions are the same where the metric (nps, csat, ces)
    and the place are: the whole, a stage or touchpoint of the same id, else the only stage of
    the same kind that each asked about. They are compared only with the same scale ends,
    direction and wording (brand names, case and marks aside, in English or Persian), held at
    most a year apart, and where not one of the two is invented. Weighted means by Welch's t,
    NPS by z on adjusted counts.

    Log: conversion, repeat and complaint rate (score test, Newcombe), returns and contacts per
    purchase (by customer), each step between funnel stages of the same id, the median wait
    for delivery (intervals squared and added). Both logs are cut to their last days, as many
    as the shorter has; they must end at most a year apart.

    Parameters
    ----------
    studies : sequence, two or more
        Study folders, studies, or what ``open_side`` opened.
    accept : collection of "wording", "year", "invented"
        Reasons that shall not keep from comparing; the row still tells them.
    level : float, 0 to 1, optional
        The first study's by default.

    Raises
    ------
    JourneyError
        With fewer than two studies, or the same one twice.
    """
    accepted = tuple(accept)
    require_accept(accepted)
    if isinstance(studies, (str, Path, Study, Side)) or len(studies) < 2:
        raise JourneyError(
            "compare_studies: studies must be a list of two or more; got "
            f"{'one' if isinstance(studies, (str, Path, Study, Side)) else len(studies)}. "
            "Write compare_studies([ours, theirs])."
        )
    sides = [s if isinstance(s, Side) else open_side(s) for s in studies]
    names = _name(sides)
    language = sides[0].study.language
    level = sides[0].study.level if level is None else level
    least = max(2, *(side.study.privacy.minimum_base for side in sides))
    gaps: list[dict[str, Any]] = []
    values: dict[tuple[str, str, str], dict[str, Any]] = {}
    for i, j in combinations(range(len(sides)), 2):
        pair = (sides[i], sides[j])
        for row in [*_compare_surveys(*pair, level), *_compare_logs(*pair, level)]:
            why = [words for _, words in row["obstacles"]]
            kept = all(reason in accepted for reason, _ in row["obstacles"])
            named = {k: row[k] for k in (METRIC, "place", "unit")}
            named |= {"label": _label(row, pair, language), "key": f"{row[METRIC]} {row['place']}"}
            for side, name, found in zip(pair, (names[i], names[j]), row["values"], strict=True):
                shown = _blank(found, least)
                values.setdefault(
                    (named["key"], name, row["period"](side)),
                    named | {"study": name, **shown.as_dict(), "lowest": row["ends"][0],
                             "highest": row["ends"][1], "period": row["period"](side)},
                )  # fmt: skip
            gaps.append(
                named | {"study": names[i], "other": names[j], "comparable": kept,
                         "why": "; ".join(why)}
                | _gap_fields(row, kept, least, level)
            )  # fmt: skip
    table = judge_differences(pd.DataFrame(gaps, columns=list(DIFFERENCES)))
    table["verdict"] = table["verdict"].where(table["comparable"].astype(bool), NOT_COMPARED)
    table["comparable"] = table["comparable"].astype(bool)
    return StudyComparison(
        table, pd.DataFrame(list(values.values()), columns=list(VALUES)),
        _find_alone(sides, names), names, language,
    )  # fmt: skip


def _name(sides: list[Side]) -> tuple[str, ...]:
    folders = [side.study.path for side in sides]
    if len(set(folders)) < len(folders):
        raise JourneyError(
            "compare_studies: each study must be another one; a folder stands twice. To compare "
            "waves of one study use compare_waves."
        )
    plain = [side.name for side in sides]
    return tuple(
        f"{name} ({side.study.id})" if plain.count(name) > 1 else name
        for name, side in zip(plain, sides, strict=True)
    )


def _compare_surveys(first: Side, second: Side, level: float) -> list[dict[str, Any]]:
    rows = []
    for mine, theirs in _match(first, second):
        items = first.items[mine], second.items[theirs]
        sides = [_answers(side, item) for side, item in zip((first, second), items, strict=True)]
        metric = mine[0]
        if metric == "nps":
            signs = [((x >= PROMOTER).astype(float) - (x <= DETRACTOR), w) for x, w in sides]
            values = [estimate_nps(x, w, level=level) for x, w in sides]
            gap = compare_nets(signs[0], signs[1], level=level) if _enough(sides) else None
        else:
            values = [estimate_mean(x, w, level=level) for x, w in sides]
            gap = compare_means(sides[0], sides[1], level=level) if _enough(sides) else None
        ends = (-100.0, 100.0) if metric == "nps" else (items[0].low, items[0].high)
        rows.append(
            {METRIC: metric, "place": mine[1], "values": values, "gap": gap, "ends": ends,
             "unit": "points" if metric == "nps" else "scale",
             "scale": 100.0 if metric == "nps" else 1.0, "period": _wave_period,
             "obstacles": find_obstacles(first, second, mine, theirs)}
        )  # fmt: skip
    return rows


def _match(first: Side, second: Side) -> list[tuple[tuple[str, str], tuple[str, str]]]:
    """Pairs of questions about the same thing: by id, then by the only stage of a kind."""
    same = [(key, key) for key in first.items if key in second.items]
    taken = {key for key, _ in same}
    by_kind = [
        {(metric, kinds[place]): (metric, place)
         for metric, place in side.items
         if (metric, place) not in taken and kinds.get(place)
         and list(kinds.values()).count(kinds[place]) == 1}
        for side in (first, second)
        for kinds in [{stage.id: stage.kind for stage in side.study.stages}]
    ]  # fmt: skip
    return same + [
        (mine, by_kind[1][kind]) for kind, mine in by_kind[0].items() if kind in by_kind[1]
    ]


def _answers(side: Side, item: Any) -> tuple[Floats, Floats]:
    if side.people is None:
        raise JourneyError("compare_studies: a survey question must have respondents.")
    return weigh(side.people[item.name], side.people.get(WEIGHT), caller="compare_studies")


def _enough(sides: list[tuple[Floats, Floats]]) -> bool:
    return min(len(x) for x, _ in sides) > 1


def _compare_logs(first: Side, second: Side, level: float) -> list[dict[str, Any]]:
    if first.interactions is None or second.interactions is None:
        return []
    mine, theirs, days = cut_alike(first, second)
    obstacles = find_log_obstacles(first, second)

    def period(side: Side) -> str:
        return f"{days} days to {side.log_day:%Y-%m-%d}" if side.log_day is not None else ""

    return [
        row | {"ends": (0.0, 1.0) if row["unit"] == "share" else (0.0, np.nan), "scale": 1.0,
               "period": period, "obstacles": obstacles}
        for row in compare_logs(mine, theirs, level=level)
    ]  # fmt: skip


def _wave_period(side: Side) -> str:
    return "" if side.day is None else f"{side.day:%Y-%m-%d}"


def _gap_fields(row: dict[str, Any], kept: bool, least: int, level: float) -> dict[str, Any]:
    first, second = row["values"]
    nan = float("nan")
    none = Difference(nan, nan, nan, nan, nan, nan, nan, NOT_COMPARED)
    found: Difference = row["gap"] if kept and row["gap"] is not None else none
    if kept and min(first.n, second.n) < least:
        found = Difference(nan, nan, nan, nan, nan, nan, nan, f"too few (n < {least})")
    scale = row["scale"]
    power = normal_quantile(level) + float(stats.norm.ppf(POWER))
    shown = [_blank(value, least).estimate for value in (first, second)]
    return {
        "value": shown[0], "value_other": shown[1], ESTIMATE: scale * found.estimate,
        LOW: scale * found.low, HIGH: scale * found.high, LEVEL: level, "p": found.p,
        "detectable": scale * power * found.error, "n": first.n, "n_other": second.n,
        METHOD: found.method,
    }  # fmt: skip


def _blank(found: Estimate, least: int) -> Estimate:
    if found.n >= least:
        return found
    nan = float("nan")
    return Estimate(nan, nan, nan, found.level, found.n, f"too few (n < {least})")


def _label(row: dict[str, Any], pair: tuple[Side, Side], language: str) -> str:
    metric, place, study = row[METRIC], row["place"], pair[0].study
    head = phrase(f"kpi.{metric}" if metric not in ("step", "delivery_wait") else f"cross.{metric}",
                  language)  # fmt: skip
    if metric == "step":
        ends = [study.label("stage", part) for part in place.split(" to ")]
        return f"{head}: {phrase('cross.to', language, here=ends[0], next=ends[1])}"
    if not place or place == OVERALL:
        return head
    kind = "stage" if place in study.stage_ids else "touchpoint"
    return f"{head} ({study.label(kind, place)})"


def _find_alone(sides: list[Side], names: tuple[str, ...]) -> pd.DataFrame:
    rows = []
    for i, side in enumerate(sides):
        shared = set()
        for j, other in enumerate(sides):
            if i != j:
                shared |= {mine for mine, _ in _match(side, other)}
        rows += [(names[i], *key) for key in side.items if key not in shared]
        with_log = sum(s.interactions is not None for s in sides)
        if side.interactions is not None and with_log == 1:
            rows.append((names[i], "log", ""))
    return pd.DataFrame(rows, columns=["study", METRIC, "place"])
