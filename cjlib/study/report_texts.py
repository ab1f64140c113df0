"""The user's own words for the report: which Markdown file belongs to which section."""

from __future__ import annotations

import os
from pathlib import Path

from cjlib.definitions import REPORT_SECTIONS
from cjlib.errors import Fault, nearest
from cjlib.study.model import Study
from cjlib.validation import line_of

AFTER = ".after"  # limits.after.md ends the section that limits.md opens


def list_report_texts(study: Study) -> dict[str, Path]:
    """Return name -> file of every ``.md`` in the study's folder of report texts, by name."""
    folder = (study.path / study.report.texts).resolve()
    if not folder.is_relative_to(study.path):
        return {}
    try:  # asked for even where there is none, so that a run notes that it looked
        names = sorted(os.listdir(folder))  # noqa: PTH208
    except (FileNotFoundError, NotADirectoryError):
        return {}
    files = [folder / name for name in names if name.endswith(".md") and name[0] != "."]
    return {file.stem: file for file in files if file.is_file()}


def find_report_faults(study: Study) -> list[Fault]:
    """Sections that are none, or come twice, and texts that belong to no section."""
    texts, faults = list_report_texts(study), []
    if not (study.path / study.report.texts).resolve().is_relative_to(study.path):
        line = line_of(study.lines, ("report", "texts"))
        found = f"texts '{study.report.texts}'"
        faults.append(Fault("study.yaml", line, found, "a folder inside the study"))
    own = {name for name in texts if not name.endswith(AFTER)}
    for i, name in enumerate(study.report.sections):
        line = line_of(study.lines, ("report", "sections", i))
        if name in study.report.sections[:i]:
            faults.append(Fault("study.yaml", line, f"section '{name}' again", "each once"))
        elif name not in REPORT_SECTIONS and name not in own:
            near = nearest(name, REPORT_SECTIONS)
            expected = (
                f"one of {', '.join(REPORT_SECTIONS)}, or a file {study.report.texts}/{name}.md"
            )
            faults.append(Fault("study.yaml", line, f"unknown section '{name}'", expected, near))
    known = {*REPORT_SECTIONS, *study.report.sections}
    for name, file in texts.items():
        if name.removesuffix(AFTER) not in known:
            near = nearest(name.removesuffix(AFTER), known)
            expected = "a file named after a section of the report"
            shown = f"{study.report.texts}/{file.name}"
            faults.append(Fault(shown, 0, "text of no section", expected, near))
    return faults
