"""The two real studies: their definitions alone, and their mapping against the public files."""

from __future__ import annotations

import itertools
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from cjlib.codebook import Item
from cjlib.events import read_interactions
from cjlib.metrics import measure_metrics
from cjlib.study import Study, load_study, read_study
from cjlib.survey import clean_answers

SFO_WAVES = ["2010", "2011", "2012", "2013", "2014", "2015", "2017"]
OLIST_FILES = ["customers", "order_payments", "order_reviews", "orders"]
PERSIAN = re.compile(r"[\u0600-\u06ff]")
LATIN = re.compile(r"[A-Za-z]{3,}")


@pytest.fixture(scope="module")
def sfo_raw(shared_data) -> Path:
    return shared_data / "sfo_airport_survey"


@pytest.fixture(scope="module")
def olist_raw(shared_data) -> Path:
    return shared_data / "olist"


@pytest.fixture
def sfo(root, sfo_raw) -> Study:
    return load_study(root / "data" / "sfo_airport", raw=sfo_raw)


@pytest.fixture
def olist(root, olist_raw) -> Study:
    return load_study(root / "data" / "olist", raw=olist_raw)


@pytest.fixture(scope="module")
def answers(sfo_raw) -> dict[str, pd.DataFrame]:
    """Each wave as published, read by pandas alone."""
    return {
        wave: pd.read_csv(
            sfo_raw / "raw" / f"{wave}_SFO_Customer_Survey.csv", dtype=str, keep_default_na=False
        )
        for wave in SFO_WAVES
    }


def rated(table: pd.DataFrame, column: str, low: int = 1, high: int = 5) -> pd.Series:
    values = pd.to_numeric(table[column], errors="coerce")
    return values[values.between(low, high)]


# definitions alone -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sfo_airport", "olist"])
def test_without_the_data_every_missing_file_is_named_once_or_more(root, tmp_path, name):
    study, faults = read_study(root / "data" / name, raw=tmp_path)
    expected = (
        {f"raw/{wave}_SFO_Customer_Survey.csv" for wave in SFO_WAVES}
        if name == "sfo_airport"
        else {f"olist_{part}_dataset.csv" for part in OLIST_FILES}
    )

    assert study is not None
    assert {f.found.removeprefix("file ").strip("'") for f in faults} == expected
    assert all(f.file == "study.yaml" and f.line > 1 for f in faults)


@pytest.mark.parametrize("name", ["sfo_airport", "olist"])
def test_only_definitions_are_shipped(root, name):
    files = sorted(p.name for p in (root / "data" / name).iterdir())

    own = {"study.yaml", "codebook.csv", "comment_codes.csv"}
    assert all(f in own or f.startswith("codes_") for f in files)


def test_every_label_stands_in_both_languages(root):
    study, _ = read_study(root / "data" / "sfo_airport")
    texts = [
        *(item.question for item in study.codebook.items),
        *(text for item in study.codebook.items for text in item.labels.values()),
        *(d.label for d in (*study.stages, *study.touchpoints, *study.channels)),
    ]

    assert len(texts) > 500
    assert [t for t in texts if not t.en or PERSIAN.search(t.en)] == []
    unread = [t for t in texts if not t.fa or not re.search(r"[\u0600-\u06ff]", t.fa)]
    assert unread == []
    assert [
        t.fa for t in texts if LATIN.search(t.fa.replace("PreCheck", "").replace("VTA", ""))
    ] == []


def test_a_packed_file_stands_for_the_unpacked_one(root, tmp_path):
    for part in OLIST_FILES:
        (tmp_path / f"olist_{part}_dataset.csv.gz").write_bytes(b"")
    study, faults = read_study(root / "data" / "olist", raw=tmp_path)

    assert faults == []
    assert study.file("olist_orders_dataset.csv").name == "olist_orders_dataset.csv.gz"
    (tmp_path / "olist_orders_dataset.csv").write_text("x")
    assert study.file("olist_orders_dataset.csv").name == "olist_orders_dataset.csv"


def test_a_colon_in_a_header_is_not_a_wave_but_a_misspelt_wave_is_a_fault(root, tmp_path):
    shutil.copytree(root / "data" / "sfo_airport", tmp_path / "sfo")
    book = tmp_path / "sfo" / "codebook.csv"
    text = book.read_text(encoding="utf-8")
    text = text.replace("2017:NETPRO", "2071:NETPRO").replace(
        "RESPNUM", "Note: number|id:RESPNUM", 1
    )
    book.write_text(text, encoding="utf-8")
    study, faults = read_study(tmp_path / "sfo")
    found = [f for f in faults if f.file == "codebook.csv"]

    assert [f.found for f in found] == [
        "source 'id:RESPNUM' of an unknown wave",
        "source '2071:NETPRO' of an unknown wave",
    ]
    assert found[1].nearest == "2017"
    assert found[1].line == study.codebook["recommend"].line
    assert study.codebook["respondent"].headers("2010") == ["Note: number"]


