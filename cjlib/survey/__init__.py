"""The survey: raw answers, clean answers, and a ledger of everything in between."""

from cjlib.survey.anonymity import (
    Anonymity,
    find_quasi_identifiers,
    measure_anonymity,
    suppress_small_groups,
)
from cjlib.survey.answers import RawAnswers, read_answers
from cjlib.survey.asked import check_items
from cjlib.survey.cleaning import Survey, clean_answers
from cjlib.survey.codes import CodeCounts, count_codes
from cjlib.survey.comparison import CleaningComparison, compare_cleaning
from cjlib.survey.completion import Completed, complete_answers
from cjlib.survey.drafting import CodebookDraft, draft_codebook
from cjlib.survey.ledger import replay_ledger
from cjlib.survey.mcar import Mcar, measure_mcar
from cjlib.survey.missingness import MissingAnswers, measure_missing
from cjlib.survey.preview import RulePreview, preview_rules
from cjlib.survey.privacy import PrivacyScan, scan_answers
from cjlib.survey.profile import describe_respondents
from cjlib.survey.reliability import Scale, Scales, measure_scale, measure_scales
from cjlib.survey.rules import describe_rule, stricter
from cjlib.survey.values import read_value
from cjlib.survey.weights import Weighting, rake_weights, weigh_respondents

__all__ = [
    "Anonymity",
    "CleaningComparison",
    "CodeCounts",
    "CodebookDraft",
    "Completed",
    "Mcar",
    "MissingAnswers",
    "PrivacyScan",
    "RawAnswers",
    "RulePreview",
    "Scale",
    "Scales",
    "Survey",
    "Weighting",
    "check_items",
    "clean_answers",
    "compare_cleaning",
    "complete_answers",
    "count_codes",
    "describe_respondents",
    "describe_rule",
    "draft_codebook",
    "find_quasi_identifiers",
    "measure_anonymity",
    "measure_mcar",
    "measure_missing",
    "measure_scale",
    "measure_scales",
    "preview_rules",
    "rake_weights",
    "read_answers",
    "read_value",
    "replay_ledger",
    "scan_answers",
    "stricter",
    "suppress_small_groups",
    "weigh_respondents",
]
