"""Who will leave: a logistic model judged on a later time than it learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy import special, stats

from cjlib.columns import CHANNEL, CUSTOMER, SECONDS, TIME, TOUCHPOINT, require_columns
from cjlib.errors import JourneyError, TooFewError
from cjlib.intervals import Floats, normal_quantile, wilson_bounds
from cjlib.prediction.logistic import fit_logistic, measure_auc
from cjlib.study import Study

FEWEST_EVENTS: Final = 50  # who left, and who stayed, in each panel: fewer say nothing
EVENTS_PER_FEATURE: Final = 10  # customary lower limit for a logistic model
TOO_GOOD: Final = 0.95  # an AUC above it most often means a feature that holds the outcome
RESAMPLES: Final = 500
FEATURES: Final = {
    "recency": "log of days since the last contact",
    "frequency": "log of contacts in the window",
    "tenure": "log of days since the first contact",
    "channels": "different channels in the window",
    "purchases": "log of purchases in the window",
    "complaints": "complained in the window",
    "nothing_gained": "log of minutes at touchpoints where nothing is gained",
    "longest_wait": "log of the longest gap between contacts in the window, days",
}


@dataclass(frozen=True, slots=True, eq=False)
class ChurnModel:
    """What ``predict_churn`` found.

    Attributes
    ----------
    scores : DataFrame
        How well it foretold the later time: ``model`` (all features, recency alone, base
        rate), ``measure`` (auc, brier), ``estimate, low, high, level, n, method``; and the
        rows "gain over ..." with the difference and its interval (above 0: better).
    coefficients : DataFrame
        ``feature, meaning, estimate, low, high, odds_ratio, level, n, method``; per standard
        deviation of the feature; above 0 leaves sooner.
    calibration : DataFrame
        One row per tenth of the customers of the later time: ``predicted, estimate, low, high,
        level, n, method``; plus ``slope`` and ``intercept`` in ``calibrated``.
    calibrated : dict
        ``slope`` (1 is right) and ``intercept`` (0 is right) on the later time.
    predictions : DataFrame
        ``customer_id, predicted, left``: the later time, customer by customer.
    verdict : str
        "better than the baselines", "no better than baseline" or "too few".
    why : str
        The verdict in plain words.
    cuts : dict
        ``train``, ``test`` (Timestamps), and ``horizon_days``.
    language : str
        Of the figure.
    """

    scores: pd.DataFrame
    coefficients: pd.DataFrame
    calibration: pd.DataFrame
    calibrated: dict[str, float]
    predictions: pd.DataFrame
    verdict: str
    why: str
    cuts: dict[str, Any]
    language: str = "en"

    def summary(self) -> str:
        """Say the verdict and what it rests on, in one sentence."""
        return f"Leaving, foretold: {self.verdict}. {self.why}"

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw predicted chances against what happened."""
        from cjlib import plots

        return plots.draw_calibration(self.calibration, language=self.language, ax=ax)


