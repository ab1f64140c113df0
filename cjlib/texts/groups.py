"""Sentiment by stage, touchpoint, wave or persona; shares corrected for the model's errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from cjlib.columns import GROUP, TEXT, require_columns
from cjlib.errors import JourneyError
from cjlib.intervals import (
    Estimate,
    estimate_mean,
    estimate_share,
    normal_quantile,
    require_level,
    unknown,
)
from cjlib.texts.sentiment import SentimentModel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEASURES: Final = ("mean_score", "share_negative", "share_negative_adjusted")


@dataclass(frozen=True, slots=True, eq=False)
class SentimentBy:
    """What ``measure_sentiment_by`` found.

    Attributes
    ----------
    table : DataFrame
        ``by, group, measure, estimate, low, high, level, n, method``; ``measure`` is one of
        mean_score (-1 to 1), share_negative (as labelled), share_negative_adjusted.
    silent : int
        Rows whose text says nothing, or that belong to no group; left out.
    language : str
        Of the figure.
    """

    table: pd.DataFrame
    silent: int
    language: str

    def summary(self) -> str:
        """Name the most negative group in one sentence."""
        rows = self.table[self.table["measure"].eq(MEASURES[2])].dropna(subset=["estimate"])
        by = self.table["by"].iloc[0]
        if rows.empty:
            return f"Sentiment by {by}: not known in any group ({self.silent:,} rows left out)."
        worst = rows.iloc[int(rows["estimate"].to_numpy().argmax())]
        return (
            f"Sentiment by {by}: most negative is '{worst[GROUP]}' with {worst['estimate']:.0%} "
            f"[{worst['low']:.0%}, {worst['high']:.0%}] of {worst['n']:,} texts, corrected for "
            f"the model's errors; {self.silent:,} rows left out."
        )

    def plot(self, *, measure: str = MEASURES[2], ax: Axes | None = None) -> Axes:
        """Draw one measure (one of the three) by group."""
        from cjlib import plots

        return plots.draw_sentiment_by(self.table, measure=measure, language=self.language, ax=ax)


def measure_sentiment_by(
    frame: pd.DataFrame,
    *,
    by: str,
    model: SentimentModel,
    text: str = TEXT,
    minimum_base: int = 30,
) -> SentimentBy:
    """Measure sentiment in every group of texts.

    ``mean_score`` is the mean of the texts' scores, and ``share_negative`` the share labelled
    negative (a label whose value is below 0); both carry the model's errors with them, and
    pull groups towards what was common among the labelled texts. ``share_negative_adjusted``
    mends that for the share: Forman's adjusted count (p − f) / (t − f), where p is the share
    labelled negative, t and f are the shares of negative and of other texts that the model
    labels negative out of fold; cut to 0 and 1. Its interval adds up the errors of p, t and f
    (delta method). It holds where negative texts of the group are worded as the labelled
    negative ones are, however many of them there are; on another product or question it does
    not. It is not known where t is not surely above f, and where the whole interval lies outside
    0 to 1: there the model's errors are not those it made on the labelled texts.

    Texts count as one each (no weights), and as independent of one another.

    Parameters
    ----------
    frame : DataFrame
        One row per text.
    by : str
        Column of the groups: a stage, touchpoint, wave or persona.
    model : SentimentModel
    text : str
        Column of the texts.
    minimum_base : int
        Smaller groups say "too few".

    Returns
    -------
    SentimentBy

    References
    ----------
    Forman, G. (2008). Quantifying counts and costs via classification. Data Mining and
    Knowledge Discovery 17, 164-206. doi:10.1007/s10618-008-0097-y
    """
    require_columns(frame, [text, by], caller="measure_sentiment_by")
    if min(model.values) >= 0:
        raise JourneyError(
            "measure_sentiment_by: a label must stand for less than 0; the labels are "
            f"{', '.join(model.labels)}. Give train_sentiment the values of the labels."
        )
    told = model.predict(frame[text]).assign(**{GROUP: frame[by].astype("string")})
    kept = told[told["label"].notna() & told[GROUP].notna()]
    bad = {name for name, value in zip(model.labels, model.values, strict=True) if value < 0}
    seen = model.out_of_fold
    truth, guess = seen["label"].isin(bad), seen["predicted"].isin(bad)
    right = (int((truth & guess).sum()), int(truth.sum()))
    wrong = (int((~truth & guess).sum()), int((~truth).sum()))
    rows = []
    for group, part in kept.groupby(GROUP, sort=True):
        n, level = len(part), model.level
        if n < minimum_base:
            few = unknown(n, level=level, why=f"too few (n < {minimum_base})")
            found = dict.fromkeys(MEASURES, few)
        else:
            negative = int(part["label"].isin(bad).sum())
            found = {
                MEASURES[0]: estimate_mean(part["score"].to_numpy(float), level=level),
                MEASURES[1]: estimate_share(negative, n, level=level),
                MEASURES[2]: adjust_share(negative, n, right=right, wrong=wrong, level=level),
            }
        for measure, estimate in found.items():
            rows.append({"by": by, GROUP: group, "measure": measure, **estimate.as_dict()})
    columns = ["by", GROUP, "measure", "estimate", "low", "high", "level", "n", "method"]
    return SentimentBy(pd.DataFrame(rows, columns=columns), len(frame) - len(kept), model.language)


def adjust_share(
    count: int,
    n: int,
    *,
    right: tuple[int, int],
    wrong: tuple[int, int],
    level: float = 0.95,
) -> Estimate:
    """Return the share that a classifier's count stands for, its errors taken out.

    Parameters
    ----------
    count, n : int
        Texts labelled so, of all.
    right, wrong : (int, int)
        Of the labelled texts that are so, and of those that are not: how many the classifier
        labels so out of fold, and how many there are.
    level : float, 0 to 1
    """
    require_level(level, caller="adjust_share")
    z = normal_quantile(level)
    (t, t_var), (f, f_var), (p, p_var) = (_smooth(*pair) for pair in (right, wrong, (count, n)))
    if n == 0 or t - f <= z * np.sqrt(t_var + f_var):
        return unknown(n, level=level, why="the model tells too little")
    t, f, p = right[0] / right[1], wrong[0] / wrong[1], count / n
    mended = (p - f) / (t - f)
    share = min(1.0, max(0.0, mended))
    half = z * np.sqrt(p_var + share**2 * t_var + (1 - share) ** 2 * f_var) / (t - f)
    low, high = float(mended - half), float(mended + half)
    if high < 0 or low > 1:
        return unknown(n, level=level, why="the model errs otherwise here")
    return Estimate(share, max(0.0, low), min(1.0, high), level, n, "adjusted count, delta method")


def _smooth(count: int, n: int) -> tuple[float, float]:
    """Return a share and its variance, one of each kind added so that neither is 0."""
    share = (count + 1) / (n + 2)
    return share, share * (1 - share) / (n + 2)
