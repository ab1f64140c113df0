"""Speed and size of the survey beside named peers, on one synthetic wave, in CPU seconds.

    python benchmarks/survey.py [--rows 1000000] [--items 40] [--rounds 3] [--missing 0.02]
                                [--way indices,whole]

``indices``: each response-quality index from the same matrix of answers, in one process, ours
and ``ier`` in turn, the best of some rounds each; complete answers, then a share missing. Where R
with the package careless is found, it is run on the same rows; otherwise its recorded figures
are printed and named as recorded (another run, 1,000,000 x 40, CPU seconds). BLAS has one
thread, so that CPU seconds are work and not waiting.

``whole``: a CSV of the same answers, read, cleaned, indexed and put in the ledger by
``clean_answers``, each step with its CPU seconds, and the most memory the process ever held.

The values of both are compared, so that nobody is fast by answering something else.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

import numpy as np  # noqa: E402, after the threads are set

SEED = 1404
PER_SCALE = 5
RECORDED = {  # R careless at 1,000,000 x 40, CPU seconds, measured once elsewhere
    "longstring": 46.0, "irv": 16.0, "mahalanobis": 42.0, "even-odd": 1900.0, "synonyms": 340.0,
}  # fmt: skip
IN_R = {
    "longstring": "careless::longstring(x)", "irv": "careless::irv(x)",
    "mahalanobis": "careless::mahad(x, plot = FALSE)",
    "even-odd": "careless::evenodd(as.data.frame(x), factors)",
    "synonyms": "careless::psychsyn(x, resample_na = FALSE)",
}  # fmt: skip
GIGABYTE = 1024**2  # of the kilobytes getrusage counts in


def main() -> int:
    """Make the answers, time the indices, then the whole way in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--missing", type=float, default=0.02)
    parser.add_argument("--way", default="indices,whole")
    given = parser.parse_args()
    say(f"{given.rows:,} rows x {given.items} items, seed {SEED}; CPU seconds, one thread")
    if given.way == "whole":
        measure_whole(given.rows, given.items, given.missing)
        return 0
    if "indices" in given.way:
        for missing in (0.0, given.missing):
            compare_indices(make_answers(given.rows, given.items, missing), missing, given.rounds)
    if "whole" in given.way:  # apart, so that its memory is its own
        command = [sys.executable, __file__, "--way", "whole", "--rows", str(given.rows)]
        command += ["--items", str(given.items), "--missing", str(given.missing)]
        return subprocess.run(command, check=False).returncode
    return 0


def say(text: str) -> None:
    """Write a line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def make_answers(rows: int, items: int, missing: float) -> np.ndarray:
    """Make answers 1 to 5 on scales of five items that hang together; 5 % answer at random."""
    rng = np.random.default_rng(SEED)
    answers = np.empty((rows, items))
    level = rng.normal(scale=0.5, size=items)
    for start in range(0, rows, 50_000):
        block = answers[start : start + 50_000]
        traits = rng.normal(size=(len(block), -(-items // PER_SCALE)))
        block[:] = np.repeat(traits, PER_SCALE, axis=1)[:, :items]
        block += 0.5 * rng.normal(size=block.shape)
        np.clip(np.round(3 + level + block), 1, 5, out=block)
        wild = rng.random(len(block)) < 0.05
        block[wild] = rng.integers(1, 6, size=(int(wild.sum()), items))
        if missing:
            block[rng.random(block.shape) < missing] = np.nan
    return answers


def compare_indices(answers: np.ndarray, missing: float, rounds: int) -> None:
    """Time each index of ours and of ier, compare their values, and set R beside them."""
    say(f"\n{missing:.0%} of the answers missing; ours, ier, R")
    in_r = {} if missing else run_r(answers)
    for name, (ours, theirs) in questions(answers.shape[1], missing).items():
        spent: dict[str, float] = {}
        found: dict[str, Any] = {}
        for _ in range(rounds):
            for who, ask in (("ours", ours), ("ier", theirs)):
                start = time.process_time()
                found[who] = ask(answers)
                took = time.process_time() - start
                spent[who] = min(took, spent.get(who, took))
        line = f"{name:14s} {spent['ours']:7.2f} {spent['ier']:7.2f}"
        line += f"  ier {spent['ier'] / spent['ours']:5.2f} x ours"
        if not missing and (name in in_r or name in RECORDED):
            seconds = in_r.get(name, RECORDED.get(name, 0.0))
            whose = "R careless" if name in in_r else "R careless, recorded"
            line += f"; {whose} {seconds:,.0f}: {seconds / spent['ours']:,.0f} x"
        say(line + f"; {tell_difference(found['ours'], as_ours(name, found['ier'], answers))}")
    say(f"most memory held so far: {peak():.2f} GB")


def questions(
    items: int, missing: float
) -> dict[str, tuple[Callable[[np.ndarray], Any], Callable[[np.ndarray], Any]]]:
    """Return each index by ours and by ier, as functions of the matrix of answers."""
    import ier

    from cjlib.survey import consistency, quality

    sizes = [min(PER_SCALE, items - at) for at in range(0, items, PER_SCALE)]
    scales = [
        list(range(at, at + size))
        for at, size in zip(range(0, items, PER_SCALE), sizes, strict=True)
    ]
    mode = "pairwise" if missing else "complete"

    def synonyms(x: np.ndarray) -> Any:
        pairs = consistency.find_pairs(consistency.correlate_items(x), threshold=0.6)
        return consistency.correlate_pairs(x, pairs)[0]

    return {
        "longstring": (ier.longstring_scores, ier.longstring_scores),
        "irv": (consistency.measure_spread, ier.irv),
        "mahalanobis": (
            lambda x: quality.measure_distance(x)[0], lambda x: ier.mahad(x, na_rm=True),
        ),
        "even-odd": (
            lambda x: consistency.correlate_halves(x, scales),
            lambda x: ier.evenodd(x, sizes, method="halves"),
        ),
        "synonyms": (synonyms, lambda x: ier.psychsyn(x, item_correlations=mode)),
        "person-total": (consistency.correlate_with_mean, ier.person_total),
    }  # fmt: skip


def as_ours(name: str, theirs: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Bring ier's definition to ours: it divides by n, not n - 1, and gives D, not D squared."""
    if name == "irv":
        count = np.count_nonzero(~np.isnan(answers), axis=1)
        return theirs * np.sqrt(count / np.maximum(count - 1, 1))
    return theirs**2 if name == "mahalanobis" else theirs


