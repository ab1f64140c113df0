"""Where customers are at their first, second, third ... contact, and where they begin and stop."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cjlib.columns import ESTIMATE, HIGH, LEVEL, LOW, METHOD, N
from cjlib.errors import JourneyError
from cjlib.events import JourneyLog
from cjlib.intervals import Estimate
from cjlib.journeys.clusters import estimate_share_of, share_groups, tally
from cjlib.journeys.flow_picture import write_flow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ENDED = "(ended)"
LEFT = "(left)"
DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True, slots=True, eq=False)
class StepMatrix:
    """What ``measure_step_matrix`` found.

    Attributes
    ----------
    table : DataFrame
        One row per step (from 1) and label that occurs there: ``step``, ``label`` ("(ended)"
        for journeys already over), ``journeys``, and ``estimate``: share of all journeys,
        with its interval.
    flows : DataFrame
        ``step``, ``from``, ``to``, ``journeys``: what lies between a step and the next.
    names : dict
    language : str
    """

    table: pd.DataFrame
    flows: pd.DataFrame
    names: dict[str, str] = field(repr=False)
    language: str = "en"

    def summary(self) -> str:
        """Say where journeys begin most often and how many are over after each step."""
        start = self.table[self.table["step"].eq(1)].sort_values(
            "journeys", ascending=False, kind="stable"
        )
        last = int(self.table["step"].max())
        over = self.table[self.table["step"].eq(last) & self.table["label"].eq(ENDED)]
        total = int(start["journeys"].sum())
        share = over["journeys"].sum() / total
        return (
            f"{start['journeys'].iloc[0] / total:.1%} of {total:,} journeys begin at "
            f"{start['label'].iloc[0]}; {share:.1%} are over before contact {last}."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the shares as a matrix, labels by steps."""
        from cjlib import plots

        return plots.draw_step_matrix(self.table, names=self.names, language=self.language, ax=ax)

    def plot_flow(self, *, ax: Axes | None = None) -> Axes:
        """Draw the journeys as bands that flow from step to step."""
        from cjlib import plots

        return plots.draw_journey_flow(
            self.table, self.flows, names=self.names, language=self.language, ax=ax
        )

    def write_flow(self, path: str | Path) -> Path:
        """Write the flow as an SVG with a title, a description and named bands."""
        return write_flow(self, path)


