"""Which stretches of the journey many customers share, and which tell two groups apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from cjlib.columns import ESTIMATE, HIGH, LEVEL, LOW, METHOD, N
from cjlib.errors import JourneyError, TooFewError
from cjlib.events import JourneyLog
from cjlib.intervals import adjust_holm, wilson_bounds
from cjlib.journeys.clusters import WILSON, Bools, Ints, find_runs, hide_small
from cjlib.journeys.grams import hold_subpaths
from cjlib.journeys.looks import adjust_bh, compare_counts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CORRECTIONS: Final = {"holm": adjust_holm, "bh": adjust_bh}


@dataclass(frozen=True, slots=True, eq=False)
class Subpaths:
    """What ``find_subpaths`` found.

    Attributes
    ----------
    table : DataFrame
        One row per sub-path, most customers first: ``path``, ``length`` in contacts,
        ``customers`` and ``journeys`` that hold it at least once, and ``estimate``: share of
        all customers, with ``low, high, level, n, method``.
    found : int
        Sub-paths of at least the least share, of which the table shows the top.
    contiguous : bool
    names : dict
    language : str
    """

    table: pd.DataFrame
    found: int
    contiguous: bool
    names: dict[str, str] = field(repr=False)
    language: str = "en"

    def summary(self) -> str:
        """Name the sub-path that most customers share."""
        if self.table.empty:
            return "No sub-path is held by so many customers."
        top = self.table.iloc[0]
        how = "in a row" if self.contiguous else "in this order"
        return (
            f"{top['path']} ({how}) is held by {top['customers']:,} of {top[N]:,} customers; "
            f"{self.found:,} sub-paths are as frequent as asked."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the shares as bars with intervals."""
        from cjlib import plots

        return plots.draw_subpaths(self.table, names=self.names, language=self.language, ax=ax)


def find_subpaths(
    log: JourneyLog,
    *,
    by: str | None = None,
    length: tuple[int, int] = (2, 4),
    contiguous: bool = True,
    least_share: float = 0.01,
    top: int | None = 10,
) -> Subpaths:
    """Find the stretches of the journey that many customers share.

    A customer holds a sub-path when one of their journeys goes through its labels in its
    order: one contact right after the other, or (``contiguous=False``) with any others in
    between. Holding it often counts once. A sub-path never runs over from one journey of a
    customer to the next. A shorter one is held wherever a longer one that contains it is.

    Parameters
    ----------
    log : JourneyLog
        ``log.of("stage").collapse()`` makes staying in a stage one contact.
    by : "touchpoint", "stage" or "channel", optional
    length : (int, int)
        Fewest and most contacts of a sub-path, at least 1.
    contiguous : bool
    least_share : float, 0 to 1
        Sub-paths held by a smaller share of customers are left out.
    top : int or None
        How many to show of each length, the most frequent; None for all.

    Notes
    -----
    Ties in frequency stand by length and then in the order of the labels. One customer is
    one observation, so the interval is Wilson's. Contiguous: sorts of n whole numbers for n
    contacts, two per length. Otherwise prefixes are grown by one label at a time while
    enough customers hold them (PrefixSpan): time grows with journeys x labels x frequent
    prefixes, memory with labels x contacts.

    References
    ----------
    Pei, J. et al. (2004). IEEE Transactions on Knowledge and Data Engineering 16(11),
    1424-1440. doi:10.1109/TKDE.2004.77
    """
    _require_asked(length, least_share, top, caller="find_subpaths")
    log = log.of(by)
    people = len(find_runs(log.owner))
    parts, found = [], 0
    for held in hold_subpaths(log, length=length, contiguous=contiguous, least=least_share):
        rows = pd.DataFrame(
            {
                "path": pd.Series(held.spell(log.labels), dtype="str"),
                "length": held.paths.shape[1],
                "customers": np.bincount(held.path, minlength=len(held.paths)),
                "journeys": held.journeys,
            }
        )
        found += len(rows)
        parts.append(rows.sort_values("customers", ascending=False, kind="stable").head(
            len(rows) if top is None else top))  # fmt: skip
    table = pd.concat(parts, ignore_index=True)
    table = table.sort_values("customers", ascending=False, kind="stable", ignore_index=True)
    low, high = wilson_bounds(table["customers"], np.full(len(table), people), level=log.level)
    table[ESTIMATE], table[LOW], table[HIGH] = table["customers"] / people, low, high
    table[LEVEL], table[N], table[METHOD] = log.level, people, WILSON
    return Subpaths(
        hide_small(table, log.minimum_base), found, contiguous, log.name(), log.language
    )


