"""Missing answers: how many, in which items, together with which others, and whether blindly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.columns import ESTIMATE, RESPONDENT, SHARE, WAVE, require_columns
from cjlib.errors import ColumnError, TooFewError
from cjlib.intervals import Estimate, estimate_share, unknown
from cjlib.survey.cleaning import Survey
from cjlib.survey.ledger import ACTION, COLUMN, RULE
from cjlib.survey.mcar import Mcar, measure_mcar

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CLOSED: Final = ("scale", "number", "money", "nominal")  # an empty tick or comment is an answer
TESTED: Final = ("scale", "number", "money")
STATES: Final = ("answered", "left out", "not asked")
ANSWERED, LEFT_OUT, NOT_ASKED = range(3)
PATTERNS_SHOWN: Final = 12
States = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class MissingAnswers:
    """What ``measure_missing`` found.

    Attributes
    ----------
    table : DataFrame
        One row per item, the most often missing first: ``item``; ``asked, answered``
        (people); ``left_out``: asked, nothing written; ``set_missing``: something written
        that is no answer (a code for none, out of range, a text that fits no rule);
        ``not_asked``; ``estimate, low, high, level, n, method``: share of those asked without
        an answer, 0 to 1 (Wilson).
    by_wave : DataFrame
        The same for each ``wave``.
    patterns : DataFrame
        One row per set of items missing together, the most frequent first: ``pattern``
        (from 1), ``missing`` (their names, empty for complete rows), ``gaps`` (how many),
        ``not_asked`` (items), ``rows``, ``share`` of all rows.
    pattern_items : DataFrame
        ``pattern, item, state`` ("answered", "left out" or "not asked") of the
        ``PATTERNS_SHOWN`` most frequent patterns.
    pairs : DataFrame
        Items missing in the same rows, the most frequent first: ``item, other, asked`` (both),
        ``both`` (rows missing both), ``expected`` if gaps fell independently, ``ratio``.
    little : Mcar
        Little's test on the numeric items that were asked of everybody.
    n, complete : int
        Rows; rows with every item they were asked.
    language : str
    """

    table: pd.DataFrame
    by_wave: pd.DataFrame
    patterns: pd.DataFrame
    pattern_items: pd.DataFrame
    pairs: pd.DataFrame
    little: Mcar
    n: int
    complete: int
    language: str

    def summary(self) -> str:
        """Say how much is missing and whether blindly, in two sentences."""
        asked = int(self.table["asked"].sum())
        gaps = asked - int(self.table["answered"].sum())
        known = self.table[self.table[ESTIMATE].notna()]
        worst = ""
        if gaps and len(known):
            top = known.iloc[0]
            worst = f", most in {top['item']} ({top[ESTIMATE]:.1%})"
        return (
            f"{gaps:,} of {asked:,} answers asked for are missing "
            f"({gaps / max(asked, 1):.1%}{worst}); {self.complete:,} of {self.n:,} rows have every "
            f"answer they were asked for. {self.little.summary()}"
        )

    def plot(self, *, ax: Axes | None = None, labels: dict[str, str] | None = None) -> Axes:
        """Draw which items are missing together: items by the most frequent patterns."""
        from cjlib import plots

        return plots.draw_missing(
            self.pattern_items, self.patterns, labels=labels, language=self.language, ax=ax
        )


def measure_missing(
    data: Survey | pd.DataFrame, *, items: Sequence[str] | None = None
) -> MissingAnswers:
    """Measure which answers are missing, together with which others, and whether blindly.

    An answer is missing where the person was asked and no usable answer stands in the clean
    table. An item is not asked in a wave whose files do not hold it, nor of those its
    ``asked_if`` passes by; that is no gap. Shares are unweighted: they describe the sample.

    Parameters
    ----------
    data : Survey or DataFrame
        Of a survey its ``respondents``; of a frame every column, all rows asked.
    items : sequence of str, optional
        Columns to look at. None: the closed items of the codebook (scale, number, money,
        nominal); ticks and comments are left out, as an empty one may be an answer.

    Raises
    ------
    ColumnError
        For an unknown item, or where there is none.
    TooFewError
        If there are no rows.

    References
    ----------
    Wilson, E. B. (1927). JASA 22(158), 209-212. Little, R. J. A. (1988). JASA 83, 1198-1202.
    """
    people, names = _choose(data, items)
    asked = _find_asked(data, people, names)
    states = np.full(asked.shape, NOT_ASKED, dtype=np.int8)
    gaps = people[names].isna().to_numpy()
    states[asked] = np.where(gaps[asked], LEFT_OUT, ANSWERED)
    cleared = _find_cleared(data, people, names)
    base, level = _rules(data)
    everybody = pd.Series("all", index=people.index)
    table = _count_items(states, cleared, names, everybody, base=base, level=level)
    table = table.drop(columns=WAVE).sort_values(
        [ESTIMATE, "left_out"], ascending=False, kind="stable"
    )
    waves = people[WAVE] if WAVE in people.columns else everybody
    kinds, counts = _distinct(states)
    patterns, pattern_items = _count_patterns(kinds, counts, names)
    tested = [
        name
        for place, name in enumerate(names)
        if asked[:, place].all() and _is_tested(data, people[name])
    ]
    return MissingAnswers(
        table.reset_index(drop=True),
        _count_items(states, cleared, names, waves, base=base, level=level),
        patterns, pattern_items, _count_pairs(kinds, counts, names), measure_mcar(people[tested]),
        len(people), int((states != LEFT_OUT).all(axis=1).sum()),
        data.study.language if isinstance(data, Survey) else "en",
    )  # fmt: skip


def _choose(
    data: Survey | pd.DataFrame, items: Sequence[str] | None
) -> tuple[pd.DataFrame, list[str]]:
    people = data.respondents if isinstance(data, Survey) else data
    if items is not None:
        names = list(items)
    elif isinstance(data, Survey):
        closed = [i.name for i in data.study.codebook.items if i.kind in CLOSED]
        names = [name for name in closed if name in people.columns]
    else:
        names = [str(c) for c in people.columns if c != WAVE]
    require_columns(people, names, caller="measure_missing")
    if not names or len(set(names)) < len(names):
        raise ColumnError(
            "measure_missing: there must be at least one item, each named once; got "
            f"{', '.join(names) or 'none'}. Name columns of the respondents table."
        )
    if people.empty:
        raise TooFewError("measure_missing: there must be rows; got none. Read the survey first.")
    return people.reset_index(drop=True), names


def _find_asked(
    data: Survey | pd.DataFrame, people: pd.DataFrame, names: list[str]
) -> npt.NDArray[np.bool_]:
    asked = np.ones((len(people), len(names)), dtype=bool)
    if not isinstance(data, Survey):
        return asked
    for place, name in enumerate(names):
        waves = data.absent.loc[data.absent["item"].eq(name), WAVE]
        asked[:, place] = ~people[WAVE].isin(waves).to_numpy(dtype=bool)
    rows = pd.Index(data.everyone[RESPONDENT]).get_indexer(pd.Index(people[RESPONDENT]))
    for place, name in enumerate(names):
        if name in data.not_asked.columns:
            passed_by = data.not_asked[name].to_numpy(dtype=bool)
            asked[:, place] &= ~passed_by[rows]
    return asked


def _find_cleared(
    data: Survey | pd.DataFrame, people: pd.DataFrame, names: list[str]
) -> npt.NDArray[np.bool_]:
    """Cells that held something that was no answer, by the ledger."""
    cleared = np.zeros((len(people), len(names)), dtype=bool)
    if not isinstance(data, Survey):
        return cleared
    ledger = data.ledger
    rows = ledger[
        ledger[ACTION].eq("missing") & ledger[COLUMN].isin(names) & ledger[RULE].ne("blank mark")
    ]
    place = pd.Index(people[RESPONDENT]).get_indexer(pd.Index(rows[RESPONDENT]))
    column = pd.Index(names).get_indexer(pd.Index(rows[COLUMN]))
    stays = place >= 0
    cleared[place[stays], column[stays]] = True
    return cleared


def _rules(data: Survey | pd.DataFrame) -> tuple[int, float]:
    if isinstance(data, Survey):
        return data.study.privacy.minimum_base, data.study.level
    return 0, 0.95


def _count_items(
    states: States, cleared: npt.NDArray[np.bool_], names: list[str], waves: pd.Series,
    *, base: int, level: float,
) -> pd.DataFrame:  # fmt: skip
    rows = []
    for wave, index in waves.groupby(waves, sort=False).indices.items():
        part, n = states[index], len(index)
        gaps = part == LEFT_OUT
        not_asked, missing = (part == NOT_ASKED).sum(axis=0), gaps.sum(axis=0)
        set_missing = (gaps & cleared[index]).sum(axis=0)
        for name, out, gone, made in zip(names, not_asked, missing, set_missing, strict=True):
            share = _estimate(int(gone), int(n - out), base=base, level=level)
            rows.append(
                {WAVE: wave, "item": name, "asked": int(n - out), "answered": int(n - out - gone),
                 "left_out": int(gone - made), "set_missing": int(made), "not_asked": int(out),
                 **share.as_dict()}
            )  # fmt: skip
    return pd.DataFrame(rows)


def _estimate(missing: int, asked: int, *, base: int, level: float) -> Estimate:
    if asked < base:
        return unknown(asked, level=level, why=f"too few (n < {base})")
    return estimate_share(missing, asked, level=level)


def _distinct(states: States) -> tuple[States, npt.NDArray[np.int64]]:
    """Different rows and how often each comes, the most frequent first."""
    codes, _ = pd.factorize(np.ascontiguousarray(states).view(f"S{states.shape[1]}").ravel())
    first = np.unique(codes, return_index=True)[1]
    counts = np.bincount(codes)
    order = np.lexsort((first, -counts))
    return states[first[order]], counts[order]


def _count_patterns(
    kinds: States, counts: npt.NDArray[np.int64], names: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    missing = kinds == LEFT_OUT
    patterns = pd.DataFrame(
        {
            "pattern": np.arange(1, len(kinds) + 1),
            "missing": [", ".join(np.array(names, dtype=object)[row]) for row in missing],
            "gaps": missing.sum(axis=1),
            "not_asked": (kinds == NOT_ASKED).sum(axis=1),
            "rows": counts,
            SHARE: counts / counts.sum(),
        }
    ).astype({"missing": "string"})
    shown = kinds[:PATTERNS_SHOWN]
    grid = pd.DataFrame(
        {
            "pattern": np.repeat(np.arange(1, len(shown) + 1), len(names)),
            "item": np.tile(np.array(names, dtype=object), len(shown)),
            "state": np.array(STATES, dtype=object)[shown.ravel()],
        }
    ).astype({"item": "string", "state": "string"})
    return patterns, grid


def _count_pairs(kinds: States, counts: npt.NDArray[np.int64], names: list[str]) -> pd.DataFrame:
    asked, gaps = (kinds != NOT_ASKED).astype(float), (kinds == LEFT_OUT).astype(float)
    rows = counts[:, None]
    both_asked, both = asked.T @ (rows * asked), gaps.T @ (rows * gaps)
    alone = gaps.T @ (rows * asked)  # gaps in the row's item among those asked both
    expected = alone * alone.T / np.maximum(both_asked, 1)
    first, second = np.nonzero(np.triu(both > 0, k=1))
    labels = np.array(names, dtype=object)
    pairs = pd.DataFrame(
        {
            "item": labels[first],
            "other": labels[second],
            "asked": both_asked[first, second].astype(int),
            "both": both[first, second].astype(int),
            "expected": expected[first, second],
            "ratio": both[first, second] / expected[first, second],
        }
    ).astype({"item": "string", "other": "string"})
    return pairs.sort_values("both", ascending=False, kind="stable").reset_index(drop=True)


def _is_tested(data: Survey | pd.DataFrame, column: pd.Series) -> bool:
    if isinstance(data, Survey) and column.name in data.study.codebook:
        return data.study.codebook[str(column.name)].kind in TESTED
    return bool(pd.api.types.is_numeric_dtype(column))
