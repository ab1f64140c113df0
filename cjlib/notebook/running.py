"""Running the notebooks on a study, one after another, from raw files to report."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from tqdm import tqdm

from cjlib.errors import JourneyError
from cjlib.notebook.opening import RAW_VARIABLE, RESULTS_VARIABLE, STUDY_VARIABLE, home
from cjlib.notebook.records import (
    RECORDS,
    Books,
    Record,
    combine_parts,
    describe_source,
    read_record,
    read_trace,
)
from cjlib.notebook.tracing import READS_VARIABLE
from cjlib.provenance import write_manifest
from cjlib.study import load_study

CELL_SECONDS = 900
# Small matrices: a second thread of linear algebra doubles the work and saves no time, and one
# thread adds up in one order, so that sums are the same to the last bit on every machine.
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class NotebookError(JourneyError):
    """A notebook stopped at a cell; the message says which and why."""


def find_notebooks(select: str = "") -> list[Path]:
    """Return the kit's numbered notebooks, in order.

    Parameters
    ----------
    select : str
        ``02-05``, ``04`` or ``02,06-08``; all where empty.

    Raises
    ------
    JourneyError
        If the text is not of that form or picks none.
    """
    found = sorted((home() / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    if not select:
        return found
    numbers: set[int] = set()
    for part in select.split(","):
        match = re.fullmatch(r"\s*(\d{1,2})(?:-(\d{1,2}))?\s*", part)
        if not match:
            raise JourneyError(f"--notebooks: must read like 02-05 or 04; got '{select}'.")
        first, last = int(match[1]), int(match[2] or match[1])
        numbers |= set(range(first, last + 1))
    picked = [file for file in found if int(file.name[:2]) in numbers]
    if not picked:
        names = ", ".join(file.name[:2] for file in found)
        raise JourneyError(f"--notebooks: must pick one of {names}; '{select}' picks none.")
    return picked


@dataclass(frozen=True, slots=True)
class Run:
    """What a run did.

    Attributes
    ----------
    files : tuple of Path
        The executed copy of each notebook, in order.
    redone : dict of str to tuple of str
        Notebook -> why it was run, in words.
    kept : tuple of str
        Notebooks whose results still hold: nothing they read has changed.
    """

    files: tuple[Path, ...]
    redone: dict[str, tuple[str, ...]]
    kept: tuple[str, ...]

    def summary(self) -> str:
        """Say which notebooks were run and why, and which were kept."""
        by_reason: dict[str, list[str]] = {}
        for name, why in self.redone.items():
            by_reason.setdefault("; ".join(why), []).append(name)
        lines = [f"Run: {', '.join(names)} ({why})." for why, names in by_reason.items()]
        if self.kept:
            lines.append(f"Kept, as nothing they read has changed: {', '.join(self.kept)}.")
        return "\n".join(lines)


def run_notebooks(
    study: Path,
    *,
    out: Path,
    raw: Path | None = None,
    select: str = "",
    keep: bool = False,
    fresh: bool = False,
) -> Run:
    """Execute the notebooks on a study with a progress bar on standard error.

    A notebook is run only if something it was made from has changed since its last whole run:
    its own cells, cjlib, a package, a definition it used, a file it looked up, opened or
    listed, another notebook's results where it reads any, or the results it left. All is told
    by checksum. What it read is noted while it runs; a file that changed meanwhile, or a
    database, leaves no record that could be trusted, and the notebook is run again next time.

    Parameters
    ----------
    study : Path
        The study folder.
    out : Path
        Folder of the results; executed copies go to ``out/notebooks``, the records of what
        each was made from to ``out/records``.
    raw : Path, optional
        Folder of the raw files, where they lie elsewhere.
    select : str
        Which notebooks, as in ``find_notebooks``.
    keep : bool
        Also write the outputs into the notebooks themselves (the committed ones); runs all.
    fresh : bool
        Run all, whatever the records say.

    Raises
    ------
    StudyError
        With every fault of the study.
    NotebookError
        At the first cell that fails; what was written before stays. A cell with too few data
        for its question is no failure: it says so, and cells that build on it are skipped.
    """
    files = find_notebooks(select)
    books = [nbformat.read(file, as_version=4) for file in files]
    state = Books(load_study(study, raw=raw), out.resolve())
    state.clear_parts()
    total = sum(1 for book in books for cell in book.cells if cell.cell_type == "code")
    redone: dict[str, tuple[str, ...]] = {}
    with _environment(study, raw, out), tqdm(total=total, unit="cell", leave=False) as bar:
        for file, book in zip(files, books, strict=True):
            bar.set_description(file.stem)
            known = read_record(state.record_of(file.stem))
            why = ["all were asked for"] if fresh or keep else []
            why = why or state.compare(known, describe_source(book))
            if why:
                redone[file.stem] = tuple(why)
                _redo(book, file, state, known, bar, keep=keep)
            else:
                bar.update(sum(1 for cell in book.cells if cell.cell_type == "code"))
    kept = tuple(file.stem for file in files if file.stem not in redone)
    if redone:
        write_manifest(
            state.study, out, notebooks=_describe_all(state),
            last_run={"redone": redone, "kept": kept},
        )  # fmt: skip
    return Run(tuple(out / "notebooks" / file.name for file in files), redone, kept)


def _redo(
    book: Any, file: Path, state: Books, known: Record | None, bar: Any, *, keep: bool
) -> None:
    """Run a notebook and record what it was made from; results it no longer makes go."""
    place, trace = state.record_of(file.stem), state.out / RECORDS / f"{file.stem}.reads"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)  # a run that is interrupted leaves no record
    trace.unlink(missing_ok=True)
    before, moment = state.stamp_results(), time.time_ns()
    os.environ[READS_VARIABLE] = str(trace)
    source = describe_source(book)
    try:
        _execute(book, file, bar)
        reads = read_trace(trace) if trace.exists() else ()
    finally:
        os.environ.pop(READS_VARIABLE, None)
        trace.unlink(missing_ok=True)
    _tidy(book)
    copy = state.out / "notebooks" / file.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    for each in [copy, file] if keep else [copy]:
        part = each.with_name(each.name + ".part")
        part.write_text(nbformat.writes(book) + "\n", encoding="utf-8", newline="\n")
        part.replace(each)
    after = state.stamp_results()
    made = [name for name, stamp in after.items() if before.get(name) != stamp]
    for name, checksum in known.made.items() if known else ():
        if name not in made and state.checksum(state.out / name) == checksum:
            (state.out / name).unlink()  # made before and not now: a persona fewer, say
    if reads and not state.changed_since(reads, moment):
        settled = state.settle(reads, made)
        sums = {name: state.checksum(state.out / name) for name in made}
        Record(settled, state.describe(source, settled, made), sums).write(place)


def _describe_all(state: Books) -> dict[str, dict[str, str]]:
    """Return one checksum of what each notebook was made from and one of what it made."""
    found = {}
    for file in find_notebooks():
        record = read_record(state.record_of(file.stem))
        if record is not None:
            found[file.stem] = {
                "made_from": combine_parts(record.made_from), "made": combine_parts(record.made)
            }  # fmt: skip
    return found


def _execute(book: Any, file: Path, bar: Any) -> None:
    client = NotebookClient(
        book,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        allow_error_names=["TooFewError"],  # the cell says so, and the run goes on
        resources={"metadata": {"path": str(file.parent)}},
        on_cell_executed=lambda **_: bar.update(1),
    )
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.execution_count = None
    try:
        client.execute()
    except CellExecutionError as error:
        number = sum(1 for cell in book.cells if cell.get("execution_count"))
        raise NotebookError(
            f"run: {file.name} must run to its end; code cell {number} stopped with "
            f"{error.ename}: {error.evalue}"
        ) from error


def _tidy(book: Any) -> None:
    """Drop what varies from run to run: times, kernel details."""
    for cell in book.cells:
        cell.metadata.pop("execution", None)
    language = book.metadata.get("language_info", {})
    book.metadata["language_info"] = {"name": language.get("name", "python")}
    book.metadata["kernelspec"] = {
        "display_name": "Python 3", "language": "python", "name": "python3",
    }  # fmt: skip


@contextmanager
def _environment(study: Path, raw: Path | None, out: Path) -> Iterator[None]:
    wanted = {
        STUDY_VARIABLE: str(study.resolve()),
        RAW_VARIABLE: str(raw.resolve()) if raw else "",
        RESULTS_VARIABLE: str(out.resolve()),
        **dict.fromkeys(ONE_THREAD, "1"),
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
