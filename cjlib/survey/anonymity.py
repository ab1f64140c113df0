"""k-anonymity: who can be told apart by what describes people, and tables without them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.columns import CUSTOMER, RESPONDENT
from cjlib.errors import ColumnError, JourneyError, nearest
from cjlib.study import Study
from cjlib.survey.cleaning import Survey
from cjlib.survey.ledger import COLUMN, NEW, OLD
from cjlib.survey.typed import RESERVED

PERSON: Final = (CUSTOMER, RESPONDENT)  # a table that has one of these has rows about people
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Anonymity:
    """How far quasi-identifiers tell people apart; made by ``measure_anonymity``.

    Attributes
    ----------
    table : DataFrame
        One row per combination of items: each alone, each pair, all but one, all. ``items``
        (joined by " + "), ``used`` (how many items), ``groups`` (different answers given
        together), ``smallest`` (people in the smallest group), ``n`` (people with any of
        these answers), ``unique`` and ``unique_share`` (people who are alone with theirs),
        ``small`` and ``small_share`` (people in groups of fewer than ``k``; 0 to 1 of n).
        Counts of the table at hand, not estimates of a population: no intervals.
    quasi : tuple of str
        The items, columns of the respondents table.
    k : int
        Smallest group that may be shown.
    """

    table: pd.DataFrame
    quasi: tuple[str, ...]
    k: int

    def summary(self) -> str:
        """Return how many people all items together single out, in one sentence."""
        every = self.table.iloc[-1]
        alone = self.table[self.table["used"].eq(1)]
        worst = alone.sort_values("small_share", ascending=False, kind="stable").iloc[0]
        return (
            f"By {every['items']}, {int(every['unique']):,} of {int(every['n']):,} people "
            f"({every['unique_share']:.0%}) are alone with their answers and "
            f"{int(every['small']):,} ({every['small_share']:.0%}) stand in groups of fewer than "
            f"{self.k}; of single items {worst['items']} tells most people apart "
            f"({worst['small_share']:.0%} in small groups)."
        )

    def suppressed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return ``frame`` without the quasi-identifiers of people in small groups.

        See ``suppress_small_groups``.
        """
        return suppress_small_groups(frame, quasi=self.quasi, k=self.k)[0]


def measure_anonymity(
    survey: Survey, *, quasi: Sequence[str] | None = None, k: int | None = None
) -> Anonymity:
    """Count the people whom answers that others may know of them single out.

    A group is everybody with the same answers to all items of a combination. No answer is
    an answer of its own; whoever answered none of the items is in no group. Numbers are
    taken as they stand, so exact ages tell apart what bands would not. A person (by
    customer, else by respondent) counts once in a group, however often they answered; with
    answers that changed between waves they are small if any of their groups is.

    Parameters
    ----------
    survey : Survey
        Its respondents are looked at, those who were removed are not.
    quasi : sequence of str, optional
        Columns of the respondents table. Left out: the codebook's items of the role
        "description".
    k : int, optional
        Left out: ``study.privacy.minimum_cell``.

    Raises
    ------
    ColumnError
        If a column is not there, or there is none to look at.
    JourneyError
        If k is below 2.

    References
    ----------
    Sweeney, L. (2002). k-anonymity: a model for protecting privacy. International Journal
    of Uncertainty, Fuzziness and Knowledge-Based Systems 10(5), 557-570.
    doi:10.1142/S0218488502001648
    """
    people = survey.respondents
    names = find_quasi_identifiers(survey.study) if quasi is None else tuple(quasi)
    names = tuple(n for n in names if quasi is not None or n in people.columns)
    k = survey.study.privacy.minimum_cell if k is None else k
    _require_columns(names, people)
    if k < 2:
        raise JourneyError(
            f"measure_anonymity: k must be 2 or more; got {k}. A group of one is a person."
        )
    person, codes = _person(people), {name: _code(people[name]) for name in names}
    chosen: list[tuple[str, ...]] = [(name,) for name in names]
    chosen += [pair for pair in combinations(names, 2) if len(names) > 2]
    chosen += [rest for rest in combinations(names, len(names) - 1) if len(names) > 3]
    chosen += [names] if len(names) > 1 else []
    rows = [_count_groups(person, codes, combination, k) for combination in chosen]
    return Anonymity(table=pd.DataFrame(rows), quasi=names, k=k)


def find_quasi_identifiers(study: Study) -> tuple[str, ...]:
    """Return the columns that describe people, by the codebook's role "description".

    An item that the respondents table calls otherwise (language) stands under both names;
    an item with several options stands as its option columns.
    """
    names: list[str] = []
    taken: set[str] = set()
    for item in study.codebook.items:
        own = RESERVED.get(item.kind, item.name)
        own = item.name if own in taken else own
        taken.add(own)
        if item.role == "description":
            options = [f"{item.group or item.name}_{code}" for code in item.labels]
            names += options if item.kind == "multi" else []
            names += [own, item.name]
    return tuple(dict.fromkeys(names))


