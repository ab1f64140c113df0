"""The check on unseen purchases: published figures, known truths, and what the figures show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cjlib.errors import JourneyError
from cjlib.value import bgnbd, check_holdout, pareto_nbd

BG, PARETO = np.array([0.8, 6.0, 1.2, 3.0]), np.array([0.8, 6.0, 0.9, 20.0])
MODELS = {"bgnbd": (bgnbd, BG), "pareto": (pareto_nbd, PARETO)}


def simulate(model, rng, n, *, end):
    """Days of purchases of ``n`` customers won over the first third of the time, in weeks."""
    start = rng.uniform(0, end / 3, n)
    rate = rng.gamma(0.8, 1 / 6.0, n)
    rows = [(i, s) for i, s in enumerate(start)]
    for i in range(n):
        life = rng.exponential(1 / rng.gamma(0.9, 1 / 20.0)) if model == "pareto" else np.inf
        leave, t = rng.beta(1.2, 3.0), start[i]
        while (t := t + rng.exponential(1 / rate[i])) <= min(end, start[i] + life):
            rows.append((i, t))
            if model == "bgnbd" and rng.random() < leave:
                break
    frame = pd.DataFrame(rows, columns=["customer_id", "week"])
    time = pd.Timestamp("2024-01-01") + pd.to_timedelta(7 * frame["week"], unit="D")
    return frame.assign(time=time, customer_id="C" + frame["customer_id"].astype(str))


@pytest.fixture(scope="module")
def log():
    return simulate("bgnbd", np.random.default_rng(4), 900, end=60.0)


@pytest.fixture(scope="module")
def found(log):
    return check_holdout(log, cut="2024-09-30", end="2025-02-20")


@pytest.mark.parametrize("model", MODELS)
def test_chances_add_up_and_their_mean_is_the_expected_number(model):
    module, truth = MODELS[model]
    t = np.array([0.5, 7.0, 52.0, 300.0])
    chances = module.chance_of_repeats(truth, t, 600)

    assert (chances >= 0).all()
    assert chances.sum(axis=1) == pytest.approx(1, abs=1e-4)
    few = slice(0, 3)  # in 300 weeks some buy more than 600 times
    mean = (chances * np.arange(601)).sum(axis=1)
    assert mean[few] == pytest.approx(module.expected_repeats(truth, t)[few], rel=1e-4)
    assert module.chance_of_repeats(truth, np.zeros(1), 3)[0] == pytest.approx([1, 0, 0, 0])


@pytest.mark.parametrize("model", MODELS)
def test_chances_are_the_shares_of_simulated_customers(model):
    rng, n, end = np.random.default_rng(1), 60_000, 30.0
    module, truth = MODELS[model]
    rate, leave = rng.gamma(truth[0], 1 / truth[1], n), np.zeros(n)
    if model == "pareto":
        life = rng.exponential(1 / rng.gamma(truth[2], 1 / truth[3], n))
        x = rng.poisson(rate * np.minimum(life, end))
    else:
        leave, x = rng.beta(truth[2], truth[3], n), np.zeros(n)
        active, now = np.arange(n), np.zeros(n)
        while len(active):
            now[active] += rng.exponential(1 / rate[active])
            active = active[now[active] <= end]
            x[active] += 1
            active = active[rng.random(len(active)) >= leave[active]]
    chances = module.chance_of_repeats(truth, np.array([end]), 6)[0]
    shares = np.bincount(x.astype(int), minlength=7)[:7] / n

    assert shares == pytest.approx(chances, abs=4 * np.sqrt(0.25 / n))


@pytest.mark.real
@pytest.mark.parametrize(("model", "off"), [("bgnbd", -0.04), ("pareto", -0.016)])
def test_cdnow_is_tracked_as_published(shared_data, model, off):
    # Fader, Hardie & Lee (2005): BG/NBD is 4 % too low by week 78, in all repeat purchases;
    # Pareto/NBD is nearer in their figure (here 1.6 %, as computed).
    file = shared_data / "cdnow" / "CDNOW_sample.txt"
    raw = pd.read_csv(file, sep=r"\s+", header=None, dtype=str)
    frame = pd.DataFrame({"customer_id": raw[1], "time": pd.to_datetime(raw[2], format="%Y%m%d")})
    check = check_holdout(frame, cut="1997-09-30", end="1998-06-30", model=model)
    last = check.tracking.iloc[-1]

    assert last["end"] == pd.Timestamp("1998-06-30")
    assert last["estimate"] / last["cumulative_actual"] - 1 == pytest.approx(off, abs=0.005)
    assert check.tracking["part"].value_counts().to_dict() == {"calibration": 39, "holdout": 39}
    held = check.tracking[check.tracking["part"].eq("holdout")]
    assert held["actual"].sum() == check.actual == 1882
    assert check.frequencies["customers"].tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
    assert check.frequencies["estimate"].sum() == pytest.approx(2357)
    assert check.frequencies["estimate"].to_numpy() == pytest.approx(
        check.frequencies["customers"].to_numpy(), rel=0.25
    )


def test_tracking_counts_as_a_slow_reader_would(log, found):
    won = log.groupby("customer_id")["time"].min().dt.normalize()
    ours = log[log["customer_id"].isin(won[won <= "2024-09-30"].index)]
    days = ours.assign(day=ours["time"].dt.normalize())[["customer_id", "day"]].drop_duplicates()
    repeats = days[days["day"] > days["customer_id"].map(won)]

    for row in found.tracking.itertuples():
        week = repeats[
            (repeats["day"] <= row.end) & (repeats["day"] > row.end - pd.Timedelta("7D"))
        ]
        assert row.actual == len(week)
        assert row.cumulative_actual == (repeats["day"] <= row.end).sum()
    row = found.tracking.iloc[10]  # expected: each customer from their own first day
    since = (row["end"] - won[won <= row["end"]]).dt.days.to_numpy() / 7
    p = found.model.parameters
    assert row["estimate"] == pytest.approx(bgnbd.expected_repeats(p, since).sum())
    x = repeats[repeats["day"] <= "2024-09-30"].groupby("customer_id").size()
    assert found.frequencies["customers"].sum() == (won <= "2024-09-30").sum()
    assert found.frequencies["customers"].iloc[3] == (x == 3).sum()


def test_the_other_model_is_chosen_and_a_third_refused():
    log = simulate("pareto", np.random.default_rng(2), 900, end=60.0)
    other = check_holdout(log, cut="2024-09-30", end="2025-02-20", model="pareto")

    assert set(other.tracking["method"]) == {"Pareto/NBD, delta"}
    assert other.predicted == pytest.approx(other.actual, rel=0.1)
    with pytest.raises(JourneyError, match="'bgnbd' or 'pareto'; got 'paretto'. Did you mean"):
        check_holdout(log, cut="2024-09-30", model="paretto")


@pytest.mark.parametrize("language", ["en", "fa"])
def test_figures_show_the_tables_and_say_not_identified(found, language):
    spoken = replace(found, language=language)
    whole, weeks = spoken.plot_tracking(), spoken.plot_tracking(cumulative=False)

    assert whole.lines[0].get_ydata() == pytest.approx(found.tracking["cumulative_actual"])
    assert whole.lines[1].get_ydata() == pytest.approx(found.tracking["estimate"])
    assert weeks.lines[1].get_ydata() == pytest.approx(found.tracking["expected"].iloc[1:])
    heights = [bar.get_height() for bar in spoken.plot_frequencies().patches]
    assert heights == pytest.approx(
        [*found.frequencies["customers"], *found.frequencies["estimate"]]
    )
    bare = replace(spoken, tracking=found.tracking.head(0), frequencies=found.frequencies.head(0))
    for ax in (bare.plot_tracking(), bare.plot_frequencies()):
        assert len(ax.texts) == 1
    for ax in (whole, weeks):
        ax.figure.canvas.draw()


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_intervals_of_the_expected_total_cover_what_is_expected(model):
    # What is expected under the truth, not one draw of it: the interval is the parameters'.
    module, truth = MODELS[model]
    hits, runs, rng = np.zeros(2), 0, np.random.default_rng(7)
    for _ in range(40):
        frame = simulate(model, rng, 700, end=60.0)
        check = check_holdout(frame, cut="2024-10-28", end="2025-02-20", model=model)
        if not check.model.identified:
            continue
        runs += 1
        won = frame.groupby("customer_id")["time"].min().dt.normalize()
        last = check.tracking.iloc[-1]
        total = module.expected_repeats(truth, (last["end"] - won).dt.days.to_numpy() / 7).sum()
        hits[0] += last["low"] <= total <= last["high"]
        watched = (pd.Timestamp("2024-10-28") - won).dt.days.to_numpy() / 7
        none = module.chance_of_repeats(truth, watched, 0).sum()
        row = check.frequencies.iloc[0]
        hits[1] += row["low"] <= none <= row["high"]
    assert runs > 30
    assert (hits / runs >= 0.85).all(), hits / runs
