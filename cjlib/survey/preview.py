"""What each cleaning rule would cost, before it is chosen: people lost and numbers moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from cjlib.columns import METRIC, WAVE, N
from cjlib.definitions import SOFT_RULES, Cleaning
from cjlib.intervals import estimate_share, unknown
from cjlib.survey.cleaning import Survey
from cjlib.survey.comparison import DISTANCE, Measure, headline_measures, measure_weighted
from cjlib.survey.quality import FAILED_CHECKS
from cjlib.survey.rules import (
    COMPARISONS,
    DUPLICATE,
    NO_CLEANING,
    describe_rule,
    find_hits,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OURS: Final = "ours; the field has no agreed value"
FIELDS: Final = {DUPLICATE: "duplicates"}  # where a rule and its field of Cleaning differ
NARROW: Final = 1 / 16  # of the scale: 0.25 on a scale of 1 to 5
# The customary values are credited as later papers credit them.
CUSTOMARY: Final[dict[str, tuple[float, str]]] = {
    DUPLICATE: (True, "a person counts once in a wave"),
    "missing_share": (0.5, OURS),
    "failed_checks": (1, "usual for instructed items, after Meade and Craig (2012)"),
    "seconds_per_item": (2.0, "usually credited to Huang et al. (2012)"),
    "longstring_share": (0.5, "usually credited to Curran (2016)"),
    "irv": (NARROW, OURS),
    "mahalanobis_p": (0.001, "usual for multivariate outliers"),
    "even_odd": (0.3, "usually credited to Jackson (1976), through Johnson (2005)"),
    "synonyms": (0.0, OURS + ": the sign is wrong"),
    "antonyms": (0.0, OURS + ": the sign is wrong"),
    "person_total": (0.0, OURS + ": the sign is wrong"),
}


@dataclass(frozen=True, slots=True, eq=False)
class RulePreview:
    """What each rule would cost; made by ``preview_rules``.

    Attributes
    ----------
    table : DataFrame
        One row per rule, those in use first. ``rule``, ``used``, ``soft``, ``limit`` in
        words, ``source`` of the limit; ``known``: respondents whose index is known; ``hit``;
        ``alone``: hit by no other rule in use; ``cumulative``: hit by this rule or one above
        it; then the share of all respondents that it hits, ``estimate, low, high, level, n,
        method``; missing where the index is known for nobody.
    overlap : DataFrame of int
        Respondents that both rules hit; on the diagonal, each rule's own.
    effects : DataFrame
        Headline numbers if one rule alone removed everyone it hits: ``rule`` (none: nobody
        removed), metric, wave, estimate, low, high, level, n, method; ``change`` from nobody
        removed, and ``distance``: that change in half-widths of the interval with nobody
        removed. Empty where the study has no headline number.
    removed : int
        Respondents the whole rule removes.
    rule : str
        The whole rule in words.
    language : str
    """

    table: pd.DataFrame
    overlap: pd.DataFrame
    effects: pd.DataFrame
    removed: int
    rule: str
    language: str = "en"

    def summary(self) -> str:
        """Return what the rule costs and which rule costs most, in one sentence."""
        n = int(self.table[N].iloc[0])
        used = self.table[self.table["used"]]
        said = f"{self.removed:,} of {n:,} respondents leave ({self.rule})"
        if used["hit"].gt(0).any():
            most = used.iloc[int(used["hit"].argmax())]
            said += f"; {most['rule']} hits most, {most['hit']:,}, {most['alone']:,} of them alone"
        far = self.effects[self.effects["rule"].ne("none")][DISTANCE].abs().max()
        if not np.isnan(far):
            said += f"; no rule alone moves a headline number by more than {far:.2f} half-widths"
        return said + "."

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the respondents each rule hits, and hits alone."""
        from cjlib import plots

        return plots.draw_rules(self.table, language=self.language, ax=ax)


