"""Figures of customer value, retention and prediction."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.plots.style import INK, MUTED, PALETTE, new_axes


def draw_value(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the mean value per customer of each group with its interval.

    Parameters
    ----------
    table : DataFrame
        ``by, group, estimate, low, high, n``, in the study's currency.
    """
    ax = new_axes(7.0, 1.5 + 0.4 * len(table)) if ax is None else ax
    labels = []
    for place, row in enumerate(table.to_dict("records")):
        labels.append(f"{row['group']} (n = {row['n']:,})")
        if np.isnan(row["estimate"]):
            ax.text(
                0.02, place, "too few", transform=ax.get_yaxis_transform(), color=MUTED,
                va="center",
            )  # fmt: skip
            continue
        ax.plot([row["low"], row["high"]], [place, place], color=PALETTE[0], linewidth=2)
        ax.plot([row["estimate"]], [place], "o", color=PALETTE[0])
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    by = str(table["by"].iloc[0]) if len(table) else ""
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set(xlabel="Mean value per customer so far (study currency)", ylabel="")
    ax.set_title(f"Value of customers by {by}")
    ax.grid(visible=False, axis="y")
    return ax


def draw_holdout(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw purchases after the cut, predicted and real, by purchases before it.

    Parameters
    ----------
    table : DataFrame
        ``x, predicted, estimate, low, high``; the last ``x`` stands for that many or more.
    """
    ax = new_axes() if ax is None else ax
    if table.empty:
        ax.text(0.5, 0.5, "not identified", transform=ax.transAxes, ha="center", color=MUTED)
        return ax
    error = [table["estimate"] - table["low"], table["high"] - table["estimate"]]
    ax.errorbar(
        table["x"], table["estimate"], yerr=error, fmt="o", color=PALETTE[0], capsize=3,
        label="what happened",
    )  # fmt: skip
    ax.plot(table["x"], table["predicted"], "--", color=PALETTE[5], label="predicted")
    labels = [f"{int(x)}" for x in table["x"]]
    labels[-1] += "+"
    ax.set_xticks(list(table["x"]), labels)
    ax.set(
        xlabel="Repeat purchases before the cut", ylabel="Purchases per customer after the cut",
        ylim=(0, None),
    )  # fmt: skip
    ax.set_title("Purchases the model had not seen")
    ax.legend(frameon=False)
    return ax


def draw_survival(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw survival curves as steps with their intervals.

    Parameters
    ----------
    table : DataFrame
        ``group, time`` (days), ``estimate, low, high, n``.
    """
    ax = new_axes() if ax is None else ax
    for i, (name, rows) in enumerate(table.groupby("group", sort=False)):
        colour = PALETTE[i % len(PALETTE)]
        time = np.r_[0.0, rows["time"]]
        share = np.r_[1.0, rows["estimate"]]
        n = int(rows["n"].iloc[0])
        ax.step(time, share, where="post", color=colour, label=f"{name} (n = {n:,})")
        ax.fill_between(
            rows["time"], rows["low"], rows["high"], step="post", color=colour, alpha=0.15,
            linewidth=0,
        )  # fmt: skip
    ax.set(xlabel="Days since the first contact", ylabel="Share not yet gone (0 to 1)")
    ax.set(ylim=(0, 1.02), xlim=(0, None))
    ax.set_title("How long customers last")
    ax.legend(frameon=False, fontsize="small")
    return ax


def draw_cohorts(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the cohort triangle: share who bought again, by month since the first purchase.

    Parameters
    ----------
    table : DataFrame
        ``cohort, age, customers, estimate``; cells not observed stay white.
    """
    later = table[table["age"] > 0]
    grid = later.pivot_table(index="cohort", columns="age", values="estimate", dropna=False)
    grid = grid.dropna(how="all", axis=0).dropna(how="all", axis=1)
    ax = new_axes(2.5 + 0.45 * grid.shape[1], 1.6 + 0.32 * grid.shape[0]) if ax is None else ax
    ax.grid(visible=False)
    if grid.empty:
        ax.text(0.5, 0.5, "no month fully observed", transform=ax.transAxes, ha="center")
        return ax
    values = grid.to_numpy(dtype=float)
    top = float(np.nanmax(values)) or 1.0
    ax.imshow(values, aspect="auto", cmap="Blues", vmin=0, vmax=top)
    for (y, x), value in np.ndenumerate(values):
        if not np.isnan(value):
            colour = "white" if value > 0.6 * top else INK
            ax.text(x, y, f"{100 * value:.0f}", ha="center", va="center", color=colour,
                    fontsize="small")  # fmt: skip
    sizes = table.drop_duplicates("cohort").set_index("cohort")["customers"]
    ax.set_yticks(range(len(grid)), [f"{c} (n = {sizes[c]:,.0f})" for c in grid.index])
    ax.set_xticks(range(grid.shape[1]), [str(age) for age in grid.columns])
    ax.set(xlabel="Months since the month of the first purchase", ylabel="")
    ax.set_title("Customers who bought again, in %")
    return ax


def draw_calibration(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the share that left against the predicted chance; the line is a perfect forecast.

    Parameters
    ----------
    table : DataFrame
        ``predicted, estimate, low, high``, one row per tenth of customers.
    """
    ax = new_axes(5.0, 4.6) if ax is None else ax
    ax.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--", label="perfect forecast")
    error = [table["estimate"] - table["low"], table["high"] - table["estimate"]]
    ax.errorbar(
        table["predicted"], table["estimate"], yerr=error, fmt="o", color=PALETTE[0], capsize=3,
        label="customers, in tenths",
    )  # fmt: skip
    ax.set(xlabel="Predicted chance to leave (0 to 1)", ylabel="Share that left (0 to 1)")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    ax.set_title("Does the forecast mean what it says?")
    ax.legend(frameon=False, loc="upper left")
    return ax
