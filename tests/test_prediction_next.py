"""The next step, the time to it and drop-out: learned before a date, judged after it."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjlib.errors import JourneyError, TooFewError
from cjlib.events import code_events
from cjlib.events.times import read_times
from cjlib.events.xes import read_xes
from cjlib.prediction import predict_next
from cjlib.prediction.backoff import code_contexts, fit_backoff, rank_outcomes, share_of_outcome
from cjlib.prediction.held_out import calibrate, score_by_customer
from cjlib.prediction.stopping import learn_leaving, measure_times

DAY = 86_400_000_000
STRENGTHS = (0.5, 2.0, 8.0, 32.0, 128.0, 512.0)


def simulate(rng, *, order, people=1500, steps=16, labels=4):
    """Journeys whose next label depends on the last ``order`` ones, a step about every day."""
    law = rng.dirichlet(np.full(labels, 0.4), size=(labels,) * order)
    path = rng.integers(0, labels, (people, steps))
    for t in range(order, steps):
        p = law[tuple(path[:, t - back] for back in range(order, 0, -1))]
        path[:, t] = (
            (rng.random((people, 1)) > np.cumsum(p, axis=1)).sum(axis=1).clip(0, labels - 1)
        )
    wait = rng.exponential(1.0, (people, steps))
    times = (np.cumsum(wait, axis=1) + rng.random((people, 1)) * 20) * DAY
    names = np.array([f"l{i}" for i in range(labels)])
    who = np.repeat(np.arange(people), steps).astype(str)
    return code_events(who, times.ravel().astype(np.int64), names[path.ravel()]), law


@pytest.fixture(scope="module")
def second_order():
    log, law = simulate(np.random.default_rng(5), order=2)
    return log, law, predict_next(log)


# kind 4 and 5: a known truth


def test_a_process_of_order_two_is_learned_by_order_two(second_order):
    log, law, found = second_order
    gain = found.score("order 2", "log loss", "order 1")
    here = np.flatnonzero(np.diff(log.journey_of(), prepend=-1, append=-1)[1:] == 0)
    here = here[(log.times[here + 1] >= found.cut.value // 1000) & (here > 0)]
    here = here[log.journey_of()[here] == log.journey_of()[here - 1]]
    true = law[log.codes[here - 1], log.codes[here]]
    best = true.max(axis=1).mean()

    assert found.order >= 2
    assert found.verdict == "better than order 1"
    assert gain["low"] > 0.1
    assert found.score("order 2", "top 1")["estimate"] == pytest.approx(best, abs=0.02)
    assert found.score("order 3", "log loss", "order 1")["estimate"] <= gain["estimate"] + 0.01


def test_learned_shares_are_the_true_ones(second_order):
    _, law, found = second_order
    told = found.predict([["l3", "l2", "l0", "l1"]], top=4).set_index("next")["estimate"]

    assert told.sum() == pytest.approx(1)
    assert told.reindex(["l0", "l1", "l2", "l3"]).to_numpy() == pytest.approx(law[0, 1], abs=0.05)


def test_forecasts_are_calibrated(second_order):
    table = second_order[2].calibration
    half = (table["high"] - table["low"]) / 2

    assert ((table["predicted"] - table["estimate"]).abs() < 2 * half).all()


def test_times_to_the_next_step_are_the_true_ones(second_order):
    whole = second_order[2].times.set_index("label").loc["(all)"]

    assert whole["below_median"] == pytest.approx(0.5, abs=0.03)
    assert whole["below_p90"] == pytest.approx(0.9, abs=0.03)
    assert whole["below_median_low"] < 0.5 < whole["below_median_high"]


def test_a_process_of_order_one_gains_nothing_beyond_order_one():
    log, _ = simulate(np.random.default_rng(7), order=1)
    found = predict_next(log)

    assert found.verdict in ("order 1 is enough", "no better than order 1")
    assert found.score("order 3", "log loss", "order 1")["low"] <= 0
    assert found.score("order 1", "log loss", "most frequent")["low"] > 0


def test_pure_chance_is_told_as_such():
    rng = np.random.default_rng(3)
    n = 20_000
    log = code_events(
        rng.integers(0, 1000, n).astype(str), (rng.random(n) * 100 * DAY).astype(np.int64),
        np.array(list("abcd"))[rng.integers(0, 4, n)],
    )  # fmt: skip
    found = predict_next(log)

    assert found.verdict == "no better than the most frequent"
    assert "no better than the most frequent" in found.summary()


def test_dropout_by_label_is_learned():
    # After "b" a journey ends half of the time, after "a" never (but for the end of the log).
    rng = np.random.default_rng(2)
    who, when, what = [], [], []
    for person in range(1500):
        t = rng.random() * 60
        for _ in range(12):
            label = "ab"[int(rng.random() < 0.4)]
            who.append(str(person)), when.append(t), what.append(label)
            t += rng.exponential(1.0)
            if label == "b" and rng.random() < 0.5:
                break
    log = code_events(who, (np.array(when) * DAY).astype(np.int64), what)
    found = predict_next(log, window_days=8)
    told = found.predict([["a", "b"], ["b", "a"]]).groupby("path")["dropout"].first()

    assert told[0] == pytest.approx(0.5, abs=0.08)
    assert told[1] < 0.1
    gain = found.dropout[found.dropout["baseline"].eq("overall share")]
    assert (gain["low"] > 0).all()


# kind 2: by hand


def test_backoff_by_hand():
    # after 1: 0 0 1; after 2: 1; one even observation behind the overall share (2 of 4 are 0)
    contexts = np.array([1, 1, 1, 2])
    model = fit_backoff(contexts, np.array([0, 0, 1, 1]), base=3, outcomes=2, strengths=(2.0,))
    overall = (2 + 1 / 2) / (4 + 1)

    assert model.shares(np.array([1]))[0, 0] == pytest.approx((2 + 2 * overall) / (3 + 2))
    assert model.shares(np.array([2]))[0, 0] == pytest.approx((0 + 2 * overall) / (1 + 2))
    assert model.shares(np.array([0]))[0, 0] == pytest.approx(overall)  # never seen
    assert model.depth(np.array([1, 0]))[0].tolist() == [1, 0]
    assert model.depth(np.array([1, 0]))[1].tolist() == [3, 4]


def test_contexts_by_hand():
    log = code_events(["p", "p", "p", "q"], [1, 2, 3, 1], ["a", "b", "b", "b"])
    code, base = code_contexts(log, 2)

    assert base == 3
    assert code.tolist() == [1, 1 * 3 + 2, 2 * 3 + 2, 2]  # q begins: nothing of p before it


def test_dropouts_by_hand():
    # Window 2 days, cut at day 10, the log ends at day 20.
    rows = [
        ("stays", 1, "a"), ("stays", 2, "a"), ("waits", 3, "a"), ("waits", 6, "a"),
        ("at the cut", 9, "a"),  # its window passes the cut: not learned from
        ("late", 11, "a"), ("late", 13, "a"),  # a gap of exactly the window is no dropout
        ("at the end", 19, "a"), ("ends", 20, "a"),  # their windows pass the end: not judged
    ]  # fmt: skip
    who, day, label = zip(*rows, strict=True)
    log = code_events(who, np.array(day) * DAY, label, minimum_base=1)
    gap = np.full(len(log), np.iinfo(np.int64).max)
    same = log.journey_of()[1:] == log.journey_of()[:-1]
    gap[:-1][same] = np.diff(log.times)[same]
    who_of = np.repeat(log.owner, log.lengths)
    contexts, _ = code_contexts(log, 1)
    model, scores, _ = learn_leaving(
        log, contexts, gap, who_of, when=10 * DAY, window=2 * DAY, order=1
    )
    times = measure_times(log, gap, who_of, when=10 * DAY, window=2 * DAY)

    assert model.levels[0].totals.tolist() == [4]
    assert dict(zip(model.levels[0].outcomes, model.levels[0].counts, strict=True)) == {0: 1, 1: 3}
    brier = scores[scores["measure"].eq("brier")].iloc[0]
    assert brier["n"] == 1  # "late": 2 contacts, the first followed, the second not
    assert brier["estimate"] == pytest.approx((0.7**2 + (1 - 0.7) ** 2) / 2)  # (3 + 1/2) / 5
    assert times.iloc[0]["steps"] == 1
    assert times.iloc[0]["median_hours"] == 24
    assert times.iloc[0]["below_median"] == 0


def test_only_steps_at_or_after_the_cut_are_judged(second_order):
    log, _, found = second_order
    same = log.journey_of()[1:] == log.journey_of()[:-1]
    arrived = log.times[1:][same]
    cut = found.cut.value // 1000

    assert found.steps == (int((arrived < cut).sum()), int((arrived >= cut).sum()))
    assert found.following.levels[0].counts.sum() == found.steps[0]


# kind 3: a slow second way


@given(
    st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=8), min_size=2, max_size=8),
    st.lists(st.sampled_from(STRENGTHS), min_size=3, max_size=3),
)
def test_shares_the_slow_way(paths, strengths):
    who = [str(i) for i, path in enumerate(paths) for _ in path]
    when = [t for path in paths for t in range(len(path))]
    label = ["abc"[x] for path in paths for x in path]
    log = code_events(who, when, label, labels=["a", "b", "c"])
    contexts, base = code_contexts(log, 3)
    followed = np.ones(len(log), dtype=bool)
    followed[log.offsets[1:] - 1] = False
    here = np.flatnonzero(followed)
    if not len(here):
        return
    model = fit_backoff(
        contexts[here], log.codes[here + 1], base=base, outcomes=3, strengths=tuple(strengths)
    )
    shares = model.shares(contexts)
    padded = [[None] * 3 + path for path in paths]
    pairs = [(tuple(p[i - 3 : i]), p[i]) for p in padded for i in range(4, len(p))]

    def slow(context, x, m):
        if m == 0:
            return (sum(y == x for _, y in pairs) + 1 / 3) / (len(pairs) + 1)
        after = [y for c, y in pairs if c[-m:] == context[-m:]]
        a = strengths[m - 1]
        return (after.count(x) + a * slow(context, x, m - 1)) / (len(after) + a)

    ends = [tuple(p[i - 2 : i + 1]) for p in padded for i in range(3, len(p))]
    expected = [[slow(c, x, 3) for x in range(3)] for c in ends]
    assert shares == pytest.approx(np.array(expected))
    assert shares.sum(axis=1) == pytest.approx(1)
    after = log.codes[here + 1].astype(int)
    assert share_of_outcome(model, contexts[here], after) == pytest.approx(shares[here, after])
    rank, top = rank_outcomes(model, contexts[here], after)
    mine = shares[here]
    ahead = [
        sum(s > row[x] or (s == row[x] and j < x) for j, s in enumerate(row))
        for row, x in zip(mine.tolist(), after, strict=True)
    ]
    assert (rank - 1).tolist() == ahead
    assert top == pytest.approx(mine.max(axis=1))


# laws


def test_nothing_after_the_cut_is_learned(second_order):
    log, _, found = second_order
    rng = np.random.default_rng(1)
    cut = found.cut.value // 1000
    who = log.customers[np.repeat(log.owner, log.lengths)]
    label = np.array(log.labels)[log.codes]
    later = log.times >= cut
    label[later] = rng.permutation(label[later])
    changed = predict_next(
        code_events(who, log.times, label), cut=found.cut, window_days=found.window_days
    )
    paths = [["l0", "l1", "l2"], ["l3"]]
    columns = ["next", "estimate", "dropout", "median_hours", "p90_hours"]

    assert changed.order == found.order
    pd.testing.assert_frame_equal(changed.predict(paths)[columns], found.predict(paths)[columns])
    assert (
        changed.score("order 2", "top 1")["estimate"]
        < 0.9 * (found.score("order 2", "top 1")["estimate"])
    )


def test_twice_the_customers_same_scores_narrower(second_order):
    log, _, found = second_order
    who = log.customers[np.repeat(log.owner, log.lengths)]
    label = np.array(log.labels)[log.codes]
    twice = predict_next(
        code_events(np.concatenate([who, "twin " + who]), np.tile(log.times, 2), np.tile(label, 2)),
        cut=found.cut,
    )
    before, after = (r.score("most frequent", "top 1") for r in (found, twice))

    assert after["estimate"] == pytest.approx(before["estimate"])
    assert (after["high"] - after["low"]) == pytest.approx(
        (before["high"] - before["low"]) / np.sqrt(2), rel=0.01
    )


def test_calibration_keeps_equal_forecasts_together():
    predicted = np.repeat([0.2, 0.7], 50)
    hit = np.arange(100) % 5 == 0
    table = calibrate(predicted, hit, np.arange(100), level=0.95, minimum_base=30)

    assert table["predicted"].tolist() == pytest.approx([0.2, 0.7])
    assert table["estimate"].tolist() == pytest.approx([0.2, 0.2])
    assert table["steps"].tolist() == [50, 50]


def test_small_bases_say_so():
    found = score_by_customer(np.ones(20, bool), np.arange(20), level=0.95, minimum_base=30)

    assert np.isnan(found.estimate)
    assert found.method == "too few (n < 30)"


def test_interval_by_customer_covers_the_truth():
    rng = np.random.default_rng(11)
    inside = 0
    for _ in range(300):
        own = rng.beta(2, 2, 80)  # customers differ
        owner = np.repeat(np.arange(80), rng.integers(1, 12, 80))
        found = score_by_customer(
            rng.random(len(owner)) < own[owner], owner, level=0.95, minimum_base=30
        )
        inside += found.low <= 0.5 <= found.high
    assert 0.91 <= inside / 300 <= 0.98


# errors and pictures


def test_errors_say_what_to_do(second_order):
    log, _, found = second_order
    with pytest.raises(TooFewError, match="Choose another cut"):
        predict_next(log, cut="1969-01-01")
    with pytest.raises(JourneyError, match="window_days must be above 0"):
        predict_next(log, window_days=0)
    with pytest.raises(TooFewError, match="shorter window"):
        predict_next(log, window_days=900)
    with pytest.raises(JourneyError, match="order must be at least 1"):
        predict_next(log, order=0)
    with pytest.raises(JourneyError, match="Did you mean 'l0'"):
        found.predict([["l00"]])
    with pytest.raises(JourneyError, match="sequence of at least one label"):
        found.predict(["l0"])


def test_pictures_show_the_tables(second_order):
    found = second_order[2]
    dots = found.plot().containers[0].lines[0].get_xydata()
    assert dots == pytest.approx(found.calibration[["predicted", "estimate"]].to_numpy())
    scores = found.plot_scores().collections
    tops = found.scores[found.scores["baseline"].eq("") & found.scores["measure"].eq("top 1")]
    assert scores[1].get_offsets()[:, 0].tolist() == pytest.approx(tops["estimate"].tolist())
    assert found.plot_dropout().get_title()


@pytest.mark.real
def test_helpdesk_against_a_table_of_pandas(shared_data):
    # Helpdesk (Polato, 4TU.ResearchData): 4,580 cases, 21,348 events. The baselines are
    # counted again with pandas.
    place = shared_data / "bpi_logs" / "Helpdesk.xes.gz"
    with gzip.open(place) as stream:
        table = read_xes(stream, shown=place.name)
    times = read_times(table["time:timestamp"], zone="UTC")
    log = code_events(table["case:concept:name"], times.to_numpy(), table["concept:name"])
    found = predict_next(log, cut="2013-01-01")
    rows = pd.DataFrame({"case": log.journey_of(), "time": log.times, "now": log.codes})
    rows["next"] = rows.groupby("case")["now"].shift(-1)
    rows["arrives"] = rows.groupby("case")["time"].shift(-1)
    rows = rows.dropna()
    early = rows["arrives"] < pd.Timestamp("2013-01-01").value // 1000
    usual = rows[early].groupby("now")["next"].agg(lambda x: x.mode().iloc[0])
    right = rows.loc[~early, "now"].map(usual).eq(rows.loc[~early, "next"]).mean()
    overall = rows.loc[~early, "next"].eq(rows.loc[early, "next"].mode().iloc[0]).mean()

    assert sum(found.steps) == len(rows) == 21_348 - 4_580
    assert found.score("order 1", "top 1")["estimate"] == pytest.approx(right)
    assert found.score("most frequent", "top 1")["estimate"] == pytest.approx(overall)
    assert found.score("order 1", "log loss", "most frequent")["low"] > 0
    print(found.summary())
