"""Neutral names for personas: by a rule, from what makes each stand out."""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np
import pandas as pd

from cjlib.columns import PERSONA
from cjlib.definitions import Text
from cjlib.language import phrase, to_persian_digits
from cjlib.personas.clustering import Floats
from cjlib.personas.variables import Variables
from cjlib.study import Study

SMALL: Final = (
    "a an are at be do does for from how i in is it of on or the to us we with would you your "
    "از است با برای به بود تا چقدر چه در را شما ما من می می‌کنم می‌کنید و که هست هستند یا"
)
SMALL_WORDS: Final = frozenset(SMALL.split())
SHARED: Final = 0.3  # words in this share of the questions say nothing about one of them
LONGEST: Final = 48  # characters
MARKS: Final = "?.!:;,؟،؛«»\"'()"
RULE: Final = (
    "A persona is named after the item on which it stands highest above all others, in standard "
    "deviations; from the question the words that other questions share are dropped at both ends. "
    "Names can be set in study.yaml (personas.names). They say what was measured, nothing more."
)


def name_personas(
    study: Study, variables: Variables, personas: pd.Series, ids: list[str]
) -> pd.DataFrame:
    """Name each persona: the study's own names in order of size, else by ``RULE``.

    Parameters
    ----------
    variables : Variables
    personas : Series of str
        One per placed row; missing for those who belong to none.
    ids : list of str
        Personas in order of size.

    Returns
    -------
    DataFrame
        ``persona, name_en, name_fa, item`` (named after; empty where named by the study or
        where there is one persona only).
    """
    labels = short_labels(study, variables)
    standing = _standing(variables.matrix, variables.row_weights, personas, ids)
    columns, sources = variables.columns, variables.items.set_index("item")["source"]
    rows = []
    taken: set[str] = set()
    for i, persona in enumerate(ids):
        own = study.personas.names[i] if i < len(study.personas.names) else None
        if own is not None or len(ids) == 1:
            name = own or Text(phrase("persona.everyone", "en"), phrase("persona.everyone", "fa"))
            rows.append({PERSONA: persona, "name_en": name.to("en"), "name_fa": name.to("fa"),
                         "item": ""})  # fmt: skip
            continue
        order = np.argsort(-standing[i], kind="stable")
        free = [j for j in order if columns["item"].iloc[j] not in taken]
        first = free[0] if free else order[0]
        item, level = (str(columns[name].iloc[first]) for name in ("item", "level"))
        high = standing[i][first] >= 0
        taken.add(item)
        names = {}
        for language in ("en", "fa"):
            label = labels[item].to(language)
            if level:
                label = f"{label} {_level_label(study, item, level).to(language)}"
            if sources[item] == "interactions":
                label = phrase("persona.high" if high else "persona.low", language, label=label)
            number = to_persian_digits(str(i + 1)) if language == "fa" else str(i + 1)
            names[language] = phrase("persona.name", language, number=number, label=label)
        rows.append({PERSONA: persona, "name_en": names["en"], "name_fa": names["fa"],
                     "item": item})  # fmt: skip
    return pd.DataFrame(rows)


def short_labels(study: Study, variables: Variables) -> dict[str, Text]:
    """Short label of every item the segments were made on, in both languages."""
    items = variables.items
    asked = items[items["source"].eq("survey")]
    english, persian = (shorten(list(asked[f"label_{lang}"])) for lang in ("en", "fa"))
    short = dict(zip(asked["item"], map(Text, english, persian), strict=True))
    whole = zip(items["item"], map(Text, items["label_en"], items["label_fa"]), strict=True)
    return {name: short.get(name, text) for name, text in whole}


def _level_label(study: Study, item: str, level: str) -> Text:
    labels = next((i.labels for i in study.codebook.items if i.name == item), {})
    return labels.get(level, Text(level))


def shorten(questions: list[str]) -> list[str]:
    """Drop, at both ends of each question, small words and words that other questions share.

    A word is shared when ``SHARED`` of the questions (and at least three) have it. What
    would be left empty stays whole; what is too long is cut at a word.

    Examples
    --------
    >>> shorten(["How important is fast delivery?", "How important are gifts?",
    ...          "How important is a low price?"])
    ['fast delivery', 'gifts', 'low price']
    """
    words = [question.split() for question in questions]
    count = Counter(w for each in words for w in {_bare(word) for word in each})
    shared = {w for w, n in count.items() if n >= max(3, SHARED * len(questions))}
    out = []
    for question, each in zip(questions, words, strict=True):
        kept = list(each)
        while kept and (_bare(kept[0]) in shared or _bare(kept[0]) in SMALL_WORDS):
            kept.pop(0)
        while kept and (_bare(kept[-1]) in shared or _bare(kept[-1]) in SMALL_WORDS):
            kept.pop()
        label = " ".join(kept).strip(MARKS + " ") or question.strip(MARKS + " ")
        if len(label) > LONGEST:
            label = label[:LONGEST].rsplit(" ", 1)[0] + "…"
        out.append(label)
    return out


def _bare(word: str) -> str:
    return word.strip(MARKS).casefold()


def _standing(values: Floats, weights: Floats, personas: pd.Series, ids: list[str]) -> Floats:
    """Standardised difference of each persona from all, (personas, items)."""
    mean = np.average(values, axis=0, weights=weights)
    spread = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))
    rows = []
    for persona in ids:
        member = personas.eq(persona).fillna(value=False).to_numpy(dtype=bool)
        own = np.average(values[member], axis=0, weights=weights[member])
        rows.append((own - mean) / np.where(spread > 0, spread, 1.0))
    return np.array(rows)
