"""Sub-paths beside a slow second way, by hand, and where nothing is to be found."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cjlib.errors import JourneyError, TooFewError
from cjlib.events import code_events, sessions
from cjlib.intervals import compare_shares
from cjlib.journeys import contrast_subpaths, find_subpaths
from cjlib.journeys.looks import adjust_bh, compare_counts

LABELS = ["a", "b", "c", "d"]
paths = st.lists(st.text(alphabet="abcd", min_size=1, max_size=7), min_size=1, max_size=8)


def log_of(words, **more):
    """One customer per word, one contact a minute; a dash is an hour's silence."""
    rows = [
        (f"c{who}", minute + 60 * word[:minute].count("-"), label)
        for who, word in enumerate(words)
        for minute, label in enumerate(word)
        if label != "-"
    ]
    who, minute, label = zip(*rows, strict=True)
    more = {"minimum_base": 1, "labels": LABELS, **more}
    return code_events(who, np.array(minute) * 60_000_000, label, **more)


def hold_slowly(words, shortest, longest, contiguous):
    """Sub-path -> customers, written from the definition."""
    found = defaultdict(set)
    for who, word in enumerate(words):
        for part in word.split("-"):
            for size in range(shortest, longest + 1):
                for at in combinations(range(len(part)), size):
                    if not contiguous or at[-1] - at[0] == size - 1:
                        found["".join(part[i] for i in at)].add(who)
    return found


def short(table):
    return [path.replace(" > ", "") for path in table["path"]]


@given(paths, st.booleans(), st.integers(1, 2), st.integers(0, 2))
def test_subpaths_the_slow_way(words, contiguous, shortest, more):
    longest = shortest + more
    expected = hold_slowly(words, shortest, longest, contiguous)
    table = find_subpaths(
        log_of(words), length=(shortest, longest), contiguous=contiguous, least_share=0, top=None
    ).table

    assert dict(zip(short(table), table["customers"], strict=True)) == {
        path: len(who) for path, who in expected.items()
    }
    order = sorted(expected, key=lambda path: (-len(expected[path]), len(path), path))
    assert short(table) == order
    assert (table["estimate"] == table["customers"] / len(words)).all()
    assert (table["low"] <= table["estimate"]).all()
    assert (table["high"] >= table["estimate"]).all()


@given(paths, st.booleans())
def test_least_share_only_leaves_out(words, contiguous):
    every = find_subpaths(log_of(words), contiguous=contiguous, least_share=0, top=None).table
    some = find_subpaths(log_of(words), contiguous=contiguous, least_share=0.4, top=None).table

    pd.testing.assert_frame_equal(
        some, every[every["estimate"] >= 0.4].reset_index(drop=True), check_dtype=False
    )


@given(paths, st.booleans())
def test_twice_the_customers_twice_the_counts(words, contiguous):
    once = find_subpaths(log_of(words), contiguous=contiguous, top=None).table
    twice = find_subpaths(log_of(words * 2), contiguous=contiguous, top=None).table

    assert short(once) == short(twice)
    assert (twice["customers"] == 2 * once["customers"]).all()


def test_by_hand_sessions_do_not_run_over():
    # "over": b ends one session and c begins the next; "twice": ab in both sessions
    log = sessions(log_of(["ab-cd", "ab-ab", "abc"]), gap=30)
    table = find_subpaths(log, length=(2, 2), top=None).table.set_index("path")

    assert table.loc["a > b", ["customers", "journeys", "n"]].tolist() == [3, 4, 3]
    assert table.loc["b > c", "customers"] == 1
    assert table.loc["c > d", "customers"] == 1
    assert table["method"].eq("Wilson").all()
    gapped = find_subpaths(log, length=(2, 2), contiguous=False, top=None).table
    assert "a > c" in set(gapped["path"])
    assert "a > d" not in set(gapped["path"])


def test_top_counts_each_length_and_small_bases_hide():
    found = find_subpaths(log_of(["abcd", "abc"]), top=1)
    assert found.table["length"].tolist() == [2, 3, 4]
    assert found.found == 6
    assert "a > b (in a row) is held by 2 of 2 customers" in found.summary()
    hidden = find_subpaths(log_of(["abcd", "abc"], minimum_base=3)).table
    assert hidden["estimate"].isna().all()
    assert hidden["method"].eq("too few (n < 3)").all()
    assert find_subpaths(log_of(["a", "b"])).summary() == (
        "No sub-path is held by so many customers."
    )


