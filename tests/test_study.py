"""The study: loading, faults with their lines, safety, pseudonyms."""

from __future__ import annotations

import dataclasses
import hmac
import re
import stat
from pathlib import Path

import pandas as pd
import pytest

from cjlib.codebook import read_codebook
from cjlib.definitions import Text
from cjlib.errors import MissingSourceError, StudyError, UnsafeFileError
from cjlib.study import load_study, read_study
from cjlib.validation import read_yaml

SMALL = """\
study: 1
id: small
title: {en: Small, fa: کوچک}
brand: Small
language: en
stages:
  - {id: search, label: {en: Search, fa: جست‌وجو}}
  - {id: buy, label: Buy, teams: [sales]}
teams:
  - {id: sales, label: Sales}
channels:
  - {id: web, label: Web}
touchpoints:
  - {id: page, stage: search, channel: web, label: Page}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "study.yaml").write_text(SMALL, encoding="utf-8")
    return tmp_path


def rewrite(folder: Path, old: str, new: str) -> None:
    file = folder / "study.yaml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_a_small_study_loads(folder):
    study = load_study(folder)

    assert study.stage_ids == ["search", "buy"]
    assert study.label("stage", "search") == "Search"
    assert dataclasses.replace(study, language="fa").label("stage", "search") == "جست‌وجو"
    assert study.label("stage", "unheard") == "unheard"
    assert not study.has("survey")
    with pytest.raises(dataclasses.FrozenInstanceError):
        study.id = "other"


def test_the_shipped_study_has_no_faults_in_its_definitions(sepidar):
    study, faults = read_study(sepidar)

    assert study is not None
    assert faults == []
    assert len(study.touchpoints) == 28


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("language: en", "langauge: en", 5, "unknown key 'langauge'.*Did you mean 'language'"),
        ("language: en", "language: de", 5, "language: 'de'; expected one of en, fa"),
        ("stage: search", "stage: serch", 14, "unknown stage 'serch'.*Did you mean 'search'"),
        ("channel: web", "channel: wbe", 14, "unknown channel 'wbe'.*Did you mean 'web'"),
        ("teams: [sales]", "teams: [sale]", 8, "unknown team 'sale'.*Did you mean 'sales'"),
        ("id: buy", "id: search", 8, "id 'search' again in stages"),
        ("brand: Small", "brand: {de: Klein}", 4, "brand: .*expected a text"),
        ("study: 1", "study: 2", 1, "study: 2; expected the format version"),
        ("id: small\n", "id: small\nid: big\n", 3, "'id' again"),
        ("brand: Small", "brand: &a Small", 4, "an anchor or alias"),
        ("brand: Small", "brand: [Small", 5, "expected"),
    ],
)
def test_each_fault_is_named_with_its_line(folder, old, new, line, message):
    rewrite(folder, old, new)

    _, faults = read_study(folder)

    assert any(f.line == line and re.search(message, str(f)) for f in faults), list(
        map(str, faults)
    )
    with pytest.raises(StudyError, match="the study has"):
        load_study(folder)


def test_all_faults_come_at_once(folder):
    rewrite(folder, "stage: search", "stage: serch")
    rewrite(folder, "channel: web", "channel: wbe")
    rewrite(folder, "language: en", "langauge: en")

    _, faults = read_study(folder)

    assert len(faults) == 4  # the misspelt key also leaves 'language' missing


def test_missing_files_are_named(folder):
    text = (folder / "study.yaml").read_text(encoding="utf-8")
    survey = "survey:\n  waves:\n    - {id: w1, files: [survey/w1.csv]}\nbeliefs: ../beliefs.csv\n"
    (folder / "study.yaml").write_text(text + survey, encoding="utf-8")

    _, faults = read_study(folder)

    found = [str(f) for f in faults]
    assert any("file 'survey/w1.csv'" in f for f in found)
    assert any("file '../beliefs.csv'; expected a path inside the study" in f for f in found)
    assert any("no codebook" in f for f in found)


@pytest.mark.parametrize("name", ["../x.csv", "/etc/passwd", "http://example.org/x.csv"])
def test_paths_stay_inside_the_study(folder, name):
    with pytest.raises(UnsafeFileError, match="must lie inside the study"):
        load_study(folder).file(name)


def test_a_link_out_of_the_study_is_refused(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.csv"
    outside.write_text("x", encoding="utf-8")
    (folder / "link.csv").symlink_to(outside)

    with pytest.raises(UnsafeFileError):
        load_study(folder).file("link.csv")


def test_raw_files_may_lie_elsewhere(folder, tmp_path_factory):
    raw = tmp_path_factory.mktemp("raw")
    (raw / "events.csv").write_text("x", encoding="utf-8")

    study = load_study(folder, raw=raw)

    assert study.file("events.csv") == raw / "events.csv"
    with pytest.raises(MissingSourceError, match="--raw"):
        study.file("other.csv")


def test_pseudonyms_join_and_hide(folder):
    study = load_study(folder)
    ids = pd.Series(["09121234567", " 09121234567 ", None, "", "NA"])

    made = study.pseudonyms(ids, "C")

    assert made[0] == made[1]
    assert made[0] != made[4]
    assert made.isna().tolist() == [False, False, True, True, False]
    assert made.dropna().str.fullmatch("C[0-9a-f]{16}").all()
    key = folder / "private" / "pseudonym.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert load_study(folder).pseudonyms(ids, "C").equals(made)  # the key is kept
    known = hmac.digest(bytes.fromhex(key.read_text()), b"09121234567", "sha256").hex()
    assert made[0] == "C" + known[:16]
    key.unlink()
    assert load_study(folder).pseudonyms(ids, "C")[0] != made[0]  # and is what hides
    key.write_text("", encoding="ascii")  # an empty key would hide nobody
    with pytest.raises(UnsafeFileError, match="64 hexadecimal digits; it holds 0 signs"):
        load_study(folder).pseudonyms(ids, "C")


def test_a_source_must_be_spelt_right(folder):
    with pytest.raises(KeyError, match="did you mean 'survey'"):
        load_study(folder).has("survy")


def test_yaml_keeps_dates_and_words_as_text():
    value, lines, faults = read_yaml("a: no\nb: 2025-01-01\nc: 1.5\nd: true\ne: '7'\nf: ~", "x")

    assert value == {"a": "no", "b": "2025-01-01", "c": 1.5, "d": True, "e": "7", "f": None}
    assert lines[("c",)] == 3
    assert faults == []


def test_text_falls_back_to_the_other_language():
    assert Text(en="Buy").to("fa") == "Buy"
    assert Text(fa="خرید").to("en") == "خرید"


CODEBOOK = """\
name,kind,low,high,metric,labels,source,reverse
nps,scale,0,10,nps,,NETPRO|2010:Q9|2011: Q8,
sex,nominal,,,,1=Woman/زن|2=Man/مرد,,
tired,scale,1,5,,,,yes
"""


def test_a_codebook_reads(tmp_path):
    file = tmp_path / "codebook.csv"
    file.write_text(CODEBOOK, encoding="utf-8-sig")

    codebook, faults = read_codebook(file)

    assert faults == []
    assert codebook["nps"].headers("2010") == ["Q9"]
    assert codebook["nps"].headers("2017") == ["NETPRO"]
    assert codebook["sex"].labels["1"] == Text("Woman", "زن")
    assert codebook["sex"].headers("any") == ["sex"]
    assert codebook["tired"].reverse
    assert [i.name for i in codebook.select(metric="nps")] == ["nps"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("nps2,scale,1,11,nps,,,", "NPS item 'nps2' on 1 to 11; expected low 0 and high 10"),
        ("x,scal,1,5,,,,", "kind 'scal'.*Did you mean 'scale'"),
        ("x,scale,5,1,,,,", "low 5 and high 1; expected low below high"),
        ("x,scale,,,,,,", "scale 'x' without low and high"),
        ("x,scale,one,5,,,,", "low 'one'; expected a number"),
        ("nps,scale,1,5,,,,", "name 'nps' again \\(first on line 2\\)"),
        ("x,nominal,,,,Woman,,", "label 'Woman'; expected code=English/Persian"),
        ("x,nominal,,,,@../labels.csv,,", "labels '@../labels.csv'; expected a CSV beside"),
        ("x,scale,1,5,npss,,,", "metric 'npss'.*Did you mean 'nps'"),
        ("x,scale,1,5,,,,maybe", "reverse 'maybe'; expected yes or no"),
        (",scale,1,5,,,,", "an empty name"),
    ],
)
def test_codebook_faults(tmp_path, row, message):
    file = tmp_path / "codebook.csv"
    file.write_text(CODEBOOK + row + "\n", encoding="utf-8")

    _, faults = read_codebook(file)

    assert any(re.search(message, str(f)) and f.line == 5 for f in faults), list(map(str, faults))


def test_a_codebook_column_misspelt(tmp_path):
    file = tmp_path / "codebook.csv"
    file.write_text("name,kind,stge\nx,text,\n", encoding="utf-8")

    _, faults = read_codebook(file)

    assert "Did you mean 'stage'?" in str(faults[0])
