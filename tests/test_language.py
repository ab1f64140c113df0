"""Persian and English words: real texts of the field, laws, and a slow second calendar."""

from __future__ import annotations

import csv
from datetime import date, datetime, timedelta
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjlib import language as words
from cjlib.errors import JourneyError

texts = st.text(
    alphabet=st.one_of(
        st.sampled_from("كيىةهٔۀآأؤئ ـً\u200c\u200f\ufeff\u00a0۱٢3-٫٬,./ﻻﷲ\r\n"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=30,
)


def test_arabic_letters_become_persian():
    shown = words.clean("كشف عناصر اصلي تجربه مشتري و چگونگي تمركز")

    assert shown == "کشف عناصر اصلی تجربه مشتری و چگونگی تمرکز"


@pytest.mark.parametrize(
    ("lost", "whole"),
    [
        ("میباشد", "می‌باشد"),
        ("مییابد", "می‌یابد"),
        ("ترویجکننده", "ترویج‌کننده"),
        ("خردهفروشی", "خرده‌فروشی"),
        ("نشاندهنده", "نشان دهنده"),
        ("كاملا موافقم", "کاملاً‌ موافقم."),
        ("ﻻزم", "لازم"),
        ("خوب 👍", "خوب"),
        ("مرحلۀ ۲", "مرحلهٔ 2"),
        ("Very Satisfied", "very-satisfied "),
    ],
)
def test_two_spellings_share_a_key_and_are_not_repaired(lost, whole):
    assert words.key(lost) == words.key(whole)
    assert "\u200c" not in words.clean(lost)


def test_clean_drops_what_is_not_seen_and_keeps_lines_and_half_spaces():
    raw = "\ufeff \u200eمی\u200c\u200cروم\u200c \u00a0خانه\u200f\r\nبلـــه\u00ad "

    assert words.clean(raw) == "می‌روم خانه\nبله"
    assert words.clean("call 021-88 at 3.5 via http://a.b/c?d=e") == (
        "call 021-88 at 3.5 via http://a.b/c?d=e"
    )
    assert words.clean("١٢ 34 ۵۶") == "۱۲ 34 ۵۶"


@given(texts)
def test_cleaning_twice_is_cleaning_once_and_key_is_steady(text):
    once = words.clean(text)

    assert words.clean(once) == once
    assert words.key(once) == words.key(text)
    assert words.key(words.key(text)) == words.key(text)


@given(texts)
def test_digits_there_and_back(text):
    latin = words.to_latin_digits(text)

    assert not any(c in "۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩" for c in latin)
    assert words.to_latin_digits(words.to_persian_digits(text)) == latin
    assert words.to_latin_digits("خواندن ۳ دقیقه·۱ سال پیش") == "خواندن 3 دقیقه·1 سال پیش"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("۳٫۵", 3.5), ("٤", 4), ("−2", -2), ("1,234", 1234), ("3,5", 3.5), ("1.5e3", 1500),
        ("۱۲٬۳۴۵٫۶", 12345.6), ("1.234.567", 1234567), (" 7 ", 7), ("0", 0), (".5", 0.5),
        ("nan", None), ("inf", None), ("1e999", None), ("", None), ("-", None), ("12%", None),
        ("35ت", None), ("3/5", None), ("1_000", None), ("1,23,456", None), ("0x10", None),
    ],
)  # fmt: skip
def test_parse_number(text, value):
    assert words.parse_number(text) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_parse_number_reads_every_number_in_three_digit_sets(value):
    assert words.parse_number(repr(value)) == value
    assert words.parse_number(words.to_persian_digits(repr(value))) == value


