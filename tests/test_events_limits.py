"""Plain questions where the kinds of whole number change, and where logs are as odd as can be."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from cjlib.events import (
    code_events,
    count_ends,
    count_funnel,
    count_moves,
    count_paths,
    count_steps,
    count_ties,
    measure_gaps,
)

MINUTE = 60_000_000
FARTHEST = 2**62 - 1


@dataclass
class Dealt:
    """A log dealt out by customer over two partitions."""

    pieces: list

    @property
    def labels(self):
        return self.pieces[0].labels

    def parts(self):
        yield from self.pieces


def ask(log, stages):
    paths, variants = count_paths(log, top=6)
    return {
        "moves": count_moves(log).to_dict("list"),
        "gaps": measure_gaps(log, at=(0, 0.5, 0.9, 1)).to_dict("list"),
        "steps": count_steps(log, steps=3).to_dict("list"),
        "funnel": count_funnel(log, stages=stages).to_dict("list"),
        "ends": count_ends(log).to_dict("list"),
        "paths": paths.to_dict("list"),
        "variants": variants,
        "ties": count_ties(log).to_dict("list"),
    }


# Codes grow a byte after 128 and 32,768 labels; pairs after 181 and 46,340; moves are counted
# in a plain array to 1,024.
@pytest.mark.parametrize("k", [2, 128, 129, 181, 182, 1024, 1025, 32_768, 32_769, 46_340, 46_341])
def test_every_count_of_labels_gives_the_slow_counts(k):
    labels = [f"l{i:05d}" for i in range(k)]
    rng = np.random.default_rng(k)
    # first and last labels, so that the largest codes and pairs occur; half the times are tied
    code = np.array([0, 1, k // 2, k - 2, k - 1])[rng.integers(0, 5, 240)]
    who, minute = rng.integers(0, 30, 240), rng.integers(0, 12, 240)
    what = np.array(labels, dtype=object)[code]
    log = code_events(who, minute * MINUTE, what, labels=labels)
    halves = Dealt(
        [code_events(who[m], minute[m] * MINUTE, what[m], labels=labels)
         for m in (who % 2 == 0, who % 2 == 1)]
    )  # fmt: skip
    journeys = defaultdict(list)
    for place in np.argsort(minute, kind="stable").tolist():
        journeys[who[place]].append((int(minute[place]), what[place]))
    moves, gaps, tied = Counter(), defaultdict(list), 0
    for journey in journeys.values():
        for (t, here), (u, there) in pairwise(journey):
            moves[here, there] += 1
            gaps[here, there].append(u - t)
            tied += u == t and here != there

    stages = [labels[0], labels[-1]]
    assert ask(halves, stages) == ask(log, stages)
    found = count_moves(log)
    assert {(r["from"], r["to"]): r["count"] for _, r in found.iterrows()} == moves
    for _, row in measure_gaps(log).iterrows():
        own = gaps[row["from"], row["to"]]
        assert row["p90"] == pytest.approx(np.quantile(own, 0.9) / 60, abs=1e-12)
    assert count_ties(log)["unordered"][0] == tied
    first = Counter(journey[0][1] for journey in journeys.values())
    entered = count_ends(log).set_index("label")["entered"]
    assert entered[entered > 0].to_dict() == first
    paths = Counter(" > ".join(label for _, label in journey) for journey in journeys.values())
    shown, variants = count_paths(log, top=len(paths) + 1)
    assert variants == len(paths)
    assert dict(zip(shown["path"], shown["journeys"], strict=True)) == paths


def test_one_contact_each_and_all_at_once():
    lonely = code_events(["u", "v", "w"], [5, 5, 5], ["a", "b", "a"])
    assert (len(count_moves(lonely)), len(measure_gaps(lonely))) == (0, 0)
    assert count_ties(lonely).iloc[0].tolist() == [0, 0, 0, 0, 0]
    assert count_funnel(lonely, stages=["a", "b"])["journeys"].tolist() == [2, 0]
    assert ask(Dealt([lonely]), ["a"]) == ask(lonely, ["a"])

    at_once = code_events(["u"] * 4, [7] * 4, list("abca"))
    assert measure_gaps(at_once)["p90"].tolist() == [0, 0, 0]
    assert count_ties(at_once).iloc[0].tolist() == [3, 3, 3, 1, 1]
    assert count_funnel(at_once, stages=["c", "a", "b", "a"])["journeys"].tolist() == [1] * 4
    assert ask(Dealt([at_once, at_once]), ["a"])["moves"]["count"] == [2, 2, 2]


def test_the_longest_gaps_that_64_bits_hold_are_exact():
    times = [-FARTHEST, FARTHEST, -FARTHEST, FARTHEST - 2**40, 0, 1]
    log = code_events(["u", "u", "v", "v", "w", "w"], times, list("ababab"))
    widest = [1, 2 * FARTHEST - 2**40, 2 * FARTHEST]

    for given in (log, Dealt([log])):
        row = measure_gaps(given, at=(0, 0.5, 1)).iloc[0]
        assert row["count"] == 3
        assert [row[p] for p in ("p0", "p50", "p100")] == [gap / 3.6e9 for gap in widest]


def test_a_customer_of_a_million_contacts_is_one_journey():
    n = 1_000_000
    label = np.array(["a", "b"], dtype=object)[np.arange(n) % 2]
    log = code_events(np.zeros(n, dtype=int), np.arange(n) * MINUTE, label)

    assert count_moves(log)["count"].tolist() == [n // 2, n // 2 - 1]
    paths, variants = count_paths(log, top=1)
    assert (variants, paths["contacts"][0], paths["journeys"][0]) == (1, n, 1)
    assert measure_gaps(log)["p50"].tolist() == [1 / 60, 1 / 60]
    assert count_funnel(log, stages=["b", "a", "b"])["journeys"].tolist() == [1, 1, 1]
