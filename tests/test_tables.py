"""Tables: exact in the file, safe in a spreadsheet and on a page."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cjlib.tables import display_table, neutralise, write_table


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-cmd", "@SUM(A1)", "\tx", "\rx"])
def test_formulas_are_neutralised(text, tmp_path):
    file = write_table(pd.DataFrame({text: [text]}), tmp_path / "t.csv")

    back = pd.read_csv(file, dtype=str)
    assert back.iloc[0, 0] == "'" + text.replace("\r", "\n")
    assert back.columns[0].startswith("'")


@pytest.mark.parametrize("text", ["-1.5", "+3", "x=1", "", "-"])
def test_numbers_and_plain_words_are_left_alone(text):
    assert neutralise(text) == (text if text != "-" else "'-")


def test_a_table_is_written_whole_or_not_at_all(tmp_path):
    file = write_table(pd.DataFrame({"x": [0.1 + 0.2]}), tmp_path / "deep" / "t.csv")

    assert file.read_text(encoding="utf-8") == "x\n0.3\n"
    assert list(file.parent.iterdir()) == [file]


def test_the_page_escapes_data_and_shows_the_interval():
    frame = pd.DataFrame(
        {"group": ["<b>x</b>", "y"], "estimate": [0.5, np.nan], "low": [0.41, np.nan],
         "high": [0.59, np.nan], "n": [12345, 3], "level": [0.95, 0.95]}
    )  # fmt: skip

    page = display_table(frame, caption="<i>", rows=1)

    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "<b>" not in page
    assert "0.50 [0.41, 0.59]" in page
    assert "12,345" in page
    assert "first 1 of 2 rows" in page
    assert "level" not in page


def test_missing_is_shown_as_missing():
    frame = pd.DataFrame({"a": [pd.NA], "b": [pd.NaT], "c": [None], "d": [True], "e": [2.0]})

    page = display_table(frame)

    assert page.count("—") == 3
    assert ">yes<" in page
    assert ">2<" in page


def test_small_p_values_are_not_shown_as_zero():
    page = display_table(pd.DataFrame({"p_holm": [1e-30, 0.0312, np.nan]}))

    assert "&lt; 0.001" in page
    assert ">0.031<" in page


def test_persian_cells_find_their_own_direction():
    page = display_table(pd.DataFrame({"words": ["سلام.", "Hello."]}))

    assert '<td dir="auto">سلام.</td>' in page
    assert "<td>Hello.</td>" in page
