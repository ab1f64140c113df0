"""What the kit itself says, in both languages, from one table."""

from __future__ import annotations

import csv
import io
from functools import lru_cache
from importlib import resources
from typing import Any

from cjlib.errors import JourneyError, nearest


def phrase(name: str, language: str = "en", **values: Any) -> str:
    """Return one of the kit's own phrases in ``language``, its ``{places}`` filled.

    Parameters
    ----------
    name : str
        Key in cjlib/phrases.csv, such as ``too_few`` or ``map.stage``.
    language : "en" or "fa"
    **values
        What fills the places of the phrase; format numbers first (``format_number``).

    Raises
    ------
    JourneyError
        For an unknown key or language, or a place without a value.
    """
    known = read_phrases()
    if name not in known:
        near = nearest(name, known)
        hint = f" Did you mean {near!r}?" if near else ""
        raise JourneyError(
            f"phrase: the key must stand in cjlib/phrases.csv; {name!r} does not.{hint}"
        )
    if language not in ("en", "fa"):
        raise JourneyError(f"phrase: language must be 'en' or 'fa'; got {language!r}.")
    try:
        return known[name][language].format(**values)
    except (KeyError, IndexError) as error:
        raise JourneyError(
            f"phrase: every place of {name!r} needs a value; {error} has none. "
            f"The phrase is {known[name][language]!r}."
        ) from None


@lru_cache(maxsize=1)
def read_phrases() -> dict[str, dict[str, str]]:
    """Return key -> {en, fa}; raises where a key comes twice or a language is empty."""
    file = resources.files("cjlib") / "phrases.csv"
    phrases: dict[str, dict[str, str]] = {}
    reader = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8")))
    for row in reader:
        name, en, fa = row["key"], row["en"], row["fa"]
        if not name or not en or not fa or len(row) > 3 or name in phrases:
            raise JourneyError(
                "read_phrases: each row of cjlib/phrases.csv must be key,en,fa, each key "
                f"once; line {reader.line_num} ({name!r}) is not. Mend it."
            )
        phrases[name] = {"en": en, "fa": fa}
    return phrases
