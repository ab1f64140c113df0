"""Journey questions beside a slow second way, by hand, and by known changes."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cjlib.errors import JourneyError, TooFewError
from cjlib.events import code_events, sessions
from cjlib.journeys import (
    count_transitions,
    count_variants,
    find_exits,
    find_loops,
    measure_funnel,
    measure_step_matrix,
    measure_waits,
    precede,
)

LABELS = ["a", "b", "c", "d"]
events = st.lists(
    st.tuples(st.sampled_from("xyz"), st.integers(0, 12), st.sampled_from(LABELS)),
    min_size=1, max_size=40,
)  # fmt: skip


def log_of(rows, **more):
    """Rows of (customer, minute, label), in any order, as a journey log."""
    who, minute, label = zip(*rows, strict=True)
    more = {"minimum_base": 1, "labels": LABELS, **more}
    return code_events(who, np.array(minute) * 60_000_000, label, **more)


def journeys_of(rows):
    """Journeys as a dict of (minute, label) lists; ties keep the order given."""
    found = defaultdict(list)
    for who, minute, label in rows:
        found[who].append((minute, label))
    return {who: sorted(steps, key=lambda s: s[0]) for who, steps in sorted(found.items())}


def text(rows):
    """Write journeys short: 'x:abca' is one contact a minute."""
    return [
        (who, minute, label)
        for who, path in (row.split(":") for row in rows.split())
        for minute, label in enumerate(path)
    ]


@given(events)
def test_transitions_the_slow_way(rows):
    counts, gaps, left = Counter(), defaultdict(list), Counter()
    for steps in journeys_of(rows).values():
        for (t, one), (u, two) in pairwise(steps):
            counts[one, two] += 1
            left[one] += 1
            gaps[one, two].append(u - t)
    table = count_transitions(log_of(rows)).table

    found = {(r["from"], r["to"]): r for r in table.to_dict("records")}
    assert {k: r["count"] for k, r in found.items()} == counts
    for pair, row in found.items():
        assert row["estimate"] == pytest.approx(counts[pair] / left[pair[0]])
        assert row["median_hours"] == pytest.approx(np.median(gaps[pair]) / 60)
        assert row["p90_hours"] == pytest.approx(np.quantile(gaps[pair], 0.9) / 60)
        assert not row["low"] > row["estimate"]
        assert not row["high"] < row["estimate"]


@given(events)
def test_variants_the_slow_way(rows):
    paths = Counter("".join(s[1] for s in steps) for steps in journeys_of(rows).values())
    found = count_variants(log_of(rows), top=None)

    got = {p.replace(" > ", ""): n for p, n in zip(found.table["path"], found.table["journeys"],
                                                   strict=True)}  # fmt: skip
    assert got == paths
    assert found.seen_once == sum(n == 1 for n in paths.values())
    assert found.table["covered"].iloc[-1] == pytest.approx(1)
    order = sorted(paths, key=lambda p: (-paths[p], len(p), p))
    assert [p.replace(" > ", "") for p in found.table["path"]] == order


def walk_slowly(steps, stages, window, reentry):
    """Longest chain reached, written from the definition: try every entry, every choice."""
    entries = [i for i, (_, label) in enumerate(steps) if label == stages[0]]
    reached = 1 if entries else 0
    for entry in entries if reentry else entries[:1]:
        start = steps[entry][0]
        moment, depth = start, 1
        for stage in stages[1:]:
            later = [t for t, label in steps if label == stage and moment <= t <= start + window]
            if not later:
                break
            moment, depth = min(later), depth + 1
        reached = max(reached, depth)
    return reached


@given(events, st.sampled_from([3, 1000]), st.booleans(), st.integers(1, 4))
def test_loose_funnel_the_slow_way(rows, window, reentry, size):
    stages = LABELS[:size]
    depth = [walk_slowly(s, stages, window, reentry) for s in journeys_of(rows).values()]
    table = measure_funnel(
        log_of(rows), stages=stages, window=pd.Timedelta(minutes=window), reentry=reentry
    ).table

    expected = [sum(d > k for d in depth) for k in range(size)]
    assert table["journeys"].tolist() == expected
    assert table["journeys"].is_monotonic_decreasing


def walk_strictly(labels, stages):
    runs = [label for i, label in enumerate(labels) if i == 0 or labels[i - 1] != label]
    if stages[0] not in runs:
        return 0
    rest = runs[runs.index(stages[0]) :]
    return next((k for k, s in enumerate(stages) if rest[k : k + 1] != [s]), len(stages))


@given(events, st.integers(1, 4))
def test_strict_funnel_the_slow_way(rows, size):
    stages = LABELS[:size]
    paths = [[s[1] for s in steps] for steps in journeys_of(rows).values()]
    depth = [walk_strictly(path, stages) for path in paths]
    table = measure_funnel(log_of(rows), stages=stages, mode="strict").table

    assert table["journeys"].tolist() == [sum(d > k for d in depth) for k in range(size)]


def reach(rows, **options):
    table = measure_funnel(log_of(rows), stages=["a", "b", "c"], **options).table
    return table["journeys"].tolist()


# What Mixpanel's help pages say of funnels with a window (conversion order, re-entry).
def test_a_second_entry_does_not_start_the_clock_anew():
    rows = [("x", 0, "a"), ("x", 30, "a"), ("x", 50, "b"), ("x", 80, "c")]  # c 80 after a

    assert reach(rows, window="60min") == [1, 1, 0]
    assert reach(rows, window="80min") == [1, 1, 1]


def test_after_the_window_only_reentry_converts():
    rows = [("x", 0, "a"), ("x", 100, "a"), ("x", 110, "b")]

    assert reach(rows, window="60min") == [1, 0, 0]
    assert reach(rows, window="60min", reentry=True) == [1, 1, 0]


def test_with_reentry_time_runs_from_the_latest_entry():
    rows = [("x", 0, "a"), ("x", 20, "a"), ("x", 50, "a"), ("x", 59, "b")]
    table = measure_funnel(log_of(rows), stages=["a", "b"], window="60min", reentry=True).table

    assert table["median_hours"].iloc[1] == pytest.approx(9 / 60)


def test_funnel_by_hand():
    rows = [("all", 0, "a"), ("all", 1, "b"), ("all", 2, "c"),
            ("tied", 0, "c"), ("tied", 0, "b"), ("tied", 0, "a"),
            ("backwards", 0, "c"), ("backwards", 1, "b"), ("backwards", 2, "a"),
            ("never enters", 0, "b"), ("between", 0, "a"), ("between", 1, "d"),
            ("between", 2, "b"), ("stays", 0, "a"), ("stays", 1, "a"),
            ("stays", 2, "b")]  # fmt: skip

    assert reach(rows) == [5, 4, 2]  # of "tied" the log cannot say the order: it counts
    assert reach(rows, mode="strict") == [5, 2, 1]
    step = measure_funnel(log_of(rows), stages=["a", "b", "c"]).table["step"]
    assert step.tolist() == pytest.approx([1, 4 / 5, 2 / 4])


def test_funnel_by_group_and_too_few():
    rows = text("x:abc y:ab z:a")
    log = log_of(rows)
    table = measure_funnel(log, stages=["a", "b"], groups={"x": "one", "y": "two"}).table

    assert table["group"].tolist() == ["(none)"] * 2 + ["one"] * 2 + ["two"] * 2
    assert table["estimate"].tolist() == [1, 0, 1, 1, 1, 1]
    few = measure_funnel(log_of(rows, minimum_base=4), stages=["a", "b"]).table
    assert few["estimate"].isna().all()
    assert set(few["method"]) == {"too few (n < 4)"}


def test_funnel_errors_say_what_to_do():
    log = log_of(text("x:abc"))

    with pytest.raises(JourneyError, match="got 'zz'"):
        measure_funnel(log, stages=["a", "zz"])
    with pytest.raises(JourneyError, match="each once"):
        measure_funnel(log, stages=["a", "a"])
    with pytest.raises(JourneyError, match="loose or strict; got 'tight'"):
        measure_funnel(log, stages=["a"], mode="tight")
    with pytest.raises(JourneyError, match="time above 0"):
        measure_funnel(log, stages=["a"], window="0 days")
    with pytest.raises(TooFewError, match="at least one contact"):
        code_events([], np.array([], dtype="datetime64[us]"), [])


@settings(max_examples=40)
@given(events)
def test_step_matrix_exits_and_waits_the_slow_way(rows):
    journeys = journeys_of(rows)
    log = log_of(rows)
    steps = measure_step_matrix(log, steps=4)
    for step in range(4):
        slow = Counter(s[step][1] if len(s) > step else "(ended)" for s in journeys.values())
        mine = steps.table[steps.table["step"].eq(step + 1)]
        assert dict(zip(mine["label"], mine["journeys"], strict=True)) == slow
        assert mine["estimate"].sum() == pytest.approx(1)
    assert (steps.flows.groupby("step")["journeys"].sum() == len(journeys)).all()

    ends = find_exits(log).table.set_index("label")
    for label in ends.index:
        assert ends.loc[label, "left"] == sum(s[-1][1] == label for s in journeys.values())
        assert ends.loc[label, "entered"] == sum(s[0][1] == label for s in journeys.values())
        assert ends.loc[label, "visited"] == sum(
            any(x[1] == label for x in s) for s in journeys.values()
        )
    total = measure_waits(log).table["total_hours"].sum()
    assert total == pytest.approx(sum(s[-1][0] - s[0][0] for s in journeys.values()) / 60)


@settings(max_examples=40)
@given(events)
def test_loops_the_slow_way(rows):
    slow, extra, minutes = Counter(), Counter(), Counter()
    for steps in journeys_of(rows).values():
        last = {}
        for i, (t, label) in enumerate(steps):
            if label in last:
                length = i - last[label]
                kind = {1: "repeat", 2: "there and back"}.get(length, "return")
                place = (kind, label, steps[i - 1][1] if length == 2 else "")
                slow[place] += 1
                extra[place] += length
                minutes[place] += t - steps[last[label]][0]
            last[label] = i
    found = find_loops(log_of(rows))
    table = found.table.set_index(["kind", "label", "via"])

    assert table["loops"].to_dict() == slow
    assert table["extra_contacts"].to_dict() == extra
    assert (table["hours"] * 60).to_dict() == pytest.approx(minutes)
    assert found.extra_contacts == sum(slow.values())


def test_exits_after_a_label_by_hand():
    log = log_of(text("x:abac y:ab z:a w:aad v:b"))
    after = find_exits(log, after="a").table.set_index("label")["journeys"].to_dict()
    lost = find_exits(log, after="a", instead_of="b").table.set_index("label")["journeys"].to_dict()

    assert after == {"b": 2, "(left)": 1, "d": 1}
    assert lost == {"(left)": 1, "d": 1}
    with pytest.raises(JourneyError, match="name both"):
        find_exits(log, instead_of="b")


def test_exits_near_the_end_are_open():
    log = log_of([("x", 0, "a"), ("y", 60 * 24 * 40, "a")])

    assert find_exits(log).table["still_open"].tolist() == [1]


def test_precede_by_hand():
    # d is the complaint: before it b always, before others b sometimes
    log = log_of(text("x:abd y:cbd z:abc w:ac"))
    table = precede(log, ["d"], steps=1).table.set_index("label")

    assert table.loc["b", "before"] == 1
    assert table.loc["b", "otherwise"] == pytest.approx(1 / 9)  # of 9 other contacts, z's c
    assert table.loc["b", "estimate"] == pytest.approx(8 / 9)
    assert table["p_holm"].ge(table["p_value"]).all()
    assert precede(log, ["d"], steps=2).table.set_index("label").loc["a", "before"] == 0.5
    with pytest.raises(JourneyError, match="it has none"):
        precede(log_of(text("x:ab")), ["d"])


@settings(max_examples=40)
@given(events, st.integers(1, 3))
def test_precede_the_slow_way(rows, steps):
    before, others, targets = Counter(), Counter(), 0
    for path in journeys_of(rows).values():
        for i, (_, label) in enumerate(path):
            seen = {x[1] for x in path[max(i - steps, 0) : i]}
            (before if label == "d" else others).update(seen)
            targets += label == "d"
    if not targets:
        return
    table = precede(log_of(rows), ["d"], steps=steps).table.set_index("label")

    assert set(table.index) == (set(before) | set(others)) - {"d"}
    for label, row in table.iterrows():
        assert row["before"] == pytest.approx(before[label] / targets)
        if len(rows) > targets:
            assert row["otherwise"] == pytest.approx(others[label] / (len(rows) - targets))


def test_sessions_cut_after_the_gap_only():
    log = log_of([("x", 0, "a"), ("x", 30, "b"), ("x", 61, "c"), ("y", 61, "a")])
    cut = sessions(log, gap=30)

    assert cut.lengths.tolist() == [2, 1, 1]
    assert cut.owner.tolist() == [0, 0, 1]
    assert cut.clustered
    with pytest.raises(JourneyError, match="more than 0 minutes"):
        sessions(log, gap=0)


def test_collapse_keeps_the_first_of_each_run():
    log = log_of(text("x:aabba y:a")).collapse()

    assert [log.labels[c] for c in log.codes] == ["a", "b", "a", "a"]
    assert log.times.tolist() == [0, 2 * 60_000_000, 4 * 60_000_000, 0]


@settings(max_examples=15)
@given(events)
def test_change_twice_the_customers_twice_the_counts(rows):
    twins = rows + [(who + "2", minute, label) for who, minute, label in rows]
    for ask in (
        lambda log: count_transitions(log).table.set_index(["from", "to"])["count"],
        lambda log: count_variants(log).table.set_index("path")["journeys"],
        lambda log: measure_funnel(log, stages=["a", "b"]).table.set_index("stage")["journeys"],
        lambda log: find_exits(log).table.set_index("label")["left"],
        lambda log: find_loops(log).table.set_index(["kind", "label", "via"])["loops"],
    ):
        once, twice = ask(log_of(rows)).sort_index(), ask(log_of(twins)).sort_index()
        pd.testing.assert_series_equal(once * 2, twice)


@settings(max_examples=40)
@given(events, st.randoms(use_true_random=False))
def test_change_row_order_is_nothing_but_ties(rows, random):
    unique = list({(who, minute): (who, minute, label) for who, minute, label in rows}.values())
    shuffled = random.sample(unique, len(unique))

    pd.testing.assert_frame_equal(
        count_transitions(log_of(unique)).table, count_transitions(log_of(shuffled)).table
    )


def test_paths_that_share_a_hash_stay_apart(monkeypatch):
    log = log_of(text("x:ab y:ba z:ab w:cd"))
    calls = []
    from cjlib.journeys import variants

    def weak(seed, length):
        calls.append(seed)
        if len(calls) == 1:  # a hash that cannot tell ab from ba
            return np.ones(length, dtype=np.uint64)
        return np.cumprod(np.full(length, seed | np.uint64(1)))

    monkeypatch.setattr(variants, "_powers", weak)
    found = count_variants(log)

    assert len(calls) == 2
    assert found.variants == 3


def test_variants_summary_and_unseen():
    found = count_variants(log_of(text("x:ab y:ab z:ba w:c")), top=1)

    assert found.unseen.estimate == 0.5  # two of four paths are nobody else's
    assert found.summary() == (
        "4 journeys take 3 different paths; 2 paths are taken once; the 1 most frequent cover "
        "50.0%."
    )
    with pytest.raises(JourneyError, match="at least 1"):
        count_variants(log_of(text("x:ab")), top=0)
