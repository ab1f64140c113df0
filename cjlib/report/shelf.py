"""Where the report's sections take their pieces from: tables and figures in the study's words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pandas as pd

from cjlib.language import phrase, to_persian_digits
from cjlib.language.phrases import read_phrases
from cjlib.metrics.kpis import label_kpi
from cjlib.report.files import ResultFiles
from cjlib.report.page import Block, figure, fold, wide
from cjlib.report.summary import Sentence, name_item
from cjlib.study import Study
from cjlib.tables import display_table

NUMBER = re.compile(r'(?<=<bdi dir="ltr">)[^<]*')
PERSIAN_MARKS = str.maketrans({",": "٬", ".": "٫"})
ESTIMATE = ("estimate", "low", "high", "n")
LABELLED = ("stage", "touchpoint", "channel", "wave", "team")
KINDS = {"from": "stage", "to": "stage", "from_wave": "wave", "to_wave": "wave"}


@dataclass(frozen=True, slots=True)
class Quoted:
    """A table that the report quotes: for the workbook of all tables, and the text's sources."""

    section: str
    caption: str
    notebook: str
    name: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """Pieces of the report in the study's language.

    Attributes
    ----------
    section : list of str
        The section that is being made, last.
    quoted : list of Quoted
        Every table shown so far.
    sentences : list of Sentence
        The summary, where there is one.
    """

    study: Study
    files: ResultFiles
    section: list[str] = field(default_factory=list)
    quoted: list[Quoted] = field(default_factory=list)
    sentences: list[Sentence] = field(default_factory=list)

    def say(self, name: str, **values: str) -> str:
        """Return a phrase of the report."""
        return phrase(f"report.{name}", self.study.language, **values)

    def number(self, text: object) -> str:
        """Return a whole number in the study's digits."""
        return to_persian_digits(str(text)) if self.study.digits == "arabext" else str(text)

    def table(
        self,
        notebook: str,
        name: str,
        columns: tuple[str, ...],
        *,
        key: str,
        rows: int = 12,
        folded: bool = False,
    ) -> Iterator[Block]:
        """Yield a table with its caption and the study's labels; nothing where it is absent.

        Parameters
        ----------
        key : str
            Of the caption among the phrases, ``report.table.<key>``.
        rows : int
            Shown at most; the caption says how many more the file holds.
        folded : bool
            Closed until a reader opens it, and not on paper.
        """
        frame = self.files.table(notebook, name)
        if frame is None or frame.empty:
            return
        caption = self.say(f"table.{key}")
        self.quoted.append(Quoted(self.section[-1], caption, notebook, name))
        block = self.draw(frame[[c for c in columns if c in frame.columns]], caption, rows=rows)
        yield fold(caption, [block]) if folded else block

    def draw(self, frame: pd.DataFrame, caption: str, *, rows: int = 12) -> Block:
        """Return the first rows of a frame as a table in the study's words and digits."""
        shown = self.label(frame.head(rows))
        titles = {str(name): self.title(str(name)) for name in shown.columns}
        if "difference" in shown.columns:  # shown with its interval, as estimates are
            shown = shown.rename(columns={"difference": "estimate"})
            titles["estimate"] = self.title("difference")
        if len(frame) > rows:
            caption += " · " + self.say(
                "first_rows", shown=self.number(rows), all=self.number(f"{len(frame):,}")
            )
        table = display_table(shown, caption=caption, rows=rows, titles=titles)
        return wide(self._localise(table), caption)

    def figures(self, *names: str) -> Iterator[Block]:
        """Yield the figures that are there, each with its caption."""
        for name in names:
            found = self.files.figure(name)
            if found is not None:
                keys = (f"report.figure.{name}", f"report.figure.{name.partition('-')[2]}")
                known = next((read_phrases()[k] for k in keys if k in read_phrases()), None)
                yield figure(found, known[self.study.language] if known else "")

    def folds(self, key: str, blocks: Iterable[Block], *, paper: bool = False) -> Iterator[Block]:
        """Yield the blocks behind one line that opens them; nothing where there are none."""
        inner = list(blocks)
        if inner:
            yield fold(self.say(key), inner, paper=paper)

    def title(self, column: str) -> str:
        """Return a column's title in the study's language, its own name where none is known."""
        known = read_phrases().get(f"column.{column}")
        return known[self.study.language] if known else column.replace("_", " ")

    def label(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Replace ids of stages, touchpoints, channels, waves, teams, goals and items by labels."""
        named = frame.copy()
        goals = {goal.id: goal.business.to(self.study.language) for goal in self.study.goals}
        for column in named.columns:
            kind = KINDS.get(column, column)
            values = named[column]
            if kind in LABELLED:
                values = values.map(
                    lambda key, kind=kind: self.study.label(kind, str(key)), na_action="ignore"
                )
            elif column == "goal":
                values = values.map(lambda key: goals.get(key, key), na_action="ignore")
            elif column in ("name_en", "name_fa"):
                values = values.fillna(self.say("no_persona"))
            elif column == "kpi":
                values = values.map(self._kpi, na_action="ignore")
            elif pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
                values = values.map(self._word, na_action="ignore")
            if column in ("label", "via"):
                values = values.map(self._place, na_action="ignore")
            elif column in ("item", "name") and len(self.study.codebook.items):
                values = values.map(lambda key: name_item(self.study, str(key)), na_action="ignore")
            named[column] = values
        return named

    def _localise(self, table: str) -> str:
        """Write the numbers of a table in the study's digits."""
        if self.study.digits != "arabext":
            return table
        return NUMBER.sub(lambda m: to_persian_digits(m[0].translate(PERSIAN_MARKS)), table)

    def _word(self, value: object) -> object:
        """Return a word of the kit's vocabulary in the study's language; others as they stand."""
        text = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        known = read_phrases().get(f"word.{text}")
        return known[self.study.language] if known else value

    def _kpi(self, name: object) -> str:
        """Return a KPI's name for readers; one that the kit does not know as it stands."""
        known = f"kpi.{str(name).partition('.')[0]}" in read_phrases()
        return label_kpi(str(name), self.study) if known else str(name)

    def _place(self, key: object) -> str:
        """Return the labels of touchpoints or stages; anything else as it stands."""
        names = str(key).split(", ")
        kinds = ["touchpoint" if self.study.touchpoint(name) else "stage" for name in names]
        comma = "، " if self.study.language == "fa" else ", "
        return comma.join(map(self.study.label, kinds, names))
