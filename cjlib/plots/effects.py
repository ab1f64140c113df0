"""Figures of what actions did."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.language import phrase
from cjlib.plots.style import INK, MUTED, PALETTE, label, new_axes

_LONGEST = 52  # characters of a label


def draw_action_effects(
    table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw each action's change, and its effect against the comparison, with intervals.

    In units of the smallest effect that could have been seen, so that KPIs on different
    scales share one axis; the numbers on their own scale stand at the right.
    """
    shown = table[table["difference"].notna() & table["smallest_effect"].gt(0)]
    ax = ax or new_axes(9, 1.6 + 0.62 * len(shown))
    places = np.arange(len(shown), dtype=float)[::-1]
    unit = shown["smallest_effect"].to_numpy(dtype=float)
    ax.axvspan(-1, 1, color=MUTED, alpha=0.08, linewidth=0)
    ax.axvline(0, color=INK, linewidth=1)
    reach = 1.2
    for names, lift, colour, marker, key in (
        (("difference", "low", "high"), 0.14, MUTED, "o", "actions.change"),
        (("effect", "effect_low", "effect_high"), -0.14, PALETTE[0], "D", "actions.effect"),
    ):
        value, low, high = (shown[name].to_numpy(dtype=float) / unit for name in names)
        if np.isnan(value).all():
            continue
        ax.hlines(places + lift, low, high, colors=colour, linewidth=2)
        ax.plot(
            value, places + lift, marker, color=colour, linestyle="none",
            label=label(phrase(key, language), language),
        )  # fmt: skip
        reach = max(reach, float(np.nanmax(np.abs([low, high]))))
        for place, number in zip(places + lift, shown[names[0]], strict=True):
            if pd.notna(number):
                ax.annotate(
                    f"{number:+.2f}", (1.0, place), xycoords=("axes fraction", "data"),
                    xytext=(5, 0), textcoords="offset points", va="center", color=colour,
                    fontsize=9,
                )  # fmt: skip
    texts = [
        label(_shorten(str(a)), language) + "\n" + label(str(k), language)
        for a, k in zip(shown["action"], shown["label"], strict=True)
    ]
    ax.set_yticks(places, texts)
    ax.set_ylim(-0.7, len(shown) - 0.3)
    ax.set_xlim(-1.08 * reach, 1.08 * reach)
    ax.set_xlabel(label(phrase("actions.multiple", language), language))
    ax.grid(visible=False, axis="y")
    if len(shown):
        ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=9)
    return ax


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"
