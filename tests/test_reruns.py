"""A run redoes what has changed, keeps what has not, and says so."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nbformat
import pytest

from cjlib.notebook import NotebookError, records, running, tracing

STUDY = """\
study: 1
id: small
title: Small
brand: Small
language: en
stages:
  - {id: search, label: Search}
  - {id: buy, label: Buy}
goals:
  - {id: g1, business: Sell, kpi: conversion, target: 0.5}
actions: actions.csv
costs: costs.csv
interviews: {folder: talks, people: people.csv}
"""
OPEN = """\
import pandas as pd
from cjlib.study import list_report_texts
from cjlib.notebook import made_with, open_results, open_study, results_folder
study = open_study()
results = open_results(study, "{name}")
"""
COSTS = 'results.table(pd.read_csv(study.file("costs.csv")), "costs")'
LABEL = """\
text = pd.DataFrame({"stage": [study.label("stage", "buy")], "actions": [study.has("actions")]})
results.table(text, "label")
made_with(study)"""
TALKS = """\
names = sorted(file.name for file in study.file("talks").rglob("*.txt"))
for name in names:
    results.page((study.file("talks") / name).read_text(), name)"""
REPORT = """\
rows = sum(len(file.read_text()) for file in (results_folder(study) / "tables").rglob("0*.csv"))
results.table(pd.DataFrame({"rows": [rows]}), "rows")
plan = (study.path / "actions.csv").read_text()
words = list_report_texts(study)"""
BOOKS = {"01_costs": COSTS, "02_label": LABEL, "03_talks": TALKS, "10_report": REPORT}


@pytest.fixture
def kit(tmp_path, monkeypatch):
    """A kit with four small notebooks, a study, and a runner without kernels."""
    home, study = tmp_path / "kit", tmp_path / "study"
    for folder in (home / "notebooks", study / "talks"):
        folder.mkdir(parents=True)
    for name, source in BOOKS.items():
        write_book(home, name, source)
    (study / "study.yaml").write_text(STUDY, encoding="utf-8")
    (study / "costs.csv").write_text("channel,month,spend\n", encoding="utf-8")
    (study / "actions.csv").write_text("action\n", encoding="utf-8")
    (study / "people.csv").write_text("file\n", encoding="utf-8")
    (study / "talks" / "a.txt").write_text("one", encoding="utf-8")
    (study / "talks" / "b.txt").write_text("two", encoding="utf-8")
    monkeypatch.setattr(running, "home", lambda: home)
    monkeypatch.setattr(running, "_execute", execute_inline)
    monkeypatch.setattr(records, "describe_kit", lambda: "kit")
    return tmp_path


def write_book(home: Path, name: str, source: str) -> None:
    cells = [nbformat.v4.new_code_cell(s) for s in (OPEN.replace("{name}", name), source)]
    book = nbformat.v4.new_notebook(cells=cells)
    for number, cell in enumerate(book.cells):
        cell["id"] = f"cell-{number}"
    (home / "notebooks" / f"{name}.ipynb").write_text(nbformat.writes(book), encoding="utf-8")


def execute_inline(book, file, bar):
    """Run a notebook's cells in this process: a kernel takes seconds to start."""
    names: dict = {}
    try:
        for cell in book.cells:
            exec(cell.source, names)
    except ZeroDivisionError as error:
        raise NotebookError(f"{file.name} stopped") from error
    finally:
        tracing.stop()


def run(kit, **given):
    return running.run_notebooks(kit / "study", out=kit / "out", **given)


def read_all(folder: Path) -> dict[str, bytes]:
    return {
        f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file()
    }


def test_nothing_changed_nothing_runs_and_no_byte_differs(kit):
    first = run(kit)
    before = read_all(kit / "out")

    again = run(kit)

    assert list(first.redone) == list(BOOKS)
    assert set(first.redone.values()) == {("no whole run before",)}
    assert again.redone == {}
    assert again.kept == tuple(BOOKS)
    assert read_all(kit / "out") == before
    manifest = json.loads((kit / "out" / "manifest.json").read_text())
    assert list(manifest["last_run"]["redone"]) == list(BOOKS)
    assert set(manifest["notebooks"]) == set(BOOKS)