def predict_churn(
    interactions: Any,
    study: Study,
    *,
    cut: str | pd.Timestamp | None = None,
    horizon_days: int = 90,
    window_days: int = 90,
    outcome: Literal["contact", "purchase"] = "contact",
    rng: np.random.Generator | None = None,
) -> ChurnModel:
    """Predict who has no contact within ``horizon_days`` after a cut, from before it.

    With ``outcome="purchase"`` who makes no purchase: better where contacts go on by
    themselves (parcels under way, bills) whether or not the customer stays.

    The people are those with a contact in the ``window_days`` before the cut. All features
    come from before the cut, the outcome from after it. The model learns at a cut
    ``horizon_days`` earlier, so that its outcomes end where the test begins, and is judged at
    ``cut`` beside two baselines that learn at the same place: recency alone, and the share
    that left. A logistic model with a weak ridge; errors of the coefficients from its
    curvature; intervals of the scores by bootstrap over customers.

    Parameters
    ----------
    interactions : Interactions or its table
    study : Study
        Names purchase, complaint and nothing-gained touchpoints.
    cut : date, optional
        The later cut; by default ``horizon_days`` before the last day of the log.
    horizon_days, window_days : int
    outcome : "contact" or "purchase"
        What someone who stays does within the horizon.
    rng : Generator, optional
        For the bootstrap; seeded by the study where not given.

    Returns
    -------
    ChurnModel
        With verdict "too few" and empty tables where either time has too few who left or
        stayed (50, or 10 per feature).

    Raises
    ------
    TooFewError
        If the log does not reach from ``horizon_days + window_days`` before the cut to
        ``horizon_days`` after it.
    """
    rows = _contacts(interactions)
    staying = _staying(outcome, study)
    last = rows[TIME].max().normalize()
    horizon = pd.Timedelta(days=_positive(horizon_days, "horizon_days"))
    window = pd.Timedelta(days=_positive(window_days, "window_days"))
    later = last - horizon if cut is None else pd.Timestamp(cut)
    earlier = later - horizon
    first = rows[TIME].min().normalize()
    if later + horizon > last or earlier - window < first:
        raise TooFewError(
            f"predict_churn: the log must reach from {earlier - window:%Y-%m-%d} to "
            f"{later + horizon:%Y-%m-%d} for this cut; it runs from {first:%Y-%m-%d} to "
            f"{last:%Y-%m-%d}. Choose another cut, or a shorter horizon or window."
        )
    train = make_panel(rows, study, cut=earlier, horizon=horizon, window=window, staying=staying)
    test = make_panel(rows, study, cut=later, horizon=horizon, window=window, staying=staying)
    cuts = {"train": earlier, "test": later, "horizon_days": horizon_days}
    features = [name for name in FEATURES if train[name].std() > 0]
    need = max(FEWEST_EVENTS, EVENTS_PER_FEATURE * len(features))
    for name, panel, least in (("train", train, need), ("test", test, FEWEST_EVENTS)):
        left, stayed = int(panel["left"].sum()), int((1 - panel["left"]).sum())
        if min(left, stayed) < least:
            why = (
                f"At the {name} cut {left:,} left and {stayed:,} stayed; at least {least} of each "
                "are needed. Try a longer log, or another horizon."
            )
            return _nothing(why, cuts)
    generator = np.random.default_rng(study.seed) if rng is None else rng
    return _judge(train, test, features, study=study, rng=generator, cuts=cuts)


def make_panel(
    rows: pd.DataFrame,
    study: Study,
    *,
    cut: pd.Timestamp,
    horizon: pd.Timedelta,
    window: pd.Timedelta,
    staying: tuple[str, ...] | None = None,
) -> pd.DataFrame:
    """Return one row per customer seen in the window before ``cut``: features and ``left``.

    Parameters
    ----------
    rows : DataFrame
        Contacts of known customers, by customer and time.
    cut : Timestamp
        Contacts up to the end of this day are before it.
    horizon, window : Timedelta
    staying : tuple of touchpoints, optional
        Only contacts there show that someone stays; all by default.

    Returns
    -------
    DataFrame
        ``customer_id``, the features of ``FEATURES``, ``left`` (1.0 or 0.0).
    """
    moment = cut.normalize() + pd.Timedelta(days=1)
    past = rows[rows[TIME] < moment]
    seen = past[past[TIME] >= moment - window]
    after = rows[(rows[TIME] >= moment) & (rows[TIME] < moment + horizon)]
    if staying is not None:
        after = after[after[TOUCHPOINT].isin(staying)]
    rules = study.events
    by = seen.groupby(CUSTOMER, sort=True)
    index = by.size().index
    first = past.groupby(CUSTOMER)[TIME].min().reindex(index)
    gaps = seen[TIME].diff().where(seen[CUSTOMER].eq(seen[CUSTOMER].shift()))
    counts = {
        name: seen[seen[TOUCHPOINT].isin(ids)].groupby(CUSTOMER).size().reindex(index).fillna(0)
        for name, ids in (
            ("purchases", rules.purchase if rules else ()),
            ("complaints", rules.complaint if rules else ()),
        )
    }
    idle = seen[seen[TOUCHPOINT].isin(rules.nothing_gained if rules else ())]
    seconds = idle[SECONDS] if SECONDS in idle.columns else pd.Series(0.0, index=idle.index)
    minutes = seconds.fillna(0).groupby(idle[CUSTOMER]).sum().reindex(index).fillna(0) / 60
    channels = by[CHANNEL].nunique() if CHANNEL in seen.columns else by.size() * 0
    wait = _days(gaps).groupby(seen[CUSTOMER]).max().reindex(index).fillna(0)
    return pd.DataFrame(
        {
            "recency": np.log1p(_days(moment - by[TIME].max())),
            "frequency": np.log1p(by.size()),
            "tenure": np.log1p(_days(moment - first)),
            "channels": channels.astype(float),
            "purchases": np.log1p(counts["purchases"]),
            "complaints": (counts["complaints"] > 0).astype(float),
            "nothing_gained": np.log1p(minutes),
            "longest_wait": np.log1p(wait),
            "left": (~index.isin(after[CUSTOMER])).astype(float),
        },
        index=index,
    ).reset_index()


