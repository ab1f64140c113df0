"""Wave against wave: differences, corrected, and what could not have been seen."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cjlib.codebook import Codebook, Item
from cjlib.definitions import EventRules, Text, Wave
from cjlib.errors import ColumnError, TooFewError
from cjlib.study import Study, load_study
from cjlib.survey import clean_answers
from cjlib.waves import compare_months, compare_waves

ITEMS = (
    Item("nps", "scale", low=0, high=10, metric="nps"),
    Item("csat_a", "scale", low=1, high=5, metric="csat", stage="a"),
    Item("age", "number"),
)


def study(*waves, items=ITEMS, tmp=None):
    return Study(
        path=tmp, raw=tmp, id="x", title=Text("x"), brand=Text("x"), language="en", stages=(),
        waves=tuple(Wave(w, (), Text(w)) for w in waves), codebook=Codebook(items),
    )  # fmt: skip


def survey(**waves):
    """A survey from wave=(nps, csat) arrays."""
    parts = [
        pd.DataFrame(
            {"wave": wave, "nps": np.asarray(nps, float), "csat_a": np.asarray(csat, float),
             "customer_id": [f"C{i}" for i in range(len(nps))], "weight": 1.0}
        )
        for wave, (nps, csat) in waves.items()
    ]  # fmt: skip
    return SimpleNamespace(respondents=pd.concat(parts, ignore_index=True))


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_means_match_scipy_welch(rng):
    a, b = rng.integers(1, 6, 80), rng.integers(2, 6, 60)
    found = compare_waves(study("s", "t"), survey(s=(a, a), t=(b, b)))
    row = found.table.set_index("name").loc["csat_a"]

    oracle = stats.ttest_ind(b, a, equal_var=False)
    interval = oracle.confidence_interval(0.95)
    assert row["difference"] == pytest.approx(b.mean() - a.mean())
    assert [row["low"], row["high"]] == pytest.approx([interval.low, interval.high])
    assert row["p"] == pytest.approx(oracle.pvalue)
    error = np.hypot(a.std(ddof=1) / np.sqrt(80), b.std(ddof=1) / np.sqrt(60))
    assert row["smallest_change"] == pytest.approx((1.959964 + 0.841621) * error, rel=1e-6)


def test_nps_by_hand():
    # 60 promoters, 25 passives, 15 detractors: +45; 40, 40, 20: +20. Adjusted with three
    # answers (3/4 promoter, 3/4 detractor): .436893 and .194175; variances
    # (60.75 + 15.75)/103 - .436893^2 = .551842 and (40.75 + 20.75)/103 - .194175^2 = .559383,
    # each over 103; error sqrt(.00535769 + .00543090) = .103868; gap -.242718.
    first = [10] * 60 + [8] * 25 + [3] * 15
    second = [9] * 40 + [7] * 40 + [6] * 20
    table = compare_waves(
        study("s", "t"), survey(s=(first, [3] * 100), t=(second, [3] * 100))
    ).table
    row = table.set_index("name").loc["nps"]

    assert [row["earlier"], row["later"], row["difference"]] == pytest.approx([45, 20, -25])
    assert [row["low"], row["high"]] == pytest.approx(
        [100 * (-0.242718 - 1.959964 * 0.103868), 100 * (-0.242718 + 1.959964 * 0.103868)], abs=0.01
    )
    assert row["p"] == pytest.approx(2 * stats.norm.sf(0.242718 / 0.103868), rel=1e-3)


def test_no_spread_is_not_called_a_change():
    table = compare_waves(study("s", "t"), survey(s=([5] * 40, [3] * 40), t=([5] * 40, [3] * 40)))
    row = table.table.set_index("name").loc["csat_a"]

    assert row["difference"] == 0
    assert np.isnan(row["p"])
    assert row["verdict"] == "no change seen"


def test_three_waves_are_compared_in_the_studys_order(rng):
    part = (rng.integers(0, 11, 50), rng.integers(1, 6, 50))
    table = compare_waves(study("c", "a", "b"), survey(a=part, b=part, c=part)).table

    pairs = table.query("name == 'nps'")[["from_wave", "to_wave", "span"]].values.tolist()
    assert pairs == [
        ["c", "a", "consecutive"],
        ["a", "b", "consecutive"],
        ["c", "b", "first to last"],
    ]
    assert (table["panel"] == 50).all()
    assert set(table["name"]) == {"nps", "csat_a"}  # age is no metric


def test_too_few_answers_are_not_compared(rng):
    few = (rng.integers(0, 11, 29), rng.integers(1, 6, 29))
    many = (rng.integers(0, 11, 60), rng.integers(1, 6, 60))
    found = compare_waves(study("s", "t"), survey(s=few, t=many))

    assert found.table["difference"].isna().all()
    assert set(found.table["verdict"]) == {"too few answers"}
    assert set(found.table["method"]) == {"too few (n < 30)"}
    assert found.summary() == "No change beyond noise in any of 0 comparisons."
    with pytest.raises(TooFewError, match="it has 1"):
        compare_waves(study("s", "t"), survey(s=many))
    with pytest.raises(ColumnError, match="'weight'"):
        compare_waves(study("s"), SimpleNamespace(respondents=pd.DataFrame({"wave": []})))


def test_weights_of_one_each_change_nothing_and_doubling_all_changes_nothing(rng):
    data = survey(s=(rng.integers(0, 11, 50), rng.integers(1, 6, 50)),
                  t=(rng.integers(0, 11, 50), rng.integers(1, 6, 50)))  # fmt: skip
    weighted = SimpleNamespace(respondents=data.respondents.assign(weight=rng.uniform(0.5, 2, 100)))
    double = SimpleNamespace(
        respondents=weighted.respondents.assign(weight=2 * weighted.respondents["weight"])
    )
    both = [compare_waves(study("s", "t"), x).table for x in (weighted, double)]
    columns = ["earlier", "later", "low", "high", "p"]

    assert np.allclose(both[0][columns], both[1][columns])
    assert both[0]["method"].str.contains("design-based").all()


def test_swapping_the_waves_turns_the_signs(rng):
    one = (rng.integers(0, 11, 70), rng.integers(1, 6, 70))
    two = (rng.integers(0, 11, 50), rng.integers(1, 6, 50))
    there = compare_waves(study("s", "t"), survey(s=one, t=two)).table
    back = compare_waves(study("s", "t"), survey(s=two, t=one)).table

    assert np.allclose(there[["difference", "low", "high"]], -back[["difference", "high", "low"]])
    assert np.allclose(there["p"], back["p"])


@pytest.mark.slow
def test_intervals_cover_and_noise_is_seldom_called_change(rng):
    nps_p = np.array([5, 2, 2, 3, 4, 8, 9, 14, 22, 17, 14]) / 100
    hits, false = np.zeros(2), 0
    runs = 1_000
    for _ in range(runs):
        waves = {
            w: (rng.choice(11, 60, p=nps_p), rng.choice(5, 60, p=[0.1, 0.1, 0.2, 0.4, 0.2]) + 1)
            for w in ("s", "t")
        }
        table = compare_waves(study("s", "t"), survey(**waves)).table
        hits += ((table["low"] <= 0) & (table["high"] >= 0)).to_numpy()
        false += (table["verdict"] == "changed beyond noise").any()

    assert ((hits / runs > 0.935) & (hits / runs < 0.965)).all()
    assert false / runs < 0.065


def test_the_shipped_study_delivery_rose_and_support_did_not(sepidar):
    shipped = load_study(sepidar)
    found = compare_waves(shipped, clean_answers(shipped))
    rows = found.table.set_index("name")

    delivery, support = rows.loc["csat_delivery"], rows.loc["csat_support"]
    assert delivery["low"] <= 0.5 <= delivery["high"]  # the change the generator planted
    assert delivery["verdict"] == "changed beyond noise"
    assert support["verdict"] == "no change seen"
    assert support["low"] < 0 < support["high"]
    assert "csat_delivery" in found.summary()


def test_when_it_changed_and_in_what_shape():
    def around(mean, n=400):  # answers of that mean, the same spread each time
        low = int(mean)
        share = round((mean - low) * n)
        return [low + 1] * share + [low] * (n - share)

    shapes = {
        "one step": (3.2, 3.2, 3.5, 3.5), "several steps": (3.2, 3.5, 3.5, 3.8),
        "gradual": (3.2, 3.26, 3.32, 3.38), "came back": (3.2, 3.5, 3.5, 3.2),
        "no change seen": (3.2, 3.22, 3.2, 3.21),
    }  # fmt: skip
    for shape, means in shapes.items():
        waves = {f"w{i}": ([8] * 400, around(mean)) for i, mean in enumerate(means)}
        found = compare_waves(study(*waves), survey(**waves))
        row = found.changes.set_index("name").loc["csat_a"]
        assert row["shape"] == shape
        assert row["difference"] == pytest.approx(means[-1] - means[0])
        assert row["steps"] == {"one step": 1, "several steps": 2, "came back": 2}.get(shape, 0)
        if shape == "one step":
            assert row["when"] == "w1 to w2 +0.30"
            texts = [t.get_text() for t in found.plot().texts]
            assert texts.count("+0.30") == 2  # the step, and first to last


def test_an_item_is_compared_between_the_waves_that_asked_it(rng):
    data = survey(**{w: (rng.integers(0, 11, 50), rng.integers(1, 6, 50)) for w in "stu"})
    frame = data.respondents
    frame.loc[frame["wave"] == "t", "csat_a"] = np.nan
    frame["late"] = pd.array(rng.random(150) < (0.1 + 0.7 * (frame["wave"] == "u")), "boolean")
    items = (*ITEMS, Item("late", "tick", role="pain", stage="a"))
    found = compare_waves(study("s", "t", "u", items=items), data)
    pairs = found.table.set_index("name")[["from_wave", "to_wave"]]
    row = found.changes.set_index("name").loc["late"]

    assert pairs.loc[["csat_a"]].values.tolist() == [["s", "u"]]
    assert (row["metric"], row["shape"]) == ("pain", "one step")
    last = frame[frame["wave"] == "u"]["late"].mean() - frame[frame["wave"] == "s"]["late"].mean()
    assert row["difference"] == pytest.approx(last)


@pytest.mark.real
@pytest.mark.slow
def test_seven_waves_of_the_airport(root, shared_data):
    airport = load_study(root / "data" / "sfo_airport", raw=shared_data / "sfo_airport_survey")
    found = compare_waves(airport, clean_answers(airport))
    rows = found.changes.set_index("name")

    assert len(found.table) == 121
    assert rows.loc["ease_security", "when"] == (
        "2011 to 2012 -0.15; 2012 to 2013 +0.32; 2013 to 2014 +0.14"
    )
    assert rows.loc["overall", "shape"] == "gradual"
    assert rows.loc["wifi", ["waves", "first_wave", "when"]].tolist() == [
        4, "2013", "2013 to 2014 +0.23"
    ]  # fmt: skip
    assert (rows["shape"] == "no change seen").sum() == 6
    assert found.plot().texts


def test_months_of_the_log_by_customer(rng):
    rows = []
    for number, (month, days) in enumerate((("2025-01", 31), ("2025-02", 28), ("2025-03", 31))):
        for customer in range(150):
            buys = rng.random() < (0.2, 0.2, 0.5)[number]
            day = pd.Timestamp(f"{month}-01") + pd.Timedelta(days=int(rng.integers(0, days)))
            rows.append((f"C{customer + 50 * number}", day, "till" if buys else "page"))
    rows += [("C0", pd.Timestamp("2025-01-01"), "page"), ("C9", pd.Timestamp("2025-04-02"), "page")]
    log = pd.DataFrame(rows, columns=["customer_id", "time", "touchpoint"])
    shop = replace(study(), events=EventRules((), purchase=("till",)))
    found = compare_months(shop, SimpleNamespace(table=log))
    row = found.changes.set_index("name").loc["conversion"]
    bought = log.assign(b=log["touchpoint"].eq("till"), m=log["time"].dt.strftime("%Y-%m"))
    shares = bought.groupby(["m", "customer_id"])["b"].any().groupby("m").mean()

    assert row[["first_wave", "last_wave"]].tolist() == ["2025-01", "2025-03"]  # April is not whole
    assert row["difference"] == pytest.approx(shares["2025-03"] - shares["2025-01"])
    assert (row["shape"], row["when"][:18]) == ("one step", "2025-02 to 2025-03")
    assert found.table.query("name == 'conversion'")["panel"].tolist()[:2] == [100, 100]
    with pytest.raises(TooFewError, match="it covers 1"):
        compare_months(shop, SimpleNamespace(table=log[log["time"] < "2025-02-05"]))


def test_plot_shows_the_table(rng):
    data = survey(s=(rng.integers(0, 11, 50), rng.integers(1, 4, 50)),
                  t=(rng.integers(0, 11, 50), rng.integers(3, 6, 50)))  # fmt: skip
    found = compare_waves(study("s", "t"), data)
    ax = found.plot()

    drawn = sorted(x for line in ax.lines[1:] for x in line.get_xdata())
    expected = sorted(found.table["difference"] / found.table["smallest_change"])
    assert drawn == pytest.approx(expected)
