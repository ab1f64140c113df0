"""Scale words in their order: by their family, or by phrases of growing strength."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from cjlib.language import clean, key, missing_reason, parse_number, scale_words
from cjlib.survey.evidence import Column

RUNS: Final = (
    (1, 5), (1, 7), (0, 10), (1, 10), (1, 4), (1, 6), (-3, 3), (-2, 2), (0, 4), (1, 9),
    (1, 3), (0, 3), (-5, 5), (0, 5), (0, 6), (1, 11), (-4, 4), (1, 8), (0, 7),
)  # fmt: skip  # ends of the scales in use, the more usual first
_OFF_SCALE: Final = re.compile(
    r"\bi (?:don't|do not|have not|haven't|did not|didn't)|not applicable|no opinion|unsure|"
    r"no experience|not sure|\bother\b|not relevant|can(?:'t|not) (?:say|judge)|prefer not|"
    r"ندارم|نداشته|نکرده|نمی‌?دانم|سایر"
)
_LADDER: Final = (
    ("not at all", "none at all", "nothing at all", "اصلا"),
    ("not so", "not very", "not too", "not much", "hardly", "چندان"),
    ("only a little", "a little", "slightly", "a bit", "کمی"),
    ("somewhat", "some", "moderately", "fairly", "quite", "تا حدی", "تا حدودی", "نسبتا"),
    ("very", "a lot", "mostly", "خیلی"),
    ("extremely", "completely", "a great deal", "totally", "entirely", "کاملا"),
)  # phrases of growing strength


def rank_family(texts: Iterable[str]) -> dict[str, float]:
    """Return the places of texts on the seven points of the family most of them belong to.

    "Neither ..." and "neutral", where the family has no such form, go into the middle.
    """
    ranks = _family_ranks(frozenset(map(key, texts)))
    found = {t: ranks[key(t)] for t in texts if key(t) in ranks}
    middle = [t for t in texts if t not in found and re.match(r"neither|neutral|نه ", t.casefold())]
    return found | dict.fromkeys(middle[:1], 3.5)


def _family_ranks(keys: frozenset[str]) -> dict[str, float]:
    best: dict[str, float] = {}
    for scale, forms in scale_words().items():
        if scale in ("missing", "yesno"):
            continue
        ranks = {k: float(forms[k][1]) for k in keys if k in forms and forms[k][1]}
        if len(ranks) > len(best):
            best = ranks
    return best


def rank_strength(texts: Iterable[str]) -> dict[str, float]:
    """Return the ranks of the texts that share what follows their phrase of strength."""
    found = {t: s for t in texts if (s := _strength(t)) is not None}
    stems = Counter(key(rest)[:5] for _, rest in found.values() if rest)
    stem = stems.most_common(1)[0][0] if stems else ""
    return {t: rank for t, (rank, rest) in found.items() if not rest or key(rest)[:5] == stem}


def _strength(text: str) -> tuple[float, str] | None:
    """Rank and rest of "Not so comfortable": 1 and "comfortable"."""
    plain = re.sub(r"^(?:yes|no)\s*[,،:-]\s*", "", clean(text).casefold().replace("ً", ""))
    around = re.fullmatch(r"not (.+) at all", plain)
    if around:
        return 0.0, around[1]
    for rank, phrases in enumerate(_LADDER):
        for phrase in phrases:
            if plain == phrase or plain.startswith(phrase + " "):
                return float(rank), plain[len(phrase) :].strip()
    return None


def is_off_scale(text: str) -> bool:
    """Say whether an answer stands beside a scale: "I don't do this", "Other"."""
    return bool(_OFF_SCALE.search(clean(text).casefold().replace("’", "'")))


def labelled_run(column: Column) -> tuple[int, int] | None:
    """Return the ends of a scale whose points, or both ends, the file labels; else None."""
    labels = {
        c: t
        for c, t in column.labels.items()
        if c not in column.missing and missing_reason(t) is None
    }
    numbers = {parse_number(c): t for c, t in labels.items()}
    if len(numbers) < 2 or any(n is None or n != int(n) or abs(n) > 11 for n in numbers):
        return None
    codes = sorted(int(n) for n in numbers if n is not None)
    low, high = codes[0], codes[-1]
    texts = [numbers[code] for code in codes]
    words = frozenset(map(key, texts))
    scaled = len(_family_ranks(words)) >= max(2, 0.6 * len(words))
    ladder = sum(_strength(t) is not None for t in texts) >= max(2, 0.6 * len(texts))
    ends = (low, high) in RUNS and high - low >= 3
    if (scaled or ladder) and (ends or (len(codes) >= 3 and high - low == len(codes) - 1)):
        return low, high
    return None
