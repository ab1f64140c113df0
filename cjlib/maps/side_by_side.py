"""Two to eight maps on one page: every lane of each under the same stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from cjlib.errors import JourneyError
from cjlib.maps.checking import require_map
from cjlib.maps.curve import draw_curve
from cjlib.maps.fonts import embed_fonts
from cjlib.maps.numbers import Voice
from cjlib.maps.rendering import A3_FROM, letters_of, list_levels, map_styles, read_template
from cjlib.maps.view import Cell, MapView
from cjlib.maps.words import say

FEWEST, MOST = 2, 8  # maps on one page


def render_side_by_side(
    maps: Sequence[dict[str, Any]], *, language: str | None = None, root: str | None = None
) -> str:
    """Return one page with several maps: today and the future, or several personas.

    One table: stages are columns, and each lane is a group of rows, one for each map, so
    that what is compared stands one below the other. The maps' stages and lanes are put
    together by their ids, in the order of the first map; where a map lacks one, its cell says
    so. Each cell says how well it is founded and opens to its evidence. No script.

    Parameters
    ----------
    maps : list of dict
        Two to eight maps, such as ``[today, plan_future(today, changes)]``.
    language : "en" or "fa", optional
        The first map's own by default.
    root : str, optional
        Where the folder of results lies from the page; see ``render_html``.

    Raises
    ------
    JourneyError
        For fewer than two maps or more than eight.
    MapError
        If a map has faults.
    """
    if not FEWEST <= len(maps) <= MOST:
        raise JourneyError(
            f"render_side_by_side: maps must be {FEWEST} to {MOST}; got {len(maps):,}."
        )
    for m in maps:
        require_map(m, caller="render_side_by_side")
    voice = Voice.of(maps[0], language)
    stages, lanes = _union(maps, "stages"), _union(maps, "lanes")
    groups = _groups(maps, stages, lanes, voice, root)
    title = " | ".join(dict.fromkeys(say(m["title"], voice.language)[0] for m in maps))
    body = read_template("side_by_side.html").render(
        language=voice.language, direction=voice.direction, voice=voice, title=title,
        heading=voice.words("side_by_side"), groups=groups, levels=list_levels(voice),
        stages=[{"id": s["id"], "label": voice.text(s["label"])} for s in stages],
        css=Markup(map_styles()), fonts=Markup("{fonts}"),
        paper="A3" if len(stages) >= A3_FROM else "A4",
    )  # fmt: skip
    return body.replace("{fonts}", embed_fonts(letters_of(body)), 1)


def _union(maps: Sequence[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Return the stages or lanes of all maps, once each; a new one after its neighbour."""
    rows: list[dict[str, Any]] = []
    for m in maps:
        place = 0
        for row in m[name]:
            known = [r["id"] for r in rows]
            if row["id"] in known:
                place = known.index(row["id"]) + 1
            else:
                rows.insert(place, row)
                place += 1
    return rows


def _names(maps: Sequence[dict[str, Any]], voice: Voice) -> list[Markup]:
    """Name each map by what tells it from the others: its state, its persona, or both."""
    states = [str(m["state"]) for m in maps]
    people = [[p["name"] for p in m["personas"]] for m in maps]
    names = []
    for state, who in zip(states, people, strict=True):
        parts = [Markup.escape(voice.words(f"state_{state}"))] if len(set(states)) > 1 else []
        if any(who != other for other in people):
            parts += [voice.text(name) for name in who]
        names.append(Markup(" · ").join(parts))
    return [
        name if name and names.count(name) == 1
        else Markup("{} {}").format(voice.words("number", number=i), name)
        for i, name in enumerate(names, 1)
    ]  # fmt: skip


def _groups(
    maps: Sequence[dict[str, Any]], stages: list[dict[str, Any]], lanes: list[dict[str, Any]],
    voice: Voice, root: str | None,
) -> list[dict[str, Any]]:  # fmt: skip
    names = _names(maps, voice)
    whole = [_complete(m, stages, lanes) for m in maps]
    views = [{row.id: row for row in MapView(m, voice, root=root).rows()} for m in whole]
    groups = []
    for lane in lanes:
        rows = []
        for i, (m, view, name) in enumerate(zip(maps, views, names, strict=True)):
            own = {s["id"] for s in m["stages"]}
            has_lane = any(x["id"] == lane["id"] for x in m["lanes"])
            cells: list[Cell | None] = [
                cell if has_lane and cell.stage in own else None for cell in view[lane["id"]].cells
            ]
            curve = Markup("")
            if lane["kind"] == "emotion-curve" and has_lane:
                curve = draw_curve(whole[i], voice, prefix=f"side-{i}")
            rows.append({"name": name, "cells": cells, "curve": curve})
        groups.append({"id": lane["id"], "kind": lane["kind"],
                       "label": voice.text(lane["label"]), "rows": rows})  # fmt: skip
    return groups


def _complete(
    m: dict[str, Any], stages: list[dict[str, Any]], lanes: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the map with every stage and lane of all the maps, its own where it has them."""
    own = {name: {row["id"]: row for row in m[name]} for name in ("stages", "lanes")}
    bare = [{"id": s["id"], "label": s["label"]} for s in stages]
    return m | {
        "stages": [own["stages"].get(s["id"], s) for s in bare],
        "lanes": [own["lanes"].get(x["id"], x) for x in lanes],
    }
