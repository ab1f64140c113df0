"""Do coders agree? Krippendorff's alpha and Cohen's kappa, with their uncertainty."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.columns import CODE, CODER, INTERVIEW, ROLE, TEXT, TURN
from cjlib.errors import JourneyError, TooFewError
from cjlib.intervals import Estimate, require_level, unknown
from cjlib.interviews.model import Interviews
from cjlib.interviews.roles import PARTICIPANT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
METRICS: Final = ("nominal", "ordinal", "interval", "ratio")
RESAMPLES: Final = 1_000
ALL_CODES: Final = "all codes"


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """What ``measure_agreement`` found.

    Attributes
    ----------
    table : DataFrame
        One row per code and measure, ``all codes`` first: ``code, measure`` (alpha or
        kappa), ``estimate, low, high, level, n`` (turns that two coders or more judged),
        ``method, coders, applied`` (share of the judgements that gave the code).
    disagreements : DataFrame
        One row per turn, code and coder wherever coders differ: ``interview_id, turn, code,
        coder, applied, text``; to be talked through.
    labels : dict of str to str
        Code to its label in the study's language.
    language : "en" or "fa"
    """

    table: pd.DataFrame
    disagreements: pd.DataFrame
    labels: dict[str, str] = field(default_factory=dict)
    language: str = "en"

    def summary(self) -> str:
        """Return the overall alpha and the weakest code in one sentence."""
        alphas = self.table[self.table["measure"] == "alpha"].dropna(subset="estimate")
        if alphas.empty:
            return "Agreement between coders is not known: too few turns were coded twice."
        first = alphas.iloc[0]
        sentence = (
            f"Krippendorff's alpha over {first[CODE]} is {first['estimate']:.2f} "
            f"[{first['low']:.2f}, {first['high']:.2f}] on {first['n']:,} turns"
        )
        codes = alphas[alphas[CODE] != ALL_CODES]
        if codes.empty:
            return sentence + "."
        weakest = codes.sort_values(["estimate", CODE], kind="stable").iloc[0]
        return f"{sentence}; coders agree least on '{weakest[CODE]}' ({weakest['estimate']:.2f})."

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw alpha with its interval, code by code."""
        from cjlib import plots

        return plots.draw_agreement(self.table, labels=self.labels, language=self.language, ax=ax)


def measure_agreement(
    interviews: Interviews,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    minimum: int = 30,
) -> Agreement:
    """Measure how far coders agree, for each code and for all of them.

    A unit is a turn: each participant's turn (and each other turn that anybody coded) of
    an interview that at least two coders worked on. A coder who marked anything in an
    interview judged all its turns: those left unmarked are a "no". So alpha and kappa are
    on yes/no judgements, chance taken out; that nobody marks most turns does not flatter
    them. ``all codes`` pools the judgements of every code.

    Intervals are percentiles of resampled turns; turns of one interview are alike, so
    they are rather too narrow than too wide.

    Parameters
    ----------
    interviews : Interviews
    rng : Generator
        For resampling.
    level : float, 0 to 1
    minimum : int
        Below this many turns the estimate is not given.

    Raises
    ------
    TooFewError
        If no interview was coded by two coders or more.

    References
    ----------
    Krippendorff, K. (2019). Content Analysis, 4th ed., ch. 12 (alpha).
    Cohen, J. (1960). Educational and Psychological Measurement 20, 37-46 (kappa; with more
    than two coders the mean over pairs: Light, 1971, Psychological Bulletin 76, 365-377).
    """
    require_level(level, caller="measure_agreement")
    judged = _judge(interviews)
    if judged.empty:
        raise TooFewError(
            "measure_agreement: at least two coders must have coded the same interview; none was. "
            "Have a second person code a few interviews, and add the rows to the coding file."
        )
    coders = sorted(judged[CODER].unique())
    units = pd.MultiIndex.from_frame(judged[[INTERVIEW, TURN]].drop_duplicates())
    codes = sorted(judged[CODE].unique())
    cube = np.full((len(codes), len(coders), len(units)), np.nan)
    cube[
        pd.Index(codes).get_indexer(judged[CODE]),
        pd.Index(coders).get_indexer(judged[CODER]),
        units.get_indexer(pd.MultiIndex.from_frame(judged[[INTERVIEW, TURN]])),
    ] = judged["applied"]
    rows = []
    for code, values in [(ALL_CODES, cube), *zip(codes, cube[:, None], strict=True)]:
        for measure, found in _estimate_both(values, rng, level, minimum).items():
            rows.append(
                {CODE: code, "measure": measure, **found.as_dict(),
                 "coders": len(coders), "applied": float(np.nanmean(values))}
            )  # fmt: skip
    return Agreement(
        pd.DataFrame(rows),
        _find_disagreements(judged, interviews.utterances),
        {code: interviews.label(code) for code in codes},
        interviews.language,
    )


