"""Every fault of a study, from its definitions to its coding and action plan, at once."""

from __future__ import annotations

from pathlib import Path

from cjlib.accounts import check_accounts
from cjlib.actions import check_actions
from cjlib.errors import Fault
from cjlib.interviews import check_coding, check_comment_codes
from cjlib.metrics import check_goals
from cjlib.personas import check_believed
from cjlib.study import Study, read_study
from cjlib.survey import check_items


def check_study(
    path: str | Path, *, raw: str | Path | None = None
) -> tuple[Study | None, list[Fault]]:
    """Find every fault in a study's definitions and hand-made files.

    Parameters
    ----------
    path : path
        The study folder.
    raw : path, optional
        Folder of the raw files, where they lie elsewhere.

    Returns
    -------
    (Study or None, list of Fault)
        The faults of study.yaml first, then file by file, by line. None where study.yaml
        cannot be read at all; then only its own faults are listed.
    """
    study, faults = read_study(path, raw=raw)
    if study is None:
        return None, faults
    faults += [*check_goals(study), *check_believed(study), *check_items(study)]
    missing = {fault.found for fault in faults if fault.found.startswith("file '")}
    for source, check in (
        ("costs", check_accounts), ("beliefs", check_accounts), ("published", check_accounts),
        ("coding", check_coding), ("comments", check_comment_codes), ("actions", check_actions),
    ):  # fmt: skip
        if study.has(source) and not any(_names(study, source, found) for found in missing):
            faults += [fault for fault in check(study) if fault not in faults]
    return study, sorted(faults, key=lambda f: (f.file != "study.yaml", f.file, f.line))


def _names(study: Study, source: str, found: str) -> bool:
    """Whether ``found`` reports one of the files that ``source`` needs as missing."""
    files = {
        "costs": [study.costs_file],
        "beliefs": [study.beliefs_file],
        "published": [study.published_file],
        "coding": [study.coding_file, study.codes_file, study.people_file,
                   study.interviews_folder],
        "comments": [study.comments.codes] if study.comments else [],
        "actions": [study.actions_file],
    }  # fmt: skip
    return found in {f"file '{name}'" for name in files[source] if name}
