"""The column names of the three tables and of every result: one thing, one name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pandas as pd

from cjlib.errors import ColumnError

# who
CUSTOMER: Final = "customer_id"  # pseudonym; joins the three tables; missing where not known
RESPONDENT: Final = "respondent_id"  # one person's answers to one wave
INTERVIEW: Final = "interview_id"
PERSONA: Final = "persona"

# respondents: one row per person and wave; other columns are codebook names
WAVE: Final = "wave"
DATE: Final = "date"  # datetime64, day of the answer
LANGUAGE: Final = "language"  # "en", "fa"
WEIGHT: Final = "weight"  # mean 1 within a wave unless the study says otherwise
DURATION: Final = "duration_s"

# utterances: one row per turn
TURN: Final = "turn"  # counted from 1 within the interview
SPEAKER: Final = "speaker"
ROLE: Final = "role"  # "interviewer" or "participant"
START: Final = "start_s"
TEXT: Final = "text"  # as spoken, after pseudonymisation
CODE: Final = "code"
CODER: Final = "coder"
VALENCE: Final = "valence"  # -1, 0, 1

# interactions: one row per contact
TIME: Final = "time"  # datetime64, one time zone (the study's), no offset
TOUCHPOINT: Final = "touchpoint"
WITHIN: Final = "within"  # the touchpoint this one lies in, missing if none
CHANNEL: Final = "channel"
STAGE: Final = "stage"
COUNTERPARTY: Final = "counterparty"  # brand, partner, customer, media
AMOUNT: Final = "amount"  # money the customer paid, study currency
COST: Final = "cost"  # what the contact cost the brand, study currency
RATING: Final = "rating"
SECONDS: Final = "seconds"  # how long the contact itself took
ELEMENT: Final = "element"  # page element clicked
STAFF: Final = "staff"  # who served the customer: a pseudonym unless the study says names
TEAM: Final = "team"
REASON: Final = "reason"  # why a row was set aside

# results
ESTIMATE: Final = "estimate"
LOW: Final = "low"
HIGH: Final = "high"
LEVEL: Final = "level"
N: Final = "n"
METHOD: Final = "method"
METRIC: Final = "metric"
GROUP: Final = "group"
SHARE: Final = "share"


def require_columns(frame: pd.DataFrame, needed: Iterable[str], *, caller: str) -> None:
    """Raise ``ColumnError`` naming every column of ``needed`` that ``frame`` lacks."""
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise ColumnError(
            f"{caller}: the table must have the columns {', '.join(map(repr, needed))}; "
            f"it lacks {', '.join(map(repr, missing))}. It has: "
            f"{', '.join(map(repr, list(frame.columns)[:20]))}."
        )
