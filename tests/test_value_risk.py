"""Value at risk at each pain: by hand, coverage, laws, and published shares of leavers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cjlib.errors import JourneyError, TooFewError
from cjlib.intervals import estimate_share
from cjlib.value import measure_value_at_risk


def worth(values):
    ids = [f"C{i}" for i in range(len(values))]
    return pd.DataFrame({"customer_id": ids, "value": np.asarray(values, dtype=float)})


def names(pain, ids):
    return pd.DataFrame({"customer_id": [f"C{i}" for i in ids], "pain": pain})


def test_by_hand_with_a_base_and_unknown_values():
    values = worth([10, 20, 30, 40, np.nan])
    named = pd.concat([names("late", [0, 1, 1, 4]), names("rude", [3])])
    copies = named.copy(), values.copy()
    found = measure_value_at_risk(
        named, values, asked=values["customer_id"], base=400, minimum_base=2
    )
    row, few = found.table.iloc[0], found.table.iloc[1]

    assert (found.asked, found.base, found.without_value) == (4, 400, 1)
    assert (row["pain"], row["customers"], row["share"]) == ("late", 2, 0.5)
    assert (row["mean_value"], row["mean_others"]) == (15, 35)
    assert row["estimate"] == pytest.approx(400 * 30 / 4)  # customers × what they are worth
    part = np.array([10.0, 20.0, 0.0, 0.0])
    factor = np.exp(12.7062047 * part.std(ddof=1) / 2 / part.mean())
    assert row["high"] == pytest.approx(3000 * factor)
    assert row["low"] == pytest.approx(3000 / factor)
    assert few["method"] == "too few (n < 2)"
    assert np.isnan(few["estimate"])
    assert "they may stay all the same" in found.summary()
    pd.testing.assert_frame_equal(named, copies[0])
    pd.testing.assert_frame_equal(values, copies[1])


def test_intervals_cover_the_value_of_the_whole_base():
    rng = np.random.default_rng(5)
    value = rng.gamma(0.8, 100.0, 50_000)
    pain = rng.random(50_000) < np.where(value > 80, 0.35, 0.15)  # the better ones complain more
    truth = float((value * pain).sum())
    hits, runs = 0, 500
    for _ in range(runs):
        rows = rng.choice(50_000, 400, replace=False)
        values = worth(value[rows])
        named = names("slow", np.flatnonzero(pain[rows]))
        found = measure_value_at_risk(named, values, asked=values["customer_id"], base=50_000)
        hits += found.table["low"].iloc[0] <= truth <= found.table["high"].iloc[0]
    assert 0.925 <= hits / runs <= 0.975, hits / runs


def test_change_of_currency_moves_all_and_a_larger_base_in_proportion():
    rng = np.random.default_rng(1)
    values = worth(rng.gamma(1, 50, 200))
    named = pd.concat([names("late", range(80)), names("rude", range(60, 130))])
    asked = values["customer_id"]
    one = measure_value_at_risk(named, values, asked=asked).table
    ten = measure_value_at_risk(named, values.assign(value=10 * values["value"]), asked=asked).table
    five = measure_value_at_risk(named.sample(frac=1, random_state=1), values, asked=asked,
                                 base=1000).table  # fmt: skip

    for column in ("estimate", "low", "high"):
        assert ten[column].to_numpy() == pytest.approx(10 * one[column].to_numpy())
        assert five[column].to_numpy() == pytest.approx(5 * one[column].to_numpy())
    assert one["estimate"].is_monotonic_decreasing


@pytest.mark.parametrize("language", ["en", "fa"])
def test_the_figure_shows_the_table_and_who_are_too_few(language):
    values = worth(np.arange(1, 101))
    named = pd.concat([names("late", range(40)), names("rude", range(5))])
    found = measure_value_at_risk(named, values, asked=values["customer_id"])
    ax = found.plot(names={"late": "Late"}, language=language, currency="€")
    ticks = [tick.get_text() for tick in ax.get_yticklabels()]

    assert list(ax.lines[0].get_xdata()) == found.table.loc[0, ["low", "high"]].tolist()
    assert "Late" in ticks[0]
    assert len(ax.texts) == 1
    ax.figure.canvas.draw()


def test_messages_say_what_to_do():
    values = worth(range(5))
    asked = values["customer_id"]
    with pytest.raises(JourneyError, match="also those who named nothing"):
        measure_value_at_risk(names("late", [7]), values, asked=asked)
    twice = pd.concat([values, values.head(1)])
    with pytest.raises(JourneyError, match="one value; 1 rows of 6"):
        measure_value_at_risk(names("late", [1]), twice, asked=asked)
    with pytest.raises(JourneyError, match="not be below 0"):
        measure_value_at_risk(names("late", [1]), worth([-1, 2]), asked=asked)
    with pytest.raises(JourneyError, match="at least the 5"):
        measure_value_at_risk(names("late", [1]), values, asked=asked, base=3)
    with pytest.raises(TooFewError, match="same customer ids"):
        measure_value_at_risk(names("late", []), values.head(0), asked=asked)


@pytest.mark.real
def test_telco_churn_is_26_54_percent(shared_data):
    # 1,869 of 7,043, as IBM's sample is described everywhere.
    file = shared_data / "telco_churn_ibm" / "Telco-Customer-Churn.csv"
    churn = pd.read_csv(file)["Churn"]
    found = estimate_share(int((churn == "Yes").sum()), len(churn))

    assert found.estimate == pytest.approx(0.2654, abs=5e-5)
    assert found.low < 0.2654 < found.high
    assert found.n == 7043


@pytest.mark.real
def test_hotel_bookings_cancelled_are_37_04_percent(shared_data):
    # Antonio, de Almeida & Nunes (2019): 119,390 bookings, 40,060 resort and 79,330 city; the
    # shares are those of the data set's source note. Duplicate rows are bookings of their own.
    file = shared_data / "hotel_bookings" / "hotel_bookings.csv.gz"
    frame = pd.read_csv(file, usecols=["hotel", "is_canceled"])
    by = frame.groupby("hotel")["is_canceled"].agg(["sum", "size"])
    shares = {
        hotel: estimate_share(int(row["sum"]), int(row["size"])).estimate
        for hotel, row in by.iterrows()
    }

    assert by["size"].to_dict() == {"City Hotel": 79_330, "Resort Hotel": 40_060}
    whole = estimate_share(int(by["sum"].sum()), len(frame))
    assert whole.estimate == pytest.approx(0.3704, abs=5e-5)
    assert shares["City Hotel"] == pytest.approx(0.4173, abs=5e-5)
    assert shares["Resort Hotel"] == pytest.approx(0.2776, abs=5e-5)
