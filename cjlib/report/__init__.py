"""The report: one self-contained page, made of result files only."""

from __future__ import annotations

from pathlib import Path

from cjlib.errors import MissingSourceError
from cjlib.language import phrase
from cjlib.maps import map_styles
from cjlib.provenance import write_manifest
from cjlib.report.files import ResultFiles
from cjlib.report.page import render_page, write_page
from cjlib.report.sections import build_sections
from cjlib.study import Study

__all__ = ["write_report"]


def write_report(study: Study, folder: Path) -> Path:
    """Write ``report.html`` and ``manifest.json`` from the results in ``folder``.

    Every number is read from the tables, figures and maps that the notebooks wrote; what has
    no result is named as absent. The page loads nothing from outside and needs no script.

    Parameters
    ----------
    study : Study
        For language, labels and the checksums of its files.
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
    """
    if not (folder / "tables").is_dir():
        raise MissingSourceError(
            f"write_report: the results must hold tables; {folder} has none. "
            "Run 'python -m cjlib run' on the study first."
        )
    write_manifest(study, folder)
    notes = [phrase("report.simulated", study.language)] if study.simulated else []
    sections = build_sections(study, ResultFiles(folder))
    page = render_page(study, sections, notes=notes, styles=map_styles())
    return write_page(page, folder / "report.html")
