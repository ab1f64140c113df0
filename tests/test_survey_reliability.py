"""Scales: declared in the study, alpha and omega against other programs, by hand, by law."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from cjlib.errors import ColumnError, JourneyError, MissingSourceError, TooFewError
from cjlib.study import load_study, read_study
from cjlib.survey import clean_answers, measure_scale, measure_scales
from cjlib.survey.coefficients import estimate_alpha, estimate_feldt, pairwise_covariances
from cjlib.survey.one_factor import fit_one_factor

STUDY = """\
study: 1
id: small
title: Small
brand: Small
language: en
stages:
  - {id: search, label: Search}
  - {id: buy, label: Buy}
survey:
  waves:
    - {id: w1, files: [answers.csv]}
missing_answers: impute
scales:
  ease: [easy, quick]
"""
CODEBOOK = """\
name,kind,low,high,reverse
easy,scale,1,5,
quick,scale,1,5,
hard,scale,1,5,yes
age,number,,,
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    (tmp_path / "codebook.csv").write_text(CODEBOOK, encoding="utf-8")
    (tmp_path / "answers.csv").write_text("easy,quick,hard,age\n1,2,3,4\n", encoding="utf-8")
    return tmp_path


def test_a_study_declares_scales_and_what_happens_to_gaps(folder):
    study = load_study(folder)

    assert study.scales == {"ease": ("easy", "quick")}
    assert study.missing_answers == "impute"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[easy, quick]", "[easy, quik]", r"yaml:14: unknown item 'quik'.*mean 'quick'"),
        ("[easy, quick]", "[easy, age]", r"yaml:14: item 'age' of kind number in scale 'ease'"),
        ("[easy, quick]", "[easy, hard, easy]", r"yaml:14: item 'easy' again in scale 'ease'"),
        ("[easy, quick]", "[easy]", r"study.yaml:14: .*at least two items of kind scale"),
        ("  ease:", "  Ease of use:", r"study.yaml:1[34]: .*a short id"),
        ("impute", "imputed", r"study.yaml:12: .*'imputed'.*complete, impute.*mean 'impute'"),
    ],
)  # fmt: skip
def test_faults_of_scales(folder, old, new, message):
    file = folder / "study.yaml"
    file.write_text(STUDY.replace(old, new), encoding="utf-8")

    _, faults = read_study(folder)

    assert any(re.search(message, str(f)) for f in faults), list(map(str, faults))


# --- printed values ---------------------------------------------------------------------

REVERSED = ("A1", "C4", "C5", "E1", "E2", "O2", "O5")
# R psych 2.2.9, alpha(): pairwise raw and standardised, complete-case raw and standardised;
# its alpha.ci() (Feldt) for the complete cases; R factanal (maximum likelihood, one factor,
# loadings and uniquenesses in the items' units), the same to six digits in lavaan 0.6-14.
BFI = {
    "A": (0.7030184461, 0.7130285787, 0.7037558944, 0.7135015526,
          (0.685744635, 0.7210359628), 0.7121292891),
    "C": (0.7267349729, 0.7300725844, 0.7292772032, 0.7327243333,
          (0.7128113989, 0.7450743144), 0.7330221982),
    "E": (0.7617328203, 0.7617950941, 0.7609326395, 0.7609641034,
          (0.7464085976, 0.7748674848), 0.7673337131),
    "N": (0.8139629499, 0.8146746742, 0.8133031432, 0.8140720657,
          (0.8019199905, 0.8242229228), 0.8128445963),
    "O": (0.6001725148, 0.607268431, 0.6025464286, 0.6089511668,
          (0.5784588184, 0.6256591631), 0.6103739506),
}  # fmt: skip
REST = {  # psych: r.drop and alpha if dropped, complete cases
    "A": ([0.3114013006, 0.5630154755, 0.5887730787, 0.3947936801, 0.4872408676],
          [0.7179720566, 0.6184812118, 0.6007538144, 0.6869447415, 0.6446223042]),
    "O": ([0.3890535649, 0.3401226001, 0.4519518794, 0.2199233393, 0.4157070991],
          [0.5358526202, 0.5658696602, 0.5003354148, 0.6135892109, 0.5157906629]),
}  # fmt: skip


