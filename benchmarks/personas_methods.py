"""Speed of k-prototypes beside kmodes, and of the other methods, in CPU seconds.

    python benchmarks/personas_methods.py [--rows 20000] [--k 4] [--peer path/to/python]

``k-prototypes``: five numbers and five nominal items of four planted groups, the same rows and the
same gamma for ours and for ``KPrototypes`` of kmodes (Cao's start, one start against
our 20), each in one process and run once; kmodes needs a Python of its own that has it
(``--peer``). The costs are computed by one function for both, so that nobody is fast by a worse
solution.

``every method``: ``fit_segments`` on a survey of ratings, ticks and nominal items.

BLAS has one thread, so that CPU seconds are work and not waiting.
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
from typing import Any

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

import numpy as np  # noqa: E402, after the threads are set

SEED = 1404
LEVELS = 6
IN_PEER = """
import json, sys, time
import numpy as np
from kmodes.kprototypes import KPrototypes
held = np.load(sys.argv[1])
x, codes, gamma, k = held["numbers"], held["codes"], float(held["gamma"]), int(held["k"])
both = np.hstack([x.astype(object), codes.astype(object)])
model = KPrototypes(n_clusters=k, init="Cao", n_init=1, gamma=gamma, random_state=1)
before = time.process_time()
labels = model.fit_predict(both, categorical=list(range(x.shape[1], both.shape[1])))
spent = time.process_time() - before
print(json.dumps({"starts": 1, "seconds": spent, "labels": [int(i) for i in labels]}))
"""


def main() -> int:
    """Make the people, time ours and the peer, then every method on a survey."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--k", type=int, default=4)
    parser.add_argument("--peer", default="", help="a Python that has kmodes")
    given = parser.parse_args()
    numbers, codes, truth = make_people(given.rows, given.k)
    say(f"{given.rows:,} people, 5 numbers, 5 nominal items, k = {given.k}, seed {SEED}")
    compare_prototypes(numbers, codes, truth, given.k, peer=given.peer)
    time_methods(numbers, codes, given.k)
    return 0


def make_people(rows: int, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unequal overlapping groups: normal numbers, and a favourite level of each nominal item."""
    rng = np.random.default_rng(SEED)
    shares = np.arange(k, 0, -1) / np.arange(k, 0, -1).sum()
    truth = rng.choice(k, rows, p=shares)
    numbers = rng.normal(0, 1.5, (k, 5))[truth] + rng.normal(0, 1, (rows, 5))
    favourite = rng.integers(0, LEVELS, (k, 5))[truth]
    free = rng.integers(0, LEVELS, (rows, 5))
    return numbers, np.where(rng.random((rows, 5)) < 0.5, favourite, free), truth


def compare_prototypes(
    numbers: np.ndarray, codes: np.ndarray, truth: np.ndarray, k: int, *, peer: str
) -> None:
    """Time both on the same rows and print cost, seconds and their ratio."""
    from cjlib.personas.clustering import adjusted_rand
    from cjlib.personas.prototypes import default_gamma, find_mixed_rows, fit_prototypes

    before = time.process_time()
    rows = find_mixed_rows(numbers, codes)
    found = fit_prototypes(rows, k, rng=np.random.default_rng(1))
    ours = time.process_time() - before
    labels = found.labels[rows.of_row]
    gamma = default_gamma(rows)
    mine = measure_cost(numbers, codes, labels, gamma)
    say(
        f"k-prototypes, ours: {ours:.2f} s, {len(found.start_costs)} starts "
        f"({found.share_at_best:.0%} at the best), cost {mine:,.2f}, adjusted Rand with the truth "
        f"{adjusted_rand(labels, truth):.3f}"
    )
    if not peer or not Path(peer).exists():
        say("kmodes: not compared, --peer names no Python that has it")
        return
    for result in run_peer(peer, numbers, codes, gamma, k):
        theirs = np.array(result["labels"])
        cost = measure_cost(numbers, codes, theirs, gamma)
        say(
            f"k-prototypes, kmodes with n_init={result['starts']}: {result['seconds']:.2f} s "
            f"({result['seconds'] / ours:.0f} times ours), cost {cost:,.2f} "
            f"({cost / mine - 1:+.4%}), adjusted Rand with ours {adjusted_rand(labels, theirs):.3f}"
        )


def run_peer(
    peer: str, numbers: np.ndarray, codes: np.ndarray, gamma: float, k: int
) -> list[dict[str, Any]]:
    """Run kmodes in its own Python on the same rows."""
    with tempfile.TemporaryDirectory() as folder:
        held = Path(folder) / "people.npz"
        np.savez(held, numbers=numbers, codes=codes, gamma=gamma, k=k)
        done = subprocess.run(
            [peer, "-c", IN_PEER, str(held)], capture_output=True, text=True, check=False
        )
    if done.returncode:
        say(f"kmodes: not compared, it ended with {done.stderr.strip().splitlines()[-1:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def measure_cost(numbers: np.ndarray, codes: np.ndarray, labels: np.ndarray, gamma: float) -> float:
    """Huang's cost of a labelling, from its own means and modes."""
    total = 0.0
    for label in np.unique(labels):
        x, c = numbers[labels == label], codes[labels == label]
        total += float(((x - x.mean(axis=0)) ** 2).sum())
        total += gamma * sum(len(c) - int(np.bincount(column).max()) for column in c.T)
    return total


def time_methods(numbers: np.ndarray, codes: np.ndarray, k: int) -> None:
    """Time ``fit_segments`` on ratings cut from the numbers, ticks and a nominal item."""
    import pandas as pd

    from cjlib.codebook import Codebook, Item
    from cjlib.definitions import Text
    from cjlib.personas.answers import read_survey_variables
    from cjlib.personas.methods import METHODS, fit_segments
    from cjlib.study import Study

    n = len(numbers)
    frame = pd.DataFrame({"respondent_id": [f"R{i}" for i in range(n)]})
    items = []
    for j, column in enumerate(numbers.T):
        frame[f"rating_{j}"] = np.clip(np.round(3 + column), 1, 5)
        items.append(Item(f"rating_{j}", "scale", role="need", low=1, high=5))
    for j, column in enumerate(codes.T[:3]):
        frame[f"tick_{j}"] = pd.array(column == 0, dtype="boolean")
        items.append(Item(f"tick_{j}", "tick", role="need"))
    frame["city"] = pd.array([str(c) for c in codes[:, 3]], dtype="string")
    labels = {str(c): Text(str(c)) for c in range(LEVELS)}
    items.append(Item("city", "nominal", role="need", labels=labels))
    study = Study(
        Path(),
        Path(),
        "speed",
        Text("Speed"),
        Text("Speed"),
        "en",
        codebook=Codebook(tuple(items)),
        stages=(),
        touchpoints=(),
        waves=(),
    )
    before = time.process_time()
    variables = read_survey_variables(study, frame)
    if variables is None:
        raise SystemExit("the survey has no variables")
    say(f"read_survey_variables, {n:,} x {len(items)}: {time.process_time() - before:.2f} s")
    for method in METHODS:
        before = time.process_time()
        found = fit_segments(variables, k, method=method, rng=np.random.default_rng(1))
        say(f"fit_segments, {method}: {time.process_time() - before:.2f} s. {found.summary()}")


def say(line: str) -> None:
    """Print one line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
