"""SPSS files: codes, labels, missing codes and dates; damaged files never bring us down."""

from __future__ import annotations

import datetime as dt
import subprocess

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from cjlib.definitions import Dialect
from cjlib.errors import JourneyError
from cjlib.study import load_study
from cjlib.survey import read_answers, spss
from cjlib.survey.exports import read_export

ANSWERS = {
    "id": ["007", "NA", "نفر سوم"],
    "rating": [1.0, 5.0, 99.0],
    "amount": [2.5, np.nan, -7.0],
    "day": [dt.date(2025, 6, 8), None, dt.date(1999, 12, 31)],
    "at": [dt.datetime(2025, 6, 8, 10, 30), None, dt.datetime(2025, 6, 8)],
    "took": [dt.time(1, 2, 3), None, dt.time(0, 0, 0)],
    "note": ["خیلی " * 300, "x", ""],
    "word": ["a", "zz", "b"],
}


@pytest.fixture
def sav(tmp_path):
    """A file with Persian labels, user-missing codes and a range, dates, a long text."""
    pyreadstat.write_sav(
        pd.DataFrame(ANSWERS), str(tmp_path / "a.sav"),
        column_labels={"rating": "چقدر راضی هستید؟"},
        variable_value_labels={
            "rating": {1: "کم", 5: "زیاد", 98: "نمی‌خواهم بگویم", 99: "نمی‌دانم"},
            "word": {"a": "A"},
        },
        missing_ranges={"rating": [98, 99], "amount": [{"lo": -9, "hi": -1}], "word": ["zz"]},
    )  # fmt: skip
    return tmp_path / "a.sav"


def test_cells_are_codes_as_text(sav):
    export = read_export(sav, shown="a.sav")
    cells = dict(zip(export.headers, export.rows.T.to_numpy().tolist(), strict=True))

    assert (export.form, export.header_rows) == ("spss", 0)
    assert export.rows.index.tolist() == [1, 2, 3]
    assert cells["id"] == ["007", "NA", "نفر سوم"]
    assert cells["rating"] == ["1", "5", "99"]
    assert cells["amount"] == ["2.5", "", "-7"]
    assert cells["day"] == ["2025-06-08", "", "1999-12-31"]
    assert cells["at"] == ["2025-06-08 10:30:00", "", "2025-06-08"]
    assert cells["took"] == ["01:02:03", "", "00:00:00"]
    assert cells["note"] == [("خیلی " * 300).strip(), "x", ""]


def test_what_the_file_declares(sav):
    export = read_export(sav, shown="a.sav")

    assert export.questions[1] == "چقدر راضی هستید؟"
    assert export.labels[1]["99"] == "نمی‌دانم"
    assert export.missing == {1: ("98", "99"), 2: ("-7",), 7: ("zz",)}


def test_declared_codes_stand_beside_the_answers(sav, tmp_path):
    (tmp_path / "study.yaml").write_text(
        "study: 1\nid: t\ntitle: T\nbrand: T\nlanguage: fa\n"
        "stages: [{id: buy, label: Buy}, {id: use, label: Use}]\n"
        "survey: {waves: [{id: w, files: [a.sav]}]}\n",
        encoding="utf-8",
    )
    book = "name,source,kind,low,high\nid,,id,,\nhow,چقدر راضی هستید؟,scale,1,5\n"
    (tmp_path / "codebook.csv").write_text(book, encoding="utf-8")
    raw = read_answers(load_study(tmp_path))
    told = raw.declared.set_index("code")

    assert raw.table["how"].tolist() == ["1", "5", "99"]
    assert told["item"].tolist() == ["how"] * 4
    assert told["missing"].to_dict() == {"1": False, "5": False, "98": True, "99": True}
    assert told.loc["99", "label"] == "نمی‌دانم"


@pytest.mark.parametrize("written", [{"compress": True}, {"row_compress": True}])
def test_compressed_files(tmp_path, written):
    path = tmp_path / "a.zsav"
    pyreadstat.write_sav(pd.DataFrame({"q": [1.0, 2.0]}), str(path), **written)

    assert read_export(path, shown="a.zsav").rows[0].tolist() == ["1", "2"]


def test_a_sav_by_another_name_and_a_form_that_is_not(sav, tmp_path):
    (tmp_path / "named.csv").write_bytes(sav.read_bytes())
    (tmp_path / "text.csv").write_text("a,b\n1,2\n", encoding="utf-8")

    assert read_export(tmp_path / "named.csv", shown="n").form == "spss"
    with pytest.raises(JourneyError, match="'text.csv' must be a readable SPSS file"):
        read_export(tmp_path / "text.csv", shown="text.csv", dialect=Dialect(form="spss"))


def test_no_cases(tmp_path):
    pyreadstat.write_sav(pd.DataFrame({"q": [1.0]}).iloc[:0], str(tmp_path / "a.sav"))

    with pytest.raises(JourneyError, match="must have answers below its header; 'a.sav'"):
        read_export(tmp_path / "a.sav", shown="a.sav")


def test_damaged_files_are_one_error_or_read(sav):
    raw = sav.read_bytes()
    rng = np.random.default_rng(7)
    told = []
    for turn in range(8):
        data = bytearray(raw)
        for place in rng.integers(4, len(raw), 1 + 4 * turn):
            data[place] = rng.integers(256)
        try:
            spss.read_spss(bytes(data[: len(raw) if turn % 2 else len(raw) // 2]), shown="a.sav")
        except JourneyError as error:
            told.append(str(error))
    assert len(told) >= 4
    assert all("'a.sav' must be a readable SPSS file; it is not" in text for text in told)


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended by signal 11"),
        ("import time; time.sleep(60)", "after 0.5 seconds it is not read"),
        ("raise MemoryError", "it takes too much memory"),
        ("pass", "No such file"),
    ],
)
def test_the_end_of_the_reader_is_one_error(sav, monkeypatch, tmp_path, code, wrong):
    child = tmp_path / "child.py"
    child.write_text(code, encoding="utf-8")
    monkeypatch.setattr(spss, "_CHILD", child)
    monkeypatch.setattr(spss, "SECONDS", 0.5 if "sleep" in code else 60)

    with pytest.raises(JourneyError, match=wrong):
        read_export(sav, shown="a.sav")


def test_the_reader_runs_elsewhere(sav, monkeypatch):
    started = []
    run = subprocess.run
    monkeypatch.setattr(spss.subprocess, "run", lambda *a, **k: started.append(a) or run(*a, **k))

    read_export(sav, shown="a.sav")

    assert len(started) == 1
