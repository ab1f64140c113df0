"""What the members of each persona have in common, beside everybody, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from cjlib.columns import PERSONA
from cjlib.definitions import Privacy, Text
from cjlib.intervals import (
    Estimate,
    Floats,
    adjust_holm,
    estimate_mean,
    estimate_weighted_share,
    unknown,
)

MEAN: Final = "mean"
SHARE: Final = "share"


@dataclass(frozen=True, slots=True)
class Trait:
    """Something known of people: one column of a table.

    ``kind``: "mean" (a rating or number), "share" (yes or no) or "nominal" (``codes``).
    ``used``: whether the segments were made on it.
    """

    name: str
    role: str
    kind: str
    label: Text
    source: str
    codes: tuple[tuple[str, Text], ...] = ()
    used: bool = False
    metric: str = ""


def measure_profiles(
    frame: pd.DataFrame,
    personas: pd.Series,
    traits: list[Trait],
    *,
    weights: Floats,
    privacy: Privacy,
    level: float = 0.95,
) -> pd.DataFrame:
    """Estimate every trait in every persona and in all together.

    Parameters
    ----------
    frame : DataFrame
        One row per person, a column per trait.
    personas : Series of str, same rows
        Missing for those who belong to none; they count in ``overall``.
    traits : list of Trait
    weights : array, same rows
    privacy : Privacy
        Fewer than ``minimum_base`` answers: "too few"; fewer than ``minimum_cell`` people, or
        a cell that holds fewer: suppressed, and their number with it.

    Returns
    -------
    DataFrame
        ``persona, item, answer`` (code of a nominal item, else empty), ``role, source, used,
        unit`` (mean or share), ``label_en, label_fa, estimate, low, high, level, n, method,
        overall, difference`` (estimate minus overall), ``effect`` (difference in
        standard deviations of all).
    """
    rows: list[dict[str, Any]] = []
    ids = sorted(personas.dropna().unique(), key=persona_number)
    for trait in traits:
        columns = _columns(frame, trait)
        parts: list[dict[str, Any]] = []
        for answer, label, values in columns:
            everyone = _estimate(values, weights, trait, level).estimate
            spread = _spread(values, weights)
            for persona in ids:
                member = personas.eq(persona).fillna(value=False).to_numpy(dtype=bool)
                found, hidden = _protected(values[member], weights[member], trait, level, privacy)
                parts.append(
                    {PERSONA: persona, "item": trait.name, "answer": answer, "role": trait.role,
                     "source": trait.source, "used": trait.used,
                     "unit": MEAN if trait.kind == MEAN else SHARE, "label_en": label.to("en"),
                     "label_fa": label.to("fa"), **found.as_dict(), "overall": everyone,
                     "difference": found.estimate - everyone,
                     "effect": (found.estimate - everyone) / spread if spread > 0 else np.nan,
                     "hidden": hidden}
                )  # fmt: skip
        rows += _hide_second(parts) if trait.kind == "nominal" else parts
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    concealed = table.pop("hidden").to_numpy(dtype=bool)
    table["n"] = table["n"].astype("Int64").mask(concealed)
    order = table[PERSONA].map({p: i for i, p in enumerate(ids)})
    return table.iloc[order.argsort(kind="stable")].reset_index(drop=True)


def persona_number(persona: str) -> int:
    """Return 3 for "persona-3"."""
    return int(str(persona).rsplit("-", 1)[-1])


def measure_distinctness(
    frame: pd.DataFrame, personas: pd.Series, traits: list[Trait], *, base: int
) -> pd.DataFrame:
    """Test whether personas differ on what they were *not* made on.

    Ratings and numbers: Kruskal-Wallis, effect epsilon squared (share of the rank variance).
    Yes/no and nominal: chi-squared, effect Cramér's V. Unweighted; Holm's correction over
    all tests. Items the segments were made on are left out: they differ by construction.

    Returns
    -------
    DataFrame
        ``item, role, source, label_en, label_fa, test, statistic, p_value, p_holm, effect,
        n``; a missing p-value where fewer than ``base`` answered.
    """
    rows = []
    for trait in traits:
        if trait.used:
            continue
        known = frame[trait.name].notna() & personas.notna()
        values, groups = frame.loc[known, trait.name], personas[known]
        test, statistic, p, effect = _test(values, groups, trait, base)
        rows.append(
            {"item": trait.name, "role": trait.role, "source": trait.source,
             "label_en": trait.label.to("en"), "label_fa": trait.label.to("fa"), "test": test,
             "statistic": statistic, "p_value": p, "effect": effect, "n": int(known.sum())}
        )  # fmt: skip
    names = ["item", "role", "source", "label_en", "label_fa", "test", "statistic", "p_value",
             "effect", "n"]  # fmt: skip
    table = pd.DataFrame(rows, columns=names)
    table.insert(8, "p_holm", adjust_holm(table["p_value"].to_numpy(dtype=float)))
    return table


def _columns(frame: pd.DataFrame, trait: Trait) -> list[tuple[str, Text, pd.Series]]:
    column = frame[trait.name]
    if trait.kind != "nominal":
        return [("", trait.label, column.astype("Float64").astype(float))]
    text = column.astype("string")
    return [
        (code, label, text.eq(code).astype("Float64").mask(text.isna()).astype(float))
        for code, label in trait.codes
    ]


def _estimate(values: pd.Series, weights: Floats, trait: Trait, level: float) -> Estimate:
    if trait.kind == MEAN:
        return estimate_mean(values, weights, level=level)
    return estimate_weighted_share(values, weights, level=level)


def _protected(
    values: pd.Series, weights: Floats, trait: Trait, level: float, privacy: Privacy
) -> tuple[Estimate, bool]:
    n = int(values.notna().sum())
    if n < privacy.minimum_cell:
        why = f"suppressed (fewer than {privacy.minimum_cell} people)"
        return unknown(0, level=level, why=why), True
    if trait.kind != MEAN and 0 < values.sum() < privacy.minimum_cell:
        why = f"suppressed (cell below {privacy.minimum_cell} people)"
        return unknown(n, level=level, why=why), False
    if n < privacy.minimum_base:
        return unknown(n, level=level, why=f"too few (n < {privacy.minimum_base})"), False
    return _estimate(values, weights, trait, level), False


def _hide_second(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Hide a second answer where one alone is hidden: it could be told from the rest."""
    table = pd.DataFrame(parts)
    for _, rows in table.groupby(PERSONA, sort=False):
        hidden = rows["method"].str.startswith("suppressed (cell")
        shown = rows[rows["estimate"].gt(0)]
        if hidden.sum() == 1 and len(shown):
            place = shown["estimate"].idxmin()
            for name in ("estimate", "low", "high", "difference", "effect"):
                parts[place][name] = np.nan  # type: ignore[call-overload]
            parts[place]["method"] = "suppressed (would reveal another cell)"  # type: ignore[call-overload]
    return parts


