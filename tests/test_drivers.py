"""Drivers: R's numbers, a slow second way, laws, and ratings drawn at random claim nothing."""

from __future__ import annotations

from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjlib.drivers import measure_drivers, share_out, share_variance
from cjlib.errors import ColumnError, JourneyError, TooFewError


@pytest.fixture
def swiss(root) -> pd.DataFrame:
    # R's datasets::swiss (Mosteller and Tukey 1977), written by R's write.csv.
    return pd.read_csv(root / "tests" / "data" / "swiss.csv", index_col=0)


def make_ratings(n=600, *, effect=(1.0, 0.5, 0.0), seed=1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (n, len(effect)))
    frame = pd.DataFrame(x, columns=[f"x{i + 1}" for i in range(len(effect))])
    frame["y"] = x @ np.array(effect) + rng.normal(0, 1, n)
    return frame


def r_squared(y: np.ndarray, x: np.ndarray) -> float:
    design = np.column_stack([np.ones(len(y)), x])
    fitted = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    return float(1 - ((y - fitted) ** 2).sum() / ((y - y.mean()) ** 2).sum())


def test_swiss_matches_relaimpo(swiss):
    # Grömping (2006), calc.relimp(type = "lmg") on swiss: Agriculture, Examination,
    # Education, Catholic, Infant.Mortality.
    printed = [0.05709, 0.17117, 0.26013, 0.10557, 0.11277]

    found = measure_drivers(
        swiss, outcome="Fertility", on=list(swiss.columns[1:]), rng=np.random.default_rng(1)
    )

    parts = found.table.set_index("driver")["estimate"]
    assert parts[list(swiss.columns[1:])].tolist() == pytest.approx(printed, abs=5e-6)
    assert found.r_squared == pytest.approx(0.706735, abs=5e-7)
    assert found.table["driver"].iloc[0] == "Education"
    assert found.table["correlation"].iloc[0] < 0
    assert found.table["quadrant"].iloc[0] == "runs against"


def test_all_orders_of_entry_give_the_same(swiss):
    y, x = swiss["Fertility"].to_numpy(), swiss.iloc[:, 1:5].to_numpy()
    slow = np.zeros(4)
    orders = list(permutations(range(4)))
    for order in orders:
        before = 0.0
        for place in range(4):
            now = r_squared(y, x[:, list(order[: place + 1])])
            slow[order[place]] += (now - before) / len(orders)
            before = now

    found = share_out(np.cov(np.column_stack([y, x]).T)[None])[0]

    assert found == pytest.approx(slow, abs=1e-10)


@given(st.integers(0, 10_000), st.integers(1, 6))
def test_law_parts_add_up_and_scale_does_not_matter(seed, p):
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (60, p)) @ rng.normal(0, 1, (p, p))
    y = x @ rng.normal(0, 1, p) + rng.normal(0, 1, 60)
    z = np.column_stack([y, x])

    found = share_out(np.cov(z.T)[None])[0]
    scaled = share_out(np.cov((z * rng.uniform(0.01, 100, p + 1)).T)[None])[0]

    assert found.sum() == pytest.approx(r_squared(y, x), abs=1e-6)
    assert scaled == pytest.approx(found, abs=1e-6)


def test_change_a_twin_shares_with_its_double():
    frame = make_ratings().assign(twin=lambda d: d["x1"])

    single = measure_drivers(frame, outcome="y", on=["x1", "x2"], rng=np.random.default_rng(1))
    double = measure_drivers(
        frame, outcome="y", on=["x1", "twin", "x2"], rng=np.random.default_rng(1)
    )

    parts = double.table.set_index("driver")["estimate"]
    assert parts["x1"] == pytest.approx(parts["twin"])
    assert double.r_squared == pytest.approx(single.r_squared)


def test_many_sets_in_pieces_are_as_in_one(monkeypatch):
    rng = np.random.default_rng(3)
    sets = np.stack([np.cov(rng.normal(0, 1, (4, 50))) for _ in range(9)])
    whole = share_out(sets)
    monkeypatch.setattr("cjlib.drivers.variance.CELLS", 16)

    assert share_out(sets) == pytest.approx(whole)


def test_intervals_cover_the_planted_parts(monkeypatch):
    monkeypatch.setattr("cjlib.drivers.shares.BOOTSTRAPS", 300)
    monkeypatch.setattr("cjlib.drivers.shares.PERMUTATIONS", 1)
    # y = x1 + x2 / 2 + noise, all of variance 1: parts 1 / 2.25 and 0.25 / 2.25 of R².
    hits = np.zeros(2)
    for seed in range(200):
        frame = make_ratings(250, effect=(1.0, 0.5), seed=seed)
        table = measure_drivers(
            frame, outcome="y", on=["x1", "x2"], rng=np.random.default_rng(seed)
        ).table.set_index("driver")
        for j, truth in enumerate((1 / 2.25, 0.25 / 2.25)):
            row = table.loc[f"x{j + 1}"]
            hits[j] += row["low"] <= truth <= row["high"]
    assert (hits / 200 > 0.88).all()


