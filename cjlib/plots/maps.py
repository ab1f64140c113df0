"""The pictures of a journey map: the emotion curve over the stages, and the whole table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle

from cjlib.plots.style import INK, MUTED, PALETTE, RULE, label, new_axes

GOOD, BAD = PALETTE[0], PALETTE[5]
COLUMN, LANE = 2.0, 1.3  # inches of a stage's column and of the lanes' names
LINE, PAD, EDGE = 0.155, 0.07, 0.3  # inches: from line to line, inside a cell, round the table
SIZE = 7.5  # points of the table's text
CURVE = 1.5  # inches of the strip that holds the emotion curve
HEAD = "#174ea6"
GROUNDS = {"pains": "#fce8e6", "strengths": "#e6f4ea"}
FILLS = {"validated": "full", "partial": "left", "assumption": "none"}


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


def draw_map_table(
    cells: pd.DataFrame,
    *,
    stages: Sequence[str],
    title: str,
    facts: Sequence[str],
    curve: pd.DataFrame | None,
    words: dict[str, str],
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw a whole map: lanes as rows, stages as columns, every cell with its lines and level.

    Parameters
    ----------
    cells : DataFrame, one row per cell, by lane and then stage
        ``lane`` (its name), ``kind``, ``stage`` (0 for the first), ``text`` (lines wrapped to
        the column), ``level`` (validated, partial or assumption) and ``word`` for it.
    stages : list of str
        Names, in journey order, wrapped.
    title, facts : str, list of str
        Above the table.
    curve : DataFrame or None
        As ``draw_emotions`` takes it, drawn under the names of the stages.
    words : dict
        ``lane``, ``unknown``.
    language : "en" or "fa"
        Persian runs from the right.
    ax : Axes, optional
        Axes are made as large as the map needs where there are none.
    """
    wide = LANE + COLUMN * len(stages)
    lanes = list(dict.fromkeys(cells["lane"]))
    lines = {lane: rows["text"].str.count("\n").max() + 2 for lane, rows in cells.groupby("lane")}
    high = {lane: lines[lane] * LINE + 2 * PAD for lane in lanes}
    head = (max(name.count("\n") for name in stages) + 1) * LINE + 2 * PAD
    above = 0.5 + LINE * len(facts) + (CURVE if curve is not None else 0.0)
    size = (wide + 2 * EDGE, above + head + sum(high.values()) + 2 * EDGE)
    if ax is None:
        ax = plt.figure(figsize=size, layout="none").add_axes((0, 0, 1, 1))
    ax.set(xlim=(-EDGE, wide + EDGE), ylim=(size[1] - EDGE, -EDGE))
    ax.set_axis_off()
    if language == "fa":
        ax.invert_xaxis()  # every x below is a distance from where reading begins
    side = "right" if language == "fa" else "left"
    _lines(ax, 0, 0.2, title, language, size=13, weight="bold", ha=side)
    _lines(ax, 0, 0.5, "\n".join(facts), language, color=MUTED, ha=side)
    y = 0.5 + LINE * len(facts)
    boxes, grounds = [Rectangle((0, y), wide, head)], [HEAD]
    for i, name in enumerate([words["lane"], *stages]):
        x = (0 if i == 0 else LANE + COLUMN * (i - 1)) + PAD
        _lines(ax, x, y + PAD, name, language, color="white", weight="bold", ha=side)
    y += head
    if curve is not None:
        _draw_strip(ax, curve, y, words["unknown"])
        y += CURVE
    marks: dict[str, list[tuple[float, float]]] = {level: [] for level in FILLS}
    for lane in lanes:
        boxes.append(Rectangle((0, y), LANE, high[lane]))
        grounds.append("#f1f3f4")
        mine = cells[cells["lane"].eq(lane)]
        _lines(ax, PAD, y + PAD, lane, language, weight="bold", ha=side)
        for row in mine.itertuples():
            x = LANE + COLUMN * int(row.stage)  # type: ignore[arg-type]
            boxes.append(Rectangle((x, y), COLUMN, high[lane]))
            sure = row.level != "assumption"
            grounds.append(GROUNDS.get(str(row.kind), "white") if sure else "white")
            _lines(ax, x + PAD, y + PAD, str(row.text), language, ha=side)
            low = y + high[lane] - LINE
            marks[str(row.level)].append((x + PAD + 0.05, low + LINE * 0.35))
            _lines(ax, x + PAD + 0.16, low, str(row.word), language, color=MUTED, ha=side)
        y += high[lane]
    ax.add_collection(PatchCollection(
        boxes, facecolors=grounds, edgecolors=RULE, linewidths=0.6, zorder=0
    ))  # fmt: skip
    for level, places in marks.items():
        if places:
            ax.plot(
                *np.transpose(places), linestyle="none", marker="o", markersize=5, color=INK,
                fillstyle=FILLS[level], markerfacecoloralt="white",
            )  # fmt: skip
    return ax


def _draw_strip(ax: Axes, curve: pd.DataFrame, top: float, unknown: str) -> None:
    """Draw the emotion of each stage in a strip of the table, 2 at its top and -2 at its foot."""
    room = CURVE - 0.5
    x = LANE + COLUMN * (np.arange(len(curve)) + 0.5)
    y, low, high = (
        top + 0.3 + (2 - curve[name].to_numpy(dtype=float)) / 4 * room
        for name in ("estimate", "low", "high")
    )
    for value in (2, 0, -2):
        at = top + 0.3 + (2 - value) / 4 * room
        ax.plot([LANE, x[-1] + COLUMN / 2], [at, at], color=RULE, linewidth=0.8)
    ax.fill_between(x, low, high, color=GOOD, alpha=0.15, linewidth=0)
    ax.plot(x, y, color=GOOD, linewidth=1.8)
    ax.vlines(x, low, high, color=INK, linewidth=1.2)
    below = curve["below"].to_numpy(dtype=bool)
    for side, marker, colour in ((False, "o", GOOD), (True, "D", BAD)):
        mine = ~np.isnan(y) & (below == side)
        ax.plot(x[mine], y[mine], marker, color=colour, markersize=7)
    for place, row in enumerate(curve.itertuples()):
        known = not np.isnan(y[place])
        at = np.nanmin([y[place], high[place]]) - 0.12 if known else top + 0.25 + room / 2
        ax.text(
            x[place], at, str(row.text) if known else unknown, ha="center", va="bottom",
            fontsize=SIZE + 1, fontweight="bold" if known else "normal",
        )  # fmt: skip


def _lines(
    ax: Axes, x: float, y: float, text: str, language: str, *, ha: str, color: str = INK,
    size: float = SIZE, weight: str = "normal",
) -> None:  # fmt: skip
    """Write lines below one another, from the side where reading begins."""
    for i, line in enumerate(text.split("\n")):
        if line:
            ax.text(
                x, y + i * LINE, label(line, language), ha=ha, va="top", color=color,
                fontsize=size, fontweight=weight,
            )  # fmt: skip


def _write(
    ax: Axes, x: float, y: float, text: str, language: str, *, color: str = INK, size: float = 9.5
) -> None:  # fmt: skip
    if text:
        ax.text(
            x, y, _each_line(text, language), ha="center", va="center", color=color, fontsize=size
        )


def _each_line(text: str, language: str) -> str:
    return "\n".join(label(line, language) for line in text.split("\n"))
