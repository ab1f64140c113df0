"""What the criteria say together: a recommendation, a verdict, and both in words."""

from __future__ import annotations

from typing import Final

import pandas as pd

FEWEST: Final = 3  # recommended at least, unless nothing else holds
TIE: Final = 0.05  # stabilities this near are one: their own spread is wider
STABLE: Final = 0.75  # adjusted Rand between refits from which segments count as reproducible
LOOSE: Final = 0.5  # below it the next survey would most likely give other segments
CHANCE: Final = 0.05  # p-value of both comparisons with data without segments
FEW_STARTS: Final = 0.05  # share of starts at the best solution below which we warn


def recommend(table: pd.DataFrame, smallest: int) -> int:
    """Return the number whose refits agree best, of those as good the one with the lowest BIC.

    Of three segments and more with ``smallest`` people each; two only where nothing else is
    left; 1 where not even two are.
    """
    able = table[table["k"].ge(FEWEST) & table["smallest"].ge(smallest)]
    if able.empty:
        able = table[table["k"].ge(2) & table["smallest"].ge(smallest)]
    if able.empty:
        return 1
    near = able[able["stability"] >= able["stability"].max() - TIE]
    return int(near.sort_values(["bic", "k"])["k"].iloc[0])


def judge(table: pd.DataFrame, k: int, tests: pd.DataFrame) -> str:
    """Return "natural", "reproducible", "constructive" or "none", as ``choose_number`` tells."""
    if k == 1:
        return "none"
    stability = float(table.loc[table["k"].eq(k), "stability"].iloc[0])
    p = dict(zip(tests["compared_with"], tests["p_value"], strict=True))
    if stability < LOOSE or p.get("items shuffled apart", 0.0) > CHANCE:
        return "none"
    if stability < STABLE:
        return "constructive"
    return "natural" if p.get("one population", 1.0) <= CHANCE else "reproducible"


def explain(
    table: pd.DataFrame,
    k: int,
    verdict: str,
    *,
    tests: pd.DataFrame,
    picks: pd.DataFrame,
    fixed: bool,
    smallest: int,
) -> str:
    """Say how many, why, and what speaks against it."""
    if k == 1:
        return (
            f"No stable segments here: no division into 2 to 8 keeps {smallest} people in each "
            "segment."
        )
    row = table[table["k"].eq(k)].iloc[0]
    p = dict(zip(tests["compared_with"], tests["p_value"], strict=True))
    shuffled, single = p.get("items shuffled apart"), p.get("one population")
    said = {
        "natural": "natural segments: tighter than one population with the same answers and "
        f"correlations would look (p = {single or 0:.3f}), and refits agree",
        "reproducible": "reproducible segments, not natural ones: refits agree, but one population "
        f"without groups would look as tight (p = {single if single is not None else 1:.2f})",
        "constructive": "constructive segments: a useful cut through a continuum that another "
        "sample would cut somewhat differently",
        "none": "no stable segments here: "
        + (
            f"answers shuffled apart cluster as tightly (p = {shuffled:.2f})"
            if shuffled is not None and shuffled > CHANCE
            else "refits on other samples give other segments"
        ),
    }[verdict]
    how = (
        "fixed by the study" if fixed else "refits agree best, or as good as best with a lower BIC"
    )
    said = (
        f"k = {k} ({how}; mean adjusted Rand {row['stability']:.2f}, silhouette "
        f"{row['silhouette']:.2f}): {said}."
    )
    said += _tell_picks(picks, k)
    if row["share_at_best"] < FEW_STARTS:
        starts = int(row["starts"])
        reached = round(row["share_at_best"] * starts)
        said += (
            f" Of {starts} random starts {reached or 'none'} reached the best solution: a program "
            "with ten starts would show other segments "
            f"{'nearly always' if row['missed_by_ten'] > 0.995 else _tell_times(row)}."
        )
    if k <= 2 and verdict != "none":
        said += (
            " Two personas for all customers put different people's needs into one; treat them "
            "as a first cut."
        )
    return said


def _tell_times(row: pd.Series) -> str:
    return f"{row['missed_by_ten']:.0%} of the time"


def _tell_picks(picks: pd.DataFrame, k: int) -> str:
    known = picks.dropna(subset=["k"])
    other = known[known["k"].ne(k)]
    if other.empty:
        return ""
    named = [
        f"{number} by {', '.join(rows['criterion'])}"
        for number, rows in other.groupby("k", sort=True)
    ]
    return f" Criteria disagree: alone, it would be {'; '.join(named)}."
