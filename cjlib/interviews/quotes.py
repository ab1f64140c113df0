"""Choosing what to quote by a stated rule, so that nobody picks what pleases them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer

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
from cjlib.intervals import Floats
from cjlib.interviews.model import Interviews
from cjlib.interviews.roles import PARTICIPANT
from cjlib.language import for_model

SHORTEST, LONGEST = 40, 240  # characters: more than an exclamation, less than a story
ELLIPSIS: Final = "…"
_SENTENCE: Final = re.compile(r"[^.!?؟…]+(?:[.!?؟…]+(?=\s|$)\s*|[.!?؟…]+|$)")
QUOTES: Final = (
    INTERVIEW, "participant", CUSTOMER, TURN, TEXT, LANGUAGE, CODE, STAGE, VALENCE, "kind",
    "start", "end",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Quotes:
    """What ``pick_quotes`` chose.

    Attributes
    ----------
    table : DataFrame
        One row per quote: ``interview_id, participant, customer_id, turn, text, language,
        code`` (its most shared one), ``stage, valence, kind`` (typical or dissenting),
        ``start, end`` (which characters of the turn were taken). ``text`` is those characters,
        with " …" where words of the turn were left off; nothing else is changed.
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
    f"Participants' own words with consent, {SHORTEST} to {LONGEST} characters (of longer turns "
    "the sentences nearest the centre, what is left off marked …); first those whose codes most "
    "interviews share, then the words nearest the centre of what was said; one per participant "
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
    where a coder marked at least 40 characters), from 40 characters up. Of one with more than
    240 it is the whole sentences up to 240 that lie nearest the centre, or the first 240 of a
    sentence that is longer. It is the more typical the more interviews (of those that have any
    candidate) share its codes: the mean share over its codes. Among equals, the nearest to the
    centre of what was said: the cosine between its words (TF-IDF) and the mean over interviews
    of the mean of their candidates; then the length nearest the median, then reading order.
    Each participant is quoted once before anyone is quoted twice. Where n is 2 or more and
    the majority of the candidates is positive (or negative), the last quote is the most
    typical negative (or positive) one, marked ``dissenting``. Where codings hold no valence
    there is none.

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
    spans = [
        _find_marked(text, quote) for text, quote in zip(pool[TEXT], pool["quote"], strict=True)
    ]
    pool = pool.assign(start=[a for a, _ in spans], end=[b for _, b in spans], said=pool[TEXT])
    taken = [text[a:b] for text, (a, b) in zip(pool["said"], spans, strict=True)]
    pool[TEXT] = pd.array(taken, dtype="string")
    return pool[pool[TEXT].str.len().ge(SHORTEST)]


def _find_marked(text: str, quote: Any) -> tuple[int, int]:
    """Where the coder's words stand in the turn; all of it where they are few or not in it."""
    wanted = quote.strip() if isinstance(quote, str) else ""
    place = text.find(wanted) if len(wanted) >= SHORTEST else -1
    return (place, place + len(wanted)) if place >= 0 else (0, len(text))


def _rank(pool: pd.DataFrame) -> pd.DataFrame:
    """One row per turn, the most typical first, cut to length."""
    shared = pool.groupby(CODE)[INTERVIEW].nunique() / pool[INTERVIEW].nunique()
    pool = pool.assign(shared=pool[CODE].map(shared))
    pool = pool.sort_values(["shared", CODE], ascending=[False, True], kind="stable")
    once = pool.drop_duplicates([INTERVIEW, TURN, CODE])
    score = once.groupby([INTERVIEW, TURN])["shared"].mean().rename("score")
    mood = pool.groupby([INTERVIEW, TURN])[VALENCE].mean().map(np.sign).rename("mood")
    turns = pool.drop_duplicates([INTERVIEW, TURN]).set_index([INTERVIEW, TURN])
    turns = turns.join(score).join(mood)
    turns[VALENCE] = turns["mood"]
    ranked = turns.reset_index().sort_values([INTERVIEW, TURN], kind="stable", ignore_index=True)
    ranked = _cut(ranked)
    ranked["off"] = (ranked[TEXT].str.len() - ranked[TEXT].str.len().median()).abs()
    return ranked.sort_values(
        ["score", "near", "off"], ascending=[False, False, True], kind="stable", ignore_index=True
    )


def _cut(turns: pd.DataFrame) -> pd.DataFrame:
    """Cut each candidate to length, say how near the centre it is, and mark what is left off."""
    pieces = [
        [(start + a, start + b) for a, b in _split(text)]
        for start, text in zip(turns["start"], turns[TEXT], strict=True)
    ]
    words = [said[a:b] for said, spans in zip(turns["said"], pieces, strict=True) for a, b in spans]
    near = _measure_nearness(list(turns[TEXT]), words, turns[INTERVIEW])
    chosen, first = [], 0
    for spans in pieces:
        own = near[first : first + len(spans)]
        best = int(np.argmax(own))  # the first of equals
        chosen.append((*spans[best], float(own[best])))
        first += len(spans)
    texts = [_mark(said, a, b) for said, (a, b, _) in zip(turns["said"], chosen, strict=True)]
    return turns.assign(
        text=pd.array(texts, dtype="string"), start=[a for a, _, _ in chosen],
        end=[b for _, b, _ in chosen], near=[c for _, _, c in chosen],
    )  # fmt: skip


def _split(text: str) -> list[tuple[int, int]]:
    """Every longest run of whole sentences that is short enough; a long sentence is cut."""
    if len(text) <= LONGEST:
        return [(0, len(text))]
    sentences = [found.span() for found in _SENTENCE.finditer(text)]
    runs = []
    for i, (start, _) in enumerate(sentences):
        ends = [stop for _, stop in sentences[i:] if len(text[start:stop].strip()) <= LONGEST]
        if ends:
            runs.append((start, ends[-1]))
        else:
            space = text.rfind(" ", start + SHORTEST, start + LONGEST)
            runs.append((start, space if space > 0 else start + LONGEST))
    trimmed = [
        (a + len(text[a:b]) - len(text[a:b].lstrip()), a + len(text[a:b].rstrip())) for a, b in runs
    ]
    enough = [(a, b) for a, b in trimmed if b - a >= SHORTEST]
    return enough or [(0, LONGEST)]


def _measure_nearness(texts: list[str], pieces: list[str], interview: pd.Series) -> Floats:
    """Cosine of each piece with the centre of the texts, each interview weighing the same."""
    spelled = [for_model(text) for text in texts]
    try:
        model = TfidfVectorizer(token_pattern=r"[^\W\d_]{2,}").fit(spelled)
    except ValueError:  # no text holds a word of two letters
        return np.zeros(len(pieces))
    weights = (1 / interview.map(interview.value_counts())).to_numpy(dtype=float)
    centre = np.asarray(model.transform(spelled).T @ weights)
    length = float(np.linalg.norm(centre))
    found = np.asarray(model.transform([for_model(piece) for piece in pieces]) @ centre)
    return np.round(found / length, 9) if length else np.zeros(len(pieces))


def _mark(said: str, start: int, end: int) -> str:
    before = f"{ELLIPSIS} " if said[:start].strip() else ""
    after = f" {ELLIPSIS}" if said[end:].strip() else ""
    return f"{before}{said[start:end]}{after}"
