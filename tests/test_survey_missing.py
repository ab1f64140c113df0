"""Missing answers: Little's test against R, EM against closed forms, completing by choice."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from cjlib.drivers import measure_drivers
from cjlib.errors import ColumnError, JourneyError, TooFewError
from cjlib.personas.answers import read_survey_variables
from cjlib.study import load_study
from cjlib.survey import clean_answers, complete_answers, measure_mcar, measure_missing
from cjlib.survey.mcar import fit_normal


def make_answers(n=200, *, seed=1, gaps=0.0) -> pd.DataFrame:
    """Four items that go together, gaps at random."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1, (n, 1)) + rng.normal(0, 1, (n, 4)) + 3
    values[rng.random((n, 4)) < gaps] = np.nan
    return pd.DataFrame(values, columns=["a", "b", "c", "d"])


# --- Little's test ----------------------------------------------------------------------


@pytest.fixture
def airquality(root) -> pd.DataFrame:
    # R's datasets::airquality: New York State Department of Conservation and National Weather
    # Service, May to September 1973; 153 days, gaps in Ozone and Solar.R.
    return pd.read_csv(root / "tests" / "data" / "airquality.csv").astype(float)


def test_little_on_airquality(airquality):
    # 35.1061, df 14, p .001418: what R's naniar::mcar_test prints, EM of norm::em.norm (which
    # stops at a change of 1e-4); converged further it is 35.10617.
    found = measure_mcar(airquality)

    assert found.chi2 == pytest.approx(35.1061, abs=1.5e-4)
    assert (found.df, found.patterns, found.n) == (14, 4, 153)
    assert found.p_value == pytest.approx(0.001418, abs=5e-7)
    assert found.converged
    assert "not missing completely at random (chi-squared 35.11, df 14, p = 0.001" in (
        found.summary()
    )


def test_em_matches_lavaan(airquality):
    # lavaan 0.6-14, missing = "fiml", em.h1.tol = 1e-12, inspect "sampstat".
    found = measure_mcar(airquality)

    assert found.mean.round(3).tolist() == [42.522, 185.534, 9.958, 77.882, 6.993, 15.804]
    printed = [
        [1043.69370852, 898.37643494, -65.23650962],
        [898.37643494, 8050.79256933, -17.06879624],
        [-65.23650962, -17.06879624, 12.33041736],
    ]
    np.testing.assert_allclose(found.covariance.to_numpy()[:3, :3], printed, rtol=1e-7)


def test_em_has_a_closed_form_where_gaps_are_monotone():
    # Anderson (1957): x always known, y for some: the regression of y on x carries over.
    frame = make_answers(60)[["a", "b"]]
    frame.loc[frame["a"] > 3.5, "b"] = np.nan
    known = frame.dropna()
    moments = np.cov(known.to_numpy().T, bias=True)
    slope = moments[0, 1] / moments[0, 0]
    spread = frame["a"].var(ddof=0)

    fit = fit_normal(frame.to_numpy())

    mean = known["b"].mean() + slope * (frame["a"].mean() - known["a"].mean())
    assert fit.mean == pytest.approx([frame["a"].mean(), mean])
    assert fit.covariance[0] == pytest.approx([spread, slope * spread])
    assert fit.covariance[1, 1] == pytest.approx(
        moments[1, 1] + slope**2 * (spread - moments[0, 0])
    )


def test_em_reaches_what_direct_maximising_finds():
    values = make_answers(40, gaps=0.25, seed=3)[["a", "b", "c"]].dropna(how="all").to_numpy()
    lower = np.tril_indices(3)

    def unlikely(parameters):
        root = np.zeros((3, 3))
        root[lower] = parameters[3:]
        covariance, total = root @ root.T, 0.0
        for row in values:
            o = ~np.isnan(row)
            total -= stats.multivariate_normal.logpdf(
                row[o], parameters[:3][o], covariance[np.ix_(o, o)]
            )
        return total

    start = np.concatenate([np.nanmean(values, axis=0), np.eye(3)[lower]])
    best = optimize.minimize(unlikely, start, method="BFGS", options={"gtol": 1e-5})
    fit = fit_normal(values)

    assert fit.mean == pytest.approx(best.x[:3], abs=1e-4)
    root = np.zeros((3, 3))
    root[lower] = best.x[3:]
    np.testing.assert_allclose(fit.covariance, root @ root.T, atol=2e-4)


