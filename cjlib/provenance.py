"""The manifest: what went in, with what versions and choices, so that a reader can check."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from cjlib import __version__
from cjlib.study import Study

PACKAGES = ("numpy", "pandas", "scipy", "scikit-learn", "matplotlib", "seaborn", "duckdb")


def describe_inputs(study: Study) -> list[dict[str, Any]]:
    """Return source, path, size and SHA-256 of every file the study reads, in order of path.

    Paths are relative to the study folder, or to the raw folder for files that lie there.
    """
    return [
        {"source": source, "file": name, "bytes": file.stat().st_size, "sha256": _checksum(file)}
        for name, source, file in sorted(_input_files(study))
    ]


def combine_checksums(inputs: list[dict[str, Any]]) -> str:
    """Return one checksum for all inputs together; a map carries it to know when it is stale."""
    text = "\n".join(f"{entry['sha256']}  {entry['file']}" for entry in inputs)
    return hashlib.sha256(text.encode()).hexdigest()


def write_manifest(study: Study, folder: Path) -> Path:
    """Write ``manifest.json``: inputs with checksums, versions, seed and the study's choices.

    It holds no time and no absolute path: the same inputs give the same bytes.
    """
    inputs = describe_inputs(study)
    manifest = {
        "study": study.id,
        "simulated": study.simulated,
        "seed": study.seed,
        "level": study.level,
        "kit": __version__,
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "positions": asdict(study.positions),
        "cleaning": asdict(study.cleaning),
        "privacy": {
            "minimum_cell": study.privacy.minimum_cell,
            "minimum_base": study.privacy.minimum_base,
            "key": study.privacy.key,
        },
        "inputs": inputs,
        "inputs_sha256": combine_checksums(inputs),
    }
    file = folder / "manifest.json"
    folder.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + ".part")
    text = json.dumps(manifest, ensure_ascii=False, indent=1) + "\n"
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(file)
    return file


def _input_files(study: Study) -> Iterator[tuple[str, str, Path]]:
    for name in ("study.yaml", "codebook.csv"):
        if (study.path / name).is_file():
            yield name, "definitions", study.path / name
    named = {file: "survey" for wave in study.waves for file in wave.files}
    for source in study.events.sources if study.events else ():
        named |= dict.fromkeys((source.path, *(join.path for join in source.joins)), "events")
    named |= {
        study.interviews_folder: "interviews", study.people_file: "interviews",
        study.coding_file: "coding", study.codes_file: "coding", study.costs_file: "costs",
        study.beliefs_file: "beliefs", study.actions_file: "actions",
        study.personas.believed: "beliefs",
    }  # fmt: skip
    if study.comments:
        named |= dict.fromkeys((study.comments.codes, study.comments.labels), "comments")
    for name, kind in named.items():
        if not name:
            continue
        place = study.file(name)
        if not place.is_dir():
            yield name, kind, place
            continue
        for file in place.rglob("*"):
            inner = f"{name}/{file.relative_to(place).as_posix()}"
            if file.is_file() and inner not in named:
                yield inner, kind, file


def _checksum(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