@dataclass(frozen=True, slots=True, eq=False)
class SubpathContrast:
    """What ``contrast_subpaths`` found.

    Attributes
    ----------
    table : DataFrame
        One row per sub-path, smallest p-value first: ``path``, ``length``; ``first`` and
        ``second``: share of each group's customers that hold it; ``estimate``: first less
        second, -1 to 1, with ``low, high, level, n, method``; ``p_value``; ``p_adjusted``
        for all looks.
    groups : (str, str)
        Names of the first and the second group.
    sizes : (int, int)
        Customers in each.
    steps : (float, float)
        Contacts per customer of each group that were looked at (mean): where they differ
        much, the group with more had more chances to hold anything.
    looks : int
        Sub-paths tested, of which the table shows the top.
    unplaced : int
        Customers of the log without a group: left out.
    correction : "holm" or "bh"
    outcome : tuple of str
        Labels at whose first contact the journeys were cut.
    names : dict
    language : str
    """

    table: pd.DataFrame
    groups: tuple[str, str]
    sizes: tuple[int, int]
    steps: tuple[float, float]
    looks: int
    unplaced: int
    correction: str
    outcome: tuple[str, ...]
    names: dict[str, str] = field(repr=False)
    language: str = "en"

    def clear(self, *, alpha: float = 0.05) -> pd.DataFrame:
        """Return the rows whose corrected p-value is below ``alpha``."""
        return self.table[self.table["p_adjusted"] < alpha].reset_index(drop=True)

    def summary(self) -> str:
        """Name the sub-path that tells the groups apart most clearly, or say that none does."""
        one, two = self.groups
        if self.clear().empty:
            return f"No sub-path of {self.looks:,} looked at tells {one} from {two}."
        top = self.clear().iloc[0]
        return (
            f"{len(self.clear()):,} of {self.looks:,} sub-paths looked at tell {one} from {two}; "
            f"first {top['path']}: {top['first']:.1%} against {top['second']:.1%}."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the differences with intervals."""
        from cjlib import plots

        return plots.draw_subpath_contrast(
            self.table, groups=self.groups, names=self.names, language=self.language, ax=ax
        )


def contrast_subpaths(
    log: JourneyLog,
    groups: pd.Series,
    *,
    by: str | None = None,
    outcome: Sequence[str] = (),
    length: tuple[int, int] = (2, 4),
    contiguous: bool = True,
    least_share: float = 0.02,
    correction: str = "holm",
    top: int | None = 15,
) -> SubpathContrast:
    """Find the sub-paths that tell two groups of customers apart.

    Of each group's customers, the share that holds a sub-path (see ``find_subpaths``); the
    first group's less the second's. Which sub-paths are looked at depends on both groups
    together, never on which group a customer is in, so looking does not favour any.

    Parameters
    ----------
    log : JourneyLog
    groups : Series, customer -> group
        Exactly two groups; the first is the first category of a categorical, else the first
        in alphabetical order. Customers of the log that it lacks, or whose group is missing,
        are left out and counted.
    by : "touchpoint", "stage" or "channel", optional
    outcome : sequence of str
        Labels of what makes the groups, such as the purchase between buyers and leavers. A
        customer's contacts at and after their first such contact are not looked at, or the
        purchase would "predict" itself. A customer with nothing before it holds no sub-path
        but counts.
    length, contiguous
        As for ``find_subpaths``.
    least_share : float, 0 to 1
        Of both groups together; rarer sub-paths are not tested.
    correction : "holm" or "bh"
        Over all sub-paths tested: Holm keeps the chance of any false claim below alpha;
        Benjamini-Hochberg the expected share of false ones among the claims.
    top : int or None
        How many to show, the smallest p-values; the correction is always over all tested.

    Raises
    ------
    JourneyError
        If there are not two groups, or an outcome is not a label of the log.
    TooFewError
        If a group has no customer in the log.

    Notes
    -----
    The interval is Newcombe's and not corrected; p is Fisher's exact where the smallest
    expected count is below 50, else chi-squared without correction. A difference is no proof
    of cause. Time: as ``find_subpaths``.

    References
    ----------
    Newcombe, R. G. (1998). Statistics in Medicine 17, 873-890, method 10.
    Benjamini, Y. & Hochberg, Y. (1995). JRSS B 57(1), 289-300.
    """
    _require_asked(length, least_share, top, caller="contrast_subpaths")
    if correction not in CORRECTIONS:
        raise JourneyError(
            f"contrast_subpaths: correction must be one of {', '.join(CORRECTIONS)}; "
            f"got {correction!r}."
        )
    log = log.of(by)
    goals = [log.code(label, caller="contrast_subpaths") for label in outcome]
    side, names = _place(log, groups)
    sizes = np.bincount(side[side >= 0], minlength=2)
    owners = np.zeros(len(log.customers), dtype=bool)
    owners[log.owner] = True
    unplaced = int((owners & (side < 0)).sum())
    keep = side[np.repeat(log.owner, log.lengths)] >= 0
    if goals:
        keep &= _before(log, goals)
    if not keep.any():
        raise TooFewError(
            "contrast_subpaths: the groups must have contacts before the outcome; they have "
            "none. Is the outcome the first contact of every journey?"
        )
    log = log.take(keep)
    contacts = np.bincount(side[np.repeat(log.owner, log.lengths)], minlength=2)
    total = int(sizes.sum())
    parts = []
    for held in hold_subpaths(
        log, length=length, contiguous=contiguous, least=least_share, people=total
    ):
        m = len(held.paths)
        hits = [np.bincount(held.path[side[held.customer] == g], minlength=m) for g in (0, 1)]
        parts.append(pd.DataFrame({
            "path": pd.Series(held.spell(log.labels), dtype="str"),
            "length": held.paths.shape[1], "a": hits[0], "b": hits[1],
        }))  # fmt: skip
    table = _contrast(pd.concat(parts, ignore_index=True), sizes, log.level)
    table["p_adjusted"] = CORRECTIONS[correction](table["p_value"].to_numpy())
    order = np.lexsort((-table[ESTIMATE].abs(), table["p_value"]))
    looks, table = len(table), table.iloc[order].head(len(table) if top is None else top)
    table = table.reset_index(drop=True)
    if sizes.min() < log.minimum_base:
        shares = ["first", "second", ESTIMATE, LOW, HIGH, "p_value", "p_adjusted"]
        table[shares] = np.nan
        table[METHOD] = f"too few (n < {log.minimum_base})"
    steps = contacts / sizes
    return SubpathContrast(
        table, names, (int(sizes[0]), int(sizes[1])), (float(steps[0]), float(steps[1])), looks,
        unplaced, correction, tuple(outcome), log.name(), log.language,
    )  # fmt: skip


def _require_asked(
    length: tuple[int, int], least_share: float, top: int | None, *, caller: str
) -> None:
    if not (1 <= length[0] <= length[1] and 0 <= least_share <= 1 and (top is None or top >= 1)):
        raise JourneyError(
            f"{caller}: length must rise from at least 1, least_share lie between 0 and 1 and "
            f"top be at least 1 or None; got {length!r}, {least_share!r}, {top!r}."
        )


def _place(log: JourneyLog, groups: pd.Series) -> tuple[Ints, tuple[str, str]]:
    """Return 0, 1 or -1 (none) for each customer of the log, and the names of the groups."""
    known = groups.dropna()
    if known.index.has_duplicates:
        twice = known.index[known.index.duplicated()][0]
        raise JourneyError(
            f"contrast_subpaths: groups must hold each customer once; {twice!r} comes again. "
            "Drop the duplicates first."
        )
    if isinstance(known.dtype, pd.CategoricalDtype):
        found = list(known.cat.remove_unused_categories().cat.categories)
    else:
        found = sorted(known.unique(), key=str)
    if len(found) != 2:
        raise JourneyError(
            f"contrast_subpaths: groups must be two; got {len(found)} "
            f"({', '.join(map(str, found[:5]))}). Keep two, or join some."
        )
    place = known.index.get_indexer(pd.Index(log.customers))
    code = pd.Categorical(known, categories=found).codes.astype(np.int64)
    side = np.where(place >= 0, code[place], -1)
    gone = np.ones(len(log.customers), dtype=bool)
    gone[log.owner] = False  # customers whose contacts were taken out of the log
    side[gone] = -1
    sizes = np.bincount(side[side >= 0], minlength=2)
    if sizes.min() == 0:
        raise TooFewError(
            f"contrast_subpaths: each group must have customers in the log; "
            f"{found[int(sizes.argmin())]} has none. Is groups indexed by customer_id?"
        )
    return side, (str(found[0]), str(found[1]))


def _before(log: JourneyLog, goals: list[int]) -> Bools:
    """Whether each contact comes before its customer's first contact at any of ``goals``."""
    owner = np.repeat(log.owner, log.lengths)
    at = np.flatnonzero(np.isin(log.codes, goals))
    first = np.full(len(log.customers), len(log), dtype=np.int64)
    first[owner[at[::-1]]] = at[::-1]  # the earliest is written last
    return np.asarray(np.arange(len(log)) < first[owner])


def _contrast(table: pd.DataFrame, sizes: Ints, level: float) -> pd.DataFrame:
    """Shares, difference with Newcombe's interval, and p, for counts ``a`` and ``b``."""
    a, b = table["a"].to_numpy(), table["b"].to_numpy()
    p, q = a / sizes[0], b / sizes[1]
    p_low, p_high = wilson_bounds(a, np.full(len(a), sizes[0]), level=level)
    q_low, q_high = wilson_bounds(b, np.full(len(b), sizes[1]), level=level)
    p_value, method = compare_counts(a, b, int(sizes[0]), int(sizes[1]))
    table = table.drop(columns=["a", "b"])
    table["first"], table["second"], table[ESTIMATE] = p, q, p - q
    table[LOW] = p - q - np.hypot(p - p_low, q_high - q)
    table[HIGH] = p - q + np.hypot(p_high - p, q - q_low)
    table[LEVEL], table[N] = level, int(sizes.sum())
    table[METHOD] = [f"Newcombe; {name}" for name in method]
    table["p_value"] = p_value
    return table
