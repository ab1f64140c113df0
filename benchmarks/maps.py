"""Speed of a map of 12 stages and 14 lanes: one HTML page, and the same map by matplotlib.

    python benchmarks/maps.py [--times 20]

CPU seconds of this process, the median of several for HTML and the least of two for matplotlib.
Both draw every cell with all its lines, the emotion curve and the levels of evidence, from a map
that has been found right before (which is told apart: reading checks it once); HTML holds the
evidence and its appendix too. matplotlib writes PNG at 96 dots an inch. Each direction is run.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

from cjlib.maps import check_map, render_html, save_picture

STAGES, LANES = 12, 14
WANTED = 100  # times faster


def main() -> int:
    """Time both, print the table, and say by the exit code whether HTML is fast enough."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=20)
    times = parser.parse_args().times
    ratios = []
    sys.stdout.write(f"{'':22}{'check':>9}{'first':>9}{'HTML':>9}{'PNG':>9}{'ratio':>8}\n")
    for language in ("en", "fa"):
        m = make_map(language)
        check = spend(partial(check_map, m))
        first = spend(partial(render_html, m))
        page = statistics.median(spend(partial(render_html, m)) for _ in range(times))
        with tempfile.TemporaryDirectory() as folder:
            draw = partial(save_picture, m, Path(folder) / "map.png", whole=True)
            drawn = min(spend(draw) for _ in range(2))
        ratios.append(drawn / page)
        name = f"{STAGES} x {LANES}, {language} (s CPU)"
        sys.stdout.write(
            f"{name:22}{check:9.4f}{first:9.4f}{page:9.4f}{drawn:9.3f}{ratios[-1]:8.0f}\n"
        )
    sys.stdout.write(
        f"HTML is {min(ratios):.0f} times faster or more; wanted: {WANTED}. 'first' checks the "
        "map and cuts the font to its letters.\n"
    )
    return 0 if min(ratios) >= WANTED else 1


def spend(run: Callable[[], Any]) -> float:
    """Return the CPU seconds of one run."""
    begun = time.process_time()
    run()
    return time.process_time() - begun


def make_map(language: str) -> dict[str, Any]:
    """Return a map whose every cell has three lines, two of them with an interval."""
    kinds = [
        "emotion-curve", "actions", "channels", "thoughts", "quotes", "strengths", "pains", "needs",
        "opportunities", "text", "systems", "flow", "backstage", "owners",
    ]  # fmt: skip
    said = {"en": "Waits for the parcel at home", "fa": "در خانه منتظر بسته می‌ماند"}
    often = {"en": "Asks where the parcel is", "fa": "می‌پرسد بسته کجاست"}
    mood = {"value": 0.4, "unit": "emotion", "n": 310,
            "ci": {"lo": 0.2, "hi": 0.6, "level": 0.95, "method": "t"}}  # fmt: skip

    def share(value: float) -> dict[str, Any]:
        ci = {"lo": value - 0.05, "hi": value + 0.05, "level": 0.95, "method": "Wilson"}
        return {"value": value, "unit": "share", "n": 300 + round(value * 100), "ci": ci}

    persian = language == "fa"
    return {
        "schema": "cj.map/1", "id": "speed", "title": {"en": "A long map", "fa": "نقشه‌ای بلند"},
        "lang": language, "dir": "rtl" if persian else "ltr",
        "digits": "arabext" if persian else "latn", "kind": "journey-map", "state": "current",
        "basis": "actual", "version": "1.0.0",
        "personas": [{"id": "everybody", "name": {"en": "all", "fa": "همه"}}],
        "stages": [
            {"id": f"s{i}", "label": {"en": f"Stage {i}", "fa": f"مرحلهٔ {i}"}, "kind": "retention"}
            for i in range(STAGES)
        ],
        "lanes": [
            {"id": f"l{j}", "kind": kinds[j], "label": {"en": f"Lane {j}", "fa": f"لایهٔ {j}"}}
            for j in range(LANES)
        ],
        "cells": [
            {
                "lane": f"l{j}", "at": f"s{i}", "level": "validated",
                "evidence": [f"e{i}", f"e{j}"],
                "items": [
                    {"text": said, "value": share(0.06 + i / 20 + j / 100)},
                    {"text": often, "value": share(0.9 - i / 20 - j / 100)},
                    {"en": "Tells the neighbours", "fa": "به همسایه‌ها می‌گوید"},
                ],
            }
            for j in range(LANES) for i in range(STAGES)
        ],
        "emotions": [{"at": f"s{i}", "value": mood} for i in range(STAGES)],
        "evidence": [
            {"id": f"e{i}", "type": "survey", "source": f"q{i}", "text": said, "n": 310}
            for i in range(max(STAGES, LANES))
        ],
    }  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