def little_slowly(frame: pd.DataFrame) -> tuple[float, int]:
    found = measure_mcar(frame)
    chi2, answered = 0.0, 0
    for known, rows in frame.dropna(how="all").groupby(frame.notna().apply(tuple, axis=1)):
        o = np.array(known)
        if not o.any():
            continue
        apart = rows.to_numpy()[:, o].mean(axis=0) - found.mean.to_numpy()[o]
        inverse = np.linalg.inv(found.covariance.to_numpy()[np.ix_(o, o)])
        chi2 += len(rows) * apart @ inverse @ apart
        answered += int(o.sum())
    return chi2, answered - frame.shape[1]


@settings(max_examples=20)
@given(st.integers(0, 200))
def test_little_the_slow_way_and_laws(seed):
    frame = make_answers(80, gaps=0.2, seed=seed)
    frame.loc[len(frame)] = np.nan  # someone who answered nothing
    before = frame.copy()

    found = measure_mcar(frame)
    other = measure_mcar((frame * [1, 10, 0.01, 3] + 5).sample(frac=1, random_state=seed))
    turned = measure_mcar(frame[["c", "a", "d", "b"]])

    chi2, df = little_slowly(frame)
    assert (found.chi2, found.df) == (pytest.approx(chi2), df)
    assert found.n == int(frame.notna().any(axis=1).sum())
    assert other.chi2 == pytest.approx(found.chi2, rel=1e-4)  # units and order do not matter
    assert turned.chi2 == pytest.approx(found.chi2, rel=1e-5)
    pd.testing.assert_frame_equal(frame, before)


def test_little_rejects_blind_gaps_one_time_in_twenty():
    p = np.array([measure_mcar(make_answers(250, gaps=0.1, seed=s)).p_value for s in range(200)])

    assert 0.005 < (p < 0.05).mean() < 0.095  # .05 give or take three standard errors
    assert stats.kstest(p, "uniform").pvalue > 0.001


def test_little_sees_gaps_that_depend_on_another_answer():
    found = []
    for seed in range(20):
        frame = make_answers(250, seed=seed)
        frame.loc[frame["a"] > 3.5, "b"] = np.nan
        found.append(measure_mcar(frame).p_value)

    assert np.max(found) < 0.001


def test_little_says_where_it_cannot_say():
    whole = make_answers(50)
    apart = whole.copy()
    apart.loc[:24, "a"] = np.nan
    apart.loc[25:, "b"] = np.nan
    gap = whole.copy()
    gap.loc[3, "a"] = np.nan
    for frame, why in [
        (whole, "nothing is missing"),
        (apart, "'a' and 'b' were never answered together"),
        (gap.assign(e=gap["b"] + gap["c"]), "the sum of others"),
        (gap.head(4), "the sum of others, or there are too few rows"),
        (gap[["a"]], "fewer than two items"),
        (gap[[]], "fewer than two items"),
        (gap.head(0), "fewer than two items"),
    ]:
        found = measure_mcar(frame)
        assert why in found.why
        assert np.isnan(found.chi2)
        assert np.isnan(found.p_value)
        assert "cannot say" in found.summary()
    flat = measure_mcar(gap.assign(e=2.0, f=np.nan))
    assert flat.left_out == ("e", "f")
    assert flat.items == ("a", "b", "c", "d")
    assert flat.why == ""
    with pytest.raises(ColumnError, match=r"'word' \(1 of 5\) do not. Pass the rated items"):
        measure_mcar(gap.assign(word="yes"))


def test_little_stops_at_too_many_patterns(monkeypatch):
    monkeypatch.setattr("cjlib.survey.mcar.MOST_PATTERNS", 5)

    assert "patterns, over 5; take fewer items" in measure_mcar(make_answers(gaps=0.3)).why


def test_little_says_when_the_fit_does_not_settle(monkeypatch):
    monkeypatch.setattr("cjlib.survey.mcar.MOST_ROUNDS", 2)

    found = measure_mcar(make_answers(gaps=0.3))

    assert not found.converged
    assert "did not settle in 2 rounds" in found.why


# --- what is missing, and together with what --------------------------------------------

NAN = float("nan")


