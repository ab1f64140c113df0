"""How many answers are needed to see that two groups or two waves differ."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

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
from cjlib.intervals import normal_quantile

COHEN: Final = "Cohen, J. (1988). Statistical Power Analysis, 2nd ed., chapter 2. Erlbaum."
FLEISS: Final = "Fleiss, J. L. (1981). Statistical Methods for Rates and Proportions, section 3.2."


def size_for_difference(
    difference: float,
    *,
    share: float | None = None,
    sd: float | None = None,
    promoters: float | None = None,
    detractors: float | None = None,
    power: float = 0.8,
    level: float = 0.95,
    design_effect: float = 1.0,
    response_rate: float | None = None,
) -> SampleSize:
    """Answers needed in each of two groups or waves to see that they differ.

    The smallest n at which a two-sided test at 1 − ``level`` finds the difference with
    chance ``power``, if it is as large as said. Two different samples of equal size are
    meant, not the same people twice. Say what is compared by exactly one of: ``share`` (of
    the first group; the second has ``share + difference``; pooled variance under no
    difference), ``sd`` (of single answers, alike in both; two-sample t test by the
    noncentral t) or ``promoters`` with ``detractors`` (alike in both; normal).

    Parameters
    ----------
    difference : float
        The smallest difference worth finding, not 0; shares as shares, means in points of
        the scale, NPS in its points.
    share, sd, promoters, detractors : float, optional
        What is expected of the first group.
    power : float, 0 to 1
        0.8 is customary: one real difference in five is missed.
    level, design_effect, response_rate
        As in ``size_for_share``.

    References
    ----------
    Cohen, J. (1988). Statistical Power Analysis for the Behavioral Sciences, chapter 2.
    Fleiss, J. L. (1981). Statistical Methods for Rates and Proportions, section 3.2.

    Examples
    --------
    >>> from cjlib.design import size_for_difference
    >>> size_for_difference(0.5, sd=1.0).n  # Cohen's "medium" effect
    64
    """
    caller = "size_for_difference"
    nps = promoters is not None or detractors is not None
    if (share is not None) + (sd is not None) + nps != 1:
        raise JourneyError(
            f"{caller}: one of share, sd, or promoters with detractors must be given; got "
            f"share={share}, sd={sd}, promoters={promoters}, detractors={detractors}. "
            "Say what is compared."
        )
    if not math.isfinite(difference) or difference == 0:
        raise JourneyError(
            f"{caller}: difference must be a number other than 0; got {difference}. "
            "Give the smallest difference worth finding."
        )
    if not 0.5 <= power < 1:
        raise JourneyError(
            f"{caller}: power must lie from 0.5 to below 1; got {power}. 80 % is power=0.8."
        )
    require_survey(level, None, design_effect, response_rate, caller=caller)
    reached: Callable[[float], float]
    if share is not None:
        require_between(share, name="share", caller=caller)
        require_between(share + difference, name="share + difference", caller=caller)
        reached = _power_for_shares(share, share + difference, level)
        kind, expected, method, source = "shares", {"share": share}, "pooled z test", FLEISS
    elif sd is not None:
        require_positive(sd, name="sd", caller=caller)
        reached = _power_for_means(abs(difference) / sd, level)
        kind, expected, method, source = "means", {"sd": sd}, "t test, noncentral t", COHEN
    else:
        up, down = require_groups(promoters, detractors, caller=caller)
        spread = 100 * math.sqrt(up + down - (up - down) ** 2)
        reached = _power_for_spread(abs(difference), spread, level)
        kind, expected, method, source = (
            "nps", {"promoters": up, "detractors": down}, "z test", COHEN,
        )  # fmt: skip
    n = find_smallest(lambda k: 1 - reached(k / design_effect), 1 - power, None, caller=caller)
    return SampleSize(
        f"difference of {kind}", n, 2, count_invitations(n, response_rate), difference, level,
        power, expected, None, design_effect, response_rate, method, source,
    )  # fmt: skip


def _power_for_shares(first: float, second: float, level: float) -> Callable[[float], float]:
    z, middle = normal_quantile(level), (first + second) / 2
    null = math.sqrt(2 * middle * (1 - middle))
    true = math.sqrt(first * (1 - first) + second * (1 - second))

    def power(n: float) -> float:
        beyond = math.sqrt(n) * abs(second - first) - z * null
        return float(stats.norm.cdf(beyond / true)) if true else float(beyond >= 0)

    return power


def _power_for_means(effect: float, level: float) -> Callable[[float], float]:
    def power(n: float) -> float:
        freedom = 2 * n - 2
        if freedom <= 0:
            return 0.0
        bound = float(stats.t.ppf(0.5 + level / 2, freedom))
        shift = effect * math.sqrt(n / 2)
        return float(stats.nct.sf(bound, freedom, shift)) if shift < 30 else 1.0

    return power


def _power_for_spread(difference: float, spread: float, level: float) -> Callable[[float], float]:
    z = normal_quantile(level)

    def power(n: float) -> float:
        error = spread * math.sqrt(2 / n)
        return float(stats.norm.cdf(difference / error - z)) if error else 1.0

    return power
