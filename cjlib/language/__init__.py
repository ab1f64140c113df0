"""Persian and English words: spellings, digits, dates, money, scale words, phrases."""

from cjlib.language.amounts import (
    convert_money,
    format_number,
    money_unit,
    parse_money,
    parse_money_range,
    parse_number,
    parse_range,
)
from cjlib.language.dates import format_date, parse_date
from cjlib.language.headers import is_personal_header
from cjlib.language.modelling import for_model
from cjlib.language.personal import PersonalDatum, find_personal, is_national_id, mask_personal
from cjlib.language.phrases import phrase, read_phrases
from cjlib.language.scales import (
    SCALES,
    missing_reason,
    scale_code,
    scale_words,
    split_leading_number,
)
from cjlib.language.script import (
    clean,
    is_blank,
    is_rtl,
    isolate,
    key,
    to_latin_digits,
    to_persian_digits,
)

__all__ = [
    "SCALES",
    "PersonalDatum",
    "clean",
    "convert_money",
    "find_personal",
    "for_model",
    "format_date",
    "format_number",
    "is_blank",
    "is_national_id",
    "is_personal_header",
    "is_rtl",
    "isolate",
    "key",
    "mask_personal",
    "missing_reason",
    "money_unit",
    "parse_date",
    "parse_money",
    "parse_money_range",
    "parse_number",
    "parse_range",
    "phrase",
    "read_phrases",
    "scale_code",
    "scale_words",
    "split_leading_number",
    "to_latin_digits",
    "to_persian_digits",
]
