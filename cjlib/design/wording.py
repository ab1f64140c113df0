"""How to ask: wordings of the field's questions in both languages, with their sources."""

from __future__ import annotations

import csv
import io
from functools import lru_cache
from importlib import resources
from typing import Final

import pandas as pd

from cjlib.codebook import METRICS
from cjlib.errors import JourneyError, nearest

LANGUAGES: Final = ("en", "fa")
PLACES: Final = ("brand", "stage", "touchpoint")  # what a wording leaves to be filled
NUMBERS: Final = ("low", "high")


def list_wordings(
    metric: str | None = None, *, language: str | None = None, brand: str = ""
) -> pd.DataFrame:
    """Return proven ways to ask for NPS, satisfaction, effort and the rest of the checklist.

    Parameters
    ----------
    metric : "nps", "csat" or "ces", optional
        Only the wordings of that metric; "nps" brings the follow-up question (why) too.
        None: all, with those for who people are, needs, pains, trust, consent ...
    language : "en" or "fa", optional
        Only that language; None: both, one row each.
    brand : str
        Fills ``{brand}`` in the questions; left standing where empty. ``{stage}`` and
        ``{touchpoint}`` are always left standing.

    Returns
    -------
    DataFrame, one row per wording and language
        ``id``, ``topic``, ``metric``, ``language``, ``question``, ``kind`` and ``scale``
        (as a codebook wants them), ``low`` and ``high`` (ends of the scale, missing where
        there is none), ``low_label``, ``high_label``, ``direction`` (what a high answer
        means), ``source``, ``note``.

    Raises
    ------
    JourneyError
        For an unknown metric or language.
    """
    metrics = [m for m in METRICS if m]
    if metric is not None and metric not in metrics:
        near = nearest(metric, metrics)
        hint = f" Did you mean {near!r}?" if near else ""
        raise JourneyError(
            f"list_wordings: metric must be one of {', '.join(metrics)}; got {metric!r}.{hint} "
            "Leave it out for all wordings."
        )
    if language is not None and language not in LANGUAGES:
        raise JourneyError(
            f"list_wordings: language must be 'en' or 'fa'; got {language!r}. "
            "Leave it out for both."
        )
    rows = [
        _show(row, spoken, brand)
        for row in read_wordings().values()
        if metric is None or row["metric"] == metric or (metric == "nps" and row["id"] == "why")
        for spoken in (LANGUAGES if language is None else (language,))
    ]
    return pd.DataFrame(rows).astype(dict.fromkeys(NUMBERS, "float64"))


def _show(row: dict[str, str], language: str, brand: str) -> dict[str, object]:
    question = row[f"question_{language}"]
    return {
        "id": row["id"],
        "topic": row["topic"],
        "metric": row["metric"],
        "language": language,
        "question": question.replace("{brand}", brand) if brand else question,
        "kind": row["kind"],
        "scale": row["scale"],
        "low": float(row["low"] or "nan"),
        "high": float(row["high"] or "nan"),
        "low_label": row[f"low_{language}"],
        "high_label": row[f"high_{language}"],
        "direction": row["direction"],
        "source": row["source"],
        "note": row[f"note_{language}"],
    }


@lru_cache(maxsize=1)
def read_wordings() -> dict[str, dict[str, str]]:
    """Return id -> row of cjlib/wording.csv."""
    file = resources.files("cjlib") / "wording.csv"
    rows = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8")))
    return {row["id"]: row for row in rows}
