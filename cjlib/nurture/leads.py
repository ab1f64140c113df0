"""How far each lead has come through the nurture stages, and how many go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from cjlib.columns import (
    CUSTOMER,
    ESTIMATE,
    GROUP,
    HIGH,
    LEVEL,
    LOW,
    METHOD,
    STAGE,
    TIME,
    TOUCHPOINT,
    N,
    require_columns,
)
from cjlib.definitions import NurtureStage
from cjlib.errors import TooFewError
from cjlib.intervals import estimate_share, unknown
from cjlib.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ALL: Final = "all"
DAY_SECONDS: Final = 86_400.0


@dataclass(frozen=True, slots=True, eq=False)
class LeadFunnel:
    """What ``measure_lead_funnel`` found.

    Attributes
    ----------
    table : DataFrame
        One row per nurture stage: ``group`` ("all"), ``stage, label``; ``journeys``: customers
        who reached it or one further on; ``estimate, low, high, level, n, method``: their share
        of all customers with a contact; ``step, step_low, step_high``: of those who reached the
        stage before; ``now``: customers whose furthest stage it is; ``median_days``: from the
        first contact to the stage, of those who met its rule.
    language : str
    """

    table: pd.DataFrame
    language: str = "en"

    def summary(self) -> str:
        """Say how many leads come how far, in one sentence."""
        last, steps = self.table.iloc[-1], self.table["step"].iloc[1:]
        text = f"{last['journeys']:,} of {last[N]:,} customers reach {last['label']}"
        if steps.notna().any():
            worst = int(np.nanargmin(steps.to_numpy(dtype=float))) + 1
            row = self.table.iloc[worst]
            text += f"; fewest go on to {row['label']}: {row['step']:.0%} of those before it"
        return text + "."

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the share of customers who come as far as each stage."""
        from cjlib import plots

        return plots.draw_lead_funnel(self.table, language=self.language, ax=ax)


def lead_stages(study: Study) -> tuple[NurtureStage, ...]:
    """Return the study's nurture stages; without any, the stages of its funnel or journey."""
    if study.nurture.stages:
        return study.nurture.stages
    wanted = (study.events.funnel if study.events else ()) or study.stage_ids
    labels = {stage.id: stage.label for stage in study.stages}
    return tuple(
        NurtureStage(key, labels[key], tuple(t.id for t in study.touchpoints if t.stage == key))
        for key in wanted
    )


def find_lead_stages(
    study: Study, interactions: Any, *, until: pd.Timestamp | None = None
) -> pd.DataFrame:
    """Find the furthest nurture stage of each customer, and the day it was reached.

    A stage is reached with the ``times``-th contact at its touchpoints, whatever came before: a
    customer who buys at the first visit has passed the stages in between. A customer without
    any has no stage.

    Parameters
    ----------
    study : Study
    interactions : Interactions or its table
    until : Timestamp, optional
        Contacts before this moment only.

    Returns
    -------
    DataFrame, one row per customer with a contact
        ``customer_id, place`` (of the furthest stage, from 0; -1: none), ``stage, since`` (when
        it was reached), ``first_contact, last_contact``, and ``reached_<stage>``: when each
        stage's own rule was met.
    """
    rows = contacts_of(interactions)
    if until is not None:
        rows = rows[rows[TIME] < until]
    by = rows.groupby(CUSTOMER, sort=True)[TIME]
    found = pd.DataFrame({"first_contact": by.min(), "last_contact": by.max()})
    found["place"], found["since"] = (
        -1,
        pd.Series(pd.NaT, index=found.index, dtype="datetime64[ns]"),
    )
    stages = lead_stages(study)
    for place, stage in enumerate(stages):
        mine = rows[rows[TOUCHPOINT].isin(stage.at)]
        times = mine[mine.groupby(CUSTOMER).cumcount() == stage.times - 1]
        reached = times.set_index(CUSTOMER)[TIME].reindex(found.index)
        found[f"reached_{stage.id}"] = reached
        found["place"] = found["place"].mask(reached.notna(), place)
        found["since"] = found["since"].mask(reached.notna(), reached)
    names = pd.Series([stage.id for stage in stages], dtype="string")
    found[STAGE] = found["place"].map(names).astype("string")
    return found.reset_index()


def contacts_of(interactions: Any) -> pd.DataFrame:
    """Return the contacts of known customers, by customer and time."""
    frame = interactions if isinstance(interactions, pd.DataFrame) else interactions.table
    require_columns(frame, [CUSTOMER, TIME, TOUCHPOINT], caller="find_lead_stages")
    rows = frame[frame[CUSTOMER].notna() & frame[TIME].notna()]
    if rows.empty:
        raise TooFewError("find_lead_stages: there must be contacts of known customers; got none.")
    return rows.sort_values([CUSTOMER, TIME], kind="stable", ignore_index=True)


def measure_lead_funnel(study: Study, interactions: Any) -> LeadFunnel:
    """Count the customers who come as far as each nurture stage; see ``find_lead_stages``.

    Who reached a later stage counts at every stage before it. Wilson intervals.
    """
    leads = find_lead_stages(study, interactions)
    everyone, before, level = len(leads), len(leads), study.level
    least = study.privacy.minimum_base
    rows = []
    for place, stage in enumerate(lead_stages(study)):
        there = int((leads["place"] >= place).sum())
        enough = before >= least
        step = (
            estimate_share(there, before, level=level) if enough else unknown(before, level=level)
        )
        whole = estimate_share(there, everyone, level=level)
        if everyone < least:
            whole = unknown(everyone, level=level, why=f"too few (n < {least})")
        spent = (leads[f"reached_{stage.id}"] - leads["first_contact"]).dropna()
        days = spent.dt.total_seconds().median() / DAY_SECONDS if len(spent) >= least else np.nan
        rows.append(
            {GROUP: ALL, STAGE: stage.id, "label": stage.label.to(study.language),
             "journeys": there, **whole.as_dict(), "step": step.estimate, "step_low": step.low,
             "step_high": step.high, "now": int((leads["place"] == place).sum()),
             "median_days": days}
        )  # fmt: skip
        before = there
    columns = [GROUP, STAGE, "label", "journeys", ESTIMATE, LOW, HIGH, LEVEL, N, METHOD, "step",
               "step_low", "step_high", "now", "median_days"]  # fmt: skip
    return LeadFunnel(pd.DataFrame(rows, columns=columns), study.language)
