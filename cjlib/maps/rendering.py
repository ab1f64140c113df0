"""A map as one HTML table with its emotion curve: self-contained, without script."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from cjlib.language import to_persian_digits
from cjlib.maps.checking import require_map
from cjlib.maps.curve import draw_curve, draw_level
from cjlib.maps.fonts import embed_fonts
from cjlib.maps.numbers import Voice
from cjlib.maps.versions import find_staleness
from cjlib.maps.view import MapView
from cjlib.maps.words import say

A3_FROM = 8  # stages from which a page needs A3 to stay readable


def render_html(
    journey_map: dict[str, Any],
    *,
    language: str | None = None,
    root: str | None = None,
    today: date | None = None,
    checksum: str | None = None,
) -> str:
    """Return a map as a whole page that needs nothing from outside and no script.

    Parameters
    ----------
    journey_map : dict
        As ``build_map`` makes it or ``load_map`` reads it.
    language : "en" or "fa", optional
        The map's own by default; another language brings its own digits and calendar.
    root : str, optional
        Where the folder of results lies from the page, such as "..": paths of evidence then
        become links to the tables. None: they are told, without a link.
    today : date, optional
        With it the page says above the map why it should be looked at again, if it should;
        see ``find_staleness``.
    checksum : str, optional
        Of the data as they are now, for the same.

    Raises
    ------
    MapError
        If the map has faults.
    """
    voice = Voice.of(journey_map, language)
    fragment = map_fragment(
        journey_map, language=language, root=root, today=today, checksum=checksum
    )
    title = say(journey_map["title"], voice.language)[0]
    return read_template("page.html").render(
        language=voice.language, direction=voice.direction, title=title,
        fragment=Markup(fragment), css=Markup(map_styles()),
        fonts=Markup(embed_fonts(letters_of(fragment) + title)),
        paper="A3" if len(journey_map["stages"]) >= A3_FROM else "A4",
    )  # fmt: skip


def map_fragment(
    journey_map: dict[str, Any],
    *,
    language: str | None = None,
    appendix: bool = True,
    root: str | None = None,
    today: date | None = None,
    checksum: str | None = None,
) -> str:
    """Return a map as a ``<section class="cjmap">`` for a page that has ``map_styles()``.

    One table: stages are columns, lanes are rows, the curve stands under the stages' names
    and its values in cells below it. Each cell says how well it is founded, by a mark and in
    words, and opens to its evidence.

    Parameters
    ----------
    appendix : bool
        Add the table of all evidence, to which the cells then point (and which is what a
        printed page has instead of the cells' own lists), and the change log.
    root, today, checksum
        As ``render_html`` takes them.
    """
    require_map(journey_map, caller="map_fragment")
    voice = Voice.of(journey_map, language)
    view, m = MapView(journey_map, voice, root=root), journey_map
    prefix = f"map-{m['id']}"
    view.anchor = f"{prefix}-e-" if appendix else ""
    stale = find_staleness(m, today=today, checksum=checksum, language=voice.language)
    rows = view.rows()
    has_curve = any(row.kind == "emotion-curve" for row in rows)
    return read_template("fragment.html").render(
        prefix=prefix, voice=voice, title=voice.text(m["title"]), rows=rows,
        personas=[_persona(p, view) for p in m["personas"]],
        journey=view.metrics("journey"), facts=_facts(m, voice), levels=list_levels(voice),
        legend=_legend(m, voice) if has_curve else [], appendix=appendix,
        stages=[
            {"id": s["id"], "label": voice.text(s["label"]),
             "goal": voice.text(s["customer_goal"]) if s.get("customer_goal") else ""}
            for s in m["stages"]
        ],
        curve=_curves(m, voice, prefix) if has_curve else "",
        evidence=view.evidence(), comma="، " if voice.digits == "arabext" else ", ",
        stale=stale, changelog=_changelog(m, voice) if appendix else [],
    )  # fmt: skip


def _curves(m: dict[str, Any], voice: Voice, prefix: str) -> Markup:
    """Return the emotion curve, or one for each persona under its name."""
    if len(m["personas"]) < 2:
        return draw_curve(m, voice, prefix=prefix)
    return Markup("").join(
        Markup('<p class="whose">{}</p>{}').format(
            voice.text(p["name"]), draw_curve(m, voice, prefix=f"{prefix}-{i}", persona=p["id"])
        )
        for i, p in enumerate(m["personas"])
    )


def map_styles() -> str:
    """Return the CSS of maps; every rule is for ``.cjmap`` only."""
    return (resources.files("cjlib") / "maps" / "map.css").read_text(encoding="utf-8")


def _persona(persona: dict[str, Any], view: MapView) -> dict[str, Any]:
    alone = persona["id"] == "everybody" and not persona.get("needs")  # the title says it
    return {
        "name": "" if alone else view.voice.text(persona["name"]),
        "share": view.voice.estimate(persona["share"]) if persona.get("share") else "",
        "needs": view.items(persona.get("needs", [])),
    }


def _facts(m: dict[str, Any], voice: Voice) -> list[Markup]:
    """Version, data, review date and whether the data are invented, one line each."""
    made = m.get("provenance", {})
    digits = to_persian_digits if voice.digits == "arabext" else str
    period, review = made.get("period", {}), m.get("review", {})

    def isolated(key: str, **texts: str) -> Markup:
        places = {name: "{" + name + "}" for name in texts}
        parts = {
            name: Markup('<bdi dir="ltr">{}</bdi>').format(digits(t)) for name, t in texts.items()
        }
        return Markup.escape(voice.words(key, **places)).format(**parts)

    facts = [isolated("version", version=m["version"])]
    if made.get("synthetic"):
        facts.append(Markup.escape(voice.words("simulated")))
    if "from" in period and "to" in period:
        facts.append(
            isolated("period", start=voice.day(period["from"]), end=voice.day(period["to"]))
        )
    if "next_review" in review:
        facts.append(isolated("next_review", date=voice.day(review["next_review"])))
    return facts


def _changelog(m: dict[str, Any], voice: Voice) -> list[dict[str, Any]]:
    """Return what became of the map, the newest version first."""
    digits = to_persian_digits if voice.digits == "arabext" else str
    return [
        {
            "version": digits(entry["version"]), "on": voice.day(entry["on"]),
            "by": entry.get("by", ""), "note": voice.text(entry["note"]),
        }
        for entry in reversed(m.get("changelog", []))
    ]  # fmt: skip


def list_levels(voice: Voice) -> list[dict[str, Any]]:
    """Return the mark of each level of evidence with what it means."""
    return [
        {"mark": draw_level(level), "words": voice.words(f"legend_{level}")}
        for level in ("validated", "partial", "assumption")
    ]


def _legend(m: dict[str, Any], voice: Voice) -> list[str]:
    levels = [e["value"].get("ci", {}).get("level", 0.95) for e in m.get("emotions", [])]
    level = levels[0] if levels else 0.95
    return [
        voice.words("curve_axis"),
        voice.words("legend_circle"),
        voice.words("legend_diamond"),
        voice.words("legend_band", level=round(level * 100)),
    ]


def letters_of(markup: str) -> str:
    """Return the characters a page may show: those of its markup, and the marks of its CSS.

    Latin ones every page has, so they are left out; of Arabic ones the first stands for all,
    since ``embed_fonts`` takes all or none. Entities stand for Latin characters only.
    """
    arabic = re.search("[\u0600-\u06ff]", markup)
    rest = set(re.sub("[\x00-\x7f\u0600-\u06ff]+", "", markup))
    return "".join(sorted(rest)) + (arabic[0] if arabic else "") + "“”«»·…–—[]().,%٪"


def list_lines(lines: list[Markup]) -> Markup:
    """Return lines as a paragraph, or as a list where there are several; they are escaped."""
    if len(lines) < 2:
        return Markup("").join(Markup("<p>{}</p>").format(line) for line in lines)
    items = Markup("</li><li>").join(lines)
    return Markup(f"<ul><li>{items}</li></ul>")


def list_sources(evidence: list[dict[str, Any]]) -> Markup:
    """Return the pieces of evidence of a cell as the entries of a list."""
    entries = Markup("</li><li>").join(e["line"] for e in evidence)
    return Markup(f"<li>{entries}</li>")


def _fill(text: str, part: Markup) -> Markup:
    return Markup.escape(text).format(part)


@lru_cache(maxsize=4)
def read_template(name: str) -> Template:
    """Return one of the templates of this package; it escapes all it is given."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "fill": _fill, "listed": list_lines, "sources": list_sources,
    }  # fmt: skip
    text = (resources.files("cjlib") / "maps" / name).read_text(encoding="utf-8")
    return environment.from_string(text)
