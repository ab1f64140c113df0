"""Saving a map in one of the forms, by the ending of the file's name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cjlib.errors import JourneyError, nearest
from cjlib.maps.checking import require_map
from cjlib.maps.exports.documents import (
    TOOLS,
    choose_tool,
    write_pdf,
    write_picture_of_pdf,
)
from cjlib.maps.exports.rows import tabulate_map
from cjlib.maps.picture import save_picture
from cjlib.maps.rendering import render_html
from cjlib.tables import write_table

ENDINGS = (".pdf", ".png", ".svg", ".pptx", ".csv", ".json", ".yaml", ".html")
DRAWN = "every cell, without its evidence"


@dataclass(frozen=True, slots=True)
class SavedMap:
    """A file that a map was saved as.

    Attributes
    ----------
    path : Path
    made_with : str
        What drew or wrote it: weasyprint, chromium, matplotlib, python-pptx or cjlib.
    holds : str
        "the whole map", or "every cell, without its evidence" where matplotlib drew it.
    """

    path: Path
    made_with: str
    holds: str = "the whole map"

    def summary(self) -> str:
        """Say in one sentence what the file holds and what made it."""
        return f"{self.path.name} holds {self.holds}; made with {self.made_with}."


def save_map_as(
    journey_map: dict[str, Any],
    path: str | Path,
    *,
    language: str | None = None,
    using: str | None = None,
) -> SavedMap:
    """Save a map as a document, slides, picture, table or data, by the ending of ``path``.

    ========  =====================================================================
    .pdf      tagged, with WeasyPrint where it is installed; else with the Chromium
              found on the PATH; else every cell on one page, drawn by matplotlib
    .png      the pages of that PDF below one another; else drawn, as above
    .svg      every cell, by matplotlib (``save_picture`` has the curve alone)
    .pptx     slides with native, editable tables and a native chart
    .csv      one row for every item of every cell; see ``tabulate_map``
    .json     the map itself; .yaml the same, for reading and editing by hand
    .html     the page that ``render_html`` makes
    ========  =====================================================================

    The file appears whole or not at all. The same map gives the same bytes with the same
    version of the tool.

    Parameters
    ----------
    language : "en" or "fa", optional
        The map's own by default; data (.json, .yaml) hold every language they have.
    using : "weasyprint", "chromium" or "matplotlib", optional
        For .pdf and .png: this tool, or an error where it is not there. None: the first of
        them that is there; the result says which.

    Returns
    -------
    SavedMap
        The file, what made it, and whether it holds the whole map.

    Raises
    ------
    MapError
        If the map has faults.
    JourneyError
        For another ending, a tool that is not there, or a tool that failed.
    """
    require_map(journey_map, caller="save_map_as")
    file = Path(path)
    ending = file.suffix.lower().replace(".yml", ".yaml")
    if ending not in ENDINGS:
        near = nearest(ending, ENDINGS)
        raise JourneyError(
            f"save_map_as: the file must end in {', '.join(ENDINGS)}; got '{file.name}'."
            + (f" Did you mean '{near}'?" if near else "")
        )
    if using and (using not in TOOLS or ending not in (".pdf", ".png")):
        raise JourneyError(
            f"save_map_as: using must be one of {', '.join(TOOLS)}, for .pdf and .png; "
            f"got '{using}' for {ending}."
        )
    if ending in (".pdf", ".png"):
        return _save_document(journey_map, file, ending, language, using)
    made, holds, write = _writer(journey_map, ending, language)
    _publish(file, ending, write)
    return SavedMap(file, made, holds)


def _save_document(
    m: dict[str, Any], file: Path, ending: str, language: str | None, using: str | None
) -> SavedMap:
    tool = choose_tool(using)
    if tool == "matplotlib":
        _publish(file, ending, lambda part: save_picture(m, part, language=language, whole=True))
        return SavedMap(file, tool, DRAWN)
    page = render_html(m, language=language)
    write = write_pdf if ending == ".pdf" else write_picture_of_pdf
    _publish(file, ending, lambda part: write(page, part, tool=tool))
    return SavedMap(file, tool)


def _writer(
    m: dict[str, Any], ending: str, language: str | None
) -> tuple[str, str, Callable[[Path], object]]:
    whole = "the whole map"
    if ending == ".svg":
        return (
            "matplotlib",
            DRAWN,
            lambda part: save_picture(m, part, language=language, whole=True),
        )
    if ending == ".pptx":
        from cjlib.maps.exports.slides import write_slides

        return "python-pptx", whole, lambda part: write_slides(m, part, language=language)
    if ending == ".csv":
        rows = tabulate_map(m, language=language)
        return "cjlib", whole, lambda part: write_table(rows, part)
    if ending == ".html":
        text = render_html(m, language=language)
    elif ending == ".json":
        text = json.dumps(m, ensure_ascii=False, indent=1) + "\n"
    else:
        own = json.loads(json.dumps(m))  # parts that stand twice would be written as aliases
        text = yaml.safe_dump(own, allow_unicode=True, sort_keys=False, width=100)
    return "cjlib", whole, lambda part: part.write_text(text, encoding="utf-8", newline="\n")


def _publish(file: Path, ending: str, write: Callable[[Path], object]) -> None:
    """Write under a temporary name beside the file, then rename it over."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.stem}.part{ending}")
    try:
        write(part)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
