"""Reading a map and checking it: its shape, its references, and evidence behind its claims."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cjlib.errors import Fault, JourneyError, nearest
from cjlib.maps.figures import FaultRow, check_numbers
from cjlib.validation import (
    Path_,
    line_of,
    path_in_words,
    read_schema,
    read_yaml,
    schema_faults,
)

AFTER_PURCHASE = ("retention", "advocacy")  # kinds of stage
ANYWHERE = "journey"  # where a KPI of the whole journey stands
OUTSIDE = ("start", "end", "external")  # where moves come from and go to
MAX_MAP_BYTES = 10_000_000
REMEMBERED = 64  # maps found right that are known again
_RIGHT: dict[str, None] = {}  # checksums of their content, the oldest first


@dataclass(frozen=True, slots=True)
class MapFault(Fault):
    """One thing wrong with a map.

    Attributes
    ----------
    severity : str
        "fault": the map must not be used as it stands. "warning": it may be, with care.
    """

    severity: str = "fault"


class MapError(JourneyError):
    """A map that cannot be used as it stands; ``faults`` lists everything wrong, at once."""

    def __init__(self, faults: list[MapFault], *, caller: str) -> None:
        self.faults = tuple(faults)
        lines = "\n".join(f"  {fault}" for fault in self.faults)
        noun = "fault" if len(self.faults) == 1 else "faults"
        super().__init__(f"{caller}: the map has {len(self.faults)} {noun}:\n{lines}")


def read_map(path: str | Path) -> tuple[dict[str, Any] | None, list[MapFault]]:
    """Read a map, JSON or YAML (dates and yes/no stay text), and list everything wrong.

    Returns
    -------
    (dict or None, list of MapFault)
        None where there is nothing that could be a map.
    """
    file = Path(path)
    if not file.is_file():
        return None, [MapFault(str(path), 0, "no file", "a map, .json or .yaml")]
    if file.stat().st_size > MAX_MAP_BYTES:
        size = f"{file.stat().st_size:,} bytes"
        return None, [MapFault(file.name, 0, size, f"at most {MAX_MAP_BYTES:,} bytes")]
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return None, [MapFault(file.name, 0, "text that is not UTF-8", "a map saved as UTF-8")]
    lines: dict[Path_, int] = {}
    if file.suffix == ".json":
        value, found = _read_json(text, file.name)
    else:
        value, lines, found = read_yaml(text, file.name)
    faults = [_as_map_fault(f) for f in found]
    if not isinstance(value, dict):
        return None, faults or [MapFault(file.name, 1, "no keys", "a mapping of keys to values")]
    return value, faults + check_map(value, lines=lines, shown=file.name)


def _read_json(text: str, shown: str) -> tuple[Any, list[Fault]]:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refuse), []
    except json.JSONDecodeError as error:
        return None, [Fault(shown, error.lineno, error.msg, "valid JSON")]
    except _UnfitError as error:
        return None, [Fault(shown, 0, *error.args)]
    except RecursionError:
        return None, [Fault(shown, 0, "entries nested too deeply", "a map")]


def check_map(
    journey_map: dict[str, Any], *, lines: dict[Path_, int] | None = None, shown: str = "map"
) -> list[MapFault]:
    """List everything wrong with a map, faults of its shape first.

    Beyond the schema: cells, findings, emotions, KPIs and gaps stand at stages (or steps)
    and under personas that the map defines, cells in its lanes; every evidence id exists and
    comes once; what says "validated", each item of a cell too, names evidence; dates are days
    of the calendar; numbers are finite, shares from 0 to 1, intervals the right way round and
    about their value. Warnings: moves to stages that are not on the map, and no stage after
    the purchase that has any data.

    Parameters
    ----------
    lines : dict, optional
        Line of every entry, as ``read_yaml`` gives it; without it faults name the entry by
        its path, such as ``cells[3].level``.
    shown : str
        How faults name the map.
    """
    where = lines or {}
    schema = read_schema("journey-map")
    faults = [_as_map_fault(f) for f in schema_faults(journey_map, schema, where, shown)]
    if faults:
        return faults
    found: Iterator[FaultRow] = _all_faults(journey_map)
    return [
        MapFault(
            shown, line_of(where, place) if lines else 0,
            what if lines else f"{path_in_words(place)}: {what}", expected, near, severity,
        )
        for place, what, expected, near, severity in found
    ]  # fmt: skip


def require_map(journey_map: dict[str, Any], *, caller: str) -> None:
    """Raise ``MapError`` with every fault of the map; warnings pass.

    A map that has been found right is known by its content and not checked again.
    """
    try:
        content = sha256(json.dumps(journey_map).encode()).hexdigest()
    except (TypeError, ValueError, RecursionError):
        content = ""
    if content in _RIGHT:
        return
    faults = [f for f in check_map(journey_map) if f.severity == "fault"]
    if faults:
        raise MapError(faults, caller=caller)
    if content:
        _RIGHT[content] = None
        if len(_RIGHT) > REMEMBERED:
            del _RIGHT[next(iter(_RIGHT))]


def _as_map_fault(fault: Fault) -> MapFault:
    return MapFault(fault.file, fault.line, fault.found, fault.expected, fault.nearest)


class _UnfitError(ValueError):
    """JSON that is valid for Python and for nobody else."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        again = next(key for i, key in enumerate(keys) if key in keys[:i])
        raise _UnfitError(f"'{again}' again", "each key once")
    return made


