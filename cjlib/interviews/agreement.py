"""Do coders agree? Five measures with their uncertainty, code by code."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from cjlib.columns import CODE, CODER, INTERVIEW, ROLE, TEXT, TURN, VALENCE
from cjlib.errors import JourneyError, TooFewError
from cjlib.intervals import Estimate, Floats, require_level, unknown
from cjlib.interviews.coefficients import (
    FEWEST_GROUPS,
    estimate_alpha,
    resample_sums,
    to_estimate,
)
from cjlib.interviews.model import Interviews
from cjlib.interviews.roles import PARTICIPANT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ALL_CODES: Final = "all codes"
UNIT: Final = "a unit is a turn x code: did the coder give this code to this turn, yes or no"
RARE: Final = 0.1  # a code given to fewer turns, or to all but so few, makes kappa and alpha low
HIGH: Final = 0.8  # agreement that is high for all that
LOW: Final = 0.667  # Krippendorff's bound below which nothing should rest on a code
MEASURES: Final = {
    "alpha": "Krippendorff's alpha, nominal", "kappa": "Cohen's kappa", "ac1": "Gwet's AC1",
    "agreement": "share of coder pairs that agree", "positive": "agreement on what was coded",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """What ``measure_agreement`` found.

    Attributes
    ----------
    table : DataFrame
        One row per code and measure, ``all codes`` first: ``code, measure`` (alpha, kappa,
        ac1, agreement, positive; see ``measure_agreement``), ``estimate, low, high, level, n``
        (turns that two coders or more judged), ``method`` (with what was resampled),
        ``coders, applied`` (share of the judgements that gave the code), ``note`` (the kappa
        paradox, where it shows; else empty).
    disagreements : DataFrame
        One row per turn, code and coder wherever coders differ: ``interview_id, turn, code,
        coder, applied, text``; to be talked through.
    labels : dict of str to str
        Code to its label in the study's language.
    language : "en" or "fa"
    unit : str
        What was judged, in words.
    """

    table: pd.DataFrame
    disagreements: pd.DataFrame
    labels: dict[str, str] = field(default_factory=dict)
    language: str = "en"
    unit: str = UNIT

    def summary(self) -> str:
        """Return the overall alpha, the weakest code and any paradox in one sentence."""
        alphas = self.table[self.table["measure"] == "alpha"].dropna(subset="estimate")
        if alphas.empty:
            return "Agreement between coders is not known: too few turns were coded twice."
        first = alphas.iloc[0]
        sentence = f"Krippendorff's alpha over {first[CODE]} is {first['estimate']:.2f} "
        if pd.notna(first["low"]):
            sentence += f"[{first['low']:.2f}, {first['high']:.2f}] "
        sentence += f"on {first['n']:,} turns ({self.unit})"
        codes = alphas[alphas[CODE] != ALL_CODES]
        if codes.empty:
            return sentence + "."
        weakest = codes.sort_values(["estimate", CODE], kind="stable").iloc[0]
        sentence += f"; coders agree least on '{weakest[CODE]}' ({weakest['estimate']:.2f})"
        odd = codes[codes["note"].ne("")]
        if len(odd):
            sentence += f"; for {len(odd)} rare or common codes read AC1 and agreement beside it"
        return sentence + "."

    def plot(self, *, measure: str = "alpha", ax: Axes | None = None) -> Axes:
        """Draw a measure with its interval, code by code; ``measure="all"`` draws four."""
        from cjlib import plots

        shown = ["alpha", "kappa", "ac1", "agreement"] if measure == "all" else [measure]
        return plots.draw_agreement(
            self.table, measures=shown, labels=self.labels, language=self.language, ax=ax
        )


def measure_agreement(
    interviews: Interviews,
    *,
    rng: np.random.Generator,
    resample: str = "turn",
    level: float = 0.95,
    minimum: int = 30,
) -> Agreement:
    """Measure how far coders agree, for each code and for all of them.

    A unit is a turn x code: each participant's turn (and each other turn that anybody coded)
    of an interview that at least two coders worked on, judged yes or no. A coder who marked
    anything in an interview judged all its turns: those left unmarked are a "no". Which words
    of the turn were marked, and how often, does not count. ``all codes`` pools the judgements
    of every code.

    The measures: ``alpha`` and ``kappa`` take chance out (of more than two coders, kappa is
    the mean over pairs); ``ac1`` takes out a chance that does not grow as a code gets rare;
    ``agreement`` is the plain share of coder pairs that agree; ``positive`` that share among
    the yes (of those who gave the code, how often would another have?). Where a code is given
    to fewer than 10 % of turns, or to more than 90 %, and coders agree on 80 % and more of
    them, an alpha under .667 is the kappa paradox, and ``note`` says so: there the few turns
    of ``disagreements`` tell more than any coefficient.

    Intervals are percentiles of 1,000 resamples: of turns (those of one interview are alike,
    so it is rather too narrow), or of whole interviews.

    Parameters
    ----------
    interviews : Interviews
    rng : Generator
        For resampling.
    resample : "turn" or "interview"
        What is drawn anew. With fewer than 10 interviews coded twice there is no interval
        over interviews.
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
    Gwet, K. L. (2008). British Journal of Mathematical and Statistical Psychology 61, 29-48.
    Feinstein, A. R. and Cicchetti, D. V. (1990). Journal of Clinical Epidemiology 43, 543-549
    (the paradox), 551-558 (agreement on the positive).
    """
    require_level(level, caller="measure_agreement")
    if resample not in ("turn", "interview"):
        raise JourneyError(
            f"measure_agreement: resample must be 'turn' or 'interview'; got {resample!r}."
        )
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
    owner = list(units.get_level_values(INTERVIEW)) if resample == "interview" else None
    rows: list[dict[str, Any]] = []
    for code, values in [(ALL_CODES, cube), *zip(codes, cube[:, None], strict=True)]:
        found = _estimate_all(values, rng, owner, level, minimum)
        applied = float(np.nanmean(values))
        note = _note_paradox(found, applied)
        rows += [
            {CODE: code, "measure": measure, **value.as_dict(),
             "coders": len(coders), "applied": applied, "note": note}
            for measure, value in found.items()
        ]  # fmt: skip
    return Agreement(
        pd.DataFrame(rows),
        _find_disagreements(judged, interviews.utterances),
        {code: interviews.label(code) for code in codes},
        interviews.language,
    )


def measure_valence_agreement(
    interviews: Interviews,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    minimum: int = 30,
) -> Estimate:
    """Agree on the valence of what both coded: ordinal alpha of -1, 0 and 1.

    A unit is a turn x code to which two coders or more gave a valence (the lowest, where one
    coder marked several quotes of a turn). Units are resampled.

    Parameters
    ----------
    interviews : Interviews
    rng : Generator
    level : float, 0 to 1
    minimum : int
    """
    marked = interviews.codings.dropna(subset=[VALENCE])
    table = marked.pivot_table(
        index=CODER, columns=[INTERVIEW, TURN, CODE], values=VALENCE, aggfunc="min", observed=True
    )  # fmt: skip
    return estimate_alpha(
        table.to_numpy(dtype=float).reshape(len(table), -1), rng=rng, metric="ordinal",
        level=level, minimum=minimum,
    )  # fmt: skip


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


def _estimate_all(
    values: Floats, rng: np.random.Generator, owner: list[str] | None, level: float, minimum: int
) -> dict[str, Estimate]:
    """Each measure of yes/no judgements (codes x coders x turns), resampling turns."""
    yes, no = (np.nansum(values == v, axis=1).astype(float) for v in (1.0, 0.0))
    judges = yes + no  # codes x turns
    twice = judges >= 2
    kept = twice.any(axis=0)
    n = int(kept.sum())
    pairs = list(combinations(range(values.shape[1]), 2))
    methods = MEASURES | ({"kappa": "mean Cohen's kappa over pairs"} if len(pairs) > 1 else {})
    if n < minimum:
        return {m: unknown(n, level=level, why=f"too few (n < {minimum})") for m in methods}
    others, m = np.maximum(judges - 1, 1), np.maximum(judges, 1)
    columns = [
        2 * yes * no / others, yes, no,  # alpha: disagreement and how often each was given
        (yes * (yes - 1) + no * (no - 1)) / (m * others), twice,  # agreement
        yes * (yes - 1) / others,  # agreement on the yes
    ]  # fmt: skip
    sums = [np.where(twice, part, 0.0).sum(axis=0) for part in columns]
    sums += [(yes / m).sum(axis=0), (judges > 0).sum(axis=0)]  # AC1: mean share of yes
    sums += [cell for a, b in pairs for cell in _pair_cells(values, a, b)]
    features = np.vstack(sums).T.astype(float)
    groups = [name for name, keep in zip(owner, kept, strict=True) if keep] if owner else None
    drawn = _measure(resample_sums(features[kept], rng=rng, groups=groups), len(pairs))
    unit = "interviews" if owner else "turns"
    few = groups is not None and len(set(groups)) < FEWEST_GROUPS
    return {
        measure: to_estimate(
            drawn[measure], n=n, level=level, method=f"{name}, bootstrap over {unit}",
            without_interval=few,
        )
        for measure, name in methods.items()
    }  # fmt: skip


def _measure(sums: Floats, pairs: int) -> dict[str, Floats]:
    """Return the five measures of many tables at once, one row each."""
    apart, yes, no, agree, units, both, share, judged = sums[:, :8].T
    n = yes + no
    with np.errstate(divide="ignore", invalid="ignore"):
        by_chance = 2 * yes * no / (n - 1)
        alpha = np.where(by_chance > 0, 1 - apart / by_chance, np.nan)
        plain, given = agree / units, share / judged
        chance = 2 * given * (1 - given)
        ac1 = (plain - chance) / (1 - chance)
        positive = np.where(yes > 0, both / yes, np.nan)
    kappas = np.array([_kappa(sums[:, 8 + 4 * i : 12 + 4 * i]) for i in range(pairs)])
    return {
        "alpha": alpha, "kappa": _mean_known(kappas), "ac1": ac1, "agreement": plain,
        "positive": positive,
    }  # fmt: skip


def _pair_cells(values: Floats, a: int, b: int) -> list[Floats]:
    """Count per turn yes-yes, yes-no, no-yes and no-no of two coders."""
    first, second = values[:, a], values[:, b]
    return [
        ((first == x) & (second == y)).sum(axis=0).astype(float)
        for x in (1.0, 0.0)
        for y in (1.0, 0.0)
    ]


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


def _note_paradox(found: dict[str, Estimate], applied: float) -> str:
    alpha, plain, ac1 = (found[m].estimate for m in ("alpha", "agreement", "ac1"))
    if RARE <= applied <= 1 - RARE or np.isnan(plain) or plain < HIGH or alpha >= LOW:
        return ""
    which = "rare" if applied < RARE else "common"
    shown = "not known" if np.isnan(alpha) else f"{alpha:.2f}"
    return (
        f"kappa paradox: a {which} code (given in {applied:.1%} of judgements), coders agree on "
        f"{plain:.1%}, yet alpha is {shown}; read AC1 ({ac1:.2f}) and the disagreements"
    )


def _find_disagreements(judged: pd.DataFrame, utterances: pd.DataFrame) -> pd.DataFrame:
    group = judged.groupby([INTERVIEW, TURN, CODE])["applied"]
    differ = judged[group.transform("min") != group.transform("max")]
    said = utterances[[INTERVIEW, TURN, TEXT]]
    found = differ.merge(said, how="left", on=[INTERVIEW, TURN])
    found["applied"] = found["applied"].astype(bool)
    return found[[INTERVIEW, TURN, CODE, CODER, "applied", TEXT]]
