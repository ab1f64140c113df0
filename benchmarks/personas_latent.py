"""Speed of the latent classes beside named peers, same data, one run, in CPU seconds.

    python benchmarks/personas_latent.py [--peers /path/to/python] [--way small,large]
                                         [--answers mcdonalds.csv] [--starts 10]

``small``: 1,453 people x 11 yes/no items (McDonald's, Dolnicar, Grün and Leisch 2018), 2 to 8
classes, each program with the same number of random starts; ours also exchanges classes. Without
the file (``--answers``, or ``mcdonalds/mcdonalds.csv`` under ``$CJLIB_SHARED_DATA``) as many
simulated people are taken. ``large``: 100,000 simulated people x 20 items, 5 true classes, 2 to 5
classes; ours with ten random starts, the peers with one.

StepMix runs in the Python named by ``--peers`` or ``$CJLIB_PEERS`` (an environment with
``pip install stepmix``); poLCA in R where it is installed. Where one is absent the recorded
figures of other runs are printed and named as recorded. The likelihoods stand beside the
seconds: nobody is fast by stopping early. A program's seconds are those of reading a matrix in
memory, fitting and the chances of everybody; never of starting Python or R.
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

SEED = 1404
TRUE_SHARES = (0.3, 0.25, 0.2, 0.15, 0.1)
RECORDED = {  # CPU seconds of other runs: all of `small`; of `large`, k = 5 from one start
    "small": {"StepMix": 28.0, "poLCA": 38.0},
    "large": {"poLCA": 350.0},
}
IN_STEPMIX = """
import json, sys, time, warnings
import numpy as np
from stepmix.stepmix import StepMix
warnings.simplefilter("ignore")
x = np.load(sys.argv[1]).astype(float)
out = {}
for k in map(int, sys.argv[3].split(",")):
    start = time.process_time()
    model = StepMix(k, measurement="binary", n_init=int(sys.argv[2]), random_state=1, verbose=0,
                    progress_bar=0).fit(x)
    model.predict_proba(x)
    took = time.process_time() - start
    out[k] = [took, float(model.score(x)) * len(x)]
print(json.dumps(out))
"""
IN_R = """
suppressMessages(library(poLCA))
x <- as.data.frame(read.csv("{file}") + 1)
f <- as.formula(paste0("cbind(", paste(names(x), collapse = ","), ") ~ 1"))
set.seed(1)
out <- c()
for (k in c({counts})) {{
  t <- system.time(m <- poLCA(f, x, nclass = k, nrep = {starts}, maxiter = 5000, verbose = FALSE,
                              calc.se = FALSE))
  out <- c(out, sprintf('"%d": [%f, %f]', k, t[[1]] + t[[2]], m$llik))
}}
cat("{{", paste(out, collapse = ", "), "}}")
"""


def main() -> int:
    """Make or read the answers, fit with each program, and set them side by side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", default=os.environ.get("CJLIB_PEERS", ""))
    parser.add_argument("--way", default="small,large")
    parser.add_argument("--answers", default="")
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--people", type=int, default=100_000)
    given = parser.parse_args()
    if "small" in given.way:
        x, whose = read_burgers(given.answers)
        say(f"\n{len(x):,} people x {x.shape[1]} items ({whose}), {given.starts} starts each")
        name = "small" if whose != "simulated" else "simulated"
        compare(name, x, range(2, 9), starts=(given.starts, given.starts), python=given.peers)
    if "large" in given.way:
        x = make_answers(given.people, 20)
        say(f"\n{len(x):,} people x {x.shape[1]} items (simulated, 5 classes), ours 10 starts, 1")
        compare("large", x, range(2, 6), starts=(10, 1), python=given.peers)
    return 0


