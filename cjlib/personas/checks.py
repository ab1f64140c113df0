"""What could be wrong with the personas: other ways to make them, and two people in one."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from scipy import stats

from cjlib.columns import PERSONA
from cjlib.personas.choice import MOST_ROWS, Choice
from cjlib.personas.clustering import adjusted_rand, assign, find_patterns, fit_kmeans
from cjlib.personas.variables import Variables

BIMODAL_ABOVE: Final = 5 / 9  # Sarle's coefficient of a flat distribution; two camps lie above
OPPOSED_BELOW: Final = -0.3  # rank correlation of two top needs within one persona
TOP: Final = 3  # needs looked at in each persona


def measure_sensitivity(
    variables: Variables, choice: Choice, *, rng: np.random.Generator
) -> pd.DataFrame:
    """Make the segments in other defensible ways and say how much they agree.

    Returns
    -------
    DataFrame
        ``other_way, k, agreement`` (adjusted Rand with the personas, on all placed people:
        1 the same, 0 no more than chance), ``n``. Empty where there are no segments.
    """
    names = ["other_way", "k", "agreement", "n"]
    if choice.k == 1:
        return pd.DataFrame(columns=names)
    values, weights = variables.matrix, variables.row_weights
    here = assign(values, choice.fits[choice.k].centres)
    rows = []
    for k, name in ((choice.k - 1, "one segment fewer"), (choice.k + 1, "one segment more")):
        if k in choice.fits:
            rows.append((name, k, adjusted_rand(here, assign(values, choice.fits[k].centres))))
    sample = choice.fits[choice.k].labels[choice.patterns.of_row]
    other = choice.mixtures[choice.k].labels[choice.patterns.of_row]
    rows.append(("mixture model instead of k-means", choice.k, adjusted_rand(sample, other)))
    if variables.source == "survey":
        turned = variables.with_centring(not variables.centre.any())
        if not np.array_equal(turned.centre, variables.centre):
            style = "own level left in" if variables.centre.any() else "own level taken out"
            rows.append((style, choice.k, _refit(turned.matrix, weights, here, choice.k, rng)))
    full = variables.raw[variables.kept].notna().all(axis=1).to_numpy()
    if not full.all() and full.sum() >= 20 * choice.k:
        found = _refit(values[full], weights[full], here[full], choice.k, rng)
        rows.append(("only people without gaps", choice.k, found))
    if np.ptp(weights) > 0:
        found = _refit(values, np.ones(len(values)), here, choice.k, rng)
        rows.append(("without weights", choice.k, found))
    table = pd.DataFrame(rows, columns=names[:3])
    table["n"] = len(values)
    table.loc[table["other_way"].str.startswith("mixture"), "n"] = len(sample)
    table.loc[table["other_way"].str.startswith("only"), "n"] = int(full.sum())
    return table


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


def _refit(
    values: np.ndarray, weights: np.ndarray, here: np.ndarray, k: int, rng: np.random.Generator
) -> float:
    chosen = np.arange(len(values))
    if len(values) > MOST_ROWS:
        chosen = np.sort(rng.choice(len(values), MOST_ROWS, replace=False))
    fit = fit_kmeans(find_patterns(values[chosen], weights[chosen]), k, rng=rng)
    return adjusted_rand(here, assign(values, fit.centres))
