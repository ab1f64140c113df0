"""Who asks and who answers in an interview."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from cjlib.language import key

INTERVIEWER: Final = "interviewer"
PARTICIPANT: Final = "participant"
UNKNOWN: Final = "unknown"  # the transcript names nobody

_ASKS: Final = {
    key(word)
    for word in (
        "interviewer", "moderator", "researcher", "facilitator", "host", "question", "q", "int",
        "co interviewer", "second interviewer", "co moderator", "mod", "ir",
        "مصاحبه‌گر", "مصاحبه‌کننده", "پرسشگر", "پرسش‌گر", "پرسش‌کننده", "گرداننده", "مجری",
        "تسهیلگر", "تسهیل‌گر", "پژوهشگر", "محقق", "سوال", "سؤال", "پرسش", "س", "مصاحبه‌گر همکار",
    )
}  # fmt: skip
_ANSWERS: Final = {
    key(word)
    for word in (
        "interviewee", "participant", "respondent", "informant", "customer", "user", "client",
        "answer", "a", "p", "r", "ie", "مصاحبه‌شونده", "مشارکت‌کننده", "شرکت‌کننده",
        "شرکت‌کننده‌ی", "مشارکت‌کننده‌ی", "مصاحبه‌شونده‌ی", "پاسخگو", "پاسخ‌گوی",
        "پاسخ‌گو", "پاسخ‌دهنده", "پاسخ", "جواب", "مشتری", "کاربر", "ج",
    )
}  # fmt: skip
_NEUTRAL: Final = {
    key(w)
    for w in ("speaker", "spk", "person", "unknown", "voice", "گوینده", "سخنگو", "نفر", "فرد")
}
_ORDER: Final = {*"abcdefgh"} | {
    key(w)
    for w in ("one", "two", "three", "four", "five", "six", "الف", "ب", "پ", "ت", "ث", "ج", "د",
              "اول", "دوم", "سوم", "چهارم", "پنجم", "ششم", "یک", "دو", "سه", "چهار", "پنج", "شش")
}  # fmt: skip
_MARK: Final = re.compile("[?؟]")
_ASKING: Final = re.compile(
    r"(?:^|[.!,،؛…])\s*(?:(?:so|and|okay|ok|well|right|خب|و|پس),? )*"
    r"(?:how|what|why|when|where|which|who|(?:do|did|have|are|were|can|could|would|will) you|"
    r"tell (?:me|us)|چرا|چطور|چگونه|چه|چی|کی|کجا|کدام|آیا|می‌شه|می‌شود|میشه)(?!\w)",
    re.IGNORECASE,
)


def is_role_word(label: str) -> bool:
    """Say whether a speaker's label is a role (Interviewer 1, Q, مصاحبه‌گر), not a name."""
    return _stem(label) in _ASKS | _ANSWERS | _NEUTRAL


def find_roles(
    turns: Iterable[tuple[str, str]], *, listed: Iterable[str] = ()
) -> dict[str, tuple[str, str]]:
    """Tell the interviewer from the participants.

    Parameters
    ----------
    turns : iterable of (speaker, text)
        In order.
    listed : iterable of str
        Labels of participants, as people.csv lists them.

    Returns
    -------
    dict: speaker -> (role, rule)
        By the first rule that holds: ``listed`` (people.csv names the participant);
        ``named`` (the label is a role word); ``asks most questions`` (no label names the
        interviewer: of the speakers still open, with a tenth of the turns at least, the one
        with the most question marks for the words spoken, the first to speak on a tie; those
        who talk much ask much, so a plain count often picks the participant; where nothing
        has a question mark, sentences that begin with how, what, did you, چرا, آیا and the
        like are counted);
        ``the others`` (participant; also everybody where nobody asks, or one speaks alone).
        No speaker named: ``unknown``.
    """
    spoken: dict[str, tuple[int, int, int]] = {}  # turns, question marks, words
    heard = list(turns)
    asks = _MARK if any(_MARK.search(text) for _, text in heard) else _ASKING
    for speaker, text in heard:
        count, marks, words = spoken.get(speaker, (0, 0, 0))
        marks += len(asks.findall(text))
        spoken[speaker] = (count + 1, marks, words + len(text.split()))
    known = {key(name) for name in listed}
    roles: dict[str, tuple[str, str]] = {}
    for speaker in spoken:
        if not speaker:
            roles[speaker] = (UNKNOWN, "no speaker named")
        elif key(speaker) in known:
            roles[speaker] = (PARTICIPANT, "listed")
        elif _stem(speaker) in _ASKS | _ANSWERS:
            roles[speaker] = (INTERVIEWER if _stem(speaker) in _ASKS else PARTICIPANT, "named")
    return roles | _find_asker(spoken, roles)


def _find_asker(
    spoken: Mapping[str, tuple[int, int, int]], roles: Mapping[str, tuple[str, str]]
) -> dict[str, tuple[str, str]]:
    still_open = [speaker for speaker in spoken if speaker not in roles]
    found = dict.fromkeys(still_open, (PARTICIPANT, "the others"))
    named = any(role == INTERVIEWER for role, _ in roles.values())
    total = sum(count for speaker, (count, _, _) in spoken.items() if speaker)
    asking = [s for s in still_open if spoken[s][1] and 10 * spoken[s][0] >= total]
    if not named and asking and len([s for s in spoken if s]) > 1:
        asker = max(asking, key=lambda speaker: spoken[speaker][1] / spoken[speaker][2])
        found[asker] = (INTERVIEWER, "asks most questions")
    return found


def _stem(label: str) -> str:
    """Return the key of a label without the number or letter that tells it from its like."""
    words = label.split()
    if len(words) > 1 and key(words[-1]) in _ORDER:
        words = words[:-1]
    return re.sub(r"\d+$", "", key(" ".join(words)))
