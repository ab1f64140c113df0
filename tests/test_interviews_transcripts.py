"""Transcripts in every format: turns, times, roles, and people taken out."""

from __future__ import annotations

import re
import zipfile

import docx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjlib.errors import JourneyError, UnsafeFileError
from cjlib.interviews import Redactor, find_roles, read_transcript
from cjlib.interviews.documents import parse_seconds


@pytest.fixture
def read(tmp_path):
    def make(text, ending="txt", **options):
        file = tmp_path / f"talk.{ending}"
        file.write_text(text, encoding="utf-8")
        return [(t.speaker, t.start_s, t.text) for t in read_transcript(file, **options)]

    return make


def spoken(turns):
    return [(speaker, text) for speaker, _, text in turns]


ONE_TALK = [
    ("Interviewer", "How was it?"),
    ("Sara Miri", "Slow. Very slow."),
    ("Interviewer", "Why?"),
    ("Sara Miri", "No idea"),
]
AS_TEXT = {
    "plain": "Interviewer: How was it?\n\nSara Miri: Slow.\nVery slow.\n"
    "Interviewer: Why?\nSara Miri: No idea",
    "times": "[00:00:05] Interviewer: How was it?\n[00:07] Sara Miri: Slow.\nVery slow.\n"
    "[1:00:09] Interviewer: Why?\n[1:00:11] Sara Miri: No idea",
    "bold": "**Interviewer:** How was it?\n**Sara Miri:** Slow.\nVery slow.\n"
    "**Interviewer:** Why?\n**Sara Miri**: No idea",
    "wide colon": "Interviewer： How was it?\nSara Miri： Slow.\nVery slow.\nInterviewer：Why?\n"
    "Sara Miri ：No idea",
    "own line": "Interviewer  0:05\nHow was it?\n\nSara Miri  0:07  \nSlow.\nVery slow.\n\n"
    "Interviewer  1:00:09\nWhy?\n\nSara Miri  1:00:11\nNo idea",
    "time behind": "Interviewer (0:05): How was it?\nSara Miri (0:07): Slow.\nVery slow.\n"
    "Interviewer (1:00:09): Why?\nSara Miri (1:00:11): No idea",
}


@pytest.mark.parametrize("form", AS_TEXT)
def test_one_talk_in_many_forms(read, form):
    turns = read(AS_TEXT[form])

    assert spoken(turns) == ONE_TALK
    if form in ("times", "own line", "time behind"):
        assert [start for _, start, _ in turns] == [5, 7, 3609, 3611]
    else:
        assert np.isnan([start for _, start, _ in turns]).all()


def test_persian_names_and_digits(read):
    turns = read("مصاحبه‌گر: چرا؟\n[۰۰:۰۱:۰۲] مشتری ۲: دیر رسید.\nخیلی دیر.\nس: بعد؟\nج: هیچ")

    assert turns[1] == ("مشتری ۲", 62, "دیر رسید. خیلی دیر.")
    assert [speaker for speaker, _, _ in turns] == ["مصاحبه‌گر", "مشتری ۲", "س", "ج"]


def test_what_is_no_speaker(read):
    turns = read(
        "Q: Tell me: what happened?\nA: Two things: first, see https://a.ir/b at 10:30.\n"
        "For example: nothing.\nThe point is: it broke.\nThe point is: it broke.\nQ: And?\nA: Fine"
    )

    assert [speaker for speaker, _, _ in turns] == ["Q", "A", "Q", "A"]
    assert turns[1][2].endswith(
        "For example: nothing. The point is: it broke. The point is: it broke."
    )


def test_a_listed_name_needs_no_second_time(read):
    text = "Interviewer: Hello\nmina: one word\n"

    assert len(read(text)) == 1
    assert len(read(text, listed=["Mina"])) == 2


