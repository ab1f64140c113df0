"""The money side of the shipped study: buying, leaving, and what a new buyer costs."""

from __future__ import annotations

from bisect import bisect

import numpy as np
import pandas as pd
import pytest

from cjlib import value
from cjlib.events import read_interactions
from cjlib.simulate import truth_tables
from cjlib.simulate.log import PURCHASES, find_buying, read_moves
from cjlib.simulate.parameters import LEAVES_SIZE, PERSONAS
from cjlib.study import read_study

OUTSIDE = ("tv_ad", "billboard_ad", "newsletter", "friend_talk")


@pytest.fixture(scope="module")
def truth():
    return truth_tables()


@pytest.fixture(scope="module")
def events(sepidar):
    frame = pd.read_csv(sepidar / "events.csv.gz", dtype={"customer": str}, keep_default_na=True)
    return frame.assign(when=pd.to_datetime(frame["when"]))


@pytest.fixture(scope="module")
def contacts(sepidar):
    study, _ = read_study(sepidar)
    return study, read_interactions(study)


def test_planted_rates_and_leaving_are_found_again(contacts):
    study, found = contacts
    bought = value.summarise_purchases(found, study=study)
    assert 2200 < len(bought.table) < 2400
    assert 1000 < (bought.table["x"] > 0).sum() < 1200

    model = value.fit_bgnbd(bought)
    assert model.identified
    table = model.table.set_index("parameter")
    assert table["estimate"]["r"] == pytest.approx(0.5, abs=0.1)
    means = {p: k.leaves * k.share for p, k in PERSONAS.items()}
    a, b = table["estimate"]["a"], table["estimate"]["b"]
    assert a / (a + b) == pytest.approx(sum(means.values()), abs=0.06)
    for name, true in (("a", sum(means.values())), ("b", 1 - sum(means.values()))):
        assert table["low"][name] < true * LEAVES_SIZE < table["high"][name], name

    check = value.check_holdout(found, cut="2025-01-31", study=study)
    assert check.predicted / check.actual == pytest.approx(1, abs=0.15)


def test_planted_who_leaves_is_silent_and_the_likely_leavers_leave(events, truth):
    """Without the model: among equally keen buyers, the likely leavers stop sooner."""
    people = truth["customers"].set_index("customer")
    bought = events[events["amount"].notna()].drop_duplicates()
    early = bought[bought["when"] < "2024-12-01"].groupby("customer").size()
    regulars = early.index[early >= 2]
    later = bought.loc[bought["when"] >= "2025-01-01", "customer"].unique()
    stayed = pd.Series(regulars.isin(later), index=regulars)
    likely = people["leaves"][regulars] > people["leaves"][regulars].median()
    keen = people["buys"][regulars] > people["buys"][regulars].median()
    for group in (keen, ~keen):
        assert stayed[group & ~likely].mean() > stayed[group & likely].mean() + 0.1
    contacts = events[~events["touchpoint"].isin(OUTSIDE)]
    last = contacts.groupby("customer")["when"].max()[regulars]
    silent = last < "2025-02-01"
    assert 0.2 < silent.mean() < 0.7
    assert silent[likely].mean() > silent[~likely].mean() + 0.1


def test_one_purchase_at_most_in_an_episode(events):
    bought = events[events["amount"].notna()].drop_duplicates()
    gap = bought.sort_values(["customer", "when"]).groupby("customer")["when"].diff()
    assert gap.min() > pd.Timedelta(hours=2)


def test_chance_of_buying_in_an_episode_by_walking_it():
    moves, rng = read_moves(), np.random.default_rng(5)
    for persona in PERSONAS:
        table = {
            state: (part["to"].tolist(), part[persona].cumsum().tolist())
            for state, part in moves.groupby("from")
        }
        ends = 0
        for _ in range(4000):
            state = "start"
            while state not in (*PURCHASES, "end"):
                names, chances = table[state]
                state = names[min(bisect(chances, rng.random()), len(names) - 1)]
            ends += state != "end"
        assert find_buying(moves, persona) == pytest.approx(ends / 4000, abs=0.03)


def test_a_new_buyer_costs_less_than_they_bring(contacts, sepidar):
    study, found = contacts
    paid = value.measure_value(study, found).acquisition.set_index("channel")
    cost = paid["estimate"]
    assert 300_000 < cost["all"] < 600_000
    assert paid["value_to_cost"]["all"] > 2
    assert (cost[["web", "app", "social"]] < cost["all"]).all()
    assert paid.loc[["tv", "billboard"], "customers"].eq(0).all()
    assert paid["spend"][["tv", "billboard"]].sum() > paid["spend"][["web", "app", "social"]].sum()
    costs = pd.read_csv(sepidar / "costs.csv")
    assert len(costs) == 7 * 12
    clicked = costs.dropna(subset=["clicks"])
    assert (clicked["spend"] / clicked["clicks"]).between(2_000, 6_000).all()
    seen = costs.dropna(subset=["impressions"])
    assert (seen["impressions"] > seen["reach"]).all()
    assert (clicked["clicks"] < clicked["reach"]).all()
