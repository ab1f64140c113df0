"""Figures others published: read with every fault, and set beside the latest wave."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cjlib.accounts import check_accounts, read_published
from cjlib.errors import (
    ColumnError,
    JourneyError,
    MissingSourceError,
    StudyError,
    TooFewError,
)
from cjlib.metrics import (
    compare_metrics,
    compare_panel,
    compare_published,
    compare_with_published,
)
from cjlib.study import load_study

STUDY = """study: 1
id: tiny
language: en
title: {en: Tiny}
brand: {en: Tiny}
seed: 1
stages:
  - {id: look, kind: awareness, label: {en: Look}}
  - {id: shop, kind: decision, label: {en: Shop}}
survey:
  waves:
    - {id: one, date: "2024-01-01", files: [a.csv]}
    - {id: two, date: "2025-01-01", files: [b.csv]}
published: published.csv
"""
CODEBOOK = """name,source,question_en,kind,scale,low,high,role,stage,metric
nps,q1,Recommend?,scale,,0,10,outcome,,nps
csat_shop,q2,Satisfied?,scale,,1,5,outcome,shop,csat
age,q3,Age?,number,,,,description,,
"""
HEADER = "name,item,value,n,sd,promoters,detractors,source\n"
FIGURES = HEADER + "Rival,nps,12,400,,0.4,0.28,page 3\nRival,csat_shop,3.9,400,0.9,,,page 4\n"


@pytest.fixture
def tiny(tmp_path):
    def make(published=FIGURES, study=STUDY):
        for name, text in (
            ("study.yaml", study), ("codebook.csv", CODEBOOK), ("published.csv", published),
            ("a.csv", "q1,q2,q3\n5,3,30\n"), ("b.csv", "q1,q2,q3\n5,3,30\n"),
        ):  # fmt: skip
            (tmp_path / name).write_text(text, encoding="utf-8")
        return load_study(tmp_path)

    return make


def people(n=200, seed=3):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "respondent_id": np.arange(2 * n).astype(str),
            "wave": np.repeat(["one", "two"], n),
            "nps": rng.integers(0, 11, 2 * n).astype(float),
            "csat_shop": rng.integers(1, 6, 2 * n).astype(float),
        }
    )


def test_the_latest_wave_stands_beside_each_figure(tiny):
    study, frame = tiny(), people()
    found = compare_with_published(frame, read_published(study), study)
    two = frame[frame["wave"] == "two"]
    theirs = {"name": "Rival", "value": 12, "n": 400, "promoters": 0.4, "detractors": 0.28}
    nps = compare_published(two["nps"], pd.DataFrame([theirs]), metric="nps").table.iloc[0]
    row = found.table.iloc[0]

    assert found.table["item"].tolist() == ["nps", "csat_shop"]
    assert found.table["source"].tolist() == ["page 3", "page 4"]
    assert found.table["group"].unique().tolist() == ["two"]
    for name in ("value", "estimate", "low", "high", "p", "detectable"):
        assert row[name] == nps[name]
    shop = found.table.iloc[1]
    assert shop["estimate"] == pytest.approx(two["csat_shop"].mean() - 3.9)
    error = np.sqrt(two["csat_shop"].var() / 200 + 0.9**2 / 400)  # Welch
    assert (shop["high"] - shop["low"]) / 2 == pytest.approx(1.96 * error, rel=0.01)
    assert (found.table["p_holm"] >= found.table["p"]).all()


def test_another_wave_and_what_cannot_be_compared(tiny):
    study, frame = tiny(), people()
    table = read_published(study)

    one = compare_with_published(frame, table, study, wave="one").table
    assert one["value"].iloc[1] == pytest.approx(frame["csat_shop"][:200].mean())
    with pytest.raises(ColumnError, match="wave must be one of one, two; got 'three'"):
        compare_with_published(frame, table, study, wave="three")
    with pytest.raises(TooFewError, match="none of the 2 has any"):
        compare_with_published(frame[["respondent_id", "wave"]], table, study)
    with pytest.raises(ColumnError, match="got 'age'"):
        compare_with_published(frame, table.assign(item="age"), study)


def test_top_box_is_compared_where_the_study_takes_it(tiny):
    study = tiny(
        HEADER + "Rival,csat_shop,0.62,400,,,,page 4\n", STUDY + "positions: {csat: top_box}\n"
    )
    frame = people()
    row = compare_with_published(frame, read_published(study), study).table.iloc[0]

    share = (frame["csat_shop"][200:] >= 4).mean()
    assert row["metric"] == "csat_top_box"
    assert row["estimate"] == pytest.approx(share - 0.62)


def test_every_fault_has_its_line(tiny):
    bad = (
        HEADER + "Rival,npss,12,400,,,,x\nRival,nps,120,0,,,,x\nRival,csat_shop,3.9,,,0.2,,x\n"
        "Rival,nps,3,9,,,,x\n,nps,4,,,,,\n"
    )
    study = tiny(bad)

    faults = check_accounts(study)
    assert [(f.line, f.found) for f in faults] == [
        (2, "unknown item 'npss'"), (3, "value 120"), (3, "n 0"),
        (4, "promoters of 'csat_shop'"), (5, "'Rival' on 'nps' again (first on line 3)"),
        (6, "an empty name"), (6, "an empty source"),
    ]  # fmt: skip
    assert faults[0].nearest == "nps"
    with pytest.raises(StudyError, match=r"published\.csv:2: unknown item 'npss'"):
        read_published(study)


def test_a_study_without_published_figures(tiny):
    study = tiny(study=STUDY.replace("published: published.csv\n", ""))

    assert check_accounts(study) == []
    with pytest.raises(MissingSourceError, match="must have published"):
        read_published(study)


def test_the_same_people_are_compared_with_the_headline_of_each_item(tiny):
    study, frame = tiny(), people()
    frame["customer_id"] = np.tile(np.arange(200).astype(str), 2)
    found = compare_metrics(frame, study, by="wave", paired=True).table
    kinds = {"nps": "nps", "csat_shop": "mean"}
    plain = compare_panel(frame, items=kinds, waves=("one", "two")).table

    assert found["metric"].tolist() == ["nps", "csat_mean"]
    assert found["item"].tolist() == plain["label"].tolist() == ["nps", "csat_shop"]
    assert found["label"].iloc[1] == "Shop"
    for name in ("estimate", "low", "high", "p", "p_holm", "detectable"):
        assert found[name].tolist() == plain[name].tolist()
    with pytest.raises(JourneyError, match="got by='nps' and 0 waves"):
        compare_metrics(frame, study, by="nps", paired=True)
