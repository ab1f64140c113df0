"""Figures of waves: what changed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cjlib.language import phrase
from cjlib.plots.style import INK, MUTED, PALETTE, label, new_axes


def draw_wave_changes(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw each difference with its interval, in units of the item's smallest visible change.

    Items on different scales share one axis that way; the difference itself, on the item's
    own scale, stands at the right.
    """
    shown = table[table["difference"].notna() & table["smallest_change"].gt(0)]
    several = len(shown[["from_wave", "to_wave"]].drop_duplicates()) > 1
    ax = ax or new_axes(8, 1.3 + 0.34 * len(shown))
    rows = np.arange(len(shown))[::-1]
    unit = shown["smallest_change"].to_numpy(dtype=float)
    changed = shown["verdict"].eq("changed beyond noise").to_numpy()
    colours = np.where(changed, PALETTE[0], MUTED)
    ax.axvspan(-1, 1, color=MUTED, alpha=0.08, linewidth=0)
    ax.axvline(0, color=INK, linewidth=1)
    ax.hlines(rows, shown["low"] / unit, shown["high"] / unit, colors=colours.tolist(), linewidth=2)
    values = shown["difference"].to_numpy(dtype=float)
    for mask, marker in ((changed, "D"), (~changed, "o")):
        ax.plot(
            values[mask] / unit[mask], rows[mask], marker, linestyle="none",
            color=PALETTE[0] if marker == "D" else MUTED,
            label="changed beyond noise" if marker == "D" else "no change seen",
        )  # fmt: skip
    names = [
        f"{row['name']} ({row['from_wave']} to {row['to_wave']})" if several else str(row["name"])
        for _, row in shown.iterrows()
    ]
    ax.set_yticks(rows, [label(name) for name in names])
    ax.set_ylim(-0.7, len(shown) - 0.3)
    reach = 1.08 * max(
        1.2, float(np.abs(np.nan_to_num([shown["low"] / unit, shown["high"] / unit])).max())
    )
    ax.set_xlim(-reach, reach)
    for row, value in zip(rows, values, strict=True):
        ax.annotate(
            f"{value:+.2f}", (1.0, row), xycoords=("axes fraction", "data"), xytext=(4, 0),
            textcoords="offset points", va="center", color=INK, fontsize=9,
        )  # fmt: skip
    ax.set_xlabel("Change as a multiple of the smallest this many answers could have shown")
    ax.grid(visible=False, axis="y")
    ax.legend(frameon=False, loc="lower left", fontsize=8)
    return ax


def draw_wave_steps(table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw what changed from each wave to the next, item by item; colour where beyond noise.

    A cell shows the difference on the item's own scale; grey where it could be noise, blank
    where the item was not asked in both. The last column is the first wave to the last.
    """
    spans = table[["from_wave", "to_wave", "span"]].drop_duplicates()
    order = {
        wave: i for i, wave in enumerate(dict.fromkeys([*table["from_wave"], *table["to_wave"]]))
    }
    steps = sorted(
        {(f, t) for f, t, s in spans.itertuples(index=False) if s == "consecutive"},
        key=lambda pair: (order[pair[0]], order[pair[1]]),
    )
    names = list(dict.fromkeys(table["name"]))
    ax = ax or new_axes(2.6 + 0.82 * (len(steps) + 1), 1.6 + 0.34 * len(names))
    for row in table[table["difference"].notna()].to_dict("records"):
        whole = row["span"] != "consecutive"
        x = len(steps) + 0.25 if whole else steps.index((row["from_wave"], row["to_wave"]))
        y = len(names) - 1 - names.index(row["name"])
        seen = row["verdict"] == "changed beyond noise"
        rises = row["difference"] > 0
        if seen:
            colour = PALETTE[0] if rises else PALETTE[5]
            ax.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, color=colour, linewidth=0))
        ax.text(
            x, y, f"{row['difference']:+.2f}" if abs(row["difference"]) < 10 else
            f"{row['difference']:+.0f}", ha="center", va="center", fontsize=8.5,
            color="white" if seen else MUTED, weight="bold" if seen else "normal",
        )  # fmt: skip
    ticks = [f"{f}\n→ {t}" for f, t in steps]
    overall = label(phrase("waves.overall", language), language)
    ax.set_xticks([*range(len(steps)), len(steps) + 0.25], [*ticks, overall], fontsize=8.5)
    ax.axvline(len(steps) - 0.375, color=INK, linewidth=1)
    ax.set_yticks(range(len(names)), [label(name) for name in reversed(names)])
    ax.set_xlim(-0.5, len(steps) + 0.75)
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.set_xlabel(label(phrase("waves.steps", language), language))
    ax.grid(visible=False)
    return ax
