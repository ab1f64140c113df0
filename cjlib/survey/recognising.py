"""What a column of an export is: by its header, by its cells, and by what the reader can read."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from cjlib.codebook import Item
from cjlib.language import (
    find_personal,
    is_blank,
    is_personal_header,
    key,
    money_unit,
    parse_date,
    parse_money,
    parse_number,
)
from cjlib.survey.evidence import (
    Column,
    Guess,
    as_text,
    fit_item,
    no_answer,
    number_counts,
    split_words,
)
from cjlib.survey.options import MOST_OPTIONS, draft_labels, guess_multi, is_mark, merge_spellings
from cjlib.survey.ratings import COUNT_WORDS
from cjlib.survey.runs import NO_ANSWER, PERSON_WORDS
from cjlib.survey.values import yes_or_no

ENOUGH: Final = 0.95
META: Final = {
    key(name): kind
    for kind, names in {
        "day": (
            "RecordedDate", "submitdate", "Date submitted", "EndDate", "End Date", "datestamp",
            "Date last action", "StartDate", "Start Date", "Date started", "Timestamp",
            "برچسب زمان", "تاریخ پاسخ", "تاریخ ارسال", "زمان ثبت",
        ),
        "duration": (
            "Duration (in seconds)", "interviewtime", "Total time", "duration", "duration_s",
            "زمان پاسخ (ثانیه)", "مدت پاسخ", "زمان پاسخ", "Time taken", "Time to complete",
        ),
        "language": (
            "UserLanguage", "startlanguage", "Start language", "lang", "language", "زبان",
            "زبان شروع", "Q_Language",
        ),
        "ignore": (
            "Status", "Response Type", "Progress", "Finished", "DistributionChannel",
            "Distribution Channel", "ExternalReference", "External Data Reference", "lastpage",
            "Last page", "seed", "Seed", "refurl", "Referrer URL", "CollectorID", "Collector ID",
            "ResponseSet", "آخرین صفحه", "Q_RecaptchaScore", "Q_RelevantIDDuplicate",
        ),
        "personal": (
            "IPAddress", "IP Address", "ipaddr", "RecipientLastName", "RecipientFirstName",
            "RecipientEmail", "Recipient Last Name", "Recipient First Name", "Recipient Email",
            "Email Address", "Username", "LocationLatitude", "LocationLongitude",
            "Location Latitude", "Location Longitude", "First Name", "Last Name",
        ),
        "weight": ("weight", "weights", "wt", "survey weight", "وزن", "وزن نمونه"),
    }.items()
    for name in names
}  # fmt: skip  # columns that platforms write themselves, by header
_DAYS: Final = [name for name, kind in META.items() if kind == "day"]
ID_WORDS: Final = re.compile(
    r"\b(?:response|respondent|record|case|interview|resp) ?(?:no|num|number)?$|id$|\btoken\b|"
    r"\buuid\b|\bguid\b|شناسه|کد پاسخ|شماره پاسخ|ردیف"
)
CUSTOMER_WORDS: Final = re.compile(
    r"\bcustomer\b|\bclient\b|\bmember(?:ship)? ?(?:id|no|number)|\bpanel|\bprolific|\bworker ?id|"
    r"\buser ?id\b|\bsubscriber|مشتری|اشتراک"
)
CONSENT_WORDS: Final = re.compile(
    r"\bconsent|agree to (?:take part|participate)|willing to (?:take part|participate)|"
    r"رضایت به (?:پژوهش|شرکت)|(?:پژوهش|پرسشنامه|نظرسنجی|تحقیق).*موافق|شرکت در این"
)
CHECK_WORDS: Final = re.compile(
    r"please (?:select|choose|mark|tick|pick|enter|type|write)|to show (?:us )?(?:that )?you|"
    r"paying attention|attention check|لطفا.{0,60}(?:انتخاب|علامت)|نشان دهید|می‌?خوانید"
)
_CHECK_HEADER = re.compile(
    r"(?:attention|attn|control|trap|imc)?[ _]?(?:check|attention|attn|trap|imc)[ _]?\d*", re.I
)
_DATE_WORDS = re.compile(r"\bdate\b|\bday\b|\btimestamp\b|\bwhen\b|تاریخ|روز")
_UNIT = re.compile(r"\b(?:tomans?|rials?|usd|eur|gbp)\b|تومان|تومن|ریال")
_TOKEN = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w.-]{8,}", re.ASCII)
_TIMER = re.compile(
    r".+_(?:First Click|Last Click|Page Submit|Click Count)|groupTime\w*|[A-Za-z]\w*\dTime|"
    r"(?:Group|Question) time: .*"
)


def guess_frame(column: Column) -> Guess | None:
    """Return a column that stays outside or frames the answers (who, when, how), or None."""
    for rule in (_guess_personal, _guess_meta, _guess_empty, _guess_consent, _guess_check):
        guess = rule(column)
        if guess is not None:
            return guess
    return None


def guess_plain(column: Column) -> Guess:
    """Return what a column is that is no frame, no rating and no option column."""
    for rule in (_guess_date, guess_multi, _guess_money, _guess_number, _guess_nominal):
        guess = rule(column)
        if guess is not None:
            return guess
    return _guess_text(column)


def prefer_day(column: Column) -> int:
    """Rank of a day among those of an interview: recorded before ended before begun."""
    return _DAYS.index(key(column.header)) if key(column.header) in _DAYS else len(_DAYS)


def meta_kind(column: Column) -> str:
    """Return what the platform's own column of this header is for; "" for a question."""
    return META.get(key(column.header), "")


