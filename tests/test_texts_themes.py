"""Themes, sentiment by group, learning curves and labels from a survey."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import nnls
from test_texts import invent

from cjlib.columns import GROUP
from cjlib.errors import ColumnError, JourneyError, TooFewError
from cjlib.intervals import estimate_mean
from cjlib.texts import (
    adjust_share,
    find_themes,
    learning_curve,
    measure_sentiment_by,
    read_labels,
    stop_words,
    train_from_survey,
    train_sentiment,
)
from cjlib.texts.factors import Factors, _agree, choose_number, count_words, factor
from cjlib.texts.stop_words import opinion_words

RNG = np.random.default_rng(0)
THEMES = {
    "delivery": ["پیک", "دیر", "رسید", "تاخیر", "تحویل", "ساعت", "ارسال"],
    "food": ["غذا", "سرد", "مزه", "پیتزا", "نمک", "طعم", "خمیر"],
    "price": ["قیمت", "گران", "هزینه", "تخفیف", "تومان", "پول"],
}


def tell(n: int, *, seed: int = 0) -> pd.DataFrame:
    """Texts of four words of one theme each, with stop words between."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(n):
        name = list(THEMES)[number % 3]
        words = rng.choice(THEMES[name], 4, replace=False)
        rows.append((" که ".join(words) + " و از این " + " را ", name))
    return pd.DataFrame(rows, columns=["text", "theme"], index=np.arange(n) + 1000)


@pytest.fixture(scope="module")
def told():
    return tell(300)


@pytest.fixture(scope="module")
def themes(told):
    return find_themes(told["text"], rng=np.random.default_rng(1), language="fa")


# themes -----------------------------------------------------------------------------------


def test_planted_themes_are_found(told, themes):
    table = pd.crosstab(themes.assign["theme"], told["theme"])

    assert themes.choice.loc[themes.choice["chosen"], "k"].tolist() == [3]
    assert (table > 0).sum(axis=1).tolist() == [1, 1, 1]  # one planted theme each
    assert themes.beats_chance
    assert {frozenset(w.split()[:6]) for w in themes.table["words"].head(3)} <= {
        frozenset(c) for words in THEMES.values() for c in _sixes(words)
    }


def _sixes(words):
    return [words] if len(words) == 6 else [[w for w in words if w != out] for out in words]


def test_shares_count_texts(themes):
    assert themes.table["estimate"].sum() == pytest.approx(1)
    counted = themes.assign["theme"].value_counts()
    for row in themes.table.to_dict("records"):
        assert row["estimate"] == counted.get(row["theme"], 0) / 300


def test_no_answers_make_no_theme(told):
    silent = pd.Series(["نمی‌دانم", "-", "", "don't know", None] * 40)
    found = find_themes(
        pd.concat([told["text"], silent], ignore_index=True), k=3, rng=np.random.default_rng(1)
    )

    assert found.counts["not answers"] == 200
    assert found.counts["analysed"] == 300
    assert found.assign["theme"].isna().sum() == 200
    assert not set(found.words["word"]) & {"نمی", "دانم", "know", "don"}
    assert "200 are no answers" in found.summary()


def test_representative_texts_load_most_and_stand_as_given(told, themes):
    for row in themes.texts.to_dict("records"):
        assert told["text"].loc[row["row"]] == row["text"]
    first = themes.texts[themes.texts["rank"].eq(1)]
    for row in first.to_dict("records"):
        mine = themes.assign[themes.assign["theme"].eq(row["theme"])]
        assert row["loading"] == mine[f"theme_{row['theme']}"].max()
    assert not themes.texts["text"].duplicated().any()


def test_a_text_without_known_words_has_no_theme(told):
    found = find_themes(
        pd.concat([told["text"], pd.Series(["zzz", "qqq www"])], ignore_index=True),
        k=3, rng=np.random.default_rng(1),
    )  # fmt: skip

    assert found.assign["theme"].tail(2).tolist() == [0, 0]
    assert found.counts["no known word"] == 2
    assert found.table.iloc[-1]["estimate"] >= 2 / 302


def test_loadings_are_least_squares_none_negative(told):
    matrix = count_words(told["text"].tolist(), once=np.ones(300, dtype=bool)).weigh()
    found = factor(matrix, 3)
    loadings = found.load(matrix)
    for row in range(0, 300, 25):
        slow, _ = nnls(found.words.T, matrix[[row]].toarray().ravel())
        assert loadings[row] == pytest.approx(slow, abs=1e-4)


