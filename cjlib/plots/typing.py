"""Figures of typing: accuracy by number of questions, and personas from wave to wave."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.language import format_number, phrase
from cjlib.plots.style import INK, MUTED, PALETTE, label, new_axes


def draw_typing(table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw the share typed rightly against the number of questions.

    Parameters
    ----------
    table : DataFrame
        As in ``TypingTool.table``: dots with intervals for the kept numbers of questions,
        lines across for none and for all.
    """
    ax = new_axes(6.5, 3.8) if ax is None else ax
    kept = table[table["kept"]]
    x = kept["questions"].to_numpy(dtype=float)
    ax.vlines(x, kept["low"], kept["high"], color=PALETTE[0], linewidth=2)
    ax.plot(x, kept["estimate"], marker="o", color=PALETTE[0], linewidth=1, zorder=3)
    for step, colour, key, drop in (
        ("none", MUTED, "typing.plot.none", -4), ("all", PALETTE[1], "typing.plot.all", 4)
    ):  # fmt: skip
        row = table[table["step"].eq(step)].iloc[0]
        ax.axhline(row["estimate"], color=colour, linewidth=1.5, linestyle="--")
        said = phrase(key, language, n=format_number(float(row["questions"]), language))
        ax.annotate(
            label(said, language), (1 if language == "fa" else 0, row["estimate"]),
            xycoords=("axes fraction", "data"), xytext=(-4 if language == "fa" else 4, drop),
            textcoords="offset points", ha="right" if language == "fa" else "left",
            va="bottom" if drop > 0 else "top", color=INK, fontsize=9,
        )  # fmt: skip
    ax.set_ylim(0, 1.12)
    ax.set_xlim(0.5, max(x.max(), 1) + 0.5)
    ax.set_xticks(x, [format_number(v, language) for v in x])
    ax.set_yticks(np.arange(0, 1.01, 0.2), [_percent(v, language) for v in np.arange(0, 1.01, 0.2)])
    ax.set_xlabel(label(phrase("typing.plot.questions", language), language))
    ax.set_ylabel(label(phrase("typing.plot.right", language), language))
    if language == "fa":
        ax.invert_xaxis()
        _to_the_right(ax)
    return ax


def draw_drift(
    table: pd.DataFrame, *, names: dict[str, str], waves: dict[str, str], language: str = "en",
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw the share of each persona in each wave, with intervals.

    Parameters
    ----------
    table : DataFrame
        As in ``Drift.table``; what drifted since the first wave has a filled dot.
    names, waves : dict
        Shown for each id, in the order to show.
    """
    rows = table[table["check"].eq("share")]
    ax = new_axes(7.0, 1.2 + 0.35 * len(names) * (len(waves) + 0.6)) if ax is None else ax
    step = 0.7 / max(len(waves) - 1, 1)
    for j, wave in enumerate(waves):
        part = rows[rows["wave"].eq(wave)].set_index("of").reindex(list(names))
        y = np.arange(len(names)) + (j - (len(waves) - 1) / 2) * step * 0.6
        colour = PALETTE[j % len(PALETTE)]
        ax.hlines(y, part["low"], part["high"], color=colour, linewidth=2)
        moved = part["drifted"].fillna(value=False).to_numpy(dtype=bool)
        ax.scatter(
            part["estimate"], y, s=45, facecolor=np.where(moved, colour, "white"),
            edgecolor=colour, linewidth=1.8, zorder=3, label=label(waves[wave], language),
        )  # fmt: skip
    ax.set_yticks(range(len(names)), [label(n, language) for n in names.values()])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlim(0, float(rows["high"].max()) * 1.1)
    ax.xaxis.set_major_formatter(lambda v, _: _percent(v, language))
    ax.set_xlabel(label(phrase("typing.plot.share", language), language))
    ax.grid(visible=False, axis="y")
    ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=len(waves))
    if language == "fa":
        ax.invert_xaxis()
        _to_the_right(ax)
    return ax


def _percent(value: float, language: str) -> str:
    sign = "٪" if language == "fa" else "%"
    return format_number(round(100 * value), language, decimals=0) + sign


def _to_the_right(ax: Axes) -> None:
    ax.yaxis.tick_right()
    ax.yaxis.set_label_position("right")
    ax.spines["left"].set_visible(False)
    ax.spines["right"].set_visible(True)
