"""From findings to action: what to mend first, who does it by when, and what is overdue."""

from cjlib.actions.decisions import Decisions, gather_decisions
from cjlib.actions.effects import ActionEffects, measure_actions
from cjlib.actions.evidence import (
    EVIDENCE,
    KINDS,
    belief_gaps,
    funnel_exits,
    interview_pains,
    long_waits,
    low_scores,
    survey_pains,
    tidy_evidence,
)
from cjlib.actions.opportunities import Opportunities, find_opportunities
from cjlib.actions.plan import PlanReview, assign_teams, find_last_day, review_plan
from cjlib.actions.plan_file import check_actions, read_actions

__all__ = [
    "EVIDENCE",
    "KINDS",
    "ActionEffects",
    "Decisions",
    "Opportunities",
    "PlanReview",
    "assign_teams",
    "belief_gaps",
    "check_actions",
    "find_last_day",
    "find_opportunities",
    "funnel_exits",
    "gather_decisions",
    "interview_pains",
    "long_waits",
    "low_scores",
    "measure_actions",
    "read_actions",
    "review_plan",
    "survey_pains",
    "tidy_evidence",
]
