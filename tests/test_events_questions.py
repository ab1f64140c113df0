"""Plain questions to a journey log: a slow second way, whole and in parts, published counts."""

from __future__ import annotations

import functools
import gzip
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cjlib.errors import JourneyError
from cjlib.events import code_events
from cjlib.events.kernels import SEEDS, hash_paths
from cjlib.events.ordering import encode, order_events, stable_order
from cjlib.events.questions import (
    count_ends,
    count_funnel,
    count_moves,
    count_paths,
    count_steps,
    count_ties,
    measure_gaps,
)
from cjlib.events.times import read_times
from cjlib.events.xes import read_xes
from cjlib.journeys import count_transitions, count_variants, find_exits

LABELS = ["a", "b", "c", "d"]
events = st.lists(
    st.tuples(st.sampled_from("uvwxyz"), st.integers(0, 9), st.sampled_from(LABELS)),
    min_size=1, max_size=60,
)  # fmt: skip
HOUR = 60  # the logs here count minutes


def log_of(rows, labels=LABELS):
    who, minute, label = zip(*rows, strict=True)
    return code_events(who, np.array(minute, dtype=np.int64) * 60_000_000, label, labels=labels)


@dataclass
class Dealt:
    """A log dealt out by customer over several partitions."""

    pieces: list

    @property
    def labels(self):
        return self.pieces[0].labels

    def parts(self):
        yield from self.pieces


def deal(rows):
    """The same rows in up to four partitions."""
    piles = defaultdict(list)
    for row in rows:
        piles[ord(row[0]) % 4].append(row)
    return Dealt([log_of(pile) for pile in piles.values()])


def walks(journey, stages, since=-1):
    """Whether some contacts, a different one for each stage, never go back in time."""
    return not stages or any(
        walks(journey[:i] + journey[i + 1 :], stages[1:], t)
        for i, (t, label) in enumerate(journey)
        if label == stages[0] and t >= since
    )


def journeys_of(rows):
    found = defaultdict(list)
    for who, minute, label in rows:
        found[who].append((minute, label))
    return [sorted(steps, key=lambda s: s[0]) for steps in found.values()]


def ask(log):
    """Every question's answer, as plain Python."""
    paths, variants = count_paths(log, top=3)
    return {
        "moves": count_moves(log).to_dict("list"),
        "gaps": measure_gaps(log, at=(0.0, 0.25, 0.5, 0.9, 1.0)).to_dict("list"),
        "steps": count_steps(log, steps=5).to_dict("list"),
        "funnel": count_funnel(log, stages=["a", "b", "a"]).to_dict("list"),
        "ends": count_ends(log).to_dict("list"),
        "paths": paths.to_dict("list"),
        "variants": variants,
        "ties": count_ties(log).to_dict("list"),
    }


@given(events)
@settings(max_examples=40)
def test_parts_and_whole_agree_to_the_last_digit(rows):
    assert ask(deal(rows)) == ask(log_of(rows))


@given(events)
@settings(max_examples=40)
def test_every_question_the_slow_way(rows):
    log = deal(rows)
    moves, gaps = Counter(), defaultdict(list)
    steps, first, last, reached = Counter(), Counter(), Counter(), Counter()
    paths = Counter()
    for journey in journeys_of(rows):
        for (t, here), (u, there) in pairwise(journey):
            moves[here, there] += 1
            gaps[here, there].append(u - t)
        for place, (_, label) in enumerate(journey[:5]):
            steps[label, place + 1] += 1
        first[journey[0][1]] += 1
        last[journey[-1][1]] += 1
        paths[tuple(label for _, label in journey)] += 1
        for place in range(3):
            reached[place] += walks(journey, "aba"[: place + 1])

    found = count_moves(log)
    assert {(r["from"], r["to"]): r["count"] for _, r in found.iterrows()} == moves
    table = measure_gaps(log)
    for _, row in table.iterrows():
        own = gaps[row["from"], row["to"]]
        assert row["p50"] == pytest.approx(np.quantile(own, 0.5) / HOUR, abs=1e-12)
        assert row["p90"] == pytest.approx(np.quantile(own, 0.9) / HOUR, abs=1e-12)
    matrix = count_steps(log, steps=5)
    assert all(matrix.loc[a, s] == steps[a, s] for a in LABELS for s in range(1, 6))
    funnel = count_funnel(log, stages=["a", "b", "a"])
    assert funnel["journeys"].tolist() == [reached[place] for place in range(3)]
    for _, row in count_ends(log).iterrows():
        assert (row["entered"], row["left"]) == (first[row["label"]], last[row["label"]])
    best = sorted(paths.items(), key=lambda pair: (-pair[1], len(pair[0]), pair[0]))[:4]
    shown, variants = count_paths(log, top=4)
    assert variants == len(paths)
    assert list(zip(shown["path"], shown["journeys"], strict=True)) == [
        (" > ".join(path), n) for path, n in best
    ]


