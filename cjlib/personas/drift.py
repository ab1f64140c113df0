"""Drift: whether the personas of one wave still describe the people of the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from cjlib.columns import ESTIMATE, HIGH, LOW, PERSONA, WAVE, WEIGHT, require_columns
from cjlib.errors import JourneyError, TooFewError
from cjlib.intervals import (
    Difference,
    Floats,
    adjust_holm,
    compare_means,
    compare_shares,
    estimate_mean,
    estimate_weighted_share,
    kish_effective_n,
)
from cjlib.personas.questions import Question, read_answers_to
from cjlib.personas.typing import UNSURE_BELOW, TypingTool
from cjlib.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cjlib.definitions import Text

PSI_SHIFT: Final = 0.1  # customary in credit scoring: below it a distribution counts as stable
CHANCE: Final = 0.05  # Holm-adjusted p below which a difference counts
BINS: Final = 10  # of numbers without few answers: tenths of the first wave
SHARE, UNSURE, DISTANCE, PSI = "share", "unsure", "distance", "psi"


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """What ``measure_drift`` found.

    Attributes
    ----------
    table : DataFrame
        One row per check, wave and persona or question. ``check``: "share" (of a persona),
        "unsure" (share of people whose persona has a probability below ``UNSURE_BELOW``),
        "distance" (mean Mahalanobis distance of a persona's people to its centre, on the
        kept questions), "psi" (population stability index of a question); ``wave, of``
        (persona or item, empty for all); ``estimate, low, high, level, n, method``;
        ``first``: the first wave's; ``difference, difference_low, difference_high``; ``p,
        p_holm`` (over all rows of the table); ``drifted``.
    first : str
        Wave that the others are compared with.
    rule : str
        What counts as drift, in words.
    waves : dict of str to str
    names : dict of str to str
    language : str
    """

    table: pd.DataFrame
    first: str
    rule: str
    waves: dict[str, str]
    names: dict[str, str]
    language: str

    @property
    def drifted(self) -> bool:
        """Whether anything did."""
        return bool(self.table["drifted"].any())

    def summary(self) -> str:
        """Say what drifted, or that nothing seen did."""
        tested = self.table[self.table["p"].notna()]
        found = tested[tested["drifted"]]
        if found.empty:
            return f"No drift seen since {self.first} in {len(tested)} checks. {self.rule}"
        said = ", ".join(
            f"{row['check']} {row['of']} in {row['wave']} ({row['first']:.2f} to "
            f"{row[ESTIMATE]:.2f})".replace("  ", " ")
            for _, row in found.iterrows()
        )
        return f"Drift since {self.first} in {len(found)} of {len(tested)} checks: {said}."

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the share of each persona in each wave, with intervals."""
        from cjlib import plots

        return plots.draw_drift(
            self.table, names=self.names, waves=self.waves, language=self.language, ax=ax
        )


