"""Margins: the shares of the population that respondents are weighted to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.columns import N
from cjlib.errors import JourneyError, TooFewError, nearest
from cjlib.intervals import Floats

Ints = npt.NDArray[np.int64]
Limits = tuple[float, float]
ROUNDING: Final = 1e-3  # shares as printed may add up to .999; margins that differ more do not fit
MARGIN_COLUMNS: Final = (
    "item", "code", "label", "target", "before", "after", N, "unknown",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Margin:
    """One item: each row's place among its codes (the last: not known), and their shares."""

    item: str
    codes: list[str]
    target: Floats
    place: Ints
    goal: Floats

    def tabulate(self, weights: Floats, start: Floats) -> pd.DataFrame:
        """Return the rows of the margins table of this item."""
        k = len(self.codes)
        counts = np.bincount(self.place, minlength=k + 1)
        before = np.bincount(self.place, weights=start, minlength=k + 1)[:k]
        after = np.bincount(self.place, weights=weights, minlength=k + 1)[:k]
        columns = (
            self.item, self.codes, self.codes, self.target, before / before.sum(),
            after / after.sum(), counts[:k], int(counts[k]),
        )  # fmt: skip
        return pd.DataFrame(dict(zip(MARGIN_COLUMNS, columns, strict=True)))


def read_shares(targets: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Check the targets and turn them into shares."""
    if not targets:
        raise JourneyError(
            "rake_weights: targets must name at least one item; got none. Write for example "
            "targets={'gender': {'female': 0.5, 'male': 0.5}}."
        )
    totals, shares = {}, {}
    for item, goals in targets.items():
        low = {code: goal for code, goal in goals.items() if not (0 < goal < np.inf)}
        if low or not goals:
            listed = ", ".join(f"{code} {goal!r}" for code, goal in low.items()) or "none at all"
            raise JourneyError(
                f"rake_weights: every target must be a number above 0; '{item}' has {listed}. "
                "Leave out people of a category that is not in the population."
            )
        totals[item] = float(sum(goals.values()))
        shares[item] = {str(code): goal / totals[item] for code, goal in goals.items()}
    least, most = min(totals, key=totals.__getitem__), max(totals, key=totals.__getitem__)
    if totals[most] > totals[least] * (1 + ROUNDING):
        raise JourneyError(
            "rake_weights: the margins must add up to the same total; "
            f"'{least}' adds up to {totals[least]:g} and '{most}' to {totals[most]:g}. Give both "
            "as shares of 1, or as counts of the same population."
        )
    if totals[most] <= 2 and max(abs(t - 1) for t in totals.values()) > ROUNDING:
        raise JourneyError(
            f"rake_weights: shares must add up to 1; those of '{most}' add up to "
            f"{totals[most]:g}. Mend them."
        )
    return shares


def read_margin(column: pd.Series, goals: dict[str, float], start: Floats) -> Margin:
    """Find each row's category of an item; every code needs a target, every target a row."""
    item, codes = str(column.name), list(goals)
    text = write_codes(column)
    place = pd.Index(codes).get_indexer(pd.Index(text))
    strange = text[(place < 0) & text.notna().to_numpy()]
    if len(strange):
        counts = strange.value_counts()
        hint = nearest(str(counts.index[0]), codes)
        raise JourneyError(
            f"rake_weights: every code of '{item}' must have a target; "
            + ", ".join(f"'{code}' ({k:,} rows)" for code, k in counts.head(5).items())
            + (" has" if len(counts) == 1 else " have")
            + " none. "
            + (f"Did you mean '{hint}'? " if hint else "")
            + "Add its share, or set the code missing if it says nothing about the person."
        )
    places = np.where(place < 0, len(codes), place).astype(np.int64)
    counts_ = np.bincount(places, minlength=len(codes) + 1)
    empty = [code for code, k in zip(codes, counts_, strict=False) if k == 0]
    if empty:
        raise TooFewError(
            f"rake_weights: every target must have respondents; nobody has {', '.join(empty)} as "
            f"'{item}'. Put the category together with another one, or leave it out."
        )
    target = np.array([goals[code] for code in codes])
    known = float(start[places < len(codes)].sum() / start.sum())
    return Margin(item, codes, target, places, np.append(target * known, 1 - known))


def write_codes(column: pd.Series) -> pd.Series:
    """Write answers as the codes that targets name: 1.0 and True as "1", missing stays."""
    if pd.api.types.is_bool_dtype(column.dtype):
        column = column.astype("Int64")
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.map(lambda v: f"{v:g}", na_action="ignore").astype("string")
    return column.astype("string")


def require_room(margins: list[Margin], trim: Limits | None) -> None:
    """Raise where a category's target lies outside what its rows can weigh within the limits."""
    if trim is None:
        return
    for margin in margins:
        counts = np.bincount(margin.place, minlength=len(margin.codes) + 1)
        mean = margin.goal[:-1] * len(margin.place) / counts[:-1]
        wrong = (mean < trim[0]) | (mean > trim[1])
        if wrong.any():
            at = int(wrong.argmax())
            raise JourneyError(
                f"rake_weights: trim must leave room for the targets; '{margin.codes[at]}' of "
                f"'{margin.item}' needs a mean weight of {mean[at]:.2f}, outside {trim[0]:g} to "
                f"{trim[1]:g}. Widen trim, or put the category together with another one."
            )
