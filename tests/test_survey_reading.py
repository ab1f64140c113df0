"""Reading exports: encodings, separators, workbooks, stacked headers, hostile files."""

from __future__ import annotations

import zipfile

import openpyxl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cjlib.errors import ColumnError, JourneyError, UnsafeFileError
from cjlib.study import load_study
from cjlib.survey import read_answers
from cjlib.survey.encoding import find_encoding, to_utf8
from cjlib.survey.exports import read_export
from cjlib.survey.separated import find_separator

STUDY = """
study: 1
id: trial
title: Trial
brand: Trial
language: fa
stages: [{id: buy, label: Buy}, {id: use, label: Use}]
survey:
  waves:
    - {id: one, files: [a.csv]}
    - {id: two, files: [b.csv, c.csv]}
"""
CODEBOOK = """name,source,kind,low,high
person,,id,,
rating,Q1|two:امتیاز شما,scale,1,5
note,one:Remark,text,,
mail,E-mail,personal,,
"""
PERSIAN = "شناسه;امتیاز شما;نظر\n007;5;خیلی خوب بود؛ پیک زود رسید\nNA;۴;گران است\n"
FRENCH = "person;Q1;note\n1;5;café à côté\n2;4;garçon\n"


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        (PERSIAN, "utf-8", "utf-8"),
        (PERSIAN, "utf-8-sig", "utf-8-sig"),
        (PERSIAN, "utf-16", "utf-16"),
        (FRENCH, "utf-16-le", "utf-16-le"),
        (FRENCH, "utf-16-be", "utf-16-be"),
        (PERSIAN.replace("ی", "ي").replace("۴", "4"), "windows-1256", "windows-1256"),
        ("نظر;امتياز\nخوب بود;5\n", "windows-1256", "windows-1256"),
        (FRENCH, "windows-1252", "windows-1252"),
        ("a,b\n1,2\n", "ascii", "utf-8"),
    ],
)
def test_encodings_found_in_the_wild(text, encoding, found):
    data = text.encode(encoding)

    assert find_encoding(data, shown="x.csv") == found
    assert to_utf8(data, encoding=found, shown="x.csv").decode("utf-8") == text


def test_a_file_that_fits_no_encoding_says_where():
    data = "a\nb".encode("utf-16") + b"\x00\xd8b\x00"

    with pytest.raises(JourneyError, match=r"'x.csv' is read as utf-16, but byte 8 on line 2 does"):
        to_utf8(data, encoding=find_encoding(data, shown="x.csv"), shown="x.csv")


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("a,b,c\n1,2;x;y,3\n4,5;z,6\n", ","),
        ("a;b;c\n1;2,5;3\n4;5,5;6\n", ";"),
        ("a\tb\n1,2,3\t2\n3\t4\n", "\t"),
        ('"a;b","c"\n"1;2","3"\n', ","),
        ("only\n1\n2\n", ","),
    ],
)
def test_separators(text, separator):
    assert find_separator(text) == separator


cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=8)


@given(st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=6))
def test_every_cell_comes_through_as_it_was_written(tmp_path_factory, rows):
    import csv

    path = tmp_path_factory.mktemp("csv") / "a.csv"
    kept = [row for row in rows if any(cell.strip() for cell in row)]
    assume(kept)
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["a", "b", "c"], *rows])

    export = read_export(path, shown="a.csv")

    assert export.rows.to_numpy().tolist() == kept
    assert export.blank_rows == len(rows) - len(kept)


@pytest.fixture
def write(tmp_path):
    """Write the study and its three files, and load it."""

    def write(a: bytes | str, b: bytes | str, c: bytes | str, first: str = "a.csv"):
        study = STUDY.replace("a.csv", first)
        (tmp_path / "study.yaml").write_text(study, encoding="utf-8")
        (tmp_path / "codebook.csv").write_text(CODEBOOK, encoding="utf-8")
        for name, data in zip("abc", (a, b, c), strict=True):
            raw = data if isinstance(data, bytes) else data.encode()
            (tmp_path / f"{name}.csv").write_bytes(raw)
        return load_study(tmp_path)

    return write


FIRST = "person,Q1,Remark,E-mail,Extra\n007,5,fine,a@b.c,x\n\n,,,,\nNA,4,null,,y\n"
SECOND = "person;امتياز  شما;E-mail\n1;3;z@z.z\n".encode("utf-16")
THIRD = "امتیاز\u200cشما\tperson\n2\t9\n"


def test_waves_files_and_columns_by_the_codebook(write):
    raw = read_answers(write(FIRST, SECOND, THIRD))

    assert raw.table["person"].tolist() == ["007", "NA", "1", "9"]
    assert raw.table["rating"].tolist() == ["5", "4", "3", "2"]
    assert raw.table["note"].tolist()[:2] == ["fine", "null"]
    assert raw.table["note"].isna().tolist() == [False, False, True, True]
    assert raw.table[["wave", "file", "row"]].to_numpy().tolist() == [
        ["one", "a.csv", 2], ["one", "a.csv", 5], ["two", "b.csv", 2], ["two", "c.csv", 2],
    ]  # fmt: skip
    assert raw.files["encoding"].tolist() == ["utf-8", "utf-16", "utf-8"]
    assert raw.files["separator"].tolist() == [",", ";", "\t"]
    assert raw.files["blank_rows"].tolist() == [2, 0, 0]
    assert raw.absent[["wave", "item"]].to_numpy().tolist() == [["two", "note"]]
    assert raw.unknown[["wave", "header"]].to_numpy().tolist() == [["one", "Extra"]]
    assert "a@b.c" not in raw.table.to_csv()
    assert "4 rows from 3 file(s) of 2 wave(s)" in raw.summary()


