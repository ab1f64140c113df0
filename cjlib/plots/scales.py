"""Figures of missing answers and of scales: what is missing together, what each item adds."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from cjlib.language import format_number, phrase
from cjlib.plots.style import INK, MUTED, PALETTE, RULE, label, new_axes

STATES: Final = {"answered": PALETTE[4], "left out": PALETTE[5], "not asked": RULE}
MOST_ITEMS: Final = 40
LONGEST: Final = 36


def draw_missing(
    grid: pd.DataFrame,
    patterns: pd.DataFrame,
    *,
    labels: dict[str, str] | None = None,
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw which items are missing together: a row per item, a column per frequent pattern.

    Parameters
    ----------
    grid : DataFrame
        ``pattern, item, state`` ("answered", "left out", "not asked"). Items without a gap in
        any pattern drawn are passed over; at most ``MOST_ITEMS`` are drawn, those with the
        most gaps.
    patterns : DataFrame
        ``pattern, share``; the shares are written under the columns.
    labels : dict, optional
        What to write for an item; its name by default.
    language : "en" or "fa"
    ax : Axes, optional
    """
    names, states = labels or {}, list(STATES)
    wide = grid.assign(code=[float(states.index(s)) for s in grid["state"]]).pivot_table(
        index="item", columns="pattern", values="code", sort=False
    )
    gaps = wide.eq(1).mul(patterns.set_index("pattern")["share"], axis=1).sum(axis=1)
    kept = gaps[wide.gt(0).any(axis=1)].sort_values(ascending=False, kind="stable").index
    wide = wide.loc[(kept if len(kept) else wide.index)[:MOST_ITEMS]]
    rows, columns = wide.shape
    ax = ax or new_axes(2.8 + 0.5 * columns, 1.6 + 0.3 * rows)
    ax.pcolormesh(
        wide.to_numpy(dtype=float), cmap=ListedColormap(list(STATES.values())), vmin=-0.5,
        vmax=2.5, edgecolors="white", linewidth=1.5,
    )  # fmt: skip
    shown = [_short(names.get(str(i), str(i))) for i in wide.index]
    ax.set_yticks(np.arange(rows) + 0.5, [label(text, language) for text in shown])
    shares = patterns.set_index("pattern")["share"].loc[wide.columns]
    ax.set_xticks(np.arange(columns) + 0.5, [_percent(s, language) for s in shares], fontsize=9)
    ax.invert_yaxis()
    ax.tick_params(length=0)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.set_xlabel(label(phrase("missing.axis", language), language))
    ax.set_title(label(phrase("missing.title", language), language))
    used = [s for place, s in enumerate(states) if wide.eq(place).to_numpy().any()]
    ax.legend(
        handles=[
            Patch(
                color=STATES[s],
                label=label(phrase(f"missing.{s.replace(' ', '_')}", language), language),
            )
            for s in used
        ],
        loc="upper left", bbox_to_anchor=(1, 1), frameon=False,
    )  # fmt: skip
    if language == "fa":
        _turn(ax)
    return ax


def draw_scale(
    items: pd.DataFrame,
    *,
    alpha: float,
    labels: dict[str, str] | None = None,
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw each item's correlation with the other items, and alpha without it.

    Parameters
    ----------
    items : DataFrame
        ``item, item_rest, alpha_if_dropped``; an item whose mark lies beyond the dashed line
        holds the scale back.
    alpha : float
        Of the whole scale; the dashed line.
    labels : dict, optional
        What to write for an item; its name by default.
    language : "en" or "fa"
    ax : Axes, optional
    """
    names = labels or {}
    ax = ax or new_axes(7.6, 1.7 + 0.42 * len(items))
    places = np.arange(len(items))
    rest = items["item_rest"].to_numpy(dtype=float)
    colours = [PALETTE[5] if r < 0 else PALETTE[4] for r in rest]
    told = {k: label(phrase(f"scale.{k}", language), language)
            for k in ("item_rest", "alpha_if_dropped", "alpha")}  # fmt: skip
    ax.barh(places, rest, color=colours, height=0.55)
    ax.axvline(alpha, color=MUTED, linestyle="--", linewidth=1.2, label=told["alpha"])
    if items["alpha_if_dropped"].notna().any():
        ax.scatter(
            items["alpha_if_dropped"], places, s=46, marker="D", color="white",
            edgecolor=PALETTE[0], linewidth=1.5, zorder=3, label=told["alpha_if_dropped"],
        )  # fmt: skip
    ax.axvline(0, color=INK, linewidth=0.8)
    ax.set_yticks(
        places, [label(_short(names.get(str(i), str(i))), language) for i in items["item"]]
    )
    ax.set_ylim(len(items) - 0.4, -0.6)
    ax.xaxis.set_major_formatter(lambda x, _: format_number(round(float(x), 2), language))
    ax.grid(visible=False, axis="y")
    ax.set_title(label(phrase("scale.title", language), language))
    ax.margins(x=0.06)
    bar = Patch(color=PALETTE[4], label=told["item_rest"])
    ax.legend(
        handles=[bar, *ax.get_legend_handles_labels()[0]], loc="upper left",
        bbox_to_anchor=(1, 1), frameon=False,
    )  # fmt: skip
    if language == "fa":
        _turn(ax)
    return ax


def _turn(ax: Axes) -> None:
    """Let a figure run from right to left."""
    ax.invert_xaxis()
    ax.yaxis.tick_right()
    ax.spines[["left", "right"]].set_visible(False)
    handles = ax.get_legend()
    if handles is not None:
        handles.set_loc("upper right")
        handles.set_bbox_to_anchor((0, 1), transform=ax.transAxes)


def _percent(share: float, language: str) -> str:
    sign = "٪" if language == "fa" else "%"
    if 0 < share < 0.001:
        return "<" + format_number(0.1, language) + sign
    digits = 0 if share >= 0.1 else 1
    return format_number(round(100 * share, digits), language) + sign


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
