"""Real exports from raw file to clean table: codebook drafted, corrected by hand, figures checked.

Each figure is computed a second time from the raw file with csv or pandas alone. Where an
expectation stands as a number, it is the publisher's (named beside it) or the file's own.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cjlib.errors import StudyError
from cjlib.metrics import measure_csat, measure_nps
from cjlib.study import Study, load_study
from cjlib.survey import Survey, clean_answers, replay_ledger
from cjlib.survey.answers import RawAnswers, read_answers
from cjlib.survey.drafting import draft_codebook

pytestmark = pytest.mark.real


@dataclass(frozen=True)
class Real:
    """A real export, and what a human corrects in the draft of its codebook."""

    file: str
    rows: int  # records with anything in them
    unfit: float = 0.0  # share of all cells read that fit no rule, at most
    corrections: dict[str, dict[str, str]] = field(default_factory=dict)  # by raw header
    cleaning: dict[str, object] = field(default_factory=lambda: {"duplicates": False})
    blank: int = 0


def text_of(file: Path) -> str:
    return file.read_bytes().decode("utf-8-sig", errors="replace")


def raw_frame(file: Path, **options) -> pd.DataFrame:
    return pd.read_csv(file, dtype=str, keep_default_na=False, encoding_errors="replace", **options)


def write_study(folder: Path, raw: Path, real: Real) -> Study:
    """Draft the codebook, correct it, and load the study that stands on it."""
    table = draft_codebook(raw / real.file).table
    for header, fields in real.corrections.items():
        found = table.index[table["source"].str.startswith(header)]
        assert len(found) == 1, f"{header!r} names {len(found)} columns of the draft"
        table.loc[found[0], list(fields)] = list(fields.values())
    table.to_csv(folder / "codebook.csv", index=False)
    definition = {
        "study": 1, "id": "real", "title": "A real survey", "brand": "The brand",
        "language": "en", "privacy": {"key": "public"},
        "stages": [{"id": "before", "label": "Before"}, {"id": "use", "label": "Use"}],
        "survey": {"waves": [{"id": "w1", "files": [real.file]}], "cleaning": real.cleaning},
    }  # fmt: skip
    (folder / "study.yaml").write_text(json.dumps(definition), encoding="utf-8")  # JSON is YAML
    return load_study(folder, raw=raw)


RUDE = "Is itrude to recline your seat on a plane?"
REALS = {
    "cupcake": Real("qualtrics_ux_cupcake/qualtrics_export.csv", 29),
    "climate": Real(
        "qualtrics_prolific_climate/qualtrics_export.csv", 452,
        cleaning={"duplicates": False, "failed_checks": 1},
    ),
    "flying": Real("fivethirtyeight_surveys/flying-etiquette-survey__flying-etiquette.csv", 1040),
    "masculinity": Real(
        "fivethirtyeight_surveys/masculinity-survey__raw-responses.csv", 1615
    ),
    "sleeping": Real(
        "fivethirtyeight_surveys/sleeping-alone-data__sleeping-alone-data.csv", 1093
    ),
    "religion": Real(
        "fivethirtyeight_surveys/religion-survey__religion-survey-results.csv", 1039
    ),
    "comma": Real("fivethirtyeight_surveys/comma-survey__comma-survey.csv", 1129),
    "starbucks": Real(
        "starbucks_google_forms/Starbucks satisfactory survey.csv", 122,
        corrections={"19. How do you come to hear": {"missing": "NA"}},
    ),
    "young": Real("young_people_survey/responses.csv", 1010),
    "sasr": Real("likert_sasr/sasr.csv", 725, blank=135),
    "bank": Real(
        "bank_satisfaction_es/satisfaction.csv", 250,
        corrections={"loy3": {"metric": "nps", "role": "outcome"}},
    ),
    "mobi": Real("ecsi_mobi/mobi.csv", 250),
    "airline": Real("airline_satisfaction/airline_passenger_satisfaction.csv.gz", 129_880),
    "bfi": Real(
        "bfi/bfi.csv", 2800,
        corrections={
            item: {"reverse": "yes"} for item in ("A1", "C4", "C5", "E1", "E2", "O2", "O5")
        },
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def raws() -> dict[str, RawAnswers]:
    """What stood in the file of each study of ``surveys``."""
    return {}


@pytest.fixture(scope="module")
def surveys(shared_data, tmp_path_factory, raws):
    """Each study, cleaned once."""
    done: dict[str, Survey] = {}

    def get(name: str) -> Survey:
        if name not in done:
            study = write_study(tmp_path_factory.mktemp(name), shared_data, REALS[name])
            raws[name] = read_answers(study)
            done[name] = clean_answers(study, raw=raws[name])
        return done[name]

    return get


def column_of(survey: Survey, header: str) -> pd.Series:
    """Return the clean column that was drafted for a raw header (or its beginning)."""
    items = [i for i in survey.study.codebook.items if i.source[:1] and header == i.source[0]]
    items = items or [
        i for i in survey.study.codebook.items if i.source[:1] and i.source[0].startswith(header)
    ]
    assert len(items) == 1, f"{header!r} names {len(items)} items"
    return survey.everyone[items[0].name]


@pytest.mark.parametrize("name", list(REALS))
def test_every_row_is_read_and_nearly_every_cell_fits(name, surveys, raws):
    real, survey = REALS[name], surveys(name)
    asked = [i for i in survey.study.codebook.items if i.kind not in ("personal", "ignore")]
    raw = raws[name]

    assert survey.raw_rows == real.rows
    assert int(raw.files["blank_rows"].sum()) == real.blank
    assert raw.unknown["header"].eq("").all()  # the draft names every column that has a name
    assert raw.absent.empty
    removed = survey.ledger["action"].eq("removed").sum()
    assert survey.raw_rows == len(survey.respondents) + removed == len(survey.everyone)
    assert int(survey.unfit["rows"].sum()) <= real.unfit * real.rows * len(asked)


@pytest.mark.parametrize("name", ["cupcake", "flying", "starbucks", "bfi"])
def test_the_ledger_replays(name, surveys, raws):
    survey = surveys(name)
    again = replay_ledger(raws[name], survey.ledger, codebook=survey.study.codebook)

    ours = survey.respondents[again.columns].reset_index(drop=True)
    pd.testing.assert_frame_equal(again.reset_index(drop=True), ours)


# Qualtrics


def test_cupcake_ratings_are_those_of_the_authors_own_cleaning(surveys, shared_data):
    survey = surveys("cupcake")
    folder = shared_data / "qualtrics_ux_cupcake"
    theirs = raw_frame(folder / "author_cleaned.csv").drop_duplicates("ResponseId")
    pairs = {
        "feature_usefullness_1": "sidebar_rating",
        "feature_usefullness_2": "categorization_rating",
        "feature_usefullness_3": "category_sidebar_rating",
    }
    ids = survey.study.pseudonyms("w1/" + theirs["ResponseId"], "R")
    assert len(theirs) == 24
    ours = survey.everyone.set_index("respondent_id")
    for header, rating in pairs.items():
        name = column_of(survey, header).name
        assert ours.loc[ids, name].tolist() == theirs[rating].astype(float).tolist()
        assert ours[name].notna().sum() == 24  # the five the author left out have no rating


def test_climate_attention_and_impression(surveys, shared_data):
    survey = surveys("climate")
    raw = list(csv.reader(io.StringIO(text_of(shared_data / REALS["climate"].file))))
    header, rows = raw[0], raw[3:]
    heeded = [r[header.index("Attention")].casefold() for r in rows]
    letters = ["".join(c for c in answer if c.isalpha()) for answer in heeded]
    impressed = [float(r[header.index("Impressiveness")][0]) for r in rows]
    competent = [float(r[header.index("Competence_1")]) for r in rows]
    failed = survey.quality["failed_checks"].gt(0)

    assert failed.sum() == sum(words != "ipayattention" for words in letters) == 3
    assert len(survey.respondents) == 452 - failed.sum()
    assert column_of(survey, "Impressiveness").mean() == pytest.approx(np.mean(impressed))
    assert column_of(survey, "Competence_1").mean() == pytest.approx(np.mean(competent))
    assert survey.everyone["date"].dt.year.eq(2025).all()


# SurveyMonkey, as FiveThirtyEight published it


def test_flying_41_percent_call_reclining_rude(surveys, shared_data):
    # "41 Percent of Fliers Say It's Rude To Recline Your Airplane Seat": somewhat or very rude,
    # of everybody who answered that question, unweighted: 352 of 854
    survey = surveys("flying")
    raw = raw_frame(shared_data / REALS["flying"].file)
    answered = raw.loc[raw[RUDE].ne(""), RUDE]
    ours = column_of(survey, RUDE).dropna()

    assert (len(ours), int((ours >= 2).sum())) == (854, 352)
    assert round(100 * (ours >= 2).mean(), 1) == 41.2
    assert (ours >= 2).mean() == answered.str.startswith("Yes").mean()


def test_masculinity_topline_under_its_weights(surveys, shared_data):
    # masculinity-survey.csv prints 37, 46, 11, 5 and 1 %: very, somewhat, not very, not at
    # all, no answer; the share of all weights
    survey = surveys("masculinity")
    answers, weight = column_of(survey, "q0001"), survey.everyone["weight"]
    known = answers.fillna(0)
    shares = [float(weight[known.eq(k)].sum() / weight.sum()) for k in (4, 3, 2, 1, 0)]
    raw = raw_frame(shared_data / REALS["masculinity"].file)
    w = raw["weight"].astype(float)
    theirs = w.groupby(raw["q0001"]).sum() / w.sum()

    assert [round(100 * s, 1) for s in shares] == [37.2, 46.5, 11.0, 4.7, 0.6]
    assert shares[0] == pytest.approx(theirs["Very masculine"])
    assert shares[4] == pytest.approx(theirs["No answer"])
    father = column_of(survey, "q0004_0001")
    assert int(father.sum()) == int(raw["q0004_0001"].ne("Not selected").sum())


def test_sleeping_options_are_ticks(surveys, shared_data):
    survey = surveys("sleeping")
    raw = list(csv.reader(io.StringIO((shared_data / REALS["sleeping"].file).read_text("latin-1"))))
    place = raw[1].index("One of us snores")
    snores = sum(bool(row[place]) for row in raw[2:])
    separate = (
        "When both you and your partner are at home, how often do you sleep in separate beds?"
    )
    never = sum(row[raw[0].index(separate)] == "Never" for row in raw[2:])
    ours = [c for c in survey.everyone.columns if c.endswith("one_of_us_snores")]

    assert len(ours) == 1
    assert int(survey.everyone[ours[0]].sum()) == snores > 100
    assert int(column_of(survey, separate).eq("never").sum()) == never


def test_religion_and_comma_counts(surveys, shared_data):
    raw = list(csv.reader(io.StringIO(text_of(shared_data / REALS["religion"].file))))
    evangelical = raw[0].index("Do you consider yourself to be an evangelical?")
    found = column_of(surveys("religion"), "Do you consider yourself to be an evangelical?")
    comma = raw_frame(shared_data / REALS["comma"].file)
    care = next(c for c in comma if c.startswith("In your opinion, how important"))
    ours = column_of(surveys("comma"), care)
    places = {
        "Very unimportant": 1, "Somewhat unimportant": 2,
        "Neither important nor unimportant (neutral)": 3, "Somewhat important": 4,
        "Very important": 5,
    }  # fmt: skip

    assert int(found.eq("yes").sum()) == sum(r[evangelical] == "Yes" for r in raw[2:])
    assert ours.mean() == pytest.approx(comma[care].map(places).mean())


# Google Forms


def test_starbucks_ratings_are_those_of_the_authors_own_cleaning(surveys, shared_data):
    survey = surveys("starbucks")
    theirs = raw_frame(
        shared_data / "starbucks_google_forms" / "Starbucks satisfactory survey encode cleaned.csv"
    )
    visits = column_of(survey, "5. How often do you visit Starbucks?")
    come = visits.ne("never")  # the author left out the nine who never come
    pairs = {
        "12. How would you rate the quality": "productRate",
        "13. How would you rate the price range": "priceRate",
        "14. How important are sales": "promoRate",
        "15. How would you rate the ambiance": "ambianceRate",
        "16. You rate the WiFi": "wifiRate",
        "17. How would you rate the service": "serviceRate",
        "18. How likely you will choose": "chooseRate",
    }

    assert int(come.sum()) == len(theirs) == 113
    for header, rating in pairs.items():
        ours = column_of(survey, header)[come].value_counts().sort_index()
        assert ours.tolist() == theirs[rating].value_counts().sort_index().tolist(), header
    assert survey.everyone["date"].min() == pd.Timestamp("2019-10-01")


def test_starbucks_options_of_one_cell_are_counted_one_by_one(surveys, shared_data):
    # the author's file says 1 for every option of everybody: it cannot be compared
    survey = surveys("starbucks")
    raw = raw_frame(shared_data / REALS["starbucks"].file)
    cells = raw.iloc[:, 10].str.split(";")
    coffee = sum("Coffee" in [part.strip() for part in cell] for cell in cells)
    social = sum("Social Media" in cell.split(";") for cell in raw.iloc[:, 19])
    ticked = [c for c in survey.everyone.columns if c.endswith("_coffee")]
    heard = [c for c in survey.everyone.columns if c.endswith("_social_media")]

    assert len(ticked) == len(heard) == 1
    assert int(survey.everyone[ticked[0]].sum()) == coffee
    assert int(survey.everyone[heard[0]].sum()) == social


# plain tables


def test_young_people_means(surveys, shared_data):
    survey = surveys("young")
    raw = raw_frame(shared_data / REALS["young"].file)
    scales = [i for i in survey.study.codebook.items if i.kind == "scale"]

    assert len(scales) >= 132
    for item in scales:
        theirs = pd.to_numeric(raw[item.source[0]], errors="coerce")
        assert survey.everyone[item.name].mean() == pytest.approx(theirs.mean()), item.name
        assert survey.everyone[item.name].isna().sum() == raw[item.source[0]].eq("").sum()
    assert column_of(survey, "Age").median() == 20


def test_sasr_words_become_numbers(surveys, shared_data):
    survey = surveys("sasr")
    raw = raw_frame(shared_data / REALS["sasr"].file)
    places = {
        "Strongly Disagree": 1, "Disagree": 2, "Neither": 3, "Agree": 4, "Strongly Agree": 5,
    }  # fmt: skip

    assert raw.eq("").all(axis=1).sum() == 135  # rows without a single answer are passed over
    for item in survey.study.codebook.items:
        theirs = raw[item.source[0]].map(places)
        assert survey.everyone[item.name].mean() == pytest.approx(theirs.mean())
        assert survey.everyone[item.name].notna().sum() == theirs.notna().sum()


def test_bank_nps(surveys, shared_data):
    raw = raw_frame(shared_data / REALS["bank"].file)["loy3"].astype(int)
    nps = 100 * ((raw >= 9).mean() - (raw <= 6).mean())
    found = measure_nps(column_of(surveys("bank"), "loy3")).table

    assert found["estimate"].iloc[0] == pytest.approx(nps)
    assert found["n"].iloc[0] == 250


def test_mobi_is_no_nps(surveys, shared_data, tmp_path):
    # Tenenhaus et al. (2005): all items run from 1 to 10, the recommendation too
    trap = Real(REALS["mobi"].file, 250, corrections={"CUSL3": {"metric": "nps"}})
    with pytest.raises(StudyError, match="low 0 and high 10"):
        write_study(tmp_path, shared_data, trap)

    raw = raw_frame(shared_data / REALS["mobi"].file).astype(int)
    satisfied = column_of(surveys("mobi"), "CUSA1")
    table = measure_csat(satisfied, low=1, high=10).table
    assert satisfied.tolist() == raw["CUSA1"].tolist()
    assert table["estimate"].iloc[0] == pytest.approx(raw["CUSA1"].mean())
    assert all(i.metric != "nps" for i in surveys("mobi").study.codebook.items)


def test_airline_zero_is_no_rating(surveys, shared_data):
    survey = surveys("airline")
    raw = pd.read_csv(shared_data / REALS["airline"].file)
    rated = [i for i in survey.study.codebook.items if i.kind == "scale"]

    assert len(rated) == 14
    for item in rated:
        theirs = raw[item.source[0]].replace(0, np.nan)
        assert survey.everyone[item.name].mean() == pytest.approx(theirs.mean())
        assert survey.everyone[item.name].notna().sum() == theirs.notna().sum()
    happy = column_of(survey, "Satisfaction").eq("satisfied")
    assert round(100 * happy.mean(), 2) == 43.45  # computed in the set's own notes
    assert column_of(survey, "Arrival Delay").isna().sum() == raw["Arrival Delay"].isna().sum()


def test_bfi_alphas_after_reversing(surveys, shared_data):
    # psych package: alpha Agree .70 Consc .73 Extra .76 Neuro .81 Open .60, pairwise
    survey = surveys("bfi")
    raw = pd.read_csv(shared_data / REALS["bfi"].file)
    expected = {"A": 0.703018, "C": 0.726735, "E": 0.761733, "N": 0.813963, "O": 0.600173}
    for letter, alpha in expected.items():
        block = pd.concat([column_of(survey, f"{letter}{k}") for k in range(1, 6)], axis=1)
        cov = block.cov().to_numpy()
        assert 5 / 4 * (1 - np.trace(cov) / cov.sum()) == pytest.approx(alpha, abs=5e-7)
    assert column_of(survey, "A1").mean() == pytest.approx(7 - raw["A1"].mean())
    assert column_of(survey, "A2").mean() == pytest.approx(raw["A2"].mean())


# seven waves into one tidy table


@pytest.fixture(scope="module")
def sfo(root, shared_data) -> Survey:
    study = load_study(root / "data" / "sfo_airport", raw=shared_data / "sfo_airport_survey")
    return clean_answers(study)


SFO_FIGURES = {  # rows of each wave; headers of the overall rating
    "2010": (3234, "Q6N"), "2011": (3872, "Q8N"), "2012": (3521, "Q8N_WHOLE"),
    "2013": (3535, "Q7O_WHOLE"), "2014": (2818, "Q7ALL"), "2015": (2958, "Q7ALL"),
    "2017": (2831, "Q7ALL"),
}  # fmt: skip


def test_sfo_seven_waves_make_one_table(sfo, shared_data):
    table = sfo.respondents
    cells = len(table) * sum(i.kind not in ("personal", "ignore") for i in sfo.study.codebook.items)

    assert sfo.raw_rows == len(table) == sum(rows for rows, _ in SFO_FIGURES.values()) == 22_769
    assert int(sfo.unfit["rows"].sum()) / cells < 0.001
    for wave, (rows, header) in SFO_FIGURES.items():
        file = shared_data / "sfo_airport_survey" / "raw" / f"{wave}_SFO_Customer_Survey.csv"
        raw = raw_frame(file)
        answers = pd.to_numeric(raw[header].str.strip(), errors="coerce")
        own = table.loc[table["wave"].eq(wave), "overall"]
        assert len(own) == len(raw) == rows
        assert own.mean() == pytest.approx(answers[answers.between(1, 5)].mean()), wave
        assert own.notna().sum() == answers.between(1, 5).sum()


def test_sfo_2017_headline(sfo, shared_data):
    own = sfo.respondents[sfo.respondents["wave"].eq("2017")]
    raw = raw_frame(shared_data / "sfo_airport_survey" / "raw" / "2017_SFO_Customer_Survey.csv")
    likely = pd.to_numeric(raw["NETPRO"].str.strip()).where(lambda x: x <= 10).dropna()
    nps = measure_nps(own["recommend"], own["weight"]).table.set_index("weighting")["estimate"]
    csat = measure_csat(own["overall"], own["weight"], low=1, high=5).table
    mean = csat[csat["metric"].eq("csat_mean")].set_index("weighting")["estimate"]

    assert nps["unweighted"] == pytest.approx(100 * ((likely >= 9).mean() - (likely <= 6).mean()))
    assert [round(nps[w], 2) for w in ("unweighted", "weighted")] == [39.84, 40.40]
    assert own["recommend"].notna().sum() == 2746
    assert [round(mean[w], 3) for w in ("unweighted", "weighted")] == [4.064, 4.071]
    assert round(100 * (own["overall"].dropna() >= 4).mean(), 2) == 82.07
    ease = own[["ease_finding_way", "ease_security"]].mean()
    assert ease.round(3).tolist() == [4.413, 4.307]
