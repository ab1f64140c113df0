"""A map as a table: one row for every item of every cell, with its level, n and interval."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from cjlib.language import phrase
from cjlib.maps.checking import require_map
from cjlib.maps.estimates import read_estimate
from cjlib.maps.view import FINDING_OF, STRONG
from cjlib.maps.words import say

COLUMNS = (
    "map", "state", "persona", "stage", "stage_label", "lane", "lane_label", "item", "text",
    "evidence_level", "estimate", "low", "high", "level", "n", "method", "unit", "why", "target",
    "evidence",
)  # fmt: skip


def tabulate_map(journey_map: dict[str, Any], *, language: str | None = None) -> pd.DataFrame:
    """List everything that the cells of a map say, one row for each item.

    Rows run by lane, then stage, in the map's order. A cell of which nothing is known has one
    row with an empty text. Numbers are the map's own, not rounded; shares are 0 to 1.

    Parameters
    ----------
    language : str, optional
        Of the texts; the map's own by default.

    Returns
    -------
    DataFrame
        ``map, state, persona, stage, stage_label, lane, lane_label``; ``item``: 1, 2, … within
        the cell; ``text``; ``evidence_level``: validated, partial or assumption; ``estimate,
        low, high, level, n, method``, missing where the item has no number; ``unit``; ``why``:
        why there is no estimate; ``target``; ``evidence``: ids of the evidence, by spaces.
    """
    require_map(journey_map, caller="tabulate_map")
    m, own = journey_map, language or str(journey_map["lang"])
    rows: list[dict[str, Any]] = []
    for lane in m["lanes"]:
        for stage in m["stages"]:
            head = {
                "map": m["id"], "state": m["state"],
                "persona": " ".join(p["id"] for p in m["personas"]),
                "stage": stage["id"], "stage_label": say(stage["label"], own)[0],
                "lane": lane["id"], "lane_label": say(lane["label"], own)[0],
            }  # fmt: skip
            items = list(_items(m, lane, stage, own)) or [_row("", None, "assumption", [])]
            rows += [head | {"item": i} | item for i, item in enumerate(items, 1)]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    for name in ("estimate", "low", "high", "level", "target"):
        frame[name] = frame[name].astype("float64")
    frame["n"] = frame["n"].astype("Int64")
    return frame


def _items(
    m: dict[str, Any], lane: dict[str, Any], stage: dict[str, Any], own: str
) -> Iterator[dict[str, Any]]:
    """Yield the items of one cell: those it holds, then those of the map's lists."""
    for cell in m.get("cells", []):
        if cell["lane"] != lane["id"] or cell["at"] != stage["id"]:
            continue
        level, keys = cell.get("level", "assumption"), cell.get("evidence", [])
        if cell.get("text"):
            yield _row(say(cell["text"], own)[0], None, level, keys)
        for item in cell.get("items", []):
            full = item if isinstance(item, dict) and "text" in item else {"text": item}
            yield _row(
                say(full["text"], own)[0], full.get("value"), full.get("level", level),
                full.get("evidence", keys),
            )  # fmt: skip
    level, keys = _founded(m, lane, stage)
    for text, value, entry in _listed(m, lane["kind"], stage, own):
        yield _row(
            text, value, entry.get("level") or level, entry.get("evidence") or keys,
            target=entry.get("target"),
        )  # fmt: skip


def _row(
    text: str, value: Any, evidence_level: str, keys: list[str], *, target: float | None = None
) -> dict[str, Any]:
    row = {
        "text": text, "evidence_level": evidence_level, "evidence": " ".join(keys), "unit": "",
        "why": "", "method": "", "target": target,
    }  # fmt: skip
    if value is None:
        return row
    found, ci = read_estimate(value), value.get("ci", {})
    return row | {
        "estimate": found.estimate, "low": ci.get("lo"), "high": ci.get("hi"),
        "level": ci.get("level"), "n": value.get("n"), "method": ci.get("method", ""),
        "unit": value.get("unit", ""), "why": value.get("why", ""),
    }  # fmt: skip


def _founded(
    m: dict[str, Any], lane: dict[str, Any], stage: dict[str, Any]
) -> tuple[str, list[str]]:
    """Return how well the cell as a whole is founded, and on what."""
    for cell in m.get("cells", []):
        if cell["lane"] == lane["id"] and cell["at"] == stage["id"]:
            return cell.get("level", "assumption"), cell.get("evidence", [])
    return "assumption", []


def _listed(
    m: dict[str, Any], kind: str, stage: dict[str, Any], own: str
) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Yield text, estimate and entry of what the map's lists hold for a lane at a stage."""

    def words(key: str, **values: str) -> str:
        return phrase(f"map.{key}", own, **values)

    def here(name: str) -> Iterator[dict[str, Any]]:
        return (row for row in m.get(name, []) if row["at"] == stage["id"])

    if kind in FINDING_OF:
        for row in here("findings"):
            if row["kind"] == FINDING_OF[kind]:
                yield say(row["text"], own)[0], row.get("value") or row.get("frequency"), row
    elif kind == "emotion-curve":
        for row in here("emotions"):
            yield words("lane_emotion"), row["value"], row
    elif kind == "metrics":
        for row in here("metrics"):
            plain = words(row["name"]) if row["name"] in STRONG else row["name"]
            yield say(row.get("label") or plain, own)[0], row["value"], row
    elif kind == "alignment-gap":
        for row in here("alignment"):
            for key, name in (("team_says", "business"), ("customers_say", "customer")):
                yield words(key), row[name], row
            if "gap" in row:
                yield words("gap"), row["gap"], row
    elif kind == "flow":
        yield from _moves(m, stage, own)


def _moves(
    m: dict[str, Any], stage: dict[str, Any], own: str
) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    names = {s["id"]: say(s["label"], own)[0] for s in m["stages"]}
    names["end"] = phrase("map.end", own)
    for entry in stage.get("entry", []):
        if "share" in entry:
            yield phrase("map.begin_here", own), entry["share"], {}
    for move in m.get("transitions", []):
        if move["from"] == stage["id"] and "p" in move:
            if move.get("kind") == "channel-switch":
                ends = {k: say(move.get(f"{k}_channel", ""), own)[0] for k in ("from", "to")}
                said = phrase("map.switches", own, one=ends["from"], two=ends["to"])
                yield said, move["p"], move
                continue
            key = "goes_back" if move.get("kind") == "loop" else "goes_to"
            to = names.get(move["to"], move["to"])
            yield phrase(f"map.{key}", own, stage=to), move["p"], move
    for leave in stage.get("exit", []):
        reason = leave.get("reason")
        if reason:
            yield phrase("map.leaves", own, why=say(reason, own)[0]), leave.get("share"), {}
        elif "share" in leave:
            yield phrase("map.last_seen", own), leave["share"], {}
