"""Figures of the survey: who was removed, how people answered, what cleaning changes."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from cjlib.language import format_number, phrase
from cjlib.plots.style import INK, MUTED, PALETTE, RULE, label, new_axes

BOX: Final = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": PALETTE[0]}
OUT: Final = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": RULE}


def draw_flow(flow: pd.DataFrame, *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw the way from rows read to rows analysed, a branch for each rule.

    Parameters
    ----------
    flow : DataFrame
        step, threshold, hit, removed, rows; the first step is "read", the last "analysed".
    language : "en" or "fa"
    ax : Axes, optional
    """
    ax = ax or new_axes(6.4, 0.75 * len(flow) + 0.6)
    side = -1 if language == "fa" else 1
    last = len(flow) - 1
    steps = zip(flow["step"], flow["hit"], flow["removed"], flow["rows"], strict=True)
    for place, (step, hit, removed, rows) in enumerate(steps):
        y = last - place
        if place in (0, last):
            text = _say(f"survey.flow.{step}", language, rows=rows)
            ax.text(0, y, text, ha="center", va="center", fontweight="bold", color=INK, bbox=BOX)
        else:
            said = _say(f"survey.flow.{step}", language, rows=removed)
            limit = phrase("survey.flow.also", language, hit=_count(hit, language))
            extra = "" if hit == removed else f"\n{label(limit, language)}"
            ax.plot([0, side * 0.9], [y, y], color=MUTED, linewidth=1, zorder=1)
            ax.text(
                side, y, said + extra, ha="right" if side < 0 else "left", va="center",
                fontsize=9, color=INK if removed else MUTED, bbox=OUT,
            )  # fmt: skip
    ax.annotate(
        "", (0, 0.3), (0, last - 0.3),
        arrowprops={"arrowstyle": "-|>", "color": MUTED, "shrinkA": 0, "shrinkB": 0}, zorder=0,
    )  # fmt: skip
    ax.set_xlim(*sorted((-side * 1.2, side * 4.6)))
    ax.set_ylim(-0.6, last + 0.6)
    ax.axis("off")
    ax.set_title(label(phrase("survey.flow.title", language), language))
    return ax


def draw_quality(
    quality: pd.DataFrame,
    *,
    seconds: float | None = None,
    run: float | None = None,
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw each respondent by speed and by the longest run of equal answers.

    Parameters
    ----------
    quality : DataFrame
        seconds_per_item, longstring_share, removed. Without durations the runs alone are
        drawn, as counts of respondents.
    seconds, run : float, optional
        Limits of the rule, drawn as lines.
    language : "en" or "fa"
    ax : Axes, optional
    """
    ax = ax or new_axes(7, 4.5)
    share, gone = quality["longstring_share"], quality["removed"]
    runs = label(phrase("survey.quality.run", language), language)
    if quality["seconds_per_item"].notna().any():
        speed = quality["seconds_per_item"]
        for rows, name, colour, mark in (
            (~gone, "survey.kept", PALETTE[4], "o"),
            (gone, "survey.removed", PALETTE[5], "x"),
        ):
            ax.scatter(
                speed[rows], share[rows], s=16, c=colour, marker=mark, alpha=0.6, linewidths=1,
                label=_say(name, language, rows=int(rows.sum())),
            )  # fmt: skip
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(lambda value, _: format_number(value, language))
        ax.xaxis.set_minor_formatter(lambda value, _: "")
        ax.set_xlabel(label(phrase("survey.quality.seconds", language), language))
        ax.set_ylabel(runs)
        ax.yaxis.set_major_formatter(_percent(language))
        if seconds is not None:
            ax.axvline(seconds, color=MUTED, linestyle="--", linewidth=1)
        if run is not None:
            ax.axhline(run, color=MUTED, linestyle="--", linewidth=1)
    else:
        bins = [b / 20 for b in range(21)]
        parts = [share[~gone].dropna(), share[gone].dropna()]
        names = [
            _say("survey.kept", language, rows=int((~gone).sum())),
            _say("survey.removed", language, rows=int(gone.sum())),
        ]
        ax.hist(parts, bins=bins, stacked=True, color=[PALETTE[4], PALETTE[5]], label=names)
        ax.set_xlabel(runs)
        ax.xaxis.set_major_formatter(_percent(language))
        ax.set_ylabel(label(phrase("respondents", language), language))
        if run is not None:
            ax.axvline(run, color=MUTED, linestyle="--", linewidth=1)
    ax.set_title(label(phrase("survey.quality.title", language), language))
    ax.legend(frameon=True, framealpha=0.9)
    return ax


def draw_rules(table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw the respondents each rule hits, the dark part hit by no other rule in use.

    Parameters
    ----------
    table : DataFrame
        rule, used, known, hit, alone, limit; rules whose index nobody has are named, without
        a bar.
    language : "en" or "fa"
    ax : Axes, optional
    """
    ax = ax or new_axes(7.4, 0.42 * len(table) + 1.5)
    y = np.arange(len(table))
    used = table["used"].to_numpy(dtype=bool)
    for rows, light, dark, name in (
        (used, PALETTE[4], PALETTE[0], "used"), (~used, RULE, MUTED, "unused"),
    ):  # fmt: skip
        if rows.any():
            for column, colour, part in (("hit", light, "hit"), ("alone", dark, "alone")):
                ax.barh(
                    y[rows], table.loc[rows, column], color=colour, height=0.65,
                    label=label(phrase(f"survey.rules.{name}.{part}", language), language),
                )  # fmt: skip
    most = max(int(table["hit"].max()), 1)
    side = "right" if language == "fa" else "left"
    for place, (hit, known) in enumerate(zip(table["hit"], table["known"], strict=True)):
        said = _count(hit, language) if known else phrase("survey.rules.unknown", language)
        ax.text(
            hit + 0.01 * most, place, label(said, language), va="center", ha=side, fontsize=9,
            color=INK if known else MUTED,
        )  # fmt: skip
    names = [phrase(f"survey.rule.{rule}", language) for rule in table["rule"]]
    ax.set_yticks(y, [label(name, language) for name in names])
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set_xlim(0, 1.12 * most)
    ax.grid(axis="y", visible=False)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.xaxis.set_major_formatter(lambda value, _: format_number(value, language))
    ax.set_xlabel(label(phrase("respondents", language), language))
    ax.set_title(label(phrase("survey.rules.title", language), language))
    if language == "fa":
        ax.invert_xaxis()
        ax.yaxis.tick_right()
        ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, frameon=False,
        markerfirst=language != "fa",
    )  # fmt: skip
    return ax


