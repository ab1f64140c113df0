"""Figures of the survey show the numbers of their tables, in both languages."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cjlib import plots
from cjlib.survey import CleaningComparison, CodeCounts

FLOW = pd.DataFrame(
    {
        "step": ["read", "duplicate", "seconds_per_item", "analysed"],
        "threshold": ["", "a second answer in the wave", "less than 1.5", ""],
        "hit": [0, 3, 7, 0],
        "removed": [0, 3, 5, 0],
        "rows": [1200, 1197, 1192, 1192],
    }
)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["1,200 rows read", "3 removed", "5 removed", "hits 7 in all", "1,192 rows"]),
        ("fa", ["۱٬۲۰۰ ردیف", "۳ حذف", "۵ حذف", "شامل ۷ ردیف", "۱٬۱۹۲ ردیف"]),
    ],
)
def test_flow_shows_every_step(language, said):
    ax = plots.draw_flow(FLOW, language=language)
    shown = "\n".join(text.get_text() for text in ax.texts)

    for words in said:
        assert words in shown


def quality_table(seconds):
    return pd.DataFrame(
        {
            "seconds_per_item": seconds,
            "longstring_share": [0.1, 0.2, 0.9, np.nan],
            "removed": [False, False, True, False],
        }
    )


def test_quality_marks_the_removed_and_the_limits():
    ax = plots.draw_quality(quality_table([3.0, 8.0, 0.9, 5.0]), seconds=1.5, run=0.8)
    kept, removed = ax.collections

    assert kept.get_offsets().data[:2].tolist() == [[3, 0.1], [8, 0.2]]
    assert removed.get_offsets().data.tolist() == [[0.9, 0.9]]
    assert ax.lines[0].get_xdata()[0] == 1.5
    assert ax.lines[1].get_ydata()[0] == 0.8
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["kept (3)", "removed (1)"]


def test_quality_without_durations_counts_runs():
    ax = plots.draw_quality(quality_table([np.nan] * 4), run=0.8, language="fa")

    assert sum(patch.get_height() for patch in ax.patches) == pytest.approx(1 + 1 + 1)
    assert "حذف" in ax.get_legend().get_texts()[1].get_text()


def test_code_shares_are_the_bar_widths():
    table = pd.DataFrame(
        {
            "code": ["7", "8", "9"],
            "label": ["Price", "Delay", "Taste"],
            "count": [30, 20, 0],
            "estimate": [0.6, 0.4, np.nan],
            "low": [0.5, 0.3, np.nan],
            "high": [0.7, 0.5, np.nan],
            "n": [50, 50, 50],
        }
    )
    for language in ("en", "fa"):
        ax = CodeCounts(table, "theme", language).plot()
        assert [bar.get_width() for bar in ax.patches] == [0.6, 0.4]
        assert len(ax.get_yticklabels()) == 2
    assert "too few" in CodeCounts(table.iloc[2:], "theme", "en").summary()


def test_cleaning_draws_the_distances():
    table = pd.DataFrame(
        {
            "metric": ["nps"] * 3,
            "wave": ["w"] * 3,
            "cleaning": ["none", "chosen", "stricter"],
            "estimate": [20.0, 30.0, 31.0],
            "distance": [-1.25, 0.0, 0.125],
        }
    )
    found = CleaningComparison(table, {}, "en")
    ax = found.plot()

    assert [line.get_xdata()[0] for line in ax.lines] == [-1.25, 0.0, 0.125]
    assert found.summary().startswith("0 of 1 headline numbers stay inside")
