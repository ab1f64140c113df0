"""Privacy at the door: undeclared columns, data in free text, k-anonymity, what is exported."""

from __future__ import annotations

import stat
from collections import Counter

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjlib.errors import ColumnError, JourneyError
from cjlib.language import find_personal
from cjlib.notebook import open_results
from cjlib.study import load_study
from cjlib.study.model import KEY_FILE
from cjlib.survey import (
    clean_answers,
    find_quasi_identifiers,
    measure_anonymity,
    read_answers,
    replay_ledger,
    scan_answers,
    suppress_small_groups,
)

STUDY = """
study: 1
id: trial
title: Trial
brand: Trial
language: en
privacy: {key: file, minimum_cell: 2}
stages: [{id: buy, label: Buy}, {id: use, label: Use}]
survey:
  waves: [{id: w0, date: '2025-01-01', files: [w0.csv]}]
  cleaning: {duplicates: false}
"""
CODEBOOK = [
    "name,source,kind,low,high,role,labels",
    "person,ID,id,,,,",
    "mail,Mail,personal,,,,",
    "age,Age,number,18,99,description,",
    "city,City,nominal,,,description,t=Tehran/تهران|y=Yazd/یزد",
    "tongue,Lang,language,,,description,",
    "remark,Remark,text,,,comment,",
    "other,Other,nominal,,,,",
]
HEADER = "ID,Mail,Age,City,Lang,Remark,Other,Line,Full name,Order,E-mail"
ROWS = [
    "1,a@x.ir,30,Tehran,fa,کد ملی ۰۴۹۹۳۷۰۸۹۹ و 09121234567 یا 09351234567,1,09121234567,Ali,1,1",
    "2,b@x.ir,30,Tehran,fa,all fine,mail me: b@x.ir,۰۹۳۵ ۱۲۳ ۴۵۶۷,Sara,2,0",
    "3,c@x.ir,30,Yazd,en,,2,,Rose,0499370899,1",
    "4,d@x.ir,0912 000 1234,Yazd,en,10 / 10,2,no,,1234567890,0",
]


@pytest.fixture
def study(tmp_path):
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    (tmp_path / "codebook.csv").write_text("\n".join(CODEBOOK) + "\n", encoding="utf-8")
    (tmp_path / "w0.csv").write_text("\n".join([HEADER, *ROWS]) + "\n", encoding="utf-8")
    return load_study(tmp_path)


def test_undeclared_columns_by_hand(study):
    """Line: two phones of three cells; Full name: by its header; Mail is declared."""
    found = scan_answers(study).columns

    told = found[["column", "item", "kind", "by", "cells", "share"]].to_numpy().tolist()
    assert told == [
        ["Line", "", "phone", "cells", 3, pytest.approx(2 / 3)],
        ["Full name", "", "name", "header", 3, 0.0],
        ["E-mail", "", "email", "header", 4, 0.0],
    ]


def test_data_in_free_text_by_hand(study):
    """One cell with an id and two phones, an address in "other", a phone where an age was due.

    Half of the orders have ten digits: the one that passes the check is not counted.
    """
    scan = scan_answers(study)

    told = scan.texts[["row", "column", "kind", "count", "masked"]].to_numpy().tolist()
    assert sorted(told) == sorted(
        [
            [2, "Remark", "national_id", 1, True],
            [2, "Remark", "phone", 2, True],
            [3, "Other", "email", 1, False],
            [5, "Age", "phone", 1, False],
        ]
    )
    assert scan.summary() == (
        "3 column(s) look personal and are not declared so: Line (phone), Full name (name), "
        "E-mail (email); 3 cell(s) of other columns hold personal data "
        "(email 1, national_id 1, phone 3)."
    )
    assert not any(find_personal(str(cell)) for cell in scan.texts.to_numpy().ravel())


def test_a_tick_is_no_address(study, tmp_path):
    """The header "E-mail" over twenty cells of 0 and 1 is an option, not an address."""
    rows = [ROWS[i % 4].replace("1,", "1,", 1) for i in range(24)]
    (tmp_path / "w0.csv").write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")

    assert "E-mail" not in scan_answers(study).columns["column"].tolist()


def test_order_numbers_that_pass_the_check_by_chance(study, tmp_path):
    header, rows = "ID,Order,Text", [f"{i},{1000000000 + 7919 * i},x" for i in range(200)]
    (tmp_path / "w0.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")

    scan = scan_answers(study)

    assert len(scan.columns) == 0
    assert len(scan.texts) == 0
    assert any(find_personal(row.split(",")[1]) for row in rows)


def test_cleaning_masks_free_text_and_the_ledger_tells_it(study):
    survey = clean_answers(study)

    first = survey.respondents["remark"].tolist()[0]
    assert first == "کد ملی [national id] و [phone] یا [phone]"
    rows = survey.ledger[survey.ledger["rule"].eq("personal data")]
    assert rows[["column", "threshold", "old", "new", "action"]].to_numpy().tolist() == [
        ["remark", "national_id; phone", first, first, "changed"]
    ]