def test_parse_range():
    assert words.parse_range("از ۱ تا ۱۰") == (1, 10)
    assert words.parse_range("0 - 10") == (0, 10)
    assert words.parse_range("2.5–3.5") == (2.5, 3.5)
    assert words.parse_range("between 1,000 and 2,000") == (1000, 2000)
    for other in ("about ten", "10-5", "65+", "under 18", "-5"):
        assert words.parse_range(other) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("۱۸ خرداد ۱۴۰۴", date(2025, 6, 8)),
        ("(۱۳۹۵/۶/۱۴)", date(2016, 9, 4)),
        ("۳۰ اسفند ۱۴۰۴", None),
        ("۳۰ اسفند ۱۴۰۳", date(2025, 3, 20)),
        ("18/3/1404", date(2025, 6, 8)),
        ("8/3/1404", date(2025, 5, 29)),
        ("14040318", date(2025, 6, 8)),
        ("یک‌شنبه ۱۸ خرداد ۱۴۰۴ ساعت ۱۲:۳۰", date(2025, 6, 8)),
        ("۱۲:۳۰ ۱۴۰۴/۰۳/۱۸", date(2025, 6, 8)),
        ("٢٠٢٥-٠٦-٠٨", date(2025, 6, 8)),
        ("2019/10/01 12:38:43 PM GMT+8", date(2019, 10, 1)),
        ("2025-06-08T10:00:00.5Z", date(2025, 6, 8)),
        ("2025-06-08 10:00:00+03:30", date(2025, 6, 8)),
        ("12/31/2024 23:59", date(2024, 12, 31)),
        ("03/04/2025", None),
        ("04/04/2025", date(2025, 4, 4)),
        ("8 June 2025", date(2025, 6, 8)),
        ("Jun 8th, 2025 5:02 PM", date(2025, 6, 8)),
        ("۱۸ ژوئن ۲۰۲۵", date(2025, 6, 18)),
        ("۱۸ خرداد ۲۰۲۵", None),
        ("18 June 1404", None),
        ("45816.25", date(2025, 6, 8)),
        ("99999", None),
        ("2025-02-29", None),
        ("08/06/25", None),
        ("خواندن ۳ دقیقه·۱ سال پیش", None),
        ("call me on 8 June 2025", None),
        ("", None),
    ],
)
def test_parse_date(text, day):
    assert words.parse_date(text) == day


def test_parse_date_takes_the_order_it_is_told():
    assert words.parse_date("03/04/2025", order="dmy") == date(2025, 4, 3)
    assert words.parse_date("03/04/2025", order="mdy") == date(2025, 3, 4)
    assert words.parse_date("25/04/2025", order="mdy") is None
    with pytest.raises(JourneyError, match="order must be 'dmy'"):
        words.parse_date("03/04/2025", order="ymd")


def test_the_persian_calendar_by_counting_days():
    """The 33-year rule, one day after another from 1 Farvardin 1200 to the end of 1501."""
    day = date(1821, 3, 21)
    for year in range(1200, 1502):
        leap = year % 33 in (1, 5, 9, 13, 17, 22, 26, 30)
        lengths = [31] * 6 + [30] * 5 + [30 if leap else 29]
        for month, length in enumerate(lengths, 1):
            assert words.parse_date(f"{year}/{month}/1") == day
            assert words.parse_date(f"{year}/{month}/{length + 1}") is None
            day += timedelta(days=length)
            last = day - timedelta(days=1)
            text = words.format_date(last, calendar="persian")
            assert text == f"{year}/{month:02d}/{length:02d}"


@given(st.dates(date(1821, 3, 21), date(2123, 3, 20)), st.booleans())
def test_every_date_written_is_read_back(day, long):
    for calendar in ("gregory", "persian"):
        for digits in ("latn", "arabext"):
            text = words.format_date(day, calendar=calendar, digits=digits, long=long)
            assert words.parse_date(text) == day
    assert words.parse_date(day.isoformat()) == day


