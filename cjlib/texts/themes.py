"""Themes: what texts speak of, found by words that come together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from cjlib.errors import JourneyError, TooFewError
from cjlib.intervals import Floats, estimate_share, require_level
from cjlib.language import for_model, key, missing_reason
from cjlib.texts.factors import Factors, choose_number, count_words, factor

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEWEST_TEXTS: Final = 100  # texts with words; below that a theme is a handful of people
PER_THEME: Final = 30  # texts for each theme tried, on average
MOST_THEMES: Final = 10
LOADING: Final = 0.15  # of 1, a text that is all theme: less is no theme
TOP_WORDS: Final = 10
SHOWN_TEXTS: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Themes:
    """What ``find_themes`` found.

    Attributes
    ----------
    table : DataFrame
        One row per theme, the most common first, and "no theme" (0) last: ``theme, name`` (its
        three top words), ``words`` (ten, the first tells most), ``estimate`` (share of texts
        whose strongest theme it is), ``low, high, level, n, method``.
    words : DataFrame
        ``theme, rank, word, weight``.
    texts : DataFrame
        Representative texts: ``theme, rank, row`` (index of the input), ``text, loading``.
    assign : DataFrame
        On the index of the input: ``theme`` (0: none; missing: not an answer) and the loadings
        ``theme_1`` ...
    choice : DataFrame
        One row per number of themes tried: ``k, estimate`` (stability), ``low, high, explained,
        shuffled, chosen``, see ``choose_number``.
    counts : dict of str to int
        Texts read, not answers, without a known word, without a theme, analysed.
    language : str
        Of the figure.
    """

    table: pd.DataFrame
    words: pd.DataFrame
    texts: pd.DataFrame
    assign: pd.DataFrame
    choice: pd.DataFrame
    counts: dict[str, int]
    language: str

    @property
    def beats_chance(self) -> bool:
        """Whether themes explain more than in every set of shuffled words (5 % by luck)."""
        row = self._chosen()
        return bool(row["explained"] > row["shuffled"])

    def summary(self) -> str:
        """Name the commonest theme, how stable themes are and what is left, in one sentence."""
        row, first, none = self._chosen(), self.table.iloc[0], self.table.iloc[-1]
        doubt = "" if self.beats_chance else ": no more than chance, do not build on them"
        return (
            f"{len(self.table) - 1} themes in {self.counts['analysed']:,} texts (of "
            f"{self.counts['read']:,}; {self.counts['not answers']:,} are no answers); the "
            f"commonest, '{first['name']}', in {first['estimate']:.0%} [{first['low']:.0%}, "
            f"{first['high']:.0%}]; {none['estimate']:.0%} have no theme; stability "
            f"{row['estimate']:.2f} [{row['low']:.2f}, {row['high']:.2f}]; they explain "
            f"{row['explained']:.1%} of the words (shuffled: at most {row['shuffled']:.1%}){doubt}."
        )

    def _chosen(self) -> pd.Series:
        return self.choice[self.choice["chosen"]].iloc[0]

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the share of texts of every theme."""
        from cjlib import plots

        return plots.draw_themes(self.table, language=self.language, ax=ax)

    def plot_choice(self, *, ax: Axes | None = None) -> Axes:
        """Draw how stable each number of themes is."""
        from cjlib import plots

        return plots.draw_theme_choice(self.choice, language=self.language, ax=ax)


