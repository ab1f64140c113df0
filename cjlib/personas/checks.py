"""What could be wrong with the personas: other ways to make them, and two people in one."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd
from scipy import stats

from cjlib.columns import PERSONA
from cjlib.personas.choice import MOST_ROWS
from cjlib.personas.clustering import Ints, adjusted_rand, find_patterns
from cjlib.personas.methods import METHODS, Segments, fit_segments
from cjlib.personas.variables import FEWEST_RATINGS, Variables

BIMODAL_ABOVE: Final = 5 / 9  # Sarle's coefficient of a flat distribution; two camps lie above
OPPOSED_BELOW: Final = -0.3  # rank correlation of two top needs within one persona
TOP: Final = 3  # needs looked at in each persona


def measure_sensitivity(
    variables: Variables, segments: Segments, *, rng: np.random.Generator
) -> pd.DataFrame:
    """Make the segments in other defensible ways and say how much they agree.

    One segment fewer and more; every other method with as many segments; the answering style
    treated otherwise; only people without gaps; without weights. Above ``MOST_ROWS`` people a
    sample of that many makes the other segments and everybody is placed.

    Returns
    -------
    DataFrame
        ``other_way, k, agreement`` (adjusted Rand with the personas, on all placed people:
        1 the same, 0 no more than chance), ``n``. Empty where there are no segments.
    """
    names = ["other_way", "k", "agreement", "n"]
    k = segments.k
    if k == 1:
        return pd.DataFrame(columns=names)
    ways: list[tuple[str, Variables, int, str]] = []
    if k > 2:
        ways.append(("one segment fewer", variables, k - 1, segments.method))
    ways.append(("one segment more", variables, k + 1, segments.method))
    bare = variables.with_style("none")
    for method in METHODS:
        if _differs(variables, method, segments.method):
            own = bare if method == "latent_class" else variables
            ways.append((f"{method} instead of {segments.method}", own, k, method))
    if segments.method != "latent_class":
        if variables.centre.any():
            ways.append(("own level left in", bare, k, segments.method))
        elif variables.ratings.sum() >= FEWEST_RATINGS:
            level = variables.with_style("level")
            ways.append(("own level taken out", level, k, segments.method))
    if np.ptp(variables.row_weights) > 0:
        even = replace(variables, weights=np.ones(len(variables.weights)))
        ways.append(("without weights", even, k, segments.method))
    rows = []
    for name, other, count, method in ways:
        if count <= len(find_patterns(variables.matrix).values):
            labels = _place_again(other, count, method, rng)
            rows.append((name, count, adjusted_rand(segments.labels, labels), len(labels)))
    full = np.flatnonzero(variables.raw[variables.kept].notna().all(axis=1))
    if 20 * k <= len(full) < len(variables.scaled):
        labels = _place_again(variables.take(full), k, segments.method, rng)
        agreement = adjusted_rand(segments.labels[full], labels)
        rows.append(("only people without gaps", k, agreement, len(full)))
    return pd.DataFrame(rows, columns=names)


def find_contradictions(variables: Variables, personas: pd.Series) -> pd.DataFrame:
    """Flag personas that may hold two kinds of people with opposite needs.

    Looked at: the ``TOP`` items rated highest in each persona, at the level they were given.
    "split": Sarle's bimodality coefficient of a rating above that of a flat distribution,
    with at least a fifth of the members on each side of the scale's middle; "opposed": two
    top items with a rank correlation below ``OPPOSED_BELOW``.

    Returns
    -------
    DataFrame
        ``persona, kind, items, value, threshold, n``; empty where nothing was found.

    References
    ----------
    Pfister, R. et al. (2013). Frontiers in Psychology 4, 700.
    """
    ratings = variables.items[variables.items["kind"].eq("scale")].set_index("item")
    rows = []
    for persona in sorted(personas.dropna().unique()):
        member = personas.eq(persona).fillna(value=False).to_numpy(dtype=bool)
        answers = variables.raw.loc[member, list(ratings.index)]
        means = answers.mean().sort_values(ascending=False, kind="stable")
        top = list(means.index[:TOP])
        for name in top:
            x = answers[name].dropna().to_numpy()
            middle = (ratings.loc[name, "low"] + ratings.loc[name, "high"]) / 2
            sides = min((x < middle).mean(), (x > middle).mean()) if len(x) else 0.0
            value = bimodality(x)
            if value > BIMODAL_ABOVE and sides >= 0.2:
                rows.append((persona, "split", name, value, BIMODAL_ABOVE, len(x)))
        for i, first in enumerate(top):
            for second in top[i + 1 :]:
                pair = answers[[first, second]].dropna()
                if len(pair) < 10 or (pair.nunique() < 2).any():
                    continue
                value = float(stats.spearmanr(pair[first], pair[second]).statistic)
                if value < OPPOSED_BELOW:
                    both = f"{first}, {second}"
                    rows.append((persona, "opposed", both, value, OPPOSED_BELOW, len(pair)))
    return pd.DataFrame(rows, columns=[PERSONA, "kind", "items", "value", "threshold", "n"])


def bimodality(x: np.ndarray) -> float:
    """Sarle's bimodality coefficient with the small-sample correction; 5/9 when flat.

    (skewness² + 1) / (excess kurtosis + 3 (n-1)² / ((n-2)(n-3))); missing below 4 values or
    without spread.
    """
    n = len(x)
    if n < 4 or np.ptp(x) == 0:
        return float("nan")
    skew, kurtosis = stats.skew(x, bias=False), stats.kurtosis(x, bias=False)
    return float((skew**2 + 1) / (kurtosis + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))))


def _differs(variables: Variables, method: str, other: str) -> bool:
    """Tell whether two methods can differ: without categories k-prototypes are k-means."""
    same = {method, other} <= {"kmeans", "kprototypes"} and not variables.categorical.any()
    return method != other and not same


def _place_again(variables: Variables, k: int, method: str, rng: np.random.Generator) -> Ints:
    part, people = variables, len(variables.scaled)
    if people > MOST_ROWS:
        part = variables.take(np.sort(rng.choice(people, MOST_ROWS, replace=False)))
    found = fit_segments(part, k, method=method, rng=rng)
    return found.labels if people <= MOST_ROWS else found.place(variables.answered)
