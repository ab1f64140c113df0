"""Whom a question was asked, sums of money, and codes that drift between waves."""

from __future__ import annotations

import csv
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cjlib.errors import StudyError
from cjlib.study import load_study
from cjlib.survey import clean_answers, count_codes, read_answers, replay_ledger

STUDY = """
study: 1
id: trial
title: Trial
brand: Trial
language: en
privacy: {{key: public}}
currency: {{id: {currency}, label: {currency}}}
stages: [{{id: buy, label: Buy}}, {{id: use, label: Use}}]
survey:
  waves: [{{id: w0, files: [w0.csv]}}, {{id: w1, files: [w1.csv]}}]
  cleaning: {{duplicates: false, missing_share: 0.4}}
"""
CODEBOOK = """
name,source,kind,low,high,reverse,missing,labels,unit,scale,asked_if
owns,,nominal,,,,9|8,1=Yes/بله|2=No/خیر|8=Not sure,,,
cars,,multi,,,,,a=Small|b=Large,,,owns=1
pleased,,scale,1,5,yes,99,,,,owns=1
why,,nominal,,,,,1=Price|2=Place,,,pleased=1|2 & owns!=2
large,,tick,,,,,,,,cars=b
never,,scale,1,5,,,,,,owns!=1
paid,,money,0,,,-1,,rial,,
rent,,money,,,,,,toman,midpoint,owns!=1|9
age,,number,0,120,,,,,midpoint,
way,,nominal,,,,w0:7|0,1=Bus|2=Car|3=Walk|w1:1>2|w1:2>3|w1:3>1,,,
""".strip()
HEADER = ["owns", "cars", "pleased", "why", "large", "never", "paid", "rent", "age", "way"]


@pytest.fixture
def write(tmp_path):
    """Write a study of two waves and load it."""

    def make(*waves, codebook=CODEBOOK, currency="toman", header=HEADER):
        (tmp_path / "study.yaml").write_text(STUDY.format(currency=currency), encoding="utf-8")
        (tmp_path / "codebook.csv").write_text(codebook, encoding="utf-8")
        for number in range(2):
            rows = waves[number] if number < len(waves) else waves[0]
            with (tmp_path / f"w{number}.csv").open("w", encoding="utf-8", newline="") as out:
                csv.writer(out).writerows([header, *rows])
        return load_study(tmp_path)

    return make


def record(**cells):
    return [cells.get(name, "") for name in HEADER]


def ledger_of(survey, column):
    rows = survey.ledger[survey.ledger["column"].eq(column)]
    return [(r.row, r.rule, r.old, None if pd.isna(r.new) else r.new) for r in rows.itertuples()]


ROUTES = {
    "asked, answered": record(owns="1", cars="a;b", pleased="5", why="1", large="x", never=""),
    "asked, silent": record(owns="1"),
    "not asked, silent": record(owns="2", never="3"),
    "not asked, answered": record(owns="خیر", cars="b", pleased="4", why="2", large="x"),
    "not asked, nonsense": record(owns="2", pleased="good", cars="z"),
    "not asked, missing code": record(owns="2", pleased="99"),
    "nobody knows, silent": record(age="30"),
    "nobody knows, answered": record(owns="", cars="b", pleased="5", why="1", large=""),
    "not sure, told": record(owns="8", never="2", pleased="3"),
    "unfit, answered": record(owns="maybe", never="2"),
    "reversed code": record(owns="1", cars="a", pleased="1", why="1"),
}


