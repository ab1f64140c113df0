"""Do groups speak of different things? Shares of people that mention each code, side by side."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from cjlib.columns import CODE, GROUP
from cjlib.errors import TooFewError
from cjlib.intervals import adjust_holm, estimate_difference, estimate_share, require_level
from cjlib.interviews.counts import PERSON, mark_by_person
from cjlib.interviews.model import Interviews

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True, eq=False)
class Contrasts:
    """What ``contrast_codes`` found.

    Attributes
    ----------
    table : DataFrame
        One row per pair of groups and code, the smallest p first: ``group, other, code``,
        ``mentions, n, share`` of the group and ``mentions_other, n_other, share_other`` of the
        other; ``estimate`` (share - share_other, -1 to 1), ``low, high, level, method``; ``p``
        (Fisher's exact test, two-sided), ``p_adjusted`` (Holm, over all rows), ``smallest_p``
        (the least p that groups of these sizes can give for this code at all).
    sizes : DataFrame
        ``group, n``: participants of each group, the too small ones with ``method`` saying so.
    by : str
    labels : dict of str to str
    language : "en" or "fa"
    """

    table: pd.DataFrame
    sizes: pd.DataFrame
    by: str
    labels: dict[str, str] = field(default_factory=dict)
    language: str = "en"

    def summary(self) -> str:
        """Return what differs, and whether these groups could have shown it, in one sentence."""
        told = self.table.dropna(subset=["p"])
        if told.empty:
            return f"No contrast by {self.by}: no code was mentioned in groups of enough people."
        sure = told[told["p_adjusted"] < 1 - told["level"]]
        row = (sure if len(sure) else told).iloc[0]
        found = (
            f"'{row[CODE]}' is mentioned by {row['mentions']} of {row['n']} of {row[GROUP]} and "
            f"{row['mentions_other']} of {row['n_other']} of {row['other']} (difference "
            f"{row['estimate']:+.0%} [{row['low']:+.0%}, {row['high']:+.0%}], p {row['p']:.3f}, "
            f"corrected {row['p_adjusted']:.3f})"
        )
        looks = f"{len(told)} comparisons by {self.by}"
        if len(sure):
            return f"{len(sure)} of {looks} differ after correction; first {found}."
        able = int((told["smallest_p"] * len(told) < 1 - told["level"]).sum())
        doubt = (
            f"only {able} of them could have shown one with groups this small"
            if able < len(told) else "no proof that there is none"
        )  # fmt: skip
        return f"None of {looks} differs after correction ({doubt}); nearest to it: {found}."

    def plot(
        self, *, group: str = "", other: str = "", ax: Axes | None = None
    ) -> Axes:  # fmt: skip
        """Draw the differences between two groups (by default the first pair) with intervals."""
        from cjlib import plots

        pair = self.table.sort_values([GROUP, "other"], kind="stable").head(1)
        first = group or (pair[GROUP].iloc[0] if len(pair) else "")
        second = other or (pair["other"].iloc[0] if len(pair) else "")
        shown = self.table[self.table[GROUP].eq(first) & self.table["other"].eq(second)]
        return plots.draw_contrasts(shown, labels=self.labels, language=self.language, ax=ax)


def contrast_codes(
    interviews: Interviews,
    *,
    by: str,
    groups: pd.Series | None = None,
    level: float = 0.95,
    minimum: int = 5,
) -> Contrasts:
    """Compare the share of participants who mention each code between groups.

    A participant mentions a code if any coder gave it to a turn of theirs (in an interview
    with one participant, any turn); a person counts once however much they say. Every code
    that anybody of the compared groups mentions is compared for every pair of groups, in
    alphabetical order. The interval is Newcombe's of the difference of two shares, the test
    Fisher's exact one, and because every code is a look, p is also given after Holm's
    correction over all of them. With five people a side no code can give p below .008:
    ``smallest_p`` says what was possible before "no difference" is read as a finding.

    Interviewees who were chosen on purpose are no sample; the interval is then a lower bound
    on the doubt.

    Parameters
    ----------
    interviews : Interviews
    by : str
        A column of ``interviews.people`` (gender, language, age, place ...) or, with
        ``groups``, the name to give it (persona, satisfied ...).
    groups : Series, optional
        Group by ``customer_id``, or by ``participant``; of one named twice the last counts.
    level : float, 0 to 1
    minimum : int
        A group of fewer participants is not compared.

    Raises
    ------
    TooFewError
        With fewer than two groups of ``minimum`` participants.

    References
    ----------
    Newcombe, R. G. (1998). Statistics in Medicine 17, 873-890, method 10.
    Fisher, R. A. (1935). Journal of the Royal Statistical Society 98, 39-82.
    """
    require_level(level, caller="contrast_codes")
    units, marked = mark_by_person(interviews, by, groups, caller="contrast_codes")
    units, marked = (part.assign(**{by: part[by].map(_name)}) for part in (units, marked))
    held = units.drop_duplicates([PERSON, by])
    sizes = held.groupby(by)[PERSON].nunique().sort_index()
    enough = [str(name) for name in sizes.index[sizes >= minimum]]
    if len(enough) < 2:
        found = ", ".join(f"{name} {n}" for name, n in sizes.items()) or "nobody"
        raise TooFewError(
            f"contrast_codes: two groups of at least {minimum} coded participants must differ in "
            f"'{by}'; there are {found}. Join groups, code more interviews, or lower minimum=."
        )
    told = marked[marked[by].isin(enough)]
    mentions = told.drop_duplicates([PERSON, by, CODE]).groupby([CODE, by]).size()
    counts = mentions.unstack(fill_value=0).reindex(columns=enough, fill_value=0)  # noqa: PD010
    rows: list[dict[str, Any]] = [
        {GROUP: a, "other": b, CODE: str(code)}
        | _compare(int(row[a]), int(sizes[a]), int(row[b]), int(sizes[b]), level)
        for a, b in combinations(enough, 2)
        for code, row in counts.iterrows()
        if row[a] + row[b]
    ]
    table = pd.DataFrame(rows)
    table["p_adjusted"] = adjust_holm(table["p"])
    order = {code: i for i, code in enumerate(interviews.codes[CODE])}
    table["_code"] = table[CODE].map(order)
    table = table.sort_values(["p", GROUP, "other", "_code", CODE], kind="stable")
    few = {True: "", False: f"too few (n < {minimum})"}
    frame = pd.DataFrame({GROUP: sizes.index.astype("string"), "n": sizes.to_numpy()})
    frame["method"] = [few[bool(n >= minimum)] for n in frame["n"]]
    return Contrasts(
        table.drop(columns="_code").reset_index(drop=True), frame, by,
        {code: interviews.label(code) for code in counts.index}, interviews.language,
    )  # fmt: skip


def _name(group: object) -> str:
    return f"{group:g}" if isinstance(group, float) else str(group)


def _compare(count: int, n: int, other: int, n_other: int, level: float) -> dict[str, Any]:
    """Difference of two shares, its interval, Fisher's p and the least p there could be."""
    first = estimate_share(count, n, level=level)
    second = estimate_share(other, n_other, level=level)
    apart = estimate_difference(second, first)
    both = count + other
    extremes = {max(0, both - n_other), min(both, n)}
    least = min(_fisher(k, n, both - k, n_other) for k in extremes)
    return {
        "mentions": count, "n": n, "share": first.estimate, "mentions_other": other,
        "n_other": n_other, "share_other": second.estimate, "estimate": apart.estimate,
        "low": apart.low, "high": apart.high, "level": level,
        "method": "Newcombe; Fisher's exact test, Holm",
        "p": _fisher(count, n, other, n_other), "smallest_p": least,
    }  # fmt: skip


def _fisher(count: int, n: int, other: int, n_other: int) -> float:
    table = np.array([[count, n - count], [other, n_other - other]])
    return min(1.0, float(stats.fisher_exact(table).pvalue))
