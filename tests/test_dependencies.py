"""Dependencies are declared once; what is generated from them must not drift."""

from __future__ import annotations

import re
import runpy

import pytest


@pytest.fixture(scope="module")
def kit(root):
    return runpy.run_path(str(root / "kit.py"))


def test_environment_is_what_pyproject_implies(kit, root):
    made = (root / "environment.yml").read_text(encoding="utf-8")

    assert made == kit["environment_text"](), "run: python3 kit.py lock"


def test_lock_was_made_from_this_pyproject(kit, root):
    first = (root / "requirements.lock").read_text(encoding="utf-8").splitlines()[0]

    assert first == f"# made by kit.py lock from {kit['declared_hash']()}", "run: kit.py lock"


def test_lock_pins_and_hashes_every_declared_package(kit, root):
    text = (root / "requirements.lock").read_text(encoding="utf-8")
    entries = [e for e in re.split(r"\n(?=\S)", text) if not e.startswith("#")]
    pinned = {re.split(r"==| ", e)[0].casefold() for e in entries}
    _, needed, extra = kit["declared"]()

    assert all("==" in e and "--hash=sha256:" in e for e in entries)
    names = {re.split(r">=|\[", line)[0].casefold() for line in [*needed, *extra]}
    assert names <= pinned
    assert "http" not in text.replace("httpx", "").replace("httpcore", "")


def test_bare_kit_explains_itself(kit, capsys):
    assert kit["main"]([]) == 0
    assert "python3 kit.py run" in capsys.readouterr().out
    assert kit["main"](["rnu"]) == 2
    assert "no command 'rnu'" in capsys.readouterr().err


def test_an_active_conda_environment_is_used_as_it_is(kit, tmp_path, monkeypatch):
    find = kit["_conda_python"]
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    assert find() is None

    (tmp_path / "bin").mkdir()
    for python in (tmp_path / "bin" / "python", tmp_path / "python.exe"):
        python.touch()
    monkeypatch.setenv("CONDA_PREFIX", str(tmp_path))
    monkeypatch.setenv("CONDA_DEFAULT_ENV", "base")
    assert find() is None  # another environment is not taken for ours

    monkeypatch.setenv("CONDA_DEFAULT_ENV", "cjlib")
    assert find() is not None
    assert find().parent in (tmp_path, tmp_path / "bin")
