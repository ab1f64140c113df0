"""Speed of the journey questions beside named peers, on one synthetic log, in CPU seconds.

    python benchmarks/journeys.py [--events 1000000] [--peers pandas,pm4py,retentioneering]

Each engine runs in its own process (so that one's memory or threads do not help another) and
answers the same six questions on the same Parquet file: transition counts, top-20 variants,
median and 90th percentile of the time per transition, step matrix, four-step funnel, entries
and exits. CPU seconds of that process and its threads are counted, wall time is not: a shared
machine would mislead. A peer that is not installed is said to be absent; install it in an
environment of its own and pass that Python with --python NAME=PATH.

The counts of every engine are compared with ours where the definitions agree, so that nobody
is fast by answering something else. cjlib's results also carry intervals by customer; the
peers' do not. pm4py is AGPL: it is only ever run here, never imported by the kit.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ENGINES = ("cjlib", "pandas", "pm4py", "retentioneering")
STAGES = ["t00", "t01", "t02", "t03"]
STEPS = 8
SEED = 1404


def main() -> int:
    """Make the log, run each engine in a process of its own, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--peers", default=",".join(ENGINES[1:]))
    parser.add_argument("--python", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--engine", choices=ENGINES)
    parser.add_argument("--file", type=Path)
    given = parser.parse_args()
    if given.engine:
        sys.stdout.write(json.dumps(run_engine(given.engine, given.file)))
        return 0
    pythons = dict(pair.split("=", 1) for pair in given.python)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "log.parquet"
        make_log(file, given.events)
        ours: dict[str, Any] = {}
        say(f"{given.events:,} events, seed {SEED}; CPU seconds: questions (with reading)")
        for name in ("cjlib", *given.peers.split(",")):
            found = run_apart(name, file, pythons.get(name, sys.executable))
            ours = ours or found
            tell(name, found, ours)
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
    when = np.cumsum((rng.pareto(1.5, events) * 60e6).astype(np.int64) + 1_000_000)
    table = pd.DataFrame(
        {
            "customer": np.char.add("c", who.astype("U8")),
            "time": when.astype("datetime64[us]"),
            "touchpoint": np.array([f"t{i:02d}" for i in range(24)])[where],
        }
    )
    table.sample(frac=1, random_state=SEED).to_parquet(file, index=False)


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
    return {"reading": reading, "spent": spent, "answers": answers}


def tell(name: str, found: dict[str, Any], ours: dict[str, Any]) -> None:
    """Print one engine's line, and where its counts differ from ours."""
    if "absent" in found:
        say(f"{name:16s} absent: {found['absent']}")
        return
    total = sum(found["spent"].values())
    same_questions = sum(ours["spent"][q] for q in found["spent"])
    ratio = total / same_questions
    parts = ", ".join(f"{q} {s:.3f}" for q, s in found["spent"].items())
    say(f"{name:16s} {total:8.3f} ({total + found['reading']:.2f})  {ratio:6.1f} x ours  [{parts}]")
    for question, answer in found["answers"].items():
        if answer is not None and answer != ours["answers"][question]:
            say(f"{'':16s} differs in {question}: {answer} against {ours['answers'][question]}")


def load_cjlib(file: Path) -> dict[str, Callable[[], Any]]:
    """Ask cjlib: code once, then kernels on whole numbers, intervals included."""
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
