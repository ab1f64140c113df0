"""Imports go down the layers only."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

LAYERS = [
    {"errors", "columns", "intervals", "language", "tables"},
    {"definitions", "codebook", "validation", "plots", "templates", "sheets"},
    {"study"},
    {"accounts", "method", "provenance", "survey", "interviews", "events", "simulate", "design"},
    {"personas", "journeys", "attribution", "metrics", "value", "prediction", "drivers", "texts"},
    {"maps", "actions", "waves", "nurture", "cross_study"},
    {"report", "checking", "notebook", "__main__", "__init__"},
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
ALLOWED_SIDEWAYS = {  # neighbours that stand on one another inside a layer, never in a circle
    ("columns", "errors"), ("intervals", "errors"), ("language", "errors"),
    ("codebook", "definitions"), ("tables", "errors"), ("checking", "__init__"),
    ("__main__", "report"), ("__main__", "checking"), ("__main__", "notebook"),
}  # fmt: skip
TOP = Path(__file__).resolve().parent.parent
FILES = sorted(f.relative_to(TOP) for f in (TOP / "cjlib").rglob("*.py"))


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


@pytest.mark.parametrize("file", FILES, ids=str)
def test_imports_go_down(file, root):
    own = file.with_suffix("").parts[1]
    assert own in RANK, f"{own} stands in no layer; add it to tests/test_layers.py"
    for node in ast.walk(ast.parse((root / file).read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "cjlib":
            names = [f"cjlib.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{file}:{node.lineno} imports relatively"
            names = [node.module]
        for name in names:
            if not name.startswith("cjlib"):
                continue
            other = room(name)
            if other in (own, "__version__"):  # the version is a name of the package, no room
                continue
            down = RANK[other] < RANK[own] or (own, other) in ALLOWED_SIDEWAYS
            assert down, f"{file}:{node.lineno} imports {other}, which is not below {own}"


def test_no_file_passes_400_lines(root):
    long = {str(f): n for f in FILES if (n := len((root / f).read_text().splitlines())) > 400}

    assert long == {}


def test_no_room_is_called_utils():
    names = {part for file in FILES for part in file.with_suffix("").parts}

    assert not names & {"utils", "helpers", "misc", "common", "tools"}
