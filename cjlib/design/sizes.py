"""How many answers are needed to know a share, a mean or an NPS well enough."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from scipy import stats

from cjlib.design.sample import (
    SampleSize,
    count_invitations,
    find_smallest,
    require_between,
    require_groups,
    require_positive,
    require_survey,
)
from cjlib.errors import JourneyError
from cjlib.intervals import adjusted_net, normal_quantile, wilson_bounds

COCHRAN: Final = "Cochran, W. G. (1977). Sampling Techniques, 3rd ed., chapter 4. Wiley."
WILSON: Final = "Wilson, E. B. (1927). JASA 22(158), 209-212."
ROCKS: Final = "Rocks, B. (2016). arXiv:1601.07235."


def size_for_share(
    margin: float,
    *,
    share: float = 0.5,
    level: float = 0.95,
    population: int | None = None,
    design_effect: float = 1.0,
    response_rate: float | None = None,
) -> SampleSize:
    """Answers needed to know a share to within ``margin`` on either side.

    The smallest n at which both the textbook interval (share ± z·√(share·(1−share)/n)) and
    the Wilson interval the kit reports are at most ``margin`` wide on each side on average.
    Near one half the textbook decides (385 for ±0.05); near 0 and 1, where its formula asks
    for far too few, Wilson does. With a population of N people both shrink by
    √((N−n)/(N−1)).

    Parameters
    ----------
    margin : float, 0 to 1
        Half-width of the interval as a share: 0.05 is five percentage points.
    share : float, 0 to 1
        The share expected; 0.5 asks for the most answers.
    level : float, 0 to 1
        Coverage of the interval.
    population : int, optional
        People the sample is drawn from without replacement; None: very many.
    design_effect : float
        Variance over that of a simple random sample (weights, clusters); 1 is none.
    response_rate : float, 0 to 1, optional
        Share of the invited who will give a usable answer.

    Raises
    ------
    JourneyError
        For a margin, share, level, population, design effect or rate that cannot be.

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, 3rd ed., sections 4.4 and 4.5.
    Wilson, E. B. (1927). JASA 22(158), 209-212.

    Examples
    --------
    >>> from cjlib.design import size_for_share
    >>> size_for_share(0.05).n, size_for_share(0.05, population=1000).n
    (385, 278)
    """
    caller = "size_for_share"
    _require_margin(margin, below=1, unit="share", caller=caller)
    require_between(share, name="share", caller=caller)
    require_survey(level, population, design_effect, response_rate, caller=caller)
    z = normal_quantile(level)

    def half(n: int) -> float:
        free = _free_answers(n, population, design_effect, whole=True)
        if math.isinf(free):
            return 0.0
        low, high = wilson_bounds(np.array([share * free]), np.array([free]), level=level)
        textbook = z * math.sqrt(share * (1 - share) / free)
        return max(textbook, float(high[0] - low[0]) / 2)

    n = find_smallest(half, margin, population, caller=caller)
    return SampleSize(
        "share", n, 1, count_invitations(n, response_rate), margin, level, None, {"share": share},
        population, design_effect, response_rate, "the wider of Wald and Wilson",
        f"{COCHRAN} {WILSON}",
    )  # fmt: skip


def size_for_mean(
    margin: float,
    *,
    sd: float,
    level: float = 0.95,
    population: int | None = None,
    design_effect: float = 1.0,
    response_rate: float | None = None,
) -> SampleSize:
    """Answers needed to know a mean to within ``margin`` on either side.

    The smallest n (at least 2) with t·sd/√n at most ``margin``, t with n−1 degrees of
    freedom: the interval the kit reports. With a population of N the error shrinks by
    √(1 − n/N).

    Parameters
    ----------
    margin : float
        Half-width of the interval, in the unit of the answers (points of the scale).
    sd : float
        Standard deviation expected of single answers, in the same unit; from an earlier
        wave or a pilot. On k points it is at most half the range, and √((k²−1)/12) if all
        answers are equally common.
    level, population, design_effect, response_rate
        As in ``size_for_share``.

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, 3rd ed., section 4.6.

    Examples
    --------
    >>> from cjlib.design import size_for_mean
    >>> size_for_mean(0.1, sd=1.0).n
    387
    """
    caller = "size_for_mean"
    _require_margin(margin, below=math.inf, unit="point", caller=caller)
    require_positive(sd, name="sd", caller=caller)
    require_survey(level, population, design_effect, response_rate, caller=caller)

    def half(n: int) -> float:
        free = _free_answers(n, population, design_effect, whole=False)
        if math.isinf(free):
            return 0.0
        return math.inf if n < 2 else _t(level, n - 1) * sd / math.sqrt(free)

    n = find_smallest(half, margin, population, caller=caller)
    return SampleSize(
        "mean", n, 1, count_invitations(n, response_rate), margin, level, None, {"sd": sd},
        population, design_effect, response_rate, "t", COCHRAN,
    )  # fmt: skip


def _t(level: float, freedom: int) -> float:
    return float(stats.t.ppf(0.5 + level / 2, freedom))


def size_for_nps(
    margin: float,
    *,
    promoters: float | None = None,
    detractors: float | None = None,
    level: float = 0.95,
    population: int | None = None,
    design_effect: float = 1.0,
    response_rate: float | None = None,
) -> SampleSize:
    """Answers needed to know an NPS to within ``margin`` points on either side.

    The smallest n at which the adjusted Wald interval the kit reports (three answers
    added) has at most that half-width. Without ``promoters`` and ``detractors`` the worst
    case is taken: half of each, nobody passive.

    Parameters
    ----------
    margin : float
        Half-width in points of the score, which runs from -100 to 100.
    promoters, detractors : float, 0 to 1, optional
        Shares expected to answer 9-10 and 0-6; both or neither.
    level, population, design_effect, response_rate
        As in ``size_for_share``.

    References
    ----------
    Rocks, B. (2016). Interval estimation for the net promoter score. arXiv:1601.07235.

    Examples
    --------
    >>> from cjlib.design import size_for_nps
    >>> size_for_nps(5, promoters=0.4, detractors=0.2).n
    858
    """
    caller = "size_for_nps"
    _require_margin(margin, below=100, unit="NPS point", caller=caller)
    up, down = require_groups(promoters, detractors, caller=caller)
    require_survey(level, population, design_effect, response_rate, caller=caller)
    z = normal_quantile(level)

    def half(n: int) -> float:
        free = _free_answers(n, population, design_effect, whole=True)
        if math.isinf(free):
            return 0.0
        return 100 * z * float(adjusted_net(up * free, down * free, free)[1])

    n = find_smallest(half, margin, population, caller=caller)
    return SampleSize(
        "nps", n, 1, count_invitations(n, response_rate), margin, level, None,
        {"promoters": up, "detractors": down}, population, design_effect, response_rate,
        "adjusted Wald", ROCKS,
    )  # fmt: skip


def _require_margin(margin: float, *, below: float, unit: str, caller: str) -> None:
    if not 0 < margin < below:
        bound = "" if math.isinf(below) else f" and below {below:g}"
        hint = " Five points of percent are margin=0.05." if unit == "share" else ""
        raise JourneyError(
            f"{caller}: margin must be above 0{bound}, in {unit}s; got {margin}.{hint}"
        )


def _free_answers(n: int, population: int | None, effect: float, *, whole: bool) -> float:
    """Answers of a simple random sample without end that tell as much as these ``n``.

    ``whole``: the variance of the population divides by N (shares), else by N - 1.
    """
    if population is None:
        return n / effect
    left = population - n
    return n / effect * (population - whole) / left if left > 0 else math.inf
