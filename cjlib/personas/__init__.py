"""Personas: segments of real customers, how far they hold, and a card for each."""

from cjlib.personas.answers import read_survey_variables
from cjlib.personas.believed import BelievedComparison, compare_believed
from cjlib.personas.believed_file import check_believed, read_believed_personas
from cjlib.personas.building import build_personas
from cjlib.personas.card_html import card_html
from cjlib.personas.cards import Card
from cjlib.personas.choice import Choice, choose_number
from cjlib.personas.drift import Drift, measure_drift
from cjlib.personas.latent import LatentClasses, fit_latent_classes
from cjlib.personas.methods import METHODS, Segments, fit_segments
from cjlib.personas.model import Personas
from cjlib.personas.rule_sensitivity import RuleSensitivity, measure_rule_sensitivity
from cjlib.personas.saved_typing import read_typing_tool, write_typing_tool
from cjlib.personas.scrutiny import Judgement, judge_personas
from cjlib.personas.solutions import Solutions, compare_solutions
from cjlib.personas.targeting import PersonaRanking, rank_personas
from cjlib.personas.typing import TypingTool, build_typing_tool
from cjlib.personas.variables import Variables

__all__ = [
    "METHODS",
    "BelievedComparison",
    "Card",
    "Choice",
    "Drift",
    "Judgement",
    "LatentClasses",
    "PersonaRanking",
    "Personas",
    "RuleSensitivity",
    "Segments",
    "Solutions",
    "TypingTool",
    "Variables",
    "build_personas",
    "build_typing_tool",
    "card_html",
    "check_believed",
    "choose_number",
    "compare_believed",
    "compare_solutions",
    "fit_latent_classes",
    "fit_segments",
    "judge_personas",
    "measure_drift",
    "measure_rule_sensitivity",
    "rank_personas",
    "read_believed_personas",
    "read_survey_variables",
    "read_typing_tool",
    "write_typing_tool",
]