def _spread(values: pd.Series, weights: Floats) -> float:
    known = values.notna().to_numpy() & (weights > 0)
    if known.sum() < 2:
        return 0.0
    x, w = values.to_numpy()[known], weights[known]
    return float(np.sqrt(np.average((x - np.average(x, weights=w)) ** 2, weights=w)))


def _test(
    values: pd.Series, groups: pd.Series, trait: Trait, base: int
) -> tuple[str, float, float, float]:
    nan = float("nan")
    if trait.kind == MEAN:
        name = "Kruskal-Wallis"
        numbers = values.astype(float)
        parts = [numbers[groups == g].to_numpy() for g in sorted(groups.unique())]
        if len(values) < base or len(parts) < 2 or numbers.nunique() < 2:
            return name, nan, nan, nan
        found = stats.kruskal(*parts)
        statistic = float(found.statistic)
        return name, statistic, float(found.pvalue), statistic / (len(values) - 1)
    name = "chi-squared"
    table = pd.crosstab(values.astype("string"), groups).to_numpy()
    if len(values) < base or min(table.shape, default=0) < 2:
        return name, nan, nan, nan
    statistic, p, _, _ = stats.chi2_contingency(table, correction=False)
    effect = float(np.sqrt(statistic / (table.sum() * (min(table.shape) - 1))))
    return name, float(statistic), float(p), effect
