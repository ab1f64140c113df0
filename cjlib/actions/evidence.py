"""One shape for every sign that something hurts: how many people, how badly, what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.accounts import read_beliefs
from cjlib.actions.stakes import (
    MONEY,
    SATISFACTION,
    customers_at,
    lift_affected,
    lift_to,
    money_at_risk,
    money_of_people,
)
from cjlib.codebook import Item
from cjlib.columns import (
    CODE,
    CUSTOMER,
    ESTIMATE,
    GROUP,
    HIGH,
    INTERVIEW,
    LOW,
    STAGE,
    TOUCHPOINT,
    WAVE,
    WEIGHT,
    N,
    require_columns,
)  # fmt: skip
from cjlib.errors import JourneyError, nearest
from cjlib.intervals import Estimate, estimate_mean, estimate_share, estimate_weighted_share, weigh
from cjlib.interviews import Interviews, count_codes
from cjlib.language import format_number, phrase
from cjlib.study import Study

KINDS: Final = ("pain", "wait", "exit", "score", "gap")
EVIDENCE: Final = (
    "kind", STAGE, TOUCHPOINT, "measure", ESTIMATE, LOW, HIGH, N, "severity", "customers",
    *SATISFACTION, *MONEY,
)  # fmt: skip
HALF_SEVERE_DAYS: Final = 1.0  # a wait this long counts half; our choice, vary it
_TEXTS: Final = ("kind", STAGE, TOUCHPOINT, "measure")

Floats = npt.NDArray[np.float64]


class HasRespondents(Protocol):
    """Anything that carries the respondents table."""

    @property
    def respondents(self) -> pd.DataFrame:
        """One row per person and wave."""


class HasTable(Protocol):
    """Any result with a ``.table``."""

    @property
    def table(self) -> pd.DataFrame:
        """Its tidy frame."""


class HasWasted(Protocol):
    """A result of ``measure_waits``."""

    @property
    def wasted(self) -> pd.DataFrame:
        """Time the customer would rather not spend."""


def tidy_evidence(
    raw: pd.DataFrame, *, kind: str, columns: Mapping[str, str] | None = None, **fixed: Any
) -> pd.DataFrame:
    """Bring any table of findings into the evidence shape.

    Parameters
    ----------
    raw : DataFrame, one row per finding
    kind : str
        One of ``KINDS``: a pain people name, a wait, an exit, a low score, a gap between
        belief and experience.
    columns : mapping of our name to the table's, optional
    **fixed
        Values for columns the table lacks, such as ``severity=1.0`` or ``measure="..."``.

    Returns
    -------
    DataFrame with the columns ``EVIDENCE``
        ``estimate, low, high``: share of people affected, 0 to 1; ``n``: people it rests
        on; ``severity``: how badly, 0 (not at all) to 1 (lost), 1 where not given;
        ``customers``: people affected, counted; ``satisfaction, satisfaction_low,
        satisfaction_high``: mean satisfaction to be won there, as a share of its scale;
        ``money, money_low, money_high``: study currency at stake. What is not known is
        missing.

    Raises
    ------
    JourneyError
        For an unknown kind, a share or severity outside 0 to 1.
    """
    if kind not in KINDS:
        hint = nearest(kind, KINDS)
        raise JourneyError(
            f"tidy_evidence: kind must be one of {', '.join(KINDS)}; got {kind!r}."
            + (f" Did you mean {hint!r}?" if hint else "")
        )
    named = raw.rename(columns={theirs: ours for ours, theirs in (columns or {}).items()})
    require_columns(named.assign(**fixed), ("measure", ESTIMATE, N), caller="tidy_evidence")
    given = named.assign(**fixed, kind=kind).reindex(columns=list(EVIDENCE))
    numbers = [name for name in EVIDENCE if name not in _TEXTS]
    frame = given.astype(dict.fromkeys(_TEXTS, "string") | dict.fromkeys(numbers, "float64"))
    frame["severity"] = frame["severity"].fillna(1.0)
    for name in (STAGE, TOUCHPOINT):
        frame[name] = frame[name].mask(frame[name].eq("").fillna(False))
    for name in (ESTIMATE, LOW, HIGH, "severity"):
        wrong = ~frame[name].between(0, 1) & frame[name].notna()
        if wrong.any():
            first = frame.loc[wrong].iloc[0]
            raise JourneyError(
                f"tidy_evidence: {name} must be a share, 0 to 1; {int(wrong.sum())} rows are not "
                f"(first: {first[name]:g} for '{first['measure']}'). Divide, or leave it out."
            )
    return frame.reset_index(drop=True)


def interview_pains(study: Study, interviews: Interviews, *, lane: str = "pain") -> pd.DataFrame:
    """Pains named in interviews: the codes of a lane; share of interviews that mention each.

    The stage is that of codes.csv, else the one most often coded; so is the touchpoint.
    Severity is 1: unasked for, it was worth telling.
    """
    codes = interviews.codes[interviews.codes["lane"].eq(lane).fillna(False)]
    counts = count_codes(interviews, level=study.level).table
    table = counts[counts[CODE].isin(codes[CODE])].merge(
        codes[[CODE, "label_en", "label_fa", STAGE]], on=CODE
    )
    coded = interviews.codings.drop_duplicates([INTERVIEW, CODE, STAGE, TOUCHPOINT])
    first, second = ("label_fa", "label_en") if study.language == "fa" else ("label_en", "label_fa")
    label = table[first].mask(table[first].eq(""), table[second])
    table["measure"] = label.mask(label.isna() | label.eq(""), table[CODE])
    usual = {name: table[CODE].map(_most_frequent(coded, name)) for name in (STAGE, TOUCHPOINT)}
    table[STAGE] = table[STAGE].mask(table[STAGE].eq("").fillna(True), usual[STAGE])
    table[TOUCHPOINT] = usual[TOUCHPOINT]
    return tidy_evidence(table, kind="pain", columns={"customers": "mentions"})


def survey_pains(
    study: Study,
    survey: HasRespondents,
    *,
    values: pd.DataFrame | None = None,
    base: int | None = None,
) -> pd.DataFrame:
    """Pains ticked in the survey's latest wave: (weighted) share of respondents who ticked each.

    Items of the codebook with the role ``pain`` and the kind ``tick``. Severity is 1.
    Satisfaction at stake: how much the mean of all would rise if those who ticked were as
    satisfied as the others (``lift_affected``). Money at stake: what they are expected to bring.

    Parameters
    ----------
    study : Study
    survey : Survey
    values : DataFrame, optional
        ``customer_id, value`` (not below 0), as for ``measure_value_at_risk``.
    base : int, optional
        Customers the money speaks for; those asked where not given.
    """
    people = _latest(study, survey)
    rows = []
    for item in study.codebook.select(kind="tick", role="pain"):
        if item.name in people:
            ticked, weights = _answered(people, item)
            share = estimate_weighted_share(ticked, weights, level=study.level)
            row = _row(study, item, share, customers=ticked.sum())
            affected = people[item.name].to_numpy(dtype=float, na_value=np.nan)
            row |= lift_affected(study, people, affected, stage=str(row[STAGE]))
            rows.append(row | money_of_people(study, people, affected, values, base))
    return _frame(rows, "pain")


def low_scores(
    study: Study,
    survey: HasRespondents,
    *,
    values: pd.DataFrame | None = None,
    base: int | None = None,
) -> pd.DataFrame:
    """Dissatisfaction in the latest wave: (weighted) share of raters below the scale's middle.

    Items with the metric csat or ces (an effort scale, where high is hard, is turned round).
    Severity: how far the mean of those raters lies below the middle, as a share of half the
    scale (1: all of them chose the worst). Satisfaction at stake: how much the mean would rise
    if they came up to the middle. Money as in ``survey_pains``.
    """
    people = _latest(study, survey)
    rows = []
    for item in study.codebook.items:
        if item.metric not in ("csat", "ces") or item.low is None or item.high is None:
            continue
        if item.name not in people:
            continue
        turned = item.metric == "ces" and study.positions.ces == "effort"
        answers, weights = _answered(people, item)
        answers = item.low + item.high - answers if turned else answers
        middle = (item.low + item.high) / 2
        below = answers < middle
        share = estimate_weighted_share(below, weights, level=study.level)
        severity = 0.0
        if below.any():
            mean = float(np.average(answers[below], weights=weights[below]))
            severity = (middle - mean) / (middle - item.low)
        row = _row(study, item, share, severity=severity, customers=int(below.sum()))
        span = item.high - item.low
        row |= lift_to(answers, weights, middle, span=span, level=study.level)
        hit = _below(people, item, middle, above=turned)
        rows.append(row | money_of_people(study, people, hit, values, base))
    return _frame(rows, "score")


def belief_gaps(
    study: Study,
    survey: HasRespondents,
    *,
    values: pd.DataFrame | None = None,
    base: int | None = None,
) -> pd.DataFrame:
    """Stages the team thinks better of than customers do, in the latest wave.

    Share of raters who answered below what the team believes; severity: believed minus
    mean answer, as a share of the scale. Stages at or above the belief are left out.
    Satisfaction at stake: how much the mean would rise if they came up to the belief. Money as
    in ``survey_pains``.
    """
    people = _latest(study, survey)
    believed = read_beliefs(study).set_index(STAGE)["satisfaction"]
    rows = []
    for item in study.codebook.select(metric="csat"):
        if item.stage not in believed.index or item.name not in people or item.touchpoint:
            continue
        if item.low is None or item.high is None:
            continue
        belief = float(believed[item.stage])
        answers, weights = _answered(people, item)
        gap = belief - estimate_mean(answers, weights, level=study.level).estimate
        if not gap > 0:
            continue
        below = int((answers < belief).sum())
        share = estimate_weighted_share(answers < belief, weights, level=study.level)
        span = item.high - item.low
        severity = gap / span
        measure = phrase(
            "actions.belief", study.language,
            believed=format_number(belief, study.digits),
            lived=format_number(belief - gap, study.digits, decimals=2),
        )  # fmt: skip
        row = _row(study, item, share, severity=severity, customers=below) | {"measure": measure}
        row |= lift_to(answers, weights, belief, span=span, level=study.level)
        hit = _below(people, item, belief)
        rows.append(row | money_of_people(study, people, hit, values, base))
    return _frame(rows, "gap")


def funnel_exits(
    study: Study, funnel: HasTable, *, order_value: Estimate | None = None
) -> pd.DataFrame:
    """Journeys lost between one stage of a funnel and the next (``measure_funnel``).

    Share of the journeys at a stage that never reach the next one; severity 1. Money at
    stake: journeys lost times ``order_value`` (mean money per purchase, with its interval),
    which is the most that could be won, as if each of them had bought once.
    """
    table = funnel.table
    require_columns(
        table, (GROUP, STAGE, "journeys", "step", "step_low", "step_high"), caller="funnel_exits"
    )
    rows = []
    for _, part in table.groupby(GROUP, sort=False):
        pairs = zip(part.to_dict("records"), part.iloc[1:].to_dict("records"), strict=False)
        for here, after in pairs:
            lost = here["journeys"] - after["journeys"]
            labels = [study.label("stage", str(row[STAGE])) for row in (here, after)]
            row = {
                STAGE: here[STAGE], "measure": phrase(
                    "actions.never", study.language, here=labels[0], next=labels[1]
                ),
                ESTIMATE: 1 - after["step"], LOW: 1 - after["step_high"],
                HIGH: 1 - after["step_low"], N: here["journeys"], "customers": lost,
            }  # fmt: skip
            if order_value is not None:
                row |= {
                    "money": lost * order_value.estimate, "money_low": lost * order_value.low,
                    "money_high": lost * order_value.high,
                }  # fmt: skip
            rows.append(row)
    return _frame(rows, "exit")


def long_waits(
    study: Study,
    waits: HasWasted,
    *,
    customers: int,
    interactions: HasTable | None = None,
    values: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Time the customer would rather not spend (``measure_waits`` with a study).

    Share of all ``customers`` of the log who spent it; severity d / (d + 1) for a median of
    d days: a day counts half as much as losing the customer. Money at stake, where the
    ``interactions`` and ``values`` (``customer_id, value``) are given: what the customers with
    a contact there are expected to bring.
    """
    rows = []
    for row in waits.wasted.to_dict("records"):
        known = [study.touchpoint(part.strip()) for part in str(row["label"]).split(",")]
        ends = [touchpoint for touchpoint in known if touchpoint is not None]
        labels = ", ".join(t.label.to(study.language) for t in ends) or str(row["label"])
        days = float(row["median_hours"]) / 24
        money: dict[str, float] = {}
        if interactions is not None:
            there = customers_at(interactions.table, [t.id for t in ends])
            everyone = interactions.table[CUSTOMER].dropna().drop_duplicates()
            money = money_at_risk(study, there, everyone, values, customers)
        share = estimate_share(float(row["customers"]), customers, level=study.level)
        rows.append(
            {STAGE: ends[0].stage if ends else "",
             TOUCHPOINT: ends[0].id if len(ends) == 1 else "",
             "measure": phrase(
                 "actions.wait", study.language, places=labels,
                 hours=format_number(24 * days, study.digits, decimals=1),
             ),
             "severity": days / (days + HALF_SEVERE_DAYS), "customers": row["customers"]}
            | share.as_dict() | money
        )  # fmt: skip
    return _frame(rows, "wait")


