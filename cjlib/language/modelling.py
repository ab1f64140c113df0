"""Spelling for models: the third strength, which forgets what a reader would miss."""

from __future__ import annotations

import re

from cjlib.language.script import ARABIC, LATIN, PERSIAN, ZWNJ, clean

_LINK = re.compile(r"(?:https?://|www\.)\S+")
_MAIL = re.compile(r"[^\s@<>()]+@[^\s@<>()]+\.[^\s@<>()]+")
_LONG_LATIN = re.compile(r"([a-z])\1{2,}")
_LONG_OTHER = re.compile(r"([^\W\d_a-z])\1{2,}")
_LONG_SIGN = re.compile(r"([^\w\s])\1{2,}")
_FOLD = {
    **dict.fromkeys(map(ord, LATIN + PERSIAN + ARABIC), "0"),
    **dict.fromkeys([*range(0x064B, 0x0656), 0x0670]),  # vowel marks, tanvin, hamza above
    **str.maketrans("آأإٱؤۀ", "ااااوه"),
    ord(ZWNJ): " ",
}


def for_model(text: str) -> str:
    """Return ``text`` as a model of words should see it; never stored, never shown.

    ``clean``, and further: small letters; links become "url" and addresses of mail "mail";
    every digit becomes 0, so that "35" and "۹۰" are the same kind of number; vowel marks go,
    آ أ إ become ا; half-spaces become spaces («نمی‌خواهم» and «نمی خواهم» are the same);
    a letter written three times or more is written once («عااالی», "soooo"), a Latin one
    twice ("goood" and "good" meet, "sooo" and "soo" too), a sign twice. No word is dropped.
    Doing it twice is doing it once.
    """
    text = clean(text).casefold()
    text = _MAIL.sub(" mail ", _LINK.sub(" url ", text)).translate(_FOLD)
    text = _LONG_OTHER.sub(r"\1", _LONG_LATIN.sub(r"\1\1", text))
    return " ".join(_LONG_SIGN.sub(r"\1\1", text).split())
