"""One cell at a time, and the indices that look at whole records."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cjlib.codebook import Item
from cjlib.definitions import Text
from cjlib.survey import read_value
from cjlib.survey.quality import find_duplicates, measure_distance

RATED = Item("q", "scale", scale="agreement", low=1, high=5)
SPOKEN = Item("q", "scale", scale="agreement", low=1, high=5, labels={"4": Text("Sort of", "ای")})

BANDS = Item(
    "q", "nominal",
    labels={"1": Text("<18"), "2": Text("18-24"), "3": Text("65+"), "4": Text("2024")},
)  # fmt: skip


@pytest.mark.parametrize(
    ("item", "text", "value", "rule"),
    [
        (RATED, "5", "5", ""),
        (RATED, " 5.0 ", "5.0", ""),
        (RATED, "۵", "5", "digits"),
        (RATED, "٣", "3", "digits"),
        (RATED, "6", None, "out of range"),
        (RATED, "0", None, "out of range"),
        (RATED, "", None, ""),
        (RATED, "-", None, "blank mark"),
        (RATED, "كاملا موافقم", "5", "words to number"),
        (RATED, "Strongly disagree", "1", "words to number"),
        (RATED, "تا حدی موافقم", None, "no rule for it"),
        (SPOKEN, "sort of", "4", "words to number"),
        (RATED, "4 - Agree", "4", "number with words"),
        (RATED, "4 - Strongly agree", None, "number and words disagree"),
        (RATED, "2 (whatever)", "2", "number with words"),
        (RATED, "Don't know", None, "no answer, in words"),
        (RATED, "banana", None, "no rule for it"),
        (Item("q", "scale", scale="agreement", low=0, high=4), "Agree", "3", "words to number"),
        (Item("q", "scale", scale="yesno", low=0, high=1), "بله", "1", "words to number"),
        (Item("q", "scale", low=1, high=5), "Agree", None, "no rule for it"),
        (Item("q", "scale", low=1, high=5, missing=("9",)), "9.0", None, "missing code"),
        (Item("q", "scale", low=-2, high=2, missing=("1",)), "-1", "-1", ""),
        (Item("q", "scale", low=1, high=7, reverse=True), "2", "6", "reversed"),
        (Item("q", "scale", low=1, high=7, reverse=True), "4", "4", ""),
        (Item("q", "scale", low=1, high=5, reverse=True), "۲", "4", "digits; reversed"),
        (Item("q", "number", low=18, high=99), "۲۵", "25", "digits"),
        (Item("q", "number"), "1,234.5", "1234.5", "digits"),
        (Item("q", "number"), "3 times", None, "no rule for it"),
        (Item("q", "weight"), "-0.5", None, "out of range"),
        (Item("q", "duration"), "1:02:03", "3723", "clock to seconds"),
        (Item("q", "duration"), "-5", None, "out of range"),
        (Item("q", "date"), "۱۸ خرداد ۱۴۰۴", "2025-06-08", "date"),
        (Item("q", "date"), "2025-06-08", "2025-06-08", ""),
        (Item("q", "date"), "2025-02-30", None, "no such date"),
        (Item("q", "date"), "03/04/2025", None, "no such date"),
        (Item("q", "date", scale="dmy"), "03/04/2025", "2025-04-03", "date"),
        (Item("q", "nominal", labels={"1": Text("Yes", "بله")}), "بلـه", "1", "label to code"),
        (Item("q", "nominal", labels={"1": Text("Yes")}), "۱", "1", "label to code"),
        (Item("q", "nominal", labels={"1": Text("Yes")}), "maybe", None, "no such label"),
        (Item("q", "nominal"), "كرج", "کرج", "spelling"),
        (Item("q", "tick"), "Radio", "true", ""),
        (Item("q", "tick"), "No", "false", ""),
        (Item("q", "tick"), "0", "false", ""),
        (Item("q", "tick"), "", "false", ""),
        (Item("q", "consent"), "خیر", "false", ""),
        (Item("q", "consent", check="I agree"), "i agree.", "true", "consent"),
        (Item("q", "consent"), "perhaps", None, "neither yes nor no"),
        (Item("q", "language"), "فارسی", "fa", "language"),
        (Item("q", "language"), "EN-GB", "en", "language"),
        (RATED, "۵ - کاملاً موافقم", "5", "number with words"),
        (RATED, "٥ - کاملاً موافقم", "5", "number with words"),
        (RATED, "کاملاً موافقم (5)", "5", "number with words"),
        (RATED, "کاملاً موافقم (۴)", None, "number and words disagree"),
        (RATED, "8 - I don't know", None, "no answer, in words"),
        (RATED, "4-5", None, "no rule for it"),
        (RATED, "4/5", None, "no rule for it"),
        (Item("q", "scale", low=1, high=5, missing=("9",)), "9 - Refused", None, "missing code"),
        (Item("q", "date"), "۱۸/۰۳/۰۴", None, "no such date"),
        (Item("q", "date"), "۰۴/۰۳/۱۸", None, "no such date"),
        (Item("q", "date"), "۱۸ خرداد ۰۴", None, "no such date"),
        (BANDS, "<18", "1", "label to code"),
        (BANDS, ">18", None, "no such label"),
        (BANDS, "18 – 24", "2", "label to code"),
        (BANDS, "1824", None, "no such label"),
        (BANDS, "۶۵ +", "3", "label to code"),
        (BANDS, "65", None, "no such label"),
        (BANDS, "2 - 18-24", "2", "number with words"),
        (BANDS, "2 - 65+", None, "number and words disagree"),
        (BANDS, "2024", "4", "label to code"),
        (Item("q", "text"), "NA", "NA", ""),
        (Item("q", "text"), "-", None, "blank mark"),
    ],
)
def test_one_cell(item, text, value, rule):
    reading = read_value(text, item)

    assert (reading.text, reading.rule) == (value, rule)


PAID = Item("q", "multi", labels={"c": Text("Card, or app", "کارت"), "k": Text("Cash", "نقد")})


@pytest.mark.parametrize(
    ("text", "value", "rule"),
    [
        ("c;k", "c;k", ""),
        ("کارت؛ نقد", "c;k", "options"),
        ("Card, or app", "c", "options"),
        ("Cash|Card, or app", "k;c", "options"),
        ("k, c", "k;c", "options"),
        ("Cash;Gold", "k", "unknown option dropped"),
        ("Gold", None, "unknown option dropped"),
        ("", "", ""),
    ],
)
def test_options_of_one_cell(text, value, rule):
    reading = read_value(text, PAID)

    assert (reading.text, reading.rule) == (value, rule)


def test_twins_are_looked_for_inside_a_wave_only():
    raw = pd.DataFrame(
        {"respondent_id": ["a", "b", "c"], "wave": ["1", "1", "2"]}
        | {f"q{i}": ["1", "1 ", "1"] for i in range(10)}
    ).astype("string")
    found = find_duplicates(raw, who=[], answers=[f"q{i}" for i in range(10)])
    few = find_duplicates(raw, who=[], answers=[f"q{i}" for i in range(9)])

    assert found.fillna("").tolist() == ["", "a", ""]
    assert few.isna().all()


def test_distance_by_its_formula():
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(60, 4))
    matrix[:, 3] += matrix[:, 0]
    matrix[5, 1] = np.nan
    whole = np.delete(matrix, 5, axis=0)
    away = whole - whole.mean(axis=0)
    by_hand = (away @ np.linalg.inv(np.cov(whole.T)) * away).sum(axis=1)

    found, columns = measure_distance(matrix)

    assert columns == 4
    assert np.isnan(found[5])
    assert np.delete(found, 5) == pytest.approx(by_hand)
    assert measure_distance(np.column_stack([matrix, matrix[:, 0]]))[1] == 0
    assert np.isnan(measure_distance(matrix[:3])[0]).all()
