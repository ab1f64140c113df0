"""The picture shows the map's numbers, in reading order, in files that do not change."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from wide_map import make_wide_map

from cjlib.errors import JourneyError
from cjlib.maps import draw_map, save_picture


def test_picture_shows_the_numbers(wide):
    ax = draw_map(wide)
    line = next(x for x in ax.lines if len(x.get_xdata()) == 12 and x.get_marker() == "None")
    wanted = [np.nan if i == 3 else -1.5 + i / 4 for i in range(12)]

    np.testing.assert_allclose(line.get_ydata(), wanted)
    shown = {t.get_text() for t in ax.texts}
    assert {"−1.50", "+1.25", "no data", "pains: 1"} <= shown
    assert next(t.get_text() for t in ax.get_xticklabels()) == "Stage0x\nn = 310"
    assert not ax.xaxis_inverted()


def test_persian_picture_runs_from_the_right():
    ax = draw_map(make_wide_map(lang="fa"))

    assert ax.xaxis_inverted()
    assert "−۱٫۵۰" in {t.get_text() for t in ax.texts}
    assert ax.get_title(loc="right").endswith("نقشهٔ پهن")


@pytest.mark.parametrize("ending", [".svg", ".png", ".pdf"])
def test_same_map_same_file(wide, tmp_path, ending):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one = save_picture(wide, tmp_path / f"one{ending}", language="fa").read_bytes()
    two = save_picture(wide, tmp_path / f"two{ending}", language="fa").read_bytes()

    assert one == two


def test_other_endings_are_refused(wide, tmp_path):
    with pytest.raises(JourneyError, match="must end in .svg, .png, .pdf"):
        save_picture(wide, tmp_path / "map.bmp")
