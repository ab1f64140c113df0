"""Scores, comparisons and tables of metrics."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cjlib.codebook import Codebook, Item
from cjlib.definitions import Positions, Privacy, Stage, Text, Touchpoint, Wave
from cjlib.errors import ColumnError, JourneyError, ScaleError
from cjlib.intervals import net_bounds
from cjlib.metrics import (
    compare_groups,
    compare_metrics,
    measure_ces,
    measure_csat,
    measure_distribution,
    measure_metrics,
    measure_nps,
)
from cjlib.study import Study

PRINTED_ANSWERS = [10] * 60 + [7] * 25 + [3] * 15


def wald_bounds(plus, minus, n):
    m = (plus - minus) / n
    half = 1.959964 * np.sqrt(((plus + minus) / n - m**2) / n)
    return m - half, m + half


def mean_coverage(bounds, n):
    """Exact over all multinomial outcomes, averaged over a grid of true shares."""
    plus, minus = (a.ravel() for a in np.meshgrid(np.arange(n + 1), np.arange(n + 1)))
    keep = plus + minus <= n
    plus, minus = plus[keep], minus[keep]
    low, high = bounds(plus, minus, n)
    grid = np.arange(0.5, 30) / 30
    covers = []
    for p in grid:
        for d in grid[grid < 1 - p]:
            mass = stats.multinomial.pmf(
                np.column_stack([plus, minus, n - plus - minus]), n, [p, d, 1 - p - d]
            )
            covers.append(mass[(low <= p - d) & (p - d <= high)].sum())
    return np.mean(covers)


# ---- printed values


def test_nps_of_60_25_15_has_the_known_intervals():
    # Hand: p' = 60.75/103, d' = 15.75/103; the adjusted Wald formula of Rocks (2016).
    row = measure_nps(PRINTED_ANSWERS).table.iloc[0]
    low, high = wald_bounds(60, 15, 100)

    assert row["estimate"] == pytest.approx(45)
    assert [row["low"], row["high"]] == pytest.approx([29.34, 58.04], abs=0.005)
    assert [100 * low, 100 * high] == pytest.approx([30.50, 59.50], abs=0.005)


@pytest.mark.parametrize(("n", "wald"), [(10, 0.876), (30, 0.928)])
def test_nps_interval_covers_exactly(n, wald):
    adjusted = mean_coverage(lambda p, d, n: net_bounds(p, d, np.full(len(p), n)), n)

    assert adjusted == pytest.approx(0.950, abs=0.004)
    assert mean_coverage(wald_bounds, n) == pytest.approx(wald, abs=0.01)


@pytest.mark.slow
def test_nps_interval_covers_exactly_at_100():
    adjusted = mean_coverage(lambda p, d, n: net_bounds(p, d, np.full(len(p), n)), 100)

    assert adjusted == pytest.approx(0.950, abs=0.002)
    assert mean_coverage(wald_bounds, 100) == pytest.approx(0.943, abs=0.003)


@pytest.fixture(scope="session")
def sfo(shared_data):
    file = shared_data / "sfo_airport_survey" / "raw" / "2017_SFO_Customer_Survey.csv"
    return pd.read_csv(file, dtype=str, keep_default_na=False)


@pytest.mark.real
def test_sfo_2017_nps_weighted_and_not(sfo):
    answers = pd.to_numeric(sfo["NETPRO"].str.strip()).replace(11, np.nan)
    table = measure_nps(answers, pd.to_numeric(sfo["WEIGHT"])).table.set_index("weighting")

    assert table["n"].tolist() == [2746, 2746]
    assert table.loc["unweighted", "estimate"] == pytest.approx(39.84, abs=0.005)
    assert table.loc["weighted", "estimate"] == pytest.approx(40.40, abs=0.005)


@pytest.mark.real
def test_sfo_2017_overall_satisfaction(sfo):
    raw = sfo["Q7ALL"].str.strip().replace({"0": None, "6": None, "Blank": None})
    answers = pd.to_numeric(raw)
    table = measure_csat(answers, pd.to_numeric(sfo["WEIGHT"]), low=1, high=5).table
    found = table.set_index(["metric", "weighting"])["estimate"]

    assert found["csat_mean", "unweighted"] == pytest.approx(4.064, abs=0.0005)
    assert found["csat_mean", "weighted"] == pytest.approx(4.071, abs=0.0005)
    assert found["csat_top_box", "unweighted"] == pytest.approx(0.8207, abs=0.00005)


@pytest.mark.real
def test_olist_review_scores(shared_data):
    reviews = pd.read_csv(shared_data / "olist" / "olist_order_reviews_dataset.csv.gz", dtype=str)
    table = measure_distribution(pd.to_numeric(reviews["review_score"]), scale=(1, 5))

    assert table["n"].iloc[0] == 6866
    assert (100 * table["share"]).round(1).tolist() == [11.6, 3.3, 8.3, 19.3, 57.5]
    assert ((table["low"] < table["share"]) & (table["share"] < table["high"])).all()


# ---- by hand


def test_zero_is_an_answer_and_missing_is_not():
    score = measure_nps([0, None, 10, np.nan, 10, 7])

    assert score.headline.n == 4
    assert score.headline.estimate == 25
    assert score.answers.set_index("answer")["count"].loc[[0, 7, 10]].tolist() == [1, 1, 2]


def test_interval_never_leaves_the_scale_and_never_closes():
    row = measure_nps([10] * 12).table.iloc[0]

    assert row["high"] == 100
    assert row["low"] < 80


def test_alike_weighted_answers_still_have_an_interval():
    rows = measure_nps([10] * 12, np.arange(1, 13)).table

    assert rows["method"].iloc[1] == "weighted; adjusted Wald on the effective n"
    assert rows["low"].iloc[1] < rows["low"].iloc[0]


def test_eleven_options_coded_from_1_are_named():
    with pytest.raises(ScaleError, match="1 of 3 are not: 11 .1 times.*subtract 1"):
        measure_nps([1, 5, 11])


@pytest.mark.parametrize("wrong", [11, -1, 7.5, 99])
def test_answers_off_the_scale_are_counted(wrong):
    with pytest.raises(ScaleError, match=rf"2 of 5 are not: {wrong:g} \(2 times\)"):
        measure_nps([0, wrong, 5, wrong, 10])


def test_words_are_refused_with_the_first_of_them():
    with pytest.raises(ScaleError, match="1 of 2 are not .first: 'very'"):
        measure_csat([5, "very"], low=1, high=5)


def test_csat_names_both_figures_and_the_headline_is_chosen():
    score = measure_csat([5, 4, 3, 1], low=1, high=5)
    top = measure_csat([5, 4, 3, 1], low=1, high=5, headline="top_box")

    assert score.table.set_index("metric")["estimate"].to_dict() == {
        "csat_mean": 3.25,
        "csat_top_box": 0.5,
    }
    assert top.table["metric"].iloc[0] == "csat_top_box"
    assert "Sources differ" in score.summary()


@pytest.mark.parametrize(("low", "high", "boxes"), [(1, 5, 2), (1, 7, 2), (1, 10, 3), (0, 10, 3)])
def test_top_box_is_the_upper_quarter(low, high, boxes):
    every = np.arange(low, high + 1)
    found = measure_csat(every, low=low, high=high).table.set_index("metric")["estimate"]

    assert found["csat_top_box"] == pytest.approx(boxes / len(every))


def test_ces_conventions_by_hand():
    answers = [7, 7, 6, 5, 4, 2, 1, 1]
    found = measure_ces(answers, direction="ease").table.set_index("metric")["estimate"]

    assert found.to_dict() == {
        "ces_mean": 33 / 8,
        "ces_easy_share": 4 / 8,
        "ces_net_ease": 0.0,
    }


def test_ces_direction_turns_the_shares_but_not_the_mean():
    answers = np.array([7, 7, 6, 5, 4, 2, 1, 7, 3])
    ease = measure_ces(answers, direction="ease").table
    effort = measure_ces(8 - answers, direction="effort").table

    assert effort["estimate"].iloc[0] == pytest.approx(8 - ease["estimate"].iloc[0])
    pd.testing.assert_frame_equal(ease.iloc[1:], effort.iloc[1:])


def test_ces_needs_its_direction():
    with pytest.raises(TypeError):
        measure_ces([1, 2])
    with pytest.raises(JourneyError, match="Did you mean 'ease'"):
        measure_ces([1, 2], direction="easy")


# ---- laws


answers = st.lists(st.integers(0, 10), min_size=1, max_size=60)


@given(answers)
def test_nps_agrees_with_the_slow_way_and_its_interval_holds_it(given_):
    row = measure_nps(given_).table.iloc[0]
    slow = sum(1 if a in (9, 10) else -1 if a in range(7) else 0 for a in given_) / len(given_)

    assert row["estimate"] == pytest.approx(100 * slow)
    assert -100 <= row["low"] <= row["estimate"] + 1e-9
    assert row["estimate"] - 1e-9 <= row["high"] <= 100


@given(answers, st.integers(0, 1000))
def test_weights_of_one_and_a_shuffle_change_nothing(given_, seed):
    shuffled = np.random.default_rng(seed).permutation(given_)
    plain = measure_nps(given_).headline
    weighted = measure_nps(shuffled, np.ones(len(given_))).headline

    assert weighted.estimate == pytest.approx(plain.estimate)


def test_weighted_error_as_in_the_survey_package():
    # R survey's svymean, by its formula: sqrt(n/(n-1) sum w²(z-m)²)/sum w.
    rng = np.random.default_rng(4)
    x, w = rng.integers(1, 6, 80).astype(float), rng.uniform(0.2, 3, 80)
    row = measure_csat(x, w, low=1, high=5).table.iloc[1]
    m = (w * x).sum() / w.sum()
    se = np.sqrt(80 / 79 * (w**2 * (x - m) ** 2).sum()) / w.sum()

    assert row["estimate"] == pytest.approx(m)
    freedom = (w**2).sum() ** 2 / (w**4).sum() - 1  # Satterthwaite, fewer than 79
    assert row["high"] - m == pytest.approx(stats.t.ppf(0.975, freedom) * se)


# ---- comparisons


def test_means_agree_with_scipy_and_pairs_run_later_minus_earlier():
    rng = np.random.default_rng(1)
    a, b = rng.normal(3, 1, 50), rng.normal(3.8, 2, 70)
    table = compare_groups(
        np.r_[a, b], ["before"] * 50 + ["after"] * 70, metric="mean", order=["before", "after"]
    ).table
    row = table.iloc[0]
    reference = stats.ttest_ind(b, a, equal_var=False)
    ends = reference.confidence_interval()

    assert [row["group"], row["other"]] == ["after", "before"]
    assert row["p"] == pytest.approx(reference.pvalue)
    assert [row["low"], row["high"]] == pytest.approx([ends.low, ends.high])


def test_share_difference_has_newcombe_interval():
    # Newcombe (1998), method 10, 56/70 against 48/80: .2000 [.0524, .3339].
    values = [1] * 56 + [0] * 14 + [1] * 48 + [0] * 32
    row = compare_groups(values, ["b"] * 70 + ["a"] * 80, metric="share").table.iloc[0]

    assert row["estimate"] == pytest.approx(0.2)
    assert [row["low"], row["high"]] == pytest.approx([0.0524, 0.3339], abs=0.00005)


def test_detectable_difference_is_found_four_times_in_five():
    rng = np.random.default_rng(7)
    groups = ["a"] * 120 + ["b"] * 120
    detectable = 2.801585 * 1.5 * np.sqrt(2 / 120)  # by hand: (1.96 + .84) standard errors
    found, hits = [], 0
    for _ in range(400):
        values = np.r_[rng.normal(0, 1.5, 120), rng.normal(detectable, 1.5, 120)]
        row = compare_groups(values, groups, metric="mean").table.iloc[0]
        found.append(row["detectable"])
        hits += row["p"] < 0.05

    assert np.mean(found) == pytest.approx(detectable, rel=0.01)
    assert hits / 400 == pytest.approx(0.8, abs=0.05)


def test_too_few_are_not_compared_and_holm_counts_the_rest():
    rng = np.random.default_rng(2)
    groups = ["a"] * 50 + ["b"] * 50 + ["c"] * 50 + ["tiny"] * 6
    table = compare_groups(rng.integers(0, 11, 156), groups, metric="nps").table
    tiny = table[(table["group"] == "tiny") | (table["other"] == "tiny")]
    rest = table.drop(tiny.index)

    assert (tiny["verdict"] == "too few").all()
    assert tiny["estimate"].isna().all()
    assert rest["p_holm"].min() == pytest.approx(min(1, 3 * rest["p"].min()))


def test_nps_difference_keeps_its_error_rate_when_skewed_and_unbalanced():
    rng = np.random.default_rng(11)
    shares, rejected = [0.02, 0.08, 0.9], 0
    for _ in range(600):
        a, b = (rng.choice([0, 7, 10], size=n, p=shares) for n in (30, 300))
        found = compare_groups(np.r_[a, b], ["a"] * 30 + ["b"] * 300, metric="nps").table
        rejected += found["p"].iloc[0] < 0.05

    assert rejected / 600 < 0.07


# ---- tables of a study


def make_study(**changes) -> Study:
    items = (
        Item("recommend", "scale", low=0, high=10, metric="nps", line=2),
        Item("sat_order", "scale", low=1, high=5, metric="csat", touchpoint="till", line=3),
        Item("ease_help", "scale", low=1, high=7, metric="ces", stage="support", line=4),
        Item("age", "number", line=5),
    )
    parts = {
        "path": ".", "raw": ".", "id": "tiny", "title": Text("Tiny"), "brand": Text("Tiny"),
        "language": "en",
        "stages": (
            Stage("buying", Text("Buying"), "decision"), Stage("support", Text("Support")),
        ),
        "touchpoints": (Touchpoint("till", Text("Till"), "buying"),),
        "waves": (Wave("w1", (), Text("W1")), Wave("w2", (), Text("W2"))),
        "codebook": Codebook(items), "privacy": Privacy(),
    }  # fmt: skip
    return Study(**(parts | changes))


@pytest.fixture
def respondents() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    n = 200
    return pd.DataFrame(
        {
            "respondent_id": [f"R{i}" for i in range(n)],
            "wave": ["w2"] * 90 + ["w1"] * 110,
            "language": ["fa"] * 40 + ["en"] * 157 + ["de"] * 3,
            "weight": 1.0,
            "recommend": rng.integers(0, 11, n).astype(float),
            "sat_order": np.where(np.arange(n) < 90, 5.0, rng.integers(1, 4, n)),
            "ease_help": np.where(np.arange(n) % 4 == 0, np.nan, rng.integers(1, 8, n)),
            "age": 30.0,
        }
    ).astype({"wave": "string", "language": "string"})


def test_table_has_every_figure_by_name(respondents):
    before = respondents.copy()
    found = measure_metrics(respondents, make_study())

    assert found.table["metric"].tolist() == [
        "nps", "csat_mean", "csat_top_box", "ces_mean", "ces_easy_share", "ces_net_ease",
    ]  # fmt: skip
    assert found.table["stage"].tolist() == ["", "buying", "buying"] + ["support"] * 3
    assert found.table["n"].tolist() == [200] * 3 + [150] * 3
    assert len(found.positions) == 3
    pd.testing.assert_frame_equal(before, respondents)


def test_small_groups_say_too_few_and_tiny_ones_withhold_their_size(respondents):
    found = measure_metrics(respondents, make_study(), by=["wave", "language"]).table
    rows = found[found["metric"] == "nps"].set_index(["wave", "language"])

    assert rows["n"].to_dict()["w2", "fa"] == 40
    tiny = rows.loc[("w1", "de")]
    assert np.isnan(tiny["estimate"])
    assert tiny["n"] is pd.NA
    assert "withheld" in tiny["method"]


def test_weights_give_both_rows_and_move_one(respondents):
    heavy = respondents.assign(weight=np.where(respondents["wave"] == "w2", 3.0, 1.0))
    found = measure_metrics(heavy, make_study()).table
    rows = found[found["metric"] == "csat_top_box"].set_index("weighting")["estimate"]

    assert rows["unweighted"] == pytest.approx(90 / 200)
    assert rows["weighted"] == pytest.approx(270 / 380)


def test_personas_join_by_respondent(respondents):
    members = pd.DataFrame(
        {"respondent_id": ["R0", "R1", "R2", "R199"], "persona": ["a", "a", "b", None]}
    )
    study = make_study(privacy=Privacy(minimum_cell=1, minimum_base=1))
    found = measure_metrics(respondents, study, by="persona", members=members).table
    nps = found[found["metric"] == "nps"]

    assert nps[["persona", "n"]].to_numpy().tolist() == [["a", 2], ["b", 1]]


def test_unknown_group_is_named_with_the_nearest(respondents):
    with pytest.raises(ColumnError, match="no 'langauge' .nearest: 'language'"):
        measure_metrics(respondents, make_study(), by="langauge")
    with pytest.raises(ColumnError, match="members=personas.members"):
        measure_metrics(respondents, make_study(), by="persona")


def test_off_scale_answer_names_the_item(respondents):
    with pytest.raises(ScaleError, match="answers to 'sat_order'.*9 .1 times"):
        measure_metrics(respondents.assign(sat_order=[9.0] + [3.0] * 199), make_study())


def test_waves_compare_later_minus_earlier_with_one_correction(respondents):
    found = compare_metrics(respondents, make_study(), by="wave")
    rows = found.table.set_index("item")

    assert rows["metric"].to_dict() == {
        "recommend": "nps", "sat_order": "csat_mean", "ease_help": "ces_mean",
    }  # fmt: skip
    assert (rows["group"] == "w2").all()
    assert rows.loc["sat_order", "verdict"] == "differ"
    assert rows.loc["sat_order", "estimate"] > 2
    assert "not yet an effect" in found.summary()


def test_the_study_chooses_top_box_as_the_headline(respondents):
    study = make_study(positions=Positions(csat="top_box"))
    rows = compare_metrics(respondents, study, by="wave").table.set_index("item")

    assert rows.loc["sat_order", "metric"] == "csat_top_box"
    assert rows.loc["sat_order", "value"] == 1


def test_plots_show_the_numbers(respondents):
    score = measure_nps(PRINTED_ANSWERS)
    heights = [bar.get_height() for bar in score.plot().patches]
    table = measure_metrics(respondents, make_study(), by="wave")
    points = [
        line.get_xdata()[0] for line in table.plot(metric="csat_mean").lines
        if line.get_marker() == "o"
    ]  # fmt: skip

    assert heights == pytest.approx(score.answers["share"].tolist())
    expected = table.table.loc[table.table["metric"] == "csat_mean", "estimate"]
    assert points == pytest.approx(expected.tolist())
    assert compare_metrics(respondents, make_study(), by="wave").plot().get_yticklabels()
    with pytest.raises(ColumnError, match="Did you mean 'csat_mean'"):
        table.plot(metric="csat_meen")


def test_items_of_one_metric_on_two_scales_are_named(respondents):
    from cjlib.codebook import Codebook, Item

    study = make_study()
    ten = Item("sat_ten", "scale", low=1, high=10, metric="csat", line=9)
    book = Codebook((*study.codebook.items, ten))
    people = respondents.assign(sat_ten=8.0)
    found = measure_metrics(people, make_study(codebook=book))

    assert found.positions[-1] == (
        "Items of csat have different scales (1-5: sat_order; 1-10: sat_ten): compare means "
        "within a scale only."
    )
    assert not any("different scales" in p for p in measure_metrics(people, study).positions)
