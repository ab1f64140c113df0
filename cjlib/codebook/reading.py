"""Reading codebook.csv: everything wrong with it, line by line."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from cjlib.codebook.items import (
    ASKABLE,
    FIELDS,
    KINDS,
    METRICS,
    MIDPOINT,
    REQUIRED_FIELDS,
    ROLES,
    WAVE_PREFIX,
    YES_NO,
    Codebook,
    Condition,
    Item,
    take_literally,
)
from cjlib.definitions import Text
from cjlib.errors import Fault, nearest

_RECODE = re.compile(r"([a-z0-9][a-z0-9_-]*):\s*([^=>]+?)\s*>\s*(.+)")  # wave:code>code
_CONDITION = re.compile(r"\s*([^=!]+?)\s*(!?=)\s*(.+?)\s*")


def read_codebook(path: Path, *, shown: str = "") -> tuple[Codebook, list[Fault]]:
    r"""Read codebook.csv and list everything wrong with it.

    Parameters
    ----------
    path : Path
        A CSV with a header line and the columns ``FIELDS`` (only name and kind required).
        Lists inside a cell are parted by ``|``; labels are ``code=English/Persian`` or
        ``@file.csv`` (columns code, en, fa) beside the codebook, and ``wave:code>code``
        where a wave coded them otherwise; ``asked_if`` is ``item=code|code`` or
        ``item!=code|code``, several joined by ``&``. A backslash before ``| / = : + - @``
        takes the sign itself: ``Gay\/Bisexual`` is one label, ``q1\: age`` one header.
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
    faults += [fault for item in items for fault in _find_route_faults(item, items, seen, shown)]
    return Codebook(tuple(items)), faults


def _find_route_faults(
    item: Item, items: list[Item], seen: dict[str, int], shown: str
) -> list[Fault]:
    """Conditions on unknown items or codes, and questions that wait for themselves."""
    known = {other.name: other for other in items}
    faults = []
    for rule in item.asked_if:
        other = known.get(rule.item)
        if other is None or other.kind not in ASKABLE:
            if rule.item not in seen or other is not None:
                found = f"asked_if '{rule}' on " + (
                    f"'{rule.item}' of kind {other.kind}" if other else "an unknown item"
                )
                names = [other.name for other in items if other.kind in ASKABLE]
                expected = "an item of kind " + ", ".join(ASKABLE)
                near = nearest(rule.item, names) if other is None else ""
                faults.append(Fault(shown, item.line, found, expected, near))
            continue
        for code in rule.codes:
            expected, codes = _known_codes(code, other)
            if expected:
                found = f"asked_if '{rule}': code '{code}' is none of '{other.name}'"
                faults.append(Fault(shown, item.line, found, expected, nearest(code, codes)))
    waits, ahead = set[str](), [rule.item for rule in item.asked_if]
    while ahead:
        name = ahead.pop()
        if name not in waits:
            waits.add(name)
            ahead += [rule.item for rule in known[name].asked_if] if name in known else []
    if item.name in waits:
        found = f"asked_if of '{item.name}' leads back to '{item.name}'"
        faults.append(Fault(shown, item.line, found, "a question before this one"))
    return faults