def _guess_personal(column: Column) -> Guess | None:
    item = Item("", "personal")
    if meta_kind(column) == "personal":
        return Guess(item, "a column in which the platform keeps personal data")
    held = sum(n for t, n in column.counts.items() if _is_datum(t))
    share = held / column.looked if column.looked else 0.0
    if share >= 0.5:
        kinds = sorted({d.kind for t in column.counts for d in find_personal(t)})
        return Guess(item, f"cells are {', '.join(kinds)}", share)
    named = is_personal_header(column.header) or is_personal_header(column.question)
    various = column.distinct > 0.2 * column.filled or column.distinct > MOST_OPTIONS
    if named and (various or not column.filled):
        return Guess(item, f"the header announces: {named.replace('_', ' ')}", share or 1.0)
    return None


def _is_datum(text: str) -> bool:
    found = find_personal(text)
    return bool(found) and sum(d.end - d.start for d in found) >= 0.6 * len(text)


def _guess_meta(column: Column) -> Guess | None:
    kind = meta_kind(column)
    if kind == "ignore" or _TIMER.fullmatch(column.header):
        return Guess(Item("", "ignore"), "a column the platform writes about the interview")
    if kind == "day":
        guess = _guess_date(column)
        if guess is not None:
            return guess
        return Guess(
            Item("", "ignore"), "a day of the interview by its header", 0.0,
            (f"cells such as '{_example(column)}' are no dates the kit can be sure of",),
        )  # fmt: skip
    if kind in ("duration", "language"):
        guess = fit_item(column, Item("", kind), f"'{column.header}' by its header")
        return guess if guess.share >= ENOUGH and column.filled else None
    if kind == "weight":
        counts = number_counts(column.counts)
        fractions = sum(n for v, n in counts.items() if v != int(v))
        guess = fit_item(column, Item("", "weight"), "fractions under a header for weights")
        if guess.share >= ENOUGH and 2 * fractions > column.looked:
            return guess
    return None


def _example(column: Column) -> str:
    return next(iter(column.counts), "")


def _guess_empty(column: Column) -> Guess | None:
    if not column.filled or all(is_blank(t) for t in column.counts):
        return Guess(Item("", "ignore"), "empty in every row")
    return None


def _guess_consent(column: Column) -> Guess | None:
    if not CONSENT_WORDS.search(column.words) or len(column.counts) > 8:
        return None
    plain = fit_item(column, Item("", "consent"), "words of consent; yes or no")
    if plain.share == 1.0:
        return plain
    agreed = next(
        (t for t in column.counts if not re.search(r"\bnot\b|n't|\bno\b|نمی|نیست", t.casefold())),
        "",
    )
    item = Item("", "consent", check=agreed)
    return fit_item(column, item, "words of consent", f"'{agreed}' is taken for consent")


