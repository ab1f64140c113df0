"""How many customers pass through the stages in order, and how long it takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.columns import ESTIMATE, GROUP, HIGH, LEVEL, LOW, METHOD, STAGE, N
from cjlib.errors import JourneyError
from cjlib.events import JourneyLog
from cjlib.events.journey_log import HOUR
from cjlib.intervals import Estimate
from cjlib.journeys.clusters import Ints, estimate_share_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MODES = ("loose", "strict")
ALL = "all"
UNASSIGNED = "(none)"


@dataclass(frozen=True, slots=True, eq=False)
class Funnel:
    """What ``measure_funnel`` found.

    Attributes
    ----------
    table : DataFrame
        One row per group and stage: ``group``, ``stage``; ``journeys`` that reached it;
        ``estimate``: share of the journeys that entered, with its interval; ``step``: share
        of the stage before, with ``step_low``, ``step_high``; ``median_hours`` and
        ``p90_hours`` from entry, of those who reached it.
    mode : str
    window : Timedelta or None
    names : dict
    language : str
    """

    table: pd.DataFrame
    mode: str
    window: pd.Timedelta | None
    names: dict[str, str] = field(repr=False)
    language: str = "en"

    def summary(self) -> str:
        """Say what share gets through, and where most are lost."""
        first = self.table[GROUP].iloc[0]
        rows = self.table[self.table[GROUP].eq(first)].reset_index(drop=True)
        end = rows.iloc[-1]
        whole = Estimate(*(end[c] for c in (ESTIMATE, LOW, HIGH, LEVEL, N, METHOD)))
        text = (
            f"{whole:.1%} of the {int(rows['journeys'].iloc[0]):,} journeys that enter at "
            f"{rows[STAGE].iloc[0]} reach {end[STAGE]}"
        )
        steps = rows["step"].iloc[1:]
        if steps.notna().any():
            worst = int(np.nanargmin(steps.to_numpy())) + 1
            text += (
                f"; the narrowest step is {rows[STAGE].iloc[worst - 1]} to "
                f"{rows[STAGE].iloc[worst]} ({steps.min():.1%})"
            )
        return text + "."

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the share that reaches each stage, with intervals; one line per group."""
        from cjlib import plots

        return plots.draw_funnel(self.table, names=self.names, language=self.language, ax=ax)


def measure_funnel(
    log: JourneyLog,
    *,
    stages: Sequence[str],
    by: str | None = None,
    mode: str = "loose",
    window: pd.Timedelta | str | None = None,
    reentry: bool = False,
    groups: Mapping[str, str] | None = None,
) -> Funnel:
    """Count the journeys that pass through ``stages`` in order.

    A journey enters at its first contact at ``stages[0]``. Loose: it reaches a stage with a
    contact there at or after (the same time suffices: the log cannot tell which of two
    came first) a contact that reached the stage before; anything may lie between. Strict:
    the stages follow one another directly in the log's order; staying in the stage reached
    (a repeat) does not break the run, anything else does.

    With ``window`` each stage must be reached at most that long after the entry. Without
    ``reentry`` the first entry alone counts, and a second one does not start the clock
    anew. With it every contact at ``stages[0]`` may be the entry; the time to a stage runs
    from the latest entry that leads to it, and a journey reaches what its best entry does.

    Parameters
    ----------
    log : JourneyLog
    stages : sequence of str
        Labels of the log in journey order, at least one, each once.
    by : "touchpoint", "stage" or "channel", optional
    mode : "loose" or "strict"
    window : Timedelta or text such as "30 days", optional
    reentry : bool
    groups : mapping of customer id to group, optional
        Such as personas; a customer it lacks is in the group "(none)".

    Returns
    -------
    Funnel
        Intervals are Wilson's; by customer where one owns several journeys (sessions).

    Raises
    ------
    JourneyError
        If a stage is unknown or comes twice, or mode or window is no such thing.

    Notes
    -----
    One pass over the contacts per stage: n contacts times the stages.
    """
    log = log.of(by)
    codes = _check_stages(log, stages, mode)
    length = None if window is None else pd.Timedelta(window)
    if length is not None and not length > pd.Timedelta(0):
        raise JourneyError(f"measure_funnel: window must be a time above 0; got {window!r}.")
    limit = np.iinfo(np.int64).max if length is None else length // pd.Timedelta(microseconds=1)
    walk = _walk_loose if mode == "loose" else _walk_strict
    spent = walk(log, codes, limit=limit, reentry=reentry)
    labels, group_of = [ALL], np.zeros(log.journeys, dtype=np.int64)
    if groups is not None:
        given = [groups.get(customer) for customer in log.customers]
        names = [UNASSIGNED if pd.isna(name) else str(name) for name in given]
        labels = sorted(set(names))
        place = {name: i for i, name in enumerate(labels)}
        group_of = np.array([place[name] for name in names])[log.owner]
    rows: list[dict[str, Any]] = []
    for group in range(len(labels)):
        inside = group_of == group
        rows += _describe(log, stages, [hours[inside] for hours in spent], log.owner[inside],
                          labels[group])  # fmt: skip
    return Funnel(pd.DataFrame(rows), mode, length, log.name(), log.language)


