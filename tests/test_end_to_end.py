"""From raw files to a report: the two real studies, whole; the shipped one twice, to the byte.

The real runs take minutes and are still not marked slow: at least these must run everywhere
the data is.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from cjlib.__main__ import main


def read(out: Path, notebook: str, name: str) -> pd.DataFrame:
    return pd.read_csv(out / "tables" / notebook / f"{name}.csv")


@pytest.mark.real
def test_sfo_airport_from_raw_files_to_report(root, shared_data, tmp_path, capsys):
    raw = shared_data / "sfo_airport_survey"

    code = main(["run", str(root / "data/sfo_airport"), "--raw", str(raw), "--out", str(tmp_path)])

    assert code == 0
    assert f"Report: {tmp_path / 'report.html'}" in capsys.readouterr().out
    nps = read(tmp_path, "05_metrics", "metrics").query("metric == 'nps'").set_index("weighting")
    assert nps.loc["unweighted", "estimate"] == pytest.approx(39.84, abs=0.005)
    assert nps.loc["weighted", "estimate"] == pytest.approx(40.40, abs=0.005)
    assert (nps["n"] == 2746).all()
    waves = read(tmp_path, "05_metrics", "metrics_by_wave")
    overall = waves.query("item == 'overall' and metric == 'csat_mean' and wave == 2017")
    overall = overall.set_index("weighting").loc["unweighted", "estimate"]
    assert overall == pytest.approx(4.064, abs=0.0005)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "NPS is \u206640.4" in page
    assert "Not in this report: What customers did." in page
    skipped = (tmp_path / "notebooks" / "06_journeys.ipynb").read_text(encoding="utf-8")
    assert "has no events" in skipped
    assert not (tmp_path / "tables" / "06_journeys").exists()


@pytest.mark.real
def test_olist_from_raw_files_to_report(root, shared_data, tmp_path):
    raw = shared_data / "olist"

    code = main(["run", str(root / "data/olist"), "--raw", str(raw), "--out", str(tmp_path)])

    assert code == 0
    stars = read(tmp_path, "05_metrics", "rating_distribution").set_index("answer")
    assert (stars["n"] == 6866).all()
    shares = (stars["estimate"] * 100).round(1)
    assert shares.loc[[5, 4, 3, 2, 1]].tolist() == [57.5, 19.3, 8.3, 3.3, 11.6]
    scope = read(tmp_path, "06_journeys", "scope")
    assert scope["rows"].iloc[0] == 14318 + 14286 + 14072 + 13910 + 6866
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "6,866 ratings in the log" in page
    assert (tmp_path / "maps" / "everybody.json").exists()
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    sources = {entry["source"] for entry in manifest["inputs"]}
    assert sources == {"definitions", "events", "comments"}


def test_a_new_study_runs_to_its_report_and_says_where_data_are_too_few(tmp_path, capsys):
    study, out = tmp_path / "mine", tmp_path / "out"

    assert main(["new", str(study)]) == 0
    assert main(["run", str(study), "--out", str(out)]) == 0

    assert "Report: " in capsys.readouterr().out
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "survey answers were analysed" in page
    personas = (out / "notebooks" / "04_personas.ipynb").read_text(encoding="utf-8")
    assert "TooFewError" in personas
    assert "it needs groups, for which there were too few data" in personas


@pytest.mark.slow
def test_the_same_files_and_seed_give_the_same_bytes(sepidar, tmp_path):
    for name in ("first", "second"):
        assert main(["run", str(sepidar), "--out", str(tmp_path / name)]) == 0

    first, second = (
        {f.relative_to(tmp_path / name): f.read_bytes()
         for f in (tmp_path / name).rglob("*") if f.is_file() and f.suffix != ".ipynb"}
        for name in ("first", "second")
    )  # fmt: skip
    assert first.keys() == second.keys()
    assert [str(f) for f in first if first[f] != second[f]] == []
