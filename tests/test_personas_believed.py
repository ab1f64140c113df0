"""Believed personas: the file and all its faults, who fits by hand, and the verdicts."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cjlib.checking import check_study
from cjlib.codebook import Codebook, Item
from cjlib.definitions import PersonaRules, Text
from cjlib.errors import JourneyError, MissingSourceError, StudyError
from cjlib.personas.believed import compare_believed, fit_all
from cjlib.personas.believed_file import check_believed, read_believed_personas
from cjlib.study import Study

ITEMS = (
    Item("price", "scale", low=1, high=5), Item("age", "number", low=15, high=90),
    Item("income", "money", unit="toman"), Item("late", "tick", group="pains"),
    Item("city", "nominal", labels={c: Text(c) for c in ("thr", "mhd", "isf")}),
    Item("ways", "multi", group="ways", labels={"web": Text("Web"), "app": Text("App")}),
    Item("said", "text"),
)  # fmt: skip
HEAD = "name_en,name_fa,item,rule\n"


def make_study(folder: Path, text: str | None, **changes) -> Study:
    if text is not None:
        (folder / "believed.csv").write_text(text, encoding="utf-8")
    return Study(
        folder, folder, "test", Text("Test"), Text("Brand"), "en", (), codebook=Codebook(ITEMS),
        personas=PersonaRules(believed="believed.csv"), **changes,
    )  # fmt: skip


def make_people(n=300, seed=2):
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % 3
    frame = pd.DataFrame(
        {
            "respondent_id": pd.array([f"R{i}" for i in range(n)], dtype="string"),
            "price": np.where(truth == 0, 5.0, 2.0),
            "age": rng.integers(20, 60, n).astype(float),
            "income": rng.integers(10, 90, n) * 1e6,
            "late": pd.array(rng.random(n) < 0.4, dtype="boolean"),
            "city": pd.array(rng.choice(["thr", "mhd", "isf"], n), dtype="string"),
            "ways_web": pd.array(rng.random(n) < 0.5, dtype="boolean"),
            "ways_app": pd.array(rng.random(n) < 0.5, dtype="boolean"),
        }
    )
    ids = ["persona-1", "persona-2", "persona-3"]
    members = frame[["respondent_id"]].assign(
        persona=pd.array([ids[t] for t in truth], dtype="string")
    )
    groups = SimpleNamespace(
        source="survey", ids=ids, names={p: p.title() for p in ids}, members=members
    )
    return frame, groups


def compare(folder, text, frame=None, groups=None, **changes):
    people, made = make_people()
    study = make_study(folder, text, **changes)
    frame = people if frame is None else frame
    survey = SimpleNamespace(respondents=frame)
    return compare_believed(groups or made, read_believed_personas(study), survey, study)


# --- the file ---------------------------------------------------------------------------


def test_rules_of_every_kind_are_read(tmp_path):
    text = HEAD + (
        "Hunter,شکارچی,price,>=4\nHunter,,age,<۳۵\nHunter,شکارچی,city,=thr|mhd\n"
        "Saver,,income,<= 2000000\nSaver,,late,=no\nSaver,,ways,!=app\n,بی‌نام,city,≠isf\n"
    )
    found = read_believed_personas(make_study(tmp_path, text))

    assert [b.id for b in found] == ["believed-1", "believed-2", "believed-3"]
    assert found[0].name == Text("Hunter", "شکارچی")
    assert [(x.column, x.sign, x.number) for x in found[0].lines[:2]] == [
        ("price", ">=", 4.0), ("age", "<", 35.0),
    ]  # fmt: skip
    assert found[0].lines[2].codes == ("thr", "mhd")
    assert [(x.column, x.sign, x.number) for x in found[1].lines] == [
        ("income", "<=", 2e6), ("late", "=", 0.0), ("ways_app", "=", 0.0),
    ]  # fmt: skip
    assert found[2].name == Text("", "بی‌نام")
    assert (found[2].lines[0].sign, found[2].lines[0].line) == ("!=", 8)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("A,,pric,>=4", r"believed.csv:2: unknown item 'pric'.*Did you mean 'price'"),
        ("A,,said,=x", "item 'said' of kind text; expected an item of kind scale"),
        ("A,,price,high", "rule 'high'; expected a rule such as >=4"),
        ("A,,price,>=many", "'many' in a rule on 'price'; expected a number"),
        ("A,,price,>=9", "9 in a rule on 'price'; expected a number from 1 to 5"),
        ("A,,city,>=thr", "of kind nominal; expected a rule with = or !="),
        ("A,,city,=thx", "unknown code 'thx' of 'city'.*Did you mean 'thr'"),
        ("A,,late,=perhaps", "expected =yes or =no"),
        ("A,,ways,=web|app", "2 options of 'ways' in one rule; expected one option a row"),
        ("A,,,>=4", "an empty item"),
        ("A,,price,", "an empty rule"),
        (",,price,>=4", "no name_en and no name_fa"),
        ("A,,price,>=4\nA,,price,>=4", r":3: the same rule on 'price' again.*first on line 2"),
        ("A,,price,>=4\nA,,price,<2", r":3: a rule on 'price' for 'A' that line 2 contradicts"),
        ("A,,price,>4\nA,,price,<=4", "contradicts"),
        ("A,,price,=4\nA,,price,!=4", "contradicts"),
        ("A,,city,=thr\nA,,city,=mhd", "contradicts"),
        ("A,,city,=thr\nA,,city,!=thr|mhd", "contradicts"),
        ("A,الف,price,>=4\nA,ب,age,>=40", "name_fa 'ب' beside 'A'; expected 'الف'"),
        ("A,,price,>=4,x", "5 cells"),
        ("", "no rows"),
    ],
)
def test_each_fault_is_named_with_its_line(tmp_path, row, message):
    study = make_study(tmp_path, HEAD + row + "\n")

    with pytest.raises(StudyError, match=message):
        read_believed_personas(study)
    assert len(check_believed(study)) == 1


def test_rules_that_one_person_can_meet_are_no_fault(tmp_path):
    text = HEAD + (
        "A,,price,>=2\nA,,price,<=2\nA,,age,>20\nA,,age,<40\nA,,city,!=thr\nA,,city,!=mhd\n"
    )
    assert check_believed(make_study(tmp_path, text)) == []


def test_all_faults_come_at_once_and_columns_are_checked(tmp_path):
    with pytest.raises(StudyError, match="the study has 2 faults"):
        read_believed_personas(make_study(tmp_path, HEAD + "A,,pric,>=4\nA,,price,>=9\n"))
    with pytest.raises(StudyError, match="unknown column 'itm'.*Did you mean 'item'"):
        read_believed_personas(make_study(tmp_path, "name_en,itm,rule\nA,price,>=4\n"))


def test_the_check_of_a_whole_study_reads_the_file_too(sepidar, tmp_path):
    for file in sepidar.rglob("*"):
        if file.is_file():
            place = tmp_path / file.relative_to(sepidar)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())
    yaml = tmp_path / "study.yaml"
    text = yaml.read_text(encoding="utf-8")
    if "believed:" not in text:
        text = text.replace("personas:\n", "personas:\n  believed: mine.csv\n", 1)
    text = re.sub(r"  believed: \S+", "  believed: mine.csv", text)
    yaml.write_text(text, encoding="utf-8")

    assert "file 'mine.csv'" in str(check_study(tmp_path)[1][0])
    (tmp_path / "mine.csv").write_text(HEAD + "A,,need_pric,>=4\n", encoding="utf-8")
    assert [str(fault)[:38] for fault in check_study(tmp_path)[1]] == [
        "mine.csv:2: unknown item 'need_pric'; e"[:38]
    ]


def test_a_study_without_beliefs_says_so(tmp_path):
    study = replace(make_study(tmp_path, None), personas=PersonaRules())
    with pytest.raises(MissingSourceError, match="no 'believed' under 'personas'"):
        read_believed_personas(study)
    assert check_believed(study) == []


# --- who fits ---------------------------------------------------------------------------


def test_fit_all_by_hand():
    nan = np.nan
    holds = np.array([[1, 1], [1, 0], [nan, 0], [nan, 1], [nan, nan]])
    assert np.array_equal(fit_all(holds), [1, 0, 0, nan, nan], equal_nan=True)


def test_verdicts_and_overlap_against_the_slow_way(tmp_path):
    text = HEAD + (
        "Hunter,,price,>=4\nTehrani,,city,=thr\nElder,,age,>=80\n"
        "Late hunter,,price,>=4\nLate hunter,,late,=yes\n"
    )
    frame, groups = make_people()
    before = frame.copy(deep=True)

    found = compare(tmp_path, text)

    pd.testing.assert_frame_equal(frame, before)
    table = found.table.set_index("belief")
    assert table["verdict"].tolist() == ["match", "split", "empty", "part"]
    assert table.loc["believed-1", "jaccard"] == pytest.approx(1.0)
    persona = groups.members["persona"]
    fit = frame["price"].ge(4) & frame["late"]
    own = persona.eq("persona-1")
    row = table.loc["believed-4"]
    assert row["estimate"] == pytest.approx(fit.mean())
    assert row["persona"] == "persona-1"
    assert row["inside"] == pytest.approx(1.0)
    assert row["covers"] == pytest.approx((fit & own).sum() / own.sum())
    assert row["jaccard"] == pytest.approx((fit & own).sum() / (fit | own).sum())
    assert row["near"] == pytest.approx(row["estimate"])  # both of two lines
    assert "Elder: no people behind it (0% of people)" in found.summary()
    none = ~(frame["price"].ge(4) | frame["city"].eq("thr"))
    everyone = found.without.set_index("persona")["estimate"]
    assert everyone["all"] == pytest.approx(none.mean())
    assert everyone["persona-1"] == pytest.approx(0.0)


def test_weights_count_people_as_often(tmp_path):
    frame, groups = make_people(120)
    weights = np.random.default_rng(1).integers(1, 4, 120)
    weighted = compare(tmp_path, HEAD + "T,,city,=thr\n", frame.assign(weight=weights), groups)

    row = weighted.table.iloc[0]
    assert row["estimate"] == pytest.approx(np.average(frame["city"].eq("thr"), weights=weights))
    assert row["n"] == 120


def test_open_answers_leave_people_out(tmp_path):
    frame, groups = make_people()
    frame.loc[:99, "price"] = np.nan

    row = compare(tmp_path, HEAD + "Hunter,,price,>=4\n", frame, groups).table.iloc[0]

    assert row["n"] == 200
    assert row["estimate"] == pytest.approx(frame["price"].dropna().ge(4).mean())


def test_few_people_are_not_shown(tmp_path):
    frame, groups = make_people()
    frame["price"] = 1.0
    frame.loc[[0, 3, 6, 9, 1, 2, 5], "price"] = 5.0  # four of persona 1, one of 2, two of 3

    found = compare(tmp_path, HEAD + "Hunter,,price,>=4\n", frame, groups)

    assert found.table["verdict"].tolist() == ["empty"]  # at most 14 people
    cells = found.overlap.set_index("persona")
    assert cells["estimate"].isna().all()
    assert cells.loc[["persona-1", "persona-2"], ["jaccard", "covers"]].isna().all(axis=None)
    frame.loc[[0, 3, 6, 9, 1], "price"] = 1.0
    assert np.isnan(compare(tmp_path, HEAD + "H,,price,>=4\n", frame, groups).table["estimate"][0])


def test_a_split_is_told_from_a_match_by_the_lower_end(tmp_path):
    """Just above half of a belief's people in one persona is no match yet."""
    frame, groups = make_people(120)
    frame["price"] = 1.0
    own = groups.members["persona"].eq("persona-1").to_numpy()
    frame.loc[np.flatnonzero(own)[:22], "price"] = 5.0
    frame.loc[np.flatnonzero(~own)[:18], "price"] = 5.0

    assert compare(tmp_path, HEAD + "H,,price,>=4\n", frame, groups).table["verdict"][0] == "split"


def test_personas_from_a_log_cannot_be_compared(tmp_path):
    frame, groups = make_people()
    groups.source = "interactions"
    with pytest.raises(JourneyError, match=r"must be made from a survey.*Pass survey="):
        compare(tmp_path, HEAD + "H,,price,>=4\n", frame, groups)


def test_the_figure_shows_the_table(tmp_path):
    found = compare(tmp_path, HEAD + "Hunter,شکارچی,price,>=4\nTehrani,تهرانی,city,=thr\n")

    ax = found.plot()
    texts = [t.get_text() for t in ax.texts]
    assert texts[:4] == ["100%", "0%", "0%", "0%"]
    assert [t.get_text() for t in ax.get_yticklabels()] == [
        "Hunter", "Tehrani", "In no believed persona",
    ]  # fmt: skip
    assert "۱۰۰٪" in [t.get_text() for t in replace(found, language="fa").plot().texts]
