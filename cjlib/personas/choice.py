"""How many segments, and whether there are any: every criterion in one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from tqdm import tqdm

from cjlib.personas.ancestry import describe_segments, follow_segments
from cjlib.personas.clustering import (
    Floats,
    Ints,
    KMeansFit,
    Patterns,
    find_patterns,
    fit_kmeans,
    improve_fit,
    measure_silhouette,
)
from cjlib.personas.criteria import list_picks, measure_gap, measure_prediction_strength
from cjlib.personas.methods import Segments, fit_segments
from cjlib.personas.mixture import MixtureFit, fit_binary_mixture, fit_gaussian_mixture
from cjlib.personas.reference import (
    DRAWS,
    calibrate_correlation,
    compare_with_reference,
    draw_one_population,
    shuffle_columns,
)
from cjlib.personas.refitting import refit_method
from cjlib.personas.stability import (
    compare_refits,
    label_refits,
    measure_persistence,
    refit_bootstrap,
)
from cjlib.personas.variables import Variables
from cjlib.personas.verdicts import explain, judge, recommend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAR_AFTER: Final = 3.0  # seconds before a progress bar appears, on a terminal
MOST_ROWS: Final = 2_000  # rows on which k is chosen and centres are found; the rest is placed
COUNTS: Final = tuple(range(2, 9))


@dataclass(frozen=True, slots=True, eq=False)
class _Solution:
    """The segments of one k, and their refits."""

    row: dict[str, float]
    labels: Ints
    again: Ints
    fit: KMeansFit | None
    refits: Floats | None
    made: Segments | None


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The number of segments, and what speaks for it.

    Attributes
    ----------
    table : DataFrame
        One row per number of segments: ``k, error`` (what the method makes least: squared
        error, or minus the log-likelihood), ``starts, share_at_best`` (starts that ended in
        the best solution), ``missed_by_ten`` (chance that ten starts all miss it),
        ``stability, stability_low, stability_high`` (mean and middle 90 % of the adjusted
        Rand index between bootstrap refits), ``instability`` (pairs of people that one refit
        parts and another does not), ``slsw`` (of the least stable segment),
        ``prediction_strength, prediction_low, prediction_high`` (mean and middle 90 % of
        splits), ``silhouette``, ``gap, gap_se``, ``log_likelihood, bic`` (mixture),
        ``smallest`` (people in the smallest segment), ``recommended``.
    k : int
        Segments taken; 1 where there are none that hold.
    verdict : str
        "natural", "reproducible", "constructive" or "none".
    reason : str
        In words.
    tests : DataFrame
        ``compared_with, k, p_value, draws``: is the data tighter than data without segments.
    picks : DataFrame
        ``criterion, k, value, rule``: what each criterion alone would take.
    segments : DataFrame
        Each segment of each k: its stability within (SLSw) and across solutions (SLSa) and
        where it came from, as ``describe_segments`` tells.
    flows : DataFrame
        ``k, segment, came_from, share``: who moved from which segment of k - 1.
    method : str
    fits, refits : dict of int to results
        By number of segments, of k-means; empty for another method.
    made : dict of int to Segments
        By number of segments, of another method than k-means; else empty.
    mixtures : dict of int to MixtureFit
    labels, refit_labels : dict of int to array
        Segment of each pattern, (patterns,) and by each refit, (refits, patterns).
    patterns : Patterns
        Of the rows that were used.
    """

    table: pd.DataFrame
    k: int
    verdict: str
    reason: str
    tests: pd.DataFrame
    picks: pd.DataFrame
    segments: pd.DataFrame
    flows: pd.DataFrame
    method: str
    fits: dict[int, KMeansFit]
    refits: dict[int, Floats]
    made: dict[int, Segments]
    mixtures: dict[int, MixtureFit]
    labels: dict[int, Ints]
    refit_labels: dict[int, Ints]
    patterns: Patterns

    def summary(self) -> str:
        """Say how many segments, the verdict and why."""
        return self.reason

    def plot(self, *, language: str = "en", ax: Axes | None = None) -> Axes:
        """Draw stability for each k, and what each criterion picks beneath it."""
        from cjlib import plots

        return plots.draw_number_of_personas(self.table, picks=self.picks, language=language, ax=ax)

    def plot_segments(self, *, language: str = "en", ax: Axes | None = None) -> Axes:
        """Draw the segments of every k, where their people came from and how they hold."""
        from cjlib import plots

        return plots.draw_segments(
            self.segments, self.flows, taken=self.k, language=language, ax=ax
        )


