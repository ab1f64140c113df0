"""A table of sample sizes: how much certainty costs how many answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import pandas as pd

from cjlib.design.sample import SampleSize
from cjlib.design.sizes import size_for_mean, size_for_nps, size_for_share
from cjlib.errors import JourneyError
from cjlib.language import format_number, phrase
from cjlib.study import Study

MARGINS: Final = (0.10, 0.05, 0.03, 0.02)  # of the range of the scale
POINTS: Final = (5, 7, 10)  # answers on a scale, where no study says
THIRD: Final = 1 / 3  # a third each of promoters, passives and detractors


def plan_sample(
    study: Study | None = None,
    *,
    margins: Sequence[float] = MARGINS,
    level: float = 0.95,
    population: int | None = None,
    design_effect: float = 1.0,
    response_rate: float | None = None,
) -> pd.DataFrame:
    """Show how many answers each margin of error costs, measure by measure.

    One row per measure and margin: a share (expected 0.5, the worst case); a mean on each
    scale (all answers equally common, sd √((k²−1)/12) on k points, more than most scales
    show); an NPS (a third each of promoters, passives and detractors); and an NPS at worst
    (half promoters, half detractors).

    Parameters
    ----------
    study : Study, optional
        Its rating scales (numbers of points in the codebook, NPS apart), level and language
        are taken. None: scales of 5, 7 and 10 points, 95 %, English.
    margins : sequence of float, 0 to 1
        Half-widths as shares of the range: 0.05 is 0.05 of a share, 0.2 points on 1 to 5
        and, by custom, 5 points of NPS (which runs over 200).
    level, population, design_effect, response_rate
        As in ``size_for_share``; ``level`` only counts without a study.

    Returns
    -------
    DataFrame
        ``measure``, ``points`` (of the scale; missing for others), ``margin`` (in the unit
        of the measure), ``level``, ``n``, ``invitations``, ``possible`` (as many people
        exist), ``method``, ``assumes`` (in words).
    """
    if not margins:
        raise JourneyError("plan_sample: margins must hold one number or more; it is empty.")
    level = level if study is None else study.level
    language = "en" if study is None else study.language
    scales = list(POINTS) if study is None else _find_points(study)
    rows = []
    for share in margins:
        found: list[tuple[str, int | None, SampleSize]] = [
            (
                phrase("design.measure.share", language), None,
                size_for_share(
                    share, level=level, population=population, design_effect=design_effect,
                    response_rate=response_rate,
                ),
            )
        ]  # fmt: skip
        for points in scales:
            size = size_for_mean(
                share * (points - 1), sd=math.sqrt((points**2 - 1) / 12), level=level,
                population=population, design_effect=design_effect, response_rate=response_rate,
            )  # fmt: skip
            shown = format_number(points, language)
            found.append((phrase("design.plan.mean", language, points=shown), points, size))
        for key, split in (("nps", THIRD), ("nps_worst", None)):
            size = size_for_nps(
                100 * share, promoters=split, detractors=split, level=level,
                population=population, design_effect=design_effect, response_rate=response_rate,
            )  # fmt: skip
            found.append((phrase(f"design.plan.{key}", language), None, size))
        rows += [_show(measure, points, size, language) for measure, points, size in found]
    table = pd.DataFrame(rows).astype({"points": "Int64"})
    return table.sort_values("measure", kind="stable", key=_in_order_seen, ignore_index=True)


def _find_points(study: Study) -> list[int]:
    points = {
        int(item.high - item.low) + 1
        for item in study.codebook.select(kind="scale")
        if item.low is not None and item.high is not None and item.metric != "nps"
    }
    return sorted(points)


def _show(measure: str, points: int | None, size: SampleSize, language: str) -> dict[str, object]:
    return {
        "measure": measure,
        "points": pd.NA if points is None else points,
        "margin": size.margin,
        "level": size.level,
        "n": size.n,
        "invitations": size.invitations,
        "possible": size.possible,
        "method": size.method,
        "assumes": size.explain(language),
    }


def _in_order_seen(column: pd.Series) -> pd.Series:
    return pd.Series(pd.factorize(column)[0], index=column.index)
