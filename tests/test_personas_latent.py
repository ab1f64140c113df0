"""Latent class analysis: printed likelihoods, a slow second way, laws, known truths, errors."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.mixture import GaussianMixture

from cjlib.errors import ColumnError, JourneyError, TooFewError
from cjlib.personas import fit_latent_classes
from cjlib.personas.acceleration import climb
from cjlib.personas.categories import find_answer_patterns, read_categories
from cjlib.personas.clustering import find_patterns
from cjlib.personas.gaussian import LEAST_VARIANCE, NormalLikelihood, fit_gaussian_classes
from cjlib.personas.latent_steps import Likelihood

# Counts of answer patterns, the last item running fastest. Levels from 0.
# carcinoma: seven pathologists (0 no, 1 yes) on 118 slides, Landis and Koch (1977), Biometrics
# 33, 363-374; Agresti (2002), Categorical Data Analysis, table 13.1; only the patterns that occur.
CARCINOMA = {
    "0000000": 34, "0000100": 2, "0100000": 6, "0100001": 1, "0100100": 4, "0100101": 5,
    "1000000": 2, "1010101": 1, "1100000": 2, "1100001": 1, "1100100": 2, "1100101": 7,
    "1100111": 1, "1101001": 1, "1101101": 2, "1101111": 3, "1110101": 13, "1110111": 5,
    "1111101": 10, "1111111": 16,
}  # fmt: skip
# values: universalistic (0) or particularistic (1) answers of 216 people to four role conflicts,
# Stouffer and Toby (1951); Goodman (1974), Biometrika 61, 215-231, table 1.
VALUES = [20, 2, 9, 2, 6, 1, 4, 1, 38, 7, 24, 6, 25, 6, 23, 42]
# cheating: 319 students, lied to avoid an exam, lied to avoid handing in a paper, bought an exam,
# copied in an exam (0 no, 1 yes), Dayton (1998), Latent Class Scaling Analysis.
CHEATING = [207, 46, 7, 5, 13, 4, 1, 2, 10, 3, 1, 2, 11, 4, 1, 2]
# gss82: 1,202 white respondents on surveys, purpose (3 levels), accuracy (2), understanding (2),
# cooperation (3), McCutcheon (1987), Latent Class Analysis, table 3.1.
GSS82 = [
    419, 35, 2, 71, 25, 5, 270, 25, 4, 42, 16, 5, 23, 4, 1, 6, 2, 0,
    43, 9, 2, 9, 3, 2, 26, 3, 0, 1, 2, 0, 85, 23, 6, 13, 12, 8,
]  # fmt: skip


def spread(levels, counts):
    """Rows of codes from a table of counts."""
    cells = list(itertools.product(*(range(n) for n in levels)))
    return np.repeat(np.array(cells), counts, axis=0)


SETS = {
    "carcinoma": np.repeat([[int(c) for c in p] for p in CARCINOMA], list(CARCINOMA.values()), 0),
    "values": spread((2, 2, 2, 2), VALUES),
    "cheating": spread((2, 2, 2, 2), CHEATING),
    "gss82": spread((3, 2, 2, 3), GSS82),
}
# R, poLCA 1.6, help pages: poLCA(cbind(A, B, C, D, E, F, G) ~ 1, carcinoma, nclass = 2) and 3, 4;
# poLCA(cbind(PURPOSE, ACCURACY, UNDERSTA, COOPERAT) ~ 1, gss82, nclass = 2) and 3, 4;
# poLCA(cbind(A, B, C, D) ~ 1, values, nclass = 1) and 2, 3;
# poLCA(cbind(LIEEXAM, LIEPAPER, FRAUD, COPYEXAM) ~ 1, cheating, nclass = 2).
PRINTED = [
    ("carcinoma", 2, -317.2568), ("carcinoma", 3, -293.705), ("carcinoma", 4, -289.2858),
    ("gss82", 2, -2783.268), ("gss82", 3, -2754.545), ("gss82", 4, -2746.621),
    ("values", 1, -543.6498), ("values", 2, -504.4677), ("values", 3, -503.3011),
    ("cheating", 2, -440.0271),
]  # fmt: skip
MCDONALDS = {  # published (Dolnicar, Grün and Leisch 2018, R flexmix), and converged further
    2: (-7610.848, -7610.836, 15389.17), 3: (-7311.534, -7311.478, 14877.92),
    4: (-7111.146, -7111.108, 14564.52), 5: (-7011.204, -7011.167, 14452.01),
    6: (-6956.110, -6956.019, 14429.20), 7: (-6900.188, -6900.136, 14404.73),
    8: (-6872.641, -6864.090, 14437.01),
}  # fmt: skip


@pytest.fixture
def rng():
    return np.random.default_rng(1404)


@pytest.fixture
def burgers(shared_data):
    frame = pd.read_csv(shared_data / "mcdonalds" / "mcdonalds.csv")
    return frame.iloc[:, :11]


# --- printed values ---------------------------------------------------------------------


def test_the_tables_have_as_many_people_as_printed():
    assert {name: len(rows) for name, rows in SETS.items()} == {
        "carcinoma": 118, "values": 216, "cheating": 319, "gss82": 1202,
    }  # fmt: skip


@pytest.mark.parametrize(("name", "k", "printed"), PRINTED)
def test_log_likelihoods_are_those_polca_prints(rng, name, k, printed):
    found = fit_latent_classes(SETS[name], k, rng=rng)

    digits = len(str(printed).split(".")[1])
    assert found.log_likelihood == pytest.approx(printed, abs=10.0**-digits)


def test_carcinoma_is_as_flexmix_finds_it(rng):
    # R, flexmix 2.3.18: flexmix(x ~ 1, k = 3, model = FLXMCmvbinary(), control = list(minprior
    # = 0, iter.max = 5000, tolerance = 1e-15)), the best of 20 runs; logLik -293.7049788 (df 23).
    found = fit_latent_classes(SETS["carcinoma"], 3, rng=rng)

    assert found.log_likelihood == pytest.approx(-293.7049788, abs=1e-6)
    assert found.shares == pytest.approx([0.4447277, 0.3735644, 0.1817079], abs=1e-5)
    yes = [
        [1.0, 0.980944, 0.857504, 0.586247, 1.0, 0.476391, 1.0],
        [0.0573097, 0.137943, 0.0, 0.0, 0.0550823, 0.0, 0.0],
        [0.512831, 1.0, 0.0, 0.0575987, 0.750603, 0.0, 0.630652],
    ]
    assert found.probabilities[:, 1::2] == pytest.approx(np.array(yes), abs=1e-4)
    row = found.table.iloc[0]
    assert (row["parameters"], row["residual_df"]) == (23, 94)


@pytest.mark.real
@pytest.mark.parametrize("k", sorted(MCDONALDS))
def test_mcdonalds_reaches_the_converged_likelihoods(burgers, k):
    published, converged, bic = MCDONALDS[k]

    found = fit_latent_classes(burgers, k, rng=np.random.default_rng(k), starts=10)

    assert found.log_likelihood == pytest.approx(converged, abs=0.002)
    assert found.log_likelihood > published
    assert found.bic == pytest.approx(bic + 2 * (published - found.log_likelihood), abs=0.01)
    assert len(found.patterns.weights) == 264


@pytest.mark.real
def test_mcdonalds_bic_is_lowest_at_seven_or_with_the_better_eight(burgers):
    bic = {k: fit_latent_classes(burgers, k, rng=np.random.default_rng(1)).bic for k in (6, 7, 8)}

    assert min(bic, key=bic.get) == 7
    assert bic[8] == pytest.approx(14437.01 - 2 * (6872.641 - 6864.090), abs=0.01)


# --- a slow second way ------------------------------------------------------------------


def climb_slowly(rows, weights, shares, chances, steps):
    """Plain EM on rows, in loops; rows hold codes or None, chances[class][item][level]."""
    n = sum(weights)
    k, fit = len(shares), -math.inf
    for _ in range(steps):
        posterior, before, fit = [], fit, 0.0
        for row, weight in zip(rows, weights, strict=True):
            joint = [
                shares[c] * math.prod(chances[c][j][a] for j, a in enumerate(row) if a is not None)
                for c in range(k)
            ]
            posterior.append([weight * each / sum(joint) for each in joint])
            fit += weight * math.log(sum(joint))
        assert fit >= before - 1e-9
        shares = [sum(p[c] for p in posterior) / n for c in range(k)]
        new = []
        for c in range(k):
            items = []
            for j in range(len(rows[0])):
                mass = [
                    sum(p[c] for p, row in zip(posterior, rows, strict=True) if row[j] == level)
                    for level in range(len(chances[c][j]))
                ]
                items.append([m / sum(mass) for m in mass])
            new.append(items)
        chances = new
    return fit, shares, chances


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_one_step_is_that_of_plain_em_in_loops(seed):
    rng = np.random.default_rng(seed)
    levels = rng.integers(2, 5, size=rng.integers(1, 6))
    codes = np.column_stack([rng.integers(0, n, 40) for n in levels])
    codes[:5] = np.arange(5)[:, None] % levels
    codes[rng.random(codes.shape) < 0.2] = -1
    codes[:5] = np.arange(5)[:, None] % levels
    codes = codes[(codes >= 0).any(axis=1)]
    weights = rng.uniform(0.2, 3, len(codes))
    categories, read = read_categories(codes, caller="test")
    likelihood = Likelihood.of(
        find_answer_patterns(read, categories.counts, weights), categories.counts, 3
    )
    begun = likelihood.draw_starts(2, rng)

    after, fits = likelihood.step(begun)
    _, later = likelihood.step(after)

    shares, chances = likelihood.open(begun)
    edges = np.cumsum(levels)[:-1]
    rows = [[None if a < 0 else a for a in row] for row in codes.tolist()]
    for s in range(2):
        given_chances = [[list(i) for i in np.split(c, edges)] for c in chances[s]]
        args = (rows, weights.tolist(), shares[s].tolist(), given_chances)
        fit, _, _ = climb_slowly(*args, steps=1)
        assert fits[s] == pytest.approx(fit, abs=1e-8)
        fit, expected, items = climb_slowly(*args, steps=2)
        assert later[s] == pytest.approx(fit, abs=1e-8)
        fit, expected, items = climb_slowly(*args, steps=1)
        assert likelihood.open(after)[0][s] == pytest.approx(expected, abs=1e-10)
        flat = [level for c in items for item in c for level in item]
        assert likelihood.open(after)[1][s].reshape(-1) == pytest.approx(flat, abs=1e-10)


def test_the_top_is_where_plain_em_ends(rng):
    rows = SETS["values"]
    found = fit_latent_classes(rows, 2, rng=rng)
    begun = [[[0.6, 0.4]] * 4, [[0.3, 0.7]] * 4]

    fit, shares, chances = climb_slowly(rows.tolist(), [1.0] * 216, [0.5, 0.5], begun, 400)

    assert found.log_likelihood == pytest.approx(fit, abs=1e-5)
    order = np.argsort(shares)[::-1]
    assert found.shares == pytest.approx(np.array(shares)[order], abs=1e-3)
    assert found.probabilities == pytest.approx(np.array(chances)[order].reshape(2, -1), abs=1e-3)


def test_products_of_hundreds_of_items_do_not_vanish(rng):
    truth = rng.integers(0, 2, 60)
    codes = np.where(rng.random((60, 900)) < 0.97, truth[:, None], 1 - truth[:, None])
    codes[0, :450], codes[0, 450:] = 0, 1  # two halves that speak for different classes

    found = fit_latent_classes(codes, 2, rng=rng, starts=5)

    yes = found.probabilities[:, 1::2]
    joint = np.log(found.shares) + sum(
        np.log(np.maximum(np.where(codes[:, [j]] == 1, yes[:, j], 1 - yes[:, j]), 1e-300))
        for j in range(900)
    )
    direct = np.logaddexp(joint[:, 0], joint[:, 1])
    assert found.log_likelihood == pytest.approx(direct.sum(), abs=1e-6)
    assert np.isfinite(found.posteriors.to_numpy()).all()


# --- laws -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(SETS))
def test_the_likelihood_never_falls(rng, name):
    categories, codes = read_categories(SETS[name], caller="test")
    patterns = find_answer_patterns(codes, categories.counts, np.ones(len(codes)))
    likelihood = Likelihood.of(patterns, categories.counts, 3)
    begun, seen = likelihood.draw_starts(1, rng), []

    for cycles in range(1, 40):
        seen.append(
            climb(likelihood.step, likelihood.repair, begun, tolerance=0, cycles=cycles)[1][0]
        )

    assert (np.diff(seen) >= -1e-9).all()
    assert seen[-1] > seen[0]


def test_twice_the_weight_is_twice_the_people(rng):
    rows = SETS["gss82"]
    weights = np.where(np.arange(len(rows)) % 3 == 0, 2.0, 1.0)
    twice = np.repeat(rows, weights.astype(int), axis=0)

    weighted = fit_latent_classes(rows, 2, weights=weights, rng=rng)
    repeated = fit_latent_classes(twice, 2, rng=rng)

    scale = len(rows) / len(twice)
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood * scale, abs=1e-4)
    assert weighted.probabilities == pytest.approx(repeated.probabilities, abs=2e-3)


def test_order_of_people_items_and_levels_changes_nothing(rng):
    rows = SETS["gss82"]
    mixed = rng.permutation(len(rows))
    words = np.array(["c", "a", "b"])[rows[mixed][:, ::-1]]
    frame = pd.DataFrame(words, columns=list("wxyz"))
    kept = frame.copy()

    one = fit_latent_classes(rows, 3, rng=np.random.default_rng(1))
    two = fit_latent_classes(frame, 3, rng=np.random.default_rng(2))

    pd.testing.assert_frame_equal(frame, kept)
    assert two.log_likelihood == pytest.approx(one.log_likelihood, abs=1e-4)
    assert two.posteriors.to_numpy() == pytest.approx(one.posteriors.to_numpy()[mixed], abs=0.005)


def test_same_seed_same_bytes():
    one, two = (
        fit_latent_classes(SETS["carcinoma"], 3, rng=np.random.default_rng(7)) for _ in range(2)
    )

    assert one.probabilities.tobytes() == two.probabilities.tobytes()
    assert one.summary() == two.summary()


def test_tables_belong_together(rng):
    found = fit_latent_classes(SETS["gss82"], 3, rng=rng)
    posterior = found.posteriors.to_numpy()

    assert posterior.sum(axis=1) == pytest.approx(np.ones(1202))
    assert posterior.mean(axis=0) == pytest.approx(found.shares, abs=1e-4)
    assert found.shares.tolist() == sorted(found.shares, reverse=True)
    assert np.bincount(found.labels).tolist() == found.classes["members"].tolist()
    own = posterior.max(axis=1)
    assert found.classes["mean_posterior"].tolist() == pytest.approx(
        [own[found.labels == c].mean() for c in range(3)]
    )
    sums = found.chances.groupby(["class", "item"])["probability"].sum()
    assert sums.to_numpy() == pytest.approx(np.ones(12))
    row = found.table.iloc[0]
    doubt = -(posterior * np.log(np.maximum(posterior, 1e-300))).sum()
    assert row["entropy"] == pytest.approx(1 - doubt / (1202 * np.log(3)))
    fit = found.log_likelihood
    assert row["parameters"] == 2 + 3 * 6
    assert row["aic"] == pytest.approx(-2 * fit + 40)
    assert row["bic"] == pytest.approx(-2 * fit + 20 * np.log(1202))
    assert row["sabic"] == pytest.approx(-2 * fit + 20 * np.log(1204 / 24))
    assert found.place(SETS["gss82"]).to_numpy() == pytest.approx(posterior)


def test_one_class_is_the_shares_of_all(rng):
    found = fit_latent_classes(SETS["values"], 1, rng=rng)

    yes = found.chances.query("answer == 1")["probability"].to_numpy()
    assert yes == pytest.approx(SETS["values"].mean(axis=0))
    assert np.isnan(found.table["entropy"].iloc[0])
    assert "1 latent class of 216 people (100%)" in found.summary()


# --- known truths -----------------------------------------------------------------------

TRUE_SHARES = np.array([0.5, 0.3, 0.2])
TRUE_CHANCES = np.array(  # class, item, level; the first items have two levels in use
    [
        [[0.9, 0.1, 0], [0.8, 0.2, 0], [0.7, 0.3, 0], [0.7, 0.2, 0.1], [0.6, 0.3, 0.1]],
        [[0.2, 0.8, 0], [0.2, 0.8, 0], [0.6, 0.4, 0], [0.1, 0.2, 0.7], [0.1, 0.8, 0.1]],
        [[0.9, 0.1, 0], [0.1, 0.9, 0], [0.1, 0.9, 0], [0.1, 0.8, 0.1], [0.2, 0.1, 0.7]],
    ]
)


def simulate(rng, people, *, missing=0.0):
    """Codes and classes; each of five items twice; an item goes missing by the one before it."""
    kinds = rng.choice(3, people, p=TRUE_SHARES)
    chances = np.concatenate([TRUE_CHANCES, TRUE_CHANCES], axis=1)[kinds]
    codes = (rng.random((people, 10, 1)) > chances.cumsum(axis=2)).sum(axis=2)
    if missing:  # at random: whether item j is there depends on the first item, which always is
        gone = rng.random((people, 9)) < missing * np.where(codes[:, [0]] == 1, 1.8, 0.2)
        codes[:, 1:][gone] = -1
    return codes, kinds


def true_chances():
    flat = [np.concatenate([c[j][c[j] > 0] for j in range(5)]) for c in TRUE_CHANCES]
    return np.array([np.concatenate([f, f]) for f in flat])


@pytest.mark.parametrize("missing", [0.0, 0.35])
def test_true_classes_are_found_also_where_answers_are_missing_at_random(rng, missing):
    codes, kinds = simulate(rng, 8_000, missing=missing)

    found = fit_latent_classes(codes, 3, rng=rng)

    assert found.shares == pytest.approx(TRUE_SHARES, abs=0.02)
    assert found.probabilities == pytest.approx(true_chances(), abs=0.05)
    assert (found.labels == kinds).mean() > (0.93 if missing else 0.96)


def test_leaving_out_people_with_gaps_would_have_been_wrong(rng):
    codes, _ = simulate(rng, 8_000, missing=0.35)
    full = codes[(codes >= 0).all(axis=1)]

    found = fit_latent_classes(full, 3, rng=rng)

    assert np.abs(found.shares - TRUE_SHARES).max() > 0.1


def test_posteriors_are_calibrated_on_new_people(rng):
    codes, _ = simulate(rng, 4_000)
    found = fit_latent_classes(codes[:, :4], 3, rng=rng)
    fresh, kinds = simulate(rng, 40_000)

    chance = found.place(fresh[:, :4]).to_numpy()

    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        for c in range(3):
            inside = (chance[:, c] >= low) & (chance[:, c] < low + 0.2)
            if inside.sum() > 400:
                assert (kinds[inside] == c).mean() == pytest.approx(
                    chance[inside, c].mean(), abs=0.08
                )


@pytest.mark.parametrize("seed", range(5))
def test_no_structure_has_its_lowest_bic_at_one_class(seed):
    rng = np.random.default_rng(seed)
    codes = np.column_stack([rng.integers(0, n, 600) for n in (2, 2, 3, 4, 2, 3)])

    bic = [fit_latent_classes(codes, k, rng=rng, starts=5).bic for k in (1, 2, 3)]

    assert bic == sorted(bic)


def test_three_classes_have_their_lowest_bic_at_three(rng):
    codes, _ = simulate(rng, 1_000)

    bic = {k: fit_latent_classes(codes, k, rng=rng, starts=5).bic for k in (1, 2, 3, 4)}

    assert min(bic, key=bic.get) == 3


def test_more_patterns_than_the_sample_holds_end_as_high_as_without_sampling(rng, monkeypatch):
    kinds = rng.choice(3, 20_000, p=TRUE_SHARES)
    codes = (rng.random((20_000, 16)) < rng.uniform(0.1, 0.9, (3, 16))[kinds]).astype(int)

    sampled = fit_latent_classes(codes, 3, rng=rng, starts=5)
    monkeypatch.setattr("cjlib.personas.latent_steps.SAMPLE", 10**9)
    whole = fit_latent_classes(codes, 3, rng=rng, starts=5)

    assert len(sampled.patterns.weights) > 5_000
    assert sampled.log_likelihood == pytest.approx(whole.log_likelihood, abs=1e-3)
    assert sampled.probabilities == pytest.approx(whole.probabilities, abs=1e-3)


def test_share_at_best_tells_a_hard_solution_from_an_easy_one(rng):
    easy = fit_latent_classes(SETS["values"], 2, rng=rng)
    hard = fit_latent_classes(SETS["gss82"], 4, rng=rng)

    assert easy.table["share_at_best"].iloc[0] > 0.9
    assert hard.table["share_at_best"].iloc[0] < 0.6
    assert "of 20 random starts ended there" in hard.summary()


# --- placing and errors -----------------------------------------------------------------


@pytest.fixture
def answers():
    frame = pd.DataFrame(SETS["gss82"], columns=["purpose", "accuracy", "understood", "manner"])
    frame["accuracy"] = pd.Categorical.from_codes(frame["accuracy"], ["true", "not true", "never"])
    frame["purpose"] = frame["purpose"].map({0: "good", 1: "depends", 2: "waste"})
    frame["understood"] = frame["understood"].eq(0)
    return frame


def test_a_frame_of_words_flags_and_categories_keeps_its_labels(rng, answers):
    found = fit_latent_classes(answers, 2, rng=rng)

    assert found.log_likelihood == pytest.approx(-2783.268, abs=0.001)
    named = found.chances.groupby("item", sort=False)["answer"].unique().map(list).to_dict()
    assert named == {
        "purpose": ["depends", "good", "waste"], "accuracy": ["true", "not true"],
        "understood": [False, True], "manner": [0, 1, 2],
    }  # fmt: skip


def test_new_people_are_placed_by_what_they_answered(rng, answers):
    found = fit_latent_classes(answers, 2, rng=rng)
    new = answers.iloc[[0, 5, 900]].astype(object)
    new.iloc[1, [0, 2]] = None
    new.iloc[2, :] = None
    new.index = ["a", "b", "c"]

    placed = found.place(new)

    chances = found.chances.set_index(["class", "item", "answer"])["probability"]
    joint = [
        found.shares[c]
        * chances[(c, "accuracy", new.loc["b", "accuracy"])]
        * chances[(c, "manner", new.loc["b", "manner"])]
        for c in range(2)
    ]
    assert placed.loc["a"].tolist() == pytest.approx(found.posteriors.iloc[0].tolist())
    assert placed.loc["b"].tolist() == pytest.approx([j / sum(joint) for j in joint])
    assert placed.loc["c"].isna().all()


def test_an_unknown_answer_is_named(rng, answers):
    found = fit_latent_classes(answers, 2, rng=rng)
    new = answers.astype({"purpose": object})
    new.loc[7, "purpose"] = "bad"

    message = r"place: purpose must be one of 'depends', 'good', 'waste'; got 'bad' in 1 of 1,202"
    with pytest.raises(ColumnError, match=message + r".*first at row 7.*Recode"):
        found.place(new)
    with pytest.raises(ColumnError, match=r"manner is not there. Give the same items"):
        found.place(answers.drop(columns="manner"))


def spoil(frame, column, value, rows=slice(None)):
    frame = frame.astype({column: object})
    frame.loc[frame.index[rows], column] = value
    return frame.infer_objects()


def silence_the_fourth(frame):
    for column in frame.columns:
        frame = spoil(frame, column, None, [3])
    return frame


@pytest.mark.parametrize(
    ("change", "k", "options", "error", "message"),
    [
        (lambda f: spoil(f, "manner", 1), 2, {}, TooFewError,
         r"for manner everybody who answered said 1. Leave it out"),
        (lambda f: spoil(f, "manner", None), 2, {}, TooFewError, r"for manner nobody answered it"),
        (lambda f: f.iloc[[0, 500, 1000, 1201]], 5, {}, TooFewError,
         r"5 classes need as many people who answer differently; there are 4 people .* fewer"),
        (silence_the_fourth, 2, {}, TooFewError,
         r"1 of 1,202 answered none \(first at row 3\). Leave them out"),
        (lambda f: spoil(f, "manner", np.inf, [4, 6]), 2, {}, ColumnError,
         r"manner is infinite in 2 of 1,202 rows \(first at row 4\)"),
        (lambda f: spoil(f, "manner", 0.5, [4]), 2, {}, ColumnError,
         r"manner must hold categories; 1 of its values are not whole numbers"),
        (lambda f: f.iloc[:, :0], 2, {}, ColumnError, r"got 1,202 rows and 0 columns"),
        (lambda f: f[["manner", "manner"]], 2, {}, ColumnError, r"each item once"),
        (lambda f: np.array([[0, 1], [-2, 1]]), 2, {}, ColumnError, r"got -2. Use a DataFrame"),
        (lambda f: np.array([["a"]]), 2, {}, ColumnError, r"Use a DataFrame for words"),
        (lambda f: f, 0, {}, JourneyError, r"k must be a whole number from 1; got 0"),
        (lambda f: f, 2.5, {}, JourneyError, r"k must be a whole number from 1; got 2.5"),
        (lambda f: f, 2, {"starts": 0}, JourneyError, r"starts must be a whole number from 1"),
        (lambda f: f, 2, {"weights": np.r_[-1.0, np.ones(1201)]}, ColumnError,
         r"got -1 at row 0 \(1 such\)"),
        (lambda f: f, 2, {"weights": np.zeros(1202)}, ColumnError, r"got 0 for everybody"),
        (lambda f: f, 2, {"weights": np.ones(3)}, ColumnError, r"shape \(3,\) for 1,202 people"),
    ],
)  # fmt: skip
def test_what_cannot_be_fitted_says_what_to_do(rng, answers, change, k, options, error, message):
    with pytest.raises(error, match=r"^fit_latent_classes: .*" + message):
        fit_latent_classes(change(answers), k, rng=rng, **options)


def test_people_without_weight_do_not_count_but_are_placed(rng):
    rows = SETS["gss82"]
    weights = np.where(np.arange(1202) < 600, 0.0, 2.0)

    found = fit_latent_classes(rows, 2, weights=weights, rng=rng)
    rest = fit_latent_classes(rows[600:], 2, rng=rng)

    assert int(found.table["n"].iloc[0]) == 602
    assert found.log_likelihood == pytest.approx(rest.log_likelihood, abs=1e-4)
    assert len(found.posteriors) == 1202


# --- normal classes ---------------------------------------------------------------------


@pytest.fixture
def clouds(rng):
    kinds = rng.choice(3, 900, p=[0.5, 0.3, 0.2])
    centres = np.array([[0, 0, 0], [3, 0, 2], [0, 3, -2]])
    spread = np.array([[1, 0.6, 1], [0.7, 1, 1], [1, 1, 0.5]])
    return centres[kinds] + spread[kinds] * rng.normal(size=(900, 3)), kinds


@pytest.mark.parametrize("k", [1, 2, 3])
def test_normal_classes_stand_where_scikit_learn_would_stay(rng, clouds, k):
    x, _ = clouds
    ours = fit_gaussian_classes(find_patterns(x), k, rng=rng)
    options = {"covariance_type": "diag", "tol": 1e-10, "max_iter": 5_000, "reg_covar": 0}
    alone = GaussianMixture(k, n_init=5, random_state=1, **options).fit(x)

    theirs = GaussianMixture(
        k, weights_init=ours.shares, means_init=ours.centres,
        precisions_init=1 / ours.variances, **options,
    ).fit(x)  # fmt: skip

    assert ours.log_likelihood >= alone.score(x) * 900 - 0.001
    assert ours.log_likelihood == pytest.approx(theirs.score(x) * 900, abs=0.001)
    assert ours.bic == pytest.approx(theirs.bic(x), abs=0.002)
    assert ours.shares == pytest.approx(theirs.weights_, abs=0.001)
    assert ours.centres == pytest.approx(theirs.means_, abs=0.005)
    assert ours.variances == pytest.approx(theirs.covariances_, abs=0.005)
    assert ours.measure_memberships(x) == pytest.approx(theirs.predict_proba(x), abs=0.005)


def test_normal_classes_are_the_true_ones_and_far_from_zero_too(clouds):
    x, kinds = clouds
    near = fit_gaussian_classes(find_patterns(x), 3, rng=np.random.default_rng(1))
    far = fit_gaussian_classes(find_patterns(x + 1e5), 3, rng=np.random.default_rng(1))

    chances = far.measure_memberships(x + 1e5)

    assert (chances.argmax(axis=1) == kinds).mean() > 0.93
    assert far.log_likelihood == pytest.approx(near.log_likelihood, abs=0.001)
    assert chances == pytest.approx(near.measure_memberships(x), abs=0.001)
    own = kinds[:, None] == np.arange(3)
    unsure = (chances > 0.2) & (chances < 0.8)
    assert own[unsure].mean() == pytest.approx(chances[unsure].mean(), abs=0.1)


def test_weights_of_normal_classes_count_as_people(clouds):
    x, _ = clouds
    weights = np.where(np.arange(900) % 2 == 0, 2.0, 1.0)
    twice = find_patterns(np.repeat(x, weights.astype(int), axis=0))

    weighted = fit_gaussian_classes(find_patterns(x, weights), 3, rng=np.random.default_rng(1))
    repeated = fit_gaussian_classes(twice, 3, rng=np.random.default_rng(2))

    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood * 900 / 1350, abs=0.001)
    assert weighted.centres == pytest.approx(repeated.centres, abs=0.005)


def test_a_class_of_equal_answers_keeps_the_least_variance(rng):
    x = np.concatenate([np.full((50, 2), 4.0), rng.normal(size=(150, 2))])

    found = fit_gaussian_classes(find_patterns(x), 2, rng=rng)

    small = found.variances[np.argmin(found.variances.sum(axis=1))]
    assert small == pytest.approx(LEAST_VARIANCE * x.var(axis=0))
    assert found.shares == pytest.approx([0.75, 0.25], abs=0.01)


def test_the_likelihood_of_normal_classes_never_falls(rng, clouds):
    x, _ = clouds
    floor = LEAST_VARIANCE * x.var(axis=0)
    mixture = NormalLikelihood.of(x, np.ones(900), 4, floor)
    begun, seen = mixture.start_from(rng.integers(0, 4, 900)), []

    for cycles in range(1, 40):
        seen.append(climb(mixture.step, mixture.repair, begun, tolerance=0, cycles=cycles)[1][0])

    assert (np.diff(seen) >= -1e-9).all()
    assert seen[-1] > seen[0] + 50


def test_normal_classes_of_too_few_or_endless_rows_say_what_to_do(rng):
    with pytest.raises(TooFewError, match=r"3 classes need 3 different rows; there are 2. Ask"):
        fit_gaussian_classes(find_patterns(np.array([[0.0], [1.0], [1.0]])), 3, rng=rng)
    with pytest.raises(ColumnError, match=r"1 are missing or infinite. Fill"):
        fit_gaussian_classes(find_patterns(np.array([[0.0], [np.inf], [1.0]])), 2, rng=rng)


# --- intervals --------------------------------------------------------------------------


def test_standard_errors_are_those_of_gradients_taken_by_differences(rng):
    rows = SETS["values"]
    weights = rng.uniform(0.5, 2, len(rows))
    weights *= len(rows) / weights.sum()
    found = fit_latent_classes(rows, 2, weights=weights, rng=rng)
    free = np.concatenate([found.shares[:1], found.probabilities[:, 1::2].reshape(-1)])

    def log_chances(numbers):
        yes = numbers[1:].reshape(2, 1, 4)
        each = np.where(rows[None] == 1, yes, 1 - yes).prod(axis=2)
        return np.log(numbers[0] * each[0] + (1 - numbers[0]) * each[1])

    steps = 1e-5 * np.eye(9)
    scores = np.array(
        [(log_chances(free + step) - log_chances(free - step)) / 2e-5 for step in steps]
    ).T
    inverse = np.linalg.inv((scores * weights[:, None]).T @ scores)
    covariance = inverse @ ((scores * weights[:, None] ** 2).T @ scores) @ inverse
    errors = np.sqrt(np.diag(covariance))

    table = found.estimate_chances()

    kept = table[table["item"].isna() & table["class"].eq(0) | table["answer"].eq(1)]
    p = kept["estimate"].to_numpy()
    assert p == pytest.approx(free)
    reach = np.log(kept["high"] / (1 - kept["high"])) - np.log(p / (1 - p))
    inside = kept["method"].str.startswith("logit").to_numpy()
    assert inside.sum() >= 8
    assert (reach / 1.959964 * p * (1 - p))[inside].to_numpy() == pytest.approx(
        errors[inside], rel=1e-3
    )


@pytest.mark.slow
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_intervals_hold_the_truth_as_often_as_they_say(missing):
    rng = np.random.default_rng(1)
    truth = np.concatenate([TRUE_SHARES, true_chances().reshape(-1)])
    held = []
    for _ in range(60):
        codes, _ = simulate(rng, 1_000, missing=missing)
        table = fit_latent_classes(codes, 3, rng=rng, starts=3).estimate_chances()
        held.append(table["low"].le(truth) & table["high"].ge(truth))

    assert np.mean(held) == pytest.approx(0.95, abs=0.015)
    assert np.mean(held, axis=0).min() > 0.8


def test_intervals_at_the_edge_and_of_what_is_not_settled(rng):
    edge = fit_latent_classes(SETS["carcinoma"], 3, rng=rng).estimate_chances(level=0.9)
    loose = fit_latent_classes(SETS["values"], 4, rng=rng)

    wilson = edge[edge["method"].str.startswith("Wilson")]
    assert len(wilson) > 10
    assert wilson["low"].le(wilson["estimate"] + 1e-9).all()
    assert wilson["high"].ge(wilson["estimate"] - 1e-9).all()
    assert edge["level"].eq(0.9).all()
    assert "not settled" in loose.summary()
    assert loose.estimate_chances()["low"].isna().all()
    with pytest.raises(JourneyError, match=r"estimate_chances: level must lie .* level=0.95"):
        loose.estimate_chances(level=95)


def test_what_underflows_is_added_up_in_logarithms_to_the_same(rng, monkeypatch):
    categories, codes = read_categories(SETS["gss82"], caller="test")
    patterns = find_answer_patterns(codes, categories.counts, np.ones(len(codes)))
    likelihood = Likelihood.of(patterns, categories.counts, 3)
    begun = likelihood.draw_starts(4, rng)
    after, fits = likelihood.step(begun)

    monkeypatch.setattr("cjlib.personas.latent_steps.UNDERFLOW", np.inf)
    mended, sums = likelihood.step(begun)

    assert mended == pytest.approx(after, abs=1e-12)
    assert sums == pytest.approx(fits, abs=1e-8)
