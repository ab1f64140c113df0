"""The ledger: every answer that cleaning changed and every respondent it removed, once.

A million respondents may change forty cells each, so a ledger is kept as codes: each
distinct change (column, old text, rule, new text) once, and for each row which one it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.codebook import Codebook, Item
from cjlib.columns import RESPONDENT, WAVE
from cjlib.language import mask_personal
from cjlib.survey.answers import FILE, ROW, RawAnswers
from cjlib.survey.readings import Reading
from cjlib.survey.settled import Column, Places
from cjlib.survey.typed import Coded, type_answers

RULE: Final = "rule"
THRESHOLD: Final = "threshold"
OLD: Final = "old"
NEW: Final = "new"
ACTION: Final = "action"
COLUMN: Final = "column"
CHANGE: Final = (COLUMN, RULE, THRESHOLD, OLD, NEW, ACTION)
LEDGER_COLUMNS: Final = (RESPONDENT, WAVE, FILE, ROW, *CHANGE)
UNFIT_COLUMNS: Final = (WAVE, COLUMN, "value", RULE, THRESHOLD, "rows")
NOT_ASKED_ANSWERED: Final = "answered though not asked"
NOT_ANSWERS: Final = ("id", "customer", "check", "personal", "ignore")


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """What was done to one column, or to the list of respondents.

    Attributes
    ----------
    at : array of int
        Positions of the records, each once.
    which : array of int
        Row of ``listing`` that tells what was done there.
    listing : DataFrame
        Distinct changes: column, rule, threshold, old, new, action.
    """

    at: npt.NDArray[np.int64]
    which: Places
    listing: pd.DataFrame


def read_items(codebook: Codebook) -> list[Item]:
    """Return the items whose cells are read into the respondents table, in file order."""
    return [item for item in codebook.items if item.kind not in NOT_ANSWERS]


def list_changes(column: Column) -> Changes:
    """Tell every cell of a column that does not stand as the export has it."""
    rows: list[tuple[str, str, str, str, str | None, str]] = []
    name = column.item.name
    usual = np.full(len(column.texts) + 1, -1, dtype=np.int32)
    unasked = usual.copy()
    condition = " & ".join(map(str, column.item.asked_if))
    for place, (text, reading) in enumerate(zip(column.texts, column.readings, strict=True)):
        if reading.rule:
            usual[place] = len(rows)
            action = "missing" if reading.text is None else "changed"
            old = _tell_old(text, reading, column.item)
            rows.append((name, reading.rule, reading.threshold, old, reading.text, action))
        unasked[place] = usual[place]
        said = reading.unfit or reading.text is not None
        if column.not_asked is not None and said:
            rule = NOT_ASKED_ANSWERED if column.answered[place] else "not asked"
            unasked[place] = len(rows)
            rows.append((name, rule, condition, mask_personal(text), None, "missing"))
    which = usual[column.codes]
    if column.not_asked is not None:
        which = np.where(column.not_asked, unasked[column.codes], which)
    at = np.flatnonzero(which >= 0)
    return Changes(at, which[at], pd.DataFrame(rows, columns=list(CHANGE)))


def _tell_old(text: str, reading: Reading, item: Item) -> str:
    """Return what the ledger says stood in a cell: free words without their personal data."""
    in_words = reading.text is None or item.kind in ("text", "nominal", "codes", "multi")
    return mask_personal(text) if in_words else text


def list_unfit(column: Column, wave: pd.Series) -> pd.DataFrame:
    """Count, per wave, the texts of a column that fitted no rule."""
    odd = [reading.unfit for reading in column.readings]
    if not any(odd):
        return pd.DataFrame(columns=list(UNFIT_COLUMNS))
    places = column.places
    at = np.flatnonzero(np.array([*odd, False])[places])
    found = pd.DataFrame({WAVE: wave.iloc[at].to_numpy(), "place": places[at]})
    counts = pd.DataFrame(found.value_counts([WAVE, "place"]).rename("rows").reset_index())
    readings = [column.readings[place] for place in counts["place"]]
    counts["value"] = [mask_personal(column.texts[place]) for place in counts["place"]]
    counts[RULE] = [reading.rule for reading in readings]
    counts[THRESHOLD] = [reading.threshold for reading in readings]
    counts[COLUMN] = column.item.name
    told = counts.groupby(list(UNFIT_COLUMNS[:-1]), as_index=False).agg({"rows": "sum"})
    return told.sort_values([WAVE, "value", RULE], ignore_index=True)[list(UNFIT_COLUMNS)]


def write_ledger(changes: list[Changes], places: pd.DataFrame) -> pd.DataFrame:
    """Put all changes into one table, record by record, in the order they are given.

    Parameters
    ----------
    changes : list of Changes
    places : DataFrame
        respondent_id (each once), wave, file and row of every record.

    Returns
    -------
    DataFrame
        ``LEDGER_COLUMNS``; all but ``row`` are categories, to be small.
    """
    listing = pd.concat([part.listing for part in changes], ignore_index=True)
    counts = np.zeros(len(places), dtype=np.int64)
    for part in changes:
        counts[part.at] += 1
    ends = np.cumsum(counts)
    slot = ends - counts
    entry = np.empty(int(ends[-1]) if len(ends) else 0, dtype=np.int32)
    first = 0
    for part in changes:
        entry[slot[part.at]] = part.which + np.int32(first)
        slot[part.at] += 1
        first += len(part.listing)
    position = np.repeat(np.arange(len(places), dtype=np.int32), counts)
    ledger: dict[str, object] = {
        RESPONDENT: pd.Categorical.from_codes(position, pd.Index(places[RESPONDENT]))
    }
    for name in (WAVE, FILE):
        ledger[name] = _take_category(places[name], position)
    ledger[ROW] = places[ROW].to_numpy(dtype=np.int32)[position]
    for name in CHANGE:
        ledger[name] = _take_category(listing[name], entry)
    return pd.DataFrame(ledger, copy=False)


def _take_category(values: pd.Series, at: Places) -> pd.Categorical:
    codes, known = pd.factorize(values.astype("string"), use_na_sentinel=True)
    small = codes.astype(np.min_scalar_type(-max(len(known), 1)))
    return pd.Categorical.from_codes(small[at], pd.Index(known, dtype="string"), validate=False)


def replay_ledger(raw: RawAnswers, ledger: pd.DataFrame, *, codebook: Codebook) -> pd.DataFrame:
    """Make the clean table again from the raw one, using nothing but the ledger.

    Cells with a ledger row take its ``new``; the others keep what stands in the export and
    are only given their type; records with a removal row are dropped. What comes out are
    the answer columns of ``Survey.respondents``, exactly (a weight as in the file, before
    raking): so the ledger leaves nothing out.

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
    at = _find_records(raw.table, ledger)
    columns = pd.Categorical(ledger[COLUMN])
    removed = ledger[ACTION].eq("removed").to_numpy()
    settled: dict[str, Coded] = {}
    for item in items:
        codes, texts = pd.factorize(raw.table[item.name], use_na_sentinel=True)
        mine = np.flatnonzero(columns == item.name)
        new, words = pd.factorize(ledger[NEW].iloc[mine], use_na_sentinel=True)
        codes[at[mine]] = np.where(new < 0, new, new + len(texts))
        used = np.bincount(codes + 1, minlength=len(texts) + len(words) + 1)[1:] > 0
        every = [*map(str, texts), *map(str, words)]
        plain = [text if here else None for text, here in zip(every, used, strict=True)]
        settled[item.name] = codes.astype(np.int32), plain
    kept = raw.table.index.delete(at[removed])
    return type_answers(settled, items, raw.table.index).loc[kept]


def _find_records(table: pd.DataFrame, ledger: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Position in ``table`` of the record that each ledger row is about."""
    files = table[[WAVE, FILE]].drop_duplicates().astype(str)
    number = {pair: code for code, pair in enumerate(zip(files[WAVE], files[FILE], strict=True))}
    span = int(table[ROW].max()) + 1

    def mark(rows: pd.DataFrame) -> npt.NDArray[np.int64]:
        waves, files = (pd.Categorical(rows[name]) for name in (WAVE, FILE))
        pairs = np.array(
            [[number.get((w, f), -1) for f in files.categories] for w in waves.categories],
            dtype=np.int64,
        ).reshape(len(waves.categories), len(files.categories))
        own: npt.NDArray[np.int64] = pairs[waves.codes, files.codes] * span + rows[ROW].to_numpy()
        return own

    marks = mark(table)
    order = np.argsort(marks, kind="stable")
    found: npt.NDArray[np.int64] = order[np.searchsorted(marks[order], mark(ledger))]
    return found
