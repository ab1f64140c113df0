"""Lanes beyond ratings and findings: channel switches, thoughts, backstage, what people typed."""

from __future__ import annotations

import copy

import pandas as pd
import pytest
from test_maps_rendering import Page, find, text_of

from cjlib.errors import JourneyError
from cjlib.maps import (
    add_assumptions,
    build_map,
    check_map,
    diff_maps,
    draw_whole_map,
    render_html,
    render_side_by_side,
    tabulate_map,
)


def cell(m, lane, stage):
    return next(c for c in m["cells"] if (c["lane"], c["at"]) == (lane, stage))


def test_channel_switches_by_hand(study, interactions):
    """Of 32 buyers, on the web, 24 next get a parcel by post and 8 call first, on the web. Of 18
    contacts at get with a next one 8 are calls before a parcel, 10 parcels before a look."""
    m = build_map(study, interactions=interactions)
    found = [t for t in m["transitions"] if t["kind"] == "channel-switch"]

    told = [(t["from"], t["from_channel"]["en"], t["to_channel"]["en"]) for t in found]
    assert told[0] == ("buy", "Website", "Post")
    assert (found[0]["p"]["value"], found[0]["p"]["n"]) == (0.75, 32)
    assert found[0]["p"]["denominator"] == "contacts at buy with a next one"
    rest = {t[1:]: f["p"] for t, f in zip(told, found, strict=True) if t[0] == "get"}
    assert rest["Post", "Website"]["why"] == "too-few"  # 15 people have a next contact
    assert rest["Post", "Website"]["n"] == 15
    assert check_map(m) == []
    text = text_of(Page(render_html(m, language="fa")).root)
    assert "تغییر کانال: وب‌سایت به پست ۷۵٪" in text
    rows = tabulate_map(m)
    assert rows.loc[rows["text"].eq("Changes channel: Website to Post"), "estimate"].iloc[0] == 0.75


def test_switches_are_compared_apart_from_moves(study, interactions):
    old = build_map(study, interactions=interactions)
    new = copy.deepcopy(old)
    switch = next(t for t in new["transitions"] if t["kind"] == "channel-switch")
    switch["p"] |= {"value": 0.5, "ci": switch["p"].get("ci", {"lo": 0.4, "hi": 0.6})}
    switch["p"]["ci"] |= {"lo": 0.4, "hi": 0.6, "level": 0.95, "method": "by hand"}

    table = diff_maps(old, new).table

    assert table[["kind", "stage", "what"]].to_numpy().tolist() == [
        ["move", "Buy", "channel Website → Post"]
    ]


def test_thoughts_come_from_codes_of_that_lane(study, interviews):
    interviews.codes.loc[interviews.codes["code"].eq("joy"), "lane"] = "thought"

    m = build_map(study, interviews=interviews)

    item = cell(m, "thoughts", "get")["items"][0]
    assert item["text"] == {"en": "Joy", "fa": "شادی"}
    assert (item["value"]["value"], item["value"]["n"]) == (1, 3)
    assert cell(m, "thoughts", "get")["level"] == "partial"
    assert cell(m, "thoughts", "look")["level"] == "assumption"


def test_backstage_names_what_others_run(study):
    m = build_map(study)

    assert cell(m, "backstage", "get")["items"][0]["text"] == {
        "en": "Parcel: run by a partner", "fa": "بسته: در دست شریک",
    }  # fmt: skip
    assert cell(m, "backstage", "get")["level"] == "partial"
    assert cell(m, "backstage", "buy")["items"][0]["text"]["en"].startswith("no data yet")


TYPED = pd.DataFrame(
    [("buy", "backstage", "Stock is booked", "موجودی رزرو می‌شود", None),
     ("get", "pains", "Neighbours take it", "همسایه می‌گیرد", None),
     ("get", "pains", None, None, "Rain")],
    columns=["stage", "lane", "en", "fa", "text"],
)  # fmt: skip


def test_what_people_type_is_marked_where_the_rest_is_founded(study, respondents):
    before = build_map(study, survey=respondents)
    kept = copy.deepcopy(before)

    m = add_assumptions(before, TYPED)

    assert before == kept
    assert m == build_map(study, survey=respondents, assumptions=TYPED)
    assert m == add_assumptions(m, TYPED)  # the same again adds nothing
    backstage = cell(m, "backstage", "buy")
    assert backstage["level"] == "assumption"
    assert [i["text"]["en"] for i in backstage["items"]] == ["Stock is booked"]
    pains = cell(m, "pains", "get")
    assert pains["level"] == "validated"
    assert [i["text"] for i in pains["items"]] == [
        {"en": "Neighbours take it", "fa": "همسایه می‌گیرد"}, "Rain",
    ]  # fmt: skip
    page = Page(render_html(m))
    marked = [text_of(s).strip() for s in find(page.root, "small") if "guess" in str(s["attrs"])]
    assert marked == ["Assumption", "Assumption"]  # where the cell is more; not backstage
    drawn = [x.get_text() for x in draw_whole_map(m).texts]
    assert {"• Rain (Assumption)", "• Neighbours take it (Assumption)"} <= set(drawn)
    rows = tabulate_map(m).query("lane == 'pains' and text == 'Rain'")
    assert rows["evidence_level"].tolist() == ["assumption"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"stage": "byu"}, "row 1 has 'byu'. Did you mean 'buy'?"),
        ({"lane": "kpis"}, "lane must be one of .*; row 1 has 'kpis'"),
        ({"en": " ", "fa": None}, "row 1 has none. Fill 'en' and 'fa'"),
    ],
)
def test_what_cannot_be_typed_is_refused(study, change, says):
    rows = TYPED.head(1).assign(**change)

    with pytest.raises(JourneyError, match=says):
        add_assumptions(build_map(study), rows)
    with pytest.raises(JourneyError, match="lane"):
        add_assumptions(build_map(study), rows.drop(columns="lane"))


def test_a_map_of_several_personas_says_whose_each_line_is(study, respondents):
    m = build_map(study, survey=respondents)
    m["personas"] = [{"id": "everybody", "name": "Ali"}, {"id": "sara", "name": "Sara"}]
    other = [dict(e, persona="sara", value=e["value"] | {"value": -1.0, "ci": {
        "lo": -1.2, "hi": -0.8, "level": 0.95, "method": "t"}}) for e in m["emotions"]]  # fmt: skip
    m["emotions"] += other

    page = Page(render_html(m))

    curves = [s for s in find(page.root, "svg") if s["attrs"].get("role") == "img"]
    assert len(curves) == 2
    assert "−1.00" in text_of(curves[1])
    assert "−1.00" not in text_of(curves[0])
    assert "Sara: −1.00 [−1.20, −0.80]" in text_of(page.root)
    names = [n["attrs"]["id"] for s in curves for n in s["parts"] if "id" in n["attrs"]]
    assert len(names) == len(set(names)) == 4
    assert diff_maps(m, m).table.empty
    assert "Sara" in render_side_by_side([m, m])
