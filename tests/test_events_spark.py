"""Journey logs on Spark: the answers of a log in memory to the last digit, nothing lost unseen."""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
import os
import random
import shutil
import warnings
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cjlib.errors import ColumnError, JourneyError, MissingSourceError, TooFewError
from cjlib.events import (
    code_events,
    count_ends,
    count_funnel,
    count_moves,
    count_paths,
    count_steps,
    count_ties,
    journey_log,
    log_on_spark,
    measure_gaps,
    read_interactions,
    spark,
    start_spark,
    store_log,
    stored_on_spark,
)
from cjlib.events.blocks import lay_out_blocks, pack, read_blocks, unpack
from cjlib.journeys.parts import estimate_next
from cjlib.study import load_study

JAVA = Path(os.environ["JAVA_HOME"], "bin/java") if os.environ.get("JAVA_HOME") else "java"
PEOPLE = ["NA", "null", "007", "مریم", " u", "u", ""]
LABELS = ["a", "b", "پرداخت", "NA"]
LIGHT = {  # a small session that starts fast: these tests count rows, not seconds
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.driver.memory": "512m",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.session.timeZone": "Asia/Tehran",
}


@pytest.fixture(scope="module")
def session():
    """Spark on two cores: half a minute of a machine's time to start, so its tests are slow."""
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("PySpark is not installed (pip install 'cjlib[spark]')")
    if shutil.which(JAVA) is None:
        pytest.skip("there is no Java (apt-get install openjdk-17-jre-headless)")
    made = start_spark(cores=2, settings=LIGHT)
    made.sparkContext.setLogLevel("ERROR")
    yield made
    made.stop()


def ask(log, stages=("a", "b", "a")):
    """Every question's answer, as plain Python."""
    paths, variants = count_paths(log, top=5)
    return {
        "moves": count_moves(log).to_dict("list"),
        "gaps": measure_gaps(log, at=(0.0, 0.25, 0.5, 0.9, 1.0)).to_dict("list"),
        "steps": count_steps(log, steps=5).to_dict("list"),
        "funnel": count_funnel(log, stages=stages).to_dict("list"),
        "ends": count_ends(log).to_dict("list"),
        "paths": paths.to_dict("list"),
        "variants": variants,
        "ties": count_ties(log).to_dict("list"),
    }


def table_of(n, *, seed, missing=True):
    """A log with ties, people called NA, and gaps in every column but the row's place."""
    rng = np.random.default_rng(seed)
    rest = [None] if missing else []
    people, labels = np.array(PEOPLE + rest, dtype=object), np.array(LABELS + rest, dtype=object)
    minute = rng.integers(0, 300, n)
    when = [None if missing and m % 30 == 0 else int(m) * 60_000_000 for m in minute]
    return pa.table(
        {
            "who": people[rng.integers(0, len(people), n)].tolist(),
            "when": pa.array(when, pa.timestamp("us")),
            "where": labels[rng.integers(0, len(labels), n)].tolist(),
            "row": rng.permutation(n),
        }
    )


def in_memory(table, by=("row",), labels=None):
    known = table.to_pandas().dropna().sort_values(list(by), kind="stable")
    return code_events(known["who"], known["when"].to_numpy(), known["where"], labels=labels)


@dataclass
class Blocks:
    """Blocks in memory, as a worker has them."""

    batches: list
    labels: tuple

    def parts(self):
        for batch in self.batches:
            yield from read_blocks(batch, labels=self.labels)


def deal(rows, chance, *, block, placed, labels):
    """What Spark does, without Spark: rows in any order, by customer, in any batches."""
    dealt = defaultdict(list)
    mixed = list(enumerate(rows))
    chance.shuffle(mixed)
    for place, (who, minute, label) in mixed:
        row = {"who": who, "time": minute * 60_000_000, "label": label}
        dealt[who.encode()[-1:]].append(row | ({"place": place} if placed else {}))
    made = []
    for pile in dealt.values():
        cut = chance.randint(0, len(pile))
        schema = pa.Table.from_pylist(pile).schema
        batches = [pa.RecordBatch.from_pylist(half, schema) for half in (pile[:cut], pile[cut:])]
        made += lay_out_blocks(iter(batches), labels=labels, block=block)
    return Blocks(made, labels)


