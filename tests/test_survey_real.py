"""Real surveys: figures stated with the data, peers' numbers, exports as they came."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cjlib.study import load_study
from cjlib.survey import (
    clean_answers,
    compare_cleaning,
    count_codes,
    read_answers,
    replay_ledger,
)
from cjlib.survey.typed import RESERVED

STUDY = """
study: 1
id: trial
title: Trial
brand: Trial
language: en
privacy: {{key: public}}
stages: [{{id: buy, label: Buy}}, {{id: use, label: Use}}]
survey:
  waves: [{{id: w, files: ["{file}"]}}]
  cleaning: {{duplicates: false{rules}}}
"""


@pytest.fixture
def study_of(tmp_path, shared_data):
    """Make a study around one real file."""

    def make(folder: str, file: str, codebook: str, rules: str = ""):
        text = STUDY.format(file=file, rules=rules)
        (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
        (tmp_path / "codebook.csv").write_text(codebook, encoding="utf-8")
        return load_study(tmp_path, raw=shared_data / folder)

    return make


def test_the_shipped_survey_loses_nothing(sepidar):
    study = load_study(sepidar)
    raw = read_answers(study)
    survey = clean_answers(study, raw=raw)

    assert raw.absent.empty
    assert survey.raw_rows == len(survey.respondents) + survey.quality["removed"].sum()
    assert survey.respondents["respondent_id"].is_unique
    replayed = replay_ledger(raw, survey.ledger, codebook=study.codebook).reset_index(drop=True)
    answers = [c for c in replayed.columns if c not in RESERVED.values()]
    pd.testing.assert_frame_equal(replayed[answers], survey.respondents[answers])
    assert len(survey.unfit) < 0.001 * len(survey.ledger)
    assert compare_cleaning(survey).table["estimate"].notna().all()


@pytest.mark.real
def test_sfo_2017_figures(study_of):
    """Figures in the data's SOURCE.md: NPS 39.84 (weighted 40.40) on 2,746; Q7ALL 4.064."""
    survey = clean_answers(
        study_of(
            "sfo_airport_survey/raw",
            "2017_SFO_Customer_Survey.csv",
            "name,source,kind,low,high,missing,labels,metric,group\n"
            "number,RESPNUM,id,,,,,,\n"
            "recommend,NETPRO,scale,0,10,11,,nps,\n"
            "overall,Q7ALL,scale,1,5,0|6,6=Never used,csat,\n"
            "w,WEIGHT,weight,,,,,,\n"
            "theme1,Q8COM1,codes,,,0,,,theme\n"
            "theme2,Q8COM2,codes,,,0,,,theme\n",
        )
    )
    rows = survey.respondents
    told = compare_cleaning(survey).table.set_index(["metric", "cleaning"])

    score = rows["recommend"].dropna()
    assert len(score) == 2746
    net = (score >= 9).astype(float) - (score <= 6)
    assert 100 * net.mean() == pytest.approx(39.84, abs=0.005)
    assert told.loc[("recommend", "chosen"), "estimate"] == pytest.approx(40.40, abs=0.005)
    assert rows["overall"].mean() == pytest.approx(4.064, abs=0.0005)
    assert np.average(
        rows["overall"].dropna(), weights=rows["weight"][rows["overall"].notna()]
    ) == pytest.approx(4.071, abs=0.0005)
    assert (rows["recommend"] == 0).any()
    assert survey.unfit.empty
    themes = count_codes(survey, "theme")
    raw = rows[["theme1", "theme2"]]
    top = themes.table.iloc[0]
    assert top["count"] == raw.eq(top["code"]).fillna(False).any(axis=1).sum()
    assert top["n"] == raw.notna().any(axis=1).sum()


