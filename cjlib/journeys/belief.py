"""The journey the team believes in, beside the one customers live."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cjlib.columns import ESTIMATE, HIGH, LEVEL, LOW, METHOD, N
from cjlib.errors import MissingSourceError
from cjlib.events import JourneyLog
from cjlib.intervals import Estimate
from cjlib.journeys.clusters import (
    BY_CUSTOMER,
    Bools,
    Ints,
    bound_shares,
    estimate_share_of,
    hide_small,
)
from cjlib.journeys.transitions import find_departures
from cjlib.journeys.variants import ARROW
from cjlib.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True, eq=False)
class BeliefGap:
    """What ``compare_belief`` found.

    Attributes
    ----------
    table : DataFrame
        One row per move between two stages that is believed or lived: ``from``, ``to``,
        ``believed`` (bool), ``count``, ``customers``, ``estimate``: share of all moves
        between stages, with its interval. Lived moves first, most frequent first; a believed
        move nobody made has count 0.
    fit : Estimate
        Share of moves that the believed journey allows, by customer.
    starts : Estimate
        Share of journeys that begin where the team believes; unknown where it believes in
        no start.
    whole : Estimate
        Share of journeys in which every move fits (those without a move are left out).
    customers : DataFrame
        One row per customer with a move: ``customer_id``; ``moves``; ``fitting``: those that
        the believed journey allows; ``share``: fitting / moves, the customer's fit;
        ``first_departure``: the first move that it does not allow ("from > to"), missing where
        all fit.
    names : dict
    language : str
    """

    table: pd.DataFrame
    fit: Estimate
    starts: Estimate
    whole: Estimate
    customers: pd.DataFrame
    names: dict[str, str] = field(repr=False)
    language: str = "en"

    @property
    def departures(self) -> pd.DataFrame:
        """The lived moves that nobody believes in, most frequent first."""
        found = self.table[~self.table["believed"] & (self.table["count"] > 0)]
        return found.reset_index(drop=True)

    def summary(self) -> str:
        """Say what share of moves and journeys fit the belief, and the commonest that does not."""
        text = (
            f"{self.fit:.1%} of moves between stages are as the team believes; "
            f"{self.whole:.1%} of journeys are so throughout"
        )
        if self.departures.empty:
            return text + "."
        top = self.departures.iloc[0]
        return f"{text}; the commonest other move is {top['from']} to {top['to']}."

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the commonest moves, believed and not, as bars with intervals."""
        from cjlib import plots

        return plots.draw_belief(self.table, names=self.names, language=self.language, ax=ax)


def compare_belief(log: JourneyLog, study: Study) -> BeliefGap:
    """Compare the moves between stages with ``believed_journey`` of the study.

    Staying in a stage is no move. A move fits when ``believed_journey.moves`` lists its
    end under its start.

    Raises
    ------
    MissingSourceError
        If the study believes in no moves.

    Notes
    -----
    One pass over the contacts, and a sort of the moves.
    """
    if not study.believed_moves:
        raise MissingSourceError(
            f"compare_belief: the study '{study.id}' must say what it believes; study.yaml has no "
            "believed_journey. Add it, or skip this step."
        )
    log = log.of("stage").collapse()
    k = len(log.labels)
    code = {label: i for i, label in enumerate(log.labels)}
    believed = np.zeros(k * k, dtype=bool)
    for start, ends in study.believed_moves.items():
        believed[[code[start] * k + code[end] for end in ends]] = True
    here = find_departures(log)
    pair = log.codes[here].astype(np.int64) * k + log.codes[here + 1]
    owner = np.repeat(log.owner, log.lengths - 1)

    def share(hit: Bools, who: Ints) -> Estimate:
        return estimate_share_of(hit, who, level=log.level, minimum_base=log.minimum_base)

    fits = believed[pair]
    moving = log.lengths > 1
    opens = np.concatenate([[0], np.cumsum(log.lengths[moving] - 1)])[:-1]
    throughout = np.logical_and.reduceat(fits, opens) if len(opens) else np.zeros(0, dtype=bool)
    first = np.isin(log.codes[log.offsets[:-1]], [code[s] for s in study.believed_start])
    starts = first if study.believed_start else first[:0]
    return BeliefGap(
        table=_tell_moves(log, pair, owner, believed),
        fit=share(fits, owner),
        starts=share(starts, log.owner[: len(starts)]),
        whole=share(throughout, log.owner[moving]),
        customers=_by_customer(log, owner, fits, pair),
        names=log.name(),
        language=log.language,
    )


def _by_customer(log: JourneyLog, owner: Ints, fits: Bools, pair: Ints) -> pd.DataFrame:
    moves = np.bincount(owner, minlength=len(log.customers))
    fitting = np.bincount(owner, fits, minlength=len(log.customers))
    some = moves > 0
    labels, k = np.array(log.labels, dtype=object), len(log.labels)
    first = np.full(len(log.customers), None, dtype=object)
    out = np.flatnonzero(~fits)[::-1]
    first[owner[out]] = labels[pair[out] // k] + ARROW + labels[pair[out] % k]  # earliest last
    table = pd.DataFrame(
        {
            "customer_id": pd.Series(log.customers[some], dtype="string"),
            "moves": moves[some],
            "fitting": fitting[some].astype(np.int64),
        }
    )
    departed = pd.Series(first[some], dtype="str")
    return table.assign(share=table["fitting"] / table["moves"], first_departure=departed)


def _tell_moves(log: JourneyLog, pair: Ints, owner: Ints, believed: Bools) -> pd.DataFrame:
    k = len(log.labels)
    square = k * k
    cells, y = np.unique(owner * square + pair, return_counts=True)
    who, which = cells // square, cells % square
    moves = np.bincount(owner, minlength=1).astype(float)
    counts = np.bincount(which, y, minlength=square)
    people = int((moves > 0).sum())
    p, low, high = bound_shares(
        counts, np.full(square, moves.sum()),
        yy=np.bincount(which, y.astype(float) ** 2, square),
        xy=np.bincount(which, y * moves[who], square),
        xx=np.full(square, (moves**2).sum()), customers=np.full(square, people), level=log.level,
    )  # fmt: skip
    labels = np.array(log.labels, dtype=object)
    every = np.arange(square)
    table = pd.DataFrame(
        {
            "from": pd.Series(labels[every // k], dtype="str"),
            "to": pd.Series(labels[every % k], dtype="str"),
            "believed": believed,
            "count": counts.astype(np.int64),
            "customers": np.bincount(which, minlength=square),
            ESTIMATE: p,
            LOW: low,
            HIGH: high,
            LEVEL: log.level,
            N: people,
            METHOD: BY_CUSTOMER,
        }
    )
    table = hide_small(table[believed | (counts > 0)].copy(), log.minimum_base)
    return table.sort_values("count", ascending=False, kind="stable", ignore_index=True)
