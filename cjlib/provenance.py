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
from cjlib.study import Study, list_report_texts

PACKAGES = ("numpy", "pandas", "scipy", "scikit-learn", "matplotlib", "seaborn", "duckdb")


def describe_inputs(study: Study, *sources: str) -> list[dict[str, Any]]:
    """Return source, path, size and SHA-256 of every file the study reads, in order of path.

    Paths are relative to the study folder, or to the raw folder for files that lie there.

    Parameters
    ----------
    *sources : str
        Only files of these sources (survey, interviews, ...); all that results are made
        from, with the definitions, where none is named. Files of other sources are not
        opened. The user's own words for the report are the source "report", named only.
    """
    return [
        {"source": source, "file": name, "bytes": file.stat().st_size,
         "sha256": checksum_file(file)}
        for name, source, file in sorted(_input_files(study, sources))
    ]  # fmt: skip


def checksum_file(file: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def combine_checksums(inputs: list[dict[str, Any]]) -> str:
    """Return one checksum for all inputs together; a map carries it to know when it is stale."""
    text = "\n".join(f"{entry['sha256']}  {entry['file']}" for entry in inputs)
    return hashlib.sha256(text.encode()).hexdigest()


def write_manifest(
    study: Study,
    folder: Path,
    *,
    notebooks: dict[str, dict[str, str]] | None = None,
    last_run: dict[str, Any] | None = None,
) -> Path:
    """Write ``manifest.json``: inputs with checksums, versions, seed and the study's choices.

    It holds no time and no absolute path: the same inputs give the same bytes.

    Parameters
    ----------
    notebooks : dict, optional
        Notebook -> checksums of what it was made from and of what it made.
    last_run : dict, optional
        Which notebooks the last run that changed anything redid, each with why, and which
        it kept. Both stay as the manifest has them where they are not given.
    """
    before = read_manifest(folder) or {}
    inputs, texts = describe_inputs(study), describe_inputs(study, "report")
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
        "inputs": [*inputs, *texts],
        "inputs_sha256": combine_checksums(inputs),
        "notebooks": before.get("notebooks", {}) if notebooks is None else notebooks,
        "last_run": before.get("last_run", {}) if last_run is None else last_run,
    }
    file = folder / "manifest.json"
    folder.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + ".part")
    text = json.dumps(manifest, ensure_ascii=False, indent=1) + "\n"
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(file)
    return file


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Return ``manifest.json`` of a results folder, or None where there is none."""
    file = folder / "manifest.json"
    if not file.exists():
        return None
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _input_files(study: Study, sources: tuple[str, ...]) -> Iterator[tuple[str, str, Path]]:
    if not sources:
        for name in ("study.yaml", "codebook.csv"):
            if (study.path / name).is_file():
                yield name, "definitions", study.path / name
    if "report" in sources:
        for name, file in list_report_texts(study).items():
            yield f"{study.report.texts}/{name}.md", "report", file
    named = {file: "survey" for wave in study.waves for file in wave.files}
    for source in study.events.sources if study.events else ():
        named |= dict.fromkeys((source.path, *(join.path for join in source.joins)), "events")
    named |= {
        study.interviews_folder: "interviews", study.people_file: "interviews",
        study.coding_file: "coding", study.codes_file: "coding", study.costs_file: "costs",
        study.beliefs_file: "beliefs", study.published_file: "published",
        study.actions_file: "actions",
        study.personas.believed: "beliefs",
    }  # fmt: skip
    if study.comments:
        named |= dict.fromkeys((study.comments.codes, study.comments.labels), "comments")
    for name, kind in named.items():
        if not name or (sources and kind not in sources):
            continue
        place = study.file(name)
        if not place.is_dir():
            yield name, kind, place
            continue
        for file in place.rglob("*"):
            inner = f"{name}/{file.relative_to(place).as_posix()}"
            if file.is_file() and inner not in named:
                yield inner, kind, file
