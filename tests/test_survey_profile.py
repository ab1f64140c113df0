"""Who answered: by hand, with small groups withheld."""

from __future__ import annotations

import pandas as pd
import pytest

from cjlib.intervals import estimate_share
from cjlib.study import load_study
from cjlib.survey import clean_answers, describe_respondents

STUDY = """\
study: 1
id: small
title: Small
brand: Small
language: fa
privacy: {key: public, minimum_cell: 3}
stages:
  - {id: a, label: A}
  - {id: b, label: B}
survey:
  waves:
    - {id: w, files: [w.csv], label: Wave one}
"""
CODEBOOK = """\
name,kind,low,high,labels,role
sex,nominal,,,1=Woman/زن|2=Man/مرد|3=Other/دیگر,description
age,number,10,99,,description
mood,scale,1,5,,outcome
"""


@pytest.fixture
def survey_and_study(tmp_path):
    rows = ["1,20,3"] * 6 + ["2,40,4"] * 3 + ["3,30,5", ",,1"]
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    (tmp_path / "codebook.csv").write_text(CODEBOOK, encoding="utf-8")
    (tmp_path / "w.csv").write_text("sex,age,mood\n" + "\n".join(rows) + "\n", encoding="utf-8")
    study = load_study(tmp_path)
    return clean_answers(study), study


def test_shares_means_and_what_is_withheld(survey_and_study):
    survey, study = survey_and_study

    table = describe_respondents(survey, study).set_index(["item", "answer"])

    woman = table.loc[("sex", "زن")]
    expected = estimate_share(6, 10)
    assert (woman["estimate"], woman["low"], woman["n"]) == (0.6, expected.low, 10)
    other = table.loc[("sex", "دیگر")]
    assert pd.isna(other["estimate"])
    assert other["method"].startswith("withheld")
    assert table.loc[("age", "mean"), "estimate"] == pytest.approx(27)
    assert table.loc[("wave", "Wave one"), "estimate"] == 1
    assert "mood" not in table.index.get_level_values("item")
