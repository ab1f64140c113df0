"""Saturation beside the published example and a slow second way; real coded prints."""

from __future__ import annotations

import ctypes

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as raw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_interviews_analysis import make

from cjlib.errors import JourneyError
from cjlib.interviews import count_codes, count_together, measure_saturation


def talks_with_new(new):
    """Interviews that bring so many codes not heard before, one after the other."""
    rows, name = [("i00", 1, "a", "c0")], 0
    for k, n in enumerate(new):
        rows.append((f"i{k:02}", 1, "a", "c0"))
        for _ in range(n - (k == 0)):
            name += 1
            rows.append((f"i{k:02}", 2, "a", f"c{name}"))
    return make(list(dict.fromkeys(rows)), turns=2)


def test_the_published_example():
    # Guest, Namey and Chen (2020), the worked example: 37 themes in the first four interviews;
    # runs of two then bring 7 (19 %), 4 (11 %) and 1 new theme: saturation at 6+2; with runs
    # of three at 7+3. How the new themes fall on single interviews is worked back from that.
    talks = talks_with_new([16, 9, 7, 5, 4, 3, 1, 0, 1, 0])
    two = measure_saturation(talks, rng=np.random.default_rng(1), base=4, run=2)
    three = measure_saturation(talks, rng=np.random.default_rng(1), base=4, run=3)

    assert two.table["codes"].iloc[3] == 37
    assert two.table["share"].iloc[5:8].tolist() == pytest.approx([7 / 37, 4 / 37, 1 / 37])
    assert [round(100 * v) for v in two.table["share"].iloc[5:7]] == [19, 11]
    assert two.reached.estimate == 6
    assert three.reached.estimate == 7
    assert "after 6+2 of 10" in two.summary()
    none = measure_saturation(talks, rng=np.random.default_rng(1), base=4, run=2, threshold=0)
    assert np.isnan(none.reached.estimate)


def slow_reached(heard, base, run, threshold):
    known = set("".join(heard[:base]))
    for k in range(base, len(heard) - run + 1):
        before = set("".join(heard[:k]))
        new = set("".join(heard[k : k + run])) - before
        if len(new) / len(known) <= threshold:
            return k
    return np.nan


@settings(max_examples=40)
@given(st.lists(st.text(alphabet="abcdefgh", min_size=1, max_size=3), min_size=6, max_size=9),
       st.integers(1, 4), st.integers(1, 2), st.sampled_from([0.0, 0.05, 0.2]))  # fmt: skip
def test_saturation_the_slow_way(heard, base, run, threshold):
    talks = make([(f"i{k}", 1, "a", c) for k, codes in enumerate(heard) for c in codes])
    for draw in ("orders", "resamples"):
        found = measure_saturation(
            talks, rng=np.random.default_rng(1), base=base, run=run, threshold=threshold,
            draw=draw,
        )  # fmt: skip
        expected = slow_reached(heard, base, run, threshold)
        assert found.reached.estimate == pytest.approx(expected, nan_ok=True)
        last = found.table.iloc[-1]
        assert last["high"] <= last["codes"]
        assert (last["low"] == last["codes"]) or draw == "resamples"


def test_resamples_are_said_and_repeat_themselves():
    talks = talks_with_new([16, 9, 7, 5, 4, 3, 1, 0, 1, 0])
    one, two = (
        measure_saturation(talks, rng=np.random.default_rng(1), draw="resamples") for _ in "ab"
    )
    assert one.table.equals(two.table)
    assert one.reached.method == "bootstrap resamples"
    assert "in bootstrap resamples after" in one.summary()
    plain = measure_saturation(talks, rng=np.random.default_rng(1))
    assert one.table["estimate"].iloc[-1] < plain.table["estimate"].iloc[-1]
    with pytest.raises(JourneyError, match="'orders' or 'resamples'"):
        measure_saturation(talks, rng=np.random.default_rng(1), draw="bootstrap")


def read_chips(file):
    """Code names of a print of Delve: the words in its black boxes, in reading order."""
    document = pdfium.PdfDocument(file)
    names = []
    for page in document:
        words = page.get_textpage()
        for item in page.get_objects():
            colour = [ctypes.c_uint() for _ in range(4)]
            raw.FPDFPageObj_GetFillColor(item.raw, *colour)
            if item.type == raw.FPDF_PAGEOBJ_PATH and not any(c.value for c in colour[:3]):
                names.append(words.get_text_bounded(*item.get_bounds()).strip())
        words.close()
        page.close()
    document.close()
    return [name for name in names if name]


@pytest.mark.real
def test_coded_prints_hold_one_coding_of_each_interview(shared_data):
    # "3 interviews x 2 coders + moderated": of the nine prints six were made without codes,
    # and no interview is left with two codings, so agreement cannot be measured on them.
    folder = shared_data / "interviews_ml_practitioners" / "coded_transcripts"
    held = {}
    for file in sorted(folder.rglob("*.pdf")):
        interview, _, coder = file.stem.partition("Interview ")[2].partition(" - ")
        held[interview, coder] = read_chips(file)
    coded = {key: names for key, names in held.items() if names}

    assert len(held) == 9
    assert sorted(coded) == [("10", "Rached"), ("14", "Amin"), ("4", "Rached")]
    rows = [(f"i{i}", t, who, c) for (i, who), names in coded.items()
            for t, c in enumerate(names, 1)]  # fmt: skip
    talks = make(rows, turns=max(map(len, coded.values())))
    counts = count_codes(talks, minimum=1).table
    assert counts["n"].eq(3).all()
    assert counts["turns"].sum() == sum(map(len, coded.values()))
    assert count_together(talks).table["low"].notna().all()
