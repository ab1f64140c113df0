"""A first codebook for an export, for a human to correct: what each column seems to be, and why."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pandas as pd

from cjlib.codebook import FIELDS, Item
from cjlib.codebook.items import WAVE_PREFIX
from cjlib.definitions import Dialect, Text
from cjlib.language import clean, to_latin_digits
from cjlib.survey.answers import FILE, ROW
from cjlib.survey.candidates import mark_metric
from cjlib.survey.cleaning import FIRST_COLUMNS
from cjlib.survey.evidence import Column, Guess, as_text, read_columns
from cjlib.survey.exports import Export, read_export
from cjlib.survey.options import find_ticks, option_text, slug
from cjlib.survey.ratings import guess_rating
from cjlib.survey.recognising import guess_frame, guess_id, guess_plain, prefer_day
from cjlib.survey.runs import find_blocks, find_runs
from cjlib.tables import neutralise

NAME_LENGTH: Final = 32
ONE_OF: Final = {
    "id": "another column is the response's id",
    "customer": "another column is the customer's",
    "date": "another column is the day of the answer",
    "duration": "another column is the duration",
    "language": "another column is the language",
    "weight": "another column is the weight",
    "consent": "another column is the consent",
}  # kinds of which a codebook has one, and what the others are told


@dataclass(frozen=True, slots=True, eq=False)
class CodebookDraft:
    """A codebook as far as an export tells it; made by ``draft_codebook``.

    Attributes
    ----------
    table : DataFrame
        One row per column of the export, in its order; columns ``codebook.FIELDS``, all
        text, empty where the export cannot tell.
    notes : tuple of str
        One line per row: what was guessed, by what reason, the share of the cells looked at
        that speak for it, and what a human should look at.
    form : str
        Kind of export, as ``read_export`` found it.
    rows : int
        Records of the export.
    """

    table: pd.DataFrame
    notes: tuple[str, ...]
    form: str
    rows: int

    def summary(self) -> str:
        """Return what was drafted, in one sentence."""
        kinds = self.table["kind"].value_counts()
        counted = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
        metrics = [m for m in self.table["metric"] if m]
        told = f"; candidates: {', '.join(sorted(set(metrics)))}" if metrics else ""
        return (
            f"{len(self.table)} columns of a {self.form} export of {self.rows:,} rows: "
            f"{counted}{told}. A draft: correct it before it is used."
        )

    def to_csv(self) -> str:
        """Return the codebook as the text of a CSV; nothing in it runs in a spreadsheet."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(FIELDS)
        writer.writerows(self.table[list(FIELDS)].itertuples(index=False, name=None))
        return text.getvalue()


def draft_codebook(path: Path, *, dialect: Dialect | None = None) -> CodebookDraft:
    """Draft the codebook of one survey export.

    Each column gets the kind whose reader (``read_value``) reads its cells, tried from the
    most to the least telling: personal data (by header words of both languages, or where
    half of the cells are a datum of ``find_personal``); what the platform writes itself;
    consent and attention checks; ids; option columns of one group; rating scales (runs of
    codes, scale words of either language, numbers with words, labels of an SPSS file);
    dates; several options in one cell; numbers; few answers that recur (nominal); text. A
    kind needs 95 % of the cells, several options in one cell 90 %.

    Marked are candidates for NPS (0 to 10 with words of recommending; never 1 to 10 or 1 to
    11), CSAT (words of satisfaction) and CES (words of ease or effort; the direction is
    noted). Reversed items, roles, stages and skip logic are left to the human. Nothing is
    certain: read ``notes``.

    Parameters
    ----------
    path : Path
        Any file that ``read_export`` reads.
    dialect : Dialect, optional
        How to read it, where it is not to be detected.

    Raises
    ------
    JourneyError
        If the file cannot be read or has no rows below its headers, see ``read_export``.
    """
    export = read_export(path, shown=path.name, dialect=dialect)
    columns = read_columns(export)
    guesses = _keep_one_of_each(columns, _guess_kinds(columns))
    items = _name_items(columns, guesses)
    items, guesses = _leave_unreachable(export, columns, items, guesses)
    return CodebookDraft(
        table=pd.DataFrame([_write_row(item) for item in items], columns=list(FIELDS), dtype="str"),
        notes=tuple(
            _write_note(column, item, guess)
            for column, item, guess in zip(columns, items, guesses, strict=True)
        ),
        form=export.form,
        rows=len(export.rows),
    )


