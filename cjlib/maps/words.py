"""The kit's own phrases in both languages, as the texts of a map."""

from __future__ import annotations

from typing import Any

from cjlib.language import phrase, to_persian_digits

LANGUAGES = ("en", "fa")


def both(key: str, **values: Any) -> dict[str, str]:
    """Return a phrase as ``{en, fa}``; a value that is ``{en, fa}`` itself fills its own side."""
    made = {}
    for language in LANGUAGES:
        own = {
            name: value[language] if isinstance(value, dict) else str(value)
            for name, value in values.items()
        }
        if language == "fa":
            own = {
                name: to_persian_digits(text) if text.isdecimal() else text
                for name, text in own.items()
            }
        made[language] = phrase(key, language, **own)
    return made


def say(text: Any, language: str) -> tuple[str, str]:
    """Return a map text in ``language`` and the language it is in ("" where it does not say).

    A text not given in ``language`` comes in the first one there is, by name.
    """
    if isinstance(text, dict):
        for choice in (language, *sorted(text)):
            if text.get(choice):
                return str(text[choice]), choice
        return "", ""
    return str(text), ""
