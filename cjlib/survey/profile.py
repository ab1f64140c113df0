"""Who answered: shares and means of what describes people, small groups withheld."""

from __future__ import annotations

import pandas as pd

from cjlib.columns import LANGUAGE, WAVE, WEIGHT
from cjlib.intervals import Estimate, are_even, estimate_mean, estimate_weighted_share, unknown
from cjlib.study import Study
from cjlib.survey.cleaning import Survey

WEIGHTED = ("weighted", "weighted_low", "weighted_high", "weighted_method")
SUPPRESSED = "withheld: fewer people than the privacy minimum"


def describe_respondents(survey: Survey, study: Study) -> pd.DataFrame:
    """Describe the respondents by wave, language and the codebook's description items.

    Nominal items give the share of each answer among those who answered (Wilson interval),
    numbers the mean (Student t). These are unweighted: they describe the sample, not the
    customers. Where the respondents carry weights that differ, the weighted share or mean
    stands beside them: what the customers look like if the weights are right. Answers given by
    fewer than ``study.privacy.minimum_cell`` people are named without their count.

    Returns
    -------
    DataFrame, one row per item and answer
        ``item``, ``answer`` (label in the study's language; "mean" for numbers),
        ``estimate`` (share 0 to 1, or mean), ``low, high, level, n`` (people who answered
        the item), ``method``; with weights also ``weighted, weighted_low, weighted_high,
        weighted_method``.
    """
    people = survey.respondents
    weights = people[WEIGHT]
    rows: list[dict[str, object]] = []
    for name in (WAVE, LANGUAGE):
        if people[name].notna().any():
            labels = {w.id: w.label.to(study.language) for w in study.waves}
            rows += _count_answers(people[name], weights, labels, study)
    for item in study.codebook.select(role="description"):
        if item.name not in people.columns or people[item.name].notna().sum() == 0:
            continue
        if item.kind == "nominal":
            labels = {code: label.to(study.language) for code, label in item.labels.items()}
            rows += _count_answers(people[item.name], weights, labels, study)
        elif item.kind in ("number", "scale", "money"):
            rows.append(_mean_answer(people[item.name], weights, study))
    columns = ["item", "answer", *unknown(0).as_dict()]
    if not are_even(weights[weights.gt(0)].to_numpy(dtype=float)):
        columns += WEIGHTED
    return pd.DataFrame(rows, columns=columns)


def _count_answers(
    answers: pd.Series, weights: pd.Series, labels: dict[str, str], study: Study
) -> list[dict[str, object]]:
    given = answers.dropna().astype("string")
    counts = given.value_counts()
    order = [code for code in labels if code in counts.index]
    order += sorted(code for code in counts.index if code not in labels)
    rows: list[dict[str, object]] = []
    for code in order:
        hit = given.eq(code)
        plain = estimate_weighted_share(hit, level=study.level)
        heavy = estimate_weighted_share(hit, weights[given.index], level=study.level)
        shown = _stand_beside(plain, heavy, int(counts[code]), study)
        rows.append({"item": answers.name, "answer": labels.get(str(code), str(code)), **shown})
    return rows


def _mean_answer(answers: pd.Series, weights: pd.Series, study: Study) -> dict[str, object]:
    plain = estimate_mean(answers, level=study.level)
    heavy = estimate_mean(answers, weights, level=study.level)
    shown = _stand_beside(plain, heavy, plain.n, study)
    return {"item": answers.name, "answer": "mean", **shown}


def _stand_beside(plain: Estimate, heavy: Estimate, people: int, study: Study) -> dict[str, object]:
    """Return the unweighted estimate's fields and the weighted one's beside them."""
    if people < study.privacy.minimum_cell:
        plain = heavy = unknown(plain.n, level=study.level, why=SUPPRESSED)
    fields = (heavy.estimate, heavy.low, heavy.high, heavy.method)
    return {**plain.as_dict(), **dict(zip(WEIGHTED, fields, strict=True))}
