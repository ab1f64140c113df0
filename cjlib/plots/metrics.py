"""Figures of scores, comparisons, goals and the stage scorecard."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cjlib.plots.style import INK, MUTED, PALETTE, RULE, new_axes

REACHED_COLOURS = {
    "yes": PALETTE[2], "no": PALETTE[5], "cannot tell": PALETTE[1],
    "too few": PALETTE[6], "no source": PALETTE[6],
}  # fmt: skip


def draw_answers(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the share of each answer as a bar with its interval.

    Parameters
    ----------
    table : DataFrame
        ``answer, share, low, high, n``.
    """
    ax = new_axes() if ax is None else ax
    places = np.arange(len(table))
    error = [table["share"] - table["low"], table["high"] - table["share"]]
    ax.bar(places, table["share"], color=PALETTE[0], yerr=error, ecolor=INK, capsize=2)
    ax.set_xticks(places, [f"{answer:g}" for answer in table["answer"]])
    n = int(table["n"].iloc[0]) if len(table) else 0
    ax.set(xlabel="Answer", ylabel="Share of answers (0 to 1)", ylim=(0, None))
    ax.set_title(f"How often each answer was given (n = {n:,})")
    ax.grid(visible=False, axis="x")
    return ax


def draw_metrics(table: pd.DataFrame, *, by: Sequence[str], ax: Axes | None = None) -> Axes:
    """Draw one metric of every item and group as a point with its interval.

    Parameters
    ----------
    table : DataFrame
        ``metric, item, weighting, estimate, low, high`` and the columns of ``by``.
    by : sequence of str
        Group columns; a colour each.
    """
    rows = table[table["weighting"] == table["weighting"].iloc[-1]].reset_index(drop=True)
    ax = new_axes(7.0, 1.6 + 0.3 * len(rows)) if ax is None else ax
    groups = (
        rows[list(by)].astype(str).agg(" · ".join, axis=1)
        if by
        else pd.Series("all", index=rows.index)
    )
    names = list(dict.fromkeys(groups))
    for place, (row, group) in enumerate(zip(rows.itertuples(), groups, strict=True)):
        colour = PALETTE[names.index(group) % len(PALETTE)]
        if np.isnan(row.estimate):
            ax.text(0.01, place, "too few", transform=ax.get_yaxis_transform(), color=MUTED)
            continue
        ax.plot([row.low, row.high], [place, place], color=colour, linewidth=2)
        ax.plot([row.estimate], [place], "o", color=colour)
    labels = [
        f"{item} ({group})" if by else str(item)
        for item, group in zip(rows["item"], groups, strict=True)
    ]
    ax.set_yticks(range(len(rows)), labels)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    metric, level = str(rows["metric"].iloc[0]), float(rows["level"].iloc[0])
    ax.set(xlabel=f"{metric}, with {level:.0%} intervals", ylabel="")
    ax.set_title(f"{metric} by item" + (f" and {', '.join(by)}" if by else ""))
    ax.grid(visible=False, axis="y")
    return ax


