"""The interviews of a study as tables."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from cjlib.columns import INTERVIEW, ROLE
from cjlib.interviews.roles import PARTICIPANT


@dataclass(frozen=True, slots=True, eq=False)
class Interviews:
    """What ``read_interviews`` found.

    Attributes
    ----------
    utterances : DataFrame, one row per turn
        ``interview_id``; ``participant`` (pseudonym) and ``customer_id`` of the person who
        speaks, missing for interviewers; ``turn`` from 1; ``speaker`` (participant-1 ...,
        in the order they first speak); ``role`` (interviewer, participant, or unknown where
        the transcript names nobody); ``start_s``; ``text`` with placeholders for people;
        ``language``; ``consent``: whether the words may be quoted; ``analysis_text``: the text
        without fillers and noise (``normalise_utterances``), to count and to model, not to quote.
    codings : DataFrame, one row per turn, coder, code and quote
        ``interview_id, turn, coder, code, stage, touchpoint, valence`` (-1, 0, 1 or missing)
        and ``quote``, the coded words with placeholders (empty: the whole turn).
    codes : DataFrame, one row per code
        ``code, label_en, label_fa, definition, example, lane, stage``.
    people : DataFrame, one row per participant
        ``interview_id, participant, customer_id, language, consent, age, gender, place``.
    roles : DataFrame, one row per interview and speaker
        ``interview_id, speaker, role, rule, turns, words``: how the role was told.
    redactions : DataFrame, one row per replacement
        ``interview_id, turn, kind, placeholder, rule`` (how it was found), for review; what
        stood there is not kept.
    misfits : DataFrame
        ``file, line, found, expected, nearest``: files, people and codings left out or
        mended, and what was expected.
    noise : DataFrame, one row per interview and rule
        ``interview_id, rule, removed, turns``: what ``analysis_text`` is without.
    language : "en" or "fa"
        Of labels in figures: the study's.
    unit : str
        What an ``interview_id`` stands for: "interviews", or "people who wrote" of comments.
    """

    utterances: pd.DataFrame
    codings: pd.DataFrame
    codes: pd.DataFrame
    people: pd.DataFrame
    roles: pd.DataFrame
    redactions: pd.DataFrame
    misfits: pd.DataFrame
    language: str = "en"
    noise: pd.DataFrame = field(default_factory=pd.DataFrame)
    unit: str = "interviews"

    def label(self, code: str) -> str:
        """Return what a code is called in the study's language; an unlisted code its own name."""
        rows = self.codes[self.codes["code"] == code]
        known = rows.reindex(columns=[f"label_{self.language}", "label_en"])
        names = [str(name) for name in known.to_numpy().ravel() if pd.notna(name) and str(name)]
        return names[0] if names else code

    def summary(self) -> str:
        """Return what was read in one sentence."""
        spoken = self.utterances
        own = spoken[spoken[ROLE] == PARTICIPANT]
        words = sum(len(text.split()) for text in own["text"])
        held = int(own["consent"].sum())
        return (
            f"{spoken[INTERVIEW].nunique():,} interviews with {len(self.people):,} participants: "
            f"{len(spoken):,} turns, {words:,} words by participants, {held:,} of their "
            f"{len(own):,} turns may be quoted; {len(self.codings):,} codings, "
            f"{len(self.redactions):,} replacements, {len(self.misfits):,} misfits."
        )
