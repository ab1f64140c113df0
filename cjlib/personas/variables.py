"""What segments are made on: answers with the roles the study names, or behaviour in the log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from cjlib.codebook import Item
from cjlib.columns import CUSTOMER, RESPONDENT, WAVE, WEIGHT, require_columns
from cjlib.definitions import Text
from cjlib.errors import JourneyError, TooFewError
from cjlib.language import phrase
from cjlib.personas.clustering import Floats
from cjlib.study import Study
from cjlib.survey import complete_answers

MOST_MISSING: Final = 0.5  # a row with more than this share of the items missing is set apart
CENTRE_FROM: Final = 5  # rating items needed before a person's own level is taken out
CENTRE_POINTS: Final = 4  # points the scale must have for that
CLIP_AT: Final = 3.0  # standard deviations; behaviour beyond counts as this far


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
        One column per item, as answered, missing where not; same rows as ``keys``.
    kept : array of bool
        Rows with enough answers to be placed.
    scaled : array (kept rows, items)
        Items on a common footing (0 to 1 for scales and ticks), gaps filled.
    centre : array of bool, one per item
        Items from which each person's own mean over them is taken before clustering.
    weights : array (rows,)
    items : DataFrame
        ``item, role, kind, label_en, label_fa, scaling, filled`` (gaps filled).
    notes : tuple of str
        What was decided on the way, in words.
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

    @property
    def matrix(self) -> Floats:
        """The matrix that is clustered."""
        return self.prepare(self.scaled)

    @property
    def row_weights(self) -> Floats:
        """Weights of the kept rows."""
        kept: Floats = self.weights[self.kept]
        return kept

    def prepare(self, scaled: Floats) -> Floats:
        """Take each row's own mean out of the items to be centred."""
        if not self.centre.any():
            return scaled
        out = scaled.copy()
        part = out[:, self.centre]
        out[:, self.centre] = part - part.mean(axis=1, keepdims=True)
        return out

    def with_centring(self, on: bool) -> Variables:
        """Return the same variables centred or not."""
        able = (self.items["scaling"] == "range").to_numpy() & (self.items["kind"] == "scale")
        return replace(self, centre=np.asarray(able) & on)