@pytest.mark.parametrize(
    ("change", "redone"),
    [
        (lambda study: (study / "costs.csv").write_text("channel,month,spend\nweb,1,2\n"),
         {"01_costs": "costs.csv changed", "10_report": "other results changed: tables"}),
        (lambda study: (study / "actions.csv").write_text("action\nx\n"),
         {"10_report": "actions.csv changed"}),
        (lambda study: (study / "talks" / "c.txt").write_text("three"),
         {"03_talks": "talks/c.txt is new", "10_report": ""}),
        (lambda study: (study / "talks" / "b.txt").unlink(),
         {"03_talks": "talks/b.txt is gone", "10_report": ""}),
        (lambda study: (study / "talks" / "a.txt").write_text("ONE"),
         {"03_talks": "talks/a.txt changed", "10_report": ""}),
        (lambda study: replace(study, "label: Buy", "label: Pay"),
         {"02_label": "stages changed", "10_report": ""}),
        (lambda study: replace(study, "target: 0.5", "target: 0.6"), {}),
        (lambda study: replace(study, "costs: costs.csv", "costs: ./costs.csv"),
         {"02_label": "costs_file changed"}),
        (lambda study: replace(study, "study: 1", "# a remark\nstudy: 1"), {}),
        (lambda study: (study.parent / "out/tables/01_costs/costs.csv").write_text("mine"),
         {"01_costs": "own results were changed or are gone: tables/01"}),
        (lambda study: (study.parent / "out/pages/03_talks-a.txt.html").unlink(),
         {"03_talks": "changed or are gone"}),
        (lambda study: (study.parent / "out/tables/09_x.csv").write_text("a"),
         {"10_report": "other results changed: tables/09_x.csv"}),
        (lambda study: write_book(study.parent / "kit", "01_costs", COSTS + "\nx = 1"),
         {"01_costs": "the notebook itself changed", "10_report": ""}),
        (lambda study: write_words(study, "limits.md"), {"10_report": "report/limits.md is new"}),
        (lambda study: (study / "later.txt").write_text("new"),
         {"10_report": "files came to or left the study folder"}),
    ],
)  # fmt: skip
def test_what_changed_is_redone_with_the_reason_and_the_rest_is_kept(kit, change, redone):
    run(kit)
    change(kit / "study")

    found = run(kit)

    assert list(found.redone) == list(redone)
    for name, reason in redone.items():
        assert any(reason in why for why in found.redone[name]), found.redone
    assert set(found.kept) == set(BOOKS) - set(redone)
    assert "report is gone" not in found.summary()
    assert all(name in found.summary() for name in BOOKS)
    incremental = read_all(kit / "out")
    running.run_notebooks(kit / "study", out=kit / "fresh")
    fresh = read_all(kit / "fresh")
    for name in fresh.keys() - {"manifest.json"}:  # the manifest says what the last run redid
        if not name.startswith("records/") and "09_x" not in str(redone):
            assert incremental[name] == fresh[name], name


def write_words(study: Path, name: str) -> None:
    (study / "report").mkdir()
    (study / "report" / name).write_text("Words.", encoding="utf-8")


def replace(study: Path, old: str, new: str) -> None:
    file = study / "study.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def test_a_moved_raw_folder_with_the_same_files_changes_nothing(kit):
    run(kit)
    raw = kit / "raw"
    raw.mkdir()
    (kit / "study" / "costs.csv").rename(raw / "costs.csv")

    same = run(kit, raw=raw)
    (raw / "costs.csv").write_text("channel,month,spend\nweb,1,9\n")
    other = run(kit, raw=raw)

    assert list(same.redone) == ["10_report"]  # it uses the study folder itself
    assert list(other.redone) == ["01_costs", "10_report"]


