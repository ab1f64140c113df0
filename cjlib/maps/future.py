"""The future state of a map: what is to change where, to which target, by which action."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

from cjlib.errors import JourneyError, nearest
from cjlib.maps.checking import require_map
from cjlib.maps.evidence import make_id
from cjlib.maps.view import FINDING_OF
from cjlib.maps.words import LANGUAGES, both, say

NEEDED = ("at", "lane", "text", "action")
ALLOWED = (*NEEDED, "target", "metric", "owner", "due")
PASSING = ("supersedes", "changelog", "provenance")
LISTS = {"emotion-curve": "emotions", "metrics": "metrics", "alignment-gap": "alignment"}


def plan_future(journey_map: dict[str, Any], changes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the map as it is meant to become; the map given stays as it is.

    Every changed cell holds what is wanted, its target and the action that should bring it
    about, and is an assumption without evidence: what was measured there today is taken away
    (a KPI keeps it as its baseline). Cells that no change names stay, with their evidence.

    Parameters
    ----------
    changes : list of dict
        ``at``, ``lane``: ids of the stage and lane; ``text``: what will be there, a text or
        {en, fa}; ``action``: what should bring it about, likewise. Optional: ``target``, a
        number, with ``metric``, the id of a KPI of that stage (needless in the lane of
        emotions, from -2 to 2); ``owner``; ``due``, a date such as '2026-03-31'.

    Returns
    -------
    dict
        A map of state "future" whose ``counterpart`` is the map given; its actions are
        listed in ``actions``.

    Raises
    ------
    JourneyError
        For no change, a key, stage, lane or KPI that is not there, a target that is not a
        number, or two changes of one cell.
    MapError
        If the map, or what would become of it, has faults.
    """
    require_map(journey_map, caller="plan_future")
    if not changes:
        raise JourneyError("plan_future: changes must name at least one cell; got none.")
    m = copy.deepcopy({k: v for k, v in journey_map.items() if k not in PASSING})
    m |= {
        "id": make_id(journey_map["id"], "future"), "state": "future", "basis": "planned",
        "counterpart": journey_map["id"], "version": "1.0.0",
        "title": both(
            "map.future_title",
            title={lang: say(journey_map["title"], lang)[0] for lang in LANGUAGES},
        ),
    }  # fmt: skip
    done: set[tuple[str, str]] = set()
    kept = {str(change["metric"]) for change in changes if change.get("metric")}
    for number, change in enumerate(changes, 1):
        kind = _require_change(journey_map, change, number)
        place = (change["lane"], change["at"])
        if place in done:
            raise JourneyError(
                f"plan_future: each cell must change once; change {number} is a second one of "
                f"lane '{place[0]}' at '{place[1]}'. Join the two."
            )
        done.add(place)
        _change(m, change, kind, number, kept)
    require_map(m, caller="plan_future")
    return m


def _require_change(m: dict[str, Any], change: dict[str, Any], number: int) -> str:
    """Check one change and return the kind of its lane."""
    for key in change:
        if key not in ALLOWED:
            _refuse(number, "key", key, ALLOWED)
    missing = [key for key in NEEDED if not change.get(key)]
    if missing:
        raise JourneyError(
            f"plan_future: every change must have {', '.join(NEEDED)}; change {number} has no "
            f"{', '.join(missing)}."
        )
    stages, lanes = ([x["id"] for x in m[name]] for name in ("stages", "lanes"))
    if change["at"] not in stages:
        _refuse(number, "stage", change["at"], stages)
    if change["lane"] not in lanes:
        _refuse(number, "lane", change["lane"], lanes)
    kind = str(next(x["kind"] for x in m["lanes"] if x["id"] == change["lane"]))
    metrics = [x["id"] for x in m.get("metrics", []) if x["at"] == change["at"]]
    if change.get("metric") and change["metric"] not in metrics:
        _refuse(number, "KPI of that stage", change["metric"], metrics)
    target = change.get("target")
    if target is None:
        return kind
    number_like = isinstance(target, int | float) and not isinstance(target, bool)
    if not number_like or not math.isfinite(target):
        raise JourneyError(
            f"plan_future: a target must be a number; change {number} has {target!r}."
        )
    if kind == "emotion-curve":
        if not -2 <= target <= 2:
            raise JourneyError(
                f"plan_future: a target of emotion must lie from -2 to 2; change {number} has "
                f"{target:g}."
            )
    elif not change.get("metric"):
        raise JourneyError(
            f"plan_future: a target must say of which KPI; change {number} has no 'metric'. "
            f"That stage has: {', '.join(metrics) or 'none'}."
        )
    return kind


