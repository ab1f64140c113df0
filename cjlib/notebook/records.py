"""What each notebook's results were made from, so that a run redoes only what has changed."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from cjlib.errors import MissingSourceError, UnsafeFileError
from cjlib.provenance import checksum_file
from cjlib.study import Study

RECORDS: Final = "records"  # folder beside the results
NOT_RESULTS: Final = (RECORDS + "/", "manifest.json", "report.pdf")  # made beside a run
PART: Final = re.compile(r"\.part(\.\w+)?$")  # a file that was being written
GONE: Final = "no such file"
DATABASE: Final = "database"
RESULT: Final = "result:"
WHOLE: Final = {
    "notebook": "the notebook itself changed",
    "kit": "cjlib, a package or Python changed",
    DATABASE: "a database came or went",
}


@dataclass(frozen=True, slots=True)
class Record:
    """One notebook's last whole run.

    Attributes
    ----------
    reads : tuple of (kind, name)
        What it read, as ``Trace`` notes it.
    made_from : dict of str to str
        Thing read -> checksum, with the notebook, the kit and its packages.
    made : dict of str to str
        Result file, relative to the results folder -> checksum.
    """

    reads: tuple[tuple[str, str], ...]
    made_from: dict[str, str]
    made: dict[str, str]

    def write(self, file: Path) -> None:
        """Write the record, whole or not at all."""
        value = {"reads": self.reads, "made_from": self.made_from, "made": self.made}
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(file.name + ".part")
        text = json.dumps(value, ensure_ascii=False, indent=0, sort_keys=True)
        part.write_text(text + "\n", encoding="utf-8", newline="\n")
        part.replace(file)


def read_record(file: Path) -> Record | None:
    """Return a record, or None where there is none that can be read: then the notebook is run."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
        reads = tuple((str(kind), str(name)) for kind, name in value["reads"])
        return Record(reads, dict(value["made_from"]), dict(value["made"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class Books:
    """The state of a study and of its results, as notebooks see it.

    Attributes
    ----------
    study : Study
    out : Path
        Folder of the results.
    """

    study: Study
    out: Path
    _known: dict[tuple[str, int, int, int], str] = field(default_factory=dict)

    def record_of(self, name: str) -> Path:
        """Return where the record of a notebook lies."""
        return self.out / RECORDS / f"{name}.json"

    def settle(
        self, reads: Iterable[tuple[str, str]], made: Iterable[str]
    ) -> tuple[tuple[str, str], ...]:
        """Return the reads that matter, in order: no file twice, no result of its own.

        A notebook that lists a folder with results of another is taken to read all:
        ("results", "all").
        """
        reads, own = sorted(set(reads)), set(made)
        looked = [self._look_up(name) for kind, name in reads if kind == "file"]
        settled = {(kind, name) for kind, name in reads if kind not in ("opened", "wrote")}
        for kind, name in reads:
            root, _, inner = name.partition(":")
            if kind != "opened":
                continue
            if root != "results":
                place = self._place(name)
                if not any(one and (place == one or one in place.parents) for one in looked):
                    settled.add((kind, name))
            elif inner not in own and not _is_note(inner) and ("wrote", name) not in reads:
                if not (self.out / inner).is_dir():
                    settled.add(("result", inner))
                elif any(f"{inner}/{one}" not in own for one, _ in _files(self.out / inner)):
                    settled.add(("results", "all"))
        return tuple(sorted(settled))

    def describe(
        self, source: str, reads: Iterable[tuple[str, str]], made: Iterable[str]
    ) -> dict[str, str]:
        """Return what a notebook with this source and settled reads is made from: checksums."""
        state, own = {"notebook": source, "kit": describe_kit()}, set(made)
        for kind, name in reads:
            if kind == "definition":
                text = repr(getattr(self.study, name))
                state[f"definition:{name}"] = hashlib.sha256(text.encode()).hexdigest()
            elif kind == "names":
                state[f"names:{name}"] = self._list_names(name)
            elif kind == "result":
                state[RESULT + name] = self.checksum(self.out / name)
            elif kind == "results":
                state |= {RESULT + k: v for k, v in self._results() if k not in own}
            else:
                place = self._look_up(name) if kind == "file" else self._place(name)
                state |= {f"{kind}:{name}{inner}": v for inner, v in self._content(place)}
        sources = self.study.events.sources if self.study.events else ()
        elsewhere = any(one.url or one.url_from or one.frame for one in sources)
        if elsewhere and "definition:events" in state:
            state[DATABASE] = "unknown"
        return state

    def compare(self, record: Record | None, source: str) -> list[str]:
        """Return why a notebook must be run, in words; nothing where its results still hold."""
        if record is None:
            return ["no whole run before"]
        now = self.describe(source, record.reads, record.made)
        differ = [
            key
            for key in sorted(now.keys() | record.made_from)
            if now.get(key, GONE) != record.made_from.get(key, GONE)
        ]
        others = [key.removeprefix(RESULT) for key in differ if key.startswith(RESULT)]
        lost = [name for name, kept in record.made.items()
                if self.checksum(self.out / name) != kept]  # fmt: skip
        reasons = [_tell(k, record.made_from, now) for k in differ if not k.startswith(RESULT)]
        if DATABASE in now:
            reasons.append("a database or data frame is read, whose content has no checksum")
        if others:
            reasons.append(f"other results changed: {_name_first(others)}")
        if lost:
            reasons.append(f"its own results were changed or are gone: {_name_first(lost)}")
        return reasons

    def checksum(self, file: Path) -> str:
        """Return the SHA-256 of a file; the same file is read once only."""
        try:
            told = file.stat()
        except (FileNotFoundError, NotADirectoryError):
            return GONE
        key = (str(file), told.st_size, told.st_mtime_ns, told.st_ctime_ns)
        if key not in self._known:
            self._known[key] = checksum_file(file)
        return self._known[key]

    def clear_parts(self) -> None:
        """Delete what a run that was stopped in the middle of a file left of it."""
        for name, file in _files(self.out):
            if PART.search(name):
                file.unlink()

    def stamp_results(self) -> dict[str, tuple[int, int, int]]:
        """Return result file -> what changes whenever it is written."""
        return {
            name: (told.st_ino, told.st_size, told.st_mtime_ns)
            for name, file in _files(self.out)
            if not _is_note(name) and (told := file.stat())
        }

    def changed_since(self, reads: Iterable[tuple[str, str]], moment: int) -> bool:
        """Say whether something read was changed after ``moment`` (ns), so which is not known.

        What the notebook wrote into the study itself (the key of its pseudonyms) is its own.
        """
        reads = list(reads)
        places = [self.study.path / "study.yaml", self.study.path / "codebook.csv"]
        for kind, name in reads:
            if kind == "file" and (place := self._look_up(name)) is not None:
                places += [file for _, file in _files(place)] if place.is_dir() else [place]
            elif kind == "opened" and not name.startswith("results:"):
                places += [self._place(name)] if ("wrote", name) not in reads else []
        return any(p.is_file() and p.stat().st_ctime_ns > moment for p in places)

    def _look_up(self, name: str) -> Path | None:
        try:
            return self.study.file(name)
        except (MissingSourceError, UnsafeFileError):
            return None

    def _place(self, name: str) -> Path:
        root, _, inner = name.partition(":")
        return (self.study.path if root == "study" else self.study.raw) / inner

    def _content(self, place: Path | None) -> Iterator[tuple[str, str]]:
        """Yield the checksum of a file, or of each file of a folder by its place in it."""
        if place is None or not place.is_dir():
            yield "", GONE if place is None else self.checksum(place)
            return
        for name, file in _files(place):
            if not file.is_relative_to(self.out):
                yield f"/{name}", self.checksum(file)

    def _list_names(self, root: str) -> str:
        folder = self.study.path if root == "study" else self.study.raw
        apart = (self.out, self.study.path / self.study.report.texts)  # the report lists its own
        names = [
            name
            for name, file in _files(folder)
            if not any(file.is_relative_to(place) for place in apart)
        ]
        return hashlib.sha256("\n".join(names).encode()).hexdigest()

    def _results(self) -> Iterator[tuple[str, str]]:
        for name, file in _files(self.out):
            if not _is_note(name):
                yield name, self.checksum(file)


def read_trace(file: Path) -> tuple[tuple[str, str], ...]:
    """Return the notes of a trace, in order of kind and name."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return tuple(sorted({(kind, name) for kind, name in map(json.loads, lines)}))


def describe_source(book: Any) -> str:
    """Return a checksum of a notebook's cells, without outputs."""
    cells = [[cell.cell_type, cell.source] for cell in book.cells]
    return hashlib.sha256(json.dumps(cells, ensure_ascii=False).encode()).hexdigest()


def combine_parts(parts: Mapping[str, str]) -> str:
    """Return one checksum of things with a checksum each, in order of name."""
    text = "\n".join(f"{name} {value}" for name, value in sorted(parts.items()))
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=1)
def describe_kit() -> str:
    """Return a checksum of cjlib itself, all installed packages, Python and the machine's kind."""
    top = Path(__file__).resolve().parents[1]
    parts = [f"{name} {checksum_file(file)}" for name, file in _files(top)
             if "__pycache__" not in name]  # fmt: skip
    parts += sorted({f"{d.metadata['Name']} {d.version}" for d in metadata.distributions()})
    parts += [platform.python_version(), platform.system(), platform.machine()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield every file under a folder with its relative path, in order."""
    found = [Path(top) / name for top, _, names in os.walk(folder) for name in names]
    for file in sorted(found):
        yield file.relative_to(folder).as_posix(), file


def _is_note(name: str) -> bool:
    return name.startswith(NOT_RESULTS)


def _tell(key: str, before: Mapping[str, str], now: Mapping[str, str]) -> str:
    kind, _, name = key.partition(":")
    if kind == "definition":
        return f"study.yaml or codebook.csv: {name} changed"
    if kind == "names":
        return f"files came to or left the {name} folder"
    if kind in ("file", "opened"):
        name = name.removeprefix("study:").removeprefix("raw:")
        gone = now.get(key, GONE) == GONE
        return f"{name} is gone" if gone else f"{name} {_NEW[before.get(key, GONE) == GONE]}"
    return WHOLE[kind]


def _name_first(names: list[str]) -> str:
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")


_NEW: Final = {True: "is new", False: "changed"}
