"""Who served the customer: teams and members of staff as views of the log, small groups hidden."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjlib.columns import CUSTOMER, STAFF, TEAM
from cjlib.events.ordering import encode
from cjlib.language import key, phrase
from cjlib.study import Study

NOBODY: Final = "(none)"  # a contact of which no team or no member of staff is known
SMALL: Final = "(small groups)"
Named = tuple[npt.NDArray[np.int32], tuple[str, ...], tuple[str, ...]]


def name_staff(study: Study, raw: pd.Series) -> pd.Series:
    """Return members of staff as pseudonyms, or by name where the study says so."""
    if study.privacy.staff == "name":
        text = raw.astype("string").str.strip()
        return text.mask(text.eq("")).astype("str")
    return study.pseudonyms(raw, "S").astype("str")


def find_people(
    study: Study, table: pd.DataFrame, touchpoint: npt.NDArray[np.int32]
) -> dict[str, Named]:
    """Code the contacts by team and by member of staff.

    The team is the log's own where a source maps one (known by id or label of the study's
    teams, else as written); where none does it is who the study says is responsible for the
    touchpoint, or for its stage ("sales + support" where several are). A team or a member of
    staff with fewer than ``privacy.minimum_base`` customers, and a team with fewer than
    ``privacy.minimum_cell`` known members, is told only as one of ``SMALL``; where that would
    be one alone, the next smallest joins it.

    Parameters
    ----------
    study : Study
    table : DataFrame
        As ``Interactions.table``.
    touchpoint : int, one per row
        Place of its touchpoint among the study's.

    Returns
    -------
    dict
        "team" and "staff" -> (code of each contact, labels, names for readers); only those
        that the log or the study tells of.
    """
    found: dict[str, Named] = {}
    if _tells(table, TEAM):
        found[TEAM] = _code_groups(study, table, _recognise(study, table[TEAM]))
    elif any(t.teams for t in study.touchpoints) or any(s.teams for s in study.stages):
        found[TEAM] = _code_touchpoints(study, touchpoint)
    if _tells(table, STAFF):
        found[STAFF] = _code_groups(study, table, table[STAFF], members=False)
    return found


def _tells(table: pd.DataFrame, column: str) -> bool:
    return column in table and bool(table[column].notna().any())


def _recognise(study: Study, raw: pd.Series) -> pd.Series:
    """Give teams that the study knows their ids."""
    known = {key(label.to(language)): team for team, label in study.teams.items()
             for language in ("en", "fa")} | {key(team): team for team in study.teams}  # fmt: skip
    spelled = {value: known.get(key(value), value) for value in raw.dropna().unique()}
    return raw.map(spelled).astype("str")


def _code_touchpoints(study: Study, touchpoint: npt.NDArray[np.int32]) -> Named:
    stages = {stage.id: stage.teams for stage in study.stages}
    teams = [t.teams or stages.get(t.stage, ()) for t in study.touchpoints]
    several = [" + ".join(some) for some in teams]
    labels = list(dict.fromkeys(label for label in several if label))
    place = {label: i for i, label in enumerate(labels)}
    code = np.array([*(place.get(label, -1) for label in several), -1], dtype=np.int32)
    codes = code[np.minimum(touchpoint, len(code) - 1)]
    names = [" + ".join(study.label(TEAM, team) for team in label.split(" + ")) for label in labels]
    return _name_nobody(codes, labels, names, study.language)


def _code_groups(
    study: Study, table: pd.DataFrame, group: pd.Series, *, members: bool = True
) -> Named:
    codes, values = encode(group)
    customers = encode(table[CUSTOMER].astype("str"))[0]
    served = _count_different(codes, customers, len(values))
    small = served < study.privacy.minimum_base
    if members and _tells(table, STAFF):
        people = encode(table[STAFF])[0]
        small |= _count_different(codes, people, len(values)) < study.privacy.minimum_cell
    if small.sum() == 1 and len(values) > 1:  # or whoever is missing would be known
        small[np.flatnonzero(~small)[np.argmin(served[~small])]] = True
    kept = [str(value) for value in values[~small]]
    place = np.full(len(values) + 1, -1, dtype=np.int32)
    place[:-1][~small] = np.arange(len(kept))
    place[:-1][small] = len(kept)
    names = [study.label(TEAM, label) if members else label for label in kept]
    if small.any():
        names.append(phrase("journeys.small_groups", study.language))
    labels = kept + [SMALL] * bool(small.any())
    return _name_nobody(place[codes], labels, names, study.language)


def _count_different(group: npt.NDArray[Any], who: npt.NDArray[Any], groups: int) -> Any:
    """Count the different ``who`` of each group; what is missing (-1) does not count."""
    known = (group >= 0) & (who >= 0)
    width = int(who.max(initial=0)) + 1
    pairs = pd.unique(group[known].astype(np.int64) * width + who[known])
    return np.bincount(pairs // width, minlength=groups)


def _name_nobody(
    codes: npt.NDArray[np.int32], labels: list[str], names: list[str], language: str
) -> Named:
    if (codes < 0).any():
        codes = np.where(codes < 0, np.int32(len(labels)), codes)
        labels, names = [*labels, NOBODY], [*names, phrase("journeys.nobody", language)]
    return codes, tuple(labels), tuple(names)
