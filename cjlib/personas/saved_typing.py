"""A typing tool as a JSON file: numbers and words, nothing that runs."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from cjlib.definitions import Text
from cjlib.errors import JourneyError, UnsafeFileError
from cjlib.personas.discriminant import Discriminant
from cjlib.personas.questions import Question
from cjlib.personas.typing import TypingTool
from cjlib.validation import make_validator

FORMAT: Final = "cjlib typing tool"
VERSION: Final = 1
MOST_BYTES: Final = 10_000_000
_NUMBERS: Final = {"type": "array", "items": {"type": "number"}, "minItems": 1}
_TEXT: Final = {
    "type": "object", "additionalProperties": False, "required": ["en", "fa"],
    "properties": {"en": {"type": "string"}, "fa": {"type": "string"}},
}  # fmt: skip
_END: Final = {"type": ["number", "null"]}
_ROWS: Final = {"type": "array", "items": {"type": "object"}, "minItems": 1}
SCHEMA: Final[dict[str, Any]] = {
    "type": "object", "additionalProperties": False,
    "required": ["format", "version", "study", "language", "personas", "questions", "means",
                 "covariance", "shares", "table", "confusion", "notes"],
    "properties": {
        "format": {"const": FORMAT}, "version": {"const": VERSION},
        "study": {"type": "string"}, "language": {"enum": ["en", "fa"]},
        "personas": {"type": "object", "additionalProperties": _TEXT, "minProperties": 2},
        "questions": {"type": "array", "minItems": 1, "items": {
            "type": "object", "additionalProperties": False,
            "required": ["item", "text", "codes", "low", "high", "offset", "divisor"],
            "properties": {
                "item": {"type": "string", "minLength": 1}, "text": _TEXT,
                "codes": {"type": "object", "additionalProperties": _TEXT},
                "low": _END, "high": _END, "offset": {"type": "number"},
                "divisor": {"type": "number", "exclusiveMinimum": 0},
            },
        }},
        "means": {"type": "array", "items": _NUMBERS, "minItems": 2},
        "covariance": {"type": "array", "items": _NUMBERS, "minItems": 1},
        "shares": _NUMBERS, "table": _ROWS, "confusion": _ROWS,
        "notes": {"type": "array", "items": {"type": "string"}},
    },
}  # fmt: skip


def write_typing_tool(tool: TypingTool, file: str | Path) -> Path:
    """Write a typing tool as JSON, whole or not at all; the same tool gives the same bytes.

    It holds wordings, coefficients and accuracy, no answers of people.
    """
    place = Path(file)
    place.parent.mkdir(parents=True, exist_ok=True)
    values = {
        "format": FORMAT, "version": VERSION, "study": tool.study, "language": tool.language,
        "personas": {key: _text(name) for key, name in tool.personas.items()},
        "questions": [
            {"item": q.item, "text": _text(q.text),
             "codes": {code: _text(label) for code, label in q.codes.items()},
             "low": _known(q.low), "high": _known(q.high), "offset": q.offset,
             "divisor": q.divisor}
            for q in tool.questions
        ],
        "means": tool.model.means.tolist(), "covariance": tool.model.covariance.tolist(),
        "shares": tool.model.shares.tolist(), "table": _rows(tool.table),
        "confusion": _rows(tool.confusion), "notes": list(tool.notes),
    }  # fmt: skip
    part = place.with_name(place.name + ".part")
    text = json.dumps(values, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(place)
    return place


def read_typing_tool(file: str | Path) -> TypingTool:
    """Read what ``write_typing_tool`` wrote; every part is checked before it is used.

    Raises
    ------
    UnsafeFileError
        If the file is too large.
    JourneyError
        If it is no typing tool, or its parts do not fit one another.
    """
    place = Path(file)
    if not place.is_file():
        raise _fault(place, "it is not there")
    if place.stat().st_size > MOST_BYTES:
        raise UnsafeFileError(
            f"read_typing_tool: a typing tool has at most 10 MB; {place.name} has "
            f"{place.stat().st_size:,} bytes. Write it again with write_typing_tool."
        )
    try:
        values = json.loads(place.read_text(encoding="utf-8"), parse_constant=_refuse)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise _fault(place, f"it is no JSON in UTF-8 ({str(error)[:80]})") from None
    wrong = next(make_validator(SCHEMA).iter_errors(values), None)
    if wrong is not None:
        raise _fault(place, f"{'/'.join(map(str, wrong.absolute_path)) or 'the file'}: "
                     f"{wrong.message[:120]}")  # fmt: skip
    questions = tuple(
        Question(
            q["item"], Text(**q["text"]), {c: Text(**t) for c, t in q["codes"].items()},
            _number(q["low"]), _number(q["high"]), float(q["offset"]), float(q["divisor"]),
        )
        for q in values["questions"]
    )  # fmt: skip
    return TypingTool(
        table=_frame(place, values["table"], ("questions", "step", "estimate", "kept")),
        confusion=_frame(place, values["confusion"], ("persona", "typed", "estimate")),
        questions=questions,
        personas={key: Text(**name) for key, name in values["personas"].items()},
        model=_model(place, values, questions), study=values["study"],
        language=values["language"], notes=tuple(values["notes"]),
    )  # fmt: skip


def _model(place: Path, values: dict[str, Any], questions: tuple[Question, ...]) -> Discriminant:
    groups, columns = len(values["personas"]), sum(q.width for q in questions)
    shapes = {"means": (groups, columns), "covariance": (columns, columns), "shares": (groups,)}
    arrays = {}
    for name, shape in shapes.items():
        try:
            found = np.array(values[name], dtype=np.float64)
        except (ValueError, OverflowError):
            raise _fault(place, f"{name} is no table of numbers") from None
        if found.shape != shape or not np.isfinite(found).all():
            raise _fault(place, f"{name} must be {shape} finite numbers; it has {found.shape}")
        arrays[name] = found
    covariance, shares = arrays["covariance"], arrays["shares"]
    if not np.allclose(covariance, covariance.T) or np.linalg.eigvalsh(covariance)[0] <= 0:
        raise _fault(place, "covariance must be symmetric and positive definite")
    if (shares <= 0).any() or abs(shares.sum() - 1) > 1e-9:
        raise _fault(place, "shares must be above 0 and sum to 1")
    return Discriminant(arrays["means"], covariance, shares)


def _frame(place: Path, rows: list[dict[str, Any]], needed: tuple[str, ...]) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise _fault(place, f"its tables lack {', '.join(missing)}")
    floats = [n for n in ("estimate", "low", "high", "level", "again") if n in frame.columns]
    try:
        return frame.astype(dict.fromkeys(floats, "float64"))
    except (ValueError, TypeError):
        raise _fault(place, f"{', '.join(floats)} must be numbers") from None


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(k): _known(v) if isinstance(v, float) else v for k, v in row.items()}
        for row in frame.astype(object).to_dict("records")
    ]


def _text(text: Text) -> dict[str, str]:
    return {"en": text.en, "fa": text.fa}


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _fault(place: Path, what: str) -> JourneyError:
    return JourneyError(
        f"read_typing_tool: {place.name} must be a file of write_typing_tool; {what}. "
        "Write it again."
    )
