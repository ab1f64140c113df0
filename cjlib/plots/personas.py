"""Figures of personas: what each stands out by, and how many there are."""

from __future__ import annotations

from typing import Final

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.language import format_number, phrase
from cjlib.plots.style import INK, MUTED, PALETTE, label, new_axes

MOST_ROWS: Final = 24
STRONGEST: Final = 1.5  # standard deviations at which the colour is full


def draw_personas(
    profiles: pd.DataFrame,
    *,
    names: dict[str, str],
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw a heat table: personas across, items down, colour the difference from all.

    Parameters
    ----------
    profiles : DataFrame
        ``persona, item, answer, label_en, label_fa, unit, estimate, effect``; the number
        in each cell is the estimate, the colour its difference from everybody in standard
        deviations, limited to ``STRONGEST``; the ``MOST_ROWS`` items that differ most.
    names : dict
        Name by persona id, in the order to show.
    """
    ids = list(names)
    rows = profiles[profiles["answer"].eq("")]
    effect = rows.pivot_table(index="item", columns="persona", values="effect", sort=False)
    effect = effect.reindex(columns=ids)
    strongest = effect.abs().max(axis=1).sort_values(ascending=False, kind="stable")
    effect = effect.loc[[i for i in effect.index if i in set(strongest.index[:MOST_ROWS])]]
    value = rows.pivot_table(index="item", columns="persona", values="estimate", sort=False)
    value = value.reindex(index=effect.index, columns=ids)
    shares = set(rows.loc[rows["unit"].eq("share"), "item"])
    texts = rows.drop_duplicates("item").set_index("item")[f"label_{language}"]
    if ax is None:
        ax = new_axes(3.6 + 1.5 * len(ids), 1.5 + 0.42 * len(effect))
    ax.imshow(
        effect.to_numpy(dtype=float), cmap="PuOr_r", vmin=-STRONGEST, vmax=STRONGEST, aspect="auto"
    )
    for i, item in enumerate(effect.index):
        for j, persona in enumerate(ids):
            number, strength = value.loc[item, persona], effect.loc[item, persona]
            if pd.isna(number):
                continue
            text = format_number(float(number), language, decimals=1)
            if item in shares:
                sign = "٪" if language == "fa" else "%"
                text = format_number(100 * float(number), language, decimals=0) + sign
            colour = "white" if abs(strength) > 0.65 * STRONGEST else INK
            ax.text(j, i, text, ha="center", va="center", color=colour, fontsize=9)
    ax.grid(visible=False)
    ax.set_xticks(range(len(ids)), [label(_wrap(names[p], 18), language) for p in ids], fontsize=9)
    ax.xaxis.tick_top()
    ax.set_yticks(
        range(len(effect)), [label(_wrap(str(texts[i]), 52), language) for i in effect.index],
        fontsize=9,
    )  # fmt: skip
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    if language == "fa":
        ax.invert_xaxis()
        ax.yaxis.tick_right()
    bar = ax.figure.colorbar(
        mpl.cm.ScalarMappable(mpl.colors.Normalize(-STRONGEST, STRONGEST), "PuOr_r"),
        ax=ax, orientation="horizontal", shrink=0.6, aspect=40, pad=0.02,
    )  # fmt: skip
    bar.set_label(label(phrase("persona.plot.axis", language), language), fontsize=9)
    bar.outline.set_visible(False)
    bar.ax.xaxis.set_major_formatter(lambda x, _: format_number(x, language))
    if language == "fa":
        bar.ax.invert_xaxis()
    return ax


def draw_number_of_personas(
    table: pd.DataFrame, *, language: str = "en", ax: Axes | None = None
) -> Axes:
    """Draw how well bootstrap refits agree for each number of segments.

    Parameters
    ----------
    table : DataFrame
        ``k, stability, stability_low, stability_high, recommended``; dots are means, lines
        the middle 90 % of pairs of refits; the number taken is filled.
    """
    rows = table[table["stability"].notna()]
    ax = new_axes(6.5, 3.6) if ax is None else ax
    ax.vlines(rows["k"], rows["stability_low"], rows["stability_high"], color=MUTED, linewidth=2)
    taken = rows["recommended"].to_numpy(dtype=bool)
    ax.scatter(rows["k"], rows["stability"], s=60, facecolor="white", edgecolor=PALETTE[0],
               linewidth=2, zorder=3)  # fmt: skip
    ax.scatter(rows["k"][taken], rows["stability"][taken], s=90, color=PALETTE[0], zorder=4)
    ax.set_ylim(min(0.0, float(np.floor(rows["stability_low"].min() * 10) / 10)), 1.02)
    ax.set_xticks(rows["k"].astype(int), [format_number(float(k), language) for k in rows["k"]])
    ax.yaxis.set_major_formatter(lambda y, _: format_number(y, language))
    ax.set_xlabel(label(phrase("persona.plot.k", language), language))
    ax.set_ylabel(label(_wrap(phrase("persona.plot.stability", language), 26), language))
    return ax


def _wrap(text: str, width: int) -> str:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return "\n".join([*lines, line])