def _refuse(name: str) -> Any:
    raise _UnfitError(name, "a number, or null with 'why'")


def _all_faults(m: dict[str, Any]) -> Iterator[FaultRow]:
    yield from check_numbers(m)
    yield from _repeats(m)
    yield from _references(m)
    yield from _evidence(m)
    yield from _warnings(m)


def _repeats(m: dict[str, Any]) -> Iterator[FaultRow]:
    for name in ("personas", "stages", "steps", "lanes", "metrics", "findings", "evidence"):
        ids = [entry["id"] for entry in m.get(name, [])]
        for i, key in enumerate(ids):
            if key in ids[:i]:
                yield (name, i), f"id '{key}' again in {name}", "each id once", "", "fault"
    seen: set[tuple[str, str, str]] = set()
    for i, cell in enumerate(m.get("cells", [])):
        place = (cell["lane"], cell["at"], cell.get("persona", ""))
        if place in seen:
            found = f"a second cell in lane '{place[0]}' at '{place[1]}'"
            yield ("cells", i), found, "one cell per lane, stage and persona", "", "fault"
        seen.add(place)


def _references(m: dict[str, Any]) -> Iterator[FaultRow]:
    stages = [s["id"] for s in m["stages"]]
    places = [*stages, *(s["id"] for s in m.get("steps", []))]
    known = {
        "at": places, "stage": stages, "lane": [x["id"] for x in m["lanes"]],
        "persona": [p["id"] for p in m["personas"]],
    }  # fmt: skip
    for name in ("steps", "cells", "emotions", "metrics", "findings", "alignment"):
        for i, entry in enumerate(m.get(name, [])):
            for key, ids in known.items():
                value = entry.get(key)
                if value is None or value in ids or (name == "metrics" and value == ANYWHERE):
                    continue
                noun = "stage" if key == "at" else key
                found = f"unknown {noun} '{value}'"
                yield (
                    (name, i, key),
                    found,
                    f"one of {', '.join(ids)}",
                    nearest(value, ids),
                    "fault",
                )
    findings = [f["id"] for f in m.get("findings", [])]
    for i, entry in enumerate(m.get("findings", [])):
        for key in entry.get("addresses", []):
            if key not in findings:
                found = f"unknown finding '{key}'"
                yield (
                    ("findings", i, "addresses"),
                    found,
                    "a finding of this map",
                    nearest(key, findings),
                    "fault",
                )


def _evidence(m: dict[str, Any]) -> Iterator[FaultRow]:
    known = [e["id"] for e in m.get("evidence", [])]
    for name in (
        "personas", "transitions", "cells", "emotions", "metrics", "findings", "alignment",
    ):  # fmt: skip
        for i, entry in enumerate(m.get(name, [])):
            own: list[str] = list(entry.get("evidence", []))
            for j, item in enumerate(entry.get("items", [])):
                held = item.get("evidence", []) if isinstance(item, dict) else []
                sure = isinstance(item, dict) and item.get("level") == "validated"
                if sure and not held and not entry.get("evidence"):
                    yield (name, i, "items", j), *_unfounded("the item"), "", "fault"
                own += held
            for key in dict.fromkeys(own):
                if key not in known:
                    found = f"unknown evidence '{key}'"
                    yield (
                        (name, i, "evidence"),
                        found,
                        "an id of 'evidence'",
                        nearest(key, known),
                        "fault",
                    )
            if entry.get("level") == "validated" and not own:
                what = entry.get("id") or f"the cell {entry.get('lane')} at {entry.get('at')}"
                yield (name, i), *_unfounded(what), "", "fault"


def _unfounded(what: str) -> tuple[str, str]:
    return (
        f"{what} says 'validated' without evidence",
        "at least one evidence id, or level 'assumption'",
    )


def _warnings(m: dict[str, Any]) -> Iterator[FaultRow]:
    stages = [s["id"] for s in m["stages"]]
    for i, move in enumerate(m.get("transitions", [])):
        for key in ("from", "to"):
            if move[key] not in (*stages, *OUTSIDE):
                found = f"'{move[key]}' is not a stage of this map"
                yield (
                    ("transitions", i, key),
                    found,
                    (f"one of {', '.join((*stages, *OUTSIDE))}"),
                    nearest(move[key], stages),
                    "warning",
                )
    after = [s["id"] for s in m["stages"] if s.get("kind") in AFTER_PURCHASE]
    own = {lane["id"] for lane in m["lanes"] if lane["kind"] in ("owners", "backstage")}
    filled = {
        c["at"] for c in m.get("cells", [])
        if c.get("level") in ("validated", "partial") and c["lane"] not in own
    }  # fmt: skip
    filled |= {e["at"] for e in m.get("emotions", []) if e["value"]["value"] is not None}
    if not any(s.get("kind") for s in m["stages"]):
        yield (
            ("stages",),
            "no stage says its kind",
            (
                "kind (awareness, consideration, decision, retention or advocacy), to see that the "
                "map goes on after the purchase"
            ),
            "",
            "warning",
        )
    elif not filled.intersection(after):
        yield (
            ("stages",),
            "no stage after the purchase has any data",
            ("data on at least one stage of kind retention or advocacy"),
            "",
            "warning",
        )
