"""What the organisation puts on record: costs and beliefs, each fault with its line."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cjlib.accounts import check_accounts, read_beliefs, read_costs
from cjlib.errors import MissingSourceError, StudyError
from cjlib.study import load_study

STUDY = """
study: 1
id: tiny
title: Tiny
brand: Tiny
language: en
stages:
  - {id: purchase, label: Purchase}
  - {id: delivery, label: Delivery}
channels:
  - {id: web, label: Web}
  - {id: tv, label: TV}
costs: costs.csv
beliefs: beliefs.csv
"""
COSTS = """channel,month,spend,impressions,reach,clicks
web,2025-02,"1,200",,,30
tv,2025-01,500,9000,4000,
web,۱۴۰۳/۱۱/۰۱,100,,,
"""
BELIEFS = """stage,satisfaction,n,confidence,note
delivery,4.5,6,high,we are fast
purchase,۳٫۵,6,low,
"""


@pytest.fixture
def tiny(tmp_path):
    def make(*, costs=COSTS, beliefs=BELIEFS, study=STUDY):
        (tmp_path / "study.yaml").write_text(study, encoding="utf-8")
        (tmp_path / "costs.csv").write_text(costs, encoding="utf-8")
        (tmp_path / "beliefs.csv").write_text(beliefs, encoding="utf-8")
        return load_study(tmp_path)

    return make


def test_costs_by_hand(tiny):
    table = read_costs(tiny())

    # 1 Bahman 1403 is 20 January 2025.
    assert table["month"].tolist() == [
        pd.Timestamp("2025-01-01"), pd.Timestamp("2025-01-20"), pd.Timestamp("2025-02-01")
    ]  # fmt: skip
    assert table["channel"].tolist() == ["tv", "web", "web"]
    assert table["spend"].tolist() == [500, 100, 1200]
    assert np.isnan(table.loc[0, "clicks"])  # an empty cell is missing, not zero


def test_beliefs_come_in_journey_order(tiny):
    table = read_beliefs(tiny())

    assert table["stage"].tolist() == ["purchase", "delivery"]
    assert table["satisfaction"].tolist() == [3.5, 4.5]
    assert table["confidence"].tolist() == ["low", "high"]


def test_every_fault_at_once_with_its_line(tiny):
    costs = "channel,month,spend\nwbe,2025-01,5\nweb,soon,-3\nweb,2025-01,1\nweb,2025-01,2\n"
    beliefs = "stage,satisfaction\ndelivry,many\n\ndelivery,4\n"
    study = tiny(costs=costs, beliefs=beliefs)

    faults = check_accounts(study)

    assert [(f.file, f.line) for f in faults] == [
        ("costs.csv", 2), ("costs.csv", 3), ("costs.csv", 3), ("costs.csv", 5),
        ("beliefs.csv", 2), ("beliefs.csv", 2),
    ]  # fmt: skip
    assert faults[0].nearest == "web"
    assert faults[4].nearest == "delivery"
    with pytest.raises(StudyError, match=r"read_costs: .*\n.*costs\.csv:2: unknown channel 'wbe'"):
        read_costs(study)


def test_headers_and_delimiters(tiny):
    study = tiny(costs="channel;month;spend\nweb;2025-01;5\n", beliefs="stage,satisfied\nx,1\n")

    assert read_costs(study)["spend"].tolist() == [5]
    faults = check_accounts(study)
    assert [f.found for f in faults] == ["unknown column 'satisfied'", "no column 'satisfaction'"]
    assert faults[0].nearest == "satisfaction"


def test_a_study_without_accounts(tiny):
    study = tiny(study=STUDY.replace("costs: costs.csv\nbeliefs: beliefs.csv\n", ""))

    assert check_accounts(study) == []
    with pytest.raises(MissingSourceError, match="must have costs"):
        read_costs(study)


def test_a_cell_over_several_lines_keeps_later_lines_right(tiny):
    beliefs = 'stage,satisfaction,note\npurchase,y,"two\nlines"\ndelivery,x,\n'

    assert [f.line for f in check_accounts(tiny(beliefs=beliefs))] == [2, 4]
