"""Comments, reviews and complaints as utterances: linked, masked, counted, quoted, mapped."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from test_interviews import tiny  # noqa: F401

from cjlib.errors import JourneyError
from cjlib.interviews import (
    code_comments,
    contrast_codes,
    count_codes,
    measure_agreement,
    pick_quotes,
    read_comments,
)
from cjlib.language import find_personal
from cjlib.maps import build_map
from cjlib.texts import find_themes

CODES = pd.DataFrame(
    {"code": ["slow", "kind"], "label_en": ["Slow", "Kind staff"], "lane": ["pain", "strength"],
     "stage": ["delivery", "purchase"]}
)  # fmt: skip
ROWS = pd.DataFrame(
    {
        "id": ["c1", "c2", "c1", None, "c3", "c4"],
        "day": ["2024-03-02", "2024-03-01", "2024-01-01", "2024-02-01", None, "2024-05-05"],
        "good": ["Staff was kind to me, all of them, all day long.", "-", None,
                 "تحویل خیلی دیر بود و کسی جواب تلفن را نداد، واقعا بد.", "  ", "I don't know"],
        "bad": ["Too slow, call 0912 345 6789 or mail me@home.ir please, it took weeks.", "Slow.",
                "It was slow the first time too, I must say it once more.", "", "n/a", "Slow"],
        "theme": ["slow", "slow", "kind", "slow", None, ""],
        "mood": ["negative", -1, "1", "منفی", None, 0],
        "ok": [True, False, True, None, True, True],
        "city": ["Tehran", "Yazd", None, "Tehran", "Yazd", "Yazd"],
    },
    index=list("uvwxyz"),
)  # fmt: skip


def read(frame=ROWS, **changes):
    given = {"text": ["good", "bad"], "person": "id", "date": "day", "consent": "ok",
             "code": "theme", "valence": "mood", "about": ["city"], "codes": CODES}  # fmt: skip
    return read_comments(frame, **(given | changes))


def test_comments_by_hand():
    before = ROWS.copy(deep=True)
    found = read()
    spoken = found.utterances

    assert spoken[["interview_id", "customer_id", "turn", "row", "question"]].fillna(
        "").values.tolist() == [
        ["c1", "c1", 1, "w", "bad"],  # by date
        ["c1", "c1", 2, "u", "good"],
        ["c1", "c1", 3, "u", "bad"],
        ["c2", "c2", 1, "v", "bad"],
        ["answer-4", "", 1, "x", "good"],
        ["c4", "c4", 1, "z", "bad"],
    ]  # fmt: skip
    assert spoken["text"].tolist()[2] == (
        "Too slow, call [phone] or mail [e-mail] please, it took weeks."
    )
    assert found.redactions[["interview_id", "turn", "kind"]].values.tolist() == [
        ["c1", 3, "phone"], ["c1", 3, "email"]
    ]  # fmt: skip
    assert spoken["language"].tolist() == ["en", "en", "en", "en", "fa", "en"]
    assert spoken["consent"].tolist() == [True, True, True, False, False, True]
    assert found.misfits["found"].tolist() == ["3 x blank", "3 x no answer"]
    assert found.people[["interview_id", "customer_id", "city"]].fillna("").values.tolist() == [
        ["c1", "c1", "Tehran"], ["c2", "c2", "Yazd"], ["answer-4", "", "Tehran"],
        ["c4", "c4", "Yazd"]
    ]  # fmt: skip
    codings = found.codings[["interview_id", "turn", "coder", "code", "stage", "valence"]]
    assert codings.values.tolist() == [
        ["answer-4", 1, "given", "slow", "delivery", -1],
        ["c1", 1, "given", "kind", "purchase", 1],
        ["c1", 2, "given", "slow", "delivery", -1],
        ["c1", 3, "given", "slow", "delivery", -1],
        ["c2", 1, "given", "slow", "delivery", -1],
    ]  # fmt: skip
    pd.testing.assert_frame_equal(ROWS, before)
    assert "4 interviews with 4 participants: 6 turns" in found.summary()


def test_comments_are_counted_quoted_and_agreed_on():
    found = read()
    counts = count_codes(found, minimum=1).table.set_index("code")
    assert counts["mentions"].to_dict() == {"slow": 3, "kind": 1}  # people, not answers
    assert counts["turns"].to_dict() == {"slow": 4, "kind": 1}
    cities = count_codes(found, by="city", minimum=1).table
    assert cities[["city", "code", "mentions", "n"]].values.tolist() == [
        ["Tehran", "slow", 2, 2], ["Tehran", "kind", 1, 2], ["Yazd", "slow", 1, 1]
    ]  # fmt: skip
    contrast = contrast_codes(found, by="city", minimum=1).table
    assert contrast.set_index("code").loc["slow", ["mentions", "mentions_other"]].tolist() == [2, 1]
    quotes = pick_quotes(found).table
    assert set(quotes["customer_id"]) == {"c1"}  # the others did not agree, or said too little
    rule = found.utterances["text"].str.contains("slow|دیر", case=False).map({True: "slow"})
    ruled = code_comments(found, rule, coder="word list")
    table = measure_agreement(ruled, rng=np.random.default_rng(1), minimum=1).table
    assert set(table["coders"]) == {2}
    assert len(found.codings) == 5  # not changed
    assert ruled.codings["coder"].value_counts().to_dict() == {"given": 5, "word list": 5}
    assert ruled.codings.query("coder == 'word list'")["stage"].eq("delivery").all()
    new = code_comments(found, rule.map({"slow": "late"}), coder="x").codes
    assert new["code"].tolist() == ["slow", "kind", "late"]
    with pytest.raises(JourneyError, match="on the index of comments.utterances"):
        code_comments(found, rule.iloc[:2])


def test_comments_fill_the_lanes_of_a_map_beside_the_survey(tiny):  # noqa: F811
    study = tiny()
    found = read(study=study)
    survey = pd.DataFrame({"customer_id": study.pseudonyms(ROWS["id"].dropna(), "C"), "x": 1})

    linked = found.utterances.merge(survey.drop_duplicates(), on="customer_id")
    assert linked["row"].tolist() == ["w", "u", "u", "v", "z"]
    assert not found.utterances["customer_id"].isin(["c1", "c2"]).any()
    agreed = code_comments(found, found.utterances["text"].str.contains("slow").map({True: "slow"}))
    mapped = str(build_map(study, interviews=agreed))
    assert "Slow" in mapped
    assert "0912" not in mapped


def test_comments_take_a_survey_and_say_what_they_need():
    class Answers:
        respondents = ROWS.assign(respondent_id=list("abcdef"), customer_id=ROWS["id"])

    found = read_comments(Answers(), text="bad", consent=False)
    assert found.utterances["respondent_id"].tolist() == ["a", "c", "b", "f"]
    assert not found.utterances["consent"].any()
    assert pick_quotes(found).table.empty
    assert found.codings.empty
    with pytest.raises(JourneyError, match="must hold True and False; 6 of 6 rows do not"):
        read(consent="city", frame=ROWS.assign(city="yes"))
    with pytest.raises(JourneyError, match="must hold -1, 0, 1"):
        read(valence="city")
    with pytest.raises(JourneyError, match="True, False or a column"):
        read(consent=None)
    with pytest.raises(JourneyError, match="DataFrame or the result of"):
        read_comments([1], text="bad", consent=True)
    with pytest.raises(JourneyError, match="lacks 'worse'"):
        read(text="worse")


def test_a_rating_may_stand_as_valence_whatever_its_spelling():
    frame = pd.DataFrame({"t": ["words here"] * 5, "c": "x", "v": [-1.0, 1.0, 0.0, np.nan, -1.0]})
    for values in (frame["v"], frame["v"].astype("Int64"), ["-1", "+1", "۰", "", "−1"]):
        found = read_comments(
            frame.assign(v=values), text="t", person="", consent=True, code="c", valence="v"
        )
        assert found.codings["valence"].fillna(9).tolist() == [-1, 1, 0, 9, -1]
        assert found.utterances["customer_id"].isna().all()
        assert found.utterances["interview_id"].nunique() == 5


@pytest.mark.real
def test_sfo_coded_comments(shared_data):
    folder = shared_data / "sfo_airport_survey" / "labelled_2017"
    comments = pd.read_csv(folder / "fact_comments.csv")
    survey = pd.read_csv(folder / "fact_survey.csv")[["RESPNUM", "Q20GENDER_LBL", "NETPRO"]]
    frame = comments.merge(survey, left_on="RESPNUM_FK", right_on="RESPNUM")
    found = read_comments(
        frame, text="Comment", person="RESPNUM_FK", code="Comment", valence="Sentiment",
        consent=False, about=["Q20GENDER_LBL", "NETPRO"],
    )  # fmt: skip
    written = comments.dropna(subset="Comment")

    assert len(found.utterances) == len(written) == 3415
    assert len(found.people) == written["RESPNUM_FK"].nunique() == 1759
    top = count_codes(found).table.iloc[0]
    by_hand = written.groupby("Comment")["RESPNUM_FK"].nunique().max()
    assert (top["mentions"], top["n"]) == (by_hand, 1759)
    groups = pd.Series(
        np.where(survey["NETPRO"] >= 9, "promoter", np.where(survey["NETPRO"] <= 6, "detractor",
                 None)), index=survey["RESPNUM"].astype(str),
    ).dropna()  # fmt: skip
    contrast = contrast_codes(found, by="stand", groups=groups)
    first = contrast.table.iloc[0]
    who = written.assign(g=written["RESPNUM_FK"].astype(str).map(groups))
    said = who[who["Comment"].str.strip().eq(first["code"])]
    assert said.groupby("g")["RESPNUM_FK"].nunique().reindex(["detractor", "promoter"]).fillna(
        0).tolist() == [first["mentions"], first["mentions_other"]]  # fmt: skip
    assert first["p_adjusted"] < 0.05


@pytest.mark.real
def test_olist_reviews_link_to_orders_and_give_themes(shared_data):
    folder = shared_data / "olist"
    reviews = pd.read_csv(folder / "olist_order_reviews_dataset.csv.gz")
    orders = pd.read_csv(folder / "olist_orders_dataset.csv.gz")
    frame = reviews.merge(orders, on="order_id")
    frame["sign"] = np.sign(frame["review_score"] - 3)
    found = read_comments(
        frame, text=["review_comment_title", "review_comment_message"], person="customer_id",
        date="review_creation_date", language="pt", consent=True, about=["sign"],
    )  # fmt: skip
    spoken = found.utterances

    words = frame[["review_comment_title", "review_comment_message"]].notna().sum().sum()
    left_out = found.misfits["found"].str.extract(r"([\d,]+) x")[0].str.replace(",", "").astype(int)
    assert len(spoken) + left_out.sum() == 2 * len(frame)
    assert words - 20 < len(spoken) <= words
    linked = spoken.merge(orders, on="customer_id")
    assert len(linked) == len(spoken)
    messages = spoken[spoken["question"] == "review_comment_message"]
    themes = find_themes(messages["text"], rng=np.random.default_rng(1), k=4)
    named = themes.assign["theme"].replace(0, np.nan).map(themes.table.set_index("theme")["name"])
    coded = code_comments(found, named.reindex(spoken.index), coder="themes")
    contrast = contrast_codes(coded, by="sign").table
    assert contrast["p_adjusted"].min() < 0.001  # who is angry writes of something else
    assert pick_quotes(coded, n=2).table["text"].str.len().gt(39).all()


@pytest.mark.real
def test_cfpb_narratives_respect_consent_and_are_masked(shared_data):
    frame = pd.read_csv(shared_data / "cfpb_complaints" / "cfpb_sample_1000.csv")
    more = pd.read_csv(shared_data / "cfpb_complaints" / "cfpb_narratives_100.csv")
    frame = pd.concat([frame, more], ignore_index=True)
    agreed = frame["Consumer consent provided?"].eq("Consent provided")
    found = read_comments(
        frame.assign(agreed=agreed), text="Consumer complaint narrative", person="Complaint ID",
        date="Date received", consent="agreed", code="Issue", about=["Product"],
    )  # fmt: skip

    assert len(found.utterances) == frame["Consumer complaint narrative"].notna().sum() == 372
    assert found.utterances["consent"].all()
    assert found.redactions["kind"].value_counts().to_dict() == {"email": 7}
    assert not any(find_personal(text) for text in found.utterances["text"])
    quotes = pick_quotes(found, n=4).table
    said = found.utterances.set_index(["interview_id", "turn"])["text"]
    for row in quotes.itertuples():
        assert said[row.interview_id, row.turn][row.start : row.end] in row.text
        assert row.end - row.start <= 240
    products = count_codes(found, by="Product").table
    assert products.groupby("Product")["n"].first().sum() == found.people["Product"].notna().sum()


def test_a_hundred_thousand_comments_take_seconds():
    frame = pd.DataFrame({"t": [f"It came late and broken, number {i}" for i in range(20_000)]})
    started = time.process_time()
    found = read_comments(frame, text="t", person="", consent=True)
    assert len(found.utterances) == 20_000
    assert time.process_time() - started < 20  # about 4 s; a million in 200 s
