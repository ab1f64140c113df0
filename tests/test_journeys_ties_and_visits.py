"""Ties and their rules, visits by gap, doors of stages, and the heat of what lies inside."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cjlib.errors import JourneyError, MissingSourceError, StudyError
from cjlib.events import code_events, journey_log, read_interactions
from cjlib.events.times import read_times
from cjlib.events.xes import read_xes
from cjlib.journeys import (
    compare_gaps,
    find_doors,
    measure_heat,
    measure_ties,
    page_elements,
)
from cjlib.study import load_study

MINUTE = 60_000_000
rows_ = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.sampled_from("xyz")),
    min_size=1, max_size=20,
)  # fmt: skip


def log_of(rows):
    who, minute, label = zip(*rows, strict=True)
    return code_events(who, np.array(minute) * MINUTE, label, minimum_base=1)


def paths(rows, rule):
    """Return each customer's path under a rule, step by step from the definition."""
    found = []
    for who in sorted({row[0] for row in rows}):
        path = []
        for minute in sorted({row[1] for row in rows if row[0] == who}):
            tied = [row[2] for row in rows if row[0] == who and row[1] == minute]
            if rule == "by name":
                tied = sorted(tied)
            elif rule == "reversed":
                tied = tied[::-1]
            elif rule == "as one set":
                tied = [" + ".join(sorted(set(tied)))]
            path += tied
        found.append(tuple(path))
    return found


@given(rows_)
@settings(max_examples=40)
def test_ties_the_slow_way(rows):
    found = measure_ties(log_of(rows))
    table = found.table.set_index("rule")
    logged = paths(rows, "as in the log")

    for rule in table.index:
        own = paths(rows, rule)
        row = table.loc[rule]
        assert row["variants"] == len(set(own))
        assert row["top_share"] == max(own.count(p) for p in own) / len(own)
        assert row["different_moves"] == len({pair for p in own for pair in pairwise(p)})
        if rule != "as one set":
            assert row["paths_changed"] == sum(a != b for a, b in zip(own, logged, strict=True))
            assert row["begin_elsewhere"] == sum(
                a[0] != b[0] for a, b in zip(own, logged, strict=True)
            )
            assert row["end_elsewhere"] == sum(
                a[-1] != b[-1] for a, b in zip(own, logged, strict=True)
            )
    by_who = {who: sorted((r for r in rows if r[0] == who), key=lambda r: r[1]) for who, *_ in rows}
    moves = [pair for mine in by_who.values() for pair in pairwise(mine)]
    assert found.moves == len(moves)
    if moves:
        tied = [a[1] == b[1] for a, b in moves]
        assert found.tied.estimate == pytest.approx(np.mean(tied))
        mixed = [a[1] == b[1] and a[2] != b[2] for a, b in moves]
        assert found.unordered.estimate == pytest.approx(np.mean(mixed))


def test_ties_by_hand():
    rows = [("a", 0, "y"), ("a", 0, "x"), ("a", 1, "z"), ("b", 0, "x"), ("b", 0, "y"),
            ("b", 1, "z"), ("c", 0, "x"), ("c", 1, "z")]  # fmt: skip
    found = measure_ties(log_of(rows))

    assert found.table["rule"].tolist() == ["as in the log", "by name", "reversed", "as one set"]
    assert found.table["variants"].tolist() == [3, 2, 3, 2]
    assert found.table["paths_changed"].tolist() == [0, 1, 2, 2]
    assert found.table["begin_elsewhere"].tolist() == [0, 1, 2, 2]
    assert found.journeys.estimate == pytest.approx(2 / 3)
    assert found.summary() == (
        f"{found.tied:.1%} of 5 moves join contacts at the same time, {found.unordered:.1%} two "
        "different ones; by the rule for such ties there are 2 to 3 different paths (3 as in the "
        "log)."
    )
    calm = measure_ties(log_of([("a", 0, "x"), ("a", 1, "y")]))
    assert "the 1 different paths do not hang on their order" in calm.summary()


ROWS = """who,when,where,part
a,2025-01-01 10:00,button,
a,2025-01-01 10:00,site,
a,2025-01-01 10:05,page,photo
a,2025-01-01 10:10,pay,
b,2025-01-01 10:00,site,
b,2025-01-01 11:00,page,photo
b,2025-01-01 11:20,page,price
b,2025-01-02 10:00,call,
c,2025-01-01 10:00,call,
"""