def test_each_route_by_hand(write):
    """``why`` waits for ``pleased`` as coded in the form (1 or 2), which waits for ``owns``."""
    survey = clean_answers(write(list(ROUTES.values()), [ROUTES["asked, silent"]]))
    rows = survey.everyone.iloc[: len(ROUTES)].set_index(pd.Index(ROUTES))
    out = survey.not_asked.iloc[: len(ROUTES)].set_index(pd.Index(ROUTES))

    no = [name for name in ROUTES if name.startswith("not asked")]
    assert out.loc[no, ["cars", "pleased", "why", "large"]].all(axis=None)
    assert rows.loc[no, ["cars_a", "cars_b", "pleased", "why", "large"]].isna().all(axis=None)
    assert rows.loc["not asked, silent", "never"] == 3
    assert not out.loc["asked, silent"][["cars", "pleased"]].any()
    assert rows.loc["asked, silent", "cars_b"] == False  # noqa: E712 (not missing: chose none)
    assert out.loc["asked, silent", ["why", "large", "never"]].tolist() == [True, True, True]
    assert out.loc["nobody knows, silent"][["cars", "pleased", "never"]].all()
    assert rows.loc["nobody knows, answered", "pleased"] == 1  # reversed: 5 in the form
    assert rows.loc["nobody knows, answered", "large"] == False  # noqa: E712 (cars has b)
    assert pd.isna(rows.loc["not sure, told", "pleased"])
    assert rows.loc["not sure, told", "never"] == 2
    assert rows.loc["unfit, answered", "never"] == 2
    assert pd.isna(rows.loc["asked, answered", "why"])  # pleased is 5
    assert rows.loc["reversed code", "why"] == "1"
    places = {name: place + 2 for place, name in enumerate(ROUTES)}
    nonsense = places["not asked, nonsense"]
    assert ledger_of(survey, "pleased")[1:4] == [
        (places["not asked, answered"], "answered though not asked", "4", None),
        (nonsense, "answered though not asked", "good", None),
        (places["not asked, missing code"], "missing code", "99", None),
    ]
    condition = survey.ledger[survey.ledger["column"].eq("why")]["threshold"]
    assert set(condition) == {"pleased=1|2 & owns!=2"}
    assert "pleased" not in set(survey.unfit["column"])
    said = [text for text in survey.warnings if "though it was not asked" in text]
    assert any(text.startswith("3 answer(s) to pleased in wave w0") for text in said)


def test_not_asked_is_not_left_out(write):
    """Of two rated items one was asked: whoever answered it left out nothing."""
    survey = clean_answers(write([record(owns="2", never="3"), record(owns="1", pleased="4")]))

    assert survey.quality["missing_share"].tolist() == [0, 0, 0, 0]
    silent = clean_answers(write([record(owns="2"), record(owns="1")]))
    assert silent.quality["missing_share"].tolist() == [1, 1, 1, 1]


def test_who_was_not_asked_stands_in_no_base(write):
    """40 own a car (30 say why), 25 do not: "why" has a base of 40 at most."""
    rows = [record(owns="1", pleased="1", why="1" if n < 30 else "") for n in range(40)]
    rows += [record(owns="2", never="1") for _ in range(25)]
    survey = clean_answers(write(rows, [record(owns="2", never="1")]))

    assert set(count_codes(survey, "why", base="all", wave="w0").table["n"]) == {40}
    assert set(count_codes(survey, "why", wave="w0").table["n"]) == {30}
    assert set(count_codes(survey, "owns", base="all", wave="w0").table["n"]) == {65}


def test_a_wave_without_the_deciding_question_asked_everyone(write):
    book = CODEBOOK.replace("\nowns,,", "\nowns,w0:owns,")
    survey = clean_answers(write([record(pleased="5", cars="b")], codebook=book))

    assert survey.everyone["pleased"].tolist() == [1, 1]
    assert not survey.not_asked[["pleased", "cars"]].any(axis=None)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("own=1", r"csv:4: .*unknown item.*Did you mean 'owns'"),
        ("owns=3", r"code '3' is none of 'owns'; expected one of 1, 2, 8, 9"),
        ("never=7", r"code '7' is none of 'never'; expected a number from 1.0 to 5.0"),
        ("large=maybe", "expected yes or no"),
        ("owns", "expected item=code"),
        ("paid=5", "of kind money"),
        ("why=1", "leads back to 'pleased'"),
    ],
)
def test_a_wrong_condition_is_a_fault(write, wrong, said):
    book = CODEBOOK.replace(
        "pleased,,scale,1,5,yes,99,,,,owns=1", f"pleased,,scale,1,5,yes,99,,,,{wrong}"
    )
    with pytest.raises(StudyError, match=said):
        write([record()], codebook=book)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("paid,,money,0,,,-1,,rial", "paid,,money,0,,,-1,,", "money item 'paid' without unit"),
        ("paid,,money,0,,,-1,,rial", "paid,,money,0,,,-1,,usd", "whose currency is 'toman'"),
        ("age,,number,0,120,,,,,midpoint", "age,,number,0,120,,,,,midpont", "'midpoint'"),
        ("age,,number,0,120,,,,,", "age,,number,0,120,,,,year,", "unit 'year' on kind number"),
        ("w0:7", "v0:7", "missing 'v0:7' of an unknown wave"),
        ("w1:1>2", "w9:1>2", "of an unknown wave"),
        ("w1:1>2", "w1:1>4", r"label 'w1:1>4'; expected one of 1, 2, 3"),
    ],
)  # fmt: skip
def test_a_wrong_codebook_is_a_fault(write, old, new, said):
    with pytest.raises(StudyError, match=said):
        write([record()], codebook=CODEBOOK.replace(old, new))


