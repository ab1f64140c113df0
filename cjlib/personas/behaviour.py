"""What each customer did, one row per customer, from the interactions table."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from cjlib.columns import AMOUNT, CHANNEL, CUSTOMER, RATING, STAGE, TIME, TOUCHPOINT
from cjlib.definitions import Text
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
