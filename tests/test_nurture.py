"""Hand-over to marketing automation: stages, scores with a check, follow-ups, consent, files."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cjlib.definitions import FollowUp, LeadScoring, NurtureRules, Points, Text
from cjlib.errors import JourneyError, MissingSourceError, StudyError
from cjlib.nurture import (
    choose_follow_ups,
    find_consent,
    find_lead_stages,
    measure_lead_funnel,
    score_leads,
    write_handover,
)
from cjlib.nurture.scoring import count_points
from cjlib.prediction import measure_auc
from cjlib.study import load_study

STUDY = """
study: 1
id: tiny
title: Tiny
brand: Tiny
language: en
privacy: {key: public, minimum_base: 2, consent: ok}
stages:
  - {id: look, label: Look}
  - {id: buy, label: Buy}
channels: [{id: web, label: Web}]
touchpoints:
  - {id: page, label: Page, stage: look}
  - {id: cart, label: Cart, stage: look}
  - {id: pay, label: Pay, stage: buy}
  - {id: moan, label: Moan, stage: buy}
events:
  sources: [{path: e.csv, columns: {customer_id: who, time: at, touchpoint: tp}}]
  purchase: [pay]
  complaint: [moan]
survey: {waves: [{id: w1, files: [e.csv]}]}
"""
NURTURE = """
nurture:
  stages:
    - {id: visitor, label: Visitor, at: [page]}
    - {id: keen, label: {en: Keen, fa: مشتاق}, at: [page, cart], times: 2}
    - {id: client, label: Client, at: [pay]}
  follow_ups:
    - {id: sorry, say: "=Sorry", complained_days: 5, channel: web}
    - {id: slots, say: Slots, pains: [late], stages: [keen, client]}
    - {id: wake, say: Wake, quiet_days: 20}
