"""Interviews: transcripts, who is in them, how they were coded, and what that shows."""

from cjlib.interviews.agreement import (
    Agreement,
    cohen_kappa,
    krippendorff_alpha,
    measure_agreement,
)
from cjlib.interviews.counts import CodeCounts, count_codes
from cjlib.interviews.model import Interviews
from cjlib.interviews.quotes import Quotes, pick_quotes
from cjlib.interviews.reading import check_coding, read_interviews
from cjlib.interviews.redaction import Redactor
from cjlib.interviews.roles import find_roles
from cjlib.interviews.saturation import Saturation, measure_saturation
from cjlib.interviews.speech import Speech, normalise_utterances
from cjlib.interviews.transcripts import Turn, read_transcript

__all__ = [
    "Agreement",
    "CodeCounts",
    "Interviews",
    "Quotes",
    "Redactor",
    "Saturation",
    "Speech",
    "Turn",
    "check_coding",
    "cohen_kappa",
    "count_codes",
    "find_roles",
    "krippendorff_alpha",
    "measure_agreement",
    "measure_saturation",
    "normalise_utterances",
    "pick_quotes",
    "read_interviews",
    "read_transcript",
]
