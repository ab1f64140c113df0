"""Contacts at one time: how many there are, and which answers hang on the order given to them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from cjlib.events import Interactions, JourneyLog, journey_log
from cjlib.intervals import Estimate
from cjlib.journeys.clusters import Bools, Ints, estimate_share_of, find_runs
from cjlib.journeys.transitions import find_departures
from cjlib.journeys.variants import group_paths

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOGGED, FILE, NAME, REVERSED, SET = (
    "as in the log", "file order", "by name", "reversed", "as one set",
)  # fmt: skip
PLUS: Final = " + "


@dataclass(frozen=True, slots=True, eq=False)
class Ties:
    """What ``measure_ties`` found.

    Attributes
    ----------
    table : DataFrame
        One row per rule for contacts of one customer at one time, the log's own first:
        ``rule``; ``variants``: different paths; ``top_share``: share of journeys on the
        commonest; ``different_moves``: pairs of labels that follow one another; and the
        journeys whose path, first or last label is another than under the log's rule:
        ``paths_changed``, ``begin_elsewhere``, ``end_elsewhere``.
    moves : int
    tied, unordered : Estimate
        Share of moves between contacts at the same time, and of those between two different
        labels, whose true order nobody knows; 0 to 1, by customer.
    journeys : Estimate
        Share of journeys with such an unordered move.
    names : dict
    language : str
    """

    table: pd.DataFrame
    moves: int
    tied: Estimate
    unordered: Estimate
    journeys: Estimate
    names: dict[str, str] = field(repr=False)
    language: str = "en"

    def summary(self) -> str:
        """Say how many moves are tied and between what the number of paths lies."""
        variants = self.table["variants"]
        low, high = int(variants.min()), int(variants.max())
        own = int(variants.iloc[0])
        text = (
            f"{self.tied:.1%} of {self.moves:,} moves join contacts at the same time, "
            f"{self.unordered:.1%} two different ones"
        )
        if low == high:
            return f"{text}; the {own:,} different paths do not hang on their order."
        return (
            f"{text}; by the rule for such ties there are {low:,} to {high:,} different paths "
            f"({own:,} as in the log)."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the number of different paths under each rule."""
        from cjlib import plots

        return plots.draw_ties(self.table, language=self.language, ax=ax)


def measure_ties(contacts: Interactions | JourneyLog, *, by: str = "touchpoint") -> Ties:
    """Measure how many contacts share a time, and what changes with the rule for their order.

    The rules: as in the log (of a study: in the order of its stages, then as in the file; of
    ``code_events``: as given); file order (only for ``Interactions``, which know it); by
    name: in the order of the labels' ids; reversed: the log's order turned round; as one
    set: the different labels at one time are one step.

    Parameters
    ----------
    contacts : Interactions or JourneyLog
    by : "touchpoint", "stage" or "channel"

    Notes
    -----
    The range is that of these rules: another order of each tie by itself could lie outside.
    A sort of the contacts for each rule.
    """
    study_log = isinstance(contacts, Interactions)
    log = (journey_log(contacts) if isinstance(contacts, Interactions) else contacts).of(by)
    moment = _number_moments(log)
    here = find_departures(log)
    same = moment[here] == moment[here + 1]
    differ = same & (log.codes[here] != log.codes[here + 1])
    owner = np.repeat(log.owner, log.lengths - 1)
    journey = np.repeat(np.arange(log.journeys), log.lengths - 1)
    hit = np.zeros(log.journeys, dtype=bool)
    hit[journey[differ]] = True

    def share(rows: Bools, who: Ints) -> Estimate:
        return estimate_share_of(rows, who, level=log.level, minimum_base=log.minimum_base)

    by_name = np.argsort(np.argsort(np.array(log.labels, dtype=str), kind="stable"))
    rules = {LOGGED: log}
    if isinstance(contacts, Interactions) and study_log:
        rules[FILE] = _reorder(log, moment, contacts.places)
    rules[NAME] = _reorder(log, moment, by_name[log.codes])
    rules[REVERSED] = _reorder(log, moment, -np.arange(len(log)))
    rules[SET] = _join_moments(log, moment)
    table = pd.DataFrame([_describe(name, ruled, log, hit) for name, ruled in rules.items()])
    return Ties(
        table.astype({"rule": "str"}), len(here), share(same, owner), share(differ, owner),
        share(hit, log.owner), log.name(), log.language,
    )  # fmt: skip


def _number_moments(log: JourneyLog) -> Ints:
    """Give each time of each journey a number, over all journeys, from 0."""
    fresh = np.ones(len(log), dtype=bool)
    fresh[1:] = log.times[1:] != log.times[:-1]
    fresh[log.offsets[:-1]] = True
    return np.cumsum(fresh) - 1


def _reorder(log: JourneyLog, moment: Ints, key: Ints) -> JourneyLog:
    order = np.lexsort((key, moment))
    return replace(log, codes=log.codes[order], views={})


def _join_moments(log: JourneyLog, moment: Ints) -> JourneyLog:
    """Return the log with the different labels of each moment as one step."""
    order = np.lexsort((log.codes, moment))
    codes, when = log.codes[order], moment[order]
    fresh = np.ones(len(codes), dtype=bool)
    fresh[1:] = (codes[1:] != codes[:-1]) | (when[1:] != when[:-1])
    codes, when = codes[fresh], when[fresh]
    steps = np.append(find_runs(when), len(when))  # moments as if they were journeys
    told = replace(log, codes=codes, offsets=steps, owner=np.arange(len(steps) - 1), views={})
    step, example = group_paths(told)
    labels = [
        PLUS.join(log.labels[code] for code in codes[steps[i] : steps[i + 1]]) for i in example
    ]
    first = find_runs(moment)
    offsets = np.append(moment[log.offsets[:-1]], len(first))
    return replace(
        log, codes=step, times=log.times[first], offsets=offsets, labels=tuple(labels),
        names=tuple(labels), views={}, amounts=None, costs=None, seconds=None,
    )  # fmt: skip


def _describe(rule: str, ruled: JourneyLog, log: JourneyLog, hit: Bools) -> dict[str, object]:
    variant, _ = group_paths(ruled)
    counts = np.bincount(variant)
    here = find_departures(ruled)
    k = len(ruled.labels)
    pairs = ruled.codes[here].astype(np.int64) * k + ruled.codes[here + 1]
    if rule == SET:
        mixed = np.array([PLUS in label for label in ruled.labels])
        begins, ends = (mixed[ruled.codes[at]] for at in _ends(ruled))
        changed = hit
    else:
        begins, ends = (ruled.codes[at] != log.codes[at] for at in _ends(log))
        differ = ruled.codes != log.codes
        changed = np.logical_or.reduceat(differ, log.offsets[:-1])
    return {
        "rule": rule, "variants": len(counts), "top_share": float(counts.max() / len(variant)),
        "different_moves": len(pd.unique(pairs)), "paths_changed": int(changed.sum()),
        "begin_elsewhere": int(begins.sum()), "end_elsewhere": int(ends.sum()),
    }  # fmt: skip


def _ends(log: JourneyLog) -> tuple[Ints, Ints]:
    return log.offsets[:-1], log.offsets[1:] - 1
