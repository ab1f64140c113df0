"""Studies side by side: what they share, tested; what cannot be compared, said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cjlib.__main__ import main
from cjlib.codebook import Codebook, Item
from cjlib.cross_study import compare_studies, open_side, write_comparison
from cjlib.definitions import EventRules, Stage, Text, Touchpoint, Wave
from cjlib.errors import JourneyError
from cjlib.study import Study

NPS = Item("nps", "scale", low=0, high=10, metric="nps", question=Text("Recommend Oak?", "بلوط؟"))
CSAT = Item("s", "scale", low=1, high=5, metric="csat", stage="buy", question=Text("Buying?"))
EASE = Item("e", "scale", low=1, high=7, metric="ces", question=Text("Easy?"))
STAGES = (Stage("buy", Text("Buying", "خرید"), "decision"), Stage("get", Text("Getting")))


def study(name, *, items=(NPS, CSAT), date="2025-05-01", stages=STAGES, **more):
    return Study(
        path=Path("/none") / name, raw=Path("/none"), id=name.lower(), title=Text(name),
        brand=Text(name), language="en", stages=stages,
        waves=(Wave("w1", (), Text("w1"), "2024-01-01"), Wave("w2", (), Text("w2"), date))
        if items else (),
        codebook=Codebook(tuple(items)), **more,
    )  # fmt: skip


def survey(seed, *, n=80, shift=0, items=("nps", "s")):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"wave": ["w1"] * 5 + ["w2"] * n, "weight": rng.uniform(0.5, 2, n + 5)})
    for name in items:
        frame[name] = np.clip(rng.integers(1, 5, n + 5) + shift, 1, 10).astype(float)
    frame.loc[:4, list(items)] = 10.0 if "nps" in items else 5.0
    return SimpleNamespace(respondents=frame)


@pytest.fixture
def pair():
    mine = open_side(study("Oak"), survey=survey(1, shift=1))
    asked = replace(NPS, question=Text("Recommend Elm?"))
    theirs = open_side(study("Elm", items=(asked, CSAT)), survey=survey(2))
    return mine, theirs


def test_the_latest_waves_are_compared_with_weights(pair):
    found = compare_studies(pair)
    rows = found.table.set_index("metric")
    sides = [side.people for side in pair]
    means = [np.average(p["s"], weights=p["weight"]) for p in sides]

    assert len(found.table) == 2
    assert rows.loc["csat", "estimate"] == pytest.approx(means[0] - means[1])
    assert rows.loc["csat", ["n", "n_other", "verdict"]].tolist() == [80, 80, "differ"]
    assert (rows["p_holm"] >= rows["p"]).all()
    assert rows.loc["nps", "label"] == "Net Promoter Score"  # the brand's name is no wording
    assert found.summary().startswith("Oak and Elm share 2 metrics")
    turned = compare_studies(pair[::-1]).table.set_index("metric")
    assert turned["estimate"].tolist() == pytest.approx((-rows["estimate"]).tolist())
    values = found.values.set_index(["metric", "study"])
    assert values.loc[("csat", "Elm"), "estimate"] == pytest.approx(means[1])


def test_equal_weights_are_welch(pair):
    for side in pair:
        side.people["weight"] = 1.0
    row = compare_studies(pair).table.set_index("metric").loc["csat"]
    oracle = stats.ttest_ind(pair[0].people["s"], pair[1].people["s"], equal_var=False)

    assert row["p"] == pytest.approx(oracle.pvalue)


def test_what_cannot_be_compared_is_said_and_not_compared(pair):
    mine = pair[0]
    cases = {
        "different scale: 1 to 5, and 1 to 7": study("Elm", items=(replace(CSAT, high=7.0),)),
        "different wording": study("Elm", items=(replace(CSAT, question=Text("Paying?")),)),
        "wording not known in one language of both": study(
            "Elm", items=(replace(CSAT, question=Text("", "خرید؟")),)
        ),
        "different year: 2025 and 2022": study("Elm", items=(CSAT,), date="2022-05-01"),
        "the answers of Elm are invented": study("Elm", items=(CSAT,), simulated=True),
    }
    for why, other in cases.items():
        found = compare_studies([mine, open_side(other, survey=survey(2, items=("s",)))])
        row = found.table.iloc[0]
        assert (row["why"], row["verdict"]) == (why, "not compared")
        assert np.isnan(row["estimate"])
        assert not np.isnan(row["value"])  # each side's own value still stands
        assert found.alone["metric"].tolist() == ["nps"]
        assert why in found.summary()
    other = open_side(cases["different year: 2025 and 2022"], survey=survey(2, items=("s",)))
    kept = compare_studies([mine, other], accept=["year"]).table.iloc[0]
    assert (kept["comparable"], kept["why"]) == (True, "different year: 2025 and 2022")
    assert not np.isnan(kept["p"])
    with pytest.raises(JourneyError, match="Different scales"):
        compare_studies([mine, other], accept=["scale"])


def test_turned_scales_stages_of_one_kind_and_few_answers(pair):
    effort = study("Elm", items=(EASE,), positions=replace(study("x").positions, ces="effort"))
    sides = [open_side(s, survey=survey(i, items=("e",))) for i, s in
             enumerate((study("Oak", items=(EASE,)), effort))]  # fmt: skip
    assert "easy in one and hard" in compare_studies(sides).table["why"].iloc[0]
    bank = (Stage("account", Text("Account"), "decision"), Stage("use", Text("Use")))
    other = study("Elm", items=(replace(CSAT, stage="account"),), stages=bank)
    row = compare_studies([pair[0], open_side(other, survey=survey(2, items=("s",)))]).table.iloc[0]
    assert (row["place"], row["comparable"]) == ("buy", True)  # the only stage of its kind
    few = compare_studies([pair[0], open_side(other, survey=survey(2, n=29, items=("s",)))])
    assert few.table["verdict"].tolist() == ["too few"]
    assert few.values.set_index("study")["estimate"].isna().to_dict() == {"Oak": False, "Elm": True}
    three = compare_studies([*pair, open_side(study("Ash"), survey=survey(3))])
    assert len(three.table) == 3 * 2 - 2 + 2  # two metrics, three pairs
    none = compare_studies([pair[0], open_side(study("Elm", items=()))])
    assert none.table.empty
    assert none.summary().startswith("Oak and Elm share 0 metrics")
    assert none.plot() is not None


@pytest.mark.parametrize("bad", [[], ["a"], "a"])
def test_two_are_needed(bad):
    with pytest.raises(JourneyError, match="a list of two or more"):
        compare_studies(bad)


def test_the_same_study_twice_is_refused(pair):
    with pytest.raises(JourneyError, match="use compare_waves"):
        compare_studies([pair[0], pair[0]])


TOUCHPOINTS = (Touchpoint("till", Text("Till"), "buy"), Touchpoint("van", Text("Van"), "get"))
RULES = EventRules((), purchase=("till",), complaint=("van",), funnel=("buy", "get"))


def side_with_log(name, share, *, days):
    rng = np.random.default_rng(len(name) + days)
    rows = []
    for i in range(300):
        day = pd.Timestamp("2025-05-01") - pd.Timedelta(days=int(rng.integers(0, days)))
        buys = rng.random() < share
        rows.append((f"{name}{i}", day, "till" if buys else "van", "buy" if buys else "get"))
    for day in (pd.Timestamp("2025-05-01"), pd.Timestamp("2025-05-02") - pd.Timedelta(days=days)):
        rows.append((f"{name}0", day, "van", "get"))
    table = pd.DataFrame(rows, columns=["customer_id", "time", "touchpoint", "stage"])
    for column in ("amount", "cost", "seconds"):
        table[column] = np.nan
    table["channel"] = pd.Series("web", index=table.index)
    known = study(name, items=(), events=RULES, touchpoints=TOUCHPOINTS)
    table = table.sort_values(["customer_id", "time"], kind="stable", ignore_index=True)
    return open_side(known, interactions=SimpleNamespace(study=known, table=table))


def test_logs_are_cut_to_the_same_length():
    sides = side_with_log("Oak", 0.6, days=40), side_with_log("Elm", 0.3, days=100)
    found = compare_studies(sides)
    rows = found.table.set_index(["metric", "place"])
    table = sides[1].interactions.table
    last = table[table["time"] > pd.Timestamp("2025-05-01") - pd.Timedelta(days=40)]
    bought = last.assign(b=last["touchpoint"].eq("till")).groupby("customer_id")["b"].any()

    row = rows.loc[("conversion", "")]
    assert row["value_other"] == pytest.approx(bought.mean())
    assert row["n_other"] == len(bought)
    assert row["verdict"] == "differ"
    assert found.values["period"].unique().tolist() == ["40 days to 2025-05-01"]
    assert ("step", "buy to get") in rows.index
    assert rows.loc[("contacts_per_purchase", ""), "estimate"] < 0


def test_files(pair, tmp_path):
    odd = replace(pair[1], study=replace(pair[1].study, brand=Text("<Elm>")), name="<Elm>")
    found = compare_studies([pair[0], odd])
    page = write_comparison(found, tmp_path / "c.html").read_text(encoding="utf-8")

    assert "&lt;Elm&gt;" in page
    assert "<Elm>" not in page
    assert 'src="http' not in page
    assert page == write_comparison(found, tmp_path / "d.html").read_text(encoding="utf-8")
    assert len(pd.read_csv(write_comparison(found, tmp_path / "c.csv"))) == 2
    fa = write_comparison(replace(found, language="fa"), tmp_path / "fa.html")
    assert 'lang="fa" dir="rtl"' in fa.read_text(encoding="utf-8")
    with pytest.raises(JourneyError, match=r"\.html or \.csv; got 'c.pdf'"):
        write_comparison(found, tmp_path / "c.pdf")


def test_the_command(tmp_path, capsys):
    for name, answer in (("oak", 4), ("elm", 2)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "study.yaml").write_text(
            f"study: 1\nid: {name}\ntitle: {name}\nbrand: {name}\nlanguage: en\n"
            "privacy: {key: public}\n"
            "stages: [{id: a, label: A}, {id: b, label: B}]\n"
            "survey: {waves: [{id: w1, date: '2025-01-01', files: [s.csv]}]}\n"
        )
        (folder / "codebook.csv").write_text(
            "name,source,kind,low,high,metric,question_en\ns,S,scale,1,5,csat,Satisfied?\n"
        )
        rows = [str(answer + (i % 2)) for i in range(40)]
        (folder / "s.csv").write_text("S,x\n" + "".join(f"{r},{i}\n" for i, r in enumerate(rows)))
    out = tmp_path / "out.csv"

    assert main(["compare", str(tmp_path / "oak"), str(tmp_path / "elm"), "-o", str(out)]) == 0
    assert pd.read_csv(out)["estimate"].tolist() == [2.0]
    told = capsys.readouterr().out
    assert "oak and elm share 1 metrics" in told
    assert str(out) in told
    assert main(["compare", str(tmp_path / "oak"), "-o", str(out)]) == 3