@pytest.fixture
def bfi(shared_data) -> pd.DataFrame:
    return pd.read_csv(shared_data / "bfi" / "bfi.csv")


def measure_trait(bfi: pd.DataFrame, trait: str, **changes):
    items = [f"{trait}{i}" for i in range(1, 6)]
    return measure_scale(bfi, items=items, reverse=[i for i in items if i in REVERSED], **changes)


@pytest.mark.real
@pytest.mark.parametrize("trait", list(BFI))
def test_bfi_as_in_r(bfi, trait):
    raw, standard, raw_complete, standard_complete, feldt, omega = BFI[trait]

    found = measure_trait(bfi, trait)

    def value(coefficient, rows):
        return found.estimate(coefficient, rows).estimate

    assert value("alpha", "pairwise") == pytest.approx(raw, abs=1e-9)
    assert value("standardised alpha", "pairwise") == pytest.approx(standard, abs=1e-9)
    assert value("alpha", "complete") == pytest.approx(raw_complete, abs=1e-9)
    assert value("standardised alpha", "complete") == pytest.approx(standard_complete, abs=1e-9)
    assert value("omega total", "complete") == pytest.approx(omega, abs=2e-6)
    second = found.table.iloc[1]
    assert second["method"] == "Feldt"
    assert (second["low"], second["high"]) == pytest.approx(feldt, abs=1e-9)
    if trait in REST:
        assert found.items["item_rest"].tolist() == pytest.approx(REST[trait][0], abs=1e-9)
        assert found.items["alpha_if_dropped"].tolist() == pytest.approx(REST[trait][1], abs=1e-9)


@pytest.mark.real
def test_an_item_not_reversed_is_noticed(bfi):
    found = measure_scale(bfi, items=["A1", "A2", "A3", "A4", "A5"])

    assert found.items.loc[found.items["note"].eq("reverse?"), "item"].tolist() == ["A1"]
    assert "A1 runs against the other items" in found.warnings[0]
    assert "without A1 alpha would be 0.72" in found.summary()


@pytest.mark.real
@pytest.mark.parametrize(
    ("source", "prefix", "size", "alpha", "omega"),
    [  # alpha: R psych; omega: R factanal, as above
        ("bank_satisfaction_es/satisfaction.csv", "imag", 5, 0.821854638, 0.832414447),
        ("bank_satisfaction_es/satisfaction.csv", "expe", 5, 0.843144858, 0.847200853),
        ("bank_satisfaction_es/satisfaction.csv", "qual", 5, 0.868517948, 0.871396686),
        ("bank_satisfaction_es/satisfaction.csv", "val", 4, 0.831966607, 0.833048415),
        ("bank_satisfaction_es/satisfaction.csv", "sat", 4, 0.894295188, 0.897158067),
        ("bank_satisfaction_es/satisfaction.csv", "loy", 4, 0.820638564, 0.837890661),
        ("ecsi_mobi/mobi.csv", "CUEX", 3, 0.432596844, 0.464809267),
        ("ecsi_mobi/mobi.csv", "CUSA", 3, 0.770113108, 0.788839622),
        ("ecsi_mobi/mobi.csv", "CUSL", 3, 0.441717198, 0.545162385),
        ("ecsi_mobi/mobi.csv", "IMAG", 5, 0.714446802, 0.721692993),
        ("ecsi_mobi/mobi.csv", "PERQ", 7, 0.872406371, 0.874048090),
        ("ecsi_mobi/mobi.csv", "PERV", 2, 0.816694539, None),
    ],
)
def test_real_scales_as_in_r(shared_data, source, prefix, size, alpha, omega):
    frame = pd.read_csv(shared_data / source)
    items = [c for c in frame.columns if re.fullmatch(prefix + r"\d", c)]

    found = measure_scale(frame, items=items)

    assert len(items) == size
    assert found.estimate("alpha").estimate == pytest.approx(alpha, abs=1e-8)
    if omega is not None:
        assert found.estimate("omega total").estimate == pytest.approx(omega, abs=5e-6)


