"""Contacts of customers with the brand: reading them, what counts, and their compact log."""

from cjlib.events.interactions import KEPT, ONE_WAY, REASONS, TALK, Interactions, read_interactions
from cjlib.events.journey_log import JourneyLog, View, code_events, journey_log, sessions
from cjlib.events.questions import (
    count_ends,
    count_funnel,
    count_moves,
    count_paths,
    count_steps,
    count_ties,
    measure_gaps,
)
from cjlib.events.spark import SparkLog, log_on_spark, start_spark, stored_on_spark
from cjlib.events.store import StoredLog
from cjlib.events.storing import store_log

__all__ = [
    "KEPT",
    "ONE_WAY",
    "REASONS",
    "TALK",
    "Interactions",
    "JourneyLog",
    "SparkLog",
    "StoredLog",
    "View",
    "code_events",
    "count_ends",
    "count_funnel",
    "count_moves",
    "count_paths",
    "count_steps",
    "count_ties",
    "journey_log",
    "log_on_spark",
    "measure_gaps",
    "read_interactions",
    "sessions",
    "start_spark",
    "store_log",
    "stored_on_spark",
]
