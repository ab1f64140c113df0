"""SPSS files, read in a process of their own: codes as text, with all the file declares."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa

from cjlib.errors import JourneyError

MAGIC: Final = (b"$FL2", b"$FL3")
SECONDS: Final = 300  # reading longer than this is given up
_CHILD: Final = Path(__file__).with_name("spss_child.py")


@dataclass(frozen=True, slots=True, eq=False)
class SpssFile:
    """What an SPSS file holds.

    Attributes
    ----------
    table : DataFrame
        Codes as text ("1", "2.5"), dates in ISO form; "" is system-missing. User-missing
        codes stand as they are.
    names, questions, groups : list of str
        Variables, their labels, and the multiple-response set of each or "".
    encoding : str
        As the file says.
    labels, missing : dict
        By column position: code to label; codes declared missing.
    """

    table: pd.DataFrame
    names: list[str]
    questions: list[str]
    groups: list[str]
    encoding: str
    labels: dict[int, dict[str, str]]
    missing: dict[int, tuple[str, ...]]


def read_spss(data: bytes, *, shown: str, encoding: str = "") -> SpssFile:
    """Read a .sav or .zsav file.

    A damaged file can bring the reader down, fill the memory or keep it busy for ever; so
    it runs as another process with bounds on both, and what ends it becomes one error.

    Parameters
    ----------
    data : bytes
    shown : str
        How messages name the file.
    encoding : str
        Of its texts; empty: as the file says.

    Raises
    ------
    JourneyError
        If it cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="cjlib-") as folder:
        file = Path(folder) / "survey.sav"
        file.write_bytes(data)
        command = [sys.executable, "-I", str(_CHILD), str(file), folder, encoding]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise _unreadable(shown, f"after {SECONDS} seconds it is not read") from None
        if done.returncode != 0:
            raise _unreadable(shown, _last_words(done))
        try:
            told = json.loads((Path(folder) / "meta.json").read_text(encoding="utf-8"))
            with pa.memory_map(str(Path(folder) / "cells.arrow")) as source:
                table = pa.ipc.open_file(source).read_all()
                table.validate(full=True)
                frame = table.to_pandas()
        except (OSError, ValueError, pa.ArrowException) as error:
            raise _unreadable(shown, str(error)) from None
    frame.columns = pd.RangeIndex(len(told["names"]))
    groups = {int(place): name for place, name in told["groups"].items()}
    return SpssFile(
        table=frame,
        names=told["names"],
        questions=told["questions"],
        groups=[groups.get(place, "") for place in range(len(told["names"]))],
        encoding=told["encoding"] or "utf-8",
        labels={int(place): labels for place, labels in told["labels"].items()},
        missing={int(place): tuple(codes) for place, codes in told["missing"].items()},
    )


def _last_words(done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode < 0:
        return f"the reader was ended by signal {-done.returncode}"
    lines = done.stderr.decode("utf-8", errors="replace").strip().splitlines()
    last = lines[-1] if lines else f"the reader ended with status {done.returncode}"
    return "it takes too much memory" if "MemoryError" in last else last[:200]


def _unreadable(shown: str, detail: str) -> JourneyError:
    return JourneyError(
        f"read_export: '{shown}' must be a readable SPSS file; it is not ({detail}). Open it in "
        "SPSS or PSPP and save it again, or save it as CSV."
    )