def test_format_date_in_words_and_its_refusals():
    day = datetime(2025, 6, 8, 12)

    shown = words.format_date(day, calendar="persian", digits="arabext", long=True)
    assert shown == "۱۸ خرداد ۱۴۰۴"
    assert words.format_date(day, long=True) == "8 June 2025"
    with pytest.raises(JourneyError, match="exact from 1200 to 1501"):
        words.format_date(date(1700, 1, 1), calendar="persian")
    with pytest.raises(JourneyError, match="gregory or persian"):
        words.format_date(day, calendar="julian")


@pytest.mark.parametrize(
    ("text", "money"),
    [
        ("75000 ت", (75000, "toman")),
        ("45000 تومان", (45000, "toman")),
        ("35ت", None),
        ("۳۰ ت", None),
        ("۷٫۵۰۰ تومان", None),
        ("7.500 ریال", None),
        ("۷٬۵۰۰ تومان", (7500, "toman")),
        ("۳۵ هزار تومان", (35000, "toman")),
        ("۳/۵ میلیون تومان", (3_500_000, "toman")),
        ("۱۰۰۰ دلار", (1000, "USD")),
        ("$1,000.50", (1000.5, "USD")),
        ("120,000 IRR", (120000, "rial")),
        ("500", None),
        ("3/5 تومان", None),
        ("۵۰۰۰ تومان و دو هزار ریال", None),
        ("free", None),
        ("۲ میلیون و ۵۰۰ هزار تومان", (2_500_000, "toman")),
        ("۵۰۰ هزار و ۲ میلیون تومان", None),
        ("۲۵۰هزارتومان", (250_000, "toman")),
        ("200-300 هزار تومان", None),
        ("۵۰۰۰ تومان ۲۰ ریال", None),
        ("2,500,000﷼", (2_500_000, "rial")),
        ("USD 25", (25, "USD")),
        ("US$25", (25, "USD")),
        ("1.500 €", None),
        ("0 تومان", (0, "toman")),
        ("۲۵۰ هزار", None),
    ],
)
def test_parse_money_flags_what_the_text_cannot_tell(text, money):
    assert words.parse_money(text) == money


@pytest.mark.parametrize(
    ("text", "scale", "points", "code"),
    [
        ("خیلی کم", "amount", 5, 1),
        ("خیلی کم", "frequency", 5, 2),
        ("تا حدی موافقم", "agreement", 5, None),
        ("تا حدی موافقم", "agreement", 7, 5),
        ("نظری ندارم", "agreement", 5, 3),
        ("نه موافقم نه مخالفم", "agreement", 4, None),
        ("Strongly AGREE.", "agreement", 4, 4),
        ("Disagree", "agreement", 2, 1),
        ("Neutral", "satisfaction", 3, 2),
        ("Agree", "agreement", 3, 3),
        ("Strongly agree", "agreement", 3, None),
        ("Somewhat agree", "agreement", 6, 4),
        ("بسيار راضي", "satisfaction", 7, 7),
        ("Extremely likely", "likelihood", 5, 5),
        ("بلـه", "yesno", 2, 1),
        ("خیر", "yesno", 5, 0),
        ("Agree", "agreement", 11, None),
        ("banana", "agreement", 5, None),
        ("", "agreement", 5, None),
    ],
)
def test_scale_words_have_a_place_on_the_question_only(text, scale, points, code):
    assert words.scale_code(text, scale=scale, points=points) == code


def test_every_form_in_the_table_keeps_its_place_however_it_is_spelled():
    with (resources.files("cjlib") / "scale_words.csv").open(encoding="utf-8") as lines:
        rows = [r for r in csv.DictReader(lines) if r["scale"] != "missing"]
    assert len(rows) > 450
    spoils = [
        lambda t: t.replace("ی", "ي").replace("ک", "ك"),
        lambda t: t.replace("\u200c", ""),
        lambda t: t.replace(" ", "\u200c"),
        lambda t: f"\u200f {t.upper()} . ",
        lambda t: t.replace("ً", ""),
    ]
    for row in rows:
        for spoil in spoils:
            for points, column in ((5, "code5"), (7, "code7")):
                found = words.scale_code(spoil(row["form"]), scale=row["scale"], points=points)
                expected = float(row[column]) if row[column] else None
                assert found == expected, (row, spoil(row["form"]))


