"""Exports of survey tools: header forms, dialects found and forced, damage told with its line."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import zipfile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cjlib.definitions import Dialect
from cjlib.errors import ColumnError, JourneyError, StudyError, UnsafeFileError
from cjlib.study import load_study
from cjlib.survey import exports, read_answers
from cjlib.survey.exports import read_export


@pytest.fixture
def read(tmp_path):
    """Write a file and read it as an export."""

    def read(data: bytes | str, name: str = "x.csv", **dialect):
        raw = data.encode() if isinstance(data, str) else data
        (tmp_path / name).write_bytes(raw)
        return read_export(tmp_path / name, shown=name, dialect=Dialect(**dialect))

    return read


# Header rows as the tools write them ----------------------------------------------------

LEGACY = (
    "V1,V2,V6,V8,V9,V10,Q1,Q2_1,Q2_TEXT\n"
    "ResponseID,ResponseSet,IPAddress,StartDate,EndDate,Finished,"
    '"How satisfied, all in all?",Rate it - Price,Rate it - Text\n'
    "R_1,Default,1.1.1.1,2014-03-01 10:00,2014-03-01 10:09,1,5,2,ok\n"
)
STRIPPED = (
    "StartDate,Finished,ResponseId,Q1\nStart Date,Finished,Response ID,How good is it?\n"
    "2024-01-01,True,R_1,5\n"
)
ANONYMOUS = "Q1,Q2_1\nHow satisfied are you?,Rate the price of it\n5,2\n4,\n"
MONKEY = (
    "Respondent ID,Collector ID,Date Created,How often?,What matters?,,,Rate us,,Why?\n"
    ",,,Response,Price,Speed,Other (please specify),Shop,App,Open-Ended Response\n"
    "1,9,01/02/2024,Weekly,Price,,,4,5,all fine\n2,9,01/02/2024,Never,,Speed,taste,1,,\n"
)
PANDAS_MONKEY = MONKEY.replace("What matters?,,,", "What matters?,Unnamed: 5,Unnamed: 6,").replace(
    "Rate us,,", "Rate us,Unnamed: 8,"
)
LIME_CODES = (
    '"id";"submitdate";"lastpage";"startlanguage";"Q1";"Q1[other]";"Q2[SQ001]";"Q2[SQ002]"\n'
    '"1";"2024-01-01 10:00:00";"3";"fa";"A1";"";"A4";"A5"\n'
)
LIME_BOTH = (
    "\ufeffid. Response ID;submitdate. Date submitted;startlanguage. Start language;"
    "G01Q02. How good?;G01Q03[SQ001]. Rate [Price];G01Q03[SQ002]. Rate [Speed]\n"
    "1;2024-01-01;en;Good;3;4\n"
)
LIME_TEXTS = (
    "Response ID,Date submitted,Last page,Start language,How good?,Rate [Price],Rate [Speed]\n"
    "1,2024-01-01,3,en,Good,3,4\n"
)
GOOGLE = (
    "برچسب زمانی,جنسیت,امتیاز دهید [قیمت],امتیاز دهید [سرعت],چه خریدید؟\n"
    '2024/01/01 10:00:00 ق.ظ,زن,5,4,"نان;شیر, پنیر"\n'
)
GOOGLE_EN = 'Timestamp,"Age, in years",Buys\n1/2/2024 10:00:00,30,Tea;Milk\n'


@pytest.mark.parametrize(
    ("text", "form", "rows"),
    [
        (LEGACY, "qualtrics legacy", 2),
        (STRIPPED, "qualtrics legacy", 2),
        (ANONYMOUS, "qualtrics legacy", 2),
        (MONKEY, "surveymonkey", 2),
        (PANDAS_MONKEY, "surveymonkey", 2),
        (LIME_CODES, "limesurvey", 1),
        (LIME_BOTH, "limesurvey", 1),
        (LIME_TEXTS, "limesurvey", 1),
        (GOOGLE, "google forms", 1),
        (GOOGLE_EN, "google forms", 1),
        # what looks a little like one of them and is none
        ("Q1,Q2\nI like the fast delivery,The price is too high\nok,good\n", "plain", 1),
        ("Timestamp,x\nmorning,1\n", "plain", 1),
        (",a,b\n1,x,y\n2,x,z\n", "plain", 1),
        ("id,a,,\n1,x,y,z\n2,u,v,w\n", "plain", 1),
        ("q1,q2\nResponse,1\nResponse,2\n", "plain", 1),
        ("Name,Status,Email\nFinished,x,y\nz,y,x\n", "plain", 1),
        ("startdate,q1\n2024-01-01,5\n", "plain", 1),
    ],
)
def test_the_form_is_found(read, text, form, rows):
    export = read(text)

    assert (export.form, export.header_rows) == (form, rows)
    assert len(export.headers) == len(export.groups) == export.rows.shape[1]
    assert export.rows.index[0] == rows + 1


def test_names_over_questions(read):
    export = read(LEGACY)

    assert export.headers[6:8] == ["Q1", "Q2_1"]
    assert export.questions[6] == "How satisfied, all in all?"
    assert export.rows.iloc[0].tolist()[-3:] == ["5", "2", "ok"]


def test_options_are_named_with_their_question(read):
    for text in (MONKEY, PANDAS_MONKEY):
        export = read(text)

        assert export.headers[3:] == [
            "How often?", "What matters? [Price]", "What matters? [Speed]",
            "What matters? [Other (please specify)]", "Rate us [Shop]", "Rate us [App]", "Why?",
        ]  # fmt: skip
        assert export.groups == [""] * 4 + ["What matters?"] * 3 + ["Rate us"] * 2 + [""]
        assert export.rows[5].tolist() == ["", "Speed"]


def test_check_all_columns_alone_show_the_form(read):
    text = "What matters?,,Age\nPrice,Speed,\nPrice,,30\n,Speed,40\nPrice,Speed,20\n"

    assert read(text).headers == ["What matters? [Price]", "What matters? [Speed]", "Age"]


def test_limesurvey_codes_and_texts(read):
    codes, both, texts = read(LIME_CODES), read(LIME_BOTH), read(LIME_TEXTS)

    assert codes.separator == both.separator == ";"
    assert codes.groups[4:] == ["Q1", "Q1", "Q2", "Q2"]
    assert both.encoding == "utf-8-sig"
    assert both.headers[3:5] == ["G01Q02", "G01Q03[SQ001]"]
    assert both.questions[3:5] == ["How good?", "Rate [Price]"]
    assert texts.headers[-1] == "Rate [Speed]"
    assert texts.groups[-2:] == ["Rate", "Rate"]


def test_grids_of_google_forms(read):
    export = read(GOOGLE)

    assert export.separator == ","
    assert export.groups == ["", "", "امتیاز دهید", "امتیاز دهید", ""]
    assert export.rows[4].tolist() == ["نان;شیر, پنیر"]


def test_a_unit_in_brackets_makes_no_group(read):
    assert read("id,Income [USD]\n1,5\n").groups == ["", ""]


# Any dialect ------------------------------------------------------------------------------

LATIN = ["Yes", "1,5", "2;3", "a|b", 'he said "no"', "two\nlines", "", "café", "x, y", "-7", "a\tb"]
FARSI = ["خوب", "گران؛ دير", "1,5", "نان;شير", 'او گفت "نه"', "دو\nخط", "", "x|y"]
HEADERS = ["id", "How good, all in all?", 'Rate "us"; please', "two\nlines", "مبلغ|واحد"]


@st.composite
def tables(draw):
    encoding = draw(
        st.sampled_from(
            ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1256", "cp1252"]
        )
    )
    words = LATIN if encoding == "cp1252" else FARSI if encoding == "cp1256" else LATIN + FARSI
    width = draw(st.integers(1, 6))
    header = [f"q{i}" for i in range(width)]
    if encoding != "cp1252":
        known = HEADERS if width > 1 else HEADERS[:-1]  # "a|b" over one column cannot be told
        header = [draw(st.sampled_from([*known, h])) for h in header]
    size = draw(st.integers(1, 30))
    rows = [[draw(st.sampled_from(words)) for _ in header] for _ in range(size)]
    return encoding, header, [*rows, ["خوب" if encoding == "cp1256" else "ok"] * width]


@settings(max_examples=150)
@given(
    tables(), st.sampled_from(",;\t|"), st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.booleans(),
)  # fmt: skip
def test_any_dialect_gives_the_same_cells(tmp_path_factory, table, separator, end, quoting, told):
    encoding, header, rows = table
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=end)
    writer.writerows([header, *rows])
    path = tmp_path_factory.mktemp("any") / "x.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    dialect = Dialect(encoding=encoding, separator=separator) if told else Dialect()
    dialect = Dialect(dialect.encoding, dialect.separator, form="plain")

    export = read_export(path, shown="x.csv", dialect=dialect)

    assert export.rows.to_numpy().tolist() == [r for r in rows if any(c.strip() for c in r)]
    assert export.headers == header
    if len(header) > 1:
        assert export.separator == separator


@pytest.mark.parametrize(
    ("text", "separator", "width"),
    [
        ("a;b\n1,5;2,5\n3,5;4,5\n", ";", 2),  # decimal commas
        ("q1 good, all;q2\n1,5;3\n4,5;2\n", ";", 2),
        ('"a";"b, c"\n"1";"2, 3"\n', ";", 2),
        ("How good, all in all?\n5\n4\n", ";", 1),
        ("Why?\nFast, cheap\nSlow\nGood, fast, cheap\n", ";", 1),
        ("share\n0,5\n0,7\n", ";", 1),
        ("a,b\n1,2\n", ",", 2),
        ("\n,\na,b\n1,2\n\n", ",", 2),
        ("a\tb, c\n1\t2\n", "\t", 2),
        ('id,"what, why"\n1,Tea;Milk\n2,Tea;Milk\n3,Tea;Milk\n', ",", 2),
    ],
)
def test_separators_that_mislead(read, text, separator, width):
    export = read(text)

    assert (export.separator, export.rows.shape[1]) == (separator, width)


def test_blank_rows_above_the_header_are_counted(read):
    export = read("\n,\na,b\n1,2\n\n")

    assert export.headers == ["a", "b"]
    assert export.rows.index.tolist() == [4]
    assert export.blank_rows == 3


def test_packed_text_is_read_and_bounded(read, monkeypatch):
    assert read(gzip.compress(b"a,b\n1,2\n"), "x.csv.gz").rows.to_numpy().tolist() == [["1", "2"]]
    with pytest.raises(JourneyError, match=r"packed file must be whole; 'x.csv.gz'"):
        read(gzip.compress(b"a,b\n1,2\n" * 100)[:-12], "x.csv.gz")
    monkeypatch.setattr(exports, "MAX_TEXT", 1000)
    with pytest.raises(UnsafeFileError, match=r"at most 1,000 bytes; 'x.csv.gz'"):
        read(gzip.compress(b"0" * 2000), "x.csv.gz")


# Forced -----------------------------------------------------------------------------------


def test_what_is_forced_is_not_sought(read):
    assert read("a;b,c\n1;2,3\n", separator=",").headers == ["a;b", "c"]
    assert read("a\tb\n1\t2\n", separator="tab").headers == ["a", "b"]
    assert read("café\n1\n".encode("cp1252"), encoding="iso-8859-1").headers == ["café"]
    assert read(LEGACY, form="plain").header_rows == 1
    two = read("a,b\nHow?,Why?\n1,2\n", header_rows=2)
    assert (two.questions, two.rows.index.tolist()) == (["How?", "Why?"], [3])
    assert read(MONKEY, header_rows=2).headers[4] == "What matters? [Price]"
    monkey = read("id,a,\n7,x,y\n1,2,3\n", form="surveymonkey")
    assert monkey.headers == ["id [7]", "a [x]", "a [y]"]


def test_a_forced_encoding_that_does_not_fit_says_where(read):
    with pytest.raises(JourneyError, match=r"read as utf-8, but byte 6 on line 2 does not fit"):
        read("a,b\n1,é\n".encode("cp1252"), encoding="utf-8")


@pytest.fixture
def book(tmp_path):
    """A workbook of two sheets."""
    made = openpyxl.Workbook()
    made.active.title = "Spring"
    for row in (["id", "q1", None], [1, 5, None], [2, None, None]):
        made.active.append(row)
    other = made.create_sheet("Autumn")
    other.append(["id", "q1"])
    other.append([3, 4])
    made.save(tmp_path / "book.xlsx")
    return tmp_path / "book.xlsx"


def test_a_workbook_is_read_as_one_whatever_its_name(book, tmp_path):
    (tmp_path / "named.csv").write_bytes(book.read_bytes())

    export = read_export(tmp_path / "named.csv", shown="named.csv")

    assert (export.encoding, export.separator) == ("xlsx", "sheet Spring")
    assert export.rows.to_numpy().tolist() == [["1", "5"], ["2", ""]]
    assert export.note == "sheet 'Spring' read, not 'Autumn'"


def test_a_sheet_by_name(book):
    export = read_export(book, shown="b", dialect=Dialect(sheet="Autumn"))

    assert (export.rows.to_numpy().tolist(), export.note) == ([["3", "4"]], "")
    with pytest.raises(JourneyError, match=r"'b' has no 'autum'. Did you mean 'Autumn'"):
        read_export(book, shown="b", dialect=Dialect(sheet="autum"))


STUDY = """\
study: 1
id: trial
title: Trial
brand: Trial
language: en
stages: [{{id: buy, label: Buy}}, {{id: use, label: Use}}]
survey:
  waves:
    - id: one
      files:
{files}
"""


@pytest.fixture
def load(tmp_path, book):
    """A study of the given files."""

    def load(*files: str, codebook: str = "name,kind\nid,id\nq1,text\n"):
        text = STUDY.format(files="\n".join(f"        - {file}" for file in files))
        (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
        (tmp_path / "codebook.csv").write_text(codebook, encoding="utf-8")
        return load_study(tmp_path)

    return load


def test_the_study_says_how_a_file_is_written(load, tmp_path):
    (tmp_path / "odd.csv").write_bytes("id^q1\n9^é\n".encode("cp1252"))
    raw = read_answers(
        load(
            "{path: book.xlsx, sheet: Spring}", "{path: book.xlsx, sheet: Autumn}",
            '{path: odd.csv, separator: "^", encoding: windows-1252}',
        )
    )  # fmt: skip

    assert raw.table["id"].tolist() == ["1", "2", "3", "9"]
    assert raw.table["q1"].tolist()[-1] == "é"
    assert raw.files["file"].tolist() == ["book.xlsx (Spring)", "book.xlsx (Autumn)", "odd.csv"]
    assert not raw.table.duplicated(["wave", "file", "row"]).any()
    assert raw.files["form"].tolist() == ["plain"] * 3


def test_a_note_reaches_the_summary(load):
    summary = read_answers(load("book.xlsx")).summary()

    assert summary.endswith("book.xlsx: sheet 'Spring' read, not 'Autumn'.")


@pytest.mark.parametrize(
    ("file", "fault"),
    [
        ("{path: book.xlsx, sheeet: A}", r"yaml:11: unknown key 'sheeet'.*mean 'sheet'"),
        ("{path: book.xlsx, encoding: windows1256}", r"yaml:11: encoding.*mean 'windows-1256'"),
        ("{path: book.xlsx, form: survey monkey}", r"yaml:11: form.*mean 'surveymonkey'"),
        ("{path: book.xlsx, header_rows: 9}", r"yaml:11: header_rows: 9; expected .*1 to 3"),
        ("{path: book.xlsx, separator: ab}", r'yaml:11: separator: "ab"; expected one sign'),
        ("{path: book.xlsx, separator: x}", r'yaml:11: separator: "x"; expected one sign'),
        ("{sheet: A}", r"yaml:11: no 'path'"),
        ("{path: gone.csv}", r"yaml:10: file 'gone.csv'"),
        ("7", r"yaml:11: .*expected a path inside the study"),
    ],
)
def test_faults_in_what_the_study_says(load, file, fault):
    with pytest.raises(StudyError, match=fault):
        load(file)


# Columns found by the codebook -------------------------------------------------------------


def test_a_header_that_stands_twice_is_refused_if_it_is_named(load, tmp_path):
    (tmp_path / "twice.csv").write_text("id,q1,x,x,q1\n1,5,,,4\n", encoding="utf-8")
    with pytest.raises(ColumnError, match=r"'q1' heads the columns 2, 5 of 'twice.csv'. Rename"):
        read_answers(load("twice.csv"))
    raw = read_answers(load("twice.csv", codebook="name,kind\nid,id\nq1,ignore\n"))
    assert raw.unknown["header"].tolist() == ["x", "x"]


def test_limesurvey_items_by_code_text_or_both(load, tmp_path):
    (tmp_path / "lime.csv").write_text(LIME_BOTH, encoding="utf-8")
    for source in ("G01Q03[SQ002]", "Rate [Speed]", "G01Q03[SQ002]. Rate [Speed]"):
        book = f"name,source,kind\nspeed,{source},text\n"
        assert read_answers(load("lime.csv", codebook=book)).table["speed"].tolist() == ["4"]


# Damage ------------------------------------------------------------------------------------

DAMAGED = {
    "cut inside a quote": (b'a,b\n1,2\n"x\n3,4\n', r"row on line 3 is never closed.*cut off"),
    "cut inside a quoted header": (b'a,"b\n1,2\n', r"row on line 1 is never closed"),
    "quote closed too early": (b'a,b\n1,"x"y\n', r"row on line 2 goes on after its closing"),
    "rows swallowed by a quote": (b'a,b\n1,"x\n2,"y\n3,z\n', r"row on line 2 goes on after"),
    "short row": (b"a,b\n1,2\n3\n", r"has 1 on line 3 where the header has 2"),
    "short row after line breaks": (b'a,b\n"1\n\n",2\n3\n', r"has 1 on line 5"),
    "long row": (b"a,b\n1,2,3\n", r"has 3 on line 2 where the header has 2"),
    "title": (b"Report\nid,q1\n1,5\n2,4\n", r"has 2 on line 2 .*1.*a title above the header"),
    "padded title": (b"Report,,\nid,q1,q2\n1,5,4\n", r"names one of 3, 'Report'. Delete the title"),
    "empty": (b"", r"'x.csv' is empty. Export it again"),
    "only blanks": (b" \n,,\n \n", r"'x.csv' is empty"),
    "byte-order mark only": (b"\xef\xbb\xbf", r"'x.csv' is empty"),
    "header only": (b"a,b\n", r"answers below its header; 'x.csv' has 1 header row.*'a', 'b'"),
    "blank answers": (b"a,b\n,\n\n", r"answers below its header"),
    "zero bytes": (b"a,b\n1,2\n3,\x00\x00\n", r"zero byte on line 3"),
    "picture": (b"\x89PNG\r\n\x1a\n\x00\x00", r"'x.csv' is a picture"),
    "old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"old Excel workbook.*save it as xlsx"),
    "web page": (b"\n<!DOCTYPE html><html>", r"'x.csv' is a web page"),
    "json": (b'[{"a": 1}]', r"'x.csv' is JSON"),
    "one enormous line": (b"x" * 3_000_000, r"line 1 of 'x.csv' is too long"),
    "enormous header": (b"a," * 40_000 + b"\n1,2\n", r"line 1 of 'x.csv' is too long"),
    "enormous row": (b"a,b\n1,2\n3," + b"y" * 40_000_000 + b"\n", r"line 3 of 'x.csv' is too long"),
    "truncated zip": (b"PK\x03\x04 and no more", r"must be a readable workbook"),
    "damaged UTF-8": (
        "نظر,ب\nخیلی خوب بود,۱\n".encode()[:-3] + b"\xd8",
        r"utf-8, but byte .* line 2",
    ),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damage_is_one_clear_error(read, case):
    data, wrong = DAMAGED[case]

    with pytest.raises(JourneyError, match=wrong) as told:
        read(data)

    assert "x.csv" in str(told.value)
    assert str(told.value).endswith((".", "}."))


def test_an_archive_of_something_else(read):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as parts:
        parts.writestr("answers.csv", "a,b\n1,2\n")

    with pytest.raises(JourneyError, match=r"zip archive that holds 'answers.csv'. Unpack it"):
        read(packed.getvalue(), "x.zip")


def test_a_workbook_with_an_entity_bomb_is_refused(book, read):
    bomb = io.BytesIO()
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(bomb, "w") as new:
        for part in old.namelist():
            text = old.read(part)
            if part.endswith("sheet1.xml"):
                text = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + text
            new.writestr(part, text)

    with pytest.raises(JourneyError, match="must be a readable workbook"):
        read(bomb.getvalue(), "x.xlsx")


@settings(max_examples=60)
@given(st.data())
def test_a_damaged_workbook_never_gets_further_than_our_error(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("book")
    made = openpyxl.Workbook()
    made.active.append(["id", "q1"])
    made.active.append([1, "x"])
    made.save(folder / "a.xlsx")
    raw = bytearray((folder / "a.xlsx").read_bytes())
    for place, byte in data.draw(st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)))):
        raw[int(place * len(raw))] = byte
    cut = int(len(raw) * data.draw(st.sampled_from([1, 0.99, 0.5])))
    (folder / "a.xlsx").write_bytes(raw[:cut])

    with contextlib.suppress(JourneyError):
        read_export(folder / "a.xlsx", shown="a.xlsx")


def test_cells_under_no_header_may_lack_or_be_empty(read):
    assert read("a,b,\n1,2\n3,4,\n").uneven_rows == 1
    assert read("a,b\n1,2,,\n3,4\n").uneven_rows == 1
    assert read('a,b\n1,5" pipe\n2,6\n').rows[1].tolist() == ['5" pipe', "6"]


# Real exports ------------------------------------------------------------------------------

REAL = [
    ("qualtrics_ux_cupcake/qualtrics_export.csv", "qualtrics", "utf-8", 29, 89),
    ("qualtrics_ux_cupcake/author_cleaned.csv", "plain", "utf-8", 423, 19),
    ("qualtrics_prolific_climate/qualtrics_export.csv", "qualtrics", "utf-8", 452, 27),
    ("fivethirtyeight_surveys/comma-survey__comma-survey.csv", "plain", "utf-8", 1129, 13),
    ("fivethirtyeight_surveys/flying-etiquette-survey__flying-etiquette.csv", "plain", "utf-8",
     1040, 27),
    ("fivethirtyeight_surveys/masculinity-survey__raw-responses.csv", "plain", "utf-8", 1615, 98),
    ("fivethirtyeight_surveys/religion-survey__religion-survey-results.csv", "surveymonkey",
     "utf-8", 1039, 48),
    ("fivethirtyeight_surveys/sleeping-alone-data__sleeping-alone-data.csv", "surveymonkey",
     "windows-1252", 1093, 31),
    ("starbucks_google_forms/Starbucks satisfactory survey.csv", "google forms", "utf-8", 122, 21),
    ("starbucks_google_forms/Starbucks satisfactory survey encode cleaned.csv", "plain",
     "utf-8-sig", 113, 33),
    ("young_people_survey/responses.csv", "plain", "utf-8", 1010, 150),
    ("bank_satisfaction_es/satisfaction.csv", "plain", "utf-8", 250, 28),
    ("ecsi_mobi/mobi.csv", "plain", "utf-8", 250, 24),
    ("airline_satisfaction/airline_passenger_satisfaction.csv.gz", "plain", "utf-8", 129_880, 24),
    ("sfo_airport_survey/raw/2010_SFO_Customer_Survey.csv", "plain", "utf-8", 3234, 100),
    ("sfo_airport_survey/raw/2011_SFO_Customer_Survey.csv", "plain", "utf-8", 3872, 68),
    ("sfo_airport_survey/raw/2012_SFO_Customer_Survey.csv", "plain", "utf-8", 3521, 61),
    ("sfo_airport_survey/raw/2013_SFO_Customer_Survey.csv", "plain", "utf-8", 3535, 95),
    ("sfo_airport_survey/raw/2014_SFO_Customer_Survey.csv", "plain", "utf-8", 2818, 94),
    ("sfo_airport_survey/raw/2015_SFO_Customer_Survey.csv", "plain", "utf-8", 2958, 88),
    ("sfo_airport_survey/raw/2017_SFO_Customer_Survey.csv", "plain", "utf-8", 2831, 97),
]  # fmt: skip


@pytest.mark.real
@pytest.mark.parametrize(("file", "form", "encoding", "rows", "columns"), REAL)
def test_real_exports(shared_data, file, form, encoding, rows, columns):
    export = read_export(shared_data / file, shown=file)

    assert (export.form, export.encoding, export.separator) == (form, encoding, ",")
    assert export.rows.shape == (rows, columns)
    assert (export.blank_rows, export.uneven_rows) == (0, 0)


@pytest.mark.real
def test_real_students_with_empty_rows(shared_data):
    export = read_export(shared_data / "likert_sasr" / "sasr.csv", shown="sasr.csv")

    assert export.rows.shape == (725, 63)
    assert export.blank_rows == 135


@pytest.mark.real
def test_real_options_of_surveymonkey(shared_data):
    """Sleeping alone: 11 reasons with "other", as the SurveyMonkey file lists them."""
    file = "fivethirtyeight_surveys/sleeping-alone-data__sleeping-alone-data.csv"
    export = read_export(shared_data / file, shown=file)
    reasons = [h for h, g in zip(export.headers, export.groups, strict=True) if "reasons" in g]

    assert len(reasons) == 11
    assert reasons[0].endswith("Please select all that apply. [One of us snores]")
    place = export.headers.index(reasons[0])
    assert set(export.rows[place]) == {"", "One of us snores"}