def test_a_file_in_the_raw_folder_goes_before_the_studys_own(kit):
    run(kit)
    (kit / "raw").mkdir()
    (kit / "raw" / "costs.csv").write_text("channel,month,spend\nweb,1,9\n")

    assert "01_costs" in run(kit, raw=kit / "raw").redone


def test_what_a_notebook_no_longer_makes_goes(kit):
    run(kit)
    stale = kit / "out" / "pages" / "03_talks-b.txt.html"
    assert stale.exists()
    (kit / "study" / "talks" / "b.txt").unlink()

    run(kit)

    assert not stale.exists()
    assert stale.with_name("03_talks-a.txt.html").exists()


def test_a_run_that_stops_leaves_no_record_and_nothing_half_written(kit):
    run(kit)
    write_book(kit / "kit", "02_label", 'results.table(pd.DataFrame({"n": [1]}), "label")\n1 / 0')

    with pytest.raises(NotebookError):
        run(kit)
    files = read_all(kit / "out")
    assert "records/02_label.json" not in files
    assert not [name for name in files if name.endswith((".part", ".reads"))]
    write_book(kit / "kit", "02_label", LABEL)

    found = run(kit)

    assert next(iter(found.redone)) == "02_label"
    assert found.kept[:2] == ("01_costs", "03_talks")


def test_what_a_stopped_run_left_of_a_file_goes(kit):
    half = kit / "out" / "tables" / "01_costs" / "costs.csv.part"
    half.parent.mkdir(parents=True)
    half.write_text("chan")

    run(kit)

    assert not half.exists()
    assert run(kit).redone == {}


def test_fresh_runs_all_and_gives_the_same_bytes(kit):
    run(kit)
    before = read_all(kit / "out")

    found = run(kit, fresh=True)

    assert found.kept == ()
    after = read_all(kit / "out")
    assert {k: v for k, v in after.items() if k != "manifest.json"} == {
        k: v for k, v in before.items() if k != "manifest.json"
    }


def test_a_file_that_changes_while_it_is_read_is_not_trusted(kit):
    write_book(
        kit / "kit", "01_costs",
        COSTS + '\nimport os\nwith open(os.environ["CJLIB_LATE"], "a") as f: f.write("a,1,3\\n")',
    )  # fmt: skip
    os.environ["CJLIB_LATE"] = str(kit / "late.csv")  # a link, so that the write is not ours
    (kit / "study" / "costs.csv").rename(kit / "late.csv")
    os.link(kit / "late.csv", kit / "study" / "costs.csv")

    run(kit)

    assert not (kit / "out" / "records" / "01_costs.json").exists()
    assert "01_costs" in run(kit).redone


def test_a_database_is_read_again_each_time(kit):
    events = """
events:
  sources:
    - {url: "postgresql://reader@db.example/shop", table: visits, columns: {customer_id: who}}
"""
    with (kit / "study" / "study.yaml").open("a", encoding="utf-8") as file:
        file.write(events)
    run(kit)

    found = run(kit)

    assert list(found.redone) == ["02_label"]  # study.has looks at all sources
    assert "no checksum" in found.redone["02_label"][0]


def test_a_broken_record_means_a_run(kit):
    run(kit)
    (kit / "out" / "records" / "01_costs.json").write_text("{", encoding="utf-8")

    assert run(kit).redone == {"01_costs": ("no whole run before",)}


def test_a_changed_kit_redoes_all(kit, monkeypatch):
    run(kit)
    monkeypatch.setattr(records, "describe_kit", lambda: "another version")

    found = run(kit)

    assert set(found.redone.values()) >= {("cjlib, a package or Python changed",)}
    assert found.kept == ()


def test_the_kits_checksum_is_of_its_sources(monkeypatch):
    records.describe_kit.cache_clear()
    here = records.describe_kit()
    monkeypatch.setattr(records.platform, "python_version", lambda: "3.99")
    records.describe_kit.cache_clear()

    assert len(here) == 64
    assert records.describe_kit() != here
    records.describe_kit.cache_clear()