def test_many_labels_and_long_runs_do_not_overflow():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 900, 6_000)
    who = np.repeat(np.arange(60), 100)
    labels = [f"p{i:03}" for i in range(900)]
    log = code_events(who, np.arange(6_000), np.array(labels)[codes], minimum_base=1)
    table = find_subpaths(log, length=(12, 12), least_share=0, top=None).table

    assert len(table) == 60 * 89  # all differ
    assert (table["journeys"] == 1).all()


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 13)), min_size=1, max_size=12),
)
def test_fisher_equals_scipy(counts):
    a, b = (np.array(side) for side in zip(*counts, strict=True))
    found, method = compare_counts(a, b, 9, 13)

    expected = [stats.fisher_exact([[x, 9 - x], [y, 13 - y]]).pvalue for x, y in counts]
    assert found == pytest.approx(expected, rel=1e-9)
    assert set(method) == {"Fisher"}


def test_chi_squared_where_counts_are_large():
    found, method = compare_counts(np.array([300, 30]), np.array([250, 25]), 1_000, 1_000)

    table = [[300, 700], [250, 750]]
    assert found[0] == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)
    assert found[1] == pytest.approx(stats.fisher_exact([[30, 970], [25, 975]]).pvalue)
    assert method == ["chi-squared", "Fisher"]


def test_bh_by_hand():
    # Steps p * m / rank from the largest down: .04, .02 * 3 / 2 = .03, .01 * 3 = .03
    assert adjust_bh(np.array([0.04, 0.01, np.nan, 0.02])) == pytest.approx(
        [0.04, 0.03, np.nan, 0.03], nan_ok=True
    )


def grouped(words, names):
    return log_of(words), pd.Series(names, index=[f"c{i}" for i in range(len(words))])


@given(st.lists(st.tuples(st.text("abcd", min_size=1, max_size=6), st.booleans()), min_size=2))
def test_contrast_the_slow_way(rows):
    words, sides = zip(*rows, strict=True)
    if len(set(sides)) < 2:
        return
    log, groups = grouped(words, ["x" if side else "y" for side in sides])
    expected = hold_slowly(words, 2, 3, contiguous=True)
    if not expected:
        return
    found = contrast_subpaths(log, groups, length=(2, 3), least_share=0, top=None)
    sides = np.array(sides)

    assert found.looks == len(expected)
    for row in found.table.to_dict("records"):
        hit = np.isin(np.arange(len(words)), list(expected[row["path"].replace(" > ", "")]))
        one, two = (hit[side].astype(float) for side in (sides, ~sides))
        slow = compare_shares((one, np.ones(len(one))), (two, np.ones(len(two))), level=0.95)
        assert row["first"] == pytest.approx(slow.value)
        assert row["second"] == pytest.approx(slow.other)
        assert [row["low"], row["high"]] == pytest.approx([slow.low, slow.high])
    swapped = contrast_subpaths(
        log, groups.map({"x": "y", "y": "x"}), length=(2, 3), least_share=0, top=None
    ).table.set_index("path")
    same = found.table.set_index("path")
    assert swapped["p_value"].loc[same.index].tolist() == pytest.approx(same["p_value"].tolist())
    assert swapped["estimate"].loc[same.index].tolist() == pytest.approx(
        (-same["estimate"]).tolist()
    )


def test_the_outcome_does_not_predict_itself():
    # buyers buy (d) after a, then go b > c; leavers do a > b: "d" alone makes them differ
    log, groups = grouped(["abdbc"] * 20 + ["abab"] * 20, ["buys"] * 20 + ["leaves"] * 20)
    without = contrast_subpaths(log, groups, length=(2, 2))
    cut = contrast_subpaths(log, groups, length=(2, 2), outcome=["d"])

    assert "b > d" in set(without.clear()["path"])
    assert not cut.table["path"].str.contains("d").any()
    assert cut.table.set_index("path").loc["a > b", "estimate"] == 0
    assert cut.table["path"].tolist() == ["b > a", "a > b"]  # b > c came after the purchase
    assert cut.steps == (2.0, 4.0)