def _check_stages(log: JourneyLog, stages: Sequence[str], mode: str) -> list[int]:
    if mode not in MODES:
        raise JourneyError(f"measure_funnel: mode must be loose or strict; got {mode!r}.")
    if not stages or isinstance(stages, str) or len(set(stages)) != len(stages):
        raise JourneyError(
            "measure_funnel: stages must be a list of labels, at least one and each once; got "
            f"{stages!r}. Name them in journey order."
        )
    return [log.code(stage, caller="measure_funnel") for stage in stages]


def _walk_loose(log: JourneyLog, codes: list[int], *, limit: int, reentry: bool) -> list[Ints]:
    """Time from entry to each stage per journey, -1 where it is not reached."""
    wanted = np.zeros(len(log.labels), dtype=bool)
    wanted[codes] = True
    kept = np.flatnonzero(wanted[log.codes])  # the other contacts play no part
    code, time, journey = log.codes[kept], log.times[kept], log.journey_of()[kept]
    tie_end = _last_of_tie(journey, time)
    at = np.flatnonzero(code == codes[0])
    if not reentry:
        at = at[_first_of_run(journey[at])]
    entry = np.full(len(kept), -1, dtype=np.int64)  # latest entry of a chain that ends here
    entry[at] = whence = at
    spent = [_first_spent(log.journeys, journey[at], time[at] - time[whence])]
    for wish in codes[1:]:
        latest = np.maximum.accumulate(entry)
        at = np.flatnonzero(code == wish)
        whence = latest[tie_end[at]]
        # An entry found in a journey before this one does not count.
        good = (whence >= 0) & (journey[whence] == journey[at])
        good &= time[at] - time[whence] <= limit
        at, whence = at[good], whence[good]
        entry = np.full(len(kept), -1, dtype=np.int64)
        entry[at] = whence
        spent.append(_first_spent(log.journeys, journey[at], time[at] - time[whence]))
    return spent


def _last_of_tie(journey: Ints, time: Ints) -> Ints:
    """Position of the last contact of the same journey and time, for each contact."""
    if not len(time):
        return journey
    ends = np.ones(len(time), dtype=bool)
    ends[:-1] = (time[1:] != time[:-1]) | (journey[1:] != journey[:-1])
    at = np.flatnonzero(ends)
    return np.repeat(at, np.diff(np.concatenate([[-1], at])))


def _first_of_run(journey: Ints) -> npt.NDArray[np.bool_]:
    first = np.ones(len(journey), dtype=bool)
    first[1:] = journey[1:] != journey[:-1]
    return first


def _first_spent(journeys: int, journey: Ints, time: Ints) -> Ints:
    """Time of each journey's first row; -1 where it has none."""
    spent = np.full(journeys, -1, dtype=np.int64)
    first = _first_of_run(journey)
    spent[journey[first]] = np.maximum(time[first], 0)
    return spent


def _walk_strict(log: JourneyLog, codes: list[int], *, limit: int, reentry: bool) -> list[Ints]:
    """As ``_walk_loose``, on the runs of equal labels."""
    runs = log.collapse()
    opens = np.ones(len(log), dtype=bool)
    opens[1:] = log.codes[1:] != log.codes[:-1]
    opens[log.offsets[:-1]] = True
    start = np.flatnonzero(opens)
    last = np.concatenate([start[1:], [len(log)]]) - 1
    journey = runs.journey_of()
    at = np.flatnonzero(runs.codes == codes[0])
    if not reentry:
        at = at[_first_of_run(journey[at])]
    entered = log.times[last[at]] if reentry else log.times[start[at]]
    spent = []
    here = at
    for step, code in enumerate(codes):
        if step:
            here = at + step
            inside = here < len(runs)
            at, entered, here = at[inside], entered[inside], here[inside]
            good = (runs.codes[here] == code) & (journey[here] == journey[at])
            good &= runs.times[here] - entered <= limit
            at, entered, here = at[good], entered[good], here[good]
        spent.append(_first_spent(log.journeys, journey[at], runs.times[here] - entered))
    return spent


def _describe(
    log: JourneyLog, stages: Sequence[str], spent: list[Ints], owner: Ints, group: str
) -> list[dict[str, Any]]:
    rows = []

    def share(hit: npt.NDArray[np.bool_], base: npt.NDArray[np.bool_]) -> Estimate:
        return estimate_share_of(
            hit[base], owner[base], level=log.level, minimum_base=log.minimum_base
        )

    entered = spent[0] >= 0
    before = entered
    for stage, hours in zip(stages, spent, strict=True):
        reached = hours >= 0
        whole, step = share(reached, entered), share(reached, before)
        taken = hours[reached] / HOUR
        rows.append(
            {
                GROUP: group,
                STAGE: stage,
                "journeys": int(reached.sum()),
                **whole.as_dict(),
                "step": step.estimate,
                "step_low": step.low,
                "step_high": step.high,
                "median_hours": float(np.median(taken)) if len(taken) else np.nan,
                "p90_hours": float(np.quantile(taken, 0.9)) if len(taken) else np.nan,
            }
        )
        before = reached
    return rows
