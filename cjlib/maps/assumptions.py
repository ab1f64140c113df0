"""What the team supposes, written into a map's cells and shown there as no more than that."""

from __future__ import annotations

import copy
from typing import Any

import pandas as pd

from cjlib.columns import STAGE, require_columns
from cjlib.errors import JourneyError, nearest
from cjlib.maps.checking import require_map
from cjlib.maps.words import LANGUAGES, both

EMPTY = ("map.no_data", "map.no_owner", "map.no_opportunity")  # what a typed text replaces
COMPUTED = ("emotion-curve", "metrics", "alignment-gap", "flow")  # lanes of numbers, not of words


def add_assumptions(journey_map: dict[str, Any], rows: pd.DataFrame) -> dict[str, Any]:
    """Return the map with what the team supposes; the map given stays as it is.

    Each text goes into its cell, marked as an assumption without evidence. Where the cell said
    that there are no data it stands in their place; where the cell has findings it stands below
    them, and the cell keeps its own level.

    Parameters
    ----------
    rows : DataFrame, one row per text
        ``stage``, ``lane``: ids on the map; ``en`` and ``fa``, or ``text`` for a text in one
        language. A text that stands in the cell already is not added again.

    Raises
    ------
    JourneyError
        For columns missing, a stage or lane that is not there or holds numbers, or no text.
    """
    caller = "add_assumptions"
    require_map(journey_map, caller=caller)
    require_columns(rows, [STAGE, "lane"], caller=caller)
    m = copy.deepcopy(journey_map)
    kinds = {lane["id"]: lane["kind"] for lane in m["lanes"]}
    words = {lane for lane, kind in kinds.items() if kind not in COMPUTED}
    known = {STAGE: [s["id"] for s in m["stages"]], "lane": [x for x in kinds if x in words]}
    empty = [both(key) for key in EMPTY]
    for number, row in enumerate(rows.to_dict("records"), 1):
        for key, ids in known.items():
            if row[key] not in ids:
                hint = nearest(str(row[key]), ids)
                raise JourneyError(
                    f"{caller}: {key} must be one of {', '.join(ids)}; row {number} has "
                    f"'{row[key]}'." + (f" Did you mean '{hint}'?" if hint else "")
                )
        text = _read_text(row)
        if not text:
            raise JourneyError(
                f"{caller}: every row must have a text; row {number} has none. "
                "Fill 'en' and 'fa', or 'text'."
            )
        cell = _find_cell(m, str(row["lane"]), str(row[STAGE]))
        kept = [i for i in cell.get("items", []) if not _says(i, empty)]
        if not any(_says(item, [text]) for item in kept):
            kept.append({"text": text, "level": "assumption"})
        cell["items"] = kept
    require_map(m, caller=caller)
    return m


def _read_text(row: dict[Any, Any]) -> str | dict[str, str]:
    said = {
        name: str(row[name]).strip()
        for name in (*LANGUAGES, "text")
        if not pd.isna(row.get(name)) and str(row[name]).strip()
    }
    own = {name: said[name] for name in LANGUAGES if name in said}
    return own or said.get("text", "")


def _find_cell(m: dict[str, Any], lane: str, stage: str) -> dict[str, Any]:
    for cell in m.setdefault("cells", []):
        if (cell["lane"], cell["at"]) == (lane, stage):
            found: dict[str, Any] = cell
            return found
    made = {"lane": lane, "at": stage, "level": "assumption", "items": []}
    m["cells"].append(made)
    return made


def _says(item: Any, texts: list[Any]) -> bool:
    return (item["text"] if isinstance(item, dict) and "text" in item else item) in texts
