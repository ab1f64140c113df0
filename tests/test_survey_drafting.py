"""Drafted codebooks: kinds by hand, on every real export, and laws on any table."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cjlib.codebook import FIELDS, read_codebook
from cjlib.definitions import Dialect
from cjlib.study import load_study
from cjlib.survey import clean_answers, read_answers
from cjlib.survey.answers import name_places
from cjlib.survey.drafting import draft_codebook
from cjlib.survey.exports import read_export
from cjlib.tables import neutralise

STUDY = """
study: 1
id: trial
title: Trial
brand: Trial
language: en
currency: {{id: toman, label: Toman}}
privacy: {{key: public}}
stages: [{{id: buy, label: Buy}}, {{id: use, label: Use}}]
survey:
  waves: [{{id: w, files: ["{file}"]}}]
  cleaning: {{duplicates: false}}
"""


def write_rows(file: Path, rows: list[list[str]]) -> Path:
    with file.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows(rows)
    return file


def write_columns(file: Path, columns: dict[str, list[str]]) -> Path:
    rows = zip(*columns.values(), strict=True)
    return write_rows(file, [list(columns), *map(list, rows)])


def study_with(draft, file: Path, folder: Path):
    """Make a study of one export with nothing but the draft for a codebook."""
    folder.mkdir(exist_ok=True)
    if file.parent != folder:
        shutil.copy(file, folder / file.name)
    (folder / "study.yaml").write_text(STUDY.format(file=file.name), encoding="utf-8")
    (folder / "codebook.csv").write_text(draft.to_csv(), encoding="utf-8", newline="")
    codebook, faults = read_codebook(folder / "codebook.csv")
    assert faults == []
    assert len(codebook.items) == len(draft.table)
    return load_study(folder)


def by_header(draft) -> pd.DataFrame:
    return draft.table.set_index("source")


# 1 By hand: each column is there for a reason


@pytest.fixture
def form(tmp_path):
    """Forty answers to a form with one trap a column."""
    n = 40
    cycle = lambda *values: [values[i % len(values)] for i in range(n)]  # noqa: E731
    return write_columns(
        tmp_path / "form.csv",
        {
            "ResponseId": [f"R_{i:04d}abcXYZ" for i in range(n)],
            "StartDate": cycle("2025-06-08 10:00:00", "2025-06-09 11:00:00"),
            "RecordedDate": cycle("2025-06-08 10:09:00", "2025-06-10 11:00:00"),
            "Duration (in seconds)": [str(200 + i) for i in range(n)],
            "UserLanguage": cycle("EN", "FA"),
            "Progress": cycle("100"),
            "Your e-mail": [f"someone{i}@example.com" for i in range(n)],
            "contact": [f"0912{1000000 + i}" for i in range(n)],
            "weight": [f"{0.5 + i / 40:.3f}" for i in range(n)],
            "Weight (kg)": [str(55 + i) for i in range(n)],
            "Do you agree to take part?": cycle("Yes", "Yes", "Yes", "No"),
            "To show that you are reading, please choose 2.": cycle("2", "2", "2", "2", "5"),
            "چقدر احتمال دارد ما را به دوستان خود توصیه کنید؟": cycle("10", "۹", "8", "0", "-"),
            "How satisfied are you?": cycle(*"12345", "99"),
            "How easy was it? (1 hard to 7 easy)": cycle("5", "6", "7"),
            "How much effort did it take?": cycle(*"1234567"),
            "از خدمات ما راضی هستید": cycle("خیلی راضی", "راضی", "ناراضی", "خیلی ناراضی", "متوسط"),
            "The site helps me": cycle("5 - Strongly agree", "4 - Agree", "3 - Neutral", "1 - No"),
            "Q9_1": cycle("", "1"),
            "Q9_2": cycle("1", "", ""),
            "Q9_3": [""] * n,
            "Devices": cycle("Phone;Laptop", "Phone", "Laptop;Tablet", "Tablet"),
            "Reasons": cycle("Price, Quality", "Price", "Quality, Service", "Service", "Quality"),
            "Rude?": cycle("Yes, somewhat rude", "No, not at all rude", "Yes, very rude"),
            "Gender": cycle("f", "m", "F", "Prefer not to say"),
            "Age": [str(18 + i) for i in range(n - 1)] + ["999"],
            "Band": cycle("Gay/Bisexual", "A|B", "x=y"),
            "Same": cycle("one"),
            "Empty": [""] * n,
            "Why?": [f"Because number {i} of the many things was good." for i in range(n)],
        },
    )


EXPECTED = {
    "ResponseId": "id",
    "StartDate": "ignore",
    "RecordedDate": "date",
    "Duration (in seconds)": "duration",
    "UserLanguage": "language",
    "Progress": "ignore",
    "Your e-mail": "personal",
    "contact": "personal",
    "weight": "weight",
    "Weight (kg)": "number",
    "Do you agree to take part?": "consent",
    "To show that you are reading, please choose 2.": "check",
    "چقدر احتمال دارد ما را به دوستان خود توصیه کنید؟": "scale",
    "How satisfied are you?": "scale",
    "How easy was it? (1 hard to 7 easy)": "scale",
    "How much effort did it take?": "scale",
    "از خدمات ما راضی هستید": "scale",
    "The site helps me": "nominal",  # "1 - No" breaks the run 1 3 4 5
    "Q9_1": "tick",
    "Q9_2": "tick",
    "Q9_3": "tick",
    "Devices": "multi",
    "Reasons": "multi",
    "Rude?": "scale",
    "Gender": "nominal",
    "Age": "number",
    "Band": "nominal",
    "Same": "ignore",
    "Empty": "ignore",
    "Why?": "text",
}


def test_every_column_gets_the_kind_a_reader_would_give_it(form):
    draft = draft_codebook(form)

    assert by_header(draft)["kind"].to_dict() == EXPECTED
    assert list(draft.table.columns) == list(FIELDS)
    assert len(draft.notes) == len(draft.table)
    assert "30 columns" in draft.summary()
    assert "nps" in draft.summary()


def test_ends_missing_codes_and_metrics(form):
    table = by_header(draft_codebook(form))

    def told(header: str) -> list[str]:
        return table.loc[header, ["low", "high", "missing", "metric"]].tolist()

    assert told("چقدر احتمال دارد ما را به دوستان خود توصیه کنید؟") == ["0", "10", "", "nps"]
    assert told("How satisfied are you?") == ["1", "5", "99", "csat"]
    assert told("How easy was it? (1 hard to 7 easy)") == ["1", "7", "", "ces"]
    assert told("How much effort did it take?") == ["1", "7", "", "ces"]
    assert table.loc["از خدمات ما راضی هستید", ["scale", "low", "high", "metric"]].tolist() == [
        "satisfaction", "1", "5", "csat",
    ]  # fmt: skip
    assert table.loc["Age", "missing"] == "999"
    assert table.loc["Gender", "missing"] == "Prefer not to say"
    assert table.loc["Gender", "labels"] == "f=f|m=m"
    assert table.loc["Rude?", "labels"] == (
        "1=No, not at all rude|2=Yes, somewhat rude|3=Yes, very rude"
    )
    assert set(table.loc[["Q9_1", "Q9_2", "Q9_3"], "group"]) == {"q9"}
    assert not table["reverse"].any()


def test_effort_runs_the_other_way_and_the_note_says_so(form):
    notes = "\n".join(draft_codebook(form).notes)

    assert "effort: reverse it" in notes
    assert "a high answer means ease" in notes


def test_names_are_short_ascii_and_their_own(form):
    table = draft_codebook(form).table

    assert table["name"].is_unique
    assert table["name"].str.fullmatch(r"[a-z][a-z0-9_]{0,45}").all()
    assert not set(table["name"]) & {"weight", "date", "language", "wave", "row", "file"}
    assert table.loc[12, "name"] == "q13"  # a Persian header is not transliterated
    assert table.loc[12, "question_fa"] == table.loc[12, "source"]
    assert table.loc[12, "question_en"] == ""


def test_the_draft_cleans_the_form_it_was_drafted_from(form, tmp_path):
    draft = draft_codebook(form)
    survey = clean_answers(study_with(draft, form, tmp_path))
    name = dict(zip(draft.table["source"], draft.table["name"], strict=True))
    rows = survey.respondents

    assert survey.unfit.empty
    assert survey.absent.empty
    assert len(rows) == 40
    assert rows[name["Q9_1"]].sum() == 20
    assert rows[name["Q9_2"]].sum() == 14
    assert not rows[name["Q9_3"]].any()
    assert rows["devices_phone"].sum() == 20
    assert rows["reasons_quality"].sum() == 24
    nps = rows[name["چقدر احتمال دارد ما را به دوستان خود توصیه کنید؟"]]
    assert nps.value_counts().to_dict() == {10: 8, 9: 8, 8: 8, 0: 8}
    assert rows[name["از خدمات ما راضی هستید"]].value_counts().to_dict() == dict.fromkeys(
        (1.0, 2.0, 3.0, 4.0, 5.0), 8
    )
    band = rows[name["Band"]].map(dict(zip(["gay_bisexual", "a_b", "x_y"], "abc", strict=True)))
    assert band.value_counts().to_dict() == {"a": 14, "b": 13, "c": 13}
    assert survey.quality["checks"].eq(1).all()
    assert survey.quality["failed_checks"].sum() == 8


@pytest.mark.parametrize(
    ("points", "told", "metric"),
    [
        (range(0, 11), "candidate for NPS", "nps"),
        (range(1, 11), "no NPS", ""),
        (range(1, 12), "no NPS", ""),
        ([*range(0, 11), 11], "candidate for NPS", "nps"),
        ([5, 7, 8, 9, 10], "candidate for NPS", "nps"),  # few dared: 0 to 10 all the same
    ],
)
def test_only_0_to_10_is_nps(tmp_path, points, told, metric):
    cells = [str(p) for p in points] * 20
    file = write_columns(tmp_path / "x.csv", {"Would you recommend us?": cells, "b": cells})

    draft = draft_codebook(file)

    assert draft.table.loc[0, "metric"] == metric
    assert told in draft.notes[0]
    assert draft.table.loc[0, "kind"] == "scale"
    if 11 in points and 0 in points:
        assert draft.table.loc[0, ["high", "missing"]].tolist() == ["10", "11"]


def test_recommending_in_yes_and_no_is_no_nps(tmp_path):
    file = write_columns(tmp_path / "x.csv", {"Would you recommend us?": ["Yes", "No"] * 30})

    draft = draft_codebook(file)

    assert draft.table.loc[0, ["kind", "metric"]].tolist() == ["nominal", ""]


def test_codes_that_may_be_anything_stay_nominal_and_the_note_says_so(tmp_path):
    file = write_columns(tmp_path / "x.csv", {"Plan": list("12345") * 20})

    draft = draft_codebook(file)

    assert draft.table.loc[0, ["kind", "labels"]].tolist() == ["nominal", "1=|2=|3=|4=|5="]
    assert "if they rate" in draft.notes[0]


def test_a_battery_lends_its_ends_to_the_item_that_shows_fewer(tmp_path):
    wide = [str(i % 11) for i in range(110)]
    narrow = [str(5 + i % 6) for i in range(110)]
    file = write_columns(tmp_path / "x.csv", {"sat1": wide, "sat2": narrow, "sat3": narrow})

    table = draft_codebook(file).table

    assert table[["low", "high"]].drop_duplicates().to_numpy().tolist() == [["0", "10"]]


def test_a_rare_0_below_1_to_5_is_no_answer_and_said_so(tmp_path):
    cells = [*(list("12345") * 20), *["0"] * 5]
    file = write_columns(tmp_path / "x.csv", {"How good was it?": cells})

    draft = draft_codebook(file)

    assert draft.table.loc[0, ["low", "high", "missing"]].tolist() == ["1", "5", "0"]
    assert "0 (4.8 % of the cells) lies off the scale" in draft.notes[0]


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (["Strongly disagree", "Somewhat disagree", "Neither agree nor disagree",
          "Somewhat agree", "Strongly agree"], ""),
        (["Very unimportant", "Somewhat unimportant", "Neither important nor unimportant (so-so)",
          "Somewhat important", "Very important"], ""),
        (["Not at all comfortable", "Not so comfortable", "Somewhat comfortable",
          "Very comfortable", "Extremely comfortable", "I don't do this"], "I don't do this"),
        (["Not at all masculine", "Not very masculine", "Somewhat masculine",
          "Very masculine"], ""),
        (["اصلاً جدی نیست", "کمی جدی", "تا حدی جدی", "خیلی جدی", "کاملاً جدی"], None),
    ],
)  # fmt: skip
def test_words_of_growing_strength_are_put_in_order(tmp_path, words, missing):
    file = write_columns(tmp_path / "x.csv", {"What say you?": [*words, *words[::-1]] * 9})
    row = draft_codebook(file).table.loc[0]

    if missing is None:  # a stem that changes its form is not put in order
        assert row["kind"] == "nominal"
        return
    steps = [w for w in words if w != missing]
    assert row["labels"] == "|".join(f"{i}={w}" for i, w in enumerate(steps, 1))
    assert row[["kind", "low", "high", "missing"]].tolist() == [
        "scale", "1", str(len(steps)), missing,
    ]  # fmt: skip


def test_an_answer_of_unknown_place_is_never_dropped(tmp_path):
    words = ["Never", "Once in a while", "About half the time", "Usually", "Always"]
    file = write_columns(tmp_path / "x.csv", {"Do you recline?": words * 20})
    row = draft_codebook(file).table.loc[0]

    assert row[["kind", "missing"]].tolist() == ["nominal", ""]
    assert row["labels"].count("=") == 5


def test_a_slip_of_the_pen_does_not_widen_a_scale(tmp_path):
    cells = [*(list("12345") * 60), "6"]
    file = write_columns(tmp_path / "x.csv", {"How important is it?": cells})

    draft = draft_codebook(file)

    assert draft.table.loc[0, ["low", "high"]].tolist() == ["1", "5"]
    assert "99.7 %" in draft.notes[0]


def test_answers_that_only_a_comma_parts_stay_apart(tmp_path):
    with_it, without = "honest, kind, and loyal", "honest, kind and loyal"
    file = write_columns(tmp_path / "x.csv", {"Which?": [with_it, without, with_it] * 20})
    survey = clean_answers(study_with(draft_codebook(file), file, tmp_path))

    assert survey.respondents["which"].value_counts().to_dict() == {with_it: 40, without: 20}


def test_options_that_were_not_selected_count_as_such(tmp_path):
    columns = {
        "q4_0001": ["Father", "Not selected", "Not selected", "NA"] * 10,
        "q4_0002": ["Not selected", "Friends", "Friends", "NA"] * 10,
    }
    file = write_columns(tmp_path / "x.csv", columns)
    draft = draft_codebook(file)
    rows = clean_answers(study_with(draft, file, tmp_path)).respondents

    assert draft.table["kind"].tolist() == ["tick", "tick"]
    assert draft.table["question_en"].tolist() == ["Father", "Friends"]
    assert rows["q4_0001"].value_counts(dropna=False).to_dict() == {False: 20, True: 10, pd.NA: 10}
    assert rows["q4_0002"].sum() == 20


@pytest.mark.parametrize(
    ("header", "cells", "kind"),
    [
        ("Income", ["۵۰۰ هزار تومان", "2 million toman", "7,000,000 Rial", "-"], "money"),
        ("درآمد ماهانه (تومان)", [str(1_000_000 + 50_000 * i) for i in range(20)], "money"),
        ("Order Time", ["Weekend", "Weekday"], "nominal"),
        ("G01Q02Time", ["12.3", "4.5", "7"], "ignore"),
        ("Q19AGE", list("012345678"), "nominal"),
        ("Number of siblings", list("01235"), "number"),
        ("Date of birth", [f"1370/02/{i:02d}" for i in range(1, 31)], "personal"),
        ("تاریخ خرید", ["1404/02/03", "۱۴۰۴/۰۱/۰۱"], "date"),
        ("bought", ["03/04/2025", "25/04/2025"], "date"),
        ("zip", ["94110", "60614", "94117"], "nominal"),
        ("کد ملی", [f"{i:010d}" for i in range(1_000_000_000, 1_000_000_020)], "personal"),
        ("where", [f"35.{i}, 51.{i}" for i in range(123456, 123476)], "personal"),
        ("Should you be paid?", ["Yes", "No", "Not sure"], "nominal"),
        ("Please select all that apply", ["Phone", "Phone", "Laptop"], "nominal"),
        ("How often?", ["Never", "Rarely", "Sometimes", "Often", "Always"], "scale"),
        ("چقدر؟", ["خیلی کم", "کم", "متوسط", "زیاد", "خیلی زیاد"], "scale"),
        ("Remarks", [f"Something about {i}, and then more words." for i in range(30)], "text"),
    ],
)  # fmt: skip
def test_one_column_at_a_time(tmp_path, header, cells, kind):
    times = 60 // len(cells)
    columns = {"n": [str(i / 7) for i in range(times * len(cells))], header: cells * times}
    file = write_columns(tmp_path / "x.csv", columns)
    draft = draft_codebook(file)

    assert draft.table.loc[1, "kind"] == kind, draft.notes[1]
    survey = clean_answers(study_with(draft, file, tmp_path))
    assert survey.unfit.empty
    if kind == "money":
        assert survey.respondents.iloc[:, -1].notna().sum() >= 0.7 * len(columns["n"])
    if header == "bought":
        assert draft.table.loc[1, "scale"] == "dmy"


def test_a_column_nothing_can_name_is_left_out_and_told(tmp_path):
    file = write_rows(tmp_path / "x.csv", [["a", "", "a"], *([["yes", "b", "c"]] * 3)])

    draft = draft_codebook(file, dialect=Dialect(form="plain"))

    assert draft.table["kind"].tolist() == ["ignore", "ignore", "ignore"]
    assert "it has no header" in draft.notes[1]
    assert all("shares its header" in draft.notes[i] for i in (0, 2))
    assert not draft.table["source"].any()


def test_free_text_with_a_phone_in_it_is_told(tmp_path):
    words = [f"The courier of order {i} came late and said nothing at all." for i in range(30)]
    words[7] = "Call me on 09123456789 please, the courier came late."
    file = write_columns(tmp_path / "x.csv", {"Comment": words})

    draft = draft_codebook(file)

    assert draft.table.loc[0, "kind"] == "text"
    assert "1 cell holds personal data (phone)" in draft.notes[0]
    assert "09123456789" not in draft.to_csv() + "".join(draft.notes)


# 2 Other forms


def test_an_spss_file_tells_labels_and_missing_codes(tmp_path):
    frame = pd.DataFrame(
        {
            "sat": [1.0, 2, 3, 4, 5, 9] * 10,
            "rec": [0.0, 5, 8, 9, 10, 99] * 10,
            "sex": [1.0, 2, 1, 2, 1, 2] * 10,
            "kids": [0.0, 1, 2, 3, 14, 98] * 10,
            "how": [1.0, 2, 3, 4, 5, 6] * 10,
        }
    )
    file = tmp_path / "wave.sav"
    agreed = dict(enumerate(["کاملاً مخالفم", "مخالفم", "نظری ندارم", "موافقم", "کاملاً موافقم"], 1))
    pyreadstat.write_sav(
        frame,
        file,
        column_labels=["راضی هستید؟", "Would you recommend us?", "Sex", "Children", "Channel"],
        variable_value_labels={
            "sat": {**agreed, 9: "پاسخ نداد"},
            "rec": {0: "Not at all likely", 10: "Extremely likely", 99: "Refused"},
            "sex": {1: "Man", 2: "Woman"},
            "kids": {98: "No answer"},
            "how": dict(enumerate(["Web", "App", "Shop", "Phone", "Chat", "Mail"], 1)),
        },
        missing_ranges={"sat": [9], "rec": [99], "kids": [98]},
    )

    draft = draft_codebook(file)
    table = by_header(draft)
    survey = clean_answers(study_with(draft, file, tmp_path / "study"))

    assert draft.form == "spss"
    assert table["kind"].to_dict() == {
        "sat": "scale", "rec": "scale", "sex": "nominal", "kids": "number", "how": "nominal",
    }  # fmt: skip
    assert table["missing"].to_dict() == {
        "sat": "9",
        "rec": "99",
        "sex": "",
        "kids": "98",
        "how": "",
    }
    assert table.loc["rec", ["low", "high", "metric"]].tolist() == ["0", "10", "nps"]
    assert table.loc["sex", "labels"] == "1=Man|2=Woman"
    assert survey.unfit.empty
    assert survey.respondents["sat"].mean() == 3
    assert survey.respondents["kids"].max() == 14


def test_surveymonkey_options_are_one_group(tmp_path):
    first = [
        "RespondentID",
        "StartDate",
        "Which of these do you use? All that apply.",
        "",
        "",
        "Why?",
    ]
    second = ["", "", "Website", "App", "Other (please specify)", "Open-Ended Response"]
    rows = [
        [str(10_000 + i), "2025-06-08 10:00", "Website" if i % 2 else "", "App" if i % 3 else "",
         "by post" if i == 4 else "", f"answer {i} in words"]
        for i in range(30)
    ]  # fmt: skip
    file = write_rows(tmp_path / "x.csv", [first, second, *rows])

    draft = draft_codebook(file)
    survey = clean_answers(study_with(draft, file, tmp_path))

    assert draft.form == "surveymonkey"
    assert draft.table["kind"].tolist()[:4] == ["id", "date", "tick", "tick"]
    assert draft.table["question_en"].tolist()[2:4] == ["Website", "App"]
    assert draft.table["group"].nunique() == 2  # one, and none
    assert survey.respondents.iloc[:, -4].sum() == 15
    assert survey.unfit.empty


def test_limesurvey_codes(tmp_path):
    columns = {
        "id": [str(i) for i in range(1, 41)],
        "submitdate": ["2025-06-08 10:00:00", "2025-06-09 10:00:00"] * 20,
        "lastpage": ["3"] * 40,
        "startlanguage": ["fa", "en"] * 20,
        "interviewtime": [f"{100 + i / 3:.2f}" for i in range(40)],
        "Q1[SQ001]": ["Y", ""] * 20,
        "Q1[SQ002]": ["", "", "Y", ""] * 10,
        "Q1[other]": ["", "", "by post", ""] * 10,
        "Q2[1]": ["A1", "A2", "A3", "A4"] * 10,
        "groupTime12": [f"{i / 7:.2f}" for i in range(40)],
    }
    file = write_columns(tmp_path / "x.csv", columns)
    draft = draft_codebook(file)
    rows = clean_answers(study_with(draft, file, tmp_path)).respondents

    assert draft.form == "limesurvey"
    assert draft.table["kind"].tolist()[:7] == [
        "id", "date", "ignore", "language", "duration", "tick", "tick",
    ]  # fmt: skip
    assert draft.table["kind"].tolist()[8:] == ["nominal", "ignore"]
    assert rows["q1_sq001"].sum() == 20
    assert rows["q1_sq002"].sum() == 10
    assert rows["duration_s"].notna().all()


def test_a_dialect_is_taken_as_said(tmp_path):
    file = tmp_path / "x.csv"
    file.write_bytes("a;سن\n1;20\n2;30\n".encode("windows-1256"))

    draft = draft_codebook(file, dialect=Dialect(encoding="windows-1256", separator=";"))

    assert draft.table["source"].tolist() == ["a", "سن"]


# 3 Real exports: kinds written by hand, and the share of cells the draft cannot read

REAL = {
    "qualtrics_ux_cupcake/qualtrics_export.csv": (0.0, {
        "StartDate": "ignore", "Status": "ignore", "IPAddress": "personal", "Progress": "ignore",
        "Duration (in seconds)": "duration", "RecordedDate": "date", "ResponseId": "id",
        "RecipientEmail": "personal", "LocationLatitude": "personal", "UserLanguage": "language",
        "consent": "consent", "gender": "nominal", "computer_use_confide": "scale",
        "sweet_food_affinity": "scale", "Q93_1": "scale", "Q108_4": "scale", "Q111": "text",
        "feature_usefullness_1": "scale", "platform": "ignore", "ResponseID": "ignore",
        "IV1": "nominal",
    }),
    "qualtrics_prolific_climate/qualtrics_export.csv": (0.0, {
        "RecordedDate": "date", "Consent": "consent", "Attention": "check",
        "Competence_1": "number", "Impressiveness": "scale", "condition": "nominal",
        "PROLIFIC_PID": "customer",
    }),
    "starbucks_google_forms/Starbucks satisfactory survey.csv": (0.001, {
        "Timestamp": "date", "1. Your Gender": "nominal",
        "10. What do you most frequently purchase at Starbucks?": "multi",
        "13. How would you rate the price range at Starbucks?": "scale",
        "19. How do you come to hear of promotions at Starbucks? Check all that apply.": "multi",
        "20. Will you continue buying at Starbucks?": "nominal",
    }),
    "fivethirtyeight_surveys/comma-survey__comma-survey.csv": (0.0, {
        "RespondentID": "id", "Gender": "nominal", "Household Income": "nominal",
        "In your opinion, how important or unimportant is proper use of grammar?": "scale",
    }),
    "fivethirtyeight_surveys/flying-etiquette-survey__flying-etiquette.csv": (0.0, {
        "RespondentID": "id", "How often do you travel by plane?": "nominal",
        "Is itrude to recline your seat on a plane?": "scale", "How tall are you?": "nominal",
    }),
    "fivethirtyeight_surveys/masculinity-survey__raw-responses.csv": (0.0, {
        "q0001": "scale", "q0002": "scale", "q0004_0001": "tick", "q0005": "nominal",
        "q0010_0007": "tick", "q0030": "nominal", "weight": "weight",
    }),
    "fivethirtyeight_surveys/religion-survey__religion-survey-results.csv": (0.0, {
        "What is your present religion, if any?": "nominal", "What is your age?": "nominal",
    }),
    "fivethirtyeight_surveys/sleeping-alone-data__sleeping-alone-data.csv": (0.0, {
        "What are the reasons that you sleep in separate beds? Please select all that apply. "
        "[One of us snores]": "tick",
        "Which of the following best describes your current occupation?": "nominal",
        "Which of the following best describes your current occupation? "
        "[Other (please specify)]": "text",
    }),
    "young_people_survey/responses.csv": (0.0, {
        "Music": "scale", "Techno, Trance": "scale", "Smoking": "nominal", "Age": "number",
        "Weight": "number", "Number of siblings": "number", "Gender": "nominal",
        "Spending on healthy eating": "scale",
    }),
    "likert_sasr/sasr.csv": (0.0, {"SASR1": "scale", "SASR63": "scale"}),
    "bank_satisfaction_es/satisfaction.csv": (0.0, {
        "imag1": "scale", "sat4": "scale", "gender": "nominal",
    }),
    "ecsi_mobi/mobi.csv": (0.0, {"CUSL3": "scale", "CUSCO": "scale", "PERV2": "scale"}),
    "airline_satisfaction/airline_passenger_satisfaction.csv.gz": (0.0, {
        "ID": "id", "Age": "number", "Class": "nominal", "Flight Distance": "number",
        "Departure Delay": "number", "Seat Comfort": "scale", "Baggage Handling": "scale",
        "Satisfaction": "nominal",
    }),
    "sfo_airport_survey/raw/2017_SFO_Customer_Survey.csv": (0.0, {
        "RESPNUM": "id", "NETPRO": "scale", "Q7ART": "scale", "Q20GENDER": "nominal",
        "WEIGHT": "weight", "Hi": "ignore", "Q21INCOME": "nominal",
    }),
    "online_food_delivery_india/onlinedeliverydata.csv": (0.0, {
        "Age": "number", "Gender": "nominal", "latitude": "personal", "longitude": "personal",
        "Time saving": "scale", "Politeness": "scale", "Reviews": "text", "Family size": "number",
    }),
    "telco_churn_ibm/Telco-Customer-Churn.csv": (0.0, {
        "customerID": "customer", "gender": "nominal", "SeniorCitizen": "nominal",
        "tenure": "number", "TotalCharges": "number", "Churn": "nominal",
    }),
}  # fmt: skip


@pytest.mark.real
@pytest.mark.parametrize("name", REAL)
def test_real_exports(name, shared_data, tmp_path):
    bound, expected = REAL[name]
    file = shared_data / name
    draft = draft_codebook(file)
    study = study_with(draft, file, tmp_path)
    raw = read_answers(study)
    survey = clean_answers(study, raw=raw)

    kinds = by_header(draft)["kind"]
    assert {header: kinds[header] for header in expected} == expected
    assert raw.absent.empty
    cells = raw.table.iloc[:, 3:]
    filled = cells.ne("").sum().sum()
    assert survey.unfit["rows"].sum() <= bound * filled


@pytest.mark.real
def test_what_real_exports_should_be_marked_for(shared_data, tmp_path):
    def draft(name: str) -> pd.DataFrame:
        return by_header(draft_codebook(shared_data / name))

    sfo = draft("sfo_airport_survey/raw/2017_SFO_Customer_Survey.csv")
    assert sfo.index[sfo["metric"].eq("nps")].tolist() == ["NETPRO"]
    assert sfo.loc["NETPRO", ["low", "high", "missing"]].tolist() == ["0", "10", "11"]
    air = draft("airline_satisfaction/airline_passenger_satisfaction.csv.gz")
    rated = air[air["kind"].eq("scale")]
    assert set(rated["low"] + rated["high"]) == {"15"}
    assert rated["missing"].value_counts().to_dict() == {"0": 13, "": 1}
    bank = draft("bank_satisfaction_es/satisfaction.csv")
    assert bank.index[bank["metric"].eq("csat")].tolist() == ["sat1", "sat2", "sat3", "sat4"]
    assert set(bank["high"]) == {"10", ""}
    assert set(bank["low"]) == {"0", ""}
    mobi = draft("ecsi_mobi/mobi.csv")
    assert not mobi["metric"].any()
    assert set(mobi["low"] + " " + mobi["high"]) == {"1 10"}


@pytest.mark.real
def test_the_recommendation_of_ecsi_is_noted_but_no_nps(shared_data, tmp_path):
    """CUSL3 asks for recommending on 1 to 10; its words stand in the set's own help page."""
    text = (shared_data / "ecsi_mobi" / "mobi.csv").read_text(encoding="utf-8")
    told = "CUSL3 would recommend to friends and colleagues"
    file = tmp_path / "mobi.csv"
    file.write_text(text.replace("CUSL3", told, 1), encoding="utf-8")

    draft = draft_codebook(file)
    note = next(n for n in draft.notes if "recommending" in n)

    assert "on 1 to 10: no NPS" in note
    assert not draft.table["metric"].any()


