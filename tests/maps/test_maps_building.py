"""Maps built from small tables, every number counted by hand."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cjlib.definitions import Privacy
from cjlib.errors import JourneyError
from cjlib.events import read_interactions
from cjlib.intervals import estimate_mean, estimate_share
from cjlib.interviews import read_interviews
from cjlib.maps import build_map, check_map, render_html
from cjlib.personas import build_personas
from cjlib.study import load_study
from cjlib.survey import clean_answers


@pytest.fixture
def full(study, respondents, interviews, interactions, beliefs):
    return build_map(
        study, survey=respondents, interviews=interviews, interactions=interactions,
        beliefs=beliefs, checksum="abc", tables={"survey": "tables/05/metrics.csv"}, owner="CX",
    )  # fmt: skip


def cell(m, lane, at):
    return next(c for c in m["cells"] if c["lane"] == lane and c["at"] == at)


def move(m, one, two):
    return next(t for t in m["transitions"] if (t["from"], t["to"]) == (one, two))


def metric(m, name, at):
    return next(x for x in m["metrics"] if x["name"] == name and x["at"] == at)


def test_emotion_is_satisfaction_placed_on_two_sides(full, respondents):
    look, buy, get = (e["value"] for e in full["emotions"])
    wanted = estimate_mean(respondents["sat_get"])

    assert look["value"] == 1.5
    assert get["value"] == -0.75
    assert get["ci"]["lo"] == pytest.approx(wanted.low - 3)
    assert get["ci"]["hi"] == pytest.approx(wanted.high - 3)
    assert "sat_get" in get["ci"]["method"]
    assert get["n"] == 40
    # no satisfaction with buying was asked: the log's ratings, all 5, so without interval
    assert (buy["value"], buy["n"]) == (2.0, 32)
    assert "ci" not in buy


def test_touchpoints_are_shares_of_the_customers_of_the_stage(full):
    parcel, call = cell(full, "actions", "get")["items"]
    wanted = estimate_share(8, 32)

    assert parcel["text"] == {"en": "Parcel", "fa": "بسته"}
    assert parcel["value"]["value"] == 1.0
    assert call["value"]["value"] == 0.25
    assert call["value"]["ci"]["lo"] == wanted.low
    assert call["value"]["n"] == 32
    assert [i["text"]["en"] for i in cell(full, "channels", "get")["items"]] == ["Post", "Website"]


def test_moves_entries_and_exits(full):
    # 50 moves leave look: 40 first visits and 10 second ones; 32 of them lead to buy
    assert move(full, "look", "buy")["p"]["value"] == pytest.approx(32 / 50)
    assert move(full, "get", "look")["p"]["value"] == pytest.approx(10 / 32)
    assert move(full, "get", "look")["kind"] == "loop"
    assert move(full, "look", "buy")["kind"] == "forward"
    assert move(full, "look", "end")["p"]["value"] == pytest.approx(18 / 50)
    assert move(full, "start", "look")["p"]["value"] == 1.0
    exits = [s["exit"][0]["share"]["value"] for s in full["stages"]]
    assert exits == pytest.approx([18 / 40, 0.0, 22 / 40])
    leaving = [t["p"]["value"] for t in full["transitions"] if t["from"] == "look"]
    assert sum(leaving) == pytest.approx(1.0)


def test_moves_know_that_one_customers_moves_are_alike(full):
    p = move(full, "look", "buy")["p"]

    assert p["ci"]["method"] == "linearised, by cluster"
    assert p["n"] == 40  # customers, not moves


def test_progress_waits_and_wasted_time(full):
    assert metric(full, "conversion", "look")["value"]["value"] == 32 / 40
    assert metric(full, "conversion", "buy")["value"]["value"] == 1.0
    wait = metric(full, "time", "get")["value"]
    assert (wait["value"], wait["ci"]["lo"], wait["ci"]["hi"], wait["n"]) == (5.0, 4.0, 6.0, 32)
    wasted = next(x for x in full["metrics"] if x["id"] == "m-wasted-get")["value"]
    assert wasted["value"] == pytest.approx(8 * 10 / 32)
    assert wasted["unit"] == "minutes"


def test_skipped_stages_and_waits_until_the_last_contact(study):
    """Forty who look and get without buying; forty who buy, track on day 1, get on day 5."""
    start = pd.Timestamp("2025-01-01")
    steps = {
        "skips": [("page", "look", 0), ("parcel", "get", 2)],
        "waits": [("pay", "buy", 0), ("call", "get", 1), ("parcel", "get", 5), ("pay", "buy", 9)],
    }
    rows = [
        (f"{name}{i}", start + pd.Timedelta(days=day), touchpoint, "web", stage)
        for name, way in steps.items() for i in range(40) for touchpoint, stage, day in way
    ]  # fmt: skip
    names = ["customer_id", "time", "touchpoint", "channel", "stage"]
    m = build_map(study, interactions=pd.DataFrame(rows, columns=names))

    assert move(m, "look", "get")["kind"] == "skip"
    assert move(m, "get", "buy")["kind"] == "loop"
    assert metric(m, "time", "get")["value"]["value"] == 5.0
    assert metric(m, "time", "get")["value"]["n"] == 40


def test_long_wait_is_a_pain_with_its_rule(full):
    pain = next(f for f in full["findings"] if f["id"] == "f-pain-get-wait")

    assert pain["value"]["ci"]["lo"] > 3
    assert "3 days" in pain["rule"]["en"]
    assert "۳ روز" in pain["rule"]["fa"]


def test_nps_and_target(full):
    nps = metric(full, "nps", "journey")
    csat = metric(full, "csat", "get")

    assert nps["value"]["value"] == pytest.approx(100 * (24 - 8) / 40)
    assert csat["target"] == 4
    assert "target" not in metric(full, "csat", "look")


def test_belief_against_experience_has_its_own_interval(full, respondents):
    look, get = full["alignment"]
    mean = estimate_mean(respondents["sat_get"])

    assert get["gap"]["value"] == pytest.approx(2.25 - 4.0)
    assert get["gap"]["ci"]["lo"] == pytest.approx(mean.low - 4.0)
    assert get["significant"] is True
    assert look["gap"]["value"] == pytest.approx(0.1)
    assert look["significant"] is False
    assert get["business"] == {"value": 4.0, "unit": "score", "n": 6}


def test_belief_of_several_members_widens_the_gap(study, respondents):
    each = pd.DataFrame({"stage": ["get"] * 4, "satisfaction": [3.0, 4.0, 5.0, 4.0]})
    one = pd.DataFrame({"stage": ["get"], "satisfaction": [4.0], "n": [4]})

    many, single = (build_map(study, survey=respondents, beliefs=b) for b in (each, one))
    wide, narrow = many["alignment"][0]["gap"]["ci"], single["alignment"][0]["gap"]["ci"]

    team, people = estimate_mean([3, 4, 5, 4.0]), estimate_mean(respondents["sat_get"])
    half = ((team.high - 4) ** 2 + (people.high - people.estimate) ** 2) ** 0.5
    assert wide["hi"] - many["alignment"][0]["gap"]["value"] == pytest.approx(half)
    assert wide["hi"] - wide["lo"] > narrow["hi"] - narrow["lo"]


def test_words_come_only_from_those_who_agreed(full):
    text = json.dumps(full, ensure_ascii=False)
    quotes = cell(full, "words", "get")["items"]

    assert "never be shown" not in text
    assert "P4" not in text
    assert [q["by"] for q in quotes] == ["P1, 2", "P2, 2"]
    assert all(q["quote"] and q["evidence"] for q in quotes)


def test_findings_say_in_how_many_interviews(full):
    late = next(f for f in full["findings"] if f["id"] == "f-pain-get-late-heard")
    loose = next(f for f in full["findings"] if f["text"] == "loose")
    need = next(f for f in full["findings"] if f["id"] == "f-need-get-want_fast-heard")

    assert (late["frequency"]["value"], late["frequency"]["n"]) == (3, 3)
    assert late["level"] == "validated"
    assert (loose["kind"], loose["level"]) == ("pain", "partial")
    assert need["level"] == "partial"
    joy = cell(full, "emotion", "get")["items"][0]
    assert joy["text"] == {"en": "Joy", "fa": "شادی"}


def test_opportunities_are_assumptions_and_name_what_they_answer(full):
    mine = [f for f in full["findings"] if f["kind"] == "opportunity" and f["at"] == "get"]

    assert {f["level"] for f in mine} == {"assumption"}
    assert mine[0]["text"] == {"en": "Deliver faster", "fa": "تحویل سریع‌تر"}
    assert mine[1]["addresses"] == ["f-pain-get-late-heard"]


STUDY_LANES = ("owners", "backstage", "opportunities")  # filled from study.yaml alone


def test_looked_at_is_told_from_unknown(full, study):
    assert cell(full, "pains", "look")["items"][0]["text"]["en"] == "nothing stood out in the data"
    assert cell(full, "pains", "look")["level"] == "validated"
    bare = build_map(study)
    assert {c["level"] for c in bare["cells"] if c["lane"] not in STUDY_LANES} == {"assumption"}
    assert cell(bare, "pains", "look")["items"][0]["text"]["en"].startswith("no data yet")
    assert cell(bare, "owners", "look")["items"][0]["text"] == {"en": "Selling", "fa": "فروش"}
    assert [f.severity for f in check_map(bare)] == ["warning"]


@pytest.mark.parametrize("given", list(itertools.product([True, False], repeat=4)))
def test_any_source_may_be_missing(given, study, respondents, interviews, interactions, beliefs):
    names = ("survey", "interviews", "interactions", "beliefs")
    tables = (respondents, interviews, interactions, beliefs)
    parts = {n: t for n, t, there in zip(names, tables, given, strict=True) if there}

    m = build_map(study, **parts)

    assert [f for f in check_map(m) if f.severity == "fault"] == []
    assert len(m["cells"]) == len(m["lanes"]) * len(m["stages"])
    known = {e["id"] for e in m["evidence"]}
    for c in m["cells"]:
        assert c["level"] == "assumption" or (c["evidence"] and set(c["evidence"]) <= known)


def test_same_tables_same_bytes_and_nothing_changed(
    study, respondents, interviews, interactions, beliefs, full
):
    before = respondents.copy(), interactions.copy()
    again = build_map(
        study, survey=respondents.sample(frac=1, random_state=1), interviews=interviews,
        interactions=interactions.sample(frac=1, random_state=2), beliefs=beliefs,
        checksum="abc", tables={"survey": "tables/05/metrics.csv"}, owner="CX",
    )  # fmt: skip

    # sums of a shuffled column may differ in their last digit, nothing else may
    rounded = [json.loads(json.dumps(m), parse_float=lambda x: round(float(x), 9))
               for m in (again, full)]  # fmt: skip
    assert rounded[0] == rounded[1]
    pd.testing.assert_frame_equal(respondents, before[0])
    pd.testing.assert_frame_equal(interactions, before[1])


def test_twice_the_customers_keep_the_shares_and_narrow_the_intervals(study, interactions):
    twins = interactions.assign(customer_id="T" + interactions["customer_id"])
    one = build_map(study, interactions=interactions)
    two = build_map(study, interactions=pd.concat([interactions, twins]))

    for before, after in zip(one["transitions"], two["transitions"], strict=True):
        a, b = before["p"], after["p"]
        if a["value"] is None:
            assert (a["why"], b["n"]) == ("too-few", 2 * a["n"])
            continue
        assert a["value"] == pytest.approx(b["value"])
        assert b["n"] == 2 * a["n"]
        assert b["ci"]["hi"] - b["ci"]["lo"] < a["ci"]["hi"] - a["ci"]["lo"]


def test_persona_takes_its_own_people(study, respondents, interviews, interactions, members):
    m = build_map(
        study, persona="persona-1", survey=respondents, interviews=interviews,
        interactions=interactions, personas=members,
    )  # fmt: skip

    assert m["id"] == "map-corner-persona-1"
    assert m["personas"][0]["name"] == {"en": "Persona 1", "fa": "پرسونای ۱"}
    assert m["personas"][0]["share"]["value"] == 0.5
    # 20 people are under the base of 30: their number is said, their mean is not
    assert m["emotions"][0]["value"] == {
        "value": None, "unit": "emotion", "why": "too-few", "n": 20,
    }  # fmt: skip
    assert cell(m, "emotion", "look")["level"] == "partial"
    assert "P2" not in json.dumps(m)  # P2 is C01, of the other persona


def test_few_people_are_not_even_counted(study, respondents):
    m = build_map(study, survey=respondents.head(4))

    assert m["emotions"][0]["value"] == {"value": None, "unit": "emotion", "why": "suppressed"}
    assert not any("n" in e for e in m["evidence"] if e["type"] == "survey")


def test_touchpoints_of_few_customers_are_left_out(study, interactions):
    strict = replace(study, privacy=Privacy(key="public", minimum_cell=9, minimum_base=30))

    m = build_map(strict, interactions=interactions)

    assert [i["text"]["en"] for i in cell(m, "actions", "get")["items"]] == ["Parcel"]


def test_weights_count(study, respondents):
    heavy = respondents.assign(weight=[1.9 if v == 3 else 0.7 for v in respondents["sat_get"]])

    value = build_map(study, survey=heavy)["emotions"][1]["value"]

    assert value["value"] == pytest.approx((30 * 0.7 * 2 + 10 * 1.9 * 3) / (21 + 19) - 3)
    assert "design-based" in value["ci"]["method"]


def test_provenance_and_review(full):
    assert full["provenance"]["study"] == "corner"
    assert full["provenance"]["synthetic"] is True
    assert full["provenance"]["checksum"] == "abc"
    assert full["provenance"]["period"] == {"from": "2025-01-01", "to": "2025-01-16"}
    assert full["review"] == {"cadence_days": 90, "owner": "CX", "next_review": "2025-04-16"}
    survey = next(e for e in full["evidence"] if e["type"] == "survey")
    assert survey["uri"] == "tables/05/metrics.csv"


def test_errors_say_what_to_do(study, respondents, members, interactions):
    with pytest.raises(JourneyError, match="Did you mean 'persona-1'"):
        build_map(study, persona="persona-11", survey=respondents, personas=members)
    with pytest.raises(JourneyError, match="Pass the result of build_personas"):
        build_map(study, persona="persona-1", survey=respondents)
    with pytest.raises(JourneyError, match="wave must be one of one; got 'two'"):
        build_map(study, wave="two", survey=respondents)
    with pytest.raises(JourneyError, match="lacks 'stage'"):
        build_map(study, interactions=interactions.drop(columns="stage"))


@pytest.mark.slow
def test_shipped_study_gives_maps_of_everybody_and_of_each_persona(sepidar):
    study = load_study(sepidar)
    survey, log = clean_answers(study), read_interactions(study)
    talks, rng = read_interviews(study), np.random.default_rng(study.seed)
    personas = build_personas(study, survey=survey, interactions=log, interviews=talks, rng=rng)
    who = [None, *sorted(personas.members["persona"].dropna().unique())]

    maps = [
        build_map(
            study, persona=p, survey=survey, interviews=talks, interactions=log,
            personas=personas,
        )
        for p in who
    ]  # fmt: skip

    assert len(maps) > 2
    for m in maps:
        assert check_map(m) == []
        assert len(m["emotions"]) == 6
        html = render_html(m, language="fa")
        assert html.count('scope="col"') == 7 + 5
        assert not re.search(r"\bnan\b|None", html)
    shares = [m["personas"][0]["share"]["value"] for m in maps[1:]]
    assert 0.8 < sum(shares) <= 1 + 1e-9  # the rest belong to no persona
    assert maps[1]["personas"][0]["name"]["en"] == personas.card("persona-1").name.en
    everybody = {a["at"]: a for a in maps[0]["alignment"]}
    assert everybody["delivery"]["significant"]  # the team thinks better of it than customers
    assert everybody["delivery"]["gap"]["value"] < 0