def test_planted_themes_explain_what_they_hold(told):
    """Explained: 1 - |X - WH|^2 / |X|^2, the slow way."""
    words = count_words(told["text"].tolist(), once=np.ones(300, dtype=bool))
    matrix = words.weigh()
    row = choose_number(words, [3], rng=np.random.default_rng(0), level=0.95).iloc[0]
    found = factor(matrix, 3)
    left = matrix.toarray() - found.load(matrix) @ found.words

    assert row["estimate"] > 0.95
    assert row["explained"] == pytest.approx(1 - (left**2).sum() / (matrix.toarray() ** 2).sum())
    assert row["explained"] > row["shuffled"] + 0.1


def test_agreement_of_themes_by_hand():
    one = Factors(np.array([[1.0, 0.0], [0.0, 1.0]]))
    turned = Factors(np.array([[0.0, 1.0], [0.8, 0.6]]))

    assert _agree(one, one) == 1
    assert _agree(one, turned) == pytest.approx((0.8 + 1) / 2)  # best pairing, not by place


def test_shuffling_keeps_lengths_and_words(told):
    words = count_words(told["text"].tolist(), once=np.ones(300, dtype=bool))
    mixed = words.shuffle(np.random.default_rng(0))

    for axis in (0, 1):  # each word as often, each text as long
        assert (mixed.counts.sum(axis=axis) == words.counts.sum(axis=axis)).all()
    assert (mixed.counts != words.counts).nnz > 100


