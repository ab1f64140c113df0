"""Speed of optimal matching and Hamming distances beside sequenzo, in CPU seconds.

    python benchmarks/sequences.py [--rows 1000] [--mvad mvad.csv] [--peer path/to/python]

All pairs of different sequences, from codes to the whole matrix; substitution costs from the rates
of transition, insertions at 1. ``--mvad`` is the data set of TraMineR's paper (712 young people, 70
months, 6 states; in the wheel of sequenzo and in TraMineR itself); the rest are seeded journeys.
sequenzo, a port of TraMineR's C to C++, needs a Python of its own that has it (``--peer``); the
largest difference of the two matrices is printed. Without a peer ours are timed alone.

Each in a process of its own with one thread, so that CPU seconds are work and not waiting.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

import numpy as np  # noqa: E402, after the threads are set
import pandas as pd  # noqa: E402

SEED = 1404
PLACES, STATES = 30, 12
MVAD_STATES = ("employment", "FE", "HE", "joblessness", "school", "training")
IN_PEER = """
import contextlib, io, json, sys, time
import numpy as np, pandas as pd
codes = np.load(sys.argv[1])
with contextlib.redirect_stdout(io.StringIO()):
    from sequenzo import SequenceData, get_distance_matrix, get_substitution_cost_matrix
    names = [str(i) for i in range(codes.shape[1])]
    frame = pd.DataFrame(codes + 1, columns=names)
    frame.insert(0, "id", np.arange(len(frame)))
    states = sorted(set(codes.ravel() + 1))
    seqs = SequenceData(frame, time=names, id_col="id", states=[int(s) for s in states],
                        labels=[f"s{s}" for s in states])
    spent, found = {}, {}
    for method, more in (("OM", {"sm": "TRATE", "indel": 1}), ("HAM", {})):
        before = time.process_time()
        matrix = get_distance_matrix(seqdata=seqs, method=method, **more)
        spent[method] = time.process_time() - before
        found[method] = np.asarray(matrix, dtype=float)
np.savez(sys.argv[2], **found)
print(json.dumps(spent))
"""


def main() -> int:
    """Time both on the same sequences and say the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--mvad", default="", help="mvad.csv")
    parser.add_argument("--peer", default="", help="a Python that has sequenzo")
    given = parser.parse_args()
    if given.mvad:
        compare("mvad", read_mvad(Path(given.mvad)), peer=given.peer)
    compare("journeys", make_journeys(given.rows), peer=given.peer)
    return 0


def read_mvad(file: Path) -> np.ndarray:
    """Return the different sequences of mvad as codes."""
    frame = pd.read_csv(file).iloc[:, 16:86]
    place = {state: code for code, state in enumerate(MVAD_STATES)}
    return np.unique(frame.replace(place).to_numpy(dtype=np.int64), axis=0)


def make_journeys(rows: int) -> np.ndarray:
    """Make different sequences of a Markov chain that likes to stay where it is."""
    rng = np.random.default_rng(SEED)
    moves = 0.6 * np.eye(STATES) + 0.4 * rng.dirichlet(np.full(STATES, 0.5), STATES)
    codes = np.zeros((rows, PLACES), dtype=np.int64)
    codes[:, 0] = rng.integers(0, STATES, rows)
    for place in range(1, PLACES):
        steps = moves[codes[:, place - 1]].cumsum(axis=1)
        codes[:, place] = (rng.random((rows, 1)) > steps).sum(axis=1).clip(max=STATES - 1)
    return np.unique(codes, axis=0)


def compare(name: str, codes: np.ndarray, *, peer: str) -> None:
    """Print seconds, their ratio and how far the matrices lie apart."""
    from cjlib.journeys.alignment import match_optimally, measure_hamming, transition_costs

    states, places = int(codes.max()) + 1, codes.shape[1]
    lengths = np.full(len(codes), places)
    say(f"{name}: {len(codes):,} different sequences of {places}, {states} states")
    spent, found = {}, {}
    before = time.process_time()
    costs = transition_costs(codes.ravel(), lengths, np.ones(len(codes)), labels=states)[1]
    found["OM"] = match_optimally(codes, lengths, costs, indel=1.0)
    spent["OM"] = time.process_time() - before
    before = time.process_time()
    found["HAM"] = measure_hamming(codes, 1.0 - np.eye(states))
    spent["HAM"] = time.process_time() - before
    theirs, matrices = ask_peer(codes, peer) if peer else ({}, {})
    for method, seconds in spent.items():
        line = f"  {method:3}  ours {seconds:8.2f} s"
        if method in theirs:
            apart = np.abs(found[method] - matrices[method]).max()
            line += (
                f"   sequenzo {theirs[method]:8.2f} s   ratio {theirs[method] / seconds:6.2f}"
                f"   largest difference {apart:.2g}"
            )
        say(line)


def ask_peer(codes: np.ndarray, peer: str) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Let sequenzo measure the same sequences in its own process."""
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "codes.npy", Path(folder) / "found.npz"
        np.save(given, codes)
        done = subprocess.run(
            [peer, "-c", IN_PEER, str(given), str(made)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            say(f"  sequenzo failed: {done.stderr.strip().splitlines()[-1]}")
            return {}, {}
        with np.load(made) as held:
            return json.loads(done.stdout.splitlines()[-1]), {k: held[k] for k in held.files}


def say(line: str) -> None:
    """Print one line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
