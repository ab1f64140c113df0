"""Hand-over to marketing automation: who, at which stage, how warm, what next; consent first."""

from cjlib.nurture.consent import find_consent
from cjlib.nurture.follow_ups import choose_follow_ups
from cjlib.nurture.leads import LeadFunnel, find_lead_stages, measure_lead_funnel
from cjlib.nurture.scoring import LeadScores, score_leads
from cjlib.nurture.writing import HandOver, write_handover

__all__ = [
    "HandOver",
    "LeadFunnel",
    "LeadScores",
    "choose_follow_ups",
    "find_consent",
    "find_lead_stages",
    "measure_lead_funnel",
    "score_leads",
    "write_handover",
]
