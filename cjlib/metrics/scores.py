"""NPS, CSAT and CES of one list of answers, each figure named and with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from cjlib.columns import METRIC
from cjlib.errors import JourneyError, nearest
from cjlib.intervals import (
    Estimate,
    Floats,
    estimate_mean,
    estimate_net,
    estimate_nps,
    estimate_weighted_share,
    require_level,
)
from cjlib.metrics.answers import NPS_SCALE, measure_distribution, require_pairs, require_scale

CES_SCALE: Final = (1, 7)  # the scale the conventions "5-7" and "6-7 minus 1-3" are defined on
TOP_BOX: Final = 0.75  # top box: the scale's upper quarter, 4-5 of 5 and 8-10 of 10
Direction = Literal["ease", "effort"]

NPS_POSITION = "NPS is the share of 9-10 minus the share of 0-6, times 100; 0 is an answer."
CSAT_POSITION = (
    "Sources differ: CSAT is the mean on its own scale (csat_mean) or the share of answers in "
    "the top box (csat_top_box); both are given, each under its own name."
)
CES_POSITION = {
    "ease": "A high answer means easy here (direction: ease); low answers point to friction.",
    "effort": "A high answer means hard here (direction: effort); high answers point to friction.",
}


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """NPS, CSAT or CES of one list of answers.

    Attributes
    ----------
    name : str
        nps, csat or ces.
    table : DataFrame
        One row per figure: ``metric, weighting, estimate, low, high, level, n, method``;
        ``weighting`` is "unweighted" or "weighted".
    answers : DataFrame
        How often each answer was given, as made by ``measure_distribution``.
    positions : tuple of str
        What the kit takes where sources differ.
    """

    name: str
    table: pd.DataFrame
    answers: pd.DataFrame
    positions: tuple[str, ...]

    @property
    def headline(self) -> Estimate:
        """The first figure: weighted where the answers carry weights."""
        rows = self.table
        last = rows[rows[METRIC] == rows[METRIC].iloc[0]].iloc[-1]
        return Estimate(*(last[c] for c in ("estimate", "low", "high", "level", "n", "method")))

    def summary(self) -> str:
        """Say the headline in one sentence."""
        return f"{self.table[METRIC].iloc[0]} = {self.headline}. {self.positions[0]}"

    def plot(self, *, language: str = "en", ax: Axes | None = None) -> Axes:
        """Draw how often each answer was given."""
        from cjlib import plots

        return plots.draw_answers(self.answers, language=language, ax=ax)


def measure_nps(
    values: npt.ArrayLike, weights: npt.ArrayLike | None = None, *, level: float = 0.95
) -> Score:
    """Measure the Net Promoter Score: share of 9-10 minus share of 0-6, from -100 to 100.

    The interval is the adjusted Wald interval: three answers are added, ¾ of one promoter
    and ¾ of one detractor among them, and it is cut at -100 and 100. Its exact mean coverage
    is .95 even at n = 10. With weights a second row gives the weighted score; the three
    answers are then added to the effective number of answers, see ``estimate_net``.

    Parameters
    ----------
    values : array of whole numbers 0 to 10
        Missing answers are left out; 0 is an answer.
    weights : array of float, optional
        One per answer, not negative.
    level : float, 0 to 1

    Raises
    ------
    ScaleError
        If an answer is not a whole number from 0 to 10, with the counts; a hint where the
        export numbers the eleven options 1 to 11.

    References
    ----------
    Rocks, B. (2016). Interval estimation for the net promoter score. arXiv:1601.07235.
    """
    return _measure("nps", values, weights, *NPS_SCALE, direction="ease", level=level)


def measure_csat(
    values: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    low: float,
    high: float,
    headline: Literal["mean", "top_box"] = "mean",
    level: float = 0.95,
) -> Score:
    """Measure customer satisfaction: ``csat_mean`` and ``csat_top_box``, a share.

    The top box is the upper quarter of the scale: 4-5 of 1-5, 6-7 of 1-7, 8-10 of 1-10.
    Mean with a Student t interval, share with Wilson's.

    Parameters
    ----------
    values : array of float, missing answers left out
    weights : array of float, optional
    low, high : float
        Ends of the scale; it must be declared because 1-5, 1-7 and 1-10 are all in use.
    headline : "mean" or "top_box"
        Which of the two comes first.
    level : float, 0 to 1

    Raises
    ------
    ScaleError
        If an answer lies off the scale, with the counts.
    """
    score = _measure("csat", values, weights, low, high, direction="ease", level=level)
    if headline == "mean":
        return score
    order = score.table[METRIC].ne("csat_top_box").argsort(kind="stable")
    table = score.table.iloc[order].reset_index(drop=True)
    return Score("csat", table, score.answers, score.positions)


def measure_ces(
    values: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    direction: Direction,
    low: float = CES_SCALE[0],
    high: float = CES_SCALE[1],
    level: float = 0.95,
) -> Score:
    """Measure the customer effort score under three conventions, each named.

    ``ces_mean``: mean answer on its own scale. On 1-7 also ``ces_easy_share``: share of
    "easy" answers, 5-7 (1-3 where high means hard), and ``ces_net_ease``: share of 6-7 minus
    share of 1-3, from -1 to 1 (1-2 minus 5-7 where high means hard). For the two shares high
    is always good.

    Parameters
    ----------
    values : array of float, missing answers left out
    weights : array of float, optional
    direction : "ease" or "effort"
        What a high answer means: easy, or hard. Required, for both are in use.
    low, high : float, default 1 and 7
    level : float, 0 to 1

    Raises
    ------
    ScaleError
        If an answer lies off the scale, with the counts.
    JourneyError
        If the direction is neither of the two.
    """
    if direction not in ("ease", "effort"):
        hint = nearest(str(direction), ("ease", "effort"))
        raise JourneyError(
            f"measure_ces: direction must be 'ease' (high = easy) or 'effort' (high = hard); "
            f"got {direction!r}." + (f" Did you mean '{hint}'?" if hint else "")
        )
    return _measure("ces", values, weights, low, high, direction=direction, level=level)


def _measure(
    name: str,
    values: npt.ArrayLike,
    weights: npt.ArrayLike | None,
    low: float,
    high: float,
    *,
    direction: Direction,
    level: float,
) -> Score:
    caller = f"measure_{name}"
    require_level(level, caller=caller)
    x, w = require_pairs(values, weights, caller=caller)
    require_scale(x, low, high, what="answers", caller=caller, whole=name == "nps")
    rows = []
    plain = score_figures(name, x, None, low, high, direction=direction, level=level)
    heavy = (
        score_figures(name, x, w, low, high, direction=direction, level=level)
        if w is not None
        else {}
    )
    for metric, found in plain.items():
        rows.append({METRIC: metric, "weighting": "unweighted", **found.as_dict()})
        if metric in heavy:
            rows.append({METRIC: metric, "weighting": "weighted", **heavy[metric].as_dict()})
    position = {"nps": NPS_POSITION, "csat": CSAT_POSITION, "ces": CES_POSITION[direction]}[name]
    answers = measure_distribution(x, w, scale=(low, high), level=level)
    return Score(name, pd.DataFrame(rows), answers, (position,))


def score_figures(
    name: str,
    x: Floats,
    w: Floats | None,
    low: float,
    high: float,
    *,
    direction: Direction = "ease",
    level: float = 0.95,
) -> dict[str, Estimate]:
    """Return every figure of one metric for answers already checked; ``w`` None: unweighted."""
    if name == "nps":
        return {"nps": estimate_nps(x, w, level=level)}
    if name == "csat":
        return {
            "csat_mean": mean_answer(x, w, level=level),
            "csat_top_box": _share(x >= top_box(low, high), x, w, level),
        }
    figures = {"ces_mean": mean_answer(x, w, level=level)}
    if (low, high) == CES_SCALE:
        ease = x if direction == "ease" else low + high - x
        figures["ces_easy_share"] = _share(ease >= 5, x, w, level)
        net = np.where(np.isnan(x), np.nan, (ease >= 6).astype(float) - (ease <= 3))
        figures["ces_net_ease"] = estimate_net(net, w, level=level)
    return figures


def _share(hit: npt.NDArray[np.bool_], x: Floats, w: Floats | None, level: float) -> Estimate:
    return estimate_weighted_share(np.where(np.isnan(x), np.nan, hit), w, level=level)


def top_box(low: float, high: float) -> float:
    """Return the lowest answer in the top box: 4 on 1-5, 6 on 1-7, 8 on 1-10."""
    return float(np.ceil(low + TOP_BOX * (high - low)))


def mean_answer(x: Floats, w: Floats | None, *, level: float) -> Estimate:
    """Return the mean; no interval where all answers are alike, for that proves nothing."""
    found = estimate_mean(x, w, level=level)
    if found.n > 1 and found.low == found.high:
        nan = float("nan")
        return Estimate(found.estimate, nan, nan, level, found.n, "all answers alike: no interval")
    return found
