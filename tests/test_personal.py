"""Personal data in texts and headers: what is found, what is not, and the laws of masking."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cjlib.language import (
    find_personal,
    is_national_id,
    is_personal_header,
    mask_personal,
    to_persian_digits,
)
from cjlib.language.personal import KINDS, PLACEHOLDERS

# Valid and invalid numbers as the tests of persian-tools list them
# (test/verifyIranianNationalId.spec.ts, verifyCardNumber.spec.ts, sheba.spec.ts).
VALID_IDS = ["0499370899", "0790419904", "1583250689", "0684159414", "4400276201", "2540201288"]
INVALID_IDS = ["1234567890", "0000000000", "9999999999", "3333333333", "7781234567", "9861234568"]
# One example account of each country, as the IBAN registry prints them.
_REGISTRY = """
AE460090000000123456789 AT483200000012345864 AZ77VTBA00000000001234567890 BE71096123456769
BG18RZBB91550123456789 BH02CITI00001077181611 BR1500000000000010932840814P2
CH5604835012345678009 CY21002001950000357001234567 CZ5508000000001234567899
DE75512108001245126199 DK9520000123456789 EE471000001020145685 EG800002000156789012345180002
ES7921000813610123456789 FI1410093000123458 FR7630006000011234567890189
GB33BUKB20201555555555 GE60NB0000000123456789 GR9608100010000001234567890
HR1723600001101234565 HU93116000060000000012345676 IE64IRCE92050112345678
IL170108000000012612345 IQ20CBIQ861800101010500 IR062960000000100324200001
IR820540102680020817909002 IS750001121234563108962099 IT60X0542811101000000123456
JO71CBJO0000000000001234567890 KW81CBKU0000000000001234560101 KZ244350000012344567
LB92000700000000123123456123 LT601010012345678901 LU120010001234567891
LV97HABA0012345678910 MT31MALT01100000000000000000123 NL02ABNA0123456789 NO8330001234567
PK36SCBL0000001123456702 PL10105000997603123456789123 PT50002700000001234567833
QA54QNBA000000000000693123456 RO66BACX0000001234567890 RS35105008123123123173
SA4420000001234567891234 SE7280000810340009783242 SI56192001234567892
SK8975000000000012345671 TN5904018104004942712345 TR320010009999901234567890
UA903052992990004149123456789
"""
IBANS = _REGISTRY.split()

FOUND = [
    ("تماس بگیرید ۰۹۱۲۳۴۵۶۷۸۹ لطفا", "phone", "۰۹۱۲۳۴۵۶۷۸۹"),
    ("شماره‌ام٠٩١٢ ٣٤٥ ٦٧٨٩است", "phone", "٠٩١٢ ٣٤٥ ٦٧٨٩"),
    ("0912-345-6789", "phone", "0912-345-6789"),
    ("0912 345 67 89!", "phone", "0912 345 67 89"),
    ("+98 (912) 345-6789", "phone", "+98 (912) 345-6789"),
    ("00989123456789", "phone", "00989123456789"),
    ("+98 0912 345 6789", "phone", "+98 0912 345 6789"),
    ("my line is 9123456789, thanks", "phone", "9123456789"),
    ("0 9 1 2 3 4 5 6 7 8 9", "phone", "0 9 1 2 3 4 5 6 7 8 9"),
    ("۰۹۱\u200c۲۳۴۵\u200f۶۷۸۹", "phone", "۰۹۱\u200c۲۳۴۵\u200f۶۷۸۹"),
    ("０９１２３４５６７８９", "phone", "０９１２３４５６７８９"),
    ("دفتر: ۰۲۱-۸۸۷۷۶۶۵۵", "phone", "۰۲۱-۸۸۷۷۶۶۵۵"),
    ("(021) 8877 6655", "phone", "(021) 8877 6655"),
    ("+98 21 88776655", "phone", "+98 21 88776655"),
    ("تلفن: ۸۸۷۷۶۶۵۵", "phone", "۸۸۷۷۶۶۵۵"),
    ("my phone number is 8877665", "phone", "8877665"),
    ("call +44 20 7946 0958 now", "phone", "+44 20 7946 0958"),
    ("0049 30 1234567", "phone", "0049 30 1234567"),
    ("call (555) 123-4567.", "phone", "(555) 123-4567"),
    ("555-123-4567", "phone", "555-123-4567"),
    ("020 7946 0958", "phone", "020 7946 0958"),
    ("ali.r@shop.co.ir", "email", "ali.r@shop.co.ir"),
    ("ایمیلم ali＠gmail．com است", "email", "ali＠gmail．com"),
    ("a\u200cli@exa\u200bmple.com", "email", "a\u200cli@exa\u200bmple.com"),
    ("ali @ gmail . com", "email", "ali @ gmail . com"),
    ("(josé@mail.es)", "email", "josé@mail.es"),
    ("کد ملی من ۰۴۹۹۳۷۰۸۹۹ است", "national_id", "۰۴۹۹۳۷۰۸۹۹"),
    ("049-937089-9", "national_id", "049-937089-9"),
    ("0499370899", "national_id", "0499370899"),
    ("کد ملی: 1234567890", "national_id", "1234567890"),  # said to be one, mistyped or not
    ("6037701689095443", "card", "6037701689095443"),
    ("۶۲۱۹ ۸۶۱۰ ۳۴۵۲ ۹۰۰۷", "card", "۶۲۱۹ ۸۶۱۰ ۳۴۵۲ ۹۰۰۷"),
    ("6219-8610-3452-9007", "card", "6219-8610-3452-9007"),
    ("IR82 0540 1026 8002 0817 9090 02", "iban", "IR82 0540 1026 8002 0817 9090 02"),
    ("ir-820540102680020817909002", "iban", "ir-820540102680020817909002"),
    ("شبا 820540102680020817909002", "iban", "820540102680020817909002"),
    ("IR۰۶۲۹۶۰۰۰۰۰۰۰۱۰۰۳۲۴۲۰۰۰۰۱", "iban", "IR۰۶۲۹۶۰۰۰۰۰۰۰۱۰۰۳۲۴۲۰۰۰۰۱"),
    ("from 192.168.1.20, port 80", "ip", "192.168.1.20"),
    ("2001:db8:85a3::8a2e:370:7334", "ip", "2001:db8:85a3::8a2e:370:7334"),
    ("35.6892, 51.3890", "coordinates", "35.6892, 51.3890"),
    ("۳۵٫۶۸۹۲، ۵۱٫۳۸۹۰", "coordinates", "۳۵٫۶۸۹۲، ۵۱٫۳۸۹۰"),
    ("@-33.8688,151.2093,15z", "coordinates", "-33.8688,151.2093"),
    ("35°41'21\"N 51°23'20\"E", "coordinates", "35°41'21\"N 51°23'20\"E"),
    ("کد پستی ۱۲۳۴۵۶۷۸۹۰", "postal_code", "۱۲۳۴۵۶۷۸۹۰"),
    ("کدپستی: 12345-67890", "postal_code", "12345-67890"),
]
NOTHING = [
    "", "۵", "۱۲٬۵۰۰٬۰۰۰ تومان", "12,500,000 rials", "۱۲۵۰۰۰۰۰۰۰ تومان", "9123456789 ریال",
    "0499370899 تومان", "$4,111,111,111", "€1234567890", "1.000.000,00",
    "۱۴۰۴/۰۳/۱۸", "1404-03-18", "2024-01-05 10:20:30", "09-12-2023 123", "05.06.2024 18:30",
    "09/12/2023 1200", "۱۳۹۶ ۰۹ ۰۴", "29022024", "20240105102030", "۲۱:۳۰:۴۵", "8:30-17:00",
    "2019-2020", "سال ۱۳۹۸ تا ۱۴۰۲", "4.5, 3.2", "12.500, 13.750", "0.1234, 0.5678",
    "1920x1080", "1080 1920", "38-27-35", "34 24 35", "135 lbs, 35-29-36", "20 از 20",
    "شماره سفارش ۰۴۹۹۳۷۰۸۹۹", "order 0499370899", "Order no. 4111111111111111",
    "کد رهگیری مرسوله: 6037701689095443", "invoice #9123456789", "case 9123456789",
    "1234567890", "1111111111", "6219861034529008", "1111 1111 1111 1111", "3.14159265358979",
    "version 10.0.2.1.5", "1.2.3.4", "v192.168.1.20", "300.1.2.3", "std::vector<a::b>",
    "SKU AB12-3456-7890", "07172761566bda50929a3b449eae02ee", "5-10-15-20-25",
    "meet me @ home.then we go", "they wrote to us @Shopzilla", "a@b", "15 USC 1681623",
    "IR820540102680020817909003", "+5 امتیاز", "-12345678", "+1000000", "No. 00.15946",
    "6.25e-10", "7980 7990 5890 5850", "{$13000.00}", "https://shop.ir/p/1234567890/x",
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind", "datum"), FOUND)
def test_found(text, kind, datum):
    found = [(d.kind, d.text) for d in find_personal(text)]

    assert found == [(kind, datum)]


@pytest.mark.parametrize("text", NOTHING)
def test_nothing_to_find(text):
    assert find_personal(text) == []
    assert mask_personal(text) == text


def test_a_text_with_several():
    text = "من ۰۹۱۲۳۴۵۶۷۸۹ و 0499370899 هستم؛ ali@x.ir از 10.20.30.40"

    assert [d.kind for d in find_personal(text)] == ["phone", "national_id", "email", "ip"]
    assert mask_personal(text) == "من [phone] و [national id] هستم؛ [e-mail] از [ip]"


def test_two_numbers_side_by_side_stay_apart():
    found = [d.text for d in find_personal("09121234567 09351234567/02188776655,+4420 79460958")]

    assert found == ["09121234567", "09351234567", "02188776655", "+4420 79460958"]


def test_a_datum_behind_another_is_found_too():
    """The phone makes the card look like the rest of a longer number until it is taken out."""
    text = "09123456789-6037701689095443"

    assert [d.kind for d in find_personal(text)] == ["phone", "card"]
    assert mask_personal(text) == "[phone]-[card]"


@pytest.mark.parametrize("digits", VALID_IDS)
def test_national_ids_that_pass(digits):
    assert is_national_id(digits)


@pytest.mark.parametrize("digits", [*INVALID_IDS, "", "49937089", "04993708990", "۰۴۹۹۳۷۰۸۹۹"])
def test_national_ids_that_fail(digits):
    assert not is_national_id(digits)


@pytest.mark.parametrize("iban", IBANS)
def test_example_accounts_of_the_registry(iban):
    fours = " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))

    assert [(d.kind, d.text) for d in find_personal(f"acc: {iban}.")] == [("iban", iban)]
    assert [(d.kind, d.text) for d in find_personal(f"{fours} please")] == [("iban", fours)]


nine = st.text("0123456789", min_size=9, max_size=9)


def _check_digit(first: str) -> str:
    """The slow second way: try all ten digits against the congruence the check states.

    The weighted sum with the check digit at weight 1 leaves 0 when divided by 11, but for a
    remainder 1, which has the check digit 1 (10 would need two figures).
    """
    total = sum(int(d) * (10 - i) for i, d in enumerate(first))
    fits = [c for c in range(10) if (total + c) % 11 == 0]
    return str(fits[0] if fits else 1) if total % 11 != 1 else "1"


@given(nine)
def test_law_valid_ids_are_found(first):
    digits = first + _check_digit(first)
    assume(len(set(digits)) > 1)

    assert is_national_id(digits)
    assert [d.kind for d in find_personal(f"کد {to_persian_digits(digits)}")] in (
        ["national_id"],
        ["phone"],  # ten digits from 90 are a mobile first
    )


@given(nine, st.integers(0, 9), st.integers(1, 9))
def test_law_one_changed_digit_is_not_found(first, place, step):
    digits = first + _check_digit(first)
    changed = [*digits]
    changed[place] = str((int(changed[place]) + step) % 10)
    # The check digit 1 stands for the remainders 1 and 10, so that pair cannot be told.
    assume(digits[9] != "1" or place == 9)

    assert not is_national_id("".join(changed))
    assert "national_id" not in [d.kind for d in find_personal("".join(changed))]


@given(st.text("0123456789", min_size=14, max_size=14), st.integers(0, 15), st.integers(1, 9))
def test_law_one_changed_digit_spoils_a_card(middle, place, step):
    body = "6" + middle
    digits = next(body + c for c in "0123456789" if _luhn(body + c) == 0)
    changed = [*digits]
    changed[place] = str((int(changed[place]) + step) % 10)

    assert [d.kind for d in find_personal(digits)] == ["card"]
    assert "card" not in [d.kind for d in find_personal("".join(changed))]


def _luhn(digits: str) -> int:
    total = 0
    for i, d in enumerate(digits):  # 16 digits: the doubled ones are those at even places
        total += sum(map(int, str(int(d) * (2 if i % 2 == 0 else 1))))
    return total % 10


PIECES = [
    *"0123456789۰۹۱٣+-_.,:;/@()[]#°'\" \n\u200c\u200f٬٫،",
    "09", "0912", "+98", "0098", "021", "IR", "GB82 WEST ", "a", "کد ملی ", "تلفن ", "phone ",
    "کد پستی ", "سفارش ", "تومان", "ali@x.ir", "@gmail.com", "0499370899", "6037701689095443",
    "820540102680020817909002", "192.168.1.20", "2001:db8::1", "35.6892, 51.3890", "35°41'N",
    "09123456789", "[phone]", "::", "fe80", "x",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)


@given(texts)
def test_laws_of_finding(text):
    found = find_personal(text)

    assert all(text[d.start : d.end] == d.text and d.text for d in found)
    assert all(d.kind in KINDS for d in found)
    assert all(one.end <= two.start for one, two in pairwise(found))


@given(texts)
def test_law_masking_leaves_no_datum(text):
    masked = mask_personal(text)

    assert find_personal(masked) == []
    assert mask_personal(masked) == masked


@given(texts)
def test_change_of_digits_changes_nothing(text):
    spans = [(d.kind, d.start, d.end) for d in find_personal(text)]

    assert [(d.kind, d.start, d.end) for d in find_personal(to_persian_digits(text))] == spans


@given(st.sampled_from(FOUND), st.integers(0, 60))
def test_change_an_invisible_character_hides_nothing(case, place):
    text, kind, _ = case
    at = place % (len(text) + 1)

    assert kind in [d.kind for d in find_personal(text[:at] + "\u200c" + text[at:])]


def test_every_kind_has_a_placeholder():
    assert set(PLACEHOLDERS) == set(KINDS)
    assert all(find_personal(mark) == [] for mark in PLACEHOLDERS.values())


HEADERS = {
    "name": "Name|first_name|RecipientLastName|Full Name:|customer_name|What is your name?|نام"
    "|نام و نام‌خانوادگی|نام خانوادگی|نام مشتری|اسم",
    "email": "RecipientEmail|E-mail|EmailAddress|Email Address (optional)|ایمیل|نشانی ایمیل شما"
    "|E-mail for the prize draw|If you want to join, please leave your e-mail below|پست الکترونیک",
    "phone": "PhoneNumber|Mobile|tel|Contact number|شماره تماس|شمارهٔ موبایل|تلفن همراه|موبایل"
    "|لطفاً شماره تماس خود را برای پیگیری وارد کنید",
    "national_id": "کد ملی|کدملی|National ID|SSN|شماره شناسنامه",
    "card": "شماره کارت|Card number", "iban": "IBAN|شماره شبا", "ip": "IPAddress|نشانی اینترنتی|ip",
    "coordinates": "LocationLatitude|lon|Latitude|geolocation_lat|عرض جغرافیایی",
    "address": "Home address|نشانی|آدرس منزل|street_address", "postal_code": "ZIP code|کد‌پستی",
    "birth_date": "Date of Birth|dob|تاریخ تولد", "account": "username|نام کاربری|Telegram ID",
}  # fmt: skip
PLAIN = """brand name|name of store|product_name|نام فروشگاه|نام برند|PhoneService|email opens
EmailOptIn|How satisfied are you with our phone support?|mobile app|channels_phone|I call.|city
Did you give your email address to the shop?|آیا با تلفن خود راضی هستید؟|birth year|company name
چقدر از ایمیل‌های ما راضی هستید؟|credit card|customer_id|Tenure|Class Name|platform|long|zip file
مرکز تماس|تماس با پشتیبانی|نام محصول|تاریخ خرید|Which brand name do you recall?|status|Q1|"""


@pytest.mark.parametrize(
    ("header", "kind"), [(h, k) for k, several in HEADERS.items() for h in several.split("|")]
)
def test_headers_that_announce(header, kind):
    assert is_personal_header(header) == kind


@pytest.mark.parametrize("header", PLAIN.replace("\n", "|").split("|"))
def test_headers_that_do_not(header):
    assert is_personal_header(header) == ""


@pytest.mark.real
@pytest.mark.parametrize(
    ("file", "column", "expected"),
    [
        ("snappfood_fa/dev.csv", "comment", {}),
        ("snappfood_fa/test.csv", "comment", {}),
        ("digikala_fa/digikala_score_suggestion_3261.csv", "Text", {}),
        ("womens_clothing_reviews/womens_clothing_reviews.csv.gz", "Review Text", {}),
        ("olist/olist_order_reviews_dataset.csv.gz", "review_comment_message", {}),
        ("olist/olist_order_reviews_dataset.csv.gz", "review_id", {}),
        # Seven addresses of officers in one complaint; looked at by eye, all right.
        ("cfpb_complaints/cfpb_narratives_100.csv", "Consumer complaint narrative", {"email": 7}),
        ("cfpb_complaints/cfpb_sample_1000.csv", "Consumer complaint narrative", {}),
    ],
)
def test_public_comments_are_not_taken_for_personal_data(shared_data, file, column, expected):
    """Published sets were scrubbed before: what would be found in them would be wrong."""
    rows = pd.read_csv(
        shared_data / file, dtype=str, sep=None, engine="python", on_bad_lines="skip"
    )
    kinds = [d.kind for text in rows[column].dropna().unique() for d in find_personal(text)]

    assert {kind: kinds.count(kind) for kind in set(kinds)} == expected
