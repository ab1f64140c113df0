"""Figures of moves, steps, funnels and flows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from cjlib.language import phrase, to_persian_digits
from cjlib.plots.style import INK, MUTED, PALETTE, RULE, label, new_axes

OWN_WORDS = {"(ended)": "journeys.ended", "(left)": "journeys.left"}
WRITTEN = 14  # labels up to which the cells of a matrix carry their numbers


def draw_transitions(
    matrix: pd.DataFrame,
    *,
    names: Mapping[str, str],
    language: str = "en",
    shares: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw a from x to matrix as a heat map.

    Parameters
    ----------
    matrix : DataFrame
        Rows from, columns to; shares (0 to 1) or counts; missing cells stay blank.
    names : mapping of label to name
    language : "en" or "fa"
    shares : bool
        Whether the cells are shares, written as percent.
    """
    size = len(matrix)
    ax = new_axes(3.2 + 0.46 * size, 2.3 + 0.36 * size) if ax is None else ax
    _draw_cells(ax, matrix, language=language, shares=shares)
    ax.set_xticks(range(len(matrix.columns)), [say(k, names, language) for k in matrix.columns],
                  rotation=45, ha="right", rotation_mode="anchor")  # fmt: skip
    ax.set_yticks(range(size), [say(k, names, language) for k in matrix.index])
    ax.set_xlabel(tell("to", language))
    ax.set_ylabel(tell("from", language))
    ax.set_title(tell("transitions.title" if shares else "switches.title", language))
    turn(ax, language)
    if language == "fa":
        for tick in ax.get_xticklabels():
            tick.set(rotation=-45, ha="left")
    return ax


