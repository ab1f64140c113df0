"""Typed Parquet through DuckDB: the same rows as text, and what it cannot carry says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from test_events_store import COLUMNS, LABELS, ask, study_of

from cjlib.errors import ColumnError
from cjlib.events import journey_log, read_interactions, store_log

START = datetime(2025, 3, 20, 22, 0, tzinfo=UTC)  # the night of Nowruz, by two clocks
KINDS = {
    "who": [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())],
    "when": [pa.timestamp("us", "UTC"), pa.timestamp("ms"), pa.timestamp("us", "Asia/Tehran")],
    "where": [pa.string(), pa.dictionary(pa.int32(), pa.string())],
    "via": [pa.string()],
    "paid": [pa.float64(), pa.float32()],
    "note": [pa.string()],
}
rows = st.lists(
    st.tuples(
        st.sampled_from(["NA", "null", "007", "u", " u", "u\u2003", "", None]),
        st.sampled_from([None, 0, 1, 60, 60, 90]),
        st.sampled_from([*LABELS, "PAGE", "gone", "", None]),
        st.sampled_from(["web", "tv", "smoke", None]),
        st.sampled_from([None, 2.5, 7.0, 0.0, -0.0, float("nan"), float("inf")]),
        st.sampled_from([None, "", "a", "b"]),
    ),
    min_size=1, max_size=40,
)  # fmt: skip


def write(file, given_, kinds, names=("who", "when", "where", "via", "paid", "note")):
    columns = dict(zip(("who", "when", "where", "via", "paid", "note"), zip(*given_, strict=True),
                       strict=True))  # fmt: skip
    zone = kinds["when"].tz
    columns["when"] = [
        None if m is None else START.replace(tzinfo=UTC if zone else None) + timedelta(minutes=m)
        for m in columns["when"]
    ]
    made = {name: pa.array(columns[name], kinds.get(name)) for name in names}
    file.parent.mkdir(exist_ok=True, parents=True)
    pq.write_table(pa.table(made), file, row_group_size=7)


@given(rows, st.data(), st.integers(1, 4), st.integers(1, 9))
@settings(max_examples=12, phases=[Phase.explicit, Phase.generate])
def test_typed_parquet_is_dealt_as_text_is(tmp_path_factory, given_, data, partitions, batch):
    folder = tmp_path_factory.mktemp("typed")
    kinds = {name: data.draw(st.sampled_from(some)) for name, some in KINDS.items()}
    half = max(len(given_) // 2, 1)
    write(folder / "log" / "part=1" / "a.parquet", given_[:half], kinds)
    if given_[half:]:  # a second part, its columns in another order
        names = ("note", "paid", "via", "where", "when", "who")
        write(folder / "log" / "b.parquet", given_[half:], kinds, names=names)
        (folder / "log" / "part=1" / "a.parquet").rename(folder / "log" / "a.parquet")
    study = study_of(folder, [{"path": "log", "columns": COLUMNS}], time_zone="Asia/Tehran")
    whole = read_interactions(study)
    stored = store_log(study, folder / "kept", partitions=partitions, batch=batch)

    assert stored.reading()["way"].tolist() == ["typed Parquet, read by DuckDB"]
    assert stored.scope.to_dict("list") == whole.scope.to_dict("list")
    aside = whole.set_aside[["file", "row", "reason"]].sort_values(["file", "row"])
    assert stored.set_aside().to_numpy().tolist() == aside.to_numpy().tolist()
    told, kept = (t.sort_values(["column", "value"]).to_numpy().tolist()
                  for t in (whole.misfits, stored.misfits()))  # fmt: skip
    assert kept == told
    if len(whole.table):
        for by in ("touchpoint", "channel"):
            assert ask(stored, by) == ask(journey_log(whole), by)
        log, loaded = journey_log(whole), stored.load()
        assert sorted(loaded.customers) == sorted(log.customers)
        paid = [np.zeros(1) if found.amounts is None else found.amounts for found in (log, loaded)]
        assert np.nansum(paid[0]) == np.nansum(paid[1])


def one(**changed):
    columns = {"who": ["a", "b"], "when": [datetime(2025, 1, 1)] * 2, "where": ["page"] * 2,
               "via": ["web"] * 2, "paid": [1.0, 2.0]}  # fmt: skip
    return pa.table({**columns, **changed})


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (one(who=[7.0, 8.0]), "its customers are of the kind double"),
        (one(extra=[[1], [2]]), "column 'extra' is of the kind list<element: int64>"),
        (one(WHO=["x", "y"]), "two of its columns have one name"),
        (one(who=pa.array([1, 2], pa.uint64())), ""),
        (one(more=[True, None], odd=pa.array([1, 1], pa.date32())), ""),
    ],
)
def test_what_duckdb_does_not_carry_takes_the_other_way(tmp_path, table, why):
    pq.write_table(table, tmp_path / "log.parquet")
    study = study_of(tmp_path, [{"path": "log.parquet", "columns": COLUMNS}])
    stored = store_log(study, tmp_path / "kept")
    way = "read as text" if why else "typed Parquet, read by DuckDB"

    assert stored.reading().to_numpy().tolist() == [["log.parquet", way, why]]
    log = journey_log(read_interactions(study))
    assert ask(stored, "touchpoint") == ask(log, "touchpoint")
    assert sorted(stored.load().customers) == sorted(log.customers)


def test_the_columns_of_the_parts_must_agree(tmp_path):
    (tmp_path / "log").mkdir()
    head = "who,when,where,via,paid"
    (tmp_path / "log" / "a.csv").write_text(f"{head}\nu,2025-01-01,page,web,1\n")
    (tmp_path / "log" / "b.csv").write_text(
        "paid,via,where,when,who\n1,web,page,2025-01-01,u\n2,web,page,2025-01-01,u\n"
    )
    study = study_of(tmp_path, [{"path": "log", "columns": COLUMNS}])
    stored = store_log(study, tmp_path / "kept")

    assert stored.scope.set_index("reason")["rows"]["duplicate row"] == 1
    (tmp_path / "log" / "c.csv").write_text(f"{head},note\nu,2025-01-01,page,web,1,x\n")
    with pytest.raises(ColumnError, match="'note' stand in some only"):
        store_log(study, tmp_path / "kept")


def test_a_folders_names_are_columns_and_an_empty_file_is_none(tmp_path):
    for day in ("1", "2"):
        write(tmp_path / "log" / f"via=web{day}" / "x.parquet",
              [("u", 0, "page", None, 1.0, "")], {"when": pa.timestamp("us")},
              names=("who", "when", "where", "paid"))  # fmt: skip
    empty = pq.read_table(tmp_path / "log" / "via=web1" / "x.parquet", partitioning=None)
    (tmp_path / "log" / "via=it's").mkdir()
    pq.write_table(empty.slice(0, 0), tmp_path / "log" / "via=it's" / "x.parquet")
    study = study_of(tmp_path, [{"path": "log", "columns": COLUMNS}])
    stored = store_log(study, tmp_path / "kept")

    assert stored.reading()["why"].tolist() == [""]
    assert stored.contacts == 2  # of different folders, so no duplicates
    assert stored.misfits()["value"].tolist() == ["web1", "web2"]


def test_rows_that_are_spelled_alike_are_duplicates_whatever_their_kind(tmp_path):
    kinds = {"when": pa.timestamp("us"), "paid": pa.float64(), "note": pa.string()}
    nan = float("nan")
    alike = [("u", 0, "page", "web", None, ""), ("u", 0, "page", "web", nan, None),
             ("v", 0, "page", "web", 0.0, "x"), ("v", 0, "page", "web", -0.0, "x"),
             ("w", 0, "page", "web", 1.0, "y"), ("w", 0, "page", "web", 1.0, "z")]  # fmt: skip
    write(tmp_path / "log" / "a.parquet", alike, kinds)
    turned = ("note", "paid", "via", "where", "when", "who")
    write(tmp_path / "log" / "b.parquet", alike[4:5], kinds, names=turned)
    study = study_of(tmp_path, [{"path": "log", "columns": COLUMNS}])
    stored = store_log(study, tmp_path / "kept")

    assert stored.reading()["why"].tolist() == [""]
    assert stored.set_aside().to_numpy().tolist() == [
        ["log/a.parquet", 2, "duplicate row"], ["log/a.parquet", 4, "duplicate row"],
        ["log/b.parquet", 1, "duplicate row"],
    ]  # fmt: skip
    assert stored.scope.to_dict("list") == read_interactions(study).scope.to_dict("list")
