"""Which channels a purchase is owed to, under eight rules, and what came back for the spend."""

from cjlib.attribution.models import MODELS, credit_paths, measure_removal
from cjlib.attribution.paths import Paths, find_paths
from cjlib.attribution.purchases import Attribution, attribute_purchases
from cjlib.attribution.returns import ChannelReturns, measure_returns

__all__ = [
    "MODELS",
    "Attribution",
    "ChannelReturns",
    "Paths",
    "attribute_purchases",
    "credit_paths",
    "find_paths",
    "measure_removal",
    "measure_returns",
]
