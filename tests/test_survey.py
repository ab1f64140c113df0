"""Cleaning a survey: each rule by hand, laws, and the ledger replayed."""

from __future__ import annotations

import csv
import statistics

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cjlib.codebook import Item
from cjlib.definitions import Cleaning
from cjlib.errors import ColumnError, JourneyError, MissingSourceError, ScaleError
from cjlib.intervals import estimate_share
from cjlib.study import load_study
from cjlib.survey import (
    clean_answers,
    compare_cleaning,
    count_codes,
    read_answers,
    read_value,
    replay_ledger,
    stricter,
)
from cjlib.survey.rules import find_hits, trace_flow

STUDY = """
study: 1
id: trial
title: Trial
brand: Trial
language: en
privacy: {{key: public}}
stages: [{{id: buy, label: Buy}}, {{id: use, label: Use}}]
survey:
  waves: [{waves}]
  cleaning: {{{cleaning}}}
"""
FIELDS = "name,source,kind,scale,low,high,reverse,missing,labels,group,metric,check,question_en"
CODEBOOK = [
    "person,ID,id,,,,,,,,,,",
    "client,Customer,customer,,,,,,,,,,",
    "filled,When,date,,,,,,,,,,",
    "seconds,Took,duration,,,,,,,,,,",
    "q1,,scale,agreement,1,5,,99,,,csat,,",
    "q2,,scale,agreement,1,5,yes,,,,,,",
    "q3,,scale,agreement,1,5,,,4=Sort of/یک جورهایی,,,,",
    "nps,,scale,,0,10,,,,,nps,,",
    "age,,number,,18,99,,,,,,,",
    "city,,nominal,,,,,9,1=Tehran/تهران|2=Yazd/یزد,,,,",
    "by_bus,Bus,tick,,,,,,,how,,,Bus",
    "by_car,Car,tick,,,,,,,how,,,Car",
    "paid,,multi,,,,,,c=Card/کارت|k=Cash/نقد,paid,,,",
    "theme1,T1,codes,,,,,0,7=Price/قیمت|8=Delay/تأخیر,theme,,,",
    "theme2,T2,codes,,,,,0,7=Price/قیمت|8=Delay/تأخیر,theme,,,",
    "agreed,,consent,,,,,,,,,,",
    "careful,,check,,1,5,,,,,,3,",
    "remark,,text,,,,,,,,,,",
    "name,Name,personal,,,,,,,,,,",
]
HEADER = "ID,Customer,When,Took,q1,q2,q3,nps,age,city,Bus,Car,paid,T1,T2,agreed,careful,remark,Name"
PLAIN = "{n},,2025-06-08,300,4,2,3,9,30,1,1,,c;k,7,,1,3,fine,Ali"
OFF = "duplicates: false"


