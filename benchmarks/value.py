"""Speed of the value models beside named peers, on the same simulated files, in CPU seconds.

    python benchmarks/value.py [--peers /path/to/python] [--customers 1000000]
                               [--parts bgnbd,amounts,survival,drivers,markov]

``--peers`` is the python of another environment with lifetimes, lifelines and pingouin, which
want an older pandas than the kit's. Without it, or where a peer is not there, its figure is not
measured: then the ratio measured once elsewhere is printed and named as recorded. Both sides
read the same file before the clock starts, run once, and hand back what they found, so that
nobody is fast by answering something else. BLAS has one thread: CPU seconds are work.
"""

from __future__ import annotations

import argparse
import json
import os
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
PARTS = ("bgnbd", "amounts", "survival", "drivers", "markov")
RECORDED = {  # CPU of the peer ÷ plain numpy/scipy on the same files, measured once elsewhere
    "bgnbd": "lifetimes 41-47 x, PyMC-Marketing's MAP 24 x",
    "amounts": "lifetimes 20-30 x, PyMC-Marketing's MAP 16-24 x",
    "survival": "lifelines 21 x",
    "drivers": "pingouin 154 x, relaimpo 380 x",
    "markov": "ChannelAttribution 3-4 x at 100,000 paths, and not exact",
}

# Run by the other python: no kit there. Reads the file, times one call, prints what it found.
PEERS = {
    "bgnbd": """
from lifetimes import BetaGeoFitter
model = BetaGeoFitter()
run(lambda: model.fit(d["x"], d["t_x"], d["T"]))
found = model.params_[["r", "alpha", "a", "b"]].tolist()
""",
    "amounts": """
from lifetimes import GammaGammaFitter
model = GammaGammaFitter()
again = d["x"] > 0
run(lambda: model.fit(d["x"][again], d["amount"][again]))
found = model.params_[["p", "q", "v"]].tolist()
""",
    "survival": """
from lifelines import KaplanMeierFitter
model = KaplanMeierFitter()
run(lambda: model.fit(d["days"], d["gone"]))
found = model.survival_function_at_times([30, 180, 360]).tolist()
""",
    "drivers": """
import pandas as pd, pingouin
frame = pd.DataFrame(d["ratings"])
out = run(lambda: pingouin.linear_regression(frame, d["outcome"], relimp=True))
found = out["relimp"].tolist()[1:]
""",
}
FRAME = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np
d = dict(np.load(sys.argv[1]))
taken = [0.0]
def run(call):
    start = time.process_time()
    out = call()
    taken[0] = time.process_time() - start
    return out
"""


def simulate(path: Path, customers: int) -> None:
    """Write one file with what every part needs."""
    rng = np.random.default_rng(SEED)
    rate = rng.gamma(0.8, 1 / 6.0, customers)
    leave = rng.beta(1.2, 3.0, customers)
    watched = rng.integers(20 * 7, 52 * 7, customers) / 7
    x, t_x, now = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    active = np.arange(customers)
    while len(active):
        now[active] += rng.exponential(1 / rate[active])
        active = active[now[active] <= watched[active]]
        x[active] += 1
        t_x[active] = np.ceil(7 * now[active]) / 7  # by day, as a log has it
        active = active[rng.random(len(active)) >= leave[active]]
    spend = rng.gamma(6.25 * np.maximum(x, 1), 1 / rng.gamma(3.74, 1 / 15.44, customers))
    life = np.ceil(rng.weibull(0.8, customers) * 200)
    until = rng.integers(1, 400, customers)
    base = rng.normal(0, 1, (100_000, 1))
    ratings = np.round(np.clip(base + rng.normal(0, 1, (100_000, 14)) + 3, 1, 5))
    length = rng.integers(1, 9, customers)
    np.savez(
        path, x=x, t_x=np.minimum(t_x, watched), T=watched, amount=spend / np.maximum(x, 1),
        days=np.minimum(life, until), gone=life <= until, ratings=ratings,
        outcome=ratings @ np.linspace(0.1, 0.8, 14) + rng.normal(0, 3, 100_000),
        codes=rng.integers(0, 12, int(length.sum())), length=length,
        bought=rng.random(customers) < 0.1,
    )  # fmt: skip


def run_ours(part: str, d: dict[str, Any]) -> tuple[float, list[float]]:
    """Time the kit on one part; imports and reading stand outside the clock."""
    import pandas as pd

    from cjlib.attribution import Paths, measure_removal
    from cjlib.attribution.models import count_moves
    from cjlib.drivers import share_out
    from cjlib.intervals import estimate_survival
    from cjlib.value import PurchaseSummary, fit_bgnbd, fit_gamma_gamma

    n = len(d["x"])
    table = pd.DataFrame({c: d[c] for c in ("x", "t_x", "T", "amount")})
    summary = PurchaseSummary(table.assign(customer_id=np.arange(n)), "week", pd.Timestamp(0), 0)
    offsets = np.concatenate([[0], np.cumsum(d["length"])])
    one = np.zeros(n, dtype=np.int64)
    paths = Paths(d["codes"], np.zeros(len(d["codes"])), offsets, one, d["bought"],
                  np.ones(n), tuple("abcdefghijkl"), 1, 0)  # fmt: skip

    def survive() -> list[float]:
        curve = estimate_survival(d["days"], d["gone"]).set_index("time")["estimate"]
        return [float(curve.asof(t)) for t in (30, 180, 360)]

    calls: dict[str, Callable[[], Any]] = {
        "bgnbd": lambda: fit_bgnbd(summary).parameters,
        "amounts": lambda: fit_gamma_gamma(summary).parameters,
        "survival": survive,
        "drivers": lambda: share_out(
            np.cov(np.column_stack([d["outcome"], d["ratings"]]), rowvar=False)[None]
        )[0],
        "markov": lambda: measure_removal(count_moves(paths).toarray().reshape(13, 14)),
    }
    start = time.process_time()
    found = calls[part]()
    return time.process_time() - start, [float(v) for v in found]


def run_peer(part: str, python: str, file: Path) -> tuple[float, list[float]] | None:
    """Time the peer of one part in its own python; None where it is not there or fails."""
    if not python or part not in PEERS:
        return None
    code = FRAME + PEERS[part] + "\nprint(json.dumps([taken[0], [float(v) for v in found]]))"
    done = subprocess.run(
        [python, "-c", code, str(file)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(f"  the peer failed: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    taken, found = json.loads(done.stdout.splitlines()[-1])
    return taken, found


def main() -> None:
    """Run the parts asked for and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", default="")
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--parts", default=",".join(PARTS))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "simulated.npz"
        simulate(file, asked.customers)
        d = dict(np.load(file))
        print(f"{asked.customers:,} customers and paths; drivers 14 x 100,000; CPU seconds")
        for part in asked.parts.split(","):
            ours, found = run_ours(part, d)
            peer = run_peer(part, asked.peers, file)
            print(f"{part:9} ours {ours:8.3f}  {np.round(found[:4], 5).tolist()}", flush=True)
            if peer is None:
                print(f"          peer not measured; recorded: {RECORDED[part]}", flush=True)
                continue
            off = float(np.max(np.abs(np.array(peer[1]) / np.array(found) - 1)))
            print(
                f"          peer {peer[0]:8.3f}  {peer[0] / ours:.0f} x; "
                f"largest relative difference {off:.1e}",
                flush=True,
            )


if __name__ == "__main__":
    main()
