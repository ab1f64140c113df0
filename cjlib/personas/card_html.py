"""A persona card as an HTML fragment: a table with its evidence, in either direction."""

from __future__ import annotations

import html
from typing import Any, Final

import pandas as pd

from cjlib.definitions import Text
from cjlib.language import format_number, is_rtl, phrase
from cjlib.personas.cards import ASSUMPTION, Card

STYLE: Final = """
.cj-card{font-family:Vazirmatn,"DejaVu Sans",sans-serif;color:#202124;border:1px solid #80868b;
border-radius:6px;padding:1rem 1.25rem;margin:0 0 1.5rem;max-width:52rem;break-inside:avoid-page}
.cj-card h3{margin:0 0 .15rem;font-size:1.3rem}.cj-card .basis{margin:0 0 .6rem;color:#5f6368}
.cj-card table{border-collapse:collapse;width:100%;font-size:.92rem;table-layout:auto}
.cj-card th,.cj-card td{text-align:start;vertical-align:top;padding:.22rem .5rem;
border-bottom:1px solid #dadce0}
.cj-card th[scope=rowgroup]{background:#f1f3f4;font-size:.95rem}
.cj-card th[scope=row]{font-weight:400;width:46%}
.cj-card .note{color:#5f6368;font-size:.85rem;white-space:nowrap}
.cj-card .number{overflow-wrap:anywhere}
.cj-card .assumption{font-style:italic}
.cj-card .warning{border-inline-start:4px solid #a50e0e;padding-inline-start:.6rem;margin:.4rem 0}
.cj-card blockquote{margin:.5rem 0;padding-inline-start:.8rem;border-inline-start:3px solid #174ea6}
.cj-card .said{color:#5f6368;font-size:.85rem}
@media screen and (max-width:600px){.cj-card{padding:.75rem;border-radius:0}
.cj-card thead{display:none}.cj-card table,.cj-card tbody{display:block}
.cj-card tr{display:block;border-bottom:1px solid #dadce0;padding:.3rem 0}
.cj-card td,.cj-card th{display:block;border:0;padding:.05rem 0}
.cj-card th[scope=row]{width:auto;font-weight:600}.cj-card th[scope=rowgroup]{padding:.2rem .4rem}
.cj-card td.note{display:inline-block;margin-inline-end:1rem}
.cj-card td[data-label]::before{content:attr(data-label) " "}}
@media print{.cj-card tr{break-inside:avoid}
.cj-card tbody,.cj-card blockquote{break-inside:avoid-page}
.cj-card{break-inside:auto;border-color:#000;max-width:none}
.cj-card th[scope=rowgroup]{background:none;border-bottom:2px solid #000}}
"""
EVIDENCE: Final = {"measured": "●", ASSUMPTION: "○"}


def card_html(card: Card, language: str = "en") -> str:
    """Return a persona card as an HTML fragment with its own style.

    Every text is escaped; direction follows the language; numbers are kept left to right;
    whether a line is measured stands there as a mark and in words. There is no portrait:
    nobody looks like an average.

    Parameters
    ----------
    card : Card
    language : "en" or "fa"
    """
    direction = "rtl" if is_rtl(language) else "ltr"
    basis = _say(f"persona.basis_{card.basis}", language)
    warnings = "".join(f'<p class="warning">{_escape(w.to(language))}</p>' for w in card.warnings)
    heads = "".join(
        f'<th scope="col">{_say(key, language)}</th>'
        for key in ("persona.column.label", "persona.column.value", "persona.column.n",
                    "persona.column.source")
    )  # fmt: skip
    body = "".join(
        _section_html(str(section), rows, language)
        for section, rows in card.lines.groupby("section", sort=False)
    )
    return (
        f'<style>{STYLE}</style><article class="cj-card" lang="{language}" dir="{direction}" '
        f'id="{_escape(card.persona)}"><h3>{_escape(card.name.to(language))}</h3>'
        f'<p class="basis">{basis}</p>{warnings}'
        f"<table><thead><tr>{heads}</tr></thead>{body}</table>"
        f"{_quotes_html(card.quotes, language)}</article>"
    )


