"""Figures of sub-paths, typical journeys, variety, cohorts and time to a stage."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from textwrap import wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from cjlib.language import format_number, phrase
from cjlib.plots.contacts import draw_bars, spell_path
from cjlib.plots.journeys import digits, percent, say_empty, tell, turn
from cjlib.plots.style import INK, PALETTE, RULE, label, new_axes
from cjlib.plots.value import draw_cohorts, draw_survival

SHOWN = 12  # rows of a figure; the tables have all
WIDE = 11.0  # inches, of a figure of typical journeys
LETTERS = 11  # of the names in its bands, to an inch
SHORTEST = 6  # letters: narrower bands have their names in the legend
TINTS = ("#8fc1de", "#f6cf85", "#8fd1bd", "#e8c2d8", "#b9def5", "#eeae86")  # PALETTE, lighter


def draw_subpaths(
    table: pd.DataFrame, *, names: Mapping[str, str], language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw the share of customers who hold each of the most frequent sub-paths.

    Parameters
    ----------
    table : DataFrame
        ``path`` (labels joined by " > "), ``estimate, low, high``.
    """
    rows = table.head(SHOWN)
    labels = [spell_path(path.split(" > "), names, language) for path in rows["path"]]
    ax = draw_bars(rows, labels, language=language, width=9.0, ax=ax)
    ax.set_xlabel(tell("share_of_customers", language))
    ax.set_title(tell("subpaths.title", language))
    return ax


def draw_subpath_contrast(
    table: pd.DataFrame,
    *,
    groups: tuple[str, str],
    names: Mapping[str, str],
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw by how much more often the first group holds each sub-path than the second.

    Parameters
    ----------
    table : DataFrame
        ``path, estimate, low, high, p_adjusted``; a difference clear after correction is
        blue, the others grey.
    """
    rows = table.head(SHOWN).sort_values("estimate", ascending=False, kind="stable")
    colours = [PALETTE[0] if p < 0.05 else PALETTE[6] for p in rows["p_adjusted"]]
    labels = [spell_path(path.split(" > "), names, language) for path in rows["path"]]
    ax = draw_bars(rows, labels, language=language, colours=colours, width=9.0, ax=ax)
    ax.axvline(0, color=INK, linewidth=1)
    one, two = (names.get(group, group) for group in groups)
    ax.set_xlabel(tell("contrast.axis", language, one=one, two=two))
    ax.set_title(tell("contrast.title", language))
    return ax


def draw_typical_journeys(
    table: pd.DataFrame,
    typical: pd.DataFrame,
    *,
    names: Mapping[str, str],
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw the typical journey of each cluster as a band of its labels, contact by contact.

    Parameters
    ----------
    table : DataFrame
        ``cluster, journeys, estimate``, one row per cluster.
    typical : DataFrame
        ``cluster, step, label``.
    """
    steps = int(typical["step"].max())
    ax = new_axes(WIDE, 1.6 + 0.62 * len(table)) if ax is None else ax
    common = list(typical["label"].value_counts().index[: len(TINTS)])
    nameless: dict[str, str] = {}
    for place, cluster in enumerate(table["cluster"]):
        at = 0
        for name, run in groupby(typical.loc[typical["cluster"].eq(cluster), "label"]):
            size = len(list(run))
            colour = TINTS[common.index(name)] if name in common else RULE
            ax.barh(place, size, left=at, height=0.72, color=colour, edgecolor="white",
                    linewidth=1.5)  # fmt: skip
            letters = int(size / steps * WIDE * LETTERS)
            if letters < SHORTEST:
                nameless[name] = colour
            else:
                text = "\n".join(wrap(names.get(name, name), letters)[:3])
                ax.text(at + size / 2, place, label(text, language), ha="center", va="center",
                        fontsize=7, color=INK)  # fmt: skip
            at += size
    labels = []
    for row in table.to_dict("records"):
        n = phrase("n_is", language, n=format_number(row["journeys"], language, decimals=0))
        share = "" if np.isnan(row["estimate"]) else f"{percent(row['estimate'], language)} "
        labels.append(label(f"{share}({n})", language))
    ax.set_yticks(range(len(table)), labels)
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.set_xlim(0, steps)
    _count_along(ax, language)
    ax.grid(visible=False)
    ax.set_xlabel(tell("contact", language))
    ax.set_title(tell("typical.title", language))
    if nameless:
        handles = [Patch(color=colour, label=label(names.get(name, name), language))
                   for name, colour in nameless.items() if name in common]  # fmt: skip
        if len(handles) < len(nameless):
            handles.append(Patch(color=RULE, label=tell("other", language)))
        ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.32), ncols=4,
                  frameon=False, fontsize="small")  # fmt: skip
    turn(ax, language)
    return ax


