"""Churn prediction: on made-up worlds whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special

from cjlib.definitions import EventRules, Stage, Text, Touchpoint
from cjlib.errors import JourneyError
from cjlib.prediction import fit_logistic, make_panel, measure_auc, predict_churn
from cjlib.study import Study

START = pd.Timestamp("2024-01-01")


@pytest.fixture(scope="module")
def study() -> Study:
    return Study(
        path=".", raw=".", id="tiny", title=Text("Tiny"), brand=Text("Tiny"), language="en",
        stages=(Stage("buy", Text("Buy"), "decision"),), seed=3,
        touchpoints=tuple(Touchpoint(k, Text(k), "buy") for k in ("till", "gripe", "page")),
        events=EventRules(
            (), purchase=("till",), complaint=("gripe",), nothing_gained=("gripe",)
        ),
    )  # fmt: skip


def make_log(rng, *, n=900, days=420, leave=0.0, complaint_leaves=0.0):
    """Customers with a contact every 12 days or so; some complain, and may leave for it."""
    rows = []
    for i in range(n):
        t = rng.uniform(0, 60)
        while t < days:
            gripe = rng.random() < 0.08
            rows.append((f"C{i:04d}", t, "gripe" if gripe else "page"))
            if rng.random() < (complaint_leaves if gripe else leave):
                t += rng.exponential(300)
            t += rng.exponential(45)
    frame = pd.DataFrame(rows, columns=["customer_id", "t", "touchpoint"])
    frame = pd.concat(
        [frame, pd.DataFrame([("C0000", float(days), "page")], columns=frame.columns)]
    )
    time = (START + pd.to_timedelta(frame["t"], unit="D")).dt.floor("min")
    return frame.assign(
        time=time, channel="web", seconds=120.0, customer_id=frame["customer_id"].astype("string")
    ).drop(columns="t").sample(frac=1, random_state=1)  # fmt: skip


@pytest.fixture(scope="module")
def complainers():
    return make_log(np.random.default_rng(1), n=2500, leave=0.02, complaint_leaves=0.9)


def test_it_finds_that_complaints_drive_people_away(complainers, study):
    before = complainers.copy()
    study = replace(study, events=replace(study.events, nothing_gained=()))  # not told twice
    found = predict_churn(complainers, study)
    table = found.coefficients.set_index("feature")

    assert found.verdict == "better than the baselines"
    assert table.loc["complaints", "low"] > 0
    assert found.scores["low"].iloc[-2:].gt(0).all()
    assert found.calibrated["slope"] == pytest.approx(1, abs=0.25)
    assert found.calibration["n"].sum() == len(found.predictions)
    points = found.plot().containers[0][0].get_ydata()
    assert list(points) == pytest.approx(found.calibration["estimate"].tolist())
    pd.testing.assert_frame_equal(complainers, before)
    again = predict_churn(complainers.iloc[::-1], study)
    pd.testing.assert_frame_equal(again.scores, found.scores)


def test_it_says_when_there_is_nothing_to_find(study):
    found = predict_churn(make_log(np.random.default_rng(4), leave=0.0), study, horizon_days=60)

    assert found.verdict == "no better than baseline"
    assert "Not surely better" in found.summary()


def test_too_few_events_are_said_not_fitted(study):
    found = predict_churn(make_log(np.random.default_rng(2), n=60), study)

    assert found.verdict == "too few"
    assert "at least" in found.summary()
    assert found.scores.empty


def test_the_log_must_reach_both_ways(complainers, study):
    with pytest.raises(JourneyError, match="must reach from 2023-12-.*Choose another cut"):
        predict_churn(complainers, study, cut="2024-06-15")
    with pytest.raises(JourneyError, match="horizon_days must be above 0; got 0"):
        predict_churn(complainers, study, horizon_days=0)


def test_features_know_nothing_of_what_comes_after(complainers, study):
    cut = pd.Timestamp("2024-11-01")
    spans = {"horizon": pd.Timedelta(days=90), "window": pd.Timedelta(days=90)}
    rows = complainers.sort_values(["customer_id", "time"], kind="stable")
    whole = make_panel(rows, study, cut=cut, **spans)
    end_of_cut = cut + pd.Timedelta(days=1)
    past = make_panel(rows[rows["time"] < end_of_cut], study, cut=cut, **spans)

    pd.testing.assert_frame_equal(whole.drop(columns="left"), past.drop(columns="left"))
    assert past["left"].eq(1).all()
    assert 0 < whole["left"].mean() < 1


def test_features_by_hand(study):
    rows = pd.DataFrame(
        [
            ("a", "2024-01-01 12:00", "page", "web", None),
            ("a", "2024-03-02 12:00", "till", "shop", 60.0),
            ("a", "2024-03-12 12:00", "gripe", "phone", 300.0),
            ("a", "2024-05-01 12:00", "page", "web", None),
            ("gone before", "2024-01-05 12:00", "page", "web", None),
            ("silent", "2024-03-31 12:00", "page", "web", None),
        ],
        columns=["customer_id", "time", "touchpoint", "channel", "seconds"],
    ).assign(time=lambda f: pd.to_datetime(f["time"]))  # fmt: skip
    spans = {"horizon": pd.Timedelta(days=60), "window": pd.Timedelta(days=60)}
    panel = make_panel(rows, study, cut=pd.Timestamp("2024-03-31"), **spans)
    a, silent = panel.to_dict("records")

    assert panel["customer_id"].tolist() == ["a", "silent"]
    assert np.expm1(a["recency"]) == pytest.approx(19.5)
    assert np.expm1(a["frequency"]) == pytest.approx(2)
    assert np.expm1(a["tenure"]) == pytest.approx(90.5)
    assert np.expm1(a["nothing_gained"]) == pytest.approx(5)
    assert np.expm1(a["longest_wait"]) == pytest.approx(10)
    assert np.expm1(a["purchases"]) == pytest.approx(1)
    assert [a["channels"], a["complaints"], a["left"]] == [2, 1, 0]
    assert [silent["complaints"], silent["longest_wait"], silent["left"]] == [0, 0, 1]


def test_leaving_may_mean_no_purchase(study):
    rows = pd.DataFrame(
        [("buys", "2024-03-01", "page"), ("buys", "2024-04-02", "till"),
         ("looks", "2024-03-01", "page"), ("looks", "2024-04-02", "page")],
        columns=["customer_id", "time", "touchpoint"],
    ).assign(time=lambda f: pd.to_datetime(f["time"]), seconds=np.nan)  # fmt: skip
    spans = {"horizon": pd.Timedelta(days=60), "window": pd.Timedelta(days=60)}
    cut = pd.Timestamp("2024-03-31")

    assert make_panel(rows, study, cut=cut, **spans)["left"].tolist() == [0, 0]
    panel = make_panel(rows, study, cut=cut, staying=("till",), **spans)
    assert panel["left"].tolist() == [0, 1]
    with pytest.raises(JourneyError, match="'contact' or 'purchase'; got 'buy'"):
        predict_churn(rows, study, outcome="buy")


@pytest.mark.real
def test_olist_parcels_under_way_make_a_forecast_too_good_to_be_true(root, shared_data):
    from cjlib.events import read_interactions
    from cjlib.study import load_study

    olist = load_study(root / "data" / "olist", raw=shared_data / "olist")
    contacts = read_interactions(olist)

    assert "too good" in predict_churn(contacts, olist).summary()
    assert predict_churn(contacts, olist, outcome="purchase").verdict == "too few"


pairs = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30)


@given(pairs)
def test_auc_agrees_with_counting_pairs(found):
    score = np.array([float(s) for s, _ in found])
    left = np.array([float(e) for _, e in found])
    slow = [
        (a > b) + (a == b) / 2
        for a in score[left == 1] for b in score[left == 0]
    ]  # fmt: skip
    fast = measure_auc(score, left)

    assert (np.isnan(fast) and not slow) or fast == pytest.approx(np.mean(slow))


def test_auc_weights_are_repeated_rows():
    rng = np.random.default_rng(3)
    score, left, w = rng.integers(0, 9, 80) / 9, rng.integers(0, 2, 80), rng.integers(0, 4, 80)

    assert measure_auc(score, left.astype(float), w.astype(float)) == pytest.approx(
        measure_auc(np.repeat(score, w), np.repeat(left, w).astype(float))
    )


def test_logistic_fit_is_the_top_of_its_likelihood():
    rng = np.random.default_rng(6)
    x = np.column_stack([np.ones(300), rng.normal(size=(300, 2))])
    y = (rng.random(300) < special.expit(x @ [0.3, 1.0, -0.5])).astype(float)
    beta, covariance = fit_logistic(x, y, ridge=1.0)

    def loss(b):
        z = x @ b
        return np.sum(np.logaddexp(0, z) - y * z) + 0.5 * (b[1:] ** 2).sum()

    slow = optimize.minimize(loss, np.zeros(3), method="BFGS")
    assert beta == pytest.approx(slow.x, abs=1e-4)
    assert np.sqrt(np.diag(covariance)) == pytest.approx(np.sqrt(np.diag(slow.hess_inv)), rel=0.1)


def test_separated_data_stay_finite():
    x = np.column_stack([np.ones(40), np.r_[-np.ones(20), np.ones(20)]])
    beta, _ = fit_logistic(x, np.r_[np.zeros(20), np.ones(20)])

    assert np.isfinite(beta).all()
    assert 1 < beta[1] < 10
