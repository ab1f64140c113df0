"""Our answers beside a figure somebody else published, with what its n allows to say."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from cjlib.columns import ESTIMATE, HIGH, LEVEL, LOW, METHOD, METRIC, require_columns
from cjlib.errors import JourneyError, ScaleError, nearest
from cjlib.intervals import (
    DETRACTOR,
    PROMOTER,
    Floats,
    adjusted_net,
    are_even,
    design_effective_n,
    measure_error,
    normal_quantile,
    require_level,
    weigh,
    wilson_bounds,
)
from cjlib.metrics.answers import require_pairs
from cjlib.metrics.comparison import POWER, Comparison, judge_differences, require_values

PUBLISHED: Final = ("nps", "mean", "share")
WIDEST_NET: Final = "widest: their promoters and detractors are not known"
WIDEST_MEAN: Final = "widest: their spread is not known"


def compare_published(
    values: npt.ArrayLike,
    published: pd.DataFrame,
    *,
    metric: Literal["nps", "mean", "share"],
    scale: tuple[float, float] | None = None,
    weights: npt.ArrayLike | None = None,
    name: str = "ours",
    level: float = 0.95,
    minimum_base: int = 30,
) -> Comparison:
    """Compare our answers with figures that others published, ours minus theirs.

    Of the others only a figure and its n are known, so the spread of their answers comes from
    what they told, or else the widest that their figure allows is taken, and the row says so:

    - ``nps``: z on adjusted counts, three answers added on either side. Where ``promoters``
      and ``detractors`` are missing, an NPS of S points leaves p + d anywhere from |S|/100
      to 1; p + d = 1 (nobody passive) gives the widest interval.
    - ``mean``: Welch's t with their ``sd``. Where it is missing the largest spread of answers
      on ``scale`` with that mean, (mean - low)(high - mean) with n/(n - 1), and z.
    - ``share``: score test and Newcombe's interval; figure and n say all.

    A widest interval covers at least as often as it says; a difference it does not show may
    still be there. Their n is taken as a simple random sample: a weighted or pooled panel is
    worth fewer answers. A figure rounded to a whole point may be half a point off.

    Parameters
    ----------
    values : array
        Ours: 0 to 10 for ``nps``, 0 or 1 for ``share``, numbers for ``mean``. Missing ones
        are left out.
    published : DataFrame, one row per figure
        ``name, value, n``; ``value`` in points (-100 to 100) for ``nps``, 0 to 1 for
        ``share``. Perhaps ``sd``, or ``promoters, detractors`` as shares. Without ``n``
        there is no interval. Not changed.
    metric : "nps", "mean" or "share"
    scale : (low, high), optional
        Of the answers; needed for a mean published without ``sd``.
    weights : array of float, optional
        Of our answers.
    name : str
        What to call us in the table.
    level : float, 0 to 1
    minimum_base : int
        Fewer answers on either side are "too few".

    Returns
    -------
    Comparison
        ``method`` ends in "widest: ..." where their spread is not known.

    References
    ----------
    Rocks, B. (2016). arXiv:1601.07235. Newcombe, R. G. (1998). Statistics in Medicine 17,
    873-890. Bhatia, R. and Davis, C. (2000). American Mathematical Monthly 107, 353-357.
    """
    require_level(level, caller="compare_published")
    if metric not in PUBLISHED:
        raise JourneyError(
            f"compare_published: metric must be one of {', '.join(PUBLISHED)}; got {metric!r}. "
            f"Did you mean '{nearest(str(metric), PUBLISHED)}'?"
        )
    require_columns(published, ["name", "value", "n"], caller="compare_published")
    x, given = require_pairs(values, weights, caller="compare_published")
    require_values(x, metric, caller="compare_published")
    x, w = weigh(x, given, caller="compare_published")
    rows = []
    for record in published.to_dict("records"):
        figure = {str(column): value for column, value in record.items()}
        row = _compare(x, w, figure, metric, scale, level=level, least=max(minimum_base, 2))
        rows.append({METRIC: metric, "group": name, "other": str(figure["name"]), **row})
    return Comparison(judge_differences(pd.DataFrame(rows)))


def _compare(
    x: Floats, w: Floats, figure: dict[str, Any], metric: str,
    scale: tuple[float, float] | None, *, level: float, least: int,
) -> dict[str, Any]:  # fmt: skip
    value, n = float(figure["value"]), _number(figure, "n")
    points = 100.0 if metric == "nps" else 1.0
    signs = (x >= PROMOTER).astype(float) - (x <= DETRACTOR) if metric == "nps" else x
    ours = float(np.average(signs, weights=w)) if len(x) else float("nan")
    _require_figure(figure, metric, scale)
    nan = float("nan")
    low = high = p = error = nan
    if np.isnan(n):
        method = "no n published: no interval"
    elif min(len(x), n) < least:
        method = f"too few (n < {least})"
    elif metric == "nps":
        low, high, p, error, method = _nets(signs, w, figure, n, level=level)
    elif metric == "share":
        low, high, p, error, method = _shares(signs, w, value, n, level=level)
    else:
        low, high, p, error, method = _means(signs, w, figure, n, scale, level=level)
    if not are_even(w):
        method = f"weighted; {method}"
    apart = ours - value / points
    if method.endswith(f"(n < {least})"):
        ours = apart = nan
    detectable = (normal_quantile(level) + float(stats.norm.ppf(POWER))) * error
    return {
        "value": points * ours, "value_other": value, ESTIMATE: points * apart,
        LOW: points * low, HIGH: points * high, LEVEL: level, "p": p,
        "detectable": points * detectable, "n": len(x), "n_other": n, METHOD: method,
    }  # fmt: skip


Found = tuple[float, float, float, float, str]  # low, high, p, error, method


def _nets(x: Floats, w: Floats, figure: dict[str, Any], n: float, *, level: float) -> Found:
    net = float(figure["value"]) / 100
    plus, minus = (_number(figure, c) for c in ("promoters", "detractors"))
    known = not np.isnan(plus + minus)
    if not known:
        plus, minus = (1 + net) / 2, (1 - net) / 2
    size = _size(x, w)
    share = w / w.sum()
    centres, errors = adjusted_net(
        np.array([share @ (x > 0) * size, plus * n]),
        np.array([share @ (x < 0) * size, minus * n]),
        np.array([size, n]),
    )
    error, shift = float(np.hypot(*errors)), float(centres[0] - centres[1])
    half = normal_quantile(level) * error
    method = "z on adjusted values" + ("" if known else f"; {WIDEST_NET}")
    low, high = max(shift - half, -2.0), min(shift + half, 2.0)
    return low, high, float(2 * stats.norm.sf(abs(shift) / error)), error, method


def _shares(x: Floats, w: Floats, value: float, n: float, *, level: float) -> Found:
    size = _size(x, w)
    both, sizes = np.array([np.average(x, weights=w), value]), np.array([size, n])
    low, high = wilson_bounds(both * sizes, sizes, level=level)
    apart = float(both[0] - both[1])
    below = apart - float(np.hypot(both[0] - low[0], high[1] - both[1]))
    above = apart + float(np.hypot(high[0] - both[0], both[1] - low[1]))
    pooled = float(both @ sizes / sizes.sum())
    error = float(np.sqrt(pooled * (1 - pooled) * (1 / sizes).sum()))
    p = float(2 * stats.norm.sf(abs(apart) / error)) if error > 0 else 1.0
    return below, above, p, error, "score test, Newcombe"


def _means(
    x: Floats, w: Floats, figure: dict[str, Any], n: float, scale: tuple[float, float] | None, *,
    level: float,
) -> Found:  # fmt: skip
    value, sd = float(figure["value"]), _number(figure, "sd")
    known = not np.isnan(sd)
    if not known and scale is not None:
        sd = float(np.sqrt((value - scale[0]) * (scale[1] - value) * n / (n - 1)))
    mine, freedom = measure_error(x, w)
    theirs = sd / float(np.sqrt(n))
    error = float(np.hypot(mine, theirs))
    if error == 0:
        nan = float("nan")
        return nan, nan, nan, nan, "all answers alike: no test"
    apart = float(np.average(x, weights=w)) - value
    many = error**4 / (mine**4 / freedom + theirs**4 / (n - 1)) if known else np.inf
    half = float(stats.t.ppf(0.5 + level / 2, many)) * error
    p = float(2 * stats.t.sf(abs(apart) / error, many))
    return apart - half, apart + half, p, error, "Welch's t" if known else f"z; {WIDEST_MEAN}"


def _size(x: Floats, w: Floats) -> float:
    return float(len(x)) if are_even(w) else design_effective_n(x, w)


def _number(figure: dict[str, Any], column: str) -> float:
    found = figure.get(column)
    return float("nan") if found is None or pd.isna(found) else float(found)


def _require_figure(figure: dict[str, Any], metric: str, scale: tuple[float, float] | None) -> None:
    who, value = f"'{figure['name']}'", float(figure["value"])
    ends = {"nps": (-100.0, 100.0), "share": (0.0, 1.0)}.get(metric, scale)
    if np.isnan(value) or (ends is not None and not ends[0] <= value <= ends[1]):
        rule = f"from {ends[0]:g} to {ends[1]:g}" if ends else "a number"
        raise ScaleError(
            f"compare_published: a published {metric} must be {rule}; got {value:g} of {who}. "
            "Mend the table (NPS in points, shares from 0 to 1)."
        )
    if metric == "mean" and scale is None and np.isnan(_number(figure, "sd")):
        raise JourneyError(
            f"compare_published: a mean must come with its sd, or with the scale of the answers; "
            f"{who} has neither. Pass scale=(low, high) to take the widest spread."
        )
    plus, minus = (_number(figure, c) for c in ("promoters", "detractors"))
    if metric != "nps" or np.isnan(plus + minus):
        return
    if min(plus, minus) < 0 or plus + minus > 1 or abs(100 * (plus - minus) - value) > 1:
        raise ScaleError(
            "compare_published: promoters and detractors must be shares from 0 to 1 whose "
            f"difference is the NPS within a point; {who} has {plus:g}, {minus:g} and "
            f"{value:g}. Mend the table."
        )
