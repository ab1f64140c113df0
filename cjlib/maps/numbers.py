"""Estimates in words and digits: signed, with interval and n, the right way round in Persian."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Any

from markupsafe import Markup, escape

from cjlib.language import format_date, format_number, is_rtl, phrase
from cjlib.maps.words import say

SIGNED = ("emotion", "points")
MINUS = "\u2212"


@dataclass(frozen=True, slots=True)
class Voice:
    """How a rendering speaks: language, digits and calendar."""

    language: str
    digits: str
    calendar: str

    @classmethod
    def of(cls, journey_map: dict[str, Any], language: str | None) -> Voice:
        """Return the map's own voice, or that of another language with its usual digits."""
        own = str(journey_map["lang"])
        if language is None or language == own:
            return cls(
                own, journey_map.get("digits", "latn"), journey_map.get("calendar", "gregory")
            )
        persian = language == "fa"
        return cls(language, "arabext" if persian else "latn", "persian" if persian else "gregory")

    @property
    def direction(self) -> str:
        """The direction of the page: rtl or ltr."""
        return "rtl" if is_rtl(self.language) else "ltr"

    def words(self, key: str, **values: Any) -> str:
        """Return a phrase of the map, counts in the voice's digits."""
        shown = {
            name: self.count(value) if isinstance(value, int) else str(value)
            for name, value in values.items()
        }
        return phrase(f"map.{key}", self.language, **shown)

    def count(self, value: float) -> str:
        """Return a whole number in the voice's digits."""
        return format_number(value, self.digits, decimals=0)

    def day(self, text: str) -> str:
        """Return an ISO date in the voice's calendar and digits."""
        return format_date(date.fromisoformat(text), calendar=self.calendar, digits=self.digits)

    def text(self, text: Any) -> Markup:
        """Return a map text, escaped, kept apart from the direction of its neighbours."""
        said, language = say(text, self.language)
        if language and language != self.language:
            return Markup(f'<bdi lang="{escape(language)}">{escape(said)}</bdi>')
        return Markup(f"<bdi>{escape(said)}</bdi>")

    def number(self, value: float, *, unit: str, decimals: int) -> str:
        """Return a number of a unit: shares as percent, emotions and points with their sign."""
        shown = value * 100 if unit == "share" else value
        text = format_number(abs(shown), self.digits, decimals=decimals)
        zero = not text.strip("0.,\u06f0\u066b\u066c")
        if unit in SIGNED and not zero:
            text = (MINUS if shown < 0 else "+") + text
        elif shown < 0 and not zero:
            text = MINUS + text
        if unit == "share":
            return text + ("\u066a" if self.digits == "arabext" else "%")
        return text

    def estimate(self, kept: dict[str, Any]) -> Markup:
        """Return an estimate as a reader sees it: value, interval and n, or why there is none."""
        if kept.get("value") is None:
            why = {"too-few": "too_few", "suppressed": "suppressed"}
            text = self.words(why.get(str(kept.get("why")), "unknown"))
            return Markup('<span class="none">{}</span>{}').format(text, self._people(kept))
        unit = str(kept.get("unit", "score"))
        if unit == "count" and "n" in kept:
            words = "written_by" if kept.get("denominator") == "people who wrote" else "heard_in"
            text = self.words(words, value=int(kept["value"]), n=int(kept["n"]))
            return Markup('<small class="heard">{}</small>').format(text)
        decimals = decimals_of(kept)
        text = self.number(float(kept["value"]), unit=unit, decimals=decimals)
        if "ci" in kept:
            ends = [
                self.number(float(kept["ci"][end]), unit=unit, decimals=decimals)
                for end in ("lo", "hi")
            ]
            comma = "\u060c " if self.digits == "arabext" else ", "
            text += f" [{comma.join(ends)}]"
        shown = Markup(f'<bdi dir="ltr" class="value">{escape(text)}</bdi>')
        if kept.get("denominator") == "people who wrote":
            shown = Markup.escape(self.words("of_writers", value="{}")).format(shown)
        if unit in ("days", "minutes"):
            shown = Markup.escape(self.words(unit, value="{}")).format(shown)
        return Markup(f"{shown}{self._people(kept)}")  # both are markup

    def _people(self, kept: dict[str, Any]) -> Markup:
        if "n" not in kept:
            return Markup("")
        said = phrase("n_is", self.language, n=self.count(kept["n"]))
        return Markup(f' <small class="n"><bdi>{escape(said)}</bdi></small>')


def decimals_of(kept: dict[str, Any]) -> int:
    """Return the decimals an estimate deserves: down to where half its interval begins."""
    if kept.get("unit") == "emotion":
        return 2  # alike along the curve
    scale = 100.0 if kept.get("unit") == "share" else 1.0
    if "ci" not in kept:
        return 0 if kept.get("unit") in ("share", "count") else 1
    half = (float(kept["ci"]["hi"]) - float(kept["ci"]["lo"])) / 2 * scale
    return 1 if half <= 0 else min(3, max(0, -math.floor(math.log10(half))))
