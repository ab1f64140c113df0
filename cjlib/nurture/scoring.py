"""The lead score: the chance to reach a further stage, learned, checked later, or stated points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy import special

from cjlib.columns import CUSTOMER, ESTIMATE, HIGH, LEVEL, LOW, METHOD, STAGE, TIME, TOUCHPOINT, N
from cjlib.intervals import Floats
from cjlib.nurture.leads import contacts_of, find_lead_stages, lead_stages
from cjlib.prediction import FEATURES, fit_logistic, make_panel, measure_auc
from cjlib.prediction.held_out import calibrate, score_by_customer
from cjlib.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEWEST: Final = 50  # who went on, and who did not, at each cut: fewer say nothing
RESAMPLES: Final = 200
MODEL: Final = "next stage, model"
ALONE: Final = "next stage, share by stage"
POINTS: Final = "points"
NONE: Final = "none"
SCORES: Final = ("model", "baseline", "measure", ESTIMATE, LOW, HIGH, LEVEL, N, METHOD)
CALIBRATION: Final = ("predicted", ESTIMATE, LOW, HIGH, LEVEL, N, METHOD)


@dataclass(frozen=True, slots=True, eq=False)
class LeadScores:
    """What ``score_leads`` found.

    Attributes
    ----------
    table : DataFrame
        One row per customer with a contact: ``customer_id, stage, score`` on the last day;
        missing at the last stage (nothing is next), and for the rule "next_stage" without a
        contact in the window.
    checks : DataFrame
        How the score did on the latest horizon, which it had not seen: ``model, baseline,
        measure`` (auc, brier; rows with a baseline are gains over it, above 0 better),
        ``estimate, low, high, level, n, method``.
    calibration : DataFrame
        Tenths of the leads by score: ``predicted`` (mean score), ``estimate`` (share that went
        on) with its interval.
    rule : str
        "next stage, model", "next stage, share by stage" (where the model is not surely
        better), "points" or "none" (too few to learn from).
    why : str
        What the rule rests on, in words.
    language : str
    """

    table: pd.DataFrame
    checks: pd.DataFrame
    calibration: pd.DataFrame
    rule: str
    why: str
    language: str = "en"

    def summary(self) -> str:
        """Say which rule scores the leads, and how well it does."""
        return f"Lead score: {self.rule}. {self.why}"

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the share that went on against the score."""
        from cjlib import plots

        return plots.draw_lead_scores(
            self.calibration, points=self.rule == POINTS, language=self.language, ax=ax
        )


def score_leads(
    study: Study, interactions: Any, *, rng: np.random.Generator | None = None
) -> LeadScores:
    """Score every lead on the last day of the log, and check the score on the latest horizon.

    With ``nurture.score.rule: next_stage`` the score is the chance to reach a further nurture
    stage within ``horizon_days``, for leads with a contact in the ``window_days`` before and a
    stage still ahead. It is learned at a cut two horizons before the end and checked at the
    cut one horizon before, beside the share that went on at each stage; a logistic model of
    the stage and the features of ``predict_churn`` is used only where its squared error is
    surely smaller than that of the share by stage. The chosen rule then learns anew at the
    later cut, the latest whose outcome is known, for today's scores.

    With ``rule: points`` the score is the sum of the study's points: for each line the number
    of contacts in the window times its points, at most ``most``; it is checked in the same way.

    Parameters
    ----------
    study : Study
    interactions : Interactions or its table
    rng : Generator, optional
        For the bootstrap of the AUC; seeded by the study where not given.

    Returns
    -------
    LeadScores
        With rule "none" and no score where fewer than 50 went on, or stayed, at either cut, or
        the log is too short.
    """
    rows = contacts_of(interactions)
    rules = study.nurture.scoring
    horizon, window = (pd.Timedelta(days=d) for d in (rules.horizon_days, rules.window_days))
    last = rows[TIME].max().normalize()
    cuts = [last - 2 * horizon, last - horizon, last]
    first = rows[TIME].min().normalize()
    why, panels = "", []
    if cuts[0] - window < first - pd.Timedelta(days=1):
        why = f"the log must begin by {cuts[0] - window:%Y-%m-%d}; it begins on {first:%Y-%m-%d}"
    else:
        panels = [_make_leads(rows, study, cut=cut, horizon=horizon, window=window) for cut in cuts]
    for cut, panel in zip(cuts[:2], panels[:2], strict=False):
        went, stayed = int(panel["went"].sum()), int((1 - panel["went"]).sum())
        if not why and min(went, stayed) < FEWEST:
            why = (
                f"at {cut:%Y-%m-%d} {went:,} leads went on within {rules.horizon_days} days and "
                f"{stayed:,} did not; {FEWEST} of each are needed"
            )
    generator = np.random.default_rng(study.seed) if rng is None else rng
    if rules.rule == POINTS:
        return _score_by_points(study, rows, panels, why, generator)
    if why:
        return LeadScores(_tell(rows, study, None), _none(SCORES), _none(CALIBRATION), NONE,
                          f"Nobody is scored: {why}.", study.language)  # fmt: skip
    return _score_by_chance(study, rows, panels, cuts, generator)


