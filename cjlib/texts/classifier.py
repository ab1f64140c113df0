"""A linear classifier of texts, its out-of-fold scores and honest probabilities."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from cjlib.intervals import Floats
from cjlib.texts.vectors import Indices, TermWeights, learn_weights

Blocks = dict[str, sparse.csr_matrix]
STRENGTH: Final = 1.0  # of the ridge; on Persian comments 0.5 to 2 differ by .004 in F1
LEAD: Final = 0.2  # a label leads by less than this (60 to 40 among two): unsure


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """Weights of terms and of classes, learned from one set of rows; made by ``fit``."""

    terms: TermWeights = field(repr=False)
    model: Any

    def score(self, blocks: Blocks) -> Floats:
        """Return texts x scores (one column for two classes, else one per class)."""
        found = np.asarray(self.model.decision_function(self.terms.apply(blocks)), dtype=float)
        return found.reshape(len(found), -1)


def fit(blocks: Blocks, codes: Indices) -> Classifier:
    """Fit a (multinomial) logistic regression; every class weighs the same in all."""
    terms = learn_weights(blocks)
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=2_000)
    return Classifier(terms, model.fit(terms.apply(blocks), codes))


def balanced_chances(scores: Floats) -> Floats:
    """Return texts x classes as the model itself sees it: as if all classes were as common."""
    if scores.shape[1] == 1:
        scores = np.column_stack([np.zeros(len(scores)), scores[:, 0]])
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=1, keepdims=True)
    return shares


def deal_folds(groups: Indices, codes: Indices, folds: int, rng: np.random.Generator) -> Indices:
    """Return the fold of every row: equal texts together, classes spread evenly.

    Groups are shuffled and dealt in turn, one class (that of a group's first row) after the
    other, so that folds differ by at most one group of a class.
    """
    _, first, place = np.unique(groups, return_index=True, return_inverse=True)
    order = rng.permutation(len(first))
    order = order[np.argsort(codes[first][order], kind="stable")]
    fold = np.empty(len(first), dtype=np.int64)
    fold[order] = np.arange(len(first)) % folds
    return fold[place]


def score_out_of_fold(blocks: Blocks, codes: Indices, fold: Indices) -> Floats:
    """Return every row's scores from a model that has seen no row of its fold."""
    parts: dict[int, Floats] = {}
    for number in np.unique(fold).tolist():
        seen, held = fold != number, fold == number
        model = fit(cut(blocks, seen), codes[seen])
        parts[number] = model.score(cut(blocks, held))
    scores = np.empty((len(codes), next(iter(parts.values())).shape[1]))
    for number, found in parts.items():
        scores[fold == number] = found
    return scores


def cut(blocks: Blocks, rows: npt.NDArray[Any]) -> Blocks:
    """Return the same blocks with these rows only."""
    return {name: counts[rows] for name, counts in blocks.items()}


def fit_calibration(scores: Floats, codes: Indices) -> LogisticRegression:
    """Fit Platt's scaling (for more classes its multinomial form) on out-of-fold scores.

    References
    ----------
    Platt, J. (1999). Probabilistic outputs for support vector machines. In Advances in Large
    Margin Classifiers, 61-74. MIT Press.
    """
    return LogisticRegression(C=10.0, max_iter=2_000).fit(scores, codes)


def calibrate_out_of_fold(scores: Floats, codes: Indices, fold: Indices) -> Floats:
    """Return calibrated chances; a fold's scaling is learned from the other folds' scores."""
    chances = np.empty((len(codes), int(codes.max()) + 1))
    for number in np.unique(fold).tolist():
        held = fold == number
        scaling = fit_calibration(scores[~held], codes[~held])
        chances[held] = scaling.predict_proba(scores[held])
    return chances


def choose_labels(chances: Floats, shares: Floats) -> tuple[Indices, npt.NDArray[np.bool_]]:
    """Return each text's class and whether it leads by too little to be sure.

    The class whose chance is largest beside its share among the labelled texts: so a rare
    class is not passed over because it is rare.
    """
    weighed = chances / shares
    weighed = weighed / weighed.sum(axis=1, keepdims=True)
    ranked = np.sort(weighed, axis=1)
    return np.argmax(weighed, axis=1), ranked[:, -1] - ranked[:, -2] < LEAD
