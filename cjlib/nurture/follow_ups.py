"""What to say next to each lead: the first rule of the study that applies."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.columns import CUSTOMER, PERSONA, STAGE, TIME, TOUCHPOINT
from cjlib.definitions import FollowUp
from cjlib.errors import JourneyError, nearest
from cjlib.nurture.leads import contacts_of
from cjlib.study import Study

FOLLOW_UP, SAY, CHANNEL = "follow_up", "say", "follow_up_channel"
NO_RULE: Final = "none applies"
Bools = npt.NDArray[np.bool_]


def choose_follow_ups(
    study: Study,
    leads: pd.DataFrame,
    *,
    interactions: Any,
    respondents: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Choose each lead's next follow-up: the first of ``nurture.follow_ups`` that applies.

    All conditions of a rule must hold; what is not known (no answer, no score, no persona)
    does not hold. ``quiet_days``: so many whole days or more since the last contact;
    ``complained_days``: a complaint at most so many days ago; both counted back from the end
    of the log's last day.

    Parameters
    ----------
    study : Study
    leads : DataFrame
        ``customer_id, stage, persona, score``.
    interactions : Interactions or its table
    respondents : DataFrame, optional
        For pains; the customer's latest wave counts.

    Returns
    -------
    DataFrame
        ``customer_id, follow_up`` (id of the rule, or "none applies"), ``say`` (in the study's
        language), ``follow_up_channel``.

    Raises
    ------
    JourneyError
        If a rule names a persona that nobody has.
    """
    rows = contacts_of(interactions)
    known = sorted(leads[PERSONA].dropna().unique().tolist())
    chosen = np.full(len(leads), -1)
    for i, rule in enumerate(study.nurture.follow_ups):
        for name in rule.personas:
            if known and name not in known:
                raise JourneyError(
                    f"choose_follow_ups: a rule's personas must be of the study; '{name}' of the "
                    f"follow-up '{rule.id}' is not (there are {', '.join(known)}). Did you mean "
                    f"'{nearest(name, known)}'?"
                )
        applies = _applies(rule, leads, rows, study, respondents)
        chosen = np.where((chosen < 0) & applies, i, chosen)
    rules = [*study.nurture.follow_ups, FollowUp(NO_RULE, study.title)]
    picked = [rules[i] for i in chosen]
    none = chosen < 0
    table = pd.DataFrame(
        {CUSTOMER: leads[CUSTOMER].to_numpy(), FOLLOW_UP: [r.id for r in picked],
         SAY: [r.say.to(study.language) for r in picked], CHANNEL: [r.channel for r in picked]},
    ).astype("string")  # fmt: skip
    table[SAY] = table[SAY].mask(none)
    table[CHANNEL] = table[CHANNEL].mask(table[CHANNEL].eq(""))
    return table


def _applies(
    rule: FollowUp,
    leads: pd.DataFrame,
    rows: pd.DataFrame,
    study: Study,
    respondents: pd.DataFrame | None,
) -> Bools:
    customers = leads[CUSTOMER]
    end = rows[TIME].max().normalize() + pd.Timedelta(days=1)
    tests: list[Any] = [np.ones(len(leads), dtype=bool)]
    if rule.stages:
        tests.append(leads[STAGE].isin(rule.stages))
    if rule.personas:
        tests.append(leads[PERSONA].isin(rule.personas))
    if rule.pains:
        tests.append(customers.isin(_who_ticked(rule.pains, respondents)))
    if rule.quiet_days is not None:
        tests.append(_days_since(rows, customers, end) >= rule.quiet_days)
    if rule.complained_days is not None:
        places = study.events.complaint if study.events else ()
        complaints = rows[rows[TOUCHPOINT].isin(places)]
        tests.append(_days_since(complaints, customers, end) <= rule.complained_days)
    if rule.score_at_least is not None:
        tests.append(leads["score"] >= rule.score_at_least)
    if rule.score_below is not None:
        tests.append(leads["score"] < rule.score_below)
    parts = [np.asarray(pd.Series(t).fillna(False), dtype=bool) for t in tests]
    return np.asarray(np.logical_and.reduce(parts))


def _days_since(rows: pd.DataFrame, customers: pd.Series, end: pd.Timestamp) -> pd.Series:
    days = (end - rows.groupby(CUSTOMER)[TIME].max()).dt.days
    return customers.map(days)


def _who_ticked(pains: tuple[str, ...], respondents: pd.DataFrame | None) -> list[str]:
    if respondents is None:
        return []
    latest = respondents[respondents[CUSTOMER].notna()].drop_duplicates(CUSTOMER, keep="last")
    ticked = latest[[pain for pain in pains if pain in latest.columns]].fillna(False)
    who: list[str] = latest.loc[ticked.astype(bool).any(axis=1), CUSTOMER].tolist()
    return who
