"""Every way of making segments: printed figures, slow second ways, laws, and planted truths."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.mixture import GaussianMixture
from test_personas import NEEDS, make_contacts, make_respondents, make_study

from cjlib.codebook import Item
from cjlib.definitions import PersonaRules, Text
from cjlib.errors import ColumnError, JourneyError, MissingSourceError, TooFewError
from cjlib.interviews import Interviews
from cjlib.personas import build_personas, prototypes
from cjlib.personas.answers import read_survey_variables
from cjlib.personas.behaviour import measure_behaviour, read_behaviour_variables
from cjlib.personas.clustering import adjusted_rand, find_patterns
from cjlib.personas.gaussian import fit_gaussian_classes
from cjlib.personas.levels import Levels, find_levels
from cjlib.personas.methods import METHODS, fit_segments
from cjlib.personas.prototypes import default_gamma, find_mixed_rows, fit_prototypes
from cjlib.personas.ward import fit_ward
from cjlib.study import read_study
from cjlib.templates import copy_template


def rng(seed=1):
    return np.random.default_rng(seed)


def make_mixed(n=240):
    """Three groups in three numbers and three categories of four levels."""
    draw = rng(3)
    truth = np.arange(n) % 3
    middle = np.array([[0, 0, 0], [3, 0, 1], [0, 3, 2]])[truth]
    numbers = np.round(draw.normal(0, 1, (n, 3)) + middle, 1)
    keep = draw.random((n, 3)) < 0.6
    free = draw.integers(0, 4, (n, 3))
    return numbers, np.where(keep, truth[:, None], free), truth


def measure_plainly(numbers, codes, labels, gamma):
    total = 0.0
    for label in set(labels):
        own = [i for i in range(len(labels)) if labels[i] == label]
        for column in numbers.T:
            mean = sum(column[i] for i in own) / len(own)
            total += sum((column[i] - mean) ** 2 for i in own)
        for column in codes.T:
            seen = [int(column[i]) for i in own]
            total += gamma * (len(own) - max(seen.count(level) for level in seen))
    return total


# --- k-prototypes -----------------------------------------------------------------------


def test_prototypes_reach_the_cost_of_kmodes():
    # kmodes 0.12.2: KPrototypes(n_clusters=3, init="Huang", n_init=1, random_state=s), s = 0 to
    # 9: cost 846.7419 six times and 847.2000 four times; gamma 0.7935642; 84, 79 and 77 people
    numbers, codes, _ = make_mixed()
    rows = find_mixed_rows(numbers, codes)

    found = fit_prototypes(rows, 3, rng=rng())

    assert found.cost == pytest.approx(846.741931150885, rel=1e-9)
    assert found.gamma == pytest.approx(0.7935642260968742, rel=1e-9)
    assert np.bincount(found.labels[rows.of_row]).tolist() == [84, 79, 77]
    assert 0.3 < found.share_at_best < 0.95  # kmodes: 6 of 10


def test_prototypes_cost_is_that_of_the_definition():
    numbers, codes, _ = make_mixed()
    rows = find_mixed_rows(numbers, codes)

    found = fit_prototypes(rows, 4, rng=rng())

    labels = found.labels[rows.of_row]
    assert found.cost == pytest.approx(measure_plainly(numbers, codes, labels, found.gamma))
    costs = found.measure_costs(numbers, codes)
    assert (costs.argmin(axis=1) == labels).all()
    assert costs.min(axis=1).sum() == pytest.approx(found.cost)
    for j in range(4):  # each prototype is the mean and a mode of its own people
        own = labels == j
        assert found.centres[j] == pytest.approx(numbers[own].mean(axis=0))
        for column, mode in zip(codes[own].T, found.modes[j], strict=True):
            counts = np.bincount(column, minlength=4)
            assert counts[mode] == counts.max()


def test_a_plain_loop_from_many_starts_finds_nothing_better():
    numbers, codes, _ = make_mixed(90)
    rows = find_mixed_rows(numbers, codes)
    found = fit_prototypes(rows, 3, rng=rng())
    draw, costs = rng(5), []
    for _ in range(30):
        at = draw.choice(len(numbers), 3, replace=False)
        centres, modes = numbers[at].copy(), codes[at].copy()
        for _ in range(30):
            gaps = [
                ((numbers - c) ** 2).sum(axis=1) + found.gamma * (codes != m).sum(axis=1)
                for c, m in zip(centres, modes, strict=True)
            ]
            labels = np.argmin(gaps, axis=0)
            for j in set(labels.tolist()):
                centres[j] = numbers[labels == j].mean(axis=0)
                modes[j] = [np.bincount(c).argmax() for c in codes[labels == j].T]
        costs.append(measure_plainly(numbers, codes, labels, found.gamma))

    assert found.cost <= min(costs) * (1 + 1e-9)
    assert found.cost == pytest.approx(min(costs))


def test_each_step_of_prototypes_costs_no_more(monkeypatch):
    numbers, codes, _ = make_mixed()
    rows = find_mixed_rows(numbers, codes)
    costs = []
    for steps in range(1, 12):
        monkeypatch.setattr(prototypes, "MOST_STEPS", steps)
        costs.append(fit_prototypes(rows, 5, rng=rng()).start_costs)

    assert (np.diff(np.array(costs), axis=0) <= 1e-9).all()
    assert costs[-1].mean() < costs[0].mean()


def test_prototypes_above_a_sample_cost_no_more_than_on_all(monkeypatch):
    numbers, codes, _ = make_mixed(600)
    rows = find_mixed_rows(numbers, codes)
    whole = fit_prototypes(rows, 3, rng=rng())
    monkeypatch.setattr(prototypes, "START_ROWS", 150)

    part = fit_prototypes(rows, 3, rng=rng())

    assert part.cost == pytest.approx(whole.cost, rel=1e-3)
    assert part.cost == pytest.approx(
        measure_plainly(numbers, codes, part.labels[rows.of_row], part.gamma)
    )


@given(st.integers(0, 10_000))
def test_laws_of_prototypes(seed):
    draw = rng(seed)
    numbers = np.round(draw.normal(0, 1, (40, 2)), 0)
    codes = draw.integers(0, 3, (40, 2))
    order = draw.permutation(40)
    once = find_mixed_rows(numbers, codes)
    found = fit_prototypes(once, 3, rng=rng())

    turned = find_mixed_rows(numbers[order], codes[order])
    again = fit_prototypes(turned, 3, rng=rng())
    twice = find_mixed_rows(np.tile(numbers, (2, 1)), np.tile(codes, (2, 1)))
    double = fit_prototypes(twice, 3, rng=rng())
    weighted = fit_prototypes(find_mixed_rows(numbers, codes, np.full(40, 2.0)), 3, rng=rng())

    assert again.cost == found.cost
    assert (again.labels[turned.of_row] == found.labels[once.of_row][order]).all()
    assert double.cost == weighted.cost == pytest.approx(2 * found.cost)
    assert (double.labels == weighted.labels).all()
    assert found.cost == pytest.approx(
        measure_plainly(numbers, codes, found.labels[once.of_row], found.gamma)
    )


def test_prototypes_without_numbers_or_without_categories():
    numbers, codes, _ = make_mixed(90)
    none = np.empty((90, 0))

    only_codes = fit_prototypes(find_mixed_rows(none, codes), 3, rng=rng())
    only_numbers = fit_prototypes(find_mixed_rows(numbers, none.astype(int)), 3, rng=rng())

    assert default_gamma(find_mixed_rows(none, codes)) == only_codes.gamma == 1.0
    assert only_codes.cost == pytest.approx(round(only_codes.cost))  # answers off the mode
    assert only_numbers.modes.shape == (3, 0)
    with pytest.raises(TooFewError, match=r"7 segments need 7 different rows; there are 6"):
        fit_prototypes(find_mixed_rows(numbers[:6], codes[:6]), 7, rng=rng())
    with pytest.raises(JourneyError, match=r"0 or more; got -1. Fill gaps first"):
        find_mixed_rows(numbers, codes - 1)


# --- Ward and normal classes ------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_ward_is_the_tree_of_scipy_with_each_row_as_often_as_it_weighs(seed):
    draw = rng(seed)
    distinct = draw.normal(size=(40, 3))
    counts = draw.integers(1, 5, 40)
    rows = draw.permutation(np.repeat(distinct, counts, axis=0))
    tree = linkage(rows, "ward")
    patterns = find_patterns(rows)

    for k in (1, 2, 3, 5, 9):
        found = fit_ward(patterns, k)
        theirs = fcluster(tree, k, "maxclust")
        mine = found.labels[patterns.of_row]
        assert adjusted_rand(mine, np.unique(theirs, return_inverse=True)[1]) == 1.0
        groups = [rows[mine == j] for j in range(k)]
        error = sum(((g - g.mean(axis=0)) ** 2).sum() for g in groups)
        assert found.error == pytest.approx(error)
        assert [len(g) for g in groups] == sorted((len(g) for g in groups), reverse=True)
        assert found.centres == pytest.approx(np.stack([g.mean(axis=0) for g in groups]))
    # scipy's height is the root of twice the error a join adds
    assert found.heights == pytest.approx(tree[-39:, 2] ** 2 / 2)


def test_ward_refuses_fewer_rows_than_segments():
    with pytest.raises(TooFewError, match=r"3 segments need 3 different rows; there are 2"):
        fit_ward(find_patterns(np.array([[0.0], [1.0], [1.0]])), 3)


def test_normal_classes_are_those_of_scikit_learn():
    draw = rng(2)
    x = np.vstack([draw.normal(0, 1, (150, 3)), draw.normal([3, 0, 2], [1, 2, 0.7], (80, 3))])
    found = fit_gaussian_classes(find_patterns(x), 2, rng=rng())
    theirs = GaussianMixture(
        2, covariance_type="diag", reg_covar=0, tol=1e-9, max_iter=2_000, n_init=5, random_state=1
    ).fit(x)

    assert found.log_likelihood == pytest.approx(theirs.score(x) * len(x), rel=1e-7)
    assert found.bic == pytest.approx(theirs.bic(x), rel=1e-7)
    order = np.argsort(-theirs.weights_)
    assert found.centres == pytest.approx(theirs.means_[order], abs=1e-3)
    assert found.variances == pytest.approx(theirs.covariances_[order], abs=2e-3)
    assert found.measure_memberships(x) == pytest.approx(
        theirs.predict_proba(x)[:, order], abs=0.01
    )


def test_a_class_of_equal_answers_keeps_some_variance():
    x = np.r_[np.zeros(30), rng().normal(5, 1, 30)][:, None]

    found = fit_gaussian_classes(find_patterns(x), 2, rng=rng())

    assert np.isfinite(found.log_likelihood)
    assert found.variances.min() == pytest.approx(0.05 * x.var())
    with pytest.raises(TooFewError, match=r"2 classes need 2 different rows; there are 1"):
        fit_gaussian_classes(find_patterns(np.ones((9, 1))), 2, rng=rng())


# --- one interface ----------------------------------------------------------------------

CITY = Item(
    "city", "nominal", role="need", question=Text("City?", "شهر؟"),
    labels={"a": Text("North", "شمال"), "b": Text("South", "جنوب"), "c": Text("Isle", "جزیره")},
)  # fmt: skip
WIFI = Item("wifi", "tick", role="need", question=Text("Wifi", "وای‌فای"))
SPEND = Item("spend", "number", role="need", question=Text("Spend", "خرج"))
MIXED = (*NEEDS[:4], CITY, WIFI, SPEND)
SHARES = np.array([0.5, 0.3, 0.2])
MIDDLES = np.array([[4.5, 1.5, 2, 3], [2, 4.5, 2, 3], [2, 2, 4.5, 3]])
CITIES = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
TICKS = np.array([0.2, 0.5, 0.8])
SPENDS = np.array([10.0, 25.0, 40.0])


def make_mixed_survey(n=500, *, noise=1.0, seed=4):
    """Unequal, overlapping groups; the best that anybody could tell is Bayes' assignment."""
    draw = rng(seed)
    truth = draw.choice(3, n, p=SHARES)
    felt = MIDDLES[truth] + draw.normal(0, noise, (n, 4))
    frame = pd.DataFrame({"respondent_id": [f"R{i}" for i in range(n)]})
    for j, item in enumerate(NEEDS[:4]):
        frame[item.name] = np.clip(np.round(felt[:, j]), 1, 5)
    city = (draw.random(n)[:, None] > np.cumsum(CITIES[truth], axis=1)).sum(axis=1)
    frame["city"] = pd.array(np.array(["a", "b", "c"])[city], dtype="string")
    wifi = draw.random(n) < TICKS[truth]
    frame["wifi"] = pd.array(wifi, dtype="boolean")
    frame["spend"] = draw.normal(SPENDS[truth], 8)
    edges = np.array([-np.inf, 1.5, 2.5, 3.5, 4.5, np.inf])
    from scipy.stats import norm

    chance = np.log(SHARES) + np.log(CITIES[:, city].T)
    chance += np.where(wifi[:, None], np.log(TICKS), np.log(1 - TICKS))
    chance += norm.logpdf(frame["spend"].to_numpy()[:, None], SPENDS, 8)
    for j, item in enumerate(NEEDS[:4]):
        answer = frame[item.name].to_numpy().astype(int)
        high, low = (edges[answer - shift][:, None] for shift in (0, 1))
        mid = MIDDLES[:, j]
        chance += np.log(norm.cdf((high - mid) / noise) - norm.cdf((low - mid) / noise) + 1e-300)
    return frame, truth, adjusted_rand(chance.argmax(axis=1), truth)


