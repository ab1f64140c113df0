"""Speed of the journey questions beside named peers, on one synthetic log, in CPU seconds.

    python benchmarks/journeys.py [--events 1000000,10000000,100000000]
                                  [--peers numpy,stored,pm4py]
                                  [--python pm4py=PATH --python retentioneering=PATH]

Each engine runs in its own process (so that one's memory or threads do not help another) and
answers the same six questions on the same Parquet file: transition counts, top-20 variants,
median and 90th percentile of the time per transition, step matrix, four-step funnel, entries
and exits. CPU seconds of that process and its threads are counted, wall time is not: a shared
machine would mislead. What an engine does once, such as imports, is done on a small log first.
A peer that is not installed is said to be absent; install it in an environment of its own and
pass that Python with --python NAME=PATH.

"cjlib" asks the plain questions of ``cjlib.events`` of a log in memory, "stored" asks them of
partitions on disk that ``store_log`` made from the same file (with pseudonyms, duplicates and
scope: reading is dearer), "intervals" asks the questions of ``cjlib.journeys``, whose results
carry intervals by customer; the peers' do not. "numpy" is one pass written by hand for each
question on columns already coded and in order: what the kit may cost at most twice of.
Above twenty million events only "stored" runs, which needs no more memory for a longer log.

The counts of every engine are compared with the first one's where the definitions agree, so
that nobody is fast by answering something else. With several sizes the growth is told: the
power of the number of events that the CPU seconds follow, 1 being proportional, and what it
would make of a billion events. pm4py is AGPL: it is only ever run here, never imported by the
kit.
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
from itertools import pairwise
from pathlib import Path
from typing import Any

import journeys_peers as peers
from journeys_peers import STAGES, STEPS

ENGINES = (
    "cjlib", "numpy", "stored", "intervals", "pandas", "polars", "duckdb", "pm4py",
    "retentioneering",
)  # fmt: skip
MOST = 20_000_000  # events of a log that is held in memory
CHUNK = 1_000_000
SMALL = 20_000  # events of the log on which each engine warms up
SEED = 1404


def main() -> int:
    """Make the logs, run each engine in a process of its own, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", default="1000000")
    parser.add_argument("--peers", default=",".join(ENGINES[1:]))
    parser.add_argument("--python", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--folder", type=Path, help="where the logs are made and kept")
    parser.add_argument("--engine", choices=ENGINES)
    parser.add_argument("--file", type=Path, action="append")
    given = parser.parse_args()
    if given.engine:
        sys.stdout.write(json.dumps(run_engine(given.engine, *given.file)))
        return 0
    pythons = dict(pair.split("=", 1) for pair in given.python)
    names = ["cjlib", *(name for name in given.peers.split(",") if name)]
    spent: dict[str, dict[int, tuple[float, float]]] = {name: {} for name in names}
    with tempfile.TemporaryDirectory(dir=given.folder) as temporary:
        folder = given.folder or Path(temporary)
        for events in (SMALL, *map(int, given.events.split(","))):
            file = folder / f"log-{events}.parquet"
            if not file.is_file():
                make_log(file, events)
        for events in map(int, given.events.split(",")):
            file, ours = folder / f"log-{events}.parquet", dict[str, Any]()
            say(f"{events:,} events, seed {SEED}; CPU seconds: questions (with reading), peak MB")
            for name in names:
                if events > MOST and name != "stored":
                    continue
                warm = folder / f"log-{SMALL}.parquet"
                found = run_apart(name, warm, file, pythons.get(name, sys.executable))
                ours = ours or found
                tell(name, found, ours)
                if "absent" not in found:
                    asked = sum(found["spent"].values())
                    spent[name][events] = asked, asked + found["reading"]
    for name, by_size in spent.items():
        tell_growth(name, by_size)
    return 0


def tell_growth(name: str, by_size: dict[int, tuple[float, float]]) -> None:
    """Print the power of the events that the cost follows, and a billion on paper."""
    sizes = sorted(by_size)
    for few, many in pairwise(sizes):
        for place, what in enumerate(("questions", "from the file")):
            low, high = by_size[few][place], by_size[many][place]
            power = math.log(high / low) / math.log(many / few)
            billion = high * (1e9 / many) ** power
            say(
                f"{name:16s} {few:,} to {many:,}, {what}: power {power:.2f}, "
                f"{high / many * 1e6:.2f} microseconds an event; a billion {billion:,.0f} s"
            )


def say(text: str) -> None:
    """Write a line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def make_log(file: Path, events: int) -> None:
    """Write a log of ten contacts per customer on average, 24 touchpoints, rows by time."""
    import duckdb
    import numpy as np
    import pyarrow.parquet as pq

    rng = np.random.default_rng(SEED)
    draft = file.with_suffix(".draft")
    writer = None
    for first in range(0, events, CHUNK):
        made = make_customers(rng, min(CHUNK, events - first), first // 10)
        writer = writer or pq.ParquetWriter(draft, made.schema)
        writer.write_table(made)
    if writer:
        writer.close()
    settings = {"memory_limit": "2GB", "threads": "2", "temp_directory": f"{file}.sorting"}
    with duckdb.connect(config=settings) as engine:
        engine.read_parquet(str(draft)).order("time, customer").write_parquet(str(file))
    draft.unlink()


def make_customers(rng: Any, events: int, first: int) -> Any:
    """Make the contacts of some customers, numbered from ``first``, as an arrow table."""
    import numpy as np
    import pyarrow as pa

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
    return pa.table(
        {
            "customer": np.char.add("c", (who + first).astype("U9")),
            "time": when.astype("datetime64[us]"),
            "touchpoint": np.array([f"t{i:02d}" for i in range(24)])[where],
        }
    )


def run_apart(name: str, warm: Path, file: Path, python: str) -> dict[str, Any]:
    """Run one engine in a process of its own and return what it found."""
    files = ["--file", str(warm), "--file", str(file)]
    command = [python, __file__, "--engine", name, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return {"absent": last}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def run_engine(name: str, warm: Path, file: Path) -> dict[str, Any]:
    """Answer the six questions with one engine and time each."""
    load: Callable[[Path], dict[str, Callable[[], Any]]] = globals().get(f"load_{name}") or getattr(
        peers, f"load_{name}"
    )
    for ask in load(warm).values():  # imports, caches and compiled parts: not counted below
        ask()
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


def load_numpy(file: Path) -> dict[str, Callable[[], Any]]:
    """Ask by hand: one numpy pass for each question, on columns coded and put in order."""
    import numpy as np
    import pyarrow.parquet as pq

    table = pq.read_table(file)
    who, codes = (
        table[name].combine_chunks().dictionary_encode().indices.to_numpy()
        for name in ("customer", "touchpoint")
    )
    names = table["touchpoint"].combine_chunks().dictionary_encode().dictionary.to_pylist()
    codes = np.argsort(np.argsort(names))[codes].astype(np.int8)
    times = table["time"].to_numpy().astype("datetime64[us]").astype(np.int64)
    order = np.lexsort((times, who))
    who, codes, times, k = who[order], codes[order], times[order], len(names)
    fresh = np.concatenate([[True], who[1:] != who[:-1]])
    starts = np.flatnonzero(fresh)
    lengths = np.diff(np.append(starts, len(who)))
    del table, order, who

    def moves() -> Any:
        pair = codes[:-1].astype(np.int16) * np.int16(k)
        pair += codes[1:]
        return pair[~fresh[1:]]

    def variants() -> list[int]:
        longest = int(lengths.max())
        drawn = np.random.default_rng(1).integers(0, 2**63, (longest, k), dtype=np.int64)
        place = np.arange(len(codes)) - np.repeat(starts, lengths)
        hashed = np.add.reduceat(drawn[place, codes], starts)
        counts = np.unique(hashed, return_counts=True)[1]
        return [int(n) for n in np.sort(counts)[::-1][:5]]

    def gaps() -> float:
        key = moves().astype(np.int64) << 48
        key |= np.diff(times)[~fresh[1:]]
        key.sort()
        edges = np.searchsorted(key, np.arange(k * k + 1, dtype=np.int64) << 48)
        key &= (1 << 48) - 1
        some = np.flatnonzero(np.diff(edges))
        found = []
        for q in (0.5, 0.9):
            exact = (np.diff(edges)[some] - 1) * q
            low = exact.astype(np.int64)
            below = key[edges[some] + low]
            above = key[np.minimum(edges[some] + low + 1, edges[some + 1] - 1)]
            found.append(below + (above - below) * (exact - low))
        return round(float((found[0] / 3.6e9).sum()), 6)

    def steps() -> int:
        return sum(
            int(np.bincount(codes[starts[lengths > step] + step], minlength=k).sum())
            for step in range(STEPS)
        )

    def funnel() -> list[int]:
        reached, since = np.ones(len(starts), dtype=bool), np.full(len(starts), times.min())
        journey = np.cumsum(fresh) - 1
        counts = []
        for code in range(len(STAGES)):
            at = np.flatnonzero(codes == code)
            at = at[reached[journey[at]] & (times[at] >= since[journey[at]])]
            whose, first = np.unique(journey[at], return_index=True)
            reached[:] = False
            reached[whose] = True
            since[whose] = times[at[first]]
            counts.append(len(whose))
        return counts

    return {
        "transitions": lambda: int(np.bincount(moves(), minlength=k * k).sum()),
        "variants": variants,
        "times": gaps,
        "steps": steps,
        "funnel": funnel,
        "exits": lambda: int(np.bincount(codes[starts + lengths - 1], minlength=k).max()),
    }


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


if __name__ == "__main__":
    raise SystemExit(main())
