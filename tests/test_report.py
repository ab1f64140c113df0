"""The report says what the result files say, and nothing else."""

from __future__ import annotations

import base64
import json
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from cjlib.definitions import REPORT_SECTIONS
from cjlib.errors import JourneyError, MissingSourceError, StudyError, UnsafeFileError
from cjlib.report import print_report, write_report
from cjlib.report.files import ResultFiles
from cjlib.report.summary import make_tiles, write_summary
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
REPORT
"""
ESTIMATE = {"estimate": 0.25, "low": 0.2, "high": 0.31, "level": 0.95, "n": 200, "method": "Wilson"}
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def make(tmp_path):
    def build(language: str = "en", digits: str = "latn", report: str = "", **texts: str):
        folder = tmp_path / f"study-{language}"
        folder.mkdir()
        text = STUDY.replace("LANGUAGE", language).replace("DIGITS", digits)
        text = text.replace("REPORT", report)
        (folder / "study.yaml").write_text(text, encoding="utf-8")
        if texts:
            (folder / "report").mkdir()
        for name, words in texts.items():
            place = folder / "report" / f"{name.replace('__', '.').replace('_', '-')}.md"
            place.write_text(words, encoding="utf-8")
        results = tmp_path / f"results-{language}"
        put(results, "02_survey", "flow", pd.DataFrame({"rows": [120, 110, 100]}))
        put(results, "01_goals", "goals", pd.DataFrame({"goal": ["g1"]}))
        funnel = pd.DataFrame(
            {"stage": ["search", "buy"], "journeys": [200, 50], "step": [1.0, 0.25],
             **{k: [v, v] for k, v in ESTIMATE.items()}}
        )  # fmt: skip
        put(results, "06_journeys", "funnel", funnel)
        goal = {"goal": "<script>alert(1)</script>", "kpi": "conversion", "target": 0.5}
        goals = pd.DataFrame([{**goal, "reached": "no", "source": "=1+1", **ESTIMATE}])
        put(results, "05_metrics", "goals", goals)
        return load_study(folder), results

    return build


def put(results: Path, notebook: str, name: str, frame: pd.DataFrame) -> None:
    folder = results / "tables" / notebook
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_csv(folder / f"{name}.csv", index=False)


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_the_summary_follows_the_tables(make):
    study, results = make()
    before = [s.text for s in write_summary(study, ResultFiles(results))]
    put(results, "02_survey", "flow", pd.DataFrame({"rows": [120, 77]}))

    after = [s.text for s in write_summary(study, ResultFiles(results))]

    assert any(s.startswith("100 of 120 survey answers were analysed; 20 were") for s in before)
    assert any(s.startswith("77 of 120 survey answers were analysed; 43 were") for s in after)
    assert any("25.0 [20.0, 31.0]" in s and "reach Buy" in s for s in before)
    assert any(s.startswith("Goals reached: 0 of 1; missed: 1") for s in before)


def make_tables(seed: int) -> dict[str, pd.DataFrame]:
    """Every table that the text quotes, all numbers drawn anew."""
    rng = np.random.default_rng(seed)

    def estimates(rows: int, scale: float = 100.0, **more: object) -> pd.DataFrame:
        low = rng.uniform(0.1, 0.9, rows) * scale
        return pd.DataFrame(
            {"estimate": low + 0.05, "low": low, "high": low + 0.1,
             "level": 0.95, "n": rng.integers(1_000, 9_999, rows), **more}
        )  # fmt: skip

    size = 20 + 17 * seed + rng.permutation(12)  # counts of one draw are none of the other
    verdicts = ["changed beyond noise"] * 2
    return {
        "02_survey/flow": pd.DataFrame({"rows": [9_000 + size[0], 8_000 + size[1]]}),
        "03_interviews/people": pd.DataFrame({"interview_id": range(size[2])}),
        "06_journeys/scope": pd.DataFrame(
            {"reason": ["in scope", "no customer"], "rows": rng.integers(10_000, 99_999, 2),
             "share": rng.uniform(0, 1, 2), "customers": rng.integers(1_000, 9_999, 2)}
        ),
        "05_metrics/metrics": estimates(
            4, metric=["nps", "csat_mean", "csat_mean", "csat_mean"],
            item=["a", "b", "c", "d"], stage=[None, None, "search", "buy"], touchpoint=None,
            weighting="unweighted", method="t",
        ),
        "05_metrics/rating_distribution": estimates(2, answer=[1, 5], count=size[:2]),
        "04_personas/sizes": estimates(
            3, persona=["p1", "p2", "none"], name_en=["Ann", "Bob", "None"], name_fa="آ"
        ),
        "04_personas/verdict": pd.DataFrame({"verdict": ["natural"], "summary": ["words"]}),
        "07_maps/belief": estimates(
            2, label=["Search", "Buy"], believed=rng.uniform(10, 99, 2),
            lived=rng.uniform(10, 99, 2), lived_low=rng.uniform(10, 99, 2),
            lived_high=rng.uniform(10, 99, 2), lived_n=size[:2] * 100, significant=True,
        ),
        "06_journeys/funnel": estimates(2, stage=["search", "buy"], step=[1.0, 0.5]),
        "06_journeys/belief_fit": estimates(1),
        "08_value/value": estimates(1, 1e6, by="all", group="all", method="t"),
        "05_metrics/goals": estimates(
            70, goal="g1", kpi="conversion", target=0.5,
            reached=np.repeat(["yes", "no", "cannot tell"], (size[3], 5, 65 - size[3])),
        ),
        "09_actions/waves": estimates(
            2, name=["a", "b"], metric="csat", from_wave="autumn", to_wave="spring",
            earlier=rng.uniform(10, 99, 2), later=rng.uniform(10, 99, 2),
            difference=rng.uniform(0, 1, 2), p_holm=rng.uniform(0, 0.05, 2), verdict=verdicts,
        ),
        "09_actions/opportunities": estimates(
            4, rank=[1, 2, 3, 4], measure=["Late", "Dear", "Far", "Shut"], kind="pain",
            stage="buy", touchpoint=None, severity=rng.uniform(0, 1, 4),
        ),
        "09_actions/effects": estimates(
            2, action=["mend it", "paint it"], kpi="csat.buy", label="Satisfaction", p_holm=0.01,
            before=rng.uniform(10, 99, 2), after=rng.uniform(10, 99, 2),
            difference=rng.uniform(10, 99, 2), verdict=["better beyond noise", "no change seen"],
            effect=rng.uniform(10, 99, 2), effect_low=rng.uniform(10, 99, 2),
            effect_high=rng.uniform(10, 99, 2),
        ),
        "09_actions/plan": pd.DataFrame(
            {"action": [f"do {chr(97 + i % 26)}" for i in range(size[5])],
             "overdue": np.arange(size[5]) < size[5] - 2 * seed,
             "ownerless": np.arange(size[5]) < 7 * seed}
        ),
    }  # fmt: skip


def numbers_of(text: str) -> set[str]:
    return set(re.findall(r"\d[\d,.]*\d|\d", text))


def test_every_number_of_the_text_follows_the_result_tables(make):
    study, results = make()
    told = []
    for seed in (1, 2):
        for name, frame in make_tables(seed).items():
            put(results, *name.split("/"), frame)
        sentences = write_summary(study, ResultFiles(results))
        tiles = make_tiles(study, ResultFiles(results))
        told.append([s.text for s in sentences] + [" ".join((t.value, *t.lines)) for t in tiles])

    assert len(told[0]) == len(told[1]) >= 23
    fixed = {"2", "5", "70"}  # rows that both draws share: personas, beliefs, missed, all goals
    assert any(s.startswith("mend it: Satisfaction went from") for s in told[0])
    assert not any("paint it" in s for s in told[0])
    for one, other in zip(*told, strict=True):
        shared = numbers_of(one) & numbers_of(other) - fixed
        assert not shared, (one, other)
        assert one != other or not numbers_of(one) - fixed, one


def test_every_table_of_the_page_follows_its_file(make):
    study, results = make()
    for name, frame in make_tables(1).items():
        put(results, *name.split("/"), frame)
    first = read(write_report(study, results))
    for name, frame in make_tables(2).items():
        put(results, *name.split("/"), frame)
    second = read(write_report(study, results))

    def rows(page: str) -> list[str]:
        page = page.split('<section id="appendix"', 1)[0]
        return re.findall(r"<tr><td.*?</tr>", page)

    estimate = re.compile(r"\d[\d,.]* \[[\d,.]+, [\d,.]+\]")
    one, other = ({m for row in rows(p) for m in estimate.findall(row)} for p in (first, second))
    assert len(one) >= 15
    assert not one & other


def test_the_page_is_self_contained_and_escapes_data(make):
    study, results = make()

    page = read(write_report(study, results))

    assert "<script" not in page.lower()
    assert "&lt;script&gt;alert(1)" in page
    assert "Small &amp; &lt;b&gt;bold" in page
    assert not re.search(r"""(src|href)=["'](?!#|data:)""", page)
    assert 'lang="en" dir="ltr"' in page
    assert page.count("<h2") == len(REPORT_SECTIONS)
    assert "invented by a seeded generator" in page


