"""Which codes go together: in one turn or in one interview, against what chance would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from cjlib.columns import CODE, INTERVIEW, ROLE, TURN
from cjlib.errors import JourneyError
from cjlib.intervals import Floats, adjust_holm, require_level, wilson_bounds
from cjlib.interviews.model import Interviews
from cjlib.interviews.roles import PARTICIPANT

WITHIN: Final = ("interview", "turn")


@dataclass(frozen=True, slots=True, eq=False)
class Together:
    """What ``count_together`` found.

    Attributes
    ----------
    table : DataFrame
        One row per pair of codes, the commonest first: ``code, other``; ``both, either``
        (interviews, or turns, with both and with at least one); ``share`` (both / either:
        Jaccard, 0 to 1), ``low, high, level``; ``expected`` (both, were they independent),
        ``lift`` (both / expected; missing where less than one is expected); ``p`` and
        ``p_adjusted`` (within interviews only: Fisher, and Holm over all pairs); ``n``
        (interviews or turns); ``method``.
    within : str
    """

    table: pd.DataFrame
    within: str

    def summary(self) -> str:
        """Return the pair that goes together most often in one sentence."""
        if self.table.empty or not self.table["both"].iloc[0]:
            return f"No two codes were given in one {self.within}."
        row = self.table.iloc[0]
        lift = "" if pd.isna(row["lift"]) else f", {row['lift']:.1f} times what chance gives"
        return (
            f"'{row[CODE]}' and '{row['other']}' are together in {row['both']} of the "
            f"{row['either']} {self.within}s with either (Jaccard {row['share']:.2f} "
            f"[{row['low']:.2f}, {row['high']:.2f}]{lift}; {row['n']:,} {self.within}s)."
        )


def count_together(
    interviews: Interviews, *, within: str = "interview", level: float = 0.95
) -> Together:
    """Count how often two codes stand in one interview, or in one turn.

    A code stands in a turn if any coder gave it to it. Within interviews the base is the
    coded interviews, and as many with both are expected as the product of the two shares
    gives. Within turns the base is the participants' turns of coded interviews (and other
    coded turns), and what is expected is added up interview by interview: two codes that
    both belong to one talkative person are not together for that. A lift rests on the count
    expected: under one expected it is not given.

    ``low`` and ``high`` are Wilson's for the Jaccard share among the interviews (or turns)
    with either code. Turns of one interview are alike, so for turns it is too narrow, and no
    test is made; nor is a missing test a finding: with ten interviews only nearly perfect
    pairs can pass.

    Parameters
    ----------
    interviews : Interviews
    within : "interview" or "turn"
    level : float, 0 to 1
    """
    require_level(level, caller="count_together")
    if within not in WITHIN:
        raise JourneyError(f"count_together: within must be 'interview' or 'turn'; got {within!r}.")
    codings = interviews.codings
    order = {code: i for i, code in enumerate(interviews.codes[CODE])}
    codes = sorted(
        (str(code) for code in codings[CODE].unique()), key=lambda c: (order.get(c, len(order)), c)
    )
    units = _find_units(interviews, within)
    marked = (
        pd.MultiIndex.from_frame(codings[[INTERVIEW, TURN]])
        if within == "turn" else pd.Index(codings[INTERVIEW].to_numpy())
    )  # fmt: skip
    place = units.get_indexer(marked)
    given = np.zeros((len(units), len(codes)))
    given[place, codings[CODE].map({code: i for i, code in enumerate(codes)}).to_numpy()] = 1
    strata = units.get_level_values(INTERVIEW) if within == "turn" else np.zeros(len(units))
    first, second = np.triu_indices(len(codes), k=1)
    both = (given.T @ given)[first, second].astype(int)
    totals = given.sum(axis=0).astype(int)
    either = totals[first] + totals[second] - both
    expected = _expect(given, np.asarray(strata))[first, second]
    low, high = wilson_bounds(both, either, level=level)
    p = np.full(len(first), np.nan)
    if within == "interview":
        p = np.array([
            _fisher(k, a, b, len(units))
            for k, a, b in zip(both, totals[first], totals[second], strict=True)
        ])  # fmt: skip
    method = "Wilson" if within == "interview" else "Wilson; turns taken as independent"
    frame = pd.DataFrame(
        {
            CODE: pd.array([codes[i] for i in first], dtype="string"),
            "other": pd.array([codes[i] for i in second], dtype="string"),
            "both": both, "either": either, "share": both / np.maximum(either, 1),
            "low": low, "high": high, "level": level, "expected": expected,
            "lift": np.where(expected >= 1, both / np.maximum(expected, 1), np.nan),
            "p": p, "p_adjusted": adjust_holm(p), "n": len(units), "method": method,
        }
    )  # fmt: skip
    return Together(
        frame.sort_values(["both", "share"], ascending=False, kind="stable", ignore_index=True),
        within,
    )


def _find_units(interviews: Interviews, within: str) -> pd.Index[Any]:
    codings, spoken = interviews.codings, interviews.utterances
    if within == "interview":
        names: pd.Index[Any] = pd.Index(list(codings[INTERVIEW].unique()))
        return names
    own = spoken.loc[
        spoken[ROLE].eq(PARTICIPANT) & spoken[INTERVIEW].isin(codings[INTERVIEW]),
        [INTERVIEW, TURN],
    ]
    every = pd.concat([own, codings[[INTERVIEW, TURN]]]).drop_duplicates()
    turns: pd.Index[Any] = pd.MultiIndex.from_frame(every)
    return turns


def _expect(given: Floats, strata: np.ndarray) -> Floats:
    """Units with both codes, were the two independent within each stratum; codes x codes."""
    names, place = np.unique(strata, return_inverse=True)
    counts = np.zeros((len(names), given.shape[1]))
    np.add.at(counts, place, given)
    sizes = np.bincount(place, minlength=len(names)).astype(float)
    return np.asarray(counts.T @ (counts / np.maximum(sizes, 1)[:, None]))


def _fisher(both: int, first: int, second: int, n: int) -> float:
    table = [[both, first - both], [second - both, n - first - second + both]]
    return min(1.0, float(stats.fisher_exact(table).pvalue))