def _latest(study: Study, survey: HasRespondents) -> pd.DataFrame:
    people = survey.respondents
    present = [w.id for w in study.waves if w.id in set(people[WAVE].dropna())]
    return people[people[WAVE] == present[-1]] if present else people


def _answered(people: pd.DataFrame, item: Item) -> tuple[Floats, Floats]:
    """Return the answers given to an item and the weights of those who gave them."""
    return weigh(people[item.name], people.get(WEIGHT), caller="rank_opportunities")


def _below(people: pd.DataFrame, item: Item, limit: float, *, above: bool = False) -> Floats:
    """1 for who answered below the limit (``above``: of the scale turned round), 0, or missing."""
    x = people[item.name].to_numpy(dtype=float, na_value=np.nan)
    if above and item.low is not None and item.high is not None:
        x = item.low + item.high - x
    return np.where(np.isnan(x), np.nan, (x < limit).astype(float))


def _row(
    study: Study, item: Item, share: Estimate, *, severity: float = 1.0, customers: float
) -> dict[str, Any]:
    touchpoint = study.touchpoint(item.touchpoint)
    return share.as_dict() | {
        STAGE: item.stage or (touchpoint.stage if touchpoint else ""),
        TOUCHPOINT: item.touchpoint, "measure": item.question.to(study.language) or item.name,
        "severity": severity, "customers": customers,
    }  # fmt: skip


def _frame(rows: list[dict[str, Any]], kind: str) -> pd.DataFrame:
    return tidy_evidence(
        pd.DataFrame(rows, columns=[c for c in EVIDENCE if c != "kind"]), kind=kind
    )


def _most_frequent(codings: pd.DataFrame, name: str) -> dict[str, str]:
    """Return the usual value of a column for each code; the first by name on a tie."""
    counts = codings.dropna(subset=[name]).groupby([CODE, name]).size().rename("count")
    ordered = counts.reset_index().sort_values(
        [CODE, "count", name], ascending=[True, False, True], kind="stable"
    )
    return dict(ordered.drop_duplicates(CODE)[[CODE, name]].itertuples(index=False, name=None))