def test_an_unknown_scale_is_named_with_the_nearest_one():
    with pytest.raises(JourneyError, match="Did you mean 'agreement'"):
        words.scale_code("Agree", scale="agrement", points=5)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("نمی دانم", "DK"), ("n/a", "NA"), ("Prefer not to say", "REF"), ("", "NULL"),
        (" – ", "NULL"), ("؟", "NULL"), ("…", "NULL"), ("0", None), ("👍", None),
        ("موافقم", None),
    ],
)  # fmt: skip
def test_missing_reason(text, reason):
    assert words.missing_reason(text) == reason


def test_a_leading_number_is_parted_from_its_label():
    assert words.split_leading_number("۵ - کاملاً موافقم") == (5, "کاملاً موافقم")
    assert words.split_leading_number("1=Poor") == (1, "Poor")
    assert words.split_leading_number("5") == (None, "5")
    assert words.split_leading_number("Agree") == (None, "Agree")


def test_format_number_in_both_scripts():
    assert words.format_number(1234.5) == "1,234.5"
    assert words.format_number(1234.5, "fa") == "۱٬۲۳۴٫۵"
    assert words.format_number(-3.256, "arabext", decimals=1) == "\u200e−۳٫۳"
    assert words.format_number(-0.001) == "0"
    assert words.format_number(3, decimals=2) == "3.00"
    assert words.format_number(100) == "100"
    assert words.format_number(float("nan"), "fa") == "–"
    with pytest.raises(JourneyError, match=r"en, fa, latn or arabext.*Pass study"):
        words.format_number(1, "de")


def test_direction():
    assert words.is_rtl("fa")
    assert words.is_rtl("fa-IR")
    assert not words.is_rtl("en")
    assert words.isolate("NPS") == "\u2068NPS\u2069"


def test_phrases_say_both_languages_and_refuse_what_they_lack():
    assert words.phrase("too_few_base", "en", base=30) == "too few (n < 30)"
    assert "۳۰" in words.phrase("too_few_base", "fa", base="۳۰")
    with pytest.raises(JourneyError, match="Did you mean 'too_few'"):
        words.phrase("toofew", "en")
    with pytest.raises(JourneyError, match="needs a value; 'base' has none"):
        words.phrase("too_few_base", "en")
    with pytest.raises(JourneyError, match="'en' or 'fa'; got 'de'"):
        words.phrase("n", "de")


def test_every_phrase_has_the_same_places_in_both_languages():
    import string

    for name, forms in words.read_phrases().items():
        fields = [
            {f for _, f, _, _ in string.Formatter().parse(text) if f is not None}
            for text in forms.values()
        ]
        assert fields[0] == fields[1], name


def test_money_without_a_unit_has_the_one_asked_for():
    assert words.parse_money("۲۵۰ هزار", unit="toman") == (250_000, "toman")
    assert words.parse_money("25 brl", unit="BRL") == (25, "BRL")
    assert words.parse_money("۲۵۰ هزار ریال", unit="toman") == (250_000, "rial")
    assert words.parse_money("250", unit="toman") is None
    assert words.parse_money_range("50,000 تا 70,000 ریال") == (50_000, 70_000, "rial")
    assert words.parse_money_range("5 تا 10 میلیون ریال") is None
    assert words.parse_money_range("70,000-50,000", unit="rial") is None
    assert words.parse_money_range("$5 - 7 €") is None


def test_a_toman_is_ten_rial_and_nothing_else_converts():
    assert words.convert_money(10, "ریال", "toman") == 1
    assert words.convert_money(1, "IRT", "irr") == 10
    assert words.convert_money(5, "brl", "BRL") == 5
    assert words.convert_money(5, "usd", "eur") is None
    assert words.convert_money(5, "", "") is None
