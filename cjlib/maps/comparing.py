"""Two versions of a map side by side: what came, what went, and which numbers truly moved."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cjlib.intervals import estimate_difference
from cjlib.maps.changes import list_changed_words, make_row
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
        ``kind`` (stage, lane, persona, finding, action, cell, level, owner, goal, target,
        emotion, metric, gap, move); ``stage`` and ``what`` in words; ``change`` (added,
        removed, moved, renamed, changed); ``old, new``: numbers where the change is one of
        numbers (KPIs, emotion, gaps, moves, shares, targets), else missing;
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

    Stages, lanes, personas, findings and actions are matched by id; numbers by what they
    measure and where; one in another unit has no difference. Each difference has its own
    interval, from both sides' intervals (``estimate_difference``): that two intervals overlap
    says nothing. It takes the two sides as different people; where the new data hold the old
    ones it is too wide.

    Parameters
    ----------
    language : "en" or "fa"
        Of the words in the table.
    """
    require_map(old, caller="diff_maps (old)")
    require_map(new, caller="diff_maps (new)")
    names = {s["id"]: say(s["label"], language)[0] for m in (old, new) for s in m["stages"]}
    rows = list_changed_words(old, new, names, language=language)
    known = [{f["id"] for f in m.get("findings", [])} for m in (old, new)]
    compared, levels = 0, {0.95}
    for kind, read in READ:
        before, after = read(old, language), read(new, language)
        for key in [*before, *(k for k in after if k not in before)]:
            if kind == "finding" and not (key[1] in known[0] and key[1] in known[1]):
                continue  # came or went: told in words
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


Numbers = dict[tuple[str, str], tuple[str, dict[str, Any]]]  # (stage, what) to words, estimate


def _emotions(m: dict[str, Any], language: str) -> Numbers:
    found = [e for e in m.get("emotions", []) if e.get("view", "customer") == "customer"]
    several = len(m["personas"]) > 1
    names = {p["id"]: say(p["name"], language)[0] for p in m["personas"]}
    return {
        (e["at"], f"emotion {e.get('persona', '')}" if several else "emotion"): (
            f"emotion: {names.get(e.get('persona', ''), '')}" if several else "emotion", e["value"],
        )
        for e in found
    }  # fmt: skip


def _metrics(m: dict[str, Any], language: str) -> Numbers:
    metrics = m.get("metrics", [])
    places = [(x["at"], x["name"]) for x in metrics]
    return {
        (x["at"], x["id"]): (
            x["name"]
            if x["name"] in SHORT and places.count((x["at"], x["name"])) == 1
            else say(x.get("label") or x["name"], language)[0],
            x["value"],
        )
        for x in metrics
    }


def _gaps(m: dict[str, Any], language: str) -> Numbers:
    return {
        (a["at"], a["construct"]): (f"customers less team, {a['construct']}", a["gap"])
        for a in m.get("alignment", [])
        if "gap" in a
    }


def _moves(m: dict[str, Any], language: str) -> Numbers:
    """Read moves between stages, changes of channel, and the customers last seen at a stage."""
    found: Numbers = {}
    for t in m.get("transitions", []):
        if "p" not in t:
            continue
        if t.get("kind") == "channel-switch":
            pair = [say(t.get(f"{end}_channel", ""), language)[0] for end in ("from", "to")]
            found[t["from"], f"{t['to']} {pair}"] = (f"channel {' → '.join(pair)}", t["p"])
        else:
            found[t["from"], t["to"]] = (f"moves to {t['to']}", t["p"])
    for stage in m["stages"]:
        for leave in stage.get("exit", []):
            if "share" in leave:
                found[stage["id"], f"exit {leave['to']}"] = ("last seen", leave["share"])
    return found


def _findings(m: dict[str, Any], language: str) -> Numbers:
    """How many tell of a finding; what repeats a stage's emotion is told there."""
    found: Numbers = {}
    for f in m.get("findings", []):
        kept = f.get("value") or f.get("frequency")
        if kept and kept.get("unit") != "emotion":
            found[f["at"], f["id"]] = (f"{f['kind']}: {say(f['text'], language)[0]}", kept)
    return found


def _shares(m: dict[str, Any], language: str) -> Numbers:
    return {
        ("", p["id"]): (f"share of {say(p['name'], language)[0]}", p["share"])
        for p in m["personas"]
        if "share" in p
    }


def _items(m: dict[str, Any], language: str) -> Numbers:
    """Numbers that stand in the cells themselves, such as the share who use a touchpoint."""
    lanes = {x["id"]: say(x["label"], language)[0] for x in m["lanes"]}
    found: Numbers = {}
    for cell in m.get("cells", []):
        for item in cell.get("items", []):
            if isinstance(item, dict) and "text" in item and "value" in item:
                words = f"{lanes[cell['lane']]}: {say(item['text'], language)[0]}"
                found[cell["at"], f"{cell['lane']} {words}"] = (words, item["value"])
    return found


SHORT = ("csat", "ces", "nps", "conversion")  # KPIs called by their own name
READ = (
    ("emotion", _emotions), ("metric", _metrics), ("gap", _gaps), ("move", _moves),
    ("finding", _findings), ("persona", _shares), ("cell", _items),
)  # fmt: skip


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
    if not any(known) and not (kind == "cell" and (before is None) != (after is None)):
        return None
    nan = float("nan")
    row: dict[str, Any] = make_row(kind, stage, words, "changed") | {
        "old": was.estimate, "new": now.estimate, "difference": nan, "low": nan, "high": nan,
        "old_n": was.n or None, "new_n": now.n or None, "beyond_noise": None, "level": None,
    }  # fmt: skip
    if before is None or after is None or not all(known):
        return row | {"change": "added" if before is None or not known[0] else "removed"}
    if before[1].get("unit") != after[1].get("unit"):
        return row  # another measure: no difference can be told
    apart = now.estimate - was.estimate
    row |= {"difference": apart}
    if was.level == now.level and not math.isnan(was.low) and not math.isnan(now.low):
        found = estimate_difference(was, now)
        row |= {"low": found.low, "high": found.high, "level": found.level}
        row["beyond_noise"] = bool(found.low > 0 or found.high < 0)
    return row
