"""Figures of interviews: agreement, codes, saturation."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.language import phrase
from cjlib.plots.style import INK, MUTED, PALETTE, label, new_axes


def draw_agreement(
    table: pd.DataFrame,
    *,
    labels: dict[str, str] | None = None,
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw Krippendorff's alpha with its interval, one row per code, the best on top."""
    shown = table[(table["measure"] == "alpha") & table["estimate"].notna()]
    shown = pd.concat(
        [shown.iloc[:1], shown.iloc[1:].sort_values("estimate", ascending=False, kind="stable")]
    )
    ax = ax or new_axes(7, 1.4 + 0.32 * len(shown))
    rows = np.arange(len(shown))[::-1]
    ax.hlines(rows, shown["low"], shown["high"], color=PALETTE[0], linewidth=2)
    ax.plot(shown["estimate"], rows, "o", color=PALETTE[0])
    for value, key in ((0.667, "tentative"), (0.8, "reliable")):
        name = label(phrase(f"interviews.{key}", language), language)
        ax.axvline(value, color=MUTED, linewidth=1, linestyle="--")
        ax.annotate(
            name, (value, 1), xycoords=("data", "axes fraction"), xytext=(3, 3),
            textcoords="offset points", color=MUTED, fontsize=8,
        )  # fmt: skip
    ax.set_yticks(
        rows, [label((labels or {}).get(str(code), str(code)), language) for code in shown["code"]]
    )
    ax.set_ylim(-0.6, len(shown) - 0.4)
    ax.set_xlim(min(0.0, float(shown["low"].min(skipna=True) or 0.0)), 1.02)
    ax.set_xlabel(label(phrase("interviews.alpha", language), language))
    ax.grid(visible=False, axis="y")
    return ax


def draw_code_counts(
    table: pd.DataFrame,
    *,
    by: str = "",
    labels: dict[str, str] | None = None,
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
    ax.set_xlabel(label(phrase("interviews.mentions", language), language))
    ax.grid(visible=False, axis="y")
    if by:
        ax.legend(title=by, frameon=False, loc="lower right")
    return ax


def draw_saturation(
    table: pd.DataFrame, *, reached: float = float("nan"), ax: Axes | None = None
) -> Axes:
    """Draw the number of different codes after each interview, and in random orders."""
    ax = ax or new_axes()
    x = table["interviews"]
    ax.fill_between(
        x, table["low"], table["high"], color=PALETTE[4], alpha=0.3, linewidth=0,
        label="random orders",
    )  # fmt: skip
    ax.step(x, table["codes"], where="mid", color=PALETTE[0], marker="o", label="as held")
    if not np.isnan(reached):
        ax.axvline(reached, color=MUTED, linestyle="--", linewidth=1)
        ax.annotate(
            "saturated", (reached, 0), xycoords=("data", "axes fraction"), xytext=(4, 6),
            textcoords="offset points", color=MUTED, fontsize=9,
        )  # fmt: skip
    ax.set_ylim(bottom=0)
    ax.set_xlabel("Interviews")
    ax.set_ylabel("Different codes so far")
    ax.legend(frameon=False, loc="lower right")
    return ax
