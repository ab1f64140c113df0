"""A comparison as one file: a table in CSV, or a page that holds all of it."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path
from typing import Final

import matplotlib as mpl

from cjlib.cross_study.comparison import StudyComparison
from cjlib.errors import JourneyError
from cjlib.language import phrase
from cjlib.tables import display_table, write_table

STYLE: Final = (
    "body{font:16px/1.55 Vazirmatn,system-ui,sans-serif;max-width:70rem;margin:2rem auto;"
    "padding:0 1rem;color:#202124}table{border-collapse:collapse;margin:1rem 0;font-size:.9rem}"
    "td,th{border:1px solid #dadce0;padding:.3rem .5rem;text-align:start}.num{text-align:end}"
    "caption{text-align:start;font-weight:600;padding:.3rem 0}img{max-width:100%}"
    "div.wide{overflow-x:auto}"
)
SHOWN: Final = (
    "label", "study", "other", "value", "value_other", "estimate", "low", "high", "p_holm", "n",
    "n_other", "verdict", "why",
)  # fmt: skip


def write_comparison(found: StudyComparison, file: Path) -> Path:
    """Write a comparison as ``.csv`` (its table) or ``.html`` (figure, tables and words).

    The page loads nothing from outside; every text of a study is escaped. Written whole or
    not at all.

    Raises
    ------
    JourneyError
        For another ending.
    """
    file = Path(file)
    if file.suffix.lower() == ".csv":
        return write_table(found.table, file)
    if file.suffix.lower() not in (".html", ".htm"):
        raise JourneyError(
            f"write_comparison: file must end in .html or .csv; got '{file.name}'. "
            "Name it comparison.html."
        )
    language = found.language
    direction = "rtl" if language == "fa" else "ltr"
    title = html.escape(" · ".join(found.names))
    head = (
        f'<!doctype html><html lang="{language}" dir="{direction}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body><main><h1>{title}</h1>"
    )
    parts = [f'<p dir="auto">{html.escape(found.summary())}</p>']
    if found.table["comparable"].any():
        parts.append(_picture(found))
    compared = found.table["comparable"]
    for key, table in (
        ("cross.compared", found.table.loc[compared, list(SHOWN)]),
        ("cross.apart", found.table.loc[~compared, ["label", "study", "other", "why"]]),
        ("cross.values", found.values.drop(columns=["key", "lowest", "highest"])),
        ("cross.alone", found.alone),
    ):
        if len(table):
            made = display_table(table, caption=phrase(key, language), rows=200)
            parts.append(f'<div class="wide">{made}</div>')
    text = head + "".join(parts) + "</main></body></html>\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + ".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(file)
    return file


def _picture(found: StudyComparison) -> str:
    figure = found.plot().get_figure(root=True)
    drawing = io.BytesIO()
    if figure is not None:
        with mpl.rc_context({"svg.hashsalt": "cjlib"}):  # the same figure, the same bytes
            figure.savefig(drawing, format="svg", metadata={"Date": None})
    code = base64.b64encode(drawing.getvalue()).decode()
    alt = html.escape(found.summary(), quote=True)
    return f'<img src="data:image/svg+xml;base64,{code}" alt="{alt}">'