# --- by hand, second ways, laws ---------------------------------------------------------


def test_alpha_by_hand():
    # Variances 1, 1 and of the sum 3 (1, 3, 5 -> 4; here by hand below): k/(k-1)(1 - own/total).
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [1, 3, 2], "gap": [5, None, 1]})

    found = measure_scale(frame, items=["a", "b"])

    assert found.estimate("alpha").estimate == pytest.approx(2 * (1 - 2 / 3))  # sum 2, 5, 5: 3
    # r = .5: Spearman-Brown 2 x .5 / 1.5
    assert found.estimate("Spearman-Brown").estimate == pytest.approx(2 / 3)
    assert found.estimate("mean correlation").estimate == pytest.approx(0.5)
    assert found.items["item_rest"].tolist() == pytest.approx([0.5, 0.5])
    assert found.items["alpha_if_dropped"].isna().all()
    assert "Spearman-Brown is told in place of omega" in found.summary()
    assert (found.n, found.n_complete) == (3, 3)


def test_pairwise_covariances_are_pandas_own():
    frame = make_items(60, [0.7] * 4, seed=2)
    frame = frame.mask(np.random.default_rng(3).random(frame.shape) < 0.2)
    twice = np.stack([np.ones(60), np.repeat([2.0, 0.0], 30)])

    found = pairwise_covariances(frame.to_numpy(), twice)

    np.testing.assert_allclose(found[0], frame.cov())
    np.testing.assert_allclose(found[1], pd.concat([frame[:30], frame[:30]]).cov())


LOADINGS = st.lists(st.floats(0.25, 0.9), min_size=3, max_size=8)


@given(LOADINGS, st.lists(st.floats(0.2, 5), min_size=8, max_size=8))
def test_omega_of_a_known_factor(loadings, units):
    size = len(loadings)
    scale = np.array(units[:size])
    common = np.array(loadings) * scale
    unique = (1 - np.array(loadings) ** 2) * scale**2
    covariance = np.outer(common, common) + np.diag(unique)

    fit = fit_one_factor(covariance[None])

    assert fit.converged[0]
    assert fit.loadings[0] == pytest.approx(common, rel=2e-3)
    omega = common.sum() ** 2 / covariance.sum()
    assert fit.omega[0] == pytest.approx(omega, abs=1e-4)
    alpha = size / (size - 1) * (1 - np.trace(covariance) / covariance.sum())
    assert alpha <= omega + 1e-9  # alpha is a lower bound where one factor holds


@given(st.floats(0.2, 0.9), st.integers(3, 9), st.lists(st.floats(0.1, 3), min_size=9, max_size=9))
def test_omega_is_alpha_where_items_measure_alike(common, size, unique):
    covariance = np.full((size, size), common**2) + np.diag(unique[:size])

    omega = fit_one_factor(covariance[None]).omega[0]

    alpha = size / (size - 1) * (1 - np.trace(covariance) / covariance.sum())
    assert omega == pytest.approx(alpha, abs=1e-4)


@pytest.mark.parametrize("seed", range(12))
def test_one_factor_is_where_the_likelihood_is_highest(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(4, 9))
    r = make_items(150, rng.uniform(0.3, 0.85, size), seed=seed).corr().to_numpy()

    def unlikely(unique):
        root = np.sqrt(unique)
        small = np.linalg.eigvalsh(r / np.outer(root, root))[:-1]
        return (small - np.log(small)).sum()

    best = optimize.minimize(
        unlikely, np.full(size, 0.5), bounds=[(0.005, 1)] * size, method="L-BFGS-B",
        options={"ftol": 1e-14, "gtol": 1e-9},
    )  # fmt: skip
    fit = fit_one_factor(np.stack([r, np.eye(size) * 0.5 + r * 0.5]))

    assert fit.uniquenesses[0] == pytest.approx(best.x, abs=1e-4)
    alone = fit_one_factor(r[None])
    assert alone.uniquenesses[0] == pytest.approx(fit.uniquenesses[0], abs=1e-7)


