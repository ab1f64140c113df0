"""A journey log on Spark: customers dealt out over a cluster, the kernels and answers the same.

Spark deals the rows out by customer and carries bytes; each worker puts its customers in order
and counts, with the kernels that count in memory; the counts are added here. pandas never
meets Spark: everything passes through arrow.
"""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from cjlib.columns import CUSTOMER, REASON, SHARE, TIME, TOUCHPOINT
from cjlib.errors import ColumnError, JourneyError, MissingSourceError, nearest
from cjlib.events.blocks import BLOCKS, lay_out_blocks, pack, read_blocks, unpack
from cjlib.events.interactions import KEPT, NO_CUSTOMER, NO_TIME, UNKNOWN
from cjlib.events.journey_log import JourneyLog
from cjlib.events.store import StoredLog, open_layout

PART: Final = 1_000_000  # contacts a partition should hold
MAX_PARTS: Final = 100_000
WHOLE: Final = ("byte", "short", "integer", "long")
NAMES: Final = ("string", "varchar", "char", *WHOLE)
MOMENTS: Final = ("timestamp", "timestamp_ntz", "date", *WHOLE)
INSTALL: Final = (
    "Spark needs PySpark (pip install 'cjlib[spark]') and Java 17 or later "
    "(on Debian and Ubuntu: apt-get install openjdk-17-jre-headless)."
)
Reader = Callable[[pa.RecordBatch], Iterator[JourneyLog]]


