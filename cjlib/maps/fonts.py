"""The kit's font inside a page: only the letters that the page uses, so that it stays small."""

from __future__ import annotations

import base64
import io
from functools import lru_cache
from importlib import resources

from fontTools import subset  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

WEIGHTS = (("Regular", 400), ("Bold", 700))
LATIN = (
    "".join(map(chr, range(0x20, 0x7F)))
    + "\u2009\u2010\u2013\u2014\u2018\u2019\u201c\u201d\u2026\u2212·«»"
)
ARABIC = "".join(map(chr, range(0x600, 0x700))) + "\u200c\u200d\u200e\u200f"


def embed_fonts(text: str) -> str:
    """Return CSS that embeds Vazirmatn, cut to what ``text`` needs.

    Latin letters always, Arabic ones with all their joined forms where the text has any, and
    whatever else it uses; so most pages share one cut. The same needs give the same bytes.
    """
    needed = set(text) | set(LATIN)
    if needed & set(ARABIC):
        needed |= set(ARABIC)
    letters = "".join(sorted(needed))
    return "\n".join(
        "@font-face { font-family: Vazirmatn; font-style: normal; font-weight: "
        f"{weight}; src: url(data:font/ttf;base64,{_subset(name, letters)}) format('truetype'); }}"
        for name, weight in WEIGHTS
    )


@lru_cache(maxsize=32)
def _subset(name: str, letters: str) -> str:
    raw = (resources.files("cjlib") / "fonts" / f"Vazirmatn-{name}.ttf").read_bytes()
    options = subset.Options()
    options.layout_features = ["*"]
    options.hinting = False
    options.recalc_timestamp = False
    font = TTFont(io.BytesIO(raw), recalcTimestamp=False)
    cutter = subset.Subsetter(options)
    cutter.populate(text=letters)
    cutter.subset(font)
    out = io.BytesIO()
    font.save(out)
    return base64.b64encode(out.getvalue()).decode("ascii")
