"""Response quality: recorded figures, other programs, slow second ways, planted carelessness."""

from __future__ import annotations

import statistics

import ier
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cjlib.codebook import Item
from cjlib.survey.consistency import (
    correlate_halves,
    correlate_items,
    correlate_pairs,
    correlate_with_mean,
    find_pairs,
)
from cjlib.survey.quality import measure_quality


def measure(matrix, *, items=None, scales=None, asked=None):
    """Measure a plain matrix as one wave; NaN is an item passed over."""
    names = [f"q{i}" for i in range(np.shape(matrix)[1])]
    items = items or [Item(n, "scale", low=1, high=5) for n in names]
    coded = pd.DataFrame(np.asarray(matrix, dtype=float), columns=[i.name for i in items])
    left_out = coded.isna().astype("boolean")
    if asked is not None:
        left_out = left_out.mask(~np.asarray(asked))
    wave = pd.Series("w", index=coded.index)
    duration = pd.Series(60.0, index=coded.index)
    return measure_quality(
        coded, left_out, items=items, wave=wave, duration=duration, scales=scales
    )


# --- recorded figures of R's careless on its own simulated sets (development notes of the kit)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "longest", "mean_run", "irv", "median_d2", "mean_d2", "flagged", "pairs"),
    [
        ("careless_dataset", 50, 5.87, 1.0053, 45.39, 49.75, (23, 18), 53),
        ("careless_dataset2", 79, 9.326, 1.841, None, 99.90, (24, 3), 31),
    ],
)
def test_recorded_figures_of_careless(
    shared_data, name, longest, mean_run, irv, median_d2, mean_d2, flagged, pairs
):
    matrix = pd.read_csv(shared_data / "careless_simulated" / f"{name}.csv").to_numpy(float)
    found = measure(matrix)

    assert found["longstring"].max() == longest
    assert found["longstring"].mean() == pytest.approx(mean_run, abs=0.0005)
    assert found["irv"].mean() == pytest.approx(irv, abs=0.0005)
    assert found["mahalanobis_d2"].mean() == pytest.approx(mean_d2, abs=0.005)
    if median_d2:
        assert found["mahalanobis_d2"].median() == pytest.approx(median_d2, abs=0.005)
    assert tuple(int((found["mahalanobis_p"] < p).sum()) for p in (0.01, 0.001)) == flagged
    assert (found["synonym_pairs"] == pairs).all()


@pytest.mark.real
@pytest.mark.parametrize("name", ["careless_dataset", "careless_dataset2"])
def test_agrees_with_ier(shared_data, name):
    """The peer on complete answers; it scores people without spread 0, we leave them out."""
    matrix = pd.read_csv(shared_data / "careless_simulated" / f"{name}.csv").to_numpy(float)
    scales = [list(range(i, i + 5)) for i in range(0, matrix.shape[1], 5)]
    spread = ier.irv(matrix) * np.sqrt(matrix.shape[1] / (matrix.shape[1] - 1))
    np.testing.assert_allclose(measure(matrix)["irv"], spread, atol=1e-12)
    pairs = find_pairs(correlate_items(matrix), threshold=0.6)
    synonyms = correlate_pairs(matrix, pairs)[0]
    theirs = ier.psychsyn(matrix)

    assert np.abs(synonyms - theirs)[~np.isnan(synonyms)].max() < 1e-12
    assert (theirs[np.isnan(synonyms)] == 0).all()
    halves = correlate_halves(matrix, scales)
    theirs = ier.evenodd(matrix, [5] * len(scales), method="halves")
    np.testing.assert_allclose(halves, theirs, atol=1e-12)
    np.testing.assert_allclose(correlate_with_mean(matrix), ier.person_total(matrix), atol=1e-12)
    average = ier.longstring_scores(matrix, avg=True)
    np.testing.assert_allclose(measure(matrix)["average_run"], average)


# --- slow second ways, written from the definitions, with missing answers


def pearson(left, right):
    both = [(a, b) for a, b in zip(left, right, strict=True) if not np.isnan(a + b)]
    if len(both) < 3 or any(len({pair[side] for pair in both}) < 2 for side in (0, 1)):
        return np.nan
    return statistics.correlation(*zip(*both, strict=True))


def halves_slowly(row, scales):
    odd, even = [], []
    for columns in scales:
        sides = [[row[c] for c in columns[s::2] if not np.isnan(row[c])] for s in (0, 1)]
        if all(sides):
            odd.append(statistics.fmean(sides[0]))
            even.append(statistics.fmean(sides[1]))
    r = pearson(odd, even)
    return r if np.isnan(r) else (-1.0 if r <= -1 else max(2 * r / (1 + r), -1.0))


answers = st.sampled_from([1.0, 2.0, 3.0, 4.0, 5.0, np.nan])
matrices = st.lists(st.lists(answers, min_size=9, max_size=9), min_size=1, max_size=12).map(
    np.array
)
SCALES = [[0, 1, 2], [3, 4], [8, 6, 7], [5]]


