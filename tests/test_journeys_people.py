"""Staff and teams: never named unasked, small groups hidden, hand-overs as other programs count."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cjlib.definitions import Privacy
from cjlib.errors import JourneyError, TooFewError
from cjlib.events import code_events, journey_log, read_interactions
from cjlib.events.people import NOBODY, SMALL
from cjlib.events.times import read_times
from cjlib.events.xes import read_xes
from cjlib.journeys import (
    count_transitions,
    find_loops,
    measure_funnel,
    measure_handovers,
    measure_waits,
    measure_workload,
    name_main,
)
from cjlib.study import load_study

HOUR = 3_600_000_000


def study_of(folder, *, columns, privacy=None, **more):
    value = {
        "study": 1, "id": "desk", "title": "Desk", "brand": "Desk", "language": "en",
        "privacy": {"key": "public", **(privacy or {})},
        "stages": [{"id": "ask", "label": "Ask", "teams": ["help"]}, {"id": "end", "label": "End"}],
        "teams": [{"id": "help", "label": {"en": "Help desk", "fa": "پشتیبانی"}},
                  {"id": "shop", "label": "Shop"}],
        "touchpoints": [{"id": "call", "stage": "ask", "label": "Call"},
                        {"id": "till", "stage": "ask", "label": "Till", "teams": ["shop", "help"]},
                        {"id": "bye", "stage": "end", "label": "Bye"}],
        "events": {"sources": [{"frame": "log", "columns": columns}]},
        **more,
    }  # fmt: skip
    (folder / "study.yaml").write_text(json.dumps(value), encoding="utf-8")
    return load_study(folder)


COLUMNS = {"customer_id": "who", "time": "when", "touchpoint": "where", "staff": "agent",
           "team": "unit"}  # fmt: skip


@pytest.fixture
def frame():
    """Ann serves 40 customers, Bob 30, Cid 12, Dot 3; nobody is known for the last contact."""
    served = {"Ann": 40, "Bob": 30, "Cid": 12, "Dot": 3, "": 1}
    unit = {"Ann": "پشتيباني", "Cid": "پشتيباني"}  # Arabic letters, as some keyboards write it
    rows = [
        (f"c{i:02}", minute, "call", agent, unit.get(agent, "Yard"))
        for minute, (agent, many) in enumerate(served.items())
        for i in range(many)
    ]
    made = pd.DataFrame(rows, columns=["who", "minute", "where", "agent", "unit"])
    when = pd.Timestamp("2025-01-01") + pd.to_timedelta(made.pop("minute"), unit="min")
    return made.assign(when=when)


def test_names_stay_in_the_file_unless_the_study_lets_them_out(tmp_path, frame):
    study = study_of(tmp_path, columns=COLUMNS, privacy={"minimum_base": 2})
    found = read_interactions(study, tables={"log": frame})
    staff = found.table["staff"].dropna()

    assert staff.str.fullmatch("S[0-9a-f]{16}").all()
    assert staff.nunique() == 4
    assert found.table["staff"].isna().sum() == 1
    assert not {"Ann", "Bob", "Cid", "Dot"} & set(journey_log(found, by="staff").labels)
    spoken = replace(study, privacy=replace(study.privacy, staff="name"))
    open_ = read_interactions(spoken, tables={"log": frame})
    assert set(open_.table["staff"].dropna()) == {"Ann", "Bob", "Cid", "Dot"}
    with pytest.raises(JourneyError, match="staff.*pseudonym"):
        study_of(tmp_path, columns=COLUMNS, privacy={"staff": "initials"})


def test_small_groups_are_told_as_one(tmp_path, frame):
    study = study_of(tmp_path, columns=COLUMNS, privacy={"staff": "name"})
    log = journey_log(read_interactions(study, tables={"log": frame}), by="staff")

    assert log.labels == ("Ann", "Bob", SMALL, NOBODY)
    assert log.names[2:] == ("small groups", "nobody known")
    load = measure_workload(log, by="staff").table.set_index("label")
    assert load["contacts"].to_dict() == {"Ann": 40, "Bob": 30, SMALL: 15}
    assert load["customers"].to_dict() == {"Ann": 40, "Bob": 30, SMALL: 12}
    assert load.loc[SMALL, "method"] == "too few (n < 30)"
    assert np.isnan(load.loc[SMALL, ["estimate", "hours", "cost"]].to_numpy(float)).all()
    # One small one alone would be known by who is missing: the next smallest joins it.
    two = frame[frame["agent"].isin(["Ann", "Bob", "Dot"])]
    log = journey_log(read_interactions(study, tables={"log": two}), by="staff")
    assert log.labels == ("Ann", SMALL)


def test_teams_are_known_by_any_name_and_small_ones_by_their_members(tmp_path, frame):
    lone = {"minimum_base": 1, "minimum_cell": 1}
    study = study_of(tmp_path, columns=COLUMNS, privacy=lone)
    log = journey_log(read_interactions(study, tables={"log": frame}), by="team")
    assert set(zip(log.labels, log.names, strict=True)) == {("Yard", "Yard"), ("help", "Help desk")}

    study = study_of(tmp_path, columns=COLUMNS, privacy={"minimum_base": 1, "minimum_cell": 3})
    log = journey_log(read_interactions(study, tables={"log": frame}), by="team")
    assert log.labels == (SMALL,)  # two members each: less than three


def test_without_a_column_the_study_says_who_is_responsible(tmp_path):
    frame = pd.DataFrame({"who": list("aaa"), "where": ["call", "till", "bye"],
                          "when": pd.date_range("2025-01-01", periods=3)})  # fmt: skip
    columns = {name: COLUMNS[name] for name in ("customer_id", "time", "touchpoint")}
    study = study_of(tmp_path, columns=columns, privacy={"minimum_base": 1})
    log = journey_log(read_interactions(study, tables={"log": frame}))

    team = log.of("team")
    assert [team.labels[code] for code in team.codes] == ["help", "shop + help", NOBODY]
    assert team.names[:2] == ("Help desk", "Shop + Help desk")
    assert "staff" not in log.views
    with pytest.raises(JourneyError, match="by must be one of touchpoint, stage, channel, team"):
        log.of("staff")


def test_every_question_is_asked_of_teams_too(tmp_path, frame):
    study = study_of(tmp_path, columns=COLUMNS, privacy={"minimum_cell": 1})
    log = journey_log(read_interactions(study, tables={"log": frame}))

    assert count_transitions(log, by="team").table["count"].sum() == len(frame) - 40
    assert set(measure_waits(log, by="team").table["from"]) <= {"help", "Yard"}
    assert set(find_loops(log, by="team").table["label"]) <= {"help", "Yard"}
    groups = name_main(log, by="team")
    funnel = measure_funnel(log, stages=["call"], groups=groups)
    assert funnel.table.set_index("group")["journeys"].to_dict() == {"Yard": 21, "help": 19}


def coded(rows, **more):
    who, hour, team = zip(*rows, strict=True)
    return replace(code_events(who, np.array(hour) * HOUR, team, minimum_base=1, **more), by="team")


def log_by_team(rows, **more):
    plain = coded(rows, **more)
    return replace(plain, views={"team": plain.views["touchpoint"]})


def test_handovers_by_hand():
    rows = [("a", 0, "x"), ("a", 2, "y"), ("a", 5, "x"), ("a", 6, "x"), ("b", 0, "x"),
            ("b", 1, NOBODY), ("b", 3, "y"), ("b", 100, "z")]  # fmt: skip
    found = measure_handovers(log_by_team(rows))
    table = found.table.set_index(["from", "to"])

    assert table["count"].to_dict() == {("x", "y"): 2, ("y", "x"): 1, ("y", "z"): 1}
    assert table["total_hours"].to_dict() == {("y", "z"): 97, ("x", "y"): 5, ("y", "x"): 3}
    assert table.loc[("x", "y"), "handed_back"] == 0.5
    assert found.share.estimate == pytest.approx(4 / 5)
    assert found.waiting.set_index("what")["total_hours"].to_dict() == {
        "same hands": 1, "hand-over": 105
    }  # fmt: skip
    near = measure_handovers(log_by_team(rows), within="4 hours")
    assert near.table["count"].sum() == 3
    assert near.summary().startswith("75.0%")
    with pytest.raises(JourneyError, match="within must be a time above 0"):
        measure_handovers(log_by_team(rows), within="0 days")
    with pytest.raises(TooFewError, match="known team"):
        measure_handovers(log_by_team([("a", 0, NOBODY)]))
    alone = measure_handovers(log_by_team([("a", 0, "x"), ("b", 0, "x")]))
    assert alone.summary() == "No customer passes from one team to another."


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.sampled_from("xyz")),
                min_size=2, max_size=20))  # fmt: skip
@settings(max_examples=15)
def test_handovers_the_slow_way(rows):
    log = log_by_team(rows)
    found = measure_handovers(log)
    counts, hours, moves = {}, {}, 0
    for who in "abc":
        mine = sorted((r for r in rows if r[0] == who), key=lambda r: r[1])
        for one, two in pairwise(mine):
            moves += 1
            if one[2] != two[2]:
                pair = (one[2], two[2])
                counts[pair] = counts.get(pair, 0) + 1
                hours[pair] = hours.get(pair, 0) + two[1] - one[1]
    table = found.table.set_index(["from", "to"])

    assert table["count"].to_dict() == counts
    assert table["total_hours"].to_dict() == pytest.approx(hours)
    if moves:
        assert found.share.estimate == pytest.approx(sum(counts.values()) / moves)


def read_people(place):
    with gzip.open(place) as stream:
        table = read_xes(stream, shown=place.name)
    return table.assign(when=read_times(table["time:timestamp"], zone="UTC"))


@pytest.mark.real
def test_helpdesk_hands_over_as_pm4py_counts(shared_data, tmp_path):
    # pm4py 2.7.23, discover_dfg(activity_key="org:resource"): 16,768 moves between 22 people,
    # 8,648 of them between two different ones, 265 pairs, squares of the counts 11,841,156.
    table = read_people(shared_data / "bpi_logs" / "Helpdesk.xes.gz")
    log = code_events(table["case:concept:name"], table["when"], table["org:resource"])
    log = replace(log, views={"staff": log.views["touchpoint"]}, by="staff")
    found = measure_handovers(log, by="staff")
    moves = count_transitions(log).table["count"]

    assert (len(moves), moves.sum(), (moves**2).sum()) == (265, 16_768, 11_841_156)
    assert found.waiting["moves"].tolist() == [16_768 - 8_648, 8_648]
    assert found.share.estimate == pytest.approx(8_648 / 16_768)
    assert found.table.set_index(["from", "to"]).loc[("Value 2", "Value 5"), "count"] == 1_018

    # Read as a study: nobody named, the three who served fewer than 30 told as one.
    names = table["concept:name"].unique().tolist()
    study = study_of(
        tmp_path,
        columns={"customer_id": "case:concept:name", "time": "when", "touchpoint": "concept:name",
                 "staff": "org:resource"},
        touchpoints=[{"id": f"t{i}", "stage": "ask", "label": name, "names": [name]}
                     for i, name in enumerate(names)],
    )  # fmt: skip
    contacts = read_interactions(study, tables={"log": table})
    log = journey_log(contacts, by="staff")
    assert contacts.rows_read == 21_348
    assert len(contacts.table) == len(table.drop_duplicates())
    assert len(log.labels) == 20
    assert log.labels[-1] == SMALL
    few = table.drop_duplicates()["org:resource"].isin(["Value 20", "Value 21", "Value 22"])
    assert (log.codes == 19).sum() == few.sum()


def test_the_figures_are_those_of_the_tables(tmp_path, frame):
    study = study_of(tmp_path, columns=COLUMNS, privacy={"minimum_cell": 1})
    for language in ("en", "fa"):
        spoken = replace(study, language=language)
        log = journey_log(read_interactions(spoken, tables={"log": frame}))
        load = measure_workload(log)
        widths = [bar.get_width() for bar in load.plot().patches]
        assert widths == pytest.approx(load.table["estimate"].tolist())
        assert measure_handovers(log).plot().xaxis_inverted() == (language == "fa")
        assert load.summary().endswith(".")


def test_the_default_is_a_pseudonym():
    assert Privacy().staff == "pseudonym"
