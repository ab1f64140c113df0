"""What each customer's path was like: one row per customer, from the compact log."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.columns import CUSTOMER
from cjlib.events import JourneyLog
from cjlib.events.journey_log import HOUR
from cjlib.journeys.clusters import Bools, Ints
from cjlib.journeys.transitions import find_departures
from cjlib.study import Study

VISITED: Final = "visited"
LOOPED: Final = "looped"
STEPPED_BACK: Final = "stepped back"
SWITCHED: Final = "switched channel"
COMPLAINED: Final = "complained"
RETURNED: Final = "returned goods"
WAITED: Final = "waited longer than half"
BANDS: Final = ("few contacts", "middling contacts", "many contacts")
DEPARTED: Final = "departed"
MOVE: Final = "move"
Floats = npt.NDArray[np.float64]


def describe_paths(log: JourneyLog, study: Study) -> pd.DataFrame:
    """Tell for each customer of the log what is so of their path.

    Parameters
    ----------
    log : JourneyLog
        With a touchpoint view. Journeys are as cut in the log: a customer's journeys are taken
        together, and what lies between two of them is no move and no wait.
    study : Study

    Returns
    -------
    DataFrame
        One row per customer, ``customer_id`` first; every other column is 1.0, 0.0 or missing
        and is named "feature" or "feature:of". ``visited:<touchpoint>``: any contact there
        (touchpoints of a complaint or return have their own column); ``looped``: back at
        a touchpoint of the same journey after being elsewhere; ``stepped back``: a contact at
        an earlier stage than the contact before; ``switched channel``: two contacts in a row in
        different channels; ``complained``, ``returned goods``: as ``study.events`` names them;
        ``waited longer than half``: the customer's median gap between contacts lies above the
        median of all customers' (missing without a gap); ``few``, ``middling``, ``many
        contacts``: thirds of customers by number of contacts (ties to the lower third);
        ``departed``: a move between stages that the believed journey does not allow (missing
        without a move, or a belief).

    Notes
    -----
    A few passes over the contacts, and a sort of the gaps.
    """
    touch = log.of("touchpoint")
    people = len(log.customers)
    who = np.repeat(log.owner, log.lengths)
    rules = study.events
    complaint = set(rules.complaint if rules else ())
    goods_back = set(rules.product_return if rules else ())
    found: dict[str, Floats] = {}
    for code, label in enumerate(touch.labels):
        if label not in complaint | goods_back:
            found[f"{VISITED}:{label}"] = _ever(who[touch.codes == code], people)
    found[LOOPED] = _ever(who[_find_loops(touch)], people)
    if "stage" in log.views:
        back = find_moves_back(log.of("stage"))
        found[STEPPED_BACK] = _ever(who[back], people)
    if "channel" in log.views:
        channel = log.of("channel")
        here = find_departures(channel)
        changed = here[channel.codes[here] != channel.codes[here + 1]]
        found[SWITCHED] = _ever(who[changed], people)
    for name, ids in ((COMPLAINED, complaint), (RETURNED, goods_back)):
        if ids:
            codes = [i for i, label in enumerate(touch.labels) if label in ids]
            found[name] = _ever(who[np.isin(touch.codes, codes)], people)
    found[WAITED] = _split_waits(log, who, people)
    counts = np.bincount(who, minlength=people).astype(float)
    cuts = np.quantile(counts[counts > 0], [1 / 3, 2 / 3], method="inverted_cdf")
    third = np.searchsorted(cuts, counts, side="left")
    for place, name in enumerate(BANDS):
        found[name] = (third == place).astype(float)
    if study.believed_moves and "stage" in log.views:
        moved, departed = find_unbelieved(log, study)
        hit = _ever(departed["owner"].to_numpy(dtype=np.int64), people)
        found[DEPARTED] = np.where(_ever(moved, people) > 0, hit, np.nan)
    table = pd.DataFrame(found)
    table.insert(0, CUSTOMER, pd.Series(log.customers, dtype="string"))
    return table[counts > 0].reset_index(drop=True)


def _ever(who: npt.NDArray[Any], people: int) -> Floats:
    """1.0 for each customer that occurs."""
    hit = np.zeros(people)
    hit[who] = 1.0
    return hit


def _find_loops(log: JourneyLog) -> Bools:
    """Contacts at a label of the same journey left before."""
    apart = np.ones(len(log), dtype=bool)  # begins a stay: not the same label as just before
    apart[1:] = log.codes[1:] != log.codes[:-1]
    apart[log.offsets[:-1]] = True
    stays = np.flatnonzero(apart)
    cell = log.journey_of()[stays] * len(log.labels) + log.codes[stays]
    _, first = np.unique(cell, return_index=True)
    again = np.ones(len(stays), dtype=bool)
    again[first] = False
    loops = np.zeros(len(log), dtype=bool)
    loops[stays[again]] = True
    return loops


def find_moves_back(log: JourneyLog) -> Ints:
    """Positions of the contacts followed by one at an earlier label of the study's order."""
    here = find_departures(log)
    return here[log.codes[here + 1] < log.codes[here]]


def _split_waits(log: JourneyLog, who: Ints, people: int) -> Floats:
    here = find_departures(log)
    gaps = pd.Series((log.times[here + 1] - log.times[here]) / HOUR)
    medians = gaps.groupby(who[here]).median()
    own = np.full(people, np.nan)
    own[medians.index.to_numpy(dtype=np.int64)] = medians.to_numpy()
    if np.isnan(own).all():
        return own
    return np.where(np.isnan(own), np.nan, (own > np.nanmedian(own)).astype(float))


def find_unbelieved(log: JourneyLog, study: Study) -> tuple[Ints, pd.DataFrame]:
    """Return the owner of every move between stages, and the moves nobody believes in.

    Returns
    -------
    (owners, departures)
        ``owners``: one per move, staying in a stage being none; ``departures``: ``owner``
        (place in ``log.customers``), ``from``, ``to`` (stages), one row per unbelieved move.
    """
    stages = log.of("stage").collapse()
    k = len(stages.labels)
    code = {label: i for i, label in enumerate(stages.labels)}
    believed = np.zeros((k, k), dtype=bool)
    for start, ends in study.believed_moves.items():
        believed[code[start], [code[end] for end in ends]] = True
    here = find_departures(stages)
    came, went = stages.codes[here], stages.codes[here + 1]
    owner = np.repeat(stages.owner, stages.lengths - 1)
    out = ~believed[came.astype(np.int64), went.astype(np.int64)]
    labels = np.array(stages.labels, dtype=object)
    moves = pd.DataFrame(
        {
            "owner": owner[out],
            "from": pd.Series(labels[came[out]], dtype="str"),
            "to": pd.Series(labels[went[out]], dtype="str"),
        }
    )
    return owner, moves
