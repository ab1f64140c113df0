"""Contrasts of cells: Welch and paired t as special cases, R's regression, and coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cjlib.errors import JourneyError
from cjlib.intervals import estimate_contrast, estimate_ratio

# R 4.2.2: m <- lm(y ~ g*t, weights=w); scores of each row times sqrt(k/(k-1)) for the k people
# of its cell; S <- rowsum(scores, id); B S'S B with B the inverse of X'WX; coefficient g:t.
ID = [1, 2, 3, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 11, 12, 13, 9, 10, 14, 15]
CELL = ["rb"] * 6 + ["ra"] * 5 + ["cb"] * 5 + ["ca"] * 4
Y = [3, 2, 4, 3, 1, 2, 4, 4, 5, 3, 4, 3, 4, 2, 3, 5, 3, 4, 3, 4]
W = [1, 0.5, 2, 1, 1, 1.5, 1.2, 0.8, 1, 1, 2, 1, 1, 0.7, 1.3, 1, 1, 0.9, 1.1, 1]
DID = {"ra": 1.0, "rb": -1.0, "ca": -1.0, "cb": 1.0}


@pytest.mark.parametrize(
    ("weights", "effect", "error"), [(None, 1.4, 0.6630553952), (W, 1.2707142857, 0.6514875544)]
)
def test_interaction_matches_r(weights, effect, error):
    found = estimate_contrast(Y, CELL, DID, weights, clusters=ID)

    assert [found.estimate, found.error] == pytest.approx([effect, error], abs=1e-9)
    assert (found.clusters, found.repeated) == (15, 5)


def test_interaction_by_hand_the_slow_way():
    group = np.array([c[0] == "r" for c in CELL], float)
    after = np.array([c[1] == "a" for c in CELL], float)
    design = np.column_stack([np.ones(20), group, after, group * after])
    w = np.array(W)
    inverse = np.linalg.inv((design * w[:, None]).T @ design)
    beta = inverse @ (design * w[:, None]).T @ np.array(Y)
    residual = np.array(Y) - design @ beta
    size = np.array([CELL.count(c) for c in CELL])
    score = design * (w * residual * np.sqrt(size / (size - 1)))[:, None]
    total = np.array([score[np.array(ID) == person].sum(axis=0) for person in sorted(set(ID))])
    variance = inverse @ total.T @ total @ inverse
    found = estimate_contrast(Y, CELL, DID, W, clusters=ID)

    assert found.estimate == pytest.approx(beta[3])
    assert found.error == pytest.approx(np.sqrt(variance[3, 3]))


def test_two_cells_of_strangers_are_welch_and_of_the_same_people_a_paired_t():
    rng = np.random.default_rng(3)
    a, b = rng.integers(1, 6, 40).astype(float), rng.integers(2, 6, 40).astype(float)
    y, cell = np.concatenate([a, b]), np.repeat(["a", "b"], 40)
    apart = estimate_contrast(y, cell, {"b": 1, "a": -1})
    welch = stats.ttest_ind(b, a, equal_var=False)
    pairs = estimate_contrast(y, cell, {"b": 1, "a": -1}, clusters=np.tile(np.arange(40), 2))
    paired = stats.ttest_rel(b, a)

    assert [apart.p, apart.freedom] == pytest.approx([welch.pvalue, welch.df])
    assert [pairs.p, pairs.freedom] == pytest.approx([paired.pvalue, 39])
    interval = paired.confidence_interval(0.95)
    assert [pairs.low, pairs.high] == pytest.approx([interval.low, interval.high])


def test_one_cell_is_a_ratio_and_rows_that_say_nothing_are_left_out():
    y, x = np.array([1.0, 4, 0, 3, np.nan]), np.array([2.0, 5, 1, 3, 1])
    found = estimate_contrast(y, ["a"] * 5, {"a": 1}, denominators=x)
    known = estimate_ratio(y[:4], x[:4])

    assert [found.estimate, found.low, found.high] == pytest.approx(
        [known.estimate, known.low, known.high]
    )
    same = estimate_contrast([1, 2, 4, 9, 9], list("aabbz"), {"b": 1, "a": -1}, [1, 1, 1, 1, 5])
    assert same.estimate == 6.5 - 1.5  # (4 + 9) / 2 less (1 + 2) / 2
    assert np.isnan(estimate_contrast([1, 2, 3], list("aab"), {"b": 1, "a": -1}).low)
    alike = estimate_contrast([1, 1, 2, 2], list("aabb"), {"b": 1, "a": -1})
    assert (alike.estimate, np.isnan(alike.p)) == (1.0, True)
    with pytest.raises(JourneyError, match="there is none in 'c'"):
        estimate_contrast([1, 2], list("ab"), {"a": 1, "c": -1})
    with pytest.raises(JourneyError, match="must have one length"):
        estimate_contrast([1, 2], list("abc"), {"a": 1})


@pytest.mark.slow
def test_difference_in_differences_covers_with_people_who_answer_twice():
    rng = np.random.default_rng(11)
    runs, hits = 1500, 0
    shares = np.cumsum([0.1, 0.15, 0.25, 0.3, 0.2])
    for _ in range(runs):
        parts = []
        for group, effect in (("r", 0.0), ("c", 0.0)):
            taste = rng.normal(0, 0.8, 90)
            for when, people in (("b", np.arange(60)), ("a", np.arange(30, 90))):
                noise = stats.norm.cdf((taste[people] + rng.normal(0, 0.6, 60) + effect) / 1.0)
                answer = 1 + np.searchsorted(shares, noise)
                parts.append((answer, [group + when] * 60, people + 100 * (group == "c")))
        y, cell, who = (np.concatenate(p) for p in zip(*parts, strict=True))
        w = rng.choice([0.6, 1.0, 1.7], len(y))
        found = estimate_contrast(y, cell, DID, w, clusters=who)
        hits += found.low <= 0 <= found.high

    assert 0.935 < hits / runs < 0.965  # 1.96 errors of a simulation of 1,500: .011
