"""The compact journey log: contacts as integer codes, sorted by customer and time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.columns import AMOUNT, CHANNEL, COST, CUSTOMER, SECONDS, STAGE, TIME, TOUCHPOINT
from cjlib.errors import JourneyError, TooFewError, nearest
from cjlib.events.interactions import Interactions
from cjlib.events.ordering import encode, order_events
from cjlib.events.people import find_people

Codes = npt.NDArray[np.integer[Any]]  # 1 byte up to 128 labels, 2 up to 32,768, else 4
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
HOUR: Final = 3_600_000_000  # microseconds
LATEST: Final = 2**62  # microseconds: the gap between any two still is a whole number of 64 bits
NO_LABEL: Final = "(none)"  # a contact whose channel is not known


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One way of naming the contacts: by touchpoint, stage, channel, team or member of staff.

    Attributes
    ----------
    codes : whole number of 1, 2 or 4 bytes, one per contact
        Place of its label in ``labels``.
    labels : tuple of str
        Ids in the study's order.
    names : tuple of str
        The same for readers, in the study's language.
    """

    codes: Codes
    labels: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class JourneyLog:
    """Contacts of all customers, by customer and time; made by ``journey_log``.

    A journey is everything one customer did (or one session of it, after ``sessions``).
    About 8 bytes per contact, 1 or 2 more per view, 8 more per measure.

    Attributes
    ----------
    by : str
        Which view the codes are: "touchpoint", "stage" or "channel".
    codes : whole number of 1, 2 or 4 bytes, one per contact
    times : int64, one per contact
        Microseconds since 1970, wall clock of the study's time zone.
    offsets : int64, journeys plus 1
        Journey j is contacts ``offsets[j]`` to ``offsets[j + 1]``; none is empty.
    owner : int64, one per journey
        Place in ``customers`` of the one who made it; never falls.
    customers : array of str
    labels, names : tuple of str
        Id and name for readers, per code.
    views : mapping of str to View
        The other ways of naming; ``of`` switches.
    amounts, costs, seconds : float64, one per contact, or None
        None where the log has no such measure; a missing value is NaN.
    level : float
        Coverage of intervals, 0 to 1.
    minimum_base : int
        Fewer customers than this are "too few".
    language : str
        Of the names: "en" or "fa".
    """

    by: str
    codes: Codes
    times: Ints
    offsets: Ints
    owner: Ints
    customers: npt.NDArray[np.object_]
    labels: tuple[str, ...]
    names: tuple[str, ...]
    views: Mapping[str, View]
    amounts: Floats | None = None
    costs: Floats | None = None
    seconds: Floats | None = None
    level: float = 0.95
    minimum_base: int = 30
    language: str = "en"

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def journeys(self) -> int:
        """How many journeys there are."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Ints:
        """Contacts per journey."""
        return np.diff(self.offsets)

    @property
    def clustered(self) -> bool:
        """Whether some customer owns more than one journey."""
        return bool((self.owner[1:] == self.owner[:-1]).any())

    def journey_of(self) -> Ints:
        """Return the journey of each contact."""
        return np.repeat(np.arange(self.journeys), self.lengths)

    def parts(self) -> Iterator[JourneyLog]:
        """Yield the log itself: a log in memory is one partition (see ``StoredLog``)."""
        yield self

    def of(self, by: str | None) -> JourneyLog:
        """Return the same contacts named by touchpoint, stage or channel (None: as they are)."""
        if by is None or by == self.by:
            return self
        if by not in self.views:
            hint = nearest(by, self.views)
            raise JourneyError(
                f"JourneyLog.of: by must be one of {', '.join(self.views)}; got {by!r}."
                + (f" Did you mean {hint!r}?" if hint else "")
            )
        view = self.views[by]
        return replace(self, by=by, codes=view.codes, labels=view.labels, names=view.names)

    def code(self, label: str, *, caller: str) -> int:
        """Return the code of a label, or raise naming the nearest one."""
        if label not in self.labels:
            hint = nearest(label, self.labels)
            raise JourneyError(
                f"{caller}: {self.by} must be one of the log's; got {label!r}."
                + (f" Did you mean {hint!r}?" if hint else f" It has {', '.join(self.labels)}.")
            )
        return self.labels.index(label)

    def name(self) -> dict[str, str]:
        """Return label -> name for readers."""
        return dict(zip(self.labels, self.names, strict=True))

    def take(self, keep: npt.NDArray[np.bool_]) -> JourneyLog:
        """Return the log of the contacts in ``keep``; journeys left empty drop out."""
        counts = np.add.reduceat(keep.astype(np.int64), self.offsets[:-1])
        kept = counts > 0
        picked: dict[str, Any] = {
            name: getattr(self, name)[keep]
            for name in ("codes", "times", "amounts", "costs", "seconds")
            if getattr(self, name) is not None
        }
        views = {
            name: View(view.codes[keep], view.labels, view.names)
            for name, view in self.views.items()
        }
        offsets = np.concatenate([[0], np.cumsum(counts[kept])])
        return replace(self, offsets=offsets, owner=self.owner[kept], views=views, **picked)

    def collapse(self) -> JourneyLog:
        """Return the log with each run of the same label reduced to its first contact."""
        first = np.ones(len(self), dtype=bool)
        first[1:] = self.codes[1:] != self.codes[:-1]
        first[self.offsets[:-1]] = True
        return self.take(first)


def journey_log(interactions: Interactions, *, by: str = "touchpoint") -> JourneyLog:
    """Code the contacts of a study, once, for every question that follows.

    Parameters
    ----------
    interactions : Interactions
    by : "touchpoint", "stage", "channel", "team" or "staff"
        What the codes name first; ``log.of(...)`` switches without cost. Teams and staff are
        there where the log or the study tells of them (``cjlib.events.people``).

    Notes
    -----
    One sort-free pass (the table is sorted): time and memory grow with the contacts.
    """
    study, table = interactions.study, interactions.table
    known = {
        "touchpoint": [t.id for t in study.touchpoints],
        "stage": study.stage_ids,
        "channel": [c.id for c in study.channels],
    }
    views = {}
    for kind, column in (("touchpoint", TOUCHPOINT), ("stage", STAGE), ("channel", CHANNEL)):
        labels = list(known[kind])
        codes = pd.Index(labels).get_indexer(pd.Index(table[column])).astype(np.int32)
        if (codes < 0).any():
            codes[codes < 0] = len(labels)
            labels.append(NO_LABEL)
        names = tuple(study.label(kind, label) for label in labels)
        views[kind] = View(codes, tuple(labels), names)
    touchpoint = views["touchpoint"].codes.astype(np.int32)
    views |= {kind: View(*named) for kind, named in find_people(study, table, touchpoint).items()}
    measures = {
        name: table[column].to_numpy(dtype=float) if table[column].notna().any() else None
        for name, column in (("amounts", AMOUNT), ("costs", COST), ("seconds", SECONDS))
    }
    times = table[TIME].to_numpy(dtype="datetime64[us]").astype(np.int64)
    customer_codes, customers = pd.factorize(table[CUSTOMER])
    return _lay_out(
        customer_codes.astype(np.int64), times, customers, views, by=by, **measures,
        level=study.level, minimum_base=study.privacy.minimum_base, language=study.language,
    )  # fmt: skip


def code_events(
    customer: npt.ArrayLike,
    time: npt.ArrayLike,
    label: npt.ArrayLike,
    *,
    labels: Sequence[str] | None = None,
    level: float = 0.95,
    minimum_base: int = 30,
) -> JourneyLog:
    """Code a plain event log that belongs to no study.

    Parameters
    ----------
    customer : array of hashable, one per event
    time : array of datetime64 without a time zone, or of int (microseconds)
    label : array of str
    labels : sequence of str, optional
        All labels in journey order; by default those that occur, in alphabetical order.
    level : float, 0 to 1
    minimum_base : int

    Notes
    -----
    Rows may come in any order; ties in time keep it. A missing time is refused, like a missing
    customer or label. Time grows as n log n for n events.
    """
    who, customers = encode(customer)
    times, known = _read_moments(time)
    codes, found = encode(label)
    if not len(who) == len(times) == len(codes):
        raise JourneyError(
            f"code_events: every event needs a customer, a time and a label; got {len(who):,}, "
            f"{len(times):,} and {len(codes):,} of them."
        )
    index = pd.Index(found if labels is None else list(labels))
    if labels is not None:
        if isinstance(labels, str) or not index.is_unique:
            raise JourneyError(
                f"code_events: labels must be a list of different texts; got {labels!r}."
            )
        place = np.concatenate([index.get_indexer(pd.Index(found)), [-1]])
        codes = place[codes]
    lost = np.count_nonzero((codes < 0) | (who < 0) | ~known)
    if lost:
        raise JourneyError(
            f"code_events: every event needs a customer, a time and a known label; {lost:,} of "
            f"{len(codes):,} lack one. Drop or mend them first."
        )
    order = order_events(who, times)
    names = tuple(str(name) for name in index)
    view = View(codes[order], names, names)
    return _lay_out(
        who[order], times[order], customers, {"touchpoint": view},
        by="touchpoint", level=level, minimum_base=minimum_base,
    )  # fmt: skip


def _read_moments(time: npt.ArrayLike) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Return microseconds since 1970, and which are known."""
    moments = np.asarray(time)
    if moments.dtype == object:
        moments = pd.Series(moments).infer_objects().to_numpy()
    if moments.dtype.kind == "M":
        moments = moments.astype("datetime64[us]")
        return moments.astype(np.int64), ~np.isnat(moments)
    if moments.dtype.kind not in "iu" and len(moments):
        raise JourneyError(
            "code_events: times must be datetime64 without a time zone, or whole numbers "
            f"(microseconds); got {getattr(time, 'dtype', moments.dtype)}. Convert them first "
            "(pandas: .dt.tz_convert(zone).dt.tz_localize(None))."
        )
    require_near(moments, caller="code_events")
    return moments.astype(np.int64), np.ones(len(moments), dtype=bool)


