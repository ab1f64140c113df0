"""What changed from one map to another in words: things that come, go, move, are renamed."""

from __future__ import annotations

from typing import Any

from cjlib.maps.words import say

Rows = list[dict[str, Any]]
LISTED = (("stages", "stage"), ("lanes", "lane"), ("personas", "persona"),
          ("findings", "finding"), ("actions", "action"))  # fmt: skip


def list_changed_words(
    old: dict[str, Any], new: dict[str, Any], names: dict[str, str], *, language: str
) -> Rows:
    """List every change that is not one of numbers.

    Stages, lanes, personas, findings and actions added, removed, renamed, moved or (an action's
    status) changed; what cells say; how well they are founded; goals, targets and owners.

    Parameters
    ----------
    names : dict
        Names of the stages of both maps by id.
    """
    rows = [row for pair in LISTED for row in _things(old, new, pair, names, language=language)]
    return [
        *rows, *_order(old, new, names), *_cells(old, new, names, language),
        *_levels(old, new, names, language), *_facts(old, new, names, language),
        *_targets(old, new, names, language),
    ]  # fmt: skip


def make_row(kind: str, stage: str, what: str, change: str) -> dict[str, Any]:
    """Return a change, as a row of ``MapChanges.table`` without numbers."""
    return {"kind": kind, "stage": stage, "what": what, "change": change}


def _things(
    old: dict[str, Any], new: dict[str, Any], listed: tuple[str, str], names: dict[str, str],
    *, language: str,
) -> Rows:  # fmt: skip
    name, kind = listed
    before = {x["id"]: x for x in old.get(name, [])}
    after = {x["id"]: x for x in new.get(name, [])}
    rows = []
    for key in [*before, *(k for k in after if k not in before)]:
        thing = after.get(key) or before[key]
        words = _called(thing, language)
        what = f"{thing['kind']}: {words}" if kind == "finding" else words
        stage = names[key] if kind == "stage" else names.get(thing.get("at", ""), "")
        if key not in after:
            rows.append(make_row(kind, stage, what, "removed"))
            continue
        if key not in before:
            rows.append(make_row(kind, stage, what, "added"))
            continue
        was = before[key]
        if _text(was) != _text(thing):
            rows.append(make_row(kind, stage, f"{_called(was, language)} → {words}", "renamed"))
        if was.get("at") != thing.get("at"):
            moved = f"{what}: {names.get(was.get('at', ''), '')} → {stage}"
            rows.append(make_row(kind, stage, moved, "moved"))
        for part in ("status", "due") if kind == "action" else ("kind", "severity"):
            if was.get(part) != thing.get(part) and kind != "persona":
                told = f"{words}: {was.get(part, '—')} → {thing.get(part, '—')}"
                rows.append(make_row(kind, stage, told, "changed"))
    return rows


def _text(thing: dict[str, Any]) -> Any:
    return next((thing[k] for k in ("label", "name", "text", "title") if thing.get(k)), "")


def _called(thing: dict[str, Any], language: str) -> str:
    return say(_text(thing), language)[0]


def _order(old: dict[str, Any], new: dict[str, Any], names: dict[str, str]) -> Rows:
    after = [s["id"] for s in new["stages"]]
    before = [s["id"] for s in old["stages"] if s["id"] in after]
    shared = [key for key in after if key in before]
    return [
        make_row(
            "stage", names[key], f"place {before.index(key) + 1} → {shared.index(key) + 1}", "moved"
        )
        for key in shared
        if before.index(key) != shared.index(key)
    ]


def _cells(old: dict[str, Any], new: dict[str, Any], names: dict[str, str], language: str) -> Rows:
    """List what cells say without a number; a text with one is told among the numbers."""
    lanes = {x["id"]: say(x["label"], language)[0] for m in (old, new) for x in m["lanes"]}
    before, after = _said(old, language), _said(new, language)
    return [
        make_row("cell", names.get(at, at), f"{lanes[lane]}: {text}", change)
        for one, other, change in ((before, after, "removed"), (after, before, "added"))
        for at, lane, text in one
        if (at, lane, text) not in other
    ]


def _said(m: dict[str, Any], language: str) -> dict[tuple[str, str, str], None]:
    found: dict[tuple[str, str, str], None] = {}
    for cell in m.get("cells", []):
        for item in [cell.get("text"), *cell.get("items", [])]:
            full = isinstance(item, dict) and "text" in item
            if item and not (full and "value" in item):
                words = say(item["text"] if full else item, language)[0]
                found[cell["at"], cell["lane"], words] = None
    return found


def _levels(old: dict[str, Any], new: dict[str, Any], names: dict[str, str], language: str) -> Rows:
    lanes = {x["id"]: say(x["label"], language)[0] for m in (old, new) for x in m["lanes"]}

    def levels(m: dict[str, Any]) -> dict[tuple[str, str], str]:
        return {(c["at"], c["lane"]): c["level"] for c in m.get("cells", []) if c.get("level")}

    before, after = levels(old), levels(new)
    return [
        make_row("level", names.get(at, at), f"{lanes[lane]}: {was} → {after[at, lane]}", "changed")
        for (at, lane), was in before.items()
        if after.get((at, lane), was) != was
    ]


def _facts(old: dict[str, Any], new: dict[str, Any], names: dict[str, str], language: str) -> Rows:
    """Owners, teams and the customers' goals of stages that stand on both maps."""
    before = {s["id"]: s for s in old["stages"]}
    parts = (("owner", "team"), ("owner", "owner"), ("goal", "customer_goal"))
    rows = []
    for stage in new["stages"]:
        was = before.get(stage["id"])
        for kind, part in parts if was is not None else ():
            ends = [say(s.get(part, ""), language)[0] for s in (was, stage)]  # type: ignore[union-attr]
            if ends[0] != ends[1]:
                told = f"{ends[0]} → {ends[1]}"
                rows.append(make_row(kind, names[stage["id"]], told, "changed"))
    return rows


def _targets(
    old: dict[str, Any], new: dict[str, Any], names: dict[str, str], language: str
) -> Rows:
    before = {x["id"]: x for x in old.get("metrics", [])}
    rows = []
    for metric in new.get("metrics", []):
        was = before.get(metric["id"])
        ends = (None if was is None else was.get("target"), metric.get("target"))
        if was is None or ends[0] == ends[1]:
            continue
        change = "added" if ends[0] is None else "removed" if ends[1] is None else "changed"
        words = say(metric.get("label") or metric["name"], language)[0]
        row = make_row("target", names.get(metric["at"], metric["at"]), words, change)
        rows.append(row | {"old": ends[0], "new": ends[1]})
    return rows
