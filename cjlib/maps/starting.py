"""Starting points: maps by industry in which every cell is an assumption to be tested."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pandas as pd

from cjlib.errors import JourneyError, nearest
from cjlib.maps.checking import require_map
from cjlib.maps.evidence import make_id
from cjlib.maps.words import LANGUAGES, say


def list_map_templates() -> pd.DataFrame:
    """List the maps one can start from.

    Returns
    -------
    DataFrame
        ``name``, for ``new_map``; ``title_en, title_fa``; ``stages``: their number;
        ``stage_names``: their English names, joined by commas.
    """
    rows = []
    for name in _names():
        m = _read(name)
        title = m["x_template"]["title"]
        labels = [say(stage["label"], "en")[0] for stage in m["stages"]]
        rows.append((name, title["en"], title["fa"], len(labels), ", ".join(labels)))
    columns = ["name", "title_en", "title_fa", "stages", "stage_names"]
    return pd.DataFrame(rows, columns=columns)


def new_map(
    template: str, *, brand: str | dict[str, str], language: str = "en", owner: str = ""
) -> dict[str, Any]:
    """Return a map to start from: an industry's stages with what is typical there.

    Its actions, touchpoints, channels, questions, pains and KPIs are typical ones, written
    from no data; every cell is an assumption without evidence until research has been done.
    Texts are in English and Persian.

    Parameters
    ----------
    template : str
        A name of ``list_map_templates``.
    brand : str or {en, fa}
        Goes into the title.
    language : "en" or "fa"
        What the map is shown in; Persian brings its digits, calendar and direction.
    owner : str
        Who keeps the map current.

    Raises
    ------
    JourneyError
        For a template or language that there is not, or an empty brand.
    """
    if template not in _names():
        near = nearest(template, _names())
        raise JourneyError(
            f"new_map: template must be one of {', '.join(_names())}; got '{template}'."
            + (f" Did you mean '{near}'?" if near else "")
        )
    if language not in LANGUAGES:
        raise JourneyError(f"new_map: language must be 'en' or 'fa'; got '{language}'.")
    names = dict.fromkeys(LANGUAGES, brand) if isinstance(brand, str) else brand
    if not all(str(names.get(lang, "")).strip() for lang in LANGUAGES):
        raise JourneyError(
            f"new_map: brand must be a name, or one in each language; got {brand!r}. "
            "Write brand='Sepidar' or brand={'en': 'Sepidar', 'fa': 'سپیدار'}."
        )
    m = _read(template)
    persian = language == "fa"
    m["id"] = make_id("map", names["en"], template)
    m["title"] = {lang: m["title"][lang].replace("{brand}", names[lang]) for lang in LANGUAGES}
    m |= {
        "lang": language, "dir": "rtl" if persian else "ltr",
        "digits": "arabext" if persian else "latn", "calendar": "persian" if persian else "gregory",
    }  # fmt: skip
    if owner:
        m["review"] = {"owner": owner}
    require_map(m, caller="new_map")
    return m


def _names() -> list[str]:
    folder = resources.files("cjlib.templates") / "maps"
    return sorted(file.name[:-5] for file in folder.iterdir() if file.name.endswith(".json"))


def _read(name: str) -> dict[str, Any]:
    file = resources.files("cjlib.templates") / "maps" / f"{name}.json"
    made: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return made