def test_the_first_outcome_cuts():
    # who buys twice is looked at up to the first time only
    log, groups = grouped(["abdcd", "ab"], ["buys", "leaves"])
    cut = contrast_subpaths(log, groups, length=(1, 1), outcome=["d"])

    assert cut.steps == (2.0, 2.0)
    assert set(cut.table["path"]) == {"a", "b"}


def test_outcome_cuts_later_sessions_too_and_keeps_the_base():
    # the first buyer's purchase is their first contact: no sub-path, but still one of the 2
    log = sessions(log_of(["d-ab", "abd-ab", "ab-ab", "ab"]), gap=30)
    groups = pd.Series(["1 buys", "1 buys", "2 leaves", "2 leaves"], index=["c0", "c1", "c2", "c3"])
    row = contrast_subpaths(log, groups, length=(2, 2), outcome=["d"]).table.iloc[0]

    assert row[["path", "first", "second", "n"]].tolist() == ["a > b", 0.5, 1.0, 4]


def test_categories_order_the_groups_and_others_are_counted():
    log, groups = grouped(["ab", "ab", "ba", "ab"], ["low", "high", "low", None])
    ordered = groups.astype(pd.CategoricalDtype(["low", "high"], ordered=True))
    found = contrast_subpaths(log, ordered)

    assert found.groups == ("low", "high")
    assert found.sizes == (2, 1)
    assert found.unplaced == 1


def plant(rng, *, effect):
    """120 journeys; in the first group more go a > c > b somewhere, if there is an effect."""
    words = ["".join(rng.choice(list("abcd"), size=rng.integers(4, 9))) for _ in range(120)]
    groups = rng.permutation(["x"] * 60 + ["y"] * 60)
    for i in np.flatnonzero(groups == "x"):
        if rng.random() < effect:
            words[i] += "acb"
    return grouped(words, groups)


def test_shuffled_groups_claim_nothing():
    rng = np.random.default_rng(11)
    claims = 0
    for _ in range(100):
        log, groups = plant(rng, effect=0)
        claims += not contrast_subpaths(log, groups, top=1).clear().empty
    assert claims <= 10  # at most .05 expected; 10 has a chance of .01 at .05


@pytest.mark.parametrize("correction", ["holm", "bh"])
def test_a_planted_path_is_found(correction):
    log, groups = plant(np.random.default_rng(2), effect=0.6)
    found = contrast_subpaths(log, groups, correction=correction)

    assert found.table.iloc[0]["path"].replace(" > ", "") in {"acb", "ac", "cb"}
    assert "a > c > b" in set(found.clear()["path"])
    assert found.clear()["estimate"].gt(0).all()
    assert "sub-paths looked at tell x from y" in found.summary()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"length": (3, 2)}, "length must rise from at least 1"),
        ({"least_share": 2}, "least_share lie between 0 and 1"),
        ({"correction": "none"}, "correction must be one of holm, bh"),
        ({"outcome": ["e"]}, "must be one of the log's; got 'e'"),
        ({"groups": pd.Series(["x"] * 2, index=["c0", "c1"])}, "groups must be two; got 1"),
        ({"groups": pd.Series(["x", "y"], index=["c0", "c0"])}, "each customer once; 'c0'"),
    ],
)
def test_errors_say_what_to_do(change, words):
    log, groups = grouped(["ab", "ba"], ["x", "y"])
    with pytest.raises(JourneyError, match=words):
        contrast_subpaths(log, **{"groups": groups, **change})


def test_too_few_errors():
    log, groups = grouped(["ab", "ba"], ["x", "y"])
    with pytest.raises(TooFewError, match="y has none. Is groups indexed by customer_id"):
        contrast_subpaths(log, groups.set_axis(["c0", "other"]))
    with pytest.raises(TooFewError, match="first contact of every journey"):
        contrast_subpaths(log, groups, outcome=["a", "b"])


@pytest.mark.parametrize("language", ["en", "fa"])
def test_figures_show_the_table(language):
    log, groups = plant(np.random.default_rng(2), effect=0.6)
    log = replace(log, language=language)
    found = find_subpaths(log, top=3)
    widths = [bar.get_width() for bar in found.plot().patches]
    assert widths == pytest.approx(found.table["estimate"].tolist())
    contrast = contrast_subpaths(log, groups, top=5)
    widths = [bar.get_width() for bar in contrast.plot().patches]
    assert widths == pytest.approx(sorted(contrast.table["estimate"], reverse=True))
