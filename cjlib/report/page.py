"""The report's page: sections of words, tables and figures in one self-contained file."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from cjlib import __version__
from cjlib.language import is_rtl, phrase
from cjlib.report.files import Figure
from cjlib.study import Study


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a section; ``markup`` only ever holds HTML that cjlib itself escaped."""

    kind: str  # words, list, heading, absent, code, figure, markup, fold, paper_fold, tiles
    text: str = ""
    lines: tuple[str, ...] = ()
    source: str = ""
    markup: Markup = field(default_factory=Markup)
    inner: tuple[Block, ...] = ()
    tiles: tuple[Tile, ...] = ()


@dataclass(frozen=True, slots=True)
class Tile:
    """A headline number: what it is, its value, and lines below it (interval, n)."""

    name: str
    value: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of the report."""

    id: str
    title: str
    blocks: tuple[Block, ...]


def words(text: str) -> Block:
    """Return a paragraph."""
    return Block("words", text)


def heading(text: str) -> Block:
    """Return a heading inside a section."""
    return Block("heading", text)


def absent(text: str) -> Block:
    """Return a note that something is not there, and why."""
    return Block("absent", text)


def figure(found: Figure, caption: str) -> Block:
    """Return a figure with its alt text, and a caption where there is one."""
    code = base64.b64encode(found.svg).decode()
    return Block("figure", found.alt, (caption,), source=f"data:image/svg+xml;base64,{code}")


def fold(title: str, inner: Iterable[Block], *, paper: bool = False) -> Block:
    """Return blocks behind a line that opens them; on paper they are open or left out."""
    return Block("paper_fold" if paper else "fold", title, inner=tuple(inner))


def markup(escaped: str) -> Block:
    """Return HTML made and escaped by cjlib."""
    return Block("markup", markup=Markup(escaped))


def wide(table: str, name: str) -> Block:
    """Return a table in a region that scrolls sideways, by keyboard too."""
    label = Markup.escape(name)
    return markup(f'<div class="wide" role="group" tabindex="0" aria-label="{label}">{table}</div>')


def render_page(
    study: Study,
    sections: list[Section],
    *,
    notes: list[str],
    styles: str = "",
    paper: bool = False,
) -> str:
    """Return the whole report as HTML that loads nothing from outside.

    Parameters
    ----------
    styles : str
        More CSS.
    paper : bool
        To be printed: what belongs on paper is open, the rest of what is folded is gone.
    """
    folder = resources.files("cjlib") / "report"
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string((folder / "report.html").read_text(encoding="utf-8"))
    css = (folder / "report.css").read_text(encoding="utf-8")
    language = study.language
    return template.render(
        language=language,
        direction="rtl" if is_rtl(language) else "ltr",
        title=study.title.to(language),
        brand=study.brand.to(language),
        css=Markup(_font_faces() + css + styles + _page_numbers(study)),
        notes=notes,
        sections=sections,
        paper=paper,
        words={
            "skip": phrase("report.skip", language),
            "contents": phrase("report.contents", language),
            "made_with": phrase("report.made_with", language, version=__version__),
        },
    )


def write_page(page: str, file: Path) -> Path:
    """Write the page, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + ".part")
    part.write_text(page, encoding="utf-8", newline="\n")
    part.replace(file)
    return file


def _page_numbers(study: Study) -> str:
    style = ",persian" if study.digits == "arabext" else ""
    number = f"counter(page{style}) ' / ' counter(pages{style})"
    return "@page{@bottom-center{font:9pt Vazirmatn,sans-serif;content:" + number + "}}"


def _font_faces() -> str:
    faces = []
    for name, weight in (("Regular", 400), ("Bold", 700)):
        data = (resources.files("cjlib") / "fonts" / f"Vazirmatn-{name}.ttf").read_bytes()
        code = base64.b64encode(data).decode()
        faces.append(
            "@font-face{font-family:Vazirmatn;font-weight:"
            f"{weight};src:url(data:font/ttf;base64,{code}) format('truetype')}}"
        )
    return "".join(faces)
