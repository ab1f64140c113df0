"""The CSV of believed personas: every row a rule on one item, every fault with its line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from cjlib.codebook import YES_NO, Codebook, Item
from cjlib.columns import require_columns
from cjlib.definitions import Text
from cjlib.errors import Fault, MissingSourceError, StudyError, nearest
from cjlib.language import parse_number
from cjlib.personas.clustering import Floats
from cjlib.personas.variables import to_numbers
from cjlib.sheets import Sheet, read_sheet
from cjlib.study import Study

COLUMNS: Final = ("name_en", "name_fa", "item", "rule")
NUMERIC: Final = ("scale", "number", "money")
CODED: Final = ("nominal", "language")
YES: Final = ("tick", "consent")
ORDER: Final = (">=", "<=", ">", "<")
_RULE: Final = re.compile(r"(>=|<=|!=|=|>|<|≥|≤|≠)\s*(.+)")
_SAME: Final = {"≥": ">=", "≤": "<=", "≠": "!="}


@dataclass(frozen=True, slots=True)
class Line:
    """One rule on one item.

    Attributes
    ----------
    item : str
        Codebook name; for an item of kind multi, ``column`` is the option's column.
    column : str
    sign : str
        ``>=, <=, >, <, =`` or ``!=``.
    number : float
        What a rating or number is compared with; 1 for yes and 0 for no.
    codes : tuple of str
        What a nominal answer is one of; empty for numbers.
    line : int
        Line in the file.
    """

    item: str
    column: str
    sign: str
    number: float
    codes: tuple[str, ...]
    line: int

    def hold(self, respondents: pd.DataFrame) -> Floats:
        """1 for people of whom it holds, 0 for others, missing where not answered."""
        require_columns(respondents, [self.column], caller="compare_believed")
        answers = respondents[self.column]
        if self.codes:
            text = answers.astype("string")
            hit = text.isin(self.codes).to_numpy(dtype=bool)
            hit = hit if self.sign == "=" else ~hit
            return np.where(text.isna(), np.nan, hit).astype(np.float64)
        x: Floats = to_numbers(answers).to_numpy(dtype=np.float64)
        compare = {
            ">=": np.greater_equal, "<=": np.less_equal, ">": np.greater, "<": np.less,
            "=": np.equal, "!=": np.not_equal,
        }[self.sign]  # fmt: skip
        return np.where(np.isnan(x), np.nan, compare(x, self.number)).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Belief:
    """A persona the team believes in: all of its lines together.

    ``id`` is "believed-1" for the first in the file, and so on.
    """

    id: str
    name: Text
    lines: tuple[Line, ...]


def read_believed_personas(study: Study) -> tuple[Belief, ...]:
    """Read the personas a team believes in, as written down before the research.

    One row is one rule: ``name_en, name_fa`` (one may be empty), ``item`` (a codebook name)
    and ``rule``: ``>=4``, ``<3``, ``=5``, ``!=5`` for ratings, numbers and money; ``=code``,
    ``=code|code`` or ``!=code`` for nominal items and options of a multiple answer; ``=yes`` or
    ``=no`` for ticks. Rules are about answers as the respondents table holds them: reversed items
    turned round. Rows of one name are one persona, and all of them must hold.

    Raises
    ------
    MissingSourceError
        If study.yaml names no ``personas.believed``.
    StudyError
        With every fault in the file, each with its line.
    """
    if not study.personas.believed:
        raise MissingSourceError(
            f"read_believed_personas: the study '{study.id}' must name the file of believed "
            "personas; study.yaml has no 'believed' under 'personas'. Add it, or skip this step."
        )
    sheet, beliefs = _read(study)
    sheet.raise_faults(caller="read_believed_personas")
    return beliefs


def check_believed(study: Study) -> list[Fault]:
    """List every fault in the file of believed personas; a study without one has none."""
    name = study.personas.believed
    if not name or not any((folder / name).is_file() for folder in (study.raw, study.path)):
        return []
    try:
        return _read(study)[0].faults
    except StudyError as error:
        return list(error.faults)


def _read(study: Study) -> tuple[Sheet, tuple[Belief, ...]]:
    name = study.personas.believed
    sheet = read_sheet(study.file(name), columns=COLUMNS, required=("item", "rule"), shown=name)
    names: dict[str, Text] = {}
    lines: dict[str, list[Line]] = {}
    for line, cells in sheet:
        key = cells["name_en"] or cells["name_fa"]
        if not key:
            sheet.fault(line, "no name_en and no name_fa", "a name in every row")
        known = names.setdefault(key, Text(cells["name_en"], cells["name_fa"]))
        if cells["name_fa"] and known.fa and known.fa != cells["name_fa"]:
            found = f"name_fa '{cells['name_fa']}' beside '{key}'"
            sheet.fault(line, found, f"'{known.fa}', as in the rows above", known.fa)
        if cells["name_fa"] and not known.fa:
            names[key] = Text(known.en, cells["name_fa"])
        rule = _read_line(sheet, line, cells, study.codebook)
        if rule is None:
            continue
        own = lines.setdefault(key, [])
        _find_clash(sheet, own, rule, key)
        own.append(rule)
    if not sheet.rows and not sheet.faults:
        sheet.fault(1, "no rows", "a row for each rule of a believed persona")
    beliefs = tuple(
        Belief(f"believed-{i + 1}", names[key], tuple(own))
        for i, (key, own) in enumerate(lines.items())
    )
    return sheet, beliefs


def read_rule(sheet: Sheet, line: int, text: str, codebook: Codebook) -> Line | None:
    """Read a rule on one item that stands in one cell, such as ``city=thr|mhd`` or ``age>=60``.

    Faults are noted in the sheet; None where there is one.
    """
    found = re.fullmatch(r"([^=<>!≥≤≠]+?)\s*((?:>=|<=|!=|=|>|<|≥|≤|≠).+)", text.strip())
    if found is None:
        sheet.fault(
            line, f"rule '{text}'", "an item and its answer, such as city=thr|mhd or age>=60"
        )
        return None
    return _read_line(sheet, line, {"item": found[1], "rule": found[2]}, codebook)


def _read_line(sheet: Sheet, line: int, cells: dict[str, str], codebook: Codebook) -> Line | None:
    able = [i.name for i in codebook.items if i.kind in (*NUMERIC, *CODED, *YES, "multi")]
    name = sheet.need(line, cells, "item")
    text = sheet.need(line, cells, "rule")
    if not name or not text:
        return None
    if name not in codebook:
        sheet.fault(line, f"unknown item '{name}'", "an item of codebook.csv", nearest(name, able))
        return None
    item = codebook[name]
    if name not in able:
        sheet.fault(line, f"item '{name}' of kind {item.kind}",
                    f"an item of kind {', '.join((*NUMERIC, *CODED, *YES, 'multi'))}")  # fmt: skip
        return None
    found = _RULE.fullmatch(text)
    if found is None:
        sheet.fault(line, f"rule '{text}'", "a rule such as >=4, <3, =code, =code|code or !=code")
        return None
    sign = _SAME.get(found[1], found[1])
    if item.kind in NUMERIC:
        return _read_number(sheet, line, item, sign, found[2])
    return _read_codes(sheet, line, item, sign, found[2])


def _read_number(sheet: Sheet, line: int, item: Item, sign: str, text: str) -> Line | None:
    value = parse_number(text)
    if value is None:
        sheet.fault(line, f"'{text}' in a rule on '{item.name}'", "a number after the sign")
        return None
    low, high = item.low, item.high
    if item.kind != "money" and low is not None and high is not None and not low <= value <= high:
        found = f"{value:g} in a rule on '{item.name}'"
        sheet.fault(line, found, f"a number from {low:g} to {high:g}, the ends of its scale")
        return None
    return Line(item.name, item.name, sign, float(value), (), line)


def _read_codes(sheet: Sheet, line: int, item: Item, sign: str, text: str) -> Line | None:
    if sign in ORDER:
        found = f"rule '{sign}{text}' on '{item.name}', of kind {item.kind}"
        sheet.fault(line, found, "a rule with = or !=")
        return None
    codes = tuple(dict.fromkeys(c.strip() for c in text.split("|") if c.strip()))
    if item.kind in YES:
        value = YES_NO.get(text.strip().casefold())
        if value is None:
            sheet.fault(line, f"'{text}' in a rule on '{item.name}'", "=yes or =no")
            return None
        return Line(item.name, item.name, sign, float(value), (), line)
    odd = next((code for code in codes if code not in item.labels), "")
    if odd or not codes:
        found = f"unknown code '{odd}' of '{item.name}'"
        expected = f"one of {', '.join(item.labels) or 'its labels'}"
        sheet.fault(line, found, expected, nearest(odd, item.labels))
        return None
    return _name_codes(sheet, line, item, sign, codes)


def _name_codes(
    sheet: Sheet, line: int, item: Item, sign: str, codes: tuple[str, ...]
) -> Line | None:
    if item.kind == "multi":
        if len(codes) != 1:
            found = f"{len(codes)} options of '{item.name}' in one rule"
            sheet.fault(line, found, "one option a row: all rows must hold together")
            return None
        column = f"{item.group or item.name}_{codes[0]}"
        return Line(item.name, column, "=", float(sign == "="), (), line)
    return Line(item.name, item.name, sign, float("nan"), codes, line)


def _find_clash(sheet: Sheet, own: list[Line], new: Line, key: str) -> None:
    """Note a rule that stands twice, and rules on one number that nobody can meet together."""
    for old in own:
        if old.column != new.column:
            continue
        if (old.sign, old.number, old.codes) == (new.sign, new.number, new.codes) or (
            old.sign == new.sign and old.codes and set(old.codes) == set(new.codes)
        ):
            found = f"the same rule on '{new.item}' again for '{key}' (first on line {old.line})"
            sheet.fault(new.line, found, "each rule once")
        elif _exclude(old, new) or _exclude(new, old):
            found = f"a rule on '{new.item}' for '{key}' that line {old.line} contradicts"
            sheet.fault(new.line, found, "rules that one person can meet together")


def _exclude(a: Line, b: Line) -> bool:
    if a.codes or b.codes:
        both = set(a.codes) & set(b.codes)
        if a.sign == b.sign == "=":
            return not both
        return a.sign == "=" and b.sign == "!=" and set(a.codes) <= set(b.codes)
    if a.sign == "=":
        equal = {">=": a.number >= b.number, "<=": a.number <= b.number, ">": a.number > b.number,
                 "<": a.number < b.number, "=": a.number == b.number,
                 "!=": a.number != b.number}  # fmt: skip
        return not equal[b.sign]
    if a.sign in (">=", ">") and b.sign in ("<=", "<"):
        strict = ">" in (a.sign, b.sign) or "<" in (a.sign, b.sign)
        return a.number > b.number or (strict and a.number == b.number)
    return False
