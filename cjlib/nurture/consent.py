"""Who agreed to be contacted: nobody else leaves the study."""

from __future__ import annotations

import pandas as pd

from cjlib.columns import CUSTOMER, DATE, require_columns
from cjlib.errors import JourneyError, MissingSourceError
from cjlib.study import Study

CONSENT = "consent"


def find_consent(
    study: Study, respondents: pd.DataFrame | None, *, given: pd.DataFrame | None = None
) -> pd.Series:
    """Return each customer's latest answer to the consent question; no answer is no consent.

    Parameters
    ----------
    study : Study
        ``nurture.consent`` names the question, else ``privacy.consent``.
    respondents : DataFrame or None
        One row per person and wave.
    given : DataFrame, optional
        ``customer_id`` (pseudonym) and ``consent`` (true or false) from elsewhere, such as the
        customer register; a customer who stands in it has that answer, whatever the survey says.

    Returns
    -------
    Series of bool, by customer_id

    Raises
    ------
    MissingSourceError
        If neither the study nor ``given`` says who agreed: then nobody can be handed over.
    """
    answers = []
    name = study.nurture.consent or study.privacy.consent
    if respondents is not None and name and name in respondents.columns:
        people = (
            respondents.sort_values(DATE, kind="stable") if DATE in respondents else respondents
        )
        answers.append(people[[CUSTOMER, name]].rename(columns={name: CONSENT}))
    if given is not None:
        require_columns(given, (CUSTOMER, CONSENT), caller="find_consent")
        known = given[given[CUSTOMER].notna()]
        odd = [v for v in known[CONSENT].dropna().unique().tolist() if v not in (True, False)]
        if odd:
            raise JourneyError(
                f"find_consent: consent must be true or false; got {odd[0]!r} among "
                f"{len(known):,} rows. Turn words into true and false first."
            )
        answers.append(known[[CUSTOMER, CONSENT]])
    if not answers:
        raise MissingSourceError(
            "find_consent: somebody must have been asked for consent; the study names no consent "
            "question that was answered. Set nurture.consent in study.yaml to the codebook's "
            "question, or pass consent=DataFrame(customer_id, consent)."
        )
    table = pd.concat([a.astype({CUSTOMER: "string", CONSENT: "boolean"}) for a in answers])
    table = table[table[CUSTOMER].notna() & table[CONSENT].notna()]
    latest = table.drop_duplicates(CUSTOMER, keep="last").set_index(CUSTOMER)[CONSENT]
    return latest.astype(bool)