def test_vtt_voices_and_srt_agree(read):
    vtt = (
        "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.500\n<v Ann Lee>Hello <i>you</i>\n\n"
        "00:00:03.000 --> 00:00:04.000\n<v Ann Lee>and you\nall\n\n"
        "00:00:05.250 --> 00:00:06.000\n<v Bob>Hi</v>\n"
    )
    srt = (
        "1\n00:00:01,000 --> 00:00:02,500\nAnn Lee: Hello <i>you</i>\n\n"
        "2\n00:00:03,000 --> 00:00:04,000\nAnn Lee: and you\nall\n\n"
        "3\n00:00:05,250 --> 00:00:06,000\nBob: Hi\n\n4\n00:00:07,000 --> 00:00:08,000\nBob: 42\n"
    )

    assert read(vtt, "vtt") == [("Ann Lee", 1, "Hello you and you all"), ("Bob", 5.25, "Hi")]
    assert read(srt, "srt") == [("Ann Lee", 1, "Hello you and you all"), ("Bob", 5.25, "Hi 42")]


def test_cues_without_names_stay_apart(read):
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\none\ntwo\n\n00:03.000 --> 00:04.000\nthree\n"

    assert read(text, "vtt") == [("", 1, "one two"), ("", 3, "three")]


def test_docx_paragraphs_and_tables(tmp_path):
    document = docx.Document()
    document.add_paragraph("Interviewer: Why?")
    document.add_paragraph("Ali: Because")
    document.add_paragraph("it broke.")
    table = document.add_table(rows=2, cols=2)
    for row, (who, what) in zip(
        table.rows, [("Interviewer", "And?"), ("Ali", "Done")], strict=True
    ):
        row.cells[0].text, row.cells[1].text = who, what
    document.save(str(tmp_path / "talk.docx"))

    turns = [(t.speaker, t.text) for t in read_transcript(tmp_path / "talk.docx")]

    assert turns == [("Interviewer", "Why?"), ("Ali", "Because it broke."), ("Interviewer", "And?"),
                     ("Ali", "Done")]  # fmt: skip


def test_hostile_and_broken_files(tmp_path):
    bomb = tmp_path / "bomb.docx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b" " * 101_000_000)
    entity = tmp_path / "entity.docx"
    with zipfile.ZipFile(entity, "w") as archive:
        archive.writestr(
            "word/document.xml", "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><x/>"
        )
    broken = {name: tmp_path / f"broken.{name}" for name in ("docx", "pdf", "vtt")}
    for file in broken.values():
        file.write_bytes(b"\x00\x01 not this")
    latin = tmp_path / "latin.txt"
    latin.write_bytes("caf\xe9: oui".encode("latin-1"))

    with pytest.raises(UnsafeFileError, match="unpack to at most"):
        read_transcript(bomb)
    with pytest.raises(UnsafeFileError, match="entities"):
        read_transcript(entity)
    for file in (*broken.values(), latin):
        with pytest.raises(JourneyError, match=r"read_transcript: .* (Save|Export)"):
            read_transcript(file)


def test_times():
    assert [parse_seconds(s) for s in ("1:02", "00:01:02.5", "01:00:00,250", "۰۰:۰۱:۰۲")] == [
        62, 62.5, 3600.25, 62,
    ]  # fmt: skip


names = st.sampled_from(["Interviewer", "Ali Rad", "P1", "مشتری"])
words = st.lists(
    st.sampled_from(["yes", "slow", "دیر", "12", "(hm)", "a.b"]), min_size=1, max_size=6
)


@given(st.lists(st.tuples(names, words), min_size=1, max_size=12))
def test_what_is_written_comes_back(tmp_path_factory, talk):
    file = tmp_path_factory.mktemp("talk") / "talk.txt"
    talk = [("Ali Rad", ["first"]), ("Ali Rad", ["second"]), *talk]
    file.write_text("\n".join(f"{who}: {' '.join(said)}" for who, said in talk), encoding="utf-8")

    turns = [(t.speaker, t.text) for t in read_transcript(file)]

    assert turns == [(who, " ".join(said)) for who, said in talk]