@pytest.fixture(scope="module")
def mixed():
    frame, truth, ceiling = make_mixed_survey()
    return read_survey_variables(make_study(MIXED), frame, style="none"), truth, ceiling


# found of the ceiling .948: kmeans .86, latent_class .996, kprototypes .98, ward .61 and, because
# normal classes do not fit yes and no, gaussian .5: the docstring sends categories elsewhere
FLOORS = {"kmeans": 0.8, "latent_class": 0.95, "gaussian": 0.4, "kprototypes": 0.93, "ward": 0.55}


@pytest.mark.parametrize("method", METHODS)
def test_mixed_planted_segments_are_found_up_to_a_share_of_the_ceiling(mixed, method):
    variables, truth, ceiling = mixed

    found = fit_segments(variables, 3, method=method, rng=rng())

    assert 0.75 < ceiling < 1  # nobody can tell all: the groups overlap
    assert adjusted_rand(found.labels, truth) > FLOORS[method] * ceiling
    sizes = np.bincount(found.labels, minlength=3)
    assert sizes.tolist() == sorted(sizes, reverse=True)
    assert found.criterion in ("squared error", "cost", "log-likelihood")
    assert (found.memberships is not None) == (found.criterion == "log-likelihood")
    assert np.isnan(found.bic) == (found.memberships is None)
    assert method in found.summary()
    if found.memberships is not None:
        assert found.memberships.sum(axis=1) == pytest.approx(1)
        assert (found.memberships.argmax(axis=1) == found.labels).all()
    if method == "ward":
        assert (found.starts, np.isnan(found.share_at_best)) == (0, True)
    else:
        assert 0 <= found.share_at_best <= 1


