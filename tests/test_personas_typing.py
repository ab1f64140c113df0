"""Typing: honest accuracy, gaps borne, files that are checked, drift found and not invented."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from cjlib.codebook import Codebook, Item
from cjlib.definitions import Text, Wave
from cjlib.errors import ColumnError, JourneyError, TooFewError, UnsafeFileError
from cjlib.personas import discriminant
from cjlib.personas.discriminant import fit_discriminant, to_probabilities
from cjlib.personas.drift import measure_drift, measure_psi
from cjlib.personas.saved_typing import read_typing_tool, write_typing_tool
from cjlib.personas.selection import deal_folds
from cjlib.personas.typing import build_typing_tool
from cjlib.study import Study

ITEMS = tuple(
    Item(
        f"q{j}", "scale", role="need", low=1, high=5, question=Text(f"Question {j}?", f"پرسش {j}؟")
    )
    for j in range(6)
)
CITY = Item("city", "nominal", role="need", question=Text("Where?", "کجا؟"),
            labels={c: Text(c.upper(), c) for c in "abc"})  # fmt: skip
CENTRES = np.array([[5, 2, 3, 3, 3, 3], [2, 5, 3, 3, 3, 3], [2, 2, 5, 3, 3, 3]], dtype=float)


def make_study(**changes) -> Study:
    settings = {
        "codebook": Codebook((*ITEMS, CITY)),
        "waves": (Wave("one", (), Text("One", "یک")), Wave("two", (), Text("Two", "دو"))),
        **changes,
    }
    return Study(Path(), Path(), "test", Text("Test"), Text("Brand"), "en", (), **settings)


def make_people(n=300, *, seed=1, noise=0.8, shares=(0.5, 0.3, 0.2)) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, n, p=shares)
    answers = np.clip(np.round(CENTRES[truth] + rng.normal(0, noise, (n, 6))), 1, 5)
    frame = pd.DataFrame(answers, columns=[i.name for i in ITEMS])
    frame.insert(0, "respondent_id", pd.array([f"R{seed}-{i}" for i in range(n)], dtype="string"))
    frame.insert(1, "customer_id", pd.array([f"C{seed}-{i}" for i in range(n)], dtype="string"))
    frame.insert(2, "wave", pd.array(["one"] * n, dtype="string"))
    frame["city"] = pd.array(np.array(list("abc"))[truth], dtype="string")
    frame["truth"] = truth
    return frame


def make_groups(frame, labels=None, items=tuple(i.name for i in ITEMS), **changes):
    labels = frame["truth"].to_numpy() if labels is None else labels
    k = int(labels.max()) + 1
    ids = [f"persona-{i + 1}" for i in range(k)]
    members = frame[["respondent_id", "customer_id", "wave"]].copy()
    members["persona"] = pd.array([ids[i] if i >= 0 else None for i in labels], dtype="string")
    cards = tuple(
        SimpleNamespace(persona=p, name=Text(f"Kind {p[-1]}", f"نوع {p[-1]}")) for p in ids
    )
    settings = {"k": k, "source": "survey", "items": items, "ids": ids, "members": members,
                "cards": cards, **changes}  # fmt: skip
    return SimpleNamespace(**settings)


def build(frame, groups=None, study=None, **more):
    more.setdefault("questions", 3)
    return build_typing_tool(
        groups or make_groups(frame), SimpleNamespace(respondents=frame), study or make_study(),
        rng=np.random.default_rng(5), **more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def tool():
    return build(make_people())


# --- the discriminant -------------------------------------------------------------------


def test_scores_are_those_of_scikit_learn(monkeypatch):
    monkeypatch.setattr(discriminant, "RIDGE", 0.0)
    frame = make_people()
    x, y = frame[[i.name for i in ITEMS]].to_numpy(), frame["truth"].to_numpy()

    ours = fit_discriminant(x, y, np.ones(len(x)), 3)
    theirs = LinearDiscriminantAnalysis(solver="lsqr").fit(x, y)

    assert to_probabilities(ours.score(x)) == pytest.approx(theirs.predict_proba(x), abs=1e-9)


def test_a_gap_is_integrated_out():
    frame = make_people(60)
    x, y = frame[[i.name for i in ITEMS]].to_numpy(), frame["truth"].to_numpy()
    model = fit_discriminant(x, y, np.ones(60), 3)
    row = np.array([[4.0, np.nan, 2.0, np.nan, 3.0, 1.0]])

    known = [0, 2, 4, 5]
    slow = [
        share * stats.multivariate_normal(m[known], model.covariance[np.ix_(known, known)])
        .pdf(row[0, known])
        for share, m in zip(model.shares, model.means, strict=True)
    ]  # fmt: skip

    assert to_probabilities(model.score(row))[0] == pytest.approx(np.array(slow) / sum(slow))
    nothing = to_probabilities(model.score(np.full((1, 6), np.nan)))[0]
    assert nothing == pytest.approx(model.shares)


def test_weights_are_copies_and_gaps_take_pairs():
    frame = make_people(80)
    x, y = frame[[i.name for i in ITEMS]].to_numpy().copy(), frame["truth"].to_numpy()
    x[::7, 2] = np.nan
    w = np.random.default_rng(2).integers(1, 4, 80)

    weighted = fit_discriminant(x, y, w.astype(float), 3)
    copied = fit_discriminant(np.repeat(x, w, axis=0), np.repeat(y, w), np.ones(w.sum()), 3)

    assert weighted.means == pytest.approx(copied.means)
    assert weighted.covariance == pytest.approx(copied.covariance)
    own = y == 1
    assert weighted.means[1, 2] == pytest.approx(
        np.average(x[own, 2][~np.isnan(x[own, 2])], weights=w[own][~np.isnan(x[own, 2])])
    )


def test_a_group_without_people_is_refused():
    with pytest.raises(JourneyError, match="1 of 3 hold none. Leave such groups out"):
        fit_discriminant(np.eye(4), np.array([0, 0, 1, 1]), np.ones(4), 3)


# --- choosing questions -----------------------------------------------------------------


def test_the_telling_questions_are_kept_and_noise_is_not(tool):
    assert {q.item for q in tool.questions} == {"q0", "q1", "q2"}
    kept = tool.table[tool.table["kept"]]
    assert kept["again"].min() == pytest.approx(1.0)
    assert kept["estimate"].is_monotonic_increasing
    assert tool.table["step"].tolist()[0] == "none"
    assert tool.table["step"].tolist()[-1] == "all"
    assert tool.table["questions"].tolist() == [0, 1, 2, 3, 6]
    largest = make_people()["truth"].value_counts(normalize=True).max()
    assert tool.table["estimate"].iloc[0] == pytest.approx(largest)
    assert tool.wording["text_fa"].str.startswith("پرسش").all()
    assert "3 questions" in tool.summary()
    assert tool.confusion.groupby("persona")["estimate"].sum().to_numpy() == pytest.approx(1.0)


def test_one_customer_stays_in_one_fold_and_groups_are_dealt_evenly():
    labels = np.repeat([0, 1], [60, 40])
    units = pd.Series([f"c{i // 2}" for i in range(100)])

    folds = deal_folds(labels, units, 5, rng=np.random.default_rng(0))

    assert pd.Series(folds).groupby(units).nunique().max() == 1
    counts = pd.crosstab(labels, folds).to_numpy()
    assert counts.tolist() == [[12] * 5, [8] * 5]


def test_answers_of_one_customer_twice_do_not_flatter():
    """The same noise answered twice by each customer must not look like knowledge."""
    rng = np.random.default_rng(8)
    frame = make_people(150, noise=9)
    labels = rng.integers(0, 3, 150)
    twin = frame.assign(respondent_id=frame["respondent_id"] + "b")
    both = pd.concat([frame, twin], ignore_index=True)

    found = build(both, make_groups(both, np.tile(labels, 2)), questions=4)

    assert found.table["low"].iloc[-1] < 0.42  # a third by chance


def test_noise_items_do_not_tell_anything():
    """The choice is inside the validation: chosen among noise, questions tell nothing."""
    rng = np.random.default_rng(4)
    claimed = []
    for seed in range(12):
        frame = make_people(90, seed=seed)
        frame[[i.name for i in ITEMS]] = rng.integers(1, 6, (90, 6)).astype(float)
        found = build(frame, make_groups(frame, rng.permutation(np.arange(90) % 3)), questions=2)
        claimed.append(found.table["estimate"].iloc[2])

    assert np.mean(claimed) == pytest.approx(1 / 3, abs=0.05)


@pytest.mark.slow
def test_the_interval_covers_the_accuracy_on_new_people():
    """Claimed accuracy against 20,000 new people of known persona; 200 surveys of 250."""
    new = make_people(20_000, seed=999, noise=1.6)
    inside, apart = [], []
    for seed in range(200):
        found = build(make_people(250, seed=seed, noise=1.6), questions=3)
        truth = (found.type_people(new)["persona"].str[-1].astype(int) - 1).eq(new["truth"]).mean()
        row = found.table[found.table["questions"].eq(3)].iloc[0]
        inside.append(row["low"] <= truth <= row["high"])
        apart.append(row["estimate"] - truth)

    assert np.mean(inside) >= 0.90
    assert np.mean(apart) < 0.01  # not optimistic


def test_nominal_and_yes_no_questions_are_asked_too():
    study = make_study(
        codebook=Codebook((CITY, Item("late", "tick", question=Text("Late", "دیر"))))
    )
    frame = make_people()
    frame["late"] = pd.array(frame["truth"] == 1, dtype="boolean")

    found = build(frame, make_groups(frame, items=("city", "late")), study, questions=1)

    assert found.questions[0].item == "city"
    assert found.table["estimate"].iloc[1] == pytest.approx(1.0)
    assert found.type_people(frame)["persona"].str[-1].astype(int).sub(1).eq(frame["truth"]).all()


def test_what_cannot_be_asked_is_named():
    frame = make_people()

    found = build(frame, make_groups(frame, items=("q0", "q1", "contacts")), questions=2)

    assert "No question stands behind contacts" in found.notes[-1]


@pytest.mark.parametrize(
    ("change", "more", "message"),
    [
        ({"k": 1}, {}, "two personas or more, made from a survey; got 1 from the survey"),
        ({"source": "interactions"}, {}, "got 3 from the interactions"),
        ({}, {"questions": 7}, "between 1 and 6, .* got 7"),
        ({}, {"questions": 0}, "got 0"),
    ],
)
def test_what_cannot_be_typed_is_refused(change, more, message):
    frame = make_people()
    with pytest.raises(JourneyError, match=message):
        build(frame, make_groups(frame, **change), **more)


def test_too_few_people_are_refused():
    frame = make_people(40, shares=(0.8, 0.15, 0.05))
    with pytest.raises(TooFewError, match=r"every persona must have 10 people .*persona-2 has 3"):
        build(frame)


# --- typing people ----------------------------------------------------------------------


def test_people_are_typed_and_gaps_leave_some_unplaced(tool):
    frame = make_people(50, seed=3)
    before = frame.copy(deep=True)
    frame = frame.assign(q0=frame["q0"].mask(frame.index < 5), q1=frame["q1"].mask(frame.index < 2))
    given = frame.copy(deep=True)

    typed = tool.type_people(frame)

    pd.testing.assert_frame_equal(frame, given)
    assert typed.loc[:1, "unplaced"].eq("too few answers").all()  # 1 of 3 answered
    assert typed.loc[:1, ["persona", "probability", "margin"]].isna().all(axis=None)
    assert typed.loc[2:, "unplaced"].eq("").all()
    assert typed["answered"].tolist() == [1, 1, 2, 2, 2] + [3] * 45
    right = typed["persona"].str[-1].astype("Int64").sub(1).eq(before["truth"])
    assert right[2:].mean() > 0.85
    assert typed["margin"][2:].le(typed["probability"][2:]).all()


def test_a_row_is_typed_alike_alone_and_among_others(tool):
    frame = make_people(200, seed=4)
    frame.loc[::3, "q2"] = np.nan

    whole = tool.type_people(frame)
    single = pd.concat([tool.type_people(frame.iloc[[i]]) for i in range(0, 200, 17)])

    pd.testing.assert_frame_equal(whole.iloc[::17], single)


def test_answers_that_are_none_are_refused(tool):
    frame = make_people(5)
    with pytest.raises(
        ColumnError, match=r"answers to 'q0' must be 1 to 5.* 1 of 5 .*first '99.0'"
    ):
        tool.type_people(frame.assign(q0=[99.0, 1, 2, 3, 4]))
    with pytest.raises(ColumnError, match="1 to 5"):
        tool.type_people(frame.assign(q0=[np.inf, 1, 2, 3, 4]))
    with pytest.raises(ColumnError, match="first 'often'"):
        tool.type_people(frame.assign(q0=["often", "1", "2", "3", "4"]))
    with pytest.raises(ColumnError, match="it lacks 'q1'"):
        tool.type_people(frame.drop(columns="q1"))


def test_a_million_people_take_seconds(tool):
    frame = make_people(1000).sample(1_000_000, replace=True, random_state=1, ignore_index=True)
    start = time.process_time()

    typed = tool.type_people(frame)

    assert time.process_time() - start < 15
    assert len(typed) == 1_000_000
    assert typed.memory_usage(deep=True).sum() < 500e6


# --- the file ---------------------------------------------------------------------------


def test_a_tool_is_written_and_read_back(tool, tmp_path):
    file = write_typing_tool(tool, tmp_path / "deep" / "tool.json")
    back = read_typing_tool(file)
    frame = make_people(100, seed=6)

    pd.testing.assert_frame_equal(tool.type_people(frame), back.type_people(frame))
    assert back.summary() == tool.summary()
    again = write_typing_tool(back, tmp_path / "again.json")
    assert again.read_bytes() == file.read_bytes()
    assert [f.name for f in file.parent.iterdir()] == ["tool.json"]
    assert "R1-" not in file.read_text(encoding="utf-8")  # nobody's id


def test_nominal_codes_come_back(tmp_path):
    frame = make_people()
    found = build(frame, make_groups(frame, items=("city", "q0")), questions=2)

    back = read_typing_tool(write_typing_tool(found, tmp_path / "t.json"))

    pd.testing.assert_frame_equal(back.type_people(frame), found.type_people(frame))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda v: v.update(format="other"), "format"),
        (lambda v: v.update(extra=1), "extra"),
        (lambda v: v["shares"].append(0.1), r"shares must be \(3,\) finite numbers"),
        (lambda v: v["means"][0].pop(), "means is no table of numbers"),
        (lambda v: v["covariance"][0].__setitem__(0, -1.0), "positive definite"),
        (lambda v: v["covariance"][0].__setitem__(1, 9.0), "positive definite"),
        (lambda v: v["questions"].pop(), "means must be"),
        (lambda v: v["questions"][0].update(divisor=0), "divisor"),
        (lambda v: v.pop("table"), "table"),
        (lambda v: v["table"][0].update(estimate="x"), "must be numbers"),
        (lambda v: v.update(shares=[0.5, 0.6, 0.1]), "sum to 1"),
    ],
)
def test_a_spoilt_file_is_refused(tool, tmp_path, spoil, message):
    file = write_typing_tool(tool, tmp_path / "tool.json")
    values = json.loads(file.read_text(encoding="utf-8"))
    spoil(values)
    file.write_text(json.dumps(values), encoding="utf-8")

    with pytest.raises(JourneyError, match=message) as raised:
        read_typing_tool(file)
    assert "Write it again" in str(raised.value)


def test_files_that_are_no_tool_are_refused(tmp_path, monkeypatch):
    file = tmp_path / "tool.json"
    with pytest.raises(JourneyError, match="it is not there"):
        read_typing_tool(file)
    file.write_text('{"means": NaN}')
    with pytest.raises(JourneyError, match="NaN is no number"):
        read_typing_tool(file)
    file.write_bytes(b"\x80\x04pickled")
    with pytest.raises(JourneyError, match="no JSON in UTF-8"):
        read_typing_tool(file)
    monkeypatch.setattr("cjlib.personas.saved_typing.MOST_BYTES", 3)
    with pytest.raises(UnsafeFileError, match="at most 10 MB"):
        read_typing_tool(file)


# --- drift ------------------------------------------------------------------------------


def two_waves(n=600, *, shares=(0.5, 0.3, 0.2), seed=20) -> pd.DataFrame:
    later = make_people(n, seed=seed + 1, shares=shares).assign(wave="two")
    return pd.concat([make_people(n, seed=seed), later], ignore_index=True)


def drift(tool, frame, **more):
    return measure_drift(tool, SimpleNamespace(respondents=frame), make_study(), **more)


def test_a_planted_change_of_shares_is_found(tool):
    found = drift(tool, two_waves(shares=(0.3, 0.3, 0.4)))

    moved = found.table[found.table["drifted"]]
    assert {"persona-1", "persona-3"} <= set(moved.loc[moved["check"].eq("share"), "of"])
    assert "Drift since one in" in found.summary()
    row = found.table.query("check == 'share' and wave == 'two' and of == 'persona-3'").iloc[0]
    assert row["difference"] == pytest.approx(row["estimate"] - row["first"])
    assert row["difference_low"] < row["difference"] < row["difference_high"]
    assert row["difference"] == pytest.approx(0.2, abs=0.07)


def test_an_answer_that_means_less_is_found_by_its_index(tool):
    frame = two_waves()
    later = frame["wave"].eq("two")
    frame.loc[later, "q1"] = (frame.loc[later, "q1"] + 1).clip(upper=5)

    found = drift(tool, frame)

    moved = found.table[found.table["check"].eq("psi") & found.table["drifted"]]
    assert moved["of"].tolist() == ["q1"]
    large = found.table["check"].ne("psi") | found.table["estimate"].ge(0.1)
    assert found.table["drifted"].equals(found.table["p_holm"].lt(0.05) & large)
    known = found.table["p"].notna()
    assert (found.table.loc[known, "p_holm"] >= found.table.loc[known, "p"]).all()
    assert moved["estimate"].iloc[0] > 0.1


def test_people_who_fit_no_persona_lie_farther_away(tool):
    frame = two_waves()
    later = frame.index[frame["wave"].eq("two")]
    rng = np.random.default_rng(3)
    odd = rng.choice(later, 200, replace=False)
    frame.loc[odd, ["q0", "q1", "q2"]] = rng.choice([1.0, 5.0], (200, 3))

    found = drift(tool, frame)

    far = found.table[found.table["check"].eq("distance") & found.table["wave"].eq("two")]
    assert far["drifted"].any()
    assert far.loc[far["drifted"], "difference"].gt(0).all()


@pytest.mark.slow
def test_no_drift_is_invented(tool):
    """One population twice: something is called drift in at most about 1 of 20 pairs of waves."""
    called = [drift(tool, two_waves(250, seed=1000 + 2 * i)).drifted for i in range(200)]

    assert np.mean(called) <= 0.085  # 5 % and two standard errors


def test_psi_by_hand():
    then = pd.Series(list("aaab"), dtype="string"), pd.Series([1.0] * 4)
    now = pd.Series(list("abbb"), dtype="string"), pd.Series([1.0] * 4)

    psi, freedom = measure_psi(then, now, [4.0, 4.0])

    p, q = np.array([3.5, 1.5]) / 5, np.array([1.5, 3.5]) / 5
    assert psi == pytest.approx(((q - p) * np.log(q / p)).sum())
    assert freedom == 1


def test_drift_needs_two_waves_and_a_known_first(tool):
    frame = make_people()
    with pytest.raises(TooFewError, match="two waves with 30 people or more; got one: 300"):
        drift(tool, frame)
    with pytest.raises(JourneyError, match="first must be one of one, two; got 'three'"):
        drift(tool, two_waves(60), first="three")
    assert drift(tool, two_waves(60), first="two").first == "two"


def test_small_bases_say_too_few(tool):
    found = drift(tool, two_waves(80, shares=(0.7, 0.25, 0.05)))

    row = found.table.query("check == 'distance' and wave == 'two' and of == 'persona-3'").iloc[0]
    assert np.isnan(row["estimate"])
    assert row["method"] == "too few (n < 30)"
    assert np.isnan(row["p"])


def test_the_figures_show_the_tables(tool):
    ax = tool.plot()
    kept = tool.table[tool.table["kept"]]
    assert ax.lines[0].get_ydata() == pytest.approx(kept["estimate"])
    found = drift(tool, two_waves(shares=(0.3, 0.3, 0.4)))
    rows = found.table.query("check == 'share' and wave == 'two'")
    ax = found.plot()
    shown = np.asarray(ax.collections[-1].get_offsets())[:, 0]
    assert shown == pytest.approx(rows["estimate"].to_numpy())
    persian = replace(tool, language="fa").plot()
    assert persian.xaxis_inverted()
