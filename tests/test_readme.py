"""What the README shows is what the code prints, and what it names is there."""

from __future__ import annotations

import doctest
import re

from cjlib.__main__ import _parser


def test_the_example_prints_what_it_says(root, monkeypatch):
    monkeypatch.chdir(root)

    outcome = doctest.testfile(str(root / "README.md"), module_relative=False)

    assert outcome.attempted >= 5
    assert outcome.failed == 0


def test_every_file_it_links_to_exists(root):
    text = (root / "README.md").read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]

    assert len(links) >= 12
    assert [link for link in links if not (root / link).exists()] == []


def test_every_command_it_names_is_understood(root):
    text = (root / "README.md").read_text(encoding="utf-8")
    commands = set(re.findall(r"python -m cjlib (\w+)", text))
    known = _parser().format_help()

    assert commands == {"new", "codebook", "check", "run", "report", "compare"}
    assert all(command in known for command in commands)
