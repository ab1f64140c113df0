"""Does the model foretell what it has not seen: purchases after a cut, predicted and real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cjlib.columns import CUSTOMER, ESTIMATE, HIGH, LEVEL, LOW, METHOD, N
from cjlib.errors import JourneyError, nearest
from cjlib.intervals import Floats, estimate_mean
from cjlib.study import Study
from cjlib.value import bgnbd, pareto_nbd
from cjlib.value.bgnbd import Bgnbd
from cjlib.value.pareto_nbd import ParetoNbd
from cjlib.value.purchases import UNIT_DAYS, daily_purchases, summarise_purchases

MOST_REPEATS: Final = 7  # customers with more repeat purchases share the last row
STEP_DAYS: Final = 7.0  # the shortest stretch purchases are counted in, of the tracking
FITS: Final[dict[str, tuple[Any, Any]]] = {
    "bgnbd": (bgnbd.fit_bgnbd, bgnbd.predict_purchases),
    "pareto": (pareto_nbd.fit_pareto_nbd, pareto_nbd.predict_pareto_purchases),
}
_REPEATS: Final = {"bgnbd": bgnbd.expected_repeats, "pareto": pareto_nbd.expected_repeats}
_CHANCES: Final = {"bgnbd": bgnbd.chance_of_repeats, "pareto": pareto_nbd.chance_of_repeats}


@dataclass(frozen=True, slots=True, eq=False)
class Holdout:
    """What ``check_holdout`` found.

    Attributes
    ----------
    table : DataFrame
        One row per number of repeat purchases before the cut (the last row: that many or
        more): ``x, customers, predicted, estimate, low, high, level, n, method``; purchases per
        customer after the cut, ``estimate`` what happened. Empty where not identified.
    tracking : DataFrame
        One row per week (or longer unit) that ends on the cut, or whole weeks from it: ``end``
        (its last day), ``part`` (calibration or holdout), ``actual`` (repeat purchases in it of
        the customers won up to the cut), ``expected``; ``cumulative_actual``; ``estimate, low,
        high, level, n, method``: cumulative purchases the model expects.
    frequencies : DataFrame
        One row per number of repeat purchases before the cut (the last: that many or more):
        ``x, customers`` (that have them), ``estimate, low, high, level, n, method``: customers
        the model expects to have them.
    model : Bgnbd or ParetoNbd
    predicted, actual : float
        Purchases of all customers after the cut.
    cut : Timestamp
    language : str
        Of the figures.
    """

    table: pd.DataFrame
    tracking: pd.DataFrame
    frequencies: pd.DataFrame
    model: Bgnbd | ParetoNbd
    predicted: float
    actual: float
    cut: pd.Timestamp
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

    def plot_tracking(self, *, cumulative: bool = True, ax: Axes | None = None) -> Axes:
        """Draw purchases week by week, or in all so far, real and expected, before and after."""
        from cjlib import plots

        return plots.draw_tracking(
            self.tracking, cut=self.cut, cumulative=cumulative, language=self.language, ax=ax
        )

    def plot_frequencies(self, *, ax: Axes | None = None) -> Axes:
        """Draw how many customers came back how often before the cut, real and expected."""
        from cjlib import plots

        return plots.draw_frequencies(self.frequencies, language=self.language, ax=ax)


def check_holdout(
    purchases: Any,
    *,
    cut: str | pd.Timestamp,
    end: str | pd.Timestamp | None = None,
    study: Study | None = None,
    unit: str = "week",
    level: float = 0.95,
    model: Literal["bgnbd", "pareto"] = "bgnbd",
) -> Holdout:
    """Fit a model on purchases up to ``cut`` and compare its forecast with what came after.

    Three checks: purchases after the cut by purchases before it; purchases over time, where
    the model is given only when each customer came first; and how many customers came back
    how often before the cut. Intervals of what is expected are those of the model's
    parameters; chance purchases come on top.

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
    model : "bgnbd" or "pareto"

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). Marketing Science 24(2), figures 2 to 4.
    """
    if model not in FITS:
        raise JourneyError(
            f"check_holdout: model must be 'bgnbd' or 'pareto'; got {model!r}. Did you mean "
            f"'{nearest(str(model), FITS)}'?"
        )
    before = summarise_purchases(purchases, study=study, end=cut, unit=unit)
    daily, last, _ = daily_purchases(purchases, study=study, end=end)
    if last <= before.end:
        raise JourneyError(
            f"check_holdout: the cut must lie before the end; got {before.end:%Y-%m-%d} and "
            f"{last:%Y-%m-%d}. Choose an earlier cut."
        )
    fit, predict = FITS[model]
    fitted: Any = fit(before, level=level)
    daily = daily[daily[CUSTOMER].isin(before.table[CUSTOMER])]
    later = daily[daily["day"] > before.end].groupby(CUSTOMER).size()
    actual = np.asarray(later.reindex(before.table[CUSTOMER]).fillna(0), dtype=float)
    spoken = study.language if study else "en"
    if not fitted.identified:
        bare = (pd.DataFrame(columns=columns) for columns in (_COLUMNS, _TRACKING, _FREQUENCIES))
        table, tracking, frequencies = bare
        predicted = np.nan
    else:
        horizon = (last - before.end).days / UNIT_DAYS[unit]
        found = predict(fitted, before, horizon=horizon, level=level)[ESTIMATE].to_numpy(float)
        predicted = float(found.sum())
        table = _by_repeats(before.table["x"].to_numpy(float), found, actual, level)
        tracking = _track(daily, (before.end, last), fitted, model, level)
        frequencies = _count(before.table, fitted, model, level)
    return Holdout(
        table, tracking, frequencies, fitted, predicted, float(actual.sum()), before.end, spoken
    )


_COLUMNS = ["x", "customers", "predicted", ESTIMATE, LOW, HIGH, LEVEL, N, METHOD]
_TRACKING = [
    "end", "part", "actual", "expected", "cumulative_actual", ESTIMATE, LOW, HIGH, LEVEL, N, METHOD,
]  # fmt: skip
_FREQUENCIES = ["x", "customers", ESTIMATE, LOW, HIGH, LEVEL, N, METHOD]
_NAMES = {"bgnbd": "BG/NBD, delta", "pareto": "Pareto/NBD, delta"}


def _by_repeats(x: Floats, predicted: Floats, actual: Floats, level: float) -> pd.DataFrame:
    groups = np.minimum(x, MOST_REPEATS)
    rows = []
    for value in np.unique(groups):
        same = groups == value
        real = estimate_mean(actual[same], level=level).as_dict()
        rows.append(
            {"x": value, "customers": int(same.sum()), "predicted": predicted[same].mean(), **real}
        )
    return pd.DataFrame(rows, columns=_COLUMNS)


def _track(
    daily: pd.DataFrame, until: tuple[pd.Timestamp, pd.Timestamp], fitted: Any, model: str,
    level: float,
) -> pd.DataFrame:  # fmt: skip
    start, (cut, last) = daily["day"].min(), until
    day = (daily["day"] - start).dt.days.to_numpy()
    again = daily.duplicated(CUSTOMER).to_numpy()
    length, at = (last - start).days + 1, (cut - start).days
    born = np.bincount(day[~again], minlength=length)
    step = max(STEP_DAYS, UNIT_DAYS[fitted.unit])
    early, late = int(at // step), int((last - cut).days // step)
    ends = at + np.round(np.arange(-early, late + 1) * step).astype(int)
    times = np.arange(length) / UNIT_DAYS[fitted.unit]
    # Who is with us since day s is expected to have bought E(t - s) times by day t.
    gap = np.maximum(ends[:, None] - np.arange(length), 0)

    def expect(p: Floats) -> Floats:
        return np.asarray(_REPEATS[model](p, times)[gap] @ born)

    value, low, high = fitted.fit.propagate(expect, level=level)
    total = np.cumsum(np.bincount(day[again], minlength=length))[ends]
    return pd.DataFrame(
        {
            "end": start + pd.to_timedelta(ends, unit="D"),
            "part": np.where(ends <= at, "calibration", "holdout"),
            "actual": np.diff(total, prepend=0), "expected": np.diff(value, prepend=0.0),
            "cumulative_actual": total, ESTIMATE: value, LOW: low, HIGH: high, LEVEL: level,
            N: int(born.sum()), METHOD: _NAMES[model],
        }
    )[_TRACKING]  # fmt: skip


def _count(table: pd.DataFrame, fitted: Any, model: str, level: float) -> pd.DataFrame:
    watched, many = np.unique(table["T"].to_numpy(float), return_counts=True)
    n = int(many.sum())

    def expect(p: Floats) -> Floats:
        few = many @ _CHANCES[model](p, watched, MOST_REPEATS - 1)
        return np.append(few, n - few.sum())

    value, low, high = fitted.fit.propagate(expect, level=level)
    real = np.bincount(np.minimum(table["x"], MOST_REPEATS).astype(int), minlength=MOST_REPEATS + 1)
    return pd.DataFrame(
        {
            "x": np.arange(MOST_REPEATS + 1), "customers": real, ESTIMATE: value, LOW: low,
            HIGH: high, LEVEL: level, N: n, METHOD: _NAMES[model],
        }
    )[_FREQUENCIES]  # fmt: skip
