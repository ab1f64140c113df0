"""Scales: declared in the study, alpha and omega against other programs, by hand, by law."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cjlib.study import load_study, read_study

STUDY = """\
study: 1
id: small
title: Small
brand: Small
language: en
stages:
  - {id: search, label: Search}
  - {id: buy, label: Buy}
survey:
  waves:
    - {id: w1, files: [answers.csv]}
missing_answers: impute
scales:
  ease: [easy, quick]
"""
CODEBOOK = """\
name,kind,low,high,reverse
easy,scale,1,5,
quick,scale,1,5,
hard,scale,1,5,yes
age,number,,,
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    (tmp_path / "codebook.csv").write_text(CODEBOOK, encoding="utf-8")
    (tmp_path / "answers.csv").write_text("easy,quick,hard,age\n1,2,3,4\n", encoding="utf-8")
    return tmp_path


def test_a_study_declares_scales_and_what_happens_to_gaps(folder):
    study = load_study(folder)

    assert study.scales == {"ease": ("easy", "quick")}
    assert study.missing_answers == "impute"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[easy, quick]", "[easy, quik]", r"yaml:14: unknown item 'quik'.*mean 'quick'"),
        ("[easy, quick]", "[easy, age]", r"yaml:14: item 'age' of kind number in scale 'ease'"),
        ("[easy, quick]", "[easy, hard, easy]", r"yaml:14: item 'easy' again in scale 'ease'"),
        ("[easy, quick]", "[easy]", r"study.yaml:14: .*at least two items of kind scale"),
        ("  ease:", "  Ease of use:", r"study.yaml:1[34]: .*a short id"),
        ("impute", "imputed", r"study.yaml:12: .*'imputed'.*complete, impute.*mean 'impute'"),
    ],
)  # fmt: skip
def test_faults_of_scales(folder, old, new, message):
    file = folder / "study.yaml"
    file.write_text(STUDY.replace(old, new), encoding="utf-8")

    _, faults = read_study(folder)

    assert any(re.search(message, str(f)) for f in faults), list(map(str, faults))
