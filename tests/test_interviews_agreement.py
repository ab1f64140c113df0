"""Coefficients of agreement for any judgements, and what coded interviews give of them."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_interviews_analysis import CANONICAL, coded_pair, make

from cjlib.errors import JourneyError
from cjlib.interviews import (
    cohen_kappa,
    estimate_alpha,
    gwet_ac1,
    krippendorff_alpha,
    mean_kappa,
    measure_agreement,
    measure_valence_agreement,
    percent_agreement,
)

X = np.nan
METRICS = ("nominal", "ordinal", "interval", "ratio")
cells = st.sampled_from([0.0, 1.0, 2.0, 4.5, np.nan])
tables = st.lists(st.lists(cells, min_size=3, max_size=3), min_size=2, max_size=8)


def units_of(values):
    return [[v for v in unit if not np.isnan(v)] for unit in np.asarray(values).T]


def slow_alpha(values, metric):
    """Any alpha pair by pair, from the definition; ordinal: ranks counted one by one."""
    units = [u for u in units_of(values) if len(u) >= 2]
    flat = [v for u in units for v in u]

    def apart(a, b):
        low, high = min(a, b), max(a, b)
        if metric == "ordinal":
            between = sum(low <= v <= high for v in flat)
            return (between - (flat.count(a) + flat.count(b)) / 2) ** 2 if a != b else 0
        if metric == "ratio":
            return ((a - b) / (a + b)) ** 2 if a + b else 0
        return {"nominal": float(a != b), "interval": (a - b) ** 2}[metric]

    observed = sum(apart(a, b) / (len(u) - 1) for u in units for a in u for b in u) / len(flat)
    expected = sum(apart(a, b) for a in flat for b in flat) / (len(flat) * (len(flat) - 1))
    return 1 - observed / expected if expected else np.nan


@given(tables, st.sampled_from(METRICS))
def test_every_alpha_the_slow_way(units, metric):
    values = np.array(units).T
    if not any(len(u) >= 2 for u in units_of(values)):
        assert np.isnan(krippendorff_alpha(values, metric=metric))
        return
    found = krippendorff_alpha(values, metric=metric)

    assert found == pytest.approx(slow_alpha(values, metric), abs=1e-12, nan_ok=True)


def test_alpha_of_complete_data():
    # The eight of Krippendorff's twelve units that all four observers judged. His formula gives
    # .65266, the pairwise definition above too; a known R package gives .6452.
    complete = CANONICAL[:, ~np.isnan(CANONICAL).any(axis=0)]

    assert complete.shape == (4, 8)
    assert krippendorff_alpha(complete) == pytest.approx(0.65266, abs=5e-6)
    assert slow_alpha(complete, "nominal") == pytest.approx(0.65266, abs=5e-6)


def test_alpha_does_not_mind_how_values_are_counted():
    # The same values as whole numbers (counted), with halves and far apart (sorted).
    for metric in ("nominal", "ordinal", "interval"):
        found = krippendorff_alpha(CANONICAL, metric=metric)
        assert krippendorff_alpha(CANONICAL / 2, metric=metric) == pytest.approx(found)
        assert krippendorff_alpha(CANONICAL * 100, metric=metric) == pytest.approx(found)
    with pytest.raises(JourneyError, match="must not be negative"):
        krippendorff_alpha(CANONICAL - 2, metric="ratio")
    with pytest.raises(JourneyError, match="coders x units"):
        krippendorff_alpha([1, 2, 3])
    assert np.isnan(krippendorff_alpha(np.full((2, 3), np.nan)))


def test_ac1_matches_the_printed_value():
    # Krippendorff's table is also the example of R's irrCAC (cac.raw4raters), whose manual
    # prints for AC1 .77544, with agreement .81818 and chance .19032.
    assert gwet_ac1(CANONICAL) == pytest.approx(0.77544, abs=5e-6)
    assert percent_agreement(CANONICAL) == pytest.approx(0.81818, abs=5e-6)


@given(tables)
def test_ac1_and_agreement_the_slow_way(units):
    values = np.array(units).T
    judged = [u for u in units_of(values) if u]
    twice = [u for u in judged if len(u) >= 2]
    levels = sorted({v for u in judged for v in u})
    if not twice or len(levels) < 2:
        assert np.isnan(gwet_ac1(values))
        return
    agree = np.mean([
        np.mean([u[i] == u[j] for i in range(len(u)) for j in range(len(u)) if i != j])
        for u in twice
    ])  # fmt: skip
    shares = [np.mean([u.count(v) / len(u) for u in judged]) for v in levels]
    chance = sum(p * (1 - p) for p in shares) / (len(levels) - 1)

    assert percent_agreement(values) == pytest.approx(agree)
    assert gwet_ac1(values) == pytest.approx((agree - chance) / (1 - chance))
    assert gwet_ac1(values[::-1, ::-1]) == pytest.approx(gwet_ac1(values))


def test_ac1_by_hand_beside_kappa():
    # 100 turns: both yes 1, one yes 4 and the other 5, neither 90. Agreement .91.
    # Kappa: shares .05 and .06, chance .05*.06 + .95*.94 = .896; (.91 - .896)/.104 = .1346.
    # AC1: mean share .055, chance 2*.055*.945 = .10395; (.91 - .10395)/.89605 = .8996.
    first = [1] + [1] * 4 + [0] * 5 + [0] * 90
    second = [1] + [0] * 4 + [1] * 5 + [0] * 90
    assert cohen_kappa(first, second) == pytest.approx(0.1346, abs=5e-5)
    assert gwet_ac1([first, second]) == pytest.approx(0.8996, abs=5e-5)
    assert np.isnan(gwet_ac1([[1, 1], [1, 1]]))
    assert gwet_ac1([[1, 1], [1, 1]], categories=2) == 1
    with pytest.raises(JourneyError, match="categories must be"):
        gwet_ac1([first, second], categories=1)


def test_kappa_of_three_coders_is_the_mean_over_pairs():
    table = np.random.default_rng(1).integers(0, 2, (3, 40)).astype(float)
    pairs = [cohen_kappa(table[a], table[b]) for a, b in ((0, 1), (0, 2), (1, 2))]

    assert mean_kappa(table) == pytest.approx(np.mean(pairs))
    assert np.isnan(mean_kappa(np.ones((2, 3))))


def test_measures_of_interviews_are_those_of_the_coefficients():
    rng = np.random.default_rng(3)
    truth = rng.random(80) < 0.3
    who = {c: np.where(rng.random(80) < 0.85, truth, ~truth) for c in "abc"}
    rows = [("i1", t, c, "x") for c, v in who.items() for t, yes in enumerate(v, 1) if yes]
    rows += [("i1", 1, c, "other") for c in who]
    found = measure_agreement(make(rows, turns=80), rng=np.random.default_rng(1))
    table = found.table[found.table["code"] == "x"].set_index("measure")
    judged = np.array(list(who.values()), dtype=float)
    yes = judged.sum(axis=0)

    expected = {
        "alpha": krippendorff_alpha(judged), "kappa": mean_kappa(judged),
        "ac1": gwet_ac1(judged), "agreement": percent_agreement(judged),
        "positive": (yes * (yes - 1) / 2).sum() / yes.sum(),
    }  # fmt: skip
    assert table["estimate"].to_dict() == pytest.approx(expected)
    assert (table["low"] < table["estimate"]).all()
    assert (table["estimate"] < table["high"]).all()
    assert table["coders"].eq(3).all()
    assert table["method"].str.endswith("bootstrap over turns").all()
    assert "a unit is a turn x code" in found.summary()


def test_the_kappa_paradox_is_said():
    a = {t: t == 1 or 2 <= t <= 5 for t in range(1, 101)}
    b = {t: t == 1 or 6 <= t <= 10 for t in range(1, 101)}
    found = measure_agreement(
        make(coded_pair({"a": a, "b": b}), turns=100), rng=np.random.default_rng(1)
    )
    rows = found.table[found.table["code"] == "x"].set_index("measure")

    assert "kappa paradox: a rare code" in rows.loc["alpha", "note"]
    assert "read AC1 (0.90)" in rows.loc["alpha", "note"]
    assert rows.loc["agreement", "estimate"] == pytest.approx(0.91)
    assert rows.loc["positive", "estimate"] == pytest.approx(2 / 11)  # 1 of 5.5 on average
    assert "read AC1 and agreement" in found.summary()
    half = {t: t % 2 == 0 for t in range(1, 101)}
    plain = measure_agreement(
        make(coded_pair({"a": half, "b": half}), turns=100), rng=np.random.default_rng(1)
    )
    assert plain.table[plain.table["code"] == "x"]["note"].eq("").all()


def test_interviews_resampled_are_wider_and_few_give_no_interval():
    # Coder b sees the code in no turn of half the interviews: turns of one interview are alike.
    rows = []
    for i in range(12):
        for t in range(1, 11):
            yes = t % 2 == 0
            rows += [(f"i{i:02}", t, "a", "x")] * yes + [(f"i{i:02}", t, "b", "x")] * (
                yes and i % 2
            )
        rows += [(f"i{i:02}", 1, c, "other") for c in "ab"]
    found = make(rows, turns=10)
    widths = {}
    for unit in ("turn", "interview"):
        table = measure_agreement(found, rng=np.random.default_rng(1), resample=unit).table
        row = table[(table["code"] == "x") & (table["measure"] == "alpha")].iloc[0]
        widths[unit] = row["high"] - row["low"]
        assert row["method"].endswith(f"bootstrap over {unit}s")
    assert widths["interview"] > widths["turn"] * 1.2

    one = make(coded_pair({"a": {t: t % 3 == 0 for t in range(1, 60)},
                           "b": {t: t % 2 == 0 for t in range(1, 60)}}), turns=60)  # fmt: skip
    table = measure_agreement(one, rng=np.random.default_rng(1), resample="interview").table
    assert table["estimate"].notna().all()
    assert table["low"].isna().all()
    assert table["method"].str.contains("no interval, fewer than 10").all()
    with pytest.raises(JourneyError, match="'turn' or 'interview'"):
        measure_agreement(one, rng=np.random.default_rng(1), resample="words")


def test_valence_agreement_is_ordinal_alpha_of_shared_codings():
    rng = np.random.default_rng(4)
    first = rng.integers(-1, 2, 40)
    second = np.where(rng.random(40) < 0.8, first, rng.integers(-1, 2, 40))
    rows = [("i1", t, c, "x", "", v) for c, vs in (("a", first), ("b", second))
            for t, v in enumerate(vs, 1)]  # fmt: skip
    rows.append(("i1", 41, "a", "x", "", 1))  # only one coder: no unit
    found = measure_valence_agreement(make(rows, turns=50), rng=np.random.default_rng(1))

    expected = krippendorff_alpha(np.array([first, second]), metric="ordinal")
    assert found.estimate == pytest.approx(expected)
    assert found.low < expected < found.high
    assert found.n == 40


def test_estimated_alpha_is_alpha_with_an_interval():
    values = np.tile(CANONICAL, 5)
    for metric in METRICS:
        found = estimate_alpha(values, rng=np.random.default_rng(1), metric=metric)
        assert found.estimate == pytest.approx(krippendorff_alpha(values, metric=metric))
        assert found.low < found.estimate < found.high
        assert found.n == 55  # the twelfth unit has one judgement
    again = estimate_alpha(values, rng=np.random.default_rng(1), metric="ratio")
    assert again == found
    few = estimate_alpha(CANONICAL, rng=np.random.default_rng(1))
    assert few.method == "too few (n < 30)"
    groups = np.repeat(np.arange(5), 12)
    held = estimate_alpha(values, rng=np.random.default_rng(1), groups=list(groups))
    assert np.isnan(held.low)


@pytest.mark.slow
def test_estimated_alpha_covers_the_truth():
    # Three coders, each right with .8 of a fair coin: agreement .68, chance .5, alpha .36.
    rng = np.random.default_rng(2)
    hits = 0
    for _ in range(300):
        truth = rng.random(120) < 0.5
        values = np.where(rng.random((3, 120)) < 0.8, truth, ~truth).astype(float)
        found = estimate_alpha(values, rng=rng)
        hits += found.low <= 0.36 <= found.high
    assert 0.92 <= hits / 300 <= 0.98


def test_a_thousand_coders_and_units_take_no_time():
    values = np.random.default_rng(1).integers(1, 6, (1000, 1000)).astype(float)
    started = time.process_time()
    found = krippendorff_alpha(values, metric="ordinal")
    took = time.process_time() - started

    assert abs(found) < 0.01
    assert took < 0.2  # .010 s on an idle core; the packages take .024 to .035


def test_the_figure_shows_the_tables_numbers():
    a = {t: t % 3 == 0 for t in range(1, 61)}
    b = {t: t % 3 == 0 or t < 9 for t in range(1, 61)}
    found = measure_agreement(
        make(coded_pair({"a": a, "b": b}), turns=60), rng=np.random.default_rng(1)
    )
    lines = found.plot(measure="all").lines
    for line, measure in zip(lines, ("alpha", "kappa", "ac1", "agreement"), strict=True):
        expected = found.table[found.table["measure"] == measure]["estimate"]
        assert sorted(pd.Series(line.get_xdata()).dropna()) == pytest.approx(sorted(expected))
