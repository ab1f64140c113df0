"""Comments, reviews and complaints through the door of interviews: one utterance per answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from cjlib.columns import (
    CODE,
    CODER,
    CUSTOMER,
    DATE,
    INTERVIEW,
    LANGUAGE,
    RESPONDENT,
    ROLE,
    SPEAKER,
    STAGE,
    START,
    TEXT,
    TOUCHPOINT,
    TURN,
    VALENCE,
    require_columns,
)
from cjlib.errors import JourneyError
from cjlib.interviews.coding import CODE_COLUMNS, CODINGS, VALENCES
from cjlib.interviews.model import Interviews
from cjlib.interviews.roles import PARTICIPANT
from cjlib.language import (
    clean,
    find_personal,
    key,
    mask_personal,
    missing_reason,
    parse_number,
)
from cjlib.study import Study

PERSON: Final = "participant"
QUESTION: Final = "question"  # the column an answer stands in
LONGEST_NO_ANSWER: Final = 60  # characters; "I don't know" and its like are shorter
_STRINGS: Final = (
    INTERVIEW, PERSON, CUSTOMER, SPEAKER, ROLE, TEXT, LANGUAGE, QUESTION, CODER, CODE, STAGE,
    TOUCHPOINT, "quote",
)  # fmt: skip


def read_comments(
    source: Any,
    *,
    text: str | Sequence[str],
    consent: bool | str,
    person: str = CUSTOMER,
    date: str = "",
    language: str | None = None,
    code: str | Sequence[str] = (),
    valence: str = "",
    stage: str = "",
    about: Sequence[str] = (),
    codes: pd.DataFrame | None = None,
    wordless: bool = False,
    study: Study | None = None,
) -> Interviews:
    """Take written answers as interviews, so that counts, quotes, themes and maps work on them.

    Every answer with words is one utterance. All answers of one person are one "interview"
    with one participant, so whoever writes ten reviews still counts once; an answer without a
    person is an interview of its own. Turns go by date (unknown last), then by row, then in
    the order of ``text``. Blanks and "don't know" are left out and counted in ``misfits``.
    E-mails, phones, cards and other personal data with a form are masked before anything
    else sees the text, and listed in ``redactions``; names are not found: read what you
    publish. ``find_themes(comments.utterances["text"])`` finds themes; ``code_comments``
    writes them, or any rule's codes, into the codings.

    Parameters
    ----------
    source : DataFrame, or the result of ``clean_answers``
        One row per answer, or per person with several answers. Not changed.
    text : str or sequence of str
        Columns of answers; their names become ``question``.
    consent : bool or str
        Whether the words may be quoted: for all, or a column of True and False (missing: no).
    person : str
        Column of ids; they become ``customer_id``, by which survey rows and events are linked.
        With ``study`` its pseudonyms of them; else as they stand. Empty: nobody is known.
    date : str
        Column of dates, if any.
    language : str, optional
        A column, or a language such as "en" for all; by default told by the letters: "fa",
        or else the study's, or "en".
    code : str or sequence of str
        Columns of codes that somebody already gave (coder "given").
    valence : str
        Column of -1, 0, 1 or negative, neutral, positive; it goes with the codes.
    stage : str
        Column of stages, or one stage's id for all; by default the stage of the code.
    about : sequence of str
        Columns about the person (segment, rating group, age ...) to count and contrast by; of
        a person's rows the first that knows.
    codes : DataFrame, optional
        The list of codes: ``code`` and any of ``label_en, label_fa, definition, example, lane,
        stage``.
    wordless : bool
        Keep rows that have a code and no words (coded elsewhere): an empty utterance, never
        quoted. Else they are left out as blanks.
    study : Study, optional
        For pseudonyms and language.

    Returns
    -------
    Interviews
        ``utterances`` also holds ``date``, ``question`` and ``row`` (index in ``source``), and
        ``respondent_id`` where the source does; ``people`` also the columns ``about``.
    """
    frame = source if isinstance(source, pd.DataFrame) else getattr(source, "respondents", source)
    if not isinstance(frame, pd.DataFrame):
        raise JourneyError(
            "read_comments: source must be a DataFrame or the result of clean_answers; got "
            f"{type(source).__name__}."
        )
    if not isinstance(consent, (bool, str)):
        raise JourneyError(
            "read_comments: consent must be True, False or a column; got "
            f"{type(consent).__name__}. Say whether these words may be quoted."
        )
    answers, marks = _as_list(text), _as_list(code)
    named = (person, date, valence, consent if isinstance(consent, str) else "")
    require_columns(frame, [*answers, *marks, *about, *filter(None, named)], caller="read_comments")
    rows = pd.DataFrame(
        {
            "row": frame.index, "place": np.arange(len(frame)),
            "who": _name_people(frame, person, study),
            DATE: pd.to_datetime(frame[date], errors="coerce").to_numpy() if date else pd.NaT,
            "consent": _read_consent(frame, consent),
            STAGE: _read_stage(frame, stage), VALENCE: _read_valence(frame, valence),
        }
    )  # fmt: skip
    rows[RESPONDENT] = frame[RESPONDENT].to_numpy() if RESPONDENT in frame else None
    parts: list[pd.DataFrame] = []
    for name in answers:
        part = rows.copy()
        part[QUESTION], part[TEXT] = name, frame[name].astype("string").to_numpy()
        parts.append(part)
    said = pd.concat(parts, ignore_index=True)
    said[TEXT] = _clean_all(said[TEXT])
    empty, none = said[TEXT].eq(""), _is_no_answer(said[TEXT])
    left_out = {"blank": int(empty.sum()), "no answer": int((none & ~empty).sum())}
    coded = frame[marks].notna().any(axis=1).to_numpy() if wordless and marks else False
    kept = pd.Series(coded, index=range(len(frame)))[said["place"]].to_numpy() & empty
    left_out["blank"] -= int(kept.sum())
    said = said[kept | (~empty & ~none)]
    said["consent"] = said["consent"].astype(bool) & said[TEXT].ne("")
    said[INTERVIEW] = said["who"].fillna("answer-" + (said["place"] + 1).astype("string"))
    order = said.assign(_day=said[DATE].fillna(pd.Timestamp.max))
    first = order.groupby(INTERVIEW)["place"].transform("min")
    order = order.assign(_first=first, _q=order[QUESTION].map(answers.index))
    said = order.sort_values(["_first", "_day", "place", "_q"], kind="stable", ignore_index=True)
    said[TURN] = said.groupby(INTERVIEW).cumcount() + 1
    said[LANGUAGE] = _read_language(frame, language, said, study)
    masked, redactions = _mask(said)
    said[TEXT], said[PERSON], said[CUSTOMER] = masked, said[INTERVIEW], said["who"]
    said[ROLE], said[SPEAKER], said[START] = PARTICIPANT, f"{PARTICIPANT}-1", np.nan
    columns = [
        INTERVIEW, PERSON, CUSTOMER, TURN, SPEAKER, ROLE, START, TEXT, LANGUAGE, "consent", DATE,
        QUESTION, "row", *([RESPONDENT] if RESPONDENT in frame else []),
    ]  # fmt: skip
    listed = _list_codes(codes, frame, marks)
    return Interviews(
        utterances=_type(said[columns]),
        codings=_read_given(frame, said, marks, listed),
        codes=listed,
        people=_list_people(frame, said, about),
        roles=pd.DataFrame(columns=[INTERVIEW, SPEAKER, ROLE, "rule", "turns", "words"]),
        redactions=redactions,
        misfits=_count_left_out(left_out),
        language=study.language if study else "en", unit="people who wrote",
    )  # fmt: skip


def code_comments(
    comments: Interviews,
    code: pd.Series,
    *,
    coder: str = "rule",
    valence: pd.Series | None = None,
    stage: pd.Series | None = None,
    codes: pd.DataFrame | None = None,
) -> Interviews:
    """Add codes that a rule gave (a theme, a word list, a sentiment) to the codings.

    Parameters
    ----------
    comments : Interviews
        From ``read_comments`` or ``read_interviews``. Not changed.
    code, valence, stage : Series on the index of ``comments.utterances``
        Missing or empty: no coding. A stage that is not given is that of the code.
    coder : str
        Who or what gave them; people and rules are compared by ``measure_agreement``.
    codes : DataFrame, optional
        Rows to add to the list of codes; codes not in it are added by name.
    """
    spoken = comments.utterances
    if not code.index.equals(spoken.index):
        raise JourneyError(
            "code_comments: code must be on the index of comments.utterances; it has "
            f"{len(code):,} rows on another index for {len(spoken):,} utterances. "
            "Reindex it first."
        )
    given = code.astype("string").fillna("")
    new = pd.DataFrame(
        {
            INTERVIEW: spoken[INTERVIEW], TURN: spoken[TURN], CODER: coder, CODE: given,
            STAGE: pd.NA if stage is None else stage, TOUCHPOINT: pd.NA,
            VALENCE: np.nan if valence is None else valence.astype(float), "quote": "",
        }
    )[given.ne("")]  # fmt: skip
    extra = comments.codes if codes is None else pd.concat([comments.codes, codes])
    missing = sorted(set(new[CODE]) - set(extra[CODE]))
    listed = pd.concat([extra, pd.DataFrame({CODE: missing})])
    listed = listed.drop_duplicates(CODE, keep="first").astype("string").fillna("")
    listed = listed.reset_index(drop=True)
    both = pd.concat([comments.codings, _place_stages(new, listed)], ignore_index=True)
    both = _type(both).drop_duplicates([INTERVIEW, TURN, CODER, CODE, "quote"])
    both = both.sort_values([INTERVIEW, TURN, CODE, CODER], kind="stable", ignore_index=True)
    return replace(comments, codings=both, codes=listed)


def _as_list(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _name_people(frame: pd.DataFrame, person: str, study: Study | None) -> Any:
    if not person:
        return pd.array([pd.NA] * len(frame), dtype="string")
    ids = frame[person].astype("string").str.strip()
    known = study.pseudonyms(ids, "C") if study else ids.mask(ids.eq(""))
    return known.array


def _read_consent(frame: pd.DataFrame, consent: bool | str) -> Any:
    if isinstance(consent, bool):
        return np.full(len(frame), fill_value=consent)
    given = frame[consent]
    odd = given.dropna()[~given.dropna().isin([True, False])]
    if len(odd):
        raise JourneyError(
            f"read_comments: column '{consent}' must hold True and False; {len(odd):,} of "
            f"{len(given):,} rows do not, first {str(odd.iloc[0])!r}. Say it in a column, as in "
            "frame.assign(ok=frame['consent'].eq('yes'))."
        )
    return given.astype("object").eq(other=True).to_numpy(dtype=bool)


def _read_stage(frame: pd.DataFrame, stage: str) -> Any:
    if stage in frame.columns:
        return frame[stage].astype("string").array
    return pd.array([stage or pd.NA] * len(frame), dtype="string")


def _read_valence(frame: pd.DataFrame, valence: str) -> Any:
    if not valence:
        return np.full(len(frame), np.nan)
    words = frame[valence].astype("string").fillna("")
    read = {word: _sign(word) for word in words.unique()}
    signs = words.map(read)
    odd = frame.loc[~signs.isin([-1, 0, 1]) & words.str.strip().ne(""), valence]
    if len(odd):
        raise JourneyError(
            f"read_comments: column '{valence}' must hold -1, 0, 1 or negative, neutral, "
            f"positive; {len(odd):,} rows do not, first {str(odd.iloc[0])!r}."
        )
    return signs.astype(float).to_numpy()


def _sign(word: str) -> float:
    number = parse_number(word)
    return number if number is not None else VALENCES.get(key(word), float("nan"))


def _clean_all(texts: pd.Series) -> pd.Series:
    """Each different text cleaned once, on one line; missing is empty."""
    filled = texts.fillna("")
    spelled = {raw: " ".join(clean(raw).split("\n")) for raw in filled.unique()}
    return filled.map(spelled).astype("string")


def _is_no_answer(texts: pd.Series) -> pd.Series:
    short = texts[texts.str.len() <= LONGEST_NO_ANSWER].unique()
    none = {text for text in short if missing_reason(text) is not None}
    return texts.isin(none)


def _read_language(
    frame: pd.DataFrame, language: str | None, said: pd.DataFrame, study: Study | None
) -> Any:
    if language is not None and language in frame.columns:
        return frame[language].astype("string").iloc[said["place"]].to_numpy()
    if language is not None:
        return language
    persian = said[TEXT].str.count("[\u0620-\u06ff]")
    own = study.language if study and study.language != "fa" else "en"
    return np.where(persian > said[TEXT].str.count("[A-Za-z]"), "fa", own)


def _mask(said: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame]:
    rows, texts = [], []
    for interview, turn, text in zip(said[INTERVIEW], said[TURN], said[TEXT], strict=True):
        found = find_personal(text)
        texts.append(mask_personal(text) if found else text)
        rows += [(interview, turn, d.kind, mask_personal(d.text), "form") for d in found]
    columns = [INTERVIEW, TURN, "kind", "placeholder", "rule"]
    redactions = pd.DataFrame(rows, columns=columns)
    return pd.Series(texts, index=said.index, dtype="string"), redactions


def _list_codes(codes: pd.DataFrame | None, frame: pd.DataFrame, marks: list[str]) -> pd.DataFrame:
    """Return the list of codes, those found in the data but not listed added by name."""
    listed = pd.DataFrame(columns=list(CODE_COLUMNS)) if codes is None else codes
    require_columns(listed, [CODE], caller="read_comments")
    found = sorted({name for mark in marks for name in _as_codes(frame[mark]).dropna()})
    new = pd.DataFrame({CODE: [name for name in found if name not in set(listed[CODE])]})
    both = pd.concat([listed.astype("string"), new.astype("string")], ignore_index=True)
    return both.reindex(columns=list(CODE_COLUMNS)).astype("string").fillna("")


def _as_codes(column: pd.Series) -> pd.Series:
    """Codes as text (14, not 14.0), blanks missing."""
    if pd.api.types.is_float_dtype(column) and column.dropna().mod(1).eq(0).all():
        column = column.astype("Int64")
    names = column.astype("string").str.strip()
    return names.mask(names.eq(""))


def _read_given(
    frame: pd.DataFrame, said: pd.DataFrame, marks: list[str], codes: pd.DataFrame
) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                INTERVIEW: said[INTERVIEW], TURN: said[TURN], CODER: "given",
                CODE: _as_codes(frame[mark]).iloc[said["place"]].array, STAGE: said[STAGE],
                TOUCHPOINT: pd.NA, VALENCE: said[VALENCE], "quote": "",
            }
        ).dropna(subset=[CODE])
        for mark in marks
    ]  # fmt: skip
    if not parts:
        return _type(pd.DataFrame(columns=list(CODINGS)))
    every = pd.concat(parts, ignore_index=True).drop_duplicates([INTERVIEW, TURN, CODE])
    every = _type(_place_stages(every, codes))
    return every.sort_values([INTERVIEW, TURN, CODE], kind="stable", ignore_index=True)


def _place_stages(codings: pd.DataFrame, codes: pd.DataFrame) -> pd.DataFrame:
    """Give a coding without a stage that of its code."""
    if STAGE not in codes:
        return codings
    own: Mapping[str, str] = dict(zip(codes[CODE], codes[STAGE], strict=True))
    stages = codings[STAGE].astype("string")
    stages = stages.mask(stages.eq("").fillna(value=False))
    usual = codings[CODE].map(own).astype("string")
    return codings.assign(**{STAGE: stages.fillna(usual.mask(usual.eq("").fillna(value=True)))})


def _list_people(frame: pd.DataFrame, said: pd.DataFrame, about: Sequence[str]) -> pd.DataFrame:
    """One row per person, what is known of them from the first row that knows."""
    known = said.drop_duplicates([INTERVIEW, "place"])[[INTERVIEW, "place"]]
    facts = frame[list(about)].iloc[known["place"]].reset_index(drop=True)
    facts = facts.groupby(known[INTERVIEW].to_numpy(), sort=False).first()
    people = said.groupby(INTERVIEW, sort=False).agg(
        **{CUSTOMER: ("who", "first"), LANGUAGE: (LANGUAGE, "first"), "consent": ("consent", "all")}
    )
    people = people.join(facts).reset_index().rename(columns={"index": INTERVIEW})
    people.insert(1, PERSON, people[INTERVIEW])
    for name in ("age", "gender", "place"):
        if name not in people:
            people[name] = ""
    return _type(people)


def _count_left_out(left: dict[str, int]) -> pd.DataFrame:
    rows = [("comments", 0, f"{n:,} x {name}", "words", "") for name, n in left.items() if n]
    return pd.DataFrame(rows, columns=["file", "line", "found", "expected", "nearest"])


def _type(frame: pd.DataFrame) -> pd.DataFrame:
    known = {name: "string" for name in _STRINGS if name in frame}
    known |= {name: kind for name, kind in ((TURN, "int64"), (VALENCE, "float64")) if name in frame}
    return frame.astype(known).reset_index(drop=True)