def preview_rules(
    survey: Survey,
    *,
    cleaning: Cleaning | None = None,
    measures: Mapping[str, Measure] | None = None,
    level: float | None = None,
) -> RulePreview:
    """Count whom each rule would hit, and how far the headline numbers would move.

    Rules that are not in use are shown at a customary limit, so that the whole choice is on
    one table. Customary limits are conventions: read ``source``. The limit for spread is a
    sixteenth of the scale (0.25 on a scale of 1 to 5). A rule whose index nobody has (no
    durations, no scales for even-odd, fewer than three pairs) has ``known`` 0.

    Parameters
    ----------
    survey : Survey
        Everyone read counts, also those the study's rule removed.
    cleaning : Cleaning, optional
        The rule to preview; the study's by default.
    measures : mapping of name to function, optional
        Headline numbers, as in ``compare_cleaning``.
    level : float, 0 to 1
        Coverage of the intervals; the study's by default.
    """
    study, quality = survey.study, survey.quality
    level = study.level if level is None else level
    chosen = study.cleaning if cleaning is None else cleaning
    removed = find_hits(quality, cleaning=chosen).removed
    alone = _single_rules(chosen, survey)
    hits = pd.DataFrame(
        {rule: find_hits(quality, cleaning=one).table[rule] for rule, one in alone.items()}
    )
    counts = hits.astype("int64")
    measures = headline_measures(survey, level) if measures is None else measures
    return RulePreview(
        _count_costs(hits, alone, quality, chosen, level),
        counts.T @ counts,
        _measure_effects(survey, hits, measures),
        int(removed.sum()),
        describe_rule(chosen),
        study.language,
    )


def _single_rules(chosen: Cleaning, survey: Survey) -> dict[str, Cleaning]:
    """Make of each rule one that stands alone, at its limit in use or the customary one."""
    ends = {(i.low or 0.0, i.high or 1.0) for i in survey.study.codebook.select(kind="scale")}
    width = max((high - low for low, high in ends), default=1.0) if len(ends) == 1 else 1.0
    used, rest = {}, {}
    for rule in (DUPLICATE, *COMPARISONS):
        if _is_used(chosen, rule):
            used[rule] = _only(rule, getattr(chosen, FIELDS.get(rule, rule)))
        else:
            rest[rule] = _only(rule, width * NARROW if rule == "irv" else CUSTOMARY[rule][0])
    return used | rest


def _is_used(cleaning: Cleaning, rule: str) -> bool:
    limit = getattr(cleaning, FIELDS.get(rule, rule))
    return limit is not None and limit is not False


def _only(rule: str, limit: Any) -> Cleaning:
    return replace(NO_CLEANING, **{FIELDS.get(rule, rule): limit})


def _count_costs(
    hits: pd.DataFrame,
    alone: dict[str, Cleaning],
    quality: pd.DataFrame,
    chosen: Cleaning,
    level: float,
) -> pd.DataFrame:
    used = [rule for rule in hits.columns if _is_used(chosen, rule)]
    rows, so_far = [], pd.Series(False, index=hits.index)
    for rule in hits.columns:
        so_far |= hits[rule]
        others = hits[[other for other in used if other != rule]].any(axis=1)
        count, known = int(hits[rule].sum()), _count_known(quality, rule)
        share = estimate_share(count, len(hits), level=level)
        if not known:
            share = unknown(len(hits), level=level, why="the index is known for nobody")
        rows.append(
            {
                "rule": rule,
                "used": rule in used,
                "soft": rule in SOFT_RULES,
                "limit": find_hits(quality, cleaning=alone[rule]).thresholds[rule],
                "source": "the study's own" if rule in used else CUSTOMARY[rule][1],
                "known": known,
                "hit": count,
                "alone": int((hits[rule] & ~others).sum()),
                "cumulative": int(so_far.sum()),
                **share.as_dict(),
            }
        )
    return pd.DataFrame(rows)


def _count_known(quality: pd.DataFrame, rule: str) -> int:
    if rule == DUPLICATE:
        return len(quality)
    if rule == FAILED_CHECKS:
        return int(quality["checks"].gt(0).sum())
    return int(quality[rule].notna().sum())


def _measure_effects(
    survey: Survey, hits: pd.DataFrame, measures: Mapping[str, Measure]
) -> pd.DataFrame:
    """Measure every headline number with nobody removed, then without those one rule hits."""
    everyone = survey.everyone
    waves = {wave: everyone[WAVE].eq(wave) for wave in everyone[WAVE].unique()}
    rows = []
    for metric, measure in measures.items():
        for wave, own in waves.items():
            base = measure_weighted(measure, everyone[own], survey.study)
            if base.n == 0:
                continue
            half = (base.high - base.low) / 2
            for rule in ("none", *hits.columns):
                gone = hits[rule] & own if rule != "none" else ~own & own
                found = base
                if gone.any():
                    found = measure_weighted(measure, everyone[own & ~gone], survey.study)
                change = found.estimate - base.estimate
                rows.append(
                    {"rule": rule, METRIC: metric, WAVE: wave, **found.as_dict()}
                    | {"change": change, DISTANCE: change / half if half > 0 else np.nan}
                )
    columns = ["rule", METRIC, WAVE, *unknown(0).as_dict(), "change", DISTANCE]
    return pd.DataFrame(rows, columns=columns)
