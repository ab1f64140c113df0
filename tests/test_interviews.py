"""Interviews as tables: people, consent, codings, agreement, counts, saturation, quotes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cjlib.errors import JourneyError, MissingSourceError, TooFewError
from cjlib.interviews import (
    Interviews,
    check_coding,
    cohen_kappa,
    count_codes,
    krippendorff_alpha,
    measure_agreement,
    measure_saturation,
    pick_quotes,
    read_interviews,
)
from cjlib.study import load_study

STUDY = """
study: 1
id: tiny
title: Tiny
brand: Tiny
language: en
privacy: {key: public}
stages:
  - {id: purchase, label: Purchase}
  - {id: delivery, label: Delivery}
touchpoints:
  - {id: courier, label: Courier, stage: delivery}
interviews: {folder: talks, people: people.csv, coding: coding.csv, codes: codes.csv}
"""
PEOPLE = """interview,participant,customer_id,language,consent,age,gender,place,file
i1,Sara Miri,c1,en,yes,34,f,Tehran,
i2,,c2,fa,,51,m,,
group,Ann,c3,en,yes,20,f,,focus.txt
group,Bob,c4,en,no,30,m,,focus.txt
"""
CODES = """code,label_en,label_fa,definition,example,lane,stage
slow,Slow,کند,,,pain,delivery
price,Price,قیمت,,,pain,
kind,Kind staff,,,,strength,
"""
CODING = """interview,turn,coder,code,stage,touchpoint,valence,quote
i1,2,a,slow,,courier,negative,
i1,2,b,slow,,,-1,
i1,4,a,price,purchase,,1,
i1,4,a,slow,,,,
i2,,a,slow,,,منفی,سه هفته طول کشید
group,2-3,a,kind,,,positive,
"""
TALKS = {
    "i1.txt": "Interviewer: How was it?\nSara Miri: It took three weeks, call me on 09121234567 "
    "please.\nInterviewer: Sara, the price?\nSara Miri: The price was fair, I must say, "
    "fair indeed.",
    "i2.txt": "مصاحبه‌گر: چطور بود؟\nمشتری: سه هفته طول کشید تا کالا برسد و کسی پاسخ نداد.",
    "focus.txt": "Moderator: Welcome\nAnn: The staff was kind to me and helped at once, truly.\n"
    "Bob: They were kind to me as well, all of them, every day.",
}


@pytest.fixture
def tiny(tmp_path):
    def make(*, people=PEOPLE, coding=CODING, codes=CODES, study=STUDY, talks=TALKS):
        (tmp_path / "talks").mkdir(exist_ok=True)
        files = {"study.yaml": study, "people.csv": people, "coding.csv": coding,
                 "codes.csv": codes} | {f"talks/{n}": t for n, t in talks.items()}  # fmt: skip
        for name, text in files.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        return load_study(tmp_path)

    return make


def test_tables_by_hand(tiny):
    study = tiny()
    found = read_interviews(study)
    spoken = found.utterances

    assert found.misfits.empty, found.misfits.to_dict("records")
    assert spoken["interview_id"].drop_duplicates().tolist() == ["group", "i1", "i2"]
    own = spoken[spoken["role"] == "participant"]
    customers = study.pseudonyms(pd.Series(["c3", "c4", "c1", "c1", "c2"]), "C").tolist()
    assert own["customer_id"].tolist() == customers
    assert own["consent"].tolist() == [True, False, True, True, False]  # an empty one is no
    assert spoken[spoken["role"] == "interviewer"]["customer_id"].isna().all()
    assert spoken[spoken["role"] == "interviewer"]["consent"].tolist() == [False, True, True, False]
    assert own["language"].tolist() == ["en"] * 4 + ["fa"]
    assert spoken["speaker"].tolist()[:3] == ["interviewer-1", "participant-1", "participant-2"]


def test_no_name_and_no_number_is_left_anywhere(tiny):
    found = read_interviews(tiny())

    everything = " ".join(
        str(v)
        for frame in (found.utterances, found.codings, found.people, found.roles, found.redactions)
        for v in frame.to_numpy().ravel()
    )
    for secret in ("Sara", "Miri", "Ann", "Bob", "0912", "c1"):
        assert secret not in everything
    assert found.redactions.to_dict("list") == {
        "interview_id": ["i1", "i1"], "turn": [2, 3], "kind": ["phone", "name"],
        "placeholder": ["[phone-1]", "[name-1]"],
    }  # fmt: skip


def test_codings_are_matched_to_turns(tiny):
    codings = read_interviews(tiny()).codings

    rows = codings[["interview_id", "turn", "coder", "code", "stage"]].values.tolist()
    assert rows == [
        ["group", 2, "a", "kind", pd.NA], ["group", 3, "a", "kind", pd.NA],
        ["i1", 2, "a", "slow", "delivery"], ["i1", 2, "b", "slow", "delivery"],
        ["i1", 4, "a", "price", "purchase"], ["i1", 4, "a", "slow", "delivery"],
        ["i2", 2, "a", "slow", "delivery"],
    ]  # fmt: skip
    assert codings["valence"].tolist()[:5] == [1, 1, -1, -1, 1]
    assert np.isnan(codings["valence"].iloc[5])


def test_two_quotes_of_a_turn_are_two_codings_but_one_mention(tiny):
    coding = "interview,turn,coder,code,quote\ni1,4,a,price,The price\ni1,4,a,price,fair indeed\n"
    found = read_interviews(tiny(coding=coding))

    assert found.misfits.empty
    assert found.codings["quote"].tolist() == ["The price", "fair indeed"]
    assert count_codes(found).table[["mentions", "turns"]].values.tolist() == [[1, 1]]


def test_every_misfit_with_its_line(tiny):
    coding = (
        "interview,turn,coder,code,stage,touchpoint,valence,quote\n"
        "i9,1,a,slow,,,,\n"
        "i1,40,a,slow,,,,\n"
        "i1,2,a,slwo,,,,\n"
        "i1,2,a,slow,delivry,,good,\n"
        "i1,2,a,price,,,,fair indeed\n"
        "i1,,a,price,,,,no such words\n"
        "i1,2,a,slow,,,,\n"
    )
    people = PEOPLE + "ghost,,,,yes,,,,\ni1,Sara Miri,,,yes,,,,\ni1,X,,,perhaps,,,,\n"
    study = tiny(coding=coding, people=people, talks=TALKS | {"extra.txt": "Q: a\nA: b"})

    faults = {(f.file, f.line): f for f in check_coding(study)}

    assert [line for file, line in faults if file == "coding.csv"] == [2, 3, 4, 5, 6, 7, 8]
    assert faults["coding.csv", 4].nearest == "slow"
    assert "turn 4" in faults["coding.csv", 6].expected
    assert "again (first on line 5)" in faults["coding.csv", 8].found
    assert "valence 'good'" in faults["coding.csv", 5].found  # the last of that line's two
    assert [line for file, line in faults if file == "people.csv"] == [7, 8, 0, 6]
    assert len(read_interviews(study).codings) == 1  # the row of line 5 stays


def test_without_people_every_file_is_an_interview_and_nobody_is_quoted(tiny):
    study = tiny(study=STUDY.replace(", people: people.csv", ""))
    found = read_interviews(study)

    assert found.utterances["interview_id"].drop_duplicates().tolist() == ["focus", "i1", "i2"]
    assert not found.utterances["consent"].any()
    assert pick_quotes(found).table.empty


def test_the_same_interview_in_two_formats_is_read_once(tiny):
    vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Q>Why?\n\n00:03.000 --> 00:04.000\n<v A>So\n"
    found = read_interviews(tiny(talks=TALKS | {"i2.vtt": vtt}))

    assert found.utterances.query("interview_id == 'i2'")["start_s"].tolist() == [1, 3]
    assert "'i2' again" in found.misfits["found"].tolist()


def test_a_study_without_interviews_or_with_an_empty_folder(tiny):
    study = tiny(study=STUDY.rsplit("interviews:", 1)[0])

    assert check_coding(study) == []
    with pytest.raises(MissingSourceError, match="must have interviews"):
        read_interviews(study)
    (study.path / "void").mkdir()
    empty = tiny(study=STUDY.replace("talks", "void"), talks={})
    with pytest.raises(JourneyError, match="none of its 0 files"):
        read_interviews(empty)


# Krippendorff, K. (2011). Computing Krippendorff's Alpha-Reliability, section C: four
# observers, twelve units, missing judgements. Printed: nominal .743, ordinal .815,
# interval .849, ratio .797.
X = np.nan
CANONICAL = np.array([
    [1, 2, 3, 3, 2, 1, 4, 1, 2, X, X, X],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, X, 3],
    [X, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, X],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, X],
])  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "printed"),
    [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)],
)
def test_alpha_matches_krippendorff_2011(metric, printed):
    assert krippendorff_alpha(CANONICAL, metric=metric) == pytest.approx(printed, abs=0.0005)


def slow_alpha(values):
    """Nominal alpha pair by pair, from the definition."""
    units = [[v for v in unit if not np.isnan(v)] for unit in values.T]
    units = [u for u in units if len(u) >= 2]
    n = sum(map(len, units))
    observed = sum(
        sum(u[i] != u[j] for i in range(len(u)) for j in range(len(u)) if i != j) / (len(u) - 1)
        for u in units
    ) / n  # fmt: skip
    flat = [v for u in units for v in u]
    expected = sum(a != b for a in flat for b in flat) / (n * (n - 1))
    return 1 - observed / expected if expected else np.nan


cells = st.sampled_from([0.0, 1.0, 2.0, np.nan])


@given(st.lists(st.lists(cells, min_size=3, max_size=3), min_size=2, max_size=8))
def test_alpha_the_slow_way_and_its_laws(units):
    values = np.array(units).T
    if not (np.sum(~np.isnan(values), axis=0) >= 2).any():
        assert np.isnan(krippendorff_alpha(values))
        return

    found = krippendorff_alpha(values)

    assert found == pytest.approx(slow_alpha(values), abs=1e-12, nan_ok=True)
    assert np.isnan(found) or found <= 1
    shuffled = krippendorff_alpha(values[::-1, ::-1])
    assert shuffled == pytest.approx(found, abs=1e-12, nan_ok=True)


def test_kappa_by_hand():
    first = [1] * 25 + [0] * 25
    second = [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    # agreement .70; chance .5 * .6 + .5 * .4 = .50; (.70 - .50) / (1 - .50) = .40
    assert cohen_kappa(first, second) == pytest.approx(0.40)
    assert cohen_kappa([*first, np.nan], [*second, 1]) == pytest.approx(0.40)
    assert np.isnan(cohen_kappa([1, 1], [1, 1]))
    with pytest.raises(JourneyError, match="metric must be one of"):
        krippendorff_alpha(CANONICAL, metric="ordnial")


def make(codings, *, turns=20, text="A plain sentence that is long enough to be quoted here."):
    """Interviews from (interview, turn, coder, code[, stage, valence]) rows."""
    rows = [(*row, "", np.nan)[:6] if len(row) < 6 else row for row in codings]
    frame = pd.DataFrame(
        rows, columns=["interview_id", "turn", "coder", "code", "stage", "valence"]
    ).assign(touchpoint=pd.NA, quote="")  # fmt: skip
    names = sorted(frame["interview_id"].unique())
    spoken = pd.DataFrame(
        [(i, f"P{i}", f"C{i}", t, "participant-1", "participant", np.nan, f"{text} {i} {t}",
          "en", True) for i in names for t in range(1, turns + 1)],
        columns=["interview_id", "participant", "customer_id", "turn", "speaker", "role",
                 "start_s", "text", "language", "consent"],
    )  # fmt: skip
    people = spoken.drop_duplicates("interview_id").assign(age="", gender="f", place="")
    codes = pd.DataFrame({"code": frame["code"].drop_duplicates()})
    none = pd.DataFrame()
    return Interviews(spoken, frame, codes, people, none, none, none)


def coded_pair(table, *, code="x"):
    """Two coders' yes/no judgements of one interview's turns."""
    rows = [("i1", t, who, code) for who, judged in table.items() for t, v in judged.items() if v]
    other = [("i1", 1, who, "other") for who in table]  # so that both worked on it
    return rows + other


def test_agreement_equals_alpha_and_kappa_of_the_turns():
    rng = np.random.default_rng(1)
    a, b = rng.random((2, 60)) < 0.4
    b = np.where(rng.random(60) < 0.7, a, b)
    rows = coded_pair({"a": dict(enumerate(a, 1)), "b": dict(enumerate(b, 1))})
    table = measure_agreement(make(rows, turns=60), rng=np.random.default_rng(2)).table
    found = table[table["code"] == "x"].set_index("measure")

    judged = np.array([a, b], dtype=float)
    assert found.loc["alpha", "estimate"] == pytest.approx(krippendorff_alpha(judged))
    assert found.loc["kappa", "estimate"] == pytest.approx(cohen_kappa(*judged))
    assert (found["n"] == 60).all()
    assert (found["low"] < found["estimate"]).all()
    assert (found["estimate"] < found["high"]).all()
    pooled = table.set_index(["code", "measure"]).loc["all codes", "alpha"]["estimate"]
    both = np.hstack([judged, np.array([[1.0] + [0] * 59] * 2)])
    assert pooled == pytest.approx(krippendorff_alpha(both))


def test_agreement_says_when_it_cannot_tell():
    few = make([("i1", 1, "a", "x"), ("i1", 1, "b", "x")], turns=5)
    table = measure_agreement(few, rng=np.random.default_rng(1)).table
    assert table["estimate"].isna().all()
    assert set(table["method"]) == {"too few (n < 30)"}
    alone = make([("i1", 1, "a", "x"), ("i2", 1, "b", "x")])
    with pytest.raises(TooFewError, match="second person"):
        measure_agreement(alone, rng=np.random.default_rng(1))


def test_disagreements_name_each_coder():
    rows = [("i1", 1, "a", "x"), ("i1", 2, "a", "x"), ("i1", 2, "b", "x"), ("i2", 1, "a", "x")]
    found = measure_agreement(make(rows), rng=np.random.default_rng(1)).disagreements

    assert found[["interview_id", "turn", "code", "coder", "applied"]].values.tolist() == [
        ["i1", 1, "x", "a", True], ["i1", 1, "x", "b", False]
    ]  # fmt: skip


@pytest.mark.slow
def test_agreement_interval_covers_the_truth():
    # Two coders, each turn truly yes with .3, each right with .9: agreement .82 on average,
    # shares .34: kappa of the endless supply = (.82 - .5512) / (1 - .5512) = .5989.
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(200):
        truth = rng.random(150) < 0.3
        a, b = (np.where(rng.random(150) < 0.9, truth, ~truth) for _ in range(2))
        rows = coded_pair({"a": dict(enumerate(a, 1)), "b": dict(enumerate(b, 1))})
        table = measure_agreement(make(rows, turns=150), rng=rng).table
        row = table[(table["code"] == "x") & (table["measure"] == "kappa")].iloc[0]
        hits += row["low"] <= 0.5989 <= row["high"]
    assert 0.90 <= hits / 200 <= 0.99


def test_counts_are_of_interviews_not_turns():
    rows = [("i1", t, c, "slow", "delivery", -1) for t in (1, 2, 3) for c in "ab"]
    rows += [("i2", 1, "a", "slow", "purchase", 1), ("i3", 1, "a", "fair", "purchase", 1),
             ("i4", 1, "a", "fair", "", 1), ("i5", 1, "a", "fair", "", 1)]  # fmt: skip
    found = make(rows)

    table = count_codes(found).table.set_index("code")
    assert table.loc["slow", ["mentions", "turns", "n"]].tolist() == [2, 4, 5]
    # Wilson by hand for 2 of 5: (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n)
    assert table.loc["slow", ["low", "high"]].tolist() == pytest.approx([0.1176, 0.7693], abs=5e-5)
    stages = count_codes(found, by="stage").table
    assert stages[stages["stage"] == "delivery"][["code", "mentions", "n"]].values.tolist() == [
        ["slow", 1, 5]
    ]  # fmt: skip
    together = count_codes(found).together
    assert together[["both", "either"]].values.tolist() == [[0, 5]]


def test_counts_by_persona_take_the_personas_participants_as_base():
    rows = [(f"i{k}", 1, "a", "slow" if k < 4 else "fair") for k in range(1, 9)]
    personas = pd.Series({f"Ci{k}": "p1" if k <= 5 else "p2" for k in range(1, 8)})
    table = count_codes(make(rows), by="persona", personas=personas).table

    assert table[["persona", "code", "mentions", "n"]].values.tolist() == [
        ["p1", "slow", 3, 5], ["p1", "fair", 2, 5], ["p2", "fair", 2, 2]
    ]  # fmt: skip
    assert table["method"].tolist()[2] == "too few (n < 5)"
    with pytest.raises(JourneyError, match="needs personas"):
        count_codes(make(rows), by="persona")
    with pytest.raises(JourneyError, match="Did you mean 'stage'"):
        count_codes(make(rows), by="stagee")


# codes of each interview: base 4 hears a..h (8); then run (5, 6) hears i (1/8), run (6, 7)
# nothing new after i came in 5.
HEARD = ["abc", "cde", "fg", "gh", "hi", "a", "bc", "j"]


def saturated(heard):
    return make([(f"i{k}", 1, "a", c) for k, codes in enumerate(heard, 1) for c in codes])


def test_saturation_by_hand():
    found = measure_saturation(saturated(HEARD), rng=np.random.default_rng(1))

    assert found.table["codes"].tolist() == [3, 5, 7, 8, 9, 9, 9, 10]
    assert found.table["new_codes"].tolist() == [3, 2, 2, 1, 1, 0, 0, 1]
    shares = found.table["share"].tolist()
    assert shares[5:] == [1 / 8, 0, 1 / 8]
    assert np.isnan(shares[:5]).all()
    assert found.reached.estimate == 5  # 5+2
    assert "Saturated after 5+2 of 8" in found.summary()
    loose = measure_saturation(saturated(HEARD), rng=np.random.default_rng(1), threshold=0.2)
    assert loose.reached.estimate == 4
    never = measure_saturation(
        saturated(["a", "b", "c", "d", "e", "f", "g"]), rng=np.random.default_rng(1)
    )
    assert np.isnan(never.reached.estimate)
    assert never.share_reached == 0
    assert "Not saturated after 7" in never.summary()


@settings(max_examples=25)
@given(st.lists(st.text(alphabet="abcdef", min_size=1, max_size=4), min_size=6, max_size=9))
def test_saturation_laws(heard):
    table = measure_saturation(saturated(heard), rng=np.random.default_rng(1)).table

    assert table["codes"].tolist() == [
        len(set("".join(heard[:k]))) for k in range(1, len(heard) + 1)
    ]
    last = table.iloc[-1]
    assert last["low"] == last["high"] == last["codes"]  # every order ends with all codes
    assert table["estimate"].is_monotonic_increasing


def test_saturation_needs_enough_interviews():
    with pytest.raises(TooFewError, match="there are 3"):
        measure_saturation(saturated(["a", "b", "c"]), rng=np.random.default_rng(1))


def test_quotes_follow_the_rule():
    rows = [("i1", 1, "a", "slow", "delivery", -1), ("i2", 1, "a", "slow", "delivery", -1),
            ("i2", 2, "a", "rare", "delivery", -1), ("i3", 1, "a", "slow", "delivery", 1),
            ("i1", 2, "a", "slow", "delivery", -1)]  # fmt: skip
    found = make(rows)
    quotes = pick_quotes(found, n=3)

    assert quotes.table[["interview_id", "turn", "kind"]].values.tolist() == [
        ["i1", 1, "typical"], ["i2", 1, "typical"], ["i3", 1, "dissenting"]
    ]  # fmt: skip
    assert pick_quotes(found, code="rare").table["turn"].tolist() == [2]
    assert pick_quotes(found, customers=["Ci2"]).table["interview_id"].tolist() == ["i2", "i2"]
    assert pick_quotes(found, stage="purchase").table.empty


def test_quotes_respect_consent_and_length():
    rows = [(f"i{k}", 1, "a", "slow") for k in (1, 2, 3)]
    found = make(rows)
    found.utterances.loc[found.utterances["interview_id"] == "i1", "consent"] = False
    found.utterances.loc[found.utterances["interview_id"] == "i2", "text"] = "Too short."
    assert pick_quotes(found).table["interview_id"].tolist() == ["i3"]
    found.utterances.loc[found.utterances["interview_id"] == "i3", "role"] = "interviewer"
    assert pick_quotes(found).table.empty


def test_plots_show_the_tables_numbers():
    rows = [("i1", t, c, "slow") for t in range(1, 15) for c in "ab"]
    rows += [(f"i{k}", 1, "a", "fair") for k in range(2, 8)] + [("i1", 20, "a", "slow")]
    found = make(rows, turns=40)

    counts = count_codes(found)
    widths = sorted(p.get_width() for p in counts.plot().patches)
    assert widths == pytest.approx(sorted(counts.table["estimate"]))
    agreement = measure_agreement(found, rng=np.random.default_rng(1))
    shown = agreement.plot().lines[0].get_xdata()
    alphas = agreement.table.query("measure == 'alpha'")["estimate"]
    assert sorted(shown) == pytest.approx(sorted(alphas.dropna()))
    saturation = measure_saturation(found, rng=np.random.default_rng(1))
    assert saturation.plot().lines[0].get_ydata().tolist() == saturation.table["codes"].tolist()


def test_the_shipped_interviews(sepidar):
    found = read_interviews(load_study(sepidar))

    assert found.misfits.empty, found.misfits.to_dict("records")
    assert found.utterances["interview_id"].nunique() == 24
    assert set(found.roles["rule"]) <= {"named", "listed"}
    assert not found.utterances["text"].str.contains(r"09\d{9}|@\w+\.\w+", regex=True).any()
    agreement = measure_agreement(found, rng=np.random.default_rng(1))
    assert agreement.table["estimate"].iloc[0] > 0.6
    quotes = pick_quotes(found, n=3).table
    consented = found.utterances[found.utterances["consent"]]["interview_id"]
    assert quotes["interview_id"].isin(consented).all()
    assert quotes["text"].str.len().between(40, 240).all()
