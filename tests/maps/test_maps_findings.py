"""Findings and what they open, in words: a pain's own full stop does not end the question."""

from __future__ import annotations

import pytest

from cjlib.maps import build_map
from cjlib.study import load_study

ENDED = [
    ("Told me other things.", "چیز دیگری گفت.", "Told me other things", "چیز دیگری گفت"),
    ("Why so late?!", "چرا این‌قدر دیر؟", "Why so late", "چرا این‌قدر دیر"),
    ("Costs 1.5 million", "۱٫۵ میلیون است…", "Costs 1.5 million", "۱٫۵ میلیون است"),
]


@pytest.mark.parametrize(("en", "fa", "plain_en", "plain_fa"), ENDED)
def test_a_pain_stands_in_the_question_without_its_own_end(
    study, respondents, en, fa, plain_en, plain_fa
):
    pain = "rid,,,id,,,,,\npain_x,{en},{fa},tick,,,pain,buy,\n"
    file = study.path / "codebook.csv"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("rid,,,id,,,,,\n", pain.format(en=en, fa=fa)), encoding="utf-8")
    asked = load_study(study.path)

    made = build_map(asked, survey=respondents.assign(pain_x=True))

    texts = [o["text"] for o in made["findings"] if o["kind"] == "opportunity" and o["at"] == "buy"]
    assert texts == [
        {
            "en": f"What would take away: {plain_en}?",
            "fa": f"چه چیزی این درد را برمی‌دارد: {plain_fa}؟",
        }
    ]
    assert {"en": en, "fa": fa} in [f["text"] for f in made["findings"]]
