"""Rating scales as they stand in an export: runs of codes, scale words, numbers with words."""

from __future__ import annotations

import re
from typing import Final

from cjlib.codebook import Item
from cjlib.language import (
    SCALES,
    key,
    parse_number,
    scale_code,
    split_leading_number,
)
from cjlib.survey.evidence import Column, Guess, as_text, fit_item, number_counts
from cjlib.survey.gradation import is_off_scale, labelled_run, rank_family, rank_strength
from cjlib.survey.runs import NO_ANSWER, PERSON_WORDS
from cjlib.survey.values import yes_or_no

ENOUGH: Final = 0.95  # share of the cells that must be read
RARE: Final = 0.01  # share of the cells under which an odd answer is left to the cleaning
RATING_WORDS: Final = re.compile(
    r"satisf|\bcsat\b|\bsat\b|agree|likely|likelihood|\brate\b|\brating|\bimportan|\bimp\b|"
    r"to what extent|on a scale|\beas(?:e|y)\b|effort|difficult|\bces\b|how (?:much|well|good|"
    r"concerned|confident|comfortable|interested|useful|clear|fair|happy)|recommend|\bnps\b|"
    r"\bnet ?pro|راضی|رضایت|موافق|اهمیت|مهم|احتمال|چقدر|چه حد|تا چه|آسان|راحت|دشوار|سخت|"
    r"تلاش|توصیه|کیفیت|امتیاز|نمره"
)
COUNT_WORDS: Final = re.compile(
    r"\bnumber of|\bhow many|\bcount\b|\btimes\b|\bsize\b|\btime\b|\bdays?\b|\bminutes|\bhours|"
    r"تعداد|چند (?:بار|نفر|سال|روز|فرزند)"
)


def guess_rating(column: Column, *, run: tuple[int, int] | None, in_block: bool) -> Guess | None:
    """Return the column as a rating scale, or None where it shows too little of one.

    Tried in turn: labels the file declares; words of one family, alone or among codes; words
    of growing strength ("not so" to "extremely"); numbers with their words; a run of codes,
    where words of rating or neighbours on the same run speak for it.
    """
    given = column.given
    if column.labels:
        return _guess_labelled(column, run)
    worded = {t: n for t, n in given.items() if parse_number(t) is None}
    share = sum(worded.values()) / max(1, sum(given.values()))
    if share > 0.02 and not all(yes_or_no(t) is not None for t in given):
        for guess in (_guess_words(column, worded, run), _guess_leading(column, worded)):
            if guess is not None and guess.share >= ENOUGH:
                return guess
    if run is None or (share > 1 - ENOUGH and len(worded) > 2):
        return None
    points = run[1] - run[0] + 1
    named = RATING_WORDS.search(column.words) and not COUNT_WORDS.search(column.words)
    if PERSON_WORDS.search(column.words) or points < 3 or not (in_block or named):
        return None
    return _guess_run(column, run, worded)


def _guess_run(column: Column, run: tuple[int, int], worded: dict[str, int]) -> Guess | None:
    counts = number_counts(column.counts)
    off = [n for n in counts if not run[0] <= n <= run[1]]
    codes = sorted(
        {int(n) for n in off if n in NO_ANSWER or n in (0, 8, 9, 11) if n == int(n)}
        | {int(c) for c in map(parse_number, column.missing) if c is not None and c == int(c)}
    )
    words = list(filter(is_off_scale, worded))
    item = Item(
        "", "scale", low=float(run[0]), high=float(run[1]),
        missing=(*map(str, codes), *words),
    )  # fmt: skip
    remarks = [
        f"{code} ({_percent(counts.get(float(code), 0), column)} of the cells) lies off the "
        "scale: drafted as a missing code"
        for code in codes
    ]
    remarks += [f"'{w}' ({_percent(worded[w], column)}) drafted as missing" for w in words]
    seen = {int(n) for n in counts if run[0] <= n <= run[1]}
    lacking = set(range(run[0], run[1] + 1)) - seen
    if lacking:
        remarks.append(f"no cell holds {', '.join(map(str, sorted(lacking)))}: are the ends right?")
    if run in ((1, 6), (0, 6), (0, 5), (0, 7), (1, 8)):
        remarks.append(f"are all of {run[0]} to {run[1]} points, or is an end 'does not apply'?")
    guess = fit_item(column, item, f"codes on the run {run[0]} to {run[1]}", *remarks)
    return guess if guess.share >= ENOUGH else None


def number_free(text: str) -> bool:
    """Say whether a text holds no digit."""
    return not any(c.isdigit() for c in text)


