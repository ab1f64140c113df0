"""Which elements of a page customers use, and how touchpoints lie in one another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cjlib.columns import (
    CUSTOMER,
    ELEMENT,
    ESTIMATE,
    HIGH,
    LEVEL,
    LOW,
    METHOD,
    SHARE,
    TOUCHPOINT,
    N,
)
from cjlib.errors import JourneyError, MissingSourceError, nearest
from cjlib.events import Interactions
from cjlib.intervals import Estimate, estimate_share
from cjlib.journeys.clusters import hide_small
from cjlib.journeys.variants import ARROW
from cjlib.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True, eq=False)
class Elements:
    """What ``page_elements`` found.

    Attributes
    ----------
    table : DataFrame
        One row per touchpoint and element, most used first within a touchpoint:
        ``touchpoint``, ``element``, ``clicks``, ``customers``, ``share`` of the touchpoint's
        clicks, ``estimate``: share of the touchpoint's visitors who used it, with interval.
    names : dict
    language : str
    """

    table: pd.DataFrame
    names: dict[str, str] = field(repr=False)
    language: str = "en"

    def summary(self) -> str:
        """Name the most and the least used element."""
        rows = self.table.sort_values("clicks", ascending=False, kind="stable")
        top, low = rows.iloc[0], rows.iloc[-1]
        return (
            f"{int(self.table['clicks'].sum()):,} uses of {len(self.table)} elements; most used "
            f"{top[ELEMENT]} at {top[TOUCHPOINT]} ({top['clicks']:,}), least "
            f"{low[ELEMENT]} at {low[TOUCHPOINT]} ({low['clicks']:,})."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw a heat map: which share of a touchpoint's visitors uses each element."""
        from cjlib import plots

        return plots.draw_elements(self.table, names=self.names, language=self.language, ax=ax)


def page_elements(interactions: Interactions, *, touchpoint: str | None = None) -> Elements:
    """Count which elements of a page or screen customers use.

    A visitor of a touchpoint is a customer with any contact there, whether or not an element
    is named. An element nobody uses leaves no row in the log: compare with the page itself.

    Raises
    ------
    MissingSourceError
        If no contact names an element (there, if ``touchpoint`` is given).
    """
    study, table = interactions.study, interactions.table
    if touchpoint is not None:
        table = table[table[TOUCHPOINT].eq(touchpoint)]
    used = table[table[ELEMENT].notna()]
    if used.empty:
        where = f" at '{touchpoint}'" if touchpoint else ""
        raise MissingSourceError(
            f"page_elements: some contact{where} must name an element; none does. Map the "
            "'element' column in study.yaml, or skip this step."
        )
    visitors = table.groupby(TOUCHPOINT)[CUSTOMER].nunique()
    level, least = study.level, study.privacy.minimum_base
    groups = used.groupby([TOUCHPOINT, ELEMENT], sort=True)[CUSTOMER].agg(["size", "nunique"])
    rows = []
    for (place, element), clicks, people in zip(
        groups.index, groups["size"], groups["nunique"], strict=True
    ):
        share = estimate_share(int(people), int(visitors[place]), level=level)
        rows.append({TOUCHPOINT: place, ELEMENT: element, "clicks": int(clicks),
                     "customers": int(people), **share.as_dict()})  # fmt: skip
    found = pd.DataFrame(rows)
    found.insert(4, SHARE, found["clicks"] / found.groupby(TOUCHPOINT)["clicks"].transform("sum"))
    order = {t.id: i for i, t in enumerate(study.touchpoints)}
    found = found.assign(order=found[TOUCHPOINT].map(order)).sort_values(
        ["order", "clicks"], ascending=[True, False], kind="stable", ignore_index=True
    )
    names = {t.id: t.label.to(study.language) for t in study.touchpoints}
    return Elements(hide_small(found.drop(columns="order"), least), names, study.language)