# the airport's columns and codes -------------------------------------------------------------


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "folder"), [("sfo_airport", "sfo_airport_survey"), ("olist", "olist")]
)
def test_with_the_data_there_is_no_fault(root, shared_data, name, folder):
    study, faults = read_study(root / "data" / name, raw=shared_data / folder)

    assert [str(f) for f in faults] == []
    assert study.id == name


@pytest.mark.real
def test_each_mapped_column_is_there_and_serves_one_item(sfo, answers):
    for wave in SFO_WAVES:
        used = [h for item in sfo.codebook.items for h in item.headers(wave)]

        assert [h for h in used if h not in answers[wave].columns] == []
        assert [h for h in used if used.count(h) > 1] == []


def declared(item: Item, column: pd.Series) -> pd.Series:
    known = column.isin([*item.missing, ""])
    if item.kind in ("nominal", "codes", "language"):
        return known | column.isin(list(item.codes or item.labels))
    return known | pd.to_numeric(column, errors="coerce").between(item.low, item.high)


@pytest.mark.real
def test_nearly_every_answer_is_on_the_scale_or_declared_missing(sfo, answers):
    shares = {}
    for wave in SFO_WAVES:
        for item in sfo.codebook.items:
            if item.kind in ("scale", "number", "nominal", "codes", "language"):
                for header in item.headers(wave):
                    own = item.in_wave(wave)  # codes may drift
                    shares[wave, item.name] = declared(own, answers[wave][header]).mean()

    assert len(shares) > 300
    assert {k: v for k, v in shares.items() if v < 0.995} == {}


@pytest.mark.real
def test_items_keep_their_order_from_wave_to_wave(sfo, answers):
    """A swapped column would break it: items differ far more than years do."""
    items = [i for i in sfo.codebook.items if i.kind == "scale" and len(i.source) == 7]
    means = pd.DataFrame(
        {w: {i.name: rated(answers[w], i.headers(w)[0]).mean() for i in items} for w in SFO_WAVES}
    )

    assert len(items) >= 20
    ranks = means.rank()
    for before, after in itertools.pairwise(SFO_WAVES):
        assert ranks[before].corr(ranks[after]) > 0.9, (before, after)
    assert (means.sub(means.median(axis=1), axis=0).abs() < 0.35).all(axis=None)


@pytest.mark.real
def test_overall_item_by_wave_as_pandas_counts_it(sfo, answers):
    # columns looked up by hand in each year's dictionary: "SFO Airport as a whole"
    names = ["Q6N", "Q8N", "Q8N_WHOLE", "Q7O_WHOLE", "Q7ALL", "Q7ALL", "Q7ALL"]
    column = dict(zip(SFO_WAVES, names, strict=True))
    known = [3.925, 3.946, 3.998, 3.982, 3.996, 4.048, 4.064]

    assert {w: sfo.codebook["overall"].headers(w) for w in SFO_WAVES} == {
        w: [c] for w, c in column.items()
    }
    found = [rated(answers[w], column[w]).mean() for w in SFO_WAVES]
    assert found == pytest.approx(known, abs=0.0005)


@pytest.mark.real
def test_the_figures_of_2017(sfo, answers):
    # SOURCE.md beside the data: NPS 39.84 / 40.40 weighted (n = 2,746), ease 4.413 and 4.307
    table = answers["2017"]
    header = {
        n: sfo.codebook[n].headers("2017")[0]
        for n in ("recommend", "ease_finding_way", "ease_security", "weight")
    }
    score = rated(table, header["recommend"], 0, 10)
    points = score.ge(9).astype(int) - score.le(6)
    weight = table.loc[score.index, header["weight"]].astype(float)

    assert len(score) == 2746
    assert 100 * points.mean() == pytest.approx(39.84, abs=0.005)
    assert 100 * (points * weight).sum() / weight.sum() == pytest.approx(40.40, abs=0.005)
    assert rated(table, header["ease_finding_way"]).mean() == pytest.approx(4.413, abs=0.0005)
    assert rated(table, header["ease_security"]).mean() == pytest.approx(4.307, abs=0.0005)


