"""Signs of the codebook's own that stand for themselves behind a backslash."""

from __future__ import annotations

from cjlib.codebook import read_codebook
from cjlib.definitions import Text


def test_a_backslash_takes_a_sign_as_it_stands(tmp_path):
    file = tmp_path / "codebook.csv"
    file.write_text(
        "name,source,kind,missing,labels\n"
        r"a,spring:x\|y|either\|or|q1\: age,nominal,\-|no\|ne,"
        r"1=Gay\/Bisexual/دو\/سه|b\=c=d\|e|2=C:\path"
        "\n",
        encoding="utf-8",
    )

    codebook, faults = read_codebook(file)

    assert faults == []
    item = codebook["a"]
    assert item.headers("spring") == ["x|y"]
    assert item.headers("autumn") == ["either|or", "q1: age"]
    assert item.missing == ("-", "no|ne")
    assert item.labels == {
        "1": Text("Gay/Bisexual", "دو/سه"),
        "b=c": Text("d|e"),
        "2": Text(r"C:\path"),
    }


def test_many_backslashes_are_read_in_no_time(tmp_path):
    file = tmp_path / "codebook.csv"
    slashes = "\\" * 4001
    file.write_text(f"name,source,kind,labels\na,{slashes},nominal,{slashes}\n", encoding="utf-8")

    _, faults = read_codebook(file)

    assert len(faults) == 1
    assert "code=English/Persian" in str(faults[0])