"""
CODEBOOK = "name,kind,role,question_en\nok,consent,,May we write?\nlate,tick,pain,Late?\n"


@pytest.fixture
def tiny(tmp_path):
    def make(*, extra=NURTURE):
        (tmp_path / "s").mkdir(exist_ok=True)
        for name, text in (("study.yaml", STUDY + extra), ("codebook.csv", CODEBOOK),
                           ("e.csv", "who\n")):  # fmt: skip
            (tmp_path / "s" / name).write_text(text, encoding="utf-8")
        return load_study(tmp_path / "s")

    return make


def contacts(*rows):
    frame = pd.DataFrame(rows, columns=["customer_id", "time", "touchpoint"])
    return SimpleNamespace(table=frame.assign(time=pd.to_datetime(frame["time"], format="ISO8601")))


LOG = contacts(
    ("once", "2025-03-01 10:00", "page"),
    ("twice", "2025-03-02", "page"), ("twice", "2025-03-05", "cart"),
    ("straight", "2025-03-09", "pay"), ("straight", "2025-03-28", "moan"),
    ("back", "2025-03-04", "pay"), ("back", "2025-03-06", "page"), ("back", "2025-03-30", "page"),
    ("odd", "2025-03-30 23:00", "moan"),
)  # fmt: skip


def test_stages_by_hand(tiny):
    leads = find_lead_stages(tiny(), LOG).set_index("customer_id")

    # straight to the purchase passes what lies before; back stays a client; moaning is no stage.
    assert leads["stage"].fillna("").to_dict() == {
        "back": "client", "odd": "", "once": "visitor", "straight": "client", "twice": "keen"
    }  # fmt: skip
    assert leads.loc["twice", "since"] == pd.Timestamp("2025-03-05")
    assert leads.loc["back", "since"] == pd.Timestamp("2025-03-04")
    early = find_lead_stages(tiny(), LOG, until=pd.Timestamp("2025-03-05"))
    assert early.set_index("customer_id")["stage"]["twice"] == "visitor"
    funnel = measure_lead_funnel(tiny(), LOG)
    assert funnel.table["journeys"].tolist() == [4, 3, 2]
    assert funnel.table["now"].tolist() == [1, 1, 2]
    assert funnel.table["estimate"].tolist() == pytest.approx([0.8, 0.6, 0.4])
    assert funnel.table["step"].tolist() == pytest.approx([0.8, 0.75, 2 / 3])
    assert [p.get_width() for p in funnel.plot().patches] == pytest.approx([0.8, 0.6, 0.4])
    plain = measure_lead_funnel(tiny(extra=""), LOG)  # without stages: those of the journey
    assert plain.table["stage"].tolist() == ["look", "buy"]


def test_the_first_rule_that_applies(tiny):
    leads = find_lead_stages(tiny(), LOG).assign(persona=pd.NA, score=np.nan)
    people = pd.DataFrame(
        {"customer_id": ["twice", "straight", "once"], "late": [True, True, True]}
    )
    found = choose_follow_ups(tiny(), leads, interactions=LOG, respondents=people)

    assert found.set_index("customer_id")["follow_up"].to_dict() == {
        "back": "none applies",  # wrote yesterday, complained never
        "odd": "sorry", "straight": "sorry",  # and is late, too: the first rule counts
        "twice": "slots", "once": "wake",  # late, but at no stage of that rule
    }  # fmt: skip
    rule = FollowUp("p", Text("P"), personas=("persona-9",))
    study = replace(tiny(), nurture=NurtureRules(follow_ups=(rule,)))
    with pytest.raises(JourneyError, match=r"'persona-9'.*Did you mean 'persona-1'"):
        choose_follow_ups(study, leads.assign(persona="persona-1"), interactions=LOG)
    warm = replace(rule, personas=(), score_at_least=0.2, score_below=0.4)
    study = replace(study, nurture=NurtureRules(follow_ups=(warm,)))
    scored = leads.assign(score=[0.1, 0.2, 0.3, 0.4, np.nan])
    told = choose_follow_ups(study, scored, interactions=LOG)["follow_up"].tolist()
    assert told == ["none applies", "p", "p", "none applies", "none applies"]


def test_the_latest_answer_on_consent_counts_and_no_answer_is_no_consent(tiny):
    people = pd.DataFrame({
        "customer_id": ["a", "a", "b", "c", pd.NA],
        "date": pd.to_datetime(["2025-02-01", "2024-01-01", *["2025-01-01"] * 3]),
        "ok": pd.array([False, True, True, None, True], dtype="boolean"),
    })  # fmt: skip
    assert find_consent(tiny(), people).to_dict() == {"a": False, "b": True}
    given = pd.DataFrame({"customer_id": ["b", "d"], "consent": [False, True]})
    assert find_consent(tiny(), people, given=given).to_dict() == {
        "a": False, "b": False, "d": True
    }  # fmt: skip
    with pytest.raises(MissingSourceError, match="somebody must have been asked"):
        find_consent(tiny(), people.drop(columns="ok"))
    with pytest.raises(JourneyError, match="got 'yes'"):
        find_consent(tiny(), None, given=pd.DataFrame({"customer_id": ["a"], "consent": ["yes"]}))


@pytest.fixture
def survey():
    people = pd.DataFrame({
        "customer_id": ["once", "twice", "straight", "quiet", pd.NA],
        "ok": pd.array([True, True, False, True, True], dtype="boolean"),
        "late": [False, True, False, False, False],
    }).astype({"customer_id": "string"})  # fmt: skip
    return SimpleNamespace(everyone=people, respondents=people[people["ok"]])


def test_the_folder(tiny, survey, tmp_path):
    personas = pd.DataFrame({
        "customer_id": ["once", "twice"], "persona": ["persona-1", pd.NA], "margin": [0.4, 0.01],
        "persona_name": ["Planner", pd.NA],
    })  # fmt: skip
    out = tmp_path / "hand"
    found = write_handover(tiny(), out, interactions=LOG, survey=survey, personas=personas)
    read = pd.read_csv(out / "members.csv", keep_default_na=False)
    typed = pd.read_parquet(out / "members.parquet")

    assert read["customer_id"].tolist() == ["once", "quiet", "twice"]  # no consent: not there
    assert typed["customer_id"].tolist() == read["customer_id"].tolist()
    assert read["persona"].tolist() == ["persona-1", "", ""]
    assert read["persona_name"].tolist() == ["Planner", "", ""]
    assert read["stage_label"].tolist() == ["Visitor", "", "Keen"]
    assert found.left_out.set_index("reason")["people"].to_dict() == {
        "without consent on record": 2, "who refused": 1,
        "answers to the survey without a customer number": 1,
    }  # fmt: skip
    listed = pd.read_csv(out / "data_dictionary.csv")
    assert listed.query("file == 'members'")["column"].tolist() == list(read.columns)
    assert listed["meaning_fa"].notna().all()
    assert pd.read_csv(out / "rules.csv")["id"].tolist() == [
        "visitor", "keen", "client", "sorry", "slots", "wake"
    ]  # fmt: skip
    assert found.scores.rule == "none"
    assert "Nobody is scored" in listed["meaning_en"].str.cat()
    before = {f.name: f.read_bytes() for f in out.iterdir()}
    write_handover(tiny(), out, interactions=LOG, survey=survey, personas=personas)
    assert {f.name: f.read_bytes() for f in out.iterdir()} == before  # same inputs, same bytes
    assert [f.name for f in tmp_path.iterdir() if "part" in f.name] == []
    (out / "mine.txt").write_text("keep")
    with pytest.raises(JourneyError, match=r"holds? 1 other files \(mine.txt\)"):
        write_handover(tiny(), out, interactions=LOG, survey=survey)
    assert (out / "mine.txt").exists()
    with pytest.raises(MissingSourceError):
        write_handover(tiny(), tmp_path / "none", interactions=LOG)
    assert not (tmp_path / "none").exists()


def test_formulas_are_neutralised_in_csv(tiny, tmp_path):
    agreed = pd.DataFrame({"customer_id": ["straight"], "consent": [True]})
    write_handover(tiny(), tmp_path / "h", interactions=LOG, consent=agreed)

    assert pd.read_csv(tmp_path / "h" / "members.csv")["say"].tolist() == ["'=Sorry"]
    assert pd.read_csv(tmp_path / "h" / "rules.csv")["label"].tolist()[3] == "'=Sorry"


def test_faults_of_the_rules_come_together_with_lines(tiny):
    wrong = NURTURE.replace("at: [page]", "at: [pgae]").replace("stages: [keen", "stages: [kene")
    wrong = wrong.replace("pains: [late]", "pains: [lat]").replace("channel: web", "channel: wbe")
    wrong = wrong.replace("id: wake", "id: sorry") + "  score: {rule: points}\n  consent: agreed\n"
    with pytest.raises(StudyError) as found:
        tiny(extra=wrong)
    told = [str(f) for f in found.value.faults]

    assert len(told) == 7
    assert sum("Did you mean" in t for t in told) == 4
    assert any(t.startswith("study.yaml:25: unknown touchpoint 'pgae'") for t in told)
    assert any("id 'sorry' again in nurture.follow_ups" in t for t in told)
    with pytest.raises(StudyError, match="ruel"):
        tiny(extra=NURTURE + "  score: {ruel: points}\n")


def market(rng, *, people=2500, days=240):
    """Leads who look at random days; the chance to pay after a look grows with looks so far."""
    rows = []
    for i in range(people):
        eager = rng.random() < 0.3
        for day in np.sort(rng.choice(days, rng.poisson(6 if eager else 2) + 1)):
            at = "pay" if rng.random() < (0.12 if eager else 0.01) else "page"
            rows.append((f"C{i}", pd.Timestamp("2024-01-01") + pd.Timedelta(days=int(day)), at))
    return contacts(*rows)


def test_the_chance_is_checked_on_a_horizon_it_had_not_seen(tiny):
    log, study = market(np.random.default_rng(8)), tiny()
    found = score_leads(study, log)
    end = log.table["time"].max().normalize()
    moment = end - pd.Timedelta(days=29)  # the first day after the later cut
    now = find_lead_stages(study, log, until=moment).set_index("customer_id")
    later = find_lead_stages(study, log).set_index("customer_id")["place"].reindex(now.index)
    seen = now["last_contact"] >= moment - pd.Timedelta(days=90)
    lead = seen & (now["place"] < 2)
    checks = found.checks.set_index(["model", "baseline", "measure"])

    assert checks["n"].iloc[0] == lead.sum()
    went = (later > now["place"])[lead].mean()
    weighted = np.average(found.calibration["estimate"], weights=found.calibration["n"])
    assert weighted == pytest.approx(went)
    assert (
        abs(np.average(found.calibration["predicted"], weights=found.calibration["n"]) - went)
        < 0.03
    )
    assert found.rule.startswith("next stage")
    assert found.table["score"].dropna().between(0, 1).all()
    assert found.table.loc[found.table["stage"] == "client", "score"].isna().all()
    assert "went on" in found.summary()
    assert len(found.plot().lines) >= 2


def test_points_by_hand_and_their_check(tiny):
    scoring = LeadScoring("points", points=(Points(("page", "cart"), 5, 8), Points(("moan",), -3)))
    study = replace(tiny(), nurture=replace(tiny().nurture, scoring=scoring))
    found = score_leads(study, LOG)

    assert found.table.set_index("customer_id")["score"].dropna().to_dict() == {
        "odd": -3.0, "once": 5.0, "twice": 8.0
    }  # fmt: skip
    assert (found.rule, len(found.checks)) == ("points", 0)
    assert "cannot be checked" in found.why
    log = market(np.random.default_rng(8))
    checked = score_leads(study, log)
    # Points for looks are a bad rule here, and the check says so: one look makes a visitor, whom
    # a second one takes further; many make a client-to-be, of whom few buy.
    assert checked.checks["high"].iloc[0] < 0.5
    window = log.table[log.table["time"] >= "2024-05-01"]
    points = count_points(study, window, start=pd.Timestamp("2024-05-01"),
                          end=pd.Timestamp("2024-06-01"))  # fmt: skip
    looks = window[window["time"] < "2024-06-01"].query("touchpoint == 'page'")
    assert points.max() == 8
    assert points.sum() == (looks.groupby("customer_id").size() * 5).clip(upper=8).sum()
    assert measure_auc(np.array([1.0, 2]), np.array([0.0, 1])) == 1
