"""Sentiment learned from the study's own labelled texts, judged on texts it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from cjlib.errors import JourneyError
from cjlib.intervals import Floats, require_level
from cjlib.language import for_model, missing_reason
from cjlib.texts.classifier import (
    Classifier,
    balanced_chances,
    calibrate_out_of_fold,
    choose_labels,
    deal_folds,
    fit,
    fit_calibration,
    score_out_of_fold,
)
from cjlib.texts.labels import LabelledTexts, read_labelled, require_enough
from cjlib.texts.quality import (
    CHANCE,
    MODEL,
    MOST_FREQUENT,
    WORDS_ONLY,
    bin_chances,
    count_confusion,
    judge_chances,
    judge_labels,
)
from cjlib.texts.vectors import TermCounts, count_terms

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TELLING: Final = 15  # words shown per label
FEWEST_WITH_WORD: Final = 5  # a word of fewer texts is an anecdote


@dataclass(frozen=True, slots=True, eq=False)
class SentimentModel:
    """What ``train_sentiment`` learned, and how good it is on texts it has not seen.

    Attributes
    ----------
    quality : DataFrame
        ``model`` (model, words only, most frequent label, chance, and "gain over ..."),
        ``measure`` (accuracy, macro_f1, precision, recall, f1, brier), ``label``, ``estimate,
        low, high, level, n, method``; all from out-of-fold predictions.
    calibration : DataFrame
        Chances against what happened, before and after calibration, see ``bin_chances``.
    confusion : DataFrame
        ``label, predicted, texts, share``, out of fold.
    words : DataFrame
        The words that tell most: ``label, word, weight, texts`` (with the word), ``share``
        (of those, how many have the label); from the words-only model.
    out_of_fold : DataFrame
        One row per labelled text kept: ``label, predicted, unsure, fold``.
    labels : list of str
        From bad to good.
    values : array of float
        What each label stands for, -1 to 1.
    left_out : dict of str to int
        Rows not learned from, by reason.
    level : float
        Coverage of the intervals.
    language : str
        Of the figures.
    """

    quality: pd.DataFrame
    calibration: pd.DataFrame
    confusion: pd.DataFrame
    words: pd.DataFrame
    out_of_fold: pd.DataFrame
    labels: list[str]
    values: Floats
    left_out: dict[str, int]
    level: float
    language: str
    counts: TermCounts = field(repr=False)
    classifier: Classifier = field(repr=False)
    scaling: Any = field(repr=False)
    shares: Floats = field(repr=False)

    @property
    def beats_baseline(self) -> bool:
        """Whether macro F1 is surely above that of the most frequent label and of chance."""
        return all(self.row(f"gain over {b}", "macro_f1")["low"] > 0 for b in _DULL)

    def row(self, model: str, measure: str, label: str = "") -> pd.Series:
        """Return one row of ``quality``."""
        table = self.quality
        found = table[
            table["model"].eq(model) & table["measure"].eq(measure) & table["label"].eq(label)
        ]
        if found.empty:
            raise JourneyError(
                f"SentimentModel.row: there must be such a row in quality; got {model!r}, "
                f"{measure!r}, {label!r}. Models: {', '.join(table['model'].unique())}."
            )
        return found.iloc[0]

    def summary(self) -> str:
        """Say in one sentence whether the model is better than a dull rule, and how good."""
        f1, dull = self.row(MODEL, "macro_f1"), max(_DULL, key=self._dull_f1)
        gain = self.row(f"gain over {WORDS_ONLY}", "macro_f1")
        verdict = "beats" if self.beats_baseline else "does not surely beat"
        notes = [f"{left:,} rows left out"] if (left := sum(self.left_out.values())) else []
        rare = int(np.argmin(self.shares))
        if self.shares[rare] < 0.5 / len(self.labels):
            notes.append(
                f"'{self.labels[rare]}' is rare ({self.shares[rare]:.0%}) and weighs as much as "
                "the others"
            )
        if self.row(f"gain over {MOST_FREQUENT}", "accuracy")["low"] <= 0:
            most = self.labels[int(np.argmax(self.shares))]
            notes.append(f"in accuracy always saying '{most}' is as good or better")
        return (
            f"Sentiment learned from {f1['n']:,} labelled texts "
            f"({'; '.join([' / '.join(self.labels), *notes])}) {verdict} the best dull rule "
            f"({dull}): macro F1 {f1['estimate']:.3f} [{f1['low']:.3f}, {f1['high']:.3f}] on "
            f"texts not seen, against {self._dull_f1(dull):.3f}; {gain['estimate']:+.3f} "
            f"[{gain['low']:+.3f}, {gain['high']:+.3f}] over words alone; "
            f"{self.out_of_fold['unsure'].mean():.0%} unsure."
        )

    def _dull_f1(self, name: str) -> float:
        return float(self.row(name, "macro_f1")["estimate"])

    def predict(self, texts: pd.Series | Sequence[str]) -> pd.DataFrame:
        """Score texts.

        Good for texts like the labelled ones; on other products or another question the
        quality shown does not hold.

        Parameters
        ----------
        texts : Series or sequence of str

        Returns
        -------
        DataFrame
            On the index of ``texts``: ``label`` (the class whose chance is largest beside its
            share among the labelled texts), ``score`` (mean of the labels' values under the
            chances, -1 to 1), ``unsure`` (the label leads by less than 20 points, or the text
            holds no known word), and ``p_<label>`` (calibrated chances, as common as among the
            labelled texts). Texts that say nothing have none of it.
        """
        series = texts if isinstance(texts, pd.Series) else pd.Series(list(texts), dtype="string")
        given = series.astype("string").fillna("").tolist()
        says = np.array([missing_reason(text) is None for text in given], dtype=bool)
        chances = np.full((len(given), len(self.labels)), np.nan)
        codes = np.zeros(len(given), dtype=np.int64)
        unsure = np.zeros(len(given), dtype=bool)
        if says.any():
            spelled = [for_model(text) for text, kept in zip(given, says, strict=True) if kept]
            blocks = self.counts.count(spelled)
            chances[says] = self.scaling.predict_proba(self.classifier.score(blocks))
            codes[says], unsure[says] = choose_labels(chances[says], self.shares)
            unsure[says] |= np.diff(blocks["words"].indptr) == 0
        label = pd.Series(pd.array(np.array(self.labels)[codes], dtype="string"))
        table = pd.DataFrame(
            {
                "label": label.mask(~says), "score": chances @ self.values,
                "unsure": pd.Series(unsure, dtype="boolean").mask(~says),
                **{f"p_{name}": chances[:, j] for j, name in enumerate(self.labels)},
            }
        )  # fmt: skip
        return table.set_axis(series.index)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw macro F1 beside the baselines."""
        from cjlib import plots

        shown = self.quality[self.quality["measure"].eq("macro_f1")]
        return plots.draw_sentiment_quality(shown, language=self.language, ax=ax)

    def plot_calibration(self, *, ax: Axes | None = None) -> Axes:
        """Draw chances against what happened, before and after calibration."""
        from cjlib import plots

        best = self.calibration[self.calibration["label"].eq(self.labels[-1])]
        return plots.draw_sentiment_calibration(best, language=self.language, ax=ax)

    def plot_words(self, *, ax: Axes | None = None) -> Axes:
        """Draw the words that tell most for the worst and the best label."""
        from cjlib import plots

        ends = [self.labels[0], self.labels[-1]]
        return plots.draw_telling_words(self.words, labels=ends, language=self.language, ax=ax)


