"""Raw answers: every file of every wave, its columns found by the codebook."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from cjlib.codebook import Item
from cjlib.columns import WAVE
from cjlib.definitions import Dialect, Wave
from cjlib.errors import ColumnError, nearest
from cjlib.language import clean, to_latin_digits
from cjlib.study import Study
from cjlib.survey.exports import Export, read_export

FILE: Final = "file"
ROW: Final = "row"
DECLARED: Final = [WAVE, FILE, "item", "code", "label", "missing"]
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
        One row per file: wave, file, form, encoding, separator, header_rows, rows,
        blank_rows, uneven_rows (evened out without loss), note.
    absent : DataFrame
        Codebook items found in no file of a wave: wave, item, looked_for.
    unknown : DataFrame
        Columns of a file that no codebook item names: wave, file, header.
    declared : DataFrame
        What files themselves say of codes (SPSS): wave, file, item, code, label, missing
        (bool). Told, not used: the codebook decides.
    """

    table: pd.DataFrame
    files: pd.DataFrame
    absent: pd.DataFrame
    unknown: pd.DataFrame
    declared: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=DECLARED))

    def summary(self) -> str:
        """Return what was read, in one sentence."""
        parted = self.files["separator"].map(repr)
        dialects = sorted(set(self.files["form"] + " " + self.files["encoding"] + " " + parted))
        uneven = int(self.files["uneven_rows"].sum())
        told = [f" {uneven:,} uneven row(s) were evened out."] if uneven else []
        notes = self.files.loc[self.files["note"].ne(""), [FILE, "note"]]
        told += [f" {file}: {note}." for file, note in notes.to_numpy().tolist()]
        return (
            f"{len(self.table):,} rows from {len(self.files)} file(s) of "
            f"{self.files[WAVE].nunique()} wave(s) ({', '.join(dialects)}); "
            f"{len(self.absent)} codebook item(s) not asked in some wave, "
            f"{len(self.unknown)} column(s) not in the codebook."
        ) + "".join(told)


def read_answers(study: Study) -> RawAnswers:
    """Read the survey files of every wave as text.

    CSV may be UTF-8 (with or without a mark), UTF-16, windows-1256 or windows-1252, parted
    by ``, ; |`` or tabs; xlsx is read from its first sheet; SPSS files as their codes. The
    header rows of Qualtrics, SurveyMonkey, LimeSurvey and Google Forms are recognised. What
    study.yaml says of a file (``{path, encoding, separator, header_rows, form, sheet,
    short_rows}``) goes before what is found. Columns are found by the codebook's headers for
    the wave: exactly among names, then among questions, then by the same words spelled
    otherwise. What was found is stated in ``files``; nothing about values is guessed.

    Parameters
    ----------
    study : Study

    Raises
    ------
    MissingSourceError
        If the study declares no survey.
    ColumnError
        If a wave's files hold none of the codebook's items, or an item's header twice.
    """
    study.require("survey", caller="read_answers")
    items = [item for item in study.codebook.items if item.kind not in LEFT_AT_THE_DOOR]
    tables, files, absent, unknown, declared = [], [], [], [], []
    for wave in study.waves:
        found: set[str] = set()
        headers: list[str] = []
        for name, shown, dialect in name_files(wave):
            export = read_export(study.file(name), shown=shown, dialect=dialect)
            places = _find_items(export, items, wave.id, shown)
            table = _pick_columns(export, items, places)
            found |= set(places)
            headers += export.headers
            table.insert(0, WAVE, wave.id)
            table.insert(1, FILE, shown)
            table.insert(2, ROW, export.rows.index)
            tables.append(table)
            files.append(_describe(export, wave, shown))
            declared += _declare(export, places, wave, shown)
            known = name_places(export, study.codebook.items, wave.id)
            unknown += [
                {WAVE: wave.id, FILE: shown, "header": header}
                for place, header in enumerate(export.headers)
                if place not in known
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
        declared=pd.DataFrame(declared, columns=DECLARED),
    )


def name_files(wave: Wave) -> Iterator[tuple[str, str, Dialect]]:
    """Yield path, shown name and dialect; two sheets of one workbook are shown apart."""
    dialects = wave.dialects or (Dialect(),) * len(wave.files)
    for name, dialect in zip(wave.files, dialects, strict=True):
        again = wave.files.count(name) > 1 and dialect.sheet
        yield name, f"{name} ({dialect.sheet})" if again else name, dialect


