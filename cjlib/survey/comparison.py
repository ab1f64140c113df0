"""Do the conclusions hold under another cleaning rule? The same numbers, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd

from cjlib.columns import ESTIMATE, HIGH, LOW, METRIC, WAVE, WEIGHT, N
from cjlib.definitions import Cleaning
from cjlib.errors import JourneyError, TooFewError
from cjlib.intervals import Estimate, estimate_mean, estimate_nps, unknown
from cjlib.study import Study
from cjlib.survey.cleaning import Survey
from cjlib.survey.rules import NO_CLEANING, describe_rule, find_hits, stricter
from cjlib.survey.weights import weigh_respondents

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Measure = Callable[[pd.DataFrame], Estimate]
CLEANING: Final = "cleaning"
DISTANCE: Final = "distance"


@dataclass(frozen=True, slots=True, eq=False)
class CleaningComparison:
    """Headline numbers under three cleaning rules; made by ``compare_cleaning``.

    Attributes
    ----------
    table : DataFrame
        metric, wave, cleaning (none, chosen, stricter), estimate, low, high, level, n,
        method; ``distance`` from the chosen rule's number, in half-widths of its interval.
    rules : dict of str to str
        What each cleaning means, in words.
    language : str
    """

    table: pd.DataFrame
    rules: dict[str, str]
    language: str = "en"

    def summary(self) -> str:
        """Return, in one sentence, how far the choice of rule moves the numbers."""
        farthest = self.table.groupby([METRIC, WAVE])[DISTANCE].agg(
            lambda found: found.abs().max(skipna=False)
        )
        held = int(farthest.le(1).sum())
        return (
            f"{held} of {int(farthest.notna().sum())} headline numbers stay inside the chosen "
            "rule's interval whichever rule is used."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw each number under the three rules, with intervals."""
        from cjlib import plots

        return plots.draw_cleaning(self.table, language=self.language, ax=ax)


def compare_cleaning(
    survey: Survey,
    *,
    measures: Mapping[str, Measure] | None = None,
    strict: Cleaning | None = None,
    level: float | None = None,
) -> CleaningComparison:
    """Compute headline numbers with nobody removed, by the chosen rule, and by a stricter one.

    Parameters
    ----------
    survey : Survey
    measures : mapping of name to function, optional
        Each takes a respondents table and returns an ``Estimate``. By default the net score
        (share of 9 and 10 less share of 0 to 6, times 100) of every nps item and the mean of
        the csat and ces items about a stage or the whole journey (those about a single
        touchpoint only where there are no others), weighted. Where the study rakes, each
        rule's own respondents are raked first.
    strict : Cleaning, optional
        The stricter rule; ``stricter(study.cleaning)`` by default.
    level : float, 0 to 1
        Coverage of the intervals; the study's by default.

    Returns
    -------
    CleaningComparison
        One row per number, wave and rule. The three rest on mostly the same people: their
        intervals are no test of a difference.
    """
    study = survey.study
    level = study.level if level is None else level
    chosen = study.cleaning
    rules = {"none": NO_CLEANING, "chosen": chosen, "stricter": strict or stricter(chosen)}
    measures = headline_measures(survey, level) if measures is None else measures
    if not measures:
        raise JourneyError(
            "compare_cleaning: the codebook must have an nps, csat or ces item; it has none. "
            "Mark one under 'metric', or pass measures."
        )
    rows = []
    for name, rule in rules.items():
        removed = find_hits(survey.quality, cleaning=rule).removed
        kept = survey.everyone[~removed]
        for metric, measure in measures.items():
            for wave in survey.everyone[WAVE].unique():
                found = measure_weighted(measure, kept[kept[WAVE].eq(wave)], study)
                rows.append({METRIC: metric, WAVE: wave, CLEANING: name, **found.as_dict()})
    table = pd.DataFrame(rows)
    asked = table.groupby([METRIC, WAVE])[N].transform("max") > 0
    table = table[asked].sort_values([METRIC, WAVE], kind="stable").reset_index(drop=True)
    own = table[table[CLEANING].eq("chosen")].set_index([METRIC, WAVE])
    own = own.loc[pd.MultiIndex.from_frame(table[[METRIC, WAVE]])].set_index(table.index)
    half = (own[HIGH] - own[LOW]) / 2
    table[DISTANCE] = (table[ESTIMATE] - own[ESTIMATE]) / half.where(half > 0)
    words = {name: describe_rule(rule) for name, rule in rules.items()}
    return CleaningComparison(table, words, study.language)


def headline_measures(survey: Survey, level: float) -> dict[str, Measure]:
    """Return the measures that ``compare_cleaning`` takes by default, by name of the item."""
    measures: dict[str, Measure] = {}
    base = survey.study.privacy.minimum_base
    asked = [item for item in survey.study.codebook.items if item.metric]
    broad = [item for item in asked if item.metric == "nps" or not item.touchpoint]
    for item in broad or asked:
        if item.metric in ("csat", "ces"):
            measures[item.name] = _mean_of(item.name, base, level, net=False)
        elif item.metric == "nps":
            measures[item.name] = _mean_of(item.name, base, level, net=True)
    return measures


def measure_weighted(measure: Measure, rows: pd.DataFrame, study: Study) -> Estimate:
    """Rake the rows of a wave as the study states, then measure them."""
    if not study.weights.rake and not study.weights.waves:
        return measure(rows)
    try:
        weights, _ = weigh_respondents(rows, study)
    except TooFewError:
        why = "no weights: nobody is left of a category that is weighted"
        return unknown(len(rows), level=study.level, why=why)
    return measure(rows.assign(**{WEIGHT: weights}))


def _mean_of(name: str, base: int, level: float, *, net: bool) -> Measure:
    def measure(rows: pd.DataFrame) -> Estimate:
        n = int(rows[name].notna().sum())
        if n < base:
            return unknown(n, level=level, why=f"too few (n < {base})")
        return (estimate_nps if net else estimate_mean)(rows[name], rows[WEIGHT], level=level)

    return measure
