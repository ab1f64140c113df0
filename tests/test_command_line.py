"""The command line: new, codebook, check, run, report, and their exit codes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from cjlib.__main__ import main


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{old!r} no longer stands in {file.name}; mend this test"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_new_study_is_valid_at_once(tmp_path, capsys):
    place = tmp_path / "mine"

    assert main(["new", str(place)]) == 0
    assert main(["check", str(place)]) == 0

    said = capsys.readouterr().out
    assert "No faults" in said
    assert "python -m cjlib run" in said


def test_new_does_not_write_over_anything(tmp_path, capsys):
    (tmp_path / "precious.txt").write_text("mine", encoding="utf-8")

    assert main(["new", str(tmp_path)]) == 3
    assert "precious.txt" not in capsys.readouterr().out
    assert (tmp_path / "precious.txt").read_text(encoding="utf-8") == "mine"


def test_the_shipped_study_has_no_faults(sepidar, capsys):
    assert main(["check", str(sepidar)]) == 0
    assert "It has: survey, interviews" in capsys.readouterr().out


def test_a_study_broken_in_ten_ways_has_all_ten_named(sepidar, tmp_path, capsys):
    study = tmp_path / "broken"
    shutil.copytree(sepidar, study)
    yaml = study / "study.yaml"
    change(yaml, "language: en ", "language: englsh ")
    change(yaml, "seed: 1404", "sede: 1404")
    change(yaml, "id: cart, stage: purchase", "id: cart, stage: purchse")
    change(yaml, "path: events.csv.gz", "path: evnts.csv.gz")
    change(yaml, "kpi: nps", "kpi: npss")
    change(study / "codebook.csv", ",scale,importance", ",scal,importance")
    first = next(line for line in (study / "coding.csv").read_text("utf-8").splitlines()[1:])
    code = first.split(",")[3]
    change(study / "coding.csv", f",{code},", f",{code}x,")
    change(study / "beliefs.csv", "delivery,", "delivry,")
    change(study / "actions.csv", ",operations,", ",opperations,")
    change(study / "costs.csv", "2024-06", "2024-66")

    assert main(["check", str(study)]) == 1

    said = capsys.readouterr().out
    for expected in (
        r"study\.yaml:\d+: language: 'englsh'.*one of en, fa",
        r"study\.yaml:\d+: unknown key 'sede'.*Did you mean 'seed'",
        r"study\.yaml:\d+: unknown stage 'purchse'.*Did you mean 'purchase'",
        r"study\.yaml:\d+: file 'evnts\.csv\.gz'",
        r"study\.yaml:\d+: .*npss.*Did you mean 'nps'",
        r"codebook\.csv:\d+: kind 'scal'.*Did you mean 'scale'",
        rf"coding\.csv:\d+: .*{code}x.*Did you mean '{code}'",
        r"beliefs\.csv:\d+: .*delivry.*Did you mean 'delivery'",
        r"actions\.csv:\d+: .*opperations.*Did you mean 'operations'",
        r"costs\.csv:\d+: .*2024-66",
    ):
        assert re.search(expected, said), f"{expected} is not said in:\n{said}"
    assert re.search(r"^1[0-9] faults in ", said, re.MULTILINE)


def test_codebook_drafts_to_the_screen_and_notes_beside_it(sepidar, capsys):
    file = sepidar / "survey" / "spring.csv"

    assert main(["codebook", str(file)]) == 0

    said = capsys.readouterr()
    header, first = said.out.splitlines()[:2]
    assert header.startswith("name,source,question_en,question_fa,kind,scale,low,high")
    assert first == "q1,کد پاسخ,,کد پاسخ,id" + 14 * ","
    assert "recommend ('recommend'): scale 0 to 10, nps" in said.err
    assert "52 columns of a plain export of 614 rows" in said.err


def test_codebook_writes_a_file_once_and_whole(sepidar, tmp_path, capsys):
    file, out = sepidar / "survey" / "autumn.csv", tmp_path / "new" / "codebook.csv"

    assert main(["codebook", str(file), "-o", str(out)]) == 0
    drafted = out.read_bytes()
    assert drafted.startswith(b"name,source")
    assert [f.name for f in out.parent.iterdir()] == ["codebook.csv"]
    assert capsys.readouterr().out == f"Codebook to correct: {out}\n"

    out.write_text("corrected", encoding="utf-8")
    assert main(["codebook", str(file), "-o", str(out)]) == 3
    assert "--force" in capsys.readouterr().err
    assert out.read_text(encoding="utf-8") == "corrected"
    assert main(["codebook", str(file), "-o", str(out), "--force"]) == 0
    assert out.read_bytes() == drafted


def test_codebook_takes_a_dialect_and_refuses_nonsense(tmp_path, capsys):
    file = tmp_path / "answers.csv"
    file.write_bytes("a;سن\n1;20\n2;30\n".encode("windows-1256"))
    words = ["codebook", str(file), "--encoding", "windows-1256", "--separator", ";"]

    assert main([*words, "--header-rows", "1", "--form", "plain"]) == 0
    assert ",سن," in capsys.readouterr().out
    assert main(["codebook", str(tmp_path / "none.csv")]) == 3
    assert "there is no" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        main(["codebook", str(file), "--encoding", "klingon"])
    assert stop.value.code == 2
    assert "no encoding is called 'klingon'" in capsys.readouterr().err


def test_a_damaged_export_leaves_nothing_half_written(tmp_path, capsys):
    file, out = tmp_path / "answers.csv", tmp_path / "codebook.csv"
    file.write_text('a,b\n1,"never closed\n2,3\n', encoding="utf-8")

    assert main(["codebook", str(file), "-o", str(out)]) == 3
    assert "answers.csv" in capsys.readouterr().err
    assert not out.exists()


def test_run_refuses_a_study_with_faults(sepidar, tmp_path, capsys):
    (tmp_path / "study.yaml").write_text("study: 1\nid: x\n", encoding="utf-8")

    assert main(["run", str(tmp_path)]) == 1
    assert "no 'stages'" in capsys.readouterr().err


def test_report_without_results_says_what_to_do(sepidar, tmp_path, capsys):
    assert main(["report", str(sepidar), "--out", str(tmp_path / "none")]) == 3
    assert "Run 'python -m cjlib run'" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["chek", "x"], ["run"]])
def test_wrong_use_is_exit_code_2(words, capsys):
    with pytest.raises(SystemExit) as stop:
        main(words)

    assert stop.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_run_of_two_notebooks(sepidar, tmp_path, capsys):
    assert main(["run", str(sepidar), "--notebooks", "01-02", "--out", str(tmp_path)]) == 0

    assert (tmp_path / "tables" / "02_survey" / "flow.csv").exists()
    assert "made by notebook 10" in capsys.readouterr().out
    assert main(["report", str(sepidar), "--out", str(tmp_path)]) == 0
    assert (tmp_path / "report.html").exists()
