"""Figures of personas in use: beliefs beside them, whom to serve first, and how they are judged."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cjlib.language import format_number, phrase
from cjlib.plots.style import INK, MUTED, PALETTE, RULE, label, new_axes

MARKS: Final = {"yes": "✓", "no": "✗", "not known": "?"}
COLOURS: Final = {"yes": "#d3e8f4", "no": "#f6d5c4", "not known": "white"}


def draw_believed(
    overlap: pd.DataFrame, without: pd.DataFrame, *, beliefs: dict[str, str],
    names: dict[str, str], language: str = "en", ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw a table: beliefs down, personas across, the share of each belief's people.

    Parameters
    ----------
    overlap : DataFrame
        ``belief, persona, estimate``; a persona "none" stands for people near a border.
    without : DataFrame
        ``persona, estimate``: share of its members in no belief, the last row.
    beliefs, names : dict
        Shown for each id, in the order to show.
    """
    columns = [*names, "none"]
    rows = overlap.pivot_table(
        index="belief", columns="persona", values="estimate", dropna=False, sort=False
    ).reindex(index=list(beliefs), columns=columns)
    last = without.set_index("persona")["estimate"].reindex(columns)
    if ax is None:
        ax = new_axes(3.2 + 1.35 * len(columns), 1.6 + 0.5 * (len(beliefs) + 1))
    shown = np.vstack([rows.to_numpy(dtype=float), last.to_numpy(dtype=float)])
    colours = np.vstack([shown[:-1], np.full(len(columns), np.nan)])
    ax.imshow(colours, cmap="Blues", vmin=0, vmax=1.4, aspect="auto")
    for i, j in np.ndindex(shown.shape):
        text = "–" if np.isnan(shown[i, j]) else _percent(float(shown[i, j]), language)
        ax.text(j, i, text, ha="center", va="center", color=INK, fontsize=10)
    ax.axhline(len(beliefs) - 0.5, color=MUTED, linewidth=1)
    titles = [*names.values(), phrase("believed.none", language)]
    ax.set_xticks(range(len(columns)), [label(_wrap(t, 16), language) for t in titles], fontsize=9)
    ax.xaxis.tick_top()
    sides = [*beliefs.values(), phrase("believed.without", language)]
    ax.set_yticks(range(len(sides)), [label(_wrap(t, 30), language) for t in sides], fontsize=9)
    _bare(ax, language)
    return ax


def draw_targets(
    table: pd.DataFrame, *, names: dict[str, str], language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw each persona's score with its interval, the highest first.

    Parameters
    ----------
    table : DataFrame
        ``persona, estimate, low, high, first``: score in all customers' averages, and the
        share of resamples in which the persona came first.
    """
    ax = new_axes(7.0, 1.2 + 0.55 * len(table)) if ax is None else ax
    y = np.arange(len(table))
    known = table["estimate"].notna().to_numpy()
    ax.hlines(y[known], table["low"][known], table["high"][known], color=PALETTE[0], linewidth=2.5)
    ax.scatter(table["estimate"], y, s=60, color=PALETTE[0], zorder=3)
    ax.axvline(1, color=MUTED, linewidth=1, linestyle="--")
    top = float(np.nanmax([1.2, table["high"].max()]))
    for place, (_, row) in zip(y, table.iterrows(), strict=True):
        text = phrase("target.unknown", language)
        if not np.isnan(row["estimate"]):
            text = phrase("target.first", language, share=_percent(row["first"], language))
        at = row["high"] if not np.isnan(row["estimate"]) else 0.0
        ax.annotate(
            label(text, language), (at, place), xytext=(-8 if language == "fa" else 8, 0),
            textcoords="offset points", va="center", fontsize=9, color=MUTED,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            ha="right" if language == "fa" else "left",
        )  # fmt: skip
    ax.set_yticks(y, [label(names[p], language) for p in table["persona"]])
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set_xlim(0, top * 1.45)
    ax.xaxis.set_major_formatter(lambda v, _: format_number(v, language))
    ax.set_xlabel(label(phrase("target.axis", language), language))
    ax.grid(visible=False, axis="y")
    if language == "fa":
        ax.invert_xaxis()
        ax.yaxis.tick_right()
        ax.spines["left"].set_visible(False)
    return ax


def draw_judgement(
    table: pd.DataFrame, *, names: dict[str, str], checks: dict[str, str], language: str = "en",
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw which check each persona passes: a mark and a colour for yes, no and not known.

    Parameters
    ----------
    table : DataFrame
        ``check, persona, passed``.
    names, checks : dict
        Shown for each id, in the order to show.
    """
    if ax is None:
        ax = new_axes(3.6 + 1.4 * len(names), 1.4 + 0.34 * len(checks))
    found = table.pivot(index="check", columns="persona", values="passed")  # noqa: PD010
    found = found.reindex(index=list(checks), columns=list(names))
    for i, j in np.ndindex(found.shape):
        passed = str(found.iloc[i, j])
        tile = Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor=COLOURS[passed], edgecolor=RULE)
        ax.add_patch(tile)
        ax.text(j, i, MARKS[passed], ha="center", va="center", color=INK, fontsize=11,
                family="DejaVu Sans")  # fmt: skip
    ax.set_xlim(-0.5, len(names) - 0.5)
    ax.set_ylim(len(checks) - 0.5, -0.5)
    ax.set_xticks(
        range(len(names)), [label(_wrap(n, 18), language) for n in names.values()], fontsize=9
    )
    ax.xaxis.tick_top()
    ax.set_yticks(range(len(checks)), [label(t, language) for t in checks.values()], fontsize=9)
    _bare(ax, language)
    return ax


def _bare(ax: Axes, language: str) -> None:
    ax.grid(visible=False)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    if language == "fa":
        ax.invert_xaxis()
        ax.yaxis.tick_right()


def _percent(value: float, language: str) -> str:
    sign = "٪" if language == "fa" else "%"
    return format_number(round(100 * value), language, decimals=0) + sign


def _wrap(text: str, width: int) -> str:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return "\n".join([*lines, line])