def _days(spans: pd.Series) -> pd.Series:
    days: pd.Series = spans.dt.total_seconds() / 86_400
    return days


def _contacts(interactions: Any) -> pd.DataFrame:
    frame = interactions if isinstance(interactions, pd.DataFrame) else interactions.table
    require_columns(frame, [CUSTOMER, TIME, TOUCHPOINT], caller="predict_churn")
    rows = frame[frame[CUSTOMER].notna() & frame[TIME].notna()]
    if rows.empty:
        raise TooFewError("predict_churn: there must be contacts of known customers; got none.")
    return rows.sort_values([CUSTOMER, TIME], kind="stable", ignore_index=True)


def _staying(outcome: str, study: Study) -> tuple[str, ...] | None:
    if outcome == "contact":
        return None
    if outcome != "purchase":
        raise JourneyError(
            f"predict_churn: outcome must be 'contact' or 'purchase'; got {outcome!r}."
        )
    return study.events.purchase if study.events else ()


def _positive(days: int, name: str) -> int:
    if days <= 0:
        raise JourneyError(f"predict_churn: {name} must be above 0; got {days}. Try 90.")
    return days


def _judge(
    train: pd.DataFrame,
    test: pd.DataFrame,
    features: list[str],
    *,
    study: Study,
    rng: np.random.Generator,
    cuts: dict[str, Any],
) -> ChurnModel:
    level = study.level
    y, truth = train["left"].to_numpy(float), test["left"].to_numpy(float)
    predicted = {}
    for name, chosen in (("all features", features), ("recency alone", ["recency"])):
        x = _standardise(train, chosen, train)
        beta, covariance = fit_logistic(x, y)
        predicted[name] = special.expit(_standardise(test, chosen, train) @ beta)
        if name == "all features":
            table = _coefficient_table(chosen, beta, covariance, level=level, n=len(y))
    predicted["base rate"] = np.full(len(truth), y.mean())
    scores = _score_table(predicted, truth, level=level, rng=rng)
    slope, intercept = _calibrate(predicted["all features"], truth)
    gains = scores[scores["model"].str.startswith("gain") & scores["low"].le(0)]
    auc = scores[(scores["model"] == "all features") & (scores["measure"] == "auc")].iloc[0]
    better = gains.empty
    baseline = "" if better else f" Not surely better: {', '.join(gains['model'].unique())}."
    doubt = ""
    if auc["estimate"] > TOO_GOOD:
        doubt = (
            " That is too good for people's choices: contacts may go on by themselves (a parcel "
            "under way); try outcome='purchase'."
        )
    why = (
        f"Learned at {cuts['train']:%Y-%m-%d}, judged at {cuts['test']:%Y-%m-%d} on "
        f"{len(truth):,} customers of whom {truth.mean():.0%} left: AUC {auc['estimate']:.3f} "
        f"[{auc['low']:.3f}, {auc['high']:.3f}], calibration slope {slope:.2f}.{baseline}{doubt}"
    )
    return ChurnModel(
        scores, table, _tenths(predicted["all features"], truth, level),
        {"slope": slope, "intercept": intercept},
        pd.DataFrame(
            {CUSTOMER: test[CUSTOMER], "predicted": predicted["all features"], "left": truth}
        ),
        "better than the baselines" if better else "no better than baseline", why, cuts,
        study.language,
    )  # fmt: skip


