"""Panels and published figures: by hand, against scipy, and simulated coverage."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cjlib.errors import ColumnError, JourneyError, ScaleError
from cjlib.intervals import compare_paired_nets, compare_paired_shares
from cjlib.metrics import (
    compare_groups,
    compare_panel,
    compare_published,
    gather_comparisons,
    measure_nps,
)


@pytest.fixture(scope="module")
def shipped_answers(sepidar):
    from cjlib.study import load_study
    from cjlib.survey import clean_answers

    return clean_answers(load_study(sepidar))


def panel(before, after, *, item="q", wave=("2024", "2025")):
    """Answers of two waves; a missing answer is NaN; customers are told by position."""
    parts = [
        pd.DataFrame({"customer_id": [f"C{i}" for i in range(len(x))], "wave": w, item: x})
        for w, x in zip(wave, (before, after), strict=True)
    ]
    return pd.concat(parts, ignore_index=True).sample(frac=1, random_state=1)


def test_paired_mean_is_scipys_and_the_unpaired_are_counted():
    rng = np.random.default_rng(3)
    before = rng.integers(1, 6, 60).astype(float)
    after = np.clip(before + rng.integers(-1, 3, 60), 1, 5)
    before[:4], after[50:] = np.nan, np.nan
    frame = panel(before, after)
    extra = pd.DataFrame({"customer_id": [None, "new"], "wave": "2025", "q": [5.0, 5.0]})
    frame = pd.concat([frame, extra], ignore_index=True)
    copy = frame.copy()
    row = compare_panel(frame, items={"q": "mean"}, waves=("2024", "2025")).table.iloc[0]
    known = ~np.isnan(before) & ~np.isnan(after)
    ours = stats.ttest_rel(after[known], before[known])

    assert row["p"] == pytest.approx(ours.pvalue)
    interval = ours.confidence_interval(0.95)
    assert [row["low"], row["high"]] == pytest.approx([interval.low, interval.high])
    assert row["estimate"] == pytest.approx(row["value"] - row["value_other"])
    assert (row["n"], row["only_group"], row["only_other"]) == (46, 4 + 2, 10)
    assert row["method"] == "paired t"
    pd.testing.assert_frame_equal(frame, copy)


def test_paired_nps_by_hand():
    # 40 stay promoters, 10 go from detractor to promoter, 5 from promoter to passive.
    before = np.array([9.0] * 40 + [3.0] * 10 + [10.0] * 5)
    after = np.array([10.0] * 40 + [9.0] * 10 + [8.0] * 5)
    row = compare_panel(panel(before, after), items={"q": "nps"}, waves=("2024", "2025"))
    row = row.table.iloc[0]
    centre = (10 * 2 - 5) / 58
    error = np.sqrt(((10 * 4 + 5 * 1 + 3) / 58 - centre**2) / 58)

    assert row["value"] == pytest.approx(100 * 50 / 55)
    assert row["value_other"] == pytest.approx(100 * 35 / 55)
    assert row["estimate"] == pytest.approx(100 * 15 / 55)
    assert row["low"] == pytest.approx(100 * (centre - 1.959964 * error))
    assert row["high"] == pytest.approx(100 * (centre + 1.959964 * error))
    assert row["detectable"] == pytest.approx(100 * (1.959964 + 0.841621) * error, rel=1e-6)


def test_paired_shares_are_agresti_and_mins():
    # Half a pair is added to each cell: b 12 gained, c 4 lost of n 50 gives
    # (12 - 4)/52 ± z sqrt((12.5 + 4.5) - (12.5 - 4.5)²/52)/52.
    first = np.array([1.0] * 12 + [0.0] * 4 + [1.0] * 20 + [0.0] * 14)
    second = np.array([0.0] * 12 + [1.0] * 4 + [1.0] * 20 + [0.0] * 14)
    found = compare_paired_shares(first, second, np.ones(50), level=0.95)
    half = 1.959964 * np.sqrt(17 - 64 / 52) / 52

    assert found.estimate == pytest.approx(8 / 50)
    assert [found.low, found.high] == pytest.approx([8 / 52 - half, 8 / 52 + half])


@pytest.mark.parametrize("n", [30, 100])
@pytest.mark.parametrize("shape", ["even", "skew"])
def test_paired_intervals_cover(n, shape):
    # Two answers of one person: the second is the first again with chance .6, else drawn anew.
    rng = np.random.default_rng(7)
    mix = {"even": [0.3, 0.4, 0.3], "skew": [0.05, 0.15, 0.8]}[shape]
    later = {"even": [0.2, 0.4, 0.4], "skew": [0.1, 0.2, 0.7]}[shape]
    truth = 0.4 * ((later[2] - later[0]) - (mix[2] - mix[0]))
    share_truth = 0.4 * (later[2] - mix[2])
    hits, runs = np.zeros(2), 700
    for _ in range(runs):
        first = rng.choice([-1.0, 0.0, 1.0], n, p=mix)
        second = np.where(rng.random(n) < 0.6, first, rng.choice([-1.0, 0.0, 1.0], n, p=later))
        found = compare_paired_nets(second, first, np.ones(n), level=0.95)
        hits[0] += found.low <= truth <= found.high
        top = compare_paired_shares(second > 0, 1.0 * (first > 0), np.ones(n), level=0.95)
        hits[1] += top.low <= share_truth <= top.high

    assert (hits / runs >= 0.94).all(), hits / runs
    assert (hits / runs <= 0.99).all(), hits / runs


def test_pairs_see_more_than_two_samples_when_people_are_steady():
    rng = np.random.default_rng(5)
    steady = rng.normal(5, 2, 300)
    before, after = (np.clip(np.round(steady + rng.normal(d, 0.7, 300)), 0, 10) for d in (0, 0.2))
    frame = panel(before, after)
    paired = compare_panel(frame, items={"q": "mean"}, waves=("2024", "2025")).table.iloc[0]
    apart = compare_groups(frame["q"], frame["wave"], metric="mean").table.iloc[0]

    assert paired["estimate"] == pytest.approx(apart["estimate"])
    assert paired["detectable"] < 0.6 * apart["detectable"]
    assert paired["verdict"] == "differ"
    assert apart["verdict"] == "not shown"


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=2, max_size=40))
def test_swapping_the_waves_turns_the_signs(pairs):
    before, after = np.array(pairs, dtype=float).T
    frame = panel(before, after)
    there = compare_panel(frame, items={"q": "nps"}, waves=("2024", "2025"), minimum_base=2)
    back = compare_panel(frame, items={"q": "nps"}, waves=("2025", "2024"), minimum_base=2)
    one, two = there.table.iloc[0], back.table.iloc[0]

    assert [one["low"], one["high"]] == pytest.approx([-two["high"], -two["low"]])
    assert one["p"] == pytest.approx(two["p"])
    assert one["low"] <= one["estimate"] <= one["high"]


def test_even_weights_change_nothing_and_weight_0_leaves_out():
    rng = np.random.default_rng(2)
    before, after = rng.integers(0, 11, (2, 80)).astype(float)
    frame = panel(before, after).assign(w=2.0)
    plain = compare_panel(frame, items={"q": "nps"}, waves=("2024", "2025")).table
    even = compare_panel(frame, items={"q": "nps"}, waves=("2024", "2025"), weights="w").table
    frame.loc[(frame["wave"] == "2025") & (frame["customer_id"] == "C3"), "w"] = 0.0
    less = compare_panel(frame, items={"q": "nps"}, waves=("2024", "2025"), weights="w").table

    pd.testing.assert_frame_equal(plain, even)
    assert (less["n"].iloc[0], less["only_group"].iloc[0]) == (79, 1)
    heavy = frame.assign(w=np.where(frame["customer_id"] < "C4", 4.0, 1.0))
    uneven = compare_panel(heavy, items={"q": "nps"}, waves=("2024", "2025"), weights="w").table
    assert uneven["method"].iloc[0].startswith("weighted; paired z")
    assert uneven["detectable"].iloc[0] > plain["detectable"].iloc[0]


def test_panel_says_what_is_wrong():
    frame = panel(np.array([1.0, 2.0]), np.array([3.0, 4.0]))

    few = compare_panel(frame, items={"q": "mean"}, waves=("2024", "2025")).table.iloc[0]
    assert few["verdict"] == "too few"
    assert np.isnan(few["estimate"])
    with pytest.raises(JourneyError, match="Did you mean '2025'"):
        compare_panel(frame, items={"q": "mean"}, waves=("2024", "2026"))
    twice = pd.concat([frame, frame[(frame["wave"] == "2024")].head(1)])
    with pytest.raises(JourneyError, match="1 of 2 answered more often in '2024'"):
        compare_panel(twice, items={"q": "mean"}, waves=("2024", "2025"))
    with pytest.raises(JourneyError, match="Did you mean 'mean'"):
        compare_panel(frame, items={"q": "means"}, waves=("2024", "2025"))
    with pytest.raises(ScaleError, match="0 to 1"):
        compare_panel(frame, items={"q": "share"}, waves=("2024", "2025"))
    with pytest.raises(ColumnError):
        compare_panel(frame, items={"r": "mean"}, waves=("2024", "2025"))


def answers(promoters, passives, detractors):
    return np.array([10.0] * promoters + [8.0] * passives + [2.0] * detractors)


def theirs(**columns):
    return pd.DataFrame({"name": ["Rival"]} | {k: [v] for k, v in columns.items()})


def test_a_published_nps_with_its_shares_is_a_group_of_answers():
    ours, rival = answers(60, 25, 15), answers(110, 50, 40)
    groups = np.array(["ours"] * 100 + ["Rival"] * 200)
    by_answers = compare_groups(
        np.concatenate([ours, rival]), groups, metric="nps", reference="Rival"
    ).table.iloc[0]
    published = theirs(value=35.0, n=200, promoters=0.55, detractors=0.20)
    row = compare_published(ours, published, metric="nps").table.iloc[0]

    for column in ("value", "value_other", "estimate", "low", "high", "p", "detectable"):
        assert row[column] == pytest.approx(by_answers[column]), column
    widest = compare_published(ours, theirs(value=35.0, n=200), metric="nps").table.iloc[0]
    assert widest["low"] < row["low"]
    assert widest["high"] > row["high"]
    assert "not known" in widest["method"]


@given(st.integers(-100, 100), st.floats(0, 1), st.integers(30, 500))
def test_no_distribution_gives_a_wider_interval_than_the_widest(nps, spread, n):
    net = nps / 100
    both = abs(net) + spread * (1 - abs(net))  # p + d runs from |S| to 1
    known = theirs(value=nps, n=n, promoters=(both + net) / 2, detractors=(both - net) / 2)
    ours = answers(40, 30, 30)
    told = compare_published(ours, known, metric="nps").table.iloc[0]
    widest = compare_published(ours, theirs(value=nps, n=n), metric="nps").table.iloc[0]

    assert widest["low"] <= told["low"] + 1e-9
    assert widest["high"] >= told["high"] - 1e-9


def test_published_means_and_shares_are_scipys_and_newcombes():
    rng = np.random.default_rng(1)
    ours, rival = rng.integers(1, 6, 90).astype(float), rng.integers(2, 6, 140).astype(float)
    published = theirs(value=rival.mean(), n=140, sd=rival.std(ddof=1))
    row = compare_published(ours, published, metric="mean").table.iloc[0]
    welch = stats.ttest_ind(ours, rival, equal_var=False)
    interval = welch.confidence_interval(0.95)

    assert row["p"] == pytest.approx(welch.pvalue)
    assert [row["low"], row["high"]] == pytest.approx([interval.low, interval.high])
    wide = compare_published(
        ours, theirs(value=rival.mean(), n=140), metric="mean", scale=(1, 5)
    ).table.iloc[0]
    assert wide["detectable"] > row["detectable"]
    assert "widest" in wide["method"]
    # Newcombe (1998), table II: 56/70 less 48/80, method 10: .0524, .3339.
    share = compare_published(
        np.array([1.0] * 56 + [0.0] * 14), theirs(value=0.6, n=80), metric="share"
    ).table.iloc[0]
    assert [share["low"], share["high"]] == pytest.approx([0.0524, 0.3339], abs=5e-5)


def test_a_figure_without_n_has_no_interval_and_few_answers_are_too_few():
    frame = pd.DataFrame(
        {"name": ["no n", "few", "fair"], "value": [10.0, 10.0, 10.0], "n": [np.nan, 12, 400]}
    )
    table = compare_published(answers(60, 25, 15), frame, metric="nps").table

    assert table["verdict"].tolist() == ["no test", "too few", "differ"]
    assert table["estimate"].iloc[0] == pytest.approx(35)
    assert table["low"].isna().tolist() == [True, True, False]
    assert np.isnan(table["estimate"].iloc[1])
    with pytest.raises(ScaleError, match="NPS in points"):
        compare_published(answers(60, 25, 15), theirs(value=145.0, n=9), metric="nps")
    wrong = theirs(value=45.0, n=90, promoters=0.5, detractors=0.3)
    with pytest.raises(ScaleError, match="within a point"):
        compare_published(answers(60, 25, 15), wrong, metric="nps")
    with pytest.raises(JourneyError, match="widest spread"):
        compare_published(np.arange(40.0), theirs(value=4.0, n=90), metric="mean")


@pytest.mark.parametrize("passives", [0.0, 0.3])
def test_published_intervals_cover_also_where_the_spread_is_not_told(passives):
    rng = np.random.default_rng(11)
    mine, rival = [0.2, 0.3, 0.5], [0.3 - passives / 2, passives, 0.7 - passives / 2]
    truth = 100 * ((mine[2] - mine[0]) - (rival[2] - rival[0]))
    hits, runs = np.zeros(2), 400
    for _ in range(runs):
        ours = rng.choice([2.0, 8.0, 10.0], 80, p=mine)
        counts = rng.multinomial(150, rival) / 150
        figure = theirs(value=100 * (counts[2] - counts[0]), n=150)
        told = figure.assign(promoters=counts[2], detractors=counts[0])
        rows = compare_published(ours, pd.concat([told, figure]), metric="nps").table
        hits += ((rows["low"] <= truth) & (truth <= rows["high"])).to_numpy()

    assert 0.93 <= hits[0] / runs <= 0.975, hits / runs
    assert hits[1] >= hits[0]


def test_one_correction_over_all_the_looks():
    rng = np.random.default_rng(4)
    ours = answers(60, 25, 15)
    rivals = pd.DataFrame({"name": list("ab"), "value": [28.0, 44.0], "n": [300, 300]})
    one = compare_published(ours, rivals, metric="nps")
    two = compare_panel(
        panel(*rng.integers(0, 11, (2, 50)).astype(float)), items={"q": "nps"},
        waves=("2024", "2025"),
    )  # fmt: skip
    both = gather_comparisons(one, two).table
    p = np.sort(both["p"].to_numpy())

    assert len(both) == 3
    assert both.loc[both["p"].idxmin(), "p_holm"] == pytest.approx(min(1, 3 * p[0]))
    assert (both["p_holm"].to_numpy()[:2] >= one.table["p_holm"].to_numpy() - 1e-12).all()
    assert list(both.columns[-2:]) == ["verdict", "method"]
    with pytest.raises(JourneyError, match="got none"):
        gather_comparisons()


def test_holm_over_many_null_panels_keeps_its_rate():
    rng = np.random.default_rng(9)
    wrong = 0
    for _ in range(100):
        both = rng.integers(0, 11, (2, 60, 5)).astype(float)
        frame = pd.concat(
            pd.DataFrame(x, columns=[f"q{i}" for i in range(5)]).assign(
                wave=w, customer_id=[f"C{i}" for i in range(60)]
            )
            for w, x in zip(("a", "b"), both, strict=True)
        )
        found = compare_panel(frame, items={f"q{i}": "nps" for i in range(5)}, waves=("a", "b"))
        wrong += found.table["verdict"].eq("differ").any()
    assert wrong / 100 <= 0.1


@pytest.mark.real
def test_a_published_figure_beside_sfo_2017(shared_data):
    file = shared_data / "sfo_airport_survey" / "raw" / "2017_SFO_Customer_Survey.csv"
    netpro = pd.read_csv(file, dtype=str, keep_default_na=False)["NETPRO"]
    values = pd.to_numeric(netpro.str.strip()).replace(11, np.nan)
    headline = measure_nps(values).headline
    row = compare_published(
        values, pd.DataFrame({"name": ["rival"], "value": [headline.estimate], "n": [1000]}),
        metric="nps",
    ).table.iloc[0]  # fmt: skip

    assert row["estimate"] == pytest.approx(0, abs=1e-9)
    assert row["verdict"] == "not shown"


@pytest.mark.parametrize("language", ["en", "fa"])
def test_the_figure_shows_pairs_of_several_metrics(language):
    rng = np.random.default_rng(6)
    frame = panel(*rng.integers(0, 11, (2, 50)).astype(float)).assign(r=1.0)
    found = compare_panel(frame, items={"q": "nps", "r": "mean"}, waves=("2024", "2025"))
    from cjlib import plots

    ax = plots.draw_differences(found.table.iloc[:1], names={}, language=language)
    drawn = ax.lines[1].get_xdata()
    assert list(drawn) == pytest.approx(found.table.loc[0, ["low", "high"]].tolist())
    assert found.table["verdict"].tolist()[1] == "no test"
    assert found.plot() is not None


def test_a_survey_names_its_waves_and_items_in_the_figure(shipped_answers):
    found = compare_panel(
        shipped_answers, items={"csat_delivery": "mean", "nps": "nps"}, waves=("autumn", "spring")
    )
    theirs = pd.DataFrame({"name": ["Other"], "value": [4.0], "n": [2600]})
    nps = shipped_answers.respondents["nps"].to_numpy(float, na_value=np.nan)
    both = gather_comparisons(found, compare_published(nps, theirs, metric="nps"))
    ticks = [tick.get_text() for tick in both.plot().get_yticklabels()]

    assert found.table["label"].tolist() == ["csat_delivery", "nps"]
    assert ticks[0] == "Satisfaction (Delivery): Spring 2025 − Autumn 2024"
    assert ticks[2] == "Net Promoter Score: ours − Other"
