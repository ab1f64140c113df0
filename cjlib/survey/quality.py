"""How carefully each respondent answered: speed, runs, spread, distance, agreement, gaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import ier
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from cjlib.codebook import Item
from cjlib.columns import RESPONDENT, WAVE
from cjlib.language import key, parse_number
from cjlib.survey.consistency import (
    PAIR_CORRELATION,
    ROWS_AT_ONCE,
    Columns,
    Floats,
    correlate_halves,
    correlate_items,
    correlate_pairs,
    correlate_with_mean,
    find_pairs,
    measure_spread,
)

SECONDS_PER_ITEM: Final = "seconds_per_item"
LONGSTRING: Final = "longstring"
LONGSTRING_SHARE: Final = "longstring_share"
MISSING_SHARE: Final = "missing_share"
FAILED_CHECKS: Final = "failed_checks"
DUPLICATE_OF: Final = "duplicate_of"
MINIMUM_RUN_ITEMS: Final = 5  # on fewer rated items equal answers say nothing about care
MINIMUM_TWIN_ITEMS: Final = 10  # so many equal answers make two records one
MINIMUM_ANSWERED: Final = 0.8  # share of rows an item needs to count in the distance
INDICES: Final = (
    "longstring", "longstring_share", "average_run", "irv", "mahalanobis_d2", "mahalanobis_p",
    "even_odd", "synonyms", "synonym_pairs", "antonyms", "antonym_pairs", "person_total",
    "missing_share",
)  # fmt: skip
COUNTED: Final = ("scale", "number", "money", "nominal", "tick", "multi")  # they take time


def measure_quality(
    coded: pd.DataFrame, left_out: pd.DataFrame, *, items: list[Item], wave: pd.Series,
    duration: pd.Series, scales: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Measure how carefully each respondent answered, wave by wave.

    Rated items are those of kind ``scale``, in codebook order. Runs, spread and antonyms take
    the answers as given; even-odd, synonyms and person-total take them with reverse items
    turned, so that all items are keyed alike. Where items have different scales, spread and
    the four correlations take answers as shares of their scale. An item not asked does not
    count.

    Parameters
    ----------
    coded : DataFrame of float
        One column per rated item, in the codes of the form, as given.
    left_out : DataFrame of bool
        One column per item of a counted kind: passed over; <NA> where not asked.
    items : list of Item
        The rated items.
    wave : Series
    duration : Series of float
        Seconds the respondent took; missing where not known.
    scales : mapping of str to sequence of str, optional
        Items of each scale, in order, for even-odd consistency.

    Returns
    -------
    DataFrame
        ``seconds_per_item``: duration by the closed questions answered (options of one
        group are one question).
        ``rated``: rated items asked of the person.
        ``longstring``: longest run of equal answers, skipped items passed over (a run goes
        on across a gap); ``longstring_share`` of the rated items asked, missing where fewer
        than 5 were; ``average_run``: answers by runs (Curran 2016).
        ``irv``: standard deviation (n - 1) of a person's answers (Dunn et al. 2018).
        ``mahalanobis_d2`` and ``mahalanobis_p``: squared distance from the mean answer and
        its chi-squared tail, over the items that at least 80 % answered, for those who
        answered them all (Meade and Craig 2012).
        ``even_odd``: see ``correlate_halves`` (Meade and Craig 2012); missing without three
        scales of two items.
        ``synonyms``: correlation within the person over the pairs of items that correlate
        at least .60 in the wave; ``synonym_pairs``: how many of them the person answered;
        ``antonyms``, ``antonym_pairs``: the same for -.60 and less (Meade and Craig 2012).
        Missing below three pairs. Careful people are near 1 on synonyms, -1 on antonyms.
        ``person_total``: correlation of a person's answers with the wave's mean answers
        (Curran 2016; see ``correlate_with_mean``).
        ``missing_share``: rated items left out (a missing code that has a label, "never
        used", is an answer).

    References
    ----------
    Meade, A. W. and Craig, S. B. (2012). Psychological Methods 17, 437-455.
    Curran, P. G. (2016). Journal of Experimental Social Psychology 66, 4-19.
    Dunn, A. M. et al. (2018). Journal of Business and Psychology 33, 105-121.
    Goldammer, P. et al. (2020). The Leadership Quarterly 31, 101384: compares them all.
    """
    ends = {(item.low, item.high) for item in items}
    parts = []
    for _, rows in wave.groupby(wave, sort=False):
        own, gaps = _rows_of(coded, rows.index), _rows_of(left_out, rows.index)
        asked = [item for item in items if gaps[item.name].notna().any()]
        own = own[[item.name for item in asked]]
        parts.append(_measure_wave(own, gaps, asked, scales or {}, mixed=len(ends) > 1))
    table = pd.concat(parts).loc[wave.index] if len(parts) != 1 else parts[0]
    answered = np.zeros(len(left_out))
    for name in left_out.columns:
        answered += left_out[name].eq(False).fillna(False).to_numpy(dtype=bool)
    seconds = duration.to_numpy(dtype=float) / np.where(answered > 0, answered, np.nan)
    table.insert(0, SECONDS_PER_ITEM, seconds)
    return table


