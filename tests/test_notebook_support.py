"""What notebooks stand on: sources they need, results they keep, runs that stop in the open."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from cjlib.errors import JourneyError
from cjlib.notebook import NotebookError, find_notebooks, running
from cjlib.notebook.results import Results
from cjlib.notebook.skipping import find_names, skip_unless
from cjlib.study import load_study

STUDY = """\
study: 1
id: small
title: Small
brand: Small
language: en
stages:
  - {id: search, label: Search}
  - {id: buy, label: Buy}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    return tmp_path


def test_a_cell_is_skipped_with_the_reason(small):
    study = load_study(small)

    assert skip_unless(["survey", "events"], study) == (
        "Skipped: the study 'small' has no survey and no events."
    )
    with pytest.raises(JourneyError, match="sources must be of"):
        skip_unless(["survy"], study)
    with pytest.raises(JourneyError, match="Run the first cell"):
        skip_unless(["survey"], None)


def test_a_table_shown_is_a_table_kept(tmp_path):
    results = Results(tmp_path, "05_metrics")

    shown = results.table(pd.DataFrame({"n": [1, 2]}), "counts", caption="Counts")

    assert "Counts" in shown.data
    assert (tmp_path / "tables/05_metrics/counts.csv").read_text() == "n\n1\n2\n"


def test_a_figure_carries_its_words(tmp_path):
    ax = plt.subplots()[1]
    ax.bar([1], [2])
    results = Results(tmp_path, "05_metrics")

    with pytest.raises(JourneyError, match="must have an alt text"):
        results.figure(ax, "bars", alt=" ")
    shown = results.figure(ax, "bars", alt='Two <of> "them"')

    assert 'alt="Two &lt;of&gt; &quot;them&quot;"' in shown.data
    assert "Two &lt;of&gt;" in (tmp_path / "figures/05_metrics-bars.svg").read_text()


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    def draw(name):
        ax = plt.subplots()[1]
        ax.plot([1, 2], [3, 4], label="x")
        ax.legend()
        return Results(tmp_path, name).figure(ax, "line", alt="A line").data

    assert draw("a") == draw("b")
    assert (tmp_path / "figures/a-line.svg").read_bytes() == (
        tmp_path / "figures/b-line.svg"
    ).read_bytes()


def test_notebooks_are_picked_by_number():
    every = [file.name[:2] for file in find_notebooks()]

    assert every == [f"{i:02d}" for i in range(1, 11)]
    assert [f.name[:2] for f in find_notebooks("02-04,9")] == ["02", "03", "04", "09"]
    with pytest.raises(JourneyError, match="must read like 02-05"):
        find_notebooks("two")
    with pytest.raises(JourneyError, match="picks none"):
        find_notebooks("77")


def write_book(folder: Path, *sources: str) -> None:
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    (folder / "01_x.ipynb").write_text(nbformat.writes(book), encoding="utf-8")


def test_a_run_keeps_outputs_and_skips_what_is_missing(small, tmp_path, monkeypatch):
    books = tmp_path / "kit" / "notebooks"
    books.mkdir(parents=True)
    write_book(
        books,
        "from cjlib.notebook import open_study\nstudy = open_study()",
        "%%needs survey\n1 / 0",
        "study.id",
    )
    monkeypatch.setattr(running, "home", lambda: tmp_path / "kit")

    done = running.run_notebooks(small, out=tmp_path / "out").files

    book = nbformat.read(done[0], as_version=4)
    assert "has no survey" in str(book.cells[1].outputs)
    assert "'small'" in str(book.cells[2].outputs)
    assert "execution" not in str(book.cells[0].metadata)
    assert running.run_notebooks(small, out=tmp_path / "out").kept == (
        "01_x",
    )  # traced in a kernel


def test_a_run_that_stops_says_where(small, tmp_path, monkeypatch):
    books = tmp_path / "kit" / "notebooks"
    books.mkdir(parents=True)
    write_book(books, "x = 1", "x / 0")
    monkeypatch.setattr(running, "home", lambda: tmp_path / "kit")

    with pytest.raises(NotebookError, match="01_x.ipynb must run to its end; code cell 2.*Zero"):
        running.run_notebooks(small, out=tmp_path / "out")


def test_too_few_data_is_said_and_what_builds_on_it_is_skipped(small, tmp_path, monkeypatch):
    books = tmp_path / "kit" / "notebooks"
    books.mkdir(parents=True)
    write_book(
        books,
        "from cjlib.notebook import open_study\nfrom cjlib.errors import TooFewError\n"
        "study = open_study()\ndef ask(): raise TooFewError('ask: only 3 rows')",
        "answer = ask()",
        "shown = answer + 1",
        "shown",
        "answer = 41",
        "answer + 1",
    )
    monkeypatch.setattr(running, "home", lambda: tmp_path / "kit")

    done = running.run_notebooks(small, out=tmp_path / "out").files

    outputs = [str(c.outputs) for c in nbformat.read(done[0], as_version=4).cells]
    assert "only 3 rows" in outputs[1]
    assert "it needs answer, for which there were too few data" in outputs[2]
    assert "it needs shown" in outputs[3]
    assert "42" in outputs[5]


def test_names_made_and_used():
    assert find_names("a = b + c.d\nfor e in f: g(e)") == ({"a", "e"}, {"b", "c", "f", "g", "e"})
    assert find_names("%%bash\nls") == (set(), set())
