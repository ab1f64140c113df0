"""Figures: each draws a frame and computes nothing."""

from cjlib.plots.actions import draw_impact_effort, draw_opportunities
from cjlib.plots.contacts import (
    draw_attribution,
    draw_belief,
    draw_elements,
    draw_exits,
    draw_loops,
    draw_precursors,
    draw_returns,
    draw_variants,
    draw_waits,
)
from cjlib.plots.cross_study import draw_side_by_side
from cjlib.plots.drivers import draw_asymmetry, draw_drivers, draw_priorities
from cjlib.plots.effects import draw_action_effects
from cjlib.plots.interviews import (
    draw_agreement,
    draw_code_counts,
    draw_contrasts,
    draw_saturation,
)
from cjlib.plots.journeys import draw_funnel, draw_journey_flow, draw_step_matrix, draw_transitions
from cjlib.plots.linking import draw_joins, draw_path_outcomes
from cjlib.plots.maps import draw_emotions, draw_map_table
from cjlib.plots.metrics import (
    draw_answers,
    draw_differences,
    draw_goals,
    draw_metrics,
    draw_scorecard,
)
from cjlib.plots.next_step import draw_next_calibration, draw_next_scores
from cjlib.plots.nurture import draw_lead_funnel, draw_lead_scores
from cjlib.plots.personas import draw_number_of_personas, draw_personas, draw_segments
from cjlib.plots.places import (
    draw_doors,
    draw_heat,
    draw_ties,
    draw_visit_gaps,
    draw_workload,
)
from cjlib.plots.scales import draw_missing, draw_scale
from cjlib.plots.sequences import (
    draw_journey_cohorts,
    draw_silhouettes,
    draw_stage_survival,
    draw_step_entropy,
    draw_subpath_contrast,
    draw_subpaths,
    draw_typical_journeys,
)
from cjlib.plots.style import INK, MUTED, PALETTE, RULE, label, new_axes, use_style
from cjlib.plots.survey import (
    draw_cleaning,
    draw_code_shares,
    draw_flow,
    draw_quality,
    draw_rules,
)
from cjlib.plots.targets import draw_believed, draw_judgement, draw_targets
from cjlib.plots.texts import (
    draw_learning_curve,
    draw_sentiment_by,
    draw_sentiment_calibration,
    draw_sentiment_quality,
    draw_telling_words,
    draw_theme_choice,
    draw_themes,
)
from cjlib.plots.typing import draw_drift, draw_typing
from cjlib.plots.value import (
    draw_at_risk,
    draw_calibration,
    draw_cohorts,
    draw_frequencies,
    draw_holdout,
    draw_lifetimes,
    draw_survival,
    draw_tracking,
    draw_value,
)
from cjlib.plots.waves import draw_wave_changes, draw_wave_steps
from cjlib.plots.weights import draw_margins

__all__ = [
    "INK",
    "MUTED",
    "PALETTE",
    "RULE",
    "draw_action_effects",
    "draw_agreement",
    "draw_answers",
    "draw_asymmetry",
    "draw_at_risk",
    "draw_attribution",
    "draw_belief",
    "draw_believed",
    "draw_calibration",
    "draw_cleaning",
    "draw_code_counts",
    "draw_code_shares",
    "draw_cohorts",
    "draw_contrasts",
    "draw_differences",
    "draw_doors",
    "draw_drift",
    "draw_drivers",
    "draw_elements",
    "draw_emotions",
    "draw_exits",
    "draw_flow",
    "draw_frequencies",
    "draw_funnel",
    "draw_goals",
    "draw_heat",
    "draw_holdout",
    "draw_impact_effort",
    "draw_joins",
    "draw_journey_cohorts",
    "draw_journey_flow",
    "draw_judgement",
    "draw_lead_funnel",
    "draw_lead_scores",
    "draw_learning_curve",
    "draw_lifetimes",
    "draw_loops",
    "draw_map_table",
    "draw_margins",
    "draw_metrics",
    "draw_missing",
    "draw_next_calibration",
    "draw_next_scores",
    "draw_number_of_personas",
    "draw_opportunities",
    "draw_path_outcomes",
    "draw_personas",
    "draw_precursors",
    "draw_priorities",
    "draw_quality",
    "draw_returns",
    "draw_rules",
    "draw_saturation",
    "draw_scale",
    "draw_scorecard",
    "draw_segments",
    "draw_sentiment_by",
    "draw_sentiment_calibration",
    "draw_sentiment_quality",
    "draw_side_by_side",
    "draw_silhouettes",
    "draw_stage_survival",
    "draw_step_entropy",
    "draw_step_matrix",
    "draw_subpath_contrast",
    "draw_subpaths",
    "draw_survival",
    "draw_targets",
    "draw_telling_words",
    "draw_theme_choice",
    "draw_themes",
    "draw_ties",
    "draw_tracking",
    "draw_transitions",
    "draw_typical_journeys",
    "draw_typing",
    "draw_value",
    "draw_variants",
    "draw_visit_gaps",
    "draw_waits",
    "draw_wave_changes",
    "draw_wave_steps",
    "draw_workload",
    "label",
    "new_axes",
    "use_style",
]
