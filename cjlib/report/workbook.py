"""The report as tables: one workbook with every table it quotes, whole, and every sentence."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from cjlib.language import is_rtl
from cjlib.provenance import checksum_file
from cjlib.report.shelf import Quoted, Shelf
from cjlib.tables import neutralise

UNSAFE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")  # no XML file may hold them
MOST_LETTERS: Final = 32_767  # in a cell
NAME_LETTERS: Final = 31  # of a sheet
WIDEST: Final = 60  # letters, of a column
NO_DATE: Final = datetime(2000, 1, 1)  # the same tables, the same bytes


def write_workbook(shelf: Shelf, file: Path) -> Path:
    """Write the tables that the report quotes, as the notebooks wrote them, into one workbook.

    The sheet ``index`` names each table's sheet, section, caption, file, size and checksum;
    the sheet ``summary`` holds the summary's sentences with the tables each was told from.
    Texts that a spreadsheet would run as a formula get a leading apostrophe. The same results
    give the same bytes.
    """
    quoted = list(dict.fromkeys(shelf.quoted))
    names = _name_sheets(quoted)
    book = Workbook(write_only=False)
    del book["Sheet"]
    index, tables = [], []
    for one in quoted:
        frame = shelf.files.table(one.notebook, one.name)
        if frame is None:
            continue
        inner = f"tables/{one.notebook}/{one.name}.csv"
        index.append(
            {
                "sheet": names[one], "section": one.section, "caption": one.caption,
                "file": inner, "rows": len(frame), "columns": len(frame.columns),
                "sha256": checksum_file(shelf.files.folder / inner),
            }
        )  # fmt: skip
        tables.append((names[one], frame))
    told = [
        {"part": s.part, "sentence": re.sub("[\u2066\u2069]", "", s.text),
         "told_from": ", ".join(s.tables)}
        for s in shelf.sentences
    ]  # fmt: skip
    columns = ["sheet", "section", "caption", "file", "rows", "columns", "sha256"]
    _add(book, "index", pd.DataFrame(index, columns=columns), rtl=False)
    if told:
        _add(book, "summary", pd.DataFrame(told), rtl=is_rtl(shelf.study.language))
    for name, frame in tables:
        _add(book, name, frame, rtl=False)
    book.properties.creator = "cjlib"
    book.properties.created = book.properties.modified = NO_DATE
    content = io.BytesIO()
    book.save(content)
    part = file.with_name(file.name + ".part")
    part.write_bytes(_undate(content.getvalue()))
    return part.replace(file)


def _name_sheets(quoted: list[Quoted]) -> dict[Quoted, str]:
    names: dict[Quoted, str] = {}
    for one in quoted:
        name = f"{one.notebook[:2]}_{one.name}"[:NAME_LETTERS]
        number = 2
        while name.casefold() in {known.casefold() for known in (*names.values(), "index")}:
            tail = f"_{number}"
            name = f"{one.notebook[:2]}_{one.name}"[: NAME_LETTERS - len(tail)] + tail
            number += 1
        names[one] = name
    return names


def _add(book: Workbook, name: str, frame: pd.DataFrame, *, rtl: bool) -> None:
    sheet = book.create_sheet(name)
    sheet.append([_cell(str(column)) for column in frame.columns])
    for row in frame.itertuples(index=False):
        sheet.append([_cell(value) for value in row])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    sheet.freeze_panes = "A2"
    sheet.sheet_view.rightToLeft = rtl
    for number, column in enumerate(frame.columns, 1):
        longest = max((len(str(value)) for value in frame.iloc[:, number - 1]), default=0)
        width = min(WIDEST, max(8, len(str(column)) + 2, longest + 2))
        sheet.column_dimensions[get_column_letter(number)].width = width
        if width == WIDEST:
            for line in range(2, len(frame) + 2):
                sheet.cell(line, number).alignment = Alignment(wrap_text=True, vertical="top")


def _cell(value: Any) -> Any:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    if isinstance(value, str):
        return UNSAFE.sub("", str(neutralise(value)))[:MOST_LETTERS]
    return value


def _undate(raw: bytes) -> bytes:
    """Set the date of every part of the file to one day, in the archive and in its properties."""
    content = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(raw)) as old,
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in sorted(old.namelist()):
            data = old.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"\d{4}-\d\d-\d\dT[\d:.]+Z", b"2000-01-01T00:00:00Z", data)
            info = zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, data)
    return content.getvalue()
