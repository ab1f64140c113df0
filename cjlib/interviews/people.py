"""Who was interviewed: people.csv, and which file belongs to whom."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cjlib.language import key
from cjlib.sheets import Sheet, read_sheet
from cjlib.study import Study

PEOPLE_COLUMNS: Final = (
    "interview", "participant", "customer_id", "language", "consent", "age", "gender", "place",
    "file", "hide",
)  # fmt: skip
_YES: Final = {key(w) for w in ("yes", "y", "true", "1", "given", "بله", "بلی", "آری", "دارد")}
_NO: Final = {key(w) for w in ("no", "n", "false", "0", "refused", "", "خیر", "نه", "ندارد")}


@dataclass(frozen=True, slots=True)
class Person:
    """One row of people.csv; ``participant`` may be a name and never leaves this package."""

    interview: str
    participant: str
    customer_id: str
    language: str
    consent: bool
    age: str
    gender: str
    place: str
    file: str
    hide: str
    line: int


def read_people(study: Study) -> tuple[Sheet, list[Person]]:
    """Read people.csv, if the study has one.

    One row per participant: several rows with one ``interview`` are a focus group, and
    their ``participant`` is then the speaker's label in the transcript. ``file`` (inside the
    interviews folder) is needed only where it is not named like the interview. ``consent``
    is yes or no in English or Persian; an empty one is no. ``hide`` lists further words to be
    taken out of this interview (names of others, an employer), parted by ``|``.
    """
    if not study.people_file:
        return Sheet(""), []
    sheet = read_sheet(
        study.file(study.people_file),
        columns=PEOPLE_COLUMNS,
        required=("interview", "consent"),
        shown=study.people_file,
    )
    people: list[Person] = []
    seen: dict[tuple[str, str], int] = {}
    for line, cells in sheet:
        if not sheet.need(line, cells, "interview"):
            continue
        same = (key(cells["interview"]), key(cells["participant"]))
        if same in seen:
            found = f"participant '{cells['participant']}' of '{cells['interview']}' again"
            sheet.fault(line, f"{found} (first on line {seen[same]})", "each participant once")
            continue
        seen[same] = line
        consent = key(cells["consent"])
        if consent not in _YES | _NO:
            sheet.fault(line, f"consent '{cells['consent']}'", "yes or no (taken as no)")
        kept = {name: cells[name] for name in PEOPLE_COLUMNS if name != "consent"}
        people.append(Person(**kept, consent=consent in _YES, line=line))
    return sheet, people


def match_files(
    files: list[Path], people: list[Person], folder: Path, sheet: Sheet
) -> dict[Path, tuple[str, list[Person]]]:
    """Pair each file with its interview id and the people in it; note what has no partner."""
    rows: dict[str, list[Person]] = {}
    for person in people:
        rows.setdefault(person.interview, []).append(person)
    by_name: dict[str, str] = {}
    for interview, group in rows.items():
        named = [p.file for p in group if p.file]
        for name in named or [interview]:
            by_name[key(name)] = interview
    found: dict[Path, tuple[str, list[Person]]] = {}
    taken: set[str] = set()
    for file in files:
        names = (file.relative_to(folder).as_posix(), file.name, file.stem)
        interview = next((by_name[key(n)] for n in names if key(n) in by_name), "")
        if not interview:
            if people:
                shown = file.relative_to(folder).as_posix()
                sheet.fault(0, f"no row for '{shown}'", "a row in people.csv (consent: no)")
            found[file] = (file.stem, [])
        else:
            taken.add(interview)
            found[file] = (interview, rows[interview])
    for interview, group in rows.items():
        if interview not in taken:
            sheet.fault(
                group[0].line, f"no transcript of '{interview}'", "a file for each interview"
            )
    return found
