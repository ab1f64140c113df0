"""The method's steps and the study's positions."""

from __future__ import annotations

import dataclasses

import pytest

from cjlib.definitions import Positions
from cjlib.method import list_positions, list_steps
from cjlib.study import read_study


@pytest.fixture
def study(sepidar):
    return read_study(sepidar)[0]


def test_every_step_of_the_shipped_study_is_possible(study):
    steps = list_steps(study)

    assert len(steps) == 6
    assert steps["possible"].all()


def test_steps_say_what_is_lacking(study):
    bare = dataclasses.replace(study, waves=(), actions_file="")

    steps = list_steps(bare).set_index("step")

    assert steps.loc["2 research", "lacks"] == "survey"
    assert steps.loc["2 research", "possible"]
    assert not steps.loc["5 analyse and act", "possible"]


def test_each_topic_has_one_position_in_both_languages(study):
    english, persian = (
        list_positions(study),
        list_positions(dataclasses.replace(study, language="fa")),
    )

    assert english["topic"].is_unique
    assert len(english) == len(persian) == 12
    assert (english["position"] != persian["position"]).all()


def test_positions_follow_the_study(study):
    other = dataclasses.replace(study, positions=Positions(ces="effort"))

    found = list_positions(other).set_index("topic")

    assert "effort" in found.loc["CES", "position"]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("advertising", ("exposure", "interaction")), ("ces", ("ease", "effort")),
        ("csat", ("mean", "top_box")), ("return_rate", ("returns", "churn")),
        ("word_of_mouth", ("exposure", "interaction")), ("persona", ("typical", "ideal")),
        ("acquisition_cost", ("once", "none")),
    ],
)  # fmt: skip
def test_every_setting_is_explained(study, name, values):
    for value in values:
        other = dataclasses.replace(study, positions=Positions(**{name: value}))
        assert list_positions(other).query("setting == @name")["value"].tolist() == [value]