@pytest.mark.parametrize("method", METHODS)
def test_placing_the_same_people_gives_their_labels(mixed, method):
    variables = mixed[0]
    found = fit_segments(variables, 3, method=method, rng=rng())

    by_answers = found.place(variables.raw)
    by_rows = found.place(variables.scaled)

    assert (by_answers == by_rows).all()
    same = by_rows == found.labels
    assert same.all() or method == "ward"
    assert (found.margin[~same] < 0).all()
    assert (found.margin[same] >= 0).all()
    assert found.measure_margin(variables.raw[:9]).shape == (9,)


@pytest.mark.parametrize("method", METHODS)
def test_order_of_rows_and_weights_for_repeated_rows_change_nothing(method):
    frame, _, _ = make_mixed_survey(120)
    frame["spend"] = frame["spend"].round(-1)
    order = rng().permutation(120)
    base = read_survey_variables(make_study(MIXED), frame, style="none")
    found = fit_segments(base, 3, method=method, rng=rng())

    turned = fit_segments(base.take(order), 3, method=method, rng=rng())
    double = fit_segments(base.take(np.tile(np.arange(120), 2)), 3, method=method, rng=rng())
    heavy = replace(base, weights=np.full(120, 2.0))
    weighted = fit_segments(heavy, 3, method=method, rng=rng())

    assert adjusted_rand(turned.labels, found.labels[order]) == pytest.approx(1)
    assert adjusted_rand(double.labels[:120], found.labels) == pytest.approx(1)
    assert adjusted_rand(weighted.labels, found.labels) == pytest.approx(1)
    assert turned.fit == pytest.approx(found.fit, rel=1e-6)
    assert double.fit == pytest.approx(2 * found.fit, rel=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_noise_items_cost_little(method):
    respondents, truth = make_respondents(300)
    noise = [Item(f"noise_{j}", "scale", role="need", low=1, high=5) for j in range(3)]
    for j, item in enumerate(noise):
        respondents[item.name] = rng(j).integers(1, 6, 300)
    variables = read_survey_variables(make_study((*NEEDS, *noise)), respondents, style="none")

    found = fit_segments(variables, 4, method=method, rng=rng())

    assert adjusted_rand(found.labels, truth) > 0.75


def test_a_weight_of_nothing_pulls_nothing(mixed):
    variables, _, _ = mixed
    weights = np.ones(len(variables.weights))
    weights[:250] = 0
    half = replace(variables, weights=weights)
    for method in METHODS:
        found = fit_segments(half, 3, method=method, rng=rng())
        alone = fit_segments(variables.take(np.arange(250, 500)), 3, method=method, rng=rng())
        assert adjusted_rand(found.labels[250:], alone.labels) > 0.9, method
        assert len(found.labels) == 500


@pytest.mark.parametrize("method", METHODS)
def test_one_segment_holds_all(mixed, method):
    found = fit_segments(mixed[0], 1, method=method, rng=rng())

    assert (found.labels == 0).all()
    assert np.isnan(found.margin).all()


def test_wrong_calls_say_what_to_do(mixed):
    variables = mixed[0]
    few = variables.take(np.arange(3))
    same = variables.take(np.zeros(30, dtype=int))

    with pytest.raises(JourneyError, match="got 'kmean'. Did you mean 'kmeans'"):
        fit_segments(variables, 3, method="kmean", rng=rng())
    with pytest.raises(JourneyError, match=r"k must be 1 or more; got 0"):
        fit_segments(variables, 0, rng=rng())
    for method in METHODS:
        with pytest.raises(
            TooFewError, match=r"4 segments need 4 people with answers; there are 3"
        ):
            fit_segments(few, 4, method=method, rng=rng())
        with pytest.raises(TooFewError, match=r"2 people with different answers; there are 1"):
            fit_segments(same, 2, method=method, rng=rng())


def test_above_the_limit_a_sample_makes_the_segments(mixed, monkeypatch):
    variables, truth, ceiling = mixed
    limits = dict.fromkeys(("kmeans", "gaussian", "ward"), 120)
    monkeypatch.setattr("cjlib.personas.methods.MOST_ROWS", limits)
    for method in limits:
        found = fit_segments(variables, 3, method=method, rng=rng())
        assert len(found.labels) == 500
        assert adjusted_rand(found.labels, truth) > 0.5 * ceiling


# --- variables --------------------------------------------------------------------------


def test_two_answers_to_a_nominal_item_lie_as_far_apart_as_a_yes_and_a_no():
    frame, _, _ = make_mixed_survey(60)
    found = read_survey_variables(make_study((CITY, WIFI)), frame)

    rows = found.matrix
    assert list(found.columns["item"]) == ["city", "city", "city", "wifi"]
    assert sorted(found.columns["level"][:3]) == ["a", "b", "c"]
    assert found.columns["level"][3] == ""
    gaps = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)
    city, wifi = frame["city"].to_numpy(), frame["wifi"].to_numpy(dtype=bool)
    expected = (city[:, None] != city).astype(float) + (wifi[:, None] != wifi)
    assert gaps == pytest.approx(expected)
    assert any("weighs as one" in note for note in found.notes)


