"""What customers are worth and how long they stay: formulas, fitted models, what was paid."""

from cjlib.intervals import LogRank, compare_survival, estimate_survival
from cjlib.value.bgnbd import Bgnbd, expect_purchases, fit_bgnbd, predict_purchases
from cjlib.value.customers import CustomerValue, measure_value, share_of_top
from cjlib.value.forecast import ValueForecast, forecast_value
from cjlib.value.formulas import (
    LifetimeValue,
    acquisition_ceiling,
    margin_clv,
    payback_years,
    return_on_marketing,
    simple_clv,
    vary_clv,
)
from cjlib.value.gamma_gamma import GammaGamma, fit_gamma_gamma, predict_amounts
from cjlib.value.holdout import Holdout, check_holdout
from cjlib.value.lifetime import ClvByGroup, ClvEstimate, estimate_clv, estimate_clv_by
from cjlib.value.pareto_nbd import (
    ParetoNbd,
    expect_pareto_purchases,
    fit_pareto_nbd,
    predict_pareto_purchases,
)
from cjlib.value.purchases import PurchaseSummary, summarise_purchases
from cjlib.value.retention import Retention, measure_retention
from cjlib.value.risk import ValueAtRisk, measure_value_at_risk

__all__ = [
    "Bgnbd",
    "ClvByGroup",
    "ClvEstimate",
    "CustomerValue",
    "GammaGamma",
    "Holdout",
    "LifetimeValue",
    "LogRank",
    "ParetoNbd",
    "PurchaseSummary",
    "Retention",
    "ValueAtRisk",
    "ValueForecast",
    "acquisition_ceiling",
    "check_holdout",
    "compare_survival",
    "estimate_clv",
    "estimate_clv_by",
    "estimate_survival",
    "expect_pareto_purchases",
    "expect_purchases",
    "fit_bgnbd",
    "fit_gamma_gamma",
    "fit_pareto_nbd",
    "forecast_value",
    "margin_clv",
    "measure_retention",
    "measure_value",
    "measure_value_at_risk",
    "payback_years",
    "predict_amounts",
    "predict_pareto_purchases",
    "predict_purchases",
    "return_on_marketing",
    "share_of_top",
    "simple_clv",
    "summarise_purchases",
    "vary_clv",
]
