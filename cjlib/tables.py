"""Tables as files and as HTML: exact in the file, readable on the page, safe in both."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r")
INTERVAL: Final = ("estimate", "low", "high")
_RTL: Final = re.compile("[\u0590-\u08ff]")  # a Hebrew, Arabic or Persian letter
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")  # never broken over two lines
HIDDEN: Final = ("level",)  # said once in the caption or text, not in every row


def write_table(frame: pd.DataFrame, file: Path) -> Path:
    """Write a frame as CSV (UTF-8, Unix line ends), whole or not at all.

    Texts that a spreadsheet would run as a formula get a leading apostrophe; numbers are
    written with 12 significant digits, dates as ISO.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    safe = frame.copy()
    for name in safe.columns:
        column = safe[name]
        if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)):
            safe[name] = column.map(_cell, na_action="ignore")
    safe.columns = [_cell(str(name)) for name in safe.columns]
    part = file.with_name(file.name + ".part")
    safe.to_csv(part, index=False, float_format="%.12g", lineterminator="\n")
    part.replace(file)
    return file


def _cell(value: Any) -> Any:
    """Make a text safe for a CSV cell: no formula, and no bare carriage return to split it."""
    value = neutralise(value)
    return value.replace("\r\n", "\n").replace("\r", "\n") if isinstance(value, str) else value


def neutralise(value: Any) -> Any:
    """Put an apostrophe before a text that a spreadsheet would take for a formula."""
    if isinstance(value, str) and value.startswith(FORMULA_SIGNS) and not _is_number(value):
        return "'" + value
    return value


def display_table(
    frame: pd.DataFrame,
    *,
    caption: str = "",
    rows: int = 12,
    titles: dict[str, str] | None = None,
) -> str:
    """Return an accessible HTML table; estimate, low and high share one cell.

    Parameters
    ----------
    frame : DataFrame
    caption : str
        Above the table; where rows are cut it also says how many there are.
    rows : int
        Rows shown at most.
    titles : dict, optional
        Column to the title shown for it; other columns show their name.
    """
    shown = frame.head(rows)
    merged = all(name in frame.columns for name in INTERVAL)
    names = [
        name
        for name in frame.columns
        if name not in HIDDEN and not (merged and name in ("low", "high"))
    ]
    more = f" · first {len(shown)} of {len(frame):,} rows" if len(frame) > len(shown) else ""
    known = titles or {}
    head = "".join(
        f'<th scope="col"{_number_class(frame[name])}>'
        f"{html.escape(known.get(name) or _header(name, merged))}</th>"
        for name in names
    )
    body = []
    for position in range(len(shown)):
        cells = []
        for name in names:
            if merged and name == "estimate":
                text = _interval(*(shown[part].iloc[position] for part in INTERVAL))
            elif str(name).startswith("p_"):
                text = _p_value(shown[name].iloc[position])
            else:
                text = _text(shown[name].iloc[position])
            direction = ' dir="auto"' if _RTL.search(text) else ""
            kind = ' class="num"' if _DATE.fullmatch(text) else _number_class(frame[name])
            cells.append(f"<td{kind}{direction}>{text}</td>")
        body.append("<tr>" + "".join(cells) + "</tr>")
    title = html.escape((caption + more).strip())
    return (
        f'<table class="cj-table"><caption>{title}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def _header(name: object, merged: bool) -> str:
    text = str(name).replace("_", " ")
    return "estimate [interval]" if merged and name == "estimate" else text


def _number_class(column: pd.Series) -> str:
    return ' class="num"' if pd.api.types.is_numeric_dtype(column) else ""


def _interval(estimate: Any, low: Any, high: Any) -> str:
    if pd.isna(estimate):
        return "—"
    if pd.isna(low) or pd.isna(high):
        return _text(estimate)
    decimals = _decimals(float(estimate), float(high) - float(low))
    return (
        f'<bdi dir="ltr">{float(estimate):,.{decimals}f} '
        f"[{float(low):,.{decimals}f}, {float(high):,.{decimals}f}]</bdi>"
    )


def _decimals(value: float, width: float) -> int:
    """Show one digit beyond where the interval begins to move."""
    scale = width if width > 0 and np.isfinite(width) else abs(value)
    if scale == 0 or not np.isfinite(scale):
        return 2
    return int(min(4, max(0, 1 - np.floor(np.log10(scale)))))


def _text(value: Any) -> str:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return "—"
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer, float, np.floating)):
        return f'<bdi dir="ltr">{_number(float(value))}</bdi>'
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d" if value == value.normalize() else "%Y-%m-%d %H:%M")
    return html.escape(str(value))


def _p_value(value: Any) -> str:
    if pd.isna(value):
        return "—"
    return "&lt; 0.001" if value < 0.001 else f"{value:.3f}"


def _number(value: float) -> str:
    if value == np.floor(value) and abs(value) < 1e15:
        return f"{int(value):,}" if abs(value) >= 10_000 else f"{int(value)}"
    return f"{value:,.{_decimals(value, abs(value) / 10)}f}"


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True
