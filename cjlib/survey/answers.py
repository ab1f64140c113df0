"""Raw answers: every file of every wave, its columns found by the codebook."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import pandas as pd

from cjlib.codebook import Item
from cjlib.columns import WAVE
from cjlib.definitions import Wave
from cjlib.errors import ColumnError, nearest
from cjlib.language import clean, to_latin_digits
from cjlib.study import Study
from cjlib.survey.exports import Export, read_export

FILE: Final = "file"
ROW: Final = "row"
LEFT_AT_THE_DOOR: Final = ("personal", "ignore")  # kinds that are never read


@dataclass(frozen=True, slots=True, eq=False)
class RawAnswers:
    """What stands in the survey files; made by ``read_answers``.

    Attributes
    ----------
    table : DataFrame
        One row per record, all text. ``wave``, ``file`` and ``row`` (record number in the
        file, the header being 1), then one column per codebook item, by its name; <NA>
        where the wave did not ask it, "" where the cell is empty. Personal and ignored
        items are not read at all.
    files : DataFrame
        One row per file: wave, file, encoding, separator, header_rows, rows, blank_rows.
    absent : DataFrame
        Codebook items found in no file of a wave: wave, item, looked_for.
    unknown : DataFrame
        Columns of a file that no codebook item names: wave, file, header.
    """

    table: pd.DataFrame
    files: pd.DataFrame
    absent: pd.DataFrame
    unknown: pd.DataFrame

    def summary(self) -> str:
        """Return what was read, in one sentence."""
        dialects = sorted(set(self.files["encoding"] + " " + self.files["separator"].map(repr)))
        return (
            f"{len(self.table):,} rows from {len(self.files)} file(s) of "
            f"{self.files[WAVE].nunique()} wave(s) ({', '.join(dialects)}); "
            f"{len(self.absent)} codebook item(s) not asked in some wave, "
            f"{len(self.unknown)} column(s) not in the codebook."
        )


def read_answers(study: Study) -> RawAnswers:
    """Read the survey files of every wave as text.

    CSV may be UTF-8 (with or without a mark), UTF-16, windows-1256 or windows-1252, parted
    by ``, ; |`` or tabs; xlsx is read from its first sheet. Three stacked header rows
    (names, questions, ImportId) are recognised. Columns are found by the codebook's
    headers for the wave: exactly, then by the same words spelled otherwise, then by the
    question row. What was found is stated in ``files``; nothing about values is guessed.

    Parameters
    ----------
    study : Study

    Raises
    ------
    MissingSourceError
        If the study declares no survey.
    ColumnError
        If a wave's files hold none of the codebook's items.
    """
    study.require("survey", caller="read_answers")
    items = [item for item in study.codebook.items if item.kind not in LEFT_AT_THE_DOOR]
    tables, files, absent, unknown = [], [], [], []
    for wave in study.waves:
        found: set[str] = set()
        headers: list[str] = []
        for name in wave.files:
            export = read_export(study.file(name), shown=name)
            table, used = _pick_columns(export, items, wave.id)
            ignored = _positions(export, study.codebook.items, wave.id).values()
            found |= used
            headers += export.headers
            table.insert(0, WAVE, wave.id)
            table.insert(1, FILE, name)
            table.insert(2, ROW, export.rows.index)
            tables.append(table)
            files.append(_describe(export, wave, name))
            unknown += [
                {WAVE: wave.id, FILE: name, "header": header}
                for place, header in enumerate(export.headers)
                if place not in set(ignored)
            ]
        if not found:
            raise _nothing_found(wave, items, headers)
        absent += [
            {WAVE: wave.id, "item": item.name, "looked_for": " | ".join(item.headers(wave.id))}
            for item in items
            if item.name not in found
        ]
    text = pd.concat(tables, ignore_index=True)
    names = [item.name for item in items]
    text[names] = text[names].astype("string")
    return RawAnswers(
        table=text,
        files=pd.DataFrame(files),
        absent=pd.DataFrame(absent, columns=[WAVE, "item", "looked_for"]),
        unknown=pd.DataFrame(unknown, columns=[WAVE, FILE, "header"]),
    )


def _pick_columns(export: Export, items: list[Item], wave: str) -> tuple[pd.DataFrame, set[str]]:
    places = _positions(export, items, wave)
    columns = {
        item.name: export.rows[places[item.name]]
        if item.name in places
        else pd.Series(pd.NA, index=export.rows.index, dtype="string")
        for item in items
    }
    return pd.DataFrame(columns, index=export.rows.index), set(places)


def _positions(export: Export, items: list[Item] | tuple[Item, ...], wave: str) -> dict[str, int]:
    """Place of each item's column in the file, for those that are there."""
    exact: dict[str, int] = {}
    spelled: dict[str, int] = {}
    for row in (export.headers, export.questions):
        for place, header in enumerate(row):
            exact.setdefault(header, place)
            spelled.setdefault(_spell(header), place)
    places: dict[str, int] = {}
    for item in items:
        wanted = item.headers(wave)
        tries = [exact.get(header) for header in wanted]
        tries += [spelled.get(_spell(header)) for header in wanted if _spell(header)]
        found = [place for place in tries if place is not None]
        if found:
            places[item.name] = found[0]
    return places


def _spell(header: str) -> str:
    """Fold what hides in headers; signs and the gaps beside digits stay (Q2_1 is not Q21)."""
    folded = to_latin_digits(clean(header)).casefold()
    return re.sub(r"(?<!\d)[\s\u200c]+(?!\d)", "", folded)


def _describe(export: Export, wave: Wave, name: str) -> dict[str, object]:
    return {
        WAVE: wave.id,
        FILE: name,
        "encoding": export.encoding,
        "separator": export.separator,
        "header_rows": export.header_rows,
        "rows": len(export.rows),
        "blank_rows": export.blank_rows,
    }


def _nothing_found(wave: Wave, items: list[Item], headers: list[str]) -> ColumnError:
    wanted = [header for item in items for header in item.headers(wave.id)]
    near = next((n for w in wanted if (n := nearest(w, headers))), "")
    hint = f" The nearest to what the codebook names is '{near}'." if near else ""
    return ColumnError(
        f"read_answers: the files of wave '{wave.id}' must hold items of the codebook; none of "
        f"{len(wanted)} header(s) is there. They have: {', '.join(map(repr, headers[:12]))}."
        f"{hint} Mend the 'source' column of codebook.csv, or the wave's files."
    )
