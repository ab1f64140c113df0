"""The survey: raw answers, clean answers, and a ledger of everything in between."""

from cjlib.survey.answers import RawAnswers, read_answers
from cjlib.survey.cleaning import Survey, clean_answers
from cjlib.survey.codes import CodeCounts, count_codes
from cjlib.survey.comparison import CleaningComparison, compare_cleaning
from cjlib.survey.ledger import replay_ledger
from cjlib.survey.preview import RulePreview, preview_rules
from cjlib.survey.profile import describe_respondents
from cjlib.survey.rules import describe_rule, stricter
from cjlib.survey.values import read_value

__all__ = [
    "CleaningComparison",
    "CodeCounts",
    "RawAnswers",
    "RulePreview",
    "Survey",
    "clean_answers",
    "compare_cleaning",
    "count_codes",
    "describe_respondents",
    "describe_rule",
    "preview_rules",
    "read_answers",
    "read_value",
    "replay_ledger",
    "stricter",
]
