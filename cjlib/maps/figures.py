"""Checking what a map's numbers and dates say, wherever they stand in it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date
from typing import Any

from cjlib.validation import Path_

FaultRow = tuple[Path_, str, str, str, str]  # place, found, expected, nearest, severity
DATES = ("on", "reviewed_on", "next_review", "due", "from", "to")
SHARE_SLACK = 1e-9  # of rounding, over 1 or under 0


def check_numbers(part: Any, *, place: Path_ = ()) -> Iterator[FaultRow]:
    """Yield what is wrong with every estimate, number and date of a map that fits the schema."""
    if isinstance(part, dict):
        if "value" in part and (part["value"] is None or _is_number(part["value"])):
            yield from _check_estimate(part, place)
        for key, value in part.items():
            if key in DATES and isinstance(value, str) and _like_a_date(value):
                yield from _check_date(value, (*place, key))
            if not key.startswith("x_"):
                yield from check_numbers(value, place=(*place, key))
        if {"min", "max"} <= set(part) and not part["min"] < part["max"]:
            found = f"a scale from {part['min']:g} to {part['max']:g}"
            yield place, found, "a min below its max", "", "fault"
    elif isinstance(part, list):
        for i, value in enumerate(part):
            yield from check_numbers(value, place=(*place, i))
    elif isinstance(part, float) and not math.isfinite(part):
        yield place, f"{part}", "a finite number, or null with 'why'", "", "fault"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _like_a_date(text: str) -> bool:
    return len(text) == 10 and text[4] == text[7] == "-"


def _check_date(text: str, place: Path_) -> Iterator[FaultRow]:
    try:
        date.fromisoformat(text)
    except ValueError:
        yield place, f"'{text}'", "a day of the calendar such as '2025-05-31'", "", "fault"


def _check_estimate(kept: dict[str, Any], place: Path_) -> Iterator[FaultRow]:
    value, ci = kept["value"], kept.get("ci")
    ends = [] if ci is None else [ci["lo"], ci["hi"]]
    known = [x for x in (value, *ends) if x is not None]
    if not all(math.isfinite(x) for x in known):
        return  # told where it stands
    if ends and ends[0] > ends[1]:
        found = f"an interval from {ends[0]:g} to {ends[1]:g}"
        yield (*place, "ci"), found, "lo at or below hi", "", "fault"
    elif ends and value is not None and not ends[0] <= value <= ends[1]:
        found = f"{value:g} outside its interval [{ends[0]:g}, {ends[1]:g}]"
        yield place, found, "a value within its interval", "", "fault"
    if ends and value is None:
        yield (*place, "ci"), "an interval without a value", "a value, or no interval", "", "fault"
    outside = [x for x in known if not -SHARE_SLACK <= x <= 1 + SHARE_SLACK]
    if kept.get("unit") == "share" and outside:
        found = f"a share of {outside[0]:g}"
        yield place, found, "a share from 0 to 1; write 25 % as 0.25", "", "fault"