def _percent(count: int, column: Column) -> str:
    return f"{100 * count / max(1, column.looked):.1f} %"


def _guess_words(
    column: Column, worded: dict[str, int], run: tuple[int, int] | None
) -> Guess | None:
    if not 2 <= len({key(t) for t in worded}) <= 40:
        return None
    best: Guess | None = None
    for scale in SCALES:
        if scale == "yesno":
            continue
        for points in (5, 7, 4, 3, 6, 2) if run is None else (run[1] - run[0] + 1,):
            if points > 7 or points < 2:
                continue
            guess = _fit_family(column, worded, scale, points, run)
            if guess is not None and (best is None or guess.share > best.share + 0.001):
                best = guess
    if best is not None and best.share >= ENOUGH:
        return best
    return _guess_ladder(column, worded) if run is None else None


def _fit_family(
    column: Column, worded: dict[str, int], scale: str, points: int, run: tuple[int, int] | None
) -> Guess | None:
    places = {t: scale_code(t, scale=scale, points=points) for t in worded}
    known = {p for p in places.values() if p is not None}
    total = sum(worded.values())
    read = sum(n for t, n in worded.items() if places[t] is not None)
    rest = [t for t in worded if places[t] is None]
    if any(worded[t] > max(1, RARE * column.looked) and not is_off_scale(t) for t in rest):
        return None
    if read < 0.4 * total or len(known) < min(points, 3) or (run is None and len(known) < points):
        return None
    low = float(run[0]) if run else 1.0
    numbers = number_counts(column.counts)
    off = sorted(int(n) for n in numbers if n in NO_ANSWER)
    missing = (*map(str, off), *filter(is_off_scale, rest))
    item = Item("", "scale", scale=scale, low=low, high=low + points - 1, missing=missing)
    remarks = [f"{code} drafted as a missing code" for code in off]
    remarks += [
        f"'{t}' ({_percent(worded[t], column)}) drafted as missing" for t in missing if t in worded
    ]
    return fit_item(column, item, f"words of {scale} on {points} points", *remarks)


def _guess_ladder(column: Column, worded: dict[str, int]) -> Guess | None:
    """Order words that share a stem by their strength; one of no rank is taken as missing."""
    for ranked in (rank_family(worded), rank_strength(worded)):
        steps = sorted(set(ranked.values()))
        rest = [t for t in worded if t not in ranked]
        told = any(worded[t] > max(1, RARE * column.looked) and not is_off_scale(t) for t in rest)
        if len(steps) < 3 or told or len(rest) > 3 or len({*map(key, ranked)}) != len(steps):
            continue
        labels = {
            str(steps.index(r) + 1): as_text(t)
            for t, r in sorted(ranked.items(), key=lambda p: p[1])
        }
        item = Item(
            "",
            "scale",
            low=1.0,
            high=float(len(steps)),
            labels=labels,
            missing=tuple(filter(is_off_scale, rest)),
        )
        remarks = [
            f"'{t}' ({_percent(worded[t], column)}) is off the scale: drafted as missing"
            for t in rest
        ]
        return fit_item(
            column, item, f"{len(steps)} steps of growing strength",
            "the order of the labels is a guess: check it", *remarks,
        )  # fmt: skip
    return None


def _guess_leading(column: Column, worded: dict[str, int]) -> Guess | None:
    """Read "4 - Very good": the number is the code, the words its label."""
    parts = {t: split_leading_number(t) for t in worded}
    labels: dict[int, str] = {}
    for number, words in parts.values():
        if number is None:
            continue
        if number != int(number) or abs(number) > 11:
            return None
        if number_free(words):
            labels.setdefault(int(number), words)
    codes = sorted(labels)
    if len(codes) < 3 or codes != list(range(codes[0], codes[-1] + 1)) or codes[0] > 1:
        return None
    item = Item(
        "", "scale", low=float(codes[0]), high=float(codes[-1]),
        labels={str(code): as_text(labels[code]) for code in codes},
    )  # fmt: skip
    return fit_item(column, item, "numbers with their words")


def _guess_labelled(column: Column, run: tuple[int, int] | None) -> Guess | None:
    """Read the labels an SPSS file declares; three or more in a row, or both ends of a run."""
    points = labelled_run(column)
    if points is None or PERSON_WORDS.search(column.words):
        return None
    low, high = points
    if run is not None:
        low, high = min(low, run[0]), max(high, run[1])
    shown = {c: as_text(t) for c, t in column.labels.items()}
    item = Item("", "scale", low=float(low), high=float(high), labels=shown, missing=column.missing)
    return fit_item(column, item, "labels of a scale, declared in the file")
