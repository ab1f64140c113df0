"""Figures of weights: how far each margin was from its target, and where raking brought it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from cjlib.language import format_number, phrase
from cjlib.plots.style import INK, MUTED, PALETTE, label, new_axes


def draw_margins(margins: pd.DataFrame, *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw each category's share before and after weighting, against its target.

    Parameters
    ----------
    margins : DataFrame
        item, label, target, before, after; shares from 0 to 1.
    language : "en" or "fa"
    ax : Axes, optional
    """
    ax = ax or new_axes(7, 0.36 * len(margins) + 1.7)
    starts = margins["item"].ne(margins["item"].shift()).cumsum().to_numpy() - 1
    y = np.arange(len(margins)) + 0.5 * starts  # half a row of space between items
    ax.hlines(y, margins["before"], margins["after"], color=MUTED, linewidth=1, zorder=1)
    for column, mark, size, colour, face in (
        ("target", "|", 18, INK, INK),
        ("before", "o", 7, PALETTE[1], "white"),
        ("after", "o", 7, PALETTE[0], PALETTE[0]),
    ):
        ax.plot(
            margins[column], y, mark, color=colour, markerfacecolor=face, markersize=size,
            markeredgewidth=1.6, label=label(phrase(f"weights.{column}", language), language),
        )  # fmt: skip
    bare = margins["label"].eq(margins["code"])  # a code without a label tells nothing by itself
    names = margins["label"].where(~bare, margins["item"] + ": " + margins["code"])
    ax.set_yticks(y, [label(name, language) for name in names])
    ax.set_ylim(y[-1] + 0.6, -0.6)
    most = np.max(margins[["target", "before", "after"]].to_numpy(dtype=float))
    ax.set_xlim(0, 1.08 * float(most))
    sign = "٪" if language == "fa" else "%"
    ax.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: format_number(100 * value, language) + sign)
    )
    ax.grid(axis="y", visible=False)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(label(phrase("weights.axis", language), language))
    ax.set_title(label(phrase("weights.title", language), language))
    if language == "fa":
        ax.invert_xaxis()
        ax.yaxis.tick_right()
        ax.spines["left"].set_visible(False)
    ax.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.55 / (0.36 * len(margins) + 0.6)), ncols=3,
        frameon=False, markerfirst=language != "fa", markerscale=0.7,
    )  # fmt: skip
    return ax
