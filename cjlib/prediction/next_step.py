"""What a customer does next, when, and whether at all: learned before a date, judged after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from cjlib.columns import ESTIMATE, HIGH, LEVEL, LOW, METHOD, N
from cjlib.errors import JourneyError, TooFewError
from cjlib.events import JourneyLog
from cjlib.events.journey_log import Floats, Ints
from cjlib.prediction.backoff import (
    MOST_FREQUENT,
    Backoff,
    code_contexts,
    learn_orders,
    name_order,
    rank_outcomes,
    share_of_outcome,
)
from cjlib.prediction.held_out import SCORES, calibrate, score_row
from cjlib.prediction.stopping import ALL, learn_leaving, measure_times

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DAY: Final = 86_400_000_000  # microseconds
TRAINING: Final = 0.7  # of the steps lie before the cut by default
WINDOW: Final = 0.9  # quantile of the gaps, the default window
FEWEST: Final = 100  # steps to learn from


@dataclass(frozen=True, slots=True, eq=False)
class NextStep:
    """What ``predict_next`` learned before the cut, and how it fared after it.

    Attributes
    ----------
    scores : DataFrame
        One row per model ("most frequent", "order 1", ...) and ``measure``: "top 1", "top 3"
        (share of steps whose next label is the likeliest, or among the three likeliest), "log
        loss" (nats, low is good); and gains: ``baseline`` names the model it is compared with
        (positive is better). ``estimate, low, high, level, n, method`` by customer;
        ``chosen``: the order that training chose.
    calibration : DataFrame
        Of the chosen model: ``predicted`` share of its likeliest label, in tenths, beside the
        share that came true, with interval; ``steps``.
    dropout : DataFrame
        As ``scores``, for "no further step within the window"; measures "log loss", "brier".
    dropout_calibration : DataFrame
        As ``calibration``, for the dropouts.
    times : DataFrame
        One row per label that occurs, and "(all)": ``label``; ``steps`` and ``customers``
        learned from; ``own``: whether the label's own times are used (else those of all);
        ``median_hours``, ``p90_hours`` to the next step, of those that come within the window;
        ``below_median``, ``below_p90`` with ``_low, _high``: share of later steps that came by
        then (.5 and .9 if right); ``n``: customers these rest on.
    order : int
        Chosen on training data; 0: the most frequent next, whatever came before.
    verdict : str
        "better than order 1", "no better than order 1", "order 1 is enough", or "no better than
        the most frequent".
    cut, window_days, steps
        Date; days; (learned, judged) steps.
    """

    scores: pd.DataFrame
    calibration: pd.DataFrame
    dropout: pd.DataFrame
    dropout_calibration: pd.DataFrame
    times: pd.DataFrame
    order: int
    verdict: str
    cut: pd.Timestamp
    window_days: float
    steps: tuple[int, int]
    log: JourneyLog = field(repr=False)  # one contact of it: labels and names
    following: Backoff = field(repr=False)
    leaving: Backoff = field(repr=False)

    def score(self, model: str, measure: str, baseline: str = "") -> pd.Series:
        """Return one row of ``scores``."""
        t = self.scores
        rows = t["model"].eq(model) & t["measure"].eq(measure) & t["baseline"].eq(baseline)
        return t[rows].iloc[0]

    def summary(self) -> str:
        """Say how often the next step is told rightly, beside the simple baselines."""
        name = name_order(self.order)
        one, three = self.score(name, "top 1"), self.score(name, "top 3")
        text = (
            f"Learned from {self.steps[0]:,} steps before {self.cut:%Y-%m-%d}, judged on "
            f"{self.steps[1]:,} after it (n = {one[N]:,}): {name} names the next {self.log.by} "
            f"rightly in {one[ESTIMATE]:.1%} [{one[LOW]:.1%}, {one[HIGH]:.1%}] of steps, among its "
            f"three likeliest in {three[ESTIMATE]:.1%}"
        )
        if self.order:
            simple = self.score(MOST_FREQUENT, "top 1")[ESTIMATE]
            text += f"; always naming the most frequent is right in {simple:.1%}"
        if self.order > 1:
            gain = self.score(name, "log loss", "order 1")
            text += (
                f", knowing only the last one in {self.score('order 1', 'top 1')[ESTIMATE]:.1%}; "
                f"log loss below order 1's by {gain[ESTIMATE]:.3f} [{gain[LOW]:.3f}, "
                f"{gain[HIGH]:.3f}]"
            )
        told = self.dropout["measure"].eq("log loss") & self.dropout["baseline"].ne("")
        drop = ""
        for low in self.dropout.loc[told, LOW]:
            better = "better" if low > 0 else "not surely better"
            drop = (
                f" No further step within {self.window_days:g} days: {better} told by the path "
                "than by the overall share."
            )
        return f"{text}. Verdict: {self.verdict}.{drop}"

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw how often the likeliest next step came true against its predicted share."""
        from cjlib import plots

        return plots.draw_next_calibration(
            self.calibration, what="next", language=self.log.language, ax=ax
        )

    def plot_dropout(self, *, ax: Axes | None = None) -> Axes:
        """Draw how often no further step came against its predicted share."""
        from cjlib import plots

        return plots.draw_next_calibration(
            self.dropout_calibration, what="dropout", language=self.log.language, ax=ax
        )

    def plot_scores(self, *, ax: Axes | None = None) -> Axes:
        """Draw the share of next steps told rightly by each model."""
        from cjlib import plots

        return plots.draw_next_scores(self.scores, language=self.log.language, ax=ax)

    def predict(self, paths: Sequence[Sequence[str]], *, top: int = 3) -> pd.DataFrame:
        """Tell what comes next after journeys so far.

        Parameters
        ----------
        paths : sequence of sequences of labels
            Each from the first contact, or at least the last ``order`` ones, to the last.
        top : int
            How many of the likeliest next labels are told.

        Returns
        -------
        DataFrame
            One row per path (``path``, counted from 0) and ``rank``: ``next``; ``estimate``:
            its chance if there is a next step, with ``low, high, level, n, method`` (``n``:
            training steps after the longest known part of the path; Dirichlet, steps taken as
            independent); ``known``: contacts of that part; ``dropout``: chance of no step within
            the window; ``median_hours, p90_hours`` to it if it comes within the window.
        """
        contexts = np.array([self._code(path) for path in paths], dtype=np.int64)
        shares = self.following.shares(contexts)
        known, seen = self.following.depth(contexts)
        gone = self.leaving.shares(contexts)[:, 1]
        weight = seen + np.array(self.following.strengths)[known]
        times = self.times.set_index("label")[["median_hours", "p90_hours"]]
        known_ends = [path[-1] if path[-1] in times.index else ALL for path in paths]
        waits: list[dict[str, Any]] = [
            dict(zip(times.columns, times.loc[end], strict=True)) for end in known_ends
        ]
        rows: list[dict[str, Any]] = []
        for i in range(len(paths)):
            for rank, code in enumerate(np.argsort(-shares[i], kind="stable")[:top], start=1):
                p = float(shares[i, code])
                tail = (1 - self.log.level) / 2
                low, high = stats.beta.ppf([tail, 1 - tail], p * weight[i], (1 - p) * weight[i])
                rows.append(
                    {"path": i, "rank": rank, "next": self.log.labels[code], ESTIMATE: p,
                     LOW: float(low), HIGH: float(high), LEVEL: self.log.level,
                     N: int(seen[i]), METHOD: "Dirichlet", "known": int(known[i]),
                     "dropout": float(gone[i]),
                     **waits[i]}
                )  # fmt: skip
        return pd.DataFrame(rows)

    def _code(self, path: Sequence[str]) -> int:
        if isinstance(path, str) or not len(path):
            raise JourneyError(
                f"NextStep.predict: each path must be a sequence of at least one label; got "
                f"{path!r}. Write [['home_page', 'cart']]."
            )
        last = list(path)[-max(self.following.order, self.leaving.order, 1) :]
        code = 0
        for label in last:
            code = code * self.following.base + self.log.code(label, caller="NextStep.predict") + 1
        return code


