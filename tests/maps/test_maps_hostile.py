"""Text from data stays text: never markup, script, style, drawing, address or formula."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from itertools import cycle

import pandas as pd
import pytest
from defusedxml.ElementTree import fromstring, parse
from pptx import Presentation
from test_maps_rendering import Page, everything, find, text_of
from wide_map import make_wide_map

from cjlib.maps import (
    build_map,
    load_map,
    plan_future,
    render_html,
    render_side_by_side,
    save_map_as,
    tabulate_map,
)
from cjlib.maps.view import link_to

ATTACKS = (
    "</style><script>top.hit=1</script>", "</title></head><svg onload=top.hit=1>",
    '" onmouseover="top.hit=1" x="', "javascript:top.hit=1", "--></svg><img onerror=top.hit=1>",
    "url(https://evil.example/x)", "@import 'https://evil.example/x';", "]]><!ENTITY a 'b'>",
    '=HYPERLINK("https://evil.example")', "+1+cmd|' /C calc'!A0", "@SUM(1)", "\tcell", "{{ 7*7 }}",
    "%s{0}{name}", "\u202eevil\u202c سلام", "<details open ontoggle=top.hit=1>",
)  # fmt: skip
DRAWN = {
    "svg", "title", "desc", "line", "text", "circle", "polygon", "polyline", "path", "g", "defs",
    "style", "use", "metadata", "clipPath", "rect",
}  # fmt: skip


def poison(start: int = 0, *, lang: str = "en") -> dict:
    """A map in which every text is the next attack; what must be an id or a date is not."""
    turn = cycle([*ATTACKS[start:], *ATTACKS[:start]])
    m = make_wide_map(2, 14, lang=lang)
    m |= {
        "title": {"en": next(turn), "fa": next(turn)}, "review": {"owner": next(turn)},
        "changelog": [
            {"version": "1.0.0", "on": "2025-01-01", "by": next(turn), "note": next(turn)}
        ],
        "personas": [{"id": "sara", "name": next(turn), "needs": [next(turn), next(turn)]}],
        "provenance": {"study": next(turn), "checksum": next(turn), "synthetic": True},
    }  # fmt: skip
    for stage in m["stages"]:
        stage |= {name: next(turn) for name in ("label", "customer_goal", "owner", "team")}
        exits = {"to": "end", "reason": next(turn), "share": {"value": 0.2, "unit": "share"}}
        stage["exit"] = [exits]
    for lane in m["lanes"]:
        lane["label"] = next(turn)
    for cell in m["cells"]:
        cell |= {
            "text": next(turn), "level": "validated",
            "items": [{"text": next(turn), "quote": True, "by": next(turn)},
                      {"text": {"en": next(turn), "fa": next(turn)}, "level": "assumption"}],
        }  # fmt: skip
    for finding in m["findings"]:
        finding |= {"text": next(turn), "rule": next(turn)}
    share = {"value": 0.2, "unit": "share", "denominator": next(turn)}
    m["transitions"] = [
        {"from": "s0", "to": "s0", "kind": "channel-switch", "from_channel": next(turn),
         "to_channel": next(turn), "p": share},
        {"from": "s0", "to": "s1", "kind": "forward", "p": share},
    ]  # fmt: skip
    m["metrics"] = [
        {"id": "m", "at": "s1", "name": "custom", "label": next(turn), "value": {"value": 1},
         "target": 2}
    ]  # fmt: skip
    m["evidence"] = [
        {"id": "e", "type": "quote"}
        | {name: next(turn) for name in ("source", "text", "row_ref", "uri", "method")}
    ]
    return m


@pytest.mark.parametrize("start", [0, 9])
def test_pages_hold_attacks_as_text_only(start):
    one = poison(start)
    attack = ATTACKS[start]
    change = {"at": "s0", "lane": "l1", "text": attack, "action": attack, "owner": attack}
    for text in (
        render_html(one, root=".."),
        render_side_by_side([one, plan_future(one, [change])], root=".."),
    ):
        page = Page(text)
        styles = [text_of(s) for s in find(page.root, "style")]
        assert len(styles) == 1
        assert not [word for word in ("evil", "top.hit", "@import") if word in styles[0]]
        for node in everything(page.root):
            assert node["tag"] not in {"script", "img", "iframe", "object", "link", "base"}
            for key, value in node["attrs"].items():
                assert not key.startswith("on")
                assert key != "href" or value.startswith(("#", "../")), value
        shown = " ".join(text_of(next(find(page.root, "table"))).split())
        assert [a for a in ATTACKS if " ".join(a.split()) not in shown] == []


def test_table_and_data_hold_attacks_as_data(tmp_path):
    m = poison()

    text = save_map_as(m, tmp_path / "map.csv").path.read_text(encoding="utf-8")
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert not [c for c in cells if c.startswith(("=", "+", "@", "\t"))]
    assert set(ATTACKS) <= set(tabulate_map(m)["text"])  # the frame itself is not changed
    for ending in (".json", ".yaml"):
        assert load_map(save_map_as(m, tmp_path / f"map{ending}").path) == json.loads(json.dumps(m))


def test_slides_and_drawing_hold_no_link_and_no_foreign_part(tmp_path):
    m = poison(lang="fa")

    deck = save_map_as(m, tmp_path / "map.pptx").path
    shapes = [s for slide in Presentation(str(deck)).slides for s in slide.shapes if s.has_table]
    texts = [c.text_frame.text for s in shapes for row in s.table.rows for c in row.cells]
    everything_said = "\n".join(texts)
    assert [a for a in ATTACKS if a.strip() not in everything_said] == []
    with zipfile.ZipFile(deck) as archive:
        for name in archive.namelist():
            part = archive.read(name)
            assert not (name.endswith(".rels") and b'TargetMode="External"' in part), name
            if name.endswith((".xml", ".rels")):
                fromstring(part)
    root = parse(save_map_as(m, tmp_path / "map.svg").path).getroot()
    assert {node.tag.partition("}")[2] for node in root.iter() if "svg" in node.tag} <= DRAWN
    for node in root.iter():
        for key, value in node.attrib.items():
            assert not key.startswith("on")
            assert not key.endswith("href") or value.startswith("#")


def test_assumptions_typed_by_people_are_texts_too(study):
    typed = pd.DataFrame({"stage": ["buy"], "lane": ["backstage"], "text": [ATTACKS[0]]})
    page = Page(render_html(build_map(study, assumptions=typed)))

    assert not list(find(page.root, "script"))
    assert ATTACKS[0] in text_of(page.root)


@pytest.mark.parametrize(
    ("uri", "link"),
    [
        ("tables/05_metrics/metrics.csv", "../tables/05_metrics/metrics.csv"),
        ("tables/نتیجه ها.csv", ""),
        ("tables/نتیجه.csv", "../tables/%D9%86%D8%AA%DB%8C%D8%AC%D9%87.csv"),
        ("https://example.org/a?b=1&c=2#d", "https://example.org/a?b=1&c=2#d"),
        ('https://example.org/"onclick="x', "https://example.org/%22onclick=%22x"),
        ("javascript:alert(1)", ""), ("JaVaScRiPt:alert(1)", ""), ("java\nscript:alert(1)", ""),
        ("data:text/html,<script>", ""), ("vbscript:x", ""), ("file:///etc/passwd", ""),
        ("//evil.example/x", ""), ("\\\\evil\\x", ""), ("/etc/passwd", ""), ("../../x", ""),
        ("tables/../../x", ""), ("http://[", ""), ("", ""), ("  ", ""), ("c:/x", ""),
    ],
)  # fmt: skip
def test_only_files_of_the_results_and_web_addresses_become_links(uri, link):
    assert link_to(uri, "..") == link


def test_without_a_way_to_the_results_paths_are_told_and_not_linked():
    assert link_to("tables/a.csv", None) == ""
    assert link_to("https://example.org/a", None) == "https://example.org/a"
