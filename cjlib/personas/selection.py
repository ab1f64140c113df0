"""Choosing the questions that tell groups apart best, one after the other."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from cjlib.personas.clustering import Floats, Ints
from cjlib.personas.discriminant import Discriminant, fit_discriminant, to_probabilities

INNER: Final = 5  # folds on which one question is compared with another


def choose_questions(
    x: Floats, labels: Ints, weights: Floats, blocks: list[list[int]], units: pd.Series, *,
    count: int, rng: np.random.Generator,
) -> list[int]:  # fmt: skip
    """Add questions one by one, each time the one with the best cross-validated accuracy.

    Accuracy is the weighted share of held-out people put into their own group by a linear
    discriminant, over ``INNER`` folds; a tie goes to the higher mean probability of the own
    group, then to the question that comes first. Gaps in held-out answers take the mean
    of the others, here only.

    Parameters
    ----------
    x : array (people, columns)
    labels : array (people,)
    weights : array (people,)
    blocks : list of list of int
        Columns of each question.
    units : Series
        Who they are: rows of one person stay in one fold.
    count : int
        Questions to choose.

    Returns
    -------
    list of int
        Places in ``blocks``, in the order chosen.
    """
    k = int(labels.max()) + 1
    folds = deal_folds(labels, units, INNER, rng=rng)
    parts: list[tuple[Discriminant, Floats, Ints, Floats]] = []
    for fold in range(INNER):
        out = folds == fold
        rest = ~out
        if not out.any() or len(np.unique(labels[rest])) < k:
            continue
        model = fit_discriminant(x[rest], labels[rest], weights[rest], k)
        held = np.where(np.isnan(x[out]), model.shares @ model.means, x[out])
        parts.append((model, held, labels[out], weights[out]))
    chosen: list[int] = []
    while len(chosen) < count:
        best: tuple[float, float, int] | None = None
        for i in range(len(blocks)):
            if i in chosen:
                continue
            columns = [j for c in (*chosen, i) for j in blocks[c]]
            found = (*_compare(parts, columns), -i)
            if best is None or found > best:
                best = found
        chosen.append(-best[2] if best else 0)
    return chosen


def _compare(
    parts: list[tuple[Discriminant, Floats, Ints, Floats]], columns: list[int]
) -> tuple[float, float]:
    """Accuracy and mean probability of the own group on held-out people."""
    right = sure = total = 0.0
    for model, held, labels, weights in parts:
        coefficients, constant = model.take(columns).coefficients()
        scores = held[:, columns] @ coefficients + constant
        chances = to_probabilities(scores)
        right += float(weights @ (scores.argmax(axis=1) == labels))
        sure += float(weights @ chances[np.arange(len(labels)), labels])
        total += float(weights.sum())
    return round(right / total, 12), sure / total


def deal_folds(labels: Ints, units: pd.Series, folds: int, *, rng: np.random.Generator) -> Ints:
    """Deal people into folds at random, each group evenly, rows of one unit together.

    A unit counts with the group of its first row.
    """
    codes, _ = pd.factorize(units)
    first = np.unique(codes, return_index=True)[1]
    order = rng.permutation(len(first))
    order = order[np.argsort(labels[first][order], kind="stable")]
    of_unit = np.empty(len(first), dtype=np.int64)
    of_unit[order] = np.arange(len(first)) % folds
    found: Ints = of_unit[codes]
    return found
