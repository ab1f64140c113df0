"""Changes that are told in words, targets and units; staleness and change log on the page."""

from __future__ import annotations

import copy
from datetime import date

import pytest
from test_maps_rendering import Page, find, text_of
from wide_map import make_wide_map

from cjlib.maps import build_map, check_map, diff_maps, load_map, new_map, render_html, save_map
from cjlib.maps.checking import MapError, read_map


@pytest.fixture
def old(study, respondents, interactions):
    return build_map(study, survey=respondents, interactions=interactions, checksum="abc")


def told(changes):
    return changes.table[["kind", "stage", "what", "change"]].to_numpy().tolist()


def test_what_a_cell_says_comes_and_goes(tmp_path):
    old = new_map("retail", brand="Corner")
    new = copy.deepcopy(old)
    cell = next(c for c in new["cells"] if (c["lane"], c["at"]) == ("actions", "purchase"))
    cell["items"] = ["Pays at the till", {"en": "Fills the cart and pays", "fa": "چیز دیگر"}]
    first = save_map(old, tmp_path, today=date(2025, 1, 1))

    changes = diff_maps(old, new)

    assert told(changes) == [["cell", "Purchase", "What they do: Pays at the till", "added"]]
    second = save_map(new, tmp_path, today=date(2025, 2, 1))
    assert (first.stem[-5:], second.stem[-5:]) == ("1.0.0", "1.1.0")
    assert load_map(second)["changelog"][-1]["note"] == "1 cell added."


def test_a_share_in_a_cell_is_compared_with_its_interval(old):
    new = copy.deepcopy(old)
    item = next(c for c in new["cells"] if (c["lane"], c["at"]) == ("actions", "get"))["items"][1]
    assert item["text"]["en"] == "Call"
    item["value"] |= {"value": 0.9, "ci": item["value"]["ci"] | {"lo": 0.8, "hi": 0.95}}

    table = diff_maps(old, new).table

    assert told(diff_maps(old, new)) == [["cell", "Get", "What they do: Call", "changed"]]
    assert table["old"].tolist() == [0.25]
    assert bool(table["beyond_noise"].iloc[0]) is True


def test_targets_goals_actions_and_findings_are_told(old):
    new = copy.deepcopy(old)
    metric = next(m for m in new["metrics"] if m.get("target") == 4)
    metric["target"] = 4.5
    new["stages"][2]["customer_goal"] = "Have it today"
    pain = next(f for f in new["findings"] if f["kind"] == "pain")
    pain |= {"text": "Too slow", "at": "buy"}
    action = {"id": "a", "title": "Hire", "status": "proposed"}
    new["actions"] = [action]

    found = diff_maps(old, new)

    target = found.table[found.table["kind"] == "target"].iloc[0]
    assert (target["stage"], target["old"], target["new"]) == ("Get", 4, 4.5)
    assert ["goal", "Get", "Have it soon → Have it today", "changed"] in told(found)
    assert ["action", "", "Hire", "added"] in told(found)
    assert {"renamed", "moved"} <= set(found.table.loc[found.table["kind"] == "finding", "change"])
    later = copy.deepcopy(new)
    later["actions"] = [action | {"status": "done"}]
    assert told(diff_maps(new, later)) == [["action", "", "Hire: proposed → done", "changed"]]


def test_another_unit_has_no_difference(old):
    new = copy.deepcopy(old)
    metric = next(m for m in new["metrics"] if m["name"] == "csat")
    metric["value"] = {"value": 0.7, "unit": "share", "n": 40}

    row = diff_maps(old, new).table.iloc[0]

    assert (row["kind"], row["old"], row["new"]) == ("metric", 4.5, 0.7)
    assert row[["difference", "low", "beyond_noise"]].isna().all()


def test_details_beyond_the_tables_still_make_a_version(old, tmp_path):
    save_map(old, tmp_path, today=date(2025, 1, 1))
    new = copy.deepcopy(old)
    new["evidence"][0]["source"] = "another file"

    saved = load_map(save_map(new, tmp_path, today=date(2025, 2, 1)))

    assert (saved["version"], saved["changelog"][-1]["note"]) == ("1.0.1", "Details changed.")


@pytest.mark.parametrize("lang", ["en", "fa"])
def test_page_says_that_it_is_stale_and_what_became_of_it(old, tmp_path, lang):
    file = save_map(old, tmp_path, today=date(2025, 1, 1), by="Sara")
    m = load_map(file)

    late = Page(render_html(m, language=lang, today=date(2030, 1, 1), checksum="other"))
    due = Page(render_html(m, language=lang, today=date(2025, 1, 2), checksum="abc"))

    shown = text_of(late.root)
    for said in {
        "en": ("the review was due on 2025-04", "the data have changed", "Change log", "Sara"),
        "fa": ("موعد بازبینی ۱۴۰۴/۰", "داده‌ها پس از ساخت نقشه تغییر", "۱۴۰۳/۱۰/۱۲"),
    }[lang]:
        assert said in shown
    assert not [p for p in find(due.root, "p") if p["attrs"].get("class") == "stale"]


FAULTS = [
    (lambda m: m["cells"][3].update(level="proven"), r"cells\[3\]\.level: level: 'proven'"),
    (lambda m: m["cells"][3].update(txt="a"), r"cells\[3\]: unknown key 'txt'.*'text'\?"),
    (lambda m: m["cells"][3].update(level="validated", evidence=[]), r"cells\[3\]: .*without evid"),
    (
        lambda m: m["cells"][2].update(
            level="partial", evidence=[], items=[{"text": "a", "level": "validated"}]
        ),
        r"cells\[2\]\.items\[0\]: the item says 'validated' without",
    ),
    (
        lambda m: m["cells"][0]["items"].append({"text": "a", "value": {"value": "1"}}),
        r"cells\[0\]\.items\[2\]\.value\.value: .*a number",
    ),
    (
        lambda m: m["cells"][0]["items"].append(
            {"text": "a", "value": {"value": 25, "unit": "share"}}
        ),
        r"a share of 25; .*write 25 % as 0\.25",
    ),
    (
        lambda m: m["emotions"][0]["value"]["ci"].update(lo=3),
        r"emotions\[0\]\.value\.ci: an interval",
    ),
    (lambda m: m["emotions"][0]["value"].update(value=1.9), r"1\.9 outside its interval"),
    (lambda m: m["emotions"][0]["value"].update(value=None), "an interval without a value"),
    (lambda m: m["emotions"][0]["value"].update(value=float("inf")), "a finite number"),
    (lambda m: m["emotions"][0].update(scale={"min": 5, "max": 1}), "a min below its max"),
    (
        lambda m: m.update(review={"next_review": "2025-02-30"}),
        r"review\.next_review: '2025-02-30'",
    ),
    (lambda m: m.pop("id"), r"\$: no 'id' in 'the map'"),
]


@pytest.mark.parametrize(("spoil", "says"), FAULTS)
def test_each_fault_is_named_by_its_path(spoil, says):
    m = make_wide_map(2, 3)
    render_html(m)  # found right once: must not be remembered when it is no more
    spoil(m)

    with pytest.raises(MapError, match=says):
        render_html(m)
    assert {f.line for f in check_map(m)} == {0}


def test_json_that_only_python_reads_is_refused(tmp_path):
    file = tmp_path / "map.json"
    for text, found in (
        ('{"id": "a", "id": "b"}', "'id' again"), ('{"id": NaN}', "NaN"),
        ("[" * 100_000, "nested too deeply"),
    ):  # fmt: skip
        file.write_text(text, encoding="utf-8")
        m, faults = read_map(file)
        assert m is None
        assert found in faults[0].found
