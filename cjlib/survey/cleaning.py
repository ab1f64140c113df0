"""Clean answers: typed by the codebook, careless respondents removed, all of it in a ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from cjlib.codebook import Item
from cjlib.columns import CUSTOMER, DATE, DURATION, LANGUAGE, RESPONDENT, WAVE, WEIGHT
from cjlib.errors import ColumnError
from cjlib.language import is_blank, parse_date
from cjlib.study import Study
from cjlib.survey.answers import FILE, ROW, RawAnswers, read_answers
from cjlib.survey.cautions import find_warnings
from cjlib.survey.judging import judge_respondents
from cjlib.survey.ledger import (
    ACTION,
    COLUMN,
    NEW,
    OLD,
    RULE,
    THRESHOLD,
    UNFIT_COLUMNS,
    Changes,
    list_changes,
    list_unfit,
    read_items,
    write_ledger,
)
from cjlib.survey.numbers import require_scales
from cjlib.survey.quality import (
    DUPLICATE_OF,
)
from cjlib.survey.routing import route_answers
from cjlib.survey.rules import DUPLICATE, Hits, describe_rule, find_hits, trace_flow
from cjlib.survey.settled import settle_column
from cjlib.survey.typed import RESERVED, type_answers
from cjlib.survey.weights import (
    Weighting,
    describe_weighting,
    doubt_weighting,
    weigh_respondents,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIRST_COLUMNS: Final = (RESPONDENT, CUSTOMER, WAVE, DATE, LANGUAGE, WEIGHT, DURATION)


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """Clean answers and everything that was done to get them; made by ``clean_answers``.

    Attributes
    ----------
    respondents : DataFrame
        One row per person and wave that stays: ``respondent_id``, ``customer_id``,
        ``wave``, ``date``, ``language``, ``weight``, ``duration_s``, then one column per
        codebook item (``multi``: one per option). Weights are raked where the study says so.
    everyone : DataFrame
        The same before anyone is removed, with the weights of the files.
    ledger : DataFrame
        One row per changed cell and one per removed respondent: respondent_id, wave, file,
        row, column, rule, threshold, old, new, action (removed, changed or missing).
    flow : DataFrame
        From rows read to rows analysed, see ``trace_flow``.
    quality : DataFrame
        One row per record read, see ``measure_quality``; ``rules`` that hit, ``removed``.
    not_asked : DataFrame of bool
        Skip logic: one row per record of ``everyone``, one column per item with ``asked_if``;
        whether the person was not asked (their cell is missing, and not "left out").
    unfit : DataFrame
        Texts that fitted no rule and became missing: wave, column, value, rule, threshold,
        rows.
    warnings : tuple of str
        What a reader must know before trusting the table.
    raw_rows : int
        Rows read.
    absent, unknown : DataFrame
        As in ``RawAnswers``.
    study : Study
    weighting : dict of str to Weighting
        What raking did to each wave; empty where the study states no ``weights``.
    """

    respondents: pd.DataFrame
    everyone: pd.DataFrame
    ledger: pd.DataFrame
    flow: pd.DataFrame
    quality: pd.DataFrame
    not_asked: pd.DataFrame
    unfit: pd.DataFrame
    warnings: tuple[str, ...]
    raw_rows: int
    absent: pd.DataFrame
    unknown: pd.DataFrame
    study: Study = field(repr=False)
    weighting: dict[str, Weighting] = field(default_factory=dict, repr=False)

    def summary(self) -> str:
        """Return what cleaning did, in one sentence."""
        cells = self.ledger[self.ledger[ACTION].ne("removed")]
        return (
            f"{self.raw_rows:,} rows read, {self.raw_rows - len(self.respondents):,} removed, "
            f"{len(self.respondents):,} analysed ({describe_rule(self.study.cleaning)}); "
            f"{int(cells[ACTION].eq('changed').sum()):,} cells changed and "
            f"{int(cells[ACTION].eq('missing').sum()):,} set missing, "
            f"{int(self.unfit['rows'].sum()):,} of them fitting no rule."
            + describe_weighting(self.weighting)
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the flow from rows read to rows analysed."""
        from cjlib import plots

        return plots.draw_flow(self.flow, language=self.study.language, ax=ax)

    def plot_quality(self, *, ax: Axes | None = None) -> Axes:
        """Draw speed against the longest run of equal answers, the removed marked."""
        from cjlib import plots

        return plots.draw_quality(
            self.quality,
            seconds=self.study.cleaning.seconds_per_item,
            run=self.study.cleaning.longstring_share,
            language=self.study.language,
            ax=ax,
        )


