"""The personas a team believes in: who fits them, and who fits none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from cjlib.columns import ESTIMATE, HIGH, LOW, METHOD, PERSONA, RESPONDENT, WEIGHT, N
from cjlib.errors import MissingSourceError
from cjlib.intervals import Estimate, Floats, estimate_weighted_share, unknown
from cjlib.language import phrase
from cjlib.personas.believed_file import Belief, Line, check_believed, read_believed_personas
from cjlib.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cjlib.personas.model import Personas

__all__ = [
    "Belief", "BelievedComparison", "Line", "check_believed", "compare_believed",
    "read_believed_personas",
]  # fmt: skip

MOST_LINES: Final = 0.75  # of its lines: who fits so many comes near a belief
MAJORITY: Final = 0.5  # of a belief's people in one persona, surely, for it to be that persona
EMPTY, SPLIT, MATCH, PART, FEW = "empty", "split", "match", "part", "few"
VERDICTS: Final = {
    EMPTY: "no people behind it", SPLIT: "split over several personas", MATCH: "matches",
    PART: "a part of one persona", FEW: "too few to say",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class BelievedComparison:
    """What ``compare_believed`` found.

    Attributes
    ----------
    table : DataFrame
        One row per belief: ``belief, name_en, name_fa, lines``; share of people who fit all
        of its lines, among those who answered all of them (``estimate, low, high, level, n,
        method``), and of those who fit at least ``MOST_LINES`` of them (``near, near_low,
        near_high``); ``most`` (upper end, in people of the sample); ``persona`` it overlaps
        most with and ``jaccard`` (shared people of all people of either); ``inside,
        inside_low, inside_high, inside_n`` (share of its people who belong to that persona);
        ``covers`` (share of the persona it makes up); ``verdict, verdict_en, verdict_fa``.
    overlap : DataFrame
        ``belief, persona``, share of the belief's people in each persona and "none", with
        its interval, and ``jaccard``.
    without : DataFrame
        ``persona`` (and "none", "all"): share of its members who fit no belief at all:
        people without a believed persona.
    minimum : int
        People a persona needs; the study's minimum base.
    names : dict of str to str
        Name of each persona in the study's language.
    language : str
    """

    table: pd.DataFrame
    overlap: pd.DataFrame
    without: pd.DataFrame
    minimum: int
    names: dict[str, str]
    language: str

    def summary(self) -> str:
        """Say which beliefs have no people, and how many people have no belief."""
        said = "; ".join(
            f"{row['name_en'] or row['name_fa']}: {VERDICTS[row['verdict']]}"
            + (f" ({row[ESTIMATE]:.0%} of people)" if not np.isnan(row[ESTIMATE]) else "")
            for _, row in self.table.iterrows()
        )
        everyone = self.without[self.without[PERSONA].eq("all")].iloc[0]
        return f"{said}. {everyone[ESTIMATE]:.0%} of people are in no believed persona."

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw where the people of each belief belong, and who is in no belief."""
        from cjlib import plots

        titles = {
            str(row["belief"]): str(row[f"name_{self.language}"])
            for row in self.table.to_dict("records")
        }
        return plots.draw_believed(
            self.overlap, self.without, beliefs=titles, names=self.names,
            language=self.language, ax=ax,
        )  # fmt: skip


def compare_believed(
    groups: Personas, believed: tuple[Belief, ...], survey: Any, study: Study
) -> BelievedComparison:
    """Compare the personas a team believes in with those of the data.

    A person fits a belief when all of its lines hold; one unanswered line leaves that open, and
    the person out, unless another line fails. Verdicts, in this order: **no people behind it**
    where the upper end of the share, in people of this sample, is below
    ``study.privacy.minimum_base``; **too few to say** where fewer than that fit;
    **matches** where surely (lower end) more than half of its people are in one persona and it
    makes up at least half of it; **a part of one persona** where it makes up less;
    **split over several personas** otherwise. Those near a border between personas ("none")
    count as people of a belief.

    Parameters
    ----------
    groups : Personas
        Made from the same survey.
    believed : tuple of Belief
        See ``read_believed_personas``.
    survey : Survey
        Anything with a ``respondents`` table.
    study : Study
    """
    if groups.source != "survey":
        raise MissingSourceError(
            "compare_believed: personas must be made from a survey, since beliefs are about its "
            f"items; these come from the {groups.source}. Pass survey= to build_personas."
        )
    frame = survey.respondents.drop(columns=PERSONA, errors="ignore")
    own = groups.members[[RESPONDENT, PERSONA]]
    frame = frame.merge(own, on=RESPONDENT, how="inner", validate="1:1")
    weights = frame[WEIGHT].fillna(0) if WEIGHT in frame else pd.Series(1.0, frame.index)
    w = np.asarray(weights, dtype=np.float64)
    persona = frame[PERSONA].fillna("none").astype("string")
    level = study.level
    rows: list[dict[str, Any]] = []
    crossed: list[dict[str, Any]] = []
    fits = {}
    for belief in believed:
        holds = np.column_stack([line.hold(frame) for line in belief.lines])
        fit = fit_all(holds)
        fits[belief.id] = fit
        overlap = _cross(belief, fit, persona, w, study=study, ids=groups.ids)
        crossed += overlap
        rows.append(_judge(belief, holds, fit, overlap, w, study=study))
    none = _fit_none(np.column_stack(list(fits.values())))
    without = []
    for key in (*groups.ids, "none", "all"):
        member = np.ones(len(frame), dtype=bool) if key == "all" else persona.eq(key).to_numpy()
        found = estimate_weighted_share(none[member], w[member], level=level)
        without.append({PERSONA: key, **_protect(found, study).as_dict()})
    return BelievedComparison(
        pd.DataFrame(rows), pd.DataFrame(crossed), pd.DataFrame(without),
        study.privacy.minimum_base, groups.names,
        study.language,
    )  # fmt: skip


