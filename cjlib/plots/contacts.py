"""Figures of bars and points with intervals: paths, exits, loops, waits, beliefs, credit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.language import phrase
from cjlib.plots.journeys import digits, percent, percent_axis, say, say_empty, tell, turn
from cjlib.plots.style import INK, PALETTE, label, new_axes

SHOWN = 12  # rows of a figure; the tables have all
LONGEST = 5  # steps of a path that are written out
HOURS = {
    "second": 1 / 3600, "minute": 1 / 60, "hour": 1.0, "day": 24.0, "week": 168.0,
    "month": 720.0, "year": 8766.0,
}  # fmt: skip


def draw_variants(
    table: pd.DataFrame, *, names: Mapping[str, str], language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw the share of journeys on each of the most frequent paths.

    Parameters
    ----------
    table : DataFrame
        ``path`` (labels joined by " > "), ``estimate, low, high``.
    """
    rows = table.head(SHOWN)
    labels = [spell_path(path.split(" > "), names, language) for path in rows["path"]]
    ax = draw_bars(rows, labels, language=language, width=9.0, ax=ax)
    ax.set_xlabel(tell("share_of_journeys", language))
    ax.set_title(tell("variants.title", language))
    return ax


def spell_path(steps: Sequence[str], names: Mapping[str, str], language: str) -> str:
    """Return a path in the reader's names, its middle left out where it is long."""
    said = [names.get(step, step) for step in steps]
    if len(said) > LONGEST:
        said = [*said[: LONGEST - 1], "…", said[-1]]
    return label((" ← " if language == "fa" else " → ").join(said), language)


