"""Penalties and rewards: by hand, planted kinds, coverage, and ratings that claim nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cjlib.drivers import measure_asymmetry
from cjlib.errors import ColumnError, JourneyError, TooFewError

PLANTED = {"basic": (-1.5, 0.1), "exciting": (-0.1, 1.5), "even": (-1.0, 1.0), "idle": (0.0, 0.0)}


def make_ratings(n=1200, *, seed=1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.choice([1.0, 2, 3, 4, 5], (n, len(PLANTED)), p=[0.1, 0.15, 0.25, 0.25, 0.25])
    frame = pd.DataFrame(x, columns=list(PLANTED))
    effect = sum(
        low * (frame[name] <= 2) + high * (frame[name] >= 5)
        for name, (low, high) in PLANTED.items()
    )
    frame["y"] = 6 + effect + rng.normal(0, 1, n) * np.where(frame["basic"] <= 2, 1.6, 0.8)
    return frame


def measure(frame, **more):
    return measure_asymmetry(frame, outcome="y", on=list(PLANTED), lowest=2, highest=5, **more)


def test_one_driver_is_the_difference_of_means_by_hand():
    frame = pd.DataFrame({"q": [1.0] * 12 + [3.0] * 20 + [5.0] * 15})
    frame["y"] = np.arange(47) % 7 + frame["q"]
    found = measure_asymmetry(frame, outcome="y", on=["q"], lowest=1, highest=5)
    mean = frame.groupby("q")["y"].mean()
    rows = found.table.set_index("side")

    assert rows.loc["penalty", "estimate"] == pytest.approx(mean[1] - mean[3])
    assert rows.loc["reward", "estimate"] == pytest.approx(mean[5] - mean[3])
    assert rows.loc["asymmetry", "estimate"] == pytest.approx(mean[1] + mean[5] - 2 * mean[3])
    assert rows["people"].tolist() == [12, 15, 27]
    # HC3 of group means: sum of e²/(1 - 1/n)² over n², by group.
    error = {q: np.sqrt((((g - g.mean()) / (1 - 1 / len(g))) ** 2).sum()) / len(g)
             for q, g in frame.groupby("q")["y"]}  # fmt: skip
    half = rows.loc["penalty", "high"] - rows.loc["penalty", "estimate"]
    assert half == pytest.approx(2.015368 * np.hypot(error[1.0], error[3.0]), rel=1e-6)
    tilt = np.sqrt(error[1.0] ** 2 + error[5.0] ** 2 + 4 * error[3.0] ** 2)
    half = rows.loc["asymmetry", "high"] - rows.loc["asymmetry", "estimate"]
    assert half == pytest.approx(2.015368 * tilt, rel=1e-6)


def test_planted_kinds_are_found_and_told():
    frame = make_ratings()
    copy = frame.copy()
    found = measure(frame)

    assert found.kinds["kind"].tolist() == ["basic", "excitement", "performance", "neutral"]
    assert found.table["driver"].tolist()[:3] == ["basic"] * 3
    assert "basic: basic; performance: even; excitement: exciting" in found.summary()
    assert "not proof of cause" in found.summary()
    pd.testing.assert_frame_equal(frame, copy)
    turned = measure(frame.assign(y=-frame["y"])).kinds["kind"].tolist()
    assert turned == ["runs against"] * 3 + ["neutral"]


def test_one_side_alone_is_undecided_unless_larger():
    frame = make_ratings(260, seed=5).assign(y=lambda f: 6 - 0.45 * (f["even"] <= 2))
    frame["y"] += 0.25 * (frame["even"] >= 5) + np.random.default_rng(3).normal(0, 0.9, 260)
    found = measure(frame)
    rows = found.table[found.table["driver"].eq("even")].set_index("side")

    assert rows.loc["penalty", "p_holm"] < 0.05 <= rows.loc["reward", "p_holm"]
    assert rows.loc["asymmetry", "p_holm"] > 0.05
    assert found.kinds["kind"].tolist()[2] == "undecided"


def test_intervals_cover_where_the_spread_is_uneven():
    truth = np.array([(low, high, low + high) for low, high in PLANTED.values()]).reshape(-1)
    hits, runs = np.zeros(len(truth)), 300
    for seed in range(runs):
        table = measure(make_ratings(250, seed=seed)).table
        hits += (table["low"] <= truth) & (table["high"] >= truth)
    assert (hits / runs >= 0.915).all(), hits / runs
    assert 0.94 <= (hits / runs).mean() <= 0.965, (hits / runs).mean()


def test_random_ratings_claim_nothing_in_about_95_of_100():
    claims, runs = 0, 300
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame(rng.integers(1, 6, (200, 6)).astype(float), columns=list("yabcde"))
        found = measure_asymmetry(frame, outcome="y", on=list("abcde"), lowest=2, highest=5)
        claims += found.kinds["kind"].ne("neutral").any()
    assert claims / runs <= 0.08, claims / runs


def test_few_at_an_end_gaps_and_weights():
    frame = make_ratings(300)
    frame["rare"] = np.where(np.arange(300) < 4, 1.0, np.where(np.arange(300) % 3 == 0, 5.0, 3.0))
    frame.loc[:9, "idle"] = np.nan
    found = measure_asymmetry(frame, outcome="y", on=["rare", "idle"], lowest=2, highest=5)

    assert found.left_out == 10
    assert found.kinds["kind"].tolist()[0] == "too few"
    rare = found.table[found.table["driver"] == "rare"].set_index("side")
    assert np.isnan(rare.loc["penalty", "estimate"])
    assert rare.loc["penalty", "method"].startswith("too few")
    assert np.isfinite(rare.loc["reward", "estimate"])
    twice = pd.concat([frame, frame]).assign(w=1.0)
    heavy = measure_asymmetry(
        frame.assign(w=1 + np.arange(300) % 2), outcome="y", on=["idle"], lowest=2, highest=5,
        weights="w",
    )  # fmt: skip
    rows = pd.concat([twice.iloc[:300], twice.iloc[300:][np.arange(300) % 2 == 1]])
    plain = measure_asymmetry(rows, outcome="y", on=["idle"], lowest=2, highest=5)
    assert heavy.table["estimate"].tolist() == pytest.approx(plain.table["estimate"].tolist())
    assert heavy.table["method"].iloc[0].startswith("weighted")


def test_messages_say_what_to_do():
    frame = make_ratings(100)
    with pytest.raises(JourneyError, match="lowest=2, highest=5"):
        measure_asymmetry(frame, outcome="y", on=["idle"], lowest=5, highest=2)
    with pytest.raises(JourneyError, match="Name each once"):
        measure_asymmetry(frame, outcome="y", on=["y"], lowest=2, highest=5)
    with pytest.raises(ColumnError):
        measure_asymmetry(frame, outcome="y", on=["none"], lowest=2, highest=5)
    with pytest.raises(TooFewError, match="10 of 10"):
        measure_asymmetry(frame.head(10), outcome="y", on=["idle"], lowest=2, highest=5)
    with pytest.raises(JourneyError, match="Leave one driver out"):
        measure_asymmetry(frame.assign(twin=frame["idle"]), outcome="y", on=["idle", "twin"],
                          lowest=2, highest=5)  # fmt: skip


@pytest.mark.parametrize("language", ["en", "fa"])
def test_the_figure_shows_the_table(language):
    found = measure(make_ratings(600))
    ax = found.plot(language=language)
    drawn = sorted(bar.get_width() for bar in ax.patches)
    sides = found.table[found.table["side"] != "asymmetry"]

    assert drawn == pytest.approx(sorted(sides["estimate"]))
    assert len(ax.get_yticklabels()) == 4