def test_a_heywood_case_is_said():
    # r12 r13 / r23 above 1: the first item would share more than its whole variance.
    covariance = np.array([[1.0, 0.8, 0.7], [0.8, 1.0, 0.5], [0.7, 0.5, 1.0]])
    root = np.linalg.cholesky(covariance)
    plain = np.linalg.qr(
        np.random.default_rng(1).normal(0, 1, (40, 4)) * [0, 1, 1, 1] + [1, 0, 0, 0]
    )[0]
    frame = pd.DataFrame(plain[:, 1:] @ root.T, columns=["a", "b", "c"])

    found = measure_scale(frame, items=["a", "b", "c"])

    assert "Heywood" in found.warnings[0]


@settings(max_examples=25)
@given(st.integers(0, 1000))
def test_laws_of_a_scale(seed):
    frame = make_items(50, [0.5, 0.6, 0.7, 0.8], seed=seed)
    frame = frame.mask(np.random.default_rng(seed).random(frame.shape) < 0.05)
    before = frame.copy()
    names = list(frame.columns)

    found = measure_scale(frame, items=names)
    moved = measure_scale(frame.sample(frac=1, random_state=1) * 3 + 7, items=names[::-1])
    turned = measure_scale(frame.assign(i0=6 - frame["i0"]), items=names, reverse=["i0"])

    for other in (moved, turned):
        for column in ("estimate", "low", "high"):
            assert other.table[column].to_numpy() == pytest.approx(
                found.table[column].to_numpy(), abs=1e-5, nan_ok=True
            )
    assert turned.items["mean"].to_numpy()[0] == pytest.approx(
        6 - found.items["mean"].to_numpy()[0]
    )
    best = found.items["alpha_if_dropped"].idxmax()
    assert found.items["item_rest"].idxmin() == best or len(names) > 3
    known = found.table[found.table["low"].notna()]
    assert (known["low"] <= known["estimate"]).all()
    assert (known["estimate"] <= known["high"]).all()
    pd.testing.assert_frame_equal(frame, before)


def test_dropping_an_item_is_measuring_without_it():
    frame = make_items(80, [0.5, 0.6, 0.7, 0.8], seed=3)

    whole = measure_scale(frame, items=list(frame.columns)).items
    for j, name in enumerate(frame.columns):
        rest = frame.drop(columns=name)
        alone = measure_scale(rest, items=list(rest.columns)).estimate("alpha").estimate
        assert whole.loc[j, "alpha_if_dropped"] == pytest.approx(alone)
        assert whole.loc[j, "item_rest"] == pytest.approx(frame[name].corr(rest.sum(axis=1)))


# --- intervals hold what they promise ---------------------------------------------------


def make_items(n: int, loadings, *, seed: int, cuts=None) -> pd.DataFrame:
    """One factor behind normal items, cut into ratings where asked."""
    rng = np.random.default_rng(seed)
    common = np.asarray(loadings)
    values = rng.normal(0, 1, (n, 1)) * common
    values = values + rng.normal(0, 1, (n, len(common))) * np.sqrt(1 - common**2)
    if cuts is not None:
        values = np.digitize(values, cuts).astype(float)
    return pd.DataFrame(values, columns=[f"i{j}" for j in range(len(common))])


def share_covered(estimate, loadings, *, n, cuts=None, samples=500) -> float:
    big = make_items(400_000, loadings, seed=99, cuts=cuts)
    true = estimate_alpha(big.to_numpy(), level=0.95).estimate
    held = 0
    for seed in range(samples):
        values = make_items(n, loadings, seed=seed, cuts=cuts).to_numpy()
        found = estimate(values, level=0.95)
        held += bool(found.low <= true <= found.high)
    return held / samples