def fit_all(holds: Floats) -> Floats:
    """1 where all lines hold, 0 where one fails, missing where none fails but one is open."""
    failed = (holds == 0).any(axis=1)
    open_ = np.isnan(holds).any(axis=1)
    return np.where(failed, 0.0, np.where(open_, np.nan, 1.0))


def _fit_none(fits: Floats) -> Floats:
    """1 where no belief fits, 0 where one does, missing where that is open."""
    some = (fits == 1).any(axis=1)
    open_ = np.isnan(fits).any(axis=1)
    return np.where(some, 0.0, np.where(open_, np.nan, 1.0))


def _cross(
    belief: Belief, fit: Floats, persona: pd.Series, w: Floats, *, study: Study, ids: list[str]
) -> list[dict[str, Any]]:
    own = fit == 1
    rows = []
    for key in (*ids, "none"):
        member = persona.eq(key).to_numpy(dtype=bool)
        found = estimate_weighted_share(member[own], w[own], level=study.level)
        known = ~np.isnan(fit)
        either = w[(own | member) & known].sum()
        both = w[own & member].sum()
        shown = _protect(found, study)
        hidden = np.isnan(shown.estimate) and own.any()
        nan = float("nan")
        rows.append(
            {"belief": belief.id, PERSONA: key, **shown.as_dict(),
             "jaccard": nan if hidden or either <= 0 else float(both / either),
             "covers": nan if hidden else float(both / max(w[member & known].sum(), 1e-300))}
        )  # fmt: skip
    hidden = [row for row in rows if str(row[METHOD]).startswith("suppressed (cell")]
    seen = [row for row in rows if row[ESTIMATE] > 0]
    if len(hidden) == 1 and seen:  # one hidden cell alone could be told from the others
        second = min(seen, key=lambda row: float(row[ESTIMATE]))
        for name in (ESTIMATE, LOW, HIGH, "jaccard", "covers"):
            second[name] = float("nan")
        second[METHOD] = "suppressed (would reveal another cell)"
    return rows


def _judge(
    belief: Belief, holds: Floats, fit: Floats, overlap: list[dict[str, Any]], w: Floats, *,
    study: Study,
) -> dict[str, Any]:  # fmt: skip
    base, level = study.privacy.minimum_base, study.level
    found = estimate_weighted_share(fit, w, level=level)
    whole = ~np.isnan(holds).any(axis=1)
    share = holds[whole].mean(axis=1) >= MOST_LINES
    near = _protect(estimate_weighted_share(share, w[whole], level=level), study)
    most = float(np.floor(found.high * len(fit))) if found.n else float("nan")
    people = int((fit == 1).sum())
    real = [row for row in overlap if row[PERSONA] != "none"]
    best = max(real, key=lambda row: np.nan_to_num(row["jaccard"])) if people else None
    if not most >= base:
        verdict = EMPTY if found.n >= base else FEW
    elif people < base or best is None:
        verdict = FEW
    elif best[LOW] > MAJORITY:
        verdict = MATCH if best["covers"] >= 0.5 else PART
    else:
        verdict = SPLIT
    nan = float("nan")
    shown = best if best is not None and verdict not in (EMPTY, FEW) else None
    return {
        "belief": belief.id, "name_en": belief.name.to("en"), "name_fa": belief.name.to("fa"),
        "lines": len(belief.lines), **_protect(found, study).as_dict(), "near": near.estimate,
        "near_low": near.low, "near_high": near.high, "most": most,
        PERSONA: shown[PERSONA] if shown else pd.NA, "jaccard": shown["jaccard"] if shown else nan,
        "inside": shown[ESTIMATE] if shown else nan, "inside_low": shown[LOW] if shown else nan,
        "inside_high": shown[HIGH] if shown else nan, "inside_n": shown[N] if shown else 0,
        "covers": shown["covers"] if shown else nan, "verdict": verdict,
        "verdict_en": phrase(f"believed.{verdict}", "en"),
        "verdict_fa": phrase(f"believed.{verdict}", "fa"),
    }  # fmt: skip


def _protect(found: Estimate, study: Study) -> Estimate:
    """Hide what rests on too few people, and cells of a few among them."""
    privacy = study.privacy
    count = found.estimate * found.n if found.n else 0.0
    if found.n < privacy.minimum_cell:
        return unknown(0, level=found.level, why=f"suppressed (n < {privacy.minimum_cell})")
    if found.n < privacy.minimum_base:
        return unknown(found.n, level=found.level, why=f"too few (n < {privacy.minimum_base})")
    if 0 < count < privacy.minimum_cell - 0.5:
        why = f"suppressed (cell below {privacy.minimum_cell} people)"
        return unknown(found.n, level=found.level, why=why)
    return found
