"""Judging personas: each check passes and fails where it must, and unknown is no pass."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cjlib.codebook import Codebook, Item
from cjlib.definitions import Cleaning, PersonaRules, Text
from cjlib.errors import JourneyError
from cjlib.personas.rule_sensitivity import RuleSensitivity, measure_rule_sensitivity
from cjlib.personas.scrutiny import CHECKS, judge_personas
from cjlib.study import Study
from cjlib.survey.quality import DUPLICATE_OF

NEEDS = tuple(Item(f"n{j}", "scale", role="need", low=1, high=5) for j in range(4))
LATE = Item("late", "tick", role="pain", question=Text("Late", "دیر"))
AGE = Item("age", "number", role="description", low=15, high=90)
IDS = ["persona-1", "persona-2"]


def make_study(**changes) -> Study:
    settings = {
        "codebook": Codebook((*NEEDS, LATE, AGE)),
        "personas": PersonaRules(k=2, style="none"),
        "cleaning": Cleaning(seconds_per_item=1.5),
        **changes,
    }
    return Study(Path(), Path(), "test", Text("Test"), Text("Brand"), "en", (), **settings)


def make_people(n=200, seed=1):
    rng = np.random.default_rng(seed)
    place = np.arange(n) % 2
    centre = np.array([[5, 5, 1, 1], [1, 1, 5, 5]])[place]
    frame = pd.DataFrame(
        np.clip(centre + rng.integers(-1, 2, (n, 4)), 1, 5).astype(float),
        columns=[i.name for i in NEEDS],
    )
    frame.insert(0, "respondent_id", pd.array([f"R{i}" for i in range(n)], dtype="string"))
    frame["wave"] = pd.array(["one"] * n, dtype="string")
    frame["weight"] = 1.0
    frame["late"] = pd.array(rng.random(n) < np.where(place == 0, 0.7, 0.1), dtype="boolean")
    frame["age"] = rng.integers(20, 60, n).astype(float)
    return frame, place


def make_groups(frame, place, **changes):
    members = frame[["respondent_id"]].assign(
        persona=pd.array([IDS[i] for i in place], dtype="string")
    )
    sizes = pd.DataFrame(
        {"persona": IDS, "minimum": [80, 20], "persistence": [0.9, 0.6], "margin": [0.5, 0.05]}
    )
    choice = pd.DataFrame({"k": [2, 3], "share_at_best": [0.5, 0.01], "stability": [0.9, 0.4]})
    line = {"section": "pains", "key": "late", "n": 50, "method": "Wilson", "source": "survey",
            "evidence": "measured"}  # fmt: skip
    lines = pd.DataFrame([line] * 4)
    half = pd.DataFrame([line, {**line, "evidence": "assumption", "section": "trust"},
                         {**line, "n": 0, "key": "odd"}])  # fmt: skip
    quotes = pd.DataFrame({"kind": ["typical", "dissenting"], "known": [True, True]})
    cards = {
        "persona-1": SimpleNamespace(lines=lines, quotes=quotes),
        "persona-2": SimpleNamespace(lines=half, quotes=quotes.assign(known=[True, False])),
    }
    settings = {
        "ids": IDS, "k": 2, "source": "survey", "sizes": sizes, "choice": choice,
        "members": members, "unassignable": 0.05, "items": tuple(i.name for i in NEEDS),
        "names": {p: p for p in IDS}, "card": cards.__getitem__,
        "contradictions": pd.DataFrame(
            {"persona": ["persona-2"], "kind": ["split"], "items": ["n1"]}
        ),
        "sensitivity": pd.DataFrame(
            {"other_way": ["one segment more", "one segment fewer", "gaussian instead of kmeans"],
             "agreement": [0.7, 0.5, 0.9]}
        ),
        **changes,
    }  # fmt: skip
    return SimpleNamespace(**settings)


@pytest.fixture
def judged():
    frame, place = make_people()
    return judge_personas(
        make_groups(frame, place), study=make_study(), survey=SimpleNamespace(respondents=frame)
    )


def passed(judgement, persona):
    rows = judgement.table[judgement.table["persona"].eq(persona)]
    return dict(zip(rows["check"], rows["passed"], strict=True))


def test_each_check_passes_and_fails_where_it_must(judged):
    first, second = passed(judged, "persona-1"), passed(judged, "persona-2")

    assert list(first) == list(CHECKS)
    both = ("convergence", "global_stability", "unassignable", "distinctness", "other_method")
    assert {first[c] for c in both} == {second[c] for c in both} == {"yes"}
    apart = ("size", "own_stability", "margin", "coverage", "tied", "quotes", "contradictions")
    assert {first[c] for c in apart} == {"yes"}
    assert {second[c] for c in apart} == {"no"}
    assert first["other_k"] == second["other_k"] == "no"  # the least of the two
    assert first["reliability"] == first["other_rule"] == "not known"
    assert "persona-1 passes 12 of 15 checks, fails other_k (2 not known)" in judged.summary()


def test_values_and_reasons_stand_beside(judged):
    table = judged.table.set_index(["check", "persona"])

    assert table.loc[("size", "persona-1"), "threshold"] == 30
    assert table.loc[("size", "persona-2"), "why_en"] == (
        "People (lower end): 20, at least 30 wanted"
    )
    assert "۲۰" in table.loc[("size", "persona-2"), "why_fa"]
    assert table.loc[("other_k", "persona-1"), "value"] == 0.5
    assert table.loc[("coverage", "persona-2"), "value"] == pytest.approx(2 / 3)
    assert table.loc[("distinctness", "persona-1"), "value"] == 1  # late, not age
    assert "late" in table.loc[("distinctness", "persona-1"), "why_en"]
    assert (judged.table["source"] != "").all()
    unknown = judged.table[judged.table["passed"].eq("not known")]
    assert unknown["value"].isna().all()


def test_held_out_items_that_are_noise_distinguish_nobody():
    frame, place = make_people()
    frame["late"] = pd.array(np.random.default_rng(5).random(200) < 0.4, dtype="boolean")

    found = judge_personas(
        make_groups(frame, place), study=make_study(), survey=SimpleNamespace(respondents=frame)
    )

    assert passed(found, "persona-1")["distinctness"] == "no"


def test_what_is_not_given_is_not_known():
    frame, place = make_people()
    groups = make_groups(
        frame, place, unassignable=float("nan"), choice=pd.DataFrame({"k": [1]}),
        sensitivity=pd.DataFrame(columns=["other_way", "agreement"]),
    )  # fmt: skip

    found = passed(judge_personas(groups, study=make_study()), "persona-1")

    for check in ("unassignable", "convergence", "global_stability", "distinctness", "other_k"):
        assert found[check] == "not known"


def test_the_least_overlap_under_other_rules_counts():
    frame, place = make_people()
    rules = RuleSensitivity(
        pd.DataFrame(),
        pd.DataFrame({"rule": ["a", "b", "a"], "persona": ["persona-1", "persona-1", "persona-2"],
                      "overlap": [0.9, 0.5, 0.95]}),
    )  # fmt: skip
    found = judge_personas(make_groups(frame, place), study=make_study(), rules=rules)

    assert passed(found, "persona-1")["other_rule"] == "no"
    assert passed(found, "persona-2")["other_rule"] == "yes"
    assert "(b)" in found.table.query("check == 'other_rule'")["why_en"].iloc[0]


def make_survey(frame, seconds):
    quality = pd.DataFrame({DUPLICATE_OF: pd.array([pd.NA] * len(frame), dtype="string"),
                            "seconds_per_item": seconds})  # fmt: skip
    return SimpleNamespace(everyone=frame, quality=quality)


def measure(frame, place, seconds, **more):
    gone = seconds < 1.5
    kept = frame[~gone].reset_index(drop=True)
    return measure_rule_sensitivity(
        make_study(), make_groups(kept, place[~gone]), make_survey(frame, seconds),
        rng=np.random.default_rng(2), **more,
    )  # fmt: skip


def test_clear_segments_stay_under_every_rule_and_people_are_counted():
    frame, place = make_people()
    seconds = np.where(np.arange(200) < 20, 1.0, np.where(np.arange(200) < 50, 1.7, 5.0))

    found = measure(frame, place, seconds, rules={
        "nobody removed": Cleaning(duplicates=False), "two seconds": Cleaning(seconds_per_item=2.0),
    })  # fmt: skip

    table = found.table.set_index("rule")
    assert table["agreement"].tolist() == pytest.approx([1.0, 1.0])
    assert table["removed"].tolist() == [0, 50]
    assert table["people"].tolist() == [200, 150]
    assert table["both"].tolist() == [180, 150]
    assert found.personas["overlap"].tolist() == pytest.approx([1.0] * 4)


def test_careless_people_who_make_a_segment_are_found_out():
    """A third of the people answer at random: kept, they pull the segments apart."""
    frame, _ = make_people()
    odd = np.arange(200) % 3 == 0
    frame.loc[odd, ["n0", "n1"]] = 5.0
    frame.loc[odd, ["n2", "n3"]] = 5.0
    seconds = np.where(odd, 1.0, 5.0)
    made = (frame["n2"] > 3).to_numpy().astype(int)  # whom a wrong rule would put together

    found = measure(frame, made, seconds, rules={"nobody removed": Cleaning(duplicates=False)})
    other = measure(frame, np.random.default_rng(1).integers(0, 2, 200), seconds,
                    rules={"nobody removed": Cleaning(duplicates=False)})  # fmt: skip

    assert found.table["agreement"].iloc[0] > other.table["agreement"].iloc[0]
    assert other.table["agreement"].iloc[0] < 0.1
    assert "Under 1 other cleaning rules" in other.summary()


def test_one_persona_has_no_rule_to_depend_on():
    frame, place = make_people()
    groups = make_groups(frame, place, k=1)
    with pytest.raises(JourneyError, match="two personas or more"):
        measure_rule_sensitivity(
            make_study(), groups, make_survey(frame, np.ones(200)), rng=np.random.default_rng(1)
        )


def test_the_figure_shows_the_marks(judged):
    ax = judged.plot()
    marks = [t.get_text() for t in ax.texts]

    assert marks[:2] == ["✓", "✗"]  # size
    assert marks.count("?") == 4
    assert len(marks) == 2 * len(CHECKS)
    assert replace(judged, language="fa").plot().xaxis_inverted()