def read_survey_variables(
    study: Study, respondents: pd.DataFrame, *, centre: bool | None = None,
    rng: np.random.Generator | None = None,
) -> Variables | None:  # fmt: skip
    """Take the items whose codebook role is in ``study.personas.segment_on``.

    Scales and numbers as they are, ticks and options as 0 and 1, two-valued nominal items
    as 1 for the first code. Scales are divided by their range, numbers put to mean 0 and
    half a unit standard deviation. What happens to missing answers is the study's choice
    (``missing_answers``): "by_analysis" fills them with the item's median, "impute" by one draw
    from what the other items foretell (``complete_answers``), and in both rows with more than
    ``MOST_MISSING`` missing are set apart; "complete" sets apart every row with a gap. ``notes``
    tells which, and how many rows and gaps.

    Parameters
    ----------
    study : Study
    respondents : DataFrame
        One row per person and wave, columns as the codebook names them.
    centre : bool, optional
        Take each person's own mean out of the rating items (answering style). None: where
        there are at least ``CENTRE_FROM`` of them on a scale of ``CENTRE_POINTS`` or more.
    rng : Generator, optional
        Needed where the study chooses to impute.

    Returns
    -------
    Variables or None
        None where the codebook has no such items.
    """
    require_columns(respondents, [RESPONDENT], caller="build_personas")
    columns: dict[str, pd.Series] = {}
    rows: list[dict[str, Any]] = []
    unused: list[str] = []
    for item in study.codebook.items:
        if item.role not in study.personas.segment_on:
            continue
        found = _read_item(item, respondents)
        if not found and item.kind in ("nominal", "codes"):
            unused.append(item.name)
        for name, column, row in found:
            columns[name] = column
            rows.append(row)
    if not columns:
        return None
    raw = pd.DataFrame(columns, index=respondents.index).astype(float)
    items = pd.DataFrame(rows)
    raw, items, dropped = _drop_constant(raw, items)
    most = 0.0 if study.missing_answers == "complete" else MOST_MISSING
    kept = (raw.isna().mean(axis=1) <= most).to_numpy()
    _require_rows(int(kept.sum()), raw.shape[1])
    used = raw[kept]
    items["filled"] = used.isna().sum().to_numpy()
    whole = _fill(used, study.missing_answers, rng)
    scaled = np.empty(used.shape)
    ranged = items["scaling"].eq("range").to_numpy()
    low, high = items["low"].to_numpy(dtype=float), items["high"].to_numpy(dtype=float)
    for j, name in enumerate(whole.columns):
        column = whole[name]
        if ranged[j]:
            scaled[:, j] = (column - low[j]) / (high[j] - low[j])
        else:
            scaled[:, j] = (column - column.mean()) / (2 * column.std())
    notes = [_tell_gaps(kept, raw.shape[1], int(items["filled"].sum()), study.missing_answers)]
    if dropped:
        notes.append(f"Left out because everyone answers alike: {', '.join(dropped)}.")
    if unused:
        notes.append(f"Left out because they have more than two answers: {', '.join(unused)}.")
    ratings = items["kind"].eq("scale") & items["scaling"].eq("range")
    points = (items["high"] - items["low"] + 1).where(ratings, 0)
    on = bool((ratings & points.ge(CENTRE_POINTS)).sum() >= CENTRE_FROM)
    on = on if centre is None else centre
    notes.append(
        "Each person's own mean over the rating items is taken out first, so that segments "
        "differ in what matters more to them than the rest, not in how high they rate "
        "everything." if on and ratings.any() else "Answers are used at the level they were given."
    )  # fmt: skip
    return Variables(
        "survey", _keys(respondents), raw, kept, scaled, np.asarray(ratings) & on,
        _weights(respondents), items, tuple(notes),
    )  # fmt: skip


def _fill(used: pd.DataFrame, how: str, rng: np.random.Generator | None) -> pd.DataFrame:
    if how != "impute":
        return used.fillna(used.median())
    if rng is None:
        raise JourneyError(
            "read_survey_variables: imputing must have an rng; got none. Pass "
            "rng=np.random.default_rng(study.seed)."
        )
    return complete_answers(used, how="impute", rng=rng).frame


def _tell_gaps(kept: np.ndarray, items: int, filled: int, how: str) -> str:
    apart, cells = int((~kept).sum()), max(int(kept.sum()) * items, 1)
    if how == "complete":
        return (
            f"{apart:,} of {len(kept):,} rows lack an answer to one of the {items} items and are "
            "not placed: the study takes complete rows only."
        )
    by = (
        "by one draw from what the other items foretell"
        if how == "impute"
        else "with the item's median"
    )
    return (
        f"{apart:,} of {len(kept):,} rows lack more than half of the {items} items and are not "
        f"placed; {filled:,} other gaps ({filled / cells:.1%} of the answers) are filled {by}."
    )


