"""The report's sections, each made of result files only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from cjlib.language import format_number, phrase, to_persian_digits
from cjlib.language.phrases import read_phrases
from cjlib.maps import map_fragment
from cjlib.report.files import ResultFiles
from cjlib.report.page import Block, Section, absent, figure, markup, wide, words
from cjlib.report.summary import name_item, write_summary
from cjlib.study import Study
from cjlib.tables import display_table

NUMBER = re.compile(r'(?<=<bdi dir="ltr">)[^<]*')
PERSIAN_MARKS = str.maketrans({",": "٬", ".": "٫"})
ESTIMATE = ("estimate", "low", "high", "n")


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where a section takes its pieces from, in the study's language."""

    study: Study
    files: ResultFiles
    missing: list[str] = field(default_factory=list)

    def say(self, name: str, **values: str) -> str:
        """Return a phrase of the report."""
        return phrase(f"report.{name}", self.study.language, **values)

    def table(
        self, notebook: str, name: str, columns: tuple[str, ...], *, key: str, rows: int = 12
    ) -> Iterator[Block]:
        """Yield a table with its caption and the study's labels; nothing where it is absent."""
        frame = self.files.table(notebook, name)
        caption = self.say(f"table.{key}")
        if frame is None or frame.empty:
            self.missing.append(caption)
            return
        shown = self.label(frame[[c for c in columns if c in frame.columns]])
        titles = {name: self.title(name) for name in shown.columns}
        if "difference" in shown.columns:  # shown with its interval, as estimates are
            shown = shown.rename(columns={"difference": "estimate"})
            titles["estimate"] = self.title("difference")
        table = display_table(shown, caption=caption, rows=rows, titles=titles)
        yield wide(self.localise(table), caption)

    def localise(self, table: str) -> str:
        """Write the numbers of a table in the study's digits."""
        if self.study.digits != "arabext":
            return table
        return NUMBER.sub(lambda m: to_persian_digits(m[0].translate(PERSIAN_MARKS)), table)

    def figures(self, *names: str) -> Iterator[Block]:
        """Yield the figures that are there."""
        for name in names:
            found = self.files.figure(name)
            if found is None:
                self.missing.append(name)
            else:
                yield figure(found)

    def title(self, column: str) -> str:
        """Return a column's title in the study's language, its own name where none is known."""
        known = read_phrases().get(f"column.{column}")
        return known[self.study.language] if known else column.replace("_", " ")

    def label(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Replace ids of stages, touchpoints, channels, waves, teams and items by labels."""
        named = frame.copy()
        for column in named.columns:
            kind = {"from": "stage", "to": "stage", "from_wave": "wave", "to_wave": "wave"}.get(
                column, column
            )
            if kind in ("stage", "touchpoint", "channel", "wave", "team"):
                named[column] = named[column].map(
                    lambda key, kind=kind: self.study.label(kind, str(key)), na_action="ignore"
                )
            elif pd.api.types.is_bool_dtype(named[column]) or not pd.api.types.is_numeric_dtype(
                named[column]
            ):
                named[column] = named[column].map(self._word, na_action="ignore")
            if column in ("label", "via"):
                named[column] = named[column].map(self._place, na_action="ignore")
            elif column in ("item", "name") and len(self.study.codebook.items):
                named[column] = named[column].map(
                    lambda key: name_item(self.study, str(key)), na_action="ignore"
                )
        return named

    def _word(self, value: object) -> object:
        """Return a word of the kit's vocabulary in the study's language; others as they stand."""
        text = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        known = read_phrases().get(f"word.{text}")
        return known[self.study.language] if known else value

    def _place(self, key: object) -> str:
        """Return the label of a touchpoint or stage; anything else as it stands."""
        kind = "touchpoint" if self.study.touchpoint(str(key)) else "stage"
        return self.study.label(kind, str(key))


def build_sections(study: Study, files: ResultFiles) -> list[Section]:
    """Return the report's sections in order; what has no result is named in its section."""
    shelf = Shelf(study, files)
    makers: tuple[tuple[str, Callable[[Shelf], Iterator[Block]]], ...] = (
        ("summary", _summary), ("goals", _goals), ("data", _data), ("voices", _voices),
        ("personas", _personas), ("maps", _maps), ("metrics", _metrics),
        ("journeys", _journeys), ("value", _value), ("actions", _actions),
        ("limits", _limits), ("appendix", _appendix),
    )  # fmt: skip
    sections = []
    for name, make in makers:
        shelf.missing.clear()
        blocks = list(make(shelf))
        if not blocks:
            blocks = [absent(shelf.say("absent", what=shelf.say(name)))]
        sections.append(Section(name, shelf.say(name), tuple(blocks)))
    return sections


def _summary(shelf: Shelf) -> Iterator[Block]:
    sentences = write_summary(shelf.study, shelf.files)
    if sentences:
        yield Block("list", lines=tuple(sentences))


def _goals(shelf: Shelf) -> Iterator[Block]:
    named = shelf.files.table("01_goals", "goals")
    if named is not None and len(named):
        yield from shelf.table(
            "05_metrics", "goals",
            ("goal", "kpi", "target", *ESTIMATE, "reached", "source", "by"), key="goals",
        )  # fmt: skip
        yield from shelf.figures("05_metrics-goals")
    yield from shelf.table("01_goals", "positions", ("topic", "position"), key="positions", rows=20)


def _data(shelf: Shelf) -> Iterator[Block]:
    yield from shelf.figures("02_survey-flow")
    yield from shelf.table(
        "02_survey", "profile", ("item", "answer", *ESTIMATE), key="profile", rows=30
    )
    yield from shelf.figures("02_survey-cleaning-matters")
    yield from shelf.table(
        "06_journeys", "scope", ("reason", "rows", "share", "customers"), key="scope"
    )


def _voices(shelf: Shelf) -> Iterator[Block]:
    yield from shelf.figures(
        "03_interviews-codes", "03_interviews-agreement", "03_interviews-comment_codes"
    )
    yield from shelf.table(
        "03_interviews", "quotes", ("stage", "text", "kind"), key="quotes", rows=12
    )


def _personas(shelf: Shelf) -> Iterator[Block]:
    verdict = shelf.files.table("04_personas", "verdict")
    if verdict is not None:
        yield words(str(verdict["summary"].iloc[0]))
    for fragment in shelf.files.pages("04_personas-card-"):
        yield markup(fragment)
    yield from shelf.figures(
        "04_personas-profiles", "04_personas-choice", "04_personas-judgement",
        "04_personas-targets", "04_personas-believed",
    )  # fmt: skip


def _maps(shelf: Shelf) -> Iterator[Block]:
    for journey_map in shelf.files.maps():
        yield markup(map_fragment(journey_map, language=shelf.study.language, appendix=False))
    yield from shelf.table(
        "07_maps", "belief",
        ("label", "believed", "lived", "estimate", "low", "high", "lived_n", "significant"),
        key="belief",
    )  # fmt: skip


def _metrics(shelf: Shelf) -> Iterator[Block]:
    yield from shelf.figures("05_metrics-csat")
    yield from shelf.table(
        "05_metrics", "metrics", ("metric", "item", *ESTIMATE, "method"), key="metrics", rows=30
    )
    yield from shelf.table(
        "05_metrics", "rating_distribution", ("answer", "count", *ESTIMATE), key="ratings"
    )
    yield from shelf.figures("05_metrics-drivers")
    yield from shelf.table(
        "05_metrics", "stage_kpis", ("stage", "kpi", *ESTIMATE, "unit", "source"),
        key="stage_kpis", rows=40,
    )  # fmt: skip


def _journeys(shelf: Shelf) -> Iterator[Block]:
    yield from shelf.figures(
        "06_journeys-transitions", "06_journeys-flow", "06_journeys-funnel", "06_journeys-exits",
        "06_journeys-belief",
    )  # fmt: skip
    yield from shelf.table(
        "06_journeys", "departures", ("from", "to", "count", "customers", *ESTIMATE),
        key="departures", rows=8,
    )  # fmt: skip
    yield from shelf.table(
        "06_journeys", "loops", ("kind", "label", "via", *ESTIMATE, "extra_contacts", "cost"),
        key="loops", rows=8,
    )  # fmt: skip
    yield from shelf.table(
        "06_journeys", "wasted", ("what", "label", "times", "customers", "hours", "median_hours"),
        key="wasted",
    )  # fmt: skip
    yield from shelf.figures("06_journeys-attribution")


def _value(shelf: Shelf) -> Iterator[Block]:
    yield from shelf.figures("08_value-value")
    yield from shelf.table(
        "08_value", "value", ("by", "group", *ESTIMATE, "method"), key="value", rows=16
    )
    yield from shelf.table("08_value", "clv", ("figure", *ESTIMATE, "definition"), key="clv")
    yield from shelf.figures("08_value-survival", "08_value-churn")
    yield from shelf.table("08_value", "churn", ("model", "measure", *ESTIMATE), key="churn")


def _actions(shelf: Shelf) -> Iterator[Block]:
    yield from shelf.figures("09_actions-opportunities")
    yield from shelf.table(
        "09_actions", "opportunities",
        ("rank", "measure", "stage", "touchpoint", "kind", *ESTIMATE, "severity"),
        key="opportunities",
    )  # fmt: skip
    yield from shelf.table(
        "09_actions", "plan",
        ("action", "stage", "owner", "team", "due", "kpi", "target", "status", "overdue",
         "ownerless"),
        key="plan", rows=20,
    )  # fmt: skip
    yield from shelf.figures("09_actions-impact")
    yield from shelf.table(
        "09_actions", "responsibility", ("stage", "team_label", "role", "actions", "overdue"),
        key="responsibility", rows=20,
    )  # fmt: skip
    yield from shelf.table(
        "09_actions", "waves",
        ("name", "metric", "from_wave", "to_wave", "earlier", "later", "difference", "low",
         "high", "p_holm", "smallest_change", "verdict"),
        key="waves", rows=24,
    )  # fmt: skip


def _limits(shelf: Shelf) -> Iterator[Block]:
    study = shelf.study
    names = ["association"]
    names += [name for name, source in (("sample", "survey"), ("interviews", "interviews"),
                                        ("log", "events")) if study.has(source)]  # fmt: skip
    sign = "٪" if study.digits == "arabext" else " %"
    level = format_number(study.level * 100, study.digits, decimals=0) + sign
    lines = [shelf.say(f"limit.{name}") for name in [*names, "personas"]]
    yield Block("list", lines=(*lines, shelf.say("limit.level", level=level)))


def _appendix(shelf: Shelf) -> Iterator[Block]:
    manifest = shelf.files.manifest()
    if manifest is None:
        return
    yield words(shelf.say("reproduce"))
    yield Block("code", f"python3 kit.py run data/{manifest['study']}")
    yield from _plain_table(shelf, _versions(manifest), "versions", rows=20)
    inputs = pd.DataFrame(manifest["inputs"])
    yield from _plain_table(shelf, inputs[["file", "bytes", "sha256"]], "inputs", rows=60)


def _versions(manifest: dict[str, Any]) -> pd.DataFrame:
    parts = {
        "cjlib": manifest["kit"],
        "python": manifest["python"],
        **manifest["packages"],
        "seed": str(manifest["seed"]),
        "inputs": manifest["inputs_sha256"],
    }
    return pd.DataFrame(list(parts.items()), columns=["part", "version"])


def _plain_table(shelf: Shelf, frame: pd.DataFrame, key: str, *, rows: int) -> Iterator[Block]:
    caption = shelf.say(f"table.{key}")
    titles = {name: shelf.title(name) for name in frame.columns}
    yield wide(display_table(frame, caption=caption, rows=rows, titles=titles), caption)
