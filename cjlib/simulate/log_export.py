"""The log as the shop's system exports it: text, with the dirt such exports have."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pandas as pd

from cjlib.simulate.log import COLUMNS
from cjlib.simulate.parameters import make_rng

TWICE = 0.005  # share of rows exported twice
TIED = 0.006  # share of rows with the time of the row before, of the same customer
NAMELESS = 70  # rows without a customer
MISSPELT = 90  # rows with a touchpoint nobody defined
MISSPELLINGS = {
    "checkout": "check-out", "product_page": "prodct_page", "call_centre": "callcenter",
    "shop_visit": "shop visit 2", "cart": "basket", "app_browse": "app_brwse",
    "courier_delivery": "delivery", "home_page": "index.html",
}  # fmt: skip


def soil_log(log: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return the log as text with ties, doubled rows, lost customers and odd names.

    Rows stay in time order, as a system writes them. Purchases and their amounts are left
    alone but for rows written twice.
    """
    rng = make_rng(seed, "log dirt")
    text = pd.DataFrame({name: _as_text(log[name]) for name in COLUMNS})
    by_customer = log.sort_values(["customer", "when"], kind="stable")
    later = by_customer.index[by_customer["customer"].eq(by_customer["customer"].shift())]
    before = pd.Series(by_customer.index, index=by_customer.index).shift()
    tied = rng.choice(np.sort(later), int(TIED * len(log)), replace=False)
    text.loc[tied, "when"] = text.loc[before[tied].astype(int), "when"].to_numpy()
    free = log.index[log["amount"].isna()]
    text.loc[rng.choice(free, NAMELESS, replace=False), "customer"] = ""
    known = free[log.loc[free, "touchpoint"].isin(list(MISSPELLINGS))]
    odd = rng.choice(known, MISSPELT, replace=False)
    text.loc[odd, "touchpoint"] = text.loc[odd, "touchpoint"].map(MISSPELLINGS)
    twice = rng.choice(len(text), int(TWICE * len(text)), replace=False)
    rows = np.sort(np.concatenate([np.arange(len(text)), twice]), kind="stable")
    return text.iloc[rows].sort_values("when", kind="stable", ignore_index=True)


def write_log(text: pd.DataFrame, path: Path) -> None:
    """Write the log as a gzipped CSV whose bytes depend on its rows alone."""
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0, compresslevel=9) as out:
        out.write(text.to_csv(index=False, lineterminator="\n").encode("utf-8"))
    path.write_bytes(packed.getvalue())


def _as_text(column: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(column):
        stamps: pd.Series = column.dt.strftime("%Y-%m-%dT%H:%M:%S")
        return stamps
    if pd.api.types.is_numeric_dtype(column):
        return pd.Series(["" if pd.isna(v) else f"{v:.0f}" for v in column], index=column.index)
    return column
