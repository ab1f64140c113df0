"""What comes before a complaint or a return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from cjlib.columns import ESTIMATE, HIGH, LEVEL, LOW, METHOD, N
from cjlib.errors import JourneyError
from cjlib.events import JourneyLog
from cjlib.intervals import adjust_holm, normal_quantile
from cjlib.journeys.clusters import Bools, Ints, hide_small

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True, slots=True, eq=False)
class Precursors:
    """What ``precede`` found.

    Attributes
    ----------
    table : DataFrame
        One row per label, largest difference first: ``label``; ``before``: share of the
        target contacts that have it among the contacts just before; ``otherwise``: the same
        share of all other contacts; ``estimate``: the difference, -1 to 1, with ``low, high,
        level, n, method`` (``n``: customers with a target contact); ``p_value``, and
        ``p_holm`` corrected for the labels looked at.
    targets : tuple of str
    contacts : int
        Target contacts looked at.
    names : dict
    language : str
    """

    table: pd.DataFrame
    targets: tuple[str, ...]
    contacts: int
    names: dict[str, str] = field(repr=False)
    language: str = "en"

    def summary(self) -> str:
        """Name what comes before the targets more often than before other contacts."""
        what = " and ".join(self.targets)
        clear = self.table[(self.table["p_holm"] < 0.05) & (self.table[ESTIMATE] > 0)]
        if clear.empty:
            return f"Nothing comes clearly more often before {what} than before other contacts."
        top = clear.iloc[0]
        return (
            f"{top['label']} comes before {top['before']:.1%} of {self.contacts:,} contacts at "
            f"{what}, and before {top['otherwise']:.1%} of others."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the differences with intervals."""
        from cjlib import plots

        return plots.draw_precursors(self.table, names=self.names, language=self.language, ax=ax)


def precede(
    log: JourneyLog,
    targets: Sequence[str],
    *,
    by: str | None = None,
    steps: int = 3,
    days: float | None = None,
) -> Precursors:
    """Find what comes before contacts such as complaints and returns more than before others.

    For each contact, the ``steps`` contacts before it in its journey are looked at (fewer at
    a journey's start; with ``days`` only those at most that long before). The share of
    target contacts that have a label among these is set beside the share of all other
    contacts that do. Targets themselves are left out as precursors.

    Parameters
    ----------
    log : JourneyLog
    targets : sequence of str
        Labels of the log, as ``study.events.complaint`` and ``product_return``.
    by : "touchpoint", "stage" or "channel", optional
    steps : int, at least 1
    days : float, optional

    Notes
    -----
    What precedes is no proof of cause. The interval of the difference is linearised, by
    customer (one customer's contacts count as one cluster, in both shares); p-values are
    two-sided and corrected after Holm. Time: n contacts times the steps, and the labels.
    """
    log = log.of(by)
    goals = [log.code(target, caller="precede") for target in targets]
    if not goals or steps < 1 or (days is not None and days <= 0):
        raise JourneyError(
            "precede: targets must name at least one label, steps be at least 1 and days above "
            f"0; got {list(targets)!r}, {steps!r}, {days!r}."
        )
    target = np.isin(log.codes, goals)
    if not target.any():
        raise JourneyError(
            f"precede: the log must have contacts at {', '.join(targets)}; it has none."
        )
    seen = _look_back(log, steps, days)
    owner = np.repeat(log.owner, log.lengths)
    rows: list[dict[str, Any]] = []
    base = len(np.unique(owner[target]))
    for code, label in enumerate(log.labels):
        if code in goals or not seen[code].any():
            continue
        hit = seen[code]
        before, otherwise, error = _compare(hit, target, owner)
        half = normal_quantile(log.level) * error
        gap = before - otherwise
        z = gap / error if error > 0 else np.nan
        rows.append(
            {
                "label": label, "before": before, "otherwise": otherwise, ESTIMATE: gap,
                LOW: max(gap - half, -1.0), HIGH: min(gap + half, 1.0), LEVEL: log.level,
                N: base, METHOD: "linearised, by customer",
                "p_value": float(2 * stats.norm.sf(abs(z))),
            }
        )  # fmt: skip
    columns = ["label", "before", "otherwise", ESTIMATE, LOW, HIGH, LEVEL, N, METHOD, "p_value"]
    table = pd.DataFrame(rows, columns=columns)
    table["p_holm"] = adjust_holm(table["p_value"])
    table = table.sort_values(ESTIMATE, ascending=False, kind="stable", ignore_index=True)
    table = hide_small(table, log.minimum_base)
    small = table[N] < log.minimum_base
    table[["p_value", "p_holm"]] = table[["p_value", "p_holm"]].mask(small)
    return Precursors(table, tuple(targets), int(target.sum()), log.name(), log.language)


def _look_back(log: JourneyLog, steps: int, days: float | None) -> Bools:
    """Whether each label (rows) is among the contacts before each contact (columns)."""
    seen = np.zeros((len(log.labels), len(log)), dtype=bool)
    journey = log.journey_of()
    for back in range(1, min(steps, len(log) - 1) + 1):
        near = journey[back:] == journey[:-back]
        if days is not None:
            near &= log.times[back:] - log.times[:-back] <= days * DAY
        at = np.flatnonzero(near)
        seen[log.codes[at], at + back] = True
    return seen


def _compare(hit: Bools, target: Bools, owner: Ints) -> tuple[float, float, float]:
    """Share of targets hit, share of others hit, and the difference's error by customer."""
    n = int(owner.max()) + 1

    def total(rows: Bools) -> npt.NDArray[np.float64]:
        return np.bincount(owner[rows], minlength=n).astype(float)

    one, other = total(target), total(~target)
    hit_one, hit_other = total(target & hit), total(~target & hit)
    p = hit_one.sum() / one.sum()
    q = hit_other.sum() / other.sum() if other.sum() else np.nan
    score = (hit_one - p * one) / one.sum() - (hit_other - q * other) / max(other.sum(), 1)
    people = int(((one + other) > 0).sum())
    error = float(np.sqrt(people / max(people - 1, 1) * (score**2).sum()))
    return float(p), float(q), error
