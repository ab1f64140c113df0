"""How varied journeys are: entropy and complexity of each, and entropy at each contact."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cjlib.columns import CUSTOMER, ESTIMATE, GROUP, HIGH, LEVEL, LOW, METHOD, N
from cjlib.errors import JourneyError
from cjlib.events import JourneyLog
from cjlib.intervals import Estimate, estimate_mean, normal_quantile
from cjlib.journeys.clusters import Floats, Ints, find_runs, tally, too_few

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEASURES = ("entropy", "complexity")


@dataclass(frozen=True, slots=True, eq=False)
class Complexity:
    """What ``measure_complexity`` found.

    Attributes
    ----------
    table : DataFrame
        One row per group and measure: ``group`` ("all" without groups), ``measure``
        ("entropy", "complexity"), and ``estimate``: mean over customers, 0 to 1, with ``low,
        high, level, n, method``.
    journeys : DataFrame
        One row per journey: ``customer_id, contacts, labels`` (different ones), ``changes``,
        ``entropy, complexity``.
    steps : DataFrame
        One row per contact counted from the first: ``step``, ``journeys`` not yet over, and
        ``estimate``: entropy of where they are, 0 (all at one label) to 1 (spread evenly
        over all labels of the log), with its interval.
    language : str
    """

    table: pd.DataFrame
    journeys: pd.DataFrame = field(repr=False)
    steps: pd.DataFrame
    language: str = "en"

    def summary(self) -> str:
        """Say how varied journeys are on average, by group."""
        words = []
        for name, rows in self.table.groupby(GROUP, sort=False):
            values = [
                f"{row['measure']} "
                f"{Estimate(*(row[c] for c in (ESTIMATE, LOW, HIGH, LEVEL, N, METHOD)))}"
                for row in rows.to_dict("records")
            ]
            words.append(f"{name}: {', '.join(values)}")
        return f"Mean of journeys (0 to 1) for {'; '.join(words)}."

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the entropy at each contact."""
        from cjlib import plots

        return plots.draw_step_entropy(self.steps, language=self.language, ax=ax)


def measure_complexity(
    log: JourneyLog,
    *,
    by: str | None = None,
    groups: pd.Series | None = None,
    steps: int = 20,
) -> Complexity:
    """Measure how varied each journey is, and how varied journeys are at each contact.

    Entropy of a journey: -sum p ln p over the shares p of its contacts at each label, divided
    by the logarithm of the number of labels of the log; 0 where all contacts are at one
    label. It knows nothing of order. Complexity: the square root of (changes of label /
    most possible changes) x entropy; 0 for one contact. Entropy at a contact is taken over
    the journeys that have one.

    Parameters
    ----------
    log : JourneyLog
    by : "touchpoint", "stage" or "channel", optional
    groups : Series, customer -> group, optional
        Customers that it lacks are left out of the table.
    steps : int, at least 1
        Contacts to look at.

    Notes
    -----
    A customer's journeys are averaged first; the interval of the mean is Student's over
    customers, that of the entropy at a contact linearised by customer (missing where all
    are at one label; plug-in entropy is a little low where few journeys are left). One sort
    of n whole numbers for n contacts.

    References
    ----------
    Gabadinho, A. et al. (2011). Journal of Statistical Software 40(4), section 4.
    doi:10.18637/jss.v040.i04
    """
    log = log.of(by)
    k = len(log.labels)
    if steps < 1 or k < 2:
        raise JourneyError(
            "measure_complexity: steps must be at least 1 and the log have two labels or more; "
            f"got {steps!r} and {k}."
        )
    each = _measure_journeys(log)
    return Complexity(_average(log, each, groups), each, _measure_steps(log, steps), log.language)