def test_style_takes_out_level_and_spread_of_each_person():
    respondents, _ = make_respondents(60)
    answers = respondents[[i.name for i in NEEDS]].to_numpy()
    respondents.loc[0, [i.name for i in NEEDS]] = 4.0  # all alike

    found = read_survey_variables(make_study(), respondents, style="level_and_spread")

    rows = found.matrix
    assert rows[0] == pytest.approx(0)
    one = answers[5]
    usual = (np.vstack([np.full(6, 4.0), answers[1:]]) / 4).std(axis=1).mean()
    assert rows[5] == pytest.approx((one - one.mean()) / one.std() * usual)
    assert "divided by their own standard deviation" in found.notes[-1]
    half = respondents.copy()  # who uses half of the scale around 3 is the same person
    half[[i.name for i in NEEDS]] = 3 + (answers - 3) / 2
    again = found.prepare(found.scale(half))
    assert again[1:] == pytest.approx(rows[1:])
    none = read_survey_variables(make_study(), respondents, style="none")
    assert none.matrix == pytest.approx(none.scaled)
    assert none.style == "none"
    with pytest.raises(JourneyError, match="got 'levle'. Did you mean 'level'"):
        found.with_style("levle")
    with pytest.raises(JourneyError, match=r"at least 2 rating items; there is 1"):
        read_survey_variables(make_study(NEEDS[:1]), respondents, style="level")