def _make_leads(
    rows: pd.DataFrame,
    study: Study,
    *,
    cut: pd.Timestamp,
    horizon: pd.Timedelta,
    window: pd.Timedelta,
) -> pd.DataFrame:
    """Leads seen in the window before a cut with a stage ahead: features, and who went on."""
    moment = cut + pd.Timedelta(days=1)
    panel = make_panel(rows, study, cut=cut, horizon=horizon, window=window).drop(columns="left")
    now = find_lead_stages(study, rows, until=moment).set_index(CUSTOMER)["place"]
    later = find_lead_stages(study, rows, until=moment + horizon).set_index(CUSTOMER)["place"]
    panel["place"] = now.reindex(panel[CUSTOMER]).to_numpy(dtype=int)
    panel["went"] = (later.reindex(panel[CUSTOMER]).to_numpy(dtype=int) > panel["place"]) * 1.0
    return panel[panel["place"] < len(lead_stages(study)) - 1].reset_index(drop=True)


def _score_by_chance(
    study: Study,
    rows: pd.DataFrame,
    panels: list[pd.DataFrame],
    cuts: list[pd.Timestamp],
    rng: np.random.Generator,
) -> LeadScores:
    train, test, now = panels
    truth = test["went"].to_numpy(float)
    told = {
        MODEL: _predict(train, test),
        ALONE: _share_by_stage(train, test, len(lead_stages(study))),
    }
    checks = _check(told, truth, study, rng)
    gain = checks[checks["baseline"].ne("")].iloc[0]
    rule = MODEL if gain[LOW] > 0 else ALONE
    calibration = _calibration(told[rule], truth, study)
    score = (
        _predict(test, now) if rule == MODEL
        else _share_by_stage(test, now, len(lead_stages(study)))
    )  # fmt: skip
    auc = checks[checks["model"].eq(rule) & checks["measure"].eq("auc")].iloc[0]
    better = "surely better" if rule == MODEL else "not surely better"
    days = study.nurture.scoring.horizon_days
    why = (
        f"Chance to reach a further stage within {days} days. Learned at {cuts[0]:%Y-%m-%d}, "
        f"checked at {cuts[1]:%Y-%m-%d} on {len(test):,} leads of whom {truth.mean():.1%} went "
        f"on: AUC {auc[ESTIMATE]:.3f} [{auc[LOW]:.3f}, {auc[HIGH]:.3f}]; a model of what they did "
        f"is {better} than the share by stage (squared error smaller by {gain[ESTIMATE]:.4f} "
        f"[{gain[LOW]:.4f}, {gain[HIGH]:.4f}])."
    )
    known = pd.Series(score, index=now[CUSTOMER])
    return LeadScores(_tell(rows, study, known), checks, calibration, rule, why, study.language)


def _score_by_points(
    study: Study,
    rows: pd.DataFrame,
    panels: list[pd.DataFrame],
    why: str,
    rng: np.random.Generator,
) -> LeadScores:
    rules = study.nurture.scoring
    last = rows[TIME].max().normalize() + pd.Timedelta(days=1)
    window, horizon = (pd.Timedelta(days=d) for d in (rules.window_days, rules.horizon_days))
    table = _tell(rows, study, count_points(study, rows, start=last - window, end=last))
    if why:
        text = f"Points as study.yaml states them; they cannot be checked: {why}."
        return LeadScores(table, _none(SCORES), _none(CALIBRATION), POINTS, text, study.language)
    end = last - horizon
    points = count_points(study, rows, start=end - window, end=end)
    test = panels[1]
    told = test[CUSTOMER].map(points).fillna(0.0).to_numpy(float)
    truth = test["went"].to_numpy(float)
    checks = _check({POINTS: told}, truth, study, rng)
    auc = checks.iloc[0]
    text = (
        f"Points as study.yaml states them. Checked on {len(test):,} leads of whom "
        f"{truth.mean():.1%} went on within {rules.horizon_days} days: AUC {auc[ESTIMATE]:.3f} "
        f"[{auc[LOW]:.3f}, {auc[HIGH]:.3f}] (0.5 is no better than chance)."
    )
    calibration = _calibration(told, truth, study)
    return LeadScores(table, checks, calibration, POINTS, text, study.language)