def measure_step_matrix(log: JourneyLog, *, by: str | None = None, steps: int = 8) -> StepMatrix:
    """Measure which share of journeys is at which label at each contact, counted from the first.

    Parameters
    ----------
    log : JourneyLog
        ``log.of("stage").collapse()`` makes staying in a stage one step.
    by : "touchpoint", "stage" or "channel", optional
    steps : int, at least 1

    Returns
    -------
    StepMatrix
        At every step the shares of all labels and "(ended)" add to 1.

    Notes
    -----
    One pass over the journeys per step; later contacts are never looked at.
    """
    if steps < 1:
        raise JourneyError(f"measure_step_matrix: steps must be at least 1; got {steps!r}.")
    log = log.of(by)
    k = len(log.labels)
    labels = (*log.labels, ENDED)
    states = np.full((steps, log.journeys), k, dtype=np.int64)
    for step in range(steps):
        going = log.lengths > step
        states[step, going] = log.codes[log.offsets[:-1][going] + step]
    parts: list[pd.DataFrame] = []
    flows: list[dict[str, Any]] = []
    for step, state in enumerate(states):
        counts = np.bincount(state, minlength=k + 1)
        codes = np.flatnonzero(counts)
        shares = share_groups(state, log.owner, groups=k + 1, only=codes, level=log.level,
                              minimum_base=log.minimum_base)  # fmt: skip
        named = [labels[code] for code in codes]
        counted = {"step": step + 1, "label": named, "journeys": counts[codes]}
        parts.append(pd.DataFrame({**counted, **shares}))
        if step + 1 < steps:
            pairs = np.bincount(state * (k + 1) + states[step + 1])
            flows += [
                {"step": step + 1, "from": labels[pair // (k + 1)], "to": labels[pair % (k + 1)],
                 "journeys": int(pairs[pair])}
                for pair in np.flatnonzero(pairs)
            ]  # fmt: skip
    names = {**log.name(), ENDED: ENDED}
    columns = ["step", "from", "to", "journeys"]
    table = pd.concat(parts, ignore_index=True)
    return StepMatrix(table, pd.DataFrame(flows, columns=columns), names, log.language)


@dataclass(frozen=True, slots=True, eq=False)
class Exits:
    """What ``find_exits`` found.

    Attributes
    ----------
    table : DataFrame
        Without ``after``: one row per label that occurs: ``label``; ``visited``, ``entered``,
        ``left``: journeys that have it, begin there, end there; ``still_open``: ends so near
        the log's end that the journey may go on; ``estimate``: share of the journeys that
        visited it and ended there, with its interval; ``share_of_exits``.
        With ``after``: one row per place they went to next, "(left)" for nowhere: ``label``,
        ``journeys``, ``estimate``: share of the journeys looked at, with its interval.
    after, instead_of : str
        As asked; empty where not.
    names : dict
    language : str
    """

    table: pd.DataFrame
    after: str
    instead_of: str
    names: dict[str, str] = field(repr=False)
    language: str = "en"

    def summary(self) -> str:
        """Say where most journeys end, or where they went after a label."""
        top = self.table.iloc[0]
        share = Estimate(*(top[c] for c in (ESTIMATE, LOW, HIGH, LEVEL, N, METHOD)))
        if self.after:
            without = f" without {self.instead_of}" if self.instead_of else ""
            return f"After {self.after}{without}, most went to {top['label']}: {share:.1%}."
        return (
            f"Most journeys end at {top['label']} ({top['left']:,}; {share:.1%} of those that "
            f"visited it); {int(self.table['still_open'].sum()):,} may still go on."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the shares as bars with intervals."""
        from cjlib import plots

        return plots.draw_exits(self.table, names=self.names, language=self.language, ax=ax)


def find_exits(
    log: JourneyLog,
    *,
    by: str | None = None,
    after: str | None = None,
    instead_of: str | None = None,
    open_days: float = 30.0,
) -> Exits:
    """Find where journeys begin and end, or where customers go after a label.

    Parameters
    ----------
    log : JourneyLog
    by : "touchpoint", "stage" or "channel", optional
    after : str, optional
        Look at the journeys that visited this label, and at the first contact elsewhere
        after their first visit there.
    instead_of : str, optional
        Of these, only the ones that never reach this label after that visit: where did
        those go who did not go on? Needs ``after``.
    open_days : float, days
        An end this near to the last contact of the whole log counts as ``still_open``.

    Notes
    -----
    One pass over the contacts, and one over the journeys per label.
    """
    log = log.of(by)
    if after is None:
        if instead_of is not None:
            raise JourneyError("find_exits: instead_of must come with after; name both.")
        return Exits(_count_ends(log, open_days), "", "", log.name(), log.language)
    origin = log.code(after, caller="find_exits")
    journey = log.journey_of()
    at = np.flatnonzero(log.codes == origin)
    first = np.full(log.journeys, len(log), dtype=np.int64)
    first[journey[at[::-1]]] = at[::-1]  # the earliest is written last
    looked = first < len(log)
    later = np.arange(len(log)) > first[journey]
    if instead_of is not None:
        goal = log.code(instead_of, caller="find_exits")
        reached = np.zeros(log.journeys, dtype=bool)
        reached[journey[later & (log.codes == goal)]] = True
        looked &= ~reached
    away = np.flatnonzero(later & (log.codes != origin))
    state = np.full(log.journeys, len(log.labels), dtype=np.int64)
    state[journey[away[::-1]]] = log.codes[away[::-1]]
    state, owner = state[looked], log.owner[looked]
    labels = (*log.labels, LEFT)
    counts = np.bincount(state, minlength=len(labels))
    codes = np.flatnonzero(counts)
    shares = share_groups(state, owner, groups=len(labels), only=codes, level=log.level,
                          minimum_base=log.minimum_base)  # fmt: skip
    named = pd.Series([labels[code] for code in codes], dtype="str")
    table = pd.DataFrame({"label": named, "journeys": counts[codes], **shares})
    table = table.sort_values("journeys", ascending=False, kind="stable", ignore_index=True)
    names = {**log.name(), LEFT: LEFT}
    return Exits(table, after, instead_of or "", names, log.language)


def _count_ends(log: JourneyLog, open_days: float) -> pd.DataFrame:
    k = len(log.labels)
    start, end = log.codes[log.offsets[:-1]], log.codes[log.offsets[1:] - 1]
    recent = log.times[log.offsets[1:] - 1] > log.times.max() - open_days * DAY
    cells = tally(np.sort(log.codes * np.int64(log.journeys) + log.journey_of()))[0]
    visited, visitor = cells // log.journeys, cells % log.journeys
    edges = np.concatenate([[0], np.cumsum(np.bincount(visited, minlength=k))])
    rows = []
    for code in range(k):
        who = visitor[edges[code] : edges[code + 1]]
        if not len(who):
            continue
        here = end[who] == code
        share = estimate_share_of(
            here, log.owner[who], level=log.level, minimum_base=log.minimum_base
        )
        rows.append(
            {
                "label": log.labels[code],
                "visited": len(who),
                "entered": int((start[who] == code).sum()),
                "left": int(here.sum()),
                "still_open": int(recent[who[here]].sum()),
                **share.as_dict(),
                "share_of_exits": float(here.sum() / log.journeys),
            }
        )
    return pd.DataFrame(rows).sort_values("left", ascending=False, kind="stable", ignore_index=True)
