"""Figures: each draws a frame and computes nothing."""

from cjlib.plots.interviews import draw_agreement, draw_code_counts, draw_saturation
from cjlib.plots.metrics import (
    draw_answers,
    draw_differences,
    draw_goals,
    draw_metrics,
    draw_scorecard,
)
from cjlib.plots.style import INK, MUTED, PALETTE, RULE, label, new_axes, use_style
from cjlib.plots.survey import draw_cleaning, draw_code_shares, draw_flow, draw_quality

__all__ = [
    "INK",
    "MUTED",
    "PALETTE",
    "RULE",
    "draw_agreement",
    "draw_answers",
    "draw_cleaning",
    "draw_code_counts",
    "draw_code_shares",
    "draw_differences",
    "draw_flow",
    "draw_goals",
    "draw_metrics",
    "draw_quality",
    "draw_saturation",
    "draw_scorecard",
    "label",
    "new_axes",
    "use_style",
]
