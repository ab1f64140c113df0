"""Typical journeys: groups of journeys that are alike, each with the one in its middle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cjlib.columns import CUSTOMER, ESTIMATE
from cjlib.errors import JourneyError, TooFewError
from cjlib.journeys.clusters import Floats, Ints, share_groups
from cjlib.journeys.grouping import choose_medoids, cut_tree, join_nearest, measure_silhouettes
from cjlib.journeys.sequences import Dissimilarities

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True, eq=False)
class JourneyClusters:
    """What ``cluster_journeys`` found.

    Attributes
    ----------
    table : DataFrame
        One row per cluster, the largest first: ``cluster`` (from 1), ``typical``: the path of
        its medoid, ``journeys``, ``silhouette``: mean width, ``mean_distance`` to the typical
        journey, and ``estimate``: share of all journeys, with ``low, high, level, n, method``
        (given these clusters: that others could have been found is not in the interval).
    typical : DataFrame
        ``cluster, step, label, share``: the typical journey contact by contact, and the share
        of the cluster's journeys that have the same label at that contact.
    choice : DataFrame
        ``k, silhouette``: mean width for each number of clusters tried.
    members : DataFrame
        ``customer_id, cluster, silhouette``, one row per journey of the log.
    k : int
    method : str
    names : dict
    language : str
    """

    table: pd.DataFrame
    typical: pd.DataFrame
    choice: pd.DataFrame
    members: pd.DataFrame = field(repr=False)
    k: int
    method: str
    names: dict[str, str] = field(repr=False)
    language: str = "en"

    def summary(self) -> str:
        """Name the number of clusters, how clear they are, and the largest."""
        top = self.table.iloc[0]
        width = float(self.members["silhouette"].mean())
        share = "" if np.isnan(top[ESTIMATE]) else f" ({top[ESTIMATE]:.1%} of journeys)"
        return (
            f"{self.k} kinds of journey ({self.method}, mean silhouette {width:.2f}); the "
            f"largest{share} is typically {top['typical']}."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the typical journeys, one band each."""
        from cjlib import plots

        return plots.draw_typical_journeys(
            self.table, self.typical, names=self.names, language=self.language, ax=ax
        )

    def plot_choice(self, *, ax: Axes | None = None) -> Axes:
        """Draw the silhouette for each number of clusters."""
        from cjlib import plots

        return plots.draw_silhouettes(self.choice, k=self.k, language=self.language, ax=ax)


def cluster_journeys(
    distances: Dissimilarities,
    *,
    k: int | None = None,
    ks: Sequence[int] = range(2, 9),
    method: str = "ward",
) -> JourneyClusters:
    """Group journeys that are alike and name the typical one of each group.

    The typical journey (medoid) is the one with the least total distance to all journeys of
    its cluster: one that customers really made. Equal journeys are always together.

    Parameters
    ----------
    distances : Dissimilarities
        As ``compare_sequences`` gives them.
    k : int, optional
        How many clusters; by default the number of ``ks`` with the widest mean silhouette.
    ks : sequence of int, each at least 2
        Numbers to show the silhouette of; those not below the different journeys are skipped.
    method : "ward", "average" or "pam"
        A tree cut at k (Ward on squared distances, or average linkage), or k medoids.

    Raises
    ------
    TooFewError
        If fewer different journeys are there than clusters.

    Notes
    -----
    A silhouette above .5 is commonly read as clear, below .25 as none to speak of; journeys
    without any groups are cut into k all the same. No chance is involved. Time and memory
    grow with the square of the different journeys, for "pam" times the swaps.

    References
    ----------
    Kaufman, L. & Rousseeuw, P. J. (1990). Finding Groups in Data. Wiley.
    """
    if method not in ("ward", "average", "pam"):
        raise JourneyError(
            f"cluster_journeys: method must be 'ward', 'average' or 'pam'; got {method!r}."
        )
    different = len(distances.table)
    tried = sorted({*[size for size in ks if size < different], *([k] if k else [])})
    if not tried or tried[0] < 2 or tried[-1] > different:
        raise TooFewError(
            "cluster_journeys: clusters must be at least 2 and at most the different journeys; "
            f"got k={k!r}, ks={list(ks)!r} for {different:,} different journeys."
        )
    weights = distances.table["journeys"].to_numpy(dtype=float)
    cuts = _group(distances.matrix, weights, tried, method)
    widths = {size: measure_silhouettes(distances.matrix, weights, cuts[size]) for size in tried}
    means = {size: float(np.average(widths[size], weights=weights)) for size in tried}
    best = k or max(tried, key=lambda size: means[size])
    group = _order(cuts[best], weights)
    choice = pd.DataFrame({"k": tried, "silhouette": [means[size] for size in tried]})
    return _tell(distances, group, width=widths[best], choice=choice, method=method)


def _group(matrix: Floats, weights: Floats, ks: list[int], method: str) -> dict[int, Ints]:
    if method == "pam":
        chosen = {k: choose_medoids(matrix, weights, k) for k in ks}
        return {k: matrix[rows].argmin(axis=0) for k, rows in chosen.items()}
    pairs, _ = join_nearest(matrix, weights, method=method)
    return {k: cut_tree(pairs, k) for k in ks}


def _order(group: Ints, weights: Floats) -> Ints:
    """Give the groups numbers from the heaviest on, of equals the first to come."""
    first = np.unique(group, return_index=True)[1]
    rank = np.lexsort((first, -np.bincount(group, weights)))
    place = np.empty_like(rank)
    place[rank] = np.arange(len(rank))
    return place[group]


def _tell(
    distances: Dissimilarities, group: Ints, *, width: Floats, choice: pd.DataFrame, method: str
) -> JourneyClusters:
    weights = distances.table["journeys"].to_numpy(dtype=float)
    log, k = distances.log, int(group.max()) + 1
    rows, steps = [], []
    for cluster in range(k):
        own = np.flatnonzero(group == cluster)
        spread = weights[own] @ distances.matrix[np.ix_(own, own)]
        middle = own[int(np.argmin(spread))]
        rows.append({
            "cluster": cluster + 1,
            "typical": distances.table["path"].iloc[middle],
            "journeys": int(weights[own].sum()),
            "silhouette": float(np.average(width[own], weights=weights[own])),
            "mean_distance": float(spread.min() / weights[own].sum()),
        })  # fmt: skip
        path = distances.sequences[middle, : distances.table["contacts"].iloc[middle]]
        alike = weights[own] @ (distances.sequences[own, : len(path)] == path)
        steps += [
            {"cluster": cluster + 1, "step": place + 1, "label": log.labels[code],
             "share": float(alike[place] / weights[own].sum())}
            for place, code in enumerate(path)
        ]  # fmt: skip
    shares: dict[str, Any] = share_groups(
        group[distances.sequence_of], log.owner, groups=k, only=np.arange(k), level=log.level,
        minimum_base=log.minimum_base,
    )  # fmt: skip
    table = pd.DataFrame(rows).astype({"typical": "str"})
    members = pd.DataFrame({
        CUSTOMER: log.customers[log.owner],
        "cluster": group[distances.sequence_of] + 1,
        "silhouette": width[distances.sequence_of],
    })  # fmt: skip
    return JourneyClusters(
        table.assign(**shares), pd.DataFrame(steps), choice, members, k, method, log.name(),
        log.language,
    )  # fmt: skip