def check_deal(rows, chance, *, block, placed):
    labels = tuple(sorted(LABELS))
    dealt = deal(rows, chance, block=block, placed=placed, labels=labels)
    ordered = rows if placed else sorted(rows, key=lambda row: row[2])
    who, minute, label = zip(*ordered, strict=True)
    log = code_events(who, np.array(minute, dtype=np.int64) * 60_000_000, label, labels=labels)

    assert ask(dealt) == ask(log)
    assert sum(batch["contacts"][0].as_py() for batch in dealt.batches) == len(rows)
    assert sum(batch["journeys"][0].as_py() for batch in dealt.batches) == log.journeys
    for part in dealt.parts():  # as full as asked, by no more than its last customer
        assert part.offsets[-2] < block
    return dealt


events = st.lists(
    st.tuples(st.sampled_from(PEOPLE), st.integers(-2, 3), st.sampled_from(LABELS)),
    min_size=1, max_size=40,
)  # fmt: skip


@given(events, st.randoms(use_true_random=False), st.integers(1, 12), st.booleans())
@settings(max_examples=20)
def test_blocks_hold_the_log_however_it_is_dealt_and_cut(rows, chance, block, placed):
    check_deal(rows, chance, block=block, placed=placed)


@pytest.mark.parametrize("placed", [False, True])
def test_blocks_of_a_log_full_of_ties(placed):
    chance = random.Random(7)
    rows = [
        (chance.choice(PEOPLE), chance.randint(0, 9), chance.choice(LABELS)) for _ in range(300)
    ]

    dealt = check_deal(rows, chance, block=40, placed=placed)
    assert count_ties(dealt)["unordered"][0] > 100
    assert len(dealt.batches) > 4  # more than the piles


def test_an_empty_partition_has_no_block():
    schema = pa.schema([("who", pa.string()), ("time", pa.int64()), ("label", pa.string())])

    assert list(lay_out_blocks(iter([]), labels=["a"])) == []
    assert list(lay_out_blocks(iter([pa.RecordBatch.from_pylist([], schema)]), labels=["a"])) == []


def test_answers_travel_as_bytes():
    whole = np.array([[1, -(2**63)], [2**63 - 1, 0]])

    assert unpack(pack(whole)).tolist() == whole.tolist()
    several = unpack(pack((whole, np.zeros(0, dtype=np.uint64), whole[0])))
    assert [part.tolist() for part in several] == [whole.tolist(), [], whole[0].tolist()]
    assert several[1].dtype == np.uint64


def test_what_is_missing_is_named_with_what_to_install(monkeypatch):
    def absent(name):
        raise ImportError(name)

    with monkeypatch.context() as patch:
        patch.setattr(spark, "import_module", absent)
        with pytest.raises(MissingSourceError, match=r"PySpark is not installed.*cjlib\[spark\]"):
            start_spark()
    monkeypatch.setattr(spark, "_pyspark", lambda _: type("Fake", (), {"SparkSession": spark}))
    monkeypatch.setattr(spark, "builder", None, raising=False)
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with pytest.raises(MissingSourceError, match="no Java .*nowhere/bin/java.*openjdk-17"):
        start_spark()
    with pytest.raises(JourneyError, match="cores must be at least 1; got 0"):
        start_spark(cores=0)


