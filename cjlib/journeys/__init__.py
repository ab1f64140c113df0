"""What customers really do: moves, paths, funnels, exits, loops, waits, against belief."""

from cjlib.journeys.belief import BeliefGap, compare_belief
from cjlib.journeys.cohorts import Cohorts, StageSurvival, measure_cohorts, measure_stage_survival
from cjlib.journeys.complexity import Complexity, measure_complexity
from cjlib.journeys.funnel import Funnel, measure_funnel
from cjlib.journeys.linking import Linked, link_silos
from cjlib.journeys.loops import Loops, find_loops
from cjlib.journeys.path_features import describe_paths
from cjlib.journeys.path_outcomes import PathOutcomes, cost_departures, measure_by_path
from cjlib.journeys.precursors import Elements, Precursors, page_elements, precede
from cjlib.journeys.sequences import Dissimilarities, compare_sequences
from cjlib.journeys.steps import Exits, StepMatrix, find_exits, measure_step_matrix
from cjlib.journeys.subpaths import (
    SubpathContrast,
    Subpaths,
    contrast_subpaths,
    find_subpaths,
)
from cjlib.journeys.transitions import Switches, Transitions, channel_switches, count_transitions
from cjlib.journeys.typical import JourneyClusters, cluster_journeys
from cjlib.journeys.variants import Variants, count_variants
from cjlib.journeys.waits import Waits, measure_waits

__all__ = [
    "BeliefGap",
    "Cohorts",
    "Complexity",
    "Dissimilarities",
    "Elements",
    "Exits",
    "Funnel",
    "JourneyClusters",
    "Linked",
    "Loops",
    "PathOutcomes",
    "Precursors",
    "StageSurvival",
    "StepMatrix",
    "SubpathContrast",
    "Subpaths",
    "Switches",
    "Transitions",
    "Variants",
    "Waits",
    "channel_switches",
    "cluster_journeys",
    "compare_belief",
    "compare_sequences",
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
    "measure_cohorts",
    "measure_complexity",
    "measure_funnel",
    "measure_stage_survival",
    "measure_step_matrix",
    "measure_waits",
    "page_elements",
    "precede",
]
