"""What one text means: the reading, and the codes and labels it may match."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cjlib.codebook import Item
from cjlib.language import clean, key, parse_number, to_latin_digits

_SIGNS: Final = "<>≤≥+"  # "<18" and ">18" share a key, and mean the opposite
_THOUSANDS: Final = re.compile(r"(?<=\d)[,٬،](?=\d{3})")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one text of an item means.

    Attributes
    ----------
    text : str or None
        The value as text in its plain form; None: no usable answer.
    rule : str
        The rule that changed it; empty where the cell already stood in its plain form.
    threshold : str
        What the rule compared with, where it compared.
    left_out : bool
        The question was passed over (as against answered with "never used").
    unfit : bool
        It fitted no rule, so it became missing.
    """

    text: str | None
    rule: str = ""
    threshold: str = ""
    left_out: bool = False
    unfit: bool = False


def find_missing_code(text: str, item: Item) -> str | None:
    """Return the missing code that a text writes: as it stands, by number or by words."""
    if not item.missing:
        return None
    shown = clean(text)
    number = parse_number(shown)
    by_text, by_number, by_key = _missing_forms(item.missing)
    if number is not None:
        return by_text.get(shown) or by_number.get(number)
    return by_text.get(shown) or by_key.get(key(shown))


@lru_cache(maxsize=256)
def _missing_forms(
    codes: tuple[str, ...],
) -> tuple[dict[str, str], dict[float, str], dict[str, str]]:
    """Codes for no answer, by how they are written, by number and by words."""
    numbers = {code: parse_number(code) for code in codes}
    return (
        {clean(code): code for code in codes},
        {number: code for code, number in numbers.items() if number is not None},
        {key(code): code for code in codes if numbers[code] is None and key(code)},
    )


def find_label(text: str, item: Item, *, codes: bool) -> str | None:
    """Return the code whose label a text spells, or None where none or several do.

    The very words first, then the same words spelled otherwise; numbers and signs in a
    label ("18–24", "<18") must be the same ones.

    Parameters
    ----------
    text : str
    item : Item
    codes : bool
        A worded code counts as a label too.
    """
    shown = clean(text)
    if not key(shown):
        return None
    forms = {c: [*([c] if codes else []), label.en, label.fa] for c, label in item.labels.items()}
    exact = [code for code, labels in forms.items() if shown in labels]
    if len(exact) == 1:
        return exact[0]
    wanted = _label_form(shown)
    found = [code for code, labels in forms.items() if wanted in map(_label_form, labels)]
    return found[0] if len(found) == 1 else None


@lru_cache(maxsize=10_000)
def _label_form(label: str) -> tuple[str, tuple[str, ...], str]:
    """Key, numbers and signs of a label."""
    plain = _THOUSANDS.sub("", to_latin_digits(clean(label)))
    signs = "".join(c for c in plain if c in _SIGNS)
    return key(label), tuple(re.findall(r"\d+", plain)), signs


def show_number(number: float) -> str:
    """Write a number the plain way: 4, 4.5."""
    return str(int(number)) if float(number).is_integer() else repr(float(number))
