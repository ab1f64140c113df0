"""Weights: raking respondents to known shares of the population, with limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from cjlib.columns import LANGUAGE, WAVE, WEIGHT, require_columns
from cjlib.errors import JourneyError, TooFewError
from cjlib.intervals import Floats, kish_effective_n
from cjlib.study import Study
from cjlib.survey.margins import Ints, Limits, read_margin, read_shares, require_room

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NO_LIMITS: Final = (0.0, float("inf"))
MAX_ROUNDS: Final = 1000  # over all margins; raking that has a solution needs far fewer
TOLERANCE: Final = 1e-8  # largest gap between a raked share and its target
PATIENCE: Final = 25  # rounds in which the largest gap must halve, or raking has come to a halt
NEWTON_STEPS: Final = 60
EXACT: Final = 1e-11  # of a category's total


@dataclass(frozen=True, slots=True, eq=False)
class Weighting:
    """Raked weights and what they cost; made by ``rake_weights``.

    Attributes
    ----------
    weights : Series of float
        One per row, mean 1.
    margins : DataFrame
        One row per item and code: ``item, code, label, target`` (share, 0 to 1, among those whose
        code is known), ``before`` (the same share under the base weights), ``after``
        (raked), ``n`` (rows with the code), ``unknown`` (rows whose code of the item is not
        known).
    rounds : int
        Passes over all margins.
    converged : bool
        Whether every margin is met within the tolerance, and the limits are kept.
    trimmed : int
        Rows whose weight lies at a limit.
    limits : (float, float) or None
        The limits asked for.
    """

    weights: pd.Series
    margins: pd.DataFrame
    rounds: int
    converged: bool
    trimmed: int = 0
    limits: Limits | None = None

    @property
    def effective_n(self) -> float:
        """Kish's effective number of respondents: equally weighted ones worth as much."""
        return kish_effective_n(self.weights.to_numpy(dtype=float))

    @property
    def design_effect(self) -> float:
        """Kish's design effect: 1 + squared coefficient of variation of the weights.

        By so much is the variance of a mean multiplied where the answers have nothing to do
        with the weights; ``n / effective_n``.
        """
        return len(self.weights) / self.effective_n

    @property
    def range(self) -> tuple[float, float]:
        """Smallest and largest weight."""
        return float(self.weights.min()), float(self.weights.max())

    def summary(self) -> str:
        """Say what was raked, whether it came out, and what it costs, in one sentence."""
        items = ", ".join(dict.fromkeys(self.margins["item"]))
        low, high = self.range
        gap = float((self.margins["after"] - self.margins["target"]).abs().max())
        limits = f", {self.trimmed:,} at a limit" if self.limits else ""
        text = (
            f"{len(self.weights):,} respondents raked to {items} in {self.rounds} rounds: weights "
            f"{low:.2f} to {high:.2f}{limits}, effective n {self.effective_n:,.0f}, design effect "
            f"{self.design_effect:.2f}"
        )
        if self.converged:
            return f"{text}."
        within = f" within {self.limits[0]:g} and {self.limits[1]:g}" if self.limits else ""
        return f"{text}; the targets cannot all be met{within}: one is still {gap:.1%} off."

    def plot(self, *, language: str = "en", ax: Axes | None = None) -> Axes:
        """Draw each margin before and after raking, against its target."""
        from cjlib import plots

        return plots.draw_margins(self.margins, language=language, ax=ax)


