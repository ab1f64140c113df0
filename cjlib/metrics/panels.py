"""The same customers asked twice: what changed in them, and who could not be paired."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from scipy import stats

from cjlib.columns import (
    CUSTOMER,
    ESTIMATE,
    HIGH,
    LEVEL,
    LOW,
    METHOD,
    METRIC,
    WAVE,
    require_columns,
)
from cjlib.errors import JourneyError, nearest
from cjlib.intervals import (
    DETRACTOR,
    PROMOTER,
    Difference,
    compare_paired_means,
    compare_paired_nets,
    compare_paired_shares,
    normal_quantile,
    require_level,
)
from cjlib.language import phrase
from cjlib.metrics.answers import require_pairs
from cjlib.metrics.comparison import KINDS, POWER, Comparison, judge_differences, require_values
from cjlib.metrics.tables import label_of, wave_names
from cjlib.study import Study

Kind = Literal["nps", "net", "mean", "share"]
_PAIRED: Final = {
    "nps": compare_paired_nets, "net": compare_paired_nets, "share": compare_paired_shares,
    "mean": compare_paired_means,
}  # fmt: skip


def compare_panel(
    data: Any,
    *,
    items: Mapping[str, Kind],
    waves: tuple[str, str],
    weights: str | None = None,
    level: float = 0.95,
    minimum_base: int = 30,
) -> Comparison:
    """Compare two waves of the same customers, item by item: later minus earlier, in pairs.

    A pair is a customer who answered the item in both waves. What a customer always answers
    high or low drops out, so pairs see smaller changes than two samples of the same size.
    Who answered once only is left out and counted; if those differ from the ones who stayed,
    the change of the pairs is not that of all customers.

    Means by paired t; shares and net shares by z on adjusted pairs, see
    ``compare_paired_shares`` and ``compare_paired_nets``. One Holm correction over all items.

    Parameters
    ----------
    data : Survey or DataFrame
        ``customer_id, wave`` and the items; rows without a customer cannot be paired and are
        counted with those who answered once. Not changed.
    items : mapping of column to "nps", "net", "mean" or "share"
        0 to 10 for ``nps``; -1, 0, 1 for ``net``; 0 or 1 for ``share``; numbers for ``mean``.
    waves : (earlier, later)
    weights : str, optional
        Column of weights; a pair has that of the later wave. Weights that are missing or 0
        leave the pair out.
    level : float, 0 to 1
    minimum_base : int
        Fewer pairs are "too few".

    Returns
    -------
    Comparison
        Its table has ``label`` (the item; its name for readers in the figure, where ``data``
        is a survey), ``n`` (pairs), and ``only_group, only_other``:
        answers of the later and of the earlier wave left out because they have no partner.

    Raises
    ------
    JourneyError
        If a wave is not there, or a customer answered more than once in a wave.
    ScaleError
        If an answer lies off its scale.

    References
    ----------
    Agresti, A. and Min, Y. (2005). Statistics in Medicine 24, 729-740.
    """
    require_level(level, caller="compare_panel")
    frame: pd.DataFrame = getattr(data, "respondents", data)
    needed = [CUSTOMER, WAVE, *items, *([weights] if weights else [])]
    require_columns(frame, needed, caller="compare_panel")
    _require_kinds(items)
    sides = [_wave(frame, name) for name in waves]
    rows = []
    for item, kind in items.items():
        row = _compare_item(
            sides[1], sides[0], item, kind, weights, level=level, least=max(minimum_base, 2)
        )
        rows.append({METRIC: kind, "label": item, "group": waves[1], "other": waves[0], **row})
    table = judge_differences(pd.DataFrame(rows))
    study: Study | None = getattr(data, "study", None)
    if study is None:
        return Comparison(table)
    labels = {
        i.name: f"{phrase(f'kpi.{i.metric}', study.language)} ({label_of(i, study)})"
        for i in study.codebook.items
        if i.name in items and i.metric
    }
    return Comparison(table, study.language, wave_names(study) | labels)


def _require_kinds(items: Mapping[str, str]) -> None:
    for item, kind in items.items():
        if kind not in KINDS:
            raise JourneyError(
                f"compare_panel: the metric of an item must be one of {', '.join(KINDS)}; got "
                f"{kind!r} for '{item}'. Did you mean '{nearest(str(kind), KINDS)}'?"
            )
    if not items:
        raise JourneyError(
            "compare_panel: items must name at least one column; got none. Write for instance "
            "items={'recommend': 'nps'}."
        )


def _wave(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    present = frame[WAVE].astype("string")
    rows = frame[(present == name).fillna(value=False)]
    if rows.empty:
        known = [str(w) for w in present.dropna().unique()]
        raise JourneyError(
            f"compare_panel: both waves must be in the answers ({', '.join(known)}); "
            f"{name!r} is not. Did you mean '{nearest(name, known)}'?"
        )
    known_customers = rows[CUSTOMER].dropna()
    twice = known_customers[known_customers.duplicated()]
    if len(twice):
        raise JourneyError(
            f"compare_panel: a customer must answer once in a wave; {twice.nunique():,} of "
            f"{known_customers.nunique():,} answered more often in {name!r} (first: "
            f"{twice.iloc[0]!r}). Keep one answer of each first."
        )
    return rows


def _compare_item(
    later: pd.DataFrame, earlier: pd.DataFrame, item: str, kind: str, weights: str | None, *,
    level: float, least: int,
) -> dict[str, Any]:  # fmt: skip
    sides = []
    for rows in (later, earlier):
        x, _ = require_pairs(rows[item], None, caller="compare_panel")
        require_values(x, kind, caller="compare_panel")
        if kind == "nps":
            x = np.where(np.isnan(x), np.nan, (x >= PROMOTER).astype(float) - (x <= DETRACTOR))
        sides.append(pd.DataFrame({CUSTOMER: rows[CUSTOMER].to_numpy(), "x": x}))
    sides[0]["w"] = _weights(later, weights)
    counts = [int(side["x"].notna().sum()) for side in sides]
    both = sides[0].dropna().merge(sides[1].dropna(), on=CUSTOMER, suffixes=("", "_other"))
    both = both[both["w"] > 0].sort_values(CUSTOMER, kind="stable")
    n = len(both)
    nan = float("nan")
    found = Difference(nan, nan, nan, nan, nan, nan, nan, f"too few (n < {least})")
    if n >= least:
        x, other, w = (both[c].to_numpy(dtype=float) for c in ("x", "x_other", "w"))
        found = _PAIRED[kind](x, other, w, level=level)
    scale = 100.0 if kind == "nps" else 1.0
    detectable = (normal_quantile(level) + float(stats.norm.ppf(POWER))) * found.error
    return {
        "value": scale * found.value, "value_other": scale * found.other,
        ESTIMATE: scale * found.estimate, LOW: scale * found.low, HIGH: scale * found.high,
        LEVEL: level, "p": found.p, "detectable": scale * detectable, "n": n, "n_other": n,
        "only_group": counts[0] - n, "only_other": counts[1] - n, METHOD: found.method,
    }  # fmt: skip


def _weights(rows: pd.DataFrame, weights: str | None) -> Any:
    if weights is None:
        return 1.0
    _, w = require_pairs(
        np.zeros(len(rows)), rows[weights].fillna(0.0).to_numpy(dtype=float), caller="compare_panel"
    )
    return w
