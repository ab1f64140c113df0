"""Sentiment and themes on invented texts with a known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, f1_score, precision_recall_fscore_support

from cjlib.errors import JourneyError, TooFewError
from cjlib.language import for_model, key
from cjlib.texts import train_sentiment
from cjlib.texts.classifier import cut, deal_folds, fit, score_out_of_fold
from cjlib.texts.quality import judge_chances, judge_labels
from cjlib.texts.vectors import WORD, count_terms

GOOD = ["عالی بود", "خیلی خوب", "راضی هستم", "great service", "سریع رسید", "lovely and quick"]
BAD = ["افتضاح بود", "خیلی بد", "ناراضی هستم", "terrible service", "دیر رسید", "not good"]
FILLER = ["سفارش من", "the order", "پیک", "غذا", "دیروز", "my parcel", "فروشگاه", "سایت", "app"]


def invent(n: int, *, noise: float = 0.1, bad: float = 0.5, seed: int = 0) -> pd.DataFrame:
    """Comments whose words follow their label, but for a share ``noise``."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(n):
        negative = rng.random() < bad
        told = negative if rng.random() > noise else not negative
        opinion = rng.choice(BAD if told else GOOD)
        filler = " ".join(rng.choice(FILLER, 3))
        rows.append((f"{filler} {opinion} w{chr(97 + number % 26)}{number}", negative))
    frame = pd.DataFrame(rows, columns=["text", "negative"])
    return frame.assign(label=np.where(frame["negative"], "منفی", "مثبت"))


@pytest.fixture(scope="module")
def comments():
    return invent(400)


@pytest.fixture(scope="module")
def model(comments):
    return train_sentiment(comments["text"], comments["label"], rng=np.random.default_rng(1))


# spelling ---------------------------------------------------------------------------------

SPELLED = [
    ("عااااالی بود!!!!", "عالی بود!!"),
    ("نمی‌خواهم", "نمی خواهم"),
    ("كيفيت ۳۵ هزار", "کیفیت 00 هزار"),
    ("Sooooo GOOOD", "soo good"),
    ("ببینید https://x.ir/a?b=1 را", "ببینید url را"),
    ("a@b.com", "mail"),
    ("واقعاً آب", "واقعا اب"),
]


@pytest.mark.parametrize(("text", "expected"), SPELLED)
def test_spelling_for_models_by_hand(text, expected):
    assert for_model(text) == expected


@given(st.text())
def test_spelling_for_models_twice_is_once(text):
    assert for_model(for_model(text)) == for_model(text)


# sentiment --------------------------------------------------------------------------------


def test_model_knows_the_words_and_says_so(model):
    told = model.predict(["غذا عالی بود", "پیک افتضاح بود", "-", "نمی‌دانم", "qqq zzz"])

    assert told["label"].tolist()[:2] == ["مثبت", "منفی"]
    assert told["score"].iloc[0] > 0.5 > -0.5 > told["score"].iloc[1]
    assert told.iloc[2:4].isna().all(axis=None)  # what says nothing gets no score
    assert told["unsure"].iloc[4]  # no known word
    assert model.labels == ["منفی", "مثبت"]
    assert model.beats_baseline
    assert "beats the best dull rule" in model.summary()
    assert model.language == "fa"


def test_accuracy_is_that_of_the_noise(model):
    row = model.row("model", "accuracy")

    assert row["low"] < 0.9 < row["high"]  # one label in ten was turned round


def test_labels_without_relation_do_not_beat_the_dull_rule():
    texts = invent(300, noise=0.5, seed=3)
    found = train_sentiment(texts["text"], texts["label"], rng=np.random.default_rng(1))

    assert not found.beats_baseline
    assert "does not surely beat" in found.summary()


def test_quality_is_that_of_scikit_learn(model):
    truth, found = model.out_of_fold["label"], model.out_of_fold["predicted"]
    slow = precision_recall_fscore_support(truth, found, labels=model.labels)

    assert model.row("model", "macro_f1")["estimate"] == pytest.approx(
        f1_score(truth, found, average="macro"), abs=1e-12
    )
    for j, label in enumerate(model.labels):
        for measure, values in zip(("precision", "recall", "f1"), slow, strict=False):
            assert model.row("model", measure, label)["estimate"] == pytest.approx(values[j])


def test_the_same_seed_gives_the_same_numbers(comments, model):
    again = train_sentiment(comments["text"], comments["label"], rng=np.random.default_rng(1))

    pd.testing.assert_frame_equal(again.quality, model.quality)
    pd.testing.assert_frame_equal(
        again.predict(comments["text"].head()), model.predict(comments["text"].head())
    )


