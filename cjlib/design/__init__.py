"""Research design: how many to ask, what to ask, and what the questionnaire still lacks."""

from cjlib.design.coverage import Coverage, check_coverage
from cjlib.design.differences import size_for_difference
from cjlib.design.plan import plan_sample
from cjlib.design.sample import SampleSize
from cjlib.design.sizes import size_for_mean, size_for_nps, size_for_share
from cjlib.design.wording import list_wordings

__all__ = [
    "Coverage",
    "SampleSize",
    "check_coverage",
    "list_wordings",
    "plan_sample",
    "size_for_difference",
    "size_for_mean",
    "size_for_nps",
    "size_for_share",
]