_DULL: Final = (MOST_FREQUENT, CHANCE)


def train_sentiment(
    texts: pd.Series | Sequence[str],
    labels: pd.Series | Sequence[Any],
    *,
    rng: np.random.Generator,
    values: Mapping[Any, float] | None = None,
    language: str | None = None,
    folds: int = 5,
    level: float = 0.95,
) -> SentimentModel:
    """Learn sentiment from labelled texts and say how good it is on texts not seen.

    Words, pairs of words and pieces of 2 to 5 letters (TF-IDF with 1 + log count), and a
    logistic regression in which every label weighs the same. Nothing is downloaded, no list
    of good and bad words is used, and no word is left out: negation and opinion decide.

    All quality is out of fold: the texts are dealt into ``folds`` parts, equal texts (by
    ``key``) into the same one, and each part is labelled by a model that has read the other
    parts alone, rarity of words included. Chances are calibrated by Platt's scaling on
    out-of-fold scores; "after calibration" is judged out of fold too. Intervals draw the
    texts again (1,000 times), not the models: they do not show how another set of labelled
    texts would have trained.

    Parameters
    ----------
    texts : Series or sequence of str
        In any language; Persian and English spellings are evened out by ``for_model``.
    labels : Series or sequence
        2 to 5 different labels, one per text: numbers (stars), or words such as sad / happy,
        negative / neutral / positive, منفی / مثبت. Rows without a label, and texts that say
        nothing ("-", "don't know"), are left out and counted.
    rng : Generator
        Deals the folds and draws the resamples.
    values : mapping of label to float, optional
        What each label stands for, -1 (worst) to 1 (best); needed for other words.
    language : str, optional
        Of the figures: "en" or "fa"; by default the one most texts are written in.
    folds : int
        3 to 20.
    level : float, 0 to 1

    Returns
    -------
    SentimentModel

    Raises
    ------
    TooFewError
        If a label has fewer than 50 different texts; the message says how many are missing.
    """
    require_level(level, caller="train_sentiment")
    if not 3 <= folds <= 20:
        raise JourneyError(f"train_sentiment: folds must be 3 to 20; got {folds}. Take 5.")
    data = read_labelled(texts, labels, values=values, caller="train_sentiment")
    require_enough(data, caller="train_sentiment")
    counts = count_terms(data.texts)
    words = {"words": counts.blocks["words"]}
    fold = deal_folds(data.groups, data.codes, folds, rng)
    shares = np.bincount(data.codes) / len(data.codes)
    scores = score_out_of_fold(counts.blocks, data.codes, fold)
    after = calibrate_out_of_fold(scores, data.codes, fold)
    predicted, unsure = choose_labels(after, shares)
    plain = score_out_of_fold(words, data.codes, fold)
    plain_codes, _ = choose_labels(calibrate_out_of_fold(plain, data.codes, fold), shares)
    quality = judge_labels(
        data.codes, predicted, plain_codes, groups=data.groups, names=data.names, level=level,
        rng=rng,
    )  # fmt: skip
    before = balanced_chances(scores)
    dull = np.tile(shares, (len(data.codes), 1))
    brier = judge_chances(
        {"before calibration": before, MODEL: after, "shares of the labels": dull}, data.codes,
        groups=data.groups, level=level,
    )  # fmt: skip
    names = np.array(data.names)
    return SentimentModel(
        pd.concat([quality, brier], ignore_index=True),
        bin_chances({"before": before, "after": after}, data.codes, names=data.names, level=level),
        count_confusion(data.codes, predicted, names=data.names),
        _telling_words(data, counts),
        pd.DataFrame(
            {
                "label": pd.array(names[data.codes], dtype="string"),
                "predicted": pd.array(names[predicted], dtype="string"),
                "unsure": unsure, "fold": fold,
            }
        ),
        data.names, data.values, data.left_out, level, language or _language_of(data.texts),
        counts, fit(counts.blocks, data.codes), fit_calibration(scores, data.codes), shares,
    )  # fmt: skip