@pytest.fixture
def study(tmp_path):
    value = {
        "study": 1, "id": "shop", "title": "Shop", "brand": "Shop", "language": "en",
        "privacy": {"key": "public", "minimum_base": 1},
        "stages": [{"id": i, "label": {"en": i, "fa": fa}} for i, fa in
                   (("look", "دیدن"), ("buy", "خرید"), ("help", "کمک"))],
        "touchpoints": [
            {"id": "site", "stage": "look", "label": "Site"},
            {"id": "page", "stage": "look", "within": "site", "label": "Page"},
            {"id": "button", "stage": "buy", "within": "page", "label": "Button"},
            {"id": "pay", "stage": "buy", "label": "Pay"},
            {"id": "call", "stage": "help", "label": "Call"},
        ],
        "events": {"sources": [{"path": "log.csv", "columns": {
            "customer_id": "who", "time": "when", "touchpoint": "where", "element": "part"}}]},
    }  # fmt: skip
    (tmp_path / "study.yaml").write_text(json.dumps(value), encoding="utf-8")
    (tmp_path / "log.csv").write_text(ROWS, encoding="utf-8")
    return load_study(tmp_path)


def test_the_order_of_the_file_is_one_of_the_rules(study):
    found = measure_ties(read_interactions(study)).table.set_index("rule")

    # In the log "site" (looking) stands before "button" (buying); in the file it does not.
    assert found.loc["file order", ["paths_changed", "begin_elsewhere"]].tolist() == [1, 1]
    assert found.loc["reversed", "begin_elsewhere"] == 1
    assert found.loc["by name", "begin_elsewhere"] == 1  # button before site


def test_gaps_by_hand(study):
    log = journey_log(read_interactions(study))
    found = compare_gaps(log, used=30, gaps=(20,))
    table = found.table.set_index("gap_minutes")

    # a: 10:00 to 10:10; b: 10:00, 11:00 and 11:20, next day; c: once
    assert table["visits"].to_dict() == {15: 6, 20: 5, 30: 5, 60: 4}
    assert table.loc[30, "contacts_per_visit"] == 9 / 5
    assert table.loc[30, "estimate"] == pytest.approx(3 / 5)
    assert table["change"].round(2).tolist() == [0.2, 0, 0, -0.2]
    assert found.summary() == (
        "A pause of 30 minutes makes 5 visits of 1.8 contacts; half the gap +20.0%, twice the gap "
        "-20.0% visits."
    )
    with pytest.raises(JourneyError, match="more than 0 minutes"):
        compare_gaps(log, gaps=(0,))


def test_doors_by_hand(study):
    found = find_doors(journey_log(read_interactions(study)))
    doors = found.table.set_index(["stage", "side", "touchpoint"])["stays"].to_dict()
    others = found.neighbours.set_index(["stage", "side", "other"])["stays"].to_dict()

    # a: site, button (buy), page (look), pay (buy); b: site, page, page (one stay), call; c: call
    assert doors == {
        ("look", "enter", "site"): 2, ("look", "enter", "page"): 1, ("look", "leave", "site"): 1,
        ("look", "leave", "page"): 2, ("buy", "enter", "button"): 1, ("buy", "enter", "pay"): 1,
        ("buy", "leave", "button"): 1, ("buy", "leave", "pay"): 1, ("help", "enter", "call"): 2,
        ("help", "leave", "call"): 2,
    }  # fmt: skip
    assert others == {
        ("look", "enter", "(begin)"): 2, ("look", "enter", "buy"): 1, ("look", "leave", "buy"): 2,
        ("look", "leave", "help"): 1, ("buy", "enter", "look"): 2, ("buy", "leave", "look"): 1,
        ("buy", "leave", "(left)"): 1, ("help", "enter", "look"): 1,
        ("help", "enter", "(begin)"): 1, ("help", "leave", "(left)"): 2,
    }  # fmt: skip
    for part in (found.table, found.neighbours):
        assert part.groupby(["stage", "side"])["estimate"].sum().tolist() == pytest.approx([1] * 6)
    assert found.stages["stays"].tolist() == [3, 2, 2]
    assert found.stages["contacts"].tolist() == pytest.approx([5 / 3, 1, 1])
    assert found.summary().startswith("Most journeys end in help: 100.0%")
    with pytest.raises(JourneyError, match="Did you mean 'look'"):
        found.plot(stage="looks")


