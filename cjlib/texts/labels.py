"""Labels of texts: which there are, from bad to good, and whether there are enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from cjlib.errors import JourneyError, TooFewError
from cjlib.intervals import Floats
from cjlib.language import for_model, key, missing_reason
from cjlib.texts.vectors import Indices

FEWEST_PER_LABEL: Final = 50  # 100 Persian comments, half of each: macro F1 .76; 50: .66 (held out)
MOST_LABELS: Final = 5
_KNOWN: Final = {
    -2.0: ("very negative", "خیلی منفی", "بسیار منفی"),
    -1.0: (
        "negative", "neg", "sad", "unhappy", "bad", "no", "not recommended", "dissatisfied",
        "detractor", "منفی", "ناراضی", "بد", "خیر", "غمگین", "منتقد", "پیشنهاد نمی‌کنم",
    ),
    0.0: (
        "neutral", "mixed", "passive", "not sure", "خنثی", "ممتنع", "منفعل", "مطمئن نیستم",
    ),
    1.0: (
        "positive", "pos", "happy", "good", "yes", "recommended", "satisfied", "promoter",
        "مثبت", "راضی", "خوب", "بله", "شاد", "مروج", "پیشنهاد می‌کنم",
    ),
    2.0: ("very positive", "خیلی مثبت", "بسیار مثبت"),
}  # fmt: skip
_VALUE_OF: Final = {key(word): value for value, words in _KNOWN.items() for word in words}


@dataclass(frozen=True, slots=True, eq=False)
class LabelledTexts:
    """Labelled texts that say something; made by ``read_labelled``.

    Attributes
    ----------
    texts : list of str
        As ``for_model`` spells them.
    codes : array of int
        Place of each text's label in ``names``.
    groups : array of int
        The same for texts with the same ``key``.
    names : list of str
        Labels from bad to good.
    values : array of float
        What each label stands for, -1 (worst) to 1 (best).
    left_out : dict of str to int
        Rows without a label, and rows whose text says nothing.
    """

    texts: list[str]
    codes: Indices
    groups: Indices
    names: list[str]
    values: Floats
    left_out: dict[str, int]


def read_labelled(
    texts: pd.Series | Sequence[str],
    labels: pd.Series | Sequence[Any],
    *,
    values: Mapping[Any, float] | None,
    caller: str,
) -> LabelledTexts:
    """Pair texts with labels; rows without either are left out and counted."""
    given = pd.Series(list(texts), dtype="string").fillna("")
    marks = pd.Series(list(labels), dtype="object")
    if len(given) != len(marks):
        raise JourneyError(
            f"{caller}: every text must have its label; got {len(given):,} texts and "
            f"{len(marks):,} labels. Pass two columns of one table."
        )
    named = pd.Series([_name(mark) for mark in marks.tolist()], dtype="string")
    named = named.mask(named.str.strip().eq(""))
    silent = pd.Series([missing_reason(text) is not None for text in given], dtype=bool)
    kept = named.notna() & ~silent
    if not kept.any():
        raise TooFewError(
            f"{caller}: sentiment is learned from labelled texts, never scored without; of "
            f"{len(given):,} texts {int(named.notna().sum()):,} have a label. Label at least "
            f"{FEWEST_PER_LABEL} texts of each kind."
        )
    told, counts = named[kept], named[kept].value_counts()
    if not 2 <= len(counts) <= MOST_LABELS:
        shown = ", ".join(sorted(counts.index.tolist())[:8])
        raise JourneyError(
            f"{caller}: there must be 2 to {MOST_LABELS} different labels; got {len(counts)} "
            f"({shown}). Join or drop some first."
        )
    known = _values(counts.index.tolist(), values, caller)
    names = sorted(known, key=lambda name: (known[name], name))
    spelled = [for_model(text) for text in given[kept]]
    place = {name: j for j, name in enumerate(names)}
    return LabelledTexts(
        spelled,
        np.array([place[name] for name in told], dtype=np.int64),
        pd.factorize(pd.Series([key(text) or text for text in spelled]))[0].astype(np.int64),
        names,
        np.array([known[name] for name in names]),
        {"no label": int(named.isna().sum()), "says nothing": int((named.notna() & silent).sum())},
    )


def _name(mark: Any) -> str | None:
    if mark is None or mark is pd.NA or (isinstance(mark, float) and np.isnan(mark)):
        return None
    return f"{mark:g}" if isinstance(mark, float) else str(mark).strip()


def _values(names: list[str], values: Mapping[Any, float] | None, caller: str) -> dict[str, float]:
    if values is not None:
        stated = {str(_name(label)): float(value) for label, value in values.items()}
        unknown = [name for name in names if not -1 <= stated.get(name, float("nan")) <= 1]
        if unknown:
            raise JourneyError(
                f"{caller}: values must give every label a number from -1 to 1; "
                f"{', '.join(unknown)} has none. Example: values={{'bad': -1, 'good': 1}}."
            )
        return {name: stated[name] for name in names}
    try:
        found = {name: float(name) for name in names}
        low, high = min(found.values()), max(found.values())
        return {name: 2 * (value - low) / (high - low) - 1 for name, value in found.items()}
    except ValueError:
        pass
    strange = [name for name in names if key(name) not in _VALUE_OF]
    if strange:
        raise JourneyError(
            f"{caller}: labels must be numbers or words known to run from bad to good; "
            f"{', '.join(map(repr, strange))} is neither. Say what each stands for: "
            "values={'bad': -1, 'good': 1}."
        )
    found = {name: _VALUE_OF[key(name)] for name in names}
    top = max(abs(value) for value in found.values()) or 1.0
    return {name: value / top for name, value in found.items()}


def require_enough(data: LabelledTexts, *, caller: str) -> None:
    """Raise unless every label has enough different texts, and say how many are missing."""
    pairs = pd.DataFrame({"code": data.codes, "group": data.groups}).drop_duplicates()
    counts = np.bincount(pairs["code"], minlength=len(data.names))
    short = {
        name: FEWEST_PER_LABEL - int(n)
        for name, n in zip(data.names, counts, strict=True)
        if n < FEWEST_PER_LABEL
    }
    if short:
        missing = ", ".join(f"{n:,} more of {name!r}" for name, n in short.items())
        have = ", ".join(f"{name!r} {n:,}" for name, n in zip(data.names, counts, strict=True))
        raise TooFewError(
            f"{caller}: every label must have at least {FEWEST_PER_LABEL} different texts; there "
            f"are {have}. Label {missing}, or join labels."
        )
