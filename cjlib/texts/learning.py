"""Would more labels pay? Quality on texts not seen, by the number of labels learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.metrics import f1_score

from cjlib.errors import JourneyError, TooFewError
from cjlib.intervals import Estimate, Floats, require_level
from cjlib.texts.classifier import balanced_chances, cut, fit
from cjlib.texts.labels import LabelledTexts, read_labelled
from cjlib.texts.vectors import Indices, count_terms

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZES: Final = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)
HELD_OUT: Final = 0.25
FEWEST: Final = 10  # texts of each label in the smallest training set
WORTH: Final = 0.01  # a gain in macro F1 smaller than this is not worth another doubling


@dataclass(frozen=True, slots=True, eq=False)
class LearningCurve:
    """What ``learning_curve`` found.

    Attributes
    ----------
    table : DataFrame
        ``labels`` (texts learned from), ``estimate`` (mean macro F1 on texts not seen),
        ``low, high`` (where one such set of labels lands), ``level, n`` (draws), ``method``.
    gain : Estimate
        Of the last step of the table: mean difference in macro F1, with its interval.
    language : str
        Of the figure.
    """

    table: pd.DataFrame
    gain: Estimate
    language: str = "en"

    def summary(self) -> str:
        """Say in one sentence whether more labels would pay."""
        last, before = self.table.iloc[-1], self.table.iloc[-2]
        if self.gain.low > 0 and self.gain.estimate >= WORTH:
            verdict = "more labels would likely pay"
        elif self.gain.high < WORTH:
            verdict = "more labels would hardly pay"
        else:
            verdict = "whether more labels would pay cannot be told"
        return (
            f"Macro F1 on texts not seen is {last['estimate']:.3f} with {last['labels']:,} labels "
            f"and {before['estimate']:.3f} with {before['labels']:,} (gain "
            f"{self.gain.estimate:+.3f} [{self.gain.low:+.3f}, {self.gain.high:+.3f}]): {verdict}."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw macro F1 by the number of labels."""
        from cjlib import plots

        return plots.draw_learning_curve(self.table, language=self.language, ax=ax)


def learning_curve(
    texts: pd.Series | Sequence[str],
    labels: pd.Series | Sequence[Any],
    *,
    rng: np.random.Generator,
    values: Mapping[Any, float] | None = None,
    sizes: Sequence[int] = SIZES,
    draws: int = 10,
    level: float = 0.95,
    language: str = "en",
) -> LearningCurve:
    """Measure macro F1 at 50, 100, 200, 500 ... labels, so that one sees whether more pay.

    In each draw a quarter of the different texts is held out; from the rest nested sets are
    drawn, with the labels as common as in all, and the model of ``train_sentiment`` (before
    calibration) learns from each and labels the texts held out. A text given twice counts
    once. The band says where one more such set would land: mean ± t · sd · √(1 + 1/draws).
    The interval of the gain allows for draws that share texts (Nadeau and Bengio).

    Parameters
    ----------
    texts, labels, values
        As in ``train_sentiment``.
    rng : Generator
    sizes : sequence of int
        Those that fit into three quarters of the texts are used, and all of them.
    draws : int
        At least 5.
    level : float, 0 to 1
    language : "en" or "fa"
        Of the figure.

    Raises
    ------
    TooFewError
        With fewer than two sizes that hold ten texts of every label.

    References
    ----------
    Nadeau, C. and Bengio, Y. (2003). Inference for the generalization error. Machine Learning
    52, 239-281. doi:10.1023/A:1024068626366
    """
    require_level(level, caller="learning_curve")
    if draws < 5:
        raise JourneyError(f"learning_curve: draws must be at least 5; got {draws}. Take 10.")
    data = _once(read_labelled(texts, labels, values=values, caller="learning_curve"))
    n = len(data.codes)
    room = n - int(np.ceil(HELD_OUT * n))
    rarest = float(np.bincount(data.codes).min()) / n
    steps = sorted({int(s) for s in sizes if s < room} | {room})
    steps = [s for s in steps if s * rarest >= FEWEST]
    if len(steps) > 2 and steps[-1] < 1.2 * steps[-2]:
        del steps[-2]
    if len(steps) < 2:
        raise TooFewError(
            f"learning_curve: two sizes must hold {FEWEST} texts of every label; there are {n:,} "
            f"different texts, {rarest:.0%} of the rarest label. Label more, or join labels."
        )
    blocks = count_terms(data.texts).blocks
    found = np.empty((draws, len(steps)))
    for draw in range(draws):
        order = _spread(data.codes, rng)
        held, rest = order[room:], order[:room]
        rest = rest[_spread(data.codes[rest], rng)]
        for j, size in enumerate(steps):
            model = fit(cut(blocks, rest[:size]), data.codes[rest[:size]])
            told = balanced_chances(model.score(cut(blocks, held))).argmax(axis=1)
            found[draw, j] = f1_score(data.codes[held], told, average="macro")
    return LearningCurve(_curve(found, steps, level), _last_gain(found, n, level), language)


def _once(data: LabelledTexts) -> LabelledTexts:
    _, first = np.unique(data.groups, return_index=True)
    return LabelledTexts(
        [data.texts[i] for i in first], data.codes[first], data.groups[first], data.names,
        data.values, data.left_out,
    )  # fmt: skip


def _spread(codes: Indices, rng: np.random.Generator) -> Indices:
    """Return a random order whose every beginning holds the classes as all of it does."""
    mixed = rng.permutation(len(codes))
    rank = pd.Series(codes[mixed]).groupby(codes[mixed]).cumcount().to_numpy()
    place = (rank + rng.random(int(codes.max()) + 1)[codes[mixed]]) / np.bincount(codes)[
        codes[mixed]
    ]
    order: Indices = mixed[np.argsort(place, kind="stable")]
    return order


def _curve(found: Floats, steps: list[int], level: float) -> pd.DataFrame:
    draws = len(found)
    mean, sd = found.mean(axis=0), found.std(axis=0, ddof=1)
    half = stats.t.ppf(0.5 + level / 2, draws - 1) * sd * np.sqrt(1 + 1 / draws)
    return pd.DataFrame(
        {
            "labels": steps, "estimate": mean, "low": mean - half,
            "high": np.minimum(1.0, mean + half), "level": level, "n": draws,
            "method": "one more draw of labels and texts",
        }
    )  # fmt: skip


def _last_gain(found: Floats, n: int, level: float) -> Estimate:
    gain = found[:, -1] - found[:, -2]
    draws = len(gain)
    error = np.sqrt((1 / draws + HELD_OUT / (1 - HELD_OUT)) * gain.var(ddof=1))
    half = float(stats.t.ppf(0.5 + level / 2, draws - 1) * error)
    mean = float(gain.mean())
    return Estimate(mean, mean - half, mean + half, level, n, "corrected resampled t")