def draw_step_matrix(
    table: pd.DataFrame, *, names: Mapping[str, str], language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw the share of journeys at each label (rows) at each contact (columns).

    Parameters
    ----------
    table : DataFrame
        ``step, label, estimate``.
    """
    wide = table.pivot_table(index="label", columns="step", values="estimate", dropna=False)
    wide = wide.reindex([k for k in names if k in wide.index])
    ax = new_axes(3.0 + 0.62 * wide.shape[1], 1.7 + 0.34 * len(wide)) if ax is None else ax
    _draw_cells(ax, wide, language=language, shares=True)
    ax.set_xticks(range(wide.shape[1]), [digits(f"{step}", language) for step in wide.columns])
    ax.set_yticks(range(len(wide)), [say(k, names, language) for k in wide.index])
    ax.set_xlabel(tell("contact", language))
    ax.set_title(tell("steps.title", language))
    turn(ax, language)
    return ax


def _draw_cells(ax: Axes, matrix: pd.DataFrame, *, language: str, shares: bool) -> None:
    values = matrix.to_numpy(dtype=float)
    if not values.size:
        say_empty(ax, language)
        return
    top = np.nanmax(values) if np.isfinite(values).any() else 1.0
    ax.imshow(values, cmap="Blues", vmin=0, vmax=top, aspect="auto")
    ax.grid(visible=False)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    if values.shape[0] > WRITTEN:
        return
    for row, column in np.argwhere(np.isfinite(values)):
        value = values[row, column]
        text = percent(value, language) if shares else digits(f"{value:,.0f}", language)
        colour = "white" if value > 0.6 * top else INK
        ax.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)


def draw_funnel(
    table: pd.DataFrame, *, names: Mapping[str, str], language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw the share that reaches each stage with its interval; groups side by side.

    Parameters
    ----------
    table : DataFrame
        ``group, stage, journeys, estimate, low, high``.
    """
    groups = list(dict.fromkeys(table["group"]))
    stages = list(dict.fromkeys(table["stage"]))
    if ax is None:
        ax = new_axes(7.0, 1.6 + 0.34 * len(stages) * max(len(groups), 1.6))
    height = 0.8 / len(groups)
    for g, group in enumerate(groups):
        rows = table[table["group"].eq(group)].set_index("stage").loc[stages]
        place = np.arange(len(stages)) + (g - (len(groups) - 1) / 2) * height
        known = rows["estimate"].notna().to_numpy()
        share = rows["estimate"].fillna(0).to_numpy()
        error = np.nan_to_num([share - rows["low"], rows["high"] - share]).clip(min=0)
        ax.barh(place, share, height=height * 0.92, color=PALETTE[g % len(PALETTE)],
                label=label(str(group), language))  # fmt: skip
        ax.errorbar(share[known], place[known], xerr=error[:, known], fmt="none", ecolor=INK,
                    elinewidth=1, capsize=2)  # fmt: skip
        for y, row, ok in zip(place, rows.to_dict("records"), known, strict=True):
            count = digits(f"{row['journeys']:,}", language)
            text = f"{percent(row['estimate'], language)}  ({count})" if ok else f"({count})"
            end = row["high"] if ok else 0
            ax.annotate(label(text, language), (end, y), xytext=(-6 if language == "fa" else 6, 0),
                        textcoords="offset points", va="center", color=INK, fontsize=8,
                        ha="right" if language == "fa" else "left")  # fmt: skip
    ax.set_yticks(range(len(stages)), [say(s, names, language) for s in stages])
    ax.set_ylim(len(stages) - 0.4, -0.6)
    ax.set_xlim(0, 1.22)
    ax.set_xticks(np.arange(0, 1.01, 0.2))
    percent_axis(ax, language)
    ax.set_xlabel(tell("share_of_journeys", language))
    ax.set_title(tell("funnel.title", language))
    ax.grid(visible=False, axis="y")
    if len(groups) > 1:
        ax.legend(loc="lower right" if language == "en" else "lower left", frameon=True)
    turn(ax, language)
    return ax


def draw_journey_flow(
    table: pd.DataFrame,
    flows: pd.DataFrame,
    *,
    names: Mapping[str, str],
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw journeys as bands between stacked blocks, one stack per contact.

    Parameters
    ----------
    table : DataFrame
        ``step, label, journeys``: the blocks.
    flows : DataFrame
        ``step, from, to, journeys``: the bands from a step to the next.
    """
    steps = sorted(set(table["step"].tolist()))
    ax = new_axes(2.6 + 1.15 * len(steps), 4.6) if ax is None else ax
    present = set(table["label"])
    order = [name for name in names if name in present]
    colours = {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(order)}
    colours.update(dict.fromkeys(OWN_WORDS, RULE))
    total = float(table.loc[table["step"].eq(steps[0]), "journeys"].sum())
    base = _stack(table, order, total)
    out, into = dict(base), dict(base)
    half = 0.09
    for row in _ordered(flows, order).to_dict("records"):
        step, start, end = row["step"], row["from"], row["to"]
        source, target = (step, start), (step + 1, end)
        thick = row["journeys"] / total
        band = _band(step + half, step + 1 - half, out[source], into[target], thick)
        faint = 0.18 if start in OWN_WORDS else 0.42
        drawn = PathPatch(band, facecolor=colours[start], alpha=faint, linewidth=0)
        drawn.set_gid(f"band-{step}-{order.index(start)}-{order.index(end)}")
        ax.add_patch(drawn)
        out[source] += thick
        into[target] += thick
    for row in table.to_dict("records"):
        step, name, tall = row["step"], row["label"], row["journeys"] / total
        y = base[step, name]
        block = Rectangle((step - half, y), 2 * half, tall, color=colours[name], linewidth=0)
        block.set_gid(f"block-{step}-{order.index(name)}")
        ax.add_patch(block)
        if tall > 0.05:
            ink = INK if name in OWN_WORDS else "white"
            ax.text(step, y + tall / 2, percent(tall, language), ha="center", va="center",
                    fontsize=7, color=ink)  # fmt: skip
    handles = [Rectangle((0, 0), 1, 1, color=colours[name]) for name in order]
    ax.legend(handles, [say(name, names, language) for name in order], frameon=False, ncols=4,
              loc="upper center", bbox_to_anchor=(0.5, -0.2), fontsize=8)  # fmt: skip
    ax.set_xlim(steps[0] - 0.3, steps[-1] + 0.3)
    ax.set_ylim(_lowest(base, table, total) + 0.02, -0.02)
    ax.set_xticks(steps, [digits(f"{step}", language) for step in steps])
    ax.set_yticks([])
    ax.grid(visible=False)
    for side in ax.spines.values():
        side.set_visible(False)
    ax.set_xlabel(tell("contact", language))
    ax.set_title(tell("flow.title", language))
    if language == "fa":
        ax.invert_xaxis()
    return ax


def _stack(table: pd.DataFrame, order: list[str], total: float) -> dict[tuple[int, str], float]:
    """Top of each block, stacked downward in the labels' order with a small gap."""
    base: dict[tuple[int, str], float] = {}
    for step in sorted(set(table["step"].tolist())):
        rows = table[table["step"].eq(step)]
        sizes = dict(zip(rows["label"], rows["journeys"], strict=True))
        y = 0.0
        for name in order:
            if name in sizes:
                base[step, name] = y
                y += sizes[name] / total + 0.025
    return base


def _lowest(base: dict[tuple[int, str], float], table: pd.DataFrame, total: float) -> float:
    sizes = zip(table["step"], table["label"], table["journeys"], strict=True)
    return float(max(base[step, name] + count / total for step, name, count in sizes))


def _ordered(flows: pd.DataFrame, order: list[str]) -> pd.DataFrame:
    rank = {name: i for i, name in enumerate(order)}
    ranked = flows.assign(a=flows["from"].map(rank), b=flows["to"].map(rank))
    return ranked.sort_values(["step", "a", "b"], kind="stable")


def _band(left: float, right: float, y_left: float, y_right: float, thick: float) -> Path:
    middle = (left + right) / 2
    points = [
        (left, y_left), (middle, y_left), (middle, y_right), (right, y_right),
        (right, y_right + thick), (middle, y_right + thick), (middle, y_left + thick),
        (left, y_left + thick), (left, y_left),
    ]  # fmt: skip
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    return Path(points, codes)


def say(name: str, names: Mapping[str, str], language: str) -> str:
    """Return the reader's name of a label, with the direction of the language."""
    text = phrase(OWN_WORDS[name], language) if name in OWN_WORDS else names.get(name, name)
    return label(text, language)


def tell(name: str, language: str, **values: Any) -> str:
    """Return one of the journey phrases, with the direction of the language."""
    return label(phrase(f"journeys.{name}", language, **values), language)


def digits(text: str, language: str) -> str:
    """Return a number's text in the digits of the language."""
    return to_persian_digits(text).replace(",", "٬") if language == "fa" else text


def percent(share: float, language: str) -> str:
    """Return a share as whole percent, or with one decimal below ten."""
    text = f"{100 * share:.0f}" if share >= 0.0995 or share == 0 else f"{100 * share:.1f}"
    if language == "fa":
        return to_persian_digits(text.replace(".", "٫")) + "٪"
    return text + "%"


def say_empty(ax: Axes, language: str) -> None:
    """Write that there is nothing to show, in the middle of the axes."""
    ax.text(0.5, 0.5, tell("none", language), transform=ax.transAxes, ha="center", va="center",
            color=MUTED)  # fmt: skip


def percent_axis(ax: Axes, language: str) -> None:
    """Write the ticks of the x axis as percent."""
    ax.xaxis.set_major_formatter(
        lambda value, _: digits(f"{100 * value:.0f}", language) + ("٪" if language == "fa" else "%")
    )


def turn(ax: Axes, language: str) -> None:
    """Run a figure from the right where its language does."""
    if language != "fa":
        return
    ax.invert_xaxis()
    ax.yaxis.tick_right()
    ax.yaxis.set_label_position("right")
    ax.tick_params(axis="y", length=0)
    if ax.spines["left"].get_visible():
        ax.spines["right"].set_visible(True)
        ax.spines["left"].set_visible(False)