def test_nothing_personal_is_left_in_ledger_and_unfit(study):
    """Also where a phone stood in the box for the age, which became missing."""
    survey = clean_answers(study)

    for frame in (survey.ledger[["old", "new"]], survey.unfit, survey.respondents[["remark"]]):
        texts = [str(cell) for cell in frame.to_numpy().ravel() if pd.notna(cell)]
        assert [text for text in texts if find_personal(text)] == []
    age = survey.ledger[survey.ledger["column"].eq("age")]
    assert age[["old", "action"]].to_numpy().tolist() == [["[phone]", "missing"]]
    assert survey.unfit.loc[survey.unfit["column"].eq("age"), "value"].tolist() == ["[phone]"]


def test_the_ledger_still_makes_the_clean_table(study):
    raw = read_answers(study)
    survey = clean_answers(study, raw=raw)

    again = replay_ledger(raw, survey.ledger, codebook=study.codebook)

    expected = survey.respondents[again.columns]
    pd.testing.assert_frame_equal(again.reset_index(drop=True), expected, check_dtype=False)


def test_pseudonyms_need_the_key(study):
    """The key stands apart and is its owner's alone; another key, other pseudonyms."""
    ids = pd.Series(["1", "2", None, " 1 "])
    made = study.pseudonyms(ids, "R")
    key = study.path / KEY_FILE

    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert made[0] == made[3] != made[1]
    assert pd.isna(made[2])
    key.write_text("ab" * 32, encoding="ascii")
    assert study.pseudonyms(ids, "R")[0] != made[0]


PEOPLE = [  # respondent, customer, age, city: who is told apart by what
    ("twin 1", "a", 30.0, "t"),
    ("twin 2", "b", 30.0, "t"),
    ("alone", "c", 41.0, "t"),
    ("only in Yazd", "d", 30.0, "y"),
    ("no age 1", "e", None, "t"),
    ("no age 2", "f", None, "t"),
    ("says nothing", "g", None, None),
    ("came twice", "h", 55.0, "y"),
    ("came twice, again", "h", 55.0, "y"),
]


@pytest.fixture
def people():
    columns = ["respondent_id", "customer_id", "age", "city"]
    return pd.DataFrame(PEOPLE, columns=columns).astype({"city": "string"})


class _Survey:
    """What ``measure_anonymity`` reads of a survey."""

    def __init__(self, study, respondents):
        self.study, self.respondents = study, respondents


def test_k_anonymity_by_hand(study, people):
    """Eight people: one who came twice is one, one says nothing and is in no group."""
    found = measure_anonymity(_Survey(study, people), quasi=["age", "city"])

    assert found.k == 2
    columns = ["items", "groups", "smallest", "n", "unique", "small"]
    assert found.table[columns].to_numpy().tolist() == [
        ["age", 3, 1, 5, 2, 2],  # 30 x 3, 41, 55
        ["city", 2, 2, 7, 0, 0],  # t x 5, y x 2
        ["age + city", 5, 1, 7, 3, 3],  # alone, only in Yazd, came twice
    ]
    assert found.table["small_share"].tolist() == pytest.approx([2 / 5, 0, 3 / 7])
    assert found.summary() == (
        "By age + city, 3 of 7 people (43%) are alone with their answers and 3 (43%) stand in "
        "groups of fewer than 2; of single items age tells most people apart (40% in small "
        "groups)."
    )


def test_suppression_by_hand(study, people):
    before = people.copy()
    safe = measure_anonymity(_Survey(study, people), quasi=["age", "city"]).suppressed(people)

    gone = safe["city"].isna() & people["city"].notna()
    assert safe.loc[gone, "respondent_id"].tolist() == [
        "alone", "only in Yazd", "came twice", "came twice, again",
    ]  # fmt: skip
    assert safe.loc[gone, "age"].isna().all()
    assert safe["customer_id"].tolist() == people["customer_id"].tolist()
    pd.testing.assert_frame_equal(people, before)


def test_combinations_that_are_looked_at(study, people):
    four = people.assign(sex="f", job=["x", "y", "z", "x", "y", "z", "x", "y", "z"])
    table = measure_anonymity(_Survey(study, four), quasi=["age", "city", "sex", "job"]).table

    assert table["used"].tolist() == [1] * 4 + [2] * 6 + [3] * 4 + [4]
    assert table["items"].is_unique


def test_quasi_identifiers_come_from_the_codebook(study):
    """The language has a name of its own in the respondents table."""
    assert find_quasi_identifiers(study) == ("age", "city", "language", "tongue")
    assert measure_anonymity(clean_answers(study)).quasi == ("age", "city", "language")


def test_errors_say_what_to_do(study, people):
    survey = _Survey(study, people)
    with pytest.raises(ColumnError, match="'cty' is none. Did you mean 'city'"):
        measure_anonymity(survey, quasi=["cty"])
    with pytest.raises(ColumnError, match=r"Pass quasi=\[...\]"):
        measure_anonymity(survey, quasi=[])
    with pytest.raises(JourneyError, match="k must be 2 or more; got 1"):
        measure_anonymity(survey, quasi=["age"], k=1)


