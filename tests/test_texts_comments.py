"""Comments of a whole study: from survey and log to codes, valence and the lanes of a map."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cjlib.texts import find_words


def test_words_match_beginnings_of_words_in_both_scripts():
    texts = pd.Series(["Late again", "translated", "not  late", "كتاب‌ها دير رسيد", "می خواهم", ""])

    assert find_words(texts, "late").tolist() == [True, False, True, False, False, False]
    assert find_words(texts, "not late|دیر").tolist() == [False, False, True, True, False, False]
    assert find_words(texts, "می‌خواه").tolist() == [False, False, False, False, True, False]
    assert not find_words(texts, " | ").any()


STUDY = """
study: 1
id: tiny
title: {en: Tiny}
brand: {en: Shop}
language: en
privacy: {key: public, minimum_cell: 2, minimum_base: 4}
stages:
  - {id: purchase, label: {en: Purchase}}
  - {id: delivery, label: {en: Delivery}}
channels:
  - {id: web, label: {en: Web}, two_way: true, one_to_one: true}
touchpoints:
  - {id: order, stage: purchase, channel: web, with: brand, label: {en: Order}}
  - {id: review, stage: purchase, channel: web, with: brand, label: {en: Review}}
survey:
  waves: [{id: w1, date: 2025-01-01, files: [s.csv]}]
  cleaning: {duplicates: false}
events:
  sources:
    - path: e.csv
      columns: {customer_id: who, time: at, touchpoint: what, rating: stars, text: words}
  rating_scale: [1, 5]
