"""Silos joined by customer, their audit, and outcomes by path."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cjlib.errors import ColumnError, JourneyError, MissingSourceError, TooFewError
from cjlib.events import code_events, journey_log, read_interactions
from cjlib.intervals import adjust_holm
from cjlib.interviews import read_interviews
from cjlib.journeys import cost_departures, describe_paths, link_silos, measure_by_path
from cjlib.journeys.linking import find_alike
from cjlib.journeys.path_outcomes import _compare_alike
from cjlib.study import load_study
from cjlib.survey import clean_answers
from cjlib.value import measure_value


@pytest.fixture(scope="module")
def study(root):
    return load_study(root / "data" / "sepidar")


@pytest.fixture(scope="module")
def contacts(study):
    return read_interactions(study)


@pytest.fixture(scope="module")
def linked(study, contacts):
    return link_silos(
        study, interactions=contacts, survey=clean_answers(study),
        interviews=read_interviews(study), value=measure_value(study, contacts),
    )  # fmt: skip


@pytest.fixture
def small(study):
    return replace(study, privacy=replace(study.privacy, minimum_base=2))


@pytest.fixture
def log_rows():
    return pd.DataFrame(
        [
            ("a", "2025-01-01", "home_page", "web", None, 5.0),
            ("a", "2025-01-02", "payment", "web", 100.0, 5.0),
            ("b", "2025-01-01", "home_page", "web", None, 5.0),
            ("007", "2025-01-01", "home_page", "web", 40.0, 5.0),  # no purchase: no revenue
            (" c ", "2025-01-01", "call_centre", "phone", None, 20.0),
            (None, "2025-01-01", "home_page", "web", None, 5.0),
            ("  ", "2025-01-01", "home_page", "web", None, 5.0),
        ],
        columns=["customer_id", "time", "touchpoint", "channel", "amount", "cost"],
    ).astype({"time": "datetime64[us]"})


@pytest.fixture
def answers():
    return pd.DataFrame(
        [
            ("r1", "a", "spring", "2025-05-01", 9.0),
            ("r2", "a", "autumn", "2025-06-01", 2.0),  # later date, earlier wave
            ("r3", "7", "spring", "2025-05-01", 5.0),  # "007" of the log, spelled otherwise
            ("r4", "b", "spring", "2025-05-02", 8.0),
            ("r5", "b", "spring", "2025-05-01", 1.0),  # the same wave, earlier
            ("r6", "z", "spring", "2025-05-01", 3.0),
            ("r7", None, "spring", "2025-05-01", 4.0),
        ],
        columns=["respondent_id", "customer_id", "wave", "date", "nps"],
    ).astype({"date": "datetime64[us]"})


# kind 2: by hand


def test_audit_by_hand(small, log_rows, answers):
    found = link_silos(small, interactions=log_rows, survey=answers)
    row = found.audit.iloc[0].to_dict()

    assert (row["left"], row["right"], row["verdict"]) == ("contacts", "survey", "joined")
    assert (row["customers_left"], row["customers_right"]) == (4, 4)  # a b 007 c; a b 7 z
    assert (row["matched"], row["left_only"], row["right_only"]) == (2, 2, 2)
    assert (row["share_left"], row["share_right"]) == (0.5, 0.5)
    assert (row["rows_left"], row["rows_right"]) == (5, 6)
    assert row["share_rows_left"] == 3 / 5  # a, a, b
    assert row["share_rows_right"] == 4 / 6
    assert (row["several_left"], row["several_right"]) == (1, 2)
    assert row["spelled_otherwise"] == 1
    account = found.sources.set_index("source")
    assert account.loc["contacts", ["rows", "without_customer", "several"]].tolist() == [7, 2, 1]
    assert account.loc["survey", ["rows", "without_customer", "several"]].tolist() == [7, 1, 2]
    assert account.loc["survey", ["rows_used", "rows_not_used"]].tolist() == [4, 2]


def test_every_customer_has_one_row(small, log_rows, answers):
    table = link_silos(small, interactions=log_rows, survey=answers).table.set_index("customer_id")

    assert table.index.tolist() == ["007", "7", "a", "b", "c", "z"]
    assert table["in.contacts"].tolist() == [True, False, True, True, True, False]
    assert table["survey.nps"].to_dict() == pytest.approx(
        {"007": np.nan, "7": 5, "a": 9, "b": 8, "c": np.nan, "z": 3}, nan_ok=True
    )
    assert table["money.revenue"].dropna().to_dict() == {"007": 0, "a": 100, "b": 0, "c": 0}
    assert table.loc["a", "money.purchases"] == 1
    assert table.loc["c", "money.cost"] == 20
    assert np.isnan(table.loc["z", "contacts.count"])


def test_one_wave(small, log_rows, answers):
    found = link_silos(
        small, interactions=log_rows, survey=answers, wave="autumn", allow=["survey"]
    )

    assert found.table["survey.nps"].dropna().tolist() == [2.0]
    assert found.sources.set_index("source").loc["survey", "rows_not_used"] == 5
    with pytest.raises(JourneyError, match="Did you mean 'autumn'"):
        link_silos(small, interactions=log_rows, survey=answers, wave="autum")


def test_codes_count_turns_once_and_zero_is_not_missing(small, log_rows):
    said = pd.DataFrame(
        [("i1", 1, "interviewer", None), ("i1", 2, "participant", "a"),
         ("i1", 3, "participant", "a"), ("i2", 1, "participant", "b")],
        columns=["interview_id", "turn", "role", "customer_id"],
    )  # fmt: skip
    codings = pd.DataFrame(
        [("i1", 2, "A", "late"), ("i1", 2, "B", "late"), ("i1", 3, "A", "late"),
         ("i1", 1, "A", "late")],
        columns=["interview_id", "turn", "coder", "code"],
    )  # fmt: skip
    words = SimpleNamespace(utterances=said, codings=codings)
    found = link_silos(small, interactions=log_rows, interviews=words)
    late = found.table.set_index("customer_id")["interviews.late"]

    assert late["a"] == 2  # two coders of one turn; the interviewer's own turn is nobody's
    assert late["b"] == 0
    assert np.isnan(late["c"])


def test_a_nearly_empty_join_is_refused(small, log_rows, answers):
    other = answers.assign(customer_id=["A", "x1", "7", "x2", "x3", "x4", None])
    with pytest.raises(TooFewError, match=r"0 of 6 customers of survey.*2 more would match.*allow"):
        link_silos(small, interactions=log_rows, survey=other)
    found = link_silos(small, interactions=log_rows, survey=other, allow=["survey"])
    assert found.audit["verdict"].tolist() == ["nearly empty"]
    assert len(found.table) == 10
    with pytest.raises(JourneyError, match="Did you mean 'survey'"):
        link_silos(small, interactions=log_rows, survey=other, allow=["survy"])


def test_a_join_below_the_minimum_base_is_refused(study):
    def rows(names):
        return pd.DataFrame({"customer_id": names, "time": pd.Timestamp("2025-01-01"),
                             "touchpoint": "home_page"})  # fmt: skip

    log = rows([f"c{i}" for i in range(100)])
    answers = pd.DataFrame({"customer_id": [f"c{i}" for i in range(71, 141)], "nps": 1.0})
    with pytest.raises(TooFewError, match="29 of 70"):
        link_silos(study, interactions=log, survey=answers)
    few = answers.iloc[:20]  # fewer than the base in all: the share decides
    assert link_silos(study, interactions=log, survey=few).audit["matched"].tolist() == [20]


def test_ids_read_as_numbers_are_refused(small, log_rows, answers):
    wrong = answers.assign(customer_id=[1.0, 1.0, 7.0, 2.0, 2.0, 3.0, np.nan])
    with pytest.raises(ColumnError, match="6 of 6 ids of survey are float"):
        link_silos(small, interactions=log_rows, survey=wrong)
    twice = pd.DataFrame({"customer_id": ["a", "a"], "value": [1.0, 2.0]})
    with pytest.raises(ColumnError, match="one row per customer"):
        link_silos(small, interactions=log_rows, value=twice)


def test_spellings():
    left = pd.Index(["7", "A b", "۱۲", "x", "00"])
    right = pd.Index(["007", "ab", "12", "y"])

    assert find_alike(left, right) == [("7", "007"), ("A b", "ab"), ("۱۲", "12")]


# laws


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from("abcdef"), min_size=1, max_size=20),
    st.lists(st.sampled_from([*"defghi", None]), min_size=1, max_size=20),
)
def test_audit_laws_and_the_slow_way(study, ours, theirs):
    made = replace(study, privacy=replace(study.privacy, minimum_base=2))
    log = pd.DataFrame({"customer_id": ours, "time": pd.Timestamp("2025-01-01"),
                        "touchpoint": "home_page"})  # fmt: skip
    answers = pd.DataFrame({"customer_id": pd.Series(theirs, dtype="object"), "nps": 1.0})
    found = link_silos(made, interactions=log, survey=answers, allow=["survey"])
    row, known = found.audit.iloc[0], [name for name in theirs if name]
    a, b = set(ours), set(known)

    assert row["matched"] == len(a & b)
    assert (row["left_only"], row["right_only"]) == (len(a - b), len(b - a))
    assert row["rows_left"] * row["share_rows_left"] == pytest.approx(sum(x in b for x in ours))
    assert row["several_right"] == sum(known.count(x) > 1 for x in a & b)
    assert found.table["customer_id"].tolist() == sorted(a | b)
    used = found.sources.set_index("source").loc["survey"]
    assert used["rows"] == len(theirs)
    assert used["rows"] == used["without_customer"] + used["rows_used"] + used["rows_not_used"]


def test_inputs_are_left_alone(small, log_rows, answers):
    before = log_rows.copy(), answers.copy()
    link_silos(small, interactions=log_rows, survey=answers)
    pd.testing.assert_frame_equal(log_rows, before[0])
    pd.testing.assert_frame_equal(answers, before[1])


# paths


PATHS = {
    "straight": ["home_page", "payment", "courier_delivery"],
    "looper": ["home_page", "product_page", "home_page"],
    "repeats": ["home_page", "home_page", "payment"],  # in a row: no loop
    "complains": ["payment", "complaint"],  # purchase to support: not believed
    "once": ["shop_visit"],
    "back": ["payment", "home_page"],
}


def lay_out(study, paths, hours=24):
    rows = [
        {"customer_id": who, "time": pd.Timestamp("2025-01-01") + pd.Timedelta(hours=hours * i),
         "touchpoint": place}
        for who, path in paths.items()
        for i, place in enumerate(path)
    ]  # fmt: skip
    table = pd.DataFrame(rows).astype({"time": "datetime64[us]"})
    defined = {t.id: t for t in study.touchpoints}
    table["stage"] = table["touchpoint"].map(lambda x: defined[x].stage)
    table["channel"] = table["touchpoint"].map(lambda x: defined[x].channel)
    table[["amount", "cost", "seconds"]] = np.nan
    table = table.sort_values(["customer_id", "time"], kind="stable", ignore_index=True)
    return journey_log(SimpleNamespace(study=study, table=table)), table


def test_features_by_hand(small):
    log, _ = lay_out(small, PATHS)
    found = describe_paths(log, small).set_index("customer_id")

    def those(name):
        return sorted(found.index[found[name].eq(1)])

    assert those("looped") == ["looper"]
    assert those("stepped back") == ["back"]
    assert those("switched channel") == ["complains", "straight"]
    assert those("complained") == ["complains"]
    assert "visited:complaint" not in found.columns
    assert those("visited:home_page") == ["back", "looper", "repeats", "straight"]
    assert those("departed") == ["back", "complains"]
    assert found["departed"].isna().sum() == 2  # "looper" and "once" make no move between stages
    assert those("few contacts") == ["back", "complains", "once"]
    assert those("many contacts") == []  # ties go to the lower third
    assert found["waited longer than half"].isna().tolist().count(True) == 1


def test_features_the_slow_way(study, contacts):
    table = contacts.table[contacts.table["customer_id"] < "C1"]
    log = journey_log(SimpleNamespace(study=study, table=table))
    found = describe_paths(log, study).set_index("customer_id")
    order = {s: i for i, s in enumerate(study.stage_ids)}
    for who, rows in table.groupby("customer_id"):
        places, stages = rows["touchpoint"].tolist(), rows["stage"].tolist()
        moves = [(a, b) for a, b in pairwise(stages) if a != b]
        out = [b not in study.believed_moves.get(a, ()) for a, b in moves]
        loops = any(
            places[i] in places[: i - 1] and places[i] != places[i - 1]
            for i in range(2, len(places))
        )
        mine = found.loc[who]
        assert mine["looped"] == loops
        assert mine["stepped back"] == any(order[b] < order[a] for a, b in moves)
        assert mine["complained"] == ("complaint" in places)
        assert mine["visited:cart"] == ("cart" in places)
        assert np.isnan(mine["departed"]) if not moves else mine["departed"] == any(out)


# outcomes


def test_a_difference_of_means_is_welchs(study, contacts, linked):
    log = journey_log(contacts)
    found = measure_by_path(linked, log, study, outcome="revenue")
    row = found.table[found.table["feature"].eq("complained")].iloc[0]
    who = set(contacts.table.loc[contacts.table["touchpoint"].eq("complaint"), "customer_id"])
    paid = contacts.table[contacts.table["touchpoint"].isin(study.events.purchase)]
    revenue = paid.groupby("customer_id")["amount"].sum().reindex(
        contacts.table["customer_id"].unique(), fill_value=0.0
    )  # fmt: skip
    mine = revenue.index.isin(list(who))
    theirs = stats.ttest_ind(revenue[mine], revenue[~mine], equal_var=False)

    assert row["with_n"] == len(who)
    assert row["estimate"] == pytest.approx(revenue[mine].mean() - revenue[~mine].mean())
    assert row["p_value"] == pytest.approx(theirs.pvalue)
    assert (row["low"], row["high"]) == pytest.approx(tuple(theirs.confidence_interval()))
    assert not found.table["of"].isin(study.events.purchase).any()
    holm = adjust_holm(found.table["p_value"].to_numpy())
    assert found.table["p_holm"].to_numpy() == pytest.approx(holm, nan_ok=True)


def test_contacts_after_the_answer_do_not_count(small):
    log, table = lay_out(small, {f"c{i}": ["home_page", "complaint"] for i in range(6)})
    days = ["2025-01-01", "2025-01-01", "2025-01-01", "2025-01-02", "2025-01-02", "2024-12-31"]
    answers = pd.DataFrame({"customer_id": [f"c{i}" for i in range(6)], "date": days,
                            "nps": [9.0, 10, 8, 0, 1, 5]}).astype(
        {"date": "datetime64[us]"})  # fmt: skip
    made = link_silos(small, interactions=table, survey=answers)
    found = measure_by_path(made, log, small, outcome="nps")
    row = found.table[found.table["feature"].eq("complained")].iloc[0]

    assert (row["with_n"], row["without_n"], found.left_out) == (2, 3, 1)
    assert (row["with"], row["without"]) == pytest.approx((-100, 100 * 2 / 3))


def test_small_groups_are_not_tested(study, contacts, linked):
    found = measure_by_path(linked, journey_log(contacts), study, outcome=["nps", "csat_overall"])
    few = found.table[found.table[["with_n", "without_n"]].min(axis=1) < 30]

    assert len(few) > 0
    assert few[["estimate", "low", "high", "p_value", "alike"]].isna().all(axis=None)
    assert few["method"].eq("too few (n < 30)").all()
    assert "association, not proof of cause" in found.summary()
    assert f"({found.table['method'].str.startswith('too').sum()} more rest on" in found.summary()
    told = replace(found, table=found.table[found.table["p_value"].notna()])
    assert "more rest on too few" not in told.summary()


def test_departures_by_hand(small):
    log, table = lay_out(small, PATHS | {"also": ["home_page", "payment"]})
    money = pd.DataFrame({"customer_id": [*PATHS, "also"],
                          "value": [10.0, 1, 20, 4, 0, 8, 30]})  # fmt: skip
    made = link_silos(small, interactions=table, value=money)
    found = cost_departures(made, log, small, outcome="value").table.set_index(["feature", "of"])
    row = found.loc[("departed", "")]

    assert (row["with_n"], row["without_n"]) == (2, 3)  # no move, no row: "once", "looper"
    assert row["estimate"] == pytest.approx((4 + 8) / 2 - (10 + 20 + 30) / 3)
    assert found.loc[("move", "purchase > support"), "with_n"] == 1
    assert found.loc[("move", "purchase > support"), "method"] == "too few (n < 2)"


def test_alike_takes_out_the_length_of_the_path(study):
    # The outcome rests on the number of contacts alone, and so does the feature.
    rng, inside, plain = np.random.default_rng(4), 0, []
    for _ in range(300):
        contacts = rng.integers(1, 9, 600)
        y = contacts + rng.normal(0, 2, 600)
        hit = (rng.random(600) < contacts / 10).astype(float)
        row = _compare_alike(
            y, np.ones(600), hit, band=contacts.astype(np.int64), kind="mean", study=study
        )
        inside += row["alike_low"] <= 0 <= row["alike_high"]
        plain.append(y[hit == 1].mean() - y[hit == 0].mean())
    assert 0.91 <= inside / 300 <= 0.98
    assert min(plain) > 0.5


def test_alike_by_hand(small):
    y = np.array([1.0, 3, 2, 2, 10, 12, 10, 14, 16])
    hit = np.array([1.0, 1, 0, 0, 1, 1, 0, 0, 0])
    band = np.array([0, 0, 0, 0, 5, 5, 5, 5, 5])
    row = _compare_alike(y, np.ones(9), hit, band=band, kind="mean", study=small)
    weights = np.array([1.0, 6 / 5])
    gap = weights @ np.array([0.0, 11 - 40 / 3]) / weights.sum()
    errors = np.array([1.0, 1 + np.var([10, 14, 16], ddof=1) / 3])  # squared
    half = stats.norm.ppf(0.975) * np.sqrt(weights**2 @ errors) / weights.sum()

    assert row["alike"] == pytest.approx(gap)
    assert row["alike_high"] - row["alike"] == pytest.approx(half)
    assert row["alike_n"] == 9


def test_errors_say_what_to_do(study, contacts, linked):
    log = journey_log(contacts)
    with pytest.raises(JourneyError, match="Did you mean 'csat_overall'"):
        measure_by_path(linked, log, study, outcome="csat_overal")
    other = code_events(["x"], [0], ["home_page"])
    with pytest.raises(TooFewError, match="Are the ids of the log"):
        measure_by_path(linked, other, study, outcome="nps")
    with pytest.raises(MissingSourceError, match="believed_journey"):
        cost_departures(linked, log, replace(study, believed_moves={}), outcome="nps")


# the shipped study and the pictures


def test_the_shipped_study_links_whole(linked):
    found = linked.audit.set_index(["left", "right"])

    assert found.loc[("contacts", "survey"), "matched"] == 784
    assert found.loc[("contacts", "interviews"), "matched"] == 24
    assert found["verdict"].eq("joined").all()
    assert linked.table["customer_id"].is_unique
    assert "784 of 784 customers of survey (100.0%)" in linked.summary()


@pytest.mark.parametrize("language", ["en", "fa"])
def test_pictures_show_the_tables(study, contacts, linked, language):
    spoken = replace(study, language=language)
    found = measure_by_path(linked, journey_log(contacts), spoken, outcome="nps")
    ax = found.plot()
    dots = np.concatenate([c.get_offsets()[:, 0] for c in ax.collections if len(c.get_offsets())])
    joins = replace(linked, language=language).plot()
    widths = [bar.get_width() for bar in joins.patches[: len(linked.audit)]]

    for value in found.table["estimate"].head(14):
        assert np.isclose(dots, value).any()
    assert widths == linked.audit["left_only"].tolist()
    with pytest.raises(JourneyError, match="outcome must be one of"):
        found.plot(outcome="survey.np")