def say(text: str) -> None:
    """Write a line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def read_burgers(path: str) -> tuple[np.ndarray, str]:
    """Answers to the eleven yes/no items, or as many simulated ones."""
    import pandas as pd

    shared = os.environ.get("CJLIB_SHARED_DATA", "")
    file = Path(path) if path else Path(shared) / "mcdonalds" / "mcdonalds.csv"
    if not file.is_file():
        say("McDonald's data are absent (--answers): simulated answers instead")
        return make_answers(1_453, 11), "simulated"
    words = pd.read_csv(file).iloc[:, :11]
    return (words == "Yes").to_numpy().astype(np.int64), "McDonald's"


def make_answers(people: int, items: int) -> np.ndarray:
    """Make yes/no answers of five classes."""
    rng = np.random.default_rng(SEED)
    chances = rng.uniform(0.1, 0.9, size=(len(TRUE_SHARES), items))
    kinds = rng.choice(len(TRUE_SHARES), people, p=TRUE_SHARES)
    return (rng.random((people, items)) < chances[kinds]).astype(np.int64)


def compare(
    name: str, x: np.ndarray, counts: range, *, starts: tuple[int, int], python: str
) -> None:
    """Fit with ours and each peer there is, and print seconds and likelihoods."""
    found = {"ours": fit_ours(x, counts, starts[0])}
    with tempfile.TemporaryDirectory() as folder:
        for peer, ask in (("StepMix", ask_stepmix), ("poLCA", ask_polca)):
            answer = ask(x, counts, starts[1], python, Path(folder))
            if answer:
                found[peer] = answer
    say(f"{'k':>3s}" + "".join(f"{who:>12s} s{'likelihood':>16s}" for who in found))
    for k in counts:
        say(f"{k:3d}" + "".join(f"{f[k][0]:14.2f}{f[k][1]:16.3f}" for f in found.values()))
    total = {who: sum(each[0] for each in f.values()) for who, f in found.items()}
    say("all" + "".join(f"{spent:14.2f}{'':16s}" for spent in total.values()))
    for who, spent in total.items():
        if who != "ours":
            lower = sum(found["ours"][k][1] > found[who][k][1] + 0.01 for k in counts)
            higher = sum(found["ours"][k][1] < found[who][k][1] - 0.01 for k in counts)
            say(
                f"{who} takes {spent / total['ours']:.1f} times as long; its likelihood is lower "
                f"for {lower} and higher for {higher} of {len(counts)} numbers of classes"
            )
    for who, spent in RECORDED.get(name, {}).items():
        if who not in found:
            own = total["ours"] if name == "small" else found["ours"][5][0]
            what = "" if name == "small" else "k = 5: "
            say(
                f"{who} is absent here; recorded elsewhere, {what}{spent:g} s: "
                f"{spent / own:.0f} times as long"
            )


def fit_ours(x: np.ndarray, counts: range, starts: int) -> dict[int, tuple[float, float]]:
    """Seconds and log-likelihood for each number of classes."""
    from cjlib.personas import fit_latent_classes

    out = {}
    for k in counts:
        start = time.process_time()
        found = fit_latent_classes(x, k, rng=np.random.default_rng(SEED), starts=starts)
        out[k] = (time.process_time() - start, found.log_likelihood)
    return out


def ask_stepmix(
    x: np.ndarray, counts: range, starts: int, python: str, folder: Path
) -> dict[int, tuple[float, float]]:
    """Run StepMix in the peers' Python; nothing where there is none."""
    if not python:
        say("StepMix is skipped: name a Python that has it by --peers or $CJLIB_PEERS")
        return {}
    file = folder / "answers.npy"
    np.save(file, x)
    numbers = ",".join(map(str, counts))
    command = [python, "-c", IN_STEPMIX, str(file), str(starts), numbers]
    return _read(subprocess.run(command, capture_output=True, text=True, check=False), "StepMix")


def ask_polca(
    x: np.ndarray, counts: range, starts: int, _: str, folder: Path
) -> dict[int, tuple[float, float]]:
    """Run poLCA where R has it; nothing otherwise."""
    ask = ["Rscript", "-e", 'cat(requireNamespace("poLCA", quietly = TRUE))']
    try:
        known = subprocess.run(ask, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        known = ""
    if "TRUE" not in known:
        say("poLCA is skipped: R does not have it here")
        return {}
    file = folder / "answers.csv"
    names = ",".join(f"i{j}" for j in range(x.shape[1]))
    np.savetxt(file, x, fmt="%d", delimiter=",", header=names, comments="")
    code = IN_R.format(file=file, counts=",".join(map(str, counts)), starts=starts)
    return _read(
        subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=False),
        "poLCA",
    )


def _read(done: subprocess.CompletedProcess[str], who: str) -> dict[int, tuple[float, float]]:
    if done.returncode:
        say(f"{who} is skipped: it ended with {done.stderr.strip().splitlines()[-1:]}")
        return {}
    found = json.loads(done.stdout)
    return {int(k): (float(took), float(fit)) for k, (took, fit) in found.items()}


if __name__ == "__main__":
    raise SystemExit(main())