def suppress_small_groups(
    frame: pd.DataFrame, *, quasi: Iterable[str], k: int
) -> tuple[pd.DataFrame, int]:
    """Take out of a table of people the answers that single somebody out.

    Where fewer than ``k`` people of the table share all of its quasi-identifiers, those
    cells become missing; every other cell stays. What is left of a quasi-identifier is
    shared by at least ``k`` people. Answers are never made coarser (bands of age, regions)
    to save them: do that before, in the codebook. A ledger (``column``, ``old``, ``new``)
    counts as the table of the answers it tells; a table without respondents or customers,
    or without quasi-identifiers, comes back as it is.

    Parameters
    ----------
    frame : DataFrame
        Not changed.
    quasi : iterable of str
    k : int

    Returns
    -------
    (DataFrame, int)
        The table, and how many cells were taken out of it.
    """
    if k < 2 or not any(name in frame.columns for name in PERSON):
        return frame, 0
    if {COLUMN, OLD, NEW} <= set(frame.columns):
        return _suppress_ledger(frame, set(quasi), k)
    names = [name for name in dict.fromkeys(quasi) if name in frame.columns]
    if not names:
        return frame, 0
    small = _in_small_groups(frame, names, k)
    cells = int(frame.loc[small, names].notna().to_numpy().sum())
    return frame.assign(**{name: frame[name].mask(small) for name in names}), cells


def _suppress_ledger(ledger: pd.DataFrame, quasi: set[str], k: int) -> tuple[pd.DataFrame, int]:
    rows = ledger[COLUMN].isin(quasi)
    told = ledger.loc[rows, [RESPONDENT, COLUMN]].astype("string")
    told["said"] = (
        ledger.loc[rows, NEW].astype("string").fillna(ledger.loc[rows, OLD].astype("string"))
    )
    wide = told.pivot_table(index=RESPONDENT, columns=COLUMN, values="said", aggfunc="first")
    if wide.empty:
        return ledger, 0
    small = _in_small_groups(wide.reset_index(), list(wide.columns), k)
    gone = rows & ledger[RESPONDENT].isin(wide.index[small])
    safe = ledger.assign(**{name: ledger[name].mask(gone) for name in (OLD, NEW)})
    return safe, int(ledger.loc[gone, [OLD, NEW]].notna().to_numpy().sum())


def _in_small_groups(frame: pd.DataFrame, names: list[str], k: int) -> npt.NDArray[np.bool_]:
    group = _join([_code(frame[name]) for name in names])
    sizes = _sizes(_person(frame), group)
    told = frame[names].notna().any(axis=1).to_numpy()
    small: npt.NDArray[np.bool_] = told & (sizes[group] < k)
    return small


def _count_groups(
    person: Codes, codes: dict[str, Codes], names: tuple[str, ...], k: int
) -> dict[str, object]:
    told = np.any([codes[name] > 0 for name in names], axis=0)
    who, group = person[told], _join([codes[name][told] for name in names])
    sizes = _sizes(who, group)
    n, small = len(np.unique(who)), len(np.unique(who[sizes[group] < k]))
    alone = len(np.unique(who[sizes[group] == 1]))
    return {
        "items": " + ".join(names),
        "used": len(names),
        "groups": len(sizes),
        "smallest": int(sizes.min()) if len(sizes) else 0,
        "n": n,
        "unique": alone,
        "unique_share": alone / n if n else float("nan"),
        "small": small,
        "small_share": small / n if n else float("nan"),
    }


def _sizes(person: Codes, group: Codes) -> Codes:
    """Count the different people of each group."""
    pairs = np.unique(np.column_stack([group, person]), axis=0)
    return np.bincount(pairs[:, 0], minlength=int(group.max(initial=-1)) + 1)


def _join(parts: list[Codes]) -> Codes:
    """Give each combination of answers its number, from 0."""
    joined = np.zeros(len(parts[0]), dtype=np.int64)
    for part in parts:
        joined = np.unique(joined * (part.max(initial=0) + 1) + part, return_inverse=True)[1]
    return joined


def _code(column: pd.Series) -> Codes:
    """Give each answer its number, from 1; 0 is no answer."""
    return pd.factorize(column)[0].astype(np.int64) + 1


def _person(frame: pd.DataFrame) -> Codes:
    """Give each person a number: by customer, by respondent where no customer is known."""
    known = [frame[name].astype("string") for name in PERSON if name in frame.columns]
    who = known[0] if len(known) == 1 else known[0].fillna(known[1])
    codes = pd.factorize(who)[0].astype(np.int64)
    nobody = codes < 0  # without either id every row is a person of its own
    codes[nobody] = codes.max(initial=-1) + 1 + np.arange(int(nobody.sum()))
    return codes


def _require_columns(names: tuple[str, ...], people: pd.DataFrame) -> None:
    if not names:
        raise ColumnError(
            "measure_anonymity: there must be quasi-identifiers; the codebook gives no item the "
            "role 'description' and none was passed. Pass quasi=[...], columns of the "
            "respondents table."
        )
    for name in names:
        if name not in people.columns:
            near = nearest(name, list(people.columns))
            raise ColumnError(
                f"measure_anonymity: quasi must name columns of the respondents table; '{name}' "
                "is none." + (f" Did you mean '{near}'?" if near else "")
            )