def test_a_persian_study_gets_a_persian_report(make):
    study, results = make("fa", "arabext")

    page = read(write_report(study, results))

    assert 'lang="fa" dir="rtl"' in page
    assert "از ۱۲۰ پاسخ پیمایش ۱۰۰ پاسخ تحلیل شد" in page
    assert "در این گزارش نیست: پرسوناها" in page
    assert "counter(page,persian)" in page


def test_what_has_no_result_is_named_as_absent(make):
    study, results = make()

    page = read(write_report(study, results))

    assert "Not in this report: Personas." in page


def test_the_same_results_give_the_same_bytes(make):
    study, results = make(summary="Words.")
    names = ("report.html", "manifest.json", "report_tables.xlsx")
    write_report(study, results)
    first = [(results / name).read_bytes() for name in names]

    write_report(study, results)

    assert [(results / name).read_bytes() for name in names] == first
    assert str(results).encode() not in first[1]
    inputs = [entry["file"] for entry in json.loads(first[1])["inputs"]]
    assert inputs == ["study.yaml", "report/summary.md"]


def test_no_results_no_report(make):
    study, results = make()
    shutil.rmtree(results / "tables")

    with pytest.raises(MissingSourceError, match="Run 'python -m cjlib run'"):
        write_report(study, results)
    with pytest.raises(MissingSourceError, match="print_report: the results must hold tables"):
        print_report(study, results)


