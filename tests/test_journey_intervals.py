"""Intervals by customer: do they cover, and are they the plain ones where they should be?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjlib.events import code_events
from cjlib.intervals import estimate_ratio, estimate_share
from cjlib.journeys import count_transitions, measure_waits
from cjlib.journeys.clusters import (
    bound_shares,
    count_pairs,
    estimate_share_of,
    quantiles_by_group,
    share_groups,
)

clusters = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 6)), min_size=2, max_size=20)


def bound(hits, sizes, level=0.95):
    y, x = np.asarray(hits, dtype=float), np.asarray(sizes, dtype=float)
    return bound_shares(
        [y.sum()], [x.sum()], yy=[(y**2).sum()], xy=[(x * y).sum()], xx=[(x**2).sum()],
        customers=[len(x)], level=level,
    )  # fmt: skip


@given(clusters)
def test_bounds_hold_the_share_and_never_leave_0_to_1(pairs):
    hits = [min(h, n) for h, n in pairs]
    p, low, high = bound(hits, [n for _, n in pairs])

    assert 0 <= low[0] <= p[0] <= high[0] <= 1


def test_one_row_each_is_plain_wilson():
    hit = np.array([True] * 7 + [False] * 33)
    found = estimate_share_of(hit, np.arange(40), level=0.95)

    assert found == estimate_share(7, 40)
    _, low, high = bound(hit, np.ones(40))
    assert (low[0], high[0]) == pytest.approx((found.low, found.high))


def test_copies_of_a_customers_rows_say_nothing_new():
    hits, sizes = np.array([1, 0, 1, 1, 0, 0, 1, 0] * 5), np.ones(40)
    _, low, high = bound(hits, sizes)
    _, low_ten, high_ten = bound(hits * 10, sizes * 10)

    # The degrees of freedom make the clustered interval a little wider, never narrower.
    assert low_ten[0] == pytest.approx(low[0], abs=0.007)
    assert high_ten[0] == pytest.approx(high[0], abs=0.007)
    assert high_ten[0] - low_ten[0] >= high[0] - low[0]


def test_unequal_customers_give_the_linearised_width():
    rng = np.random.default_rng(5)
    sizes = 1 + rng.poisson(6, 2000)
    hits = rng.binomial(sizes, rng.beta(2, 2, 2000) * 6 / (5 + sizes))  # the busy hit less
    plain = estimate_ratio(hits, sizes)
    p, low, high = bound(hits, sizes)

    assert p[0] == pytest.approx(plain.estimate)
    assert high[0] - low[0] == pytest.approx(plain.high - plain.low, rel=0.01)


def test_groups_of_sessions_are_shares_by_customer():
    rng = np.random.default_rng(6)
    owner = np.sort(rng.integers(0, 60, 300))
    group = rng.integers(0, 3, 300)
    found = share_groups(group, owner, groups=4, only=np.arange(3), level=0.9, minimum_base=5)

    for g in range(3):
        one = estimate_share_of(group == g, owner, level=0.9)
        assert found["estimate"][g] == pytest.approx(one.estimate)
        assert (found["low"][g], found["high"][g]) == pytest.approx((one.low, one.high))
        assert (found["n"], found["method"]) == (one.n, one.method)


def test_too_few_customers_give_no_number():
    found = estimate_share_of(np.ones(90, dtype=bool), np.repeat([0, 1, 2], 30), level=0.95,
                              minimum_base=30)  # fmt: skip

    assert np.isnan(found.estimate)
    assert found.n == 3
    assert found.method == "too few (n < 30)"


def test_pair_sums_are_those_of_the_definition():
    rng = np.random.default_rng(1)
    owner = np.sort(rng.integers(0, 30, 500))
    start, end = rng.integers(0, 4, 500), rng.integers(0, 4, 500)
    pairs = count_pairs(owner, start, end, labels=4)

    for i, pair in enumerate(pairs.pair):
        a, b = divmod(int(pair), 4)
        y = np.bincount(owner[(start == a) & (end == b)], minlength=30)
        x = np.bincount(owner[start == a], minlength=30)
        assert pairs.count[i] == y.sum()
        assert pairs.customers[i] == (y > 0).sum()
        assert (pairs.total[i], pairs.base[i]) == (x.sum(), (x > 0).sum())
        assert (pairs.yy[i], pairs.xy[i], pairs.xx[i]) == ((y * y).sum(), (x * y).sum(),
                                                           (x * x).sum())  # fmt: skip


@pytest.mark.parametrize("big", [1, 2**50])
def test_quantiles_by_group_match_numpy_with_small_and_huge_values(big):
    rng = np.random.default_rng(2)
    values, group = rng.integers(0, 1000, 400) * big, rng.integers(0, 60, 400)
    found = quantiles_by_group(values, group, groups=61, at=0.9)[0]

    for g in range(60):
        mine = values[group == g]
        if len(mine):
            assert found[g] == pytest.approx(np.quantile(mine, 0.9), rel=1e-12)
    assert np.isnan(found[60])


def simulate(rng, customers):
    """Each customer leaves "a" for "b" with a chance of their own (mean 0.3), and waits
    a time that is partly their own (median 1 hour)."""
    moves = 1 + rng.poisson(4, customers)
    own = rng.beta(1.5, 3.5, customers)
    slow = rng.normal(0, 0.8, customers)
    who, when, what = [], [], []
    for c in range(customers):
        clock = 0
        for to_b in rng.random(moves[c]) < own[c]:
            who += [c, c]
            hours = np.exp(slow[c] + rng.normal(0, 0.6))
            when += [clock, clock + int(hours * 3.6e9)]
            what += ["a", "b" if to_b else "c"]
            clock += int(hours * 3.6e9) + 1
    return code_events(who, np.array(when), what)


@pytest.mark.slow
def test_intervals_cover_the_truth_about_95_percent_of_the_time():
    rng = np.random.default_rng(7)
    share, median, runs = 0, 0, 400
    for _ in range(runs):
        log = simulate(rng, 80)
        moves = count_transitions(log).table.set_index(["from", "to"]).loc[("a", "b")]
        share += moves["low"] <= 0.3 <= moves["high"]
        waits = measure_waits(log).table.set_index(["from", "to"]).loc[("a", "c")]
        median += waits["low"] <= 1 <= waits["high"]

    assert 0.925 <= share / runs <= 0.985
    assert 0.925 <= median / runs <= 0.985