def test_input_is_left_alone(comments):
    texts, labels = comments["text"].copy(), comments["label"].copy()
    train_sentiment(texts, labels, rng=np.random.default_rng(1))

    pd.testing.assert_series_equal(texts, comments["text"])
    pd.testing.assert_series_equal(labels, comments["label"])


def test_out_of_fold_is_a_fresh_vectoriser_per_fold(comments):
    """The slow second way: everything fitted again on the training texts alone."""
    texts = [for_model(text) for text in comments["text"]]
    codes = comments["negative"].to_numpy().astype(int)
    fold = deal_folds(np.arange(len(codes)), codes, 4, np.random.default_rng(0))
    counts = count_terms(texts)
    quick = score_out_of_fold({"words": counts.blocks["words"]}, codes, fold)
    for number in range(4):
        seen, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        reader = TfidfVectorizer(
            ngram_range=(1, 2), token_pattern=WORD, min_df=2, sublinear_tf=True, lowercase=False
        )
        x = reader.fit_transform([texts[i] for i in seen])
        slow = LogisticRegression(class_weight="balanced", max_iter=2_000).fit(x, codes[seen])
        y = reader.transform([texts[i] for i in held])
        assert quick[held, 0] == pytest.approx(slow.decision_function(y), abs=1e-3)


def test_equal_texts_never_straddle_folds():
    """A text repeated under other spellings must not teach the answer to itself."""
    rng = np.random.default_rng(4)
    unique = [f"{' '.join(rng.choice(FILLER, 2))} x{chr(97 + i % 26)}y{i}z" for i in range(150)]
    labels = rng.permutation(np.repeat(["bad", "good"], 75))  # nothing to learn
    texts = unique + [text.upper() + "!" for text in unique] + unique
    found = train_sentiment(texts, np.tile(labels, 3), rng=rng)
    frame = found.out_of_fold.assign(group=[key(for_model(t)) for t in texts])

    assert frame.groupby("group")["fold"].nunique().max() == 1
    assert found.row("model", "accuracy")["low"] < 0.5


def test_folds_hold_every_class_evenly():
    codes = np.repeat([0, 1, 2], [50, 20, 10])
    fold = deal_folds(np.arange(80), codes, 5, np.random.default_rng(0))

    assert pd.crosstab(fold, codes).to_numpy().tolist() == [[10, 4, 2]] * 5


def test_a_rare_label_is_found_and_said():
    texts = invent(900, noise=0.05, bad=0.1, seed=5)
    found = train_sentiment(texts["text"], texts["label"], rng=np.random.default_rng(1))

    assert found.row("model", "recall", "منفی")["estimate"] > 0.8
    assert "is rare" in found.summary()
    after = found.calibration[found.calibration["stage"].eq("after")]
    assert after["predicted"].mean() == pytest.approx((~texts["negative"]).mean(), abs=0.03)
    assert found.row("model", "brier")["estimate"] < found.row("before calibration", "brier")[
        "estimate"
    ]  # fmt: skip


def test_stars_have_values_from_worst_to_best():
    texts = invent(400)
    stars = np.where(texts["negative"], 1.0, np.where(np.arange(400) % 2, 5.0, 3.0))
    found = train_sentiment(texts["text"], stars, rng=np.random.default_rng(1))

    assert found.labels == ["1", "3", "5"]
    assert found.values.tolist() == [-1, 0, 1]
    told = found.predict(texts["text"].head(20))
    chances = told[["p_1", "p_3", "p_5"]]
    assert chances.sum(axis=1).to_numpy() == pytest.approx(np.ones(20))
    assert told["score"].to_numpy() == pytest.approx((chances["p_5"] - chances["p_1"]).to_numpy())


def test_rows_that_cannot_teach_are_left_out_and_counted(comments):
    texts = [*comments["text"], "-", "نمی‌دانم", "no label here"]
    labels = [*comments["label"], "مثبت", "منفی", None]
    found = train_sentiment(texts, labels, rng=np.random.default_rng(1))

    assert found.left_out == {"no label": 1, "says nothing": 2}
    assert len(found.out_of_fold) == 400
    assert "3 rows left out" in found.summary()


def test_brier_by_hand():
    chances = {"a": np.array([[0.8, 0.2], [0.4, 0.6], [0.5, 0.5]])}
    truth = np.array([0, 0, 1])
    found = judge_chances(chances, truth, groups=np.arange(3), level=0.95).iloc[0]

    assert found["estimate"] == pytest.approx((0.08 + 0.72 + 0.5) / 3)
    assert found["estimate"] == pytest.approx(2 * brier_score_loss([0, 0, 1], [0.2, 0.6, 0.5]))


