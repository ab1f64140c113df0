"""The report in a real Chromium: accessible, nothing out of the page, alive without network."""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import shutil
from pathlib import Path

import pypdfium2
import pytest
from test_report import PIXEL, STUDY, make_tables, put

from cjlib.maps import new_map
from cjlib.report import print_report, write_report
from cjlib.study import load_study

CHROMIUM = next(
    (p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))),
    None,
)
DRIVER = importlib.util.find_spec("playwright") and importlib.util.find_spec(
    "axe_playwright_python"
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"
)
driven = pytest.mark.skipif(
    DRIVER is None, reason="needs playwright and axe-core (pip install axe-playwright-python)"
)
SIZES = {"1280 px": (1280, "screen"), "390 px": (390, "screen"), "print": (1120, "print")}
FIGURE = """<svg xmlns="http://www.w3.org/2000/svg" width="700" height="300"><metadata>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description>Bars.</dc:description></rdf:RDF>
</metadata><rect width="600" height="200" fill="#0072B2"/></svg>"""
OWN = """# Ours

## Why *now*

[A link](https://example.org) and ![a dot](dot.png)

| a | b |
|---|---|
| 1 | A_very_long_word_without_any_break_that_is_wider_than_a_telephone_is_and_goes_on_and_on |

#### Deep down

> quoted
"""


def make_report(top: Path, lang: str) -> tuple:
    """A study and its results with a piece of every kind."""
    folder, results = top / lang, top / f"results-{lang}"
    (folder / "report").mkdir(parents=True)
    text = STUDY.replace("LANGUAGE", lang).replace("REPORT", "")
    text = text.replace("DIGITS", "arabext" if lang == "fa" else "latn")
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    (folder / "report" / "summary.after.md").write_text(OWN, encoding="utf-8")
    (folder / "report" / "dot.png").write_bytes(PIXEL)
    for name, frame in make_tables(1).items():
        put(results, *name.split("/"), frame)
    for part in ("figures", "maps"):
        (results / part).mkdir()
    for name in ("02_survey-flow", "06_journeys-flow", "05_metrics-csat", "09_actions-waves"):
        (results / "figures" / f"{name}.svg").write_text(FIGURE, encoding="utf-8")
    for name in ("everybody", "persona-1"):
        drawn = new_map("retail", brand={"en": "Small", "fa": "کوچک"}, language=lang)
        drawn["id"] = name
        drawn["title"] = {"en": f"Map of {name}", "fa": f"نقشهٔ {name}"}
        text = json.dumps(drawn, ensure_ascii=False)
        (results / "maps" / f"{name}.json").write_text(text, encoding="utf-8")
    return load_study(folder), results


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    top = tmp_path_factory.mktemp("reports")
    return {lang: make_report(top, lang) for lang in ("en", "fa")}


@pytest.fixture(scope="module")
def tab():
    """One page of one browser; what it asks of the network is counted."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--disable-gpu", *(["--no-sandbox"] if root else [])]
        )
        page = browser.new_page(bypass_csp=True)  # for the checker's own script
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        yield page
        browser.close()


@driven
@pytest.mark.parametrize("lang", ["en", "fa"])
def test_axe_finds_no_violation_and_nothing_leaves_the_page(reports, tab, lang):
    import axe_playwright_python

    page = write_report(*reports[lang])
    axe = Path(axe_playwright_python.__file__).parent / "axe.min.js"
    tab.goto(page.as_uri())
    tab.add_script_tag(path=str(axe))
    tab.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    for width, media in SIZES.values():
        tab.set_viewport_size({"width": width, "height": 900})
        tab.emulate_media(media=media)
        found = tab.evaluate("axe.run(document, {resultTypes: ['violations']})")
        wide = tab.evaluate("[document.documentElement.scrollWidth, innerWidth]")

        told = [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found["violations"]]
        assert told == [], (width, media)
        assert len(found["passes"]) > 20
        assert media == "print" or wide[0] <= wide[1]
    assert {url.partition(":")[0] for url in tab.asked} <= {"file", "data"}
    assert sum(url.startswith("file") for url in tab.asked) <= 2  # the two pages themselves
    heads = tab.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])"
    )
    assert heads[0] == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(heads))
    assert tab.evaluate("getComputedStyle(document.body).direction") == (
        "rtl" if lang == "fa" else "ltr"
    )


@pytest.mark.parametrize("lang", ["en", "fa"])
def test_the_pdf_holds_the_report_and_the_same_bytes_each_time(reports, lang):
    study, results = reports[lang]
    first = print_report(study, results).read_bytes()

    again = print_report(study, results)

    assert again == results / "report.pdf"
    assert again.read_bytes() == first
    assert b"/StructTreeRoot" in first  # tagged: a screen reader finds its way
    document = pypdfium2.PdfDocument(again)
    sizes = {tuple(round(side) for side in page.get_size()) for page in document}
    text = "".join(page.get_textpage().get_text_range() for page in document)
    document.close()
    assert sizes == {(595, 842), (842, 595)} or sizes == {(596, 842), (842, 596)}  # maps lie wide
    assert "Ours" not in text
    assert ("Why now" in text) or lang == "fa"
    if lang == "en":
        assert "What to do first" in text