def test_the_study_chooses_the_sections_and_their_order(make):
    study, results = make(
        report="report: {sections: [our-view, limits, summary]}",
        our_view="# What we *think* & hope\n\nBuy **now**.",
    )

    page = read(write_report(study, results))

    assert re.findall(r'<h2 id="([\w-]+)-title">', page) == ["our-view", "limits", "summary"]
    assert ">What we *think* &amp; hope</h2>" in page
    assert "<p>Buy <strong>now</strong>.</p>" in page
    assert '<a class="skip" href="#our-view">' in page
    assert 'id="personas"' not in page


def test_own_words_open_and_end_a_section(make):
    study, results = make(limits="Before all.", limits__after="After all.")

    page = read(write_report(study, results))
    section = page[page.index('<section id="limits"') : page.index('<section id="appendix"')]

    assert section.index("Before all.") < section.index("association") < section.index("After all.")


def test_own_words_are_made_safe(make):
    study, results = make(
        summary="<script>alert(2)</script>\n\n<img src=x onerror=y> [bad](javascript:alert(3))\n\n"
        "| a | b |\n|---|---|\n| 1 | <i>2</i> |\n"
    )

    page = read(write_report(study, results))

    assert "<script" not in page.lower()
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(2)" in page
    assert 'href="javascript' not in page
    assert '<th scope="col">a</th>' in page
    assert "<i>2</i>" not in page


