"""People, places and numbers taken out: across a study, spelt out, listed, with the key apart."""

from __future__ import annotations

import csv
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjlib.errors import UnsafeFileError
from cjlib.interviews import Redactor, Register, read_interviews, write_redaction_key
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
  - {id: shop, label: Shop, stage: purchase}
interviews: {folder: talks, people: people.csv}
"""
PEOPLE = """interview,participant,customer_id,language,consent,age,gender,place,file,hide
i1,Sara Miri,c1,en,yes,34,f,Tehran,,Nilufar|Acme Ltd
i2,Rose Bell,c2,en,no,,,Elsewhere,,
i3,بهار کریمی,c3,fa,yes,,,رشت,,
"""
TALKS = {
    "i1.txt": "Interviewer: And you?\nSara Miri: I live in Karaj, not Tehran; Acme Ltd and Nilufar "
    "know.\nInterviewer: Call Mr. Adams?\nSara Miri: Adams is on 0912 345 6789, I said.",
    "i2.txt": "Interviewer: Who?\nRose Bell: Sara Miri from Tehran; a rose, Sara, Elsewhere. Mr. "
    "Adams too, +98 912 345 6789.",
    "i3.txt": "مصاحبه‌گر: کجا؟\nبهار کریمی: من در رشت زندگی می‌کنم، بهار سرد است. صفر نهصد و دوازده "
    "سیصد و چهل و پنج شصت و هفت هشتاد و نه",
}


@pytest.fixture
def tiny(tmp_path):
    (tmp_path / "talks").mkdir()
    for name, text in {"study.yaml": STUDY, "people.csv": PEOPLE}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for name, text in TALKS.items():
        (tmp_path / "talks" / name).write_text(text, encoding="utf-8")
    return load_study(tmp_path)


def test_one_placeholder_in_the_whole_study_and_how_it_was_found(tiny):
    found = read_interviews(tiny)
    spoken = found.utterances

    assert spoken[spoken["role"] == "participant"]["text"].tolist() == [
        "I live in [place-1], not [place-2]; [hidden-1] and [hidden-2] know.",
        "[name-1] is on [phone-1], I said.",
        "[name-2] from [place-2]; a rose, Sara, Elsewhere. Mr. [name-1] too, [phone-1].",
        "من در [place-3] زندگی می‌کنم، [name-3] سرد است. [phone-2]",
    ]
    # "Sara" alone may be somebody else in i2; over-careful in i3: «بهار» is also spring
    rules = found.redactions.set_index("placeholder")["rule"].to_dict()
    assert rules == {
        "[place-1]": "said to live there", "[place-2]": "listed", "[hidden-1]": "listed",
        "[hidden-2]": "listed", "[name-1]": "after a title", "[phone-1]": "form",
        "[name-2]": "listed", "[place-3]": "listed", "[name-3]": "listed",
        "[phone-2]": "spelt out",
    }  # fmt: skip
    assert spoken.groupby("interview_id")["consent"].all().tolist() == [True, False, True]


def test_the_key_is_written_only_on_request_and_for_its_owner_alone(tiny):
    found = read_interviews(tiny)
    assert not (tiny.path / "private").exists()

    file = write_redaction_key(tiny)

    assert file == tiny.path / "private" / "interviews_key.csv"
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with file.open(encoding="utf-8", newline="") as lines:
        key = dict(list(csv.reader(lines))[1:])
    assert key["[name-2]"] == "Sara Miri"
    assert key["[phone-1]"] == "0912 345 6789"
    assert set(key) == set(found.redactions["placeholder"])
    assert write_redaction_key(tiny).read_bytes() == file.read_bytes()
    assert [f.name for f in file.parent.iterdir()] == ["interviews_key.csv"]


@pytest.mark.skipif(os.name != "posix", reason="needs symbolic links")
def test_a_private_folder_that_leads_out_is_refused(tiny, tmp_path_factory):
    (tiny.path / "private").symlink_to(tmp_path_factory.mktemp("out"))

    with pytest.raises(UnsafeFileError, match="private' must lie inside"):
        write_redaction_key(tiny)


def test_a_name_that_is_a_formula_is_written_as_text(tmp_path):
    register = Register()
    register.name("hidden", "a", "=1+1")

    assert "'=1+1" in register.write(tmp_path / "private").read_text(encoding="utf-8")


def test_a_name_of_another_interview_is_taken_out_only_in_full():
    redactor = Redactor(["Ann Lee"], elsewhere=["Rose", "Sara Miri", "Ann Lee"])

    assert redactor.redact("Rose, Sara, Sara Miri, Ann")[0] == "Rose, Sara, [name-1], [name-2]"


SPELT = [
    ("call oh nine one two three four five six seven eight nine ok", "call [phone-1] ok"),
    ("it is nine one two, three four five, double six eight", "it is [phone-1]"),
    ("شماره‌ام صفر نهصد و دوازده سیصد و چهل و پنج شصت و هفت هشتاد و نه است",
     "شماره‌ام [phone-1] است"),
    ("صفر نه یک دو، سه چهار پنج، شش هفت هشت نه", "[phone-1]"),
    ("یک دو سه چهار پنج شش بار", "یک دو سه چهار پنج شش بار"),  # six are too few
    ("نه نه نه نه نه نه نه نه", "نه نه نه نه نه نه نه نه"),  # no, seven times
    ("سه میلیون و دویست و پنجاه هزار و ششصد و هفتاد و دو تومان",) * 2,
    ("one of two or three people, four at most, five, six", "one of two or three people, four at "
     "most, five, six"),
    ("sara dot miri at gmail dot com", "[email-1]"),
    ("سارا ات جیمیل دات کام", "[email-1]"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SPELT)
def test_numbers_and_addresses_in_words(text, expected):
    assert Redactor().redact(text)[0] == expected


PLACES = [
    ("I live in San Jose now. San Jose!", "I live in [place-1] now. [place-1]!"),
    ("I grew up in Yazd", "I grew up in [place-1]"),
    ("We're from Qom", "We're from [place-1]"),
    ("I am from the shop", "I am from the shop"),
    ("ساکن شیراز هستم و شیراز گرم است", "ساکن [place-1] هستم و [place-1] گرم است"),
    ("اهل مطالعه هستم، اهل یزد هستم", "اهل مطالعه هستم، اهل [place-1] هستم"),
    ("توی کرج زندگی می‌کنیم", "توی [place-1] زندگی می‌کنیم"),
    ("در خانه زندگی می‌کنم", "در خانه زندگی می‌کنم"),
]


@pytest.mark.parametrize(("text", "expected"), PLACES)
def test_places_people_say_they_live_in(text, expected):
    redactor = Redactor()
    redactor.learn([("P1", text)])

    assert redactor.redact(text)[0] == expected


def test_a_part_is_judged_inside_its_text():
    redactor = Redactor(["Sara Miri"])
    text = "phone: 1234567, says Sara Miri, truly"

    assert redactor.redact(text)[0] == "[phone-1], says [name-1], truly".replace(
        "[phone-1]", "phone: [phone-1]"
    )
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            part = redactor.redact(text, start, end)[0]
            assert not {"1", "Sara", "Miri", "ara Miri"} & set(part.replace("-1]", "").split())
    assert redactor.redact(text, 10, 12)[0] == "[phone-1]"
    assert redactor.redact(text, 16, 20)[0] == "says"


@given(
    st.lists(
        st.sampled_from(["Sara", "Miri", "0912 345 6789", "a@b.com", "slow", "تهران", "،", "the"]),
        max_size=10,
    )
)
def test_redacting_twice_is_redacting_once(words):
    text = " ".join(words)
    redactor = Redactor(["Sara Miri"], places=["تهران"])

    once, found = redactor.redact(text)

    assert redactor.redact(once) == (once, [])
    assert len(found) <= len(words)
    for secret in ("Sara", "Miri", "0912", "@", "تهران"):
        assert secret not in once
    assert once.count("slow") == text.count("slow")
