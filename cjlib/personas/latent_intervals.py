"""How far the shares and chances of latent classes may be off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from cjlib.columns import ESTIMATE, HIGH, LEVEL, LOW, METHOD, N
from cjlib.intervals import normal_quantile, require_level, wilson_bounds
from cjlib.personas.categories import MISSING
from cjlib.personas.clustering import Floats

if TYPE_CHECKING:
    from cjlib.personas.latent import LatentClasses

EDGE: Final = 1e-3  # a chance this near 0 or 1 has no standard error on the logit scale
NOTHING: Final = 1e-9  # information below this share of the largest counts as none
PATTERNS_AT_ONCE: Final = 20_000
WALD: Final = "logit, empirical information"
WILSON: Final = "Wilson, people in the class"


def estimate_chances(found: LatentClasses, *, level: float = 0.95) -> pd.DataFrame:
    """Chances of each answer in each class, and shares of the classes, with intervals.

    Standard errors come from the products of the patterns' scores (empirical information;
    with weights, sandwiched), so the doubt about who belongs where is in them; intervals are
    formed on the logit scale. A chance within a thousandth of 0 or 1 has none there: it gets
    Wilson's interval on the people in the class who answered, which leaves that doubt out.
    Where there are more free numbers than answer patterns all are missing.

    Parameters
    ----------
    found : LatentClasses
    level : float, 0 to 1

    Returns
    -------
    DataFrame
        ``class, item, answer, estimate, low, high, level, n, method``; rows with a missing
        item are the shares of the classes. ``n``: people in the class who answered, by
        weight and chance; for shares, all.

    References
    ----------
    McLachlan, G. and Peel, D. (2000). Finite Mixture Models, section 2.15. Wiley.
    """
    require_level(level, caller="estimate_chances")
    errors, bases = _measure_errors(found)
    k = found.k
    estimate = np.concatenate([found.shares, found.probabilities.reshape(-1)])
    z = normal_quantile(level)
    low, high = np.empty_like(estimate), np.empty_like(estimate)
    edge = (estimate < EDGE) | (estimate > 1 - EDGE)
    inside = ~edge
    p = estimate[inside]
    logit, reach = np.log(p / (1 - p)), z * errors[inside] / (p * (1 - p))
    low[inside], high[inside] = 1 / (1 + np.exp(reach - logit)), 1 / (1 + np.exp(-reach - logit))
    bounds = wilson_bounds(estimate[edge] * bases[edge], bases[edge], level=level)
    low[edge], high[edge] = (np.clip(bound, 0, 1) for bound in bounds)
    if found.table["residual_df"].iloc[0] < 0:
        low[:], high[:] = np.nan, np.nan
    rows = pd.DataFrame({"class": np.arange(k), "item": None, "answer": None})
    table = pd.concat(
        [rows.astype(object), found.chances[["class", "item", "answer"]].astype(object)],
        ignore_index=True,
    ).astype({"class": "int64"})
    table[ESTIMATE], table[LOW], table[HIGH] = estimate, low, high
    table[LEVEL], table[N], table[METHOD] = level, bases, np.where(edge, WILSON, WALD)
    return table


def _measure_errors(found: LatentClasses) -> tuple[Floats, Floats]:
    """Return standard errors of shares and chances, and the people each rests on."""
    patterns, counts, k = found.patterns, found.categories.counts, found.k
    size = k + found.probabilities.size
    information, spread = np.zeros((size, size)), np.zeros((size, size))
    bases = np.zeros((k, int(counts.sum())))
    person = np.zeros(len(patterns.weights), dtype=np.int64)
    person[patterns.of_person] = np.arange(len(patterns.of_person))
    posterior = found.posteriors.to_numpy()
    edges = np.concatenate([[0], np.cumsum(counts)[:-1]])
    for at in range(0, len(person), PATTERNS_AT_ONCE):
        part = slice(at, at + PATTERNS_AT_ONCE)
        codes = np.concatenate(
            [half[pair[part]] for half, pair in zip(patterns.halves, patterns.pairs, strict=True)],
            axis=1,
        )
        there = np.repeat(codes != MISSING, counts, axis=1)
        row, item = np.nonzero(codes != MISSING)
        said = np.zeros(there.shape)
        said[row, edges[item] + codes[row, item]] = 1
        r = posterior[person[part]]
        bases += (r * patterns.weights[part, None]).T @ there
        residual = said[:, None] - there[:, None] * found.probabilities[None]
        scores = np.concatenate(
            [r - found.shares, (r[:, :, None] * residual).reshape(len(r), -1)], 1
        )
        information += (scores * patterns.weights[part, None]).T @ scores
        spread += (scores * patterns.squares[part, None]).T @ scores
    inverse = np.linalg.pinv(information, rcond=NOTHING, hermitian=True)
    covariance = inverse @ spread @ inverse
    errors = []
    blocks = [(0, found.shares)]
    for c, row_of in enumerate(found.probabilities):
        start = k + c * len(row_of)
        for edge, count in zip(edges, counts, strict=True):
            blocks.append((start + int(edge), row_of[edge : edge + count]))
    for start, p in blocks:
        turn = np.diag(p) - np.outer(p, p)
        block = covariance[start : start + len(p), start : start + len(p)]
        errors.append(np.sqrt(np.maximum(np.diag(turn @ block @ turn), 0)))
    people = np.full(k, patterns.weights.sum())
    return np.concatenate(errors), np.concatenate([people, bases.reshape(-1)])
