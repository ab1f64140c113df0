"""Ranking personas: the score by hand, Ulwick's score, what is missing, and how sure ranks are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cjlib.codebook import Codebook, Item
from cjlib.definitions import Stage, Text
from cjlib.errors import JourneyError
from cjlib.personas.targeting import multiply, rank_personas
from cjlib.study import Study

NEED = Item(
    "need", "scale", role="need", low=1, high=5, stage="buy", question=Text("Fast?", "تند؟")
)
CSAT = Item("csat", "scale", role="outcome", low=1, high=5, stage="buy", metric="csat")
PAIN = Item("late", "tick", role="pain", group="pains")


def make_study(*items) -> Study:
    return Study(
        Path(), Path(), "test", Text("Test"), Text("Brand"), "en",
        (Stage("buy", Text("Buy")),), codebook=Codebook(items),
    )  # fmt: skip


def make_people(sizes=(120, 80, 40)):
    place = np.repeat(np.arange(len(sizes)), sizes)
    n = len(place)
    frame = pd.DataFrame(
        {
            "respondent_id": pd.array([f"R{i}" for i in range(n)], dtype="string"),
            "customer_id": pd.array([f"C{i}" for i in range(n)], dtype="string"),
            "wave": pd.array(["one"] * n, dtype="string"),
            "need": np.where(np.arange(n) % 4 == 0, 2.0, 5.0),  # three of four
            "csat": np.where(np.arange(n) % 2 == 0, 4.0, 1.0),  # one of two
            "late": pd.array(np.arange(n) % 5 == 0, dtype="boolean"),
        }
    )
    ids = [f"persona-{i + 1}" for i in range(len(sizes))]
    members = frame[["respondent_id", "customer_id", "wave"]].assign(
        persona=pd.array([ids[i] for i in place], dtype="string")
    )
    cards = tuple(SimpleNamespace(persona=p, name=Text(p, f"نوع {p[-1]}")) for p in ids)
    groups = SimpleNamespace(
        k=len(ids), source="survey", ids=ids, members=members, cards=cards,
        names={p: p for p in ids},
    )  # fmt: skip
    return frame, groups


def rank(study, frame, groups, **more):
    more.setdefault("value", pd.Series(100.0, index=frame["customer_id"]))
    return rank_personas(
        groups, study=study, survey=SimpleNamespace(respondents=frame),
        rng=np.random.default_rng(3), **more,
    )  # fmt: skip


def test_score_and_opportunity_by_hand():
    frame, groups = make_people()

    found = rank(make_study(NEED, CSAT), frame, groups)

    # importance .75, satisfaction .50: 10 x (.75 + .25) = 10 in every persona
    assert found.opportunities["estimate"].tolist() == pytest.approx([10.0] * 3)
    table = found.table.set_index("persona")
    assert table["estimate"].tolist() == pytest.approx([1.5, 1.0, 0.5])  # sizes over their mean
    assert table["rank"].tolist() == [1, 2, 3]
    assert table["first"].sum() == pytest.approx(1.0)
    assert (table["low"] <= table["estimate"]).all()
    assert (table["estimate"] <= table["high"]).all()
    size = found.criteria.query("criterion == 'size'")["estimate"].tolist()
    assert size == pytest.approx([120 / 240, 80 / 240, 40 / 240])
    assert "persona-1 comes first (score 1.50" in found.summary()


def test_satisfaction_above_importance_takes_nothing_off():
    frame, groups = make_people()
    found = rank(make_study(NEED, CSAT), frame.assign(csat=5.0), groups)

    assert found.opportunities["estimate"].tolist() == pytest.approx([7.5] * 3)


def test_without_pairs_need_is_the_share_with_a_pain():
    frame, groups = make_people()
    found = rank(make_study(PAIN), frame, groups)

    need = found.criteria.query("criterion == 'need'")["estimate"].tolist()
    assert need == pytest.approx([24 / 120, 16 / 80, 8 / 40])
    assert found.opportunities.empty
    assert "share of members who name a pain" in found.rule
    assert "need is the share" in found.notes[0]


def test_weights_turn_the_ranks_and_zero_leaves_out():
    frame, groups = make_people()
    worth = pd.Series(np.repeat([1.0, 10.0, 100.0], [120, 80, 40]), index=frame["customer_id"])

    by_value = rank(make_study(PAIN), frame, groups, value=worth, weights=(0, 1, 0))
    by_size = rank(make_study(PAIN), frame, groups, value=worth, weights=(1, 0, 0))

    assert by_value.table["persona"].tolist() == ["persona-3", "persona-2", "persona-1"]
    assert by_size.table["persona"].tolist() == ["persona-1", "persona-2", "persona-3"]
    assert by_value.table["estimate"].tolist() == pytest.approx([100 / 37, 10 / 37, 1 / 37])
    assert by_value.table["first"].tolist() == pytest.approx([1, 0, 0])


def test_missing_value_is_never_zero():
    frame, groups = make_people()
    worth = pd.Series(100.0, index=frame["customer_id"])
    few = worth.copy()
    few[frame["customer_id"][200:]] = np.nan  # nobody's of persona 3

    found = rank(make_study(PAIN), frame, groups, value=few)
    last = found.table.iloc[-1]
    assert last["persona"] == "persona-3"
    assert np.isnan(last["estimate"])
    assert pd.isna(last["rank"])
    assert "1 cannot be ranked" in found.summary()
    # the others are compared with one another alone
    assert found.table["estimate"][:2].tolist() == pytest.approx([1.2, 0.8])

    none = rank(make_study(PAIN), frame, groups, value=None)
    assert "left out" in none.notes[0]
    assert none.table["estimate"].tolist() == pytest.approx([1.5, 1.0, 0.5])


def test_too_few_members_are_not_ranked():
    frame, groups = make_people((120, 80, 20))
    found = rank(make_study(PAIN), frame, groups)

    rows = found.criteria[found.criteria["persona"].eq("persona-3")]
    assert rows["estimate"].isna().all()
    assert rows["method"].eq("too few (n < 30)").all()
    assert np.isnan(found.table.set_index("persona").loc["persona-3", "estimate"])


def test_money_in_the_log_is_the_value():
    frame, groups = make_people((40, 40))
    rows = [(c, "2025-01-01", "till", "buy", "shop", 10.0 + 10 * (i >= 40))
            for i, c in enumerate(frame["customer_id"])]  # fmt: skip
    names = ["customer_id", "time", "touchpoint", "stage", "channel", "amount"]
    contacts = pd.DataFrame(rows, columns=names)
    contacts["time"] = pd.to_datetime(contacts["time"])

    found = rank(make_study(PAIN), frame, groups, value=None,
                 interactions=SimpleNamespace(table=contacts))  # fmt: skip

    value = found.criteria.query("criterion == 'value'")["estimate"].tolist()
    assert value == pytest.approx([10.0, 20.0])


def test_weights_of_people_and_both_waves_of_a_customer_count():
    frame, groups = make_people((60, 60))
    heavy = frame.assign(weight=np.repeat([3.0, 1.0], 60))

    found = rank(make_study(PAIN), heavy, groups)
    assert found.criteria.query("criterion == 'size'")["estimate"].tolist() == [0.75, 0.25]

    twins = frame.assign(
        customer_id=frame["customer_id"].iloc[[i // 2 * 2 for i in range(120)]].to_numpy()
    )
    groups.members["customer_id"] = twins["customer_id"].to_numpy()
    pairs = rank(make_study(PAIN), twins, groups, value=None, weights=(1, 0, 0))
    single = rank(make_study(PAIN), frame, groups, value=None, weights=(1, 0, 0))
    width = (pairs.table["high"] - pairs.table["low"]).mean()
    assert width > 1.15 * (single.table["high"] - single.table["low"]).mean()  # half the people


@pytest.mark.slow
def test_intervals_of_the_score_cover_the_truth():
    """Two personas, shares .6 and .4, pains .5 and .2: true scores .6 x .5 over the means."""
    size, pain = np.array([0.6, 0.4]), np.array([0.5, 0.2])
    truth = size / 0.5 * pain / 0.35
    rng = np.random.default_rng(9)
    inside = []
    for _ in range(150):
        n = int(rng.binomial(300, 0.6))
        frame, groups = make_people((n, 300 - n))
        place = np.repeat([0, 1], [n, 300 - n])
        frame["late"] = pd.array(rng.random(300) < pain[place], dtype="boolean")
        table = rank(make_study(PAIN), frame, groups, value=None).table.set_index("persona")
        row = table.loc["persona-1"]
        inside.append(row["low"] <= truth[0] <= row["high"])

    assert 0.9 <= np.mean(inside) <= 0.995


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"weights": (0, 0, 0)}, "three numbers of 0 or more, not all 0"),
        ({"weights": (1, -1, 1)}, "three numbers of 0 or more"),
        ({"weights": (1, 1)}, "three numbers"),
        ({"value": pd.Series([1.0, 2.0], index=["C1", "C1"])}, "1 ids again"),
        ({"value": pd.Series([np.inf], index=["C1"])}, "1 infinite numbers"),
    ],
)
def test_bad_input_is_refused(more, message):
    frame, groups = make_people()
    with pytest.raises(JourneyError, match=message):
        rank(make_study(PAIN), frame, groups, **more)


def test_negative_value_and_one_persona_are_refused():
    frame, groups = make_people()
    with pytest.raises(JourneyError, match="must not be negative on average"):
        rank(make_study(PAIN), frame, groups, value=pd.Series(-1.0, index=frame["customer_id"]))
    with pytest.raises(JourneyError, match="two personas or more"):
        rank(make_study(PAIN), frame, SimpleNamespace(**{**vars(groups), "k": 1}))


def test_multiply_by_hand():
    values = np.array([[[2.0, np.nan], [4.0, np.nan], [np.nan, np.nan]]])

    found = multiply(values, np.array([2.0, 0.0]), np.array([True, True, False]))

    assert np.array_equal(found.round(12), np.round([[4 / 9, 16 / 9, np.nan]], 12), equal_nan=True)


def test_the_figure_shows_the_scores():
    frame, groups = make_people()
    found = rank(make_study(PAIN), frame, groups)

    shown = np.asarray(found.plot().collections[-1].get_offsets())[:, 0]
    assert shown == pytest.approx(found.table["estimate"].to_numpy())
    assert replace(found, language="fa").plot().xaxis_inverted()
