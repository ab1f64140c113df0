"""Quotes: verbatim but for marked ellipsis, the same every time, nearest what was said."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from test_interviews_analysis import make

from cjlib.interviews import pick_quotes
from cjlib.interviews.quotes import ELLIPSIS, LONGEST, SHORTEST

DELIVERY = "The delivery was slow and nobody told me when the parcel would come."


def say(texts, *, quotes=None, valence=None):
    """One interview per text, one coded turn each."""
    rows = [(f"i{k:02}", 1, "a", "slow", "delivery", (valence or [-1] * len(texts))[k])
            for k in range(len(texts))]  # fmt: skip
    talks = make(rows, turns=1)
    spoken = talks.utterances.assign(text=pd.array(texts, dtype="string"))
    codings = talks.codings.assign(quote=quotes or [""] * len(texts))
    return replace(talks, utterances=spoken, codings=codings)


def is_verbatim(row, talks):
    spoken = talks.utterances.set_index(["interview_id", "turn"])["text"]
    said = spoken[row.interview_id, row.turn]
    inside = said[row.start : row.end]
    before = f"{ELLIPSIS} " if said[: row.start].strip() else ""
    after = f" {ELLIPSIS}" if said[row.end :].strip() else ""
    return inside in said and row.text == before + inside + after


def test_a_long_turn_is_cut_to_its_sentences_nearest_the_centre():
    weather = "We talked about the weather in the mountains for quite some time that day. "
    long = weather * 3 + DELIVERY + " " + weather * 2
    talks = say([DELIVERY, DELIVERY.replace("slow", "very slow"), long])
    found = pick_quotes(talks).table.set_index("interview_id")
    cut = found.loc["i02"]

    assert DELIVERY in cut["text"]
    assert cut["text"].startswith("… ")
    assert cut["text"].endswith(" …")
    assert cut["end"] - cut["start"] <= LONGEST
    assert found.loc["i00", "text"] == DELIVERY  # whole: no mark
    assert all(is_verbatim(row, talks) for row in pick_quotes(talks).table.itertuples())


def test_the_turn_nearest_the_centre_comes_first():
    odd = "My neighbour keeps seven cats, two dogs and a parrot that sings."
    talks = say([odd, DELIVERY, DELIVERY.replace("slow", "late"), DELIVERY])
    assert pick_quotes(talks, n=1).table["interview_id"].tolist() == ["i01"]
    assert pick_quotes(talks, n=4).table["interview_id"].tolist()[-1] == "i00"


def test_coded_words_are_taken_as_spoken_or_not_at_all():
    marked = "nobody told me when the parcel would come"
    talks = say([DELIVERY], quotes=[marked])
    assert pick_quotes(talks).table["text"].tolist() == [f"… {marked} …"]
    # typed otherwise than spoken: the words of the turn stand, not the coder's
    typed = say([DELIVERY], quotes=["Nobody told me, when the PARCEL would come!"])
    assert pick_quotes(typed).table["text"].tolist() == [DELIVERY]
    short = say([DELIVERY], quotes=["slow"])
    assert pick_quotes(short).table["text"].tolist() == [DELIVERY]


def test_persian_turns_are_cut_at_persian_stops():
    first = "بسته دیر رسید و کسی نگفت کی می‌رسد، خیلی ناراحت شدم؟ "
    other = "بعد هم درباره‌ی هوا و کوه و سفر و خیلی چیزهای دیگر حرف زدیم. "
    talks = say([first.strip(), first + other * 5, first.strip()])
    cut = pick_quotes(talks, n=3).table.set_index("interview_id").loc["i01", "text"]

    assert cut.startswith(first.strip())
    assert cut.endswith(" …")
    assert len(cut) <= LONGEST + 2


WORDS = st.lists(
    st.sampled_from(["slow", "parcel.", "why?", "دیر", "رسید؟", "really…", "3.5", "a" * 90, "ok!"]),
    min_size=1, max_size=90,
).map(" ".join)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(WORDS, min_size=1, max_size=6), st.data())
def test_every_quote_is_verbatim_short_and_the_same_again(texts, data):
    valence = data.draw(st.lists(st.sampled_from([-1, 0, 1]), min_size=len(texts),
                                 max_size=len(texts)))  # fmt: skip
    talks = say(texts, valence=valence)
    found = pick_quotes(talks, n=4).table

    assert len(found) == min(4, sum(len(t) >= SHORTEST for t in texts)) or "dissenting" in set(
        found["kind"]
    )
    assert all(is_verbatim(row, talks) for row in found.itertuples())
    assert ((found["end"] - found["start"]).between(SHORTEST, LONGEST)).all()
    turned = replace(
        talks, utterances=talks.utterances.iloc[::-1], codings=talks.codings.iloc[::-1]
    )
    pd.testing.assert_frame_equal(found, pick_quotes(turned, n=4).table)