@pytest.mark.parametrize(
    "rows",
    [  # one partition and several; the weak hash is that of the length alone
        [("u", 0, "a"), ("u", 1, "b"), ("u", 2, "b"), ("y", 0, "b"), ("y", 1, "a"), ("y", 2, "b")],
        [("u", 0, "a"), ("u", 1, "b"), ("v", 0, "b"), ("v", 1, "b"), ("w", 0, "a"), ("w", 1, "b")],
    ],
    ids=["within a partition", "across partitions"],
)
def test_paths_whose_hashes_clash_are_told_apart(rows, monkeypatch):
    asked = []

    def weak(log, *, seed=SEEDS[0]):
        asked.append(seed)
        return log.lengths.astype(np.uint64) if seed in bad else hash_paths(log, seed=seed)

    right = [count_paths(log) for log in (log_of(rows), deal(rows))]
    monkeypatch.setattr("cjlib.events.kernels.hash_paths", weak)
    bad = SEEDS[:1]
    for log, (table, variants) in zip((log_of(rows), deal(rows)), right, strict=True):
        found, many = count_paths(log)
        assert found.to_dict("list") == table.to_dict("list")
        assert many == variants == 2
    assert set(asked) == set(SEEDS)
    bad = SEEDS
    for log in (log_of(rows), deal(rows)):
        with pytest.raises(JourneyError, match="with both hashes some have the same"):
            count_paths(log)


@given(events)
@settings(max_examples=15)
def test_journeys_with_intervals_count_the_same(rows):
    log = log_of(rows)
    slow = count_transitions(log).table
    fast = count_moves(log)

    assert fast["count"].tolist() == slow["count"].tolist()
    gaps = measure_gaps(log).set_index(["from", "to"])
    for _, row in slow.iterrows():
        own = gaps.loc[(row["from"], row["to"])]
        assert own["p50"] == row["median_hours"]
        assert own["p90"] == row["p90_hours"]
    assert count_paths(log)[0]["path"].tolist() == count_variants(log).table["path"].tolist()
    ends = count_ends(log).set_index("label")["left"]
    exits = find_exits(log).table.set_index("label")["left"]
    assert ends[ends > 0].to_dict() == exits[exits > 0].to_dict()