def _known_codes(code: str, item: Item) -> tuple[str, list[str]]:
    """Return what to write instead of a code that ``item`` cannot take; "" where it can."""
    codes = [*item.labels, *item.missing, *(own for _, own in item.wave_missing)]
    if code in codes:
        return "", codes
    if item.kind in ("tick", "consent"):
        return ("" if code.casefold() in YES_NO else "yes or no"), codes
    if item.kind in ("scale", "number"):
        ends = f"{item.low} to {item.high}".replace("None", "any")
        try:
            number = float(code)
        except ValueError:
            return f"a number from {ends}", codes
        low = item.low is None or number >= item.low
        high = item.high is None or number <= item.high
        return ("" if low and high else f"a number from {ends}"), codes
    return (f"one of {', '.join(codes)}" if item.labels else ""), codes


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
    if reverse not in ("", *YES_NO):
        faults.append(Fault(shown, line, f"reverse '{reverse}'", "yes or no"))
    unit, scale = cell.get("unit", ""), cell.get("scale", "")
    if (kind == "money") != bool(unit):
        found = f"unit '{unit}' on kind {kind}" if unit else f"money item '{name}' without unit"
        faults.append(Fault(shown, line, found, "a unit (toman, rial, ...) on money, only there"))
    if kind in ("number", "money") and scale not in ("", MIDPOINT):
        expected = f"{MIDPOINT} or nothing for kind {kind}"
        near = nearest(scale, [MIDPOINT])
        faults.append(Fault(shown, line, f"scale '{scale}'", expected, near))
    labels, recodes, wrong = _read_labels(cell.get("labels", ""), path, shown, line)
    asked_if, unread = _read_conditions(cell.get("asked_if", ""), shown, line)
    faults += [*wrong, *unread]
    missing = [(WAVE_PREFIX.match(code), code) for code in _parts(cell.get("missing", ""))]
    item = Item(
        name=name, kind=kind, source=_parts(cell.get("source", "")),
        question=Text(cell.get("question_en", ""), cell.get("question_fa", "")),
        scale=scale, low=low, high=high, reverse=YES_NO.get(reverse, False),
        missing=tuple(take_literally(code) for own, code in missing if not own),
        wave_missing=tuple(
            (own[1], take_literally(code[own.end() :])) for own, code in missing if own
        ),
        labels=labels, recodes=recodes, asked_if=asked_if, unit=unit, role=role,
        group=cell.get("group", ""), stage=cell.get("stage", ""),
        touchpoint=cell.get("touchpoint", ""), metric=metric, check=cell.get("check", ""),
        line=line,
    )  # fmt: skip
    for wave, codes in recodes.items():
        for raw, code in codes.items():
            expected, known = _known_codes(code, item)
            if expected:
                found = f"label '{wave}:{raw}>{code}'"
                faults.append(Fault(shown, line, found, expected, nearest(code, known)))
    return item, faults


def _parts(cell: str) -> tuple[str, ...]:
    """Split at each ``|`` that no backslash precedes; the parts keep their backslashes."""
    found = re.findall(r"(?:\\.|[^|\\]|\\\Z)+", cell, re.DOTALL)
    return tuple(part for raw in found if (part := raw.strip()))


def _read_conditions(cell: str, shown: str, line: int) -> tuple[tuple[Condition, ...], list[Fault]]:
    if not cell:
        return (), []
    found = [(part, _CONDITION.fullmatch(part)) for part in cell.split("&")]
    wrong = [part.strip() for part, match in found if not match]
    expected = "item=code|code or item!=code, several joined by &"
    return (
        tuple(
            Condition(m[1], tuple(map(take_literally, _parts(m[3]))), m[2] == "=")
            for _, m in found
            if m
        ),
        [Fault(shown, line, f"asked_if '{part}'", expected) for part in wrong],
    )


def _read_labels(
    cell: str, path: Path, shown: str, line: int
) -> tuple[dict[str, Text], dict[str, dict[str, str]], list[Fault]]:
    labels: dict[str, Text] = {}
    recodes: dict[str, dict[str, str]] = {}
    faults: list[Fault] = []
    for part in _parts(cell):
        code, equals, label = _halve(part, "=")
        english, _, persian = _halve(label, "/")
        recode = _RECODE.fullmatch(part)
        if part.startswith("@"):
            more, wrong = _read_label_file(part, path, shown, line)
            labels |= more
            faults += wrong
        elif recode:
            recodes.setdefault(recode[1], {})[recode[2]] = recode[3]
        elif equals:
            words = (take_literally(half.strip()) for half in (english, persian))
            labels[take_literally(code.strip())] = Text(*words)
        else:
            expected = "code=English/Persian or wave:code>code"
            faults.append(Fault(shown, line, f"label '{part}'", expected))
    return labels, recodes, faults


def _halve(text: str, sign: str) -> tuple[str, str, str]:
    """Part at the first ``sign`` that no backslash precedes, as ``str.partition`` does."""
    found = re.match(rf"((?:\\.|[^{sign}\\])*){sign}(.*)", text, re.DOTALL)
    return (found[1], sign, found[2]) if found else (text, "", "")


def _read_label_file(
    cell: str, path: Path, shown: str, line: int
) -> tuple[dict[str, Text], list[Fault]]:
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