def test_numbers_are_cut_into_quarters_and_scales_keep_their_answers(mixed):
    variables = mixed[0]

    codes = find_levels(variables).code(variables.answered)

    items = list(variables.items["item"])
    spend = codes[:, items.index("spend")]
    assert np.bincount(spend).tolist() == [125, 125, 125, 125]
    needs = codes[:, items.index("need_price")]
    assert (needs + 1 == variables.raw["need_price"]).all()
    assert (codes[:, items.index("wifi")] == variables.raw["wifi"]).all()
    at_the_cut = Levels((np.array([0.5]),)).code(np.array([[0.4], [0.5], [np.nan]]))
    assert at_the_cut.tolist() == [[0], [1], [-1]]


def test_gaps_stay_gaps_for_latent_classes_only():
    frame, truth, _ = make_mixed_survey()
    for name in ("need_price", "city", "spend"):
        frame.loc[rng(len(name)).random(len(frame)) < 0.15, name] = np.nan
    before = frame.copy()
    variables = read_survey_variables(make_study(MIXED), frame, style="none")

    assert np.isnan(variables.answered).sum() == variables.items["filled"].sum() > 100
    assert not np.isnan(variables.scaled).any()
    for method in METHODS:
        found = fit_segments(variables, 3, method=method, rng=rng())
        assert adjusted_rand(found.labels, truth) > 0.5, method
        assert (found.place(frame) == found.labels).all() or method == "ward"
    city = variables.scaled[:, list(variables.items["item"]).index("city")]
    common = variables.levels["city"].index(frame["city"].mode()[0])
    assert (city[frame["city"].isna()[variables.kept]] == common).all()
    pd.testing.assert_frame_equal(frame, before)