def find_themes(
    texts: pd.Series | Sequence[str],
    *,
    rng: np.random.Generator,
    k: int | None = None,
    language: str = "en",
    level: float = 0.95,
) -> Themes:
    """Find themes: groups of words that come together, and the texts that speak of them.

    Words are weighed by rarity (TF-IDF with 1 + log count), our stop words left out; words of
    opinion and negation stay. The matrix is split into ``k`` themes of words and loadings of
    texts, none negative (NMF from ``nndsvda``, the same every time). "Don't know", "nothing"
    and dashes are no answers and make no theme; a text given twice counts twice, but teaches
    once. A loading of 1 is a text that is all theme; the strongest loading below .15 is no
    theme. Representative texts are those with the highest loading, each text once, ties in
    the order given; show them only with their authors' consent.

    The number of themes is chosen in the open (``choice``), from 2 to 10 with 30 texts each on
    average: the largest whose stability is at least .95, or else the most stable.
    Stability is how alike the themes of all texts and of 10 random samples of 80 % are (mean
    cosine of their words, best pairing; 1 is always the same). Whether there are themes at all
    is asked of what they explain: more than in 19 sets whose words were dealt to the texts at
    random, where words come together by their frequency alone. Above 2,000 texts a random
    2,000 choose.

    Parameters
    ----------
    texts : Series or sequence of str
    rng : Generator
    k : int, optional
        Number of themes; by default chosen as said.
    language : "en" or "fa"
        Of the figures; texts may be in both.
    level : float, 0 to 1

    Raises
    ------
    TooFewError
        With fewer than 100 different texts that hold a word used by others, or fewer than 30
        for each theme asked for.

    References
    ----------
    Lee, D. D. and Seung, H. S. (1999). Nature 401, 788-791. doi:10.1038/44565
    Greene, D., O'Callaghan, D. and Cunningham, P. (2014). How many topics? Stability analysis
    for topic models. ECML PKDD, LNCS 8724, 498-513. doi:10.1007/978-3-662-44848-9_32
    """
    require_level(level, caller="find_themes")
    series = texts if isinstance(texts, pd.Series) else pd.Series(list(texts), dtype="string")
    given = series.astype("string").fillna("")
    says = np.array([missing_reason(text) is None for text in given], dtype=bool)
    spelled = [for_model(text) for text in given[says]]
    keys = pd.Series([key(text) or text for text in spelled])
    counted = count_words(spelled, once=~keys.duplicated().to_numpy())
    matrix = counted.weigh()
    worded = np.diff(matrix.indptr) > 0
    once = np.flatnonzero(worded & ~keys.duplicated().to_numpy())
    limit = _most_themes(len(once), int(says.sum()), k)
    numbers = [k] if k is not None else list(range(2, limit + 1))
    choice = choose_number(counted.cut(once), numbers, rng=rng, level=level)
    best = factor(matrix[once], int(choice.loc[choice["chosen"], "k"].iloc[0]))
    loadings = np.zeros((len(given), len(best.words)))
    loadings[says] = best.load(matrix)
    theme, order = _order_themes(loadings, says)
    loadings = loadings[:, order]
    words = _list_words(best, order, counted.names)
    n = int(says.sum())
    table = _share_table(words, theme[says], n=n, level=level)
    shown = _representative(given, loadings, theme, says, keys)
    index = series.index
    assign = pd.DataFrame(
        loadings, index=index, columns=[f"theme_{j + 1}" for j in range(len(order))]
    ).where(pd.Series(says, index=index), np.nan)
    assign.insert(0, "theme", pd.Series(theme, index=index, dtype="Int64").mask(~says))
    counts = {
        "read": len(given), "not answers": len(given) - n, "no known word": int((~worded).sum()),
        "no theme": int((theme[says] == 0).sum()), "analysed": n,
    }  # fmt: skip
    return Themes(table, words, shown, assign, choice, counts, language)


def _most_themes(texts: int, answers: int, k: int | None) -> int:
    if texts < FEWEST_TEXTS:
        raise TooFewError(
            f"find_themes: there must be at least {FEWEST_TEXTS} different texts with words that "
            f"others use too; of {answers:,} answers there are {texts:,}. Read them yourself: so "
            "few are coded by hand better."
        )
    limit = min(MOST_THEMES, texts // PER_THEME)
    if k is not None and k < 2:
        raise JourneyError(f"find_themes: k must be at least 2; got {k}.")
    if k is not None and k > texts // PER_THEME:
        raise TooFewError(
            f"find_themes: each theme needs {PER_THEME} different texts on average; {k} themes "
            f"need {k * PER_THEME:,}, there are {texts:,}. Ask for {texts // PER_THEME} or fewer."
        )
    return limit


def _order_themes(loadings: Floats, says: np.ndarray) -> tuple[np.ndarray, list[int]]:
    strongest = np.where(loadings.max(axis=1) >= LOADING, loadings.argmax(axis=1), -1)
    sizes = np.bincount(strongest[says & (strongest >= 0)], minlength=loadings.shape[1])
    order = sorted(range(len(sizes)), key=lambda j: (-sizes[j], j))
    place = np.zeros(len(order) + 1, dtype=np.int64)
    for new, old in enumerate(order, start=1):
        place[old] = new
    return place[strongest], order  # -1 takes the last place: 0, no theme


def _list_words(best: Factors, order: list[int], names: list[str]) -> pd.DataFrame:
    rows = []
    for theme, j in enumerate(order, start=1):
        top = np.argsort(-best.words[j], kind="stable")[:TOP_WORDS]
        for rank, column in enumerate(top, start=1):
            if best.words[j, column] > 0:
                rows.append((theme, rank, names[column], float(best.words[j, column])))
    return pd.DataFrame(rows, columns=["theme", "rank", "word", "weight"])


def _share_table(words: pd.DataFrame, theme: np.ndarray, *, n: int, level: float) -> pd.DataFrame:
    rows = []
    for number in [*words["theme"].unique().tolist(), 0]:
        listed = words.loc[words["theme"].eq(number), "word"].tolist()
        share = estimate_share(int((theme == number).sum()), n, level=level)
        told = {"theme": number, "name": " · ".join(listed[:3]), "words": " ".join(listed)}
        rows.append({**told, **share.as_dict()})
    return pd.DataFrame(rows)


def _representative(
    given: pd.Series, loadings: Floats, theme: np.ndarray, says: np.ndarray, keys: pd.Series
) -> pd.DataFrame:
    repeated = np.ones(len(given), dtype=bool)
    repeated[says] = keys.duplicated().to_numpy()
    rows = []
    for number in range(1, loadings.shape[1] + 1):
        mine = np.flatnonzero((theme == number) & ~repeated)
        top = mine[np.argsort(-loadings[mine, number - 1], kind="stable")][:SHOWN_TEXTS]
        for rank, i in enumerate(top.tolist(), start=1):
            rows.append(
                (number, rank, given.index[i], given.iloc[i], float(loadings[i, number - 1]))
            )
    return pd.DataFrame(rows, columns=["theme", "rank", "row", "text", "loading"])
