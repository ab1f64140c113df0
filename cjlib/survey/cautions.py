"""Cautions: what a reader must know before trusting the clean answers."""

from __future__ import annotations

import pandas as pd

from cjlib.columns import WAVE, WEIGHT
from cjlib.language import parse_number
from cjlib.study import Study
from cjlib.survey.answers import RawAnswers
from cjlib.survey.quality import MINIMUM_RUN_ITEMS


def find_warnings(
    study: Study,
    raw: RawAnswers,
    everyone: pd.DataFrame,
    quality: pd.DataFrame,
    ledger: pd.DataFrame,
) -> list[str]:
    """Return one sentence for each thing in the files or the rule that may mislead."""
    found = []
    for wave, rows in raw.table.groupby(WAVE, sort=False):
        for item in study.codebook.select(metric="nps"):
            seen = {parse_number(t) for t in rows[item.name].dropna().unique()}
            declared = {parse_number(code) for code in item.missing}
            if 11.0 in seen and 0.0 not in seen and 11.0 not in declared:
                found.append(
                    f"{item.name} in wave {wave} is declared 0 to 10 but holds 11 and no 0: is "
                    "it coded 1 to 11? The 11s became missing; recode the file or declare 11."
                )
        weight = everyone.loc[rows.index, WEIGHT]
        mean = float(weight.mean())
        if weight.isna().any():
            found.append(f"{int(weight.isna().sum())} row(s) of wave {wave} have no weight.")
        if abs(mean - 1) > 0.01:
            found.append(f"the weights of wave {wave} have mean {mean:.3g}, not 1.")
        known = quality.loc[rows.index]
        if study.cleaning.seconds_per_item is not None and known["seconds_per_item"].isna().all():
            found.append(f"wave {wave} has no duration: nobody is removed for speed.")
        if study.cleaning.longstring_share is not None and known["longstring_share"].isna().all():
            found.append(
                f"wave {wave} has fewer than {MINIMUM_RUN_ITEMS} rated items: nobody is "
                "removed for equal answers."
            )
        if study.cleaning.failed_checks is not None and known["checks"].eq(0).all():
            found.append(f"wave {wave} has no attention check.")
    return found
