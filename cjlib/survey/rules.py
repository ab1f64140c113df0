"""The stated rule: which respondents leave, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from cjlib.definitions import Cleaning
from cjlib.survey.quality import (
    DUPLICATE_OF,
    FAILED_CHECKS,
    LONGSTRING_SHARE,
    MISSING_SHARE,
    SECONDS_PER_ITEM,
)

DUPLICATE: Final = "duplicate"
NO_CLEANING: Final = Cleaning(duplicates=False)


@dataclass(frozen=True, slots=True)
class Hits:
    """Which respondents each rule hits.

    Attributes
    ----------
    table : DataFrame of bool
        One row per respondent, one column per rule in use, in the order they are applied.
    thresholds : dict of str to str
        Rule to what it compares with, in words.
    """

    table: pd.DataFrame
    thresholds: dict[str, str]


def find_hits(quality: pd.DataFrame, *, cleaning: Cleaning) -> Hits:
    """Apply each rule of ``cleaning`` to the response-quality indices.

    Order: duplicates, items left out, failed checks, speed, runs of equal answers. An
    index that is not known hits nothing.
    """
    hits: dict[str, pd.Series] = {}
    thresholds: dict[str, str] = {}
    if cleaning.duplicates:
        hits[DUPLICATE] = quality[DUPLICATE_OF].notna()
        thresholds[DUPLICATE] = "a second answer in the wave"
    for rule, limit, how in (
        (MISSING_SHARE, cleaning.missing_share, "more than"),
        (FAILED_CHECKS, cleaning.failed_checks, "at least"),
        (SECONDS_PER_ITEM, cleaning.seconds_per_item, "less than"),
        (LONGSTRING_SHARE, cleaning.longstring_share, "at least"),
    ):
        if limit is None:
            continue
        value = quality[rule]
        hit = {"more than": value > limit, "at least": value >= limit, "less than": value < limit}
        hits[rule] = hit[how].fillna(False).astype(bool)
        thresholds[rule] = f"{how} {limit:g}"
    return Hits(pd.DataFrame(hits, index=quality.index, dtype=bool), thresholds)


def stricter(cleaning: Cleaning) -> Cleaning:
    """Return a stricter rule: half as much again of speed, three quarters of the tolerances.

    Rules not in use are switched on at 2 seconds per item, half the items in one run, one
    failed check, a third of the items left out.
    """
    seconds, run, gaps = (
        cleaning.seconds_per_item,
        cleaning.longstring_share,
        cleaning.missing_share,
    )
    return replace(
        cleaning,
        seconds_per_item=2.0 if seconds is None else 1.5 * seconds,
        longstring_share=0.5 if run is None else 0.75 * run,
        missing_share=1 / 3 if gaps is None else 0.75 * gaps,
        failed_checks=1,
        duplicates=True,
    )


def describe_rule(cleaning: Cleaning) -> str:
    """Say the rule in one sentence."""
    parts = ["a second answer in the wave"] if cleaning.duplicates else []
    if cleaning.missing_share is not None:
        parts.append(f"more than {cleaning.missing_share:.0%} of the rated items left out")
    if cleaning.failed_checks is not None:
        parts.append(f"{cleaning.failed_checks} or more attention checks failed")
    if cleaning.seconds_per_item is not None:
        parts.append(f"under {cleaning.seconds_per_item:g} seconds per item")
    if cleaning.longstring_share is not None:
        parts.append(f"{cleaning.longstring_share:.0%} of the rated items in one equal run")
    return f"removed for any of: {'; '.join(parts)}" if parts else "nobody removed"


def trace_flow(hits: Hits) -> pd.DataFrame:
    """Count the way from rows read to rows analysed, each respondent leaving once.

    Returns
    -------
    DataFrame
        ``step``: read, one per rule in order, analysed. ``threshold``; ``hit``: rows the
        rule hits; ``removed``: those not removed before; ``rows``: rows left after it.
    """
    total = len(hits.table)
    left = pd.Series(True, index=hits.table.index)
    rows: list[dict[str, object]] = [_step("read", "", 0, 0, total)]
    for rule in hits.table.columns:
        hit = hits.table[rule]
        removed = int((hit & left).sum())
        left &= ~hit
        rows.append(_step(rule, hits.thresholds[rule], int(hit.sum()), removed, int(left.sum())))
    rows.append(_step("analysed", "", 0, 0, int(left.sum())))
    return pd.DataFrame(rows)


def _step(step: str, threshold: str, hit: int, removed: int, rows: int) -> dict[str, object]:
    return {"step": step, "threshold": threshold, "hit": hit, "removed": removed, "rows": rows}
