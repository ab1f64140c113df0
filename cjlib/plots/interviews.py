"""Figures of interviews: agreement, codes, contrasts, saturation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.language import format_number, phrase
from cjlib.plots.style import INK, MUTED, PALETTE, label, new_axes


def draw_agreement(
    table: pd.DataFrame,
    *,
    measures: Sequence[str] = ("alpha",),
    labels: dict[str, str] | None = None,
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw agreement with its interval, one row per code; ordered by the first measure.

    The bounds .667 and .8 (Krippendorff) are drawn with alpha alone: they are not for others.
    """
    known = table[table["measure"].isin(list(measures)) & table["estimate"].notna()]
    shown = known[known["measure"] == measures[0]]
    shown = pd.concat(
        [shown.iloc[:1], shown.iloc[1:].sort_values("estimate", ascending=False, kind="stable")]
    )
    codes = list(dict.fromkeys([*shown["code"], *known["code"]]))
    several = len(measures) > 1
    ax = ax or new_axes(7, 1.4 + (0.46 if several else 0.32) * len(codes) + 0.5 * several)
    rows = np.arange(len(codes))[::-1]
    step = 0.7 / len(measures)
    for i, measure in enumerate(measures):
        part = known[known["measure"] == measure].set_index("code").reindex(codes)
        places = rows + (0.35 - step * (i + 0.5) if several else 0.0)
        colour = PALETTE[i % len(PALETTE)]
        ax.hlines(places, part["low"], part["high"], color=colour, linewidth=2)
        name = label(phrase(f"interviews.measure.{measure}", language), language)
        ax.plot(part["estimate"], places, "osD^v"[i % 5], color=colour, label=name)
    for value, key in () if several else ((0.667, "tentative"), (0.8, "reliable")):
        name = label(phrase(f"interviews.{key}", language), language)
        ax.axvline(value, color=MUTED, linewidth=1, linestyle="--")
        ax.annotate(
            name, (value, 1), xycoords=("data", "axes fraction"), xytext=(3, 3),
            textcoords="offset points", color=MUTED, fontsize=8,
        )  # fmt: skip
    names = {"all codes": phrase("interviews.all_codes", language)} | (labels or {})
    ax.set_yticks(rows, [label(names.get(str(code), str(code)), language) for code in codes])
    ax.set_ylim(-0.6, len(codes) - 0.4)
    ends = known[["low", "estimate"]].to_numpy(dtype=float)
    ax.set_xlim((min(0.0, float(np.nanmin(ends))) if len(known) else 0.0) - 0.02, 1.02)
    key = "alpha" if tuple(measures) == ("alpha",) else "agreement"
    ax.set_xlabel(label(phrase(f"interviews.{key}", language), language))
    ax.grid(visible=False, axis="y")
    if several:
        ax.legend(
            frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1), fontsize=9,
            borderaxespad=0.2, handletextpad=0.4, columnspacing=1.2,
        )  # fmt: skip
    return ax


