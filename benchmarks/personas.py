"""The number of personas beside named peers, on the same people, in CPU seconds.

    python benchmarks/personas.py [--data mcdonalds.csv] [--pairs 100] [--starts 10]
                                  [--way pairs,choice,million]

``pairs``: the stability of k = 2 ... 8: 100 pairs of bootstrap samples, each clustered by k-means
with 10 starts, everybody labelled by both, their adjusted Rand index. Ours, and a loop over
scikit-learn's KMeans (one thread), on the same samples in one process; the same for R's
flexclust (``bootFlexclust``) where R has it, else its recorded figure, named as recorded. The
mean error reached on the samples and the stability stand beside the seconds: nobody is fast by
stopping short. Without ``--data`` (eleven yes/no columns first) the people are drawn with a seed.

``choice``: ``choose_number`` with all its criteria on the same people.

``million``: a million rows of twenty ratings (few alike) and of eleven yes/no answers (many
alike): choosing, and placing everybody, with the most memory the process ever held.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

import numpy as np  # noqa: E402, after the threads are set
import pandas as pd  # noqa: E402

SEED = 1404
COUNTS = range(2, 9)
RECORDED_FLEXCLUST = (
    240.0  # CPU seconds, bootFlexclust(x, 2:8, nrep = 10, nboot = 100), once elsewhere
)
GIGABYTE = 1024**2  # of the kilobytes getrusage counts in


def main() -> int:
    """Take the people, time the pairs, the choice, and a million rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--way", default="pairs,choice,million")
    given = parser.parse_args()
    x = make_people(1_453) if given.data is None else read_people(given.data)
    say(f"{len(x):,} people, {x.shape[1]} yes/no answers; CPU seconds, one thread")
    if "pairs" in given.way:
        compare_pairs(x, given.pairs, given.starts, given.data)
    if "choice" in given.way:
        measure_choice(x)
    if given.way == "million":
        for kind in ("ratings", "yes/no"):
            measure_million(given.rows, kind)
    elif "million" in given.way:  # apart, so that its memory is its own
        command = [sys.executable, __file__, "--way", "million", "--rows", str(given.rows)]
        return subprocess.run(command, check=False).returncode
    return 0


def say(text: str) -> None:
    """Write a line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def read_people(path: Path) -> np.ndarray:
    """Read the first eleven columns, yes as 1."""
    return pd.read_csv(path, dtype=str).iloc[:, :11].eq("Yes").to_numpy(dtype=float)


def make_people(rows: int) -> np.ndarray:
    """Draw yes/no answers of four kinds of people that overlap."""
    rng = np.random.default_rng(SEED)
    chance = rng.uniform(0.1, 0.9, size=(4, 11))
    return (rng.random((rows, 11)) < chance[rng.integers(0, 4, rows)]).astype(float)


def compare_pairs(x: np.ndarray, pairs: int, starts: int, data: Path | None) -> None:
    """Time ours and scikit-learn on the same bootstrap samples; compare error and stability."""
    for ask in (refit_ours, refit_sklearn):
        ask(x[:50], np.random.default_rng(SEED).integers(0, 50, (2, 50)), 2, 1)  # imports, unpaid
    spent = {"ours": 0.0, "scikit-learn": 0.0}
    errors: dict[str, list[float]] = {"ours": [], "scikit-learn": []}
    say(f"\n{pairs} pairs of bootstrap samples, {starts} starts each: mean error, stability")
    for k in COUNTS:
        draws = np.random.default_rng(SEED + k).integers(0, len(x), (2 * pairs, len(x)))
        line = f"k = {k} "
        for who, ask in (("ours", refit_ours), ("scikit-learn", refit_sklearn)):
            begin = time.process_time()
            centres, agree = ask(x, draws, k, starts)
            spent[who] += time.process_time() - begin
            found = float(np.mean([error_of(x[d], c) for d, c in zip(draws, centres, strict=True)]))
            errors[who].append(found)
            line += f"  {who} {found:9.2f} {agree:.3f}"
        say(line)
    better = all(a <= b for a, b in zip(errors["ours"], errors["scikit-learn"], strict=True))
    say(f"error of ours at or below scikit-learn's for every k: {'yes' if better else 'NO'}")
    ours = spent["ours"]
    theirs = spent["scikit-learn"]
    say(f"ours {ours:.2f} s; scikit-learn {theirs:.2f} s, {theirs / ours:.1f} x")
    seconds = run_flexclust(data, pairs, starts)
    if seconds is not None:
        say(f"flexclust {seconds:.0f} s, {seconds / ours:.0f} x")
    elif pairs == 100 and starts == 10:
        say(
            f"flexclust is absent here; recorded on McDonald's, another run and machine: "
            f"{RECORDED_FLEXCLUST:.0f} s, {RECORDED_FLEXCLUST / ours:.0f} x"
        )


def refit_ours(x: np.ndarray, draws: np.ndarray, k: int, starts: int) -> tuple[np.ndarray, float]:
    """Refit on patterns with weights; solutions are swapped between samples."""
    from cjlib.personas.clustering import find_patterns
    from cjlib.personas.stability import compare_refits, fit_converged, label_refits

    patterns = find_patterns(x)
    m = len(patterns.values)
    weights = np.stack([np.bincount(patterns.of_row[d], minlength=m) for d in draws])
    centres = fit_converged(
        patterns.values, weights.astype(float), k, rng=np.random.default_rng(k), starts=starts
    )
    labels = label_refits(patterns.values, centres)
    agree = [
        compare_refits(labels[[a, a + 1]], patterns.weights)[0][0] for a in range(0, len(draws), 2)
    ]
    return centres, float(np.mean(agree))


def refit_sklearn(
    x: np.ndarray, draws: np.ndarray, k: int, starts: int
) -> tuple[np.ndarray, float]:
    """Refit with scikit-learn's KMeans, one sample after the other."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score

    centres, labels = [], []
    for at, rows in enumerate(draws):
        found = KMeans(k, n_init=starts, random_state=at).fit(x[rows])
        centres.append(found.cluster_centers_)
        labels.append(found.predict(x))
    agree = [adjusted_rand_score(labels[a], labels[a + 1]) for a in range(0, len(draws), 2)]
    return np.stack(centres), float(np.mean(agree))