def test_missing_by_hand():
    frame = pd.DataFrame(
        {
            "a": [1, 2, 3, 4, NAN, NAN, NAN, 1],
            "b": [1, 2, 3, 4, 5, NAN, NAN, 2],
            "c": [1, 2, 3, 4, 5, 5, 2, NAN],
        }
    )
    before = frame.copy()

    found = measure_missing(frame)

    table = found.table.set_index("item")
    assert table.index.tolist() == ["a", "b", "c"]
    assert table["left_out"].tolist() == [3, 2, 1]
    assert table["asked"].tolist() == [8, 8, 8]
    assert table.loc["a", "estimate"] == 3 / 8
    assert table.loc["a", ["low", "high"]].tolist() == pytest.approx([0.1368, 0.6943], abs=5e-5)
    assert found.patterns["missing"].tolist() == ["", "a, b", "a", "c"]
    assert found.patterns["rows"].tolist() == [4, 2, 1, 1]
    assert found.patterns["share"].sum() == pytest.approx(1)
    pair = found.pairs.iloc[0]
    assert len(found.pairs) == 1
    assert (pair["item"], pair["other"], pair["asked"], pair["both"]) == ("a", "b", 8, 2)
    assert pair["expected"] == pytest.approx(3 * 2 / 8)
    assert pair["ratio"] == pytest.approx(2 / 0.75)
    assert (found.n, found.complete) == (8, 4)
    assert found.summary().startswith("6 of 24 answers asked for are missing (25.0%, most in a")
    pd.testing.assert_frame_equal(frame, before)


STUDY = """\
study: 1
id: small
title: Small
brand: Small
language: en
privacy: {key: public, minimum_base: 3}
missing_answers: by_analysis
stages:
  - {id: search, label: Search}
  - {id: buy, label: Buy}
survey:
  cleaning: {duplicates: false}
  waves:
    - {id: w1, files: [w1.csv]}
    - {id: w2, files: [w2.csv]}
"""
CODEBOOK = """\
name,kind,low,high,missing,labels,asked_if,role
called,nominal,,,,1=Yes|2=No,,
easy,scale,1,5,9,,,need
quick,scale,1,5,,,called=1,need
later,scale,1,5,,,,need
"""
W1 = "called,easy,quick\n1,3,4\n2,-,\n1,9,\n2,4,\n"  # a stroke is a mark for nothing
W2 = "called,easy,quick,later\n1,2,2,1\n1,7,1,\n2,5,,3\n"


@pytest.fixture
def survey(tmp_path):
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    (tmp_path / "codebook.csv").write_text(CODEBOOK, encoding="utf-8")
    (tmp_path / "w1.csv").write_text(W1, encoding="utf-8")
    (tmp_path / "w2.csv").write_text(W2, encoding="utf-8")
    return clean_answers(load_study(tmp_path))


def test_not_asked_is_no_gap(survey):
    found = measure_missing(survey)

    table = found.table.set_index("item")
    columns = ["asked", "answered", "left_out", "set_missing", "not_asked"]
    assert table.loc["easy", columns].tolist() == [7, 4, 1, 2, 0]  # a code 9 and a 7 are no answer
    assert table.loc["quick", columns].tolist() == [4, 3, 1, 0, 3]  # of those who called
    assert table.loc["later", columns].tolist() == [3, 2, 1, 0, 4]  # not in the first wave
    waves = found.by_wave.set_index(["wave", "item"])
    assert waves.loc[("w1", "easy"), columns].tolist() == [4, 2, 1, 1, 0]
    assert waves.loc[("w1", "quick"), columns].tolist() == [2, 1, 1, 0, 2]
    assert waves.loc[("w1", "later"), "method"] == "too few (n < 3)"
    assert np.isnan(waves.loc[("w2", "quick"), "estimate"])
    assert found.little.left_out + found.little.items == ("easy",)  # asked of everybody
    states = found.pattern_items
    assert set(states["state"]) == {"answered", "left out", "not asked"}
    assert found.patterns["rows"].sum() == 7


def test_every_item_adds_up(survey):
    for table in (measure_missing(survey).table, measure_missing(survey).by_wave):
        asked = table["answered"] + table["left_out"] + table["set_missing"]
        assert (asked == table["asked"]).all()
    whole = measure_missing(survey).table
    assert (whole["asked"] + whole["not_asked"] == 7).all()


def test_missing_messages(survey):
    with pytest.raises(ColumnError, match="lacks 'esay'"):
        measure_missing(survey, items=["esay"])
    with pytest.raises(ColumnError, match="each named once; got easy, easy"):
        measure_missing(survey, items=["easy", "easy"])
    with pytest.raises(TooFewError, match="there must be rows"):
        measure_missing(pd.DataFrame({"a": []}))


