"""Each segment by itself: how it holds in refits, and which segments of k - 1 it came from."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cjlib.personas.clustering import Floats, Ints, count_pairs
from cjlib.personas.stability import overlap_refits


def describe_segments(
    labels: dict[int, Ints], refits: dict[int, Ints], weights: Floats
) -> pd.DataFrame:
    """Segment level stability within and across solutions.

    Within (SLSw): mean Jaccard overlap of the segment with its likeness in each bootstrap
    refit (``overlap_refits``). Across (SLSa): with p the shares of a segment's members that
    come from each segment of the solution with k - 1, 1 - entropy(p) / log(k - 1): 1 where
    all come from one segment, 0 where they come from all alike; missing where there is no
    solution with k - 1 or it has one segment.

    Parameters
    ----------
    labels : dict of int to array
        Segment of each pattern in the solution with k segments, from 0, the largest first.
    refits : dict of int to array (refits, patterns)
    weights : array (patterns,)

    Returns
    -------
    DataFrame
        ``k, segment`` (1 the largest), ``share, slsw, slsw_low, slsw_high`` (middle 90 % of
        refits), ``slsa, came_from`` (segment of k - 1 that most members were in),
        ``came_share`` (share of the members).

    References
    ----------
    Dolnicar, S. and Leisch, F. (2017). Marketing Letters 28, 423-436.
    Dolnicar, S., Grün, B. and Leisch, F. (2018). Market Segmentation Analysis, 7.5. Springer.
    """
    rows = []
    for k in sorted(labels):
        within = overlap_refits(labels[k], refits[k], weights)
        low, high = np.quantile(within, [0.05, 0.95], axis=0)
        mass = np.bincount(labels[k], weights=weights, minlength=k)
        shares = _share_origins(labels, k, weights)
        for segment in range(within.shape[1]):
            row = {
                "k": k, "segment": segment + 1, "share": mass[segment] / weights.sum(),
                "slsw": within[:, segment].mean(), "slsw_low": low[segment],
                "slsw_high": high[segment], "slsa": np.nan, "came_from": pd.NA,
                "came_share": np.nan,
            }  # fmt: skip
            if shares is not None:
                p = shares[segment]
                row["slsa"] = measure_origin(p) if len(p) > 1 else np.nan
                row["came_from"] = int(p.argmax()) + 1
                row["came_share"] = p.max()
            rows.append(row)
    table = pd.DataFrame(rows)
    return table.astype({"came_from": "Int64"}) if len(table) else table


def measure_origin(shares: Floats) -> float:
    """1 - entropy of the shares / log of their number: 1 one origin, 0 all alike."""
    p = shares[shares > 0]
    return float(1 + (p * np.log(p)).sum() / np.log(len(shares)))


def follow_segments(labels: dict[int, Ints], weights: Floats) -> pd.DataFrame:
    """How many moved from which segment to which: ``k, segment, came_from, share`` (of all)."""
    rows = []
    for k in sorted(labels):
        if k - 1 not in labels:
            continue
        table = count_pairs(labels[k - 1], labels[k], weights) / weights.sum()
        rows += [(k, b + 1, a + 1, table[a, b]) for a, b in zip(*np.nonzero(table), strict=True)]
    return pd.DataFrame(rows, columns=["k", "segment", "came_from", "share"])


def _share_origins(labels: dict[int, Ints], k: int, weights: Floats) -> Floats | None:
    """Share of each segment's members from each segment of k - 1: (k, k - 1)."""
    if k - 1 not in labels:
        return None
    table = count_pairs(labels[k - 1], labels[k], weights)
    shares: Floats = (table / table.sum(axis=0)).T
    return shares
