"""The emotion curve as inline SVG: drawn under the stages' columns, readable without colour."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from cjlib.maps.estimates import EMOTION_HIGH, EMOTION_LOW
from cjlib.maps.numbers import MINUS, Voice, decimals_of
from cjlib.maps.words import say

HEIGHT = 190  # of the picture, in its own units; so are the widths
COLUMN, NARROWEST = 200, 1200  # a stage's width, and the picture's where stages are few
TOP, BOTTOM = 34, 160  # where +2 and -2 stand
BLUE, RED, PALE, LINE, GREY = "#174ea6", "#a50e0e", "#d2e3fc", "#bdc1c6", "#5f6368"


@dataclass(frozen=True, slots=True)
class Point:
    """One stage on the curve; x and y in units of the picture."""

    x: float
    y: float
    top: float
    bottom: float
    text: str
    above: bool


def draw_curve(
    journey_map: dict[str, Any], voice: Voice, *, prefix: str, persona: str = ""
) -> Markup:
    """Return the emotion curve of the map's customers as an SVG element.

    Columns are as wide as each other, in reading order: mirrored for Persian. Circles stand
    at or above the middle, diamonds below it; bars are the intervals, joined to a band. The
    line breaks where a stage has no value. Presentation attributes and digits only: printers
    may know no CSS in SVG (WeasyPrint), and put the letters of its Persian words in the wrong
    order.
    """
    stages = journey_map["stages"]
    step = max(COLUMN, NARROWEST // len(stages))
    width = step * len(stages)
    found = [
        e for e in journey_map.get("emotions", [])
        if e.get("view", "customer") == "customer" and persona in ("", e.get("persona", persona))
    ]  # fmt: skip
    known = {e["at"]: e for e in found if e["value"].get("value") is not None}
    points: list[Point | None] = []
    parts = [_grid(width, voice)]
    for i, stage in enumerate(stages):
        column = len(stages) - 1 - i if voice.direction == "rtl" else i
        x = (column + 0.5) * step
        emotion = known.get(stage["id"])
        points.append(_point(x, emotion, voice) if emotion else None)
        if emotion is None:
            parts.append(_words(x, _height(0.0) - 8, "\u2013", GREY, 13))
    for run in _runs(points):
        parts.append(_band(run))
    parts += [_mark(point) for point in points if point]
    nothing = voice.words("unknown")
    described = " ".join(
        f"{say(stage['label'], voice.language)[0]}: {point.text if point else nothing}."
        for stage, point in zip(stages, points, strict=True)
    )
    low, high = (
        voice.number(end, unit="emotion", decimals=0) for end in (EMOTION_LOW, EMOTION_HIGH)
    )
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {} {}" width="100%" '
        'aria-labelledby="{}-t {}-d" font-family="Vazirmatn, sans-serif">'
        '<title id="{}-t">{}</title><desc id="{}-d">{}</desc>{}</svg>'
    ).format(
        width, HEIGHT, prefix, prefix, prefix, voice.words("curve_title"), prefix,
        voice.words("curve_desc", low=low, high=high, points=described),
        Markup("").join(parts),
    )  # fmt: skip


@lru_cache(maxsize=4)
def draw_level(level: str) -> Markup:
    """Return the mark of an evidence level: a circle filled, half filled or empty."""
    inside = {
        "validated": Markup('<circle cx="6" cy="6" r="5" fill="#202124"/>'),
        "partial": Markup('<path d="M6 1 A5 5 0 0 0 6 11 Z" fill="#202124"/>'),
        "assumption": Markup(""),
    }[level]
    return Markup(
        '<svg class="mark" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true" '
        'focusable="false"><circle cx="6" cy="6" r="5" fill="#ffffff" stroke="#202124" '
        'stroke-width="1.4"/>{}</svg>'
    ).format(inside)


def _height(value: float) -> float:
    inside = min(EMOTION_HIGH, max(EMOTION_LOW, value))
    return TOP + (EMOTION_HIGH - inside) / (EMOTION_HIGH - EMOTION_LOW) * (BOTTOM - TOP)


def _point(x: float, emotion: dict[str, Any], voice: Voice) -> Point:
    kept = _on_curve(emotion)
    value, ci = float(kept["value"]), kept.get("ci")
    ends = (float(ci["lo"]), float(ci["hi"])) if ci else (value, value)
    text = voice.number(value, unit="emotion", decimals=decimals_of(kept))
    return Point(
        x, _height(value), _height(ends[1]), _height(ends[0]), text, not text.startswith(MINUS)
    )


def _on_curve(emotion: dict[str, Any]) -> dict[str, Any]:
    """Return the emotion's estimate on -2 to 2, moved where its map has another scale."""
    kept, scale = emotion["value"], emotion.get("scale")
    low, high = (scale["min"], scale["max"]) if scale else (EMOTION_LOW, EMOTION_HIGH)
    if (low, high) == (EMOTION_LOW, EMOTION_HIGH) or high <= low:
        return dict(kept)
    width = (EMOTION_HIGH - EMOTION_LOW) / (high - low)
    moved = dict(kept) | {"value": EMOTION_LOW + (kept["value"] - low) * width}
    if "ci" in kept:
        ends = {end: EMOTION_LOW + (kept["ci"][end] - low) * width for end in ("lo", "hi")}
        moved["ci"] = kept["ci"] | ends
    return moved


