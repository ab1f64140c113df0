"""Figures of customer value, retention and prediction."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator
from matplotlib.ticker import MaxNLocator

from cjlib.language import format_date, format_number, phrase, to_persian_digits
from cjlib.plots.journeys import turn
from cjlib.plots.style import INK, MUTED, PALETTE, label, new_axes


def draw_value(
    table: pd.DataFrame,
    *,
    names: Mapping[str, str],
    currency: str = "",
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw the mean value per customer of each group with its interval.

    Parameters
    ----------
    table : DataFrame
        ``by, group, estimate, low, high, n``, in the study's currency.
    """
    ax = new_axes(7.0, 1.5 + 0.4 * len(table)) if ax is None else ax
    labels = []
    for place, row in enumerate(table.to_dict("records")):
        name = names.get(row["group"], row["group"])
        labels.append(label(_with_n(name, row["n"], language), language))
        if np.isnan(row["estimate"]):
            few = label(phrase("metrics.reached.too_few", language), language)
            start, side = (0.98, "right") if language == "fa" else (0.02, "left")
            ax.text(
                start, place, few, transform=ax.get_yaxis_transform(), color=MUTED, va="center",
                ha=side,
            )  # fmt: skip
            continue
        ax.plot([row["low"], row["high"]], [place, place], color=PALETTE[0], linewidth=2)
        ax.plot([row["estimate"]], [place], "o", color=PALETTE[0])
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    by = str(table["by"].iloc[0]) if len(table) else "all"
    _spell_numbers(ax, language, "x")
    ax.xaxis.set_major_locator(MaxNLocator(5))
    money = currency or phrase("value.currency", language)
    ax.set_xlabel(_say("mean", language, currency=money))
    ax.set_title(_say(f"by.{by}", language))
    ax.grid(visible=False, axis="y")
    turn(ax, language)
    return ax