def test_too_little_text_is_said(told):
    with pytest.raises(TooFewError, match=r"at least 100 .* there are"):
        find_themes(told["text"].head(60), rng=np.random.default_rng(0))
    with pytest.raises(TooFewError, match="none in any"):
        find_themes(["!! ؛؛", "(:", "+ +"] * 80, rng=np.random.default_rng(0))
    with pytest.raises(TooFewError, match="must share words"):
        find_themes([f"w{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(200)], rng=RNG)
    with pytest.raises(TooFewError, match="Ask for"):
        find_themes(told["text"], k=30, rng=np.random.default_rng(0))
    with pytest.raises(JourneyError, match="at least 2"):
        find_themes(told["text"], k=1, rng=np.random.default_rng(0))
    repeated = pd.concat([told["text"].head(20)] * 20)
    with pytest.raises(TooFewError, match="different texts"):
        find_themes(repeated, rng=np.random.default_rng(0))


def test_random_words_are_said_to_be_chance():
    """Beats chance by luck once in twenty: of ten sets of random words at most three."""
    rng = np.random.default_rng(2)
    words = [f"{a}{b}" for a in "bdfgkl" for b in "aeiou"]
    lucky = 0
    for _ in range(10):
        texts = [" ".join(rng.choice(words, 6)) for _ in range(150)]
        found = find_themes(texts, k=3, rng=rng)
        lucky += found.beats_chance
        assert ("no more than chance" in found.summary()) != found.beats_chance

    assert lucky <= 3


def test_opinion_and_negation_are_no_stop_words():
    assert not stop_words() & opinion_words()
    assert {"خوب", "بد", "نه", "کم", "خیلی", "good", "bad", "not"} <= opinion_words()
    assert {"و", "the", "این"} <= stop_words()


def test_same_seed_same_themes(told, themes):
    again = find_themes(told["text"], rng=np.random.default_rng(1), language="fa")

    pd.testing.assert_frame_equal(again.assign, themes.assign)
    pd.testing.assert_frame_equal(again.choice, themes.choice)


def test_theme_figures_show_the_table(themes):
    shown = [line.get_xdata()[0] for line in themes.plot().lines if len(line.get_xdata()) == 1]

    assert shown == pytest.approx(themes.table["estimate"].tolist())
    assert themes.plot_choice().get_legend() is not None


# sentiment by group -----------------------------------------------------------------------


def test_adjusted_share_by_hand():
    """Forman: (p - f) / (t - f) = (.45 - .10) / (.80 - .10) = .5."""
    found = adjust_share(45, 100, right=(80, 100), wrong=(10, 100))

    assert found.estimate == pytest.approx(0.5)
    assert found.low < 0.5 < found.high


def test_adjusted_share_is_cut_and_can_be_unknown():
    assert adjust_share(5, 100, right=(80, 100), wrong=(10, 100)).estimate == 0
    assert adjust_share(84, 100, right=(80, 100), wrong=(10, 100)).estimate == 1
    strange = adjust_share(95, 100, right=(80, 100), wrong=(10, 100))  # more than it can find
    assert strange.method == "the model errs otherwise here"
    useless = adjust_share(50, 100, right=(52, 100), wrong=(50, 100))
    assert np.isnan(useless.estimate)
    assert useless.method == "the model tells too little"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_adjusted_share_covers_the_truth(share):
    rng = np.random.default_rng(7)
    covered, plain = 0, 0
    for _ in range(500):
        right, wrong = (rng.binomial(200, 0.8), 200), (rng.binomial(200, 0.15), 200)
        negative = rng.binomial(150, share)
        count = rng.binomial(negative, 0.8) + rng.binomial(150 - negative, 0.15)
        found = adjust_share(int(count), 150, right=right, wrong=wrong)
        covered += found.low <= share <= found.high
        plain += count / 150
    assert 0.92 <= covered / 500 <= 0.99
    assert abs(plain / 500 - share) > (0.04 if share != 0.5 else 0.02)  # uncorrected is off


@pytest.fixture(scope="module")
def noisy():
    texts = invent(600, noise=0.15)
    return train_sentiment(
        texts["text"], texts["label"], rng=np.random.default_rng(1), language="en"
    )


def test_groups_by_their_texts(noisy):
    good, bad = invent(200, noise=0.15, bad=0.1, seed=8), invent(200, noise=0.15, bad=0.8, seed=9)
    few = invent(20, seed=10)
    frame = pd.concat(
        [good.assign(stage="cart"), bad.assign(stage="delivery"), few.assign(stage="support")]
    )
    frame = pd.concat([frame, pd.DataFrame({"text": ["-", "خوب"], "stage": ["cart", None]})])
    found = measure_sentiment_by(frame, by="stage", model=noisy)
    table = found.table.set_index([GROUP, "measure"])

    adjusted = table.xs("share_negative_adjusted", level="measure")
    assert adjusted.loc["cart", "low"] <= 0.1 <= adjusted.loc["cart", "high"]
    assert adjusted.loc["delivery", "low"] <= 0.8 <= adjusted.loc["delivery", "high"]
    scores = noisy.predict(good["text"])["score"]
    assert table.loc[("cart", "mean_score"), "estimate"] == estimate_mean(scores).estimate
    assert table.loc["support"]["estimate"].isna().all()
    assert set(table.loc["support"]["method"]) == {"too few (n < 30)"}
    assert found.silent == 2
    assert "most negative is 'delivery'" in found.summary()
    assert len(found.plot().get_yticklabels()) == 3


def test_groups_need_their_column(noisy):
    with pytest.raises(ColumnError, match="stage"):
        measure_sentiment_by(pd.DataFrame({"text": ["خوب"]}), by="stage", model=noisy)


# learning curve ---------------------------------------------------------------------------


def test_curve_rises_and_ends():
    texts = invent(800, noise=0.1)
    found = learning_curve(texts["text"], texts["label"], rng=np.random.default_rng(1), draws=5)

    assert found.table["labels"].tolist()[:3] == [50, 100, 200]
    assert found.table["estimate"].iloc[-1] > found.table["estimate"].iloc[0]
    assert found.gain.estimate == pytest.approx(found.table["estimate"].diff().iloc[-1])
    assert "more labels" in found.summary()
    assert found.plot().get_xscale() == "log"


def test_curve_needs_two_sizes():
    texts = invent(40)
    with pytest.raises(TooFewError, match="two sizes"):
        learning_curve(texts["text"], texts["label"], rng=np.random.default_rng(1))
    with pytest.raises(JourneyError, match="draws must be at least 5"):
        learning_curve(texts["text"], texts["label"], rng=np.random.default_rng(1), draws=2)


# where labels come from -------------------------------------------------------------------


def fake_survey(frame, *, low=1, high=5):
    item = SimpleNamespace(low=low, high=high)
    study = SimpleNamespace(codebook={"csat": item}, language="fa", level=0.9)
    return SimpleNamespace(respondents=frame, study=study)


def test_rating_beside_the_comment_is_the_label():
    texts = invent(300)
    rating = np.where(texts["negative"], 2.0, 4.0)
    rating[:10] = 3.0  # too few for a neutral label
    rating[10] = np.nan
    frame = texts.assign(csat=rating)
    found = train_from_survey(
        fake_survey(frame), text="text", rating="csat", rng=np.random.default_rng(1)
    )

    assert found.labels == ["negative", "positive"]
    assert found.left_out["no label"] == 11
    assert found.level == 0.9
    with pytest.raises(JourneyError, match="has no low and high"):
        train_from_survey(
            fake_survey(frame, low=None), text="text", rating="csat", rng=np.random.default_rng(1)
        )


def test_labels_are_read_as_they_stand(tmp_path):
    file = tmp_path / "labels.csv"
    file.write_text("text,label\nNA,good\n007,bad\n", encoding="utf-8-sig")
    study = SimpleNamespace(file=lambda name: tmp_path / name)

    assert read_labels(study, "labels.csv")["text"].tolist() == ["NA", "007"]
    file.write_text("comment,label\nx,good\n", encoding="utf-8")
    with pytest.raises(ColumnError, match="'text'"):
        read_labels(study, "labels.csv")
