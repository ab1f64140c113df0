"""How many interviews mention a code: never how often one talkative person says it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from cjlib.columns import CODE, CUSTOMER, INTERVIEW, PERSONA, STAGE, TOUCHPOINT, TURN, VALENCE, N
from cjlib.errors import JourneyError, nearest
from cjlib.intervals import Estimate, estimate_share, require_level, unknown
from cjlib.interviews.model import Interviews

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PERSON: Final = "participant"
LANE: Final = "lane"
OF_CODINGS: Final = (STAGE, TOUCHPOINT, VALENCE, LANE)
NO_GROUPS: Final = (INTERVIEW, PERSON, CUSTOMER, "consent")  # columns of people that are no group


@dataclass(frozen=True, slots=True, eq=False)
class CodeCounts:
    """What ``count_codes`` found.

    Attributes
    ----------
    table : DataFrame
        One row per group and code: the group (if any), ``code, mentions`` (who mention it),
        ``turns`` (coded turns), ``estimate`` (mentions / n), ``low, high, level, n, method``.
    by : str
        The grouping column, or an empty text.
    labels : dict of str to str
        Code to its label in the study's language.
    language : "en" or "fa"
    unit : str
        What was counted: "interviews" or "people who wrote".
    """

    table: pd.DataFrame
    by: str
    labels: dict[str, str] = field(default_factory=dict)
    language: str = "en"
    unit: str = "interviews"

    def summary(self) -> str:
        """Return the most widely mentioned code in one sentence."""
        if self.table.empty:
            return "No interview has been coded."
        top = self.table.sort_values("mentions", ascending=False, kind="stable").iloc[0]
        where = f" ({self.by}: {top[self.by]})" if self.by else ""
        by = "in" if self.unit == "interviews" else "by"
        found = f"'{top[CODE]}'{where} is mentioned {by} {top['mentions']} of {top[N]} {self.unit}"
        if pd.isna(top["low"]):
            return f"{found}, too few for a share."
        return f"{found} ({top['estimate']:.0%} [{top['low']:.0%}, {top['high']:.0%}])."

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the share of interviews that mention each code, with intervals."""
        from cjlib import plots

        return plots.draw_code_counts(
            self.table, by=self.by, labels=self.labels, unit=self.unit, language=self.language,
            ax=ax,
        )  # fmt: skip


def count_codes(
    interviews: Interviews,
    *,
    by: str = "",
    personas: pd.Series | None = None,
    level: float = 0.95,
    minimum: int = 5,
) -> CodeCounts:
    """Count the interviews that mention each code.

    An interview mentions a code if any coder gave it to any turn. The base is the
    interviews that were coded at all. Grouped by something of the coding (stage,
    touchpoint, valence) or of the code (lane) the base stays all coded interviews; grouped by
    something of the person it is the participants of that group, and a mention is a
    participant's own turn (in an interview with one participant, any turn).

    Wilson intervals treat the interviews as drawn at random from the customers. Purposely
    chosen interviewees are not; there the interval is a lower bound on the doubt.

    Parameters
    ----------
    interviews : Interviews
    by : str
        "", stage, touchpoint, valence, lane, persona, or a column of ``interviews.people``:
        age, gender, place, language ...
    personas : Series, optional
        Persona by ``customer_id`` (or by ``participant``); needed for ``by="persona"``. Of one
        named twice the last counts.
    level : float, 0 to 1
    minimum : int
        Below this base no share is given. (Interviews are few; the usual survey minimum of
        30 would silence them all, so the interval must tell how little is known.)

    Raises
    ------
    JourneyError
        For an unknown ``by``, or personas that are not given.
    """
    require_level(level, caller="count_codes")
    if by == PERSONA and personas is None:
        raise JourneyError(
            "count_codes: by='persona' needs personas, a Series of personas by customer_id; "
            "got none. Pass personas=personas.members.set_index('customer_id')['persona']."
        )
    codings = interviews.codings
    order = {code: i for i, code in enumerate(interviews.codes[CODE])}
    if by and by not in OF_CODINGS:
        units, marked = mark_by_person(interviews, by, personas, caller="count_codes")
        bases = units.groupby(by)[PERSON].nunique().to_dict()
        unit = PERSON
    else:
        marked = _mark_by_coding(interviews, by) if by else codings
        groups = marked[by].unique() if by else [""]
        bases = dict.fromkeys(groups, int(codings[INTERVIEW].nunique()))
        unit = INTERVIEW
    columns = [by, CODE] if by else [CODE]
    marked = marked.drop_duplicates([INTERVIEW, TURN, *columns])  # two coders, one turn
    counted = marked.groupby(columns, sort=True).agg(
        mentions=(unit, "nunique"), turns=(TURN, "size")
    )  # fmt: skip
    rows = []
    for row in counted.reset_index().to_dict("records"):
        share = _share(int(row["mentions"]), int(bases[row[by] if by else ""]), level, minimum)
        rows.append({str(name): value for name, value in row.items()} | share.as_dict())
    names = [*columns, "mentions", "turns", "estimate", "low", "high", "level", N, "method"]
    table = pd.DataFrame(rows, columns=names)
    table = table.assign(
        _group=table[by].map(_places(by, bases)) if by else 0, _code=table[CODE].map(order)
    )
    table = table.sort_values(
        ["_group", "mentions", "_code"], ascending=[True, False, True], kind="stable"
    )
    labels = {code: interviews.label(code) for code in table[CODE].unique()}
    return CodeCounts(
        table[names].reset_index(drop=True), by, labels, interviews.language, interviews.unit
    )