def test_wide_gaps_and_many_labels_take_the_slow_sort_to_the_same_numbers():
    rng = np.random.default_rng(3)
    labels = [f"l{i:04d}" for i in range(1500)]
    n = 4000
    who = rng.integers(0, 300, n)
    when = rng.integers(0, 2**62, n)
    what = np.array(labels, dtype=object)[rng.integers(0, 1500, n) // rng.integers(1, 400, n)]
    log = code_events(who, when, what, labels=labels)
    halves = Dealt(
        [code_events(who[m], when[m], what[m], labels=labels) for m in (who % 2 == 0, who % 2 == 1)]
    )
    gaps = measure_gaps(log)
    slow = defaultdict(list)
    for j in range(log.journeys):
        a, b = log.offsets[j], log.offsets[j + 1]
        for i in range(a, b - 1):
            slow[labels[log.codes[i]], labels[log.codes[i + 1]]].append(
                log.times[i + 1] - log.times[i]
            )

    assert log.codes.dtype == np.int16
    pd.testing.assert_frame_equal(measure_gaps(halves), gaps)
    pd.testing.assert_frame_equal(count_moves(halves), count_moves(log))
    for _, row in gaps.iterrows():
        own = slow[row["from"], row["to"]]
        assert row["count"] == len(own)
        assert row["p50"] == pytest.approx(np.median(np.array(own, dtype=float)) / 3.6e9)


def test_a_tie_can_be_walked_both_ways_in_a_funnel_but_time_cannot():
    tied = log_of([("u", 5, "b"), ("u", 5, "a")])
    backwards = log_of([("u", 5, "a"), ("u", 4, "b")])

    assert count_funnel(tied, stages=["a", "b"])["journeys"].tolist() == [1, 1]
    assert count_funnel(backwards, stages=["a", "b"])["journeys"].tolist() == [1, 0]


def test_one_contact_stands_for_one_stage():
    log = log_of([("once", 5, "a"), ("tied", 5, "a"), ("tied", 5, "a"), ("later", 1, "a"),
                  ("later", 9, "a"), ("round", 5, "b"), ("round", 5, "a")])  # fmt: skip

    assert count_funnel(log, stages=["a", "a", "a"])["journeys"].tolist() == [4, 2, 0]
    assert count_funnel(log, stages=["a", "b", "a"])["journeys"].tolist() == [4, 1, 0]


def test_ties_are_counted():
    found = count_ties(log_of([("u", 1, "a"), ("u", 1, "a"), ("u", 1, "b"), ("u", 2, "b"),
                               ("v", 1, "a")])).iloc[0]  # fmt: skip

    assert found[["moves", "tied", "unordered", "journeys"]].tolist() == [3, 2, 1, 1]
    assert found["share"] == pytest.approx(2 / 3)


def test_paths_that_tie_are_the_shortest_and_first():
    rows = [(f"c{i}", t, label) for i, path in enumerate(["ba", "ab", "d", "cc", "b"])
            for t, label in enumerate(path)]  # fmt: skip

    shown, variants = count_paths(log_of(rows), top=3)

    assert (shown["path"].tolist(), variants) == (["b", "d", "a > b"], 5)


@given(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=8), min_size=1, max_size=30))
def test_two_journeys_share_a_hash_only_where_they_share_the_path(paths):
    rows = [(f"c{i:03d}", t, LABELS[c]) for i, path in enumerate(paths)
            for t, c in enumerate(path)]  # fmt: skip
    hashes = hash_paths(log_of(rows)).tolist()

    assert len(set(hashes)) == len({tuple(path) for path in paths})
    assert len(set(zip(hashes, map(tuple, paths), strict=True))) == len(set(hashes))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-(2**62), 2**62), st.integers(0, 2)),
                min_size=1, max_size=40))  # fmt: skip
def test_order_is_by_customer_time_tie_and_place(rows):
    who, times, tie = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    slow = sorted(range(len(rows)), key=lambda i: (*rows[i], i))

    assert order_events(who, times, tie=tie).tolist() == slow
    plain = sorted(range(len(rows)), key=lambda i: (*rows[i][:2], i))
    assert order_events(who, times).tolist() == plain
    assert stable_order(times).tolist() == sorted(range(len(rows)), key=lambda i: (rows[i][1], i))


@pytest.mark.parametrize("letters", ["abc09", "سلa ", "a\0b"])
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_many_short_texts_are_coded_in_their_order(letters, kind):
    rng = np.random.default_rng(1)
    texts = ["".join(rng.choice(list(letters), rng.integers(0, 5))) for _ in range(4000)]
    texts += [f"c{i}" for i in range(1500)]
    whole = pa.array(["zz", *texts], kind)[1:]
    column = pa.chunked_array([whole[:999], whole[:0], whole[999:]])
    codes, distinct = encode(column)

    assert distinct.tolist() == sorted(set(texts))
    assert distinct[codes].tolist() == texts
    first, seen = encode(column, sort=False)
    assert seen.tolist() == list(dict.fromkeys(texts))
    assert seen[first].tolist() == texts