def tell_difference(ours: np.ndarray, theirs: np.ndarray) -> str:
    """Say how far two answers lie apart where both are known, and how many rows only one has."""
    both = ~np.isnan(ours) & ~np.isnan(theirs)
    apart = np.abs(ours[both] - theirs[both]).max() if both.any() else np.nan
    only = int((np.isnan(ours) != np.isnan(theirs)).sum())
    return f"at most {apart:.0e} apart" + (f", {only:,} rows known to one only" if only else "")


def run_r(answers: np.ndarray) -> dict[str, float]:
    """Time R careless on the same rows, where there is one; nothing otherwise."""
    ask = ["Rscript", "-e", 'cat(requireNamespace("careless", quietly = TRUE))']
    try:
        known = subprocess.run(ask, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        known = ""
    if "TRUE" not in known:
        say("R careless is absent here: its figures are recorded ones")
        return {}
    spent = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answers.bin"
        answers.T.astype("float64").tofile(file)  # R keeps columns together
        rows, items = answers.shape
        head = (
            f'x <- matrix(readBin("{file}", "double", {rows * items}), nrow = {rows}); '
            f"factors <- rep({PER_SCALE}, {items // PER_SCALE}); "
        )
        for name, call in IN_R.items():
            code = f"{head} t <- system.time({call}); cat(t[[1]] + t[[2]])"
            done = subprocess.run(
                ["Rscript", "-e", code], capture_output=True, text=True, check=False
            )
            if done.returncode == 0:
                spent[name] = float(done.stdout.split()[-1])
    return spent


def peak() -> float:
    """Return the most memory this process ever held, in gigabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GIGABYTE


def measure_whole(rows: int, items: int, missing: float) -> None:
    """Write a study of one wave, read and clean it, and say seconds and memory of each step."""
    from cjlib.study import load_study
    from cjlib.survey import clean_answers, preview_rules, read_answers

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_study(folder, rows, items, missing)
        say(f"\nwhole way: a CSV of {(folder / 'w.csv').stat().st_size / 1e6:,.0f} MB")
        begin = time.process_time()
        study = load_study(folder)
        kept: list[Any] = []

        def step(said: str, do: Callable[[], Any]) -> None:
            start = time.process_time()
            kept.append(do())
            say(f"{said:22s} {time.process_time() - start:7.1f} s, {peak():.2f} GB at most so far")

        step("read", lambda: read_answers(study))
        step("clean, index, ledger", lambda: clean_answers(study, raw=kept[0]))
        step("preview of the rules", lambda: preview_rules(kept[1]))
        say(f"{'in all':22s} {time.process_time() - begin:7.1f} s")
        say(kept[1].summary())


def write_study(folder: Path, rows: int, items: int, missing: float) -> None:
    """Write a study folder: ids, durations, and the answers as text, some of them missing."""
    rng = np.random.default_rng(SEED)
    names = [f"q{i}" for i in range(items)]
    groups = [names[at : at + PER_SCALE] for at in range(0, items, PER_SCALE)]
    scales = ", ".join(f"s{i}: [{', '.join(g)}]" for i, g in enumerate(groups) if len(g) > 1)
    (folder / "study.yaml").write_text(
        "study: 1\nid: million\ntitle: Million\nbrand: Million\nlanguage: en\n"
        "privacy: {key: public}\nstages: [{id: buy, label: Buy}, {id: use, label: Use}]\n"
        "survey:\n  waves: [{id: w, files: [w.csv]}]\n"
        "  cleaning: {seconds_per_item: 1, longstring_share: 0.5, mahalanobis_p: 0.001,\n"
        "    even_odd: 0.3, synonyms: 0.0, person_total: 0.0, at_least: 2}\n"
        f"scales: {{{scales}}}\n",
        encoding="utf-8",
    )
    lines = ["name,source,kind,low,high,metric", "person,ID,id,,,", "seconds,Took,duration,,,"]
    lines += [f"{n},,scale,1,5,{'csat' if n == 'q0' else ''}" for n in names]
    (folder / "codebook.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    answers = make_answers(rows, items, missing)
    seconds = rng.lognormal(5, 0.6, rows).round().astype(int)
    with (folder / "w.csv").open("w", encoding="utf-8", newline="\n") as out:
        out.write(",".join(["ID", "Took", *names]) + "\n")
        for start in range(0, rows, 50_000):
            block = np.nan_to_num(answers[start : start + 50_000]).astype("U1")
            block[block == "0"] = ""
            texts = zip(range(start, start + len(block)), seconds[start:], block, strict=False)
            out.writelines(f"r{n},{s},{','.join(row)}\n" for n, s, row in texts)


if __name__ == "__main__":
    raise SystemExit(main())
