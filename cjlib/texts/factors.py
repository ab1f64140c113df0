"""Words and texts split into themes that hold nothing negative, and how stable they are."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from cjlib.errors import TooFewError
from cjlib.intervals import Floats
from cjlib.texts.stop_words import stop_words
from cjlib.texts.vectors import WORD

RESAMPLES: Final = 10
STABLE: Final = 0.95  # cosine; three planted themes are found so, a fourth has .89
SHUFFLES: Final = 19  # the best of them is passed by chance once in twenty
ENOUGH: Final = 2_000  # texts the number of themes is chosen on
SAMPLE: Final = 0.8
COMMON: Final = 0.5  # a word of more than half of the texts tells none apart
ROUNDS: Final = 400
SETTLED: Final = 1e-6  # of a loading


@dataclass(frozen=True, slots=True, eq=False)
class Factors:
    """Themes x words, each row of length 1."""

    words: Floats

    def load(self, matrix: sparse.csr_matrix) -> Floats:
        """Return texts x themes: how much of each theme a text of length 1 is made of."""
        products = np.asarray(matrix @ self.words.T, dtype=float)
        alike = self.words @ self.words.T
        loadings = np.zeros_like(products)
        for _ in range(ROUNDS):  # least squares, none negative: one theme after the other
            before = loadings.copy()
            for j in range(len(alike)):
                rest = products[:, j] - loadings @ alike[:, j] + loadings[:, j] * alike[j, j]
                loadings[:, j] = np.maximum(0.0, rest) / (alike[j, j] or 1.0)
            if np.abs(loadings - before).max(initial=0.0) < SETTLED:
                break
        return loadings


@dataclass(frozen=True, slots=True, eq=False)
class WordCounts:
    """Texts x words as counted, and how rare each word is; made by ``count_words``."""

    counts: sparse.csr_matrix
    rarity: TfidfTransformer
    names: list[str]

    def weigh(self) -> sparse.csr_matrix:
        """Return (1 + log count) x log rarity, every text of length 1."""
        return self.rarity.transform(self.counts)

    def cut(self, rows: npt.NDArray[np.int64]) -> WordCounts:
        """Return the same words for some texts; rarity stays."""
        return WordCounts(self.counts[rows], self.rarity, self.names)

    def shuffle(self, rng: np.random.Generator) -> WordCounts:
        """Deal all words to the texts anew: as many words per text, each word as often."""
        cells = self.counts.tocoo()
        times = cells.data.astype(np.int64)
        texts = rng.permutation(np.repeat(cells.row, times))
        words = np.repeat(cells.col, times)
        dealt = sparse.csr_matrix((np.ones(len(words)), (texts, words)), shape=cells.shape)
        return WordCounts(dealt, self.rarity, self.names)


def count_words(texts: Sequence[str], *, once: npt.NDArray[np.bool_]) -> WordCounts:
    """Count the words of texts that ``for_model`` made.

    Words of one letter or digits alone are left out, and those in fewer than 3 or more than
    half of the different texts (``once``), from which rarity is learned too.
    """
    counter = CountVectorizer(token_pattern=WORD, lowercase=False, dtype=np.float64)
    try:
        counts = counter.fit_transform(texts)
    except ValueError:  # scikit-learn's way to say that there is no word at all
        raise TooFewError(
            "find_themes: the texts must hold words; there is none in any. Check the column."
        ) from None
    names = counter.get_feature_names_out()
    seen = np.bincount(counts[once].indices, minlength=counts.shape[1])
    dull = stop_words()
    kept = np.array(
        [len(w) > 1 and not w.isdigit() and w not in dull for w in names.tolist()], dtype=bool
    )
    kept &= (seen >= 3) & (seen <= COMMON * once.sum())
    if not kept.any():
        raise TooFewError(
            "find_themes: texts must share words; none comes in three different texts or more. "
            "There is too little text for themes."
        )
    counts = counts[:, np.flatnonzero(kept)]
    rarity = TfidfTransformer(sublinear_tf=True).fit(counts[once])
    return WordCounts(counts, rarity, names[kept].tolist())


def factor(matrix: sparse.csr_matrix, k: int) -> Factors:
    """Split texts x words into ``k`` themes (NMF, ``nndsvda``: no random start)."""
    model = NMF(n_components=k, init="nndsvda", tol=1e-3, max_iter=ROUNDS, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # top words settle long before
        model.fit(matrix)
    length = np.linalg.norm(model.components_, axis=1, keepdims=True)
    return Factors(model.components_ / np.where(length > 0, length, 1.0))


def choose_number(
    words: WordCounts,
    numbers: Sequence[int],
    *,
    rng: np.random.Generator,
    level: float,
) -> pd.DataFrame:
    """Return stability and fit of each number of themes.

    Chosen is the largest number whose mean stability is at least .95; where none is, the most
    stable. At most 2,000 texts, drawn at random, take part.

    Returns
    -------
    DataFrame
        ``k, estimate`` (mean stability), ``low, high`` (of the samples), ``explained`` (share
        of the squared length of the texts), ``shuffled`` (the most that was explained in 19
        sets whose words are dealt to the texts at random; for the chosen number), ``chosen,
        n, level, method``.
    """
    size = words.counts.shape[0]
    if size > ENOUGH:
        words, size = words.cut(np.sort(rng.choice(size, ENOUGH, replace=False))), ENOUGH
    matrix = words.weigh()
    samples = [
        np.sort(rng.choice(size, int(SAMPLE * size), replace=False)) for _ in range(RESAMPLES)
    ]
    rows = []
    for k in numbers:
        whole = factor(matrix, k)
        found = np.array([_agree(whole, factor(matrix[sample], k)) for sample in samples])
        low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
        rows.append(
            {
                "k": k, "estimate": float(found.mean()), "low": float(low), "high": float(high),
                "explained": _explain(matrix, whole), "shuffled": float("nan"),
            }
        )  # fmt: skip
    table = pd.DataFrame(rows)
    stable = np.flatnonzero(table["estimate"].to_numpy() >= STABLE)
    chosen = int(stable[-1]) if len(stable) else int(table["estimate"].to_numpy().argmax())
    noise = [words.shuffle(rng).weigh() for _ in range(SHUFFLES)]
    table.loc[chosen, "shuffled"] = max(
        _explain(mixed, factor(mixed, int(table["k"].iloc[chosen]))) for mixed in noise
    )
    table["chosen"] = np.arange(len(table)) == chosen
    return table.assign(n=size, level=level, method=f"{RESAMPLES} samples of {SAMPLE:.0%}")


def _agree(one: Factors, other: Factors) -> float:
    """Return the mean cosine of two sets of themes under the best pairing."""
    likeness = one.words @ other.words.T
    rows, columns = linear_sum_assignment(-likeness)
    return float(likeness[rows, columns].mean())


def _explain(matrix: sparse.csr_matrix, found: Factors) -> float:
    loadings = found.load(matrix)
    cross = float(np.sum(np.asarray(matrix @ found.words.T) * loadings))
    fitted = float(np.sum((loadings.T @ loadings) * (found.words @ found.words.T)))
    total = float(matrix.multiply(matrix).sum())
    return (2 * cross - fitted) / total