answers = st.sampled_from(["a", "b", "c", None])
tables = st.lists(st.tuples(answers, answers, answers), max_size=30)


@given(tables, st.integers(2, 5))
def test_laws_of_suppression(rows, k):
    """The slow second way counts by hand; what is left is shared by k people or more."""
    frame = pd.DataFrame(rows, columns=["x", "y", "z"], dtype="string")
    frame.insert(0, "respondent_id", [f"R{i}" for i in range(len(frame))])

    safe, cells = suppress_small_groups(frame, quasi=["x", "y", "z"], k=k)

    size = Counter(rows)
    expected = [(None,) * 3 if size[row] < k else row for row in rows]
    left = [tuple(v if pd.notna(v) else None for v in r[1:]) for r in safe.to_numpy().tolist()]
    assert left == expected
    assert all(n >= k for row, n in Counter(left).items() if any(row))
    lost = [v for row, now in zip(rows, left, strict=True) if row != now for v in row]
    assert cells == sum(v is not None for v in lost)
    assert suppress_small_groups(safe, quasi=["x", "y", "z"], k=k)[1] == 0


@given(tables)
def test_change_twice_the_people_never_fewer_shown(rows):
    frame = pd.DataFrame(rows, columns=["x", "y", "z"], dtype="string")
    one = frame.assign(respondent_id=[f"R{i}" for i in range(len(frame))])
    two = frame.assign(respondent_id=[f"twin {i}" for i in range(len(frame))])
    twins = pd.concat([one, two])

    alone = suppress_small_groups(one, quasi=["x", "y", "z"], k=3)[0][["x", "y", "z"]]
    both = suppress_small_groups(twins, quasi=["x", "y", "z"], k=3)[0][["x", "y", "z"]]

    assert (both.iloc[: len(one)].notna() | alone.isna()).all(axis=None)


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"city": ["t"], "n": [1]}),  # no people
        pd.DataFrame({"respondent_id": ["R1"], "persona": ["p"]}),  # no description
        pd.DataFrame({"respondent_id": pd.Series([], dtype="string"), "city": []}),
    ],
)
def test_tables_that_stay_as_they_are(frame):
    safe, cells = suppress_small_groups(frame, quasi=["city"], k=5)

    assert cells == 0
    pd.testing.assert_frame_equal(safe, frame, check_dtype=False)


def test_a_ledger_counts_as_the_answers_it_tells():
    """Two told both t and 30, one told t and 31: told apart, they lose both; q stays."""
    ledger = pd.DataFrame(
        [
            ("R1", "city", "Tehran", "t"), ("R1", "age", "۳۰", "30"), ("R1", "q", "x", "1"),
            ("R2", "city", "تهران", "t"), ("R2", "age", "۳۰", "30"),
            ("R3", "city", "Tehran", "t"), ("R3", "age", "۳۱", "31"), ("R3", "q", "x", "1"),
            ("R4", "q", "x", None),
        ],
        columns=["respondent_id", "column", "old", "new"],
    ).astype("category")  # fmt: skip

    safe, cells = suppress_small_groups(ledger, quasi=["city", "age"], k=2)

    assert cells == 4
    assert safe["old"].isna().tolist() == [False] * 5 + [True, True, False, False]
    assert safe["new"].isna().tolist() == [False] * 5 + [True, True, False, True]


def test_exported_tables_of_people_are_safe(study, tmp_path, monkeypatch):
    """Without a word in the notebook: the file and the page withhold, and say how much."""
    monkeypatch.setenv("CJLIB_RESULTS", str(tmp_path / "results"))
    results = open_results(study, "02_survey")
    survey = clean_answers(study)

    page = results.table(survey.respondents, "people", caption="People").data

    written = pd.read_csv(tmp_path / "results/tables/02_survey/people.csv")
    assert written["city"].isna().tolist() == [False, False, True, True]
    assert "5 cells withheld: fewer than 2 people of the table share these descriptions" in page
    results.table(survey.ledger, "ledger")
    told = pd.read_csv(tmp_path / "results/tables/02_survey/ledger.csv")
    city = told[told["column"].eq("city")]
    assert city["new"].fillna("").tolist() == ["t", "t", "", ""]


@pytest.mark.real
def test_a_real_qualtrics_export(shared_data, tmp_path):
    """Nobody declared anything: the platform's own personal columns are all flagged."""
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    (tmp_path / "codebook.csv").write_text(
        "name,source,kind\nperson,ResponseId,id\n", encoding="utf-8"
    )
    file = shared_data / "qualtrics_ux_cupcake/qualtrics_export.csv"
    (tmp_path / "w0.csv").write_bytes(file.read_bytes())

    found = scan_answers(load_study(tmp_path)).columns

    assert set(zip(found["column"], found["kind"], strict=True)) == {
        ("IPAddress", "ip"),
        ("RecipientLastName", "name"),
        ("RecipientFirstName", "name"),
        ("RecipientEmail", "email"),
        ("LocationLatitude", "coordinates"),
        ("LocationLongitude", "coordinates"),
    }
