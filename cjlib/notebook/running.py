"""Running the notebooks on a study, one after another, from raw files to report."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from tqdm import tqdm

from cjlib.errors import JourneyError
from cjlib.notebook.opening import RAW_VARIABLE, RESULTS_VARIABLE, STUDY_VARIABLE, home

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


def run_notebooks(
    study: Path, *, out: Path, raw: Path | None = None, select: str = "", keep: bool = False
) -> list[Path]:
    """Execute the notebooks on a study with a progress bar on standard error.

    Parameters
    ----------
    study : Path
        The study folder.
    out : Path
        Folder of the results; executed copies go to ``out/notebooks``.
    raw : Path, optional
        Folder of the raw files, where they lie elsewhere.
    select : str
        Which notebooks, as in ``find_notebooks``.
    keep : bool
        Also write the outputs into the notebooks themselves (the committed ones).

    Raises
    ------
    NotebookError
        At the first cell that fails; what was written before stays. A cell with too few data
        for its question is no failure: it says so, and cells that build on it are skipped.
    """
    files = find_notebooks(select)
    books = [nbformat.read(file, as_version=4) for file in files]
    total = sum(1 for book in books for cell in book.cells if cell.cell_type == "code")
    done = []
    with _environment(study, raw, out), tqdm(total=total, unit="cell", leave=False) as bar:
        for file, book in zip(files, books, strict=True):
            bar.set_description(file.stem)
            _execute(book, file, bar)
            _tidy(book)
            copy = out / "notebooks" / file.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            for place in [copy, file] if keep else [copy]:
                part = place.with_name(place.name + ".part")
                part.write_text(nbformat.writes(book) + "\n", encoding="utf-8", newline="\n")
                part.replace(place)
            done.append(copy)
    return done


def _execute(book: Any, file: Path, bar: Any) -> None:
    client = NotebookClient(
        book,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        allow_error_names=["TooFewError"],  # the cell says so, and the run goes on
        resources={"metadata": {"path": str(file.parent)}},
        on_cell_executed=lambda **_: bar.update(1),
    )
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
