"""What customers did: touchpoints, channels, entries, exits, moves back, waits; from the log."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cjlib.columns import CHANNEL, CUSTOMER, SECONDS, STAGE, TIME, TOUCHPOINT
from cjlib.definitions import Text
from cjlib.intervals import Estimate, estimate_mean, estimate_ratio, estimate_share
from cjlib.maps.estimates import estimate_median, write_estimate
from cjlib.maps.evidence import EvidenceBook, judge_level, make_id
from cjlib.maps.experience import find_target, shown_n, text_of
from cjlib.maps.sources import Sources
from cjlib.maps.words import both

SWITCHES = 2  # changes of channel named per stage
TOP = 4  # touchpoints and channels named per stage; the rest is in the tables
START, END = "start", "end"


def count_visitors(sources: Sources, stage: str) -> int:
    """Count the customers seen at a stage."""
    log = sources.interactions
    return 0 if log is None else int(log.loc[log[STAGE].eq(stage), CUSTOMER].nunique())


def share_visitors(
    sources: Sources, stage: str, *, by: str, book: EvidenceBook
) -> tuple[list[dict[str, Any]], str]:
    """Items of a cell: the most used touchpoints or channels, with the share of customers.

    The share is of the customers seen at this stage. Those used by fewer than
    ``minimum_cell`` customers are left out. Also returns the cell's level.
    """
    study, log, people = sources.study, sources.interactions, count_visitors(sources, stage)
    if log is None or not people:
        return [], "assumption"
    here = log[log[STAGE].eq(stage)]
    counts = here.groupby(by, observed=True)[CUSTOMER].nunique()
    counts = counts[counts >= study.privacy.minimum_cell].sort_index()
    counts = counts.sort_values(ascending=False, kind="stable").head(TOP)
    key = note_visits(sources, stage, book)
    kind = "touchpoint" if by == TOUCHPOINT else "channel"
    items = [
        {
            "text": _label(sources, kind, str(name)), "evidence": [key],
            "value": write_estimate(
                estimate_share(int(count), people, level=study.level),
                unit="share", privacy=study.privacy, denominator="customers at this stage",
            ),
        }
        for name, count in counts.items()
    ]  # fmt: skip
    return items, judge_level(people=people, privacy=study.privacy)


def note_visits(sources: Sources, stage: str, book: EvidenceBook) -> str:
    """Add the log of a stage to the evidence and return its id."""
    return book.add(
        "event-log", stage, source="events", n=shown_n(sources, count_visitors(sources, stage)),
        method=both("map.method_log"),
    )  # fmt: skip


def measure_moves(sources: Sources, book: EvidenceBook) -> list[dict[str, Any]]:
    """Transitions between stages with the share of all moves that leave the first stage.

    A customer's interactions in order, runs at one stage taken as one; the last stage ends in
    ``end``. The interval allows for one customer's moves being alike. ``loop`` goes back to
    an earlier stage, ``skip`` over one; moves made by fewer than ``minimum_cell`` customers
    are left out. From ``start``: the share of customers whose first stage it is.
    """
    moves, study = _moves(sources), sources.study
    if moves.empty:
        return []
    place = {stage: i for i, stage in enumerate(study.stage_ids)}
    rows = []
    for (one, two), people in _pairs(moves, study.stage_ids):
        if people < study.privacy.minimum_cell:
            continue
        found = _share_of_moves(moves[moves["from"].eq(one)], two, level=study.level)
        evidence = note_visits(sources, two if one == START else one, book)
        share = write_estimate(
            found, unit="share", privacy=study.privacy, denominator=f"moves from {one}"
        )
        rows.append(
            {"from": one, "to": two, "kind": _kind(one, two, place), "p": share,
             "evidence": [evidence]}
        )  # fmt: skip
    return rows


def measure_switches(sources: Sources, book: EvidenceBook) -> list[dict[str, Any]]:
    """Measure changes of channel: of the contacts at a stage that are followed by another one.

    A change is a customer's next contact, at whatever stage, coming by another channel. The
    commonest two of each stage, by customers; those of fewer than ``minimum_cell`` customers
    are left out. The interval allows for one customer's contacts being alike.
    """
    log, study = sources.interactions, sources.study
    if log is None or log.empty:
        return []
    who, channel = log[CUSTOMER].astype("object"), log[CHANNEL].astype("object")
    followed = who.eq(who.shift(-1)) & channel.notna() & channel.shift(-1).notna()
    steps = pd.DataFrame(
        {CUSTOMER: who, STAGE: log[STAGE].astype("object"), "one": channel,
         "two": channel.shift(-1)}
    )[followed]  # fmt: skip
    rows = []
    for stage in study.stage_ids:
        here = steps[steps[STAGE].eq(stage)]
        changed = here[here["one"].ne(here["two"])]
        counts = changed.groupby(["one", "two"])[CUSTOMER].nunique().sort_index()
        counts = counts[counts >= study.privacy.minimum_cell]
        counts = counts.sort_values(ascending=False, kind="stable").head(SWITCHES)
        for one, two in counts.index:
            hit = here["one"].eq(one) & here["two"].eq(two)
            by = hit.groupby(here[CUSTOMER], sort=True)
            found = estimate_ratio(by.sum(), by.size(), level=study.level)
            found = replace(found, low=max(found.low, 0.0), high=min(found.high, 1.0))
            rows.append(
                {
                    "from": stage, "to": stage, "kind": "channel-switch",
                    "from_channel": _label(sources, "channel", str(one)),
                    "to_channel": _label(sources, "channel", str(two)),
                    "p": write_estimate(
                        found, unit="share", privacy=study.privacy,
                        denominator=f"contacts at {stage} with a next one",
                    ),
                    "evidence": [note_visits(sources, stage, book)],
                }
            )  # fmt: skip
    return rows


def share_exits(sources: Sources) -> dict[str, Estimate]:
    """Share of all customers last seen at each stage; later than the log nothing is known."""
    log = sources.interactions
    if log is None or log.empty:
        return {}
    last = log.groupby(CUSTOMER, sort=True, observed=True)[STAGE].last()
    level = sources.study.level
    return {
        stage: estimate_share(int(last.eq(stage).sum()), len(last), level=level)
        for stage in sources.study.stage_ids
    }


def measure_progress(sources: Sources, book: EvidenceBook) -> list[dict[str, Any]]:
    """KPIs from the log: going on to a later stage, waiting after a purchase, time wasted.

    Conversion: of the customers seen at a stage, the share later seen (at or after their
    first time there) at any stage further along. Wait: days from a purchase to the last
    contact at the next stage before the customer's next purchase, median over customers of
    each customer's median. Time wasted: minutes per customer of the stage in contacts the
    study lists as ``nothing_gained``, where the log times them.
    """
    log, study = sources.interactions, sources.study
    if log is None or log.empty:
        return []
    rows = []
    for stage in study.stage_ids[:-1]:
        if not count_visitors(sources, stage):
            continue
        metric = _metric(
            sources, (stage, "conversion", "share"), _going_on(log, stage, study), book=book
        )
        metric |= {"label": both("map.conversion"), "better": "higher"}
        target = find_target(sources, "conversion", stage)
        rows.append(metric | ({} if target is None else {"target": target}))
    after, waits = wait_after_purchase(sources)
    if after and len(waits):
        found = estimate_median(waits, level=study.level)
        metric = _metric(sources, (after, "time", "days"), found, book=book)
        rows.append(metric | {"label": both("map.wait"), "better": "lower"})
    for stage, minutes in _wasted_minutes(sources).items():
        found = estimate_mean(minutes, level=study.level)
        metric = _metric(sources, (stage, "time", "minutes"), found, book=book)
        metric |= {"id": make_id("m", "wasted", stage), "label": both("map.wasted")}
        rows.append(metric | {"better": "lower"})
    return rows


def wait_after_purchase(sources: Sources) -> tuple[str, pd.Series]:
    """Return the stage after the purchase, and the days each customer waited there (median)."""
    log, study = sources.interactions, sources.study
    rules = study.events
    empty = pd.Series(dtype=float)
    if log is None or rules is None or not rules.purchase:
        return "", empty
    stages = study.stage_ids
    bought = [t.stage for t in study.touchpoints if t.id in rules.purchase]
    place = max((stages.index(s) for s in bought if s in stages), default=len(stages))
    if place + 1 >= len(stages):
        return "", empty
    after = stages[place + 1]
    buys = log[TOUCHPOINT].isin(rules.purchase)
    number = buys.groupby(log[CUSTOMER], observed=True).cumsum()
    since = log[TIME].where(buys).groupby(log[CUSTOMER], observed=True).ffill()
    days = (log[TIME] - since).dt.total_seconds() / 86_400
    here = log[STAGE].eq(after) & number.gt(0)
    longest = days[here].groupby([log[CUSTOMER][here], number[here]], observed=True).max()
    return after, longest.groupby(level=0).median()


def _going_on(log: pd.DataFrame, stage: str, study: Any) -> Estimate:
    place = study.stage_ids.index(stage)
    first = log[log["place"].eq(place)].groupby(CUSTOMER, observed=True)[TIME].min()
    later = log[log["place"].gt(place)].groupby(CUSTOMER, observed=True)[TIME].max()
    went = later.reindex(first.index) >= first
    return estimate_share(int(went.sum()), len(first), level=study.level)


def _wasted_minutes(sources: Sources) -> dict[str, pd.Series]:
    log, rules = sources.interactions, sources.study.events
    if log is None or rules is None or SECONDS not in log or not rules.nothing_gained:
        return {}
    rows = log[log[TOUCHPOINT].isin(rules.nothing_gained) & log[SECONDS].notna()]
    minutes = {}
    for stage in sources.study.stage_ids:
        mine = rows[rows[STAGE].eq(stage)]
        if len(mine):
            total = mine.groupby(CUSTOMER, sort=True, observed=True)[SECONDS].sum() / 60
            everyone = log.loc[log[STAGE].eq(stage), CUSTOMER].unique()
            minutes[stage] = total.reindex(sorted(everyone), fill_value=0.0)
    return minutes


def _metric(
    sources: Sources, place: tuple[str, str, str], found: Estimate, *, book: EvidenceBook
) -> dict[str, Any]:
    stage, name, unit = place
    return {
        "id": make_id("m", name, stage), "at": stage, "persona": sources.who,
        "name": name, "evidence": [note_visits(sources, stage, book)],
        "value": write_estimate(found, unit=unit, privacy=sources.study.privacy),
    }  # fmt: skip


def _moves(sources: Sources) -> pd.DataFrame:
    log = sources.interactions
    if log is None or log.empty:
        return pd.DataFrame(columns=[CUSTOMER, "from", "to"])
    who, where = log[CUSTOMER].astype("object"), log[STAGE].astype("object")
    new = where.ne(where.shift()) | who.ne(who.shift())
    steps = pd.DataFrame({CUSTOMER: who[new], "from": where[new]}).reset_index(drop=True)
    follower = steps["from"].shift(-1)
    same = steps[CUSTOMER].eq(steps[CUSTOMER].shift(-1))
    steps["to"] = np.where(same, follower, END)
    first = steps[~steps[CUSTOMER].eq(steps[CUSTOMER].shift())]
    starts = pd.DataFrame({CUSTOMER: first[CUSTOMER], "from": START, "to": first["from"]})
    return pd.concat([starts, steps], ignore_index=True)


def _pairs(moves: pd.DataFrame, stages: list[str]) -> list[tuple[tuple[str, str], int]]:
    counts = moves.groupby(["from", "to"], observed=True)[CUSTOMER].nunique()
    order = {name: i for i, name in enumerate([START, *stages, END])}
    index = counts.index.to_frame(index=False)
    pairs = [
        ((str(a), str(b)), int(n))
        for a, b, n in zip(index["from"], index["to"], counts, strict=True)
    ]
    return sorted(pairs, key=lambda pair: (order[pair[0][0]], order[pair[0][1]]))


def _share_of_moves(mine: pd.DataFrame, two: str, *, level: float) -> Estimate:
    by = mine["to"].eq(two).groupby(mine[CUSTOMER], sort=True, observed=True)
    if by.ngroups == len(mine):  # one move each: no customer's moves are alike
        return estimate_share(int(by.sum().sum()), len(mine), level=level)
    found = estimate_ratio(by.sum(), by.size(), level=level)
    return replace(found, low=max(found.low, 0.0), high=min(found.high, 1.0))


def _kind(one: str, two: str, place: dict[str, int]) -> str:
    if one == START:
        return "entry"
    if two == END:
        return "exit"
    if place[two] < place[one]:
        return "loop"
    return "forward" if place[two] == place[one] + 1 else "skip"


def _label(sources: Sources, kind: str, key: str) -> str | dict[str, str]:
    known = sources.study.touchpoints if kind == "touchpoint" else sources.study.channels
    label = next((d.label for d in known if d.id == key), Text(key))
    return text_of(label.en, label.fa, key)