@dataclass(frozen=True, slots=True, eq=False)
class SparkLog:
    """A log whose partitions lie on Spark; the questions of ``cjlib.events`` take it as it is.

    Made by ``log_on_spark`` or ``stored_on_spark``.

    Attributes
    ----------
    blocks : Spark DataFrame
        Whole customers per row, coded; what each task turns into a ``JourneyLog``.
    read : function
        How a task does so.
    labels : tuple of str
        By code.
    contacts, journeys : int
    scope : DataFrame
        ``reason`` ("in scope" first), ``rows``, ``share`` of the rows read.
    level : float
        Coverage of intervals, 0 to 1.
    minimum_base : int
        Fewer customers than this are "too few".
    """

    blocks: Any
    read: Reader
    labels: tuple[str, ...]
    contacts: int
    journeys: int
    scope: pd.DataFrame
    level: float = 0.95
    minimum_base: int = 30

    def __len__(self) -> int:
        return self.contacts

    def parts(self) -> Iterator[JourneyLog]:
        """Bring the blocks here one after another; the questions do not, they send kernels."""
        read = self.read
        for row in self.blocks.toLocalIterator():
            values = [pa.array([value]) for value in row]
            yield from read(pa.RecordBatch.from_arrays(values, names=self.blocks.columns))

    def ask(self, kernel: Callable[..., Any], **options: Any) -> list[Any]:
        """Ask a kernel of every block where it lies; return the answers in any order."""
        read = self.read

        def answer(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for part in read(batch):
                    yield pa.RecordBatch.from_pydict({"found": [pack(kernel(part, **options))]})

        with _explained(kernel.__name__):
            found = self.blocks.mapInArrow(answer, "found binary").toArrow()
        return [unpack(value.as_buffer()) for value in found.column(0)]

    def unpersist(self) -> None:
        """Let Spark forget the cached log; a later question would make it anew."""
        self.blocks.unpersist()


def start_spark(*, cores: int = 2, settings: Mapping[str, str] | None = None) -> Any:
    """Start Spark on this machine, or return the session that runs already.

    Parameters
    ----------
    cores : int
        Of this machine.
    settings : mapping of str to str, optional
        Spark's own settings, such as ``{"spark.driver.memory": "4g"}``.

    Returns
    -------
    SparkSession
        Without its web page, reachable from this machine only; workers run this Python
        (unless ``PYSPARK_PYTHON`` says otherwise). ``session.stop()`` ends it.

    Raises
    ------
    MissingSourceError
        If PySpark or Java is missing; the message says what to install.
    """
    if cores < 1:
        raise JourneyError(f"start_spark: cores must be at least 1; got {cores!r}.")
    try:
        builder = _pyspark("sql").SparkSession.builder
    except ImportError:
        raise MissingSourceError(f"start_spark: PySpark is not installed. {INSTALL}") from None
    java = Path(os.environ["JAVA_HOME"], "bin/java") if os.environ.get("JAVA_HOME") else "java"
    if shutil.which(java) is None:
        raise MissingSourceError(f"start_spark: no Java is found as {str(java)!r}. {INSTALL}")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    chosen = {
        "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": str(cores),
        **(settings or {}),
    }  # fmt: skip
    local = builder.master(f"local[{cores}]").appName("cjlib").config(map=chosen)
    with _explained("start_spark"):
        try:
            return local.getOrCreate()
        except _pyspark("errors").PySparkRuntimeError as error:
            raise MissingSourceError(
                f"start_spark: Java did not start. {INSTALL} {error}"
            ) from None


def log_on_spark(
    frame: Any,
    *,
    customer: str = CUSTOMER,
    time: str = TIME,
    label: str = TOUCHPOINT,
    order: str | None = None,
    labels: Sequence[str] | None = None,
    partitions: int | None = None,
    level: float = 0.95,
    minimum_base: int = 30,
) -> SparkLog:
    """Code an event log that lies in a Spark DataFrame, once, for every question that follows.

    The same log as ``code_events`` makes in memory, and the same answers to the last digit.
    A row without a customer, a time or a known label is set aside and counted, the first
    that holds. Contacts of one customer at one time come in the order of ``order``, then of
    the labels: rows of a Spark DataFrame have no order of their own.

    Parameters
    ----------
    frame : Spark DataFrame, one row per contact
    customer, label : str
        Columns of text or whole numbers.
    time : str
        A column of timestamps (the wall clock of the session's time zone counts), days, or
        whole numbers (microseconds).
    order : str, optional
        A column of whole numbers, such as the row in the file, that decides ties in time.
    labels : sequence of str, optional
        All labels in journey order; by default those that occur, ascending.
    partitions : int, optional
        By default one for each million contacts.
    level : float, 0 to 1
    minimum_base : int

    Returns
    -------
    SparkLog
        Cached by Spark in about 10 bytes a contact; ``unpersist`` ends that.

    Raises
    ------
    ColumnError
        If a column is not there, or of another kind.
    JourneyError
        If ``order`` has gaps, or the frame gives other rows each time it is read.

    Notes
    -----
    Two passes over the frame: labels and counts, then the dealing out, where each worker
    holds one partition in memory. Every node needs cjlib. Nothing but customer, time and label
    is judged: for the scope that a study defines, ``store_log`` and ``stored_on_spark``.
    """
    if not hasattr(frame, "mapInArrow"):
        raise JourneyError(
            f"log_on_spark: the frame must be Spark's; got {type(frame).__name__} of "
            f"{type(frame).__module__}. Hand others to code_events, or session.createDataFrame."
        )
    if partitions is not None and not 1 <= partitions <= MAX_PARTS:
        raise JourneyError(
            f"log_on_spark: partitions must be 1 to {MAX_PARTS:,}; got {partitions!r}."
        )
    for name, kinds in ((customer, NAMES), (label, NAMES), (time, MOMENTS), (order, WHOLE)):
        if name is not None:
            _require_kind(frame, name, kinds)
    given = None if labels is None else tuple(str(name) for name in labels)
    if given is not None and (isinstance(labels, str) or len(set(given)) < len(given)):
        raise JourneyError(
            f"log_on_spark: labels must be a list of different texts; got {labels!r}."
        )
    with _explained("log_on_spark"):
        rows = _judge(frame, customer=customer, time=time, label=label, order=order, labels=given)
        names, scope = _count_rows(rows, order=order)
        log = _deal_out(rows, names if given is None else given, scope, partitions=partitions)
    return replace(log, level=level, minimum_base=minimum_base)


def _require_kind(frame: Any, name: str, kinds: Sequence[str]) -> None:
    if name not in frame.columns:
        hint = nearest(name, frame.columns)
        raise ColumnError(
            f"log_on_spark: the frame must have a column {name!r}; it has "
            f"{', '.join(frame.columns[:30])}." + (f" Did you mean {hint!r}?" if hint else "")
        )
    kind = frame.schema[name].dataType.typeName()
    if kind not in kinds:
        raise ColumnError(
            f"log_on_spark: column {name!r} must be one of {', '.join(kinds)}; it is {kind}. "
            "Cast it first."
        )


def _column(name: str) -> Any:
    return _pyspark("sql.functions").col("`" + name.replace("`", "``") + "`")


def _judge(
    frame: Any, *, customer: str, time: str, label: str, order: str | None,
    labels: Sequence[str] | None,
) -> Any:  # fmt: skip
    """Return who, time, label as text and as it is, place, and why a row is set aside, if so."""
    sql = _pyspark("sql.functions")
    who, what = _column(customer).cast("string"), _column(label).cast("string")
    whole = frame.schema[time].dataType.typeName() in WHOLE
    when = _column(time).cast("bigint" if whole else "timestamp_ntz")
    known = what.isNotNull() if labels is None else what.isin(list(labels))
    reason = (
        sql.when(who.isNull(), NO_CUSTOMER)
        .when(when.isNull(), NO_TIME)
        .when(~sql.coalesce(known, sql.lit(False)), UNKNOWN)
    )
    made = {"who": who, "time": when, "label": what, "value": _column(label), "reason": reason}
    if order is not None:
        made["place"] = _column(order).cast("bigint")
    return frame.select([column.alias(name) for name, column in made.items()])


def _count_rows(rows: Any, *, order: str | None) -> tuple[tuple[str, ...], pd.DataFrame]:
    """Return the labels that occur, ascending, and the rows by why they are set aside."""
    sql = _pyspark("sql.functions")
    kept = rows["reason"].isNull()
    gap = sql.lit(False) if order is None else kept & rows["place"].isNull()
    keys = [
        rows["reason"],
        *(sql.when(kept, rows[name]).alias(name) for name in ("value", "label")),
    ]
    sums = [sql.count("*").alias("rows"), sql.sum(gap.cast("bigint")).alias("gaps")]
    counts = rows.groupBy(keys).agg(*sums).collect()
    gaps = sum(row["gaps"] for row in counts)
    if gaps:
        raise JourneyError(
            f"log_on_spark: order must be known for every row; {gaps:,} have no {order!r}. "
            "Fill it, or leave order out."
        )
    found = sorted((row["value"], row["label"]) for row in counts if row["reason"] is None)
    total = dict.fromkeys((KEPT, NO_CUSTOMER, NO_TIME, UNKNOWN), 0)
    for row in counts:
        total[row["reason"] or KEPT] += row["rows"]
    scope = pd.DataFrame({REASON: list(total), "rows": list(total.values())}).astype(
        {REASON: "str"}
    )
    scope = scope.assign(**{SHARE: scope["rows"] / max(int(scope["rows"].sum()), 1)})
    return tuple(label for _, label in found), scope


def _deal_out(
    rows: Any, labels: tuple[str, ...], scope: pd.DataFrame, *, partitions: int | None
) -> SparkLog:
    """Deal the rows in scope out by customer, have them coded, and cache the blocks."""
    sql = _pyspark("sql.functions")
    expected = int(scope["rows"].iloc[0])
    kept = rows.where(rows["reason"].isNull()).drop("value", "reason")
    dealt = kept.repartition(partitions or max(-(-expected // PART), 1), "who")

    def lay_out(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from lay_out_blocks(batches, labels=labels)

    def read(batch: pa.RecordBatch) -> Iterator[JourneyLog]:
        return read_blocks(batch, labels=labels)

    blocks = dealt.mapInArrow(lay_out, BLOCKS).persist()
    total = blocks.agg(sql.sum("contacts"), sql.sum("journeys")).collect()[0]
    contacts, journeys = (int(value or 0) for value in total)
    if contacts != expected:
        blocks.unpersist()
        raise JourneyError(
            f"log_on_spark: the frame must give the same rows each time it is read; it gave "
            f"{expected:,} in scope, then {contacts:,}. Write it to Parquet first, or cache it."
        )
    return SparkLog(blocks, read, labels, contacts, journeys, scope)


def stored_on_spark(log: StoredLog, session: Any) -> SparkLog:
    """Let Spark's workers read the partitions of a ``StoredLog``, with the scope of its study.

    Parameters
    ----------
    log : StoredLog
        Its folder must be seen under the same path by every node.
    session : SparkSession
        Such as ``start_spark()``.

    Notes
    -----
    Nothing is cached or copied: a task reads one partition's codes from disk per question.
    """
    folder, by = str(log.folder.resolve()), log.by

    def read(batch: pa.RecordBatch) -> Iterator[JourneyLog]:
        stored = open_layout(folder).of(by)
        for number in batch.column(0).to_pylist():
            yield stored.part(number)

    blocks = session.range(0, log.partitions, 1, max(log.partitions, 1))
    return SparkLog(
        blocks, read, log.labels, log.contacts, log.journeys, log.scope,
        level=log.level, minimum_base=log.minimum_base,
    )  # fmt: skip


@contextmanager
def _explained(caller: str) -> Iterator[None]:
    """Say what to do where the workers lack what they need."""
    with warnings.catch_warnings():
        # PySpark 4 warns of pandas 3 wherever it meets arrow; pandas never passes through it here.
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
        try:
            yield
        except _pyspark("errors").PySparkException as error:
            told = str(error)
            missing = [n for n in ("cjlib", "pyarrow", "numpy") if f"No module named '{n}" in told]
            if not missing:
                raise
            raise MissingSourceError(
                f"{caller}: Spark's workers must be able to import {missing[0]}; they cannot. "
                "Install cjlib on every node and set PYSPARK_PYTHON to its Python before the "
                "session starts."
            ) from error


def _pyspark(module: str) -> Any:
    """Import a part of PySpark, which is an extra: only where it is asked for."""
    return import_module(f"pyspark.{module}")
