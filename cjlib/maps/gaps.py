"""Belief against experience, as a table."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cjlib.columns import STAGE
from cjlib.maps.words import say

COLUMNS = (
    STAGE, "label", "construct", "believed", "asked", "lived", "lived_low", "lived_high",
    "lived_n", "estimate", "low", "high", "level", "n", "method", "significant",
)  # fmt: skip


def list_belief_gaps(journey_map: dict[str, Any]) -> pd.DataFrame:
    """Return what the team believes beside what customers answered, stage by stage.

    Parameters
    ----------
    journey_map : dict
        As ``build_map`` makes it.

    Returns
    -------
    DataFrame, one row per stage and construct, in journey order
        ``believed`` (the team's mean, ``asked`` members), ``lived`` with its interval and n,
        and the gap, lived minus believed, as ``estimate, low, high, level, n, method``;
        ``significant``: its interval leaves out zero. No rows where no belief is known.
    """
    language = str(journey_map["lang"])
    labels = {stage["id"]: say(stage["label"], language)[0] for stage in journey_map["stages"]}
    rows = []
    for entry in journey_map.get("alignment", []):
        lived, gap = entry["customer"], entry["gap"]
        lived_ci, gap_ci = lived.get("ci") or {}, gap.get("ci") or {}
        rows.append(
            {
                STAGE: entry["at"],
                "label": labels.get(entry["at"], entry["at"]),
                "construct": entry["construct"],
                "believed": entry["business"].get("value"),
                "asked": entry["business"].get("n"),
                "lived": lived.get("value"),
                "lived_low": lived_ci.get("lo"),
                "lived_high": lived_ci.get("hi"),
                "lived_n": lived.get("n"),
                "estimate": gap.get("value"),
                "low": gap_ci.get("lo"),
                "high": gap_ci.get("hi"),
                "level": gap_ci.get("level"),
                "n": gap.get("n"),
                "method": gap_ci.get("method", ""),
                "significant": bool(entry.get("significant", False)),
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))
