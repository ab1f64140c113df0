"""Figures of studies side by side."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.language import format_number, phrase
from cjlib.plots.style import INK, PALETTE, RULE, label, new_axes


def draw_side_by_side(table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw each study's value of every metric with its interval, as a share of its scale.

    Parameters
    ----------
    table : DataFrame
        ``key, label, study, estimate, low, high, unit, lowest, highest``. Without a highest
        value (hours, ratios) the longest interval end of the metric is its right end. The
        value on its own scale stands beside the mark.
    """
    known = table[table["estimate"].notna()]
    keys = list(dict.fromkeys(known["key"]))
    studies = list(dict.fromkeys(known["study"]))
    ax = ax or new_axes(8.5, 1.6 + 0.34 * len(keys) * max(len(studies), 2))
    step = 0.8 / max(len(studies), 1)
    for s, study in enumerate(studies):
        rows = known[known["study"].eq(study)]
        first = True
        for row in rows.to_dict("records"):
            same = known[known["key"].eq(row["key"])]
            low = float(row["lowest"])
            high = row["highest"]
            high = float(high) if pd.notna(high) else 1.05 * float(same["high"].max())
            y = keys.index(row["key"]) + (s - (len(studies) - 1) / 2) * step
            x = [(float(row[name]) - low) / (high - low) for name in ("estimate", "low", "high")]
            colour = PALETTE[s % len(PALETTE)]
            if not np.isnan(x[1:]).any():
                ax.hlines(y, x[1], x[2], color=colour, linewidth=2)
            ax.plot(
                x[0], y, "osD^v"[s % 5], color=colour, linestyle="none",
                label=label(study, language) if first else None,
            )  # fmt: skip
            first = False
            ax.annotate(
                _spell(row, language), (1.0, y), xycoords=("axes fraction", "data"), xytext=(6, 0),
                textcoords="offset points", va="center", fontsize=9, color=INK,
            )  # fmt: skip
    names = dict(zip(known["key"], known["label"], strict=True))
    ax.set_yticks(range(len(keys)), [label(str(names[key]), language) for key in keys])
    for edge in range(1, len(keys)):
        ax.axhline(edge - 0.5, color=RULE, linewidth=0.8)
    ax.set_ylim(max(len(keys), 1) - 0.5, -0.5)
    ax.set_xlim(0, 1)
    ax.set_xticks((0, 0.5, 1), [format_number(v, language) for v in (0, 0.5, 1)])
    ax.set_xlabel(label(phrase("cross.axis", language), language), color=INK)
    ax.grid(visible=False, axis="y")
    if studies:
        ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(studies))
    return ax


def _spell(row: dict[Hashable, Any], language: str) -> str:
    value = float(row["estimate"])
    if row["unit"] == "share":
        return format_number(100 * value, language, decimals=1) + (
            " ٪" if language == "fa" else " %"
        )
    return format_number(value, language, decimals=0 if row["unit"] == "points" else 2)
