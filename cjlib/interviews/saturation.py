"""Are there enough interviews? New codes per run of interviews, in many orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.columns import CODE, INTERVIEW
from cjlib.errors import JourneyError, TooFewError
from cjlib.intervals import Estimate, require_level, unknown
from cjlib.interviews.model import Interviews

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ORDERS = 1_000
DRAWS = {"orders": "random orders", "resamples": "bootstrap resamples"}


@dataclass(frozen=True, slots=True, eq=False)
class Saturation:
    """What ``measure_saturation`` found.

    Attributes
    ----------
    table : DataFrame
        One row per interview, in reading order: ``interviews`` (1, 2, ...),
        ``interview_id, new_codes, codes`` (all so far), ``share`` (new codes in the run that
        ends here / codes of the base; missing before the first run ends), and over random
        orders of the same interviews ``estimate`` (mean codes so far), ``low, high``.
    reached : Estimate
        Interviews after which the next ``run`` brought at most the threshold, in reading
        order; the interval holds the given share of random orders. Missing: not reached.
    share_reached : float
        Share of the random orders in which it was reached at all.
    base, run, threshold
        As asked.
    drawn : str
        What the intervals are over: random orders or bootstrap resamples.
    language : "en" or "fa"
        Of the figure.
    """

    table: pd.DataFrame
    reached: Estimate
    share_reached: float
    base: int
    run: int
    threshold: float
    drawn: str = "random orders"
    language: str = "en"

    def summary(self) -> str:
        """Return the verdict in one sentence."""
        rule = f"(base {self.base}, run {self.run}, at most {self.threshold:.0%} new)"
        codes, n = int(self.table["codes"].iloc[-1]), len(self.table)
        if np.isnan(self.reached.estimate):
            return (
                f"Not saturated after {n} interviews and {codes} codes {rule}; "
                f"{self.share_reached:.0%} of {self.drawn} reach it."
            )
        return (
            f"Saturated after {self.reached.estimate:.0f}+{self.run} of {n} interviews {rule}; "
            f"in {self.drawn} after {self.reached.low:.0f} to {self.reached.high:.0f}."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the codes found after each interview."""
        from cjlib import plots

        drawn = next(key for key, words in DRAWS.items() if words == self.drawn)
        return plots.draw_saturation(
            self.table, reached=self.reached.estimate, drawn=drawn, language=self.language, ax=ax
        )


def measure_saturation(
    interviews: Interviews,
    *,
    rng: np.random.Generator,
    base: int = 4,
    run: int = 2,
    threshold: float = 0.05,
    draw: str = "orders",
    level: float = 0.95,
) -> Saturation:
    """Measure after how many interviews new codes dry up.

    The base is the number of different codes in the first ``base`` interviews. Then each run
    of ``run`` interviews in a row (runs overlap: they move on by one interview) is asked for
    codes not heard before it; their number over the base is the new information. Saturation
    is reached before the first run with at most ``threshold``: k interviews, confirmed by
    the next ``run`` (written k+run). Interviews are taken in reading order (people.csv
    gives ids; numbers sort as numbers), which should be the order they were held in.

    Because that order is one of many, the same is done for 1,000 random orders of the same
    interviews, each interview once; or for 1,000 bootstrap resamples, as many interviews
    drawn with replacement. An interview drawn twice brings nothing new the second time, so
    resamples look saturated sooner than other people's interviews would: read them as the
    least doubt there is.

    Parameters
    ----------
    interviews : Interviews
        Its codings; interviews without any are left out.
    rng : Generator
        For the orders.
    base, run : int
        At least 1. Guest and colleagues suggest a base of 4 to 6 and runs of 2 or 3.
    threshold : float, 0 to 1
        New information that counts as none; 0.05 and 0 are usual.
    draw : "orders" or "resamples"
    level : float, 0 to 1
        Share of the orders (or resamples) that the intervals hold.

    Raises
    ------
    TooFewError
        With fewer coded interviews than base and run.

    References
    ----------
    Guest, G., Namey, E. and Chen, M. (2020). PLOS ONE 15(5), e0232076.
    doi:10.1371/journal.pone.0232076
    """
    require_level(level, caller="measure_saturation")
    if base < 1 or run < 1 or not 0 <= threshold <= 1:
        raise JourneyError(
            "measure_saturation: base and run must be at least 1 and threshold 0 to 1; got "
            f"base={base}, run={run}, threshold={threshold}. Usual are 4, 2 and 0.05."
        )
    if draw not in DRAWS:
        raise JourneyError(
            f"measure_saturation: draw must be 'orders' or 'resamples'; got {draw!r}."
        )
    order = [
        name for name in interviews.utterances[INTERVIEW].unique()
        if name in set(interviews.codings[INTERVIEW])
    ]  # fmt: skip
    if len(order) < base + run:
        raise TooFewError(
            f"measure_saturation: there must be at least base + run = {base + run} coded "
            f"interviews; there are {len(order)}. Code more, or ask for a shorter base or run."
        )
    marked = interviews.codings.drop_duplicates([INTERVIEW, CODE])
    heard = pd.crosstab(marked[INTERVIEW], marked[CODE]).reindex(order).to_numpy() > 0
    orders = np.vstack(
        [np.arange(len(order)), *(_draw(draw, len(order), rng) for _ in range(ORDERS))]
    )
    found = np.logical_or.accumulate(heard[orders], axis=1).sum(axis=2)  # orders x interviews
    shares = (found[:, run:] - found[:, :-run]) / found[:, [base - 1]]
    dry = shares[:, base - 1 :] <= threshold  # first: the run right after the base
    reached = np.where(dry.any(axis=1), base + dry.argmax(axis=1), np.nan)
    tail = (1 - level) / 2
    low, high = np.quantile(found[1:], [tail, 1 - tail], axis=0)
    own = found[0]
    table = pd.DataFrame(
        {
            "interviews": np.arange(1, len(order) + 1), INTERVIEW: pd.array(order, dtype="string"),
            "new_codes": np.diff(own, prepend=0), "codes": own,
            "share": np.concatenate([np.full(base + run - 1, np.nan), shares[0, base - 1 :]]),
            "estimate": found[1:].mean(axis=0), "low": low, "high": high,
        }
    )  # fmt: skip
    return Saturation(
        table, _estimate(reached, len(order), level, DRAWS[draw]),
        float(np.mean(~np.isnan(reached[1:]))), base, run, threshold, DRAWS[draw],
        interviews.language,
    )  # fmt: skip


def _draw(draw: str, n: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    return rng.permutation(n) if draw == "orders" else rng.integers(n, size=n)


def _estimate(reached: npt.NDArray[np.float64], n: int, level: float, method: str) -> Estimate:
    drawn = reached[1:][~np.isnan(reached[1:])]
    if np.isnan(reached[0]) or not len(drawn):
        return unknown(n, level=level, why="not reached")
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], method="inverted_cdf")
    return Estimate(float(reached[0]), float(low), float(high), level, n, method)