def _grid(width: float, voice: Voice) -> Markup:
    lines = []
    for value in (2, 0, -2):
        y = _height(value)
        dash = "" if value == 0 else Markup(' stroke-dasharray="3 5"')
        lines.append(
            Markup('<line x1="0" x2="{}" y1="{}" y2="{}" stroke="{}"{}/>').format(
                width, f"{y:g}", f"{y:g}", LINE, dash
            )
        )
        edge = width - 4 if voice.direction == "rtl" else 4
        number = voice.number(value, unit="emotion", decimals=0)
        lines.append(
            Markup(
                '<text x="{}" y="{}" font-size="11" fill="{}" text-anchor="{}" direction="ltr">'
                "{}</text>"
            ).format(
                edge, f"{y - 4:g}", GREY, "end" if voice.direction == "rtl" else "start", number
            )
        )
    return Markup("").join(lines)


def _runs(points: list[Point | None]) -> list[list[Point]]:
    runs: list[list[Point]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if len(run) > 1]


def _band(run: list[Point]) -> Markup:
    ends = [(p.x, p.top) for p in run] + [(p.x, p.bottom) for p in reversed(run)]
    return Markup(
        '<polygon points="{}" fill="{}" fill-opacity="0.6"/>'
        '<polyline points="{}" fill="none" stroke="{}" stroke-width="2.5"/>'
    ).format(_pairs(ends), PALE, _pairs([(p.x, p.y) for p in run]), BLUE)


def _mark(point: Point) -> Markup:
    bar = Markup(
        '<line x1="{}" x2="{}" y1="{}" y2="{}" stroke="#202124" stroke-width="1.6"/>'
    ).format(f"{point.x:g}", f"{point.x:g}", f"{point.top:.1f}", f"{point.bottom:.1f}")
    if point.above:
        shape = Markup('<circle cx="{}" cy="{}" r="7" fill="{}"/>').format(
            f"{point.x:g}", f"{point.y:.1f}", BLUE
        )
    else:
        corners = [(0, -9), (9, 0), (0, 9), (-9, 0)]
        shape = Markup('<polygon points="{}" fill="{}"/>').format(
            _pairs([(point.x + dx, point.y + dy) for dx, dy in corners]), RED
        )
    y = min(point.top, point.y - 9) - 6
    return bar + shape + _words(point.x, y, point.text, "#202124", 15, bold=True)


def _words(
    x: float, y: float, text: str, fill: str, size: int, *, bold: bool = False
) -> Markup:  # fmt: skip
    weight = Markup(' font-weight="700"') if bold else Markup("")
    return Markup(
        '<text x="{}" y="{}" font-size="{}"{} fill="{}" text-anchor="middle" '
        'direction="ltr">{}</text>'
    ).format(f"{x:g}", f"{y:.1f}", size, weight, fill, text)


def _pairs(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:.1f}" for x, y in points)
