"""The map's page: a real table, read the right way round, safe whatever the data hold."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser

import pypdfium2
import pytest
from wide_map import HOSTILE, make_wide_map

from cjlib.language import to_latin_digits
from cjlib.maps import build_map, map_fragment, map_styles, render_html

CHROMIUM = shutil.which("chromium")
VOID = {"meta", "col", "br", "img", "link", "input"}


class Page(HTMLParser):
    """Elements with their attributes and the text in them, in order."""

    def __init__(self, text):
        super().__init__()
        self.root = self.open = {"tag": "root", "attrs": {}, "parts": [], "parent": None}
        self.feed(text)
        assert self.open is self.root, f"{self.open['tag']} is never closed"

    def handle_starttag(self, tag, attrs):
        node = {"tag": tag, "attrs": dict(attrs), "parts": [], "parent": self.open}
        self.open["parts"].append(node)
        if tag not in VOID:
            self.open = node

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open["tag"] == tag, f"</{tag}> closes <{self.open['tag']}>"
        self.open = self.open["parent"]

    def handle_data(self, data):
        self.open["parts"].append(data)


def find(node, tag):
    for part in node["parts"]:
        if isinstance(part, dict):
            if part["tag"] == tag:
                yield part
            yield from find(part, tag)


def text_of(node):
    return "".join(p if isinstance(p, str) else text_of(p) for p in node["parts"])


@pytest.fixture(params=["en", "fa"])
def page(request):
    return Page(render_html(make_wide_map(lang=request.param)))


def test_one_table_with_caption_and_scoped_headers(page):
    table = next(find(page.root, "table"))
    head = next(find(table, "thead"))

    assert text_of(next(find(table, "caption"))) in ("Wide map", "نقشهٔ پهن")
    assert [h["attrs"]["scope"] for h in find(head, "th")] == ["col"] * 13
    rows = list(find(next(find(table, "tbody")), "tr"))
    assert len(rows) == 14 + 1  # the curve has a row of its own above its values
    for row in rows:
        heads = list(find(row, "th"))
        assert all(h["attrs"]["scope"] == "row" for h in heads)
    assert next(find(rows[0], "th"))["attrs"]["rowspan"] == "2"
    assert next(find(rows[0], "td"))["attrs"]["colspan"] == "12"


def test_each_cell_stands_under_its_own_stage(page):
    table = next(find(page.root, "table"))
    stages = [h["attrs"]["id"] for h in list(find(next(find(table, "thead")), "th"))[1:]]
    rows = list(find(next(find(table, "tbody")), "tr"))[1:]

    for j, row in enumerate(rows):
        cells = list(find(row, "td"))
        assert [c["attrs"]["headers"] for c in cells] == stages
        for i, cell in enumerate(cells):
            assert f"Cell{i}y{j}z" in text_of(cell)


def test_curve_is_an_image_with_words(page):
    svg = next(s for s in find(page.root, "svg") if s["attrs"].get("role") == "img")
    title, desc = next(find(svg, "title")), next(find(svg, "desc"))

    assert svg["attrs"]["aria-labelledby"].split() == [title["attrs"]["id"], desc["attrs"]["id"]]
    assert all(f"Stage{i}x" in text_of(desc) for i in range(12))
    assert not any("class" in n["attrs"] or "style" in n["attrs"] for n in find(svg, "line"))
    # eleven of twelve stages have a value: below the middle diamonds, else circles
    values = [-1.5 + i / 4 for i in range(12) if i != 3]
    assert len(list(find(svg, "circle"))) == sum(v >= 0 for v in values)
    polygons = list(find(svg, "polygon"))
    assert len(polygons) == sum(v < 0 for v in values) + 2  # and a band for each run


def test_curve_runs_in_reading_order():
    places = {}
    for lang in ("en", "fa"):
        svg = next(find(Page(render_html(make_wide_map(lang=lang))).root, "svg"))
        page = Page(render_html(make_wide_map(lang=lang)))
        svg = next(s for s in find(page.root, "svg") if s["attrs"].get("role") == "img")
        places[lang] = [float(c["attrs"]["cx"]) for c in find(svg, "circle")]
        assert float(svg["attrs"]["viewbox"].split()[2]) == 2400

    assert places["en"] == sorted(places["en"])
    assert places["fa"] == sorted(places["fa"], reverse=True)
    assert places["fa"][0] == 2400 - places["en"][0]


def test_nothing_runs_and_nothing_loads(page):
    names = {"script", "img", "iframe", "object", "link", "base", "form"}
    assert not [n for name in names for n in find(page.root, name)]
    for node in everything(page.root):
        for key, value in node["attrs"].items():
            assert not key.startswith("on"), f"{node['tag']} has {key}"
            if key in ("href", "src"):
                assert value.startswith("#")
    css = "".join(text_of(s) for s in find(page.root, "style"))
    assert re.findall(r"url\((?!data:font/ttf;base64,)", css) == []
    assert "@import" not in css


def everything(node):
    for part in node["parts"]:
        if isinstance(part, dict):
            yield part
            yield from everything(part)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(page, text):
    shown = re.sub(r"[\u2066-\u2069]", "", text_of(next(find(page.root, "table"))))

    assert text in shown


def test_levels_are_told_in_words(page):
    words = text_of(next(find(page.root, "table")))

    lang = page.root["parts"][-1]["attrs"] if isinstance(page.root["parts"][-1], dict) else {}
    html = next(find(page.root, "html"))["attrs"] or lang
    wanted = {"en": ("Validated", "Partly founded", "Assumption"),
              "fa": ("تأییدشده", "با شواهد اندک", "فرض")}[html["lang"]]  # fmt: skip
    assert all(w in words for w in wanted)


def test_persian_page_runs_from_the_right_with_its_own_digits():
    page = Page(render_html(make_wide_map(lang="fa")))
    html = next(find(page.root, "html"))["attrs"]
    values = [b for b in find(page.root, "bdi") if b["attrs"].get("class") == "value"]

    assert (html["lang"], html["dir"]) == ("fa", "rtl")
    assert text_of(values[0]) == "−۱٫۵۰ [−۱٫۸۰، −۱٫۲۰]"
    assert all(b["attrs"]["dir"] == "ltr" for b in values)
    assert "n =" not in text_of(next(find(page.root, "table")))


def test_english_page_of_a_persian_map_has_its_own_digits():
    text = render_html(make_wide_map(lang="fa"), language="en")

    assert 'lang="en" dir="ltr"' in text
    assert "−1.50 [−1.80, −1.20]" in text
    assert "n = 310" in text


def test_scrolling_region_can_be_reached_by_keyboard(page):
    regions = [d for d in find(page.root, "div") if d["attrs"].get("role") == "region"]
    captions = {c["attrs"]["id"] for c in find(page.root, "caption")}

    assert len(regions) == 2
    assert all(r["attrs"]["tabindex"] == "0" for r in regions)
    assert {r["attrs"]["aria-labelledby"] for r in regions} == captions


def test_cells_point_to_the_appendix(page):
    ids = [n["attrs"]["id"] for n in everything(page.root) if "id" in n["attrs"]]
    links = {a["attrs"]["href"][1:] for a in find(page.root, "a")}

    assert len(ids) == len(set(ids))
    assert links <= set(ids)
    assert len(list(find(page.root, "details"))) >= 12 * 14


def test_fragment_without_appendix_has_no_dead_links(wide):
    fragment = map_fragment(wide, appendix=False)

    assert "href=" not in fragment
    assert "<table" in fragment
    assert fragment.count("<table") == 1
    assert all(line.split("{")[0].strip().startswith((".cjmap", "@", "}", ""))
               for line in map_styles().splitlines())  # fmt: skip


def test_page_shows_the_numbers_of_the_map(study, respondents, interviews, interactions, beliefs):
    m = build_map(
        study, survey=respondents, interviews=interviews, interactions=interactions,
        beliefs=beliefs,
    )  # fmt: skip

    english, persian = (text_of(Page(render_html(m, language=x)).root) for x in ("en", "fa"))

    for said in ("−0.75 [", "25% [13%, 42%]", "heard in 3 of 3 interviews", "beyond chance",
                 "−1.8 [−1.9, −1.6]", "target 4", "Back to Look 31% [18%, 49%]"):  # fmt: skip
        assert said in english, said
    assert "بازگشت به دیدن ۳۱٪ [۱۸٪، ۴۹٪]" in persian
    assert "+40 [" in to_latin_digits(persian)
    assert "never be shown" not in english


def test_each_number_stands_in_its_own_cell(study, respondents, interactions, beliefs):
    m = build_map(study, survey=respondents, interactions=interactions, beliefs=beliefs)
    table = next(find(Page(render_html(m)).root, "table"))
    rows = list(find(next(find(table, "tbody")), "tr"))[1:]  # the first holds the curve
    lanes = [lane["id"] for lane in m["lanes"]]

    def cell(lane, stage):
        return text_of(list(find(rows[lanes.index(lane)], "td"))[stage])

    def where(said):
        return [(x, i) for x in lanes for i in range(3) if said in cell(x, i)]

    assert where("A long wait after the purchase") == [("pains", 2)]
    assert where("Satisfaction above that of the other stages") == [("strengths", 0)]
    assert where("Deliver faster") == [("opportunities", 2)]
    assert where("I want it fast") == [("needs", 2)]
    assert where("+1.50 [") == [("emotion", 0), ("strengths", 0)]
    assert where("4.5 [") == [("kpis", 0), ("belief", 0)]
    assert where("Begin here") == [("flow", 0)]
    assert where("Selling") == [("owners", 0)]


def test_same_map_same_bytes(wide):
    assert render_html(wide) == render_html(wide)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@pytest.mark.parametrize("lang", ["en", "fa"])
def test_printed_values_stand_under_their_stage(lang, tmp_path):
    file, pdf = tmp_path / "map.html", tmp_path / "map.pdf"
    file.write_text(render_html(make_wide_map(lang=lang)), encoding="utf-8")
    subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
         "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}", "--no-pdf-header-footer",
         f"--print-to-pdf={pdf}", file.as_uri()],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip

    document = pypdfium2.PdfDocument(pdf)
    width = document[0].get_width()
    assert width > document[0].get_height()  # landscape
    heads = {i: middle(document[0], f"Stage{i}x")[0] for i in range(12)}
    order = sorted(heads, key=heads.get, reverse=lang == "fa")
    assert order == list(range(12))
    column = abs(heads[1] - heads[0])
    seen = 0
    for page in document:
        for j in range(14):
            for i in range(12):
                place = middle(page, f"Cell{i}y{j}z")
                if place:
                    seen += 1
                    assert abs(place[0] - heads[i]) < column / 2, (i, j)
                    assert 0 < place[0] < width
    assert seen == 12 * 14


def middle(page, word):
    text = page.get_textpage()
    found = text.search(word, match_case=True, match_whole_word=True).get_next()
    if not found:
        return None
    boxes = [text.get_charbox(found[0] + k) for k in range(found[1])]
    return (boxes[0][0] + boxes[-1][2]) / 2, boxes[0][1]
