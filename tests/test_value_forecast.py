"""Expected value of customers and lifetime value by group: second ways, laws and truths."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cjlib.definitions import EventRules, Positions, Privacy, Stage, Text, Touchpoint
from cjlib.errors import JourneyError, TooFewError
from cjlib.study import Study
from cjlib.value import (
    estimate_clv,
    estimate_clv_by,
    fit_bgnbd,
    fit_gamma_gamma,
    fit_pareto_nbd,
    forecast_value,
    predict_amounts,
    predict_pareto_purchases,
    predict_purchases,
    summarise_purchases,
)


def simulate(rng, n, *, end=52.0, horizon=0.0):
    """Customers of Pareto/NBD and gamma-gamma with known truth; what they spend later, too."""
    rate, leave = rng.gamma(0.8, 1 / 6.0, n), rng.gamma(0.9, 1 / 20.0, n)
    life, typical = rng.exponential(1 / leave), rng.gamma(4.0, 1 / 15.0, n)  # spread of amounts
    seen = np.minimum(life, end)
    x = rng.poisson(rate * seen)
    last = np.where(x > 0, seen * rng.random(n) ** (1 / np.maximum(x, 1)), 0.0)
    spent = rng.gamma(6.0 * np.maximum(x, 1)) / typical / np.maximum(x, 1)
    later = rng.poisson(rate * (np.minimum(life, end + horizon) - seen))
    paid = np.where(later > 0, rng.gamma(6.0 * np.maximum(later, 1)) / typical, 0.0)
    one = pd.DataFrame({"customer_id": ["a"], "time": [pd.Timestamp("2025-01-01")]})
    table = pd.DataFrame(
        {"customer_id": [f"C{i:05d}" for i in range(n)], "x": x.astype(float), "t_x": last,
         "T": end, "amount": np.where(x > 0, spent, np.nan)}
    )  # fmt: skip
    return replace(summarise_purchases(one), table=table), paid


@pytest.fixture(scope="module")
def fitted():
    summary, paid = simulate(np.random.default_rng(5), 4000, horizon=26.0)
    return summary, paid, fit_pareto_nbd(summary), fit_gamma_gamma(summary)


def test_value_is_purchases_times_amounts_times_margin(fitted):
    summary, _, pareto, amounts = fitted
    for model, predict in ((pareto, predict_pareto_purchases),
                           (fit_bgnbd(summary), predict_purchases)):  # fmt: skip
        if not model.identified:
            continue
        found = forecast_value(model, amounts, summary, horizon=26, margin=0.3)
        bought = predict(model, summary, horizon=26)["estimate"]
        slow = 0.3 * bought * predict_amounts(amounts, summary)["estimate"]
        assert found.customers["value"].to_numpy() == pytest.approx(slow.to_numpy())
        assert found.table["total"].iloc[0] == pytest.approx(slow.sum())
        assert found.table["estimate"].iloc[0] == pytest.approx(slow.mean())
        assert found.customers["customer_id"].tolist() == summary.table["customer_id"].tolist()
    assert f"{26} weeks" in found.summary()


def test_the_forecast_is_what_they_spend(fitted):
    summary, paid, pareto, amounts = fitted
    found = forecast_value(pareto, amounts, summary, horizon=26).table.iloc[0]
    error = paid.std() / np.sqrt(len(paid))

    assert found["estimate"] == pytest.approx(paid.mean(), abs=3 * error)


def test_groups_add_up_and_small_ones_are_too_few(fitted):
    summary, _, pareto, amounts = fitted
    ids = summary.table["customer_id"]
    groups = pd.DataFrame({"customer_id": ids, "channel": np.where(ids < "C02000", "web", "shop")})
    groups.loc[:9, "channel"] = "tv"
    before = groups.copy()
    found = forecast_value(pareto, amounts, summary, horizon=26, groups=groups.iloc[::-1])
    table = found.table.set_index("group")

    assert table["n"].to_dict() == {"all": 4000, "shop": 2000, "tv": 10, "web": 1990}
    assert table.loc["tv", "method"] == "too few (n < 30)"
    assert np.isnan(table.loc["tv", "estimate"])
    values = found.customers.set_index("customer_id")["value"]
    assert table.loc["web", "estimate"] == pytest.approx(values["C00010":"C01999"].mean())
    assert (table["low"].dropna() < table["estimate"].dropna()).all()
    pd.testing.assert_frame_equal(groups, before)
    drawn = found.plot()
    assert len(drawn.get_yticks()) == 3


def test_discount_takes_off_what_comes_later(fitted):
    summary, _, pareto, amounts = fitted
    summary = replace(summary, table=summary.table.head(300))
    plain, ten = (
        forecast_value(pareto, amounts, summary, horizon=52, discount=d).table["estimate"].iloc[0]
        for d in (0.0, 0.1)
    )
    upto = [forecast_value(pareto, amounts, summary, horizon=13 * k).table["estimate"].iloc[0]
            for k in range(1, 5)]  # fmt: skip
    middle = (np.arange(4) + 0.5) * 52 * 7 / 365.25 / 4

    assert ten < plain
    assert ten == pytest.approx(np.diff(upto, prepend=0) @ 1.1**-middle)


def test_what_is_wrong_is_said(fitted):
    summary, _, pareto, amounts = fitted
    with pytest.raises(JourneyError, match="Write 30 % as 0.3"):
        forecast_value(pareto, amounts, summary, horizon=26, margin=30)
    with pytest.raises(JourneyError, match="discount must be a yearly rate"):
        forecast_value(pareto, amounts, summary, horizon=26, discount=-0.1)
    with pytest.raises(JourneyError, match="unit='week'"):
        forecast_value(pareto, amounts, replace(summary, unit="day"), horizon=26)
    few = fit_pareto_nbd(replace(summary, table=summary.table[summary.table["x"] == 0]))
    with pytest.raises(TooFewError, match="not identified"):
        forecast_value(few, amounts, summary, horizon=26)


@pytest.mark.slow
def test_intervals_of_amounts_and_of_value_cover():
    # The truth: what is expected of these very customers under the true parameters.
    rng, hits, runs = np.random.default_rng(11), np.zeros(4), 0
    truth = np.array([6.0, 4.0, 15.0])
    for _ in range(40):
        summary, _ = simulate(rng, 1200)
        model, amounts = fit_pareto_nbd(summary), fit_gamma_gamma(summary)
        if not (model.identified and amounts.identified):
            continue
        runs += 1
        rows = amounts.table
        hits[:3] += ((rows["low"] <= truth) & (truth <= rows["high"])).to_numpy()
        # the true expectation through the same formulas, with the true parameters put in
        right = replace(model, fit=replace(model.fit, log_parameters=np.log([0.8, 6, 0.9, 20])))
        whole = replace(amounts, fit=replace(amounts.fit, log_parameters=np.log(truth)))
        mean = forecast_value(right, whole, summary, horizon=26).table["estimate"].iloc[0]
        row = forecast_value(model, amounts, summary, horizon=26).table.iloc[0]
        hits[3] += row["low"] <= mean <= row["high"]
    assert runs > 30
    assert (hits / runs >= 0.85).all(), hits / runs


# ---- by formula, group by group


@pytest.fixture(scope="module")
def study() -> Study:
    return Study(
        path=".", raw=".", id="tiny", title=Text("Tiny"), brand=Text("Tiny"), language="en",
        stages=(Stage("buy", Text("Buy"), "decision"),), seed=7,
        touchpoints=(Touchpoint("till", Text("Till"), "buy"),),
        events=EventRules((), purchase=("till",)), privacy=Privacy(), positions=Positions(),
    )  # fmt: skip


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    rng, rows = np.random.default_rng(8), []
    for i in range(400):
        born, life = rng.uniform(0, 500), rng.exponential(120)
        via = "shop" if i % 3 else "web"
        for t in np.r_[0.0, np.sort(rng.uniform(0, life, rng.poisson(12 * life / 365.25)))]:
            rows.append(
                (f"C{i:04d}", born + t, 70.0 if t == 0 else 40.0 + 20 * (via == "web"), via)
            )
    frame = pd.DataFrame(rows, columns=["customer_id", "t", "amount", "channel"])
    time = pd.Timestamp("2023-01-01") + pd.to_timedelta(frame["t"], unit="D")
    return (
        frame.assign(time=time, touchpoint="till").drop(columns="t").sample(frac=1, random_state=1)
    )


def test_each_group_is_as_if_alone_but_watched_to_the_same_end(study, log):
    found = estimate_clv_by(study, log, by="channel").table
    end = log["time"].max()
    for name in ("shop", "web"):
        alone = log[log["channel"].eq(name)]
        last = alone.tail(1).assign(customer_id=None, time=end)  # nobody's, it only ends the log
        one = estimate_clv(study, pd.concat([alone, last])).table
        mine = found[found["group"].eq(name)]
        assert mine["figure"].tolist() == one["figure"].tolist()
        for column in ("estimate", "low", "high", "n"):
            assert mine[column].to_numpy() == pytest.approx(one[column].to_numpy())


def test_costs_are_the_channels_own_and_payback_counts_them_once(study, log):
    month = pd.Timestamp("2023-03-01")
    costs = pd.DataFrame({"channel": ["web", "tv"], "month": month, "spend": [900.0, 50.0]})
    found = estimate_clv_by(study, log, by="channel", costs=costs)
    table = found.table.set_index(["group", "figure"])["estimate"]
    first = log.groupby("customer_id")["time"].min().dt.to_period("M")
    web = log.loc[log["channel"].eq("web"), "customer_id"].unique()
    won = (first[web] == month.to_period("M")).sum()

    assert table["web", "acquisition_cost"] == pytest.approx(900 / won)
    assert ("shop", "acquisition_cost") not in table.index
    left = 900 / won - 0.3 * table["web", "first_purchase"]
    assert table["web", "payback_years"] == pytest.approx(
        max(left, 0) / (0.3 * table["web", "annual_revenue"])
    )
    assert table["web", "payback_years"] > 0
    row = found.table.set_index(["group", "figure"]).loc[("web", "payback_years")]
    assert row["low"] <= row["estimate"] <= row["high"]
    assert "By channel, a buyer is worth most in" in found.summary()
    assert len(found.plot().get_yticks()) == 2


def test_personas_need_members_and_small_groups_say_too_few(study, log):
    ids = sorted(log["customer_id"].unique())
    members = pd.DataFrame({"customer_id": ids, "persona": ["few"] * 10 + ["many"] * 390})
    table = estimate_clv_by(study, log, by="persona", members=members).table
    few = table[table["group"].eq("few")]

    assert few["estimate"].isna().all()
    assert table.loc[table["group"].eq("many"), "n"].eq(390).all()
    with pytest.raises(JourneyError, match=r"members=personas\.members"):
        estimate_clv_by(study, log, by="persona")
    with pytest.raises(JourneyError, match="Did you mean 'channel'"):
        estimate_clv_by(study, log, by="chanel")


@pytest.mark.slow
def test_lifetime_value_covers_the_truth(study):
    # 0.3 × (70 + 12 × 40 × 120 / 365.25) by margin, as the log above is made, for one channel
    truth, hits, runs = 0.3 * (70 + 12 * 40 * 120 / 365.25), 0, 60
    rng = np.random.default_rng(1)
    for _ in range(runs):
        born, life = rng.uniform(0, 500, 300), rng.exponential(120, 300)
        many = rng.poisson(12 * life / 365.25)
        who = np.repeat(np.arange(300), many)
        t = np.r_[born, born[who] + rng.random(len(who)) * life[who]]
        frame = pd.DataFrame(
            {"customer_id": [f"C{i}" for i in np.r_[np.arange(300), who]], "amount":
             np.r_[np.full(300, 70.0), np.full(len(who), 40.0)], "touchpoint": "till",
             "time": pd.Timestamp("2023-01-01") + pd.to_timedelta(np.round(t, 3), unit="D")}
        )  # fmt: skip
        frame = frame[t <= 900]
        row = estimate_clv(study, frame).figure("clv_margin")
        hits += row.low <= truth <= row.high
    assert 0.85 <= hits / runs <= 1.0, hits / runs