SUMS = {  # paid: in Rial unless the cell says otherwise; the study counts in Toman
    "2500000": (250_000, "digits; rial to toman"),
    "۲۵۰ هزار تومان": (250_000, "money as written"),
    "2,500,000 ریال": (250_000, "money as written; rial to toman"),
    "۳/۵ میلیون تومان": (3_500_000, "money as written"),
    "۲ میلیون و ۵۰۰ هزار تومان": (2_500_000, "money as written"),
    "۲۵۰هزارتومان": (250_000, "money as written"),
    "۷٫۵۰۰ تومان": (None, "not surely a sum of money"),
    "35ت": (None, "not surely a sum of money"),
    "200-300 هزار تومان": (None, "not surely a sum of money"),
    "$25": (None, "another currency"),
    "-20000": (None, "out of range"),
    "-1": (None, "missing code"),
    "نمی‌دانم": (None, "no answer, in words"),
    "cheap": (None, "no rule for it"),
}


def test_money_in_the_currency_of_the_study(write):
    survey = clean_answers(write([record(owns="1", paid=text) for text in SUMS]))
    found = survey.everyone["paid"].iloc[: len(SUMS)]
    rows = survey.ledger[survey.ledger["column"].eq("paid") & survey.ledger["wave"].eq("w0")]

    assert found.astype(object).where(found.notna(), None).tolist() == [v for v, _ in SUMS.values()]
    assert rows["rule"].tolist() == [rule for _, rule in SUMS.values()]
    unfit = survey.unfit[survey.unfit["column"].eq("paid") & survey.unfit["wave"].eq("w0")]
    sure = {"missing code", "no answer, in words"}
    missed = {text for text, (v, rule) in SUMS.items() if v is None and rule not in sure}
    assert set(unfit["value"]) == missed
    in_rial = clean_answers(write([record(owns="1", paid="۲۵۰ هزار تومان")], currency="rial"))
    assert in_rial.everyone["paid"].tolist() == [2_500_000] * 2


def test_ranges_stand_for_their_middle_where_the_codebook_says_so(write):
    texts = ["25-34", "۲۵ تا ۳۴", "65+", "under 18", "100-200", "34-25"]
    rents = ["100 هزار تا 200 هزار", "5 تا 10 میلیون", "50,000-70,000 ریال", "1,000,000", "", ""]
    rows = [record(owns="2", age=a, rent=r) for a, r in zip(texts, rents, strict=True)]
    survey = clean_answers(write(rows))
    first = survey.everyone.iloc[:6]

    assert first["age"].fillna(-1).tolist() == [29.5, 29.5, -1, -1, -1, -1]
    assert first["rent"].fillna(-1).tolist() == [150_000, -1, 6_000, 1_000_000, -1, -1]
    assert ledger_of(survey, "age")[0][1:] == ("range to midpoint", "25-34", "29.5")
    thresholds = survey.ledger.loc[survey.ledger["rule"].eq("range to midpoint"), "threshold"]
    assert set(thresholds) == {"25 to 34"}
    strict = CODEBOOK.replace("age,,number,0,120,,,,,midpoint", "age,,number,0,120,,,,,")
    plain = clean_answers(write(rows, codebook=strict))
    assert plain.everyone["age"].isna().all()
    assert "a range, not a number" in set(plain.unfit["rule"])