def test_imputing_draws_categories_and_needs_an_rng():
    frame, _, _ = make_mixed_survey(200)
    frame.loc[:60, "city"] = pd.NA
    study = make_study(MIXED, missing_answers="impute")

    found = read_survey_variables(study, frame, rng=rng())

    drawn = found.scaled[:61, list(found.items["item"]).index("city")]
    assert set(drawn) == {0.0, 1.0, 2.0}
    with pytest.raises(JourneyError, match="imputing must have an rng"):
        read_survey_variables(study, frame)


def test_bad_answers_are_refused_or_left_out_in_words():
    frame, _, _ = make_mixed_survey(60)
    study = make_study(MIXED)
    infinite = frame.assign(spend=frame["spend"].where(frame.index != 7, np.inf))
    strange = frame.assign(city=frame["city"].where(frame.index != 7, "z"))
    empty = frame.assign(wifi=pd.array([pd.NA] * 60, dtype="boolean"), spend=1.0)
    nothing = frame.assign(**dict.fromkeys([i.name for i in MIXED], np.nan))

    with pytest.raises(
        ColumnError, match=r"'spend' is infinite in 1 of 60 rows \(first at row 7\)"
    ):
        read_survey_variables(study, infinite)
    with pytest.raises(TooFewError, match=r"got 60 people and 0 such items"):
        read_survey_variables(study, nothing)
    found = read_survey_variables(study, empty)
    assert any("nobody answered: wifi" in note for note in found.notes)
    assert any("everyone answers alike: spend" in note for note in found.notes)
    with pytest.raises(ColumnError, match=r"'city' must be one of a, b, c; got 'z' in 1 of 60"):
        read_survey_variables(study, frame).scale(strange)
    with pytest.raises(ColumnError, match="city is not there"):
        read_survey_variables(study, frame).scale(frame.drop(columns="city"))
    with pytest.raises(TooFewError, match="got 19 people"):
        read_survey_variables(study, frame[:19])


