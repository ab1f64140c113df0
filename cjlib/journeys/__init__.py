"""What customers really do: moves, paths, funnels, exits, loops, waits, against belief."""

from cjlib.journeys.belief import BeliefGap, compare_belief
from cjlib.journeys.cohorts import Cohorts, StageSurvival, measure_cohorts, measure_stage_survival
from cjlib.journeys.complexity import Complexity, measure_complexity
from cjlib.journeys.elements import Elements, Heat, measure_heat, page_elements
from cjlib.journeys.funnel import Funnel, measure_funnel
from cjlib.journeys.handovers import (
    Handovers,
    Workload,
    measure_handovers,
    measure_workload,
    name_main,
)
from cjlib.journeys.linking import Linked, link_silos
from cjlib.journeys.loops import Loops, find_loops
from cjlib.journeys.parts import estimate_funnel, estimate_next, estimate_subpaths
from cjlib.journeys.path_features import describe_paths
from cjlib.journeys.path_outcomes import PathOutcomes, cost_departures, measure_by_path
from cjlib.journeys.precursors import Precursors, precede
from cjlib.journeys.sequences import Dissimilarities, compare_sequences
from cjlib.journeys.steps import Exits, StepMatrix, find_exits, measure_step_matrix
from cjlib.journeys.subpaths import (
    SubpathContrast,
    Subpaths,
    contrast_subpaths,
    find_subpaths,
)
from cjlib.journeys.ties import Ties, measure_ties
from cjlib.journeys.transitions import Switches, Transitions, channel_switches, count_transitions
from cjlib.journeys.typical import JourneyClusters, cluster_journeys
from cjlib.journeys.variants import Variants, count_variants
from cjlib.journeys.visits import Doors, VisitGaps, compare_gaps, find_doors
from cjlib.journeys.waits import Waits, measure_waits

__all__ = [
    "BeliefGap",
    "Cohorts",
    "Complexity",
    "Dissimilarities",
    "Doors",
    "Elements",
    "Exits",
    "Funnel",
    "Handovers",
    "Heat",
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
    "Ties",
    "Transitions",
    "Variants",
    "VisitGaps",
    "Waits",
    "Workload",
    "channel_switches",
    "cluster_journeys",
    "compare_belief",
    "compare_gaps",
    "compare_sequences",
    "contrast_subpaths",
    "cost_departures",
    "count_transitions",
    "count_variants",
    "describe_paths",
    "estimate_funnel",
    "estimate_next",
    "estimate_subpaths",
    "find_doors",
    "find_exits",
    "find_loops",
    "find_subpaths",
    "link_silos",
    "measure_by_path",
    "measure_cohorts",
    "measure_complexity",
    "measure_funnel",
    "measure_handovers",
    "measure_heat",
    "measure_stage_survival",
    "measure_step_matrix",
    "measure_ties",
    "measure_waits",
    "measure_workload",
    "name_main",
    "page_elements",
    "precede",
]
