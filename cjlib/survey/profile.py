"""Who answered: shares and means of what describes people, small groups withheld."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cjlib.codebook import Item
from cjlib.columns import LANGUAGE, WAVE, N
from cjlib.intervals import Estimate, estimate_mean, estimate_share, unknown
from cjlib.study import Study
from cjlib.survey.cleaning import Survey

SUPPRESSED = "withheld: fewer people than the privacy minimum"


def describe_respondents(survey: Survey, study: Study) -> pd.DataFrame:
    """Describe the respondents by wave, language and the codebook's description items.

    Nominal items give the share of each answer among those who answered (Wilson interval),
    numbers the mean (Student t). Shares are unweighted: they describe the sample, not the
    customers. Answers given by fewer than ``study.privacy.minimum_cell`` people are named
    without their count.

    Returns
    -------
    DataFrame, one row per item and answer
        ``item``, ``answer`` (label in the study's language; "mean" for numbers),
        ``estimate`` (share 0 to 1, or mean), ``low, high, level, n`` (people who answered
        the item), ``method``.
    """
    people = survey.respondents
    rows: list[dict[str, object]] = []
    for name in (WAVE, LANGUAGE):
        if people[name].notna().any():
            labels = {w.id: w.label.to(study.language) for w in study.waves}
            rows += _count_answers(people[name], name, labels, study)
    for item in study.codebook.select(role="description"):
        if item.name not in people.columns or people[item.name].notna().sum() == 0:
            continue
        if item.kind == "nominal":
            labels = {code: label.to(study.language) for code, label in item.labels.items()}
            rows += _count_answers(people[item.name], item.name, labels, study)
        elif item.kind in ("number", "scale"):
            rows.append(_mean_answer(people[item.name], item, study))
    columns = ["item", "answer", *unknown(0).as_dict()]
    return pd.DataFrame(rows, columns=columns)


def _count_answers(
    answers: pd.Series, name: str, labels: dict[str, str], study: Study
) -> list[dict[str, object]]:
    given = answers.dropna().astype("string")
    counts = given.value_counts()
    order = [code for code in labels if code in counts.index]
    order += sorted(code for code in counts.index if code not in labels)
    rows: list[dict[str, object]] = []
    for code in order:
        found: Estimate = estimate_share(int(counts[code]), len(given), level=study.level)
        shown = found.as_dict()
        if counts[code] < study.privacy.minimum_cell:
            shown = unknown(len(given), level=study.level, why=SUPPRESSED).as_dict()
        rows.append({"item": name, "answer": labels.get(str(code), str(code)), **shown})
    return rows


def _mean_answer(answers: pd.Series, item: Item, study: Study) -> dict[str, object]:
    values = answers.to_numpy(dtype=float, na_value=np.nan)
    found = estimate_mean(values, level=study.level).as_dict()
    if found[N] < study.privacy.minimum_cell:
        found = unknown(found[N], level=study.level, why=SUPPRESSED).as_dict()
    return {"item": item.name, "answer": "mean", **found}