def require_near(times: npt.NDArray[Any], *, caller: str) -> None:
    """Refuse moments so far apart that the time between them does not fit 64 bits."""
    if len(times) and (int(times.max()) >= LATEST or int(times.min()) <= -LATEST):
        raise JourneyError(
            f"{caller}: times in microseconds must lie within {LATEST:,} of 1970; they go from "
            f"{times.min():,} to {times.max():,}. Is the unit right?"
        )


def _lay_out(
    who: npt.NDArray[Any],
    times: Ints,
    customers: Any,
    views: dict[str, View],
    *,
    by: str,
    **rest: Any,
) -> JourneyLog:
    if not len(who):
        raise TooFewError("journey_log: a log must hold at least one contact; it holds none.")
    starts = np.flatnonzero(np.concatenate([[True], who[1:] != who[:-1]]))
    offsets = np.concatenate([starts, [len(who)]]).astype(np.int64)
    views = {name: replace(view, codes=_pack(view)) for name, view in views.items()}
    first = next(iter(views))
    log = JourneyLog(
        by=first, codes=views[first].codes, times=times, offsets=offsets,
        owner=who[starts].astype(np.int64), customers=np.asarray(customers, dtype=object),
        labels=views[first].labels,
        names=views[first].names, views=views, **rest,
    )  # fmt: skip
    return log.of(by)


