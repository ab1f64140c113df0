"""Counting what people chose or mentioned: one respondent counts once per code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from cjlib.codebook import Item
from cjlib.columns import CODE, ESTIMATE, HIGH, LEVEL, LOW, METHOD, RESPONDENT, WAVE, WEIGHT, N
from cjlib.definitions import Privacy, Text
from cjlib.errors import JourneyError, nearest
from cjlib.intervals import Estimate, estimate_weighted_share, require_level, unknown
from cjlib.survey.cleaning import Survey

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COUNT: Final = "count"
LABEL: Final = "label"
KINDS: Final = ("codes", "tick", "multi", "nominal")


@dataclass(frozen=True, slots=True, eq=False)
class CodeCounts:
    """How many respondents chose or mentioned each code; made by ``count_codes``.

    Attributes
    ----------
    table : DataFrame
        Most frequent first: code, label, count (respondents), estimate (share, 0 to 1),
        low, high, level, n, method.
    group : str
    language : str
    """

    table: pd.DataFrame
    group: str
    language: str

    def summary(self) -> str:
        """Return the most frequent code in one sentence."""
        known = self.table[self.table[ESTIMATE].notna()]
        if known.empty:
            return f"{self.group}: too few respondents to say anything."
        top = known.iloc[0]
        return (
            f"{self.group}: most often {top[LABEL]} ({top[ESTIMATE]:.0%} of {top[N]:,} "
            f"respondents, {top[LOW]:.0%} to {top[HIGH]:.0%}); {len(self.table)} codes."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the shares with their intervals."""
        from cjlib import plots

        return plots.draw_code_shares(self.table, title=self.group, language=self.language, ax=ax)


def count_codes(
    survey: Survey, group: str, *, base: str = "answered", wave: str = "", level: float = 0.95
) -> CodeCounts:
    """Count the respondents who chose or mentioned each code of a group.

    A respondent with the same code twice counts once. Shares are of respondents, not of
    mentions, so they may add to more than one. Shares are weighted where the respondents
    carry weights that differ (the method says so), counts and ``n`` are of people; Wilson
    intervals, see ``estimate_weighted_share``. A base below the study's minimum says "too
    few"; a count of 1 up to the study's smallest cell is suppressed.

    Parameters
    ----------
    survey : Survey
    group : str
        A multi-response or comment group of the codebook, or the name of an item.
    base : "answered" or "all"
        Shares of those with at least one code, or of all respondents who were asked.
    wave : str
        One wave only; all by default.
    level : float, 0 to 1

    Returns
    -------
    CodeCounts
    """
    if base not in ("answered", "all"):
        raise JourneyError(f"count_codes: base must be 'answered' or 'all'; got {base!r}.")
    require_level(level, caller="count_codes")
    codebook = survey.study.codebook
    items = [i for i in codebook.items if i.kind in KINDS and group in (i.group, i.name)]
    if not items:
        known = {i.group or i.name for i in codebook.items if i.kind in KINDS}
        near = nearest(group, known)
        raise JourneyError(
            f"count_codes: group must be one of the codebook's ({', '.join(sorted(known))}); "
            f"got {group!r}." + (f" Did you mean {near!r}?" if near else "")
        )
    rows = survey.respondents[survey.respondents[WEIGHT].gt(0)]
    if wave:
        rows = rows[rows[WAVE].eq(wave)]
    mentions, labels = _find_mentions(rows, items)
    counts = mentions.groupby(CODE)["who"].nunique()
    based = rows.index.isin(mentions["who"]) if base == "answered" else _asked(survey, rows, items)
    weights = rows.loc[based, WEIGHT]
    codes = [*labels, *sorted(set(counts.index) - set(labels))]
    table = counts.reindex(codes, fill_value=0).rename(COUNT).rename_axis(CODE).reset_index()
    language = survey.study.language
    shown = {code: label.to(language) or code for code, label in labels.items()}
    table.insert(1, LABEL, table[CODE].map(lambda code: shown.get(code, code)))
    table = table.sort_values(COUNT, ascending=False, kind="stable").reset_index(drop=True)
    hits = {code: weights.index.isin(who) for code, who in mentions.groupby(CODE)["who"]}
    nobody = np.zeros(len(weights), dtype=bool)
    shares = [
        estimate_weighted_share(hits.get(code, nobody), weights, level=level)
        for code in table[CODE]
    ]
    return CodeCounts(_add_shares(table, shares, survey.study.privacy, level), group, language)


def _find_mentions(rows: pd.DataFrame, items: list[Item]) -> tuple[pd.DataFrame, dict[str, Text]]:
    """One row per respondent and code; labels in codebook order."""
    parts = []
    labels: dict[str, Text] = {}
    for item in items:
        if item.kind in ("codes", "nominal"):
            labels |= {c: t for c, t in item.labels.items() if c not in labels}
            chosen = {"": rows[item.name]}
        elif item.kind == "tick":
            labels[item.name] = item.question
            chosen = {item.name: rows[item.name]}
        else:
            prefix = f"{item.group or item.name}_"
            labels |= item.labels
            columns = [c for c in rows.columns if str(c).startswith(prefix)]
            chosen = {c.removeprefix(prefix): rows[c] for c in columns}
        for code, column in chosen.items():
            hit = column.eq(True).fillna(False).astype(bool) if code else column.notna()
            parts.append(
                pd.DataFrame({"who": rows.index[hit], CODE: code if code else column[hit]})
            )
    return pd.concat(parts, ignore_index=True), labels


def _asked(survey: Survey, rows: pd.DataFrame, items: list[Item]) -> pd.Series:
    """Who was asked any of the items: their wave had it, and skip logic did not pass it by."""
    asked = pd.Series(False, index=rows.index)
    for item in items:
        absent = survey.absent.loc[survey.absent["item"].eq(item.name), WAVE]
        here = ~rows[WAVE].isin(absent)
        if item.name in survey.not_asked:
            passed_by = survey.not_asked[item.name].to_numpy(dtype=bool)
            here &= ~rows[RESPONDENT].isin(survey.everyone.loc[passed_by, RESPONDENT])
        asked |= here
    return asked


def _add_shares(
    table: pd.DataFrame, shares: list[Estimate], privacy: Privacy, level: float
) -> pd.DataFrame:
    found = pd.DataFrame(
        [share.as_dict() for share in shares], columns=list(unknown(0).as_dict()), index=table.index
    )
    hidden = table[COUNT].between(1, privacy.minimum_cell - 1)
    few = found[N] < privacy.minimum_base
    found[[ESTIMATE, LOW, HIGH]] = found[[ESTIMATE, LOW, HIGH]].mask(hidden | few)
    found[METHOD] = found[METHOD].mask(hidden, f"suppressed (fewer than {privacy.minimum_cell})")
    found[METHOD] = found[METHOD].mask(few, f"too few (n < {privacy.minimum_base})")
    found[LEVEL] = level
    counts = table[COUNT].astype("Int64").mask(hidden)
    return pd.concat([table.assign(**{COUNT: counts}), found], axis=1)