def read_behaviour_variables(behaviour: pd.DataFrame) -> Variables:
    """Take the behaviour of each customer (see ``measure_behaviour``) as the variables.

    Counts, money and waits on a log scale; every column to mean 0 and standard deviation 1,
    cut at ``CLIP_AT`` standard deviations. Columns missing for more than half of the
    customers, and columns without any spread, are left out; other gaps take the median.
    """
    raw = behaviour.set_index(CUSTOMER)
    logged = [c for c in raw.columns if c.startswith(("contacts", "days", "purch", "amount"))]
    table = raw.copy()
    for name in [*logged, *[c for c in raw.columns if c.startswith("wait")]]:
        table[name] = np.log1p(table[name])
    sparse = [c for c in table.columns if table[c].isna().mean() > MOST_MISSING]
    rows = [
        {"item": c, "role": "behaviour", "kind": "number", "label_en": "", "label_fa": "",
         "scaling": "standard", "low": np.nan, "high": np.nan}
        for c in table.columns if c not in sparse
    ]  # fmt: skip
    table, items, dropped = _drop_constant(table.drop(columns=sparse), pd.DataFrame(rows))
    _require_rows(len(table), table.shape[1])
    filled = table.isna().sum().to_numpy()
    table = table.fillna(table.median())
    scaled = ((table - table.mean()) / table.std()).clip(-CLIP_AT, CLIP_AT).to_numpy(dtype=float)
    items["filled"] = filled
    keys = pd.DataFrame(
        {RESPONDENT: pd.array([pd.NA] * len(raw), dtype="string"),
         CUSTOMER: raw.index.astype("string"),
         WAVE: pd.array([pd.NA] * len(raw), dtype="string")}
    )  # fmt: skip
    notes = ["There are no survey items to make segments on: they are made on behaviour."]
    if sparse or dropped:
        notes.append(
            f"Left out, known for too few or the same for all: {', '.join([*sparse, *dropped])}."
        )
    if filled.sum():
        notes.append(f"{int(filled.sum()):,} gaps are filled with the column's median.")
    none = np.zeros(table.shape[1], dtype=bool)
    return Variables(
        "interactions", keys, raw[list(table.columns)].reset_index(drop=True),
        np.ones(len(raw), dtype=bool), scaled, none, np.ones(len(raw)), items, tuple(notes),
    )  # fmt: skip


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


def _read_item(
    item: Item, respondents: pd.DataFrame
) -> list[tuple[str, pd.Series, dict[str, Any]]]:
    found = []
    for name, label in item_columns(item, respondents.columns):
        low, high, column, words = item.low, item.high, None, label
        if item.kind in ("tick", "multi"):
            low, high, column = 0.0, 1.0, to_numbers(respondents[name])
        elif item.kind in ("scale", "number"):
            column = to_numbers(respondents[name])
        elif item.kind == "money":  # its ends are told in its own unit, not the study's currency
            low, high, column = None, None, to_numbers(respondents[name])
        elif item.kind == "nominal" and len(item.labels) == 2:
            first = next(iter(item.labels))
            text = respondents[name].astype("string")
            column = text.eq(first).astype("Float64").mask(text.isna()).astype(float)
            low, high = 0.0, 1.0
            yes = item.labels[first]
            words = Text(f"{label.en} {yes.en}".strip(), f"{label.fa} {yes.fa}".strip())
        if column is None:
            continue
        ranged = low is not None and high is not None
        found.append(
            (name, column, {
                "item": name, "role": item.role, "kind": item.kind, "label_en": words.to("en"),
                "label_fa": words.to("fa"), "scaling": "range" if ranged else "standard",
                "low": low if ranged else np.nan, "high": high if ranged else np.nan,
            })
        )  # fmt: skip
    return found


def _drop_constant(
    raw: pd.DataFrame, items: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    alike = [c for c in raw.columns if raw[c].nunique(dropna=True) < 2]
    keep = ~items["item"].isin(alike)
    return raw.drop(columns=alike), items[keep].reset_index(drop=True), alike


def _require_rows(rows: int, columns: int) -> None:
    if columns < 1 or rows < 20:
        raise TooFewError(
            "build_personas: segments need at least 20 people with answers that differ on at "
            f"least one item; got {rows:,} people and {columns} such items. "
            "Check personas.segment_on in study.yaml and the roles in codebook.csv."
        )


def _keys(respondents: pd.DataFrame) -> pd.DataFrame:
    out = {}
    for name in (RESPONDENT, CUSTOMER, WAVE):
        column = respondents[name] if name in respondents.columns else pd.NA
        out[name] = pd.Series(column, index=respondents.index, dtype="string")
    return pd.DataFrame(out).reset_index(drop=True)


def _weights(respondents: pd.DataFrame) -> Floats:
    if WEIGHT not in respondents.columns:
        return np.ones(len(respondents))
    found: Floats = respondents[WEIGHT].fillna(0).to_numpy(dtype=float)
    return found
