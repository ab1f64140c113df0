"""One study of a comparison: its latest wave, its log, and the questions it asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from cjlib.codebook import Item
from cjlib.columns import DATE, TIME, WAVE
from cjlib.errors import JourneyError
from cjlib.events import Interactions, read_interactions
from cjlib.language import key, parse_date
from cjlib.study import Study, load_study
from cjlib.survey import clean_answers

REASONS: Final = ("scale", "direction", "wording", "year", "invented")
ACCEPTABLE: Final = ("wording", "year", "invented")  # a reader may still compare, knowing it
METRICS: Final = ("nps", "csat", "ces")
OVERALL: Final = "overall"
DAYS_OF_YEAR: Final = 365.25
_BRAND: Final = "brand"


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """A study opened for a comparison.

    Attributes
    ----------
    study : Study
    name : str
        Its brand in its language; with the id where two brands have one name.
    people : DataFrame or None
        Respondents of the latest wave answered.
    day : Timestamp or None
        Of that wave.
    interactions : Interactions or None
    items : dict of (metric, place) to Item
        NPS, CSAT and CES questions that were answered; place: "overall", or a stage or
        touchpoint id; of several about one place the codebook name is added.
    """

    study: Study
    name: str
    people: pd.DataFrame | None = field(repr=False)
    day: pd.Timestamp | None
    interactions: Interactions | None = field(repr=False)
    items: dict[tuple[str, str], Item]

    @property
    def log_day(self) -> pd.Timestamp | None:
        """Last day of the log."""
        return None if self.interactions is None else self.interactions.table[TIME].max()


def open_side(
    study: Study | str | Path,
    *,
    raw: str | Path | None = None,
    survey: Any | None = None,
    interactions: Interactions | None = None,
) -> Side:
    """Open a study for a comparison: its survey and log are read where they are not given.

    Parameters
    ----------
    study : Study or path of its folder
    raw : path, optional
        Folder of the raw files, where they lie elsewhere.
    survey : Survey, optional
    interactions : Interactions, optional
    """
    found = study if isinstance(study, Study) else load_study(study, raw=raw)
    if survey is None and found.has("survey"):
        survey = clean_answers(found)
    if interactions is None and found.has("events"):
        interactions = read_interactions(found)
    people, day = None, None
    if survey is not None:
        table = survey.respondents
        waves = [w for w in found.waves if w.id in set(table[WAVE].dropna().astype(str))]
        people = table[table[WAVE].astype("string").eq(waves[-1].id)] if waves else table
        day = _day_of(waves[-1].date if waves else "", people)
    return Side(
        found, found.brand.to(found.language), people, day, interactions, _find_items(found, people)
    )


def _day_of(text: str, people: pd.DataFrame) -> pd.Timestamp | None:
    day = parse_date(text) if text else None
    if day is not None:
        return pd.Timestamp(day)
    middle = people[DATE].median() if DATE in people.columns else pd.NaT
    return None if pd.isna(middle) else pd.Timestamp(middle)


def _find_items(study: Study, people: pd.DataFrame | None) -> dict[tuple[str, str], Item]:
    if people is None:
        return {}
    asked: dict[tuple[str, str], list[Item]] = {}
    for item in study.codebook.items:
        if (
            item.metric in METRICS
            and item.name in people.columns
            and people[item.name].notna().any()
        ):
            place = item.touchpoint or item.stage or OVERALL
            asked.setdefault((item.metric, place), []).append(item)
    found: dict[tuple[str, str], Item] = {}
    for (metric, place), items in asked.items():
        for item in items:
            found[metric, place if len(items) == 1 else f"{place}: {item.name}"] = item
    return found


def find_obstacles(
    first: Side, second: Side, place: tuple[str, str], other: tuple[str, str]
) -> list[tuple[str, str]]:
    """Return (reason, words) for everything that keeps two questions from being compared."""
    a, b = first.items[place], second.items[other]
    found = []
    if (a.low, a.high) != (b.low, b.high):
        words = f"different scale: {a.low:g} to {a.high:g}, and {b.low:g} to {b.high:g}"
        found.append(("scale", words))
    if a.metric == "ces" and first.study.positions.ces != second.study.positions.ces:
        found.append(("direction", "a high answer is easy in one and hard in the other"))
    shared = [
        (
            _plain(getattr(a.question, lang), first.study),
            _plain(getattr(b.question, lang), second.study),
        )
        for lang in ("en", "fa")
    ]
    both = [(x, y) for x, y in shared if x and y]
    if not both:
        found.append(("wording", "wording not known in one language of both"))
    elif not any(x == y for x, y in both):
        found.append(("wording", "different wording"))
    return found + find_distance(first.day, second.day) + _find_invented(first, second)


def find_distance(
    a: pd.Timestamp | None, b: pd.Timestamp | None, *, years: float = 1.0
) -> list[tuple[str, str]]:
    """Return the reason where two days lie more than a year apart, or one is not known."""
    if a is None or b is None:
        return [("year", "year of one not known")]
    if abs((a - b).total_seconds()) / 86_400 <= years * DAYS_OF_YEAR:
        return []
    return [("year", f"different year: {a.year} and {b.year}")]


def _find_invented(first: Side, second: Side) -> list[tuple[str, str]]:
    if first.study.simulated == second.study.simulated:
        return []
    name = first.name if first.study.simulated else second.name
    return [("invented", f"the answers of {name} are invented")]


def find_log_obstacles(first: Side, second: Side) -> list[tuple[str, str]]:
    """Return (reason, words) for everything that keeps two logs from being compared."""
    return find_distance(first.log_day, second.log_day) + _find_invented(first, second)


def _plain(text: str, study: Study) -> str:
    """Words of a question, without its brand, case, spaces and marks."""
    words = text.casefold()
    for brand in (study.brand.en, study.brand.fa):
        if brand:
            words = words.replace(brand.casefold(), _BRAND)
    return key(words)


def require_accept(accept: tuple[str, ...]) -> None:
    """Raise unless every accepted reason is one that may be accepted."""
    odd = [reason for reason in accept if reason not in ACCEPTABLE]
    if odd:
        raise JourneyError(
            f"compare_studies: accept must hold some of {', '.join(ACCEPTABLE)}; got {odd[0]!r}. "
            "Different scales or directions cannot be compared at all."
        )
