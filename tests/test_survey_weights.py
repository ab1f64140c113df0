"""Raking and what weights do downstream: other programs, slow second ways, laws, coverage."""

from __future__ import annotations

import subprocess
from shutil import which

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from cjlib.codebook import Codebook
from cjlib.errors import ColumnError, JourneyError, StudyError, TooFewError
from cjlib.intervals import (
    compare_means,
    compare_nets,
    compare_shares,
    design_effective_n,
    estimate_mean,
    estimate_nps,
    estimate_ratio,
    estimate_share,
    estimate_weighted_share,
    kish_effective_n,
    measure_error,
)
from cjlib.metrics import measure_metrics, measure_precision
from cjlib.study import load_study
from cjlib.survey import (
    clean_answers,
    compare_cleaning,
    count_codes,
    describe_respondents,
    preview_rules,
    rake_weights,
    weigh_respondents,
)
from cjlib.survey.comparison import headline_measures

# R survey 4.1.1, data(api): apiclus1 by school type and whether the growth target was met, how
# many schools each cell has and the sum of their api00.
SCHOOLS = [
    ("E", "No", 12, 7156), ("H", "No", 3, 1978), ("M", "No", 8, 4851),
    ("E", "Yes", 132, 86281), ("H", "Yes", 11, 6682), ("M", "Yes", 17, 10935),
]  # fmt: skip
POPULATION = {
    "stype": {"E": 4421, "H": 755, "M": 1018},
    "sch.wide": {"No": 1072, "Yes": 5122},
}  # as on the help page of rake()


@pytest.fixture
def schools():
    rows = [(a, b, total / n) for a, b, n, total in SCHOOLS for _ in range(n)]
    return pd.DataFrame(rows, columns=["stype", "sch.wide", "api00"])


def test_raking_is_that_of_r_survey(schools):
    # rake(svydesign(~dnum, weights = ~pw, data = apiclus1), list(~stype, ~sch.wide), margins):
    # svymean 641.23, weights 29.8705 to 67.1258 as R stops at epsilon = 1 of 6,194 schools;
    # with epsilon = 1e-11: 641.230320927, 29.8706754927 to 67.1255292412, 1 + cv² 1.0516566956.
    found = rake_weights(schools, targets=POPULATION)
    weights = found.weights * 6194 / len(schools)

    assert np.average(schools["api00"], weights=weights) == pytest.approx(641.230320927, abs=1e-5)
    assert weights.min() == pytest.approx(29.8706754927, abs=1e-5)
    assert weights.max() == pytest.approx(67.1255292412, abs=1e-5)
    assert found.design_effect == pytest.approx(1.0516566956, abs=1e-8)
    assert found.effective_n == pytest.approx(183 / 1.0516566956)
    assert found.converged
    early = rake_weights(schools, targets=POPULATION, max_rounds=4)
    ends = (early.weights.min() * 6194 / 183, early.weights.max() * 6194 / 183)
    assert ends == pytest.approx((29.8705, 67.1258), abs=5e-5)  # where R stops
    assert early.design_effect == pytest.approx(1.05166, abs=5e-6)
    assert not early.converged


