"""Sentiment and themes on public comments, beside what was published."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score

from cjlib.texts import find_themes, learning_curve, train_sentiment

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module")
def snapp(shared_data):
    place = shared_data / "snappfood_fa"
    return {name: pd.read_csv(place / f"{name}.csv") for name in ("dev", "test")}


@pytest.fixture(scope="module")
def model(snapp):
    dev = snapp["dev"]
    return train_sentiment(dev["comment"], dev["label"], rng=np.random.default_rng(1))


def test_snappfood_train_on_dev_test_on_test(model, snapp):
    """6,299 rows learned from, 6,999 judged. Published: ParsBERT .88 with 56,700 rows
    (Farahani and colleagues 2021, Neural Processing Letters 53); the same kind of model as
    ours on 17,658 rows .857 (computed before). Ours has a ninth of ParsBERT's rows.
    """
    told = model.predict(snapp["test"]["comment"])
    found = f1_score(snapp["test"]["label"], told["label"], average="macro")

    assert found == pytest.approx(0.850, abs=0.004)
    row = model.row("model", "macro_f1")
    assert row["low"] - 0.005 <= found <= row["high"] + 0.005  # what was promised out of fold
    assert model.beats_baseline
    brier = {m: model.row(m, "brier")["estimate"] for m in ("before calibration", "model")}
    assert brier["model"] < brier["before calibration"] < 0.25
    sure = ~told["unsure"].astype(bool)
    right = told["label"].eq(snapp["test"]["label"].astype("string"))
    assert right[sure].mean() > 0.87 > 0.65 > right[~sure].mean()
    assert {"عالی", "خوشمزه"} <= set(model.words.query("label == 'HAPPY'")["word"])
    assert {"افتضاح", "سرد"} <= set(model.words.query("label == 'SAD'")["word"])


def test_snappfood_learning_curve(snapp):
    """The same model before: .659 at 50, .763 at 100, .817 at 500, .847 at 2,000 rows."""
    dev = snapp["dev"]
    found = learning_curve(
        dev["comment"], dev["label"], rng=np.random.default_rng(1), sizes=(50, 100, 500, 2_000)
    ).table.set_index("labels")

    for size, before in ((50, 0.659), (100, 0.763), (500, 0.817), (2_000, 0.847)):
        assert found.loc[size, "high"] > before
        assert found.loc[size, "estimate"] > before - 0.01
    assert found["estimate"].is_monotonic_increasing


def test_food_comments_do_not_teach_about_phones(model, shared_data):
    """A model carried to another domain falls below "always positive" in accuracy."""
    phones = pd.read_csv(shared_data / "digikala_samsung_fa" / "samsung_mobiles.csv.gz")
    phones = phones[phones["rate"].isin([1, 2, 4, 5])].dropna(subset="body").head(4_000)
    truth = np.where(phones["rate"] > 3, "HAPPY", "SAD")
    told = model.predict(phones["body"])["label"].astype(object).fillna("HAPPY")

    assert accuracy_score(truth, told) < np.mean(truth == "HAPPY")


def test_digikala_recommendation(shared_data):
    """Recommended or not, of 2,801 reviews; neutral left out. The suggestion is loosely tied to
    the text (even the score 0-100 tells it with AUC .78 only): little can be learned, and the
    summary says that always saying yes is as accurate.
    """
    rows = pd.read_csv(shared_data / "digikala_fa" / "digikala_score_suggestion_3261.csv")
    rows = rows[rows["Suggestion"].isin([1, 2])]
    found = train_sentiment(
        rows["Text"], rows["Suggestion"].map({1: "yes", 2: "no"}), rng=np.random.default_rng(1)
    )

    assert found.beats_baseline
    assert 0.52 < found.row("model", "macro_f1")["estimate"] < 0.60
    assert "'no' is rare" in found.summary()
    assert "in accuracy always saying 'yes' is as good or better" in found.summary()


def test_clothing_reviews(shared_data):
    """Recommended or not, of 5,000 of 22,641 reviews in English."""
    rows = pd.read_csv(shared_data / "womens_clothing_reviews" / "womens_clothing_reviews.csv.gz")
    rows = rows.dropna(subset="Review Text").head(5_000)
    found = train_sentiment(
        rows["Review Text"], rows["Recommended IND"], rng=np.random.default_rng(1)
    )

    assert found.language == "en"
    assert found.row("model", "macro_f1")["low"] > 0.75
    assert found.row("model", "recall", "0")["estimate"] > 0.65


def read_food(place):
    lines = place.read_text(encoding="utf-8").splitlines()
    return pd.DataFrame([json.loads(line) for line in lines])


ASPECTS = {"طعم": 0.45, "کیفیت": 0.45, "ارزش خرید": 0.50}  # least macro F1 of three labels


@pytest.mark.parametrize("aspect", ASPECTS)
def test_parsinlu_aspects(aspect, shared_data):
    """Taste, quality, worth: not mentioned (-3), bad or good, per review."""
    place = shared_data / "parsinlu_food_fa"
    rows, test = read_food(place / "food.jsonl"), read_food(place / "food_test.jsonl")
    test = test[test["aspect"].eq(aspect)].drop_duplicates("review")
    rows = rows[~rows["review"].isin(test["review"])]
    labels = rows["aspects"].map(lambda found: name_code(found.get(aspect, "-3")))
    found = train_sentiment(
        rows["review"], labels, values={"bad": -1, "not mentioned": 0, "good": 1},
        rng=np.random.default_rng(1),
    )  # fmt: skip
    truth = test["label"].map(name_code)
    kept = truth.notna()
    told = found.predict(test["review"])["label"]

    assert found.beats_baseline
    assert f1_score(truth[kept], told[kept].astype(object), average="macro") > ASPECTS[aspect]


def name_code(code):
    number = int(code)
    if number == -3:
        return "not mentioned"
    return "bad" if number < 0 else "good" if number in (1, 2) else None


def test_themes_of_complaints_about_food(snapp):
    sad = snapp["dev"].loc[snapp["dev"]["label"].eq("SAD"), "comment"]
    found = find_themes(sad, rng=np.random.default_rng(1), language="fa")

    assert found.beats_chance
    listed = [set(words.split()) for words in found.table["words"]]
    assert any({"سرد", "غذا"} <= words for words in listed)
    assert any({"ارسال", "سفارش"} <= words for words in listed)
    assert found.counts["analysed"] == 3_150
