"""Taking people out of transcripts: names, places, numbers, addresses become placeholders."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cjlib.interviews.roles import is_role_word
from cjlib.language import find_personal, key, to_latin_digits
from cjlib.language.personal import KINDS
from cjlib.tables import neutralise

KEY_FILE: Final = "interviews_key.csv"
MIN_NUMBER_WORDS: Final = 7  # as many as a local telephone number has digits
_DATA: Final = frozenset(KINDS) - {"postal_code", "email"}
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
    re.compile(rf"\b(?:[Tt]his is|[Cc]all me|I(?:['’]m| am) called) ({_TITLED})"),
)
_NAME_IN_SMALL: Final = re.compile(rf"\bmy (?:\w+ )?name(?: is|['’]s) ({_WORD})")
_I_AM_EN: Final = re.compile(rf"\bI(?:['’]m| am) ({_TITLED})")
_FA: Final = r"[\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u200c]+"
_INTRODUCED_FA: Final = (
    re.compile(rf"(?:اسم|نام)(?:[\u200c ]?(?:من|بنده)|م) ({_FA}(?: {_FA})?) (?:هست|است|ه\b|هستش)"),
    re.compile(rf"(?:اسم|نام)(?:[\u200c ]?(?:من|بنده)|م) ({_FA})"),
)
_TITLES: Final = (
    re.compile(
        rf"\b(?:[Mm]r|[Mm]ister|Mrs|Missus|Ms|Miss|Madam|Dr|Doctor|Prof|Professor)\.? ({_TITLED})"
    ),
    re.compile(rf"(?<![\w\u200c])(?:آقای|خانم|خانوم|دکتر|مهندس) ({_FA})"),
)
_LIVES_IN: Final = (
    re.compile(
        r"\b(?:I|[Ww]e)(?:['’](?:ve|m|re)| have| am| are)? (?:now |still |actually |originally )?"
        r"(?:(?:live|lived|living|grew up|born|was born|based) in|from) "
        rf"({_TITLED})"
    ),
    re.compile(rf"(?<![\w\u200c])ساکن (?:شهر )?({_FA})"),
    re.compile(rf"(?<![\w\u200c])اهل (?:شهر )?({_FA}) (?:هستم|هستیم|ام\b)"),
    re.compile(rf"(?<![\w\u200c])(?:در|تو|توی) (?:شهر )?({_FA}(?: {_FA})?) زندگی"),
)
_PLACE_IN_SMALL: Final = re.compile(rf"\bi (?:live|grew up|was born) in ({_WORD})")
_I_AM_FA: Final = re.compile(rf"(?:من|بنده)،? ({_FA}(?: {_FA}){{0,2}}) (?:هستم|ام\b|صحبت)")
_NUMBER_WORDS: Final = (
    "zero", "oh", "o", "nought", "one", "two", "three", "four", "five", "six", "seven", "eight",
    "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
    "eighteen", "nineteen", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty",
    "ninety", "hundred", "double", "triple", "صفر", "یک", "دو", "سه", "چهار", "پنج", "شش",
    "شیش", "هفت", "هشت", "نه", "ده", "یازده", "دوازده", "سیزده", "چهارده", "پانزده", "پونزده",
    "شانزده", "شونزده", "هفده", "هیفده", "هجده", "هیجده", "نوزده", "بیست", "سی", "چهل",
    "پنجاه", "شصت", "هفتاد", "هشتاد", "نود", "صد", "دویست", "سیصد", "چهارصد", "پانصد",
    "پونصد", "ششصد", "شیشصد", "هفتصد", "هشتصد", "نهصد",
)  # fmt: skip
_LINKING: Final = frozenset({"و", "and"})
_NUMBER: Final = "(?:" + "|".join(sorted(_NUMBER_WORDS, key=len, reverse=True)) + r"|\d{1,4})"
_SPELT: Final = re.compile(
    rf"(?<![\w\u200c]){_NUMBER}(?:(?:[\s,،.–-]{{1,3}}(?:(?:و|and)\s)?|و\s){_NUMBER})+(?![\w\u200c])",
    re.IGNORECASE,
)
_SPELT_MAIL: Final = re.compile(
    r"[\w.+-]{1,64}(?: (?:dot|underscore|dash) \w{1,40}){0,5} at [\w-]{1,40}(?: dot \w{2,20}){1,4}"
    r"|[\w.+-]{1,64} (?:ات|اَت|ادساین|اَد‌ساین) \w{1,40} (?:دات|نقطه) \w{2,20}",
    re.IGNORECASE,
)
_NOT_PLACES: Final = {
    key(word)
    for word in (
        "elsewhere", "other", "online", "city", "town", "village", "abroad", "unknown", "none",
        "home", "here", "capital", "north", "south", "east", "west", "سایر", "دیگر", "شهرستان",
        "شهر", "روستا", "خارج", "خانه", "خونه", "اینجا", "نامعلوم", "شمال", "جنوب", "مرکز",
        "مطالعه", "خرید", "ورزش", "کتاب", "سفر", "موسیقی", "بازی", "خوابگاه", "آپارتمان",
    )
}  # fmt: skip
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


class Register:
    """The placeholders of a study, given in the order of first use; kept in memory only.

    The same name, place or number gets the same placeholder in every interview: two people
    of one full name share one. ``write`` puts the key into a private folder, on request.
    """

    def __init__(self) -> None:
        self._given: dict[tuple[str, str], str] = {}
        self._originals: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def name(self, kind: str, identity: str, original: str) -> str:
        """Return the placeholder of a thing, a new one at its first use."""
        same = (kind, identity)
        if same not in self._given:
            self._counts[kind] += 1
            self._given[same] = f"[{kind}-{self._counts[kind]}]"
            self._originals[self._given[same]] = original
        return self._given[same]

    def write(self, folder: Path) -> Path:
        """Write what each placeholder stands for to a file that only its owner can read."""
        folder.mkdir(mode=0o700, exist_ok=True)
        file, part = folder / KEY_FILE, folder / f"{KEY_FILE}.part"
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
            lines = csv.writer(out, lineterminator="\n")
            lines.writerow(("placeholder", "original"))
            lines.writerows((p, neutralise(o)) for p, o in self._originals.items())
        part.replace(file)
        return file


@dataclass(frozen=True, slots=True)
class Redaction:
    """One replacement: what kind of thing, its placeholder, and the rule that found it."""

    kind: str
    placeholder: str
    rule: str


class Redactor:
    """Replaces people in the texts of one interview; what it replaced stays in memory only.

    The same number, place or name gives the same placeholder throughout (``[phone-1]``,
    ``[name-2]``), and throughout the study where interviews share a ``Register``.

    Parameters
    ----------
    names : iterable of str
        Known names of this interview's people; each of their words is taken out too. Labels
        such as P1 are harmless.
    labels : iterable of str
        Speakers' labels that are names.
    elsewhere : iterable of str
        Names listed for other interviews: taken out only where written in full, with two
        words at least, for «بهار» or "Rose" alone may be a word here.
    places : iterable of str
        Known places; "elsewhere", "online" and the like are none.
    hidden : iterable of str
        Other words to take out.
    register : Register
        Shared by the interviews of a study; by default a new one.
    """

    def __init__(
        self, names: Iterable[str] = (), *, labels: Iterable[str] = (),
        elsewhere: Iterable[str] = (), places: Iterable[str] = (), hidden: Iterable[str] = (),
        register: Register | None = None,
    ) -> None:  # fmt: skip
        self._register = Register() if register is None else register
        self._known: list[_Known] = []
        self._written: dict[str, dict[str, None]] = {}  # forms of each kind, in order
        self._patterns: list[tuple[str, re.Pattern[str]]] = []
        for kind, rule, words in (
            ("name", "listed", names), ("name", "speaker label", labels),
            ("place", "listed", places), ("hidden", "listed", hidden),
        ):  # fmt: skip
            for word in words:
                self._add(kind, word, rule)
        for name in elsewhere:
            if len(name.split()) > 1:
                self._add("name", name, "listed", whole=True)
        self._compile(any_case=False)

    def learn(self, turns: Iterable[tuple[str, str]]) -> None:
        """Collect the names with which speakers introduce themselves, and where they live.

        Parameters
        ----------
        turns : iterable of (speaker, text)
            In order. «my name is …», «this is …», «اسم من …», «من آقای …» anywhere;
            A name after a title (Mr, Mister, Dr, آقای, خانم) is taken out too, whoever bears
            it; a trade or manner after one («خانم صندوق‌دار») is no name.
            «I am …» with a capital and «من … هستم» in a speaker's first three turns, unless
            one of the words is known to be none («من خیلی راضی هستم»). A place is what
            follows "I live in", "I'm from", «ساکن», or stands in «در … زندگی می‌کنم».
        """
        heard = list(turns)
        in_small = not any(re.search("[A-Z]", text) for _, text in heard)  # speech recognition
        spoken: dict[str, int] = {}
        for speaker, text in heard:
            spoken[speaker] = spoken.get(speaker, 0) + 1
            patterns = [("name", "introduced", p) for p in (*_INTRODUCED_EN, *_INTRODUCED_FA)]
            patterns += [("name", "after a title", p) for p in _TITLES]
            patterns += [("place", "said to live there", p) for p in _LIVES_IN]
            if spoken[speaker] <= FIRST_TURNS:
                patterns += [("name", "introduced", p) for p in (_I_AM_EN, _I_AM_FA)]
            if in_small:
                patterns += [("name", "introduced", _NAME_IN_SMALL)]
                patterns += [("place", "said to live there", _PLACE_IN_SMALL)]
            for kind, rule, pattern in patterns:
                for match in pattern.finditer(text):
                    if not any(key(word) in _NOT_NAMES for word in match[1].split()):
                        self._add(kind, match[1], rule)
        self._compile(any_case=in_small)

    def redact(
        self, text: str, start: int = 0, end: int | None = None
    ) -> tuple[str, list[Redaction]]:
        """Return the text, or a part of it, with placeholders, and each one put in, in order.

        A part is judged inside the whole text, and grows to whole placeholders at its ends, so
        that half a number is never left: redact a quotation so, not alone.
        """
        parts: list[str] = []
        found: list[Redaction] = []
        last = len(text) if end is None else end
        for first, stop, kind, finder in self._find(text):
            if stop <= start or first >= last:
                continue
            placeholder, rule = self._placeholder(kind, text[first:stop], finder)
            parts += [text[start:first], placeholder]
            start, last = stop, max(stop, last)
            found.append(Redaction(kind, placeholder, rule))
        return "".join([*parts, text[start:last]]), found

    def _find(self, text: str) -> list[tuple[int, int, str, str]]:
        """List (start, end, kind, rule) of all that is to be taken out, none overlapping."""
        found: list[tuple[int, int, str, str]] = []

        def take(spans: Iterable[tuple[int, int]], kind: str, rule: str) -> None:
            nonlocal text
            for first, stop in list(spans):
                found.append((first, stop, kind, rule))
                text = text[:first] + "[" + "]" * (stop - first - 1) + text[stop:]

        for datum in find_personal(text):
            if datum.kind == "email":
                take([(datum.start, datum.end)], "email", "form")
        for kind, pattern in _LINKS:
            take((m.span() for m in pattern.finditer(text)), kind, "form")
        for datum in find_personal(text):
            if datum.kind in _DATA:
                take([(datum.start, datum.end)], _AS.get(datum.kind, datum.kind), "form")
        latin = to_latin_digits(text)  # the same length
        for kind, pattern in _PLACES:
            take((m.span() for m in pattern.finditer(latin)), kind, "form")
            latin = to_latin_digits(text)
        take(_find_spelt(latin), "phone", "spelt out")
        take((m.span() for m in _SPELT_MAIL.finditer(text)), "email", "spelt out")
        for kind, pattern in self._patterns:
            take((m.span() for m in pattern.finditer(to_latin_digits(text))), kind, "")
        return sorted(found)

    def _placeholder(self, kind: str, original: str, rule: str) -> tuple[str, str]:
        folded = key(original)
        if rule:
            plain = re.sub(r"^(?:00)?98(?=\d{10}$)|^0", "", folded) if kind == "phone" else folded
            return self._register.name(kind, plain, original), rule
        known = next(k for k in self._known if k.kind == kind and folded in k.forms)
        return self._register.name(kind, key(known.original), known.original), known.rule

    def _add(self, kind: str, words: str, rule: str, *, whole: bool = False) -> None:
        each = [w for w in re.findall(_WORD, words) if len(w) > 2 or not w.isascii()]
        written = [words] if whole or kind != "name" else [words, *each]
        forms = {key(w) for w in written if len(key(w)) > 1 and not w.isdigit()}
        known = any(k.kind == kind and key(words) in k.forms for k in self._known)
        no_name = is_role_word(words) or (kind == "place" and key(words) in _NOT_PLACES)
        if not forms or known or no_name:
            return
        self._known.append(_Known(kind, words, rule, frozenset(forms)))
        self._written.setdefault(kind, {}).update(dict.fromkeys(written))

    def _compile(self, *, any_case: bool) -> None:
        self._patterns = []
        for kind in ("hidden", "name", "place"):
            forms = [f for f in self._written.get(kind, ()) if any(c.isalpha() for c in f)]
            if not forms:
                continue
            written = sorted(
                {g for f in forms for g in (f, f.title(), f.upper())}, key=lambda f: (-len(f), f)
            )
            body = "|".join(re.escape(to_latin_digits(f)).replace(r"\ ", r"\s+") for f in written)
            flags = re.IGNORECASE if any_case else re.NOFLAG
            self._patterns.append((kind, re.compile(rf"(?<![\w\[-])(?:{body})(?![\w-])", flags)))


@dataclass(frozen=True, slots=True)
class _Known:
    kind: str
    original: str
    rule: str
    forms: frozenset[str]


def _find_spelt(text: str) -> Iterator[tuple[int, int]]:
    """Yield where seven or more number words stand in a row, three of them different."""
    for match in _SPELT.finditer(text):
        words = [w for w in re.findall(r"\w+", match[0].casefold()) if w not in _LINKING]
        spelt = {word for word in words if not word.isdigit()}
        if len(words) >= MIN_NUMBER_WORDS and len(spelt) >= 3:
            yield match.span()
