"""Figures of sentiment and themes."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MultipleLocator

from cjlib.language import format_number, phrase
from cjlib.plots.style import MUTED, PALETTE, label, new_axes

_MODELS = {
    "model": "model", "words only": "words_only", "most frequent label": "most_frequent",
    "chance": "chance",
}  # fmt: skip


def draw_sentiment_quality(
    table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw macro F1 of the model and of its baselines, with intervals.

    Parameters
    ----------
    table : DataFrame
        ``model, estimate, low, high, n``; rows of other models than the four are not drawn.
    """
    rows = table[table["model"].isin(list(_MODELS))]
    ax = new_axes(7.0, 1.4 + 0.42 * len(rows)) if ax is None else ax
    names = [_say(_MODELS[name], language) for name in rows["model"]]
    for place, row in enumerate(rows.to_dict("records")):
        colour = PALETTE[0] if row["model"] == "model" else MUTED
        _draw_estimate(ax, place, row, colour)
    _finish(ax, names, language)
    ax.set(xlim=(0, 1), xlabel=_say("macro_f1", language))
    ax.set_title(_say("quality", language, n=format_number(int(rows["n"].max()), language)))
    return ax


def draw_sentiment_calibration(
    table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw chances of one label against how often it was right, before and after calibration.

    Parameters
    ----------
    table : DataFrame
        ``stage, label, predicted, estimate, low, high`` of one label.
    """
    ax = new_axes(5.4, 4.8) if ax is None else ax
    ax.plot([0, 1], [0, 1], "--", color=MUTED, linewidth=1, label=_say("perfect", language))
    for stage, mark, colour in (("before", "s", PALETTE[1]), ("after", "o", PALETTE[0])):
        rows = table[table["stage"].eq(stage)]
        error = [rows["estimate"] - rows["low"], rows["high"] - rows["estimate"]]
        ax.errorbar(
            rows["predicted"], rows["estimate"], yerr=error, fmt=mark, color=colour, capsize=3,
            label=_say(stage, language),
        )  # fmt: skip
    name = str(table["label"].iloc[0])
    ax.set(
        xlim=(-0.02, 1.02), ylim=(-0.02, 1.02),
        xlabel=_say("predicted", language, label=name),
        ylabel=_say("happened", language, label=name),
    )  # fmt: skip
    ax.xaxis.set_major_formatter(lambda v, _: format_number(v, language))
    ax.yaxis.set_major_formatter(lambda v, _: format_number(v, language))
    ax.set_title(_say("calibration", language))
    ax.legend(frameon=False, loc="upper left")
    return ax


def draw_telling_words(
    table: pd.DataFrame,
    *,
    labels: Sequence[str],
    language: str = "en",
    words: int = 10,
    ax: Axes | None = None,
) -> Axes:
    """Draw the words that tell most, the first label to the left, the second to the right.

    Parameters
    ----------
    table : DataFrame
        ``label, word, weight``, the strongest first within each label.
    labels : two labels
    words : int
        Shown per label.
    """
    ax = new_axes(7.0, 1.4 + 0.3 * 2 * words) if ax is None else ax
    names, place = [], 0
    for sign, name, colour in ((1, labels[1], PALETTE[0]), (-1, labels[0], PALETTE[5])):
        rows = table[table["label"].eq(name)].head(words)
        places = range(place, place + len(rows))
        ax.barh(list(places), sign * rows["weight"], color=colour, height=0.7, label=name)
        names += [label(str(word), language) for word in rows["word"]]
        place += len(rows)
    ax.axvline(0, color=MUTED, linewidth=1)
    _finish(ax, names, language)
    ax.set_xlabel(_say("weight", language))
    ax.set_title(_say("telling", language))
    ax.legend(frameon=False)
    return ax


def draw_learning_curve(
    table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw macro F1 on texts not seen against the number of labels learned from.

    Parameters
    ----------
    table : DataFrame
        ``labels`` (number), ``estimate, low, high``.
    """
    ax = new_axes() if ax is None else ax
    ax.plot(table["labels"], table["estimate"], "o-", color=PALETTE[0])
    ax.fill_between(
        table["labels"], table["low"], table["high"], color=PALETTE[0], alpha=0.15, linewidth=0
    )
    ax.set_xscale("log")
    ax.set_xticks(
        list(table["labels"]),
        [format_number(n, language) for n in table["labels"].tolist()],
    )
    ax.minorticks_off()
    ax.yaxis.set_major_locator(MultipleLocator(0.05))
    ax.yaxis.set_major_formatter(lambda v, _: format_number(v, language))
    ax.set(xlabel=_say("labels", language), ylabel=_say("macro_f1", language))
    ax.set_title(_say("learning", language))
    return ax


def draw_sentiment_by(
    table: pd.DataFrame, *, measure: str, language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw one measure of sentiment for each group, with its interval.

    Parameters
    ----------
    table : DataFrame
        ``group, measure, estimate, low, high, n``.
    measure : str
        Which rows: mean_score, share_negative or share_negative_adjusted.
    """
    rows = table[table["measure"].eq(measure)]
    ax = new_axes(7.0, 1.5 + 0.42 * len(rows)) if ax is None else ax
    names = []
    for place, row in enumerate(rows.to_dict("records")):
        count = phrase("n_is", language, n=format_number(int(row["n"]), language))
        names.append(label(f"{row['group']} ({count})", language))
        if row["estimate"] != row["estimate"]:
            few = _say("not_known", language)
            ax.text(0.02, place, few, transform=ax.get_yaxis_transform(), color=MUTED, va="center")
            continue
        _draw_estimate(ax, place, row, PALETTE[0])
    _finish(ax, names, language)
    ax.set_xlim(*((-1.03, 1.03) if measure == "mean_score" else (-0.02, 1.02)))
    ax.set_xlabel(_say(measure, language))
    ax.set_title(_say("by", language))
    return ax


def draw_themes(table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw the share of texts of every theme with its interval, named by its words.

    Parameters
    ----------
    table : DataFrame
        ``theme, name`` (its first words; empty for no theme), ``estimate, low, high, n``.
    """
    ax = new_axes(8.0, 1.4 + 0.42 * len(table)) if ax is None else ax
    names = []
    for place, row in enumerate(table.to_dict("records")):
        _draw_estimate(ax, place, row, PALETTE[0] if row["name"] else MUTED)
        names.append(label(row["name"], language) if row["name"] else _say("no_theme", language))
    _finish(ax, names, language)
    ax.set(xlim=(0, None), xlabel=_say("share", language))
    ax.set_title(_say("themes", language, n=format_number(int(table["n"].max()), language)))
    return ax


def draw_theme_choice(table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None) -> Axes:
    """Draw the stability of each number of themes, the chosen one ringed.

    Parameters
    ----------
    table : DataFrame
        ``k, estimate, low, high, chosen``.
    """
    ax = new_axes() if ax is None else ax
    error = [table["estimate"] - table["low"], table["high"] - table["estimate"]]
    ax.errorbar(
        table["k"], table["estimate"], yerr=error, fmt="o-", color=PALETTE[0], capsize=3,
        label=_say("stability", language),
    )  # fmt: skip
    best = table[table["chosen"]]
    ax.plot(
        best["k"], best["estimate"], "o", markersize=14, fillstyle="none", color=PALETTE[5],
        label=_say("chosen", language),
    )  # fmt: skip
    ax.set_xticks(list(table["k"]), [format_number(k, language) for k in table["k"].tolist()])
    ax.yaxis.set_major_formatter(lambda v, _: format_number(v, language))
    ax.set(ylim=(0, 1.02), xlabel=_say("number", language), ylabel=_say("stability", language))
    ax.set_title(_say("how_many", language))
    ax.legend(frameon=False)
    return ax


def _draw_estimate(ax: Axes, place: int, row: Mapping[Hashable, Any], colour: str) -> None:
    ax.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=2)
    ax.plot([row["estimate"]], [place], "o", color=colour)


def _finish(ax: Axes, names: Sequence[str], language: str) -> None:
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.xaxis.set_major_formatter(lambda v, _: format_number(v, language))
    ax.grid(visible=False, axis="y")


def _say(name: str, language: str, **values: str) -> str:
    return label(phrase(f"texts.{name}", language, **values), language)