def make_log(people):
    """The first half of the people come three times as often as the rest."""
    often = list(people[: len(people) // 2])
    later = make_contacts(often)
    later["time"] += pd.Timedelta(days=30)
    latest = later.assign(time=later["time"] + pd.Timedelta(days=30))
    return pd.concat([make_contacts(people), later, latest], ignore_index=True)


def test_behaviour_stands_beside_the_answers():
    respondents, _ = make_respondents(60)
    log = make_log([f"C{i}" for i in range(40)])  # 20 people are not in the log
    study = make_study(personas=PersonaRules(events=("contacts", "amount")))
    behaviour = measure_behaviour(study, log)

    found = read_survey_variables(study, respondents, behaviour=behaviour)

    assert list(found.raw.columns[-2:]) == ["contacts", "amount"]
    assert found.raw["contacts"].tolist() == [9.0] * 20 + [3.0] * 20 + [np.nan] * 20 or (
        found.raw["contacts"][:40].tolist() == [9.0] * 20 + [3.0] * 20
        and found.raw["contacts"][40:].isna().all()
    )
    assert found.items["source"].tolist() == ["survey"] * 6 + ["interactions"] * 2
    logs = np.log1p(found.raw["contacts"].fillna(found.raw["contacts"].median()))
    usual = np.sqrt(found.scaled[:, :6].var(axis=0, ddof=1).mean())
    assert found.scaled[:, 6] == pytest.approx((logs - logs.mean()) / logs.std() * usual, abs=1e-9)
    assert found.scale(found.raw)[:40] == pytest.approx(found.scaled[:40])
    assert any("contacts (40), amount (40) of 60 rows" in note for note in found.notes)
    assert found.ratings.sum() == 6  # behaviour is no rating: no answering style in it
    with pytest.raises(MissingSourceError, match=r"personas.events names contacts, amount, but no"):
        read_survey_variables(study, respondents)
    wrong = make_study(personas=PersonaRules(events=("contact",)))
    with pytest.raises(JourneyError, match="'contact' is none. Did you mean 'contacts'"):
        read_survey_variables(wrong, respondents, behaviour=behaviour)
    rare = measure_behaviour(study, make_log([f"C{i}" for i in range(10)]))
    noted = read_survey_variables(study, respondents, behaviour=rare)
    assert any("fewer than half of the people: contacts (10 of 60)" in n for n in noted.notes)


def test_behaviour_alone_may_be_narrowed():
    study = make_study(personas=PersonaRules(events=("contacts",)))
    behaviour = measure_behaviour(study, make_log([f"C{i}" for i in range(30)]))

    found = read_behaviour_variables(study, behaviour)

    assert list(found.raw.columns) == ["contacts"]
    assert found.scaled.mean() == pytest.approx(0)
    assert found.scaled.std(ddof=1) == pytest.approx(0.5)


def make_interviews(people, says):
    """One interview a person; those in ``says`` mention "slow", all others "fine"."""
    ids = [f"i{i}" for i in range(len(people))]
    names = [f"P{i}" for i in range(len(people))]
    nothing = pd.DataFrame()
    return Interviews(
        utterances=pd.DataFrame(
            {"interview_id": ids, "participant": names, "customer_id": people, "turn": 1,
             "speaker": "participant-1", "role": "participant", "text": "It was slow.",
             "language": "en", "consent": True, "start_s": 0.0, "analysis_text": "It was slow."}
        ),
        codings=pd.DataFrame(
            {"interview_id": ids, "turn": 1, "coder": "A", "quote": "", "valence": -1,
             "code": ["slow" if p in says else "fine" for p in people]}
        ),
        codes=pd.DataFrame(
            {"code": ["slow", "fine", "dear"], "label_en": ["Slow", "Fine", "Dear"],
             "label_fa": ["کند", "خوب", "گران"]}
        ),
        people=pd.DataFrame(
            {"interview_id": ids, "participant": names,
             "customer_id": pd.array(people, dtype="string")}
        ),
        roles=nothing, redactions=nothing, misfits=nothing,
    )  # fmt: skip


def test_themes_stand_beside_the_answers():
    respondents, _ = make_respondents(60)
    heard = [f"C{i}" for i in range(40)]
    talks = make_interviews(heard, says=set(heard[:15]))
    study = make_study(personas=PersonaRules(themes=("slow", "dear")))

    found = read_survey_variables(study, respondents, interviews=talks)

    theme = found.raw["theme:slow"]
    assert theme[:40].tolist() == [1.0] * 15 + [0.0] * 25
    assert theme[40:].isna().all()
    assert "theme:dear" not in found.raw  # nobody mentions it
    assert any("everyone answers alike: theme:dear" in note for note in found.notes)
    assert found.items.set_index("item").loc["theme:slow", "label_fa"] == "کند"
    with pytest.raises(MissingSourceError, match=r"no interviews was given. Pass interviews="):
        read_survey_variables(study, respondents)
    wrong = make_study(personas=PersonaRules(themes=("slwo",)))
    with pytest.raises(JourneyError, match="'slwo' is none. Did you mean 'slow'"):
        read_survey_variables(wrong, respondents, interviews=talks)


# --- from the study to the personas -----------------------------------------------------


def test_the_study_names_the_method(tmp_path):
    copy_template(tmp_path / "tea")
    file = tmp_path / "tea" / "study.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace("method: kmeans ", "method: kprototypes ")
        .replace("style: auto ", "style: level_and_spread ")
        .replace("events: [] ", "events: [contacts] ").replace("themes: [] ", "themes: [slow] "),
        encoding="utf-8",
    )  # fmt: skip

    study, faults = read_study(tmp_path / "tea")

    assert [str(f) for f in faults] == []
    rules = study.personas
    assert (rules.method, rules.style) == ("kprototypes", "level_and_spread")
    assert (rules.events, rules.themes) == (("contacts",), ("slow",))
    file.write_text(text.replace("method: kmeans ", "method: kmean "), encoding="utf-8")
    (fault,) = read_study(tmp_path / "tea")[1]
    assert "kmean" in str(fault)
    assert "kmeans" in str(fault)


@pytest.fixture
def few_counts(monkeypatch):
    monkeypatch.setattr("cjlib.personas.choice.COUNTS", (2, 3, 4))


@pytest.mark.parametrize("method", ["kprototypes", "latent_class"])
def test_personas_by_another_method_on_everything_known(few_counts, method):
    frame, truth, ceiling = make_mixed_survey(400)
    frame["customer_id"] = pd.array([f"C{i}" for i in range(400)], dtype="string")
    frame["wave"] = "one"
    log = make_log([f"C{i}" for i in range(400)])
    talks = make_interviews([f"C{i}" for i in range(300)], {f"C{i}" for i in range(0, 300, 3)})
    rules = PersonaRules(method=method, k=3, events=("contacts",), themes=("slow",))
    survey, log = SimpleNamespace(respondents=frame), SimpleNamespace(table=log)

    found = build_personas(
        make_study(MIXED, personas=rules), survey=survey, interactions=log, interviews=talks,
        rng=rng(),
    )  # fmt: skip

    kept = found.members["persona"].notna().to_numpy()
    labels = found.members["persona"][kept].str[-1].astype(int).to_numpy() - 1
    assert adjusted_rand(labels, truth[kept]) > 0.5 * ceiling
    assert {"contacts", "theme:slow", "city"} <= set(found.items)
    assert f"Segments are made by {method}." in found.notes
    others = set(found.sensitivity["other_way"])
    assert {f"{m} instead of {method}" for m in METHODS if m != method} <= others
    profiles = found.profiles.set_index(["item", "persona"])
    assert profiles.loc["theme:slow", "used"].all()
    assert profiles.loc["contacts", "used"].all()
    assert not set(found.distinctness["item"]) & {"contacts", "theme:slow", "city", "wifi"}
    assert found.sizes["persistence"].dropna().between(0, 1).all()
    assert len(found.cards) == 3


def test_too_few_different_answers_say_what_to_do():
    respondents, _ = make_respondents(60)
    two = np.where(np.arange(60)[:, None] % 2, [5, 4, 3, 2, 1, 1], [1, 2, 3, 4, 5, 1])
    respondents[[i.name for i in NEEDS]] = two.astype(float)
    survey = SimpleNamespace(respondents=respondents)
    for k, needed in ((None, "2 segments need at least 4"), (10, "10 segments need at least 20")):
        study = make_study(personas=PersonaRules(k=k))
        with pytest.raises(TooFewError, match=f"{needed} people who answer differently; there are"):
            build_personas(study, survey=survey, rng=rng())


def test_levels_of_a_nominal_item_stand_in_the_order_that_ties_them_to_the_rest():
    respondents, _ = make_respondents(300)
    trait = rng().normal(size=300)  # one population along one trait, and a city that goes with it
    for j, item in enumerate(NEEDS):
        respondents[item.name] = np.clip(np.round(3 + trait + rng(j).normal(0, 0.7, 300)), 1, 5)
    place = np.digitize(trait + rng(9).normal(0, 0.3, 300), [-0.8, 0, 0.8])
    respondents["city"] = pd.array(np.array(["c", "a", "d", "b"])[place], dtype="string")
    city = Item("city", "nominal", role="need", labels={k: Text(k) for k in "abcd"})

    found = read_survey_variables(make_study((*NEEDS, city)), respondents)

    assert "".join(found.levels["city"]) in ("cadb", "bdac")
    assert abs(np.corrcoef(found.scaled[:, -1], trait)[0, 1]) > 0.8
    named = np.array(found.levels["city"])[found.scaled[:, -1].astype(int)]
    assert (named == respondents["city"]).all()


def test_latent_classes_take_no_answering_style(few_counts):
    respondents, _ = make_respondents(100)
    survey = SimpleNamespace(respondents=respondents)

    with pytest.raises(JourneyError, match="style must be auto or none; got 'level'"):
        build_personas(make_study(), survey=survey, rng=rng(), method="latent_class", style="level")
