"""Figures of scores, comparisons, goals and the stage scorecard, in either language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cjlib.language import format_number, phrase
from cjlib.plots.journeys import turn
from cjlib.plots.style import INK, MUTED, PALETTE, RULE, label, new_axes

LRM = "\u200e"  # keeps a sign in front of its number amid Persian
REACHED_COLOURS = {
    "yes": PALETTE[2], "no": PALETTE[5], "cannot tell": PALETTE[1],
    "too few": PALETTE[6], "no source": PALETTE[6],
}  # fmt: skip


def draw_answers(table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw the share of each answer as a bar with its interval.

    Parameters
    ----------
    table : DataFrame
        ``answer, share, low, high, n``.
    language : "en" or "fa"
    """
    ax = new_axes() if ax is None else ax
    places = np.arange(len(table))
    error = [table["share"] - table["low"], table["high"] - table["share"]]
    ax.bar(places, table["share"], color=PALETTE[0], yerr=error, ecolor=INK, capsize=2)
    ax.set_xticks(places, [format_number(answer, language) for answer in table["answer"]])
    n = format_number(int(table["n"].iloc[0]) if len(table) else 0, language)
    ax.set(xlabel=_say("answer", language), ylabel=_say("share_of_answers", language))
    ax.set_ylim(0, None)
    ax.set_title(_say("how_often", language, n=n))
    ax.yaxis.set_major_formatter(lambda v, _: format_number(v, language))
    ax.grid(visible=False, axis="x")
    return ax