def _rows_of(table: pd.DataFrame, rows: pd.Index) -> pd.DataFrame:
    return table if len(rows) == len(table) else table.loc[rows]


def _measure_wave(
    answers: pd.DataFrame,
    left_out: pd.DataFrame,
    items: list[Item],
    scales: Mapping[str, Sequence[str]],
    *,
    mixed: bool,
) -> pd.DataFrame:
    """Find every index that rests on one wave's rated items."""
    asked, passed = np.zeros(len(answers)), np.zeros(len(answers))
    for name in answers.columns:
        asked += left_out[name].notna().to_numpy()
        passed += left_out[name].fillna(False).to_numpy(dtype=bool)
    found: dict[str, object] = {"rated": asked.astype(int), **dict.fromkeys(INDICES, np.nan)}
    counted = np.where(asked > 0, asked, np.nan)
    found[MISSING_SHARE] = passed / counted
    if items and len(answers):
        matrix = answers.to_numpy(dtype=float)
        found[LONGSTRING] = ier.longstring_scores(matrix)
        found[LONGSTRING_SHARE] = found[LONGSTRING] / np.where(
            counted >= MINIMUM_RUN_ITEMS, counted, np.nan
        )
        found["average_run"] = ier.longstring_scores(matrix, avg=True)
        d2, columns = measure_distance(matrix)
        found["mahalanobis_d2"] = d2
        found["mahalanobis_p"] = stats.chi2.sf(d2, columns) if columns else np.nan
        found |= _measure_agreement(matrix, items, scales, mixed=mixed)
    return pd.DataFrame(found, index=answers.index)


def _measure_agreement(
    matrix: Floats, items: list[Item], scales: Mapping[str, Sequence[str]], *, mixed: bool
) -> dict[str, object]:
    """Find spread and the correlations within persons, on one scale for all items."""
    ends = np.array([(item.low or 0.0, item.high or 1.0) for item in items])
    if mixed:
        matrix = (matrix - ends[:, 0]) / (ends[:, 1] - ends[:, 0])
        ends = np.tile([0.0, 1.0], (len(items), 1))
    found: dict[str, object] = {"irv": measure_spread(matrix)}
    turned = np.array([item.reverse for item in items])
    keyed = matrix
    if turned.any():
        keyed = matrix.copy()
        keyed[:, turned] = ends[turned].sum(axis=1) - matrix[:, turned]
    nearness = correlate_items(keyed)
    sign = np.where(turned, -1.0, 1.0)
    synonyms = find_pairs(nearness, threshold=PAIR_CORRELATION)
    antonyms = find_pairs(nearness * np.outer(sign, sign), threshold=-PAIR_CORRELATION)
    found["synonyms"], found["synonym_pairs"] = correlate_pairs(keyed, synonyms)
    found["antonyms"], found["antonym_pairs"] = correlate_pairs(matrix, antonyms)
    place = {item.name: at for at, item in enumerate(items)}
    halves = [[place[n] for n in names if n in place] for names in scales.values()]
    found["even_odd"] = correlate_halves(keyed, halves)
    found["person_total"] = correlate_with_mean(keyed)
    return found


def measure_distance(matrix: Floats) -> tuple[Floats, int]:
    """Squared Mahalanobis distance of each complete row, and the columns it rests on.

    Columns that fewer than 80 % answered, and constant ones, are left out. Missing for rows
    with a gap, and for all rows where fewer complete ones than columns remain or the
    columns depend on one another.
    """
    distance = np.full(len(matrix), np.nan)
    wide, complete = _find_complete(matrix)
    n = int(np.count_nonzero(complete))
    if n < 2 or len(wide) < 2:
        return distance, 0
    shift = matrix[np.argmax(complete), wide]  # off every row, so that little is lost to rounding
    total, cross = np.zeros(len(wide)), np.zeros((len(wide),) * 2)
    for _, full in _complete_rows(matrix, complete, wide, shift):
        total += np.ones(len(full)) @ full
        cross += full.T @ full
    covariance = (cross - np.outer(total, total) / n) / (n - 1)
    vary = np.diag(covariance) > 1e-12 * np.diag(cross) / n
    wide, covariance, shift = wide[vary], covariance[np.ix_(vary, vary)], shift[vary]
    columns = len(wide)
    if columns < 2 or n <= columns or np.linalg.matrix_rank(covariance) < columns:
        return distance, 0
    whiten = np.linalg.inv(np.linalg.cholesky(covariance)).T
    middle = total[vary] / n @ whiten
    for rows, full in _complete_rows(matrix, complete, wide, shift):
        white = full @ whiten
        white -= middle
        distance[rows] = np.einsum("ij,ij->i", white, white)
    return distance, columns