def draw_cleaning(table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw each headline number under each cleaning rule, as its distance from the chosen one.

    Parameters
    ----------
    table : DataFrame
        metric, wave, cleaning, and ``distance`` from the chosen rule's number in half-widths
        of its interval, so that scores on different scales share an axis.
    language : "en" or "fa"
    ax : Axes, optional
    """
    key = ["metric", "wave"]
    known = table[table["distance"].notna()].set_index(key)
    names = known.index.unique()
    ax = ax or new_axes(7, 0.45 * len(names) + 1.6)
    ax.axvspan(-1, 1, color=RULE, alpha=0.5, linewidth=0)
    for shift, rule, colour, mark in (
        (-0.15, "none", PALETTE[1], "s"),
        (0.0, "chosen", PALETTE[0], "o"),
        (0.15, "stricter", PALETTE[2], "^"),
    ):
        distance = known.loc[known["cleaning"].eq(rule), "distance"].reindex(names)
        ax.plot(
            distance, np.arange(len(names)) + shift, mark, color=colour,
            label=label(phrase(f"survey.cleaning.{rule}", language), language),
        )  # fmt: skip
    ax.set_yticks(np.arange(len(names)), [f"{metric} ({wave})" for metric, wave in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlabel(label(phrase("survey.cleaning.axis", language), language))
    ax.set_title(label(phrase("survey.cleaning.title", language), language))
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return ax


def draw_code_shares(
    table: pd.DataFrame,
    *,
    title: str = "",
    language: str = "en",
    ax: Axes | None = None,
    most: int = 15,
) -> Axes:
    """Draw the share of respondents per code with its interval, the most frequent on top.

    Parameters
    ----------
    table : DataFrame
        label, estimate, low, high, n; rows without an estimate are not drawn.
    title : str
    language : "en" or "fa"
    ax : Axes, optional
    most : int
        Codes drawn at most.
    """
    known = table[table["estimate"].notna()].head(most)
    ax = ax or new_axes(7, 0.36 * max(len(known), 3) + 1.4)
    y = np.arange(len(known))
    low, high = known["estimate"] - known["low"], known["high"] - known["estimate"]
    ax.barh(y, known["estimate"], color=PALETTE[4], height=0.65)
    ax.errorbar(known["estimate"], y, xerr=[low, high], fmt="none", ecolor=INK, elinewidth=1)
    ax.set_yticks(y, [label(_short(str(text)), language) for text in known["label"]])
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.xaxis.set_major_formatter(_percent(language))
    n = int(known["n"].iloc[0]) if len(known) else 0
    said = phrase("survey.codes.axis", language, n=_count(n, language))
    ax.set_xlabel(label(said, language))
    if language == "fa":
        ax.invert_xaxis()
        ax.yaxis.tick_right()
        ax.spines[["left", "right"]].set_visible(False)
    ax.set_title(label(title, language))
    return ax


def _say(name: str, language: str, *, rows: int) -> str:
    return label(phrase(name, language, rows=_count(rows, language)), language)


def _count(value: int, language: str) -> str:
    return format_number(int(value), language)


def _percent(language: str) -> FuncFormatter:
    sign = "٪" if language == "fa" else "%"
    return FuncFormatter(lambda value, _: format_number(100 * value, language) + sign)


def _short(text: str, longest: int = 48) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
