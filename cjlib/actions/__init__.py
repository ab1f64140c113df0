"""From findings to action: what to mend first, who does it by when, and what is overdue."""

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
from cjlib.actions.plan import (
    PlanReview,
    assign_teams,
    check_actions,
    find_last_day,
    read_actions,
    review_plan,
)

__all__ = [
    "EVIDENCE",
    "KINDS",
    "Opportunities",
    "PlanReview",
    "assign_teams",
    "belief_gaps",
    "check_actions",
    "find_last_day",
    "find_opportunities",
    "funnel_exits",
    "interview_pains",
    "long_waits",
    "low_scores",
    "read_actions",
    "review_plan",
    "survey_pains",
    "tidy_evidence",
]
