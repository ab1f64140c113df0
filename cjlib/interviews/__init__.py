"""Interviews: transcripts, who is in them, how they were coded, and what that shows."""

from cjlib.interviews.agreement import (
    Agreement,
    measure_agreement,
    measure_valence_agreement,
)
from cjlib.interviews.coding import check_comment_codes, read_comment_codes
from cjlib.interviews.coefficients import (
    cohen_kappa,
    estimate_alpha,
    gwet_ac1,
    krippendorff_alpha,
    mean_kappa,
    percent_agreement,
)
from cjlib.interviews.comments import code_comments, read_comments
from cjlib.interviews.contrasts import Contrasts, contrast_codes
from cjlib.interviews.cooccurrence import Together, count_together
from cjlib.interviews.counts import CodeCounts, count_codes
from cjlib.interviews.model import Interviews
from cjlib.interviews.quotes import Quotes, pick_quotes
from cjlib.interviews.reading import check_coding, read_interviews, write_redaction_key
from cjlib.interviews.redaction import Redactor, Register
from cjlib.interviews.roles import find_roles
from cjlib.interviews.saturation import Saturation, measure_saturation
from cjlib.interviews.speech import Speech, normalise_utterances
from cjlib.interviews.transcripts import Turn, read_transcript

__all__ = [
    "Agreement",
    "CodeCounts",
    "Contrasts",
    "Interviews",
    "Quotes",
    "Redactor",
    "Register",
    "Saturation",
    "Speech",
    "Together",
    "Turn",
    "check_coding",
    "check_comment_codes",
    "code_comments",
    "cohen_kappa",
    "contrast_codes",
    "count_codes",
    "count_together",
    "estimate_alpha",
    "find_roles",
    "gwet_ac1",
    "krippendorff_alpha",
    "mean_kappa",
    "measure_agreement",
    "measure_saturation",
    "measure_valence_agreement",
    "normalise_utterances",
    "percent_agreement",
    "pick_quotes",
    "read_comment_codes",
    "read_comments",
    "read_interviews",
    "read_transcript",
    "write_redaction_key",
]
