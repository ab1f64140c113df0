"""Satisfaction and money of customers whose path was one way, beside the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from cjlib.columns import CUSTOMER, ESTIMATE, HIGH, LEVEL, LOW, METHOD, N
from cjlib.errors import JourneyError, MissingSourceError, TooFewError, nearest
from cjlib.events import JourneyLog
from cjlib.intervals import (
    DETRACTOR,
    PROMOTER,
    Difference,
    Estimate,
    Floats,
    adjust_holm,
    compare_means,
    compare_nets,
    compare_shares,
    estimate_mean,
    estimate_net,
    estimate_weighted_share,
    measure_error,
    normal_quantile,
    weigh,
)
from cjlib.journeys.clusters import Ints
from cjlib.journeys.linking import Linked
from cjlib.journeys.path_features import (
    BANDS,
    DEPARTED,
    MOVE,
    VISITED,
    describe_paths,
    find_unbelieved,
)
from cjlib.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DAY: Final = 86_400_000_000  # microseconds
CAUTION: Final = "association, not proof of cause"
MOST_MOVES: Final = 8
_COLUMNS: Final = [
    "outcome", "feature", "of", "with_n", "with", "with_low", "with_high", "without_n", "without",
    "without_low", "without_high", ESTIMATE, LOW, HIGH, LEVEL, N, METHOD, "p_value", "p_holm",
    "associated", "alike", "alike_low", "alike_high", "alike_n",
]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class PathOutcomes:
    """What ``measure_by_path`` or ``cost_departures`` found: associations, not causes.

    Attributes
    ----------
    table : DataFrame
        One row per outcome and feature of the path, the largest difference (in its errors)
        first: ``outcome``, ``feature``, ``of`` (touchpoint, or move between stages);
        ``with_n``, ``with``, ``with_low``, ``with_high``: customers whose path has it;
        ``without_...``: the others; ``estimate, low, high, level, n, method``: the difference
        with - without, in the outcome's unit; ``p_value``; ``p_holm``, corrected for all rows;
        ``associated``: ``p_holm`` below 1 - level; ``alike, alike_low, alike_high``: the
        difference among customers with alike numbers of contacts, and ``alike_n`` of them.
        NPS is in points (-100 to 100), shares 0
        to 1, money in the study's currency.
    outcomes : tuple of str
    left_out : int
        Customers with an outcome but no contact (before the answer).
    names : dict
        Of touchpoints and stages, for readers.
    currency, language : str
    """

    table: pd.DataFrame
    outcomes: tuple[str, ...]
    left_out: int
    names: dict[str, str] = field(repr=False)
    currency: str = ""
    language: str = "en"

    def summary(self) -> str:
        """Say how many features go with the outcome after correction, and the clearest."""
        told = self.table["p_value"].notna()
        found = self.table[self.table["associated"]]
        small = int(self.table[METHOD].str.startswith("too few").sum())
        text = f"{len(found)} of {int(told.sum())} differences by path hold after Holm's correction"
        if small:
            text += f" ({small} more rest on too few customers)"
        if len(found):
            row = found.iloc[0]
            text += (
                f"; the clearest: {row['outcome']} with {_spell(row)} less without: "
                f"{row[ESTIMATE]:,.2f} [{row[LOW]:,.2f}, {row[HIGH]:,.2f}] "
                f"(n = {row['with_n']:,} and {row['without_n']:,}; {_spell_alike(row)})"
            )
        return f"{text}; {CAUTION}."

    def plot(self, *, outcome: str | None = None, ax: Axes | None = None) -> Axes:
        """Draw the differences of one outcome (the first) with their intervals."""
        from cjlib import plots

        chosen = self.outcomes[0] if outcome is None else outcome
        if chosen not in self.outcomes:
            raise JourneyError(
                f"PathOutcomes.plot: outcome must be one of {', '.join(self.outcomes)}; got "
                f"{chosen!r}. Did you mean {nearest(chosen, self.outcomes)!r}?"
            )
        return plots.draw_path_outcomes(
            self.table[self.table["outcome"].eq(chosen)], names=self.names,
            currency=self.currency if chosen.startswith("money.") else "",
            language=self.language, ax=ax,
        )  # fmt: skip


def _spell(row: pd.Series) -> str:
    return f"{row['feature']} {row['of']}" if row["of"] else str(row["feature"])


def _spell_alike(row: pd.Series) -> str:
    if np.isnan(row["alike"]):
        return "not known at alike numbers of contacts"
    return (
        f"at alike numbers of contacts {row['alike']:,.2f} [{row['alike_low']:,.2f}, "
        f"{row['alike_high']:,.2f}]"
    )


def measure_by_path(
    linked: Linked, log: JourneyLog, study: Study, *, outcome: str | Sequence[str]
) -> PathOutcomes:
    """Compare an outcome of customers whose path has a feature with that of the others.

    Features are those of ``describe_paths``. For an outcome from the survey only contacts up
    to the end of the day of the answer count, for what came later cannot have shaped it;
    survey weights are used. For money the whole path counts, and visits to the purchase
    touchpoints are not looked at, since they are where money comes from. Customers are the
    units. Differences of means by Welch's t, of shares (a column of 0 and 1) by the score
    test with Newcombe's interval, of NPS by z on adjusted values.

    Who complains, loops or waits may differ in many other ways, and a longer path has more
    chances of everything: the differences are associations. ``alike`` takes the length of
    the path out: the differences within bands of the number of contacts (1, 2, 3, 4-5, 6-7,
    8-11, 12-15 ...: half doublings), each weighted with a·b/(a+b) for its a customers with
    and b without; bands with fewer than two on a side are left out. Groups below the study's
    minimum base say "too few" and are not tested.

    Parameters
    ----------
    linked : Linked
    log : JourneyLog
        With the same customer ids.
    study : Study
    outcome : str or sequence of str
        Columns of ``linked.table``, as "survey.nps", or an item of the survey ("nps"), or
        "revenue", "value" and "cost" of the money; several are corrected together.

    References
    ----------
    Holm, S. (1979). Scandinavian Journal of Statistics 6, 65-70.
    """
    columns = [_find_outcome(linked, name, "measure_by_path") for name in _listed(outcome)]
    bought = set(study.events.purchase if study.events else ())
    parts, lost = [], 0
    for column in columns:
        people, path = _read_outcome(linked, log, study, column, caller="measure_by_path")
        features = describe_paths(path, study).set_index(CUSTOMER)
        if column.startswith("money."):
            trivial = [f"{VISITED}:{name}" for name in bought]
            features = features.drop(columns=trivial, errors="ignore")
        lost += len(people.index.difference(features.index))
        parts.append(_compare_all(features, people, count_contacts(path), column, study))
    return _settle(parts, columns, lost, study)


def cost_departures(
    linked: Linked,
    log: JourneyLog,
    study: Study,
    *,
    outcome: str | Sequence[str],
    most: int = MOST_MOVES,
) -> PathOutcomes:
    """Tell what goes with departing from the believed journey, in satisfaction and money.

    Customers who made any unbelieved move are set beside those who made none, and those who
    made each of the commonest unbelieved moves (by customers) beside those who did not.
    Customers without a move between stages are left out. Otherwise as ``measure_by_path``.

    Parameters
    ----------
    linked : Linked
    log : JourneyLog
    study : Study
        With ``believed_journey``.
    outcome : str or sequence of str
    most : int
        How many moves are looked at.

    Raises
    ------
    MissingSourceError
        If the study believes in no moves.
    """
    if not study.believed_moves:
        raise MissingSourceError(
            f"cost_departures: the study '{study.id}' must say what it believes; study.yaml has "
            "no believed_journey. Add it, or skip this step."
        )
    columns = [_find_outcome(linked, name, "cost_departures") for name in _listed(outcome)]
    parts, lost = [], 0
    for column in columns:
        people, path = _read_outcome(linked, log, study, column, caller="cost_departures")
        features = _list_departures(path, study, most)
        lost += len(people.index.difference(features.index))
        parts.append(_compare_all(features, people, count_contacts(path), column, study))
    return _settle(parts, columns, lost, study)


def _listed(outcome: str | Sequence[str]) -> list[str]:
    return [outcome] if isinstance(outcome, str) else list(dict.fromkeys(outcome))


def _find_outcome(linked: Linked, name: str, caller: str) -> str:
    numeric = linked.table.select_dtypes(["number", "bool"]).columns
    known = [c for c in numeric if c.startswith(("survey.", "money.", "contacts.rating"))]
    for column in (name, f"survey.{name}", f"money.{name}", f"contacts.{name}"):
        if column in known:
            return column
    short = [column.partition(".")[2] for column in known]
    raise JourneyError(
        f"{caller}: outcome must be a number of the linked table; got {name!r}. Did you mean "
        f"{nearest(name, [*known, *short])!r}? It has {', '.join(known[:12])}."
    )


def _read_outcome(
    linked: Linked, log: JourneyLog, study: Study, column: str, *, caller: str
) -> tuple[pd.DataFrame, JourneyLog]:
    """Outcome and weight of the customers who have it, and their log up to their answer."""
    table = linked.table.set_index(CUSTOMER)
    people = pd.DataFrame({"y": table[column].astype(float), "weight": 1.0})
    answered = column.startswith("survey.")
    if answered and "survey.weight" in table:
        people["weight"] = table["survey.weight"].astype(float)
    people = people[people["y"].notna()]
    ids = pd.Index(log.customers)
    known = ids.isin(people.index)
    if not known.any():
        raise TooFewError(
            f"{caller}: some customer must have both {column} and contacts; none of "
            f"{len(people):,} does. Are the ids of the log those of the linked table?"
        )
    until = np.where(known, np.iinfo(np.int64).max, np.iinfo(np.int64).min)
    if answered and "survey.date" in table:
        days = table["survey.date"].reindex(ids).to_numpy(dtype="datetime64[us]")
        dated = known & ~np.isnat(days)
        until[dated] = days[dated].astype("datetime64[D]").astype(np.int64) * DAY + DAY
    keep = log.times < np.repeat(until[log.owner], log.lengths)
    if not keep.any():
        raise TooFewError(
            f"{caller}: contacts must come before the answers; of {len(people):,} customers with "
            f"{column} none has one by then. Are the dates of the waves right?"
        )
    item = study.codebook[column[7:]] if column[7:] in study.codebook and answered else None
    if item is not None and item.metric == "nps":
        sign = (people["y"] >= PROMOTER).astype(float) - (people["y"] <= DETRACTOR)
        people["y"] = sign
    return people.assign(nps=item is not None and item.metric == "nps"), log.take(keep)


def _list_departures(log: JourneyLog, study: Study, most: int) -> pd.DataFrame:
    owners, moves = find_unbelieved(log, study)
    people = np.unique(owners)
    found = {DEPARTED: np.isin(people, moves["owner"]).astype(float)}
    pairs = moves.drop_duplicates().groupby(["from", "to"], sort=True)["owner"]
    common = pairs.size().sort_values(ascending=False, kind="stable").head(most).index
    for start, end in common:
        who = moves.loc[moves["from"].eq(start) & moves["to"].eq(end), "owner"]
        found[f"{MOVE}:{start} > {end}"] = np.isin(people, who).astype(float)
    return pd.DataFrame(found, index=pd.Index(log.customers[people], name=CUSTOMER))


def count_contacts(log: JourneyLog) -> pd.Series:
    """Return the number of contacts of each customer who has one."""
    counts = np.bincount(np.repeat(log.owner, log.lengths), minlength=len(log.customers))
    return pd.Series(counts, index=pd.Index(log.customers, name=CUSTOMER), name="contacts")


def _compare_all(
    features: pd.DataFrame, people: pd.DataFrame, contacts: pd.Series, column: str, study: Study
) -> pd.DataFrame:
    both = features.join(people, how="inner").join(contacts)
    band = np.floor(2 * np.log2(both["contacts"].to_numpy(dtype=float))).astype(np.int64)
    y, w = both["y"].to_numpy(dtype=float), both["weight"].to_numpy(dtype=float)
    nps = bool(people["nps"].iloc[0])
    kind = "nps" if nps else "share" if set(np.unique(y)) <= {0.0, 1.0} else "mean"
    rows = []
    for name in features.columns:
        feature, _, of = str(name).partition(":")
        hit = both[name].to_numpy(dtype=float)
        row = _compare_one(y, w, hit, kind, study)
        tested = feature not in BANDS and not np.isnan(row["p_value"])
        row |= _compare_alike(y, w, hit, band=band if tested else band[:0], kind=kind, study=study)
        rows.append({"outcome": column, "feature": feature, "of": of, **row})
    return pd.DataFrame(rows)


_ESTIMATE: Final = {"nps": estimate_net, "share": estimate_weighted_share, "mean": estimate_mean}
_COMPARE: Final = {"nps": compare_nets, "share": compare_shares, "mean": compare_means}


def _compare_one(y: Floats, w: Floats, hit: Floats, kind: str, study: Study) -> dict[str, Any]:
    scale, level, least = 100.0 if kind == "nps" else 1.0, study.level, study.privacy.minimum_base
    sides = [weigh(y[hit == v], w[hit == v], caller="measure_by_path") for v in (1.0, 0.0)]
    row: dict[str, Any] = {}
    for name, side in zip(("with", "without"), sides, strict=True):
        n = len(side[0])
        told: Estimate | None = _ESTIMATE[kind](*side, level=level) if n >= least else None
        row[f"{name}_n"] = n
        row[name] = scale * told.estimate if told else np.nan
        row[f"{name}_low"] = scale * told.low if told else np.nan
        row[f"{name}_high"] = scale * told.high if told else np.nan
    n = row["with_n"] + row["without_n"]
    if min(row["with_n"], row["without_n"]) < least:
        nan = float("nan")
        gap = Difference(nan, nan, nan, nan, nan, nan, nan, f"too few (n < {least})")
    else:
        gap = _COMPARE[kind](sides[0], sides[1], level=level)
    row |= {
        ESTIMATE: scale * gap.estimate, LOW: scale * gap.low, HIGH: scale * gap.high,
        LEVEL: level, N: n, METHOD: gap.method, "p_value": gap.p,
    }  # fmt: skip
    return row


def _compare_alike(
    y: Floats, w: Floats, hit: Floats, *, band: Ints, kind: str, study: Study
) -> dict[str, Any]:
    """Difference of weighted means within bands, combined; missing where too few compare."""
    scale, least = 100.0 if kind == "nps" else 1.0, study.privacy.minimum_base
    gaps, errors, weights, sizes = [], [], [], []
    for value in np.unique(band):
        mine = (band == value) & (w > 0)
        sides = [(y[mine & (hit == v)], w[mine & (hit == v)]) for v in (1.0, 0.0)]
        n = [len(side[0]) for side in sides]
        if min(n) < 2:
            continue
        found = [measure_error(*side)[0] for side in sides]
        means = [float(np.average(x, weights=v)) for x, v in sides]
        gaps.append(means[0] - means[1])
        errors.append(float(np.hypot(found[0], found[1])))
        weights.append(n[0] * n[1] / (n[0] + n[1]))
        sizes.append(n)
    names = ("alike", "alike_low", "alike_high", "alike_n")
    if not sizes or np.sum(sizes, axis=0).min() < least:
        return dict(zip(names, (np.nan, np.nan, np.nan, int(np.sum(sizes))), strict=True))
    part = np.array(weights) / np.sum(weights)
    gap = float(part @ np.array(gaps))
    half = normal_quantile(study.level) * float(np.sqrt(part**2 @ np.array(errors) ** 2))
    told = (scale * gap, scale * (gap - half), scale * (gap + half), int(np.sum(sizes)))
    return dict(zip(names, told, strict=True))


def _settle(parts: list[pd.DataFrame], columns: list[str], lost: int, study: Study) -> PathOutcomes:
    table = pd.concat(parts, ignore_index=True)
    table["p_holm"] = adjust_holm(table["p_value"].to_numpy(dtype=float))
    table["associated"] = table["p_holm"].lt(1 - study.level)
    half = (table[HIGH] - table[LOW]) / 2
    order = (table[ESTIMATE] / half).abs().sort_values(ascending=False, kind="stable").index
    names = {t.id: t.label.to(study.language) for t in study.touchpoints}
    names |= {s.id: s.label.to(study.language) for s in study.stages}
    currency = study.currency_label.to(study.language) or study.currency
    return PathOutcomes(
        table.loc[order, _COLUMNS].reset_index(drop=True), tuple(columns), lost, names, currency,
        study.language,
    )  # fmt: skip
