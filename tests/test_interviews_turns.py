"""Who speaks: the forms a turn is written in, in both languages; counts checked by hand."""

from __future__ import annotations

from collections import Counter

import docx
import pytest

from cjlib.interviews import find_roles, read_transcript


@pytest.fixture
def read(tmp_path):
    def make(text, ending="txt", **options):
        file = tmp_path / f"talk.{ending}"
        file.write_text(text, encoding="utf-8")
        return [(t.speaker, t.start_s, t.text) for t in read_transcript(file, **options)]

    return make


ASKS, SAYS = "مصاحبه‌گر", "سارا میری"
PERSIAN = [(ASKS, "چطور بود؟"), (SAYS, "کند بود، می‌دانید. خیلی slow بود."), (ASKS, "چرا؟"),
           (SAYS, "نمی‌دانم: شاید به‌خاطر پست.")]  # fmt: skip
SPOKEN = ["چطور بود؟", "کند بود، می‌دانید.\nخیلی slow بود.", "چرا؟", "نمی‌دانم: شاید به‌خاطر پست."]
TIMES = ["۰۰:۰۵", "۰۰:۰۷", "۱:۰۰:۰۹", "۱:۰۰:۱۱"]


def lines(form, *, asks=ASKS, says=SAYS):
    names = [asks, says, asks, says]
    return "\n".join(
        form.format(n=n, t=t, x=x) for n, t, x in zip(names, TIMES, SPOKEN, strict=True)
    )


PERSIAN_FORMS = {
    "plain": lines("{n}: {x}"),
    "no space": lines("{n}:{x}"),
    "space before": lines("{n} : {x}"),
    "half-space before": lines("{n}\u200c: {x}"),
    "wide colon": lines("{n}： {x}"),
    "small colon": lines("{n}﹕ {x}"),
    "ratio sign": lines("{n}∶ {x}"),
    "marks": lines("\u200f{n}\u200f: {x}\u200e"),
    "embedded": lines("\u202b{n}\u202c: {x}"),
    "bold": lines("**{n}:** {x}"),
    "times before": lines("[{t}] {n}: {x}"),
    "two times before": lines("[{t} - {t}] {n}: {x}"),
    "times behind": lines("{n} ({t}): {x}"),
    "times after": lines("{n}: [{t}] {x}"),
    "own line": lines("{n}  {t}\n{x}"),
    "own line in brackets": lines("{n} ({t})\n{x}"),
    "own line barred": lines("{n} | {t}\n{x}"),
    "brackets": lines("[{n}]: {x}"),
    "remark": lines("{n} (با خنده): {x}"),
    "list": lines("- {n}: {x}"),
    "arabic letters": lines("{n}: {x}").replace("ی", "ي").replace("ک", "ك"),
    "no-break space": lines("{n}: {x}").replace("سارا میری", "سارا\u00a0میری"),
}


@pytest.mark.parametrize("form", PERSIAN_FORMS)
def test_a_persian_talk_in_many_forms(read, form):
    turns = read(PERSIAN_FORMS[form])

    assert [(speaker, text) for speaker, _, text in turns] == PERSIAN
    timed = "time" in form or "own line" in form
    assert [start for _, start, _ in turns if start == start] == (
        [5, 7, 3609, 3611] if timed else []
    )


LABELS = [
    ("س", "ج"), ("س۱", "ج۱"), ("سؤال", "جواب"), ("مصاحبه گر", "مصاحبه شونده"),
    ("مصاحبه‌گر ۱", "شرکت‌کننده‌ی ۲"), ("پرسشگر", "مشتری الف"), ("Q", "A"), ("Q1", "A1"),
    ("Interviewer", "P1"), ("INTERVIEWER", "PARTICIPANT"), ("interviewer 2", "respondent 3"),
    ("Moderator", "Participant B"), ("مجری", "نفر اول"),
]  # fmt: skip


@pytest.mark.parametrize(("asks", "says"), LABELS)
def test_labels_of_roles_need_no_second_time(read, asks, says):
    turns = read(f"{asks}: این را بگویید\n{says}: باشد")

    assert [speaker for speaker, _, _ in turns] == [asks, says]
    found = find_roles([(speaker, text) for speaker, _, text in turns])
    assert found[asks][0] == "interviewer"
    assert found[says][0] == "participant"


