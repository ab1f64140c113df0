"""Kaplan-Meier curves and the log-rank test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from cjlib.errors import JourneyError
from cjlib.intervals.model import Floats, normal_quantile, require_level

BLOCK: Final = 65_536  # durations counted at a time, so that they stay in the cache


@dataclass(frozen=True, slots=True)
class LogRank:
    """A log-rank test: ``statistic`` (chi-squared), ``freedom``, ``p``, ``n`` and ``events``."""

    statistic: float
    freedom: int
    p: float
    n: int
    events: int


def estimate_survival(
    durations: npt.ArrayLike,
    events: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Estimate the share that survives beyond each time, after Kaplan and Meier.

    Greenwood's variance, interval on the log(-log) scale so that it stays between 0 and 1.
    Someone who is lost to sight at the moment of an event is still at risk then.

    Parameters
    ----------
    durations : array of float, not negative
    events : array of bool
        True where it ended at that time, False where it was only watched until then.
    groups : array of labels, optional
        One curve each.
    level : float, 0 to 1

    Returns
    -------
    DataFrame, one row per group and time with an event or a loss, times ascending
        ``group, time, at_risk, events, lost, estimate, low, high, level, n, method``. The
        interval is missing before the first event and after the curve has fallen to 0.

    References
    ----------
    Kaplan, E. L. & Meier, P. (1958). JASA 53, 457-481.
    Kalbfleisch, J. D. & Prentice, R. L. (2002), section 1.4, for the log(-log) interval.
    """
    require_level(level, caller="estimate_survival")
    time, ended = _require_durations(durations, events, "estimate_survival")
    if groups is None and len(time):
        table = _curve(time, ended, level)
        table.insert(0, "group", "all")
        return table
    label = np.full(len(time), "all", dtype=object) if groups is None else _labels(groups, time)
    tables = []
    for name in sorted({str(g) for g in label[~pd.isna(label)]}):
        table = _curve(time[label == name], ended[label == name], level)
        table.insert(0, "group", name)
        tables.append(table)
    if not tables:
        raise JourneyError("estimate_survival: there must be at least one duration; got none.")
    return pd.concat(tables, ignore_index=True)


def compare_survival(
    durations: npt.ArrayLike, events: npt.ArrayLike, groups: npt.ArrayLike
) -> LogRank:
    """Test whether groups survive alike, by the log-rank test for any number of groups.

    Parameters
    ----------
    durations, events : as for ``estimate_survival``
    groups : array of labels; rows without one are left out

    References
    ----------
    Mantel, N. (1966). Cancer Chemotherapy Reports 50, 163-170.
    """
    time, ended = _require_durations(durations, events, "compare_survival")
    label = _labels(groups, time)
    known = ~pd.isna(label)
    time, ended, label = time[known], ended[known], label[known].astype(str)
    names = sorted(set(label))
    if len(names) < 2:
        raise JourneyError(
            f"compare_survival: there must be two groups or more; got {len(names)}. "
            "Use estimate_survival for one curve."
        )
    at = np.unique(time[ended])
    risk = np.array([_at_risk(time[label == g], at) for g in names])
    died = np.array([_count_at(time[(label == g) & ended], at) for g in names])
    n, d = risk.sum(axis=0), died.sum(axis=0)
    surplus = (died - risk * d / n).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(n > 1, d * (n - d) / (n**2 * (n - 1)), 0.0)
    covariance = np.diag((factor * risk * n).sum(axis=1)) - (factor * risk) @ risk.T
    k = len(names) - 1
    statistic = float(surplus[:k] @ np.linalg.pinv(covariance[:k, :k]) @ surplus[:k])
    return LogRank(statistic, k, float(stats.chi2.sf(statistic, k)), len(time), int(ended.sum()))


def _curve(time: Floats, ended: npt.NDArray[np.bool_], level: float) -> pd.DataFrame:
    at, total, died = _tally(time, ended)
    risk = total[::-1].cumsum()[::-1]
    survival = np.cumprod(1 - died / risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(died / (risk * (risk - died)))
        error = np.sqrt(greenwood) / np.abs(np.log(survival))
        spread = np.exp(normal_quantile(level) * error)
        low, high = survival**spread, survival ** (1 / spread)
    open_ = (survival > 0) & (survival < 1)
    return pd.DataFrame(
        {
            "time": at, "at_risk": risk.astype(int), "events": died.astype(int),
            "lost": (total - died).astype(int), "estimate": survival,
            "low": np.where(open_, low, np.nan), "high": np.where(open_, high, np.nan),
            "level": level, "n": len(time), "method": "Kaplan-Meier, log(-log)",
        }
    )  # fmt: skip


def _tally(time: Floats, ended: npt.NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Return the times, how many end or are lost at each, and how many end."""
    tally = _count_days(time, ended)
    if tally is not None:
        at = np.flatnonzero(tally.any(axis=1))
        total, died = tally[at].sum(axis=1), tally[at, 1]
        return at.astype(float), total.astype(float), died.astype(float)
    at, place = np.unique(time, return_inverse=True)
    total, died = np.bincount(place), np.bincount(place, weights=ended)
    return np.asarray(at, float), np.asarray(total, float), np.asarray(died, float)


def _count_days(time: Floats, ended: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64] | None:
    """Return lost and ended by whole day, without sorting; None where times are no such days."""
    last = float(time.max())
    if last > 4 * len(time) + 1000:
        return None
    size = 2 * int(last) + 2
    tally = np.zeros(size, dtype=np.int64)
    step = max(BLOCK, size)
    for begin in range(0, len(time), step):
        part = time[begin : begin + step]
        if (np.floor(part) != part).any():
            return None
        code = part.astype(np.int64)
        code *= 2
        code += ended[begin : begin + step]
        tally += np.bincount(code, minlength=size)
    return tally.reshape(-1, 2)


def _at_risk(time: Floats, at: Floats) -> Floats:
    return np.asarray(len(time) - np.searchsorted(np.sort(time), at, side="left"), dtype=float)


def _count_at(time: Floats, at: Floats) -> Floats:
    ordered = np.sort(time)
    right = np.searchsorted(ordered, at, side="right")
    return np.asarray(right - np.searchsorted(ordered, at, side="left"), dtype=float)


def _labels(groups: npt.ArrayLike, time: Floats) -> npt.NDArray[np.object_]:
    label = pd.Series(np.asarray(groups, dtype=object)).astype("string").to_numpy(dtype=object)
    if len(label) != len(time):
        raise JourneyError(
            f"estimate_survival: groups must be one per duration; got {len(label):,} for "
            f"{len(time):,}."
        )
    return label


def _require_durations(
    durations: npt.ArrayLike, events: npt.ArrayLike, caller: str
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    time = np.asarray(durations, dtype=float)
    ended = np.asarray(events, dtype=bool)
    if len(time) != len(ended):
        raise JourneyError(
            f"{caller}: durations and events must be of one length; got {len(time):,} and "
            f"{len(ended):,}."
        )
    if not (time >= 0).all():
        wrong = ~(time >= 0)
        raise JourneyError(
            f"{caller}: durations must be numbers not below 0; {int(wrong.sum()):,} of "
            f"{len(time):,} are not (first at row {int(np.flatnonzero(wrong)[0])}). Mend them."
        )
    return time, ended