def draw_silhouettes(
    table: pd.DataFrame, *, k: int, language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw the mean silhouette for each number of clusters; the one taken is filled.

    Parameters
    ----------
    table : DataFrame
        ``k, silhouette``.
    k : int
    """
    ax = new_axes(5.5, 3.4) if ax is None else ax
    ax.plot(table["k"], table["silhouette"], "o-", color=PALETTE[0], markerfacecolor="white")
    taken = table[table["k"].eq(k)]
    ax.plot(taken["k"], taken["silhouette"], "o", color=PALETTE[0], markersize=9)
    ax.set_ylim(min(0.0, float(table["silhouette"].min())), 1)
    ax.yaxis.set_major_formatter(lambda value, _: format_number(value, language, decimals=1))
    _count_along(ax, language)
    ax.set_xlabel(tell("clusters", language))
    ax.set_ylabel(tell("silhouette", language))
    ax.set_title(tell("silhouettes.title", language))
    turn(ax, language)
    return ax


def draw_step_entropy(table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw how varied journeys are at each contact, with the interval.

    Parameters
    ----------
    table : DataFrame
        ``step, estimate, low, high``.
    """
    ax = new_axes(7.0, 3.6) if ax is None else ax
    if table["estimate"].isna().all():
        say_empty(ax, language)
    ax.fill_between(table["step"], table["low"], table["high"], color=PALETTE[0], alpha=0.18,
                    linewidth=0)  # fmt: skip
    ax.plot(table["step"], table["estimate"], "o-", color=PALETTE[0], markersize=4)
    ax.set_ylim(0, 1)
    ax.yaxis.set_major_formatter(lambda value, _: format_number(value, language, decimals=1))
    _count_along(ax, language)
    ax.set_xlabel(tell("contact", language))
    ax.set_ylabel(tell("entropy", language))
    ax.set_title(tell("entropy.title", language))
    turn(ax, language)
    return ax


def draw_journey_cohorts(
    table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw the share that came back, by month of the first contact and months since.

    Parameters
    ----------
    table : DataFrame
        ``cohort, age, customers, estimate``; cells not observed stay white.
    """
    everyone = table["cohort"].mask(table["cohort"].eq("all"), phrase("value.all", language))
    ax = draw_cohorts(table.assign(cohort=everyone), language=language, ax=ax)
    ax.set_xlabel(tell("months_since", language))
    ax.set_title(tell("cohorts.title", language))
    if ax.images:
        turn(ax, language)
    return ax


def draw_stage_survival(
    table: pd.DataFrame, *, goal: str, language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw the share not yet at the goal, by days since the start.

    Parameters
    ----------
    table : DataFrame
        ``group, time`` (days), ``estimate, low, high, n``.
    goal : str
        In the reader's words; empty for "elsewhere".
    """
    ax = draw_survival(table, names={}, language=language, ax=ax)
    ax.set_xlabel(tell("days_since", language))
    ax.set_ylabel(tell("not_there", language))
    where = goal or phrase("journeys.elsewhere", language)
    ax.set_title(tell("stage_survival.title", language, goal=where))
    turn(ax, language)
    return ax


def _count_along(ax: Axes, language: str) -> None:
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.xaxis.set_major_formatter(lambda value, _: digits(f"{value:.0f}", language))
