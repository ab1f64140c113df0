"""A map of many stages and lanes whose texts are as bad as texts get."""

from __future__ import annotations

HOSTILE = (
    "<script>alert(1)</script>", "=cmd|' /C calc'!A0", '"><img src=x onerror=alert(1)>',
    "&lt;b&gt; {{ 7 * 7 }} {% if %}", "سلام (ABC) ۱۲۳ −۵ «نقل»", "{0} {name} %s",
)  # fmt: skip
LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenfabrik"


def make_wide_map(stages: int = 12, lanes: int = 14, *, lang: str = "en") -> dict:
    """A map of many stages and lanes; each cell holds a mark that says where it belongs."""
    kinds = [
        "emotion-curve", "actions", "channels", "quotes", "strengths", "pains", "needs",
        "opportunities", "metrics", "alignment-gap", "flow", "owners", "text", "systems",
    ]  # fmt: skip
    names = [f"Stage{i}x" for i in range(stages)]
    level = ("validated", "partial", "assumption")
    return {
        "schema": "cj.map/1", "id": "wide", "title": {"en": "Wide map", "fa": "نقشهٔ پهن"},
        "lang": lang, "dir": "rtl" if lang == "fa" else "ltr",
        "digits": "arabext" if lang == "fa" else "latn",
        "calendar": "persian" if lang == "fa" else "gregory",
        "kind": "journey-map", "state": "current", "basis": "actual", "version": "1.0.0",
        "personas": [{"id": "sara", "name": HOSTILE[0]}],
        "stages": [
            {"id": f"s{i}", "label": names[i], "kind": "retention", "customer_goal": LONG}
            for i in range(stages)
        ],
        "lanes": [
            {"id": f"l{j}", "kind": kinds[j % len(kinds)], "label": f"Lane{j}x"}
            for j in range(lanes)
        ],
        "cells": [
            {
                "lane": f"l{j}", "at": f"s{i}", "level": level[(i + j) % 3], "evidence": ["e"],
                "items": [f"Cell{i}y{j}z", HOSTILE[(i + j) % len(HOSTILE)]],
            }
            for j in range(lanes) for i in range(stages)
        ],
        "emotions": [
            {
                "at": f"s{i}", "value": {
                    "value": -1.5 + i / 4, "unit": "emotion", "n": 310,
                    "ci": {"lo": -1.8 + i / 4, "hi": -1.2 + i / 4, "level": 0.95, "method": "t"},
                },
            }
            for i in range(stages) if i != 3
        ],
        "findings": [
            {"id": "f", "kind": "pain", "at": "s0", "text": HOSTILE[2], "level": "validated",
             "evidence": ["e"], "rule": HOSTILE[3]},
        ],
        "evidence": [
            {"id": "e", "type": "quote", "source": HOSTILE[2], "text": HOSTILE[0],
             "row_ref": HOSTILE[1], "uri": "javascript:alert(1)"},
        ],
    }  # fmt: skip
