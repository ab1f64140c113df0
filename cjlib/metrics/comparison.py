"""Do two groups differ: difference, interval, test, and what the data could have shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from scipy import stats

from cjlib.columns import ESTIMATE, HIGH, LEVEL, LOW, METHOD, METRIC
from cjlib.errors import JourneyError, nearest
from cjlib.intervals import (
    DETRACTOR,
    PROMOTER,
    Difference,
    Floats,
    adjust_holm,
    compare_means,
    compare_nets,
    compare_shares,
    normal_quantile,
    require_level,
    weigh,
)
from cjlib.intervals.differences import Side
from cjlib.metrics.answers import NPS_SCALE, require_pairs, require_scale

POWER: Final = 0.80  # customary power for the smallest detectable difference
KINDS: Final = ("nps", "net", "mean", "share")
CAUTION = "Groups were not formed by chance: a difference is not yet an effect."


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What ``compare_groups`` found.

    Attributes
    ----------
    table : DataFrame
        One row per pair: ``metric, group, other, value, value_other, estimate`` (group minus
        other), ``low, high, level, p, p_holm, detectable, n, n_other, verdict, method``.
        ``detectable``: smallest true difference found 4 times in 5; ``p_holm``: p corrected
        for all rows of the table; ``verdict``: "differ", "not shown", "too few" or "no test".
    language : str
        Of the figure.
    names : mapping of group to its name for readers
    """

    table: pd.DataFrame
    language: str = "en"
    names: Mapping[str, str] = field(default_factory=dict)

    def summary(self) -> str:
        """Count the differences that hold after correction, in one sentence with a caution."""
        differ = self.table[self.table["verdict"] == "differ"]
        text = f"{len(differ)} of {len(self.table)} comparisons differ after Holm's correction"
        if len(differ):
            sizes = (differ[ESTIMATE] / differ["detectable"]).abs()
            row = differ.iloc[int(sizes.to_numpy().argmax())]
            item = f"{row['label']}, " if "label" in row else ""
            text += (
                f"; the clearest: {item}{row['group']} minus {row['other']} = {row[ESTIMATE]:.2f} "
                f"[{row[LOW]:.2f}, {row[HIGH]:.2f}] ({row[METRIC]})"
            )
        return f"{text}. {CAUTION}"

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw each difference with its interval against 0."""
        from cjlib import plots

        return plots.draw_differences(self.table, names=self.names, language=self.language, ax=ax)


def compare_groups(
    values: npt.ArrayLike,
    groups: npt.ArrayLike,
    *,
    metric: Literal["nps", "net", "mean", "share"],
    weights: npt.ArrayLike | None = None,
    reference: str | None = None,
    order: Sequence[str] = (),
    level: float = 0.95,
    minimum_base: int = 30,
) -> Comparison:
    """Compare a metric between groups of answers, every pair or each with ``reference``.

    NPS and other net shares by z on the adjusted values; means by Welch's t; shares by the
    score test with Newcombe's interval. With weights that differ: means on design-based
    errors, shares and net shares on the effective numbers of answers, see
    ``compare_means``, ``compare_shares`` and ``compare_nets``. ``detectable`` is the true
    difference that a test at ``level`` finds with 80 % power at this n and spread, before
    correction for many looks.

    Parameters
    ----------
    values : array
        0 to 10 for ``nps``; -1, 0, 1 for ``net``; 0 or 1 for ``share``; numbers for ``mean``.
        Missing values are left out.
    groups : array of labels, one per value; a value without a group is left out
    metric : "nps", "net", "mean" or "share"
    weights : array of float, optional
    reference : str, optional
        Compare each group with this one only.
    order : sequence of str, optional
        Order of the groups; by label where not given.
    level : float, 0 to 1
    minimum_base : int
        Groups with fewer answers are "too few" to compare.

    References
    ----------
    Newcombe, R. G. (1998). Statistics in Medicine 17, 873-890, method 10.
    Rocks, B. (2016). arXiv:1601.07235.
    """
    require_level(level, caller="compare_groups")
    if metric not in KINDS:
        hint = nearest(str(metric), KINDS)
        raise JourneyError(
            f"compare_groups: metric must be one of {', '.join(KINDS)}; got {metric!r}."
            + (f" Did you mean '{hint}'?" if hint else "")
        )
    x, w = require_pairs(values, weights, caller="compare_groups")
    label = np.asarray(pd.Series(np.asarray(groups, dtype=object)).astype("string"), dtype=object)
    if len(label) != len(x):
        raise JourneyError(
            f"compare_groups: groups must be one per value; got {len(label):,} for {len(x):,}."
        )
    require_values(x, metric, caller="compare_groups")
    scale = 1.0
    if metric == "nps":
        x = np.where(np.isnan(x), np.nan, (x >= PROMOTER).astype(float) - (x <= DETRACTOR))
        scale = 100.0
    known = ~np.isnan(x) & ~pd.isna(label)
    present = sorted({str(g) for g in label[known]})
    names = [g for g in order if g in present] + [g for g in present if g not in order]
    if reference is not None and reference not in names:
        raise JourneyError(
            f"compare_groups: reference must be one of the groups ({', '.join(names)}); "
            f"got {reference!r}. Did you mean '{nearest(reference, names)}'?"
        )
    pairs = (
        list(combinations(names, 2))
        if reference is None
        else [(reference, g) for g in names if g != reference]
    )
    rows = []
    for other, group in pairs:
        mine, theirs = known & (label == group), known & (label == other)
        both = [
            weigh(x[m], None if w is None else w[m], caller="compare_groups")
            for m in (mine, theirs)
        ]
        row = _compare(
            both[0], both[1], metric, level=level, minimum_base=minimum_base, scale=scale
        )
        rows.append({METRIC: metric, "group": group, "other": other, **row})
    table = pd.DataFrame(rows, columns=[METRIC, "group", "other", *_COLUMNS])
    return Comparison(judge_differences(table))


_COLUMNS = (
    "value", "value_other", ESTIMATE, LOW, HIGH, LEVEL, "p", "detectable", "n", "n_other", METHOD,
)  # fmt: skip


def gather_comparisons(*comparisons: Comparison) -> Comparison:
    """Put several comparisons in one table, with one correction over all their looks.

    Whoever looks at ten tables of ten rows has looked a hundred times: correcting each table
    on its own would let about a wrong claim through in every twenty tables.

    Parameters
    ----------
    *comparisons : Comparison, at least one
        As returned by ``compare_groups``, ``compare_metrics``, ``compare_panel`` and
        ``compare_published``. Their own ``p_holm`` and ``verdict`` are made anew.

    Returns
    -------
    Comparison
        All rows in the order given; language of the first.

    Raises
    ------
    JourneyError
        Without any comparison.
    """
    if not comparisons:
        raise JourneyError(
            "gather_comparisons: there must be a comparison; got none. Pass the results of "
            "compare_groups and the like."
        )
    tables = [c.table.drop(columns=["p_holm", "verdict"]) for c in comparisons]
    names: dict[str, str] = {}
    for found in comparisons:
        names |= found.names
    table = judge_differences(pd.concat(tables, ignore_index=True))
    last = ["verdict", METHOD]
    table = table[[*(c for c in table.columns if c not in last), *last]]
    return Comparison(table, comparisons[0].language, names)


def judge_differences(table: pd.DataFrame) -> pd.DataFrame:
    """Correct the p-values of all rows for many looks and add ``p_holm`` and ``verdict``."""
    holm = adjust_holm(table["p"].to_numpy(dtype=float))
    alpha = 1 - table[LEVEL].to_numpy(dtype=float)
    verdict = np.where(holm <= alpha, "differ", "not shown").astype(object)
    untested = np.isnan(holm)
    few = table[METHOD].astype(str).str.startswith("too few").to_numpy(dtype=bool)
    verdict = np.where(untested, np.where(few, "too few", "no test"), verdict)
    place = list(table.columns).index("p") + 1
    out = table.copy()
    out.insert(place, "p_holm", holm)
    out.insert(len(out.columns) - 1, "verdict", verdict)
    return out


def require_values(x: Floats, metric: str, *, caller: str) -> None:
    """Raise ``ScaleError`` where an answer does not fit its metric."""
    if metric == "nps":
        require_scale(x, *NPS_SCALE, what="answers", caller=caller, whole=True)
    elif metric == "net":
        require_scale(x, -1, 1, what="signs", caller=caller, whole=True)
    elif metric == "share":
        require_scale(x, 0, 1, what="values", caller=caller, whole=True)


_COMPARE = {
    "nps": compare_nets, "net": compare_nets, "share": compare_shares, "mean": compare_means,
}  # fmt: skip


def _compare(
    a: Side, b: Side, metric: str, *, level: float, minimum_base: int, scale: float
) -> dict[str, Any]:
    n_a, n_b = len(a[0]), len(b[0])
    nan = float("nan")
    found = Difference(nan, nan, nan, nan, nan, nan, nan, f"too few (n < {max(minimum_base, 2)})")
    if min(n_a, n_b) >= max(minimum_base, 2):
        found = _COMPARE[metric](a, b, level=level)
    detectable = (normal_quantile(level) + float(stats.norm.ppf(POWER))) * found.error
    return {
        "value": scale * found.value, "value_other": scale * found.other,
        ESTIMATE: scale * found.estimate, LOW: scale * found.low, HIGH: scale * found.high,
        LEVEL: level, "p": found.p, "detectable": scale * detectable, "n": n_a, "n_other": n_b,
        METHOD: found.method,
    }  # fmt: skip
