"""Figures of what customers do next: calibration, and models beside the simple baselines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.language import format_number, phrase
from cjlib.plots.journeys import percent, percent_axis, say_empty, turn
from cjlib.plots.style import INK, MUTED, PALETTE, label, new_axes


def draw_next_calibration(
    table: pd.DataFrame, *, what: str, language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw the share that came true against the predicted one; the line is a perfect forecast.

    Parameters
    ----------
    table : DataFrame
        ``predicted, estimate, low, high``, one row per tenth of predictions.
    what : "next" or "dropout"
    """
    ax = new_axes(5.2, 4.8) if ax is None else ax
    ax.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--",
            label=_tell("perfect", language))  # fmt: skip
    known = table[table["estimate"].notna()] if len(table) else table
    if not len(known):
        say_empty(ax, language)
    else:
        error = np.array(
            [known["estimate"] - known["low"], known["high"] - known["estimate"]]
        ).clip(min=0)
        ax.errorbar(
            known["predicted"], known["estimate"], yerr=error, fmt="o", color=PALETTE[0],
            capsize=3, label=_tell("tenths", language),
        )  # fmt: skip
    most = float(known["high"].max()) if len(known) else 1.0
    edge = min(1.02, max(most, float(known["predicted"].max()) if len(known) else 1.0) * 1.1)
    ax.set(xlim=(-0.02, edge), ylim=(-0.02, edge))
    percent_axis(ax, language)
    ax.yaxis.set_major_formatter(lambda v, _: percent(v, language) if v >= 0 else "")
    ax.set_xlabel(_tell(f"{what}.predicted", language))
    ax.set_ylabel(_tell(f"{what}.observed", language))
    ax.set_title(_tell(f"{what}.title", language))
    turn(ax, language)
    if language == "fa":
        ax.legend(frameon=False, loc="lower left")
    else:
        ax.legend(frameon=False, loc="lower right")
    return ax


def draw_next_scores(table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw for each model the share of steps named rightly, and among the three likeliest.

    Parameters
    ----------
    table : DataFrame
        ``model, baseline, measure, estimate, low, high, chosen``, as in ``NextStep.scores``.
    """
    rows = table[table["baseline"].eq("") & table["measure"].str.startswith("top")]
    models = list(dict.fromkeys(rows["model"]))
    ax = new_axes(7.0, 1.9 + 0.55 * max(len(models), 2)) if ax is None else ax
    for measure, colour, shift in (("top 1", PALETTE[0], -0.12), ("top 3", PALETTE[1], 0.12)):
        part = rows[rows["measure"].eq(measure)].set_index("model").reindex(models)
        y = np.arange(len(models)) + shift
        ax.hlines(y, part["low"], part["high"], color=colour, linewidth=2.5)
        ax.scatter(part["estimate"], y, color=colour, s=40, zorder=3,
                   label=_tell(measure.replace(" ", "_"), language))  # fmt: skip
        for place, share in zip(y, part["estimate"], strict=True):
            if not np.isnan(share):
                ax.annotate(
                    percent(float(share), language), (float(share), place), fontsize=8, color=INK,
                    va="center", textcoords="offset points",
                    xytext=(-9 if language == "fa" else 9, 0),
                    ha="right" if language == "fa" else "left",
                )  # fmt: skip
    chosen = set(rows.loc[rows["chosen"], "model"])
    ax.set_yticks(range(len(models)), [_model(name, name in chosen, language) for name in models])
    ax.set_ylim(len(models) - 0.4, -0.6)
    ax.set_xlim(0, 1.05)
    percent_axis(ax, language)
    ax.set_xlabel(_tell("steps", language))
    ax.set_title(_tell("title", language))
    ax.grid(visible=False, axis="y")
    turn(ax, language)
    ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.24), ncols=2)
    return ax


def _model(name: str, chosen: bool, language: str) -> str:
    order = name.removeprefix("order ")
    if order == name:
        text = phrase("next.most_frequent", language)
    else:
        text = phrase("next.order", language, n=format_number(float(order), language, decimals=0))
    return label(phrase("next.chosen", language, model=text) if chosen else text, language)


def _tell(name: str, language: str, **values: Any) -> str:
    return label(phrase(f"next.{name}", language, **values), language)
