"""The method: its six steps, and the positions this study takes where its sources disagree."""

from __future__ import annotations

import csv
from dataclasses import asdict
from importlib import resources
from typing import Final

import pandas as pd

from cjlib.study import Study

# step, what it asks, sources that answer it (any of them), notebooks
STEPS: Final = (
    ("1 goals", "What do we want to gain, and which KPI tells?", ("goals",), "01"),
    ("2 research", "Who are the customers, what do they need, how do they feel?",
     ("survey", "interviews", "events"), "02, 03"),
    ("3 personas", "Which different customers are there?", ("survey", "events"), "04"),
    ("4 map", "What does each of them live through, stage by stage?",
     ("survey", "interviews", "events"), "05, 06, 07"),
    ("5 analyse and act", "What is weak, what shall change, who does it, by when?",
     ("actions",), "08, 09"),
    ("6 update", "What changed since, and is the map still true?", ("waves",), "09, 10"),
)  # fmt: skip


def list_steps(study: Study) -> pd.DataFrame:
    """Say for each of the method's six steps whether the study has what it takes.

    Returns
    -------
    DataFrame, one row per step
        ``step``, ``question``, ``has`` (sources at hand), ``lacks`` (sources that would
        help), ``possible`` (bool: at least one source is at hand), ``notebooks``.
    """
    have = {
        "goals": bool(study.goals),
        "waves": len(study.waves) > 1,
        **{name: study.has(name) for name in ("survey", "interviews", "events", "actions")},
    }
    return pd.DataFrame(
        [
            {
                "step": step,
                "question": question,
                "has": ", ".join(name for name in needs if have[name]),
                "lacks": ", ".join(name for name in needs if not have[name]),
                "possible": any(have[name] for name in needs),
                "notebooks": notebooks,
            }
            for step, question, needs, notebooks in STEPS
        ]
    )


def list_positions(study: Study) -> pd.DataFrame:
    """Return what this study takes where the field's sources disagree, and why.

    Returns
    -------
    DataFrame, one row per conflict
        ``topic``; ``setting`` and ``value`` (key under ``positions`` in study.yaml and what
        it says; empty where there is nothing to choose); ``position`` in the study's language.
    """
    chosen = asdict(study.positions)
    file = resources.files("cjlib") / "positions.csv"
    rows = csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    return pd.DataFrame(
        [
            {
                "topic": row["topic"],
                "setting": row["setting"],
                "value": row["value"],
                "position": row[study.language],
            }
            for row in rows
            if not row["setting"] or chosen[row["setting"]] == row["value"]
        ]
    )