def choose_number(
    variables: Variables,
    *,
    rng: np.random.Generator,
    k: int | None = None,
    smallest: int = 30,
    method: str = "kmeans",
) -> Choice:
    """Choose how many segments to make, or say that none hold.

    Recommended: of three to eight segments, each with at least ``smallest`` people, the
    number whose bootstrap refits agree best (adjusted Rand); among those within ``TIE`` of
    the best, the one with the lowest BIC of a mixture. Two are recommended only where nothing
    else is left. The other criteria are shown, each with the number it would take (``picks``).

    Verdict, after Dolnicar and Leisch, with thresholds that are ours: **natural** where the
    segments are tighter than one population with the same answers and correlations would
    show and refits agree (``STABLE``); **reproducible** where refits agree but one
    population would look the same; **constructive** where refits agree less; **none** where
    items shuffled apart cluster as tightly, or refits agree less than ``LOOSE``: then one
    persona stands for all, unless the study fixes ``k``.

    Above ``MOST_ROWS`` rows a sample of so many is used. Methods other than k-means are
    refitted on ``refitting.METHOD_REFITS`` bootstrap samples for each k, which takes about as
    many times as long as one fit; prediction strength and gap are of k-means and left out. BIC
    is always that of a mixture on the same matrix: yes/no classes where all of it is 0 and 1,
    else normal ones.

    Parameters
    ----------
    variables : Variables
    k : int, optional
        Fixed by the study; the rest of the table is still shown.
    smallest : int
        People a segment needs.
    method : str
        One of ``fit_segments``.

    References
    ----------
    Dolnicar, S. and Leisch, F. (2010). Marketing Letters 21, 83-101.
    """
    if len(variables.scaled) > MOST_ROWS:
        chosen = np.sort(rng.choice(len(variables.scaled), MOST_ROWS, replace=False))
        variables = variables.take(chosen)
    if method == "kmeans":
        patterns = find_patterns(variables.matrix, variables.row_weights)
    else:
        w = variables.row_weights
        patterns = Patterns(variables.matrix, w, np.arange(len(w)), w)
    distinct = len(np.unique(patterns.values, axis=0))
    counts = [c for c in sorted({*COUNTS, k or 2}) if c <= distinct // 2]
    mixtures, first = {}, _fit_mixture(patterns, 1, None, rng)
    found: dict[int, _Solution] = {}
    for count in tqdm(
        counts, desc="personas", unit="k", leave=False, delay=BAR_AFTER, disable=None
    ):
        found[count] = (
            _solve_by_centres(patterns, count, rng)
            if method == "kmeans"
            else _solve(variables, count, method, rng)
        )
        mixtures[count] = _fit_mixture(patterns, count, found[count].labels, rng)
    rows: list[dict[str, float]] = [
        {"k": 1, "log_likelihood": first.log_likelihood, "bic": first.bic},
        *(_row(patterns, c, found[c], mixtures[c]) for c in counts),
    ]
    table = pd.DataFrame(rows)
    gap = None
    if method == "kmeans" and counts:
        gap = measure_gap(patterns, {c: found[c].row["error"] for c in counts}, rng=rng)
        table = table.merge(gap.table[["k", "gap", "gap_se"]], on="k", how="left")
    picks = list_picks(table, gap)
    best = k or recommend(table, smallest)
    tests = _test(variables, best, rng) if best > 1 else _no_tests()
    verdict = judge(table, best, tests)
    taken = best if k or verdict != "none" else 1
    table["recommended"] = table["k"] == taken
    reason = explain(
        table, best, verdict, tests=tests, picks=picks, fixed=k is not None, smallest=smallest
    )
    labels = {c: s.labels for c, s in found.items()}
    again = {c: s.again for c, s in found.items()}
    return Choice(
        table=table, k=taken, verdict=verdict, reason=reason, tests=tests, picks=picks,
        segments=describe_segments(labels, again, patterns.weights),
        flows=follow_segments(labels, patterns.weights), method=method,
        fits={c: s.fit for c, s in found.items() if s.fit is not None},
        refits={c: s.refits for c, s in found.items() if s.refits is not None},
        made={c: s.made for c, s in found.items() if s.made is not None},
        mixtures=mixtures, labels=labels, refit_labels=again, patterns=patterns,
    )  # fmt: skip


def _fit_mixture(
    patterns: Patterns, k: int, labels: Ints | None, rng: np.random.Generator
) -> MixtureFit:
    if np.isin(patterns.values, (0.0, 1.0)).all():
        return fit_binary_mixture(patterns, k, rng=rng)
    return fit_gaussian_mixture(patterns, k, rng=rng, labels=labels)


def _solve_by_centres(patterns: Patterns, k: int, rng: np.random.Generator) -> _Solution:
    fit = fit_kmeans(patterns, k, rng=rng)
    refits = refit_bootstrap(patterns, fit, rng=rng)
    fit = improve_fit(patterns, fit, refits)
    strength = measure_prediction_strength(patterns, k, rng=rng)
    low, high = np.quantile(strength, [0.05, 0.95])
    row = {
        "error": fit.error, "starts": len(fit.start_errors), "share_at_best": fit.share_at_best,
        "missed_by_ten": fit.missed_by_ten, "prediction_strength": float(strength.mean()),
        "prediction_low": float(low), "prediction_high": float(high),
    }  # fmt: skip
    return _Solution(row, fit.labels, label_refits(patterns.values, refits), fit, refits, None)


def _solve(variables: Variables, k: int, method: str, rng: np.random.Generator) -> _Solution:
    made = fit_segments(variables, k, method=method, rng=rng)
    likely = made.criterion == "log-likelihood"
    row = {
        "error": -made.fit if likely else made.fit, "starts": made.starts,
        "share_at_best": made.share_at_best, "missed_by_ten": (1 - made.share_at_best) ** 10,
        "prediction_strength": np.nan, "prediction_low": np.nan, "prediction_high": np.nan,
    }  # fmt: skip
    again = refit_method(made, rng=rng)
    return _Solution(row, made.labels, again, None, None, made)


def _row(patterns: Patterns, k: int, found: _Solution, mixture: MixtureFit) -> dict[str, float]:
    agree, parted = compare_refits(found.again, patterns.weights)
    low, high = np.quantile(agree, [0.05, 0.95])
    people = np.bincount(found.labels[patterns.of_row], minlength=k)
    within = measure_persistence(found.labels, found.again, patterns.weights)
    return {
        "k": k, **found.row, "stability": float(agree.mean()), "stability_low": float(low),
        "stability_high": float(high), "instability": float(parted.mean()),
        "slsw": float(within.min()), "silhouette": measure_silhouette(patterns, found.labels),
        "log_likelihood": mixture.log_likelihood, "bic": mixture.bic,
        "smallest": int(people.min()),
    }  # fmt: skip


def _test(variables: Variables, k: int, rng: np.random.Generator) -> pd.DataFrame:
    scaled = variables.scaled
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
