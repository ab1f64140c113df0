"""All that customers wrote, from the survey and the log, coded by stated rules."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from cjlib.codebook import Item
from cjlib.columns import (
    CODE,
    CUSTOMER,
    DATE,
    INTERVIEW,
    RATING,
    RESPONDENT,
    STAGE,
    TEXT,
    TIME,
    TOUCHPOINT,
    VALENCE,
)
from cjlib.errors import StudyError
from cjlib.interviews import Interviews, code_comments, read_comment_codes, read_comments
from cjlib.language import for_model
from cjlib.study import Study
from cjlib.texts.labelled import NEUTRAL, read_labels
from cjlib.texts.sentiment import train_sentiment

WORDS_RULE: Final = "words"  # the coder of codes that the words of a comment gave
_COLUMNS: Final = ("person", RESPONDENT, DATE, "question", STAGE, TEXT, CODE, VALENCE)


def gather_comments(
    study: Study, *, survey: Any = None, interactions: Any = None, rng: np.random.Generator
) -> Interviews | None:
    """Take every comment of a study through the door of interviews, coded by stated rules.

    Comments are: answers to codebook items of role "comment" (kind text: the words; kind
    codes: what somebody coded already, whose words the file need not hold), and the ``text``
    of contacts in the log (reviews, complaints, notes of calls). One person's comments are one
    interview, so whoever writes ten counts once; survey and log meet by ``customer_id``.

    Codes: those given in the data (named ``<item>_<code>``, or after the item's group), and
    those whose ``words`` in the study's list of comment codes a comment holds (``find_words``).
    Valence: in the log the rating beside the text (above the middle fifth of its scale +1,
    below it -1, else 0); elsewhere what a model learned from the study's labelled comments
    says, where it is sure and surely better than dull rules; else missing. The stage is that
    of the code, else of the question or the touchpoint.

    Parameters
    ----------
    study : Study
        Its ``comments``: may words be quoted, the codes, the labels.
    survey : Survey, optional
    interactions : Interactions, optional
    rng : Generator
        For the folds of the sentiment model.

    Returns
    -------
    Interviews or None
        ``utterances`` also tell ``question`` (item, or touchpoint of the log) and ``valence``.
        None where nobody wrote anything.

    Raises
    ------
    StudyError
        With every fault in the list of codes.
    TooFewError
        If labels are given and one of them has fewer than 50 different texts.
    """
    study.require("comments", caller="gather_comments")
    parts = [*_from_survey(study, survey), *_from_log(study, interactions)]
    frame = pd.concat([pd.DataFrame(columns=list(_COLUMNS)), *parts], ignore_index=True)
    if frame.empty:
        return None
    sheet, codes = read_comment_codes(study)
    if sheet.faults:
        raise StudyError(sheet.faults)
    listed = _list_given(study, codes)
    quote = bool(study.comments and study.comments.quote)
    found = read_comments(
        frame, text=TEXT, consent=quote, person="person", date=DATE, code=CODE, valence=VALENCE,
        stage=STAGE, codes=listed.drop(columns="words"), wordless=True,
    )  # fmt: skip
    spoken = found.utterances
    if spoken.empty:
        return None
    rows = frame.loc[spoken["row"]]
    known = set(_customers(survey, interactions))
    spoken = spoken.assign(
        question=rows["question"].astype("string").to_numpy(),
        valence=rows[VALENCE].astype(float).to_numpy(),
        stage=rows[STAGE].astype("string").to_numpy(),
        customer_id=spoken[CUSTOMER].where(spoken[CUSTOMER].isin(known)),
        respondent_id=rows[RESPONDENT].astype("string").to_numpy(),
    )
    spoken = _add_learned_valence(study, spoken, rng)
    return _code_by_words(replace(found, utterances=spoken, language=study.language), listed)


def find_words(texts: pd.Series, words: str) -> pd.Series:
    """Tell which texts hold one of some words: a Series of bool on the index of ``texts``.

    Parameters
    ----------
    texts : Series of str
    words : str
        Split by ``|``. Each matches whole words and longer words that begin with it ("late"
        finds "lately" too); several words must follow one another. Spellings are evened out on
        both sides by ``for_model``, so case, Arabic letters and half-spaces do not matter.
        A word that is negated ("not late") matches as well: list it under a code of its own.
    """
    return _search(_spell(texts), words)


def _spell(texts: pd.Series) -> pd.Series:
    """Even out the spelling of each different text once."""
    return texts.map({text: for_model(text) for text in texts.unique()})


def _search(spelled: pd.Series, words: str) -> pd.Series:
    wanted = [for_model(word) for word in words.split("|")]
    patterns = [r"\s+".join(map(re.escape, word.split())) for word in wanted if word]
    if not patterns:
        return pd.Series(data=False, index=spelled.index)
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})")
    held = [pattern.search(text) is not None for text in spelled]
    return pd.Series(held, index=spelled.index, dtype=bool)


def _from_survey(study: Study, survey: Any) -> list[pd.DataFrame]:
    if survey is None:
        return []
    people, parts = survey.respondents, []
    who = people[RESPONDENT].astype("string")
    if CUSTOMER in people:
        who = people[CUSTOMER].astype("string").fillna(who)
    for item in study.codebook.select(role="comment"):
        if item.name not in people or item.kind not in ("text", "codes"):
            continue
        answer = people[item.name].astype("string")
        written = item.kind == "text"
        part = pd.DataFrame(
            {
                "person": who, RESPONDENT: people[RESPONDENT].astype("string"),
                DATE: people.get(DATE, pd.NaT), "question": item.name, STAGE: item.stage or pd.NA,
                TEXT: answer if written else pd.NA,
                CODE: pd.NA if written else _stem(item) + "_" + answer, VALENCE: np.nan,
            }
        )  # fmt: skip
        parts.append(part[answer.notna()])
    return parts


def _from_log(study: Study, interactions: Any) -> list[pd.DataFrame]:
    if interactions is None or TEXT not in interactions.table:
        return []
    log = interactions.table[interactions.table[TEXT].notna()]
    if log.empty:
        return []
    valence = pd.Series(np.nan, index=log.index)
    if RATING in log and study.events is not None:
        low, high = study.events.rating_scale
        share = (log[RATING].astype(float) - low) / (high - low)
        signs = np.select([share < NEUTRAL[0], share > NEUTRAL[1]], [-1.0, 1.0], 0.0)
        valence = pd.Series(signs, index=log.index).where(share.notna())
    return [
        pd.DataFrame(
            {
                "person": log[CUSTOMER].astype("string"), RESPONDENT: pd.NA, DATE: log[TIME],
                "question": log[TOUCHPOINT].astype("string"), STAGE: log[STAGE].astype("string"),
                TEXT: log[TEXT].astype("string"), CODE: pd.NA, VALENCE: valence,
            }
        )
    ]  # fmt: skip


def _customers(survey: Any, interactions: Any) -> list[str]:
    found: list[str] = []
    if survey is not None and CUSTOMER in survey.respondents:
        found += survey.respondents[CUSTOMER].dropna().astype(str).unique().tolist()
    if interactions is not None:
        found += interactions.table[CUSTOMER].dropna().astype(str).unique().tolist()
    return found


def _stem(item: Item) -> str:
    return item.group or item.name


def _list_given(study: Study, codes: pd.DataFrame) -> pd.DataFrame:
    """Return the study's list of codes, and after it the codes that items give, by their labels."""
    rows = [
        {CODE: f"{_stem(item)}_{code}", "label_en": label.to("en"), "label_fa": label.to("fa"),
         "definition": "", "example": "", "lane": "", STAGE: item.stage, "words": ""}
        for item in study.codebook.select(role="comment", kind="codes")
        for code, label in item.labels.items()
    ]  # fmt: skip
    given = pd.DataFrame(rows, columns=list(codes.columns), dtype="string")
    both = pd.concat([codes, given], ignore_index=True).astype("string").fillna("")
    names = given.drop_duplicates(CODE).set_index(CODE)[["label_en", "label_fa", STAGE]]
    for column in names.columns:  # a code listed for its lane alone keeps the codebook's label
        usual = both[CODE].map(names[column].to_dict()).astype("string").fillna("")
        both[column] = both[column].where(both[column].ne(""), usual)
    return both.drop_duplicates(CODE, keep="first", ignore_index=True)


def _add_learned_valence(
    study: Study, spoken: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    file = study.comments.labels if study.comments else ""
    without = spoken[VALENCE].isna() & spoken[TEXT].ne("")
    if not file or not without.any():
        return spoken
    labels = read_labels(study, file)
    model = train_sentiment(labels[TEXT], labels["label"], rng=rng, level=study.level)
    if not model.beats_baseline:
        return spoken
    told = model.predict(spoken.loc[without, TEXT])
    values = dict(zip(model.labels, np.sign(model.values), strict=True))
    sure = told["label"].map(values).astype(float).mask(told["unsure"].fillna(value=True))
    return spoken.assign(valence=spoken[VALENCE].fillna(sure.reindex(spoken.index)))


def _code_by_words(found: Interviews, listed: pd.DataFrame) -> Interviews:
    spoken = found.utterances
    spelled = _spell(spoken[TEXT])
    for code, words in zip(listed[CODE], listed["words"], strict=True):
        if not words:
            continue
        held = _search(spelled, str(words))
        if held.any():
            given = pd.Series(pd.NA, index=spoken.index, dtype="string").mask(held, str(code))
            found = code_comments(found, given, coder=WORDS_RULE, valence=spoken[VALENCE])
    codings = found.codings
    here = spoken.set_index([INTERVIEW, "turn"])[STAGE]
    own = pd.MultiIndex.from_frame(codings[[INTERVIEW, "turn"]])
    stages = codings[STAGE].fillna(pd.Series(here.reindex(own).to_numpy(), index=codings.index))
    return replace(found, codings=codings.assign(stage=stages.astype("string")))