def krippendorff_alpha(values: npt.ArrayLike, *, metric: str = "nominal") -> float:
    """Krippendorff's alpha: 1 - observed disagreement / that expected by chance.

    Parameters
    ----------
    values : array, coders x units, of float
        Missing (NaN) where a coder did not judge a unit; units with fewer than two
        judgements drop out.
    metric : "nominal", "ordinal", "interval" or "ratio"
        What counts as a difference: any; ranks between; distance; distance for its size
        (values then must not be negative).

    Returns
    -------
    float
        At most 1; 0 is what chance gives; missing where all judgements are the same value,
        for then nothing can be told.

    References
    ----------
    Krippendorff, K. (2011). Computing Krippendorff's Alpha-Reliability. University of
    Pennsylvania.
    """
    if metric not in METRICS:
        raise JourneyError(
            f"krippendorff_alpha: metric must be one of {', '.join(METRICS)}; got {metric!r}."
        )
    table = np.asarray(values, dtype=float)
    levels = np.unique(table[~np.isnan(table)])
    counts = (table[:, :, None] == levels).sum(axis=0).astype(float)  # units x levels
    counts = counts[counts.sum(axis=1) >= 2]
    if not len(counts):
        return float("nan")
    pairs = counts[:, :, None] * counts[:, None, :]
    pairs -= counts[:, :, None] * np.eye(len(levels))
    observed = (pairs / (counts.sum(axis=1) - 1)[:, None, None]).sum(axis=0)
    totals = counts.sum(axis=0)
    expected = (np.outer(totals, totals) - np.diag(totals)) / (totals.sum() - 1)
    distance = _distances(levels, totals, metric)
    chance = float((expected * distance).sum())
    return 1 - float((observed * distance).sum()) / chance if chance > 0 else float("nan")


