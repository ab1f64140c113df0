"""A map as a reader sees it: the rows and cells of its table, in one language."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, urlsplit

from markupsafe import Markup

from cjlib.language import is_rtl
from cjlib.maps.curve import draw_level
from cjlib.maps.numbers import Voice
from cjlib.maps.words import say

FINDING_OF = {
    "pains": "pain", "strengths": "strength", "needs": "need", "opportunities": "opportunity",
}  # fmt: skip
SHOWN = 4  # lines of a cell in sight; the rest unfolds
UNBROKEN = "\u00a0"
STRONG = ("csat", "ces", "nps")  # KPIs with a phrase of their own


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its lines, those it folds away, how well it is founded, and its evidence.

    ``evidence``: of each piece its ``number`` in the appendix and its ``line`` in the cell;
    ``sources``: how many there are, in words.
    """

    stage: str
    lines: list[Markup]
    more: list[Markup]
    level: str
    mark: Markup
    word: str
    sources: str
    evidence: list[dict[str, Any]]
    rules: list[Markup]


@dataclass(frozen=True, slots=True)
class Row:
    """One lane of the map."""

    id: str
    label: Markup
    kind: str
    cells: list[Cell]


class MapView:
    """Turns a map into rows of cells; every piece of data is escaped."""

    def __init__(
        self, journey_map: dict[str, Any], voice: Voice, *, root: str | None = None
    ) -> None:
        self.map, self.voice, self.root = journey_map, voice, root
        self.anchor = ""  # before the ids of the appendix's rows, where there is one
        self._made: dict[str, dict[str, Any]] = {}
        self._cells: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for cell in journey_map.get("cells", []):
            self._cells.setdefault((cell["lane"], cell["at"]), []).append(cell)
        self.numbers = {e["id"]: i for i, e in enumerate(journey_map.get("evidence", []), 1)}
        self.entries = {e["id"]: e for e in journey_map.get("evidence", [])}

    def rows(self) -> list[Row]:
        """Return the lanes in order; each has one cell under each stage."""
        return [
            Row(
                lane["id"], self.voice.text(lane["label"]), lane["kind"],
                [self._cell(lane, stage["id"]) for stage in self.map["stages"]],
            )
            for lane in self.map["lanes"]
        ]  # fmt: skip

    def evidence(self) -> list[dict[str, Any]]:
        """Return the evidence as numbered rows for the appendix."""
        return [self._entry(key) for key in self.numbers]

    def items(self, items: list[Any], *, level: str = "assumption") -> list[Markup]:
        """Return map items (texts, or texts with a value or a quote) as lines.

        One that is only an assumption says so where its cell, of ``level``, is more than that.
        """
        return [
            self._mark(self._item(item))
            if level != "assumption" and isinstance(item, dict) and _is_guess(item)
            else self._item(item)
            for item in items
        ]

    def metrics(self, at: str) -> list[Markup]:
        """Return the KPIs of a stage, or of the whole journey, as lines."""
        mine = [m for m in self.map.get("metrics", []) if m["at"] == at]
        return [self._whose(m, self._metric(m)) for m in mine]

    def _whose(self, entry: dict[str, Any], line: Markup) -> Markup:
        """Say of which persona a line is, on a map of several."""
        if len(self.map["personas"]) < 2 or "persona" not in entry:
            return line
        name = next(p["name"] for p in self.map["personas"] if p["id"] == entry["persona"])
        return Markup("<b>{}</b>: {}").format(self.voice.text(name), line)

    def _mark(self, line: Markup) -> Markup:
        """Mark a line as an assumption, by its sign and in words."""
        return Markup('{} <small class="guess">{} {}</small>').format(
            line, draw_level("assumption"), self.voice.words("level_assumption")
        )

    def _cell(self, lane: dict[str, Any], stage: str) -> Cell:
        found = self._cells.get((lane["id"], stage), [])
        lines: list[Markup] = []
        for cell in found:
            own = [self.voice.text(cell["text"])] if cell.get("text") else []
            own += self.items(cell.get("items", []), level=cell.get("level", "assumption"))
            lines += [self._whose(cell, line) for line in own]
        more, rules, keys, levels = self._from_lists(lane["kind"], stage)
        lines = _once([*more, *lines] if lane["kind"] == "emotion-curve" else [*lines, *more])
        keys = [k for cell in found for k in cell.get("evidence", [])] + keys
        levels = [c["level"] for c in found if c.get("level")] or levels
        cut = SHOWN if len(lines) > SHOWN + 1 else len(lines)
        level = levels[0] if levels else "assumption"
        order = sorted(set(keys) & set(self.entries), key=self.numbers.__getitem__)
        return Cell(
            stage, lines[:cut], lines[cut:], level, draw_level(level),
            self.voice.words(f"level_{level}"),
            self.voice.words("sources", count=len(order)) if order else "",
            [self._entry(key) for key in order], _once(rules),
        )  # fmt: skip

    def _from_lists(
        self, kind: str, stage: str
    ) -> tuple[list[Markup], list[Markup], list[str], list[str]]:
        """Lines, rules, evidence and levels that the map's lists give a lane at a stage."""
        if kind in FINDING_OF:
            here = [f for f in self._here("findings", stage) if f["kind"] == FINDING_OF[kind]]
            order = ("validated", "partial", "assumption")
            levels = sorted((f["level"] for f in here if f.get("level")), key=order.index)
            rules = [self.voice.text(f["rule"]) for f in here if f.get("rule")]
            said = [
                self._mark(self._finding(f))
                if _is_guess(f) and levels[0] != "assumption" else self._finding(f)
                for f in here
            ]  # fmt: skip
            said = [self._whose(f, line) for f, line in zip(here, said, strict=True)]
            return said, rules, _keys(here), levels
        lines: list[Markup] = []
        here = []
        if kind == "emotion-curve":
            here = self._here("emotions", stage)
            lines = [self._whose(e, self.voice.estimate(e["value"])) for e in here]
        elif kind == "metrics":
            here, lines = self._here("metrics", stage), self.metrics(stage)
        elif kind == "alignment-gap":
            here = self._here("alignment", stage)
            lines = [line for row in here for line in self._belief(row)]
        elif kind == "flow":
            lines = self._flow(stage)
        return lines, [], _keys(here), []

    def _here(self, name: str, stage: str) -> list[dict[str, Any]]:
        return [row for row in self.map.get(name, []) if row["at"] == stage]

    def _item(self, item: Any) -> Markup:
        if not isinstance(item, dict) or "text" not in item:
            return self.voice.text(item)
        text = self.voice.text(item["text"])
        if item.get("quote"):
            said, language = say(item["text"], self.voice.language)
            way = {"": "auto"}.get(language, "rtl" if is_rtl(language) else "ltr")
            quoted = Markup('<q lang="{}" dir="{}">{}</q>').format(language, way, said)
            by = Markup(" <cite><bdi>{}</bdi></cite>").format(item.get("by", ""))
            return quoted + (by if item.get("by") else Markup(""))
        if "value" in item:
            return Markup(f"{text} {self.voice.estimate(item['value'])}")  # both are markup
        return text

    def _finding(self, finding: dict[str, Any]) -> Markup:
        text = self.voice.text(finding["text"])
        value = finding.get("value") or finding.get("frequency")
        return Markup(f"{text} {self.voice.estimate(value)}") if value else text

    def _metric(self, metric: dict[str, Any]) -> Markup:
        plain = self.voice.words(metric["name"]) if metric["name"] in STRONG else metric["name"]
        name = self.voice.text(metric.get("label") or plain)
        line = Markup("<b>{}</b> {}").format(name, self.voice.estimate(metric["value"]))
        if "target" not in metric:
            if metric["value"].get("why") != "no-data":
                return line
            open_ = self.voice.words("target_open")
            return Markup('{} <small class="target">{}</small>').format(line, open_)
        unit = str(metric["value"].get("unit", "score"))
        places = 0 if unit == "share" or float(metric["target"]).is_integer() else 1
        number = self.voice.number(float(metric["target"]), unit=unit, decimals=places)
        shown = Markup('<bdi dir="ltr">{}</bdi>').format(number)
        words = Markup.escape(self.voice.words("target", value="{}")).format(shown)
        return Markup('{} <small class="target">{}</small>').format(line, words)

    def _belief(self, row: dict[str, Any]) -> list[Markup]:
        voice = self.voice
        lines = [
            Markup("{} {}").format(voice.words("team_says"), voice.estimate(row["business"])),
            Markup("{} {}").format(voice.words("customers_say"), voice.estimate(row["customer"])),
        ]
        if "gap" in row:
            gap = {k: v for k, v in row["gap"].items() if k != "n"} | {"unit": "points"}
            real = row.get("significant", _off_zero(gap))
            said = voice.words("gap_real" if real else "gap_noise")
            lines.append(
                Markup('<span class="{}"><b>{}</b> {} — {}</span>').format(
                    "real" if real else "noise", voice.words("gap"), voice.estimate(gap), said
                )
            )
        return lines

    def _flow(self, stage: str) -> list[Markup]:
        voice = self.voice
        own = next(s for s in self.map["stages"] if s["id"] == stage)
        names = {s["id"]: voice.text(s["label"]) for s in self.map["stages"]}
        names["end"] = Markup.escape(voice.words("end"))
        pairs: list[tuple[Any, dict[str, Any] | None]] = [
            (Markup.escape(voice.words("begin_here")), e.get("share"))
            for e in own.get("entry", []) if "share" in e or e["from"] == "start"
        ]  # fmt: skip
        for kind, key in (("forward", "goes_to"), ("skip", "goes_to"), ("loop", "goes_back")):
            for move in self.map.get("transitions", []):
                if move["from"] == stage and move.get("kind") == kind and "p" in move:
                    name = names.get(move["to"]) or Markup.escape(move["to"])
                    words = Markup.escape(voice.words(key, stage="{}")).format(name)
                    pairs.append((words, move["p"]))
        for move in self.map.get("transitions", []):
            if (move["from"], move.get("kind")) == (stage, "channel-switch") and "p" in move:
                ends = [voice.text(move.get(f"{end}_channel", "")) for end in ("from", "to")]
                words = Markup.escape(voice.words("switches", one="{}", two="{}"))
                pairs.append((words.format(*ends), move["p"]))
        for leave in own.get("exit", []):
            if leave.get("reason"):
                words = Markup.escape(voice.words("leaves", why="{}"))
                pairs.append((words.format(voice.text(leave["reason"])), leave.get("share")))
            elif "share" in leave:
                pairs.append((Markup.escape(voice.words("last_seen")), leave["share"]))
        return [
            words if p is None else Markup("{} {}").format(words, voice.estimate(p))
            for words, p in pairs
        ]

    def _entry(self, key: str) -> dict[str, Any]:
        """Return a piece of evidence as a reader sees it; made once."""
        if key not in self._made:
            made = self._read_entry(key)
            self._made[key] = made | {"line": self._line(made)}
        return self._made[key]

    def _line(self, e: dict[str, Any]) -> Markup:
        """Return a piece of evidence as one line of a cell."""
        parts = [Markup("{}: <bdi>{}</bdi>").format(e["type"], e["source"])]
        if self.anchor:
            parts.insert(0, Markup('<a href="#{}{}">{}</a>.').format(
                self.anchor, e["id"], e["number"]
            ))  # fmt: skip
        parts += [Markup("— {}").format(e["text"])] if e["text"] else []
        parts += [Markup("({})").format(e["method"])] if e["method"] else []
        if e["n"]:
            n = self.voice.words("column_n")
            parts.append(Markup("<bdi>{} = {}</bdi>").format(n, e["n"]))
        if e["link"]:
            file = e["file"] or e["uri"]
            parts.append(Markup('<a href="{}"><bdi dir="ltr">{}</bdi></a>').format(e["link"], file))
        return Markup(" ").join(parts)

    def _read_entry(self, key: str) -> dict[str, Any]:
        entry, voice = self.entries[key], self.voice
        kind = entry["type"]
        known = ("survey", "interview", "quote", "event-log", "document", "team", "review")
        period = entry.get("collected", {})
        days = [voice.day(period[end]) for end in ("from", "to") if end in period]
        return {
            "id": key, "number": self.voice.count(self.numbers[key]),
            "type": voice.words(f"type_{kind}") if kind in known else kind,
            "source": entry["source"],
            "text": voice.text(entry["text"]) if entry.get("text") else "",
            "method": voice.text(entry["method"]) if entry.get("method") else "",
            "rows": entry.get("row_ref", ""), "uri": entry.get("uri", ""),
            "link": link_to(entry.get("uri", ""), self.root),
            "file": PurePosixPath(entry.get("uri", "")).name,
            "n": voice.count(entry["n"]) if "n" in entry else "", "period": " – ".join(days),
        }  # fmt: skip