@pytest.mark.parametrize("language", ["en", "fa"])
def test_the_figure_shows_the_patterns(language):
    frame = pd.DataFrame({"a": [1, NAN, NAN, 1], "b": [1, NAN, NAN, NAN], "c": [1.0, 2, 3, 4]})
    found = dataclasses.replace(measure_missing(frame), language=language)

    ax = found.plot(labels={"a": "How easy?"})

    drawn = ax.collections[0].get_array().reshape(2, 3)  # c has no gap and is passed over
    assert drawn.tolist() == [[1, 0, 1], [1, 0, 0]]  # both missing, none, b alone
    names = [text.get_text().strip("\u200f") for text in ax.get_yticklabels()]
    assert names == ["b", "How easy?"]
    shares = [text.get_text() for text in ax.get_xticklabels()]
    assert shares == (["50%", "25%", "25%"] if language == "en" else ["۵۰٪", "۲۵٪", "۲۵٪"])
    assert ax.xaxis_inverted() == (language == "fa")


@pytest.mark.real
def test_bfi_gaps(shared_data):
    bfi = pd.read_csv(shared_data / "bfi" / "bfi.csv")
    items = [f"{trait}{i}" for trait in "ACENO" for i in range(1, 6)]

    found = measure_missing(bfi, items=items)

    assert found.complete == len(bfi[items].dropna()) == 2436  # 2,436 is known for this set
    assert found.table["left_out"].sum() == bfi[items].isna().sum().sum()
    assert found.little.patterns == len(bfi[items].isna().drop_duplicates())
    assert found.little.df == 1950


# --- completing -------------------------------------------------------------------------


def test_complete_rows_only():
    frame = make_answers(100, gaps=0.1)
    before = frame.copy()

    found = complete_answers(frame, how="complete", rng=np.random.default_rng(1))

    pd.testing.assert_frame_equal(found.frame, frame.dropna())
    assert (found.n_before, found.n_after) == (100, len(frame.dropna()))
    assert found.imputed["imputed"].sum() == 0
    assert found.summary().startswith(f"{len(frame.dropna())} of 100 rows are used: those")
    pd.testing.assert_frame_equal(frame, before)


def test_imputing_fills_gaps_and_nothing_else():
    frame = make_answers(150, gaps=0.2)
    frame.loc[7] = np.nan

    found = complete_answers(frame, how="impute", rng=np.random.default_rng(1))
    again = complete_answers(frame, how="impute", rng=np.random.default_rng(1))
    other = complete_answers(frame, how="impute", rng=np.random.default_rng(2))

    answered = frame.notna().any(axis=1)
    assert found.frame.notna().all(axis=None)
    assert found.n_after == answered.sum()
    known = frame[answered].notna()
    pd.testing.assert_frame_equal(found.frame.where(known), frame[answered])
    assert (found.frame.max() <= frame.max()).all()
    assert (found.frame.min() >= frame.min()).all()
    assert found.imputed["imputed"].tolist() == (~known).sum().tolist()
    assert found.imputed["share"].to_numpy() == pytest.approx((~known).mean().to_numpy())
    pd.testing.assert_frame_equal(found.frame, again.frame)
    assert not found.frame.equals(other.frame)
    assert "one filling understates uncertainty" in found.summary()


def test_imputing_mends_what_complete_rows_get_wrong():
    # b is left out where a is high: complete rows understate b, the regression on a does not.
    whole = make_answers(4000, seed=5)
    frame = whole.copy()
    frame.loc[frame["a"] > 3.5, "b"] = np.nan
    rng = np.random.default_rng(1)

    complete = complete_answers(frame, how="complete", rng=rng).frame
    imputed = complete_answers(frame, how="impute", rng=rng).frame

    assert complete["b"].mean() < whole["b"].mean() - 0.2
    assert imputed["b"].mean() == pytest.approx(whole["b"].mean(), abs=0.08)
    assert imputed["b"].std() == pytest.approx(whole["b"].std(), abs=0.08)
    assert imputed[["a", "b"]].corr().iloc[0, 1] == pytest.approx(
        whole[["a", "b"]].corr().iloc[0, 1], abs=0.06
    )


def test_completing_messages():
    frame, rng = make_answers(50, gaps=0.1), np.random.default_rng(1)
    with pytest.raises(JourneyError, match="complete, impute; got 'imput'. Did you mean 'impute'"):
        complete_answers(frame, how="imput", rng=rng)
    with pytest.raises(ColumnError, match=r"'word' \(1 of 5\) do not"):
        complete_answers(frame.assign(word="x"), how="impute", rng=rng)
    with pytest.raises(ColumnError, match="to impute from; e has none. Leave it out"):
        complete_answers(frame.assign(e=np.nan), how="impute", rng=rng)
    with pytest.raises(TooFewError, match="at least 10 rows with an answer; got 5"):
        complete_answers(frame.head(5), how="impute", rng=rng)


