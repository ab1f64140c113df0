"""Building the compact layout of a study's log on disk, for logs of any size.

The sources are read some rows at a time (``cjlib.events.dealing``); each row goes to the
partition of its customer; each partition is then put in order by itself
(``cjlib.events.settling``). So the memory needed is that of one batch and one partition,
whatever the log.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from cjlib import __version__
from cjlib.definitions import EventRules
from cjlib.errors import JourneyError
from cjlib.events.dealing import Spill, deal_source
from cjlib.events.files import find_parts, kind_of
from cjlib.events.interactions import (
    KEPT,
    REASONS,
    STEP,
    stage_of_touchpoint,
)  # fmt: skip
from cjlib.events.journey_log import NO_LABEL
from cjlib.events.lifecycle import LIFECYCLE
from cjlib.events.rows import Misfits
from cjlib.events.settling import Totals, settle_part
from cjlib.events.store import LAYOUT, StoredLog, open_layout
from cjlib.study import Study
from cjlib.validation import hide_passwords

BATCH: Final = 1_000_000  # rows read at a time
PART: Final = 2_000_000  # contacts a partition should hold
ROW_BYTES: Final = 40  # of a text file, to guess its rows from its size
MAX_PARTS: Final = 1024


def store_log(
    study: Study,
    folder: str | Path,
    *,
    tables: Mapping[str, Any] | None = None,
    partitions: int | None = None,
    batch: int = BATCH,
) -> StoredLog:
    """Lay a study's log out on disk, or open the layout that is there already.

    What counts, ties, duplicates and starts are as in ``read_interactions``; the questions
    of ``cjlib.events.questions`` give the same answers as to ``journey_log``. A layout is
    found again by a checksum of the files, of what study.yaml says about them, and of the
    kit's version; a log with a database or a data frame in it is laid out anew each time.

    Parameters
    ----------
    study : Study
    folder : path
        Where layouts are kept, such as ``results/<study>/log``. Each has its own folder in
        it, written under another name and renamed when it is whole. It holds pseudonyms,
        never raw ids.
    tables : mapping of str to data frame, optional
        As for ``read_interactions``.
    partitions : int, optional
        By default one for each two million rows, as far as they can be guessed.
    batch : int
        Rows read at a time.

    Returns
    -------
    StoredLog

    Notes
    -----
    Two passes over the rows, each in memory of a batch or a partition. Exact duplicates are
    known by customer and a 64-bit hash of all their cells.
    """
    study.require("events", caller="store_log")
    if (partitions is not None and not 1 <= partitions <= MAX_PARTS) or batch < 1:
        raise JourneyError(
            f"store_log: partitions must be 1 to {MAX_PARTS:,} and batch at least 1; got "
            f"{partitions!r} and {batch!r}."
        )
    rules = study.events or EventRules(())
    kept = Path(folder)
    lasting = all(source.path for source in rules.sources)
    name = _fingerprint(study, rules, partitions)
    place = kept / name
    if lasting and (place / LAYOUT).is_file():
        return open_layout(place)
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".part-", dir=kept) as temporary:
        work = Path(temporary)
        _build(
            study, rules, work, tables, count=partitions or _guess_parts(study, rules), batch=batch
        )
        shutil.rmtree(work / "spill")
        if place.exists():
            place.rename(work.parent / f"{work.name}-old")
        finished = work.rename(place)
        work.mkdir()  # what the context expects to remove
    shutil.rmtree(work.parent / f"{work.name}-old", ignore_errors=True)
    return open_layout(finished)


def _fingerprint(study: Study, rules: EventRules, partitions: int | None) -> str:
    """Checksum of everything that decides what the layout holds."""
    digest = hashlib.sha256()
    said = {
        "kit": __version__, "layout": 2, "partitions": partitions, "rules": asdict(rules),
        "touchpoints": [asdict(t) for t in study.touchpoints],
        "channels": [asdict(c) for c in study.channels], "stages": study.stage_ids,
        "positions": asdict(study.positions), "language": study.language,
        "level": study.level, "base": study.privacy.minimum_base,
        "people": study.pseudonyms(pd.Series(["cjlib"], dtype="str"), "K").tolist(),
    }  # fmt: skip
    digest.update(hide_passwords(json.dumps(said, sort_keys=True, default=str)).encode())
    for source in rules.sources:
        for path in (source.path, *(join.path for join in source.joins)):
            if path:
                for file, shown, _ in find_parts(study.file(path), shown=path):
                    with file.open("rb") as stream:
                        found = hashlib.file_digest(stream, "sha256").hexdigest()
                    digest.update(f"{shown}\0{found}\0".encode())
    return digest.hexdigest()[:24]


def _guess_parts(study: Study, rules: EventRules) -> int:
    rows = 0
    for source in rules.sources:
        files = find_parts(study.file(source.path), shown=source.path) if source.path else []
        for file, _, _ in files:
            if kind_of(file) == "parquet":
                rows += pq.read_metadata(file).num_rows * max(len(source.times), 1)
            else:
                packed = 8 if file.suffix.lower() == ".gz" else 1
                rows += packed * file.stat().st_size // ROW_BYTES
    return int(np.clip(-(-rows // PART), 1, MAX_PARTS))


def _build(
    study: Study, rules: EventRules, work: Path, tables: Mapping[str, Any] | None, *,
    count: int, batch: int,
) -> None:  # fmt: skip
    misfits = Misfits()
    spill = Spill(work / "spill", count, rules)
    files: list[list[tuple[str, int]]] = []
    reading: list[tuple[str, str, str]] = []
    for number, source in enumerate(rules.sources):
        own, way, why = deal_source(
            study, source, number, tables=tables, spill=spill, misfits=misfits, batch=batch
        )
        files.append(own)
        reading.append((source.shown, way, why))
    spill.close()
    totals = Totals()
    for number in range(count):
        rows = spill.read(number)
        if rows is not None:
            settle_part(study, rules, rows, work, totals)
    misfits.table().to_csv(work / "misfits.csv", index=False)
    totals.write_set_aside(work, files)
    layout = {**_describe(study, rules, totals), "reading": reading}
    (work / LAYOUT).write_text(json.dumps(layout), encoding="utf-8")


def _describe(study: Study, rules: EventRules, totals: Totals) -> dict[str, Any]:
    paired = any(LIFECYCLE in source.columns for source in rules.sources)
    names = [KEPT, *(name for name in REASONS if name != STEP or paired)]
    at = [-1, *(REASONS.index(name) for name in names[1:])]
    channels = [c.id for c in study.channels] + [NO_LABEL] * totals.no_channel
    return {
        "layout": 2, "kit": __version__, "parts": totals.parts, "contacts": totals.contacts,
        "journeys": totals.journeys, "level": study.level, "language": study.language,
        "minimum_base": study.privacy.minimum_base,
        "measures": [name for name, some in totals.measures.items() if some],
        "labels": {
            "touchpoint": [t.id for t in study.touchpoints], "stage": study.stage_ids,
            "channel": channels,
        },
        "names": {
            "touchpoint": [study.label("touchpoint", t.id) for t in study.touchpoints],
            "stage": [study.label("stage", s) for s in study.stage_ids],
            "channel": [study.label("channel", c) for c in channels],
        },
        "stage_of_touchpoint": stage_of_touchpoint(study)[:-1].tolist(),
        "scope": {"reason": names, "rows": totals.rows[at].tolist(),
                  "customers": totals.customers[at].tolist()},
    }  # fmt: skip
