"""Interviews as tables: people, consent, codings, agreement, counts, saturation, quotes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cjlib.errors import JourneyError, MissingSourceError
from cjlib.interviews import (
    check_coding,
    count_codes,
    measure_agreement,
    pick_quotes,
    read_interviews,
)
from cjlib.study import load_study

STUDY = """
study: 1
id: tiny
title: Tiny
brand: Tiny
language: en
privacy: {key: public}
stages:
  - {id: purchase, label: Purchase}
  - {id: delivery, label: Delivery}
touchpoints:
  - {id: courier, label: Courier, stage: delivery}
interviews: {folder: talks, people: people.csv, coding: coding.csv, codes: codes.csv}
"""
PEOPLE = """interview,participant,customer_id,language,consent,age,gender,place,file
i1,Sara Miri,c1,en,yes,34,f,Tehran,
i2,,c2,fa,,51,m,,
group,Ann,c3,en,yes,20,f,,focus.txt
group,Bob,c4,en,no,30,m,,focus.txt
"""
CODES = """code,label_en,label_fa,definition,example,lane,stage
slow,Slow,کند,,,pain,delivery
price,Price,قیمت,,,pain,
kind,Kind staff,,,,strength,
"""
CODING = """interview,turn,coder,code,stage,touchpoint,valence,quote
i1,2,a,slow,,courier,negative,
i1,2,b,slow,,,-1,
i1,4,a,price,purchase,,1,
i1,4,a,slow,,,,
i2,,a,slow,,,منفی,سه هفته طول کشید
group,2-3,a,kind,,,positive,
"""
TALKS = {
    "i1.txt": "Interviewer: How was it?\nSara Miri: It took three weeks, call me on 09121234567 "
    "please.\nInterviewer: Sara, the price?\nSara Miri: The price was fair, I must say, "
    "fair indeed.",
    "i2.txt": "مصاحبه‌گر: چطور بود؟\nمشتری: سه هفته طول کشید تا کالا برسد و کسی پاسخ نداد.",
    "focus.txt": "Moderator: Welcome\nAnn: The staff was kind to me and helped at once, truly.\n"
    "Bob: They were kind to me as well, all of them, every day.",
}


@pytest.fixture
def tiny(tmp_path):
    def make(*, people=PEOPLE, coding=CODING, codes=CODES, study=STUDY, talks=TALKS):
        (tmp_path / "talks").mkdir(exist_ok=True)
        files = {"study.yaml": study, "people.csv": people, "coding.csv": coding,
                 "codes.csv": codes} | {f"talks/{n}": t for n, t in talks.items()}  # fmt: skip
        for name, text in files.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        return load_study(tmp_path)

    return make


def test_tables_by_hand(tiny):
    study = tiny()
    found = read_interviews(study)
    spoken = found.utterances

    assert found.misfits.empty, found.misfits.to_dict("records")
    assert spoken["interview_id"].drop_duplicates().tolist() == ["group", "i1", "i2"]
    own = spoken[spoken["role"] == "participant"]
    customers = study.pseudonyms(pd.Series(["c3", "c4", "c1", "c1", "c2"]), "C").tolist()
    assert own["customer_id"].tolist() == customers
    assert own["consent"].tolist() == [True, False, True, True, False]  # an empty one is no
    assert spoken[spoken["role"] == "interviewer"]["customer_id"].isna().all()
    assert spoken[spoken["role"] == "interviewer"]["consent"].tolist() == [False, True, True, False]
    assert own["language"].tolist() == ["en"] * 4 + ["fa"]
    assert spoken["speaker"].tolist()[:3] == ["interviewer-1", "participant-1", "participant-2"]


def test_no_name_and_no_number_is_left_anywhere(tiny):
    found = read_interviews(tiny())

    everything = " ".join(
        str(v)
        for frame in (found.utterances, found.codings, found.people, found.roles, found.redactions)
        for v in frame.to_numpy().ravel()
    )
    for secret in ("Sara", "Miri", "Ann", "Bob", "0912", "c1"):
        assert secret not in everything
    assert found.redactions.to_dict("list") == {
        "interview_id": ["i1", "i1"], "turn": [2, 3], "kind": ["phone", "name"],
        "placeholder": ["[phone-1]", "[name-1]"], "rule": ["form", "listed"],
    }  # fmt: skip


def test_codings_are_matched_to_turns(tiny):
    codings = read_interviews(tiny()).codings

    rows = codings[["interview_id", "turn", "coder", "code", "stage"]].values.tolist()
    assert rows == [
        ["group", 2, "a", "kind", pd.NA], ["group", 3, "a", "kind", pd.NA],
        ["i1", 2, "a", "slow", "delivery"], ["i1", 2, "b", "slow", "delivery"],
        ["i1", 4, "a", "price", "purchase"], ["i1", 4, "a", "slow", "delivery"],
        ["i2", 2, "a", "slow", "delivery"],
    ]  # fmt: skip
    assert codings["valence"].tolist()[:5] == [1, 1, -1, -1, 1]
    assert np.isnan(codings["valence"].iloc[5])


def test_two_quotes_of_a_turn_are_two_codings_but_one_mention(tiny):
    coding = "interview,turn,coder,code,quote\ni1,4,a,price,The price\ni1,4,a,price,fair indeed\n"
    found = read_interviews(tiny(coding=coding))

    assert found.misfits.empty
    assert found.codings["quote"].tolist() == ["The price", "fair indeed"]
    assert count_codes(found).table[["mentions", "turns"]].values.tolist() == [[1, 1]]


def test_every_misfit_with_its_line(tiny):
    coding = (
        "interview,turn,coder,code,stage,touchpoint,valence,quote\n"
        "i9,1,a,slow,,,,\n"
        "i1,40,a,slow,,,,\n"
        "i1,2,a,slwo,,,,\n"
        "i1,2,a,slow,delivry,,good,\n"
        "i1,2,a,price,,,,fair indeed\n"
        "i1,,a,price,,,,no such words\n"
        "i1,2,a,slow,,,,\n"
    )
    people = PEOPLE + "ghost,,,,yes,,,,\ni1,Sara Miri,,,yes,,,,\ni1,X,,,perhaps,,,,\n"
    study = tiny(coding=coding, people=people, talks=TALKS | {"extra.txt": "Q: a\nA: b"})

    faults = {(f.file, f.line): f for f in check_coding(study)}

    assert [line for file, line in faults if file == "coding.csv"] == [2, 3, 4, 5, 6, 7, 8]
    assert faults["coding.csv", 4].nearest == "slow"
    assert "turn 4" in faults["coding.csv", 6].expected
    assert "again (first on line 5)" in faults["coding.csv", 8].found
    assert "valence 'good'" in faults["coding.csv", 5].found  # the last of that line's two
    assert [line for file, line in faults if file == "people.csv"] == [7, 8, 0, 6]
    assert len(read_interviews(study).codings) == 1  # the row of line 5 stays


def test_without_people_every_file_is_an_interview_and_nobody_is_quoted(tiny):
    study = tiny(study=STUDY.replace(", people: people.csv", ""))
    found = read_interviews(study)

    assert found.utterances["interview_id"].drop_duplicates().tolist() == ["focus", "i1", "i2"]
    assert not found.utterances["consent"].any()
    assert pick_quotes(found).table.empty


def test_the_same_interview_in_two_formats_is_read_once(tiny):
    vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Q>Why?\n\n00:03.000 --> 00:04.000\n<v A>So\n"
    found = read_interviews(tiny(talks=TALKS | {"i2.vtt": vtt}))

    assert found.utterances.query("interview_id == 'i2'")["start_s"].tolist() == [1, 3]
    assert "'i2' again" in found.misfits["found"].tolist()


def test_a_study_without_interviews_or_with_an_empty_folder(tiny):
    study = tiny(study=STUDY.rsplit("interviews:", 1)[0])

    assert check_coding(study) == []
    with pytest.raises(MissingSourceError, match="must have interviews"):
        read_interviews(study)
    (study.path / "void").mkdir()
    empty = tiny(study=STUDY.replace("talks", "void"), talks={})
    with pytest.raises(JourneyError, match="none of its 0 files"):
        read_interviews(empty)


def test_the_shipped_interviews(sepidar):
    found = read_interviews(load_study(sepidar))

    assert found.misfits.empty, found.misfits.to_dict("records")
    assert found.utterances["interview_id"].nunique() == 24
    assert set(found.roles["rule"]) <= {"named", "listed"}
    assert not found.utterances["text"].str.contains(r"09\d{9}|@\w+\.\w+", regex=True).any()
    agreement = measure_agreement(found, rng=np.random.default_rng(1))
    assert agreement.table["estimate"].iloc[0] > 0.6
    quotes = pick_quotes(found, n=3).table
    consented = found.utterances[found.utterances["consent"]]["interview_id"]
    assert quotes["interview_id"].isin(consented).all()
    assert quotes["text"].str.len().between(40, 240).all()
