"""From findings to action: evidence in one shape, ranked; the plan read and reviewed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cjlib.actions import (
    ActionEffects,
    assign_teams,
    belief_gaps,
    check_actions,
    find_last_day,
    find_opportunities,
    funnel_exits,
    gather_decisions,
    interview_pains,
    long_waits,
    low_scores,
    read_actions,
    review_plan,
    survey_pains,
    tidy_evidence,
)
from cjlib.errors import ColumnError, JourneyError, MissingSourceError, StudyError
from cjlib.intervals import Estimate, estimate_contrast, wilson_bounds
from cjlib.interviews import read_interviews
from cjlib.study import load_study
from cjlib.survey import clean_answers

STUDY = """
study: 1
id: tiny
title: Tiny
brand: Tiny
language: en
stages:
  - {id: purchase, label: Purchase, teams: [sales]}
  - {id: delivery, label: Delivery, teams: [ops]}
  - {id: support, label: Support}
channels: [{id: web, label: Web}]
touchpoints:
  - {id: courier, label: Courier, stage: delivery, teams: [sales]}
  - {id: phone, label: Phone, stage: support}
teams: [{id: sales, label: Sales}, {id: ops, label: Operations}]
survey: {waves: [{id: w1, date: "2025-01-10", files: [s.csv]}]}
costs: costs.csv
beliefs: beliefs.csv
actions: actions.csv
"""
CODEBOOK = """name,kind,low,high,role,stage,touchpoint,metric,question_en
csat_d,scale,1,5,,delivery,,csat,Delivery?
ces_p,scale,1,7,,,phone,ces,Easy?
late,tick,,,pain,delivery,courier,,Late?
"""
HEADER = "action,finding,stage,touchpoint,owner,team,due,kpi,target,status,effort,impact,budget\n"
ACTIONS = HEADER + (
    "Mend courier,late,delivery,courier,Ann,ops,2025-03-01,csat.delivery,4,in progress,2,5,100\n"
    "Call back,slow,support,phone,,sales,۱۴۰۳/۱۲/۱۰,ces,5,برنامه‌ریزی شده,2,5,\n"
    "New box,,delivery,,Bob,sales,,,,,,,\n"
    "Old idea,x,purchase,,,,2020-01-01,,,dropped,,,\n"
)


@pytest.fixture
def tiny(tmp_path):
    def make(*, actions=ACTIONS, study=STUDY, beliefs="stage,satisfaction\ndelivery,4.5\n"):
        files = {
            "study.yaml": study, "codebook.csv": CODEBOOK, "actions.csv": actions,
            "s.csv": "late\n",
            "beliefs.csv": beliefs, "costs.csv": "channel,month,spend\nweb,2025-02,5\n",
        }  # fmt: skip
        for name, text in files.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        return load_study(tmp_path)

    return make


def survey(**columns):
    frame = pd.DataFrame(columns)
    return SimpleNamespace(respondents=frame.assign(wave="w1", date=pd.Timestamp("2025-02-20")))


def evidence(rows, kind="pain"):
    names = ["stage", "measure", "estimate", "low", "high", "n", "severity", "money"]
    return tidy_evidence(pd.DataFrame(rows, columns=names).assign(customers=50), kind=kind)


def test_priority_ranks_and_what_the_intervals_leave_open(tiny):
    pains = evidence([("delivery", "late", 0.5, 0.45, 0.55, 400, 0.8, np.nan),
                      ("support", "told twice", 0.3, 0.1, 0.5, 20, 1.0, np.nan),
                      ("purchase", "unknown", np.nan, np.nan, np.nan, 0, 1.0, np.nan)])  # fmt: skip
    exits = evidence([("purchase", "left", 0.1, 0.08, 0.12, 900, 1.0, 9e6)], kind="exit")
    found = find_opportunities(tiny(), pains, exits)
    table = found.table.set_index("measure")

    assert table["priority"].tolist()[:3] == pytest.approx([0.4, 0.3, 0.1])
    assert table.loc["late", ["priority_low", "priority_high"]].tolist() == pytest.approx(
        [0.36, 0.44]
    )
    assert table["rank"].tolist() == [1, 2, 3, pd.NA]
    # told twice may be anywhere from .1 to .5: first or last of the three; late is above left.
    assert table["rank_best"].tolist()[:3] == [1, 1, 2]
    assert table["rank_worst"].tolist()[:3] == [2, 3, 3]
    assert table.loc["left", "rank_money"] == 1
    assert pd.isna(table.loc["late", "rank_money"])
    assert table["small_base"].tolist() == [False, True, False, True]
    assert table.loc["unknown", "rule"].startswith("not ranked")
    assert found.places["stage"].tolist() == ["purchase", "delivery", "support"]  # two kinds first
    assert "First of 3" in found.summary()


def test_few_people_are_not_counted_out(tiny):
    row = pd.DataFrame({"measure": ["m"], "estimate": [0.2], "n": [20], "customers": [4]})
    table = find_opportunities(tiny(), tidy_evidence(row, kind="pain")).table

    assert table["customers"].isna().all()
    assert table["estimate"].tolist() == [0.2]


shares = st.floats(0, 1)


@settings(max_examples=20)
@given(st.lists(st.tuples(shares, shares, shares, shares), min_size=1, max_size=8))
def test_laws_of_the_ranking(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("s")
    (folder / "study.yaml").write_text(STUDY.split("survey:", maxsplit=1)[0], encoding="utf-8")
    study = load_study(folder)
    made = [
        ("delivery", f"m{i}", sorted(r[:3])[1], min(r[:3]), max(r[:3]), 50, r[3], np.nan)
        for i, r in enumerate(rows)
    ]
    table = find_opportunities(study, evidence(made)).table
    again = find_opportunities(study, evidence(made[::-1])).table

    assert table["priority"].is_monotonic_decreasing
    assert (table["rank_best"] <= table["rank"]).all()
    assert (table["rank"] <= table["rank_worst"]).all()
    pd.testing.assert_frame_equal(table, again)  # the order of the evidence does not matter


def test_evidence_is_checked_at_the_door(tiny):
    frame = pd.DataFrame({"measure": ["m"], "estimate": [40.0], "n": [1]})
    with pytest.raises(JourneyError, match=r"estimate must be a share.*40 for 'm'"):
        tidy_evidence(frame, kind="pain")
    with pytest.raises(JourneyError, match="Did you mean 'pain'"):
        tidy_evidence(frame, kind="pains")
    with pytest.raises(ColumnError, match="'measure'"):
        tidy_evidence(frame[["n"]], kind="pain")
    with pytest.raises(JourneyError, match="at least one evidence frame"):
        find_opportunities(tiny())


def test_scores_pains_and_gaps_by_hand(tiny):
    study = tiny()
    answers = survey(
        csat_d=[1.0, 2, 2, 3, 4, 5, 5, np.nan], ces_p=[7.0] * 6 + [1, 4],
        late=pd.array([True, True, False, False, False, False, None, None], dtype="boolean"),
    )  # fmt: skip

    scores = low_scores(study, answers).set_index("measure")
    # below 3: 1, 2, 2 of 7; their mean 5/3 lies (3 - 5/3) / 2 = 2/3 of half the scale below
    assert scores.loc["Delivery?", ["estimate", "severity", "n", "customers"]].tolist() == (
        pytest.approx([3 / 7, 2 / 3, 7, 3])
    )
    assert scores.loc["Easy?", ["estimate", "severity"]].tolist() == pytest.approx([1 / 8, 1.0])
    assert scores.loc["Easy?", "stage"] == "support"  # of its touchpoint
    low, high = wilson_bounds([3], [7])
    assert scores.loc["Delivery?", ["low", "high"]].tolist() == pytest.approx([low[0], high[0]])
    pains = survey_pains(study, answers)
    assert pains[["estimate", "n", "customers", "severity"]].values.tolist() == [[2 / 6, 6, 2, 1]]
    gaps = belief_gaps(study, answers)
    # mean 22/7; believed 4.5; five of seven answered less
    assert gaps[["estimate", "severity"]].values.tolist() == [
        pytest.approx([5 / 7, (4.5 - 22 / 7) / 4])
    ]
    assert belief_gaps(tiny(beliefs="stage,satisfaction\ndelivery,2\n"), answers).empty


def test_effort_scales_are_turned_round(tiny):
    study = tiny(study=STUDY + "positions: {ces: effort}\n")
    scores = low_scores(study, survey(ces_p=[7.0] * 6 + [1, 4])).set_index("measure")

    assert scores.loc["Easy?", "estimate"] == 6 / 8


def test_exits_and_waits_by_hand(tiny):
    study = tiny()
    funnel = SimpleNamespace(table=pd.DataFrame({
        "group": "all", "stage": ["purchase", "delivery"], "journeys": [200, 150],
        "step": [1, 0.75], "step_low": [1, 0.68], "step_high": [1, 0.80],
    }))  # fmt: skip
    row = funnel_exits(study, funnel, order_value=Estimate(10, 8, 12, 0.95, 9, "t")).iloc[0]
    assert row["measure"] == "Purchase, never Delivery"
    assert row[["estimate", "low", "high", "n", "customers"]].tolist() == pytest.approx(
        [0.25, 0.20, 0.32, 200, 50]
    )
    assert row[["money", "money_low", "money_high"]].tolist() == [500, 400, 600]

    waits = SimpleNamespace(wasted=pd.DataFrame({
        "what": ["nothing gained", "wait for delivery"], "label": ["phone", "courier, phone"],
        "customers": [20, 80], "median_hours": [24.0, 72.0],
    }))  # fmt: skip
    table = long_waits(study, waits, customers=100)
    assert table["severity"].tolist() == pytest.approx([1 / 2, 3 / 4])  # d / (d + 1)
    assert table["estimate"].tolist() == [0.2, 0.8]
    assert table["touchpoint"].fillna("").tolist() == ["phone", ""]
    assert table["stage"].tolist() == ["support", "delivery"]


def test_the_plan_is_read(tiny):
    plan = read_actions(tiny())

    assert plan["due"].tolist()[:2] == [pd.Timestamp("2025-03-01"), pd.Timestamp("2025-02-28")]
    assert plan["status"].tolist() == ["in progress", "planned", "proposed", "dropped"]
    assert plan["effort"].tolist()[:2] == [2, 2]
    assert pd.isna(plan.loc[1, "owner"])


def test_every_fault_of_the_plan_at_once(tiny):
    actions = HEADER + (
        "A,f,delivry,couriers,x,opps,soon,csat.delivry,much,dnoe,9,0,-5\n"
        ",f,,,,,,,,,,,\n"
        "B,f,,,,,۱۴۰۴/۱۲/۳۰,,,,,,\n"
        "B,f,,,,,,,,,,,\n"
    )
    study = tiny(actions=actions)
    faults = check_actions(study)

    assert [f.line for f in faults] == [2] * 10 + [3, 4, 5]
    near = {f.found.split(" '")[0]: f.nearest for f in faults if f.nearest}
    assert near == {
        "unknown stage": "delivery", "unknown touchpoint": "courier", "unknown team": "ops",
        "unknown kpi": "csat.delivery", "unknown status": "done",
    }  # fmt: skip
    assert "again (first on line 4)" in faults[-1].found
    with pytest.raises(StudyError, match=r"read_actions: the study has 13 faults"):
        read_actions(study)
    without = tiny(study=STUDY.replace("actions: actions.csv\n", ""))
    assert check_actions(without) == []
    with pytest.raises(MissingSourceError, match="must have actions"):
        read_actions(without)


def test_review_on_a_stated_day(tiny):
    study = tiny()
    review = review_plan(study, today="2025-03-01")
    table = review.table.set_index("action")

    # due that very day is not late; the day after it is; what is dropped never is.
    assert table["overdue"].to_dict() == {
        "Mend courier": False, "Call back": True, "New box": False, "Old idea": False
    }  # fmt: skip
    assert table.loc["Call back", "days_left"] == -1
    assert review_plan(study, today=date(2025, 3, 2)).table["overdue"].sum() == 2
    assert table["ownerless"].tolist() == [False, True, False, False]
    assert table["undated"].tolist() == [False, False, True, False]
    assert table["unfounded"].tolist() == [False, False, True, False]
    assert table["teamless"].tolist() == [False, False, False, False]
    assert table["outside_teams"].tolist() == [False, False, True, False]
    assert review.summary().startswith("On 2025-03-01: 3 of 4 actions are open; 1 overdue")
    assert review_plan(study, today="۱۴۰۳/۱۲/۱۱").today == date(2025, 3, 1)
    with pytest.raises(JourneyError, match="today must be a day"):
        review_plan(study, today="someday")


def test_the_day_comes_from_the_data_not_the_calendar(tiny):
    study = tiny()

    assert find_last_day(study) == date(2025, 2, 1)  # the month of costs, after the wave's day
    assert find_last_day(study, survey=survey(late=[None])) == date(2025, 2, 20)
    log = SimpleNamespace(table=pd.DataFrame({"time": [pd.Timestamp("2025-04-05 10:00")]}))
    assert review_plan(study, interactions=log).today == date(2025, 4, 5)


def test_teams_by_stage(tiny):
    study = tiny()
    table = assign_teams(study, review_plan(study, today="2025-03-05").table)

    assert table[["stage", "team", "role", "actions", "overdue"]].fillna("").values.tolist() == [
        ["purchase", "sales", "responsible", 0, 0],
        ["delivery", "ops", "responsible", 1, 1],
        ["delivery", "sales", "touchpoint", 1, 0],
        ["support", "sales", "plan only", 1, 1],
    ]  # fmt: skip
    assert assign_teams(study).iloc[-1][["stage", "role"]].tolist() == ["support", "nobody"]


def test_satisfaction_at_stake_by_hand(tiny):
    study = tiny(study=STUDY + "privacy: {minimum_base: 2}\n")
    ticks = pd.array([True, True, False, False, False, None], dtype="boolean")
    answers = survey(csat_d=[1.0, 2, 2, 3, 4, 5], ces_p=[4.0] * 6, late=ticks)

    pains = survey_pains(study, answers).iloc[0]
    # others: 2, 3, 4, mean 3; all who said yes or no: 12 / 5; a scale of four steps
    assert pains["satisfaction"] == pytest.approx((3 - 12 / 5) / 4)
    gap = estimate_contrast([1, 2, 2, 3, 4, 2, 3, 4], ["a"] * 5 + ["o"] * 3, {"o": 1, "a": -1},
                            clusters=[0, 1, 2, 3, 4, 2, 3, 4])  # fmt: skip
    assert pains[["satisfaction_low", "satisfaction_high"]].tolist() == pytest.approx(
        [gap.low / 4, gap.high / 4]
    )
    scores = low_scores(study, answers).set_index("measure")
    # up to the middle 3: 2 + 1 + 1 points over six raters
    assert scores.loc["Delivery?", "satisfaction"] == pytest.approx(4 / 6 / 4)
    assert scores.loc["Easy?", "satisfaction"] == 0
    gaps = belief_gaps(study, answers).iloc[0]
    assert gaps["satisfaction"] == pytest.approx((3.5 + 2.5 + 2.5 + 1.5 + 0.5) / 6 / 4)
    assert pains["money"] != pains["money"]  # nobody said what they are worth


def test_money_at_stake_and_the_rules_of_ranking(tiny):
    study = tiny(study=STUDY + "privacy: {minimum_base: 2}\n")
    answers = survey(csat_d=[1.0, 2, 4, 5] * 3, ces_p=[1.0, 7] * 6,
                     late=pd.array([True, False] * 6, dtype="boolean"))  # fmt: skip
    answers.respondents["customer_id"] = [f"C{i}" for i in range(12)]
    values = pd.DataFrame({"customer_id": [f"C{i}" for i in range(12)], "value": np.arange(12.0)})
    late = survey_pains(study, answers, values=values, base=120).iloc[0]
    assert late["money"] == pytest.approx(10 * (0 + 2 + 4 + 6 + 8 + 10))
    assert late["money_low"] < late["money"] < late["money_high"]
    scores = low_scores(study, answers, values=values)
    assert scores.set_index("measure").loc["Delivery?", "money"] == 1 + 4 + 5 + 8 + 9
    there = {"customer_id": ["C1", "C2", "C3"], "touchpoint": ["courier", "courier", "phone"]}
    log = SimpleNamespace(table=pd.DataFrame(there))
    waits = SimpleNamespace(wasted=pd.DataFrame({
        "what": ["nothing gained"], "label": ["courier"], "customers": [2], "median_hours": [24.0],
    }))  # fmt: skip
    spent = long_waits(study, waits, customers=3, interactions=log, values=values)
    assert spent["money"].tolist() == [3]

    frames = (survey_pains(study, answers, values=values), scores)
    for rule, columns in (("priority", "priority"), ("people", "estimate"),
                          ("satisfaction", "satisfaction"), ("money", "money")):  # fmt: skip
        found = find_opportunities(study, *frames, rule=rule)
        assert found.table[columns].dropna().is_monotonic_decreasing
        assert found.table["rank_best"].le(found.table["rank"]).all()
        assert [p.get_width() for p in found.plot().patches] == pytest.approx(
            found.table.sort_values("kind", key=lambda k: k.ne("pain"), kind="stable")[columns]
        )
    with pytest.raises(JourneyError, match="Did you mean 'money'"):
        find_opportunities(study, *frames, rule="mony")


def test_the_decision_page(tiny):
    study = tiny()
    review = review_plan(study, today="2025-03-05")
    found = find_opportunities(
        study, evidence([("delivery", "<late>", 0.5, 0.4, 0.6, 90, 0.8, 7.0),
                         ("support", "=told twice", 0.3, 0.2, 0.4, 90, 1.0, np.nan)])
    )  # fmt: skip
    made = gather_decisions(study, review, opportunities=found)
    table = made.table.set_index("action")

    assert table["decide"].to_dict() == {
        "Mend courier": "overdue: set a new day or drop it",
        "Call back": "overdue: set a new day or drop it; approve or reject; name an owner",
        "New box": "approve or reject; set a due day; name the finding behind it",
    }  # what is dropped asks for nothing
    assert table["evidence"].to_dict() == {
        "Mend courier": "<late>", "New box": "<late>", "Call back": "=told twice"
    }  # fmt: skip
    assert made.room.set_index("stage").loc["delivery", ["teams", "open", "overdue"]].tolist() == [
        "Operations, Sales", 2, 1
    ]  # fmt: skip
    assert made.totals["budget_approved"] == 100
    page = made.to_html()
    assert "&lt;late&gt;" in page
    assert "<late>" not in page
    assert made.summary().startswith("On 2025-03-05: 3 of 4 actions need a decision; 0 asked for")
    fa = gather_decisions(replace(study, language="fa"), review)
    assert "آنچه باید تصمیم گرفت" in fa.to_html()
    assert "تعیین مسئول" in fa.table["decide"].str.cat()


def test_what_was_measured_asks_for_a_decision(tiny):
    study = tiny(actions=ACTIONS.replace("dropped", "done"))
    review = review_plan(study, today="2025-01-01")
    measured = pd.DataFrame({
        "action": ["Mend courier", "Call back", "New box", "Old idea"],
        "difference": [1.0, -1, 0.1, -0.2], "low": 0.0, "high": 1.0, "effect": np.nan,
        "verdict": ["better beyond noise", "worse beyond noise", *["no change seen"] * 2],
        "target_reached": ["yes", "no", "cannot tell", "no"],
    })  # fmt: skip
    made = gather_decisions(study, review, effects=ActionEffects(measured, pd.DataFrame()))
    decide = made.table.set_index("action")["decide"]

    assert decide["Mend courier"] == "target reached: close it"
    assert "got worse beyond noise" in decide["Call back"]
    assert decide["Old idea"] == "target missed so far: go on or change it"
    assert "target" not in decide["New box"]
    empty = tiny(actions=HEADER)
    none = gather_decisions(empty, review_plan(empty, today="2025-01-01"))
    assert none.table.empty
    assert "No action needs a decision." in none.to_html()


def test_plots_show_the_tables(tiny):
    study = tiny()
    found = find_opportunities(study, evidence([("delivery", "late", 0.5, 0.4, 0.6, 90, 0.8, 1.0)]))
    assert [p.get_width() for p in found.plot().patches] == pytest.approx([0.4])
    review = review_plan(study, today="2025-03-05")
    spots = [line.get_xydata()[0].tolist() for line in review.plot().lines[2:]]
    assert spots == [[2, 5], [2.32, 5]]  # two actions on one spot stand side by side


def test_the_shipped_study(sepidar):
    study = load_study(sepidar)
    people, talks = clean_answers(study), read_interviews(study)

    assert check_actions(study) == []
    found = find_opportunities(
        study, interview_pains(study, talks), survey_pains(study, people),
        low_scores(study, people), belief_gaps(study, people),
    )  # fmt: skip
    ticked = found.table[(found.table["kind"] == "pain") & (found.table["n"] > 100)]
    assert len(ticked) == 4
    assert found.table["priority"].between(0, 1).all()
    review = review_plan(study, survey=people)
    assert review.table["overdue"].sum() == 1
    assert review.table["ownerless"].sum() == 1
