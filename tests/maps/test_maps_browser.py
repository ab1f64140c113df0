"""Maps in a real Chromium: accessible, every value under its stage, alive without a script."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

import pypdfium2
import pytest
from test_maps_hostile import poison
from wide_map import LONG, make_wide_map

from cjlib.maps import render_html, render_side_by_side
from cjlib.maps.exports.documents import write_pdf

CHROMIUM = next(
    (p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))),
    None,
)
DRIVER = importlib.util.find_spec("playwright")
AXE = importlib.util.find_spec("axe_playwright_python")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"
)
driven = pytest.mark.skipif(DRIVER is None, reason="needs playwright (pip install playwright)")
audited = pytest.mark.skipif(
    DRIVER is None or AXE is None,
    reason="needs axe-core (pip install axe-playwright-python)",
)
SIZES = {"1280 px": (1280, "screen"), "390 px": (390, "screen"), "print": (1120, "print")}

MEASURE = """() => {
const box = e => {
  const r = e.getBoundingClientRect(); return [r.left, r.right, r.top, r.bottom];
};
const table = document.querySelector('table');
const heads = {};
for (const h of table.querySelectorAll('thead th[id]')) heads[h.id] = box(h);
const cells = [...table.querySelectorAll('td[headers]')].map(c => {
  const inner = [...c.children].flatMap(part => {
    const range = document.createRange();
    range.selectNodeContents(part.tagName == 'DETAILS' ? part.firstElementChild : part);
    return [...range.getClientRects()].filter(r => r.width > 0);
  });
  return {stage: c.getAttribute('headers').split(' ')[0], box: box(c), text: c.textContent,
          left: Math.min(...inner.map(r => r.left)), right: Math.max(...inner.map(r => r.right))};
});
const curve = document.querySelector('svg[role=img]');
const points = curve ? [...curve.querySelectorAll('text[text-anchor=middle]')].map(
  e => [...box(e), e.textContent]) : [];
const frame = curve ? box(curve) : [];
const out = curve ? [...curve.querySelectorAll('text')].filter(e => {
  const r = e.getBoundingClientRect();
  return r.left < frame[0] || r.right > frame[1] || r.top < frame[2] || r.bottom > frame[3];
}).map(e => e.textContent) : [];
return {heads, cells, points, out, caption: table.firstElementChild.tagName,
        rows: [...table.querySelectorAll('tbody tr')].map(r => r.firstElementChild.tagName),
        wide: document.documentElement.scrollWidth, view: innerWidth};
}"""


@pytest.fixture(scope="module")
def tab():
    """One page of one browser for the whole module; what it asks of the network is counted."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--disable-gpu", *(["--no-sandbox"] if root else [])]
        )
        page = browser.new_page()
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.message}"))
        page.on("pageerror", lambda error: pytest.fail(f"the page failed: {error}"))
        yield page
        browser.close()


def show(tab, text, folder, *, size="1280 px", name="map.html"):
    file = folder / "maps" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    width, media = SIZES[size]
    tab.set_viewport_size({"width": width, "height": 900})
    tab.emulate_media(media=media)
    tab.goto(file.as_uri())
    return tab


def make_hard_map(lang, stages=12, lanes=14):
    m = make_wide_map(stages, lanes, lang=lang)
    for i, cell in enumerate(m["cells"]):
        cell["items"].append([LONG * 3, "سلام (ABC) ۱۲۳ −۵ abc سفارش", "x" * 400][i % 3])
    return m


def make_full_map(lang):
    """Every kind of lane, with links, a change log, loops, gaps and what is out of date."""
    m = make_wide_map(2, 14, lang=lang)
    m["personas"][0] |= {"name": "Sara", "needs": ["Soon", "Cheap"]}
    m["review"] = {"next_review": "2025-01-01"}
    m["changelog"] = [{"version": "1.0.0", "on": "2025-01-01", "by": "Ali", "note": "First."}]
    m["evidence"][0]["uri"] = "tables/a.csv"
    share = {"value": 0.2, "unit": "share", "n": 90,
             "ci": {"lo": 0.1, "hi": 0.3, "level": 0.95, "method": "Wilson"}}  # fmt: skip
    m["transitions"] = [
        {"from": "s1", "to": "s0", "kind": "loop", "p": share},
        {"from": "s1", "to": "s1", "kind": "channel-switch", "from_channel": "Web",
         "to_channel": "Shop", "p": share},
    ]  # fmt: skip
    points = {name: share | {"unit": "points"} for name in ("business", "customer", "gap")}
    m["alignment"] = [{"at": "s1", "construct": "csat", "significant": True} | points]
    m["metrics"] = [{"id": "m", "at": "s0", "name": "nps", "value": share, "target": 0.4}]
    return m


@audited
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lang", ["en", "fa"])
def test_axe_finds_no_violation(tab, tmp_path, lang, size):
    from datetime import date

    import axe_playwright_python

    text = render_html(make_full_map(lang), root="..", today=date(2026, 1, 1))
    if size == "390 px":  # the widest page at the narrowest size
        text = render_side_by_side([make_full_map(lang), make_wide_map(3, 3, lang=lang)])
    show(tab, text, tmp_path, size=size)
    axe = Path(axe_playwright_python.__file__).parent / "axe.min.js"
    tab.add_script_tag(path=str(axe))

    found = tab.evaluate("axe.run(document, {resultTypes: ['violations']})")

    told = [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found["violations"]]
    assert told == []
    assert len(found["passes"]) > 20