def test_codes_of_a_wave_are_its_own(write):
    """Bus is 1 in w0 and 3 in w1; 7 means nothing in w0, and is no code at all in w1."""
    rows = [record(owns="1", way=text) for text in ("1", "۲", "3", "Car", "7", "0", "2.0")]
    survey = clean_answers(write(rows))
    ways = survey.everyone["way"].fillna("-").tolist()

    assert ways[:7] == ["1", "2", "3", "2", "-", "-", "2"]
    assert ways[7:] == ["2", "3", "1", "2", "-", "-", "3"]
    odd = survey.unfit[survey.unfit["column"].eq("way")]
    assert odd[["wave", "value", "rule"]].to_numpy().tolist() == [
        ["w1", "7", "no code of this wave"]
    ]
    rules = survey.ledger[survey.ledger["column"].eq("way") & survey.ledger["wave"].eq("w1")]
    assert rules["rule"].tolist()[0] == "code of the wave"
    assert rules["threshold"].tolist()[0] == "2"


cells = {
    "owns": ["1", "2", "9", "8", "", "Yes", "خیر", "maybe"],
    "cars": ["a", "b", "a;b", "", "z", "Small"],
    "pleased": ["1", "2", "۵", "99", "", "no way"],
    "why": ["1", "2", "", "Price"],
    "large": ["", "x", "no"],
    "never": ["1", "5", "", "6"],
    "paid": ["", "0", "500000", "35ت", "۲۵۰ هزار تومان", "$5"],
    "rent": ["", "5000-7000", "20,000 ریال", "7.500"],
    "age": ["30", "25-34", "65+", ""],
    "way": ["1", "2", "3", "7", "0", "Bus"],
}
exports = st.lists(
    st.tuples(*(st.sampled_from(cells[name]) for name in HEADER)), min_size=1, max_size=25
)


@settings(max_examples=25)
@given(exports, exports)
def test_laws_with_routes_and_money(tmp_path_factory, first, second):
    """Rows in are kept and removed; the ledger alone makes the table; not asked holds nothing."""
    folder = tmp_path_factory.mktemp("law")
    (folder / "study.yaml").write_text(STUDY.format(currency="toman"), encoding="utf-8")
    (folder / "codebook.csv").write_text(CODEBOOK, encoding="utf-8")
    for number, rows in enumerate((first, second)):
        with (folder / f"w{number}.csv").open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([[*HEADER], *rows])
    study = load_study(folder)
    raw = read_answers(study)
    survey = clean_answers(study, raw=raw)

    removed = int(survey.ledger["action"].eq("removed").sum())
    assert len(raw.table) == len(survey.respondents) + removed
    assert not survey.ledger.duplicated(["respondent_id", "column"]).any()
    replayed = replay_ledger(raw, survey.ledger, codebook=study.codebook).reset_index(drop=True)
    pd.testing.assert_frame_equal(replayed, survey.respondents[list(replayed.columns)])
    plain = survey.ledger.astype(dict.fromkeys(("wave", "file", "column", "new"), "string"))
    again = replay_ledger(raw, plain, codebook=study.codebook).reset_index(drop=True)
    pd.testing.assert_frame_equal(again, replayed)
    for name, hidden in survey.not_asked.items():
        own = [c for c in survey.everyone if c == name or c.startswith(f"{name}_")]
        assert survey.everyone.loc[hidden.to_numpy(), own].isna().all(axis=None)
    owns = raw.table["owns"].map(lambda t: {"Yes": "1", "خیر": "2"}.get(t, t))
    assert survey.not_asked["cars"][owns.isin(["2", "8"])].all()
    assert not survey.not_asked["cars"][owns.eq("1")].any()
    assert not survey.not_asked["never"][owns.eq("2")].any()


BOOK = (
    "name,kind,low,high,metric,question_en,missing,reverse\n"
    "nps,scale,0,10,nps,,,\n"
    "liked,scale,1,5,csat,,,\n"
    "ease,scale,1,7,ces,{question},,{reverse}\n"
    "ten,scale,1,10,,,,\n"
)