def _section_html(section: str, rows: pd.DataFrame, language: str) -> str:
    title = _say(f"persona.section.{section}", language)
    lines = "".join(_line_html(row, language) for row in rows.to_dict("records"))
    return f'<tbody><tr><th scope="rowgroup" colspan="4">{title}</th></tr>{lines}</tbody>'


def _line_html(row: dict[Any, Any], language: str) -> str:
    if row["evidence"] == ASSUMPTION:
        words = _say("persona.assumption", language)
        return f'<tr><td colspan="4" class="assumption">{EVIDENCE[ASSUMPTION]} {words}</td></tr>'
    label = Text(row["label_en"], row["label_fa"]).to(language)
    text = Text(row["text_en"], row["text_fa"]).to(language)
    value = _value_html(row, language)
    if text:
        value = f"<bdi>{_escape(text)}</bdi> {value}"
    n = "–" if pd.isna(row["n"]) or row["n"] == 0 else format_number(float(row["n"]), language)
    source = _say(f"persona.source.{row['source']}", language)
    mark = f'<span title="{_say("persona.measured", language)}">{EVIDENCE["measured"]}</span>'
    return (
        f'<tr><th scope="row">{_escape(label)}</th><td>{value}</td>'
        f'<td class="note" data-label="{_say("persona.column.n", language)}">'
        f'<bdi dir="ltr">{n}</bdi></td>'
        f'<td class="note">{mark} {_say("persona.measured", language)}: {source}</td></tr>'
    )


def _value_html(row: dict[Any, Any], language: str) -> str:
    if pd.isna(row["estimate"]):
        words = "suppressed" if "suppressed" in str(row["method"]) else "too_few"
        return _say(words, language)
    shown = _number(row["estimate"], row, language)
    if not pd.isna(row["low"]):
        low, high = _number(row["low"], row, language), _number(row["high"], row, language)
        between = "، " if is_rtl(language) else ", "
        shown += f" [{low}{between}{high}]"
    shown = f'<bdi class="number" dir="ltr">{shown}</bdi>'
    if row["unit"] == "median" and row["section"] == "who":
        shown = f"{_say('median', language)} {shown}"
    if pd.isna(row["overall"]):
        return shown
    overall = f'<bdi dir="ltr">{_number(row["overall"], row, language)}</bdi>'
    beside = phrase("persona.all", language, value="\0").replace("\0", overall)
    return f'{shown} <span class="note">({beside})</span>'


def _number(value: float, row: dict[Any, Any], language: str) -> str:
    unit = row["unit"]
    if unit == "share":
        sign = "٪" if is_rtl(language) else "%"
        return format_number(100 * value, language, decimals=0) + sign
    if unit == "nps" or abs(value) >= 100:
        return format_number(value, language, decimals=0)
    return format_number(value, language, decimals=None if unit == "median" else 2)


def _quotes_html(quotes: pd.DataFrame, language: str) -> str:
    title = f"<h4>{_say('persona.section.quotes', language)}</h4>"
    if quotes.empty:
        words = _say("persona.assumption", language)
        return f'{title}<p class="assumption">{EVIDENCE[ASSUMPTION]} {words}</p>'
    parts = []
    for row in quotes.itertuples():
        said = f"{row.participant}, {row.interview_id}:{row.turn}"
        kind = _say(f"persona.quote_{row.kind}", language)
        unknown = "" if row.known else f" · {_say('persona.quote_unknown', language)}"
        tongue = str(row.language)
        way = "rtl" if is_rtl(tongue) else "ltr"
        parts.append(
            f'<blockquote><p lang="{_escape(tongue)}" dir="{way}">{_escape(str(row.text))}</p>'
            f'<p class="said">{EVIDENCE["measured"]} {kind} · <bdi dir="ltr">{_escape(said)}'
            f"</bdi>{unknown}</p></blockquote>"
        )
    return title + "".join(parts)


def _say(name: str, language: str) -> str:
    return _escape(phrase(name, language))


def _escape(text: str) -> str:
    return html.escape(text, quote=True)
