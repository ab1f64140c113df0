"""Two studies side by side: what they share, how they differ, and what cannot be compared."""

from cjlib.cross_study.comparison import StudyComparison, compare_studies
from cjlib.cross_study.page import write_comparison
from cjlib.cross_study.sides import REASONS, Side, open_side

__all__ = [
    "REASONS",
    "Side",
    "StudyComparison",
    "compare_studies",
    "open_side",
    "write_comparison",
]