@pytest.fixture
def write_study(tmp_path):
    """Write a study folder and load it."""

    def write(*rows: str, cleaning: str = OFF, codebook=CODEBOOK, header=HEADER, waves=1):
        lines = [f"{{id: w{i}, date: '2025-01-0{i + 1}', files: [w{i}.csv]}}" for i in range(waves)]
        text = STUDY.format(waves=", ".join(lines), cleaning=cleaning)
        (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
        (tmp_path / "codebook.csv").write_text("\n".join([FIELDS, *codebook]), encoding="utf-8")
        for i in range(waves):
            place = tmp_path / f"w{i}.csv"
            place.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return load_study(tmp_path)

    return write


def cells(survey, column):
    rows = survey.ledger[survey.ledger["column"].eq(column)]
    return [(r.rule, r.old, None if pd.isna(r.new) else r.new, r.action) for r in rows.itertuples()]


def test_the_whole_way_by_hand(write_study):
    """Each row is there for one thing; row 0 needs nothing done."""
    survey = clean_answers(
        write_study(
            PLAIN.format(n=1),
            "2,C-1,۱۸ خرداد ۱۴۰۴,5:00,99,5,یک جورهایی,11,۳۰,Yazd,,Radio,Cash,7,7,no,3,NA,Sara",
            "3,C-1,,,کاملاً موافقم,کاملاً موافقم,,0,17,9,,,,8,7,,4,كتاب,",
        )
    )

    rows = survey.respondents
    assert rows["q1"].tolist()[::2] == [4, 5]
    assert rows["q2"].tolist() == [4, 1, 1]
    assert rows["q3"].tolist()[:2] == [3, 4]
    assert rows["nps"].isna().tolist() == [False, True, False]
    assert rows["age"].isna().tolist() == [False, False, True]
    assert rows["city"].fillna("?").tolist() == ["1", "2", "?"]
    assert rows["date"].dt.strftime("%F").fillna("?").tolist() == ["2025-06-08", "2025-06-08", "?"]
    assert rows["duration_s"].tolist()[:2] == [300, 300]
    assert rows[["by_bus", "by_car"]].to_numpy().tolist() == [
        [True, False], [False, True], [False, False],
    ]  # fmt: skip
    assert rows[["paid_c", "paid_k"]].to_numpy().tolist() == [
        [True, True], [False, True], [False, False],
    ]  # fmt: skip
    assert rows["agreed"].tolist()[:2] == [True, False]
    assert rows["remark"].tolist() == ["fine", "NA", "کتاب"]
    assert rows["weight"].tolist() == [1, 1, 1]
    assert rows["customer_id"].nunique() == 1
    assert not {"name", "careful", "person", "client"} & set(rows.columns)
    assert cells(survey, "q2") == [
        ("reversed", "2", "4", "changed"),
        ("reversed", "5", "1", "changed"),
        ("words to number; reversed", "کاملاً موافقم", "1", "changed"),
    ]
    assert cells(survey, "nps") == [("out of range", "11", None, "missing")]
    assert cells(survey, "q1")[0] == ("missing code", "99", None, "missing")
    assert survey.unfit["column"].tolist() == ["nps", "age"]
    assert survey.unfit["threshold"].tolist() == ["0 to 10", "18 to 99"]
    assert survey.quality["failed_checks"].tolist() == [0, 0, 1]
    assert "Sara" not in survey.ledger.to_csv() + rows.to_csv()
    assert "C-1" not in survey.ledger.to_csv() + rows.to_csv()
    assert survey.ledger.duplicated(["respondent_id", "column"]).sum() == 0


def test_input_is_left_alone_and_the_same_twice(write_study):
    study = write_study(PLAIN.format(n=1), PLAIN.format(n=2))
    raw = read_answers(study)
    before = raw.table.copy()
    first, second = clean_answers(study, raw=raw), clean_answers(study)
    pd.testing.assert_frame_equal(raw.table, before)
    pd.testing.assert_frame_equal(first.ledger, second.ledger)
    pd.testing.assert_frame_equal(first.respondents, second.respondents)


RULES = "seconds_per_item: 2, longstring_share: 0.8, failed_checks: 1, missing_share: 0.5"
MANY = [
    "person,ID,id,,,,,,,,,,",
    "client,Customer,customer,,,,,,,,,,",
    "took,,duration,,,,,,,,,,",
    "check1,,check,,1,5,,,,,,2|two,",
    *[f"i{k},,scale,,1,5,{'yes' if k == 5 else ''},99|6,6=Never used,,,," for k in range(1, 11)],
]
MANY_HEADER = "ID,Customer,took,check1," + ",".join(f"i{k}" for k in range(1, 11))
ROWS = {
    "fine": "1,A,60,2,1,2,3,4,5,1,2,3,4,5",
    "too fast": "2,B,19,2,1,2,3,4,5,1,2,3,4,4",
    "just in time": "3,C,20,2,1,2,3,4,5,1,2,3,4,3",
    "one answer": "4,D,60,2,3,3,3,3,3,3,3,3,1,2",
    "nearly one answer": "5,E,60,2,3,3,3,3,3,3,3,2,3,2",
    "failed": "6,F,60,4,1,2,3,4,5,1,2,3,5,5",
    "right in words": "7,G,60,Two,1,2,3,4,5,1,2,4,5,5",
    "left out": "8,H,60,2,1,2,3,4,,99,,-,99,",
    "half left out": "9,I,60,2,1,2,3,4,5,99,,-,99,",
    "never used": "10,J,60,2,1,6,6,6,6,6,6,6,6,6",
    "second answer": "11,A,60,2,1,2,3,4,5,1,2,3,4,1",
    "twin of fine": "12,,50,2,1,2,3,4,5,1,2,3,4,5",
    "fast and failed": "13,K,5,1,1,2,3,4,4,1,2,3,4,5",
}


def test_each_rule_removes_whom_it_should(write_study):
    survey = clean_answers(
        write_study(*ROWS.values(), cleaning=RULES, codebook=MANY, header=MANY_HEADER)
    )
    hit = dict(zip(ROWS, survey.quality["rules"], strict=True))

    assert hit == {
        "fine": "",
        "too fast": "seconds_per_item",
        "just in time": "",
        "one answer": "longstring_share",
        "nearly one answer": "",
        "failed": "failed_checks",
        "right in words": "",
        "left out": "missing_share",
        "half left out": "",
        "never used": "",
        "second answer": "duplicate",
        "twin of fine": "duplicate",
        "fast and failed": "failed_checks; seconds_per_item",
    }
    flow = survey.flow.set_index("step")
    assert flow["rows"].tolist() == [13, 11, 10, 8, 7, 6, 6]
    assert flow.loc["seconds_per_item", ["hit", "removed"]].tolist() == [2, 1]
    gone = survey.ledger[survey.ledger["action"].eq("removed")].set_index("row")
    assert len(gone) == 7
    assert gone.loc[14, "threshold"] == "at least 1; less than 2"
    assert gone.loc[14, "old"] == "failed_checks 1; seconds_per_item 0.5"
    assert gone.loc[5, "old"] == "longstring_share 0.8"
    first = survey.quality["respondent_id"].iloc[0]
    assert gone.loc[12, "old"] == f"duplicate {first}"
    assert "13 rows read, 7 removed, 6 analysed" in survey.summary()


def test_the_run_is_of_answers_as_given_not_as_turned(write_study):
    """i5 is reversed: a row of fives stays a run of ten."""
    row = "1,A,60,2," + ",".join("5" * 10)
    survey = clean_answers(write_study(row, codebook=MANY, header=MANY_HEADER))

    assert survey.quality["longstring"].tolist() == [10]
    assert survey.respondents["i5"].tolist() == [1]
    assert survey.quality["irv"].tolist() == [0]


def test_a_gap_does_not_break_a_run(write_study):
    row = "1,A,60,2,3,3,,3,3,6,3,1,2,1"
    survey = clean_answers(write_study(row, codebook=MANY, header=MANY_HEADER))

    assert survey.quality["longstring"].tolist() == [5]
    assert survey.quality["longstring_share"].tolist() == [0.5]
    assert survey.quality["missing_share"].tolist() == [0.1]
    spread = statistics.stdev([3, 3, 3, 3, 3, 1, 2, 1])
    assert survey.quality["irv"].tolist() == pytest.approx([spread])


def test_ids_that_come_twice_still_give_one_row_each(write_study):
    study = write_study(PLAIN.format(n=1), PLAIN.format(n=1), waves=2)
    survey = clean_answers(study)

    assert survey.respondents["respondent_id"].is_unique
    assert len(survey.respondents) == 4
    assert survey.respondents["wave"].tolist() == ["w0", "w0", "w1", "w1"]


values = st.sampled_from(
    ["1", "۲", "3", "5", "6", "99", "", "-", "Agree", "کاملاً موافقم", "9 lives", "4 - Agree",
     "2025-06-08", "۱۴۰۴/۳/۱۸", "30 Esfand 1404", "C;K", "Cash", "نقد؛ کارت", "7", "0", "no",
     "Yes", "Tehran", " 3.0 ", "2:30", "text", "Sort of"]
)  # fmt: skip
records = st.lists(st.lists(values, min_size=19, max_size=19), min_size=1, max_size=30)


@settings(max_examples=10)
@given(records, st.booleans())
def test_laws_nothing_lost_and_the_ledger_says_everything(tmp_path_factory, drawn, clean):
    """Rows in are rows kept and removed; the ledger alone makes the clean table again."""
    folder = tmp_path_factory.mktemp("law")
    rules = RULES if clean else OFF
    wave = "{id: w0, files: [w0.csv]}"
    (folder / "study.yaml").write_text(STUDY.format(waves=wave, cleaning=rules), encoding="utf-8")
    (folder / "codebook.csv").write_text("\n".join([FIELDS, *CODEBOOK]), encoding="utf-8")
    with (folder / "w0.csv").open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([HEADER.split(","), *drawn])
    study = load_study(folder)
    raw = read_answers(study)
    survey = clean_answers(study, raw=raw)

    removed = survey.ledger["action"].eq("removed").sum()
    assert survey.raw_rows == len(raw.table) == len(survey.respondents) + removed
    flow = survey.flow
    assert flow["rows"].iloc[0] - flow["removed"].sum() == flow["rows"].iloc[-1]
    assert flow["rows"].is_monotonic_decreasing
    assert (flow["removed"] <= flow["hit"]).all()
    assert not survey.ledger.duplicated(["file", "row", "column"]).any()
    replayed = replay_ledger(raw, survey.ledger, codebook=study.codebook).reset_index(drop=True)
    columns = [c for c in replayed.columns if c != "date"]
    pd.testing.assert_frame_equal(replayed[columns], survey.respondents[columns])
    kept = survey.respondents
    for name, low, high in (("q1", 1, 5), ("q2", 1, 5), ("nps", 0, 10), ("age", 18, 99)):
        assert kept[name].dropna().between(low, high).all()


@settings(max_examples=20)
@given(records)
def test_a_cell_that_is_not_in_the_ledger_was_plain_already(drawn):
    for item in (Item("q", "scale", scale="agreement", low=1, high=5), Item("q", "date")):
        for text in {cell for row in drawn for cell in row}:
            reading = read_value(text, item)
            if not reading.rule and reading.text is not None:
                assert reading.text == text.strip()


def test_a_stricter_rule_removes_no_fewer(write_study):
    study = write_study(*ROWS.values(), cleaning=RULES, codebook=MANY, header=MANY_HEADER)
    survey = clean_answers(study)
    chosen = find_hits(survey.quality, cleaning=study.cleaning).table.any(axis=1)
    strict = find_hits(survey.quality, cleaning=stricter(study.cleaning)).table.any(axis=1)

    assert not (chosen & ~strict).any()
    assert strict.sum() > chosen.sum()
    nobody = find_hits(survey.quality, cleaning=Cleaning(duplicates=False))
    assert trace_flow(nobody)["rows"].tolist() == [13, 13]


def test_compare_cleaning_by_hand(write_study):
    """40 answer 4 with care, 10 race through with 1: the mean moves from 3.4 to 4."""
    careful = [f"{n},,,60,4,2,3,9,30,1,,,,,,,3,," for n in range(40)]
    racing = [f"{n},,,2,1,2,3,0,30,1,,,,,,,3,," for n in range(50, 60)]
    study = write_study(*careful, *racing, cleaning="seconds_per_item: 1, duplicates: false")
    found = compare_cleaning(clean_answers(study), strict=study.cleaning)
    mean = found.table.set_index(["metric", "cleaning"])["estimate"]

    assert mean["q1", "none"] == pytest.approx(3.4)
    assert mean["q1", "chosen"] == pytest.approx(4)
    assert mean["nps", "none"] == pytest.approx(60)
    assert mean["nps", "chosen"] == pytest.approx(100)
    assert found.table["n"].tolist() == [50, 40, 40] * 2
    assert "under 1 seconds per item" in found.rules["chosen"]


def test_compare_cleaning_says_too_few(write_study):
    found = compare_cleaning(clean_answers(write_study(PLAIN.format(n=1))))

    assert found.table["estimate"].isna().all()
    assert set(found.table["method"]) == {"too few (n < 30)"}


def test_count_codes_counts_people_once(write_study):
    """Price: 30 people, ten of them twice; delay: 20; others have no theme."""
    twice = [f"{n},,,,4,2,3,9,30,1,1,1,c,7,7,1,3,," for n in range(10)]
    price = [f"{n},,,,4,2,3,9,30,1,,1,k,7,0,1,3,," for n in range(10, 30)]
    delay = [f"{n},,,,4,2,3,9,30,1,,,,0,8,1,3,," for n in range(30, 50)]
    none = [f"{n},,,,4,2,3,9,30,1,,,,0,,1,3,," for n in range(50, 57)]
    survey = clean_answers(write_study(*twice, *price, *delay, *none))

    themes = count_codes(survey, "theme").table
    assert themes["label"].tolist() == ["Price", "Delay"]
    assert themes["count"].tolist() == [30, 20]
    assert themes["n"].tolist() == [50, 50]
    expected = estimate_share(30, 50)
    assert themes.loc[0, ["estimate", "low", "high"]].tolist() == pytest.approx(
        [expected.estimate, expected.low, expected.high]
    )
    assert count_codes(survey, "theme", base="all").table["n"].tolist() == [57, 57]
    ways = count_codes(survey, "how").table
    assert ways[["code", "label", "count"]].to_numpy().tolist() == [
        ["by_car", "Car", 30], ["by_bus", "Bus", 10],
    ]  # fmt: skip
    assert count_codes(survey, "paid").table["count"].tolist() == [20, 10]
    assert count_codes(survey, "city").table["count"].tolist() == [57, 0]
    assert "most often Price (60% of 50" in count_codes(survey, "theme").summary()
    with pytest.raises(JourneyError, match="Did you mean 'theme'"):
        count_codes(survey, "themes")


def test_count_codes_suppresses_small_cells_and_small_bases(write_study):
    rows = [f"{n},,,,4,2,3,9,30,1,,,,7,{8 if n < 4 else 0},1,3,," for n in range(40)]
    table = count_codes(clean_answers(write_study(*rows)), "theme").table.set_index("label")

    assert pd.isna(table.loc["Delay", "count"])
    assert table.loc["Delay", "method"] == "suppressed (fewer than 5)"
    few = count_codes(clean_answers(write_study(*rows[:29])), "theme").table
    assert few["estimate"].isna().all()
    assert set(few["method"]) == {"too few (n < 30)"}


def test_an_nps_coded_1_to_11_is_noticed(write_study):
    rows = [PLAIN.format(n=n).replace(",9,30,", f",{n},30,") for n in range(1, 12)]
    survey = clean_answers(write_study(*rows))
    zero = clean_answers(write_study(*rows, PLAIN.format(n=0).replace(",9,30,", ",0,30,")))

    assert any("coded 1 to 11" in text for text in survey.warnings)
    assert survey.respondents["nps"].isna().sum() == 1
    assert not any("coded 1 to 11" in text for text in zero.warnings)
    declared = [line.replace("nps,,scale,,0,10,,,", "nps,,scale,,0,10,,11,") for line in CODEBOOK]
    quiet = clean_answers(write_study(*rows, codebook=declared))
    assert not any("coded 1 to 11" in text for text in quiet.warnings)
    assert quiet.unfit.empty


def test_warnings_say_what_could_not_be_judged(write_study):
    rules = "seconds_per_item: 2, longstring_share: 0.8, failed_checks: 1"
    bare = ["q1,,scale,agreement,1,5,,,,,,,", "w,,weight,,,,,,,,,,"]
    study = write_study("4,2", "3,2", cleaning=rules, codebook=bare, header="q1,w")
    text = " ".join(clean_answers(study).warnings)

    for said in ("mean 2, not 1", "no duration", "fewer than 5 rated", "no attention check"):
        assert said in text


def test_refusals_name_the_line(write_study):
    wrong = ["q1,,scale,agrement,1,5,,,,,,,"]
    with pytest.raises(ScaleError, match=r"line 2 \('q1'\).*Did you mean 'agreement'"):
        clean_answers(write_study("1", codebook=wrong, header="q1"))
    taken = ["weight,,scale,,1,5,,,,,,,"]
    with pytest.raises(ColumnError, match="codebook line 2 takes it"):
        clean_answers(write_study("1", codebook=taken, header="weight"))
    with pytest.raises(JourneyError, match="'all'"):
        count_codes(clean_answers(write_study(PLAIN.format(n=1))), "how", base="some")


def test_no_survey_is_said(tmp_path):
    (tmp_path / "study.yaml").write_text(
        "study: 1\nid: t\ntitle: T\nbrand: B\nlanguage: en\n"
        "stages: [{id: a, label: A}, {id: b, label: B}]\n",
        encoding="utf-8",
    )
    with pytest.raises(MissingSourceError, match="Add 'survey' to study.yaml"):
        clean_answers(load_study(tmp_path))
