"""Do the intervals of survival, concentration, costs and forecasts hold what they promise?"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cjlib.intervals import compare_survival, estimate_survival
from cjlib.prediction.churn import _score_table
from cjlib.value import share_of_top
from cjlib.value.customers import cost_per_buyer

# Days of fruit flies, how many: lifelines.datasets.load_waltons (0.30.3), 163 rows.
CONTROL_LOST = {7: 1, 45: 1, 60: 1, 61: 2, 68: 1, 69: 1}
CONTROL = {
    7: 1, 17: 1, 32: 1, 33: 1, 38: 2, 41: 7, 45: 9, 48: 8, 51: 3, 53: 7, 54: 2, 56: 18, 58: 4,
    60: 15, 61: 9, 63: 9, 66: 3, 68: 9, 69: 12, 75: 1,
}  # fmt: skip
MIR_137 = {
    6: 1, 9: 3, 13: 3, 15: 2, 19: 3, 22: 4, 26: 5, 29: 5, 33: 2, 36: 2, 43: 1, 47: 1, 62: 2,
}  # fmt: skip


def test_waltons_log_rank():
    # 122.249: lifelines.statistics.logrank_test on the same rows.
    rows = [
        (day, ended, group)
        for group, ended, days in (("control", False, CONTROL_LOST), ("control", True, CONTROL),
                                   ("miR-137", True, MIR_137))
        for day, n in days.items() for _ in range(n)
    ]  # fmt: skip
    time, ended, group = zip(*rows, strict=True)
    found = compare_survival(time, ended, group)

    assert found.n == 163
    assert found.statistic == pytest.approx(122.249, abs=0.0005)
    assert found.freedom == 1


def test_kaplan_meier_covers_and_log_rank_keeps_its_error():
    rng, runs, n = np.random.default_rng(1), 150, 60
    hits, refused = np.zeros(2), 0
    for _ in range(runs):
        life, until = rng.weibull(1.3, 2 * n) * 40, rng.uniform(10, 80, 2 * n)
        time, ended = np.ceil(np.minimum(life, until)), life <= until
        table = estimate_survival(time[:n], ended[:n])
        for k, at in enumerate((10, 30)):
            row = table[table["time"] <= at].iloc[-1]
            hits[k] += row["low"] <= np.exp(-((at / 40) ** 1.3)) <= row["high"]
        refused += compare_survival(time, ended, np.arange(2 * n) < n).p < 0.05

    assert (hits / runs >= 0.90).all(), hits / runs
    assert 0.01 <= refused / runs <= 0.10, refused / runs


@pytest.mark.slow
def test_share_of_the_top_covers_where_tails_are_mild():
    rng, hits, runs = np.random.default_rng(2), 0, 200
    # of gamma(1): the top tenth holds 0.1 (1 + ln 10) of all
    truth = 0.1 * (1 + np.log(10))
    for _ in range(runs):
        found = share_of_top(rng.exponential(1, 400), rng=rng, resamples=200)
        hits += found.low <= truth <= found.high
    assert 0.87 <= hits / runs <= 0.99, hits / runs


def test_cost_per_buyer_covers_exactly():
    for mean in (4.0, 30.0):
        counts = np.arange(1, 120)
        chance = stats.poisson.pmf(counts, mean)
        inside = [
            found.low <= 1000 / mean <= found.high
            for found in (cost_per_buyer(1000, int(n)) for n in counts)
        ]
        assert chance[inside].sum() / chance.sum() >= 0.95


@pytest.mark.slow
def test_scores_of_a_forecast_cover():
    # Chances as they are: AUC of two normals a unit apart is Phi(1 / sqrt 2); Brier by integral.
    rng, hits, runs, n = np.random.default_rng(4), np.zeros(2), 60, 250
    truth = stats.norm.cdf(1 / np.sqrt(2))
    grid = np.linspace(-6, 7, 4001)
    density = (stats.norm.pdf(grid) + stats.norm.pdf(grid, 1)) / 2
    chance = 1 / (1 + np.exp(0.5 - grid))
    brier = np.trapezoid(density * chance * (1 - chance), grid)
    for _ in range(runs):
        left = (rng.random(n) < 0.5).astype(float)
        score = rng.normal(left, 1)
        p = 1 / (1 + np.exp(0.5 - score))
        names = ("all features", "recency alone", "base rate")
        predicted = dict(zip(names, (p, p, np.full(n, 0.5)), strict=True))
        table = _score_table(predicted, left, level=0.95, rng=rng)
        rows = table[table["model"].eq("all features")].set_index("measure")
        for k, (name, value) in enumerate((("auc", truth), ("brier", brier))):
            hits[k] += rows.loc[name, "low"] <= value <= rows.loc[name, "high"]
    assert (hits / runs >= 0.88).all(), hits / runs
