"""The picture of a map for slides and figures: the emotion curve, drawn with matplotlib."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cjlib.errors import JourneyError
from cjlib.language import phrase
from cjlib.maps.checking import require_map
from cjlib.maps.estimates import read_estimate
from cjlib.maps.numbers import MINUS, Voice, decimals_of
from cjlib.maps.words import say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".svg", ".png", ".pdf")
LETTERS = 16  # of a stage's name in one line of the picture


def draw_map(
    journey_map: dict[str, Any], *, language: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw a map's emotion curve over its stages, with intervals, n, strengths and pains."""
    from cjlib import plots

    require_map(journey_map, caller="draw_map")
    voice = Voice.of(journey_map, language)
    words = {name: voice.words(name) for name in ("unknown",)} | {
        "axis": voice.words("curve_axis"), "title": say(journey_map["title"], voice.language)[0],
        "strengths": voice.words("strengths_count"), "pains": voice.words("pains_count"),
    }  # fmt: skip
    words |= {f"tick{v}": voice.number(v, unit="emotion", decimals=0) for v in (-2, -1, 0, 1, 2)}
    frame = tabulate_emotions(journey_map, voice)
    drawn: Axes = plots.draw_emotions(frame, words=words, language=voice.language, ax=ax)
    return drawn


def tabulate_emotions(journey_map: dict[str, Any], voice: Voice) -> pd.DataFrame:
    """Return the frame behind the picture: one row per stage, as ``draw_emotions`` takes it."""
    rows = []
    for stage in journey_map["stages"]:
        kept = next(
            (
                e["value"] for e in journey_map.get("emotions", [])
                if e["at"] == stage["id"] and e.get("view", "customer") == "customer"
            ),
            {"value": None},
        )  # fmt: skip
        found = read_estimate(kept)
        known = kept.get("value") is not None
        counts = {
            f"{kind}s": sum(
                f["kind"] == kind and f["at"] == stage["id"]
                for f in journey_map.get("findings", [])
            )
            for kind in ("strength", "pain")
        }
        name = say(stage["label"], voice.language)[0]
        text = (
            voice.number(found.estimate, unit="emotion", decimals=decimals_of(kept))
            if known
            else ""
        )
        rows.append(
            {
                "stage": textwrap.fill(name, LETTERS), "estimate": found.estimate,
                "below": text.startswith(MINUS), "low": found.low, "high": found.high, "text": text,
                "n": phrase("n_is", voice.language, n=voice.count(found.n)) if found.n else "",
            }
            | {key: voice.count(n) if n else "" for key, n in counts.items()}
        )  # fmt: skip
    return pd.DataFrame(rows)


def save_picture(
    journey_map: dict[str, Any], file: str | Path, *, language: str | None = None
) -> Path:
    """Write the picture as SVG, PNG or PDF, by the file's ending; the same map, the same bytes."""
    from matplotlib import pyplot as plt

    from cjlib.plots import use_style

    place = Path(file)
    if place.suffix not in FORMATS:
        raise JourneyError(
            f"save_picture: the file must end in {', '.join(FORMATS)}; got '{place.name}'."
        )
    use_style()
    figure = draw_map(journey_map, language=language).get_figure()
    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": None}
    place.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(place, metadata=undated[place.suffix])  # type: ignore[union-attr]
    plt.close(figure)  # type: ignore[arg-type]
    return place