@dataclass(frozen=True, slots=True, eq=False)
class Heat:
    """What ``measure_heat`` found.

    Attributes
    ----------
    table : DataFrame
        One row per touchpoint and element, what lies inside right below what it lies in:
        ``path`` (labels joined by " > "), ``depth`` from 0, ``touchpoint``, ``element``
        (missing for the touchpoint itself), ``clicks``: contacts there or inside;
        ``customers``; ``estimate``: share of the customers of what it lies in (of all, at
        depth 0), with ``low, high, level, n, method``.
    names : dict
    language : str
    """

    table: pd.DataFrame
    names: dict[str, str] = field(repr=False)
    language: str = "en"

    def summary(self) -> str:
        """Name what is used most and least of what lies inside something."""
        inside = self.table[self.table["depth"].gt(0) & self.table[ESTIMATE].notna()]
        if inside.empty:
            return f"{len(self.table)} places; nothing inside them rests on enough customers."
        rows = inside.sort_values(ESTIMATE, ascending=False, kind="stable")
        said = [
            f"{row['path']} ({Estimate(*(row[c] for c in _TOLD)):.1%})"
            for row in (rows.iloc[0], rows.iloc[-1])
        ]
        return (
            f"Of those who are where it lies, most use {said[0]} and fewest {said[1]}; "
            f"{len(inside)} places inside others were looked at."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the places indented by what they lie in; the outermost with most clicks first."""
        from cjlib import plots

        root = self.table["depth"].eq(0).cumsum()
        clicks = root.map(self.table.groupby(root)["clicks"].max())
        rows = self.table.iloc[np.lexsort((root, -clicks))]
        return plots.draw_heat(rows, names=self.names, language=self.language, ax=ax)


_TOLD = (ESTIMATE, LOW, HIGH, LEVEL, N, METHOD)


def measure_heat(interactions: Interactions, *, touchpoint: str | None = None) -> Heat:
    """Measure how many customers go from a site to its pages, and from a page to its elements.

    Touchpoints lie in one another as ``within`` says in study.yaml; a contact at one is a
    contact at all it lies in. An element lies in its touchpoint. The share of a place is
    that of the customers of what it lies in who also come to it.

    Parameters
    ----------
    interactions : Interactions
    touchpoint : str, optional
        Only this one and what lies in it; by default all that lie in something, have
        something inside or have elements.

    Raises
    ------
    MissingSourceError
        If no touchpoint lies in another and no contact names an element.
    """
    study, table = interactions.study, interactions.table
    ids = [t.id for t in study.touchpoints]
    if touchpoint is not None and touchpoint not in ids:
        raise JourneyError(
            f"measure_heat: touchpoint must be one of the study's; got {touchpoint!r}. Did you "
            f"mean {nearest(touchpoint, ids)!r}?"
        )
    parents = _find_parents(study)
    used = table[table[ELEMENT].notna()]
    places = _spread_up(table, ids, parents)
    inside = {t for t, parent in parents.items() if parent} | set(used[TOUCHPOINT])
    inside |= {parent for parent in parents.values() if parent}
    shown = [t for t in ids if t in inside and t in places.index]
    if touchpoint is not None:
        shown = [t for t in shown if touchpoint in _climb(t, parents)]
    if not shown:
        raise MissingSourceError(
            "measure_heat: some touchpoint must lie in another ('within') or some contact name an "
            "element; none does. Map the 'element' column in study.yaml, or skip this step."
        )
    groups = used.groupby([TOUCHPOINT, ELEMENT], sort=True)[CUSTOMER].agg(["size", "nunique"])
    groups = groups.reset_index()
    clicks, customers = places["clicks"].to_dict(), places["customers"].to_dict()
    everyone = int(table[CUSTOMER].nunique())
    rows: list[dict[str, Any]] = []

    def tell(place: str, depth: int, trail: list[str]) -> None:
        path = [*trail, place]
        parent = parents[place]
        base = customers[parent] if depth else everyone
        people = customers[place]
        share = estimate_share(people, base, level=study.level)
        rows.append({"path": ARROW.join(path), "depth": depth, TOUCHPOINT: place, ELEMENT: None,
                     "clicks": clicks[place], "customers": people, **share.as_dict()})  # fmt: skip
        own = groups[groups[TOUCHPOINT].eq(place)].sort_values("size", ascending=False,
                                                               kind="stable")  # fmt: skip
        for element, size, users in zip(own[ELEMENT], own["size"], own["nunique"], strict=True):
            share = estimate_share(int(users), people, level=study.level)
            rows.append({"path": ARROW.join([*path, element]), "depth": depth + 1,
                         TOUCHPOINT: place, ELEMENT: element, "clicks": int(size),
                         "customers": int(users), **share.as_dict()})  # fmt: skip
        for child in (t for t in shown if parents[t] == place):
            tell(child, depth + 1, path)

    for place in shown:
        if place == touchpoint or (touchpoint is None and parents[place] not in shown):
            tell(place, 0, [])
    found = pd.DataFrame(rows).astype({ELEMENT: "str", "path": "str"})
    names = {t.id: t.label.to(study.language) for t in study.touchpoints}
    return Heat(hide_small(found, study.privacy.minimum_base), names, study.language)


def _find_parents(study: Study) -> dict[str, str]:
    """Return what each touchpoint lies in, "" for nothing."""
    parents = {t.id: t.within for t in study.touchpoints}
    for place in parents:
        _climb(place, parents)
    return parents


def _climb(place: str, parents: dict[str, str]) -> list[str]:
    """Return a touchpoint and all it lies in, the outermost last."""
    trail = [place]
    while above := parents.get(trail[-1], ""):
        if above in trail:
            raise JourneyError(
                f"measure_heat: a touchpoint must not lie in itself; {above!r} does. "
                "Mend 'within' in study.yaml."
            )
        trail.append(above)
    return trail


def _spread_up(table: pd.DataFrame, ids: list[str], parents: dict[str, str]) -> pd.DataFrame:
    """Count contacts and customers of each touchpoint, with those of what lies inside it."""
    place = pd.Index(ids)
    code = place.get_indexer(pd.Index(table[TOUCHPOINT]))
    who = pd.factorize(table[CUSTOMER])[0].astype(np.int64)
    above = np.array([*(ids.index(p) if p in ids else -1 for p in parents.values()), -1])
    clicks, pairs = np.zeros(len(ids), dtype=np.int64), []
    while len(code):
        clicks += np.bincount(code, minlength=len(ids))
        pairs.append(pd.unique(who * len(ids) + code))
        code = above[code]
        code, who = code[code >= 0], who[code >= 0]
    people = np.unique(np.concatenate(pairs)) % len(ids) if pairs else np.zeros(0, dtype=np.int64)
    counts = np.bincount(people, minlength=len(ids))
    found = pd.DataFrame({"clicks": clicks, "customers": counts}, index=place)
    return found[found["clicks"] > 0]