def _pack(view: View) -> Codes:
    """Codes in as few bytes as their labels need."""
    return view.codes.astype(smallest_kind(len(view.labels)), copy=False)


def smallest_kind(count: int) -> type[np.integer[Any]]:
    """Return the smallest kind of whole number that holds codes below ``count``."""
    return np.int8 if count <= 2**7 else np.int16 if count <= 2**15 else np.int32


def sessions(log: JourneyLog, *, gap: float = 30.0) -> JourneyLog:
    """Cut each journey where the customer is silent for more than ``gap`` minutes.

    Each session becomes a journey; its owner stays the customer, so intervals still allow
    for one customer's sessions being alike.

    Parameters
    ----------
    log : JourneyLog
    gap : float, minutes, more than 0
        A pause of exactly ``gap`` does not cut. Customary in web logs: 30.

    Notes
    -----
    One pass; time grows with the contacts.
    """
    if not gap > 0:
        raise JourneyError(f"sessions: gap must be more than 0 minutes; got {gap!r}.")
    cut = np.zeros(len(log), dtype=bool)
    cut[1:] = np.diff(log.times) > gap * 60e6
    cut[log.offsets[:-1]] = True
    starts = np.flatnonzero(cut)
    owner = log.owner[np.searchsorted(log.offsets, starts, side="right") - 1]
    offsets = np.concatenate([starts, [len(log)]]).astype(np.int64)
    return replace(log, offsets=offsets, owner=owner)
