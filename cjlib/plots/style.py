"""Looks shared by every figure: fonts that carry Persian, colours safe for all eyes."""

from __future__ import annotations

from importlib import resources
from typing import Final

import matplotlib as mpl
import seaborn as sns
from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

# Okabe and Ito (2008), the order chosen so that neighbours differ in lightness too.
PALETTE: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#595959")
INK: Final = "#202124"
MUTED: Final = "#5f6368"
RULE: Final = "#dadce0"
RLM: Final = "\u200f"  # right-to-left mark: sets the direction of a label


def use_style() -> None:
    """Set fonts and theme for figures of this process; call once, at a notebook's top."""
    for weight in ("Regular", "Bold"):
        file = resources.files("cjlib") / "fonts" / f"Vazirmatn-{weight}.ttf"
        with resources.as_file(file) as place:
            font_manager.fontManager.addfont(str(place))
    sns.set_theme(
        style="whitegrid",
        palette=list(PALETTE),
        rc={
            "font.family": ["Vazirmatn", "DejaVu Sans"],
            "axes.edgecolor": MUTED,
            "axes.labelcolor": INK,
            "text.color": INK,
            "grid.color": RULE,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.constrained_layout.use": True,
            "figure.dpi": 96,
            "savefig.dpi": 96,
            "svg.hashsalt": "cjlib",
            "text.parse_math": False,
        },
    )
    mpl.rcParams["svg.fonttype"] = "path"


def new_axes(width: float = 7.0, height: float = 4.0) -> Axes:
    """Return the axes of a new figure, in inches."""
    _, ax = plt.subplots(figsize=(width, height))
    return ax


def label(text: str, language: str = "en") -> str:
    """Return a label whose direction is that of ``language``, whatever it begins with."""
    return RLM + text if language == "fa" else text
