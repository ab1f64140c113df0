"""What members of a persona said in interviews, chosen by rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pandas as pd

from cjlib.columns import CUSTOMER, INTERVIEW, TURN
from cjlib.interviews import Interviews, pick_quotes

QUOTES: Final = 3
NO_QUOTES: Final = pd.DataFrame(
    columns=["text", "language", "participant", INTERVIEW, TURN, "kind", "known"]
)


def quote_members(
    interviews: Interviews, of_customer: pd.Series, persona: str, *, n: int = QUOTES
) -> pd.DataFrame:
    """Pick quotes of a persona's members; where none was interviewed, of people of no known one.

    Parameters
    ----------
    interviews : Interviews
    of_customer : Series
        Persona by customer id.
    persona : str
    n : int
        Quotes at most.

    Returns
    -------
    DataFrame
        ``text, language, participant, interview_id, turn, kind, known``; ``known`` is False
        where it is not known which persona the speaker belongs to.
    """
    spoken = interviews.utterances
    owner = spoken[CUSTOMER].map(of_customer)
    for known, keep in ((True, owner.eq(persona)), (False, owner.isna())):
        part = replace(interviews, utterances=spoken[keep.fillna(value=False).astype(bool)])
        found = pick_quotes(part, n=n).table
        if len(found):
            return found.assign(known=known)[list(NO_QUOTES.columns)].reset_index(drop=True)
    return NO_QUOTES
