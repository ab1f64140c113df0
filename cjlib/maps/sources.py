"""What a map is made of: the three tables, cut to one persona and put in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from cjlib.columns import (
    CHANNEL,
    CODE,
    CUSTOMER,
    DATE,
    ESTIMATE,
    HIGH,
    INTERVIEW,
    LEVEL,
    LOW,
    METHOD,
    PERSONA,
    RESPONDENT,
    ROLE,
    STAGE,
    TIME,
    TOUCHPOINT,
    TURN,
    WAVE,
    N,
    require_columns,
)
from cjlib.errors import JourneyError, nearest
from cjlib.intervals import Estimate, estimate_share
from cjlib.maps.evidence import make_id
from cjlib.maps.words import LANGUAGES, both
from cjlib.study import Study


@dataclass(frozen=True, slots=True)
class PersonaSize:
    """What a persona is called, in both languages, and its share of all people."""

    name: dict[str, str]
    share: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Voices:
    """What people said, in interviews or in comments, and how it was coded.

    Attributes
    ----------
    kind : str
        "interview" or "comment".
    codings : DataFrame
        Coded turns, each with the ``text``, ``language`` and ``consent`` of the turn. Of an
        interview only where the person consented; of comments all are counted, and words shown
        only with consent.
    codes : DataFrame
        What each code means: ``code, lane, en, fa``.
    people : int
        Interviews with consent, or people who wrote.
    """

    kind: str
    codings: pd.DataFrame
    codes: pd.DataFrame
    people: int


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """The tables of one persona (or of everybody); None where the study lacks one.

    Attributes
    ----------
    respondents : DataFrame or None
    interactions : DataFrame or None
        Ordered by customer, time, stage and touchpoint.
    voices : tuple of Voices
        Of interviews, then of comments; those that nobody coded are left out.
    beliefs : DataFrame or None
        ``stage, satisfaction, n``.
    size : PersonaSize or None
        None for everybody.
    """

    study: Study
    persona: str
    respondents: pd.DataFrame | None
    interactions: pd.DataFrame | None
    voices: tuple[Voices, ...]
    beliefs: pd.DataFrame | None
    size: PersonaSize | None

    @property
    def who(self) -> str:
        """Id of the persona on the map, or "everybody"."""
        return make_id(self.persona or "everybody")

    def period(self) -> dict[str, str]:
        """Return the first and last day in the survey and the log, or nothing."""
        days: list[pd.Timestamp] = []
        for frame, column in ((self.respondents, DATE), (self.interactions, TIME)):
            if frame is not None and column in frame and frame[column].notna().any():
                days += [frame[column].min(), frame[column].max()]
        if not days:
            return {}
        return {"from": min(days).date().isoformat(), "to": max(days).date().isoformat()}


def gather_sources(
    study: Study,
    *,
    persona: str = "",
    wave: str = "",
    survey: Any = None,
    interviews: Any = None,
    comments: Any = None,
    interactions: Any = None,
    personas: Any = None,
    beliefs: pd.DataFrame | None = None,
) -> Sources:
    """Cut the tables to one persona and one wave and put them in a fixed order.

    Survey rows belong to a persona by respondent, log rows and interviews by customer.
    Nothing given is changed.
    """
    members = _members(personas, persona)
    respondents = _table(survey, "respondents")
    if respondents is not None:
        require_columns(respondents, [RESPONDENT], caller="build_map")
        if wave:
            require_columns(respondents, [WAVE], caller="build_map")
            respondents = respondents[respondents[WAVE].eq(wave)]
        if members is not None:
            respondents = respondents[respondents[RESPONDENT].isin(members[RESPONDENT])]
    customers = None if members is None else members[CUSTOMER].dropna().unique()
    voices = [
        _hear(kind, talk, members=members, wave=wave, respondents=respondents)
        for kind, talk in (("interview", interviews), ("comment", comments))
    ]
    return Sources(
        study=study,
        persona=persona,
        respondents=respondents,
        interactions=_ordered(_table(interactions, "table"), customers, study),
        voices=tuple(voice for voice in voices if voice is not None),
        beliefs=beliefs,
        size=_size(personas, persona, study),
    )


def _table(thing: Any, name: str) -> pd.DataFrame | None:
    if thing is None or isinstance(thing, pd.DataFrame):
        return thing
    found = getattr(thing, name, None)
    return found if isinstance(found, pd.DataFrame) else None


def _members(personas: Any, persona: str) -> pd.DataFrame | None:
    if not persona:
        return None
    members = _table(personas, "members")
    if members is None:
        raise JourneyError(
            f"build_map: a map of '{persona}' needs personas=, which say who belongs to it; "
            "none were given. Pass the result of build_personas, or leave persona out."
        )
    require_columns(members, [RESPONDENT, CUSTOMER, PERSONA], caller="build_map")
    chosen = members[members[PERSONA].eq(persona)]
    if chosen.empty:
        known = sorted(members[PERSONA].dropna().unique())
        hint = nearest(persona, known)
        raise JourneyError(
            f"build_map: persona must be one of {', '.join(known)}; got '{persona}'."
            + (f" Did you mean '{hint}'?" if hint else "")
        )
    return chosen


def _size(personas: Any, persona: str, study: Study) -> PersonaSize | None:
    """Name and share as the personas have them; of a plain frame of members, counted."""
    members = _table(personas, "members")
    if not persona or members is None:
        return None
    sizes = getattr(personas, "sizes", None)
    if isinstance(sizes, pd.DataFrame):
        row = sizes.loc[sizes[PERSONA].eq(persona)].iloc[0]
        share = Estimate(
            float(row[ESTIMATE]), float(row[LOW]), float(row[HIGH]), float(row[LEVEL]),
            int(sizes[N].sum()), str(row[METHOD]),
        )  # fmt: skip
        return PersonaSize({"en": str(row["name_en"]), "fa": str(row["name_fa"])}, share)
    count = int(members[PERSONA].eq(persona).sum())
    share = estimate_share(count, len(members), level=study.level)
    number = persona.rpartition("-")[2]
    place = int(number) - 1 if number.isdecimal() else -1
    if 0 <= place < len(study.personas.names):
        named = study.personas.names[place]
        return PersonaSize({lang: named.to(lang) for lang in LANGUAGES}, share)
    return PersonaSize(both("map.persona", number=number), share)


def _hear(
    kind: str, talk: Any, *, members: pd.DataFrame | None, wave: str,
    respondents: pd.DataFrame | None,
) -> Voices | None:  # fmt: skip
    utterances, codings = _table(talk, "utterances"), _table(talk, "codings")
    if utterances is None or codings is None:
        return None
    require_columns(utterances, [INTERVIEW, TURN, "text", "consent"], caller="build_map")
    require_columns(codings, [INTERVIEW, TURN, CODE, STAGE], caller="build_map")
    heard = utterances
    if kind == "interview":
        heard = heard[heard["consent"].fillna(value=False).astype(bool)]
    if members is not None:
        own = heard[CUSTOMER].isin(members[CUSTOMER].dropna())
        if RESPONDENT in heard:
            own |= heard[RESPONDENT].isin(members[RESPONDENT].dropna())
        heard = heard[own]
    if wave and kind == "comment" and RESPONDENT in heard:  # answers of other waves are not of it
        known: Any = [] if respondents is None else respondents[RESPONDENT]
        heard = heard[heard[RESPONDENT].isna() | heard[RESPONDENT].isin(known)]
    wanted = [c for c in (INTERVIEW, TURN, "text", "language", "consent", ROLE) if c in heard]
    said = heard[wanted].drop_duplicates([INTERVIEW, TURN])
    coded = codings.merge(said, on=[INTERVIEW, TURN], how="inner")
    coded = coded.sort_values([INTERVIEW, TURN, STAGE, CODE], kind="stable", ignore_index=True)
    people = int(heard[INTERVIEW].nunique())
    return Voices(kind, coded, _codes(_table(talk, "codes")), people)


def _ordered(
    interactions: pd.DataFrame | None, customers: Any, study: Study
) -> pd.DataFrame | None:
    if interactions is None:
        return None
    require_columns(interactions, [CUSTOMER, TIME, TOUCHPOINT, STAGE, CHANNEL], caller="build_map")
    frame = interactions
    if customers is not None:
        frame = frame[frame[CUSTOMER].isin(customers)]
    place = {stage: i for i, stage in enumerate(study.stage_ids)}
    frame = frame.assign(place=frame[STAGE].astype("object").map(place))
    frame = frame[frame["place"].notna() & frame[CUSTOMER].notna() & frame[TIME].notna()]
    return frame.sort_values(
        [CUSTOMER, TIME, "place", TOUCHPOINT], kind="stable", ignore_index=True
    )


def _codes(codes: pd.DataFrame | None) -> pd.DataFrame:
    wanted = [CODE, "lane", "en", "fa"]
    if codes is None:
        return pd.DataFrame(columns=wanted)
    require_columns(codes, [CODE], caller="build_map")
    renamed = codes.rename(columns={"label_en": "en", "label_fa": "fa"})
    return renamed.reindex(columns=wanted).drop_duplicates(CODE).reset_index(drop=True)
