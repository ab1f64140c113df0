"""What is on record outside the research: spend, the team's beliefs, figures of others."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cjlib.columns import CHANNEL, STAGE, N
from cjlib.errors import Fault
from cjlib.sheets import Sheet, read_sheet
from cjlib.study import Study

MONTH = "month"  # datetime64, first day of the month
COST_AMOUNTS = ("spend", "impressions", "reach", "clicks")
COST_COLUMNS = (CHANNEL, MONTH, *COST_AMOUNTS)
PUBLISHED_NUMBERS = ("value", N, "sd", "promoters", "detractors")
PUBLISHED_COLUMNS = ("name", "item", *PUBLISHED_NUMBERS, "source")
BELIEF_COLUMNS = (STAGE, "satisfaction", N, "confidence", "note")


def read_costs(study: Study) -> pd.DataFrame:
    """Read what was spent on each channel in each month, and what it reached.

    Returns
    -------
    DataFrame, one row per channel and month, ordered by month and channel
        ``channel``, ``month`` (datetime64, first day of the month as written, Jalali or
        Gregorian), ``spend`` (study currency), ``impressions``, ``reach``, ``clicks``
        (counts); an empty cell is missing, never zero.

    Raises
    ------
    MissingSourceError
        If study.yaml names no costs file.
    StudyError
        With every fault in the file, each with its line.
    """
    study.require("costs", caller="read_costs")
    sheet, frame = _costs(study, study.file(study.costs_file))
    sheet.raise_faults(caller="read_costs")
    return frame


def read_beliefs(study: Study) -> pd.DataFrame:
    """Read what the team believes about each stage, as asked before the research.

    Returns
    -------
    DataFrame, one row per line of the file, in journey order
        ``stage``; ``satisfaction`` (what the team thinks customers answer, on the study's own
        satisfaction scale); ``n`` (team members asked); ``confidence`` (as written: a word or
        a number); ``note``.

    Raises
    ------
    MissingSourceError
        If study.yaml names no beliefs file.
    StudyError
        With every fault in the file, each with its line.
    """
    study.require("beliefs", caller="read_beliefs")
    sheet, frame = _beliefs(study, study.file(study.beliefs_file))
    sheet.raise_faults(caller="read_beliefs")
    return frame


def read_published(study: Study) -> pd.DataFrame:
    """Read figures that others published: a competitor's, an industry's, last year's report.

    Returns
    -------
    DataFrame, one row per line of the file, in its order
        ``name`` (whose figure); ``item`` (the codebook item it is compared with, one that is
        an NPS, CSAT or CES question); ``value`` (points from -100 to 100 for NPS, else the
        mean on the item's own scale, or the share in the top box where the study takes that);
        ``n`` (answers behind it) and, where they were told, ``sd`` or ``promoters,
        detractors`` (shares, 0 to 1); ``source`` (where it stands).

    Raises
    ------
    MissingSourceError
        If study.yaml names no file of published figures.
    StudyError
        With every fault in the file, each with its line.
    """
    study.require("published", caller="read_published")
    sheet, frame = _published(study, study.file(study.published_file))
    sheet.raise_faults(caller="read_published")
    return frame


def check_accounts(study: Study) -> list[Fault]:
    """List every fault in the files of costs, beliefs and published figures.

    A study without them has none. A file that is not there is a fault of study.yaml and listed
    by ``read_study``.
    """
    return [*check_costs(study), *check_beliefs(study), *check_published(study)]


def check_costs(study: Study) -> list[Fault]:
    """List every fault in the costs file."""
    place = _place(study, study.costs_file)
    return _costs(study, place)[0].faults if place else []


def check_beliefs(study: Study) -> list[Fault]:
    """List every fault in the beliefs file."""
    place = _place(study, study.beliefs_file)
    return _beliefs(study, place)[0].faults if place else []


def check_published(study: Study) -> list[Fault]:
    """List every fault in the file of published figures."""
    place = _place(study, study.published_file)
    return _published(study, place)[0].faults if place else []


def _place(study: Study, name: str) -> Path | None:
    if not name or not any((folder / name).is_file() for folder in (study.raw, study.path)):
        return None
    return study.file(name)


def _costs(study: Study, path: Path) -> tuple[Sheet, pd.DataFrame]:
    sheet = read_sheet(
        path, columns=COST_COLUMNS, required=(CHANNEL, MONTH, "spend"), shown=study.costs_file
    )
    channels = [channel.id for channel in study.channels]
    seen: dict[tuple[str, pd.Timestamp], int] = {}
    rows = []
    for line, cells in sheet:
        sheet.need(line, cells, CHANNEL)
        sheet.need(line, cells, MONTH)
        channel = sheet.choice(line, cells, CHANNEL, channels)
        day = sheet.day(line, cells, MONTH, month=True)
        amounts = {name: sheet.number(line, cells, name, low=0) for name in COST_AMOUNTS}
        if channel is None or day is None:
            continue
        if (channel, day) in seen:
            found = f"'{channel}' in {cells[MONTH]} again (first on line {seen[channel, day]})"
            sheet.fault(line, found, "each channel once a month")
            continue
        seen[channel, day] = line
        rows.append({CHANNEL: channel, MONTH: day, **amounts})
    frame = pd.DataFrame(rows, columns=list(COST_COLUMNS)).astype(
        {CHANNEL: "string", MONTH: "datetime64[ns]"} | dict.fromkeys(COST_AMOUNTS, "float64")
    )
    return sheet, frame.sort_values([MONTH, CHANNEL], kind="stable", ignore_index=True)


def _beliefs(study: Study, path: Path) -> tuple[Sheet, pd.DataFrame]:
    sheet = read_sheet(
        path, columns=BELIEF_COLUMNS, required=(STAGE, "satisfaction"), shown=study.beliefs_file
    )
    stages = study.stage_ids
    ends = {
        item.stage: (item.low, item.high)
        for item in study.codebook.select(metric="csat")
        if item.low is not None and item.high is not None
    }
    seen: dict[str, int] = {}
    rows = []
    for line, cells in sheet:
        sheet.need(line, cells, STAGE)
        stage = sheet.choice(line, cells, STAGE, stages)
        low, high = ends.get(stage or "", (None, None))
        satisfaction = sheet.number(
            line, cells, "satisfaction",
            low=float("-inf") if low is None else low,
            high=float("inf") if high is None else high,
        )  # fmt: skip
        asked = sheet.number(line, cells, N, low=1)
        if stage is None:
            continue
        if stage in seen:
            found = f"stage '{stage}' again (first on line {seen[stage]})"
            sheet.fault(line, found, "each stage once")
            continue
        seen[stage] = line
        rows.append(
            {STAGE: stage, "satisfaction": satisfaction, N: asked}
            | {name: cells[name] for name in ("confidence", "note")}
        )
    frame = pd.DataFrame(rows, columns=list(BELIEF_COLUMNS)).astype(
        {STAGE: "string", "satisfaction": "float64", N: "float64"}
        | dict.fromkeys(("confidence", "note"), "string")
    )
    place = frame[STAGE].map({key: i for i, key in enumerate(stages)})
    return sheet, frame.loc[place.sort_values(kind="stable").index].reset_index(drop=True)


def _published(study: Study, path: Path) -> tuple[Sheet, pd.DataFrame]:
    sheet = read_sheet(
        path, columns=PUBLISHED_COLUMNS, required=("name", "item", "value", "source"),
        shown=study.published_file,
    )  # fmt: skip
    items = {item.name: item for item in study.codebook.items if item.metric}
    seen: dict[tuple[str, str], int] = {}
    rows = []
    for line, cells in sheet:
        for column in ("name", "item", "value", "source"):
            sheet.need(line, cells, column)
        item = items.get(sheet.choice(line, cells, "item", items) or "")
        nps = item is not None and item.metric == "nps"
        ends = (item.low, item.high) if item and not nps else (-100, 100)
        if item is not None and item.metric == "csat" and study.positions.csat == "top_box":
            ends = (0, 1)
        low, high = (float(end) if end is not None else None for end in ends)
        numbers = {
            "value": sheet.number(
                line, cells, "value",
                low=float("-inf") if low is None else low,
                high=float("inf") if high is None else high,
            ),
            N: sheet.number(line, cells, N, low=1),
            "sd": sheet.number(line, cells, "sd", low=0),
        }  # fmt: skip
        for part in ("promoters", "detractors"):
            numbers[part] = sheet.number(line, cells, part, low=0, high=1)
            if cells[part] and item is not None and not nps:
                sheet.fault(line, f"{part} of '{item.name}'", f"{part} for an NPS item only")
        if item is None:
            continue
        if (cells["name"], item.name) in seen:
            first = seen[cells["name"], item.name]
            sheet.fault(line, f"'{cells['name']}' on '{item.name}' again (first on line {first})",
                        "each figure once")  # fmt: skip
            continue
        seen[cells["name"], item.name] = line
        rows.append(
            {"name": cells["name"], "item": item.name, **numbers, "source": cells["source"]}
        )
    frame = pd.DataFrame(rows, columns=list(PUBLISHED_COLUMNS)).astype(
        dict.fromkeys(("name", "item", "source"), "string")
        | dict.fromkeys(PUBLISHED_NUMBERS, "float64")
    )
    return sheet, frame