UNEQUAL = (0.3, 0.5, 0.6, 0.8, 0.9)
RATINGS = (-1.5, -0.5, 0.5, 1.5)
PILED_UP = (-2.2, -1.8, -1.3, -0.8)  # four in five answer at the top, as customers often do


@pytest.mark.parametrize(
    ("loadings", "n", "cuts", "least"),
    [
        ([0.7] * 5, 50, None, 0.92),
        (UNEQUAL, 200, None, 0.93),
        (UNEQUAL, 50, RATINGS, 0.92),
        ([0.8] * 5, 300, PILED_UP, 0.90),
    ],
)
def test_the_interval_of_alpha_holds(loadings, n, cuts, least):
    assert least <= share_covered(estimate_alpha, loadings, n=n, cuts=cuts) <= 0.98


def test_feldts_interval_holds_for_normal_answers_only():
    assert 0.93 <= share_covered(estimate_feldt, [0.7] * 5, n=50) <= 0.97
    assert share_covered(estimate_feldt, [0.8] * 5, n=300, cuts=PILED_UP) < 0.85


@pytest.mark.slow
def test_bootstrap_intervals_hold(monkeypatch):
    loadings = np.array(UNEQUAL)
    omega = loadings.sum() ** 2 / (loadings.sum() ** 2 + (1 - loadings**2).sum())
    alpha = 1.25 * (1 - 5 / (5 + loadings.sum() ** 2 - (loadings**2).sum()))
    held = {"omega": 0, "pairwise": 0}
    monkeypatch.setattr("cjlib.survey.coefficients.BOOTSTRAPS", 400)
    for seed in range(100):
        frame = make_items(200, loadings, seed=seed)
        frame = frame.mask(np.random.default_rng(seed).random(frame.shape) < 0.03)
        found = measure_scale(frame, items=list(frame), rng=np.random.default_rng(seed))
        one, two = found.estimate("omega total"), found.estimate("alpha", "pairwise")
        held["omega"] += bool(one.low <= omega <= one.high)
        held["pairwise"] += bool(two.low <= alpha <= two.high)

    assert 88 <= held["omega"] <= 99  # of 100 at .95
    assert 88 <= held["pairwise"] <= 99


def test_the_bootstrap_needs_a_generator_and_follows_it():
    frame = make_items(100, UNEQUAL, seed=1)

    def table(rng):
        return measure_scale(frame, items=list(frame), rng=rng).table

    without = table(None)
    assert without.loc[without["coefficient"].eq("omega total"), "method"].item() == (
        "no interval: pass rng for a bootstrap"
    )
    first, again = table(np.random.default_rng(1)), table(np.random.default_rng(1))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(table(np.random.default_rng(2)))
    assert first["low"].notna().all()


def test_the_bootstrap_of_repeated_rows_agrees_with_the_delta_method():
    frame = make_items(600, UNEQUAL, seed=1, cuts=(0.0, 1.0))  # 243 different rows at most

    found = measure_scale(frame, items=list(frame), rng=np.random.default_rng(1))

    delta, drawn = found.estimate("alpha"), found.estimate("alpha", "pairwise")
    assert drawn.estimate == pytest.approx(delta.estimate)
    assert (drawn.low, drawn.high) == pytest.approx((delta.low, delta.high), abs=0.012)


# --- a study's scales -------------------------------------------------------------------


def write_answers(folder: Path, n: int = 60) -> None:
    items = make_items(n, [0.8, 0.8, 0.8], seed=4, cuts=RATINGS).astype(int) + 1
    items["i2"] = 6 - items["i2"]  # "hard" is worded the other way
    items = items.set_axis(["easy", "quick", "hard"], axis=1).assign(age=30)
    items.to_csv(folder / "answers.csv", index=False)