def test_headings_of_own_words_go_below_the_sections_without_gaps(make):
    study, results = make(limits="text\n\n### Deep\n\n###### Deeper\n\n# Top\n\n#### Again")

    page = read(write_report(study, results))

    own = page[page.index('<section id="limits"') : page.index('<section id="appendix"')]
    assert re.findall(r"<(h\d)[^>]*>([A-Z]\w+)", own) == [
        ("h2", "Limits"), ("h3", "Deep"), ("h4", "Deeper"), ("h3", "Top"), ("h4", "Again"),
    ]  # fmt: skip


def test_pictures_of_own_words_are_taken_in(make):
    study, results = make(limits='![A dot, "small"](dot.png)')
    (study.path / "report" / "dot.png").write_bytes(PIXEL)

    page = read(write_report(study, results))

    assert 'alt="A dot, &#34;small&#34;" src="data:image/png;base64,' in page


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ("![x](https://example.org/a.png)", UnsafeFileError, "must lie in the study folder"),
        ("![x](//example.org/a.png)", UnsafeFileError, "must lie in the study folder"),
        ("![x](../../outside.png)", UnsafeFileError, "must lie in the study folder"),
        ("![x](../private/a.png)", UnsafeFileError, "must lie in the study folder"),
        ("![x](gone.png)", JourneyError, "'gone.png' is not. Check its name"),
        ("![x](limits.md)", JourneyError, "must be a file of .png"),
        ("![](dot.png)", JourneyError, "words for those who cannot see it"),
    ],
)
def test_a_picture_that_cannot_be_taken_in_is_refused(make, words, error, message):
    study, results = make(limits=words)

    with pytest.raises(error, match=message):
        write_report(study, results)


@pytest.mark.parametrize(
    ("report", "texts", "message"),
    [
        ("report: {sections: [sumary]}", {}, "unknown section 'sumary'.*did you mean 'summary'"),
        ("report: {sections: [goals, goals]}", {}, "section 'goals' again"),
        ("", {"limts": "x"}, "report/limts.md: text of no section.*did you mean 'limits'"),
        ("", {"limts__after": "x"}, "report/limts.after.md: text of no section"),
        ("report: {section: [goals]}", {}, "unknown key 'section'"),
        ("report: {texts: ../words}", {}, "texts '../words'; expected a folder inside"),
    ],
)
def test_faults_of_the_reports_rules_are_listed(make, report, texts, message):
    with pytest.raises(StudyError, match=f"(?is){message}"):
        make(report=report, **texts)


def test_the_workbook_holds_every_table_and_sentence(make):
    study, results = make()
    put(
        results,
        "05_metrics",
        "metrics",
        make_tables(1)["05_metrics/metrics"],
    )

    write_report(study, results)
    book = openpyxl.load_workbook(results / "report_tables.xlsx")

    rows = list(book["index"].iter_rows(values_only=True))
    named = {row[3]: row for row in rows[1:]}
    assert set(named) == {"tables/05_metrics/goals.csv", "tables/05_metrics/metrics.csv"}
    sheet, _, _, _, count, columns, _ = named["tables/05_metrics/goals.csv"]
    goals = list(book[sheet].iter_rows(values_only=True))
    assert (len(goals) - 1, len(goals[0])) == (count, columns)
    assert dict(zip(*goals, strict=True))["estimate"] == 0.25
    assert dict(zip(*goals, strict=True))["source"] == "'=1+1"  # text, no formula
    with zipfile.ZipFile(results / "report_tables.xlsx") as parts:
        assert {part.date_time[:3] for part in parts.infolist()} == {(2000, 1, 1)}
        dates = re.findall(rb">(\d{4}-[^<]*)<", parts.read("docProps/core.xml"))
    assert set(dates) == {b"2000-01-01T00:00:00Z"}
    told = list(book["summary"].iter_rows(values_only=True))
    assert ("basis", "02_survey/flow") in {(part, tables) for part, _, tables in told}


def test_without_a_printer_the_pdf_says_what_to_do(make, monkeypatch):
    study, results = make()
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(JourneyError, match=r"print_report: a page is printed by Chromium or Wea"):
        print_report(study, results)
    assert not list(results.glob("*.pdf"))
