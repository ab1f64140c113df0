"""Speed of the journey questions beside named peers, on one synthetic log, in CPU seconds.

    python benchmarks/journeys.py [--events 1000000,10000000] [--peers pandas,pm4py]
                                  [--python pm4py=PATH --python retentioneering=PATH]

Each engine runs in its own process (so that one's memory or threads do not help another) and
answers the same six questions on the same Parquet file: transition counts, top-20 variants,
median and 90th percentile of the time per transition, step matrix, four-step funnel, entries
and exits. CPU seconds of that process and its threads are counted, wall time is not: a shared
machine would mislead. A peer that is not installed is said to be absent; install it in an
environment of its own and pass that Python with --python NAME=PATH.

"cjlib" asks the plain questions of ``cjlib.events`` of a log in memory, "stored" asks them of
partitions on disk that ``store_log`` made from the same file (with pseudonyms, duplicates and
scope: reading is dearer), "intervals" asks the questions of ``cjlib.journeys``, whose results
carry intervals by customer; the peers' do not.

The counts of every engine are compared with ours where the definitions agree, so that nobody
is fast by answering something else. With several sizes the growth is told: the power of the
number of events that the CPU seconds follow, 1 being proportional. pm4py is AGPL: it is only
ever run here, never imported by the kit.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ENGINES = (
    "cjlib", "stored", "intervals", "pandas", "polars", "duckdb", "pm4py", "retentioneering",
)  # fmt: skip
STAGES = ["t00", "t01", "t02", "t03"]
STEPS = 8
SEED = 1404


def main() -> int:
    """Make the logs, run each engine in a process of its own, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", default="1000000")
    parser.add_argument("--peers", default=",".join(ENGINES[1:]))
    parser.add_argument("--python", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--engine", choices=ENGINES)
    parser.add_argument("--file", type=Path)
    given = parser.parse_args()
    if given.engine:
        sys.stdout.write(json.dumps(run_engine(given.engine, given.file)))
        return 0
    pythons = dict(pair.split("=", 1) for pair in given.python)
    names = ["cjlib", *(name for name in given.peers.split(",") if name)]
    spent: dict[str, dict[int, float]] = {name: {} for name in names}
    for events in map(int, given.events.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "log.parquet"
            make_log(file, events)
            ours: dict[str, Any] = {}
            say(f"{events:,} events, seed {SEED}; CPU seconds: questions (with reading), peak MB")
            for name in names:
                found = run_apart(name, file, pythons.get(name, sys.executable))
                ours = ours or found
                tell(name, found, ours)
                if "absent" not in found:
                    spent[name][events] = sum(found["spent"].values())
    for name, by_size in spent.items():
        sizes = sorted(by_size)
        if len(sizes) > 1:
            few, many = sizes[0], sizes[-1]
            power = math.log(by_size[many] / by_size[few]) / math.log(many / few)
            say(f"{name:16s} grows with the events to the power {power:.2f}")
    return 0


def say(text: str) -> None:
    """Write a line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def make_log(file: Path, events: int) -> None:
    """Write a log of ten contacts per customer on average, 24 touchpoints, heavy-tailed gaps."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(SEED)
    customers = max(events // 10, 1)
    who = np.sort(rng.integers(0, customers, events))
    # A walk with memory: the next touchpoint is often the next in line, or back to the start.
    step = rng.choice([1, 0, -1, 5], size=events, p=[0.45, 0.15, 0.15, 0.25])
    fresh = np.concatenate([[True], who[1:] != who[:-1]])
    walked = np.cumsum(step)
    where = (walked - walked[fresh][np.cumsum(fresh) - 1]) % 24
    gaps = (rng.pareto(1.5, events) * 60e6).astype(np.int64) + 1_000_000
    along = np.cumsum(gaps)
    began = rng.integers(0, 90 * 86_400_000_000, customers)[who]  # customers begin in 90 days
    when = along - along[fresh][np.cumsum(fresh) - 1] + began
    table = pd.DataFrame(
        {
            "customer": np.char.add("c", who.astype("U8")),
            "time": when.astype("datetime64[us]"),
            "touchpoint": np.array([f"t{i:02d}" for i in range(24)])[where],
        }
    )
    table.sort_values("time", kind="stable").to_parquet(file, index=False)


def run_apart(name: str, file: Path, python: str) -> dict[str, Any]:
    """Run one engine in a process of its own and return what it found."""
    command = [python, __file__, "--engine", name, "--file", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return {"absent": last}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def run_engine(name: str, file: Path) -> dict[str, Any]:
    """Answer the six questions with one engine and time each."""
    load: Callable[[Path], dict[str, Callable[[], Any]]] = globals()[f"load_{name}"]
    importing = time.process_time()
    load(file)  # imports, caches and compiled parts: paid once, not counted below
    importing = time.process_time() - importing
    start = time.process_time()
    questions = load(file)
    reading = time.process_time() - start
    spent, answers = {}, {}
    for question, ask in questions.items():
        start = time.process_time()
        answers[question] = ask()
        spent[question] = time.process_time() - start
    return {"reading": reading, "spent": spent, "answers": answers, "peak": read_peak()}


def read_peak() -> int:
    """Return the most memory this process has held, in MB."""
    status = Path("/proc/self/status")
    if status.is_file():  # what getrusage says on Linux includes the process that started this
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def tell(name: str, found: dict[str, Any], ours: dict[str, Any]) -> None:
    """Print one engine's line, and where its counts differ from ours."""
    if "absent" in found:
        say(f"{name:16s} absent: {found['absent']}")
        return
    total = sum(found["spent"].values())
    same_questions = sum(ours["spent"][q] for q in found["spent"])
    ratio = total / same_questions if same_questions else math.nan
    parts = ", ".join(f"{q} {s:.3f}" for q, s in found["spent"].items())
    whole = total + found["reading"]
    say(
        f"{name:16s} {total:8.3f} ({whole:.2f})  {found['peak']:6,} MB  "
        f"{ratio:6.1f} x ours  [{parts}]"
    )
    for question, answer in found["answers"].items():
        if answer is not None and answer != ours["answers"][question]:
            say(f"{'':16s} differs in {question}: {answer} against {ours['answers'][question]}")


def load_cjlib(file: Path) -> dict[str, Callable[[], Any]]:
    """Ask cjlib's plain questions of a log in memory."""
    import pyarrow.parquet as pq

    from cjlib.events import code_events

    table = pq.read_table(file)
    moments = table["time"].to_numpy()
    return ask_plainly(code_events(table["customer"], moments, table["touchpoint"]))


def load_stored(file: Path) -> dict[str, Callable[[], Any]]:
    """Ask the same of partitions on disk, made from the file by a study's rules."""
    from cjlib.events import store_log
    from cjlib.study import load_study

    folder = Path(tempfile.mkdtemp(dir=file.parent))
    (folder / "log.parquet").hardlink_to(file)
    columns = {"customer_id": "customer", "time": "time", "touchpoint": "touchpoint"}
    study = {
        "study": 1, "id": "log", "title": "Log", "brand": "Log", "language": "en",
        "privacy": {"key": "public"}, "channels": [{"id": "web", "label": "Web"}],
        "stages": [{"id": "one", "label": "One"}, {"id": "two", "label": "Two"}],
        "touchpoints": [{"id": f"t{i:02d}", "stage": "one", "channel": "web", "label": f"T{i}"}
                        for i in range(24)],
        "events": {"sources": [{"path": "log.parquet", "columns": columns}]},
    }  # fmt: skip
    (folder / "study.yaml").write_text(json.dumps(study), encoding="utf-8")
    return ask_plainly(store_log(load_study(folder), folder / "kept"))


def ask_plainly(log: Any) -> dict[str, Callable[[], Any]]:
    """Return the six questions of cjlib.events."""
    from cjlib import events as ev

    return {
        "transitions": lambda: int(ev.count_moves(log)["count"].sum()),
        "variants": lambda: ev.count_paths(log)[0]["journeys"].head(5).tolist(),
        "times": lambda: round(float(ev.measure_gaps(log)["p50"].sum()), 6),
        "steps": lambda: int(ev.count_steps(log, steps=STEPS).to_numpy().sum()),
        "funnel": lambda: ev.count_funnel(log, stages=STAGES)["journeys"].tolist(),  # noqa: PLW0108
        "exits": lambda: int(ev.count_ends(log)["left"].max()),
    }


def load_polars(file: Path) -> dict[str, Callable[[], Any]]:
    """Ask polars, on coded and sorted columns, what a frame answers directly: no funnel."""
    import polars as pl

    table = (
        pl.read_parquet(file)
        .with_columns(pl.col("touchpoint").cast(pl.Categorical))
        .sort(["customer", "time"], maintain_order=True)
    )

    def moves() -> Any:
        after = table.select(
            "touchpoint",
            to=pl.col("touchpoint").shift(-1).over("customer"),
            gap=(
                pl.col("time").shift(-1).over("customer") - pl.col("time")
            ).dt.total_microseconds(),
        )
        return after.drop_nulls("to").group_by(["touchpoint", "to"])

    def variants() -> list[int]:
        paths = table.group_by("customer", maintain_order=True).agg(
            pl.col("touchpoint").cast(pl.String).str.join(">")
        )
        found = paths.group_by("touchpoint").len().sort("len", descending=True)
        return [int(n) for n in found["len"].head(5)]

    return {
        "transitions": lambda: int(moves().len()["len"].sum()),
        "variants": variants,
        "times": lambda: round(float(moves().agg(pl.col("gap").median())["gap"].sum()) / 3.6e9, 6),
        "exits": lambda: int(
            table.group_by("customer").agg(pl.col("touchpoint").last())["touchpoint"]
            .value_counts()["count"].max()
        ),
    }  # fmt: skip


def load_duckdb(file: Path) -> dict[str, Callable[[], Any]]:
    """Ask DuckDB, straight on the file with window functions, what one query answers."""
    import duckdb

    base = duckdb.connect()
    base.read_parquet(str(file)).create_view("log")
    base.execute(
        "CREATE OR REPLACE VIEW moves AS SELECT touchpoint, lead(touchpoint) OVER w AS later, "
        "epoch_us(lead(time) OVER w) - epoch_us(time) AS gap "
        "FROM log WINDOW w AS (PARTITION BY customer ORDER BY time)"
    )

    def ask(query: str) -> list[Any]:
        return [row[0] for row in base.execute(query).fetchall()]

    return {
        "transitions": lambda: int(ask("SELECT count(*) FROM moves WHERE later IS NOT NULL")[0]),
        "variants": lambda: ask(
            "SELECT count(*) AS n FROM (SELECT string_agg(touchpoint, '>' ORDER BY time) AS path "
            "FROM log GROUP BY customer) GROUP BY path ORDER BY n DESC LIMIT 5"
        ),
        "times": lambda: round(
            float(ask("SELECT sum(m) / 3.6e9 FROM (SELECT median(gap) AS m FROM moves "
                      "WHERE later IS NOT NULL GROUP BY touchpoint, later)")[0]), 6
        ),
        "exits": lambda: int(
            ask("SELECT count(*) AS n FROM moves WHERE later IS NULL GROUP BY touchpoint "
                "ORDER BY n DESC LIMIT 1")[0]
        ),
    }  # fmt: skip


def load_intervals(file: Path) -> dict[str, Callable[[], Any]]:
    """Ask the questions of cjlib.journeys: the same counts, with intervals by customer."""
    import pandas as pd

    from cjlib.events import code_events
    from cjlib.journeys import (
        count_transitions,
        count_variants,
        find_exits,
        measure_funnel,
        measure_step_matrix,
    )

    table = pd.read_parquet(file)
    log = code_events(table["customer"], table["time"].to_numpy(), table["touchpoint"])

    def times() -> float:
        return round(float(count_transitions(log).table["median_hours"].sum()), 6)

    return {
        "transitions": lambda: int(count_transitions(log).table["count"].sum()),
        "variants": lambda: count_variants(log).table["journeys"].head(5).tolist(),
        "times": times,
        "steps": lambda: int(
            measure_step_matrix(log, steps=STEPS)
            .table.query("label != '(ended)'")["journeys"]
            .sum()
        ),
        "funnel": lambda: list(measure_funnel(log, stages=STAGES).table["journeys"].tolist()),
        "exits": lambda: int(find_exits(log).table["left"].max()),
    }


def load_pandas(file: Path) -> dict[str, Callable[[], Any]]:
    """Ask plain pandas on text columns, as most notebooks do."""
    import pandas as pd

    table = pd.read_parquet(file).sort_values(["customer", "time"], kind="stable")

    def moves() -> pd.DataFrame:
        after = table.groupby("customer", sort=False)[["touchpoint", "time"]].shift(-1)
        found = table.assign(to=after["touchpoint"], gap=after["time"] - table["time"])
        return found[found["to"].notna()]

    def funnel() -> list[int]:
        reached = None
        counts = []
        for stage in STAGES:
            rows = table[table["touchpoint"] == stage]
            if reached is not None:
                rows = rows.merge(reached.rename("since"), left_on="customer", right_index=True)
                rows = rows[rows["time"] >= rows["since"]]
            reached = rows.groupby("customer")["time"].min()
            counts.append(len(reached))
        return counts

    def times() -> float:
        gaps = moves().groupby(["touchpoint", "to"])["gap"]
        gaps.quantile(0.9)
        return round(float((gaps.median() / pd.Timedelta(hours=1)).sum()), 6)

    def steps() -> int:
        place = table.groupby("customer", sort=False).cumcount()
        early = table[place < STEPS]
        return int(pd.crosstab(early["touchpoint"], place[place < STEPS]).to_numpy().sum())

    def variants() -> list[int]:
        paths = table.groupby("customer", sort=False)["touchpoint"].agg(" > ".join)
        return [int(n) for n in paths.value_counts().head(5)]

    return {
        "transitions": lambda: int(moves().groupby(["touchpoint", "to"]).size().sum()),
        "variants": variants,
        "times": times,
        "steps": steps,
        "funnel": funnel,
        "exits": lambda: int(
            table.groupby("customer", sort=False)["touchpoint"].last().value_counts().iloc[0]
        ),
    }


def load_pm4py(file: Path) -> dict[str, Callable[[], Any]]:
    """Ask pm4py, on a pandas log, what it has of the six: no ordered funnel, no step matrix."""
    import pandas as pd
    import pm4py

    table = pd.read_parquet(file)
    log = pm4py.format_dataframe(
        table, case_id="customer", activity_key="touchpoint", timestamp_key="time"
    )

    def variants() -> list[int]:
        return sorted(pm4py.get_variants(log).values(), reverse=True)[:5]

    def times() -> None:
        pm4py.discover_performance_dfg(log)

    return {
        "transitions": lambda: int(sum(pm4py.discover_dfg(log)[0].values())),
        "variants": variants,
        "times": times,
        "exits": lambda: int(max(pm4py.get_end_activities(log).values())),
    }


def load_retentioneering(file: Path) -> dict[str, Callable[[], Any]]:
    """Ask retentioneering what it has of the six as data: no variants."""
    import pandas as pd
    from retentioneering.eventstream import Eventstream

    table = pd.read_parquet(file).rename(
        columns={"customer": "user_id", "time": "timestamp", "touchpoint": "event"}
    )
    stream = Eventstream(table)

    def run(question: Callable[..., Any], **options: Any) -> None:
        question(**options)

    return {
        "transitions": lambda: run(stream.transition_graph_data, edge_weight="count"),
        "times": lambda: run(stream.transition_graph_data, edge_weight="time_median"),
        "steps": lambda: run(stream.step_matrix_data, max_steps=STEPS),
        "funnel": lambda: run(stream.funnel_data, steps=STAGES),
    }


if __name__ == "__main__":
    raise SystemExit(main())