def mark_by_person(
    interviews: Interviews, by: str, groups: pd.Series | None, *, caller: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the grouped participants of coded interviews, and codings with who spoke.

    ``groups`` (by customer or participant) become the column ``by``; without them it is one
    of ``interviews.people``. People of no known group are left out.
    """
    codings, people = interviews.codings, interviews.people
    if groups is not None:
        known = groups[groups.index.notna() & ~groups.index.duplicated(keep="last")]
        found = people[CUSTOMER].map(known).fillna(people[PERSON].map(known))
        people = people.assign(**{by: found})
    elif by not in people.columns or by in NO_GROUPS:
        own = [str(name) for name in people.columns if name not in NO_GROUPS]
        known_names = [*OF_CODINGS, PERSONA, *own] if caller == "count_codes" else own
        hint = nearest(by, known_names)
        raise JourneyError(
            f"{caller}: by must be one of {', '.join(known_names)}; got {by!r}."
            + (f" Did you mean {hint!r}?" if hint else " Or pass who belongs where.")
        )
    coded = people[people[INTERVIEW].isin(codings[INTERVIEW])]
    units = coded[[INTERVIEW, PERSON, by]].dropna(subset=[by])
    units = units[units[by].astype("string").ne("")]
    spoken = interviews.utterances[[INTERVIEW, TURN, PERSON]]
    marked = codings.merge(spoken, how="left", on=[INTERVIEW, TURN])
    several = coded[INTERVIEW].duplicated(keep=False)
    alone = coded[~several].set_index(INTERVIEW)[PERSON]
    marked[PERSON] = marked[PERSON].fillna(marked[INTERVIEW].map(alone))
    marked = marked.drop(columns=by, errors="ignore")
    return units, marked.merge(units[[PERSON, by]].drop_duplicates(), on=PERSON)


def _mark_by_coding(interviews: Interviews, by: str) -> pd.DataFrame:
    """Codings with a known stage, touchpoint, valence or (of their code) lane."""
    marked = interviews.codings
    if by == LANE:
        if LANE not in interviews.codes.columns:
            raise JourneyError(
                "count_codes: by='lane' needs codes with a lane; the list of codes has no such "
                "column. Add it to codes.csv: pain, need, strength, thought, emotion ..."
            )
        lanes = interviews.codes.drop_duplicates(CODE).set_index(CODE)[LANE]
        marked = marked.assign(**{LANE: marked[CODE].map(lanes)})
        marked = marked[marked[LANE].fillna("").ne("")]
    return marked.dropna(subset=[by])


def _share(mentions: int, base: int, level: float, minimum: int) -> Estimate:
    if base < minimum:
        return unknown(base, level=level, why=f"too few (n < {minimum})")
    return estimate_share(mentions, base, level=level)


def _places(by: str, bases: dict[Any, int]) -> dict[Any, int]:
    return {group: i for i, group in enumerate(sorted(bases))} if by else {}
