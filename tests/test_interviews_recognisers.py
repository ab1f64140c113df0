"""Speech recognisers' json and tsv, tables of turns, and files made to do harm."""

from __future__ import annotations

import json
import time
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjlib.errors import JourneyError, UnsafeFileError
from cjlib.interviews import read_transcript


@pytest.fixture
def read(tmp_path):
    def make(held, ending, **options):
        file = tmp_path / f"talk.{ending}"
        text = held if isinstance(held, str) else json.dumps(held, ensure_ascii=False)
        file.write_text(text, encoding="utf-8")
        return [(t.speaker, t.start_s, t.text) for t in read_transcript(file, **options)]

    return make


TALK = [("SPEAKER_00", 0.5, "چطور بود؟ How was it?"), ("SPEAKER_01", 4, "Slow. کند بود.")]
SEGMENTS = [
    {"start": 0.5, "end": 1.5, "text": " چطور بود؟", "speaker": "SPEAKER_00"},
    {"start": 1.5, "end": 3, "text": " How was it?", "speaker": "SPEAKER_00"},
    {"start": 4, "end": 5, "text": " Slow.", "speaker": "SPEAKER_01"},
    {"start": 5, "end": 6, "text": " كند بود.", "speaker": "SPEAKER_01"},
]


def words(*said, **names):
    return [
        {names.get("word", "word"): word, "start": at, "end": at + 0.5, "speaker": who}
        for who, at, word in said
    ]