def clean_answers(study: Study, *, raw: RawAnswers | None = None) -> Survey:
    """Clean the survey of a study by its codebook and its stated rule.

    Every cell is read by the item's kind (see ``read_value``): missing codes, digits of
    three scripts, scale words of both languages, ranges, reversed items, Persian and
    Gregorian dates, labels, options. Then one stated rule (``study.cleaning``) removes
    respondents. Each changed cell and each removal stands in the ledger once, with rule
    and threshold; rows read are rows kept plus rows removed, always.

    Weights are taken as they stand in the file (1 where the study has none) and, where the
    study states ``weights``, raked to them among those who stay, wave by wave. People are
    pseudonymised; raw ids appear in no result.

    Parameters
    ----------
    study : Study
    raw : RawAnswers, optional
        What ``read_answers(study)`` gave; read again if not passed.

    Raises
    ------
    MissingSourceError
        If the study declares no survey.
    ScaleError
        If the codebook names an unknown family of scale words.
    ColumnError
        If a codebook name is one the respondents table needs for itself.
    """
    items = read_items(study.codebook)
    _require_free_names(items)
    require_scales(items)
    raw = read_answers(study) if raw is None else raw
    people = _name_people(study, raw)
    places = pd.concat([people[[RESPONDENT]], raw.table[[WAVE, FILE, ROW]]], axis=1)
    columns = route_answers(
        {
            item.name: settle_column(
                raw.table[item.name], item, wave=raw.table[WAVE], currency=study.currency
            )
            for item in items
        }
    )
    settled = {name: (column.places, column.settled) for name, column in columns.items()}
    answers = type_answers(settled, items, raw.table.index)
    left_out = pd.DataFrame({n: c.left_out for n, c in columns.items()}, index=raw.table.index)
    everyone = _complete_table(answers, people, raw, study)
    quality = judge_respondents(study, raw, everyone, people, left_out)
    hits = find_hits(quality, cleaning=study.cleaning)
    quality = quality.assign(
        rules=_join_rules(hits, dict.fromkeys(hits.thresholds, "{rule}"), hits.table),
        removed=hits.removed,
    )
    changes = [*map(list_changes, columns.values()), _list_removals(hits, quality)]
    ledger = write_ledger(changes, places)
    kept = everyone[~quality["removed"]].reset_index(drop=True)
    weights, weighting = weigh_respondents(kept, study)
    not_asked = {n: c.not_asked for n, c in columns.items() if c.not_asked is not None}
    return Survey(
        respondents=kept.assign(**{WEIGHT: weights}),
        everyone=everyone,
        ledger=ledger,
        flow=trace_flow(hits),
        quality=quality,
        unfit=_stack([list_unfit(column, raw.table[WAVE]) for column in columns.values()]),
        not_asked=pd.DataFrame(not_asked, index=raw.table.index, dtype=bool),
        warnings=(
            *find_warnings(study, raw, everyone, quality, ledger),
            *doubt_weighting(weighting),
        ),
        raw_rows=len(raw.table),
        absent=raw.absent,
        unknown=raw.unknown,
        study=study,
        weighting=weighting,
    )


