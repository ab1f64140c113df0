"""Speed of the value models beside named peers, on the same simulated files, in CPU seconds.

    python benchmarks/value.py [--peers /path/to/python] [--pymc /path/to/python]
                               [--customers 1000000]
                               [--parts bgnbd,amounts,survival,drivers,markov]

``--peers`` is the python of another environment with lifetimes, lifelines and pingouin, which
want an older pandas than the kit's; ``--pymc`` one with pymc-marketing. Without them, or where
a peer is not there, its figure is not measured: then the ratio measured once elsewhere is
printed and named as recorded. All sides read the same file and run once on its first 2,000
rows before the clock starts (imports and compiling are not the work), then once on the whole,
and hand back what they found, so that nobody is fast by answering something else. Fits stand
beside fits: errors and intervals are made by both or by neither, rank correlations and checks
of the input by us alone. BLAS has one thread: CPU seconds are work. PyMC-Marketing's MAP has
priors, so that its top is near ours, not the same.
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
    "bgnbd": {
        "lifetimes": """
from lifetimes import BetaGeoFitter
def fit(d):
    return BetaGeoFitter().fit(d["x"], d["t_x"], d["T"])
found = run(fit).params_[["r", "alpha", "a", "b"]].tolist()
""",
        "pymc-marketing MAP": """
import pandas as pd
from pymc_marketing.clv import BetaGeoModel
def fit(d):
    frame = pd.DataFrame({"customer_id": np.arange(len(d["x"])), "frequency": d["x"],
                          "recency": d["t_x"], "T": d["T"]})
    model = BetaGeoModel(data=frame)
    model.fit(method="map", progressbar=False)
    return model.idata.posterior
top = run(fit)
found = [float(top[name].item()) for name in ("r", "alpha", "a", "b")]
""",
    },
    "amounts": {
        "lifetimes": """
from lifetimes import GammaGammaFitter
def fit(d):
    again = d["x"] > 0
    return GammaGammaFitter().fit(d["x"][again], d["amount"][again])
found = run(fit).params_[["p", "q", "v"]].tolist()
""",
        "pymc-marketing MAP": """
import pandas as pd
from pymc_marketing.clv import GammaGammaModel
def fit(d):
    again = np.flatnonzero(d["x"])
    frame = pd.DataFrame({"customer_id": again, "frequency": d["x"][again],
                          "monetary_value": d["amount"][again]})
    model = GammaGammaModel(data=frame)
    model.fit(method="map", progressbar=False)
    return model.idata.posterior
top = run(fit)
found = [float(top[name].item()) for name in ("p", "q", "v")]
""",
    },
    "survival": {"lifelines": """
from lifelines import KaplanMeierFitter
def fit(d):
    return KaplanMeierFitter().fit(d["days"], d["gone"])
found = run(fit).survival_function_at_times([30, 180, 360]).tolist()
"""},
    "drivers": {"pingouin": """
import pandas as pd, pingouin
def fit(d):
    frame = pd.DataFrame(d["ratings"])
    return pingouin.linear_regression(frame, d["outcome"], relimp=True)
found = run(fit)["relimp"].tolist()[1:]
"""},
    "markov": {},
}  # fmt: skip
FRAME = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np
d = dict(np.load(sys.argv[1]))
taken = [0.0]
def run(fit):
    fit({name: values[:2000] for name, values in d.items()})
    start = time.process_time()
    out = fit(d)
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
    from cjlib.attribution import measure_removal
    from cjlib.attribution.models import count_moves
    from cjlib.drivers import share_variance
    from cjlib.intervals import estimate_survival
    from cjlib.value import fit_bgnbd, fit_gamma_gamma

    def survive(given: dict[str, Any]) -> list[float]:
        curve = estimate_survival(given["days"], given["gone"]).set_index("time")["estimate"]
        return [float(curve.asof(t)) for t in (30, 180, 360)]

    calls: dict[str, Callable[[Any], Any]] = {
        "bgnbd": lambda given: fit_bgnbd(given).parameters,
        "amounts": lambda given: fit_gamma_gamma(given).parameters,
        "survival": survive,
        "drivers": lambda given: share_variance(given["outcome"], given["ratings"]),
        "markov": lambda given: measure_removal(count_moves(given).toarray().reshape(13, 14)),
    }
    call = calls[part]
    whole = prepare(part, d)
    call(prepare(part, {name: values[:2000] for name, values in d.items()}))
    start = time.process_time()
    found = call(whole)
    return time.process_time() - start, [float(v) for v in found]


def prepare(part: str, d: dict[str, Any]) -> Any:
    """Return what the kit's call takes: a purchase summary, paths, or the arrays themselves."""
    import pandas as pd

    from cjlib.attribution import Paths
    from cjlib.value import PurchaseSummary

    n = len(d["x"])
    if part in ("bgnbd", "amounts"):
        table = pd.DataFrame({c: d[c] for c in ("x", "t_x", "T", "amount")})
        table.insert(0, "customer_id", np.arange(n))
        return PurchaseSummary(table, "week", pd.Timestamp(0), 0)
    if part != "markov":
        return d
    offsets = np.concatenate([[0], np.cumsum(d["length"])])
    codes = d["codes"][: offsets[-1]]
    one = np.zeros(n, dtype=np.int64)
    if len(codes) < offsets[-1]:  # the short warm-up
        offsets, one = np.arange(len(codes) + 1), np.zeros(len(codes), dtype=np.int64)
    return Paths(codes, np.zeros(len(codes)), offsets, one, d["bought"][: len(one)],
                 np.ones(len(one)), tuple("abcdefghijkl"), 1, 0)  # fmt: skip


def run_peer(code: str, python: str, file: Path) -> tuple[float, list[float]] | None:
    """Time one peer in its own python; None where it fails."""
    whole = FRAME + code + "\nprint(json.dumps([taken[0], [float(v) for v in found]]))"
    done = subprocess.run(
        [python, "-c", whole, str(file)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(f"  the peer failed: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    taken, found = json.loads(done.stdout.splitlines()[-1])
    return taken, found


def main() -> None:
    """Run the parts asked for and print a line for each side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", default="")
    parser.add_argument("--pymc", default="")
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
            print(f"{part:9} ours {ours:8.3f}  {np.round(found[:4], 5).tolist()}", flush=True)
            measured = 0
            for name, code in PEERS[part].items():
                python = asked.pymc if "pymc" in name else asked.peers
                peer = run_peer(code, python, file) if python else None
                if peer is None:
                    continue
                measured += 1
                off = float(np.max(np.abs(np.array(peer[1]) / np.array(found) - 1)))
                print(
                    f"          {name} {peer[0]:.3f}: {peer[0] / ours:.0f} x; largest relative "
                    f"difference {off:.1e}",
                    flush=True,
                )
            if measured < len(PEERS[part]) or not PEERS[part]:
                print(f"          not all measured; recorded: {RECORDED[part]}", flush=True)


if __name__ == "__main__":
    main()