def test_raking_and_errors_are_those_of_r_where_r_is_here(tmp_path):
    if which("Rscript") is None:
        pytest.skip("Rscript is not installed")
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {"a": rng.choice(list("xyz"), 300, p=[0.6, 0.3, 0.1]), "b": rng.choice(list("uv"), 300),
         "base": rng.uniform(0.5, 2, 300).round(3), "score": rng.integers(0, 11, 300)}
    )  # fmt: skip
    frame.to_csv(tmp_path / "in.csv", index=False)
    code = """
    if (!requireNamespace("survey", quietly = TRUE)) quit(status = 9)
    suppressMessages(library(survey)); d <- read.csv("in.csv", stringsAsFactors = TRUE)
    s <- svydesign(id = ~1, weights = ~base, data = d)
    r <- rake(s, list(~a, ~b), list(data.frame(a = c("x","y","z"), Freq = 300*c(.4,.35,.25)),
      data.frame(b = c("u","v"), Freq = 300*c(.55,.45))),
      control = list(maxit = 500, epsilon = 1e-9))
    w <- weights(r); p <- svydesign(id = ~1, weights = ~w, data = cbind(d, w = w))
    m <- svymean(~score + I(as.numeric(score >= 9)), p)
    cat(format(c(coef(m), SE(m), w), digits = 15), sep = "\\n")
    """
    done = subprocess.run(
        ["Rscript", "-e", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    if done.returncode == 9:
        pytest.skip("R has no package survey")
    theirs = np.array(done.stdout.split(), dtype=float)

    found = rake_weights(
        frame, base=frame["base"],
        targets={"a": {"x": 0.4, "y": 0.35, "z": 0.25}, "b": {"u": 0.55, "v": 0.45}},
    )  # fmt: skip

    w, score = found.weights.to_numpy(), frame["score"].to_numpy(dtype=float)
    assert w == pytest.approx(theirs[4:], rel=1e-6)
    assert estimate_mean(score, w).estimate == pytest.approx(theirs[0], rel=1e-6)
    assert measure_error(score, w)[0] == pytest.approx(theirs[2], rel=1e-6)
    assert measure_error((score >= 9) * 1.0, w)[0] == pytest.approx(theirs[3], rel=1e-6)


def test_weighted_error_is_svymeans():
    # R survey 4.1.1: svydesign(id = ~1, weights = ~w); svymean, svyratio(~x, ~I(x + 1)).
    x = np.array([5, 4, 1, 3, 2, 5, 5, 4, 2], dtype=float)
    w = np.array([0.4, 1.7, 2.2, 0.9, 0.6, 1.1, 0.5, 3, 0.8])

    assert estimate_mean(x, w).estimate == pytest.approx(3.258928571429)
    assert measure_error(x, w)[0] == pytest.approx(0.582066751943)
    assert estimate_weighted_share(x >= 4, w).estimate == pytest.approx(0.598214285714)
    assert measure_error((x >= 4) * 1.0, w)[0] == pytest.approx(0.202243546104)
    ratio = estimate_ratio(x, x + 1, w)
    assert ratio.estimate == pytest.approx(0.7651991614256)
    from scipy import stats

    freedom = (w**2).sum() ** 2 / (w**4).sum() - 1
    half = stats.t.ppf(0.975, freedom) * 0.0320901745992
    assert ratio.high - ratio.estimate == pytest.approx(half)


def tilt(frame, targets, base, limits=(0.0, np.inf)):
    """The slow second way: weights nearest to the base (Kullback-Leibler), by their dual."""
    blocks, goals = [], []
    for item, shares in targets.items():
        text = frame[item].astype("string")
        known = float(base[text.notna()].sum() / base.sum())
        for code, share in shares.items():
            blocks.append(text.eq(code).fillna(value=False).to_numpy(dtype=float))
            goals.append(share * known)
        if known < 1:
            blocks.append(text.isna().to_numpy(dtype=float))
            goals.append(1 - known)
    x, t = np.column_stack(blocks), np.array(goals) * len(frame)
    b = base / base.mean()

    def weights(at):
        return np.clip(b * np.exp(x @ at), *limits)

    def dual(at):
        # The convex conjugate of w log(w/b) - w over [low, high], less t'at.
        w, slope = weights(at), x @ at
        conjugate = (w * slope - (w * np.log(w / b) - w)).sum() - b.sum()
        return conjugate - t @ at, x.T @ w - t

    found = minimize(dual, np.zeros(x.shape[1]), jac=True, method="BFGS", options={"gtol": 1e-11})
    w = weights(found.x)
    for _ in range(50):  # Newton's steps from there: BFGS stops at the rounding of the dual
        miss = x.T @ w - t
        if np.abs(miss).max() < 1e-11 * len(frame):
            break
        free = (w > limits[0]) & (w < limits[1])
        found.x -= np.linalg.lstsq((x[free] * w[free][:, None]).T @ x[free], miss, rcond=None)[0]
        w = weights(found.x)
    assert np.abs(x.T @ w - t).max() < 1e-8 * len(frame)
    return w


def draw_people(seed, n=400, gaps=True):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"sex": rng.choice(["f", "m"], n, p=[0.7, 0.3]),
         "age": rng.choice(["1", "2", "3"], n, p=[0.6, 0.3, 0.1])}
    ).astype("string")  # fmt: skip
    if gaps:
        frame.loc[rng.random(n) < 0.06, "age"] = pd.NA
    return frame, pd.Series(rng.lognormal(0, 0.4, n))