def test_heat_by_hand(study):
    contacts = read_interactions(study)
    found = measure_heat(contacts)
    rows = found.table[["path", "depth", "clicks", "customers", "estimate"]]

    assert rows.to_numpy().tolist() == [
        ["site", 0, 6, 2, 2 / 3],  # a and b of three; a contact at page or button is one here
        ["site > page", 1, 4, 2, 1.0],
        ["site > page > photo", 2, 2, 2, 1.0],
        ["site > page > price", 2, 1, 1, 0.5],
        ["site > page > button", 2, 1, 1, 0.5],
    ]
    inner = measure_heat(contacts, touchpoint="page").table
    assert inner["path"].tolist()[0] == "page"
    assert inner["estimate"].tolist()[0] == pytest.approx(2 / 3)
    assert page_elements(contacts).table["clicks"].sum() == 3
    with pytest.raises(JourneyError, match="Did you mean 'page'"):
        measure_heat(contacts, touchpoint="pages")
    bare = [replace(t, within="") for t in study.touchpoints]
    flat = replace(contacts, study=replace(study, touchpoints=tuple(bare)),
                   table=contacts.table.assign(element=None))  # fmt: skip
    with pytest.raises(MissingSourceError, match="lie in another"):
        measure_heat(flat)
    loop = [replace(t, within="button" if t.id == "site" else t.within) for t in study.touchpoints]
    round_ = replace(contacts, study=replace(study, touchpoints=tuple(loop)))
    with pytest.raises(JourneyError, match="must not lie in itself; 'site' does"):
        measure_heat(round_)


@pytest.mark.parametrize("language", ["en", "fa"])
def test_figures_show_the_table(study, language):
    spoken = replace(study, language=language)
    contacts = read_interactions(spoken)
    log = journey_log(contacts)
    ties, heat, doors = measure_ties(contacts), measure_heat(contacts), find_doors(log)
    gaps = compare_gaps(log)

    assert [b.get_width() for b in ties.plot().patches] == ties.table["variants"].tolist()
    assert [b.get_width() for b in heat.plot().patches] == heat.table["estimate"].tolist()
    own = doors.table[doors.table["stage"].eq("look")]["estimate"].tolist()
    assert sorted(b.get_width() for b in doors.plot(stage="look").patches) == sorted(own)
    assert gaps.plot().lines[0].get_ydata().tolist() == gaps.table["visits"].tolist()
    for found in (ties, heat, doors, gaps):
        ax = found.plot()
        ax.figure.canvas.draw()
        assert ax.get_title()
        assert found.summary().endswith(".")
        assert ax.xaxis_inverted() == (language == "fa")


def read_public(place):
    with (gzip.open if place.suffix == ".gz" else open)(place, "rb") as stream:
        table = read_xes(stream, shown=place.name)
    return table.assign(when=read_times(table["time:timestamp"], zone="UTC"))


def code_public(table):
    return code_events(table["case:concept:name"], table["when"].to_numpy(), table["concept:name"])


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "tied", "mixed", "variants"),
    [
        # Dated to the second, and to the day. The first number of paths is the published one
        # (file order) of Helpdesk; pandas counts the tied moves below.
        pytest.param(
            "Helpdesk.xes.gz", 130, 3, [226, 226, 226, 211], marks=pytest.mark.slow
        ),
        ("pm4py_roadtraffic100traces.xes", 12, 12, [10, 12, 15, 15]),
        pytest.param(
            "BPI_Challenge_2012.xes.gz", 13_995, 13_995, [4_366, 3_792, 4_395, 3_856],
            marks=pytest.mark.slow,
        ),
    ],
)  # fmt: skip
def test_ties_of_public_logs(shared_data, name, tied, mixed, variants):
    table = read_public(shared_data / "bpi_logs" / name)
    found = measure_ties(code_public(table))

    assert found.table["variants"].tolist() == variants
    ordered = table.sort_values(["case:concept:name", "when"], kind="stable")
    before = ordered.groupby("case:concept:name")[["when", "concept:name"]].shift()
    same = before["when"].eq(ordered["when"])
    other = same & before["concept:name"].ne(ordered["concept:name"])
    assert (same.sum(), other.sum()) == (tied, mixed)
    assert found.tied.estimate == pytest.approx(tied / found.moves)
    assert found.unordered.estimate == pytest.approx(mixed / found.moves)
    by_name = ordered.sort_values(["case:concept:name", "when", "concept:name"], kind="stable")
    paths = by_name.groupby("case:concept:name")["concept:name"].agg(" > ".join)
    assert paths.nunique() == variants[1]


def test_a_touchpoint_within_itself_is_a_fault(study, tmp_path):
    value = json.loads((tmp_path / "study.yaml").read_text())
    value["touchpoints"][0]["within"] = "button"
    (tmp_path / "study.yaml").write_text(json.dumps(value))
    with pytest.raises(StudyError, match=r"3 faults:\n.*touchpoint 'site' within itself"):
        load_study(tmp_path)