def test_random_ratings_claim_nothing(monkeypatch):
    monkeypatch.setattr("cjlib.drivers.shares.BOOTSTRAPS", 20)
    claims = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame(rng.integers(1, 6, (200, 6)).astype(float)).rename(columns=str)
        found = measure_drivers(frame, outcome="0", on=list("12345"), rng=rng)
        claims += bool(found.table["associated"].any())
    assert claims <= 5  # about one in twenty may
    quiet = measure_drivers(frame, outcome="0", on=list("12345"), rng=np.random.default_rng(1))
    assert not quiet.table["associated"].any()
    assert "No driver goes with 0 beyond chance" in quiet.summary()
    assert set(quiet.table["quadrant"]) == {"unproven"}


def test_planted_drivers_are_claimed_and_the_idle_one_is_not():
    found = measure_drivers(
        make_ratings(), outcome="y", on=["x1", "x2", "x3"], rng=np.random.default_rng(1)
    )

    assert found.table["driver"].tolist() == ["x1", "x2", "x3"]
    assert found.table["associated"].tolist() == [True, True, False]
    assert found.table["share"].sum() == pytest.approx(1)
    assert "association, not proof of cause" in found.summary()


def test_quadrants_by_hand():
    frame = make_ratings(effect=(1.0, 1.0, 0.4))
    frame["x1"] += 2  # strong and low-rated beside x2
    frame["x2"] += 4
    frame["x3"] += 4

    table = measure_drivers(
        frame, outcome="y", on=["x1", "x2", "x3"], rng=np.random.default_rng(1)
    ).table.set_index("driver")

    assert table.loc["x1", "quadrant"] == "improve first"
    assert table.loc["x2", "quadrant"] == "keep up"
    assert table.loc["x3", "quadrant"] == "possible overkill"


def test_gaps_are_counted_and_weights_used():
    frame = make_ratings(300).assign(weight=lambda d: np.where(d["x1"] > 0, 3.0, 1.0))
    frame.loc[:9, "x2"] = np.nan
    before = frame.copy()

    found = measure_drivers(
        SimpleNamespace(respondents=frame), outcome="y", on=["x1", "x2"], weights="weight",
        rng=np.random.default_rng(1),
    )  # fmt: skip

    assert found.left_out == 10
    assert found.table["n"].tolist() == [290, 290]
    kept = frame.iloc[10:]
    tripled = kept.loc[kept.index.repeat(kept["weight"].astype(int))]
    assert found.r_squared == pytest.approx(
        r_squared(tripled["y"].to_numpy(), tripled[["x1", "x2"]].to_numpy())
    )
    pd.testing.assert_frame_equal(frame, before)


def test_messages_say_what_to_do():
    frame = make_ratings(40).assign(flat=3.0)
    rng = np.random.default_rng(1)
    with pytest.raises(ColumnError, match="lacks 'x9'"):
        measure_drivers(frame, outcome="y", on=["x9"], rng=rng)
    with pytest.raises(JourneyError, match="same answer to flat. Leave it out"):
        measure_drivers(frame, outcome="y", on=["x1", "flat"], rng=rng)
    with pytest.raises(JourneyError, match="Name each once"):
        measure_drivers(frame, outcome="y", on=["x1", "x1"], rng=rng)
    with pytest.raises(JourneyError, match="1 to 15 drivers; got 0"):
        measure_drivers(frame, outcome="y", on=[], rng=rng)
    with pytest.raises(TooFewError, match="at least 10 complete rows; got 8"):
        measure_drivers(frame.head(8), outcome="y", on=["x1"], rng=rng)


def test_figures_show_the_table():
    found = measure_drivers(
        make_ratings(), outcome="y", on=["x1", "x2", "x3"], rng=np.random.default_rng(1)
    )

    dots = np.asarray(found.plot().collections[1].get_offsets())
    assert dots[::-1, 0] == pytest.approx(found.table["estimate"].to_numpy())

    priorities = np.asarray(found.plot_priorities().collections[1].get_offsets())
    assert priorities[:, 0] == pytest.approx(found.table["mean"].to_numpy())
    assert priorities[:, 1] == pytest.approx(found.table["share"].to_numpy())
    assert found.plot(language="fa").xaxis_inverted()


def test_interval_follows_the_weights():
    # Two kinds of people: x1 tells everything in one, nothing in the other; weights choose.
    rng = np.random.default_rng(4)
    kind = np.arange(400) % 2 == 0
    frame = pd.DataFrame({"x1": rng.normal(0, 1, 400), "x2": rng.normal(0, 1, 400)})
    frame["y"] = np.where(kind, frame["x1"], 0) + rng.normal(0, 0.3, 400)
    frame["w"] = np.where(kind, 1.0, 0.001)

    row = (
        measure_drivers(
            frame, outcome="y", on=["x1", "x2"], weights="w", rng=np.random.default_rng(1)
        )
        .table.set_index("driver")
        .loc["x1"]
    )

    assert row["low"] > 0.8
    assert row["low"] <= row["estimate"] <= row["high"]


def test_parts_of_arrays_take_weights_as_repeats_and_columns_far_from_zero():
    rng = np.random.default_rng(4)
    x = rng.normal([1e7, 0, -5], 1, (60, 3))
    y = x @ [1.0, 0.5, 0.2] + rng.normal(0, 1, 60)
    times = rng.integers(0, 4, 60)
    exact = share_out(np.cov(np.column_stack([y, x]).T)[None])[0]

    assert share_variance(y, x) == pytest.approx(exact, rel=1e-6)
    heavy = share_variance(y, x, times)
    assert heavy == pytest.approx(share_variance(np.repeat(y, times), np.repeat(x, times, axis=0)))
    assert heavy != pytest.approx(exact, rel=0.01)