def predict_next(
    log: JourneyLog,
    *,
    by: str | None = None,
    order: int = 3,
    cut: Any = None,
    window_days: float | None = None,
) -> NextStep:
    """Predict the next label of a journey, the time to it, and that there will be none.

    A step is a contact and the next of the same journey. Steps that end before the cut are
    learned from; those that end at or after it are judged, with all that came before them as
    context, also contacts before the cut: nothing after the cut is learned. Shares after the
    last 1 to ``order`` contacts back off to shorter contexts (``Backoff``); how strongly, and
    which order is ``chosen``, is settled on the last quarter of the training steps alone.

    A dropout is a contact without a next one within ``window_days``; contacts are learned from
    where the window ends before the cut, judged where they lie after the cut and their window
    ends within the log. The time to the next step is that of steps within the window, at the
    same contacts, so that late starters do not shorten it; a label with fewer customers than
    the minimum base takes the times of all.

    Parameters
    ----------
    log : JourneyLog
        ``collapse`` it first where staying is no step; ``sessions`` of it for visits.
    by : "touchpoint", "stage" or "channel", optional
    order : int
        The longest context, in contacts.
    cut : date, optional
        By default where ``TRAINING`` (70 %) of the steps have ended, at midnight.
    window_days : float, optional
        By default the 90 % quantile of the training gaps, rounded up to days.

    Raises
    ------
    TooFewError
        With fewer than 100 steps or the minimum base of customers before or after the cut.

    Notes
    -----
    A sort of codes per order, and one pass over the different contexts.
    """
    log = log.of(by)
    contexts, base = code_contexts(log, order)
    followed = np.ones(len(log), dtype=bool)
    followed[log.offsets[1:] - 1] = False
    here = np.flatnonzero(followed)
    who = np.repeat(log.owner, log.lengths)
    arrived = log.times[here + 1]
    when = _read_cut(arrived, cut)
    train, test = arrived < when, arrived >= when
    _require(log, who[here], train, test, when)
    k = len(log.labels)
    outcome = log.codes[here + 1].astype(np.int64)
    models, chosen = learn_orders(
        contexts[here], outcome, arrived, train, base=base, outcomes=k, order=order
    )
    scores, top, hit = _judge(models, contexts[here][test], outcome[test], who[here][test], log)
    scores["chosen"] = scores["model"].eq(name_order(chosen))
    owner = who[here][test]
    gap = np.full(len(log), np.iinfo(np.int64).max)
    gap[here] = arrived - log.times[here]
    window = _read_window(gap[here][train], window_days)
    leaving = learn_leaving(log, contexts, gap, who, when=when, window=window, order=order)
    return NextStep(
        scores=scores,
        calibration=calibrate(
            top[chosen], hit[chosen], owner, level=log.level, minimum_base=log.minimum_base
        ),
        dropout=leaving[1],
        dropout_calibration=leaving[2],
        times=measure_times(log, gap, who, when=when, window=window),
        order=chosen,
        verdict=_find_verdict(scores, chosen),
        cut=pd.Timestamp(when, unit="us"),
        window_days=window / DAY,
        steps=(int(train.sum()), int(test.sum())),
        log=log.take(np.arange(len(log)) == 0),
        following=models[chosen],
        leaving=leaving[0],
    )