def measure_drift(
    tool: TypingTool, survey: Any, study: Study, *, first: str = "", level: float | None = None
) -> Drift:
    """Type every wave with one tool and compare each wave with the first.

    Both waves are typed by the same few questions, so that the tool's own errors are the same
    in both. Four things are compared: the share of each persona; the share of people whose
    persona is unsure; how far people lie from their persona's centre; and, question by question,
    the population stability index, the sum over answers of (share now - share then) times the
    log of their ratio, with half a person added to every answer. Without drift the index over
    (1/n + 1/m) is about chi-squared with answers - 1 degrees of freedom. With weights, n and m
    are Kish's effective numbers. Something has drifted where the p-value, adjusted by
    Holm over the whole table, lies below ``CHANCE`` and, for the index, where it is also at
    least ``PSI_SHIFT``. Customers who answered both waves count in both: intervals are
    rather too wide than too narrow.

    Parameters
    ----------
    tool : TypingTool
    survey : Survey
        Anything with a ``respondents`` table that holds ``wave`` and the kept questions.
    study : Study
    first : str
        Wave to compare with; the study's first by default.
    level : float, 0 to 1
        The study's by default.

    Raises
    ------
    TooFewError
        If there are not two waves with ``study.privacy.minimum_base`` people.

    References
    ----------
    Yurdakul, B. (2018). Statistical properties of population stability index. Western Michigan
    University.
    """
    level = study.level if level is None else level
    respondents = survey.respondents
    require_columns(respondents, [WAVE], caller="measure_drift")
    typed = tool.type_people(respondents)
    weights = (
        respondents[WEIGHT].fillna(0) if WEIGHT in respondents else pd.Series(1.0, typed.index)
    )
    x = read_answers_to(tool.questions, respondents, caller="measure_drift")
    number = {persona: i for i, persona in enumerate(tool.personas)}
    codes = typed[PERSONA].map(number).fillna(-1).to_numpy(dtype=np.int64)
    far = np.where(codes >= 0, tool.model.distance(x, np.maximum(codes, 0)), np.nan)
    side = pd.DataFrame(
        {WAVE: respondents[WAVE].astype("string").to_numpy(), WEIGHT: weights.to_numpy(dtype=float),
         "code": codes, "unsure": typed["probability"].to_numpy(dtype=float) < UNSURE_BELOW,
         "far": far}
    )  # fmt: skip
    answers = respondents[[q.item for q in tool.questions]].reset_index(drop=True)
    first, later = _order_waves(study, side, first)
    rows: list[dict[str, Any]] = []
    base = study.privacy.minimum_base
    for wave in (first, *later):
        rows += _compare_people(tool, side, first, wave, base=base, level=level)
        rows += _compare_answers(tool, answers, side, first, wave, level=level)
    table = pd.DataFrame(rows)
    table["p_holm"] = adjust_holm(table["p"].to_numpy(dtype=float))
    large = table["check"].ne(PSI) | table[ESTIMATE].ge(PSI_SHIFT)
    table["drifted"] = table["p_holm"].lt(CHANCE) & large
    labels: dict[str, Text] = {w.id: w.label for w in study.waves}
    return Drift(
        table=table, first=first,
        rule=(
            f"Drift is a difference from {first} with a Holm-adjusted p below {CHANCE}; of a "
            f"question, also a population stability index of {PSI_SHIFT} or more."
        ),
        waves={w: labels[w].to(study.language) if w in labels else w for w in (first, *later)},
        names={key: name.to(tool.language) for key, name in tool.personas.items()},
        language=study.language,
    )  # fmt: skip


def _order_waves(study: Study, side: pd.DataFrame, first: str) -> tuple[str, list[str]]:
    counts = side[WAVE].value_counts()
    order = [w.id for w in study.waves if w.id in counts.index]
    order += [w for w in counts.index if w not in order]
    able = [w for w in order if counts[w] >= study.privacy.minimum_base]
    if len(able) < 2:
        raise TooFewError(
            f"measure_drift: there must be two waves with {study.privacy.minimum_base} people or "
            f"more; got {', '.join(f'{w}: {counts[w]}' for w in order) or 'none'}. Ask again "
            "later, or type people with tool.type_people alone."
        )
    chosen = first or able[0]
    if chosen not in able:
        raise JourneyError(
            f"measure_drift: first must be one of {', '.join(able)}; got {first!r}. Choose one."
        )
    return chosen, [w for w in able if w != chosen]


def _compare_people(
    tool: TypingTool, side: pd.DataFrame, first: str, wave: str, *, base: int, level: float
) -> list[dict[str, Any]]:
    then, now = parts = side[side[WAVE].eq(first)], side[side[WAVE].eq(wave)]
    rows = []
    for i, persona in enumerate(tool.personas):
        hits = [_mask(part["code"].eq(i), part) for part in parts]
        rows.append(_row(SHARE, wave, persona, hits, parts, level=level, base=base))
    hits = [_mask(part["unsure"], part) for part in parts]
    rows.append(_row(UNSURE, wave, "", hits, parts, level=level, base=base))
    for i, persona in enumerate(tool.personas):
        fars = [p["far"].where(p["code"].eq(i)).to_numpy(dtype=float) for p in (then, now)]
        rows.append(_row(DISTANCE, wave, persona, fars, parts, level=level, base=base))
    return rows


def _mask(hit: pd.Series, part: pd.DataFrame) -> Floats:
    """1 and 0, missing for people without a persona."""
    return np.where(part["code"].lt(0), np.nan, hit).astype(np.float64)