def draw_lifetimes(
    table: pd.DataFrame,
    *,
    figure: str,
    names: Mapping[str, str],
    currency: str = "",
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw one figure of lifetime value, or the forecast, of each group with its interval.

    Parameters
    ----------
    table : DataFrame
        ``by, group, estimate, low, high, n``.
    figure : str
        Name of the figure, for the axis.
    """
    ax = draw_value(table, names=names, language=language, ax=ax)
    money = currency or phrase("value.currency", language)
    ax.set_xlabel(_say(f"figure.{figure}", language, currency=money))
    ax.set_title(_say("lifetimes", language))
    return ax


def draw_at_risk(
    table: pd.DataFrame,
    *,
    names: Mapping[str, str],
    currency: str = "",
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw the expected value of those who name each pain, with intervals.

    Parameters
    ----------
    table : DataFrame
        ``pain, customers, estimate, low, high``.
    """
    rows = table.assign(by="all", group=table["pain"], n=table["customers"])
    ax = new_axes(9.5, 1.5 + 0.45 * max(len(rows), 2)) if ax is None else ax
    ax = draw_value(rows, names=names, language=language, ax=ax)
    ax.xaxis.set_major_locator(MaxNLocator(4))
    money = currency or phrase("value.currency", language)
    ax.set_xlabel(_say("figure.at_risk", language, currency=money))
    ax.set_title(_say("at_risk", language))
    return ax


def draw_holdout(table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw purchases after the cut, predicted and real, by purchases before it.

    Parameters
    ----------
    table : DataFrame
        ``x, predicted, estimate, low, high``; the last ``x`` stands for that many or more.
    """
    ax = new_axes() if ax is None else ax
    if table.empty:
        return _say_unidentified(ax, language)
    error = [table["estimate"] - table["low"], table["high"] - table["estimate"]]
    ax.errorbar(
        table["x"], table["estimate"], yerr=error, fmt="o", color=PALETTE[0], capsize=3,
        label=_say("happened", language),
    )  # fmt: skip
    ax.plot(
        table["x"], table["predicted"], "--", color=PALETTE[5], label=_say("predicted", language)
    )
    labels = [format_number(x, language, decimals=0) for x in table["x"]]
    labels[-1] += "+"
    ax.set_xticks(list(table["x"]), labels)
    ax.set(xlabel=_say("before", language), ylabel=_say("after", language), ylim=(0, None))
    _spell_numbers(ax, language, "y")
    ax.set_title(_say("holdout", language))
    ax.legend(frameon=False)
    return ax


def draw_tracking(
    table: pd.DataFrame,
    *,
    cut: pd.Timestamp,
    cumulative: bool = True,
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw repeat purchases over time, real and expected, with the cut between what was seen.

    Parameters
    ----------
    table : DataFrame
        ``end, actual, expected, cumulative_actual, estimate, low, high``.
    """
    ax = new_axes(8.0, 4.2) if ax is None else ax
    if table.empty:
        return _say_unidentified(ax, language)
    table = table if cumulative else table.iloc[1:]  # the first stretch is shorter than a week
    real, model = ("cumulative_actual", "estimate") if cumulative else ("actual", "expected")
    if cumulative:
        ax.fill_between(
            table["end"], table["low"], table["high"], color=PALETTE[5], alpha=0.2, linewidth=0
        )
    ax.plot(table["end"], table[real], color=PALETTE[0], label=_say("happened", language))
    ax.plot(table["end"], table[model], "--", color=PALETTE[5], label=_say("expected", language))
    ax.axvline(cut, color=MUTED, linewidth=1)  # type: ignore[arg-type]
    ax.set_ylim(0, None)
    ax.text(
        cut, 0.02, " " + _say("cut", language) + " ", color=MUTED, ha="left",  # type: ignore[arg-type]
        transform=ax.get_xaxis_transform(),
    )  # fmt: skip
    ax.xaxis.set_major_locator(AutoDateLocator(maxticks=7))  # type: ignore[no-untyped-call]
    calendar, digits = ("persian", "arabext") if language == "fa" else ("gregory", "latn")
    epoch = pd.Timestamp("1970-01-01")  # matplotlib counts days from it
    ax.xaxis.set_major_formatter(
        lambda value, _: format_date(
            epoch + pd.Timedelta(days=int(value)), calendar=calendar, digits=digits
        )
    )
    ax.set_ylabel(_say("repeats.all" if cumulative else "repeats.week", language))
    _spell_numbers(ax, language, "y")
    ax.set_title(_say("tracking", language))
    ax.legend(frameon=False, loc="upper left" if cumulative else "upper right")
    return ax


def draw_frequencies(table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw how many customers bought again how often, real and expected.

    Parameters
    ----------
    table : DataFrame
        ``x, customers, estimate, low, high``; the last ``x`` stands for that many or more.
    """
    ax = new_axes() if ax is None else ax
    if table.empty:
        return _say_unidentified(ax, language)
    place = table["x"].to_numpy(dtype=float)
    ax.bar(
        place - 0.2, table["customers"], 0.38, color=PALETTE[0], label=_say("happened", language)
    )
    error = [table["estimate"] - table["low"], table["high"] - table["estimate"]]
    ax.bar(
        place + 0.2, table["estimate"], 0.38, yerr=error, color=PALETTE[5], capsize=3,
        label=_say("expected", language), ecolor=INK,
    )  # fmt: skip
    labels = [format_number(x, language, decimals=0) for x in table["x"]]
    labels[-1] += "+"
    ax.set_xticks(place, labels)
    ax.grid(visible=False, axis="x")
    ax.set(xlabel=_say("before", language), ylabel=_say("customers", language))
    _spell_numbers(ax, language, "y")
    ax.set_title(_say("frequencies", language))
    ax.legend(frameon=False)
    return ax


def _say_unidentified(ax: Axes, language: str) -> Axes:
    ax.text(
        0.5, 0.5, _say("not_identified", language), transform=ax.transAxes, ha="center",
        color=MUTED,
    )  # fmt: skip
    ax.set_axis_off()
    return ax


def draw_survival(
    table: pd.DataFrame, *, names: Mapping[str, str], language: str = "en", ax: Axes | None = None
) -> Axes:
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
        shown = phrase("value.all", language) if name == "all" else names.get(str(name), str(name))
        text = _with_n(shown, int(rows["n"].iloc[0]), language)
        ax.step(time, share, where="post", color=colour, label=label(text, language))
        ax.fill_between(
            rows["time"], rows["low"], rows["high"], step="post", color=colour, alpha=0.15,
            linewidth=0,
        )  # fmt: skip
    ax.set(xlabel=_say("days", language), ylabel=_say("not_gone", language))
    _spell_numbers(ax, language, "xy")
    ax.set(ylim=(0, 1.02), xlim=(0, None))
    ax.set_title(_say("lasting", language))
    ax.legend(frameon=False, fontsize="small")
    return ax


def draw_cohorts(table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None) -> Axes:
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
        ax.text(0.5, 0.5, _say("no_month", language), transform=ax.transAxes, ha="center")
        return ax
    values = grid.to_numpy(dtype=float)
    top = float(np.nanmax(values)) or 1.0
    ax.imshow(values, aspect="auto", cmap="Blues", vmin=0, vmax=top)
    for (y, x), value in np.ndenumerate(values):
        if not np.isnan(value):
            colour = "white" if value > 0.6 * top else INK
            text = format_number(100 * value, language, decimals=0)
            ax.text(x, y, text, ha="center", va="center", color=colour, fontsize="small")
    sizes = table.drop_duplicates("cohort").set_index("cohort")["customers"]
    ax.set_yticks(
        range(len(grid)), [_with_n(_month(c, language), sizes[c], language) for c in grid.index]
    )
    ax.set_xticks(
        range(grid.shape[1]), [format_number(int(age), language) for age in grid.columns.to_numpy()]
    )
    ax.set_xlabel(_say("months", language))
    ax.set_title(_say("again", language))
    return ax


def draw_calibration(table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw the share that left against the predicted chance; the line is a perfect forecast.

    Parameters
    ----------
    table : DataFrame
        ``predicted, estimate, low, high``, one row per tenth of customers.
    """
    ax = new_axes(5.0, 4.6) if ax is None else ax
    ax.plot(
        [0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--", label=_say("perfect", language)
    )
    error = [table["estimate"] - table["low"], table["high"] - table["estimate"]]
    ax.errorbar(
        table["predicted"], table["estimate"], yerr=error, fmt="o", color=PALETTE[0], capsize=3,
        label=_say("tenths", language),
    )  # fmt: skip
    ax.set(xlabel=_say("chance", language), ylabel=_say("left", language))
    _spell_numbers(ax, language, "xy")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    ax.set_title(_say("honest", language))
    ax.legend(frameon=False, loc="upper left")
    return ax


def _say(name: str, language: str, **values: str) -> str:
    return label(phrase(f"value.{name}", language, **values), language)


def _with_n(name: str, n: float, language: str) -> str:
    return f"{name} ({phrase('n_is', language, n=format_number(n, language, decimals=0))})"


def _month(text: str, language: str) -> str:
    return to_persian_digits(text) if language == "fa" else text


def _spell_numbers(ax: Axes, language: str, axes: str) -> None:
    for axis in axes:
        which = ax.xaxis if axis == "x" else ax.yaxis
        which.set_major_formatter(lambda v, _: format_number(v, language))