def test_encode_sorts_and_keeps_what_looks_missing():
    series = pd.Series(["null", "NA", "007", "NA", None], dtype="str")
    for given_ in (series, series.to_numpy(), series.array.__arrow_array__()):
        codes, distinct = encode(given_)
        assert list(distinct) == ["007", "NA", "null"]
        assert codes.tolist() == [2, 1, 0, 1, -1]
    codes, distinct = encode([30, 7, 30])
    assert (codes.tolist(), list(distinct)) == ([1, 0, 1], [7, 30])


def test_messages_name_what_is_known():
    log = log_of([("u", 1, "a")])
    with pytest.raises(JourneyError, match="labels of the log.*It has a, b, c, d"):
        count_funnel(log, stages=["x"])
    with pytest.raises(JourneyError, match="top must be at least 1, a whole number; got 0"):
        count_paths(log, top=0)
    with pytest.raises(JourneyError, match="steps must be at least 1, a whole number; got 2.5"):
        count_steps(log, steps=2.5)
    for wrong in ((50,), 0.5, "median", (float("nan"),)):
        with pytest.raises(JourneyError, match="at must be a list of shares, 0 to 1; got"):
            measure_gaps(log, at=wrong)


@functools.lru_cache(maxsize=1)  # one file is asked twice
def read_file(place):
    with gzip.open(place) as stream:
        return read_xes(stream, shown=place.name)


def read_log(place, *, complete=False):
    table = read_file(place)
    if complete:
        table = table[table["lifecycle:transition"].str.lower().eq("complete")]
    times = read_times(table["time:timestamp"], zone="UTC")
    return code_events(table["case:concept:name"], times.to_numpy(), table["concept:name"])


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "complete", "events", "cases", "activities", "variants", "top", "edges"),
    [
        ("Helpdesk", False, 21_348, 4_580, 14, 226, [2366, 552, 228, 213, 164], None),
        ("BPI_Challenge_2012", False, 262_200, 13_087, 24, 4_366,
         [3429, 1872, 271, 209, 160], 125),
        ("BPI_Challenge_2012", True, 164_506, 13_087, 23, 4_336, None, None),
    ],
)  # fmt: skip
def test_published_counts(shared_data, name, complete, events, cases, activities, variants, top,
                          edges):  # fmt: skip
    # 4TU.ResearchData: van Dongen (2012), BPI Challenge 2012; Polato, Helpdesk.
    log = read_log(shared_data / "bpi_logs" / f"{name}.xes.gz", complete=complete)
    table, found = count_paths(log, top=5)

    assert (len(log), log.journeys, len(log.labels)) == (events, cases, activities)
    assert found == variants
    if top:
        assert table["journeys"].tolist() == top
    if edges:
        assert len(count_moves(log)) == edges
    assert count_moves(log)["count"].sum() == events - cases


def test_an_event_log_is_refused_where_something_is_missing_or_of_the_wrong_kind():
    day = np.datetime64("2025-01-01", "us")
    for time in (
        np.array([day, "NaT"], dtype="datetime64[us]"),
        pd.Series([pd.Timestamp(day), None]),
    ):
        with pytest.raises(JourneyError, match="a customer, a time and a known label; 1 of 2 lack"):
            code_events(["u", "v"], time, ["a", "b"])
    with pytest.raises(JourneyError, match="without a time zone.*got datetime64.*UTC"):
        code_events(["u"], pd.Series([pd.Timestamp(day, tz="UTC")]), ["a"])
    for time in ([1.5], ["2025-01-01"]):
        with pytest.raises(JourneyError, match="must be datetime64 .*or whole numbers"):
            code_events(["u"], time, ["a"])
    with pytest.raises(JourneyError, match="must lie within .* of 1970.*Is the unit right"):
        code_events(["u", "u"], [-(2**62), 0], ["a", "b"])
    with pytest.raises(JourneyError, match="got 2, 3 and 2 of them"):
        code_events(["u", "v"], [1, 2, 3], ["a", "b"])
    with pytest.raises(JourneyError, match="labels must be a list of different texts"):
        code_events(["u"], [1], ["a"], labels=["a", "a"])
    plain = code_events(["u"], [pd.Timestamp(day)], ["a"])
    assert plain.times.tolist() == [day.astype(int)]
