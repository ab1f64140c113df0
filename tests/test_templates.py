"""The folder a new study starts from: made whole or not at all, and free of faults."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from cjlib.accounts import check_accounts, read_beliefs, read_costs
from cjlib.codebook import FIELDS, KINDS, METRICS, ROLES
from cjlib.errors import JourneyError
from cjlib.events import read_interactions
from cjlib.interviews import read_interviews
from cjlib.metrics import check_goals
from cjlib.study import SOURCES, Study, load_study, read_study
from cjlib.survey import clean_answers, read_answers
from cjlib.templates import copy_template


@pytest.fixture
def made(tmp_path) -> Path:
    copy_template(tmp_path / "tea_house")
    return tmp_path / "tea_house"


@pytest.fixture
def study(made) -> Study:
    return load_study(made)


def test_the_files_made_are_those_returned(tmp_path):
    files = copy_template(tmp_path / "deep" / "er")

    assert files == sorted(f for f in (tmp_path / "deep" / "er").rglob("*") if f.is_file())
    assert {f.name for f in files} == {
        "study.yaml", "codebook.csv", "example_answers.csv", "example-en.txt", "example-fa.txt",
        "people.csv", "codes.csv", "coding.csv", "events.csv", "costs.csv", "beliefs.csv",
        "actions.csv", "comment_codes.csv", "published.csv",
    }  # fmt: skip
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["er"]  # nothing temporary stays


def test_it_has_no_faults_and_every_source(made):
    study, faults = read_study(made)

    assert [str(f) for f in faults] == []
    assert all(study.has(source) for source in SOURCES)
    assert check_accounts(study) == []
    assert check_goals(study) == []


def test_the_folder_name_becomes_the_id_where_it_can(tmp_path):
    for folder, expected in (
        ("Tea-House2", "tea-house2"),
        ("خانه چای", "my_study"),
        ("2x", "my_study"),
    ):
        copy_template(tmp_path / folder)
        assert load_study(tmp_path / folder).id == expected


def test_an_empty_folder_is_taken_and_a_full_one_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    (tmp_path / "file").write_text("keep")

    assert copy_template(tmp_path / "empty")
    with pytest.raises(JourneyError, match=r"holds 1 files or folders. Choose another name"):
        copy_template(tmp_path / "full")
    with pytest.raises(JourneyError, match=r"a file or a link. Choose another name"):
        copy_template(tmp_path / "file")
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["mine.txt"]
    assert (tmp_path / "file").read_text() == "keep"


def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(self, target):
        raise OSError(28, "no space left")

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(JourneyError, match="no space left"):
        copy_template(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def keys_of(schema: object) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(keys_of, schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    own = set(schema["properties"]) if isinstance(schema.get("properties"), dict) else set()
    return own.union(*(keys_of(value) for value in schema.values()))


def test_every_key_of_the_format_stands_in_the_template_and_is_explained(made, root):
    schema = json.loads((root / "cjlib/schemas/study.schema.json").read_text(encoding="utf-8"))
    text = (made / "study.yaml").read_text(encoding="utf-8")
    keys = keys_of(schema["properties"])

    assert len(keys) > 70
    assert sorted(k for k in keys if not re.search(rf"\b{k}\"?:", text)) == []
    unexplained = [
        line
        for line in text.splitlines()
        if re.match(r" *[a-z_]+: \S", line) and "#" not in line and "business" not in line
    ]
    # the second goal and the moves repeat keys that are explained just above them
    assert {line.split(":")[0].strip() for line in unexplained} <= {
        "customer", "kind", "kpi", "target", "columns",
        "awareness", "consideration", "purchase", "service",
    }  # fmt: skip


def test_the_codebook_shows_every_kind_and_column(study, made):
    with (made / "codebook.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))

    assert {item.kind for item in study.codebook.items} == set(KINDS)
    assert {item.metric for item in study.codebook.items} == set(METRICS)
    assert {item.role for item in study.codebook.items} <= set(ROLES)
    assert list(rows[0]) == list(FIELDS)
    assert [f for f in FIELDS if not any(row[f] for row in rows)] == []
    assert all(item.question.en and item.question.fa for item in study.codebook.items)


def test_the_example_events_are_read(study):
    found = read_interactions(study)

    assert len(found.table) == 29  # one advert is an exposure, set aside
    assert len(found.misfits) == 0
    assert found.table["amount"].sum() == 2_450_000 + 5_100_000 + 1_890_000 + 3_200_000
    assert set(found.table["stage"]) == {
        "awareness",
        "consideration",
        "purchase",
        "service",
        "advocacy",
    }


def test_the_example_answers_are_read_and_keep_everyone(study):
    raw = read_answers(study)
    survey = clean_answers(study)
    people = survey.respondents

    assert (len(raw.absent), len(raw.unknown)) == (0, 0)
    assert len(people) == 8
    assert len(survey.unfit) == 0
    # by hand: "Few choices are enough" turned round; Persian words and digits; "99" is no answer
    assert people["need_choice"].tolist() == [2, 4, 5, 3, 2, 4, 2, 3]
    assert people["satisfaction_service"].tolist() == [2, 4, 4, 4, 1, 4, 4, 4]
    assert people["recommend"].tolist() == [7, 6, 10, 8, 5, 9, 6, 8]
    assert people["satisfaction_purchase"].isna().tolist() == [False] * 3 + [True] + [False] * 4
    assert people["heard_advert"].tolist() == [True, False, True, False] * 2
    assert people["bought_gift"].sum() == 2
    assert people["consent"].tolist() == [True] * 7 + [False]
    assert "example1@example.com" not in people.to_csv()


def test_the_example_interviews_are_read_and_join_the_events(study):
    found = read_interviews(study)

    assert found.misfits.to_dict("records") == []
    assert sorted(found.utterances["language"].unique()) == ["en", "fa"]
    assert len(found.codings) == 14
    assert found.codings["quote"].ne("").all()
    people = set(found.people["customer_id"].dropna())
    assert len(people) == 2
    assert people <= set(read_interactions(study).table["customer_id"])


def test_the_example_accounts_are_read(study):
    assert len(read_costs(study)) == 5
    assert read_beliefs(study)["stage"].tolist() == ["consideration", "purchase", "service"]


def test_every_example_says_that_it_is_one(made):
    for name in ("study.yaml", "interviews/people.csv", "survey/example_answers.csv", "events.csv",
                 "codes.csv", "coding.csv", "beliefs.csv", "actions.csv",
                 "interviews/example-en.txt"):  # fmt: skip
        assert "example" in (made / name).read_text(encoding="utf-8").casefold(), name
    assert "نمونه" in (made / "interviews/example-fa.txt").read_text(encoding="utf-8")
    assert load_study(made).simulated