TARGETS = {"sex": {"f": 0.5, "m": 0.5}, "age": {"1": 0.4, "2": 0.35, "3": 0.25}}


@pytest.mark.parametrize("limits", [None, (0.4, 3.6)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_slow_second_way_agrees(seed, limits):
    frame, base = draw_people(seed)

    found = rake_weights(frame, targets=TARGETS, base=base, trim=limits, tolerance=1e-10)
    other = tilt(frame, TARGETS, base.to_numpy(), limits or (0.0, np.inf))

    assert found.converged
    assert found.weights.to_numpy() == pytest.approx(other, abs=1e-8)
    assert (found.trimmed > 0) == (limits is not None)


def test_limits_and_targets_hold_together():
    frame, base = draw_people(4)
    plain = rake_weights(frame, targets=TARGETS, base=base)

    found = rake_weights(frame, targets=TARGETS, base=base, trim=(0.4, 3.6))

    assert plain.range[1] > 3.6
    assert plain.range[0] < 0.4
    assert found.range == (0.4, 3.6)
    assert found.weights.mean() == pytest.approx(1)
    assert found.margins["after"].to_numpy() == pytest.approx(found.margins["target"], abs=1e-7)
    at_limit = found.weights.isin([0.4, 3.6]).sum()
    assert found.trimmed == at_limit
    assert found.effective_n > plain.effective_n


@given(st.integers(0, 10_000))
def test_laws_of_raking(seed):
    rng = np.random.default_rng(seed)
    frame, base = draw_people(seed, n=120)
    shares = rng.dirichlet([8, 8, 8])
    targets = {"sex": {"f": 0.45, "m": 0.55}, "age": dict(zip("123", shares, strict=True))}
    before = frame.copy()

    found = rake_weights(frame, targets=targets, base=base)

    assert found.converged
    assert found.weights.mean() == pytest.approx(1)
    assert (found.weights > 0).all()
    table = found.margins
    assert table["after"].to_numpy() == pytest.approx(table["target"].to_numpy(), abs=1e-6)
    assert found.design_effect == pytest.approx(1 + found.weights.var(ddof=0))  # 1 + cv²
    unknown = frame["age"].isna()
    share = base[unknown].sum() / base.sum()
    assert found.weights[unknown].sum() / 120 == pytest.approx(share)  # as under the base weights
    again = rake_weights(frame, targets=targets, base=found.weights)
    assert again.weights.to_numpy() == pytest.approx(found.weights.to_numpy(), abs=1e-6)
    counts = {i: {c: 1000 * t for c, t in goals.items()} for i, goals in targets.items()}
    mixed = rake_weights(frame.iloc[::-1], targets=counts, base=7 * base.iloc[::-1])
    assert mixed.weights[frame.index].to_numpy() == pytest.approx(
        found.weights.to_numpy(), abs=1e-6
    )
    pd.testing.assert_frame_equal(frame, before)


def test_by_hand():
    # Three of four are f, the target is half and half: f 0.5/0.75, m 0.5/0.25.
    frame = pd.DataFrame({"sex": ["f", "f", "f", "m"]})

    found = rake_weights(frame, targets={"sex": {"f": 50, "m": 50}})

    assert found.weights.tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])
    assert found.effective_n == pytest.approx(16 / (3 * 4 / 9 + 4))
    table = found.margins.set_index("code")
    assert table.loc["f", ["target", "before", "after", "n"]].tolist() == [0.5, 0.75, 0.5, 3]
    assert "effective n 3, design effect 1.33" in found.summary()


