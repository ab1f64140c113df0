"""How carefully each respondent answered: speed, runs, spread, distance, gaps, checks."""

from __future__ import annotations

from typing import Final

import ier
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from cjlib.codebook import Item
from cjlib.columns import RESPONDENT, WAVE
from cjlib.language import key, parse_number

Floats = npt.NDArray[np.float64]

SECONDS_PER_ITEM: Final = "seconds_per_item"
LONGSTRING: Final = "longstring"
LONGSTRING_SHARE: Final = "longstring_share"
MISSING_SHARE: Final = "missing_share"
FAILED_CHECKS: Final = "failed_checks"
DUPLICATE_OF: Final = "duplicate_of"
MINIMUM_RUN_ITEMS: Final = 5  # on fewer rated items equal answers say nothing about care
MINIMUM_TWIN_ITEMS: Final = 10  # so many equal answers make two records one
MINIMUM_ANSWERED: Final = 0.8  # share of rows an item needs to count in the distance
COUNTED: Final = ("scale", "number", "nominal", "tick", "multi")  # kinds that take time


def measure_quality(
    coded: pd.DataFrame, left_out: pd.DataFrame, *, items: list[Item], wave: pd.Series,
    duration: pd.Series,
) -> pd.DataFrame:  # fmt: skip
    """Measure how carefully each respondent answered, wave by wave.

    Rated items are those of kind ``scale``, in codebook order, as answered: before reverse
    items are turned. An item not asked in a wave does not count there.

    Parameters
    ----------
    coded : DataFrame of float
        One column per rated item, in the codes of the form.
    left_out : DataFrame of bool
        One column per item of a counted kind: passed over; <NA> where not asked.
    items : list of Item
        The rated items.
    wave : Series
    duration : Series of float
        Seconds the respondent took; missing where not known.

    Returns
    -------
    DataFrame
        ``rated`` items asked; ``longstring``: longest run of equal answers, skipped items
        passed over (a run goes on across a gap); ``longstring_share`` of the rated items
        asked, missing where fewer than 5 were; ``irv``: standard deviation (n - 1) of a person's
        answers (as shares of the scale where scales differ);
        ``mahalanobis_d2`` and ``mahalanobis_p``: squared distance from the mean answer and
        its chi-squared tail, over the items that at least 80 % answered, for those who
        answered them all; ``missing_share``: rated items
        left out (a missing code that has a label, "never used", is an answer);
        ``seconds_per_item``: duration by the closed questions answered (options of one
        group are one question).

    References
    ----------
    Curran, P. G. (2016). Journal of Experimental Social Psychology 66, 4-19.
    Dunn, A. M. et al. (2018). Journal of Business and Psychology 33, 105-121.
    """
    parts = []
    for _, rows in wave.groupby(wave, sort=False):
        asked = [i for i in items if left_out.loc[rows.index, i.name].notna().any()]
        names = [item.name for item in asked]
        parts.append(_measure_wave(coded.loc[rows.index, names], asked))
        gaps = left_out.loc[rows.index, names].astype("float64")
        parts[-1][MISSING_SHARE] = gaps.mean(axis=1) if names else np.nan
    table = pd.concat(parts).loc[wave.index]
    answered = (~left_out.astype("boolean")).fillna(False).sum(axis=1)
    seconds = duration / answered.where(answered > 0)
    table.insert(0, SECONDS_PER_ITEM, seconds.astype("float64"))
    return table


def _measure_wave(answers: pd.DataFrame, items: list[Item]) -> pd.DataFrame:
    """Find runs, spread and distance of one wave's rated items."""
    count = len(items)
    table = pd.DataFrame({"rated": count}, index=answers.index)
    for name in (LONGSTRING, LONGSTRING_SHARE, "irv", "mahalanobis_d2", "mahalanobis_p"):
        table[name] = np.nan
    if count == 0:
        return table
    matrix = answers.to_numpy(dtype=float)
    table[LONGSTRING] = ier.longstring_scores(matrix)
    if count >= MINIMUM_RUN_ITEMS:
        table[LONGSTRING_SHARE] = table[LONGSTRING] / count
    if count > 1:
        table["irv"] = _spread(matrix, items)
    d2, columns = measure_distance(matrix)
    table["mahalanobis_d2"] = d2
    table["mahalanobis_p"] = stats.chi2.sf(d2, columns) if columns else np.nan
    return table


def _spread(matrix: Floats, items: list[Item]) -> Floats:
    ends = [(item.low or 0.0, item.high or 1.0) for item in items]
    if len(set(ends)) > 1:
        low, high = np.array(ends).T
        matrix = (matrix - low) / (high - low)
    count = (~np.isnan(matrix)).sum(axis=1)
    some = count > 1
    spread = np.full(len(matrix), np.nan)
    if some.any():  # ier divides by n; R's careless, and we, by n - 1
        spread[some] = ier.irv(matrix[some]) * np.sqrt(count[some] / (count[some] - 1))
    return spread


def measure_distance(matrix: Floats) -> tuple[Floats, int]:
    """Squared Mahalanobis distance of each complete row, and the columns it rests on.

    Columns that fewer than 80 % answered, and constant ones, are left out. Missing for rows
    with a gap, and for all rows where fewer complete ones than columns remain or the
    columns depend on one another.
    """
    distance = np.full(len(matrix), np.nan)
    matrix = matrix[:, np.mean(~np.isnan(matrix), axis=0) >= MINIMUM_ANSWERED]
    complete = ~np.isnan(matrix).any(axis=1)
    full = matrix[complete]
    if len(full) < 2:
        return distance, 0
    full = full[:, np.ptp(full, axis=0) > 0]
    columns = full.shape[1]
    if columns < 2 or len(full) <= columns or np.linalg.matrix_rank(np.cov(full.T)) < columns:
        return distance, 0
    distance[complete] = ier.mahad(full) ** 2
    return distance, columns


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
    texts = raw[answers].fillna("").apply(lambda column: column.str.strip())
    same = pd.util.hash_pandas_object(texts, index=False).astype("string")
    filled = texts.ne("").sum(axis=1) >= MINIMUM_TWIN_ITEMS
    found = pd.Series(pd.NA, index=raw.index, dtype="string")
    for ids in (*who, same.where(filled)):
        known = ids.notna()
        first = raw[RESPONDENT][known].groupby([raw[WAVE][known], ids[known]]).transform("first")
        repeats = first[first.ne(raw[RESPONDENT][known])]
        found = found.fillna(repeats.astype("string").reindex(found.index))
    return found.rename(DUPLICATE_OF)