def error_of(x: np.ndarray, centres: np.ndarray) -> float:
    """Sum of squared distances to the nearest centre."""
    square = (x**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1) - 2 * x @ centres.T
    return float(square.min(axis=1).sum())


def run_flexclust(data: Path | None, pairs: int, starts: int) -> float | None:
    """Time R's flexclust on the same file, where both are there."""
    ask = ["Rscript", "-e", 'cat(requireNamespace("flexclust", quietly = TRUE))']
    try:
        known = subprocess.run(ask, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return None
    if data is None or "TRUE" not in known:
        return None
    code = (
        f'x <- (as.matrix(read.csv("{data.resolve()}")[, 1:11]) == "Yes") + 0; set.seed(1234); '
        f"t <- system.time(flexclust::bootFlexclust(x, 2:8, nrep = {starts}, nboot = {pairs}, "
        "multicore = FALSE)); cat(t[[1]] + t[[2]])"
    )
    done = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def measure_choice(x: np.ndarray) -> None:
    """Time choose_number with every criterion."""
    from cjlib.personas import choose_number

    begin = time.process_time()
    found = choose_number(make_variables(x), rng=np.random.default_rng(SEED))
    say(f"\nchoose_number, every criterion: {time.process_time() - begin:.1f} s. {found.summary()}")


def measure_million(rows: int, kind: str) -> None:
    """Choose on a million rows and place everybody."""
    from cjlib.personas import choose_number
    from cjlib.personas.clustering import assign, measure_margin

    rng = np.random.default_rng(SEED)
    if kind == "ratings":
        centres = rng.uniform(0, 1, size=(4, 20))
        x = np.empty((rows, 20))
        for at in range(0, rows, 50_000):
            part = x[at : at + 50_000]
            drawn = centres[rng.integers(0, 4, len(part))] + rng.normal(0, 0.25, part.shape)
            part[:] = np.clip(np.round(4 * drawn), 0, 4) / 4
    else:
        x = make_people(rows)
    begin = time.process_time()
    variables = make_variables(x)
    found = choose_number(variables, rng=np.random.default_rng(SEED))
    chosen = time.process_time()
    k = max(found.k, 2)
    labels = assign(variables.matrix, found.fits[k].centres)
    measure_margin(variables.matrix, found.fits[k].centres)
    placed = time.process_time()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GIGABYTE
    say(
        f"\n{rows:,} rows of {kind}: chosen in {chosen - begin:.1f} s (k = {found.k}), "
        f"{len(labels):,} placed in {placed - chosen:.1f} s, {memory:.2f} GB at most so far"
    )


def make_variables(x: np.ndarray) -> Any:
    """Put a matrix in the form that choose_number takes."""
    from cjlib.personas.variables import Variables

    names = [f"item{j}" for j in range(x.shape[1])]
    items = pd.DataFrame(
        {"item": names, "role": "need", "kind": "scale", "label_en": "", "label_fa": "",
         "scaling": "range", "low": 0.0, "high": 1.0, "source": "survey", "shift": 0.0,
         "spread": 1.0, "fill": 0.5, "filled": 0}
    )  # fmt: skip
    keys = pd.DataFrame({"respondent_id": np.arange(len(x))})
    raw = pd.DataFrame(x, columns=names, copy=False)
    return Variables(
        "survey", keys, raw, np.ones(len(x), dtype=bool), x, np.zeros(x.shape[1], dtype=bool),
        np.ones(len(x)), items, (),
    )  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