def draw_exits(
    table: pd.DataFrame, *, names: Mapping[str, str], language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw the share that ended at each label, or went there next.

    Parameters
    ----------
    table : DataFrame
        ``label, estimate, low, high``; with ``left`` it is about ends.
    """
    rows = table.head(SHOWN).sort_values("estimate", ascending=False, kind="stable")
    ends = "left" in table.columns
    ax = draw_bars(rows, [say(k, names, language) for k in rows["label"]], language=language, ax=ax)
    ax.set_xlabel(tell("share_of_visits" if ends else "share_of_journeys", language))
    ax.set_title(tell("exits.title" if ends else "after.title", language))
    return ax


def draw_elements(
    table: pd.DataFrame, *, names: Mapping[str, str], language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw the share of a touchpoint's visitors who use each element, most used first.

    Parameters
    ----------
    table : DataFrame
        ``touchpoint, element, clicks, estimate, low, high``.
    """
    rows = table.sort_values("clicks", ascending=False, kind="stable").head(SHOWN)
    rows = rows.sort_values("estimate", ascending=False, kind="stable")
    labels = [
        label(f"{names.get(place, place)}: {element}", language)
        for place, element in zip(rows["touchpoint"], rows["element"], strict=True)
    ]
    ax = draw_bars(rows, labels, language=language, ax=ax)
    ax.set_xlabel(tell("share_of_visitors", language))
    ax.set_title(tell("elements.title", language))
    return ax


def draw_belief(
    table: pd.DataFrame, *, names: Mapping[str, str], language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw the share of each lived move; believed ones in blue, others in orange.

    Parameters
    ----------
    table : DataFrame
        ``from, to, believed, estimate, low, high``.
    """
    rows = table.head(SHOWN)
    colours = [PALETTE[0] if believed else PALETTE[1] for believed in rows["believed"]]
    ax = draw_bars(rows, _moves(rows, names, language), language=language, colours=colours, ax=ax)
    ax.set_xlabel(tell("share_of_moves", language))
    ax.set_title(tell("belief.title", language))
    return ax


def _moves(rows: pd.DataFrame, names: Mapping[str, str], language: str) -> list[str]:
    return [
        spell_path([start, end], names, language)
        for start, end in zip(rows["from"], rows["to"], strict=True)
    ]


def draw_loops(
    table: pd.DataFrame, *, names: Mapping[str, str], language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw the extra contacts of the largest loops.

    Parameters
    ----------
    table : DataFrame
        ``kind, label, via, extra_contacts``.
    """
    rows = table.head(SHOWN)
    ax = new_axes(7.5, 1.4 + 0.34 * max(len(rows), 2)) if ax is None else ax
    labels = []
    for kind, place, via in zip(rows["kind"], rows["label"], rows["via"], strict=True):
        name = names.get(place, place)
        if via:
            name = phrase("journeys.via", language, label=name, via=names.get(via, via))
        what = phrase(f"journeys.kind.{kind.replace(' ', '_')}", language)
        labels.append(label(f"{name} ({what})", language))
    ax.barh(range(len(rows)), rows["extra_contacts"], color=PALETTE[0], height=0.7)
    ax.xaxis.set_major_formatter(lambda value, _: digits(f"{value:,.0f}", language))
    _finish(ax, labels, language)
    ax.set_xlabel(tell("extra", language))
    ax.set_title(tell("loops.title", language))
    return ax


def draw_waits(
    table: pd.DataFrame, *, names: Mapping[str, str], language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw median and 90th percentile of the moves with most waiting, on a log scale.

    Parameters
    ----------
    table : DataFrame
        ``from, to, median_hours, low, high, p90_hours, p90_low, p90_high``.
    """
    rows = table[table["median_hours"].notna()].head(SHOWN).reset_index(drop=True)
    ax = new_axes(8.0, 1.5 + 0.34 * max(len(rows), 2)) if ax is None else ax
    least = HOURS["second"]
    for columns, colour in (
        (("p90_hours", "p90_low", "p90_high"), PALETTE[4]),
        (("median_hours", "low", "high"), PALETTE[0]),
    ):
        value, low, high = (rows[c].clip(lower=least).to_numpy() for c in columns)
        place = np.arange(len(rows))
        ends = np.where(np.isfinite(high), high, value)
        ax.hlines(place, low, ends, color=colour, linewidth=3, alpha=0.6)
        ax.plot(value, place, "o", color=colour)
    ax.set_xscale("log")
    shown = rows[["median_hours", "low", "high", "p90_hours", "p90_low", "p90_high"]].to_numpy()
    shown = shown[np.isfinite(shown)].clip(min=least)
    span = (shown.min() / 1.6, shown.max() * 1.6) if len(shown) else (least, 1.0)
    units = {name: hours for name, hours in HOURS.items() if span[0] <= hours <= span[1]}
    ax.set_xlim(*span)
    ax.set_xticks(list(units.values()), [tell(f"unit.{name}", language) for name in units])
    ax.minorticks_off()
    _finish(ax, _moves(rows, names, language), language)
    ax.set_xlabel(tell("wait", language))
    ax.set_title(tell("waits.title", language))
    return ax


def draw_precursors(
    table: pd.DataFrame, *, names: Mapping[str, str], language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw by how much more often each label comes before the targets than before others.

    Parameters
    ----------
    table : DataFrame
        ``label, estimate, low, high, p_holm``; a difference clear after correction is blue.
    """
    rows = table.head(SHOWN)
    clear = (rows["p_holm"] < 0.05).to_numpy()
    colours = [PALETTE[0] if ok else PALETTE[6] for ok in clear]
    labels = [say(k, names, language) for k in rows["label"]]
    ax = draw_bars(rows, labels, language=language, colours=colours, ax=ax)
    ax.axvline(0, color=INK, linewidth=1)
    ax.set_xlabel(tell("difference", language))
    ax.set_title(tell("precede.title", language))
    return ax


def draw_attribution(
    table: pd.DataFrame, *, names: Mapping[str, str], language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw each channel's share of the purchases under each model, with intervals.

    Parameters
    ----------
    table : DataFrame
        ``model, channel, estimate, low, high``.
    """
    ax = _draw_models(table, names=names, language=language, ax=ax)
    ax.set_xlim(-0.01, table["high"].fillna(0).clip(lower=0.01).max() * 1.08)
    if language == "fa":
        ax.invert_xaxis()
    percent_axis(ax, language)
    ax.set_xlabel(label(phrase("attribution.axis", language), language))
    ax.set_title(label(phrase("attribution.title", language), language))
    return ax


def draw_returns(
    table: pd.DataFrame, *, names: Mapping[str, str], language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw each channel's return on spend under each model, with intervals.

    Parameters
    ----------
    table : DataFrame
        ``model, channel, estimate, low, high``; channels without a return are left out.
    """
    ax = _draw_models(table.dropna(subset=["estimate"]), names=names, language=language, ax=ax)
    percent_axis(ax, language)
    ax.axvline(0, color=INK, linewidth=1)
    ax.set_xlabel(label(phrase("returns.axis", language), language))
    ax.set_title(label(phrase("returns.title", language), language))
    return ax


MARKS: Final = "os^DvPX*"  # one for each model, beside its colour


def _draw_models(
    table: pd.DataFrame, *, names: Mapping[str, str], language: str, ax: Axes | None
) -> Axes:
    models = list(dict.fromkeys(table["model"]))
    mean = table.groupby("channel", sort=False)["estimate"].mean()
    channels = list(mean.sort_values(ascending=False, kind="stable").index)
    ax = new_axes(9.5, 2.0 + 0.9 * max(len(channels), 2)) if ax is None else ax
    for m, model in enumerate(models):
        rows = table[table["model"].eq(model)].set_index("channel").loc[channels]
        place = np.arange(len(channels)) + (m - (len(models) - 1) / 2) * 0.8 / len(models)
        colour = PALETTE[m % len(PALETTE)]
        ax.hlines(place, rows["low"], rows["high"], color=colour, linewidth=2)
        name = phrase(f"attribution.model.{model.replace(' ', '_')}", language)
        ax.plot(rows["estimate"], place, MARKS[m % len(MARKS)], color=colour, markersize=5,
                label=label(name, language))  # fmt: skip
    _finish(ax, [say(c, names, language) for c in channels], language)
    ax.legend(
        loc="upper right" if language == "fa" else "upper left",
        bbox_to_anchor=(-0.02, 1) if language == "fa" else (1.02, 1), frameon=False,
        markerfirst=language != "fa", alignment="right" if language == "fa" else "left",
    )  # fmt: skip
    return ax


def draw_bars(
    rows: pd.DataFrame,
    labels: Sequence[str],
    *,
    language: str,
    colours: Sequence[str] | None = None,
    width: float = 7.5,
    ax: Axes | None = None,
) -> Axes:
    """Bars of ``estimate`` with ``low`` to ``high``, the first row on top."""
    ax = new_axes(width, 1.5 + 0.34 * max(len(rows), 2)) if ax is None else ax
    place = np.arange(len(rows))
    share = rows["estimate"].fillna(0).to_numpy()
    ax.barh(place, share, color=PALETTE[0] if colours is None else list(colours), height=0.7)
    known = rows["estimate"].notna().to_numpy()
    error = np.array([share - rows["low"], rows["high"] - share])
    error = np.nan_to_num(error).clip(min=0)
    ax.errorbar(share[known], place[known], xerr=error[:, known], fmt="none", ecolor=INK,
                elinewidth=1, capsize=2)  # fmt: skip
    far = rows["high"].to_numpy()
    for y in place[known]:
        ax.annotate(
            percent_signed(share[y], language), (max(far[y], 0), y), va="center", fontsize=8,
            xytext=(-6 if language == "fa" else 6, 0), textcoords="offset points", color=INK,
            ha="right" if language == "fa" else "left",
        )  # fmt: skip
    top = np.nanmax(far) if known.any() else 1.0
    low = min(np.nanmin(rows["low"]) if known.any() else 0.0, 0.0)
    ax.set_xlim(low * 1.15, max(top, 0.01) * 1.15)
    percent_axis(ax, language)
    _finish(ax, labels, language)
    return ax


def percent_signed(share: float, language: str) -> str:
    """Return a share, or a difference of shares, as percent."""
    return ("−" if share < 0 else "") + percent(abs(share), language)


def _finish(ax: Axes, labels: Sequence[str], language: str) -> None:
    if not len(labels):
        say_empty(ax, language)
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    turn(ax, language)
