"""Maps in versions: what changed in the field's terms, and when a map is out of date."""

from __future__ import annotations

import copy
from datetime import date

import pytest

from cjlib.errors import JourneyError
from cjlib.maps import build_map, diff_maps, find_staleness, is_stale, load_map, save_map

DAY = date(2025, 2, 1)


@pytest.fixture
def old(study, respondents, interactions):
    return build_map(study, survey=respondents, interactions=interactions, checksum="abc")


@pytest.fixture
def better(study, respondents, interactions):
    """The same people, a point happier with delivery: 2.25 becomes 3.25."""
    happier = respondents.assign(sat_get=respondents["sat_get"] + 1)
    return build_map(study, survey=happier, interactions=interactions, checksum="abd")


def row(changes, kind, what):
    found = changes.table[(changes.table["kind"] == kind) & (changes.table["what"] == what)]
    assert len(found) == 1
    return found.iloc[0]


def test_nothing_changed(old):
    changes = diff_maps(old, copy.deepcopy(old))

    assert changes.table.empty
    assert changes.summary() == "Nothing changed."
    assert list(changes.table.columns)[:4] == ["kind", "stage", "what", "change"]


def test_satisfaction_moved_beyond_noise(old, better):
    csat = row(diff_maps(old, better), "metric", "csat")

    assert (csat["stage"], csat["old"], csat["new"]) == ("Get", 2.25, 3.25)
    assert csat["difference"] == pytest.approx(1.0)
    one = next(m for m in old["metrics"] if m["id"] == "m-csat-sat_get")["value"]["ci"]
    half = (one["hi"] - one["lo"]) / 2
    assert csat["low"] == pytest.approx(1 - half * 2**0.5)
    assert bool(csat["beyond_noise"]) is True


def test_small_move_is_noise_though_it_is_told(old, study, respondents, interactions):
    little = respondents.copy()
    little.loc[0, "sat_get"] = 3.0
    new = build_map(study, survey=little, interactions=interactions)

    csat = row(diff_maps(old, new), "metric", "csat")

    assert csat["difference"] == pytest.approx(1 / 40)
    assert bool(csat["beyond_noise"]) is False


def test_overlapping_intervals_are_no_test(old):
    # 0.60 [0.50, 0.70] and 0.78 [0.69, 0.87] overlap, and still differ: the difference's
    # interval is 0.18 less the root of 0.10 and 0.09 squared, 0.045 and more
    one, two = copy.deepcopy(old), copy.deepcopy(old)
    for m, value, half in ((one, 0.60, 0.10), (two, 0.78, 0.09)):
        ci = {"lo": value - half, "hi": value + half, "level": 0.95, "method": "t"}
        m["emotions"][0]["value"] = {"value": value, "unit": "emotion", "n": 90, "ci": ci}

    emotion = row(diff_maps(one, two), "emotion", "emotion")

    assert emotion["low"] == pytest.approx(0.18 - (0.1**2 + 0.09**2) ** 0.5)
    assert bool(emotion["beyond_noise"]) is True


def test_things_that_come_and_go(old, better):
    gone = [f for f in better["findings"] if f["id"] != "f-pain-get-wait"]
    new = copy.deepcopy(better) | {"findings": gone}
    new["stages"].append({"id": "tell", "label": {"en": "Tell", "fa": "گفتن"}, "kind": "advocacy"})
    new["lanes"].append({"id": "shop", "kind": "backstage", "label": "Behind"})
    new["stages"][0]["team"] = "Marketing"

    changes = diff_maps(old, new)

    assert row(changes, "stage", "Tell")["change"] == "added"
    assert row(changes, "lane", "Behind")["change"] == "added"
    pain = row(changes, "finding", "pain: A long wait after the purchase")
    assert (pain["change"], pain["stage"]) == ("removed", "Get")
    assert row(changes, "owner", "Selling → Marketing")["stage"] == "Look"
    assert "1 stage added" in changes.summary()
    assert "beyond noise" in changes.summary()
    persian = diff_maps(old, new, language="fa").table
    assert "گفتن" in persian["what"].tolist()


def test_changing_sides_changes_the_signs(old, better):
    there, back = diff_maps(old, better).table, diff_maps(better, old).table
    numbers = there[there["difference"].notna()].set_index(["kind", "stage", "what"])
    turned = back[back["difference"].notna()].set_index(["kind", "stage", "what"])

    joined = numbers.join(turned, suffixes=("", "_back"))
    assert (joined["difference"] == -joined["difference_back"]).all()
    assert joined["low"].tolist() == pytest.approx((-joined["high_back"]).tolist(), nan_ok=True)


def test_stages_in_another_order(old):
    new = copy.deepcopy(old)
    new["stages"] = [new["stages"][i] for i in (1, 0, 2)]

    moved = diff_maps(old, new).table

    assert set(moved.loc[moved["kind"] == "stage", "change"]) == {"moved"}


def test_versions_rise_with_what_changed(old, better, tmp_path):
    place = tmp_path / "maps"
    first = save_map(old, place, today=DAY)
    again = save_map(old, place, today=date(2026, 1, 1))
    save_map(better, place, today=DAY, by="Maryam")
    grown = copy.deepcopy(better)
    grown["stages"].append({"id": "tell", "label": "Tell", "kind": "advocacy"})
    third = save_map(grown, place, today=DAY)

    assert first == again
    assert [f.name for f in sorted(place.iterdir())] == [
        "map-corner-everybody-v1.0.0.json",
        "map-corner-everybody-v1.0.1.json",
        "map-corner-everybody-v2.0.0.json",
    ]
    newest = load_map(place, id="map-corner-everybody")
    assert newest == load_map(third)
    assert newest["supersedes"] == "map-corner-everybody@1.0.1"
    assert next(c["version"] for c in newest["changelog"]) == "1.0.0"
    assert newest["changelog"][1]["by"] == "Maryam"
    assert "beyond noise" in newest["changelog"][1]["note"]
    assert "version" in old
    assert old["version"] == "1.0.0"


def test_tenth_version_comes_after_the_ninth(old, tmp_path):
    for n in (2, 9, 10):
        text = (save_map(old, tmp_path / "one", today=DAY)).read_text(encoding="utf-8")
        file = tmp_path / f"map-corner-everybody-v1.{n}.0.json"
        file.write_text(text.replace('"version": "1.0.0"', f'"version": "1.{n}.0"', 1))

    assert load_map(tmp_path, id="map-corner-everybody")["version"] == "1.10.0"


def test_folder_without_the_map_says_so(tmp_path):
    with pytest.raises(JourneyError, match="Save one with save_map"):
        load_map(tmp_path, id="nowhere")


def test_stale_by_date_and_by_data(old):
    due = date.fromisoformat(old["review"]["next_review"])

    assert not is_stale(old, today=due, checksum="abc")
    assert find_staleness(old, today=due.replace(year=due.year + 1), checksum="abc") == [
        f"the review was due on {due}"
    ]
    assert find_staleness(old, today=due, checksum="other") == [
        "the data have changed since the map was made"
    ]
    bare = {k: v for k, v in old.items() if k not in ("review", "provenance")}
    assert len(find_staleness(bare, today=due, checksum="abc")) == 2
