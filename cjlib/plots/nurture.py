"""Figures of leads: how far they come, and how honest their score is."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.language import format_number, phrase
from cjlib.plots.journeys import percent
from cjlib.plots.style import INK, MUTED, PALETTE, label, new_axes


def draw_lead_funnel(table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw the share of customers who come as far as each nurture stage, with intervals."""
    ax = ax or new_axes(7.5, 1.4 + 0.5 * len(table))
    places = np.arange(len(table))
    share = table["estimate"].to_numpy(dtype=float)
    known = ~np.isnan(share)
    ax.barh(places, np.nan_to_num(share), color=PALETTE[0], height=0.62)
    ax.hlines(places[known], table["low"][known], table["high"][known], color=INK)
    for y, row in zip(places, table.to_dict("records"), strict=True):
        parts = [percent(row["estimate"], language)] if known[y] else []
        parts.append(
            phrase("n_is", language, n=format_number(row["journeys"], language, decimals=0))
        )
        ax.annotate(
            label("  ".join(parts), language), (row["high"] if known[y] else 0, y), xytext=(6, 0),
            textcoords="offset points", va="center", fontsize=9, color=INK,
        )  # fmt: skip
    ax.set_yticks(places, [label(str(name), language) for name in table["label"]])
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.set_xlim(0, 1.25)
    ax.set_xticks((0, 0.25, 0.5, 0.75, 1), [
        format_number(v, language, decimals=0) for v in (0, 25, 50, 75, 100)
    ])  # fmt: skip
    ax.set_xlabel(label(phrase("nurture.plot.share", language), language))
    ax.grid(visible=False, axis="y")
    return ax


def draw_lead_scores(
    table: pd.DataFrame, *, points: bool = False, language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw the share of leads that went on against their score, in tenths; the line is perfect."""
    ax = ax or new_axes(5.4, 4.6)
    known = table[table["estimate"].notna()]
    edge = 1.08 * float(known["high"].max()) if len(known) else 1.0
    if not points:
        edge = max(edge, 1.08 * float(known["predicted"].max())) if len(known) else edge
        ax.plot([0, edge], [0, edge], color=MUTED, linewidth=1, linestyle="--")
        ax.set_xlim(0, edge)
    if len(known):
        error = np.array([known["estimate"] - known["low"], known["high"] - known["estimate"]])
        ax.errorbar(
            known["predicted"], known["estimate"], yerr=error.clip(min=0), fmt="o",
            color=PALETTE[0], capsize=3,
        )  # fmt: skip
    ax.set_ylim(0, edge)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda v, _: format_number(v, language))
    key = "nurture.plot.points" if points else "nurture.plot.score"
    ax.set_xlabel(label(phrase(key, language), language))
    ax.set_ylabel(label(phrase("nurture.plot.went", language), language))
    return ax