def _refuse(number: int, thing: str, got: str, known: Sequence[str]) -> None:
    near = nearest(got, known)
    raise JourneyError(
        f"plan_future: {thing} must be one of {', '.join(known) or 'none there'}; change "
        f"{number} has '{got}'." + (f" Did you mean '{near}'?" if near else "")
    )


def _change(
    m: dict[str, Any], change: dict[str, Any], kind: str, number: int, kept: set[str]
) -> None:
    at, lane, target = change["at"], change["lane"], change.get("target")
    _clear(m, at, lane, kind, kept)
    items: list[dict[str, Any]] = [{"text": change["text"]}]
    if target is not None:
        unit = "emotion"
        if kind != "emotion-curve":
            metric = next(x for x in m["metrics"] if x["id"] == change["metric"])
            unit = metric.get("baseline", metric["value"]).get("unit", "score")
        items.append({"text": both("map.future_target"), "value": {"value": target, "unit": unit}})
    if target is not None and kind == "emotion-curve":
        m.setdefault("emotions", []).append(
            {"at": at, "value": {"value": target, "unit": "emotion"}, "x_target": True}
        )
    elif target is not None:
        metric = next(x for x in m["metrics"] if x["id"] == change["metric"])
        metric["target"] = target
    said = {lang: say(change["action"], lang)[0] for lang in LANGUAGES}
    items.append({"text": both("map.future_action", action=said)})
    if change.get("owner"):
        items.append({"text": both("map.future_owner", owner=change["owner"])})
    if change.get("due"):
        items.append({"text": both("map.future_due", date=change["due"])})
    m.setdefault("cells", []).append(
        {"lane": lane, "at": at, "level": "assumption", "items": items}
    )
    action = {
        "id": make_id("a", str(number), at, lane), "title": change["action"],
        "status": "proposed",
    } | {key: change[key] for key in ("owner", "due") if change.get(key)}  # fmt: skip
    if target is not None and change.get("metric"):
        metric = next(x for x in m["metrics"] if x["id"] == change["metric"])
        action["expected"] = {"metric": change["metric"], "to": target}
        before = metric.get("baseline", metric["value"]).get("value")
        action["expected"] |= {} if before is None else {"from": before}
    m.setdefault("actions", []).append(action)


def _clear(m: dict[str, Any], at: str, lane: str, kind: str, kept: set[str]) -> None:
    """Take away what a cell says today; KPIs that a change names keep it as their baseline."""
    m["cells"] = [c for c in m.get("cells", []) if (c["lane"], c["at"]) != (lane, at)]
    if kind in FINDING_OF:
        gone = {
            f["id"] for f in m.get("findings", []) if (f["kind"], f["at"]) == (FINDING_OF[kind], at)
        }
        m["findings"] = [
            f | ({"addresses": [k for k in f["addresses"] if k not in gone]}
                 if "addresses" in f else {})
            for f in m.get("findings", []) if f["id"] not in gone
        ]  # fmt: skip
    elif kind == "metrics":
        m["metrics"] = [x for x in m.get("metrics", []) if x["at"] != at or x["id"] in kept]
        for metric in m["metrics"]:
            if metric["at"] == at:
                today = metric["value"]
                metric |= {"baseline": today, "value": {"value": None, "why": "no-data"}}
                metric["value"]["unit"] = today.get("unit", "score")
                metric.pop("evidence", None)
    elif kind in LISTS:
        name = LISTS[kind]
        m[name] = [row for row in m.get(name, []) if row["at"] != at]
    elif kind == "flow":
        m["transitions"] = [t for t in m.get("transitions", []) if t["from"] != at]
        for stage in m["stages"]:
            if stage["id"] == at:
                stage.pop("entry", None)
                stage.pop("exit", None)