comments: {quote: true, codes: comment_codes.csv}
"""
CODEBOOK = """name,source,question_en,kind,labels,role,group,stage
customer_id,customer,,customer,,,,
why,why,Why?,text,,comment,,delivery
problem_1,p1,Problems,codes,1=Box broken|2=Nothing wrong,comment,problem,delivery
"""
SURVEY = """customer,why,p1
c1,It came late and the courier was rude to me,1
c2,,1
c3,Arrived LATE once more,2
c4,I don't know,
c5,<b>lately</b> slow <script>alert(1)</script>,1
"""
EVENTS = """who,at,what,stars,words
c1,2025-01-02 10:00,order,,
c1,2025-01-03 10:00,review,1,Late and rude.  Call me: a@b.ir
c6,2025-01-03 11:00,review,5,lovely shop and a lovely box
c7,2025-01-03 12:00,review,3,lovely box
c7,2025-01-04 12:00,review,,
"""
CODES = """code,label_en,lane,stage,words
late,Came late,pain,delivery,late|slow
rude,Rude staff,,,rude
lovely,Lovely,,purchase,lovely
problem_1,,pain,,
"""


@pytest.fixture
def tiny(tmp_path):
    from cjlib.study import load_study

    def make(*, codes=CODES, study=STUDY):
        files = {"study.yaml": study, "codebook.csv": CODEBOOK, "s.csv": SURVEY,
                 "e.csv": EVENTS, "comment_codes.csv": codes}  # fmt: skip
        for name, text in files.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        return load_study(tmp_path)

    return make


def gather(study):
    from cjlib.events import read_interactions
    from cjlib.survey import clean_answers
    from cjlib.texts import gather_comments

    survey, log = clean_answers(study), read_interactions(study)
    rng = np.random.default_rng(1)
    return gather_comments(study, survey=survey, interactions=log, rng=rng), survey, log


def test_survey_and_log_meet_and_are_coded_by_hand(tiny):
    study = tiny()

    found, survey, _ = gather(study)

    spoken, codings = found.utterances, found.codings
    people = spoken.groupby("interview_id").size()
    one = study.pseudonyms(pd.Series(["c1"]), "C").iloc[0]
    assert people[one] == 3  # an answer, a code without words, a review: one person
    assert "I don't know" not in set(spoken["text"])  # no answer is none
    assert spoken["text"].str.contains("a@b.ir").sum() == 0
    stars = spoken[spoken["question"] == "review"].set_index("text")["valence"]
    assert stars["lovely shop and a lovely box"] == 1
    assert stars["lovely box"] == 0  # 3 of 1 to 5
    assert stars["Late and rude. Call me: [e-mail]"] == -1
    by = codings.groupby("code")["interview_id"].nunique().to_dict()
    assert by == {"late": 3, "rude": 1, "lovely": 2, "problem_1": 3, "problem_2": 1}
    assert codings.loc[codings["code"] == "rude", "stage"].tolist() == ["delivery", "purchase"]
    assert set(codings.loc[codings["code"] == "late", "stage"]) == {"delivery"}
    assert found.label("problem_1") == "Box broken"
    empty = spoken[spoken["text"].eq("")]
    assert len(empty) == 4
    assert not empty["consent"].any()  # words that are not there cannot be quoted
    assert spoken["respondent_id"].dropna().isin(survey.respondents["respondent_id"]).all()


def test_map_lanes_tell_who_wrote_with_interval_and_hide_the_few(tiny):
    from cjlib.maps import build_map, check_map, render_html

    study = tiny()
    found, survey, log = gather(study)

    made = build_map(study, survey=survey, interactions=log, comments=found)

    assert not [f for f in check_map(made) if f.severity == "fault"]
    rows = {(f["kind"], f["text"].get("en") if isinstance(f["text"], dict) else f["text"]): f
            for f in made["findings"] if "frequency" in f}  # fmt: skip
    late = rows["pain", "Came late"]
    assert (late["frequency"]["value"], late["frequency"]["n"]) == (3, 6)
    assert late["value"]["value"] == pytest.approx(3 / 6)
    assert late["value"]["ci"]["lo"] == pytest.approx(0.188, abs=0.001)  # Wilson, 3 of 6
    assert late["level"] == "partial"  # three people are fewer than the base of four
    assert ("pain", "Rude staff") not in rows  # one person: fewer than minimum_cell
    assert rows["strength", "Lovely"]["frequency"]["value"] == 2  # no lane: by valence
    tone = {e["at"]: e["value"] for e in made["emotions"]}["delivery"]
    assert (tone["value"], tone["why"]) == (None, "suppressed")  # one person alone
    page = render_html(made)
    assert "<script>alert" not in page
    assert "50%" in page
    assert any(e["type"] == "review" for e in made["evidence"])


def test_no_quote_without_leave_and_faults_are_listed(tiny):
    from cjlib.errors import StudyError
    from cjlib.maps import build_map

    closed = tiny(study=STUDY.replace("quote: true", "quote: false"))
    found, survey, log = gather(closed)
    made = build_map(closed, survey=survey, interactions=log, comments=found)
    assert not [e for e in made["evidence"] if e["type"] == "quote"]
    assert any(f["text"] == {"en": "Came late"} for f in made["findings"])

    with pytest.raises(StudyError, match="unknown stage 'delivry'"):
        gather(tiny(codes=CODES.replace("pain,delivery,late", "pain,delivry,late")))


def test_valence_is_learned_from_labels_only_where_they_teach(tiny, tmp_path):
    names = [a + b for a in "abcdefghij" for b in "klmnop"]
    good = [f"fine thing {name}" for name in names]
    bad = [f"late and rude {name}" for name in names]
    rows = [("text", "label"), *((t, "positive") for t in good), *((t, "negative") for t in bad)]
    (tmp_path / "labels.csv").write_text("\n".join(",".join(r) for r in rows), encoding="utf-8")
    study = tiny(
        study=STUDY.replace("comment_codes.csv}", "comment_codes.csv, labels: labels.csv}")
    )

    found, _, _ = gather(study)

    spoken = found.utterances.set_index("text")
    assert spoken.loc["Arrived LATE once more", "valence"] == -1
    coin = np.random.default_rng(5).permutation(["positive", "negative"] * 60)
    rows = [("text", "label"), *((t, c) for t, c in zip([*good, *bad], coin, strict=True))]
    (tmp_path / "labels.csv").write_text("\n".join(",".join(r) for r in rows), encoding="utf-8")
    found, _, _ = gather(study)
    assert np.isnan(found.utterances.set_index("text").loc["Arrived LATE once more", "valence"])


@pytest.mark.real
def test_sfo_coded_answers_fill_the_lanes_of_the_map(shared_data, root):
    from cjlib.maps import build_map, check_map
    from cjlib.study import load_study
    from cjlib.survey import clean_answers
    from cjlib.texts import gather_comments

    raw = shared_data / "sfo_airport_survey"
    study = load_study(root / "data" / "sfo_airport", raw=raw)
    survey = clean_answers(study)
    found = gather_comments(study, survey=survey, rng=np.random.default_rng(1))
    made = build_map(study, survey=survey, comments=found, wave="2017")

    assert not [f for f in check_map(made) if f.severity == "fault"]
    file = pd.read_csv(raw / "raw" / "2017_SFO_Customer_Survey.csv", dtype="string")
    marks = file[[f"Q8COM{i}" for i in range(1, 6)]].apply(lambda c: c.str.strip())
    asked = [*(f"Q8COM{i}" for i in range(1, 6)), *(f"Q9COM{i}" for i in range(1, 4)),
             *(f"Q10COM{i}" for i in range(1, 4)), *(f"Q12COM{i}" for i in range(1, 4)),
             *(f"Q15COM{i}" for i in range(1, 4))]  # fmt: skip
    row = next(f for f in made["findings"] if "101-" in f["id"] or "improve_101" in f["id"])
    assert row["frequency"]["value"] == (marks == "101").any(axis=1).sum()  # food too expensive
    # everybody with a code; a 0 is a code of the problems, a blank of the others
    codes = file[asked].apply(lambda c: c.str.strip())
    zero = codes.eq("0") & ~codes.columns.str.startswith("Q15")
    wrote = (codes.notna() & codes.ne("") & ~zero).any(axis=1).sum()
    assert abs(row["frequency"]["n"] - wrote) <= 2  # two codes are in no dictionary
    assert {f["at"] for f in made["findings"] if "frequency" in f} == set(study.stage_ids)
    assert not [e for e in made["evidence"] if e["type"] == "quote"]


@pytest.mark.real
def test_olist_reviews_meet_their_orders_and_fill_the_lanes(shared_data, root):
    from cjlib.events import read_interactions
    from cjlib.maps import build_map, check_map
    from cjlib.study import load_study
    from cjlib.texts import gather_comments

    study = load_study(root / "data" / "olist", raw=shared_data / "olist")
    log = read_interactions(study)
    found = gather_comments(study, interactions=log, rng=np.random.default_rng(1))
    made = build_map(study, interactions=log, comments=found)

    raw = pd.read_csv(shared_data / "olist" / "olist_order_reviews_dataset.csv.gz", dtype="string")
    texts = raw["review_comment_message"].dropna()
    spoken = found.utterances
    assert 0.97 * len(texts) < len(spoken) <= len(texts)  # "nada", dashes and spaces are none
    assert spoken["customer_id"].isin(log.table["customer_id"]).all()  # linked to their events
    said = texts.str.casefold().str.contains(r"\bnão recebi|\bnao recebi").sum()
    rows = {f["id"]: f for f in made["findings"] if "frequency" in f}
    missing = next(f for key, f in rows.items() if "not_received" in key)
    assert missing["kind"] == "pain"
    assert missing["at"] == "delivery"
    assert missing["frequency"]["value"] >= said * 0.95
    assert next(f for key, f in rows.items() if "early" in key)["kind"] == "strength"
    stars = spoken["valence"].groupby(found.codings.query("code == 'not_received'")
        .drop_duplicates(["interview_id", "turn"]).set_index(["interview_id", "turn"])
        .reindex(pd.MultiIndex.from_frame(spoken[["interview_id", "turn"]]))["code"].notna()
        .to_numpy()).mean()  # fmt: skip
    assert stars[True] < -0.5 < 0.2 < stars[False]  # who did not receive it gave few stars
    assert not [f for f in check_map(made) if f.severity == "fault"]
    assert any(e["type"] == "quote" for e in made["evidence"])
    tone = {e["at"]: e["value"] for e in made["emotions"]}
    at = found.codings.query("stage == 'dispatch'").groupby("interview_id")["valence"].mean()
    assert tone["dispatch"]["value"] == pytest.approx(2 * at.mean())  # no rating is of this stage
    assert tone["review"]["value"] > 1  # the stars themselves, not the tone


CFPB = """
study: 1
id: cfpb
title: {en: Complaints}
brand: {en: Banks}
language: en
privacy: {key: public}
stages: [{id: complain, label: {en: Complain}}, {id: credit_report, label: {en: Credit report}}]
channels:
  - {id: bureau, label: {en: Bureau}, two_way: true, one_to_one: true}
