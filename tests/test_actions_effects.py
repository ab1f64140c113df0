"""Did an action work: before and after, against a comparison, and what earlier waves say."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cjlib.actions import check_actions, measure_actions, read_actions
from cjlib.errors import StudyError
from cjlib.intervals import estimate_contrast
from cjlib.metrics import measure_goals
from cjlib.metrics.kpis import make_sources, measure_kpi
from cjlib.metrics.totals import total_answers, total_contacts
from cjlib.study import load_study
from cjlib.survey import clean_answers

STUDY = """
study: 1
id: tiny
title: Tiny
brand: Tiny
language: en
privacy: {minimum_base: 5}
stages:
  - {id: delivery, label: Delivery}
  - {id: support, label: Support}
touchpoints:
  - {id: till, label: Till, stage: delivery}
  - {id: desk, label: Desk, stage: support}
survey:
  waves:
    - {id: w1, date: "2024-01-10", files: [s.csv]}
    - {id: w2, date: "2024-07-10", files: [s.csv]}
    - {id: w3, date: "2025-01-10", files: [s.csv]}
events: {sources: [{path: s.csv, columns: {customer_id: who, time: at, touchpoint: tp}}],
         purchase: [till], complaint: [desk]}
actions: actions.csv
"""
CODEBOOK = """name,kind,low,high,stage,metric,labels,question_en
csat_d,scale,1,5,delivery,csat,,Delivery?
csat_s,scale,1,5,support,csat,,Support?
city,nominal,,,,,n=North|s=South,City?
nps,scale,0,10,,nps,,Recommend?
"""
HEADER = "action,kpi,target,since,reached,compared_with\n"


@pytest.fixture
def tiny(tmp_path):
    def make(rows, *, study=STUDY):
        files = {"study.yaml": study, "codebook.csv": CODEBOOK, "actions.csv": HEADER + rows,
                 "s.csv": "late\n"}  # fmt: skip
        for name, text in files.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        return load_study(tmp_path)

    return make


def answers(*, lift=0.0, drift=0.0, n=80, seed=5):
    """Three waves, two cities; the north rises by ``lift`` in w3, and by ``drift`` in w2 and w3."""
    rng = np.random.default_rng(seed)
    parts = []
    for number, wave in enumerate(("w1", "w2", "w3")):
        city = np.where(rng.random(n) < 0.5, "n", "s")
        rise = (city == "n") * (lift * (number == 2) + drift * number)
        parts.append(pd.DataFrame({
            "wave": wave, "customer_id": [f"C{i + 20 * number}" for i in range(n)], "city": city,
            "csat_d": np.clip(np.round(3 + rise + rng.normal(0, 0.8, n)), 1, 5),
            "csat_s": np.clip(np.round(3 + rng.normal(0, 0.8, n)), 1, 5),
            "nps": rng.integers(0, 11, n).astype(float), "weight": rng.uniform(0.5, 2, n),
            "respondent_id": [f"R{wave}{i}" for i in range(n)],
        }))  # fmt: skip
    return SimpleNamespace(respondents=pd.concat(parts, ignore_index=True))


def test_an_effect_on_the_reached_is_found_and_equals_the_regression(tiny):
    study = tiny("Vans,csat.delivery,3.5,2024-12-01,city=n,city=s\n")
    data = answers(lift=1.0)
    found = measure_actions(study, survey=data)
    row, people = found.table.iloc[0], data.respondents
    late = people[people["wave"].isin(["w2", "w3"])]
    cell = np.where(late["city"] == "n", "n", "s") + late["wave"].to_numpy(dtype=object)
    slow = estimate_contrast(late["csat_d"], cell, {"nw3": 1, "nw2": -1, "sw3": -1, "sw2": 1},
                             late["weight"], clusters=late["customer_id"])  # fmt: skip
    north = late[(late["city"] == "n") & (late["wave"] == "w3")]

    assert row["effect"] == pytest.approx(slow.estimate)
    assert [row["effect_low"], row["effect_high"], row["effect_p"]] == pytest.approx(
        [slow.low, slow.high, slow.p]
    )
    assert (row["verdict"], row["trend"]) == (
        "better beyond noise", "no moving apart seen before it"
    )  # fmt: skip
    assert row["after"] == pytest.approx(np.average(north["csat_d"], weights=north["weight"]))
    assert row["n_after"] == len(north)
    assert (row["before_period"], row["after_period"]) == ("w2", "w3")
    assert found.trends["from_period"].tolist() == ["w1"]
    assert "Vans" in found.summary()
    assert found.plot().get_xlabel()


def test_who_is_in_both_groups_or_did_not_answer_is_in_neither(tiny):
    data = answers(n=120)
    people = data.respondents
    people.loc[::7, "city"] = pd.NA
    late = people[people["wave"] == "w3"]
    both = measure_actions(
        tiny("Vans,csat.delivery,,2024-12-01,nps>=5,city=s\n"), survey=data
    ).table.iloc[0]
    assert both["n_after"] == ((late["nps"] >= 5) & (late["city"] != "s")).sum()
    rest = measure_actions(tiny("Vans,csat.delivery,,2024-12-01,,city=s\n"), survey=data)
    assert rest.table["n_after"].iloc[0] == (late["city"] == "n").sum()


def test_an_old_drift_is_called_one_and_a_question_left_alone_is_a_comparison(tiny):
    study = tiny(
        "Vans,csat.delivery,3.5,2024-12-01,city=n,city=s\n"
        "Desk,csat.support,1.2,2024-12-01,,csat.delivery\n"
        "Club,nps,90,2024-12-01,,\n"
    )
    table = measure_actions(study, survey=answers(drift=1.0, n=160)).table.set_index("action")

    assert table.loc["Vans", "trend"].startswith("they moved apart")
    assert table.loc["Desk", "repeated"] > 100  # the same people answer both questions
    assert table.loc["Desk", "target_reached"] == "yes"
    assert table.loc["Club", "target_reached"] == "no"
    assert table.loc["Club", "trend"].startswith("no comparison")
    assert (table["p_holm"] >= table["effect_p"].fillna(table["p"])).all()


def test_what_cannot_be_judged_says_why(tiny):
    rows = (
        "A,csat.delivery,4,,,\nB,csat.delivery,4,2023-01-01,,\nC,csat.delivery,4,2025-06-01,,\n"
        "D,conversion,0.5,2024-12-01,,\nE,csat.delivery,,2024-12-01,,\nF,cpc,1,2024-12-01,,\n"
        "G,csat.delivery,4,۱۴۰۳/۰۹/۱۱,city=n,city=s\n"
    )
    table = measure_actions(tiny(rows), survey=answers(n=40)).table.set_index("action")

    assert table["verdict"].to_dict() == {
        "A": "not in effect: the plan gives no day 'since'",
        "B": "no wave before that day", "C": "no wave after that day",
        "D": "no interactions given", "E": "no change seen", "F": "no interactions given",
"G": "no change seen",
    }  # fmt: skip
    assert table.loc["E", "target_reached"] == "no target"
    few = measure_actions(tiny("G,csat.delivery,4,2024-12-01,,city=n\n"), survey=answers(n=8)).table
    assert few["verdict"].tolist() == ["too few (n < 5)"]
    empty = measure_actions(tiny(""), survey=answers(n=12))
    assert empty.table.empty
    assert empty.summary() == "None of 0 actions with a KPI can be judged yet."
    assert len(empty.plot().lines) == 1


def test_groups_of_the_plan_are_checked_with_line_and_column(tiny):
    study = tiny("A,nps,4,soon,town=n,city=x\nB,nps,4,,city=n,city=n\nC,nps,4,,city,nsp\n")
    found = [str(fault) for fault in check_actions(study)]

    assert [f.split(";")[0] for f in found] == [
        "actions.csv:2: since 'soon'", "actions.csv:2: reached: unknown item 'town'",
        "actions.csv:2: compared_with: unknown code 'x' of 'city'",
        "actions.csv:3: compared_with 'city=n', the same as reached",
        "actions.csv:4: reached: rule 'city'", "actions.csv:4: compared_with: rule 'nsp'",
    ]  # fmt: skip
    with pytest.raises(StudyError, match="read_actions: the study has 6 faults"):
        read_actions(study)


def log(rng, *, days=300, rise=0.0):
    """Customers with one contact a day at most; more of them buy from day 200 on."""
    rows = []
    for customer in range(400):
        for day in rng.choice(days, 6, replace=False):
            buys = rng.random() < 0.2 + rise * (day >= 200)
            at = "till" if buys else "desk"
            rows.append((f"C{customer}", pd.Timestamp("2024-01-01") + pd.Timedelta(days=day), at))
    return SimpleNamespace(table=pd.DataFrame(rows, columns=["customer_id", "time", "touchpoint"]))


def test_kpis_of_the_log_in_equal_windows(tiny):
    study = tiny("Page,conversion,0.3,2024-07-19,,\n")  # day 200
    contacts = log(np.random.default_rng(2), rise=0.25)
    row = measure_actions(study, interactions=contacts).table.iloc[0]
    days = (contacts.table["time"] - pd.Timestamp("2024-07-19")).dt.days
    slow = []
    for low, high in ((-91, 0), (0, 91)):
        part = contacts.table[days.between(low, high - 1)]
        bought = part.assign(b=part["touchpoint"] == "till").groupby("customer_id")["b"].any()
        slow.append(bought.mean())

    assert [row["before"], row["after"]] == pytest.approx(slow)
    assert row["verdict"] == "better beyond noise"
    assert row["before_period"] == "2024-04-19 to 2024-07-18"
    assert row["repeated"] > 100
    short = measure_actions(tiny("Page,conversion,,2024-10-10,,\n"), interactions=contacts)
    assert short.table["verdict"].iloc[0] == "the log reaches less than 4 weeks to both sides"


def test_totals_add_up_to_the_kpi(tiny):
    study = tiny("")
    contacts = log(np.random.default_rng(4))
    for kpi in ("conversion", "complaint_rate", "repeat_rate", "contacts_per_purchase"):
        found = total_contacts(kpi, study, contacts.table)
        known, _ = measure_kpi(kpi, make_sources(study, interactions=contacts))
        assert found["y"].sum() / found["x"].sum() == pytest.approx(known.estimate), kpi
    assert total_contacts("sales", study, contacts.table) is None
    people = answers().respondents
    last = people[people["wave"] == "w3"]
    for kpi in ("nps", "csat.delivery", "csat.support.top", "csat"):
        y, x = total_answers(kpi, study, last)
        known, _ = measure_kpi(kpi, make_sources(study, survey=people))
        assert np.nansum(y * last["weight"]) / np.nansum(x * last["weight"]) == pytest.approx(
            known.estimate
        ), kpi
    assert total_answers("ces", study, last) is None


@pytest.fixture(scope="module")
def shipped(sepidar):
    study = load_study(sepidar)
    return study, clean_answers(study)


def test_the_shipped_study_the_planted_improvement_is_found_and_the_planted_nothing_not(shipped):
    study, people = shipped
    plan = read_actions(study).iloc[[0, 6]].reset_index(drop=True)
    plan["since"] = pd.Timestamp("2025-02-01")
    plan["compared_with"] = ["csat.support", "csat.discovery"]
    found = measure_actions(study, plan, survey=people).table

    assert found["kpi"].tolist() == ["csat.delivery", "csat.support"]
    assert found["verdict"].tolist() == ["better beyond noise", "no change seen"]
    assert found.loc[0, "effect_low"] < 0.5 < found.loc[0, "effect_high"]  # as planted
    assert found.loc[1, "effect_low"] < 0 < found.loc[1, "effect_high"]
    assert set(found["trend"]) == {"cannot be checked: only one period before it"}
    goals = measure_goals(study, survey=people).table.set_index("kpi")
    assert found.loc[0, ["after", "after_low", "after_high"]].tolist() == pytest.approx(
        goals.loc["csat.delivery", ["estimate", "low", "high"]].tolist()
    )


@pytest.mark.real
@pytest.mark.slow
def test_seven_waves_of_the_airport_beside_r(root, shared_data):
    # R 4.2.2, on ease of security (g = 1) and shops (g = 0), 2012 (t = 0) and 2017: coefficient
    # g:t of lm(y ~ g*t, weights = w), its error from scores of each row times sqrt(k/(k-1)) for
    # the k people of its cell, added up by person. sandwich 3.0: vcovCL(m, cluster = id, type =
    # "HC0", cadjust = FALSE) gives .03485229, without that factor.
    airport = load_study(root / "data" / "sfo_airport", raw=shared_data / "sfo_airport_survey")
    plan = pd.DataFrame({
        "action": ["Lanes", "Signs"], "kpi": ["ces.security", "csat.signs"], "status": "done",
        "target": [4.0, np.nan], "since": pd.to_datetime(["2013-01-01", "2012-01-01"]),
        "compared_with": ["csat.shops", "csat.parking"],
    })  # fmt: skip
    found = measure_actions(airport, plan, survey=clean_answers(airport))
    table = found.table.set_index("action")
    half = table.loc["Lanes", "effect_high"] - table.loc["Lanes", "effect"]

    assert table.loc["Lanes", "effect"] == pytest.approx(0.43802815, abs=1e-8)
    assert half == pytest.approx(stats.t.ppf(0.975, 6119.0) * 0.03485892, abs=1e-7)
    assert table.loc["Lanes", "target_reached"] == "yes"
    assert table.loc["Lanes", "trend"].startswith("they moved apart")  # from 2010 and 2011 on
    assert table.loc["Signs", "trend"] == "no moving apart seen before it"
    assert found.trends["from_period"].tolist() == ["2010", "2011", "2010"]