def draw_differences(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw each difference with its interval against 0; those that hold in colour.

    Parameters
    ----------
    table : DataFrame
        ``metric, group, other, estimate, low, high, detectable, verdict`` and perhaps ``item``.
        Where several metrics stand together each is drawn in units of ``detectable``.
    """
    ax = new_axes(7.0, 1.6 + 0.32 * len(table)) if ax is None else ax
    ax.axvline(0, color=INK, linewidth=1)
    metrics = list(dict.fromkeys(table["metric"].astype(str)))
    labels = []
    for place, row in enumerate(table.to_dict("records")):
        unit = row["detectable"] if len(metrics) > 1 else 1.0  # metrics of different scales
        colour = PALETTE[0] if row["verdict"] == "differ" else MUTED
        item = f"{row['item']}: " if "item" in row else ""
        labels.append(f"{item}{row['group']} − {row['other']}")
        if np.isnan(row["low"]):
            ax.text(
                0.01, place, row["verdict"], transform=ax.get_yaxis_transform(), color=MUTED,
                va="center",
            )  # fmt: skip
            continue
        ends = [row["low"] / unit, row["high"] / unit]
        ax.plot(ends, [place, place], color=colour, linewidth=2)
        ax.plot([row["estimate"] / unit], [place], "o", color=colour)
        ax.annotate(
            f"{row['estimate']:+.2f}", (ends[1], place), xytext=(5, 0), va="center",
            textcoords="offset points", color=MUTED, fontsize="small",
        )  # fmt: skip
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.margins(x=0.12)
    what = (
        "Difference ÷ smallest one this study could find"
        if len(metrics) > 1
        else f"Difference in {metrics[0] if metrics else ''}"
    )
    ax.set(xlabel=f"{what}, with intervals", ylabel="")
    ax.set_title("Blue: differs after correction for many looks")
    ax.grid(visible=False, axis="y")
    return ax


def draw_goals(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw each goal's value and interval as a share of its target (the line at 1).

    Parameters
    ----------
    table : DataFrame
        ``business, kpi, target, better, estimate, low, high, reached``.
    """
    ax = new_axes(8.0, 1.4 + 0.6 * len(table)) if ax is None else ax
    ax.axvline(1, color=INK, linewidth=1.2)
    labels = []
    for place, row in enumerate(table.to_dict("records")):
        sign = "≤" if row["better"] == "lower" else "≥"
        labels.append(f"{row['business']}\n{row['kpi']} {sign} {row['target']:g}")
        colour = REACHED_COLOURS[row["reached"]]
        if np.isnan(row["estimate"]) or row["target"] == 0:
            ax.text(
                0.02, place, row["reached"], transform=ax.get_yaxis_transform(), color=colour,
                va="center",
            )  # fmt: skip
            continue
        ends = [row[c] / row["target"] for c in ("low", "high")]
        ax.plot(ends, [place, place], color=colour, linewidth=3, solid_capstyle="butt")
        value = row["estimate"] / row["target"]
        ax.plot([value], [place], "o", color=colour, markersize=8)
        top = np.nanmax([value, *ends])
        ax.annotate(
            f"{row['estimate']:.3g}: {row['reached']}", (top, place), xytext=(7, 0),
            textcoords="offset points", va="center", color=INK, fontsize="small",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )  # fmt: skip
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.margins(x=0.25)
    ax.set(xlabel="Value ÷ target (line: the target)", ylabel="")
    ax.set_title("Which goals are reached")
    ax.grid(visible=False, axis="y")
    return ax


def draw_scorecard(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the stage scorecard: one row per stage, a cell per KPI, hatched where missing.

    Parameters
    ----------
    table : DataFrame
        ``stage, kpi, estimate, low, high, unit, method``, in journey order.
    """
    stages = list(dict.fromkeys(table["stage"]))
    widest = int(table.groupby("stage").size().max()) if len(table) else 1
    ax = new_axes(2.2 * widest + 1.4, 0.9 * len(stages) + 0.8) if ax is None else ax
    ax.grid(visible=False)
    for y, stage in enumerate(stages):
        rows = table[table["stage"] == stage].to_dict("records")
        for x, row in enumerate(rows):
            missing = np.isnan(row["estimate"])
            fill, hatch = ("#ffffff", "////") if missing else ("#eef3f8", "")
            ax.add_patch(_cell(x, y, hatch=hatch, fill=fill))
            why = "no source" if row["method"] == "no source" else "not known"
            text = why if missing else _figure(row["estimate"], row["unit"])
            ax.text(x + 0.5, y + 0.3, row["kpi"], ha="center", va="center", color=MUTED,
                    fontsize="small")  # fmt: skip
            ax.text(x + 0.5, y + 0.56, text, ha="center", va="center", fontweight="bold",
                    color=MUTED if missing else INK)  # fmt: skip
            if not missing and not np.isnan(row["low"]):
                ends = f"{_figure(row['low'], row['unit'])} to {_figure(row['high'], row['unit'])}"
                ax.text(x + 0.5, y + 0.8, ends, ha="center", va="center", color=MUTED,
                        fontsize="x-small")  # fmt: skip
    ax.set(xlim=(0, widest), ylim=(len(stages), 0), xticks=[])
    ax.set_yticks(np.arange(len(stages)) + 0.5, stages)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_title("KPIs of each stage, with intervals")
    return ax


def _cell(x: float, y: float, *, hatch: str, fill: str) -> Rectangle:
    return Rectangle(
        (x + 0.03, y + 0.08), 0.94, 0.84, facecolor=fill, edgecolor=RULE, hatch=hatch, linewidth=1
    )


def _figure(value: float, unit: str) -> str:
    if unit == "share":
        return f"{100 * value:.1f} %"
    if unit == "points":
        return f"{value:+.0f}"
    if unit == "count":
        return f"{value:,.0f}"
    if abs(value) >= 1e6:
        return f"{value / 1e6:,.1f} M"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"
