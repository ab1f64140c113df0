"""Choosing what to quote by a stated rule, so that nobody picks what pleases them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from cjlib.columns import (
    CODE,
    CUSTOMER,
    INTERVIEW,
    LANGUAGE,
    ROLE,
    STAGE,
    TEXT,
    TOUCHPOINT,
    TURN,
    VALENCE,
)
from cjlib.errors import JourneyError
from cjlib.interviews.model import Interviews
from cjlib.interviews.roles import PARTICIPANT

SHORTEST, LONGEST = 40, 240  # characters: more than an exclamation, less than a story
QUOTES: Final = (
    INTERVIEW, "participant", CUSTOMER, TURN, TEXT, LANGUAGE, CODE, STAGE, VALENCE, "kind",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Quotes:
    """What ``pick_quotes`` chose.

    Attributes
    ----------
    table : DataFrame
        One row per quote: ``interview_id, participant, customer_id, turn, text, language,
        code`` (its most shared one), ``stage, valence, kind`` (typical or dissenting).
    candidates : int
        Turns that could have been chosen.
    rule : str
        The rule, in words.
    """

    table: pd.DataFrame
    candidates: int
    rule: str

    def summary(self) -> str:
        """Return how many quotes were chosen from how many turns, and by what rule."""
        return f"{len(self.table)} of {self.candidates:,} quotable turns. {self.rule}"


RULE: Final = (
    f"Participants' own words with consent, {SHORTEST} to {LONGEST} characters; first those whose "
    "codes most interviews share, then the length nearest the middle one; one per participant "
    "as long as there are others; the last one speaks against the majority, if anyone does."
)


def pick_quotes(
    interviews: Interviews,
    *,
    n: int = 3,
    code: str | Sequence[str] = (),
    stage: str = "",
    touchpoint: str = "",
    customers: Sequence[str] | None = None,
) -> Quotes:
    """Pick quotes by rule; the same interviews give the same quotes.

    A candidate is a coded turn of a participant who consented (or the coded words in it,
    where a coder marked them), with 40 to 240 characters. It is the more typical the more
    interviews (of those that have any candidate) share its codes: the mean share over its
    codes; ties go to the length nearest the median, then to reading order. Each participant
    is quoted once before anyone is quoted twice. Where n is 2 or more and the majority of
    the candidates is positive (or negative), the last quote is the most typical negative (or
    positive) one, marked ``dissenting``. Where codings hold no valence there is none.

    Parameters
    ----------
    interviews : Interviews
    n : int
        Quotes wanted at most; there may be fewer, or none.
    code : str or sequence of str
        Only turns with one of these codes.
    stage, touchpoint : str
        Only turns coded so.
    customers : sequence of str, optional
        Only these ``customer_id`` pseudonyms (the members of a persona, say).
    """
    if n < 1:
        raise JourneyError(f"pick_quotes: n must be at least 1; got {n}.")
    pool = _find_candidates(interviews, _as_list(code), stage, touchpoint, customers)
    if pool.empty:
        return Quotes(pool.assign(kind="").reindex(columns=list(QUOTES)), 0, RULE)
    pool = _rank(pool)
    mood = np.sign(pool[VALENCE].fillna(0).map(np.sign).sum())
    against = pool[pool[VALENCE] == -mood] if mood and n > 1 else pool.iloc[:0]
    dissenting = against.head(1).assign(kind="dissenting")
    rest = pool.drop(dissenting.index)
    rest = (
        rest[rest["participant"].ne(dissenting["participant"].iloc[0])] if len(dissenting) else rest
    )
    agreeing = rest[rest[VALENCE].ne(-mood) | rest[VALENCE].isna()] if len(dissenting) else rest
    said = agreeing.groupby("participant", sort=False).cumcount()
    agreeing = agreeing.loc[said.sort_values(kind="stable").index]
    typical = agreeing.head(n - len(dissenting)).assign(kind="typical")
    table = pd.concat([typical, dissenting])[list(QUOTES)].reset_index(drop=True)
    return Quotes(table, len(pool), RULE)


def _as_list(code: str | Sequence[str]) -> list[str]:
    return [code] if isinstance(code, str) else list(code)


def _find_candidates(
    interviews: Interviews, codes: list[str], stage: str, touchpoint: str,
    customers: Sequence[str] | None,
) -> pd.DataFrame:  # fmt: skip
    """One row per turn and code that may be quoted."""
    codings = interviews.codings
    wanted = [c for c in codes if c]
    keep = pd.Series(data=True, index=codings.index)
    for column, values in ((CODE, wanted), (STAGE, [stage]), (TOUCHPOINT, [touchpoint])):
        if any(values):
            keep &= codings[column].isin(values)
    spoken = interviews.utterances
    own = spoken[(spoken[ROLE] == PARTICIPANT) & spoken["consent"]]
    if customers is not None:
        own = own[own[CUSTOMER].isin(list(customers))]
    turns = codings.loc[keep, [INTERVIEW, TURN]].drop_duplicates()
    pool = turns.merge(codings, on=[INTERVIEW, TURN]).merge(own, on=[INTERVIEW, TURN])
    whole = pool["quote"].str.len().lt(SHORTEST)
    pool[TEXT] = pool["quote"].mask(whole, pool[TEXT])
    return pool[pool[TEXT].str.len().between(SHORTEST, LONGEST)]


def _rank(pool: pd.DataFrame) -> pd.DataFrame:
    """One row per turn, the most typical first."""
    shared = pool.groupby(CODE)[INTERVIEW].nunique() / pool[INTERVIEW].nunique()
    pool = pool.assign(shared=pool[CODE].map(shared))
    pool = pool.sort_values(["shared", CODE], ascending=[False, True], kind="stable")
    once = pool.drop_duplicates([INTERVIEW, TURN, CODE])
    score = once.groupby([INTERVIEW, TURN])["shared"].mean().rename("score")
    mood = pool.groupby([INTERVIEW, TURN])[VALENCE].mean().map(np.sign).rename("mood")
    turns = pool.drop_duplicates([INTERVIEW, TURN]).set_index([INTERVIEW, TURN])
    turns = turns.join(score).join(mood)
    turns[VALENCE] = turns["mood"]
    turns["off"] = (turns[TEXT].str.len() - turns[TEXT].str.len().median()).abs()
    ranked = turns.reset_index().sort_values([INTERVIEW, TURN], kind="stable")
    return ranked.sort_values(
        ["score", "off"], ascending=[False, True], kind="stable", ignore_index=True
    )
