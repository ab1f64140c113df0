"""Candidates for NPS, CSAT and CES among the rated items of an export."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from cjlib.survey.evidence import Column, Guess
from cjlib.survey.runs import RECOMMEND

SATISFIED: Final = re.compile(r"satisf|\bcsat\b|\bsat\b|راضی|رضایت")
EASY: Final = re.compile(
    r"how (?:easy|difficult)|\bease\b|\beasy (?:was|is|to)|made it easy|\bces\b|آسان|راحت بود"
)
EFFORT: Final = re.compile(r"\beffort|difficult|hard was|تلاش|زحمت|دشوار|سخت")


def mark_metric(column: Column, guess: Guess, *, run: tuple[int, int] | None) -> Guess:
    """Mark a rated column as a candidate for NPS, CSAT or CES, by its words and its ends."""
    words, item = column.words, guess.item
    if RECOMMEND.search(words):
        if item.kind == "scale" and (item.low, item.high) == (0.0, 10.0):
            return replace(guess, item=replace(item, metric="nps")).noting(
                "candidate for NPS: it asks for recommending, on 0 to 10"
            )
        ends = (item.low, item.high) if item.kind == "scale" else run
        if ends is not None and ends[1] is not None and ends[1] >= 9:
            return guess.noting(
                f"it asks for recommending but on {ends[0]:g} to {ends[1]:g}: no NPS, which is "
                "on 0 to 10"
            )
    if item.kind != "scale" or item.low is None or item.high is None:
        return guess
    if SATISFIED.search(words) or item.scale == "satisfaction":
        return replace(guess, item=replace(item, metric="csat")).noting(
            "candidate for CSAT: it asks for satisfaction"
        )
    if EASY.search(words) or item.scale == "ease":
        told = "a high answer means ease, if the form says so"
    elif EFFORT.search(words):
        told = "a high answer means effort: reverse it before it counts as ease"
    else:
        return guess
    return replace(guess, item=replace(item, metric="ces")).noting(f"candidate for CES: {told}")
