"""What to mend first: evidence of every kind, ranked by rules that stand in the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from cjlib.actions.evidence import EVIDENCE
from cjlib.columns import ESTIMATE, HIGH, LOW, STAGE, TOUCHPOINT, N, require_columns
from cjlib.errors import JourneyError
from cjlib.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RULE: Final = "share of people affected x severity"
UNRANKED: Final = "not ranked: the share is not known"
RANKED: Final = (
    "rank", *EVIDENCE, "priority", "priority_low", "priority_high", "rank_best", "rank_worst",
    "rank_money", "small_base", "rule",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Opportunities:
    """What ``find_opportunities`` found.

    Attributes
    ----------
    table : DataFrame
        One row per piece of evidence, the most pressing first: ``rank``; the evidence's own
        columns; ``priority`` (share affected x severity, 0 to 1) with ``priority_low,
        priority_high``; ``rank_best, rank_worst``: the ranks that the intervals leave
        possible; ``rank_money``: rank by money at stake, where known; ``small_base``: fewer
        people than the study's minimum; ``rule``.
    places : DataFrame
        One row per stage and touchpoint: ``kinds`` (kinds of evidence that point there),
        ``signs`` (pieces of evidence), ``priority`` (the highest), ``money`` (the highest);
        most kinds first: what several sources say is worth more than a high number in one.
    language : str
        Of the measures, "en" or "fa".
    """

    table: pd.DataFrame
    places: pd.DataFrame
    language: str = "en"

    def summary(self) -> str:
        """Return the first opportunity in one sentence."""
        known = self.table[self.table["rank"].notna()]
        if known.empty:
            return "No opportunity can be ranked: no evidence has a known share of people."
        top = known.iloc[0]
        place = top[TOUCHPOINT] if pd.notna(top[TOUCHPOINT]) else top[STAGE]
        return (
            f"First of {len(known)} by {RULE}: {top['measure']} ({place}; {top['kind']}), "
            f"{top[ESTIMATE]:.0%} of n = {top[N]:,.0f}, severity {top['severity']:.2f}; the "
            f"intervals leave it ranks {top['rank_best']:.0f} to {top['rank_worst']:.0f}."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the priorities with their intervals."""
        from cjlib import plots

        return plots.draw_opportunities(self.table, language=self.language, ax=ax)


def find_opportunities(study: Study, *evidence: pd.DataFrame) -> Opportunities:
    """Rank evidence of all kinds together.

    The rule: priority = share of people affected x severity, both 0 to 1, so that sources
    of different size meet on one scale; its interval is the share's, times the severity
    (taken as given). Ties go to more money, then to journey order. ``rank_best`` counts the
    rows surely above (their interval lies wholly over this one's), ``rank_worst`` those that
    may be. Evidence without a known share stays at the end, unranked. Ranks by money stand
    beside, for they answer another question; they are not mixed into the priority.

    Counts of people below the study's ``minimum_cell`` are blanked.

    Parameters
    ----------
    study : Study
    *evidence : DataFrames
        As made by ``tidy_evidence`` and the functions beside it.
    """
    if not evidence:
        raise JourneyError(
            "find_opportunities: at least one evidence frame must be given; there is none. Pass "
            "low_scores(study, survey), interview_pains(study, interviews) and the like."
        )
    for frame in evidence:
        require_columns(frame, EVIDENCE, caller="find_opportunities")
    table = pd.concat([frame[list(EVIDENCE)] for frame in evidence], ignore_index=True)
    for end, source in (("priority", ESTIMATE), ("priority_low", LOW), ("priority_high", HIGH)):
        table[end] = table[source] * table["severity"]
    places = {stage: i for i, stage in enumerate(study.stage_ids)}
    table["_stage"] = table[STAGE].map(places).fillna(len(places))
    order = ["priority", "money", "_stage", "kind", TOUCHPOINT, "measure"]
    table = table.sort_values(
        order, ascending=[False, False, True, True, True, True], kind="stable", ignore_index=True
    )  # fmt: skip
    known = table["priority"].notna().to_numpy()
    table["rank"] = pd.array(np.where(known, np.arange(1, len(table) + 1), 0), dtype="Int64")
    table["rank"] = table["rank"].mask(~known)
    low = table["priority_low"].fillna(table["priority"]).to_numpy()
    high = table["priority_high"].fillna(table["priority"]).to_numpy()
    above = (low[None, :] > high[:, None]).sum(axis=1)
    below = (high[None, :] < low[:, None]).sum(axis=1)
    table["rank_best"] = pd.array(above + 1, dtype="Int64")
    table["rank_worst"] = pd.array(known.sum() - below, dtype="Int64")
    for name in ("rank_best", "rank_worst"):
        table[name] = table[name].mask(~known)
    table["rank_money"] = table["money"].rank(ascending=False, method="min").astype("Int64")
    table["small_base"] = table[N].lt(study.privacy.minimum_base)
    table["rule"] = np.where(known, RULE, UNRANKED)
    few = table["customers"].lt(study.privacy.minimum_cell)
    table["customers"] = table["customers"].mask(few)
    return Opportunities(table[list(RANKED)], _gather_places(table), study.language)


def _gather_places(table: pd.DataFrame) -> pd.DataFrame:
    groups = table.groupby(["_stage", STAGE, TOUCHPOINT], dropna=False, sort=True)
    found = groups.agg(
        kinds=("kind", "nunique"), signs=("kind", "size"), priority=("priority", "max"),
        money=("money", "max"),
    ).reset_index()  # fmt: skip
    found = found.sort_values(
        ["kinds", "priority", "_stage"], ascending=[False, False, True], kind="stable"
    )
    return found.drop(columns="_stage").reset_index(drop=True)
