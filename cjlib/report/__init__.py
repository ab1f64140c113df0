"""The report: one self-contained page, made of result files only; as a PDF and as tables too."""

from __future__ import annotations

from pathlib import Path

from cjlib.errors import MissingSourceError
from cjlib.language import phrase
from cjlib.maps import map_styles
from cjlib.maps.exports.documents import choose_printer, write_pdf
from cjlib.provenance import write_manifest
from cjlib.report.files import ResultFiles
from cjlib.report.page import render_page, write_page
from cjlib.report.sections import build_sections
from cjlib.report.shelf import Shelf
from cjlib.report.workbook import write_workbook
from cjlib.study import Study

__all__ = ["print_report", "write_report"]


def write_report(study: Study, folder: Path) -> Path:
    """Write ``report.html``, ``report_tables.xlsx`` and ``manifest.json`` from the results.

    Every number is read from the tables, figures and maps that the notebooks wrote; what has
    no result is named as absent. The page loads nothing from outside and needs no script.

    Parameters
    ----------
    study : Study
        For language, labels, the sections asked for (``report.sections``), the user's own
        words (``report.texts``) and the checksums of its files.
    folder : Path
        ``results/<study>``.

    Returns
    -------
    Path
        Of report.html.

    Raises
    ------
    MissingSourceError
        If the folder holds no tables: run the notebooks first.
    JourneyError
        If a picture in the user's own words cannot be taken into the page.
    """
    _require_tables(folder, caller="write_report")
    write_manifest(study, folder)
    shelf = Shelf(study, ResultFiles(folder))
    place = write_page(_render(shelf), folder / "report.html")
    write_workbook(shelf, folder / "report_tables.xlsx")
    return place


def print_report(study: Study, folder: Path, *, using: str | None = None) -> Path:
    """Write ``report.pdf`` from the results: the page as it belongs on paper.

    What is folded on the screen is open where it belongs on paper (the persona cards, the map
    of everybody) and left out where it does not (long tables, the other maps).

    Parameters
    ----------
    using : "weasyprint" or "chromium", optional
        The first that is installed by default.

    Raises
    ------
    MissingSourceError
        If the folder holds no tables.
    JourneyError
        If there is neither Chromium nor WeasyPrint, or it fails.
    """
    _require_tables(folder, caller="print_report")
    tool = choose_printer(using, caller="print_report")
    page = _render(Shelf(study, ResultFiles(folder)), paper=True)
    part = folder / "report.part.pdf"
    write_pdf(page, part, tool=tool, caller="print_report")
    return part.replace(folder / "report.pdf")


def _render(shelf: Shelf, *, paper: bool = False) -> str:
    study = shelf.study
    notes = [phrase("report.simulated", study.language)] if study.simulated else []
    sections = build_sections(shelf)
    return render_page(study, sections, notes=notes, styles=map_styles(), paper=paper)


def _require_tables(folder: Path, *, caller: str) -> None:
    if not (folder / "tables").is_dir():
        raise MissingSourceError(
            f"{caller}: the results must hold tables; {folder} has none. "
            "Run 'python -m cjlib run' on the study first."
        )