def _telling_words(data: LabelledTexts, counts: TermCounts) -> pd.DataFrame:
    found = fit({"words": counts.blocks["words"]}, data.codes)
    columns = found.terms.columns["words"]
    spelled = counts.counters["words"].get_feature_names_out()[columns]
    present = counts.blocks["words"][:, columns] > 0
    texts = np.asarray(present.sum(axis=0)).ravel()
    weights = np.asarray(found.model.coef_)
    weights = np.vstack([-weights, weights]) if len(weights) == 1 else weights
    tables = []
    for j, name in enumerate(data.names):
        with_label = np.asarray(present[data.codes == j].sum(axis=0)).ravel()
        table = pd.DataFrame(
            {
                "label": name, "word": pd.array(spelled, dtype="string"), "weight": weights[j],
                "texts": texts, "share": with_label / texts,
            }
        )  # fmt: skip
        common = table[table["texts"].ge(FEWEST_WITH_WORD) & table["weight"].gt(0)]
        ranked = common.sort_values(["weight", "word"], ascending=[False, True])
        tables.append(ranked.head(TELLING))
    return pd.concat(tables, ignore_index=True)


def _language_of(texts: Sequence[str]) -> str:
    persian = sum(any("\u0600" <= c <= "\u06ff" for c in text) for text in texts)
    return "fa" if 2 * persian > len(texts) else "en"
