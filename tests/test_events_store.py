"""The layout on disk: the same answers as in memory, to the last digit, and found again."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cjlib.errors import JourneyError
from cjlib.events import (
    count_ends,
    count_funnel,
    count_moves,
    count_paths,
    count_steps,
    count_ties,
    journey_log,
    measure_gaps,
    read_interactions,
    store_log,
)
from cjlib.events.store import open_layout
from cjlib.study import load_study

LABELS = ["page", "pay", "help"]
COLUMNS = {"customer_id": "who", "time": "when", "touchpoint": "where", "channel": "via",
           "amount": "paid"}  # fmt: skip


def study_of(folder, sources=None, **more):
    study = {
        "study": 1, "id": "shop", "title": "Shop", "brand": "Shop", "language": "en",
        "privacy": {"key": "public"},
        "stages": [{"id": i, "label": i} for i in ("look", "buy")],
        "channels": [{"id": "web", "label": "Web"}, {"id": "tv", "label": "TV", "two_way": False}],
        "touchpoints": [{"id": "page", "stage": "look", "channel": "web", "label": "Page"},
                        {"id": "pay", "stage": "buy", "channel": "web", "label": "Pay"},
                        {"id": "help", "stage": "look", "label": "Help"}],
        "events": {"sources": sources or [{"path": "log.csv", "columns": COLUMNS}], **more},
    }  # fmt: skip
    (folder / "study.yaml").write_text(json.dumps(study), encoding="utf-8")
    return load_study(folder)


def ask(log, by):
    log = log.of(by)
    paths, variants = count_paths(log, top=4)
    labels = [label for label in log.labels if label != "(none)"]
    return {
        "moves": count_moves(log).to_dict("list"),
        "gaps": measure_gaps(log, at=(0.1, 0.5, 0.9)).to_dict("list"),
        "steps": count_steps(log, steps=4).to_dict("list"),
        "funnel": count_funnel(log, stages=labels[:2]).to_dict("list"),
        "ends": count_ends(log).to_dict("list"),
        "paths": paths.to_dict("list"),
        "variants": variants,
        "ties": count_ties(log).to_dict("list"),
    }


rows = st.lists(
    st.tuples(
        st.sampled_from(["NA", "null", "007", "u", " u", "v", "w", ""]),
        st.sampled_from(["2025-01-01 10:00", "2025-01-01 11:30:05", "2025-02-30", "03/04/2025",
                         "25/04/2025", "1404/01/15", "2025-01-01T10:00Z"]),
        st.sampled_from([*LABELS, "PAGE", "gone"]),
        st.sampled_from(["", "web", "tv", "smoke"]),
        st.sampled_from(["", "2.5", "free"]),
    ),
    min_size=1, max_size=30,
)  # fmt: skip


@given(rows, st.integers(1, 5), st.integers(1, 9))
@settings(max_examples=10)
def test_the_law_of_the_store(tmp_path_factory, given_, partitions, batch):
    folder = tmp_path_factory.mktemp("law")
    table = pd.DataFrame(given_, columns=["who", "when", "where", "via", "paid"])
    table.to_csv(folder / "log.csv", index=False)
    study = study_of(folder, time_zone="Asia/Tehran")
    whole = read_interactions(study)
    stored = store_log(study, folder / "kept", partitions=partitions, batch=batch)

    pd.testing.assert_frame_equal(stored.scope, whole.scope)
    aside = whole.set_aside[["file", "row", "reason"]].sort_values("row", ignore_index=True)
    assert stored.set_aside().to_numpy().tolist() == aside.to_numpy().tolist()
    told = whole.misfits.sort_values(["column", "value"], ignore_index=True)
    kept = stored.misfits().sort_values(["column", "value"], ignore_index=True)
    assert kept.to_numpy().tolist() == told.to_numpy().tolist()
    if whole.table.empty:
        assert (stored.contacts, stored.partitions) == (0, 0)
        return
    log = journey_log(whole)
    for by in ("touchpoint", "stage", "channel"):
        assert ask(stored, by) == ask(log, by)
    loaded = stored.load()
    assert ask(loaded, "touchpoint") == ask(log, "touchpoint")
    assert sorted(loaded.customers) == sorted(log.customers)
    assert np.nansum(loaded.amounts if loaded.amounts is not None else 0) == np.nansum(
        log.amounts if log.amounts is not None else 0
    )


@pytest.fixture
def shop(tmp_path):
    rng = np.random.default_rng(5)
    n = 3000
    table = pd.DataFrame(
        {
            "who": rng.integers(0, 200, n).astype(str),
            "when": (pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 9e6, n), "s")),
            "where": np.array(LABELS)[rng.integers(0, 3, n)],
            "via": "", "paid": "",
        }
    )  # fmt: skip
    table.astype("str").to_csv(tmp_path / "log.csv", index=False)
    return tmp_path


def test_a_second_open_finds_the_layout_and_a_change_does_not(shop):
    study = study_of(shop)
    first = store_log(study, shop / "kept", partitions=4)
    stamp = (first.folder / "layout.json").stat().st_mtime_ns
    again = store_log(study, shop / "kept", partitions=4)

    assert again.folder == first.folder
    assert (again.folder / "layout.json").stat().st_mtime_ns == stamp
    with (shop / "log.csv").open("a") as stream:
        stream.write("200,2025-05-05,pay,,\n")
    grown = store_log(study, shop / "kept", partitions=4)
    assert grown.folder != first.folder
    assert grown.contacts == first.contacts + 1
    other = store_log(study_of(shop, time_zone="Asia/Tehran"), shop / "kept", partitions=4)
    assert other.folder not in (first.folder, grown.folder)
    assert {p.name for p in (shop / "kept").iterdir()} == {
        first.folder.name, grown.folder.name, other.folder.name,
    }  # fmt: skip


def test_nothing_raw_and_nothing_pickled_is_kept(shop):
    text = (shop / "log.csv").read_text()
    (shop / "log.csv").write_text(text + "secret-customer-77,2025-01-01,pay,,\n")
    stored = store_log(study_of(shop), shop / "kept")
    files = [file for file in (shop / "kept").rglob("*") if file.is_file()]

    assert {file.suffix for file in files} == {".json", ".npy", ".parquet", ".csv"}
    assert not any(b"secret-customer-77" in file.read_bytes() for file in files)
    for file in files:
        if file.suffix == ".npy":
            np.load(file, allow_pickle=False)
    assert stored.part(0).codes.dtype == np.int8


def test_a_failure_leaves_nothing_half_written(shop, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError(28, "no space left")

    monkeypatch.setattr("cjlib.events.storing.settle_part", fail)
    with pytest.raises(OSError, match="no space"):
        store_log(study_of(shop), shop / "kept")
    assert list((shop / "kept").iterdir()) == []


def test_processes_share_out_the_partitions(shop):
    stored = store_log(study_of(shop), shop / "kept", partitions=4)

    # a pool is started for every question, so two stand for all of them
    pd.testing.assert_frame_equal(count_moves(stored.on(2)), count_moves(stored))
    pd.testing.assert_frame_equal(measure_gaps(stored.on(2)), measure_gaps(stored))
    assert stored.cores == 1


def test_a_frame_is_laid_out_anew_each_time(shop):
    study = study_of(shop, [{"frame": "visits", "columns": COLUMNS}])
    table = pd.read_csv(shop / "log.csv", dtype="str", keep_default_na=False)
    whole = store_log(study, shop / "kept", tables={"visits": table})
    half = store_log(study, shop / "kept", tables={"visits": table.head(1000)})

    assert (whole.contacts, half.contacts) == (3000, 1000)
    assert len(list((shop / "kept").iterdir())) == 1


def test_wide_tables_and_lifecycles_in_small_batches(tmp_path):
    lines = [
        f"c{i % 7},2025-01-{1 + i % 20:02d} 10:{i:02d},2025-02-0{1 + i % 3}" for i in range(40)
    ]
    (tmp_path / "wide.csv").write_text("who,seen,bought\n" + "\n".join([*lines, lines[0]]))
    steps = [f"c{i % 5},2025-03-01 10:{i:02d},help,{'start' if i % 2 else 'complete'}"
             for i in range(50)]  # fmt: skip
    (tmp_path / "log.csv").write_text("who,when,where,step\n" + "\n".join(steps))
    sources = [
        {"path": "wide.csv", "columns": {"customer_id": "who"},
         "times": {"seen": "page", "bought": "pay"}},
        {"path": "log.csv", "columns": {"customer_id": "who", "time": "when",
                                        "touchpoint": "where", "lifecycle": "step"}},
    ]  # fmt: skip
    study = study_of(tmp_path, sources)
    whole = read_interactions(study)
    stored = store_log(study, tmp_path / "kept", partitions=3, batch=6)

    pd.testing.assert_frame_equal(stored.scope, whole.scope)
    assert whole.scope.set_index("reason")["rows"]["duplicate row"] == 2
    log = journey_log(whole)
    assert ask(stored, "touchpoint") == ask(log, "touchpoint")
    assert np.nansum(stored.load().seconds) == np.nansum(log.seconds) > 0


def test_messages(shop):
    study = study_of(shop)
    with pytest.raises(JourneyError, match="partitions must be 1 to 1,024"):
        store_log(study, shop / "kept", partitions=0)
    with pytest.raises(JourneyError, match="Make one with store_log"):
        open_layout(shop)
    stored = store_log(study, shop / "kept")
    with pytest.raises(JourneyError, match="Did you mean 'stage'"):
        stored.of("stages")
    with pytest.raises(JourneyError, match="at least 1; got 0"):
        stored.on(0)
    empty = replace(stored, partitions=0)
    with pytest.raises(JourneyError, match="at least one contact"):
        empty.load()