touchpoints:
  - {id: web, stage: complain, channel: bureau, with: brand, label: {en: Web}, names: [Web]}
events:
  sources:
    - path: cfpb_sample_1000.csv
      columns: {customer_id: Complaint ID, time: Date received, touchpoint: Submitted via,
                text: Consumer complaint narrative}
comments: {quote: true, codes: codes.csv}
"""


@pytest.mark.real
def test_cfpb_narratives_go_through_the_same_door(shared_data, tmp_path):
    from cjlib.events import read_interactions
    from cjlib.maps import build_map
    from cjlib.study import load_study
    from cjlib.texts import gather_comments

    (tmp_path / "study.yaml").write_text(CFPB, encoding="utf-8")
    codes = "code,label_en,lane,stage,words\nnot_mine,Not mine,pain,credit_report,identity theft\n"
    (tmp_path / "codes.csv").write_text(codes, encoding="utf-8")
    study = load_study(tmp_path, raw=shared_data / "cfpb_complaints")
    log = read_interactions(study)
    found = gather_comments(study, interactions=log, rng=np.random.default_rng(1))
    made = build_map(study, interactions=log, comments=found)

    raw = pd.read_csv(shared_data / "cfpb_complaints" / "cfpb_sample_1000.csv", dtype="string")
    texts = raw["Consumer complaint narrative"].dropna()
    assert len(found.utterances) == len(texts) == 272
    said = texts.str.casefold().str.replace(r"\s+", " ", regex=True).str.contains("identity theft")
    row = next(f for f in made["findings"] if "frequency" in f)
    assert (row["at"], row["frequency"]["value"]) == ("credit_report", said.sum())
    assert row["value"]["value"] == pytest.approx(said.sum() / 272)
    assert "xxxx" not in str(row).casefold()
