"""Research design: sizes against printed values and the kit's own intervals; words; coverage."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjlib.codebook import KINDS, METRICS, Codebook, Item
from cjlib.definitions import Text
from cjlib.design import (
    check_coverage,
    list_wordings,
    plan_sample,
    size_for_difference,
    size_for_mean,
    size_for_nps,
    size_for_share,
)
from cjlib.design.sample import count_invitations
from cjlib.errors import JourneyError
from cjlib.intervals import estimate_difference, estimate_mean, estimate_nps, estimate_share
from cjlib.language import SCALES
from cjlib.study import load_study
from cjlib.survey import read_value

shares = st.floats(0.0, 1.0)


# printed values


def test_share_matches_the_textbook():
    # Cochran (1977), 4.4: n0 = z^2 pq / d^2; 384.15 and, with 4.5, 277.7 of 1,000 people;
    # Krejcie and Morgan (1970), table 1: 278 of 1,000, 370 of 10,000, 80 of 100.
    assert size_for_share(0.05).n == 385
    assert [size_for_share(0.05, population=n).n for n in (100, 1_000, 10_000)] == [80, 278, 370]
    assert size_for_share(0.03).n == 1_068
    for people in range(2, 400):
        endless = 384.1458820694124
        cochran = math.ceil(endless / (1 + (endless - 1) / people))
        assert size_for_share(0.05, population=people).n == cochran
    assert size_for_share(0.05, level=0.99).n == 664  # 2.5758^2 / 0.01 = 663.5


def test_means_differ_as_r_says():
    # R, ?power.t.test: power = .90, delta = 1 gives n = 22.02.
    assert size_for_difference(1.0, sd=1.0, power=0.9).n == 23
    # Cohen (1988), table 2.4.1, two-tailed .05, power .80: d = .50 64, d = .80 26.
    assert size_for_difference(0.5, sd=1.0).n == 64
    assert size_for_difference(0.8, sd=1.0).n == 26


def test_shares_differ_as_r_says():
    # R, ?power.prop.test: p1 = .50, p2 = .75, power = .90 gives n = 76.7.
    assert size_for_difference(0.25, share=0.5, power=0.9).n == 77
    # its normal formula by hand for .5 against .6, power .8: 387.3
    assert size_for_difference(0.1, share=0.5).n == 388
    # and for .05 against .10: (1.96 sqrt(2 (.075)(.925)) + .8416 sqrt(.1375))^2 / .0025 = 434.4
    assert size_for_difference(0.05, share=0.05).n == 435


# the interval the kit will report: narrow enough at n, too wide at n - 1


@given(shares, st.floats(0.01, 0.3), st.sampled_from([0.8, 0.95, 0.99]))
def test_share_of_that_size_is_as_exact_as_promised(share, margin, level):
    def half(n: int) -> tuple[float, float]:
        found = estimate_share(share * n, n, level=level)
        z = {0.8: 1.2815515655, 0.95: 1.9599639845, 0.99: 2.5758293035}[level]
        return (found.high - found.low) / 2, z * math.sqrt(share * (1 - share) / n)

    n = size_for_share(margin, share=share, level=level).n

    assert max(half(n)) <= margin + 1e-9
    assert n == 1 or max(half(n - 1)) > margin - 1e-9


@given(st.floats(0.1, 3.0), st.floats(0.05, 1.0), st.sampled_from([0.9, 0.95]))
def test_mean_of_that_size_is_as_exact_as_promised(sd, margin, level):
    def half(n: int) -> float:
        values = np.arange(n, dtype=float)
        values *= sd / values.std(ddof=1)
        found = estimate_mean(values, level=level)
        return (found.high - found.low) / 2

    n = size_for_mean(margin, sd=sd, level=level).n

    assert half(n) <= margin * (1 + 1e-9)
    assert n == 2 or half(n - 1) > margin * (1 - 1e-9)


@given(st.integers(0, 20), st.integers(0, 20), st.floats(2, 40))
def test_nps_of_that_size_is_as_exact_as_promised(up, down, margin):
    promoters, detractors = up / 40, down / 40

    def half(n: int) -> float:  # from the definition: three answers added
        p, d = (promoters * n + 0.75) / (n + 3), (detractors * n + 0.75) / (n + 3)
        return 100 * 1.9599639845400545 * math.sqrt((p + d - (p - d) ** 2) / (n + 3))

    n = size_for_nps(margin, promoters=promoters, detractors=detractors).n

    assert half(n) <= margin + 1e-9
    assert all(half(k) > margin - 1e-9 for k in {1, n // 2, n - 1} if 0 < k < n)


def test_nps_of_that_size_by_the_interval_itself():
    n = size_for_nps(5).n  # worst case: half and half
    found = estimate_nps(np.tile([0.0, 10.0], n // 2 + 1)[:n])
    fewer = estimate_nps(np.tile([0.0, 10.0], n // 2 + 1)[: n - 1])

    assert (found.high - found.low) / 2 <= 5 < (fewer.high - fewer.low) / 2
    assert n == 1_533  # 100^2 z^2 / 25 = 1,536.6, less the three answers added
    assert n > size_for_nps(5, promoters=0.4, detractors=0.2).n


def test_difference_is_seen_as_often_as_promised():
    rng = np.random.default_rng(7)
    n = size_for_difference(0.1, share=0.4).n
    first, second = rng.binomial(n, 0.4, 2_000), rng.binomial(n, 0.5, 2_000)
    seen = [
        estimate_difference(estimate_share(a, n), estimate_share(b, n)).low > 0
        for a, b in zip(first, second, strict=True)
    ]
    mean = size_for_difference(0.4, sd=1.2).n
    found = [
        estimate_difference(
            estimate_mean(rng.normal(3.0, 1.2, mean)), estimate_mean(rng.normal(3.4, 1.2, mean))
        ).low
        > 0
        for _ in range(2_000)
    ]

    assert 0.77 < np.mean(seen) < 0.83
    assert 0.77 < np.mean(found) < 0.83


def test_difference_of_nps_is_seen_as_often_as_promised():
    rng = np.random.default_rng(8)
    n = size_for_difference(10, promoters=0.4, detractors=0.2).n
    answers, base = np.array([10.0, 8.0, 5.0]), [0.4, 0.4, 0.2]
    better = [0.45, 0.40, 0.15]
    seen = [
        estimate_difference(
            estimate_nps(rng.choice(answers, n, p=base)),
            estimate_nps(rng.choice(answers, n, p=better)),
        ).low
        > 0
        for _ in range(1_000)
    ]

    assert 0.76 < np.mean(seen) < 0.86


# changes with a known effect


@given(shares, st.floats(0.02, 0.2), st.integers(2, 5_000))
def test_few_people_need_fewer_answers(share, margin, people):
    endless = size_for_share(margin, share=share).n
    drawn = size_for_share(margin, share=share, population=people)

    assert drawn.n <= min(endless, people)
    assert size_for_mean(margin, sd=0.5, population=people).n <= people
    assert size_for_nps(100 * margin, population=people).n <= people
    assert drawn.possible


def test_population_by_hand():
    # Cochran 4.8 for a mean: n0 / (1 + n0 / N); t with 279 degrees of freedom is 1.9685, so
    # n0 = t^2 sd^2 / d^2 = 387.5, and of N = 1,000 people 279.3.
    assert size_for_mean(0.1, sd=1.0).n == 387
    assert size_for_mean(0.1, sd=1.0, population=1_000).n == 280
    # NPS: 1,533 answers of very many people are 1,533 N / (N - 1 + 1,533) = 868.06 of 2,000;
    # 1,533 was itself rounded up, so that 868 will do.
    assert size_for_nps(5, population=2_000).n == 868


def test_design_effect_and_answers_that_do_not_come():
    plain, twice = size_for_share(0.05), size_for_share(0.05, design_effect=2)
    invited = size_for_share(0.05, response_rate=0.3)
    short = size_for_share(0.05, population=500, response_rate=0.3)

    assert plain.n == plain.invitations == 385
    assert twice.n == 769  # twice 384.15, rounded up
    assert invited.invitations == 1_284  # 385 / 0.3 = 1,283.3
    assert count_invitations(9, 0.009) == 1_000  # not 1,001 for a rounding error
    assert not short.possible
    assert "not as many people" in short.explain()
    assert size_for_difference(0.5, sd=1.0, design_effect=2).n == 128  # 2 x 63.77


def test_summary_says_what_is_assumed():
    size = size_for_nps(5, promoters=0.4, detractors=0.2, population=9_000, response_rate=0.25)
    two = size_for_difference(0.025, share=0.3, design_effect=1.5)

    assert size.summary() == (
        "783 answers tell an NPS to within 5 on either side (95 % interval); "
        "at a response rate of 25 %, invite 3,132 people."
    )
    assert "0.4 promoters and 0.2 detractors" in size.explain()
    assert "9,000 people" in size.explain()
    assert "0.025" in two.summary()
    assert "80 %" in two.explain()
    assert "by 1.5" in two.explain()
    for told in (size.summary("fa"), size.explain("fa"), two.summary("fa"), two.explain("fa")):
        assert not set("0123456789") & set(told)


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: size_for_share(5), "margin=0.05"),
        (lambda: size_for_share(0.05, share=40), "40 % as 0.4"),
        (lambda: size_for_share(0.05, level=95), "level=0.95"),
        (lambda: size_for_share(0.05, population=0), "2 people or more"),
        (lambda: size_for_share(0.05, response_rate=20), "20 % as 0.2"),
        (lambda: size_for_share(0.05, design_effect=0), "simple random"),
        (lambda: size_for_share(1e-9), "right unit"),
        (lambda: size_for_mean(0, sd=1), "above 0"),
        (lambda: size_for_mean(0.1, sd=-1), "earlier wave"),
        (lambda: size_for_nps(5, promoters=0.4), "given together"),
        (lambda: size_for_nps(5, promoters=0.7, detractors=0.6), r"promoters \+ detractors"),
        (lambda: size_for_nps(200), "below 100"),
        (lambda: size_for_difference(0.1), "Say what is compared"),
        (lambda: size_for_difference(0.1, share=0.5, sd=1), "Say what is compared"),
        (lambda: size_for_difference(0, sd=1), "other than 0"),
        (lambda: size_for_difference(0.6, share=0.5), r"share \+ difference"),
        (lambda: size_for_difference(0.1, sd=1, power=80), "power=0.8"),
    ],
)
def test_what_cannot_be_is_refused_with_a_remedy(ask, says):
    with pytest.raises(JourneyError, match=says):
        ask()


# the table for a notebook


def test_plan_holds_the_single_answers():
    table = plan_sample(population=20_000, response_rate=0.1)
    five = table[table["points"].eq(5).fillna(False)].set_index("margin")

    assert len(table) == 4 * 6
    assert table["measure"].nunique() == 6
    assert five.index.tolist() == pytest.approx([0.4, 0.2, 0.12, 0.08])
    assert five["n"].iloc[1] == size_for_mean(0.2, sd=math.sqrt(2), population=20_000).n
    assert table.groupby("measure")["n"].apply(lambda n: n.is_monotonic_increasing).all()
    assert (table["invitations"] >= table["n"] * 10).all()
    assert table.loc[~table["possible"], "invitations"].gt(20_000).all()
    with pytest.raises(JourneyError, match="empty"):
        plan_sample(margins=[])


def test_plan_follows_the_study(sepidar):
    study = load_study(sepidar)
    table = plan_sample(replace(study, language="fa", level=0.9), margins=[0.05])

    assert table["points"].dropna().tolist() == [5, 7]  # its scales; NPS apart
    assert table["level"].eq(0.9).all()
    assert table["measure"].iloc[0] == "یک سهم"
    assert table["n"].iloc[0] == 271  # 1.6449^2 / 0.01 = 270.6


# wordings


def test_wordings_come_in_both_languages_with_a_source():
    table = list_wordings()

    assert set(table["language"]) == {"en", "fa"}
    assert table.groupby("id").size().eq(2).all()
    assert set(table["kind"]) <= set(KINDS)
    assert set(table["metric"]) <= set(METRICS)
    assert set(table["scale"]) <= {"", *SCALES}
    assert (table[["question", "source", "note"]] != "").all().all()
    assert table[table["metric"].ne("")]["direction"].ne("").all()
    persian = table[table["language"].eq("fa")]
    assert persian["question"].str.contains("[\u0600-\u06ff]").all()
    assert not persian["question"].str.contains("[يك]").any()


def test_wordings_of_a_metric():
    nps = list_wordings("nps", language="en", brand="Sepidar")
    ces = list_wordings("ces", language="fa").set_index("id")

    assert nps["id"].tolist() == ["nps_relation", "nps_contact", "why"]
    assert nps["question"].iloc[0].count("Sepidar") == 1
    assert nps.loc[nps["metric"].eq("nps"), ["low", "high"]].to_numpy().tolist() == [[0, 10]] * 2
    assert "Reichheld" in nps["source"].iloc[0]
    assert ces.loc["ces_effort", "direction"] == "high is hard"
    assert ces.loc["ces_ease", "direction"] == ces.loc["ces_agreement", "direction"]
    assert ces.loc["ces_ease", ["low", "high"]].tolist() == [1, 7]
    with pytest.raises(JourneyError, match="Did you mean 'csat'"):
        list_wordings("csta")
    with pytest.raises(JourneyError, match="'en' or 'fa'"):
        list_wordings(language="de")


def test_the_kit_reads_the_answers_its_wordings_ask_for():
    table = list_wordings()
    rated = table[table["kind"].eq("scale") & table["scale"].ne("")]

    assert len(rated) > 10
    for row in rated.itertuples():
        item = Item(row.id, "scale", scale=row.scale, low=row.low, high=row.high)
        if row.high in (5, 7):  # scale words know five and seven points
            assert read_value(row.low_label, item).text == str(int(row.low)), row
            assert read_value(row.high_label, item).text == str(int(row.high)), row


# coverage


def test_the_shipped_study_covers_all_but_how_people_decide(sepidar):
    found = check_coverage(load_study(sepidar))
    table = found.table.set_index("topic")

    assert table.index[table["missing"]].tolist() == ["how they decide"]
    assert table.loc["age", "items"] == "age"
    assert table.loc["pains", "n"] == 4
    # by its own stage, or by its touchpoint's (csat_checkout names no stage)
    assert "csat_checkout" in table.loc["Purchase", "items"]
    assert found.summary() == "The codebook answers 26 of the 27 questions; missing: decide."
    assert "Before I buy" in table.loc["how they decide", "add"]
    assert table["add"].ne("").sum() == 1


def test_an_empty_codebook_lacks_everything(sepidar):
    study = replace(load_study(sepidar), codebook=Codebook(), language="fa", waves=())
    table = check_coverage(study).table

    assert table["missing"].all()
    assert table["n"].eq(0).all()
    assert table["add"].ne("").all()
    assert not table["add"].str.contains("[{}]").any()
    assert table["question"].str.contains("[\u0600-\u06ff]").all()
    nps = table.loc[table["topic"].eq("NPS"), "add"].iloc[0]
    assert "سپیدار" in nps
    assert "۱۰ =" in nps


def test_what_answers_and_what_does_not(sepidar):
    items = (
        Item("zip", "personal", role="description", question=Text("Your city")),  # never read
        Item("sj", "nominal", role="description", question=Text(fa="از سن‌خوزه پرواز کردید؟")),
        Item("stage_age", "nominal", role="behaviour", question=Text("How old is your phone?")),
        Item("home", "nominal", role="description", question=Text("Where do you live?")),
        Item("courier", "scale", metric="csat", touchpoint="courier_delivery", low=1, high=5),
        Item("looks", "nominal", role="behaviour", stage="consideration"),
        Item("slot", "scale", role="need", touchpoint="courier_delivery", low=1, high=5),
    )
    study = replace(load_study(sepidar), codebook=Codebook(items))
    table = check_coverage(study).table.set_index("topic")

    assert table.loc["place", "items"] == "home"
    assert table.loc["age", "missing"]  # «سن‌خوزه» is San Jose; a phone's age is nobody's
    assert table.loc["experiences", "items"] == "courier"  # a need is no experience
    assert table.loc["feelings", "items"] == "courier"
    assert table.loc["how they decide", "items"] == "looks"
    assert table.loc["Delivery", "items"] == "courier, slot"
    assert table.loc["date", "items"] == "study.yaml: survey.waves.date"
    effort = replace(study, positions=replace(study.positions, ces="effort"))
    asked = check_coverage(effort).table.set_index("topic").loc["CES", "add"]
    assert "effort" in asked


@pytest.mark.real
def test_sfo_airport_lacks_what_its_documents_lack(root, shared_data):
    study = load_study(root / "data" / "sfo_airport", raw=shared_data / "sfo_airport_survey")
    table = check_coverage(study).table.set_index("topic")

    assert not table.loc[["age", "gender", "place", "socio-economic state"], "missing"].any()
    assert not table.loc[["NPS", "CSAT", "CES"], "missing"].any()
    assert table.loc["how they decide", "missing"]  # checking a bag decides nothing
    assert table.loc[["needs", "consent", "attention check", "duration"], "missing"].all()
    assert table.loc["age", "items"] == "age"
