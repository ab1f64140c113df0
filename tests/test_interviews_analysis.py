"""What coded interviews show: agreement, counts, saturation, quotes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cjlib.errors import JourneyError, TooFewError
from cjlib.interviews import (
    Interviews,
    cohen_kappa,
    count_codes,
    count_together,
    krippendorff_alpha,
    measure_agreement,
    measure_saturation,
    pick_quotes,
)

# Krippendorff, K. (2011). Computing Krippendorff's Alpha-Reliability, section C: four
# observers, twelve units, missing judgements. Printed: nominal .743, ordinal .815,
# interval .849, ratio .797.
X = np.nan
CANONICAL = np.array([
    [1, 2, 3, 3, 2, 1, 4, 1, 2, X, X, X],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, X, 3],
    [X, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, X],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, X],
])  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "printed"),
    [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)],
)
def test_alpha_matches_krippendorff_2011(metric, printed):
    assert krippendorff_alpha(CANONICAL, metric=metric) == pytest.approx(printed, abs=0.0005)


def slow_alpha(values):
    """Nominal alpha pair by pair, from the definition."""
    units = [[v for v in unit if not np.isnan(v)] for unit in values.T]
    units = [u for u in units if len(u) >= 2]
    n = sum(map(len, units))
    observed = sum(
        sum(u[i] != u[j] for i in range(len(u)) for j in range(len(u)) if i != j) / (len(u) - 1)
        for u in units
    ) / n  # fmt: skip
    flat = [v for u in units for v in u]
    expected = sum(a != b for a in flat for b in flat) / (n * (n - 1))
    return 1 - observed / expected if expected else np.nan


cells = st.sampled_from([0.0, 1.0, 2.0, np.nan])


@given(st.lists(st.lists(cells, min_size=3, max_size=3), min_size=2, max_size=8))
def test_alpha_the_slow_way_and_its_laws(units):
    values = np.array(units).T
    if not (np.sum(~np.isnan(values), axis=0) >= 2).any():
        assert np.isnan(krippendorff_alpha(values))
        return

    found = krippendorff_alpha(values)

    assert found == pytest.approx(slow_alpha(values), abs=1e-12, nan_ok=True)
    assert np.isnan(found) or found <= 1
    shuffled = krippendorff_alpha(values[::-1, ::-1])
    assert shuffled == pytest.approx(found, abs=1e-12, nan_ok=True)


def test_kappa_by_hand():
    first = [1] * 25 + [0] * 25
    second = [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    # agreement .70; chance .5 * .6 + .5 * .4 = .50; (.70 - .50) / (1 - .50) = .40
    assert cohen_kappa(first, second) == pytest.approx(0.40)
    assert cohen_kappa([*first, np.nan], [*second, 1]) == pytest.approx(0.40)
    assert np.isnan(cohen_kappa([1, 1], [1, 1]))
    with pytest.raises(JourneyError, match="metric must be one of"):
        krippendorff_alpha(CANONICAL, metric="ordnial")


def make(codings, *, turns=20, text="A plain sentence that is long enough to be quoted here."):
    """Interviews from (interview, turn, coder, code[, stage, valence]) rows."""
    rows = [(*row, "", np.nan)[:6] if len(row) < 6 else row for row in codings]
    frame = pd.DataFrame(
        rows, columns=["interview_id", "turn", "coder", "code", "stage", "valence"]
    ).assign(touchpoint=pd.NA, quote="")  # fmt: skip
    names = sorted(frame["interview_id"].unique())
    spoken = pd.DataFrame(
        [(i, f"P{i}", f"C{i}", t, "participant-1", "participant", np.nan, f"{text} {i} {t}",
          "en", True) for i in names for t in range(1, turns + 1)],
        columns=["interview_id", "participant", "customer_id", "turn", "speaker", "role",
                 "start_s", "text", "language", "consent"],
    )  # fmt: skip
    people = spoken.drop_duplicates("interview_id").assign(age="", gender="f", place="")
    codes = pd.DataFrame({"code": frame["code"].drop_duplicates()})
    none = pd.DataFrame()
    return Interviews(spoken, frame, codes, people, none, none, none)


def coded_pair(table, *, code="x"):
    """Two coders' yes/no judgements of one interview's turns."""
    rows = [("i1", t, who, code) for who, judged in table.items() for t, v in judged.items() if v]
    other = [("i1", 1, who, "other") for who in table]  # so that both worked on it
    return rows + other


def test_agreement_equals_alpha_and_kappa_of_the_turns():
    rng = np.random.default_rng(1)
    a, b = rng.random((2, 60)) < 0.4
    b = np.where(rng.random(60) < 0.7, a, b)
    rows = coded_pair({"a": dict(enumerate(a, 1)), "b": dict(enumerate(b, 1))})
    table = measure_agreement(make(rows, turns=60), rng=np.random.default_rng(2)).table
    found = table[table["code"] == "x"].set_index("measure")

    judged = np.array([a, b], dtype=float)
    assert found.loc["alpha", "estimate"] == pytest.approx(krippendorff_alpha(judged))
    assert found.loc["kappa", "estimate"] == pytest.approx(cohen_kappa(*judged))
    assert (found["n"] == 60).all()
    assert (found["low"] < found["estimate"]).all()
    assert (found["estimate"] < found["high"]).all()
    pooled = table.set_index(["code", "measure"]).loc["all codes", "alpha"]["estimate"]
    both = np.hstack([judged, np.array([[1.0] + [0] * 59] * 2)])
    assert pooled == pytest.approx(krippendorff_alpha(both))


def test_agreement_says_when_it_cannot_tell():
    few = make([("i1", 1, "a", "x"), ("i1", 1, "b", "x")], turns=5)
    table = measure_agreement(few, rng=np.random.default_rng(1)).table
    assert table["estimate"].isna().all()
    assert set(table["method"]) == {"too few (n < 30)"}
    alone = make([("i1", 1, "a", "x"), ("i2", 1, "b", "x")])
    with pytest.raises(TooFewError, match="second person"):
        measure_agreement(alone, rng=np.random.default_rng(1))


def test_disagreements_name_each_coder():
    rows = [("i1", 1, "a", "x"), ("i1", 2, "a", "x"), ("i1", 2, "b", "x"), ("i2", 1, "a", "x")]
    found = measure_agreement(make(rows), rng=np.random.default_rng(1)).disagreements

    assert found[["interview_id", "turn", "code", "coder", "applied"]].values.tolist() == [
        ["i1", 1, "x", "a", True], ["i1", 1, "x", "b", False]
    ]  # fmt: skip


@pytest.mark.slow
def test_agreement_interval_covers_the_truth():
    # Two coders, each turn truly yes with .3, each right with .9: agreement .82 on average,
    # shares .34: kappa of the endless supply = (.82 - .5512) / (1 - .5512) = .5989.
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(200):
        truth = rng.random(150) < 0.3
        a, b = (np.where(rng.random(150) < 0.9, truth, ~truth) for _ in range(2))
        rows = coded_pair({"a": dict(enumerate(a, 1)), "b": dict(enumerate(b, 1))})
        table = measure_agreement(make(rows, turns=150), rng=rng).table
        row = table[(table["code"] == "x") & (table["measure"] == "kappa")].iloc[0]
        hits += row["low"] <= 0.5989 <= row["high"]
    assert 0.90 <= hits / 200 <= 0.99


def test_counts_are_of_interviews_not_turns():
    rows = [("i1", t, c, "slow", "delivery", -1) for t in (1, 2, 3) for c in "ab"]
    rows += [("i2", 1, "a", "slow", "purchase", 1), ("i3", 1, "a", "fair", "purchase", 1),
             ("i4", 1, "a", "fair", "", 1), ("i5", 1, "a", "fair", "", 1)]  # fmt: skip
    found = make(rows)

    table = count_codes(found).table.set_index("code")
    assert table.loc["slow", ["mentions", "turns", "n"]].tolist() == [2, 4, 5]
    # Wilson by hand for 2 of 5: (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n)
    assert table.loc["slow", ["low", "high"]].tolist() == pytest.approx([0.1176, 0.7693], abs=5e-5)
    stages = count_codes(found, by="stage").table
    assert stages[stages["stage"] == "delivery"][["code", "mentions", "n"]].values.tolist() == [
        ["slow", 1, 5]
    ]  # fmt: skip
    together = count_together(found).table
    assert together[["both", "either"]].values.tolist() == [[0, 5]]


def test_counts_by_persona_take_the_personas_participants_as_base():
    rows = [(f"i{k}", 1, "a", "slow" if k < 4 else "fair") for k in range(1, 9)]
    personas = pd.Series({f"Ci{k}": "p1" if k <= 5 else "p2" for k in range(1, 8)})
    table = count_codes(make(rows), by="persona", personas=personas).table

    assert table[["persona", "code", "mentions", "n"]].values.tolist() == [
        ["p1", "slow", 3, 5], ["p1", "fair", 2, 5], ["p2", "fair", 2, 2]
    ]  # fmt: skip
    assert table["method"].tolist()[2] == "too few (n < 5)"
    with pytest.raises(JourneyError, match="needs personas"):
        count_codes(make(rows), by="persona")
    with pytest.raises(JourneyError, match="Did you mean 'stage'"):
        count_codes(make(rows), by="stagee")


# codes of each interview: base 4 hears a..h (8); then run (5, 6) hears i (1/8), run (6, 7)
# nothing new after i came in 5.
HEARD = ["abc", "cde", "fg", "gh", "hi", "a", "bc", "j"]


def saturated(heard):
    return make([(f"i{k}", 1, "a", c) for k, codes in enumerate(heard, 1) for c in codes])


def test_saturation_by_hand():
    found = measure_saturation(saturated(HEARD), rng=np.random.default_rng(1))

    assert found.table["codes"].tolist() == [3, 5, 7, 8, 9, 9, 9, 10]
    assert found.table["new_codes"].tolist() == [3, 2, 2, 1, 1, 0, 0, 1]
    shares = found.table["share"].tolist()
    assert shares[5:] == [1 / 8, 0, 1 / 8]
    assert np.isnan(shares[:5]).all()
    assert found.reached.estimate == 5  # 5+2
    assert "Saturated after 5+2 of 8" in found.summary()
    loose = measure_saturation(saturated(HEARD), rng=np.random.default_rng(1), threshold=0.2)
    assert loose.reached.estimate == 4
    never = measure_saturation(
        saturated(["a", "b", "c", "d", "e", "f", "g"]), rng=np.random.default_rng(1)
    )
    assert np.isnan(never.reached.estimate)
    assert never.share_reached == 0
    assert "Not saturated after 7" in never.summary()


@settings(max_examples=25)
@given(st.lists(st.text(alphabet="abcdef", min_size=1, max_size=4), min_size=6, max_size=9))
def test_saturation_laws(heard):
    table = measure_saturation(saturated(heard), rng=np.random.default_rng(1)).table

    assert table["codes"].tolist() == [
        len(set("".join(heard[:k]))) for k in range(1, len(heard) + 1)
    ]
    last = table.iloc[-1]
    assert last["low"] == last["high"] == last["codes"]  # every order ends with all codes
    assert table["estimate"].is_monotonic_increasing


def test_saturation_needs_enough_interviews():
    with pytest.raises(TooFewError, match="there are 3"):
        measure_saturation(saturated(["a", "b", "c"]), rng=np.random.default_rng(1))


def test_quotes_follow_the_rule():
    rows = [("i1", 1, "a", "slow", "delivery", -1), ("i2", 1, "a", "slow", "delivery", -1),
            ("i2", 2, "a", "rare", "delivery", -1), ("i3", 1, "a", "slow", "delivery", 1),
            ("i1", 2, "a", "slow", "delivery", -1)]  # fmt: skip
    found = make(rows)
    quotes = pick_quotes(found, n=3)

    assert quotes.table[["interview_id", "turn", "kind"]].values.tolist() == [
        ["i1", 1, "typical"], ["i2", 1, "typical"], ["i3", 1, "dissenting"]
    ]  # fmt: skip
    assert pick_quotes(found, code="rare").table["turn"].tolist() == [2]
    assert pick_quotes(found, customers=["Ci2"]).table["interview_id"].tolist() == ["i2", "i2"]
    assert pick_quotes(found, stage="purchase").table.empty


def test_quotes_respect_consent_and_length():
    rows = [(f"i{k}", 1, "a", "slow") for k in (1, 2, 3)]
    found = make(rows)
    found.utterances.loc[found.utterances["interview_id"] == "i1", "consent"] = False
    found.utterances.loc[found.utterances["interview_id"] == "i2", "text"] = "Too short."
    assert pick_quotes(found).table["interview_id"].tolist() == ["i3"]
    found.utterances.loc[found.utterances["interview_id"] == "i3", "role"] = "interviewer"
    assert pick_quotes(found).table.empty


def test_plots_show_the_tables_numbers():
    rows = [("i1", t, c, "slow") for t in range(1, 15) for c in "ab"]
    rows += [(f"i{k}", 1, "a", "fair") for k in range(2, 8)] + [("i1", 20, "a", "slow")]
    found = make(rows, turns=40)

    counts = count_codes(found)
    widths = sorted(p.get_width() for p in counts.plot().patches)
    assert widths == pytest.approx(sorted(counts.table["estimate"]))
    agreement = measure_agreement(found, rng=np.random.default_rng(1))
    shown = agreement.plot().lines[0].get_xdata()
    alphas = agreement.table.query("measure == 'alpha'")["estimate"]
    assert sorted(shown) == pytest.approx(sorted(alphas.dropna()))
    saturation = measure_saturation(found, rng=np.random.default_rng(1))
    assert saturation.plot().lines[0].get_ydata().tolist() == saturation.table["codes"].tolist()
