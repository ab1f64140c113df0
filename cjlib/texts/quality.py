"""How good labels are: accuracy, F1, calibration, beside what a dull rule reaches."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from cjlib.intervals import Floats, estimate_ratio, wilson_bounds
from cjlib.texts.vectors import Indices

RESAMPLES: Final = 1_000
MODEL: Final = "model"
WORDS_ONLY: Final = "words only"
MOST_FREQUENT: Final = "most frequent label"
CHANCE: Final = "chance"
BINS: Final = 10
METHOD: Final = "bootstrap by text"


def judge_labels(
    truth: Indices,
    predicted: Indices,
    plain: Indices,
    *,
    groups: Indices,
    names: list[str],
    level: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return accuracy, macro F1 and precision, recall, F1 per class, beside three baselines.

    Parameters
    ----------
    truth, predicted, plain : arrays of int
        Class of every row: given, by the model, by the words-only model.
    groups : array of int
        Rows with one text are drawn together.
    names : list of str
        Names of the classes.
    level : float, 0 to 1
    rng : Generator

    Returns
    -------
    DataFrame
        ``model, measure, label, estimate, low, high, level, n, method``. Rows "gain over ..."
        hold differences in the same resamples (above 0: the model is better). A precision of
        a label never given is missing; its F1 is 0.
    """
    k = len(names)
    cells = _count_cells((truth * k + predicted) * k + plain, groups, k**3)
    patterns, often = np.unique(cells, axis=0, return_counts=True)
    size = int(often.sum())
    drawn = rng.multinomial(size, often / size, RESAMPLES) @ patterns
    tables = np.vstack([often @ patterns, drawn]).reshape(-1, k, k, k).astype(float)
    totals = tables.sum(axis=(2, 3))  # resamples x true classes
    most = np.zeros((len(tables), k, k))
    most[:, :, int(totals[0].argmax())] = totals
    chance = totals[:, :, None] * totals[:, None, :] / totals.sum(axis=1)[:, None, None]
    confusions = {
        MODEL: tables.sum(axis=3), WORDS_ONLY: tables.sum(axis=2),
        MOST_FREQUENT: most, CHANCE: chance,
    }  # fmt: skip
    measured = {name: _measure(table) for name, table in confusions.items()}
    rows = []
    for name, found in measured.items():
        for measure, values in found.items():
            for j in range(values.shape[1]):
                label = names[j] if values.shape[1] > 1 else ""
                rows.append((name, measure, label, *_bounds(values[:, j], level)))
    for name in (WORDS_ONLY, MOST_FREQUENT, CHANCE):
        for measure in ("accuracy", "macro_f1"):
            gain = measured[MODEL][measure] - measured[name][measure]
            rows.append((f"gain over {name}", measure, "", *_bounds(gain[:, 0], level)))
    columns = ["model", "measure", "label", "estimate", "low", "high"]
    return pd.DataFrame(rows, columns=columns).assign(level=level, n=len(truth), method=METHOD)


def _count_cells(cell: Indices, groups: Indices, size: int) -> Indices:
    _, place = np.unique(groups, return_inverse=True)
    counts = np.zeros((int(place.max()) + 1, size), dtype=np.int64)
    np.add.at(counts, (place, cell), 1)
    return counts


def _measure(confusion: Floats) -> dict[str, Floats]:
    hit = np.diagonal(confusion, axis1=1, axis2=2)
    given, true = confusion.sum(axis=1), confusion.sum(axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        f1 = np.where(given + true > 0, 2 * hit / (given + true), np.nan)
        precision, recall = hit / given, hit / true
    return {
        "accuracy": (hit.sum(axis=1) / true.sum(axis=1))[:, None],
        "macro_f1": f1.mean(axis=1)[:, None],
        "precision": precision, "recall": recall, "f1": f1,
    }  # fmt: skip


def _bounds(values: Floats, level: float) -> tuple[float, float, float]:
    drawn = values[1:][~np.isnan(values[1:])]
    if np.isnan(values[0]) or not len(drawn):
        return float("nan"), float("nan"), float("nan")
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(values[0]), float(low), float(high)


def judge_chances(
    chances: dict[str, Floats], truth: Indices, *, groups: Indices, level: float
) -> pd.DataFrame:
    """Return the Brier score of each set of chances, in the columns of ``judge_labels``.

    The mean over texts of the sum over classes of (chance - happened)^2: 0 is perfect; the
    smaller the better; the shares of the classes, given to everyone, are the one to beat.
    """
    happened = np.eye(next(iter(chances.values())).shape[1])[truth]
    _, place = np.unique(groups, return_inverse=True)
    size = np.bincount(place)
    rows = []
    for name, found in chances.items():
        lost = np.bincount(place, weights=((found - happened) ** 2).sum(axis=1))
        score = estimate_ratio(lost, size, level=level)
        row = {**score.as_dict(), "n": len(truth), "method": "linearised, by text"}
        rows.append({"model": name, "measure": "brier", "label": "", **row})
    return pd.DataFrame(rows)


def bin_chances(
    chances: dict[str, Floats], truth: Indices, *, names: list[str], level: float
) -> pd.DataFrame:
    """Return chances against what happened, in ten bins of equal size per class.

    Returns
    -------
    DataFrame
        ``stage`` (before or after calibration), ``label, bin, predicted`` (mean chance),
        ``estimate`` (share that had the label), ``low, high, level, n, method``. Of two
        classes the second alone: the first is its mirror.
    """
    tables = []
    for stage, found in chances.items():
        for j, name in enumerate(names):
            if len(names) == 2 and j == 0:
                continue
            order = np.argsort(found[:, j], kind="stable")
            bins = np.empty(len(order), dtype=np.int64)
            bins[order] = np.arange(len(order)) * BINS // len(order)
            n = np.bincount(bins)
            hits = np.bincount(bins, weights=truth == j)
            low, high = wilson_bounds(hits, n, level=level)
            tables.append(
                pd.DataFrame(
                    {
                        "stage": stage, "label": name, "bin": np.arange(1, len(n) + 1),
                        "predicted": np.bincount(bins, weights=found[:, j]) / n,
                        "estimate": hits / n, "low": low, "high": high, "level": level,
                        "n": n, "method": "Wilson",
                    }
                )
            )  # fmt: skip
    return pd.concat(tables, ignore_index=True)


def count_confusion(truth: Indices, predicted: Indices, *, names: list[str]) -> pd.DataFrame:
    """Return ``label`` (given), ``predicted``, ``texts``, ``share`` (of those with the label)."""
    k = len(names)
    counts = np.bincount(truth * k + predicted, minlength=k * k).reshape(k, k)
    return pd.DataFrame(
        {
            "label": np.repeat(names, k), "predicted": np.tile(names, k),
            "texts": counts.ravel(), "share": (counts / counts.sum(axis=1, keepdims=True)).ravel(),
        }
    )  # fmt: skip