@pytest.mark.real
def test_careless_respondents_as_measured_by_peers(study_of):
    """R careless: longstring max 50, mean 5.87; IRV mean 1.0053; D2 median 45.39, 23 flagged."""
    names = [f"scale{scale}{item}" for scale in "ABCDEFGHIJ" for item in range(1, 6)]
    codebook = "name,kind,low,high\n" + "".join(f"{name},scale,1,5\n" for name in names)
    study = study_of(
        "careless_simulated", "careless_dataset.csv", codebook, ", longstring_share: 0.5"
    )
    quality = clean_answers(study).quality

    assert quality["longstring"].max() == 50
    assert quality["longstring"].mean() == pytest.approx(5.87, abs=0.005)
    assert quality["irv"].mean() == pytest.approx(1.0053, abs=0.00005)
    assert quality["mahalanobis_d2"].median() == pytest.approx(45.39, abs=0.005)
    assert (quality["mahalanobis_p"] < 0.01).sum() == 23
    assert (quality["mahalanobis_p"] < 0.001).sum() == 18
    assert quality["removed"].equals(quality["longstring"] >= 25)


@pytest.mark.real
def test_a_qualtrics_export_with_consent_and_check(study_of):
    codebook = (
        "name,source,kind,low,high,check,missing\n"
        "person,ResponseId,id,,,,\n"
        "worker,PROLIFIC_PID,customer,,,,\n"
        "filled,RecordedDate,date,,,,\n"
        "took,Duration (in seconds),duration,,,,\n"
        "tongue,UserLanguage,language,,,,\n"
        "attentive,Attention,check,,,I pay attention,\n"
        "competence,How incompetent or competent are most climate scientists?,scale,1,7,,\n"
        "impressive,Impressiveness,scale,1,7,,\n"
        "group,condition,nominal,,,,\n"
    )
    study = study_of(
        "qualtrics_prolific_climate", "qualtrics_export.csv", codebook, ", failed_checks: 1"
    )
    raw = read_answers(study)
    survey = clean_answers(study, raw=raw)

    assert raw.files.loc[0, ["header_rows", "rows"]].tolist() == [3, 454 - 2]
    assert raw.absent.empty
    assert survey.respondents["date"].notna().all()
    assert survey.respondents["duration_s"].gt(0).all()
    assert set(survey.respondents["language"]) == {"en"}
    assert survey.respondents["customer_id"].str.fullmatch("C[0-9a-f]{16}").all()
    failed = raw.table["attentive"].str.casefold().str.replace(r"[^a-z]", "", regex=True)
    wrong = failed.ne("ipayattention") & failed.ne("")
    assert survey.quality["failed_checks"].eq(1).tolist() == wrong.tolist()
    assert len(survey.respondents) == len(raw.table) - wrong.sum()


@pytest.mark.real
def test_a_small_qualtrics_export_with_breaks_in_its_headers(study_of):
    codebook = "name,source,kind\nperson,ResponseId,id\nstarted,StartDate,date\n"
    raw = read_answers(study_of("qualtrics_ux_cupcake", "qualtrics_export.csv", codebook))

    assert raw.files.loc[0, ["header_rows", "rows"]].tolist() == [3, 31 - 2]
    assert raw.table["person"].is_unique


@pytest.mark.real
def test_a_google_form_with_options_in_one_cell(study_of):
    codebook = (
        "name,source,kind,low,high,labels,scale\n"
        "when,Timestamp,date,,,,\n"
        "visits,5. How often do you visit Starbucks?,nominal,,,,\n"
        "quality,12. How would you rate the quality of Starbucks compared to other brands "
        "(Coffee Bean; Old Town White Coffee..) to be:,scale,1,5,,\n"
        "price,13. How would you rate the price range at Starbucks?,scale,1,5,,\n"
        "heard,19. How do you come to hear of promotions at Starbucks? Check all that apply."
        ",multi,,,,\n"
        "stay,20. Will you continue buying at Starbucks?,scale,0,1,,yesno\n"
    )
    study = study_of("starbucks_google_forms", "Starbucks satisfactory survey.csv", codebook)
    raw = read_answers(study)
    survey = clean_answers(study, raw=raw)

    assert raw.absent["item"].tolist() == ["quality"]
    assert len(survey.respondents) == 122
    assert survey.respondents["date"].min() == pd.Timestamp("2019-10-01")
    assert survey.respondents["price"].notna().all()
    said_yes = raw.table["stay"].eq("Yes").sum()
    assert survey.respondents["stay"].sum() == said_yes
    social = raw.table["heard"].str.split(";").map(lambda parts: "Social Media" in parts)
    assert survey.respondents["heard_Social Media"].sum() == social.sum()
