"""Reading and checking maps: every fault, its place, and what is only a warning."""

from __future__ import annotations

import copy
import json

import pytest

from cjlib.maps import MapError, check_map, load_map, read_map
from cjlib.validation import read_schema

AUTHORED = """schema: cj.map/1
id: tea
title: {en: Tea, fa: چای}
lang: en
kind: journey-map
state: current
basis: planned
version: 1.2.0
changelog: [{version: 1.2.0, on: 2025-11-11, note: no}]
personas: [{id: sara, name: off}]
stages:
  - {id: buy, label: Buy, kind: decision}
  - {id: drink, label: Drink, kind: retention}
lanes: [{id: pain, kind: pains, label: Pains}]
cells:
  - {lane: pain, at: drink, persona: sara, text: Too hot, level: validated, evidence: [heard]}
evidence: [{id: heard, type: interview, source: six talks, n: 6}]
"""


@pytest.fixture
def tea(tmp_path):
    file = tmp_path / "tea.yaml"
    file.write_text(AUTHORED, encoding="utf-8")
    return file


def broken(file, old, new):
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    return read_map(file)[1]


def test_authored_map_is_right_and_keeps_dates_and_no_as_text(tea):
    m, faults = read_map(tea)

    assert faults == []
    assert m["changelog"][0] == {"version": "1.2.0", "on": "2025-11-11", "note": "no"}
    assert m["personas"][0]["name"] == "off"


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("evidence: [heard]}", "evidence: []}", 16, "'validated' without evidence"),
        (", evidence: [heard]}", "}", 16, "'validated' without evidence"),
        ("evidence: [heard]}", "evidence: [herd]}", 16, "unknown evidence 'herd'"),
        ("at: drink", "at: drnk", 16, "unknown stage 'drnk'"),
        ("persona: sara", "persona: sahra", 16, "unknown persona 'sahra'"),
        ("{lane: pain,", "{lane: pains,", 16, "unknown lane 'pains'"),
        ("level: validated", "level: proven", 16, "level: 'proven'"),
        ("text: Too hot", "txt: Too hot", 16, "unknown key 'txt'"),
        ("version: 1.2.0\nchange", "version: two\nchange", 8, 'version: "two"'),
        ("id: drink, label", "id: buy, label", 13, "id 'buy' again in stages"),
        ("kind: pains", "kind: pain", 14, "kind: 'pain'"),
    ],
)
def test_each_fault_has_its_line(tea, old, new, line, says):
    faults = [f for f in broken(tea, old, new) if f.severity == "fault"]

    assert any(says in f.found and f.line == line for f in faults), [str(f) for f in faults]
    assert faults[0].file == "tea.yaml"


def test_nearest_spelling_is_offered(tea):
    assert next(f.nearest for f in broken(tea, "at: drink", "at: drnk")) == "drink"


def test_map_that_ends_at_the_purchase_warns(tea):
    faults = broken(tea, "kind: retention", "kind: decision")

    assert [(f.severity, f.found) for f in faults] == [
        ("warning", "no stage after the purchase has any data")
    ]


def test_moves_off_the_map_warn(tea):
    faults = broken(tea, "evidence: [{", "transitions: [{from: buy, to: dinner}]\nevidence: [{")

    assert [(f.severity, f.found) for f in faults] == [
        ("warning", "'dinner' is not a stage of this map")
    ]


def test_a_cell_comes_once(tea):
    cell = "  - {lane: pain, at: drink, persona: sara, text: Cold, level: assumption}\nevidence: [{"
    faults = broken(tea, "evidence: [{", cell)

    assert "a second cell" in faults[0].found


def test_unsafe_or_broken_files_are_named(tmp_path):
    alias = tmp_path / "alias.yaml"
    alias.write_text("a: &x [1]\nb: *x\n", encoding="utf-8")
    cut = tmp_path / "cut.json"
    cut.write_text('{"schema": ', encoding="utf-8")
    other = tmp_path / "other.json"
    other.write_bytes("سلام".encode("cp1256"))
    deep = tmp_path / "list.json"
    deep.write_text("[]", encoding="utf-8")

    assert "anchor or alias" in read_map(alias)[1][0].found
    assert read_map(cut)[1][0].expected == "valid JSON"
    assert "not UTF-8" in read_map(other)[1][0].found
    assert read_map(deep)[0] is None
    assert read_map(tmp_path / "none.json")[1][0].found == "no file"
    with pytest.raises(MapError, match=r"load_map: the map has 1 fault:\n  cut.json:1"):
        load_map(cut)


def test_wide_map_is_right(wide):
    assert check_map(wide) == []
    again = json.loads(json.dumps(copy.deepcopy(wide)))
    assert check_map(again) == []


def test_schema_says_what_it_is():
    assert read_schema("journey-map")["$id"] == "cj.map/1"


@pytest.mark.real
def test_reference_example_is_valid(shared_data):
    example = shared_data.parent / "reference" / "example.yaml"
    if not example.is_file():
        pytest.skip("the reference example is not beside the data")

    _, faults = read_map(example)

    assert {f.severity for f in faults} <= {"warning"}
    assert any("consideration" in f.found for f in faults)
