"""What a sample size is, and what every question about one has to check."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cjlib.errors import JourneyError
from cjlib.intervals import require_level
from cjlib.language import format_number, phrase

MOST: Final = 10**9  # answers; a margin that needs more is a slip


@dataclass(frozen=True, slots=True)
class SampleSize:
    """How many answers are needed; made by the ``size_for_...`` functions.

    Attributes
    ----------
    measure : str
        share, mean, nps, or a difference: difference of shares, of means, of nps.
    n : int
        Usable answers needed, in each group.
    groups : int
        1, or 2 for a difference.
    invitations : int
        People to invite in each group: ``n`` over the response rate, rounded up.
    margin : float
        Half-width aimed at, or the difference to be seen: share 0 to 1, mean in points of
        the scale, NPS in its own points.
    level : float
        Coverage of the interval (1 minus the level of the test), 0 to 1.
    power : float or None
        Chance of seeing the difference if it is there; None for one group.
    expected : dict of str to float
        What was taken as true: share; sd; promoters and detractors (shares of 1).
    population : int or None
        People there are; None: very many.
    design_effect : float
        Variance over that of a simple random sample of the same size.
    response_rate : float or None
        Share of the invited who give a usable answer; None: not considered.
    method, source : str
    """

    measure: str
    n: int
    groups: int
    invitations: int
    margin: float
    level: float
    power: float | None
    expected: dict[str, float]
    population: int | None
    design_effect: float
    response_rate: float | None
    method: str
    source: str

    @property
    def possible(self) -> bool:
        """Whether there are as many people as must be invited."""
        return self.population is None or self.invitations <= self.population

    def summary(self, language: str = "en") -> str:
        """Return the size in one sentence of ``language`` ("en" or "fa")."""
        said = phrase(
            "design.size.one" if self.groups == 1 else "design.size.two",
            language,
            n=format_number(self.n, language),
            measure=phrase(f"design.measure.{self.measure.replace(' ', '_')}", language),
            margin=format_number(self.margin, language, decimals=_decimals(self.margin)),
            level=format_number(100 * self.level, language),
        )
        if self.response_rate is None:
            return f"{said}."
        invite = phrase(
            "design.invite.one" if self.groups == 1 else "design.invite.two",
            language,
            rate=format_number(100 * self.response_rate, language),
            invitations=format_number(self.invitations, language),
        )
        return f"{said}{invite}."

    def explain(self, language: str = "en") -> str:
        """Return what the size assumes, in words of ``language`` ("en" or "fa")."""
        tell = {name: format_number(value, language) for name, value in self.expected.items()}
        kind = self.measure.rpartition(" ")[2]
        kind = {"shares": "share", "means": "mean"}.get(kind, kind)
        parts = [phrase(f"design.expects.{kind}", language, **tell)]
        if self.power is not None:
            power = format_number(100 * self.power, language)
            parts.append(phrase("design.assumes.power", language, power=power))
        if self.population is None:
            parts.append(phrase("design.assumes.endless", language))
        else:
            people = format_number(self.population, language)
            parts.append(phrase("design.assumes.population", language, people=people))
        if self.design_effect == 1:
            parts.append(phrase("design.assumes.random", language))
        else:
            effect = format_number(self.design_effect, language)
            parts.append(phrase("design.assumes.effect", language, effect=effect))
        if not self.possible:
            parts.append(phrase("design.assumes.impossible", language))
        return " ".join(parts)


def _decimals(number: float) -> int | None:
    """Return 3 where two digits behind the sign would not show the number, else None."""
    return None if round(number, 2) == round(number, 6) else 3


def find_smallest(
    half: Callable[[int], float], margin: float, population: int | None, *, caller: str
) -> int:
    """Smallest n with ``half(n) <= margin``; ``half`` never grows with n."""
    high = 1
    top = MOST if population is None else population
    while half(high) > margin:
        if high >= top:
            raise JourneyError(
                f"{caller}: at most {MOST:,} answers are considered; a margin of {margin:g} "
                "needs more. Is it in the right unit?"
            )
        high = min(2 * high, top)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if half(middle) <= margin else (middle, high)
    return high


def count_invitations(n: int, response_rate: float | None) -> int:
    """Return the people to invite for ``n`` answers, rounded up."""
    return n if response_rate is None else math.ceil(round(n / response_rate, 9))


def require_between(value: float, *, name: str, caller: str) -> None:
    """Raise unless ``value`` lies between 0 and 1, ends included."""
    if not 0 <= value <= 1:
        raise JourneyError(
            f"{caller}: {name} must lie between 0 and 1; got {value:g}. Write 40 % as 0.4."
        )


def require_positive(value: float, *, name: str, caller: str) -> None:
    """Raise unless ``value`` is a number above 0."""
    if not 0 < value < math.inf:
        raise JourneyError(
            f"{caller}: {name} must be above 0; got {value}. Take it from an earlier wave."
        )


def require_groups(
    promoters: float | None, detractors: float | None, *, caller: str
) -> tuple[float, float]:
    """Return the shares of promoters and detractors: half each where neither is given."""
    if promoters is None and detractors is None:
        return 0.5, 0.5
    if promoters is None or detractors is None:
        raise JourneyError(
            f"{caller}: promoters and detractors must be given together; got "
            f"{promoters} and {detractors}. Leave both out for the worst case."
        )
    require_between(promoters, name="promoters", caller=caller)
    require_between(detractors, name="detractors", caller=caller)
    require_between(promoters + detractors, name="promoters + detractors", caller=caller)
    return promoters, detractors


def require_survey(
    level: float, population: int | None, effect: float, rate: float | None, *, caller: str
) -> None:
    """Raise unless what is said of the survey as a whole can be."""
    require_level(level, caller=caller)
    if population is not None and population < 2:
        raise JourneyError(
            f"{caller}: population must be 2 people or more; got {population}. "
            "Leave it out if there are very many."
        )
    if not 0 < effect < math.inf:
        raise JourneyError(
            f"{caller}: design_effect must be above 0; got {effect}. 1 is a simple random sample."
        )
    if rate is not None and not 0 < rate <= 1:
        raise JourneyError(
            f"{caller}: response_rate must lie above 0 and at most 1; got {rate}. "
            "Write 20 % as 0.2."
        )
