"""What to mend first: evidence of every kind, ranked by rules that stand in the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from cjlib.actions.evidence import EVIDENCE
from cjlib.columns import ESTIMATE, HIGH, LOW, STAGE, TOUCHPOINT, N, require_columns
from cjlib.errors import JourneyError, nearest
from cjlib.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RULE: Final = "share of people affected x severity"
RULES: Final = {
    "priority": RULE, "people": "share of people affected",
    "satisfaction": "mean satisfaction to be won, as a share of its scale",
    "money": "money at stake",
}  # fmt: skip
UNRANKED: Final = "not ranked: what the rule asks for is not known"
RANKED: Final = (
    "rank", *EVIDENCE, "priority", "priority_low", "priority_high", "rank_best", "rank_worst",
    "rank_satisfaction", "rank_money", "small_base", "rule",
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
        possible; ``rank_satisfaction, rank_money``: ranks by what is at stake, where known;
        ``small_base``: fewer people than the study's minimum; ``rule``.
    places : DataFrame
        One row per stage and touchpoint: ``kinds`` (kinds of evidence that point there),
        ``signs`` (pieces of evidence), ``priority, satisfaction, money`` (the highest of each);
        most kinds first: what several sources say is worth more than a high number in one.
    language : str
        Of the measures, "en" or "fa".
    by : str
        The rule: "priority", "people", "satisfaction" or "money".
    """

    table: pd.DataFrame
    places: pd.DataFrame
    language: str = "en"
    by: str = "priority"

    def summary(self) -> str:
        """Return the first opportunity in one sentence."""
        known = self.table[self.table["rank"].notna()]
        if known.empty:
            return "No opportunity can be ranked: no evidence has a known share of people."
        top = known.iloc[0]
        place = top[TOUCHPOINT] if pd.notna(top[TOUCHPOINT]) else top[STAGE]
        return (
            f"First of {len(known)} by {RULES[self.by]}: {top['measure']} ({place}; "
            f"{top['kind']}), {top[ESTIMATE]:.0%} of n = {top[N]:,.0f}, severity "
            f"{top['severity']:.2f}; the intervals leave it ranks {top['rank_best']:.0f} to "
            f"{top['rank_worst']:.0f}."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw what they are ranked by, with intervals."""
        from cjlib import plots

        return plots.draw_opportunities(self.table, by=self.by, language=self.language, ax=ax)


def find_opportunities(
    study: Study, *evidence: pd.DataFrame, rule: str = "priority"
) -> Opportunities:
    """Rank evidence of all kinds together, by a stated rule.

    The rule "priority": share of people affected x severity, both 0 to 1, so that sources
    of different size meet on one scale; its interval is the share's, times the severity
    (taken as given). Ties go to more money, then to journey order. ``rank_best`` counts the
    rows surely above (their interval lies wholly over this one's), ``rank_worst`` those that
    may be. Evidence without a known share stays at the end, unranked. Ranks by satisfaction
    and money at stake stand beside, for they answer other questions; they are not mixed into
    the priority. With another ``rule`` the same holds of the share of people alone, of the
    satisfaction to be won or of the money at stake, each with its own interval.

    Counts of people below the study's ``minimum_cell`` are blanked.

    Parameters
    ----------
    study : Study
    *evidence : DataFrames
        As made by ``tidy_evidence`` and the functions beside it.
    rule : "priority", "people", "satisfaction" or "money"
    """
    if rule not in RULES:
        hint = nearest(rule, RULES)
        raise JourneyError(
            f"find_opportunities: rule must be one of {', '.join(RULES)}; got {rule!r}."
            + (f" Did you mean {hint!r}?" if hint else "")
        )
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
    names = _columns_of(rule)
    then = "money" if rule != "money" else "priority"
    order = [names[0], then, "_stage", "kind", TOUCHPOINT, "measure"]
    table = table.sort_values(
        order, ascending=[False, False, True, True, True, True], kind="stable", ignore_index=True
    )  # fmt: skip
    value = table[names[0]]
    known = value.notna().to_numpy()
    table["rank"] = pd.array(np.where(known, np.arange(1, len(table) + 1), 0), dtype="Int64")
    table["rank"] = table["rank"].mask(~known)
    low = table[names[1]].fillna(value).to_numpy()
    high = table[names[2]].fillna(value).to_numpy()
    above = (low[None, :] > high[:, None]).sum(axis=1)
    below = (high[None, :] < low[:, None]).sum(axis=1)
    table["rank_best"] = pd.array(above + 1, dtype="Int64")
    table["rank_worst"] = pd.array(known.sum() - below, dtype="Int64")
    for name in ("rank_best", "rank_worst"):
        table[name] = table[name].mask(~known)
    for name in ("satisfaction", "money"):
        ranks = table[name].rank(ascending=False, method="min")
        table[f"rank_{name}"] = ranks.astype("Int64")
    table["small_base"] = table[N].lt(study.privacy.minimum_base)
    table["rule"] = np.where(known, RULES[rule], UNRANKED)
    few = table["customers"].lt(study.privacy.minimum_cell)
    table["customers"] = table["customers"].mask(few)
    return Opportunities(table[list(RANKED)], _gather_places(table), study.language, rule)


def _columns_of(rule: str) -> tuple[str, str, str]:
    if rule == "people":
        return ESTIMATE, LOW, HIGH
    return rule, f"{rule}_low", f"{rule}_high"


def _gather_places(table: pd.DataFrame) -> pd.DataFrame:
    groups = table.groupby(["_stage", STAGE, TOUCHPOINT], dropna=False, sort=True)
    found = groups.agg(
        kinds=("kind", "nunique"), signs=("kind", "size"), priority=("priority", "max"),
        satisfaction=("satisfaction", "max"), money=("money", "max"),
    ).reset_index()  # fmt: skip
    found = found.sort_values(
        ["kinds", "priority", "_stage"], ascending=[False, False, True], kind="stable"
    )
    return found.drop(columns="_stage").reset_index(drop=True)
