"""How many segments, and whether there are any: every criterion in one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from cjlib.personas.clustering import (
    Floats,
    KMeansFit,
    Patterns,
    find_patterns,
    fit_kmeans,
    improve_fit,
    measure_silhouette,
)
from cjlib.personas.mixture import MixtureFit, fit_binary_mixture, fit_gaussian_mixture
from cjlib.personas.reference import (
    DRAWS,
    calibrate_correlation,
    compare_with_reference,
    draw_one_population,
    shuffle_columns,
)
from cjlib.personas.stability import compare_refits, label_refits, refit_bootstrap
from cjlib.personas.variables import Variables

MOST_ROWS: Final = 2_000  # rows on which k is chosen and centres are found; the rest is placed
COUNTS: Final = tuple(range(2, 9))
FEWEST: Final = 3  # recommended at least, unless nothing else holds
TIE: Final = 0.05  # stabilities this near are one: their own spread is wider
STABLE: Final = 0.75  # adjusted Rand between refits from which segments count as reproducible
LOOSE: Final = 0.5  # below it the next survey would most likely give other segments
CHANCE: Final = 0.05  # p-value of both comparisons with data without segments
FEW_STARTS: Final = 0.05  # share of starts at the best solution below which we warn


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The number of segments, and what speaks for it.

    Attributes
    ----------
    table : DataFrame
        One row per number of segments: ``k, error`` (k-means), ``starts, share_at_best``
        (starts that ended in the best solution), ``stability, stability_low,
        stability_high`` (mean and middle 90 % of the adjusted Rand index between bootstrap
        refits), ``silhouette``, ``log_likelihood, bic`` (mixture), ``smallest`` (people in
        the smallest segment), ``recommended``.
    k : int
        Segments taken; 1 where there are none that hold.
    verdict : str
        "natural", "reproducible", "constructive" or "none".
    reason : str
        In words.
    tests : DataFrame
        ``compared_with, k, p_value, draws``: is the data tighter than data without segments.
    fits, mixtures, refits : dict of int to results
        By number of segments.
    patterns : Patterns
        Of the rows that were used.
    """

    table: pd.DataFrame
    k: int
    verdict: str
    reason: str
    tests: pd.DataFrame
    fits: dict[int, KMeansFit]
    mixtures: dict[int, MixtureFit]
    refits: dict[int, Floats]
    patterns: Patterns


