"""The report says what the result files say, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from cjlib.errors import MissingSourceError
from cjlib.report import write_report
from cjlib.report.files import ResultFiles
from cjlib.report.summary import write_summary
from cjlib.study import load_study

STUDY = """\
study: 1
id: small
title: {en: "Small & <b>bold</b>", fa: کوچک}
brand: {en: Small, fa: کوچک}
language: LANGUAGE
digits: DIGITS
simulated: true
currency: {id: toman, label: {en: Toman, fa: تومان}}
privacy: {key: public}
stages:
  - {id: search, label: {en: Search, fa: جست‌وجو}}
  - {id: buy, label: {en: Buy, fa: خرید}}
goals:
  - {id: g1, business: Sell, kpi: conversion, target: 0.5}
"""
ESTIMATE = {"estimate": 0.25, "low": 0.2, "high": 0.31, "level": 0.95, "n": 200, "method": "Wilson"}


@pytest.fixture
def make(tmp_path):
    def build(language: str = "en", digits: str = "latn"):
        folder = tmp_path / f"study-{language}"
        folder.mkdir()
        text = STUDY.replace("LANGUAGE", language).replace("DIGITS", digits)
        (folder / "study.yaml").write_text(text, encoding="utf-8")
        results = tmp_path / f"results-{language}"
        put(results, "02_survey", "flow", pd.DataFrame({"rows": [120, 110, 100]}))
        put(results, "01_goals", "goals", pd.DataFrame({"goal": ["g1"]}))
        funnel = pd.DataFrame(
            {"stage": ["search", "buy"], "journeys": [200, 50], "step": [1.0, 0.25],
             **{k: [v, v] for k, v in ESTIMATE.items()}}
        )  # fmt: skip
        put(results, "06_journeys", "funnel", funnel)
        goal = {"goal": "<script>alert(1)</script>", "kpi": "conversion", "target": 0.5}
        goals = pd.DataFrame([{**goal, "reached": "no", "source": "x", **ESTIMATE}])
        put(results, "05_metrics", "goals", goals)
        return load_study(folder), results

    return build


def put(results: Path, notebook: str, name: str, frame: pd.DataFrame) -> None:
    folder = results / "tables" / notebook
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_csv(folder / f"{name}.csv", index=False)


def test_the_summary_follows_the_tables(make):
    study, results = make()
    before = write_summary(study, ResultFiles(results))
    put(results, "02_survey", "flow", pd.DataFrame({"rows": [120, 77]}))

    after = write_summary(study, ResultFiles(results))

    assert any(s.startswith("100 of 120 survey answers were analysed; 20 were") for s in before)
    assert any(s.startswith("77 of 120 survey answers were analysed; 43 were") for s in after)
    assert any("25.0 [20.0, 31.0]" in s and "reach Buy" in s for s in before)
    assert any(s.startswith("0 of 1 goals are reached, 1 are missed") for s in before)


def test_the_page_is_self_contained_and_escapes_data(make):
    study, results = make()

    page = write_report(study, results).read_text(encoding="utf-8")

    assert "<script" not in page.lower()
    assert "&lt;script&gt;alert(1)" in page
    assert "Small &amp; &lt;b&gt;bold" in page
    assert not re.search(r"""(src|href)=["'](?!#|data:)""", page)
    assert 'lang="en" dir="ltr"' in page
    assert page.count("<h2") == 12
    assert "invented by a seeded generator" in page


def test_a_persian_study_gets_a_persian_report(make):
    study, results = make("fa", "arabext")

    page = write_report(study, results).read_text(encoding="utf-8")

    assert 'lang="fa" dir="rtl"' in page
    assert "از ۱۲۰ پاسخ پیمایش ۱۰۰ پاسخ تحلیل شد" in page
    assert "در این گزارش نیست: پرسوناها" in page


def test_what_has_no_result_is_named_as_absent(make):
    study, results = make()

    page = write_report(study, results).read_text(encoding="utf-8")

    assert "Not in this report: Personas." in page


def test_the_same_results_give_the_same_bytes(make):
    study, results = make()
    first = write_report(study, results).read_bytes()
    manifest = (results / "manifest.json").read_bytes()

    assert write_report(study, results).read_bytes() == first
    assert (results / "manifest.json").read_bytes() == manifest
    assert str(results).encode() not in manifest
    names = [entry["file"] for entry in json.loads(manifest)["inputs"]]
    assert names == ["study.yaml"]


def test_no_results_no_report(make):
    study, results = make()
    shutil.rmtree(results / "tables")

    with pytest.raises(MissingSourceError, match="Run 'python -m cjlib run'"):
        write_report(study, results)
