"""Starting points are valid maps in which nothing pretends to be known."""

from __future__ import annotations

import pytest

from cjlib.errors import JourneyError
from cjlib.maps import (
    check_map,
    list_map_templates,
    new_map,
    plan_future,
    render_html,
    tabulate_map,
)

NAMES = ["airport", "bank", "food_delivery", "general", "marketing", "retail", "software"]


def test_seven_templates_with_their_stages():
    found = list_map_templates().set_index("name")

    assert list(found.index) == NAMES
    assert found.at["retail", "stage_names"] == (
        "Awareness, Engagement, Consideration, Purchase, Post-purchase"
    )
    assert found.at["marketing", "stage_names"] == (
        "Awareness, Consideration, Decision, Retention, Advocacy"
    )
    assert found.at["general", "stages"] == 8


@pytest.mark.parametrize("name", NAMES)
def test_every_cell_is_an_assumption_in_both_languages(name):
    m = new_map(name, brand={"en": "Corner", "fa": "سرکوچه"}, language="fa", owner="Sara")

    assert [f for f in check_map(m) if f.severity == "fault"] == []
    places = {(c["lane"], c["at"]) for c in m["cells"]}
    assert places == {(x["id"], s["id"]) for x in m["lanes"] for s in m["stages"]}
    assert len(m["cells"]) == len(places)
    for cell in m["cells"]:
        assert cell["level"] == "assumption"
        assert "evidence" not in cell
        for item in cell.get("items", []):
            assert item["en"].replace("—", "-").isascii()
            assert any("\u0600" <= ch <= "\u06ff" for ch in item["fa"]), item
            assert not set(item["fa"]) & set("كيىة٤٥٦"), item  # Arabic, not Persian, letters
        assert cell.get("items") or cell["lane"] in ("kpis", "flow"), cell
    assert not m.get("evidence")
    kinds = {lane["kind"] for lane in m["lanes"]}
    assert kinds >= {"actions", "thoughts", "feelings", "needs", "backstage", "flow", "owners"}
    for stage in m["stages"]:
        mine = [x for x in m["metrics"] if x["at"] == stage["id"]]
        assert mine
        assert {(x["value"]["value"], x["value"]["why"]) for x in mine} == {(None, "no-data")}
        assert stage["entry"]
        assert set(stage["exit"][0]["reason"]) == {"en", "fa"}
    assert m["title"]["fa"].startswith("نقشهٔ سفر مشتری سرکوچه: ")
    kinds = [s["kind"] for s in m["stages"]]
    order = ["awareness", "consideration", "decision", "retention", "advocacy"]
    assert kinds == sorted(kinds, key=order.index)
    assert set(kinds) & {"retention", "advocacy"}


def test_a_template_is_the_start_of_a_plan_with_targets():
    m = new_map("bank", brand="Corner")
    page = render_html(m)
    assert page.count("target not set yet") == len(m["metrics"])
    assert "Leaves: <bdi>Is sent to the branch</bdi>" in page
    metric = next(x for x in m["metrics"] if x["at"] == "help")
    change = {"at": "help", "lane": "kpis", "text": "Solved at once", "action": "One desk",
              "target": 0.8, "metric": metric["id"]}  # fmt: skip

    future = plan_future(m, [change])

    assert next(x["target"] for x in future["metrics"] if x["id"] == metric["id"]) == 0.8
    rows = tabulate_map(m)
    assert rows["evidence_level"].eq("assumption").all()
    assert "Leaves: Is sent to the branch" in set(rows["text"])


def test_two_maps_of_one_template_are_two_maps():
    one = new_map("retail", brand="Corner")
    one["cells"].clear()

    assert new_map("retail", brand="Corner")["cells"]
    assert new_map("retail", brand="Other")["id"] != one["id"]


def test_brand_cannot_become_markup():
    page = render_html(new_map("bank", brand="<script>alert(1)</script>{brand}"))

    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{brand}" in page


def test_what_is_not_there_is_refused():
    with pytest.raises(JourneyError, match="got 'retial'. Did you mean 'retail'?"):
        new_map("retial", brand="Corner")
    with pytest.raises(JourneyError, match="brand must be a name"):
        new_map("retail", brand={"en": "Corner"})
    with pytest.raises(JourneyError, match="language must be 'en' or 'fa'; got 'de'"):
        new_map("retail", brand="Corner", language="de")
