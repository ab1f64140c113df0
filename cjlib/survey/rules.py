"""The stated rule: which respondents leave, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from cjlib.definitions import SOFT_RULES, Cleaning
from cjlib.errors import JourneyError
from cjlib.survey.quality import (
    DUPLICATE_OF,
    FAILED_CHECKS,
    LONGSTRING_SHARE,
    MISSING_SHARE,
    SECONDS_PER_ITEM,
)

DUPLICATE: Final = "duplicate"
TOGETHER: Final = "soft_rules"  # the step of a flow where soft rules count together
NO_CLEANING: Final = Cleaning(duplicates=False)
COMPARISONS: Final = {
    MISSING_SHARE: "more than", FAILED_CHECKS: "at least", SECONDS_PER_ITEM: "less than",
    LONGSTRING_SHARE: "at least", "irv": "less than", "mahalanobis_p": "less than",
    "even_odd": "less than", "synonyms": "less than", "antonyms": "more than",
    "person_total": "less than",
}  # fmt: skip
WORDS: Final = {
    MISSING_SHARE: "more than {:.0%} of the rated items left out",
    FAILED_CHECKS: "{} or more attention checks failed",
    SECONDS_PER_ITEM: "under {:g} seconds per item",
    LONGSTRING_SHARE: "{:.0%} of the rated items in one equal run",
    "irv": "answers that spread less than {:g}",
    "mahalanobis_p": "answers so far from the others that p is under {:g}",
    "even_odd": "even-odd consistency under {:g}",
    "synonyms": "correlation over synonyms under {:g}",
    "antonyms": "correlation over antonyms over {:g}",
    "person_total": "correlation with the mean answers under {:g}",
}


@dataclass(frozen=True, slots=True)
class Hits:
    """Which respondents each rule hits.

    Attributes
    ----------
    table : DataFrame of bool
        One row per respondent, one column per rule in use, in the order they are applied.
    thresholds : dict of str to str
        Rule to what it compares with, in words.
    at_least : int
        How many of the soft rules must hit for a respondent to leave.
    """

    table: pd.DataFrame
    thresholds: dict[str, str]
    at_least: int = 1

    @property
    def soft(self) -> list[str]:
        """The rules in use that count together."""
        return [rule for rule in self.table.columns if rule in SOFT_RULES]

    @property
    def removed(self) -> pd.Series:
        """Whether the respondent leaves: by one hard rule, or by enough of the soft ones."""
        hard = self.table.drop(columns=self.soft).any(axis=1)
        return hard | (self.table[self.soft].sum(axis=1) >= self.at_least)


def find_hits(quality: pd.DataFrame, *, cleaning: Cleaning) -> Hits:
    """Apply each rule of ``cleaning`` to the response-quality indices.

    Order: duplicates, items left out, failed checks; then the soft rules: speed, runs of
    equal answers, spread, distance, even-odd, synonyms, antonyms, person-total. An index
    that is not known hits nothing.

    Raises
    ------
    JourneyError
        If more soft rules must hit together than are in use.
    """
    hits: dict[str, pd.Series] = {}
    thresholds: dict[str, str] = {}
    if cleaning.duplicates:
        hits[DUPLICATE] = quality[DUPLICATE_OF].notna()
        thresholds[DUPLICATE] = "a second answer in the wave"
    for rule, how in COMPARISONS.items():
        limit = getattr(cleaning, rule)
        if limit is None:
            continue
        value = quality[rule]
        hit = {"more than": value > limit, "at least": value >= limit, "less than": value < limit}
        hits[rule] = hit[how].fillna(False).astype(bool)
        thresholds[rule] = f"{how} {limit:g}"
    found = Hits(pd.DataFrame(hits, index=quality.index, dtype=bool), thresholds, cleaning.at_least)
    if 0 < len(found.soft) < cleaning.at_least or cleaning.at_least < 1:
        raise JourneyError(
            f"find_hits: at_least must lie between 1 and the number of soft rules in use; got "
            f"{cleaning.at_least} with {len(found.soft)} in use ({', '.join(found.soft)}). "
            "Lower at_least, or use more rules."
        )
    return found


def stricter(cleaning: Cleaning) -> Cleaning:
    """Return a stricter rule: every threshold in use tightened, one soft rule fewer needed.

    Half as much again of speed, spread and (up to 1 in 20) Mahalanobis probability times
    five; three quarters of the tolerances for runs and items left out; correlations asked for
    0.1 higher (antonyms lower). Speed, runs, checks and items left out that are not in use are
    switched on, at 2 seconds per item, half the items in one run, one failed check, a third
    of the items left out.
    """
    seconds, run, gaps = (
        cleaning.seconds_per_item,
        cleaning.longstring_share,
        cleaning.missing_share,
    )
    far = cleaning.mahalanobis_p
    return replace(
        cleaning,
        seconds_per_item=2.0 if seconds is None else 1.5 * seconds,
        longstring_share=0.5 if run is None else 0.75 * run,
        missing_share=1 / 3 if gaps is None else 0.75 * gaps,
        failed_checks=1,
        duplicates=True,
        irv=None if cleaning.irv is None else 1.5 * cleaning.irv,
        mahalanobis_p=None if far is None else max(far, min(5 * far, 0.05)),
        even_odd=_raise(cleaning.even_odd),
        synonyms=_raise(cleaning.synonyms),
        antonyms=None if cleaning.antonyms is None else max(cleaning.antonyms - 0.1, -1.0),
        person_total=_raise(cleaning.person_total),
        at_least=max(cleaning.at_least - 1, 1),
    )


def _raise(correlation: float | None) -> float | None:
    return None if correlation is None else min(correlation + 0.1, 1.0)


def describe_rule(cleaning: Cleaning) -> str:
    """Say the rule in one sentence."""
    parts = ["a second answer in the wave"] if cleaning.duplicates else []
    soft: list[str] = []
    for rule, words in WORDS.items():
        limit = getattr(cleaning, rule)
        if limit is not None:
            (soft if rule in SOFT_RULES else parts).append(words.format(limit))
    if cleaning.at_least > 1 and soft:
        together = f"at least {cleaning.at_least} of these: {'; '.join(soft)}"
        hard = f"any of: {'; '.join(parts)}; or for " if parts else ""
        return f"removed for {hard}{together}"
    parts += soft
    return f"removed for any of: {'; '.join(parts)}" if parts else "nobody removed"


def trace_flow(hits: Hits) -> pd.DataFrame:
    """Count the way from rows read to rows analysed, each respondent leaving once.

    Returns
    -------
    DataFrame
        ``step``: read, one per rule in order, analysed; where more than one soft rule must
        hit, these are one step, ``soft_rules``. ``threshold``; ``hit``: rows the step hits;
        ``removed``: those not removed before; ``rows``: rows left after it.
    """
    steps = {rule: hits.table[rule] for rule in hits.table.columns}
    said = dict(hits.thresholds)
    if hits.at_least > 1 and hits.soft:
        steps = {rule: hit for rule, hit in steps.items() if rule not in hits.soft}
        steps[TOGETHER] = hits.table[hits.soft].sum(axis=1) >= hits.at_least
        each = "; ".join(f"{rule} {said[rule]}" for rule in hits.soft)
        said[TOGETHER] = f"at least {hits.at_least} of: {each}"
    total = len(hits.table)
    left = pd.Series(True, index=hits.table.index)
    rows: list[dict[str, object]] = [_step("read", "", 0, 0, total)]
    for rule, hit in steps.items():
        removed = int((hit & left).sum())
        left &= ~hit
        rows.append(_step(rule, said[rule], int(hit.sum()), removed, int(left.sum())))
    rows.append(_step("analysed", "", 0, 0, int(left.sum())))
    return pd.DataFrame(rows)


def _step(step: str, threshold: str, hit: int, removed: int, rows: int) -> dict[str, object]:
    return {"step": step, "threshold": threshold, "hit": hit, "removed": removed, "rows": rows}
