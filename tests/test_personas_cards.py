"""Cards: the touchpoints of a typical journey by hand, and the page on a phone and on paper."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cjlib.definitions import Privacy, Stage, Text, Touchpoint
from cjlib.personas.card_html import card_html
from cjlib.personas.cards import Card, Material, write_card
from cjlib.study import Study


def make_card(people=40) -> Card:
    """Everybody has opened the page, half have called, two have complained."""
    study = Study(
        Path(), Path(), "test", Text("Test"), Text("Brand"), "en",
        (Stage("look", Text("Look", "دیدن")), Stage("help", Text("Help", "کمک"))),
        touchpoints=(Touchpoint("page", Text("Page", "صفحه"), "look"),
                     Touchpoint("call", Text("Call", "تماس"), "help")),
        privacy=Privacy(minimum_cell=5, minimum_base=30),
    )  # fmt: skip
    rows = [(f"C{i}", "2025-01-01", "page", "look") for i in range(people)]
    rows += [(f"C{i}", "2025-01-02", "call", "help") for i in range(people // 2)] * 2
    rows += [(f"C{i}", "2025-01-03", "complaint", "help") for i in range(2)]
    rows += [(f"X{i}", "2025-01-01", "page", "look") for i in range(people)]
    contacts = pd.DataFrame(rows, columns=["customer_id", "time", "touchpoint", "stage"])
    contacts["time"] = pd.to_datetime(contacts["time"])
    behaviour = pd.DataFrame({"customer_id": [f"C{i}" for i in range(people)], "contacts": 2.0,
                              "wait_hours": 24.0, "amount": 0.0})  # fmt: skip
    sizes = pd.DataFrame(
        {"persona": ["persona-1"], "estimate": [0.5], "low": [0.4], "high": [0.6], "level": [0.95],
         "n": [people], "method": ["Wilson"], "source": ["survey"]}
    )  # fmt: skip
    of_customer = pd.Series({f"C{i}": "persona-1" for i in range(people)})
    empty = pd.DataFrame(
        columns=["persona", "item", "answer", "estimate", "effect", "role", "source"]
    )
    material = Material(
        study, pd.DataFrame(index=range(people)), pd.Series(["persona-1"] * people),
        np.ones(people), [], empty, sizes, of_customer, behaviour, contacts,
    )  # fmt: skip
    return write_card(material, "persona-1", Text("One", "یک"), pd.DataFrame(), ())


def test_touchpoints_of_the_journey_by_hand():
    lines = make_card().lines
    found = lines[lines["key"].str.startswith("touchpoint:")].set_index("text_en")

    assert list(found.index) == ["Page", "Call"]  # two complaints are too few to show
    assert found["estimate"].tolist() == pytest.approx([1.0, 0.5])
    assert found["overall"].tolist() == pytest.approx([1.0, 0.25])  # of all 80 customers
    assert found["n"].tolist() == [40, 40]
    assert found["source"].eq("interactions").all()
    assert found["text_fa"].tolist() == ["صفحه", "تماس"]
    assert (found["low"] < found["estimate"]).all()


def test_few_customers_have_no_share():
    lines = make_card(20).lines
    found = lines[lines["key"].str.startswith("touchpoint:")]

    assert found["estimate"].isna().all()
    assert found["method"].str.contains("too few").all()


def test_the_page_turns_with_the_language_and_fits_a_phone_and_paper():
    card = make_card()
    english, persian = card_html(card, "en"), card_html(card, "fa")

    assert 'dir="rtl"' in persian
    assert 'lang="fa"' in persian
    assert 'data-label="n"' in english
    assert 'data-label="تعداد"' in persian
    assert "@media screen and (max-width:600px)" in english
    assert "@media print" in english
    assert "نقطهٔ تماس به‌کاررفته" in persian
    assert "<img" not in english  # no invented portrait
