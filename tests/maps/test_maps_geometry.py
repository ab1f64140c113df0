"""Boxes measured in Chromium: every value under its stage, nothing out of its cell."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess

import pypdfium2
import pytest
from wide_map import LONG, make_wide_map

from cjlib.maps import render_html, render_side_by_side
from cjlib.maps.exports.documents import write_pdf

CHROMIUM = shutil.which("chromium")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")]

MEASURE = """
const box = e => {
  const r = e.getBoundingClientRect(); return [r.left, r.right, r.top, r.bottom];
};
const table = document.querySelector('table');
const heads = {};
for (const h of table.querySelectorAll('thead th[id]')) heads[h.id] = box(h);
const cells = [...table.querySelectorAll('td[headers]')].map(c => {
  const range = document.createRange(); range.selectNodeContents(c);
  const inner = [...range.getClientRects()].filter(r => r.width > 0);
  return {stage: c.getAttribute('headers').split(' ')[0], box: box(c), text: c.textContent,
          left: Math.min(...inner.map(r => r.left)), right: Math.max(...inner.map(r => r.right))};
});
const region = box(document.querySelector('.cjmap-region'));
return {heads, cells, region, caption: table.firstElementChild.tagName,
        rows: [...table.querySelectorAll('tbody tr')].map(r => r.firstElementChild.tagName),
        wide: document.documentElement.scrollWidth, view: innerWidth};
"""


def make_hard_map(lang, stages=12, lanes=14):
    m = make_wide_map(stages, lanes, lang=lang)
    for i, cell in enumerate(m["cells"]):
        cell["items"].append([LONG * 3, "سلام (ABC) ۱۲۳ −۵ abc سفارش", "x" * 400][i % 3])
    return m


def measure(page, folder, *, width):
    """Open the page in a frame of a width and return what MEASURE finds."""
    inner = page.replace(
        "</body>", f"<script>document.measured = () => {{{MEASURE}}}</script></body>"
    )
    file = folder / "frame.html"
    file.write_text(
        f'<!DOCTYPE html><title></title><iframe style="border:0;width:{width}px;height:900px" '
        f'srcdoc="{html.escape(inner, quote=True)}"></iframe><pre></pre><script>'
        "onload = () => { const d = document.querySelector('iframe').contentDocument;"
        "document.querySelector('pre').textContent = JSON.stringify(d.measured()); "
        "document.querySelector('iframe').remove(); }</script>",
        encoding="utf-8",
    )
    command = [
        CHROMIUM, "--headless", "--disable-gpu", "--no-first-run", "--disable-sync",
        "--disable-background-networking", f"--user-data-dir={folder / 'profile'}",
        "--window-size=1400,1000", "--virtual-time-budget=5000", "--dump-dom", file.as_uri(),
    ]  # fmt: skip
    if os.geteuid() == 0:
        command.insert(1, "--no-sandbox")
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    found = re.search(r"<pre>(.*?)</pre>", done.stdout.decode("utf-8"), re.S)
    return json.loads(html.unescape(found[1]))


def require_order(seen, lang, stages):
    lefts = [seen["heads"][key][0] for key in seen["heads"]]
    assert len(lefts) == stages
    assert lefts == sorted(lefts, reverse=lang == "fa")
    for cell in seen["cells"]:
        head = seen["heads"][cell["stage"]]
        assert cell["box"][:2] == pytest.approx(head[:2], abs=1)
        assert cell["box"][2] >= head[3] - 1
        assert cell["left"] >= cell["box"][0] - 1, cell["text"]
        assert cell["right"] <= cell["box"][1] + 1, cell["text"]


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("lang", ["en", "fa"])
def test_long_map_keeps_every_value_in_its_column(tmp_path, lang, width):
    seen = measure(render_html(make_hard_map(lang)), tmp_path, width=width)

    require_order(seen, lang, 12)
    assert len(seen["cells"]) == 12 * 14
    assert all(f"Cell{i % 12}y{i // 12}z" in c["text"] for i, c in enumerate(seen["cells"]))
    assert seen["caption"] == "CAPTION"
    assert seen["view"] == width
    assert seen["wide"] <= width + 1  # the table scrolls in its region; the page does not


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("lang", ["en", "fa"])
def test_maps_side_by_side_keep_every_value_in_its_column(tmp_path, lang, width):
    maps = [make_hard_map(lang, 6, 5) for _ in range(3)]
    maps[1]["personas"][0]["name"] = LONG
    seen = measure(render_side_by_side(maps), tmp_path, width=width)

    require_order(seen, lang, 6)
    assert len(seen["cells"]) == 6 * 5 * 3
    assert set(seen["rows"]) == {"TH", "TD"}
    assert seen["rows"].count("TD") == 3  # below each curve, whose heading spans both rows
    assert seen["wide"] <= width + 1


@pytest.mark.parametrize("lang", ["en", "fa"])
def test_maps_side_by_side_are_printed_whole(tmp_path, lang):
    maps = [make_wide_map(6, 5, lang=lang) for _ in range(3)]
    write_pdf(render_side_by_side(maps), tmp_path / "side.pdf", tool="chromium")
    document = pypdfium2.PdfDocument(tmp_path / "side.pdf")

    heads = [find_word(document[0], f"Stage{i}x") for i in range(6)]
    assert heads == sorted(heads, reverse=lang == "fa")
    column = abs(heads[1] - heads[0])
    seen = 0
    for page in document:
        for i in range(6):
            for j in range(5):
                place = find_word(page, f"Cell{i}y{j}z")
                if place is not None:
                    seen += 1
                    assert abs(place - heads[i]) < column / 2
                    assert 0 < place < page.get_width()
    assert seen >= 6 * 5


def find_word(page, word):
    text = page.get_textpage()
    found = text.search(word, match_case=True, match_whole_word=True).get_next()
    return None if found is None else text.get_charbox(found[0])[0]
