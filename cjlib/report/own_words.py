"""The user's own words: Markdown files of the study, made safe and self-contained."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import mistune
from markupsafe import Markup

from cjlib.errors import JourneyError, UnsafeFileError
from cjlib.study import Study, list_report_texts

PICTURES: Final = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif",
    ".webp": "image/webp", ".svg": "image/svg+xml",
}  # fmt: skip
MOST_BYTES: Final = 5_000_000  # of a picture: the page holds it whole
TITLE: Final = re.compile(r"\A\s*#\s+(.+?)\s*#*\s*(?:\n|\Z)")
SECTION_LEVEL: Final = 2  # of the sections' own titles


@dataclass(frozen=True, slots=True)
class OwnWords:
    """One Markdown file: its title (of a section of its own) and its HTML."""

    title: str
    html: str


def read_own_words(study: Study) -> dict[str, OwnWords]:
    """Return name -> words of every Markdown file in the study's folder of report texts.

    Raw HTML in them is shown as it stands, never used; pictures are taken into the page;
    headings go below the section's own. A first heading of level 1 is the title.

    Raises
    ------
    JourneyError
        If a picture is not there, is too large, is of no known format, has no words for those
        who cannot see it, or lies elsewhere than in the study folder.
    """
    found = {}
    for name, file in list_report_texts(study).items():
        text = file.read_text(encoding="utf-8-sig")
        title = TITLE.match(text)
        body = text[title.end() :] if title else text
        renderer = _Page(study.path, file)
        turn = mistune.create_markdown(renderer=renderer, plugins=["table", "strikethrough"])
        html = f'<div class="own">{turn(body)}</div>'
        found[name] = OwnWords(title[1] if title else "", html)
    return found


class _Page(mistune.HTMLRenderer):
    """Writes Markdown as HTML that is safe, accessible and loads nothing."""

    def __init__(self, top: Path, file: Path) -> None:
        super().__init__(escape=True)
        self._top, self._file, self._level = top.resolve(), file, SECTION_LEVEL
        self._first = 0

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        """Write a heading below the section's, never more than one level down at once."""
        self._first = self._first or level
        wanted = max(level - self._first, 0) + SECTION_LEVEL + 1
        self._level = min(wanted, self._level + 1, 6)
        return f"<h{self._level}>{text}</h{self._level}>\n"

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Take a picture of the study folder into the page."""
        where = f"write_report: a picture in {self._file.name}"
        alt = Markup(text).striptags()
        if not alt.strip():
            raise JourneyError(
                f"{where} must have words for those who cannot see it; '{url}' has none. "
                "Write ![what it shows](file.png)."
            )
        place = (self._file.parent / url).resolve()
        outside = "//" in url or ":" in url or not place.is_relative_to(self._top)
        if outside or "private" in place.relative_to(self._top).parts[:1]:
            raise UnsafeFileError(
                f"{where} must lie in the study folder; '{url}' does not. Copy it there."
            )
        kind = PICTURES.get(place.suffix.lower())
        if kind is None or not place.is_file() or place.stat().st_size > MOST_BYTES:
            raise JourneyError(
                f"{where} must be a file of {', '.join(PICTURES)} of at most "
                f"{MOST_BYTES:,} bytes; '{url}' is not. Check its name and size."
            )
        code = base64.b64encode(place.read_bytes()).decode()
        return f'<img alt="{Markup.escape(alt)}" src="data:{kind};base64,{code}">'

    def table_cell(self, text: str, align: str | None = None, head: bool = False) -> str:
        """Write a cell; a header says that it is one of its column."""
        return f'<th scope="col">{text}</th>' if head else f"<td>{text}</td>"

    def table(self, text: str) -> str:
        """Write a table that scrolls sideways."""
        name = Markup.escape(self._file.stem)
        return (
            f'<div class="wide" role="group" tabindex="0" aria-label="{name}">'
            f'<table class="cj-table">{text}</table></div>\n'
        )
