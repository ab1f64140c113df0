"""A map saved in each form holds what the map holds, whole, and the same each time."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import shutil
import zipfile

import numpy as np
import pypdfium2
import pytest
from pptx import Presentation
from test_maps_rendering import middle
from wide_map import HOSTILE, make_wide_map

from cjlib.errors import JourneyError
from cjlib.maps import build_map, load_map, save_map_as, tabulate_map
from cjlib.maps.exports import saving

CHROMIUM = shutil.which("chromium")
DATA = [".json", ".yaml", ".html", ".csv", ".pptx", ".svg"]


def read_slides(path):
    """Every table of the deck as rows of texts, and the charts."""
    deck = Presentation(str(path))
    shapes = [s for slide in deck.slides for s in slide.shapes]
    tables = [
        [[c.text_frame.text for c in row.cells] for row in s.table.rows]
        for s in shapes if s.has_table
    ]  # fmt: skip
    return tables, [s.chart for s in shapes if s.has_chart]


@pytest.mark.parametrize("ending", DATA)
def test_same_map_same_bytes_and_nothing_left_over(tmp_path, ending):
    m = make_wide_map(stages=3, lanes=4, lang="fa")
    before = json.dumps(m)

    one = save_map_as(m, tmp_path / f"one{ending}").path.read_bytes()
    two = save_map_as(m, tmp_path / f"one{ending}").path.read_bytes()

    assert one == two
    assert [f.name for f in tmp_path.iterdir()] == [f"one{ending}"]
    assert json.dumps(m) == before


@pytest.mark.parametrize("ending", [".json", ".yaml"])
def test_data_read_back_as_the_same_map(wide, tmp_path, ending):
    saved = save_map_as(wide, tmp_path / f"map{ending}")

    assert load_map(saved.path) == wide
    assert saved.made_with == "cjlib"


def test_a_failed_save_leaves_the_old_file(wide, tmp_path, monkeypatch):
    file = tmp_path / "map.html"
    save_map_as(wide, file)
    old = file.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(saving.Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        save_map_as(wide | {"title": "new"}, file)
    assert file.read_bytes() == old
    assert list(tmp_path.iterdir()) == [file]


def test_other_endings_and_tools_are_refused(wide, tmp_path):
    with pytest.raises(JourneyError, match=r"must end in .*got 'map.ppt'. Did you mean '.pptx'"):
        save_map_as(wide, tmp_path / "map.ppt")
    with pytest.raises(JourneyError, match="one of weasyprint, chromium, matplotlib"):
        save_map_as(wide, tmp_path / "map.pdf", using="word")
    with pytest.raises(JourneyError, match="for .pdf and .png"):
        save_map_as(wide, tmp_path / "map.csv", using="chromium")
    if importlib.util.find_spec("weasyprint") is None:
        with pytest.raises(JourneyError, match="'weasyprint' must be installed"):
            save_map_as(wide, tmp_path / "map.pdf", using="weasyprint")


def test_without_a_printer_every_cell_is_drawn(tmp_path, monkeypatch):
    m = make_wide_map(stages=3, lanes=4)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    for ending in (".pdf", ".png"):
        saved = save_map_as(m, tmp_path / f"map{ending}")
        assert (saved.made_with, saved.holds) == ("matplotlib", "every cell, without its evidence")
        assert "every cell, without its evidence; made with matplotlib" in saved.summary()
        assert saved.path.stat().st_size > 5_000


@pytest.mark.parametrize("lang", ["en", "fa"])
def test_slides_hold_every_cell_under_its_stage(tmp_path, lang):
    tables, charts = read_slides(save_map_as(make_wide_map(lang=lang), tmp_path / "map.pptx").path)
    seen = {}
    for rows in tables:
        assert len(rows[0]) <= 7
        lane = -1 if lang == "fa" else 0
        stages = [t for i, t in enumerate(rows[0]) if i != lane % len(rows[0])]
        numbers = [int(s.removeprefix("Stage")[:-1]) for s in stages]
        assert numbers == sorted(numbers, reverse=lang == "fa")
        for row in rows[1:]:
            assert row[lane].startswith("Lane")
            for head, text in zip(rows[0], row, strict=True):
                for j in range(14):
                    mark = f"Cell{head.removeprefix('Stage')[:-1]}y{j}z"
                    if head.startswith("Stage") and mark in text.splitlines():
                        assert row[lane] == f"Lane{j}x"
                        seen[mark] = text
    assert len(seen) == 12 * 14
    everything = "\n".join(seen.values())
    for text in HOSTILE:
        assert text in everything
    values = list(charts[0].plots[0].series[0].values)
    assert values == [None if i == 3 else -1.5 + i / 4 for i in range(12)]
    assert charts[0].category_axis.reverse_order == (lang == "fa")


def test_slides_of_a_long_cell_lose_nothing(tmp_path):
    m = make_wide_map(stages=2, lanes=2)
    words = [f"word{i}" for i in range(900)]
    m["cells"][-1]["items"] = [" ".join(words), "x" * 5_000]
    tables, _ = read_slides(save_map_as(m, tmp_path / "map.pptx").path)
    column = "\n".join(row[2] for rows in tables for row in rows[1:] if row[0] == "Lane1x")

    assert [w for w in column.split() if w.startswith("word")] == words
    assert column.count("x") == 5_000
    assert len(tables) > 1


def test_persian_slides_run_from_the_right_paragraph_by_paragraph(tmp_path):
    path = save_map_as(make_wide_map(3, 2, lang="fa"), tmp_path / "map.pptx").path
    with zipfile.ZipFile(path) as archive:
        slide = archive.read("ppt/slides/slide2.xml").decode()

    assert slide.count("<a:pPr ") == slide.count('rtl="1"') > 10
    assert ' rtl="1"' not in slide[slide.index("<a:tblPr") : slide.index("<a:tblGrid")]
    assert "\u202a−۱٫۵۰\u00a0[−۱٫۸۰،\u00a0−۱٫۲۰]\u202c" in slide
    assert "<script" not in slide


def test_table_has_each_item_with_its_numbers(study, respondents, interactions, beliefs, tmp_path):
    m = build_map(study, survey=respondents, interactions=interactions, beliefs=beliefs)
    rows = tabulate_map(m)

    assert set(zip(rows["lane"], rows["stage"], strict=True)) == {
        (lane["id"], stage["id"]) for lane in m["lanes"] for stage in m["stages"]
    }
    place = rows.set_index(["lane", "stage", "item"])
    for i, emotion in enumerate(m["emotions"]):
        found = rows[rows["lane"].eq("emotion") & rows["stage"].eq(emotion["at"])].iloc[-1]
        kept = emotion["value"]
        if kept["value"] is not None:
            ends = [found["estimate"], found["low"], found["high"], found["n"], found["level"]]
            ci = kept.get("ci", {"lo": np.nan, "hi": np.nan, "level": np.nan})
            wanted = [kept["value"], ci["lo"], ci["hi"], kept["n"], ci["level"]]
            np.testing.assert_array_equal(np.array(ends, dtype=float), wanted, err_msg=str(i))
    assert place.index.is_unique
    validated = rows[rows["evidence_level"].eq("validated")]
    assert validated["evidence"].str.len().gt(0).all()
    gap = rows[rows["lane"].eq("belief") & rows["stage"].eq("get")].iloc[-1]
    assert gap["estimate"] == pytest.approx(2.25 - 4.0)
    goal = rows[rows["lane"].eq("kpis") & rows["stage"].eq("get") & rows["target"].notna()]
    assert set(goal["target"]) == {4.0}


def test_no_formula_gets_into_a_spreadsheet(wide, tmp_path):
    text = save_map_as(wide, tmp_path / "map.csv").path.read_text(encoding="utf-8")
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]

    assert not [c for c in cells if c.startswith(("=", "+", "@"))]
    assert "'" + HOSTILE[1] in cells


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@pytest.mark.parametrize("lang", ["en", "fa"])
def test_printed_map_is_tagged_whole_and_repeatable(tmp_path, lang):
    m = make_wide_map(4, 14, lang=lang)
    saved = save_map_as(m, tmp_path / "map.pdf", using="chromium")
    again = save_map_as(m, tmp_path / "again.pdf", using="chromium")

    raw = saved.path.read_bytes()
    assert (saved.made_with, saved.holds) == ("chromium", "the whole map")
    assert raw == again.path.read_bytes()
    document = pypdfium2.PdfDocument(raw)
    assert pypdfium2.raw.FPDFCatalog_IsTagged(document.raw)
    text = "".join(p.get_textpage().get_text_bounded() for p in document)
    assert all(f"Cell{i}y{j}z" in text for i in range(4) for j in range(14))
    picture = save_map_as(m, tmp_path / "map.png", using="chromium").path
    from matplotlib.image import imread

    pixels = imread(picture)
    assert pixels.shape[0] >= sum(2 * p.get_height() for p in document) - len(document)
    assert pixels.shape[1] == pytest.approx(2 * document[0].get_width(), abs=2)
    assert np.ptp(pixels[:, :, :3]) > 0.5


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("weasyprint") is None, reason="needs WeasyPrint")
@pytest.mark.parametrize("lang", ["en", "fa"])
def test_weasyprint_prints_the_same_map_tagged(tmp_path, lang):
    saved = save_map_as(make_wide_map(4, 6, lang=lang), tmp_path / "map.pdf", using="weasyprint")

    assert saved.made_with == "weasyprint"
    document = pypdfium2.PdfDocument(saved.path)
    assert pypdfium2.raw.FPDFCatalog_IsTagged(document.raw)
    heads = [middle(document[0], f"Stage{i}x")[0] for i in range(4)]
    assert heads == sorted(heads, reverse=lang == "fa")
    seen = 0
    for page in document:
        for i in range(4):
            places = [middle(page, f"Cell{i}y{j}z") for j in range(6)]
            seen += sum(p is not None for p in places)
            assert all(abs(p[0] - heads[i]) < abs(heads[1] - heads[0]) / 2 for p in places if p)
    assert seen == 4 * 6
