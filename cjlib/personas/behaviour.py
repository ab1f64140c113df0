"""What each customer did, one row per customer, from the interactions table."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from cjlib.columns import (
    AMOUNT,
    CHANNEL,
    CUSTOMER,
    RATING,
    RESPONDENT,
    STAGE,
    TIME,
    TOUCHPOINT,
    WAVE,
)
from cjlib.definitions import Text
from cjlib.errors import JourneyError, nearest
from cjlib.personas.variables import (
    CLIP_AT,
    MOST_MISSING,
    Variables,
    drop_constant,
    require_finite,
    require_rows,
    settle_items,
)
from cjlib.study import Study

STAGE_SHARE: Final = "stage_share:"
BEHAVIOUR_LABELS: Final = {
    "contacts": Text("Contacts", "تعداد تماس‌ها"),
    "channels": Text("Channels used", "کانال‌های به‌کاررفته"),
    "days_active": Text("Days with contact", "روزهای دارای تماس"),
    "purchases": Text("Purchases", "خریدها"),
    "amount": Text("Money spent", "مبلغ خرید"),
    "wait_hours": Text("Median wait between contacts, hours", "میانهٔ انتظار بین تماس‌ها، ساعت"),
    "rating": Text("Mean rating", "میانگین امتیاز"),
}
BEHAVIOUR: Final = "behaviour"
LOGGED: Final = ("contacts", "days_active", "purchases", "amount", "wait_hours")  # log(1 + x)


def measure_behaviour(study: Study, table: pd.DataFrame) -> pd.DataFrame:
    """Sum up each customer's contacts.

    Parameters
    ----------
    study : Study
        Its purchase touchpoints and stages.
    table : DataFrame
        The interactions table. Not changed.

    Returns
    -------
    DataFrame
        One row per customer, by id: ``contacts``; ``channels`` (different ones);
        ``days_active`` (calendar days with a contact); ``purchases``; ``amount`` (study
        currency); ``wait_hours`` (median gap between one contact and the next, missing
        for one contact); ``rating`` (mean, missing where none); ``stage_share:<stage>``.
    """
    rows = table[table[CUSTOMER].notna()].sort_values([CUSTOMER, TIME], kind="stable")
    codes, ids = pd.factorize(rows[CUSTOMER], sort=True)
    rows = rows.reset_index(drop=True)
    group = rows.groupby(codes, sort=True)
    purchase = rows[TOUCHPOINT].isin(study.events.purchase if study.events else ())
    gaps = rows[TIME].diff().dt.total_seconds().div(3600).where(pd.Series(codes).diff().eq(0))
    found = {
        CUSTOMER: pd.Series(ids, dtype="string"),
        "contacts": group.size().astype(float),
        "channels": group[CHANNEL].nunique().astype(float),
        "days_active": rows[TIME].dt.normalize().groupby(codes).nunique().astype(float),
        "purchases": purchase.groupby(codes).sum().astype(float),
        "amount": _numbers(rows, AMOUNT).groupby(codes).sum(),
        "wait_hours": gaps.groupby(codes).median(),
        "rating": _numbers(rows, RATING).groupby(codes).mean(),
    }
    for stage in study.stage_ids:
        share = rows[STAGE].eq(stage).astype(float).groupby(codes).mean()
        found[STAGE_SHARE + stage] = share
    return pd.DataFrame(found).reset_index(drop=True)


def behaviour_label(study: Study, name: str) -> Text:
    """Label of a behaviour column, in both languages."""
    if name.startswith(STAGE_SHARE):
        key = name.removeprefix(STAGE_SHARE)
        stage = next((s.label for s in study.stages if s.id == key), Text(key))
        return Text(f"Share of contacts in {stage.to('en')}", f"سهم تماس‌های {stage.to('fa')}")
    return BEHAVIOUR_LABELS.get(name, Text(name))


def read_behaviour_variables(study: Study, behaviour: pd.DataFrame) -> Variables:
    """Take the behaviour of each customer (see ``measure_behaviour``) as the variables.

    All of it, or what ``study.personas.events`` names. Counts, money and waits on a log scale;
    every column to mean 0 and standard deviation 1/2, cut at ``CLIP_AT`` standard deviations.
    Columns missing for more than half of the customers, and columns without any spread, are
    left out; other gaps take the median.
    """
    names = [c for c in behaviour.columns if c != CUSTOMER]
    wanted = _require_known(study, names) if study.personas.events else names
    raw = behaviour[wanted].astype(float).reset_index(drop=True)
    for name in wanted:
        require_finite(name, raw[name].to_numpy())
    sparse = [c for c in wanted if raw[c].isna().mean() > MOST_MISSING]
    rows = [_describe(study, name) for name in wanted if name not in sparse]
    items = pd.DataFrame(rows, columns=list(_describe(study, "contacts")))
    raw, items, dropped = drop_constant(raw.drop(columns=sparse), items)
    require_rows(len(raw), raw.shape[1])
    items["filled"] = raw.isna().sum().to_numpy()
    items, scaled = settle_items(raw.fillna(raw.median()), items, {})
    ids = behaviour[CUSTOMER].astype("string").reset_index(drop=True)
    none = pd.Series(pd.NA, index=ids.index, dtype="string")
    keys = pd.DataFrame({RESPONDENT: none, CUSTOMER: ids, WAVE: none})
    notes = [
        "There are no survey items to make segments on: they are made on behaviour, cut at "
        f"{CLIP_AT:g} standard deviations."
    ]
    if sparse:
        notes.append(f"Left out because known for too few: {', '.join(sparse)}.")
    notes += dropped
    if items["filled"].sum():
        notes.append(f"{int(items['filled'].sum()):,} gaps are filled with the column's median.")
    return Variables(
        "interactions", keys, raw, np.ones(len(raw), dtype=bool), scaled,
        np.zeros(raw.shape[1], dtype=bool), np.ones(len(raw)), items, tuple(notes),
    )  # fmt: skip


def join_behaviour(
    study: Study, keys: pd.DataFrame, behaviour: pd.DataFrame
) -> list[tuple[str, pd.Series, dict[str, Any]]]:
    """Give each respondent the behaviour that ``study.personas.events`` names, by customer.

    Missing where the customer is not known or not in the log: not seen is not zero.
    """
    names = [c for c in behaviour.columns if c != CUSTOMER]
    known = behaviour.assign(**{CUSTOMER: behaviour[CUSTOMER].astype("string")})
    known = known.set_index(CUSTOMER)
    return [
        (name, keys[CUSTOMER].map(known[name]).astype(float), _describe(study, name))
        for name in _require_known(study, names)
    ]


def _require_known(study: Study, names: list[str]) -> list[str]:
    for name in study.personas.events:
        if name not in names:
            hint = nearest(name, names)
            raise JourneyError(
                f"build_personas: personas.events must name behaviour in the log; {name!r} is "
                "none."
                + (f" Did you mean {hint!r}?" if hint else f" There are {', '.join(names)}.")
            )
    return list(dict.fromkeys(study.personas.events))


def _describe(study: Study, name: str) -> dict[str, Any]:
    label = behaviour_label(study, name)
    return {
        "item": name, "role": BEHAVIOUR, "kind": "number", "label_en": label.to("en"),
        "label_fa": label.to("fa"), "scaling": "log" if name in LOGGED else "standard",
        "low": np.nan, "high": np.nan, "source": "interactions",
    }  # fmt: skip


def find_common_path(study: Study, table: pd.DataFrame, *, most: int = 12) -> tuple[list[str], int]:
    """Return the commonest order of stages and how many customers took exactly it.

    Repeats of a stage in a row count once; longer journeys than ``most`` stages are compared
    by their first ``most``. Ties go to the path that sorts first.
    """
    rows = table[table[CUSTOMER].notna() & table[STAGE].notna()]
    rows = rows.sort_values([CUSTOMER, TIME], kind="stable")
    known = [s for s in study.stage_ids if rows[STAGE].eq(s).any()]
    if not known:
        return [], 0
    same = rows[CUSTOMER].eq(rows[CUSTOMER].shift()) & rows[STAGE].eq(rows[STAGE].shift())
    steps = rows.loc[~same.to_numpy(dtype=bool), [CUSTOMER, STAGE]]
    steps = steps[steps.groupby(CUSTOMER).cumcount() < most]
    paths = steps.groupby(CUSTOMER)[STAGE].agg(" ".join)
    counts = paths.value_counts().rename_axis("path").reset_index(name="n")
    counts = counts.sort_values(["n", "path"], ascending=[False, True], kind="stable")
    return str(counts["path"].iloc[0]).split(" "), int(counts["n"].iloc[0])


def _numbers(rows: pd.DataFrame, name: str) -> pd.Series:
    if name not in rows.columns:
        return pd.Series(np.nan, index=rows.index)
    return pd.to_numeric(rows[name], errors="coerce").astype(float)
