"""Runs of codes: which scale the numbers of a column are points of, by it and its neighbours."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Final

from cjlib.language import to_latin_digits
from cjlib.survey.evidence import Column, number_counts
from cjlib.survey.gradation import RUNS, labelled_run

NO_ANSWER: Final = frozenset(
    {77, 88, 97, 98, 99, 777, 888, 997, 998, 999, 9999, -1, -7, -8, -9, -77, -88, -98, -99, -999}
)
STRAY: Final = 0.005  # an end of a run in fewer cells than this is a slip of the pen
FEW_ZEROS: Final = 0.10  # a 0 on a scale from 1, in fewer cells than this, means no answer
BLOCK: Final = 4  # columns side by side on the same run, which speak for a rating
RECOMMEND: Final = re.compile(
    r"\brecommend|\bnps\b|\bnet ?pro|net promoter|توصیه|پیشنهاد (?:می\s?|ن?می‌|بده|کن|ده)|معرفی می"
)
PERSON_WORDS: Final = re.compile(
    r"\bgender\b|\bsex\b|\bage\b|\bage ?group|\bincome|\beducation|\bregion|\bcity\b|\bstate\b|"
    r"\bcountry|\bcounty|\boccupation|\bmarital|\brace\b|\breligion|\bethnic|\bzip\b|\bcode\b|"
    r"\bpin\b|\bcondition\b|جنسیت|سن شما|\bسن\b|درآمد|تحصیلات|شهر|استان|شغل|تأهل|تاهل"
)
_STATED = re.compile(
    r"(-?\d{1,2})(?:\s+[^\W\d]+){0,3}\s*[,،]?\s*(?:to|through|-|–|تا)\s*(\d{1,2})(?!\d)"
)


def find_runs(columns: Sequence[Column]) -> dict[int, tuple[int, int]]:
    """Return the ends of the scale each column's codes run on, by place.

    The smallest usual run that holds a column's own codes; where the question states the
    ends ("0 to 10"), these; where the columns of one battery (same stem) together show one
    point more at an end, or the column shows only a part of its battery's run, the battery's.
    """
    signed = sum(_is_signed(c) for c in columns) >= 3
    own = {c.place: codes for c in columns if (codes := _codes(c, signed))}
    batteries: dict[str, list[Column]] = {}
    for column in columns:
        if column.battery and column.place in own:
            batteries.setdefault(column.battery, []).append(column)
    shared: dict[int, set[int]] = {}
    for members in batteries.values():
        together = set().union(*(own[c.place] for c in members))
        for column in members:
            shared[column.place] = together if len(members) > 1 else own[column.place]
    runs = {}
    for column in columns:
        if column.place not in own:
            continue
        codes = own[column.place]
        run = _stated_run(column, codes) or _smallest_run(codes, column)
        wide = _smallest_run(shared.get(column.place, codes), column)
        full = run is not None and codes == set(range(run[0], run[1] + 1))
        if run and wide and (not full or (wide[0] == 0 and run == (1, wide[1]))):
            run = wide
        if run:
            runs[column.place] = run
    around_zero = Counter(run for run in runs.values() if run[0] < 0)
    if around_zero:
        usual = around_zero.most_common(1)[0][0]
        for place, run in runs.items():
            if usual[0] <= run[0] < 0 and run[1] <= usual[1]:
                runs[place] = usual
    return runs


def _is_signed(column: Column) -> bool:
    return any(n == int(n) and -5 <= n <= -2 for n in number_counts(column.given))


def _codes(column: Column, signed: bool) -> set[int]:
    """Whole numbers of a column that may be points of a scale; empty if it has other numbers."""
    if column.labels and not labelled_run(column):
        return set()
    counts = number_counts(column.given)
    around_zero = signed or 0 in counts or min(counts, default=0) < -1
    kept = {n for n in counts if n not in NO_ANSWER or (n == -1 and around_zero)}
    if -1 in kept and max(kept) > 5:
        kept.discard(-1)
    if not kept or any(n != int(n) or abs(n) > 11 for n in kept) or len(kept) > 12:
        return set()
    codes = sorted(int(n) for n in kept)
    for before, after in pairwise(codes):
        if after - before > 1 and after in (8, 9) and before <= 7 and before - codes[0] >= 2:
            codes = [code for code in codes if code <= before]  # 1-5 and a 9 far off
            break
    few = counts.get(0, 0) <= FEW_ZEROS * sum(counts.values())
    if codes[0] == 0 and codes[-1] in (5, 6, 7) and few:
        codes = codes[1:]
    if codes and codes[-1] == 11 and codes[0] <= 0:
        codes = codes[:-1]
    return set(_without_strays(codes, counts))


def _without_strays(codes: list[int], counts: dict[float, int]) -> list[int]:
    """Drop an end that hardly any cell holds, where a most usual run remains: a slip."""
    total = sum(counts.values())
    if len(codes) < 4 or total < 100 or (codes[0], codes[-1]) in RUNS[:4]:
        return codes
    for rest, end in ((codes[:-1], codes[-1]), (codes[1:], codes[0])):
        if counts[end] <= max(1, STRAY * total) and (rest[0], rest[-1]) in RUNS[:4]:
            return rest
    return codes


def _stated_run(column: Column, codes: set[int]) -> tuple[int, int] | None:
    for found in _STATED.finditer(to_latin_digits(column.told)):
        run = (int(found[1]), int(found[2]))
        if run in RUNS and run[0] <= min(codes) and max(codes) <= run[1]:
            return run
    return None


def _smallest_run(codes: set[int], column: Column) -> tuple[int, int] | None:
    fitting = [r for r in RUNS if r[0] <= min(codes) and max(codes) <= r[1]]
    if (0, 10) in fitting and min(codes) > 1 and RECOMMEND.search(column.words):
        return (0, 10)
    best = min(fitting, key=lambda r: (r[1] - r[0], RUNS.index(r)), default=None)
    for usual in ((1, 5), (1, 7)):  # two or three codes say little: the most usual run
        if usual in fitting and best in ((1, 3), (1, 4), (1, 6)) and len(codes) < best[1]:
            return usual
    return best


def find_blocks(columns: Sequence[Column], runs: dict[int, tuple[int, int]]) -> set[int]:
    """Return the places of columns that stand together on one run of five points or more."""
    places: set[int] = set()
    for run, block in groupby(columns, key=lambda c: runs.get(c.place)):
        members = [c for c in block if not PERSON_WORDS.search(c.words)]
        if run and run[1] - run[0] >= 4 and len(members) >= BLOCK:
            places |= {c.place for c in members}
    stems: dict[tuple[str, tuple[int, int]], list[Column]] = {}
    for column in columns:
        if column.stem[0] and column.place in runs:
            stems.setdefault((column.stem[0], runs[column.place]), []).append(column)
    for (_, run), members in stems.items():
        most = max(c.filled for c in members)
        alike = [c for c in members if 2 * c.filled >= most]
        if len(alike) >= 3 and run[1] - run[0] >= 4:
            places |= {c.place for c in alike}
    return places
