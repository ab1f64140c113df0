"""Figures of silos joined by customer: what matched, and outcomes by path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.language import format_number, phrase
from cjlib.plots.journeys import say_empty, turn
from cjlib.plots.style import INK, MUTED, PALETTE, label, new_axes

SHOWN: Final = 14  # rows of a figure; the table has all


def draw_joins(table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw for each pair of sources the customers on one side only and those on both.

    Parameters
    ----------
    table : DataFrame
        ``left, right, left_only, matched, right_only``, as in ``Linked.audit``.
    """
    ax = new_axes(7.5, 1.7 + 0.4 * max(len(table), 2)) if ax is None else ax
    place = np.arange(len(table))
    start = np.zeros(len(table))
    for column, colour in (
        ("left_only", PALETTE[4]), ("matched", PALETTE[0]), ("right_only", PALETTE[1])
    ):  # fmt: skip
        width = table[column].to_numpy(dtype=float)
        ax.barh(place, width, left=start, color=colour, height=0.65,
                label=_tell(column, language))  # fmt: skip
        start = start + width
    for y, x, matched in zip(place, start, table["matched"], strict=True):
        _annotate(ax, format_number(float(matched), language), float(x), float(y), language)
    pairs = [
        label(_tell("pair", language, left=_tell(f"source.{left}", language),
                    right=_tell(f"source.{right}", language)), language)
        for left, right in zip(table["left"], table["right"], strict=True)
    ]  # fmt: skip
    ax.set_xlim(0, max(float(start.max()) if len(start) else 1.0, 1.0) * 1.12)
    ax.xaxis.set_major_formatter(lambda v, _: format_number(v, language))
    ax.set_xlabel(_tell("customers", language))
    ax.set_title(_tell("joins", language))
    ax.legend(
        frameon=False, loc="upper center", bbox_to_anchor=(0.5, -1.0 / max(len(pairs), 2)), ncols=3
    )
    _rows(ax, pairs, language)
    return ax


def draw_path_outcomes(
    table: pd.DataFrame,
    *,
    names: Mapping[str, str],
    currency: str = "",
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw the difference in an outcome by feature of the path, clearest first.

    Parameters
    ----------
    table : DataFrame
        As in ``PathOutcomes.table``, of one outcome. Dots with intervals: all customers (blue
        where it holds after correction); open diamonds: at alike numbers of contacts.
    """
    rows = table[table["estimate"].notna()].head(SHOWN)
    ax = new_axes(8.0, 1.9 + 0.34 * max(len(rows), 2)) if ax is None else ax
    place = np.arange(len(rows)) - 0.13
    million = currency != "" and rows["estimate"].abs().max() >= 1e6
    unit = 1e6 if million else 1.0
    held = rows["associated"].to_numpy(dtype=bool)
    for chosen, colour, key in ((held, PALETTE[0], "holds"), (~held, PALETTE[6], "open")):
        if not chosen.any():
            continue
        part = rows[chosen]
        ax.hlines(place[chosen], part["low"] / unit, part["high"] / unit, color=colour, linewidth=2)
        ax.scatter(part["estimate"] / unit, place[chosen], color=colour, s=34, zorder=3,
                   label=_tell(key, language))  # fmt: skip
    known = rows["alike"].notna().to_numpy()
    if known.any():
        part = rows[known]
        ax.hlines(place[known] + 0.3, part["alike_low"] / unit, part["alike_high"] / unit,
                  color=PALETTE[1], linewidth=1.2)  # fmt: skip
        ax.scatter(part["alike"] / unit, place[known] + 0.3, facecolor="white", marker="D", s=26,
                   edgecolor=PALETTE[1], zorder=3, label=_tell("alike", language))  # fmt: skip
    ax.axvline(0, color=INK, linewidth=1)
    labels = [
        label(_name(feature, of, names, language), language)
        for feature, of in zip(rows["feature"], rows["of"], strict=True)
    ]
    outcome = str(table["outcome"].iloc[0]) if len(table) else ""
    key = "difference_millions" if million else "difference_money" if currency else "difference"
    ax.set_xlabel(_tell(key, language, outcome=_outcome(outcome, language), currency=currency))
    ax.set_title(_tell("by_path", language))
    ax.xaxis.set_major_formatter(lambda v, _: format_number(v, language))
    ax.legend(
        frameon=False,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.5 / (0.34 * max(len(rows), 2))),
        ncols=3,
    )
    _rows(ax, labels, language)
    return ax


def _outcome(name: str, language: str) -> str:
    short = name.partition(".")[2]
    known = ("revenue", "value", "cost", "purchases", "rating")
    return (
        phrase(f"link.outcome.{short}", language) if short in known else short.replace("nps", "NPS")
    )


def _name(feature: str, of: str, names: Mapping[str, str], language: str) -> str:
    arrow = " ← " if language == "fa" else " → "
    said = arrow.join(names.get(part, part) for part in of.split(" > "))
    return phrase(f"link.{feature.replace(' ', '_')}", language, of=said)


def _annotate(ax: Axes, text: str, x: float, y: float, language: str) -> None:
    ax.annotate(
        text, (x, y), va="center", fontsize=8, color=MUTED, textcoords="offset points",
        xytext=(-5 if language == "fa" else 5, 0), ha="right" if language == "fa" else "left",
    )  # fmt: skip


def _rows(ax: Axes, labels: list[str], language: str) -> None:
    if not labels:
        say_empty(ax, language)
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(max(len(labels), 1) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    turn(ax, language)


def _tell(name: str, language: str, **values: Any) -> str:
    return label(phrase(f"link.{name}", language, **values), language)