@driven
@pytest.mark.parametrize("lang", ["en", "fa"])
def test_the_browser_hears_a_table_with_headers(tab, tmp_path, lang):
    """What a screen reader is given: Chromium's own accessibility tree, in reading order."""
    show(tab, render_html(make_full_map(lang)), tmp_path)
    session = tab.context.new_cdp_session(tab)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    heard = [
        (n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if not n["ignored"]
    ]
    roles = [role for role, _ in heard]
    heads = [name for role, name in heard if role == "columnheader"]

    assert [h[:7] for h in heads[1:3]] == ["Stage0x", "Stage1x"]
    assert [n for r, n in heard if r == "rowheader"][:14] == [f"Lane{j}x" for j in range(14)]
    assert roles.count("table") == 2  # the map and its evidence; nothing laid out by tables
    tables = [name for role, name in heard if role == "table"]
    assert tables[0] in ("Wide map", "نقشهٔ پهن")
    marks = [n for r, n in heard if r == "StaticText" and n.startswith("Cell")]
    assert marks == [f"Cell{i}y{j}z" for j in range(14) for i in range(2)]
    assert "image" in roles or "img" in roles  # the curve, with its words
    session.detach()


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


@driven
@pytest.mark.parametrize("size", ["1280 px", "390 px"])
@pytest.mark.parametrize("lang", ["en", "fa"])
def test_long_map_keeps_every_value_in_its_column(tab, tmp_path, lang, size):
    seen = show(tab, render_html(make_hard_map(lang)), tmp_path, size=size).evaluate(MEASURE)

    require_order(seen, lang, 12)
    assert len(seen["cells"]) == 12 * 14
    assert all(f"Cell{i % 12}y{i // 12}z" in c["text"] for i, c in enumerate(seen["cells"]))
    assert seen["caption"] == "CAPTION"
    assert seen["out"] == []  # no word of the curve is cut off
    assert seen["wide"] <= seen["view"] + 1  # the table scrolls in its region; the page does not
    felt = {c["stage"]: c["text"] for c in seen["cells"][:12]}  # the lane below the curve
    for left, right, *_, said in seen["points"]:
        middle = (left + right) / 2
        stage = next(key for key, h in seen["heads"].items() if h[0] < middle < h[1])
        assert (said in felt[stage]) is (said != "–"), stage
    assert len(seen["points"]) == 12


@pytest.mark.slow
@driven
@pytest.mark.parametrize("lang", ["en", "fa"])
def test_eight_maps_side_by_side_keep_every_value_in_its_column(tab, tmp_path, lang):
    maps = [make_hard_map(lang, 6, 5) for _ in range(8)]
    maps[1]["personas"][0]["name"] = LONG
    for size in ("1280 px", "390 px"):
        seen = show(tab, render_side_by_side(maps), tmp_path, size=size).evaluate(MEASURE)

        require_order(seen, lang, 6)
        assert len(seen["cells"]) == 6 * 5 * 8
        assert seen["rows"].count("TD") == 8  # below each curve, whose heading spans both rows
        assert seen["wide"] <= seen["view"] + 1


@driven
def test_evidence_shows_on_hover_and_on_focus_without_a_script(tab, tmp_path):
    show(tab, render_html(make_full_map("fa"), root=".."), tmp_path)
    cell = tab.locator("tr.lane-actions td").first
    shown = cell.locator("details.why > ul")

    assert not shown.is_visible()
    before = cell.bounding_box()
    cell.hover()
    assert shown.is_visible()
    assert cell.bounding_box() == before  # nothing jumps
    box = shown.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1280
    tab.mouse.move(2, 2)
    assert not shown.is_visible()
    cell.locator("summary").focus()
    assert shown.is_visible()
    tab.keyboard.press("Enter")
    assert cell.locator("details.why").get_attribute("open") is not None
    assert tab.locator("script").count() == 0


@driven
def test_links_lead_from_the_page_to_the_table(tab, tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "a.csv").write_text("a\n", encoding="utf-8")
    show(tab, render_html(make_full_map("en"), root=".."), tmp_path)
    links = tab.eval_on_selector_all("a", "all => all.map(a => a.href)")

    outside = {link for link in links if "#" not in link}
    assert outside == {(tmp_path / "tables" / "a.csv").as_uri()}
    inside = [link.split("#")[1] for link in links if "#" in link]
    assert inside
    assert all(tab.locator(f"[id='{key}']").count() == 1 for key in set(inside))


@driven
@pytest.mark.parametrize("lang", ["en", "fa"])
def test_hostile_texts_run_nothing_and_ask_nothing(tab, tmp_path, lang):
    text = render_html(poison(lang=lang), root="..")
    tab.asked.clear()
    show(tab, text, tmp_path)
    tab.wait_for_timeout(100)

    assert tab.evaluate("'hit' in top") is False
    assert [u for u in tab.asked if not u.startswith(("data:", "file:"))] == []
    assert len([u for u in tab.asked if u.startswith("file:")]) == 1
    assert tab.locator("script, img, iframe, object, svg[onload], [onmouseover]").count() == 0
    assert tab.evaluate("document.styleSheets.length") == 1


@driven
@pytest.mark.parametrize("lang", ["en", "fa"])
def test_print_shows_what_the_screen_folds(tab, tmp_path, lang):
    m = make_full_map(lang)
    m["cells"][3]["items"] = [f"Item{i}x" for i in range(9)]
    show(tab, render_html(m), tmp_path, size="print")

    assert tab.get_by_text("Item8x").is_visible()
    assert tab.locator("table.evidence tbody tr").first.is_visible()
    assert not tab.locator("details.why > ul").first.is_visible()  # the appendix holds them
    assert tab.locator("p.refs").first.is_visible()


@pytest.mark.slow
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
