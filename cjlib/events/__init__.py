"""Contacts of customers with the brand: reading them, what counts, and their compact log."""

from cjlib.events.interactions import KEPT, ONE_WAY, REASONS, TALK, Interactions, read_interactions
from cjlib.events.journey_log import JourneyLog, View, code_events, journey_log, sessions

__all__ = [
    "KEPT",
    "ONE_WAY",
    "REASONS",
    "TALK",
    "Interactions",
    "JourneyLog",
    "View",
    "code_events",
    "journey_log",
    "read_interactions",
    "sessions",
]