def _read_cut(arrived: Ints, cut: Any) -> int:
    if cut is not None:
        return int(pd.Timestamp(cut).to_datetime64().astype("datetime64[us]").astype(np.int64))
    if not len(arrived):
        return 0
    found = int(np.quantile(arrived, TRAINING, method="inverted_cdf"))
    midnight = found // DAY * DAY
    return midnight if midnight > arrived.min() else found


def _require(log: JourneyLog, owner: Ints, train: Any, test: Any, when: int) -> None:
    for word, part in (("before", train), ("after", test)):
        people = len(np.unique(owner[part]))
        if part.sum() < FEWEST or people < log.minimum_base:
            raise TooFewError(
                f"predict_next: at least {FEWEST} steps of {log.minimum_base} customers must lie "
                f"{word} the cut; {int(part.sum()):,} steps of {people:,} customers do "
                f"({pd.Timestamp(when, unit='us'):%Y-%m-%d}). Choose another cut or a longer log."
            )


def _read_window(gaps: Ints, days: float | None) -> int:
    if days is None:
        days = max(float(np.ceil(np.quantile(gaps, WINDOW) / DAY)), 1.0)
    if not days > 0:
        raise JourneyError(f"predict_next: window_days must be above 0; got {days!r}. Try 30.")
    return int(days * DAY)


def _judge(
    models: list[Backoff], contexts: Ints, outcome: Ints, owner: Ints, log: JourneyLog
) -> tuple[pd.DataFrame, list[Floats], list[Any]]:
    rows: list[dict[str, Any]] = []
    tops, hits, losses = [], [], []

    def tell(model: int, baseline: str, measure: str, values: Any) -> None:
        names = {"model": name_order(model), "baseline": baseline, "measure": measure}
        rows.append(names | score_row(values, owner, log))

    for m, model in enumerate(models):
        rank, top = rank_outcomes(model, contexts, outcome)
        loss = -np.log(share_of_outcome(model, contexts, outcome))
        tops.append(top)
        hits.append(rank == 1)
        losses.append(loss)
        for measure, values in (("top 1", rank == 1), ("top 3", rank <= 3), ("log loss", loss)):
            tell(m, "", measure, values)
    for m in range(1, len(models)):
        for base in range(min(m, 2)):
            tell(m, name_order(base), "top 1", hits[m].astype(float) - hits[base])
            tell(m, name_order(base), "log loss", losses[base] - losses[m])
    return pd.DataFrame(rows, columns=SCORES[:-1]), tops, hits


def _find_verdict(scores: pd.DataFrame, chosen: int) -> str:
    gains = scores[scores["model"].eq(name_order(chosen)) & scores["measure"].eq("log loss")]
    low = gains.set_index("baseline")[LOW]
    if chosen == 0 or not low[MOST_FREQUENT] > 0:
        return "no better than the most frequent"
    if chosen == 1:
        return "order 1 is enough"
    return "better than order 1" if low["order 1"] > 0 else "no better than order 1"
