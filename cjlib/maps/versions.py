"""Maps kept in versions: saved, loaded, found stale."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from cjlib.errors import JourneyError
from cjlib.language import phrase
from cjlib.maps.checking import MapError, read_map, require_map
from cjlib.maps.comparing import diff_maps
from cjlib.maps.numbers import Voice

PASSING = ("version", "supersedes", "changelog", "review", "provenance")  # not the map itself


def save_map(journey_map: dict[str, Any], folder: str | Path, *, today: date, by: str = "") -> Path:
    """Write a map into a folder as its next version, or leave it where nothing is new.

    The first version is 1.0.0. After that the first number rises where stages or lanes come
    or go, the second where findings, cells, targets or evidence levels do, the third where only
    KPIs, emotions, gaps and moves do.
    Earlier files stay. The new one says which it supersedes, and what changed.

    Parameters
    ----------
    today : date
        Goes into the change log.
    by : str
        Who saved it, if that is to be said.

    Returns
    -------
    Path
        ``<id>-v<version>.json``; the file there already where nothing has changed.
    """
    require_map(journey_map, caller="save_map")
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    files = _versions(place, journey_map["id"])
    saved = dict(journey_map)
    if files:
        latest = load_map(files[-1])
        if _core(latest) == _core(journey_map):
            return files[-1]
        changes = diff_maps(latest, journey_map)
        saved["version"] = _next_version(latest, changes.kinds())
        saved["supersedes"] = f"{latest['id']}@{latest['version']}"
        note: Any = changes.summary() if len(changes.table) else "Details changed."
        log = latest.get("changelog", [])
    else:
        saved["version"], note, log = "1.0.0", "First version.", []
    entry = {"version": saved["version"], "on": today.isoformat(), "note": note}
    saved["changelog"] = [*log, entry | ({"by": by} if by else {})]
    file = place / f"{saved['id']}-v{saved['version']}.json"
    part = file.with_name(file.name + ".part")
    text = json.dumps(saved, ensure_ascii=False, indent=1) + "\n"
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(file)
    return file


def load_map(path: str | Path, *, id: str = "") -> dict[str, Any]:  # noqa: A002
    """Read a map from a file, or the newest version of map ``id`` from a folder.

    Raises
    ------
    MapError
        With everything wrong in it.
    JourneyError
        If the folder holds no such map.
    """
    place = Path(path)
    if place.is_dir():
        files = _versions(place, id)
        if not files:
            what = f"map '{id}'" if id else "map id to look for"
            raise JourneyError(
                f"load_map: {place} must hold the map asked for; there is no {what}. "
                "Save one with save_map, or name the file itself."
            )
        place = files[-1]
    journey_map, faults = read_map(place)
    wrong = [fault for fault in faults if fault.severity == "fault"]
    if wrong or journey_map is None:
        raise MapError(wrong, caller="load_map")
    return journey_map


def is_stale(journey_map: dict[str, Any], *, today: date, checksum: str | None = None) -> bool:
    """Say whether a map should be looked at again; ``find_staleness`` says why."""
    return bool(find_staleness(journey_map, today=today, checksum=checksum))


def find_staleness(
    journey_map: dict[str, Any],
    *,
    today: date | None,
    checksum: str | None = None,
    language: str = "en",
) -> list[str]:
    """List why a map should be looked at again; nothing where it is current.

    Reasons: the review date has passed (on that day itself it has not), there is none, the
    data behind it have another checksum, or the map keeps none to compare with.

    Parameters
    ----------
    today : date or None
        None: the review date is not looked at.
    checksum : str, optional
        Of the data as they are now; None: it is not looked at.
    language : "en" or "fa"
        Of the reasons; Persian ones bring the map's own calendar.
    """
    reasons = []
    due = journey_map.get("review", {}).get("next_review")
    if today is not None and not due:
        reasons.append(phrase("map.stale_no_date", language))
    elif today is not None and today > date.fromisoformat(due):
        day = due if language == "en" else Voice.of(journey_map, language).day(due)
        reasons.append(phrase("map.stale_due", language, date=day))
    if checksum is not None:
        own = journey_map.get("provenance", {}).get("checksum")
        if not own:
            reasons.append(phrase("map.stale_no_checksum", language))
        elif own != checksum:
            reasons.append(phrase("map.stale_data", language))
    return reasons


def _versions(folder: Path, key: str) -> list[Path]:
    """Return the saved versions of a map, oldest first."""
    found = []
    for file in folder.glob("*-v*.json"):
        name, _, version = file.stem.rpartition("-v")
        numbers = version.split(".")
        if name == key and len(numbers) == 3 and all(n.isdecimal() for n in numbers):
            found.append((tuple(int(n) for n in numbers), file))
    return [file for _, file in sorted(found)]


def _core(journey_map: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in journey_map.items() if key not in PASSING}
    return json.loads(json.dumps(kept))  # type: ignore[no-any-return]


def _next_version(latest: dict[str, Any], kinds: set[str]) -> str:
    first, second, third = (int(n) for n in latest["version"].split("."))
    if kinds & {"stage", "lane"}:
        return f"{first + 1}.0.0"
    if kinds - {"emotion", "metric", "gap", "move"}:
        return f"{first}.{second + 1}.0"
    return f"{first}.{second}.{third + 1}"