@pytest.mark.slow
def test_spark_gives_the_answers_of_memory_to_the_last_digit(session):
    table = table_of(400, seed=3)
    frame = session.createDataFrame(table).repartition(3)
    log = log_on_spark(  # more partitions than customers
        frame, customer="who", time="when", label="where", order="row", partitions=9
    )
    memory = in_memory(table)

    assert (log.labels, len(log), log.journeys) == (memory.labels, len(memory), memory.journeys)
    assert ask(log) == ask(memory)
    raw = table.to_pandas()
    nobody = raw["who"].isna()
    untimed = ~nobody & raw["when"].isna()
    unknown = ~nobody & ~untimed & raw["where"].isna()
    counts = [int(x.sum()) for x in (nobody, untimed, unknown)]
    assert min(counts) > 0
    assert log.scope["reason"].tolist() == [
        "in scope", "no customer", "no readable time", "unknown touchpoint",
    ]  # fmt: skip
    assert log.scope["rows"].tolist() == [len(memory), *counts]
    assert log.scope["share"].sum() == pytest.approx(1)
    pieces = list(log.parts())
    assert 1 < len(pieces) <= memory.journeys
    assert sum(piece.journeys for piece in pieces) == memory.journeys
    log.unpersist()
    assert count_ends(log).equals(count_ends(memory))


@pytest.mark.slow
def test_without_an_order_ties_follow_the_labels(session):
    table = table_of(300, seed=4, missing=False)
    labels = LABELS[::-1]
    frame = session.createDataFrame(table).repartition(2)
    log = log_on_spark(frame.drop("row"), customer="who", time="when", label="where", labels=labels)
    place = pa.array([labels.index(label) for label in table["where"].to_pylist()])

    memory = in_memory(table.append_column("place", place), by=["place"], labels=labels)
    assert count_ties(memory)["unordered"][0] > 0
    assert ask(log) == ask(memory)


@pytest.mark.slow
def test_whole_numbers_days_and_time_zones(session):
    rows = session.sql(
        "SELECT * FROM VALUES (10, 9L, timestamp '2025-01-01 08:00:00+00:00'),"
        " (10, 11L, timestamp '2025-01-01 14:00:00+03:30'), (9, 9L, timestamp_micros(0)),"
        " (9, 7L, timestamp_micros(1)) AS t(`who.id`, label, at)"
    )
    log = log_on_spark(rows, customer="who.id", time="at", label="label", labels=[9, 10, 11])
    part = next(log.parts())

    assert log.labels == ("9", "10", "11")
    assert log.scope["rows"].tolist() == [3, 0, 0, 1]  # the label 7 is none of those
    assert log.journeys == 2
    # 08:00 in London is 11:30 in Tehran, the session's zone; a gap of 2.5 hours there
    assert sorted(part.times // 60_000_000) == [
        210, *(20089 * 1440 + minute for minute in (11 * 60 + 30, 14 * 60))
    ]  # fmt: skip
    assert measure_gaps(log)["p50"].tolist() == [2.5]
    days = log_on_spark(
        rows.selectExpr("`who.id` AS who", "label", "CAST(at AS DATE) AS at"),
        customer="who", time="at", label="label",
    )  # fmt: skip
    assert days.labels == ("7", "9", "11")  # as numbers ascend
    assert measure_gaps(days)["p50"].tolist() == [0.0, 0.0]


@pytest.mark.slow
def test_a_log_with_nothing_in_scope_says_why(session):
    frame = session.createDataFrame(
        [(None, dt.datetime(2025, 1, 1), "a"), ("u", None, "a")],
        "customer_id string, time timestamp_ntz, touchpoint string",
    )
    log = log_on_spark(frame)

    assert (len(log), log.journeys, log.labels) == (0, 0, ())
    assert log.scope["rows"].tolist() == [0, 1, 1, 0]
    with pytest.raises(TooFewError, match="at least one contact"):
        count_moves(log)


