"""Satisfaction, loyalty and effort; goals and stage KPIs: every figure with its interval."""

from cjlib.metrics.answers import measure_distribution
from cjlib.metrics.comparison import Comparison, compare_groups, gather_comparisons
from cjlib.metrics.competitors import compare_with_published
from cjlib.metrics.goals import GoalTable, measure_goals
from cjlib.metrics.headlines import compare_metrics
from cjlib.metrics.kpis import KPIS, Kpi, check_goals, kpi_names
from cjlib.metrics.panels import compare_panel
from cjlib.metrics.precision import Precision, measure_precision
from cjlib.metrics.published import compare_published
from cjlib.metrics.scores import Score, measure_ces, measure_csat, measure_nps
from cjlib.metrics.stages import StageScorecard, measure_stage_kpis
from cjlib.metrics.tables import MetricTable, measure_metrics

__all__ = [
    "KPIS",
    "Comparison",
    "GoalTable",
    "Kpi",
    "MetricTable",
    "Precision",
    "Score",
    "StageScorecard",
    "check_goals",
    "compare_groups",
    "compare_metrics",
    "compare_panel",
    "compare_published",
    "compare_with_published",
    "gather_comparisons",
    "kpi_names",
    "measure_ces",
    "measure_csat",
    "measure_distribution",
    "measure_goals",
    "measure_metrics",
    "measure_nps",
    "measure_precision",
    "measure_stage_kpis",
]