def _guess_kinds(columns: Sequence[Column]) -> list[Guess]:
    found = {c.place: g for c in columns if (g := guess_frame(c) or guess_id(c)) is not None}
    rest = [c for c in columns if c.place not in found or not c.filled]
    found |= find_ticks(rest)
    rest = [c for c in columns if c.place not in found]
    runs = find_runs(rest)
    blocks = find_blocks(rest, runs)
    for column in rest:
        run = runs.get(column.place)
        guess = guess_rating(column, run=run, in_block=column.place in blocks)
        guess = guess or guess_plain(column)
        found[column.place] = mark_metric(column, guess, run=run)
    return [found[c.place] for c in columns]


def _keep_one_of_each(columns: Sequence[Column], guesses: list[Guess]) -> list[Guess]:
    """Leave one column of each kind that describes the whole record; ignore the others."""
    kept = list(guesses)
    for kind, told in ONE_OF.items():
        places = [i for i, g in enumerate(guesses) if g.item.kind == kind]
        if len(places) < 2:
            continue
        best = places[0]
        if kind == "date":
            best = min(places, key=lambda i: (prefer_day(columns[i]), i))
        for i in places:
            if i != best:
                kept[i] = replace(guesses[i], item=Item("", "ignore")).noting(
                    f"{told} ('{columns[best].header}')"
                )
    return kept


def _name_items(columns: Sequence[Column], guesses: Sequence[Guess]) -> list[Item]:
    groups = _name_groups(columns, guesses)
    taken: set[str] = set()
    items = []
    for column, guess in zip(columns, guesses, strict=True):
        group = groups.get(guess.item.group, "")
        wanted = _short_name(column, group)
        wanted = f"q_{wanted}" if wanted in (*FIRST_COLUMNS, FILE, ROW) else wanted
        name, again = wanted, 1
        while {name, *_option_names(name, guess.item)} & taken:
            again += 1
            name = f"{wanted}_{again}"
        taken |= {name, *_option_names(name, guess.item)}
        told = _question(column, guess)
        items.append(replace(guess.item, name=name, group=group, question=told))
    return items


def _name_groups(columns: Sequence[Column], guesses: Sequence[Guess]) -> dict[str, str]:
    names: dict[str, str] = {}
    for column, guess in zip(columns, guesses, strict=True):
        stem = guess.item.group
        if stem and stem not in names:
            wanted = slug(_unnumbered(stem), most=NAME_LENGTH) or f"group{column.place + 1}"
            name, again = wanted, 1
            while name in names.values():
                again += 1
                name = f"{wanted}_{again}"
            names[stem] = name
    return names


def _short_name(column: Column, group: str) -> str:
    header = _unnumbered(column.header)
    name = slug(header, most=NAME_LENGTH)
    if (group or column.group) and len(header) > NAME_LENGTH:
        stem = group or slug(_unnumbered(column.group), most=20)
        own = slug(option_text(column) or column.stem[1], most=20) or str(column.place + 1)
        name = f"{stem}_{own}" if stem else ""
    if not name:
        return f"q{column.place + 1}"
    return name if name[0].isalpha() else f"q_{name}"


def _unnumbered(text: str) -> str:
    """Drop a question's number: "12. How ..." and "Q3) Why" begin with their words."""
    return re.sub(r"^\s*(?:[Qq]?\d+\s*[.):-]+\s*)(?=\D{3})", "", text)


def _option_names(name: str, item: Item) -> set[str]:
    """Return the columns of the respondents table that a ``multi`` item becomes."""
    return {f"{name}_{code}" for code in item.labels} if item.kind == "multi" else set()