def test_codes_of_numbers_and_ticks():
    frame = pd.DataFrame({"n": [1.0, 2.0, 2.0, np.nan], "tick": [True, False, True, True]})

    found = rake_weights(frame, targets={"n": {"1": 0.5, "2": 0.5}, "tick": {"1": 0.7, "0": 0.3}})

    assert found.margins["n"].tolist() == [1, 2, 3, 1]
    assert found.margins["unknown"].tolist() == [1, 1, 0, 0]
    assert found.converged


ERRORS = [
    ({"targets": {}}, JourneyError, "must name at least one item"),
    ({"targets": {"sexe": {"f": 0.5, "m": 0.5}}}, ColumnError, "lacks 'sexe'"),
    ({"targets": {"sex": {"f": 0.5, "m": 0.5, "o": 0.1}}}, JourneyError, "add up to 1.1"),
    ({"targets": {"sex": {"f": 0.5, "m": 0.4, "o": 0.1}}}, TooFewError, "nobody has o as 'sex'"),
    ({"targets": {"sex": {"f": 1.0}}}, JourneyError, r"'m' \(\d+ rows\) has none"),
    ({"targets": {"sex": {"f": 0, "m": 1}}}, JourneyError, "above 0; 'sex' has f 0"),
    ({"targets": {"sex": {"f": 5, "m": 5}, "age": {"1": 5, "2": 3, "3": 3}}}, JourneyError,
     "'sex' adds up to 10 and 'age' to 11"),
    ({"targets": TARGETS, "trim": (1.2, 3)}, JourneyError, "low < 1 < high"),
    ({"targets": TARGETS, "trim": (0.9, 1.1)}, JourneyError, "needs a mean weight of"),
    ({"targets": TARGETS, "base": pd.Series([1.0, 2.0])}, JourneyError, "got 2 for 400"),
    ({"targets": TARGETS, "base": pd.Series([0.0] + [1.0] * 399)}, JourneyError, "1 of 400 are"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "error", "says"), ERRORS)
def test_what_is_refused(arguments, error, says):
    with pytest.raises(error, match=says):
        rake_weights(draw_people(1)[0], **arguments)


def test_targets_that_cannot_be_met_are_said_not_to_be():
    # All young people are women: half men and 60 % young cannot both be, whatever the weights.
    frame = pd.DataFrame({"sex": ["f"] * 60 + ["m"] * 40, "age": ["1"] * 50 + ["2"] * 50})

    found = rake_weights(frame, targets={"sex": {"f": 0.5, "m": 0.5}, "age": {"1": 0.6, "2": 0.4}})

    assert not found.converged
    assert "targets cannot all be met" in found.summary()
    # Rare in three items at once: limits 0.3 to 3 leave room for each target, not for all three.
    rng = np.random.default_rng(0)
    rare = pd.DataFrame({c: rng.random(5000) < 0.2 for c in "xyz"})
    goals = {c: {"1": 0.4, "0": 0.6} for c in "xyz"}
    trimmed = rake_weights(rare, targets=goals, trim=(0.3, 3))
    assert not trimmed.converged
    assert "met within 0.3 and 3" in trimmed.summary()
    assert trimmed.range == (0.3, 3)


def test_the_picture_shows_the_margins(schools):
    found = rake_weights(schools, targets=POPULATION)
    for language in ("en", "fa"):
        ax = found.plot(language=language)
        drawn = [line.get_xdata() for line in ax.get_lines()[-3:]]
        for column, values in zip(("target", "before", "after"), drawn, strict=True):
            assert values == pytest.approx(found.margins[column].to_numpy())


# ---- a study that states its weights

