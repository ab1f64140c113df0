"""Spelling: one form to store and show, one key to match by, three sets of digits."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LATIN: Final = "0123456789"
PERSIAN: Final = "۰۱۲۳۴۵۶۷۸۹"
ARABIC: Final = "٠١٢٣٤٥٦٧٨٩"
ZWNJ: Final = "\u200c"  # the half-space inside Persian words
RTL_LANGUAGES: Final = frozenset({"fa", "ar", "he", "ur", "ps", "ckb", "ug", "yi", "sd", "dv"})

_TO_LATIN = str.maketrans(PERSIAN + ARABIC, LATIN * 2)
_TO_PERSIAN = str.maketrans(LATIN + ARABIC, PERSIAN * 2)
_LETTERS = {
    "ي": "ی", "ى": "ی", "ې": "ی", "ۍ": "ی", "ے": "ی",
    "ك": "ک", "ڪ": "ک", "ګ": "گ", "ة": "ه", "ۃ": "ه", "ە": "ه", "ہ": "ه", "ھ": "ه",
}  # fmt: skip
_CLEAN = {
    **{ord(a): ord(b) for a, b in _LETTERS.items()},
    **str.maketrans(ARABIC, PERSIAN),
    **dict.fromkeys(map(ord, "\ufeff\u200e\u200f\u061c\u00ad\u200b\u2060\u0640")),
    **dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)]),
}
_PRESENTATION = re.compile("[\ufb50-\ufdff\ufe70-\ufefc]+")
_STRAY_ZWNJ = re.compile(rf"{ZWNJ}+(?=\W|$)|(?:(?<=\W)|^){ZWNJ}+")
_SPACES = re.compile(r"[^\S\n]+")
_SAYS_SOMETHING = re.compile("[0-9A-Za-z]")  # the quick way, for millions of ids
_BLANKS = frozenset("-–—−_.…?؟/\\*,،")


def clean(text: str) -> str:
    """Return ``text`` in one spelling, fit to store and to show.

    Arabic letters that stand for Persian ones (ي ك ة ...) and presentation forms become
    Persian; Arabic-Indic digits become Persian ones (Latin digits stay); byte-order and
    direction marks, soft hyphens and tatweel go; spaces of any kind become one space,
    line breaks stay; half-spaces at the edge of a word go. Lost half-spaces are not
    repaired: match by ``key``. Cleaning twice is cleaning once.
    """
    text = _PRESENTATION.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    text = unicodedata.normalize("NFC", text).translate(_CLEAN)
    text = re.sub(f"{ZWNJ}{{2,}}", ZWNJ, text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _SPACES.sub(" ", _STRAY_ZWNJ.sub("", text))
    lines = (line.strip() for line in text.split("\n"))
    return unicodedata.normalize("NFC", "\n".join(lines).strip())


def key(text: str) -> str:
    """Return what two spellings of the same words share; for matching only.

    Drops spaces, half-spaces, marks (tanvin, hamza above, madda), punctuation and
    pictures; folds case; digits become Latin. A minus or decimal sign is dropped too, so
    numbers are compared by ``parse_number``, never by key.
    """
    folded = unicodedata.normalize("NFKD", clean(text).casefold()).translate(_CLEAN)
    kept = "".join(c for c in folded if unicodedata.category(c)[0] in "LN")
    return kept.translate(_TO_LATIN)


def is_blank(text: str) -> bool:
    """Say whether an answer is empty, or only dashes, dots and question marks."""
    if _SAYS_SOMETHING.search(text):
        return False
    return all(c in _BLANKS or c.isspace() for c in clean(text))


def to_latin_digits(text: str) -> str:
    """Return ``text`` with Persian and Arabic-Indic digits as 0-9; nothing else changes."""
    return text.translate(_TO_LATIN)


def to_persian_digits(text: str) -> str:
    """Return ``text`` with Latin and Arabic-Indic digits as ۰-۹; nothing else changes."""
    return text.translate(_TO_PERSIAN)


def is_rtl(language: str) -> bool:
    """Say whether ``language`` (an IETF tag such as "fa" or "fa-IR") is written from the right."""
    return language.replace("_", "-").split("-")[0].casefold() in RTL_LANGUAGES


def isolate(text: str) -> str:
    """Wrap ``text`` so that its direction and its neighbours' do not mix (FSI ... PDI)."""
    return f"\u2068{text}\u2069"