def test_no_item_at_all_names_the_nearest(write):
    with pytest.raises(ColumnError, match=r"wave 'one'.*none of 3.*The nearest .* is 'Persons'"):
        read_answers(write("Persons;q\n1;2\n", SECOND, THIRD))


def test_a_sign_in_a_header_is_not_dropped(write):
    raw = read_answers(write("person,Q_1\n1,5\n", SECOND, THIRD))

    assert ["one", "rating"] in raw.absent[["wave", "item"]].to_numpy().tolist()


def test_a_row_too_long_is_refused_with_its_line(write):
    with pytest.raises(
        JourneyError, match=r"'a.csv', read with ','.*has 5 on line 3 where .* 2.*stray quote"
    ):
        read_answers(write("person,Q1\n1,5\n2,4,3,2,1\n3,4\n4,5\n", SECOND, THIRD))


SHORT = "person,Q1,Remark\n1,5\n2,4,x\n3\n4,4,y\n"


def test_a_row_too_short_is_refused_with_its_line(write):
    wrong = r"has 2 on line 2 and 1 more row\(s\) where the header has 3.*short_rows: fill"

    with pytest.raises(JourneyError, match=wrong):
        read_answers(write(SHORT, SECOND, THIRD))


def test_short_rows_are_filled_where_the_study_says_so(write):
    raw = read_answers(write(SHORT, SECOND, THIRD, first="{path: a.csv, short_rows: fill}"))

    assert raw.table["note"].tolist()[:4] == ["", "x", "", "y"]
    assert raw.files["uneven_rows"].tolist() == [2, 0, 0]
    assert "2 uneven row(s) were evened out" in raw.summary()


@pytest.mark.parametrize("told", ["sep=;", '"sep=;"'])
def test_excel_says_the_separator_itself(write, told):
    raw = read_answers(write(f"{told}\nperson;Q1\n1;5\n", SECOND, THIRD))

    assert raw.table["rating"].tolist()[0] == "5"


def test_line_ends_of_old_macs(write):
    raw = read_answers(write("person,Q1\r1,5\r2,4\r", SECOND, THIRD))

    assert raw.table["rating"].tolist()[:2] == ["5", "4"]


def test_a_quote_left_open_is_refused(write):
    with pytest.raises(JourneyError, match=r"in 'a.csv'.*row on line 2 is never closed"):
        read_answers(write('person,Q1\n1,"5\n2,4\n', SECOND, THIRD))


def test_an_empty_file_is_refused(write):
    with pytest.raises(JourneyError, match="'a.csv' is empty"):
        read_answers(write("", SECOND, THIRD))


QUALTRICS = (
    'ResponseId,Q1\n"Response ID","How good,\nall in all?"\n'
    '"{""ImportId"":""_recordId""}","{""ImportId"":""QID1""}"\nR_1,5\nR_2,4\n'
)


def test_three_header_rows_are_recognised(tmp_path):
    path = tmp_path / "q.csv"
    path.write_text(QUALTRICS, encoding="utf-8")

    export = read_export(path, shown="q.csv")

    assert export.header_rows == 3
    assert export.headers == ["ResponseId", "Q1"]
    assert export.questions[1] == "How good,\nall in all?"
    assert export.rows[1].tolist() == ["5", "4"]
    assert export.rows.index.tolist() == [4, 5]


def test_workbooks_as_text(tmp_path):
    import datetime

    book = openpyxl.Workbook()
    book.active.append(["person", "Q1", "when", "share", "ok"])
    book.active.append([7, 5.0, datetime.datetime(2025, 6, 8), 0.25, True])
    book.active.append(["007", None, datetime.datetime(2025, 6, 8, 10, 30), "=1+1", None])
    book.save(tmp_path / "a.xlsx")

    export = read_export(tmp_path / "a.xlsx", shown="a.xlsx")

    assert export.rows.to_numpy().tolist() == [
        ["7", "5", "2025-06-08", "0.25", "True"],
        ["007", "", "2025-06-08 10:30:00", "", ""],
    ]
    assert export.separator == "sheet Sheet"


def test_a_workbook_that_unpacks_too_far_is_refused_unread(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as parts:
        for number in range(4):
            with parts.open(f"xl/worksheets/sheet{number}.xml", "w") as part:
                for _ in range(100):
                    part.write(b"0" * 1_000_000)

    with pytest.raises(UnsafeFileError, match="unpacks to 400,000,000. Save the sheet as CSV"):
        read_export(tmp_path / "bomb.xlsx", shown="bomb.xlsx")


@pytest.mark.parametrize("data", [b"PK\x03\x04 and no more", b"not a workbook"])
def test_a_broken_workbook_is_an_error_of_ours(tmp_path, data):
    (tmp_path / "a.xlsx").write_bytes(data)

    with pytest.raises(JourneyError, match=r"readable workbook.*save the sheet as CSV"):
        read_export(tmp_path / "a.xlsx", shown="a.xlsx")


def test_other_kinds_of_file_are_named(tmp_path):
    (tmp_path / "a.dta").write_bytes(b"<stata_dta>")

    with pytest.raises(JourneyError, match=r"must be CSV, xlsx or sav; 'a.dta' is neither"):
        read_export(tmp_path / "a.dta", shown="a.dta")