def rake_weights(
    frame: pd.DataFrame,
    *,
    targets: Mapping[str, Mapping[str, float]],
    base: pd.Series | None = None,
    trim: Limits | None = None,
    tolerance: float = TOLERANCE,
    max_rounds: int = MAX_ROUNDS,
) -> Weighting:
    """Rake respondents to known margins: iterative proportional fitting.

    Each item in turn multiplies the weights of each of its categories so that the category
    has its target share, until all items hold at once. Of all weights that meet the targets
    these are nearest to the base weights (least Kullback-Leibler divergence).

    A respondent whose category of an item is not known counts, in that item, to a category
    of its own that keeps the share it has under the base weights: the targets hold among
    those who are known, and the others still take part in the other items.

    With ``trim`` each step solves for the factor with which the category's weights, cut at
    the limits, have their target: so the excess goes to the category's other respondents,
    and limits and targets hold together. Where they cannot (``converged`` is False), the
    limits are kept and the margins say what is missing.

    Parameters
    ----------
    frame : DataFrame, one row per respondent
        Not changed.
    targets : mapping of column to mapping of code to share or count
        Every code that occurs in the column must have one, above 0. Shares add up to 1;
        counts, or percentages, to the same total in every item (within 0.1 %, as printed).
        Codes are compared as text; a number 1.0 is the code "1", True is "1".
    base : Series, optional
        Base weights above 0, one per row; all alike where not given.
    trim : (low, high), optional
        Limits of a weight, in units of the mean weight: low below 1 below high.
    tolerance : float
        Largest gap of a share that still counts as met.
    max_rounds : int

    Raises
    ------
    TooFewError
        If nobody belongs to a category that has a target.
    JourneyError
        For a code without a target, targets that are not above 0 or do not add up, base
        weights that are not above 0, and limits that no weights of a category can keep.
    ColumnError
        If a column is not there.

    References
    ----------
    Deming, W. E. and Stephan, F. F. (1940). Annals of Mathematical Statistics 11, 427-444.
    Deville, J.-C., Särndal, C.-E. and Sautory, O. (1993). JASA 88, 1013-1020.
    Kish, L. (1992). Journal of Official Statistics 8, 183-200.
    """
    require_columns(frame, targets, caller="rake_weights")
    _require_limits(trim)
    n = len(frame)
    start = _read_base(frame, base)
    margins = [
        read_margin(frame[item], goals, start) for item, goals in read_shares(targets).items()
    ]
    cell, size = _find_cells([m.place for m in margins], start)
    first = np.unique(cell, return_index=True)[1]
    where = [m.place[first] for m in margins]
    raw, goal = start[first].copy(), [m.goal * n for m in margins]
    require_room(margins, trim)
    limits, gaps = trim or NO_LIMITS, [np.inf]
    while len(gaps) <= max_rounds and gaps[-1] >= tolerance and not _has_stalled(gaps):
        for place, aim in zip(where, goal, strict=True):
            _fit(raw, size, place, aim, limits)
        gaps.append(_find_gap(size * np.clip(raw, *limits), where, goal) / n)
    weights = pd.Series(np.clip(raw, *limits)[cell], index=frame.index, name="weight")
    if trim is None:
        weights = weights / weights.mean()  # rounding only: the last item fitted adds up to n
    outside = (raw < limits[0]) | (raw > limits[1])
    found = np.asarray(weights, dtype=np.float64)
    table = pd.concat([m.tabulate(found, start) for m in margins], ignore_index=True)
    return Weighting(
        weights, table, len(gaps) - 1, bool(gaps[-1] < tolerance), int(size[outside].sum()), trim
    )


def _require_limits(trim: Limits | None) -> None:
    if trim is not None and not (0 <= trim[0] < 1 < trim[1]):
        raise JourneyError(
            "rake_weights: trim must be (low, high) with 0 <= low < 1 < high, in units of the "
            f"mean weight; got {trim!r}. Write for example trim=(0.3, 3)."
        )


def _read_base(frame: pd.DataFrame, base: pd.Series | None) -> Floats:
    if len(frame) == 0:
        raise TooFewError("rake_weights: there must be respondents to weigh; the table is empty.")
    if base is None:
        return np.ones(len(frame))
    if len(base) != len(frame):
        raise JourneyError(
            f"rake_weights: base must have one weight per row; got {len(base):,} for "
            f"{len(frame):,}. Take it from the same rows."
        )
    found = np.asarray(base.to_numpy(dtype=float, na_value=np.nan), dtype=np.float64)
    wrong = ~(np.isfinite(found) & (found > 0))
    if wrong.any():
        raise JourneyError(
            f"rake_weights: base weights must be numbers above 0; {int(wrong.sum()):,} of "
            f"{len(found):,} are not (first: row {frame.index[int(wrong.argmax())]!r}). Leave "
            "those rows out first."
        )
    mean = float(found.mean())
    return np.asarray(found / mean, dtype=np.float64)


def _find_cells(places: list[Ints], start: Floats) -> tuple[Ints, Floats]:
    """Group rows that agree in every category and in the base weight; how many each group has."""
    keys = pd.DataFrame(dict(enumerate(places)))
    keys["base"] = start
    found = keys.groupby(list(keys.columns), sort=False).ngroup()
    cell: Ints = np.asarray(found, dtype=np.int64)
    return cell, np.bincount(cell).astype(np.float64)


def _has_stalled(gaps: list[float]) -> bool:
    """Whether the largest gap has not even halved in the last ``PATIENCE`` rounds."""
    return len(gaps) > PATIENCE + 1 and gaps[-1] > gaps[-1 - PATIENCE] / 2


