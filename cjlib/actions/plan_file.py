"""The CSV of the action plan: every row checked, every fault at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pandas as pd

from cjlib.columns import STAGE, TOUCHPOINT
from cjlib.errors import Fault, MissingSourceError, nearest
from cjlib.language import key
from cjlib.metrics import kpi_names
from cjlib.personas.believed_file import read_rule
from cjlib.sheets import Sheet, read_sheet
from cjlib.study import Study

ACTION_COLUMNS: Final = (
    "action", "finding", STAGE, TOUCHPOINT, "owner", "team", "due", "kpi", "target", "expected",
    "status", "effort", "impact", "budget", "resources", "approved_by", "approved_on", "since",
    "reached", "compared_with", "lesson",
)  # fmt: skip
DAYS: Final = ("due", "approved_on", "since")
STATUSES: Final = ("proposed", "planned", "approved", "in progress", "done", "dropped")
_PERSIAN: Final = (
    ("پیشنهاد", "پیشنهادی", "پیشنهاد شده"), ("برنامه‌ریزی شده", "در برنامه"),
    ("تایید شده", "تصویب شده", "مصوب"), ("در حال انجام", "در جریان", "جاری"),
    ("انجام شد", "انجام شده", "تمام شد"), ("کنار گذاشته شد", "منتفی", "لغو شد"),
)  # fmt: skip
_STATUS: Final = {
    key(word): status
    for status, words in zip(STATUSES, _PERSIAN, strict=True)
    for word in (status, *words)
}
CLOSED: Final = ("done", "dropped")
LOWEST, HIGHEST = 1, 5  # effort and impact, as teams rate them


def read_actions(study: Study) -> pd.DataFrame:
    """Read the action plan.

    Returns
    -------
    DataFrame, one row per action, in file order
        ``action, finding, stage, touchpoint, owner, team`` (ids checked), ``due``
        (datetime64; Jalali or Gregorian in the file), ``kpi`` (one the study can measure),
        ``target, expected, status`` (one of ``STATUSES``, "proposed" where empty; Persian
        words are understood), ``effort, impact`` (1 to 5), ``budget`` (study currency),
        ``resources`` (people, tools), ``approved_by, approved_on``, ``since`` (the day it took
        effect), ``reached`` (whom: a rule on an item such as ``city=thr``; everyone where
        empty), ``compared_with`` (whom it left alone: such a rule, or the KPI of a question
        that it should not move), ``lesson`` (what was learned). Empty texts are missing.

    Raises
    ------
    MissingSourceError
        If study.yaml names no actions file.
    StudyError
        With every fault in the file, each with its line and the nearest right spelling.
    """
    study.require("actions", caller="read_actions")
    sheet, frame = _read(study, study.file(study.actions_file))
    sheet.raise_faults(caller="read_actions")
    return frame


def check_actions(study: Study) -> list[Fault]:
    """List every fault in the actions file; a study without one has none."""
    if not study.has("actions"):
        return []
    try:
        place = study.file(study.actions_file)
    except MissingSourceError:  # a fault of study.yaml, listed there
        return []
    return _read(study, place)[0].faults


def _read(study: Study, path: Path) -> tuple[Sheet, pd.DataFrame]:
    sheet = read_sheet(path, columns=ACTION_COLUMNS, required=("action",), shown=study.actions_file)
    known = {
        STAGE: study.stage_ids, TOUCHPOINT: [t.id for t in study.touchpoints],
        "team": list(study.teams), "kpi": kpi_names(study),
    }  # fmt: skip
    seen: dict[str, int] = {}
    rows = []
    for line, cells in sheet:
        action = sheet.need(line, cells, "action")
        if action and key(action) in seen:
            found = f"action '{action}' again (first on line {seen[key(action)]})"
            sheet.fault(line, found, "each action once")
        seen.setdefault(key(action), line)
        row: dict[str, Any] = {name: cells[name] or None for name in ACTION_COLUMNS}
        row |= {
            name: _choose(sheet, line, cells, name, words) for name, words in known.items()
        }  # fmt: skip
        for name in DAYS:
            row[name] = sheet.day(line, cells, name)
        _check_groups(sheet, line, cells, study)
        row["target"] = sheet.number(line, cells, "target")
        row["budget"] = sheet.number(line, cells, "budget", low=0)
        for name in ("effort", "impact"):
            row[name] = sheet.number(line, cells, name, low=LOWEST, high=HIGHEST)
        row["status"] = _STATUS.get(key(cells["status"]))
        if not cells["status"]:
            row["status"] = STATUSES[0]
        elif row["status"] is None:
            sheet.choice(line, cells, "status", STATUSES)
        rows.append(row)
    numbers = ("target", "effort", "impact", "budget")
    types = dict.fromkeys(ACTION_COLUMNS, "string") | dict.fromkeys(numbers, "float64")
    frame = pd.DataFrame(rows, columns=list(ACTION_COLUMNS))
    return sheet, frame.astype(types | dict.fromkeys(DAYS, "datetime64[ns]"))


def _check_groups(sheet: Sheet, line: int, cells: dict[str, str], study: Study) -> None:
    """Note what is wrong with whom an action reached, and with whom they are compared."""
    for column in ("reached", "compared_with"):
        text = cells[column]
        if not text or (column == "compared_with" and text in kpi_names(study)):
            continue
        known = len(sheet.faults)
        read_rule(sheet, line, text, study.codebook)
        sheet.faults[known:] = [
            replace(fault, found=f"{column}: {fault.found}") for fault in sheet.faults[known:]
        ]
    if cells["reached"] and cells["reached"] == cells["compared_with"]:
        found = f"compared_with '{cells['compared_with']}', the same as reached"
        sheet.fault(line, found, "people whom the action did not reach")


def _choose(
    sheet: Sheet, line: int, cells: dict[str, str], name: str, words: list[str]
) -> str | None:
    """Like ``Sheet.choice``, but the message does not list hundreds of KPI names."""
    if name != "kpi" or not cells[name] or cells[name] in words:
        return sheet.choice(line, cells, name, words)
    expected = "a KPI such as nps, csat.<stage>, ces, conversion (as in the goals of study.yaml)"
    sheet.fault(line, f"unknown kpi '{cells[name]}'", expected, nearest(cells[name], words))
    return None
