"""Texts as counts of words and pieces of words, and their weights (TF-IDF)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

WORD: Final = r"[^\W_]+|[\u2600-\u27bf\U0001f300-\U0001faff]"  # a word, or one picture
FEWEST_TEXTS: Final = 2  # a term of a single text tells nothing about another

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class TermCounts:
    """Counts of terms, counted once and then cut into folds.

    Attributes
    ----------
    blocks : dict of str to sparse matrix
        "words" (one word and two in a row) and "pieces" (2 to 5 letters inside a word, with
        its edges); texts x terms.
    counters : dict of str to CountVectorizer
        What counts further texts the same way.
    """

    blocks: dict[str, sparse.csr_matrix]
    counters: dict[str, Any] = field(repr=False)

    def count(self, texts: Sequence[str]) -> dict[str, sparse.csr_matrix]:
        """Return the counts of other texts (as ``for_model`` gives them), same terms."""
        return {name: counter.transform(texts) for name, counter in self.counters.items()}


def count_terms(texts: Sequence[str]) -> TermCounts:
    """Count the words and pieces of texts that ``for_model`` made; no word is left out."""
    counters = {
        "words": CountVectorizer(ngram_range=(1, 2), token_pattern=WORD, lowercase=False),
        "pieces": CountVectorizer(ngram_range=(2, 5), analyzer="char_wb", lowercase=False),
    }
    for counter in counters.values():
        counter.set_params(min_df=min(FEWEST_TEXTS, len(texts)), dtype=np.float64)
    return TermCounts({name: c.fit_transform(texts) for name, c in counters.items()}, counters)


@dataclass(frozen=True, slots=True, eq=False)
class TermWeights:
    """Which terms some texts know, and how rare they are there; made by ``learn_weights``."""

    columns: dict[str, Indices]
    weights: dict[str, TfidfTransformer]

    def apply(self, blocks: dict[str, sparse.csr_matrix]) -> sparse.csr_matrix:
        """Return texts x terms: (1 + log count) x log rarity, each block of length 1."""
        parts = [
            weight.transform(blocks[name][:, self.columns[name]])
            for name, weight in self.weights.items()
        ]
        return sparse.hstack(parts, format="csr")


def learn_weights(blocks: dict[str, sparse.csr_matrix]) -> TermWeights:
    """Learn the terms (in two texts or more) and their rarity from these rows alone.

    Rows that are to be judged must not be among them: cutting the counts first and learning
    then is the same as reading the training texts alone.
    """
    columns, weights = {}, {}
    for name, counts in blocks.items():
        rows = np.bincount(counts.indices, minlength=counts.shape[1])
        columns[name] = np.flatnonzero(rows >= FEWEST_TEXTS)
        weights[name] = TfidfTransformer(sublinear_tf=True).fit(counts[:, columns[name]])
    return TermWeights(columns, weights)
