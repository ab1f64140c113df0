"""Figures: each draws a frame and computes nothing."""

from cjlib.plots.style import INK, MUTED, PALETTE, RULE, label, new_axes, use_style

__all__ = ["INK", "MUTED", "PALETTE", "RULE", "label", "new_axes", "use_style"]
