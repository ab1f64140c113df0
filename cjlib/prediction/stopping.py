"""Contacts that nothing follows within a window, and how long the others wait."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from cjlib.columns import ESTIMATE, HIGH, LEVEL, LOW, METHOD, N
from cjlib.errors import TooFewError
from cjlib.events import JourneyLog
from cjlib.events.journey_log import HOUR, Ints
from cjlib.prediction.backoff import Backoff, learn_orders, name_order
from cjlib.prediction.held_out import SCORES, calibrate, score_row

DAY: Final = 24 * HOUR
OVERALL: Final = "overall share"
ALL: Final = "(all)"


def learn_leaving(
    log: JourneyLog, contexts: Ints, gap: Ints, who: Ints, *, when: int, window: int, order: int
) -> tuple[Backoff, pd.DataFrame, pd.DataFrame]:
    """Learn the share without a step within the window after each context, and judge it.

    Parameters
    ----------
    contexts, gap, who : int, one per contact
        Coded context; microseconds to the next contact of the journey; customer.
    when, window : int
        Microseconds: contacts whose window ends before ``when`` are learned from, those at or
        after it whose window ends within the log are judged.

    Returns
    -------
    (model, scores, calibration)
    """
    gone = (gap > window).astype(np.int64)
    train = log.times + window < when
    test = (log.times >= when) & (log.times + window <= log.times.max())
    if not train.any():
        raise TooFewError(
            f"predict_next: the window must end before the cut for some contacts; "
            f"{window / DAY:g} days reach past it for all. Choose a later cut or a shorter window."
        )
    models, chosen = learn_orders(
        contexts, gone, log.times, train, base=len(log.labels) + 1, outcomes=2, order=order
    )
    rows: list[dict[str, Any]] = []
    told = {m: models[m].shares(contexts[test])[:, 1] for m in (0, chosen)}
    y = gone[test].astype(float)
    measures = {
        "log loss": {m: -np.log(np.where(y > 0, p, 1 - p)) for m, p in told.items()},
        "brier": {m: (p - y) ** 2 for m, p in told.items()},
    }
    names = {0: OVERALL, chosen: name_order(chosen) if chosen else OVERALL}
    for measure, values in measures.items():
        for m in told:
            rows.append(_tell(names[m], "", measure) | score_row(values[m], who[test], log))
        if chosen:
            better = values[0] - values[chosen]
            rows.append(_tell(names[chosen], OVERALL, measure) | score_row(better, who[test], log))
    table = pd.DataFrame(rows, columns=SCORES[:-1])
    table["chosen"] = table["model"].eq(names[chosen])
    calibration = calibrate(
        told[chosen], y > 0, who[test], level=log.level, minimum_base=log.minimum_base
    ) if test.any() else pd.DataFrame()  # fmt: skip
    return models[chosen], table, calibration


def _tell(model: str, baseline: str, measure: str) -> dict[str, Any]:
    return {"model": model, "baseline": baseline, "measure": measure}


def measure_times(log: JourneyLog, gap: Ints, who: Ints, *, when: int, window: int) -> pd.DataFrame:
    """Measure how long the next step takes, of those within the window; see ``NextStep.times``.

    Learned and judged at the contacts of ``learn_leaving``, so that a window that the cut or
    the log's end would shorten counts nowhere.
    """
    within = gap <= window
    train = within & (log.times + window < when)
    test = within & (log.times >= when) & (log.times + window <= log.times.max())
    rows: list[dict[str, Any]] = []
    whole = np.quantile(gap[train], [0.5, 0.9]) if train.any() else np.full(2, np.nan)
    seen = np.unique(log.codes)
    for code, label in ((-1, ALL), *((int(i), log.labels[i]) for i in seen)):
        mine = np.ones(len(log), dtype=bool) if code < 0 else log.codes == code
        learned = gap[train & mine]
        people = len(np.unique(who[train & mine]))
        own = people >= log.minimum_base
        cuts = np.quantile(learned, [0.5, 0.9]) if own else whole
        later, owner = gap[test & mine], who[test & mine]
        row: dict[str, Any] = {
            "label": label, "steps": len(learned), "customers": people, "own": own,
            "median_hours": cuts[0] / HOUR, "p90_hours": cuts[1] / HOUR,
        }  # fmt: skip
        for name, edge in (("below_median", cuts[0]), ("below_p90", cuts[1])):
            found = score_row(later <= edge, owner, log)
            row |= {name: found[ESTIMATE], f"{name}_low": found[LOW], f"{name}_high": found[HIGH]}
        rows.append(row | {key: found[key] for key in (LEVEL, N, METHOD)})
    return pd.DataFrame(rows)