def test_roles_by_each_rule():
    talk = [("Jo", "And then? Really?"), ("Mo", "It was long, was it not? " + "word " * 40),
            ("Jo", "Why?"), ("Mo", "Who knows? Who? Who? " + "word " * 100)]  # fmt: skip

    assert find_roles(talk) == {
        "Jo": ("interviewer", "asks most questions"), "Mo": ("participant", "the others"),
    }  # fmt: skip
    assert find_roles(talk, listed=["Jo"])["Jo"] == ("participant", "listed")
    assert find_roles([("Q1", "x"), ("مصاحبه‌شونده", "y?")]) == {
        "Q1": ("interviewer", "named"), "مصاحبه‌شونده": ("participant", "named"),
    }  # fmt: skip
    assert find_roles([("", "x?")]) == {"": ("unknown", "no speaker named")}
    assert find_roles([("Jo", "x?")])["Jo"][0] == "participant"  # alone: nobody to ask


REDACTED = [
    ("call 0912 345 67 89 or 09123456789", "call [phone-1] or [phone-1]"),
    ("زنگ بزن ۰۹۱۲۳۴۵۶۷۸۹ یا ۰۲۱-۸۸۷۷۶۶۵۵", "زنگ بزن [phone-1] یا [phone-2]"),
    ("031 1234 567 is ten digits", "[phone-1] is ten digits"),
    ("+98 912 345 6789", "[phone-1]"),
    ("mail sara.m@shop.co.ir now", "mail [email-1] now"),
    ("see https://a.ir/x?y=1, ok", "see [url-1], ok"),
    ("card 6037-9911-2233-4455", "card [number-1]"),
    ("order ۱۲۳۴۵۶۷۸۹", "order [number-1]"),
    ("paid 1,250,000 in 1403, 12 times", "paid 1,250,000 in 1403, 12 times"),
    ("My name is Sara Miri. Yes, Sara!", "My name is [name-1]. Yes, [name-1]!"),
    ("من سارا میری هستم و سارا صدایم می‌کنند", "من [name-1] هستم و [name-1] صدایم می‌کنند"),
    ("اسم من رضا است", "اسم من [name-1] است"),
    ("من خیلی راضی هستم", "من خیلی راضی هستم"),
    ("My name is, I'm from Tehran, as I said", "My name is, I'm from [place-1], as I said"),
    ("آقای کریمی را بپرسید، کریمی می‌داند", "آقای [name-1] را بپرسید، [name-1] می‌داند"),
    ("خانه‌ام خیابان گلستان، پلاک ۱۲ است", "خانه‌ام [address-1] است"),
    ("I live at 12 Elm Tree Road now", "I live at [address-1] now"),
    ("خانم فروشنده گفت", "خانم فروشنده گفت"),
    ("Ask Mr. Lee, Lee knows", "Ask Mr. [name-1], [name-1] knows"),
    ("ask for Mister Karimi, not to click", "ask for Mister [name-1], not to click"),
    ("Doctor Amini wrote; a doctor called", "Doctor [name-1] wrote; a doctor called"),
    ("I miss Mister. The till", "I miss Mister. The till"),
    ("خانم صندوق‌دار اسم را نوشت، صندوق‌دار", "خانم صندوق‌دار اسم را نوشت، صندوق‌دار"),
    ("خانم صندوق دار گفت", "خانم صندوق دار گفت"),
    ("خانم صادقانه گفت شاید", "خانم صادقانه گفت شاید"),
    ("خانم فرزانه گفت شاید", "خانم [name-1] گفت شاید"),
    ("آقای نگهبان و آقای جوان", "آقای [name-1] و آقای [name-2]"),  # surnames too
    ("my name is sara and sara it is", "my name is [name-1] and [name-1] it is"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), REDACTED)
def test_people_are_taken_out(text, expected):
    redactor = Redactor()
    redactor.learn([("P1", text)])

    assert redactor.redact(text)[0] == expected


