"""What a notebook reads while it runs: definitions of the study, files, and earlier results."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from cjlib.study import Study

READS_VARIABLE: Final = "CJLIB_READS"
FOLDERS: Final = ("path", "raw")  # places, not definitions: what lies there is told by file
_WATCHED: Final = frozenset(("open", "os.listdir", "os.scandir"))
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND


class Trace:
    """Notes each thing that is read once, and writes it to a file at once where one is named.

    A note is a kind and a name:

    - ``definition``: an attribute of the study was used;
    - ``file``: a file or folder of study.yaml was looked up (``Study.file``);
    - ``opened``, ``wrote``: Python opened a file to read or to write, or listed a folder,
      inside the study's, raw or results folder (``study:``, ``raw:`` or ``results:``);
    - ``names``: the study's or the raw folder itself was used, so what files there are counts.
    """

    def __init__(self, roots: dict[str, Path], file: str = "") -> None:
        self.notes: dict[tuple[str, str], None] = {}
        self.file = file
        self._roots = sorted(
            ((str(place), name) for name, place in roots.items()), key=lambda r: -len(r[0])
        )
        self._busy = False

    def note(self, kind: str, name: str) -> None:
        """Note a read, once."""
        if (kind, name) not in self.notes:
            self.notes[kind, name] = None
            if self.file:  # at once, so that a run that stops tells what it read till then
                self._busy = True
                with Path(self.file).open("a", encoding="utf-8") as out:
                    out.write(json.dumps([kind, name], ensure_ascii=False) + "\n")
                self._busy = False

    def hear(self, event: str, details: tuple[Any, ...]) -> None:
        """Note a file that is opened or a folder that is listed, where it is one of ours."""
        place = details[0] if details else None
        if self._busy or not self.file or not isinstance(place, (str, os.PathLike)):
            return
        text = os.path.abspath(os.fspath(place))  # noqa: PTH100  (a path that opens nothing)
        for root, name in self._roots:
            if text == root or text.startswith(root + os.sep):
                kind = "opened"
                if event == "open":
                    _, mode, flags = details
                    writes = set(mode or "") & set("wax+") or (flags or 0) & _WRITING
                    kind = "wrote" if writes else "opened"
                self.note(kind, f"{name}:{Path(text).relative_to(root).as_posix()}")
                return


class TracedStudy(Study):
    """A study that notes which of its definitions and files are used."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:
        if not _CURRENT["inside"]:
            if name in _DEFINITIONS:
                _note("definition", name)
            elif name in FOLDERS:
                _note("names", "study" if name == "path" else "raw")
        return super().__getattribute__(name)

    def file(self, name: str) -> Path:
        """Return the place of a file named in study.yaml, and note that it was looked up."""
        _note("file", name)
        place: Path = self._unwatched(super().file, name)
        return place

    def pseudonyms(self, ids: Any, prefix: str) -> Any:
        """Replace raw ids by keyed pseudonyms; the key's file is noted as it is opened."""
        _note("definition", "privacy")
        return self._unwatched(super().pseudonyms, ids, prefix)

    def _unwatched(self, call: Callable[..., Any], *given: Any) -> Any:
        """Call a method of the study that uses its folders only to find one file in them."""
        _CURRENT["inside"] = True
        try:
            return call(*given)
        finally:
            _CURRENT["inside"] = False


_CURRENT: Final[dict[str, Any]] = {"trace": None, "inside": False, "hooked": False}
_DEFINITIONS: Final = frozenset(f.name for f in fields(Study)) - set(FOLDERS)


def trace_study(study: Study, *, results: Path) -> TracedStudy:
    """Return the study with a trace of what is used of it from now on.

    The trace is also written to the file that ``CJLIB_READS`` names, where a run sets it.
    """
    file, trace = os.environ.get(READS_VARIABLE, ""), _CURRENT["trace"]
    if trace is None or not file or trace.file != file:
        roots = {"study": study.path, "raw": study.raw, "results": results.resolve()}
        _CURRENT["trace"] = Trace(roots, file)
    if file and not _CURRENT["hooked"]:  # a hook stays for the life of the process
        _CURRENT["hooked"] = True
        sys.addaudithook(_hear)
    return TracedStudy(**{f.name: getattr(study, f.name) for f in fields(Study)})


def stop() -> None:
    """Trace no more, until the next study is opened."""
    _CURRENT["trace"] = None


def looked_up() -> list[str]:
    """Return the files and folders of the study that were looked up so far, in order."""
    trace = _CURRENT["trace"]
    return [name for kind, name in trace.notes if kind == "file"] if trace else []


def _note(kind: str, name: str) -> None:
    if _CURRENT["trace"] is not None:
        _CURRENT["trace"].note(kind, name)


def _hear(event: str, details: tuple[Any, ...]) -> None:
    if event in _WATCHED and _CURRENT["trace"] is not None:
        _CURRENT["trace"].hear(event, details)
