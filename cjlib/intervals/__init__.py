"""Estimates that carry their uncertainty: shares, means, net shares, differences, ratios."""

from cjlib.intervals.contrasts import Contrast, estimate_contrast
from cjlib.intervals.differences import (
    Difference,
    adjust_holm,
    compare_means,
    compare_nets,
    compare_shares,
    estimate_difference,
)
from cjlib.intervals.means import estimate_mean, estimate_ratio, measure_error
from cjlib.intervals.model import (
    Estimate,
    Floats,
    estimates_table,
    normal_quantile,
    require_level,
    unknown,
)
from cjlib.intervals.nets import (
    DETRACTOR,
    PROMOTER,
    adjusted_net,
    estimate_net,
    estimate_nps,
    net_bounds,
)
from cjlib.intervals.pairs import (
    compare_paired_means,
    compare_paired_nets,
    compare_paired_shares,
)
from cjlib.intervals.shares import estimate_share, estimate_weighted_share, wilson_bounds
from cjlib.intervals.survival import LogRank, compare_survival, estimate_survival
from cjlib.intervals.weighing import are_even, design_effective_n, kish_effective_n, weigh

__all__ = [
    "DETRACTOR",
    "PROMOTER",
    "Contrast",
    "Difference",
    "Estimate",
    "Floats",
    "LogRank",
    "adjust_holm",
    "adjusted_net",
    "are_even",
    "compare_means",
    "compare_nets",
    "compare_paired_means",
    "compare_paired_nets",
    "compare_paired_shares",
    "compare_shares",
    "compare_survival",
    "design_effective_n",
    "estimate_contrast",
    "estimate_difference",
    "estimate_mean",
    "estimate_net",
    "estimate_nps",
    "estimate_ratio",
    "estimate_share",
    "estimate_survival",
    "estimate_weighted_share",
    "estimates_table",
    "kish_effective_n",
    "measure_error",
    "net_bounds",
    "normal_quantile",
    "require_level",
    "unknown",
    "weigh",
    "wilson_bounds",
]
