"""Figures of personas: what each stands out by, and how many there are."""

from __future__ import annotations

from typing import Final

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.language import format_number, phrase
from cjlib.plots.style import INK, MUTED, PALETTE, RULE, label, new_axes

MOST_ROWS: Final = 24
BAR: Final = 0.34  # width of a segment's bar, of the distance between two columns
GAP: Final = 0.02  # between segments of a column, as a share of all people
SHOWN_FROM: Final = 0.05  # share of people from which a segment's number is written
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
    table: pd.DataFrame,
    *,
    picks: pd.DataFrame | None = None,
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw how well bootstrap refits agree for each number of segments.

    Parameters
    ----------
    table : DataFrame
        ``k, stability, stability_low, stability_high, recommended``; dots are means, lines
        the middle 90 % of pairs of refits; the number taken is filled.
    picks : DataFrame, optional
        ``criterion, k``: written beneath the number that each criterion alone would take.
    """
    rows = table[table["stability"].notna()]
    beneath = {} if picks is None else _name_criteria(picks, language)
    if ax is None:
        most = max((len(names) for names in beneath.values()), default=0)
        ax = new_axes(6.5 if picks is None else 8.0, 3.6 + 0.28 * most)
    ax.vlines(rows["k"], rows["stability_low"], rows["stability_high"], color=MUTED, linewidth=2)
    taken = rows["recommended"].to_numpy(dtype=bool)
    ax.scatter(rows["k"], rows["stability"], s=60, facecolor="white", edgecolor=PALETTE[0],
               linewidth=2, zorder=3)  # fmt: skip
    ax.scatter(rows["k"][taken], rows["stability"][taken], s=90, color=PALETTE[0], zorder=4)
    ax.set_ylim(min(0.0, float(np.floor(rows["stability_low"].min() * 10) / 10)), 1.02)
    counts = [int(k) for k in rows["k"]]
    if 1 in beneath:
        counts = [1, *counts]
    texts = ["\n".join([format_number(float(k), language), *beneath.get(k, [])]) for k in counts]
    ax.set_xticks(counts, [label(text, language) for text in texts])
    ax.yaxis.set_major_formatter(lambda y, _: format_number(y, language))
    said = phrase("persona.plot.k", language)
    if picks is not None:
        said = phrase("persona.plot.picks", language)
        none = ", ".join(name.replace("\n", " ") for name in beneath.get(0, []))
        if none:
            said += "\n" + label(phrase("persona.plot.no_pick", language, criteria=none), language)
    ax.set_xlabel(label(said, language))
    ax.set_ylabel(label(_wrap(phrase("persona.plot.stability", language), 26), language))
    if picks is not None and language == "fa":
        ax.invert_xaxis()
        ax.yaxis.tick_right()
        ax.yaxis.set_label_position("right")
        ax.spines["left"].set_visible(False)
        ax.spines["right"].set_visible(True)
    return ax


def _name_criteria(picks: pd.DataFrame, language: str) -> dict[int, list[str]]:
    """Names of the criteria by the number they take; 0 where they take none."""
    found: dict[int, list[str]] = {}
    taken = picks["k"].fillna(0).astype(int)
    for criterion, k in zip(picks["criterion"], taken, strict=True):
        name = phrase(f"persona.criterion.{str(criterion).replace(' ', '_')}", language)
        found.setdefault(int(k), []).append(_wrap(name, 12))
    return found


def draw_segments(
    segments: pd.DataFrame,
    flows: pd.DataFrame,
    *,
    taken: int | None = None,
    language: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw the segments of every k side by side, and who moves where from one to the next.

    Parameters
    ----------
    segments : DataFrame
        ``k, segment, share, slsw``: heights are shares of people, colour and number the
        stability within the solution (SLSw). Within a column segments stand near those they
        came from.
    flows : DataFrame
        ``k, segment, came_from, share``: width of each band.
    taken : int, optional
        The number taken, marked.
    """
    counts = [int(k) for k in sorted(segments["k"].unique())]
    ax = new_axes(1.6 + 1.1 * len(counts), 5.2) if ax is None else ax
    colours = mpl.colormaps["cividis_r"]
    scale = mpl.colors.Normalize(0.5, 1.0, clip=True)
    base = _stack_segments(segments, flows, counts)
    for k in counts:
        own = flows[flows["k"].eq(k)]
        for left, right, low, high, width in _place_bands(own, base, k):
            ax.fill_between(
                [left, right], [low, high], [low + width, high + width], color=RULE, linewidth=0
            )
        here = segments[segments["k"].eq(k)]
        for number, share, held in here[["segment", "share", "slsw"]].to_numpy(dtype=float):
            bottom = base[k, int(number)]
            colour = colours(float(scale(held)))
            ax.bar(k, share, bottom=bottom, width=BAR, color=colour, zorder=3)
            if share >= SHOWN_FROM:
                ax.text(
                    k, bottom + share / 2, format_number(held, language, decimals=2),
                    ha="center", va="center", fontsize=9, zorder=4,
                    color=INK if np.mean(colour[:3]) > 0.5 else "white",
                )  # fmt: skip
    names = [format_number(float(k), language) for k in counts]
    ax.set_xticks(counts, [label(name, language) for name in names])
    for k, text in zip(counts, ax.get_xticklabels(), strict=True):
        if k == taken:
            text.set_fontweight("bold")
            text.set_color(PALETTE[0])
    ax.set_yticks([])
    ax.grid(visible=False)
    for side in ax.spines.values():
        side.set_visible(False)
    ax.set_xlabel(label(phrase("persona.plot.k", language), language))
    if language == "fa":
        ax.invert_xaxis()
    bar = ax.figure.colorbar(
        mpl.cm.ScalarMappable(scale, colours), ax=ax, orientation="horizontal", shrink=0.6,
        aspect=40, pad=0.02,
    )  # fmt: skip
    bar.set_label(label(phrase("persona.plot.slsw", language), language), fontsize=9)
    bar.outline.set_visible(False)
    bar.ax.xaxis.set_major_formatter(lambda x, _: format_number(x, language))
    if language == "fa":
        bar.ax.invert_xaxis()
    return ax