@settings(max_examples=40)
@given(matrices)
def test_the_slow_way_agrees_with_gaps(matrix):
    items = correlate_items(matrix)
    for i in range(9):
        for j in range(i):
            expected = pearson(matrix[:, i], matrix[:, j])
            assert items[i, j] == pytest.approx(expected, abs=1e-9, nan_ok=True)
    pairs = (np.array([1, 4, 5, 8, 8]), np.array([0, 3, 2, 7, 0]))
    found, counts = correlate_pairs(matrix, pairs)
    halves = correlate_halves(matrix, SCALES)
    total = correlate_with_mean(matrix)
    there = ~np.isnan(matrix)
    mean = [matrix[there[:, c], c].mean() if there[:, c].any() else np.nan for c in range(9)]
    for at, row in enumerate(matrix):
        sides = [row[pairs[0]], row[pairs[1]]]
        assert counts[at] == (~np.isnan(sides[0] + sides[1])).sum()
        assert found[at] == pytest.approx(pearson(*sides), abs=1e-9, nan_ok=True)
        assert halves[at] == pytest.approx(halves_slowly(row, SCALES), abs=1e-6, nan_ok=True)
        if len({round(m, 9) for m, v in zip(mean, row, strict=True) if not np.isnan(v)}) > 1:
            assert total[at] == pytest.approx(pearson(row, mean), abs=1e-9, nan_ok=True)


@settings(max_examples=25)
@given(matrices, st.sampled_from([-100.0, 3.5, 1000.0]))
def test_laws_of_agreement(matrix, shift):
    """Adding one number to every answer, or the order of people, changes no index."""
    scales = {"a": ["q0", "q1"], "b": ["q2", "q3"], "c": ["q4", "q5", "q6"]}
    found = measure(matrix, scales=scales)
    names = ["irv", "even_odd", "synonyms", "antonyms", "person_total", "longstring"]
    moved = measure(matrix + shift, scales=scales)
    turned = measure(matrix[::-1], scales=scales)

    for name in names:
        np.testing.assert_allclose(moved[name], found[name], atol=1e-6, err_msg=name)
        np.testing.assert_allclose(turned[name][::-1], found[name], atol=1e-6, err_msg=name)
    for name in names[1:5]:
        assert found[name].dropna().between(-1, 1).all()


# --- by hand


def test_runs_spread_and_gaps_by_hand():
    """ "run" answers 3 three times across a gap; "skips" left two out; "not asked" was spared."""
    nan = np.nan
    matrix = [[1, 3, 3, nan, 3, 5], [2, 2, nan, nan, 4, 4], [1, 2, 1, 2, 1, nan]]
    asked = np.array([[True] * 6, [True] * 6, [True] * 5 + [False]])
    found = measure(matrix, asked=asked)

    assert found["longstring"].tolist() == [3, 2, 1]
    assert found["rated"].tolist() == [6, 6, 5]
    assert found["longstring_share"].tolist() == pytest.approx([3 / 6, 2 / 6, 1 / 5])
    assert found["average_run"].tolist() == pytest.approx([5 / 3, 2, 1])
    assert found["missing_share"].tolist() == pytest.approx([1 / 6, 2 / 6, 0])
    assert found["seconds_per_item"].tolist() == pytest.approx([60 / 5, 60 / 4, 60 / 5])
    assert found["irv"].tolist() == pytest.approx(
        [statistics.stdev(v) for v in ([1, 3, 3, 3, 5], [2, 2, 4, 4], [1, 2, 1, 2, 1])]
    )


def alike(people, rng):
    """Four pairs of items that mean the same, answered with little noise; pair 4 is opposite."""
    traits = rng.normal(size=(people, 4))
    both = np.repeat(traits, 2, axis=1) + 0.3 * rng.normal(size=(people, 8))
    matrix = np.clip(np.round(3 + 1.2 * both), 1, 5)
    matrix[:, 1::2] = 6 - matrix[:, 1::2]
    return matrix


def test_reverse_items_are_turned_for_agreement_and_not_for_runs():
    """Second items are worded the other way: synonyms once turned, antonyms as given."""
    matrix = alike(400, np.random.default_rng(1))
    matrix[0] = [5, 1, 4, 2, 1, 5, 3, 3]  # careful: opposite answers to opposite questions
    matrix[1] = [5, 5, 4, 4, 1, 1, 3, 3]  # contradicts every reverse item
    matrix[2] = 4  # one answer to everything
    items = [Item(f"q{i}", "scale", low=1, high=5, reverse=bool(i % 2)) for i in range(8)]
    found = measure(matrix, items=items)
    plain = measure(matrix)

    assert (found["synonym_pairs"] == 4).all()
    assert (found["antonym_pairs"] == 4).all()
    assert found["synonyms"][:2].tolist() == pytest.approx([1, -1])
    assert found["antonyms"][:2].tolist() == pytest.approx([-1, 1])
    assert np.isnan(found["antonyms"][2])  # no spread, no correlation
    assert found["longstring"][2] == 8
    assert (plain["synonym_pairs"] == 0).all()
    assert plain["synonyms"].isna().all()
    np.testing.assert_allclose(plain["antonyms"], found["antonyms"])


