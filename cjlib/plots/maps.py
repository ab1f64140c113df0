"""The picture of a journey map: the emotion curve over the stages."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.plots.style import INK, MUTED, PALETTE, label, new_axes

GOOD, BAD = PALETTE[0], PALETTE[5]


def draw_emotions(
    stages: pd.DataFrame,
    *,
    words: dict[str, str],
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw the emotion of each stage, in reading order, with its interval and n.

    Parameters
    ----------
    stages : DataFrame, one row per stage in journey order
        ``stage`` (its name), ``estimate, low, high`` (-2 to 2, missing where not known),
        ``below`` (whether that reads as below the middle), ``text`` (the value in digits),
        ``n`` (as text), ``strengths, pains`` (counts, as text; empty for none).
    words : dict
        ``title, axis, unknown, strengths, pains`` in the language of the picture.
    language : "en" or "fa"
        Persian runs from the right.
    """
    ax = ax or new_axes(max(7.0, 1.7 * len(stages)), 4.6)
    x = np.arange(len(stages))
    y = stages["estimate"].to_numpy(dtype=float)
    low, high = stages["low"].to_numpy(dtype=float), stages["high"].to_numpy(dtype=float)
    ax.axhline(0, color=MUTED, linewidth=1)
    ax.fill_between(x, low, high, color=GOOD, alpha=0.15, linewidth=0)
    ax.plot(x, y, color=GOOD, linewidth=2, zorder=2)
    ax.vlines(x, low, high, color=INK, linewidth=1.4, zorder=3)
    below = stages["below"].to_numpy(dtype=bool)
    for side, marker, colour in ((False, "o", GOOD), (True, "D", BAD)):
        mine = ~np.isnan(y) & (below == side)
        ax.plot(x[mine], y[mine], marker, color=colour, markersize=9, zorder=4)
    for place, row in enumerate(stages.itertuples()):
        if np.isnan(y[place]):
            _write(ax, place, 0.15, words["unknown"], language, color=MUTED)
            continue
        top = high[place] if not np.isnan(high[place]) else y[place]
        ax.annotate(
            str(row.text), (place, max(top, y[place])), xytext=(0, 9), fontweight="bold",
            textcoords="offset points", ha="center",
        )  # fmt: skip
    for place, row in enumerate(stages.itertuples()):
        counts = [
            f"{words[name]}: {getattr(row, name)}"
            for name in ("strengths", "pains")
            if getattr(row, name)
        ]
        _write(ax, place, -2.35, "\n".join(counts), language, size=8.5)
    names = [
        f"{s}\n{n}" if n else str(s) for s, n in zip(stages["stage"], stages["n"], strict=True)
    ]
    ax.set_xticks(x, [_each_line(name, language) for name in names])
    ax.set_xlim(-0.5, len(stages) - 0.5)
    ax.set_ylim(-3.0, 2.5)
    ax.set_yticks([-2, -1, 0, 1, 2], [words[f"tick{v}"] for v in (-2, -1, 0, 1, 2)])
    ax.set_ylabel(label(words["axis"], language))
    ax.grid(visible=False, axis="x")
    if language == "fa":
        ax.invert_xaxis()
        ax.yaxis.tick_right()
        ax.yaxis.set_label_position("right")
        ax.spines[["left"]].set_visible(False)
        ax.spines[["right"]].set_visible(True)
    ax.set_title(label(words["title"], language), loc="right" if language == "fa" else "left")
    return ax


def _write(
    ax: Axes, x: float, y: float, text: str, language: str, *, color: str = INK, size: float = 9.5
) -> None:  # fmt: skip
    if text:
        ax.text(
            x, y, _each_line(text, language), ha="center", va="center", color=color, fontsize=size
        )


def _each_line(text: str, language: str) -> str:
    return "\n".join(label(line, language) for line in text.split("\n"))