def test_listed_names_keep_one_placeholder_each():
    redactor = Redactor(["Sara Miri", "Rose Bell", "مشتری"])
    redactor.learn([("a", "Rose met Sara; the rose for Ms Miri was red. مشتری")])

    text, found = redactor.redact("Rose met Sara; the rose for Ms Miri was red. مشتری")

    assert text == "[name-1] met [name-2]; the rose for Ms [name-2] was red. مشتری"
    assert [f.placeholder for f in found] == ["[name-1]", "[name-2]", "[name-2]"]
    assert {(f.kind, f.rule) for f in found} == {("name", "listed")}


@given(st.text(max_size=80), st.sampled_from(["09121234567", "۰۹۳۵۱۱۱۲۲۳۳", "x@y.com"]))
def test_no_number_or_address_survives(text, secret):
    redactor = Redactor()

    assert secret not in redactor.redact(f"{text} {secret} {text}")[0]


@pytest.mark.real
def test_thirty_six_real_interviews_turn_by_turn(shared_data):
    """SOURCE.md of the set: 237,184 words and 5,772 turns (labels; ours adds 2 preambles)."""
    files = sorted((shared_data / "interviews_ml_practitioners" / "transcripts").glob("*.txt"))
    label = re.compile(r"^\s*Interview(?:er|ee) ?\d?(?: 2)? ?:", re.IGNORECASE | re.MULTILINE)
    turns, words = 0, 0
    for file in files:
        found = read_transcript(file)
        roles = {role for role, _ in find_roles([(t.speaker, t.text) for t in found]).values()}
        raw = file.read_text(encoding="utf-8-sig")
        assert {"interviewer", "participant"} <= roles
        named = sum(bool(t.speaker) for t in found)
        assert named == pytest.approx(len(label.findall(raw)), abs=1)  # one label has no words
        labels = sum(len(m.split()) for m in label.findall(raw))
        assert sum(len(t.text.split()) for t in found) == pytest.approx(
            len(raw.split()) - labels, abs=40
        )
        turns += len(found)
        words += len(raw.split())

    assert len(files) == 36
    assert words == 237_184
    assert turns == pytest.approx(5_772, abs=2)


@pytest.mark.real
def test_the_same_recording_in_four_formats_has_the_same_words(shared_data, tmp_path):
    folder = shared_data / "interviews_hitsave_whisper" / "2023" / "Goodboy Galaxy"
    found = {
        ending: read_transcript(folder / f"Goodboy Galaxy - Rik Nicol.{ending}")
        for ending in ("vtt", "srt", "txt")
    }
    plain = (folder / "Goodboy Galaxy - Rik Nicol.text").read_text(encoding="utf-8")

    words = {e: " ".join(t.text for t in turns).split() for e, turns in found.items()}
    assert words["vtt"] == words["srt"] == words["txt"] == plain.split()
    assert [t.start_s for t in found["vtt"]] == [t.start_s for t in found["srt"]]
    assert found["vtt"][0].start_s == pytest.approx(43.81)


@pytest.mark.real
def test_the_interviewer_is_found_among_named_speakers(shared_data):
    folder = shared_data / "interviews_hitsave_whisper"
    files = [f for f in folder.rglob("*.md") if "Jonas Rosland" in f.read_text(encoding="utf-8")]
    checked = 0
    for file in files:
        turns = [(t.speaker, t.text) for t in read_transcript(file)]
        if any("?" in text for who, text in turns if who == "Jonas Rosland"):
            askers = [s for s, (role, _) in find_roles(turns).items() if role == "interviewer"]
            assert askers == ["Jonas Rosland"], file.name
            checked += 1

    assert checked == 8


@pytest.mark.real
def test_a_real_pdf_gives_its_words(shared_data):
    file = shared_data / "interviews_ml_practitioners" / "interview_guides" / "new.pdf"

    assert len(" ".join(t.text for t in read_transcript(file)).split()) > 200
