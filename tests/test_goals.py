"""KPIs, goals and the stage scorecard, by hand on a small study."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cjlib.codebook import Codebook, Item
from cjlib.definitions import (
    EventRules,
    Goal,
    Positions,
    Privacy,
    Stage,
    Text,
    Touchpoint,
    Wave,
)
from cjlib.errors import JourneyError, ScaleError
from cjlib.intervals import Estimate
from cjlib.metrics import check_goals, kpi_names, measure_goals, measure_stage_kpis
from cjlib.metrics.activity import make_activity, measure_bounce_rate
from cjlib.metrics.kpis import make_sources, measure_kpi
from cjlib.study import Study

STAGES = (
    Stage("meet", Text("Meet"), "awareness"), Stage("weigh", Text("Weigh"), "consideration"),
    Stage("buy", Text("Buy"), "decision"), Stage("keep", Text("Keep"), "retention"),
    Stage("tell", Text("Tell"), "advocacy"),
)  # fmt: skip
TOUCHPOINTS = tuple(
    Touchpoint(key, Text(key), stage)
    for key, stage in (
        ("landing", "meet"), ("page", "weigh"), ("till", "buy"), ("goods_back", "keep"),
        ("gripe", "keep"), ("referral", "tell"),
    )
)  # fmt: skip
ITEMS = (
    Item("recommend", "scale", low=0, high=10, metric="nps", line=2),
    Item("sat_page", "scale", low=1, high=5, metric="csat", touchpoint="page", line=3),
    Item("sat_look", "scale", low=1, high=5, metric="csat", touchpoint="page", line=4),
    Item("ease", "scale", low=1, high=7, metric="ces", stage="keep", line=5),
)
# Who does what (day, hour): two buy; "many" buys twice on one day and once on another, returns
# one; "looker" never buys; "late" comes after the costs end.
LOG = [
    ("once", "2025-01-02 10:00", "landing", None, 30.0, None),
    ("once", "2025-01-02 10:10", "till", 50.0, None, 4.0),
    ("many", "2025-01-03 09:00", "till", 10.0, None, 5.0),
    ("many", "2025-01-03 18:00", "till", 20.0, None, None),
    ("many", "2025-02-01 12:00", "till", 30.0, None, None),
    ("many", "2025-02-05 12:00", "goods_back", None, None, None),
    ("looker", "2025-01-04 11:00", "landing", None, 90.0, None),
    ("looker", "2025-01-05 11:00", "page", None, 60.0, None),
    ("looker", "2025-01-05 11:05", "gripe", None, 600.0, None),
    ("late", "2025-03-09 11:00", "referral", None, None, None),
]


@pytest.fixture
def study() -> Study:
    return Study(
        path=".", raw=".", id="tiny", title=Text("Tiny"), brand=Text("Tiny"), language="en",
        stages=STAGES, touchpoints=TOUCHPOINTS, codebook=Codebook(ITEMS),
        waves=(Wave("w1", (), Text("1")), Wave("w2", (), Text("2"))),
        events=EventRules(
            (), purchase=("till",), complaint=("gripe",), product_return=("goods_back",)
        ),
        privacy=Privacy(minimum_cell=1, minimum_base=2),
    )  # fmt: skip


@pytest.fixture
def log() -> pd.DataFrame:
    columns = ["customer_id", "time", "touchpoint", "amount", "seconds", "rating"]
    frame = pd.DataFrame(LOG, columns=columns).astype(
        {"customer_id": "string", "amount": float, "seconds": float}
    )
    return frame.assign(time=pd.to_datetime(frame["time"])).sample(frac=1, random_state=5)


@pytest.fixture
def costs() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "channel": ["web", "tv", "web"],
            "month": pd.to_datetime(["2025-01-01", "2025-01-01", "2025-02-01"]),
            "spend": [40.0, 100.0, 60.0],
            "impressions": [1000.0, 5000.0, 1500.0],
            "reach": [800.0, 3000.0, 900.0],
            "clicks": [20.0, np.nan, 30.0],
        }
    )


@pytest.fixture
def people() -> pd.DataFrame:
    n = 60
    return pd.DataFrame(
        {
            "respondent_id": [f"R{i}" for i in range(2 * n)],
            "wave": pd.array(["w2"] * n + ["w1"] * n, dtype="string"),
            "weight": 1.0,
            "recommend": [10.0] * 40 + [5.0] * 20 + [0.0] * n,
            "sat_page": [5.0] * 30 + [4.0] * 30 + [1.0] * n,
            "sat_look": [1.0] * 30 + [np.nan] * 30 + [1.0] * n,
            "ease": [5.0, 3.0] * n,
        }
    )


BY_HAND = {
    "conversion": 2 / 4,
    "repeat_rate": 1 / 2,
    "return_rate": 1 / 4,
    "complaint_rate": 1 / 4,
    "contacts_per_purchase": 10 / 4,
    "bounce_rate": 6 / 8,  # two sessions hold two contacts
    "time_on_page": (30 + 90 + 60) / 3,
    "sales": 110,
    "purchases": 4,
    "referrals": 1,
    "impressions": 7500,
    "reach": 4700,
    "clicks": 50,
    "ctr": 50 / 2500,
    "cpc": 100 / 50,
    "cpa": 200 / 2,
    "engagement_rate": 4 / 3800,
    "nps": 100 * (40 - 20) / 60,
    "csat.weigh": (30 * 5 + 30 * 4 + 30 * 1) / 90,
    "csat.weigh.top": 60 / 90,
    "csat.page": (30 * 5 + 30 * 4 + 30 * 1) / 90,
    "csat.buy": 4.5,  # no item: the rating left at the till
    "ces": 4,
    "ces.keep": 4,
}


@pytest.mark.parametrize("name", list(BY_HAND))
def test_kpi_by_hand(name, study, log, costs, people):
    sources = make_sources(study, survey=people, interactions=log, costs=costs)
    found, source = measure_kpi(name, sources)

    assert found is not None
    assert found.estimate == pytest.approx(BY_HAND[name])
    assert source
    if not np.isnan(found.low):
        assert found.low <= found.estimate <= found.high


def test_every_kpi_is_missing_without_a_source_never_zero(study):
    empty = make_sources(study)

    for name in kpi_names(study):
        assert measure_kpi(name, empty) == (None, "")


def test_bounce_rate_of_a_stage_counts_sessions_that_begin_there(study, log):
    activity = make_activity(study, log, None)

    assert measure_bounce_rate(activity, "meet").estimate == pytest.approx(1 / 2)
    assert measure_bounce_rate(activity, "weigh").estimate == pytest.approx(0)


def test_churn_position_changes_what_the_return_rate_means(study):
    days = {"stays": [0, 200, 390], "goes": [10, 190], "new": [395]}
    frame = pd.DataFrame(
        [(c, pd.Timestamp("2024-01-01") + pd.Timedelta(days=d), "page")
         for c, ds in days.items() for d in ds],
        columns=["customer_id", "time", "touchpoint"],
    )  # fmt: skip
    churny = replace(study, positions=Positions(return_rate="churn"))
    found, _ = measure_kpi("return_rate", make_sources(churny, interactions=frame))

    assert found.estimate == pytest.approx(1 / 2)  # "stays" and "goes" were there before
    assert measure_kpi("return_rate", make_sources(study, interactions=frame))[0].n == 0


def test_short_log_cannot_tell_churn(study, log):
    found, _ = measure_kpi("churn_rate", make_sources(study, interactions=log))

    assert np.isnan(found.estimate)
    assert "log shorter than 360 days" in found.method


def goals(*pairs: tuple[str, float, str]) -> tuple[Goal, ...]:
    return tuple(
        Goal(f"g{i}", Text(f"Goal {i}"), kpi, target, better=better)
        for i, (kpi, target, better) in enumerate(pairs)
    )


def test_goals_are_reached_only_by_the_whole_interval(study, log, costs, people):
    study = replace(
        study,
        goals=goals(
            ("nps", 5, "higher"), ("nps", 90, "higher"), ("nps", 30, "higher"),
            ("nps", 60, "lower"), ("sales", 100, "higher"), ("sales", 100, "lower"),
            ("search_rank", 3, "lower"), ("csat.tell", 4, "higher"), ("clv", 10, "higher"),
        ),
    )  # fmt: skip
    clv = Estimate(12, 11, 13, 0.95, 500, "given")
    found = measure_goals(study, survey=people, interactions=log, costs=costs, given={"clv": clv})

    assert found.table["reached"].tolist() == [
        "yes", "no", "cannot tell", "yes", "yes", "no", "no source", "no source", "yes",
    ]  # fmt: skip
    assert found.table["wave"].tolist()[0] == "w2"
    assert np.isnan(found.table["estimate"].iloc[6])
    assert found.summary() == ("9 goals; target reached: 4 yes, 2 no, 1 cannot tell, 2 no source.")
    assert len(found.plot().get_yticklabels()) == 9


def test_small_base_is_too_few(study, people):
    study = replace(study, goals=goals(("nps", 5, "higher")), privacy=Privacy(minimum_base=61))
    row = measure_goals(study, survey=people).table.iloc[0]

    assert row["reached"] == "too few"
    assert np.isnan(row["estimate"])


def test_unknown_kpis_are_all_named_with_line_and_nearest(study):
    study = replace(
        study,
        goals=goals(("csat.wiegh", 3, "higher"), ("nps", 3, "higher"), ("npz", 3, "higher")),
        lines={("goals", 0, "kpi"): 12, ("goals", 2, "kpi"): 30},
    )

    assert [fault.nearest for fault in check_goals(study)] == ["csat.weigh", "nps"]
    with pytest.raises(JourneyError, match="study.yaml:12: kpi 'csat.wiegh'.*'csat.weigh'.*30"):
        measure_goals(study)


def test_items_on_different_scales_are_not_pooled(study, people):
    items = (
        *ITEMS[:2],
        Item("sat_look", "scale", low=1, high=10, metric="csat", touchpoint="page"),
    )
    study = replace(study, codebook=Codebook(items))

    with pytest.raises(ScaleError, match="sat_page 1-5, sat_look 1-10"):
        measure_kpi("csat.weigh", make_sources(study, survey=people))


def test_a_stages_own_question_goes_before_those_about_its_touchpoints(study, people):
    own = Item("sat_page", "scale", low=1, high=5, metric="csat", stage="weigh")
    study = replace(study, codebook=Codebook((own, ITEMS[2])))
    sources = make_sources(study, survey=people)

    assert measure_kpi("csat.weigh", sources)[0].estimate == pytest.approx(4.5)
    assert measure_kpi("csat.page", sources)[1] == "survey: sat_look"


def test_weights_count_in_pooled_items(study, people):
    study = replace(study, codebook=Codebook((ITEMS[1], ITEMS[2])))
    heavy = people.assign(weight=np.where(people["sat_look"].isna(), 3.0, 1.0))
    found, _ = measure_kpi("csat.weigh", make_sources(study, survey=heavy))

    assert found.estimate == pytest.approx((30 * 5 + 30 * 1 + 3 * 30 * 4) / (60 + 90))


def test_scorecard_shows_five_families_and_what_has_no_source(study, log, costs, people):
    found = measure_stage_kpis(study, survey=people, interactions=log, costs=costs)
    table = found.table.set_index(["stage", "kpi"])

    assert table.groupby(level=0, sort=False).size().tolist() == [5, 4, 3, 3, 2]
    assert table.loc[("meet", "time_on_page"), "estimate"] == pytest.approx(60)
    assert table.loc[("weigh", "engagement_rate"), "estimate"] == pytest.approx(1 / 3800)
    assert table.loc[("meet", "search_rank"), "method"] == "no source"
    assert table.loc[("keep", "clv"), "method"] == "no source"
    assert table.loc[("keep", "csat"), "method"] == "no source"
    assert "without: search_rank, csat, clv" in found.summary()
    texts = [text.get_text() for text in found.plot().texts]
    assert texts.count("no source") == 3
    assert "50.0 %" in texts


def test_the_retail_five_and_a_stages_own_goals_have_their_rows(study, log, costs, people):
    kinds = ("awareness", "engagement", "consideration", "purchase", "post_purchase")
    stages = tuple(
        replace(stage, kind=kind) for stage, kind in zip(study.stages, kinds, strict=True)
    )
    own = Goal(
        id="g", kind="loyalty", business=Text("b"), customer=Text("c"), stage=stages[3].id,
        kpi="ces", target=5, better="higher",
    )  # fmt: skip
    again = replace(own, id="h", kpi="conversion")  # in the family already: no second row
    retail = replace(study, stages=stages, goals=(own, again))
    found = measure_stage_kpis(retail, survey=people, interactions=log, costs=costs).table
    rows = found.set_index(["stage", "kpi"])

    sizes = found.groupby("stage", sort=False).size().tolist()
    assert sizes == [5, 5, 4, 5, 7]
    assert rows.loc[(stages[3].id, "ces"), "source"].startswith("survey")
    assert rows.loc[(stages[4].id, "clv"), "method"] == "no source"
    assert np.isnan(rows.loc[(stages[4].id, "clv"), "estimate"])
    assert rows.loc[(stages[3].id, "conversion"), "estimate"] > 0


def test_scorecard_without_any_source_has_no_number_at_all(study):
    table = measure_stage_kpis(study).table

    assert table["estimate"].isna().all()
    assert (table["method"] == "no source").all()


def test_effort_direction_says_lower_is_better(study, people):
    study = replace(study, positions=Positions(ces="effort"), goals=goals(("ces", 5, "lower")))
    row = measure_goals(study, survey=people).table.iloc[0]

    assert row["reached"] == "yes"
    assert "high answer means hard" in row["position"]
