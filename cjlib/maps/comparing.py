"""Two versions of a map side by side: what came, what went, and which numbers truly moved."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cjlib.intervals import estimate_difference
from cjlib.maps.checking import require_map
from cjlib.maps.estimates import read_estimate
from cjlib.maps.words import say

COLUMNS = (
    "kind", "stage", "what", "change", "old", "new", "difference", "low", "high",
    "old_n", "new_n", "beyond_noise",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class MapChanges:
    """What ``diff_maps`` found.

    Attributes
    ----------
    table : DataFrame, one row per change
        ``kind`` (stage, lane, persona, finding, level, owner, emotion, metric, gap, move);
        ``stage`` and ``what`` in words; ``change`` (added, removed, moved, renamed, changed);
        ``old, new``: numbers for emotion, metric, gap and move, else missing;
        ``difference, low, high``: new less old, with its interval; ``beyond_noise``: True
        where the interval does not hold 0, missing where there is none.
    level : float
        Coverage of the intervals, 0 to 1.
    compared : int
        Pairs of numbers compared, changed or not.
    """

    table: pd.DataFrame
    level: float
    compared: int

    def kinds(self) -> set[str]:
        """Return the kinds of change there are."""
        return set(self.table["kind"])

    def summary(self) -> str:
        """Return the changes in one sentence, and how many chance alone would bring."""
        t = self.table
        if t.empty:
            return "Nothing changed."
        came = t[t["change"].isin(["added", "removed"])]
        counts = (came["kind"] + " " + came["change"]).value_counts().sort_index()
        parts = [f"{n} {what}" for what, n in counts.items()]
        real = int(t["beyond_noise"].eq(True).sum())
        if self.compared:
            chance = self.compared * (1 - self.level)
            parts.append(
                f"{real} of {self.compared} numbers moved beyond noise "
                f"(chance alone would move about {chance:.1f})"
            )
        others = t[~t["change"].isin(["added", "removed"]) & t["difference"].isna()]
        if len(others):
            parts.append(f"{len(others)} other changes")
        return "; ".join(parts).capitalize() + "."


def diff_maps(old: dict[str, Any], new: dict[str, Any], *, language: str = "en") -> MapChanges:
    """List what changed from one map to another, in the terms of the field.

    Stages, lanes, personas and findings are matched by id; numbers by what they measure and
    where. Each difference has its own interval, from both sides' intervals
    (``estimate_difference``): that two intervals overlap says nothing. It takes the two
    sides as different people; where the new data hold the old ones it is too wide.

    Parameters
    ----------
    language : "en" or "fa"
        Of the words in the table.
    """
    require_map(old, caller="diff_maps (old)")
    require_map(new, caller="diff_maps (new)")
    names = {s["id"]: say(s["label"], language)[0] for m in (old, new) for s in m["stages"]}
    rows = [
        *_things(old, new, ("stages", "stage"), names, language=language),
        *_order(old, new, names),
        *_things(old, new, ("lanes", "lane"), names, language=language),
        *_things(old, new, ("personas", "persona"), names, language=language),
        *_things(old, new, ("findings", "finding"), names, language=language),
        *_levels(old, new, names, language),
        *_owners(old, new, names),
    ]
    compared, levels = 0, {0.95}
    for kind, read in (
        ("emotion", _emotions), ("metric", _metrics), ("gap", _gaps), ("move", _moves),
    ):  # fmt: skip
        before, after = read(old, language), read(new, language)
        for key in [*before, *(k for k in after if k not in before)]:
            stage = names.get(key[0], key[0])
            row = _numbers(kind, stage, before.get(key), after.get(key))
            if row is None:
                continue
            compared += int(not math.isnan(row["difference"]))
            if row["change"] != "changed" or row["difference"] != 0:
                rows.append(row)
            levels |= {row.pop("level")} - {None}
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return MapChanges(
        table.astype({"beyond_noise": "boolean", "old_n": "Int64", "new_n": "Int64"}),
        max(levels) if len(levels) == 1 else max(levels - {0.95}), compared,
    )  # fmt: skip


def _row(kind: str, stage: str, what: str, change: str) -> dict[str, Any]:
    return {"kind": kind, "stage": stage, "what": what, "change": change}


def _things(
    old: dict[str, Any],
    new: dict[str, Any],
    listed: tuple[str, str],
    names: dict[str, str],
    *,
    language: str,
) -> list[dict[str, Any]]:
    name, kind = listed
    before = {x["id"]: x for x in old.get(name, [])}
    after = {x["id"]: x for x in new.get(name, [])}
    rows = []
    for key in [*before, *(k for k in after if k not in before)]:
        thing = after.get(key) or before[key]
        words = say(thing.get("label") or thing.get("name") or thing.get("text"), language)[0]
        what = f"{thing['kind']}: {words}" if kind == "finding" else words
        stage = names[key] if kind == "stage" else names.get(thing.get("at", ""), "")
        if key not in after:
            rows.append(_row(kind, stage, what, "removed"))
        elif key not in before:
            rows.append(_row(kind, stage, what, "added"))
        elif kind != "finding":
            was = before[key].get("label") or before[key].get("name")
            if was != (thing.get("label") or thing.get("name")):
                rows.append(_row(kind, stage, f"{say(was, language)[0]} → {words}", "renamed"))
    return rows


def _order(old: dict[str, Any], new: dict[str, Any], names: dict[str, str]) -> list[dict[str, Any]]:
    after = [s["id"] for s in new["stages"]]
    before = [s["id"] for s in old["stages"] if s["id"] in after]
    shared = [key for key in after if key in before]
    return [
        _row(
            "stage", names[key], f"place {before.index(key) + 1} → {shared.index(key) + 1}", "moved"
        )
        for key in shared
        if before.index(key) != shared.index(key)
    ]


def _levels(
    old: dict[str, Any], new: dict[str, Any], names: dict[str, str], language: str
) -> list[dict[str, Any]]:
    lanes = {x["id"]: say(x["label"], language)[0] for m in (old, new) for x in m["lanes"]}

    def levels(m: dict[str, Any]) -> dict[tuple[str, str], str]:
        return {(c["at"], c["lane"]): c["level"] for c in m.get("cells", []) if c.get("level")}

    before, after = levels(old), levels(new)
    return [
        _row("level", names.get(at, at), f"{lanes[lane]}: {was} → {after[at, lane]}", "changed")
        for (at, lane), was in before.items()
        if after.get((at, lane), was) != was
    ]


def _owners(
    old: dict[str, Any], new: dict[str, Any], names: dict[str, str]
) -> list[dict[str, Any]]:
    before = {s["id"]: s.get("team", "") for s in old["stages"]}
    return [
        _row("owner", names[s["id"]], f"{before[s['id']]} → {s.get('team', '')}", "changed")
        for s in new["stages"]
        if s["id"] in before and before[s["id"]] != s.get("team", "")
    ]


Numbers = dict[tuple[str, str], tuple[str, dict[str, Any]]]  # (stage, what) to words, estimate


def _emotions(m: dict[str, Any], language: str) -> Numbers:
    found = [e for e in m.get("emotions", []) if e.get("view", "customer") == "customer"]
    return {(e["at"], "emotion"): ("emotion", e["value"]) for e in found}


def _metrics(m: dict[str, Any], language: str) -> Numbers:
    return {
        (x["at"], x["id"]): (
            x["name"] if x["name"] in ("csat", "ces", "nps", "conversion")
            else say(x.get("label") or x["name"], language)[0],
            x["value"],
        )
        for x in m.get("metrics", [])
    }  # fmt: skip


def _gaps(m: dict[str, Any], language: str) -> Numbers:
    return {
        (a["at"], a["construct"]): (f"customers less team, {a['construct']}", a["gap"])
        for a in m.get("alignment", [])
        if "gap" in a
    }


def _moves(m: dict[str, Any], language: str) -> Numbers:
    return {
        (t["from"], t["to"]): (f"moves to {t['to']}", t["p"])
        for t in m.get("transitions", [])
        if "p" in t
    }


def _numbers(
    kind: str,
    stage: str,
    before: tuple[str, dict[str, Any]] | None,
    after: tuple[str, dict[str, Any]] | None,
) -> dict[str, Any] | None:
    words = (after or before or ("", {}))[0]
    was = read_estimate(before[1] if before else {})
    now = read_estimate(after[1] if after else {})
    known = (not math.isnan(was.estimate), not math.isnan(now.estimate))
    if not any(known):
        return None
    nan = float("nan")
    row: dict[str, Any] = _row(kind, stage, words, "changed") | {
        "old": was.estimate, "new": now.estimate, "difference": nan, "low": nan, "high": nan,
        "old_n": was.n or None, "new_n": now.n or None, "beyond_noise": None, "level": None,
    }  # fmt: skip
    if not all(known):
        return row | {"change": "added" if known[1] else "removed"}
    apart = now.estimate - was.estimate
    row |= {"difference": apart}
    if was.level == now.level and not math.isnan(was.low) and not math.isnan(now.low):
        found = estimate_difference(was, now)
        row |= {"low": found.low, "high": found.high, "level": found.level}
        row["beyond_noise"] = bool(found.low > 0 or found.high < 0)
    return row
