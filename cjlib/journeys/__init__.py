"""What customers really do: moves, paths, funnels, exits, loops, waits, against belief."""

from cjlib.journeys.belief import BeliefGap, compare_belief
from cjlib.journeys.funnel import Funnel, measure_funnel
from cjlib.journeys.linking import Linked, link_silos
from cjlib.journeys.loops import Loops, find_loops
from cjlib.journeys.path_features import describe_paths
from cjlib.journeys.path_outcomes import PathOutcomes, cost_departures, measure_by_path
from cjlib.journeys.precursors import Elements, Precursors, page_elements, precede
from cjlib.journeys.steps import Exits, StepMatrix, find_exits, measure_step_matrix
from cjlib.journeys.subpaths import (
    SubpathContrast,
    Subpaths,
    contrast_subpaths,
    find_subpaths,
)
from cjlib.journeys.transitions import Switches, Transitions, channel_switches, count_transitions
from cjlib.journeys.variants import Variants, count_variants
from cjlib.journeys.waits import Waits, measure_waits

__all__ = [
    "BeliefGap",
    "Elements",
    "Exits",
    "Funnel",
    "Linked",
    "Loops",
    "PathOutcomes",
    "Precursors",
    "StepMatrix",
    "SubpathContrast",
    "Subpaths",
    "Switches",
    "Transitions",
    "Variants",
    "Waits",
    "channel_switches",
    "compare_belief",
    "contrast_subpaths",
    "cost_departures",
    "count_transitions",
    "count_variants",
    "describe_paths",
    "find_exits",
    "find_loops",
    "find_subpaths",
    "link_silos",
    "measure_by_path",
    "measure_funnel",
    "measure_step_matrix",
    "measure_waits",
    "page_elements",
    "precede",
]
