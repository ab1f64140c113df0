"""Which columns describe a persona: of the survey by their roles, of the log by what was done."""

from __future__ import annotations

import pandas as pd

from cjlib.codebook import Item
from cjlib.columns import CUSTOMER, PERSONA, WAVE
from cjlib.definitions import Text
from cjlib.personas.behaviour import behaviour_label
from cjlib.personas.profiles import MEAN, SHARE, Trait
from cjlib.personas.variables import Variables, item_columns, to_numbers
from cjlib.study import Study

LOG_ROLE = "contact"  # role of what the interactions table tells


def survey_traits(
    study: Study, respondents: pd.DataFrame, *, used: set[str]
) -> tuple[list[Trait], pd.DataFrame]:
    """List the survey columns that describe people, and the frame that holds them.

    Items that made the segments, those whose role is in ``study.personas.describe_by``, and
    every NPS, CSAT and CES item. Texts do not describe a persona by numbers.
    """
    roles = {*study.personas.segment_on, *study.personas.describe_by}
    traits: list[Trait] = []
    columns: dict[str, pd.Series] = {}
    for item in study.codebook.items:
        if item.role not in roles and not item.metric:
            continue
        for name, label in item_columns(item, respondents.columns):
            kind = _kind(item)
            if not kind:
                continue
            column = respondents[name]
            columns[name] = column.astype("string") if kind == "nominal" else to_numbers(column)
            codes = tuple(item.labels.items()) if kind == "nominal" else ()
            traits.append(
                Trait(name, item.role, kind, label, "survey", codes, name in used, item.metric)
            )
    return traits, pd.DataFrame(columns, index=respondents.index).reset_index(drop=True)


def log_traits(study: Study, behaviour: pd.DataFrame, *, used: set[str]) -> list[Trait]:
    """List what the interactions table tells about a customer."""
    return [
        Trait(name, LOG_ROLE, MEAN, behaviour_label(study, name), "interactions", (), name in used)
        for name in behaviour.columns
        if name != CUSTOMER and behaviour[name].notna().any()
    ]


def theme_traits(variables: Variables) -> list[Trait]:
    """List the themes of interviews that made the segments."""
    themes = variables.items[variables.items["source"].eq("interviews")]
    return [
        Trait(
            t["item"], t["role"], SHARE, Text(t["label_en"], t["label_fa"]), t["source"], used=True
        )
        for t in themes.to_dict("records")
    ]


def personas_of_customers(study: Study, members: pd.DataFrame) -> pd.Series:
    """Persona of each customer: of their last wave, where they answered more than one."""
    rows = members[members[CUSTOMER].notna() & members[PERSONA].notna()]
    order = {wave.id: i for i, wave in enumerate(study.waves)}
    last = rows[WAVE].map(order).fillna(-1).argsort(kind="stable")
    rows = rows.iloc[last.to_numpy()]
    return rows.drop_duplicates(CUSTOMER, keep="last").set_index(CUSTOMER)[PERSONA]


def _kind(item: Item) -> str:
    if item.kind in ("scale", "number", "money"):
        return MEAN
    if item.kind in ("tick", "multi"):
        return SHARE
    return "nominal" if item.kind in ("nominal", "language") and item.labels else ""
