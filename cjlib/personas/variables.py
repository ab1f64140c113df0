"""What segments are made on: answers, behaviour and themes on one footing, one column each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pandas as pd

from cjlib.codebook import Item
from cjlib.columns import CUSTOMER, RESPONDENT, WAVE, WEIGHT
from cjlib.definitions import Text
from cjlib.errors import ColumnError, JourneyError, TooFewError, nearest
from cjlib.language import phrase
from cjlib.personas.clustering import Floats, Ints

MOST_MISSING: Final = 0.5  # a row with more than this share of the items missing is set apart
CLIP_AT: Final = 3.0  # standard deviations; behaviour beyond counts as this far
FEWEST_PEOPLE: Final = 20
FEWEST_RATINGS: Final = 2  # from which an answering style can be told
STYLES: Final = ("none", "level", "level_and_spread")
INDICATOR: Final = float(np.sqrt(0.5))  # two answers of a nominal item lie 1 apart, as yes and no


@dataclass(frozen=True, slots=True, eq=False)
class Variables:
    """The rows and columns that segments are made on.

    Attributes
    ----------
    source : str
        "survey" or "interactions".
    keys : DataFrame
        ``respondent_id, customer_id, wave`` of every row; ids that do not apply are missing.
    raw : DataFrame
        One column per item, as answered, missing where not; same rows as ``keys``. Numbers,
        but codes as text where ``scaling`` is "category".
    kept : array of bool
        Rows with enough answers to be placed.
    scaled : array (kept rows, items)
        Items on a common footing, gaps filled: scales and ticks 0 to 1; numbers with mean 0
        and standard deviation 1/2; behaviour likewise (counts, money and waits after log(1 + x),
        cut at ``CLIP_AT`` standard deviations), but beside survey answers with the standard
        deviation usual among those; a category the place of its level in ``levels``.
    centre : array of bool, one per item
        Rating items that ``style`` is taken out of.
    weights : array (rows,)
    items : DataFrame
        ``item, role, kind, label_en, label_fa, scaling`` (range, standard, log, category),
        ``low, high, source`` (survey, interactions, interviews), ``shift, spread`` (scaled =
        (answer - shift) / spread, of its log(1 + x) for "log"), ``cut`` (scaled values beyond
        it count as it), ``fill`` (of a gap, on the scaled footing), ``filled`` (gaps filled).
    notes : tuple of str
        What was decided on the way, in words.
    levels : dict of item to tuple of str
        Codes of nominal items.
    style : str
        One of ``STYLES``: what of a person's way of answering is taken out of the ratings.
    usual_spread : float
        Mean within-person standard deviation over those items, which all get by
        "level_and_spread".
    """

    source: str
    keys: pd.DataFrame
    raw: pd.DataFrame
    kept: np.ndarray
    scaled: Floats
    centre: np.ndarray
    weights: Floats
    items: pd.DataFrame
    notes: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    style: str = "none"
    usual_spread: float = 1.0

    @property
    def matrix(self) -> Floats:
        """The matrix that distances are taken in: ``prepare`` of the kept rows."""
        return self.prepare(self.scaled)

    @property
    def row_weights(self) -> Floats:
        """Weights of the kept rows."""
        kept: Floats = self.weights[self.kept]
        return kept

    @property
    def answered(self) -> Floats:
        """``scaled`` with NaN where a person gave no answer."""
        gaps = self.raw[self.kept].isna().to_numpy()
        return np.where(gaps, np.nan, self.scaled)

    @property
    def categorical(self) -> np.ndarray:
        """Which items have answers without an order or only two: ticks, options, nominal."""
        two = self.items["kind"].isin(["tick", "multi", "nominal", "theme"])
        return np.asarray(two | self.items["scaling"].eq("category"))

    @property
    def ratings(self) -> np.ndarray:
        """Which items are ratings on a scale, from which an answering style can be told."""
        return np.asarray(self.items["scaling"].eq("range") & self.items["kind"].eq("scale"))

    @property
    def columns(self) -> pd.DataFrame:
        """What each column of ``matrix`` is: ``item, level`` (a nominal item's, else empty)."""
        rows = [
            (item, level)
            for item, scaling in zip(self.items["item"], self.items["scaling"], strict=True)
            for level in (self.levels[item] if scaling == "category" else ("",))
        ]
        return pd.DataFrame(rows, columns=["item", "level"])

    def prepare(self, scaled: Floats) -> Floats:
        """Turn rows as in ``scaled`` into rows to take distances between.

        Gaps (NaN) get the item's ``fill``. By ``style`` each row's own mean over the rating
        items is taken out ("level"), and what is left is put to the spread usual within a
        person ("level_and_spread"; one who answers all alike stays at 0). A nominal item
        becomes one column per level, 0 or ``INDICATOR``: two people with different answers
        lie as far apart as a yes and a no, or the two ends of a scale.
        """
        out = np.where(np.isnan(scaled), self.items["fill"].to_numpy(dtype=float), scaled)
        if self.centre.any():
            part = out[:, self.centre]
            part = part - part.mean(axis=1, keepdims=True)
            if self.style == "level_and_spread":
                own = part.std(axis=1, keepdims=True)
                part = np.divide(part, own, out=np.zeros_like(part), where=own > 1e-12)
                part *= self.usual_spread
            out[:, self.centre] = part
        nominal = self.items["scaling"].eq("category").to_numpy()
        if not nominal.any():
            return out
        parts = []
        for j, name in enumerate(self.items["item"]):
            column = out[:, [j]]
            parts.append(
                (column == np.arange(len(self.levels[name]))) * INDICATOR if nominal[j] else column
            )
        return np.hstack(parts)

    def part(self, scaled: Floats) -> tuple[Floats, Ints]:
        """Part rows as in ``scaled`` into numbers as in ``prepare`` and codes of categories."""
        apart = self.items.loc[self.categorical, "item"]
        numbers = self.prepare(scaled)[:, ~self.columns["item"].isin(apart)]
        whole = np.where(np.isnan(scaled), self.items["fill"].to_numpy(dtype=float), scaled)
        return numbers, np.round(whole[:, self.categorical]).astype(np.int64)

    def scale(self, answers: pd.DataFrame) -> Floats:
        """Put new people's answers on the footing of ``scaled``, with NaN for gaps.

        Parameters
        ----------
        answers : DataFrame
            The items as columns, as in ``raw`` or as in the respondents table.

        Raises
        ------
        ColumnError
            If an item is absent, an answer infinite, or a code unknown.
        """
        absent = [name for name in self.items["item"] if name not in answers.columns]
        if absent:
            raise ColumnError(
                f"Variables.scale: answers must have every item; {', '.join(absent)} "
                f"{'is' if len(absent) == 1 else 'are'} not there. Give the same items, missing "
                "where a person was not asked."
            )
        return scale_answers(answers, self.items, self.levels)

    def take(self, rows: Ints) -> Variables:
        """Return the kept rows at these places, again where named again: a resample."""
        at = np.flatnonzero(self.kept)[rows]
        return replace(
            self, keys=self.keys.iloc[at].reset_index(drop=True),
            raw=self.raw.iloc[at].reset_index(drop=True), kept=np.ones(len(at), dtype=bool),
            scaled=self.scaled[rows], weights=self.weights[at],
        )  # fmt: skip

    def with_note(self, note: str) -> Variables:
        """Return the same variables with one more note."""
        return replace(self, notes=(*self.notes, note))

    def with_style(self, style: str) -> Variables:
        """Return the same variables with another answering style taken out.

        Raises
        ------
        JourneyError
            If the style is none of ``STYLES``, or fewer than two items are ratings.
        """
        if style not in STYLES:
            hint = nearest(style, STYLES)
            raise JourneyError(
                f"Variables.with_style: style must be one of {', '.join(STYLES)}; got {style!r}."
                + (f" Did you mean {hint!r}?" if hint else " Choose one.")
            )
        able = self.ratings
        if style == "none":
            return replace(self, centre=np.zeros(len(able), dtype=bool), style=style)
        if able.sum() < FEWEST_RATINGS:
            raise JourneyError(
                "Variables.with_style: answering style is told from at least "
                f"{FEWEST_RATINGS} rating items; there {'is' if able.sum() == 1 else 'are'} "
                f"{able.sum()}. Use style: none."
            )
        usual = float(self.scaled[:, able].std(axis=1).mean()) or 1.0
        return replace(self, centre=able, style=style, usual_spread=usual)


def scale_answers(
    answers: pd.DataFrame, items: pd.DataFrame, levels: Mapping[str, tuple[str, ...]]
) -> Floats:
    """Put answers on the footing told by ``items``; NaN where there is none."""
    out = np.empty((len(answers), len(items)))
    for j, item in enumerate(items.to_dict("records")):
        name = str(item["item"])
        column = answers[name]
        if name in levels and not pd.api.types.is_numeric_dtype(column):
            out[:, j] = _find_level(name, column, levels[name], two=item["scaling"] == "range")
            continue
        values = to_numbers(column).to_numpy(dtype=float)
        require_finite(name, values)
        if item["scaling"] == "log":
            values = np.log1p(values)
        out[:, j] = np.clip((values - item["shift"]) / item["spread"], -item["cut"], item["cut"])
    return out


def require_finite(name: str, values: Floats) -> None:
    """Refuse infinite answers.

    Raises
    ------
    ColumnError
        Naming the item, how many and where.
    """
    endless = np.isinf(values)
    if endless.any():
        raise ColumnError(
            f"build_personas: answers must be finite; '{name}' is infinite in "
            f"{int(endless.sum()):,} of {len(values):,} rows (first at row "
            f"{int(endless.argmax())}). Correct them, or set them missing."
        )


def _find_level(name: str, column: pd.Series, levels: tuple[str, ...], *, two: bool) -> Floats:
    text = column.astype("string")
    found = pd.Index(levels).get_indexer(pd.Index(text.fillna("").astype(object)))
    gone = text.isna().to_numpy()
    unknown = (found < 0) & ~gone
    if unknown.any():
        where = int(unknown.argmax())
        raise ColumnError(
            f"build_personas: '{name}' must be one of {', '.join(sorted(levels))}; got "
            f"{str(text.iloc[where])!r} in {int(unknown.sum()):,} of {len(text):,} rows (first at "
            f"row {where}). Recode it in codebook.csv, or set it missing."
        )
    places = (found == 0).astype(float) if two else found.astype(float)
    return np.where(gone, np.nan, places)


def settle_items(
    whole: pd.DataFrame, items: pd.DataFrame, levels: Mapping[str, tuple[str, ...]]
) -> tuple[pd.DataFrame, Floats]:
    """Find shift, spread and fill of each item from answers without gaps; also scale them."""
    shift, spread = np.zeros(len(items)), np.ones(len(items))
    for j, item in enumerate(items.to_dict("records")):
        if item["scaling"] == "range":
            shift[j], spread[j] = item["low"], item["high"] - item["low"]
        elif item["scaling"] != "category":
            values = whole[item["item"]].astype(float)
            values = np.log1p(values) if item["scaling"] == "log" else values
            shift[j], spread[j] = values.mean(), 2 * values.std()
    cut = np.where(items["source"].eq("interactions"), CLIP_AT / 2, np.inf)
    items = items.assign(shift=shift, spread=spread, cut=cut)
    scaled = scale_answers(whole, items, levels)
    fill: Floats = np.median(scaled, axis=0)
    for j in np.flatnonzero(items["scaling"].eq("category")).tolist():
        fill[j] = float(np.bincount(scaled[:, j].astype(int)).argmax())
    return items.assign(fill=fill), scaled


def drop_constant(
    raw: pd.DataFrame, items: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Leave out items without two different answers; return what was left out, in words."""
    count = raw.nunique(dropna=True)
    empty, alike = [[c for c in raw.columns if count[c] == n] for n in (0, 1)]
    words = [
        f"Left out because {why}: {', '.join(names)}."
        for why, names in (("nobody answered", empty), ("everyone answers alike", alike))
        if names
    ]
    keep = ~items["item"].isin([*empty, *alike])
    return raw.drop(columns=[*empty, *alike]), items[keep].reset_index(drop=True), words


def require_rows(rows: int, columns: int) -> None:
    """Refuse too few people, or no item on which they differ.

    Raises
    ------
    TooFewError
    """
    if columns < 1 or rows < FEWEST_PEOPLE:
        raise TooFewError(
            f"build_personas: segments need at least {FEWEST_PEOPLE} people with answers that "
            f"differ on at least one item; got {rows:,} people and {columns} such items. "
            "Check personas.segment_on in study.yaml and the roles in codebook.csv."
        )


def item_columns(item: Item, columns: pd.Index) -> list[tuple[str, Text]]:
    """Return the columns of the respondents table that hold ``item``, each with its label."""
    if item.kind == "multi":
        return [
            (f"{prefix}_{code}", label)
            for code, label in item.labels.items()
            for prefix in dict.fromkeys((item.group, item.name))
            if prefix and f"{prefix}_{code}" in columns
        ]
    return [(item.name, item_label(item))] if item.name in columns else []


def item_label(item: Item) -> Text:
    """Label of an item: its one option where it is a tick, else its question, else its name.

    A reversed item says so: its numbers mean the opposite of its words.
    """
    if item.kind == "tick" and len(item.labels) == 1:
        return next(iter(item.labels.values()))
    label = item.question if item.question.en or item.question.fa else Text(item.name)
    if not item.reverse:
        return label
    words = {lang: phrase("persona.reversed", lang, label=label.to(lang)) for lang in ("en", "fa")}
    return Text(words["en"], words["fa"])


def to_numbers(column: pd.Series) -> pd.Series:
    """Return a column of ratings, numbers or ticks as float, missing where it is not one."""
    if str(column.dtype) in ("boolean", "bool"):
        return column.astype("Float64").astype(float)
    return pd.to_numeric(column, errors="coerce").astype(float)


def read_keys(respondents: pd.DataFrame) -> pd.DataFrame:
    """Return ``respondent_id, customer_id, wave`` of every row, missing where not known."""
    out = {}
    for name in (RESPONDENT, CUSTOMER, WAVE):
        column = respondents[name] if name in respondents.columns else pd.NA
        out[name] = pd.Series(column, index=respondents.index, dtype="string")
    return pd.DataFrame(out).reset_index(drop=True)


def read_weights(respondents: pd.DataFrame) -> Floats:
    """Return the survey weights; 1 for all where there are none, 0 where one is missing."""
    if WEIGHT not in respondents.columns:
        return np.ones(len(respondents))
    found: Floats = respondents[WEIGHT].fillna(0).to_numpy(dtype=float)
    return found