def _stack(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Stack the unfit texts of all columns that have any."""
    some = [part for part in parts if len(part)]
    empty = pd.DataFrame(columns=list(UNFIT_COLUMNS)).astype({"rows": "int64"})
    return pd.concat(some, ignore_index=True) if some else empty


def _require_free_names(items: list[Item]) -> None:
    own = {item.kind: item.name for item in reversed(items) if item.kind in RESERVED}
    for item in items:
        allowed = own.get(item.kind) == item.name and RESERVED.get(item.kind) == item.name
        if item.name in (*FIRST_COLUMNS, FILE, ROW) and not allowed:
            raise ColumnError(
                f"clean_answers: '{item.name}' is a column the respondents table needs for "
                f"itself; codebook line {item.line} takes it. Give the item another name and "
                f"put '{item.name}' under source."
            )


def _name_people(study: Study, raw: RawAnswers) -> pd.DataFrame:
    """Pseudonyms of respondents (unique) and customers, and the response ids to compare by."""
    place = raw.table[WAVE] + "/" + raw.table[FILE] + "/" + raw.table[ROW].astype(str)
    own = study.codebook.first("id")
    response = _ids(raw.table, own)
    text = (raw.table[WAVE] + "/" + response).fillna(place)
    text = text.where(~text.duplicated(), text + "#" + place)
    customer = study.codebook.first("customer")
    return pd.DataFrame(
        {
            RESPONDENT: study.pseudonyms(text, "R"),
            CUSTOMER: study.pseudonyms(_ids(raw.table, customer), "C"),
            "response": response,
        }
    )


def _ids(table: pd.DataFrame, item: Item | None) -> pd.Series:
    if item is None:
        return pd.Series(pd.NA, index=table.index, dtype="string")
    text = table[item.name].str.strip()
    empty = [t for t in text.dropna().unique().tolist() if is_blank(t) or t in item.missing]
    return text.mask(text.isin(empty))


def _complete_table(
    answers: pd.DataFrame, people: pd.DataFrame, raw: RawAnswers, study: Study
) -> pd.DataFrame:
    """Put the columns every survey has before the answers."""
    wave = raw.table[WAVE].astype("string")
    days = {w.id: parse_date(w.date) if w.date else None for w in study.waves}
    first: dict[str, pd.Series] = {
        RESPONDENT: people[RESPONDENT],
        CUSTOMER: people[CUSTOMER],
        WAVE: wave,
        DATE: pd.to_datetime(wave.map(days)).astype("datetime64[ns]"),
        LANGUAGE: pd.Series(study.language, index=wave.index, dtype="string"),
        WEIGHT: pd.Series(1.0, index=wave.index),
        DURATION: pd.Series(float("nan"), index=wave.index),
    }
    for kind, name in RESERVED.items():
        item = study.codebook.first(kind)
        if item is not None:
            asked = raw.table[item.name].notna()
            first[name] = answers[name].where(asked, first[name])
    rest = answers[[c for c in answers.columns if c not in RESERVED.values()]]
    return pd.concat([pd.DataFrame(first), rest], axis=1)


def _join_rules(hits: Hits, forms: dict[str, str], values: pd.DataFrame) -> pd.Series:
    """Join, per respondent, the text of each rule that hit."""
    joined = pd.Series("", index=hits.table.index, dtype="string")
    for rule in hits.table.columns:
        hit = hits.table[rule]
        if not hit.any():
            continue
        shown = values.loc[hit, rule].map(lambda v, r=rule: forms[r].format(rule=r, value=v))
        before = joined[hit]
        joined[hit] = before.mask(before.ne(""), before + "; ") + shown.astype("string")
    return joined


def _list_removals(hits: Hits, quality: pd.DataFrame) -> Changes:
    gone = hits.removed
    measured = pd.DataFrame(
        {r: quality[DUPLICATE_OF if r == DUPLICATE else r] for r in hits.table.columns},
        index=quality.index,
    )
    values = {
        r: "{rule} {value}" if r == DUPLICATE else "{rule} {value:.3g}" for r in hits.thresholds
    }
    limits = {r: text.replace("{", "").replace("}", "") for r, text in hits.thresholds.items()}
    listing = pd.DataFrame(
        {
            COLUMN: "",
            RULE: quality.loc[gone, "rules"],
            THRESHOLD: _join_rules(hits, limits, measured)[gone],
            OLD: _join_rules(hits, values, measured)[gone],
            NEW: pd.Series(pd.NA, index=quality.index[gone], dtype="string"),
            ACTION: "removed",
        }
    )
    return Changes(np.flatnonzero(gone), np.arange(len(listing), dtype=np.int32), listing)
