"""The ledger: every answer that cleaning changed and every respondent it removed, once."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from cjlib.codebook import Codebook, Item
from cjlib.columns import DATE, DURATION, LANGUAGE, RESPONDENT, WAVE, WEIGHT
from cjlib.survey.answers import FILE, ROW, RawAnswers
from cjlib.survey.readings import Reading
from cjlib.survey.typed import option_columns, type_column
from cjlib.survey.values import read_value

RULE: Final = "rule"
THRESHOLD: Final = "threshold"
OLD: Final = "old"
NEW: Final = "new"
ACTION: Final = "action"
COLUMN: Final = "column"
LEDGER_COLUMNS: Final = (
    RESPONDENT, WAVE, FILE, ROW, COLUMN, RULE, THRESHOLD, OLD, NEW, ACTION,
)  # fmt: skip
UNFIT_COLUMNS: Final = (WAVE, COLUMN, "value", RULE, THRESHOLD, "rows")
RESERVED: Final = {"date": DATE, "language": LANGUAGE, "weight": WEIGHT, "duration": DURATION}
NOT_ANSWERS: Final = ("id", "customer", "check", "personal", "ignore")


def read_items(codebook: Codebook) -> list[Item]:
    """Return the items whose cells are read into the respondents table, in file order."""
    return [item for item in codebook.items if item.kind not in NOT_ANSWERS]


def settle_column(
    raw: pd.Series, item: Item, places: pd.DataFrame
) -> tuple[pd.Series, pd.Series, pd.DataFrame, pd.DataFrame]:
    """Read one column by its codebook item.

    Parameters
    ----------
    raw : Series of str
        Texts of the export; <NA> where the question was not asked.
    item : Item
    places : DataFrame
        respondent_id, wave, file and row of each cell.

    Returns
    -------
    (settled, left_out, ledger, unfit)
        Texts in plain form; whether the question was passed over, <NA> where it was not
        asked; the ledger rows of the column; the texts that fitted no rule, with how many
        rows hold each.
    """
    codes, texts = pd.factorize(raw, use_na_sentinel=True)
    readings = [read_value(text, item) for text in texts]
    not_asked = Reading(None)
    listed = [*readings, not_asked]  # the last one is what code -1 takes
    settled = pd.array([r.text for r in listed], dtype="string").take(codes)
    left_out = pd.array([r.left_out for r in readings] + [pd.NA], dtype="boolean").take(codes)
    changed = np.array([r.rule != "" for r in listed])[codes]
    at = np.flatnonzero(changed)
    code = codes[at]
    ledger = places.iloc[at].assign(
        **{
            COLUMN: item.name,
            RULE: np.array([r.rule for r in listed], dtype=object)[code],
            THRESHOLD: np.array([r.threshold for r in listed], dtype=object)[code],
            OLD: raw.array[at],
            NEW: settled[at],
            ACTION: np.where(settled[at].isna(), "missing", "changed"),
        }
    )
    odd = ledger[np.array([r.unfit for r in listed])[code]]
    unfit = pd.DataFrame(columns=list(UNFIT_COLUMNS))
    if len(odd):
        counts = odd.groupby([WAVE, COLUMN, OLD, RULE, THRESHOLD], sort=True).size()
        unfit = counts.reset_index(name="rows").rename(columns={OLD: "value"})
    return (
        pd.Series(settled, index=raw.index),
        pd.Series(left_out, index=raw.index),
        ledger,
        unfit[list(UNFIT_COLUMNS)],
    )


def type_answers(settled: pd.DataFrame, items: list[Item]) -> pd.DataFrame:
    """Give every column of texts in plain form its type and its name in the respondents table.

    The first item of the kinds date, language, weight and duration has the table's own
    name for it; a ``multi`` item becomes one boolean column per option.
    """
    taken: set[str] = set()
    columns: list[pd.DataFrame] = []
    for item in items:
        if item.kind == "multi":
            columns.append(option_columns(settled[item.name], item))
            continue
        name = item.name
        if item.kind in RESERVED and RESERVED[item.kind] not in taken:
            name = RESERVED[item.kind]
        taken.add(name)
        columns.append(type_column(settled[item.name], item).to_frame(name))
    return pd.concat(columns, axis=1) if columns else pd.DataFrame(index=settled.index)


def replay_ledger(raw: RawAnswers, ledger: pd.DataFrame, *, codebook: Codebook) -> pd.DataFrame:
    """Make the clean table again from the raw one, using nothing but the ledger.

    Cells with a ledger row take its ``new``; the others keep what stands in the export and
    are only given their type; records with a removal row are dropped. What comes out are
    the answer columns of ``Survey.respondents``, exactly: so the ledger leaves nothing out.

    Parameters
    ----------
    raw : RawAnswers
    ledger : DataFrame
        As in ``Survey.ledger``.
    codebook : Codebook

    Returns
    -------
    DataFrame
        Index: position of the record in ``raw.table``.
    """
    items = read_items(codebook)
    settled = raw.table[[item.name for item in items]].copy()
    position = pd.Series(
        settled.index, index=pd.MultiIndex.from_frame(raw.table[[WAVE, FILE, ROW]])
    )
    at = position.loc[pd.MultiIndex.from_frame(ledger[[WAVE, FILE, ROW]])].to_numpy()
    cells = ledger[ACTION].ne("removed").to_numpy()
    for name, rows in ledger[cells].assign(at=at[cells]).groupby(COLUMN, sort=False):
        settled.loc[rows["at"], name] = rows[NEW].astype("string").to_numpy()
    kept = settled.index.difference(pd.Index(at[~cells]))
    return type_answers(settled, items).loc[kept]
