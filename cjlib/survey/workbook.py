"""Workbooks: one sheet of an xlsx file as text."""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from xml.etree.ElementTree import ParseError

import openpyxl
import pandas as pd

from cjlib.errors import JourneyError, UnsafeFileError, nearest

MAX_UNPACKED: Final = 300_000_000  # bytes all parts of a workbook may have, unpacked


def read_workbook(data: bytes, *, shown: str, sheet: str = "") -> tuple[pd.DataFrame, str, str]:
    """Read a sheet as text: whole numbers without a point, dates in ISO form.

    Parameters
    ----------
    data : bytes
    shown : str
        How messages name the file.
    sheet : str
        The sheet's name; empty: the first one.

    Returns
    -------
    (DataFrame, str, str)
        Every row, under positions; the sheet's name; a note on sheets not read, or "".

    Raises
    ------
    UnsafeFileError
        If the parts unpack to more than ``MAX_UNPACKED`` bytes.
    JourneyError
        If it is another kind of zip archive, damaged, or has no such sheet.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            names = parts.namelist()
            unpacked = sum(part.file_size for part in parts.infolist())
        if unpacked > MAX_UNPACKED:
            raise UnsafeFileError(
                f"read_export: a workbook must unpack to at most {MAX_UNPACKED:,} bytes; "
                f"'{shown}' unpacks to {unpacked:,}. Save the sheet as CSV."
            )
        if not any(name.startswith("xl/") for name in names):
            raise _another_archive(names, shown)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # features of Excel that are not read
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            sheets = {str(page.title): page for page in book.worksheets}
            title = _choose_sheet(list(sheets), sheet, shown)
            page = sheets[title]
            page.reset_dimensions()
            rows = [[_cell_text(cell) for cell in row] for row in page.iter_rows(values_only=True)]
            book.close()
    except JourneyError:
        raise
    except (
        zipfile.BadZipFile, KeyError, ValueError, IndexError, OSError, EOFError, TypeError,
        AttributeError, ParseError, NotImplementedError, RuntimeError, zlib.error,
    ) as error:  # fmt: skip
        raise JourneyError(
            f"read_export: '{shown}' must be a readable workbook; it is not ({error}). "
            "Open it in Excel and save it again, or save the sheet as CSV."
        ) from None
    others = [name for name in sheets if name != title]
    note = f"sheet '{title}' read, not {', '.join(map(repr, others))}" if others else ""
    return _even_out(rows), title, "" if sheet else note


def _another_archive(names: list[str], shown: str) -> JourneyError:
    held = ", ".join(f"'{name}'" for name in names[:3]) or "nothing"
    return JourneyError(
        f"read_export: a survey file must be CSV, xlsx or sav; '{shown}' is a zip archive that "
        f"holds {held}. Unpack it and name the file inside."
    )


def _choose_sheet(titles: list[str], wanted: str, shown: str) -> str:
    if not titles:
        raise JourneyError(
            f"read_export: a workbook must have a sheet of cells; '{shown}' has none. "
            "Save the table as CSV."
        )
    if wanted and wanted not in titles:
        near = nearest(wanted, titles)
        hint = f" Did you mean '{near}'?" if near else ""
        raise JourneyError(
            f"read_export: the sheet must be one of {', '.join(map(repr, titles))}; '{shown}' "
            f"has no '{wanted}'.{hint} Correct 'sheet' in study.yaml."
        )
    return wanted or titles[0]


def _cell_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


def _even_out(rows: list[list[str]]) -> pd.DataFrame:
    """Make a frame as wide as the last column with any text."""
    width = max((i + 1 for row in rows for i, cell in enumerate(row) if cell), default=0)
    if not width:
        return pd.DataFrame()
    table = pd.DataFrame([(row + [""] * width)[:width] for row in rows], dtype=str)
    table.columns = pd.RangeIndex(width)
    return table
