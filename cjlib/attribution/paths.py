"""Paths: the contacts before each purchase, and those no purchase followed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.columns import AMOUNT, CHANNEL, CUSTOMER, REASON, TIME, TOUCHPOINT
from cjlib.events import ONE_WAY, Interactions

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
NO_CHANNEL: Final = "(none)"
DAY: Final = 86_400_000_000  # microseconds


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Contacts before each purchase, and those no purchase followed.

    Attributes
    ----------
    codes : int64, one per contact
        Its channel, a place in ``channels``.
    age : float64, one per contact
        Days before the purchase; 0 on a path without one.
    offsets : int64, paths plus 1
    owner : int64, one per path
        The customer, counted from 0; never falls.
    bought : bool, one per path
    amounts : float64, one per path
        Money of the purchase; missing where not known.
    channels : tuple of str
    customers : int
    direct : int
        Purchases without a contact before them in the window: they have no path.
    times : datetime64, one per path
        Of its purchase, or of its last contact where nobody bought; empty where not known.
    """

    codes: Ints
    age: Floats
    offsets: Ints
    owner: Ints
    bought: Bools
    amounts: Floats
    channels: tuple[str, ...]
    customers: int
    direct: int
    times: npt.NDArray[np.datetime64] = field(default_factory=lambda: np.array([], "M8[us]"))


def find_paths(
    interactions: Interactions,
    *,
    window_days: float = 30.0,
    exposures: bool = False,
    purchase_is_contact: bool = False,
) -> Paths:
    """Cut the contacts of each customer into paths, as ``attribute_purchases`` defines them."""
    study = interactions.study
    table = interactions.table[[CUSTOMER, TIME, TOUCHPOINT, CHANNEL, AMOUNT]]
    if exposures:
        extra = interactions.set_aside
        extra = extra[extra[REASON].eq(ONE_WAY)]
        table = pd.concat([extra[table.columns], table], ignore_index=True)
        table = table.sort_values([CUSTOMER, TIME], kind="stable", ignore_index=True)
    purchase = study.events.purchase if study.events else ()
    bought = table[TOUCHPOINT].isin(purchase).to_numpy()
    who = pd.factorize(table[CUSTOMER])[0].astype(np.int64)
    times = table[TIME].to_numpy(dtype="datetime64[us]").astype(np.int64)
    opens = np.ones(len(table), dtype=bool)
    opens[1:] = (who[1:] != who[:-1]) | bought[:-1]
    segment = np.cumsum(opens) - 1
    last = np.append(np.flatnonzero(opens)[1:], len(table)) - 1 if len(table) else np.array([], int)
    sold = bought[last]
    age = np.where(sold[segment], times[last][segment] - times, 0) / DAY
    inside = sold[segment] & (age <= window_days)
    contact = ~bought | purchase_is_contact
    key = (2 * segment + inside)[contact]
    # Within a segment the early contacts come before those in the window: keys never fall.
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])) if len(key) else key
    path_segment = key[starts] // 2
    path_bought = key[starts] % 2 == 1
    channels = [c.id for c in study.channels]
    codes = pd.Index(channels).get_indexer(pd.Index(table[CHANNEL])).astype(np.int64)
    if (codes < 0).any():
        codes[codes < 0] = len(channels)
        channels.append(NO_CHANNEL)
    money = table[AMOUNT].to_numpy(dtype=float)
    return Paths(
        codes=codes[contact],
        age=np.where(inside, age, 0.0)[contact],
        offsets=np.append(starts, len(key)),
        owner=who[last][path_segment],
        bought=path_bought,
        amounts=np.where(path_bought, money[last][path_segment], np.nan),
        channels=tuple(channels),
        customers=int(who.max(initial=-1)) + 1,
        direct=int(sold.sum() - path_bought.sum()),
        times=times[last][path_segment].astype("M8[us]"),
    )