def draw_metrics(
    table: pd.DataFrame,
    *,
    by: Sequence[str],
    names: Mapping[str, str],
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw one metric of every item and group as a point with its interval.

    Parameters
    ----------
    table : DataFrame
        ``metric, label, weighting, estimate, low, high, level`` and the columns of ``by``;
        where a figure stands weighted and unweighted, the weighted one is drawn.
    by : sequence of str
        Group columns; a colour each.
    names : mapping of group to its name for readers
    language : "en" or "fa"
    """
    rows = table[table["weighting"] == table["weighting"].iloc[-1]].reset_index(drop=True)
    ax = new_axes(7.0, 1.6 + 0.3 * len(rows)) if ax is None else ax
    groups = (
        rows[list(by)].astype(str).replace(dict(names)).agg(" · ".join, axis=1)
        if by
        else pd.Series("", index=rows.index)
    )
    colours = list(dict.fromkeys(groups))
    labels = []
    for place, (row, group) in enumerate(zip(rows.to_dict("records"), groups, strict=True)):
        colour = PALETTE[colours.index(group) % len(PALETTE)]
        labels.append(label(f"{row['label']} ({group})" if by else str(row["label"]), language))
        if np.isnan(row["estimate"]):
            _note(ax, place, _say("reached.too_few", language), language)
            continue
        ax.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=2)
        ax.plot([row["estimate"]], [place], "o", color=colour)
    _list_rows(ax, labels)
    metric = _say(str(rows["metric"].iloc[0]), language)
    level = format_number(100 * float(rows["level"].iloc[0]), language)
    percent = f"{level}٪" if language == "fa" else f"{level} %"
    ax.set_xlabel(_say("by_item", language, metric=metric, level=percent))
    ax.set_title(metric)
    ax.xaxis.set_major_formatter(lambda v, _: format_number(v, language))
    turn(ax, language)
    return ax


def draw_differences(
    table: pd.DataFrame,
    *,
    names: Mapping[str, str],
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw each difference with its interval against 0; those that hold in colour.

    Parameters
    ----------
    table : DataFrame
        ``metric, group, other, estimate, low, high, detectable, verdict`` and perhaps
        ``label``. Where several metrics stand together each is drawn in units of
        ``detectable``.
    names : mapping of group to its name for readers
    language : "en" or "fa"
    """
    metrics = list(dict.fromkeys(table["metric"].astype(str)))
    labels = []
    for row in table.to_dict("records"):
        named = "label" in row and not pd.isna(row["label"])
        item = f"{names.get(row['label'], row['label'])}: " if named else ""
        if len(metrics) > 1:
            kpi = phrase(f"kpi.{row['metric'].partition('_')[0]}", language)
            comma = "، " if language == "fa" else ", "
            if not named:
                item = f"{kpi}: "
            elif row["label"] not in names:  # a name for readers says the metric itself
                item = f"{kpi}{comma}{item}"
        mine, theirs = (names.get(row[c], row[c]) for c in ("group", "other"))
        labels.append(label(f"{item}{mine} − {theirs}", language))
    if ax is None:
        ax = new_axes(4.2 + 0.075 * max(map(len, labels), default=0), 1.6 + 0.32 * len(table))
    ax.axvline(0, color=INK, linewidth=1)
    for place, row in enumerate(table.to_dict("records")):
        unit = row["detectable"] if len(metrics) > 1 else 1.0  # metrics of different scales
        colour = PALETTE[0] if row["verdict"] == "differ" else MUTED
        if np.isnan(row["low"]):
            _note(ax, place, _reached(row["verdict"], language), language)
            continue
        ends = [row["low"] / unit, row["high"] / unit]
        ax.plot(ends, [place, place], color=colour, linewidth=2)
        ax.plot([row["estimate"] / unit], [place], "o", color=colour)
        sign = "+" if row["estimate"] > 0 else ""
        text = sign + format_number(row["estimate"], language, decimals=2)
        ax.annotate(LRM + text, (ends[1], place), color=MUTED, **_beside(language, 5))
    _list_rows(ax, labels)
    ax.margins(x=0.12)
    if len(metrics) == 1:
        known = f"metrics.{metrics[0]}" in _KNOWN
        metric = _say(metrics[0], language) if known else metrics[0]
        ax.set_xlabel(_say("difference_in", language, metric=metric))
    else:
        ax.set_xlabel(_say("difference_relative", language))
    ax.set_title(_say("differs", language))
    ax.xaxis.set_major_formatter(lambda v, _: format_number(v, language))
    turn(ax, language)
    return ax


_KNOWN = {
    f"metrics.{name}"
    for name in ("nps", "csat_mean", "csat_top_box", "ces_mean", "ces_easy_share", "ces_net_ease")
}


def draw_goals(table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw each goal's value and interval as a share of its target (the line at 1).

    Parameters
    ----------
    table : DataFrame
        ``business, label, target, better, unit, estimate, low, high, reached``.
    language : "en" or "fa"
    """
    ax = new_axes(8.0, 1.4 + 0.6 * len(table)) if ax is None else ax
    ax.axvline(1, color=INK, linewidth=1.2)
    labels = []
    for place, row in enumerate(table.to_dict("records")):
        sign = "≤" if row["better"] == "lower" else "≥"
        target = _figure(row["target"], row["unit"], language)
        labels.append(
            f"{label(row['business'], language)}\n{label(row['label'], language)} {sign} {target}"
        )
        colour, outcome = REACHED_COLOURS[row["reached"]], _reached(row["reached"], language)
        if np.isnan(row["estimate"]) or row["target"] == 0:
            _note(ax, place, outcome, language)
            continue
        ends = [row[c] / row["target"] for c in ("low", "high")]
        ax.plot(ends, [place, place], color=colour, linewidth=3, solid_capstyle="butt")
        value = row["estimate"] / row["target"]
        ax.plot([value], [place], "o", color=colour, markersize=8)
        shown = f"{LRM}{_figure(row['estimate'], row['unit'], language)}{LRM}"
        text = f"{shown}: {outcome}"
        ax.annotate(
            label(text, language), (np.nanmax([value, *ends]), place), color=INK,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1}, **_beside(language, 9),
        )  # fmt: skip
    _list_rows(ax, labels)
    ax.margins(x=0.4)
    ax.set_xlabel(_say("value_to_target", language))
    ax.set_title(_say("goals", language))
    ax.xaxis.set_major_formatter(lambda v, _: format_number(v, language))
    turn(ax, language)
    return ax


def draw_scorecard(table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw the stage scorecard: one row per stage, a cell per KPI, hatched where missing.

    Parameters
    ----------
    table : DataFrame
        ``stage, stage_label, label, estimate, low, high, unit, method``, in journey order.
    language : "en" or "fa"
        In Persian the first cell stands at the right.
    """
    stages = dict(zip(table["stage"], table["stage_label"], strict=True))
    widest = int(table.groupby("stage").size().max()) if len(table) else 1
    ax = new_axes(2.2 * widest + 1.4, 0.9 * len(stages) + 0.8) if ax is None else ax
    ax.grid(visible=False)
    for y, stage in enumerate(stages):
        for x, row in enumerate(table[table["stage"] == stage].to_dict("records")):
            _draw_cell(ax, x, y, row, language)
    ax.set(xlim=(0, widest), ylim=(len(stages), 0), xticks=[])
    ax.set_yticks(np.arange(len(stages)) + 0.5, [label(s, language) for s in stages.values()])
    if language == "fa":
        ax.invert_xaxis()
        ax.yaxis.tick_right()
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_title(_say("scorecard", language))
    return ax


def _draw_cell(ax: Axes, x: int, y: int, row: dict[str, Any], language: str) -> None:
    missing = bool(np.isnan(row["estimate"]))
    fill, hatch = ("#ffffff", "////") if missing else ("#eef3f8", "")
    ax.add_patch(
        Rectangle((x + 0.03, y + 0.08), 0.94, 0.84, facecolor=fill, edgecolor=RULE, hatch=hatch)
    )
    why = "no source" if row["method"] == "no source" else "not known"
    text = _reached(why, language) if missing else _figure(row["estimate"], row["unit"], language)
    middle: dict[str, Any] = {"ha": "center", "va": "center"}
    ax.text(
        x + 0.5, y + 0.3, label(row["label"], language), color=MUTED, fontsize="small", **middle
    )
    ax.text(x + 0.5, y + 0.56, text, fontweight="bold", color=MUTED if missing else INK, **middle)
    if not missing and not np.isnan(row["low"]):
        low, high = (_figure(row[c], row["unit"], language) for c in ("low", "high"))
        ends = _say("range", language, low=low, high=high)
        ax.text(x + 0.5, y + 0.8, ends, color=MUTED, fontsize="x-small", **middle)


def _list_rows(ax: Axes, labels: Sequence[str]) -> None:
    ax.set_yticks(range(len(labels)), list(labels))
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")


def _note(ax: Axes, place: int, text: str, language: str) -> None:
    start = 0.98 if language == "fa" else 0.02
    ax.text(
        start, place, text, transform=ax.get_yaxis_transform(), color=MUTED, va="center",
        ha="right" if language == "fa" else "left",
    )  # fmt: skip


def _beside(language: str, points: float) -> dict[str, Any]:
    """Return where a text stands that follows a bar's end in the direction of reading."""
    side = {"xytext": (-points, 0), "ha": "right"} if language == "fa" else {"xytext": (points, 0)}
    return side | {"textcoords": "offset points", "va": "center", "fontsize": "small"}


def _say(name: str, language: str, **values: Any) -> str:
    return label(phrase(f"metrics.{name}", language, **values), language)


def _reached(verdict: str, language: str) -> str:
    return _say(f"reached.{verdict.replace(' ', '_')}", language)


def _figure(value: float, unit: str, language: str) -> str:
    if unit == "share":
        share = format_number(100 * value, language, decimals=1 if abs(value) >= 0.01 else 2)
        return f"{share}٪" if language == "fa" else f"{share} %"
    if unit in ("count", "points") or abs(value) >= 100:
        return format_number(value, language, decimals=0)
    return format_number(value, language, decimals=2)