def _standardise(panel: pd.DataFrame, features: list[str], train: pd.DataFrame) -> Floats:
    centre = train[features].mean().to_numpy(float)
    scale = train[features].std(ddof=0).to_numpy(float)
    x = (panel[features].to_numpy(float) - centre) / scale
    return np.column_stack([np.ones(len(x)), x])


def _coefficient_table(
    features: list[str], beta: Floats, covariance: Floats, *, level: float, n: int
) -> pd.DataFrame:
    error = np.sqrt(np.diag(covariance))[1:]
    half = normal_quantile(level) * error
    b = beta[1:]
    return pd.DataFrame(
        {
            "feature": features, "meaning": [FEATURES[f] for f in features], "estimate": b,
            "low": b - half, "high": b + half, "odds_ratio": np.exp(b), "level": level, "n": n,
            "method": "logistic, weak ridge",
        }
    )  # fmt: skip


def _score_table(
    predicted: dict[str, Floats], truth: Floats, *, level: float, rng: np.random.Generator
) -> pd.DataFrame:
    n = len(truth)
    names = list(predicted)
    squares = np.array([(predicted[name] - truth) ** 2 for name in names])

    def measure(w: Floats) -> Floats:
        auc = [measure_auc(predicted[name], truth, w) for name in names]
        return np.concatenate([auc, squares @ w / w.sum()])

    point = measure(np.ones(n))
    draws = np.array(
        [measure(w) for w in rng.multinomial(n, np.full(n, 1 / n), RESAMPLES).astype(float)]
    )
    edges = [(1 - level) / 2, (1 + level) / 2]
    rows = []
    k = len(names)
    for j, name in enumerate(names):
        for measure_name, i in (("auc", j), ("brier", k + j)):
            low, high = np.nanquantile(draws[:, i], edges)
            rows.append((name, measure_name, point[i], low, high))
    for baseline, measure_name, i, i0, sign in (
        ("recency alone", "auc", 0, 1, 1), ("base rate", "brier", k, k + 2, -1),
    ):  # fmt: skip
        gain = sign * (draws[:, i] - draws[:, i0])
        low, high = np.nanquantile(gain, edges)
        name = f"gain over {baseline}"
        rows.append((name, measure_name, sign * (point[i] - point[i0]), low, high))
    table = pd.DataFrame(rows, columns=["model", "measure", "estimate", "low", "high"])
    return table.assign(level=level, n=n, method="bootstrap over customers")


def _calibrate(predicted: Floats, truth: Floats) -> tuple[float, float]:
    logit = special.logit(np.clip(predicted, 1e-9, 1 - 1e-9))
    beta, _ = fit_logistic(np.column_stack([np.ones(len(logit)), logit]), truth, ridge=0.0)
    return float(beta[1]), float(beta[0])


def _tenths(predicted: Floats, truth: Floats, level: float) -> pd.DataFrame:
    order = stats.rankdata(predicted, method="ordinal") - 1
    tenth = (order * 10 // len(order)).astype(int)
    n = np.bincount(tenth, minlength=10)
    left = np.bincount(tenth, weights=truth, minlength=10)
    chance = np.bincount(tenth, weights=predicted, minlength=10)
    low, high = wilson_bounds(left, n, level=level)
    return pd.DataFrame(
        {
            "predicted": chance / n, "estimate": left / n, "low": low, "high": high,
            "level": level, "n": n, "method": "Wilson",
        }
    )  # fmt: skip


def _nothing(why: str, cuts: dict[str, Any]) -> ChurnModel:
    return ChurnModel(
        pd.DataFrame(columns=["model", "measure", "estimate", "low", "high", "level", "n"]),
        pd.DataFrame(columns=["feature", "meaning", "estimate", "low", "high", "odds_ratio"]),
        pd.DataFrame(columns=["predicted", "estimate", "low", "high", "level", "n", "method"]),
        {}, pd.DataFrame(columns=[CUSTOMER, "predicted", "left"]), "too few", why, cuts,
    )  # fmt: skip
