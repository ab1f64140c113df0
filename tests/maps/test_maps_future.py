"""The future state says what changes by which action, and claims nothing as measured."""

from __future__ import annotations

import copy
import re

import pytest
from wide_map import HOSTILE, make_wide_map

from cjlib.errors import JourneyError
from cjlib.maps import build_map, check_map, plan_future, render_side_by_side

SOONER = {
    "at": "get", "lane": "pains", "text": "Nobody waits", "action": "A second van",
    "owner": "selling", "due": "2026-03-31",
}  # fmt: skip


@pytest.fixture
def today(study, respondents, interactions, beliefs):
    return build_map(study, survey=respondents, interactions=interactions, beliefs=beliefs)


def cell_of(m, lane, at):
    found = [c for c in m["cells"] if (c["lane"], c["at"]) == (lane, at)]
    assert len(found) == 1
    return found[0]


def test_changed_cell_is_an_assumption_and_the_rest_stays(today):
    before = copy.deepcopy(today)
    m = plan_future(today, [SOONER])

    assert today == before
    assert (m["state"], m["counterpart"]) == ("future", today["id"])
    assert m["id"] != today["id"]
    cell = cell_of(m, "pains", "get")
    assert cell["level"] == "assumption"
    assert "evidence" not in cell
    assert "A second van" in cell["items"][1]["text"]["en"]
    assert not [f for f in m["findings"] if (f["kind"], f["at"]) == ("pain", "get")]
    assert [f for f in today["findings"] if (f["kind"], f["at"]) == ("pain", "get")]
    others = [c for c in today["cells"] if (c["lane"], c["at"]) != ("pains", "get")]
    assert [c for c in m["cells"] if c is not cell] == others
    assert m["actions"][0]["due"] == "2026-03-31"
    assert [f for f in check_map(m) if f.severity == "fault"] == []


def test_target_of_a_kpi_keeps_today_as_its_baseline(today):
    key = next(x["id"] for x in today["metrics"] if x["at"] == "get" and x["name"] == "csat")
    was = next(x["value"] for x in today["metrics"] if x["id"] == key)
    change = SOONER | {"lane": "kpis", "metric": key, "target": 4.2}

    m = plan_future(today, [change, SOONER])

    metric = next(x for x in m["metrics"] if x["id"] == key)
    assert [x["id"] for x in m["metrics"] if x["at"] == "get"] == [key]
    assert (metric["target"], metric["baseline"]) == (4.2, was)
    assert metric["value"]["value"] is None
    assert m["actions"][0]["expected"] == {"metric": key, "from": was["value"], "to": 4.2}


def test_target_of_emotion_has_no_interval(today):
    m = plan_future(today, [SOONER | {"lane": "emotion", "target": 1.5}])
    there = [e for e in m["emotions"] if e["at"] == "get"]

    assert [e["value"] for e in there] == [{"value": 1.5, "unit": "emotion"}]
    assert "evidence" not in there[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"at": "got"}, "stage must be one of look, buy, get; change 1 has 'got'.*mean 'get'"),
        ({"lane": "pain"}, "lane must be one of .*Did you mean 'pains'"),
        ({"action": ""}, "change 1 has no action"),
        ({"targt": 4}, "key must be one of .*Did you mean 'target'"),
        ({"target": 4}, "has no 'metric'"),
        ({"target": float("nan"), "lane": "emotion"}, "must be a number"),
        ({"target": 3, "lane": "emotion"}, "from -2 to 2"),
        ({"metric": "none"}, "KPI of that stage must be one of"),
    ],
)
def test_wrong_changes_are_refused(today, change, said):
    with pytest.raises(JourneyError, match=said):
        plan_future(today, [SOONER | change])


def test_a_cell_changes_once_and_something_changes(today):
    with pytest.raises(JourneyError, match="change 2 is a second one of lane 'pains' at 'get'"):
        plan_future(today, [SOONER, SOONER])
    with pytest.raises(JourneyError, match="at least one cell"):
        plan_future(today, [])


def rows_of(page):
    """Lane, map and texts of the cells of each row of values, tags taken out."""
    found = []
    for body in re.findall(r"<tbody.*?</tbody>", page, re.S):
        lane = words(re.search(r"<span>(.*?)</span>", body, re.S)[1])
        name = ""
        for row in re.findall(r"<tr.*?</tr>", body, re.S)[1:]:
            name = words((re.findall(r"<th.*?</th>", row, re.S) or [name])[0])
            cells = re.findall(r"<td[^>]*>.*?</td>", row, re.S)
            if len(cells) > 1:
                found.append((lane, name, [words(c) for c in cells]))
    return found


def words(markup):
    return " ".join(re.sub(r"<[^>]*>", " ", markup).split())


def test_today_and_future_stand_below_one_another(today):
    future = plan_future(today, [SOONER])
    rows = rows_of(render_side_by_side([today, future]))

    assert len(rows) == 2 * len(today["lanes"])
    assert [name for _, name, _ in rows] == ["Today", "Future"] * len(today["lanes"])
    pains = [cells for lane, _, cells in rows if lane == "Pains"]
    assert "Nobody waits" in pains[1][2]
    assert "Nobody waits" not in pains[0][2]
    assert pains[0][:2] == pains[1][:2]


def test_a_stage_that_one_map_lacks_is_said_to_be_missing():
    one, two = make_wide_map(3, 2), make_wide_map(4, 3)
    two["personas"][0]["name"] = "Other"
    rows = rows_of(render_side_by_side([one, two], language="en"))

    assert len(rows) == 2 * 3
    by = {(lane, name): cells for lane, name, cells in rows}
    name = next(n for _, n in by if n != "Other")
    assert by["Lane1x", name][3] == "not on this map"
    assert by["Lane2x", name] == ["not on this map"] * 4
    assert "Cell3y1z" in by["Lane1x", "Other"][3]


def test_eight_maps_at_most_and_hostile_texts_stay_texts():
    maps = [make_wide_map(2, 2, lang="fa") for _ in range(8)]
    maps[0]["title"] = "{fonts} </title><script>"
    page = render_side_by_side(maps)

    assert len(rows_of(page)) == 16
    assert "<script" not in page
    assert "{fonts} &lt;/title&gt;" in page
    assert all(HOSTILE[2] not in page for _ in maps)
    assert 'dir="rtl"' in page
    for wrong in (maps[:1], [*maps, maps[0]]):
        with pytest.raises(JourneyError, match="must be 2 to 8"):
            render_side_by_side(wrong)
