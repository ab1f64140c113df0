"""Taking people out of transcripts: numbers, addresses and names become placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from cjlib.interviews.roles import is_role_word
from cjlib.language import find_personal, key, to_latin_digits
from cjlib.language.personal import KINDS

_AS = {"card": "number", "iban": "number", "national_id": "number"}  # kind to placeholder
# In this order; digits of any set, seen as Latin ones.
_LINKS: Final = (
    (
        "url",
        re.compile(
            r"(?:https?://|www\.)[^\s<>«»\"]*[^\s<>«»\".,;:!?؟،؛)\]]"
            r"|\b[\w-]+\.(?:com|org|net|ir|io|me|co|info)\b(?:/[^\s<>«»\"]*[^\s<>«»\".,;:!?؟،؛)])?",
            re.IGNORECASE,
        ),
    ),
    ("handle", re.compile(r"(?<!\w)@[A-Za-z_]\w{2,}")),
)
_PLACES: Final = (
    (
        "address",
        re.compile(
            r"(?:(?:خیابان|بلوار|کوچه|کوچهٔ|میدان|بن‌بست) [\w\u200c]+(?: [\w\u200c]+)?[،,]? ?)*"
            r"(?:پلاک|کد ?پستی) ?\d+"
            r"|\b\d{1,5},? (?:[A-Z][a-z]+ ){1,3}(?:Street|St|Avenue|Ave|Road|Rd|Lane|Alley)\b"
        ),
    ),
    ("number", re.compile(r"(?<!\d)\d{8,}(?!\d)")),  # order, card and identity numbers
)
_WORD = r"[^\W\d_][\w'’-]*"
_TITLED = r"[A-Z][\w'’-]+(?: [A-Z][\w'’-]+){0,2}"
_INTRODUCED_EN: Final = (
    re.compile(rf"\b[Mm]y (?:\w+ )?name(?: is|['’]s)[,:]? ({_TITLED})"),
    re.compile(
        rf"\b(?:[Mm]r|[Mm]ister|Mrs|Missus|Ms|Miss|Madam|Dr|Doctor|Prof|Professor)\.? ({_TITLED})"
    ),
    re.compile(rf"\b(?:[Tt]his is|[Cc]all me|I(?:['’]m| am) called) ({_TITLED})"),
)
_NAME_IN_SMALL: Final = re.compile(rf"\bmy (?:\w+ )?name(?: is|['’]s) ({_WORD})")
_I_AM_EN: Final = re.compile(rf"\bI(?:['’]m| am) ({_TITLED})")
_FA: Final = r"[\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u200c]+"
_INTRODUCED_FA: Final = (
    re.compile(rf"(?:اسم|نام)(?:[\u200c ]?(?:من|بنده)|م) ({_FA}(?: {_FA})?) (?:هست|است|ه\b|هستش)"),
    re.compile(rf"(?:اسم|نام)(?:[\u200c ]?(?:من|بنده)|م) ({_FA})"),
    re.compile(rf"(?<![\w\u200c])(?:آقای|خانم|خانوم|دکتر|مهندس) ({_FA})"),
)
_I_AM_FA: Final = re.compile(rf"(?:من|بنده)،? ({_FA}(?: {_FA}){{0,2}}) (?:هستم|ام\b|صحبت)")
FIRST_TURNS: Final = 3  # of a speaker: where "I am ..." gives a name
_NOT_NAMES: Final = {
    key(word)
    for word in (
        "a", "an", "the", "not", "so", "very", "just", "really", "interviewee", "interviewer",
        "participant", "from", "i", "im", "ive", "as", "uh", "um", "well", "okay", "yeah",
        "on", "in", "is", "it", "of", "sorry",
        "خیلی", "بسیار", "کاملا", "واقعا", "هم", "که", "از", "در", "با", "به", "تا", "اهل",
        "ساکن", "راضی", "ناراضی", "مشتری", "کاربر", "دانشجو", "کارمند", "معلم", "پزشک",
        "بازنشسته", "متاهل", "مجرد", "خانه‌دار", "ساله", "سال", "خوشحال", "ناراحت", "عصبانی",
        "مطمئن", "متاسف", "موافق", "مخالف", "منتظر", "نگران", "امیدوار", "اینجا", "همیشه",
        "هنوز", "الان", "فقط", "یک", "یه", "هیچ", "این", "آن", "اون", "خودم", "عاشق", "آدم",
        "آدمی", "کسی", "جزو", "جزء", "حاضر", "مجبور", "پشیمان", "دلخور", "شاکی", "مدیر",
        "مسئول", "وفادار", "قدیمی", "همین", "همان", "بی", "پر", "کم", "زن", "مرد", "ایرانی",
        "فروشنده", "راننده", "پیک", "پستچی", "کارشناس", "اپراتور", "پشتیبان", "محترم", "من",
        "شما", "ما", "او", "ها", "خودش", "بود", "شد", "گفت", "چه", "کدام", "یکی", "دیگر",
        "را", "رو", "و", "یا", "نیستم", "هستم", "است", "هست", "چیست", "چیه", "تهرانی",
        "صندوق‌دار", "صندوقدار", "صندوق", "تعمیرکار", "متصدی", "تلفنچی", "های",
        "صادقانه", "محترمانه", "مودبانه", "صبورانه", "دوستانه", "صمیمانه", "متاسفانه",
        "خوشبختانه", "فوری", "بعد", "هر", "همه",
    )
}  # fmt: skip


class Redactor:
    """Replaces people in the texts of one interview; what it replaced stays in memory only.

    The same number, address or name gives the same placeholder throughout the interview
    (``[phone-1]``, ``[name-2]``); another interview counts anew, so placeholders link nothing.

    Parameters
    ----------
    names : iterable of str
        Known names, the listed participants first; labels such as P1 are harmless.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._seen: dict[tuple[str, str], str] = {}
        self._people: list[set[str]] = []
        self._forms: dict[str, None] = {}  # as written, in order
        self._names: re.Pattern[str] | None = None
        for name in names:
            self._add(name)

    def learn(self, turns: Iterable[tuple[str, str]]) -> None:
        """Collect the names with which speakers introduce themselves.

        Parameters
        ----------
        turns : iterable of (speaker, text)
            In order. «my name is …», «this is …», «اسم من …», «من آقای …» anywhere;
            A name after a title (Mr, Mister, Dr, آقای, خانم) is taken out too, whoever bears
            it; a trade or manner after one («خانم صندوق‌دار») is no name.
            «I am …» with a capital and «من … هستم» in a speaker's first three turns, unless
            one of the words is known to be none («من خیلی راضی هستم»).
        """
        heard = list(turns)
        in_small = not any(re.search("[A-Z]", text) for _, text in heard)  # speech recognition
        spoken: dict[str, int] = {}
        for speaker, text in heard:
            spoken[speaker] = spoken.get(speaker, 0) + 1
            patterns = [*_INTRODUCED_EN, *_INTRODUCED_FA]
            if spoken[speaker] <= FIRST_TURNS:
                patterns += [_I_AM_EN, _I_AM_FA]
            if in_small:
                patterns.append(_NAME_IN_SMALL)
            for pattern in patterns:
                for match in pattern.finditer(text):
                    if not any(key(word) in _NOT_NAMES for word in match[1].split()):
                        self._add(match[1])
        self._compile(any_case=in_small)

    def redact(self, text: str) -> tuple[str, list[tuple[str, str]]]:
        """Return the text with placeholders, and each (kind, placeholder) put in, in order."""
        found: list[tuple[str, str]] = []
        text = self._replace_data(text, {"email"}, found)
        for kind, pattern in _LINKS:
            text = self._replace(text, kind, pattern, found)
        text = self._replace_data(text, set(KINDS) - {"postal_code"}, found)
        for kind, pattern in _PLACES:
            text = self._replace(text, kind, pattern, found)
        if self._names:
            text = self._replace(text, "name", self._names, found)
        return text, found

    def _replace_data(self, text: str, kinds: set[str], found: list[tuple[str, str]]) -> str:
        parts, end = [], 0
        for datum in find_personal(text):
            if datum.kind not in kinds:
                continue
            kind = _AS.get(datum.kind, datum.kind)
            placeholder = self._placeholder(kind, datum.text)
            parts += [text[end : datum.start], placeholder]
            end = datum.end
            found.append((kind, placeholder))
        return "".join([*parts, text[end:]])

    def _replace(
        self, text: str, kind: str, pattern: re.Pattern[str], found: list[tuple[str, str]]
    ) -> str:
        parts, end = [], 0
        for match in pattern.finditer(to_latin_digits(text)):  # the same length
            placeholder = self._placeholder(kind, text[match.start() : match.end()])
            parts += [text[end : match.start()], placeholder]
            end = match.end()
            found.append((kind, placeholder))
        return "".join([*parts, text[end:]])

    def _placeholder(self, kind: str, original: str) -> str:
        if kind == "name":
            person = next(i for i, p in enumerate(self._people) if key(original) in p)
            return f"[name-{person + 1}]"
        same = (kind, key(original))
        count = sum(k == kind for k, _ in self._seen)
        return self._seen.setdefault(same, f"[{kind}-{count + 1}]")

    def _add(self, name: str) -> None:
        words = [w for w in re.findall(_WORD, name) if len(w) > 2 or not w.isascii()]
        forms = {key(w) for w in (name, *words) if len(key(w)) > 1 and not w.isdigit()}
        known = any(key(name) in person for person in self._people)
        if not forms or known or is_role_word(name):
            return
        self._people.append(forms)
        self._forms |= dict.fromkeys((name, *words))

    def _compile(self, *, any_case: bool) -> None:
        forms = [f for f in self._forms if any(c.isalpha() for c in f)]
        if not forms:
            return
        written = sorted(
            {g for f in forms for g in (f, f.title(), f.upper())}, key=lambda f: (-len(f), f)
        )
        body = "|".join(re.escape(to_latin_digits(f)).replace(r"\ ", r"\s+") for f in written)
        flags = re.IGNORECASE if any_case else re.NOFLAG
        self._names = re.compile(rf"(?<![\w\[-])(?:{body})(?![\w-])", flags)