def _guess_check(column: Column) -> Guess | None:
    texts = column.given
    total = sum(texts.values())
    if total < 5 or len(texts) > 40:
        return None
    cells: dict[str, int] = {}
    written: dict[str, str] = {}
    for text, n in texts.items():
        number = parse_number(text)
        mark = f"{number:g}" if number is not None else key(text)
        cells[mark] = cells.get(mark, 0) + n
        written.setdefault(mark, text)
    top = max(cells, key=lambda mark: cells[mark])
    told = key(column.told)
    every = re.search(r"all that apply|as many as|همه‌?ی? موارد|هر تعداد|چند گزینه", column.words)
    rivals = [m for m, n in cells.items() if m != top and m in told and n >= 0.05 * total]
    asked = CHECK_WORDS.search(column.words) and top in told and not (every or rivals)
    named = _CHECK_HEADER.fullmatch(column.header.strip()) and len(cells) > 1
    named = named and (top in told or not column.question)
    if not (asked or named) or cells[top] < 0.6 * total:
        return None
    right = written[top]
    item = Item("", "check", check=right)
    return Guess(item, f"an attention check; '{right}' is the answer of most", cells[top] / total)


def guess_id(column: Column) -> Guess | None:
    """Return a column that names the response or the customer, or None."""
    if column.filled < 2:
        return None
    unique = column.distinct / column.filled
    texts = list(column.counts)
    spaced = any(" " in t for t in texts[:50])
    if CUSTOMER_WORDS.search(column.words) and unique > 0.5 and not spaced:
        return Guess(Item("", "customer"), "a customer's or panel's number by its header", unique)
    header = split_words(column.header).strip()
    if ID_WORDS.search(header) and unique >= ENOUGH and not spaced:
        return Guess(Item("", "id"), "a number of the response by its header", unique)
    tokens = sum(bool(_TOKEN.fullmatch(t)) for t in texts) / len(texts)
    if unique == 1.0 and tokens > ENOUGH:
        return Guess(Item("", "id"), "a different token in every row", unique)
    if unique == 1.0 and not column.header and texts and _counts_up(texts):
        return Guess(Item("", "id"), "row numbers", unique)
    return None


def _counts_up(texts: list[str]) -> bool:
    numbers = sorted(n for t in texts if (n := parse_number(t)) is not None)
    return len(numbers) == len(texts) and numbers[-1] - numbers[0] == len(numbers) - 1


def _guess_date(column: Column) -> Guess | None:
    texts = column.given
    digits = all(re.fullmatch(r"[\d.,]+", t) for t in list(texts)[:50])
    if not texts or (digits and not _DATE_WORDS.search(column.words)):
        return None
    best: Guess | None = None
    for order in ("", "mdy", "dmy"):
        guess = fit_item(column, Item("", "date", scale=order), "dates")
        if best is None or guess.share > best.share + 0.001:
            best = guess
    if best is None or best.share < ENOUGH:
        return None
    days = {parse_date(t, order=best.item.scale) for t in list(texts)[:200]}
    if len(days - {None}) < 2 and meta_kind(column) != "day" and len(texts) > 1:
        return None
    if best.item.scale:
        first = "month" if best.item.scale == "mdy" else "day"
        return best.noting(f"03/04/2025 is read with the {first} first: is it so?")
    return best


def _guess_money(column: Column) -> Guess | None:
    """Return sums of money: with their unit, or plain numbers under a header that names one."""
    texts = column.given
    named = _UNIT.search(column.words)
    units: Counter[str] = Counter()
    for text, n in texts.items():
        found = parse_money(text)
        units.update({found[1]: n} if found else {})
    plain = number_counts(texts)
    unit = units.most_common(1)[0][0] if units else money_unit(named[0]) if named else ""
    if not unit or (not units and (len(plain) <= 12 or max(plain) < 1000)):
        return None
    item = Item("", "money", unit=unit)
    guess = fit_item(column, item, f"sums of money in {unit}", "study.yaml must name its currency")
    return guess if guess.share >= ENOUGH else None


