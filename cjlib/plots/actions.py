"""Figures of opportunities and of the action plan."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.language import phrase
from cjlib.plots.style import INK, MUTED, PALETTE, label, new_axes

_KIND_COLOURS = dict(zip(("pain", "wait", "exit", "score", "gap"), PALETTE, strict=False))
_LONGEST = 48  # characters of a label


def draw_opportunities(
    table: pd.DataFrame,
    *,
    by: str = "priority",
    rows: int = 12,
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw the first opportunities with intervals, coloured by kind of evidence.

    ``by``: priority, people (share affected), satisfaction or money.
    """
    value, low, high = (by, f"{by}_low", f"{by}_high")
    if by == "people":
        value, low, high = "estimate", "low", "high"
    shown = table[table[value].notna()].head(rows)
    ax = ax or new_axes(8.5, 1.5 + 0.36 * len(shown))
    places = np.arange(len(shown))[::-1]
    for kind, colour in _KIND_COLOURS.items():
        mask = shown["kind"].eq(kind).to_numpy()
        if mask.any():
            ax.barh(places[mask], shown[value][mask], color=colour, label=kind, height=0.66)
    ax.hlines(places, shown[low], shown[high], color=INK)
    ax.set_yticks(places, [label(_shorten(str(text)), language) for text in shown["measure"]])
    ax.set_ylim(-0.6, len(shown) - 0.4)
    if not (shown[low] < 0).any():
        ax.set_xlim(0, None)
    ax.set_xlabel(label(phrase(f"actions.{by}", language), language))
    ax.grid(visible=False, axis="y")
    ax.legend(
        title=label(phrase("actions.evidence", language), language),
        frameon=False,
        loc="lower right",
    )
    return ax


def draw_impact_effort(
    table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw each action's impact against its effort; the numbers are named at the side."""
    shown = table[table["effort"].notna() & table["impact"].notna()].reset_index(drop=True)
    ax = ax or new_axes(10, 4.8)
    ax.axvline(3, color=MUTED, linewidth=1, linestyle="--")
    ax.axhline(3, color=MUTED, linewidth=1, linestyle="--")
    for x, y, text in ((1.1, 5.4, "do first"), (5.4, 5.4, "plan well"),
                       (1.1, 0.6, "fill gaps"), (5.4, 0.6, "think twice")):  # fmt: skip
        side = "left" if x < 3 else "right"
        ax.text(0.55 if x < 3 else x, y, text, color=MUTED, ha=side, va="center", fontsize=9)
    done = shown["status"].isin(("done", "dropped")).tolist()
    late = (shown["overdue"] if "overdue" in shown else shown["effort"] < 0).tolist()
    spots = shown.groupby(["effort", "impact"]).cumcount().tolist()  # on one spot: side by side
    for i, row in enumerate(shown.to_dict("records")):
        number = i + 1
        colour = MUTED if done[i] else PALETTE[5] if late[i] else PALETTE[0]
        x = row["effort"] + 0.32 * spots[i]
        ax.plot(x, row["impact"], "s" if late[i] else "o", color=colour, markersize=18)
        ax.annotate(
            str(number), (x, row["impact"]), color="white", ha="center", va="center",
            fontsize=10, weight="bold",
        )  # fmt: skip
        state = " (closed)" if done[i] else " (overdue)" if late[i] else ""
        ax.annotate(
            label(f"{number}  {_shorten(str(row['action']))}{state}", language),
            (1.0, 1.0), xycoords="axes fraction", xytext=(14, -10 - 22 * (number - 1)),
            textcoords="offset points", color=INK, va="top", fontsize=9, annotation_clip=False,
        )  # fmt: skip
    ax.set_xlim(0.5, 5.5)
    ax.set_ylim(0.4, 5.6)
    ax.set_xticks(range(1, 6))
    ax.set_yticks(range(1, 6))
    ax.set_xlabel(label(phrase("actions.effort", language), language))
    ax.set_ylabel(label(phrase("actions.impact", language), language))
    return ax


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"