# --- the choice in drivers and personas -------------------------------------------------


def make_ratings(n=400, *, seed=1) -> pd.DataFrame:
    frame = make_answers(n, seed=seed)
    rng = np.random.default_rng(seed + 1000)
    frame["y"] = frame["a"] + 0.5 * frame["b"] + rng.normal(0, 1, n)
    return frame


def test_drivers_take_the_studys_choice(survey):
    frame = make_ratings()
    frame.loc[:79, "b"] = np.nan
    frame.loc[390:, "y"] = np.nan
    study = dataclasses.replace(survey.study, missing_answers="impute")
    asked = {"outcome": "y", "on": ["a", "b"]}

    usual = measure_drivers(frame, rng=np.random.default_rng(1), **asked)
    complete = measure_drivers(
        frame, rng=np.random.default_rng(1), missing_answers="complete", **asked
    )
    filled = measure_drivers(
        SimpleNamespace(respondents=frame, study=study), rng=np.random.default_rng(1), **asked
    )

    pd.testing.assert_frame_equal(usual.table, complete.table)
    assert (usual.left_out, usual.missing_answers, usual.filled) == (90, "complete", 0)
    assert "n = 310 complete of 400 rows" in usual.summary()
    assert (filled.left_out, filled.missing_answers, filled.filled) == (10, "impute", 80)
    assert "n = 390 of 400 rows, 80 gaps imputed" in filled.summary()
    assert filled.table["estimate"].sum() == pytest.approx(filled.r_squared)
    means = filled.table.set_index("driver")["mean"]
    assert means["b"] == pytest.approx(frame["b"][:390].mean())  # of the answers given
    with pytest.raises(JourneyError, match="must be complete or impute; got 'drop'"):
        measure_drivers(frame, rng=np.random.default_rng(1), missing_answers="drop", **asked)


def test_without_gaps_the_choice_changes_nothing():
    frame = make_ratings(200)
    found = [
        measure_drivers(
            frame, outcome="y", on=["a", "b"], rng=np.random.default_rng(1), missing_answers=how
        )
        for how in ("complete", "impute")
    ]

    pd.testing.assert_frame_equal(found[0].table, found[1].table)


@pytest.mark.slow
def test_intervals_of_imputed_drivers_cover_the_planted_part(monkeypatch):
    # b's part of R squared in the population, from a very large sample without gaps; b is
    # left out more often where a is high.
    monkeypatch.setattr("cjlib.drivers.shares.PERMUTATIONS", 9)
    asked = {"outcome": "y", "on": ["a", "b", "c"], "missing_answers": "impute"}
    big = measure_drivers(make_ratings(200_000), rng=np.random.default_rng(1), **asked)
    true = big.table.set_index("driver")["estimate"]["b"]
    held = 0
    for seed in range(30):
        frame = make_ratings(200, seed=seed)
        chance = np.where(frame["a"] > 3, 0.5, 0.1)
        frame.loc[np.random.default_rng(seed).random(200) < chance, "b"] = np.nan
        found = measure_drivers(frame, rng=np.random.default_rng(seed), **asked)
        row = found.table.set_index("driver").loc["b"]
        held += bool(row["low"] <= true <= row["high"])

    assert held >= 25  # of 30 at .95; fewer comes once in 300


@pytest.mark.parametrize(
    ("how", "placed", "words"),
    [
        (
            "by_analysis",
            58,
            "2 of 60 rows lack more than half of the 3 items and are not placed; 8",
        ),
        ("complete", 50, "10 of 60 rows lack an answer to one of the 3 items and are not placed"),
        ("impute", 58, "8 other gaps (4.6% of the answers) are filled by one draw from what"),
    ],
)
def test_personas_take_the_studys_choice(survey, how, placed, words):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.integers(1, 6, (60, 3)), columns=["easy", "quick", "later"])
    frame = frame.astype(float).assign(respondent_id=[f"R{i}" for i in range(60)])
    frame.loc[:7, "quick"] = np.nan
    frame.loc[8:9, ["easy", "quick"]] = np.nan
    study = dataclasses.replace(survey.study, missing_answers=how)

    found = read_survey_variables(study, frame, rng=rng)

    assert found is not None
    assert found.kept.sum() == placed == len(found.scaled)
    assert not np.isnan(found.scaled).any()
    assert words in found.notes[0]
    if how == "impute":
        with pytest.raises(JourneyError, match="imputing must have an rng"):
            read_survey_variables(study, frame)
    if how == "by_analysis":
        assert (found.scaled[:8, 1] == (frame["quick"].median() - 1) / 4).all()