@pytest.mark.parametrize("wave", ["autumn.csv", "spring.csv"])
def test_the_shipped_waves(sepidar, tmp_path, wave):
    """The kinds of the shipped codebook, which a human wrote, are what the draft finds."""
    file = sepidar / "survey" / wave
    draft = draft_codebook(file)
    survey = clean_answers(study_with(draft, file, tmp_path))
    codebook, _ = read_codebook(sepidar / "codebook.csv")
    kinds = by_header(draft)
    own = {}
    for item in codebook.items:
        header = next((h for h in item.headers(wave.removesuffix(".csv")) if h in kinds.index), "")
        if header:
            own[header] = (item.kind, item.metric)

    found = {h: tuple(kinds.loc[h, ["kind", "metric"]]) for h in own}
    assert len(own) >= 50
    assert {h: (found[h], own[h]) for h in own if found[h] != own[h]} == {}
    assert survey.unfit["rows"].sum() <= 5


# 4 Laws: any table gives a codebook that can be read and names its own columns

SIGNS = st.text(alphabet="abQ12 |/=:\\+-@#;,.\"'سن\n[]", max_size=9)
CELLS = st.one_of(
    st.sampled_from(["", "-", "1", "2", "5", "۳", "99", "Yes", "بله", "No", "Agree", "راضی", "a;b",
                     "a, b", "2025-06-08", "5 - Good", "Not selected", "=1+1", "x|y", "b/c",
                     "q=r"]),
    SIGNS,
)  # fmt: skip


