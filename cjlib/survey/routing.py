"""Whom each question was asked: the skip logic of the questionnaire."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cjlib.codebook import YES_NO, Condition, Item
from cjlib.survey.readings import Reading
from cjlib.survey.settled import Column

MET, FAILED, OPEN, UNASKED = range(4)


def route_answers(columns: dict[str, Column]) -> dict[str, Column]:
    """Mark, for every question with ``asked_if``, who was not asked.

    Not asked is who gave none of the answers a condition names, and who was not asked the
    question that decides (so conditions follow one another). Where that question was
    passed over, or its answer cannot be used, nobody can say: an answer stands, and an
    empty cell counts as not asked. A wave without the deciding question asked everyone.
    Conditions compare the codes of the export: before reverse items are turned.

    Parameters
    ----------
    columns : dict of str to Column
        Every item, by name.
    """
    routed: dict[str, Column] = {}
    for name in columns:
        _route(name, columns, routed)
    return {name: routed[name] for name in columns}


def _route(name: str, columns: dict[str, Column], routed: dict[str, Column]) -> Column:
    """Route one question after those it waits for; the codebook has no circles."""
    if name in routed:
        return routed[name]
    column = columns[name]
    if column.item.asked_if:
        failed = np.zeros(len(column.codes), dtype=bool)
        doubtful = failed.copy()
        for rule in column.item.asked_if:
            first = _route(rule.item, columns, routed)
            verdicts = [_judge(reading, first.item, rule) for reading in first.readings]
            found = np.array([*verdicts, UNASKED], dtype=np.int8)[first.codes]
            failed |= found == FAILED
            doubtful |= found == OPEN
            if first.not_asked is not None:
                failed |= first.not_asked
        silent = ~column.flag(column.answered)
        here = column.codes >= 0
        column = replace(column, not_asked=here & (failed | (doubtful & silent)))
    routed[name] = column
    return column


def _judge(reading: Reading, item: Item, rule: Condition) -> int:
    """Say whether one answer of the deciding question meets a condition."""
    if reading.text is None:
        said = reading.threshold if reading.rule.endswith("missing code") else ""
        if said not in rule.codes and (reading.left_out or reading.unfit):
            return OPEN
        return MET if (said in rule.codes) == rule.equal else FAILED
    return MET if _is_one_of(reading.text, item, rule.codes) == rule.equal else FAILED


def _is_one_of(text: str, item: Item, codes: tuple[str, ...]) -> bool:
    if item.kind in ("tick", "consent"):
        return (text == "true") in {YES_NO.get(code.casefold()) for code in codes}
    if item.kind == "multi":
        return bool(set(text.split(";")) & set(codes))
    if item.kind in ("scale", "number"):
        number = float(text)
        if item.reverse and item.low is not None and item.high is not None:
            number = item.low + item.high - number
        return number in {_number(code) for code in codes}
    return text in codes


def _number(code: str) -> float | None:
    try:
        return float(code)
    except ValueError:
        return None
