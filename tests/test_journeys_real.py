"""Published counts of public logs, met from the raw files."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from cjlib.events import code_events, journey_log, read_interactions
from cjlib.events.times import read_times
from cjlib.events.xes import read_xes
from cjlib.journeys import (
    count_transitions,
    count_variants,
    find_exits,
    measure_funnel,
    measure_step_matrix,
)
from cjlib.study import load_study

pytestmark = pytest.mark.real


def read_log(place, *, complete=False):
    with gzip.open(place) as stream:
        table = read_xes(stream, shown=place.name)
    if complete:
        table = table[table["lifecycle:transition"].str.lower().eq("complete")]
    times = read_times(table["time:timestamp"], zone="UTC")
    return code_events(table["case:concept:name"], times.to_numpy(), table["concept:name"])


def top(found):
    return found.table["journeys"].head(5).tolist()


def test_helpdesk_has_its_published_counts(shared_data):
    # Helpdesk (Polato, 4TU.ResearchData): cases, events and activities as published there.
    log = read_log(shared_data / "bpi_logs" / "Helpdesk.xes.gz")
    found = count_variants(log)

    assert (len(log), log.journeys, len(log.labels)) == (21_348, 4_580, 14)
    assert found.variants == 226
    assert top(found) == [2366, 552, 228, 213, 164]


@pytest.mark.slow
def test_bpi_2012_has_its_published_counts(shared_data):
    # BPI Challenge 2012 (van Dongen, 4TU.ResearchData): cases and events as published there.
    log = read_log(shared_data / "bpi_logs" / "BPI_Challenge_2012.xes.gz")
    found = count_variants(log)

    assert (len(log), log.journeys, len(log.labels)) == (262_200, 13_087, 24)
    assert found.variants == 4_366
    assert top(found) == [3429, 1872, 271, 209, 160]
    moves = count_transitions(log).table
    assert len(moves) == 125
    assert moves["count"].sum() == 262_200 - 13_087


@pytest.mark.slow
def test_bpi_2012_complete_events(shared_data):
    log = read_log(shared_data / "bpi_logs" / "BPI_Challenge_2012.xes.gz", complete=True)

    assert (len(log), len(log.labels)) == (164_506, 23)
    assert count_variants(log).variants == 4_336


def test_olist_money_is_counted_once(shared_data, root):
    study = load_study(root / "data" / "olist", raw=shared_data / "olist")
    found = read_interactions(study)
    payments = pd.read_csv(shared_data / "olist" / "olist_order_payments_dataset.csv.gz")
    orders = pd.read_csv(shared_data / "olist" / "olist_orders_dataset.csv.gz")
    paid = payments[payments["order_id"].isin(orders["order_id"])]["payment_value"].sum()

    assert found.table["amount"].sum() == pytest.approx(paid)
    assert found.table["touchpoint"].eq("order_placed").sum() == len(orders) == 14_318
    assert found.table["rating"].count() == 6_866


def test_olist_funnel_counts_customers_as_a_merge_does(shared_data, root):
    study = load_study(root / "data" / "olist", raw=shared_data / "olist")
    found = read_interactions(study)
    log = journey_log(found)
    table = measure_funnel(log, stages=["purchase", "payment"], by="stage").table
    rows = found.table
    first = rows[rows["stage"].eq("purchase")].groupby("customer_id")["time"].min()
    last = rows[rows["stage"].eq("payment")].groupby("customer_id")["time"].max()
    both = pd.concat([first, last], axis=1, join="inner")

    assert table["journeys"].tolist() == [
        len(first),
        int((both.iloc[:, 1] >= both.iloc[:, 0]).sum()),
    ]
    assert np.isclose(table["estimate"].iloc[1], table["journeys"].iloc[1] / len(first))


@pytest.mark.parametrize(
    ("name", "edges", "squares", "top", "starts", "ends"),
    [
        ("Helpdesk.xes.gz", 55, 53_689_750, [4_558, 4_160, 3_563, 1_265, 773, 558],
         19_238_862, 20_766_424),
        pytest.param(
            "BPI_Challenge_2012.xes.gz", 125, 3_826_042_159,
            [38_004, 36_084, 18_475, 13_087, 7_367, 7_030], 171_269_569, 30_433_063,
            marks=pytest.mark.slow,
        ),
    ],
)  # fmt: skip
def test_moves_are_counted_as_pm4py_does(shared_data, name, edges, squares, top, starts, ends):
    # pm4py 2.7.23: discover_dfg; number of edges, sum of their squared counts, the six largest,
    # and the sums of squares of its start and end activities.
    log = read_log(shared_data / "bpi_logs" / name)
    counts = count_transitions(log).table["count"]
    doors = find_exits(log).table

    assert (len(counts), (counts**2).sum()) == (edges, squares)
    assert counts.head(6).tolist() == top
    assert ((doors["entered"] ** 2).sum(), (doors["left"] ** 2).sum()) == (starts, ends)


def test_ecom_as_retentioneering_counts_it(shared_data):
    # retentioneering 5.2.4, load_ecom(): 31,106 rows, 600 users, 3,605 sessions; by session
    # funnel_data(cart, shipping_details, purchase) 1,022, 512, 173 (28.3, 14.2, 4.8 %);
    # step_matrix_data and transition_graph_data(edge_weight="count").
    file = shared_data / "ecom" / "ecom.csv"
    if not file.is_file():
        pytest.skip("ecom.csv is not among the real data (load_ecom of retentioneering has it)")
    rows = pd.read_csv(file, dtype="str")
    times = pd.to_datetime(rows["timestamp"]).to_numpy()
    log = code_events(rows["session_id"], times, rows["event"])
    funnel = measure_funnel(log, stages=["cart", "shipping_details", "purchase"]).table
    steps = measure_step_matrix(log, steps=4).table.set_index(["step", "label"])["journeys"]

    assert (len(log), log.journeys, rows["user_id"].nunique()) == (31_106, 3_605, 600)
    assert funnel["journeys"].tolist() == [1_022, 512, 173]
    assert (funnel["journeys"] / log.journeys).round(3).tolist() == [0.283, 0.142, 0.048]
    shown = {(1, "home"): 0.318447, (1, "catalog"): 0.252427, (2, "(ended)"): 0.064078,
             (4, "product_view"): 0.211096, (4, "(ended)"): 0.190291}  # fmt: skip
    for place, share in shown.items():
        assert steps[place] / log.journeys == pytest.approx(share, abs=5e-7)
    assert count_transitions(log).table["count"].sum() == 34_711 - 2 * 3_605
