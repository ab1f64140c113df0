"""Does the model foretell what it has not seen: purchases after a cut, predicted and real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.columns import CUSTOMER
from cjlib.errors import JourneyError
from cjlib.intervals import estimate_mean
from cjlib.study import Study
from cjlib.value.bgnbd import Bgnbd, fit_bgnbd, predict_purchases
from cjlib.value.purchases import UNIT_DAYS, summarise_purchases

MOST_REPEATS = 7  # customers with more repeat purchases share the last row


@dataclass(frozen=True, slots=True, eq=False)
class Holdout:
    """What ``check_holdout`` found.

    Attributes
    ----------
    table : DataFrame
        One row per number of repeat purchases before the cut (the last row: that many or
        more): ``x, customers, predicted, estimate, low, high, level, n, method``; purchases per
        customer after the cut, ``estimate`` what happened. Empty where not identified.
    model : Bgnbd
    predicted, actual : float
        Purchases of all customers after the cut.
    language : str
        Of the figure.
    """

    table: pd.DataFrame
    model: Bgnbd
    predicted: float
    actual: float
    language: str = "en"

    def summary(self) -> str:
        """Say how far the prediction was off in total."""
        if not self.model.identified:
            return f"No prediction to check: {self.model.why}."
        off = self.predicted / self.actual - 1 if self.actual else float("nan")
        return (
            f"After the cut {self.actual:,.0f} purchases happened and {self.predicted:,.0f} were "
            f"predicted ({off:+.1%})."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw predicted and real purchases by purchases before the cut."""
        from cjlib import plots

        return plots.draw_holdout(self.table, language=self.language, ax=ax)


def check_holdout(
    purchases: Any,
    *,
    cut: str | pd.Timestamp,
    end: str | pd.Timestamp | None = None,
    study: Study | None = None,
    unit: str = "week",
    level: float = 0.95,
) -> Holdout:
    """Fit BG/NBD on purchases up to ``cut`` and compare its forecast with what came after.

    Parameters
    ----------
    purchases : as for ``summarise_purchases``
    cut : date
        Last day of the fit.
    end : date, optional
        Last day of the check; the last day in the frame by default.
    study : Study, optional
    unit : day, week, month or year
    level : float, 0 to 1
    """
    before = summarise_purchases(purchases, study=study, end=cut, unit=unit)
    whole = summarise_purchases(purchases, study=study, end=end, unit=unit)
    if whole.end <= before.end:
        raise JourneyError(
            f"check_holdout: the cut must lie before the end; got {before.end:%Y-%m-%d} and "
            f"{whole.end:%Y-%m-%d}. Choose an earlier cut."
        )
    model = fit_bgnbd(before, level=level)
    later = before.table[[CUSTOMER, "x"]].merge(
        whole.table[[CUSTOMER, "x"]], on=CUSTOMER, suffixes=("", "_all")
    )
    actual = (later["x_all"] - later["x"]).to_numpy(float)
    spoken = study.language if study else "en"
    if not model.identified:
        return Holdout(pd.DataFrame(columns=_COLUMNS), model, np.nan, float(actual.sum()), spoken)
    horizon = (whole.end - before.end).days / UNIT_DAYS[unit]
    found = predict_purchases(model, before, horizon=horizon, level=level)["estimate"]
    predicted = found.to_numpy(float)
    groups = np.minimum(later["x"].to_numpy(), MOST_REPEATS)
    rows = []
    for x in np.unique(groups):
        same = groups == x
        real = estimate_mean(actual[same], level=level).as_dict()
        rows.append(
            {"x": x, "customers": int(same.sum()), "predicted": predicted[same].mean(), **real}
        )
    table = pd.DataFrame(rows, columns=_COLUMNS)
    return Holdout(table, model, float(predicted.sum()), float(actual.sum()), spoken)


_COLUMNS = ["x", "customers", "predicted", "estimate", "low", "high", "level", "n", "method"]
