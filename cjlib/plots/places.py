"""Figures of where contacts lie: doors of stages, heat of elements, visits, ties, workload."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.plots.contacts import SHOWN, draw_bars
from cjlib.plots.journeys import digits, percent, percent_axis, say, tell, turn
from cjlib.plots.style import INK, PALETTE, label, new_axes

LINES = 24  # rows of the heat figure; the table has all


def draw_workload(
    table: pd.DataFrame, *, names: Mapping[str, str], language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw the share of contacts of each team.

    Parameters
    ----------
    table : DataFrame
        ``label, estimate, low, high``.
    """
    rows = table.head(SHOWN)
    ax = draw_bars(rows, [say(k, names, language) for k in rows["label"]], language=language, ax=ax)
    ax.set_xlabel(tell("share_of_contacts", language))
    ax.set_title(tell("workload.title", language))
    return ax


def draw_doors(
    table: pd.DataFrame, *, stage: str, names: Mapping[str, str], language: str = "en",
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw where a stage is entered (blue) and left (orange), most used first.

    Parameters
    ----------
    table : DataFrame
        ``side`` ("enter" or "leave"), ``touchpoint, estimate, low, high``, of one stage.
    """
    parts = [table[table["side"].eq(side)].head(SHOWN // 2) for side in ("enter", "leave")]
    rows = pd.concat(parts, ignore_index=True)
    labels = [
        label(f"{tell(f'doors.{side}', language)}: {names.get(place, place)}", language)
        for side, place in zip(rows["side"], rows["touchpoint"], strict=True)
    ]
    colours = [PALETTE[0] if side == "enter" else PALETTE[1] for side in rows["side"]]
    ax = draw_bars(rows, labels, language=language, colours=colours, ax=ax)
    ax.set_xlabel(tell("share_of_stays", language))
    ax.set_title(tell("doors.title", language, stage=stage))
    return ax


def draw_heat(
    table: pd.DataFrame, *, names: Mapping[str, str], language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw places indented by what they lie in; the larger the share, the darker.

    Parameters
    ----------
    table : DataFrame
        ``depth, touchpoint, element, estimate, low, high``, what lies inside right below.
    """
    rows = table.head(LINES)
    ax = new_axes(8.0, 1.4 + 0.32 * max(len(rows), 2)) if ax is None else ax
    place = np.arange(len(rows))
    share = rows["estimate"].to_numpy(dtype=float)
    known = np.nan_to_num(share)
    ax.barh(place, known, color=PALETTE[0], height=0.74)
    for bar, value in zip(ax.patches, known, strict=True):
        bar.set_alpha(0.2 + 0.8 * min(value, 1.0))
    low, high = (rows[c].to_numpy(dtype=float) for c in ("low", "high"))
    ax.hlines(place, low, high, color=INK, linewidth=1)
    for at, value in zip(place, share, strict=True):
        words = percent(value, language) if np.isfinite(value) else tell("too_few", language)
        start = high[at] if np.isfinite(high[at]) else 0.0
        ax.annotate(
            words, (start, at), xytext=(-4 if language == "fa" else 4, 0),
            textcoords="offset points", va="center", fontsize=8,
            ha="right" if language == "fa" else "left",
        )  # fmt: skip
    ax.set_yticks(
        place,
        [
            _indent(depth, names.get(place, place) if pd.isna(element) else element, language)
            for depth, place, element in zip(
                rows["depth"], rows["touchpoint"], rows["element"], strict=True
            )
        ],
    )
    ax.grid(visible=False, axis="y")
    for tick, depth in zip(ax.get_yticklabels(), rows["depth"], strict=True):
        tick.set_fontweight("bold" if depth == 0 else "normal")
    ax.set_ylim(len(rows) - 0.4, -0.6)
    percent_axis(ax, language)
    ax.set_xlim(0, 1.12)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1.0])
    ax.set_xlabel(tell("share_of_outer", language))
    ax.set_title(tell("heat.title", language))
    turn(ax, language)
    return ax


def _indent(depth: int, text: str, language: str) -> str:
    return label(f"{'· ' * depth}{text}", language)


def draw_visit_gaps(
    table: pd.DataFrame, *, used: float, language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw the number of visits by the pause that ends one, the one used marked.

    Parameters
    ----------
    table : DataFrame
        ``gap_minutes, visits``.
    """
    ax = new_axes(7.0, 3.6) if ax is None else ax
    gaps, visits = table["gap_minutes"].to_numpy(), table["visits"].to_numpy()
    ax.plot(gaps, visits, "o-", color=PALETTE[0])
    ax.axvline(used, color=PALETTE[1], linestyle="--", linewidth=1.4)
    ax.set_xscale("log")
    ax.set_ylim(0, visits.max() * 1.1)
    shown = [gap for gap in (5, 15, 30, 60, 240, 1440) if gaps.min() <= gap <= gaps.max()]
    ax.set_xticks(shown, [digits(f"{gap:g}", language) for gap in shown])
    ax.minorticks_off()
    ticks = [tick for tick in ax.get_yticks() if 0 <= tick <= visits.max() * 1.1]
    ax.set_yticks(ticks, [digits(f"{tick:,.0f}", language) for tick in ticks])
    ax.set_xlabel(tell("gap_minutes", language))
    ax.set_ylabel(tell("visits", language))
    ax.set_title(tell("gaps.title", language, gap=digits(f"{used:g}", language)))
    turn(ax, language)
    return ax


def draw_ties(table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw the number of different paths under each rule for contacts at one time.

    Parameters
    ----------
    table : DataFrame
        ``rule, variants``.
    """
    ax = new_axes(7.0, 1.4 + 0.36 * max(len(table), 2)) if ax is None else ax
    place = np.arange(len(table))
    values = table["variants"].to_numpy()
    ax.barh(place, values, color=PALETTE[0], height=0.7)
    for at, value in zip(place, values, strict=True):
        ax.annotate(
            digits(f"{value:,}", language), (value, at),
            xytext=(-4 if language == "fa" else 4, 0), textcoords="offset points",
            va="center", ha="right" if language == "fa" else "left", fontsize=8,
        )  # fmt: skip
    words = [tell(f"ties.{rule.replace(' ', '_')}", language) for rule in table["rule"]]
    ax.set_yticks(place, words)
    ax.grid(visible=False, axis="y")
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.set_xlim(0, values.max() * 1.18)
    ticks = [tick for tick in ax.get_xticks() if 0 <= tick <= values.max() * 1.18]
    ax.set_xticks(ticks, [digits(f"{tick:,.0f}", language) for tick in ticks])
    ax.set_xlabel(tell("variants", language))
    ax.set_title(tell("ties.title", language))
    turn(ax, language)
    return ax