def _question(column: Column, guess: Guess) -> Text:
    told = option_text(column) if guess.item.kind == "tick" else ""
    return as_text(" ".join((told or column.told).split()))


def _leave_unreachable(
    export: Export, columns: Sequence[Column], items: list[Item], guesses: list[Guess]
) -> tuple[list[Item], list[Guess]]:
    """Give each item the header or question that leads to its column alone; ignore the others."""
    rows = (export.headers, export.questions)
    exact = [Counter(row) for row in rows]
    folded = [Counter(map(_fold, row)) for row in rows]
    items, guesses = list(items), list(guesses)
    for i, column in enumerate(columns):
        alone = [
            wanted
            for wanted, own in ((column.header.strip(), 0), (column.question, 1))
            if wanted and _leads_to(wanted, own, exact, folded)
        ]
        if alone:
            items[i] = replace(items[i], source=(alone[0],))
            continue
        told = "shares its header with another column" if column.header.strip() else "has no header"
        items[i] = Item(items[i].name, "ignore", question=items[i].question)
        guesses[i] = Guess(
            items[i], f"it {told}, so nothing can name it (else: {guesses[i].item.kind})", 0.0,
            ("give the column a header of its own in the export",),
        )  # fmt: skip
    return items, guesses


def _leads_to(wanted: str, own: int, exact: list[Counter[str]], folded: list[Counter[str]]) -> bool:
    """Whether ``wanted`` names one column only, in the ``own`` row of headers or questions."""
    for row, counts in enumerate(exact):
        if wanted in counts:
            return row == own and counts[wanted] == 1
    for row, counts in enumerate(folded):
        if _fold(wanted) in counts:
            return row == own and counts[_fold(wanted)] == 1
    return False


def _fold(header: str) -> str:
    return "".join(to_latin_digits(clean(header)).casefold().split()).replace("\u200c", "")


def _write_row(item: Item) -> dict[str, str]:
    row = dict.fromkeys(FIELDS, "")
    row |= {
        "name": item.name,
        "source": "|".join(_guard(_escape_header(s)) for s in item.source),
        "question_en": str(neutralise(item.question.en)),
        "question_fa": str(neutralise(item.question.fa)),
        "kind": item.kind,
        "scale": item.scale,
        "low": "" if item.low is None else f"{item.low:g}",
        "high": "" if item.high is None else f"{item.high:g}",
        "missing": _guard("|".join(_escape_header(code) for code in item.missing)),
        "labels": _guard("|".join(_write_label(c, t) for c, t in item.labels.items())),
        "group": item.group,
        "metric": item.metric,
        "check": str(neutralise(item.check)),
        "unit": item.unit,
    }
    return row


def _escape(text: str) -> str:
    return re.sub(r"([\\|/=])", r"\\\1", text)


def _escape_header(text: str) -> str:
    escaped = re.sub(r"([\\|])", r"\\\1", text)
    return escaped.replace(":", r"\:", 1) if WAVE_PREFIX.match(escaped) else escaped


def _guard(cell: str) -> str:
    """Put a backslash, which the codebook drops, before what a spreadsheet would run."""
    return cell if neutralise(cell) == cell else "\\" + cell


def _write_label(code: str, label: Text) -> str:
    persian = f"/{_escape(label.fa)}" if label.fa else ""
    at = "\\" if code.startswith("@") else ""  # else it names a file of labels
    return f"{at}{_escape(code)}={_escape(label.en)}{persian}"


def _write_note(column: Column, item: Item, guess: Guess) -> str:
    scale = (
        f" {item.low:g} to {item.high:g}" if item.low is not None and item.high is not None else ""
    )
    every = f" of {column.filled:,}" if column.filled > column.looked else ""
    cells = f"{100 * guess.share:.1f} % of {column.looked:,}{every} cells"
    told = f"{item.name} ('{_cut(column.header)}'): {item.kind}{scale}"
    told += f", {item.metric}" if item.metric else ""
    return "; ".join((f"{told}: {guess.reason} ({cells})", *guess.remarks)) + "."


def _cut(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= 60 else plain[:59] + "…"
