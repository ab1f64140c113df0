"""Codes side by side: groups contrasted, codes that go together, counts by more groupings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from test_interviews_analysis import make

from cjlib.errors import JourneyError, TooFewError
from cjlib.interviews import contrast_codes, count_codes, count_together


def grouped(counts, sizes):
    """Interviews where the first k of each group mention each code, everybody says "all"."""
    rows, groups = [], {}
    for name, n in sizes.items():
        for i in range(n):
            groups[f"C{name}{i:03}"] = name
            rows.append((f"{name}{i:03}", 1, "a", "all"))
            rows += [(f"{name}{i:03}", 2, "a", c) for c, k in counts.items() if i < k[name]]
    return make(rows, turns=3), pd.Series(groups)


def test_contrast_by_hand():
    talks, groups = grouped({"slow": {"w": 8, "m": 1}, "fair": {"w": 5, "m": 4}},
                            {"w": 10, "m": 8})  # fmt: skip
    found = contrast_codes(talks, by="sex", groups=groups)
    row = found.table.set_index("code").loc["slow"]

    assert row[["group", "other"]].tolist() == ["m", "w"]  # alphabetical
    assert row[["mentions", "n", "mentions_other", "n_other"]].tolist() == [1, 8, 8, 10]
    assert row["estimate"] == pytest.approx(1 / 8 - 8 / 10)
    # Wilson: 1/8 [.0224, .4709], 8/10 [.4902, .9433]; Newcombe takes the
    # distances .125 - .0224 and .9433 - .8 down, .4709 - .125 and .8 - .4902 up.
    assert row["low"] == pytest.approx(-0.675 - np.hypot(0.1026, 0.1433), abs=2e-4)
    assert row["high"] == pytest.approx(-0.675 + np.hypot(0.3459, 0.3098), abs=2e-4)
    # Fisher by hand: margins 9 of 18, 8 men. P(k men) = C(9,k) C(9,8-k) / C(18,8) with
    # C(18,8) = 43758: k=1: 9*36 = 324, k=0: 9; k=7: 324, k=8: 9. Sum 666/43758 = .01522.
    assert row["p"] == pytest.approx(666 / 43758)
    # three codes: .01522 * 3 = .0457
    assert row["p_adjusted"] == pytest.approx(3 * 666 / 43758)
    assert row["smallest_p"] == pytest.approx(18 / 43758)
    everybody = found.table.set_index("code").loc["all"]
    assert everybody["estimate"] == 0
    assert everybody["p"] == 1
    assert found.summary().startswith("1 of 3 comparisons by sex differ after correction")


def test_contrast_says_when_groups_are_too_small():
    talks, groups = grouped({"slow": {"a": 5, "b": 0, "c": 2}}, {"a": 5, "b": 5, "c": 4})
    found = contrast_codes(talks, by="persona", groups=groups)

    assert found.sizes[["group", "n", "method"]].values.tolist() == [
        ["a", 5, ""], ["b", 5, ""], ["c", 4, "too few (n < 5)"]
    ]  # fmt: skip
    assert set(found.table["group"]) | set(found.table["other"]) == {"a", "b"}
    assert found.table["p"].min() == pytest.approx(2 / 252)
    talks, groups = grouped({"slow": {"a": 3, "b": 1}}, {"a": 5, "b": 5})
    weak = contrast_codes(talks, by="persona", groups=groups)
    assert "None of 2 comparisons" in weak.summary()
    assert "could have shown one with groups this small" in weak.summary()
    with pytest.raises(TooFewError, match=r"there are a 5, b 5\. Join"):
        contrast_codes(talks, by="persona", groups=groups, minimum=6)
    with pytest.raises(JourneyError, match="Did you mean 'gender'"):
        contrast_codes(talks, by="gendre")


def test_contrast_takes_columns_of_people_and_counts_a_person_once():
    talks, groups = grouped({"slow": {"f": 4, "m": 1}}, {"f": 6, "m": 6})
    people = talks.people.assign(gender=talks.people["customer_id"].map(groups))
    talks.people["gender"] = people["gender"]
    twice = pd.concat([talks.codings, talks.codings.assign(coder="b")], ignore_index=True)
    own = contrast_codes(talks, by="gender").table
    again = contrast_codes(replace(talks, codings=twice), by="gender").table
    pd.testing.assert_frame_equal(own, again)
    by_person = pd.Series(
        people["gender"].to_numpy(), index=people["participant"].to_numpy()
    )  # fmt: skip
    third = contrast_codes(replace(talks, codings=twice), by="sex", groups=by_person).table
    pd.testing.assert_frame_equal(own, third)


@settings(max_examples=25)
@given(st.integers(0, 7), st.integers(0, 9))
def test_contrast_turns_round_with_the_groups(k, m):
    talks, groups = grouped({"x": {"a": k, "b": m}}, {"a": 7, "b": 9})
    swapped = groups.map({"a": "b", "b": "a"})
    first = contrast_codes(talks, by="g", groups=groups).table.set_index("code")
    other = contrast_codes(talks, by="g", groups=swapped).table.set_index("code")

    assert ("x" in first.index) == bool(k + m)
    assert (first["estimate"] == -other["estimate"].reindex(first.index)).all()
    assert first["p"].tolist() == pytest.approx(other["p"].reindex(first.index).tolist())
    assert (first["smallest_p"] <= first["p"] + 1e-12).all()
    if k + m:
        exact = stats.fisher_exact([[k, 7 - k], [m, 9 - m]]).pvalue
        assert first.loc["x", "p"] == pytest.approx(exact)


@pytest.mark.slow
def test_contrast_interval_covers_and_the_family_holds():
    rng = np.random.default_rng(8)
    covered = wrong = 0
    for _ in range(200):
        says = {c: {g: rng.binomial(20, 0.4) for g in "ab"} for c in "uvwxy"}
        talks, groups = grouped(says, {"a": 20, "b": 20})
        table = contrast_codes(talks, by="g", groups=groups).table
        own = table[table["code"] != "all"]
        covered += (own["low"].le(0) & own["high"].ge(0)).sum()
        wrong += bool(own["p_adjusted"].lt(0.05).any())
    assert 0.94 <= covered / 1000 <= 0.99
    assert wrong / 200 <= 0.05


def test_together_by_hand():
    # i1: a b, a, b, - ; i2: a b, a b, -, - ; i3: c, -, -, -
    rows = [("i1", 1, "x", "a"), ("i1", 1, "x", "b"), ("i1", 2, "x", "a"), ("i1", 3, "y", "b"),
            ("i2", 1, "x", "a"), ("i2", 1, "y", "b"), ("i2", 2, "x", "a"), ("i2", 2, "x", "b"),
            ("i3", 1, "x", "c")]  # fmt: skip
    talks = make(rows, turns=4)
    turns = count_together(talks, within="turn").table
    row = turns.iloc[0]

    assert row[["code", "other", "both", "either", "n"]].tolist() == ["a", "b", 3, 5, 12]
    assert row["share"] == pytest.approx(3 / 5)
    # expected interview by interview: 2*2/4 + 2*2/4 = 2; pooled it would be 4*4/12 = 1.33
    assert row["expected"] == pytest.approx(2)
    assert row["lift"] == pytest.approx(1.5)
    assert np.isnan(row["p"])
    talks_table = count_together(talks).table
    first = talks_table.iloc[0]
    assert first[["code", "other", "both", "either", "n"]].tolist() == ["a", "b", 2, 2, 3]
    assert first["expected"] == pytest.approx(4 / 3)
    assert first["p"] == pytest.approx(1 / 3)  # 2 of 3, 2 of 3: C(3,2) ways, one of them
    assert np.isnan(talks_table.iloc[1]["lift"])  # 2/3 expected
    assert "'a' and 'b' are together in 3 of the 5 turns" in count_together(
        talks, within="turn"
    ).summary()  # fmt: skip
    with pytest.raises(JourneyError, match="'interview' or 'turn'"):
        count_together(talks, within="word")


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 5), st.sampled_from("ab"),
                          st.sampled_from("uvw")), min_size=1, max_size=25))  # fmt: skip
def test_together_the_slow_way(rows):
    talks = make([(f"i{i}", t, coder, code) for i, t, coder, code in rows], turns=5)
    for within in ("interview", "turn"):
        table = count_together(talks, within=within).table
        held: dict[tuple[int, ...], set[str]] = {}
        for i, t, _, code in rows:
            held.setdefault((i,) if within == "interview" else (i, t), set()).add(code)
        for row in table.itertuples():
            both = sum({row.code, row.other} <= codes for codes in held.values())
            either = sum(bool({row.code, row.other} & codes) for codes in held.values())
            assert (row.both, row.either) == (both, either)
            assert row.low <= row.share <= row.high
            assert row.n == len({r[0] for r in rows}) * (5 if within == "turn" else 1)
        assert len(table) == len({r[3] for r in rows}) * (len({r[3] for r in rows}) - 1) // 2


def test_counts_by_lane_and_by_any_column_of_people():
    rows = [(f"i{k}", 1, "a", "slow" if k < 4 else "fair") for k in range(1, 9)]
    talks = make(rows)
    with pytest.raises(JourneyError, match="codes with a lane"):
        count_codes(talks, by="lane")
    talks.codes["lane"] = ["pain", ""]
    lanes = count_codes(talks, by="lane").table
    assert lanes[["lane", "code", "mentions", "n"]].values.tolist() == [["pain", "slow", 3, 8]]
    talks.people["tenure"] = ["new"] * 5 + ["old"] * 3
    tenure = count_codes(talks, by="tenure").table
    assert tenure[["tenure", "code", "mentions", "n"]].values.tolist() == [
        ["new", "slow", 3, 5], ["new", "fair", 2, 5], ["old", "fair", 3, 3]
    ]  # fmt: skip
    people = pd.Series({f"Pi{k}": "p1" for k in range(1, 6)})
    assert count_codes(talks, by="persona", personas=people).table["n"].tolist() == [5, 5]


def test_contrast_figure_shows_the_tables_numbers():
    talks, groups = grouped({"slow": {"w": 9, "m": 0}, "fair": {"w": 5, "m": 4}},
                            {"w": 10, "m": 10})  # fmt: skip
    found = contrast_codes(talks, by="sex", groups=groups)
    lines = found.plot().lines[:2]
    shown = [x for line in lines for x in line.get_xdata()]
    assert sorted(shown) == pytest.approx(sorted(found.table["estimate"]))
    assert lines[0].get_xdata().tolist() == pytest.approx([-0.9])  # the one that holds, filled


def test_groups_may_be_numbers():
    talks, groups = grouped({"slow": {"w": 9, "m": 0}}, {"w": 10, "m": 10})
    scores = groups.map({"w": 1.0, "m": -1.0})
    table = contrast_codes(talks, by="score", groups=scores).table
    assert table[["group", "other"]].iloc[0].tolist() == ["-1", "1"]
