"""Headers that announce personal data, in English and Persian."""

from __future__ import annotations

import re
from typing import Final

from cjlib.language.script import clean

# Words of a header that name a kind, folded as by ``_fold``; the first that fits decides.
_CORES: Final = (
    ("account", r"user ?names?|user ?login|login ?(?:name|id)|screen name|nick ?name"
     r"|(?:telegram|instagram|twitter|linkedin|skype)(?: (?:id|handle|account|user))"
     r"|نام کاربری|(?:آیدی|ایدی)(?: (?:تلگرام|اینستاگرام))?"),
    ("birth_date", r"date of birth|birth ?(?:date|day)|d ?o ?b|(?:تاریخ|روز) تولد"),
    ("email", r"(?:e ?mails?|mail)(?: ?address(?:es)?| id)?"
     r"|(?:نشانی |آدرس )?(?:ایمیل|پست الکترونیکی?|رایانامه)"),
    ("ip", r"ip ?(?:v[46] )?(?:addr(?:ess)?)?|(?:نشانی|آدرس) (?:ip|آی ?پی|اینترنتی)|آی ?پی"),
    ("device", r"imei|mac address|(?:device|advertising|cookie) ?id"),
    ("national_id", r"national ?(?:id|code|number|insurance number)(?: (?:number|card))?"
     r"|(?:melli|meli) ?code|code ?melli|ssn|social security(?: number)?|passport(?: number)?"
     r"|driver'?s? licen[cs]e(?: number)?"
     r"|(?:کد|شماره|شناسه) ?ملی|شماره (?:شناسنامه|گذرنامه|پاسپورت)"),
    ("iban", r"iban|sheba(?: number)?|(?:bank )?account (?:number|no)|(?:شماره )?شبا|شماره حساب"),
    ("card", r"(?:(?:credit|debit|bank) )?card (?:number|no)|شماره کارت(?: بانکی)?"),
    ("phone", r"(?:(?:cell|mobile|tele) ?)?phones?(?: ?(?:numbers?|no))?"
     r"|(?:mobile|cell|tel|whats ?app|fax|contact)(?: ?(?:number|no))|mobile|tel|whats ?app|msisdn"
     r"|(?:شماره |تلفن )?(?:تلفن|موبایل|همراه|تماس|واتس ?اپ|فکس)(?: (?:همراه|ثابت|تماس))?"),
    ("postal_code", r"(?:postal|post|zip) ?code|zip|کد ?پستی"),
    ("coordinates", r"(?:(?:geo )?location|geolocation|geo|gps)?"
     r" ?(?:latitude|longitude|lat|lng|lon|coordinates?)"
     r"|(?:طول|عرض) جغرافیایی|مختصات"),
    ("address", r"(?:street|postal|mailing|home) address|addr(?:ess)?(?: line)?|نشانی|آدرس"),
    ("name", r"(?:first|last|full|family|given|middle|sur|maiden|legal|real|display)? ?names?"
     r"|نام(?: و)? نام خانوادگی|نام خانوادگی|نام فامیلی?|نام کوچک|نام کامل|فامیلی?|نام|اسم"),
)  # fmt: skip
# Whose it is and how it is asked for; any other word makes it another thing ("brand name").
_BESIDE_WORDS: Final = """
    your you my our his her their the a an of and or to for in us we me please enter write type
    provide give leave fill state what is which number no id s optional required if can may
    customer client user respondent participant recipient external contact person people
    employee parent spouse mother father child guest patient student reviewer author owner
    buyer sender host emergency home work office personal private primary secondary main other
    alternative daytime evening billing shipping delivery mailing permanent residential current
    full complete valid line 1 2 3 prize draw lottery
    شما خود تان من را لطفا بنویسید وارد کنید چیست و یا برای در اختیاری الزامی شماره
    مشتری پاسخگو پاسخ دهنده شرکت کننده خریدار گیرنده فرستنده کاربر پدر مادر همسر منزل خانه
    محل کار سکونت دقیق کامل پستی ثابت قرعه کشی اول دوم ضروری
"""
_BESIDE: Final = frozenset(_BESIDE_WORDS.split())
_YOURS: Final = (
    ("email", r"\byour (?:\w+ ){0,2}e ?mail\b|ایمیل (?:خود|شما)"),
    ("phone", r"\byour (?:\w+ ){0,2}(?:phone|mobile|cell|telephone|contact) ?(?:number|no)\b"
     r"|شماره (?:تماس|تلفن|موبایل|همراه) (?:خود|شما)"),
    ("name", r"\byour (?:full |first |last |family |own )name\b"
     r"|نام (?:و نام )?خانوادگی (?:خود|شما)"),
    ("birth_date", r"\byour (?:date of birth|birth ?date)\b|تاریخ تولد (?:خود|شما)"),
    ("address", r"\byour (?:home|postal|mailing|street) address\b|(?:نشانی|آدرس) (?:منزل|پستی)"),
    ("national_id", r"کد ?ملی (?:خود|شما)"),
)  # fmt: skip
_JUDGING: Final = re.compile(
    r"\b(?:how|rate|satisf\w*|agree|likely|often|useful|do|did|does|would|have|has|prefer\w*"
    r"|چقدر|چه|آیا|راضی\w*|رضایت|موافق\w*|امتیاز)\b"
)


def is_personal_header(header: str) -> str:
    """Say which personal datum a header announces, if any.

    A header does so when it names a kind of datum («شماره تماس», "RecipientEmail",
    "last_name") and every other word in it says whose it is or how it is asked for:
    "customer name" does, "brand name", "phone service", «نام فروشگاه» do not. A longer
    question does when it asks for yours ("... please leave your e-mail ...") and does not
    ask for a judgement. What people call a column "x" for cannot be known from its header:
    look at the cells too (``find_personal``).

    Parameters
    ----------
    header : str
        Header or question; snake_case, CamelCase and half-spaces are taken apart.

    Returns
    -------
    str
        name, email, phone, address, postal_code, national_id, card, iban, ip, coordinates,
        birth_date, account (a user name), device; "" for none.
    """
    folded = _fold(header)
    rest = folded
    kinds = []
    for kind, core in _CORES:
        pattern = rf"(?<!\w)(?:{core})(?!\w)"
        if re.search(pattern, rest):
            kinds.append(kind)
            rest = re.sub(pattern, " ", rest)
    if kinds and set(rest.split()) <= _BESIDE:
        return kinds[0]
    if not _JUDGING.search(folded):
        for kind, pattern in _YOURS:
            if re.search(pattern, folded):
                return kind
    return ""


def _fold(header: str) -> str:
    """Return the words of a header in small letters, one space apart."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", clean(header))
    apart = apart.casefold().replace("هٔ", "ه").replace("ۀ", "ه").replace("ً", "")
    return " ".join(re.findall(r"[^\W_]+", apart))
