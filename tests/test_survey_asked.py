"""Columns that the codebook names and no survey file has are faults, with the nearest header."""

from __future__ import annotations

import shutil

from cjlib.checking import check_study
from cjlib.survey import check_items


def test_a_misspelt_column_is_a_fault_with_its_line(sepidar, tmp_path):
    copy = shutil.copytree(sepidar, tmp_path / "study")
    codebook = copy / "codebook.csv"
    lines = codebook.read_text(encoding="utf-8").splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("nps,"))
    lines[at] = lines[at].replace("nps,Q15|spring:recommend,", "nps,Q155|spring:recomend,", 1)
    codebook.write_text("\n".join(lines) + "\n", encoding="utf-8")

    _, faults = check_study(copy)

    assert [(f.file, f.line, f.found) for f in faults] == [
        ("codebook.csv", at + 1, "column 'Q155' of item 'nps'")
    ]
    assert faults[0].nearest in ("Q15", "recommend")


def test_an_item_asked_in_one_wave_only_is_none(sepidar, tmp_path):
    copy = shutil.copytree(sepidar, tmp_path / "study")
    codebook = copy / "codebook.csv"
    text = codebook.read_text(encoding="utf-8")
    codebook.write_text(text.replace("Q15|spring:recommend", "Q15|spring:gone"), encoding="utf-8")

    _, faults = check_study(copy)

    assert faults == []


def test_files_that_are_not_there_are_left_to_study_yaml(root):
    study, faults = check_study(root / "data" / "sfo_airport")

    assert study is not None
    assert check_items(study) == []
    assert not any(f.file == "codebook.csv" for f in faults)