def test_too_few_pairs_or_scales_say_nothing():
    """Two pairs would always correlate 1 or -1; a person who skipped two of four has none."""
    matrix = alike(300, np.random.default_rng(2))
    items = [Item(f"q{i}", "scale", low=1, high=5, reverse=bool(i % 2)) for i in range(8)]
    matrix[0, [0, 2]] = np.nan
    assert measure(matrix[:, :4], items=items[:4])["synonyms"].isna().all()
    found = measure(matrix, items=items)
    assert found["synonym_pairs"].tolist()[:2] == [2, 4]
    assert found["synonyms"].isna()[0]
    two = {"a": ["q0", "q1"], "b": ["q2", "q3"], "one": ["q4"], "unknown": ["x", "y"]}
    assert measure(matrix, items=items, scales=two)["even_odd"].isna().all()
    assert measure(matrix, items=items)["even_odd"].isna().all()


def test_scales_of_different_width_are_brought_to_one():
    """0 to 10 beside 1 to 5: the same care at either width gives the same indices."""
    rng = np.random.default_rng(3)
    narrow = alike(300, rng)
    wide = narrow.copy()
    wide[:, 4:] = (wide[:, 4:] - 1) * 2.5
    ends = [(1, 5)] * 4 + [(0, 10)] * 4
    items = [Item(f"q{i}", "scale", low=a, high=b) for i, (a, b) in enumerate(ends)]
    plain = [Item(f"q{i}", "scale", low=1, high=5) for i in range(8)]
    scales = {f"s{i}": [f"q{2 * i}", f"q{2 * i + 1}"] for i in range(4)}
    found = measure(wide, items=items, scales=scales)
    expected = measure(narrow, items=plain, scales=scales)

    for name in ("even_odd", "synonyms", "antonyms", "person_total", "mahalanobis_d2"):
        np.testing.assert_allclose(found[name], expected[name], atol=1e-9, err_msg=name)
    np.testing.assert_allclose(found["irv"], expected["irv"] / 4, atol=1e-12)


# --- do the indices find what they are for?


def auc(score, careless):
    """Chance that a careless person scores higher than a careful one; ties count half."""
    known = ~np.isnan(score)
    bad, good = score[known & careless], score[known & ~careless]
    return stats.mannwhitneyu(bad, good).statistic / (len(bad) * len(good))


def plant(rng, people=600, share=0.1):
    """Ten scales of five items; a tenth answer at random, a tenth nearly always the same."""
    traits = rng.normal(size=(people, 10))
    level = rng.normal(scale=0.6, size=50)
    matrix = np.round(
        3 + level + np.repeat(traits, 5, axis=1) + 0.6 * rng.normal(size=(people, 50))
    )
    matrix = np.clip(matrix, 1, 5)
    few = int(people * share)
    matrix[:few] = rng.integers(1, 6, size=(few, 50))
    same = rng.integers(1, 6, size=(few, 1)) * np.ones((1, 50))
    slip = rng.random((few, 50)) < 0.08
    matrix[few : 2 * few] = np.where(slip, rng.integers(1, 6, size=(few, 50)), same)
    kind = np.repeat(["random", "same", "careful"], [few, few, people - 2 * few])
    return matrix, kind


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_planted_carelessness_is_found(seed):
    matrix, kind = plant(np.random.default_rng(seed))
    scales = {f"s{i}": [f"q{c}" for c in range(5 * i, 5 * i + 5)] for i in range(10)}
    found = measure(matrix, scales=scales)
    random, same = kind == "random", kind == "same"

    for name, sign in (("even_odd", -1), ("synonyms", -1), ("person_total", -1)):
        score = sign * found[name].to_numpy()
        assert auc(score[~same], random[~same]) > 0.85, name
    d2 = found["mahalanobis_d2"].to_numpy()
    assert auc(d2[~same], random[~same]) > 0.95
    for name, sign in (("longstring", 1), ("average_run", 1), ("irv", -1)):
        score = sign * found[name].to_numpy()
        assert auc(score[~random], same[~random]) > 0.95, name


@pytest.mark.real
def test_both_kinds_in_the_simulated_set_are_found(shared_data):
    """A tenth are straight-lining and a tenth random; the set does not say who.

    19 of 200 have a run of 15 or more, next to none of those who answer by content: the
    straight-liners. 18 others lie too far out: the random ones. Each kind must
    stand out on indices that did not pick it.
    """
    file = shared_data / "careless_simulated" / "careless_dataset.csv"
    matrix = pd.read_csv(file).to_numpy(float)
    scales = {f"s{i}": [f"q{c}" for c in range(i, 50, 10)] for i in range(10)}
    found = measure(matrix, scales=scales)  # its pairs of synonyms all lie tens apart
    same = found["longstring"].to_numpy() >= 15
    random = (found["mahalanobis_p"].to_numpy() < 0.001) & ~same

    assert (same.sum(), random.sum()) == (19, 18)
    assert auc(-found["irv"].to_numpy(), same) > 0.9
    for name in ("synonyms", "even_odd"):
        assert auc(-found[name].to_numpy()[~same], random[~same]) > 0.8, name