ASKED, ANSWERED = ["چطور", "بود؟", "How", "was", "it?"], ["Slow.", "کند", "بود."]
WORDS = [
    *[("SPEAKER_00", 0.5 + i / 2, w) for i, w in enumerate(ASKED)],
    *[("SPEAKER_01", 4 + i / 2, w) for i, w in enumerate(ANSWERED)],
]
SHAPES = {
    "whisperx": {"segments": SEGMENTS, "language": "fa"},
    "words only": {"segments": [{"text": "all", "start": 0.5, "words": words(*WORDS)}]},
    "vosk": [{"result": words(*WORDS), "text": "all"}],
    "whisper.cpp": {
        "transcription": [
            {"offsets": {"from": int(s["start"] * 1000), "to": int(s["end"] * 1000)},
             "text": s["text"], "speaker": s["speaker"]} for s in SEGMENTS
        ]
    },
    "google": {
        "results": [
            {"alternatives": [{"transcript": "چطور بود؟ How was it? Slow. کند بود."}]},
            {"alternatives": [{"words": [
                {"word": w, "startTime": f"{at:.3f}s", "speakerTag": 1 + (who[-1] == "1")}
                for who, at, w in WORDS]}]},
        ]
    },
    "rows": [{"speaker": s["speaker"], "start": s["start"], "text": s["text"]} for s in SEGMENTS],
    "persian rows": [
        {"گوینده": s["speaker"], "شروع": f"0:0{s['start']}", "متن": s["text"]} for s in SEGMENTS
    ],
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_one_talk_in_every_shape_of_json(read, shape):
    found = read(SHAPES[shape], "json")

    if shape == "google":
        found = [({"Speaker 1": "SPEAKER_00"}.get(w, "SPEAKER_01"), t, s) for w, t, s in found]
    assert found == TALK


TABLES = {
    "csv": "speaker,start,text\nSPEAKER_00,0.5,چطور بود؟\n,1.5,How was it?\nSPEAKER_01,4,Slow.\n"
    'SPEAKER_01,0:05,"کند بود."\n',
    "persian csv": "متن;گوینده;زمان شروع\nچطور بود؟;SPEAKER_00;۰٫۵\nHow was it?;SPEAKER_00;۰:۰۱\n\n"
    "Slow.;SPEAKER_01;۰۰:۰۰:۰۴\nکند بود.;SPEAKER_01;\n",
    "ms csv": "Start (ms),End (ms),Speaker,Text\n500,,SPEAKER_00,چطور بود؟ How was it?\n"
    "4000,,SPEAKER_01,Slow. کند بود.\n",
}


@pytest.mark.parametrize("form", TABLES)
def test_one_talk_in_every_table(read, form):
    assert read(TABLES[form], "csv") == TALK


def test_tsv_times_are_milliseconds_if_whole(read):
    assert read('start\tend\ttext\n43810\t47850\tHe said "no\n48350\t54570\tBye\n', "tsv") == [
        ("", 43.81, 'He said "no'), ("", 48.35, "Bye"),
    ]  # fmt: skip
    assert read("start\tend\ttext\n43.81\t47.85\tHi\n48\t54.57\tBye\n", "tsv")[1][1] == 48


def test_segments_with_names_in_their_text_are_read_as_such(read):
    held = {"segments": [{"start": 1, "text": "Q: Why?"}, {"start": 2, "text": "A: So"}]}

    assert read(held, "json") == [("Q", 1, "Why?"), ("A", 2, "So")]


def test_pauses_join_segments_of_nobody(read):
    times = [(0, 2, "a"), (2.2, 3, "b"), (3.5, 4, "c"), (4, 70, "d"), (70, 71, "e")]
    held = {"segments": [{"start": s, "end": e, "text": t} for s, e, t in times]}

    assert [t for _, _, t in read(held, "json")] == ["a", "b", "c", "d", "e"]
    assert [t for _, _, t in read(held, "json", pause_s=0.5)] == ["a b", "c d", "e"]  # 66 s: full
    assert [t for _, _, t in read(held, "json", pause_s=0.6)] == ["a b c d", "e"]


def test_a_pause_of_just_that_length_parts(read):
    held = {
        "segments": [{"start": s, "end": s + 1, "text": t} for s, t in [(1.1, "a"), (2.4, "b")]]
    }

    assert len(read(held, "json", pause_s=0.3)) == 2  # 2.4 - 2.1 is less in binary
    assert len(read(held, "json", pause_s=0.301)) == 1


WRONG = [
    ("json", '{"segments": [{"start": 1, "te', r"must be json; it is damaged at line 1"),
    ("json", '{"foo": 1}', r"must be a speech recogniser's .* holds \['foo'\]"),
    ("json", "[1, 2]", "must be a speech recogniser's"),
    ("json", '{"segments": [{"start": 1, "text": 5}]}', "row 1 of 'talk.json' has int"),
    ("json", '[{"text": "a", "start": "noon"}]', "a time must be seconds .* has 'noon'"),
    ("json", "9" * 5000, "must be json"),
    ("tsv", "a\tb\nc\td\n", r"must have a column of words \(text, متن\); its first line has 'a'"),
    ("csv", "", "its first line has nothing"),
    ("csv", "text,start\nhello,soon\n", "row 2 of 'talk.csv' has 'soon'"),
    ("csv", 'text\n"never closed\n', "must be a table of cells"),
    ("csv", 'text\n"' + "x" * 200_000 + '"\n', "must be a table of cells"),
]


@pytest.mark.parametrize(("ending", "held", "message"), WRONG)
def test_wrong_tables_say_what_to_do(read, ending, held, message):
    with pytest.raises(JourneyError, match=f"read_transcript: .*{message}"):
        read(held, ending)


def test_odd_times_are_missing_and_nobody_is_numbered(read):
    held = '{"segments": [{"start": NaN, "text": "a"}, {"start": -4, "text": "b", "speaker": 0}, '
    found = read(held + '{"start": true, "text": "c"}, {"start": 1e999, "text": "d"}]}', "json")

    assert [text for _, _, text in found] == ["a", "b", "c", "d"]
    assert np.isnan([start for _, start, _ in found]).all()
    assert {speaker for speaker, _, _ in found} == {""}


def test_nesting_and_long_lines_are_refused(read):
    with pytest.raises(UnsafeFileError, match="nested too deeply"):
        read("[" * 200_000 + "]" * 200_000, "json")
    with pytest.raises(UnsafeFileError, match=r"a line must have at most 1,000,000 .* 1,000,001"):
        read("x" * 1_000_001, "txt")


@pytest.mark.parametrize(
    "line",
    ["a" + " " * 300_000 + "b", "<v a" * 100_000, "<a" * 200_000, "**" * 200_000, "[0:01" * 90_000,
     "a:" * 200_000, "\u200f" * 300_000 + "Q: a", "1:" * 200_000, "(" * 300_000],
    ids=str.__len__,
)  # fmt: skip
def test_no_line_takes_long(read, line):
    start = time.process_time()

    read(f"{line}\n00:01.000 --> 00:02.000\n{line}\n00:03.000 --> 00:04.000\nb", "txt")
    read(line, "md")

    assert time.process_time() - start < 5


def docx_with(path: Path, name: str, held: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, held)
    return path


def test_hostile_archives_are_refused(tmp_path):
    entity = "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><x/>"
    many = tmp_path / "many.docx"
    with zipfile.ZipFile(many, "w") as archive:
        for i in range(5_001):
            archive.writestr(f"word/{i}.bin", b"")
    cases = {
        "unpack to at most": docx_with(tmp_path / "a.docx", "x.bin", bytes(101_000_000)),
        "in 5,001": many,
        "entities": docx_with(tmp_path / "b.docx", "word/document.xml", entity.encode("utf-16")),
        "must lie inside it": docx_with(tmp_path / "c.docx", "../../word/document.xml", b"<x/>"),
    }
    for message, file in cases.items():
        with pytest.raises(UnsafeFileError, match=message):
            read_transcript(file)
    for held in (b"<x", b"", b"<x/>"):
        with pytest.raises(JourneyError, match="must be a Word document"):
            read_transcript(docx_with(tmp_path / "d.docx", "word/document.xml", held))


@pytest.mark.parametrize("layers", [1, 2])
def test_a_pdf_that_unpacks_to_too_much_is_refused(tmp_path, layers):
    packed = bytes(200_000_000)
    for _ in range(layers):
        packed = zlib.compress(packed)
    file = tmp_path / "bomb.pdf"
    filters = b"[" + b"/FlateDecode " * layers + b"]"
    head = b"%%PDF-1.4\n4 0 obj\n<< /Length %d /Filter %s >>\nstream\n" % (len(packed), filters)
    file.write_bytes(head + packed + b"\nendstream\nendobj\n%%EOF\n")

    with pytest.raises(UnsafeFileError, match="a PDF must unpack to at most 100,000,000 bytes"):
        read_transcript(file)


@given(
    st.binary(max_size=300), st.sampled_from(["json", "tsv", "csv", "srt", "vtt", "pdf", "docx"])
)
def test_any_bytes_are_read_or_refused(tmp_path_factory, held, ending):
    file = tmp_path_factory.mktemp("any") / f"talk.{ending}"
    file.write_bytes(held)

    try:
        turns = read_transcript(file)
    except JourneyError:
        return
    assert all(turn.text and "\n" not in turn.text for turn in turns)


def test_text_that_looks_like_markup_stays_text(read):
    said = "A: <script>alert(1)</script> & <b>bold</b> $x^2$ =1+1"

    assert read(f"Q: Well?\n{said}", "txt")[1][2] == said[3:]
    assert read({"segments": [{"text": said, "start": 1}]}, "json")[0][2] == said[3:]
    vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann><b>a</b> &lt;script&gt; &amp; b\n"
    assert read(vtt, "vtt") == [("Ann", 1, "a <script> & b")]


RECORDINGS = {
    "2023/Goodboy Galaxy/Goodboy Galaxy - Rik Nicol": (753, ("vtt", "srt", "json", "tsv", "txt")),
    "2025/Keitai update Spring 2025/Keitai update Spring 2025": (
        762, ("vtt", "srt", "json", "tsv", "txt"),
    ),
}  # fmt: skip


@pytest.mark.real
@pytest.mark.parametrize("name", RECORDINGS)
def test_the_same_recording_gives_the_same_turns_in_every_format(shared_data, name):
    segments, endings = RECORDINGS[name]
    stem = str(shared_data / "interviews_hitsave_whisper" / name)

    found = {e: read_transcript(Path(f"{stem}.{e}")) for e in endings}

    said = [turn.text for turn in found["vtt"]]
    times = [turn.start_s for turn in found["vtt"]]
    assert len(said) == segments
    for ending, turns in found.items():
        assert [turn.text for turn in turns] == said, ending
        if not np.isnan(turns[0].start_s):  # one txt has no times
            assert [turn.start_s for turn in turns] == times, ending
    held = json.loads(Path(f"{stem}.json").read_text(encoding="utf-8"))["segments"]
    assert [round(s["start"], 2) for s in held] == pytest.approx(times, abs=0.0051)
    joined = {e: [t.text for t in read_transcript(Path(f"{stem}.{e}"), pause_s=0.8)]
              for e in endings if not np.isnan(found[e][0].start_s)}  # fmt: skip
    assert all(turns == joined["vtt"] for turns in joined.values())
    assert " ".join(joined["vtt"]) == " ".join(said)
