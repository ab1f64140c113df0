"""Who will leave: learned at one time, judged at a later one."""

from cjlib.prediction.churn import FEATURES, ChurnModel, make_panel, predict_churn
from cjlib.prediction.logistic import fit_logistic, measure_auc

__all__ = [
    "FEATURES",
    "ChurnModel",
    "fit_logistic",
    "make_panel",
    "measure_auc",
    "predict_churn",
]