STUDY = """\
study: 1
id: weighed
title: Weighed
brand: Weighed
language: en
privacy: {key: public}
stages: [{id: a, label: A}, {id: b, label: B}]
survey:
  waves:
    - {id: one, files: [one.csv]}
    - {id: two, files: [two.csv]}
  cleaning: {missing_share: 0.5, duplicates: false}
"""
RAKE = """\
weights:
  rake:
    sex: {f: 0.5, m: 0.5}
    owner: {"1": 0.3, "0": 0.7}
  trim: [0.2, 4]
  waves:
    two: {rake: {sex: {f: 0.6, m: 0.4}}}
"""
CODEBOOK = """\
name,kind,low,high,labels,role,metric,group
sex,nominal,,,f=Woman|m=Man,description,,
owner,tick,,,,,,owns
mood,scale,1,5,,,csat,
again,scale,1,7,,,ces,
nps,scale,0,10,,,nps,
"""


def write_waves(folder, weights=RAKE, codebook=CODEBOOK):
    rng = np.random.default_rng(8)
    (folder / "study.yaml").write_text(STUDY + weights, encoding="utf-8")
    (folder / "codebook.csv").write_text(codebook, encoding="utf-8")
    for wave in ("one", "two"):
        sex = rng.choice(["f", "m", ""], 240, p=[0.72, 0.25, 0.03])
        high = np.where(sex == "m", 1.5, 0)
        frame = pd.DataFrame(
            {"sex": sex, "owner": (rng.random(240) < 0.5).astype(int),
             "mood": np.clip(np.round(rng.normal(3, 1, 240) + high / 2), 1, 5).astype(int),
             "again": rng.integers(1, 8, 240),
             "nps": np.clip(np.round(rng.normal(7, 2.5, 240) + high), 0, 10).astype(int),
             "w": rng.uniform(0.5, 3.5, 240).round(2)}
        ).astype(str)  # fmt: skip
        frame.loc[:19, ["mood", "again", "nps"]] = ""  # left out: removed
        frame.to_csv(folder / f"{wave}.csv", index=False)


@pytest.fixture
def weighed(tmp_path):
    write_waves(tmp_path)
    return clean_answers(load_study(tmp_path))


def test_respondents_are_raked_after_cleaning(weighed):
    people = weighed.respondents
    one = people[people["wave"] == "one"]

    assert len(people) == 440
    assert (weighed.everyone["weight"] == 1).all()  # as in the files
    known = one[one["sex"].notna()]
    shares = known.groupby("sex")["weight"].sum() / known["weight"].sum()
    assert shares.tolist() == pytest.approx([0.5, 0.5])
    owners = one.groupby("owner")["weight"].sum() / one["weight"].sum()
    assert owners.tolist() == pytest.approx([0.7, 0.3])
    two = people[(people["wave"] == "two") & people["sex"].notna()]
    assert (two["weight"][two["sex"] == "f"].sum() / two["weight"].sum()) == pytest.approx(0.6)
    assert people.groupby("wave")["weight"].mean().tolist() == pytest.approx([1, 1])
    assert set(weighed.weighting) == {"one", "two"}
    assert weighed.weighting["two"].limits == (0.2, 4)  # taken over
    assert weighed.weighting["one"].margins["label"].tolist() == ["Woman", "Man", "1", "0"]
    assert "Weighted to sex, owner: one (effective n" in weighed.summary()
    alone = rake_weights(
        one, targets={"sex": {"f": 0.5, "m": 0.5}, "owner": {"1": 0.3, "0": 0.7}}, trim=(0.2, 4)
    )
    assert alone.weights.to_numpy() == pytest.approx(one["weight"].to_numpy())


def test_each_cleaning_rule_rakes_its_own_respondents(weighed):
    found = compare_cleaning(weighed).table.set_index(["metric", "wave", "cleaning"])
    measure = headline_measures(weighed, 0.95)["nps"]

    chosen = found.loc[("nps", "one", "chosen")]
    own = weighed.respondents[weighed.respondents["wave"] == "one"]
    assert chosen["estimate"] == pytest.approx(estimate_nps(own["nps"], own["weight"]).estimate)
    assert chosen["method"] == "weighted; adjusted Wald on the effective n"
    everyone = weighed.everyone[weighed.everyone["wave"] == "one"]
    weights, _ = weigh_respondents(everyone, weighed.study)
    none = measure(everyone.assign(weight=weights))
    assert found.loc[("nps", "one", "none"), "estimate"] == pytest.approx(none.estimate)
    effects = preview_rules(weighed).effects
    row = effects.query("metric == 'nps' and wave == 'one' and rule == 'none'").iloc[0]
    assert row["estimate"] == pytest.approx(none.estimate)