def cohen_kappa(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Cohen's kappa of two coders' judgements; units that one of them left out drop out.

    (agreement - agreement by chance) / (1 - agreement by chance), chance from each coder's
    own shares. Missing where both give one and the same value throughout.
    """
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    both = ~np.isnan(a) & ~np.isnan(b)
    a, b = a[both], b[both]
    if not len(a):
        return float("nan")
    levels = np.unique(np.concatenate([a, b]))
    chance = sum(float((a == v).mean() * (b == v).mean()) for v in levels)
    return (float((a == b).mean()) - chance) / (1 - chance) if chance < 1 else float("nan")


def _distances(levels: Floats, totals: Floats, metric: str) -> Floats:
    """Squared differences between levels."""
    size = len(levels)
    if metric == "nominal":
        return 1 - np.eye(size)
    if metric == "interval":
        return np.asarray((levels[:, None] - levels) ** 2)
    if metric == "ratio":
        sums = levels[:, None] + levels
        gaps = levels[:, None] - levels
        return np.asarray(np.divide(gaps, sums, out=np.zeros_like(sums), where=sums != 0) ** 2)
    below = np.concatenate([[0.0], np.cumsum(totals)])
    middle = (below[:-1] + below[1:]) / 2  # mean rank of each level
    return np.asarray((middle[:, None] - middle) ** 2)


def _judge(interviews: Interviews) -> pd.DataFrame:
    """One row per turn, code and coder who worked on the interview: applied, 0 or 1."""
    codings = interviews.codings
    worked = codings[[INTERVIEW, CODER]].drop_duplicates()
    worked = worked[worked.groupby(INTERVIEW)[CODER].transform("size") >= 2]
    spoken = interviews.utterances
    own = spoken.loc[spoken[ROLE] == PARTICIPANT, [INTERVIEW, TURN]]
    units = pd.concat([own, codings[[INTERVIEW, TURN]]]).drop_duplicates()
    every = worked.merge(units, on=INTERVIEW)
    codes = codings.loc[codings[INTERVIEW].isin(worked[INTERVIEW]), [CODE]].drop_duplicates()
    every = every.merge(codes, how="cross")
    marked = codings[[INTERVIEW, TURN, CODER, CODE]].drop_duplicates().assign(applied=1.0)
    every = every.merge(marked, how="left", on=[INTERVIEW, TURN, CODER, CODE])
    every["applied"] = every["applied"].fillna(0.0)
    order = [INTERVIEW, TURN, CODE, CODER]
    return every.sort_values(order, kind="stable", ignore_index=True)


def _estimate_both(
    values: Floats, rng: np.random.Generator, level: float, minimum: int
) -> dict[str, Estimate]:
    """Alpha and kappa of yes/no judgements (codes x coders x units), resampling units."""
    yes, no = (np.nansum(values == v, axis=1) for v in (1.0, 0.0))  # codes x units
    judges = yes + no
    pairable = judges >= 2
    n = int(pairable.any(axis=0).sum())
    pairs = list(combinations(range(values.shape[1]), 2))
    name = "Cohen's kappa" if len(pairs) == 1 else "mean Cohen's kappa over pairs"
    methods = {"alpha": "Krippendorff's alpha, nominal", "kappa": name}
    if n < minimum:
        return {m: unknown(n, level=level, why=f"too few (n < {minimum})") for m in methods}
    with np.errstate(divide="ignore", invalid="ignore"):
        disagreement = np.where(pairable, 2 * yes * no / (judges - 1), 0.0).sum(axis=0)
    totals = [np.where(pairable, part, 0).sum(axis=0) for part in (yes, no)]
    cells = [_pair_cells(values, a, b) for a, b in pairs]  # each: 4 x units
    features = np.vstack([disagreement, *totals, *[row for cell in cells for row in cell]]).T
    patterns, counts = np.unique(features, axis=0, return_counts=True)
    draws = rng.multinomial(counts.sum(), counts / counts.sum(), size=RESAMPLES)
    weights = np.vstack([counts, draws]).astype(float)
    sums = weights @ patterns  # the sample itself first, then the resamples
    results = {"alpha": _alpha(sums[:, 0], sums[:, 1], sums[:, 2])}
    kappas = [_kappa(sums[:, 3 + 4 * i : 7 + 4 * i]) for i in range(len(pairs))]
    results["kappa"] = _mean_known(np.array(kappas))
    tail = (1 - level) / 2
    found = {}
    for measure, drawn in results.items():
        if np.isnan(drawn[0]):
            found[measure] = unknown(n, level=level, why="all judgements are the same")
            continue
        low, high = np.quantile(drawn[1:][~np.isnan(drawn[1:])], [tail, 1 - tail])
        method = f"{methods[measure]}, bootstrap over turns"
        found[measure] = Estimate(float(drawn[0]), float(low), float(high), level, n, method)
    return found


def _pair_cells(values: Floats, a: int, b: int) -> list[Floats]:
    """Count per unit yes-yes, yes-no, no-yes and no-no of two coders."""
    first, second = values[:, a], values[:, b]
    return [
        ((first == x) & (second == y)).sum(axis=0).astype(float)
        for x in (1.0, 0.0)
        for y in (1.0, 0.0)
    ]


def _alpha(disagreement: Floats, yes: Floats, no: Floats) -> Floats:
    n = yes + no
    with np.errstate(divide="ignore", invalid="ignore"):
        chance = 2 * yes * no / (n - 1)
        return np.where(chance > 0, 1 - disagreement / chance, np.nan)


def _kappa(cells: Floats) -> Floats:
    both, first, second, neither = cells.T
    n = cells.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        agree = (both + neither) / n
        chance = ((both + first) * (both + second) + (neither + first) * (neither + second)) / n**2
        return np.where(chance < 1, (agree - chance) / (1 - chance), np.nan)


def _mean_known(values: Floats) -> Floats:
    """Mean over rows, missing values left out."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0.0).sum(axis=0) / known.sum(axis=0))


def _find_disagreements(judged: pd.DataFrame, utterances: pd.DataFrame) -> pd.DataFrame:
    group = judged.groupby([INTERVIEW, TURN, CODE])["applied"]
    differ = judged[group.transform("min") != group.transform("max")]
    said = utterances[[INTERVIEW, TURN, TEXT]]
    found = differ.merge(said, how="left", on=[INTERVIEW, TURN])
    found["applied"] = found["applied"].astype(bool)
    return found[[INTERVIEW, TURN, CODE, CODER, "applied", TEXT]]
