"""Cautions: what a reader must know before trusting the clean answers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.codebook import Item
from cjlib.columns import WAVE, WEIGHT
from cjlib.language import parse_number, split_leading_number
from cjlib.study import Study
from cjlib.survey.answers import RawAnswers
from cjlib.survey.consistency import MINIMUM_POINTS, PAIR_CORRELATION
from cjlib.survey.ledger import COLUMN, NOT_ASKED_ANSWERED, RULE
from cjlib.survey.quality import MINIMUM_RUN_ITEMS

ENOUGH_FOR_ZERO: Final = 100  # NPS answers among which some 0 is to be expected
ENOUGH_FOR_ENDS: Final = 50  # answers among which the upper half of a scale is to be expected
LONG_SCALE: Final = 6  # points from which a shorter scale (1 to 5) may hide in the lower half
EFFORT: Final = ("effort", "تلاش")
EASE: Final = ("eas", "آسان")
INDEX_NEEDS: Final = {
    "irv": "two rated items",
    "mahalanobis_p": "people who answered every common item, more of them than items",
    "even_odd": f"{MINIMUM_POINTS} scales of two items (scales in study.yaml, or group)",
    "synonyms": f"{MINIMUM_POINTS} pairs of items that correlate {PAIR_CORRELATION:.2f} or more",
    "antonyms": f"{MINIMUM_POINTS} pairs of items that correlate -{PAIR_CORRELATION:.2f} or less",
    "person_total": f"{MINIMUM_POINTS} rated items answered",
}
Places = npt.NDArray[np.intp]


def find_warnings(
    study: Study,
    raw: RawAnswers,
    everyone: pd.DataFrame,
    quality: pd.DataFrame,
    ledger: pd.DataFrame,
) -> list[str]:
    """Return one sentence for each thing in the files or the rule that may mislead."""
    found: list[str] = []
    codes, names = pd.factorize(everyone[WAVE])
    waves = {str(name): np.flatnonzero(codes == code) for code, name in enumerate(names)}
    for wave, at in waves.items():
        for item in study.codebook.select(metric="nps"):
            found += _doubt_nps(item.in_wave(wave), wave, raw.table[item.name].iloc[at])
        found += _doubt_direction(study, wave, everyone, at)
        raked = bool(study.weights.of_wave(wave).rake)
        found += _doubt_weights(wave, everyone[WEIGHT].iloc[at], raked=raked)
        found += _doubt_rules(study, wave, quality.iloc[at])
    for item in study.codebook.select(kind="scale"):
        found += _doubt_ends(item, everyone[item.name], waves)
    return [*found, *_doubt_routes(ledger), *_doubt_missing_codes(study, raw)]


def _doubt_nps(item: Item, wave: str, answers: pd.Series) -> Iterator[str]:
    """Doubt an NPS item asked from 1: as 1 to 11, or as 1 to 10."""
    seen: dict[float, int] = {}
    for text, count in answers.value_counts().items():
        number = parse_number(str(text))
        number = split_leading_number(str(text))[0] if number is None else number
        if number is not None:
            seen[number] = seen.get(number, 0) + int(count)
    declared = {parse_number(code) for code in item.missing}
    if 0.0 in seen or item.codes:
        return
    total = sum(count for number, count in seen.items() if 1 <= number <= 10)
    if 11.0 in seen and 11.0 not in declared:
        yield (
            f"{item.name} in wave {wave} is declared 0 to 10 but holds 11 and no 0: is "
            "it coded 1 to 11? The 11s became missing; recode the file or declare 11."
        )
    elif total >= ENOUGH_FOR_ZERO and 1.0 in seen and 10.0 in seen:
        yield (
            f"{item.name} in wave {wave} is declared 0 to 10 but holds 1 and 10 and no 0 in "
            f"{total:,} answers: was it asked from 1 to 10? That is no NPS; its score is not "
            "comparable with one from 0 to 10."
        )


def _doubt_direction(study: Study, wave: str, everyone: pd.DataFrame, at: Places) -> Iterator[str]:
    """Doubt effort items said to mean ease: by their words, or by what goes along with them."""
    if study.positions.ces == "effort":
        return
    items = study.codebook.items
    others = [i.name for i in items if i.metric in ("nps", "csat") and i.kind == "scale"]
    liking = everyone[others].iloc[at]
    standard = ((liking - liking.mean()) / liking.std()).mean(axis=1)
    for item in study.codebook.select(kind="scale", metric="ces"):
        words = f"{item.question.en} {item.question.fa}".casefold()
        asks = any(word in words for word in EFFORT) and not any(word in words for word in EASE)
        ease = everyone[item.name].iloc[at]
        both = ease.notna() & standard.notna()
        n = int(both.sum())
        if asks and not item.reverse and n:
            yield (
                f"{item.name} in wave {wave} asks for effort, so a high answer may mean hard, "
                "while the study reports ease: declare reverse, or positions.ces: effort."
            )
        elif n >= ENOUGH_FOR_ENDS and ease[both].std() > 0 and standard[both].std() > 0:
            r = float(np.corrcoef(ease[both], standard[both])[0, 1])
            if math.atanh(min(max(r, -0.999), 0.999)) + 1.96 / math.sqrt(n - 3) < 0:
                yield (
                    f"{item.name} in wave {wave} goes against satisfaction (r = {r:.2f}, "
                    f"n = {n:,}): does a high answer mean hard? Then declare reverse."
                )


def _doubt_weights(wave: str, weight: pd.Series, *, raked: bool) -> Iterator[str]:
    mean = float(weight.mean())
    if weight.isna().any():
        yield f"{int(weight.isna().sum())} row(s) of wave {wave} have no weight."
    if abs(mean - 1) > 0.01 and not raked:  # raking starts from them and ends at mean 1
        yield (
            f"the weights of wave {wave} have mean {mean:.3g}, not 1: its own figures are the "
            f"same, but where waves are pooled it counts {mean:.3g} times over."
        )


def _doubt_rules(study: Study, wave: str, known: pd.DataFrame) -> Iterator[str]:
    """Name the rules that could hit nobody."""
    if study.cleaning.seconds_per_item is not None and known["seconds_per_item"].isna().all():
        yield f"wave {wave} has no duration: nobody is removed for speed."
    if study.cleaning.longstring_share is not None and known["longstring_share"].isna().all():
        yield (
            f"wave {wave} has fewer than {MINIMUM_RUN_ITEMS} rated items: nobody is "
            "removed for equal answers."
        )
    if study.cleaning.failed_checks is not None and known["checks"].eq(0).all():
        yield f"wave {wave} has no attention check."
    for rule, why in INDEX_NEEDS.items():
        if getattr(study.cleaning, rule) is not None and known[rule].isna().all():
            yield f"{rule} is not known for anybody in wave {wave}: it needs {why}."


def _doubt_ends(item: Item, settled: pd.Series, waves: dict[str, Places]) -> Iterator[str]:
    """Doubt a wave that seems to have used a shorter scale than the codebook says."""
    if item.low is None or item.high is None:
        return
    low, high = item.low, item.high
    given = low + high - settled if item.reverse else settled
    tops = {wave: (given.iloc[at].max(), given.iloc[at].count()) for wave, at in waves.items()}
    reached = any(top == high for top, _ in tops.values())
    for wave, (top, n) in tops.items():
        half = high - low + 1 >= LONG_SCALE and top <= (low + high) / 2
        if n >= ENOUGH_FOR_ENDS and (half or (reached and top <= high - 2)):
            yield (
                f"{item.name} in wave {wave} is declared {low:g} to {high:g}, yet none of {n:,} "
                f"answers is above {top:g}: was a shorter scale used? Then give that wave an "
                "item of its own."
            )


def _doubt_routes(ledger: pd.DataFrame) -> Iterator[str]:
    """Count the answers to questions that skip logic says were not asked."""
    rows = ledger.loc[ledger[RULE].eq(NOT_ASKED_ANSWERED).to_numpy(), [WAVE, COLUMN]].astype(str)
    for place, count in (rows[COLUMN] + " in wave " + rows[WAVE]).value_counts(sort=False).items():
        yield (
            f"{count:,} answer(s) to {place} were given though it was not asked "
            "(asked_if); they became missing. If there are many, the condition may be wrong."
        )


def _doubt_missing_codes(study: Study, raw: RawAnswers) -> Iterator[str]:
    """Name codes that a file declares missing, and the codebook does not."""
    told = raw.declared[raw.declared["missing"].eq(True)].drop_duplicates([WAVE, "item", "code"])
    for row in told.astype(str).to_dict("records"):
        item = study.codebook[row["item"]].in_wave(row[WAVE])
        if item.name not in raw.table.columns:
            continue
        code = parse_number(row["code"])
        declared = {*item.missing, *(parse_number(own) for own in item.missing)} - {None}
        here = raw.table.loc[raw.table[WAVE].eq(row[WAVE]), item.name].value_counts()
        count = sum(
            int(n) for text, n in here.items()
            if text == row["code"] or (code is not None and parse_number(str(text)) == code)
        )  # fmt: skip
        if count and not {row["code"], code} & declared:
            label = f" ({row['label']})" if row["label"] else ""
            yield (
                f"the file of wave {row[WAVE]} declares {row['code']}{label} of {item.name} "
                f"missing, the codebook does not: {count:,} answer(s). Put it under missing, or "
                "leave it as an answer knowingly."
            )
