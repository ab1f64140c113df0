"""Intervals: printed values, slow second ways, laws, and coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cjlib.errors import JourneyError
from cjlib.intervals import (
    adjust_holm,
    estimate_mean,
    estimate_nps,
    estimate_ratio,
    estimate_share,
    estimates_table,
    unknown,
)


@pytest.mark.parametrize(
    ("k", "n"), [(0, 20), (1, 20), (81, 263), (15, 148), (20, 20), (1, 1), (500, 1000)]
)
def test_wilson_matches_scipy(k, n):
    other = stats.binomtest(k, n).proportion_ci(0.95, method="wilson")

    found = estimate_share(k, n)

    assert (found.low, found.high) == pytest.approx((other.low, other.high), abs=1e-12)
    assert found.estimate == k / n


def test_wilson_covers_about_95_percent_exactly_computed():
    n = 40
    counts = np.arange(n + 1)
    bounds = [estimate_share(int(k), n) for k in counts]
    low = np.array([b.low for b in bounds])
    high = np.array([b.high for b in bounds])
    shares = np.linspace(0.02, 0.98, 193)
    covered = [stats.binom.pmf(counts, n, p)[(low <= p) & (p <= high)].sum() for p in shares]

    assert 0.945 < np.mean(covered) < 0.96


def test_unweighted_mean_is_the_t_interval():
    x = np.array([1.0, 2.0, 4.0, 4.5, np.nan])
    low, high = stats.t.interval(0.9, 3, loc=x[:4].mean(), scale=stats.sem(x[:4]))

    found = estimate_mean(x, level=0.9)

    assert (found.n, found.method) == (4, "t")
    assert (found.estimate, found.low, found.high) == pytest.approx((2.875, low, high))


def test_equal_weights_change_nothing():
    x = np.array([3.0, 5.0, 9.0, 2.0])

    weighted, plain = estimate_mean(x, np.full(4, 2.5)), estimate_mean(x)

    assert (weighted.low, weighted.high) == pytest.approx((plain.low, plain.high))


def test_weighted_mean_covers_the_truth_about_95_percent():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(2000):
        heavy = rng.random(150) < 0.3
        x = np.where(heavy, rng.normal(5, 1, 150), rng.normal(3, 2, 150))
        found = estimate_mean(x, np.where(heavy, 0.5, 2.0))
        truth = (0.3 * 0.5 * 5 + 0.7 * 2.0 * 3) / (0.3 * 0.5 + 0.7 * 2.0)
        covered += found.low <= truth <= found.high

    assert 0.935 < covered / 2000 < 0.965


def test_weights_must_not_be_negative():
    with pytest.raises(JourneyError, match="must not be negative; 1 are"):
        estimate_mean([1.0, 2.0], [1.0, -1.0])


def test_ratio_allows_for_customers_whose_events_are_alike():
    rng = np.random.default_rng(2)
    covered = plain = 0
    for _ in range(1000):
        trials = rng.integers(1, 12, 120)
        own = rng.beta(1.5, 3.5, 120)
        hits = rng.binomial(trials, own)
        found = estimate_ratio(hits, trials)
        covered += found.low <= 0.3 <= found.high
        naive = estimate_share(int(hits.sum()), int(trials.sum()))
        plain += naive.low <= 0.3 <= naive.high

    assert 0.93 < covered / 1000 < 0.97
    assert plain / 1000 < 0.9  # what ignoring the clusters would cost


def test_ratio_of_clusters_that_all_agree_still_has_an_interval():
    found = estimate_ratio(np.ones(10), np.ones(10))

    assert found.estimate == 1
    assert 0.6 < found.low < 1


def test_share_refuses_more_than_all():
    with pytest.raises(JourneyError, match="between 0 and n; got 5 of 4"):
        estimate_share(5, 4)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_level_is_a_share(level):
    with pytest.raises(JourneyError, match="level=0.95"):
        estimate_share(1, 2, level=level)


def test_holm_by_hand():
    # 0.01 x 3, 0.02 x 2, then 0.04 x 1 may not fall below 0.04
    assert adjust_holm([0.04, 0.01, np.nan, 0.02]) == pytest.approx(
        [0.04, 0.03, np.nan, 0.04], nan_ok=True
    )


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_laws(p):
    adjusted = adjust_holm(p)

    assert (adjusted >= np.array(p)).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()  # order is kept


def test_unknown_says_so_and_tables_stack():
    table = estimates_table({"a": estimate_share(1, 4), "b": unknown(2, why="too few")})

    assert table["method"].tolist() == ["Wilson", "too few"]
    assert f"{unknown(2)}" == "not known (n = 2)"
    assert f"{estimate_share(1, 4):.1f}" == "0.2 [0.0, 0.7] (n = 4)"


def test_nps_matches_the_adjusted_wald_example():
    # 60 promoters, 25 passives, 15 detractors: 45 [29.34, 58.04], method of Rocks (2016).
    found = estimate_nps([10] * 60 + [8] * 25 + [3] * 15)

    assert found.estimate == pytest.approx(45)
    assert (found.low, found.high) == pytest.approx((29.34, 58.04), abs=0.005)


def test_nps_counts_nought_as_an_answer_and_leaves_gaps_out():
    found = estimate_nps([0, 10, np.nan])

    assert (found.estimate, found.n) == (0.0, 2)
