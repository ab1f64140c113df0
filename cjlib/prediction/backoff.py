"""Shares after a context of the last contacts, backing off to shorter contexts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cjlib.errors import JourneyError
from cjlib.events import JourneyLog

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
STRENGTHS: Final = (0.5, 2.0, 8.0, 32.0, 128.0, 512.0)  # tried; four times the last each
FIRST_STRENGTH: Final = 1.0  # of the uniform share behind the overall one
EARLIER: Final = 0.75  # of the training rows; the later quarter chooses the smoothing
MOST_FREQUENT: Final = "most frequent"
CELLS: Final = 4_000_000  # shares held at a time


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """What followed the contexts of one length.

    Attributes
    ----------
    contexts : int64
        Those that occurred, rising; coded as by ``code_contexts``.
    totals : int64
        How often each was followed by anything.
    starts : int64, one more than contexts
        Where each context's cells begin.
    outcomes, counts : int64, one per cell
        What followed, and how often.
    """

    contexts: Ints
    totals: Ints
    starts: Ints
    outcomes: Ints
    counts: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Backoff:
    """Shares of outcomes after a context of up to ``order`` contacts.

    p_m(x | context of m) = (count + a_m · p_(m-1)(x | the last m - 1)) / (total + a_m), down to
    p_0, the overall share with one even observation added. A context never seen gives the
    share of the shorter one.

    Attributes
    ----------
    levels : tuple of Level
        For contexts of length 0, 1, ...
    strengths : tuple of float
        a_m: how many observations the shorter context weighs.
    outcomes : int
        How many there are.
    base : int
        Of the code of contexts.

    References
    ----------
    MacKay, D. J. C. and Peto, L. C. B. (1995). Natural Language Engineering 1(3), 289-308.
    """

    levels: tuple[Level, ...]
    strengths: tuple[float, ...]
    outcomes: int
    base: int

    @property
    def order(self) -> int:
        """Length of the longest context used."""
        return len(self.levels) - 1

    def shares(self, contexts: Ints) -> Floats:
        """Return the share of every outcome (columns) after each context (rows).

        Parameters
        ----------
        contexts : int64
            Of length ``order`` or longer.
        """
        p = np.full((len(contexts), self.outcomes), 1.0 / self.outcomes)
        for m, (level, strength) in enumerate(zip(self.levels, self.strengths, strict=True)):
            place, total = _find(level, contexts % self.base**m)
            p *= strength
            known = np.flatnonzero(place >= 0)
            sizes = np.diff(level.starts)[place[known]]
            row = np.repeat(known, sizes)
            cell = np.arange(sizes.sum()) + np.repeat(
                level.starts[place[known]] - np.cumsum(sizes) + sizes, sizes
            )
            p[row, level.outcomes[cell]] += level.counts[cell]
            p /= (total + strength)[:, None]
        return p

    def depth(self, contexts: Ints) -> tuple[Ints, Ints]:
        """Return for each context the longest part of it that was seen, and how often."""
        length, seen = np.zeros(len(contexts), np.int64), np.zeros(len(contexts), np.int64)
        for m, level in enumerate(self.levels):
            _, total = _find(level, contexts % self.base**m)
            length = np.where(total > 0, m, length)
            seen = np.where(total > 0, total, seen)
        return length, seen


def _find(level: Level, contexts: Ints) -> tuple[Ints, Ints]:
    """Place of each context in the level, -1 where it never occurred, and its total."""
    if not len(level.contexts):
        return np.full(len(contexts), -1), np.zeros(len(contexts), np.int64)
    place = np.minimum(np.searchsorted(level.contexts, contexts), len(level.contexts) - 1)
    known = level.contexts[place] == contexts
    return np.where(known, place, -1), np.where(known, level.totals[place], 0)


def code_contexts(log: JourneyLog, order: int) -> tuple[Ints, int]:
    """Code the last ``order`` contacts of a journey at each contact as one number.

    The contact itself is the last digit, plus one; 0 stands for "before the journey began".
    The code of the last m contacts is the remainder by base to the m.

    Returns
    -------
    (contexts, base)
        ``base`` is the number of labels plus 1.
    """
    base = len(log.labels) + 1
    if not order >= 1 or float(base) ** (order + 1) >= 2**62:
        raise JourneyError(
            f"predict_next: order must be at least 1, and {base} to the power of order + 1 below "
            f"2 to the 62; got {order!r}. Use a shorter order, or stages instead of touchpoints."
        )
    digit = log.codes.astype(np.int64) + 1
    place = np.arange(len(log)) - np.repeat(log.offsets[:-1], log.lengths)
    code = digit.copy()
    for back in range(1, order):
        inside = np.flatnonzero(place >= back)
        code[inside] += digit[inside - back] * base**back
    return code, base


def fit_backoff(
    contexts: Ints,
    outcome: npt.NDArray[Any],
    *,
    base: int,
    outcomes: int,
    strengths: tuple[float, ...],
) -> Backoff:
    """Count what followed each context, for every length up to that of ``strengths``.

    Parameters
    ----------
    contexts : int64, one per observation
    outcome : int, one per observation, 0 to ``outcomes`` - 1
    base : int
    strengths : tuple of float
        One for each length 1, 2, ...; the overall share has ``FIRST_STRENGTH``.

    Notes
    -----
    One sort of whole numbers for each length.
    """
    levels = []
    for m in range(len(strengths) + 1):
        cells, counts = np.unique(contexts % base**m * outcomes + outcome, return_counts=True)
        context = cells // outcomes
        first = np.ones(len(context), dtype=bool)
        first[1:] = context[1:] != context[:-1]
        starts = np.append(np.flatnonzero(first), len(context))
        totals = np.add.reduceat(counts, starts[:-1]) if len(cells) else counts
        levels.append(Level(context[first], totals, starts, cells % outcomes, counts))
    return Backoff(tuple(levels), (FIRST_STRENGTH, *strengths), outcomes, base)


def choose_strengths(
    contexts: Ints,
    outcome: npt.NDArray[Any],
    *,
    learn: npt.NDArray[np.bool_],
    judge: npt.NDArray[np.bool_],
    base: int,
    outcomes: int,
    order: int,
) -> tuple[tuple[float, ...], list[float]]:
    """Choose the strengths one length after another by the log loss of a later part.

    Parameters
    ----------
    contexts, outcome
        All observations of the training time.
    learn, judge : bool, one per observation
        The earlier part, counted, and the later part, judged.

    Returns
    -------
    (strengths, losses)
        A strength for each length 1 to ``order``; the log loss (nats) of each order 0 to
        ``order``.
    """
    full = fit_backoff(
        contexts[learn], outcome[learn], base=base, outcomes=outcomes,
        strengths=(STRENGTHS[0],) * order,
    )  # fmt: skip
    evidence = _read_evidence(full, contexts[judge], outcome[judge])
    hits, total = evidence[0]
    p = (hits + FIRST_STRENGTH / outcomes) / (total + FIRST_STRENGTH)
    chosen: list[float] = []
    losses = [-float(np.log(p).mean())]
    for hits, total in evidence[1:]:
        tried = [(hits + strength * p) / (total + strength) for strength in STRENGTHS]
        loss = [-float(np.log(share).mean()) for share in tried]
        best = int(np.argmin(loss))
        p = tried[best]
        chosen.append(STRENGTHS[best])
        losses.append(loss[best])
    return tuple(chosen), losses


def _read_evidence(
    model: Backoff, contexts: Ints, outcome: npt.NDArray[Any]
) -> list[tuple[Ints, Ints]]:
    """For each length: how often what did follow was counted after the context, and all that."""
    found = []
    for m, level in enumerate(model.levels):
        part = contexts % model.base**m
        _, total = _find(level, part)
        cells = np.repeat(level.contexts, np.diff(level.starts)) * model.outcomes + level.outcomes
        asked = part * model.outcomes + outcome
        place = np.minimum(np.searchsorted(cells, asked), len(cells) - 1)
        found.append((np.where(cells[place] == asked, level.counts[place], 0), total))
    return found


def learn_orders(
    contexts: Ints,
    outcome: Ints,
    moment: Ints,
    train: npt.NDArray[np.bool_],
    *,
    base: int,
    outcomes: int,
    order: int,
) -> tuple[list[Backoff], int]:
    """Fit models of order 0 to ``order`` on the training rows, and choose one of them.

    How strongly each backs off, and which is chosen, is settled by the log loss of the last
    quarter of the training rows (by ``moment``) under a model of those before it; then all
    training rows are counted.

    Returns
    -------
    (models, chosen)
        ``chosen``: the order with the lowest such loss.
    """
    earlier = moment < int(np.quantile(moment[train], EARLIER, method="inverted_cdf"))
    if not (earlier & train).any():
        earlier = train
    strengths, losses = choose_strengths(
        contexts, outcome, learn=train & earlier,
        judge=train & ~earlier if (train & ~earlier).any() else train,
        base=base, outcomes=outcomes, order=order,
    )  # fmt: skip
    models = [
        fit_backoff(
            contexts[train], outcome[train], base=base, outcomes=outcomes, strengths=strengths[:m]
        )
        for m in range(order + 1)
    ]
    return models, int(np.argmin(losses))


def name_order(order: int) -> str:
    """Return what a model of an order is called in tables."""
    return f"order {order}" if order else MOST_FREQUENT


def share_of_outcome(model: Backoff, contexts: Ints, outcome: npt.NDArray[Any]) -> Floats:
    """Return the share that the model gave to what did follow, one per observation."""
    p = np.full(len(contexts), 1.0 / model.outcomes)
    evidence = _read_evidence(model, contexts, outcome)
    for (hits, total), strength in zip(evidence, model.strengths, strict=True):
        p = (hits + strength * p) / (total + strength)
    return p


def rank_outcomes(model: Backoff, contexts: Ints, outcome: npt.NDArray[Any]) -> tuple[Ints, Floats]:
    """Return the rank of what did follow (1: the likeliest), and the likeliest one's share.

    Ties in share go to the lower code. One pass over the different contexts.
    """
    found, place = np.unique(contexts % model.base**model.order, return_inverse=True)
    rank, top = np.empty(len(contexts), np.int64), np.empty(len(contexts))
    order = np.argsort(place, kind="stable")
    edges = np.searchsorted(place[order], np.arange(len(found) + 1))
    step = max(1, CELLS // model.outcomes)
    for begin in range(0, len(found), step):
        end = min(begin + step, len(found))
        shares = model.shares(found[begin:end])
        best = np.argsort(-shares, axis=1, kind="stable")
        ranks = np.empty_like(best)
        np.put_along_axis(ranks, best, np.arange(1, model.outcomes + 1)[None, :], axis=1)
        rows = order[edges[begin] : edges[end]]
        rank[rows] = ranks[place[rows] - begin, outcome[rows]]
        top[rows] = shares.max(axis=1)[place[rows] - begin]
    return rank, top