def count_points(
    study: Study, rows: pd.DataFrame, *, start: pd.Timestamp, end: pd.Timestamp
) -> pd.Series:
    """Return the points of every customer with a contact from ``start`` up to ``end``."""
    seen = rows[(rows[TIME] >= start) & (rows[TIME] < end)]
    total = pd.Series(0.0, index=pd.Index(seen[CUSTOMER].unique(), name=CUSTOMER))
    for line in study.nurture.scoring.points:
        times = seen[seen[TOUCHPOINT].isin(line.at)].groupby(CUSTOMER).size()
        earned = times * line.points
        if line.most is not None:
            earned = earned.clip(upper=line.most)
        total = total.add(earned, fill_value=0.0)
    return total


def _tell(rows: pd.DataFrame, study: Study, score: pd.Series | None) -> pd.DataFrame:
    leads = find_lead_stages(study, rows)[[CUSTOMER, STAGE, "place"]]
    known = leads[CUSTOMER].map(score) if score is not None else np.nan
    leads["score"] = pd.Series(known, index=leads.index, dtype=float)
    last = leads["place"] == len(lead_stages(study)) - 1
    leads["score"] = leads["score"].mask(last)
    return leads.drop(columns="place")


def _predict(train: pd.DataFrame, test: pd.DataFrame) -> Floats:
    """Chance of each lead of ``test`` by a logistic model learned on ``train``."""
    stages = sorted(train["place"].unique())[1:]
    names = [name for name in FEATURES if train[name].std() > 0]
    centre, scale = train[names].mean().to_numpy(float), train[names].std(ddof=0).to_numpy(float)

    def design(panel: pd.DataFrame) -> Floats:
        x = (panel[names].to_numpy(float) - centre) / scale
        dummies = [(panel["place"] == place).to_numpy(float) for place in stages]
        return np.column_stack([np.ones(len(panel)), x, *dummies])

    beta, _ = fit_logistic(design(train), train["went"].to_numpy(float))
    return np.asarray(special.expit(design(test) @ beta), dtype=float)


def _share_by_stage(train: pd.DataFrame, test: pd.DataFrame, stages: int) -> Floats:
    """Share that went on at the lead's stage, one even observation of all stages' share added."""
    place = train["place"].to_numpy() + 1
    went = np.bincount(place, train["went"], minlength=stages + 1)
    all_of_it = np.bincount(place, minlength=stages + 1)
    share = (went + train["went"].mean()) / (all_of_it + 1)
    return np.asarray(share[test["place"].to_numpy() + 1], dtype=float)


def _check(
    told: dict[str, Floats], truth: Floats, study: Study, rng: np.random.Generator
) -> pd.DataFrame:
    n, level = len(truth), study.level
    owner = np.arange(n)
    draws = rng.multinomial(n, np.full(n, 1 / n), RESAMPLES).astype(float)
    out: list[dict[str, Any]] = []
    for name, score in told.items():
        low, high = np.nanquantile(
            [measure_auc(score, truth, w) for w in draws], [(1 - level) / 2, (1 + level) / 2]
        )
        out.append(
            {"model": name, "baseline": "", "measure": "auc", ESTIMATE: measure_auc(score, truth),
             LOW: low, HIGH: high, LEVEL: level, N: n, METHOD: "bootstrap over customers"}
        )  # fmt: skip
    squares = {name: (score - truth) ** 2 for name, score in told.items() if name != POINTS}

    def mean(name: str, baseline: str, values: Floats) -> None:
        found = score_by_customer(values, owner, level=level, minimum_base=1)
        row = {"model": name, "baseline": baseline, "measure": "brier", **found.as_dict()}
        out.append(row | {METHOD: "t, by customer"})

    for name, values in squares.items():
        mean(name, "", values)
    if MODEL in squares:
        mean(MODEL, ALONE, squares[ALONE] - squares[MODEL])
    return pd.DataFrame(out, columns=list(SCORES))


def _calibration(score: Floats, truth: Floats, study: Study) -> pd.DataFrame:
    found = calibrate(
        score, truth > 0, np.arange(len(truth)), level=study.level,
        minimum_base=study.privacy.minimum_base,
    )  # fmt: skip
    return found[list(CALIBRATION)]


def _none(columns: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns))
