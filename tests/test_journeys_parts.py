"""Shares of logs of any size: the answers of the log in memory, however it is dealt out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from test_events_questions import LABELS, deal, events, log_of
from test_events_store import study_of

from cjlib.errors import JourneyError
from cjlib.events import journey_log, read_interactions, sessions, store_log
from cjlib.journeys import count_transitions, find_subpaths, measure_funnel
from cjlib.journeys.parts import estimate_funnel, estimate_next, estimate_subpaths

NUMBERS = ["estimate", "low", "high", "level", "n", "method"]


def dealt(rows, **settings_):
    log = deal(rows)
    for name, value in settings_.items():
        object.__setattr__(log, name, value)
    return log


@given(events)
@settings(max_examples=20)
def test_shares_of_parts_are_those_of_the_whole(rows):
    log, parts = log_of(rows), dealt(rows, level=0.9, minimum_base=0)
    whole = type(log)(**{n: getattr(log, n) for n in log.__slots__} | {
        "level": 0.9, "minimum_base": 0})  # fmt: skip

    funnel = measure_funnel(whole, stages=["a", "b", "c"]).table
    found = estimate_funnel(parts, stages=["a", "b", "c"])
    pd.testing.assert_frame_equal(found[["stage", "journeys", *NUMBERS[:4]]],
                                  funnel[["stage", "journeys", *NUMBERS[:4]]])  # fmt: skip
    pd.testing.assert_frame_equal(found[["step", "step_low", "step_high"]],
                                  funnel[["step", "step_low", "step_high"]])  # fmt: skip
    moves = count_transitions(whole).table.sort_values(["from", "to"], ignore_index=True)
    following = estimate_next(parts).rename(columns={"path": "from"})
    names = ["from", "to", "count", "customers", *NUMBERS]
    pd.testing.assert_frame_equal(following[names], moves[names], check_exact=True)
    options = {"length": (1, 3), "least_share": 0.2, "top": 5}
    pd.testing.assert_frame_equal(
        estimate_subpaths(parts, **options), find_subpaths(whole, **options).table
    )
    for order in (2, 3):
        pd.testing.assert_frame_equal(
            estimate_next(parts, order=order), estimate_next(whole, order=order)
        )


def test_next_by_hand():
    rows = [("u", t, label) for t, label in enumerate("abcabda")]
    rows += [("v", 0, "a"), ("v", 1, "b"), ("v", 2, "c"), ("w", 0, "a"), ("w", 1, "b")]
    found = estimate_next(dealt(rows, minimum_base=0), order=2).set_index(["path", "to"])

    assert found["count"].to_dict() == {
        ("a > b", "c"): 2, ("a > b", "d"): 1, ("b > c", "a"): 1, ("b > d", "a"): 1,
        ("c > a", "b"): 1,
    }  # fmt: skip
    assert found.loc[("a > b", "c"), ["customers", "n", "estimate"]].tolist() == [2, 2, 2 / 3]
    small = estimate_next(dealt(rows))
    assert small["estimate"].isna().all()
    assert small["method"].eq("too few (n < 30)").all()


def test_a_stored_log_tells_its_level_and_sessions_are_refused(tmp_path):
    rng = np.random.default_rng(2)
    n = 4000
    table = pd.DataFrame({
        "who": rng.integers(0, 500, n).astype(str), "via": "", "paid": "",
        "when": (pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 9e6, n), "s")),
        "where": np.array(["page", "pay", "help"])[rng.integers(0, 3, n)],
    })  # fmt: skip
    table.astype("str").to_csv(tmp_path / "log.csv", index=False)
    study = study_of(tmp_path)
    stored = store_log(study, tmp_path / "kept", partitions=4)
    log = journey_log(read_interactions(study))

    pd.testing.assert_frame_equal(estimate_subpaths(stored), find_subpaths(log).table)
    found = estimate_funnel(stored.of("stage"), stages=["look", "buy"])
    told = measure_funnel(log, by="stage", stages=["look", "buy"]).table
    pd.testing.assert_frame_equal(found, told[found.columns])
    with pytest.raises(JourneyError, match="Ask cjlib.journeys.measure_funnel"):
        estimate_funnel(sessions(log), stages=["page"])
    with pytest.raises(JourneyError, match="order must be at least 1"):
        estimate_next(stored, order=0)
    with pytest.raises(JourneyError, match="Ask of fewer contacts"):
        estimate_subpaths(stored, length=(2, 99))
    with pytest.raises(JourneyError, match=r"got \(3, 2\)"):
        estimate_subpaths(stored, length=(3, 2))


def test_a_log_of_single_contacts_has_no_next():
    rows = [(who, 0, label) for who, label in zip("uvwx", LABELS, strict=True)]

    assert estimate_next(deal(rows)).empty
    assert estimate_subpaths(deal(rows), length=(2, 3)).empty