NAMES = [
    "SPEAKER_00", "Speaker 1", "Speaker A", "Dr. Sara Miri", "Mr. O'Neil", "Anne-Marie de la Cruz",
    "Prof. al-Rashid", "دکتر کریمی", "خانم دکتر رضایی", "علی‌رضا", "گوینده ۲", "JR", "mina",
    "García",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_that_recur_are_speakers(read, name):
    turns = read("\n".join(f"Interviewer: and {i}?\n{name}: word {i}" for i in range(5)))

    assert Counter(speaker for speaker, _, _ in turns) == {"Interviewer": 5, name: 5}


SENTENCES = [
    "I told him", "He said", "They Told Me", "The point is", "Note", "Example", "So", "Well",
    "به او گفتم", "بهش گفتم", "اون گفت", "می‌گفتند", "یعنی", "مثلا", "نکته این بود", "خلاصه",
    "My first thought was", "https", "and then the man", "Yes",
]  # fmt: skip


@pytest.mark.parametrize("start", SENTENCES)
def test_sentences_that_end_in_a_colon_are_not(read, start):
    turns = read(f"Q: x\nA: one\n{start}: no.\n{start}: yes.\n{start}: maybe.\nQ: y\nA: two")

    assert [speaker for speaker, _, _ in turns] == ["Q", "A", "Q", "A"]
    assert turns[1][2] == f"one {start}: no. {start}: yes. {start}: maybe."


FOCUS = """گرداننده: خوش آمدید. هر کس خودش را معرفی کند.
P1: من مینا هستم.
P2 (خانم، ۳۴ ساله): من هم.
P3: سلام
به همه.
Moderator: and you, P4?
P4: یک بار خریدم: بد بود.
P1: به فروشنده گفتم: چرا؟
گفتم: چرا؟
P5: [۰۰:۰۹:۱۰] دیر رسید
P6: …
P2: همین."""


def test_a_focus_group_by_hand(read):
    turns = read(FOCUS)
    roles = find_roles([(speaker, text) for speaker, _, text in turns])

    assert [speaker for speaker, _, _ in turns] == [
        "گرداننده", "P1", "P2", "P3", "Moderator", "P4", "P1", "P5", "P6", "P2",
    ]  # fmt: skip
    assert turns[3] == ("P3", pytest.approx(float("nan"), nan_ok=True), "سلام به همه.")
    assert turns[6][2] == "به فروشنده گفتم: چرا؟ گفتم: چرا؟"
    assert turns[7][1:] == (550, "دیر رسید")
    assert sum(len(text.split()) for _, _, text in turns) == 34  # 8 3 2 3 3 5 6 2 1 1
    assert {s for s, (role, _) in roles.items() if role == "interviewer"} == {
        "گرداننده", "Moderator",
    }  # fmt: skip


def test_bold_names_in_a_docx(tmp_path):
    document = docx.Document()
    for name, text in [("نگار:", " چرا؟"), ("Bo", ": So it is."), ("Not a name,", " truly")]:
        paragraph = document.add_paragraph()
        paragraph.add_run(name).bold = True
        paragraph.add_run(text)
    document.add_paragraph("Once: more")
    document.save(str(tmp_path / "talk.docx"))

    turns = [(t.speaker, t.text) for t in read_transcript(tmp_path / "talk.docx")]

    assert turns == [("نگار", "چرا؟"), ("Bo", "So it is. Not a name, truly Once: more")]


def test_roles_where_nothing_has_a_question_mark():
    talk = [
        ("Jo", "so how was the shop"), ("Mo", "well it was slow and the man what can I say"),
        ("Jo", "why did you wait"), ("Mo", "no idea who knows"), ("نو", "خب چرا ماندی"),
    ]  # fmt: skip

    assert find_roles(talk[:4])["Jo"] == ("interviewer", "asks most questions")
    assert find_roles([*talk[1::2], talk[4]])["نو"] == ("interviewer", "asks most questions")


@pytest.mark.real
def test_where_the_published_count_of_turns_and_ours_part(shared_data):
    """SOURCE.md counts 5,772 labels. One has no words after it; two files begin without one."""
    folder = shared_data / "interviews_ml_practitioners" / "transcripts"
    found = {file.stem: read_transcript(file) for file in folder.glob("*.txt")}

    nobody = {stem: [t.text for t in turns if not t.speaker] for stem, turns in found.items()}
    assert {stem: said for stem, said in nobody.items() if said} == {
        "Interview 20": ["All"], "Interview 35": ["All right."],
    }  # fmt: skip
    assert "Interviewee: \n\nInterviewee:" in (folder / "Interview 5.txt").read_text("utf-8-sig")
    assert sum(map(len, found.values())) == 5_772 - 1 + 2


@pytest.mark.real
def test_named_speakers_of_a_real_talk_counted_by_hand(shared_data):
    """Lines "Name  m:ss" counted with grep: 29 and 30, and one heading before them."""
    folder = shared_data / "interviews_hitsave_whisper" / "2020" / "Lantana Games"
    turns = read_transcript(next(folder.glob("*.md")))

    assert Counter(t.speaker for t in turns) == {"Danny Silvers": 30, "Jonas Rosland": 29, "": 1}