def test_baselines_by_hand():
    truth = np.repeat([0, 1], [30, 10])
    table = judge_labels(
        truth, truth, 1 - truth, groups=np.arange(40), names=["a", "b"], level=0.95,
        rng=np.random.default_rng(0),
    ).set_index(["model", "measure", "label"])["estimate"]  # fmt: skip

    assert table["model", "macro_f1", ""] == 1
    assert table["words only", "accuracy", ""] == 0
    assert table["most frequent label", "accuracy", ""] == 0.75
    assert table["most frequent label", "macro_f1", ""] == pytest.approx((2 * 30 / 70) / 2)
    assert table["chance", "accuracy", ""] == pytest.approx(0.75**2 + 0.25**2)
    assert table["chance", "macro_f1", ""] == pytest.approx(0.5)
    assert np.isnan(table["most frequent label", "precision", "b"])
    assert table["gain over words only", "accuracy", ""] == 1


@pytest.mark.slow
@pytest.mark.parametrize("copies", [1, 4])
def test_intervals_of_accuracy_cover_the_truth(copies):
    """Known truth .8; each text stands ``copies`` times, and the interval allows for it."""
    rng = np.random.default_rng(6)
    covered = 0
    for _ in range(200):
        truth = np.repeat(rng.integers(0, 2, 120), copies)
        right = np.repeat(rng.random(120) < 0.8, copies)
        found = judge_labels(
            truth, np.where(right, truth, 1 - truth), truth,
            groups=np.repeat(np.arange(120), copies), names=["a", "b"], level=0.95, rng=rng,
        ).iloc[0]  # fmt: skip
        covered += found["low"] <= 0.8 <= found["high"]

    assert 0.90 <= covered / 200 <= 0.99


def test_too_few_labels_say_how_many_more(comments):
    few = comments.groupby("label").head(30)
    with pytest.raises(TooFewError, match=r"Label 20 more of 'منفی', 20 more of 'مثبت'"):
        train_sentiment(few["text"], few["label"], rng=np.random.default_rng(1))
    again = pd.concat([few] * 5)  # the same texts again are no new labels
    with pytest.raises(TooFewError, match="different texts"):
        train_sentiment(again["text"], again["label"], rng=np.random.default_rng(1))


@pytest.mark.parametrize(
    ("labels", "error", "says"),
    [
        ([None] * 4, TooFewError, "never scored without"),
        (["x", "y", "x", "y"], JourneyError, "Say what each stands for"),
        (["bad"] * 4, JourneyError, "2 to 5 different labels; got 1"),
        (["bad", "good"], JourneyError, "got 4 texts and 2 labels"),
    ],
)
def test_labels_that_cannot_be_used(labels, error, says):
    with pytest.raises(error, match=says):
        train_sentiment(["a b", "b c", "c d", "d e"], labels, rng=np.random.default_rng(1))


def test_values_of_own_labels():
    texts = invent(200)
    names = np.where(texts["negative"], "kvetch", "praise")
    found = train_sentiment(
        texts["text"], names, values={"praise": 1, "kvetch": -1}, rng=np.random.default_rng(1)
    )

    assert found.labels == ["kvetch", "praise"]
    with pytest.raises(JourneyError, match="praise has none"):
        train_sentiment(texts["text"], names, values={"kvetch": -1}, rng=np.random.default_rng(1))


def test_figures_show_the_numbers(model):
    ax = model.plot()
    shown = [line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 1]
    wanted = model.quality[model.quality["measure"].eq("macro_f1")]["estimate"].head(4)
    assert shown == pytest.approx(wanted.tolist())
    widths = [bar.get_width() for bar in model.plot_words().patches]
    best = model.words[model.words["label"].eq("مثبت")]["weight"].head(10)
    assert widths[: len(best)] == pytest.approx(best.tolist())
    assert len(model.plot_calibration().containers) == 2


def test_cut_then_learn_reads_no_held_row(comments):
    texts = [for_model(text) for text in comments["text"]]
    counts = count_terms(texts)
    half = np.arange(len(texts)) < 200
    codes = comments["negative"].to_numpy().astype(int)
    known = fit(cut(counts.blocks, half), codes[half]).terms
    names = counts.counters["words"].get_feature_names_out()[known.columns["words"]]
    alone = count_terms(texts[:200]).counters["words"].get_feature_names_out()

    assert set(names) == set(alone)
