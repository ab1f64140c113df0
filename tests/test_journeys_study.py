"""Journey questions that need a study: belief, wasted time, channels, elements, figures."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from defusedxml.ElementTree import fromstring

from cjlib.errors import JourneyError, MissingSourceError
from cjlib.events import journey_log, read_interactions, sessions
from cjlib.journeys import (
    channel_switches,
    compare_belief,
    count_transitions,
    count_variants,
    find_exits,
    find_loops,
    measure_funnel,
    measure_step_matrix,
    measure_waits,
    page_elements,
    precede,
)
from cjlib.study import load_study

ROWS = """who,when,where,took,part,cost
a,2025-01-01 10:00,page,60,photo,5
a,2025-01-01 11:00,page,30,photo,5
a,2025-01-01 12:00,pay,10,,7
a,2025-01-03 12:00,parcel,,,9
a,2025-01-04 12:00,parcel,,,9
a,2025-01-05 12:00,call,600,,20
b,2025-01-01 10:00,page,60,price,5
b,2025-01-01 11:00,pay,20,,7
b,2025-01-01 12:00,page,30,,5
c,2025-01-02 10:00,call,1200,,20
c,2025-01-02 11:00,page,60,photo,5
"""


@pytest.fixture
def study(tmp_path):
    value = {
        "study": 1, "id": "shop", "title": "Shop", "brand": "Shop", "language": "en",
        "privacy": {"key": "public", "minimum_base": 1},
        "stages": [{"id": i, "label": {"en": i.title(), "fa": fa}} for i, fa in
                   (("look", "دیدن"), ("buy", "خرید"), ("get", "دریافت"), ("help", "کمک"))],
        "channels": [{"id": i, "label": i} for i in ("web", "van", "phone")],
        "touchpoints": [
            {"id": "page", "stage": "look", "channel": "web", "label": "Page"},
            {"id": "pay", "stage": "buy", "channel": "web", "label": "Pay"},
            {"id": "parcel", "stage": "get", "channel": "van", "with": "partner",
             "label": "Parcel"},
            {"id": "call", "stage": "help", "channel": "phone", "label": "Call"},
        ],
        "believed_journey": {"start": ["look"], "moves": {"look": ["buy"], "buy": ["get"],
                                                          "get": ["look"]}},
        "events": {
            "sources": [{"path": "log.csv", "columns": {
                "customer_id": "who", "time": "when", "touchpoint": "where", "seconds": "took",
                "element": "part", "cost": "cost"}}],
            "purchase": ["pay"], "nothing_gained": ["call"],
        },
    }  # fmt: skip
    (tmp_path / "study.yaml").write_text(json.dumps(value), encoding="utf-8")
    (tmp_path / "log.csv").write_text(ROWS, encoding="utf-8")
    return load_study(tmp_path)


@pytest.fixture
def interactions(study):
    return read_interactions(study)


@pytest.fixture
def log(interactions):
    return journey_log(interactions)


def test_the_log_is_the_table_in_codes(interactions, log):
    table = interactions.table

    assert [log.labels[c] for c in log.codes] == table["touchpoint"].tolist()
    assert [log.of("stage").labels[c] for c in log.of("stage").codes] == table["stage"].tolist()
    assert log.customers.tolist() == table["customer_id"].unique().tolist()
    assert pd.to_datetime(log.times, unit="us").tolist() == table["time"].tolist()
    assert log.lengths.sum() == len(table)
    assert log.amounts is None
    assert log.costs.sum() == table["cost"].sum()
    with pytest.raises(JourneyError, match="Did you mean 'stage'"):
        log.of("stages")


def test_belief_by_hand(log, study):
    found = compare_belief(log, study)
    moves = found.table.set_index(["from", "to"])["count"].to_dict()

    # a: look buy get help; b: look buy look; c: help look (staying is no move)
    assert moves == {("look", "buy"): 2, ("buy", "get"): 1, ("get", "help"): 1,
                     ("buy", "look"): 1, ("help", "look"): 1, ("get", "look"): 0}  # fmt: skip
    assert found.fit.estimate == pytest.approx(3 / 6)
    assert found.starts.estimate == pytest.approx(2 / 3)
    assert found.whole.estimate == 0
    assert sorted(found.customers["share"]) == pytest.approx([0, 1 / 2, 2 / 3])
    assert set(found.departures["from"]) == {"get", "buy", "help"}
    assert found.table["estimate"].sum() == pytest.approx(1)
    with pytest.raises(MissingSourceError, match="believed_journey"):
        compare_belief(log, replace(study, believed_moves={}))


def test_fit_of_each_customer_by_hand(log, study):
    found = compare_belief(log, study).customers.set_index("first_departure")

    # b: look, buy, look; a: look, buy, get, help; c: help, look
    assert found["moves"].to_dict() == {"buy > look": 2, "get > help": 3, "help > look": 1}
    assert found["share"].tolist() == pytest.approx([1 / 2, 2 / 3, 0])
    strict = compare_belief(log, replace(study, believed_moves={"get": ("help",)})).customers
    assert sorted(strict["first_departure"]) == ["help > look", "look > buy", "look > buy"]
    kept = replace(study, believed_moves={s: tuple(study.stage_ids) for s in study.stage_ids})
    assert compare_belief(log, kept).customers["first_departure"].isna().all()


def test_wasted_time_by_hand(log, study):
    wasted = measure_waits(log, study=study).wasted.set_index("what")
    gained, delivery = wasted.loc["nothing gained"], wasted.loc["wait for delivery"]

    assert gained["hours"] == pytest.approx(1800 / 3600)
    assert gained["customers"] == 2
    assert gained["hours_per_customer"] == pytest.approx(900 / 3600)
    assert (delivery["label"], delivery["times"], delivery["open"]) == ("parcel", 1, 1)
    assert delivery["hours"] == pytest.approx(72)  # to the last parcel, not the first
    named = measure_waits(log, study=study, delivered=["call"]).wasted.set_index("what")
    assert named.loc["wait for delivery", "hours"] == pytest.approx(96)
    with pytest.raises(JourneyError, match="'parcle'"):
        measure_waits(log, study=study, delivered=["parcle"])


def test_a_delivery_ends_the_wait_of_its_own_purchase_only(study, tmp_path):
    rows = "who,when,where,took,part,cost\n"
    for minute, where in enumerate(["parcel", "pay", "pay", "parcel", "page"]):
        rows += f"a,2025-01-01 10:0{minute},{where},,,\n"
    rows += "b,2025-01-01 10:00,parcel,,,\n"
    (tmp_path / "log.csv").write_text(rows, encoding="utf-8")
    wasted = measure_waits(journey_log(read_interactions(study)), study=study).wasted
    row = wasted[wasted["what"].eq("wait for delivery")].iloc[0]

    assert (row["times"], row["open"]) == (1, 1)
    assert row["hours"] == pytest.approx(1 / 60)


def test_channel_switches_by_hand(log):
    found = channel_switches(log)

    # a: web web web van van phone; b: web web web; c: phone web
    assert found.table.set_index(["from", "to"])["count"].to_dict() == {
        ("web", "van"): 1, ("van", "phone"): 1, ("phone", "web"): 1,
    }  # fmt: skip
    assert found.share.estimate == pytest.approx(3 / 8)
    assert found.customers.set_index("channels")["customers"].to_dict() == {1: 1, 2: 1, 3: 1}


def test_page_elements_by_hand(interactions):
    found = page_elements(interactions).table.set_index("element")

    assert found["clicks"].to_dict() == {"photo": 3, "price": 1}
    assert found.loc["photo", "estimate"] == pytest.approx(2 / 3)  # of three visitors
    assert found.loc["photo", "share"] == pytest.approx(3 / 4)
    with pytest.raises(MissingSourceError, match="at 'pay'"):
        page_elements(interactions, touchpoint="pay")


def test_loops_cost_what_the_contacts_on_the_way_cost(log):
    found = find_loops(log)
    row = found.table.set_index(["kind", "label"]).loc[("there and back", "page")]

    assert (row["via"], row["loops"], row["cost"], row["seconds"]) == ("pay", 1, 12, 50)
    assert found.extra_contacts == 3  # a's second page and second parcel, b's second page
    assert found.extra_cost == 5 + 9 + 5
    back = find_loops(log, by="stage").table
    back = back[back["kind"].eq("step back")]
    assert set(zip(back["via"], back["label"], strict=True)) == {("buy", "look"), ("help", "look")}


def test_prospects_stay(log):
    assert find_exits(log).table["left"].sum() == 3  # c never buys and is counted


def test_sessions_keep_their_owner(log):
    cut = sessions(log, gap=24 * 60)
    found = measure_funnel(cut, stages=["look", "buy"], by="stage").table

    assert cut.journeys == 4  # a's silence before the first parcel is longer than a day
    assert found["journeys"].tolist() == [3, 2]
    assert found["n"].tolist() == [3, 3]


FIGURES = {
    "transitions": lambda log, study, i: count_transitions(log),
    "switches": lambda log, study, i: channel_switches(log),
    "variants": lambda log, study, i: count_variants(log),
    "funnel": lambda log, study, i: measure_funnel(log, stages=["look", "buy"], by="stage"),
    "steps": lambda log, study, i: measure_step_matrix(log, by="stage", steps=4),
    "exits": lambda log, study, i: find_exits(log),
    "after": lambda log, study, i: find_exits(log, after="page"),
    "loops": lambda log, study, i: find_loops(log),
    "waits": lambda log, study, i: measure_waits(log, study=study),
    "belief": lambda log, study, i: compare_belief(log, study),
    "precede": lambda log, study, i: precede(log, ["call"]),
    "elements": lambda log, study, i: page_elements(i),
}


@pytest.mark.parametrize("language", ["en", "fa"])
@pytest.mark.parametrize("name", list(FIGURES))
def test_every_result_has_a_sentence_and_a_figure(name, language, study):
    spoken = replace(study, language=language)
    interactions = read_interactions(spoken)
    found = FIGURES[name](journey_log(interactions), spoken, interactions)
    ax = found.plot()

    assert found.summary().endswith(".")
    assert ax.get_title()
    ax.figure.canvas.draw()
    assert ax.xaxis_inverted() == (language == "fa")


def test_figures_show_the_tables_numbers(log, study):
    funnel = measure_funnel(log, stages=["look", "buy", "get"], by="stage")
    widths = [bar.get_width() for bar in funnel.plot().patches]
    assert widths == pytest.approx(funnel.table["estimate"].tolist())

    belief = compare_belief(log, study)
    widths = [bar.get_width() for bar in belief.plot().patches]
    assert widths == pytest.approx(belief.table["estimate"].tolist())

    shown = count_transitions(log).plot().images[0].get_array()
    assert np.nansum(shown.filled(np.nan)) == pytest.approx(
        count_transitions(log).table["estimate"].sum()
    )
    flow = measure_step_matrix(log, by="stage", steps=3)
    blocks = [p for p in flow.plot_flow().patches if hasattr(p, "get_height")]
    assert sum(b.get_height() for b in blocks) == pytest.approx(3)  # each step is whole


def test_a_log_of_single_contacts_still_answers(study, tmp_path):
    (tmp_path / "log.csv").write_text(
        "who,when,where,took,part,cost\na,2025-01-01,page,,,\nb,2025-01-01,pay,,,\n"
    )
    interactions = read_interactions(study)
    log = journey_log(interactions)
    for name, ask in FIGURES.items():
        if name in ("precede", "elements"):
            continue
        found = ask(log, study, interactions)
        assert found.summary().endswith(".")
        found.plot()


@pytest.mark.parametrize("language", ["en", "fa"])
def test_the_flow_can_be_read_aloud(log, language, tmp_path):
    steps = measure_step_matrix(replace(log, language=language), by="stage", steps=3)
    file = steps.write_flow(tmp_path / "flow.svg")
    root = fromstring(file.read_bytes())
    svg = "{http://www.w3.org/2000/svg}"
    parts = {g.get("id"): g.findtext(f"{svg}title") for g in root.iter(f"{svg}g")}

    assert root.get("role") == "img"
    named = {child.get("id"): child.text for child in list(root)[:2]}
    assert list(named) == root.get("aria-labelledby").split()
    assert steps.summary() in named["flow-words"]
    bands = [text for name, text in parts.items() if name and name.startswith("band-")]
    blocks = [text for name, text in parts.items() if name and name.startswith("block-")]
    assert (len(bands), len(blocks)) == (len(steps.flows), len(steps.table))
    assert all(bands)
    assert all(blocks)
    said = {"en": "Look at contact 1, then Buy: 1 of 3 journeys (33.3%)",
            "fa": "Look در تماس ۱ و سپس Buy: ۱ سفر از ۳ (۳۳٫۳٪)"}  # fmt: skip
    assert said[language] in bands
    assert said[language] in named["flow-words"]
    assert file.read_bytes() == steps.write_flow(tmp_path / "again.svg").read_bytes()
