"""What one column of an export shows before anybody has said what it means."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final

from cjlib.codebook import Item
from cjlib.definitions import Text
from cjlib.language import clean, is_blank, key, missing_reason, parse_number, to_latin_digits
from cjlib.survey.exports import Export
from cjlib.survey.values import read_value

LOOK_VALUES: Final = 2_000  # different texts looked at per column, the most frequent ones
_PERSIAN_LETTER = re.compile("[\u0600-\u06ff]")
_LATIN_LETTER = re.compile("[A-Za-z]")
_STEMS = (
    re.compile(r"(?P<stem>.+?)\s*\[(?P<option>[^\[\]]+)\]\s*"),  # question [option]
    re.compile(r"(?P<stem>[A-Za-z]+\d+[A-Za-z]*)[_.\-](?P<option>\d+)(_\d+)?"),  # Q6_1, q0004_0001
    re.compile(r"(?P<stem>[A-Za-z]\w*?[A-Za-z_])(?P<option>\d+)"),  # imag1, tired_1
    re.compile(r"(?P<stem>[A-Za-z]{2,}(?:_[A-Za-z]+)??)_(?P<option>[A-Za-z]\w*)"),  # pain_cost
    re.compile(r"(?P<stem>[A-Z]+\d+)(?P<option>[A-Z]{2,})"),  # Q7FOOD
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an export.

    Attributes
    ----------
    place : int
        Position in the file, from 0.
    header, question, group : str
        As the export has them; ``group`` is the question a grid or option column belongs to.
    counts : dict of str to int
        Cells by text, the most frequent first, at most ``LOOK_VALUES`` texts; empty cells
        are left out.
    given : dict of str to int
        Those of ``counts`` that answer: no blank mark, no code the file declares missing, no
        word for no answer.
    filled, distinct, rows : int
        Cells that are not empty; different texts among them; rows of the file.
    labels : dict of str to str
        Code to label, where the file itself declares them (SPSS); no missing codes.
    missing : tuple of str
        Codes the file itself declares missing, or labels with a word for no answer.
    """

    place: int
    header: str
    question: str = ""
    group: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    given: dict[str, int] = field(default_factory=dict)
    filled: int = 0
    distinct: int = 0
    rows: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """The question if the file has one, else the header."""
        return self.question or self.header

    @property
    def words(self) -> str:
        """Header, question and group in small letters, capitals and digits parted."""
        return split_words(f"{self.header} {self.question} {self.group}")

    @property
    def looked(self) -> int:
        """Cells whose text was looked at."""
        return sum(self.counts.values())

    @property
    def stem(self) -> tuple[str, str]:
        """What the column shares with its neighbours in a grid, and what is its own."""
        if self.group:
            own = self.header.removeprefix(self.group).strip(" []-–:")
            return self.group, own or self.header
        for form in _STEMS:
            found = form.fullmatch(self.header.strip())
            if found:
                return found["stem"], found["option"]
        return "", ""

    @property
    def battery(self) -> str:
        """The stem, where the file names the grid or the columns of it are numbered."""
        stem, own = self.stem
        return stem if self.group or own.isdigit() or "[" in self.header else ""


@dataclass(frozen=True, slots=True)
class Guess:
    """What a column may be, and why.

    Attributes
    ----------
    item : Item
        Kind, scale, ends, missing codes, labels, check; no name or source yet.
    reason : str
        In words, for the note.
    share : float
        Share of the cells looked at that the item reads, 0 to 1.
    remarks : tuple of str
        What a human should look at.
    """

    item: Item
    reason: str
    share: float = 1.0
    remarks: tuple[str, ...] = ()

    def noting(self, *remarks: str) -> Guess:
        """Return the guess with more remarks."""
        return replace(self, remarks=(*self.remarks, *remarks))


def read_columns(export: Export) -> list[Column]:
    """Return what each column of an export shows, in order."""
    columns = []
    for place, header in enumerate(export.headers):
        cells = export.rows.iloc[:, place].str.strip()
        counts = cells[cells.ne("")].value_counts(sort=True)
        looked = {str(text): int(n) for text, n in counts.head(LOOK_VALUES).items()}
        labels = export.labels.get(place, {})
        unsaid = [code for code, label in labels.items() if missing_reason(label) is not None]
        missing = tuple(dict.fromkeys([*export.missing.get(place, ()), *unsaid]))
        columns.append(
            Column(
                place=place,
                header=header,
                question=export.questions[place].strip() if export.questions else "",
                group=export.groups[place] if export.groups else "",
                counts=looked,
                given={t: n for t, n in looked.items() if t not in missing and not no_answer(t)},
                filled=int(counts.sum()),
                distinct=len(counts),
                rows=len(export.rows),
                labels={code: label for code, label in labels.items() if code not in missing},
                missing=missing,
            )
        )
    return columns


def fit_item(column: Column, item: Item, reason: str, *remarks: str) -> Guess:
    """Return ``item`` as a guess, with the share of the column's cells it can read."""
    unfit = sum(n for text, n in column.counts.items() if read_value(text, item).unfit)
    share = 1 - unfit / column.looked if column.looked else 1.0
    return Guess(item, reason, share, remarks)


def no_answer(text: str) -> bool:
    """Say whether a text is a blank mark or a word for no answer, "NA" among them."""
    if text.isdecimal():
        return False
    return is_blank(text) or key(text) in ("na", "nan", "null") or missing_reason(text) is not None


def number_counts(texts: dict[str, int]) -> dict[float, int]:
    """Cells by number, of the texts that are numbers."""
    counts: dict[float, int] = {}
    for text, n in texts.items():
        number = parse_number(text)
        if number is not None:
            counts[number] = counts.get(number, 0) + n
    return counts


def is_persian(text: str) -> bool:
    """Say whether most letters of ``text`` are Persian or Arabic."""
    return len(_PERSIAN_LETTER.findall(text)) > len(_LATIN_LETTER.findall(text))


def as_text(words: str) -> Text:
    """Return words as a label in the language they are written in."""
    return Text(fa=clean(words)) if is_persian(words) else Text(en=clean(words))


def split_words(text: str) -> str:
    """Put spaces between the words of a header such as Q19AgeGroup or age_group."""
    plain = to_latin_digits(text)
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain)
    plain = re.sub(r"(?<=\d)(?=[A-Za-z])|(?<=[A-Za-z])(?=\d)|[_\s]+", " ", plain)
    return plain.casefold()
