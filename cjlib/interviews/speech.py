"""What people say made fit to count: fillers and recognisers' noise taken out, and counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pandas as pd

from cjlib.columns import INTERVIEW, TEXT
from cjlib.language import clean, key

NOISE_COLUMNS: Final = (INTERVIEW, "rule", "removed", "turns")
_SOUNDS: Final = {
    key(word)
    for word in (
        "laughs", "laugh", "laughing", "laughter", "chuckles", "chuckle", "chuckling", "giggles",
        "inaudible", "unintelligible", "unclear", "indistinct", "crosstalk", "cross-talk",
        "overlapping", "music", "applause", "clapping", "silence", "pause", "pauses", "sigh",
        "sighs", "sighing", "cough", "coughs", "coughing", "noise", "noises", "blank_audio",
        "blank audio", "phone rings", "sniffs", "breathing", "inhales", "exhales", "beep",
        "خنده", "می‌خندد", "می‌خندند", "با خنده", "نامفهوم", "نامفهموم", "ناواضح", "غیرقابل فهم",
        "سکوت", "مکث", "موسیقی", "آهنگ", "سرفه", "تشویق", "آه", "نفس عمیق", "صدای تلفن", "همهمه",
        "نویز", "هم‌پوشانی",
    )
}  # fmt: skip
_BRACKETS = re.compile(r"[\[(*][^\[\]()*\n]{1,40}[\])*]")
_NOTES = re.compile("[♩♪♫♬]+")
_ARROWS = re.compile(r"(?:^|(?<=\s))>{2,3}(?=\s|$)|&gt;&gt;")
_SOUND = re.compile(
    r"(?<![\w'’-])(?:u+h+m*|u+m+|e+r+m+|er+|h+m{2,}|m{2,}|mm+h+m*)(?![\w'’-])"
    r"|(?<![\w\u200c])(?:(?:اِ+)+م*|ا{2,}م*|امم+|اوم{2,}|ه+م{2,}|آ{2,})(?![\w\u200c])",
    re.IGNORECASE,
)
_EDGE_BEFORE = r"(?:^|(?<=[.,;:!?؟،؛…–—-])|(?<=[.,;:!?؟،؛…–—-] ))"
_EDGE_AFTER = r"(?= ?(?:[.,;:!?؟،؛…–—]|-(?!\w)|$))"
_PHRASE = re.compile(
    rf"{_EDGE_BEFORE}(?:you know|i mean|یعنی|می‌دونی|می‌دونید|می‌دانید|چیز){_EDGE_AFTER}",
    re.IGNORECASE,
)
_REPEATED_WORDS: Final = frozenset((
    "the", "a", "an", "i", "we", "you", "he", "she", "it", "they", "to", "of", "in", "on", "at",
    "for", "with", "from", "and", "or", "but", "if", "is", "are", "was", "were", "be",
    "this", "my", "our", "your", "their", "his", "its", "as", "what", "how", "when", "which",
    "it's", "i'm", "we're", "they're", "i've", "can", "because",
    "که", "از", "به", "در", "و", "را", "رو", "با", "برای", "تا", "این", "اون", "آن", "یه", "یک",
    "من", "ما", "شما", "او", "ولی", "اما", "اگه", "اگر", "چون", "بعد", "مثلا", "مثلاً", "یعنی",
))  # fmt: skip
_DOUBLED = re.compile(
    r"(?<![\w'’\u200c-])([\w'’\u064b]{1,8})(?:[,،… ]+\1(?![\w'’\u200c-]))+", re.IGNORECASE
)
_BROKEN = re.compile(r"(?<![\w'’-])([^\W\d_]{1,4})- +(?=\1)", re.IGNORECASE)
# What taking words out leaves: two commas, a comma after a full stop, or one at either end.
_LEFT_BEHIND: Final = (
    (re.compile(r"\s+(?=[.,;:!?؟،؛…])"), ""),
    (re.compile(r"([,،;؛])(?:\s*[,،;؛])+"), r"\1"),
    (re.compile(r"[,،;؛]\s*(?=[.!?؟…])"), ""),
    (re.compile(r"([.!?؟…])\s*[,،;؛](?=\s|$)"), r"\1"),
    (re.compile(r"(?<=[!?؟])\s*\.+(?=\s|$)|(?<=\.)\s+\.+(?=\s|$)"), ""),
    (re.compile(r"^[\s,،;؛.…–—-]+(?=\w)|[\s,،;؛–—-]+$"), ""),
)


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """What ``normalise_utterances`` made.

    Attributes
    ----------
    texts : Series of str
        One for each utterance, with the utterances' index; may be empty.
    noise : DataFrame, one row per interview and rule that found something
        ``interview_id``; ``rule``; ``removed``: how often it took something out; ``turns``: in
        how many turns.
    """

    texts: pd.Series
    noise: pd.DataFrame

    def summary(self) -> str:
        """Return what was taken out in one sentence."""
        rules = self.noise.groupby("rule", sort=True)["removed"].sum()
        parts = ", ".join(f"{count:,} by '{rule}'" for rule, count in rules.items())
        return (
            f"{int(rules.sum()):,} fillers and noises taken out of {len(self.texts):,} texts "
            f"for analysis{': ' + parts if parts else ''}; quotations stay as spoken."
        )


def normalise_utterances(utterances: pd.DataFrame) -> Speech:
    """Take fillers and recognisers' noise out of texts, for analysis only.

    First ``clean`` (one spelling of Persian and English), then, in this order:

    - ``sound``: a note in brackets or asterisks of which the first or last word is a sound
      ([laughter], (inaudible 12:03), «[نامفهوم]», «(خنده)»); other brackets, and placeholders
      of taken-out people, stay.
    - ``sign``: notes (♪) and the arrows (>>) of captions.
    - ``filler``: um, uh, er, erm, hmm, mm, «اِ», «اِم», «امم», «اا» as words of their own. "Uh-huh"
      and "mhm" are answers and stay.
    - ``filler phrase``: you know, I mean, «یعنی», «می‌دونی», «چیز» only where punctuation or an
      end stands on both sides; «مثلاً» and "like" carry sense and stay.
    - ``repeat``: a word of a closed list (the, I, to, که, از ...) said twice or more in a row,
      kept once; and a word broken off ("th- the"). «خیلی خیلی», «کم کم», "very very" and numbers
      mean something doubled and stay.

    The ``text`` column, from which quotations come, is not changed. Nothing else is: case,
    stop words and spelling for models are ``cjlib.language.for_model``'s.

    Parameters
    ----------
    utterances : DataFrame, one row per turn or comment
        ``text`` and, if it has one, ``interview_id`` (else all count as one interview, "").
        Not changed.

    Returns
    -------
    Speech
    """
    counts: Counter[tuple[str, str]] = Counter()
    turns: Counter[tuple[str, str]] = Counter()
    interviews = utterances.get(INTERVIEW, pd.Series("", index=utterances.index))
    texts = []
    for interview, text in zip(interviews.tolist(), utterances[TEXT].tolist(), strict=True):
        said = clean(text) if isinstance(text, str) else ""
        said, found = _normalise(said)
        for rule, count in found.items():
            counts[interview, rule] += count
            turns[interview, rule] += 1
        texts.append(said)
    rows = [(i, rule, count, turns[i, rule]) for (i, rule), count in sorted(counts.items())]
    noise = pd.DataFrame(rows, columns=list(NOISE_COLUMNS)).astype(
        {INTERVIEW: "string", "rule": "string", "removed": "int64", "turns": "int64"}
    )
    return Speech(pd.Series(texts, index=utterances.index, dtype="string"), noise)


def _normalise(text: str) -> tuple[str, dict[str, int]]:
    found: dict[str, int] = {}
    small = text.casefold()
    for rule, signs, change in _RULES:
        if not any(sign in small for sign in signs):  # most texts, fast
            continue
        text, count = change(text)
        if count:
            found[rule] = found.get(rule, 0) + count
            small = text.casefold()
    if not found:
        return text, found
    text = re.sub(r" {2,}", " ", text)
    for pattern, instead in _LEFT_BEHIND:
        text = pattern.sub(instead, text)
    return text.strip(), found


def _drop_sounds(text: str) -> tuple[str, int]:
    count = 0

    def judge(match: re.Match[str]) -> str:
        nonlocal count
        words = re.findall(r"[^\W\d]+(?:[-'’\u200c][^\W\d]+)*", match[0])
        held = key("".join(words)) in _SOUNDS or (
            0 < len(words) <= 3 and bool({key(words[0]), key(words[-1])} & _SOUNDS)
        )
        count += held
        return " " if held else match[0]

    return _BRACKETS.sub(judge, text), count


def _drop_repeats(text: str) -> tuple[str, int]:
    count = 0

    def judge(match: re.Match[str]) -> str:
        nonlocal count
        held = match[1].casefold() in _REPEATED_WORDS
        count += held
        return match[1] if held else match[0]

    return _DOUBLED.sub(judge, text), count


def _drop(pattern: re.Pattern[str], instead: str = " ") -> Callable[[str], tuple[str, int]]:
    return lambda text: pattern.subn(instead, text)


_RULES: Final = (  # rule, a sign every text it can change has, and the change
    ("sound", ("[", "(", "*"), _drop_sounds),
    ("sign", ("♩", "♪", "♫", "♬"), _drop(_NOTES)),
    ("sign", (">>", "&gt;&gt;"), _drop(_ARROWS)),
    ("filler", ("uh", "um", "er", "hm", "mm", "اِ", "اا", "مم", "آآ"), _drop(_SOUND)),
    ("filler phrase", ("you know", "i mean", "یعنی", "می\u200cد", "چیز"), _drop(_PHRASE, "")),
    ("repeat", ("- ",), _drop(_BROKEN, "")),
    ("repeat", (" ",), _drop_repeats),
)