def _stack_segments(
    segments: pd.DataFrame, flows: pd.DataFrame, counts: list[int]
) -> dict[tuple[int, int], float]:
    """Lower edge of each segment, each column in the order of where its people came from."""
    middle: dict[tuple[int, int], float] = {}
    base: dict[tuple[int, int], float] = {}
    for k in counts:
        rows = segments[segments["k"].eq(k)]
        shares = {int(s): float(v) for s, v in rows[["segment", "share"]].to_numpy(dtype=float)}
        wanted = {}
        for segment in shares:
            own = flows[flows["k"].eq(k) & flows["segment"].eq(segment)]
            places = [middle.get((k - 1, int(c)), 0.5) for c in own["came_from"]]
            wanted[segment] = (
                float(np.average(places, weights=own["share"])) if places else -float(segment)
            )
        at = -GAP * (len(shares) - 1) / 2
        for segment in sorted(wanted, key=lambda s: (wanted[s], s)):
            base[k, segment] = at
            middle[k, segment] = at + shares[segment] / 2
            at += shares[segment] + GAP
    return base


def _place_bands(
    flows: pd.DataFrame, base: dict[tuple[int, int], float], k: int
) -> list[tuple[float, float, float, float, float]]:
    """Bands (left, right, low at the left, low at the right, width), stacked without crossing."""
    table = flows[["came_from", "segment", "share"]].to_numpy(dtype=float)
    rows = [(int(a), int(b), float(share)) for a, b, share in table]
    leaves = {a: base[k - 1, a] for a, _, _ in rows}
    enters = {b: base[k, b] for _, b, _ in rows}
    starts, ends = {}, {}
    for a, b, share in sorted(rows, key=lambda r: base[k, r[1]]):
        starts[a, b] = leaves[a]
        leaves[a] += share
    for a, b, share in sorted(rows, key=lambda r: base[k - 1, r[0]]):
        ends[a, b] = enters[b]
        enters[b] += share
    half = BAR / 2
    return [(k - 1 + half, k - half, starts[a, b], ends[a, b], share) for a, b, share in rows]


def _wrap(text: str, width: int) -> str:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return "\n".join([*lines, line])
