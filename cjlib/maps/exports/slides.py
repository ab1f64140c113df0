"""A map as slides that can be edited: native tables, and the emotion curve as a native chart."""

from __future__ import annotations

import io
import re
import textwrap
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import (
    XL_CHART_TYPE,
    XL_LEGEND_POSITION,
    XL_MARKER_STYLE,
    XL_TICK_LABEL_POSITION,
)
from pptx.enum.dml import MSO_LINE
from pptx.oxml.ns import qn
from pptx.util import Emu, Inches, Pt

from cjlib.maps.estimates import read_estimate
from cjlib.maps.numbers import Voice
from cjlib.maps.view import Cell, MapView, Row, plain_line
from cjlib.maps.words import say

WIDTH, HEIGHT = 13.333, 7.5  # inches: the wide slide
MARGIN, TOP = 0.4, 1.0  # inches round the table, and above it under the title
LANE_WIDTH = 1.3  # inches of the column of lanes
STAGES = 6  # at most on one slide
SIZE = 9.0  # points of the table's text
LINE = SIZE * 1.25 / 72  # inches from line to line, Persian letters being taller
LETTER = SIZE * 0.52 / 72  # inches of a letter, a wide one
PADDING = 0.12  # inches of a cell above and below its text together
BLUE, INK, GREY, PALE = "174EA6", "202124", "DADCE0", "F1F3F4"
MARKS = {"validated": "\u25cf", "partial": "\u25d0", "assumption": "\u25cb"}
COMPLEX_FONT = "Tahoma"  # has the Persian letters wherever there is PowerPoint
MIDNIGHT = (1980, 1, 1, 0, 0, 0)  # the date of every file inside the archive


@dataclass(frozen=True, slots=True)
class Strip:
    """A table row: a lane or as much of it as fits one slide, and the lines of each cell."""

    label: str
    cells: list[list[str]]
    lines: int


def write_slides(journey_map: dict[str, Any], file: Path, *, language: str | None = None) -> None:
    """Write a map as PPTX: its curve first, then its lanes under at most six stages a slide.

    Persian slides run from the right: the columns themselves stand in that order, since not
    every program obeys a table's own direction, and every paragraph is right-to-left. A lane
    too long for a slide goes on in the next row. The same map gives the same bytes.
    """
    voice = Voice.of(journey_map, language)
    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(WIDTH), Inches(HEIGHT)
    title = say(journey_map["title"], voice.language)[0]
    deck.core_properties.title, deck.core_properties.language = title, voice.language
    deck.core_properties.author = deck.core_properties.last_modified_by = ""
    if any(e["value"].get("value") is not None for e in journey_map.get("emotions", [])):
        _add_chart(deck, journey_map, voice, title)
    rows = MapView(journey_map, voice).rows()
    stages = journey_map["stages"]
    for first in range(0, len(stages), STAGES):
        chosen = range(first, min(first + STAGES, len(stages)))
        for strips in _pages(rows, chosen):
            _add_table(deck, [stages[i] for i in chosen], strips, voice, title)
    made = io.BytesIO()
    deck.save(made)
    file.write_bytes(_undate(made.getvalue()))


def _add_chart(deck: Any, m: dict[str, Any], voice: Voice, title: str) -> None:
    """Put the curve on a slide as a line chart whose numbers can be opened and changed."""
    slide = _slide(deck, voice, f"{title} — {voice.words('lane_emotion')}")
    kept = {
        e["at"]: read_estimate(e["value"]) for e in m["emotions"]
        if e.get("view", "customer") == "customer"
    }  # fmt: skip
    data = CategoryChartData(number_format="0.00")
    data.categories = [_mark_direction(say(s["label"], voice.language)[0], voice)
                       for s in m["stages"]]  # fmt: skip
    names = (("estimate", "lane_emotion"), ("low", "interval_low"), ("high", "interval_high"))
    for part, name in names:
        values = [getattr(kept[s["id"]], part) if s["id"] in kept else None for s in m["stages"]]
        data.add_series(voice.words(name), [None if pd.isna(v) else v for v in values])
    box = (Inches(MARGIN), Inches(TOP), Inches(WIDTH - 2 * MARGIN), Inches(HEIGHT - TOP - MARGIN))
    chart = slide.shapes.add_chart(XL_CHART_TYPE.LINE_MARKERS, *box, data).chart
    chart.has_legend, chart.has_title = True, False
    chart.legend.position, chart.legend.include_in_layout = XL_LEGEND_POSITION.BOTTOM, False
    chart.font.size = Pt(11)
    axis, across = chart.value_axis, chart.category_axis
    axis.minimum_scale, axis.maximum_scale, axis.major_unit = -2, 2, 1
    across.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    across.reverse_order = voice.direction == "rtl"
    for series, (part, _) in zip(chart.plots[0].series, names, strict=True):
        series.smooth = False
        middle = part == "estimate"
        series.format.line.color.rgb = RGBColor.from_string(BLUE if middle else "5F6368")
        series.format.line.width = Pt(2.5 if middle else 1)
        series.format.line.dash_style = MSO_LINE.SOLID if middle else MSO_LINE.DASH
        series.marker.style = XL_MARKER_STYLE.CIRCLE if middle else XL_MARKER_STYLE.DASH
        series.marker.size = 8
        series.marker.format.fill.solid()
        series.marker.format.fill.fore_color.rgb = series.format.line.color.rgb