def test_all_that_follows_is_weighted(weighed):
    study, people = weighed.study, weighed.respondents
    metrics = measure_metrics(weighed, study, by="wave").table
    heavy = metrics[metrics["weighting"] == "weighted"]
    assert heavy["method"].str.contains("weighted").all()
    assert not metrics[metrics["weighting"] == "unweighted"]["method"].str.contains("weight").any()

    owners = count_codes(weighed, "owns", base="all", wave="one").table.iloc[0]
    assert owners["estimate"] == pytest.approx(0.3)
    assert owners["count"] == people.loc[people["wave"] == "one", "owner"].sum()  # people
    assert owners["method"] == "weighted; Wilson on the effective n"

    told = describe_respondents(weighed, study).set_index(["item", "answer"])
    plain = people["sex"].eq("f").sum() / people["sex"].notna().sum()
    assert told.loc[("sex", "Woman"), "estimate"] == pytest.approx(plain)
    known = people[people["sex"].notna()]
    weighted = known["weight"][known["sex"] == "f"].sum() / known["weight"].sum()
    assert told.loc[("sex", "Woman"), "weighted"] == pytest.approx(weighted)


def test_precision_by_hand(weighed):
    found = measure_precision(weighed)
    row = found.table.query("metric == 'nps' and wave == 'one'").iloc[0]
    own = weighed.respondents.query("wave == 'one'")
    score = 100 * (own["nps"].ge(9).astype(float) - own["nps"].le(6).astype(float))
    w = own["weight"].to_numpy()

    assert row["n"] == 220
    assert row["effective_n"] == pytest.approx(w.sum() ** 2 / (w**2).sum())
    assert row["design_effect"] == pytest.approx(220 / row["effective_n"])
    mean = np.average(score, weights=w)
    error = np.sqrt(220 / 219 * (w**2 * (score - mean) ** 2).sum()) / w.sum()
    assert row["error"] == pytest.approx(error)
    assert row["margin"] == pytest.approx((row["high"] - row["low"]) / 2)
    assert "nps to within" in found.summary()
    assert found.table["unit"].tolist() == ["score"] * 4 + ["points"] * 2
    few = measure_precision(
        type("S", (), {"study": weighed.study, "respondents": own.head(10)})()
    ).table
    assert few["margin"].isna().all()
    assert few["method"].eq("too few (n < 30)").all()


def test_weights_of_the_file_are_the_base(tmp_path):
    write_waves(tmp_path, codebook=CODEBOOK + "w,weight,,,,,,\n")
    survey = clean_answers(load_study(tmp_path))
    one = survey.respondents.query("wave == 'one'")
    base = survey.everyone.set_index("respondent_id").loc[one["respondent_id"], "weight"]

    found = rake_weights(
        one, targets={"sex": {"f": 0.5, "m": 0.5}, "owner": {"1": 0.3, "0": 0.7}}, trim=(0.2, 4),
        base=base.set_axis(one.index),
    )  # fmt: skip

    assert survey.everyone["weight"].mean() == pytest.approx(2, abs=0.1)
    assert one["weight"].to_numpy() == pytest.approx(found.weights.to_numpy())
    assert not any("have mean" in text for text in survey.warnings)


def test_weights_of_another_mean_are_warned_of_and_kept(tmp_path):
    write_waves(tmp_path, weights="", codebook=CODEBOOK + "w,weight,,,,,,\n")
    survey = clean_answers(load_study(tmp_path))

    assert any("where waves are pooled it counts" in text for text in survey.warnings)
    assert survey.weighting == {}
    assert survey.respondents["weight"].mean() > 1.5