def warn(write, columns, *, question="How easy was it?", reverse="", second=None):
    names = ["nps", "liked", "ease", "ten"]

    def rows(cells):
        full = {n: cells.get(n, [""] * 120) for n in names}
        return [[str(full[n][i]) for n in names] for i in range(120)]

    book = BOOK.format(question=question, reverse=reverse)
    study = write(rows(columns), rows(second or columns), codebook=book, header=names)
    return " ".join(clean_answers(study).warnings)


def test_an_nps_asked_from_1_to_10_is_doubted(write):
    ten = [1 + i % 10 for i in range(120)]
    assert "asked from 1 to 10" in warn(write, {"nps": ten})
    assert "asked from 1 to 10" not in warn(write, {"nps": [0, *ten[1:]]})
    assert "asked from 1 to 10" not in warn(write, {"nps": [*ten[:99], *[""] * 21]})
    assert "asked from 1 to 10" not in warn(write, {"nps": [2 + i % 9 for i in range(120)]})
    worded = [f"{n} - Extremely likely" if n == 11 else n for n in (2 + i % 10 for i in range(120))]
    assert "coded 1 to 11" in warn(write, {"nps": worded})


def test_effort_taken_for_ease_is_doubted(write):
    liked = [1 + i % 5 for i in range(120)]
    along, against = [1 + x for x in liked], [7 - x for x in liked]
    assert "goes against satisfaction" in warn(write, {"liked": liked, "ease": against})
    assert "goes against" not in warn(write, {"liked": liked, "ease": along})
    assert "goes against" not in warn(write, {"liked": liked, "ease": against}, reverse="yes")
    effort = "How much effort did it take?"
    assert "asks for effort" in warn(write, {"liked": liked, "ease": along}, question=effort)


def test_a_shorter_scale_in_one_wave_is_doubted(write):
    five, ten = [1 + i % 5 for i in range(120)], [1 + i % 10 for i in range(120)]
    assert "none of 120 answers is above 5" in warn(write, {"ten": five}, second={"ten": ten})
    assert "shorter scale" not in warn(write, {"ten": ten}, second={"ten": ten})
    seven = [1 + i % 7 for i in range(120)]
    assert "above 7" in warn(write, {"ten": seven}, second={"ten": ten})
    assert "shorter scale" not in warn(write, {"ten": seven}, second={"ten": seven})
    assert "shorter scale" not in warn(write, {"ten": [*five[:49], *[""] * 71]})


def test_codes_a_file_declares_missing_are_named(write):
    study = write([record(owns="1", pleased="5", age="98")] * 3)
    raw = read_answers(study)
    columns = ["wave", "file", "item", "code", "label", "missing"]
    told = [
        ["w0", "w0.csv", "age", "98", "Refused", True],
        ["w0", "w0.csv", "pleased", "99.0", "", True],
        ["w0", "w0.csv", "pleased", "5", "Very", False],
        ["w0", "w0.csv", "age", "97", "", True],
    ]
    told_raw = SimpleNamespace(
        table=raw.table, absent=raw.absent, unknown=raw.unknown, files=raw.files,
        declared=pd.DataFrame(told, columns=columns),
    )  # fmt: skip
    said = [t for t in clean_answers(study, raw=told_raw).warnings if "declares" in t]

    assert len(said) == 1
    assert "declares 98 (Refused) of age missing, the codebook does not: 3 answer(s)" in said[0]


def test_a_big_ledger_is_small(write):
    """Each row of the ledger takes at most 24 bytes, respondents' names apart."""
    rng = np.random.default_rng(1)
    words = np.array(["Yes", "No", "بله"])
    rows = [record(owns=w) for w in words[rng.integers(0, 3, 4000)]]
    ledger = clean_answers(write(rows)).ledger

    assert len(ledger) >= 8000
    used = sum(
        (column.cat.codes if isinstance(column.dtype, pd.CategoricalDtype) else column)
        .memory_usage(index=False, deep=True)
        for _, column in ledger.items()
    )  # fmt: skip
    assert used / len(ledger) <= 24