@pytest.mark.slow
def test_errors_name_the_column_and_the_way_out(session):
    frame = session.createDataFrame(
        [("u", "2025", "a", None), ("u", "2026", "b", 1)],
        "customer_id string, time string, touchpoint string, row int",
    )
    with pytest.raises(JourneyError, match="must be Spark's; got Table of pyarrow"):
        log_on_spark(table_of(3, seed=1))
    with pytest.raises(ColumnError, match="'touchpoints'; it has .*Did you mean 'touchpoint'"):
        log_on_spark(frame, label="touchpoints")
    with pytest.raises(ColumnError, match="'time' must be one of timestamp.*it is string. Cast"):
        log_on_spark(frame)
    good = frame.withColumn("time", frame["row"].cast("bigint"))
    with pytest.raises(JourneyError, match="labels must be a list of different texts"):
        log_on_spark(good, labels="ab")
    with pytest.raises(JourneyError, match="partitions must be 1 to .*got 0"):
        log_on_spark(good, partitions=0)
    timed = frame.selectExpr("customer_id", "1L AS time", "touchpoint", "row")
    with pytest.raises(JourneyError, match="order must be known for every row; 1 have no 'row'"):
        log_on_spark(timed, order="row")

    def drop_some(batches):
        for batch in batches:
            kept = batch.filter(pa.array(np.random.default_rng().random(len(batch)) < 0.5))
            yield kept.rename_columns(["customer_id", "time", "touchpoint"])

    rows = session.range(2000).selectExpr("id", "1L AS time", "'a' AS touchpoint")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
        fickle = rows.mapInArrow(drop_some, "customer_id long, time long, touchpoint string")
    with pytest.raises(JourneyError, match="same rows each time it is read.*Parquet"):
        log_on_spark(fickle)


@pytest.mark.slow
def test_workers_without_the_kit_are_named(session):
    from pyspark.errors import PySparkException

    def missing(part):
        raise ModuleNotFoundError("No module named 'cjlib'")

    log = log_on_spark(session.sql("SELECT 1 AS customer_id, 1L AS time, 'a' AS touchpoint"))
    with pytest.raises(MissingSourceError, match="import cjlib; they cannot.*every node"):
        log.ask(missing)
    with pytest.raises(PySparkException, match="division"):
        log.ask(lambda part: 1 // (len(part) - 1))


@pytest.mark.slow
def test_a_stored_log_is_read_by_the_workers(session, tmp_path):
    table = table_of(300, seed=5, missing=False).to_pandas()
    table["where"] = table["where"].replace({"پرداخت": "pay", "NA": "gone"})
    table.to_csv(tmp_path / "log.csv", index=False)
    study = {
        "study": 1, "id": "shop", "title": "Shop", "brand": "Shop", "language": "en",
        "level": 0.9, "privacy": {"key": "public", "minimum_base": 5},
        "channels": [{"id": "web", "label": "Web"}],
        "stages": [{"id": "look", "label": "Look"}, {"id": "buy", "label": "Buy"}],
        "touchpoints": [{"id": "a", "stage": "look", "channel": "web", "label": "A"},
                        {"id": "b", "stage": "look", "channel": "web", "label": "B"},
                        {"id": "pay", "stage": "buy", "channel": "web", "label": "Pay"}],
        "events": {"sources": [{"path": "log.csv", "columns": {
            "customer_id": "who", "time": "when", "touchpoint": "where"}}]},
    }  # fmt: skip
    (tmp_path / "study.yaml").write_text(json.dumps(study), encoding="utf-8")
    loaded = load_study(tmp_path)
    stored = store_log(loaded, tmp_path / "kept", partitions=3)
    memory = journey_log(read_interactions(loaded))

    for by, stages in (("touchpoint", ["a", "pay"]), ("stage", ["look", "buy"])):
        log = stored_on_spark(stored.of(by), session)
        assert ask(log, stages) == ask(memory.of(by), stages) == ask(stored.of(by), stages)
        # the study's own level and smallest group go with it
        assert (log.level, log.minimum_base) == (0.9, 5)
        assert estimate_next(log).equals(estimate_next(memory.of(by)))
    assert log.scope.equals(stored.scope)
    assert log.scope["rows"].sum() == 300
