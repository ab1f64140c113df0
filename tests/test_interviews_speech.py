"""Fillers and noise: taken out for analysis by stated rules, counted, and the quote left alone."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjlib.interviews import normalise_utterances, read_transcript
from cjlib.interviews import speech as rules
from cjlib.language import clean


def normal(text):
    return normalise_utterances(pd.DataFrame({"text": [text]})).texts.iloc[0]


BY_HAND = [
    ("Um, so the the shop, you know, was, uh, slow.", "so the shop, was, slow."),
    ("You know the shop.", "You know the shop."),  # not isolated: it carries the sentence
    ("I mean, it broke. I mean it.", "it broke. I mean it."),
    ("اِ، من که که رفتم، یعنی، دیر شد", "من که رفتم، دیر شد"),
    ("یعنی دیر شد؟ مثلاً دو روز", "یعنی دیر شد؟ مثلاً دو روز"),
    ("امم خسته ام. ااا نه، اِاِ چه بد", "خسته ام. نه، چه بد"),
    ("(laughs) yes [inaudible 00:12] no (which was late)", "yes no (which was late)"),
    ("*laughs* بله (با خنده) [نامفهوم ۱۲:۰۳] نه [name-1]", "بله نه [name-1]"),
    ("♪ la ♪ >> Hello", "la Hello"),
    ("um", ""),
    ("Is it? Um. Yes.", "Is it? Yes."),
    ("very very good, خیلی خیلی خوب، کم کم", "very very good, خیلی خیلی خوب، کم کم"),
    ("had had, that that, so so, two two nine", "had had, that that, so so, two two nine"),
    ("and, and, uh, and then I, I, I th- the the thing", "and then I the thing"),
    ("Uh-huh. Mm-hmm. the error, her, umbrella", "Uh-huh. Mm-hmm. the error, her, umbrella"),
    ("مشتري ٣ گفت‌ : كيف", "مشتری ۳ گفت : کیف"),  # one spelling
]  # fmt: skip


@pytest.mark.parametrize(("said", "expected"), BY_HAND)
def test_by_hand(said, expected):
    assert normal(said) == expected


def test_counts_by_interview_and_rule():
    frame = pd.DataFrame(
        {"interview_id": ["a", "a", "b"], "text": ["Um, uh, the the end", "um", "(laughs) so"]},
        index=[5, 3, 9],
    )
    before = frame.copy()

    found = normalise_utterances(frame)

    assert found.noise.values.tolist() == [
        ["a", "filler", 3, 2], ["a", "repeat", 1, 1], ["b", "sound", 1, 1],
    ]  # fmt: skip
    assert found.texts.index.tolist() == [5, 3, 9]
    assert found.summary() == (
        "5 fillers and noises taken out of 3 texts for analysis: 3 by 'filler', 1 by 'repeat', "
        "1 by 'sound'; quotations stay as spoken."
    )
    pd.testing.assert_frame_equal(frame, before)


def test_nothing_to_normalise():
    found = normalise_utterances(pd.DataFrame({"text": pd.Series([], dtype="string")}))
    missing = normalise_utterances(pd.DataFrame({"text": [None, "fine"]}))

    assert found.texts.empty
    assert found.noise.empty
    assert missing.texts.tolist() == ["", "fine"]


pieces = st.lists(
    st.sampled_from(
        ["um", "the", "the", "you know", ",", ".", "یعنی", "،", "که", "[laughter]", "♪", "slow",
         "th-", "[name-1]", "اِ", "?", "خیلی", "I", "- "]
    ),
    max_size=12,
)  # fmt: skip


@given(pieces)
def test_laws(parts):
    said = " ".join(parts)
    once = normal(said)

    assert once.count("[name-1]") == said.count("[name-1]")
    for word in ("slow", "خیلی"):
        assert once.count(word) == said.count(word)
    assert {w.strip(".,?،-") for w in once.split()} <= {w.strip(".,?،-") for w in said.split()}
    for _, signs, change in rules._RULES:  # the quick way passes over nothing
        assert any(sign in said.casefold() for sign in signs) or not change(clean(said))[1]


@pytest.mark.real
def test_fillers_of_a_real_interview_counted_a_second_way(shared_data):
    folder = shared_data / "interviews_ml_practitioners" / "transcripts"
    turns = read_transcript(folder / "Interview 4.txt")
    frame = pd.DataFrame({"interview_id": "4", "text": [t.text for t in turns]})

    noise = normalise_utterances(frame).noise.set_index("rule")["removed"]

    words = [w.strip(".,?!-").casefold() for t in frame["text"] for w in t.split()]
    slow = sum(w in ("um", "uh", "hmm", "mm", "er", "erm") for w in words)
    assert noise["filler"] == pytest.approx(slow, rel=0.01)  # "uh-" and "um...so" are split
    assert noise["filler"] > 100
