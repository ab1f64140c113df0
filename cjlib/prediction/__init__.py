"""What customers will do: learned at one time, judged at a later one."""

from cjlib.prediction.backoff import Backoff, fit_backoff
from cjlib.prediction.churn import FEATURES, ChurnModel, make_panel, predict_churn
from cjlib.prediction.logistic import fit_logistic, measure_auc
from cjlib.prediction.next_step import NextStep, predict_next

__all__ = [
    "FEATURES",
    "Backoff",
    "ChurnModel",
    "NextStep",
    "fit_backoff",
    "fit_logistic",
    "make_panel",
    "measure_auc",
    "predict_churn",
    "predict_next",
]
