"""Figures of drivers: how much goes with the outcome, and where to act first."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from cjlib.language import format_number, phrase
from cjlib.plots.style import INK, MUTED, PALETTE, RULE, label, new_axes


def draw_drivers(
    table: pd.DataFrame,
    *,
    labels: dict[str, str] | None = None,
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw each driver's part of R² as a dot with its interval, the largest on top.

    Parameters
    ----------
    table : DataFrame
        ``driver, estimate, low, high, associated``; hollow dots are not beyond chance.
    labels : dict, optional
        What to write for a driver; its name by default.
    """
    rows = table.iloc[::-1]
    names = labels or {}
    ax = new_axes(7.0, 1.2 + 0.38 * len(rows)) if ax is None else ax
    places = range(len(rows))
    ax.hlines(places, rows["low"], rows["high"], color=MUTED, linewidth=2)
    found = rows["associated"].to_numpy(dtype=bool)
    colours = [PALETTE[0] if yes else "white" for yes in found]
    ax.scatter(rows["estimate"], places, s=60, c=colours, edgecolor=PALETTE[0], linewidth=1.5,
               zorder=3)  # fmt: skip
    ax.set_yticks(places, [label(names.get(d, d), language) for d in rows["driver"]])
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.set_xlim(left=0)
    ax.xaxis.set_major_formatter(lambda x, _: format_number(x, language))
    ax.set_xlabel(label(phrase("driver.axis", language), language))
    ax.grid(visible=False, axis="y")
    if language == "fa":
        ax.invert_xaxis()
        ax.yaxis.tick_right()
        ax.spines["left"].set_visible(False)
    return ax


def draw_priorities(
    table: pd.DataFrame,
    *,
    labels: dict[str, str] | None = None,
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw importance (share of the explained variance) against performance (mean rating).

    Parameters
    ----------
    table : DataFrame
        ``driver, share, mean, mean_low, mean_high, quadrant``; lines mark the averages; the
        upper left is to be improved first.
    labels : dict, optional
        What to write for a driver; its name by default.
    """
    names = labels or {}
    ax = new_axes(7.0, 5.0) if ax is None else ax
    ax.axhline(table["share"].mean(), color=RULE, linewidth=1.5, zorder=0)
    ax.axvline(table["mean"].mean(), color=RULE, linewidth=1.5, zorder=0)
    ax.hlines(table["share"], table["mean_low"], table["mean_high"], color=MUTED, linewidth=1)
    urgent = table["quadrant"].eq("improve first").to_numpy(dtype=bool)
    proven = table["quadrant"].ne("unproven").to_numpy(dtype=bool)
    face = [
        PALETTE[5] if u else (PALETTE[0] if p else "white")
        for u, p in zip(urgent, proven, strict=True)
    ]
    ax.scatter(table["mean"], table["share"], c=face, edgecolor=INK, linewidth=0.8, s=60, zorder=3)
    for row in table.itertuples():
        ax.annotate(
            label(names.get(str(row.driver), str(row.driver)), language), (row.mean, row.share),
            xytext=(0, 7), textcoords="offset points", fontsize=9, ha="center",
        )  # fmt: skip
    ax.set_ylim(bottom=0, top=float(table["share"].max()) * 1.15)
    ax.xaxis.set_major_formatter(lambda x, _: format_number(x, language))
    ax.yaxis.set_major_formatter(lambda x, _: format_number(x, language))
    ax.set_xlabel(label(phrase("driver.performance", language), language))
    ax.set_ylabel(label(phrase("driver.importance", language), language))
    for place, key, side in ((0.01, "driver.improve", "left"), (0.99, "driver.keep", "right")):
        ax.text(place, 0.99, label(phrase(key, language), language), transform=ax.transAxes,
                ha=side, va="top", color=MUTED, fontsize=9)  # fmt: skip
    return ax


def draw_asymmetry(
    table: pd.DataFrame,
    kinds: pd.DataFrame,
    *,
    labels: dict[str, str] | None = None,
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw the penalty (to the left) and the reward (to the right) of each driver.

    Parameters
    ----------
    table : DataFrame
        ``driver, side, estimate, low, high``; rows without an estimate are not drawn.
    kinds : DataFrame
        ``driver, kind``; the kind stands under the driver's name.
    labels : dict, optional
        What to write for a driver; its name by default.
    """
    names, rows = labels or {}, kinds.iloc[::-1].reset_index(drop=True)
    ax = new_axes(7.5, 1.4 + 0.6 * len(rows)) if ax is None else ax
    ax.axvline(0, color=INK, linewidth=1)
    colours = {"penalty": PALETTE[5], "reward": PALETTE[0]}
    for place, driver in enumerate(rows["driver"]):
        for side, colour in colours.items():
            row = table[(table["driver"] == driver) & (table["side"] == side)].iloc[0]
            if pd.isna(row["estimate"]):
                continue
            shift = place + (0.13 if side == "reward" else -0.13)
            ax.barh(shift, row["estimate"], height=0.24, color=colour, alpha=0.35)
            ax.hlines(shift, row["low"], row["high"], color=colour, linewidth=2)
            ax.plot(row["estimate"], shift, "o", color=colour, markersize=5)
    ticks = [
        label(names.get(d, d), language)
        + "\n"
        + label(phrase(f"driver.kind.{k.replace(' ', '_')}", language), language)
        for d, k in zip(rows["driver"], rows["kind"], strict=True)
    ]
    ax.set_yticks(range(len(rows)), ticks)
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.xaxis.set_major_formatter(lambda x, _: format_number(x, language))
    ax.set_xlabel(label(phrase("driver.contrast", language), language))
    ax.set_title(label(phrase("driver.sides", language), language))
    ax.grid(visible=False, axis="y")
    if language == "fa":
        ax.yaxis.tick_right()
        ax.spines["left"].set_visible(False)
    return ax
