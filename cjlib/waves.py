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
    TIME,
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
    compare_shares,
    estimate_contrast,
    normal_quantile,
    require_level,
    weigh,
)
from cjlib.metrics.totals import total_contacts
from cjlib.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METRICS: Final = ("nps", "csat", "ces")
PAIN: Final = "pain"  # a pain that respondents tick: the share of them
MONTHLY: Final = ("conversion", "complaint_rate", "return_rate", "contacts_per_purchase")
CONSECUTIVE: Final = "consecutive"
OVERALL: Final = "first to last"
POWER: Final = 0.80  # of the smallest change: the customary chance to see it
CHANGED: Final = "changed beyond noise"
UNCHANGED: Final = "no change seen"
TOO_FEW: Final = "too few answers"
MOVED: Final = ("one step", "several steps", "gradual", "came back")
COLUMNS: Final = (
    "name", METRIC, STAGE, TOUCHPOINT, "from_wave", "to_wave", "span", "earlier", "later",
    "difference", "low", "high", LEVEL, "n_earlier", "n_later", "panel", "p", "p_holm",
    "smallest_change", "verdict", METHOD,
)  # fmt: skip
CHANGES: Final = (
    "name", METRIC, STAGE, TOUCHPOINT, "waves", "first_wave", "last_wave", "earlier", "later",
    "difference", "low", "high", LEVEL, "p_holm", "smallest_change", "steps", "when", "shape",
)  # fmt: skip


class HasRespondents(Protocol):
    """Anything that carries the respondents table."""

    @property
    def respondents(self) -> pd.DataFrame:
        """One row per person and wave."""


class HasTable(Protocol):
    """Anything that carries the table of contacts."""

    @property
    def table(self) -> pd.DataFrame:
        """One row per contact."""


@dataclass(frozen=True, slots=True, eq=False)
class WaveComparison:
    """What ``compare_waves`` found.

    Attributes
    ----------
    table : DataFrame
        One row per item (metrics, and pains that are ticked) and pair of waves: ``name``
        (codebook), ``metric, stage, touchpoint, from_wave, to_wave, span`` (consecutive, or
        first to last), ``earlier, later, difference`` (later minus earlier, on the item's own
        scale; NPS in points, pains as shares) with ``low, high, level``; ``n_earlier,
        n_later``; ``panel`` (customers who answered the item in both); ``p, p_holm``;
        ``smallest_change`` (what these numbers of answers would have shown four times in
        five); ``verdict, method``.
    changes : DataFrame
        One row per item: ``waves`` it was asked in, ``first_wave, last_wave`` of them with the
        difference between; ``steps`` (from one wave to the next) beyond noise and ``when``
        they were; ``shape``: "one step", "several steps", "gradual" (first to last beyond
        noise, no single step), "came back" (steps beyond noise, first to last not), "no
        change seen" or "too few answers".
    language : str
    """

    table: pd.DataFrame
    changes: pd.DataFrame
    language: str = "en"

    def summary(self) -> str:
        """Return which items changed and when, in one sentence."""
        changed = self.table[self.table["verdict"] == CHANGED]
        judged = int((self.table["verdict"] != TOO_FEW).sum())
        if changed.empty:
            return f"No change beyond noise in any of {judged} comparisons."
        moved = self.changes[self.changes["shape"].isin(MOVED)]
        parts = []
        for _, row in moved.iterrows():
            gap = f"{row['difference']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}]"
            when = f"; {row['shape']}: {row['when'] or 'no single one'}" if row["waves"] > 2 else ""
            parts.append(f"{row['name']} {gap} ({row['first_wave']} to {row['last_wave']}{when})")
        return f"{len(changed)} of {judged} comparisons changed beyond noise: {'; '.join(parts)}."

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw each difference against the smallest that could be seen; of many waves, when."""
        from cjlib import plots

        if self.table["span"].eq(OVERALL).any():
            return plots.draw_wave_steps(self.table, language=self.language, ax=ax)
        return plots.draw_wave_changes(self.table, ax=ax)


def compare_waves(
    study: Study, survey: HasRespondents, *, level: float | None = None
) -> WaveComparison:
    """Compare NPS, satisfaction, effort and pains between waves, item by item, and say when.

    Each item is compared between the waves in which it was asked, in the study's order: each
    with the next, and, with three or more, the first with the last. Pains that respondents
    tick are compared as shares. Waves are taken as independent samples. Customers who
    answered in both are counted (``panel``), not paired; their answers being alike, the
    interval is rather too wide than too narrow.

    Means: difference with Welch's t interval (design-based errors where the study has
    weights). NPS: z interval on adjusted counts, three answers added to each wave, or with
    weights to its effective number of answers. Shares: score test, Newcombe's interval.
    ``p_holm`` corrects for all the rows of the table: a row ``changed beyond noise`` if it
    lies below 1 - level. The smallest change is
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
    items = [i for i in study.codebook.items if _measures(i) and i.name in people.columns]
    parts = {wave: people[people[WAVE].eq(wave).fillna(False)] for wave in waves}
    rows = []
    for item in items:
        own = [wave for wave in waves if parts[wave][item.name].notna().any()]
        answered = {w: parts[w][parts[w][item.name].notna() & parts[w][WEIGHT].gt(0)] for w in own}
        rows += [
            {"name": item.name, METRIC: item.metric or PAIN, STAGE: item.stage,
             TOUCHPOINT: item.touchpoint, "from_wave": first, "to_wave": second, "span": span,
             LEVEL: level}
            | _compare(item, answered[first], answered[second], level, study.privacy.minimum_base)
            for first, second, span in _pairs(own)
        ]  # fmt: skip
    return _judge(rows, study, level)