FAULTS = [
    ("rake: {sexe: {f: 0.5, m: 0.5}}", "weights on item 'sexe'.*Did you mean 'sex'"),
    ("rake: {sex: {f: 0.5, mm: 0.5}}", "unknown code 'mm' of 'sex'.*Did you mean 'm'"),
    ("rake: {sex: {f: 0.5, m: 0.6}}", "shares of 'sex' add up to 1.1"),
    ("rake: {owner: {yes: 0.5, no: 0.5}}", "unknown code 'yes' of 'owner'; expected one of 1, 0"),
    ("rake: {sex: {f: 50, m: 50}}", "above 0 and below 1"),
    ("trim: [1.5, 3]", r"trim: \[1.5, 3\]; expected \[low, high\]"),
    ("trim: [3]", "low below 1 below high"),
    ("waves: {three: {trim: [0.2, 4]}}", "unknown wave 'three'"),
    ("rakes: {}", "unknown key 'rakes'.*Did you mean 'rake'"),
]


@pytest.mark.parametrize(("text", "says"), FAULTS)
def test_every_fault_is_named_with_its_line(tmp_path, text, says):
    write_waves(tmp_path, weights=f"weights:\n  {text}\n")

    with pytest.raises(StudyError, match=says) as raised:
        load_study(tmp_path)

    assert raised.value.faults[0].line == 14


# ---- real: printed toplines


@pytest.mark.real
def test_the_weighted_topline_of_the_masculinity_survey(shared_data):
    # FiveThirtyEight's published topline: very 37, somewhat 46, not very 11, not at all 5, no
    # answer 1; the data's SOURCE.md gives a decimal more: 37.2, 46.5, 11.0, 4.7, 0.6.
    file = shared_data / "fivethirtyeight_surveys" / "masculinity-survey__raw-responses.csv"
    raw = pd.read_csv(file)
    shares = [
        100 * estimate_weighted_share(raw["q0001"].eq(answer), raw["weight"]).estimate
        for answer in ("Very masculine", "Somewhat masculine", "Not very masculine",
                       "Not at all masculine", "No answer")
    ]  # fmt: skip

    assert [round(share, 1) for share in shares] == [37.2, 46.5, 11.0, 4.7, 0.6]
    assert kish_effective_n(raw["weight"].to_numpy()) < 0.5 * len(raw)  # heavy weights


# ---- coverage: quick here, slow below

SCHEMES = {
    "mild": lambda rng, shape: rng.lognormal(0, 0.5, shape),
    "two": lambda rng, shape: np.where(rng.random(shape) < 0.2, 3.0, 0.5),
    "trimmed": lambda rng, shape: np.clip(rng.lognormal(0, 1, shape), 0.3, 3),
    "skewed": lambda rng, shape: rng.lognormal(0, 1, shape),
}


def simulate(scheme, n, times, seed):
    """Draw samples whose answers go with the weights; yield them and the truths."""
    rng = np.random.default_rng(seed)
    many = SCHEMES[scheme](rng, 400_000)
    middle = float(np.median(many))

    def chances(w):
        lean = 0.12 * np.tanh(np.log(w / middle))
        return 0.55 + lean, 0.2 - lean  # promoters, detractors

    up, down = chances(many)
    truth = {
        "nps": 100 * float(np.average(up - down, weights=many)),
        "share": float(np.average(up, weights=many)),
    }
    for _ in range(times):
        w = SCHEMES[scheme](rng, n)
        up, down = chances(w)
        u = rng.random(n)
        yield np.where(u < up, 9.0, np.where(u < up + down, 4.0, 8.0)), w, truth


