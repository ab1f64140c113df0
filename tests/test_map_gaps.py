"""The table of belief against experience says what the map says."""

from __future__ import annotations

from cjlib.maps import list_belief_gaps

MAP = {
    "lang": "fa",
    "stages": [{"id": "buy", "label": {"en": "Buy", "fa": "خرید"}}],
    "alignment": [
        {
            "at": "buy",
            "construct": "csat",
            "business": {"value": 4.0, "n": 9},
            "customer": {"value": 3.5, "n": 100, "ci": {"lo": 3.4, "hi": 3.6, "level": 0.95}},
            "gap": {"value": -0.5, "n": 100,
                    "ci": {"lo": -0.6, "hi": -0.4, "level": 0.95, "method": "t"}},
            "significant": True,
        },
        {"at": "buy", "construct": "ces", "business": {"value": 4.0}, "customer": {}, "gap": {}},
    ],
}  # fmt: skip


def test_gap_table():
    table = list_belief_gaps(MAP)

    first = table.iloc[0]
    assert (first["label"], first["believed"], first["lived_n"]) == ("خرید", 4.0, 100)
    assert (first["estimate"], first["low"], first["high"]) == (-0.5, -0.6, -0.4)
    assert first["significant"]
    assert table["estimate"].isna().tolist() == [False, True]
    assert not table["significant"].iloc[1]


def test_no_beliefs_no_rows():
    assert list_belief_gaps({"lang": "en", "stages": []}).empty