def plain_line(line: Markup) -> str:
    """Return a line without its markup, numbers kept whole and left-to-right by characters."""

    def keep(found: re.Match[str]) -> str:
        return f"\u202a{found[1].replace(' ', UNBROKEN)}\u202c"

    kept = re.sub(r'<bdi dir="ltr"[^>]*>(.*?)</bdi>', keep, str(line))
    kept = re.sub(r"(?<=<bdi>)[^<>]* = [^<>]*(?=</bdi></small>)",
                  lambda n: n[0].replace(" ", UNBROKEN), kept)  # fmt: skip
    kept = re.sub(r'<small class="guess">.*?</svg> *(.*?)</small>', r"(\1)", kept)
    return html.unescape(re.sub(r"<[^>]*>", "", kept))


def link_to(uri: str, root: str | None) -> str:
    """Return the address a page may link to for a piece of evidence, or "" for none.

    Web addresses (http, https) as they are; a path below the results folder only where the
    page knows its way there. Whatever could run or leave that folder is no link.
    """
    if re.search(r"[\x00-\x20\\]", uri.strip()) or not uri.strip():
        return ""
    try:
        parts = urlsplit(uri.strip())
    except ValueError:
        return ""
    if parts.scheme in ("http", "https") and parts.netloc:
        return quote(uri.strip(), safe=":/?#[]@!$&'()*+,;=%-._~")
    path = PurePosixPath(parts.path)
    inside = not path.is_absolute() and ".." not in path.parts and ":" not in parts.path
    if root is None or parts.scheme or parts.netloc or not parts.path or not inside:
        return ""
    return quote(str(PurePosixPath(root) / path))


def _is_guess(entry: dict[str, Any]) -> bool:
    return entry.get("level") == "assumption"


def _keys(rows: list[dict[str, Any]]) -> list[str]:
    return [key for row in rows for key in row.get("evidence", [])]


def _once(lines: list[Markup]) -> list[Markup]:
    return list(dict.fromkeys(lines))


def _off_zero(kept: dict[str, Any]) -> bool:
    ci = kept.get("ci")
    return bool(ci and (ci["lo"] > 0 or ci["hi"] < 0))