def _find_complete(matrix: Floats) -> tuple[Columns, npt.NDArray[np.bool_]]:
    """Find the columns that most rows have, and the rows that have all of those."""
    wide = np.arange(matrix.shape[1])
    complete = ~np.isnan(matrix @ np.ones(matrix.shape[1]))
    if not complete.all():
        there = ~np.isnan(matrix)
        wide = np.flatnonzero(there.mean(axis=0) >= MINIMUM_ANSWERED)
        if len(wide) < matrix.shape[1]:
            complete = np.asarray(there[:, wide].all(axis=1))
    return wide, complete


def _complete_rows(
    matrix: Floats, complete: npt.NDArray[np.bool_], columns: Columns, shift: Floats
) -> Iterator[tuple[slice | Columns, Floats]]:
    """Yield complete rows, a thousand at once: their places, and their answers less ``shift``.

    The answers stand in one array that the next ones overwrite.
    """
    held = np.empty((ROWS_AT_ONCE, len(columns)))
    every = len(columns) == matrix.shape[1]
    for start in range(0, len(matrix), ROWS_AT_ONCE):
        block = matrix[start : start + ROWS_AT_ONCE]
        here = complete[start : start + ROWS_AT_ONCE]
        rows: slice | Columns = slice(start, start + len(block))
        if not here.all():
            rows = start + np.flatnonzero(here)
            block = block[here]
        block = block if every else block[:, columns]
        yield rows, np.subtract(block, shift, out=held[: len(block)])


def count_failed_checks(raw: pd.DataFrame, items: list[Item]) -> pd.DataFrame:
    """Count the attention checks each respondent met and failed.

    A check is failed by an answer that is not the right one: the same number or the same
    words, by the codebook's ``check`` (several right answers parted by ``|``). An empty
    cell is no failure.
    """
    met = pd.Series(0, index=raw.index)
    failed = pd.Series(0, index=raw.index)
    for item in items:
        right = {key(part) for part in item.check.split("|")}
        numbers = {parse_number(part) for part in item.check.split("|")} - {None}
        verdict: dict[str, bool] = {}
        for text in raw[item.name].dropna().unique():
            label = item.labels.get(text.strip())
            words = {key(text), *((key(label.en), key(label.fa)) if label else ())} - {""}
            number = parse_number(text)
            if text.strip() and text.strip() not in item.missing:
                verdict[text] = not (number in numbers if number is not None else words & right)
        met += raw[item.name].isin(list(verdict))
        failed += raw[item.name].isin([text for text, wrong in verdict.items() if wrong])
    return pd.DataFrame({"checks": met, FAILED_CHECKS: failed})


def find_duplicates(raw: pd.DataFrame, *, who: list[pd.Series], answers: list[str]) -> pd.Series:
    """Say which earlier record of the wave each record repeats; missing where none.

    A record repeats an earlier one that has the same id, or the same cells in every answer
    column with at least 10 of them filled.

    Parameters
    ----------
    raw : DataFrame
        respondent_id, wave and the raw texts.
    who : list of Series
        Ids of the person (customer, response), missing where not known.
    answers : list of str
        Columns that hold answers.
    """
    same, filled = _mark_records(raw[answers])
    found = pd.Series(pd.NA, index=raw.index, dtype="string")
    for ids in (*who, same.where(filled >= MINIMUM_TWIN_ITEMS)):
        known = ids.notna()
        first = raw[RESPONDENT][known].groupby([raw[WAVE][known], ids[known]]).transform("first")
        repeats = first[first.ne(raw[RESPONDENT][known])]
        found = found.fillna(repeats.astype("string").reindex(found.index))
    return found.rename(DUPLICATE_OF)


def _mark_records(raw: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """One mark for each distinct record, and how many of its cells are filled.

    Column by column, each distinct text once, so that a million records need no second copy.
    """
    same = np.zeros(len(raw), dtype=np.uint64)
    filled = np.zeros(len(raw), dtype=np.int32)
    for name in raw.columns:
        codes, texts = pd.factorize(raw[name], use_na_sentinel=True)
        plain = [*(str(text).strip() for text in texts), ""]  # the last one is what <NA> takes
        marks = pd.util.hash_array(np.array(plain, dtype=object))
        same = same * np.uint64(1_000_003) + marks[codes]
        filled += np.array([text != "" for text in plain])[codes]
    return pd.Series(same, index=raw.index).astype("UInt64"), pd.Series(filled, index=raw.index)