def _find_items(export: Export, items: list[Item], wave: str, shown: str) -> dict[str, int]:
    """Place of each item's column in the file, for those that are there."""
    finder = _Finder(export)
    places: dict[str, int] = {}
    for item in items:
        header, found = finder.find(item.headers(wave))
        if len(found) > 1:
            columns = ", ".join(str(place + 1) for place in found)
            raise ColumnError(
                f"read_answers: the header of item '{item.name}' must stand once in a file; "
                f"'{header}' heads the columns {columns} of '{shown}'. Rename one in the file, "
                "or give the item a source that only one of them has."
            )
        if found:
            places[item.name] = found[0]
    return places


def name_places(export: Export, items: tuple[Item, ...], wave: str) -> dict[int, Item]:
    """Return the item that names each column of a file, by place; the first where several do."""
    finder = _Finder(export)
    named: dict[int, Item] = {}
    for item in items:
        for place in finder.find(item.headers(wave))[1]:
            named.setdefault(place, item)
    return named


class _Finder:
    """Columns of a file by name, then by question, then by either spelled otherwise."""

    def __init__(self, export: Export) -> None:
        rows = [export.headers, export.questions]
        if export.form == "limesurvey" and export.questions:
            pairs = zip(export.headers, export.questions, strict=True)
            rows.append([f"{code}. {text}" for code, text in pairs])
        spelled = [[_spell(header) for header in row] for row in rows]
        self.exact = [_index_places(row) for row in rows]
        self.spelled = [_index_places(row) for row in spelled]

    def find(self, wanted: list[str]) -> tuple[str, list[int]]:
        """Return the first of the wanted headers that is there, and its places."""
        for header in wanted:
            for row in self.exact:
                if header in row:
                    return header, row[header]
        for header in wanted:
            for row in self.spelled:
                if _spell(header) and _spell(header) in row:
                    return header, row[_spell(header)]
        return "", []


def _index_places(row: list[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, header in enumerate(row):
        places.setdefault(header, []).append(place)
    return places


def _pick_columns(export: Export, items: list[Item], places: dict[str, int]) -> pd.DataFrame:
    columns = {
        item.name: export.rows[places[item.name]]
        if item.name in places
        else pd.Series(pd.NA, index=export.rows.index, dtype="string")
        for item in items
    }
    return pd.DataFrame(columns, index=export.rows.index)


def _spell(header: str) -> str:
    """Fold what hides in headers; signs and the gaps beside digits stay (Q2_1 is not Q21)."""
    folded = to_latin_digits(clean(header)).casefold()
    return re.sub(r"(?<!\d)[\s\u200c]+(?!\d)", "", folded)


def _describe(export: Export, wave: Wave, name: str) -> dict[str, object]:
    return {
        WAVE: wave.id,
        FILE: name,
        "form": export.form,
        "encoding": export.encoding,
        "separator": export.separator,
        "header_rows": export.header_rows,
        "rows": len(export.rows),
        "blank_rows": export.blank_rows,
        "uneven_rows": export.uneven_rows,
        "note": export.note,
    }


def _declare(
    export: Export, places: dict[str, int], wave: Wave, name: str
) -> list[dict[str, object]]:
    told = []
    for item, place in places.items():
        labels, missing = export.labels.get(place, {}), export.missing.get(place, ())
        for code in dict.fromkeys([*labels, *missing]):
            values = (wave.id, name, item, code, labels.get(code, ""), code in missing)
            told.append(dict(zip(DECLARED, values, strict=True)))
    return told


def _nothing_found(wave: Wave, items: list[Item], headers: list[str]) -> ColumnError:
    wanted = [header for item in items for header in item.headers(wave.id)]
    near = next((n for w in wanted if (n := nearest(w, headers))), "")
    hint = f" The nearest to what the codebook names is '{near}'." if near else ""
    return ColumnError(
        f"read_answers: the files of wave '{wave.id}' must hold items of the codebook; none of "
        f"{len(wanted)} header(s) is there. They have: {', '.join(map(repr, headers[:12]))}."
        f"{hint} Mend the 'source' column of codebook.csv, or the wave's files."
    )
