"""The pictures of a map that matplotlib draws: the emotion curve alone, and the whole map."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from cjlib.errors import JourneyError
from cjlib.language import phrase
from cjlib.maps.checking import require_map
from cjlib.maps.estimates import read_estimate
from cjlib.maps.numbers import MINUS, Voice, decimals_of
from cjlib.maps.view import Cell, MapView, plain_line
from cjlib.maps.words import say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".svg", ".png", ".pdf")
LETTERS = 16  # of a stage's name in one line of the curve's picture
WIDTH = 38  # letters of a line in a cell of the whole map's picture


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


def draw_whole_map(
    journey_map: dict[str, Any], *, language: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw a map whole: its curve, and every lane with every cell, its numbers and its level.

    For those without a browser or WeasyPrint; ``render_html`` is a hundred times faster, and
    says what every cell rests on.
    """
    from cjlib import plots

    require_map(journey_map, caller="draw_whole_map")
    m, voice = journey_map, Voice.of(journey_map, language)
    view = MapView(m, voice)
    cells = [
        {
            "lane": _wrap(row.label, WIDTH // 2), "kind": row.kind, "stage": i,
            "level": cell.level, "word": cell.word,
            "text": "\n".join(_wrap(line, WIDTH) for line in _bullets(cell)),
        }
        for row in view.rows() for i, cell in enumerate(row.cells)
    ]  # fmt: skip
    has_curve = any(lane["kind"] == "emotion-curve" for lane in m["lanes"])
    facts = [voice.words(f"legend_{level}") for level in ("validated", "partial", "assumption")]
    people = [line for p in m["personas"] for line in view.items([p["name"]])]
    drawn: Axes = plots.draw_map_table(
        pd.DataFrame(cells), stages=[_wrap(voice.text(s["label"]), WIDTH) for s in m["stages"]],
        title=plain_line(voice.text(m["title"])),
        facts=[*(plain_line(line) for line in [*people, *view.metrics("journey")]),
               " · ".join(facts)],
        curve=tabulate_emotions(m, voice) if has_curve else None,
        words={"lane": voice.words("lane"), "unknown": voice.words("unknown")},
        language=voice.language, ax=ax,
    )  # fmt: skip
    return drawn


def _bullets(cell: Cell) -> list[Markup]:
    lines = [*cell.lines, *cell.more]
    return lines if len(lines) < 2 else [Markup("\u2022 ") + line for line in lines]


def _wrap(line: Markup, width: int) -> str:
    return "\n".join(textwrap.wrap(plain_line(line), width))


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
    journey_map: dict[str, Any],
    file: str | Path,
    *,
    language: str | None = None,
    whole: bool = False,
) -> Path:
    """Write a picture as SVG, PNG or PDF, by the file's ending; the same map, the same bytes.

    Parameters
    ----------
    whole : bool
        Every lane and cell (``draw_whole_map``), not the emotion curve alone (``draw_map``).
    """
    from matplotlib import pyplot as plt

    from cjlib.plots import use_style

    place = Path(file)
    if place.suffix not in FORMATS:
        raise JourneyError(
            f"save_picture: the file must end in {', '.join(FORMATS)}; got '{place.name}'."
        )
    use_style()
    draw = draw_whole_map if whole else draw_map
    figure = draw(journey_map, language=language).get_figure()
    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": None}
    place.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(place, metadata=undated[place.suffix])  # type: ignore[union-attr]
    plt.close(figure)  # type: ignore[arg-type]
    return place
