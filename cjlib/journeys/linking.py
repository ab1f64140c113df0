"""The silos of a company joined by customer, with an account of what did and did not match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Final

import numpy as np
import pandas as pd

from cjlib.columns import (
    AMOUNT,
    CODE,
    COST,
    CUSTOMER,
    DATE,
    INTERVIEW,
    RATING,
    RESPONDENT,
    ROLE,
    TIME,
    TOUCHPOINT,
    TURN,
    WAVE,
    require_columns,
)
from cjlib.errors import ColumnError, JourneyError, TooFewError, nearest
from cjlib.interviews.roles import PARTICIPANT
from cjlib.language import key
from cjlib.study import Study

LEAST_SHARE: Final = 0.01  # of the smaller source's customers; a join below it is nearly empty
CONTACTS: Final = "contacts"
LATEST: Final = "latest"
NEARLY_EMPTY: Final = "nearly empty"


@dataclass(frozen=True, slots=True, eq=False)
class Linked:
    """What ``link_silos`` found.

    Attributes
    ----------
    table : DataFrame
        One row per customer of any source, by id. ``customer_id``; ``in.<source>`` (bool)
        for each source; ``contacts.count``, ``contacts.first``, ``contacts.last``,
        ``contacts.rating`` (mean); ``money.purchases``, ``money.revenue``, ``money.cost``
        (and ``money.value`` where a result of ``measure_value`` was given); ``survey.<item>``
        of one answer per customer; ``interviews.<code>`` and ``comments.<code>``: turns or
        answers with the code, 0 for a person heard without it. Missing: not in that source.
    audit : DataFrame
        One row per pair of sources: ``left``, ``right``; ``customers_left``,
        ``customers_right``, ``matched``, ``left_only``, ``right_only`` (customers);
        ``share_left``, ``share_right``: matched of each side's customers; ``rows_left``,
        ``rows_right`` (with a customer), ``share_rows_left``, ``share_rows_right``: of those
        rows, the ones whose customer is on the other side; ``several_left``,
        ``several_right``: matched customers with more than one row; ``spelled_otherwise``:
        unmatched ids of the left that differ only in spelling (case, spaces, digits, leading
        zeros) from an unmatched one of the right; ``verdict``: "joined" or "nearly empty".
    sources : DataFrame
        One row per source: ``source``; ``rows``; ``without_customer``: rows nobody can join;
        ``customers``; ``several``: customers with more than one row; ``rows_used``;
        ``rows_not_used`` (of known customers) and the ``rule`` that left them; ``alike``: ids
        that differ only in spelling from another id of the same source.
    wave : str
        Which survey answer stands for a customer: "latest" or a wave.
    """

    table: pd.DataFrame
    audit: pd.DataFrame
    sources: pd.DataFrame
    wave: str = LATEST
    language: str = field(default="en", repr=False)

    def summary(self) -> str:
        """Say how many customers each source shares with the contacts."""
        parts = [
            f"{row['matched']:,} of {row['customers_right']:,} customers of {row['right']} "
            f"({row['share_right']:.1%})"
            for _, row in self.audit[self.audit["left"].eq(CONTACTS)].iterrows()
        ]
        lost = int(self.sources["without_customer"].sum())
        total = int(self.sources["rows"].sum())
        return (
            f"{len(self.table):,} customers in {len(self.sources)} sources; among those with "
            f"contacts are {', '.join(parts) if parts else 'all of them'}; {lost:,} of {total:,} "
            "rows name no customer and cannot be joined."
        )

    def plot(self, *, ax: Any = None) -> Any:
        """Draw for each pair the customers that match and those on one side only."""
        from cjlib import plots

        return plots.draw_joins(self.audit, language=self.language, ax=ax)


@dataclass(frozen=True, slots=True, eq=False)
class _Silo:
    name: str
    ids: pd.Series  # of each row, missing where nobody is known
    people: pd.DataFrame  # one row per customer, indexed by id
    used: int
    rule: str


def link_silos(
    study: Study,
    *,
    interactions: Any,
    survey: Any = None,
    interviews: Any = None,
    comments: Any = None,
    value: Any = None,
    wave: str = LATEST,
    allow: Sequence[str] = (),
) -> Linked:
    """Join contacts, answers, words and money by customer, and count what does not match.

    All customers of all sources stay (an outer join); no row is multiplied, since each source
    is first brought to one row per customer. Ids must be equal to the letter: "7" and "007"
    are two customers, and are counted as ``spelled_otherwise``. A join of contacts with
    another source is nearly empty where fewer than ``LEAST_SHARE`` (1 %) of the smaller
    source's customers match, or nobody, or fewer than the study's minimum base where the
    smaller source has at least that many; it is refused.

    Parameters
    ----------
    study : Study
    interactions : Interactions or its table
    survey : Survey or its respondents, optional
        Where a customer answered several times, the answer of the latest wave (the study's
        order), then date, then row counts, or the latest of one ``wave``.
    interviews, comments : Interviews, optional
        As of ``read_interviews``, ``read_comments`` or ``gather_comments``.
    value : CustomerValue or its customers, optional
        Without it, purchases, revenue and cost are summed from the contacts.
    wave : str
        "latest", or the id of a wave of the survey.
    allow : sequence of str
        Sources whose nearly empty join is accepted all the same.

    Raises
    ------
    TooFewError
        If a join is nearly empty.
    ColumnError
        If customer ids are not text ("007" read as a number is 7).
    """
    silos = [_take_contacts(study, interactions, money=value is None)]
    if survey is not None:
        silos.append(_take_answers(study, survey, wave))
    for name, words in (("interviews", interviews), ("comments", comments)):
        if words is not None:
            silos.append(_take_words(name, words))
    if value is not None:
        silos.append(_take_money(value))
    names = [silo.name for silo in silos]
    for name in allow:
        if name not in names[1:]:
            raise JourneyError(
                f"link_silos: allow must name sources that are joined "
                f"({', '.join(names[1:])}); got {name!r}. Did you mean "
                f"{nearest(name, names[1:])!r}?"
            )
    least = study.privacy.minimum_base
    audit = pd.DataFrame(
        [_audit(one, other, least) for one, other in combinations(silos, 2)], columns=_AUDIT
    )
    for _, row in audit.iterrows():
        if row["left"] == CONTACTS and row["verdict"] != "joined" and row["right"] not in allow:
            _refuse(row, silos[names.index(row["right"])], silos[0], least)
    table = pd.concat([silo.people for silo in silos], axis=1, join="outer", sort=True)
    table.index.name = CUSTOMER
    for place, silo in enumerate(silos):
        table.insert(place, f"in.{silo.name}", table.index.isin(silo.people.index))
    table = table.reset_index()
    table[CUSTOMER] = table[CUSTOMER].astype("string")
    sources = pd.DataFrame([_account(silo) for silo in silos])
    return Linked(table, audit, sources, wave, study.language)


def _take_contacts(study: Study, interactions: Any, *, money: bool) -> _Silo:
    frame: pd.DataFrame = getattr(interactions, "table", interactions)
    require_columns(frame, [CUSTOMER, TIME, TOUCHPOINT], caller="link_silos")
    ids = read_ids(frame, CONTACTS)
    rows = frame[ids.notna()]
    who = ids[ids.notna()]
    by = rows.groupby(who)
    bought = rows[TOUCHPOINT].isin(study.events.purchase if study.events else ())
    people = pd.DataFrame(
        {
            "contacts.count": by.size().astype(float),
            "contacts.first": by[TIME].min(),
            "contacts.last": by[TIME].max(),
            "contacts.rating": _numbers(rows, RATING).groupby(who).mean(),
        }
    )
    if money:
        people["money.purchases"] = bought.groupby(who).sum().astype(float)
        people["money.revenue"] = _numbers(rows, AMOUNT).where(bought).groupby(who).sum()
        people["money.cost"] = _numbers(rows, COST).groupby(who).sum()
    return _Silo(CONTACTS, ids, people, len(rows), "all contacts")


def _numbers(rows: pd.DataFrame, name: str) -> pd.Series:
    if name not in rows.columns:
        return pd.Series(np.nan, index=rows.index)
    return pd.to_numeric(rows[name])


def read_ids(frame: pd.DataFrame, source: str) -> pd.Series:
    """Return the customer ids of a source as text, missing where blank; refuse numbers."""
    require_columns(frame, [CUSTOMER], caller="link_silos")
    column = frame[CUSTOMER]
    known = column.dropna()
    wrong = known[[not isinstance(v, str) for v in known]]
    if len(wrong):
        raise ColumnError(
            f"link_silos: customer ids must be text, since '007' read as a number is 7; "
            f"{len(wrong):,} of {len(known):,} ids of {source} are {type(wrong.iloc[0]).__name__} "
            f"(first: {wrong.iloc[0]!r}). Read the column as text (dtype=str)."
        )
    ids = column.astype("string").str.strip()
    return ids.mask(ids.eq(""))


def _take_answers(study: Study, survey: Any, wave: str) -> _Silo:
    frame: pd.DataFrame = getattr(survey, "respondents", survey)
    ids = read_ids(frame, "survey")
    order = {w.id: i for i, w in enumerate(study.waves)}
    rows = frame.assign(**{CUSTOMER: ids})[ids.notna()]
    if wave != LATEST:
        have = sorted(frame[WAVE].dropna().unique()) if WAVE in frame.columns else []
        if wave not in have:
            raise JourneyError(
                f"link_silos: wave must be 'latest' or one of the survey's ({', '.join(have)}); "
                f"got {wave!r}. Did you mean {nearest(wave, have)!r}?"
            )
        rows = rows[rows[WAVE].eq(wave)]
    keys = [
        rows[WAVE].map(order).fillna(-1) if WAVE in rows.columns else pd.Series(0, rows.index),
        rows[DATE] if DATE in rows.columns else pd.Series(0, rows.index),
    ]
    sorting = pd.concat(keys, axis=1, keys=["wave", "date"])
    sorting = sorting.sort_values(["wave", "date"], kind="stable", na_position="first")
    rows = rows.loc[sorting.index].drop_duplicates(CUSTOMER, keep="last")
    people = rows.set_index(CUSTOMER).drop(columns=[RESPONDENT], errors="ignore")
    people.columns = [f"survey.{name}" for name in people.columns]
    rule = "latest answer" if wave == LATEST else f"latest answer of {wave}"
    return _Silo("survey", ids, people, len(people), rule)


def _take_words(name: str, words: Any) -> _Silo:
    said = words.utterances
    require_columns(said, [INTERVIEW, TURN, CUSTOMER], caller="link_silos")
    own = said[said[ROLE].eq(PARTICIPANT)] if ROLE in said.columns else said
    ids = read_ids(own, name)
    place = own[[INTERVIEW, TURN]].assign(**{CUSTOMER: ids}).dropna(subset=[CUSTOMER])
    coded = words.codings[[INTERVIEW, TURN, CODE]].drop_duplicates()  # one turn, several coders
    coded = coded.merge(place, on=[INTERVIEW, TURN], how="inner")
    people = pd.crosstab(coded[CUSTOMER], coded[CODE]) if len(coded) else pd.DataFrame()
    people = people.reindex(pd.Index(sorted(place[CUSTOMER].unique()))).fillna(0.0).astype(float)
    people.columns = pd.Index([f"{name}.{code}" for code in people.columns])
    return _Silo(name, ids, people, len(place), "all turns, with and without a code")


def _take_money(value: Any) -> _Silo:
    frame: pd.DataFrame = getattr(value, "customers", value)
    ids = read_ids(frame, "value")
    twice = ids[ids.duplicated() & ids.notna()]
    if len(twice):
        raise ColumnError(
            f"link_silos: value must have one row per customer; {len(twice):,} of {len(frame):,} "
            f"rows repeat one (first: {twice.iloc[0]!r}). Sum them up first."
        )
    rows = frame[ids.notna()].set_axis(pd.Index(ids.dropna()), axis=0)
    people = rows.select_dtypes("number")
    people.columns = pd.Index([f"money.{name}" for name in people.columns])
    return _Silo("value", ids, people, len(rows), "one row per customer")


_AUDIT = [
    "left", "right", "customers_left", "customers_right", "matched", "left_only", "right_only",
    "share_left", "share_right", "rows_left", "rows_right", "share_rows_left",
    "share_rows_right", "several_left", "several_right", "spelled_otherwise", "verdict",
]  # fmt: skip


def _audit(one: _Silo, other: _Silo, least: int) -> dict[str, Any]:
    left, right = one.people.index, other.people.index
    both = left.intersection(right)
    found: dict[str, Any] = {}
    for side, silo in (("left", one), ("right", other)):
        known = silo.ids.dropna()
        rows = known[known.isin(silo.people.index)]
        mine = rows[rows.isin(both)]
        found[side] = silo.name
        found[f"customers_{side}"] = len(silo.people)
        found[f"{side}_only"] = len(silo.people) - len(both)
        found[f"share_{side}"] = _share(len(both), len(silo.people))
        found[f"rows_{side}"] = len(rows)
        found[f"share_rows_{side}"] = _share(len(mine), len(rows))
        found[f"several_{side}"] = int((mine.value_counts() > 1).sum())
    found["matched"] = len(both)
    found["spelled_otherwise"] = len(find_alike(left.difference(both), right.difference(both)))
    few = min(len(left), len(right))
    too_few = len(both) < max(1.0, LEAST_SHARE * few) or (few >= least and len(both) < least)
    found["verdict"] = NEARLY_EMPTY if too_few else "joined"
    return {name: found[name] for name in _AUDIT}


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def find_alike(left: pd.Index, right: pd.Index) -> list[tuple[str, str]]:
    """Return the ids of ``left`` with one of ``right`` that differs only in spelling.

    Case, spaces, marks, kinds of digits and leading zeros are looked past.
    """
    folded: dict[str, str] = {}
    for name in right:
        folded.setdefault(_fold(name), name)
    return [(name, folded[_fold(name)]) for name in left if _fold(name) in folded]


def _fold(name: str) -> str:
    return key(name).lstrip("0")


def _refuse(row: pd.Series, silo: _Silo, contacts: _Silo, least: int) -> None:
    both = contacts.people.index.intersection(silo.people.index)
    alike = find_alike(silo.people.index.difference(both), contacts.people.index.difference(both))
    hint = (
        f" {len(alike):,} more would match if spelled alike (first: {alike[0][0]!r} and "
        f"{alike[0][1]!r}): give both sources one spelling."
        if alike
        else " Do both name customers the same way, before pseudonyms?"
    )
    raise TooFewError(
        f"link_silos: a join must match at least {LEAST_SHARE:.0%} of the smaller source's "
        f"customers, and {least} where it has as many; {row['matched']:,} of "
        f"{row['customers_right']:,} customers of {silo.name} are among the "
        f"{row['customers_left']:,} with contacts.{hint} To join all the same, pass "
        f"allow=['{silo.name}']."
    )


def _account(silo: _Silo) -> dict[str, Any]:
    known = silo.ids.dropna()
    names = pd.Index(sorted(known.unique()))
    folds = pd.Series([_fold(name) for name in names], index=names, dtype="str")
    return {
        "source": silo.name,
        "rows": len(silo.ids),
        "without_customer": len(silo.ids) - len(known),
        "customers": len(names),
        "several": int((known.value_counts() > 1).sum()),
        "rows_used": silo.used,
        "rows_not_used": len(known) - silo.used,
        "rule": silo.rule,
        "alike": int(folds.duplicated(keep=False).sum()),
    }