@pytest.mark.real
def test_the_kit_gives_the_figures_of_2017(sfo):
    study = replace(sfo, waves=sfo.waves[-1:])
    survey = clean_answers(study)
    table = measure_metrics(survey, study).table.set_index(["item", "metric", "weighting"])
    found = table["estimate"].xs("unweighted", level="weighting")

    # SOURCE.md beside the data
    assert len(survey.respondents) == 2831  # nobody is removed
    assert found["recommend", "nps"] == pytest.approx(39.84, abs=0.005)
    assert table.loc[("recommend", "nps", "weighted"), "estimate"] == pytest.approx(
        40.40, abs=0.005
    )
    assert table.loc[("recommend", "nps", "weighted"), "n"] == 2746
    assert found["overall", "csat_mean"] == pytest.approx(4.064, abs=0.0005)
    assert table.loc[("overall", "csat_mean", "weighted"), "estimate"] == pytest.approx(
        4.071, abs=0.0005
    )
    assert found["overall", "csat_top_box"] == pytest.approx(0.8207, abs=0.00005)
    assert found["ease_finding_way", "ces_mean"] == pytest.approx(4.413, abs=0.0005)
    assert found["ease_security", "ces_mean"] == pytest.approx(4.307, abs=0.0005)
    assert survey.unfit["rows"].sum() == 2  # two comment codes in no dictionary
    assert survey.respondents["language"].value_counts().to_dict() == {
        "en": 2656, "zh": 124, "es": 46, "ja": 5,
    }  # fmt: skip


@pytest.mark.real
def test_why_two_waves_are_left_out_of_two_items(sfo, answers):
    """What the data card says of contradicting dictionaries still holds in the files."""
    first, flown = answers["2015"]["Q5FIRSTTIME"], answers["2015"]["Q5TIMESFLOWN"]
    access = answers["2013"]["Q3GETTO1"]

    assert set(flown[first == "2"]) == {"1"}  # the dictionary says 2 = not the first time
    assert (access.astype(int) > 10).sum() == 127  # the dictionary's list ends at 10
    assert sfo.codebook["first_time"].headers("2015") == []
    assert sfo.codebook["arrived_by"].headers("2013") == []


@pytest.mark.real
def test_codes_that_drift_between_waves_are_one_list(sfo, answers):
    """By the dictionaries BART is 5 up to 2014, then 6; 2014 parts Uber from Lyft."""
    waves = {"2010": "Q3_1", "2012": "Q3GETTO1", "2014": "Q3GETTO1", "2015": "Q3GETTO1"}
    picked = tuple(wave for wave in sfo.waves if wave.id in waves)
    survey = clean_answers(replace(sfo, waves=picked))
    found = survey.respondents.groupby("wave")["arrived_by"]

    for wave, column in waves.items():
        codes = found.get_group(wave)
        bart = "6" if wave == "2015" else "5"
        assert codes.eq("6").sum() == (answers[wave][column] == bart).sum() > 200
    rides = answers["2014"]["Q3GETTO1"].isin(["11", "12", "13"])
    assert found.get_group("2014").eq("5").sum() == rides.sum() == 109
    assert "arrived_by" not in set(survey.unfit["column"])


@pytest.mark.real
def test_weights_average_one_in_each_wave_that_has_them(sfo, answers):
    waves = [w for w in SFO_WAVES if sfo.codebook["weight"].headers(w)]

    assert waves == ["2010", "2013", "2014", "2015", "2017"]
    for wave in waves:
        assert answers[wave]["WEIGHT"].astype(float).mean() == pytest.approx(1, abs=0.0001)


# Olist's tables --------------------------------------------------------------------------------


@pytest.mark.real
def test_olist_tables_join_as_the_study_says(olist):
    table = {n: pd.read_csv(olist.file(f"olist_{n}_dataset.csv"), dtype=str) for n in OLIST_FILES}
    reviews = table["order_reviews"].merge(table["orders"], on="order_id", validate="m:1")
    reviews = reviews.merge(table["customers"], on="customer_id", validate="m:1")
    shares = reviews["review_score"].value_counts(normalize=True).sort_index(ascending=False)

    # SOURCE.md beside the data: scores 5/4/3/2/1 of 6,866 reviews
    assert len(reviews) == 6866
    assert reviews["customer_unique_id"].notna().all()
    assert (100 * shares).round(1).tolist() == [57.5, 19.3, 8.3, 3.3, 11.6]
    times = olist.events.sources[0].times
    assert table["orders"][list(times)].notna().sum().tolist() == [14318, 14286, 14072, 13910]


@pytest.mark.real
def test_olist_contacts_and_reviews_as_read(olist):
    found = read_interactions(olist)
    table = found.table
    shares = table["rating"].value_counts(normalize=True).sort_index(ascending=False)

    assert table["touchpoint"].value_counts().to_dict() == {
        "order_placed": 14318,
        "payment_approved": 14286,
        "handed_to_carrier": 14072,
        "delivered": 13910,
        "review_written": 6866,
    }
    assert table["customer_id"].nunique() == 14242
    assert (100 * shares).round(1).tolist() == [57.5, 19.3, 8.3, 3.3, 11.6]
    assert (table["text"].fillna("") != "").sum() == 2853
    assert table.loc[table["amount"].notna(), "touchpoint"].unique().tolist() == ["order_placed"]
    assert table["amount"].sum() == pytest.approx(2291071.84, abs=0.005)
    assert found.set_aside.empty
