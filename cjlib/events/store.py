"""A journey log on disk in partitions of whole customers: codes in .npy files, one folder each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from cjlib.columns import CUSTOMER, SHARE
from cjlib.errors import JourneyError, nearest
from cjlib.events.journey_log import JourneyLog, View

LAYOUT: Final = "layout.json"
MEASURES: Final = ("amounts", "costs", "seconds")


@dataclass(frozen=True, slots=True, eq=False)
class StoredLog:
    """A log laid out on disk by ``store_log``; the questions read it a partition at a time.

    Attributes
    ----------
    folder : Path
    by : str
        What the codes name: "touchpoint", "stage" or "channel"; ``of`` switches.
    partitions, contacts, journeys : int
    scope : DataFrame
        ``reason`` ("in scope" first), ``rows``, ``share``, ``customers``, as in
        ``Interactions.scope``.
    cores : int
        Processes that share out the partitions; the answers are the same.
    """

    folder: Path
    by: str
    partitions: int
    contacts: int
    journeys: int
    scope: pd.DataFrame
    layout: dict[str, Any]
    cores: int = 1

    def __len__(self) -> int:
        return self.contacts

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels by code."""
        return tuple(self.layout["labels"][self.by])

    @property
    def level(self) -> float:
        """Coverage of intervals, 0 to 1."""
        return float(self.layout["level"])

    @property
    def minimum_base(self) -> int:
        """Fewer customers than this are "too few"."""
        return int(self.layout["minimum_base"])

    def of(self, by: str) -> StoredLog:
        """Return the same log named by touchpoint, stage or channel."""
        if by not in self.layout["labels"]:
            hint = nearest(by, self.layout["labels"])
            raise JourneyError(
                f"StoredLog.of: by must be one of {', '.join(self.layout['labels'])}; got {by!r}."
                + (f" Did you mean {hint!r}?" if hint else "")
            )
        return replace(self, by=by)

    def on(self, cores: int) -> StoredLog:
        """Return the same log, its partitions shared out over ``cores`` processes."""
        if cores < 1:
            raise JourneyError(f"StoredLog.on: cores must be at least 1; got {cores!r}.")
        return replace(self, cores=cores)

    def reading(self) -> pd.DataFrame:
        """Return how each source was read: ``source``, ``way`` and, if not typed, ``why``."""
        return pd.DataFrame(self.layout["reading"], columns=["source", "way", "why"], dtype="str")

    def set_aside(self) -> pd.DataFrame:
        """Return ``file``, ``row`` and ``reason`` of every row that does not count."""
        table = pd.read_parquet(self.folder / "set_aside.parquet")
        return table.astype({"file": "str", "reason": "str"})

    def misfits(self) -> pd.DataFrame:
        """Return the values that fitted no rule, as ``Interactions.misfits``."""
        return pd.read_csv(
            self.folder / "misfits.csv", dtype={"value": "str", "nearest": "str"},
            keep_default_na=False,
        )  # fmt: skip

    def parts(self) -> Iterator[JourneyLog]:
        """Yield the partitions in order, without the customers' names and the measures."""
        for number in range(self.partitions):
            yield self.part(number)

    def part(self, number: int, *, whole: bool = False) -> JourneyLog:
        """Read one partition; ``whole``: with customers, measures and every view."""
        folder = self.folder / f"part-{number:04d}"
        wanted = ("touchpoint", "stage", "channel") if whole else (self.by,)
        views = {kind: self._view(folder, kind) for kind in wanted}
        offsets = np.load(folder / "offsets.npy")
        # Only what a question looks at is fetched from the disk.
        times = np.asarray(np.load(folder / "times.npy", mmap_mode=None if whole else "r"))
        view = views[self.by]
        rest: dict[str, Any] = {}
        customers = np.zeros(0, dtype=object)
        if whole:
            names = pq.read_table(folder / "customers.parquet").column(CUSTOMER)
            customers = names.to_numpy(zero_copy_only=False)
            for name in self.layout["measures"]:
                file = folder / f"{name}.npy"
                empty = np.full(int(offsets[-1]), np.nan)
                rest[name] = np.load(file) if file.is_file() else empty
        return JourneyLog(
            by=self.by, codes=view.codes, times=times, offsets=offsets,
            owner=np.arange(len(offsets) - 1), customers=customers, labels=view.labels,
            names=view.names, views=views, level=self.layout["level"],
            minimum_base=self.layout["minimum_base"], language=self.layout["language"], **rest,
        )  # fmt: skip

    def _view(self, folder: Path, kind: str) -> View:
        if kind == "stage":
            stages = np.array(self.layout["stage_of_touchpoint"], dtype=np.int8)
            codes = stages[np.load(folder / "touchpoint.npy")]
        else:
            codes = np.load(folder / f"{kind}.npy")
        return View(codes, tuple(self.layout["labels"][kind]), tuple(self.layout["names"][kind]))

    def load(self) -> JourneyLog:
        """Read the whole log into memory, for the questions of ``cjlib.journeys``."""
        pieces = [self.part(number, whole=True) for number in range(self.partitions)]
        if not pieces:
            raise JourneyError("StoredLog.load: a log must hold at least one contact; none here.")
        before = np.cumsum([0, *(len(piece) for piece in pieces)])
        offsets = [piece.offsets[:-1] + start for piece, start in zip(pieces, before, strict=False)]
        views = {
            kind: replace(view, codes=np.concatenate([p.views[kind].codes for p in pieces]))
            for kind, view in pieces[0].views.items()
        }
        rest: dict[str, Any] = {
            name: np.concatenate([getattr(piece, name) for piece in pieces])
            for name in self.layout["measures"]
        }
        log: JourneyLog = replace(
            pieces[0], codes=views[self.by].codes, views=views,
            times=np.concatenate([piece.times for piece in pieces]),
            offsets=np.append(np.concatenate(offsets), before[-1]),
            owner=np.arange(self.journeys),
            customers=np.concatenate([piece.customers for piece in pieces]),
        )  # fmt: skip
        return replace(log, **rest)


def open_layout(folder: str | Path) -> StoredLog:
    """Open a layout that ``store_log`` has written."""
    place = Path(folder)
    if not (place / LAYOUT).is_file():
        raise JourneyError(
            f"open_layout: the folder must hold a journey log; {place.name} has no {LAYOUT}. "
            "Make one with store_log."
        )
    layout = json.loads((place / LAYOUT).read_text(encoding="utf-8"))
    scope = pd.DataFrame(layout["scope"])
    scope.insert(2, SHARE, scope["rows"] / max(int(scope["rows"].sum()), 1))
    return StoredLog(
        folder=place, by="touchpoint", partitions=layout["parts"], contacts=layout["contacts"],
        journeys=layout["journeys"], scope=scope.astype({"reason": "str"}), layout=layout,
    )  # fmt: skip