def compare_months(
    study: Study, interactions: HasTable, *, level: float | None = None
) -> WaveComparison:
    """Compare the log's KPIs between calendar months, and say when they changed.

    ``MONTHLY`` (conversion, complaint rate, returns and contacts per purchase, see
    ``total_contacts``), each whole month with the next and the first with the last; a month
    that the log does not cover from its first day to its last is left out. Errors are by
    customer: who has contacts in both months counts as one person (``estimate_contrast``).
    One Holm correction over all rows. Seasons are not taken out: the same month of another
    year is the fairer comparison, where the log reaches so far.

    Returns
    -------
    WaveComparison
        As ``compare_waves`` gives it: months stand for waves, KPIs for items.

    Raises
    ------
    TooFewError
        With fewer than two whole months.
    """
    level = study.level if level is None else level
    require_level(level, caller="compare_months")
    frame = interactions.table[interactions.table[CUSTOMER].notna()]
    month = frame[TIME].dt.to_period("M")
    whole = [
        m for m in sorted(month.unique())
        if m.start_time.normalize() >= frame[TIME].min().normalize()
        and m.end_time.normalize() <= frame[TIME].max().normalize()
    ]  # fmt: skip
    if len(whole) < 2:
        raise TooFewError(
            f"compare_months: the log must cover two whole months or more; it covers {len(whole)}. "
            "Add the events of another month."
        )
    least, rows = max(study.privacy.minimum_base, 2), []
    for kpi in MONTHLY:
        totals = {str(m): total_contacts(kpi, study, frame[month == m]) for m in whole}
        known = {m: t for m, t in totals.items() if t is not None and t["x"].sum() > 0}
        rows += [
            {"name": kpi, METRIC: kpi, STAGE: "", TOUCHPOINT: "", "from_wave": first,
             "to_wave": second, "span": span, LEVEL: level}
            | _compare_totals(known[first], known[second], level, least)
            for first, second, span in _pairs(list(known))
        ]  # fmt: skip
    return _judge(rows, study, level)


def _compare_totals(
    first: pd.DataFrame, second: pd.DataFrame, level: float, least: int
) -> dict[str, Any]:
    both = pd.concat([first.assign(cell="earlier"), second.assign(cell="later")])
    sizes = {"n_earlier": len(first), "n_later": len(second)}
    sizes["panel"] = int(first[CUSTOMER].isin(second[CUSTOMER]).sum())
    if min(len(first), len(second)) < least:
        return sizes | {METHOD: f"too few (n < {least})"}
    found = estimate_contrast(
        both["y"].to_numpy(float), both["cell"].to_numpy(), {"later": 1.0, "earlier": -1.0},
        clusters=both[CUSTOMER].to_numpy(), denominators=both["x"].to_numpy(float), level=level,
    )  # fmt: skip
    power = normal_quantile(level) + float(stats.norm.ppf(POWER))
    return sizes | {
        "earlier": found.means["earlier"], "later": found.means["later"],
        "difference": found.estimate, "low": found.low, "high": found.high, "p": found.p,
        "smallest_change": power * found.error, METHOD: "t, by customer",
    }  # fmt: skip


def _judge(rows: list[dict[str, Any]], study: Study, level: float) -> WaveComparison:
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["p_holm"] = adjust_holm(table["p"])
    known = table["difference"].notna()
    changed = table["p_holm"] < 1 - level
    table["verdict"] = np.where(known, np.where(changed, CHANGED, UNCHANGED), TOO_FEW)
    return WaveComparison(table, _find_changes(table), study.language)


def _measures(item: Item) -> bool:
    return item.metric in METRICS or (item.kind == "tick" and item.role == PAIN)


def _find_changes(table: pd.DataFrame) -> pd.DataFrame:
    """Say of each item what changed from its first wave to its last, and at which step."""
    rows = []
    for _, part in table.groupby("name", sort=False):
        steps = part[part["span"].eq(CONSECUTIVE)]
        whole = part.iloc[-1]  # first to last, or the only step
        seen = steps[steps["verdict"].eq(CHANGED)]
        overall = whole["verdict"] == CHANGED
        shape = "one step" if len(seen) == 1 else "several steps"
        if not len(seen):
            shape = "gradual" if overall else str(whole["verdict"])
        elif not overall:
            shape = "came back"
        when = "; ".join(
            f"{step['from_wave']} to {step['to_wave']} {step['difference']:+.2f}"
            for _, step in seen.iterrows()
        )
        rows.append(
            {name: whole[name] for name in CHANGES if name in part.columns}
            | {"waves": len(steps) + 1, "first_wave": whole["from_wave"],
               "last_wave": whole["to_wave"], "steps": len(seen), "when": when, "shape": shape}
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(CHANGES))


def _pairs(waves: Sequence[str]) -> list[tuple[str, str, str]]:
    pairs = [(first, second, CONSECUTIVE) for first, second in pairwise(waves)]
    return [*pairs, (waves[0], waves[-1], OVERALL)] if len(waves) > 2 else pairs


def _compare(
    item: Item, first: pd.DataFrame, second: pd.DataFrame, level: float, minimum: int
) -> dict[str, Any]:
    parts = (first, second)
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
    if not item.metric:
        return counts | _scale(compare_shares(later, earlier, level=level), 1.0, level)
    return counts | _scale(compare_means(later, earlier, level=level), 1.0, level)


def _scale(found: Difference, scale: float, level: float) -> dict[str, Any]:
    power = normal_quantile(level) + float(stats.norm.ppf(POWER))
    return {
        "earlier": scale * found.other, "later": scale * found.value,
        "difference": scale * found.estimate, "low": scale * found.low,
        "high": scale * found.high, "p": found.p,
        "smallest_change": scale * power * found.error, METHOD: found.method,
    }  # fmt: skip
