"""Where a log may lie: folders, databases, DuckDB files, data frames; and lifecycles."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cjlib.definitions import EventSource
from cjlib.errors import ColumnError, MissingSourceError, StudyError, UnsafeFileError
from cjlib.events import read_interactions
from cjlib.events.databases import write_query
from cjlib.events.files import read_file
from cjlib.events.lifecycle import pair_steps
from cjlib.study import load_study

COLUMNS = {"customer_id": "who", "time": "when", "touchpoint": "where"}
TEXT = (
    "who,when,where\n"
    "007,2025-01-01 06:00:00,page\nNA,2025-01-01 07:00:00,pay\nnull,2025-01-02 07:00:00,page\n"
)
SECRET = "hunter2-is-secret"


def study_of(folder, sources, **more):
    study = {
        "study": 1, "id": "shop", "title": "Shop", "brand": "Shop", "language": "en",
        "privacy": {"key": "public"},
        "stages": [{"id": i, "label": i} for i in ("look", "buy")],
        "channels": [{"id": "web", "label": "Web"}],
        "touchpoints": [{"id": "page", "stage": "look", "channel": "web", "label": "Page"},
                        {"id": "pay", "stage": "buy", "channel": "web", "label": "Pay"}],
        "events": {"sources": sources, **more},
    }  # fmt: skip
    (folder / "study.yaml").write_text(json.dumps(study), encoding="utf-8")
    return load_study(folder)


@pytest.fixture
def expected(tmp_path):
    place = tmp_path / "plain"
    place.mkdir()
    (place / "log.csv").write_text(TEXT, encoding="utf-8")
    return read_interactions(study_of(place, [{"path": "log.csv", "columns": COLUMNS}])).table


def frame():
    return pd.read_csv(io.StringIO(TEXT), dtype="str", keep_default_na=False)


def typed():
    given_ = frame()
    return given_.assign(when=pd.to_datetime(given_["when"]))


def test_a_folder_of_parts_is_one_log(tmp_path, expected):
    lines = TEXT.splitlines(keepends=True)
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "a.csv").write_text("".join(lines[:2]))
    (parts / "b.csv.gz").write_bytes(gzip.compress((lines[0] + lines[2]).encode()))
    (parts / "c.csv").write_text(lines[0] + lines[3] + lines[1] + "x,never,page\n")
    (parts / ".hidden.csv").write_text("nonsense")
    found = read_interactions(study_of(tmp_path, [{"path": "parts", "columns": COLUMNS}]))

    pd.testing.assert_frame_equal(found.table, expected)
    aside = found.set_aside.sort_values("row")
    assert aside[["file", "row", "reason"]].values.tolist() == [
        ["parts/c.csv", 2, "duplicate row"],  # of a row in another part
        ["parts/c.csv", 3, "no readable time"],
    ]


def test_a_folder_of_two_formats_or_other_columns_is_refused(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.csv").write_text(TEXT)
    (tmp_path / "parts" / "b.csv").write_text(TEXT.replace("who", "whom"))
    study = study_of(tmp_path, [{"path": "parts", "columns": COLUMNS}])
    with pytest.raises(ColumnError, match="same columns; 'who', 'whom'"):
        read_interactions(study)
    (tmp_path / "parts" / "b.csv").rename(tmp_path / "parts" / "b.tsv")
    with pytest.raises(ColumnError, match="one format; parts has csv, tsv"):
        read_interactions(study)


def test_hive_folders_give_columns_of_text(tmp_path, expected):
    for place, row in enumerate(frame().to_dict("records")):
        folder = tmp_path / "log" / f"where={row.pop('where')}" / f"n={place}"
        folder.mkdir(parents=True)
        pd.DataFrame([row]).to_parquet(folder / "x.parquet")
    found = read_interactions(study_of(tmp_path, [{"path": "log", "columns": COLUMNS}]))

    pd.testing.assert_frame_equal(found.table, expected)


def test_data_frames_of_three_kinds(tmp_path, expected):
    study = study_of(tmp_path, [{"frame": "visits", "columns": COLUMNS}])
    kinds = [frame(), typed(), pa.Table.from_pandas(typed())]
    try:
        import polars
    except ImportError:
        pass
    else:
        kinds.append(polars.DataFrame({name: frame()[name].tolist() for name in frame()}))
    for table in kinds:
        found = read_interactions(study, tables={"visits": table}).table
        pd.testing.assert_frame_equal(found, expected)
    with pytest.raises(MissingSourceError, match="'visits' must be handed over"):
        read_interactions(study)
    with pytest.raises(ColumnError, match="got list"):
        read_interactions(study, tables={"visits": [1]})


def test_arrow_text_of_every_kind_and_whole_numbers_in_float_columns(tmp_path):
    table = pa.table(
        {
            "who": pa.array([7.0, None, 7.5]),
            "when": pa.array(["2025-01-01"] * 3).dictionary_encode(),
            "where": pa.array(["page", "pay", "page"], pa.string_view()),
        }
    )
    study = study_of(tmp_path, [{"frame": "v", "columns": COLUMNS}])
    found = read_interactions(study, tables={"v": table})

    names = study.pseudonyms(pd.Series(["7", "7.5"], dtype="str"), "C")
    assert set(found.table["customer_id"]) == set(names)
    assert found.set_aside["reason"].tolist() == ["no customer"]


def test_a_duckdb_file_is_read_only_and_reaches_nothing_else(tmp_path, expected):
    import duckdb

    with duckdb.connect(str(tmp_path / "log.duckdb")) as base:
        base.register("given", pa.Table.from_pandas(typed(), preserve_index=False))
        base.execute("CREATE TABLE visits AS SELECT * FROM given")
    source = {"path": "log.duckdb", "columns": COLUMNS}
    for more in ({"table": "visits"}, {"query": "SELECT * FROM visits WHERE who <> 'x';"}):
        found = read_interactions(study_of(tmp_path, [{**source, **more}]))
        pd.testing.assert_frame_equal(found.table, expected)
    with pytest.raises(MissingSourceError, match="Did you mean 'visits'"):
        read_interactions(study_of(tmp_path, [{**source, "table": "visit"}]))
    with pytest.raises(MissingSourceError, match="it has visits. Add 'table'"):
        read_interactions(study_of(tmp_path, [source]))
    (tmp_path / "x.csv").write_text(TEXT)
    outside = {"query": f"SELECT * FROM read_csv('{tmp_path / 'x.csv'}')"}
    with pytest.raises(ColumnError, match="(?i)permission|disabled|access"):
        read_interactions(study_of(tmp_path, [{**source, **outside}]))


@pytest.mark.parametrize(
    "query",
    [
        "DROP TABLE visits", "SELECT 1; DELETE FROM visits", "SELECT 1 -- x", "SELECT /* */ 1",
        "SELECT * INTO other FROM visits", "WITH x AS (DELETE FROM visits RETURNING *) SELECT 1",
        "COPY visits TO 'x'", "ATTACH 'x'", "select 1 where 1 = (update t set a = 1)", "",
    ],
)  # fmt: skip
def test_only_a_select_is_asked(query):
    with pytest.raises(UnsafeFileError, match="one SELECT"):
        write_query(EventSource(columns={}, query=query))


def test_words_in_quotes_are_no_commands():
    query = "SELECT who FROM visits WHERE where = 'delete; drop -- it' AND \"set\" = 1"

    assert write_query(EventSource(columns={}, query=query + ";")) == query
    named = write_query(EventSource(columns={}, table='public.odd"name'))
    assert named == 'SELECT * FROM "public"."odd""name"'


def test_a_database_without_a_server(tmp_path, expected):
    import sqlalchemy as sa

    engine = sa.create_engine(f"sqlite:///{tmp_path / 'log.sqlite'}")
    frame().to_sql("visits", engine, index=False)
    engine.dispose()
    url = f"sqlite:///{tmp_path / 'log.sqlite'}"
    for more in ({"table": "visits"}, {"query": "SELECT * FROM visits"}):
        found = read_interactions(study_of(tmp_path, [{"url": url, "columns": COLUMNS, **more}]))
        pd.testing.assert_frame_equal(found.table, expected)
    empty = {"url": url, "columns": COLUMNS, "query": "SELECT * FROM visits WHERE 1 = 0"}
    assert read_interactions(study_of(tmp_path, [empty])).rows_read == 0


def test_the_password_is_told_nowhere(tmp_path, monkeypatch, capfd):
    url = f"postgresql+psycopg://reader:{SECRET}@127.0.0.1:1/shop"
    told = []
    source = {"url": url, "columns": COLUMNS, "table": "visits"}
    study = study_of(tmp_path, [source])
    with pytest.raises(MissingSourceError, match="database visits must be readable") as error:
        read_interactions(study)
    told.append(str(error.value))
    told.append(repr(study))
    with pytest.raises(StudyError, match="unknown key 'tabel'") as fault:
        study_of(tmp_path, [{**source, "tabel": "x", "path": "also"}])
    told.append(str(fault.value))
    with pytest.raises(StudyError) as fault:
        study_of(tmp_path, [{"url": f"no address reader:{SECRET}@x", "columns": COLUMNS}])
    told.append(str(fault.value))
    monkeypatch.setenv("SHOP_URL", f"nonsense+psycopg://a:{SECRET}@h/b")
    with pytest.raises(MissingSourceError, match="SQLAlchemy knows") as error:
        read_interactions(
            study_of(tmp_path, [{"url_from": "SHOP_URL", "columns": COLUMNS, "table": "v"}])
        )
    told.append(str(error.value))
    monkeypatch.delenv("SHOP_URL")
    with pytest.raises(MissingSourceError, match="SHOP_URL must hold"):
        read_interactions(load_study(tmp_path))
    out, err = capfd.readouterr()

    assert SECRET not in "".join([*told, out, err])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A PostgreSQL server of its own, on a socket in a temporary folder."""
    places = [Path(p) for p in sorted(Path("/usr/lib/postgresql").glob("*/bin"))][-1:]
    path = os.pathsep.join([*map(str, places), os.environ.get("PATH", "")])
    tools = {name: shutil.which(name, path=path) for name in ("initdb", "pg_ctl")}
    if not all(tools.values()):
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    root_user = os.geteuid() == 0
    if (
        root_user
        and subprocess.run(["id", "postgres"], capture_output=True, check=False).returncode
    ):
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres to run it")
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="pg"))
    if root_user:
        shutil.chown(folder, "postgres")
    become = ["runuser", "-u", "postgres", "--"] if root_user else []

    def run(*command):
        done = subprocess.run([*become, *command], capture_output=True, text=True, check=False,
                              cwd=folder)  # fmt: skip
        if done.returncode:
            pytest.skip(f"PostgreSQL did not start: {done.stderr.strip()[-200:]}")

    data = str(folder / "data")
    run(tools["initdb"], "-D", data, "-U", "postgres", "-A", "trust", "--no-sync")
    options = f"-c listen_addresses='' -k {folder} -c fsync=off"
    run(tools["pg_ctl"], "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql+psycopg://postgres:{SECRET}@/postgres?host={folder}"
    finally:
        subprocess.run([*become, tools["pg_ctl"], "-D", data, "-m", "immediate", "stop"],
                       capture_output=True, check=False, cwd=folder)  # fmt: skip
        shutil.rmtree(folder, ignore_errors=True)


def test_a_real_postgresql_server(server, tmp_path, expected, monkeypatch):
    import sqlalchemy as sa

    engine = sa.create_engine(server)
    with engine.begin() as base:
        base.execute(sa.text("DROP TABLE IF EXISTS visits"))
        base.execute(
            sa.text(
                'CREATE TABLE visits ("who" text, "when" timestamptz, "where" text, paid numeric)'
            )
        )
        for row in frame().to_dict("records"):
            base.execute(
                sa.text(
                    "INSERT INTO visits VALUES (:who, CAST(:when AS timestamptz), :where, 2.5)"
                ),
                {**row, "when": row["when"] + "+00"},
            )
    engine.dispose()
    monkeypatch.setenv("SHOP_URL", server)
    columns = {**COLUMNS, "amount": "paid"}
    for more in ({"table": "visits"}, {"query": 'SELECT * FROM visits ORDER BY "when"'}):
        source = {"url_from": "SHOP_URL", "columns": columns, **more}
        found = read_interactions(study_of(tmp_path, [source]))
        assert found.table["amount"].tolist() == [2.5] * 3
        pd.testing.assert_frame_equal(
            found.table.drop(columns="amount"), expected.drop(columns="amount")
        )
    writing = {"url_from": "SHOP_URL", "columns": COLUMNS,
               "query": "SELECT setval('nothing', 1), * FROM visits"}  # fmt: skip
    with pytest.raises(MissingSourceError, match="must be readable") as error:
        read_interactions(study_of(tmp_path, [writing]))
    assert SECRET not in str(error.value)
    with pytest.raises(MissingSourceError, match="Did you mean 'visits'"):
        read_interactions(
            study_of(tmp_path, [{"url_from": "SHOP_URL", "columns": COLUMNS, "table": "visit"}])
        )


cells = st.text(st.sampled_from('ab,;"\n \té'), max_size=4)


@given(st.lists(st.tuples(cells, cells), max_size=6), st.booleans())
@settings(max_examples=60)
def test_csv_cells_are_read_as_a_slower_parser_reads_them(tmp_path_factory, rows, crlf):
    import csv

    place = tmp_path_factory.mktemp("csv") / "x.csv"
    with place.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\r\n" if crlf else "\n")
        writer.writerow(["x", "y"])
        writer.writerows(rows)
    slow = pd.read_csv(place, dtype="str", keep_default_na=False, na_filter=False)
    fast = pa.concat_tables(read_file(place, shown="x.csv")).to_pandas()

    assert fast.to_numpy().tolist() == slow.to_numpy().tolist()


def rows_of(*given_):
    who, minute, kind = zip(*given_, strict=True)
    return pd.DataFrame(
        {
            "customer_id": pd.Series(who, dtype="str"),
            "time": pd.to_datetime(np.array(minute) * 60, unit="s").astype("datetime64[us]"),
            "touchpoint": np.zeros(len(who), dtype=np.int32),
            "lifecycle": pd.Series(kind, dtype="str"),
            "seconds": np.nan,
            "row": np.arange(1, len(who) + 1),
        }
    )


def test_starts_and_completions_pair_first_in_first_out():
    rows = rows_of(
        ("u", 0, "schedule"), ("u", 1, "START"), ("u", 2, "start"), ("u", 5, "complete"),
        ("u", 9, "Complete"), ("u", 9, "complete"), ("v", 3, "complete"), ("v", 4, "start"),
    )  # fmt: skip
    found, other = pair_steps(rows, leave_out=np.zeros(8, dtype=bool))

    assert other.tolist() == [True, False, False, True, True, False, False, False]
    assert found["seconds"].fillna(-1).tolist() == [-1, 240, 420, -1, -1, -1, -1, -1]
    assert rows["seconds"].isna().all()
    for mode, kept in (("complete", 4), ("start", 3), ("all", 8)):
        assert (~pair_steps(rows, mode=mode, leave_out=np.zeros(8, dtype=bool))[1]).sum() == kept


@given(st.lists(st.tuples(st.sampled_from("uv"), st.integers(0, 6),
                          st.sampled_from(["start", "complete", "suspend"])),
                min_size=1, max_size=25))  # fmt: skip
def test_pairs_the_slow_way(given_):
    rows = rows_of(*given_)
    found, other = pair_steps(rows, leave_out=np.zeros(len(rows), dtype=bool))
    ordered = sorted(
        range(len(given_)), key=lambda i: (given_[i][1], given_[i][2] == "complete", i)
    )
    waiting, spent, gone = {"u": [], "v": []}, {}, set()
    for i in ordered:
        who, minute, kind = given_[i]
        if kind == "start":
            waiting[who].append(i)
        elif kind == "suspend":
            gone.add(i)
        elif waiting[who]:
            begun = waiting[who].pop(0)
            spent[begun] = (minute - given_[begun][1]) * 60.0
            gone.add(i)

    assert set(np.flatnonzero(other)) == gone
    assert {i: s for i, s in enumerate(found["seconds"]) if not np.isnan(s)} == spent


def test_lifecycles_in_a_study(tmp_path):
    lines = ["a,2025-01-01 10:00,page,start", "a,2025-01-01 10:05,page,complete",
             "a,2025-01-01 10:06,page,suspend", "a,2025-01-01 11:00,pay,complete"]  # fmt: skip
    (tmp_path / "log.csv").write_text("who,when,where,step\n" + "\n".join(lines))
    source = {"path": "log.csv", "columns": {**COLUMNS, "lifecycle": "step"}}
    found = read_interactions(study_of(tmp_path, [source]))

    assert found.table["seconds"].fillna(0).tolist() == [300, 0]
    assert found.scope.set_index("reason")["rows"]["other step of a contact"] == 2
    every = read_interactions(study_of(tmp_path, [{**source, "lifecycle": "all"}]))
    assert len(every.table) == 4


def test_a_database_library_is_not_imported_before_it_is_needed():
    code = "import sys, cjlib.events; print('sqlalchemy' in sys.modules, 'duckdb' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["False", "False"]


def test_parquet_that_is_cut_is_refused(tmp_path):
    pq.write_table(pa.Table.from_pandas(frame()), tmp_path / "log.parquet")
    whole = (tmp_path / "log.parquet").read_bytes()
    (tmp_path / "log.parquet").write_bytes(whole[:-20])
    with pytest.raises(ColumnError, match="whole Parquet file"):
        read_interactions(study_of(tmp_path, [{"path": "log.parquet", "columns": COLUMNS}]))