def _row(
    check: str, wave: str, of: str, values: list[Floats],
    parts: tuple[pd.DataFrame, pd.DataFrame], *, level: float, base: int,
) -> dict[str, Any]:  # fmt: skip
    nan = float("nan")
    sides = []
    for x, part in zip(values, parts, strict=True):
        w = part[WEIGHT].to_numpy(dtype=float)
        known = ~np.isnan(x) & (w > 0)
        sides.append((x[known], w[known]))
    (_, _), (x, w) = sides
    share = check != DISTANCE
    found = (estimate_weighted_share if share else estimate_mean)(x, w, level=level)
    shown = found.as_dict()
    if found.n < base:
        shown |= {ESTIMATE: nan, LOW: nan, HIGH: nan, "method": f"too few (n < {base})"}
    out = {"check": check, WAVE: wave, "of": of, **shown, "first": nan, "difference": nan,
           "difference_low": nan, "difference_high": nan, "p": nan}  # fmt: skip
    same = parts[0][WAVE].iloc[0] == wave
    if same or min(len(s[0]) for s in sides) < base:
        return out
    compare = compare_shares if share else compare_means
    apart: Difference = compare(sides[1], sides[0], level=level)
    return out | {
        "first": apart.other, "difference": apart.estimate, "difference_low": apart.low,
        "difference_high": apart.high, "p": apart.p,
    }  # fmt: skip


def _compare_answers(
    tool: TypingTool, answers: pd.DataFrame, side: pd.DataFrame, first: str, wave: str, *,
    level: float,
) -> list[dict[str, Any]]:  # fmt: skip
    if wave == first:
        return []
    rows = []
    nan = float("nan")
    for question in tool.questions:
        column = _cells(question, answers[question.item], side[WAVE].eq(first))
        known = column.notna() & side[WEIGHT].gt(0)
        parts = [(column[known & side[WAVE].eq(w)], side.loc[known & side[WAVE].eq(w), WEIGHT])
                 for w in (first, wave)]  # fmt: skip
        sizes = [kish_effective_n(w.to_numpy(dtype=float)) for _, w in parts]
        psi, freedom = measure_psi(parts[0], parts[1], sizes)
        p = nan
        if freedom > 0:
            p = float(stats.chi2.sf(psi / (1 / sizes[0] + 1 / sizes[1]), freedom))
        rows.append(
            {"check": PSI, WAVE: wave, "of": question.item, ESTIMATE: psi, LOW: nan, HIGH: nan,
             "level": level, "n": len(parts[1][0]),
             "method": "population stability index; chi-squared", "first": 0.0,
             "difference": psi, "difference_low": nan, "difference_high": nan, "p": p}
        )  # fmt: skip
    return rows


def _cells(question: Question, answers: pd.Series, then: pd.Series) -> pd.Series:
    """Answers as they stand, or in tenths of the first wave where there are too many."""
    if answers.nunique() <= 2 * BINS:
        return answers.astype("string")
    values = pd.to_numeric(answers).astype(float)
    edges = np.unique(values[then].quantile(np.linspace(0, 1, BINS + 1)[1:-1]).dropna())
    codes = pd.Series(np.searchsorted(edges, values.to_numpy(), side="right"), index=answers.index)
    return codes.astype("string").mask(values.isna())


def measure_psi(
    then: tuple[pd.Series, pd.Series], now: tuple[pd.Series, pd.Series], sizes: list[float]
) -> tuple[float, int]:
    """Measure the population stability index of two weighted samples, and its degrees of freedom.

    Half a person is added to each answer in each sample; ``sizes`` are their effective
    numbers of people.
    """
    if min(sizes) <= 0:
        return float("nan"), 0
    shares = [w.groupby(x.to_numpy()).sum() / w.sum() for x, w in (then, now)]
    table = pd.concat(shares, axis=1).fillna(0.0).to_numpy(dtype=float)
    counts = table * np.array(sizes) + 0.5
    p = counts / counts.sum(axis=0)
    psi = float(((p[:, 1] - p[:, 0]) * np.log(p[:, 1] / p[:, 0])).sum())
    return psi, len(table) - 1
