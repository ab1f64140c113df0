"""Cohorts and time to a stage beside a slow second way, by hand, and by simulation."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjlib.errors import JourneyError, TooFewError
from cjlib.events import code_events, sessions
from cjlib.intervals import estimate_share
from cjlib.journeys import measure_cohorts, measure_stage_survival

LABELS = ["a", "b", "c"]
FIRST_DAY = pd.Timestamp("2024-01-01")
events = st.lists(
    st.tuples(st.sampled_from("uvwxyz"), st.integers(0, 400), st.sampled_from(LABELS)),
    min_size=1, max_size=40,
)  # fmt: skip


def log_of(rows, **more):
    """Rows of (customer, days since 2024-01-01, label); ties keep their order."""
    who, day, label = zip(*rows, strict=True)
    time = (FIRST_DAY + pd.to_timedelta(np.array(day, dtype=float), unit="D")).to_numpy()
    return code_events(who, time, label, **{"minimum_base": 1, "labels": LABELS, **more})


def by_customer(rows):
    found = defaultdict(list)
    for who, day, label in sorted(rows, key=lambda row: row[1]):
        found[who].append((day, label))
    return found


def month_of(day):
    moment = FIRST_DAY + pd.Timedelta(days=day)
    return moment.year * 12 + moment.month - 1


def count_slowly(rows, start, back):
    """(cohort, age) -> [customers, active], only what is observed; from the definition."""
    last = FIRST_DAY + pd.Timedelta(days=max(row[1] for row in rows))
    complete = month_of((last - FIRST_DAY).days) - (last + pd.Timedelta(days=1)).day.__ne__(1)
    cells = defaultdict(lambda: [0, 0])
    for steps in by_customer(rows).values():
        months = [month_of(day) for day, label in steps if label in start]
        if not months:
            continue
        born = min(months)
        returns = {month_of(day) - born for day, label in steps if label in back}
        for age in range(4):
            if age == 0 or born + age <= complete:
                for cohort in (f"{born // 12}-{born % 12 + 1:02}", "all"):
                    cells[cohort, age][0] += 1
                    cells[cohort, age][1] += age == 0 or age in returns
    return cells


@given(events, st.sampled_from(["abc", "a"]), st.sampled_from(["abc", "b", "a"]))
def test_cohorts_the_slow_way(rows, start, back):
    log = log_of(rows)
    if not any(row[2] in start for row in rows):
        with pytest.raises(TooFewError, match="must have contacts at a; it has none"):
            measure_cohorts(log, start=list(start))
        return
    table = measure_cohorts(log, start=list(start), back=list(back), ages=3).table
    expected = count_slowly(rows, start, back)

    seen = table[table["active"].notna()]
    found = {
        (row["cohort"], row["age"]): [row["customers"], row["active"]]
        for row in seen.to_dict("records")
    }
    assert found == expected
    for row in seen.to_dict("records"):
        share = estimate_share(row["active"], row["n"])
        assert [row["estimate"], row["low"], row["high"]] == pytest.approx(
            [share.estimate, share.low, share.high]
        )
    unseen = table[table["active"].isna()]
    assert unseen[["estimate", "low", "high"]].isna().all(axis=None)
    assert unseen["method"].eq("not observed").all()


def test_cohorts_by_hand():
    # The first comes in January and twice in February, the second in January and March, the
    # last in March alone, whose end the log does not reach.
    rows = [("back", 0, "a"), ("back", 35, "a"), ("back", 40, "b"), ("skips", 30, "a"),
            ("skips", 65, "a"), ("late", 70, "a")]  # fmt: skip
    found = measure_cohorts(log_of(rows), ages=2)

    assert found.triangle.loc["2024-01"].tolist()[:2] == [1.0, 0.5]
    assert np.isnan(found.triangle.loc["2024-01", 2])  # March is not over
    assert found.triangle.loc["2024-03"].isna().tolist() == [False, True, True]
    assert found.triangle.index.tolist() == ["2024-01", "2024-03", "all"]
    assert found.triangle.loc["all", 1] == 0.5  # the cohort of March is not in it
    later = measure_cohorts(log_of(rows), ages=2, end="2024-03-31")
    assert later.triangle.loc["2024-01"].tolist() == [1.0, 0.5, 0.5]
    assert "in month 1 after it 50.0% [" in found.summary()
    earlier = measure_cohorts(log_of(rows), ages=2, end="2024-02-29")
    assert earlier.triangle.index.tolist() == ["2024-01", "all"]
    bought = measure_cohorts(log_of(rows), start=["a"], back=["b"], ages=1)
    assert bought.table.loc[bought.table["age"].eq(1), "active"].iloc[0] == 1


def test_small_cohorts_say_so_and_add_up_to_all():
    rows = [(f"c{i}", i % 3, "a") for i in range(9)] + [("late", 40, "a"), ("end", 59, "a")]
    table = measure_cohorts(log_of(rows, minimum_base=5), ages=1).table.set_index(["cohort", "age"])

    assert table.loc[("2024-01", 1), "estimate"] == 0
    assert table.loc[("2024-02", 0), "method"] == "too few (n < 5)"
    assert np.isnan(table.loc[("2024-02", 0), "estimate"])
    assert table.loc[("all", 0), "customers"] == 11
    assert table.loc[("all", 1), "customers"] == 9


@given(events)
def test_sessions_do_not_change_cohorts(rows):
    one, two = log_of(rows), sessions(log_of(rows), gap=30)

    pd.testing.assert_frame_equal(measure_cohorts(one).table, measure_cohorts(two).table)


def wait_slowly(rows, start, goal):
    """Customer -> (days, reached), from the definition."""
    last = max(row[1] for row in rows)
    found = {}
    for who, steps in by_customer(rows).items():
        at = next((i for i, s in enumerate(steps) if start in (None, s[1])), None)
        if at is None:
            continue
        rest = [
            day
            for day, label in steps[at + 1 :]
            if (label == goal if goal else label != steps[at][1])
        ]
        found[who] = (rest[0] - steps[at][0], True) if rest else (last - steps[at][0], False)
    return found


@given(events, st.sampled_from([None, "a"]), st.sampled_from([None, "a", "b"]))
def test_stage_survival_the_slow_way(rows, start, goal):
    expected = wait_slowly(rows, start, goal)
    if not expected:
        with pytest.raises(TooFewError, match="must have a contact at a"):
            measure_stage_survival(log_of(rows), start=start, goal=goal)
        return
    found = measure_stage_survival(log_of(rows), start=start, goal=goal)

    share = 1.0
    for row in found.table.to_dict("records"):
        at_risk = [who for who, (days, _) in expected.items() if days >= row["time"] - 1e-9]
        there = [
            who
            for who, (days, reached) in expected.items()
            if reached and days == pytest.approx(row["time"])
        ]
        share *= 1 - len(there) / len(at_risk)
        assert row["at_risk"] == len(at_risk)
        assert row["events"] == len(there)
        assert row["estimate"] == pytest.approx(share, abs=1e-12)
    assert found.medians["customers"].iloc[0] == len(expected)
    assert found.medians["reached"].iloc[0] == sum(reached for _, reached in expected.values())


def test_stage_survival_by_hand():
    # "first": counted from the first a; "open": watched for 60 days; "before": b came first
    rows = [("first", 0, "a"), ("first", 10, "a"), ("first", 20, "b"), ("open", 0, "a"),
            ("before", 0, "b"), ("before", 30, "a"), ("quick", 5, "a"), ("quick", 6, "b"),
            ("never", 60, "c")]  # fmt: skip
    found = measure_stage_survival(log_of(rows), start="a", goal="b")

    assert found.table["time"].tolist() == [1, 20, 30, 60]
    assert found.table["events"].tolist() == [1, 1, 0, 0]
    assert found.table["estimate"].tolist() == [0.75, 0.5, 0.5, 0.5]
    assert found.medians["estimate"].tolist() == [20]
    expected = "From a: all: 2 of 4 reached b, days until half did 20.0 [1.0, never]."
    assert found.summary() == expected
    cut = measure_stage_survival(log_of(rows), start="a", goal="b", end="2024-01-15")
    assert cut.medians["reached"].tolist() == [1]
    assert cut.table["time"].max() == pytest.approx(15, abs=1e-6)


def grouped(sizes, rates, seed):
    rng = np.random.default_rng(seed)
    rows, groups = [], {}
    for name, size, rate in zip(("x", "y"), sizes, rates, strict=True):
        for i in range(size):
            who, begin = f"{name}{i}", rng.uniform(0, 30)
            rows += [(who, begin, "a"), (who, begin + rng.exponential(1 / rate), "b")]
            groups[who] = name
    return log_of(rows, minimum_base=30), pd.Series(groups)


def test_groups_that_differ_and_groups_too_small():
    log, groups = grouped((200, 200), (1 / 5, 1 / 10), seed=1)
    found = measure_stage_survival(log, goal="b", groups=groups, end="2024-02-29")

    assert found.test.p < 0.001
    medians = found.medians.set_index("group")
    for name, mean in (("x", 5), ("y", 10)):
        assert medians.loc[name, "low"] < mean * np.log(2) < medians.loc[name, "high"]
    log, groups = grouped((200, 20), (1 / 5, 1 / 10), seed=1)
    small = measure_stage_survival(log, goal="b", groups=groups)
    assert small.test is None
    assert small.table.loc[small.table["group"].eq("y"), "estimate"].isna().all()
    assert small.medians.set_index("group").loc["y", "method"] == "too few (n < 30)"


def test_the_interval_of_the_median_covers():
    hits = 0
    for seed in range(100):
        log, _ = grouped((60, 1), (1 / 5, 1 / 5), seed=seed)
        row = measure_stage_survival(log, goal="b", end="2024-02-10").medians.iloc[0]
        hits += row["low"] <= 5 * np.log(2) <= row["high"]
    assert 89 <= hits <= 99


def test_errors():
    log = log_of([("x", 0, "a"), ("y", 1, "b")])
    with pytest.raises(JourneyError, match="ages must be at least 1"):
        measure_cohorts(log, ages=0)
    with pytest.raises(JourneyError, match="must be one of the log's; got 'd'"):
        measure_stage_survival(log, goal="d")
    with pytest.raises(TooFewError, match="Is groups indexed by customer_id"):
        measure_stage_survival(log, groups=pd.Series(["x"], index=["other"]))
    with pytest.raises(JourneyError, match="each customer once; 'x'"):
        measure_stage_survival(log, groups=pd.Series(["g", "h"], index=["x", "x"]))


@pytest.mark.parametrize("language", ["en", "fa"])
def test_figures_show_the_table(language):
    log, groups = grouped((60, 60), (1 / 5, 1 / 10), seed=1)
    log = replace(log, language=language)
    cohorts = measure_cohorts(log, end="2024-03-31", ages=2)
    drawn = np.ma.filled(cohorts.plot().images[0].get_array(), np.nan)
    expected = cohorts.triangle[[1, 2]].dropna(how="all").to_numpy()
    np.testing.assert_array_equal(drawn, expected)
    waits = measure_stage_survival(log, goal="b", groups=groups)
    ax = waits.plot()
    curve = waits.table[waits.table["group"].eq("x")]
    assert ax.lines[0].get_ydata()[1:] == pytest.approx(curve["estimate"].to_numpy())
    assert ax.xaxis_inverted() == (language == "fa")
