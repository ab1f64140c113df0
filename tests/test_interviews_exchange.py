"""Codings to and from other tools: the way there and back, other tools' files, hostile ones."""

from __future__ import annotations

import csv
import dataclasses
import stat
import zipfile

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjlib.errors import JourneyError, UnsafeFileError
from cjlib.interviews import read_interviews
from cjlib.interviews.exchange import read_refi, read_taguette, write_refi, write_taguette
from cjlib.interviews.spans import find_spans, key_places
from cjlib.language import key
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
interviews: {folder: talks, people: people.csv, coding: coding.csv, codes: codes.csv}
"""
PEOPLE = """interview,participant,customer_id,language,consent,age,gender,place,file
i1,,c1,fa,yes,34,f,,
i2,,c2,en,no,51,m,,
group,Ann,c3,en,yes,20,f,,focus.txt
group,Bob,c4,en,no,30,m,,focus.txt
"""
CODES = """code,label_en,label_fa,definition,example,lane,stage
slow,Slow,کند,It took too long,,pain,delivery
glad,Glad,خوشحال,,,,
"""
TALK = """Interviewer: چطور بود؟
Customer: 😀😀 بسته‌ام دیر رسید ولی app خوب بود 👍🏽 really good.
Interviewer: Yes.
Customer: Yes. Yes.
"""
FOCUS = """Moderator: How was it?
Ann: The courier was late again.
Bob: I never got mine.
Ann: I was glad in the end.
"""
CODING = """interview,turn,coder,code,stage,touchpoint,valence,quote
i1,2,A,slow,,,-1,بسته‌ام دیر رسید
i1,2,B,slow,,,-1,بسته ام دير رسيد
i1,2,A,glad,purchase,,1,app خوب بود 👍🏽 really
i1,4,A,glad,,,,
i2,2,A,slow,,,,
group,2,A,slow,,,,late
group,3,A,slow,,,,never
"""
COLUMNS = ["interview_id", "turn", "coder", "code", "stage", "touchpoint", "valence"]


@pytest.fixture
def interviews(tmp_path):
    (tmp_path / "talks").mkdir()
    files = {
        "study.yaml": STUDY, "people.csv": PEOPLE, "codes.csv": CODES, "coding.csv": CODING,
        "talks/i1.txt": TALK, "talks/i2.txt": TALK, "talks/focus.txt": FOCUS,
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return read_interviews(load_study(tmp_path))


def rows(codings, *, columns=COLUMNS):
    table = codings.assign(quote=codings["quote"].map(key))[[*columns, "quote"]]
    return sorted(map(tuple, table.astype("string").fillna("").to_numpy()))


# ------------------------------------------------------------------ there and back


def test_refi_there_and_back(interviews, tmp_path):
    before = interviews.codings.copy()

    written = write_refi(interviews, tmp_path / "tiny.qdpx")

    pd.testing.assert_frame_equal(interviews.codings, before)
    assert written.interviews == 2
    assert written.left_out.to_numpy().tolist() == [
        ["group", 2, 1, "has turns without consent"],  # Bob, and the moderator they share
        ["i2", 4, 1, "has no consent"],
    ]
    assert "'i2' has no consent (4 turns, 1 codings)" in written.summary()
    kept = interviews.codings
    kept = kept[(kept["interview_id"] == "i1") | (kept["turn"] == 2) & (kept["code"] == "slow")]
    kept = kept[kept["interview_id"] != "i2"]
    for known in (None, interviews):
        found = read_refi(tmp_path / "tiny.qdpx", interviews=known)

        assert rows(found.codings) == rows(kept)
        assert len(found.misfits) == 0
        assert found.codes.equals(interviews.codes)
        assert "coders" in found.summary()
    texts = {(r.interview_id, r.turn): r.text for r in interviews.utterances.itertuples()}
    for row in found.codings.itertuples():
        if row.start >= 0:
            assert texts[row.interview_id, row.turn][row.start : row.end] == row.quote
    by_quote = found.codings.set_index("quote")["start"]
    assert set(by_quote["بسته‌ام دیر رسید"]) == {3}  # two pictures and a space, not five
    whole = found.codings[found.codings["start"] == -1]
    assert whole[["interview_id", "turn", "quote"]].to_numpy().tolist() == [["i1", 4, ""]]


def test_refi_holds_no_word_without_consent(interviews, tmp_path):
    write_refi(interviews, tmp_path / "tiny.qdpx")

    with zipfile.ZipFile(tmp_path / "tiny.qdpx") as archive:
        held = "".join(archive.read(name).decode("utf-8") for name in archive.namelist())
    assert "late again" in held
    assert "never got mine" not in held
    assert "How was it?" not in held
    assert held.count("Yes. Yes.\n") == 1  # i1 has consent, i2 says the same without


def test_same_interviews_same_bytes_and_no_part_left(interviews, tmp_path):
    for name in ("a", "b"):
        write_refi(interviews, tmp_path / name / "tiny.qdpx")

    assert (tmp_path / "a/tiny.qdpx").read_bytes() == (tmp_path / "b/tiny.qdpx").read_bytes()
    assert [f.name for f in (tmp_path / "a").iterdir()] == ["tiny.qdpx"]


def test_sepidar_there_and_back(sepidar, tmp_path):
    interviews = read_interviews(load_study(sepidar))
    written = write_refi(interviews, tmp_path / "sepidar.qdpx")
    found = read_refi(tmp_path / "sepidar.qdpx", interviews=interviews)

    held = interviews.utterances.groupby("interview_id")["consent"].all()
    kept = interviews.codings[interviews.codings["interview_id"].map(held)]
    assert written.codings == len(kept) == 389
    assert rows(found.codings) == rows(kept)
    assert len(found.misfits) == 0
    again = dataclasses.replace(interviews, codings=found.codings)
    write_refi(again, tmp_path / "again" / "sepidar.qdpx")
    third = read_refi(tmp_path / "again" / "sepidar.qdpx", interviews=again)
    pd.testing.assert_frame_equal(third.codings, found.codings)


def test_the_second_of_equal_words_stays_the_second(interviews, tmp_path):
    write_refi(interviews, tmp_path / "tiny.qdpx")
    codings = read_refi(tmp_path / "tiny.qdpx", interviews=interviews).codings
    codings = codings[codings["turn"] == 4].assign(quote="Yes.", start=5, end=9)

    write_refi(dataclasses.replace(interviews, codings=codings), tmp_path / "again.qdpx")
    found = read_refi(tmp_path / "again.qdpx", interviews=interviews).codings

    assert found[["turn", "start", "end", "quote"]].to_numpy().tolist() == [[4, 5, 9, "Yes."]]


SIGNS = "abc بسته‌امیيكکآأۀئ۱١1 .،؟!😀👍🏽é\u0301ﷲﻻß\u064e\u0640\n"


@given(st.text(SIGNS, max_size=40))
def test_key_of_signs_is_key_of_text(text):
    signs, places = key_places(text)

    assert signs == key(text)
    assert len(places) == len(signs)


@given(st.text(SIGNS, max_size=30), st.data())
def test_every_piece_is_found_where_it_is(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    piece = text[start:end]
    spans = find_spans(text, piece)

    assert bool(spans) == bool(piece)
    assert all(key(text[a:b]) == key(piece) for a, b in spans)


# ------------------------------------------------------------------ other tools


def make_qdpx(path, *, sources="", codes="", texts=None, users=""):
    xml = (
        '<?xml version="1.0" encoding="utf-8"?>\n<Project name="p" origin="Other 1" '
        'xmlns="urn:QDA-XML:project:1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:schemaLocation="urn:QDA-XML:project:1.0 http://schema.qdasoftware.org/Project.xsd">'
        f"<Users>{users or user(1, 'Mina')}</Users><CodeBook><Codes>{codes}</Codes></CodeBook>"
        f"<Sources>{sources}</Sources></Project>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("project.qde", xml)
        for name, text in (texts or {}).items():
            archive.writestr(f"Sources/{name}", text)
    return path


def guid(number):
    return f"00000000-0000-0000-0000-{number:012d}"


def user(number, name):
    return f'<User guid="{guid(number)}" name="{name}"/>'


def code(number, name, inner="", codable="true"):
    return f'<Code guid="{guid(number)}" name="{name}" isCodable="{codable}">{inner}</Code>'


def piece(number, start, end, of, *, by=1, name=""):
    named = f' name="{name}"' if name else ""
    return (
        f'<PlainTextSelection guid="{guid(number)}"{named} startPosition="{start}" '
        f'endPosition="{end}" creatingUser="{guid(by)}"><Coding guid="{guid(number + 1)}" '
        f'creatingUser="{{{guid(by)}}}"><CodeRef targetGUID="{guid(of)}"/></Coding>'
        "</PlainTextSelection>"
    )


def source(number, name, pieces=""):
    return (
        f'<TextSource guid="{guid(number)}" name="{name}" '
        f'plainTextPath="internal://{guid(number)}.txt">{pieces}</TextSource>'
    )


NESTED = code(10, "Delivery", code(11, "Slow", "<Description>Too late</Description>"), "false")
RAW = "Interviewer: how\r\nAnn: 😀 The courier was late again.\r\nAnn: I was glad in the end.\r\n"


def test_nested_codes_braces_and_media(interviews, tmp_path):
    at = RAW.index("late")
    made = make_qdpx(
        tmp_path / "other.qdpx", codes=NESTED, texts={f"{guid(20)}.txt": RAW},
        sources=source(20, "Group.docx", piece(30, at, at + 4, 11))
        + f'<PDFSource guid="{guid(40)}" name="flyer"/>'
        + f'<TextSource guid="{guid(41)}" name="empty" plainTextPath="absolute://etc/passwd"/>',
    )  # fmt: skip
    found = read_refi(made, interviews=interviews)

    assert found.codes[["code", "definition"]].to_numpy().tolist() == [
        ["Delivery/Slow", "Too late"]
    ]
    assert found.codings[["interview_id", "turn", "coder", "code", "quote"]].iloc[0].tolist() == [
        "group", 2, "Mina", "Delivery/Slow", "late",
    ]  # fmt: skip
    assert found.misfits["found"].tolist() == [
        "PDF 'flyer'",
        "'empty' without plain text in the file",
    ]


@pytest.mark.parametrize("way", ["points", "line ends as one", "UTF-16", "both"])
def test_counts_of_other_tools(tmp_path, way):
    wanted = "glad in the end"
    counted = RAW
    if way in ("line ends as one", "both"):
        counted = counted.replace("\r\n", "\n")
    if way in ("UTF-16", "both"):
        counted = counted.replace("😀", "__")
    at = counted.index(wanted)
    made = make_qdpx(
        tmp_path / "other.qdpx", codes=NESTED, texts={f"{guid(20)}.txt": RAW},
        sources=source(20, "talk", piece(30, at, at + len(wanted), 11, name="glad in the…")),
    )  # fmt: skip
    found = read_refi(made).codings

    assert found[["turn", "quote"]].to_numpy().tolist() == [[3, wanted]]


def test_without_names_positions_are_code_points_as_the_standard_says(tmp_path):
    at = RAW.index("glad")
    made = make_qdpx(
        tmp_path / "other.qdpx", codes=NESTED, texts={f"{guid(20)}.txt": "\ufeff" + RAW},
        sources=source(20, "talk", piece(30, at, at + 4, 11)),
    )  # fmt: skip

    assert read_refi(made).codings["quote"].tolist() == ["glad"]


def test_a_piece_over_turns_is_a_coding_of_each(interviews, tmp_path):
    text = "Ann: The courier was late again.\nAnn: I was glad in the end.\n"
    at, end = text.index("late"), text.index(" in the end")
    made = make_qdpx(
        tmp_path / "other.qdpx", codes=NESTED, texts={f"{guid(20)}.txt": text},
        sources=source(20, "group", piece(30, at, end, 11)),
    )  # fmt: skip
    found = read_refi(made, interviews=interviews).codings

    assert found[["turn", "quote"]].to_numpy().tolist() == [[2, "late again."], [4, "I was glad"]]


def test_what_no_longer_fits_is_listed(interviews, tmp_path):
    write_refi(interviews, tmp_path / "tiny.qdpx")
    spoken = interviews.utterances
    mended = spoken["text"].str.replace("late again", "early").str.replace("😀😀 ", "Hm, ")
    now = dataclasses.replace(interviews, utterances=spoken.assign(text=mended))
    found = read_refi(tmp_path / "tiny.qdpx", interviews=now)

    assert "'late' is not in turn 2 of 'group'" in found.misfits["found"].tolist()
    assert not found.codings["interview_id"].eq("group").any()
    moved = found.codings[found.codings["quote"] == "بسته‌ام دیر رسید"]
    assert set(moved["start"]) == {4}  # found at its new place


def test_pieces_outside_the_text_and_unknown_codes(tmp_path):
    made = make_qdpx(
        tmp_path / "other.qdpx", codes=NESTED, texts={f"{guid(20)}.txt": "Ann: short\n"},
        sources=source(
            20, "talk", piece(30, 5, 99, 11) + piece(32, 7, 7, 11) + piece(34, 0, 3, 99)
        ),
    )  # fmt: skip
    found = read_refi(made)

    assert len(found.codings) == 0
    assert found.misfits[["line", "found"]].to_numpy().tolist() == [
        [5, "characters 5 to 99"], [7, "characters 7 to 7"],
        [0, "a code that is not in the codebook"],
    ]  # fmt: skip


def test_codebook_alone(tmp_path):
    file = tmp_path / "codes.qdc"
    file.write_text(
        '<?xml version="1.0" encoding="utf-8"?><CodeBook xmlns="urn:QDA-XML:codebook:1.0" '
        f'origin="Taguette 1"><Codes>{NESTED}{code(12, "Glad")}</Codes><Sets></Sets></CodeBook>',
        encoding="utf-8",
    )

    found = read_refi(file)

    assert found.codes["code"].tolist() == ["Delivery/Slow", "Glad"]
    assert len(found.codings) == 0


# ------------------------------------------------------------------ characters in coding.csv

SPANS = """interview,turn,coder,code,quote,start,end
i1,2,A,slow,,3,19
i1,2,A,glad,app خوب بود,۲۴,۳۵
i1,2,B,slow,really,0,6
i1,2,B,slow,,9,900
i1,2,B,slow,,9,
i1,2-3,B,slow,,0,2
i1,2,B,slow,never said,0,6
"""


def test_characters_in_coding_csv_are_checked_against_the_turn(interviews, tmp_path):
    (tmp_path / "coding.csv").write_text(SPANS, encoding="utf-8")
    found = read_interviews(load_study(tmp_path))

    assert found.codings[["code", "quote"]].to_numpy().tolist() == [
        ["glad", "app خوب بود"], ["slow", "بسته‌ام دیر رسید"],
    ]  # fmt: skip
    assert found.misfits["file"].unique().tolist() == ["coding.csv"]
    assert found.misfits[["line", "found", "nearest"]].to_numpy().tolist() == [
        [4, "characters 0 to 6 of turn 2 are not the quote", "39 to 45"],
        [5, "characters '9' to '900' of turn 2", ""],
        [6, "characters '9' to '' of turn 2", ""],
        [7, "characters of no one turn", ""],
        [8, "characters 0 to 6 of turn 2 are not the quote", ""],
    ]


# ------------------------------------------------------------------ hostile files


def pack(path, parts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in parts:
            archive.writestr(name, raw)
    return path


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE p [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    '<Project xmlns="urn:QDA-XML:project:1.0" name="&b;"/>'
)
LEAK = '<?xml version="1.0"?><!DOCTYPE p SYSTEM "file:///etc/passwd"><Project name="x"/>'
DEEP = "<a>" * 5000 + "</a>" * 5000


@pytest.mark.parametrize("xml", [BOMB, LEAK, BOMB.encode("utf-16"), DEEP])
@pytest.mark.parametrize("ending", [".qdpx", ".qdc"])
def test_entities_and_depth_are_refused(tmp_path, xml, ending):
    raw = xml if isinstance(xml, bytes) else xml.encode()
    file = tmp_path / f"bad{ending}"
    if ending == ".qdc":
        file.write_bytes(raw)
    else:
        pack(file, [("project.qde", raw)])

    with pytest.raises(UnsafeFileError, match="entities|deep"):
        read_refi(file)


def test_zip_bomb_is_refused_unread(tmp_path):
    bomb = pack(tmp_path / "a.qdpx", [("project.qde", "<a/>"), ("s/b.txt", b"0" * 100_000_001)])
    with pytest.raises(UnsafeFileError, match="at most 100,000,000 bytes"):
        read_refi(bomb)
    crowd = pack(tmp_path / "b.qdpx", [(f"{n}.bin", b"") for n in range(20_001)])
    with pytest.raises(UnsafeFileError, match="20,000 parts"):
        read_refi(crowd)


@pytest.mark.parametrize(
    "name", ["../out.txt", "/etc/out.txt", "sources/../../out.txt", "..\\out.txt", "C:\\out.txt"]
)
def test_paths_that_lead_out_are_refused(tmp_path, name):
    file = pack(tmp_path / "bad.qdpx", [("project.qde", "<a/>"), (name, "x")])

    with pytest.raises(UnsafeFileError, match="leads out"):
        read_refi(file)
    assert [f.name for f in tmp_path.iterdir()] == ["bad.qdpx"]


def test_links_are_refused(tmp_path):
    link = zipfile.ZipInfo("sources/link.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    file = pack(tmp_path / "bad.qdpx", [("project.qde", "<a/>"), (link, "/etc/passwd")])

    with pytest.raises(UnsafeFileError, match="leads out"):
        read_refi(file)


@pytest.mark.parametrize(
    ("parts", "match"),
    [
        ([("readme.txt", "x")], "holds 0"),
        ([("a.qde", "x"), ("b.qde", "x")], "holds 2"),
        ([("project.qde", "no xml")], "must be XML"),
        ([("project.qde", "<Other/>")], "REFI-QDA schema"),
        ([("project.qde", '<Project xmlns="urn:QDA-XML:project:1.0"/>')], "REFI-QDA schema"),
    ],
)
def test_what_is_no_project_is_told(tmp_path, parts, match):
    with pytest.raises(JourneyError, match=match):
        read_refi(pack(tmp_path / "bad.qdpx", parts))


def test_no_zip_and_no_file(tmp_path):
    (tmp_path / "bad.qdpx").write_bytes(b"not a zip")

    with pytest.raises(JourneyError, match="must be a zip archive"):
        read_refi(tmp_path / "bad.qdpx")
    with pytest.raises(JourneyError, match="there is none"):
        read_refi(tmp_path / "none.qdpx")


def test_positions_that_are_no_numbers_are_told(tmp_path):
    made = make_qdpx(
        tmp_path / "other.qdpx", codes=NESTED, texts={f"{guid(20)}.txt": RAW},
        sources=source(20, "talk", piece(30, "x", 4, 11)),
    )  # fmt: skip

    with pytest.raises(JourneyError, match="REFI-QDA schema"):
        read_refi(made)


# ------------------------------------------------------------------ Taguette


def test_taguette_there_and_back(interviews, tmp_path):
    written = write_taguette(interviews, tmp_path / "out")
    found = read_taguette(tmp_path / "out/highlights.csv", interviews, coder="A")

    own = interviews.codings
    own = own[(own["coder"] == "A") & (own["interview_id"] != "i2") & (own["turn"] != 3)]
    texts = {(r.interview_id, r.turn): r.text for r in interviews.utterances.itertuples()}
    names = ["interview_id", "turn", "quote"]
    full = [q or texts[i, t] for i, t, q in own[names].to_numpy()]
    columns = ["interview_id", "turn", "coder", "code"]
    assert rows(found.codings, columns=columns) == rows(own.assign(quote=full), columns=columns)
    assert len(found.misfits) == 0
    assert written.codings == 4
    book = pd.read_csv(tmp_path / "out/codebook.csv")
    assert book.to_numpy().tolist()[0][:1] + book.to_numpy().tolist()[0][3:] == ["slow", 2]
    assert list(book.columns) == ["tag", "parent", "description", "number of highlights"]


def test_taguette_lists_what_it_cannot_place(interviews, tmp_path):
    file = tmp_path / "all_tags.csv"
    lines = [
        ["id", "document", "tag", "content"],
        ["1", "i1.txt", "glad", "Yes."],  # stands in turns 3 and 4
        ["2", "i1.txt", "glad", "never said"],
        ["3", "unknown", "glad", "Yes."],
        ["4", "i1.txt", "", "app خوب بود"],
        ["5", "i1", "slow", "[4] participant-1: Yes. Yes."],
        ["6", "group", "'=slow", "LATE again\n[4] participant-1: I was glad"],
    ]
    with file.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows(lines)
    found = read_taguette(file, interviews)

    assert found.codings[["interview_id", "turn", "code", "quote"]].to_numpy().tolist() == [
        ["group", 2, "=slow", "late again"], ["group", 4, "=slow", "I was glad"],
        ["i1", 4, "slow", "Yes. Yes."],
    ]  # fmt: skip
    assert found.codings["stage"].fillna("").tolist() == ["", "", "delivery"]
    assert found.misfits["line"].tolist() == [2, 3, 4, 5]
    assert found.misfits["found"].iloc[0] == "words that stand in 3 places (turns: 3, 4, 4)"


def test_taguette_formulas_are_neutralised(interviews, tmp_path):
    codings = interviews.codings.assign(code="=cmd()")
    write_taguette(dataclasses.replace(interviews, codings=codings), tmp_path)

    assert "'=cmd()" in (tmp_path / "highlights.csv").read_text(encoding="utf-8")
    found = read_taguette(tmp_path / "highlights.csv", interviews)
    assert set(found.codings["code"]) == {"=cmd()"}
