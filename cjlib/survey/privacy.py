"""Personal data at the door: columns nobody declared, and what people wrote into free text."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from cjlib.codebook import Item
from cjlib.columns import WAVE
from cjlib.language import PersonalDatum, find_personal, is_personal_header
from cjlib.study import Study
from cjlib.survey.answers import FILE, ROW, name_files, name_places
from cjlib.survey.exports import Export, read_export

DECLARED: Final = ("personal", "ignore", "id", "customer")  # dropped, or made pseudonyms
ANNOUNCED: Final = ("", "text", "nominal", "codes", "number")  # kinds a header can unmask
SHARE: Final = 0.5  # of the cells: from here the column is of the kind, below it is free text
TICK_CELLS: Final = 20  # so many cells with at most two texts are a tick, whatever its header
BY_CHANCE: Final = {"national_id": 10, "card": 16}  # digits; one number in ten passes the check
COLUMNS: Final = (WAVE, FILE, "column", "item", "declared", "kind", "by", "cells", "share")
TEXTS: Final = (WAVE, FILE, ROW, "column", "item", "kind", "count", "masked")


@dataclass(frozen=True, slots=True, eq=False)
class PrivacyScan:
    """Where the survey files hold personal data; made by ``scan_answers``.

    Attributes
    ----------
    columns : DataFrame
        Columns that look personal and that the codebook does not declare personal, ignored,
        an id or a customer: wave, file, column (header), item and declared (its name and
        kind in the codebook; empty where it names none), kind, by ("header" or "cells"),
        cells (not empty), share (of them that are one datum and nothing else).
    texts : DataFrame
        Data inside other columns, for a human to review in the file: wave, file, row, column,
        item, kind, count; masked: whether ``clean_answers`` replaces them (kind ``text``).
        The data themselves stand nowhere here.
    """

    columns: pd.DataFrame
    texts: pd.DataFrame

    def summary(self) -> str:
        """Return what was found, in one sentence."""
        names = ", ".join(dict.fromkeys(self.columns["column"] + " (" + self.columns["kind"] + ")"))
        undeclared = f": {names}" if names else ""
        kinds = self.texts.groupby("kind")["count"].sum()
        listed = ", ".join(f"{kind} {count}" for kind, count in kinds.items())
        where = self.texts[[WAVE, FILE, ROW, "column"]].drop_duplicates()
        return (
            f"{len(self.columns)} column(s) look personal and are not declared so{undeclared}; "
            f"{len(where):,} cell(s) of other columns hold personal data"
            + (f" ({listed})." if listed else ".")
        )


def scan_answers(study: Study) -> PrivacyScan:
    """Look for personal data in the survey files of every wave.

    A column is personal when its header or question says so (``is_personal_header``; not
    for ticks, scales and dates, nor where 20 or more cells hold at most two texts), or when
    at least half of its cells are one datum (``find_personal``) and nothing else. Data in
    the other columns are counted cell by cell. In a column of numbers of one length those
    that pass the check of a national id or a card by chance are not counted.

    Names, street addresses and what is spelled out in words have no form: only their
    headers give them away, and free text must be read by a human before it is published.

    Parameters
    ----------
    study : Study

    Raises
    ------
    MissingSourceError
        If the study declares no survey.
    """
    study.require("survey", caller="scan_answers")
    columns: list[tuple[object, ...]] = []
    texts: list[tuple[object, ...]] = []
    for wave in study.waves:
        for name, shown, dialect in name_files(wave):
            export = read_export(study.file(name), shown=shown, dialect=dialect)
            named = name_places(export, study.codebook.items, wave.id)
            for place, header in enumerate(export.headers):
                item = named.get(place)
                if item is not None and item.kind in DECLARED:
                    continue
                cells = _look_into(export.rows.iloc[:, place])
                kind, by = _judge(export, place, item, cells)
                own = (item.name, item.kind) if item else ("", "")
                if kind:
                    share = cells.whole.get(kind, 0) / cells.filled if cells.filled else 0.0
                    columns.append((wave.id, shown, header, *own, kind, by, cells.filled, share))
                    continue
                texts += [
                    (wave.id, shown, row, header, own[0], kind, count, own[1] == "text")
                    for row, kind, count in _list_data(cells)
                ]
    return PrivacyScan(
        columns=pd.DataFrame(columns, columns=list(COLUMNS)),
        texts=pd.DataFrame(texts, columns=list(TEXTS)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """One column: its texts, where they stand and the data in each."""

    rows: pd.Index
    codes: np.ndarray
    texts: list[str]
    data: list[list[PersonalDatum]]
    filled: int
    whole: Counter[str]


def _look_into(column: pd.Series) -> _Cells:
    stripped = column.str.strip()
    stripped = stripped[stripped.ne("").fillna(False).astype(bool)]
    codes, texts = pd.factorize(stripped)
    data = [find_personal(text) for text in texts]
    counts = np.bincount(codes, minlength=len(texts))
    whole: Counter[str] = Counter()
    for text, found, count in zip(texts, data, counts, strict=True):
        if len(found) == 1 and found[0].text == text:
            whole[found[0].kind] += int(count)
    return _Cells(stripped.index, codes, list(texts), data, len(stripped), whole)


def _judge(export: Export, place: int, item: Item | None, cells: _Cells) -> tuple[str, str]:
    """Return the kind of a personal column and what gave it away; "" if it is none."""
    kind, count = max(cells.whole.items(), key=lambda pair: pair[1], default=("", 0))
    if count and count >= SHARE * cells.filled:
        return kind, "cells"
    a_tick = cells.filled >= TICK_CELLS and len(cells.texts) <= 2
    if (item.kind if item else "") in ANNOUNCED and not a_tick:
        questions = export.questions[place : place + 1]
        for header in (export.headers[place], *questions):
            kind = is_personal_header(header)
            if kind:
                return kind, "header"
    return "", ""


def _list_data(cells: _Cells) -> list[tuple[int, str, int]]:
    """Row, kind and count of the data in each cell, in file order."""
    lengths = Counter({len(text): 0 for text in cells.texts if text.isdecimal()})
    counts = np.bincount(cells.codes, minlength=len(cells.texts))
    for text, count in zip(cells.texts, counts, strict=True):
        if text.isdecimal():
            lengths[len(text)] += int(count)
    numbers = {n for n, count in lengths.items() if count >= SHARE * cells.filled}
    kinds = [
        Counter(
            datum.kind
            for datum in found
            if not (text.isdecimal() and BY_CHANCE.get(datum.kind) in numbers)
        )
        for text, found in zip(cells.texts, cells.data, strict=True)
    ]
    rows = cells.rows.tolist()
    return [
        (rows[place], kind, count)
        for place, code in enumerate(cells.codes.tolist())
        if kinds[code]
        for kind, count in kinds[code].items()
    ]
