"""Which channels a purchase is owed to, under five rules, and how far the rules disagree."""

from cjlib.attribution.models import MODELS, credit_paths, measure_removal
from cjlib.attribution.paths import Paths, find_paths
from cjlib.attribution.purchases import Attribution, attribute_purchases

__all__ = [
    "MODELS",
    "Attribution",
    "Paths",
    "attribute_purchases",
    "credit_paths",
    "find_paths",
    "measure_removal",
]