def choose_number(
    variables: Variables,
    *,
    rng: np.random.Generator,
    k: int | None = None,
    smallest: int = 30,
) -> Choice:
    """Choose how many segments to make, or say that none hold.

    Recommended: of three to eight segments, each with at least ``smallest`` people, the
    number whose bootstrap refits agree best (adjusted Rand); among those within ``TIE`` of
    the best, the one with the lowest BIC of a mixture. Two are recommended only where nothing
    else is left.

    Verdict, after Dolnicar and Leisch, with thresholds that are ours: **natural** where the
    segments are tighter than one population with the same answers and correlations would
    show and refits agree (``STABLE``); **reproducible** where refits agree but one
    population would look the same; **constructive** where refits agree less; **none** where
    items shuffled apart cluster as tightly, or refits agree less than ``LOOSE``: then one
    persona stands for all, unless the study fixes ``k``.

    Parameters
    ----------
    variables : Variables
    k : int, optional
        Fixed by the study; the rest of the table is still shown.
    smallest : int
        People a segment needs.

    References
    ----------
    Dolnicar, S. and Leisch, F. (2010). Marketing Letters 21, 83-101.
    """
    values, weights, scaled = variables.matrix, variables.row_weights, variables.scaled
    if len(values) > MOST_ROWS:
        chosen = np.sort(rng.choice(len(values), MOST_ROWS, replace=False))
        values, weights, scaled = values[chosen], weights[chosen], scaled[chosen]
    patterns = find_patterns(values, weights)
    counts = [c for c in dict.fromkeys((*COUNTS, k or 2)) if c <= len(patterns.values) // 2]
    binary = bool(np.isin(patterns.values, (0.0, 1.0)).all())
    mixture = fit_binary_mixture if binary else fit_gaussian_mixture
    one = mixture(patterns, 1, rng=rng)
    rows = [{"k": 1, "log_likelihood": one.log_likelihood, "bic": one.bic}]
    fits: dict[int, KMeansFit] = {}
    mixtures: dict[int, MixtureFit] = {}
    refits: dict[int, Floats] = {}
    for count in sorted(counts):
        fit = fit_kmeans(patterns, count, rng=rng)
        refits[count] = refit_bootstrap(patterns, fit, rng=rng)
        fits[count] = fit = improve_fit(patterns, fit, refits[count])
        mixtures[count] = mixture(patterns, count, rng=rng, labels=fit.labels)
        rows.append(_row(patterns, fit, refits[count], mixtures[count]))
    table = pd.DataFrame(rows)
    best = k or _recommend(table, smallest)
    tests = _test(variables, scaled, best, rng) if best > 1 else _no_tests()
    verdict = _judge(table, best, tests)
    taken = best if k or verdict != "none" else 1
    table["recommended"] = table["k"] == taken
    reason = _explain(table, best, verdict, tests, fixed=k is not None, smallest=smallest)
    return Choice(table, taken, verdict, reason, tests, fits, mixtures, refits, patterns)


def _row(
    patterns: Patterns, fit: KMeansFit, refits: Floats, mixture: MixtureFit
) -> dict[str, float]:
    agree, _ = compare_refits(label_refits(patterns.values, refits), patterns.weights)
    low, high = np.quantile(agree, [0.05, 0.95])
    people = np.bincount(fit.labels[patterns.of_row], minlength=len(fit.centres))
    return {
        "k": len(fit.centres), "error": fit.error, "starts": len(fit.start_errors),
        "share_at_best": fit.share_at_best, "stability": float(agree.mean()),
        "stability_low": float(low), "stability_high": float(high),
        "silhouette": measure_silhouette(patterns, fit.labels),
        "log_likelihood": mixture.log_likelihood, "bic": mixture.bic,
        "smallest": int(people.min()),
    }  # fmt: skip


def _recommend(table: pd.DataFrame, smallest: int) -> int:
    able = table[table["k"].ge(FEWEST) & table["smallest"].ge(smallest)]
    if able.empty:
        able = table[table["k"].ge(2) & table["smallest"].ge(smallest)]
    if able.empty:
        return 1
    near = able[able["stability"] >= able["stability"].max() - TIE]
    return int(near.sort_values(["bic", "k"])["k"].iloc[0])


def _test(variables: Variables, scaled: Floats, k: int, rng: np.random.Generator) -> pd.DataFrame:
    if scaled.shape[1] < 2:
        return _no_tests()
    latent = calibrate_correlation(scaled, rng=rng)
    draws = {
        "items shuffled apart": lambda: shuffle_columns(scaled, rng=rng),
        "one population": lambda: draw_one_population(scaled, latent, rng=rng),
    }
    return pd.DataFrame(
        [
            {"compared_with": name, "k": k, "draws": DRAWS,
             "p_value": compare_with_reference(scaled, draw, variables.prepare, k, rng=rng)}
            for name, draw in draws.items()
        ]
    )  # fmt: skip


def _no_tests() -> pd.DataFrame:
    return pd.DataFrame(columns=["compared_with", "k", "draws", "p_value"])


def _judge(table: pd.DataFrame, k: int, tests: pd.DataFrame) -> str:
    if k == 1:
        return "none"
    stability = float(table.loc[table["k"].eq(k), "stability"].iloc[0])
    p = dict(zip(tests["compared_with"], tests["p_value"], strict=True))
    if stability < LOOSE or p.get("items shuffled apart", 0.0) > CHANCE:
        return "none"
    if stability < STABLE:
        return "constructive"
    return "natural" if p.get("one population", 1.0) <= CHANCE else "reproducible"


def _explain(
    table: pd.DataFrame, k: int, verdict: str, tests: pd.DataFrame, *, fixed: bool, smallest: int
) -> str:
    if k == 1:
        return (
            f"No stable segments here: no division into 2 to 8 keeps {smallest} people in each "
            "segment."
        )
    row = table[table["k"].eq(k)].iloc[0]
    others = table[table["k"].ge(2)]
    p = dict(zip(tests["compared_with"], tests["p_value"], strict=True))
    shuffled, single = p.get("items shuffled apart"), p.get("one population")
    said = {
        "natural": "natural segments: tighter than one population with the same answers and "
        f"correlations would look (p = {single or 0:.3f}), and refits agree",
        "reproducible": "reproducible segments, not natural ones: refits agree, but one population "
        f"without groups would look as tight (p = {single if single is not None else 1:.2f})",
        "constructive": "constructive segments: a useful cut through a continuum that another "
        "sample would cut somewhat differently",
        "none": "no stable segments here: "
        + (
            f"answers shuffled apart cluster as tightly (p = {shuffled:.2f})"
            if shuffled is not None and shuffled > CHANCE
            else "refits on other samples give other segments"
        ),
    }[verdict]
    how = (
        "fixed by the study" if fixed else "refits agree best, or as good as best with a lower BIC"
    )
    said = (
        f"k = {k} ({how}; mean adjusted Rand {row['stability']:.2f}, silhouette "
        f"{row['silhouette']:.2f}): {said}."
    )
    lowest = int(table["k"].iloc[int(table["bic"].argmin())])
    widest = int(others["k"].iloc[int(others["silhouette"].argmax())])
    if {lowest, widest} != {k}:
        said += f" By BIC alone it would be {lowest}, by silhouette {widest}."
    if row["share_at_best"] < FEW_STARTS:
        starts = int(row["starts"])
        reached = round(row["share_at_best"] * starts)
        said += (
            f" Of {starts} random starts {reached or 'none'} reached the best solution: a program "
            "with a few starts would show other segments."
        )
    if k <= 2 and verdict != "none":
        said += (
            " Two personas for all customers put different people's needs into one; treat them "
            "as a first cut."
        )
    return said