def _fit(raw: Floats, size: Floats, place: Ints, goal: Floats, limits: Limits) -> None:
    """Multiply, in place, each category's raw weights so that the cut ones meet its goal."""
    total = np.bincount(place, weights=size * np.clip(raw, *limits), minlength=len(goal))
    if limits == NO_LIMITS:
        raw *= np.divide(goal, total, out=np.ones_like(goal), where=total > 0)[place]
        return
    for k in np.flatnonzero(total > 0):
        own = place == k
        raw[own] *= _solve_factor(raw[own], size[own], float(goal[k]), limits)


def _solve_factor(raw: Floats, size: Floats, goal: float, limits: Limits) -> float:
    """Find f with sum(size * clip(f * raw, limits)) = goal, or the nearest end.

    The sum grows with f in straight pieces: Newton's steps, kept between bounds that close in.
    """
    low, high = limits
    least, most = low / float(raw.max()), high / float(raw.min())  # all at a limit beyond these
    f = min(max(1.0, least), most)
    for _ in range(NEWTON_STEPS):
        weights = f * raw
        found = float((size * np.clip(weights, low, high)).sum())
        if abs(found - goal) <= EXACT * goal:
            return f
        least, most = (f, most) if found < goal else (least, f)
        free = (weights > low) & (weights < high)
        slope = float((size * raw)[free].sum())
        step = f + (goal - found) / slope if slope > 0 else np.inf
        f = step if least < step < most else (least + most) / 2
    return f


def _find_gap(mass: Floats, where: list[Ints], goal: list[Floats]) -> float:
    gaps = [
        np.abs(np.bincount(place, weights=mass, minlength=len(aim)) - aim).max()
        for place, aim in zip(where, goal, strict=True)
    ]
    return float(max(gaps))


def weigh_respondents(
    respondents: pd.DataFrame, study: Study
) -> tuple[pd.Series, dict[str, Weighting]]:
    """Rake the respondents of each wave to the shares the study states for it.

    Base weights are those of the table. Rows without a weight, or of weight 0, take no part
    and keep what they have; so does a wave without stated shares.

    Parameters
    ----------
    respondents : DataFrame
        One row per person and wave, with ``wave``, ``weight`` and the items raked on.
    study : Study

    Returns
    -------
    (weights, weightings)
        One weight per row, mean 1 in each raked wave; what raking did, by wave.
    """
    require_columns(respondents, (WAVE, WEIGHT), caller="weigh_respondents")
    weights = respondents[WEIGHT].astype(float)
    found: dict[str, Weighting] = {}
    for wave in study.waves:
        rules = study.weights.of_wave(wave.id)
        own = respondents[respondents[WAVE].eq(wave.id).fillna(value=False) & weights.gt(0)]
        if not rules.rake or own.empty:
            continue
        columns = {name: _column(study, name) for name in rules.rake}
        raked = rake_weights(
            own[list(columns.values())].set_axis(list(columns), axis=1), targets=rules.rake,
            base=own[WEIGHT], trim=rules.trim,
        )  # fmt: skip
        found[wave.id] = replace(raked, margins=_name_codes(raked.margins, study))
        weights = weights.mask(weights.index.isin(own.index), raked.weights.reindex(weights.index))
    return weights, found


def describe_weighting(weighting: Mapping[str, Weighting]) -> str:
    """Say, after a sentence, what the respondents were weighted to; nothing where they were not."""
    if not weighting:
        return ""
    parts = [
        f"{wave} (effective n {found.effective_n:,.0f}, design effect {found.design_effect:.2f})"
        for wave, found in weighting.items()
    ]
    items = dict.fromkeys(item for found in weighting.values() for item in found.margins["item"])
    return f" Weighted to {', '.join(items)}: {'; '.join(parts)}."


def doubt_weighting(weighting: Mapping[str, Weighting]) -> list[str]:
    """Return one sentence for each wave whose targets could not all be met."""
    return [
        f"the weights of wave {wave} do not meet their targets: {found.summary()}"
        for wave, found in weighting.items()
        if not found.converged
    ]


def _column(study: Study, name: str) -> str:
    """Return the column of the respondents table that holds an item raked on."""
    return LANGUAGE if study.codebook[name].kind == "language" else name


def _name_codes(margins: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Label the codes in the study's language."""
    labels = [
        study.codebook[item].labels[code].to(study.language)
        if code in study.codebook[item].labels
        else code
        for item, code in zip(margins["item"], margins["code"], strict=True)
    ]
    return margins.assign(label=labels)