def test_scales_of_a_study(folder):
    write_answers(folder)
    text = STUDY.replace("ease: [easy, quick]", "ease: [easy, quick, hard]\n  pair: [easy, quick]")
    text = text.replace("  waves:", "  cleaning: {duplicates: false}\n  waves:")
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    survey = clean_answers(load_study(folder))

    found = measure_scales(survey, rng=np.random.default_rng(1))

    assert list(found.scales) == ["ease", "pair"]
    assert found.table["scale"].unique().tolist() == ["ease", "pair"]
    ease = found.scales["ease"]
    assert not ease.warnings  # the reversed item is turned already
    assert ease.estimate("alpha").estimate > 0.7
    assert ease.estimate("alpha").level == survey.study.level
    alone = measure_scale(survey, items=["easy", "quick", "hard"], rng=np.random.default_rng(1))
    pd.testing.assert_frame_equal(ease.table, alone.table)
    assert found.summary().startswith("ease (3 items, 60 complete of 60 rows): alpha 0.")
    assert found.items["scale"].value_counts().to_dict() == {"ease": 3, "pair": 2}


def test_below_the_minimum_base_nothing_is_told(folder):
    write_answers(folder, 20)
    text = STUDY.replace("  waves:", "  cleaning: {duplicates: false}\n  waves:")
    (folder / "study.yaml").write_text(text, encoding="utf-8")

    found = measure_scales(clean_answers(load_study(folder))).scales["ease"]

    assert found.table["estimate"].isna().all()
    assert set(found.table["method"]) == {"too few (n < 30)"}
    assert found.items["item_rest"].isna().all()
    assert "not known (n = 20)" in found.summary()


def test_messages_of_scales(folder):
    frame = make_items(30, [0.5, 0.5, 0.5], seed=1).assign(word="x", flat=3.0)
    with pytest.raises(ColumnError, match="two or more different columns; got i0"):
        measure_scale(frame, items=["i0"])
    with pytest.raises(ColumnError, match="two or more different columns; got i0, i0"):
        measure_scale(frame, items=["i0", "i0"])
    with pytest.raises(ColumnError, match="i2 is not among items"):
        measure_scale(frame, items=["i0", "i1"], reverse=["i2"])
    with pytest.raises(ColumnError, match="hold numbers; word does not. Code its answers"):
        measure_scale(frame, items=["i0", "word"])
    with pytest.raises(JourneyError, match=r"same answer to flat \(n = 30\). Leave it out"):
        measure_scale(frame, items=["i0", "flat"])
    with pytest.raises(TooFewError, match="at least 3 rows must have every item answered; got 2"):
        measure_scale(frame.head(2), items=["i0", "i1"])
    with pytest.raises(JourneyError, match=r"one of alpha \(complete\).*got 'beta'"):
        measure_scale(frame, items=["i0", "i1"]).estimate("beta")
    write_answers(folder)
    text = STUDY.replace("scales:\n  ease: [easy, quick]\n", "")
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(MissingSourceError, match="'small' declares none. Add 'scales:"):
        measure_scales(clean_answers(load_study(folder)))


@pytest.mark.parametrize("language", ["en", "fa"])
def test_the_figure_shows_the_items(language):
    frame = make_items(100, UNEQUAL, seed=1)
    found = dataclasses.replace(measure_scale(frame, items=list(frame)), language=language)

    ax = found.plot(labels={"i0": "How easy?"})

    widths = [bar.get_width() for bar in ax.patches]
    assert widths == pytest.approx(found.items["item_rest"].tolist())
    marks = np.asarray(ax.collections[0].get_offsets())
    assert marks[:, 0] == pytest.approx(found.items["alpha_if_dropped"].to_numpy())
    assert ax.lines[0].get_xdata()[0] == pytest.approx(found.estimate("alpha").estimate)
    assert ax.get_yticklabels()[0].get_text().strip("\u200f") == "How easy?"
    assert ax.xaxis_inverted() == (language == "fa")
