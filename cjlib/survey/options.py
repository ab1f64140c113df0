"""Questions with several answers: option columns of a group, or options in one cell."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Final

from cjlib.codebook import Item
from cjlib.definitions import Text
from cjlib.language import clean, is_blank, key, parse_number
from cjlib.survey.evidence import Column, Guess, as_text, fit_item, no_answer
from cjlib.survey.readings import show_number
from cjlib.survey.values import yes_or_no

MOST_OPTIONS: Final = 40  # options of one question, or labels of a nominal item
NOT_CHOSEN: Final = frozenset(
    map(
        key, ("not selected", "not checked", "unchecked", "unselected", "not chosen", "انتخاب نشده")
    )
)
CHOSEN: Final = frozenset(map(key, ("x", "y", "selected", "checked", "chosen", "on", "انتخاب شده")))
_SEMICOLONS = re.compile(r"\s*[;؛|]\s*")
_COMMAS = re.compile(r"\s*[,،]\s+(?![^(]*\))")  # not inside brackets


def find_ticks(columns: Sequence[Column]) -> dict[int, Guess]:
    """Return the option columns of each group as ticks, by place.

    An option column holds nothing, a word for "not chosen", or one constant that says it was
    chosen: a mark (1, x, yes) or the option's own text. Two of one stem make a group; a
    column of the group that nobody chose goes with it.
    """
    groups: dict[str, list[Column]] = {}
    for column in columns:
        if column.stem[0]:
            groups.setdefault(column.stem[0], []).append(column)
    found: dict[int, Guess] = {}
    for stem, members in groups.items():
        ticks = [c for c in members if _is_tick(c)]
        if len(ticks) < 2 or not any(_leaves_out(c) for c in ticks):
            continue
        for column in members:
            if column in ticks or not column.filled:
                found[column.place] = _tick(column, stem)
    return found


def _is_tick(column: Column) -> bool:
    chosen = _chosen(column)
    if len(chosen) == 1:
        (text,) = chosen
        number = parse_number(text)
        return number is None or (number == int(number) and 0 < number < 100)
    return bool(chosen) and all(yes_or_no(t) for t in chosen)


def _chosen(column: Column) -> set[str]:
    return {t for t in column.given if yes_or_no(t) is not False and key(t) not in NOT_CHOSEN}


def is_mark(text: str) -> bool:
    """Say whether a text only says that something was chosen: 1, x, yes, selected."""
    return yes_or_no(text) is True or key(text) in CHOSEN


def _leaves_out(column: Column) -> bool:
    return column.filled < column.rows or any(t not in _chosen(column) for t in column.counts)


def _tick(column: Column, stem: str) -> Guess:
    chosen = sorted(_chosen(column))
    refused = [t for t in column.counts if key(t) in NOT_CHOSEN]
    unasked = [t for t in column.counts if no_answer(t) and not is_blank(t)]
    option = next((t for t in chosen if yes_or_no(t) is None and key(t) not in CHOSEN), "")
    if parse_number(option) is not None:
        option = ""
    labels = {}
    if refused:
        labels = {"0": as_text(refused[0]), "1": as_text(option or "selected")}
    item = Item("", "tick", group=stem, missing=tuple(unasked), labels=labels)
    cells = sum(column.counts[t] for t in column.given if t in chosen)
    remarks = [f"chosen in {100 * cells / max(1, column.rows):.1f} % of the rows"]
    if any(yes_or_no(t) is False for t in column.counts) and column.filled < column.rows:
        remarks.append("empty cells count as not chosen, though others say no in words")
    return fit_item(column, item, f"one option of the group '{stem}'", *remarks)


def option_text(column: Column) -> str:
    """Return the option a tick column stands for: its constant text, or what its header adds."""
    for text in sorted(_chosen(column)):
        if yes_or_no(text) is None and key(text) not in CHOSEN and parse_number(text) is None:
            return clean(text)
    if column.question and " - " in column.question:
        return column.question.rsplit(" - ", 1)[1].strip()
    own = column.stem[1]
    return own if column.group and own and not own.isdigit() else ""


def guess_multi(column: Column) -> Guess | None:
    """Return a column whose cells join several options of one list, or None.

    The options recur: nearly all parts stand in two cells or more, most also stand alone,
    and they join in more ways than a fixed phrase ("Yes, very rude") does. Semicolons, as
    Google Forms and LimeSurvey write them, or commas followed by a space.
    """
    texts = column.given
    for mark in (_SEMICOLONS, _COMMAS):
        parts = {text: _split(text, mark) for text in texts}
        joined = sum(n for text, n in texts.items() if len(parts[text]) > 1)
        if joined < max(2, 0.05 * column.looked):
            continue
        count: Counter[str] = Counter()
        shown: dict[str, str] = {}
        alone: set[str] = set()
        for text, n in texts.items():
            for part in dict.fromkeys(parts[text]):
                count[key(part)] += n
                shown.setdefault(key(part), part)
            if len(parts[text]) == 1:
                alone.add(key(parts[text][0]))
        recurring = {k for k, n in count.items() if n > 1}
        again = sum(count[k] for k in recurring) / max(1, sum(count.values()))
        several = {k for text in texts if len(parts[text]) > 1 for k in map(key, parts[text])}
        ways = sum(len(split) > 1 for split in parts.values())
        if ways < 2 and not several & alone:
            continue
        semi = mark is _SEMICOLONS
        if again < 0.8 or len(recurring) > MOST_OPTIONS or len(several) < 2:
            continue
        if not semi and (len(several & alone) < 0.5 * len(several) or len(texts) < len(recurring)):
            continue
        kept = [k for k, _ in count.most_common(MOST_OPTIONS)]
        labels = draft_labels({shown[k]: count[k] for k in kept})
        item = Item("", "multi", labels=labels)
        written = "semicolons" if semi else "commas"
        remarks = (
            []
            if len(kept) == len(count)
            else [f"{len(count) - len(kept)} rare answers have no label"]
        )
        rare = sum(n == 1 for n in count.values())
        if rare:
            remarks.append(f"{rare} options stand in one cell only: are they typed under 'other'?")
        guess = fit_item(column, item, f"{len(kept)} options joined by {written}", *remarks)
        if guess.share >= 0.9:
            return guess
    return None


def _split(text: str, mark: re.Pattern[str]) -> list[str]:
    return [part for part in mark.split(clean(text).strip(" ;؛|")) if key(part)]


def draft_labels(texts: dict[str, int]) -> dict[str, Text]:
    """Return labels for answers as found, by how many cells hold each.

    The code is the number, or a short name in ASCII; one that would read as another answer
    is numbered instead (o1, o2, ...). Spellings that match by ``key`` share a label, unless
    both are frequent: then signs alone tell them apart, and each is its own code.
    """
    taken = {key(text) for text in texts}
    labels: dict[str, Text] = {}
    used: set[str] = set()
    for place, group in enumerate(merge_spellings(texts), 1):
        if len(group) > 1 or not key(group[0]) or parse_number(group[0]) is not None:
            labels |= {t: Text() if parse_number(t) is not None else as_text(t) for t in group}
            continue
        text = group[0]
        code = slug(text, most=24)
        if not code or code.isdigit() or code in used or key(code) in taken - {key(text)}:
            code = f"o{place}"
            while key(code) in taken or code in used:
                code += "x"
        used.add(code)
        labels[code] = as_text(text)
    return labels


def merge_spellings(texts: dict[str, int]) -> list[list[str]]:
    """Group answers that match by ``key``: one text each, or several that only signs part.

    Two spellings stay apart where each is in 5 % of the cells or more and they differ in
    more than capitals and spaces.
    """
    total = sum(texts.values())
    groups: dict[str, list[str]] = {}
    for text, n in texts.items():
        shown = clean(text)
        number = parse_number(shown)
        if number is not None:
            groups.setdefault(f"number {number:g}", [show_number(number)])
            continue
        group = groups.setdefault(key(shown) or shown, [])
        plain = "".join(shown.casefold().split())
        alike = any("".join(other.casefold().split()) == plain for other in group)
        if not group or (n >= 0.05 * total and not alike):
            group.append(shown)
    return list(groups.values())


def slug(text: str, *, most: int) -> str:
    """Return the Latin letters and digits of ``text`` as a_short_name; "" where they are few.

    Cut at a word's end at ``most`` characters; accents are dropped. A text mostly of other
    letters has none.
    """
    plain = unicodedata.normalize("NFKD", text)
    letters = [c for c in plain if c.isalpha()]
    if 2 * sum(c.isascii() for c in letters) < len(letters):
        return ""
    words = re.findall(r"[a-z0-9]+", re.sub(r"['’`]", "", plain.casefold()))
    name = ""
    for word in words:
        if name and len(name) + 1 + len(word) > most:
            break
        name += ("_" if name else "") + word[:most]
    return name