def _measure_journeys(log: JourneyLog) -> pd.DataFrame:
    k, lengths, journey = len(log.labels), log.lengths, log.journey_of()
    cells, counts = tally(np.sort(journey * np.int64(k) + log.codes))
    share = counts / lengths[cells // k]
    bits = -share * np.log(share)
    opens = find_runs(cells // k)
    entropy = np.maximum(np.add.reduceat(bits, opens), 0.0) / np.log(k)
    moved = np.zeros(len(log), dtype=np.int64)
    moved[1:] = (log.codes[1:] != log.codes[:-1]) & (journey[1:] == journey[:-1])
    changes = np.add.reduceat(moved, log.offsets[:-1])
    return pd.DataFrame({
        CUSTOMER: log.customers[log.owner],
        "contacts": lengths,
        "labels": np.diff(np.concatenate([opens, [len(cells)]])),
        "changes": changes,
        "entropy": entropy,
        "complexity": np.sqrt(changes / np.maximum(lengths - 1, 1) * entropy),
    })  # fmt: skip


def _average(log: JourneyLog, each: pd.DataFrame, groups: pd.Series | None) -> pd.DataFrame:
    opens = find_runs(log.owner)
    many = np.diff(np.concatenate([opens, [log.journeys]]))
    who = pd.Index(log.customers[log.owner[opens]])
    group = np.full(len(who), "all", dtype=object)
    if groups is not None:
        known = groups.dropna()
        if known.index.has_duplicates:
            raise JourneyError(
                "measure_complexity: groups must hold each customer once; "
                f"{known.index[known.index.duplicated()][0]!r} comes again. Drop duplicates."
            )
        place = known.index.get_indexer(who)
        values = known.astype("str").to_numpy(dtype=object)
        group = np.array([values[i] if i >= 0 else None for i in place], dtype=object)
    rows = []
    for name in sorted({g for g in group if g is not None}):
        inside = group == name
        for measure in MEASURES:
            mean = np.add.reduceat(each[measure].to_numpy(), opens)[inside] / many[inside]
            found = estimate_mean(mean, level=log.level)
            if len(mean) < log.minimum_base:
                found = too_few(len(mean), log.minimum_base, level=log.level)
            rows.append({GROUP: name, "measure": measure, **found.as_dict()})
    columns = [GROUP, "measure", ESTIMATE, LOW, HIGH, LEVEL, N, METHOD]
    return pd.DataFrame(rows, columns=columns)


def _measure_steps(log: JourneyLog, steps: int) -> pd.DataFrame:
    rows = []
    for step in range(min(steps, int(log.lengths.max()))):
        going = log.lengths > step
        state = log.codes[log.offsets[:-1][going] + step].astype(np.int64)
        owner = log.owner[going]
        people = len(find_runs(owner))
        found = _estimate_entropy(state, owner, len(log.labels), log.level)
        if people < log.minimum_base:
            found = too_few(people, log.minimum_base, level=log.level)
        rows.append({"step": step + 1, "journeys": len(state), **found.as_dict()})
    return pd.DataFrame(rows)


def _estimate_entropy(state: Ints, owner: Ints, k: int, level: float) -> Estimate:
    """Entropy of the states over that of k even ones, with the delta method by customer."""
    share = np.bincount(state, minlength=k) / len(state)
    surprise: Floats = -np.log(share, out=np.zeros(k), where=share > 0)
    entropy = float(share @ surprise)
    opens = find_runs(owner)
    people = len(opens)
    score = np.add.reduceat(surprise[state] - entropy, opens) / len(state)
    method = "delta method, by customer"
    if share.max() == 1 or people < 2:
        return Estimate(max(entropy, 0.0) / np.log(k), np.nan, np.nan, level, people, method)
    error = float(np.sqrt(people / (people - 1) * (score**2).sum()))
    half = normal_quantile(level) * error
    low, high = max(entropy - half, 0.0), min(entropy + half, float(np.log(k)))
    scale = float(np.log(k))
    return Estimate(entropy / scale, low / scale, high / scale, level, people, method)
