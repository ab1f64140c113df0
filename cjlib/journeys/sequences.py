"""How unlike journeys are: Hamming distance and optimal matching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cjlib.errors import JourneyError
from cjlib.events import JourneyLog
from cjlib.journeys.alignment import match_optimally, measure_hamming, transition_costs
from cjlib.journeys.clusters import Floats, Ints
from cjlib.journeys.variants import ARROW, group_paths

ENDED = "(ended)"
MOST = 4_000  # different journeys: 128 MB of distances, minutes of matching


@dataclass(frozen=True, slots=True, eq=False)
class Dissimilarities:
    """What ``compare_sequences`` found.

    Attributes
    ----------
    table : DataFrame
        One row per different journey, the most frequent first: ``path``, ``contacts``,
        ``journeys`` that are so, ``mean_distance`` to all journeys.
    costs : DataFrame
        Cost of putting one label (rows) in another's place (columns).
    matrix : float, different journeys x different journeys, in the order of ``table``
    sequences : int, different journeys x longest; past a journey's end the number of labels
    sequence_of : int, one per journey of ``log``
        Its row in ``table``.
    ceiling : float
        Largest distance that two journeys of these lengths could have with these costs.
    method : "om" or "hamming"
    log : JourneyLog
        As compared: in the view asked for, cut to ``steps``.
    """

    table: pd.DataFrame
    costs: pd.DataFrame
    matrix: Floats = field(repr=False)
    sequences: Ints = field(repr=False)
    sequence_of: Ints = field(repr=False)
    ceiling: float
    method: str
    log: JourneyLog = field(repr=False)

    def distance(self, first: int, second: int) -> float:
        """Return the distance between two journeys, by their places in the log."""
        return float(self.matrix[self.sequence_of[first], self.sequence_of[second]])

    def summary(self) -> str:
        """Say how many journeys differ and how far two lie apart."""
        size = self.table["journeys"].to_numpy(dtype=float)
        total = size.sum()
        pairs = total * (total - 1)
        mean = float(size @ self.matrix @ size / pairs) if pairs else 0.0
        return (
            f"{total:,.0f} journeys, {len(self.table):,} of them different; two lie "
            f"{mean:.1f} apart on average, {self.matrix.max():.1f} at most "
            f"({self.ceiling:.1f} is possible)."
        )


def compare_sequences(
    log: JourneyLog,
    *,
    by: str | None = None,
    method: str = "om",
    costs: str = "constant",
    indel: float = 1.0,
    steps: int | None = None,
    weights: pd.Series | None = None,
) -> Dissimilarities:
    """Measure how unlike each two journeys are.

    Hamming: the places at which they differ, counted from the first contact; a journey that
    is over stands as "(ended)". Optimal matching: the least total cost of putting labels in,
    taking them out and replacing them until one has become the other. Time between contacts
    plays no part: cut a journey into equal slots first where it should.

    Parameters
    ----------
    log : JourneyLog
        ``log.of("stage").collapse()`` compares the order of stages only.
    by : "touchpoint", "stage" or "channel", optional
    method : "om" or "hamming"
    costs : "constant" or "trate"
        Of replacing a label: the same for all (2 in optimal matching, 1 in Hamming), or
        2 - p(b|a) - p(a|b) from the shares of moves, so that labels which often follow each
        other are alike. Against "(ended)" it is always the constant.
    indel : float, more than 0
        Of putting a label in or taking one out; optimal matching only.
    steps : int, optional
        Compare only the first so many contacts.
    weights : Series, customer -> weight, optional
        For the shares of moves in ``costs="trate"`` only.

    Raises
    ------
    JourneyError
        If more than 4,000 different journeys are to be compared.

    Notes
    -----
    Only different journeys are compared, each pair once. With constant costs and indel 1,
    (contacts of both - distance) / 2 is the length of the longest common subsequence. Time
    grows with pairs of different journeys x contacts²; memory with the pairs.

    References
    ----------
    Gabadinho, A., Ritschard, G., Mueller, N. S. & Studer, M. (2011). Journal of Statistical
    Software 40(4), section 5. doi:10.18637/jss.v040.i04
    """
    if method not in ("om", "hamming") or costs not in ("constant", "trate"):
        raise JourneyError(
            "compare_sequences: method must be 'om' or 'hamming' and costs 'constant' or "
            f"'trate'; got {method!r} and {costs!r}."
        )
    if not indel > 0 or (steps is not None and steps < 1):
        raise JourneyError(
            "compare_sequences: indel must be above 0 and steps at least 1; "
            f"got {indel!r} and {steps!r}."
        )
    log = log.of(by)
    if steps is not None:
        log = log.take(np.arange(len(log)) - np.repeat(log.offsets[:-1], log.lengths) < steps)
    variant, example = group_paths(log)
    if len(example) > MOST:
        raise JourneyError(
            f"compare_sequences: at most {MOST:,} different journeys can be compared; the log "
            f"has {len(example):,}. Use log.of('stage').collapse(), steps, or a sample."
        )
    counts = np.bincount(variant)
    rank = np.lexsort((example, -counts))
    place = np.empty_like(rank)
    place[rank] = np.arange(len(rank))
    example, counts = example[rank], counts[rank]
    sequences, lengths = _square(log, example), log.lengths[example]
    prices = _price(log, costs, 2.0 if method == "om" else 1.0, weights)
    there = np.unique(sequences[sequences < len(log.labels)] if method == "om" else sequences)
    dearest = float(prices[np.ix_(there, there)].max())
    if method == "om":
        matrix = match_optimally(sequences, lengths, prices, indel=indel)
        long, other = int(lengths.max()), _second(lengths, counts)
        ceiling = other * min(2 * indel, dearest) + (long - other) * indel
    else:
        matrix = measure_hamming(sequences, prices)
        ceiling = dearest * sequences.shape[1]
    table = pd.DataFrame(
        {
            "path": pd.Series(_spell(log, example), dtype="str"),
            "contacts": lengths,
            "journeys": counts,
            "mean_distance": matrix @ counts / counts.sum(),
        }
    )
    labels = [*log.labels, ENDED]
    return Dissimilarities(
        table, pd.DataFrame(prices, index=labels, columns=labels), matrix, sequences,
        place[variant], ceiling, method, log,
    )  # fmt: skip


def _square(log: JourneyLog, example: Ints) -> Ints:
    """Codes of the example journeys in rows, filled up with the number of labels."""
    lengths = log.lengths[example]
    places = np.arange(int(lengths.max()))
    inside = places < lengths[:, None]
    at = np.where(inside, log.offsets[example][:, None] + places, 0)
    return np.where(inside, log.codes[at].astype(np.int64), len(log.labels))


def _price(log: JourneyLog, costs: str, constant: float, weights: pd.Series | None) -> Floats:
    k = len(log.labels)
    prices = np.full((k + 1, k + 1), constant)
    if costs == "trate":
        mass = np.ones(log.journeys)
        if weights is not None:
            mass = weights.reindex(log.customers).to_numpy(dtype=float)[log.owner]
            if not (mass >= 0).all():
                lost = int((~(mass >= 0)).sum())
                raise JourneyError(
                    "compare_sequences: weights must give each customer a number not below 0; "
                    f"{lost:,} of {len(mass):,} journeys have none. Is it indexed by customer_id?"
                )
        prices[:k, :k] = transition_costs(log.codes.astype(np.int64), log.lengths, mass, labels=k)[
            1
        ]
    np.fill_diagonal(prices, 0.0)
    return prices


def _second(lengths: Ints, counts: Ints) -> int:
    """Length of the longest journey beside the longest."""
    ordered = np.sort(np.repeat(lengths, np.minimum(counts, 2)))
    return int(ordered[-2:][0])


def _spell(log: JourneyLog, example: Sequence[int] | Ints) -> list[str]:
    return [
        ARROW.join(log.labels[code] for code in log.codes[log.offsets[j] : log.offsets[j + 1]])
        for j in example
    ]
