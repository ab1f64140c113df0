"""Estimates on a map: differences, medians, the emotion scale, and what small bases show."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cjlib.definitions import Privacy
from cjlib.errors import JourneyError
from cjlib.intervals import (
    Estimate,
    estimate_difference,
    estimate_mean,
    estimate_share,
)
from cjlib.maps.estimates import (
    estimate_median,
    place_on_emotion,
    read_estimate,
    write_estimate,
)

PRIVACY = Privacy(minimum_cell=5, minimum_base=30)


def test_difference_of_shares_matches_a_printed_value():
    # R package contingencytables, tests for Newcombe_hybrid_score_CI_2x2, data of Perondi et
    # al. (2004), 7 of 34 against 1 of 34: 0.1765 (0.0189 to 0.3404).
    found = estimate_difference(estimate_share(1, 34), estimate_share(7, 34))

    assert [found.estimate, found.low, found.high] == pytest.approx(
        [0.1765, 0.0189, 0.3404], abs=0.00005
    )
    assert found.n == 68


def test_difference_of_means_squares_and_adds_and_turns_round():
    one = Estimate(4.0, 3.7, 4.3, 0.95, 50, "t")
    two = Estimate(3.0, 2.6, 3.4, 0.95, 40, "t")

    there, back = estimate_difference(one, two), estimate_difference(two, one)

    assert (there.estimate, there.low, there.high) == pytest.approx((-1.0, -1.5, -0.5))
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low))


def test_difference_needs_one_level():
    with pytest.raises(JourneyError, match="Compute them again with the same level"):
        estimate_difference(estimate_share(1, 9, level=0.9), estimate_share(1, 9))


def test_difference_of_means_covers_the_truth():
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(800):
        one = estimate_mean(rng.normal(3.4, 1.0, 60))
        two = estimate_mean(rng.normal(3.0, 0.6, 35))
        found = estimate_difference(one, two)
        held += found.low <= -0.4 <= found.high

    assert 0.93 <= held / 800 <= 0.975


def test_median_by_hand_and_its_coverage():
    # Ranks 2 and 9 of ten: one value or fewer outside on a side has probability 0.0107.
    found = estimate_median([5, 1, 9, 2, 8, 3, 7, 4, 6, 10])
    assert (found.estimate, found.low, found.high, found.n) == (5.5, 2, 9, 10)
    assert math.isnan(estimate_median([1, 2, 3, 4, 5]).low)
    assert estimate_median([np.nan]).n == 0

    rng = np.random.default_rng(11)
    truth = math.log(2)
    found_all = [estimate_median(rng.exponential(size=25)) for _ in range(600)]
    held = sum(f.low <= truth <= f.high for f in found_all)
    assert held / 600 >= 0.945


def test_emotion_moves_the_scale_and_its_ends():
    mean = Estimate(2.25, 2.0, 2.5, 0.95, 40, "t")

    found = place_on_emotion(mean, low=1, high=5, what="csat")

    assert (found.estimate, found.low, found.high) == (-0.75, -1.0, -0.5)
    assert found.method == "csat; t; 1 to 5 placed on -2 to 2"


@pytest.mark.parametrize(
    ("n", "shown"),
    [
        (0, {"value": None, "unit": "share", "why": "no-data"}),
        (4, {"value": None, "unit": "share", "why": "suppressed"}),
        (5, {"value": None, "unit": "share", "why": "too-few", "n": 5}),
        (29, {"value": None, "unit": "share", "why": "too-few", "n": 29}),
    ],
)
def test_small_bases_show_no_value(n, shown):
    assert write_estimate(estimate_share(n // 2, n), unit="share", privacy=PRIVACY) == shown


def test_estimate_survives_being_written():
    found = estimate_share(12, 30)

    assert read_estimate(write_estimate(found, unit="share", privacy=PRIVACY)) == found