def draw_contrasts(
    table: pd.DataFrame,
    *,
    labels: dict[str, str] | None = None,
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw the difference between two groups, one row per code, the widest on top.

    Filled: still told apart after correction; hollow: not. The first row of ``table`` names
    the groups. Codes without an interval are left out.
    """
    shown = table.dropna(subset=["low"]).sort_values("estimate", kind="stable")
    ax = ax or new_axes(7, 1.6 + 0.32 * max(1, len(shown)))
    rows = np.arange(len(shown))
    sure = shown["p_adjusted"].lt(1 - shown["level"]).to_numpy(dtype=bool)
    for keep, colour, face in ((sure, PALETTE[0], PALETTE[0]), (~sure, MUTED, "white")):
        part = shown[keep]
        ax.hlines(rows[keep], part["low"], part["high"], color=colour, linewidth=2)
        ax.plot(part["estimate"], rows[keep], "o", color=colour, markerfacecolor=face)
    ax.axvline(0, color=INK, linewidth=1)
    ax.set_yticks(
        rows, [label((labels or {}).get(str(code), str(code)), language) for code in shown["code"]]
    )
    ax.set_ylim(-0.6, max(1, len(shown)) - 0.4)
    ends = shown[["low", "high"]].abs().to_numpy(dtype=float)
    widest = min(1.0, float(ends.max()) + 0.05) if len(shown) else 1.0
    ax.set_xlim(-widest, widest)
    if len(table):
        first, other = (str(table[name].iloc[0]) for name in ("group", "other"))
        for name, place, side in ((f"{other}", 0.0, "left"), (f"{first}", 1.0, "right")):
            more = label(phrase("interviews.more", language, group=name), language)
            ax.annotate(
                more, (place, 1), xycoords="axes fraction", xytext=(0, 4), ha=side,
                textcoords="offset points", color=MUTED, fontsize=9,
            )  # fmt: skip
    ax.set_xlabel(label(phrase("interviews.difference", language), language))
    ax.grid(visible=False, axis="y")
    return ax


def draw_code_counts(
    table: pd.DataFrame,
    *,
    by: str = "",
    labels: dict[str, str] | None = None,
    unit: str = "interviews",
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw the share of interviews that mention each code, with intervals; groups side by side."""
    codes = list(dict.fromkeys(table.sort_values("mentions", ascending=False)["code"]))
    groups = list(dict.fromkeys(table[by])) if by else [""]
    ax = ax or new_axes(7, 1.4 + 0.3 * len(codes) * max(1.0, 0.6 * len(groups)))
    width = 0.8 / len(groups)
    for g, group in enumerate(groups):
        part = (table[table[by] == group] if by else table).set_index("code").reindex(codes)
        rows = np.arange(len(codes))[::-1] + 0.4 - width * (g + 0.5)
        colour = PALETTE[g % len(PALETTE)]
        share = part["estimate"].astype(float)
        ax.barh(rows, share.fillna(0), height=0.9 * width, color=colour, label=label(str(group)))
        ax.hlines(rows, part["low"].astype(float), part["high"].astype(float), color=INK)
    ax.set_yticks(
        np.arange(len(codes))[::-1],
        [label((labels or {}).get(str(code), str(code)), language) for code in codes],
    )
    ax.set_ylim(-0.6, len(codes) - 0.4)
    ax.set_xlim(0, 1)
    who = "interviews.mentions" if unit == "interviews" else "interviews.mentions_written"
    ax.set_xlabel(label(phrase(who, language), language))
    ax.grid(visible=False, axis="y")
    if by:
        ax.legend(title=by, frameon=False, loc="lower right")
    return ax


def draw_saturation(
    table: pd.DataFrame, *, reached: float = float("nan"), drawn: str = "orders",
    language: str = "en", ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw the number of different codes after each interview, and in other draws of them."""
    ax = ax or new_axes()
    x = table["interviews"]
    ax.fill_between(
        x, table["low"], table["high"], color=PALETTE[4], alpha=0.3, linewidth=0,
        label=label(phrase(f"interviews.drawn_{drawn}", language), language),
    )  # fmt: skip
    ax.step(
        x, table["codes"], where="mid", color=PALETTE[0], marker="o",
        label=label(phrase("interviews.as_held", language), language),
    )  # fmt: skip
    if not np.isnan(reached):
        ax.axvline(reached, color=MUTED, linestyle="--", linewidth=1)
        ax.annotate(
            label(phrase("interviews.saturated", language), language), (reached, 0),
            xycoords=("data", "axes fraction"), xytext=(-4 if language == "fa" else 4, 6),
            textcoords="offset points", color=MUTED, fontsize=9,
            ha="right" if language == "fa" else "left",
        )  # fmt: skip
    ax.set_ylim(bottom=0)
    ax.set_xlabel(label(phrase("interviews.held", language), language))
    ax.set_ylabel(label(phrase("interviews.codes_so_far", language), language))
    ax.xaxis.set_major_formatter(lambda value, _: format_number(value, language, decimals=0))
    ax.yaxis.set_major_formatter(lambda value, _: format_number(value, language, decimals=0))
    if language == "fa":
        ax.invert_xaxis()
        ax.yaxis.tick_right()
        ax.yaxis.set_label_position("right")
    ax.legend(frameon=False, loc="lower left" if language == "fa" else "lower right")
    return ax