def _pages(rows: list[Row], chosen: range) -> Iterator[list[Strip]]:
    """Share out the lanes over slides, a long lane over several rows."""
    column = (WIDTH - 2 * MARGIN - LANE_WIDTH) / len(chosen)
    letters = max(8, int((column - 0.16) / LETTER))
    room = int((HEIGHT - TOP - MARGIN - 0.6) / LINE)
    page: list[Strip] = []
    used = 0.0
    for row in rows:
        cells = [_lines(row.cells[i], letters) for i in chosen]
        while any(cells):
            taken = [_take(lines, letters, room) for lines in cells]
            high = max(_height(part, letters) for part in taken)
            if page and used + high + PADDING / LINE > room:
                yield page
                page, used = [], 0.0
            page.append(Strip(str(row.label.striptags()), taken, high))
            used += high + PADDING / LINE
            cells = [lines[len(part) :] for lines, part in zip(cells, taken, strict=True)]
    if page:
        yield page


def _lines(cell: Cell, letters: int) -> list[str]:
    """Return what a cell says as plain lines, its level in words last; none longer than a cell."""
    lines = [plain_line(line) for line in (*cell.lines, *cell.more)]
    lines.append(f"{MARKS[cell.level]} {cell.word}")
    return [piece for line in lines for piece in textwrap.wrap(line, letters * 12) or [""]]


def _take(lines: list[str], letters: int, room: int) -> list[str]:
    """Return the first lines of a cell that fit a slide; at least one."""
    taken: list[str] = []
    for line in lines:
        if taken and _height([*taken, line], letters) > room:
            break
        taken.append(line)
    return taken


def _height(lines: list[str], letters: int) -> int:
    return sum(len(textwrap.wrap(line, letters)) or 1 for line in lines)


def _add_table(
    deck: Any, stages: list[dict[str, Any]], strips: list[Strip], voice: Voice, title: str
) -> None:
    slide = _slide(deck, voice, title)
    columns = len(stages) + 1
    width = WIDTH - 2 * MARGIN
    box = (Inches(MARGIN), Inches(TOP), Inches(width), Inches(1))
    frame = slide.shapes.add_table(len(strips) + 1, columns, *box)
    frame.name = title
    table = frame.table
    order = (
        [columns - 1 - i for i in range(columns)] if voice.direction == "rtl" else range(columns)
    )
    names = [voice.words("lane"), *(say(s["label"], voice.language)[0] for s in stages)]
    table.rows[0].height = Inches(0.4)
    for name, place in zip(names, order, strict=True):
        lane = name is names[0] and place == order[0]
        table.columns[place].width = Inches(
            LANE_WIDTH if lane else (width - LANE_WIDTH) / len(stages)
        )
        _fill(table.cell(0, place), [name], voice, bold=True, ink="FFFFFF", ground=BLUE)
    for r, strip in enumerate(strips, 1):
        table.rows[r].height = Inches(strip.lines * LINE + PADDING)
        _fill(table.cell(r, order[0]), [strip.label], voice, bold=True, ground=GREY)
        for lines, place in zip(strip.cells, order[1:], strict=True):
            _fill(table.cell(r, place), lines, voice, ground=PALE if r % 2 else "FFFFFF")


def _fill(
    cell: Any, lines: list[str], voice: Voice, *, bold: bool = False, ink: str = INK,
    ground: str = "FFFFFF",
) -> None:  # fmt: skip
    cell.fill.solid()
    cell.fill.fore_color.rgb = RGBColor.from_string(ground)
    cell.margin_left = cell.margin_right = Inches(0.08)
    cell.margin_top = cell.margin_bottom = Emu(int(Inches(PADDING) / 2))
    _write(cell.text_frame, lines, voice, size=SIZE, bold=bold, ink=ink)


def _slide(deck: Any, voice: Voice, title: str) -> Any:
    slide = deck.slides.add_slide(deck.slide_layouts[5])  # a title and nothing else
    shape = slide.shapes.title
    shape.left, shape.top = Inches(MARGIN), Inches(0.2)
    shape.width, shape.height = Inches(WIDTH - 2 * MARGIN), Inches(0.7)
    size = 20.0 if len(title) <= 90 else 14.0
    _write(shape.text_frame, [textwrap.shorten(title, 200)], voice, size=size, bold=True, ink=INK)
    return slide


def _write(
    frame: Any, lines: list[str], voice: Voice, *, size: float, bold: bool, ink: str
) -> None:
    """Write paragraphs in the language's direction; the library escapes what they hold."""
    frame.word_wrap = True
    for i, line in enumerate(lines or [""]):
        paragraph = frame.paragraphs[0] if i == 0 else frame.add_paragraph()
        run = paragraph.add_run()
        run.text = re.sub(r"[\x00-\x1f\x7f]", " ", line)
        run.font.size, run.font.bold = Pt(size), bold
        run.font.color.rgb = RGBColor.from_string(ink)
        properties = run._r.get_or_add_rPr()
        properties.set("lang", "fa-IR" if voice.language == "fa" else "en-US")
        script = properties.makeelement(qn("a:cs"), {"typeface": COMPLEX_FONT})
        properties.append(script)
        rtl = voice.direction == "rtl"
        paragraph._p.get_or_add_pPr().set("rtl", "1" if rtl else "0")
        paragraph._p.get_or_add_pPr().set("algn", "r" if rtl else "l")


def _mark_direction(text: str, voice: Voice) -> str:
    return f"\u200f{text}" if voice.direction == "rtl" else text


def _undate(archive: bytes) -> bytes:
    """Rewrite an Office archive, those inside it too, without the time at which it was made."""
    made = io.BytesIO()
    stamp = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as old,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            data = old.read(name)
            if name.endswith(".xlsx"):
                data = _undate(data)
            elif name == "docProps/core.xml":
                data = stamp.sub(rb"\g<1>2000-01-01T00:00:00Z", data)
            new.writestr(zipfile.ZipInfo(name, MIDNIGHT), data, zipfile.ZIP_DEFLATED)
    return made.getvalue()