def _guess_number(column: Column) -> Guess | None:
    texts = column.given
    counts = number_counts(texts)
    if column.labels and 2 * len(column.labels) > len(counts):
        return None
    total = sum(texts.values())
    if not counts or sum(counts.values()) < ENOUGH * total:
        return None
    whole = all(n == int(n) for n in counts)
    years = re.search(r"\bage\b|\bسن\b", column.words) and max(counts) >= 18
    amount = COUNT_WORDS.search(column.words) or years
    code = PERSON_WORDS.search(column.words) and not amount
    told = column.missing and not column.labels  # the file names none of its codes: amounts
    if whole and (len(counts) <= 12 or code) and not (told or (amount and len(counts) > 3)):
        return None
    if code and whole:
        return None
    codes = _far_codes(counts)
    missing = tuple(dict.fromkeys((*column.missing, *codes)))
    item = Item("", "number", missing=missing)
    remarks = [f"{c} stands far from the rest: drafted as a missing code" for c in codes]
    if min(counts) >= 0 and max(counts) <= 100 and len(counts) > 20 and max(counts) == 100:
        remarks.append("0 to 100: if it is a slider, make it kind scale with these ends")
    elif whole and len(counts) <= 100 and not amount and not told:
        remarks.append("if these are codes and no amounts, make it kind nominal")
    return fit_item(column, item, "numbers", *remarks)


def _far_codes(counts: dict[float, int]) -> list[str]:
    """Missing codes such as 99 or -9 that stand far outside the other numbers."""
    rest = sorted(n for n in counts if n not in NO_ANSWER)
    if len(rest) < 2:
        return []
    width = rest[-1] - rest[0]
    return [
        str(int(n)) for n in sorted(counts)
        if n in NO_ANSWER and (n > rest[-1] + 0.2 * width or n < min(0.0, rest[0]))
    ]  # fmt: skip


def _guess_nominal(column: Column) -> Guess | None:
    texts = column.given
    if column.labels:
        shown = {c: as_text(t) for c, t in column.labels.items()}
        item = Item("", "nominal", labels=shown, missing=column.missing)
        guess = fit_item(column, item, "codes with labels, declared in the file")
        return guess if guess.share >= 0.5 else None
    kinds = [text for group in merge_spellings(texts) for text in group]
    if len(kinds) < 2:
        return _guess_constant(column, kinds)
    number = sum(texts.values())
    again = sum(n for n in texts.values() if n > 1) / number
    long = sum(len(t) > 40 for t in texts) > 0.5 * len(texts) and len(texts) > 12
    if len(kinds) <= MOST_OPTIONS + 20 and again >= 0.8 and number >= 3 * len(kinds) and not long:
        gone = tuple(t for t in column.counts if no_answer(t) and not is_blank(t))
        item = Item("", "nominal", labels=draft_labels(texts), missing=gone)
        guess = fit_item(
            column, item, f"{len(kinds)} different answers, most of them again and again"
        )
        return guess.noting(*_about_codes(column, texts))
    if again >= 0.8 and number >= 5 * len(kinds) and not long:
        gone = tuple(t for t in column.counts if no_answer(t) and not is_blank(t))
        item = Item("", "nominal", missing=gone)
        return fit_item(
            column, item, f"{len(kinds)} different answers that recur, too many to label"
        )
    return None


def _guess_constant(column: Column, kinds: list[str]) -> Guess:
    if not kinds:
        return Guess(Item("", "ignore"), "only words for no answer")
    if column.filled < column.rows and is_mark(kinds[0]):
        return fit_item(column, Item("", "tick"), "one mark or nothing")
    where = "every row" if column.filled == column.rows else "every row that is filled"
    return Guess(Item("", "ignore"), f"'{kinds[0][:60]}' in {where}")


def _about_codes(column: Column, texts: dict[str, int]) -> list[str]:
    numbers = number_counts(texts)
    if len(numbers) >= 3 and len(numbers) == len(texts):
        low, high = min(numbers), max(numbers)
        return [
            f"codes {low:g} to {high:g} without labels: write them, or, if they rate, make it "
            "kind scale"
        ]
    if all(yes_or_no(t) is not None for t in texts) and len(texts) > 2:
        return ["several words for yes and no: give them one code each"]
    return []


def _guess_text(column: Column) -> Guess:
    held = [(t, n) for t, n in column.counts.items() if find_personal(t)]
    remarks = []
    if held:
        kinds = sorted({d.kind for t, _ in held for d in find_personal(t)})
        remarks.append(
            f"{_cells(sum(n for _, n in held))} personal data ({', '.join(kinds)}): "
            "mask them before anything is quoted"
        )
    return Guess(Item("", "text"), f"{column.distinct:,} different texts", 1.0, tuple(remarks))


def _cells(count: int) -> str:
    return "1 cell holds" if count == 1 else f"{count:,} cells hold"
