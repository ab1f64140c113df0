"""Themes of interviews beside survey answers: who mentioned a code, 0 or 1."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from cjlib.columns import CUSTOMER, RESPONDENT
from cjlib.errors import JourneyError, nearest
from cjlib.interviews import Interviews
from cjlib.interviews.counts import mark_by_person
from cjlib.study import Study

THEME: Final = "theme:"
PERSON: Final = "participant"
OWNER: Final = "owner"


def join_themes(
    study: Study, keys: pd.DataFrame, interviews: Interviews
) -> list[tuple[str, pd.Series, dict[str, Any]]]:
    """Tell of each respondent whether they mentioned each code of ``study.personas.themes``.

    1 where any coder gave the code to a turn of theirs, 0 where they were heard and coded
    without it, missing where they were not heard. People are matched by ``respondent_id``
    where the interviews know it, else by ``customer_id``.

    Raises
    ------
    JourneyError
        If a code is not in the list of codes.
    """
    known = sorted({*interviews.codes["code"].astype(str), *interviews.codings["code"].astype(str)})
    people = interviews.people
    owner = "c:" + people[CUSTOMER].astype("string")
    if RESPONDENT in people.columns:
        owner = ("r:" + people[RESPONDENT].astype("string")).fillna(owner)
    groups = pd.Series(owner.to_numpy(), index=people[PERSON].to_numpy()).dropna()
    units, marked = mark_by_person(interviews, OWNER, groups, caller="build_personas")
    heard = set(units[OWNER])
    own = [("r:" + keys[RESPONDENT]).to_numpy(object), ("c:" + keys[CUSTOMER]).to_numpy(object)]
    found = []
    for code in study.personas.themes:
        if code not in known:
            hint = nearest(code, known)
            raise JourneyError(
                f"build_personas: personas.themes must name codes of the interviews; {code!r} is "
                "none."
                + (f" Did you mean {hint!r}?" if hint else f" There are {', '.join(known)}.")
            )
        says = set(marked.loc[marked["code"].eq(code), OWNER])
        asked = [pd.Series(each).isin(heard).to_numpy() for each in own]
        told = [pd.Series(each).isin(says).to_numpy() for each in own]
        values = np.where(asked[0] | asked[1], (told[0] | told[1]).astype(float), np.nan)
        labels = interviews.codes.drop_duplicates("code").set_index("code")
        row = labels.loc[code] if code in labels.index else pd.Series(dtype=object)
        en, fa = (str(row.get(f"label_{lang}") or code) for lang in ("en", "fa"))
        name = THEME + code
        found.append(
            (name, pd.Series(values), {
                "item": name, "role": "theme", "kind": "theme", "label_en": en, "label_fa": fa,
                "scaling": "range", "low": 0.0, "high": 1.0, "source": "interviews",
            })
        )  # fmt: skip
    return found