def measure_coverage(scheme, n, times, seed=1):
    held = dict.fromkeys(("nps", "share", "mean"), 0)
    for x, w, truth in simulate(scheme, n, times, seed):
        found = {
            "nps": estimate_nps(x, w), "share": estimate_weighted_share(x >= 9, w),
            "mean": estimate_mean(100.0 * ((x >= 9) * 1.0 - (x <= 6)), w),
        }  # fmt: skip
        for name, e in found.items():
            held[name] += e.low <= truth["nps" if name == "mean" else name] <= e.high
    return {name: count / times for name, count in held.items()}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_weighted_intervals_cover_quickly_checked(scheme):
    found = measure_coverage(scheme, 60, 1500)

    assert 0.935 < found["nps"] < 0.985
    assert 0.935 < found["share"] < 0.985
    assert 0.915 < found["mean"] < 0.985


@pytest.mark.slow
@pytest.mark.parametrize("n", [30, 100, 300])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_weighted_intervals_cover(scheme, n):
    found = measure_coverage(scheme, n, 6000, seed=n)

    assert 0.94 < found["nps"] < 0.98
    assert 0.94 < found["share"] < 0.98
    assert (0.90 if n == 30 else 0.93) < found["mean"] < 0.98


def test_taking_weights_for_counts_would_cover_too_little():
    held = 0
    for x, w, truth in simulate("skewed", 100, 800, 3):
        whole = np.round(100 * w / w.mean()).astype(int)
        e = estimate_share(float(whole[x >= 9].sum() / 100), round(whole.sum() / 100))
        held += e.low <= truth["share"] <= e.high

    assert held / 800 < 0.90


def test_differences_of_weighted_groups_hold_their_level():
    rng = np.random.default_rng(6)
    wrong = dict.fromkeys(("mean", "share", "net"), 0)
    for _ in range(1500):
        sides = []
        for n in (60, 120):
            w = SCHEMES["two"](rng, n)
            u = rng.random(n)
            sides.append((np.where(u < 0.5, 1.0, np.where(u < 0.7, -1.0, 0.0)), w))
        (a, wa), (b, wb) = sides
        wrong["mean"] += compare_means((a, wa), (b, wb), level=0.95).p < 0.05
        wrong["net"] += compare_nets((a, wa), (b, wb), level=0.95).p < 0.05
        up = ((a > 0) * 1.0, wa), ((b > 0) * 1.0, wb)
        wrong["share"] += compare_shares(*up, level=0.95).p < 0.05

    assert all(0.02 < count / 1500 < 0.07 for count in wrong.values()), wrong


@given(st.integers(0, 10_000), st.floats(0.01, 100))
def test_scale_of_the_weights_changes_nothing(seed, factor):
    rng = np.random.default_rng(seed)
    x, w = rng.integers(0, 11, 40).astype(float), rng.lognormal(0, 1, 40)
    for estimate in (estimate_nps, estimate_mean, lambda v, u: estimate_weighted_share(v >= 9, u)):
        a, b = estimate(x, w), estimate(x, factor * w)
        assert (a.estimate, a.low, a.high) == pytest.approx((b.estimate, b.low, b.high), rel=1e-9)
        assert a.low <= a.estimate <= a.high
    assert 1 <= design_effective_n(x, w) <= kish_effective_n(w) + 1e-9 <= 40 + 1e-9


def test_even_weights_are_no_weights():
    x = np.array([9, 10, 3, 7, 8, 9, 0, 10] * 5, dtype=float)
    even = np.full(40, 0.7)

    assert estimate_nps(x, even) == estimate_nps(x)
    assert estimate_weighted_share(x >= 9, even) == estimate_share(int((x >= 9).sum()), 40)
    assert estimate_mean(x, even).method == "t"
    assert design_effective_n(x, even) == pytest.approx(40)


def test_rows_without_a_weight_say_nothing():
    x = np.array([9.0, 9, 0, 0, 5, np.nan])
    w = np.array([1.0, 2, 1, 0, np.nan, 3])

    found = estimate_nps(x, w)

    assert (found.n, found.estimate) == (3, pytest.approx(50))  # 3 of 4 for, 1 against


def test_a_codebook_without_metrics_has_no_precision(weighed):
    from dataclasses import replace

    bare = replace(weighed, study=replace(weighed.study, codebook=Codebook()))

    with pytest.raises(ColumnError, match="Fill its column 'metric'"):
        measure_precision(bare)
