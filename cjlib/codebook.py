"""The codebook: what every survey column means, validated line by line."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import Path

from cjlib.definitions import Text
from cjlib.errors import Fault, nearest

KINDS = (
    "id", "customer", "date", "language", "weight", "duration", "scale", "number", "nominal",
    "tick", "multi", "codes", "text", "check", "consent", "personal", "ignore",
)  # fmt: skip
METRICS = ("", "nps", "csat", "ces")
ROLES = (
    "", "need", "pain", "behaviour", "attitude", "trust", "description", "outcome", "comment",
)  # fmt: skip
FIELDS = (
    "name", "source", "question_en", "question_fa", "kind", "scale", "low", "high", "reverse",
    "missing", "labels", "role", "group", "stage", "touchpoint", "metric", "check",
)  # fmt: skip
REQUIRED_FIELDS = ("name", "kind")
_WAVE_HEADER = re.compile(r"([a-z0-9][a-z0-9_-]*):\s*(?=\S)")  # the wave's id, then the header


@dataclass(frozen=True, slots=True)
class Item:
    """One survey column.

    Attributes
    ----------
    name : str
        The kit's own name for it; the column of the respondents table.
    source : tuple of str
        Headers it may have in the raw export, in order of preference; ``wave:header`` holds
        for that wave only and goes first. Empty: the name itself.
    question : Text
    kind : str
        One of ``KINDS``. ``tick``: one option of a multi-response ``group``, chosen or not;
        ``multi``: options of a group in one cell, parted by ``;``; ``codes``: one code of a
        coded comment.
    scale : str
        Family of scale words (agreement, satisfaction, ...) for worded answers; may be empty.
    low, high : float or None
        Ends of the scale or range, as coded in the export; anything outside becomes missing.
    reverse : bool
        A high answer means the opposite: recoded to ``low + high - answer``.
    missing : tuple of str
        Codes that mean "no answer".
    labels : dict of str to Text
        Code to label, for nominal items, options and comment codes.
    role : str
        What it says about a person: need, pain, behaviour, trust, description, outcome ...
    group : str
        Multi-response group or comment group it belongs to.
    stage, touchpoint : str
        What part of the journey it is about.
    metric : str
        nps, csat or ces where it is one of these.
    check : str
        The right answer of an attention check.
    line : int
        Line in codebook.csv.
    """

    name: str
    kind: str
    source: tuple[str, ...] = ()
    question: Text = field(default_factory=Text)
    scale: str = ""
    low: float | None = None
    high: float | None = None
    reverse: bool = False
    missing: tuple[str, ...] = ()
    labels: dict[str, Text] = field(default_factory=dict)
    role: str = ""
    group: str = ""
    stage: str = ""
    touchpoint: str = ""
    metric: str = ""
    check: str = ""
    line: int = 0

    def headers(self, wave: str) -> list[str]:
        """Return the raw headers to look for in ``wave``, the most specific first."""
        own = [header for name, header in self.wave_headers if name == wave]
        if own:
            return own
        plain = [s for s in self.source if not _WAVE_HEADER.match(s)]
        return plain or ([] if self.source else [self.name])

    @property
    def wave_headers(self) -> list[tuple[str, str]]:
        """Wave and header of each ``wave:header`` source; "Rate us: price" is a header alone."""
        return [(m[1], s[m.end() :]) for s in self.source if (m := _WAVE_HEADER.match(s))]


@dataclass(frozen=True, slots=True)
class Codebook:
    """All items, in file order."""

    items: tuple[Item, ...] = ()

    def __getitem__(self, name: str) -> Item:
        for item in self.items:
            if item.name == name:
                return item
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(item.name == name for item in self.items)

    def select(
        self, *, kind: str = "", role: str = "", metric: str = "", group: str = ""
    ) -> list[Item]:
        """Return the items that match every given property, in file order."""
        return [
            item
            for item in self.items
            if (not kind or item.kind == kind)
            and (not role or item.role == role)
            and (not metric or item.metric == metric)
            and (not group or item.group == group)
        ]

    def first(self, kind: str) -> Item | None:
        """Return the first item of a kind, or None."""
        return next((item for item in self.items if item.kind == kind), None)


def read_codebook(path: Path, *, shown: str = "") -> tuple[Codebook, list[Fault]]:
    """Read codebook.csv and list everything wrong with it.

    Parameters
    ----------
    path : Path
        A CSV with a header line and the columns ``FIELDS`` (only name and kind required).
        Lists inside a cell are parted by ``|``; labels are ``code=English/Persian`` or
        ``@file.csv`` (columns code, en, fa) beside the codebook.
    shown : str
        How faults name the file; its own name by default.

    Returns
    -------
    (Codebook, list of Fault)
        Rows with faults are left out of the codebook.
    """
    shown = shown or path.name
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return Codebook(), [Fault(shown, 0, "text that is not UTF-8", "a CSV saved as UTF-8")]
    reader = csv.DictReader(io.StringIO(text), strict=False)
    header = [str(h).strip() for h in reader.fieldnames or []]
    reader.fieldnames = header
    faults = [
        Fault(shown, 1, f"unknown column '{h}'", "one of " + ", ".join(FIELDS), nearest(h, FIELDS))
        for h in header
        if h not in FIELDS
    ]
    faults += [
        Fault(shown, 1, f"no column '{f}'", "a codebook with name and kind")
        for f in REQUIRED_FIELDS
        if f not in header
    ]
    if any(f not in header for f in REQUIRED_FIELDS):
        return Codebook(), faults
    items: list[Item] = []
    seen: dict[str, int] = {}
    for row in reader:
        item, wrong = _read_item(row, reader.line_num, path, shown)
        if item.name in seen and item.name:
            wrong.append(
                Fault(
                    shown,
                    item.line,
                    f"name '{item.name}' again (first on line {seen[item.name]})",
                    "each name once",
                )
            )
        seen.setdefault(item.name, item.line)
        faults += wrong
        if not wrong:
            items.append(item)
    return Codebook(tuple(items)), faults


def _read_item(
    row: dict[str, str | None], line: int, path: Path, shown: str
) -> tuple[Item, list[Fault]]:
    cell = {k: (v or "").strip() for k, v in row.items() if k and not isinstance(v, list)}
    faults: list[Fault] = []

    def choice(field_name: str, known: tuple[str, ...]) -> str:
        value = cell.get(field_name, "")
        if value not in known:
            expected = "one of " + ", ".join(k for k in known if k)
            found = f"{field_name} '{value}'" if value else f"an empty {field_name}"
            faults.append(Fault(shown, line, found, expected, nearest(value, known)))
        return value

    def number(field_name: str) -> float | None:
        value = cell.get(field_name, "")
        if not value:
            return None
        try:
            return float(value)
        except ValueError:
            faults.append(Fault(shown, line, f"{field_name} '{value}'", "a number"))
            return None

    name = cell.get("name", "")
    if not name:
        faults.append(Fault(shown, line, "an empty name", "a name for the column"))
    kind = choice("kind", KINDS)
    low, high = number("low"), number("high")
    if low is not None and high is not None and low >= high:
        faults.append(Fault(shown, line, f"low {low:g} and high {high:g}", "low below high"))
    metric, role = choice("metric", METRICS), choice("role", ROLES)
    if kind in ("scale", "check") and not cell.get("check") and (low is None or high is None):
        faults.append(
            Fault(shown, line, f"scale '{name}' without low and high", "both ends of the scale")
        )
    if metric == "nps" and not faults and (low, high) != (0.0, 10.0):
        faults.append(
            Fault(shown, line, f"NPS item '{name}' on {low:g} to {high:g}", "low 0 and high 10")
        )
    reverse = cell.get("reverse", "").casefold()
    if reverse not in ("", "0", "1", "yes", "no", "true", "false"):
        faults.append(Fault(shown, line, f"reverse '{reverse}'", "yes or no"))
    labels, wrong = _read_labels(cell.get("labels", ""), path, shown, line)
    faults += wrong
    item = Item(
        name=name, kind=kind, source=_parts(cell.get("source", "")),
        question=Text(cell.get("question_en", ""), cell.get("question_fa", "")),
        scale=cell.get("scale", ""), low=low, high=high,
        reverse=reverse in ("1", "yes", "true"), missing=_parts(cell.get("missing", "")),
        labels=labels, role=role, group=cell.get("group", ""), stage=cell.get("stage", ""),
        touchpoint=cell.get("touchpoint", ""), metric=metric, check=cell.get("check", ""),
        line=line,
    )  # fmt: skip
    return item, faults


def _parts(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split("|") if part.strip())


def _read_labels(
    cell: str, path: Path, shown: str, line: int
) -> tuple[dict[str, Text], list[Fault]]:
    if not cell.startswith("@"):
        labels = {}
        for part in _parts(cell):
            code, equals, label = part.partition("=")
            if not equals:
                return {}, [Fault(shown, line, f"label '{part}'", "code=English/Persian")]
            english, _, persian = label.partition("/")
            labels[code.strip()] = Text(english.strip(), persian.strip())
        return labels, []
    folder = path.parent.resolve()
    file = (folder / cell[1:]).resolve()
    if folder not in file.parents or not file.is_file():
        return {}, [Fault(shown, line, f"labels '{cell}'", "a CSV beside the codebook")]
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines))
    if not rows or "code" not in rows[0]:
        return {}, [Fault(file.name, 1, "no column 'code'", "the columns code, en, fa")]
    return {
        (r["code"] or "").strip(): Text((r.get("en") or "").strip(), (r.get("fa") or "").strip())
        for r in rows
    }, []
