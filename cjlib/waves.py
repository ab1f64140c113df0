"""Wave against wave: what changed beyond noise, and what could not have been seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import pandas as pd
from scipy import stats

from cjlib.codebook import Item
from cjlib.columns import (
    CUSTOMER,
    LEVEL,
    METHOD,
    METRIC,
    STAGE,
    TOUCHPOINT,
    WAVE,
    WEIGHT,
    require_columns,
)
from cjlib.errors import TooFewError
from cjlib.intervals import (
    DETRACTOR,
    PROMOTER,
    Difference,
    adjust_holm,
    compare_means,
    compare_nets,
    normal_quantile,
    require_level,
    weigh,
)
from cjlib.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METRICS: Final = ("nps", "csat", "ces")
POWER: Final = 0.80  # of the smallest change: the customary chance to see it
CHANGED: Final = "changed beyond noise"
UNCHANGED: Final = "no change seen"
TOO_FEW: Final = "too few answers"
COLUMNS: Final = (
    "name", METRIC, STAGE, TOUCHPOINT, "from_wave", "to_wave", "span", "earlier", "later",
    "difference", "low", "high", LEVEL, "n_earlier", "n_later", "panel", "p", "p_holm",
    "smallest_change", "verdict", METHOD,
)  # fmt: skip


class HasRespondents(Protocol):
    """Anything that carries the respondents table."""

    @property
    def respondents(self) -> pd.DataFrame:
        """One row per person and wave."""


@dataclass(frozen=True, slots=True, eq=False)
class WaveComparison:
    """What ``compare_waves`` found.

    Attributes
    ----------
    table : DataFrame
        One row per metric item and pair of waves: ``name`` (codebook), ``metric, stage,
        touchpoint, from_wave, to_wave, span`` (consecutive, or first to last), ``earlier,
        later, difference`` (later minus earlier, on the item's own scale; NPS in points)
        with ``low, high, level``; ``n_earlier, n_later``; ``panel`` (customers who answered
        the item in both); ``p, p_holm``; ``smallest_change`` (what these numbers of answers
        would have shown four times in five); ``verdict, method``.
    """

    table: pd.DataFrame

    def summary(self) -> str:
        """Return which items changed, in one sentence."""
        changed = self.table[self.table["verdict"] == CHANGED]
        judged = int((self.table["verdict"] != TOO_FEW).sum())
        if changed.empty:
            return f"No change beyond noise in any of {judged} comparisons."
        parts = [
            f"{row['name']} {row['difference']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}]"
            f" ({row['from_wave']} to {row['to_wave']})"
            for _, row in changed.iterrows()
        ]
        return f"{len(changed)} of {judged} comparisons changed beyond noise: {'; '.join(parts)}."

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw each difference with its interval, as a share of the item's smallest change."""
        from cjlib import plots

        return plots.draw_wave_changes(self.table, ax=ax)


def compare_waves(
    study: Study, survey: HasRespondents, *, level: float | None = None
) -> WaveComparison:
    """Compare NPS, satisfaction and effort between waves, item by item.

    Waves are taken as independent samples in the study's order: each wave with the one
    after it, and, with three or more, the first with the last. Customers who answered in
    both are counted (``panel``), not paired; their answers being alike, the interval is
    rather too wide than too narrow.

    Means: difference with Welch's t interval (design-based errors where the study has
    weights). NPS: z interval on adjusted counts, three answers added to each wave, or with
    weights to its effective number of answers. ``p_holm`` corrects for all the rows of the table:
    a row ``changed beyond noise`` if it lies below 1 - level. The smallest change is
    (z for the level + z for 80 % power) x the standard error, before that correction.

    Parameters
    ----------
    study : Study
        Its codebook says which items are metrics; its privacy minimum base is the fewest
        answers compared.
    survey : Survey
        Anything with ``respondents``.
    level : float, 0 to 1, optional
        The study's by default.

    Raises
    ------
    TooFewError
        With fewer than two waves in the table.

    References
    ----------
    Rocks, B. (2016). Interval estimation for the "net promoter score". arXiv:1601.07235.
    Welch, B. L. (1947). Biometrika 34, 28-35. Holm, S. (1979). Scand. J. Stat. 6, 65-70.
    """
    level = study.level if level is None else level
    require_level(level, caller="compare_waves")
    people = survey.respondents
    require_columns(people, (WAVE, CUSTOMER, WEIGHT), caller="compare_waves")
    present = set(people[WAVE].dropna())
    waves = [wave.id for wave in study.waves if wave.id in present]
    if len(waves) < 2:
        raise TooFewError(
            f"compare_waves: the survey must have two waves or more; it has {len(waves)} "
            f"({', '.join(waves) or 'none'}). Add the files of another wave to study.yaml."
        )
    items = [i for i in study.codebook.items if i.metric in METRICS and i.name in people.columns]
    rows = [
        {"name": item.name, METRIC: item.metric, STAGE: item.stage, TOUCHPOINT: item.touchpoint,
         "from_wave": first, "to_wave": second, "span": span, LEVEL: level}
        | _compare(people, item, (first, second), level=level, minimum=study.privacy.minimum_base)
        for first, second, span in _pairs(waves)
        for item in items
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["p_holm"] = adjust_holm(table["p"])
    known = table["difference"].notna()
    changed = table["p_holm"] < 1 - level
    table["verdict"] = np.where(known, np.where(changed, CHANGED, UNCHANGED), TOO_FEW)
    return WaveComparison(table)


def _pairs(waves: Sequence[str]) -> list[tuple[str, str, str]]:
    pairs = [(first, second, "consecutive") for first, second in pairwise(waves)]
    return [*pairs, (waves[0], waves[-1], "first to last")] if len(waves) > 2 else pairs


def _compare(
    people: pd.DataFrame, item: Item, waves: tuple[str, str], *, level: float, minimum: int
) -> dict[str, Any]:
    answered = people[people[item.name].notna() & people[WEIGHT].gt(0)]
    parts = [answered[answered[WAVE] == wave] for wave in waves]
    sizes = [len(part) for part in parts]
    both = set(parts[0][CUSTOMER].dropna()) & set(parts[1][CUSTOMER].dropna())
    counts = {"n_earlier": sizes[0], "n_later": sizes[1], "panel": len(both)}
    if min(sizes) < max(minimum, 2):
        return counts | {METHOD: f"too few (n < {max(minimum, 2)})"}
    later, earlier = (
        weigh(part[item.name], part[WEIGHT], caller="compare_waves") for part in reversed(parts)
    )
    if item.metric == "nps":
        net = [((x >= PROMOTER).astype(float) - (x <= DETRACTOR), w) for x, w in (later, earlier)]
        return counts | _scale(compare_nets(net[0], net[1], level=level), 100.0, level)
    return counts | _scale(compare_means(later, earlier, level=level), 1.0, level)


def _scale(found: Difference, scale: float, level: float) -> dict[str, Any]:
    power = normal_quantile(level) + float(stats.norm.ppf(POWER))
    return {
        "earlier": scale * found.other, "later": scale * found.value,
        "difference": scale * found.estimate, "low": scale * found.low,
        "high": scale * found.high, "p": found.p,
        "smallest_change": scale * power * found.error, METHOD: found.method,
    }  # fmt: skip