@st.composite
def tables(draw):
    width = draw(st.integers(1, 5))
    headers = draw(st.lists(SIGNS, min_size=width, max_size=width))
    pools = [draw(st.lists(CELLS, min_size=1, max_size=6)) for _ in range(width)]
    height = draw(st.integers(2, 30))
    rows = [[draw(st.sampled_from(pool)) for pool in pools] for _ in range(height)]
    ids = [f"R_{i}abcdefg9" for i in range(height)]
    headers = ["id0", "more", *(h.strip() and h for h in headers[1:])]
    return [headers, *([one, *row] for one, row in zip(ids, rows, strict=True))]


PLAIN = Dialect(encoding="utf-8", separator=",", header_rows=1, form="plain")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables())
def test_any_table_gives_a_codebook_whose_items_lead_to_their_columns(tmp_path, rows):
    file = write_rows(tmp_path / "any.csv", rows)
    draft = draft_codebook(file, dialect=PLAIN)
    again = draft_codebook(file, dialect=PLAIN)
    (tmp_path / "codebook.csv").write_text(draft.to_csv(), encoding="utf-8", newline="")
    codebook, faults = read_codebook(tmp_path / "codebook.csv")

    assert faults == []
    assert draft.to_csv() == again.to_csv()
    assert draft.notes == again.notes
    assert draft.table["name"].is_unique
    assert all(neutralise(cell) == cell for cell in draft.table.to_numpy().ravel())
    export = read_export(file, shown="any.csv", dialect=PLAIN)
    for place, item in enumerate(codebook.items):
        if item.source:
            assert list(name_places(export, (item,), "w")) == [place]
        else:
            assert item.kind == "ignore"


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables())
def test_any_table_is_cleaned_by_its_draft(tmp_path, rows):
    file = write_rows(tmp_path / "any.csv", rows)
    draft = draft_codebook(file, dialect=PLAIN)
    study_with(draft, file, tmp_path)
    said = 'files: [{path: any.csv, encoding: utf-8, separator: ",", header_rows: 1, form: plain}]'
    yaml = STUDY.format(file="any.csv").replace('files: ["any.csv"]', said)
    (tmp_path / "study.yaml").write_text(yaml, encoding="utf-8")
    study = load_study(tmp_path)
    raw = read_answers(study)
    survey = clean_answers(study, raw=raw)

    assert raw.absent.empty
    assert len(survey.everyone) == len(raw.table)
    names = survey.everyone.columns
    assert names.is_unique
